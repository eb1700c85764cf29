//! What is said about a template that is no template, in the words of those who write messages. It is asked only when
//! something failed already: it decides nothing, and where it knows no better sentence the engine's own stands.

use minijinja::Error;
use minijinja::machinery::{Span, Token, tokenize};
use minijinja::syntax::SyntaxConfig;

use super::names::{is_variable, no_such};
use super::{Names, TemplateError};
use crate::domain::punctuation;

/// The most words and signs within all tags of a template. A message has some dozens; the engine takes a chain of filters, sums
/// or branches apart by calling itself, and thousands of them would exhaust the stack.
const MOST_TOKENS: usize = 1_000;

/// Refuses a template that would have the engine call itself without end.
pub(super) fn refuse_endless(source: &str) -> Result<(), TemplateError> {
    let most = tokenize(source, false, SyntaxConfig::default())
        .map_while(Result::ok)
        .filter(|(token, _)| !matches!(token, Token::TemplateData(_)))
        .nth(MOST_TOKENS);
    most.map_or(Ok(()), |(_, span)| {
        Err(TemplateError {
            line: span.start_line.into(),
            what: "the template is too long to be a message; make its tags fewer or shorter"
                .to_owned(),
        })
    })
}

/// Tags that a message can have.
const TAGS: &[&str] = &[
    "if", "elif", "else", "endif", "for", "endfor", "set", "with", "endwith", "raw", "endraw",
];

/// Tags that want another one behind them.
const BLOCKS: &[&str] = &["if", "for", "with"];

/// How many characters of a template a sentence shows.
const SHOWN: usize = 30;

/// The sentence about a template that the engine cannot read.
pub(super) fn syntax(error: &Error, source: &str, names: &Names) -> TemplateError {
    let tags = tags(source);
    let place = error.range().map_or(source.len(), |range| range.start);
    let mistake = Mistake {
        detail: error.detail().unwrap_or("is not a template"),
        place,
        source,
        names,
        before: &tags[..tags.partition_point(|tag| tag.start <= place)],
    };
    let line = error.line().unwrap_or(1);
    let (line, what) = mistake
        .unfinished()
        .or_else(|| mistake.in_tag())
        .unwrap_or_else(|| (line, mistake.in_our_words()));
    TemplateError { line, what }
}

/// The sentence about the tag at this place, if what stands in it has a meaning to the engine but is the header of a column
/// (`No. Tel`, `Baki (RM)`).
pub(super) fn header_as_written(source: &str, place: Span, names: &Names) -> Option<TemplateError> {
    let tags = tags(source);
    let tag = tags
        .iter()
        .rfind(|tag| tag.start <= place.start_offset as usize)?;
    Some(TemplateError {
        line: tag.line,
        what: header_in(tag, tag.inner(source).0, names)?,
    })
}

/// The same about the tag in which this stands.
fn header_in(tag: &Tag<'_>, inner: &str, names: &Names) -> Option<String> {
    if tag.end == "}}" {
        return header(inner, true, names);
    }
    let condition = inner
        .trim()
        .strip_prefix("if ")
        .or_else(|| inner.trim().strip_prefix("elif "))?;
    let condition = condition.trim();
    header(
        condition.strip_prefix("not ").unwrap_or(condition),
        false,
        names,
    )
}

/// The sentence about a column written as its header, perhaps with filters behind it.
fn header(written: &str, in_placeholder: bool, names: &Names) -> Option<String> {
    let (head, filters) = match written.find('|') {
        Some(pipe) => written.split_at(pipe),
        None => (written, ""),
    };
    let head = head.trim();
    // In `name ~` it is not the name that is wrong.
    let core = head.trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
    let is_name = |core: &str| is_variable(core) && names.position(core, false).is_some();
    let position = names
        .meant(head)
        .filter(|_| !is_variable(head) && !is_name(core))?;
    let name = format!("{}{}", names.written(position), filters.trim_end());
    let title = &names.columns[position].header;
    Some(if in_placeholder {
        format!("write {{{{ {name} }}}} for the column \"{title}\"")
    } else {
        format!("write {name} for the column \"{title}\"")
    })
}

/// Where a `{{` or `{%` stands.
struct Tag<'a> {
    start: usize,
    line: usize,
    /// What ends it: `}}` or `%}`.
    end: &'static str,
    /// Its first word.
    word: &'a str,
}

impl Tag<'_> {
    /// What stands between its signs, and whether it is closed. One that is not goes to the next tag or the end of its line.
    fn inner<'s>(&self, source: &'s str) -> (&'s str, bool) {
        let rest = &source[self.start + 2..];
        let until = |sign: &str| rest.find(sign).unwrap_or(rest.len());
        let end = until(self.end);
        let next = until("{{").min(until("{%"));
        if end < next {
            (&rest[..end], true)
        } else {
            (&rest[..next.min(until("\n"))], false)
        }
    }
}

/// Every tag as far as the template can be read.
fn tags(source: &str) -> Vec<Tag<'_>> {
    let mut tags: Vec<Tag<'_>> = Vec::new();
    for (token, span) in tokenize(source, false, SyntaxConfig::default()).map_while(Result::ok) {
        let mut begin = |end| {
            tags.push(Tag {
                start: span.start_offset as usize,
                line: span.start_line.into(),
                end,
                word: "",
            });
        };
        match token {
            Token::VariableStart => begin("}}"),
            Token::BlockStart => begin("%}"),
            Token::Ident(word) => {
                if let Some(tag) = tags.last_mut().filter(|tag| tag.word.is_empty()) {
                    tag.word = word;
                }
            }
            _ => {}
        }
    }
    tags
}

/// What went wrong, and where.
struct Mistake<'a> {
    /// What the engine says.
    detail: &'a str,
    /// Where it says so.
    place: usize,
    source: &'a str,
    names: &'a Names,
    /// The tags up to that place.
    before: &'a [Tag<'a>],
}

impl Mistake<'_> {
    /// The engine's own sentence without its own words.
    fn in_our_words(&self) -> String {
        self.detail
            .replace("end of variable block", "}}")
            .replace("end of block", "%}")
            .replace("end of input", "end of the message")
            .replace("identifier", "name")
    }

    /// About what begins and never ends; its line is where it begins.
    fn unfinished(&self) -> Option<(usize, String)> {
        let line = |start: usize| self.source[..start].matches('\n').count() + 1;
        match self.detail {
            "unexpected end of comment" => {
                let start = self.source.rfind("{#")?;
                Some((line(start), "{# begins a comment that has no end; end it with #}, or write {{ \"{#\" }} for these two characters".to_owned()))
            }
            "unexpected end of raw block" => {
                let start = self.source.rfind("{%")?;
                Some((line(start), "{% raw %} has no {% endraw %}".to_owned()))
            }
            "unexpected end of input, expected end of block" => {
                if !self
                    .before
                    .last()
                    .is_some_and(|tag| tag.inner(self.source).1)
                {
                    return None;
                }
                let open = self.open()?;
                let what = format!("{} has no {{% end{} %}}", self.shown(open), open.word);
                Some((open.line, what))
            }
            _ => None,
        }
    }

    /// The innermost block that is open where it went wrong.
    fn open(&self) -> Option<&Tag<'_>> {
        let mut open: Vec<&Tag<'_>> = Vec::new();
        for tag in self.before.iter().filter(|tag| tag.end == "%}") {
            if BLOCKS.contains(&tag.word) {
                open.push(tag);
            } else if let Some(word) = tag.word.strip_prefix("end")
                && open.last().is_some_and(|tag| tag.word == word)
            {
                open.pop();
            }
        }
        open.pop()
    }

    /// A tag as it is written, its beginning if it is long.
    fn shown(&self, tag: &Tag<'_>) -> String {
        let (inner, closed) = tag.inner(self.source);
        let whole = tag.start + 2 + inner.len() + if closed { 2 } else { 0 };
        let written = self.source[tag.start..whole].trim_end();
        match written.char_indices().nth(SHOWN) {
            Some((cut, _)) => format!("{}...", &written[..cut]),
            None => written.to_owned(),
        }
    }

    fn in_tag(&self) -> Option<(usize, String)> {
        let tag = self.before.last()?;
        let what = self.about_a_sign(tag).or_else(|| match tag.end {
            "}}" => self.about_a_placeholder(tag),
            _ => self.about_a_statement(tag),
        })?;
        Some((tag.line, what))
    }

    /// What can go wrong in every tag: a sign that has no meaning, and an end that is missing.
    fn about_a_sign(&self, tag: &Tag<'_>) -> Option<String> {
        let (inner, closed) = tag.inner(self.source);
        let begin = &self.source[tag.start..tag.start + 2];
        let end = tag.end;
        if self.detail == "unexpected character" {
            let c = self.source.get(self.place..)?.chars().next()?;
            return Some(match punctuation::plain(c) {
                Some("'" | "\"") => {
                    let straight = with_straight_quotes(inner);
                    format!(
                        "curly quotes are no quotes here; write {begin} {} {end}",
                        straight.trim()
                    )
                }
                _ if c.is_whitespace() || punctuation::is_invisible(c) => format!(
                    "a character that cannot be seen (U+{:04X}) stands in {}; type a space instead",
                    u32::from(c),
                    self.shown(tag)
                ),
                _ => format!("\"{c}\" has no meaning in {}", self.shown(tag)),
            });
        }
        if self.detail == "unexpected end of string" {
            return Some(format!(
                "a quote is not closed in {}; write texts as \"friend\"",
                self.shown(tag)
            ));
        }
        (!closed).then(|| format!("{} is not closed; end it with {end}", self.shown(tag)))
    }

    fn about_a_placeholder(&self, tag: &Tag<'_>) -> Option<String> {
        let inner = tag.inner(self.source).0;
        let inner = inner.trim_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '+'));
        if inner.is_empty() {
            let first = (!self.names.columns.is_empty()).then(|| self.names.written(0));
            let first = first.as_deref().unwrap_or("name");
            return Some(format!(
                "{} is empty; write the name of a column in it, as in {{{{ {first} }}}}",
                self.shown(tag)
            ));
        }
        if let Some(inner) = inner.strip_prefix('{') {
            return Some(format!("write two braces: {{{{ {} }}}}", inner.trim()));
        }
        header_in(tag, inner, self.names).or_else(|| {
            if inner.ends_with('|') || inner.contains("||") {
                return Some("the filter is missing behind |, as in {{ name|upper }}".to_owned());
            }
            match self.detail {
                "unexpected string, expected end of variable block" if inner.contains('|') => Some(
                    "what a filter takes stands in brackets, as in {{ name|default(\"friend\") }}"
                        .to_owned(),
                ),
                "unexpected identifier, expected end of variable block"
                | "unexpected string, expected end of variable block" => {
                    let head = inner.split('|').next().unwrap_or_default().trim();
                    Some(if head.contains(['"', '\'']) {
                        "texts and names are joined with ~, as in {{ \"Dear \" ~ name }}".to_owned()
                    } else {
                        self.names.unknown(head)
                    })
                }
                _ => None,
            }
        })
    }

    fn about_a_statement(&self, tag: &Tag<'_>) -> Option<String> {
        let inner = tag.inner(self.source).0;
        let inner = inner.trim_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '+'));
        let shown = self.shown(tag);
        if self.detail.starts_with("unknown statement") {
            return Some(self.about_a_word(tag, inner));
        }
        if inner.is_empty() {
            return Some(format!(
                "{shown} is empty; {{% begins a tag such as {{% if name %}}"
            ));
        }
        let (word, rest) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
        let rest = rest.trim();
        match word {
            "if" | "elif" if rest.is_empty() => Some(format!(
                "{shown} has no condition; write it as {{% {word} name %}}"
            )),
            "if" | "elif" if self.detail.starts_with("unexpected `=`") => {
                Some("a comparison is written with ==, as in {% if town == \"Ipoh\" %}".to_owned())
            }
            "else" if rest.starts_with("if ") => {
                Some(format!("write {{% el{rest} %}} for {shown}"))
            }
            _ => header_in(tag, inner, self.names),
        }
    }

    /// About the first word of a `{% %}`, which is no tag, or not here.
    fn about_a_word(&self, tag: &Tag<'_>, inner: &str) -> String {
        let shown = self.shown(tag);
        if let Some(position) = self.names.meant(inner) {
            let name = self.names.written(position);
            return format!(
                "{shown} is not how a column is written; write {{{{ {name} }}}}, or %{inner}% without braces"
            );
        }
        let block = match tag.word {
            "else" | "elif" => Some("if"),
            word => word.strip_prefix("end").filter(|word| TAGS.contains(word)),
        };
        match (block, self.open()) {
            (Some(block), Some(open)) if block != open.word => format!(
                "{shown} comes before the {{% end{} %}} that {} in line {} wants",
                open.word,
                self.shown(open),
                open.line
            ),
            (Some(block), _) => format!("{shown} has no {{% {block} %}} before it"),
            (None, _) => no_such("tag", "tags", tag.word, TAGS),
        }
    }
}

fn with_straight_quotes(text: &str) -> String {
    text.chars()
        .map(|c| match punctuation::plain(c) {
            Some("'") => '\'',
            Some("\"") => '"',
            _ => c,
        })
        .collect()
}
