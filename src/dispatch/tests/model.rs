//! The promise under random treatment: a simulated gateway that keeps its own record, answers of every kind, crashes,
//! operators who may be wrong, opt-outs between runs, copies of the ledger that are put back. After every step the
//! record and the books are compared.
//!
//! `PROPTEST_CASES` says how many campaigns are treated so, each in one to five runs of the sending loop.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::domain::Msisdn;
use crate::ledger::{Lock, Resolution, Selection};

/// So many campaigns, unless `PROPTEST_CASES` says otherwise.
const CAMPAIGNS: u32 = 400;

/// What a gateway does with a request.
#[derive(Clone, Debug)]
enum Reaction {
    All(Outcome),
    /// One answer for each number, as the body of an answer can state them.
    Each(Vec<Outcome>),
    /// Takes it and says nothing.
    TakesInSilence,
    /// A signal comes while it answers.
    StopAsked(Outcome),
    /// The machine dies; before that the gateway took the request, or not.
    Crash {
        taken: bool,
    },
}

/// What people do between two runs. A row is counted round.
#[derive(Clone, Debug)]
enum Deed {
    /// A copy of the ledger from before the run takes its place.
    PutBack,
    /// Settles all that is unknown: it went out, or not.
    ResolveAll(bool),
    /// Settles these rows, if anybody may decide about them: refused ones too.
    ResolveRows {
        first: usize,
        more: usize,
        sent: bool,
    },
    ResolveBatch {
        batch: u64,
        sent: bool,
    },
    /// These rows' numbers come onto the suppression list.
    OptOut(Vec<usize>),
}

#[derive(Clone, Debug)]
struct Act {
    workers: usize,
    limit: Option<u64>,
    max_unknown: u32,
    split_bad_numbers: bool,
    patient: bool,
    reactions: Vec<Reaction>,
    closed_in_order: bool,
    deeds: Vec<Deed>,
}

impl Act {
    /// Whatever is pending is sent, and taken.
    fn last() -> Self {
        Self {
            workers: 2,
            limit: None,
            max_unknown: 0,
            split_bad_numbers: false,
            patient: true,
            reactions: Vec::new(),
            closed_in_order: true,
            deeds: Vec::new(),
        }
    }
}

/// What the body of an answer can say about a recipient.
fn said() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        5 => Just(accepted()),
        2 => Just(Outcome::Accepted { trx_id: Some("1143007207".to_owned()) }),
        3 => prop_oneof![Just(-1005), Just(-1009), Just(-1010)].prop_map(refused),
        2 => Just(no_answer()),
        1 => Just(stopped()),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        8 => said(),
        1 => Just(not_sent()),
        1 => Just(throttled()),
        1 => Just(Outcome::Throttled { after: None }),
    ]
}

fn reaction() -> impl Strategy<Value = Reaction> {
    prop_oneof![
        6 => outcome().prop_map(Reaction::All),
        4 => prop::collection::vec(said(), 4).prop_map(Reaction::Each),
        2 => Just(Reaction::TakesInSilence),
        1 => outcome().prop_map(Reaction::StopAsked),
        1 => any::<bool>().prop_map(|taken| Reaction::Crash { taken }),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        2 => Just(Deed::PutBack),
        1 => any::<bool>().prop_map(Deed::ResolveAll),
        4 => (any::<usize>(), 0..3_usize, any::<bool>())
            .prop_map(|(first, more, sent)| Deed::ResolveRows { first, more, sent }),
        1 => (1..20_u64, any::<bool>()).prop_map(|(batch, sent)| Deed::ResolveBatch { batch, sent }),
        2 => prop::collection::vec(any::<usize>(), 1..4).prop_map(Deed::OptOut),
    ]
}

prop_compose! {
    fn act()(
        workers in 1..=4_usize,
        limit in prop::option::of(0..12_u64),
        max_unknown in 0..4_u32,
        split_bad_numbers: bool,
        patient: bool,
        reactions in prop::collection::vec(reaction(), 0..12),
        closed_in_order: bool,
        mut deeds in prop::collection::vec(deed(), 0..4),
    ) -> Act {
        // A copy is put back over the run, not over what people decided after it: that only `--expires` and the next
        // `--suppress` make good.
        deeds.sort_by_key(|deed| !matches!(deed, Deed::PutBack));
        Act { workers, limit, max_unknown, split_bad_numbers, patient, reactions, closed_in_order, deeds }
    }
}

/// What the gateway and the people around it know, each for themselves.
#[derive(Default)]
struct World {
    /// The gateway's own record: how often it took each number.
    taken: HashMap<Msisdn, u32>,
    /// The folder that holds the ledger as it was when the machine died.
    after_crash: Option<PathBuf>,
}

impl World {
    fn take(&mut self, numbers: &[Msisdn]) {
        for number in numbers {
            *self.taken.entry(*number).or_default() += 1;
        }
    }

    fn took(&self, row: u64) -> u32 {
        self.taken.get(&number(row)).copied().unwrap_or(0)
    }
}

/// A campaign and what happened to it.
struct Campaign {
    folder: tempfile::TempDir,
    ledger: PathBuf,
    rows: usize,
    acts: usize,
    world: Arc<Mutex<World>>,
    /// How often an operator said of a row that it did not go out. Each time the gateway may be asked once more.
    excused: HashMap<u64, u32>,
    /// Rows that an operator said went out.
    declared: HashSet<u64>,
    /// Rows that were taken off what is pending, and how often the gateway had taken them by then.
    silenced: HashMap<u64, u32>,
}

impl Campaign {
    fn planned(batches: &[u32]) -> Self {
        let (folder, ledger) = in_memory();
        plan(&ledger, batches);
        Self {
            folder,
            ledger,
            rows: batches.iter().sum::<u32>() as usize,
            acts: 0,
            world: Arc::default(),
            excused: HashMap::new(),
            declared: HashSet::new(),
            silenced: HashMap::new(),
        }
    }

    /// One run, and what people do after it. The promise is looked at after each.
    fn play(&mut self, act: &Act) {
        self.acts += 1;
        let place = self.folder.path().join(self.acts.to_string());
        fs::create_dir(&place).unwrap();
        let before = place.join("before");
        copy(&self.ledger, &before);
        self.send(act, &place.join("after"));
        self.promise_is_kept();
        for deed in &act.deeds {
            self.perform(deed, &before);
            self.promise_is_kept();
        }
    }

    fn send(&mut self, act: &Act, if_it_dies: &Path) {
        let before = self.statuses();
        let stopper = Arc::new(StopToken::default());
        let policy = Policy {
            sender_id: None,
            limit: act.limit,
            max_unknown: act.max_unknown,
            split_bad_numbers: act.split_bad_numbers,
            give_up_after: if act.patient {
                Duration::MAX
            } else {
                Duration::ZERO
            },
        };
        let turn = AtomicUsize::new(0);
        let (reactions, path, next) = (
            act.reactions.clone(),
            self.ledger.clone(),
            if_it_dies.to_owned(),
        );
        let (around, asked) = (self.world.clone(), stopper.clone());
        let run = send_until(
            &stopper,
            &self.ledger,
            act.workers,
            &policy,
            Arc::new(move |submission| {
                let turn = turn.fetch_add(1, Ordering::SeqCst);
                let reaction = reactions.get(turn).cloned();
                let reaction = reaction.unwrap_or(Reaction::All(accepted()));
                react(&around, reaction, submission, &path, &next, &asked)
            }),
        );
        assert_eq!(run.ending.fault, None);
        let stop = run.stop;
        if act.closed_in_order {
            run.ending.book.close().unwrap();
        } else {
            drop(run);
        }
        let after_crash = self.world.lock().unwrap().after_crash.take();
        if let Some(left) = after_crash {
            self.ledger = left;
        }
        self.limit_is_kept(act.limit, stop, &before);
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

    fn perform(&mut self, deed: &Deed, earlier: &Path) {
        let (selection, sent) = match deed {
            Deed::PutBack => return self.put_back(earlier),
            Deed::OptOut(rows) => return self.opt_out(rows),
            Deed::ResolveAll(sent) => (Selection::AllUnknown, *sent),
            Deed::ResolveRows { first, more, sent } => {
                let first = first % self.rows;
                let last = (first + more).min(self.rows - 1);
                let rows = first as u64 + 1..=last as u64 + 1;
                (Selection::Rows(vec![rows]), *sent)
            }
            Deed::ResolveBatch { batch, sent } => (Selection::Batch(*batch), *sent),
        };
        let word = if sent {
            Resolution::Accepted { trx_id: None }
        } else {
            Resolution::NotSent
        };
        // Recovery is none of their doing.
        open(&self.ledger).close().unwrap();
        let before = self.statuses();
        let mut book = open(&self.ledger);
        let _nobody_may_decide_that = book.resolve(&selection, &word, None, &timestamp());
        book.close().unwrap();
        for (row, (before, after)) in (1..).zip(before.into_iter().zip(self.statuses())) {
            if before != after {
                assert!(matches!(before, Status::Unknown | Status::Refused));
                if sent {
                    self.declared.insert(row);
                } else {
                    *self.excused.entry(row).or_default() += 1;
                }
            }
        }
    }

    fn opt_out(&mut self, rows: &[usize]) {
        let listed: Vec<Msisdn> = rows
            .iter()
            .map(|row| number((row % self.rows) as u64 + 1))
            .collect();
        let before = self.statuses();
        let mut book = open(&self.ledger);
        book.suppress(|number| listed.contains(&number).then(|| "on a list".to_owned()))
            .unwrap();
        book.close().unwrap();
        let world = self.world.lock().unwrap();
        for (row, (before, after)) in (1..).zip(before.into_iter().zip(self.statuses())) {
            if before == Status::Pending && listed.contains(&number(row)) {
                assert_eq!(after, Status::Suppressed, "row {row}");
                self.silenced.insert(row, world.took(row));
            } else {
                assert_eq!(after, before, "row {row} is on no list, or was not pending");
            }
        }
    }

    /// A copy from before the run is put in the ledger's place. The lock knows of every request that the copy does not
    /// know of, and then the copy is not used; one that knows them all is as good as the ledger.
    fn put_back(&mut self, earlier: &Path) {
        let (made, known) = (attempts(&self.ledger), attempts(&earlier.join("a.ledger")));
        let lock = Lock::acquire(&self.ledger, "a test").unwrap();
        let remembered = lock.started().map_or(0, |started| started.attempts);
        if made > known {
            assert!(remembered > known, "{made} requests were made");
        }
        if remembered <= known {
            for suffix in ["-wal", "-shm"] {
                let _there_is_none = fs::remove_file(beside(&self.ledger, suffix));
            }
            fs::copy(earlier.join("a.ledger"), &self.ledger).unwrap();
        }
    }

    fn statuses(&self) -> Vec<Status> {
        statuses(&self.ledger)
    }

    /// What must hold whenever nobody is sending.
    fn promise_is_kept(&self) {
        assert_adds_up(&self.ledger);
        let now = self.statuses();
        assert_eq!(now.len(), self.rows, "rows in, rows out");
        let world = self.world.lock().unwrap();
        for (row, status) in (1..).zip(now) {
            let taken = world.took(row);
            let excused = self.excused.get(&row).copied().unwrap_or(0);
            assert!(taken <= 1 + excused, "row {row} was taken {taken} times");
            if matches!(status, Status::Pending | Status::Refused) {
                assert!(taken <= excused, "row {row} was taken and is {status}");
            }
            if status == Status::Accepted {
                let declared = self.declared.contains(&row);
                assert!(taken > 0 || declared, "row {row} was never taken");
            }
            if let Some(by_then) = self.silenced.get(&row) {
                assert_eq!(status, Status::Suppressed, "row {row} opted out");
                assert_eq!(taken, *by_then, "row {row} had opted out");
            }
        }
    }

    /// In the end all that is pending goes out, and goes out once; nothing else is touched.
    fn finish(&mut self) {
        let before = self.statuses();
        let taken = self.world.lock().unwrap().taken.clone();
        self.play(&Act::last());
        let world = self.world.lock().unwrap();
        for (row, (before, after)) in (1..).zip(before.into_iter().zip(self.statuses())) {
            let more = world.took(row) - taken.get(&number(row)).copied().unwrap_or(0);
            let due = match before {
                Status::Pending => (Status::Accepted, 1),
                other => (other, 0),
            };
            assert_eq!((after, more), due, "row {row}");
        }
    }
}

fn react(
    world: &Mutex<World>,
    reaction: Reaction,
    submission: &Submission<'_>,
    ledger: &Path,
    next: &Path,
    stopper: &StopToken,
) -> Outcomes {
    // Under this lock until the end: what comes after a crash happens in no world.
    let mut world = world.lock().unwrap();
    if world.after_crash.is_some() {
        return Outcomes::All(not_sent());
    }
    let numbers = submission.numbers;
    match reaction {
        Reaction::All(outcome) => {
            if matches!(outcome, Outcome::Accepted { .. }) {
                world.take(numbers);
            }
            Outcomes::All(outcome)
        }
        Reaction::Each(outcomes) => {
            let outcomes = outcomes[..numbers.len()].to_vec();
            for (number, outcome) in numbers.iter().zip(&outcomes) {
                if matches!(outcome, Outcome::Accepted { .. }) {
                    world.take(&[*number]);
                }
            }
            Outcomes::Each(outcomes)
        }
        Reaction::TakesInSilence => {
            world.take(numbers);
            Outcomes::All(no_answer())
        }
        Reaction::StopAsked(outcome) => {
            stopper.ask(StopReason::Signal(2));
            if matches!(outcome, Outcome::Accepted { .. }) {
                world.take(numbers);
            }
            Outcomes::All(outcome)
        }
        Reaction::Crash { taken } => {
            if taken {
                world.take(numbers);
            }
            copy(ledger, next);
            world.after_crash = Some(next.join("a.ledger"));
            stopper.ask(StopReason::Signal(9));
            Outcomes::All(not_sent())
        }
    }
}

/// The ledger as it is at this moment, in a folder of its own: the file, its log and its lock, without what is only in
/// memory. That is what a crash leaves.
pub(super) fn copy(ledger: &Path, into: &Path) {
    fs::create_dir(into).unwrap();
    // The lock comes first: the others go on meanwhile, and a lock never knows of more than its ledger.
    for suffix in [".lock", "", "-wal"] {
        let from = beside(ledger, suffix);
        if from.exists() {
            fs::copy(from, into.join(format!("a.ledger{suffix}"))).unwrap();
        }
    }
}

fn beside(ledger: &Path, suffix: &str) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn campaigns() -> ProptestConfig {
    let config = ProptestConfig::default();
    let cases = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => config.cases,
        None => CAMPAIGNS,
    };
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..config
    }
}

proptest! {
    #![proptest_config(campaigns())]

    #[test]
    fn nothing_is_sent_twice_and_nothing_is_lost(
        batches in prop::collection::vec(1..=4_u32, 1..8),
        acts in prop::collection::vec(act(), 1..5),
    ) {
        let mut campaign = Campaign::planned(&batches);
        for act in &acts {
            campaign.play(act);
        }
        campaign.finish();
    }
}
