//! `plan`: reads, checks and renders everything, writes the ledger, and shows what would be sent.

use std::fmt::Write as _;

use crate::Result;
use crate::cli::args::PlanArgs;
use crate::cli::exit::Exit;
use crate::cli::files::{CampaignFiles, shell_line};
use crate::cli::overview::Details;
use crate::cli::progress::Progress;
use crate::cli::session::{Session, Stage, plan_or_resume};
use crate::cli::settings::{self, PlanSettings};
use crate::cli::summary::{self, Summary};
use crate::cli::terminal::{inform, print};
use crate::cli::timing::Timing;
use crate::cli::{earlier, named, next, overview, repeat, show, store_note, view};
use crate::domain::{PlanId, Status};
use crate::source::Input;

pub(in crate::cli) fn run(args: &PlanArgs) -> Exit {
    summary::of_run(&args.output, None, |summary| plan(args, summary))
}

fn plan(args: &PlanArgs, summary: &mut Summary) -> Result<Exit> {
    summary.name = CampaignFiles::stem(&args.recipients);
    let (input, files) = settings::of_plan(args)?;
    summary.files = Some(files.clone());
    summary.leave_to_run_under_way(&args.output);
    summary.write_begun(&args.output)?;
    let settings = PlanSettings::new(&input, &files, args)?;
    let progress = args.output.progress;
    let session = plan_or_resume(&settings, true, &Progress::of_planning(progress))?;
    store_note::write(&input, &session.ledger)?;
    summary.is_left_to_other = false;
    let session = session.with_lifetime(args.options.expires)?;

    summary.set_totals(session.totals);
    summary.credits = summary.totals.credits_planned;
    summary.gateway.clone_from(&session.campaign.gateway_host);
    summary.report = Some(session.campaign.report.clone());
    let sendable = session.refuse_over_limits(args.check.max_invalid);
    let plan_id = session.plan_id()?;
    summary.plan_id = Some(plan_id);
    show(args, &session, summary, plan_id, sendable.is_ok())?;
    sendable.map(|()| Exit::OK)
}

/// Shows the plan where a person reads it.
fn show(
    args: &PlanArgs,
    session: &Session,
    summary: &Summary,
    plan_id: PlanId,
    sendable: bool,
) -> Result<()> {
    let campaign = &session.campaign;
    let timing = &Timing::planned(campaign.report.sendable, args.campaign.file.as_ref());
    let to_standard_error = args.output.json_on_standard_output();
    let details = if to_standard_error {
        Details::on_standard_error()
    } else {
        Details::Examples
    };
    let say = |text: &str| {
        if to_standard_error {
            inform(text.trim_end());
            Ok(())
        } else {
            print(text)
        }
    };
    match args.output.show {
        Some(number) if details == Details::Examples => {
            say(&overview::findings(campaign, timing, details).0)?;
            show::texts(&session.ledger, &session.places, number, say)?;
        }
        _ => say(&overview::of_plan(campaign, timing, details))?,
    }
    say(&format!(
        "\nPlan id:      {plan_id}\n{}",
        ending(args, session, summary, sendable)
    ))
}

fn ending(args: &PlanArgs, session: &Session, summary: &Summary, sendable: bool) -> String {
    let ledger = named::in_command(&session.ledger);
    let report = &session.campaign.report;
    let mut text = String::new();
    if report.sendable > args.output.show.unwrap_or(1) {
        let _ = writeln!(text, "All texts:    {}", all_texts(args, session));
    }
    if report.invalid_rows() > 0 {
        let invalid = format!("isms-campaign results {ledger} --status invalid");
        let _ = writeln!(text, "Invalid rows: {invalid}");
    }
    if session.stage == Stage::Begun {
        text += &begun(session, summary);
    } else if sendable && summary.totals.counts.of(Status::Pending) > 0 {
        let (ledger, whereabouts) = (&session.ledger, named::whereabouts(&session.ledger));
        let send = next::with_send_command("Send it", &session.campaign, ledger);
        let planned = if ledger.is_shared() {
            format!("Planned as {ledger} {whereabouts}")
        } else {
            format!("Planned {whereabouts}")
        };
        let _ = writeln!(text, "\n{planned}. Nothing was sent. {send}");
    }
    let file = args.campaign.file.as_ref();
    let next_date = repeat::next_date(args.check.repeat, &session.campaign, file);
    for line in next_date.into_iter().chain(earlier::open_ledgers(file)) {
        let _ = writeln!(text, "{line}");
    }
    text
}

/// How far a campaign is that has begun.
fn begun(session: &Session, summary: &Summary) -> String {
    let totals = &summary.totals;
    let of = |status| totals.counts.of(status);
    format!(
        "\nThis campaign has begun on an earlier run, so nothing was planned again: {} of {} accepted, {} pending.\n{}\n{}",
        view::grouped(of(Status::Accepted)),
        view::counted(totals.counts.sendable(), "message"),
        view::grouped(of(Status::Pending)),
        view::totals(totals, &session.ledger),
        next::steps(&session.campaign, totals, None, &session.ledger)
    )
}

/// The command that shows all texts: this one again, where it can be typed again.
fn all_texts(args: &PlanArgs, session: &Session) -> String {
    let again = || {
        let is_stdin = Input::parse(&args.recipients) == Input::Stdin;
        if is_stdin || args.output.json_on_standard_output() {
            return None;
        }
        let mut words = vec!["isms-campaign".to_owned()];
        let mut typed = args.typed.iter().skip(1);
        while let Some(word) = typed.next() {
            match word.to_str()? {
                "--show" => drop(typed.next()),
                word if word.starts_with("--show=") => {}
                word => words.push(word.to_owned()),
            }
        }
        if let (None, Some(date)) = (args.campaign.date, args.campaign.dated()) {
            words.extend(["--date".to_owned(), date.to_string()]);
        }
        let number = session.campaign.report.sendable;
        words.extend(["--show".to_owned(), number.to_string()]);
        shell_line(words.iter().map(String::as_str))
    };
    again().unwrap_or_else(|| {
        let ledger = named::in_command(&session.ledger);
        format!("isms-campaign results {ledger} --status pending")
    })
}
