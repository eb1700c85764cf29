//! Reads a template: its text, its placeholders and its conditions.
//!
//! The engine's tokenizer finds the tags, so white space control, comments and `{% raw %}` are the engine's. So are the parsing
//! and evaluation of expressions.

use std::ops::Range;
use std::sync::Arc;

use minijinja::Environment;
use minijinja::machinery::ast::Expr;
use minijinja::machinery::{Token, Tokenizer, parse_expr};
use minijinja::syntax::SyntaxConfig;

use super::error::TemplateError;
use super::evaluate::Code;
use super::names::ColumnNames;
use super::node::{Branch, Node};
use super::tag::Tag;
use super::{check, explain, field, portal};

/// The most words and signs within all tags of a template. A message has some dozens. Chains of filters or sums and nested
/// conditions are walked recursively, and thousands of them would exhaust the stack.
const MAX_TOKENS: usize = 1_000;

/// The nodes of this template, and where the stretches of text are between its tags; or the first error in it.
pub(super) fn read<'a>(
    engine: &'a Environment<'a>,
    names: &'a Arc<ColumnNames>,
    source: &'a str,
) -> Result<(Vec<Node<'a>>, Vec<Range<usize>>), TemplateError> {
    let mut reader = TemplateReader {
        engine,
        names,
        source,
        tokenizer: Tokenizer::new(source, "message", false, SyntaxConfig::default()),
        end: 0,
        tokens: 0,
        literals: Vec::new(),
    };
    match reader.block()? {
        (nodes, None) => Ok((nodes, reader.literals)),
        (_, Some(tag)) => Err(tag.error(format!("{} has no {{% if %}} before it", tag.shown()))),
    }
}

enum Piece<'a> {
    /// A stretch of text, and where it begins in the template.
    Text(&'a str, usize),
    Tag(Tag<'a>),
}

struct TemplateReader<'a> {
    engine: &'a Environment<'a>,
    names: &'a Arc<ColumnNames>,
    source: &'a str,
    tokenizer: Tokenizer<'a>,
    /// Where the last token ended.
    end: usize,
    /// How many tokens of tags there were.
    tokens: usize,
    /// Where text stands that is not in a `{% raw %}`.
    literals: Vec<Range<usize>>,
}

impl<'a> TemplateReader<'a> {
    fn piece(&mut self) -> Result<Option<Piece<'a>>, TemplateError> {
        let token = self
            .tokenizer
            .next_token()
            .map_err(|error| explain::unfinished(&error, self.source, self.end))?;
        let Some((token, span)) = token else {
            return Ok(None);
        };
        let start = span.start_offset as usize;
        if let Token::TemplateData(text) = token {
            self.end = span.end_offset as usize;
            return Ok(Some(Piece::Text(text, start)));
        }
        let tag = Tag {
            source: self.source,
            line: span.start_line.into(),
            start,
            inner: (span.end_offset as usize, self.source.len()),
            end: self.source.len(),
            is_placeholder: matches!(token, Token::VariableStart),
        };
        self.tag(tag).map(|tag| Some(Piece::Tag(tag)))
    }

    /// The same tag with its end.
    fn tag(&mut self, mut tag: Tag<'a>) -> Result<Tag<'a>, TemplateError> {
        loop {
            self.tokens += 1;
            if self.tokens > MAX_TOKENS {
                return Err(tag.error(
                    "the template is too long to be a message; make its tags fewer or shorter",
                ));
            }
            match self.tokenizer.next_token() {
                Ok(Some((Token::VariableEnd | Token::BlockEnd, span))) => {
                    tag.inner.1 = span.start_offset as usize;
                    tag.end = span.end_offset as usize;
                    self.end = tag.end;
                    return Ok(tag);
                }
                Ok(Some(_)) => {}
                Ok(None) => return Err(explain::not_closed(&tag, self.names)),
                Err(error) => return Err(explain::token(&error, &tag, self.names)),
            }
        }
    }

    /// The nodes up to the end of the template, or to the `{% elif %}`, `{% else %}` or `{% endif %}` that ends them.
    fn block(&mut self) -> Result<(Vec<Node<'a>>, Option<Tag<'a>>), TemplateError> {
        let mut nodes = Vec::new();
        while let Some(piece) = self.piece()? {
            match piece {
                Piece::Text(text, start) if portal::is_raw(self.source, start) => {
                    nodes.push(Node::Text(text));
                }
                Piece::Text(text, start) => {
                    self.literals.push(start..start + text.len());
                    portal::append(text, self.names, &mut nodes);
                }
                Piece::Tag(tag) if tag.is_placeholder => nodes.push(self.placeholder(&tag)?),
                Piece::Tag(tag) => match tag.word() {
                    "if" => nodes.push(self.choice(tag)?),
                    "elif" | "else" | "endif" => return Ok((nodes, Some(tag))),
                    _ => return Err(explain::word(&tag, self.names)),
                },
            }
        }
        Ok((nodes, None))
    }

    fn placeholder(&self, tag: &Tag<'a>) -> Result<Node<'a>, TemplateError> {
        let start = tag.inner.0;
        let (tree, source) = self.expression(tag, start)?;
        if let Some(column) = check::column(&tree, self.names) {
            return Ok(Node::Column(column));
        }
        let line = tag.line_of(start);
        let code = Code::placeholder(self.engine, self.names, &tree, source, line);
        if code.slots().is_empty() {
            return Err(field::no_column(tag, self.names));
        }
        Ok(Node::Placeholder(code))
    }

    fn condition(&self, tag: &Tag<'a>) -> Result<Code<'a>, TemplateError> {
        let start = tag.rest_start();
        if tag.rest().trim().is_empty() {
            return Err(explain::no_condition(tag));
        }
        let (tree, source) = self.expression(tag, start)?;
        let line = tag.line_of(start);
        let code = Code::condition(self.engine, self.names, &tree, source, line);
        match field::as_here(tag, self.names) {
            // `{% if "town" %}` always holds.
            Some(what) if code.slots().is_empty() => Err(tag.error(what)),
            _ => Ok(code),
        }
    }

    /// The expression from this place to the end of a tag, and as it is written.
    fn expression(
        &self,
        tag: &Tag<'a>,
        start: usize,
    ) -> Result<(Expr<'a>, &'a str), TemplateError> {
        let source = &self.source[start..tag.inner.1];
        let tree = parse_expr(source)
            .map_err(|error| explain::expression(&error, start, tag, self.names))?;
        check::check(&tree, source, tag.line_of(start), self.names).map_err(|error| {
            match field::as_here(tag, self.names) {
                Some(what) => tag.error(what),
                None => error,
            }
        })?;
        Ok((tree, source))
    }

    /// `{% if %}` and everything up to its `{% endif %}`.
    fn choice(&mut self, first: Tag<'a>) -> Result<Node<'a>, TemplateError> {
        let mut branches = Vec::new();
        let mut tag = first;
        loop {
            let condition = match tag.word() {
                "else" => None,
                _ => Some(self.condition(&tag)?),
            };
            let is_else = condition.is_none();
            let (body, end) = self.block()?;
            branches.push(Branch { condition, body });
            let Some(end) = end else {
                let what = format!("{} has no {{% endif %}}", first.shown());
                return Err(first.error(what));
            };
            if end.word() != "elif" && !end.rest().trim().is_empty() {
                return Err(explain::superfluous(&end));
            }
            match end.word() {
                "endif" => return Ok(Node::If(branches)),
                _ if is_else => {
                    let what = format!("{} comes after {{% else %}}", end.shown());
                    return Err(end.error(what));
                }
                _ => tag = end,
            }
        }
    }
}
