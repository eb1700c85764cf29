//! Warnings about the content of texts as they would go out: what Malaysian networks block, and what looks like a mistake.
//!
//! Every rule would rather miss something than warn about an honest text. What a rule deliberately leaves alone is said at
//! its variant of [`Rule`].

mod damage;
mod link;
mod merge_field;
mod personal_data;
mod phone_number;
mod phrases;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use regex::RegexSet;
use strum::{IntoStaticStr, VariantArray};

use crate::domain::{ColumnNames, Msisdn, Region, Template, TemplateError};
use crate::{Error, Kind, Result};
use damage::Damage;
use link::Links;
use merge_field::MergeFields;
use personal_data::PersonalData;
use phone_number::PhoneNumbers;

/// What can be found in a text (or, for [`Rule::SenderId`], in where it goes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Rule {
    /// A web address: with `http://`, with `www.`, or a bare domain (`kedaiku.com/promo`, `wa.me/60123456789`).
    ///
    /// Source: the regulator (MCMC). An e-mail address is no link: we know of no network that blocks one. Where a domain may also be a
    /// full stop without its space (`order.my team`), it counts if a path follows, if it ends a clause (`Lawati kedaiku.my.`), or
    /// if a word such as "visit" or "layari" leads to it.
    Link,
    /// A telephone number to call: a Malaysian number written as one, `1-300` and `1-800`, or any with `+`.
    ///
    /// Source: the regulator (MCMC); networks read it as "a mobile or fixed line number", so no "call us" is needed. Digits without
    /// any grouping count if they can only be a mobile number and no word says that they are an order, or if a word says to call
    /// them. Short codes (`reply to 36828`) are no telephone numbers.
    #[strum(serialize = "call-back")]
    PhoneNumber,
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
    /// A text in capitals: more than 20 capitals, at least nine in ten of its letters. Never a text with Chinese in it.
    ///
    /// Source: ours.
    Capitals,
    /// A merge field that was not filled in: `{name}`, `{{ name }}`, `{% if %}`, `<<name>>`, `%name%`; and `[name]`, `【姓名】`,
    /// `<name>`, `$name`, `#name#` where that is a column, nearly a column, or a usual merge word. Also what a spreadsheet or
    /// program writes where a value was missing: `#N/A`, `Hi nan`, `RM NULL`.
    ///
    /// Source: ours. Brands stand in brackets (`[KedaiKu]`), so brackets alone say nothing.
    #[strum(serialize = "placeholder")]
    MergeField,
    /// What was damaged on its way into the text: `???` in the place of letters, `Ã©`, `&#039;`, `<br>`, `\n` or `\u00e9` written
    /// out, RTF.
    ///
    /// Source: ours. Question marks behind a word or a sentence are no damage.
    Damaged,
}

impl Rule {
    /// Every rule, in the order of summaries.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The rule's key in reports; it never changes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// What was found and what follows from it, as a sentence without its full stop.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::Link => {
                "a link: Malaysian networks block the message, and its credits are charged, unless it is whitelisted"
            }
            Self::PhoneNumber => {
                "a telephone number: Malaysian networks block the message, and its credits are charged, unless it is whitelisted"
            }
            Self::PersonalData => {
                "a request for personal data: Malaysian networks block the message, and its credits are charged, unless it is whitelisted"
            }
            Self::SenderId => {
                "a sender ID for a Malaysian number: the network shows a short code in its place, so the text must name the sender"
            }
            Self::Capitals => "written in capitals: it reads like shouting, and like a scam",
            Self::MergeField => {
                "what looks like a merge field that was not filled in: people would read it as it stands"
            }
            Self::Damaged => {
                "what looks damaged, with letters lost or codes in their place: people would read it as it stands"
            }
        }
    }

    /// Where the rule comes from, without a full stop.
    #[must_use]
    pub const fn source(self) -> &'static str {
        match self {
            Self::Link | Self::PhoneNumber | Self::PersonalData => {
                "MCMC: since 1 September 2024 networks block messages with links, call-back numbers or requests for personal data unless whitelisted"
            }
            Self::SenderId => {
                "iSMS: Malaysian numbers (prefix 60) do not support a sender ID, the network replaces it"
            }
            Self::Capitals | Self::MergeField | Self::Damaged => {
                "our own rule: looks like a mistake"
            }
        }
    }
}

/// Whether the network puts a short code in the place of a sender ID on a message to this number: it does in Malaysia.
#[must_use]
pub fn sender_id_is_replaced(number: Msisdn) -> bool {
    number.is_of(Region::MY)
}

/// A rule that a text breaks, and the first part of the text that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// The part of the text, on one line, at most 60 characters.
    pub excerpt: String,
    /// What helps in this case, as a sentence without its full stop.
    pub hint: Option<String>,
}

/// The rules for texts that come out of one spreadsheet.
#[derive(Clone, Debug)]
pub struct Linter {
    /// One for each rule that looks into the text: what a text that breaks it has.
    signs: RegexSet,
    links: Links,
    phone_numbers: PhoneNumbers,
    personal_data: PersonalData,
    merge_fields: MergeFields,
    damage: Damage,
}

impl Linter {
    /// The linter for texts of a spreadsheet with these columns.
    pub fn new(columns: &ColumnNames) -> Result<Self> {
        Self::compiled(columns).map_err(|error| {
            Error::new(
                Kind::Other,
                "a rule about the content of texts does not compile",
            )
            .caused_by(error)
        })
    }

    fn compiled(columns: &ColumnNames) -> Result<Self, regex::Error> {
        Ok(Self {
            signs: RegexSet::new([
                link::SIGN,
                &phone_number::sign(),
                &personal_data::datum(),
                merge_field::SIGN,
                damage::SIGN,
            ])?,
            links: Links::new()?,
            phone_numbers: PhoneNumbers::new()?,
            personal_data: PersonalData::new()?,
            merge_fields: MergeFields::new(columns)?,
            damage: Damage::new()?,
        })
    }

    /// What is found in this text: each rule at most once, in the order of [`Rule::ALL`]. [`Rule::SenderId`] is about the number and
    /// never here. `written` is the text before its punctuation was made plain, where that changed it: `«name»` is a merge field,
    /// `"name"` is not.
    #[must_use]
    pub fn findings(&self, text: &str, written: Option<&str>) -> Vec<Finding> {
        let mut findings = self.findings_in(text);
        let field = written.and_then(|written| self.merge_field(written));
        if let Some(field) =
            field.filter(|field| findings.iter().all(|found| found.rule != field.rule))
        {
            findings.push(field);
            findings.sort_by_key(|finding| finding.rule);
        }
        findings
    }

    /// The finding in a cell of which only question marks are left, wherever they stand in the text.
    #[must_use]
    pub fn lost_cell(&self, cell: &str) -> Option<Finding> {
        damage::is_lost(cell).then(|| Finding {
            rule: Rule::Damaged,
            excerpt: excerpt(cell, cell, 0..cell.len()),
            hint: None,
        })
    }

    /// The error in a template that holds a column in the notation of another program.
    pub fn check_template(&self, template: &Template<'_>) -> Result<(), TemplateError> {
        for (start, text) in template.literals() {
            let narrow = narrow(text);
            let errors = self
                .merge_fields
                .columns(&narrow)
                .filter_map(|(range, name)| {
                    let range = in_original(text, &narrow, &range);
                    template.field_error(start + range.start, &text[range], name)
                });
            if let Some(error) = errors.into_iter().next() {
                return Err(error);
            }
        }
        Ok(())
    }

    fn merge_field(&self, text: &str) -> Option<Finding> {
        let narrow = narrow(text);
        let found = self.merge_fields.find(&narrow)?;
        Some(Finding {
            rule: Rule::MergeField,
            excerpt: excerpt(text, &narrow, found.range),
            hint: found.hint,
        })
    }

    fn findings_in(&self, text: &str) -> Vec<Finding> {
        let narrow = narrow(text);
        let signs = self.signs.matches(&narrow);
        let findings = Rule::ALL.iter().copied().filter_map(|rule| {
            let range = match rule {
                Rule::MergeField => return signs.matched(3).then(|| self.merge_field(text))?,
                Rule::Link if signs.matched(0) => self.links.find(&narrow),
                Rule::PhoneNumber if signs.matched(1) => self.phone_numbers.find(&narrow),
                Rule::PersonalData if signs.matched(2) => self.personal_data.find(&narrow),
                Rule::Damaged if signs.matched(4) => self.damage.find(&narrow),
                Rule::Capitals if is_in_capitals(&narrow) => Some(0..narrow.len()),
                _ => None,
            };
            let excerpt = excerpt(text, &narrow, range?);
            Some(Finding {
                rule,
                excerpt,
                hint: None,
            })
        });
        findings.collect()
    }
}

/// The text with ASCII characters in the place of the full-width ones that Chinese keyboards write, character by character.
fn narrow(text: &str) -> Cow<'_, str> {
    const FIRST: char = '！';
    let narrow = |c: char| match c {
        FIRST..='～' => {
            char::from_u32(u32::from(c) - u32::from(FIRST) + u32::from('!')).unwrap_or(c)
        }
        '｡' => '.',
        c => c,
    };
    // Every full-width character begins with this byte.
    if text.as_bytes().contains(&0xEF) {
        text.chars().map(narrow).collect()
    } else {
        text.into()
    }
}

/// Few capitals are a brand and a code; one small letter in ten is a `kg` or an `RM2k`.
fn is_in_capitals(text: &str) -> bool {
    const FEW: usize = 20;
    let is_chinese = |c: char| matches!(c, '\u{3000}'..='\u{9fff}');
    let capitals = count(text, u8::is_ascii_uppercase);
    capitals > FEW
        && capitals >= 9 * count(text, u8::is_ascii_lowercase)
        && !text.contains(is_chinese)
}

/// How many bytes are of this kind. Blocks whose count fits into a byte are counted many bytes at once, which takes a
/// tenth of the time.
fn count(text: &str, is_counted: impl Fn(&u8) -> bool) -> usize {
    let blocks = text.as_bytes().chunks(usize::from(u8::MAX));
    let counts = blocks.map(|block| {
        block
            .iter()
            .map(|byte| u8::from(is_counted(byte)))
            .sum::<u8>()
    });
    counts.map(usize::from).sum()
}

/// Where in the text this range of its narrow form is. Both have the same number of characters.
fn in_original(text: &str, narrow: &str, range: &Range<usize>) -> Range<usize> {
    let place = |at: usize| {
        let before = narrow[..at].chars().count();
        let mut places = text.char_indices().map(|(place, _)| place);
        places.nth(before).unwrap_or(text.len())
    };
    place(range.start)..place(range.end)
}

/// What stands in the text where the range is in its narrow form: on one line, cut to a length that fits into a summary.
fn excerpt(text: &str, narrow: &str, range: Range<usize>) -> String {
    const LONGEST: usize = 60;
    let found = &text[in_original(text, narrow, &range)];
    let found = found.trim().replace(char::is_control, " ");
    match found.char_indices().nth(LONGEST) {
        Some(_) => found.chars().take(LONGEST - 1).chain(['…']).collect(),
        None => found,
    }
}
