//! Rows that an operator cancels, and rows that are pending again: cancelled ones, and those suppressed after planning.

use std::time::Duration;

use super::*;
use crate::domain::schedule::{Given, Wanted, When, Window};

/// Rows 1-2 unknown, 3-5 refused, 6 accepted, 7-10 pending, 11 invalid, 12 duplicate, 13 suppressed by the plan.
fn sent(at: &Location) -> Ledger {
    plan(at, &[2, 3, 1, 3, 1]);
    let mut ledger = open(at);
    for new_state in [unknown(), refused(), accepted(None)] {
        send(&mut ledger, vec![new_state]);
    }
    ledger
}

fn resolve_as(
    ledger: &mut Ledger,
    selection: &Selection,
    resolution: &Resolution,
) -> Result<Vec<u64>> {
    let resolved = ledger.resolve(selection, resolution, Some("wrong text"), &timestamp());
    resolved.map(|resolved| resolved.rows)
}

fn cancel(ledger: &mut Ledger, selection: &Selection) -> Result<Vec<u64>> {
    resolve_as(ledger, selection, &Resolution::Cancelled)
}

fn rows(rows: impl IntoIterator<Item = u64>) -> Selection {
    Selection::Rows(rows.into_iter().map(|row| row..=row).collect())
}

/// The words for these rows, one letter each.
fn short(at: &Location) -> String {
    let statuses = statuses(at);
    statuses
        .iter()
        .map(|status| status.as_str().as_bytes()[0] as char)
        .collect()
}

fn all_that_is_pending_is_cancelled_and_nothing_else(new: New) {
    let path = new();
    let mut ledger = sent(&path);
    let pending = Selection::AllPending;
    assert_eq!(cancel(&mut ledger, &pending).unwrap(), [7, 8, 9, 10]);
    assert_eq!(short(&path), "uurrracccc");
    assert_adds_up(&path);
    assert!(ledger.planned_after(None).unwrap().is_empty());
    let before = contents(&path);
    assert!(cancel(&mut ledger, &pending).unwrap().is_empty());
    assert_eq!(contents(&path), before, "nothing is left to cancel");
    each(&path, |recipient| {
        let decided = recipient.decision.map(|decision| decision.resolution);
        let is_cancelled = (7..=10).contains(&recipient.row);
        assert_eq!(decided, is_cancelled.then_some("cancelled"));
    });
    let totals = ledger.totals().unwrap();
    assert_eq!(totals.credits_pending, 0);
    assert_eq!(totals.credits_planned, 6 * totals.credits_accepted);
    ledger.close().unwrap();
    let snapshot = snapshot(&path).unwrap();
    assert_eq!(snapshot.decisions().unwrap(), 1);
    let mut sent = Vec::new();
    snapshot
        .sent_numbers(&mut |number| sent.push(number))
        .unwrap();
    assert_eq!(sent, [number(1), number(2), number(6)]);
    let mut last = 0;
    snapshot
        .planned_texts(&mut |planned| {
            last = planned.row;
            Ok(true)
        })
        .unwrap();
    assert_eq!(last, 6, "only what may be sent has a text to show");
}

fn some_rows_are_cancelled_and_pending_again(new: New) {
    let path = new();
    let mut ledger = sent(&path);
    assert_eq!(cancel(&mut ledger, &rows([8, 10])).unwrap(), [8, 10]);
    assert_eq!(short(&path), "uurrrapcpc");
    assert_adds_up(&path);
    // What is cancelled already stays so.
    assert_eq!(cancel(&mut ledger, &rows([8, 9, 10])).unwrap(), [9]);
    assert_eq!(short(&path), "uurrrapccc");
    let not_sent = Resolution::NotSent;
    let again = resolve_as(&mut ledger, &rows([8, 9]), &not_sent).unwrap();
    assert_eq!(again, [8, 9]);
    assert_eq!(short(&path), "uurrrapppc");
    assert_adds_up(&path);
    while !ledger.planned_after(None).unwrap().is_empty() {
        send(&mut ledger, vec![accepted(None)]);
        assert_adds_up(&path);
    }
    assert_eq!(short(&path), "uurrraaaac");
}

fn rows_that_are_not_pending_cannot_be_cancelled(new: New) {
    let path = new();
    let mut ledger = sent(&path);
    ledger
        .suppress(|of| (of == number(9)).then(|| "opted out".to_owned()))
        .unwrap();
    let before = contents(&path);
    for (row, word) in [
        (1, "row 1 is unknown"),
        (3, "row 3 is refused"),
        (6, "row 6 is accepted"),
        (9, "row 9 is suppressed"),
        (11, "row 11 does not exist or was never to be sent"),
        (12, "row 12 does not exist"),
        (13, "row 13 does not exist"),
        (14, "row 14 does not exist"),
        (i64::MAX.cast_unsigned(), "does not exist"),
    ] {
        for selection in [rows([row]), rows([7, row]), rows([row, 8])] {
            let error = cancel(&mut ledger, &selection).unwrap_err().to_string();
            assert!(error.contains(word), "{selection:?}: {error}");
        }
    }
    assert_eq!(contents(&path), before);
}

fn what_waits_for_an_answer_is_not_cancelled(new: New) {
    let path = new();
    plan(&path, &[2, 2]);
    let mut ledger = open(&path);
    let batch = first(&ledger);
    claim(&mut ledger, &batch).unwrap();
    drop(ledger);
    let mut ledger = open(&path);
    let pending = Selection::AllPending;
    assert_eq!(cancel(&mut ledger, &pending).unwrap(), [3, 4]);
    assert_eq!(short(&path), "uucc");
    assert_adds_up(&path);
}

fn only_rows_that_the_plan_did_not_suppress_are_pending_again(new: New) {
    let path = new();
    let mut ledger = sent(&path);
    assert_eq!(
        rows_of(&ledger.suppress(|_| Some("on a list".to_owned())).unwrap()),
        [7, 8, 9, 10]
    );
    assert_eq!(short(&path), "uurrrassss");
    assert_adds_up(&path);
    // What was planned to be sent stays what it was.
    let mut texts = 0;
    path.snapshot()
        .unwrap()
        .texts(&mut |_, _, _| texts += 1)
        .unwrap();
    assert_eq!(texts, 10);
    let before = contents(&path);
    let not_sent = Resolution::NotSent;
    let error = resolve_as(&mut ledger, &rows([7, 13]), &not_sent).unwrap_err();
    assert!(error.to_string().contains("row 13"), "{error}");
    let accepted_ = Resolution::Accepted { trx_id: None };
    resolve_as(&mut ledger, &rows([7]), &accepted_).unwrap_err();
    assert_eq!(contents(&path), before);
    resolve_as(&mut ledger, &rows([8, 10]), &not_sent).unwrap();
    assert_eq!(short(&path), "uurrraspsp");
    assert_adds_up(&path);
    // The same list says the same again.
    assert_eq!(
        rows_of(&ledger.suppress(|_| Some("on a list".to_owned())).unwrap()),
        [8, 10]
    );
    assert_eq!(short(&path), "uurrrassss");
    assert_adds_up(&path);
    resolve_as(&mut ledger, &rows([7, 8, 9, 10]), &not_sent).unwrap();
    while !ledger.planned_after(None).unwrap().is_empty() {
        send(&mut ledger, vec![accepted(None)]);
        assert_adds_up(&path);
    }
    assert_eq!(short(&path), "uurrraaaaa");
}

/// Everything that can have happened to a batch before it is cancelled or suppressed.
fn whatever_happened_before_everything_adds_up(new: New) {
    type Happened = fn(&mut Ledger);
    let before: [Happened; 8] = [
        |_| {},
        |ledger| drop(send(ledger, vec![not_sent()])),
        |ledger| drop(send(ledger, vec![NewState::Halved { code: -1010 }])),
        |ledger| {
            let each = vec![accepted(None), not_sent(), refused(), unknown()];
            send(ledger, each);
        },
        |ledger| {
            send(ledger, vec![unknown()]);
            resolve_as(ledger, &Selection::AllUnknown, &Resolution::NotSent).unwrap();
        },
        |ledger| {
            send(ledger, vec![refused()]);
            resolve_as(ledger, &rows([2, 3]), &Resolution::NotSent).unwrap();
        },
        |ledger| {
            cancel(ledger, &rows([1, 2])).unwrap();
            resolve_as(ledger, &rows([2]), &Resolution::NotSent).unwrap();
        },
        |ledger| {
            ledger.suppress(|_| Some("on a list".to_owned())).unwrap();
            resolve_as(ledger, &rows([4]), &Resolution::NotSent).unwrap();
        },
    ];
    for (nth, happened) in before.iter().enumerate() {
        for suppressed in [false, true] {
            let path = new();
            plan(&path, &[4]);
            let mut ledger = open(&path);
            happened(&mut ledger);
            let was = short(&path);
            let (changed, letter) = if suppressed {
                let suppressed = ledger.suppress(|_| Some("on a list".to_owned())).unwrap();
                (rows_of(&suppressed), "s")
            } else {
                (cancel(&mut ledger, &Selection::AllPending).unwrap(), "c")
            };
            assert_eq!(short(&path), was.replace('p', letter), "{nth}");
            assert_adds_up(&path);
            resolve_as(&mut ledger, &rows(changed), &Resolution::NotSent).unwrap();
            assert_eq!(short(&path), was, "{nth}");
            assert_adds_up(&path);
            while !ledger.planned_after(None).unwrap().is_empty() {
                send(&mut ledger, vec![accepted(None)]);
                assert_adds_up(&path);
            }
        }
    }
}

fn an_expiry_is_kept_and_is_no_decision_about_rows(new: New) {
    let at = new();
    plan(&at, &[2, 1]);
    let planned = snapshot(&at).unwrap().campaign().unwrap();
    let mut ledger = open(&at);
    for days in [9_u64, 30, 8] {
        let expires_at = planned.planned_at.after(Duration::from_secs(86_400 * days));
        ledger.set_expiry(&expires_at, &timestamp()).unwrap();
        let now = snapshot(&at).unwrap();
        let now = (now.campaign().unwrap(), now.decisions().unwrap());
        let expected = Campaign {
            expires_at,
            ..planned.clone()
        };
        assert_eq!(now, (expected, 0), "{days}");
    }
    send(&mut ledger, vec![unknown()]);
    resolve_as(&mut ledger, &rows([1, 2]), &Resolution::NotSent).unwrap();
    assert_eq!(snapshot(&at).unwrap().decisions().unwrap(), 1);
    ledger.close().unwrap();
    assert_adds_up(&at);
}

fn the_times_of_runs_are_kept_and_are_no_decisions_about_rows(new: New) {
    let at = new();
    plan(&at, &[2, 1]);
    let planned = snapshot(&at).unwrap().campaign().unwrap();
    assert_eq!(planned.schedules, []);
    let mut ledger = open(&at);
    let mut schedules = Vec::new();
    for (end, windows) in [
        ("18:00", &["mon-fri 09:00-18:00"][..]),
        ("2026-12-01 09:00", &[]),
    ] {
        let windows = windows.iter().map(|window| Window::parse(window).unwrap());
        let wanted = Wanted {
            not_after: Some(When::parse(end).unwrap()),
            windows: windows.collect(),
            ..Wanted::default()
        };
        schedules.push(Given::resolve(&wanted, &schedules, &timestamp()).unwrap());
        ledger
            .add_schedule(&schedules[schedules.len() - 1])
            .unwrap();
        let now = snapshot(&at).unwrap();
        assert_eq!(now.campaign().unwrap().schedules, schedules);
        assert_eq!(now.decisions().unwrap(), 0);
    }
    ledger.close().unwrap();
    assert_adds_up(&at);
}

on_every_backend!(
    the_times_of_runs_are_kept_and_are_no_decisions_about_rows,
    all_that_is_pending_is_cancelled_and_nothing_else,
    some_rows_are_cancelled_and_pending_again,
    rows_that_are_not_pending_cannot_be_cancelled,
    what_waits_for_an_answer_is_not_cancelled,
    only_rows_that_the_plan_did_not_suppress_are_pending_again,
    whatever_happened_before_everything_adds_up,
    an_expiry_is_kept_and_is_no_decision_about_rows,
);
