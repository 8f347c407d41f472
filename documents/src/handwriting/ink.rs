//! Ink as a drawing: fitted into a rectangle, resampled by length, smooth.
//!
//! Points at equal times would give away how fast somebody wrote, and widths as they were measured how hard: exactly what the envelope
//! hides. So points are always set anew, at equal distances, and there are a few widths only, which are made from each other smoothly.

use std::fmt::Write;

use super::{Ink, InkPoint};

/// Strokes and points that are drawn; what is more is left out.
const MAX_STROKES: usize = 1_000;
const MAX_POINTS: usize = 50_000;
/// Points that are set: where a drawing is longer, they stand farther apart.
const MAX_SET_POINTS: f32 = 6_000.0;
/// Coordinates beyond this are no writing.
const MAX_COORDINATE: f32 = 1_000_000.0;
/// The least extent of a drawing, as a share of the pad's: a dot does not become as large as a signature.
const LEAST_SHARE: f32 = 0.1;
/// The highest class of width.
const THICKEST: u8 = 4;
/// Width of the line of the lowest class and what each further one adds, in points, where the drawing's diagonal has [`USUAL_DIAGONAL`]
/// points; they grow and shrink with it.
const WIDTH: f32 = 0.5;
const WIDTH_OF_CLASS: f32 = 0.3;
/// Points on each side that a point's width is the mean of, and widths between one class and the next.
const SMOOTHED_OVER: usize = 3;
const BETWEEN_CLASSES: f32 = 3.0;
const USUAL_DIAGONAL: f32 = 130.0;
const SMALLEST_FACTOR: f32 = 0.25;
const LARGEST_FACTOR: f32 = 20.0;
/// Between two points, in points, at the usual size.
const STEP: f32 = 1.2;
/// Dark blue.
const COLOUR: &str = "0.05 0.09 0.3 RG";

/// A rectangle: where something is drawn, in points.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Area {
    pub(crate) left: f32,
    pub(crate) bottom: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
}

impl Area {
    /// How many times larger something may be drawn in it, at most.
    pub(crate) fn scale(self, (width, height): (f32, f32)) -> f32 {
        (self.width / width).min(self.height / height).max(0.0)
    }

    /// The rectangle of something with this size in its middle, as large as fits.
    pub(crate) fn fitted(self, size: (f32, f32)) -> Self {
        let scale = self.scale(size);
        let (width, height) = (size.0 * scale, size.1 * scale);
        let left = self.left + (self.width - width) / 2.0;
        Self { left, bottom: self.bottom + (self.height - height) / 2.0, width, height }
    }

    /// A strip of this share at its right, and the rest.
    pub(crate) fn split_right(self, share: f32) -> (Self, Self) {
        let rest = self.width * (1.0 - share);
        (Self { left: self.left + rest, width: self.width - rest, ..self }, Self { width: rest, ..self })
    }

    /// A strip of this share at its foot, and the rest.
    pub(crate) fn split_below(self, share: f32) -> (Self, Self) {
        let strip = self.height * share;
        let rest = Self { bottom: self.bottom + strip, height: self.height - strip, ..self };
        (Self { height: strip, ..self }, rest)
    }

    fn within(self, margin: f32) -> Self {
        let margin = margin.min(self.width / 2.0).min(self.height / 2.0).max(0.0);
        Self {
            left: self.left + margin,
            bottom: self.bottom + margin,
            width: self.width - 2.0 * margin,
            height: self.height - 2.0 * margin,
        }
    }
}

/// The strokes that can be drawn, and what they take.
pub(crate) struct Strokes<'a> {
    strokes: Vec<Vec<&'a InkPoint>>,
    /// The middle and the extent, in the unit of the points.
    middle: (f32, f32),
    size: (f32, f32),
}

impl<'a> Strokes<'a> {
    /// `None` where there is nothing to draw.
    pub(crate) fn of(ink: &'a Ink) -> Option<Self> {
        let is_drawn = |point: &&InkPoint| point.x.abs() <= MAX_COORDINATE && point.y.abs() <= MAX_COORDINATE;
        let mut room = MAX_POINTS;
        let strokes = ink.strokes.iter().take(MAX_STROKES).map(|stroke| {
            let points: Vec<&InkPoint> = stroke.iter().filter(is_drawn).take(room).collect();
            room -= points.len();
            points
        });
        let strokes: Vec<Vec<&InkPoint>> = strokes.filter(|stroke| !stroke.is_empty()).collect();
        let points = || strokes.iter().flatten();
        let first = **points().next()?;
        let extent = |of: fn(&InkPoint) -> f32| {
            points().fold((of(&first), of(&first)), |(least, most), point| (least.min(of(point)), most.max(of(point))))
        };
        let ((left, right), (top, bottom)) = (extent(|point| point.x), extent(|point| point.y));
        let least = |pad: f32| if pad.is_finite() { (pad * LEAST_SHARE).clamp(1.0, MAX_COORDINATE) } else { 1.0 };
        let size = ((right - left).max(least(ink.width)), (bottom - top).max(least(ink.height)));
        Some(Self { middle: ((left + right) / 2.0, (top + bottom) / 2.0), size, strokes })
    }

    /// Width and height, in the unit of the points; never 0.
    pub(crate) fn size(&self) -> (f32, f32) {
        self.size
    }

    /// The operators that draw it in the middle of an area, as large as fits; nothing leaves the area.
    pub(crate) fn content(&self, area: Area) -> String {
        let fitted = area.fitted(self.size);
        let factor = (fitted.width.hypot(fitted.height) / USUAL_DIAGONAL).clamp(SMALLEST_FACTOR, LARGEST_FACTOR);
        let thickest = (WIDTH + WIDTH_OF_CLASS * f32::from(THICKEST)) * factor;
        let area = area.within(thickest / 2.0);
        let scale = area.scale(self.size);
        let (x, y) = (area.left + area.width / 2.0, area.bottom + area.height / 2.0);
        let onto = |point: &&InkPoint| Set {
            x: x + (point.x - self.middle.0) * scale,
            y: y - (point.y - self.middle.1) * scale,
            width: f32::from(point.class.min(THICKEST)),
        };
        let strokes: Vec<Vec<Set>> = self.strokes.iter().map(|stroke| stroke.iter().map(onto).collect()).collect();
        let length: f32 = strokes.iter().map(|stroke| length(stroke)).sum();
        let step = (STEP * factor).max(length / MAX_SET_POINTS);
        let mut pen = Pen { content: format!("q {COLOUR} 1 J 1 j\n"), area, factor, width: None };
        for stroke in &strokes {
            pen.stroke(&smoothed(&resampled(stroke, step)));
        }
        pen.content + "Q\n"
    }
}

/// A point on the page.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Set {
    x: f32,
    y: f32,
    /// As a class; between two of them as well.
    width: f32,
}

impl Set {
    fn to(self, other: Self) -> f32 {
        (other.x - self.x).hypot(other.y - self.y)
    }
}

fn length(stroke: &[Set]) -> f32 {
    stroke.windows(2).map(|pair| pair[0].to(pair[1])).sum()
}

/// The same line with points at equal distances, `step` or a little less. Ends and dots stay.
fn resampled(stroke: &[Set], step: f32) -> Vec<Set> {
    let Some(first) = stroke.first() else { return Vec::new() };
    let length = length(stroke);
    // At most as many as `MAX_SET_POINTS` asks for, and one for each stroke: the step is not shorter.
    let parts = (length / step).ceil().max(1.0);
    let step = length / parts;
    let mut set = vec![*first];
    let mut walked = 0.0;
    for pair in stroke.windows(2) {
        let part = pair[0].to(pair[1]);
        while part > 0.0 && set.len() < parts as usize && set.len() as f32 * step <= walked + part {
            let share = (set.len() as f32 * step - walked) / part;
            let between = |from: f32, to: f32| from + (to - from) * share;
            set.push(Set { x: between(pair[0].x, pair[1].x), y: between(pair[0].y, pair[1].y), width: pair[1].width });
        }
        walked += part;
    }
    set.extend(stroke.last().filter(|_| length > 0.0));
    set
}

/// The same points, whose widths change little by little.
fn smoothed(points: &[Set]) -> Vec<Set> {
    let mean = |(index, point): (usize, &Set)| {
        let around = &points[index.saturating_sub(SMOOTHED_OVER)..points.len().min(index + SMOOTHED_OVER + 1)];
        let mean = around.iter().map(|point| point.width).sum::<f32>() / around.len() as f32;
        Set { width: (mean * BETWEEN_CLASSES).round() / BETWEEN_CLASSES, ..*point }
    };
    points.iter().enumerate().map(mean).collect()
}

struct Pen {
    content: String,
    area: Area,
    /// Of the widths.
    factor: f32,
    /// The width that is set, as a class.
    width: Option<f32>,
}

impl Pen {
    /// A smooth line through the points (Catmull-Rom as Bézier curves), in as many paths as it has widths.
    fn stroke(&mut self, points: &[Set]) {
        let Some(first) = points.first() else { return };
        if points.len() == 1 {
            self.set_width(first.width);
            // Round ends make a dot of it.
            self.go(*first, "m");
            self.go(*first, "l");
            self.content.push_str("S\n");
            return;
        }
        let at = |index: usize| points[index.min(points.len() - 1)];
        let mut is_open = false;
        for (index, pair) in points.windows(2).enumerate() {
            let (from, to) = (pair[0], pair[1]);
            if !is_open || self.width != Some(to.width) {
                if is_open {
                    self.content.push_str("S\n");
                }
                self.set_width(to.width);
                self.go(from, "m");
                is_open = true;
            }
            let (before, after) = (at(index.saturating_sub(1)), at(index + 2));
            let bent = |at: Set, a: Set, b: Set, sign: f32| Set {
                x: at.x + sign * (b.x - a.x) / 6.0,
                y: at.y + sign * (b.y - a.y) / 6.0,
                width: at.width,
            };
            self.go(bent(from, before, to, 1.0), "");
            self.go(bent(to, from, after, -1.0), "");
            self.go(to, "c");
        }
        self.content.push_str("S\n");
    }

    fn set_width(&mut self, width: f32) {
        if self.width != Some(width) {
            self.width = Some(width);
            // Writing to a string does not fail.
            let _ = write!(self.content, "{:.2} w ", (WIDTH + WIDTH_OF_CLASS * width) * self.factor);
        }
    }

    fn go(&mut self, to: Set, operator: &str) {
        let x = to.x.clamp(self.area.left, self.area.left + self.area.width);
        let y = to.y.clamp(self.area.bottom, self.area.bottom + self.area.height);
        let _ = write!(self.content, "{x:.2} {y:.2} {operator}{}", if operator.is_empty() { "" } else { " " });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area { left: 10.0, bottom: 20.0, width: 150.0, height: 50.0 };

    fn ink(strokes: &[&[(f32, f32)]]) -> Ink {
        let point = |(x, y): &(f32, f32)| InkPoint { x: *x, y: *y, class: 2 };
        let strokes = strokes.iter().map(|stroke| stroke.iter().map(point).collect()).collect();
        Ink { width: 600.0, height: 200.0, strokes }
    }

    /// The coordinates of all points and control points.
    fn points(content: &str) -> Vec<(f32, f32)> {
        let lines = content.lines().skip(1).flat_map(|line| line.split_once(" w ").map_or(line, |(_, line)| line).split(' '));
        let numbers: Vec<f32> = lines.filter_map(|word| word.parse().ok()).collect();
        numbers.as_chunks::<2>().0.iter().map(|[x, y]| (*x, *y)).collect()
    }

    #[test]
    fn ink_is_fitted_with_its_proportions_kept_and_y_upwards() {
        let drawn = ink(&[&[(100.0, 100.0), (200.0, 100.0), (200.0, 200.0)]]);
        let points = points(&Strokes::of(&drawn).unwrap().content(AREA));
        let (first, last) = (points[0], points[points.len() - 1]);
        let (width, height) = (last.0 - first.0, first.1 - last.1);
        assert!((width - height).abs() < 0.1, "a square stays one: {width} x {height}");
        assert!(height > 47.0 && height < 50.0, "{height}");
        assert!(first.1 > last.1, "what was written at the top is at the top");
        assert!((first.0 + last.0 - 2.0 * 85.0).abs() < 0.1, "it stands in the middle");
    }

    #[test]
    fn nothing_leaves_the_area_whatever_was_written() {
        let wild: Vec<(f32, f32)> = (0..400).map(|n| ((n * 7919 % 613) as f32, (n * 104_729 % 211) as f32)).collect();
        let broken = [(f32::NAN, 1.0), (1.0, f32::INFINITY), (1e30, 0.0), (5.0, 5.0), (300.0, 80.0)];
        for area in
            [AREA, Area { width: 0.5, ..AREA }, Area { height: 0.0, ..AREA }, Area { width: 9_000.0, height: 9_000.0, ..AREA }]
        {
            for strokes in [&[wild.as_slice()][..], &[&broken], &[&[(3.0, 3.0)], &[(5.0, 3.0)]]] {
                let ink = ink(strokes);
                for (x, y) in points(&Strokes::of(&ink).unwrap().content(area)) {
                    assert!(x >= area.left - 0.01 && x <= area.left + area.width + 0.01, "{x} in {area:?}");
                    assert!(y >= area.bottom - 0.01 && y <= area.bottom + area.height + 0.01, "{y} in {area:?}");
                }
            }
        }
    }

    #[test]
    fn a_dot_stays_a_dot_and_nothing_is_nothing() {
        let dot = ink(&[&[(3.0, 3.0)]]);
        let content = Strokes::of(&dot).unwrap().content(AREA);
        assert_eq!(points(&content), [(85.0, 45.0), (85.0, 45.0)]);
        assert!(Strokes::of(&ink(&[])).is_none());
        assert!(Strokes::of(&ink(&[&[], &[(f32::NAN, 0.0)]])).is_none());
    }

    #[test]
    fn points_stand_at_equal_distances_however_fast_was_written() {
        let fast: Vec<(f32, f32)> = (0..=4).map(|n| (n as f32 * 100.0, 50.0)).collect();
        let slow: Vec<(f32, f32)> = (0..=400).map(|n| (n as f32, 50.0)).collect();
        // Slower and slower: the same line.
        let uneven: Vec<(f32, f32)> = (0..=200).map(|n| (400.0 - (200 - n) as f32 * (200 - n) as f32 / 100.0, 50.0)).collect();
        let drawn = [fast, slow, uneven].map(|stroke| {
            let ink = ink(&[&stroke]);
            points(&Strokes::of(&ink).unwrap().content(AREA))
        });
        for other in &drawn[1..] {
            assert_eq!(drawn[0].len(), other.len());
            assert!(drawn[0].iter().zip(other).all(|(a, b)| (a.0 - b.0).abs() < 0.02 && a.1 == b.1));
        }
    }

    #[test]
    fn what_is_drawn_is_bounded() {
        let scribble: Vec<(f32, f32)> = (0..200_000).map(|n| ((n % 2) as f32 * 600.0, (n % 200) as f32)).collect();
        let content = Strokes::of(&ink(&[&scribble])).unwrap().content(AREA);
        assert!(content.len() < 400_000, "{}", content.len());
        let dots: Vec<Vec<InkPoint>> = (0..5_000).map(|n| vec![InkPoint { x: n as f32, ..InkPoint::default() }]).collect();
        let dots = Ink { width: 600.0, height: 200.0, strokes: dots };
        assert!(Strokes::of(&dots).unwrap().content(AREA).len() < 40_000);
    }

    #[test]
    fn widths_are_a_few_classes_and_grow_with_the_drawing() {
        let points = (0..50).map(|n| InkPoint { x: n as f32 * 8.0, y: (n % 5) as f32 * 30.0, class: n }).collect();
        let ink = Ink { width: 600.0, height: 200.0, strokes: vec![points] };
        let strokes = Strokes::of(&ink).unwrap();
        let widths = |area| {
            let content = strokes.content(area);
            let words: Vec<String> = content.split_whitespace().map(str::to_owned).collect();
            let set = words.windows(2).filter(|pair| pair[1] == "w").map(|pair| pair[0].parse::<f32>().unwrap());
            set.collect::<Vec<_>>()
        };
        let small = widths(AREA);
        assert!(small.len() <= 1 + usize::from(THICKEST) * BETWEEN_CLASSES as usize);
        assert!(small.windows(2).all(|pair| pair[0] < pair[1]));
        let large = widths(Area { width: 1_500.0, height: 500.0, ..AREA });
        assert!(large[0] > 8.0 * small[0]);
    }
}
