//! What was damaged on its way into a text: letters that were lost, and codes in the place of characters and line ends.

use std::ops::Range;

use regex::{Error, Regex};

use super::merge_field::LEADS;
use super::phrases::any_of;

/// Every damaged text has this.
pub(super) const SIGN: &str =
    r"\?\?|\? \?|[&\\ÂÃâàäåæçèéãïð锟]|</?[A-Za-z]|_x[0-9A-Fa-f]{4}_|=[0-9A-F]{2}=|=\?|%[02]";

/// What Windows-1252 makes of the second and later bytes of a character in UTF-8.
const LATER_BYTE: &str = "[\u{80}-\u{bf}€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]";

/// Codes that stand for a character in other places, as they look in a text.
const CODES: &[&str] = &[
    // UTF-8 read as Windows-1252: `Ã©`, `â€™`, `å§“`
    "[ÂÃ]LATER|â€|[âàäåæçèéãïð]LATER{2}|锟斤拷",
    // HTML
    r"&(?:#[0-9]{2,6}|#[xX][0-9A-Fa-f]{2,5}|amp|nbsp|quot|apos|lt|gt|[lr][asd]{1,2}quo|[nm]dash|hellip|bull|copy|reg|trade|euro|pound|middot|[a-zA-Z](?:acute|grave|circ|uml|tilde|cedil|ring));",
    r"(?i:<br ?/?>|</[a-z][a-z0-9]*>|<(?:div|span|strong|em|font|img|ul|ol|li|h[1-6]|table|tr|td|p)(?: [^<>\n]*)?/?>|<[a-z]+ [a-z]+=[^<>\n]*>)",
    // Strings of programs: `\n` and `\u00e9`. `C:\new` and `dan\nasi` are none.
    r"\\u[0-9A-Fa-f]{4}|\\u\{[0-9A-Fa-f]+\}|\\x[0-9A-Fa-f]{2}",
    r"(?:\\r)?\\n(?:[^a-z]|$)|[.,!?;)]\\n|\\n[^\\\n]{0,80}\\n|\\r(?:[^a-z]|$)|\\t(?:[^a-z]|$)",
    r#"\\["']"#,
    // XLSX, quoted-printable, addresses, RTF
    r"_x[0-9A-Fa-f]{4}_|(?:=[0-9A-F]{2}){2,}|=\?(?i:utf-8|iso-8859-1|gb2312)\?",
    r"(?:^|\s)[^\s/]*[A-Za-z,.!]%(?:20|0A|0D%0A)[^\s/]*",
    r"\{\\rtf|\\par(?-u:\b)",
];

/// Letters that were lost as question marks. `Really???` and `Nak diskaun ???` are none: they stand where a name belongs, before
/// a word, or in several words.
const LOST: &[&str] = &[
    r"^\?{2,}",
    r"(?:^|[\s(,:])(?:\?{2,} \?+|\? \?{2,})",
    r"(?:^|[\s(])\?{2,} ?,",
    r"(?:^|[\s(])\?{2,}[0-9A-Za-z]",
    r"[\[【<«]\?{2,}[\]】>»]",
];

/// Finds damage in texts.
#[derive(Clone, Debug)]
pub(super) struct Damage {
    damaged: Regex,
}

impl Damage {
    pub(super) fn new() -> Result<Self, Error> {
        let codes = CODES.join("|").replace("LATER", LATER_BYTE);
        let lost = LOST.join("|");
        let name = any_of(LEADS);
        Ok(Self {
            damaged: Regex::new(&format!(r"{codes}|{lost}|{name}[ ,]{{1,2}}\?{{2,}}"))?,
        })
    }

    /// The first damage in the text.
    pub(super) fn find(&self, text: &str) -> Option<Range<usize>> {
        self.damaged.find(text).map(|damage| damage.range())
    }
}

/// Whether of this cell only question marks are left.
pub(super) fn is_lost(cell: &str) -> bool {
    cell.bytes().all(|byte| matches!(byte, b'?' | b' ')) && cell.contains("??")
}
