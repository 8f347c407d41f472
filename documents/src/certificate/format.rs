//! How times, sizes and hashes are printed.

use chrono::{DateTime, Utc};

use super::evidence::Moment;
use super::layout::Style;
use super::table::Cell;

/// Local time with its offset, and the same in UTC below. The form of ISO 8601 in all languages, as evidence must not be read two
/// ways.
pub(super) fn moment(at: &Moment) -> Cell {
    let local = at.local().format("%Y-%m-%d %H:%M:%S %:z").to_string();
    Cell::of(Style::BODY, &local).and(Style::SMALL, &utc(at))
}

pub(super) fn utc(at: &Moment) -> String {
    at.utc().format("%Y-%m-%d %H:%M:%S%.3f UTC").to_string()
}

pub(super) fn plain_utc(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Hexadecimal in groups of eight, so that eyes can compare it.
pub(super) fn grouped(hash: &str) -> String {
    let characters: Vec<char> = hash.chars().collect();
    characters.chunks(8).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// Digits in groups of three with spaces that do not break.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('\u{a0}');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_hashes_are_grouped() {
        assert_eq!(thousands(1_234_567), "1\u{a0}234\u{a0}567");
        assert_eq!(thousands(12), "12");
        assert_eq!(grouped("0123456789abcdef01"), "01234567 89abcdef 01");
    }
}
