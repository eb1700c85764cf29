//! What a person saw in a cell of a spreadsheet. White space at its ends is not part of it, nor is what programs wrap around a
//! value so that a spreadsheet keeps its zeros. This is the one place that knows these wrappings.

use super::punctuation::{is_attached, is_unseen};

/// The cell without the unseen characters around its text: white space (the no-break space too), zero-width characters, byte order
/// marks, and the direction marks that a number brings along when it is copied out of an address book.
#[must_use]
pub fn trimmed(cell: &str) -> &str {
    cell.trim_matches(is_unseen)
}

/// The text that a person saw in this cell: without unseen characters at its ends, without `="..."`, and without a leading
/// apostrophe before digits, `=`, `+`, `-` or `@`. A cell that may be wrapped or may not is left as written;
/// [`sheet_error`](super::sheet_error) knows it.
#[must_use]
pub fn shown(cell: &str) -> &str {
    let (first, last) = (cell.as_bytes().first(), cell.as_bytes().last());
    // Nearly every cell has nothing around it.
    if first.is_some_and(|byte| byte.is_ascii_graphic() && !matches!(byte, b'=' | b'\''))
        && last.is_some_and(u8::is_ascii_graphic)
    {
        return cell;
    }
    if trimmed(cell).is_empty() {
        return "";
    }
    // U+202E reverses what follows it, which is seen.
    let around = |c| is_unseen(c) && c != '\u{202E}';
    let bare = cell
        .trim_start_matches(around)
        .trim_end_matches(|c| around(c) && !is_attached(c));
    match quoted_in_formula(bare).or_else(|| without_text_mark(bare)) {
        Some(inner) => shown(inner),
        None => bare,
    }
}

/// The text in `="00123"`. Quotes within it would need a second reading, so such a cell counts as a formula.
fn quoted_in_formula(cell: &str) -> Option<&str> {
    let inner = cell.strip_prefix("=\"")?.strip_suffix('"')?;
    (!inner.contains('"')).then_some(inner)
}

/// The cell without the apostrophe by which a spreadsheet keeps it as text.
fn without_text_mark(cell: &str) -> Option<&str> {
    let rest = after_text_mark(cell)?;
    match rest.strip_suffix('\'') {
        // `'00456'`
        Some(inner) if !inner.contains(|c: char| c == '\'' || c.is_alphabetic()) => Some(inner),
        _ => (!closes_quotation(rest)).then_some(rest),
    }
}

/// Whether the cell begins with an apostrophe that is either such a mark or the first of two quotes: `'2 for 1' deals`.
pub(super) fn has_doubtful_mark(cell: &str) -> bool {
    after_text_mark(cell).is_some_and(closes_quotation)
}

fn after_text_mark(cell: &str) -> Option<&str> {
    cell.strip_prefix('\'')
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || "=+-@".contains(c)))
}

/// Whether an apostrophe in it does not stand within a word, as that of `D'Cruz` does.
fn closes_quotation(text: &str) -> bool {
    text.match_indices('\'')
        .any(|(at, _)| !text[at + 1..].starts_with(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wrappings_and_white_space_are_not_part_of_a_cell() {
        for (cell, seen) in [
            ("Siti", "Siti"),
            ("", ""),
            (" ", ""),
            ("=\"Siti\"", "Siti"),
            ("=\"00123\"", "00123"),
            ("=\" Siti \"", "Siti"),
            ("=\"\"", ""),
            ("=\" \"", ""),
            (" =\"Tan, Ah Kow\"\t", "Tan, Ah Kow"),
            ("'00456", "00456"),
            ("'00456'", "00456"),
            ("' 00456", "' 00456"),
            ("'+60 12-345 6789", "+60 12-345 6789"),
            ("'-5", "-5"),
            ("'@aina", "@aina"),
            ("'=\"00123\"", "00123"),
            ("=\"'00123\"", "00123"),
            ("'12 Jalan D'Cruz", "12 Jalan D'Cruz"),
            ("\u{1f}Siti", "Siti"),
            ("\u{1f}'00123\u{1f}", "00123"),
            ("\u{a0}Aina\u{a0} ", "Aina"),
            ("\u{3000}艾娜\u{3000}", "艾娜"),
            ("\u{feff}Aina\u{200b}", "Aina"),
            ("\u{202d}012\u{202c}", "012"),
            ("\r\nAina\n", "Aina"),
            ("\u{b}Aina\u{c}", "Aina"),
            // Signs that Windows-1252 means by these bytes.
            ("\u{80}5 off", "\u{80}5 off"),
            ("the boys\u{92}", "the boys\u{92}"),
            ("\u{85}Aina\u{85}", "Aina"),
            // What belongs to the character before it.
            ("Raya ❤\u{fe0f}", "Raya ❤\u{fe0f}"),
            ("🏴\u{e0067}\u{e007f}", "🏴\u{e0067}\u{e007f}"),
            ("ന്\u{200d}", "ന്\u{200d}"),
            ("\u{202e} 321", "\u{202e} 321"),
            // Nothing is wrapped here.
            ("'Aisyah", "'Aisyah"),
            ("'Boon'", "'Boon'"),
            ("\"Boy\"", "\"Boy\""),
            ("Dato'", "Dato'"),
            ("5'", "5'"),
            ("=", "="),
            ("=\"", "=\""),
            ("a=\"b\"", "a=\"b\""),
            // Not certain.
            ("=\"Siti \"\"Boy\"\"\"", "=\"Siti \"\"Boy\"\"\""),
            ("'2 for 1' deals", "'2 for 1' deals"),
            ("'5 star hotel'", "'5 star hotel'"),
        ] {
            assert_eq!(shown(cell), seen, "{cell:?}");
        }
    }

    #[test]
    fn an_apostrophe_is_a_mark_or_perhaps_a_quote() {
        for cell in [
            "'2 for 1' deals",
            "'5 star hotel'",
            "'90s' night",
            "'12 Jalan Dato' Onn",
        ] {
            assert!(has_doubtful_mark(cell), "{cell}");
        }
        for cell in ["'2 for 1", "'Aisyah'", "2' x 3'", "'12 D'Cruz"] {
            assert!(!has_doubtful_mark(cell), "{cell}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn wrapping_a_value_changes_nothing(
            value in "[A-Za-z0-9姓é][A-Za-z0-9 .,/'é]{0,10}[A-Za-z0-9é]",
            digits in "[0-9][0-9 /.-]{0,10}[0-9]",
            margin in "[ \t\n\u{a0}\u{200b}\u{1f}\u{3000}]{0,3}",
        ) {
            for wrapped in [value.clone(), format!("=\"{value}\""), format!("=\"{margin}{value}\"")] {
                let wrapped = format!("{margin}{wrapped}{margin}");
                prop_assert_eq!(shown(&wrapped), value.as_str());
            }
            for wrapped in [format!("'{digits}"), format!("'{digits}'"), format!("=\"{digits}\"")] {
                let wrapped = format!("{margin}{wrapped}{margin}");
                prop_assert_eq!(shown(&wrapped), digits.as_str());
            }
        }

        #[test]
        fn what_is_seen_is_part_of_the_cell_and_stays_the_same(cell in "[ ='\"@+0-9a\u{a0}\u{1f}\u{fe0f}]{0,8}|\\PC{0,8}") {
            let seen = shown(&cell);
            prop_assert!(cell.contains(seen));
            prop_assert_eq!(shown(seen), seen);
        }
    }
}
