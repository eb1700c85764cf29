//! How the command line spells the option or command that helps against an error.

use super::named;
use crate::Error;
use crate::error::Remedy;

/// The error in a sentence for people, with the option or command that its hint asks for.
pub(super) fn sentence(error: &Error) -> String {
    let remedy = error.remedy.map_or("", completion);
    match &error.ledger {
        Some(ledger) => {
            let quoted = named::in_command(&named::called(ledger));
            format!("{error}{}", remedy.replace(LEDGER, &quoted))
        }
        None => format!("{error}{remedy}"),
    }
}

/// Stands in a command for a ledger that an error may know.
const LEDGER: &str = "LEDGER";

/// The sentence for a log: without the parts that belong to customers.
pub(super) fn for_log(sentence: &str, private: &[String]) -> String {
    let mut parts: Vec<&String> = private.iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return sentence.to_owned();
    }
    // One part may be in another.
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    let hidden = |sentence: String, part: &String| sentence.replace(part.as_str(), "…");
    let sentence = parts.into_iter().fold(sentence.to_owned(), hidden);
    format!("{sentence} (-v shows what … stands for)")
}

/// What completes a hint.
fn completion(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::Delimiter => " with --delimiter",
        Remedy::Encoding => " with --encoding",
        Remedy::Sheet => " with --sheet",
        Remedy::PhoneColumn => " with --phone-column",
        Remedy::MessageColumn => " with --message-column",
        Remedy::Message => {
            " with --message or --message-file, or name its column with --message-column"
        }
        Remedy::HiddenRows => {
            ": --hidden skip sends nothing to them, --hidden send treats them like any other row"
        }
        Remedy::DateOrder => " with --date-order dmy (day first) or mdy (month first)",
        Remedy::LedgerPath => " with --ledger",
        Remedy::ResultsPath => " with --results",
        Remedy::OutboxPath => " with --outbox",
        Remedy::ListenAddress => " with --listen",
        Remedy::Gateway => " with --gateway or ISMS_GATEWAY",
        Remedy::Account => " with ISMS_USERNAME and ISMS_PASSWORD",
        Remedy::StoreGuide => ": isms-campaign guide many-hosts",
        Remedy::ShowStatus => ": isms-campaign status LEDGER",
        Remedy::Verify => ": isms-campaign verify LEDGER",
        Remedy::ListNotSent => ": isms-campaign results LEDGER --status refused,invalid",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn a_log_does_not_hold_what_belongs_to_customers() {
        let error = Error::new(Kind::Input, "row 2 holds \"11/05/2026\", row 3 \"11/05\"")
            .quoting("11/05")
            .quoting("11/05/2026");
        assert_eq!(
            for_log(&sentence(&error), &error.private),
            "row 2 holds \"…\", row 3 \"…\" (-v shows what … stands for)"
        );
        assert_eq!(for_log("nothing", &[]), "nothing");
        assert_eq!(for_log("nothing", &[String::new()]), "nothing");
    }

    #[test]
    fn the_option_completes_the_hint() {
        let error = Error::new(Kind::Input, "cannot be split into columns")
            .hint("name the delimiter")
            .remedy(Remedy::Delimiter);
        assert_eq!(
            sentence(&error),
            "cannot be split into columns; name the delimiter with --delimiter"
        );
    }
}
