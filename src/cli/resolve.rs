//! The story of `resolve`: an operator's word about what is unknown or was refused.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

use super::exit::Exit;
use super::summary::{counted, next_step, of_totals};
use super::{clock, prepare, tell};
use crate::ledger::{Book, Selection, Word};
use crate::{Error, Result};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub(super) struct ResolveArgs {
    /// The ledger of the campaign
    ledger: PathBuf,
    /// Every unknown row
    #[arg(long, group = "which")]
    all: bool,
    /// The rows of this batch (sms_batch)
    #[arg(long, group = "which", value_name = "N")]
    batch: Option<u64>,
    /// These rows (sms_row), unknown or refused, such as 3,17-20
    #[arg(long, group = "which", value_name = "ROWS", value_delimiter = ',', value_parser = range)]
    rows: Vec<RangeInclusive<u64>>,
    /// What is known of them
    #[arg(long = "as", value_name = "WORD")]
    word: WordArg,
    /// Their transaction id, where they were accepted
    #[arg(long, value_name = "ID")]
    trx_id: Option<String>,
    /// Why, in your own words
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum WordArg {
    /// They went out
    Accepted,
    /// They did not; they are pending again
    NotSent,
}

/// One row, or all from one to another.
fn range(text: &str) -> Result<RangeInclusive<u64>, String> {
    let row = |text: &str| text.trim().parse::<u64>().ok().filter(|row| *row > 0);
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (row(first), row(last)) {
        (Some(first), Some(last)) if first <= last && i64::try_from(last).is_ok() => {
            Ok(first..=last)
        }
        _ => Err("is no row (3) and no range of rows (17-20)".to_owned()),
    }
}

pub(super) fn run(args: &ResolveArgs) -> Result<Exit> {
    let word = match (args.word, &args.trx_id) {
        (WordArg::Accepted, trx_id) => Word::Accepted {
            trx_id: trx_id.clone(),
        },
        (WordArg::NotSent, None) => Word::NotSent,
        (WordArg::NotSent, Some(_)) => {
            return Err(Error::usage("--trx-id belongs to --as accepted").advice("leave it out"));
        }
    };
    let selection = match args.batch {
        Some(batch) => Selection::Batch(batch),
        None if args.all => Selection::AllUnknown,
        None => Selection::Rows(args.rows.clone()),
    };
    let mut book = Book::open(&args.ledger, prepare::lock_existing(&args.ledger)?)?;
    let decided = book
        .decide(&selection, &word, args.note.as_deref(), &clock::now())
        .map_err(|fault| fault.at(args.ledger.display()));
    let totals = book.totals();
    book.close()?;
    let (decided, totals) = (decided?, totals?);
    tell(&format!(
        "{} settled.\n{}{}",
        counted(decided, "row"),
        of_totals(&totals),
        next_step(&totals, None, &args.ledger)
    ));
    Ok(Exit::OK)
}
