//! Requests for personal data: a verb of giving, then what is to be given, with nothing that turns it into a warning or a
//! mention. It knows the words in English, Malay and Chinese.

use std::ops::Range;

use super::words::{self, Gap, is_one_of};

mod chinese;
mod latin;

pub(super) use latin::WORDS;

/// What is asked for, and where it stands.
struct Datum {
    range: Range<usize>,
    /// A code that is made for one use, which the text itself may hand out.
    is_code: bool,
}

/// The first request in the text; `wide` where there is Chinese in it.
pub(super) fn find(text: &str, wide: bool) -> Option<Range<usize>> {
    let in_words = latin::data(text).find_map(|datum| {
        let request = latin::request(text, &datum)
            .or_else(|| wide.then(|| chinese::request(text, &datum)).flatten());
        request.filter(|_| !(datum.is_code && hands_out(text)))
    });
    in_words.or_else(|| {
        let mut data = wide.then(|| chinese::data(text)).into_iter().flatten();
        data.find_map(|datum| {
            chinese::request(text, &datum).filter(|_| !(datum.is_code && hands_out(text)))
        })
    })
}

/// Whether the text hands a code out: `Your OTP is 123456`. Then it asks for no other. `to 36828` is where a reply goes.
fn hands_out(text: &str) -> bool {
    // Bytes between the code and what it is called: `TAC anda ialah `, `您的验证码是`.
    const NEAR: usize = 24;
    let in_chinese = || {
        let data = chinese::data(text).filter(|datum| datum.is_code);
        data.map(|datum| datum.range)
    };
    let codes = || {
        let in_words = words::words(text)
            .filter(|(_, word)| latin::is_code(word))
            .map(|(range, _)| range);
        in_words.chain(in_chinese())
    };
    words::words(text)
        .filter(|(_, word)| (4..=8).contains(&word.len()))
        .filter(|(_, word)| word.bytes().all(|b| b.is_ascii_digit()))
        .filter(|(range, _)| !is_destination(text, range.start))
        .any(|(digits, _)| {
            codes().any(|code| {
                let between = digits
                    .start
                    .saturating_sub(code.end)
                    .max(code.start.saturating_sub(digits.end));
                between <= NEAR
            })
        })
}

fn is_destination(text: &str, start: usize) -> bool {
    let in_words = words::before(text, start).is_some_and(|(_, word, gap)| {
        gap == Gap::Plain && is_one_of(word, &["to", "ke", "kepada", "dial", "call"])
    });
    in_words || text[..start].trim_end().ends_with(['至', '到', '给', '給'])
}
