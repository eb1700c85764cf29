//! What Malaysian networks block, or what looks like a mistake, in a text as it would go out. It knows texts and the names of
//! columns only: not what is done about a finding, and not which texts a network has whitelisted.
//!
//! Every rule would rather miss than cry wolf: a warning on every honest text is read by nobody. What is deliberately left
//! alone stands at each rule, in [`Rule`].

mod call_back;
mod link;
mod placeholder;
mod request;
mod words;

#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::domain::{Msisdn, Region};
use placeholder::MergeWords;
use words::Beginnings;

/// What can be found in a text (or, for [`Rule::SenderId`], in where it goes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A web address: with `http://`, with `www.`, or a bare domain (`kedaiku.com/promo`, `wa.me/60123456789`).
    ///
    /// Source: the regulator (MCMC). An e-mail address is no link: nobody blocks one that we know of. Where a domain may also be a
    /// full stop without its space (`order.my team`), it counts if a path follows, if it ends a clause (`Lawati kedaiku.my.`), or
    /// if a word such as "visit" or "layari" leads to it.
    Link,
    /// A telephone number to call back: a Malaysian number written as one, `1-300` and `1-800`, or any with `+`.
    ///
    /// Source: the regulator (MCMC); networks read it as "a mobile or fixed line number", so no "call us" is needed. Digits without
    /// any grouping count if they can only be a mobile number and nothing says that they are an order, or if the text says to call
    /// them. Short codes (`reply to 36828`) are no telephone numbers.
    CallBack,
    /// A request for an IC number, bank account, card, password, TAC or OTP, in English, Malay or Chinese.
    ///
    /// Source: the regulator (MCMC). It takes a verb of giving and then the datum. Warnings (`Never share your TAC`), a mere mention
    /// (`Your OTP is 123456`), a code that the text itself hands out, and what is shown at a counter (`Bring your IC`) are none.
    /// Names and addresses are not looked for.
    PersonalData,
    /// A sender ID for a Malaysian number: the network puts a short code in its place. See [`sender_id_is_replaced`].
    ///
    /// Source: the iSMS reference and the networks.
    SenderId,
    /// A text in capitals: more than 20 letters, of which at least nine in ten are capitals. Never a text with Chinese in it.
    ///
    /// Source: ours.
    Capitals,
    /// A merge field that was left as it is: `{name}`, `{{ name }}`, `{% if %}`, `<<name>>`, `%name%`; and `[name]`, `【姓名】`,
    /// `<name>`, `$name`, `#name#` where that is a column, nearly a column, or a usual merge word. Also what a spreadsheet or
    /// program writes where a value was missing: `#N/A`, `Hi nan`, `RM NULL`.
    ///
    /// Source: ours. Brands stand in brackets (`[KedaiKu]`), so brackets alone say nothing.
    Placeholder,
}

impl Rule {
    /// Every rule, in the order of summaries.
    pub const ALL: [Self; 6] = [
        Self::Link,
        Self::CallBack,
        Self::PersonalData,
        Self::SenderId,
        Self::Capitals,
        Self::Placeholder,
    ];

    /// The rule's word in JSON; it never changes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::CallBack => "call-back",
            Self::PersonalData => "personal-data",
            Self::SenderId => "sender-id",
            Self::Capitals => "capitals",
            Self::Placeholder => "placeholder",
        }
    }

    /// A sentence for people, without its full stop: what was found, and what comes of it.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::Link => {
                "a link: Malaysian networks block the message, and its credits are charged, unless it is whitelisted"
            }
            Self::CallBack => {
                "a telephone number: Malaysian networks block the message, and its credits are charged, unless it is whitelisted"
            }
            Self::PersonalData => {
                "a request for personal data: Malaysian networks block the message, and its credits are charged, unless it is whitelisted"
            }
            Self::SenderId => {
                "a sender ID for a Malaysian number: the network shows a short code in its place, so the text must name the sender"
            }
            Self::Capitals => "written in capitals: it reads like shouting, and like a scam",
            Self::Placeholder => {
                "what looks like a merge field left as it is: people would read it just so"
            }
        }
    }

    /// Where the rule comes from, without a full stop.
    #[must_use]
    pub const fn source(self) -> &'static str {
        match self {
            Self::Link | Self::CallBack | Self::PersonalData => {
                "MCMC: since 1 September 2024 networks block messages with links, call-back numbers or requests for personal data unless whitelisted"
            }
            Self::SenderId => {
                "iSMS: Malaysian numbers (prefix 60) do not support a sender ID, the network replaces it"
            }
            Self::Capitals | Self::Placeholder => "our own rule: looks like a mistake",
        }
    }
}

/// Whether the network puts a short code in the place of a sender ID on a message to this number: it does in Malaysia.
#[must_use]
pub fn sender_id_is_replaced(number: Msisdn) -> bool {
    number.is_of(Region::MY)
}

/// One rule that a text is caught by, and the first bit of the text that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    rule: Rule,
    excerpt: String,
}

impl Finding {
    /// The rule.
    #[must_use]
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// The bit of the text, on one line, at most 60 characters.
    #[must_use]
    pub fn excerpt(&self) -> &str {
        &self.excerpt
    }
}

/// What was found in one text: each rule at most once, in the order of [`Rule::ALL`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was found, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.0.iter()
    }

    /// What was found by this rule, if anything.
    #[must_use]
    pub fn by(&self, rule: Rule) -> Option<&Finding> {
        self.iter().find(|finding| finding.rule == rule)
    }

    fn add(&mut self, rule: Rule, text: &str, found: Option<Range<usize>>) {
        let Some(bit) = found.and_then(|range| text.get(range)) else {
            return;
        };
        self.0.push(Finding {
            rule,
            excerpt: excerpt(bit),
        });
    }
}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Findings {
    type Item = &'a Finding;
    type IntoIter = std::slice::Iter<'a, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The rules for texts that come out of one spreadsheet.
#[derive(Clone, Debug, Default)]
pub struct Linter {
    merge_words: MergeWords,
}

impl Linter {
    /// The linter for texts of a spreadsheet with these columns: of each its header as written and its name in templates.
    pub fn new<'a>(columns: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self {
            merge_words: MergeWords::new(columns),
        }
    }

    /// What is found in this text. Nothing is allocated unless something is; [`Rule::SenderId`] is about the number and never here.
    #[must_use]
    pub fn findings(&self, text: &str) -> Findings {
        let signs = Signs::of(text);
        let mut findings = Findings::default();
        if signs.has(LINK) {
            findings.add(Rule::Link, text, link::find(text));
        }
        if signs.has(NUMBER) {
            findings.add(Rule::CallBack, text, call_back::find(text));
        }
        if signs.has(DATUM | WIDE) {
            let request = request::find(text, signs.has(WIDE));
            findings.add(Rule::PersonalData, text, request);
        }
        if signs.shouts() {
            findings.add(Rule::Capitals, text, Some(0..text.len()));
        }
        let leftover = (signs
            .has(OPENER)
            .then(|| self.merge_words.find(text))
            .flatten())
        .or_else(|| (signs.has(MISSING).then(|| placeholder::missing_value(text))).flatten());
        findings.add(Rule::Placeholder, text, leftover);
        findings
    }
}

/// What a look at the bytes, many at a time, says about which rules can apply at all.
struct Signs {
    /// Those that occur.
    seen: u8,
    capitals: usize,
    small: usize,
}

/// What every link has: a dot before a letter, or `:/`, or what Chinese keyboards write for a dot.
const LINK: u8 = 1;
/// Chinese or full-width characters.
const WIDE: u8 = 2;
/// What a merge field can begin with.
const OPENER: u8 = 4;
/// What a telephone number can begin with, where one can begin.
const NUMBER: u8 = 8;
/// A word that begins like one for personal data.
const DATUM: u8 = 16;
/// A word that begins like what programs write where a value was missing.
const MISSING: u8 = 32;

static BEGINNINGS: Beginnings = Beginnings::of([
    (DATUM, &request::WORDS),
    (MISSING, placeholder::MISSING_VALUES),
]);

/// What a byte is a sign of. Comparisons are made for many bytes at once; a table would be asked for each.
fn sign(byte: u8) -> u8 {
    let if_so = |so: bool, sign: u8| u8::from(so) * sign;
    // A merge field can be in 【 】, U+3010, which 0xE3 begins.
    let opener = matches!(byte, b'{' | b'[' | b'<' | b'%' | b'$' | b'#' | 0xE3);
    // The first bytes of U+3000 to U+9FFF, and of U+F000 to U+FFFF.
    let wide = matches!(byte, 0xE3..=0xE9 | 0xEF);
    if_so(opener, OPENER) | if_so(wide, WIDE) | if_so(byte == 0xEF, LINK)
}

impl Signs {
    fn of(text: &str) -> Self {
        /// So many bytes can be counted in one.
        const BLOCK: usize = 255;
        let bytes = text.as_bytes();
        let mut signs = Self {
            seen: BEGINNINGS.in_text(text),
            capitals: 0,
            small: 0,
        };
        for block in bytes.chunks(BLOCK) {
            let (mut capitals, mut small) = (0_u8, 0_u8);
            for &byte in block {
                signs.seen |= sign(byte);
                capitals += u8::from(byte.is_ascii_uppercase());
                small += u8::from(byte.is_ascii_lowercase());
            }
            signs.capitals += usize::from(capitals);
            signs.small += usize::from(small);
        }
        let pairs = bytes.iter().zip(bytes.iter().skip(1));
        let link = pairs.fold(0, |link, (&byte, next)| {
            let host = u8::from(byte == b'.') & u8::from(next.is_ascii_alphabetic());
            let scheme = u8::from(byte == b':') & u8::from(*next == b'/');
            link | host | scheme
        });
        signs.seen |= link * LINK;
        signs.seen |= u8::from(call_back::may_be_in(bytes)) * NUMBER;
        signs
    }

    fn has(&self, sign: u8) -> bool {
        self.seen & sign != 0
    }

    fn shouts(&self) -> bool {
        // Few capitals are a brand and a code; one small letter in ten is a `kg` or an `RM2k`.
        const FEW: usize = 20;
        !self.has(WIDE) && self.capitals > FEW && self.capitals >= 9 * self.small
    }
}

/// The bit of a text on one line, cut to a length that fits into a summary.
fn excerpt(bit: &str) -> String {
    const LONGEST: usize = 60;
    let mut excerpt = String::new();
    for (position, c) in bit.trim().chars().enumerate() {
        if position == LONGEST - 1 {
            excerpt.push('…');
            break;
        }
        excerpt.push(if c.is_control() { ' ' } else { c });
    }
    excerpt
}
