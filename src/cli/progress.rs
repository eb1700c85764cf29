//! Progress on standard error: bars on a terminal, a plain line every few seconds elsewhere.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};
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

const PLANNING: &str = "Planning {wide_bar} {binary_bytes}/{binary_total_bytes}, {msg}";
const SENDING: &str = "{wide_bar} {pos}/{len}, {per_sec:.1}, {eta} left: {msg}";

/// The progress of a plan, in bytes, or of a send, in messages.
#[derive(Debug)]
pub(super) struct Progress {
    /// With `Auto` resolved.
    style: ProgressArg,
    /// Hidden in other styles, where it only measures.
    bar: ProgressBar,
    last_line: Mutex<Instant>,
    settled: Mutex<Counts>,
}

impl Progress {
    pub(super) fn of_planning(typed: ProgressArg) -> Self {
        Self::new(typed, None, PLANNING)
    }

    pub(super) fn of_sending(typed: ProgressArg, pending: u64) -> Self {
        let progress = Self::new(typed, Some(pending), SENDING);
        if progress.style == ProgressArg::Bar {
            progress.bar.enable_steady_tick(Duration::from_millis(250));
        }
        progress
    }

    fn new(typed: ProgressArg, length: Option<u64>, template: &str) -> Self {
        let style = match typed {
            ProgressArg::Auto if io::stderr().is_terminal() => ProgressArg::Bar,
            ProgressArg::Auto => ProgressArg::Plain,
            typed => typed,
        };
        // Bars that were asked for are drawn even where standard error is no terminal.
        let target = match style {
            ProgressArg::Bar => ProgressDrawTarget::stderr(),
            _ => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(length, target);
        // If indicatif refuses the template, its own style shows the same numbers.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self {
            style,
            bar,
            last_line: Mutex::new(clock::instant()),
            settled: Mutex::default(),
        }
    }

    /// Removes the bar, as dropping it does.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// Tells the user something, above the bar if there is one.
    pub(super) fn tell(&self, line: &str) {
        match self.style {
            ProgressArg::Bar => self.bar.suspend(|| tell(line)),
            _ => tell(line),
        }
    }

    /// Moves the bar, or now and then writes a plain line that begins with `heading`.
    fn show(&self, position: u64, message: &str, heading: impl FnOnce() -> String) {
        self.bar.set_position(position);
        self.bar.set_message(message.to_owned());
        if self.style != ProgressArg::Plain {
            return;
        }
        // If it is taken, another worker is about to write the line.
        let Ok(mut last_line) = self.last_line.try_lock() else {
            return;
        };
        if last_line.elapsed() >= LINE_EVERY {
            *last_line = clock::instant();
            tell(&format!("{}: {message}", heading()));
        }
    }
}

impl planning::Progress for Progress {
    fn opened(&self, bytes: Option<u64>) {
        if let Some(bytes) = bytes {
            self.bar.set_length(bytes);
        }
    }

    fn planned(&self, bytes: u64, rows: u64) {
        #[allow(clippy::cast_precision_loss)]
        let per_second = rows as f64 / self.bar.elapsed().as_secs_f64().max(0.001);
        let message = format!("{rows} rows, {per_second:.0}/s");
        self.show(bytes, &message, || "planning".to_owned());
    }
}

impl dispatch::Progress for Progress {
    fn settled(&self, rows: &Counts) {
        let settled = {
            let all = self.settled.lock();
            let mut all = all.unwrap_or_else(PoisonError::into_inner);
            for status in [Status::Accepted, Status::Refused, Status::Unknown] {
                all.add(status, rows.of(status));
            }
            *all
        };
        let message = format!(
            "{} accepted, {} refused, {} unknown",
            settled.of(Status::Accepted),
            settled.of(Status::Refused),
            settled.of(Status::Unknown)
        );
        self.show(settled.rows(), &message, || {
            format!(
                "sending: {} of {} messages, {:.1}/s, about {} left",
                settled.rows(),
                self.bar.length().unwrap_or_default(),
                self.bar.per_sec(),
                HumanDuration(self.bar.eta())
            )
        });
    }

    fn waiting(&self, why: &str, how_long: Duration) {
        if self.style != ProgressArg::None {
            self.tell(&format!(
                "Not sent yet: {why}; trying again in {:.1} s",
                how_long.as_secs_f64()
            ));
        }
    }
}
