//! The balance of the account, compared with what a run needs, and again when it has ended.

use super::destination::Destination;
use super::summary::Summary;
use super::terminal::{inform, tell, told};
use super::values::BalanceCheck;
use super::view::{counted, grouped};
use crate::dispatch::StopReason;
use crate::{Error, Kind, Result};

/// What a run may cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    pub(super) credits: u64,
    /// Whether that is the most that it may be.
    pub(super) at_most: bool,
}

/// Asks for the balance before a run, and shows how it compares with what the run needs. Returns that as a sentence. A
/// balance that is short or cannot be read is a warning, or an error where it is required.
pub(super) fn before(
    check: BalanceCheck,
    destination: &Destination,
    cost: Cost,
    summary: &mut Summary,
) -> Result<Option<String>> {
    let required = check == BalanceCheck::Require;
    let mut refusal = |error: Error| {
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
            let hint =
                "nothing was sent; run again, or send without knowing it with --balance warn";
            return Err(refusal(error.hint(hint)));
        }
        Err(error) => {
            tell(&format!(
                "Warning: the balance is not known: {}",
                told(&error)
            ));
            return Ok(None);
        }
    };
    let (up_to, credits) = (
        if cost.at_most { "up to " } else { "" },
        counted(cost.credits, "credit"),
    );
    let shown = grouped(&balance.to_string());
    let compared = format!("this run needs {up_to}{credits}, the account has {shown}");
    let is_enough = balance.covers(cost.credits);
    if !is_enough && required {
        return Err(refusal(Error::new(Kind::AccountStopped, compared).hint(
            "nothing was sent; top up the account, send a part with --limit, or send nevertheless with --balance warn",
        )));
    }
    summary.balance_before = Some(balance);
    if is_enough {
        inform(&format!("Balance       {compared}"));
    } else {
        tell(&format!(
            "Warning: {compared}. The gateway takes nothing that the account cannot pay; what was not sent then stays pending."
        ));
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
            let shown = grouped(&balance.to_string());
            inform(&format!("Balance       the account has {shown} now"));
            summary.balance_after = Some(balance);
        }
        Err(error) => tell(&format!(
            "The balance after the run is not known: {}",
            told(&error)
        )),
    }
}
