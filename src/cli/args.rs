//! The command line as it is typed: names, defaults, and what each word may be. It does nothing.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

use super::values::{
    RATE, RateArg, choice, delimiter, duration, encoding, range, rate, region, seconds, sender_id,
    status,
};
use crate::domain::options::{DuplicateRule, LintLevel, MaxInvalid, Punctuation, TextType};
use crate::domain::{Region, SenderId, Status};
use crate::source::{Delimiter, Encoding};
use crate::{Error, Result};

/// Send bulk-SMS campaigns out of a spreadsheet through the iSMS gateway: never twice, never lost.
#[derive(Debug, Parser)]
#[command(name = "isms-campaign", version, max_term_width = 110)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    /// Show more of what happens on standard error (-vv: every request)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Read, check and render everything, write the ledger, show what a send would do; send nothing
    Plan(Box<PlanArgs>),
    /// Plan, ask, then send; run again, it goes on where it stopped
    Send(Box<SendArgs>),
    /// Show how far a campaign is and what to do next
    Status {
        /// The ledger of the campaign
        ledger: PathBuf,
    },
    /// Write the results CSV of a ledger again, or some of its rows to standard output
    Results {
        /// The ledger of the campaign
        ledger: PathBuf,
        /// Only rows with these statuses, such as refused,invalid
        #[arg(long, value_delimiter = ',', value_parser = status)]
        status: Vec<Status>,
        /// Where to write them
        #[arg(long, value_name = "PATH")]
        results: Option<PathBuf>,
    },
    /// Settle unknown or refused rows by what you know of them
    Resolve(ResolveArgs),
    /// Check that the books of a ledger balance
    Verify {
        /// The ledger of the campaign
        ledger: PathBuf,
    },
    /// Run the practice gateway until it is stopped
    Sandbox {
        /// Where to listen; loopback only
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8025")]
        listen: std::net::SocketAddr,
        #[command(flatten)]
        practice: PracticeArgs,
    },
    /// Print a page of the guide, or the list of pages
    Guide {
        /// The page to print
        topic: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// The spreadsheet: a CSV or workbook with a header, or - for standard input
    pub(super) recipients: PathBuf,
    #[command(flatten)]
    pub(super) plan: PlanOptionArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(super) struct SendArgs {
    /// The spreadsheet, or the ledger of a plan made earlier
    pub(super) recipients: PathBuf,
    #[command(flatten)]
    pub(super) plan: PlanOptionArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
    #[command(flatten)]
    pub(super) send: SendOptions,
}

/// Which rows are settled, and how.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub(super) struct ResolveArgs {
    /// The ledger of the campaign
    pub(super) ledger: PathBuf,
    /// Every unknown row
    #[arg(long, group = "which")]
    pub(super) all: bool,
    /// The rows of this batch (sms_batch)
    #[arg(long, group = "which", value_name = "N")]
    pub(super) batch: Option<u64>,
    /// These rows (sms_row), unknown or refused, such as 3,17-20
    #[arg(long, group = "which", value_name = "ROWS", value_delimiter = ',', value_parser = range)]
    pub(super) rows: Vec<RangeInclusive<u64>>,
    /// What is known of them
    #[arg(long = "as", value_name = "WORD")]
    pub(super) word: WordArg,
    /// Their transaction id, where they were accepted
    #[arg(long, value_name = "ID")]
    pub(super) trx_id: Option<String>,
    /// Why, in your own words
    #[arg(long, value_name = "TEXT")]
    pub(super) note: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum WordArg {
    /// They went out
    Accepted,
    /// They did not; they are pending again
    NotSent,
}

/// What the plan hangs on.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Plan")]
pub(super) struct PlanOptionArgs {
    /// The message, a template such as "Hi {{ name }}"
    #[arg(long, value_name = "TEXT", group = "template")]
    pub(super) message: Option<String>,
    /// A file that holds the message
    #[arg(long, value_name = "FILE", group = "template")]
    pub(super) message_file: Option<PathBuf>,
    /// The column that holds each row's message [default: message, msg, sms, text or mesej]
    #[arg(long, value_name = "NAME", group = "template")]
    pub(super) message_column: Option<String>,
    /// The column that holds the numbers [default: found by its name]
    #[arg(long, value_name = "NAME")]
    pub(super) phone_column: Option<String>,
    /// What stands between two cells: a character, or tab, comma, semicolon or pipe [default: found out]
    #[arg(long, value_name = "C", value_parser = delimiter)]
    pub(super) delimiter: Option<Delimiter>,
    /// How the spreadsheet's characters are written, such as utf-8, windows-1252 or gbk [default: found out]
    #[arg(long, value_name = "NAME", value_parser = encoding)]
    pub(super) encoding: Option<Encoding>,
    /// The sheet of a workbook [default: the first one]
    #[arg(long, value_name = "NAME")]
    pub(super) sheet: Option<String>,
    /// The country of numbers without a country code [default: MY]
    #[arg(long, value_name = "CC", value_parser = region)]
    pub(super) region: Option<Region>,
    /// The name shown as the sender: 3 to 11 letters and digits
    #[arg(long, value_name = "ID", value_parser = sender_id)]
    pub(super) sender_id: Option<SenderId>,
    /// How texts are encoded [default: auto]
    #[arg(long = "type", value_name = "TYPE", value_parser = choice::<TextType>())]
    pub(super) text_type: Option<TextType>,
    /// Whether curly quotes, long dashes and the like become plain where that saves a message from Unicode
    /// [default: plain]
    #[arg(long, value_parser = choice::<Punctuation>())]
    pub(super) punctuation: Option<Punctuation>,
    /// What is a duplicate: the same number, or the same number and text [default: message]
    #[arg(long, value_parser = choice::<DuplicateRule>())]
    pub(super) duplicates: Option<DuplicateRule>,
    /// Numbers that have opted out: a CSV or workbook with a phone column, one number a line, or a
    /// ledger; repeatable
    #[arg(long, value_name = "FILE")]
    pub(super) suppress: Vec<PathBuf>,
    /// Go on where a suppression list has entries that are no number
    #[arg(long)]
    pub(super) lenient_suppress: bool,
    /// Numbers in one request [default: 30]
    #[arg(long, value_name = "N")]
    pub(super) batch_size: Option<NonZeroU32>,
    /// Texts that Malaysian networks block or that look like a mistake: report them, send nothing while there is any, or do
    /// not look [default: warn]
    #[arg(long, value_name = "LEVEL", value_parser = choice::<LintLevel>())]
    pub(super) lint: Option<LintLevel>,
    /// Send nothing if more rows than this cannot be sent [default: 20%]
    #[arg(long, value_name = "N|P%")]
    pub(super) max_invalid: Option<MaxInvalid>,
    /// A plan older than this is not sent [default: 7d]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) expires: Option<Duration>,
    /// Where the ledger is [default: the spreadsheet's name with .ledger]
    #[arg(long, value_name = "PATH")]
    pub(super) ledger: Option<PathBuf>,
    /// When something else was planned before: refuse, or set that ledger aside
    #[arg(long, value_enum)]
    pub(super) on_change: Option<OnChange>,
}

/// What is written besides the ledger.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// Write the summary as one JSON object there; - for standard output
    #[arg(long, value_name = "PATH")]
    pub(super) summary_json: Option<PathBuf>,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressArg::Auto)]
    pub(super) progress: ProgressArg,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Send")]
pub(super) struct SendOptions {
    /// The gateway's address, used exactly as given [env: ISMS_GATEWAY] [default: the iSMS REST endpoint]
    #[arg(long, value_name = "URL", conflicts_with = "sandbox")]
    pub(super) gateway: Option<String>,
    /// Practise: start a gateway in this process that sends nothing, and send to it
    #[arg(long)]
    pub(super) sandbox: bool,
    /// Recipients in a time, over all workers: 30/s, 600/m, 5000/h or none
    #[arg(long, value_name = "RATE", default_value = RATE, value_parser = rate)]
    pub(super) rate: RateArg,
    /// Requests at a time
    #[arg(long, value_name = "N", default_value = "4")]
    pub(super) concurrency: NonZeroU32,
    /// Seconds until an answer must be there
    #[arg(long, value_name = "SECS", default_value = "30", value_parser = seconds)]
    pub(super) timeout: Duration,
    /// Seconds until a connection must be there
    #[arg(long, value_name = "SECS", default_value = "10", value_parser = seconds)]
    pub(super) connect_timeout: Duration,
    /// StopReason after so many requests in a row without a usable answer; 0: never
    #[arg(long, value_name = "N", default_value = "3")]
    pub(super) max_unknown: u32,
    /// A batch refused for a bad number: refuse all of it, or halve it until the bad number stands alone
    #[arg(long, value_enum, default_value_t = OnBadNumber::Refuse)]
    pub(super) on_bad_number: OnBadNumber,
    /// How long an unreachable or throttling gateway is tried
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub(super) give_up_after: Duration,
    /// Send to exactly so many recipients in this run
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<u64>,
    /// Where the results are written [default: the spreadsheet's name with .results.csv]
    #[arg(long, value_name = "PATH")]
    pub(super) results: Option<PathBuf>,
    /// Do not ask; needed where standard input is no terminal
    #[arg(long)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) practice: PracticeArgs,
}

impl OutputArgs {
    /// Whether standard output belongs to the JSON object.
    pub(super) fn json_on_standard_output(&self) -> bool {
        self.summary_json.as_deref() == Some(Path::new("-"))
    }

    /// The file that is written besides the ledger and the results.
    pub(super) fn file_written(&self) -> Option<(&'static str, &Path)> {
        self.summary_json
            .as_deref()
            .filter(|path| *path != Path::new("-"))
            .map(|path| ("the summary", path))
    }
}

impl PracticeArgs {
    /// The file that the practice gateway writes.
    pub(super) fn file_written(&self) -> Option<(&'static str, &Path)> {
        self.outbox.as_deref().map(|path| ("the outbox", path))
    }
}

impl SendArgs {
    /// Refuses options that would have no effect: those of a plan where one is made already, those of the practice
    /// gateway where there is none.
    pub(super) fn refuse_misplaced_options(&self, planned: bool) -> Result<()> {
        if planned && let Some(option) = self.plan.given() {
            return Err(Error::usage(format!(
                "{option} belongs to a plan, and {} is planned already",
                self.recipients.display()
            ))
            .hint("leave it out, or send the spreadsheet"));
        }
        let practice = &self.send.practice;
        if !self.send.sandbox
            && (practice.outbox.is_some() || practice.latency.is_some() || practice.per_number)
        {
            return Err(
                Error::usage("--outbox, --latency and --per-number are for practice")
                    .hint("add --sandbox, or leave them out"),
            );
        }
        Ok(())
    }
}

impl PlanOptionArgs {
    /// An option that was given and that a finished plan would not heed. Suppression lists and the share of invalid
    /// rows are not among them: they are looked at again before every send.
    fn given(&self) -> Option<&'static str> {
        [
            ("--message", self.message.is_some()),
            ("--message-file", self.message_file.is_some()),
            ("--message-column", self.message_column.is_some()),
            ("--phone-column", self.phone_column.is_some()),
            ("--delimiter", self.delimiter.is_some()),
            ("--encoding", self.encoding.is_some()),
            ("--sheet", self.sheet.is_some()),
            ("--region", self.region.is_some()),
            ("--sender-id", self.sender_id.is_some()),
            ("--type", self.text_type.is_some()),
            ("--punctuation", self.punctuation.is_some()),
            ("--duplicates", self.duplicates.is_some()),
            ("--batch-size", self.batch_size.is_some()),
            ("--lint", self.lint.is_some()),
            ("--expires", self.expires.is_some()),
            ("--ledger", self.ledger.is_some()),
            ("--on-change", self.on_change.is_some()),
        ]
        .into_iter()
        .find_map(|(option, given)| given.then_some(option))
    }
}

/// How the practice gateway behaves.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Practice gateway")]
pub(super) struct PracticeArgs {
    /// Where it writes what it took, as a CSV
    #[arg(long, value_name = "FILE")]
    pub(super) outbox: Option<PathBuf>,
    /// How long each answer takes, in milliseconds
    #[arg(long, value_name = "MS")]
    pub(super) latency: Option<u64>,
    /// Answer for each number of a request
    #[arg(long)]
    pub(super) per_number: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OnChange {
    Refuse,
    New,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OnBadNumber {
    Refuse,
    Split,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgressArg {
    Auto,
    Bar,
    Plain,
    None,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
