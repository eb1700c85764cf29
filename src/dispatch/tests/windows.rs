//! Windows of the week, a last time, and what is looked at before each of them. The clock is handed in: it shows another time
//! after each request, and the next opening as soon as that is awaited.

use super::*;
use crate::domain::schedule::{Window, Zone};

/// Tuesday, in minutes after midnight.
struct Clock(AtomicU64);

fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-12-0{text}:00.000+08:00")).unwrap()
}

impl Clock {
    fn now(&self) -> Timestamp {
        at("1T00:00").after(Duration::from_secs(60 * self.0.load(Ordering::SeqCst)))
    }

    fn set(&self, now: &Timestamp) {
        let minutes = at("1T00:00").age(now).as_secs() / 60;
        self.0.store(minutes, Ordering::SeqCst);
    }
}

/// What happens around the sending, in order.
#[derive(Default)]
struct Events(Mutex<Vec<String>>);

impl Events {
    fn add(&self, event: impl Into<String>) {
        self.0.lock().unwrap().push(event.into());
    }
}

/// Sets the clock to the opening that is awaited.
struct Waits<'a> {
    clock: &'a Clock,
    events: &'a Events,
    stop: &'a StopToken,
    signal: Option<StopReason>,
}

impl Progress for Waits<'_> {
    fn settled(&self, _: &Counts) {}
    fn waiting(&self, _: &str, _: Duration) {}
    fn closed_until(&self, opening: &Timestamp) {
        self.events.add(format!("until {}", opening.readable()));
        if let Some(signal) = self.signal {
            self.stop.request(signal);
        } else {
            self.clock.set(opening);
        }
    }
}

struct Checked<'a> {
    events: &'a Events,
    expires_at: Option<Timestamp>,
    listed: Vec<Msisdn>,
}

impl Lists for Checked<'_> {
    fn before_sending(&mut self, ledger: &mut Ledger, _: &StopToken) -> Result<()> {
        self.events.add("checked");
        let listed = |number| (self.listed.contains(&number)).then(|| "on a list".to_owned());
        ledger.suppress(listed).map(drop)
    }

    fn before_waiting(&mut self, opening: &Timestamp) -> Result<()> {
        match &self.expires_at {
            Some(expires_at) if opening > expires_at => Err(Error::new(Kind::Ledger, "expires")),
            _ => Ok(()),
        }
    }

    fn wait(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn added(&mut self) -> Result<HashMap<Msisdn, String>> {
        Ok(HashMap::new())
    }

    fn suppressed(&self, _: &Suppressed) {}
}

/// A run that begins on Tuesday at 08:00, and whose requests take 20 minutes each.
struct Setting {
    schedule: Schedule,
    limit: Option<u64>,
    workers: usize,
    expires_at: Option<Timestamp>,
    signal: Option<StopReason>,
    listed: Vec<Msisdn>,
}

fn setting(windows: &[&str]) -> Setting {
    let windows = windows.iter().map(|window| Window::parse(window).unwrap());
    Setting {
        schedule: Schedule {
            zone: Zone::default(),
            windows: windows.collect(),
            ..Schedule::default()
        },
        limit: None,
        workers: 1,
        expires_at: None,
        signal: None,
        listed: Vec::new(),
    }
}

/// How a run ended, the statuses of its rows, and what happened in which order.
type Seen = (Option<StopReason>, Option<Error>, String, Vec<String>);

impl Setting {
    fn send(self, rows: usize) -> Seen {
        let ledger = in_memory();
        plan(&ledger, &vec![1; rows]);
        let clock = Arc::new(Clock(AtomicU64::new(8 * 60)));
        let events = Arc::new(Events::default());
        let (of_gateway, requests) = (clock.clone(), events.clone());
        let responder: Arc<Responder> = Arc::new(move |_| {
            requests.add(of_gateway.now().readable());
            of_gateway.0.fetch_add(20, Ordering::SeqCst);
            Outcomes::All(accepted())
        });
        let gateways = (0..self.workers)
            .map(|_| Box::new(FakeGateway(responder.clone())) as Box<dyn Gateway>)
            .collect();
        let policy = Policy {
            schedule: self.schedule,
            limit: self.limit,
            ..policy()
        };
        let stop = StopToken::default();
        let waits = Waits {
            clock: &clock,
            events: &events,
            stop: &stop,
            signal: self.signal,
        };
        let mut lists = Checked {
            events: &events,
            expires_at: self.expires_at,
            listed: self.listed,
        };
        let throttle = Throttle::new(None, NonZeroU32::MIN);
        let now = || clock.now();
        let ending = run(
            open(&ledger),
            gateways,
            &throttle,
            &policy,
            &stop,
            &now,
            &waits,
            &mut lists,
        )
        .unwrap();
        drop(ending.ledger);
        assert_adds_up(&ledger);
        let statuses = statuses(&ledger);
        let initials = statuses.iter().map(|status| &status.as_str()[..1]);
        let events = std::mem::take(&mut *events.0.lock().unwrap());
        (stop.reason(), ending.error, initials.collect(), events)
    }
}

#[test]
fn a_campaign_goes_on_in_the_next_window_after_everything_was_looked_at_again() {
    let (stop, error, rows, events) = setting(&["mon-fri 09:00-10:00"]).send(5);
    assert_eq!((stop, error, rows.as_str()), (None, None, "aaaaa"));
    assert_eq!(
        events,
        [
            "until Tue 1 Dec 2026 09:00",
            "checked",
            "Tue 1 Dec 2026 09:00",
            "Tue 1 Dec 2026 09:20",
            "Tue 1 Dec 2026 09:40",
            "until Wed 2 Dec 2026 09:00",
            "checked",
            "Wed 2 Dec 2026 09:00",
            "Wed 2 Dec 2026 09:20",
        ]
    );
}

#[test]
fn nothing_is_awaited_where_nothing_is_left() {
    let (stop, error, rows, events) = setting(&["09:00-10:00"]).send(3);
    assert_eq!((stop, error, rows.as_str()), (None, None, "aaa"));
    assert_eq!(events.last().unwrap(), "Tue 1 Dec 2026 09:40");
    let limited = Setting {
        limit: Some(3),
        ..setting(&["09:00-10:00"])
    };
    let (stop, error, rows, events) = limited.send(5);
    assert_eq!((stop, error, rows.as_str()), (None, None, "aaapp"));
    assert_eq!(events.last().unwrap(), "Tue 1 Dec 2026 09:40");
}

#[test]
fn a_limit_is_one_of_all_windows_together() {
    let limited = Setting {
        limit: Some(4),
        ..setting(&["09:00-10:00"])
    };
    let (stop, _, rows, events) = limited.send(6);
    assert_eq!((stop, rows.as_str()), (None, "aaaapp"));
    assert_eq!(events.last().unwrap(), "Wed 2 Dec 2026 09:00");
}

#[test]
fn at_the_last_time_requests_under_way_are_awaited_and_no_other_is_made() {
    for workers in [1, 3] {
        let mut ends = setting(&[]);
        ends.schedule.not_after = Some(at("1T08:30"));
        ends.workers = workers;
        let (stop, error, rows, events) = ends.send(9);
        assert_eq!((stop, error), (Some(StopReason::NotAfter), None));
        // The first one goes alone.
        let accepted = rows.matches('a').count();
        assert!(accepted >= 2 && accepted <= workers.max(2) + 1, "{rows}");
        assert_eq!(rows.matches('p').count(), 9 - accepted, "{rows}");
        assert_eq!(events.len(), accepted + 1, "{events:?}");
    }
    // No window opens again before it: it is not awaited.
    let mut ends = setting(&["09:00-10:00"]);
    ends.schedule.not_after = Some(at("1T18:00"));
    let (stop, error, rows, events) = ends.send(5);
    assert_eq!((stop, error), (Some(StopReason::NotAfter), None));
    assert_eq!((rows.as_str(), events.len()), ("aaapp", 5));
}

#[test]
fn a_plan_that_expires_before_the_next_window_is_not_kept_waiting() {
    let expires = Setting {
        expires_at: Some(at("2T08:00")),
        ..setting(&["09:00-10:00"])
    };
    let (stop, error, rows, events) = expires.send(5);
    assert_eq!(stop, Some(StopReason::Error));
    assert_eq!(error, Some(Error::new(Kind::Ledger, "expires")));
    assert_eq!((rows.as_str(), events.len()), ("aaapp", 5));
}

#[test]
fn a_signal_ends_a_wait_and_nothing_is_claimed() {
    let interrupted = Setting {
        signal: Some(StopReason::Signal(2)),
        ..setting(&["09:00-10:00"])
    };
    let (stop, error, rows, events) = interrupted.send(2);
    assert_eq!((stop, error), (Some(StopReason::Signal(2)), None));
    assert_eq!(
        (rows.as_str(), events),
        ("pp", vec!["until Tue 1 Dec 2026 09:00".to_owned()])
    );
}

#[test]
fn who_opted_out_during_a_wait_gets_nothing() {
    let opted_out = Setting {
        listed: vec![number(1), number(3)],
        ..setting(&["09:00-10:00"])
    };
    let (_, _, rows, events) = opted_out.send(3);
    assert_eq!((rows.as_str(), events.len()), ("sas", 3));
}

#[test]
fn a_host_that_is_suspended_between_claim_and_request_makes_no_request() {
    let ledger = in_memory();
    plan(&ledger, &[1]);
    let mut opens = setting(&["09:00-10:00"]).schedule;
    opens.not_after = Some(at("3T00:00"));
    // Before the run begins, for the claim, and directly before the request.
    let readings = AtomicUsize::new(0);
    let now = || match readings.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => at("1T09:59"),
        2 => at("1T12:00"),
        _ => at("4T09:00"),
    };
    let policy = Policy {
        schedule: opens,
        ..policy()
    };
    let stop = StopToken::default();
    let responder: Arc<Responder> = Arc::new(|_| panic!("a request was made"));
    let throttle = Throttle::new(None, NonZeroU32::MIN);
    run(
        open(&ledger),
        vec![Box::new(FakeGateway(responder))],
        &throttle,
        &policy,
        &stop,
        &now,
        &NoProgress,
        &mut NoLists,
    )
    .unwrap();
    assert_eq!(stop.reason(), Some(StopReason::NotAfter));
    assert_eq!(
        (statuses(&ledger), attempts(&ledger)),
        (vec![Status::Pending], 1)
    );
    assert_adds_up(&ledger);
}

/// The gateway cannot be reached at the end of one window nor at the beginning of the next: that is no outage of a day.
#[test]
fn the_time_between_windows_does_not_count_for_giving_up() {
    const GIVE_UP: Duration = Duration::from_millis(200);
    let ledger = in_memory();
    plan(&ledger, &[1]);
    let clock = Arc::new(Clock(AtomicU64::new(9 * 60 + 50)));
    let events = Events::default();
    let (of_gateway, requests) = (clock.clone(), AtomicUsize::new(0));
    let responder: Arc<Responder> = Arc::new(move |_| {
        if requests.fetch_add(1, Ordering::SeqCst) == 0 {
            of_gateway.0.fetch_add(20, Ordering::SeqCst);
        } else if requests.load(Ordering::SeqCst) > 2 {
            return Outcomes::All(accepted());
        }
        Outcomes::All(not_sent())
    });
    let policy = Policy {
        schedule: setting(&["09:00-10:00"]).schedule,
        give_up_after: GIVE_UP,
        ..policy()
    };
    let stop = StopToken::default();
    struct Slow<'a>(Waits<'a>);
    impl Progress for Slow<'_> {
        fn settled(&self, _: &Counts) {}
        fn waiting(&self, _: &str, _: Duration) {}
        fn closed_until(&self, opening: &Timestamp) {
            std::thread::sleep(GIVE_UP);
            self.0.closed_until(opening);
        }
    }
    let waits = Slow(Waits {
        clock: &clock,
        events: &events,
        stop: &stop,
        signal: None,
    });
    let throttle = Throttle::new(None, NonZeroU32::MIN);
    let now = || clock.now();
    run(
        open(&ledger),
        vec![Box::new(FakeGateway(responder))],
        &throttle,
        &policy,
        &stop,
        &now,
        &waits,
        &mut NoLists,
    )
    .unwrap();
    assert_eq!(
        (stop.reason(), statuses(&ledger)),
        (None, vec![Status::Accepted])
    );
}
