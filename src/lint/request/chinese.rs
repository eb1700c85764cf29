//! Requests for personal data in Chinese, simplified and traditional.

use std::ops::Range;

use super::Datum;

const CODES: &[&str] = &["验证码", "驗證碼"];

const DATA: &[&str] = &[
    "验证码",
    "驗證碼",
    "密码",
    "密碼",
    "身份证",
    "身份證",
    "身分证",
    "身分證",
    "账号",
    "賬號",
    "帐号",
    "帳號",
    "卡号",
    "卡號",
    "银行账户",
    "银行户口",
    "銀行賬戶",
    "銀行戶口",
    "户口号码",
    "戶口號碼",
    "账户号码",
    "賬戶號碼",
    "个人资料",
    "個人資料",
    "个人信息",
    "個人信息",
];

/// What those end with, to look at few places only.
const LAST: [char; 11] = [
    '码', '碼', '证', '證', '号', '號', '户', '戶', '口', '料', '息',
];

const VERBS: &[&str] = &[
    "回复", "回覆", "回復", "提供", "发送", "發送", "发给", "發給", "发到", "發到", "发至", "發至",
    "告诉", "告訴", "告知", "输入", "輸入", "填写", "填寫", "填入", "提交", "透露", "分享", "上传",
    "上傳", "传送", "傳送", "寄给", "寄給",
];

const NEGATIONS: &[&str] = &[
    "勿", "不", "莫", "无需", "無需", "无须", "無須", "绝", "絕", "没", "沒", "未", "谨防", "謹防",
    "严禁", "嚴禁", "避免", "防止", "骗", "騙", "如果", "若",
];

/// Somebody else gives, or gave.
const SENDERS: &[&str] = &[
    "我们", "我們", "系统", "系統", "本行", "已", "为您", "為您", "给您", "給您", "将会", "將會",
];

/// The reader is to give, whoever else is named.
const READERS: &[&str] = &["请", "請", "需", "须", "須", "务必", "務必", "麻烦", "麻煩"];

/// Between verb and datum: the datum is where something goes.
const STOPS: &[char] = &['至', '到', '入', '后', '後', '前'];

/// Characters between verb and datum: `提供您的姓名、地址和`.
const NEAR: usize = 14;

/// The personal data that the text names.
pub(super) fn data(text: &str) -> impl Iterator<Item = Datum> {
    text.char_indices()
        .filter(|(_, c)| LAST.contains(c))
        .filter_map(|(at, c)| {
            let end = at + c.len_utf8();
            let name = DATA.iter().find(|name| text[..end].ends_with(**name))?;
            Some(Datum {
                range: end - name.len()..end,
                is_code: CODES.contains(name),
            })
        })
}

/// From the verb to the datum, if the reader is asked to give it.
pub(super) fn request(text: &str, datum: &Datum) -> Option<Range<usize>> {
    let lead = clause(&text[..datum.range.start]);
    if lead.is_ascii() || !is_meant(lead) {
        return None;
    }
    let end = datum.range.end;
    if let Some((verb, length)) = last_verb(lead) {
        let between = &lead[verb + length..];
        return is_bridge(between).then(|| datum.range.start - lead.len() + verb..end);
    }
    // `请将您的密码发给我们`
    let rest = sentence_start(&text[end..]);
    let is_handed_over = lead.contains(['将', '將', '把'])
        && READERS.iter().any(|reader| lead.contains(reader))
        && VERBS.iter().any(|verb| rest.contains(verb))
        && !is_negated(rest);
    is_handed_over.then(|| datum.range.start - lead.len()..end)
}

/// The sentence up to its end, or only from its last "please" on: a warning before that is about something else.
fn clause(lead: &str) -> &str {
    let start = lead
        .char_indices()
        .rev()
        .find(|&(_, c)| ends_sentence(c))
        .map_or(0, |(at, c)| at + c.len_utf8());
    let sentence = &lead[start..];
    let please = sentence
        .char_indices()
        .rev()
        .find(|&(at, c)| matches!(c, '请' | '請') && !is_refusal(&sentence[at + c.len_utf8()..]));
    please.map_or(sentence, |(at, _)| &sentence[at..])
}

/// `请勿`; what follows it is still the warning.
fn is_refusal(after_please: &str) -> bool {
    let next: &[char] = &['勿', '不', '别', '別', '莫'];
    after_please.starts_with(next)
}

fn ends_sentence(c: char) -> bool {
    matches!(c, '。' | '！' | '？' | '；' | '\n' | '!' | '?' | ';')
}

/// The first characters of the sentence that goes on here.
fn sentence_start(rest: &str) -> &str {
    let end = rest
        .char_indices()
        .enumerate()
        .find(|&(position, (_, c))| position == NEAR || ends_sentence(c))
        .map_or(rest.len(), |(_, (at, _))| at);
    &rest[..end]
}

fn is_meant(lead: &str) -> bool {
    let of_the_sender = SENDERS.iter().any(|sender| lead.contains(sender))
        && !READERS.iter().any(|reader| lead.contains(reader));
    !of_the_sender && !is_negated(lead)
}

fn is_negated(clause: &str) -> bool {
    // `特别`, `分别`, `级别` are no negation.
    let is_dont = |(at, _): (usize, &str)| {
        !clause[..at].ends_with(['特', '分', '级', '級', '个', '個', '识', '識'])
    };
    NEGATIONS.iter().any(|negation| clause.contains(negation))
        || clause.match_indices(['别', '別']).any(is_dont)
}

fn last_verb(lead: &str) -> Option<(usize, usize)> {
    VERBS
        .iter()
        .filter_map(|verb| Some((lead.rfind(verb)?, verb.len())))
        .max()
}

/// Whether what stands between verb and datum leaves them together: not `输入的密码`, not `发送至您的银行账号`.
fn is_bridge(between: &str) -> bool {
    !between.starts_with('的')
        && !between.contains(STOPS)
        && between.chars().count() <= NEAR
        && between.chars().filter(char::is_ascii_digit).count() < 4
}
