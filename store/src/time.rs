//! Instants as the engines keep them: whole microseconds since 1970, UTC.

use crate::{Error, Timestamp};

/// The microsecond that `at` lies in.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.timestamp_micros()
}

/// The first microsecond that is not before `at`: a wake-up may be late, but never early, or whoever wakes finds
/// nothing to do yet.
pub(crate) fn micros_up(at: Timestamp) -> i64 {
    let whole = at.timestamp_micros();
    let is_whole = at.timestamp_subsec_nanos().is_multiple_of(1_000);
    let last = Timestamp::MAX_UTC.timestamp_micros();
    if is_whole { whole } else { whole.saturating_add(1).min(last) }
}

/// # Errors
/// [`Error::Corrupt`] when the stored number is no instant.
pub(crate) fn instant(micros: i64) -> Result<Timestamp, Error> {
    Timestamp::from_timestamp_micros(micros).ok_or_else(|| Error::Corrupt(format!("{micros} is no instant in microseconds")))
}

/// `at` as it comes back from an engine.
pub(crate) fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_timestamp_micros(micros(at)).unwrap_or(at)
}

/// A wake-up's moment as it comes back from an engine.
pub(crate) fn whole_up(at: Timestamp) -> Timestamp {
    Timestamp::from_timestamp_micros(micros_up(at)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_keeps_its_microsecond_and_a_wake_is_never_early() {
        let at = Timestamp::from_timestamp(1_700_000_000, 123_456_789).expect("an instant");
        assert_eq!(micros(at), 1_700_000_000_123_456);
        assert_eq!(micros_up(at), 1_700_000_000_123_457);
        assert_eq!(micros_up(whole(at)), micros(at));
    }

    #[test]
    fn instants_before_1970_and_at_the_ends_survive() {
        for at in [Timestamp::MIN_UTC, Timestamp::MAX_UTC, Timestamp::from_timestamp(-1, 999_999_999).expect("an instant")] {
            assert_eq!(instant(micros(at)).expect("an instant"), whole(at));
            assert!(instant(micros_up(at)).is_ok());
        }
        assert!(matches!(instant(i64::MAX), Err(Error::Corrupt(_))));
    }
}
