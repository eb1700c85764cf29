//! A `{{ }}` or `{% %}` as it is written.

use super::error::TemplateError;

/// How many characters of a tag an error shows.
const SHOWN: usize = 30;

/// A tag and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tag<'a> {
    /// The template.
    pub(super) source: &'a str,
    /// The line of the template, from 1.
    pub(super) line: usize,
    /// Where it begins.
    pub(super) start: usize,
    /// From where to where its content is, without the signs around it.
    pub(super) inner: (usize, usize),
    /// Where it ends.
    pub(super) end: usize,
    /// Whether it is a `{{ }}`.
    pub(super) is_placeholder: bool,
}

impl<'a> Tag<'a> {
    /// All of it.
    pub(super) fn written(&self) -> &'a str {
        &self.source[self.start..self.end]
    }

    /// Its content.
    pub(super) fn inner(&self) -> &'a str {
        &self.source[self.inner.0..self.inner.1]
    }

    /// The first word of its content: `if`.
    pub(super) fn word(&self) -> &'a str {
        self.source[..self.rest_start()][self.inner.0..].trim_start()
    }

    /// What follows the first word.
    pub(super) fn rest(&self) -> &'a str {
        &self.source[self.rest_start()..self.inner.1]
    }

    /// Where what follows the first word begins.
    pub(super) fn rest_start(&self) -> usize {
        let word = self.inner().trim_start();
        let len = word.find(|c: char| !c.is_alphanumeric() && c != '_');
        self.inner.1 - word.len() + len.unwrap_or(word.len())
    }

    /// The line of this place within it.
    pub(super) fn line_of(&self, place: usize) -> usize {
        self.line + self.source[self.start..place].matches('\n').count()
    }

    /// The sign that begins it.
    pub(super) fn opening(&self) -> &'static str {
        if self.is_placeholder { "{{" } else { "{%" }
    }

    /// The sign that ends it.
    pub(super) fn closing(&self) -> &'static str {
        if self.is_placeholder { "}}" } else { "%}" }
    }

    /// The tag as its author probably means it, and whether it is closed: it ends with the first closing sign, or before the
    /// next tag or the end of the line.
    pub(super) fn as_meant(mut self) -> (Self, bool) {
        let start = self.start + self.opening().len();
        let after = &self.source[start..];
        let until = |sign: &str| after.find(sign).unwrap_or(after.len());
        let end = until(self.closing());
        let next = until("{{").min(until("{%"));
        let closed = end < next;
        let end = if closed { end } else { next.min(until("\n")) };
        self.end = start + end + if closed { self.closing().len() } else { 0 };
        let is_sign = |c| matches!(c, '-' | '+');
        let inner = after[..end].trim_start_matches(is_sign);
        let inner_start = start + end - inner.len();
        self.inner = (
            inner_start,
            inner_start + inner.trim_end_matches(is_sign).len(),
        );
        (self, closed)
    }

    /// The tag for an error, shortened if it is long.
    pub(super) fn shown(&self) -> String {
        let written = self.written().trim_end();
        match written.char_indices().nth(SHOWN) {
            Some((cut, _)) => format!("{}...", &written[..cut]),
            None => written.to_owned(),
        }
    }

    /// An error of this tag.
    pub(super) fn error(&self, what: impl Into<String>) -> TemplateError {
        TemplateError::new(self.line, what)
    }
}
