//! Whether the books of a ledger balance. It mends nothing, and believes no sum that it can count.

use rusqlite::Row;

use super::lock::{self, Started};
use super::snapshot::Snapshot;
use crate::Result;
use crate::domain::Encoding;

/// Ahead of every query: each batch with those it was split from, and its last attempt. Without `ALL`, parents that go in a
/// circle come to an end.
const LINES: &str = "
WITH RECURSIVE line(id, ancestor) AS (
    SELECT id, id FROM batch
    UNION
    SELECT line.id, b.parent FROM line JOIN batch b ON b.id = line.ancestor WHERE b.parent IS NOT NULL
),
last(id, attempt) AS (
    SELECT line.id, max(a.id) FROM line JOIN attempt a ON a.batch_id = line.ancestor GROUP BY line.id
)
";

/// What must hold in every ledger, and the rows or batches where it does not. Each query answers with one line
/// for each offence.
const RULES: [(&str, &str); 21] = [
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
        "all rows of the plan are there",
        "SELECT count(*) || ' rows' FROM recipient
         HAVING count(*) <> (SELECT json_extract(report, '$.rows') FROM campaign)",
    ),
    (
        "a parent of a batch is split",
        "SELECT 'batch ' || b.id FROM batch b LEFT JOIN batch p ON p.id = b.parent
         WHERE b.parent IS NOT NULL AND (p.id IS NULL OR p.state <> 'split' OR p.id >= b.id)",
    ),
    (
        "a batch has as many attempts as were written down for it and the batches it came from",
        "SELECT 'batch ' || b.id
         FROM batch b
         JOIN (SELECT line.id, count(a.id) AS n FROM line LEFT JOIN attempt a ON a.batch_id = line.ancestor
               GROUP BY line.id) c ON c.id = b.id
         WHERE b.attempts <> c.n",
    ),
    (
        "a batch that was never tried is planned or split, and one that is under way or has an outcome was tried",
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
        "a batch stands as its last attempt ended, unless an operator decided about it",
        // The words of `attempt.outcome` are those of dispatch; one that is not known here proves nothing.
        "SELECT 'batch ' || b.id
         FROM last JOIN batch b ON b.id = last.id JOIN attempt a ON a.id = last.attempt
         WHERE b.attempts > 0 AND b.decision IS NULL AND b.state NOT IN ('split', 'claimed') AND NOT CASE
             WHEN a.outcome = 'accepted' THEN b.state = 'accepted'
             WHEN a.outcome IN ('no answer', 'interrupted') THEN b.state = 'unknown'
             WHEN a.outcome IN ('not sent', 'throttled', 'account stopped') THEN b.state = 'planned'
             WHEN a.outcome = 'refused' THEN b.state = 'refused' OR (b.state = 'planned' AND b.why IS NOT NULL)
             WHEN a.outcome = 'mixed' THEN b.state <> 'planned' OR b.why IS NOT NULL
             ELSE 1 END",
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
        "a batch that an operator decided about stands as decided",
        "SELECT 'batch ' || b.id FROM batch b JOIN decision d ON d.id = b.decision
         WHERE b.state NOT IN ('split', CASE d.word WHEN 'accepted' THEN 'accepted' ELSE 'planned' END)",
    ),
    (
        "a batch has a code that fits its state",
        "SELECT 'batch ' || id FROM batch
         WHERE (state = 'accepted' AND decision IS NULL AND code IS NOT 2000)
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
        "a text is still the one that the plan showed as a sample",
        "SELECT 'row ' || r.row
         FROM campaign, json_each(report) s
         JOIN recipient r ON r.row = json_extract(s.value, '$.row')
         LEFT JOIN text t ON t.id = r.text_id
         WHERE s.key IN ('first', 'longest', 'dearest') AND s.type = 'object'
           AND (t.body, t.type, t.credits) IS NOT (json_extract(s.value, '$.text'),
                json_extract(s.value, '$.type'), json_extract(s.value, '$.credits'))",
    ),
    (
        "no batch has a number twice",
        "SELECT 'batch ' || batch_id FROM recipient WHERE batch_id IS NOT NULL
         GROUP BY batch_id, msisdn HAVING count(*) > 1",
    ),
    (
        "a campaign knows its gateway exactly if it was begun",
        "SELECT 'campaign ' || name FROM campaign
         WHERE (gateway_host IS NOT NULL) <> EXISTS (SELECT 1 FROM attempt)",
    ),
    (
        "what was planned as invalid or duplicate still is, and only more is suppressed",
        "SELECT 'the ' || count(*) || ' rows' FROM recipient
         HAVING count(*) FILTER (WHERE disposition = 'invalid')
                <> (SELECT coalesce(sum(json_extract(value, '$.rows')), 0)
                    FROM campaign, json_each(report, '$.invalid'))
             OR count(*) FILTER (WHERE disposition = 'duplicate')
                <> (SELECT json_extract(report, '$.duplicate') FROM campaign)
             OR count(*) FILTER (WHERE disposition = 'suppressed')
                < (SELECT json_extract(report, '$.suppressed') FROM campaign)",
    ),
];

/// No number has the same text twice among what was or is to be sent. Not asked where duplicates were kept.
const NO_REPEAT: (&str, &str) = (
    "no number has the same text in two places",
    "SELECT 'row ' || max(r.row) FROM recipient r JOIN text t ON t.id = r.text_id
     WHERE r.disposition = 'send' GROUP BY r.msisdn, t.body HAVING count(*) > 1",
);

/// How many offences of one rule are named.
const NAMED: usize = 5;

impl Snapshot {
    /// What is wrong with the books, a sentence for each rule that is broken; none: they balance.
    /// `duplicates_kept` says that the campaign was planned to send duplicates.
    pub fn verify(&self, duplicates_kept: bool) -> Result<Vec<String>> {
        // First, so that a run that is under way cannot have added to it since.
        let started = lock::started(self.path());
        let mut wrong = self.damage()?;
        if wrong.is_empty() {
            wrong.extend(self.earlier_than(started)?);
            wrong.extend(self.mispriced()?);
            let rules = RULES
                .into_iter()
                .chain((!duplicates_kept).then_some(NO_REPEAT));
            for (rule, query) in rules {
                wrong.extend(self.offences(rule, query)?);
            }
        }
        if wrong.is_empty() {
            // Every row has a status of the closed set, or reading them fails.
            self.totals()?;
        }
        Ok(wrong)
    }

    /// SQLite's own check of the file: pages, indexes, and the conditions of the tables.
    fn damage(&self) -> Result<Vec<String>> {
        let found = self.lines("PRAGMA integrity_check(5)")?;
        let links = self
            .lines("SELECT \"table\" || ' row ' || rowid FROM pragma_foreign_key_check LIMIT 5")?;
        let sound = found.iter().all(|line| line == "ok");
        let mut wrong = Vec::new();
        if !sound {
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

    /// What its lock knows of it and it does not.
    fn earlier_than(&self, started: Option<Started>) -> Result<Option<String>> {
        let Some(started) = started else {
            return Ok(None);
        };
        let attempts = self.totals()?.attempts;
        let earlier = self.campaign()?.id == started.campaign && attempts < started.attempts;
        Ok(earlier.then(|| {
            format!(
                "it is an earlier state of itself: it knows of {attempts} requests, and {} were made",
                started.attempts
            )
        }))
    }

    /// Texts that cost something else than the ledger says, or cannot be sent as it says.
    fn mispriced(&self) -> Result<Option<String>> {
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
            .map_err(|fault| self.fault(&fault))?;
        Ok(offence(
            "a text has the type and the credits that are due",
            &found,
        ))
    }

    fn offences(&self, rule: &str, query: &str) -> Result<Option<String>> {
        let found = self.lines(&format!("{LINES}{query}"))?;
        Ok(offence(rule, &found))
    }

    fn lines(&self, query: &str) -> Result<Vec<String>> {
        self.connection()
            .prepare(query)
            .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
            .map_err(|fault| self.fault(&fault))
    }
}

/// The sentence for a rule that is broken in these places, if there are any.
fn offence(rule: &str, found: &[String]) -> Option<String> {
    let (named, more) = found.split_at(found.len().min(NAMED));
    let more = match more.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!named.is_empty()).then(|| format!("not true that {rule}: see {}{more}", named.join(", ")))
}
