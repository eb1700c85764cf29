//! Web addresses in a text: which endings make a domain, and which of them are also words that follow a full stop
//! without its space.

use std::ops::Range;

use regex::{Error, Regex};

use super::phrases::{any_of, any_part_of};

/// Every link has this.
pub(super) const SIGN: &str = r"\.[A-Za-z]|://";

/// Endings that are no word and no abbreviation: always a link.
const ENDINGS: &[&str] = &["com", "edu", "gov", "io", "ly", "gle", "xyz"];

/// Endings that are words or abbreviations too (`kedaiku.my`, `order.my team`): a link where a clause ends behind them, where a
/// path follows, or where a word leads to them.
#[rustfmt::skip]
const ENDINGS_OF_A_CLAUSE: &[&str] = &[
    "ai", "app", "asia", "au", "bio", "biz", "cc", "click", "cloud", "club", "cn", "co", "dev", "ee", "eu", "hk", "info",
    "ink", "jp", "kr", "link", "live", "my", "net", "news", "nz", "online", "org", "page", "ph", "pro", "sg", "shop", "site",
    "space", "store", "tech", "tv", "tw", "uk", "vip", "website", "win", "work", "world",
];

/// Endings that are everyday words at the end of a sentence, too (`call.me`): a link only with a path, or after "visit".
#[rustfmt::skip]
const ENDINGS_BEFORE_A_PATH: &[&str] = &[
    "am", "at", "be", "fun", "gd", "gg", "gl", "gy", "id", "in", "is", "it", "la", "me", "one", "sh", "so", "st", "to",
    "today", "us", "ws",
];

/// Shorteners and chats: always a link.
#[rustfmt::skip]
const HOSTS: &[&str] = &[
    r"fb\.me", r"g\.co", r"is\.gd", r"lnkd\.in", r"m\.me", r"rb\.gy", r"s\.id", r"shorturl\.at", r"t\.co", r"t\.me", r"v\.gd",
    r"wa\.me", r"youtu\.be",
];

/// Words that lead to an address.
const LEADS: &[&str] = &[
    "browse", "click", "klik", "laman", "lawati", "layari", "link", "pautan", "portal", "sesawang",
    "tekan", "url", "via", "visit", "website",
];

/// Words that do so, but are followed by other words just as often: not enough for an ending that is an everyday word.
const WEAK_LEADS: &[&str] = &["di", "ke", "melalui", "web"];

/// Words before a full stop that end a sentence and are no domain.
const SENTENCE_ENDS: &[&str] = &[
    "anda", "here", "ini", "it", "kami", "kita", "me", "now", "sini", "sekarang", "today", "us",
    "you",
];

/// Finds web addresses.
#[derive(Clone, Debug)]
pub(super) struct Links {
    with_scheme: Regex,
    /// What a host's name is made of, with a letter behind a dot.
    host: Regex,
    certain: Regex,
    sentence_end: Regex,
    ends_with_word: Regex,
    ends_with_everyday_word: Regex,
    lead: Regex,
    weak_lead: Regex,
    path: Regex,
    clause_end: Regex,
}

impl Links {
    pub(super) fn new() -> Result<Self, Error> {
        // A label of two characters or more, one of them a letter.
        let name = "(?:[A-Za-z][0-9A-Za-z_-]|[0-9_-]+[A-Za-z])[0-9A-Za-z_-]*";
        let certain = [
            r"^(?i:www)\.[^.]".to_owned(),
            r"[^.]\.(?i:com)(?:\.|$)".to_owned(),
            format!(r"(?:^|\.){}(?:\.|$)", either_case(HOSTS)),
            format!(r"(?:^|\.){name}\.{}(?:\.|$)", either_case(ENDINGS)),
            // `co.uk`
            r"[^.]\.(?i:co|com|edu|gov|mil|name|net|org)\.(?:[a-z]{2}|[A-Z]{2})$".to_owned(),
        ];
        let ends_with =
            |endings| Regex::new(&format!(r"(?:^|\.){name}\.{}$", either_case(endings)));
        let leads = |words| Regex::new(&format!(r"{}[^0-9A-Za-z.!?;\n]{{0,3}}$", any_of(words)));
        Ok(Self {
            with_scheme: Regex::new("[A-Za-z]{3,}://[!-~]*")?,
            host: Regex::new(r"[0-9A-Za-z_.-]*\.[A-Za-z](?:[0-9A-Za-z_.-]*[0-9A-Za-z_-])?")?,
            certain: Regex::new(&certain.join("|"))?,
            sentence_end: Regex::new(&format!(r"{}\.[^.]+$", any_of(SENTENCE_ENDS)))?,
            ends_with_word: ends_with(ENDINGS_OF_A_CLAUSE)?,
            ends_with_everyday_word: ends_with(ENDINGS_BEFORE_A_PATH)?,
            lead: leads(LEADS)?,
            weak_lead: Regex::new(&format!(
                "(?:{})|(?::|[\u{3000}-\u{9fff}]) *$",
                leads(WEAK_LEADS)?
            ))?,
            path: Regex::new("^[/?][0-9A-Za-z][!-~]*")?,
            clause_end: Regex::new("^(?: *(?:$|\n|[\u{3000}-\u{9fff}])|[].,!?;:()\"/])")?,
        })
    }

    /// The first link in the text, or the first with a scheme.
    pub(super) fn find(&self, text: &str) -> Option<Range<usize>> {
        let with_scheme = self.with_scheme.find(text).map(|link| link.range());
        with_scheme.or_else(|| {
            let mut hosts = self.host.find_iter(text).map(|host| host.range());
            let host = hosts.find(|host| self.is_link(text, host))?;
            let path = self.path.find(&text[host.end..]);
            Some(host.start..host.end + path.map_or(0, |path| path.len()))
        })
    }

    fn is_link(&self, text: &str, host: &Range<usize>) -> bool {
        let (lead, name, rest) = (&text[..host.start], &text[host.clone()], &text[host.end..]);
        if lead.ends_with('@') || rest.starts_with('@') {
            return false;
        }
        // `kedaiku .com`: the word that follows a full stop is never "com".
        if name.starts_with('.') {
            return name.eq_ignore_ascii_case(".com") && lead.ends_with(' ');
        }
        if self.certain.is_match(name) {
            return true;
        }
        let is_word = self.ends_with_word.is_match(name);
        if !is_word && !self.ends_with_everyday_word.is_match(name) {
            return false;
        }
        self.path.is_match(rest)
            || !self.sentence_end.is_match(name)
                && (self.lead.is_match(lead)
                    || is_word && (self.clause_end.is_match(rest) || self.weak_lead.is_match(lead)))
    }
}

/// The pattern of these endings in small letters or in capitals. `My order` begins a sentence.
fn either_case(endings: &[&str]) -> String {
    let endings = any_part_of(endings);
    format!("(?:{endings}|{})", endings.to_uppercase())
}
