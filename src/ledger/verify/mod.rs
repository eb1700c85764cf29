//! Whether everything in a ledger adds up: the rules that hold for every backend. It repairs nothing, and counts everything
//! anew, in one pass over each kind of record.

mod attempts;
mod audit;
mod members;
mod numbers;
mod records;
mod rule;

pub(super) use records::{AttemptRecord, BatchRecord, Records, RowRecord};

use audit::Audit;
use numbers::Numbers;
use rule::Rule;

use super::campaign::Campaign;
use crate::Result;
use crate::domain::Status;

/// A sentence for each rule that does not hold.
pub(super) fn violations(
    records: &dyn Records,
    campaign: &Campaign,
    duplicates_kept: bool,
    code_fits: &dyn Fn(Status, i32) -> bool,
) -> Result<Vec<String>> {
    let mut audit = Audit::new(campaign);
    records.decisions(&mut |id, state| {
        audit.decisions.insert(id, state);
    })?;
    records.batches(&mut |batch| audit.batch(batch, code_fits))?;
    let mut rows = Numbers::default();
    records.rows(&mut |row| {
        rows.add(row.row);
        audit.row(row);
    })?;
    if let Some(last) = rows.with_gap() {
        audit.violated(Rule::RowNumbers, || format!("row {last}"));
    }
    audit.members(duplicates_kept);
    audit.attempts(records)?;
    let violations = audit.violations.sentences();
    Ok(match violations[..] {
        [] => differences_from_report(&audit),
        _ => violations,
    })
}

/// Whether the rows are still those that the plan reported.
fn differences_from_report(audit: &Audit<'_>) -> Vec<String> {
    let (counts, report) = (&audit.counts, &audit.campaign.report);
    let mut wrong = Vec::new();
    if counts.rows() != report.rows {
        wrong.push(format!(
            "{} rows were planned, and there are {}",
            report.rows,
            counts.rows()
        ));
    }
    for (status, planned) in [
        (Status::Invalid, report.invalid_rows()),
        (Status::Duplicate, report.duplicate),
        (Status::Suppressed, report.suppressed),
    ] {
        // Others were suppressed later, and have a batch.
        let found = audit.unsent.of(status);
        if found != planned {
            wrong.push(format!(
                "{planned} rows were planned as {status}, and there are {found}"
            ));
        }
    }
    for sample in [&report.first, &report.longest, &report.dearest]
        .into_iter()
        .flatten()
    {
        if !audit.samples.contains(&sample.place.row) {
            wrong.push(format!(
                "row {} has another text than was planned",
                sample.place.row
            ));
        }
    }
    wrong
}
