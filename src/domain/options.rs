//! The options that a plan depends on. The ledger keeps them, and a later run with other options is another campaign.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::limits::RequestLimits;
use super::msisdn::Region;
use super::sender_id::SenderId;

/// The options of a plan. A new one is added here, in `COMPARED`, and on the command line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanOptions {
    /// Where the message is.
    pub message: MessageSource,
    /// The header of the column that holds the numbers; `None` until planning has found it by its name.
    pub phone_column: Option<String>,
    /// The country of numbers without a country code.
    pub region: Region,
    /// The name shown as the sender.
    pub sender_id: Option<SenderId>,
    /// How texts are encoded.
    #[serde(rename = "type")]
    pub text_type: TextType,
    /// What becomes of typographic punctuation.
    pub punctuation: Punctuation,
    /// What is a duplicate.
    pub duplicates: DuplicateRule,
    /// What one request can hold: as many recipients as were chosen, the rest as its gateway has it.
    pub limits: RequestLimits,
    /// What the content rules do.
    pub lint: LintLevel,
    /// What becomes of rows that a workbook hides; `None`: there must be none.
    pub hidden: Option<HiddenRows>,
    /// How dates in numbers are read; `None`: as each column shows.
    pub date_order: Option<DateOrder>,
    /// How many rows may be impossible to send.
    pub max_invalid: MaxInvalid,
    /// The absolute path of the spreadsheet; `None` for standard input.
    pub spreadsheet: Option<String>,
}

/// An option's name and its value for people, `None` where it is not set.
type Compared = (&'static str, fn(&PlanOptions) -> Option<String>);

/// The options that make a plan another campaign, besides the message. Not `max_invalid`, which every run checks anew,
/// and not `spreadsheet`: a moved file with the same cells is the same campaign.
const COMPARED: [Compared; 10] = [
    ("phone-column", |plan| plan.phone_column.clone()),
    ("region", |plan| Some(plan.region.to_string())),
    ("sender-id", |plan| plan.sender_id.clone().map(Into::into)),
    ("type", |plan| Some(plan.text_type.as_str().into())),
    ("punctuation", |plan| Some(plan.punctuation.as_str().into())),
    ("duplicates", |plan| Some(plan.duplicates.as_str().into())),
    ("batch-size", |plan| Some(plan.limits.messages.to_string())),
    ("lint", |plan| Some(plan.lint.as_str().into())),
    ("hidden", |plan| {
        plan.hidden.map(|hidden| hidden.as_str().into())
    }),
    ("date-order", |plan| {
        plan.date_order.map(|order| order.as_str().into())
    }),
];

/// An option that has another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The name of the option.
    pub option: &'static str,
    /// What it was; `None`: not set.
    pub before: Option<String>,
    /// What it is now.
    pub now: Option<String>,
}

impl PlanOptions {
    /// How `now` differs from these options, besides the message. Nothing, and the same message: it is the same campaign.
    pub fn differences(&self, now: &Self) -> impl Iterator<Item = Difference> {
        COMPARED
            .iter()
            .map(|(option, value)| Difference {
                option,
                before: value(self),
                now: value(now),
            })
            .filter(|difference| difference.before != difference.now)
    }

    /// The names of all options that [`differences`](Self::differences) can name.
    pub fn compared() -> impl Iterator<Item = &'static str> {
        COMPARED.iter().map(|(option, _)| *option)
    }
}

/// Where the message is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageSource {
    /// One template for all rows.
    Template(String),
    /// A column, with a template in every row; `None` until planning has found it by its name.
    Column(Option<String>),
}

/// A value of an option that takes one of a few words, as they are typed and kept. They never change.
pub trait Keyword: Copy + VariantArray + FromStr + Into<&'static str> {
    /// The word for it.
    fn as_str(self) -> &'static str {
        self.into()
    }
}

impl<K: Copy + VariantArray + FromStr + Into<&'static str>> Keyword for K {}

/// Which encoding a text may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum TextType {
    /// ASCII where the text allows it, else Unicode.
    #[default]
    Auto,
    /// ASCII only: a text that needs Unicode is an error.
    Ascii,
    /// Always Unicode.
    Unicode,
}

/// What becomes of typographic punctuation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Punctuation {
    /// It is replaced by ASCII where that saves the text from Unicode.
    #[default]
    Plain,
    /// It stays as written.
    Keep,
}

/// Which rows are duplicates of an earlier row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum DuplicateRule {
    /// Those with the same number.
    Number,
    /// Those with the same number and the same text.
    #[default]
    Message,
    /// None: every row is sent.
    Keep,
}

/// What happens with texts that networks may block or that look like a mistake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum LintLevel {
    /// They are reported.
    #[default]
    Warn,
    /// They are reported, and nothing is sent while there are any.
    Deny,
    /// They are not looked for.
    Off,
}

/// What becomes of rows that a workbook hides, by itself or by a filter.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    IntoStaticStr,
    EnumString,
    VariantArray,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum HiddenRows {
    /// They are rows like any other.
    Send,
    /// They are suppressed, and nothing else of them is looked at.
    Skip,
}

/// The order of day and month in dates that are all numbers.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    IntoStaticStr,
    EnumString,
    VariantArray,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum DateOrder {
    /// Day, month, year: 22/11/2026.
    Dmy,
    /// Month, day, year: 11/22/2026.
    Mdy,
}

impl DateOrder {
    /// What stands first, in words.
    #[must_use]
    pub fn first(self) -> &'static str {
        match self {
            Self::Dmy => "day",
            Self::Mdy => "month",
        }
    }
}

/// How many rows may be impossible to send.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum MaxInvalid {
    /// This number of rows.
    Rows(u64),
    /// This share of all rows.
    Percent(f64),
}

impl MaxInvalid {
    /// Whether `invalid` of `rows` rows are too many.
    #[must_use]
    pub fn exceeded_by(self, invalid: u64, rows: u64) -> bool {
        match self {
            Self::Rows(most) => invalid > most,
            #[allow(clippy::cast_precision_loss)]
            Self::Percent(percent) => invalid as f64 * 100.0 > percent * rows as f64,
        }
    }
}

impl Default for MaxInvalid {
    fn default() -> Self {
        Self::Percent(20.0)
    }
}

impl FromStr for MaxInvalid {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let limit = match text.strip_suffix('%') {
            None => text.parse().ok().map(Self::Rows),
            Some(share) => share
                .parse::<f64>()
                .ok()
                .filter(|percent| (0.0..=100.0).contains(percent))
                .map(Self::Percent),
        };
        limit.ok_or("is neither a number of rows (50) nor a share of them (5%)")
    }
}

impl TryFrom<String> for MaxInvalid {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map_err(|error| format!("\"{text}\" {error}"))
    }
}

impl From<MaxInvalid> for String {
    fn from(limit: MaxInvalid) -> Self {
        limit.to_string()
    }
}

impl Display for MaxInvalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(rows) => write!(f, "{rows}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::domain::InCommon;

    /// For the tests of all modules: nothing chosen, thirty recipients of one text in a request.
    impl Default for PlanOptions {
        fn default() -> Self {
            Self {
                message: MessageSource::Column(None),
                phone_column: None,
                region: Region::MY,
                sender_id: None,
                text_type: TextType::default(),
                punctuation: Punctuation::default(),
                duplicates: DuplicateRule::default(),
                limits: RequestLimits {
                    messages: NonZeroU32::MIN.saturating_add(29),
                    in_common: InCommon::Text,
                },
                lint: LintLevel::default(),
                hidden: None,
                date_order: None,
                max_invalid: MaxInvalid::default(),
                spreadsheet: None,
            }
        }
    }

    #[test]
    fn the_share_of_invalid_rows_is_compared_exactly() {
        let fifth: MaxInvalid = "20%".parse().unwrap();
        assert!(!fifth.exceeded_by(20, 100));
        assert!(fifth.exceeded_by(21, 100));
        let none: MaxInvalid = "0".parse().unwrap();
        assert!(none.exceeded_by(1, 100));
        assert!(!none.exceeded_by(0, 100));
        for wrong in ["", "x", "101%", "-1%", "NaN%", "1.5"] {
            assert!(wrong.parse::<MaxInvalid>().is_err(), "{wrong}");
        }
    }

    fn other() -> PlanOptions {
        PlanOptions {
            message: MessageSource::Template("hi".to_owned()),
            phone_column: Some("telefon".to_owned()),
            region: Region::parse("SG").unwrap(),
            sender_id: Some(SenderId::parse("KedaiKu").unwrap()),
            text_type: TextType::Ascii,
            punctuation: Punctuation::Keep,
            duplicates: DuplicateRule::Keep,
            limits: RequestLimits {
                messages: NonZeroU32::MIN,
                in_common: InCommon::Type,
            },
            lint: LintLevel::Off,
            hidden: Some(HiddenRows::Skip),
            date_order: Some(DateOrder::Mdy),
            max_invalid: MaxInvalid::Rows(7),
            spreadsheet: Some("/a.csv".to_owned()),
        }
    }

    #[test]
    fn options_are_read_as_they_were_written() {
        for options in [PlanOptions::default(), other()] {
            let kept = serde_json::to_string(&options).unwrap();
            assert_eq!(
                serde_json::from_str::<PlanOptions>(&kept).unwrap(),
                options,
                "{kept}"
            );
        }
    }

    #[test]
    fn a_keyword_is_kept_as_it_is_typed() {
        fn words<K: Keyword + Serialize>() -> String {
            let words = K::VARIANTS.iter().map(|keyword| {
                let word = keyword.as_str();
                assert_eq!(
                    serde_json::to_string(keyword).unwrap(),
                    format!("\"{word}\"")
                );
                assert!(K::from_str(word).is_ok());
                word
            });
            words.collect::<Vec<_>>().join(" ")
        }
        assert_eq!(words::<TextType>(), "auto ascii unicode");
        assert_eq!(words::<Punctuation>(), "plain keep");
        assert_eq!(words::<DuplicateRule>(), "number message keep");
        assert_eq!(words::<LintLevel>(), "warn deny off");
        assert_eq!(words::<HiddenRows>(), "send skip");
        assert_eq!(words::<DateOrder>(), "dmy mdy");
    }

    #[test]
    fn every_option_is_compared_or_deliberately_not() {
        let kept = serde_json::to_value(PlanOptions::default()).unwrap();
        let not_compared = ["message", "max_invalid", "spreadsheet"];
        let mut fields: Vec<_> = kept
            .as_object()
            .unwrap()
            .keys()
            .filter(|field| !not_compared.contains(&field.as_str()))
            .map(|field| match field.as_str() {
                "limits" => "batch-size".to_owned(),
                field => field.replace('_', "-"),
            })
            .collect();
        fields.sort_unstable();
        let mut compared: Vec<_> = PlanOptions::compared().collect();
        compared.sort_unstable();
        assert_eq!(fields, compared);
        let (default, other) = (PlanOptions::default(), other());
        assert_ne!(default.message, other.message);
        let differences: Vec<_> = default.differences(&other).collect();
        assert_eq!(differences.len(), compared.len());
        assert_eq!(
            differences[1],
            Difference {
                option: "region",
                before: Some("MY".to_owned()),
                now: Some("SG".to_owned())
            }
        );
    }
}
