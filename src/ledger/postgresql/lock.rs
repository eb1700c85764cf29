//! What is done under the lock of a name: a plan, opening the campaign, setting it aside.

use super::connection::get;
use super::open::Ledger;
use super::place::Lock;
use super::plan_writer::PlanWriter;
use crate::domain::Timestamp;
use crate::ledger::backend::{self, History, LockGuard, Started};
use crate::{Error, Kind, Result};

/// A campaign and its lock are kept by one database, so nothing outside of the campaign records that it was started.
impl backend::Lock for Lock {
    fn started(&self) -> Option<&Started> {
        None
    }

    fn mark_started(&mut self, _: &str) -> Result<()> {
        Ok(())
    }

    fn clear_started(&mut self) -> Result<()> {
        Ok(())
    }

    /// Others may send too, so it keeps nothing from them, and a sender that has ended is gone.
    fn guard(&self) -> Result<LockGuard> {
        Ok(LockGuard(Box::new(())))
    }

    fn begin_plan(&self) -> Result<Box<dyn backend::PlanWriter>> {
        Ok(Box::new(PlanWriter::begin(&self.place)?))
    }

    fn open(self: Box<Self>) -> Result<Box<dyn backend::Ledger>> {
        Ok(Box::new(Ledger::open(*self)?))
    }

    fn close_completely(self: Box<Self>) -> Result<Box<dyn backend::Lock>> {
        Ok(self)
    }

    fn set_aside(&self, planned_at: &Timestamp, seen: History) -> Result<String> {
        let stamp = planned_at.file_stamp();
        // A sender that makes its record now is waited for, and seen below. So is what one did that has ended again.
        self.connection.run("BEGIN")?;
        let sql = "SELECT FROM campaign WHERE stored_as = $1 FOR UPDATE";
        self.connection.execute(sql, &[&self.place.name])?;
        let row = self.connection.one(
            "SELECT (SELECT count(*) FROM attempt WHERE campaign = number),
                    (SELECT count(*) FROM decision WHERE campaign = number AND resolution <> 'expires')
             FROM campaign WHERE stored_as = $1",
            &[&self.place.name],
        )?;
        let now = History {
            attempts: get::<i64>(&row, 0)?.cast_unsigned(),
            decisions: get::<i64>(&row, 1)?.cast_unsigned(),
        };
        if now != seen {
            self.connection.run("ROLLBACK")?;
            let problem = "was sent, or rows of it were decided about, while the new plan was made";
            return Err(Error::new(Kind::InUse, problem)
                .hint("nothing was changed; run again")
                .at(&self.place));
        }
        // Two plans of one second differ by a number.
        let numbers = (2..100).map(|nth| format!("-{nth}"));
        for nth in std::iter::once(String::new()).chain(numbers) {
            let aside = format!("{}.{stamp}{nth}", self.place.name);
            let renamed = self.connection.execute(
                "UPDATE campaign SET stored_as = $2 WHERE stored_as = $1
                 AND NOT EXISTS (SELECT 1 FROM campaign WHERE stored_as = $2)
                 AND NOT EXISTS (SELECT 1 FROM sender s JOIN live_sender USING (id) WHERE s.campaign = number)",
                &[&self.place.name, &aside],
            )?;
            if renamed == 1 {
                self.connection.commit()?;
                return Ok(aside);
            }
        }
        self.connection.run("ROLLBACK")?;
        Err(
            Error::new(Kind::InUse, "cannot be set aside: others are sending it")
                .hint("wait until they have ended, and run again")
                .at(&self.place),
        )
    }
}
