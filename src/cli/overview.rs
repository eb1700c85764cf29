//! A plan on one screen, for the person who approves it: counts first, then credits, problems, and sample texts.

use std::fmt::Write as _;

use super::terminal::shows_private;
use super::timing::Timing;
use super::view::{Screen, counted, grouped, hardly_any, inflected, left};
use crate::domain::cost::{LongValues, UnicodeCause};
use crate::domain::duplicates::RepeatedNumber;
use crate::domain::example::Example;
use crate::domain::options::HiddenRows;
use crate::domain::place::{Place, listed};
use crate::domain::punctuation::is_unseen;
use crate::domain::report::{DateColumn, InvalidRows, ReadAs, Report, Sample, Warning};
use crate::ledger::Campaign;

/// The most lines for each kind of finding, so that the overview fits on a screen.
const LINES: usize = 6;

const GUESSED: &str =
    ", guessed from its bytes (check the names below, or name it with --encoding)";

const UNENDED: &str = "it has no line end, as in a file that is not complete (some programs write none): compare the rows below";

/// How much is shown of what belongs to customers: their cells, and their texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Details {
    /// What a person needs who judges the plan.
    Examples,
    /// Rows only, for what may be written into a log.
    Rows,
}

impl Details {
    /// What standard error gets: it may be written into a log.
    pub(super) fn on_standard_error() -> Self {
        if shows_private() {
            Self::Examples
        } else {
            Self::Rows
        }
    }
}

/// The plan on one screen.
pub(super) fn of_plan(campaign: &Campaign, timing: &Timing, details: Details) -> String {
    let mut screen = findings(campaign, timing, details);
    if details == Details::Examples {
        for (labels, sample) in samples(&campaign.report) {
            screen.0.push_str(&shown(&labels, sample));
        }
    }
    screen.0
}

/// The plan without sample texts.
pub(super) fn findings(campaign: &Campaign, timing: &Timing, details: Details) -> Screen {
    let report = &campaign.report;
    let mut screen = Screen::default();
    counts(&mut screen, campaign, timing, details);
    screen.gap();
    credits(&mut screen, report, details);
    screen.gap();
    if !report.unformatted.is_empty() {
        screen.line("Formats", unformatted(report));
    }
    screen.lines("Dates", &report.date_columns, |one| dates(one, details));
    screen.lines("Invalid", &report.invalid, |one| invalid(one, details));
    screen.lines("Same number", &report.repeated_numbers, |one| {
        repeated(one, details)
    });
    if report.several_messages > 0 {
        screen.line("Repeated", several_messages(report, details));
    }
    screen.lines("Content", &report.warnings, |one| warning(one, details));
    screen.gap();
    screen
}

impl Screen {
    /// An empty line, unless there is one already.
    fn gap(&mut self) {
        if !self.0.ends_with("\n\n") {
            self.0.push('\n');
        }
    }

    /// The first lines of a kind, and how many more there are.
    fn lines<T>(&mut self, label: &str, all: &[T], text: impl Fn(&T) -> String) {
        for one in all.iter().take(LINES) {
            self.line(label, text(one));
        }
        if let Some(more @ 1..) = all.len().checked_sub(LINES) {
            let more = format!("and {more} more such lines (all are in the --summary-json file)");
            self.line(label, more);
        }
    }
}

fn counts(screen: &mut Screen, campaign: &Campaign, timing: &Timing, details: Details) {
    let report = &campaign.report;
    if hardly_any(report.sendable, report.rows) {
        screen.line(
            "Warning",
            left(report.sendable, report.rows) + &why_not(report),
        );
    }
    let (name, input) = (&campaign.name, &campaign.input);
    screen.line("Campaign", format!("{name}, from {input}"));
    if let Some(read_as) = &report.read_as {
        screen.line("Read as", reading(read_as));
        if let ReadAs::Text { unended: true, .. } = read_as {
            screen.line("Last line", UNENDED);
        }
    }
    screen.line("Rows", with_blank(report));
    if report.hidden > 0 {
        screen.line("Hidden", hidden(report, campaign.options.hidden));
    }
    let messages = counted(report.sendable, "message");
    let requests = counted(report.batches, "request");
    let texts = counted(report.texts, "distinct text");
    screen.line("To send", format!("{messages} in {requests} ({texts})"));
    if report.abroad > 0 {
        let messages = counted(report.abroad, "message");
        let abroad = format!("{messages} to numbers of other countries");
        let rows = with_examples(abroad, report.abroad, &report.first_abroad, details);
        screen.line("Abroad", rows);
    }
    let (duplicate, suppressed) = (report.duplicate, report.suppressed);
    let invalid = report.invalid_rows();
    let not_sent = format!(
        "{} invalid, {} duplicate, {} suppressed",
        grouped(invalid),
        grouped(duplicate),
        grouped(suppressed)
    );
    screen.line("Not sent", not_sent);
    screen.lines("Suppress", &report.suppression_lists, |list| {
        format!("{}: {}", list.name, counted(list.numbers, "number"))
    });
    timing.show(screen, campaign);
}

/// Why most rows are not sent to: `: 199 are suppressed, 1 is invalid`.
fn why_not(report: &Report) -> String {
    let invalid = report.invalid_rows();
    let reasons = [
        (report.suppressed, "suppressed"),
        (invalid, "invalid"),
        (report.duplicate, "duplicate"),
    ];
    let reasons = reasons.iter().filter(|(rows, _)| *rows > 0);
    let reasons = reasons.map(|(rows, why)| inflected(*rows, "is", "are") + " " + why);
    format!(": {}", reasons.collect::<Vec<_>>().join(", "))
}

fn credits(screen: &mut Screen, report: &Report, details: Details) {
    let mut credits = grouped(report.credits);
    if report.unicode > 0 {
        let messages = counted(report.unicode, "message");
        let _ = write!(credits, ", {messages} in Unicode at 63 characters a credit");
    }
    screen.line("Credits", credits);
    screen.lines("  Unicode", &report.unicode_because, |one| {
        cause(one, details)
    });
    screen.lines("  Long", &report.long_values, |one| long(one, details));
    if report.replaced > 0 {
        let characters = counted(report.replaced, "character");
        let why = "to save messages from Unicode (--punctuation keep leaves them)";
        screen.line("  Punctuation", format!("{characters} made plain {why}"));
    }
}

fn unformatted(report: &Report) -> String {
    let (is, it) = match report.unformatted.len() {
        1 => ("is", "it"),
        _ => ("are", "them"),
    };
    format!(
        "{} {is} read as the workbook holds {it}, not as it shows {it}: the number format is not supported",
        quoted(&report.unformatted),
    )
}

/// `"due" is read with the month first, as some of its dates must be: "11/05/2026" in row 2 (C3) is 5 November 2026 (...)`.
fn dates(dates: &DateColumn, details: Details) -> String {
    let DateColumn {
        column,
        place,
        cell,
        day,
        ..
    } = dates;
    let first = dates.order.first();
    let (is_read, otherwise) = if dates.is_shown {
        (
            format!("is read with the {first} first, as some of its dates must be"),
            "--date-order says otherwise",
        )
    } else {
        (
            format!("may have the day or the month first, and is read with the {first} first"),
            "--date-order mdy: month first",
        )
    };
    let example = match details {
        Details::Examples => format!(": \"{cell}\" in {place} is {day}"),
        Details::Rows => format!(", as in {place}"),
    };
    format!("\"{column}\" {is_read}{example} ({otherwise})")
}

fn reading(read_as: &ReadAs) -> String {
    match read_as {
        ReadAs::Text {
            delimiter,
            encoding,
            assumed,
            gzip,
            ..
        } => {
            let delimiter = match delimiter {
                ',' => "commas".to_owned(),
                ';' => "semicolons".to_owned(),
                '\t' => "tabs".to_owned(),
                other => format!("\"{other}\""),
            };
            let gzip = if *gzip { "gzip, " } else { "" };
            let assumed = if *assumed { GUESSED } else { "" };
            format!("text with {delimiter} between cells, {gzip}{encoding}{assumed}")
        }
        ReadAs::Workbook { sheet, sheets: 1 } => format!("a workbook, sheet \"{sheet}\""),
        ReadAs::Workbook { sheet, sheets } => {
            format!("a workbook, sheet \"{sheet}\" of {sheets} (--sheet takes another one)")
        }
    }
}

/// `3 rows that the workbook hides or filters out: skipped (--hidden skip)`.
fn hidden(report: &Report, rule: Option<HiddenRows>) -> String {
    let becomes = match rule {
        Some(HiddenRows::Skip) => "skipped (--hidden skip)",
        Some(HiddenRows::Send) | None => "like any other (--hidden send)",
    };
    format!(
        "{} that the workbook hides or filters out: {becomes}{ROW}{}",
        counted(report.hidden, "row"),
        listed(report.hidden, &report.first_hidden)
    )
}

/// `"Price", "Due" and 3 more`.
fn quoted(columns: &[String]) -> String {
    let listed: Vec<String> = columns
        .iter()
        .take(LINES)
        .map(|column| format!("\"{column}\""))
        .collect();
    match columns.len().saturating_sub(LINES) {
        0 => listed.join(", "),
        more => format!("{} and {more} more", listed.join(", ")),
    }
}

fn with_blank(report: &Report) -> String {
    let blank = match report.blank_rows {
        0 => return grouped(report.rows),
        1 => "1 blank row skipped that has".to_owned(),
        blank => format!("{} blank rows skipped that have", grouped(blank)),
    };
    format!("{}, and {blank} no row number", grouped(report.rows))
}

/// `’ in 214 texts: 214 credits more`, and the first of these words.
fn cause(cause: &UnicodeCause, details: Details) -> String {
    let characters: Vec<_> = cause.characters.chars().map(named).collect();
    let what = match characters.as_slice() {
        [] => "another script, or many symbols,".to_owned(),
        some => some.join(" "),
    };
    let texts = counted(cause.rows, "text");
    let more = match cause.credits_more {
        0 => "no credits more".to_owned(),
        more => format!("{} more", counted(more, "credit")),
    };
    let first = match &cause.example {
        Some(example) if details == Details::Examples => {
            format!("{ROW}\"{}\" in {}", example.excerpt, place(example, 1))
        }
        Some(example) => format!("{ROW}{}", place(example, 1)),
        None => String::new(),
    };
    format!("{what} in {texts}: {more}{first}")
}

/// A character, or its code point where nothing would be seen.
fn named(c: char) -> String {
    if is_unseen(c) {
        format!("U+{:04X}", u32::from(c))
    } else {
        c.to_string()
    }
}

/// `37 rows need 2 credits because of NAME; 4 characters fewer saves 37 credits`.
fn long(long: &LongValues, details: Details) -> String {
    let rows = inflected(long.rows, "row needs", "rows need");
    let credits = if long.credits == long.usual_credits + 1 {
        counted(long.credits.into(), "credit")
    } else {
        format!("up to {} credits", long.credits)
    };
    let column = long.column.as_ref();
    let column = column.map_or_else(String::new, |column| format!(" because of {column}"));
    let mut text = format!(
        "{rows} {credits} instead of {}{column}; {} fewer in each saves {}",
        long.usual_credits,
        counted(long.characters.into(), "character"),
        counted(long.saves, "credit"),
    );
    if let Some(example) = &long.example {
        let _ = write!(text, "{ROW}{}", place(example, 1));
        if details == Details::Examples {
            text += &quoted_text(example.text.as_deref());
        }
    }
    text
}

fn invalid(invalid: &InvalidRows, details: Details) -> String {
    let what = format!("{}: {}", grouped(invalid.rows), invalid.what);
    with_examples(what, invalid.rows, &invalid.examples, details)
}

/// Where the lines under a line begin that say more about it.
const ROW: &str = "\n                ";

/// A finding, with the first of its rows on a line each.
fn with_examples(what: String, rows: u64, examples: &[Example], details: Details) -> String {
    let mut text = what;
    for example in examples {
        let _ = write!(text, "{ROW}{}", place(example, 1));
        match (details, &example.column) {
            (Details::Examples, Some(_)) if example.excerpt.is_empty() => text += " is blank",
            (Details::Examples, Some(_)) => {
                let _ = write!(text, ": \"{}\"", example.excerpt);
            }
            _ => {}
        }
    }
    if let Some(more @ 1..) = rows.checked_sub(examples.len() as u64) {
        let _ = write!(text, "{ROW}and {} more", grouped(more));
    }
    text
}

/// `row 39 (C40), name`: the first of `rows` rows with the same.
fn place(example: &Example, rows: u64) -> String {
    let places = listed(rows, &example.places);
    match &example.column {
        Some(column) => format!("{places}, {column}"),
        None => places,
    }
}

fn repeated(repeated: &RepeatedNumber, details: Details) -> String {
    let number = match details {
        Details::Examples => repeated.number.clone(),
        Details::Rows => "a number".to_owned(),
    };
    let first = repeated
        .place
        .map_or_else(String::new, |place| format!(", first in {place}"));
    format!(
        "{number} is in {}{first}; if these are different people, the spreadsheet has rounded their numbers",
        counted(repeated.rows, "row"),
    )
}

/// How many numbers get more than one message, with the messages of the first.
fn several_messages(report: &Report, details: Details) -> String {
    let numbers = inflected(report.several_messages, "number gets", "numbers get");
    let mut text = format!(
        "{numbers} {} (--duplicates number sends only the first to each)",
        counted(report.messages_to_them, "message")
    );
    for (nth, several) in report.several_to.iter().enumerate() {
        let places: Vec<Place> = several.messages.iter().map(|(place, _)| *place).collect();
        let rows = listed(places.len() as u64, &places);
        match details {
            Details::Rows => {
                let _ = write!(text, "{ROW}{rows}");
            }
            Details::Examples if nth > 0 => {
                let _ = write!(text, "{ROW}{} in {rows}", several.number);
            }
            Details::Examples => {
                let _ = write!(text, "{ROW}{}:", several.number);
                for (place, message) in &several.messages {
                    let _ = write!(text, "{ROW}  {place}{}", quoted_text(Some(message)));
                }
            }
        }
    }
    text
}

fn warning(warning: &Warning, details: Details) -> String {
    let mut text = format!("{}: {}", grouped(warning.rows), warning.what);
    // Which of the rows have which example is not counted.
    let rows = match &warning.examples[..] {
        [_] => warning.rows,
        _ => 0,
    };
    for example in &warning.examples {
        let rows = rows.max(example.places.len() as u64);
        let excerpt = match example.excerpt.as_str() {
            "" => String::new(),
            _ if details == Details::Rows => String::new(),
            excerpt => format!("\"{excerpt}\" in "),
        };
        let _ = write!(text, "{ROW}{excerpt}{}", place(example, rows));
        if details == Details::Examples {
            text += &quoted_text(example.text.as_deref());
        }
    }
    text
}

/// The most lines of a text under a finding.
const TEXT_LINES: usize = 4;

/// A text on lines of its own.
fn quoted_text(text: Option<&str>) -> String {
    let mut quoted = String::new();
    let mut lines = text.unwrap_or_default().lines();
    for line in lines.by_ref().take(TEXT_LINES) {
        let _ = write!(quoted, "{ROW}  | {line}");
    }
    if lines.next().is_some() {
        let _ = write!(quoted, "{ROW}  | …");
    }
    quoted
}

/// The sample texts. One that is several things at once is shown once, under all its labels.
fn samples(report: &Report) -> Vec<(String, &Sample)> {
    let mut shown: Vec<(String, &Sample)> = Vec::new();
    for (label, sample) in [
        ("First", &report.first),
        ("Longest", &report.longest),
        ("Dearest", &report.dearest),
    ] {
        let Some(sample) = sample else { continue };
        match shown
            .iter_mut()
            .find(|(_, same)| same.place.row == sample.place.row)
        {
            Some((labels, _)) => *labels = format!("{labels}, {}", label.to_lowercase()),
            None => shown.push((label.to_owned(), sample)),
        }
    }
    shown
}

fn shown(labels: &str, sample: &Sample) -> String {
    let encoding = if sample.r#type == 1 {
        "ASCII"
    } else {
        "Unicode"
    };
    let (place, units) = (sample.place, sample.units);
    let credits = counted(sample.credits.into(), "credit");
    let mut shown = format!("{labels}: {place}, {units} characters, {encoding}, {credits}\n");
    for line in sample.text.lines() {
        let _ = writeln!(shown, "  | {line}");
    }
    shown
}
