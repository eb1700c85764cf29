//! What becomes of batches: claims, answers, splits, suppressed recipients, decisions, crashes, each as the changes that are to
//! be written. Pure. Whether something can happen to a batch at all is for [`next`] to say.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use super::backend::{InFlight, ResendRisk, StoredBatch};
use super::batch::{Batch, BatchId, NewState, Settlement, Suppressed};
use super::change::{Answer, Change, Child, Fields};
use super::outcome::AttemptOutcome;
use super::resolution::{Resolution, Resolved, Selection, row_ranges};
use super::state::{Event, State, next};
use crate::domain::{Msisdn, Timestamp};
use crate::{Error, Kind, Result};

/// Why a batch is unknown whose claim has no outcome.
pub(super) const INTERRUPTED: &str = "the program was stopped while the request was under way";

/// Why a batch is unknown that would be sent a third time.
const ACCEPTED_BEFORE: &str = "the gateway accepted an earlier request for it";

/// Why recipients are refused each for itself, and not because another number of the request was bad.
const ANSWERED_SINGLY: &str = "the gateway answered for each number";

/// Planned batches are taken for one attempt each.
pub(super) fn claim(batches: &[(BatchId, &Timestamp)]) -> Result<Vec<Change>> {
    let claims = batches.iter().map(|&(batch, at)| {
        after(batch, State::Planned, Event::Claim)?;
        let at = at.clone();
        Ok(Change::Claim { batch, at })
    });
    claims.collect()
}

/// Attempts have ended. Where the recipients of a batch end in different states, it is split into children of one state each.
pub(super) fn settle(ends: &[&Settlement]) -> Result<Vec<Change>> {
    let mut changes: Vec<Change> = ends.iter().map(|end| end_attempt(end)).collect();
    for end in ends {
        changes.extend(outcomes(end.batch.id, &end.batch.rows, &end.new_states)?);
    }
    Ok(changes)
}

/// An attempt has ended after its sender had been taken for gone: its claim became unknown, and perhaps a person has decided about
/// its rows. `batches` have them now, without those that were claimed again. The answer counts more than a decision that it
/// contradicts; one that says nothing changes no decision.
pub(super) fn settle_late(end: &Settlement, batches: &[StoredBatch]) -> Result<Vec<Change>> {
    let mut changes = vec![end_attempt(end)];
    for batch in batches {
        let states: Vec<NewState> = match &end.new_states[..] {
            [all] => vec![all.clone()],
            each => (end.batch.rows.iter().zip(each))
                .filter(|(row, _)| batch.rows.contains(row))
                .map(|(_, state)| state.clone())
                .collect(),
        };
        let is_accepted = |state: &NewState| matches!(state, NewState::Accepted { .. });
        let is_refused = |state: &NewState| matches!(state, NewState::Refused { .. });
        let counts = match batch.state {
            State::Claimed | State::Unknown => true,
            State::Planned => states.iter().any(|one| is_accepted(one) || is_refused(one)),
            State::Cancelled | State::Suppressed => states.iter().any(is_accepted),
            State::Accepted | State::Refused | State::Split => false,
        };
        if !counts {
            continue;
        }
        if batch.state != State::Claimed {
            changes.push(Change::Move {
                batch: batch.id,
                from: batch.state,
                to: after(batch.id, batch.state, Event::AnswerLate)?,
                fields: Fields::Reopened,
            });
        }
        changes.extend(outcomes(batch.id, &batch.rows, &states)?);
    }
    Ok(changes)
}

/// The rows that were accepted late, and that `batches`, those that were not claimed again, do not have: they were sent again.
pub(super) fn sent_again(end: &Settlement, batches: &[StoredBatch]) -> Vec<i64> {
    let states = end.new_states.iter().cycle();
    let accepted = (end.batch.rows.iter().zip(states))
        .filter(|(_, state)| matches!(state, NewState::Accepted { .. }))
        .map(|(row, _)| *row);
    let is_in = |row| batches.iter().any(|batch| batch.rows.contains(&row));
    accepted.filter(|row| !is_in(*row)).collect()
}

/// Planned batches for which an earlier request was accepted are unknown: a person knows what was sent, and they are not sent again.
pub(super) fn keep_accepted(batches: &[BatchId]) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for &batch in batches {
        let (from, reopened) = (State::Planned, Event::AnswerLate);
        changes.push(Change::Move {
            batch,
            from,
            to: after(batch, from, reopened)?,
            fields: Fields::Reopened,
        });
        changes.push(lose_answer(batch, ACCEPTED_BEFORE)?);
    }
    Ok(changes)
}

fn end_attempt(end: &Settlement) -> Change {
    Change::EndAttempt {
        attempt: end.attempt,
        outcome: end.outcome,
        answered: Some(Answer {
            at: end.ended_at.clone(),
            http_status: end.http_status,
            text: end.answer.clone(),
        }),
    }
}

/// A claimed batch has an answer: one for all of its rows, or one for each.
fn outcomes(batch: BatchId, rows: &[i64], states: &[NewState]) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    let children = match states {
        [state] => children(batch, state, rows, None)?,
        each if each.len() == rows.len() => {
            let (own_trx_ids, groups) = groups(rows, each);
            changes.extend(own_trx_ids);
            let mut all = Vec::new();
            for (state, rows) in &groups {
                all.extend(children(batch, state, rows, Some(ANSWERED_SINGLY))?);
            }
            all
        }
        _ => {
            return Err(Error::new(
                Kind::Ledger,
                "an answer had another number of outcomes than its batch has recipients",
            ));
        }
    };
    changes.push(move_or_split(batch, State::Claimed, children)?);
    Ok(changes)
}

/// The recipients by their common state, and the transaction ids that are their own: then their batch has none.
fn groups(rows: &[i64], states: &[NewState]) -> (Vec<Change>, Vec<(NewState, Vec<i64>)>) {
    let mut own_trx_ids = Vec::new();
    let mut groups: Vec<(NewState, Vec<i64>)> = Vec::new();
    for (&row, state) in rows.iter().zip(states) {
        let mut common = state.clone();
        if let NewState::Accepted { trx_id, .. } = &mut common {
            let trx_id = trx_id.take();
            own_trx_ids.push(Change::SetTrxId { row, trx_id });
        }
        match groups.iter_mut().find(|(of, _)| *of == common) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((common, vec![row])),
        }
    }
    (own_trx_ids, groups)
}

/// The batches of recipients of a claimed batch that all end in this state: one, or two if it is halved. `refused_because` is
/// why they are refused, if the code alone does not say it.
fn children(
    batch: BatchId,
    state: &NewState,
    rows: &[i64],
    refused_because: Option<&str>,
) -> Result<Vec<Child>> {
    let (event, code, trx_id, why) = match state {
        NewState::Accepted { code, trx_id } => (Event::Accept, Some(*code), trx_id.clone(), None),
        NewState::Refused { code } => {
            let why = refused_because.map(str::to_owned);
            (Event::Refuse, Some(*code), None, why)
        }
        NewState::Unknown { why, code } => (Event::LoseAnswer, *code, None, Some(why.clone())),
        NewState::Planned { why } => (Event::PlanAgain, None, None, Some(why.clone())),
        NewState::Halved { code } if rows.len() == 1 => (Event::Refuse, Some(*code), None, None),
        NewState::Halved { code } => {
            let why = format!("the gateway answered {code}, and it is sent in smaller batches");
            (Event::PlanAgain, None, None, Some(why))
        }
    };
    let is_halved = matches!(state, NewState::Halved { .. }) && rows.len() > 1;
    let size = if is_halved {
        rows.len().div_ceil(2)
    } else {
        rows.len()
    };
    let state = after(batch, State::Claimed, event)?;
    let fields = Fields::Settled { code, trx_id, why };
    let children = rows.chunks(size.max(1)).map(|rows| Child {
        rows: rows.to_vec(),
        state,
        fields: fields.clone(),
    });
    Ok(children.collect())
}

/// A split, unless there is only one child: then the batch itself becomes what the child would be.
fn move_or_split(batch: BatchId, from: State, mut children: Vec<Child>) -> Result<Change> {
    if children.len() > 1 {
        return split(batch, from, children);
    }
    let child = children.pop().ok_or_else(|| {
        Error::new(
            Kind::Ledger,
            format!("batch {batch} has no recipients, and cannot be settled"),
        )
    })?;
    Ok(Change::Move {
        batch,
        from,
        to: child.state,
        fields: child.fields,
    })
}

fn split(parent: BatchId, from: State, children: Vec<Child>) -> Result<Change> {
    Ok(Change::Split {
        parent,
        from,
        to: after(parent, from, Event::Split)?,
        children,
    })
}

/// A child that stays what its parent was.
fn unchanged(state: State, rows: &[i64]) -> Child {
    Child {
        rows: rows.to_vec(),
        state,
        fields: Fields::Kept,
    }
}

/// A planned batch is split after its first `recipients`. The first child has these.
pub(super) fn split_first(batch: &Batch, recipients: usize) -> Result<Vec<Change>> {
    let (first, rest) = batch.rows.split_at(recipients.min(batch.rows.len()));
    let children = [first, rest].map(|rows| unchanged(State::Planned, rows));
    split(batch.id, State::Planned, children.into()).map(|split| vec![split])
}

/// The recipients of a planned batch that must not be sent to become suppressed. `listed` returns the reason for a number, if
/// there is one. Returns their rows too.
pub(super) fn suppress(
    batch: &Batch,
    listed: &dyn Fn(Msisdn) -> Option<String>,
) -> Result<(Suppressed, Vec<Change>)> {
    let mut remaining = Vec::new();
    let mut suppressed = BTreeMap::<String, Vec<i64>>::new();
    for (&row, message) in batch.rows.iter().zip(&batch.messages) {
        let Some(reason) = listed(message.number) else {
            remaining.push(row);
            continue;
        };
        suppressed.entry(reason).or_default().push(row);
    }
    if suppressed.is_empty() {
        return Ok(Default::default());
    }
    let state = after(batch.id, State::Planned, Event::Suppress)?;
    let mut all = Suppressed::new();
    let mut children = Vec::new();
    for (why, rows) in suppressed {
        let unsigned = rows.iter().map(|row| row.cast_unsigned());
        all.insert(why.clone(), unsigned.collect());
        children.push(Child {
            rows,
            state,
            fields: Fields::Suppressed { why },
        });
    }
    if !remaining.is_empty() {
        children.push(unchanged(State::Planned, &remaining));
    }
    let change = move_or_split(batch.id, State::Planned, children)?;
    Ok((all, vec![change]))
}

/// An operator decides about the selected rows of these batches, all of them or none.
pub(super) fn resolve(
    batches: &[StoredBatch],
    selection: &Selection,
    resolution: &Resolution,
    note: Option<&str>,
    at: &Timestamp,
) -> Result<(Resolved, Vec<Change>)> {
    refuse_missing(batches, selection, resolution)?;
    let event = match resolution {
        Resolution::Accepted { .. } => Event::ResolveAccepted,
        Resolution::NotSent => Event::ResolveNotSent,
        Resolution::Cancelled => Event::Cancel,
    };
    let is_selected = |row: i64| match selection {
        Selection::Rows(ranges) => ranges.iter().any(|range| has(range, row)),
        _ => true,
    };
    let mut resolved = Resolved::default();
    let rows = &mut resolved.rows;
    let mut changes = Vec::new();
    for batch in batches {
        let (id, from) = (batch.id, batch.state);
        if (from, event) == (State::Cancelled, Event::Cancel) {
            continue;
        }
        // Others may have claimed or settled it since all such batches were looked for.
        let is_meant = match selection {
            Selection::AllPending => from == State::Planned,
            Selection::AllUnknown => matches!(from, State::Claimed | State::Unknown),
            Selection::Batch(_) | Selection::Rows(_) => true,
        };
        if !is_meant {
            continue;
        }
        let (selected, others): (Vec<i64>, Vec<i64>) =
            batch.rows.iter().partition(|row| is_selected(**row));
        let what = || match (selection, selected.first()) {
            (Selection::Rows(_), Some(row)) => format!("row {row}"),
            _ => format!("batch {id}"),
        };
        match &batch.resend_risk {
            Some(risk) if from == State::Claimed || event == Event::ResolveNotSent => {
                if *selection != Selection::AllUnknown {
                    return Err(could_be_sent_twice(&what(), risk));
                }
                let left_out = match risk {
                    ResendRisk::Accepted => &mut resolved.accepted_before,
                    ResendRisk::Sender(_) | ResendRisk::For(_) => &mut resolved.left_out,
                };
                left_out.extend(selected.iter().map(|row| row.cast_unsigned()));
                if let ResendRisk::For(time) = risk {
                    resolved.left_out_for = resolved.left_out_for.max(Some(*time));
                }
                continue;
            }
            _ => {}
        }
        let state = next(from, event).ok_or_else(|| {
            not_resolvable(format!("{} is {}", what(), in_results(from)), resolution)
        })?;
        rows.extend(selected.iter().map(|row| row.cast_unsigned()));
        let mut children = vec![Child {
            rows: selected,
            state,
            fields: Fields::Decided {
                trx_id: resolution.trx_id().map(str::to_owned),
            },
        }];
        if !others.is_empty() {
            children.push(unchanged(from, &others));
        }
        changes.push(move_or_split(id, from, children)?);
    }
    rows.sort_unstable();
    if !rows.is_empty() {
        let decision = Change::Decide {
            at: at.clone(),
            rows: row_ranges(rows),
            resolution: resolution.clone(),
            note: note.map(str::to_owned),
        };
        changes.insert(0, decision);
    }
    Ok((resolved, changes))
}

/// The error for rows that could go out twice.
fn could_be_sent_twice(what: &str, risk: &ResendRisk) -> Error {
    let (why, hint) = match risk {
        ResendRisk::Accepted => {
            let why = format!(
                "the gateway accepted an earlier request for {what}, which is not sent again"
            );
            return Error::new(Kind::Ledger, why)
                .hint("if it is unknown or refused, record it as accepted");
        }
        ResendRisk::Sender(holder) => (
            format!("it is under way, and its sender is there ({holder})"),
            "wait for its answer, or for the end of that sender, and run again".to_owned(),
        ),
        ResendRisk::For(time) => (
            "its sender is gone, but could still send it if its host was only suspended".to_owned(),
            format!(
                "run again in {} seconds; then it cannot",
                time.as_secs() + 1
            ),
        ),
    };
    Error::new(
        Kind::Ledger,
        format!("{what} cannot be resolved yet: {why}"),
    )
    .hint(hint)
}

/// The word for a state that people know from the results.
fn in_results(state: State) -> &'static str {
    match state {
        State::Planned => "pending",
        state => state.as_str(),
    }
}

/// Refuses a selection with a batch or a row that is not in these batches.
fn refuse_missing(
    batches: &[StoredBatch],
    selection: &Selection,
    resolution: &Resolution,
) -> Result<()> {
    match selection {
        Selection::Batch(batch) if batches.is_empty() => {
            let message = format!("there is no batch {batch}");
            Err(not_resolvable(message, resolution))
        }
        Selection::AllUnknown | Selection::AllPending | Selection::Batch(_) => Ok(()),
        Selection::Rows(ranges) => {
            let rows: BTreeSet<u64> = batches
                .iter()
                .flat_map(|batch| &batch.rows)
                .map(|row| row.cast_unsigned())
                .collect();
            ranges.iter().try_for_each(|range| {
                match range.clone().find(|row| !rows.contains(row)) {
                    None => Ok(()),
                    Some(row) => Err(not_resolvable(
                        format!("row {row} does not exist or was never to be sent"),
                        resolution,
                    )),
                }
            })
        }
    }
}

fn has(range: &RangeInclusive<u64>, row: i64) -> bool {
    range.contains(&row.cast_unsigned())
}

fn not_resolvable(message: String, resolution: &Resolution) -> Error {
    let hint = match resolution {
        Resolution::Accepted { .. } => "only unknown and refused rows can have been accepted",
        Resolution::NotSent => {
            "only unknown, refused and cancelled rows, and those suppressed after planning, can be made pending"
        }
        Resolution::Cancelled => "only pending rows can be cancelled",
    };
    Error::new(Kind::Ledger, message).hint(format!(
        "{hint}, all of those named or none; see the results"
    ))
}

/// A crash left these under way: their requests may have gone out.
pub(super) fn recover(in_flight: &InFlight) -> Result<Vec<Change>> {
    let batches = in_flight.batches.iter();
    let lost = batches.map(|&batch| lose_answer(batch, INTERRUPTED));
    let ended = in_flight.attempts.iter().map(|&attempt| {
        Ok(Change::EndAttempt {
            attempt,
            outcome: AttemptOutcome::Interrupted,
            answered: None,
        })
    });
    lost.chain(ended).collect()
}

/// A claimed batch becomes unknown without an answer.
fn lose_answer(batch: BatchId, why: &str) -> Result<Change> {
    let from = State::Claimed;
    Ok(Change::Move {
        batch,
        from,
        to: after(batch, from, Event::LoseAnswer)?,
        fields: Fields::Settled {
            code: None,
            trx_id: None,
            why: Some(why.to_owned()),
        },
    })
}

/// The state after an event, which must be one that can happen.
fn after(batch: BatchId, from: State, event: Event) -> Result<State> {
    next(from, event).ok_or_else(|| {
        Error::new(
            Kind::Ledger,
            format!("batch {batch} is {from}, so {event:?} cannot happen to it"),
        )
    })
}
