#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

#[test]
fn dates_that_are_certain() {
    for text in [
        "2026-11-22",
        "2026/11/22",
        "2026.11.22",
        "2026-11-22 00:00:00",
        "2026-11-22 14:30:00",
        "2026-11-22T14:30:00",
        "2026-11-22T14:30:00.000",
        "2026-11-22 14:30",
        "22/11/2026",
        "22-11-2026",
        "22.11.2026",
        " 22/11/2026 ",
        "22/11/2026 14:30",
        "22/11/2026 2:30:00 PM",
        "22/11/2026 2:30 p.m.",
        "22/11/2026 2:30:00 PTG",
        "22 Nov 2026",
        "22-Nov-2026",
        "22/Nov/2026",
        "22-NOV-26",
        "22-Nov-26",
        "22 November 2026",
        "Nov 22, 2026",
        "November 22 2026",
        "22 nov. 2026",
        "46348",
        "46348.0",
        "46348.5",
        "46348.604166666664",
    ] {
        assert_eq!(
            formatted(text, "%Y-%m-%d", Some(DateOrder::Dmy)).as_deref(),
            Ok("2026-11-22"),
            "{text}"
        );
    }
    for (text, date) in [
        ("1/2/2026", "2026-02-01"),
        ("01-02-2026", "2026-02-01"),
        ("29/2/2028", "2028-02-29"),
        ("2026-1-2", "2026-01-02"),
        ("31 Ogos 1957", "1957-08-31"),
        ("1 Mac 2026", "2026-03-01"),
        ("1 Mei 2026", "2026-05-01"),
        ("9 Julai 2026", "2026-07-09"),
        ("3-Okt-26", "2026-10-03"),
        ("25 Disember 2026", "2026-12-25"),
        ("1 Januari 2029", "2029-01-01"),
        ("5 Februari 2026", "2026-02-05"),
        ("16 Sept 2026", "2026-09-16"),
        ("1-Jan-29", "2029-01-01"),
        ("1-Jan-00", "2000-01-01"),
        ("19725", "1954-01-01"),
        ("80354", "2119-12-31"),
        ("46348.9999999", "2026-11-23"),
    ] {
        assert_eq!(
            formatted(text, "%Y-%m-%d", Some(DateOrder::Dmy)).as_deref(),
            Ok(date),
            "{text}"
        );
    }
}

#[test]
fn every_format_that_people_use() {
    for (format, text) in [
        (FORMAT, "02/11/2026"),
        ("%d %b", "02 Nov"),
        ("%-d %B %Y", "2 November 2026"),
        ("%a, %d/%m/%y", "Mon, 02/11/26"),
        ("%A", "Monday"),
        ("%-I:%M %p", "2:30 PM"),
        ("%H:%M", "14:30"),
        ("100%% on %d", "100% on 02"),
    ] {
        assert_eq!(
            formatted("2/11/2026 14:30", format, Some(DateOrder::Dmy)).as_deref(),
            Ok(text),
            "{format}"
        );
    }
    assert_eq!(formatted("46328.5", "%H:%M", None).as_deref(), Ok("12:00"));
    assert_eq!(
        formatted("2/11/2026 12:05 AM", "%H:%M", Some(DateOrder::Mdy)).as_deref(),
        Ok("00:05")
    );
    assert_eq!(
        formatted("2/11/2026 12:05 PG", "%H:%M", Some(DateOrder::Mdy)).as_deref(),
        Ok("00:05")
    );
    assert_eq!(
        formatted("2/11/2026 12:05 PM", "%H:%M", Some(DateOrder::Mdy)).as_deref(),
        Ok("12:05")
    );
}

#[test]
fn texts_that_are_not_dates() {
    const NONE: &str = "is not a date; write it as 2026-11-22 or 22 Nov 2026";
    const NO_DAY: &str = "is not a day of the calendar; correct it";
    const SHORT: &str = "has a year of two digits; write it as 2026-11-22 or 22 Nov 2026";
    const ZONE: &str =
        "has a time zone, so its day is not certain; write it as 2026-11-22 or 22 Nov 2026";
    for (text, why) in [
        (
            "11/22/2026",
            "has no month 22: dates are read with the day first; write it as 2026-11-22",
        ),
        (
            "1-31-2026 14:30",
            "has no month 31: dates are read with the day first; write it as 2026-01-31",
        ),
        ("22/11/26", SHORT),
        ("26-11-22", SHORT),
        ("22-Nov-30", SHORT),
        ("22 Nov 85", SHORT),
        ("31/02/2026", NO_DAY),
        ("29/2/2026", NO_DAY),
        ("2026-13-01", NO_DAY),
        ("2026-22-11", NO_DAY),
        ("45/45/2026", NO_DAY),
        ("0/1/2026", NO_DAY),
        ("31 Nov 2026", NO_DAY),
        ("2026-11-22T16:30:00Z", ZONE),
        ("2026-11-22T16:30:00.000Z", ZONE),
        ("2026-11-22 16:30:00+08:00", ZONE),
        ("2026-11-22T16:30:00-0500", ZONE),
        ("", NONE),
        ("abc", NONE),
        ("tomorrow", NONE),
        ("22", NONE),
        ("2026", NONE),
        ("20261122", NONE),
        ("22112026", NONE),
        ("1234.50", NONE),
        ("19724", NONE),
        ("80355", NONE),
        ("-46348", NONE),
        ("46348.5.5", NONE),
        ("22/11", NONE),
        ("22 Nov", NONE),
        ("Nov 2026", NONE),
        ("22/11-2026", NONE),
        ("22//11/2026", NONE),
        ("22/11/0206", NONE),
        ("22/11/20266", NONE),
        ("122/11/2026", NONE),
        ("22 Novem 2026", NONE),
        ("22 Nov 026", NONE),
        ("Sunday, 22 Nov 2026", NONE),
        ("14:30", NONE),
        ("22/11/2026 25:30", NONE),
        ("22/11/2026 14:30 PM", NONE),
        ("22/11/2026 0:30 AM", NONE),
        ("22/11/2026 14:3x", NONE),
        ("22/11/2026 14", NONE),
        ("22/11/2026 :30", NONE),
        ("2026-11-22T", NONE),
        ("٢٢/١١/٢٠٢٦", NONE),
    ] {
        assert_eq!(
            formatted(text, FORMAT, Some(DateOrder::Dmy)),
            Err(format!("\"{text}\" {why}")),
            "{text}"
        );
    }
    assert_eq!(
        formatted("22/11/2026", "%d %b %H:%M", None),
        Err("\"22/11/2026\" has no time of day, which date(\"%d %b %H:%M\") needs".to_owned())
    );
    assert!(formatted("46348", "%H:%M", None).is_err());
}

#[test]
fn one_order_reads_the_same_numbers_as_one_day() {
    use DateOrder::{Dmy, Mdy};
    const NO_MONTH: &str = "has no month 22: dates are read with the";
    for (text, day_first, month_first, open) in [
        (
            "11/05/2026",
            Ok("2026-05-11"),
            Ok("2026-11-05"),
            "could be 11 May 2026 or 5 November 2026; write it as 2026-05-11 or 2026-11-05, or give the date order",
        ),
        (
            "1-2-2027 14:30",
            Ok("2027-02-01"),
            Ok("2027-01-02"),
            "could be 1 February 2027 or 2 January 2027; write it as 2027-02-01 or 2027-01-02, or give the date order",
        ),
        (
            "22/11/2026",
            Ok("2026-11-22"),
            Err("month first; write it as 2026-11-22"),
            "2026-11-22",
        ),
        (
            "11.22.2026",
            Err("day first; write it as 2026-11-22"),
            Ok("2026-11-22"),
            "2026-11-22",
        ),
        (
            "05/05/2026",
            Ok("2026-05-05"),
            Ok("2026-05-05"),
            "2026-05-05",
        ),
        (
            "2026-05-11",
            Ok("2026-05-11"),
            Ok("2026-05-11"),
            "2026-05-11",
        ),
        (
            "11 May 2026",
            Ok("2026-05-11"),
            Ok("2026-05-11"),
            "2026-05-11",
        ),
    ] {
        for (order, day) in [(Dmy, day_first), (Mdy, month_first)] {
            let expected = day
                .map(str::to_owned)
                .map_err(|why| format!("\"{text}\" {NO_MONTH} {why}"));
            assert_eq!(formatted(text, "%Y-%m-%d", Some(order)), expected, "{text}");
        }
        let expected = match open {
            day if day.starts_with('2') => Ok(day.to_owned()),
            why => Err(format!("\"{text}\" {why}")),
        };
        assert_eq!(formatted(text, "%Y-%m-%d", None), expected, "{text}");
    }
}

#[test]
fn what_a_date_shows_about_its_order() {
    let day_first = Some(Orders::Only(DateOrder::Dmy));
    let month_first = Some(Orders::Only(DateOrder::Mdy));
    for (text, shown) in [
        ("22/11/2026", day_first),
        ("22.11.2026", day_first),
        ("22-1-2026 14:30", day_first),
        ("31/02/2026", day_first),
        ("22/11/26", day_first),
        ("11/22/2026", month_first),
        ("1-31-2026 2:30 PM", month_first),
        ("02.30.2026", month_first),
        ("11/22/26", month_first),
        ("11/05/2026", Some(Orders::Both)),
        ("1.2.2026 00:00:00", Some(Orders::Both)),
        ("05/05/2026", None),
        ("11/05/26", None),
        ("45/45/2026", None),
        ("0/13/2026", None),
        ("11/32/2026", None),
        ("2026-11-05", None),
        ("2026-11-22", None),
        ("5 Nov 2026", None),
        ("46348", None),
        ("11/05/0026", None),
        ("11/05", None),
        ("TBA", None),
        ("", None),
    ] {
        assert_eq!(orders(text), shown, "{text}");
    }
}

#[test]
fn formats_that_cannot_be_used() {
    assert_eq!(
        check_format("dd/mm/yyyy").unwrap_err(),
        "date(\"dd/mm/yyyy\") has no % codes; write it as date(\"%d/%m/%Y\") or date(\"%d %b %Y\")"
    );
    for format in ["%E", "%d %", "%Q", "%z", "%Z", "%s", "%!"] {
        assert_eq!(
            check_format(format).unwrap_err(),
            format!(
                "date(\"{format}\") has a % code that a date cannot fill; there are %d %m %Y %y %b %B %a %A, \
                 and %H %I %M %p for the time"
            )
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(text in any::<String>(), format in any::<String>()) {
        let _ = formatted(&text, FORMAT, None);
        let _ = formatted("46348.5", &format, None);
    }

    #[test]
    fn never_panics_on_what_looks_like_a_date(text in "[0-9]{0,5}[-/. :TNov]{0,3}[0-9]{0,5}[-/. :]{0,2}[0-9]{0,5}[ 0-9:.PMZ]{0,9}") {
        let _ = formatted(&text, FORMAT, None);
    }

    #[test]
    fn a_date_in_numbers_is_never_guessed(day in 1_i16..=31, month in 1_i16..=12, year in 1900_i16..=2199, sign in "[-/.]", time in "( 14:30)?") {
        let date = of_day(day, month, year);
        prop_assume!(date.is_ok());
        let iso = date.unwrap().to_string();
        for (order, text) in [
            (DateOrder::Dmy, format!("{day}{sign}{month:02}{sign}{year}{time}")),
            (DateOrder::Mdy, format!("{month:02}{sign}{day}{sign}{year}{time}")),
        ] {
            let read = formatted(&text, "%Y-%m-%d", None);
            prop_assert_eq!(formatted(&text, "%Y-%m-%d", Some(order)), Ok(iso.clone()), "{}", text);
            match orders(&text) {
                Some(Orders::Only(shown)) => {
                    prop_assert_eq!(shown, order);
                    prop_assert_eq!(read, Ok(iso.clone()));
                }
                Some(Orders::Both) => prop_assert!(day <= 12 && day != month && read.is_err()),
                None => {
                    prop_assert_eq!(day, month);
                    prop_assert_eq!(read, Ok(iso.clone()));
                }
            }
        }
    }

    #[test]
    fn a_day_reads_as_itself_however_it_is_written(days in 0_i32..60_629) {
        let date = Date::constant(1954, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap();
        let iso = date.to_string();
        for format in ["%Y-%m-%d", "%d/%m/%Y", "%-d.%-m.%Y", "%d %b %Y", "%B %-d, %Y", "%d-%b-%Y %I:%M %p", "%F 23:59:59"] {
            let text = strtime::format(format, date.at(14, 30, 0, 0)).unwrap();
            prop_assert_eq!(formatted(&text, "%Y-%m-%d", Some(DateOrder::Dmy)), Ok(iso.clone()), "{}", text);
        }
        prop_assert_eq!(formatted(&(19_725 + days).to_string(), "%Y-%m-%d", None), Ok(iso));
    }
}
