//! What splitting a batch costs and leaves: the bad numbers alone, everybody else accepted, whatever the order of the
//! answers, the number of workers, the limit, and wherever the machine dies.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use proptest::prelude::*;

use super::model::copy;
use super::*;
use crate::domain::Msisdn;
use crate::ledger::{Resolution, Selection};

const BAD_NUMBER: i32 = -1009;

/// A gateway that answers -1009 where one number of a request is bad and takes it otherwise; its record of both.
#[derive(Default)]
struct Record {
    requests: usize,
    /// Requests that were answered -1009.
    refused: usize,
    taken: BTreeMap<Msisdn, u32>,
    after_crash: Option<PathBuf>,
}

#[derive(Debug)]
struct Treatment {
    batches: Vec<u32>,
    /// The rows with a bad number.
    bad: BTreeSet<u64>,
    workers: usize,
    /// What each run may send to; the last one has no limit.
    limits: Vec<u64>,
    /// The requests at which the machine dies, counted over all runs.
    crashes: BTreeSet<usize>,
}

prop_compose! {
    fn treatment()(batches in prop::collection::vec(1..=30_u32, 1..4))(
        bad in prop::collection::btree_set(1..=u64::from(batches.iter().sum::<u32>()), 0..12),
        batches in Just(batches),
        workers in 1..=4_usize,
        limits in prop::collection::vec(0..40_u64, 0..3),
        crashes in prop::collection::btree_set(0..40_usize, 0..3),
    ) -> Treatment {
        Treatment { batches, bad, workers, limits, crashes }
    }
}

impl Treatment {
    fn rows(&self) -> u64 {
        self.batches.iter().sum::<u32>().into()
    }

    /// What the bad numbers of each batch may cost: `2 * k * ceil(log2 n)` requests more.
    fn most_further_requests(&self) -> usize {
        let mut first = 1;
        self.batches
            .iter()
            .map(|size| {
                let behind = first + u64::from(*size);
                let bad = self.bad.range(first..behind).count();
                first = behind;
                2 * bad * size.next_power_of_two().ilog2() as usize
            })
            .sum()
    }
}

/// One run. Returns the ledger to go on with.
fn one_run(
    treatment: &Treatment,
    limit: Option<u64>,
    ledger: &Path,
    if_it_dies: PathBuf,
    record: &Arc<Mutex<Record>>,
) -> PathBuf {
    let stopper = Arc::new(StopToken::default());
    let bad: Vec<Msisdn> = treatment.bad.iter().map(|row| number(*row)).collect();
    let crashes = treatment.crashes.clone();
    let (path, seen, asked) = (ledger.to_owned(), record.clone(), stopper.clone());
    let policy = Policy {
        limit,
        max_unknown: 0,
        split_bad_numbers: true,
        ..policy()
    };
    let run = send_until(
        &stopper,
        ledger,
        treatment.workers,
        &policy,
        Arc::new(move |submission| {
            let mut record = seen.lock().unwrap();
            if record.after_crash.is_some() {
                return Outcomes::All(not_sent());
            }
            let nth = record.requests;
            record.requests += 1;
            let refuses = submission.numbers.iter().any(|one| bad.contains(one));
            if refuses {
                record.refused += 1;
            } else {
                for number in submission.numbers {
                    *record.taken.entry(*number).or_default() += 1;
                }
            }
            if crashes.contains(&nth) {
                copy(&path, &if_it_dies);
                record.after_crash = Some(if_it_dies.join("a.ledger"));
                asked.ask(StopReason::Signal(9));
            }
            Outcomes::All(if refuses {
                refused(BAD_NUMBER)
            } else {
                accepted()
            })
        }),
    );
    assert_eq!(run.ending.fault, None);
    // Bad numbers that were set apart stop nobody, however many stand beside each other.
    let stops = [None, Some(StopReason::Signal(9))];
    assert!(stops.contains(&run.stop), "{:?}", run.stop);
    run.ending.book.close().unwrap();
    let left = record.lock().unwrap().after_crash.take();
    left.unwrap_or_else(|| ledger.to_owned())
}

/// An operator who looks into the gateway's record, and says of what a crash left what is true.
fn resolve(ledger: &Path, record: &Record) {
    let mut book = open(ledger);
    for (row, status) in (1..).zip(statuses(ledger)) {
        if status == Status::Unknown {
            let word = if record.taken.contains_key(&number(row)) {
                Resolution::Accepted { trx_id: None }
            } else {
                Resolution::NotSent
            };
            let row = Selection::Rows(vec![row..=row]);
            book.resolve(&row, &word, None, &timestamp()).unwrap();
        }
    }
    book.close().unwrap();
}

fn of(statuses: &[Status], status: Status) -> u64 {
    statuses.iter().filter(|one| **one == status).count() as u64
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bad_numbers_stand_alone_and_everybody_else_is_accepted_once(treatment in treatment()) {
        let (folder, mut ledger) = in_memory();
        plan(&ledger, &treatment.batches);
        let record = Arc::new(Mutex::new(Record::default()));
        let limits = treatment.limits.iter().copied().map(Some);
        // More runs than crashes and stops can take.
        for (nth, limit) in limits.chain(std::iter::repeat_n(None, 20)).enumerate() {
            let pending = of(&statuses(&ledger), Status::Pending);
            if pending == 0 {
                break;
            }
            ledger = one_run(&treatment, limit, &ledger, folder.path().join(nth.to_string()), &record);
            assert_adds_up(&ledger);
            let left = of(&statuses(&ledger), Status::Pending);
            prop_assert!(pending - left <= limit.unwrap_or(u64::MAX));
            resolve(&ledger, &record.lock().unwrap());
            assert_adds_up(&ledger);
        }
        let record = record.lock().unwrap();
        for (row, status) in (1..).zip(statuses(&ledger)) {
            let bad = treatment.bad.contains(&row);
            let due = if bad { (Status::Refused, 0) } else { (Status::Accepted, 1) };
            let taken = record.taken.get(&number(row)).copied().unwrap_or(0);
            prop_assert_eq!((status, taken), due, "row {} of {}", row, treatment.rows());
        }
        if treatment.crashes.is_empty() && treatment.limits.is_empty() {
            let first = treatment.batches.len();
            prop_assert!(
                record.requests <= first + treatment.most_further_requests(),
                "{} requests, {} refused", record.requests, record.refused
            );
        }
    }
}

#[test]
fn a_bad_number_among_thirty_costs_ten_requests_more_at_most() {
    for workers in [1, 4] {
        for row in 1..=30 {
            let treatment = Treatment {
                batches: vec![30],
                bad: [row].into(),
                workers,
                limits: Vec::new(),
                crashes: BTreeSet::new(),
            };
            let (folder, ledger) = in_memory();
            plan(&ledger, &treatment.batches);
            let record = Arc::new(Mutex::new(Record::default()));
            one_run(
                &treatment,
                None,
                &ledger,
                folder.path().join("never"),
                &record,
            );
            let record = record.lock().unwrap();
            assert!(record.requests <= 11, "row {row}: {}", record.requests);
            assert_eq!(of(&statuses(&ledger), Status::Accepted), 29);
            assert_adds_up(&ledger);
        }
    }
}
