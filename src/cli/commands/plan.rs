//! `plan`: reads, checks and renders everything, writes the ledger, and shows what would be sent.

use std::fmt::Write as _;

use crate::Result;
use crate::cli::args::PlanArgs;
use crate::cli::exit::Exit;
use crate::cli::files::shell_quoted;
use crate::cli::progress::Progress;
use crate::cli::session::{Session, Stage, plan_or_resume};
use crate::cli::settings::{self, PlanSettings};
use crate::cli::summary::{self, Summary};
use crate::cli::terminal::{print, tell};
use crate::cli::{overview, values, view};

pub(in crate::cli) fn run(args: &PlanArgs) -> Exit {
    summary::of_run(&args.output, |summary| plan(args, summary))
}

fn plan(args: &PlanArgs, summary: &mut Summary) -> Result<Exit> {
    let (input, files) = settings::of_plan(args)?;
    summary.files = Some(files.clone());
    summary::refuse_unwritable(&args.output)?;
    let settings = PlanSettings::new(&input, &files, args)?;
    let progress = args.output.progress;
    let session = plan_or_resume(&settings, true, &Progress::of_planning(progress))?;

    summary.set_totals(session.totals);
    summary.credits = summary.totals.credits_planned;
    summary.report = Some(session.campaign.report.clone());
    let sendable = session.refuse_over_limits(args.check.max_invalid);
    let text = overview(&session, summary, sendable.is_ok());
    if args.output.json_on_standard_output() {
        tell(text.trim_end());
    } else {
        print(&text)?;
    }
    sendable.map(|()| Exit::OK)
}

fn overview(session: &Session, summary: &Summary, sendable: bool) -> String {
    let mut text = overview::of_plan(&session.campaign, values::default_rate());
    if session.stage == Stage::Begun {
        text.push_str("\nThis campaign has begun; nothing was planned again.\n");
        text.push_str(&view::totals(&summary.totals));
    }
    if sendable {
        let _ = writeln!(
            text,
            "\nPlanned in {}. Nothing was sent. Send it: isms-campaign send {}",
            session.ledger.display(),
            shell_quoted(&session.ledger)
        );
    }
    text
}
