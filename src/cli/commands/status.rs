//! `status`: shows how far a campaign is and what to do next.

use crate::Result;
use crate::cli::args::LedgerArgs;
use crate::cli::campaign_file::CampaignFile;
use crate::cli::exit::Exit;
use crate::cli::files::is_sandbox_ledger;
use crate::cli::terminal::print;
use crate::cli::view::grouped;
use crate::cli::{existing, next, summary, timing, view};
use crate::domain::Status;

pub(in crate::cli) fn run(args: &LedgerArgs, json: bool) -> Result<Exit> {
    let place = &existing::named(args)?;
    let (snapshot, campaign) = existing::read(place)?;
    let totals = snapshot.totals()?;
    let plan_id = existing::plan_id(&*snapshot, &campaign)?;
    if json {
        let file = args.campaign.file.as_ref();
        let (spreadsheet, results) = (args.spreadsheet(), file.and_then(CampaignFile::results));
        let paths = (spreadsheet.as_deref(), results.as_deref());
        let object = summary::of_ledger(place, paths, (campaign, plan_id), totals)?;
        return print(&format!("{object:#}\n")).map(|()| Exit::OK);
    }
    let sendable = totals.counts.sendable();
    let done = sendable - totals.counts.of(Status::Pending);
    let next = match place.holder() {
        Some(holder) => format!(
            "A run is under way: it is in use by {holder}. Requests under way count as unknown until they are answered: wait for the end.\n"
        ),
        None => next::steps(&campaign, &totals, None, place),
    };
    let cancelled = match totals.counts.of(Status::Cancelled) {
        0 => String::new(),
        _ => format!(
            "To send after all what is cancelled: {}\n",
            view::make_pending_by_sms_row(place, Status::Cancelled)
        ),
    };
    print(&format!(
        "Campaign      {}, from {}\n\
         Planned       {}, not sent after {}\n\
         Plan id       {plan_id}\n\
         Sent to       {}\n\
         {}{}\
         Progress      {} of {} to send\n\n\
         {next}{cancelled}",
        campaign.name,
        campaign.input,
        timing::shown(&campaign.planned_at, &campaign),
        timing::shown(&campaign.expires_at, &campaign),
        match campaign.gateway_host.as_deref() {
            Some(_) if is_sandbox_ledger(place) => "the sandbox: nobody received anything",
            Some(host) => host,
            None => "nowhere yet",
        },
        timing::of_last_run(&campaign),
        view::totals(&totals, place),
        grouped(done),
        grouped(sendable),
    ))?;
    Ok(Exit::OK)
}
