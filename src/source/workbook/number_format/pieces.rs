//! Cuts the code of a number format into its pieces.

/// The sections of a code.
pub(super) fn split(code: &str) -> Vec<String> {
    let mut sections = vec![String::new()];
    for piece in pieces(code) {
        match (piece, sections.last_mut()) {
            (";", _) => sections.push(String::new()),
            (piece, Some(section)) => section.push_str(piece),
            (_, None) => {}
        }
    }
    sections
}

/// A code cut into single characters, quoted texts, escaped characters and brackets.
pub(super) fn pieces(code: &str) -> impl Iterator<Item = &str> {
    let mut rest = code;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let until = |sign: char| rest[1..].find(sign).map_or(rest.len(), |at| at + 2);
        let length = match first {
            '"' => until('"'),
            '[' => until(']'),
            '\\' | '_' | '*' => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            other => other.len_utf8(),
        };
        let (piece, after) = rest.split_at(length);
        rest = after;
        Some(piece)
    })
}

/// Where a word stands in a code outside quotes; case does not matter.
pub(super) fn find(code: &str, word: &str) -> Option<usize> {
    let mut at = 0;
    for piece in pieces(code) {
        let here = code.get(at..at + word.len());
        if piece.len() == 1 && here.is_some_and(|here| here.eq_ignore_ascii_case(word)) {
            return Some(at);
        }
        at += piece.len();
    }
    None
}

/// The letters of a code outside quotes, small.
pub(super) fn letters(code: &str) -> impl Iterator<Item = char> {
    pieces(code)
        .filter_map(|piece| match piece.strip_prefix('[') {
            Some(_) => None,
            None => piece.chars().next().filter(|c| piece.len() == c.len_utf8()),
        })
        .filter(|c| c.is_alphabetic() && c.is_ascii())
        .map(|c| c.to_ascii_lowercase())
}

/// The text that a code is, if it has no placeholders.
pub(super) fn literal(code: &str) -> Option<String> {
    let mut text = String::new();
    for piece in pieces(code) {
        let mut chars = piece.chars();
        match (chars.next()?, chars.as_str()) {
            ('"', quoted) => text.push_str(quoted.strip_suffix('"').unwrap_or(quoted)),
            ('\\', escaped) => text.push_str(escaped),
            ('_', _) | ('*', " ") => text.push(' '),
            ('[' | '*', _) => return None,
            (c, _) if "$-+/():!^&'~{}<>= ".contains(c) || !c.is_ascii() => text.push(c),
            _ => return None,
        }
    }
    Some(text)
}
