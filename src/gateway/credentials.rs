//! The account's name and password, and how the password is kept out of everything that is shown or stored.

use std::fmt;

use regex::Regex;

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
    /// All its forms. `None`: it is empty or too long for a pattern.
    forms: Option<Regex>,
}

impl Password {
    /// A password.
    #[must_use]
    pub fn new(password: impl Into<String>) -> Self {
        let plain = password.into();
        let pattern: Vec<_> = plain.chars().map(forms).collect();
        let forms = (!plain.is_empty()).then(|| Regex::new(&pattern.concat()));
        Self {
            plain,
            forms: forms.and_then(Result::ok),
        }
    }

    /// The plain password, for the request alone.
    pub(super) fn reveal(&self) -> &str {
        &self.plain
    }

    /// The first `limit` characters of the text, with every occurrence of the password replaced by `***`. Any of its
    /// characters may be escaped for a form, a URL, JSON or HTML.
    pub(super) fn hidden_in(&self, text: &str, limit: usize) -> String {
        let shown = match &self.forms {
            Some(forms) => forms.replace_all(text, "***"),
            None if self.plain.is_empty() => text.into(),
            None => "***".into(),
        };
        // The cut comes after the replacement: a cut through the password would show its first half.
        shown.chars().take(limit).collect()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

/// A pattern for a character and all its escape sequences. These come first: a plain `%` would end the search in `%25`.
fn forms(character: char) -> String {
    let (mut utf8, mut utf16) = ([0; 4], [0; 2]);
    let utf8 = character.encode_utf8(&mut utf8).bytes();
    let percent: Vec<_> = utf8.map(|byte| format!("%{byte:02x}")).collect();
    let utf16 = character.encode_utf16(&mut utf16).iter();
    let json: Vec<_> = utf16.map(|unit| format!(r"\\u{unit:04x}")).collect();
    let named = match character {
        ' ' => r"|\+",
        '&' => "|&amp;",
        '<' => "|&lt;",
        '>' => "|&gt;",
        '"' => r#"|&quot;|\\""#,
        '\'' => r"|&apos;|\\'",
        '\\' => r"|\\\\",
        '/' => r"|\\/",
        _ => "",
    };
    let (percent, json, number) = (percent.concat(), json.concat(), u32::from(character));
    let plain = regex::escape(&character.to_string());
    format!("(?:(?i:{percent}|{json}|&#0?{number};|&#x{number:x};{named})|{plain})")
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
