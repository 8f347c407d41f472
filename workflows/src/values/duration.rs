//! ISO-8601 durations as the contract sends them (`PT15M`, `P7D`): text to [`TimeDelta`] and back.
//!
//! Only lengths that are the same on every calendar are taken: weeks, days of 24 hours, hours, minutes, seconds. Years and months
//! are refused, as a time limit must not depend on the day on which it starts. Use as `#[serde(with = "duration")]`, for an
//! optional field as `#[serde(default, with = "duration::option")]`.

use chrono::TimeDelta;
use serde::{Deserialize, Deserializer, Serializer, de};

/// The maximum duration that is read: ten years of 365 days. What an operation allows is usually far less.
pub const MAX: TimeDelta = TimeDelta::days(3650);

/// Maximum length of a text that is read, in bytes.
const MAX_TEXT: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("not an ISO-8601 duration such as PT15M, P7D or P1DT2H")]
    Syntax,
    #[error("years and months have no fixed length; write the duration in weeks, days, hours, minutes or seconds, such as P30D")]
    Calendar,
    #[error("a duration must be longer than zero")]
    NotPositive,
    #[error("a duration must be at most P3650D")]
    TooLong,
}

/// Reads `PnW`, or `PnDTnHnMnS` with at least one part; only the seconds may have a fraction, of up to nine digits.
pub fn parse(text: &str) -> Result<TimeDelta, Error> {
    if text.len() > MAX_TEXT {
        return Err(Error::Syntax);
    }
    let body = text.strip_prefix('P').ok_or(Error::Syntax)?;
    let (date, time) = match body.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (body, None),
    };
    if date.contains(['Y', 'M']) {
        return Err(Error::Calendar);
    }
    check(fixed(date, time)?)
}

/// Sums up the part before the `T` and, if there is one, the part after it. Of any length from zero on.
pub(super) fn fixed(date: &str, time: Option<&str>) -> Result<TimeDelta, Error> {
    if (date.is_empty() && time.is_none()) || time == Some("") {
        return Err(Error::Syntax);
    }
    let date = match date.strip_suffix('W') {
        // ISO 8601 writes weeks alone.
        Some(_) if time.is_some() => return Err(Error::Syntax),
        Some(_) => parts(date, &[('W', 7 * 24 * 3600)])?,
        None => parts(date, &[('D', 24 * 3600)])?,
    };
    let time = parts(time.unwrap_or(""), &[('H', 3600), ('M', 60), ('S', 1)])?;
    date.checked_add(&time).ok_or(Error::TooLong)
}

/// Refuses what is not positive or longer than [`MAX`].
fn check(duration: TimeDelta) -> Result<TimeDelta, Error> {
    if duration <= TimeDelta::zero() {
        Err(Error::NotPositive)
    } else if duration > MAX {
        Err(Error::TooLong)
    } else {
        Ok(duration)
    }
}

/// What a time limit may be, as an operation bounds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    min: Option<TimeDelta>,
    max: TimeDelta,
}

impl Bounds {
    /// Longer than zero and at most `max`.
    pub const fn up_to(max: TimeDelta) -> Self {
        Self { min: None, max }
    }

    /// From `min` to `max`, both included.
    pub const fn between(min: TimeDelta, max: TimeDelta) -> Self {
        Self { min: Some(min), max }
    }

    /// The longest that is allowed.
    pub const fn max(self) -> TimeDelta {
        self.max
    }

    /// Whether a duration is within the bounds.
    pub fn contains(self, duration: TimeDelta) -> bool {
        self.min.map_or(duration > TimeDelta::zero(), |min| duration >= min) && duration <= self.max
    }

    /// Reads a duration that must be within the bounds.
    ///
    /// # Errors
    /// What is wrong, in words for the caller.
    pub fn read(self, text: &str) -> Result<TimeDelta, String> {
        let duration = parse(text).map_err(|error| error.to_string())?;
        let max = format(self.max);
        match self.min {
            Some(min) if !(min..=self.max).contains(&duration) => Err(format!("expected {} to {max}", format(min))),
            None if duration > self.max => Err(format!("at most {max}")),
            _ => Ok(duration),
        }
    }
}

/// Sums up numbers that are each followed by one of `units` (letter and length in seconds), in that order and once each.
fn parts(text: &str, units: &[(char, i64)]) -> Result<TimeDelta, Error> {
    let mut rest = text;
    let mut sum = TimeDelta::zero();
    for &(letter, seconds) in units {
        let Some((number, after)) = rest.split_once(letter) else { continue };
        sum = sum.checked_add(&length(number, letter, seconds)?).ok_or(Error::TooLong)?;
        rest = after;
    }
    if rest.is_empty() { Ok(sum) } else { Err(Error::Syntax) }
}

fn length(number: &str, letter: char, unit_seconds: i64) -> Result<TimeDelta, Error> {
    let (whole, fraction) = match number.split_once(['.', ',']) {
        Some((whole, fraction)) if letter == 'S' => (whole, Some(fraction)),
        Some(_) => return Err(Error::Syntax),
        None => (number, None),
    };
    let nanoseconds = fraction.map_or(Ok(0), nanoseconds)?;
    let seconds = digits(whole)?.checked_mul(unit_seconds).ok_or(Error::TooLong)?;
    TimeDelta::new(seconds, nanoseconds).ok_or(Error::TooLong)
}

fn digits(text: &str) -> Result<i64, Error> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::Syntax);
    }
    // Digits alone fail to parse only when they are too many.
    text.parse().map_err(|_| Error::TooLong)
}

fn nanoseconds(fraction: &str) -> Result<u32, Error> {
    if fraction.len() > 9 {
        return Err(Error::Syntax);
    }
    let value = digits(fraction)?;
    let scale = 10_i64.pow(9 - fraction.len() as u32);
    // At most nine digits: below 10^9.
    Ok((value * scale) as u32)
}

/// Writes a duration in its one canonical form: days of 24 hours, then hours, minutes and seconds, each below its next unit,
/// zeros left out but between others (RFC 3339, appendix A), no trailing zeros in the fraction. Zero, which [`parse`] refuses, is `PT0S`; a negative one starts with `-`.
pub fn format(duration: TimeDelta) -> String {
    let sign = if duration < TimeDelta::zero() { "-" } else { "" };
    let (seconds, nanoseconds) = (duration.num_seconds().unsigned_abs(), duration.subsec_nanos().unsigned_abs());
    if seconds == 0 && nanoseconds == 0 {
        return "PT0S".into();
    }
    let (days, hours, minutes, seconds) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);

    let mut text = format!("{sign}P{}", part(days, "D"));
    if hours > 0 || minutes > 0 || seconds > 0 || nanoseconds > 0 {
        let fraction = format!("{nanoseconds:09}");
        let seconds = match fraction.trim_end_matches('0') {
            "" => part(seconds, "S"),
            fraction => format!("{seconds}.{fraction}S"),
        };
        let between = hours > 0 && minutes == 0 && !seconds.is_empty();
        let minutes = if between { "0M".to_owned() } else { part(minutes, "M") };
        text.push_str(&format!("T{}{minutes}{seconds}", part(hours, "H")));
    }
    text
}

/// A number with its unit, or nothing for zero.
fn part(number: u64, unit: &str) -> String {
    if number == 0 { String::new() } else { format!("{number}{unit}") }
}

pub fn serialize<S: Serializer>(duration: &TimeDelta, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*duration))
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeDelta, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).map_err(de::Error::custom)
}

/// The same for a field that may be zero, written `PT0S`.
///
/// # Errors
/// What cannot be read.
pub fn or_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeDelta, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text == "PT0S" { Ok(TimeDelta::zero()) } else { parse(&text).map_err(de::Error::custom) }
}

/// The same for an optional field.
pub mod option {
    use super::*;

    pub fn serialize<S: Serializer>(duration: &Option<TimeDelta>, serializer: S) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => super::serialize(duration, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TimeDelta>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| parse(&text).map_err(de::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_durations_of_the_contract_are_read() {
        for (text, seconds) in [
            ("PT15M", 15 * 60),
            ("PT24H", 24 * 3600),
            ("P7D", 7 * 86400),
            ("P30D", 30 * 86400),
            ("P1DT2H", 26 * 3600),
            ("P2W", 14 * 86400),
            ("PT1H30M5S", 5405),
            ("PT90M", 5400),
            ("P0DT1S", 1),
        ] {
            assert_eq!(parse(text), Ok(TimeDelta::seconds(seconds)), "{text}");
        }
        assert_eq!(parse("PT0.5S"), Ok(TimeDelta::milliseconds(500)));
        assert_eq!(parse("PT1,25S"), Ok(TimeDelta::milliseconds(1250)));
    }

    #[test]
    fn a_time_limit_keeps_to_its_bounds_and_says_them() {
        let (minute, month) = (TimeDelta::minutes(1), TimeDelta::days(30));
        let between = Bounds::between(minute, month);
        assert_eq!((between.read("PT1M"), between.read("P30D")), (Ok(minute), Ok(month)));
        for text in ["PT59S", "P30DT1S"] {
            assert_eq!(between.read(text), Err("expected PT1M to P30D".into()), "{text}");
        }
        assert_eq!(Bounds::up_to(month).read("PT0.5S"), Ok(TimeDelta::milliseconds(500)));
        assert_eq!(Bounds::up_to(month).read("P31D"), Err("at most P30D".into()));
        assert_eq!(Bounds::up_to(month).read("soon"), Err(Error::Syntax.to_string()));
    }

    #[test]
    fn what_is_not_a_duration_is_refused() {
        for text in [
            "",
            "P",
            "PT",
            "P1",
            "15M",
            "PT15",
            "P1DT",
            "PT1M1H",
            "PT1H1H",
            "P1W1D",
            "P1WT1H",
            "P1D1D",
            "PT1D",
            "P1H",
            "pt15m",
            " PT15M",
            "PT15M ",
            "-PT15M",
            "PT-15M",
            "PT+15M",
            "PT1.5H",
            "PT.5S",
            "PT1.S",
            "PT1.0000000001S",
            "P1DT1H2",
            "PT\u{0661}M",
            "P1T1H",
        ] {
            assert_eq!(parse(text), Err(Error::Syntax), "{text:?}");
        }
        assert_eq!(parse(&format!("PT{}1S", "0".repeat(100))), Err(Error::Syntax));
    }

    #[test]
    fn months_and_years_are_refused_by_name() {
        for text in ["P1M", "P1Y", "P1Y2M3D", "P1MT1H"] {
            assert_eq!(parse(text), Err(Error::Calendar), "{text}");
        }
    }

    #[test]
    fn zero_and_too_long_are_refused() {
        assert_eq!(parse("PT0S"), Err(Error::NotPositive));
        assert_eq!(parse("P0D"), Err(Error::NotPositive));
        assert_eq!(parse("P3650D"), Ok(MAX));
        assert_eq!(parse("P3650DT0.000000001S"), Err(Error::TooLong));
        assert_eq!(parse("PT99999999999999999999S"), Err(Error::TooLong));
        assert_eq!(parse("P9223372036854775807W"), Err(Error::TooLong));
        assert_eq!(parse("PT9223372036854775807S"), Err(Error::TooLong));
    }

    #[test]
    fn the_canonical_form_is_short() {
        for (read, written) in
            [("PT90M", "PT1H30M"), ("PT24H", "P1D"), ("P2W", "P14D"), ("PT60S", "PT1M"), ("PT1.500S", "PT1.5S")]
        {
            assert_eq!(format(parse(read).unwrap()), written);
        }
        assert_eq!(format(TimeDelta::zero()), "PT0S");
        assert_eq!(format(TimeDelta::minutes(-90)), "-PT1H30M");
    }

    #[test]
    fn serde_reads_and_writes_it() {
        #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        struct Body {
            #[serde(with = "crate::values::duration")]
            limit: TimeDelta,
            #[serde(default, with = "crate::values::duration::option")]
            reminder: Option<TimeDelta>,
        }
        let body: Body = serde_json::from_str(r#"{"limit":"PT15M"}"#).unwrap();
        assert_eq!(body, Body { limit: TimeDelta::minutes(15), reminder: None });
        assert_eq!(serde_json::to_string(&body).unwrap(), r#"{"limit":"PT15M","reminder":null}"#);
        let error = serde_json::from_str::<Body>(r#"{"limit":"P1M"}"#).unwrap_err();
        assert!(error.to_string().contains("years and months"), "{error}");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_the_same(seconds in 0..MAX.num_seconds(), nanoseconds in 0..1_000_000_000_u32) {
            let duration = TimeDelta::new(seconds, nanoseconds).unwrap();
            prop_assume!(duration > TimeDelta::zero());
            prop_assert_eq!(parse(&format(duration)), Ok(duration));
        }

        #[test]
        fn any_text_is_read_or_refused_without_panic(text in "[PTWDHMS0-9.,]{0,24}|.{0,70}") {
            if let Ok(duration) = parse(&text) {
                prop_assert!(duration > TimeDelta::zero() && duration <= MAX);
            }
        }
    }
}
