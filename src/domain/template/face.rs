//! Which face of a cell each place of an expression gets: what the sheet shows, where the cell is printed; the value that it
//! holds, where a filter or a comparison reads it.

use minijinja::Value;
use minijinja::machinery::Span;
use minijinja::machinery::ast::{
    BinOp, BinOpKind, CallArg, Compare, CompareOp, Const, Expr, Filter, GetItem, IfExpr, List,
    Slice, Spanned, Test, Tuple, UnaryOp, UnaryOpKind, Var,
};

use super::check;
use super::names::ColumnNames;

/// What of a cell is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    /// Its text as the sheet shows it.
    Shown,
    /// Its value as text.
    Held,
    /// Its value, as a number if it certainly is one.
    Amount,
    /// Its value, with the order of day and month that its column has.
    Date,
    /// Whether it is filled. A value that says no, such as `FALSE`, is an error.
    Truth,
}

impl Face {
    /// The face of what only a part is used of: that is no longer what the column holds.
    fn of_part(self) -> Self {
        match self {
            Self::Shown => Self::Shown,
            Self::Held | Self::Amount | Self::Date | Self::Truth => Self::Held,
        }
    }
}

/// The cells that an expression uses: the position of the column, and which face of the cell.
pub(super) type Slots = Vec<(usize, Face)>;

/// The name by which an expression looks up its slots.
pub(super) const SLOTS: &str = "row";

/// The same expression with each column replaced by its slot, `row[0]`, which is added to the slots. `face`: what becomes of its
/// value.
pub(super) fn with_slots<'a>(
    expression: &Expr<'a>,
    face: Face,
    names: &ColumnNames,
    slots: &mut Slots,
) -> Expr<'a> {
    Rewriter { names, slots }.expression(expression, face)
}

struct Rewriter<'r> {
    names: &'r ColumnNames,
    slots: &'r mut Slots,
}

impl Rewriter<'_> {
    fn expression<'a>(&mut self, expression: &Expr<'a>, face: Face) -> Expr<'a> {
        let span = expression.span();
        if let Some(position) = check::column(expression, self.names) {
            return self.slot((position, face), span);
        }
        match expression {
            Expr::Slice(slice) => {
                let slice = Slice {
                    expr: self.expression(&slice.expr, face.of_part()),
                    start: self.optional(slice.start.as_ref(), Face::Held),
                    stop: self.optional(slice.stop.as_ref(), Face::Held),
                    step: self.optional(slice.step.as_ref(), Face::Held),
                };
                Expr::Slice(Spanned::new(slice, span))
            }
            Expr::UnaryOp(operation) => {
                let (op, face) = match operation.op {
                    UnaryOpKind::Not => (UnaryOpKind::Not, Face::Truth),
                    UnaryOpKind::Neg => (UnaryOpKind::Neg, Face::Held),
                };
                let operation = UnaryOp {
                    op,
                    expr: self.expression(&operation.expr, face),
                };
                Expr::UnaryOp(Spanned::new(operation, span))
            }
            Expr::BinOp(operation) => {
                let face = match operation.op {
                    BinOpKind::ScAnd | BinOpKind::ScOr => face,
                    // Joining texts prints them.
                    BinOpKind::Concat => Face::Shown,
                    _ => Face::Held,
                };
                let operation = BinOp {
                    op: operation.op,
                    left: self.expression(&operation.left, face),
                    right: self.expression(&operation.right, face),
                };
                Expr::BinOp(Spanned::new(operation, span))
            }
            Expr::Compare(comparison) => {
                let comparison = Compare {
                    expr: self.expression(&comparison.expr, Face::Held),
                    ops: comparison
                        .ops
                        .iter()
                        .map(|next| CompareOp {
                            op: next.op,
                            expr: self.expression(&next.expr, Face::Held),
                        })
                        .collect(),
                };
                Expr::Compare(Spanned::new(comparison, span))
            }
            Expr::IfExpr(choice) => {
                let choice = IfExpr {
                    test_expr: self.expression(&choice.test_expr, Face::Truth),
                    true_expr: self.expression(&choice.true_expr, face),
                    false_expr: self.optional(choice.false_expr.as_ref(), face),
                };
                Expr::IfExpr(Spanned::new(choice, span))
            }
            Expr::Filter(filter) => Expr::Filter(Spanned::new(self.filter(filter, face), span)),
            Expr::Test(test) => {
                let test = Test {
                    name: test.name,
                    expr: self.expression(&test.expr, Face::Held),
                    args: self.arguments(&test.args, Face::Held),
                };
                Expr::Test(Spanned::new(test, span))
            }
            Expr::List(list) => {
                let items = self.each(&list.items, Face::Held);
                Expr::List(Spanned::new(List { items }, span))
            }
            Expr::Tuple(tuple) => {
                let items = self.each(&tuple.items, Face::Held);
                Expr::Tuple(Spanned::new(Tuple { items }, span))
            }
            Expr::Const(constant) => constant_of(constant.value.clone(), span),
            // The check refuses these.
            Expr::Var(_) | Expr::GetAttr(_) | Expr::GetItem(_) | Expr::Call(_) | Expr::Map(_) => {
                constant_of(Value::UNDEFINED, span)
            }
        }
    }

    fn filter<'a>(&mut self, filter: &Filter<'a>, face: Face) -> Filter<'a> {
        let (value, arguments) = match filter.name {
            // What they return is the value itself, or the other.
            "default" | "d" => (face, face),
            "money" => (Face::Amount, Face::Held),
            "date" => (Face::Date, Face::Held),
            _ => (Face::Held, Face::Held),
        };
        Filter {
            name: filter.name,
            expr: self.optional(filter.expr.as_ref(), value),
            args: self.arguments(&filter.args, arguments),
        }
    }

    fn arguments<'a>(&mut self, arguments: &[CallArg<'a>], face: Face) -> Vec<CallArg<'a>> {
        let argument = |argument: &CallArg<'a>| match argument {
            CallArg::Pos(value) => CallArg::Pos(self.expression(value, face)),
            CallArg::Kwarg(name, value) => CallArg::Kwarg(name, self.expression(value, face)),
            CallArg::PosSplat(value) => CallArg::PosSplat(self.expression(value, face)),
            CallArg::KwargSplat(value) => CallArg::KwargSplat(self.expression(value, face)),
        };
        arguments.iter().map(argument).collect()
    }

    fn each<'a>(&mut self, expressions: &[Expr<'a>], face: Face) -> Vec<Expr<'a>> {
        expressions
            .iter()
            .map(|expression| self.expression(expression, face))
            .collect()
    }

    fn optional<'a>(&mut self, expression: Option<&Expr<'a>>, face: Face) -> Option<Expr<'a>> {
        expression.map(|expression| self.expression(expression, face))
    }

    fn slot<'a>(&mut self, slot: (usize, Face), span: Span) -> Expr<'a> {
        let known = self.slots.iter().position(|known| *known == slot);
        let index = known.unwrap_or_else(|| {
            self.slots.push(slot);
            self.slots.len() - 1
        });
        let look_up = GetItem {
            expr: Expr::Var(Spanned::new(Var { id: SLOTS }, span)),
            subscript_expr: constant_of(Value::from(index), span),
        };
        Expr::GetItem(Spanned::new(look_up, span))
    }
}

fn constant_of<'a>(value: Value, span: Span) -> Expr<'a> {
    Expr::Const(Spanned::new(Const { value }, span))
}
