//! What templates render, what they refuse, and in which words.

mod allowed;
mod cells;
mod portal;
mod sentences;

use proptest::prelude::*;

use super::*;

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
    Templates::new(Names::new(
        headers
            .iter()
            .enumerate()
            .map(|(cell, (header, name))| Column {
                header: (*header).to_owned(),
                name: (*name).to_owned(),
                cell,
            })
            .collect(),
    ))
}

fn render(source: &str, cells: &[&str]) -> Result<String, RenderError> {
    engine()
        .compile(source)
        .unwrap_or_else(|fault| panic!("{source}: {fault}"))
        .render(cells)
}

fn fault(source: &str) -> String {
    match engine().compile(source) {
        Ok(_) => panic!("{source} compiles"),
        Err(fault) => fault.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_short_way_renders_what_the_engine_renders(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "Hi ", "\n", " ", "{{ name }}", "{{-town -}}", "{{ nick }}", "%Baki (RM)%", "%nick%", "{{ row['No. Tel'] }}", "50% ", "%", "{", "{# x #}",
            ]),
            0..8,
        ),
        cells in proptest::collection::vec(prop_oneof!["", " ", "#N/A", "Err:502", "Ali\r\nB", "[{][{] x [}][}]", "\\PC{0,8}"], 5),
    ) {
        let engine = engine();
        let source = pieces.concat();
        let Ok(template) = engine.compile(&source) else { return Ok(()) };
        prop_assert!(template.plain.is_some());
        prop_assert_eq!(template.render(&cells[..]), template.render_by_engine(&cells[..]));
    }
}

#[test]
fn what_is_more_than_text_and_columns_goes_the_long_way() {
    for source in [
        "{{ name|upper }}",
        "{% if name %}x{% endif %}",
        "{% set town = name %}{{ town }}",
        "{{ 'x' }}",
    ] {
        let engine = engine();
        assert!(engine.compile(source).unwrap().plain.is_none(), "{source}");
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
        ("{{ [name, town]|join(', ') }}", "Ali bin Abu, Ipoh"),
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
        (
            "{% set greeting = 'Hi ' ~ name %}{{ greeting }}",
            "Hi Ali bin Abu",
        ),
        ("{% set name = 'You' %}{{ name }}", "You"),
        ("{% with x = town %}{{ x }}{% endwith %}", "Ipoh"),
        (
            "{% for part in name|split %}{{ part|first }}{% if not loop.last %}.{% endif %}{% endfor %}",
            "A.b.A",
        ),
        (
            "{% for x in [name, town] if x %}{{ loop.index }}{{ x }} {% endfor %}",
            "1Ali bin Abu 2Ipoh ",
        ),
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
fn a_template_that_is_ready_for_a_blank() {
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
        ("{% set n = nick %}{% if n %}{{ n }}{% endif %}-", "-"),
        ("{% set n = nick|default('x') %}{{ n }}", "x"),
        (
            "{% for x in [name, nick, town] if x %}{{ x }};{% endfor %}",
            "Ali bin Abu;Ipoh;",
        ),
        ("{{ nick|default('0')|float }}", "0.0"),
        ("{{ [nick|default('x'), name]|join(' ') }}", "x Ali bin Abu"),
        ("{{ nick|default('', true) }}-", "-"),
    ] {
        assert_eq!(render(source, FILLED).as_deref(), Ok(text), "{source}");
    }
}

/// Every way to get at a cell that is not one of the forgiving ones above. Each must be a fault for a
/// blank cell: at once, or in the row; and in the row it must name the column.
const WAYS: &[&str] = &[
    "{{ nick }}",
    "{{ row.Nick }}",
    "{{ row['Nick'] }}",
    "{{ nick ~ '' }}",
    "{{ 'a' ~ nick }}",
    "{{ nick ~ name }}",
    "{{ [nick] }}",
    "{{ (nick, name) }}",
    "{{ [nick]|join }}",
    "{{ [name, nick]|join(', ') }}",
    "{{ name|join(nick) }}",
    "{{ [name, nick]|list|join }}",
    "{{ [name, nick]|reverse|join }}",
    "{{ [name, nick][1:]|join }}",
    "{{ [name, nick]|last }}",
    "{{ [nick]|first }}",
    "{{ [[nick]]|first|first }}",
    "{{ [name, nick]|length }}",
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
    "{% if nick|float > 5 %}a{% endif %}",
    "{% if nick|int(0) > 5 %}a{% endif %}",
    "{% if nick|length > 5 %}a{% endif %}",
    "{% if nick is startingwith('a') %}a{% endif %}",
    "{% if name is startingwith(nick) %}a{% endif %}",
    "{% if nick == 'a' == town %}a{% endif %}",
    "{% for c in nick %}{{ c }}{% endfor %}",
    "{% for c in [nick] %}{{ c }}{% endfor %}",
    "{% for c in nick|split %}{{ c }}{% else %}x{% endfor %}",
    "{% set n = nick %}{{ n }}",
    "{% set n = nick %}{% if n %}{% endif %}{{ n }}",
    "{% set n = [nick] %}{% if n %}a{% endif %}",
    "{% with n = nick %}{{ n }}{% endwith %}",
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
fn no_other_way_leads_round_a_blank() {
    let filters = grammar::FILTERS
        .iter()
        .filter(|filter| !["d", "default"].contains(filter));
    let ways = WAYS
        .iter()
        .map(|way| (*way).to_owned())
        .chain(filters.flat_map(|filter| {
            [
                format!("{{{{ nick|{filter} }}}}"),
                format!("{{{{ nick|{filter}('a') }}}}"),
                format!("{{{{ [nick]|{filter} }}}}"),
                format!("{{{{ [nick, name]|{filter}|string }}}}"),
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
    // The others were refused before the first row.
    assert!(compiled >= 500, "{compiled}");
    assert_eq!(
        render("{{ nick }}", FILLED).unwrap_err().to_string(),
        "column \"Nick\" is blank and the template gives no default"
    );
}

/// A blank that was asked about first, and then written all the same.
#[test]
fn a_question_does_not_excuse_what_comes_after() {
    for way in [
        "{{ n }}",
        "{{ 'a' ~ n }}",
        "{{ [n, name]|join }}",
        "{{ [n] }}",
        "{{ n|upper }}",
        "{{ n or n }}",
    ] {
        let source = format!("{{% set n = nick %}}{{% if n %}}{{% endif %}}{way}");
        let rendered = render(&source, FILLED);
        assert!(
            matches!(rendered, Err(RenderError::Blank { .. })),
            "{source}: {rendered:?}"
        );
    }
    for filter in grammar::FILTERS
        .iter()
        .filter(|filter| !["d", "default"].contains(filter))
    {
        let source =
            format!("{{% set n = nick %}}{{% if n %}}{{% endif %}}{{{{ 'a' ~ n|{filter} }}}}");
        if let Ok(template) = engine().compile(&source) {
            assert!(template.render(FILLED).is_err(), "{source}");
        }
    }
}

#[test]
fn a_variable_is_there_only_where_it_is_set_on_every_way() {
    for source in [
        "{% if nick %}{% set x = nick %}{% endif %}{{ x }}",
        "{% if nick %}{% set x = nick %}{% else %}{% set y = name %}{% endif %}{{ x }}",
        "{% if nick %}{% else %}{% set x = name %}{% endif %}{{ [x]|join }}",
        "{% for c in name %}{% set x = c %}{% endfor %}{{ x }}",
        "{% with x = name %}{% endwith %}{{ x }}",
        "{{ x }}{% set x = name %}",
    ] {
        assert!(
            fault(source).contains("there is no column \"x\""),
            "{source}"
        );
    }
    let source = "{% if nick %}{% set x = nick %}{% elif town %}{% set x = town %}{% else %}{% set x = 'y' %}{% endif %}{{ x }}";
    assert_eq!(render(source, FILLED).as_deref(), Ok("Ipoh"));
    let source = "{% if not nick %}{% set nick = 'friend' %}{% endif %}Hi {{ nick }}";
    assert_eq!(render(source, FILLED).as_deref(), Ok("Hi friend"));
}

#[test]
fn what_has_no_value_does_not_vanish() {
    for source in [
        "{{ []|first }}",
        "{{ 'a' ~ []|first }}",
        "{{ [name, []|last]|join(' ') }}",
        "{{ name[50:]|first }}",
        "{{ []|first|upper }}",
        "{{ []|first|trim }}",
        "{{ []|first|string }}",
        "{{ []|first|replace('a', 'b') }}",
        "{% if []|first == name %}{% endif %}",
    ] {
        assert!(
            render(source, FILLED).is_err(),
            "{source}: {:?}",
            render(source, FILLED)
        );
    }
}

/// Every filter and test that the engine has of itself: known to us, or refused before the first row.
#[test]
fn nothing_built_in_is_let_through_unseen() {
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
            fault(&format!("{{{{ name|{filter} }}}}")).contains("there is no filter"),
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
            fault(&format!("{{{{ name is {test} }}}}")).contains("there is no test"),
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
            fault(&format!("{{{{ {call} }}}}")).contains("there are no functions"),
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
    ] {
        assert!(
            fault(statement).contains("a message is written with"),
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
        "{% set x = baki_rm %}{% if x > 5 %}a{% endif %}",
        "{% for x in [baki_rm] %}{% if x > 5 %}a{% endif %}{% endfor %}",
        "{{ 'a' if name > 5 }}",
        "{{ [baki_rm > 5] }}",
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
        let sentence = fault(source);
        assert!(sentence.contains("|float"), "{source}: {sentence}");
    }
    assert_eq!(
        fault("{% if baki_rm >= 1000 %}a{% endif %}"),
        "line 1: baki_rm is text; write baki_rm|float to compare or reckon with it"
    );
}

#[test]
fn a_cell_that_is_no_number_is_a_fault_of_its_row() {
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
            "{% if nick %}{{ row['Baki (RM)'] }}{% endif %}{% set x = no_tel %}",
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
        assert_eq!(fault(source), sentence);
    }
    for source in [
        "{{ nmae|default('x') }}",
        "{% if nmae %}{% endif %}",
        "{% if name %}{% else %}{{ nmae }}{% endif %}",
        "{{ name|default(nmae) }}",
        "{% for x in [name] %}{% endfor %}{{ x }}",
        "{{ loop }}",
        "{{ nmae is defined }}",
        "{% set y = nmae %}",
    ] {
        assert!(fault(source).contains("there is no column"), "{source}");
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
        "{% for a in name|list %}{% for b in name|list %}{% endfor %}{% endfor %}",
        "{% for a in no_tel|list %}{% for b in name|list %}{{ name }}{% endfor %}{% endfor %}",
        "{{ name|list|join(name) }}",
        "{{ '%9999999s'|format(name) }}",
    ] {
        assert_eq!(
            render(source, &cells),
            Err(RenderError::TooManySteps),
            "{source}"
        );
    }
    let nested = "{% if name %}".repeat(5_000);
    assert!(engine().compile(&nested).is_err());
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
            "{{", "}}", "{%", "%}", " if ", " for ", " in ", " set ", " endif ", " endfor ", " else ", "name", "nick",
            "row", ".Nick", "|", "default", "join", "split", "(", ")", "[", "]", ":", ",", "~", "==", "<", "=", "'a'",
            "5", "-", "+", " is ", "defined", " not ", " and ", " or ", "float", "x", "\n", "loop", ".index",
        ]), 0..24)
    ) {
        let source = parts.concat();
        let engine = engine();
        if let Ok(template) = engine.compile(&source) {
            let _ = template.render(FILLED);
        }
    }

    #[test]
    fn cells_come_out_as_they_are(name in "\\PC{1,40}", town in any::<String>()) {
        prop_assume!([&name, &town].iter().all(|cell| matches!(Cell::read(cell), Cell::Filled(_))));
        let text = render("{{ name }}|{{ town }}", &[&name, "", &town]).unwrap();
        prop_assert_eq!(text, format!("{name}|{town}"));
    }
}
