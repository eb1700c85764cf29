//! The syntax of the gateway's own portal, `%name%`, in the literal text of a template.

use super::names::ColumnNames;
use super::node::Node;

/// Appends the nodes of a literal text.
///
/// A column is what stands on one line between two percent signs, as its header or in any notation that gives the column's
/// name (`%First Name%`, `%first_name%`), without white space at its ends. Every other percent sign is one:
/// `50% off, %name%` has three of them.
pub(super) fn append<'a>(literal: &'a str, names: &ColumnNames, nodes: &mut Vec<Node<'a>>) {
    let mut done = 0;
    let mut percents = literal.match_indices('%').map(|(place, _)| place);
    let mut open = percents.next();
    while let (Some(from), Some(to)) = (open, percents.next()) {
        let Some(column) = column(&literal[from + 1..to], names) else {
            // This sign may open what the next one closes.
            open = Some(to);
            continue;
        };
        nodes.extend([Node::Text(&literal[done..from]), Node::Column(column)]);
        done = to + 1;
        open = percents.next();
    }
    nodes.push(Node::Text(&literal[done..]));
}

fn column(inner: &str, names: &ColumnNames) -> Option<usize> {
    let on_one_line = !inner.contains(['\n', '\r']);
    (on_one_line && inner.trim() == inner)
        .then(|| names.meant(inner))
        .flatten()
}

/// Whether the literal text that begins at this place of a template is that of a `{% raw %}` block. The tokenizer does not say
/// so, but the tag stands directly before it.
pub(super) fn is_raw(template: &str, start: usize) -> bool {
    let tag = template
        .get(..start)
        .and_then(|before| before.trim_end().strip_suffix("%}"))
        .and_then(|before| before.rsplit_once("{%"));
    tag.is_some_and(|(_, inner)| {
        inner.trim_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '+')) == "raw"
    })
}
