//! Numbers of content streams.

use std::fmt;

/// A number of a content stream, with at most three digits behind the point: finer than any device shows. Much faster than the
/// formatting of floating-point numbers, which is most of the work of drawing.
pub(super) struct N(pub(super) f32);

impl fmt::Display for N {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thousandths = (f64::from(self.0) * 1000.0).round() as i64;
        let (whole, part) = (thousandths.unsigned_abs() / 1000, thousandths.unsigned_abs() % 1000);
        if thousandths < 0 {
            f.write_str("-")?;
        }
        if part == 0 { write!(f, "{whole}") } else { write!(f, "{whole}.{part:03}") }
    }
}
