//! A captured signature: strokes of points, in CSS pixels and milliseconds.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// The largest |x| and |y| of a point, in CSS pixels: with 1/10 pixel as unit an ISO record can say no more.
pub const MAX_POSITION: f32 = 3276.0;

/// The longest capture, in milliseconds: an ISO record counts them in 16 bits.
pub const MAX_DURATION_MS: f32 = 65_535.0;

/// The maximum of points of a capture: more than 60 s at 500 samples a second.
pub const MAX_POINTS: usize = 40_000;

/// The maximum of strokes of a capture.
pub const MAX_STROKES: usize = 1_000;

/// What the signature was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PointingDevice {
    Pen,
    Touch,
    Mouse,
    /// The format does not say it.
    #[default]
    Unknown,
}

/// One sample of the pen while it touches the pad.
#[derive(Clone, Copy, Default, PartialEq)]
pub struct Point {
    /// CSS pixels from the left, at most [`MAX_POSITION`] either way.
    pub x: f32,
    /// CSS pixels from the top, at most [`MAX_POSITION`] either way.
    pub y: f32,
    /// Milliseconds since the first point of the capture, at most [`MAX_DURATION_MS`], never less than at the point before.
    pub t_ms: f32,
    /// 0 to 1 of what the device can tell.
    pub pressure: Option<f32>,
    /// Degrees along x and y, -90 to 90.
    pub tilt: Option<(f32, f32)>,
}

impl Zeroize for Point {
    fn zeroize(&mut self) {
        self.x.zeroize();
        self.y.zeroize();
        self.t_ms.zeroize();
        self.pressure.zeroize();
        if let Some((x, y)) = &mut self.tilt {
            x.zeroize();
            y.zeroize();
        }
        self.tilt = None;
    }
}

/// A captured signature. It has at least one point, no empty stroke, and keeps the bounds of its points: [`read`](crate::read()) and
/// [`Capture::new`] see to it. It is wiped when it is dropped, and `Debug` shows no sample.
#[derive(Clone, PartialEq)]
pub struct Capture {
    /// Width and height of the pad in CSS pixels, where the format says them.
    pub pad: Option<(f32, f32)>,
    pub device: PointingDevice,
    /// Points between pen down and pen up.
    pub strokes: Vec<Vec<Point>>,
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture").field("strokes", &self.strokes.len()).finish_non_exhaustive()
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        for stroke in &mut self.strokes {
            stroke.zeroize();
        }
    }
}

/// What a capture must be like, in words that begin in lower case and hold no value of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    /// What is wrong: the name of a figure or of a member.
    pub(crate) what: &'static str,
    pub(crate) message: String,
}

pub(crate) fn broken(what: &'static str, message: impl Into<String>) -> Broken {
    Broken { what, message: message.into() }
}

impl Capture {
    /// A capture of strokes as a device gives them: empty ones are left out, and time begins at 0.
    pub(crate) fn checked(pad: Option<(f32, f32)>, device: PointingDevice, strokes: Vec<Vec<Point>>) -> Result<Self, Broken> {
        // Wiped whatever becomes of it.
        let mut capture = Self { pad, device, strokes };
        capture.strokes.retain(|stroke| !stroke.is_empty());
        let Some(first) = capture.points().next() else {
            return Err(broken("strokes", "there is no point in it: capture the signature again"));
        };
        if capture.strokes.len() > MAX_STROKES {
            return Err(broken("strokes", format!("it has more than {MAX_STROKES} strokes")));
        }
        if capture.points().count() > MAX_POINTS {
            return Err(broken("points", format!("it has more than {MAX_POINTS} points")));
        }
        let begin = first.t_ms;
        let mut last = 0.0;
        for (number, stroke) in (1..).zip(&mut capture.strokes) {
            for (index, point) in (1..).zip(stroke.iter_mut()) {
                point.t_ms -= begin;
                check_point(point, last)
                    .map_err(|Broken { what, message }| broken(what, format!("{message} (stroke {number}, point {index})")))?;
                last = point.t_ms;
            }
        }
        if let Some((width, height)) = capture.pad
            && !(1.0..=2.0 * MAX_POSITION).contains(&width.min(height)) | !(1.0..=2.0 * MAX_POSITION).contains(&width.max(height))
        {
            return Err(broken(
                "pad",
                format!("width and height of the pad must be from 1 to {} CSS pixels", 2.0 * MAX_POSITION),
            ));
        }
        Ok(capture)
    }

    /// A capture of these strokes. Empty strokes are left out, and the time of the first point becomes 0.
    ///
    /// # Errors
    /// What breaks a bound of [`Point`] or of this module, in words without values.
    pub fn new(pad: Option<(f32, f32)>, device: PointingDevice, strokes: Vec<Vec<Point>>) -> Result<Self, crate::Problem> {
        Self::checked(pad, device, strokes).map_err(crate::Problem::from)
    }

    /// All points, in the order of time.
    pub fn points(&self) -> impl Iterator<Item = &Point> {
        self.strokes.iter().flatten()
    }

    /// Whether pressure was measured: every point has one, and not always the same. A mouse tells 0.5 all the time.
    pub fn has_pressure(&self) -> bool {
        let first = self.points().next().and_then(|point| point.pressure);
        first.is_some()
            && self.points().all(|point| point.pressure.is_some())
            && self.points().any(|point| point.pressure != first)
    }

    /// What the check for repeated samples compares: positions from the first point in 1/10 CSS pixel, times from the first point in
    /// milliseconds, all as integers, each stroke with its number of points. It is the sample in clear: give it to an HMAC and to nothing
    /// else.
    ///
    /// Only exact reuse is found this way, wherever on the pad and whenever; what was changed a little is not.
    pub fn shape(&self) -> Zeroizing<Vec<u8>> {
        let size = self.strokes.iter().map(|stroke| 4 + 12 * stroke.len()).sum();
        let mut shape = Zeroizing::new(Vec::with_capacity(size));
        let Some(first) = self.points().next() else { return shape };
        let tenths = |to: f32, from: f32| ((f64::from(to) - f64::from(from)) * 10.0).round() as i32;
        for stroke in &self.strokes {
            shape.extend((stroke.len() as u32).to_be_bytes());
            for point in stroke {
                shape.extend(tenths(point.x, first.x).to_be_bytes());
                shape.extend(tenths(point.y, first.y).to_be_bytes());
                shape.extend(((point.t_ms - first.t_ms).round() as u32).to_be_bytes());
            }
        }
        shape
    }
}

fn check_point(point: &Point, last: f32) -> Result<(), Broken> {
    // Comparisons that not-a-number fails.
    let within = |value: f32, from: f32, to: f32| value >= from && value <= to;
    if !within(point.x, -MAX_POSITION, MAX_POSITION) || !within(point.y, -MAX_POSITION, MAX_POSITION) {
        return Err(broken("positions", format!("x and y must be CSS pixels from -{MAX_POSITION} to {MAX_POSITION}")));
    }
    if !within(point.t_ms, last, f32::INFINITY) {
        return Err(broken("times", "times must be milliseconds that never go back"));
    }
    if point.t_ms > MAX_DURATION_MS {
        let seconds = MAX_DURATION_MS / 1000.0;
        return Err(broken("duration_ms", format!("it took longer than {seconds:.1} s, which is the maximum: capture it again")));
    }
    if point.pressure.is_some_and(|pressure| !within(pressure, 0.0, 1.0)) {
        return Err(broken("pressure", "pressure must be from 0 to 1"));
    }
    if point.tilt.is_some_and(|(x, y)| !within(x, -90.0, 90.0) || !within(y, -90.0, 90.0)) {
        return Err(broken("tilt", "tilt must be degrees from -90 to 90"));
    }
    Ok(())
}
