//! The promise in random schedules. The steps of all workers, each a commit or a request, are taken in turn by one thread in an
//! order that is drawn, and between any two of them the machine may crash, or numbers come onto a suppression list. The clock runs,
//! jumps forward, as where a host was suspended, and back; runs have windows, a start and an end. That needs no thread and no file, so
//! that millions of schedules can be tested; `model` tests real threads and files.
//!
//! `SCHEDULES` sets how many campaigns are tested, and `SCHEDULE` which one alone.

use std::cell::RefCell;
use std::collections::HashMap;

use fastrand::Rng;

use super::super::breaker::CircuitBreaker;
use super::super::worker::{Alone, Shared, Stage, Worker};
use super::*;
use crate::domain::schedule::{Turn, Window, Zone};
use crate::ledger::tests::handles;
use crate::ledger::{LedgerHandle, Recipient, Resolution, Selection};

/// The number of campaigns, unless `SCHEDULES` is set.
const CAMPAIGNS: u64 = 3_000;

/// The most runs of one campaign before all that is pending is sent.
const RUNS: usize = 4;

/// What really happened, and what people said of it.
#[derive(Clone, Copy, Default)]
struct Record {
    /// How often the gateway took the message.
    taken: u32,
    /// How often an operator resolved it as not sent. Each time it may be sent once more.
    excused: u32,
    /// Whether an operator resolved it as sent.
    declared: bool,
    /// How often it had been taken when it was suppressed or cancelled while pending.
    stopped: Option<u32>,
}

struct Campaign {
    ledger: Location,
    rows: usize,
    record: Arc<Mutex<HashMap<Msisdn, Record>>>,
    /// Until when it may be sent, by its plan or the last decision.
    expires_at: Timestamp,
    /// How many steps were taken.
    steps: u64,
    /// What the clock shows.
    seconds: i64,
}

/// A clock that runs and jumps whenever it is read.
struct Time(Mutex<(i64, Rng)>);

impl Time {
    fn new(seconds: i64, rng: &mut Rng) -> Self {
        Self(Mutex::new((seconds, rng.fork())))
    }

    fn read(&self) -> Timestamp {
        let mut time = self.0.lock().unwrap();
        let (seconds, rng) = &mut *time;
        *seconds += match rng.u8(..) {
            0..8 => rng.i64(0..2 * DAY),
            8..12 => -rng.i64(0..HOUR * 4),
            12..100 => rng.i64(0..HOUR),
            _ => rng.i64(0..2),
        };
        after(*seconds)
    }

    /// Lets the time pass until the schedule allows to send. `false`: it does not any more, or the run stops.
    fn wait(&self, schedule: &Schedule, stop: &StopToken) -> bool {
        while stop.continues() {
            match schedule.turn(&self.read()) {
                Turn::Send => return true,
                Turn::Wait(_) => self.0.lock().unwrap().0 += HOUR,
                Turn::Over => stop.request(StopReason::NotAfter),
            }
        }
        false
    }

    /// The time that was read last.
    fn now(&self) -> Timestamp {
        after(self.0.lock().unwrap().0)
    }
}

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

fn after(seconds: i64) -> Timestamp {
    timestamp().after(Duration::from_secs(u64::try_from(seconds.max(0)).unwrap()))
}

/// When a run sends. The last one of a campaign has no end, so that everything is sent.
fn drawn_schedule(rng: &mut Rng, seconds: i64, ends: bool) -> Schedule {
    let windows = ["09:00-18:00", "22:00-02:00", "mon,wed 06:00-07:00"];
    let windows = windows.into_iter().filter(|_| rng.u8(..3) == 0);
    let windows: Vec<_> = windows
        .map(|window| Window::parse(window).unwrap())
        .collect();
    let start = (rng.u8(..3) == 0).then(|| after(seconds + rng.i64(-DAY..DAY)));
    let end = (ends && rng.u8(..3) == 0).then(|| after(seconds + rng.i64(-HOUR..3 * DAY)));
    Schedule {
        zone: Zone::default(),
        start_at: start,
        not_after: end,
        windows,
    }
}

impl Campaign {
    /// A run, up to its end or a crash.
    fn run(&mut self, rng: &mut Rng, limit: Option<u64>, crashes: bool) {
        let (before, claims) = (statuses(&self.ledger), self.claims());
        let stop = Arc::new(StopToken::default());
        let policy = Policy {
            limit,
            schedule: drawn_schedule(rng, self.seconds, crashes),
            max_unknown: if crashes { rng.u32(0..4) } else { 0 },
            split_bad_numbers: rng.bool(),
            give_up_after: Duration::MAX,
            backoff: Backoff {
                first: Duration::ZERO,
                longest: Duration::ZERO,
            },
            ..policy()
        };
        let fast = Rate::new(NonZeroU32::MAX, Duration::from_secs(5));
        let throttle = Throttle::new(fast.filter(|_| rng.bool()), NonZeroU32::MAX);
        let time = Arc::new(Time::new(self.seconds, rng));
        let clock = || time.read();
        let shared = Shared {
            throttle: &throttle,
            policy: &policy,
            stop: &stop,
            clock: &clock,
            progress: &NoProgress,
            breaker: Mutex::new(CircuitBreaker::new(policy.max_unknown)),
            health: Mutex::default(),
            requests: AtomicU64::new(0),
            sent: AtomicU64::new(0),
        };
        let answers = Arc::new(Mutex::new(crashes.then(|| rng.fork())));
        let (mut was_cut_off, mut listed) = (false, HashMap::new());
        while !was_cut_off && time.wait(&policy.schedule, &stop) {
            was_cut_off = self.send_while_open(rng, &shared, &time, &answers, crashes, &mut listed);
            if !stop.end_pause() || !statuses(&self.ledger).contains(&Status::Pending) {
                break;
            }
        }
        self.seconds = time.0.lock().unwrap().0;
        self.schedule_is_kept(&policy.schedule, &claims);
        self.lists_are_heeded(&before, &listed);
        let ended = !was_cut_off && stop.reason().is_none();
        self.limit_is_kept(limit, &before, ended);
        self.promise_is_kept();
    }

    /// What workers do in one window. `true`: a crash cut them off.
    fn send_while_open(
        &mut self,
        rng: &mut Rng,
        shared: &Shared<'_>,
        time: &Arc<Time>,
        answers: &Arc<Mutex<Option<Rng>>>,
        crashes: bool,
        listed: &mut HashMap<Msisdn, u32>,
    ) -> bool {
        let mut opened = open(&self.ledger);
        let on_list = |number| listed.contains_key(&number).then(|| "on a list".to_owned());
        opened.suppress(on_list).unwrap();
        let (alone, _) = Alone::new(opened.lacks_answer().unwrap());
        let mut handles = handles(opened, rng.usize(2..=4), shared.limit()).into_iter();
        let watching = handles.next().unwrap();
        let gateway = |_| FakeGateway(self.responder(shared.policy, time, answers));
        let mut gateways: Vec<_> = (0..handles.len()).map(gateway).collect();
        let mut workers: Vec<_> = handles
            .zip(&mut gateways)
            .map(|(ledger, gateway)| {
                let worker = Worker {
                    shared,
                    ledger,
                    gateway,
                    alone: None,
                };
                (worker, Stage::Free(None))
            })
            .collect();
        workers[0].0.alone = Some(alone);
        while !workers.is_empty() {
            if crashes && rng.u8(..) < 6 {
                self.ledger = crash(&self.ledger);
                return true;
            }
            if crashes && rng.u8(..) < 3 {
                shared.stop.request(StopReason::Signal(15));
            }
            if crashes && rng.u8(..) < 8 {
                let row = rng.u64(1..=self.rows as u64);
                self.list(number(row), &watching, &workers, listed);
            }
            self.steps += 1;
            let alone = workers
                .iter()
                .position(|(worker, _)| worker.alone.is_some());
            let next = alone.unwrap_or_else(|| rng.usize(..workers.len()));
            let (mut worker, stage) = workers.swap_remove(next);
            if let Some(stage) = worker.step(stage).unwrap() {
                workers.push((worker, stage));
            }
        }
        drop((workers, watching));
        false
    }

    /// The times of the last claims, row by row.
    fn claims(&self) -> Vec<Option<String>> {
        let mut claims = Vec::new();
        let mut each = |recipient: Recipient<'_>| {
            claims.push(recipient.claimed_at.map(str::to_owned));
            Ok(())
        };
        let ledger = snapshot(&self.ledger).unwrap();
        ledger.recipients(1..=u32::MAX, &mut each).unwrap();
        claims
    }

    /// Whatever the run claimed, it claimed at a time at which its schedule allows to send.
    fn schedule_is_kept(&self, schedule: &Schedule, before: &[Option<String>]) {
        for (before, claimed) in before.iter().zip(self.claims()) {
            if let Some(at) = claimed.filter(|claimed| Some(claimed) != before.as_ref()) {
                let turn = schedule.turn(&Timestamp::parse(&at).unwrap());
                assert_eq!(turn, Turn::Send, "claimed at {at}: {schedule:?}");
            }
        }
    }

    /// A number comes onto a list. Only a request that is in flight may still reach it.
    fn list(
        &self,
        number: Msisdn,
        ledger: &LedgerHandle,
        workers: &[(Worker<'_>, Stage)],
        listed: &mut HashMap<Msisdn, u32>,
    ) {
        let reason = HashMap::from([(number, "on a list".to_owned())]);
        ledger.suppress(reason).unwrap();
        let in_flight = workers.iter().any(|(_, stage)| match stage {
            Stage::Claimed { batch, .. } => batch.messages.iter().any(|to| to.number == number),
            _ => false,
        });
        let taken = self
            .record
            .lock()
            .unwrap()
            .get(&number)
            .map_or(0, |record| record.taken);
        listed.entry(number).or_insert(taken + u32::from(in_flight));
    }

    /// What came onto a list was not sent to any more, and is suppressed or was in flight.
    fn lists_are_heeded(&self, before: &[Status], listed: &HashMap<Msisdn, u32>) {
        let mut record = self.record.lock().unwrap();
        for (row, (before, after)) in (1..).zip(before.iter().zip(statuses(&self.ledger))) {
            let record = record.entry(number(row)).or_default();
            let most = listed.get(&number(row));
            assert!(
                most.is_none_or(|most| record.taken <= *most),
                "row {row} is listed"
            );
            if (*before, after) == (Status::Pending, Status::Suppressed) {
                assert!(most.is_some(), "row {row} is on no list");
                record.stopped = Some(record.taken);
            }
        }
    }

    /// Answers as `answers` draws them; without it everything is taken.
    fn responder(
        &self,
        policy: &Policy,
        time: &Arc<Time>,
        answers: &Arc<Mutex<Option<Rng>>>,
    ) -> Arc<Responder> {
        let (record, answers) = (self.record.clone(), answers.clone());
        let (schedule, time) = (policy.schedule.clone(), time.clone());
        Arc::new(move |request| {
            assert_eq!(schedule.turn(&time.now()), Turn::Send, "a request is made");
            let mut answers = answers.lock().unwrap();
            let mut record = record.lock().unwrap();
            let mut take = |messages: &[crate::domain::Message]| {
                for to in messages {
                    record.entry(to.number).or_default().taken += 1;
                }
            };
            let messages = request.messages;
            let Some(rng) = &mut *answers else {
                take(messages);
                return Outcomes::All(accepted());
            };
            match rng.u8(..16) {
                0 => Outcomes::All(not_sent()),
                1 => Outcomes::All(throttled()),
                2 => Outcomes::All(stopped()),
                3 => Outcomes::All(no_answer()),
                4 => {
                    take(messages);
                    Outcomes::All(no_answer())
                }
                5 => Outcomes::All(refused(-1005)),
                6 | 7 => Outcomes::All(refused(-1009)),
                8 => Outcomes::All(refused(-1010)),
                9..=11 => Outcomes::Each(
                    messages
                        .iter()
                        .map(|to| match rng.u8(..8) {
                            0 => refused(-1005),
                            1 => no_answer(),
                            2 => stopped(),
                            3 => refused(-1010),
                            _ => {
                                take(std::slice::from_ref(to));
                                accepted()
                            }
                        })
                        .collect(),
                ),
                _ => {
                    take(messages);
                    Outcomes::All(accepted())
                }
            }
        })
    }

    /// A run sends to no more than its limit, and to no fewer unless something stopped it. What is suppressed does not count.
    fn limit_is_kept(&self, limit: Option<u64>, before: &[Status], ended: bool) {
        let after = statuses(&self.ledger);
        let changes = before.iter().zip(&after);
        let changes: Vec<_> = changes
            .filter(|(before, after)| **before == Status::Pending && **after != Status::Suppressed)
            .collect();
        let most = limit.map_or(changes.len(), |limit| {
            changes.len().min(usize::try_from(limit).unwrap())
        });
        let settled = changes
            .iter()
            .filter(|(_, after)| **after != Status::Pending);
        let settled = settled.count();
        assert!(settled <= most, "{settled} of {most}");
        assert!(!ended || settled == most, "{settled} of {most}");
    }

    /// An operator decides until when it may be sent.
    fn set_expiry(&mut self, rng: &mut Rng) {
        self.expires_at = timestamp().after(Duration::from_secs(rng.u64(..1_000)));
        let mut ledger = open(&self.ledger);
        ledger.set_expiry(&self.expires_at, &timestamp()).unwrap();
    }

    /// An operator who may be wrong, or numbers that opt out.
    fn intervene(&mut self, rng: &mut Rng) {
        if rng.u8(..6) == 0 {
            return self.set_expiry(rng);
        }
        // Recovery is not their doing.
        drop(open(&self.ledger));
        let before = statuses(&self.ledger);
        let row = rng.u64(1..=self.rows as u64);
        let sent = rng.bool();
        let cancels = rng.u8(..3) == 0;
        let resolution = match (cancels, sent) {
            (true, _) => Resolution::Cancelled,
            (false, true) => Resolution::Accepted { trx_id: None },
            (false, false) => Resolution::NotSent,
        };
        let selection = match rng.u8(..4) {
            0 if cancels => Selection::AllPending,
            0 => Selection::AllUnknown,
            1 => Selection::Batch(rng.u64(1..12)),
            2 => Selection::Rows(vec![row..=row]),
            _ => Selection::Rows(vec![row..=(row + 1).min(self.rows as u64)]),
        };
        let opts_out = rng.u8(..3) == 0;
        let mut ledger = open(&self.ledger);
        if opts_out {
            let listed = |to| (to == number(row)).then(|| "on a list".to_owned());
            ledger.suppress(listed).unwrap();
        } else {
            let _refused = ledger.resolve(&selection, &resolution, None, &timestamp());
        }
        drop(ledger);
        let mut record = self.record.lock().unwrap();
        for (row, (before, after)) in (1..).zip(before.into_iter().zip(statuses(&self.ledger))) {
            let record = record.entry(number(row)).or_default();
            match (before, after) {
                _ if before == after => {}
                (Status::Pending, Status::Suppressed) if opts_out => {
                    record.stopped = Some(record.taken);
                }
                (Status::Pending, Status::Cancelled) if cancels => {
                    record.stopped = Some(record.taken);
                }
                (Status::Suppressed | Status::Cancelled, Status::Pending) if !sent => {
                    record.stopped = None;
                }
                (Status::Unknown | Status::Refused, Status::Accepted) if sent => {
                    record.declared = true;
                }
                (Status::Unknown | Status::Refused, Status::Pending) if !sent => {
                    record.excused += 1;
                }
                _ => panic!("row {row} was {before} and is {after}"),
            }
        }
    }

    fn promise_is_kept(&self) {
        assert_adds_up(&self.ledger);
        let statuses = statuses(&self.ledger);
        assert_eq!(statuses.len(), self.rows, "rows in, rows out");
        let campaign = snapshot(&self.ledger).unwrap().campaign().unwrap();
        assert_eq!(campaign.expires_at, self.expires_at);
        let record = self.record.lock().unwrap();
        for (row, status) in (1..).zip(statuses) {
            let of = record.get(&number(row)).copied().unwrap_or_default();
            assert!(of.taken <= 1 + of.excused, "row {row} was taken too often");
            match status {
                Status::Pending | Status::Refused => {
                    assert!(of.taken <= of.excused, "row {row} was taken, is {status}");
                }
                Status::Accepted => assert!(of.taken > 0 || of.declared, "row {row}"),
                Status::Suppressed | Status::Cancelled => {
                    assert_eq!(of.stopped, Some(of.taken), "row {row}");
                }
                _ => {}
            }
        }
    }

    /// Everything pending is sent, once; nothing else is touched.
    fn finish(&mut self, rng: &mut Rng) {
        drop(open(&self.ledger));
        let (before, taken) = (statuses(&self.ledger), self.record.lock().unwrap().clone());
        self.run(rng, None, false);
        let record = self.record.lock().unwrap();
        for (row, (before, after)) in (1..).zip(before.into_iter().zip(statuses(&self.ledger))) {
            let times = |record: &HashMap<_, Record>| {
                record.get(&number(row)).map_or(0, |record| record.taken)
            };
            let expected = match before {
                Status::Pending => (Status::Accepted, 1),
                other => (other, 0),
            };
            let more = times(&record) - times(&taken);
            assert_eq!((after, more), expected, "row {row}");
        }
    }
}

/// Tests one campaign. Returns how many runs it had, and how many steps these took.
fn check(seed: u64, plans: &[(Location, usize)]) -> (u64, u64) {
    let mut rng = Rng::with_seed(seed);
    let (planned, rows) = &plans[rng.usize(..plans.len())];
    let mut campaign = Campaign {
        ledger: crash(planned),
        rows: *rows,
        record: Arc::default(),
        expires_at: timestamp(),
        steps: 0,
        seconds: 20 * DAY,
    };
    let runs = rng.usize(1..=RUNS);
    for _ in 0..runs {
        let limit = (rng.u8(..3) == 0).then(|| rng.u64(..8));
        campaign.run(&mut rng, limit, true);
        if rng.bool() {
            campaign.intervene(&mut rng);
            campaign.promise_is_kept();
        }
    }
    campaign.finish(&mut rng);
    (runs as u64 + 1, campaign.steps)
}

/// Plans of a few batches of one to four recipients.
fn plans() -> Vec<(Location, usize)> {
    let mut rng = Rng::with_seed(0);
    let plans = (0..64).map(|_| {
        let batches: Vec<u32> = (0..rng.usize(1..=4)).map(|_| rng.u32(1..=4)).collect();
        let ledger = in_memory().clone();
        plan(&ledger, &batches);
        (ledger, batches.iter().sum::<u32>() as usize)
    });
    plans.collect()
}

#[test]
fn nothing_is_sent_twice_and_nothing_is_lost_in_any_schedule() {
    thread_local!(static SEED: RefCell<u64> = const { RefCell::new(0) });
    let number = |name| {
        std::env::var(name)
            .ok()
            .and_then(|value| value.parse().ok())
    };
    let plans = plans();
    if let Some(seed) = number("SCHEDULE") {
        check(seed, &plans);
        return;
    }
    let campaigns = number("SCHEDULES").unwrap_or(CAMPAIGNS);
    let (next, runs, steps) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, Into::into) {
            scope.spawn(|| {
                let one = || loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= campaigns {
                        return;
                    }
                    SEED.set(seed);
                    let (more_runs, more_steps) = check(seed, &plans);
                    runs.fetch_add(more_runs, Ordering::Relaxed);
                    steps.fetch_add(more_steps, Ordering::Relaxed);
                };
                let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(one));
                assert!(
                    checked.is_ok(),
                    "SCHEDULE={}",
                    SEED.with_borrow(|seed| *seed)
                );
            });
        }
    });
    eprintln!(
        "{campaigns} campaigns, {} runs, {} steps in {:.1} s",
        runs.into_inner(),
        steps.into_inner(),
        started.elapsed().as_secs_f64()
    );
}
