//! Requests for personal data in a text: where a clause begins or the reader is addressed, a verb of giving and what is to be
//! given, with only a few known words between them.
//!
//! In `Never share your TAC`, `We will send your OTP` and `Check your SMS for your OTP` something else stands before the verb.

use std::ops::Range;

use regex::{Error, Regex};

use super::phrases::{any_of, any_part_of, before, sentence_end};

/// Codes for one use, which the text itself may hand out.
const CODES: &[&str] = &[
    "(?:verification|security|tac|otp|pin) code",
    "otp",
    "tac",
    "kod pengesahan",
    "pin (?:number|no|code|anda)",
    "(?:your|digit|nombor|no|atm) pin",
];
const CHINESE_CODES: &[&str] = &["验证码", "驗證碼"];

/// What those are called where the text hands one out. A password is handed out, too, but is no code for one use.
const CODE_NAMES: &[&str] = &["code", "otp", "password", "pengesahan", "pin", "tac"];

/// Other personal data. Names and addresses are not looked for.
#[rustfmt::skip]
const DATA: &[&str] = &[
    "bank account", "account (?:no|number|num|details)", "(?:no|nombor|num) akaun", "akaun bank",
    "bank (?:details|information)", "(?:butiran|maklumat) bank", "(?:identity|credit|debit|atm) card",
    "card (?:number|no)", "kad (?:kredit|pengenalan)", "cvv", "ic", "mykad", "nric", "katalaluan", "kata laluan",
    "passcode", "passwords?", "passport (?:number|no)", "(?:no|nombor) pasport",
    "(?:maklumat|butiran|data) peribadi", "personal (?:details|data|information)",
];
#[rustfmt::skip]
const CHINESE_DATA: &[&str] = &[
    "密码", "密碼", "身[份分][证證]", "[账帐賬帳][号號]", "卡[号號]", "[银銀]行(?:账户|户口|賬戶|戶口)",
    "(?:户口|账户)号码", "(?:戶口|賬戶)號碼", "[个個]人(?:资料|資料|信息)",
];

/// Verbs of giving.
#[rustfmt::skip]
const VERBS: &[&str] = &[
    "answer", "confirm", "disclose", "email", "enter", "fill", "forward", "furnish", "give", "key in", "provide",
    "reply", "respond", "send", "share", "sms", "submit", "supply", "tell", "text", "type", "upload",
    "verify", "whatsapp", "we need your", "we require your",
    // Malay
    "balas", "beri", "berikan", "beritahu", "bagitahu", "dedahkan", "emel", "hantar", "hantarkan", "isi",
    "isikan", "jawab", "kemukakan", "kongsi", "kongsikan", "lengkapkan", "maklumkan", "masukkan", "memberi",
    "memberikan", "memasukkan", "mendedahkan", "mengemukakan", "menghantar", "berkongsi", "nyatakan",
    "sahkan", "serahkan", "taip", "wasap",
];
#[rustfmt::skip]
const CHINESE_VERBS: &[&str] = &[
    "回[复覆復]", "提供", "[发發](?:送|给|給|到|至)", "告[诉訴知]", "[输輸]入", "填[写寫入]", "提交", "透露", "分享",
    "上[传傳]", "[传傳]送", "寄[给給]",
];

/// Directly before a verb: the reader is to give.
#[rustfmt::skip]
const READERS: &[&str] = &[
    "please", "pls", "plz", "kindly", "just", "must", "you (?:can|may|should|(?:need|have|are required) to)",
    "sila", "tolong", "mohon", "anda (?:perlu|boleh|mesti|hendaklah|dikehendaki|diminta)",
];
/// In Chinese some characters may come between, but none that forbids or warns.
const CHINESE_READERS: &str =
    "(?:[请請需须須]|务必|務必|麻烦|麻煩)[^勿不莫绝絕别別无無没沒未防禁避免骗騙若如。.!?;\n]{0,8}?";

/// Between verb and datum: what else is asked for, and small words.
#[rustfmt::skip]
const FILLERS: &[&str] = &[
    "a", "account", "address", "alamat", "all", "also", "and", "anda", "atau", "back", "bank", "below", "beserta", "birth",
    "borang", "both", "by", "card", "complete", "copy", "correct", "current", "dan", "date", "dengan", "details", "digits?",
    "email", "following", "full", "gambar", "here", "ic", "identity", "in", "kad", "kata", "kepada", "kami", "kembali",
    "kod", "kredit", "lahir", "last", "latest", "lengkap", "login", "maklumat", "me", "mykad", "nama", "name", "new",
    "no", "nombor", "num", "number", "of", "or", "otp", "password", "penuh", "pengenalan", "penyata", "phone", "photo",
    "salinan", "semula", "serta", "tac", "tarikh", "telefon", "the", "their", "this", "to (?:us|me|this)", "us",
    "username", "valid", "via", "with", "your",
];

/// Before a verb in its sentence: a warning.
#[rustfmt::skip]
const WARNINGS: &[&str] = &[
    "anyone", "beware", "callers?", "fraud", "fraudsters?", "if", "scams?", "scammers?", "someone", "strangers?", "awas",
    "jika", "penipu", "penipuan", "sekiranya", "sesiapa", "waspada",
];

/// The pattern of what every request has, and its group `code` for codes for one use.
pub(super) fn datum() -> String {
    let [code, others] = [CODES, DATA].map(any_of);
    let [chinese_code, chinese_others] = [CHINESE_CODES, CHINESE_DATA].map(any_part_of);
    format!("(?:(?<code>{code}|{chinese_code})|{others}|{chinese_others})")
}

/// Finds requests for personal data.
#[derive(Clone, Debug)]
pub(super) struct PersonalData {
    /// Each has a group `request`, from the verb to the datum.
    requests: [Regex; 3],
    warning: Regex,
    /// A code for one use near what it is called. The groups are for where a reply goes: `to 36828`.
    handed_out: Regex,
    sentence_end: Regex,
}

impl PersonalData {
    pub(super) fn new() -> Result<Self, Error> {
        let datum = datum();
        let [verb, reader, filler] = [VERBS, READERS, FILLERS].map(any_of);
        let gap = r"(?:[:,]\s*\n|[^0-9A-Za-z'’.!?;\n\x{3000}-\x{9fff}])";
        let latin = format!(
            r"(?:^|[.!?;:,(\n]|{reader}){gap}*(?<request>{verb}(?:{gap}+(?:{filler}|(?i:no|num|[0-9])\.))*?{gap}+{datum})"
        );
        let verb = any_part_of(CHINESE_VERBS);
        // After `输入的` and `发送至` the datum is where something goes.
        let chinese = format!(
            r"(?:^|[。.!?;:\n] *|{CHINESE_READERS})(?<request>{verb}(?:[^的前至到入后後。.!?;\n][^前至到入后後。.!?;\n]{{0,13}}?)??{datum})"
        );
        // `请将您的密码发给我们`
        let handed_over = format!(
            r"(?<request>{CHINESE_READERS}[将將把][^。.!?;\n]{{0,14}}?{datum})[^勿不莫别別。.!?;\n]*?{verb}"
        );
        let requests = [latin, chinese, handed_over].map(|request| Regex::new(&request));
        let [latin, chinese, handed_over] = requests;
        let name = format!("(?:{}|{})", any_of(CODE_NAMES), any_part_of(CHINESE_CODES));
        let destination = any_of(&["to", "ke", "kepada", "dial", "call"]);
        let number =
            format!(r"({destination}[ :]{{1,2}}|[至到给給] *)?(?-u:\b)[0-9]{{4,8}}(?-u:\b)");
        Ok(Self {
            requests: [latin?, chinese?, handed_over?],
            warning: Regex::new(&any_of(WARNINGS))?,
            handed_out: Regex::new(&format!(
                "(?s){name}.{{0,24}}?{number}|{number}.{{0,24}}?{name}"
            ))?,
            sentence_end: sentence_end()?,
        })
    }

    /// The first request in the text, of the first language.
    pub(super) fn find(&self, text: &str) -> Option<Range<usize>> {
        let mut found = self
            .requests
            .iter()
            .flat_map(|request| request.captures_iter(text));
        found.find_map(|found| {
            let request = found.name("request")?;
            let before = before(&self.sentence_end, text, request.start());
            let is_handed_out = found.name("code").is_some() && self.hands_out(text);
            let is_meant = !self.warning.is_match(before) && !is_handed_out;
            is_meant.then(|| request.range())
        })
    }

    /// Whether the text hands a code out: `Your OTP is 123456`. Then it asks for no other.
    fn hands_out(&self, text: &str) -> bool {
        let mut numbers = self.handed_out.captures_iter(text);
        numbers.any(|number| number.get(1).or(number.get(2)).is_none())
    }
}
