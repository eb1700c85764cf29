//! Requests for personal data in English and Malay.

use std::ops::Range;

use super::super::words::{self, Gap, is_one_of};
use super::super::{BEGINNINGS, DATUM};
use super::Datum;

/// Verbs of giving.
#[rustfmt::skip]
const VERBS: &[&str] = &[
    "answer", "confirm", "disclose", "email", "enter", "fill", "forward", "furnish", "give", "key", "provide",
    "reply", "respond", "send", "share", "sms", "submit", "supply", "tell", "text", "type", "upload",
    "verify", "whatsapp",
    // Malay
    "balas", "beri", "berikan", "beritahu", "bagitahu", "dedahkan", "emel", "hantar", "hantarkan", "isi",
    "isikan", "jawab", "kemukakan", "kongsi", "kongsikan", "lengkapkan", "maklumkan", "masukkan", "memberi",
    "memberikan", "memasukkan", "mendedahkan", "mengemukakan", "menghantar", "berkongsi", "nyatakan",
    "sahkan", "serahkan", "taip", "wasap",
];

/// Verbs of asking: what a warning forbids, next to giving.
const ASKING: &[&str] = &[
    "ask", "asks", "request", "requests", "require", "meminta", "minta", "need",
];

/// Before a verb: it is a noun here.
const DETERMINERS: &[&str] = &[
    "a", "an", "any", "by", "each", "from", "her", "his", "in", "its", "my", "our", "per", "the",
    "their", "this", "through", "via", "with", "your", "dengan", "melalui", "secara", "setiap",
];

/// Before a verb: it is the reader who is to give.
#[rustfmt::skip]
const READER: &[&str] = &[
    "you", "please", "pls", "plz", "kindly", "must", "need", "anda", "awak", "sila", "tolong", "mohon",
    "perlu", "dikehendaki", "diminta",
];

/// Before a verb: it is somebody else who gives, or gave.
const SENDER: &[&str] = &[
    "we", "we'll", "i", "they", "he", "she", "who", "will", "shall", "has", "have", "had", "been",
    "was", "were", "is", "are", "kami", "akan", "telah", "sudah", "sedang", "boleh",
];

#[rustfmt::skip]
const NEGATIONS: &[&str] = &[
    "never", "not", "dont", "don't", "don", "doesn't", "won't", "cannot", "can't", "avoid", "without", "no",
    "jangan", "janganlah", "tidak", "tak", "tiada", "usah", "elakkan",
];

/// Anywhere before the verb in its sentence: a warning.
#[rustfmt::skip]
const WARNINGS: &[&str] = &[
    "anyone", "beware", "caller", "callers", "fraud", "fraudster", "fraudsters", "if", "scam", "scams",
    "scammer", "scammers", "someone", "stranger", "strangers", "awas", "jika", "penipu", "penipuan",
    "sekiranya", "sesiapa", "waspada",
];

/// Between verb and datum: what is given is not the datum.
#[rustfmt::skip]
const STOPS: &[&str] = &[
    "after", "because", "before", "get", "if", "our", "receive", "redeem", "reset", "change", "stop", "that",
    "until", "when", "yes", "ya", "apabila", "jika", "ke", "sebelum", "selepas", "supaya", "terima", "untuk",
    "about", "against", "regarding", "protect", "keep", "tentang", "mengenai",
];

/// Between verb and datum, as often as one likes.
#[rustfmt::skip]
const BRIDGES: &[&str] = &[
    "account", "address", "alamat", "also", "and", "anda", "atau", "back", "bank", "beserta", "birth", "by",
    "card", "copy", "dan", "date", "dengan", "details", "digit", "digits", "email", "following", "full",
    "gambar", "here", "ic", "identity", "kad", "kata", "kepada", "kami", "kembali", "kod", "kredit", "lahir",
    "last", "login", "maklumat", "me", "mykad", "nama", "name", "new", "no", "nombor", "num", "number", "of",
    "or", "otp", "password", "penuh", "pengenalan", "phone", "photo", "salinan", "semula", "serta", "tac",
    "tarikh", "telefon", "the", "this", "to", "us", "username", "valid", "via", "with", "your",
];

/// Words between verb and datum that are none of these: so many may be, `reply with your membership level and IC number`.
const STRANGERS: usize = 3;
const LONGEST_BRIDGE: usize = 14;

/// How many words a negation reaches: `We will never under any circumstances ask`.
const NEGATION_REACH: usize = 6;

/// What the last word of a datum is, which word must stand before or behind it (none: it needs no other), and whether it is a code.
type Known = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    bool,
);
const DATA: &[Known] = &[
    (
        "account",
        &["bank"],
        &["no", "number", "num", "details"],
        false,
    ),
    ("akaun", &["no", "nombor", "num"], &["bank"], false),
    (
        "bank",
        &["butiran", "maklumat"],
        &["details", "information"],
        false,
    ),
    (
        "card",
        &["identity", "credit", "debit", "atm"],
        &["number", "no"],
        false,
    ),
    (
        "code",
        &["verification", "security", "tac", "otp", "pin"],
        &[],
        true,
    ),
    ("cvv", &[], &[], false),
    ("ic", &[], &[], false),
    ("katalaluan", &[], &[], false),
    ("kredit", &["kad"], &[], false),
    ("laluan", &["kata"], &[], false),
    ("mykad", &[], &[], false),
    ("nric", &[], &[], false),
    ("otp", &[], &[], true),
    ("passcode", &[], &[], false),
    ("passport", &[], &["number", "no"], false),
    ("password", &[], &[], false),
    ("passwords", &[], &[], false),
    ("pasport", &["no", "nombor"], &[], false),
    ("pengenalan", &["kad"], &[], false),
    ("pengesahan", &["kod"], &[], true),
    ("peribadi", &["maklumat", "butiran", "data"], &[], false),
    ("personal", &[], &["details", "data", "information"], false),
    ("pin", &[], &["number", "no", "code", "anda"], true),
    (
        "pin",
        &["your", "6-digit", "digit", "nombor", "no", "atm"],
        &[],
        true,
    ),
    ("tac", &[], &[], true),
];

/// The last words of all data.
pub(in super::super) const WORDS: [&str; DATA.len()] = {
    let mut words = [""; DATA.len()];
    let mut i = 0;
    while i < DATA.len() {
        words[i] = DATA[i].0;
        i += 1;
    }
    words
};

/// The personal data that the text names.
pub(super) fn data(text: &str) -> impl Iterator<Item = Datum> {
    BEGINNINGS.words(text, DATUM).filter_map(|(range, word)| {
        DATA.iter()
            .filter(|known| word.eq_ignore_ascii_case(known.0))
            .find(|known| is_complete(text, &range, known))
            .map(|known| Datum {
                range: range.clone(),
                is_code: known.3,
            })
    })
}

/// Whether this is what a code is called.
pub(super) fn is_code(word: &str) -> bool {
    word.eq_ignore_ascii_case("password")
        || DATA
            .iter()
            .any(|known| known.3 && word.eq_ignore_ascii_case(known.0))
}

fn is_complete(text: &str, range: &Range<usize>, known: &Known) -> bool {
    let (_, before, after, _) = known;
    let near = |found: Option<(Range<usize>, &str, Gap)>, list: &[&str]| {
        found.is_some_and(|(_, word, gap)| gap == Gap::Plain && is_one_of(word, list))
    };
    (before.is_empty() && after.is_empty())
        || near(words::before(text, range.start), before)
        || near(words::after(text, range.end), after)
}

/// From the verb to the datum, if the reader is asked to give it.
pub(super) fn request(text: &str, datum: &Datum) -> Option<Range<usize>> {
    let mut place = datum.range.start;
    let mut following = "";
    let mut strangers = 0;
    for _ in 0..LONGEST_BRIDGE {
        let (range, word, gap) = words::before(text, place)?;
        if gap == Gap::Sentence {
            return None;
        }
        if is_verb(text, &range, word, following) {
            return is_meant(text, range.start).then_some(range.start..datum.range.end);
        }
        if is_stop(word, following) {
            return None;
        }
        strangers += usize::from(!is_one_of(word, BRIDGES));
        if strangers > STRANGERS {
            return None;
        }
        (place, following) = (range.start, word);
    }
    None
}

fn is_verb(text: &str, range: &Range<usize>, word: &str, following: &str) -> bool {
    if word.eq_ignore_ascii_case("need") || word.eq_ignore_ascii_case("require") {
        return is_asked_by_us(text, range.start, following);
    }
    if !is_one_of(word, VERBS)
        || (word.eq_ignore_ascii_case("key") && !following.eq_ignore_ascii_case("in"))
    {
        return false;
    }
    let is_noun = words::before(text, range.start)
        .is_some_and(|(_, before, gap)| gap == Gap::Plain && is_one_of(before, DETERMINERS));
    !is_noun
}

/// `we need your`.
fn is_asked_by_us(text: &str, start: usize, following: &str) -> bool {
    following.eq_ignore_ascii_case("your")
        && words::before(text, start)
            .is_some_and(|(_, before, gap)| gap == Gap::Plain && before.eq_ignore_ascii_case("we"))
}

fn is_stop(word: &str, following: &str) -> bool {
    let to =
        word.eq_ignore_ascii_case("to") && !is_one_of(following, &["us", "me", "this", "kami"]);
    let code = word.len() >= 4 && word.bytes().all(|b| b.is_ascii_digit());
    to || code || is_one_of(word, STOPS)
}

/// Whether the verb is a request to the reader: not what the sender does, and not forbidden.
fn is_meant(text: &str, verb: usize) -> bool {
    !is_of_the_sender(text, verb) && !is_forbidden(text, verb)
}

fn is_of_the_sender(text: &str, verb: usize) -> bool {
    // `we will then send`, `TAC akan di hantar`: further away it is another sentence's subject.
    const NEAR: usize = 3;
    let mut place = verb;
    let mut last = words::after(text, verb).map_or("", |(_, word, _)| word);
    for _ in 0..NEAR {
        let Some((range, word, Gap::Plain)) = words::before(text, place) else {
            return false;
        };
        if is_one_of(word, READER) {
            return false;
        }
        let asked = last.eq_ignore_ascii_case("need") || last.eq_ignore_ascii_case("require");
        if is_one_of(word, SENDER) {
            return !asked;
        }
        (place, last) = (range.start, word);
    }
    false
}

fn is_forbidden(text: &str, verb: usize) -> bool {
    const LONGEST: usize = 20;
    let mut place = verb;
    // Words and commas since the last verb of giving or asking.
    let (mut words_since, mut comma) = (0, false);
    for _ in 0..LONGEST {
        let Some((range, word, gap)) = words::before(text, place) else {
            return false;
        };
        if gap == Gap::Sentence {
            return false;
        }
        if is_one_of(word, WARNINGS) {
            return true;
        }
        comma |= gap == Gap::Clause;
        words_since += 1;
        // `not, under any circumstances, share`: the comma right behind it opens what is put in between.
        let reaches = words_since <= NEGATION_REACH && (!comma || gap == Gap::Clause);
        if is_one_of(word, NEGATIONS) && reaches {
            return true;
        }
        if is_one_of(word, VERBS) || is_one_of(word, ASKING) {
            (words_since, comma) = (0, false);
        }
        place = range.start;
    }
    false
}
