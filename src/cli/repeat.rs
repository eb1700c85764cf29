//! Refuses a campaign that another one in the same folder or store has sent, or is sending: a spreadsheet that was downloaded twice, or saved
//! under another name.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use super::campaign_file::CampaignFile;
use super::files::shell_quoted;
use super::terminal::tell;
use super::values::Repeat;
use super::view::{counted, grouped};
use super::{clock, named, next, others, remedy};
use crate::domain::options::MessageSource;
use crate::domain::{Msisdn, Status, Timestamp};
use crate::ledger::{Campaign, Location, Snapshot};
use crate::{Error, Kind, Result};

/// Refuses a campaign with the same message as another one in its ledger's folder that made requests lately, if at least nine tenths
/// of its numbers have the same text there and were, may have been or will be sent to. `replaced` is a ledger in its own place that
/// it is to replace. `requests` were made from the campaign's own ledger. `to_send` hands on each number with its text. Returns why
/// some ledgers could not be compared.
pub(super) fn refuse(
    repeat: Repeat,
    (campaign, requests): (&Campaign, u64),
    place: &Location,
    replaced: Option<&Location>,
    to_send: impl Fn(&mut dyn FnMut(Msisdn, &str)) -> Result<()>,
) -> Result<Vec<Error>> {
    let mut unread = Vec::new();
    let Repeat::Within(time) = repeat else {
        return Ok(unread);
    };
    let now = clock::now();
    let mut texts = None;
    let spreadsheet = campaign.options.spreadsheet.as_deref();
    let others = others::ledgers(place, spreadsheet, &[], time)?;
    for ledger in others.iter().chain(replaced) {
        // The campaign alone is read first. That is fast, and almost always enough.
        let looked = ledger.glance(&|other| Other::look(other, (campaign, requests), time, &now));
        let other = match looked {
            Ok(Some(other)) => other,
            Ok(None) => continue,
            Err(error) => {
                unread.push(error);
                continue;
            }
        };
        let texts = match &texts {
            Some(texts) => texts,
            None => texts.insert(Texts::of(&to_send)?),
        };
        match ledger.glance(&|other| texts.numbers_in(other)) {
            Ok(same) if texts.are_mostly(same) => {
                let others_only = (same < texts.numbers).then(|| match replaced {
                    Some(own) if own == ledger => next::list_reached(ledger),
                    _ if ledger.is_shared() => next::list_all(ledger),
                    _ => format!("add --suppress {}", shell_quoted(ledger)),
                });
                let problem = format!(
                    "sends the same texts to {} of these {}",
                    grouped(same),
                    counted(texts.numbers as u64, "number")
                );
                return Err(other
                    .refusal(&problem, others_only, ledger, &now)
                    .at(&campaign.input));
            }
            Ok(_) => {}
            Err(error) => unread.push(error),
        }
    }
    Ok(unread)
}

/// Why the spreadsheet of a campaign file's next date will be refused, if it will: for a person who plans the first one.
pub(super) fn next_date(
    repeat: Repeat,
    campaign: &Campaign,
    file: Option<&CampaignFile>,
) -> Option<String> {
    let file = file.filter(|file| file.recurs())?;
    let is_repeated = matches!(repeat, Repeat::Within(time) if time > A_NIGHT);
    let report = &campaign.report;
    let is_one_text = report.texts == 1 && report.sendable > 1;
    (is_repeated && is_one_text).then(|| {
        format!(
            "The text is the same for everybody, so the spreadsheet of the next date is refused if nine tenths of its numbers are the \
             same. If they are to get it again, write in {}: repeat = \"20h\"",
            file.path.display()
        )
    })
}

/// What a job that runs every night waits at least.
const A_NIGHT: Duration = Duration::from_secs(20 * 3_600);

/// Tells of ledgers that could not be compared, in one line.
pub(super) fn warn(unread: &[Error]) {
    let Some(first) = unread.first() else { return };
    let more = match unread.len() {
        1 => String::new(),
        all => format!(" (and {} more)", all - 1),
    };
    let first = remedy::sentence(first);
    tell(&format!(
        "Warning: whether the same campaign was sent from another ledger is not certain: {first}{more}"
    ));
}

/// A campaign with the same message, from which requests were made lately.
struct Other {
    name: String,
    last: Timestamp,
}

impl Other {
    fn look(
        ledger: &dyn Snapshot,
        (campaign, requests): (&Campaign, u64),
        time: Duration,
        now: &Timestamp,
    ) -> Result<Option<Self>> {
        let own = Some((campaign.id.as_str(), requests));
        let Some((other, last)) = others::sent_within(time, now, own, ledger)? else {
            return Ok(None);
        };
        if !same_message(&other.options.message, &campaign.options.message) {
            return Ok(None);
        }
        Ok(Some(Self {
            name: other.name,
            last,
        }))
    }

    /// `others_only`: how the campaign is sent to those whom this one does not reach.
    fn refusal(
        &self,
        what: &str,
        others_only: Option<String>,
        ledger: &Location,
        now: &Timestamp,
    ) -> Error {
        let Self { name, last } = self;
        let problem = format!(
            "the campaign {name} {} {what}; its last request was on {}",
            named::whereabouts(ledger),
            clock::local(last)
        );
        let others_only = match others_only {
            Some(how) => format!("; to send to the others only, {how}"),
            None => String::new(),
        };
        let shorter = match shorter_than(last.age(now)) {
            Some(time) => format!(" (--repeat {time})"),
            None => String::new(),
        };
        Error::new(Kind::Repeat, problem).hint(format!(
            "see what it did with isms-campaign status {}{others_only}; if all are to get it again, add --repeat allow; a job that is meant to recur takes a time shorter than its interval{shorter}",
            named::in_command(ledger)
        ))
    }
}

/// A time in whole hours or days that is shorter than this one.
fn shorter_than(age: Duration) -> Option<String> {
    let hours = age.as_secs() / 3_600;
    match hours {
        0 => None,
        1..48 => Some(format!("{hours}h")),
        _ => Some(format!("{}d", hours / 24)),
    }
}

/// Whether two messages are the same. Of columns the texts decide, whatever their names.
fn same_message(one: &MessageSource, other: &MessageSource) -> bool {
    match (one, other) {
        (MessageSource::Template(one), MessageSource::Template(other)) => {
            one.trim().lines().eq(other.trim().lines())
        }
        (MessageSource::Column(_), MessageSource::Column(_)) => true,
        _ => false,
    }
}

/// The texts that are to be sent.
struct Texts {
    texts: HashSet<(Msisdn, u64)>,
    /// How many numbers they have.
    numbers: usize,
}

impl Texts {
    fn of(to_send: &impl Fn(&mut dyn FnMut(Msisdn, &str)) -> Result<()>) -> Result<Self> {
        let mut texts = HashSet::new();
        let mut numbers = HashSet::new();
        to_send(&mut |number, text| {
            texts.insert((number, hash(text)));
            numbers.insert(number);
        })?;
        Ok(Self {
            texts,
            numbers: numbers.len(),
        })
    }

    /// How many of the numbers have one of their texts in another ledger, too, and were, may have been or will be sent to there.
    fn numbers_in(&self, other: &dyn Snapshot) -> Result<usize> {
        let mut same = HashSet::new();
        other.texts(&mut |status, number, text| {
            let counts = matches!(status, Status::Accepted | Status::Unknown | Status::Pending);
            if counts && self.texts.contains(&(number, hash(text))) {
                same.insert(number);
            }
        })?;
        Ok(same.len())
    }

    /// Whether these are at least nine tenths of the numbers.
    fn are_mostly(&self, same: usize) -> bool {
        self.numbers > 0 && same.saturating_mul(10) >= self.numbers.saturating_mul(9)
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_tenths_are_counted_exactly() {
        for (numbers, same, mostly) in [
            (0, 0, false),
            (1, 0, false),
            (1, 1, true),
            (9, 8, false),
            (10, 9, true),
            (11, 9, false),
            (11, 10, true),
            (100, 89, false),
            (100, 90, true),
            (201, 180, false),
            (201, 181, true),
        ] {
            let texts = Texts {
                texts: HashSet::new(),
                numbers,
            };
            assert_eq!(texts.are_mostly(same), mostly, "{same} of {numbers}");
        }
    }

    #[test]
    fn a_message_is_the_same_whatever_ends_its_lines() {
        let template = |text: &str| MessageSource::Template(text.to_owned());
        assert!(same_message(&template("a\nb\n"), &template("a\r\nb")));
        assert!(!same_message(&template("a b"), &template("a  b")));
        let column = |name: &str| MessageSource::Column(Some(name.to_owned()));
        assert!(same_message(&column("SMS"), &column("sms")));
        assert!(!same_message(&column("SMS"), &template("sms")));
    }

    #[test]
    fn the_time_that_is_named_is_shorter() {
        let hours = |hours: u64| shorter_than(Duration::from_secs(hours * 3_600 + 1));
        assert_eq!(hours(0), None);
        assert_eq!(hours(23).as_deref(), Some("23h"));
        assert_eq!(hours(47).as_deref(), Some("47h"));
        assert_eq!(hours(73).as_deref(), Some("3d"));
    }
}
