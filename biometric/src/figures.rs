//! What is measured of a capture: numbers that say whether it is a signature at all, and nothing of whose it is.

use serde::{Deserialize, Serialize};

use crate::capture::{Capture, Point};

/// A pause inside of a stroke that is longer counts as a gap, in milliseconds: the device or the page lost samples.
const GAP_MS: f64 = 100.0;

/// Shorter ways than this say nothing of a direction, in CSS pixels.
const STEP: f64 = 1.0;

/// Figures of a capture. All are integers, as evidence has no other numbers, and they stay at their maximum rather than overflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    pub strokes: u32,
    /// Samples with the pen down.
    pub points: u32,
    /// Different positions of them, on a grid of 1 CSS pixel.
    pub distinct_positions: u32,
    /// From the first point to the last.
    pub duration_ms: u32,
    /// The box around all points, in CSS pixels.
    pub width_px: u32,
    pub height_px: u32,
    /// The same in thousandths of the pad's width and height, where the size of the pad is known.
    pub width_of_pad_permille: Option<u32>,
    pub height_of_pad_permille: Option<u32>,
    /// Deviation of the points across their principal axis, in thousandths of that along it: 0 is a line, 1000 is round.
    pub spread_permille: u32,
    /// The way of the pen on the pad, in thousandths of the diagonal of the box.
    pub length_permille_of_diagonal: u32,
    /// Sum of all changes of direction inside strokes, in thousandths of a radian.
    pub turning_mrad: u32,
    /// Samples a second: from the median time between two inside of strokes. 0 where it is not known.
    pub rate_hz: u32,
    /// How much of the time with the pen down is in gaps of more than 100 ms.
    pub gaps_permille: u32,
    /// Standard deviation of the pen's speed, in thousandths of its mean: 0 is a machine.
    pub speed_variation_permille: u32,
    /// Whether pressure was measured. It was not where there is none or it is always the same.
    pub has_pressure: bool,
}

impl Capture {
    /// Measures the capture.
    pub fn figures(&self) -> Figures {
        let frame = Frame::of(self);
        let of_pad = |size: f64, pad: f32| permille(size, f64::from(pad));
        let pace = Pace::of(self);
        Figures {
            strokes: count(self.strokes.len()),
            points: count(self.points().count()),
            distinct_positions: distinct_positions(self),
            duration_ms: whole(self.points().last().map_or(0.0, |last| f64::from(last.t_ms))),
            width_px: whole(frame.width),
            height_px: whole(frame.height),
            width_of_pad_permille: self.pad.map(|(width, _)| of_pad(frame.width, width)),
            height_of_pad_permille: self.pad.map(|(_, height)| of_pad(frame.height, height)),
            spread_permille: spread(self),
            length_permille_of_diagonal: permille(segments(self).map(|(a, b)| distance(a, b)).sum(), frame.diagonal()),
            turning_mrad: whole(self.strokes.iter().map(|stroke| turning(stroke)).sum::<f64>() * 1000.0),
            rate_hz: pace.rate_hz,
            gaps_permille: pace.gaps_permille,
            speed_variation_permille: pace.speed_variation_permille,
            has_pressure: self.has_pressure(),
        }
    }
}

/// The box around a capture.
pub(crate) struct Frame {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Frame {
    pub(crate) fn of(capture: &Capture) -> Self {
        let range = |of: fn(&Point) -> f32| {
            let values = capture.points().map(of).map(f64::from);
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
        };
        let (left, right) = range(|point| point.x);
        let (top, bottom) = range(|point| point.y);
        Self { left, top, width: right - left, height: bottom - top }
    }

    pub(crate) fn diagonal(&self) -> f64 {
        self.width.hypot(self.height)
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The nearest integer; what is no number is 0.
fn whole(value: f64) -> u32 {
    // The cast stays within its bounds.
    value.round() as u32
}

/// Thousandths of `whole`; 0 of nothing.
fn permille(part: f64, of: f64) -> u32 {
    if of > 0.0 { whole(part / of * 1000.0) } else { 0 }
}

fn distance(a: &Point, b: &Point) -> f64 {
    (f64::from(b.x) - f64::from(a.x)).hypot(f64::from(b.y) - f64::from(a.y))
}

/// Pairs of points that follow each other in a stroke.
fn segments(capture: &Capture) -> impl Iterator<Item = (&Point, &Point)> {
    capture.strokes.iter().flat_map(|stroke| stroke.windows(2)).map(|pair| (&pair[0], &pair[1]))
}

fn distinct_positions(capture: &Capture) -> u32 {
    // Positions are bounded, so that 32 bits hold both.
    let cell = |value: f32| (value.round() as i16) as u16;
    let mut cells: Vec<u32> = capture.points().map(|point| u32::from(cell(point.x)) << 16 | u32::from(cell(point.y))).collect();
    cells.sort_unstable();
    cells.dedup();
    let number = count(cells.len());
    zeroize::Zeroize::zeroize(&mut cells);
    number
}

/// Deviation across the principal axis to that along it, by the eigenvalues of the points' covariance.
fn spread(capture: &Capture) -> u32 {
    let number = capture.points().count() as f64;
    let mean = |of: fn(&Point) -> f32| capture.points().map(|point| f64::from(of(point))).sum::<f64>() / number;
    let (mean_x, mean_y) = (mean(|point| point.x), mean(|point| point.y));
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for point in capture.points() {
        let (x, y) = (f64::from(point.x) - mean_x, f64::from(point.y) - mean_y);
        xx += x * x;
        xy += x * y;
        yy += y * y;
    }
    let middle = (xx + yy) / 2.0;
    let half = ((xx - yy) / 2.0).hypot(xy);
    if middle + half > 0.0 { whole((((middle - half).max(0.0)) / (middle + half)).sqrt() * 1000.0) } else { 0 }
}

/// The sum of a stroke's changes of direction, in radians, over steps of a pixel at least: what a pixel's grid adds is none.
fn turning(stroke: &[Point]) -> f64 {
    let Some((mut from, rest)) = stroke.split_first() else { return 0.0 };
    let mut direction: Option<f64> = None;
    let mut sum = 0.0;
    for point in rest.iter() {
        if distance(from, point) < STEP {
            continue;
        }
        let next = (f64::from(point.y) - f64::from(from.y)).atan2(f64::from(point.x) - f64::from(from.x));
        if let Some(before) = direction {
            let change = (next - before).abs();
            sum += change.min(std::f64::consts::TAU - change);
        }
        (direction, from) = (Some(next), point);
    }
    sum
}

/// What times say.
struct Pace {
    rate_hz: u32,
    gaps_permille: u32,
    speed_variation_permille: u32,
}

impl Pace {
    fn of(capture: &Capture) -> Self {
        let mut times: Vec<f64> = Vec::with_capacity(capture.points().count());
        let (mut down, mut gaps) = (0.0, 0.0);
        // Of speeds: how many, their sum, the sum of their squares.
        let (mut number, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for stroke in &capture.strokes {
            // Samples that a browser hands over together may have one time: their way counts for the next time that is later.
            let mut way = 0.0;
            for pair in stroke.windows(2) {
                let time = f64::from(pair[1].t_ms) - f64::from(pair[0].t_ms);
                way += distance(&pair[0], &pair[1]);
                if time <= 0.0 {
                    continue;
                }
                times.push(time);
                down += time;
                gaps += if time > GAP_MS { time } else { 0.0 };
                let speed = way / time;
                way = 0.0;
                number += 1.0;
                sum += speed;
                squares += speed * speed;
            }
        }
        let middle = times.len() / 2;
        let median = if times.is_empty() { 0.0 } else { *times.select_nth_unstable_by(middle, f64::total_cmp).1 };
        zeroize::Zeroize::zeroize(&mut times);
        let deviation = (squares / number - (sum / number).powi(2)).max(0.0).sqrt();
        Self {
            rate_hz: if median > 0.0 { whole(1000.0 / median) } else { 0 },
            gaps_permille: permille(gaps, down),
            speed_variation_permille: if sum > 0.0 { permille(deviation, sum / number) } else { 0 },
        }
    }
}
