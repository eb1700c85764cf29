//! The rules that `verify` checks with a query each.

use crate::domain::{InCommon, RequestLimits};
use crate::ledger::outcome::AttemptOutcome as Outcome;

/// Before every query: each batch with those that it was split from, and its last attempt. `UNION` without `ALL` ends even if
/// batches are each other's parents.
pub(in crate::ledger) const ANCESTORS: &str = "
WITH RECURSIVE batch AS MATERIALIZED (
    SELECT id, parent, state, attempts, claimed_at, code, trx_id, why, decision FROM main.batch
    UNION ALL
    SELECT DISTINCT batch_id, NULL, 'planned', 0, NULL, NULL, NULL, NULL, NULL FROM main.recipient
    WHERE batch_id BETWEEN 1 AND (SELECT json_extract(report, '$.batches') FROM campaign)
      AND NOT EXISTS (SELECT 1 FROM main.batch b WHERE b.id = batch_id)
),
text AS (SELECT row AS id, text AS body FROM main.recipient WHERE text IS NOT NULL),
recipient AS (SELECT *, CASE WHEN type IS NOT NULL THEN ifnull(text_row, row) END AS text_id FROM main.recipient),
lineage(id, ancestor) AS (
    SELECT id, id FROM batch
    UNION
    SELECT lineage.id, b.parent FROM lineage JOIN batch b ON b.id = lineage.ancestor WHERE b.parent IS NOT NULL
),
last(id, attempt) AS (
    SELECT lineage.id, max(a.id) FROM lineage JOIN attempt a ON a.batch_id = lineage.ancestor GROUP BY lineage.id
)
";

/// What must hold in every ledger, each with a query for the rows or batches where it does not.
pub(in crate::ledger) const RULES: [(&str, &str); 15] = [
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
         WHERE b.state NOT IN ('split', CASE d.resolution WHEN 'accepted' THEN 'accepted' ELSE 'planned' END)",
    ),
    (
        "only what was accepted has a transaction id",
        "SELECT 'batch ' || id FROM batch WHERE trx_id IS NOT NULL AND state <> 'accepted'
         UNION ALL
         SELECT 'row ' || r.row FROM recipient r LEFT JOIN batch b ON b.id = r.batch_id
         WHERE r.trx_id IS NOT NULL AND b.state IS NOT 'accepted'",
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
pub(in crate::ledger) const NO_REPEAT: (&str, &str) = (
    "no number gets the same text twice",
    "SELECT 'row ' || max(r.row) FROM recipient r JOIN text t ON t.id = r.text_id
     WHERE r.disposition = 'send' GROUP BY r.msisdn, t.body HAVING count(*) > 1",
);

/// A batch must hold no more than one request can.
pub(in crate::ledger) fn request_limits(limits: RequestLimits) -> [(&'static str, String); 2] {
    let (rule, more) = match limits.in_common {
        InCommon::Text => (
            "the recipients of a batch have one text",
            "count(DISTINCT text_id) > 1",
        ),
        InCommon::Type => (
            "the texts of a batch have one type",
            "count(DISTINCT type) > 1",
        ),
    };
    let batches_where = |condition: &str| {
        format!(
            "SELECT 'batch ' || batch_id FROM recipient WHERE batch_id IS NOT NULL
             GROUP BY batch_id HAVING {condition}"
        )
    };
    [
        (rule, batches_where(more)),
        (
            "a batch has no more recipients than one request can hold",
            batches_where(&format!("count(*) > {}", limits.messages)),
        ),
    ]
}

/// A batch must be in the state that its last attempt left it in. An outcome that this version does not know proves nothing.
pub(in crate::ledger) fn state_follows_outcome() -> (&'static str, String) {
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
