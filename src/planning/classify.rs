//! What happens to a row, given the rows before it: it is sent in a batch, suppressed, a duplicate, or invalid. The report is
//! counted along the way.

use super::message::ComposedText;
use super::row::CheckedRow;
use crate::Result;
use crate::domain::batching::{Assigned, Batcher};
use crate::domain::cost::Costs;
use crate::domain::duplicates::{Duplicates, Repeat};
use crate::domain::msisdn::Region;
use crate::domain::options::{DuplicateRule, LintLevel, Punctuation, TextType};
use crate::domain::report::{Report, Warning};
use crate::domain::suppression::Suppression;
use crate::domain::{Msisdn, PlanOptions, Text};
use crate::ledger::{Disposition, PlanInserts, PlannedRow};
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
}

/// A row, and what happens to it.
pub(super) struct ClassifiedRow {
    row: CheckedRow,
    text: Option<Assigned>,
    classification: Classification,
}

/// What happens to a row, with the reason.
enum Classification {
    Send(Assigned),
    Invalid,
    Duplicate(String),
    Suppressed(String),
}

impl<'a> Classifier<'a> {
    pub(super) fn new(options: &PlanOptions, suppression: &'a Suppression) -> Self {
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
                suppression_lists: suppression.lists.clone(),
                ..Report::default()
            },
        }
    }

    /// The rows so far.
    pub(super) fn rows(&self) -> u64 {
        self.report.rows
    }

    /// The finished report. `measured` are the headers of the columns whose lengths were noted.
    pub(super) fn report(self, measured: &[String]) -> Report {
        let mut report = self.report;
        report.texts = self.batcher.used_texts.into();
        report.batches = self.batcher.batches.into();
        report.warnings.sort_by_key(|warning| {
            let mut rules = ContentRule::ALL.iter();
            rules.position(|rule| rule.as_str() == warning.rule)
        });
        report.repeated_numbers = self.duplicates.repeated_numbers();
        report.long_values = self.costs.long_values(measured);
        if self.text_type != TextType::Unicode {
            report.unicode_because = self.costs.unicode();
        }
        report
    }

    /// A hidden row may be skipped. Where several things are wrong with any other it is invalid, then suppressed, then a duplicate.
    pub(super) fn classify(&mut self, row: CheckedRow) -> ClassifiedRow {
        let text = row
            .text
            .as_ref()
            .map(|composed| self.batcher.text(composed.fingerprint));
        let classification = if row.is_skipped {
            self.report.rows += 1;
            self.report.suppressed += 1;
            Classification::Suppressed("the spreadsheet hides the row".to_owned())
        } else if let (None, Some(number), Some(composed), Some(text)) =
            (&row.invalid, row.number, &row.text, text)
        {
            self.classify_sendable(&row, number, composed, text.number)
        } else {
            let category = row.invalid.as_ref().map_or("", |invalid| &invalid.category);
            self.report.add_invalid(row.row.into(), category);
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
                Classification::Duplicate(match self.duplicates.rule {
                    DuplicateRule::Number => format!("row {earlier} has the same number"),
                    DuplicateRule::Message | DuplicateRule::Keep => {
                        format!("row {earlier} has the same number and text")
                    }
                })
            }
            Repeat::Send(earlier) => {
                self.count_sendable(row, number, composed);
                Classification::Send(self.batcher.batch(text, composed.text.encoding, earlier))
            }
        }
    }

    /// Counts a row to send.
    fn count_sendable(&mut self, row: &CheckedRow, number: Msisdn, composed: &ComposedText) {
        let text = &composed.text;
        self.report.add_sendable(row.row.into(), text);
        if !number.is_of(self.region) {
            self.report.add_abroad(row.row.into());
        }
        let punctuation = self.punctuation;
        self.costs
            .add(text, &row.lengths, |c| punctuation.forces_unicode(c));
        self.warn(row.row.into(), number, &composed.findings);
    }

    /// Counts what networks may block, and what looks like a mistake, in a row to send.
    fn warn(&mut self, row: u64, number: Msisdn, findings: &[Finding]) {
        for finding in findings {
            self.report.add_warning(row, finding.rule.as_str(), || {
                warning(finding.rule, &finding.excerpt)
            });
        }
        if self.warn_of_sender_id && lint::sender_id_is_replaced(number) {
            let rule = ContentRule::SenderId;
            self.report
                .add_warning(row, rule.as_str(), || warning(rule, &number.to_string()));
        }
    }
}

fn warning(rule: ContentRule, example: &str) -> Warning {
    Warning {
        rule: rule.as_str().to_owned(),
        what: rule.what().to_owned(),
        source: rule.source().to_owned(),
        rows: 0,
        first_rows: Vec::new(),
        example: example.to_owned(),
    }
}

/// Stores rows, after the new texts and batches among them.
pub(super) fn store(rows: &[ClassifiedRow], inserts: &mut PlanInserts<'_>) -> Result<()> {
    let texts: Vec<_> = rows.iter().filter_map(ClassifiedRow::new_text).collect();
    let batches: Vec<_> = rows.iter().filter_map(ClassifiedRow::new_batch).collect();
    let rows: Vec<_> = rows.iter().map(ClassifiedRow::planned).collect();
    inserts.texts(&texts)?;
    inserts.batches(&batches)?;
    inserts.rows(&rows)
}

impl ClassifiedRow {
    fn new_text(&self) -> Option<(u32, &Text)> {
        let number = self.text.filter(|text| text.is_new)?.number;
        Some((number, &self.row.text.as_ref()?.text))
    }

    fn new_batch(&self) -> Option<u32> {
        match self.classification {
            Classification::Send(batch) => batch.is_new.then_some(batch.number),
            _ => None,
        }
    }

    fn planned(&self) -> PlannedRow<'_> {
        PlannedRow {
            row: self.row.row.into(),
            cells: &self.row.cells,
            msisdn: self.row.number,
            text: self.text.map(|text| text.number),
            disposition: match &self.classification {
                Classification::Send(batch) => Disposition::Send(batch.number),
                Classification::Invalid => Disposition::Invalid(
                    self.row
                        .invalid
                        .as_ref()
                        .map_or("", |invalid| &invalid.reason),
                ),
                Classification::Duplicate(reason) => Disposition::Duplicate(reason),
                Classification::Suppressed(reason) => Disposition::Suppressed(reason),
            },
        }
    }
}
