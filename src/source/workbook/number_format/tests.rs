#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

fn shown(code: &str, value: f64) -> Shown {
    NumberFormat::new(None, Some(code)).of_number(value, &format!("{value}"), false)
}

#[test]
fn numbers_read_as_a_spreadsheet_shows_them() {
    for (code, value, text) in [
        ("0%", 0.15, "15%"),
        ("0.00%", 0.156, "15.60%"),
        ("0%", 0.285, "29%"),
        ("0.0%", -0.005, "-0.5%"),
        ("#,##0.00", 1234.5, "1,234.50"),
        ("#,##0.00", 1_000_000.0, "1,000,000.00"),
        ("#,##0.00", 0.0, "0.00"),
        ("#,##0", 1234.5, "1,235"),
        ("#,##0", 999.4, "999"),
        ("0.00", 19.805, "19.81"),
        ("0.00", 42.415, "42.42"),
        ("0.00", 13.174_999_999_999_999, "13.18"),
        ("0.00", 1.005, "1.01"),
        ("0.00", -1.005, "-1.01"),
        ("0.00", -0.001, "0.00"),
        ("0.0", 0.05, "0.1"),
        ("0", 2.5, "3"),
        ("0.###", 1.5, "1.5"),
        ("#.##", 0.5, ".5"),
        ("\"RM\"0.00", 19.805, "RM19.81"),
        ("\"RM\"#,##0.00", 1049.155, "RM1,049.16"),
        ("\"RM\"#,##0.00", -5.0, "-RM5.00"),
        (
            "\"RM\"\\ #,##0.00;[Red]\\-\"RM\"\\ #,##0.00",
            -1234.5,
            "-RM 1,234.50",
        ),
        ("[$RM-43E]#,##0.00", 1234.5, "RM1,234.50"),
        ("[$RM-ms-MY]\\ #,##0.00", 1234.5, "RM 1,234.50"),
        ("[$$-409]#,##0.00", 1234.5, "$1,234.50"),
        ("[$\u{20ac}-2]\\ #,##0.00", 1234.5, "\u{20ac} 1,234.50"),
        ("#,##0.00\\ [$\u{20ac}-407]", 1234.5, "1,234.50 \u{20ac}"),
        (
            "_(\"RM\"* #,##0.00_);_(\"RM\"* \\(#,##0.00\\);_(\"RM\"* \"-\"??_);_(@_)",
            1234.5,
            "RM 1,234.50",
        ),
        (
            "_(\"RM\"* #,##0.00_);_(\"RM\"* \\(#,##0.00\\);_(\"RM\"* \"-\"??_);_(@_)",
            -1234.5,
            "RM (1,234.50)",
        ),
        (
            "_(\"RM\"* #,##0.00_);_(\"RM\"* \\(#,##0.00\\);_(\"RM\"* \"-\"??_);_(@_)",
            0.0,
            "RM -",
        ),
        ("#,##0.00_);(#,##0.00)", -5.0, "(5.00)"),
        ("000000", 123.0, "000123"),
        ("00000", 123_456.0, "123456"),
        ("000\\-0000000", 127_001_111.0, "012-7001111"),
        ("000000\\-00\\-0000", 801_231_145_678.0, "801231-14-5678"),
        ("\"INV-\"0000", 42.0, "INV-0042"),
        ("0\" pts\"", 250.0, "250 pts"),
        ("#,##0\" kg\"", 1250.0, "1,250 kg"),
        ("0,", 1500.0, "2"),
        ("#,##0,\"k\"", 12_345.0, "12k"),
        ("0.0,,\"M\"", 2_550_000.0, "2.6M"),
        ("0.00E+00", 123_456.0, "1.23E+05"),
        ("# ?/?", 1.5, "1 1/2"),
        ("[>=1000]#,##0;0.0", 1500.0, "1,500"),
        ("[>=1000]#,##0;0.0", 15.0, "15.0"),
        ("[<0]\"owes\" 0.00;0.00", -5.0, "owes 5.00"),
        ("[Red]0.00", 1.5, "1.50"),
        ("0;-0;;@", 5.0, "5"),
        ("0;-0;;@", 0.0, ""),
        ("0.00;@", -5.0, "-5.00"),
        ("\"Yes\";\"No\";\"None\"", 1.0, "Yes"),
        ("\"Yes\";\"No\";\"None\"", -1.0, "No"),
        ("\"Yes\";\"No\";\"None\"", 0.0, "None"),
        ("General\" pts\"", 12.345_678_901_234, "12.345678901234 pts"),
        ("\"RM\"General", 60_123_456_789_012.0, "RM60123456789012"),
        (";;;", 5.0, ""),
    ] {
        assert_eq!(
            shown(code, value),
            Shown::Text(text.to_owned()),
            "{code} of {value}"
        );
    }
    for code in ["General", "GENERAL", "", "@", "general"] {
        assert_eq!(shown(code, 1.0 / 3.0), Shown::AsHeld, "{code}");
    }
}

#[test]
fn dates_and_times_read_as_a_spreadsheet_shows_them() {
    // 2026-11-22 14:30:00
    const MOMENT: f64 = 46_348.604_166_666_7;
    for (code, value, text) in [
        ("yyyy-mm-dd", MOMENT, "2026-11-22"),
        ("dd/mm/yyyy", MOMENT, "22/11/2026"),
        ("dd/mm/yyyy;@", MOMENT, "22/11/2026"),
        ("d/m/yy", MOMENT, "22/11/26"),
        ("m/d/yyyy", MOMENT, "11/22/2026"),
        ("dd\\-mmm\\-yy", MOMENT, "22-Nov-26"),
        ("d mmmm yyyy", MOMENT, "22 November 2026"),
        ("[$-409]d\\ mmmm\\ yyyy;@", MOMENT, "22 November 2026"),
        (
            "[$-en-GB]dddd, d mmmm yyyy",
            MOMENT,
            "Sunday, 22 November 2026",
        ),
        ("[$-4409]ddd d mmm", MOMENT, "Sun 22 Nov"),
        (
            "[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy",
            MOMENT,
            "22/11/2026",
        ),
        ("[$-x-sysdate]dddd, mmmm dd, yyyy", MOMENT, "22/11/2026"),
        ("[$-F400]h:mm:ss\\ AM/PM", MOMENT, "2:30:00 PM"),
        ("[$-43E]dd/mm/yyyy", MOMENT, "22/11/2026"),
        ("yyyy\"年\"m\"月\"d\"日\"", MOMENT, "2026年11月22日"),
        (
            "[$-804]yyyy\"年\"m\"月\"d\"日\";@",
            MOMENT,
            "2026年11月22日",
        ),
        ("dd.mm.yyyy hh:mm", MOMENT, "22.11.2026 14:30"),
        ("h:mm AM/PM", MOMENT, "2:30 PM"),
        ("hh:mm:ss", 0.604_166_666_664_241, "14:30:00"),
        ("hh:mm", 46_347.999_999_999_9, "00:00"),
        ("dd/mm/yyyy", 46_347.999_999_999_9, "22/11/2026"),
        ("[h]:mm", 1.510_416_666_666_67, "36:15"),
        ("mm:ss", 0.25 / 24.0, "15:00"),
        ("mmm yyyy", MOMENT, "Nov 2026"),
        ("yyyy", MOMENT, "2026"),
        ("dd/mm/yyyy", -1.0, "########"),
        ("dd/mm/yyyy", 2_958_466.0, "########"),
    ] {
        assert_eq!(
            shown(code, value),
            Shown::Text(text.to_owned()),
            "{code} of {value}"
        );
    }
    for (id, text) in [
        (14, "22/11/2026"),
        (22, "22/11/2026 14:30"),
        (15, "22-Nov-26"),
        (20, "14:30"),
        (31, "22/11/2026"),
    ] {
        let format = NumberFormat::new(Some(id), None);
        assert_eq!(
            format.of_number(MOMENT, "", false),
            Shown::Text(text.to_owned()),
            "{id}"
        );
    }
    // 44886 days after 1904-01-01.
    let format = NumberFormat::new(None, Some("dd/mm/yyyy"));
    assert_eq!(
        format.of_number(44_886.0, "", true),
        Shown::Text("22/11/2026".to_owned())
    );
}

#[test]
fn what_is_not_certain_is_not_supported() {
    for (code, value) in [
        ("[$-43E]d mmmm yyyy", 46_348.0),
        ("[$-804]aaaa", 46_348.0),
        ("[$-404]e/m/d", 46_348.0),
        ("ggge", 46_348.0),
        ("[$-1070000]d/mm/yyyy", 46_348.0),
        ("b2yyyy", 46_348.0),
        ("[DBNum1]General", 5.0),
        ("*00000", 5.0),
        ("**0", 5.0),
        ("[<1000]0;0.0", -5.0),
        ("[>100]0;0.0;0.00", 5.0),
        ("\"Paid\"", -1.0),
        ("0\"unclosed", 5.0),
    ] {
        let shown = shown(code, value);
        let is_known = code == "0\"unclosed" && matches!(shown, Shown::Text(_));
        assert!(is_known || shown == Shown::Unsupported, "{code}: {shown:?}");
    }
    for id in [5, 6, 7, 8, 23, 32, 42, 44, 55] {
        let format = NumberFormat::new(Some(id), None);
        assert_eq!(
            format.of_number(1234.5, "1234.5", false),
            Shown::Unsupported,
            "{id}"
        );
    }
}

#[test]
fn texts_read_as_a_spreadsheet_shows_them() {
    for (code, shown) in [
        ("@", Shown::AsHeld),
        ("General", Shown::AsHeld),
        ("0.00", Shown::AsHeld),
        ("0.00_);_(@_)", Shown::AsHeld),
        ("\"Mr \"@", Shown::Text("Mr Tan".to_owned())),
        ("0;0;0;@\" (VIP)\"", Shown::Text("Tan (VIP)".to_owned())),
        (";;;", Shown::Text(String::new())),
        ("0;0;0;\"text\"", Shown::Text("text".to_owned())),
    ] {
        assert_eq!(
            NumberFormat::new(None, Some(code)).of_text("Tan"),
            shown,
            "{code}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(code in any::<String>(), value in any::<f64>()) {
        let format = NumberFormat::new(None, Some(&code));
        let _ = format.of_number(value, "", false);
        let _ = format.of_text(&code);
    }

    #[test]
    fn never_panics_on_what_looks_like_a_code(code in "[0#?.,%;@\"\\\\_* /ymdhsAPEge$\\[\\]<>=+-]{0,24}", value in -1e6..1e6_f64) {
        let format = NumberFormat::new(None, Some(&code));
        let _ = format.of_number(value, "", true);
    }

    #[test]
    fn an_amount_in_sen_is_shown_exactly(sen in 0_u32..1_000_000_000) {
        let value = f64::from(sen) / 100.0;
        let expected = format!("{}.{:02}", sen / 100, sen % 100);
        prop_assert_eq!(shown("0.00", value), Shown::Text(expected));
    }

    #[test]
    fn half_a_sen_is_rounded_up(sen in 0_u32..100_000_000) {
        let value: f64 = format!("{}.{:02}5", sen / 100, sen % 100).parse().unwrap();
        let up = sen + 1;
        prop_assert_eq!(shown("0.00", value), Shown::Text(format!("{}.{:02}", up / 100, up % 100)));
    }
}
