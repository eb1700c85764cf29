//! Checks every name, filter and comparison of a tag before the first row, so that an error is reported once and not for every
//! row.
//!
//! A message is written in a part of Jinja: placeholders with filters, and conditions. Functions, methods and maps have no
//! place in it. A cell is text, and text compares with a number wrongly and in silence (`"900" >= 1000` is true): so numbers
//! compare and calculate only with what is visibly a number, as `amount|float` is.

use minijinja::machinery::Span;
use minijinja::machinery::ast::{BinOpKind, CallArg, CompareOpKind, Expr, UnaryOpKind};

use super::date;
use super::error::TemplateError;
use super::kind::{Kind, value_of};
use super::names::{ColumnNames, no_such};

/// Filters that make sense in a message. None takes the name of a filter or test as text, which would
/// evade the check.
pub(super) const FILTERS: &[&str] = &[
    "abs",
    "capitalize",
    "count",
    "d",
    "date",
    "default",
    "first",
    "first_word",
    "float",
    "format",
    "int",
    "join",
    "last",
    "length",
    "lines",
    "lower",
    "money",
    "replace",
    "round",
    "split",
    "string",
    "title",
    "trim",
    "upper",
];

/// Filters that take a number.
const FILTERS_OF_NUMBERS: &[&str] = &["abs", "round"];

/// Tests, as in `name is defined`.
pub(super) const TESTS: &[&str] = &["defined", "undefined", "startingwith", "endingwith"];

type Checked = Result<(), TemplateError>;

/// Checks an expression. It is written as `source` and begins in this line of the template.
pub(super) fn check(
    expression: &Expr<'_>,
    source: &str,
    line: usize,
    names: &ColumnNames,
) -> Checked {
    let check = Check {
        source,
        line,
        names,
    };
    check.expression(expression)
}

/// The column that an expression is, unchanged: `name`, `row.Name` or `row["Name"]`.
pub(super) fn column(expression: &Expr<'_>, names: &ColumnNames) -> Option<usize> {
    let (name, by_header, _) = named(expression)?;
    names.position(name, by_header)
}

/// The name that an expression is, whether it may be a header, and where it stands.
fn named<'e>(expression: &'e Expr<'_>) -> Option<(&'e str, bool, Span)> {
    match expression {
        Expr::Var(variable) if variable.id != "row" => Some((variable.id, false, variable.span())),
        Expr::GetAttr(part) if is_row(&part.expr) => Some((part.name, true, part.span())),
        Expr::GetItem(item) if is_row(&item.expr) => match &item.subscript_expr {
            Expr::Const(key) => Some((key.value.as_str()?, true, item.span())),
            _ => None,
        },
        _ => None,
    }
}

fn is_row(expression: &Expr<'_>) -> bool {
    matches!(expression, Expr::Var(variable) if variable.id == "row")
}

struct Check<'a> {
    source: &'a str,
    line: usize,
    names: &'a ColumnNames,
}

impl Check<'_> {
    fn expression(&self, expression: &Expr<'_>) -> Checked {
        if let Some((name, by_header, span)) = named(expression) {
            return self.column(name, by_header, span);
        }
        match expression {
            Expr::Const(constant) => self.constant(constant.span()),
            Expr::Slice(slice) => {
                self.expression(&slice.expr)?;
                self.each(slice.start.iter().chain(&slice.stop).chain(&slice.step))
            }
            Expr::UnaryOp(operation) => {
                if matches!(operation.op, UnaryOpKind::Neg) {
                    self.must_be_number(&operation.expr)?;
                }
                self.expression(&operation.expr)
            }
            Expr::BinOp(operation) => {
                self.expression(&operation.left)?;
                self.operation(operation.op, &operation.left, &operation.right)
            }
            Expr::Compare(comparison) => {
                let mut left = &comparison.expr;
                self.expression(left)?;
                for next in &comparison.ops {
                    self.operation(as_operator(next.op), left, &next.expr)?;
                    left = &next.expr;
                }
                Ok(())
            }
            Expr::IfExpr(choice) => {
                self.expression(&choice.test_expr)?;
                self.expression(&choice.true_expr)?;
                self.each(&choice.false_expr)
            }
            Expr::Filter(filter) => {
                self.known("filter", filter.name, FILTERS, filter.span())?;
                if let Some(value) = &filter.expr {
                    if FILTERS_OF_NUMBERS.contains(&filter.name) {
                        self.must_be_number(value)?;
                    }
                    self.expression(value)?;
                }
                self.arguments(filter.name, &filter.args, filter.span())
            }
            Expr::Test(test) => {
                self.known("test", test.name, TESTS, test.span())?;
                self.expression(&test.expr)?;
                self.arguments(test.name, &test.args, test.span())
            }
            other => self.out_of_place(other),
        }
    }

    fn each<'e, 's: 'e>(&self, expressions: impl IntoIterator<Item = &'e Expr<'s>>) -> Checked {
        expressions
            .into_iter()
            .try_for_each(|expression| self.expression(expression))
    }

    /// What can be parsed, but has no place in a message.
    fn out_of_place(&self, expression: &Expr<'_>) -> Checked {
        let what = match expression {
            Expr::Var(_) => "row is the whole row; write row[\"...\"] with a column's header",
            Expr::GetAttr(part) => {
                let what = match self.names.of_field(part.name) {
                    Some(position) => {
                        let (name, title) =
                            (self.names.written(position), self.names.header(position));
                        format!("write {name} for the column \"{title}\"; only row has parts")
                    }
                    None => "only row has parts; a cell is text".to_owned(),
                };
                return Err(self.error(part.span(), what));
            }
            Expr::GetItem(_) => {
                "only row[\"...\"] takes brackets; write |first or |last, or a slice such as [:10]"
            }
            Expr::List(_) | Expr::Tuple(_) => {
                "a list is only allowed after in, as in town in [\"Ipoh\", \"Taiping\"]; join texts with ~"
            }
            Expr::Map(_) => "{...} has no place in a message",
            _ => "there are no functions in a message; use a filter, as in name|upper",
        };
        Err(self.error(expression.span(), what))
    }

    /// The arguments of a filter or test, as far as they can be checked before the first row.
    fn arguments(&self, name: &str, arguments: &[CallArg<'_>], span: Span) -> Checked {
        self.each(arguments.iter().map(value_of))?;
        // What looks into a text looks for a text: as a number, `012` is `12`.
        let texts = match name {
            "startingwith" | "endingwith" | "replace" => arguments,
            "join" | "split" => &arguments[..arguments.len().min(1)],
            _ => &[],
        };
        let mut texts = texts.iter().map(value_of);
        if let Some(number) = texts.find(|text| Kind::of(text) != Kind::Text) {
            let what =
                format!("{name} takes a text, not a number; write it in quotes: {name}(\"012\")");
            return Err(self.error(number.span(), what));
        }
        match (name, arguments) {
            ("money" | "first_word", [_, ..]) => {
                Err(self.error(span, format!("{name} takes nothing in brackets")))
            }
            ("date", [CallArg::Pos(Expr::Const(format))]) => match format.value.as_str() {
                Some(format) => date::check_format(format).map_err(|what| self.error(span, what)),
                None => Err(self.error(span, date::HOW)),
            },
            ("date", [] | [CallArg::Pos(_)]) => Ok(()),
            ("date", _) => Err(self.error(span, date::HOW)),
            _ => Ok(()),
        }
    }

    /// A column can have the name of a word (`none`), which would be written into every message instead of its cells.
    fn constant(&self, span: Span) -> Checked {
        let place = span.start_offset as usize..span.end_offset as usize;
        let word = self.source.get(place).unwrap_or_default();
        match self.names.meant(word) {
            Some(position) if word.starts_with(char::is_alphabetic) => Err(self.error(
                span,
                format!(
                    "{word} is a word of the language; write {} for the column",
                    self.names.written(position)
                ),
            )),
            _ => Ok(()),
        }
    }

    fn column(&self, name: &str, by_header: bool, span: Span) -> Checked {
        let position = self.names.position(name, by_header);
        position
            .map(drop)
            .ok_or_else(|| self.error(span, self.names.unknown(name)))
    }

    /// An operator and its right operand; the left one is checked already. Order and arithmetic need two numbers, an equation
    /// needs two of one kind.
    fn operation(&self, operator: BinOpKind, left: &Expr<'_>, right: &Expr<'_>) -> Checked {
        self.not_two_texts(left, right)?;
        match operator {
            BinOpKind::ScAnd | BinOpKind::ScOr | BinOpKind::Concat => {}
            BinOpKind::In => return self.member(left, right),
            BinOpKind::Eq | BinOpKind::Ne => self.alike(left, Kind::of(left), right)?,
            _ => {
                self.must_be_number(left)?;
                self.must_be_number(right)?;
            }
        }
        self.expression(right)
    }

    /// Two texts of the template give the same in every row; the name of a column in quotes is one of them.
    fn not_two_texts(&self, left: &Expr<'_>, right: &Expr<'_>) -> Checked {
        let (Expr::Const(one), Expr::Const(other)) = (left, right) else {
            return Ok(());
        };
        for text in [one, other] {
            let column = text.value.as_str().and_then(|text| self.names.meant(text));
            if let Some(position) = column {
                let (name, title) = (self.names.written(position), self.names.header(position));
                let what = format!(
                    "what stands in quotes is no column; write {name} for the column \"{title}\""
                );
                return Err(self.error(text.span(), what));
            }
        }
        Ok(())
    }

    fn member(&self, left: &Expr<'_>, right: &Expr<'_>) -> Checked {
        let items = match right {
            Expr::List(list) => &list.items,
            Expr::Tuple(tuple) => &tuple.items,
            _ => {
                self.alike(right, Kind::of(right).element(), left)?;
                return self.expression(right);
            }
        };
        for item in items {
            self.expression(item)?;
            self.alike(item, Kind::of(item), left)?;
        }
        Ok(())
    }

    /// `kind` is what of the one is compared with the other.
    fn alike(&self, one: &Expr<'_>, kind: Kind, other: &Expr<'_>) -> Checked {
        let kinds = (kind, Kind::of(other));
        let truth = "a cell is text, never true, false or none; compare it with a text, as in vip == \"TRUE\"";
        let mixed = "what may be text in one row and something else in another compares with nothing; \
                     write |string or |float behind it";
        match kinds {
            // Values of different kinds are never equal, whatever they show.
            (left, right) if left == right && left != Kind::Mixed => Ok(()),
            (Kind::Number, _) => self.must_be_number(other),
            (_, Kind::Number) => self.must_be_number(one),
            (Kind::Truth, Kind::Text) => Err(self.error(one.span(), truth)),
            (Kind::Text, Kind::Truth) => Err(self.error(other.span(), truth)),
            _ => Err(self.error(one.span(), mixed)),
        }
    }

    fn must_be_number(&self, expression: &Expr<'_>) -> Checked {
        if Kind::of(expression) == Kind::Number {
            return Ok(());
        }
        let what = match expression {
            Expr::Var(variable) => format!("{0} is text; write {0}|float to compare or calculate with it", variable.id),
            _ => "text cannot be compared or calculated with as a number; write |float behind it, in brackets where needed, \
                  and join texts with ~"
                .to_owned(),
        };
        Err(self.error(expression.span(), what))
    }

    fn known(&self, kind: &str, name: &str, all: &[&str], span: Span) -> Checked {
        if all.contains(&name) {
            return Ok(());
        }
        Err(self.error(span, no_such(kind, name, all)))
    }

    fn error(&self, span: Span, what: impl Into<String>) -> TemplateError {
        TemplateError::new(self.line + usize::from(span.start_line) - 1, what)
    }
}

fn as_operator(comparison: CompareOpKind) -> BinOpKind {
    match comparison {
        CompareOpKind::Eq => BinOpKind::Eq,
        CompareOpKind::Ne => BinOpKind::Ne,
        CompareOpKind::Lt => BinOpKind::Lt,
        CompareOpKind::Lte => BinOpKind::Lte,
        CompareOpKind::Gt => BinOpKind::Gt,
        CompareOpKind::Gte => BinOpKind::Gte,
        CompareOpKind::In | CompareOpKind::NotIn => BinOpKind::In,
    }
}
