//! Web addresses in a text. Which endings of a domain are really used in Malaysia, and which of them are also words
//! that follow a full stop without its space, is known here.

use std::ops::Range;

use super::words::{self, is_one_of};

/// Endings that are no word and no abbreviation: always a link.
const ALWAYS: &[&str] = &["com", "edu", "gov", "io", "ly", "gle", "xyz"];

/// Endings that are words or abbreviations too (`kedaiku.my`, `order.my team`): a link where a clause ends behind them, where a
/// path follows, or where a word leads to them.
const AT_AN_END: &[&str] = &[
    "ai", "app", "asia", "au", "bio", "biz", "cc", "click", "cloud", "club", "cn", "co", "dev",
    "ee", "eu", "hk", "info", "ink", "jp", "kr", "link", "live", "my", "net", "news", "nz",
    "online", "org", "page", "ph", "pro", "sg", "shop", "site", "space", "store", "tech", "tv",
    "tw", "uk", "vip", "website", "win", "work", "world",
];

/// Endings that are everyday words at the end of a sentence, too (`call.me`): a link only with a path, or after "visit".
const WITH_A_PATH: &[&str] = &[
    "am", "at", "be", "fun", "gd", "gg", "gl", "gy", "id", "in", "is", "it", "la", "me", "one",
    "sh", "so", "st", "to", "today", "us", "ws",
];

/// Hosts that need nothing else to be known: shorteners and chats.
const HOSTS: &[(&str, &str)] = &[
    ("fb", "me"),
    ("g", "co"),
    ("is", "gd"),
    ("lnkd", "in"),
    ("m", "me"),
    ("rb", "gy"),
    ("s", "id"),
    ("shorturl", "at"),
    ("t", "co"),
    ("t", "me"),
    ("v", "gd"),
    ("wa", "me"),
    ("youtu", "be"),
];

/// What stands before a country's ending: `com.my`, `co.uk`.
const SECOND_LEVEL: &[&str] = &["co", "com", "edu", "gov", "mil", "name", "net", "org"];

/// Words that lead to an address.
const LEADS: &[&str] = &[
    "browse", "click", "klik", "laman", "lawati", "layari", "link", "pautan", "portal", "sesawang",
    "tekan", "url", "via", "visit", "website",
];

/// Words that do so, but are followed by other words just as often: not enough for an ending that is itself one.
const WEAK_LEADS: &[&str] = &["di", "ke", "melalui", "web"];

/// Words before a full stop that are the end of a sentence and no domain.
const SENTENCE_ENDS: &[&str] = &[
    "anda", "here", "ini", "it", "kami", "kita", "me", "now", "sini", "sekarang", "today", "us",
    "you",
];

/// The first link in the text.
pub(super) fn find(text: &str) -> Option<Range<usize>> {
    with_scheme(text).or_else(|| with_host(text))
}

/// A domain, and the path behind it.
fn with_host(text: &str) -> Option<Range<usize>> {
    let host = Hosts { text, at: 0 }.find(|host| is_link(text, host))?;
    let has_path = has_path(&text[host.end..]);
    let end = has_path.then(|| end_of_path(text, host.end));
    Some(host.start..end.unwrap_or(host.end))
}

/// `https://` and whatever follows; any other scheme too.
fn with_scheme(text: &str) -> Option<Range<usize>> {
    // Looking for one character is many times faster, and few texts have it.
    let sign = text.contains('/').then(|| text.find("://"))??;
    let letters = text[..sign]
        .bytes()
        .rev()
        .take_while(u8::is_ascii_alphabetic)
        .count();
    (letters >= 3).then(|| sign - letters..end_of_path(text, sign + 3))
}

/// The runs of what a host's name is made of, in which a letter follows a dot.
struct Hosts<'t> {
    text: &'t str,
    at: usize,
}

impl Iterator for Hosts<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Self::Item> {
        let dot = self.next_dot()?;
        let no_host = |c| !is_host(c);
        let (lead, rest) = self.text.split_at(dot);
        let end = rest.find(no_host).map_or(self.text.len(), |end| dot + end);
        self.at = end;
        let start = lead.char_indices().rev().find(|&(_, c)| no_host(c));
        let start = start.map_or(0, |(at, c)| at + c.len_utf8());
        let bare = self.text[start..end].trim_end_matches(is_dot);
        Some(start..start + bare.len())
    }
}

impl Hosts<'_> {
    /// The next dot before a letter: nearly every dot of an honest text ends a sentence or stands in an amount.
    fn next_dot(&self) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let is_letter = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphabetic);
        (self.at..bytes.len()).find(|&at| match bytes[at] {
            b'.' => is_letter(at + 1),
            0xEF => self.text[at..].starts_with(is_dot) && is_letter(at + 3),
            _ => false,
        })
    }
}

fn is_host(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || is_dot(c)
}

/// A dot, or what Chinese keyboards write for it.
fn is_dot(c: char) -> bool {
    matches!(c, '.' | '．' | '｡')
}

fn is_link(text: &str, host: &Range<usize>) -> bool {
    let (lead, rest) = (&text[..host.start], &text[host.end..]);
    if lead.ends_with('@') || rest.starts_with('@') {
        return false;
    }
    let name = &text[host.clone()];
    if name.starts_with(is_dot) {
        return is_after_a_blank(lead, name);
    }
    let mut before = "";
    for (position, label) in name.split(is_dot).enumerate() {
        if position == 1 && before.eq_ignore_ascii_case("www") && !label.is_empty() {
            return true;
        }
        if is_certain(before, label) {
            return true;
        }
        before = label;
    }
    let mut labels = name.rsplit(is_dot);
    let last = labels.next().unwrap_or_default();
    let before = labels.next().unwrap_or_default();
    let third = labels.next().unwrap_or_default();
    let of_a_country = last.len() == 2 && is_one_of(before, SECOND_LEVEL) && !third.is_empty();
    of_a_country && !begins_a_sentence(last) || is_probable(before, last, lead, rest)
}

/// `kedaiku .com`: the word that follows a full stop is never "com".
fn is_after_a_blank(lead: &str, name: &str) -> bool {
    let label = name.split(is_dot).nth(1).unwrap_or_default();
    label.eq_ignore_ascii_case("com")
        && lead
            .strip_suffix(' ')
            .is_some_and(|word| word.ends_with(|c: char| c.is_ascii_alphanumeric()))
}

fn is_certain(before: &str, label: &str) -> bool {
    let is_com = label.eq_ignore_ascii_case("com");
    let is_known = HOSTS.iter().any(|(host, ending)| {
        before.eq_ignore_ascii_case(host) && label.eq_ignore_ascii_case(ending)
    });
    let is_name = before.len() >= 2 && before.bytes().any(|b| b.is_ascii_alphabetic());
    (is_com && !before.is_empty())
        || (is_known && !begins_a_sentence(label))
        || (is_name && is_one_of(label, ALWAYS) && !begins_a_sentence(label))
}

/// Whether an ending that is a word too is meant as one.
fn is_probable(before: &str, last: &str, lead: &str, rest: &str) -> bool {
    let ends = is_one_of(last, AT_AN_END);
    let known = ends || is_one_of(last, WITH_A_PATH);
    let is_name = before.len() >= 2 && before.bytes().any(|b| b.is_ascii_alphabetic());
    if !known || !is_name || begins_a_sentence(last) {
        return false;
    }
    if has_path(rest) {
        return true;
    }
    !is_one_of(before, SENTENCE_ENDS)
        && (leads_to(lead, LEADS)
            || ends && (ends_a_clause(rest) || leads_to(lead, WEAK_LEADS) || is_announced(lead)))
}

/// `My order`, after a full stop without its space. Nobody writes the ending of a domain like that.
fn begins_a_sentence(label: &str) -> bool {
    label.starts_with(|c: char| c.is_ascii_uppercase())
        && label.bytes().any(|b| b.is_ascii_lowercase())
}

fn has_path(rest: &str) -> bool {
    rest.strip_prefix(['/', '?'])
        .is_some_and(|path| path.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

fn ends_a_clause(rest: &str) -> bool {
    let next = rest.trim_start_matches(' ').chars().next();
    let touches = !rest.starts_with(' ');
    next.is_none_or(|c| {
        c == '\n'
            || is_chinese(c)
            || touches && matches!(c, '.' | ',' | '!' | '?' | ';' | ':' | ')' | ']' | '"' | '/')
    })
}

fn leads_to(lead: &str, words: &[&str]) -> bool {
    words::before(lead, lead.len())
        .is_some_and(|(_, word, gap)| gap < words::Gap::Sentence && is_one_of(word, words))
}

/// A colon or Chinese right before it.
fn is_announced(lead: &str) -> bool {
    lead.trim_end_matches(' ')
        .ends_with(|c: char| c == ':' || is_chinese(c))
}

fn is_chinese(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{9fff}' | '\u{ff00}'..='\u{ff60}')
}

/// The end of an address that goes on to the next blank or Chinese character.
fn end_of_path(text: &str, from: usize) -> usize {
    let is_end = |c: char| !c.is_ascii_graphic();
    text[from..]
        .find(is_end)
        .map_or(text.len(), |length| from + length)
}
