//! Strokes in JSON: our own `rubrica-strokes-1`, and what `toData()` of szimek's `signature_pad` gives.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use zeroize::{Zeroize, Zeroizing};

use crate::capture::{Broken, Capture, MAX_POINTS, MAX_STROKES, Point, PointingDevice, broken};

/// The name of our own format.
pub(crate) const OURS: &str = "rubrica-strokes-1";
/// What the names of our own formats begin with, of all versions.
const OUR_NAMES: &str = "rubrica-strokes-";

/// How a text in JSON was read.
pub(crate) enum Found {
    Capture(Capture),
    /// It is JSON of somebody else, or none at all.
    NotOurs,
}

/// Reads a text that begins as an object: our own format if it says so.
pub(crate) fn read_ours(text: &str) -> Result<Found, Broken> {
    let error = match serde_json::from_str::<Ours>(text) {
        Ok(ours) if ours.format.as_deref() == Some(OURS) => return ours.into_capture().map(Found::Capture),
        Ok(ours) => return not_ours(ours.format.as_deref()),
        Err(error) => error,
    };
    match serde_json::from_str::<Named>(text) {
        Ok(Named { format }) => match format.as_ref().and_then(serde_json::Value::as_str) {
            Some(OURS) => Err(not_as_said(OURS, &error)),
            format => not_ours(format),
        },
        // Not JSON at all. Whoever meant our format is told so.
        Err(_) if text.contains(OUR_NAMES) => Err(not_as_said(OURS, &error)),
        Err(_) => Ok(Found::NotOurs),
    }
}

fn not_ours(format: Option<&str>) -> Result<Found, Broken> {
    match format {
        Some(format) if format.starts_with(OUR_NAMES) => {
            Err(broken("format", format!("this version of {OUR_NAMES} is not known here: send {OURS}")))
        }
        _ => Ok(Found::NotOurs),
    }
}

/// The place of an error of JSON. The error's own words are not told, as they may hold a value.
fn not_as_said(format: &'static str, error: &serde_json::Error) -> Broken {
    let (line, column) = (error.line(), error.column());
    broken("biometric_data", format!("it is not JSON as {format} has it (line {line}, column {column})"))
}

/// Reads a text that begins as an array: data of `signature_pad` if there are groups of points in it.
pub(crate) fn read_signature_pad(text: &str) -> Result<Found, Broken> {
    match serde_json::from_str::<Wiped<Group>>(text) {
        Ok(groups) if groups.0.is_empty() => {
            Err(broken("strokes", "there is no stroke in it: the pad was empty when it was sent"))
        }
        Ok(groups) if groups.0.iter().all(|group| group.points.is_none()) => Ok(Found::NotOurs),
        Ok(groups) => groups.into_capture().map(Found::Capture),
        Err(error) if text.contains("\"points\"") => Err(not_as_said("signature_pad", &error)),
        Err(_) => Ok(Found::NotOurs),
    }
}

/// A list that leaves no copy of what is in it behind: where it grows, the old place is wiped, and at the end so is the last.
struct Wiped<T: Zeroize>(Vec<T>);

impl<T: Zeroize> Drop for Wiped<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> Default for Wiped<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Zeroize> Zeroize for Wiped<T> {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize + Default> Wiped<T> {
    fn push(&mut self, item: T) {
        if self.0.len() == self.0.capacity() {
            let mut larger = Vec::with_capacity((self.0.capacity() * 2).max(16));
            larger.extend(self.0.iter_mut().map(std::mem::take));
            self.0.zeroize();
            self.0 = larger;
        }
        self.0.push(item);
    }
}

impl<'de, T: Deserialize<'de> + Zeroize + Default> Deserialize<'de> for Wiped<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Zeroize + Default> Visitor<'de> for List<T> {
            type Value = Wiped<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut list = Wiped::default();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(list)
            }
        }
        deserializer.deserialize_seq(List(std::marker::PhantomData))
    }
}

/// An object that may say its format; whatever else is in it.
#[derive(Deserialize)]
struct Named {
    format: Option<serde_json::Value>,
}

/// `rubrica-strokes-1`. Members that are not named here are the client's own, and are kept in the text that is encrypted.
#[derive(Deserialize)]
struct Ours {
    format: Option<String>,
    width: f64,
    height: f64,
    unit: Option<String>,
    #[serde(default)]
    device: PointingDevice,
    strokes: Wiped<Wiped<Raw>>,
}

impl Ours {
    fn into_capture(self) -> Result<Capture, Broken> {
        if self.unit.as_deref().is_some_and(|unit| unit != "css-px") {
            return Err(broken("unit", "positions must be CSS pixels: send \"unit\": \"css-px\""));
        }
        capture(Some((self.width as f32, self.height as f32)), self.device, self.strokes.0.iter().map(|stroke| &stroke.0[..]))
    }
}

/// Numbers of a point as they are written. What is missing is not a number.
#[derive(Clone, Copy, Default)]
struct Raw {
    x: f64,
    y: f64,
    time: f64,
    pressure: Option<f64>,
    tilt: Option<(f64, f64)>,
}

impl Zeroize for Raw {
    fn zeroize(&mut self) {
        self.x.zeroize();
        self.y.zeroize();
        self.time.zeroize();
        self.pressure.zeroize();
        if let Some((x, y)) = &mut self.tilt {
            x.zeroize();
            y.zeroize();
        }
        self.tilt = None;
    }
}

impl<'de> Deserialize<'de> for Raw {
    /// `[x, y, time]`, then pressure (`null` where there is none), then tilt along x and along y.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Numbers;
        impl<'de> Visitor<'de> for Numbers {
            type Value = Raw;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("three, four or six numbers")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
                let mut numbers: [Option<f64>; 6] = [None; 6];
                let mut count = 0;
                while let Some(number) = items.next_element::<Option<f64>>()? {
                    *numbers.get_mut(count).ok_or_else(|| serde::de::Error::invalid_length(7, &self))? = number;
                    count += 1;
                }
                let [Some(x), Some(y), Some(time), pressure, tilt_x, tilt_y] = numbers else {
                    return Err(serde::de::Error::invalid_length(count, &self));
                };
                if count == 5 {
                    return Err(serde::de::Error::invalid_length(count, &self));
                }
                Ok(Raw { x, y, time, pressure, tilt: tilt_x.zip(tilt_y) })
            }
        }
        deserializer.deserialize_seq(Numbers)
    }
}

/// A stroke of `signature_pad`: its points; colour and widths do not matter here.
#[derive(Deserialize, Default)]
struct Group {
    points: Option<Wiped<PadPoint>>,
}

impl Zeroize for Group {
    fn zeroize(&mut self) {
        if let Some(points) = &mut self.points {
            points.zeroize();
        }
    }
}

#[derive(Deserialize, Default)]
struct PadPoint {
    x: f64,
    y: f64,
    /// Milliseconds since 1970, or since the page was loaded.
    time: f64,
    pressure: Option<f64>,
}

impl Zeroize for PadPoint {
    fn zeroize(&mut self) {
        self.x.zeroize();
        self.y.zeroize();
        self.time.zeroize();
        self.pressure.zeroize();
    }
}

impl Wiped<Group> {
    fn into_capture(self) -> Result<Capture, Broken> {
        let mut strokes = Wiped::default();
        for group in &self.0 {
            let mut stroke = Wiped::default();
            for point in group.points.iter().flat_map(|points| &points.0) {
                stroke.push(Raw { x: point.x, y: point.y, time: point.time, pressure: point.pressure, tilt: None });
            }
            strokes.push(stroke);
        }
        capture(None, PointingDevice::Unknown, strokes.0.iter().map(|stroke| &stroke.0[..]))
    }
}

/// The capture of strokes as they are written. Its lists are made once, so that nothing of them is left behind.
fn capture<'a>(
    pad: Option<(f32, f32)>,
    device: PointingDevice,
    strokes: impl Iterator<Item = &'a [Raw]> + Clone,
) -> Result<Capture, Broken> {
    let strokes = strokes.filter(|stroke| !stroke.is_empty());
    // Before anything is copied.
    if strokes.clone().count() > MAX_STROKES {
        return Err(broken("strokes", format!("it has more than {MAX_STROKES} strokes")));
    }
    if strokes.clone().map(<[Raw]>::len).sum::<usize>() > MAX_POINTS {
        return Err(broken("points", format!("it has more than {MAX_POINTS} points")));
    }
    // In 64 bits: milliseconds since 1970 have 41.
    let begin = strokes.clone().flatten().next().map_or(0.0, |point| point.time);
    let point = |raw: &Raw| Point {
        x: raw.x as f32,
        y: raw.y as f32,
        t_ms: (raw.time - begin) as f32,
        pressure: raw.pressure.map(|pressure| pressure as f32),
        tilt: raw.tilt.map(|(x, y)| (x as f32, y as f32)),
    };
    Capture::checked(pad, device, strokes.map(|stroke| stroke.iter().map(point).collect()).collect())
}

impl Capture {
    /// The capture as `rubrica-strokes-1`, as a page sends it: positions and times to 1/10, pressure and tilt to 1/1000.
    ///
    /// Without a pad its size is that of a pad that holds the capture.
    pub fn to_strokes(&self) -> Zeroizing<String> {
        let (width, height) = self.pad.unwrap_or_else(|| {
            let far = |of: fn(&Point) -> f32| self.points().map(of).fold(1.0_f32, f32::max).ceil();
            (far(|point| point.x), far(|point| point.y))
        });
        let device = match self.device {
            PointingDevice::Pen => "pen",
            PointingDevice::Touch => "touch",
            PointingDevice::Mouse => "mouse",
            PointingDevice::Unknown => "unknown",
        };
        let mut text = Zeroizing::new(String::with_capacity(160 + 48 * self.points().count()));
        text.push_str(&format!(
            r#"{{"format":"{OURS}","width":{width},"height":{height},"unit":"css-px","device":"{device}","strokes":["#
        ));
        for (number, stroke) in self.strokes.iter().enumerate() {
            text.push_str(if number == 0 { "[" } else { ",[" });
            for (index, point) in stroke.iter().enumerate() {
                text.push_str(if index == 0 { "[" } else { ",[" });
                for (place, value) in [point.x, point.y, point.t_ms].into_iter().enumerate() {
                    text.push_str(if place == 0 { "" } else { "," });
                    push_rounded(&mut text, value, 10.0);
                }
                match point.pressure {
                    Some(pressure) => {
                        text.push(',');
                        push_rounded(&mut text, pressure, 1000.0);
                    }
                    None if point.tilt.is_some() => text.push_str(",null"),
                    None => {}
                }
                if let Some((x, y)) = point.tilt {
                    for value in [x, y] {
                        text.push(',');
                        push_rounded(&mut text, value, 1000.0);
                    }
                }
                text.push(']');
            }
            text.push(']');
        }
        text.push_str("]}");
        text
    }

    /// The capture as `signature_pad` 4 and 5 give it, beginning at `since_1970` milliseconds.
    pub fn to_signature_pad(&self, since_1970: u64) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(16 + self.strokes.len() * 120 + 96 * self.points().count()));
        text.push('[');
        for (number, stroke) in self.strokes.iter().enumerate() {
            text.push_str(if number == 0 { "" } else { "," });
            text.push_str(
                r#"{"penColor":"black","dotSize":0,"minWidth":0.5,"maxWidth":2.5,"velocityFilterWeight":0.7,"points":["#,
            );
            for (index, point) in stroke.iter().enumerate() {
                text.push_str(if index == 0 { r#"{"time":"# } else { r#",{"time":"# });
                text.push_str(&(since_1970 + point.t_ms.round() as u64).to_string());
                text.push_str(r#","x":"#);
                push_rounded(&mut text, point.x, 10.0);
                text.push_str(r#","y":"#);
                push_rounded(&mut text, point.y, 10.0);
                text.push_str(r#","pressure":"#);
                push_rounded(&mut text, point.pressure.unwrap_or(0.5), 1000.0);
                text.push('}');
            }
            text.push_str("]}");
        }
        text.push(']');
        text
    }
}

/// A number with as many digits after the point as `per_unit` has zeros, without those at its end.
fn push_rounded(text: &mut String, value: f32, per_unit: f64) {
    let rounded = (f64::from(value) * per_unit).round() / per_unit;
    // Zero has no sign.
    let rounded = if rounded == 0.0 { 0.0 } else { rounded };
    text.push_str(&rounded.to_string());
}
