//! Checks the recipients of each batch together, and all texts of each number.

use super::audit::{Audit, Member};
use super::rule::Rule;
use crate::domain::InCommon;
use crate::ledger::state::State;

impl Audit<'_> {
    /// Checks the recipients of each batch together, and those of each number.
    pub(super) fn members(&mut self, duplicates_kept: bool) {
        let mut members = std::mem::take(&mut self.members);
        self.texts = Vec::new();
        self.trx_ids.sort();
        members.sort_unstable_by_key(|member| (member.batch, member.msisdn));
        let limits = self.campaign.options.limits;
        let by_batch = || members.chunk_by(|one, other| one.batch == other.batch);
        for of_batch in by_batch() {
            let batch = of_batch[0].batch;
            let mut numbers = of_batch.windows(2);
            let twice = numbers.any(|pair| pair[0].msisdn == pair[1].msisdn);
            self.check(!twice, Rule::NumberTwice, batch);
            let in_common = |same: &dyn Fn(&Member, &Member) -> bool| {
                of_batch.iter().all(|member| same(member, &of_batch[0]))
            };
            let (fits, rule) = match limits.in_common {
                InCommon::Text => {
                    let same = |one: &Member, other: &Member| {
                        (one.text, one.encoding) == (other.text, other.encoding)
                    };
                    (in_common(&same), Rule::OneText)
                }
                InCommon::Type => (
                    in_common(&|one, other| one.encoding == other.encoding),
                    Rule::OneType,
                ),
            };
            self.check(fits, rule, batch);
            let fits = of_batch.len() as u64 <= u64::from(limits.messages.get());
            self.check(fits, Rule::Size, batch);
        }
        self.lost_batches(by_batch().map(|of_batch| of_batch[0].batch));
        if duplicates_kept {
            return;
        }
        members.sort_unstable_by_key(|member| (member.msisdn, member.text, member.row));
        for same in
            members.chunk_by(|one, other| (one.msisdn, one.text) == (other.msisdn, other.text))
        {
            if let [_, .., last] = same {
                self.violated(Rule::NoRepeat, || format!("row {}", last.row));
            }
        }
    }

    /// Batches that should have recipients and have none. Every batch up to the last one that was planned has a record or
    /// recipients.
    fn lost_batches(&mut self, with_recipients: impl Iterator<Item = i64>) {
        let mut lost = Vec::new();
        let mut with_recipients = with_recipients.peekable();
        let mut next = 1;
        let planned = i64::try_from(self.campaign.report.batches).unwrap_or(i64::MAX);
        // Of each gap between batches the first one.
        let mut seen = |id: i64, lost: &mut Vec<i64>| {
            if id > next && next <= planned {
                lost.push(next);
            }
            next = next.max(id.saturating_add(1));
        };
        for batch in &self.batches {
            while let Some(id) = with_recipients.next_if(|id| *id < batch.id) {
                seen(id, &mut lost);
            }
            seen(batch.id, &mut lost);
            let has_recipients = with_recipients.next_if_eq(&batch.id).is_some();
            if batch.state != State::Split && !has_recipients {
                lost.push(batch.id);
            }
        }
        for id in with_recipients {
            seen(id, &mut lost);
        }
        seen(planned.saturating_add(1), &mut lost);
        for id in lost {
            self.check(false, Rule::HasRecipients, id);
        }
    }
}
