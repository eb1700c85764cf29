//! The question before anything is sent: at the end of a screenful it says again what is about to happen.

use std::fmt::Write as _;

use super::view::{counted, part_of};
use crate::domain::report::Warning;

/// How many warnings are repeated.
const WARNINGS: usize = 3;

/// What is about to happen.
pub(super) struct Question<'a> {
    /// How many messages this run sends, and how many are pending.
    pub(super) messages: u64,
    pub(super) pending: u64,
    /// Which plan, where it has an id.
    pub(super) plan_id: &'a str,
    pub(super) gateway: String,
    pub(super) account: Option<&'a str>,
    /// What it may cost.
    pub(super) cost: String,
    pub(super) times: String,
    /// The warnings of the plan.
    pub(super) warnings: &'a [Warning],
}

impl Question<'_> {
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut warnings: Vec<_> = self.warnings.iter().collect();
        warnings.sort_by_key(|warning| std::cmp::Reverse(warning.rows));
        for warning in warnings.iter().take(WARNINGS) {
            let texts = counted(warning.rows, "text");
            let _ = writeln!(text, "Warning: in {texts}, {}.", warning.what);
        }
        let messages = part_of(self.messages, self.pending, "message");
        let account = self.account.map_or_else(String::new, |account| {
            format!(" with the account {account}")
        });
        let (plan_id, gateway, cost, times) =
            (self.plan_id, &self.gateway, &self.cost, &self.times);
        text + &format!("Send {messages}{plan_id} to {gateway}{account} {cost}{times}?")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_is_about_to_happen() {
        let warning = |rows, what: &str| Warning {
            rule: String::new(),
            what: what.to_owned(),
            source: String::new(),
            rows,
            first_rows: Vec::new(),
            example: String::new(),
            examples: Vec::new(),
        };
        let warnings = [
            warning(1, "a number"),
            warning(1_550, "a link"),
            warning(3, "written in capitals"),
            warning(2, "what looks damaged"),
        ];
        let question = Question {
            messages: 5,
            pending: 12_345,
            plan_id: " of plan abc",
            gateway: "www.isms.com.my".to_owned(),
            account: Some("kedaiku"),
            cost: "for up to 10 credits".to_owned(),
            times: String::new(),
            warnings: &warnings,
        };
        assert_eq!(
            question.text(),
            "Warning: in 1,550 texts, a link.\n\
             Warning: in 3 texts, written in capitals.\n\
             Warning: in 2 texts, what looks damaged.\n\
             Send 5 of 12,345 messages of plan abc to www.isms.com.my with the account kedaiku for up to 10 credits?"
        );
        let all = Question {
            messages: 12_345,
            account: None,
            warnings: &[],
            ..question
        };
        assert_eq!(
            all.text(),
            "Send 12,345 messages of plan abc to www.isms.com.my for up to 10 credits?"
        );
    }
}
