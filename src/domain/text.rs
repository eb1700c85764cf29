//! A message in its final form: the characters that are sent, their encoding and their cost.

use std::borrow::Cow;

use thiserror::Error;

use super::encoding::Encoding;
use super::options::{Punctuation, TextType};
use super::punctuation::{self, is_line_end};

/// The most units the gateway takes in one text (code -1006 beyond).
pub const MAX_UNITS: u32 = 700;

impl Punctuation {
    /// Whether a text with this character cannot be ASCII.
    #[must_use]
    pub fn forces_unicode(self, c: char) -> bool {
        match self {
            Self::Plain => !has_ascii_form(c),
            Self::Keep => !is_ascii_char(c),
        }
    }
}

/// A text as it is sent: not empty, at most [`MAX_UNITS`] units, in an encoding that holds all of its characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The characters to send.
    pub body: String,
    /// The encoding to send them in.
    pub encoding: Encoding,
    /// Its length as the gateway counts it.
    pub units: u32,
    /// How many typographic characters were replaced by ASCII ones.
    pub replaced: u32,
}

impl Text {
    /// The text to send for a rendered template: with LF as line ends, spaces for tabs, without other control characters or white space at its ends, and
    /// with the punctuation and encoding that were chosen.
    pub fn compose<'a>(
        rendered: impl Into<Cow<'a, str>>,
        choice: TextType,
        punctuation: Punctuation,
    ) -> Result<Self, TextError> {
        let (body, replaced) = cleaned(rendered.into(), choice, punctuation);
        if body
            .chars()
            .all(|c| c.is_whitespace() || punctuation::is_invisible(c))
        {
            return Err(TextError::Empty);
        }
        let is_ascii = is_ascii_text(&body);
        if !is_ascii && let Some(error) = body.chars().find_map(without_form) {
            return Err(error);
        }

        let encoding = match choice {
            TextType::Unicode => Encoding::Unicode,
            _ if is_ascii => Encoding::Ascii,
            TextType::Auto => Encoding::Unicode,
            TextType::Ascii => {
                // Where punctuation is made plain, the first that prevents it is not a curly quote.
                let character = body.chars().find(|c| punctuation.forces_unicode(*c));
                return Err(TextError::NeedsUnicode {
                    character: character.unwrap_or(char::REPLACEMENT_CHARACTER),
                });
            }
        };
        let units = encoding.units(&body);
        if units > MAX_UNITS {
            return Err(TextError::TooLong { units });
        }
        Ok(Self {
            body,
            encoding,
            units,
            replaced,
        })
    }

    /// What it costs for each recipient: at least 1 credit.
    #[must_use]
    pub fn credits(&self) -> u32 {
        self.encoding.credits(self.units)
    }
}

/// Why a rendered template cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// It holds nothing that a reader could see.
    #[error("the text is empty")]
    Empty,
    /// It holds U+FFFD, which programs write in place of a character that they could not read.
    #[error(
        "a character of the text was lost before (U+FFFD); correct the cell, or export it again"
    )]
    LostCharacter,
    /// It holds a character that only some fonts or programs have a form for: a bullet or smiley of Word (Wingdings), a picture that
    /// stood in the text.
    #[error(
        "the text has U+{:04X}, which phones show as an empty box: a bullet, smiley or arrow of a special font, or a picture; replace it",
        u32::from(*.character)
    )]
    NoForm {
        /// The first such character.
        character: char,
    },
    /// It has more units than the gateway takes.
    #[error("the text counts {units} characters, {} too many: {MAX_UNITS} is the most", units.saturating_sub(MAX_UNITS))]
    TooLong {
        /// Its length as the gateway counts it.
        units: u32,
    },
    /// It was to be sent as ASCII and has other characters.
    #[error("the text has {} (U+{:04X}), which cannot be sent as ASCII", named(*.character), *.character as u32)]
    NeedsUnicode {
        /// The first such character.
        character: char,
    },
}

/// Why this character cannot be sent, if it has no form of its own on a phone: U+FFFD, private use, pictures and noncharacters.
fn without_form(character: char) -> Option<TextError> {
    match character {
        char::REPLACEMENT_CHARACTER => Some(TextError::LostCharacter),
        '\u{E000}'..='\u{F8FF}'
        | '\u{FDD0}'..='\u{FDEF}'
        | '\u{FFF9}'..='\u{FFFC}'
        | '\u{F0000}'..='\u{10FFFF}' => Some(TextError::NoForm { character }),
        _ if u32::from(character) & 0xFFFE == 0xFFFE => Some(TextError::NoForm { character }),
        _ => None,
    }
}

/// A character in quotes, or what it is where it cannot be seen.
fn named(c: char) -> String {
    if c.is_whitespace() || punctuation::is_invisible(c) {
        "an invisible character".to_owned()
    } else {
        format!("\"{c}\"")
    }
}

/// The characters to send, and how many of them were replaced by ASCII ones.
fn cleaned(rendered: Cow<'_, str>, choice: TextType, punctuation: Punctuation) -> (String, u32) {
    // Nearly every text needs no change.
    if is_ascii_text(&rendered) && rendered.trim().len() == rendered.len() {
        return (rendered.into_owned(), 0);
    }
    let lines = with_plain_lines(&rendered);
    let body = lines.trim();
    let plain_wanted = punctuation == Punctuation::Plain && choice != TextType::Unicode;
    if plain_wanted && !is_ascii_text(body) && body.chars().all(has_ascii_form) {
        let (plain, replaced) = with_plain_punctuation(body);
        // White space that stood inside an invisible character is at an end now.
        (plain.trim().to_owned(), replaced)
    } else {
        (body.to_owned(), 0)
    }
}

/// The text with LF in place of all other line ends, a space in place of a tab, and what was meant by control characters that
/// Windows-1252 has for signs. All other control characters go.
fn with_plain_lines(rendered: &str) -> String {
    let mut lines = String::with_capacity(rendered.len());
    let mut chars = rendered.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                chars.next_if_eq(&'\n');
                lines.push('\n');
            }
            _ if is_line_end(c) => lines.push('\n'),
            '\t' => lines.push(' '),
            _ if c.is_control() => lines.extend(punctuation::of_control(c)),
            _ => lines.push(c),
        }
    }
    lines
}

/// Whether all of it can be sent as ASCII. Nearly every text can. Without a branch for each byte the compiler checks many bytes at a
/// time.
fn is_ascii_text(text: &str) -> bool {
    text.bytes()
        .fold(true, |all, byte| all & is_ascii_char(byte.into()))
}

fn is_ascii_char(c: char) -> bool {
    c == '\n' || (' '..='~').contains(&c)
}

fn has_ascii_form(c: char) -> bool {
    is_ascii_char(c) || punctuation::plain(c).is_some()
}

fn with_plain_punctuation(text: &str) -> (String, u32) {
    let mut plain = String::with_capacity(text.len());
    let mut replaced = 0;
    for c in text.chars() {
        match punctuation::plain(c) {
            Some(ascii) => {
                plain.push_str(ascii);
                replaced += 1;
            }
            None => plain.push(c),
        }
    }
    (plain, replaced)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn auto(rendered: &str) -> Text {
        Text::compose(rendered, TextType::Auto, Punctuation::Plain).expect(rendered)
    }

    fn keep(rendered: &str) -> Text {
        Text::compose(rendered, TextType::Auto, Punctuation::Keep).expect(rendered)
    }

    #[test]
    fn line_ends_and_controls() {
        for (rendered, body) in [
            ("a\r\nb", "a\nb"),
            ("a\rb", "a\nb"),
            ("a\nb", "a\nb"),
            ("a\n\rb", "a\n\nb"),
            ("a\r\r\nb", "a\n\nb"),
            ("a\u{2028}b\u{2029}c", "a\nb\nc"),
            ("a\u{B}b\u{C}c\u{85}d", "a\nb\nc\nd"),
            ("a\tb\t\tc\t", "a b  c"),
            ("a\u{0}c\u{7}d\u{7F}e\u{1B}j\u{1F}k", "acdejk"),
            (
                "Sale\u{B}starts\ttoday, it\u{92}s on\u{85}Bye",
                "Sale\nstarts today, it’s on\nBye",
            ),
            (
                "\u{80}5 \u{82}\u{83}\u{84}\u{86}\u{87}\u{88}\u{89}\u{8A}\u{8B}\u{8C}\u{8E}",
                "€5 ‚ƒ„†‡ˆ‰Š‹ŒŽ",
            ),
            (
                "\u{91}a\u{92} \u{93}b\u{94} \u{95} c\u{96}d\u{97} \u{98}\u{99}\u{9A}\u{9B}\u{9C}\u{9E}\u{9F}",
                "‘a’ “b” • c–d— ˜™š›œžŸ",
            ),
            ("a\u{81}\u{8D}\u{8F}\u{90}\u{9D}b", "ab"),
            ("\u{93}a\u{94}", "“a”"),
            ("\u{85}\u{B}a\u{C}\u{85}", "a"),
            ("a\r\u{0}\nb", "a\n\nb"),
            ("\r\n  a  \r\n\u{1}  ", "a"),
            ("\u{3000}\u{A0}你\u{2003}\n", "你"),
            ("a  b", "a  b"),
        ] {
            assert_eq!(keep(rendered).body, body, "{rendered:?}");
        }
    }

    #[test]
    fn encodings_units_and_credits() {
        use Encoding::{Ascii, Unicode};
        let of = |c: &str, n: usize| c.repeat(n);
        for (rendered, encoding, units, credits) in [
            ("a".to_owned(), Ascii, 1, 1),
            ("a\nb".to_owned(), Ascii, 3, 1),
            (
                " !\"#$%&'()*+,-./0123456789:;<=>?@AZ_`az".to_owned(),
                Ascii,
                38,
                1,
            ),
            ("^{}\\[]~|".to_owned(), Ascii, 16, 1),
            (of("a", 153), Ascii, 153, 1),
            (of("a", 154), Ascii, 154, 2),
            (of("a", 306), Ascii, 306, 2),
            (of("a", 307), Ascii, 307, 3),
            (of("a", 152) + "[", Ascii, 154, 2),
            (of("a", 700), Ascii, 700, 5),
            (of("[", 350), Ascii, 700, 5),
            ("é".to_owned(), Unicode, 1, 1),
            ("[é]".to_owned(), Unicode, 3, 1),
            (of("你", 63), Unicode, 63, 1),
            (of("你", 64), Unicode, 64, 2),
            ("👍".to_owned(), Unicode, 2, 1),
            (of("a", 61) + "👍", Unicode, 63, 1),
            (of("a", 62) + "👍", Unicode, 64, 2),
            (of("你", 700), Unicode, 700, 12),
            (of("👍", 350), Unicode, 700, 12),
        ] {
            let text = auto(&rendered);
            assert_eq!(
                (text.encoding, text.units, text.credits()),
                (encoding, units, credits),
                "{rendered:?}"
            );
        }
    }

    #[test]
    fn every_character_has_the_right_type_and_units() {
        let sendable = |c: &char| without_form(*c).is_none();
        for c in (0..=0x2FFFF).filter_map(char::from_u32).filter(sendable) {
            let body = format!("a{c}b");
            let Ok(text) = Text::compose(&body, TextType::Auto, Punctuation::Keep) else {
                panic!("{c:?}")
            };
            let ascii = text
                .body
                .chars()
                .all(|c| matches!(c, '\n' | '\u{20}'..='\u{7E}'));
            assert_eq!(text.encoding.wire(), if ascii { 1 } else { 2 }, "{c:?}");
            let doubled = ascii
                && text
                    .body
                    .contains(['^', '{', '}', '\\', '[', ']', '~', '|']);
            assert_eq!(
                text.units as usize,
                text.body.encode_utf16().count() + usize::from(doubled),
                "{c:?}"
            );
        }
    }

    #[test]
    fn plain_punctuation() {
        for (rendered, body, replaced) in [
            ("‘a’ ‚b‛ ‹c›", "'a' 'b' 'c'", 6),
            ("“a” „b‟ «c»", "\"a\" \"b\" \"c\"", 6),
            ("5′ 6″ d´ eʼ", "5' 6\" d' e'", 4),
            ("a‐b‑c‒d–e—f―g−h", "a-b-c-d-e-f-g-h", 7),
            ("wait…", "wait...", 1),
            ("it\u{92}s \u{93}on\u{94}\u{96}", "it's \"on\"-", 4),
            ("RM\u{A0}5\u{202F}a\u{2009}b\u{3000}c", "RM 5 a b c", 4),
            (
                "a\u{200B}b\u{200C}c\u{200D}d\u{2060}e\u{FEFF}f\u{AD}g",
                "abcdefg",
                6,
            ),
            (
                "\u{202A}a\u{202C}\u{200E}\u{200F}\u{2066}\u{2069}b",
                "ab",
                6,
            ),
            ("\u{FEFF}a", "a", 1),
            // The white space inside the invisible characters is trimmed, too.
            ("\u{200B} a \u{200B}", "a", 2),
            ("plain", "plain", 0),
        ] {
            let text = auto(rendered);
            assert_eq!(
                (text.body.as_str(), text.replaced),
                (body, replaced),
                "{rendered:?}"
            );
            assert_eq!(text.encoding, Encoding::Ascii, "{rendered:?}");
        }
    }

    #[test]
    fn punctuation_stays_where_unicode_is_needed_anyway() {
        for rendered in [
            "“你”",
            "naïve…",
            "a—b 👍",
            "it’s €5",
            "\u{202E}abc\u{202C}",
            "•\u{A0}one",
        ] {
            let text = auto(rendered);
            assert_eq!((text.body.as_str(), text.replaced), (rendered, 0));
            assert_eq!(text.encoding, Encoding::Unicode);
        }
    }

    #[test]
    fn punctuation_is_kept_on_request_and_in_forced_unicode() {
        assert_eq!(keep("it’s").body, "it’s");
        assert_eq!(keep("it’s").encoding, Encoding::Unicode);
        let text = Text::compose("it’s", TextType::Unicode, Punctuation::Plain).unwrap();
        assert_eq!((text.body.as_str(), text.replaced), ("it’s", 0));
    }

    #[test]
    fn forced_types() {
        let text = Text::compose("a".repeat(64), TextType::Unicode, Punctuation::Plain).unwrap();
        assert_eq!((text.encoding, text.credits()), (Encoding::Unicode, 2));
        let text = Text::compose("[x]", TextType::Unicode, Punctuation::Keep).unwrap();
        assert_eq!(text.units, 3);
        let text = Text::compose("it’s", TextType::Ascii, Punctuation::Plain).unwrap();
        assert_eq!(text.body, "it's");
    }

    #[test]
    fn errors_read_well() {
        use Punctuation::{Keep, Plain};
        use TextType::{Ascii, Auto, Unicode};
        let long = |c: &str, n: usize| c.repeat(n);
        for (rendered, choice, punctuation, sentence) in [
            (String::new(), Auto, Plain, "the text is empty"),
            (" \r\n\t\u{A0}".to_owned(), Auto, Keep, "the text is empty"),
            (
                "\u{200B}\u{FEFF}".to_owned(),
                Auto,
                Keep,
                "the text is empty",
            ),
            (
                "\u{200B} \u{200B}".to_owned(),
                Unicode,
                Plain,
                "the text is empty",
            ),
            (
                "Hi Jos\u{fffd}".to_owned(),
                Auto,
                Plain,
                "a character of the text was lost before (U+FFFD); correct the cell, or export it again",
            ),
            (
                long("a", 712),
                Auto,
                Plain,
                "the text counts 712 characters, 12 too many: 700 is the most",
            ),
            (
                long("|", 351),
                Auto,
                Plain,
                "the text counts 702 characters, 2 too many: 700 is the most",
            ),
            (
                long("👍", 351),
                Auto,
                Plain,
                "the text counts 702 characters, 2 too many: 700 is the most",
            ),
            (
                "“你好”".to_owned(),
                Ascii,
                Plain,
                "the text has \"你\" (U+4F60), which cannot be sent as ASCII",
            ),
            (
                "“你好”".to_owned(),
                Ascii,
                Keep,
                "the text has \"“\" (U+201C), which cannot be sent as ASCII",
            ),
            (
                "a\u{A0}b".to_owned(),
                Ascii,
                Keep,
                "the text has an invisible character (U+00A0), which cannot be sent as ASCII",
            ),
            (
                "ok 👍".to_owned(),
                Ascii,
                Plain,
                "the text has \"👍\" (U+1F44D), which cannot be sent as ASCII",
            ),
        ] {
            let error = Text::compose(&rendered, choice, punctuation).unwrap_err();
            assert_eq!(error.to_string(), sentence);
        }
    }

    fn choices() -> impl Strategy<Value = (TextType, Punctuation)> {
        (
            prop_oneof![
                Just(TextType::Auto),
                Just(TextType::Ascii),
                Just(TextType::Unicode)
            ],
            prop_oneof![Just(Punctuation::Plain), Just(Punctuation::Keep)],
        )
    }

    /// Texts with many of the characters that have a rule.
    fn rendered() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[a-c \\[\r\n\t\u{0}\u{85}\u{A0}\u{200B}\u{2026}’“—\u{2028}你👍]{0,80}",
            "[a-c \r\n\t\u{A0}\u{200B}\u{2026}’“—]{0,300}",
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_composed_text_is_valid_and_composes_to_itself(rendered in rendered(), (choice, punctuation) in choices()) {
            let Ok(text) = Text::compose(&rendered, choice, punctuation) else { return Ok(()) };
            prop_assert!(!text.body.is_empty());
            prop_assert_eq!(text.body.trim(), &text.body);
            prop_assert!(text.body.chars().all(|c| c == '\n' || !c.is_control()));
            prop_assert!((1..=MAX_UNITS).contains(&text.units));
            prop_assert_eq!(text.credits(), text.units.div_ceil(text.encoding.units_per_credit()));
            let again = Text::compose(text.body.as_str(), choice, punctuation).unwrap();
            prop_assert_eq!(again.body, text.body);
            prop_assert_eq!(again.encoding, text.encoding);
            prop_assert_eq!(again.units, text.units);
            prop_assert_eq!(again.replaced, 0);
        }

        #[test]
        fn a_longer_text_never_costs_less(head in rendered(), tail in rendered()) {
            let whole = format!("{head}{tail}");
            for choice in [TextType::Auto, TextType::Unicode] {
                let short = Text::compose(&head, choice, Punctuation::Keep);
                let long = Text::compose(&whole, choice, Punctuation::Keep);
                if let (Ok(short), Ok(long)) = (short, long)
                    && (choice == TextType::Unicode || short.encoding == long.encoding)
                {
                    prop_assert!(short.credits() <= long.credits());
                }
            }
        }
    }
}
