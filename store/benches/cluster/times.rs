//! Times and what is said of them.

use std::time::Duration;

/// The time that so many parts in a hundred do not exceed, in milliseconds.
pub fn percentile(times: &mut [Duration], of_hundred: f64) -> f64 {
    times.sort_unstable();
    let place = (times.len() as f64 * of_hundred / 100.0).ceil() as usize;
    times.get(place.clamp(1, times.len().max(1)) - 1).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

/// The middle one; of an even number the lower.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}
