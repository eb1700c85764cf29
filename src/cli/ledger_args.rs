//! How a command is told which campaign it is about, as it is typed: a ledger, a campaign file, a name in a store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use jiff::civil::Date;

use super::campaign_file::CampaignFile;
use super::store;
use super::values::date;
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
