//! Applies the number format of a cell, so that a number or a date reads as the sheet shows it.
//!
//! `ssfmt` formats one section of a format code. Which section applies, and what must not be guessed, is decided here: a format
//! that depends on a language other than English, on the computer's currency or on the width of the column is not supported.

use ssfmt::ast::{Condition, DatePart, ElapsedPart, FormatPart};
use ssfmt::{FormatOptions, NumberFormat as Code, format_code_from_id};

use super::round::rounded;

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

#[derive(Clone, Debug)]
struct Section {
    condition: Option<Condition>,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    /// The number with all its digits between two texts.
    General(String, String),
    /// Always this text.
    Literal(String),
    Number {
        code: Code,
        /// How many decimals of the value are shown; `None` for fractions and exponents.
        decimals: Option<i32>,
    },
    Date {
        code: Code,
        /// Whether it counts hours beyond a day.
        is_duration: bool,
        shows_fractions: bool,
    },
    Unsupported,
}

/// How a date is written whose format follows the computer's region.
const REGION_DATE: &str = "d/m/yyyy";
const REGION_DATE_TIME: &str = "d/m/yyyy h:mm";
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

impl Section {
    /// One of this many sections for numbers.
    fn parse(section: &str, count: usize) -> Self {
        let Some(cleaned) = Cleaned::of(section) else {
            return Self {
                condition: None,
                body: Body::Unsupported,
            };
        };
        Self {
            condition: cleaned.condition,
            body: cleaned.body(count).unwrap_or(Body::Unsupported),
        }
    }
}

/// The language of the words in a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    /// Or none named.
    English,
    Other,
}

/// A section without what stands in brackets.
struct Cleaned {
    code: String,
    condition: Option<Condition>,
    language: Language,
    has_color: bool,
}

impl Cleaned {
    /// `None`: something in brackets is not supported.
    fn of(section: &str) -> Option<Self> {
        let mut cleaned = Self {
            code: String::with_capacity(section.len()),
            condition: None,
            language: Language::English,
            has_color: false,
        };
        for piece in pieces(section) {
            match piece.strip_prefix('[') {
                Some(bracket) => cleaned.bracket(bracket.trim_end_matches(']'))?,
                // Blanks that fill the column are one blank in a sentence.
                None if piece == "* " => cleaned.code.push_str("\\ "),
                None => cleaned.code.push_str(piece),
            }
        }
        Some(cleaned)
    }

    fn bracket(&mut self, inner: &str) -> Option<()> {
        const COLORS: [&str; 8] = [
            "black", "blue", "cyan", "green", "magenta", "red", "white", "yellow",
        ];
        let small = inner.to_ascii_lowercase();
        if let Some(currency) = inner.strip_prefix('$') {
            return self.currency(currency);
        }
        let is_elapsed = !small.is_empty()
            && ["h", "m", "s"]
                .iter()
                .any(|unit| small.trim_matches(|c| unit.starts_with(c)).is_empty());
        if is_elapsed {
            self.code.push_str(&format!("[{inner}]"));
        } else if COLORS.contains(&small.as_str()) || small.starts_with("color") {
            self.has_color = true;
        } else {
            self.condition = Some(condition(inner)?);
        }
        Some(())
    }

    /// `RM-43E`, `-409`, `-F800`: a currency, and a language.
    fn currency(&mut self, inner: &str) -> Option<()> {
        let (symbol, language) = inner.split_once('-').unwrap_or((inner, ""));
        if !symbol.is_empty() {
            if symbol.contains('"') {
                return None;
            }
            self.code.push_str(&format!("\"{symbol}\""));
        }
        let small = language.to_ascii_lowercase();
        match u32::from_str_radix(language, 16) {
            Ok(0xF800) => self.code.push_str(REGION_MARK),
            Ok(0xF400) => {}
            // The upper half names a calendar and digits.
            Ok(0x1_0000..) => return None,
            // The lower ten bits name the language.
            Ok(code) if code & 0x3FF == 0x09 => {}
            Ok(_) => self.language = Language::Other,
            Err(_) => match small.as_str() {
                "x-sysdate" => self.code.push_str(REGION_MARK),
                "x-systime" | "" => {}
                _ if small == "en" || small.starts_with("en-") => {}
                _ if small.contains(',') => return None,
                _ => self.language = Language::Other,
            },
        }
        Some(())
    }

    fn body(&self, count: usize) -> Option<Body> {
        let code = self.code.trim();
        if code.starts_with(REGION_MARK) {
            return number(REGION_DATE, Language::English);
        }
        if code.is_empty() {
            // With a color alone it is General, but how the other sections then show a sign is not certain.
            return match (self.has_color || self.condition.is_some(), count) {
                (_, 1) => Some(Body::General(String::new(), String::new())),
                (true, _) => None,
                (false, _) => Some(Body::Literal(String::new())),
            };
        }
        if let Some(at) = find(code, "general") {
            return Some(Body::General(
                literal(&code[..at])?,
                literal(&code[at + "general".len()..])?,
            ));
        }
        match literal(code) {
            Some(text) => Some(Body::Literal(text)),
            None => number(code, self.language),
        }
    }
}

/// Stands in a cleaned code where the format is the computer's own for dates.
const REGION_MARK: &str = "\u{1}";

/// `>=1000`
fn condition(inner: &str) -> Option<Condition> {
    let operator = inner.len() - inner.trim_start_matches(['<', '>', '=']).len();
    let limit: f64 = inner[operator..].trim().parse().ok()?;
    Some(match &inner[..operator] {
        ">" => Condition::GreaterThan(limit),
        "<" => Condition::LessThan(limit),
        "=" => Condition::Equal(limit),
        ">=" => Condition::GreaterOrEqual(limit),
        "<=" => Condition::LessOrEqual(limit),
        "<>" => Condition::NotEqual(limit),
        _ => return None,
    })
}

/// A section with placeholders for digits or for parts of a date.
fn number(section: &str, language: Language) -> Option<Body> {
    let code = Code::parse(section).ok()?;
    let [parsed] = code.sections() else {
        return None;
    };
    let parts = &parsed.parts;
    // How often a character fills the width of the column is not known.
    let is_foreign = |part: &FormatPart| {
        matches!(
            part,
            FormatPart::Fill(_) | FormatPart::TextPlaceholder | FormatPart::GeneralNumber
        )
    };
    if parts.iter().any(is_foreign) {
        return None;
    }
    if !parsed.has_date_parts() {
        if letters(section).any(|c| c != 'e') {
            return None;
        }
        return Some(Body::Number {
            decimals: decimals(parts),
            code,
        });
    }
    let is_numeric = parts
        .iter()
        .any(|part| matches!(part, FormatPart::Digit(_) | FormatPart::Percent));
    let is_other_calendar =
        parsed.metadata.is_hijri || !letters(section).all(|c| "ymdhsap".contains(c));
    let has_words = parts.iter().any(is_word);
    if is_numeric || is_other_calendar || (has_words && language == Language::Other) {
        return None;
    }
    let is_elapsed = |part: &FormatPart| {
        matches!(
            part,
            FormatPart::Elapsed(
                ElapsedPart::Hours
                    | ElapsedPart::Hours2
                    | ElapsedPart::Minutes
                    | ElapsedPart::Minutes2
                    | ElapsedPart::Seconds
                    | ElapsedPart::Seconds2
            )
        )
    };
    Some(Body::Date {
        is_duration: parts.iter().any(is_elapsed),
        shows_fractions: parsed.metadata.max_subsecond_precision.is_some(),
        code,
    })
}

/// Whether a part of a date is a word in some language.
fn is_word(part: &FormatPart) -> bool {
    matches!(
        part,
        FormatPart::AmPm(_)
            | FormatPart::DatePart(
                DatePart::MonthAbbr
                    | DatePart::MonthFull
                    | DatePart::MonthLetter
                    | DatePart::DayAbbr
                    | DatePart::DayFull
            )
    )
}

/// How many decimals of the value itself these parts show.
fn decimals(parts: &[FormatPart]) -> Option<i32> {
    let mut decimals = 0;
    let mut is_after_point = false;
    let mut commas = 0;
    for part in parts {
        match part {
            FormatPart::Fraction { .. } | FormatPart::Scientific { .. } => return None,
            FormatPart::DecimalPoint => is_after_point = true,
            FormatPart::Digit(_) => {
                commas = 0;
                decimals += i32::from(is_after_point);
            }
            FormatPart::ThousandsSeparator => commas += 1,
            FormatPart::Percent => decimals += 2,
            _ => {}
        }
    }
    // A comma behind the last digit divides by a thousand.
    Some(decimals - 3 * commas)
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

/// The sections of a code.
fn split(code: &str) -> Vec<String> {
    let mut sections = vec![String::new()];
    for piece in pieces(code) {
        match (piece, sections.last_mut()) {
            (";", _) => sections.push(String::new()),
            (piece, Some(section)) => section.push_str(piece),
            (_, None) => {}
        }
    }
    sections
}

/// A code cut into single characters, quoted texts, escaped characters and brackets.
fn pieces(code: &str) -> impl Iterator<Item = &str> {
    let mut rest = code;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let until = |sign: char| rest[1..].find(sign).map_or(rest.len(), |at| at + 2);
        let length = match first {
            '"' => until('"'),
            '[' => until(']'),
            '\\' | '_' | '*' => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            other => other.len_utf8(),
        };
        let (piece, after) = rest.split_at(length);
        rest = after;
        Some(piece)
    })
}

/// Where a word stands in a code outside quotes; case does not matter.
fn find(code: &str, word: &str) -> Option<usize> {
    let mut at = 0;
    for piece in pieces(code) {
        let here = code.get(at..at + word.len());
        if piece.len() == 1 && here.is_some_and(|here| here.eq_ignore_ascii_case(word)) {
            return Some(at);
        }
        at += piece.len();
    }
    None
}

/// The letters of a code outside quotes, small.
fn letters(code: &str) -> impl Iterator<Item = char> {
    pieces(code)
        .filter_map(|piece| match piece.strip_prefix('[') {
            Some(_) => None,
            None => piece.chars().next().filter(|c| piece.len() == c.len_utf8()),
        })
        .filter(|c| c.is_alphabetic() && c.is_ascii())
        .map(|c| c.to_ascii_lowercase())
}

/// The text that a code is, if it has no placeholders.
fn literal(code: &str) -> Option<String> {
    let mut text = String::new();
    for piece in pieces(code) {
        let mut chars = piece.chars();
        match (chars.next()?, chars.as_str()) {
            ('"', quoted) => text.push_str(quoted.strip_suffix('"').unwrap_or(quoted)),
            ('\\', escaped) => text.push_str(escaped),
            ('_', _) | ('*', " ") => text.push(' '),
            ('[' | '*', _) => return None,
            (c, _) if "$-+/():!^&'~{}<>= ".contains(c) || !c.is_ascii() => text.push(c),
            _ => return None,
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests;
