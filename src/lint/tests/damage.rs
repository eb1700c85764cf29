//! Damaged texts, and what only looks like one.

use super::*;

/// Texts that were damaged, and the part that shows it.
const DAMAGED: &[(&str, &str)] = &[
    ("Hi ???, your order is ready", "Hi ???"),
    ("Hi Tan ?? ?, your order is ready", "?? ?"),
    ("Dear ?? ??", "Dear ??"),
    ("KedaiKu: ???, pesanan anda sudah sedia", "???,"),
    ("???? your order is ready", "????"),
    ("KedaiKu: ???Sale today", "???S"),
    ("KedaiKu [???] is open", "[???]"),
    ("Hai ??", "Hai ??"),
    ("Cik ????? yang dihormati", "Cik ?????"),
    ("Hi José at CafÃ© Ipoh", "Ã©"),
    ("Itâ€™s today", "â€"),
    ("Â£5 off", "Â£"),
    ("Hi å§“å", "å§“"),
    ("Raya ðŸ˜€", "ðŸ˜"),
    ("Don&#039;t miss it", "&#039;"),
    ("Don&#x27;t miss it", "&#x27;"),
    ("Tan &amp; Co", "&amp;"),
    ("Save&nbsp;now", "&nbsp;"),
    ("Caf&eacute; Ipoh", "&eacute;"),
    ("Hi Ali<br>Your order", "<br>"),
    ("Hi Ali<BR />Your order", "<BR />"),
    ("<b>Sale</b> today", "</b>"),
    ("<p>Sale today", "<p>"),
    ("<a href=\"x\">Sale", "<a href=\"x\">"),
    ("<span style='x'>Sale", "<span style='x'>"),
    (r"Hi Ali\nYour order", r"\nY"),
    (r"Hi Ali,\nyour order", r",\n"),
    (r"Hi Ali\n", r"\n"),
    (r"Hi Ali\r\nYour order", r"\r\nY"),
    (r"nasi\nayam\nikan", r"\nayam\n"),
    (r"Sale\t5 off", r"\t5"),
    (r"Hi Jos\u00e9", r"\u00e9"),
    (r"Hi Jos\xe9", r"\xe9"),
    (r"Hi \u{1f600}", r"\u{1f600}"),
    (r#"Say \"hi\" today"#, r#"\""#),
    (r"Don\'t miss it", r"\'"),
    ("Line one_x000D_ and two", "_x000D_"),
    ("Hi Jos=C3=A9", "=C3=A9"),
    ("=?UTF-8?Q?Sale?=", "=?UTF-8?"),
    ("Hi%20Ali", "Hi%20Ali"),
    (r"{\rtf1\ansi Hi}", r"{\rtf"),
    ("锟斤拷", "锟斤拷"),
];

/// What honest people write.
const WHOLE: &[&str] = &[
    "Really???",
    "Nak diskaun ???",
    "Nak diskaun ??? Datang sekarang",
    "Apa?? Betul?? Ya!!",
    "Hi Ali?? Lama tak jumpa",
    "What ?! Now ?",
    "Mana? Di mana? Bila?",
    "真的吗？？快来！",
    "Tan & Co, R&B; A&W",
    "AT&T; M&M",
    "I <3 KL, a<b and c>d",
    "Taip OK<jarak>NAMA",
    "Reply <a> or <b>",
    "C:\\new and D:\\temp",
    "dan\\nasi",
    "N\\A and w\\o",
    "2+2=4, A=B",
    "Café José naïve “CAFÉ” ÂNGELO",
    "MANHÃ e tarde",
    "É” and é– are fine",
    "50%20 and 20% off",
    "kedai snake_x10_y",
    "Hi {name}",
];

#[test]
fn damage_is_found() {
    let mut wrong = Vec::new();
    for (text, part) in DAMAGED {
        let found = LINTER.findings(text, None);
        let damage = found.iter().find(|found| found.rule == Rule::Damaged);
        if damage.map(|damage| damage.excerpt.as_str()) != Some(*part) {
            wrong.push(format!("{text}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_is_whole_is_left_alone() {
    let wrong: Vec<String> = WHOLE
        .iter()
        .chain(CLEAN)
        .filter(|text| rules(text).contains(&Rule::Damaged))
        .map(|text| format!("{text}: {:?}", LINTER.findings(text, None)))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_programs_write_for_a_missing_value_is_found_anywhere() {
    for text in [
        "Hi (null), thank you",
        "Order [null] is ready",
        "Order <null>",
        "Bil anda (NULL)",
        "Hi [object Object], thank you",
        "Hi [object HTMLElement]",
        "Due Invalid Date",
        "Due 0000-00-00",
        "Due 00/00/0000",
        "Due 30/12/1899",
        "Due 1/0/1900",
        "Due 1900-01-00",
        "RM {undefined}",
        "RM (NaN)",
    ] {
        assert_eq!(rules(text), [MergeField], "{text}");
    }
    for text in [
        "null and void",
        "(none)",
        "an object",
        "30/12/2025",
        "Order 0000-00-001",
        "born 1/10/1900",
    ] {
        assert_eq!(rules(text), [], "{text}");
    }
}

#[test]
fn a_cell_of_question_marks_is_lost() {
    for cell in ["??", "???", "?? ?", "? ??"] {
        assert!(LINTER.lost_cell(cell).is_some(), "{cell}");
    }
    for cell in ["", " ", "?", "? ?", "Why??", "Ali"] {
        assert!(LINTER.lost_cell(cell).is_none(), "{cell}");
    }
}
