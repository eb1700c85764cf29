//! The schedule through weeks, daylight-saving changes and clocks that jump.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

const ZONES: [&str; 7] = [
    "Asia/Kuala_Lumpur",
    "Europe/Berlin",
    // Clocks are set forward at midnight, so that some days begin at 01:00.
    "America/Sao_Paulo",
    // Half an hour.
    "Australia/Lord_Howe",
    "America/New_York",
    // A day was left out.
    "Pacific/Apia",
    "UTC",
];

fn zone(name: &str) -> Zone {
    Zone::parse(name).unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn schedule(zone_name: &str, windows: &[&str]) -> Schedule {
    Schedule {
        zone: zone(zone_name),
        windows: windows
            .iter()
            .map(|window| Window::parse(window).unwrap())
            .collect(),
        ..Schedule::default()
    }
}

fn opening(schedule: &Schedule, from: &str) -> String {
    let opening = schedule.next_opening(&at(from)).unwrap();
    opening.to_string().replace(":00.000", "")
}

#[test]
fn windows_open_by_the_clock_on_the_wall() {
    for (zone, windows, from, opens) in [
        // Tuesday noon, Tuesday evening, Friday evening.
        (
            "Asia/Kuala_Lumpur",
            &["mon-fri 09:00-18:00"][..],
            "2026-12-01T12:00:00+08:00",
            "2026-12-01T12:00+08:00",
        ),
        (
            "Asia/Kuala_Lumpur",
            &["mon-fri 09:00-18:00"],
            "2026-12-01T18:00:00+08:00",
            "2026-12-02T09:00+08:00",
        ),
        (
            "Asia/Kuala_Lumpur",
            &["mon-fri 09:00-18:00"],
            "2026-12-04T18:00:00+08:00",
            "2026-12-07T09:00+08:00",
        ),
        (
            "Asia/Kuala_Lumpur",
            &["09:00-12:00", "sat 14:00-15:00"],
            "2026-12-05T12:00:00+08:00",
            "2026-12-05T14:00+08:00",
        ),
        // A night with daylight saving, and one without.
        (
            "Europe/Berlin",
            &["09:00-18:00"],
            "2026-03-28T18:00:00+01:00",
            "2026-03-29T09:00+02:00",
        ),
        (
            "Europe/Berlin",
            &["09:00-18:00"],
            "2026-10-24T18:00:00+02:00",
            "2026-10-25T09:00+01:00",
        ),
        // 02:30 is skipped: the clock shows 03:00 then.
        (
            "Europe/Berlin",
            &["02:30-04:00"],
            "2026-03-29T00:00:00+01:00",
            "2026-03-29T03:00+02:00",
        ),
        // All of the window is skipped.
        (
            "Europe/Berlin",
            &["02:00-02:45"],
            "2026-03-29T00:00:00+01:00",
            "2026-03-30T02:00+02:00",
        ),
        // It is shown twice.
        (
            "Europe/Berlin",
            &["02:00-02:30"],
            "2026-10-25T02:30:00+02:00",
            "2026-10-25T02:00+01:00",
        ),
        // The day begins at 01:00.
        (
            "America/Sao_Paulo",
            &["00:00-02:00"],
            "2017-10-14T12:00:00-03:00",
            "2017-10-15T01:00-02:00",
        ),
        // Friday the 30th of December 2011 never was.
        (
            "Pacific/Apia",
            &["fri 09:00-10:00"],
            "2011-12-29T12:00:00-10:00",
            "2012-01-06T09:00+14:00",
        ),
    ] {
        assert_eq!(
            opening(&schedule(zone, windows), from),
            opens,
            "{zone} {windows:?} {from}"
        );
    }
}

#[test]
fn it_starts_waits_and_ends() {
    let mut schedule = schedule("Asia/Kuala_Lumpur", &["09:00-18:00"]);
    schedule.start_at = Some(at("2026-12-01T10:00:00+08:00"));
    schedule.not_after = Some(at("2026-12-02T12:00:00+08:00"));
    let wait = |text| Turn::Wait(at(text));
    for (now, turn) in [
        (
            "2026-11-30T12:00:00+08:00",
            wait("2026-12-01T10:00:00+08:00"),
        ),
        (
            "2026-12-01T09:59:59+08:00",
            wait("2026-12-01T10:00:00+08:00"),
        ),
        ("2026-12-01T02:00:00+00:00", Turn::Send),
        ("2026-12-01T17:59:59+08:00", Turn::Send),
        (
            "2026-12-01T18:00:00+08:00",
            wait("2026-12-02T09:00:00+08:00"),
        ),
        ("2026-12-02T11:59:59+08:00", Turn::Send),
        ("2026-12-02T12:00:00+08:00", Turn::Over),
        ("2027-01-01T12:00:00+08:00", Turn::Over),
    ] {
        assert_eq!(schedule.turn(&at(now)), turn, "{now}");
    }
    // No window opens again before the end: nothing is waited for.
    schedule.not_after = Some(at("2026-12-02T09:00:00+08:00"));
    assert_eq!(schedule.turn(&at("2026-12-01T18:00:00+08:00")), Turn::Over);
    assert!(Schedule::default().is_always());
    assert_eq!(
        Schedule::default().turn(&at("2026-12-01T18:00:00+08:00")),
        Turn::Send
    );
}

#[test]
fn only_hours_in_windows_count_for_the_end() {
    let hours = |hours: u64| Duration::from_secs(hours * 3_600);
    let office = ["mon-fri 09:00-18:00"];
    for (zone, windows, from, span, end) in [
        (
            "Asia/Kuala_Lumpur",
            &office[..],
            "2026-12-01T16:00:00+08:00",
            1,
            "2026-12-01T17:00+08:00",
        ),
        (
            "Asia/Kuala_Lumpur",
            &office,
            "2026-12-01T16:00:00+08:00",
            2,
            "2026-12-01T18:00+08:00",
        ),
        (
            "Asia/Kuala_Lumpur",
            &office,
            "2026-12-01T16:00:00+08:00",
            3,
            "2026-12-02T10:00+08:00",
        ),
        (
            "Asia/Kuala_Lumpur",
            &office,
            "2026-12-04T20:00:00+08:00",
            19,
            "2026-12-09T10:00+08:00",
        ),
        (
            "Asia/Kuala_Lumpur",
            &[],
            "2026-12-04T20:00:00+08:00",
            19,
            "2026-12-05T15:00+08:00",
        ),
        (
            "Asia/Kuala_Lumpur",
            &["00:00-24:00"],
            "2026-12-04T20:00:00+08:00",
            48,
            "2026-12-06T20:00+08:00",
        ),
        // This night is an hour shorter.
        (
            "Europe/Berlin",
            &["22:00-06:00"],
            "2026-03-28T22:00:00+01:00",
            8,
            "2026-03-29T23:00+02:00",
        ),
    ] {
        let end_of = schedule(zone, windows)
            .after_sending(&at(from), hours(span))
            .unwrap();
        assert_eq!(
            end_of.to_string().replace(":00.000", ""),
            end,
            "{zone} {from} {span}"
        );
    }
}

fn given(wanted: &Wanted, earlier: &[Given], now: &str) -> Given {
    Given::resolve(wanted, earlier, &at(now)).unwrap()
}

fn until(words: &str) -> Wanted {
    Wanted {
        not_after: Some(When::parse(words).unwrap()),
        ..Wanted::default()
    }
}

#[test]
fn words_keep_the_meaning_that_they_had_first() {
    let ends = |given: &Given| given.not_after.as_ref().unwrap().at.to_string();
    let (morning, evening) = ("2026-12-01T09:00:00+08:00", "2026-12-01T18:30:00+08:00");
    let first = given(&until("18:00"), &[], morning);
    assert_eq!(ends(&first), "2026-12-01T18:00:00.000+08:00");
    let mut earlier = vec![first];
    // The same line after 18:00, also in other digits.
    for same in ["18:00", " 18:00"] {
        let again = given(&until(same), &earlier, evening);
        assert_eq!(ends(&again), "2026-12-01T18:00:00.000+08:00");
        assert!(again.is_same(&earlier[0]));
    }
    // Other words are the next such time.
    let other = given(&until("17:30"), &earlier, evening);
    assert_eq!(ends(&other), "2026-12-02T17:30:00.000+08:00");
    // Left out, it no longer holds; but the first words still mean what they meant.
    let left_out = given(&Wanted::default(), &earlier, evening);
    assert_eq!(left_out.not_after, None);
    assert!(!left_out.is_same(&earlier[0]));
    earlier.extend([other, left_out]);
    let again = given(&until("18:00"), &earlier, "2026-12-03T09:00:00+08:00");
    assert_eq!(ends(&again), "2026-12-01T18:00:00.000+08:00");
    // Words of another option, or in another time zone, mean something else.
    let start = Wanted {
        start_at: Some(When::parse("18:00").unwrap()),
        ..Wanted::default()
    };
    let start = given(&start, &earlier, evening).start_at.unwrap();
    assert_eq!(start.at.to_string(), "2026-12-02T18:00:00.000+08:00");
    let berlin = Wanted {
        zone: zone("Europe/Berlin"),
        ..until("18:00")
    };
    assert_eq!(
        ends(&given(&berlin, &earlier, evening)),
        "2026-12-01T18:00:00.000+01:00"
    );
}

const OFFICE: &[&str] = &["mon-fri 09:00-18:00"];
const TUESDAY: &str = "2026-12-01T14:00:30+08:00";

/// In Kuala Lumpur.
fn in_hours(start: Option<&str>, end: Option<&str>, windows: &[&str]) -> Wanted {
    Wanted {
        start_at: start.map(|words| When::parse(words).unwrap()),
        not_after: end.map(|words| When::parse(words).unwrap()),
        windows: schedule("UTC", windows).windows,
        ..Wanted::default()
    }
}

/// What is left is sent from then until then.
fn is_continued(wanted: &Wanted, given_at: &str, now: &str, from: &str, until: Option<&str>) {
    let continued = given(wanted, &[], given_at).continued(&at(now));
    let opening = continued.next_opening(&at(now)).unwrap();
    let shown = |at: &Timestamp| at.to_string().replace(":00.000+08:00", "");
    assert_eq!(shown(&opening), from, "{wanted:?} at {now}");
    assert_eq!(
        continued.not_after.as_ref().map(shown).as_deref(),
        until,
        "{wanted:?} at {now}"
    );
}

/// What is left after the last time is sent during the same hours of a later day, and at no other time.
#[test]
fn what_is_left_goes_at_the_same_hours_of_a_later_day() {
    for (wanted, given_at, now, from, until) in [
        // It has not ended yet.
        (
            in_hours(None, Some("18:00"), &[]),
            TUESDAY,
            "2026-12-01T17:00:00+08:00",
            "2026-12-01T17:00",
            Some("2026-12-01T18:00"),
        ),
        // From the time of day at which it was given.
        (
            in_hours(None, Some("18:00"), &[]),
            TUESDAY,
            "2026-12-01T18:30:00+08:00",
            "2026-12-02T14:00",
            Some("2026-12-02T18:00"),
        ),
        (
            in_hours(Some("15:00"), Some("18:00"), &[]),
            TUESDAY,
            "2026-12-01T18:30:00+08:00",
            "2026-12-02T15:00",
            Some("2026-12-02T18:00"),
        ),
        (
            in_hours(None, Some("18:00"), &[]),
            TUESDAY,
            "2026-12-24T16:00:00+08:00",
            "2026-12-24T16:00",
            Some("2026-12-24T18:00"),
        ),
        // Friday evening: not on Saturday.
        (
            in_hours(None, Some("18:00"), OFFICE),
            "2026-12-04T14:00:00+08:00",
            "2026-12-04T18:30:00+08:00",
            "2026-12-07T09:00",
            Some("2026-12-07T18:00"),
        ),
        // It was given a minute before its end, and in the night.
        (
            in_hours(None, Some("23:59"), &[]),
            "2026-12-01T23:58:30+08:00",
            "2026-12-02T00:05:00+08:00",
            "2026-12-02T22:59",
            Some("2026-12-02T23:59"),
        ),
        (
            in_hours(None, Some("01:00"), &["22:00-02:00"]),
            "2026-12-01T22:30:00+08:00",
            "2026-12-02T01:30:00+08:00",
            "2026-12-02T22:30",
            Some("2026-12-03T01:00"),
        ),
        // What was meant to take days.
        (
            in_hours(None, Some("2026-12-05 18:00"), OFFICE),
            TUESDAY,
            "2026-12-05T18:30:00+08:00",
            "2026-12-07T09:00",
            Some("2026-12-07T18:00"),
        ),
    ] {
        is_continued(&wanted, given_at, now, from, until);
    }
}

#[test]
fn where_there_are_no_such_hours_what_is_left_goes_as_soon_as_it_may() {
    for (wanted, given_at, now, from, until) in [
        // It had passed when it was given.
        (
            in_hours(None, Some("2026-11-01 18:00"), &[]),
            "2026-12-01T19:00:00+08:00",
            "2026-12-01T19:00:00+08:00",
            "2026-12-02T17:00",
            Some("2026-12-02T18:00"),
        ),
        // No window is ever open in these hours.
        (
            in_hours(None, Some("08:00"), OFFICE),
            "2026-12-01T07:00:00+08:00",
            "2026-12-01T08:30:00+08:00",
            "2026-12-01T09:00",
            Some("2026-12-02T08:00"),
        ),
        // It begins after its end.
        (
            in_hours(Some("23:30"), Some("02:00"), &[]),
            "2026-12-01T00:30:00+08:00",
            "2026-12-01T03:00:00+08:00",
            "2026-12-01T23:30",
            Some("2026-12-02T02:00"),
        ),
        // It was given with a wrong year.
        (
            in_hours(None, Some("2024-12-01 18:00"), &[]),
            "2026-12-01T14:00:00+08:00",
            "2026-12-01T14:00:00+08:00",
            "2026-12-01T17:00",
            Some("2026-12-01T18:00"),
        ),
        // It has no end.
        (
            in_hours(None, None, OFFICE),
            TUESDAY,
            "2026-12-01T18:30:00+08:00",
            "2026-12-02T09:00",
            None,
        ),
    ] {
        is_continued(&wanted, given_at, now, from, until);
    }
}

#[test]
fn a_time_of_day_is_the_next_one() {
    for (zone_name, words, now, meant) in [
        (
            "Asia/Kuala_Lumpur",
            "09:00",
            "2026-12-01T08:59:59+08:00",
            "2026-12-01T09:00+08:00",
        ),
        (
            "Asia/Kuala_Lumpur",
            "9:00",
            "2026-12-01T08:59:59+08:00",
            "2026-12-01T09:00+08:00",
        ),
        // A command that is started at 09:00 is started a little later.
        (
            "Asia/Kuala_Lumpur",
            "09:00",
            "2026-12-01T09:00:02+08:00",
            "2026-12-01T09:00+08:00",
        ),
        (
            "Asia/Kuala_Lumpur",
            "09:00",
            "2026-12-01T09:01:00+08:00",
            "2026-12-02T09:00+08:00",
        ),
        (
            "Asia/Kuala_Lumpur",
            "09:00",
            "2026-12-01T01:30:00+00:00",
            "2026-12-02T09:00+08:00",
        ),
        (
            "Asia/Kuala_Lumpur",
            "2026-12-05 09:00",
            "2026-12-01T01:30:00+00:00",
            "2026-12-05T09:00+08:00",
        ),
        (
            "Asia/Kuala_Lumpur",
            "2026-12-05T09:00",
            "2026-12-01T01:30:00+00:00",
            "2026-12-05T09:00+08:00",
        ),
        (
            "Asia/Kuala_Lumpur",
            "2026-11-05T09:00:00+09:00",
            "2026-12-01T01:30:00+00:00",
            "2026-11-05T08:00+08:00",
        ),
        (
            "Asia/Kuala_Lumpur",
            "2026-11-05T00:00Z",
            "2026-12-01T01:30:00+00:00",
            "2026-11-05T08:00+08:00",
        ),
        (
            "Europe/Berlin",
            "02:30",
            "2026-03-28T12:00:00+01:00",
            "2026-03-29T03:00+02:00",
        ),
        (
            "Europe/Berlin",
            "02:30",
            "2026-10-24T12:00:00+02:00",
            "2026-10-25T02:30+02:00",
        ),
        (
            "Europe/Berlin",
            "02:30",
            "2026-10-25T02:45:00+02:00",
            "2026-10-25T02:30+01:00",
        ),
    ] {
        let at = When::parse(words)
            .unwrap()
            .meant(&zone(zone_name), &at(now))
            .unwrap();
        assert_eq!(
            at.to_string().replace(":00.000", ""),
            meant,
            "{zone_name} {words} {now}"
        );
    }
}

#[test]
fn a_time_that_is_none_or_two_is_refused() {
    for wrong in [
        "",
        "9",
        "24:00",
        "09:60",
        "9.00",
        "tomorrow",
        "2026-12-01",
        "2026-12-01 09",
        "09:00+08:00",
        "2026-12-01 09:00 Asia/Tokyo",
    ] {
        assert!(When::parse(wrong).is_err(), "{wrong}");
    }
    let berlin = zone("Europe/Berlin");
    let now = at("2026-01-01T00:00:00+00:00");
    let meant = |text: &str| When::parse(text).unwrap().meant(&berlin, &now);
    assert_eq!(meant("2026-03-29 02:30"), Err(NoSuchTime::Skipped));
    assert!(matches!(
        meant("2026-10-25 02:30"),
        Err(NoSuchTime::Twice(..))
    ));
}

#[test]
fn what_is_written_means_the_same_again() {
    for (zone_name, text, written, readable) in [
        (
            "Asia/Kuala_Lumpur",
            "2026-12-01T01:00:00+00:00",
            "2026-12-01 09:00",
            "Tue 1 Dec 2026 09:00",
        ),
        (
            "Asia/Kuala_Lumpur",
            "2026-12-01T01:00:30+00:00",
            "2026-12-01 09:00:30",
            "Tue 1 Dec 2026 09:00:30",
        ),
        (
            "Europe/Berlin",
            "2026-10-25T01:30:00+00:00",
            "2026-10-25T02:30:00.000+01:00",
            "Sun 25 Oct 2026 02:30",
        ),
    ] {
        let schedule = schedule(zone_name, &[]);
        let at = at(text);
        assert_eq!(schedule.written(&at), written);
        assert_eq!(schedule.local(&at).readable(), readable);
        let again = When::parse(written).unwrap().meant(&schedule.zone, &at);
        assert_eq!(again, Ok(at));
    }
}

fn minutes() -> impl Strategy<Value = String> {
    (0..24_u32, 0..60_u32).prop_map(|(hour, minute)| format!("{hour:02}:{minute:02}"))
}

fn window() -> impl Strategy<Value = Window> {
    let days = prop::sample::select(vec!["", "mon-fri ", "sat,sun ", "sun ", "wed ", "fri-mon "]);
    let parsed = (days, minutes(), minutes())
        .prop_map(|(days, opens, closes)| Window::parse(&format!("{days}{opens}-{closes}")));
    parsed.prop_filter_map("equal ends", Result::ok)
}

/// A minute between 1990 and 2030, often close to a change of the clocks.
fn minute(zone_name: &'static str) -> impl Strategy<Value = Instant> {
    let minutes = 10_519_200..31_557_600_i64;
    (minutes, any::<bool>(), -3_000..3_000_i64).prop_map(move |(minute, near, away)| {
        let at = Instant::from_second(minute * 60).unwrap();
        let latest = Instant::from_second(1_900_000_000).unwrap();
        let change = zone(zone_name).clock_changes(at, latest).first().copied();
        match change.filter(|_| near) {
            Some(change) => change + away.minutes(),
            None => at,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    /// Minute after minute for ten days, it sends exactly while a clock on the wall shows an hour of a window, and the opening that it
    /// waits for is the next one, wherever a host was suspended or its clock jumped.
    #[test]
    fn it_sends_while_the_clock_shows_an_hour_of_a_window(
        (zone_name, from) in prop::sample::select(ZONES.to_vec()).prop_flat_map(|zone| (Just(zone), minute(zone))),
        windows in prop::collection::vec(window(), 0..3),
        start in prop::option::of(-5_000..15_000_i64),
        end in prop::option::of(-1_000..20_000_i64),
        jumps in prop::collection::vec(0..14_400_i64, 20),
    ) {
        let zone = zone(zone_name);
        let later = |minutes: i64| zone.timestamp(from + minutes.minutes());
        let schedule = Schedule { zone: zone.clone(), start_at: start.map(later), not_after: end.map(later), windows };
        let shows = |minute: i64| {
            let local = zone.local(from + minute.minutes());
            schedule.windows.is_empty() || schedule.windows.iter().any(|window| window.contains(local.datetime()))
        };
        let may_send = |minute: i64| {
            shows(minute) && start.is_none_or(|start| minute >= start) && end.is_none_or(|end| minute < end)
        };
        // From the last minute back, the next one in which it sends.
        let mut next = vec![None; 30_000];
        for minute in (0..30_000_i64).rev() {
            let position = usize::try_from(minute).unwrap();
            next[position] = if may_send(minute) { Some(minute) } else { next.get(position + 1).copied().flatten() };
        }
        // The clock jumps to any of these, forward and back.
        for now in jumps {
            let expected = match next[usize::try_from(now).unwrap()] {
                Some(next) if next == now => Turn::Send,
                Some(next) => Turn::Wait(later(next)),
                None => Turn::Over,
            };
            let turn = schedule.turn(&later(now));
            // A week may have no such hour: then it waits for one further on.
            if expected != Turn::Over || end.is_some() {
                prop_assert_eq!(turn, expected, "{} {}", zone_name, later(now));
            }
        }
    }

    /// The end of a campaign has exactly the time before it in windows that it takes.
    #[test]
    fn the_end_comes_after_that_much_time_in_windows(
        (zone_name, from) in prop::sample::select(ZONES.to_vec()).prop_flat_map(|zone| (Just(zone), minute(zone))),
        windows in prop::collection::vec(window(), 1..3),
        span in 1..600_i64,
    ) {
        let zone = zone(zone_name);
        let schedule = Schedule { zone: zone.clone(), windows, ..Schedule::default() };
        let seconds = u64::try_from(span * 60).unwrap();
        let end = schedule.after_sending(&zone.timestamp(from), Duration::from_secs(seconds));
        let mut open = 0;
        for minute in 0..100_000_i64 {
            let at = from + minute.minutes();
            if open == span {
                prop_assert_eq!(end, Some(zone.timestamp(at)));
                return Ok(());
            }
            open += i64::from(schedule.is_open(at));
        }
    }
}
