//! Durations by the calendar (`P2Y`, `P24M`, `P180D`, `PT1H`): how long an acceptance holds.
//!
//! Rule: contract note calendar-durations. Years and months have no fixed length, so these are added to a moment, by the calendar in UTC; a
//! day that the month lacks becomes its last one. [`super::duration`] is for time limits, which may not depend on the day of their start.

use std::fmt;

use chrono::{Months, TimeDelta};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::duration;
use crate::Timestamp;

/// Maximum length of a text that is read, in bytes.
const MAX_TEXT: usize = 64;

/// Maximum number of months, and of days, that are read: a hundred years.
const MAX_MONTHS: u32 = 1_200;
const MAX_REST: TimeDelta = TimeDelta::days(36_525);

/// Shortest duration.
const MIN: TimeDelta = TimeDelta::seconds(1);

/// Whether a duration is too long is found out from here: 1 January 2000.
const COUNTED_FROM: Timestamp = Timestamp::from_timestamp(946_684_800, 0).expect("1 January 2000 is a moment");

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("not an ISO 8601 duration such as P180D, P24M, P2Y or PT1H")]
    Syntax,
    #[error("a duration must be at least PT1S")]
    TooShort,
    #[error("a duration must be at most P100Y")]
    TooLong,
}

/// A duration of 1 second to 100 years, which may have years and months. Kept as it was sent: two texts of one length are two values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarDuration {
    text: String,
    months: u32,
    /// Weeks, days of 24 hours and what is shorter.
    rest: TimeDelta,
}

impl CalendarDuration {
    /// Reads `PnW`, or `PnYnMnDTnHnMnS` with at least one part; only the seconds may have a fraction, of up to nine digits.
    ///
    /// # Errors
    /// What is wrong, in words for the caller.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_TEXT {
            return Err(Error::Syntax);
        }
        let body = text.strip_prefix('P').ok_or(Error::Syntax)?;
        let (date, time) = body.split_once('T').map_or((body, None), |(date, time)| (date, Some(time)));
        let (years, date) = leading(date, 'Y')?;
        let (months, date) = leading(date, 'M')?;
        let has_months = years.is_some() || months.is_some();
        let of_years = years.unwrap_or(0).checked_mul(12).ok_or(Error::TooLong)?;
        let months = of_years.checked_add(months.unwrap_or(0)).filter(|months| *months <= MAX_MONTHS).ok_or(Error::TooLong)?;
        let rest = match (date, time) {
            ("", None) if has_months => TimeDelta::zero(),
            // ISO 8601 writes weeks alone.
            _ if has_months && date.contains('W') => return Err(Error::Syntax),
            _ => duration::fixed(date, time).map_err(|error| match error {
                duration::Error::TooLong => Error::TooLong,
                _ => Error::Syntax,
            })?,
        };
        if rest > MAX_REST {
            return Err(Error::TooLong);
        }
        let duration = Self { text: text.to_owned(), months, rest };
        if months == 0 && rest < MIN {
            return Err(Error::TooShort);
        }
        let longest = COUNTED_FROM.checked_add_months(Months::new(MAX_MONTHS)).ok_or(Error::TooLong)?;
        if duration.after(COUNTED_FROM) > longest { Err(Error::TooLong) } else { Ok(duration) }
    }

    /// As it was sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The moment that is this long after `start`: first years and months, by the calendar in UTC, then the rest. The end of time if there is
    /// no such moment.
    pub fn after(&self, start: Timestamp) -> Timestamp {
        let months_later = start.checked_add_months(Months::new(self.months));
        months_later.and_then(|moment| moment.checked_add_signed(self.rest)).unwrap_or(Timestamp::MAX_UTC)
    }
}

/// The number before `letter` at the beginning of `text`, if there is one, and what comes after it.
fn leading(text: &str, letter: char) -> Result<(Option<u32>, &str), Error> {
    let Some((number, after)) = text.split_once(letter) else { return Ok((None, text)) };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::Syntax);
    }
    // Digits alone fail to parse only when they are too many.
    Ok((Some(number.parse().map_err(|_| Error::TooLong)?), after))
}

impl fmt::Display for CalendarDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for CalendarDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for CalendarDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::cases;

    fn moment(text: &str) -> Timestamp {
        text.parse().expect("a moment")
    }

    fn after(text: &str, start: &str) -> Timestamp {
        CalendarDuration::parse(text).unwrap().after(moment(start))
    }

    #[test]
    fn years_and_months_go_by_the_calendar_and_the_rest_by_the_clock() {
        assert_eq!(after("P2Y", "2024-05-21T17:32:28Z"), moment("2026-05-21T17:32:28Z"));
        assert_eq!(after("P24M", "2024-05-21T17:32:28.000001Z"), moment("2026-05-21T17:32:28.000001Z"));
        assert_eq!(after("P180D", "2024-05-21T17:32:28Z"), moment("2024-11-17T17:32:28Z"), "the example of the contract");
        assert_eq!(after("PT1H", "2024-05-21T23:32:28Z"), moment("2024-05-22T00:32:28Z"));
        assert_eq!(after("P4W", "2024-02-01T00:00:00Z"), moment("2024-02-29T00:00:00Z"));
        assert_eq!(after("P1Y2M3DT4H5M6.5S", "2024-01-01T00:00:00Z"), moment("2025-03-04T04:05:06.5Z"));
    }

    #[test]
    fn a_day_that_the_month_lacks_becomes_its_last_one() {
        assert_eq!(after("P1M", "2024-01-31T10:00:00Z"), moment("2024-02-29T10:00:00Z"));
        assert_eq!(after("P1M", "2023-01-31T10:00:00Z"), moment("2023-02-28T10:00:00Z"));
        assert_eq!(after("P1Y", "2024-02-29T10:00:00Z"), moment("2025-02-28T10:00:00Z"));
        assert_eq!(after("P1M1D", "2023-01-31T10:00:00Z"), moment("2023-03-01T10:00:00Z"), "months before days");
    }

    #[test]
    fn a_second_to_a_hundred_years_is_taken() {
        for text in ["PT1S", "PT1.000000001S", "P100Y", "P1200M", "P36525D", "P99Y12M", "P0YT1S", "P0M1D", "P5217W", "PT876600H"]
        {
            assert_eq!(CalendarDuration::parse(text).map(|duration| duration.to_string()), Ok(text.to_owned()));
        }
        for text in ["P0D", "PT0S", "P0Y", "P0Y0M0DT0H0M0S", "PT0.999999999S"] {
            assert_eq!(CalendarDuration::parse(text), Err(Error::TooShort), "{text}");
        }
        for text in [
            "P101Y",
            "P1201M",
            "P36526D",
            "P100YT0.000000001S",
            "P99Y366D",
            "P50Y18264D",
            "P99999999999999999999Y",
            "PT99999999999999999H",
        ] {
            assert_eq!(CalendarDuration::parse(text), Err(Error::TooLong), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let long = format!("P{}D", "0".repeat(MAX_TEXT));
        for text in [
            "", "P", "PT", "P1", "1Y", "P1YT", "P-1Y", "-P1Y", "P1.5Y", "P1,5M", "P1M1Y", "P1Y1Y", "P1Y1W", "P1W1D", "P1H",
            "PT1D", "P1y", "P 1Y", "P1Y ", "PT1S1M", "PY", "PM", "P1DT", "P１Y", "P+1Y", &long,
        ] {
            assert_eq!(CalendarDuration::parse(text), Err(Error::Syntax), "{text}");
        }
    }

    #[test]
    fn it_is_kept_as_sent() {
        for text in ["P24M", "P2Y", "P0Y24M"] {
            let json = format!("\"{text}\"");
            let duration: CalendarDuration = serde_json::from_str(&json).unwrap();
            assert_eq!((duration.as_str(), serde_json::to_string(&duration).unwrap()), (text, json));
        }
        assert!(serde_json::from_str::<CalendarDuration>("\"P200Y\"").is_err());
    }

    #[test]
    fn the_end_of_time_is_not_passed() {
        assert_eq!(CalendarDuration::parse("P100Y").unwrap().after(Timestamp::MAX_UTC), Timestamp::MAX_UTC);
        assert_eq!(CalendarDuration::parse("PT1S").unwrap().after(Timestamp::MAX_UTC), Timestamp::MAX_UTC);
    }

    proptest! {
        #![proptest_config(cases(2_000))]

        #[test]
        fn any_text_is_read_or_refused_without_panic(text in "P?[0-9]{0,12}[YMWDT]?[PTYMWDHS0-9.,]{0,24}|.{0,70}", seconds in any::<i32>()) {
            if let Ok(duration) = CalendarDuration::parse(&text) {
                let start = Timestamp::from_timestamp(seconds.into(), 0).unwrap();
                let end = duration.after(start);
                prop_assert!(end - start >= MIN && end - start <= MAX_REST + TimeDelta::days(4));
                prop_assert!(duration.after(Timestamp::MAX_UTC) <= Timestamp::MAX_UTC);
            }
        }
    }
}
