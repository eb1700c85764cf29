//! From a template to the text of a row: where templates stand, which of them say the same to everybody, and what is known of a
//! text. It knows no numbers and no other row.

use std::collections::HashMap;
use std::sync::Arc;

use super::Spec;
use crate::domain::batching::Fingerprint;
use crate::domain::header::{Columns, trimmed};
use crate::domain::template::{self, Template, Templates};
use crate::domain::text::{Punctuation, TextError, TypeChoice};
use crate::domain::{RenderError, Text};
use crate::lint::{Findings, Linter};
use crate::{Error, Kind, Result};

/// Where the message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// One template for all rows, and where it stands ("--message", or a file's name).
    Common {
        /// The template.
        template: String,
        /// Where it stands.
        place: String,
    },
    /// In a column, another template in every row; `None`: found by its name.
    Column(Option<String>),
}

/// A text, and what is known of it.
#[derive(Debug)]
pub(super) struct Composed {
    pub(super) text: Text,
    pub(super) fingerprint: Fingerprint,
    /// What networks may block in it, and what looks like a mistake.
    pub(super) findings: Findings,
}

/// A text; or why there is none: in general, for counting, and in a sentence.
pub(super) type Outcome = Result<Arc<Composed>, (String, String)>;

/// What makes the texts of rows.
pub(super) enum Maker<'a> {
    /// A template that says the same to everybody, or is wrong: what comes of it is found once.
    Same(Outcome),
    /// A template that says something else in every row.
    Each(Box<Template<'a>>),
}

/// What makes the texts of a chunk, by the templates that stand in its rows.
pub(super) type Makers<'a> = HashMap<&'a str, Maker<'a>>;

/// Where templates stand.
pub(super) enum Place<'a> {
    Common(Maker<'a>),
    Column(usize),
}

/// How texts are written and looked at.
pub(super) struct Composer {
    kind: TypeChoice,
    punctuation: Punctuation,
    /// None where nobody wants to know.
    linter: Option<Linter>,
}

impl Composer {
    pub(super) fn new(spec: &Spec<'_>, columns: &Columns) -> Self {
        Self {
            kind: spec.kind,
            punctuation: spec.punctuation,
            linter: spec.lint.then(|| linter(columns)),
        }
    }

    /// The text to send for what a template was rendered to.
    pub(super) fn compose(&self, rendered: Result<String, RenderError>) -> Outcome {
        let rendered = rendered.map_err(|fault| (fault.in_general(), fault.to_string()))?;
        let text = Text::compose(rendered, self.kind, self.punctuation)
            .map_err(|fault| (label(&fault), fault.to_string()))?;
        let linter = self.linter.as_ref();
        Ok(Arc::new(Composed {
            fingerprint: Fingerprint::of(text.body()),
            findings: linter.map_or_else(Findings::default, |linter| linter.findings(text.body())),
            text,
        }))
    }

    fn of_template<'a>(&self, template: Template<'a>) -> Maker<'a> {
        if template.is_constant() {
            let no_cells: &[&str] = &[];
            Maker::Same(self.compose(template.render(no_cells)))
        } else {
            Maker::Each(Box::new(template))
        }
    }

    /// What a cell of the message column makes.
    pub(super) fn of_cell<'a>(
        &self,
        engine: &'a Templates,
        source: &'a str,
        title: &str,
    ) -> Maker<'a> {
        let wrong = |label: String, sentence: String| Maker::Same(Err((label, sentence)));
        if trimmed(source).is_empty() {
            let missing = format!("column \"{title}\": the message is missing");
            return wrong(missing.clone(), missing);
        }
        if let Some(error) = template::spreadsheet_error(source) {
            return wrong(
                format!("column \"{title}\" holds a spreadsheet error"),
                format!(
                    "column \"{title}\" holds the spreadsheet error {error}; correct it and export again"
                ),
            );
        }
        match engine.compile(source) {
            Ok(template) => self.of_template(template),
            Err(fault) => {
                let fault = format!("column \"{title}\": {fault}");
                wrong(fault.clone(), fault)
            }
        }
    }
}

/// Where the templates of a spreadsheet with these columns stand.
pub(super) fn find<'a>(
    spec: &'a Spec<'_>,
    engine: &'a Templates,
    columns: &Columns,
    composer: &Composer,
) -> Result<Place<'a>> {
    match &spec.message {
        Message::Common { template, .. } => {
            if trimmed(template).is_empty() {
                return Err(Error::new(Kind::Input, "the message is empty").hint("write one"));
            }
            let template = engine
                .compile(template)
                .map_err(|fault| Error::new(Kind::Input, fault.to_string()))?;
            Ok(Place::Common(composer.of_template(template)))
        }
        Message::Column(Some(name)) => columns.position(name).map(Place::Column),
        Message::Column(None) => columns.message()?.map(Place::Column).ok_or_else(|| {
            Error::new(Kind::Input, "there is no message: no column is named message, msg, sms, text or mesej")
                .hint("give the text with --message or --message-file, or name the column with --message-column")
        }),
    }
}

fn linter(columns: &Columns) -> Linter {
    let named = |(column, name): (usize, &'_ Option<String>)| {
        Some((columns.title(column).to_owned(), name.clone()?))
    };
    let columns: Vec<(String, String)> = columns
        .names()
        .iter()
        .enumerate()
        .filter_map(named)
        .collect();
    Linter::new(
        columns
            .iter()
            .map(|(header, name)| (header.as_str(), name.as_str())),
    )
}

fn label(fault: &TextError) -> String {
    match fault {
        TextError::TooLong { .. } => "the text is too long".to_owned(),
        other => other.to_string(),
    }
}
