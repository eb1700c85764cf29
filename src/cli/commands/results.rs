//! `results`: writes all rows to the file beside the ledger, or some of them to standard output.

use crate::Result;
use crate::cli::args::ResultsArgs;
use crate::cli::campaign_file::CampaignFile;
use crate::cli::existing;
use crate::cli::exit::Exit;
use crate::cli::files::{
    CampaignFiles, is_sandbox_ledger, refuse_overwriting, role, spreadsheet_of,
};
use crate::cli::terminal::{inform, standard_output};
use crate::cli::view::counted;
use crate::results::{self, ResultsFile};

pub(in crate::cli) fn run(args: &ResultsArgs) -> Result<Exit> {
    let ledger = &existing::named(&args.ledger)?;
    let sandbox = is_sandbox_ledger(ledger);
    let (snapshot, _) = existing::read(ledger)?;
    let only = (!args.status.is_empty()).then_some(args.status.as_slice());
    if only.is_some() && args.results.is_none() {
        return results::write(&*snapshot, only, sandbox, standard_output()).map(|_| Exit::OK);
    }
    let file = args.ledger.campaign.file.as_ref();
    let of_file = file.and_then(CampaignFile::results);
    let results = args.results.as_deref().or(of_file.as_deref());
    let files = CampaignFiles::of_ledger(ledger, args.ledger.spreadsheet().as_deref(), results)?;
    let spreadsheet = spreadsheet_of(ledger);
    let file = file.map(|file| ("the campaign file", file.path.as_path()));
    let spreadsheet = spreadsheet.iter().map(role("the spreadsheet"));
    let inputs: Vec<_> = spreadsheet.chain(file).collect();
    refuse_overwriting(&inputs, ledger, &[("the results file", &files.results)])?;
    let rows = ResultsFile::prepare(&files.results)?.write(&*snapshot, only, sandbox)?;
    let place = files.results.display();
    inform(&format!("{} in {place}", counted(rows, "row")));
    Ok(Exit::OK)
}
