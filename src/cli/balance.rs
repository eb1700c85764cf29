//! The balance of the account, compared with what a run needs, and again when it has ended.

use super::destination::Destination;
use super::summary::Summary;
use super::terminal::{inform, tell, told};
use super::values::BalanceCheck;
use super::view::{counted, grouped};
use crate::dispatch::StopReason;
use crate::domain::Status;
use crate::domain::report::Report;
use crate::ledger::Totals;
use crate::{Error, Kind, Result};

/// What a run may cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    pub(super) credits: u64,
    /// Whether that is the most that it may be.
    pub(super) at_most: bool,
}

impl Cost {
    /// What this number of the pending messages may cost. What a part of them costs is not known exactly.
    pub(super) fn of(messages: u64, totals: &Totals, report: &Report) -> Self {
        let all = totals.credits_pending;
        let dearest = report.dearest.as_ref();
        let dearest = dearest.map_or(all, |text| text.credits.into());
        let at_most = messages < totals.counts.of(Status::Pending);
        let credits = if at_most {
            all.min(messages.saturating_mul(dearest))
        } else {
            all
        };
        Self { credits, at_most }
    }
}

/// Asks for the balance before a run sends, and shows how it compares with what the run needs, if that is news. Returns that as a
/// sentence. A balance that is short or cannot be read is a warning, or an error where it is required.
pub(super) fn before(
    check: BalanceCheck,
    destination: &Destination,
    cost: Cost,
    summary: &mut Summary,
) -> Result<Option<String>> {
    let required = check == BalanceCheck::Require;
    let refusal = |summary: &mut Summary, error: Error| {
        summary.stop = Some(StopReason::Balance);
        error.of_kind(Kind::AccountStopped)
    };
    let balance = match check {
        BalanceCheck::Off => return Ok(None),
        BalanceCheck::Warn | BalanceCheck::Require => destination.account().balance(),
    };
    let balance = match balance {
        Ok(balance) => balance,
        Err(error) if required => {
            let hint = "nothing is sent; run again, or send without knowing it with --balance warn";
            return Err(refusal(summary, error.hint(hint)));
        }
        Err(error) => {
            let why = told(&error);
            summary.say_of_balance(format!("Warning: the balance is not known: {why}"), tell);
            return Ok(None);
        }
    };
    let (up_to, credits) = (
        if cost.at_most { "up to " } else { "" },
        counted(cost.credits, "credit"),
    );
    let shown = grouped(&balance);
    let compared = format!("this run needs {up_to}{credits}, the account has {shown}");
    let is_enough = balance.covers(cost.credits);
    summary.balance_before = Some(balance);
    if !is_enough && required {
        return Err(refusal(summary, Error::new(Kind::AccountStopped, compared).hint(
            "nothing is sent; top up the account, send a part with --limit, or send nevertheless with --balance warn",
        )));
    }
    if is_enough {
        summary.say_of_balance(format!("Balance       {compared}"), inform);
    } else {
        summary.say_of_balance(format!(
            "Warning: {compared}. The gateway takes nothing that the account cannot pay; what was not sent then stays pending."
        ), tell);
    }
    Ok(Some(compared))
}

/// Asks for the balance after a run that asked before it. Whatever comes changes nothing but what is said.
pub(super) fn after(check: BalanceCheck, destination: &Destination, summary: &mut Summary) {
    let interrupted = matches!(summary.stop, Some(StopReason::Signal(_)));
    if check == BalanceCheck::Off || summary.requests == 0 || interrupted {
        return;
    }
    match destination.account().balance() {
        Ok(balance) => {
            let shown = grouped(&balance);
            inform(&format!("Balance       the account has {shown} now"));
            summary.balance_after = Some(balance);
        }
        Err(error) => tell(&format!(
            "The balance after the run is not known: {}",
            told(&error)
        )),
    }
}
