//! The account's name and password, and how the password is kept out of everything that is shown or stored.

use std::fmt;

/// The name and password of an iSMS account.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The account's user name.
    pub username: String,
    /// Its password, or an API key of the portal.
    pub password: Password,
}

/// A password. `Debug` hides it.
#[derive(Clone)]
pub struct Password {
    plain: String,
    characters: Vec<EscapedChar>,
}

impl Password {
    /// A password.
    #[must_use]
    pub fn new(password: impl Into<String>) -> Self {
        let plain = password.into();
        Self {
            characters: plain.chars().map(EscapedChar::new).collect(),
            plain,
        }
    }

    /// The plain password, for the request alone.
    pub(super) fn reveal(&self) -> &str {
        &self.plain
    }

    /// The first `limit` characters of the text, with every occurrence of the password replaced by `***`. Any of its
    /// characters may be escaped for a form, a URL, JSON or HTML.
    pub(super) fn hidden_in(&self, text: &str, limit: usize) -> String {
        let mut shown = String::new();
        let mut characters = 0;
        let mut rest = text;
        // The cut comes after the replacement: a cut through the password would show its first half.
        while let Some(first) = rest.chars().next() {
            if characters >= limit {
                break;
            }
            if let Some(length) = match_length(rest, &self.characters) {
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

/// A character with all its escape sequences.
#[derive(Clone)]
struct EscapedChar {
    plain: char,
    /// Compared without regard to case.
    escapes: Vec<String>,
}

impl EscapedChar {
    fn new(character: char) -> Self {
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
        escapes.extend(named_escapes(character).iter().map(|&name| name.to_owned()));
        Self {
            plain: character,
            escapes,
        }
    }

    /// The lengths in bytes of all forms of the character that the text begins with.
    fn match_lengths(&self, text: &str) -> impl Iterator<Item = usize> {
        let plain = text.starts_with(self.plain).then(|| self.plain.len_utf8());
        let escaped = self.escapes.iter().filter(|escape| {
            text.get(..escape.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(escape))
        });
        plain.into_iter().chain(escaped.map(String::len))
    }
}

fn named_escapes(character: char) -> &'static [&'static str] {
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

/// The length in bytes of the longest form of the password that the text begins with; none for an empty password.
fn match_length(text: &str, password: &[EscapedChar]) -> Option<usize> {
    if password.is_empty() {
        return None;
    }
    // All forms are tried: in `%2541` the password `%41` is found only if its first character is read as `%25`.
    let mut ends = vec![0];
    for character in password {
        ends = ends
            .iter()
            .flat_map(|&end| {
                let lengths = character.match_lengths(&text[end..]);
                lengths.map(move |length| end + length)
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
    fn the_cut_never_shows_half_of_the_password() {
        let password = Password::new("secret");
        let text = format!("{}secret and more", "x".repeat(8));
        assert_eq!(password.hidden_in(&text, 10), "xxxxxxxx**");
        assert_eq!(
            Password::new("").hidden_in(&"\u{e9}".repeat(600), 500),
            "\u{e9}".repeat(500)
        );
    }

    #[test]
    fn debug_hides_it() {
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
        fn the_password_is_gone(password in "[^*]{1,8}", before in ".{0,8}", after in ".{0,8}") {
            let text = format!("{before}{password}{after}");
            prop_assert!(!hidden(&password, &text).contains(&password));
        }

        #[test]
        fn a_text_without_it_is_unchanged(text in "[a-z0-9 =:]{0,80}") {
            prop_assert_eq!(hidden("PASSWORD", &text), text);
        }
    }
}
