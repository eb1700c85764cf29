//! Explains why a template cannot be read, in the words of those who write messages. Where there is no better sentence, the
//! engine's own stands.

use minijinja::Error;

use super::error::TemplateError;
use super::field;
use super::names::{ColumnNames, is_variable, no_such};
use super::tag::Tag;
use crate::domain::punctuation;

/// Words that can begin a `{% %}`.
const TAGS: &[&str] = &["if", "elif", "else", "endif", "raw", "endraw"];

/// Words of Jinja that cannot, though people who know it will try them. They may have `end` in front.
const OTHER_TAGS: &[&str] = &[
    "autoescape",
    "block",
    "call",
    "do",
    "extends",
    "filter",
    "for",
    "from",
    "import",
    "include",
    "macro",
    "set",
    "with",
];

/// A comment or a `{% raw %}` without an end. It begins behind this place.
pub(super) fn unfinished(error: &Error, source: &str, from: usize) -> TemplateError {
    let (sign, what) = match error.detail() {
        Some("unexpected end of comment") => (
            "{#",
            "{# begins a comment that has no end; end it with #}, or write {% raw %}{#{% endraw %} for these two characters",
        ),
        _ => ("{%", "{% raw %} has no {% endraw %}"),
    };
    let start = from + source[from..].find(sign).unwrap_or_default();
    TemplateError::new(source[..start].matches('\n').count() + 1, what)
}

/// A tag that has no end to the engine.
pub(super) fn not_closed(tag: &Tag<'_>, names: &ColumnNames) -> TemplateError {
    let (tag, closed) = tag.as_meant();
    let what = if closed {
        // Within brackets, the sign that ends a tag is only a sign.
        placeholder(&tag, names)
            .unwrap_or_else(|| format!("the brackets in {} do not match", tag.shown()))
    } else {
        format!(
            "{} is not closed; end it with {}",
            tag.shown(),
            tag.closing()
        )
    };
    tag.error(what)
}

/// A sign in a tag that has no meaning, or a quote or number without an end.
pub(super) fn token(error: &Error, tag: &Tag<'_>, names: &ColumnNames) -> TemplateError {
    let (meant, closed) = tag.as_meant();
    if closed && let Some(what) = field::as_here(&meant, names) {
        return meant.error(what);
    }
    let place = error.range().map_or(meant.end, |range| range.start);
    let what = match error.detail() {
        _ if !closed => return not_closed(tag, names),
        Some("unexpected end of string") => format!(
            "a quote is not closed in {}; write texts as \"friend\"",
            meant.shown()
        ),
        _ if place >= meant.end => return not_closed(tag, names),
        Some("unexpected character") => {
            let c = meant.source[place..].chars().next().unwrap_or_default();
            unexpected(c, &meant)
        }
        detail => format!(
            "{} in {}",
            detail.unwrap_or("unreadable text"),
            meant.shown()
        ),
    };
    meant.error(what)
}

fn unexpected(c: char, tag: &Tag<'_>) -> String {
    let shown = tag.shown();
    match punctuation::plain(c) {
        Some("'" | "\"") => format!(
            "curly quotes are no quotes here; write {} {} {}",
            tag.opening(),
            field::straight(tag.inner().trim()),
            tag.closing()
        ),
        _ if c.is_whitespace() || punctuation::is_invisible(c) => format!(
            "a character that cannot be seen (U+{:04X}) stands in {shown}; type a space instead",
            u32::from(c)
        ),
        _ => format!("\"{c}\" has no meaning in {shown}"),
    }
}

/// A `{% %}` that begins with another word than `if`, or with none.
pub(super) fn word(tag: &Tag<'_>, names: &ColumnNames) -> TemplateError {
    let (shown, inner, word) = (tag.shown(), tag.inner().trim(), tag.word());
    let what = if inner.is_empty() {
        format!("{shown} is empty; {{% begins a tag such as {{% if name %}}")
    } else if let Some(position) = names.meant(inner) {
        let name = names.written(position);
        format!(
            "{shown} is not how a column is written; write {{{{ {name} }}}}, or %{inner}% without braces"
        )
    } else if OTHER_TAGS.contains(&word.strip_prefix("end").unwrap_or(word)) {
        let advice = match word {
            "for" => "; write each value with its own {{ }}",
            "set" | "with" => {
                "; write the value where it is needed, as in {{ name|default(\"friend\") }}"
            }
            _ => "",
        };
        format!(
            "{shown} has no place here: a message is written with {{{{ ... }}}} and {{% if %}} only{advice}"
        )
    } else if word == "endraw" {
        format!("{shown} has no {{% raw %}} before it")
    } else {
        no_such("tag", word, TAGS)
    };
    tag.error(what)
}

/// A `{% if %}` or `{% elif %}` without a condition.
pub(super) fn no_condition(tag: &Tag<'_>) -> TemplateError {
    let what = format!(
        "{} has no condition; write it as {{% {} name %}}",
        tag.shown(),
        tag.word()
    );
    tag.error(what)
}

/// A `{% else %}` or `{% endif %}` with something behind its word.
pub(super) fn superfluous(tag: &Tag<'_>) -> TemplateError {
    let (shown, word, rest) = (tag.shown(), tag.word(), tag.rest().trim());
    let what = match rest.strip_prefix("if ") {
        Some(condition) if word == "else" => {
            format!("write {{% elif {condition} %}} for {shown}")
        }
        _ => format!("write {{% {word} %}} for {shown}"),
    };
    tag.error(what)
}

/// An expression that cannot be parsed. It begins at `start`.
pub(super) fn expression(
    error: &Error,
    start: usize,
    tag: &Tag<'_>,
    names: &ColumnNames,
) -> TemplateError {
    let (tag, closed) = tag.as_meant();
    if !closed {
        return not_closed(&tag, names);
    }
    let place = start + error.range().map_or(0, |range| range.start);
    let detail = error.detail().unwrap_or("unreadable text");
    let is_complete = detail == "unexpected input after expression";
    let what = placeholder(&tag, names)
        .or_else(|| field::as_here(&tag, names))
        .or_else(|| missing_filter(&tag))
        .or_else(|| is_complete.then(|| superfluous_text(start, place, &tag, names))?)
        .unwrap_or_else(|| {
            detail
                .replace("end of input", tag.closing())
                .replace("identifier", "name")
        });
    tag.error(what)
}

/// What is wrong with a placeholder as a whole.
fn placeholder(tag: &Tag<'_>, names: &ColumnNames) -> Option<String> {
    if !tag.is_placeholder {
        return None;
    }
    let inner = tag.inner().trim();
    if inner.is_empty() {
        let first = (!names.columns.is_empty()).then(|| names.written(0));
        return Some(format!(
            "{} is empty; write the name of a column in it, as in {{{{ {} }}}}",
            tag.shown(),
            first.as_deref().unwrap_or("name")
        ));
    }
    let inner = inner.strip_prefix('{')?;
    Some(format!("write two braces: {{{{ {} }}}}", inner.trim()))
}

fn missing_filter(tag: &Tag<'_>) -> Option<String> {
    let inner = tag.inner().trim();
    (inner.ends_with('|') || inner.contains("||"))
        .then(|| "the filter is missing after |, as in {{ name|upper }}".to_owned())
}

/// What is wrong where something stands behind a whole expression, from `place` on.
fn superfluous_text(
    start: usize,
    place: usize,
    tag: &Tag<'_>,
    names: &ColumnNames,
) -> Option<String> {
    let before = tag.source[start..place].trim();
    let c = tag.source[place..].chars().next()?;
    let is_quote = matches!(c, '"' | '\'');
    Some(if c == '=' {
        "a comparison is written with ==, as in {% if town == \"Ipoh\" %}".to_owned()
    } else if is_quote && before.contains('|') {
        "what a filter takes stands in brackets, as in {{ name|default(\"friend\") }}".to_owned()
    } else if is_quote || before.ends_with(['"', '\'']) {
        "texts and names are joined with ~, as in {{ \"Dear \" ~ name }}".to_owned()
    } else if tag.is_placeholder && is_variable(before) && c.is_alphanumeric() {
        let inner = tag.inner();
        names.unknown(inner[..inner.find('|').unwrap_or(inner.len())].trim())
    } else {
        format!("\"{c}\" has no meaning in {}", tag.shown())
    })
}
