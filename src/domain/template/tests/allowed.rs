//! Every filter, test and operator that a message may have, applied to a blank cell and to a number: a blank is never
//! rendered, and a text is never taken for a number. A filter or test that is added fails here until it has a row.

use super::*;

/// What a filter yields.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Yields {
    Text,
    Number,
    List,
}
use Yields::{List, Number, Text};

/// Each allowed filter, a call of it, its operand, the result for the cell `900`, and the kind of that result.
const FILTERS: &[(&str, &str, &str, &str, Yields)] = &[
    ("abs", "abs", "baki_rm|int", "900", Number),
    ("capitalize", "capitalize", "baki_rm", "900", Text),
    ("count", "count", "baki_rm", "3", Number),
    ("d", "d('5')", "baki_rm", "900", Text),
    ("date", "date('%Y')", "nick|d('46348')", "2026", Text),
    ("default", "default('5')", "baki_rm", "900", Text),
    ("first", "first", "baki_rm", "9", Text),
    ("first_word", "first_word", "baki_rm", "900", Text),
    ("float", "float", "baki_rm", "900.0", Number),
    ("format", "format(baki_rm)", "'%s'", "900", Text),
    ("int", "int", "baki_rm", "900", Number),
    ("join", "join('-')", "baki_rm", "9-0-0", Text),
    ("last", "last", "baki_rm", "0", Text),
    ("length", "length", "baki_rm", "3", Number),
    ("lines", "lines", "baki_rm", "['900']", List),
    ("lower", "lower", "baki_rm", "900", Text),
    ("money", "money", "baki_rm", "900.00", Text),
    ("replace", "replace('9', '8')", "baki_rm", "800", Text),
    ("round", "round", "baki_rm|float", "900.0", Number),
    ("split", "split", "baki_rm", "['900']", List),
    ("string", "string", "baki_rm", "900", Text),
    ("title", "title", "baki_rm", "900", Text),
    ("trim", "trim", "baki_rm", "900", Text),
    ("upper", "upper", "baki_rm", "900", Text),
];

/// Each allowed test, a use of it on `baki_rm`, and whether it is true for the cell `900`.
const TESTS: &[(&str, &str, bool)] = &[
    ("defined", "defined", true),
    ("undefined", "undefined", false),
    ("startingwith", "startingwith('9')", true),
    ("endingwith", "endingwith('9')", false),
];

/// Every way to write a text that is a cell, or depends on one.
const TEXTS: &[&str] = &[
    "baki_rm",
    "row.baki_rm",
    "row['Baki (RM)']",
    "baki_rm[:2]",
    "(baki_rm ~ '')",
    "(baki_rm ~ 5)",
    "(baki_rm if town else '5')",
    "(baki_rm if town)",
    "(baki_rm or '5')",
    "(town and baki_rm)",
    "'5'",
    "(baki_rm|first)",
    "(baki_rm|split|last)",
];

/// What is a number in some rows only.
const MIXED: &[&str] = &[
    "(baki_rm if town else 5)",
    "(5 if town)",
    "(baki_rm or 5)",
    "(5 and baki_rm)",
    "(baki_rm|default(5))",
    "(baki_rm|float('x'))",
    "(baki_rm|int(default=town))",
    "(baki_rm|default(5)|d('x'))",
];

/// Every way to write a number.
const NUMBERS: &[&str] = &[
    "5",
    "-5",
    "5.5",
    "(2 * 3)",
    "baki_rm|float",
    "(baki_rm|int + 1)",
    "(baki_rm|float|abs)",
    "baki_rm|length",
    "(5 if town else 6)",
    "(5 or 6)",
    "(baki_rm|split|length)",
    "(town|default(baki_rm)|float(0))",
];

const ORDER: &[&str] = &["<", "<=", ">", ">="];
const EQUATIONS: &[&str] = &["==", "!="];
const ARITHMETIC: &[&str] = &["+", "-", "*", "/", "//", "%", "**"];

/// The cell `900` under `Baki (RM)`.
const NINE_HUNDRED: &[&str] = &["Ali", "1", "Ipoh", "900", ""];

fn refused(source: &str) -> bool {
    engine().compile(source).is_err()
}

fn yes(condition: &str) -> bool {
    let source = format!("{{{{ 'yes' if {condition} else 'no' }}}}");
    render(&source, NINE_HUNDRED).unwrap_or_else(|error| panic!("{condition}: {error}")) == "yes"
}

#[test]
fn every_filter_and_test_has_a_row() {
    let mut filters: Vec<&str> = FILTERS.iter().map(|row| row.0).collect();
    filters.sort_unstable();
    assert_eq!(filters, check::FILTERS);
    let mut tests: Vec<&str> = TESTS.iter().map(|row| row.0).collect();
    let mut allowed = check::TESTS.to_vec();
    tests.sort_unstable();
    allowed.sort_unstable();
    assert_eq!(tests, allowed);
}

#[test]
fn what_each_makes_of_a_cell() {
    for (filter, call, of, text, yields) in FILTERS {
        let source = format!("{{{{ {of}|{call} }}}}");
        assert_eq!(
            render(&source, NINE_HUNDRED).as_deref(),
            Ok(*text),
            "{source}"
        );
        let value = format!("({of}|{call})");
        // A number is ordered as one, anything else not at all.
        for order in ORDER {
            let condition = format!("{value} {order} 1000");
            assert_eq!(
                refused(&format!("{{% if {condition} %}}{{% endif %}}")),
                *yields != Number,
                "{filter}: {condition}"
            );
            if *yields == Number {
                let less = text.parse::<f64>().unwrap() < 1000.0;
                assert_eq!(
                    yes(&condition),
                    less == order.starts_with('<'),
                    "{condition}"
                );
            }
        }
        for equation in EQUATIONS {
            let equal = format!(
                "{value} {equation} {}",
                if *yields == Number { *text } else { "'900'" }
            );
            match yields {
                Text => assert_eq!(
                    yes(&equal),
                    (*text == "900") == (*equation == "=="),
                    "{equal}"
                ),
                Number => assert_eq!(yes(&equal), *equation == "==", "{equal}"),
                List => assert!(refused(&format!("{{{{ {equal} }}}}")), "{equal}"),
            }
        }
    }
    for (test, call, holds) in TESTS {
        let condition = format!("baki_rm is {call}");
        assert_eq!(yes(&condition), *holds, "{test}");
        assert_eq!(yes(&format!("baki_rm is not {call}")), !holds, "{test}");
        assert!(refused(&format!("{{{{ ({condition}) > 5 }}}}")), "{test}");
        assert!(
            refused(&format!("{{{{ ({condition}) == 'True' }}}}")),
            "{test}"
        );
        assert!(refused(&format!("{{{{ ({condition}) == 1 }}}}")), "{test}");
    }
}

#[test]
fn each_is_an_error_on_a_blank_cell() {
    let blank = Err(RenderError::Blank {
        header: "Nick".to_owned(),
    });
    for (filter, call, of, _, _) in FILTERS {
        if matches!(*filter, "d" | "default") {
            let source = format!("{{{{ nick|{call} }}}}");
            assert_eq!(render(&source, FILLED).as_deref(), Ok("5"));
            continue;
        }
        let (of, call) = if *filter == "format" {
            ((*of).to_owned(), call.replace("baki_rm", "nick"))
        } else if of.contains("baki_rm") {
            (of.replace("baki_rm", "nick"), (*call).to_owned())
        } else {
            ("nick".to_owned(), (*call).to_owned())
        };
        for source in [
            format!("Hello {{{{ {of}|{call} }}}},"),
            format!("{{% if {of}|{call} %}}a{{% endif %}}"),
            format!("{{% if town == 'KL' %}}{{% elif {of}|{call} %}}a{{% endif %}}"),
            format!("{{{{ 'a' if town else {of}|{call} }}}}{{{{ {of}|{call} if town }}}}"),
            format!("{{{{ {of}|{call}|default('5') }}}}"),
        ] {
            assert_eq!(render(&source, FILLED), blank, "{source}");
        }
    }
    for (test, call, _) in TESTS {
        let source = format!("{{{{ 'yes' if nick is {call} else 'no' }}}}");
        match *test {
            "defined" => assert_eq!(render(&source, FILLED).as_deref(), Ok("no")),
            "undefined" => assert_eq!(render(&source, FILLED).as_deref(), Ok("yes")),
            _ => assert_eq!(render(&source, FILLED), blank, "{source}"),
        }
    }
}

#[test]
fn each_operator_is_an_error_on_a_blank_cell() {
    let blank = Err(RenderError::Blank {
        header: "Nick".to_owned(),
    });
    let mut sources = Vec::new();
    for order in ORDER.iter().chain(EQUATIONS).chain(ARITHMETIC) {
        for (one, other) in [
            ("nick|float", "5"),
            ("5", "nick|int"),
            ("nick|length", "baki_rm|float"),
        ] {
            sources.push(format!("{{{{ {one} {order} {other} }}}}"));
            sources.push(format!("{{% if {one} {order} {other} %}}{{% endif %}}"));
        }
    }
    for equation in ["==", "!=", "in", "not in", "~"] {
        for (one, other) in [
            ("nick", "town"),
            ("town", "nick"),
            ("nick", "nick"),
            ("nick", "''"),
            ("row.Nick", "'a'"),
        ] {
            sources.push(format!("{{{{ {one} {equation} {other} }}}}"));
            sources.push(format!(
                "{{{{ 'a' if ({one} {equation} {other}) else 'b' }}}}"
            ));
        }
    }
    sources.extend(
        [
            "Hello %nick%,",
            "Hello {{ nick }},",
            "{{ nick[:5] }}",
            "{{ nick[2:] }}",
            "{{ nick in [town] }}",
            "{{ town in [nick, town] and nick in ['a'] }}",
            "{{ 'Dear ' ~ (nick if town else town) }}",
            "{{ town and nick }}",
            "{{ -(nick|float) }}",
        ]
        .map(str::to_owned),
    );
    for source in sources {
        assert_eq!(render(&source, FILLED), blank, "{source}");
    }
}

#[test]
fn a_text_is_never_compared_with_a_number() {
    let all = || ORDER.iter().chain(EQUATIONS).chain(ARITHMETIC);
    for text in TEXTS.iter().chain(MIXED) {
        for number in NUMBERS {
            for operator in all() {
                for expression in [
                    format!("{text} {operator} {number}"),
                    format!("{number} {operator} {text}"),
                ] {
                    assert!(refused(&format!("{{{{ {expression} }}}}")), "{expression}");
                }
            }
            for expression in [
                format!("{text} in [{number}]"),
                format!("{text} not in ({number}, 7)"),
                format!("{number} in [{text}]"),
                format!("{number} in [7, {text}]"),
                format!("{number} in {text}"),
                format!("{text} in ['a', {number}]"),
                format!("{text} in ({number},)"),
                format!("{text} in [[{number}]]"),
            ] {
                assert!(refused(&format!("{{{{ {expression} }}}}")), "{expression}");
            }
        }
        for operator in ORDER.iter().chain(ARITHMETIC) {
            assert!(
                refused(&format!("{{{{ {text} {operator} {text} }}}}")),
                "{text} {operator}"
            );
        }
    }
    for mixed in MIXED {
        for equation in EQUATIONS.iter().chain(&["in", "not in"]) {
            for expression in [
                format!("{mixed} {equation} baki_rm"),
                format!("'5' {equation} {mixed}"),
            ] {
                assert!(refused(&format!("{{{{ {expression} }}}}")), "{expression}");
            }
        }
    }
}

#[test]
fn two_numbers_and_two_texts_compare_as_what_they_are() {
    for number in NUMBERS {
        for operator in ORDER.iter().chain(EQUATIONS).chain(ARITHMETIC) {
            let source = format!("{{{{ town if {number} {operator} 7 }}}}");
            assert!(!refused(&source), "{source}");
        }
    }
    for text in TEXTS {
        for equation in EQUATIONS.iter().chain(&["in", "not in", "~"]) {
            let source = format!("{{{{ {text} {equation} town }}}}");
            assert!(!refused(&source), "{source}");
        }
    }
    for condition in [
        "baki_rm|float < 1000",
        "1000 > baki_rm|int",
        "baki_rm == '900'",
        "baki_rm in ['900', '1000']",
        "baki_rm|int in [900, 1000]",
        "'0' in baki_rm",
        "100 < baki_rm|float < 1000",
        "(baki_rm|default(0)|float) < 1000",
        "'900' in [baki_rm, town]",
        "baki_rm|split == '900'|split",
        "not baki_rm|float > 1000",
    ] {
        assert!(yes(condition), "{condition}");
    }
}

#[test]
fn a_cell_is_never_a_truth_or_a_list() {
    for source in [
        "{% if baki_rm == true %}a{% endif %}",
        "{% if false != baki_rm %}a{% endif %}",
        "{% if baki_rm == none %}a{% endif %}",
        "{% if baki_rm in [true] %}a{% endif %}",
        "{% if baki_rm == ['900'] %}a{% endif %}",
        "{% if baki_rm == [] %}a{% endif %}",
        "{% if baki_rm == baki_rm|split %}a{% endif %}",
        "{% if [baki_rm] == ['900'] %}a{% endif %}",
    ] {
        assert!(refused(source), "{source}");
    }
}

/// A list can only be searched with `in`.
#[test]
fn a_list_stands_only_behind_in() {
    for expression in [
        "[name]",
        "(name, town)",
        "[]",
        "[name]|first",
        "[name, town]|join(', ')",
        "name|default([town])",
        "[name] == [town]",
        "[name] in [town]",
        "name in [[town]]",
        "name if [town]",
    ] {
        assert!(refused(&format!("{{{{ {expression} }}}}")), "{expression}");
    }
}

/// Numbers among the arguments are an error of the template or of the row, never silently used.
#[test]
fn a_number_where_a_text_belongs_is_an_error() {
    for expression in [
        "baki_rm is startingwith(9)",
        "baki_rm is endingwith(0)",
        "baki_rm|replace(9, 8)",
        "baki_rm|split(0)",
        "baki_rm|join(0)",
        "name[:baki_rm]",
        "name[baki_rm:]",
        "(5.55|round(baki_rm))",
        "'%d'|format(baki_rm)",
        "'%.2f'|format(baki_rm)",
        "baki_rm|date(5 + 5)",
    ] {
        let source = format!("{{{{ {expression} }}}}");
        let engine = engine();
        let quiet = engine
            .compile(&source)
            .is_ok_and(|template| template.render(NINE_HUNDRED).is_ok());
        assert!(!quiet, "{expression}");
    }
}
