//! The command line as it is typed. What it means is worked out in `settings`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand};

pub(super) use super::ledger_args::{
    CampaignFileArgs, CancelArgs, LedgerArgs, ResolveArgs, ResultsArgs, StoreArgs,
};
use super::on_end::OnEnd;
use super::values::{
    BalanceCheck, OnBadNumber, OnChange, ProgressArg, RateArg, Repeat, duration, keyword, range,
    rate, repeat, seconds,
};
use crate::domain::options::{
    DateOrder, DuplicateRule, HiddenRows, LintLevel, MaxInvalid, Punctuation, TextType,
};
use crate::domain::schedule::{When, Window, Zone};
use crate::domain::{PlanId, Region, SenderId};
use crate::source::{Delimiter, Encoding};

/// Send bulk-SMS campaigns from a spreadsheet through the iSMS gateway: never twice, never lost
#[derive(Debug, Parser)]
#[command(name = "isms-campaign", version, max_term_width = 110)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    /// Show more of what happens on standard error (-vv: every request)
    #[arg(short, long, global = true, action = ArgAction::Count, hide_short_help = true, help_heading = "Output")]
    pub(super) verbose: u8,
    /// Show only problems and the last summary on standard error
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        hide_short_help = true,
        help_heading = "Output"
    )]
    pub(super) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Read and check everything, and show what would be sent; send nothing
    #[command(after_help = PLAN_EXAMPLES)]
    Plan(Box<PlanArgs>),
    /// Plan, ask, then send; run it again to resume
    #[command(after_help = SEND_EXAMPLES)]
    Send(Box<SendArgs>),
    /// Send some of the texts to your own phone; nothing of it counts for the campaign
    #[command(after_help = TEST_EXAMPLES, after_long_help = format!("{TEST_EXAMPLES}\n\n{TEST_NOTE}"))]
    Test(Box<TestArgs>),
    /// Show how far a campaign is and what to do next
    Status {
        #[command(flatten)]
        ledger: LedgerArgs,
        /// Print it as one JSON object with the keys of --summary-json
        #[arg(long)]
        json: bool,
    },
    /// Write the results CSV of a ledger again, or some of its rows to standard output
    Results(ResultsArgs),
    /// Settle rows by what you know about them, or make them pending again
    Resolve(ResolveArgs),
    /// Decide that pending rows are not sent
    Cancel(CancelArgs),
    /// Check that everything in a ledger adds up
    Verify(LedgerArgs),
    /// Show the account's balance, and when it expires, as the gateway states them
    Balance(BalanceArgs),
    /// List the campaigns in a folder or a store, and what is open in each
    Campaigns {
        /// The folder [default: the store, if there is one, or else this folder]
        #[arg(conflicts_with = "store")]
        folder: Option<PathBuf>,
        #[command(flatten)]
        store: StoreArgs,
        /// Print them as a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Run the sandbox, a gateway that sends nothing, until it is stopped
    Sandbox {
        /// Where to listen; loopback only
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8025")]
        listen: SocketAddr,
        #[command(flatten)]
        options: SandboxArgs,
    },
    /// Print a page of the guide, or the list of pages
    Guide {
        /// The page to print
        topic: Option<String>,
    },
}

const PLAN_EXAMPLES: &str = "\
Examples:
  isms-campaign plan customers.csv --message \"Hi {{ name }}\"
  isms-campaign plan customers.xlsx --message-file may.txt --suppress optout.csv
  isms-campaign plan customers.csv --message-column text --sender-id KedaiKu";

const SEND_EXAMPLES: &str = "\
Examples:
  isms-campaign send customers.csv --message \"Hi {{ name }}\" --sandbox
  isms-campaign send customers.csv --message-file may.txt --limit 5
  isms-campaign send customers.ledger --yes";

const TEST_EXAMPLES: &str = "\
Examples:
  isms-campaign test customers.csv --message \"Hi {{ name }}\" --to 0123456789
  isms-campaign test may-sale.toml --to 0123456789 --to 0133456789
  isms-campaign test customers.ledger --to 0123456789 --rows 1,3";

const TEST_NOTE: &str = "\
A test goes to your own phone, so it does not look at these, which a campaign file may have: --suppress, \
--lenient-suppress, --repeat, --cooldown, --history, --max-invalid, --expires, --on-change and --show.";

/// The options of a plan that a test does not look at. They can be typed: a campaign file may have them.
const NOT_OF_TESTS: [&str; 9] = [
    "suppress",
    "lenient_suppress",
    "repeat",
    "cooldown",
    "history",
    "max_invalid",
    "expires",
    "on_change",
    "show",
];

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// A CSV or workbook, a campaign file, or - for standard input
    pub(super) recipients: PathBuf,
    #[command(flatten)]
    pub(super) campaign: CampaignFileArgs,
    #[command(flatten)]
    pub(super) options: PlanOptionArgs,
    #[command(flatten)]
    pub(super) store: StoreArgs,
    /// The name of the campaign in the store [default: the spreadsheet's name without its ending]
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "ledger",
        hide_short_help = true
    )]
    pub(super) name: Option<String>,
    #[command(flatten)]
    pub(super) check: CheckArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
    /// The command line as it was typed, from the name of the program.
    #[arg(skip)]
    pub(super) typed: Vec<OsString>,
}

#[derive(Debug, Args)]
#[command(mut_arg("recipients", |arg| arg.help("The spreadsheet, a campaign file, or the ledger of a plan")))]
#[command(mut_arg("sandbox", |arg| arg.conflicts_with_all(["store", "name"])))]
pub(super) struct SendArgs {
    #[command(flatten)]
    pub(super) plan: PlanArgs,
    #[command(flatten)]
    pub(super) send: SendOptionArgs,
    #[command(flatten)]
    pub(super) sandbox: SandboxArgs,
    /// The first of [`PlanOptionArgs`] that was typed, as it was typed.
    #[arg(skip)]
    pub(super) typed_plan_option: Option<String>,
}

#[derive(Debug, Args)]
#[command(mut_arg("recipients", |arg| arg.help("The spreadsheet, a campaign file, or the ledger of a plan")))]
#[command(mut_args(|arg| {
    let is_hidden = NOT_OF_TESTS.contains(&arg.get_id().as_str());
    arg.hide(is_hidden)
}))]
#[command(mut_arg("sandbox", |arg| arg.conflicts_with_all(["store", "name"])))]
pub(super) struct TestArgs {
    #[command(flatten)]
    pub(super) plan: PlanArgs,
    /// Your own number; repeatable
    ///
    /// A test has at most 10 messages: rows times numbers.
    #[arg(long, value_name = "NUMBER", required = true, help_heading = None)]
    pub(super) to: Vec<String>,
    /// Rows (sms_row) whose texts are sent, such as 1,46
    ///
    /// Without it those of the first and the longest text.
    #[arg(long, value_name = "ROWS", value_delimiter = ',', value_parser = range, help_heading = None)]
    pub(super) rows: Vec<RangeInclusive<u64>>,
    /// The gateway's address, used exactly as given [env: ISMS_GATEWAY] [default: the iSMS REST endpoint]
    #[arg(
        long,
        value_name = "URL",
        hide_short_help = true,
        help_heading = "Send"
    )]
    pub(super) gateway: Option<String>,
    /// Try it out: send to a gateway that sends nothing
    #[arg(long, conflicts_with = "gateway", help_heading = None)]
    pub(super) sandbox: bool,
    #[command(flatten)]
    pub(super) of_sandbox: SandboxArgs,
    /// Seconds to wait for an answer
    #[arg(long, value_name = "SECS", default_value = "30", value_parser = seconds, hide_short_help = true, help_heading = "Send")]
    pub(super) timeout: Duration,
    /// Do not ask; required where there is no terminal
    #[arg(long, help_heading = None)]
    pub(super) yes: bool,
    /// The first of [`PlanOptionArgs`] that was typed, as it was typed.
    #[arg(skip)]
    pub(super) typed_plan_option: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct BalanceArgs {
    /// The address of the gateway whose host is asked [env: ISMS_GATEWAY] [default: the iSMS REST endpoint]
    #[arg(long, value_name = "URL")]
    pub(super) gateway: Option<String>,
    /// Ask the sandbox
    #[arg(long, conflicts_with = "gateway")]
    pub(super) sandbox: bool,
    /// The credits of the sandbox
    #[arg(long, value_name = "N", requires = "sandbox")]
    pub(super) credits: Option<u64>,
}

/// What cannot be changed once a campaign is planned.
#[derive(Debug, Args)]
#[command(next_help_heading = "Plan")]
pub(super) struct PlanOptionArgs {
    /// The message, a template such as "Hi {{ name }}"
    #[arg(long, value_name = "TEXT", group = "template", help_heading = None)]
    pub(super) message: Option<String>,
    /// A file that holds the message
    #[arg(long, value_name = "FILE", group = "template", help_heading = None)]
    pub(super) message_file: Option<PathBuf>,
    /// The column that holds each row's message [default: message, msg, sms, text or mesej]
    #[arg(long, value_name = "NAME", group = "template", hide_short_help = true)]
    pub(super) message_column: Option<String>,
    /// The column that holds the numbers [default: found by its name]
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub(super) phone_column: Option<String>,
    /// What separates two cells: a character, or tab, comma, semicolon or pipe [default: detected]
    #[arg(long, value_name = "C", value_parser = Delimiter::parse, hide_short_help = true)]
    pub(super) delimiter: Option<Delimiter>,
    /// The character encoding of the spreadsheet, such as utf-8, windows-1252 or gbk [default: detected]
    #[arg(long, value_name = "NAME", value_parser = Encoding::parse, hide_short_help = true)]
    pub(super) encoding: Option<Encoding>,
    /// The sheet of a workbook [default: the first visible one]
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub(super) sheet: Option<String>,
    /// The country of numbers without a country code [default: MY]
    #[arg(long, value_name = "CC", value_parser = Region::parse, hide_short_help = true)]
    pub(super) region: Option<Region>,
    /// The sender's name: 3 to 11 letters and digits
    #[arg(long, value_name = "ID", value_parser = SenderId::parse, help_heading = None)]
    pub(super) sender_id: Option<SenderId>,
    /// How texts are encoded [default: auto]
    #[arg(id = "type", long = "type", value_name = "TYPE", value_parser = keyword::<TextType>(), hide_short_help = true)]
    pub(super) text_type: Option<TextType>,
    /// Whether curly quotes, long dashes and the like become plain where that saves a message from Unicode
    /// [default: plain]
    #[arg(long, value_parser = keyword::<Punctuation>(), hide_short_help = true)]
    pub(super) punctuation: Option<Punctuation>,
    /// What is a duplicate: the same number, or the same number and text [default: message]
    #[arg(long, value_parser = keyword::<DuplicateRule>(), hide_short_help = true)]
    pub(super) duplicates: Option<DuplicateRule>,
    /// Maximum numbers in one request [default: 30]
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub(super) batch_size: Option<NonZeroU32>,
    /// Texts that Malaysian networks block or that look like a mistake: report them, send nothing while there are
    /// any, or do not look for them [default: warn]
    #[arg(long, value_name = "LEVEL", value_parser = keyword::<LintLevel>(), hide_short_help = true)]
    pub(super) lint: Option<LintLevel>,
    /// Rows that a workbook hides or filters out: send them like any other, or skip them [default: there must be none]
    #[arg(long, value_parser = keyword::<HiddenRows>(), hide_short_help = true)]
    pub(super) hidden: Option<HiddenRows>,
    /// Whether dates such as 11/05/2026 have the day or the month first [default: as each column shows]
    #[arg(long, value_parser = keyword::<DateOrder>(), hide_short_help = true)]
    pub(super) date_order: Option<DateOrder>,
    /// A plan older than this is not sent; counted from when it was planned [default: 7d]
    #[arg(long, value_name = "DURATION", value_parser = duration, hide_short_help = true)]
    pub(super) expires: Option<Duration>,
    /// Refuse a spreadsheet with fewer rows than this
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub(super) min_rows: Option<u64>,
    /// Where the ledger is written [default: the spreadsheet's name with .ledger]
    #[arg(
        long,
        value_name = "PATH",
        conflicts_with = "store",
        hide_short_help = true
    )]
    pub(super) ledger: Option<PathBuf>,
    /// What to do if the spreadsheet, the message or an option differs from what was sent before
    /// [default: refuse]
    #[arg(long, hide_short_help = true)]
    pub(super) on_change: Option<OnChange>,
}

/// What every run checks anew.
#[derive(Debug, Args)]
#[command(next_help_heading = "Checks")]
pub(super) struct CheckArgs {
    /// Opted-out numbers: a CSV, workbook, list or ledger
    ///
    /// A CSV or workbook needs a phone column, a list has one number a line, of a ledger the accepted, unknown and pending
    /// numbers count, and of a results file all but refused, invalid and cancelled ones. Repeatable. The lists that
    /// ISMS_SUPPRESS names, with colons between them, always apply.
    #[arg(long, value_name = "FILE", help_heading = None)]
    pub(super) suppress: Vec<PathBuf>,
    /// Continue if a suppression list has entries that are no numbers
    #[arg(long, hide_short_help = true)]
    pub(super) lenient_suppress: bool,
    /// Send nothing if another campaign in the ledger's folder sent the same to nine tenths of the numbers within this time
    #[arg(long, value_name = "DURATION|allow", default_value = "6d", value_parser = repeat, hide_short_help = true)]
    pub(super) repeat: Repeat,
    /// Send nothing to a number that another campaign in the ledger's folder reached within this time
    ///
    /// Another campaign is one whose ledger is there. Accepted and unknown messages count, those of the sandbox and of tests do not.
    #[arg(long, value_name = "DURATION", value_parser = duration, hide_short_help = true)]
    pub(super) cooldown: Option<Duration>,
    /// Another folder whose ledgers count for --cooldown
    #[arg(
        long,
        value_name = "DIR",
        requires = "cooldown",
        hide_short_help = true
    )]
    pub(super) history: Vec<PathBuf>,
    /// Send nothing if more rows than this cannot be sent [default: 20%]
    #[arg(long, value_name = "N|P%", hide_short_help = true)]
    pub(super) max_invalid: Option<MaxInvalid>,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// Show N texts, spread over the spreadsheet
    #[arg(long, value_name = "N", help_heading = None)]
    pub(super) show: Option<u64>,
    /// Write the summary as one JSON object there; - for standard output
    #[arg(long, value_name = "PATH", hide_short_help = true)]
    pub(super) summary_json: Option<PathBuf>,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressArg::Auto, hide_short_help = true)]
    pub(super) progress: ProgressArg,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Send")]
pub(super) struct SendOptionArgs {
    /// The gateway's address, used exactly as given [env: ISMS_GATEWAY] [default: the iSMS REST endpoint]
    #[arg(long, value_name = "URL", hide_short_help = true)]
    pub(super) gateway: Option<String>,
    /// Try it out: send to a gateway that sends nothing
    #[arg(long, conflicts_with = "gateway", help_heading = None)]
    pub(super) sandbox: bool,
    /// The rate in recipients, over all workers: 30/s, 600/m, 5000/h, 50000/d or none [default: 30/s]
    #[arg(long, value_name = "RATE", value_parser = rate, hide_short_help = true)]
    pub(super) rate: Option<RateArg>,
    /// Take this much time inside of --window for what is pending at first; later runs keep that rate
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "rate", hide_short_help = true)]
    pub(super) spread: Option<Duration>,
    /// Wait until then: 09:00, "2026-12-01 09:00", or RFC 3339
    ///
    /// A time of day is the next one when it is first given for this campaign; repeated, it means the same.
    #[arg(long, value_name = "WHEN", value_parser = When::parse, hide_short_help = true)]
    pub(super) start_at: Option<When>,
    /// Send nothing more from then on; what is left stays pending
    #[arg(long, value_name = "WHEN", value_parser = When::parse, hide_short_help = true)]
    pub(super) not_after: Option<When>,
    /// Send only then, and wait otherwise: "mon-fri 09:00-18:00", or 22:00-02:00 for every night; repeatable
    #[arg(long, value_name = "[DAYS ]HH:MM-HH:MM", value_parser = Window::parse, hide_short_help = true)]
    pub(super) window: Vec<Window>,
    /// The time zone of these times
    #[arg(long, value_name = "NAME", default_value = Zone::DEFAULT, value_parser = Zone::parse, hide_short_help = true)]
    pub(super) time_zone: Zone,
    /// Number of requests at a time, after the first usable answer
    ///
    /// Until then one at a time is made: a batch, or a single recipient if the last request had no usable answer, and then
    /// single recipients.
    #[arg(long, value_name = "N", default_value = "4", hide_short_help = true)]
    pub(super) concurrency: NonZeroU32,
    /// Seconds to wait for an answer
    #[arg(long, value_name = "SECS", default_value = "30", value_parser = seconds, hide_short_help = true)]
    pub(super) timeout: Duration,
    /// Seconds to wait for a connection
    #[arg(long, value_name = "SECS", default_value = "10", value_parser = seconds, hide_short_help = true)]
    pub(super) connect_timeout: Duration,
    /// Stop when this many requests had no usable answer; 0: never
    ///
    /// Up to 10: this many of the last 10 requests, or more than one in twenty of this run's once there were 100. Above
    /// 10: this many in all.
    #[arg(long, value_name = "N", default_value = "3", hide_short_help = true)]
    pub(super) max_unknown: u32,
    /// A batch that is refused for a bad number: refuse all of it, or halve it until the bad number is alone
    #[arg(long, value_enum, default_value_t = OnBadNumber::Refuse, hide_short_help = true)]
    pub(super) on_bad_number: OnBadNumber,
    /// How long an unreachable or throttling gateway is tried
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration, hide_short_help = true)]
    pub(super) give_up_after: Duration,
    /// Compare the balance of the account with the credits that this run needs: warn if it is short, or send nothing then
    /// [default: warn where the gateway is iSMS or the sandbox, else off]
    #[arg(long, value_enum, hide_short_help = true)]
    pub(super) balance: Option<BalanceCheck>,
    /// Send this plan and no other: the id that plan and status show; for a ledger
    #[arg(long, value_name = "ID", hide_short_help = true)]
    pub(super) plan_id: Option<PlanId>,
    /// Send to exactly N recipients in this run
    #[arg(long, value_name = "N", help_heading = None)]
    pub(super) limit: Option<u64>,
    /// Where the results are written [default: the spreadsheet's name with .results.csv]
    #[arg(long, value_name = "PATH", hide_short_help = true)]
    pub(super) results: Option<PathBuf>,
    /// A command that gets the summary as JSON on standard input when the run has ended, however it ended
    ///
    /// It is run without a shell, with 60 seconds of time. If it fails, that is a warning.
    #[arg(long, value_name = "COMMAND", value_parser = OnEnd::parse, hide_short_help = true)]
    pub(super) on_end: Option<OnEnd>,
    /// Do not ask; required where there is no terminal
    #[arg(long, help_heading = None)]
    pub(super) yes: bool,
}

/// How the sandbox behaves.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Sandbox")]
pub(super) struct SandboxArgs {
    /// Where the sandbox writes what it accepted, as a CSV
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(super) outbox: Option<PathBuf>,
    /// Delay of each answer, in milliseconds
    #[arg(long, value_name = "MS", hide_short_help = true)]
    pub(super) latency: Option<u64>,
    /// Answer for each number of a request
    #[arg(long, hide_short_help = true)]
    pub(super) per_number: bool,
    /// Credits of the account, for which it takes messages [default: more than any campaign needs]
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub(super) credits: Option<u64>,
}

impl OutputArgs {
    /// Whether standard output is reserved for the JSON object.
    pub(super) fn json_on_standard_output(&self) -> bool {
        self.summary_json.as_deref() == Some(Path::new("-"))
    }

    /// The file of the summary.
    pub(super) fn summary_file(&self) -> Option<&PathBuf> {
        self.summary_json
            .as_ref()
            .filter(|_| !self.json_on_standard_output())
    }
}

impl SandboxArgs {
    /// Whether any of them was typed.
    pub(super) fn typed(&self) -> bool {
        self.outbox.is_some() || self.latency.is_some() || self.per_number || self.credits.is_some()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::domain::PlanOptions;

    #[test]
    fn clap_accepts_the_definitions() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_compared_option_can_be_typed() {
        let command = Cli::command();
        let plan = command.find_subcommand("plan").unwrap();
        for option in PlanOptions::compared() {
            let known = plan
                .get_arguments()
                .any(|arg| arg.get_long() == Some(option));
            assert!(known, "--{option}");
        }
    }

    #[test]
    fn the_short_help_fits_on_one_screen() {
        for name in ["plan", "send", "test"] {
            let arguments = ["isms-campaign", name, "-h"].map(OsString::from);
            let help = Cli::try_parse_from(arguments).unwrap_err().to_string();
            assert!(help.lines().count() <= 24, "{help}");
            assert!(
                help.lines().all(|line| line.chars().count() <= 80),
                "{help}"
            );
            assert_eq!(help.matches("\n  isms-campaign").count(), 3, "{help}");
        }
    }
}
