//! Requests for personal data in Chinese, simplified and traditional.

use std::ops::Range;

use regex::{Error, Regex};

use crate::lint::phrases::any_part_of;

/// Codes for one use.
pub(super) const CODES: &[&str] = &["验证码", "驗證碼"];

/// Other personal data.
#[rustfmt::skip]
pub(super) const DATA: &[&str] = &[
    "密码", "密碼", "身[份分][证證]", "[账帐賬帳][号號]", "卡[号號]", "[银銀]行(?:账户|户口|賬戶|戶口)",
    "(?:户口|账户)号码", "(?:戶口|賬戶)號碼", "[个個]人(?:资料|資料|信息)",
];

/// Verbs of giving.
#[rustfmt::skip]
const VERBS: &[&str] = &[
    "回[复覆復]", "提供", "[发發](?:送|给|給|到|至)", "告[诉訴知]", "[输輸]入", "填[写寫入]", "提交", "透露", "分享",
    "上[传傳]", "[传傳]送", "寄[给給]",
];

/// The reader is to give, also where somebody else is named.
const READERS: &[&str] = &["[请請需须須]", "务必", "務必", "麻烦", "麻煩"];

/// Somebody else gives, or gave.
#[rustfmt::skip]
const SENDERS: &[&str] = &[
    "我[们們]", "系[统統]", "本行", "已", "[为為]您", "[给給]您", "[将將]会", "[将將]會",
];

/// A warning.
#[rustfmt::skip]
const NEGATIONS: &[&str] = &[
    "[勿不莫绝絕没沒未骗騙若]", "[无無][需须須]", "[谨謹]防", "[严嚴]禁", "避免", "防止", "如果",
    // `特别`, `分别`, `级别` are no negation.
    "(?:^|[^特分级級个個识識])[别別]",
];

/// Finds requests in Chinese, simplified and traditional.
#[derive(Clone, Debug)]
pub(super) struct Chinese {
    datum: Regex,
    verb: Regex,
    /// What may stand between verb and datum. After `输入的` and `发送至` the datum is where something goes.
    between: Regex,
    /// What follows the datum in `请将您的密码发给我们`.
    handing_over: Regex,
    reader: Regex,
    sender: Regex,
    negation: Regex,
}

impl Chinese {
    /// `latin`: the pattern of data that have no Chinese name.
    pub(super) fn new(latin: &str) -> Result<Self, Error> {
        let data = [CODES, DATA, &[latin]].concat();
        let verb = any_part_of(VERBS);
        Ok(Self {
            datum: Regex::new(&any_part_of(&data))?,
            between: Regex::new("^(?:[^的至到入后後前][^至到入后後前]*)?$")?,
            handing_over: Regex::new(&format!("^[^勿不别別莫]*{verb}"))?,
            verb: Regex::new(&verb)?,
            reader: Regex::new(&any_part_of(READERS))?,
            sender: Regex::new(&any_part_of(SENDERS))?,
            negation: Regex::new(&any_part_of(NEGATIONS))?,
        })
    }

    /// The first request in a sentence: from its verb, or what hands the datum over, to the datum.
    pub(super) fn request(&self, sentence: &str) -> Option<Range<usize>> {
        self.datum.find_iter(sentence).find_map(|datum| {
            let lead = &sentence[..datum.start()];
            // A warning before the last "please" is about something else.
            let please = lead.rfind(['请', '請']).unwrap_or_default();
            let start = self.start(&lead[please..], &sentence[datum.end()..])?;
            Some(please + start..datum.end())
        })
    }

    /// Where in the lead of a datum the request for it starts, if there is one.
    fn start(&self, lead: &str, rest: &str) -> Option<usize> {
        // Characters between verb and datum: `提供您的姓名、地址和`.
        const NEAR: usize = 14;
        let is_to_reader = self.reader.is_match(lead);
        if self.negation.is_match(lead) || self.sender.is_match(lead) && !is_to_reader {
            return None;
        }
        let Some(verb) = self.verb.find_iter(lead).last() else {
            let is_handed_over = is_to_reader && lead.contains(['将', '將', '把']);
            return (is_handed_over && self.handing_over.is_match(rest)).then_some(0);
        };
        let between = &lead[verb.end()..];
        let is_near = between.chars().count() <= NEAR && self.between.is_match(between);
        is_near.then(|| verb.start())
    }
}
