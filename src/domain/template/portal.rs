//! The syntax of the gateway's own portal, `%name%`, in the literal text of a template.

use super::ColumnNames;

/// A stretch of literal text: written as it is, or in place of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// What stands in the template: `Hi `, `%name%`.
    pub(super) source: &'a str,
    /// The position of the column that it stands for.
    pub(super) column: Option<usize>,
}

/// The pieces of a literal text, one behind the other and nothing left out.
///
/// A column is what stands on one line between two percent signs, as it is written in the header or spelled in any way that
/// gives the column's name (`%First Name%`, `%first_name%`), without white space at its ends. Every other percent sign is
/// one: `50% off, %name%` has three of them.
pub(super) fn pieces<'a>(literal: &'a str, names: &ColumnNames) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    let mut text = |from: usize, to: usize, column| {
        if from < to {
            pieces.push(Piece {
                source: &literal[from..to],
                column,
            });
        }
    };
    let mut written = 0;
    let mut percents = literal.match_indices('%').map(|(place, _)| place);
    let mut open = percents.next();
    while let (Some(from), Some(to)) = (open, percents.next()) {
        let Some(column) = column(&literal[from + 1..to], names) else {
            // This sign may open what the next one closes.
            open = Some(to);
            continue;
        };
        text(written, from, None);
        text(from, to + 1, Some(column));
        written = to + 1;
        open = percents.next();
    }
    text(written, literal.len(), None);
    pieces
}

fn column(inner: &str, names: &ColumnNames) -> Option<usize> {
    let on_one_line = !inner.contains(['\n', '\r']);
    (on_one_line && inner.trim() == inner)
        .then(|| names.meant(inner))
        .flatten()
}

/// Whether the literal text that begins at this place of a template is that of a `{% raw %}` block.
pub(super) fn is_raw(template: &str, start: usize) -> bool {
    let tag = template
        .get(..start)
        .and_then(|before| before.trim_end().strip_suffix("%}"))
        .and_then(|before| before.rsplit_once("{%"));
    tag.is_some_and(|(_, inner)| {
        inner.trim_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '+')) == "raw"
    })
}
