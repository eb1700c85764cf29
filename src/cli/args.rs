//! The command line as it is typed: names, defaults, and what each word may be. It does nothing.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

use crate::campaign::{SenderId, Status};
use crate::dispatch::Rate;
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
    Plan(PlanArgs),
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
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// The spreadsheet: a CSV with a header, or - for standard input
    pub(super) recipients: PathBuf,
    #[command(flatten)]
    pub(super) plan: PlanOptions,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(super) struct SendArgs {
    /// The spreadsheet, or the ledger of a plan made earlier
    pub(super) recipients: PathBuf,
    #[command(flatten)]
    pub(super) plan: PlanOptions,
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
pub(super) struct PlanOptions {
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
    /// The country of numbers without a country code [default: MY]
    #[arg(long, value_name = "CC")]
    pub(super) region: Option<String>,
    /// The name shown as the sender: 3 to 11 letters and digits
    #[arg(long, value_name = "ID", value_parser = sender_id)]
    pub(super) sender_id: Option<SenderId>,
    /// How texts are encoded [default: auto]
    #[arg(long = "type", value_name = "TYPE")]
    pub(super) kind: Option<TypeArg>,
    /// Whether curly quotes, long dashes and the like become plain where that saves a message from Unicode
    /// [default: plain]
    #[arg(long)]
    pub(super) punctuation: Option<PunctuationArg>,
    /// What is a duplicate: the same number, or the same number and text [default: message]
    #[arg(long)]
    pub(super) duplicates: Option<DuplicatesArg>,
    /// Numbers that have opted out: a CSV with a phone column, one number a line, or a ledger; repeatable
    #[arg(long, value_name = "FILE")]
    pub(super) suppress: Vec<PathBuf>,
    /// Go on where a suppression list has entries that are no number
    #[arg(long)]
    pub(super) lenient_suppress: bool,
    /// Numbers in one request [default: 30]
    #[arg(long, value_name = "N")]
    pub(super) batch_size: Option<NonZeroU32>,
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
    /// Stop after so many requests in a row without a usable answer; 0: never
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
            .advice("leave it out, or send the spreadsheet"));
        }
        let practice = &self.send.practice;
        if !self.send.sandbox
            && (practice.outbox.is_some() || practice.latency.is_some() || practice.per_number)
        {
            return Err(
                Error::usage("--outbox, --latency and --per-number are for practice")
                    .advice("add --sandbox, or leave them out"),
            );
        }
        Ok(())
    }
}

impl PlanOptions {
    /// An option that was given and that a finished plan would not heed. Suppression lists and the share of invalid
    /// rows are not among them: they are looked at again before every send.
    fn given(&self) -> Option<&'static str> {
        [
            ("--message", self.message.is_some()),
            ("--message-file", self.message_file.is_some()),
            ("--message-column", self.message_column.is_some()),
            ("--phone-column", self.phone_column.is_some()),
            ("--region", self.region.is_some()),
            ("--sender-id", self.sender_id.is_some()),
            ("--type", self.kind.is_some()),
            ("--punctuation", self.punctuation.is_some()),
            ("--duplicates", self.duplicates.is_some()),
            ("--batch-size", self.batch_size.is_some()),
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

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum TypeArg {
    Auto,
    Ascii,
    Unicode,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum PunctuationArg {
    Plain,
    Keep,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum DuplicatesArg {
    Number,
    Message,
    Keep,
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

/// A rate, or none. (An option of its own would read as "not given".)
#[derive(Clone, Copy, Debug)]
pub(super) struct RateArg(pub(super) Option<Rate>);

/// How many rows may be impossible to send.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum MaxInvalid {
    Rows(u64),
    Percent(f64),
}

impl MaxInvalid {
    /// Whether so many invalid rows out of so many are too many.
    pub(super) fn exceeded_by(self, invalid: u64, rows: u64) -> bool {
        match self {
            Self::Rows(most) => invalid > most,
            #[allow(clippy::cast_precision_loss)]
            Self::Percent(percent) => invalid as f64 * 100.0 > percent * rows as f64,
        }
    }
}

impl std::str::FromStr for MaxInvalid {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "is neither a number of rows (50) nor a share of them (5%)".to_owned();
        match text.strip_suffix('%') {
            None => text.parse().map(Self::Rows).map_err(|_| wrong()),
            Some(share) => share
                .parse::<f64>()
                .ok()
                .filter(|percent| (0.0..=100.0).contains(percent))
                .map(Self::Percent)
                .ok_or_else(wrong),
        }
    }
}

impl std::fmt::Display for MaxInvalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rows(rows) => write!(f, "{rows}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

fn sender_id(text: &str) -> Result<SenderId, String> {
    SenderId::parse(text)
        .map_err(|fault| format!("{fault}: a sender ID has 3 to 11 letters and digits"))
}

fn status(text: &str) -> Result<Status, String> {
    Status::parse(text).ok_or_else(|| {
        let all = Status::ALL.map(Status::as_str).join(", ");
        format!("is none of {all}")
    })
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

/// A number with s, m, h or d.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "is no duration: write a number with s, m, h or d, such as 90s or 7d".to_owned();
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        _ => return Err(wrong()),
    };
    let count: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    count
        .checked_mul(unit)
        .filter(|seconds| *seconds <= LONGEST_SECONDS)
        .map(Duration::from_secs)
        .ok_or_else(|| "is longer than a hundred years".to_owned())
}

/// A hundred years: what fits every clock.
const LONGEST_SECONDS: u64 = 100 * 366 * 86_400;

/// A number of seconds, with decimals if need be.
fn seconds(text: &str) -> Result<Duration, String> {
    text.parse::<f64>()
        .ok()
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|span| !span.is_zero() && span.as_secs() <= LONGEST_SECONDS)
        .ok_or_else(|| "is no number of seconds above 0".to_owned())
}

/// The rate of a send that names none.
pub(super) fn usual_rate() -> Option<Rate> {
    rate(RATE).ok().and_then(|rate| rate.0)
}

const RATE: &str = "30/s";

fn rate(text: &str) -> Result<RateArg, String> {
    if text == "none" {
        return Ok(RateArg(None));
    }
    let wrong = || "is no rate: write 30/s, 600/m, 5000/h or none".to_owned();
    let (count, unit) = text.split_once('/').ok_or_else(wrong)?;
    let period = match unit {
        "s" => Duration::from_secs(1),
        "m" => Duration::from_secs(60),
        "h" => Duration::from_secs(3_600),
        _ => return Err(wrong()),
    };
    let count: NonZeroU32 = count.parse().map_err(|_| wrong())?;
    Rate::new(count, period)
        .map(|rate| RateArg(Some(rate)))
        .ok_or_else(|| "is faster than this program can count; use none".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_are_a_number_and_a_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(7_200)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(604_800)));
        for wrong in [
            "",
            "7",
            "d",
            "1.5h",
            "-1s",
            "7 d",
            "7days",
            "99999999999d",
            "5\u{e4}",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_are_a_number_in_a_time() {
        for (text, per_recipient) in [
            ("60/s", 16_666_667),
            ("600/m", 100_000_000),
            ("3600/h", 1_000_000_000),
        ] {
            let RateArg(Some(rate)) = rate(text).unwrap() else {
                panic!("{text}")
            };
            assert_eq!(rate.per_recipient().as_nanos(), per_recipient, "{text}");
        }
        assert!(matches!(rate("none"), Ok(RateArg(None))));
        for wrong in [
            "",
            "30",
            "0/s",
            "30/d",
            "-1/s",
            "1.5/s",
            "/s",
            "4294967295/s",
        ] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_share_of_invalid_rows_is_compared_exactly() {
        let fifth: MaxInvalid = "20%".parse().unwrap();
        assert!(!fifth.exceeded_by(20, 100));
        assert!(fifth.exceeded_by(21, 100));
        let none: MaxInvalid = "0".parse().unwrap();
        assert!(none.exceeded_by(1, 100));
        assert!(!none.exceeded_by(0, 100));
        for wrong in ["", "x", "101%", "-1%", "NaN%", "1.5"] {
            assert!(wrong.parse::<MaxInvalid>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn seconds_are_above_zero() {
        assert_eq!(seconds("0.3"), Ok(Duration::from_millis(300)));
        for wrong in ["0", "-1", "x", "inf", "NaN", "1e300"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
