//! What becomes of a row, given those before it: sent in which batch, suppressed, a duplicate, invalid. It counts along the way,
//! and reads and writes nothing.

use super::Spec;
use super::check::Checked;
use crate::Result;
use crate::campaign::Msisdn;
use crate::campaign::cost::Costs;
use crate::campaign::duplicates::{Duplicates, Repeat, Rule};
use crate::campaign::grouping::{Grouping, Numbered};
use crate::campaign::lint::{self, Rule as Content};
use crate::campaign::msisdn::Region;
use crate::campaign::report::{Remark, Report};
use crate::campaign::suppression::Suppression;
use crate::campaign::text::{Punctuation, TypeChoice};
use crate::ledger::{Fate, Inserts, PlannedRow};

/// Sees every row in order.
pub(super) struct Planner<'a> {
    suppression: &'a Suppression,
    duplicates: Duplicates,
    grouping: Grouping,
    costs: Costs,
    kind: TypeChoice,
    punctuation: Punctuation,
    region: Region,
    /// Whether numbers for which a sender ID is replaced are to be remarked.
    sender_id: bool,
    report: Report,
}

/// A row, and what becomes of it.
pub(super) struct Decided {
    row: Checked,
    text: Option<Numbered>,
    decision: Decision,
}

enum Decision {
    Send(Numbered),
    Invalid,
    Duplicate(String),
    Suppressed(String),
}

impl<'a> Planner<'a> {
    pub(super) fn new(spec: &Spec<'_>, suppression: &'a Suppression) -> Self {
        Self {
            suppression,
            duplicates: Duplicates::new(spec.duplicates),
            grouping: Grouping::new(spec.batch_size),
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
        report.texts = self.grouping.used_texts().into();
        report.batches = self.grouping.batches().into();
        report.remarks.sort_by_key(|remark| {
            Content::ALL
                .map(Content::as_str)
                .iter()
                .position(|rule| *rule == remark.rule)
        });
        report.crowds = self.duplicates.crowds();
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
            .map(|(_, fingerprint)| self.grouping.text(*fingerprint));
        let decision = if let (None, Some(number), Some(text)) = (&row.fault, row.number, text) {
            self.judge(&row, number, text.number)
        } else {
            let label = row.fault.as_ref().map_or("", |(label, _)| label);
            self.report.note_invalid(row.row.into(), label);
            Decision::Invalid
        };
        Decided {
            row,
            text,
            decision,
        }
    }

    fn judge(&mut self, row: &Checked, number: Msisdn, text: u32) -> Decision {
        if let Some(reason) = self.suppression.reason(number) {
            self.report.rows += 1;
            self.report.suppressed += 1;
            return Decision::Suppressed(reason);
        }
        match self.duplicates.note(row.row, number, text) {
            Repeat::Of(earlier) => {
                self.report.rows += 1;
                self.report.duplicate += 1;
                Decision::Duplicate(match self.duplicates.rule() {
                    Rule::Number => format!("row {earlier} has the same number"),
                    Rule::Message | Rule::Keep => {
                        format!("row {earlier} has the same number and text")
                    }
                })
            }
            Repeat::Send(earlier) => self.send(row, number, earlier),
        }
    }

    fn send(&mut self, row: &Checked, number: Msisdn, earlier: u32) -> Decision {
        let Some((text, fingerprint)) = &row.text else {
            return Decision::Invalid;
        };
        self.report.note_sendable(row.row.into(), text);
        if !number.is_of(self.region) {
            self.report.note_abroad(row.row.into());
        }
        let punctuation = self.punctuation;
        self.costs
            .note(text, &row.lengths, |c| punctuation.forces_unicode(c));
        self.remark(row, number);
        Decision::Send(self.grouping.join(*fingerprint, earlier))
    }

    /// Counts what networks may block and what looks like a mistake in a row to send.
    fn remark(&mut self, checked: &Checked, number: Msisdn) {
        let row = checked.row.into();
        for finding in &checked.findings {
            self.report.note_remark(row, finding.rule().as_str(), || {
                remark(finding.rule(), finding.excerpt())
            });
        }
        if self.sender_id && lint::sender_id_is_replaced(number) {
            let rule = Content::SenderId;
            self.report
                .note_remark(row, rule.as_str(), || remark(rule, &number.to_string()));
        }
    }
}

fn remark(rule: Content, example: &str) -> Remark {
    Remark {
        rule: rule.as_str().to_owned(),
        what: rule.what().to_owned(),
        source: rule.source().to_owned(),
        rows: 0,
        first_rows: Vec::new(),
        example: example.to_owned(),
    }
}

impl Decided {
    /// Stores the row, and before it the text and the batch that it is the first of.
    pub(super) fn store(&self, inserts: &mut Inserts<'_>) -> Result<()> {
        if let (Some(Numbered { number, new: true }), Some((text, _))) = (self.text, &self.row.text)
        {
            inserts.text(number, text.body(), text.encoding(), text.credits())?;
        }
        if let Decision::Send(Numbered { number, new: true }) = self.decision {
            inserts.batch(number)?;
        }
        inserts.row(&PlannedRow {
            row: self.row.row.into(),
            cells: &self.row.cells,
            msisdn: self.row.number,
            text: self.text.map(|text| text.number),
            fate: match &self.decision {
                Decision::Send(batch) => Fate::Send(batch.number),
                Decision::Invalid => {
                    Fate::Invalid(self.row.fault.as_ref().map_or("", |(_, sentence)| sentence))
                }
                Decision::Duplicate(reason) => Fate::Duplicate(reason),
                Decision::Suppressed(reason) => Fate::Suppressed(reason),
            },
        })
    }
}
