//! What an expression yields in every row, as far as the template alone shows: text, a number, a list.

use minijinja::machinery::ast::{BinOpKind, CallArg, Expr, Filter, UnaryOpKind};
use minijinja::value::ValueKind;

/// What an expression yields in every row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    /// True, false or none.
    Truth,
    /// A list of texts.
    Texts,
    /// One kind in this row and another in that, or unknown.
    Mixed,
}

impl Kind {
    /// What an expression yields. A name is a cell, and a cell is text.
    pub(super) fn of(expression: &Expr<'_>) -> Self {
        match expression {
            Expr::Const(constant) => match constant.value.kind() {
                ValueKind::Number => Self::Number,
                ValueKind::String => Self::Text,
                _ => Self::Truth,
            },
            Expr::Var(_) | Expr::GetAttr(_) | Expr::GetItem(_) => Self::Text,
            Expr::Slice(slice) => Self::of(&slice.expr),
            Expr::UnaryOp(operation) => match operation.op {
                UnaryOpKind::Neg => Self::Number,
                UnaryOpKind::Not => Self::Truth,
            },
            Expr::BinOp(operation) => match operation.op {
                BinOpKind::ScAnd | BinOpKind::ScOr => {
                    Self::of(&operation.left).or(Self::of(&operation.right))
                }
                BinOpKind::Concat => Self::Text,
                BinOpKind::Add
                | BinOpKind::Sub
                | BinOpKind::Mul
                | BinOpKind::Div
                | BinOpKind::FloorDiv
                | BinOpKind::Rem
                | BinOpKind::Pow => Self::Number,
                _ => Self::Truth,
            },
            Expr::IfExpr(choice) => {
                // Without `else` it is empty: like a text, unlike a number.
                let otherwise = choice.false_expr.as_ref();
                Self::of(&choice.true_expr).or(otherwise.map_or(Self::Text, Self::of))
            }
            Expr::Filter(filter) => Self::of_filter(filter),
            Expr::Compare(_) | Expr::Test(_) => Self::Truth,
            Expr::List(_) | Expr::Tuple(_) | Expr::Map(_) | Expr::Call(_) => Self::Mixed,
        }
    }

    fn of_filter(filter: &Filter<'_>) -> Self {
        let value = filter.expr.as_ref().map_or(Self::Mixed, Self::of);
        let argument = filter.args.first().map(|first| Self::of(value_of(first)));
        match filter.name {
            "count" | "length" | "abs" | "round" => Self::Number,
            // The argument is what they give for a cell that is no number.
            "int" | "float" => Self::Number.or(argument.unwrap_or(Self::Number)),
            "default" | "d" => value.or(argument.unwrap_or(Self::Text)),
            "first" | "last" => value.element(),
            "lines" | "split" => Self::Texts,
            _ => Self::Text,
        }
    }

    /// What it is where it is one or the other.
    fn or(self, other: Self) -> Self {
        if self == other { self } else { Self::Mixed }
    }

    /// What it consists of.
    pub(super) fn element(self) -> Self {
        match self {
            Self::Text | Self::Texts => Self::Text,
            _ => Self::Mixed,
        }
    }
}

/// The expression of an argument.
pub(super) fn value_of<'e, 'src>(argument: &'e CallArg<'src>) -> &'e Expr<'src> {
    match argument {
        CallArg::Pos(value)
        | CallArg::Kwarg(_, value)
        | CallArg::PosSplat(value)
        | CallArg::KwargSplat(value) => value,
    }
}
