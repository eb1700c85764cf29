//! The errors that people who write messages see, word for word.

use super::*;

#[test]
#[allow(clippy::too_many_lines)]
fn every_error_names_its_line() {
    const FILTERS: &str = "abs, capitalize, count, d, date, default, first, first_word, float, format, int, join, last, \
        length, lines, lower, money, replace, round, split, string, title, trim, upper";
    const COLUMNS: &str = "name, no_tel, town, baki_rm, nick";
    for (source, sentence) in [
        // A header instead of its name.
        (
            "{{ No. Tel }}",
            "line 1: write {{ no_tel }} for the column \"No. Tel\"",
        ),
        (
            "{{ no tel }}",
            "line 1: write {{ no_tel }} for the column \"No. Tel\"",
        ),
        (
            "a\n{{ No Tel|default(\"x\") }}",
            "line 2: write {{ no_tel|default(\"x\") }} for the column \"No. Tel\"",
        ),
        (
            "{{ No. Tel | first_word }}",
            "line 1: write {{ no_tel| first_word }} for the column \"No. Tel\"",
        ),
        (
            "{{ Baki (RM) }}",
            "line 1: write {{ baki_rm }} for the column \"Baki (RM)\"",
        ),
        (
            "{{ baki-rm }}",
            "line 1: write {{ baki_rm }} for the column \"Baki (RM)\"",
        ),
        (
            "{{ Baki/RM }}",
            "line 1: write {{ baki_rm }} for the column \"Baki (RM)\"",
        ),
        (
            "{% if No Tel %}a{% endif %}",
            "line 1: write no_tel for the column \"No. Tel\"",
        ),
        (
            "{% if not No Tel %}a{% endif %}",
            "line 1: write no_tel for the column \"No. Tel\"",
        ),
        (
            "{% if No. Tel %}a{% endif %}",
            "line 1: write no_tel for the column \"No. Tel\"",
        ),
        (
            "{{ 2nd_name }}",
            "line 1: write {{ row[\"2nd Name\"] }} for the column \"2nd Name\"",
        ),
        (
            "{{ 2nd Name|upper }}",
            "line 1: write {{ row[\"2nd Name\"]|upper }} for the column \"2nd Name\"",
        ),
        (
            "{{ not }}",
            "line 1: write {{ row[\"Not\"] }} for the column \"Not\"",
        ),
        (
            "{{ none }}",
            "line 1: write {{ row[\"None\"] }} for the column \"None\"",
        ),
        (
            "{{ None|upper }}",
            "line 1: write {{ row[\"None\"]|upper }} for the column \"None\"",
        ),
        (
            "{{ row[\"Not\"] ~ none }}",
            "line 1: none is a word of the language; write row[\"None\"] for the column",
        ),
        (
            "{{ Name }}",
            "line 1: there is no column \"Name\"; did you mean \"name\"? The columns are: COLUMNS",
        ),
        (
            "{{ NAME|upper }}",
            "line 1: there is no column \"NAME\"; did you mean \"name\"? The columns are: COLUMNS",
        ),
        (
            "{{ Full Nmae }}",
            "line 1: there is no column \"Full Nmae\"; the columns are: COLUMNS",
        ),
        (
            "{{ my name }}",
            "line 1: there is no column \"my name\"; did you mean \"name\"? The columns are: COLUMNS",
        ),
        (
            "{{ row }}",
            "line 1: row is the whole row; write row[\"...\"] with a column's header",
        ),
        (
            "{{ row.nmae }}",
            "line 1: there is no column \"nmae\"; did you mean \"name\"? The columns are: COLUMNS",
        ),
        (
            "{{ row[name] }}",
            "line 1: only row[\"...\"] takes brackets; write |first or |last, or a slice such as [:10]",
        ),
        (
            "{{ name[0] }}",
            "line 1: only row[\"...\"] takes brackets; write |first or |last, or a slice such as [:10]",
        ),
        (
            "{{ name.first }}",
            "line 1: only row has parts; a cell is text",
        ),
        // What is not closed.
        (
            "a\n{{ name",
            "line 2: {{ name is not closed; end it with }}",
        ),
        (
            "Hi {{ name, thanks for your payment of RM5",
            "line 1: {{ name, thanks for your payme... is not closed; end it with }}",
        ),
        (
            "Hi {{ name }, a\nb",
            "line 1: {{ name }, a is not closed; end it with }}",
        ),
        (
            "\n{{ name } and {{ town }}",
            "line 2: {{ name } and is not closed; end it with }}",
        ),
        ("{{", "line 1: {{ is not closed; end it with }}"),
        (
            "{% if name",
            "line 1: {% if name is not closed; end it with %}",
        ),
        (
            "{% if name }}a{% endif %}",
            "line 1: {% if name }}a is not closed; end it with %}",
        ),
        ("50{% off", "line 1: {% off is not closed; end it with %}"),
        (
            "{{ name, it's #1",
            "line 1: {{ name, it's #1 is not closed; end it with }}",
        ),
        (
            "{{ name } #1 {{ town }}",
            "line 1: {{ name } #1 is not closed; end it with }}",
        ),
        (
            "{{ (name }} #1",
            "line 1: the brackets in {{ (name }} do not match",
        ),
        (
            "{{ name|default('x) }}",
            "line 1: a quote is not closed in {{ name|default('x) }}; write texts as \"friend\"",
        ),
        (
            "a\n{% if name %}\nb",
            "line 2: {% if name %} has no {% endif %}",
        ),
        (
            "{% if name %}\n{% if town %}{% endif %}",
            "line 1: {% if name %} has no {% endif %}",
        ),
        (
            "{% if name %}\n{% if town %}{% else %}",
            "line 2: {% if town %} has no {% endif %}",
        ),
        (
            "{% if name %}{% else %}\n{% elif town %}{% endif %}",
            "line 2: {% elif town %} comes after {% else %}",
        ),
        (
            "{% if name %}{% else %}{% else %}{% endif %}",
            "line 1: {% else %} comes after {% else %}",
        ),
        (
            "{% if name %}{% endif name %}",
            "line 1: write {% endif %} for {% endif name %}",
        ),
        // What Jinja has, and a message does not need.
        (
            "a\n{% for x in name %}{{ x }}{% endfor %}",
            "line 2: {% for x in name %} has no place here: a message is written with {{ ... }} and {% if %} only; write each value with its own {{ }}",
        ),
        (
            "{% set x = name %}{{ x }}",
            "line 1: {% set x = name %} has no place here: a message is written with {{ ... }} and {% if %} only; write the value where it is needed, as in {{ name|default(\"friend\") }}",
        ),
        (
            "{% with x = name %}{{ x }}{% endwith %}",
            "line 1: {% with x = name %} has no place here: a message is written with {{ ... }} and {% if %} only; write the value where it is needed, as in {{ name|default(\"friend\") }}",
        ),
        (
            "{% endfor %}",
            "line 1: {% endfor %} has no place here: a message is written with {{ ... }} and {% if %} only",
        ),
        (
            "{{ [name, town]|join(', ') }}",
            "line 1: a list is only allowed after in, as in town in [\"Ipoh\", \"Taiping\"]; join texts with ~",
        ),
        (
            "a\nNo {#5",
            "line 2: {# begins a comment that has no end; end it with #}, or write {% raw %}{#{% endraw %} for these two characters",
        ),
        ("\n{% raw %}", "line 2: {% raw %} has no {% endraw %}"),
        (
            "{{ }}",
            "line 1: {{ }} is empty; write the name of a column in it, as in {{ name }}",
        ),
        (
            "{{}}",
            "line 1: {{}} is empty; write the name of a column in it, as in {{ name }}",
        ),
        (
            "{% %}",
            "line 1: {% %} is empty; {% begins a tag such as {% if name %}",
        ),
        ("{{{ name }}}", "line 1: write two braces: {{ name }}"),
        ("{{{ name }}", "line 1: write two braces: {{ name }}"),
        (
            "{{ (name }} of {{ town }}",
            "line 1: the brackets in {{ (name }} do not match",
        ),
        (
            "{% if name) %}a{% endif %}",
            "line 1: the brackets in {% if name) %} do not match",
        ),
        // Signs.
        (
            "{{ name|default(“friend”) }}",
            "line 1: curly quotes are no quotes here; write {{ name|default(\"friend\") }}",
        ),
        (
            "{{ name|default(‘friend’) }}",
            "line 1: curly quotes are no quotes here; write {{ name|default('friend') }}",
        ),
        (
            "{% if town == “Ipoh” %}a{% endif %}",
            "line 1: curly quotes are no quotes here; write {% if town == \"Ipoh\" %}",
        ),
        (
            "{{\u{a0}name }}",
            "line 1: a character that cannot be seen (U+00A0) stands in {{\u{a0}name }}; type a space instead",
        ),
        (
            "{{ name\u{200b} }}",
            "line 1: a character that cannot be seen (U+200B) stands in {{ name\u{200b} }}; type a space instead",
        ),
        (
            "{{ name && town }}",
            "line 1: \"&\" has no meaning in {{ name && town }}",
        ),
        (
            "{{ town ^ name }}",
            "line 1: \"^\" has no meaning in {{ town ^ name }}",
        ),
        // Filters and texts.
        (
            "{{name|}}",
            "line 1: the filter is missing after |, as in {{ name|upper }}",
        ),
        (
            "{{ name|upper| }}",
            "line 1: the filter is missing after |, as in {{ name|upper }}",
        ),
        (
            "{{ name||upper }}",
            "line 1: the filter is missing after |, as in {{ name|upper }}",
        ),
        (
            "{{ name|default \"x\" }}",
            "line 1: write {{ name|default(\"x\") }}",
        ),
        (
            "{{ \"Dear \" name }}",
            "line 1: texts and names are joined with ~, as in {{ \"Dear \" ~ name }}",
        ),
        (
            "{{ name|default(friend) }}",
            "line 1: there is no column \"friend\"; the columns are: COLUMNS",
        ),
        (
            "{{ name|uper }}",
            "line 1: there is no filter \"uper\"; did you mean \"upper\"? The filters are: FILTERS",
        ),
        (
            "{{ name|e }}",
            "line 1: there is no filter \"e\"; the filters are: FILTERS",
        ),
        (
            "{{ {'a': name} }}",
            "line 1: {...} has no place in a message",
        ),
        (
            "{% if no_tel is startingwith(012) %}a{% endif %}",
            "line 1: startingwith takes a text, not a number; write it in quotes: startingwith(\"012\")",
        ),
        (
            "{% if town == true %}a{% endif %}",
            "line 1: a cell is text, never true, false or none; compare it with a text, as in vip == \"TRUE\"",
        ),
        (
            "{% if town|default(0) == nick %}a{% endif %}",
            "line 1: what may be text in one row and something else in another compares with nothing; write |string or |float behind it",
        ),
        (
            "{{ name|money(2) }}",
            "line 1: money takes nothing in brackets",
        ),
        (
            "{{ name|first_word(2) }}",
            "line 1: first_word takes nothing in brackets",
        ),
        (
            "{{ name|date(5) }}",
            "line 1: date takes one format in quotes, as in date(\"%d %b %Y\")",
        ),
        (
            "{{ name|date('%d', '%m') }}",
            "line 1: date takes one format in quotes, as in date(\"%d %b %Y\")",
        ),
        (
            "{{ name|date(format='%d') }}",
            "line 1: date takes one format in quotes, as in date(\"%d %b %Y\")",
        ),
        (
            "a\n{{ name|date('dd/mm/yyyy') }}",
            "line 2: date(\"dd/mm/yyyy\") has no % codes; write it as date(\"%d/%m/%Y\") or date(\"%d %b %Y\")",
        ),
        (
            "{{ name|date('%d %E') }}",
            "line 1: date(\"%d %E\") has a % code that a date cannot fill; there are %d %m %Y %y %b %B %a %A, and %H %I %M %p for the time",
        ),
        // Tags.
        (
            "{% if %}a{% endif %}",
            "line 1: {% if %} has no condition; write it as {% if name %}",
        ),
        (
            "{% if town = 'Ipoh' %}a{% endif %}",
            "line 1: a comparison is written with ==, as in {% if town == \"Ipoh\" %}",
        ),
        (
            "{% endif %}",
            "line 1: {% endif %} has no {% if %} before it",
        ),
        (
            "{% endraw %}",
            "line 1: {% endraw %} has no {% raw %} before it",
        ),
        ("{% else %}", "line 1: {% else %} has no {% if %} before it"),
        (
            "{% if name %}{% else if town %}{% endif %}",
            "line 1: write {% elif town %} for {% else if town %}",
        ),
        (
            "{% if name %}{% elseif town %}{% endif %}",
            "line 1: there is no tag \"elseif\"; did you mean \"elif\"? The tags are: if, elif, else, endif, raw, endraw",
        ),
        (
            "{% iff name %}{% endif %}",
            "line 1: there is no tag \"iff\"; did you mean \"if\"? The tags are: if, elif, else, endif, raw, endraw",
        ),
        // The portal's names with braces.
        (
            "Hi {%name%}",
            "line 1: {%name%} is not how a column is written; write {{ name }}, or %name% without braces",
        ),
        (
            "\nHi {% name %}",
            "line 2: {% name %} is not how a column is written; write {{ name }}, or %name% without braces",
        ),
        (
            "{%Baki (RM)%}",
            "line 1: {%Baki (RM)%} is not how a column is written; write {{ baki_rm }}, or %Baki (RM)% without braces",
        ),
        (
            "{%nmae%}",
            "line 1: there is no tag \"nmae\"; the tags are: if, elif, else, endif, raw, endraw",
        ),
        // The engine's, but for its own words.
        ("{{ name ~ }}", "line 1: unexpected }}, expected expression"),
        (
            "{{ name, town }}",
            "line 1: \",\" has no meaning in {{ name, town }}",
        ),
    ] {
        let sentence = sentence
            .replace("FILTERS", FILTERS)
            .replace("COLUMNS", COLUMNS);
        let columns = [("2nd Name", "2nd_name"), ("Not", "not"), ("None", "none")];
        let engine = if columns
            .iter()
            .any(|(header, _)| sentence.contains(&format!("\"{header}\"")))
        {
            engine_of(&columns)
        } else {
            engine()
        };
        match engine.compile(source) {
            Ok(_) => panic!("{source} compiles"),
            Err(error) => assert_eq!(error.to_string(), sentence, "{source}"),
        }
    }
}

/// A field of another program within a tag: what to write is said in the notation of this one, and works.
#[test]
#[allow(clippy::too_many_lines)]
fn fields_of_other_programs_in_a_tag() {
    let columns = [
        ("First Name", "first_name"),
        ("Town", "town"),
        ("Baki (RM)", "baki_rm"),
        ("2nd Name", "2nd_name"),
        ("姓名", "姓名"),
    ];
    let engine = engine_of(&columns);
    let first = "line 1: write {{ first_name }} for the column \"First Name\"";
    let town = "line 1: write {{ town }} for the column \"Town\"";
    for (source, sentence) in [
        ("Hi {{ 'First Name' }}", first),
        ("Hi {{ \"first_name\" }}", first),
        ("Hi {{ “First Name” }}", first),
        ("Hi {{ ‘First Name’ }}", first),
        ("Hi {{ «First Name» }}", first),
        ("Hi {{ [First Name] }}", first),
        ("Hi {{ [town] }}", town),
        ("Hi {{ ['town'] }}", town),
        ("Hi {{ <town> }}", town),
        ("Hi {{ $town }}", town),
        ("Hi {{ @town }}", town),
        ("Hi {{ :town }}", town),
        ("Hi {{ =town }}", town),
        ("Hi {{ &town }}", town),
        ("Hi {{ %town% }}", town),
        ("Hi {{ #town# }}", town),
        ("Hi {{ ${town} }}", town),
        ("Hi {{ contact.first_name }}", first),
        ("Hi {{ contact.FirstName }}", first),
        ("Hi {{ contact.FIRSTNAME }}", first),
        ("Hi {{ customer.address.town }}", town),
        ("Hi {{ contact['First Name'] }}", first),
        ("Hi {{ $json.town }}", town),
        ("Hi {{ $json[\"First Name\"] }}", first),
        ("Hi {{ data->town }}", town),
        ("Hi {{ Contacts.First Name }}", first),
        ("Hi {{ First Name }}", first),
        (
            "Hi {{ '姓名' }}",
            "line 1: write {{ 姓名 }} for the column \"姓名\"",
        ),
        (
            "Hi {{ '2nd Name' }}",
            "line 1: write {{ row[\"2nd Name\"] }} for the column \"2nd Name\"",
        ),
        (
            "Hi {{ contact.Baki (RM) }}",
            "line 1: write {{ baki_rm }} for the column \"Baki (RM)\"",
        ),
        (
            "Hi {{ contact.first_name|default(\"you\") }}",
            "line 1: write {{ first_name|default(\"you\") }} for the column \"First Name\"",
        ),
        (
            "Hi {{ contact.first_name | default: 'you' }}",
            "line 1: write {{ first_name|default('you') }} for the column \"First Name\"",
        ),
        (
            "Hi {{ “First Name”|default(“you”) }}",
            "line 1: write {{ first_name|default(\"you\") }} for the column \"First Name\"",
        ),
        (
            "Hi {{ town | default: \"you\" }}",
            "line 1: write {{ town|default(\"you\") }}",
        ),
        (
            "Hi {{town|fallback:'you'}}",
            "line 1: write {{ town|default('you') }}",
        ),
        (
            "Hi {{ 'x' ~ contact.town }}",
            "line 1: write town for the column \"Town\"; only row has parts",
        ),
        (
            "{% if contact.town %}a{% endif %}",
            "line 1: write town for the column \"Town\"",
        ),
        (
            "{% if contact.town == \"Ipoh\" %}a{% endif %}",
            "line 1: write town for the column \"Town\"; only row has parts",
        ),
        (
            "{% if \"town\" %}a{% endif %}",
            "line 1: write town for the column \"Town\"",
        ),
        (
            "{% if \"town\" == \"Ipoh\" %}a{% endif %}",
            "line 1: what stands in quotes is no column; write town for the column \"Town\"",
        ),
        (
            "{{#if town}}a{{/if}}",
            "line 1: write {% if town %} for {{#if town}}",
        ),
        (
            "{{#First Name}}a{{/First Name}}",
            "line 1: write {% if first_name %} for {{#First Name}}",
        ),
        (
            "{{^town}}a{{/town}}",
            "line 1: write {% if not town %} for {{^town}}",
        ),
        (
            "{% if town %}a{{else}}b{{/if}}",
            "line 1: write {% else %} for {{else}}",
        ),
        (
            "{% if town %}a{{/if}}",
            "line 1: write {% endif %} for {{/if}}",
        ),
    ] {
        let error = engine.compile(source).map(drop).unwrap_err().to_string();
        assert_eq!(error, sentence, "{source}");
        let advice = error.split("write ").nth(1).unwrap();
        if let Some((advice, _)) = advice.split_once(" for the column")
            && advice.starts_with("{{")
        {
            assert!(engine.compile(advice).is_ok(), "{advice}");
        }
    }
}

#[test]
fn a_placeholder_without_a_column_is_an_error() {
    for source in [
        "{{ 1 }}",
        "{{1}}",
        "{{ \"Hi\" }}",
        "{{ 'Hi'|upper }}",
        "{{ 2 + 3 }}",
        "{{ 'a' ~ 'b' }}",
        "{{ true }}",
        "{{ none|default('friend') }}",
        "{{ 'a' if 1 else 'b' }}",
        "{{ -5 }}",
        "{{ '' }}",
        "{{ '1' in '12' }}",
    ] {
        let error = error(source);
        assert!(
            error.starts_with(&format!(
                "line 1: {source} holds no column; write the name of one in it"
            )),
            "{error}"
        );
        assert!(
            error.ends_with(": name, no_tel, town, baki_rm, nick"),
            "{error}"
        );
    }
    for source in ["{{ '{{' }}", "{{ \"{% raw %}\" }}", "{{ '#}' }}"] {
        let error = error(source);
        assert!(
            error.ends_with("write such signs between {% raw %} and {% endraw %}"),
            "{error}"
        );
    }
    assert_eq!(
        engine_of(&[("1", "1")])
            .compile("{{ 1 }}")
            .map(drop)
            .unwrap_err()
            .to_string(),
        "line 1: write {{ row[\"1\"] }} for the column \"1\""
    );
}
