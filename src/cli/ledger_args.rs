//! How a command is told which campaign it is about, as it is typed: a ledger, a campaign file, a name in a store. And what the
//! commands that write its results again or decide about its rows take besides.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{ArgGroup, Args};
use jiff::civil::Date;

use super::campaign_file::CampaignFile;
use super::store;
use super::values::{ResolutionArg, date, keyword, range};
use crate::domain::Status;
use crate::ledger::{Location, Store};

/// Which campaign a command is about.
#[derive(Debug, Args)]
pub(super) struct LedgerArgs {
    /// The ledger of the campaign, its spreadsheet, its campaign file (.toml), or its name in a store
    #[arg(id = "ledger", value_name = "LEDGER")]
    pub(super) location: Location,
    #[command(flatten)]
    pub(super) store: StoreArgs,
    #[command(flatten)]
    pub(super) campaign: CampaignFileArgs,
}

/// A database that keeps campaigns, in the place of files.
#[derive(Debug, Args)]
pub(super) struct StoreArgs {
    /// The PostgreSQL database that keeps the campaign: postgresql://USER@HOST/DATABASE [env: ISMS_STORE]
    // A wrong one is not shown: it may hold a password.
    #[arg(
        id = "store",
        long = "store",
        value_name = "URL",
        hide_short_help = true
    )]
    pub(super) url: Option<String>,
    /// The store that was typed or is named elsewhere, if it counts.
    #[arg(skip)]
    pub(super) found: Option<Arc<Store>>,
}

#[derive(Debug, Args)]
pub(super) struct CampaignFileArgs {
    /// The date that %Y, %m and %d in a campaign file stand for [default: today]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date, hide_short_help = true)]
    pub(super) date: Option<Date>,
    /// The campaign file that was named.
    #[arg(skip)]
    pub(super) file: Option<CampaignFile>,
}

impl LedgerArgs {
    /// The spreadsheet that was named, itself or by a campaign file.
    pub(super) fn spreadsheet(&self) -> Option<PathBuf> {
        let named = self.location.path().filter(|path| store::is_file(path));
        let of_file = self.campaign.file.as_ref().map(CampaignFile::recipients);
        named.map(Path::to_owned).or(of_file)
    }
}

impl CampaignFileArgs {
    /// The date that was filled in, if one was.
    pub(super) fn dated(&self) -> Option<Date> {
        self.file.as_ref().and_then(|file| file.date)
    }
}

#[derive(Debug, Args)]
pub(super) struct ResultsArgs {
    #[command(flatten)]
    pub(super) ledger: LedgerArgs,
    /// Only rows with these statuses, such as refused,invalid
    #[arg(long, value_delimiter = ',', value_parser = keyword::<Status>())]
    pub(super) status: Vec<Status>,
    /// Where to write them
    #[arg(long, value_name = "PATH")]
    pub(super) results: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub(super) struct ResolveArgs {
    #[command(flatten)]
    pub(super) ledger: LedgerArgs,
    /// Every unknown row
    #[arg(long, group = "which")]
    pub(super) all: bool,
    /// The rows of this batch (sms_batch)
    #[arg(long, group = "which", value_name = "N")]
    pub(super) batch: Option<u64>,
    /// These rows (sms_row), such as 3,17-20
    ///
    /// They are unknown or refused, or, with --as not-sent, cancelled or suppressed after planning.
    #[arg(long, group = "which", value_name = "ROWS", value_delimiter = ',', value_parser = range)]
    pub(super) rows: Vec<RangeInclusive<u64>>,
    /// What is known about them
    #[arg(long = "as", value_name = "STATUS")]
    pub(super) resolution: ResolutionArg,
    /// Their transaction id, where they were accepted
    #[arg(long, value_name = "ID")]
    pub(super) trx_id: Option<String>,
    /// Why, in your own words
    #[arg(long, value_name = "TEXT")]
    pub(super) note: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct CancelArgs {
    #[command(flatten)]
    pub(super) ledger: LedgerArgs,
    /// Only these rows (sms_row), such as 3,17-20 [default: every pending row]
    #[arg(long, value_name = "ROWS", value_delimiter = ',', value_parser = range)]
    pub(super) rows: Vec<RangeInclusive<u64>>,
    /// Why, in your own words
    #[arg(long, value_name = "TEXT")]
    pub(super) note: Option<String>,
    /// Do not ask; required where there is no terminal
    #[arg(long)]
    pub(super) yes: bool,
}
