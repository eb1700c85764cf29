//! Requests for personal data in a text: a verb of giving, then what is to be given, and nothing that makes it a warning,
//! a mention or what the sender does.

mod chinese;

use std::ops::Range;

use regex::{Error, Regex};

use super::phrases::{LETTER, Sentences, any_of, any_part_of};
use chinese::Chinese;

/// The pattern of what every request has.
pub(super) fn sign() -> String {
    let chinese = any_part_of(&[chinese::CODES, chinese::DATA].concat());
    format!("{}|{chinese}", any_of(&[CODES, DATA].concat()))
}

/// Codes for one use, which the text itself may hand out.
const CODES: &[&str] = &[
    "(?:verification|security|tac|otp|pin) code",
    "otp",
    "tac",
    "kod pengesahan",
    "pin (?:number|no|code|anda)",
    "(?:your|digit|nombor|no|atm) pin",
];

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

/// Before a verb: it is a noun here.
const DETERMINERS: &[&str] = &[
    "a", "an", "any", "by", "each", "from", "her", "his", "in", "its", "my", "our", "per", "the",
    "their", "this", "through", "via", "with", "your", "dengan", "melalui", "secara", "setiap",
];

/// Before a verb: the reader is to give.
#[rustfmt::skip]
const READERS: &[&str] = &[
    "you", "please", "pls", "plz", "kindly", "must", "need", "anda", "awak", "sila", "tolong", "mohon",
    "perlu", "dikehendaki", "diminta",
];

/// Before a verb: somebody else gives, or gave.
const SENDERS: &[&str] = &[
    "we", "we'll", "i", "they", "he", "she", "who", "will", "shall", "has", "have", "had", "been",
    "was", "were", "is", "are", "kami", "akan", "telah", "sudah", "sedang", "boleh",
];

/// Before a verb in its clause: a warning.
#[rustfmt::skip]
const NEGATIONS: &[&str] = &[
    "never", "not", "dont", "[a-z]+n['’]t", "cannot", "avoid", "without", "no", "jangan", "janganlah", "tidak", "tak",
    "tiada", "usah", "elakkan",
];

/// Before a verb in its sentence: a warning.
#[rustfmt::skip]
const WARNINGS: &[&str] = &[
    "anyone", "beware", "callers?", "fraud", "fraudsters?", "if", "scams?", "scammers?", "someone", "strangers?", "awas",
    "jika", "penipu", "penipuan", "sekiranya", "sesiapa", "waspada",
];

/// Between verb and datum: something else is given.
#[rustfmt::skip]
const STOPS: &[&str] = &[
    "after", "because", "before", "get", "if", "our", "receive", "redeem", "reset", "change", "stop", "that",
    "to", "until", "when", "yes", "ya", "apabila", "jika", "ke", "sebelum", "selepas", "supaya", "terima", "untuk",
    "about", "against", "regarding", "protect", "keep", "tentang", "mengenai", "[0-9]{4,}",
];

/// Between verb and datum, as often as one likes; of other words only a few.
#[rustfmt::skip]
const FILLERS: &[&str] = &[
    "account", "address", "alamat", "also", "and", "anda", "atau", "back", "bank", "beserta", "birth", "by",
    "card", "copy", "dan", "date", "dengan", "details", "digits?", "email", "following", "full",
    "gambar", "here", "ic", "identity", "kad", "kata", "kepada", "kami", "kembali", "kod", "kredit", "lahir",
    "last", "login", "maklumat", "me", "mykad", "nama", "name", "new", "no", "nombor", "num", "number", "of",
    "or", "otp", "password", "penuh", "pengenalan", "phone", "photo", "salinan", "semula", "serta", "tac",
    "tarikh", "telefon", "the", "this", "us", "username", "valid", "via", "with", "your",
];
const MOST_OTHER_WORDS: usize = 3;

/// Finds requests for personal data.
#[derive(Clone, Debug)]
pub(super) struct PersonalData {
    datum: Regex,
    /// A datum that is a code for one use.
    code: Regex,
    code_name: Regex,
    /// What may be a code. `to 36828` is where a reply goes.
    digits: Regex,
    verb: Regex,
    determiner: Regex,
    /// Who gives: the sender, or else the reader.
    subject: Regex,
    /// What forbids to give, at the end of what stands before the verb.
    warning: Regex,
    stop: Regex,
    word: Regex,
    filler: Regex,
    chinese: Chinese,
    sentences: Sentences,
}

impl PersonalData {
    pub(super) fn new() -> Result<Self, Error> {
        let data = any_of(&[CODES, DATA].concat());
        let warning = format!(
            "{}|{}(?:,[^,]*,)?[^,:()]*$",
            any_of(WARNINGS),
            any_of(NEGATIONS)
        );
        let [senders, readers] = [SENDERS, READERS].map(any_of);
        let codes = |latin| format!("{}|{}", any_of(latin), any_part_of(chinese::CODES));
        let destination = any_of(&["to", "ke", "kepada", "dial", "call"]);
        let digits =
            format!(r"(?<to>{destination}[ :]{{1,2}}|[至到给給] *)?(?-u:\b)[0-9]{{4,8}}(?-u:\b)");
        Ok(Self {
            verb: Regex::new(&format!(
                r"{}(?: (?:to )?(?:us|me|this|kami)(?-u:\b))?",
                any_of(VERBS)
            ))?,
            determiner: Regex::new(&format!("{} *$", any_of(DETERMINERS)))?,
            subject: Regex::new(&format!("(?<sender>{senders})|{readers}"))?,
            warning: Regex::new(&warning)?,
            stop: Regex::new(&format!("{}|[\u{3000}-\u{9fff}]", any_of(STOPS)))?,
            word: Regex::new(&format!("{LETTER}+"))?,
            filler: Regex::new(&any_of(FILLERS))?,
            code: Regex::new(&codes(CODES))?,
            code_name: Regex::new(&codes(CODE_NAMES))?,
            digits: Regex::new(&digits)?,
            chinese: Chinese::new(&data)?,
            datum: Regex::new(&data)?,
            sentences: Sentences::new()?,
        })
    }

    /// The first request in the text.
    pub(super) fn find(&self, text: &str) -> Option<Range<usize>> {
        let is_handed_out = |request: &str| self.code.is_match(request) && self.hands_out(text);
        self.sentences.of(text).find_map(|sentence| {
            let body = &text[sentence.clone()];
            let request = self.request(body).or_else(|| self.chinese.request(body))?;
            (!is_handed_out(&body[request.clone()]))
                .then(|| sentence.start + request.start..sentence.start + request.end)
        })
    }

    /// The first request in a sentence, in English or Malay: from its verb to its datum.
    fn request(&self, sentence: &str) -> Option<Range<usize>> {
        self.datum.find_iter(sentence).find_map(|datum| {
            let lead = &sentence[..datum.start()];
            let mut verbs = self.verb.find_iter(lead);
            let verb = verbs.find(|verb| {
                self.reaches(&lead[verb.end()..])
                    && !self.determiner.is_match(&lead[..verb.start()])
            })?;
            let before = &lead[..verb.start()];
            let is_meant = !self.warning.is_match(before) && !self.is_of_sender(before);
            is_meant.then(|| verb.start()..datum.end())
        })
    }

    /// Whether what stands between verb and datum leaves them together.
    fn reaches(&self, between: &str) -> bool {
        let words = self.word.find_iter(between).count();
        let fillers = self.filler.find_iter(between).count();
        words <= fillers + MOST_OTHER_WORDS && !self.stop.is_match(between)
    }

    /// Whether the verb behind this is what the sender does: `we will then send`.
    fn is_of_sender(&self, before: &str) -> bool {
        // Further away it is another verb's subject.
        const NEAR: usize = 3;
        let clause = before
            .rsplit([',', ':', '(', ')'])
            .next()
            .unwrap_or_default();
        let starts: Vec<usize> = self
            .word
            .find_iter(clause)
            .map(|word| word.start())
            .collect();
        let start = starts[starts.len().saturating_sub(NEAR)..].first();
        let subjects = self
            .subject
            .captures_iter(&clause[start.copied().unwrap_or_default()..]);
        subjects
            .last()
            .is_some_and(|nearest| nearest.name("sender").is_some())
    }

    /// Whether the text hands a code out: `Your OTP is 123456`. Then it asks for no other.
    fn hands_out(&self, text: &str) -> bool {
        // Bytes between the code and what it is called: `TAC anda ialah `, `您的验证码是`.
        const NEAR: usize = 24;
        let digits = self.digits.captures_iter(text);
        let mut codes = digits
            .filter(|found| found.name("to").is_none())
            .filter_map(|found| found.get(0));
        codes.any(|digits| {
            self.code_name.find_iter(text).any(|name| {
                let behind = digits.start().saturating_sub(name.end());
                behind.max(name.start().saturating_sub(digits.end())) <= NEAR
            })
        })
    }
}
