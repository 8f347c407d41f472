//! Times and what is said of them.

use std::time::Duration;

/// Times of many calls.
#[derive(Clone, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    pub fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub fn extend(&mut self, other: Times) {
        self.0.extend(other.0);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The times that so many parts in a hundred do not exceed, in milliseconds.
    pub fn percentiles(&mut self, of_hundred: &[f64]) -> Vec<f64> {
        self.0.sort_unstable();
        let place = |part: f64| ((self.0.len() as f64 * part / 100.0).ceil() as usize).clamp(1, self.0.len().max(1)) - 1;
        of_hundred.iter().map(|part| self.0.get(place(*part)).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)).collect()
    }
}

/// The middle one; of an even number the lower.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

/// One histogram of the server's metrics: upper bounds with the count up to them.
#[derive(Clone, Debug)]
pub struct Histogram(Vec<(f64, f64)>);

impl Histogram {
    /// Reads it from the text that Prometheus reads.
    pub fn read(metrics: &str, name: &str) -> Self {
        let prefix = format!("{name}_bucket{{le=\"");
        let bucket = |line: &str| {
            let (bound, count) = line.strip_prefix(&prefix)?.split_once("\"} ")?;
            Some((if bound == "+Inf" { f64::INFINITY } else { bound.parse().ok()? }, count.parse().ok()?))
        };
        Self(metrics.lines().filter_map(bucket).collect())
    }

    /// What was counted after `earlier`.
    pub fn since(&self, earlier: &Self) -> Self {
        let before = |bound: f64| earlier.0.iter().find(|(other, _)| *other == bound).map_or(0.0, |(_, count)| *count);
        Self(self.0.iter().map(|(bound, count)| (*bound, count - before(*bound))).collect())
    }

    pub fn count(&self) -> f64 {
        self.0.last().map_or(0.0, |(_, count)| *count)
    }

    /// The least bound that so many parts in a hundred do not exceed.
    pub fn bound(&self, of_hundred: f64) -> f64 {
        let wanted = self.count() * of_hundred / 100.0;
        self.0.iter().find(|(_, count)| *count >= wanted).map_or(f64::NAN, |(bound, _)| *bound)
    }
}

/// The sum of a metric over all its labels.
pub fn total(metrics: &str, name: &str) -> f64 {
    let of_name = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
    metrics.lines().filter(of_name).filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
}

/// The sum of a metric over those labels of which one is so.
pub fn labelled(metrics: &str, name: &str, label: &str, value: &str) -> f64 {
    let wanted = format!("{label}=\"{value}\"");
    let of_label = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{') && rest.contains(&wanted));
    metrics.lines().filter(of_label).filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
}
