//! What later marks leave visible of a page, counted in small squares.
//!
//! Lines that are each thin, or films that are each light, may cover together. So what marks paint is added up where it is painted, whatever
//! marks it belongs to, and each square has to stay legible.

use std::collections::HashMap;

/// Side of a square, in points: about a line of text.
const SIDE: f64 = 12.0;
/// A line is painted in pieces so long, in points, each in the square of its middle.
const STEP: f64 = 2.0;
/// The share of a square that may be painted opaquely. A line of 3 points through it is a quarter.
const MAX_OPAQUE: f64 = 0.35;
/// What must be left of the contrast between text and paper: two films of half opacity leave a quarter.
const MIN_CONTRAST: f64 = 0.3;
/// Squares that one operation may paint: 1,700 points by as many.
const MAX_SQUARES: f64 = 20_000.0;

/// Left, bottom, right, top, in points of the page.
pub(super) type Bounds = [f64; 4];

/// How an area is painted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Paint {
    Opaque,
    /// The contrast that it leaves, from 0 to 1.
    Film(f64),
}

#[derive(Debug, Clone, Copy)]
struct Square {
    opaque: f64,
    contrast: f64,
}

impl Default for Square {
    fn default() -> Self {
        Self { opaque: 0.0, contrast: 1.0 }
    }
}

/// What was painted, of one mark or of all on a page.
#[derive(Debug, Clone, Default)]
pub(super) struct Coverage {
    squares: HashMap<(i32, i32), Square>,
}

impl Coverage {
    /// Paints an area. Answers the number of squares, or nothing where there are too many.
    pub(super) fn area(&mut self, [left, bottom, right, top]: Bounds, paint: Paint) -> Option<usize> {
        let range = |from: f64, to: f64| ((from / SIDE).floor(), (to / SIDE).floor());
        let ((first, last), (lowest, highest)) = (range(left, right), range(bottom, top));
        let count = (last - first + 1.0) * (highest - lowest + 1.0);
        // What is no number fails here as well.
        let countable = first.abs() < MAX_SQUARES && lowest.abs() < MAX_SQUARES && count <= MAX_SQUARES;
        if !countable {
            return None;
        }
        for column in first as i32..=last as i32 {
            for row in lowest as i32..=highest as i32 {
                let within = |from: f64, to: f64, at: i32| {
                    let start = f64::from(at) * SIDE;
                    (to.min(start + SIDE) - from.max(start)).max(0.0) / SIDE
                };
                self.add((column, row), within(left, right, column) * within(bottom, top, row), paint);
            }
        }
        Some(count as usize)
    }

    /// Paints a line inside `clip`. Answers as [`Coverage::area`].
    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), width: f64, clip: Bounds, paint: Paint) -> Option<usize> {
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        if !(length * width).is_finite() {
            return None;
        }
        let steps = (length / STEP).ceil().max(1.0);
        if steps > MAX_SQUARES {
            return None;
        }
        for step in 0..steps as usize {
            let part = (step as f64 + 0.5) / steps;
            let (x, y) = (from.0 + part * (to.0 - from.0), from.1 + part * (to.1 - from.1));
            if x >= clip[0] && x <= clip[2] && y >= clip[1] && y <= clip[3] {
                let square = ((x / SIDE).floor() as i32, (y / SIDE).floor() as i32);
                self.add(square, length / steps * width / (SIDE * SIDE), paint);
            }
        }
        Some(steps as usize)
    }

    fn add(&mut self, square: (i32, i32), share: f64, paint: Paint) {
        if share == 0.0 {
            return;
        }
        let square = self.squares.entry(square).or_default();
        match paint {
            Paint::Opaque => square.opaque += share,
            Paint::Film(contrast) => square.contrast *= 1.0 - share.min(1.0) * (1.0 - contrast),
        }
    }

    /// Adds what another mark painted.
    pub(super) fn over(&mut self, mark: &Self) {
        for (place, painted) in &mark.squares {
            let square = self.squares.entry(*place).or_default();
            square.opaque += painted.opaque;
            square.contrast *= painted.contrast;
        }
    }

    /// Of this and another appearance of one mark, of which a viewer shows one: what covers more, square by square.
    pub(super) fn or(&mut self, other: &Self) {
        for (place, painted) in &other.squares {
            let square = self.squares.entry(*place).or_default();
            square.opaque = square.opaque.max(painted.opaque);
            square.contrast = square.contrast.min(painted.contrast);
        }
    }

    /// Whether everything below can still be read.
    pub(super) fn is_legible(&self) -> bool {
        self.squares.values().all(|square| square.opaque <= MAX_OPAQUE && square.contrast >= MIN_CONTRAST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: Bounds = [0.0, 0.0, 600.0, 800.0];

    #[test]
    fn one_line_leaves_a_text_legible_and_lines_side_by_side_do_not() {
        let lines = |distance: f64, count: u32| {
            let mut coverage = Coverage::default();
            for number in 0..count {
                let y = 100.0 + distance * f64::from(number);
                coverage.line((72.0, y), (500.0, y), 3.0, PAGE, Paint::Opaque).unwrap();
            }
            coverage.is_legible()
        };
        assert!(lines(0.0, 1) && lines(14.0, 20));
        assert!(!lines(3.0, 4) && !lines(6.0, 4));
    }

    #[test]
    fn an_area_counts_where_it_is() {
        let mut coverage = Coverage::default();
        assert_eq!(coverage.area([0.0, 0.0, 3.0, 700.0], Paint::Opaque), Some(59));
        assert!(coverage.is_legible());
        coverage.area([3.0, 300.0, 6.0, 310.0], Paint::Opaque).unwrap();
        assert!(!coverage.is_legible(), "half of one square is painted");
    }

    #[test]
    fn films_add_up_and_appearances_of_one_mark_do_not() {
        let film = |contrast: f64| {
            let mut coverage = Coverage::default();
            coverage.area([0.0, 0.0, 100.0, 20.0], Paint::Film(contrast)).unwrap();
            coverage
        };
        let mut page = film(0.5);
        page.or(&film(0.5));
        assert!(page.is_legible());
        page.over(&film(0.5));
        assert!(!page.is_legible());
    }

    #[test]
    fn what_is_too_large_or_no_number_is_not_painted() {
        for bounds in [[0.0, 0.0, 1e5, 1e5], [f64::NAN, 0.0, 1.0, 1.0], [0.0, 0.0, f64::INFINITY, 1.0], [1e300, 0.0, 1e300, 1.0]]
        {
            assert_eq!(Coverage::default().area(bounds, Paint::Opaque), None, "{bounds:?}");
        }
        assert_eq!(Coverage::default().line((0.0, 0.0), (1e9, 0.0), 1.0, PAGE, Paint::Opaque), None);
        assert_eq!(Coverage::default().line((0.0, 0.0), (f64::NAN, 0.0), 1.0, PAGE, Paint::Opaque), None);
    }
}
