//! For sentences about a name that does not exist: which name is meant, and which there are.

/// The position of the most similar name, the first of several, if one is at least half alike: a typing error, not another word.
pub(crate) fn nearest(name: &str, names: &[&str]) -> Option<usize> {
    let name = name.to_lowercase();
    let likeness =
        |known: &str| strsim::normalized_damerau_levenshtein(&name, &known.to_lowercase());
    names
        .iter()
        .map(|known| likeness(known))
        .enumerate()
        .filter(|(position, likeness)| *likeness >= 0.5 && !names[*position].is_empty())
        // `max_by` would give the last.
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
        .map(|(position, _)| position)
}

/// The names, separated by commas; of very many the first ones.
pub(super) fn listed<S: AsRef<str>>(names: &[S]) -> String {
    const MOST: usize = 30;
    let shown: Vec<&str> = names.iter().take(MOST).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
