//! Finds the numbers that other campaigns have reached lately, for `--cooldown`: nothing is sent to them.

use std::cell::RefCell;
use std::collections::HashSet;
use std::time::Duration;

use super::args::CheckArgs;
use super::{clock, others};
use crate::domain::suppression::Reached;
use crate::domain::{Msisdn, Timestamp};
use crate::ledger::{Campaign, Location, Snapshot};
use crate::{Error, Kind, Result};

/// Which of these numbers another campaign reached, or may have reached, within the time that was typed, if one was. The other
/// ledgers are those in the folder or the store of the campaign's own one, `place`, and in the folders that were named. `replaced` is a
/// ledger in its own place that it is to replace. `own` is its id, and how many requests were made from its ledger, if it was
/// planned before.
pub(super) fn reached(
    check: &CheckArgs,
    (place, spreadsheet, own): (&Location, Option<&str>, Option<(&str, u64)>),
    replaced: Option<&Location>,
    numbers: &HashSet<Msisdn>,
) -> Result<Reached> {
    let reached = RefCell::default();
    // A campaign that has ended does not need the others.
    let Some(time) = check.cooldown.filter(|_| !numbers.is_empty()) else {
        return Ok(reached.into_inner());
    };
    let now = clock::now();
    let unknown = |error| {
        Error::new(Kind::Ledger, "it is not known whom another campaign reached")
            .caused_by(error)
            .hint("if the people in it may get a message now, move that ledger to another folder or leave out --cooldown")
    };
    let others = others::ledgers(place, spreadsheet, &check.history, time)?;
    let mut sent = Vec::new();
    for ledger in others.iter().chain(replaced) {
        let last = ledger.glance(&|other| others::sent_within(time, &now, own, other));
        sent.extend(
            last.map_err(unknown)?
                .map(|(campaign, last)| (last, campaign, ledger)),
        );
    }
    // The latest first: of a number that one of them reached after the last request of another, that other need not tell.
    sent.sort_by(|(one, ..), (other, ..)| other.cmp(one));
    let mut numbers = numbers.clone();
    for (last, campaign, ledger) in sent {
        numbers.retain(|number| reached.borrow().time(*number).is_none_or(|at| *at < last));
        if numbers.is_empty() {
            break;
        }
        ledger
            .glance(&|other| {
                add(
                    &mut reached.borrow_mut(),
                    &numbers,
                    time,
                    &now,
                    &campaign,
                    other,
                )
            })
            .map_err(unknown)?;
    }
    Ok(reached.into_inner())
}

/// Adds those of the numbers that this other ledger's campaign has reached. It does no harm to add them twice.
fn add(
    reached: &mut Reached,
    numbers: &HashSet<Msisdn>,
    time: Duration,
    now: &Timestamp,
    other: &Campaign,
    ledger: &dyn Snapshot,
) -> Result<()> {
    // Batches come in order, so that most numbers have the time of the one before them.
    let mut current = None;
    ledger.reached(numbers, &mut |number, at| {
        if at.age(now) >= time {
            return;
        }
        if current.as_ref() != Some(at) {
            current = Some(at.clone());
            let (name, when) = (&other.name, clock::local(at));
            let reason = format!("the campaign {name} reached the number, or may have, on {when}");
            reached.begin(at.clone(), reason);
        }
        reached.add(number);
    })
}
