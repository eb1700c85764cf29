//! The rate of an account, which all senders of a store keep together: the lowest that one of them asks for.
//!
//! A row holds when everything that was reserved is sent at the rate (the generic cell rate algorithm). Only the database's clock
//! counts.

use std::time::Duration;

use super::connection::{Connection, Values, get};
use crate::ledger::sender::{Reservation, SenderOptions};
use crate::{Error, Kind, Result};

/// The longest wait before a sender asks again: others come and go, and with them the rate.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// Reads the rate of account `$1`, in seconds for a recipient and for a batch of `$2`, and the longest that the last batch which was
/// reserved can take at it.
const PACE: &str = "
    WITH pace AS MATERIALIZED (
        SELECT max(s.recipient_nanos)::float8 / 1e9 AS recipient_takes,
               ceil($2::float8 * max(s.recipient_nanos) / 1e3) / 1e6 AS batch_takes,
               5 + max(s.largest)::float8 * max(s.recipient_nanos) / 1e9 AS last_takes
        FROM live_sender JOIN sender s USING (id) WHERE s.account = $1)";

/// When the rate has passed for all that was reserved. If it lies further ahead than can be, the clock was set back, or a sender is
/// gone that asked for a lower rate.
const DUE: &str = "least(due, clock_timestamp() + make_interval(secs => last_takes))";

/// From when on the batch may be sent. A sender that was late catches up with the recipients of one batch, `$3`, at most.
const START: &str =
    "greatest(DUE, clock_timestamp() - make_interval(secs => ($3::float8 - $2) * recipient_takes))";

/// Nothing is lost with the row, and other senders wait while it is being written.
const NOT_SYNCHRONOUS: &str = "set_config('synchronous_commit', 'off', true) = 'off'";

/// Adds an account that has no row yet.
pub(super) fn add_account(connection: &Connection, account: &str) -> Result<()> {
    let sql =
        "INSERT INTO rate (account, due) VALUES ($1, clock_timestamp()) ON CONFLICT DO NOTHING";
    connection.execute(sql, &[&account]).map(drop)
}

/// Reserves the next turn at the rate, unless it is more than five seconds ahead: what a sender has reserved is lost when it ends. All
/// senders get their turns, as long as each can have one ahead. Not in a transaction.
pub(super) fn reserve(
    connection: &Connection,
    options: &SenderOptions,
    recipients: usize,
) -> Result<Reservation> {
    #[allow(clippy::cast_precision_loss, reason = "a batch is small")]
    let recipients = recipients as f64;
    // With a burst of one, whatever time it takes to wake up would be lost.
    let burst = f64::from(options.largest.get().max(2)).max(recipients);
    let values: Values<'_> = &[&options.account, &recipients, &burst];
    let start = START.replace("DUE", DUE);
    let reserved = connection.rows(
        &format!(
            "{PACE} UPDATE rate SET due = {start} + make_interval(secs => batch_takes) FROM pace
             WHERE account = $1 AND recipient_takes IS NOT NULL AND {start} <= clock_timestamp() + interval '5 seconds'
               AND {NOT_SYNCHRONOUS}
             RETURNING extract(epoch FROM due - make_interval(secs => batch_takes) - clock_timestamp())::float8"
        ),
        values,
    )?;
    if let Some(row) = reserved.first() {
        return Ok(Reservation {
            made: true,
            wait: seconds(get(row, 0)?),
        });
    }
    let rows = connection.rows(
        &format!(
            "{PACE} UPDATE rate SET due = {DUE} FROM pace WHERE account = $1 AND {NOT_SYNCHRONOUS}
             RETURNING CASE WHEN recipient_takes IS NOT NULL
                       THEN extract(epoch FROM {start} - clock_timestamp() - interval '5 seconds')::float8 END"
        ),
        values,
    )?;
    let Some(row) = rows.first() else {
        return Err(lost(connection));
    };
    Ok(match get::<Option<f64>>(row, 0)? {
        // None of them asks for a rate.
        None => Reservation::NOW,
        Some(wait) => Reservation {
            made: false,
            wait: seconds(wait).min(ASK_AGAIN),
        },
    })
}

/// Whether a sender of this account that is there asks for a rate.
pub(super) fn is_limited(connection: &Connection, account: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM live_sender JOIN sender s USING (id)
                              WHERE s.account = $1 AND s.recipient_nanos IS NOT NULL)";
    get(&connection.one(sql, &[&account])?, 0)
}

/// Another program has deleted the row, or an older copy of the database took its place.
fn lost(connection: &Connection) -> Error {
    Error::new(Kind::Ledger, "the rate of the account is no longer in the store")
        .hint("something else changed the store, or an older copy was brought back; nothing is sent without it, run again")
        .at(&connection.store)
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::ledger::tests::{in_postgres, open, plan, postgres_server, timestamp};
    use crate::ledger::{Ledger, Location};

    /// Far more than a test takes.
    const HOUR: u64 = 3_600;

    /// Senders of one account, and its row.
    struct Account {
        id: &'static str,
        row: postgres::Client,
    }

    impl Account {
        fn new(id: &'static str) -> Option<Self> {
            let row = postgres_server::server()?.connect("postgres");
            Some(Self { id, row })
        }

        /// A sender of a campaign of its own, which sends batches of up to 30 and asks for one recipient in this many hours.
        fn sender(&self, hours: Option<u64>) -> Ledger {
            let place: Location = (&in_postgres()).into();
            plan(&place, &[1]);
            let mut ledger = open(place);
            ledger
                .set_sender(&SenderOptions {
                    account: self.id.to_owned(),
                    per_recipient: hours.map(|hours| Duration::from_secs(hours * HOUR)),
                    largest: NonZeroU32::new(30).unwrap(),
                    timeout: Duration::from_secs(30),
                })
                .unwrap();
            ledger.mark_beginning(Some(timestamp())).unwrap();
            ledger
        }

        /// Lets time pass for the row.
        fn advance(&mut self, hours: i32) {
            let sql = "UPDATE isms_campaign.rate SET due = due - make_interval(hours => $1) WHERE account = $2";
            let changed = self.row.execute(sql, &[&hours, &self.id]).unwrap();
            assert_eq!(changed, 1);
        }

        /// How many hours ahead the next batch is due.
        fn due(&mut self) -> f64 {
            let sql = "SELECT (extract(epoch FROM due - clock_timestamp()) / 3600)::float8 FROM isms_campaign.rate WHERE account = $1";
            self.row.query_one(sql, &[&self.id]).unwrap().get(0)
        }

        fn is_due_in(&mut self, hours: f64) {
            let due = self.due();
            assert!((due - hours).abs() < 0.5, "{due}, and not {hours}");
        }
    }

    fn reserves(ledger: &mut Ledger, recipients: usize) -> bool {
        let Reservation { made, wait } = ledger.reserve(recipients).unwrap();
        assert!(wait <= ASK_AGAIN);
        made
    }

    #[test]
    fn a_batch_has_its_turn_when_the_one_before_it_is_sent_at_the_rate() {
        let Some(mut account) = Account::new("turns") else {
            return;
        };
        let mut senders = [1; 3].map(|hours| account.sender(Some(hours)));
        assert!(reserves(&mut senders[0], 30));
        account.is_due_in(30.0);
        for sender in &mut senders {
            assert!(!reserves(sender, 30) && !reserves(sender, 1));
        }
        let [_, b, c] = &mut senders;
        account.is_due_in(30.0);
        account.advance(29);
        assert!(!reserves(b, 1));
        account.advance(1);
        assert!(reserves(b, 10) && !reserves(c, 30));
        account.advance(10);
        assert!(reserves(c, 30));
    }

    #[test]
    fn no_more_than_a_batch_is_caught_up_with() {
        let Some(mut account) = Account::new("bursts") else {
            return;
        };
        let mut sender = account.sender(Some(1));
        assert!(reserves(&mut sender, 30));
        account.advance(10_000);
        for nth in 0..30 {
            assert!(reserves(&mut sender, 1), "{nth}");
        }
        assert!(!reserves(&mut sender, 1));
    }

    #[test]
    fn the_lowest_rate_of_those_that_are_there_counts() {
        let Some(mut account) = Account::new("lowest") else {
            return;
        };
        let (mut fast, other) = (account.sender(Some(1)), Account::new("another").unwrap());
        let (mut slow, mut unlimited) = (account.sender(Some(7)), account.sender(None));
        assert!(reserves(&mut fast, 1));
        account.is_due_in(7.0);
        assert!(!reserves(&mut unlimited, 1));
        let mut other = other.sender(Some(1));
        assert!(reserves(&mut other, 1));
        account.advance(7);
        assert!(reserves(&mut slow, 30));
        account.is_due_in(210.0);
        drop(slow);
        // The server learns of the end of a session a moment later.
        while account.due() > 31.0 {
            assert!(!reserves(&mut fast, 30));
        }
        account.is_due_in(30.0);
    }

    #[test]
    fn a_clock_that_is_set_back_delays_nothing_for_longer_than_a_batch_takes() {
        let Some(mut account) = Account::new("clock") else {
            return;
        };
        let mut sender = account.sender(Some(1));
        account.advance(-100_000);
        assert!(!reserves(&mut sender, 30));
        account.is_due_in(30.0);
        account.advance(30);
        assert!(reserves(&mut sender, 30));
    }

    #[test]
    fn without_a_rate_nothing_waits() {
        let Some(account) = Account::new("unlimited") else {
            return;
        };
        let mut sender = account.sender(None);
        for _ in 0..3 {
            assert_eq!(sender.reserve(30).unwrap(), Reservation::NOW);
        }
        assert!(!sender.is_limited().unwrap());
        let other = account.sender(Some(1));
        assert!(sender.is_limited().unwrap());
        drop(other);
    }
}
