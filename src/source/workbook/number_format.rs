//! Applies the number format of a cell, so that a number or a date reads as the sheet shows it.
//!
//! `ssfmt` formats one section of a format code. Which section applies, and what must not be guessed, is decided here: a format
//! that depends on a language other than English, on the computer's currency or on the width of the column is not supported.

mod pieces;
mod section;
#[cfg(test)]
mod tests;

use ssfmt::ast::Condition;
use ssfmt::{FormatOptions, NumberFormat as Code, format_code_from_id};

use super::round::rounded;
use pieces::{find, literal, split};
use section::{Body, Cleaned, REGION_DATE, REGION_DATE_TIME, Section};

/// The number format of cells.
#[derive(Clone, Debug, Default)]
pub(super) struct NumberFormat {
    /// The sections for numbers; none: General.
    numbers: Vec<Section>,
    /// What stands around a text; `None`: nothing.
    text: Option<(String, String)>,
}

/// What a format shows of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// The value as it is held, with all its digits.
    AsHeld,
    /// This text.
    Text(String),
    /// The format is not supported for this value.
    Unsupported,
}

/// What a spreadsheet shows for a date that does not exist.
const NO_DATE: &str = "########";
/// The day after 9999-12-31.
const DAYS: f64 = 2_958_466.0;
/// The days between the two beginnings from which a workbook may count.
const FROM_1904: f64 = 1462.0;
const DAY_SECONDS: f64 = 86_400.0;

impl NumberFormat {
    /// The format with this number, and the code that the file gives for it, if it does. Numbers below 164 have codes that a
    /// file need not give, and some of these follow the computer's region.
    pub(super) fn new(id: Option<u32>, code: Option<&str>) -> Self {
        let built_in = id.filter(|id| *id < 164);
        match (built_in, code) {
            (Some(14 | 27..=31 | 36 | 50..=54 | 57 | 58), _) => Self::parse(REGION_DATE),
            (Some(22), _) => Self::parse(REGION_DATE_TIME),
            (_, Some(code)) => Self::parse(code),
            (Some(id), None) => match format_code_from_id(id) {
                Some(code) => Self::parse(code),
                None => match id {
                    // The accounting formats without a currency.
                    41 => Self::parse("#,##0;-#,##0;\"-\""),
                    43 => Self::parse("#,##0.00;-#,##0.00;\"-\""),
                    _ => Self::unsupported(),
                },
            },
            (None, None) => Self::default(),
        }
    }

    fn unsupported() -> Self {
        Self {
            numbers: vec![Section {
                condition: None,
                body: Body::Unsupported,
            }],
            text: None,
        }
    }

    fn parse(code: &str) -> Self {
        let mut sections = split(code);
        let is_general = |section: &str| section.trim().eq_ignore_ascii_case("general");
        if sections.len() == 1 && (code.trim().is_empty() || is_general(code)) {
            return Self::default();
        }
        // The last section with a placeholder for text is for texts, and so is a fourth one.
        let for_text = sections
            .last()
            .is_some_and(|last| sections.len() == 4 || find(last, "@").is_some());
        let text = for_text.then(|| sections.pop()).flatten();
        let count = sections.len();
        Self {
            numbers: sections
                .iter()
                .map(|section| Section::parse(section, count))
                .collect(),
            text: text.and_then(|section| around_text(&section)),
        }
    }

    /// Whether it shows all values as they are held.
    pub(super) fn is_general(&self) -> bool {
        self.numbers.is_empty() && self.text.is_none()
    }

    /// What it shows of a text.
    pub(super) fn of_text(&self, text: &str) -> Shown {
        match &self.text {
            None => Shown::AsHeld,
            Some((before, after)) if before == HIDES => Shown::Text(after.clone()),
            Some((before, after)) => Shown::Text(format!("{before}{text}{after}")),
        }
    }

    /// What it shows of a number, which for a date is its number of days. `held`: the number with all its digits.
    pub(super) fn of_number(&self, value: f64, held: &str, is_1904: bool) -> Shown {
        if self.numbers.is_empty() {
            return Shown::AsHeld;
        }
        let Some((section, value)) = self.section(value) else {
            return Shown::Unsupported;
        };
        let shown = match &section.body {
            Body::General(before, after) => {
                let held = if value < 0.0 {
                    held
                } else {
                    held.trim_start_matches('-')
                };
                Some(format!("{before}{held}{after}"))
            }
            Body::Literal(_) if value < 0.0 => None,
            Body::Literal(text) => Some(text.clone()),
            Body::Number { code, decimals } => {
                let value = decimals.map_or(value, |decimals| rounded(value, decimals));
                // Adding 0 turns -0 into 0.
                code.try_format(value + 0.0, &FormatOptions::default()).ok()
            }
            Body::Date {
                code,
                is_duration,
                shows_fractions,
            } => {
                let from = if is_1904 && !is_duration {
                    FROM_1904
                } else {
                    0.0
                };
                date(code, value + from, *shows_fractions)
            }
            Body::Unsupported => None,
        };
        shown.map_or(Shown::Unsupported, |shown| {
            Shown::Text(single_spaced(&shown))
        })
    }

    /// The section for a number, and the number without the sign that the section itself shows; `None` where that is not certain.
    fn section(&self, value: f64) -> Option<(&Section, f64)> {
        let sections = &self.numbers;
        if sections.iter().all(|section| section.condition.is_none()) {
            return match sections.get(1..) {
                Some([_, ..]) if value < 0.0 => Some((&sections[1], -value)),
                Some([_, zero, ..]) if value == 0.0 => Some((zero, value)),
                _ => Some((sections.first()?, value)),
            };
        }
        let (last, before) = sections.split_last()?;
        if before.iter().any(|section| section.condition.is_none()) {
            return None;
        }
        let holds = |section: &&Section| {
            section
                .condition
                .is_none_or(|condition| condition.evaluate(value))
        };
        let section = before.iter().chain([last]).find(holds)?;
        let only_negative = matches!(
            section.condition,
            Some(Condition::LessThan(limit)) if limit <= 0.0
        ) || matches!(section.condition, Some(Condition::LessOrEqual(limit)) if limit < 0.0);
        match value < 0.0 {
            true if only_negative => Some((section, -value)),
            true => None,
            false => Some((section, value)),
        }
    }
}

/// In place of what stands before a text: the text itself is not shown.
const HIDES: &str = "\0";

/// What stands before and after a text; `None` if nothing does, or if it is not supported.
fn around_text(section: &str) -> Option<(String, String)> {
    let cleaned = Cleaned::of(section)?;
    match find(&cleaned.code, "@") {
        Some(at) => {
            let before = literal(&cleaned.code[..at])?;
            let after = literal(&cleaned.code[at + 1..])?;
            let adds = !before.trim().is_empty() || !after.trim().is_empty();
            adds.then_some((before, after))
        }
        None => Some((HIDES.to_owned(), literal(&cleaned.code)?)),
    }
}

fn date(code: &Code, days: f64, shows_fractions: bool) -> Option<String> {
    if !(0.0..DAYS).contains(&days) {
        return Some(NO_DATE.to_owned());
    }
    let days = if shows_fractions {
        days
    } else {
        // Times are kept inexactly: half past two is 0.604166666664241.
        (days * DAY_SECONDS).round() / DAY_SECONDS
    };
    let shown = code.try_format(days, &FormatOptions::default()).ok()?;
    (!shown.is_empty()).then_some(shown)
}

/// Spaces that align numbers in their column say nothing in a sentence.
fn single_spaced(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    words.join(" ")
}
