//! What workers wait for: the rate, a pause that the gateway asked for, a gateway that cannot be reached.

use std::sync::{Condvar, OnceLock};

use super::*;

/// Notices when a worker begins to wait.
#[derive(Default)]
struct WaitObserver {
    waiting: Mutex<bool>,
    changed: Condvar,
}

impl WaitObserver {
    fn until_waiting(&self) {
        let waiting = self.waiting.lock().unwrap();
        drop(
            self.changed
                .wait_while(waiting, |waiting| !*waiting)
                .unwrap(),
        );
    }
}

impl Progress for WaitObserver {
    fn settled(&self, _: &Counts) {}
    fn closed_until(&self, _: &Timestamp) {}
    fn waiting(&self, _: &str, _: Duration) {
        *self.waiting.lock().unwrap() = true;
        self.changed.notify_all();
    }
}

#[test]
fn a_pause_that_the_gateway_asked_for_holds_all_workers() {
    const PAUSE: Duration = Duration::from_millis(60);
    for workers in [2, 3] {
        let ledger = in_memory();
        plan(&ledger, &[1; 8]);
        let policy = Policy {
            give_up_after: Duration::from_secs(600),
            ..policy()
        };
        let waits = Arc::new(WaitObserver::default());
        let (seen_waits, first_answers) = (waits.clone(), Barrier::new(workers));
        let (requests, asked, early) = (AtomicUsize::new(0), OnceLock::new(), Arc::default());
        let too_early: Arc<AtomicUsize> = Arc::clone(&early);
        let responder = Arc::new(move |_: &Request<'_>| {
            let nth = requests.fetch_add(1, Ordering::SeqCst);
            // The first one goes alone.
            if nth == 0 {
                return Outcomes::All(accepted());
            }
            if nth > workers {
                let over = *asked.get().unwrap() + PAUSE;
                too_early.fetch_add((Instant::now() < over).into(), Ordering::SeqCst);
                return Outcomes::All(accepted());
            }
            // All are in flight when one of them is throttled. The others get their answers when it begins to wait.
            first_answers.wait();
            if nth > 1 {
                seen_waits.until_waiting();
                return Outcomes::All(accepted());
            }
            asked.set(Instant::now()).unwrap();
            Outcomes::All(Outcome::Throttled { after: Some(PAUSE) })
        });
        let stop = StopToken::default();
        let run = send_watched(&*waits, &stop, &ledger, workers, &policy, responder);
        assert_eq!((run.stop, run.ending.requests), (None, 9));
        assert_eq!(early.load(Ordering::SeqCst), 0, "{workers} workers");
        assert_adds_up(&ledger);
    }
}

#[test]
fn waiting_for_the_rate_holds_no_claim() {
    let ledger = in_memory();
    plan(&ledger, &[1; 5]);
    // Three at once, and the next after twenty minutes.
    let three = NonZeroU32::MIN.saturating_add(2);
    let rate = Rate::new(three, Duration::from_secs(3_600));
    let throttle = Throttle::new(rate, three);
    let stop = Arc::new(StopToken::default());
    let (requested, path) = (stop.clone(), ledger.clone());
    let (requests, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let claimed = most.clone();
    let responder: Arc<Responder> = Arc::new(move |_| {
        let nth = requests.fetch_add(1, Ordering::SeqCst);
        // The first one goes alone.
        if nth == 0 {
            return Outcomes::All(accepted());
        }
        if nth == 1 {
            let in_flight = || {
                let unknown = |status: &Status| *status == Status::Unknown;
                statuses(&path).into_iter().filter(unknown).count()
            };
            // The third request comes at once. Then there is time enough for a fourth claim, if there were one.
            while requests.load(Ordering::SeqCst) < 3 {
                std::thread::yield_now();
            }
            for _ in 0..600 {
                claimed.fetch_max(in_flight(), Ordering::SeqCst);
                std::thread::yield_now();
            }
            requested.request(StopReason::Signal(15));
        }
        while requested.reason().is_none() {
            std::thread::yield_now();
        }
        Outcomes::All(accepted())
    });
    let gateways = (0..3)
        .map(|_| Box::new(FakeGateway(responder.clone())) as Box<dyn Gateway>)
        .collect();
    let (open, policy) = (open(&ledger), policy());
    run(
        open,
        gateways,
        &throttle,
        &policy,
        &stop,
        &timestamp,
        &NoProgress,
        &mut NoLists,
    )
    .unwrap();
    assert!(most.load(Ordering::SeqCst) <= 2, "claims ahead of the rate");
    assert_eq!(attempts(&ledger), 3);
    let pending = |status: &Status| *status == Status::Pending;
    assert_eq!(statuses(&ledger).into_iter().filter(pending).count(), 2);
    assert_adds_up(&ledger);
}

#[test]
fn a_stop_ends_a_long_wait_and_leaves_the_batch_pending() {
    let ledger = in_memory();
    plan(&ledger, &[1, 1]);
    let stop = Arc::new(StopToken::default());
    let requested = stop.clone();
    let policy = Policy {
        give_up_after: Duration::MAX,
        ..policy()
    };
    let run = send_until(
        &stop,
        &ledger,
        2,
        &policy,
        Arc::new(move |_| {
            requested.request(StopReason::Signal(15));
            Outcomes::All(Outcome::Throttled {
                after: Some(Duration::from_secs(86_400)),
            })
        }),
    );
    assert_eq!(run.stop, Some(StopReason::Signal(15)));
    assert_eq!(statuses(&ledger), [Status::Pending; 2]);
    assert_adds_up(&ledger);
}

#[test]
fn a_pause_longer_than_the_time_left_stops_the_run_at_once() {
    let ledger = in_memory();
    plan(&ledger, &[1]);
    let policy = Policy {
        give_up_after: Duration::from_secs(600),
        ..policy()
    };
    let after = Some(Duration::from_secs(3_600));
    let run = send(&ledger, 1, &policy, always(Outcome::Throttled { after }));
    assert_eq!(run.stop, Some(StopReason::Unreachable));
    assert_eq!(statuses(&ledger), [Status::Pending]);
}

#[test]
fn the_time_to_give_up_counts_from_the_first_failure() {
    let ledger = in_memory();
    plan(&ledger, &[1]);
    let policy = Policy {
        give_up_after: Duration::from_millis(5),
        ..policy()
    };
    let run = send(&ledger, 1, &policy, always(not_sent()));
    assert_eq!(run.stop, Some(StopReason::Unreachable));
    assert!(attempts(&ledger) > 1, "tried again in the meantime");
    assert_eq!(statuses(&ledger), [Status::Pending]);
}
