//! What planning a campaign found, as numbers and samples: the ledger keeps it, and summaries show it.

use serde::{Deserialize, Serialize};

use super::cost::{LongValues, UnicodeCause};
use super::duplicates::RepeatedNumber;
use super::encoding::Encoding;
use super::example::{Example, SeveralTo};
use super::options::DateOrder;
use super::place::Place;
use super::status::{Counts, Status};
use super::suppression::SuppressionList;
use super::text::Text;

/// How many different errors are counted separately. The rest are counted together.
const MOST_ERRORS: usize = 30;

/// How many rows are listed by number.
const MOST_LISTED: usize = 5;

/// How many examples there are of each finding.
const MOST_EXAMPLES: usize = 3;

/// The findings of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// How the spreadsheet was read.
    pub read_as: Option<ReadAs>,
    /// Rows that are not blank.
    pub rows: u64,
    /// Rows whose cells are all blank; they have no `sms_row`.
    pub blank_rows: u64,
    /// Rows that the spreadsheet hides.
    pub hidden: u64,
    /// The first of them.
    pub first_hidden: Vec<Place>,
    /// Columns whose values are not shown as the spreadsheet shows them, since their number format is not supported.
    pub unformatted: Vec<String>,
    /// Columns of dates whose order of day and month a person should confirm.
    #[serde(default)]
    pub date_columns: Vec<DateColumn>,
    /// Rows to send.
    pub sendable: u64,
    /// Rows that repeat an earlier one.
    pub duplicate: u64,
    /// Rows whose number is on a suppression list.
    pub suppressed: u64,
    /// The suppression lists.
    pub suppression_lists: Vec<SuppressionList>,
    /// Rows to send whose number is not of the campaign's own country.
    pub abroad: u64,
    /// The first of them, with their numbers.
    pub first_abroad: Vec<Example>,
    /// Rows that cannot be sent, by what is wrong with them.
    pub invalid: Vec<InvalidRows>,
    /// Distinct texts of rows to send.
    pub texts: u64,
    /// Requests to make.
    pub batches: u64,
    /// What all rows to send cost.
    pub credits: u64,
    /// Rows to send whose text is Unicode.
    pub unicode: u64,
    /// What forces Unicode, the most frequent cause first.
    pub unicode_because: Vec<UnicodeCause>,
    /// Rows to send that cost more than most because of a long value.
    pub long_values: Vec<LongValues>,
    /// Numbers that suspiciously many rows have.
    #[serde(rename = "crowds")]
    pub repeated_numbers: Vec<RepeatedNumber>,
    /// Numbers that get more than one message.
    pub several_messages: u64,
    /// The messages that they get together.
    pub messages_to_them: u64,
    /// The first of these numbers.
    pub several_to: Vec<SeveralTo>,
    /// Warnings about texts to send, by rule.
    #[serde(rename = "remarks")]
    pub warnings: Vec<Warning>,
    /// Typographic characters that became ASCII so that a text needs no Unicode.
    pub replaced: u64,
    /// The first text to send.
    pub first: Option<Sample>,
    /// The longest text to send.
    pub longest: Option<Sample>,
    /// The dearest text to send.
    pub dearest: Option<Sample>,
}

/// How a spreadsheet was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "format", rename_all = "kebab-case")]
pub enum ReadAs {
    /// Delimited text.
    Text {
        /// What separates cells.
        delimiter: char,
        /// The encoding's name.
        encoding: String,
        /// Whether the encoding is only likely: neither the file nor an option names it.
        assumed: bool,
        /// Whether it was compressed.
        gzip: bool,
        /// Whether its last line has no line end.
        #[serde(default)]
        unended: bool,
    },
    /// A sheet of a workbook.
    Workbook {
        /// Its name.
        sheet: String,
        /// How many the workbook has.
        sheets: usize,
    },
}

/// Rows with the same error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvalidRows {
    /// What is wrong with all of them.
    pub what: String,
    /// How many there are.
    pub rows: u64,
    /// The first of them.
    pub first_rows: Vec<u64>,
    /// What stands in the first of them.
    pub examples: Vec<Example>,
}

/// A column of dates in numbers that has the month first, or may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DateColumn {
    /// Its header.
    pub column: String,
    /// How it is read.
    pub order: DateOrder,
    /// Whether its cells show that; otherwise they show neither order.
    pub is_shown: bool,
    /// Where an example stands.
    pub place: Place,
    /// The example.
    pub cell: String,
    /// The day that it is read as: `5 November 2026`.
    pub day: String,
}

/// Rows to send whose texts break a rule about content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The name of the rule.
    pub rule: String,
    /// What it is about.
    pub what: String,
    /// Where the rule comes from.
    pub source: String,
    /// How many rows break it.
    pub rows: u64,
    /// The first of them.
    pub first_rows: Vec<u64>,
    /// The part of the first text that breaks it.
    pub example: String,
    /// The first texts that break it in different ways.
    pub examples: Vec<Example>,
}

/// A text as it will be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The row that it belongs to.
    #[serde(flatten)]
    pub place: Place,
    /// The text.
    pub text: String,
    /// The gateway's `type`: 1 or 2.
    pub r#type: u8,
    /// Its length as the gateway counts it.
    pub units: u32,
    /// What it costs.
    pub credits: u32,
}

impl Report {
    /// How many rows that are not to be sent have which status.
    #[must_use]
    pub fn unsent(&self) -> Counts {
        let mut counts = Counts::default();
        counts.add(Status::Invalid, self.invalid_rows());
        counts.add(Status::Duplicate, self.duplicate);
        counts.add(Status::Suppressed, self.suppressed);
        counts
    }

    /// Rows that cannot be sent.
    #[must_use]
    pub fn invalid_rows(&self) -> u64 {
        self.invalid.iter().map(|invalid| invalid.rows).sum()
    }

    /// Counts a row that cannot be sent.
    pub fn add_invalid(&mut self, row: u64, what: &str, example: impl FnOnce() -> Example) {
        self.rows += 1;
        let is_known = self.invalid.iter().any(|invalid| invalid.what == what);
        let what = if is_known || self.invalid.len() < MOST_ERRORS {
            what
        } else {
            "something else"
        };
        let same = find_or_push(
            &mut self.invalid,
            |invalid| invalid.what == what,
            || InvalidRows {
                what: what.to_owned(),
                rows: 0,
                first_rows: Vec::new(),
                examples: Vec::new(),
            },
        );
        same.rows += 1;
        list(&mut same.first_rows, row);
        if same.examples.len() < MOST_EXAMPLES {
            same.examples.push(example());
        }
    }

    /// Counts a row to send that breaks a rule about content by this part of its text. `first` makes the warning for the rule's
    /// first row.
    pub fn add_warning(
        &mut self,
        row: u64,
        rule: &str,
        excerpt: &str,
        first: impl FnOnce() -> Warning,
        example: impl FnOnce() -> Example,
    ) {
        let same = find_or_push(&mut self.warnings, |warning| warning.rule == rule, first);
        same.rows += 1;
        list(&mut same.first_rows, row);
        let count = same.examples.len();
        let mut examples = same.examples.iter_mut();
        match examples.find(|known| known.excerpt == excerpt) {
            Some(known) if known.places.len() < MOST_LISTED => {
                known.places.extend(example().places);
            }
            None if count < MOST_EXAMPLES => same.examples.push(example()),
            Some(_) | None => {}
        }
    }

    /// Counts a row to send whose number is of another country.
    pub fn add_abroad(&mut self, example: impl FnOnce() -> Example) {
        self.abroad += 1;
        if self.first_abroad.len() < MOST_EXAMPLES {
            self.first_abroad.push(example());
        }
    }

    /// Counts a row to send.
    pub fn add_sendable(&mut self, place: Place, text: &Text) {
        self.rows += 1;
        self.sendable += 1;
        self.credits += u64::from(text.credits());
        self.replaced += u64::from(text.replaced);
        self.unicode += u64::from(text.encoding == Encoding::Unicode);
        let sample = || Sample {
            place,
            text: text.body.clone(),
            r#type: text.encoding.wire(),
            units: text.units,
            credits: text.credits(),
        };
        let (longest, dearest) = (self.longest.as_ref(), self.dearest.as_ref());
        if longest.is_none_or(|longest| longest.units < text.units) {
            self.longest = Some(sample());
        }
        if dearest.is_none_or(|dearest| dearest.credits < text.credits()) {
            self.dearest = Some(sample());
        }
        self.first.get_or_insert_with(sample);
    }
}

fn find_or_push<T>(
    all: &mut Vec<T>,
    is_it: impl FnMut(&T) -> bool,
    new: impl FnOnce() -> T,
) -> &mut T {
    let position = all.iter().position(is_it).unwrap_or_else(|| {
        all.push(new());
        all.len() - 1
    });
    &mut all[position]
}

fn list(rows: &mut Vec<u64>, row: u64) {
    if rows.len() < MOST_LISTED {
        rows.push(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Example {
        Example {
            places: Vec::new(),
            column: None,
            excerpt: String::new(),
            text: None,
        }
    }

    #[test]
    fn rare_errors_are_counted_together() {
        let mut report = Report::default();
        for row in 1..=40 {
            report.add_invalid(row, &format!("error {row}"), example);
        }
        report.add_invalid(41, "error 1", example);
        assert_eq!(report.invalid_rows(), 41);
        assert_eq!(report.invalid.len(), 31);
        assert_eq!(report.invalid[0].first_rows, [1, 41]);
        assert_eq!(report.invalid[30].what, "something else");
        assert_eq!(report.invalid[30].rows, 10);
        assert_eq!(report.invalid[30].first_rows, [31, 32, 33, 34, 35]);
        assert_eq!(report.invalid[30].examples.len(), 3);
    }
}
