//! The account's name and password, and how the password is kept out of everything that is shown or stored. It does
//! not know where they came from nor how they are sent.

use std::fmt;

/// The name and password of an iSMS account.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The account's user name.
    pub username: String,
    /// Its password, or an API key of the portal.
    pub password: Password,
}

/// A password that never shows itself.
#[derive(Clone)]
pub struct Password {
    itself: String,
    /// The ways of writing each of its characters.
    spellings: Vec<Spellings>,
}

impl Password {
    /// The password made of these characters.
    #[must_use]
    pub fn new(password: impl Into<String>) -> Self {
        let itself = password.into();
        Self {
            spellings: itself.chars().map(Spellings::of).collect(),
            itself,
        }
    }

    /// The password itself, for the request alone.
    pub(super) fn reveal(&self) -> &str {
        &self.itself
    }

    /// The first `limit` characters of the text with every occurrence of the password replaced by `***`: as it is,
    /// and with any of its characters escaped for a form, a URL, JSON or HTML.
    pub(super) fn hidden_in(&self, text: &str, limit: usize) -> String {
        let mut shown = String::new();
        let mut characters = 0;
        let mut rest = text;
        // Cut only what was hidden already: a cut through the password would show its first half.
        while let Some(first) = rest.chars().next() {
            if characters >= limit {
                break;
            }
            if let Some(length) = length_of_match(rest, &self.spellings) {
                shown.push_str("***");
                characters += 3;
                rest = &rest[length..];
            } else {
                shown.push(first);
                characters += 1;
                rest = &rest[first.len_utf8()..];
            }
        }
        shown.chars().take(limit).collect()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

/// The ways of writing one character.
#[derive(Clone)]
struct Spellings {
    itself: char,
    /// Upper and lower case are the same in these.
    escapes: Vec<String>,
}

impl Spellings {
    fn of(character: char) -> Self {
        let mut utf8 = [0; 4];
        let percent: Vec<_> = character
            .encode_utf8(&mut utf8)
            .bytes()
            .map(|b| format!("%{b:02x}"))
            .collect();
        let mut utf16 = [0; 2];
        let json: Vec<_> = character
            .encode_utf16(&mut utf16)
            .iter()
            .map(|u| format!("\\u{u:04x}"))
            .collect();
        let number = u32::from(character);
        let mut escapes = vec![
            percent.concat(),
            json.concat(),
            format!("&#{number};"),
            format!("&#0{number};"),
            format!("&#x{number:x};"),
        ];
        escapes.extend(named(character).iter().map(|&name| name.to_owned()));
        Self {
            itself: character,
            escapes,
        }
    }

    /// The lengths in bytes of all spellings that the text begins with.
    fn lengths_at(&self, text: &str) -> impl Iterator<Item = usize> {
        let itself = text
            .starts_with(self.itself)
            .then(|| self.itself.len_utf8());
        let escaped = self.escapes.iter().map(String::len).zip(&self.escapes);
        itself.into_iter().chain(
            escaped
                .filter(|(length, escape)| {
                    text.get(..*length)
                        .is_some_and(|start| start.eq_ignore_ascii_case(escape))
                })
                .map(|(length, _)| length),
        )
    }
}

fn named(character: char) -> &'static [&'static str] {
    match character {
        ' ' => &["+"],
        '&' => &["&amp;"],
        '<' => &["&lt;"],
        '>' => &["&gt;"],
        '"' => &["&quot;", "\\\""],
        '\'' => &["&apos;", "\\'"],
        '\\' => &["\\\\"],
        '/' => &["\\/"],
        _ => &[],
    }
}

/// The longest start of the text that spells the password, in bytes; none for an empty password.
fn length_of_match(text: &str, password: &[Spellings]) -> Option<usize> {
    if password.is_empty() {
        return None;
    }
    // All ways at once: in `%2541` the password `%41` shows only if its first character is read as `%25`.
    let mut ends = vec![0];
    for spellings in password {
        ends = ends
            .iter()
            .flat_map(|&end| {
                spellings
                    .lengths_at(&text[end..])
                    .map(move |length| end + length)
            })
            .collect();
        ends.sort_unstable();
        ends.dedup();
    }
    ends.last().copied()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hidden(password: &str, text: &str) -> String {
        Password::new(password).hidden_in(text, 500)
    }

    #[test]
    fn hides_the_password_however_it_is_escaped() {
        let table = [
            ("s3cret", "pwd=s3cret&x", "pwd=***&x"),
            ("s3cret", "s3crets3cret", "******"),
            ("s3cret", "s3cre", "s3cre"),
            ("s3cret", "S3CRET", "S3CRET"),
            ("p w", "[p+w] [p%20w] [p w]", "[***] [***] [***]"),
            ("a/b;c", "a%2Fb%3Bc a%2fb%3bc a/b%3Bc", "*** *** ***"),
            ("%41", "%2541 %41", "*** ***"),
            (
                "\u{e9}t\u{e9}",
                "%C3%A9t%c3%a9 \\u00e9t\\u00E9 &#233;t&#xE9;",
                "*** *** ***",
            ),
            (
                "a&<\"'",
                "a&amp;&lt;&quot;&#39; a&&lt;\\\"&#039;",
                "*** ***",
            ),
            ("it's", "it's it\\'s it&apos;s", "*** *** ***"),
            ("\u{1f600}", "\\uD83D\\uDE00", "***"),
            ("0", "2000", "2*********"),
            ("*", "a*b", "a***b"),
            ("", "2000 = SUCCESS:1", "2000 = SUCCESS:1"),
        ];
        for (password, text, shown) in table {
            assert_eq!(hidden(password, text), shown, "{password:?} in {text:?}");
        }
    }

    #[test]
    fn the_cut_never_shows_half_a_password() {
        let password = Password::new("secret");
        let text = format!("{}secret and more", "x".repeat(8));
        assert_eq!(password.hidden_in(&text, 10), "xxxxxxxx**");
        assert_eq!(
            Password::new("").hidden_in(&"\u{e9}".repeat(600), 500),
            "\u{e9}".repeat(500)
        );
    }

    #[test]
    fn debug_keeps_it() {
        let credentials = Credentials {
            username: "ali".into(),
            password: Password::new("hunter2"),
        };
        let shown = format!("{credentials:?} {credentials:#?}");
        assert!(shown.contains("ali") && shown.contains("***"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_of_the_password_is_left(password in "[^*]{1,8}", before in ".{0,8}", after in ".{0,8}") {
            let text = format!("{before}{password}{after}");
            prop_assert!(!hidden(&password, &text).contains(&password));
        }

        #[test]
        fn a_text_without_it_stays(text in "[a-z0-9 =:]{0,80}") {
            prop_assert_eq!(hidden("PASSWORD", &text), text);
        }
    }
}
