//! What splitting a batch costs, and how it ends: bad numbers refused alone and all others accepted, for any order of
//! answers, number of workers, limit and crash.

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::domain::Msisdn;
use crate::ledger::{Resolution, Selection};

const BAD_NUMBER: i32 = -1009;

/// The record of a gateway that answers -1009 if a number of the request is bad, and otherwise takes it.
#[derive(Default)]
struct Record {
    requests: usize,
    /// Requests that were answered -1009.
    refused: usize,
    taken: BTreeMap<Msisdn, u32>,
    after_crash: Option<Location>,
}

#[derive(Debug)]
struct Scenario {
    batches: Vec<u32>,
    /// The rows with a bad number.
    bad: BTreeSet<u64>,
    workers: usize,
    /// What each run may send to; the last one has no limit.
    limits: Vec<u64>,
    /// The requests at which the machine crashes, counted over all runs.
    crashes: BTreeSet<usize>,
}

prop_compose! {
    fn scenario()(batches in prop::collection::vec(1..=30_u32, 1..4))(
        bad in prop::collection::btree_set(1..=u64::from(batches.iter().sum::<u32>()), 0..12),
        batches in Just(batches),
        workers in 1..=4_usize,
        limits in prop::collection::vec(0..40_u64, 0..3),
        crashes in prop::collection::btree_set(0..40_usize, 0..3),
    ) -> Scenario {
        Scenario { batches, bad, workers, limits, crashes }
    }
}

impl Scenario {
    fn rows(&self) -> u64 {
        self.batches.iter().sum::<u32>().into()
    }

    /// How many more requests the bad numbers of each batch may cost: `2 * k * ceil(log2 n)`.
    fn most_further_requests(&self) -> usize {
        let mut first = 1;
        self.batches
            .iter()
            .map(|size| {
                let end = first + u64::from(*size);
                let bad = self.bad.range(first..end).count();
                first = end;
                2 * bad * size.next_power_of_two().ilog2() as usize
            })
            .sum()
    }
}

/// One run. Returns the ledger to continue with.
fn one_run(
    scenario: &Scenario,
    limit: Option<u64>,
    ledger: &Location,
    record: &Arc<Mutex<Record>>,
) -> Location {
    let stop = Arc::new(StopToken::default());
    let bad: Vec<Msisdn> = scenario.bad.iter().map(|row| number(*row)).collect();
    let crashes = scenario.crashes.clone();
    let (path, recorded, requested) = (ledger.clone(), record.clone(), stop.clone());
    let policy = Policy {
        limit,
        max_unknown: 0,
        split_bad_numbers: true,
        ..policy()
    };
    let run = send_until(
        &stop,
        ledger,
        scenario.workers,
        &policy,
        Arc::new(move |request| {
            let mut record = recorded.lock().unwrap();
            if record.after_crash.is_some() {
                return Outcomes::All(not_sent());
            }
            let nth = record.requests;
            record.requests += 1;
            let refuses = request.messages.iter().any(|to| bad.contains(&to.number));
            if refuses {
                record.refused += 1;
            } else {
                for to in request.messages {
                    *record.taken.entry(to.number).or_default() += 1;
                }
            }
            if crashes.contains(&nth) {
                record.after_crash = Some(crash(&path));
                requested.request(StopReason::Signal(9));
            }
            Outcomes::All(if refuses {
                refused(BAD_NUMBER)
            } else {
                accepted()
            })
        }),
    );
    assert_eq!(run.ending.error, None);
    // However many isolated bad numbers follow each other, they do not stop the run.
    let stops = [None, Some(StopReason::Signal(9))];
    assert!(stops.contains(&run.stop), "{:?}", run.stop);
    run.ending.ledger.unwrap().close().unwrap();
    let left = record.lock().unwrap().after_crash.take();
    left.unwrap_or_else(|| ledger.clone())
}

/// An operator looks up in the gateway's record what a crash left unknown, and resolves it correctly.
fn resolve(ledger: &Location, record: &Record) {
    let mut opened = open(ledger);
    for (row, status) in (1..).zip(statuses(ledger)) {
        if status == Status::Unknown {
            let resolution = if record.taken.contains_key(&number(row)) {
                Resolution::Accepted { trx_id: None }
            } else {
                Resolution::NotSent
            };
            let row = Selection::Rows(vec![row..=row]);
            opened
                .resolve(&row, &resolution, None, &timestamp())
                .unwrap();
        }
    }
    opened.close().unwrap();
}

fn of(statuses: &[Status], status: Status) -> u64 {
    statuses.iter().filter(|one| **one == status).count() as u64
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bad_numbers_are_refused_alone_and_all_others_are_accepted_once(scenario in scenario()) {
        let mut ledger = in_memory().clone();
        plan(&ledger, &scenario.batches);
        let record = Arc::new(Mutex::new(Record::default()));
        let limits = scenario.limits.iter().copied().map(Some);
        // More runs than crashes and stops can use up.
        for limit in limits.chain(std::iter::repeat_n(None, 20)) {
            let pending = of(&statuses(&ledger), Status::Pending);
            if pending == 0 {
                break;
            }
            ledger = one_run(&scenario, limit, &ledger, &record);
            assert_adds_up(&ledger);
            let left = of(&statuses(&ledger), Status::Pending);
            prop_assert!(pending - left <= limit.unwrap_or(u64::MAX));
            resolve(&ledger, &record.lock().unwrap());
            assert_adds_up(&ledger);
        }
        let record = record.lock().unwrap();
        for (row, status) in (1..).zip(statuses(&ledger)) {
            let bad = scenario.bad.contains(&row);
            let expected = if bad { (Status::Refused, 0) } else { (Status::Accepted, 1) };
            let taken = record.taken.get(&number(row)).copied().unwrap_or(0);
            prop_assert_eq!((status, taken), expected, "row {} of {}", row, scenario.rows());
        }
        if scenario.crashes.is_empty() && scenario.limits.is_empty() {
            let first = scenario.batches.len();
            prop_assert!(
                record.requests <= first + scenario.most_further_requests(),
                "{} requests, {} refused", record.requests, record.refused
            );
        }
    }
}

#[test]
fn a_bad_number_among_thirty_costs_at_most_ten_more_requests() {
    for workers in [1, 4] {
        for row in 1..=30 {
            let scenario = Scenario {
                batches: vec![30],
                bad: [row].into(),
                workers,
                limits: Vec::new(),
                crashes: BTreeSet::new(),
            };
            let ledger = in_memory();
            plan(&ledger, &scenario.batches);
            let record = Arc::new(Mutex::new(Record::default()));
            one_run(&scenario, None, &ledger, &record);
            let record = record.lock().unwrap();
            assert!(record.requests <= 11, "row {row}: {}", record.requests);
            assert_eq!(of(&statuses(&ledger), Status::Accepted), 29);
            assert_adds_up(&ledger);
        }
    }
}
