//! The parts of a compiled template, and how they are rendered.

use super::cell::Cells;
use super::error::RenderError;
use super::evaluate::{Condition, Placeholder};
use super::names::ColumnNames;

/// A part of a template.
#[derive(Debug)]
pub(super) enum Node<'a> {
    /// Text as it is sent.
    Text(&'a str),
    /// The cell of the column at this position, unchanged: `{{ name }}` or `%name%`.
    Column(usize),
    /// Any other `{{ }}`.
    Placeholder(Placeholder<'a>),
    /// `{% if %}` to `{% endif %}`: the first branch whose condition holds.
    If(Vec<Branch<'a>>),
}

/// A condition and what is rendered if it holds.
#[derive(Debug)]
pub(super) struct Branch<'a> {
    /// `None`: `{% else %}`.
    pub(super) condition: Option<Condition<'a>>,
    pub(super) body: Vec<Node<'a>>,
}

/// Appends the positions of all columns that these nodes name.
pub(super) fn columns(nodes: &[Node<'_>], used: &mut Vec<usize>) {
    for node in nodes {
        match node {
            Node::Text(_) => {}
            Node::Column(position) => used.push(*position),
            Node::Placeholder(placeholder) => used.extend(&placeholder.uses.columns),
            Node::If(branches) => {
                for branch in branches {
                    let conditions = branch.condition.iter();
                    used.extend(conditions.flat_map(|condition| &condition.uses.columns));
                    columns(&branch.body, used);
                }
            }
        }
    }
}

/// Appends the text of a row.
pub(super) fn render<C: Cells + ?Sized>(
    nodes: &[Node<'_>],
    names: &ColumnNames,
    cells: &C,
    rendered: &mut String,
) -> Result<(), RenderError> {
    for node in nodes {
        match node {
            Node::Text(text) => rendered.push_str(text),
            Node::Column(position) => rendered.push_str(names.filled(*position, cells)?),
            Node::Placeholder(placeholder) => rendered.push_str(&placeholder.text(cells)?),
            Node::If(branches) => {
                for branch in branches {
                    let is_taken = match &branch.condition {
                        Some(condition) => condition.holds(cells)?,
                        None => true,
                    };
                    if is_taken {
                        render(&branch.body, names, cells, rendered)?;
                        break;
                    }
                }
            }
        }
    }
    Ok(())
}
