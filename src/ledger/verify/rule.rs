//! The rules, and where they do not hold.

use std::collections::HashMap;

use strum::{Display, VariantArray};

/// How many violations of one rule are named.
const NAMED: usize = 5;

/// What must hold in every ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, VariantArray)]
pub(super) enum Rule {
    #[strum(serialize = "a text has the right type and credits")]
    Costs,
    #[strum(serialize = "a batch has a code that its state allows")]
    Code,
    #[strum(serialize = "a row has a batch exactly if it is to be sent")]
    BatchOfRow,
    #[strum(serialize = "a row that is to be sent has a number and a text")]
    NumberAndText,
    #[strum(serialize = "a batch of a row exists and is not split")]
    LiveBatch,
    #[strum(serialize = "a batch that is not split has recipients")]
    HasRecipients,
    #[strum(serialize = "rows are numbered from 1 without a gap")]
    RowNumbers,
    #[strum(serialize = "a parent of a batch is split")]
    Parent,
    #[strum(
        serialize = "a batch has as many attempts as were recorded for it and the batches that it was split from"
    )]
    AttemptCount,
    #[strum(
        serialize = "a batch without attempts is planned, cancelled, suppressed or split, and one that is under way or has an outcome has attempts"
    )]
    HasAttempts,
    #[strum(serialize = "exactly the batch that is under way has one attempt without an outcome")]
    OpenAttempt,
    #[strum(
        serialize = "a batch has the code and the transaction ids of the answer to its last attempt"
    )]
    Answer,
    #[strum(serialize = "attempts are numbered from 1 without a gap")]
    AttemptNumbers,
    #[strum(serialize = "a batch that an operator resolved is in the state of that decision")]
    Decision,
    #[strum(serialize = "only what was accepted has a transaction id")]
    TrxId,
    #[strum(serialize = "no batch has a number twice")]
    NumberTwice,
    #[strum(serialize = "a campaign has a gateway exactly if it was started")]
    Gateway,
    #[strum(
        serialize = "a batch is in the state that its last attempt left it in, unless an operator resolved it"
    )]
    StateOfAttempt,
    #[strum(serialize = "the recipients of a batch have one text")]
    OneText,
    #[strum(serialize = "the texts of a batch have one type")]
    OneType,
    #[strum(serialize = "a batch has no more recipients than one request can hold")]
    Size,
    #[strum(serialize = "no number gets the same text twice")]
    NoRepeat,
}

/// The places where rules do not hold.
#[derive(Default)]
pub(super) struct Violations(HashMap<Rule, (Vec<String>, usize)>);

impl Violations {
    pub(super) fn add(&mut self, rule: Rule, place: impl FnOnce() -> String) {
        let (named, more) = self.0.entry(rule).or_default();
        if named.len() < NAMED {
            named.push(place());
        } else {
            *more += 1;
        }
    }

    /// A sentence for each rule, in their order.
    pub(super) fn sentences(&self) -> Vec<String> {
        let rules = Rule::VARIANTS.iter();
        rules
            .filter_map(|rule| {
                let (named, more) = self.0.get(rule)?;
                let more = match more {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                Some(format!(
                    "not true that {rule}: see {}{more}",
                    named.join(", ")
                ))
            })
            .collect()
    }
}
