//! Whether everything in a ledger adds up. It repairs nothing, and counts everything anew.

use rusqlite::Row;

use super::lock::{self, Started};
use super::outcome::AttemptOutcome as Outcome;
use super::snapshot::Snapshot;
use super::totals;
use crate::Result;
use crate::domain::report::{Report, Sample};
use crate::domain::{Encoding, Status};

/// Before every query: each batch with those that it was split from, and its last attempt. `UNION` without `ALL` ends even if
/// batches are each other's parents.
const ANCESTORS: &str = "
WITH RECURSIVE lineage(id, ancestor) AS (
    SELECT id, id FROM batch
    UNION
    SELECT lineage.id, b.parent FROM lineage JOIN batch b ON b.id = lineage.ancestor WHERE b.parent IS NOT NULL
),
last(id, attempt) AS (
    SELECT lineage.id, max(a.id) FROM lineage JOIN attempt a ON a.batch_id = lineage.ancestor GROUP BY lineage.id
)
";

/// What must hold in every ledger, each with a query for the rows or batches where it does not.
const RULES: [(&str, &str); 17] = [
    (
        "a row has a batch exactly if it is to be sent",
        "SELECT 'row ' || row FROM recipient WHERE (disposition = 'send') <> (batch_id IS NOT NULL)",
    ),
    (
        "a row that is to be sent has a number and a text",
        "SELECT 'row ' || r.row FROM recipient r LEFT JOIN text t ON t.id = r.text_id
         WHERE r.disposition = 'send' AND (r.msisdn IS NULL OR t.id IS NULL)",
    ),
    (
        "a batch of a row exists and is not split",
        "SELECT 'row ' || r.row FROM recipient r LEFT JOIN batch b ON b.id = r.batch_id
         WHERE r.disposition = 'send' AND (b.id IS NULL OR b.state = 'split')",
    ),
    (
        "a batch that is not split has recipients",
        "SELECT 'batch ' || b.id FROM batch b
         WHERE b.state <> 'split' AND NOT EXISTS (SELECT 1 FROM recipient r WHERE r.batch_id = b.id)",
    ),
    (
        "rows are numbered from 1 without a gap",
        "SELECT 'row ' || max(row) FROM recipient HAVING count(*) <> coalesce(max(row), 0) OR min(row) <> 1",
    ),
    (
        "a parent of a batch is split",
        "SELECT 'batch ' || b.id FROM batch b LEFT JOIN batch p ON p.id = b.parent
         WHERE b.parent IS NOT NULL AND (p.id IS NULL OR p.state <> 'split' OR p.id >= b.id)",
    ),
    (
        "a batch has as many attempts as were recorded for it and the batches that it was split from",
        "SELECT 'batch ' || b.id
         FROM batch b
         JOIN (SELECT lineage.id, count(a.id) AS n FROM lineage LEFT JOIN attempt a ON a.batch_id = lineage.ancestor
               GROUP BY lineage.id) c ON c.id = b.id
         WHERE b.attempts <> c.n",
    ),
    (
        "a batch without attempts is planned or split, and one that is under way or has an outcome has attempts",
        "SELECT 'batch ' || id FROM batch
         WHERE (attempts = 0 AND state NOT IN ('planned', 'split'))
            OR (attempts > 0) <> (claimed_at IS NOT NULL)",
    ),
    (
        "exactly the batch that is under way has one attempt without an outcome",
        "SELECT 'batch ' || b.id FROM batch b
         LEFT JOIN (SELECT batch_id, count(*) AS n FROM attempt WHERE outcome IS NULL GROUP BY batch_id) o
                ON o.batch_id = b.id
         WHERE coalesce(o.n, 0) <> (b.state = 'claimed')",
    ),
    (
        "a batch has the code and the transaction ids of the answer to its last attempt",
        // An answer that was cut may have lost them, and `***` hid a part of it. A backslash can spell anything.
        "SELECT 'batch ' || b.id
         FROM last JOIN batch b ON b.id = last.id JOIN attempt a ON a.id = last.attempt
         WHERE b.decision IS NULL AND b.state <> 'split' AND length(a.answer) BETWEEN 1 AND 499
           AND instr(a.answer, '***') = 0 AND instr(a.answer, '\\') = 0
           AND (instr(a.answer, b.code) = 0 OR instr(a.answer, b.trx_id) = 0
                OR EXISTS (SELECT 1 FROM recipient r WHERE r.batch_id = b.id AND instr(a.answer, r.trx_id) = 0))",
    ),
    (
        "attempts are numbered from 1 without a gap",
        "SELECT 'attempt ' || max(id) FROM attempt HAVING count(*) <> coalesce(max(id), 0) OR min(id) <> 1",
    ),
    (
        "a batch that an operator resolved is in the state of that decision",
        "SELECT 'batch ' || b.id FROM batch b JOIN decision d ON d.id = b.decision
         WHERE b.state NOT IN ('split', CASE d.word WHEN 'accepted' THEN 'accepted' ELSE 'planned' END)",
    ),
    (
        "a batch has a code that its state allows",
        "SELECT 'batch ' || id FROM batch
         WHERE (state = 'accepted' AND decision IS NULL AND (code IS NULL OR code < 0))
            OR (state = 'refused' AND (code IS NULL OR code >= 0))
            OR (state NOT IN ('accepted', 'refused') AND code >= 0)",
    ),
    (
        "only what was accepted has a transaction id",
        "SELECT 'batch ' || id FROM batch WHERE trx_id IS NOT NULL AND state <> 'accepted'
         UNION ALL
         SELECT 'row ' || r.row FROM recipient r LEFT JOIN batch b ON b.id = r.batch_id
         WHERE r.trx_id IS NOT NULL AND b.state IS NOT 'accepted'",
    ),
    (
        "the recipients of a batch have one text",
        "SELECT 'batch ' || batch_id FROM recipient WHERE batch_id IS NOT NULL
         GROUP BY batch_id HAVING count(DISTINCT text_id) > 1",
    ),
    (
        "no batch has a number twice",
        "SELECT 'batch ' || batch_id FROM recipient WHERE batch_id IS NOT NULL
         GROUP BY batch_id, msisdn HAVING count(*) > 1",
    ),
    (
        "a campaign has a gateway exactly if it was started",
        "SELECT 'campaign ' || name FROM campaign
         WHERE (gateway_host IS NOT NULL) <> EXISTS (SELECT 1 FROM attempt)",
    ),
];

/// Not checked where duplicates were kept.
const NO_REPEAT: (&str, &str) = (
    "no number gets the same text twice",
    "SELECT 'row ' || max(r.row) FROM recipient r JOIN text t ON t.id = r.text_id
     WHERE r.disposition = 'send' GROUP BY r.msisdn, t.body HAVING count(*) > 1",
);

/// How many violations of one rule are named.
const NAMED: usize = 5;

/// A batch must be in the state that its last attempt left it in. An outcome that this version does not know proves nothing.
fn state_follows_outcome() -> (&'static str, String) {
    let list = |outcomes: &[Outcome]| {
        let quoted: Vec<_> = outcomes.iter().map(|word| format!("'{word}'")).collect();
        quoted.join(", ")
    };
    let query = format!(
        "SELECT 'batch ' || b.id
         FROM last JOIN batch b ON b.id = last.id JOIN attempt a ON a.id = last.attempt
         WHERE b.attempts > 0 AND b.decision IS NULL AND b.state NOT IN ('split', 'claimed') AND NOT CASE
             WHEN a.outcome IN ({accepted}) THEN b.state = 'accepted'
             WHEN a.outcome IN ({unknown}) THEN b.state = 'unknown'
             WHEN a.outcome IN ({planned}) THEN b.state = 'planned'
             WHEN a.outcome IN ({refused}) THEN b.state = 'refused' OR (b.state = 'planned' AND b.why IS NOT NULL)
             WHEN a.outcome IN ({mixed}) THEN b.state <> 'planned' OR b.why IS NOT NULL
             ELSE 1 END",
        accepted = list(&[Outcome::Accepted]),
        unknown = list(&[Outcome::NoAnswer, Outcome::Interrupted]),
        planned = list(&Outcome::NOT_TAKEN),
        refused = list(&[Outcome::Refused]),
        mixed = list(&[Outcome::Mixed]),
    );
    (
        "a batch is in the state that its last attempt left it in, unless an operator resolved it",
        query,
    )
}

impl Snapshot {
    /// A sentence for each rule that does not hold; none if everything adds up. `duplicates_kept`: the campaign was planned to
    /// send duplicates.
    pub fn verify(&self, duplicates_kept: bool) -> Result<Vec<String>> {
        // Read before the ledger, so that a run that is under way cannot have recorded more attempts since.
        let started = lock::started(self.path());
        let mut wrong = self.damage()?;
        if wrong.is_empty() {
            wrong.extend(self.earlier_than(started)?);
            wrong.extend(self.wrong_costs()?);
            let (rule, query) = state_follows_outcome();
            wrong.extend(self.violations(rule, &query)?);
            let rules = RULES
                .into_iter()
                .chain((!duplicates_kept).then_some(NO_REPEAT));
            for (rule, query) in rules {
                wrong.extend(self.violations(rule, query)?);
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
        let attempts =
            totals::attempts(self.connection()).map_err(|error| self.read_error(error))?;
        let earlier = self.campaign()?.id == started.campaign && attempts < started.attempts;
        Ok(earlier.then(|| {
            format!(
                "it is an earlier state of itself: it has {attempts} requests, and {} were made",
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
            });
            Ok((!fits).then_some(text.get(0)?))
        };
        let found = self
            .connection()
            .prepare("SELECT 'text ' || id, body, type, credits FROM text")
            .and_then(|mut statement| {
                let texts = statement.query_map([], is_wrong)?;
                texts
                    .filter_map(rusqlite::Result::transpose)
                    .collect::<rusqlite::Result<Vec<_>>>()
            })
            .map_err(|error| self.read_error(error))?;
        Ok(violation("a text has the right type and credits", &found))
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
                    sample.row
                ));
            }
        }
        Ok(wrong)
    }

    fn has_text(&self, sample: &Sample) -> Result<bool> {
        let mut is_same = false;
        let row = u32::try_from(sample.row).unwrap_or(u32::MAX);
        self.recipients(row..=row, |recipient| {
            is_same = recipient.text == Some(&sample.text)
                && recipient.encoding.map(Encoding::wire) == Some(sample.r#type)
                && recipient.credits == sample.credits;
            Ok(())
        })?;
        Ok(is_same)
    }

    fn violations(&self, rule: &str, query: &str) -> Result<Option<String>> {
        let found = self.lines(&format!("{ANCESTORS}{query}"))?;
        Ok(violation(rule, &found))
    }

    fn lines(&self, query: &str) -> Result<Vec<String>> {
        self.connection()
            .prepare(query)
            .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
            .map_err(|error| self.read_error(error))
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
