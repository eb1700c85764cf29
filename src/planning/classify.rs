//! What happens to a row, given the rows before it: it is sent in a batch, suppressed, a duplicate, or invalid. The report is
//! counted along the way.

use super::examples::Examples;
use super::message::ComposedText;
use super::row::CheckedRow;
use crate::Result;
use crate::domain::batching::{Batcher, NumberedText};
use crate::domain::cost::Costs;
use crate::domain::duplicates::{Duplicates, Repeat};
use crate::domain::example::{SeveralTo, around};
use crate::domain::msisdn::Region;
use crate::domain::options::{DuplicateRule, LintLevel, Punctuation, TextType};
use crate::domain::place::Places;
use crate::domain::report::{Report, Warning};
use crate::domain::suppression::Suppression;
use crate::domain::{Msisdn, PlanId, PlanIdBuilder, PlanOptions};
use crate::ledger::{Disposition, PlanInserts, PlanWriter, PlannedRow, RowText};
use crate::lint::{self, Finding, Rule as ContentRule};

/// Classifies rows, in their order.
pub(super) struct Classifier<'a> {
    suppression: &'a Suppression,
    duplicates: Duplicates,
    batcher: Batcher,
    costs: Costs,
    text_type: TextType,
    punctuation: Punctuation,
    region: Region,
    /// Whether numbers for which the network replaces the sender ID call for a warning.
    warn_of_sender_id: bool,
    report: Report,
    examples: Examples<'a>,
    places: Places,
    id: PlanIdBuilder,
}

/// A row, and what happens to it.
pub(super) struct ClassifiedRow {
    row: CheckedRow,
    text: Option<NumberedText>,
    classification: Classification,
}

/// What happens to a row, with the reason.
enum Classification {
    Send(u32),
    Invalid,
    Duplicate(String),
    Suppressed(String),
}

impl<'a> Classifier<'a> {
    pub(super) fn new(
        options: &PlanOptions,
        suppression: &'a Suppression,
        examples: Examples<'a>,
    ) -> Self {
        Self {
            suppression,
            duplicates: Duplicates::new(options.duplicates),
            batcher: Batcher::new(options.limits),
            costs: Costs::default(),
            text_type: options.text_type,
            punctuation: options.punctuation,
            region: options.region,
            warn_of_sender_id: options.lint != LintLevel::Off && options.sender_id.is_some(),
            report: Report {
                suppression_lists: suppression.counted(),
                ..Report::default()
            },
            examples,
            places: Places::default(),
            id: PlanIdBuilder::new(options),
        }
    }

    /// The rows so far.
    pub(super) fn rows(&self) -> u64 {
        self.report.rows
    }

    /// The finished report, where each row is, and the plan's id. `measured` are the indexes and headers of the columns whose
    /// lengths were noted. The rows are in `plan`.
    pub(super) fn report(
        self,
        measured: &[(usize, String)],
        plan: &dyn PlanWriter,
    ) -> Result<(Report, Places, PlanId)> {
        let mut report = self.report;
        let several = self.duplicates.several_messages();
        report.several_messages = several.numbers;
        report.messages_to_them = several.messages;
        for (number, rows) in &several.examples {
            let places = rows.iter().filter_map(|row| self.places.of((*row).into()));
            let messages = places.map(|place| {
                let text = plan.text_of(place.row)?.unwrap_or_default();
                Ok((place, around(&text, "")))
            });
            report.several_to.push(SeveralTo {
                number: number.to_string(),
                messages: messages.collect::<Result<_>>()?,
            });
        }
        report.texts = self.batcher.used_texts.into();
        report.batches = self.batcher.batches.into();
        report.warnings.sort_by_key(|warning| {
            let mut rules = ContentRule::ALL.iter();
            rules.position(|rule| rule.as_str() == warning.rule)
        });
        report.repeated_numbers = self.duplicates.repeated_numbers();
        for number in &mut report.repeated_numbers {
            number.place = self.places.of(number.first_row);
        }
        report.long_values = self.costs.long_values(measured);
        if self.text_type != TextType::Unicode {
            report.unicode_because = self.costs.unicode();
        }
        Ok((report, self.places, self.id.finish()))
    }

    /// A hidden row may be skipped. Where several things are wrong with any other it is invalid, then suppressed, then a duplicate.
    pub(super) fn classify(&mut self, row: CheckedRow) -> ClassifiedRow {
        self.places.add(row.place);
        let text = row
            .text
            .as_ref()
            .map(|composed| self.batcher.text(composed.fingerprint, row.row));
        let classification = if row.is_skipped {
            self.report.rows += 1;
            self.report.suppressed += 1;
            Classification::Suppressed("the spreadsheet hides the row".to_owned())
        } else if let (None, Some(number), Some(composed), Some(text)) =
            (&row.invalid, row.number, &row.text, text)
        {
            self.classify_sendable(&row, number, composed, text.number)
        } else {
            let invalid = row.invalid.as_ref();
            let category = invalid.map_or("", |invalid| &invalid.category);
            let header = invalid.and_then(|invalid| invalid.header.as_deref());
            let example = || self.examples.of_invalid(&row, header);
            self.report.add_invalid(row.row.into(), category, example);
            Classification::Invalid
        };
        ClassifiedRow {
            row,
            text,
            classification,
        }
    }

    fn classify_sendable(
        &mut self,
        row: &CheckedRow,
        number: Msisdn,
        composed: &ComposedText,
        text: u32,
    ) -> Classification {
        if let Some(reason) = self.suppression.reason(number) {
            self.report.rows += 1;
            self.report.suppressed += 1;
            return Classification::Suppressed(reason);
        }
        match self.duplicates.add(row.row, number, text) {
            Repeat::DuplicateOf(earlier) => {
                self.report.rows += 1;
                self.report.duplicate += 1;
                let earlier = self.places.of(earlier.into());
                let earlier = earlier.map_or_else(String::new, |place| place.to_string());
                Classification::Duplicate(match self.duplicates.rule {
                    DuplicateRule::Number => format!("{earlier} has the same number"),
                    DuplicateRule::Message | DuplicateRule::Keep => {
                        format!("{earlier} has the same number and text")
                    }
                })
            }
            Repeat::Send(earlier) => {
                self.id.add(number, &composed.text.body);
                self.count_sendable(row, number, composed);
                Classification::Send(self.batcher.batch(text, composed.text.encoding, earlier))
            }
        }
    }

    /// Counts a row to send.
    fn count_sendable(&mut self, row: &CheckedRow, number: Msisdn, composed: &ComposedText) {
        let text = &composed.text;
        self.report.add_sendable(row.place, text);
        if !number.is_of(self.region) {
            self.report.add_abroad(|| self.examples.of_number(row));
        }
        let punctuation = self.punctuation;
        self.costs.add(
            text,
            &row.lengths,
            |c| punctuation.forces_unicode(c),
            |excerpt| self.examples.of_excerpt(row, excerpt),
        );
        self.warn(row, number, &composed.findings);
    }

    /// Counts what networks may block, and what looks like a mistake, in a row to send.
    fn warn(&mut self, row: &CheckedRow, number: Msisdn, findings: &[Finding]) {
        for finding in findings {
            self.add_warning(row, finding, &finding.excerpt);
        }
        if self.warn_of_sender_id && lint::sender_id_is_replaced(number) {
            self.add_warning(
                row,
                &Finding {
                    rule: ContentRule::SenderId,
                    excerpt: String::new(),
                    hint: None,
                },
                &number.to_string(),
            );
        }
    }

    fn add_warning(&mut self, row: &CheckedRow, finding: &Finding, example: &str) {
        let examples = &self.examples;
        self.report.add_warning(
            row.row.into(),
            finding.rule.as_str(),
            &finding.excerpt,
            || warning(finding, example),
            || examples.of_finding(row, finding),
        );
    }
}

fn warning(finding: &Finding, example: &str) -> Warning {
    let rule = finding.rule;
    let hint = finding.hint.as_ref();
    let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
    Warning {
        rule: rule.as_str().to_owned(),
        what: rule.what().to_owned() + &hint,
        source: rule.source().to_owned(),
        rows: 0,
        first_rows: Vec::new(),
        example: example.to_owned(),
        examples: Vec::new(),
    }
}

/// Stores rows.
pub(super) fn store(rows: &[ClassifiedRow], inserts: &mut dyn PlanInserts) -> Result<()> {
    let rows: Vec<_> = rows.iter().map(ClassifiedRow::planned).collect();
    inserts.rows(&rows)
}

impl ClassifiedRow {
    fn planned(&self) -> PlannedRow<'_> {
        let row = &self.row;
        PlannedRow {
            row: row.row,
            cells: &row.cells,
            msisdn: row.number,
            text: (row.text.as_ref().zip(self.text)).map(|(composed, text)| RowText {
                text: &composed.text,
                first_row: text.first_row,
            }),
            disposition: match &self.classification {
                Classification::Send(batch) => Disposition::Send(*batch),
                Classification::Invalid => {
                    Disposition::Invalid(row.invalid.as_ref().map_or("", |invalid| &invalid.reason))
                }
                Classification::Duplicate(reason) => Disposition::Duplicate(reason),
                Classification::Suppressed(reason) => Disposition::Suppressed(reason),
            },
        }
    }
}
