//! Any text as a template, for a row in which one column is blank: it is refused or renders within bounds, a blank is never
//! rendered, and the result is a text that can be sent or an error. The input is a line for each of two cells, and then
//! the template.
#![no_main]

use isms_campaign::domain::text::MAX_UNITS;
use isms_campaign::domain::{
    Column, ColumnNames, Encoding, Punctuation, RenderError, Templates, Text, TypeChoice,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    let mut lines = input.splitn(3, '\n');
    let [name, amount, template] = [(); 3].map(|()| lines.next().unwrap_or_default());
    let engine = engine();
    let blank = render(&engine, template, [name, amount, " "]);

    if let Some(rendered) = &blank {
        assert_eq!(
            rendered,
            &render(&engine, template, [name, amount, " "]).expect("compiled before"),
            "the second text differs"
        );
    }
    if let Some(Ok(rendered)) = &blank {
        for choice in [TypeChoice::Auto, TypeChoice::Ascii, TypeChoice::Unicode] {
            compose(rendered, choice, Punctuation::Plain);
            compose(rendered, choice, Punctuation::Keep);
        }
    }
    for plain in ["{{ nick }}", "{{ row.Nick }}", "%nick%", "%Nick%"] {
        let with_blank = format!("{template}\n{plain}");
        if let Some(rendered) = render(&engine, &with_blank, [name, amount, " "]) {
            assert!(rendered.is_err(), "a blank was rendered: {rendered:?}");
        }
    }
    // A column that the template does not name changes nothing. A header can be written with escapes, too.
    let mentioned = ["nick", "row", "\\"]
        .iter()
        .any(|word| template.to_lowercase().contains(word));
    if !mentioned {
        assert_eq!(blank, render(&engine, template, [name, amount, "Mat"]));
    }
});

fn engine() -> Templates {
    let column = |(cell, (header, name)): (usize, (&str, &str))| Column {
        header: header.to_owned(),
        name: name.to_owned(),
        cell,
    };
    let columns = [("Name", "name"), ("Baki (RM)", "baki_rm"), ("Nick", "nick")];
    let columns = columns.into_iter().enumerate().map(column);
    Templates::new(ColumnNames::new(columns.collect()), None)
}

/// `None` where it is no template.
fn render(
    engine: &Templates,
    template: &str,
    cells: [&str; 3],
) -> Option<Result<String, RenderError>> {
    match engine.compile(template) {
        Ok(template) => Some(template.render(&cells[..])),
        Err(error) => {
            assert!(error.line() >= 1 && !error.to_string().is_empty());
            None
        }
    }
}

fn compose(rendered: &str, choice: TypeChoice, punctuation: Punctuation) {
    let Ok(text) = Text::compose(rendered, choice, punctuation) else {
        return;
    };
    let body = text.body.as_str();
    assert!(!body.is_empty() && body == body.trim());
    assert!(body.chars().all(|c| c == '\n' || !c.is_control()));
    assert!((1..=MAX_UNITS).contains(&text.units) && text.credits() >= 1);
    let ascii = body.chars().all(|c| c == '\n' || (' '..='~').contains(&c));
    match text.encoding {
        Encoding::Ascii => assert!(ascii && choice != TypeChoice::Unicode),
        Encoding::Unicode => {
            assert!(!ascii || choice == TypeChoice::Unicode);
            assert_eq!(text.units as usize, body.encode_utf16().count());
        }
    }
    let again = Text::compose(body, choice, punctuation).expect("it was one already");
    assert_eq!((again.body.as_str(), again.units), (body, text.units));
}
