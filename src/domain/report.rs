//! What a plan found, in numbers and samples: the facts that a summary shows and a ledger keeps. It knows no
//! words of a screen.

use serde::{Deserialize, Serialize};

use super::cost::{LongValues, UnicodeCause};
use super::duplicates::RepeatedNumber;
use super::suppression::SuppressionList;
use super::{Encoding, Text};

/// How many different faults are told apart; the rest are counted together.
const FAULTS: usize = 30;

/// How many row numbers stand for all rows with one fault.
const FIRST_ROWS: usize = 5;

/// The findings of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)] // an older ledger knows less
pub struct Report {
    /// How the spreadsheet was read; none in an older ledger.
    pub read_as: Option<ReadAs>,
    /// Rows with anything in them.
    pub rows: u64,
    /// Rows whose cells are all blank; they have no `sms_row`.
    pub blank_rows: u64,
    /// Rows to send.
    pub sendable: u64,
    /// Rows that repeat an earlier one.
    pub duplicate: u64,
    /// Rows whose number has opted out.
    pub suppressed: u64,
    /// The suppression lists, and how many numbers each has that no earlier one had.
    pub suppression_lists: Vec<SuppressionList>,
    /// Rows to send whose number is not of the campaign's own country.
    pub abroad: u64,
    /// The first of them.
    pub first_abroad: Vec<u64>,
    /// Rows that cannot be sent, by what is wrong with them.
    pub invalid: Vec<Fault>,
    /// Distinct texts of rows to send.
    pub texts: u64,
    /// Requests to make.
    pub batches: u64,
    /// What all rows to send cost.
    pub credits: u64,
    /// Rows to send whose text needs Unicode.
    pub unicode: u64,
    /// What forces Unicode, the most frequent cause first.
    pub unicode_because: Vec<UnicodeCause>,
    /// Rows to send that cost more than most because of a long value.
    pub long_values: Vec<LongValues>,
    /// Numbers that stand in suspiciously many rows.
    pub crowds: Vec<RepeatedNumber>,
    /// What is remarkable about texts to send, by rule.
    pub remarks: Vec<Remark>,
    /// Characters that became plain so that a text needs no Unicode.
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
        /// What stands between two cells.
        delimiter: char,
        /// The encoding's name.
        encoding: String,
        /// Whether nothing in the file and nobody said that this is the encoding.
        assumed: bool,
        /// Whether it was compressed.
        gzip: bool,
    },
    /// A sheet of a workbook.
    Workbook {
        /// Its name.
        sheet: String,
        /// How many the workbook has.
        sheets: usize,
    },
}

/// Rows with the same thing wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What is wrong with all of them.
    pub what: String,
    /// How many.
    pub rows: u64,
    /// The first of them.
    pub first_rows: Vec<u64>,
}

/// Rows to send whose text networks may block, or that looks like a mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// The rule, in one word.
    pub rule: String,
    /// What it is about.
    pub what: String,
    /// Where the rule comes from.
    pub source: String,
    /// How many rows.
    pub rows: u64,
    /// The first of them.
    pub first_rows: Vec<u64>,
    /// What was found in the first of them.
    pub example: String,
}

/// A text of the plan as it goes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The row it is of.
    pub row: u64,
    /// The text.
    pub text: String,
    /// 1 or 2.
    pub r#type: u8,
    /// What it counts.
    pub units: u32,
    /// What it costs.
    pub credits: u32,
}

impl Report {
    /// Rows that cannot be sent.
    #[must_use]
    pub fn invalid_rows(&self) -> u64 {
        self.invalid.iter().map(|fault| fault.rows).sum()
    }

    /// Counts a row that cannot be sent.
    pub fn note_invalid(&mut self, row: u64, what: &str) {
        self.rows += 1;
        let what = if self.invalid.len() < FAULTS {
            what
        } else {
            "something else"
        };
        let known = self.invalid.iter().position(|fault| fault.what == what);
        let place = known.unwrap_or(self.invalid.len());
        if known.is_none() {
            self.invalid.push(Fault {
                what: what.to_owned(),
                rows: 0,
                first_rows: Vec::new(),
            });
        }
        let fault = &mut self.invalid[place];
        fault.rows += 1;
        if fault.first_rows.len() < FIRST_ROWS {
            fault.first_rows.push(row);
        }
    }

    /// Counts a row to send about which a rule has a remark; `first` makes the remark where it is the rule's first.
    pub fn note_remark(&mut self, row: u64, rule: &str, first: impl FnOnce() -> Remark) {
        let known = self.remarks.iter().position(|remark| remark.rule == rule);
        let place = known.unwrap_or(self.remarks.len());
        if known.is_none() {
            self.remarks.push(first());
        }
        let remark = &mut self.remarks[place];
        remark.rows += 1;
        if remark.first_rows.len() < FIRST_ROWS {
            remark.first_rows.push(row);
        }
    }

    /// Counts a row to send whose number is of another country.
    pub fn note_abroad(&mut self, row: u64) {
        self.abroad += 1;
        if self.first_abroad.len() < FIRST_ROWS {
            self.first_abroad.push(row);
        }
    }

    /// Counts a row to send.
    pub fn note_sendable(&mut self, row: u64, text: &Text) {
        self.rows += 1;
        self.sendable += 1;
        self.credits += u64::from(text.credits());
        self.replaced += u64::from(text.replaced());
        self.unicode += u64::from(text.encoding() == Encoding::Unicode);
        let sample = || Some(Sample::of(row, text));
        if self.first.is_none() {
            self.first = sample();
        }
        if self
            .longest
            .as_ref()
            .is_none_or(|longest| longest.units < text.units())
        {
            self.longest = sample();
        }
        if self
            .dearest
            .as_ref()
            .is_none_or(|dearest| dearest.credits < text.credits())
        {
            self.dearest = sample();
        }
    }
}

impl Sample {
    fn of(row: u64, text: &Text) -> Self {
        Self {
            row,
            text: text.body().to_owned(),
            r#type: text.encoding().wire(),
            units: text.units(),
            credits: text.credits(),
        }
    }
}
