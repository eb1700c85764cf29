//! Which places of a template get what a cell shows, and which the value that it holds.

use super::*;

/// Cells that show something else than they hold: what they show, what they hold, whether that is a number.
struct TwoFaced([(&'static str, &'static str, bool); 5]);

impl Cells for TwoFaced {
    fn cell(&self, index: usize) -> &str {
        self.0[index].0
    }

    fn held(&self, index: usize) -> &str {
        self.0[index].1
    }

    fn is_number(&self, index: usize) -> bool {
        self.0[index].2
    }
}

const PRICES: TwoFaced = TwoFaced([
    ("RM19.81", "19.805", true),
    ("012-7001111", "127001111", true),
    ("15%", "0.15", true),
    ("22 Nov 26", "2026-11-22", false),
    ("", "", false),
]);

fn rendered(source: &str) -> Result<String, String> {
    engine()
        .compile(source)
        .unwrap_or_else(|error| panic!("{source}: {error}"))
        .render(&PRICES)
        .map_err(|error| error.to_string())
}

/// A row whose dates are read in these orders.
struct Dated([(&'static str, Option<DateOrder>); 5]);

impl Cells for Dated {
    fn cell(&self, index: usize) -> &str {
        self.0[index].0
    }

    fn date_order(&self, index: usize) -> Option<DateOrder> {
        self.0[index].1
    }
}

const DATES: Dated = Dated([
    ("11/05/2026", Some(DateOrder::Dmy)),
    ("11/05/2026", Some(DateOrder::Mdy)),
    ("11/05/2026", None),
    ("11/22/2026", Some(DateOrder::Dmy)),
    ("", Some(DateOrder::Mdy)),
]);

#[test]
fn a_date_is_read_in_the_order_of_its_column() {
    const OPEN: &str = "\"11/05/2026\" could be 11 May 2026 or 5 November 2026; write it as 2026-05-11 or 2026-11-05, or give the date order";
    for (source, text) in [
        ("{{ name|date('%-d %b') }}", "11 May"),
        ("{{ no_tel|date('%-d %b') }}", "5 Nov"),
        ("{{ row['No. Tel']|date('%-d %b') }}", "5 Nov"),
        ("{{ nick|default(name)|date('%-d %b') }}", "11 May"),
        ("{{ nick|default(no_tel)|date('%-d %b') }}", "5 Nov"),
        ("{{ no_tel|default('soon', true)|date('%-d %b') }}", "5 Nov"),
        ("{{ (nick or no_tel)|date('%-d %b') }}", "5 Nov"),
        ("{{ (name if nick else no_tel)|date('%-d %b') }}", "5 Nov"),
        (
            "{% if no_tel|date('%m') == '11' %}November{% endif %}",
            "November",
        ),
        (
            "{{ no_tel|date('%-d %b') ~ ', ' ~ no_tel }}",
            "5 Nov, 11/05/2026",
        ),
        ("{{ nick|default('21/2/2026')|date('%-d %b') }}", "21 Feb"),
        ("{{ nick|default('2026-02-01')|date('%-d %b') }}", "1 Feb"),
        ("{{ baki_rm[:10]|date('%-d %b') }}", "22 Nov"),
    ] {
        let rendered = engine().compile(source).unwrap().render(&DATES);
        assert_eq!(rendered.as_deref(), Ok(text), "{source}");
    }
    for (source, sentence) in [
        ("{{ town|date }}", format!("column \"Town\": {OPEN}")),
        // What is no column by itself must be certain.
        ("{{ no_tel|trim|date }}", format!("column \"No. Tel\": {OPEN}")),
        ("{{ no_tel[:10]|date }}", format!("column \"No. Tel\": {OPEN}")),
        ("{{ ('' ~ no_tel)|date }}", format!("column \"No. Tel\": {OPEN}")),
        ("{{ nick|default('11/05/2026')|date }}", format!("the template fails in line 1: {OPEN}")),
        (
            "{{ baki_rm|date }}",
            "column \"Baki (RM)\": \"11/22/2026\" has no month 22: dates are read with the day first; write it as 2026-11-22".to_owned(),
        ),
    ] {
        let error = engine().compile(source).unwrap().render(&DATES).unwrap_err();
        assert_eq!(error.to_string(), sentence, "{source}");
    }
}

#[test]
fn an_order_that_was_asked_for_holds_for_all_dates() {
    let names = ColumnNames::new(vec![Column {
        header: "Due".to_owned(),
        name: "due".to_owned(),
        cell: 0,
    }]);
    let templates = Templates::new(names, Some(DateOrder::Mdy));
    for source in [
        "{{ due|date('%-d %b') }}",
        "{{ due|trim|date('%-d %b') }}",
        "{{ due[:10]|date('%-d %b') }}",
    ] {
        let template = templates.compile(source).unwrap();
        assert_eq!(
            template.render(&["11/05/2026"][..]).as_deref(),
            Ok("5 Nov"),
            "{source}"
        );
    }
}

#[test]
fn a_cell_is_printed_as_shown_and_read_as_held() {
    for (source, text) in [
        ("{{ name }}", "RM19.81"),
        ("%name%", "RM19.81"),
        ("{{ row['Baki (RM)'] }}", "22 Nov 26"),
        ("{{ name|default('-') }}", "RM19.81"),
        ("{{ name|d('-') }}", "RM19.81"),
        ("{{ nick|default(name) }}", "RM19.81"),
        ("{{ nick|default(town, true) }}", "15%"),
        ("{{ town if name else nick }}", "15%"),
        ("{{ nick if nick else town }}", "15%"),
        ("{{ nick or town }}", "15%"),
        ("{{ 'Only ' ~ name ~ '!' }}", "Only RM19.81!"),
        ("{{ ('Only ' ~ name)|upper }}", "ONLY RM19.81"),
        ("{{ name[2:] }}", "19.81"),
        ("{{ name|money }}", "19.81"),
        ("{{ name|float }}", "19.805"),
        ("{{ name|float|money }}", "19.81"),
        ("{{ (name|float * 2)|money }}", "39.61"),
        ("{{ nick|default(name)|money }}", "19.81"),
        ("{{ (name if town else nick)|money }}", "19.81"),
        ("{{ name|upper }}", "19.805"),
        ("{{ town|float * 100 }}", "15.0"),
        ("{{ (town|float * 100)|int }}%", "15%"),
        ("{{ no_tel|length }}", "9"),
        ("{{ baki_rm|date }}", "22/11/2026"),
        ("{{ baki_rm|date('%A') }}", "Sunday"),
        ("{% if town|float > 0.1 %}{{ town }}{% endif %}", "15%"),
        ("{% if town == '0.15' %}yes{% endif %}", "yes"),
        ("{% if town == '15%' %}no{% else %}yes{% endif %}", "yes"),
        ("{% if baki_rm == '2026-11-22' %}yes{% endif %}", "yes"),
        ("{% if '805' in name %}yes{% endif %}", "yes"),
        ("{% if town in ['0.15'] %}yes{% endif %}", "yes"),
        ("{{ 'yes' if name is startingwith('19') else 'no' }}", "yes"),
        (
            "{{ name }} {{ name|money }} {{ name|float }}",
            "RM19.81 19.81 19.805",
        ),
        ("{{ name ~ ' ' ~ name|money }}", "RM19.81 19.81"),
    ] {
        assert_eq!(rendered(source).as_deref(), Ok(text), "{source}");
    }
}

#[test]
fn a_filter_that_cannot_read_a_value_names_its_column_once() {
    assert_eq!(
        rendered("{{ baki_rm|money ~ baki_rm }}"),
        Err("column \"Baki (RM)\": \"2026-11-22\" is not an amount; write it as 1234.50 or 1,234.50".to_owned())
    );
}

#[test]
fn a_formula_without_a_result_is_not_excused_by_a_default() {
    let cells = ["#NOT CALCULATED!", "1", "Ipoh", "2", ""];
    for source in [
        "{{ name }}",
        "%name%",
        "{{ name|default('friend') }}",
        "{{ nick or name }}",
        "{{ name|first_word }}",
        "{{ 'Hi ' ~ name }}",
        "{% if name %}Hi{% endif %}",
        "{% if name is defined %}Hi{% endif %}",
        "{{ name|money }}",
        "{{ name|default('x')|upper }}",
        "{{ nick|default(name) }}",
    ] {
        let error = render(source, &cells).unwrap_err();
        assert_eq!(
            error.to_string(),
            "column \"Name\" holds a formula without a result; open the workbook in the spreadsheet program, save it and plan again",
            "{source}"
        );
    }
    assert_eq!(render("{{ town }}", &cells).as_deref(), Ok("Ipoh"));
}
