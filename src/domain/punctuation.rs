//! Typographic characters and their ASCII equivalents, and characters that cannot be seen.

/// The ASCII equivalent of a typographic character, if there is one that reads the same.
///
/// | characters | become |
/// |---|---|
/// | single quotes `‘ ’ ‚ ‛ ‹ ›` (U+2018-201B, U+2039, U+203A), modifier apostrophe U+02BC, acute U+00B4, prime U+2032 | `'` |
/// | double quotes `“ ” „ ‟ « »` (U+201C-201F, U+00AB, U+00BB), double prime U+2033 | `"` |
/// | hyphens and dashes U+2010-2015 (hyphen, no-break hyphen, figure, en, em, bar), minus U+2212 | `-` |
/// | ellipsis U+2026 | `...` |
/// | no-break and other spaces: U+00A0, U+2000-200A, U+202F, U+205F, U+3000 | a space |
/// | zero-width: U+200B-200D, U+2060, U+FEFF; soft hyphen U+00AD; direction marks U+200E, U+200F, U+202A-202C, U+2066-2069 | nothing |
///
/// Left out, because a text would read differently without them: bullets, currency signs, letters with accents, and the direction
/// overrides U+202D and U+202E, which change the order of letters.
#[must_use]
pub(crate) fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{2018}'..='\u{201B}'
        | '\u{2039}'
        | '\u{203A}'
        | '\u{02BC}'
        | '\u{00B4}'
        | '\u{2032}' => "'",
        '\u{201C}'..='\u{201F}' | '\u{00AB}' | '\u{00BB}' | '\u{2033}' => "\"",
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "-",
        '\u{2026}' => "...",
        '\u{00A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => " ",
        '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202C}'
        | '\u{2060}'
        | '\u{2066}'..='\u{2069}'
        | '\u{FEFF}'
        | '\u{00AD}' => "",
        _ => return None,
    })
}

/// Whether a character shows nothing: what Unicode lets a font ignore (`Default_Ignorable_Code_Point`), and the Braille cell without
/// a dot. A text of such characters alone looks empty.
#[must_use]
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Whether a reader sees nothing of a character: white space, invisible characters, and control characters, which are not sent.
#[must_use]
pub(crate) fn is_unseen(c: char) -> bool {
    !c.is_ascii_graphic()
        && (c.is_whitespace() || (c.is_control() && of_control(c).is_none()) || is_invisible(c))
}

/// LF and CR, and what databases, editors and mainframes write for them: vertical tab, form feed, next line, line and paragraph
/// separators.
#[must_use]
pub(crate) fn is_line_end(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether an invisible character changes the look of the one before it: a joiner, a variation selector (`❤` as an emoji), the tags
/// of a flag.
#[must_use]
pub(crate) fn is_attached(c: char) -> bool {
    matches!(c,
        '\u{34F}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{200C}' | '\u{200D}' | '\u{FE00}'..='\u{FE0F}'
        | '\u{E0000}'..='\u{E0FFF}')
}

/// What Windows-1252 means by the bytes 80 to 9F; a space where it has no character. Programs that take such text for Latin-1 turn
/// these bytes into control characters.
const WINDOWS_1252: &str = "€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ";

/// The character that was meant by a control character from U+0080 to U+009F, if there is one. U+0085 is a line end.
#[must_use]
pub(crate) fn of_control(c: char) -> Option<char> {
    let nth = u32::from(c).checked_sub(0x80)?;
    if nth > 0x1F || c == '\u{85}' {
        return None;
    }
    let meant = WINDOWS_1252.chars().nth(nth as usize);
    meant.filter(|&meant| meant != ' ')
}
