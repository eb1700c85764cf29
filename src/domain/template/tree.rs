//! A template's tree once more, with references to columns where its literal text has `%name%`. It neither checks nor
//! renders: what has no place in a message was refused before.
//!
//! The tree and not the source is rewritten: nothing needs escaping, every line keeps its number, and the text of a message
//! is borrowed from where it was. The engine gives out its tree to read, not to change, hence a copy of all of it.

use minijinja::machinery::ast::{
    BinOp, Call, CallArg, Compare, CompareOp, Const, EmitExpr, EmitRaw, Expr, Filter, ForLoop,
    GetAttr, GetItem, IfCond, IfExpr, List, Map, Set, Slice, Spanned, Stmt, Template, Test, Tuple,
    UnaryOp, UnaryOpKind, Var, WithBlock,
};

use super::Names;
use super::portal;

/// The tree of this template with its `%name%` as references.
pub(super) fn with_references<'a>(
    tree: &Stmt<'a>,
    source: &str,
    names: &'a Names,
) -> Vec<Stmt<'a>> {
    Rewriting { source, names }.statement(tree)
}

struct Rewriting<'r, 'a> {
    source: &'r str,
    names: &'a Names,
}

impl<'a> Rewriting<'_, 'a> {
    fn block(&self, statements: &[Stmt<'a>]) -> Vec<Stmt<'a>> {
        statements
            .iter()
            .flat_map(|statement| self.statement(statement))
            .collect()
    }

    fn statement(&self, statement: &Stmt<'a>) -> Vec<Stmt<'a>> {
        let copied = match statement {
            Stmt::EmitRaw(literal) => return self.literal(literal),
            Stmt::Template(template) => Stmt::Template(like(
                template,
                Template {
                    children: self.block(&template.children),
                },
            )),
            Stmt::EmitExpr(emit) => Stmt::EmitExpr(like(
                emit,
                EmitExpr {
                    expr: copy(&emit.expr),
                },
            )),
            Stmt::IfCond(condition) => Stmt::IfCond(like(
                condition,
                IfCond {
                    expr: copy(&condition.expr),
                    true_body: self.block(&condition.true_body),
                    false_body: self.block(&condition.false_body),
                },
            )),
            Stmt::ForLoop(each) => Stmt::ForLoop(like(
                each,
                ForLoop {
                    target: copy(&each.target),
                    iter: copy(&each.iter),
                    filter_expr: each.filter_expr.as_ref().map(copy),
                    recursive: each.recursive,
                    body: self.block(&each.body),
                    else_body: self.block(&each.else_body),
                },
            )),
            Stmt::WithBlock(with) => Stmt::WithBlock(like(
                with,
                WithBlock {
                    assignments: with
                        .assignments
                        .iter()
                        .map(|(target, value)| (copy(target), copy(value)))
                        .collect(),
                    body: self.block(&with.body),
                },
            )),
            Stmt::Set(set) => Stmt::Set(like(
                set,
                Set {
                    target: copy(&set.target),
                    expr: copy(&set.expr),
                },
            )),
            // Refused by the grammar.
            _ => return Vec::new(),
        };
        vec![copied]
    }

    fn literal(&self, literal: &Spanned<EmitRaw<'a>>) -> Vec<Stmt<'a>> {
        let span = literal.span();
        if portal::is_raw(self.source, span.start_offset as usize) {
            return vec![Stmt::EmitRaw(like(literal, EmitRaw { raw: literal.raw }))];
        }
        let statement = |piece: portal::Piece<'a>| match piece
            .column
            .and_then(|position| self.names.reference(position))
        {
            Some(id) => Stmt::EmitExpr(Spanned::new(
                EmitExpr {
                    expr: Expr::Var(Spanned::new(Var { id }, span)),
                },
                span,
            )),
            None => Stmt::EmitRaw(Spanned::new(EmitRaw { raw: piece.source }, span)),
        };
        portal::pieces(literal.raw, self.names)
            .into_iter()
            .map(statement)
            .collect()
    }
}

fn like<T>(original: &Spanned<T>, node: T) -> Spanned<T> {
    Spanned::new(node, original.span())
}

#[expect(clippy::too_many_lines, reason = "one arm for each kind of expression")]
fn copy<'a>(expression: &Expr<'a>) -> Expr<'a> {
    match expression {
        Expr::Var(e) => Expr::Var(like(e, Var { id: e.id })),
        Expr::Const(e) => Expr::Const(like(
            e,
            Const {
                value: e.value.clone(),
            },
        )),
        Expr::Slice(e) => Expr::Slice(like(
            e,
            Slice {
                expr: copy(&e.expr),
                start: e.start.as_ref().map(copy),
                stop: e.stop.as_ref().map(copy),
                step: e.step.as_ref().map(copy),
            },
        )),
        Expr::UnaryOp(e) => Expr::UnaryOp(like(
            e,
            UnaryOp {
                op: match e.op {
                    UnaryOpKind::Not => UnaryOpKind::Not,
                    UnaryOpKind::Neg => UnaryOpKind::Neg,
                },
                expr: copy(&e.expr),
            },
        )),
        Expr::BinOp(e) => Expr::BinOp(like(
            e,
            BinOp {
                op: e.op,
                left: copy(&e.left),
                right: copy(&e.right),
            },
        )),
        Expr::Compare(e) => Expr::Compare(like(
            e,
            Compare {
                expr: copy(&e.expr),
                ops: e
                    .ops
                    .iter()
                    .map(|next| CompareOp {
                        op: next.op,
                        expr: copy(&next.expr),
                    })
                    .collect(),
            },
        )),
        Expr::IfExpr(e) => Expr::IfExpr(like(
            e,
            IfExpr {
                test_expr: copy(&e.test_expr),
                true_expr: copy(&e.true_expr),
                false_expr: e.false_expr.as_ref().map(copy),
            },
        )),
        Expr::Filter(e) => Expr::Filter(like(
            e,
            Filter {
                name: e.name,
                expr: e.expr.as_ref().map(copy),
                args: arguments(&e.args),
            },
        )),
        Expr::Test(e) => Expr::Test(like(
            e,
            Test {
                name: e.name,
                expr: copy(&e.expr),
                args: arguments(&e.args),
            },
        )),
        Expr::GetAttr(e) => Expr::GetAttr(like(
            e,
            GetAttr {
                expr: copy(&e.expr),
                name: e.name,
            },
        )),
        Expr::GetItem(e) => Expr::GetItem(like(
            e,
            GetItem {
                expr: copy(&e.expr),
                subscript_expr: copy(&e.subscript_expr),
            },
        )),
        Expr::Call(e) => Expr::Call(like(
            e,
            Call {
                expr: copy(&e.expr),
                args: arguments(&e.args),
            },
        )),
        Expr::List(e) => Expr::List(like(
            e,
            List {
                items: all(&e.items),
            },
        )),
        Expr::Tuple(e) => Expr::Tuple(like(
            e,
            Tuple {
                items: all(&e.items),
            },
        )),
        Expr::Map(e) => Expr::Map(like(
            e,
            Map {
                keys: all(&e.keys),
                values: all(&e.values),
            },
        )),
    }
}

fn all<'a>(expressions: &[Expr<'a>]) -> Vec<Expr<'a>> {
    expressions.iter().map(copy).collect()
}

fn arguments<'a>(arguments: &[CallArg<'a>]) -> Vec<CallArg<'a>> {
    let argument = |argument: &CallArg<'a>| match argument {
        CallArg::Pos(value) => CallArg::Pos(copy(value)),
        CallArg::Kwarg(name, value) => CallArg::Kwarg(name, copy(value)),
        CallArg::PosSplat(value) => CallArg::PosSplat(copy(value)),
        CallArg::KwargSplat(value) => CallArg::KwargSplat(copy(value)),
    };
    arguments.iter().map(argument).collect()
}
