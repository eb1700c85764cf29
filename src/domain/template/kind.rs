//! What an expression yields, as far as the template alone tells: text, a number, a list. It does not know the columns: a
//! name that the template does not set is a cell, and a cell is text.

use minijinja::machinery::ast::{BinOpKind, CallArg, Expr, Filter, UnaryOpKind};
use minijinja::value::ValueKind;

/// What a loop knows about itself that is a number.
const LOOP_NUMBERS: &[&str] = &["index", "index0", "revindex", "revindex0", "length"];

/// What an expression yields in every row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    /// True, false or none.
    Truth,
    /// Things of one kind.
    List(Box<Kind>),
    /// One kind in this row and another in that, or not known.
    Mixed,
}

impl Kind {
    /// What it is where it is one or the other.
    fn or(self, other: &Self) -> Self {
        if self == *other { self } else { Self::Mixed }
    }

    /// What it consists of.
    pub(super) fn element(self) -> Self {
        match self {
            Self::Text => Self::Text,
            Self::List(items) => *items,
            _ => Self::Mixed,
        }
    }

    /// Whether all of it is known.
    fn is_certain(&self) -> bool {
        match self {
            Self::Mixed => false,
            Self::List(items) => items.is_certain(),
            _ => true,
        }
    }

    /// Whether two of these kinds can be asked for being equal: what is not of one kind is never equal, whatever it reads.
    pub(super) fn compares_with(&self, other: &Self) -> bool {
        self == other && self.is_certain()
    }
}

/// The variables that a template has set, innermost block last.
#[derive(Clone, Debug)]
pub(super) struct Scope<'src> {
    blocks: Vec<Vec<(&'src str, Kind)>>,
    /// Names that are something else than a cell's text where one way was taken, and a cell where it was not.
    loose: Vec<&'src str>,
}

impl<'src> Scope<'src> {
    /// Before anything is set.
    pub(super) fn new() -> Self {
        Self {
            blocks: vec![Vec::new()],
            loose: Vec::new(),
        }
    }

    /// Begins a block whose variables end with it.
    pub(super) fn enter(&mut self) {
        self.blocks.push(Vec::new());
    }

    /// Ends it.
    pub(super) fn leave(&mut self) {
        self.blocks.pop();
    }

    /// Sets what a `set`, `for` or `with` names; false where that is no name.
    pub(super) fn assign(&mut self, target: &Expr<'src>, kind: Kind) -> bool {
        match target {
            Expr::Var(variable) => {
                self.set(variable.id, kind);
                true
            }
            Expr::List(list) => self.assign_each(&list.items, &kind.element()),
            Expr::Tuple(tuple) => self.assign_each(&tuple.items, &kind.element()),
            _ => false,
        }
    }

    fn assign_each(&mut self, targets: &[Expr<'src>], kind: &Kind) -> bool {
        targets
            .iter()
            .all(|target| self.assign(target, kind.clone()))
    }

    /// Sets a variable of the innermost block.
    pub(super) fn set(&mut self, name: &'src str, kind: Kind) {
        let Some(block) = self.blocks.last_mut() else {
            return;
        };
        block.retain(|(known, _)| *known != name);
        block.push((name, kind));
    }

    /// Whether a name is a variable, on every way that leads here.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.kind_of_variable(name).is_some()
    }

    fn kind_of_variable(&self, name: &str) -> Option<&Kind> {
        let mut variables = self.blocks.iter().rev().flatten();
        let found = variables.find(|(known, _)| *known == name);
        found.map(|(_, kind)| kind)
    }

    /// Goes on where this way and another one meet. What only one of them sets may not be there.
    pub(super) fn meet(&mut self, other: Self) {
        self.loose.extend(other.loose);
        for (block, other) in self.blocks.iter_mut().zip(other.blocks) {
            let mut both = Vec::new();
            for (name, kind) in block.iter().chain(&other) {
                let of = |variables: &[(&str, Kind)]| {
                    let mut found = variables.iter().filter(|(known, _)| known == name);
                    found.next().map(|(_, kind)| kind.clone())
                };
                match (of(block), of(&other)) {
                    (Some(here), Some(there)) => both.push((*name, here.or(&there))),
                    _ if *kind != Kind::Text => self.loose.push(name),
                    _ => {}
                }
            }
            *block = both;
        }
    }

    /// What an expression yields.
    pub(super) fn kind(&self, expression: &Expr<'_>) -> Kind {
        match expression {
            Expr::Const(constant) => match constant.value.kind() {
                ValueKind::Number => Kind::Number,
                ValueKind::String => Kind::Text,
                _ => Kind::Truth,
            },
            Expr::Var(variable) => match self.kind_of_variable(variable.id) {
                Some(kind) => kind.clone(),
                None if self.loose.contains(&variable.id) => Kind::Mixed,
                None => Kind::Text,
            },
            Expr::Slice(slice) => self.kind(&slice.expr),
            Expr::UnaryOp(operation) => match operation.op {
                UnaryOpKind::Neg => Kind::Number,
                UnaryOpKind::Not => Kind::Truth,
            },
            Expr::BinOp(operation) => match operation.op {
                BinOpKind::ScAnd | BinOpKind::ScOr => {
                    self.kind(&operation.left).or(&self.kind(&operation.right))
                }
                BinOpKind::Concat => Kind::Text,
                BinOpKind::Add
                | BinOpKind::Sub
                | BinOpKind::Mul
                | BinOpKind::Div
                | BinOpKind::FloorDiv
                | BinOpKind::Rem
                | BinOpKind::Pow => Kind::Number,
                _ => Kind::Truth,
            },
            Expr::IfExpr(choice) => {
                // Without `else` it is empty: like a text, unlike a number.
                let otherwise = choice.false_expr.as_ref();
                let otherwise = otherwise.map_or(Kind::Text, |expression| self.kind(expression));
                self.kind(&choice.true_expr).or(&otherwise)
            }
            Expr::Filter(filter) => self.kind_of_filter(filter),
            Expr::GetAttr(part) => match &part.expr {
                Expr::Var(variable) if self.is_set(variable.id) => {
                    if LOOP_NUMBERS.contains(&part.name) {
                        Kind::Number
                    } else {
                        Kind::Truth
                    }
                }
                _ => Kind::Text,
            },
            Expr::GetItem(_) => Kind::Text,
            Expr::List(list) => self.kind_of_list(&list.items),
            Expr::Tuple(tuple) => self.kind_of_list(&tuple.items),
            Expr::Compare(_) | Expr::Test(_) => Kind::Truth,
            Expr::Map(_) | Expr::Call(_) => Kind::Mixed,
        }
    }

    fn kind_of_list(&self, items: &[Expr<'_>]) -> Kind {
        let items = items
            .iter()
            .map(|item| self.kind(item))
            .reduce(|one, other| one.or(&other));
        Kind::List(Box::new(items.unwrap_or(Kind::Text)))
    }

    fn kind_of_filter(&self, filter: &Filter<'_>) -> Kind {
        let value = || {
            filter
                .expr
                .as_ref()
                .map_or(Kind::Mixed, |value| self.kind(value))
        };
        let otherwise = filter.args.first().map(|first| self.kind(value_of(first)));
        match filter.name {
            "count" | "length" | "abs" | "round" => Kind::Number,
            // What they give for a cell that is no number.
            "int" | "float" => Kind::Number.or(&otherwise.unwrap_or(Kind::Number)),
            "default" | "d" => value().or(&otherwise.unwrap_or(Kind::Text)),
            "first" | "last" => value().element(),
            "list" => Kind::List(Box::new(value().element())),
            "lines" | "split" => Kind::List(Box::new(Kind::Text)),
            "reverse" => value(),
            _ => Kind::Text,
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
