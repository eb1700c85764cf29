//! The parts of a compiled template, and how they are rendered.

use super::cell::Cells;
use super::error::RenderError;
use super::evaluate::Code;
use super::face::{Face, Slots};
use super::names::ColumnNames;

/// A part of a template.
#[derive(Debug)]
pub(super) enum Node<'a> {
    /// Text as it is sent.
    Text(&'a str),
    /// The cell of the column at this position, as the sheet shows it: `{{ name }}` or `%name%`.
    Column(usize),
    /// Any other `{{ }}`.
    Placeholder(Code<'a>),
    /// `{% if %}` to `{% endif %}`: the first branch whose condition holds.
    If(Vec<Branch<'a>>),
}

/// A condition and what is rendered if it holds.
#[derive(Debug)]
pub(super) struct Branch<'a> {
    /// `None`: `{% else %}`.
    pub(super) condition: Option<Code<'a>>,
    pub(super) body: Vec<Node<'a>>,
}

impl Branch<'_> {
    /// Whether its condition holds for this row.
    fn is_taken<C: Cells + ?Sized>(&self, cells: &C) -> Result<bool, RenderError> {
        self.condition
            .as_ref()
            .map_or(Ok(true), |condition| condition.holds(cells))
    }
}

/// Appends all columns that these nodes name, and which face of a cell they use.
pub(super) fn slots(nodes: &[Node<'_>], used: &mut Slots) {
    for node in nodes {
        match node {
            Node::Text(_) => {}
            Node::Column(position) => used.push((*position, Face::Shown)),
            Node::Placeholder(placeholder) => used.extend(placeholder.slots()),
            Node::If(branches) => {
                for branch in branches {
                    used.extend(branch.condition.iter().flat_map(Code::slots));
                    slots(&branch.body, used);
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
            Node::Column(position) => rendered.push_str(names.shown(*position, cells)?),
            Node::Placeholder(placeholder) => rendered.push_str(&placeholder.text(cells)?),
            Node::If(branches) => {
                for branch in branches {
                    if branch.is_taken(cells)? {
                        render(&branch.body, names, cells, rendered)?;
                        break;
                    }
                }
            }
        }
    }
    Ok(())
}
