//! What becomes of a row, given those before it: sent in which batch, suppressed, a duplicate, invalid. It counts along the way,
//! and reads and writes nothing.

use super::Spec;
use super::message::Composed;
use super::row::Checked;
use crate::Result;
use crate::domain::Msisdn;
use crate::domain::batching::{Assigned, Batcher};
use crate::domain::cost::Costs;
use crate::domain::duplicates::{Duplicates, Repeat, Rule};
use crate::domain::msisdn::Region;
use crate::domain::report::{Report, Warning};
use crate::domain::suppression::Suppression;
use crate::domain::text::{Punctuation, TypeChoice};
use crate::ledger::{Disposition, PlanInserts, PlannedRow, PlannedText};
use crate::lint::{self, Findings, Rule as Content};

/// Sees every row in order.
pub(super) struct Planner<'a> {
    suppression: &'a Suppression,
    duplicates: Duplicates,
    batcher: Batcher,
    costs: Costs,
    kind: TypeChoice,
    punctuation: Punctuation,
    region: Region,
    /// Whether numbers for which a sender ID is replaced call for a warning.
    sender_id: bool,
    report: Report,
}

/// A row, and what becomes of it.
pub(super) struct Decided {
    row: Checked,
    text: Option<Assigned>,
    decision: Decision,
}

enum Decision {
    Send(Assigned),
    Invalid,
    Duplicate(String),
    Suppressed(String),
}

impl<'a> Planner<'a> {
    pub(super) fn new(spec: &Spec<'_>, suppression: &'a Suppression) -> Self {
        Self {
            suppression,
            duplicates: Duplicates::new(spec.duplicates),
            batcher: Batcher::new(spec.batch_size),
            costs: Costs::default(),
            kind: spec.kind,
            punctuation: spec.punctuation,
            region: spec.region,
            sender_id: spec.lint && spec.sender_id,
            report: Report {
                suppression_lists: suppression.lists().to_vec(),
                ..Report::default()
            },
        }
    }

    /// The rows so far.
    pub(super) fn rows(&self) -> u64 {
        self.report.rows
    }

    /// What was found, once all rows have been seen; `watched` are the headers of the columns whose lengths were noted.
    pub(super) fn report(self, watched: &[String]) -> Report {
        let mut report = self.report;
        report.texts = self.batcher.used_texts().into();
        report.batches = self.batcher.batches().into();
        report.warnings.sort_by_key(|warning| {
            Content::ALL
                .map(Content::as_str)
                .iter()
                .position(|rule| *rule == warning.rule)
        });
        report.repeated_numbers = self.duplicates.repeated_numbers();
        report.long_values = self.costs.long_values(watched);
        if self.kind != TypeChoice::Unicode {
            report.unicode_because = self.costs.unicode();
        }
        report
    }

    /// Where several things are wrong with a row it is invalid, then suppressed, then a duplicate.
    pub(super) fn decide(&mut self, row: Checked) -> Decided {
        let text = row
            .text
            .as_ref()
            .map(|composed| self.batcher.text(composed.fingerprint));
        let decision = if let (None, Some(number), Some(composed), Some(text)) =
            (&row.fault, row.number, &row.text, text)
        {
            self.judge(&row, number, composed, text.number)
        } else {
            let label = row.fault.as_ref().map_or("", |(label, _)| label);
            self.report.add_invalid(row.row.into(), label);
            Decision::Invalid
        };
        Decided {
            row,
            text,
            decision,
        }
    }

    fn judge(&mut self, row: &Checked, number: Msisdn, composed: &Composed, text: u32) -> Decision {
        if let Some(reason) = self.suppression.reason(number) {
            self.report.rows += 1;
            self.report.suppressed += 1;
            return Decision::Suppressed(reason);
        }
        match self.duplicates.add(row.row, number, text) {
            Repeat::DuplicateOf(earlier) => {
                self.report.rows += 1;
                self.report.duplicate += 1;
                Decision::Duplicate(match self.duplicates.rule() {
                    Rule::Number => format!("row {earlier} has the same number"),
                    Rule::Message | Rule::Keep => {
                        format!("row {earlier} has the same number and text")
                    }
                })
            }
            Repeat::Send(earlier) => {
                self.note(row, number, composed);
                Decision::Send(self.batcher.batch(text, earlier))
            }
        }
    }

    /// Counts a row to send.
    fn note(&mut self, row: &Checked, number: Msisdn, composed: &Composed) {
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

    /// Counts what networks may block and what looks like a mistake in a row to send.
    fn warn(&mut self, row: u64, number: Msisdn, findings: &Findings) {
        for finding in findings {
            self.report.add_warning(row, finding.rule().as_str(), || {
                warning(finding.rule(), finding.excerpt())
            });
        }
        if self.sender_id && lint::sender_id_is_replaced(number) {
            let rule = Content::SenderId;
            self.report
                .add_warning(row, rule.as_str(), || warning(rule, &number.to_string()));
        }
    }
}

fn warning(rule: Content, example: &str) -> Warning {
    Warning {
        rule: rule.as_str().to_owned(),
        what: rule.what().to_owned(),
        source: rule.source().to_owned(),
        rows: 0,
        first_rows: Vec::new(),
        example: example.to_owned(),
    }
}

/// Stores rows, and before them the texts and batches that they are the first of.
pub(super) fn store(rows: &[Decided], inserts: &mut PlanInserts<'_>) -> Result<()> {
    inserts.texts(
        &rows
            .iter()
            .filter_map(Decided::new_text)
            .collect::<Vec<_>>(),
    )?;
    inserts.batches(
        &rows
            .iter()
            .filter_map(Decided::new_batch)
            .collect::<Vec<_>>(),
    )?;
    inserts.rows(&rows.iter().map(Decided::planned).collect::<Vec<_>>())
}

impl Decided {
    fn new_text(&self) -> Option<PlannedText<'_>> {
        let (
            Some(Assigned {
                number,
                is_new: true,
            }),
            Some(composed),
        ) = (self.text, &self.row.text)
        else {
            return None;
        };
        let text = &composed.text;
        Some(PlannedText {
            number,
            body: text.body(),
            encoding: text.encoding(),
            credits: text.credits(),
        })
    }

    fn new_batch(&self) -> Option<u32> {
        match self.decision {
            Decision::Send(Assigned {
                number,
                is_new: true,
            }) => Some(number),
            _ => None,
        }
    }

    fn planned(&self) -> PlannedRow<'_> {
        PlannedRow {
            row: self.row.row.into(),
            cells: &self.row.cells,
            msisdn: self.row.number,
            text: self.text.map(|text| text.number),
            disposition: match &self.decision {
                Decision::Send(batch) => Disposition::Send(batch.number),
                Decision::Invalid => Disposition::Invalid(
                    self.row.fault.as_ref().map_or("", |(_, sentence)| sentence),
                ),
                Decision::Duplicate(reason) => Disposition::Duplicate(reason),
                Decision::Suppressed(reason) => Disposition::Suppressed(reason),
            },
        }
    }
}
