//! The store of a run: the database that keeps campaigns in the place of files, and how it is named in commands.

use std::path::Path;
use std::sync::Arc;

use super::credentials;
use crate::ledger::{Location, Store};
use crate::{Error, Result};

/// The variable that names the store where none is typed.
const VARIABLE: &str = "ISMS_STORE";

/// The store of this URL. An error does not show it: it may hold a password.
pub(super) fn parse(url: &str) -> Result<Arc<Store>> {
    Store::parse(url).map(Arc::new)
}

/// The store that the environment names.
pub(super) fn of_environment() -> Result<Option<Arc<Store>>> {
    let url = credentials::variable(VARIABLE)?;
    let store = url.as_deref().map(parse).transpose();
    store.map_err(|error| error.at(VARIABLE))
}

/// Whether an argument is a file, and not the name of a campaign.
pub(super) fn is_file(argument: &Path) -> bool {
    argument.exists() && !argument.is_dir()
}

/// The campaign of this name.
pub(super) fn campaign(store: &Arc<Store>, name: &Path) -> Result<Location> {
    let text = name.to_str().ok_or_else(|| {
        Error::usage("is not UTF-8 text, as the name of a campaign in a store must be")
            .hint("give it another name")
            .at(name.display())
    })?;
    Location::in_store(store, text)
}
