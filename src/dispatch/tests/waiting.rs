//! Who waits for what: the rate, a pause that the gateway asks for, a gateway that cannot be reached.

use std::sync::{Condvar, OnceLock};

use super::*;

/// Rings when somebody begins to wait.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    sound: Condvar,
}

impl Bell {
    fn await_ring(&self) {
        let rung = self.rung.lock().unwrap();
        drop(self.sound.wait_while(rung, |rung| !*rung).unwrap());
    }
}

impl Progress for Bell {
    fn settled(&self, _: &Counts) {}
    fn waiting(&self, _: &str, _: Duration) {
        *self.rung.lock().unwrap() = true;
        self.sound.notify_all();
    }
}

#[test]
fn a_pause_that_the_gateway_asks_for_holds_every_worker() {
    const PAUSE: Duration = Duration::from_millis(60);
    for workers in [2, 3] {
        let (_folder, ledger) = in_memory();
        plan(&ledger, &[1; 7]);
        let patient = Policy {
            give_up_after: Duration::from_secs(600),
            ..policy()
        };
        let bell = Arc::new(Bell::default());
        let (ring, first_answers) = (bell.clone(), Barrier::new(workers));
        let (requests, asked, early) = (AtomicUsize::new(0), OnceLock::new(), Arc::default());
        let too_early: Arc<AtomicUsize> = Arc::clone(&early);
        let answering = Arc::new(move |_: &Submission<'_>| {
            let nth = requests.fetch_add(1, Ordering::SeqCst);
            if nth >= workers {
                let over = *asked.get().unwrap() + PAUSE;
                too_early.fetch_add((Instant::now() < over).into(), Ordering::SeqCst);
                return Outcomes::All(accepted());
            }
            // All are under way when one of them is told to wait; the others have their answers when it does.
            first_answers.wait();
            if nth > 0 {
                ring.await_ring();
                return Outcomes::All(accepted());
            }
            asked.set(Instant::now()).unwrap();
            Outcomes::All(Outcome::Throttled { after: Some(PAUSE) })
        });
        let stopper = StopToken::default();
        let run = send_watched(&*bell, &stopper, &ledger, workers, &patient, answering);
        assert_eq!((run.stop, run.ending.requests), (None, 8));
        assert_eq!(early.load(Ordering::SeqCst), 0, "{workers} workers");
        assert_adds_up(&ledger);
    }
}

#[test]
fn who_waits_for_the_rate_has_claimed_nothing() {
    let (_folder, ledger) = in_memory();
    plan(&ledger, &[1; 5]);
    // Two at once, and the next in half an hour.
    let rate = Rate::new(
        NonZeroU32::MIN.saturating_add(1),
        Duration::from_secs(3_600),
    );
    let throttle = Throttle::new(rate, NonZeroU32::MIN);
    let stopper = Arc::new(StopToken::default());
    let (asked, looked_at) = (stopper.clone(), ledger.clone());
    let (requests, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let claimed = most.clone();
    let answering: Arc<Answering> = Arc::new(move |_| {
        if requests.fetch_add(1, Ordering::SeqCst) == 0 {
            // Time enough for the third to claim, if it did.
            for _ in 0..60 {
                let unknown = |status: &Status| *status == Status::Unknown;
                let now = statuses(&looked_at).into_iter().filter(unknown).count();
                claimed.fetch_max(now, Ordering::SeqCst);
            }
            asked.ask(StopReason::Signal(15));
        }
        while asked.why().is_none() {
            std::thread::yield_now();
        }
        Outcomes::All(accepted())
    });
    let gateways = (0..3)
        .map(|_| Box::new(Double(answering.clone())) as Box<dyn Gateway>)
        .collect();
    let (book, policy) = (open(&ledger), policy());
    run(
        book, gateways, &throttle, &policy, &stopper, &timestamp, &Nobody,
    )
    .unwrap();
    assert!(most.load(Ordering::SeqCst) <= 2, "claims ahead of the rate");
    assert_eq!(attempts(&ledger), 2);
    let pending = |status: &Status| *status == Status::Pending;
    assert_eq!(statuses(&ledger).into_iter().filter(pending).count(), 3);
    assert_adds_up(&ledger);
}

#[test]
fn a_stop_ends_a_long_wait_and_leaves_the_batch_pending() {
    let (_folder, ledger) = temp_ledger();
    plan(&ledger, &[1, 1]);
    let stopper = Arc::new(StopToken::default());
    let asked = stopper.clone();
    let patient = Policy {
        give_up_after: Duration::MAX,
        ..policy()
    };
    let run = send_until(
        &stopper,
        &ledger,
        2,
        &patient,
        Arc::new(move |_| {
            asked.ask(StopReason::Signal(15));
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
fn a_throttle_longer_than_the_patience_ends_the_run_at_once() {
    let (_folder, ledger) = temp_ledger();
    plan(&ledger, &[1]);
    let patient = Policy {
        give_up_after: Duration::from_secs(600),
        ..policy()
    };
    let after = Some(Duration::from_secs(3_600));
    let run = send(&ledger, 1, &patient, always(Outcome::Throttled { after }));
    assert_eq!(run.stop, Some(StopReason::Unreachable));
    assert_eq!(statuses(&ledger), [Status::Pending]);
}

#[test]
fn patience_runs_out_from_the_first_failure_on() {
    let (_folder, ledger) = in_memory();
    plan(&ledger, &[1]);
    let patient = Policy {
        give_up_after: Duration::from_millis(5),
        ..policy()
    };
    let run = send(&ledger, 1, &patient, always(not_sent()));
    assert_eq!(run.stop, Some(StopReason::Unreachable));
    assert!(attempts(&ledger) > 1, "tried again meanwhile");
    assert_eq!(statuses(&ledger), [Status::Pending]);
}

#[test]
fn waits_double_up_to_the_longest_and_are_at_least_half_as_long() {
    for (tries, longest) in [(0, FIRST_WAIT), (1, 2 * FIRST_WAIT), (40, LONGEST_WAIT)] {
        assert_eq!(backoff(tries, 1.0), longest);
        assert_eq!(backoff(tries, 0.0), longest / 2);
    }
}
