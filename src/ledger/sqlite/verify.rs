//! Whether everything in a ledger adds up. It repairs nothing, and counts everything anew.

use rusqlite::Row;

use super::lock;
use super::rules::{ANCESTORS, NO_REPEAT, RULES, request_limits, state_follows_outcome};
use super::snapshot::Snapshot;
use super::totals;
use crate::Result;
use crate::domain::report::{Report, Sample};
use crate::domain::{Encoding, Status};
use crate::ledger::backend::{Snapshot as _, Started};
use crate::ledger::state::State;

/// How many violations of one rule are named.
const NAMED: usize = 5;

impl Snapshot {
    /// A sentence for each rule that does not hold.
    pub(super) fn find_violations(
        &self,
        duplicates_kept: bool,
        code_fits: &dyn Fn(Status, i32) -> bool,
    ) -> Result<Vec<String>> {
        // Read before the ledger, so that a run that is under way cannot have recorded more attempts since.
        let started = lock::started(&self.path);
        let mut wrong = self.damage()?;
        if wrong.is_empty() {
            wrong.extend(self.earlier_than(started)?);
            wrong.extend(self.wrong_costs()?);
            wrong.extend(self.wrong_codes(code_fits)?);
            let (rule, query) = state_follows_outcome();
            let limits = request_limits(self.campaign()?.options.limits);
            let rules = (RULES.into_iter())
                .chain([(rule, &*query)])
                .chain(limits.iter().map(|(rule, query)| (*rule, &**query)))
                .chain((!duplicates_kept).then_some(NO_REPEAT));
            for (rule, query) in rules {
                let found = self.lines(&format!("{ANCESTORS}{query}"))?;
                wrong.extend(violation(rule, &found));
            }
        }
        if wrong.is_empty() {
            wrong = self.differences_from_report(&self.campaign()?.report)?;
        }
        Ok(wrong)
    }

    /// SQLite's own checks: pages, indexes, and the constraints of the tables.
    fn damage(&self) -> Result<Vec<String>> {
        let found = self.lines("PRAGMA integrity_check(5)")?;
        let links = self
            .lines("SELECT \"table\" || ' row ' || rowid FROM pragma_foreign_key_check LIMIT 5")?;
        let intact = found.iter().all(|line| line == "ok");
        let mut wrong = Vec::new();
        if !intact {
            wrong.push(format!("the file is damaged: {}", found.join(", ")));
        }
        if !links.is_empty() {
            wrong.push(format!(
                "something that is referred to is missing: {}",
                links.join(", ")
            ));
        }
        Ok(wrong)
    }

    /// Whether its lock records more attempts than the ledger has.
    fn earlier_than(&self, started: Option<Started>) -> Result<Option<String>> {
        let Some(started) = started else {
            return Ok(None);
        };
        let attempts = self.read(|connection| Ok(totals::attempts(connection)?))?;
        let earlier = self.campaign()?.id == started.campaign && attempts < started.attempts;
        Ok(earlier.then(|| {
            format!(
                "it is an older copy: it records {attempts} of {} requests",
                started.attempts
            )
        }))
    }

    /// Texts that do not have the type or the credits that the ledger says.
    fn wrong_costs(&self) -> Result<Option<String>> {
        let is_wrong = |text: &Row<'_>| -> rusqlite::Result<Option<String>> {
            let body: String = text.get(1)?;
            let fits = Encoding::from_wire(text.get(2)?).is_some_and(|encoding| {
                (encoding == Encoding::Unicode || body.is_ascii())
                    && Ok(encoding.credits(encoding.units(&body))) == text.get(3)
                    && Ok(encoding.wire()) == text.get(4)
            });
            Ok((!fits).then_some(text.get(0)?))
        };
        let found: Vec<String> = self.read(|connection| {
            let mut texts =
                connection.prepare(
                "SELECT 'row ' || r.row, ifnull(r.text, t.text), r.type, r.credits, ifnull(t.type, r.type)
                 FROM recipient r LEFT JOIN recipient t ON t.row = r.text_row WHERE r.type IS NOT NULL",
            )?;
            let wrong = texts.query_map([], is_wrong)?;
            Ok(wrong
                .filter_map(rusqlite::Result::transpose)
                .collect::<rusqlite::Result<_>>()?)
        })?;
        Ok(violation("a text has the right type and credits", &found))
    }

    /// Batches with a code that their state does not allow. A code stays as it was answered, also after a decision.
    fn wrong_codes(&self, code_fits: &dyn Fn(Status, i32) -> bool) -> Result<Option<String>> {
        let mut found = Vec::new();
        self.read(|connection| {
            let mut batches = connection.prepare(
                "SELECT 'batch ' || id, state, code FROM batch
                 WHERE NOT (state = 'accepted' AND decision IS NOT NULL)",
            )?;
            let mut batches = batches.query([])?;
            while let Some(batch) = batches.next()? {
                let state = State::parse(batch.get_ref(1)?.as_str()?);
                let fits = match (state, batch.get(2)?) {
                    (Some(State::Accepted | State::Refused), None)
                    | (Some(State::Split), Some(_)) => false,
                    (None, _) | (_, None) => true,
                    (state, Some(code)) => code_fits(totals::status("send", state)?, code),
                };
                if !fits {
                    found.push(batch.get(0)?);
                }
            }
            Ok(())
        })?;
        Ok(violation(
            "a batch has a code that its state allows",
            &found,
        ))
    }

    /// Whether the rows are still those that the plan reported. Reading them fails if one has no known status.
    fn differences_from_report(&self, report: &Report) -> Result<Vec<String>> {
        let counts = self.totals()?.counts;
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
            // Rows may have been suppressed later.
            (
                Status::Suppressed,
                report.suppressed.max(counts.of(Status::Suppressed)),
            ),
        ] {
            let found = counts.of(status);
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
            if !self.has_text(sample)? {
                wrong.push(format!(
                    "row {} has another text than was planned",
                    sample.place.row
                ));
            }
        }
        Ok(wrong)
    }

    fn has_text(&self, sample: &Sample) -> Result<bool> {
        let mut is_same = false;
        let row = u32::try_from(sample.place.row).unwrap_or(u32::MAX);
        self.recipients(row..=row, &mut |recipient| {
            is_same = recipient.text == Some(&sample.text)
                && recipient.encoding.map(Encoding::wire) == Some(sample.r#type)
                && recipient.credits == sample.credits;
            Ok(())
        })?;
        Ok(is_same)
    }

    fn lines(&self, query: &str) -> Result<Vec<String>> {
        self.read(|connection| {
            let mut statement = connection.prepare(query)?;
            let lines = statement.query_map([], |row| row.get(0))?;
            Ok(lines.collect::<rusqlite::Result<_>>()?)
        })
    }
}

/// The sentence for a rule that is violated in these places, if there are any.
fn violation(rule: &str, found: &[String]) -> Option<String> {
    let (named, more) = found.split_at(found.len().min(NAMED));
    let more = match more.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!named.is_empty()).then(|| format!("not true that {rule}: see {}{more}", named.join(", ")))
}
