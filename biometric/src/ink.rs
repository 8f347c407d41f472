//! Ink: what of a signature may be seen by everybody.
//!
//! The samples themselves must not be drawn: taken at equal times, their distances are the speed of the hand, and their widths its
//! pressure, which is what the envelope hides. So a smooth curve is laid through each stroke, points are taken from it at equal distances
//! along the curve, and the width has few classes of the smoothed pressure, compared with that of this signature only.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::capture::{Capture, Point};
use crate::figures::Frame;

/// How many classes of width there are; [`InkPoint::class`] is less.
pub const WIDTH_CLASSES: u8 = 5;

/// The class where there is no pressure.
const MIDDLE: u8 = WIDTH_CLASSES / 2;

/// Points along the diagonal of the signature: about 1.2 pt apart in a field of 200 pt.
const STEPS_OF_DIAGONAL: f64 = 170.0;
/// The maximum of points along the whole way, however much somebody scribbles.
const MAX_STEPS: f64 = 4000.0;
/// Pieces of the curve between two samples, which are then measured.
const PIECES: usize = 8;
/// How far pressure is smoothed to each side, in steps: a twentieth of the diagonal.
const SMOOTHED: usize = 8;

/// What may be drawn of a signature. Positions are CSS pixels from its left upper corner.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Ink {
    pub width: f32,
    pub height: f32,
    /// At least one point each; one point is a dot.
    pub strokes: Vec<Vec<InkPoint>>,
}

/// A point of the line.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct InkPoint {
    pub x: f32,
    pub y: f32,
    /// Width of the line from here on, from 0 (thin) to [`WIDTH_CLASSES`] - 1 (thick).
    pub class: u8,
}

impl Capture {
    /// The ink of the capture: neither speed nor the profile of pressure can be read from it. At most about 5,000 points.
    pub fn ink(&self) -> Ink {
        let frame = Frame::of(self);
        let curves: Vec<Curve> = self.strokes.iter().map(|stroke| Curve::through(stroke, &frame)).collect();
        let way: f64 = curves.iter().map(Curve::length).sum();
        let step = (frame.diagonal() / STEPS_OF_DIAGONAL).max(way / MAX_STEPS);
        let mut lines: Vec<Zeroizing<Vec<Place>>> = curves.iter().map(|curve| curve.at_equal_distances(step)).collect();
        let has_pressure = self.has_pressure();
        for line in &mut lines {
            smooth(line);
        }
        let pressures = || lines.iter().flat_map(|line| line.iter()).map(|place| place.pressure);
        let (low, high) = pressures().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), one| (low.min(one), high.max(one)));
        let class = |pressure: f64| {
            // Compared with this signature's own range.
            let share = (pressure - low) / (high - low);
            if has_pressure && high > low { ((share * f64::from(WIDTH_CLASSES)) as u8).min(WIDTH_CLASSES - 1) } else { MIDDLE }
        };
        // To 1/20 pixel: what rounding leaves says nothing of the samples.
        let rounded = |value: f64| ((value * 20.0).round() / 20.0) as f32;
        // A curve may swing out a little beyond its samples.
        let drawn = |place: &Place| InkPoint {
            x: rounded(place.x.clamp(0.0, frame.width)),
            y: rounded(place.y.clamp(0.0, frame.height)),
            class: class(place.pressure),
        };
        let strokes = lines.iter().map(|line| line.iter().map(drawn).collect()).collect();
        Ink { width: rounded(frame.width), height: rounded(frame.height), strokes }
    }
}

/// A place on the curve.
#[derive(Clone, Copy, Default)]
struct Place {
    x: f64,
    y: f64,
    pressure: f64,
}

impl zeroize::DefaultIsZeroes for Place {}

impl Place {
    fn distance(&self, other: &Self) -> f64 {
        (other.x - self.x).hypot(other.y - self.y)
    }

    /// The place at `share` of the way to another.
    fn towards(&self, other: &Self, share: f64) -> Self {
        let between = |from: f64, to: f64| from + (to - from) * share;
        Self { x: between(self.x, other.x), y: between(self.y, other.y), pressure: between(self.pressure, other.pressure) }
    }
}

/// A smooth curve through the samples of a stroke, as short straight pieces.
struct Curve(Zeroizing<Vec<Place>>);

impl Curve {
    /// Catmull-Rom through the samples, in its centripetal form, which makes no loops where samples are close. The corners of straight
    /// lines from sample to sample would show where the samples were.
    fn through(stroke: &[Point], frame: &Frame) -> Self {
        let mut places = Zeroizing::new(Vec::with_capacity(stroke.len()));
        for point in stroke {
            let place = Place {
                x: f64::from(point.x) - frame.left,
                y: f64::from(point.y) - frame.top,
                pressure: f64::from(point.pressure.unwrap_or_default()),
            };
            // A pen that rests makes no way.
            if places.last().is_none_or(|last: &Place| last.distance(&place) > 0.0) {
                places.push(place);
            }
        }
        let mut curve = Zeroizing::new(Vec::with_capacity(places.len() * PIECES + 1));
        curve.extend(places.first());
        for index in 1..places.len() {
            let (from, to) = (places[index - 1], places[index]);
            let before = if index >= 2 { places[index - 2] } else { to.towards(&from, 2.0) };
            let after = places.get(index + 1).copied().unwrap_or_else(|| from.towards(&to, 2.0));
            curve.extend((1..=PIECES).map(|piece| {
                let share = piece as f64 / PIECES as f64;
                catmull_rom([before, from, to, after], share)
            }));
        }
        Self(curve)
    }

    fn length(&self) -> f64 {
        self.0.windows(2).map(|pair| pair[0].distance(&pair[1])).sum()
    }

    /// Places on the curve, `step` or a little less apart, with both ends.
    fn at_equal_distances(&self, step: f64) -> Zeroizing<Vec<Place>> {
        let length = self.length();
        // The same distance everywhere, also before the end. A dot has no length, and perhaps no step.
        let steps = if length > 0.0 && step > 0.0 { (length / step).ceil().max(1.0) } else { 0.0 };
        let mut line = Zeroizing::new(Vec::with_capacity(steps as usize + 1));
        line.extend(self.0.first());
        let mut walked = 0.0;
        for pair in self.0.windows(2) {
            let piece = pair[0].distance(&pair[1]);
            while (line.len() as f64) < steps {
                let next = line.len() as f64 * length / steps - walked;
                if next > piece {
                    break;
                }
                line.push(pair[0].towards(&pair[1], if piece > 0.0 { next / piece } else { 0.0 }));
            }
            walked += piece;
        }
        if steps > 0.0 {
            line.extend(self.0.last());
        }
        line
    }
}

/// A place between the second and the third of four, on the centripetal Catmull-Rom curve through them (Barry and Goldman's pyramid).
fn catmull_rom(places: [Place; 4], share: f64) -> Place {
    let [a, b, c, d] = places;
    let knot = |from: &Place, to: &Place| from.distance(to).sqrt().max(f64::EPSILON);
    let t1 = knot(&a, &b);
    let t2 = t1 + knot(&b, &c);
    let t3 = t2 + knot(&c, &d);
    let t = t1 + (t2 - t1) * share;
    let ab = a.towards(&b, t / t1);
    let bc = b.towards(&c, (t - t1) / (t2 - t1));
    let cd = c.towards(&d, (t - t2) / (t3 - t2));
    let abc = ab.towards(&bc, t / t2);
    let bcd = bc.towards(&cd, (t - t1) / (t3 - t1));
    let place = abc.towards(&bcd, share);
    // Pressure has no curve to follow, and must not leave its range.
    Place { pressure: b.towards(&c, share).pressure, ..place }
}

/// Takes the mean of pressure around each place.
fn smooth(line: &mut [Place]) {
    let mut sums = Zeroizing::new(Vec::with_capacity(line.len() + 1));
    sums.push(0.0);
    let mut sum = 0.0;
    for place in line.iter() {
        sum += place.pressure;
        sums.push(sum);
    }
    for (index, place) in (0_usize..).zip(line.iter_mut()) {
        let (begin, end) = (index.saturating_sub(SMOOTHED), (index + SMOOTHED + 1).min(sums.len() - 1));
        place.pressure = (sums[end] - sums[begin]) / (end - begin) as f64;
    }
}

#[cfg(test)]
mod tests;
