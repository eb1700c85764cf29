//! Templates of text and columns only, as nearly all are: rendered piece by piece, without the engine. The texts and faults
//! are the engine's (a test compares them); it knows no filter and no block.

use minijinja::machinery::ast::{Expr, Stmt};

use super::cell::{self, State};
use super::{Cells, MAX_CHARS, Names, RenderError};

/// A template of text and columns, in order.
#[derive(Debug)]
pub(super) struct Plain {
    pieces: Vec<Piece>,
    /// The bytes of all text pieces.
    literal_len: usize,
}

#[derive(Debug)]
enum Piece {
    Text(String),
    /// The position of a column in the names.
    Column(usize),
}

impl Plain {
    /// The pieces of this tree, if there is nothing else in it.
    pub(super) fn of(statements: &[Stmt<'_>], names: &Names) -> Option<Self> {
        let mut pieces = Vec::new();
        collect(statements, names, &mut pieces)?;
        let literal_len = pieces.iter().map(Piece::literal_len).sum();
        Some(Self {
            pieces,
            literal_len,
        })
    }

    /// Whether every row gets the same text.
    pub(super) fn is_constant(&self) -> bool {
        let is_text = |piece: &Piece| matches!(piece, Piece::Text(_));
        self.pieces.iter().all(is_text)
    }

    /// The text of a row, or its first fault in the order of the template.
    pub(super) fn render<C: Cells + ?Sized>(
        &self,
        cells: &C,
        names: &Names,
    ) -> Result<String, RenderError> {
        let cell_of = |position: usize| cells.cell(names.columns[position].cell);
        let mut len = self.literal_len;
        for piece in &self.pieces {
            let Piece::Column(position) = piece else {
                continue;
            };
            let cell = cell_of(*position);
            match cell::state(cell) {
                State::Filled => len += cell.len(),
                _ => return Err(names.unusable(*position, cell)),
            }
        }
        // No text can be as long, however its characters are written.
        if len > MAX_CHARS * 4 {
            return Err(RenderError::TooLong);
        }
        let mut rendered = String::with_capacity(len);
        for piece in &self.pieces {
            rendered.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Column(position) => cell_of(*position),
            });
        }
        Ok(rendered)
    }
}

impl Piece {
    fn literal_len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Column(_) => 0,
        }
    }
}

fn collect(statements: &[Stmt<'_>], names: &Names, pieces: &mut Vec<Piece>) -> Option<()> {
    for statement in statements {
        match statement {
            Stmt::Template(template) => collect(&template.children, names, pieces)?,
            Stmt::EmitRaw(literal) => pieces.push(Piece::Text(literal.raw.to_owned())),
            Stmt::EmitExpr(emit) => pieces.push(Piece::Column(column(&emit.expr, names)?)),
            _ => return None,
        }
    }
    Some(())
}

/// The column that an expression is, and nothing done to it: `name`, `row["Name"]`, or what `%name%` has become.
fn column(expression: &Expr<'_>, names: &Names) -> Option<usize> {
    match expression {
        Expr::Var(variable) => names
            .referenced(variable.id)
            .or_else(|| names.position(variable.id, false)),
        Expr::GetItem(item) => match (&item.expr, &item.subscript_expr) {
            (Expr::Var(row), Expr::Const(header)) if row.id == "row" => {
                names.position(header.value.as_str()?, true)
            }
            _ => None,
        },
        _ => None,
    }
}
