//! Progress on standard error: bars on a terminal, a plain line every few seconds elsewhere.

use std::io::{self, IsTerminal};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::ProgressArg;
use super::clock;
use super::terminal::tell;
use crate::domain::Status;
use crate::domain::status::Counts;
use crate::{dispatch, planning};

/// Between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Bar,
    Plain,
    Silent,
}

impl Style {
    fn of(typed: ProgressArg) -> Self {
        match typed {
            ProgressArg::Bar => Self::Bar,
            ProgressArg::Plain => Self::Plain,
            ProgressArg::None => Self::Silent,
            ProgressArg::Auto if io::stderr().is_terminal() => Self::Bar,
            ProgressArg::Auto => Self::Plain,
        }
    }

    fn bar(self, length: Option<u64>, template: &str) -> ProgressBar {
        let bar = match self {
            // Bars that were asked for are drawn even where standard error is no terminal.
            Self::Bar => ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr()),
            Self::Plain | Self::Silent => {
                ProgressBar::with_draw_target(length, ProgressDrawTarget::hidden())
            }
        };
        // If indicatif refuses the template, its own style shows the same numbers.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar
    }
}

/// Plain lines, at most one every few seconds.
#[derive(Debug)]
struct Lines {
    style: Style,
    last: Mutex<Instant>,
}

impl Lines {
    fn new(style: Style) -> Self {
        Self {
            style,
            last: Mutex::new(clock::instant()),
        }
    }

    fn occasionally(&self, line: impl FnOnce() -> String) {
        if self.style != Style::Plain {
            return;
        }
        // If it is taken, another worker is about to write the line.
        let Ok(mut last) = self.last.try_lock() else {
            return;
        };
        if last.elapsed() >= LINE_EVERY {
            *last = clock::instant();
            tell(&line());
        }
    }
}

/// The progress of a plan, in bytes.
#[derive(Debug)]
pub(super) struct Planning {
    bar: ProgressBar,
    lines: Lines,
    started: Instant,
}

impl Planning {
    pub(super) fn new(typed: ProgressArg) -> Self {
        let style = Style::of(typed);
        Self {
            bar: style.bar(
                None,
                "Planning {wide_bar} {binary_bytes}/{binary_total_bytes}, {msg}",
            ),
            lines: Lines::new(style),
            started: clock::instant(),
        }
    }

    /// Removes the bar.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl planning::Progress for Planning {
    fn opened(&self, bytes: Option<u64>) {
        if let Some(bytes) = bytes {
            self.bar.set_length(bytes);
        }
    }

    fn planned(&self, bytes: u64, rows: u64) {
        #[allow(clippy::cast_precision_loss)]
        let per_second = rows as f64 / self.started.elapsed().as_secs_f64().max(0.001);
        self.bar.set_position(bytes);
        self.bar
            .set_message(format!("{rows} rows, {per_second:.0}/s"));
        self.lines
            .occasionally(|| format!("planning: {rows} rows, {per_second:.0}/s"));
    }
}

/// The progress of a send, in messages.
#[derive(Debug)]
pub(super) struct Sending {
    bar: ProgressBar,
    lines: Lines,
    started: Instant,
    pending: u64,
    accepted: AtomicU64,
    refused: AtomicU64,
    unknown: AtomicU64,
}

impl Sending {
    /// For this number of messages.
    pub(super) fn new(typed: ProgressArg, pending: u64) -> Self {
        let style = Style::of(typed);
        let bar = style.bar(
            Some(pending),
            "{wide_bar} {pos}/{len}, {per_sec:.1}, {eta} left: {msg}",
        );
        if style == Style::Bar {
            bar.enable_steady_tick(Duration::from_millis(250));
        }
        Self {
            bar,
            lines: Lines::new(style),
            started: clock::instant(),
            pending,
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            unknown: AtomicU64::new(0),
        }
    }

    /// Removes the bar.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// Tells the user something, above the bar if there is one.
    pub(super) fn tell(&self, line: &str) {
        match self.lines.style {
            Style::Bar => self.bar.suspend(|| tell(line)),
            Style::Plain | Style::Silent => tell(line),
        }
    }

    fn counts(&self) -> (u64, String) {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (accepted, refused, unknown) =
            (of(&self.accepted), of(&self.refused), of(&self.unknown));
        (
            accepted + refused + unknown,
            format!("{accepted} accepted, {refused} refused, {unknown} unknown"),
        )
    }

    fn line(&self) -> String {
        let (done, counts) = self.counts();
        #[allow(clippy::cast_precision_loss)]
        let per_second = done as f64 / self.started.elapsed().as_secs_f64().max(0.001);
        #[allow(clippy::cast_precision_loss)]
        let left = self.pending.saturating_sub(done) as f64 / per_second.max(0.001);
        let left = Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX);
        format!(
            "sending: {done} of {} messages, {per_second:.1}/s, about {} left: {counts}",
            self.pending,
            HumanDuration(Duration::from_secs(left.as_secs()))
        )
    }
}

impl dispatch::Progress for Sending {
    fn settled(&self, rows: &Counts) {
        self.accepted
            .fetch_add(rows.of(Status::Accepted), Ordering::Relaxed);
        self.refused
            .fetch_add(rows.of(Status::Refused), Ordering::Relaxed);
        self.unknown
            .fetch_add(rows.of(Status::Unknown), Ordering::Relaxed);
        let (done, counts) = self.counts();
        self.bar.set_position(done);
        self.bar.set_message(counts);
        self.lines.occasionally(|| self.line());
    }

    fn waiting(&self, why: &str, how_long: Duration) {
        if self.lines.style != Style::Silent {
            self.tell(&format!(
                "Not sent yet: {why}; trying again in {:.1} s",
                how_long.as_secs_f64()
            ));
        }
    }
}
