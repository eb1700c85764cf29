//! Explains a tag that holds a column in the notation of a spreadsheet or of another program, and how it is written here.

use minijinja::machinery::parse_expr;

use super::error::TemplateError;
use super::names::{ColumnNames, is_variable};
use super::tag::Tag;
use crate::domain::punctuation;

/// Signs that other programs write around or before the name of a column within their braces.
const WRAPPERS: &str = "\"'“”„‘’«‹[<$@#:%!&*=";

/// Signs that begin or end a tag. Within a text they need `{% raw %}`.
const TAG_SIGNS: &[&str] = &["{{", "{%", "{#", "}}", "%}", "#}"];

/// A `{{ }}` that would print the same in every row.
pub(super) fn no_column(tag: &Tag<'_>, names: &ColumnNames) -> TemplateError {
    let shown = tag.shown();
    let what = if let Some(what) = as_here(tag, names) {
        what
    } else if TAG_SIGNS.iter().any(|sign| tag.inner().contains(sign)) {
        format!("{shown} holds no column; write such signs between {{% raw %}} and {{% endraw %}}")
    } else {
        format!(
            "{shown} holds no column; write the name of one in it, or the text without braces. The columns are: {}",
            names.listed()
        )
    };
    tag.error(what)
}

/// How a tag is written here that holds the header of a column (`No. Tel`), a field of another program (`contact.first_name`,
/// `"name"`, `[name]`, `$name`), a fallback or a condition as other programs write them.
pub(super) fn as_here(tag: &Tag<'_>, names: &ColumnNames) -> Option<String> {
    if let Some(condition) = condition(tag, names) {
        return Some(format!("write {condition} for {}", tag.shown()));
    }
    let written = if tag.is_placeholder {
        tag.inner().trim()
    } else {
        let condition = tag.rest().trim();
        condition.strip_prefix("not ").unwrap_or(condition)
    };
    let (head, filters) = written.split_at(written.find('|').unwrap_or(written.len()));
    let head = head.trim();
    let shown = |name: &str, filters: &str| {
        let whole = format!("{name}{filters}");
        let whole = parse_expr(&whole).map_or(name, |_| &whole);
        if tag.is_placeholder {
            format!("write {{{{ {whole} }}}}")
        } else {
            format!("write {whole}")
        }
    };
    let is_name = |name: &str| is_variable(name) && names.position(name, false).is_some();
    if is_name(head) {
        return fallback(filters).map(|filters| shown(head, &filters));
    }
    // In `name ~` it is not the name that is wrong.
    let core = head.trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
    let is_wrapped = head.starts_with(|c| WRAPPERS.contains(c));
    let is_row = ["row[", "row."].iter().any(|row| head.starts_with(row));
    if is_variable(head) || is_row || (is_name(core) && !is_wrapped) {
        return None;
    }
    let position = names.of_field(head)?;
    let filters = fallback(filters).unwrap_or_else(|| straight(filters.trim_end()));
    let title = names.header(position);
    let shown = shown(&names.written(position), &filters);
    Some(format!("{shown} for the column \"{title}\""))
}

/// A condition of Handlebars or Mustache: `{{#if name}}`, `{{#name}}`, `{{else}}`, `{{/if}}`.
fn condition(tag: &Tag<'_>, names: &ColumnNames) -> Option<String> {
    let inner = tag.inner().trim();
    if !tag.is_placeholder {
        return None;
    }
    if inner == "else" || inner.starts_with('/') {
        let word = if inner == "else" { inner } else { "endif" };
        return Some(format!("{{% {word} %}}"));
    }
    let opening = inner.strip_prefix(['#', '^'])?.trim();
    if opening.ends_with(['#', '^']) {
        return None;
    }
    let (word, name) = match opening.split_once(' ') {
        Some((word @ ("if" | "unless"), name)) => (word, name),
        _ => ("if", opening),
    };
    let not = match (inner.starts_with('^'), word) {
        (false, "if") => "",
        (true, "if") | (_, "unless") => "not ",
        _ => return None,
    };
    let position = names.of_field(name)?;
    Some(format!("{{% if {not}{} %}}", names.written(position)))
}

/// What these filters are here, if they are a fallback of another program: `| default: "friend"`, `| fallback: 'friend'`.
fn fallback(filters: &str) -> Option<String> {
    let plain = straight(filters);
    let filter = plain.trim().strip_prefix('|')?.trim_start();
    let value = filter
        .strip_prefix("default")
        .or_else(|| filter.strip_prefix("fallback"))?
        .trim_start_matches([':', '=', ' ']);
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let inner = value[1..].strip_suffix(quote)?;
    (!inner.contains(quote)).then(|| format!("|default({value})"))
}

/// The text with straight quotes in place of curly ones.
pub(super) fn straight(text: &str) -> String {
    let straight = |c| match punctuation::plain(c) {
        Some("'") => '\'',
        Some("\"") => '"',
        _ => c,
    };
    text.chars().map(straight).collect()
}
