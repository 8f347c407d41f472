//! Bounds of options, and durations as other rooms take them.

use std::time::Duration;

use chrono::TimeDelta;

use super::Error;

/// A duration as an option shows it.
pub(super) fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::seconds(30))
}

/// A duration as other rooms take it; a negative one is none.
pub(super) fn std(delta: TimeDelta) -> Duration {
    delta.to_std().unwrap_or_default()
}

/// # Errors
/// Unless it `holds`: which option is out of which bounds.
pub(super) fn within(name: &str, holds: bool, bounds: &str) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::Invalid(format!("{name}: expected {bounds}"))) }
}

/// Whether a duration is within bounds in seconds.
pub(super) fn seconds(delta: TimeDelta, from: i64, to: i64) -> bool {
    (from..=to).contains(&delta.num_seconds())
}
