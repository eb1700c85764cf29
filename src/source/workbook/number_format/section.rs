//! One section of the code of a number format: what it shows, or that it is not supported.

use ssfmt::NumberFormat as Code;
use ssfmt::ast::{Condition, DatePart, FormatPart};

use super::pieces::{find, letters, literal, pieces};

#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) condition: Option<Condition>,
    pub(super) body: Body,
}

#[derive(Clone, Debug)]
pub(super) enum Body {
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
pub(super) const REGION_DATE: &str = "d/m/yyyy";
pub(super) const REGION_DATE_TIME: &str = "d/m/yyyy h:mm";
impl Section {
    /// One of this many sections for numbers.
    pub(super) fn parse(section: &str, count: usize) -> Self {
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
pub(super) struct Cleaned {
    pub(super) code: String,
    condition: Option<Condition>,
    language: Language,
    has_color: bool,
}

impl Cleaned {
    /// `None`: something in brackets is not supported.
    pub(super) fn of(section: &str) -> Option<Self> {
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
            self.code.extend(["[", inner, "]"]);
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
            self.code.extend(["\"", symbol, "\""]);
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
    let is_elapsed = |part: &FormatPart| matches!(part, FormatPart::Elapsed(_));
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
