//! What callers send to capture choices, each value with its rule. Scalars are taken as JSON values, so that everything that is wrong with a body is
//! told at once; no problem quotes a value, which may be personal data.

use std::{collections::HashMap, fmt, net::IpAddr};

use chrono::{DateTime, Utc};
use serde_json::Value;
use store::Timestamp;
use workflows::{
    consents::{Actor, ActorSource, Choice, MAX_AHEAD, MAX_SELECTIONS},
    values::Problems,
};

use super::{MAX_ACTOR, SELF, Segment, customer_problem, identifier_problem};
use crate::{
    catalogue::consents::ConsentId,
    consents::service::{CaptureDate, Selection},
};

/// The contract's `SellChannel`, case-sensitive.
pub const SELL_CHANNELS: [&str; 17] = [
    "app",
    "appPopup",
    "ecare",
    "ecarePopup",
    "eshop",
    "lpemail",
    "lpsms",
    "mycrm",
    "mycrmPopup",
    "myventa",
    "pos",
    "renuevo",
    "televenta",
    "topUps",
    "vista",
    "vistaPopup",
    "webdealer",
];

/// A selection as it was sent: its id and its choice.
pub type Sent<'a> = (&'a Value, &'a Value);

/// The selections under `path`: at least one, each id once after its normalisation.
pub fn selections<'a>(path: &str, sent: impl ExactSizeIterator<Item = Sent<'a>>, problems: &mut Problems) -> Vec<Selection> {
    match sent.len() {
        0 => problems.note(path, "at least one selection is needed"),
        1..=MAX_SELECTIONS => {}
        _ => {
            problems.note(path, format_args!("at most {MAX_SELECTIONS} selections can be sent at once"));
            return Vec::new();
        }
    }
    let mut places: HashMap<ConsentId, usize> = HashMap::new();
    let mut read = Vec::with_capacity(sent.len());
    for (index, (id, choice)) in sent.enumerate() {
        let (id_path, choice_path) = (format!("{path}[{index}].id"), format!("{path}[{index}].choice"));
        let id = problems.take(id_path.as_str(), consent_id(id));
        let choice = problems.take(choice_path, self::choice(choice));
        let Some(id) = id else { continue };
        if let Some(first) = places.get(&id) {
            problems.note(id_path, format_args!("{path}[{first}] has the same id; send each consent once"));
            continue;
        }
        places.insert(id.clone(), index);
        read.extend(choice.map(|choice| Selection { id, choice }));
    }
    read
}

/// The id of a consent, normalised.
pub fn consent_id(value: &Value) -> Result<ConsentId, String> {
    ConsentId::new(text(value, "the id of a consent")?).map_err(|error| error.to_string())
}

fn choice(value: &Value) -> Result<Choice, &'static str> {
    match value.as_u64() {
        Some(0) => Ok(Choice::Accepted),
        Some(1) => Ok(Choice::Pending),
        Some(2) => Ok(Choice::Rejected),
        _ => Err("expected 0 (accepted), 1 (pending) or 2 (rejected)"),
    }
}

/// A reference that evidence keeps: who acted, or under what it is traced.
pub fn reference(value: &Value) -> Result<String, String> {
    name(value, MAX_ACTOR)
}

/// Who sets the choices. What the token of a web component says of that counts; whether the body agrees is for the caller to check.
pub fn actor(value: &Value, of_token: Option<&str>) -> Result<Actor, String> {
    let id = reference(value)?;
    match of_token {
        Some(actor) => Ok(Actor { id: actor.to_owned(), source: ActorSource::Token }),
        None if id == SELF => Err("only the token of a web component may say self; name the actor".to_owned()),
        None => Ok(Actor { id, source: ActorSource::Declared }),
    }
}

/// A text of up to `max` bytes.
pub fn name(value: &Value, max: usize) -> Result<String, String> {
    let text = text(value, "a text")?;
    identifier_problem(text, max).map_or_else(|| Ok(text.to_owned()), Err)
}

/// The id of a customer.
pub fn customer_id(value: &Value) -> Result<String, String> {
    let text = text(value, "the id of a customer")?;
    customer_problem(text).map_or_else(|| Ok(text.to_owned()), Err)
}

/// The name of a segment.
pub fn segment(value: &Value) -> Result<Segment, String> {
    Segment::new(text(value, "the name of a segment")?)
}

/// An address as the contract has it: v4 or v6.
pub fn ip(value: &Value) -> Result<IpAddr, String> {
    const WANTED: &str = "an IP address, v4 or v6, such as 203.0.113.10";
    text(value, WANTED)?.parse().map_err(|_| format!("expected {WANTED}"))
}

/// One of [`SELL_CHANNELS`].
pub fn sell_channel(value: &Value) -> Result<&'static str, String> {
    let wanted = || format!("one of {}", SELL_CHANNELS.join(", "));
    let text = text(value, &wanted())?;
    SELL_CHANNELS.into_iter().find(|known| *known == text).ok_or_else(|| format!("expected {}", wanted()))
}

/// Any past date; one that is at most five minutes ahead counts as `now`.
pub fn capture_date(value: &Value, now: Timestamp) -> Result<CaptureDate, String> {
    let (text, at) = date(value)?;
    if at > now + MAX_AHEAD {
        return Err("the date is more than 5 minutes ahead; send when the choices were made".to_owned());
    }
    Ok(CaptureDate { at: at.min(now), text: text.to_owned() })
}

/// A date that has not passed yet; one that has by at most five minutes counts as `now`.
pub fn later(value: &Value, now: Timestamp) -> Result<Timestamp, String> {
    let (_, at) = date(value)?;
    if at < now - MAX_AHEAD {
        return Err("the date has passed; leave it out, or send when the customers are to be contacted".to_owned());
    }
    Ok(at.max(now))
}

fn date(value: &Value) -> Result<(&str, Timestamp), String> {
    const WANTED: &str = "a date and time, such as 2026-11-21T12:00:00Z";
    let text = text(value, WANTED)?;
    let at = DateTime::parse_from_rfc3339(text).map_err(|_| format!("expected {WANTED}"))?.with_timezone(&Utc);
    // What stores keep: microseconds.
    let at = DateTime::from_timestamp_micros(at.timestamp_micros()).ok_or_else(|| format!("expected {WANTED}"))?;
    Ok((text, at))
}

fn text<'a>(value: &'a Value, wanted: &(impl fmt::Display + ?Sized)) -> Result<&'a str, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Null => Err(format!("the member is missing; expected {wanted}")),
        _ => Err(format!("expected {wanted}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn noon() -> Timestamp {
        "2026-11-26T12:00:00Z".parse().unwrap()
    }

    fn read(sent: &[(Value, Value)]) -> (Vec<Selection>, Vec<String>) {
        let mut problems = Problems::default();
        let read = selections("selections", sent.iter().map(|(id, choice)| (id, choice)), &mut problems);
        (read, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn everything_that_is_wrong_with_selections_is_told_at_once() {
        let (read, problems) = read(&[
            (json!("c-01"), json!(0)),
            (json!("C01"), json!(2)),
            (json!("--"), json!(3)),
            (json!("x".repeat(201)), json!(1)),
            (Value::Null, json!("0")),
        ]);
        assert_eq!(read, [Selection { id: ConsentId::new("C01").unwrap(), choice: Choice::Accepted }]);
        let paths: Vec<&str> = problems.iter().map(|problem| problem.split(": ").next().unwrap()).collect();
        let expected = [
            "selections[1].id",
            "selections[2].id",
            "selections[2].choice",
            "selections[3].id",
            "selections[4].id",
            "selections[4].choice",
        ];
        assert_eq!(paths, expected);
        assert!(problems[0].contains("selections[0] has the same id"), "{problems:?}");
    }

    #[test]
    fn no_selection_and_too_many_are_refused() {
        assert_eq!(read(&[]).1, ["selections: at least one selection is needed"]);
        let many: Vec<_> = (0..=MAX_SELECTIONS).map(|number| (json!(format!("C{number}")), json!(0))).collect();
        assert_eq!(read(&many).1, ["selections: at most 256 selections can be sent at once"]);
        assert!(read(&many[1..]).1.is_empty());
    }

    #[test]
    fn a_date_may_lie_in_any_past_and_five_minutes_ahead() {
        let read = |text: &str| capture_date(&json!(text), noon()).map(|date| date.at);
        assert_eq!(read("1970-01-01T00:00:00Z"), Ok("1970-01-01T00:00:00Z".parse().unwrap()));
        assert_eq!(read("2026-11-26T12:30:00+01:00"), Ok("2026-11-26T11:30:00Z".parse().unwrap()));
        assert_eq!(read("2026-11-26T12:05:00Z"), Ok(noon()));
        assert!(read("2026-11-26T12:05:00.000001Z").unwrap_err().contains("5 minutes ahead"));
        for text in ["2026-11-26", "26/11/2026", "2026-11-26T12:00:00", "", "now"] {
            assert!(read(text).unwrap_err().starts_with("expected a date and time"), "{text}");
        }
    }

    #[test]
    fn references_addresses_and_channels_have_their_bounds() {
        assert!(reference(&json!("AG000123")).is_ok() && reference(&json!("x".repeat(512))).is_ok());
        for wrong in [json!(""), json!("x".repeat(513)), json!("a\u{7}b"), json!(7), Value::Null] {
            assert!(reference(&wrong).is_err(), "{wrong}");
        }
        assert!(ip(&json!("203.0.113.10")).is_ok() && ip(&json!("2001:db8::1")).is_ok());
        for wrong in ["203.0.113.256", "example.org", "203.0.113.10:80", "fe80::1%eth0", ""] {
            assert!(ip(&json!(wrong)).is_err(), "{wrong}");
        }
        assert_eq!(sell_channel(&json!("eshop")), Ok("eshop"));
        for wrong in ["Eshop", "crm", ""] {
            assert!(sell_channel(&json!(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_problem_quotes_what_was_sent() {
        let secret = json!("12345678Z\u{7}");
        for problem in [
            reference(&secret).unwrap_err(),
            ip(&secret).unwrap_err(),
            sell_channel(&secret).unwrap_err(),
            capture_date(&secret, noon()).unwrap_err(),
        ] {
            assert!(!problem.contains("12345678Z"), "{problem}");
        }
    }
}
