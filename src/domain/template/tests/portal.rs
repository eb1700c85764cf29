//! `%name%` of the gateway's own portal.

use super::*;

#[test]
fn a_name_between_percent_signs_is_the_column() {
    for (source, text) in [
        ("Hi %name%", "Hi Ali bin Abu"),
        ("%name%%town%", "Ali bin AbuIpoh"),
        ("%name%town%", "Ali bin Abutown%"),
        (
            "%Name% %NAME% %name%",
            "Ali bin Abu Ali bin Abu Ali bin Abu",
        ),
        (
            "%No. Tel%/%no tel%/%no_tel%",
            "0123456789/0123456789/0123456789",
        ),
        (
            "RM%Baki (RM)% %baki_rm% %BAKI RM%",
            "RM1500.50 1500.50 1500.50",
        ),
        // A percent sign stays one.
        ("50% off, %name%", "50% off, Ali bin Abu"),
        ("100%", "100%"),
        ("5%-10% off %name%", "5%-10% off Ali bin Abu"),
        ("5% %name% 10%", "5% Ali bin Abu 10%"),
        ("%%name%%", "%Ali bin Abu%"),
        ("%% %", "%% %"),
        ("% name %", "% name %"),
        ("%name %", "%name %"),
        ("%na\nme%", "%na\nme%"),
        ("%nmae%", "%nmae%"),
        ("%-name%", "%-name%"),
        ("%name!%", "%name!%"),
        ("%baki (rm)% %Baki (RM}%", "1500.50 %Baki (RM}%"),
        ("%(name)%", "%(name)%"),
        ("%name%}", "Ali bin Abu}"),
        ("{%% %name%", "line"),
        // Among the other ways of writing.
        ("%name%{{ nick|default('%town%') }}", "Ali bin Abu%town%"),
        ("{% raw %}%{% endraw %}name%", "%name%"),
        ("{# %name% #}a", "a"),
        ("{% raw %}%name%{% endraw %} %name%", "%name% Ali bin Abu"),
        (
            "{%- raw -%} %name% {%- endraw -%} %name%",
            "%name%Ali bin Abu",
        ),
        ("{% raw %}{% endraw %}%name%", "Ali bin Abu"),
        ("{# {% raw %}#}%name%", "Ali bin Abu"),
        ("{{ nick|d('{% raw %}') }}%name%", "{% raw %}Ali bin Abu"),
        (
            "{% if town == 'Ipoh' %}%name%{% else %}%nick%{% endif %}",
            "Ali bin Abu",
        ),
        (
            "{% if not town %}%nick%{% elif name %}%name%{% endif %}",
            "Ali bin Abu",
        ),
        (
            "{{ -(baki_rm|int) + 2 * 3 }} {{ name|length }} {{ name is startingwith('A') and not nick }} %town%",
            "-1494 11 True Ipoh",
        ),
        (
            "{{ 1 < baki_rm|float <= 2000 }} {{ row.Town ~ row['No. Tel'] }} {{ name|replace('bin', 'b.')|split|last }} %town%",
            "True Ipoh0123456789 Abu Ipoh",
        ),
        (" {%- if name -%} %name% {%- endif %}", "Ali bin Abu"),
    ] {
        if text == "line" {
            assert!(engine().compile(source).is_err(), "{source}");
            continue;
        }
        assert_eq!(render(source, FILLED).as_deref(), Ok(text), "{source}");
    }
}

#[test]
fn a_blank_is_an_error_here_too() {
    let blank = Err(RenderError::Blank {
        header: "Nick".to_owned(),
    });
    for source in [
        "%nick%",
        "Hi %Nick%, %name%",
        "{% if nick %}{% endif %}%nick%",
    ] {
        assert_eq!(render(source, FILLED), blank, "{source}");
    }
    assert_eq!(
        render("{% if nick %}%nick%{% else %}Hi{% endif %}", FILLED).as_deref(),
        Ok("Hi")
    );
}

#[test]
fn its_columns_count_as_used() {
    let engine = engine();
    let template = engine.compile("%town% {{ name }} %nmae% %").unwrap();
    assert_eq!(
        template.used().collect::<Vec<_>>(),
        [("Name", 0), ("Town", 2)]
    );
}

#[test]
fn headers_of_every_kind() {
    let headers = [
        ("He said \"hi\" \\ {{ x }}", "he_said_hi_x"),
        ("10", "10"),
        ("姓名", "姓名"),
        (" Kod\u{a0}", "kod"),
        ("if", "if"),
        ("row", "row"),
    ];
    let engine = engine_of(&headers);
    let cells = ["a", "b", "c", "d", "e", "f"];
    for (source, text) in [
        ("%He said \"hi\" \\ %", "%He said \"hi\" \\ %"),
        ("%he said hi x%", "a"),
        ("%10% off 5%-10% off", "b off 5%-10% off"),
        ("%姓名%%Kod%%kod%%if%%row%", "cddef"),
        (
            "{{ row[\"10\"] }}{{ row.Kod }}{{ kod }}{{ row['if'] }}",
            "bdde",
        ),
    ] {
        let template = engine.compile(source).unwrap();
        assert_eq!(
            template.render(cells.as_slice()).as_deref(),
            Ok(text),
            "{source}"
        );
    }
}

#[test]
fn lines_stay_right() {
    let error = |source: &str| engine().compile(source).unwrap_err().to_string();
    assert!(error("%name%\n%town%\n{{ nmae }}").starts_with("line 3: there is no column"));
    let cells = ["Ali", "", "x", "", ""];
    assert_eq!(
        render("%name%\n%town%\n{{ town|replace('x', 'y')|float }}", &cells)
            .unwrap_err()
            .to_string(),
        "the template fails in line 3: \"y\" is not a number"
    );
}

/// The text that a template of literal text alone gives, found by trying every pair of percent signs.
fn slowly(source: &str) -> String {
    let names = [("name", "Ali bin Abu"), ("Baki (RM)", "1500.50")];
    let Some(start) = source.find('%') else {
        return source.to_owned();
    };
    let (before, rest) = source.split_at(start);
    for (name, cell) in names {
        if let Some(rest) = rest[1..]
            .strip_prefix(name)
            .and_then(|r| r.strip_prefix('%'))
        {
            return format!("{before}{cell}{}", slowly(rest));
        }
    }
    format!("{before}%{}", slowly(&rest[1..]))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn literal_text_keeps_every_character(
        parts in prop::collection::vec(prop::sample::select(vec![
            "%", "%", "%name%", "name", "%Baki (RM)%", "Baki (RM)", " ", "\n", "50", "é", "}", "%}", "x",
        ]), 0..24)
    ) {
        let source = parts.concat() + ".";
        let engine = engine();
        let template = engine.compile(&source).unwrap();
        prop_assert_eq!(template.render(FILLED), Ok(slowly(&source)));
    }

    /// Whatever else stands in a template, `%name%` is its column.
    #[test]
    fn a_template_renders_as_it_did_before(
        parts in prop::collection::vec(prop::sample::select(vec![
            "{{ name }}", "{{ town|upper }}", "{% if town %}", "{% if nick %}", "{% else %}", "{% endif %}", "{% raw %}",
            "{% endraw %}", "{# % #}", "{% elif name %}", "{{ 'a%' ~ name }}",
            "{%- if town -%}", "{{ nick|d('%name%') }}", "50% ", "%", "text ", "\n", "{{ name[:2] ~ '%' }}",
        ]), 0..16)
    ) {
        let plain = parts.concat();
        let engine = engine();
        if let Ok(template) = engine.compile(&plain) {
            let rewritten = format!("{plain}[%name%]");
            let again = engine.compile(&rewritten).unwrap();
            prop_assert_eq!(
                again.render(FILLED),
                template.render(FILLED).map(|text| {
                    let text = if plain.ends_with('\n') { text + "\n" } else { text };
                    text + "[Ali bin Abu]"
                })
            );
        }
    }

    #[test]
    fn never_panics(source in "[%{}#a-z \\PC]{0,40}") {
        let engine = engine();
        if let Ok(template) = engine.compile(&source) {
            let _ = template.render(FILLED);
        }
    }
}
