//! `balance`: shows the account's balance, and when it expires, as the gateway states them.

use crate::cli::args::{BalanceArgs, SandboxArgs};
use crate::cli::destination::{ACCOUNT_TIMEOUT, Destination};
use crate::cli::exit::Exit;
use crate::cli::terminal::{print, tell, told};
use crate::cli::view::Screen;
use crate::gateway::Timeouts;
use crate::{Kind, Result};

pub(in crate::cli) fn run(args: &BalanceArgs) -> Result<Exit> {
    let timeouts = Timeouts {
        connect: ACCOUNT_TIMEOUT,
        total: ACCOUNT_TIMEOUT,
    };
    let destination = if args.sandbox {
        let options = SandboxArgs {
            credits: args.credits,
            ..SandboxArgs::default()
        };
        Destination::sandbox(&options, timeouts)?
    } else {
        Destination::find(args.gateway.as_deref(), timeouts)?
    };
    let mut account = destination.account();
    let mut screen = Screen::default();
    let balance = account.balance();
    let balance = balance.map_err(|error| {
        let hint = hint(error.kind);
        error.hint(hint)
    })?;
    screen.line("Balance", balance);
    match account.expiry() {
        Ok(words) => screen.line("Expiry", words),
        Err(error) => tell(&format!("Warning: {}", told(&error))),
    }
    print(&screen.0).map(|()| Exit::OK)
}

/// What to do where there is no balance.
fn hint(kind: Kind) -> &'static str {
    match kind {
        Kind::AccountStopped => "correct that, and ask again",
        Kind::Unreachable => "ask again later",
        _ => "see the balance in the iSMS portal",
    }
}
