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
