//! What a message may be written with: every name, filter and comparison of a template is checked before
//! the first row, so that a mistake is one sentence and not a fault in every row. It does not render.
//!
//! The language is a part of Jinja: placeholders with filters, `if`, `for`, `set`, `with`. The rest (other
//! templates, macros, functions, methods, HTML) has no place in a message. A cell is text, and text
//! compares with a number wrongly and in silence (`"900" >= 1000` is true): so numbers compare and reckon
//! only with what is visibly a number, as `amount|float` is.

use std::collections::BTreeSet;

use minijinja::machinery::Span;
use minijinja::machinery::ast::{BinOpKind, CallArg, CompareOpKind, Expr, Stmt, UnaryOpKind};

use super::kind::{Kind, Scope, value_of};
use super::names::no_such;
use super::{Names, TemplateError, date, mistakes, portal};

/// Filters that make sense in a message. None takes the name of a filter or test as text, which would
/// go round the check.
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
    "list",
    "lower",
    "money",
    "replace",
    "reverse",
    "round",
    "split",
    "string",
    "title",
    "trim",
    "upper",
];

/// Filters that want a number.
const FILTERS_OF_NUMBERS: &[&str] = &["abs", "round"];

/// Tests, as in `name is defined`.
pub(super) const TESTS: &[&str] = &["defined", "undefined", "startingwith", "endingwith"];

/// What a loop knows about itself.
const LOOP: &[&str] = &[
    "index",
    "index0",
    "revindex",
    "revindex0",
    "length",
    "first",
    "last",
];

/// What a template names.
pub(super) struct Found {
    /// The positions of the columns that it uses.
    pub(super) used: BTreeSet<usize>,
    /// Whether it names one of them as `%name%`.
    pub(super) references: bool,
}

/// What the template with this tree names, or its first mistake.
pub(super) fn check(tree: &Stmt<'_>, source: &str, names: &Names) -> Result<Found, TemplateError> {
    let mut check = Check {
        source,
        names,
        found: Found {
            used: BTreeSet::new(),
            references: false,
        },
        scope: Scope::new(),
    };
    check.statement(tree)?;
    Ok(check.found)
}

struct Check<'a, 'src> {
    source: &'a str,
    names: &'a Names,
    found: Found,
    scope: Scope<'src>,
}

type Checked = Result<(), TemplateError>;

impl<'src> Check<'_, 'src> {
    fn block(&mut self, statements: &[Stmt<'src>]) -> Checked {
        statements
            .iter()
            .try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Stmt<'src>) -> Checked {
        match statement {
            Stmt::Template(template) => self.block(&template.children),
            Stmt::EmitRaw(literal) => {
                self.literal(literal.raw, literal.span());
                Ok(())
            }
            Stmt::EmitExpr(emit) => self.whole(&emit.expr),
            Stmt::IfCond(condition) => {
                self.whole(&condition.expr)?;
                let before = self.scope.clone();
                self.block(&condition.true_body)?;
                let if_true = std::mem::replace(&mut self.scope, before);
                self.block(&condition.false_body)?;
                self.scope.meet(if_true);
                Ok(())
            }
            Stmt::ForLoop(each) => {
                self.expression(&each.iter)?;
                let item = self.scope.kind(&each.iter).element();
                self.scope.enter();
                self.scope.set("loop", Kind::Mixed);
                self.assign(&each.target, item)?;
                self.optional(each.filter_expr.as_ref())?;
                self.block(&each.body)?;
                self.scope.leave();
                self.block(&each.else_body)
            }
            Stmt::WithBlock(with) => {
                self.scope.enter();
                for (target, value) in &with.assignments {
                    self.expression(value)?;
                    self.assign(target, self.scope.kind(value))?;
                }
                self.block(&with.body)?;
                self.scope.leave();
                Ok(())
            }
            Stmt::Set(set) => {
                self.expression(&set.expr)?;
                self.assign(&set.target, self.scope.kind(&set.expr))
            }
            other => Err(refused(
                span_of(other),
                "a message is written with {{ ... }}, {% if %}, {% for %}, {% set %} and {% with %} only",
            )),
        }
    }

    fn literal(&mut self, literal: &str, span: Span) {
        if !literal.contains('%') || portal::is_raw(self.source, span.start_offset as usize) {
            return;
        }
        for piece in portal::pieces(literal, self.names) {
            self.found.references |= piece.column.is_some();
            self.found.used.extend(piece.column);
        }
    }

    /// An expression as it stands in a tag: perhaps the header of a column, which happens to be one.
    fn whole(&mut self, expression: &Expr<'src>) -> Checked {
        self.expression(expression).map_err(|fault| {
            mistakes::header_as_written(self.source, expression.span(), self.names).unwrap_or(fault)
        })
    }

    fn assign(&mut self, target: &Expr<'src>, kind: Kind) -> Checked {
        if self.scope.assign(target, kind) {
            return Ok(());
        }
        Err(refused(target.span(), "this cannot be set"))
    }

    fn optional(&mut self, expression: Option<&Expr<'src>>) -> Checked {
        expression.map_or(Ok(()), |expression| self.expression(expression))
    }

    fn expression(&mut self, expression: &Expr<'src>) -> Checked {
        match expression {
            Expr::Const(constant) => self.constant(constant.span()),
            Expr::Var(variable) => self.variable(variable.id, variable.span()),
            Expr::Slice(slice) => {
                self.expression(&slice.expr)?;
                self.optional(slice.start.as_ref())?;
                self.optional(slice.stop.as_ref())?;
                self.optional(slice.step.as_ref())
            }
            Expr::UnaryOp(operation) => {
                if matches!(operation.op, UnaryOpKind::Neg) {
                    self.must_be_number(&operation.expr)?;
                }
                self.expression(&operation.expr)
            }
            Expr::BinOp(operation) => {
                self.operands(operation.op, &operation.left, &operation.right)?;
                self.expression(&operation.left)?;
                self.expression(&operation.right)
            }
            Expr::Compare(comparison) => {
                let mut left = &comparison.expr;
                self.expression(left)?;
                for next in &comparison.ops {
                    self.operands(as_operator(next.op), left, &next.expr)?;
                    self.expression(&next.expr)?;
                    left = &next.expr;
                }
                Ok(())
            }
            Expr::IfExpr(choice) => {
                self.expression(&choice.test_expr)?;
                self.expression(&choice.true_expr)?;
                self.optional(choice.false_expr.as_ref())
            }
            Expr::Filter(filter) => {
                known("filter", "filters", filter.name, FILTERS, filter.span())?;
                if FILTERS_OF_NUMBERS.contains(&filter.name)
                    && let Some(value) = &filter.expr
                {
                    self.must_be_number(value)?;
                }
                self.optional(filter.expr.as_ref())?;
                self.arguments(&filter.args)?;
                self.texts(filter.name, &filter.args)?;
                own_arguments(filter.name, &filter.args, filter.span())
            }
            Expr::Test(test) => {
                known("test", "tests", test.name, TESTS, test.span())?;
                self.expression(&test.expr)?;
                self.arguments(&test.args)?;
                self.texts(test.name, &test.args)
            }
            Expr::GetAttr(part) => self.part(&part.expr, part.name, part.span()),
            Expr::GetItem(item) => match &item.subscript_expr {
                Expr::Const(key) if self.is_row(&item.expr) && key.value.as_str().is_some() => {
                    self.column(key.value.as_str().unwrap_or_default(), true, item.span())
                }
                _ => Err(refused(
                    item.span(),
                    "only row[\"...\"] takes brackets; write |first or |last, or a slice such as [:10]",
                )),
            },
            Expr::List(list) => list.items.iter().try_for_each(|item| self.expression(item)),
            Expr::Tuple(tuple) => tuple
                .items
                .iter()
                .try_for_each(|item| self.expression(item)),
            Expr::Map(map) => Err(refused(map.span(), "{...} has no place in a message")),
            Expr::Call(call) => Err(refused(
                call.span(),
                "there are no functions in a message; use a filter, as in name|upper",
            )),
        }
    }

    fn arguments(&mut self, arguments: &[CallArg<'src>]) -> Checked {
        arguments
            .iter()
            .try_for_each(|argument| self.expression(value_of(argument)))
    }

    /// What looks into a text looks for a text: as a number, `012` is `12`.
    fn texts(&self, name: &str, arguments: &[CallArg<'src>]) -> Checked {
        let texts = match name {
            "startingwith" | "endingwith" | "replace" => arguments,
            "join" | "split" => &arguments[..arguments.len().min(1)],
            _ => return Ok(()),
        };
        texts.iter().map(value_of).try_for_each(|text| {
            if self.scope.kind(text) == Kind::Text {
                return Ok(());
            }
            let what =
                format!("{name} takes a text, not a number; write it in quotes: {name}(\"012\")");
            Err(refused(text.span(), &what))
        })
    }

    /// A column can have the name of a word (`none`), which would be written into every message instead of its cells.
    fn constant(&self, span: Span) -> Checked {
        let place = span.start_offset as usize..span.end_offset as usize;
        let word = self.source.get(place).unwrap_or_default();
        match self.names.meant(word) {
            Some(position) if word.starts_with(char::is_alphabetic) => Err(refused(
                span,
                &format!(
                    "{word} is a word of the language; write {} for the column",
                    self.names.written(position)
                ),
            )),
            _ => Ok(()),
        }
    }

    fn variable(&mut self, name: &str, span: Span) -> Checked {
        if self.scope.is_set(name) {
            return Ok(());
        }
        if name == "row" {
            return Err(refused(
                span,
                "row is the whole row; write row[\"...\"] with a column's header",
            ));
        }
        self.column(name, false, span)
    }

    fn part(&mut self, of: &Expr<'src>, name: &str, span: Span) -> Checked {
        if self.is_row(of) {
            return self.column(name, true, span);
        }
        match of {
            Expr::Var(variable) if variable.id == "loop" && self.scope.is_set("loop") => {
                known("part of loop", "parts of loop", name, LOOP, span)
            }
            _ => Err(refused(
                span,
                "only row and loop have parts; a cell is text",
            )),
        }
    }

    fn column(&mut self, name: &str, by_header: bool, span: Span) -> Checked {
        match self.names.position(name, by_header) {
            Some(position) => {
                self.found.used.insert(position);
                Ok(())
            }
            None => Err(TemplateError {
                line: span.start_line.into(),
                what: self.names.unknown(name),
            }),
        }
    }

    fn is_row(&self, expression: &Expr<'_>) -> bool {
        matches!(expression, Expr::Var(variable) if variable.id == "row")
            && !self.scope.is_set("row")
    }

    /// The rule about kinds: order and arithmetic need two numbers; an equation needs two of one kind.
    fn operands(&self, operator: BinOpKind, left: &Expr<'src>, right: &Expr<'src>) -> Checked {
        match operator {
            BinOpKind::ScAnd | BinOpKind::ScOr | BinOpKind::Concat => Ok(()),
            BinOpKind::In => self.member(left, right),
            BinOpKind::Eq | BinOpKind::Ne => self.alike((left, None), right),
            _ => {
                self.must_be_number(left)?;
                self.must_be_number(right)
            }
        }
    }

    fn member(&self, left: &Expr<'src>, right: &Expr<'src>) -> Checked {
        match items_of(right) {
            Some(items) => items
                .iter()
                .try_for_each(|item| self.alike((item, None), left)),
            None => self.alike((right, Some(self.scope.kind(right).element())), left),
        }
    }

    /// `kind` is what is compared of the one, where that is not all of it.
    fn alike(&self, (one, kind): (&Expr<'src>, Option<Kind>), other: &Expr<'src>) -> Checked {
        let kinds = (
            kind.unwrap_or_else(|| self.scope.kind(one)),
            self.scope.kind(other),
        );
        let truth = "a cell is text, never true, false or none; compare it with a text, as in vip == \"TRUE\"";
        let mixed = "what may be text in one row and something else in another compares with nothing; \
                     write |string or |float behind it";
        match kinds {
            (left, right) if left.compares_with(&right) => Ok(()),
            (Kind::Number, _) => self.must_be_number(other),
            (_, Kind::Number) => self.must_be_number(one),
            (Kind::Truth, Kind::Text) => Err(refused(one.span(), truth)),
            (Kind::Text, Kind::Truth) => Err(refused(other.span(), truth)),
            _ => Err(refused(one.span(), mixed)),
        }
    }

    fn must_be_number(&self, expression: &Expr<'src>) -> Checked {
        if self.scope.kind(expression) == Kind::Number {
            return Ok(());
        }
        let what = match expression {
            Expr::Var(variable) => format!("{0} is text; write {0}|float to compare or reckon with it", variable.id),
            _ => "text cannot be compared or reckoned with as a number; write |float behind it, in brackets where needed, \
                  and join texts with ~"
                .to_owned(),
        };
        Err(refused(expression.span(), &what))
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

fn items_of<'e, 'src>(expression: &'e Expr<'src>) -> Option<&'e [Expr<'src>]> {
    match expression {
        Expr::List(list) => Some(&list.items),
        Expr::Tuple(tuple) => Some(&tuple.items),
        _ => None,
    }
}

/// The rule about the arguments of our own filters, as far as it can be told before the first row.
fn own_arguments(filter: &str, arguments: &[CallArg<'_>], span: Span) -> Checked {
    match (filter, arguments) {
        ("money" | "first_word" | "date", []) => Ok(()),
        ("money" | "first_word", _) => Err(refused(
            span,
            &format!("{filter} takes nothing in brackets"),
        )),
        ("date", [CallArg::Pos(Expr::Const(format))]) => match format.value.as_str() {
            Some(format) => date::check_format(format).map_err(|what| refused(span, &what)),
            None => Err(refused(span, date::HOW)),
        },
        ("date", [CallArg::Pos(_)]) => Ok(()),
        ("date", _) => Err(refused(span, date::HOW)),
        _ => Ok(()),
    }
}

fn known(kind: &str, kinds: &str, name: &str, all: &[&str], span: Span) -> Checked {
    if all.contains(&name) {
        return Ok(());
    }
    Err(refused(span, &no_such(kind, kinds, name, all)))
}

fn refused(span: Span, what: &str) -> TemplateError {
    TemplateError {
        line: span.start_line.into(),
        what: what.to_owned(),
    }
}

/// Where a statement stands that has no place in a message.
fn span_of(statement: &Stmt<'_>) -> Span {
    match statement {
        Stmt::SetBlock(s) => s.span(),
        Stmt::AutoEscape(s) => s.span(),
        Stmt::FilterBlock(s) => s.span(),
        Stmt::Block(s) => s.span(),
        Stmt::Import(s) => s.span(),
        Stmt::FromImport(s) => s.span(),
        Stmt::Extends(s) => s.span(),
        Stmt::Include(s) => s.span(),
        Stmt::Macro(s) => s.span(),
        Stmt::CallBlock(s) => s.span(),
        Stmt::Do(s) => s.span(),
        _ => Span::default(),
    }
}
