//! The texts of rows: where their templates are, which of them give every row the same text, and what is known of a text.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::batching::Fingerprint;
use crate::domain::cell::{shown, trimmed};
use crate::domain::header::Columns;
use crate::domain::options::{LintLevel, MessageSource, Punctuation, TextType};
use crate::domain::template::{self, Reading, Template, Templates};
use crate::domain::text::TextError;
use crate::domain::{Cells, ColumnNames, PlanOptions, RenderError, TemplateError, Text};
use crate::error::Remedy;
use crate::lint::{Finding, Linter};
use crate::{Error, Kind, Result};

/// A text, and what is known of it.
#[derive(Debug)]
pub(super) struct ComposedText {
    pub(super) text: Text,
    pub(super) fingerprint: Fingerprint,
    /// What networks may block in it, and what looks like a mistake.
    pub(super) findings: Vec<Finding>,
}

/// Why a row cannot be sent.
#[derive(Clone, Debug)]
pub(super) struct Invalid {
    /// What it has in common with other rows, to count them together.
    pub(super) category: String,
    /// What is wrong with this row.
    pub(super) reason: String,
    /// The header of the column whose cell is wrong, where it is a cell.
    pub(super) header: Option<String>,
}

/// A text to send, or why there is none.
pub(super) type Composed = Result<Arc<ComposedText>, Invalid>;

/// A template, ready to make texts.
pub(super) enum RowTemplate<'a> {
    /// It gives every row the same text, or cannot be used. Its result is worked out once.
    Constant(Composed),
    /// It gives every row a text of its own.
    Varying(Box<Template<'a>>),
}

impl RowTemplate<'_> {
    /// The cells that it reads as dates or amounts.
    pub(super) fn read(&self) -> &[(usize, Reading)] {
        match self {
            Self::Constant(_) => &[],
            Self::Varying(template) => template.read(),
        }
    }
}

/// The templates of a chunk of rows, by the cells that hold them.
pub(super) type CellTemplates<'a> = HashMap<&'a str, RowTemplate<'a>>;

/// Where the templates of a spreadsheet are.
pub(super) enum MessageTemplate<'a> {
    /// One for all rows.
    Common(RowTemplate<'a>),
    /// In the cells of this column.
    Column(usize),
}

/// Turns rendered templates into texts to send.
pub(super) struct Composer {
    text_type: TextType,
    punctuation: Punctuation,
    /// `None` where texts are not looked at.
    linter: Option<Linter>,
}

impl Composer {
    pub(super) fn new(options: &PlanOptions, columns: &ColumnNames) -> Result<Self> {
        Ok(Self {
            text_type: options.text_type,
            punctuation: options.punctuation,
            linter: (options.lint != LintLevel::Off)
                .then(|| Linter::new(columns))
                .transpose()?,
        })
    }

    /// The text to send for a row with these cells.
    pub(super) fn compose_row<C: Cells>(&self, template: &Template<'_>, cells: &C) -> Composed {
        let lost = self.linter.as_ref().and_then(|linter| {
            let mut used = template.used();
            used.find_map(|(_, cell)| linter.lost_cell(cells.cell(cell)))
        });
        self.compose(template.render(cells), lost)
    }

    /// The text to send for a rendered template. `lost`: what is found in one of its cells.
    fn compose(&self, rendered: Result<String, RenderError>, lost: Option<Finding>) -> Composed {
        let rendered = rendered.map_err(|error| Invalid {
            category: error.category(),
            reason: error.to_string(),
            header: error.header().map(str::to_owned),
        })?;
        let written = self.linter.as_ref().filter(|_| !rendered.is_ascii());
        let written = written.map(|_| rendered.clone());
        let text =
            Text::compose(rendered, self.text_type, self.punctuation).map_err(|error| Invalid {
                category: category(&error),
                reason: error.to_string(),
                header: None,
            })?;
        let linter = self.linter.as_ref();
        let mut findings = linter.map_or_else(Vec::new, |linter| {
            let written = written.as_deref().filter(|_| text.replaced > 0);
            linter.findings(&text.body, written)
        });
        findings.extend(lost.filter(|lost| findings.iter().all(|found| found.rule != lost.rule)));
        Ok(Arc::new(ComposedText {
            fingerprint: Fingerprint::of(&text.body),
            findings,
            text,
        }))
    }

    /// The template, ready to make texts. An error where it does not compile or, unless texts are not looked at, where it holds
    /// a column in the notation of another program.
    fn compile<'a>(
        &self,
        templates: &'a Templates,
        source: &'a str,
    ) -> Result<RowTemplate<'a>, TemplateError> {
        let template = templates.compile(source)?;
        if let Some(linter) = &self.linter {
            linter.check_template(&template)?;
        }
        Ok(if template.is_constant() {
            let no_cells: &[&str] = &[];
            RowTemplate::Constant(self.compose(template.render(no_cells), None))
        } else {
            RowTemplate::Varying(Box::new(template))
        })
    }

    /// The template in a cell of the message column.
    pub(super) fn compile_cell<'a>(
        &self,
        templates: &'a Templates,
        source: &'a str,
        column: &str,
    ) -> RowTemplate<'a> {
        let invalid = |category: String, reason: String| {
            RowTemplate::Constant(Err(Invalid {
                category,
                reason,
                header: Some(column.to_owned()),
            }))
        };
        let source = shown(source);
        if source.is_empty() {
            let missing = format!("column \"{column}\": the message is missing");
            return invalid(missing.clone(), missing);
        }
        if let Err(error) = template::filled(column, source) {
            return invalid(error.category(), error.to_string());
        }
        self.compile(templates, source).unwrap_or_else(|error| {
            let error = format!("column \"{column}\": {error}");
            invalid(error.clone(), error)
        })
    }
}

/// The message of a spreadsheet with these columns.
pub(super) fn find<'a>(
    source: &'a MessageSource,
    templates: &'a Templates,
    columns: &Columns,
    composer: &Composer,
) -> Result<MessageTemplate<'a>> {
    match source {
        MessageSource::Template(template) => {
            if trimmed(template).is_empty() {
                return Err(Error::new(Kind::Template, "the message is empty").hint("write one"));
            }
            composer
                .compile(templates, template)
                .map(MessageTemplate::Common)
                .map_err(|error| Error::new(Kind::Template, error.to_string()))
        }
        MessageSource::Column(Some(name)) => columns.position(name).map(MessageTemplate::Column),
        MessageSource::Column(None) => {
            columns
                .message()?
                .map(MessageTemplate::Column)
                .ok_or_else(|| {
                    Error::new(
                        Kind::Input,
                        "there is no message: no column is named message, msg, sms, text or mesej",
                    )
                    .hint("give the text")
                    .remedy(Remedy::Message)
                })
        }
    }
}

fn category(error: &TextError) -> String {
    match error {
        TextError::TooLong { .. } => "the text is too long".to_owned(),
        other => other.to_string(),
    }
}
