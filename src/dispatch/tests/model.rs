//! The promise in random campaigns: a simulated gateway that keeps its own record, answers of every kind, crashes,
//! operators who may be wrong, opt-outs between runs, old copies of the ledger. After every step the record and the
//! ledger are compared.
//!
//! `PROPTEST_CASES` sets how many campaigns are tested, each with one to five runs of the sending loop.

use proptest::prelude::*;
use std::collections::{HashMap, HashSet};

use super::alone::Observer;
use super::*;
use crate::ledger::tests::lock;
use crate::ledger::{Resolution, Selection};

/// The number of campaigns, unless `PROPTEST_CASES` is set.
const CAMPAIGNS: u32 = 400;

/// What a gateway does with a request.
#[derive(Clone, Debug)]
enum Reaction {
    All(Outcome),
    /// One answer for each number, as a body can state them.
    Each(Vec<Outcome>),
    /// Takes the messages and does not answer.
    TakenWithoutAnswer,
    /// A signal arrives while it answers.
    StopRequested(Outcome),
    /// The machine crashes; before that the gateway took the messages, or not.
    Crash {
        taken: bool,
    },
}

/// What people do between two runs. Row numbers are taken modulo the number of rows.
#[derive(Clone, Debug)]
enum Intervention {
    /// The ledger is replaced by a copy from before the run.
    PutBack,
    /// Resolves all unknown rows: sent, or not.
    ResolveAll(bool),
    /// Resolves these rows: unknown, refused, or, as not sent, cancelled or suppressed.
    ResolveRows {
        first: usize,
        more: usize,
        sent: bool,
    },
    ResolveBatch {
        batch: u64,
        sent: bool,
    },
    /// The numbers of these rows are added to the suppression list.
    OptOut(Vec<usize>),
    /// Cancels everything that is pending.
    CancelAll,
    /// Cancels these rows, which must be pending.
    CancelRows {
        first: usize,
        more: usize,
    },
    /// Allows it to be sent until that many seconds after its plan.
    Expire(u16),
}

#[derive(Clone, Debug)]
struct Step {
    workers: usize,
    limit: Option<u64>,
    max_unknown: u32,
    split_bad_numbers: bool,
    keeps_trying: bool,
    reactions: Vec<Reaction>,
    closed_in_order: bool,
    interventions: Vec<Intervention>,
}

impl Step {
    /// Everything pending is sent and taken.
    fn last() -> Self {
        Self {
            workers: 2,
            limit: None,
            max_unknown: 0,
            split_bad_numbers: false,
            keeps_trying: true,
            reactions: Vec::new(),
            closed_in_order: true,
            interventions: Vec::new(),
        }
    }
}

/// What a body can say about a recipient.
fn answer() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        5 => Just(accepted()),
        2 => Just(Outcome::Accepted { code: Code(2000), trx_id: Some("1143007207".to_owned()) }),
        3 => prop_oneof![Just(-1005), Just(-1009), Just(-1010)].prop_map(refused),
        2 => Just(no_answer()),
        1 => Just(stopped()),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        8 => answer(),
        1 => Just(not_sent()),
        1 => Just(throttled()),
        1 => Just(Outcome::Throttled { after: None }),
    ]
}

fn reaction() -> impl Strategy<Value = Reaction> {
    prop_oneof![
        6 => outcome().prop_map(Reaction::All),
        4 => prop::collection::vec(answer(), 4).prop_map(Reaction::Each),
        2 => Just(Reaction::TakenWithoutAnswer),
        1 => outcome().prop_map(Reaction::StopRequested),
        1 => any::<bool>().prop_map(|taken| Reaction::Crash { taken }),
    ]
}

fn intervention() -> impl Strategy<Value = Intervention> {
    prop_oneof![
        2 => Just(Intervention::PutBack),
        1 => any::<bool>().prop_map(Intervention::ResolveAll),
        4 => (any::<usize>(), 0..3_usize, any::<bool>())
            .prop_map(|(first, more, sent)| Intervention::ResolveRows { first, more, sent }),
        1 => (1..20_u64, any::<bool>()).prop_map(|(batch, sent)| Intervention::ResolveBatch { batch, sent }),
        2 => prop::collection::vec(any::<usize>(), 1..4).prop_map(Intervention::OptOut),
        1 => Just(Intervention::CancelAll),
        2 => (any::<usize>(), 0..3_usize).prop_map(|(first, more)| Intervention::CancelRows { first, more }),
        2 => any::<u16>().prop_map(Intervention::Expire),
    ]
}

prop_compose! {
    fn step()(
        workers in 1..=4_usize,
        limit in prop::option::of(0..12_u64),
        max_unknown in 0..4_u32,
        split_bad_numbers: bool,
        keeps_trying: bool,
        reactions in prop::collection::vec(reaction(), 0..12),
        closed_in_order: bool,
        mut interventions in prop::collection::vec(intervention(), 0..4),
    ) -> Step {
        // A copy replaces the run, not what people decided after it: only expiry and the next suppression list undo
        // the loss of such decisions.
        interventions.sort_by_key(|intervention| !matches!(intervention, Intervention::PutBack));
        Step { workers, limit, max_unknown, split_bad_numbers, keeps_trying, reactions, closed_in_order, interventions }
    }
}

/// What really happened, outside the ledger.
#[derive(Default)]
struct Record {
    /// How often the gateway took each number.
    taken: HashMap<Msisdn, u32>,
    /// A copy of the ledger as it was when the machine crashed.
    after_crash: Option<Location>,
}

impl Record {
    fn take(&mut self, numbers: &[Msisdn]) {
        for number in numbers {
            *self.taken.entry(*number).or_default() += 1;
        }
    }

    fn times_taken(&self, row: u64) -> u32 {
        self.taken.get(&number(row)).copied().unwrap_or(0)
    }
}

/// A campaign and what happened to it.
struct Campaign {
    ledger: Location,
    rows: usize,
    record: Arc<Mutex<Record>>,
    /// How often an operator resolved a row as not sent. Each time it may be sent once more.
    excused: HashMap<u64, u32>,
    /// Rows that an operator resolved as sent.
    declared: HashSet<u64>,
    /// Rows that were suppressed or cancelled while pending, with that status and how often the gateway had taken them by
    /// then.
    stopped: HashMap<u64, (Status, u32)>,
    /// Until when it may be sent, by its plan or the last decision.
    expires_at: Timestamp,
}

impl Campaign {
    fn planned(ledger: &Location, batches: &[u32]) -> Self {
        let ledger = ledger.clone();
        plan(&ledger, batches);
        Self {
            ledger,
            rows: batches.iter().sum::<u32>() as usize,
            record: Arc::default(),
            excused: HashMap::new(),
            declared: HashSet::new(),
            stopped: HashMap::new(),
            expires_at: timestamp(),
        }
    }

    /// One run, and what people do after it. The promise is checked after each.
    fn take_step(&mut self, step: &Step) {
        let before = crash(&self.ledger);
        self.send(step);
        self.promise_is_kept();
        for intervention in &step.interventions {
            self.perform(intervention, &before);
            self.promise_is_kept();
        }
    }

    fn send(&mut self, step: &Step) {
        let before = self.statuses();
        let token = Arc::new(StopToken::default());
        let policy = Policy {
            limit: step.limit,
            max_unknown: step.max_unknown,
            split_bad_numbers: step.split_bad_numbers,
            give_up_after: if step.keeps_trying {
                Duration::MAX
            } else {
                Duration::ZERO
            },
            ..policy()
        };
        // A copy is asked, because the run finds the ledger as it was left.
        let after_no_answer = open(crash(&self.ledger)).lacks_answer().unwrap();
        let (turn, observer) = (AtomicUsize::new(0), Arc::new(Observer::default()));
        let (reactions, ledger) = (step.reactions.clone(), self.ledger.clone());
        let watching = Arc::clone(&observer);
        let (record, requested) = (self.record.clone(), token.clone());
        let run = send_until(
            &token,
            &self.ledger,
            step.workers,
            &policy,
            Arc::new(move |request| {
                let turn = turn.fetch_add(1, Ordering::SeqCst);
                let reaction = reactions.get(turn).cloned();
                let reaction = reaction.unwrap_or(Reaction::All(accepted()));
                watching.watch(request, |request| {
                    react(&record, reaction, request, &ledger, &requested)
                })
            }),
        );
        observer.check(after_no_answer);
        assert_eq!(run.ending.error, None);
        let reason = run.stop;
        if step.closed_in_order {
            run.ending.ledger.unwrap().close().unwrap();
        } else {
            drop(run);
        }
        let after_crash = self.record.lock().unwrap().after_crash.take();
        if let Some(left) = after_crash {
            self.ledger = left;
        }
        self.limit_is_kept(step.limit, reason, &before);
    }

    /// A run sends to no more than its limit, and to no fewer unless something stopped it.
    fn limit_is_kept(&self, limit: Option<u64>, stop: Option<StopReason>, before: &[Status]) {
        let pending = before.iter().filter(|one| **one == Status::Pending).count();
        let after = self.statuses();
        let settled = before.iter().zip(&after);
        let settled = settled
            .filter(|(before, after)| **before == Status::Pending && **after != Status::Pending)
            .count();
        let most = limit.map_or(pending, |limit| {
            pending.min(usize::try_from(limit).unwrap())
        });
        assert!(settled <= most, "{settled} of {most}");
        if stop.is_none() {
            assert_eq!(settled, most, "nothing stopped it");
        }
    }

    fn perform(&mut self, intervention: &Intervention, earlier: &Location) {
        let (selection, resolution) = match intervention {
            Intervention::PutBack => return self.put_back(earlier),
            Intervention::OptOut(rows) => return self.opt_out(rows),
            Intervention::Expire(seconds) => {
                self.expires_at = timestamp().after(Duration::from_secs((*seconds).into()));
                let mut opened = open(&self.ledger);
                opened.set_expiry(&self.expires_at, &timestamp()).unwrap();
                opened.close().unwrap();
                return;
            }
            Intervention::ResolveAll(sent) => (Selection::AllUnknown, resolution(*sent)),
            Intervention::ResolveRows { first, more, sent } => {
                (self.select(*first, *more), resolution(*sent))
            }
            Intervention::ResolveBatch { batch, sent } => {
                (Selection::Batch(*batch), resolution(*sent))
            }
            Intervention::CancelAll => (Selection::AllPending, Resolution::Cancelled),
            Intervention::CancelRows { first, more } => {
                (self.select(*first, *more), Resolution::Cancelled)
            }
        };
        // Recovery is not their doing.
        open(&self.ledger).close().unwrap();
        let before = self.statuses();
        let mut opened = open(&self.ledger);
        let _refused = opened.resolve(&selection, &resolution, None, &timestamp());
        opened.close().unwrap();
        let record = self.record.lock().unwrap();
        for (row, (before, after)) in (1..).zip(before.into_iter().zip(self.statuses())) {
            match (before, after, &resolution) {
                _ if before == after => {}
                (
                    Status::Unknown | Status::Refused,
                    Status::Accepted,
                    Resolution::Accepted { .. },
                ) => {
                    self.declared.insert(row);
                }
                (Status::Unknown | Status::Refused, Status::Pending, Resolution::NotSent) => {
                    *self.excused.entry(row).or_default() += 1;
                }
                (Status::Pending, Status::Cancelled, Resolution::Cancelled) => {
                    let taken = record.times_taken(row);
                    self.stopped.insert(row, (Status::Cancelled, taken));
                }
                (Status::Cancelled | Status::Suppressed, Status::Pending, Resolution::NotSent) => {
                    self.stopped.remove(&row).expect("it was stopped");
                }
                _ => panic!("row {row} was {before} and is {after}: {intervention:?}"),
            }
        }
    }

    fn select(&self, first: usize, more: usize) -> Selection {
        let first = first % self.rows;
        let last = (first + more).min(self.rows - 1);
        Selection::Rows(vec![first as u64 + 1..=last as u64 + 1])
    }

    fn opt_out(&mut self, rows: &[usize]) {
        let listed: Vec<Msisdn> = rows
            .iter()
            .map(|row| number((row % self.rows) as u64 + 1))
            .collect();
        let before = self.statuses();
        let mut opened = open(&self.ledger);
        opened
            .suppress(|number| listed.contains(&number).then(|| "on a list".to_owned()))
            .unwrap();
        opened.close().unwrap();
        let record = self.record.lock().unwrap();
        for (row, (before, after)) in (1..).zip(before.into_iter().zip(self.statuses())) {
            if before == Status::Pending && listed.contains(&number(row)) {
                assert_eq!(after, Status::Suppressed, "row {row}");
                let taken = record.times_taken(row);
                self.stopped.insert(row, (Status::Suppressed, taken));
            } else {
                assert_eq!(after, before, "row {row} is on no list, or was not pending");
            }
        }
    }

    /// Replaces the ledger by a copy from before the run. If the copy misses requests, the lock knows of them and the
    /// copy is not used. A copy that has them all is as good as the ledger.
    fn put_back(&mut self, earlier: &Location) {
        if let Location::Stored(_) = self.ledger {
            // A database is only restored as a whole, which `send` refuses.
            return;
        }
        let (made, known) = (attempts(&self.ledger), attempts(earlier));
        let lock = lock(&self.ledger).unwrap();
        let remembered = lock.started().map_or(0, |started| started.attempts);
        if made > known {
            assert!(remembered > known, "{made} requests were made");
        }
        if remembered <= known {
            match (&self.ledger, earlier) {
                (Location::Memory(ledger), Location::Memory(earlier)) => ledger.put_back(earlier),
                (Location::File(ledger), Location::File(earlier)) => {
                    for suffix in ["-wal", "-shm"] {
                        let _there_is_none = fs::remove_file(beside(ledger, suffix));
                    }
                    fs::copy(earlier, ledger).unwrap();
                }
                _ => unreachable!("both are of one backend"),
            }
        }
    }

    fn statuses(&self) -> Vec<Status> {
        statuses(&self.ledger)
    }

    /// What must hold between runs.
    fn promise_is_kept(&self) {
        assert_adds_up(&self.ledger);
        let now = self.statuses();
        assert_eq!(now.len(), self.rows, "rows in, rows out");
        let campaign = snapshot(&self.ledger).unwrap().campaign().unwrap();
        assert_eq!(campaign.expires_at, self.expires_at);
        let record = self.record.lock().unwrap();
        for (row, status) in (1..).zip(now) {
            let taken = record.times_taken(row);
            let excused = self.excused.get(&row).copied().unwrap_or(0);
            assert!(taken <= 1 + excused, "row {row} was taken {taken} times");
            if matches!(status, Status::Pending | Status::Refused) {
                assert!(taken <= excused, "row {row} was taken and is {status}");
            }
            if status == Status::Accepted {
                let declared = self.declared.contains(&row);
                assert!(taken > 0 || declared, "row {row} was never taken");
            }
            if let Some((stopped, by_then)) = self.stopped.get(&row) {
                assert_eq!(status, *stopped, "row {row}");
                assert_eq!(taken, *by_then, "row {row} was {status}");
            } else {
                assert!(
                    !matches!(status, Status::Suppressed | Status::Cancelled),
                    "row {row}"
                );
            }
        }
    }

    /// Finally everything pending is sent, and sent once; nothing else is touched.
    fn finish(&mut self) {
        let before = self.statuses();
        let taken = self.record.lock().unwrap().taken.clone();
        self.take_step(&Step::last());
        let record = self.record.lock().unwrap();
        for (row, (before, after)) in (1..).zip(before.into_iter().zip(self.statuses())) {
            let more = record.times_taken(row) - taken.get(&number(row)).copied().unwrap_or(0);
            let expected = match before {
                Status::Pending => (Status::Accepted, 1),
                other => (other, 0),
            };
            assert_eq!((after, more), expected, "row {row}");
        }
    }
}

fn resolution(sent: bool) -> Resolution {
    if sent {
        Resolution::Accepted { trx_id: None }
    } else {
        Resolution::NotSent
    }
}

fn react(
    record: &Mutex<Record>,
    reaction: Reaction,
    request: &Request<'_>,
    ledger: &Location,
    stop: &StopToken,
) -> Outcomes {
    // Locked until the end: nothing that comes after a crash is recorded.
    let mut record = record.lock().unwrap();
    if record.after_crash.is_some() {
        return Outcomes::All(not_sent());
    }
    let numbers: Vec<Msisdn> = request.messages.iter().map(|to| to.number).collect();
    match reaction {
        Reaction::All(outcome) => {
            if matches!(outcome, Outcome::Accepted { .. }) {
                record.take(&numbers);
            }
            Outcomes::All(outcome)
        }
        Reaction::Each(outcomes) => {
            let outcomes = outcomes[..numbers.len()].to_vec();
            for (number, outcome) in numbers.iter().zip(&outcomes) {
                if matches!(outcome, Outcome::Accepted { .. }) {
                    record.take(&[*number]);
                }
            }
            Outcomes::Each(outcomes)
        }
        Reaction::TakenWithoutAnswer => {
            record.take(&numbers);
            Outcomes::All(no_answer())
        }
        Reaction::StopRequested(outcome) => {
            stop.request(StopReason::Signal(2));
            if matches!(outcome, Outcome::Accepted { .. }) {
                record.take(&numbers);
            }
            Outcomes::All(outcome)
        }
        Reaction::Crash { taken } => {
            if taken {
                record.take(&numbers);
            }
            record.after_crash = Some(crash(ledger));
            stop.request(StopReason::Signal(9));
            Outcomes::All(not_sent())
        }
    }
}

fn campaigns(few: u32) -> ProptestConfig {
    let config = ProptestConfig::default();
    let cases = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => config.cases,
        None => few,
    };
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..config
    }
}

proptest! {
    #![proptest_config(campaigns(CAMPAIGNS))]

    #[test]
    fn nothing_is_sent_twice_and_nothing_is_lost(
        batches in prop::collection::vec(1..=4_u32, 1..8),
        steps in prop::collection::vec(step(), 1..5),
    ) {
        check(&in_memory(), &batches, &steps);
    }
}

proptest! {
    #![proptest_config(campaigns(CAMPAIGNS / 10))]

    #[test]
    fn nothing_is_sent_twice_and_nothing_is_lost_in_a_file(
        batches in prop::collection::vec(1..=4_u32, 1..8),
        steps in prop::collection::vec(step(), 1..5),
    ) {
        // These need no sync to a disk, which takes long for every commit.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        check(&folder.path().join("a.ledger").into(), &batches, &steps);
    }
}

proptest! {
    #![proptest_config(campaigns(CAMPAIGNS / 40))]

    #[test]
    fn nothing_is_sent_twice_and_nothing_is_lost_in_a_store(
        batches in prop::collection::vec(1..=4_u32, 1..8),
        steps in prop::collection::vec(step(), 1..5),
    ) {
        if postgres_server::server().is_some() {
            check(&in_postgres(), &batches, &steps);
        }
    }
}

fn check(ledger: &Location, batches: &[u32], steps: &[Step]) {
    let mut campaign = Campaign::planned(ledger, batches);
    for step in steps {
        campaign.take_step(step);
    }
    campaign.finish();
}
