//! What templates render, what they refuse, and in which words.

mod allowed;
mod cells;
mod faces;
mod portal;
mod sentences;

use proptest::prelude::*;

use super::*;
use crate::domain::cell::shown;

const HEADERS: &[(&str, &str)] = &[
    ("Name", "name"),
    ("No. Tel", "no_tel"),
    ("Town", "town"),
    ("Baki (RM)", "baki_rm"),
    ("Nick", "nick"),
];

/// Everything filled but the last column.
const FILLED: &[&str] = &["Ali bin Abu", "0123456789", "Ipoh", "1500.50", ""];

fn engine() -> Templates {
    engine_of(HEADERS)
}

fn engine_of(headers: &[(&str, &str)]) -> Templates {
    let columns = headers
        .iter()
        .enumerate()
        .map(|(cell, (header, name))| Column {
            header: (*header).to_owned(),
            name: (*name).to_owned(),
            cell,
        });
    Templates::new(ColumnNames::new(columns.collect()), None)
}

fn render(source: &str, cells: &[&str]) -> Result<String, RenderError> {
    engine()
        .compile(source)
        .unwrap_or_else(|error| panic!("{source}: {error}"))
        .render(cells)
}

fn error(source: &str) -> String {
    match engine().compile(source) {
        Ok(_) => panic!("{source} compiles"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_filled_cells_render() {
    for (source, text) in [
        ("Hello", "Hello"),
        ("Hi {{ name }}", "Hi Ali bin Abu"),
        ("Hi {{name}}, {{ town }}!", "Hi Ali bin Abu, Ipoh!"),
        ("{{ row[\"Baki (RM)\"] }}", "1500.50"),
        ("{{ row['No. Tel'] }}", "0123456789"),
        (
            "{{ row.Town }}{{ row.town }}{{ row[\"name\"] }}",
            "IpohIpohAli bin Abu",
        ),
        ("{{ name|upper }}", "ALI BIN ABU"),
        ("{{ name|lower|title }}", "Ali Bin Abu"),
        ("{{ name|capitalize }}", "Ali bin abu"),
        ("{{ name|default('friend') }}", "Ali bin Abu"),
        ("{{ name|d('friend') }}", "Ali bin Abu"),
        ("{{ name|split|first }}", "Ali"),
        ("{{ name|split(' ')|last }}", "Abu"),
        ("{{ name|first }}", "A"),
        ("{{ name[:3] }}", "Ali"),
        ("{{ name[-3:] }}", "Abu"),
        ("{{ name|length }}", "11"),
        ("{{ name|replace('bin', 'b.') }}", "Ali b. Abu"),
        ("{{ name ~ ' of ' ~ town }}", "Ali bin Abu of Ipoh"),
        ("{{ name|split|join('-') }}", "Ali-bin-Abu"),
        ("{{ name|split(' ')|length }}", "3"),
        ("{% if 'bin' in name|split %}yes{% endif %}", "yes"),
        ("{{ name if town == 'Ipoh' else 'x' }}", "Ali bin Abu"),
        ("{% if town in ['Ipoh', 'KL'] %}yes{% endif %}", "yes"),
        ("{% if 'bin' in name %}yes{% endif %}", "yes"),
        ("{% if town != 'KL' and name %}yes{% endif %}", "yes"),
        (
            "{% if baki_rm|float >= 1000 %}high{% else %}low{% endif %}",
            "high",
        ),
        (
            "{% if baki_rm|float < 900 %}low{% elif baki_rm|float < 2000 %}mid{% endif %}",
            "mid",
        ),
        ("{% if 1000 <= baki_rm|float < 2000 %}mid{% endif %}", "mid"),
        ("{% if baki_rm|int == 1500 %}yes{% endif %}", "yes"),
        ("{% if name|length > 5 %}long{% endif %}", "long"),
        ("{% if name is startingwith('Ali') %}yes{% endif %}", "yes"),
        ("{% if name is defined %}yes{% endif %}", "yes"),
        ("{{ baki_rm|float * 2 }}", "3001.0"),
        ("{{ (baki_rm|float + 0.25)|round(1) }}", "1500.8"),
        ("{{ baki_rm|int + 1 }}", "1501"),
        ("RM{{ '%.2f'|format(baki_rm|float * 1.06) }}", "RM1590.53"),
        ("{{ town|int(7) }}", "7"),
        ("{{ town|float(0) + 1 }}", "1"),
        ("{# nothing #}a", "a"),
        ("{% raw %}{{ name }}{% endraw %}", "{{ name }}"),
        ("a\n{% if name -%}\n  b\n{%- endif %}", "a\nb"),
        ("<b>&\"{{ '<' ~ name ~ '>' }}", "<b>&\"<Ali bin Abu>"),
        // Not needed, so its blank does not matter.
        ("{{ name|default(nick) }}", "Ali bin Abu"),
        ("{{ name or nick }}", "Ali bin Abu"),
        ("{% if town == 'KL' %}{{ nick }}{% endif %}-", "-"),
    ] {
        assert_eq!(render(source, FILLED).as_deref(), Ok(text), "{source}");
    }
}

#[test]
fn templates_that_are_ready_for_a_blank() {
    for (source, text) in [
        ("{{ nick|default('friend') }}", "friend"),
        ("{{ nick|d('friend') }}", "friend"),
        ("{{ nick|default }}", ""),
        ("{{ nick|default('friend')|upper }}", "FRIEND"),
        ("{{ nick|default(name) }}", "Ali bin Abu"),
        ("{{ nick|default(row.Nick)|default('friend') }}", "friend"),
        ("{{ row['Nick']|default('friend') }}", "friend"),
        ("{{ row.Nick|default('friend') }}", "friend"),
        ("{{ nick or 'friend' }}", "friend"),
        ("{{ nick or name }}", "Ali bin Abu"),
        ("{{ nick if nick else 'friend' }}", "friend"),
        ("{{ 'Dear ' ~ nick if nick }}", ""),
        ("{% if nick %}Dear {{ nick }}{% else %}Hi{% endif %}", "Hi"),
        ("{% if not nick %}Hi{% endif %}", "Hi"),
        ("{% if nick and name %}x{% else %}Hi{% endif %}", "Hi"),
        ("{% if nick is defined %}x{% else %}Hi{% endif %}", "Hi"),
        ("{% if nick is undefined %}Hi{% endif %}", "Hi"),
        ("{{ nick|default('0')|float }}", "0.0"),
        ("{{ nick|default('x') ~ ' ' ~ name }}", "x Ali bin Abu"),
        (
            "{% if nick|default('x') in ['x', nick|default('y')] %}Hi{% endif %}",
            "Hi",
        ),
        ("{{ nick|default('', true) }}-", "-"),
    ] {
        assert_eq!(render(source, FILLED).as_deref(), Ok(text), "{source}");
    }
}

/// Every way to use a cell that is not ready for a blank. Each must be an error for a blank cell: when it is compiled, or in
/// the row; and in the row it must name the column.
const WAYS: &[&str] = &[
    "{{ nick }}",
    "{{ row.Nick }}",
    "{{ row['Nick'] }}",
    "{{ nick ~ '' }}",
    "{{ 'a' ~ nick }}",
    "{{ nick ~ name }}",
    "{{ name|join(nick) }}",
    "{{ nick|join }}",
    "{{ nick|join(name) }}",
    "{{ nick|split|join }}",
    "{{ nick|lines|first }}",
    "{{ nick|first|upper }}",
    "{{ nick|last ~ name }}",
    "{{ nick|length + 1 }}",
    "{{ nick[:3] }}",
    "{{ nick[::-1] }}",
    "{{ nick[-3:] }}",
    "{{ nick == '' }}",
    "{{ nick != 'x' }}",
    "{{ nick == nick }}",
    "{% if nick == '' %}a{% endif %}",
    "{% if nick != 'VIP' %}a{% endif %}",
    "{% if nick in ['a'] %}a{% endif %}",
    "{% if nick not in ['a'] %}a{% endif %}",
    "{% if 'a' in nick %}a{% endif %}",
    "{% if name in [nick] %}a{% endif %}",
    "{% if name in [town, nick] %}a{% endif %}",
    "{% if nick in (town, name) %}a{% endif %}",
    "{% if nick in name|split %}a{% endif %}",
    "{% if name in nick|split %}a{% endif %}",
    "{% if nick|float > 5 %}a{% endif %}",
    "{% if nick|int(0) > 5 %}a{% endif %}",
    "{% if nick|length > 5 %}a{% endif %}",
    "{% if nick is startingwith('a') %}a{% endif %}",
    "{% if name is startingwith(nick) %}a{% endif %}",
    "{% if nick == 'a' == town %}a{% endif %}",
    "{{ nick or nick }}",
    "{{ nick and name }}",
    "{{ name and nick }}",
    "{{ nick or row.Nick }}",
    "{{ nick|default(nick) }}",
    "{{ name if nick == 'a' else town }}",
    "{{ 'x' if name else nick }}{{ nick if name else 'x' }}",
    "{{ name|replace('a', nick) }}",
    "{{ name|replace(nick, 'a') }}",
    "{{ name|split(nick) }}",
    "{{ nick|d(nick)|upper }}",
    "{{ 'Hi %s'|format(nick) }}",
    "{{ 'Hi'|format(nick) }}",
];

#[test]
fn a_blank_is_an_error_in_every_other_use() {
    let filters = check::FILTERS
        .iter()
        .filter(|filter| !["d", "default"].contains(filter));
    let ways = WAYS
        .iter()
        .map(|way| (*way).to_owned())
        .chain(filters.flat_map(|filter| {
            [
                format!("{{{{ nick|{filter} }}}}"),
                format!("{{{{ nick|{filter}('a') }}}}"),
                format!("{{{{ nick|{filter}|string }}}}"),
                format!("{{{{ nick[:3]|{filter} }}}}"),
                format!("{{{{ (nick ~ name)|{filter} }}}}"),
                format!("{{{{ nick|split|{filter} }}}}"),
                format!("{{% if nick|{filter} %}}a{{% endif %}}"),
            ]
        }));
    let mut compiled = 0;
    for way in ways {
        for blank in ["", " ", "\u{A0}", "\t\u{3000}", "\u{200B}"] {
            let engine = engine();
            let Ok(template) = engine.compile(&way) else {
                continue;
            };
            compiled += 1;
            let mut cells = FILLED.to_vec();
            cells[4] = blank;
            let rendered = template.render(cells.as_slice());
            assert_eq!(
                rendered,
                Err(RenderError::Blank {
                    header: "Nick".to_owned()
                }),
                "{way}"
            );
        }
    }
    // The others are refused before the first row.
    assert!(compiled >= 500, "{compiled}");
    assert_eq!(
        render("{{ nick }}", FILLED).unwrap_err().to_string(),
        "column \"Nick\" is blank and the template gives no default"
    );
}

/// A blank that was tested first, and is then written all the same.
#[test]
fn a_test_does_not_excuse_what_comes_after() {
    let filters = check::FILTERS
        .iter()
        .filter(|filter| !["d", "default"].contains(filter));
    let ways = ["nick", "'a' ~ nick", "nick ~ name", "nick or nick"]
        .into_iter()
        .map(str::to_owned)
        .chain(filters.map(|filter| format!("'a' ~ (nick|{filter})")));
    for way in ways {
        for source in [
            format!("{{% if nick %}}{{% endif %}}{{{{ {way} }}}}"),
            format!("{{% if not nick %}}{{{{ {way} }}}}{{% endif %}}"),
            format!("{{{{ 'x' if nick else ({way}) }}}}"),
            format!("{{{{ 'x' if nick is defined else {way} }}}}"),
            format!("{{{{ nick|default({way}) }}}}"),
            format!("{{{{ (nick or 'x') ~ ({way}) }}}}"),
        ] {
            let engine = engine();
            let Ok(template) = engine.compile(&source) else {
                continue;
            };
            let rendered = template.render(FILLED);
            assert!(
                matches!(rendered, Err(RenderError::Blank { .. })),
                "{source}: {rendered:?}"
            );
        }
    }
}

#[test]
fn what_has_no_value_is_an_error() {
    for source in [
        "{{ name[50:]|first }}",
        "{{ 'a' ~ name[50:]|first }}",
        "{{ nick|d('')|first }}",
        "{{ nick|d('')|last ~ name }}",
        "{{ name[50:]|split|first }}",
        "{{ nick|d('')|first|upper }}",
        "{{ nick|d('')|first|trim }}",
        "{{ nick|d('')|first|string }}",
        "{{ nick|d('')|first|replace('a', 'b') }}",
        "{% if ''|first == name %}{% endif %}",
    ] {
        assert!(
            render(source, FILLED).is_err(),
            "{source}: {:?}",
            render(source, FILLED)
        );
    }
}

/// Every other filter and test that the engine has is refused before the first row.
#[test]
fn filters_and_tests_that_are_not_listed_are_refused() {
    for filter in [
        "safe",
        "escape",
        "e",
        "dictsort",
        "items",
        "attr",
        "min",
        "max",
        "sort",
        "bool",
        "batch",
        "slice",
        "sum",
        "indent",
        "select",
        "reject",
        "selectattr",
        "rejectattr",
        "map",
        "groupby",
        "unique",
        "chain",
        "zip",
        "pprint",
        "tojson",
        "urlencode",
    ] {
        assert!(
            error(&format!("{{{{ name|{filter} }}}}")).contains("there is no filter"),
            "{filter}"
        );
    }
    for test in [
        "none",
        "safe",
        "escaped",
        "boolean",
        "odd",
        "even",
        "number",
        "integer",
        "int",
        "float",
        "string",
        "sequence",
        "iterable",
        "mapping",
        "lower",
        "upper",
        "sameas(1)",
        "eq(1)",
        "equalto(1)",
        "ne(1)",
        "lt(1)",
        "lessthan(1)",
        "le(1)",
        "gt(1)",
        "greaterthan(1)",
        "ge(1)",
        "in([1])",
        "true",
        "false",
        "filter",
        "test",
        "divisibleby(2)",
    ] {
        assert!(
            error(&format!("{{{{ name is {test} }}}}")).contains("there is no test"),
            "{test}"
        );
    }
}

#[test]
fn what_has_no_place_in_a_message() {
    for call in [
        "range(9)",
        "dict()",
        "debug()",
        "namespace()",
        "name.upper()",
        "lipsum()",
        "super()",
        "loop(1)",
    ] {
        assert!(
            error(&format!("{{{{ {call} }}}}")).contains("there are no functions"),
            "{call}"
        );
    }
    for statement in [
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% from 'x' import y %}",
        "{% extends 'x' %}",
        "{% block a %}{% endblock %}",
        "{% macro m() %}{% endmacro %}",
        "{% call m() %}{% endcall %}",
        "{% do m() %}",
        "{% filter upper %}a{% endfilter %}",
        "{% autoescape true %}{% endautoescape %}",
        "{% set x %}a{% endset %}",
        "{% set x = name %}{{ x }}",
        "{% for x in name %}{{ x }}{% endfor %}",
        "{% with x = name %}{{ x }}{% endwith %}",
        "{% endfor %}",
        "{% if name %}{% endset %}{% endif %}",
    ] {
        assert!(
            error(statement).contains("a message is written with"),
            "{statement}"
        );
    }
}

#[test]
fn text_is_not_taken_for_a_number() {
    for source in [
        "{% if baki_rm >= 1000 %}a{% endif %}",
        "{% if 1000 < baki_rm %}a{% endif %}",
        "{% if row.Nick > 1000 %}a{% endif %}",
        "{% if row['Baki (RM)'] > 1000 %}a{% endif %}",
        "{% if baki_rm > nick %}a{% endif %}",
        "{% if baki_rm > '1000' %}a{% endif %}",
        "{% if baki_rm == 1000 %}a{% endif %}",
        "{% if 1000 != baki_rm %}a{% endif %}",
        "{% if baki_rm in [1000, 2000] %}a{% endif %}",
        "{% if baki_rm not in (1000, 2000) %}a{% endif %}",
        "{% if 5 in name %}a{% endif %}",
        "{% if baki_rm|trim > 5 %}a{% endif %}",
        "{% if baki_rm|default(0) > 5 %}a{% endif %}",
        "{% if baki_rm|float('x') > 5 %}a{% endif %}",
        "{% if baki_rm|float(default=nick) > 5 %}a{% endif %}",
        "{% if baki_rm|float < 5 < baki_rm %}a{% endif %}",
        "{% if (baki_rm if name else 5) > 5 %}a{% endif %}",
        "{% if (baki_rm or 5) > 5 %}a{% endif %}",
        "{% if -baki_rm > 5 %}a{% endif %}",
        "{{ 'a' if name > 5 }}",
        "{% if name in [baki_rm > 5] %}a{% endif %}",
        "{{ name[:baki_rm > 5] }}",
        "{{ name|default(baki_rm > 5) }}",
        "{{ baki_rm * 2 }}",
        "{{ 2 * baki_rm }}",
        "{{ baki_rm + nick }}",
        "{{ baki_rm + 1 }}",
        "{{ baki_rm - 1 }}",
        "{{ baki_rm / 2 }}",
        "{{ baki_rm // 2 }}",
        "{{ baki_rm % 2 }}",
        "{{ baki_rm ** 2 }}",
        "{{ baki_rm|round }}",
        "{{ baki_rm|abs }}",
    ] {
        let sentence = error(source);
        assert!(sentence.contains("|float"), "{source}: {sentence}");
    }
    assert_eq!(
        error("{% if baki_rm >= 1000 %}a{% endif %}"),
        "line 1: baki_rm is text; write baki_rm|float to compare or calculate with it"
    );
}

#[test]
fn a_cell_that_is_no_number_is_an_error_of_its_row() {
    for cell in ["RM1,500", "1,500", "abc", "nan", "inf", "1e999", "12.5.1"] {
        for source in [
            "{{ town|float }}",
            "{{ town|int }}",
            "{% if town|float > 5 %}{% endif %}",
        ] {
            let rendered = render(source, &["Ali", "1", cell, "2", ""]);
            assert_eq!(
                rendered.unwrap_err().to_string(),
                format!("column \"Town\": \"{cell}\" is not a number")
            );
        }
    }
    for (cell, int) in [
        ("12", "12"),
        (" 12 ", "12"),
        ("-3", "-3"),
        ("12.9", "12"),
        ("9007199254740993", "9007199254740993"),
    ] {
        assert_eq!(
            render("{{ town|int }}", &["", "", cell]).as_deref(),
            Ok(int)
        );
    }
}

#[test]
fn the_columns_that_are_used() {
    for (source, used) in [
        ("Hi", &[][..]),
        (
            "{{ town }} {{ name|upper }} {{ name }}",
            &[("Name", 0), ("Town", 2)],
        ),
        (
            "{% if nick %}{{ row['Baki (RM)'] }}{% elif no_tel %}{% endif %}",
            &[("No. Tel", 1), ("Baki (RM)", 3), ("Nick", 4)],
        ),
        ("{{ nick|default(town) }}", &[("Town", 2), ("Nick", 4)]),
    ] {
        let engine = engine();
        let template = engine.compile(source).unwrap();
        assert_eq!(template.used().collect::<Vec<_>>(), used, "{source}");
    }
}

#[test]
fn unknown_columns() {
    for (source, sentence) in [
        (
            "Hi {{ nmae }}",
            "line 1: there is no column \"nmae\"; did you mean \"name\"? The columns are: name, no_tel, town, baki_rm, nick",
        ),
        (
            "Hi\n{{ Name }}",
            "line 2: there is no column \"Name\"; did you mean \"name\"? The columns are: name, no_tel, town, baki_rm, nick",
        ),
        (
            "{{ xyzzy }}",
            "line 1: there is no column \"xyzzy\"; the columns are: name, no_tel, town, baki_rm, nick",
        ),
        (
            "{{ row['Baki RM'] }}",
            "line 1: there is no column \"Baki RM\"; did you mean \"baki_rm\"? The columns are: name, no_tel, town, baki_rm, nick",
        ),
        (
            "{{ row.nmae }}",
            "line 1: there is no column \"nmae\"; did you mean \"name\"? The columns are: name, no_tel, town, baki_rm, nick",
        ),
    ] {
        assert_eq!(error(source), sentence);
    }
    for source in [
        "{{ nmae|default('x') }}",
        "{% if nmae %}{% endif %}",
        "{% if name %}{% else %}{{ nmae }}{% endif %}",
        "{{ name|default(nmae) }}",
        "{{ loop }}",
        "{{ nmae is defined }}",
        "{% if name %}{% elif nmae == name %}{% endif %}",
        "{% if name in [town, nmae] %}{% endif %}",
        "{{ name[:nmae|int] }}",
    ] {
        assert!(error(source).contains("there is no column"), "{source}");
    }
}

#[test]
fn endless_work_and_output_are_bounded() {
    let long = "x".repeat(9_000);
    let cells = [long.as_str(), "0123456789"];
    assert_eq!(
        render("{{ name }}", &cells).map(|text| text.len()),
        Ok(9_000)
    );
    assert_eq!(
        render("{{ name }}{{ name }}", &cells),
        Err(RenderError::TooLong)
    );
    for source in [
        "{{ name|join(name) }}",
        "{{ name|replace('x', name) }}",
        "{% if '%9999999s'|format(name) %}{% endif %}",
        "{{ '%9999999s'|format(name) }}",
    ] {
        assert_eq!(
            render(source, &cells),
            Err(RenderError::TooManySteps),
            "{source}"
        );
    }
    for (tag, end) in [
        ("{% if name %}", "{% endif %}"),
        ("{% if name %}", ""),
        ("{{ name }}", ""),
    ] {
        let nested = tag.repeat(5_000) + &end.repeat(5_000);
        assert!(error(&nested).contains("too long to be a message"), "{tag}");
    }
    for chain in ["|upper", " ~ name", "[1:]", " if name"] {
        let chain = format!("{{{{ name{} }}}}", chain.repeat(5_000));
        assert!(error(&chain).contains("too long to be a message"));
    }
    // The longest that are allowed.
    for longest in [
        format!("{{{{ {}baki_rm|int }}}}", "-".repeat(990)),
        format!("{{{{ {}name }}}}", "not ".repeat(990)),
        format!("{{{{ name{} }}}}", "|upper".repeat(490)),
        format!("{{{{ name{} }}}}", " ~ name".repeat(490)),
        "{% if name %}".repeat(150) + &"{% endif %}".repeat(150),
    ] {
        let engine = engine();
        if let Ok(template) = engine.compile(&longest) {
            let _ = template.render(FILLED);
        }
    }
    let brackets = format!("{{{{ {}name{} }}}}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(engine().compile(&brackets).is_err());
}

#[test]
fn one_template_serves_all_threads() {
    let engine = engine();
    let template = engine
        .compile("Hi {{ name }} of {{ town|default('?') }}")
        .unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let template = &template;
            scope.spawn(move || {
                for row in 0..200 {
                    let name = format!("{thread}-{row}");
                    let cells = [name.as_str(), "", ""];
                    assert_eq!(
                        template.render(cells.as_slice()),
                        Ok(format!("Hi {name} of ?"))
                    );
                }
            });
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(source in any::<String>()) {
        let engine = engine();
        if let Ok(template) = engine.compile(&source) {
            let _ = template.render(FILLED);
        }
    }

    #[test]
    fn never_panics_on_what_looks_like_a_template(
        parts in prop::collection::vec(prop::sample::select(vec![
            "{{", "}}", "{%", "%}", " if ", " elif ", " in ", " endif ", " raw ", " endraw ", " else ", "name", "nick",
            "row", ".Nick", "|", "default", "join", "split", "(", ")", "[", "]", ":", ",", "~", "==", "<", "=", "'a'",
            "5", "-", "+", " is ", "defined", " not ", " and ", " or ", "float", "x", "\n", "loop", "{#", "#}",
        ]), 0..24)
    ) {
        let source = parts.concat();
        let engine = engine();
        if let Ok(template) = engine.compile(&source) {
            let _ = template.render(FILLED);
        }
    }

    #[test]
    fn cells_come_out_as_they_are_seen(name in "\\PC{1,40}", town in any::<String>()) {
        prop_assume!([&name, &town].iter().all(|cell| filled("", cell).is_ok()));
        let text = render("{{ name }}|{{ town }}", &[&name, "", &town]).unwrap();
        prop_assert_eq!(text, format!("{}|{}", shown(&name), shown(&town)));
    }
}
