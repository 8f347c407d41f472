//! ISO/IEC 19794-7:2007, full format: time series of a signature. Not certified for conformance.
//!
//! The layout, all big-endian, is that of the 2007 edition: `"SDI\0"`, `" 10\0"`, the included channels, a description of each, one
//! reserved byte, a flag of extended data, the number of points in 24 bits, and the points. Other editions are refused. What could not be
//! established from public text: the value of the flag of extended data (none is written; any but 0 is read as "there is some") and
//! whether channel S has one byte or two (it is never written; where it is read, the length of the record tells).
//!
//! What is written for a capture: X and Y in 1/10 CSS pixel, growing to the right and downwards, with their scaling to metres; T in
//! milliseconds; and F, uncalibrated, where pressure was measured. F is 0 where the pen was lifted, at the place it was lifted from. Of
//! several strokes without pressure F says only that, with 1 for the pen on the pad and 1 as its maximum. Tilt is not written, as its
//! unit could not be established; it is in the InkML.

use zeroize::{Zeroize, Zeroizing};

use crate::Problem;
use crate::capture::{Capture, MAX_POINTS, MAX_POSITION, MAX_STROKES, Point, PointingDevice, broken};

/// Format identifier, and the version of the edition of 2007.
const FORMAT: &[u8; 4] = b"SDI\0";
const VERSION: &[u8; 4] = b" 10\0";

/// A point for each of a capture, and one for each time the pen is lifted.
const MAX_RECORD_POINTS: usize = MAX_POINTS + MAX_STROKES;

/// CSS pixels of a metre: 96 of an inch.
const PIXELS_PER_METRE: f64 = 96.0 / 0.0254;
/// CSS pixels of a unit of a device that does not say its scaling: 300 units of an inch, which many pads have.
const PIXELS_PER_UNIT: f64 = 96.0 / 300.0;
/// Levels of pressure that are written.
const PRESSURE_MAX: i32 = 1023;

/// Preamble of a channel: values that follow it, and flags.
const SCALING: u8 = 0x80;
const MIN: u8 = 0x40;
const MAX: u8 = 0x20;
const MEAN: u8 = 0x10;
const DEVIATION: u8 = 0x08;
const CONSTANT: u8 = 0x04;
const LINEAR_REMOVED: u8 = 0x02;

/// The offset of signed values.
const SIGNED_ZERO: i32 = 0x8000;

/// Why bytes are not a record that can be read. No text holds a value of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("this is not a record by ISO/IEC 19794-7")]
    NotARecord,
    #[error("only the edition of 2007 of ISO/IEC 19794-7 can be read (version \" 10\")")]
    OtherEdition,
    #[error("the record by ISO/IEC 19794-7 ends too early")]
    Truncated,
    #[error("there is more behind the last point of the record by ISO/IEC 19794-7 than it says")]
    TooLong,
    #[error("the record by ISO/IEC 19794-7 has more than {MAX_RECORD_POINTS} points")]
    TooManyPoints,
    #[error("the record by ISO/IEC 19794-7 cannot be read: {0}")]
    Malformed(&'static str),
}

/// The channels, in the order of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    X,
    Y,
    Z,
    Vx,
    Vy,
    Ax,
    Ay,
    /// Time since the first point.
    T,
    /// Time since the point before.
    Dt,
    /// Force of the pen.
    F,
    /// Whether the tip touches the pad.
    S,
    Tx,
    Ty,
    Azimuth,
    Elevation,
    Rotation,
}

impl Channel {
    const ALL: [Self; 16] = [
        Self::X,
        Self::Y,
        Self::Z,
        Self::Vx,
        Self::Vy,
        Self::Ax,
        Self::Ay,
        Self::T,
        Self::Dt,
        Self::F,
        Self::S,
        Self::Tx,
        Self::Ty,
        Self::Azimuth,
        Self::Elevation,
        Self::Rotation,
    ];

    /// Its bit among the included channels.
    fn bit(self) -> u16 {
        0x8000 >> (self as u16)
    }

    fn zero(self) -> i32 {
        let signed = matches!(self, Self::X | Self::Y | Self::Vx | Self::Vy | Self::Ax | Self::Ay | Self::Tx | Self::Ty);
        if signed { SIGNED_ZERO } else { 0 }
    }
}

/// A scaling value: stored value / scaling = value in SI units. It has 5 bits of exponent and 11 of mantissa, so that 37,795 is kept as
/// 37,792; from 2^-16 to 65,520.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scaling(u16);

impl Scaling {
    /// The nearest scaling that is not larger than `value`. What is out of its range becomes its smallest or largest.
    pub fn of(value: f64) -> Self {
        let exponent = value.max(f64::MIN_POSITIVE).log2().floor().clamp(-16.0, 15.0);
        let mantissa = ((value / exponent.exp2() - 1.0) * 2048.0).floor().clamp(0.0, 2047.0);
        Self(((exponent as i32 + 16) as u16) << 11 | mantissa as u16)
    }

    pub fn value(self) -> f64 {
        (1.0 + f64::from(self.0 & 0x7ff) / 2048.0) * (f64::from(self.0 >> 11) - 16.0).exp2()
    }
}

/// What a record says of one of its channels. Values are as stored, without the offset of signed channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub channel: Channel,
    pub scaling: Option<Scaling>,
    pub min: Option<i32>,
    pub max: Option<i32>,
    pub mean: Option<i32>,
    /// Standard deviation.
    pub deviation: Option<i32>,
    /// All points have the same value, which is then not repeated with each.
    pub constant: bool,
    /// A linear part was taken out of the values.
    pub linear_removed: bool,
}

impl Description {
    /// A channel without any values in its description.
    pub fn of(channel: Channel) -> Self {
        let (scaling, min, max, mean, deviation) = (None, None, None, None, None);
        Self { channel, scaling, min, max, mean, deviation, constant: false, linear_removed: false }
    }

    fn preamble(&self) -> u8 {
        [
            (self.scaling.is_some(), SCALING),
            (self.min.is_some(), MIN),
            (self.max.is_some(), MAX),
            (self.mean.is_some(), MEAN),
            (self.deviation.is_some(), DEVIATION),
            (self.constant, CONSTANT),
            (self.linear_removed, LINEAR_REMOVED),
        ]
        .into_iter()
        .filter(|(is_set, _)| *is_set)
        .fold(0, |preamble, (_, bit)| preamble | bit)
    }

    /// The value of a constant channel: its mean, or else its minimum or maximum; 1 if it says none of them.
    fn constant_value(&self) -> i32 {
        self.mean.or(self.min).or(self.max).unwrap_or(1)
    }

    /// Whether all its values fit into what a record stores of them.
    fn fits(&self) -> bool {
        let values = [self.min, self.max, self.mean].into_iter().flatten();
        values.map(|value| value + self.channel.zero()).chain(self.deviation).all(|value| u16::try_from(value).is_ok())
    }
}

/// A record, in the values that it stores. It is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    channels: Vec<Description>,
    points: usize,
    /// One after the other for each point, without constant channels and without the offset of signed ones.
    values: Vec<i32>,
}

impl Drop for Record {
    fn drop(&mut self) {
        self.values.zeroize();
    }
}

impl Record {
    /// A record of these channels, which are in the order of [`Channel`], and of a list of values for each point: one value for each
    /// channel that is not constant.
    ///
    /// # Errors
    /// [`Error::Malformed`] where something does not fit; [`Error::TooManyPoints`].
    pub fn new(channels: Vec<Description>, points: &[Vec<i32>]) -> Result<Self, Error> {
        if channels.is_empty() || channels.windows(2).any(|pair| pair[0].channel as u8 >= pair[1].channel as u8) {
            return Err(Error::Malformed("its channels are not in their order"));
        }
        if channels.iter().any(|description| description.channel == Channel::S) {
            return Err(Error::Malformed("channel S is not written, as its width is not known"));
        }
        if points.len() > MAX_RECORD_POINTS {
            return Err(Error::TooManyPoints);
        }
        let varying: Vec<Channel> = varying(&channels).map(|description| description.channel).collect();
        let fits = |(channel, value): (&Channel, &i32)| {
            value.checked_add(channel.zero()).is_some_and(|stored| u16::try_from(stored).is_ok())
        };
        if points.iter().any(|point| point.len() != varying.len() || !varying.iter().zip(point).all(fits))
            || !channels.iter().all(Description::fits)
        {
            return Err(Error::Malformed("a value does not fit into 16 bits, or is missing"));
        }
        let mut values = Vec::with_capacity(points.len() * varying.len());
        values.extend(points.iter().flatten());
        Ok(Self { channels, points: points.len(), values })
    }

    pub fn channels(&self) -> &[Description] {
        &self.channels
    }

    /// The number of points.
    pub fn len(&self) -> usize {
        self.points
    }

    pub fn is_empty(&self) -> bool {
        self.points == 0
    }

    /// The stored value of a channel at each point, without the offset of signed channels. Nothing for a channel that is not included.
    pub fn values(&self, channel: Channel) -> Option<impl Iterator<Item = i32>> {
        let description = self.describe(channel)?;
        let width = varying(&self.channels).count();
        let place = varying(&self.channels).position(|other| other.channel == channel);
        let constant = description.constant_value();
        Some((0..self.points).map(move |point| place.map_or(constant, |place| self.values[point * width + place])))
    }

    fn describe(&self, channel: Channel) -> Option<&Description> {
        self.channels.iter().find(|description| description.channel == channel)
    }

    /// The record's bytes.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(32 + 11 * self.channels.len() + 2 * self.values.len()));
        out.extend_from_slice(FORMAT);
        out.extend_from_slice(VERSION);
        out.extend(self.channels.iter().fold(0, |bits, description| bits | description.channel.bit()).to_be_bytes());
        for description in &self.channels {
            out.push(description.preamble());
            if let Some(Scaling(scaling)) = description.scaling {
                out.extend(scaling.to_be_bytes());
            }
            for value in [description.min, description.max, description.mean].into_iter().flatten() {
                out.extend(stored(value + description.channel.zero()));
            }
            if let Some(deviation) = description.deviation {
                out.extend(stored(deviation));
            }
        }
        // The end of the header; no extended data; the number of points in 24 bits.
        out.extend([0, 0]);
        out.extend_from_slice(&(self.points as u32).to_be_bytes()[1..]);
        let zeros: Vec<i32> = varying(&self.channels).map(|description| description.channel.zero()).collect();
        if !zeros.is_empty() {
            for point in self.values.chunks(zeros.len()) {
                for (value, zero) in point.iter().zip(&zeros) {
                    out.extend(stored(value + zero));
                }
            }
        }
        out
    }

    /// Reads a record. Extended data is left out.
    ///
    /// # Errors
    /// [`Error`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut input = Input(bytes);
        if input.take(4).is_none_or(|format| format != FORMAT) {
            return Err(Error::NotARecord);
        }
        if input.take(4).ok_or(Error::Truncated)? != VERSION {
            return Err(Error::OtherEdition);
        }
        let included = input.u16()?;
        let mut channels = Vec::new();
        for channel in Channel::ALL.into_iter().filter(|channel| included & channel.bit() != 0) {
            channels.push(input.description(channel)?);
        }
        if channels.is_empty() {
            return Err(Error::Malformed("it includes no channel"));
        }
        if input.u8()? != 0 {
            return Err(Error::Malformed("its header does not end with zero"));
        }
        let extended = input.u8()? != 0;
        let points = usize::from(input.u8()?) << 16 | usize::from(input.u16()?);
        if points > MAX_RECORD_POINTS {
            return Err(Error::TooManyPoints);
        }
        let values = input.points(&channels, points)?;
        let record = Self { channels, points, values };
        if !extended && !input.0.is_empty() { Err(Error::TooLong) } else { Ok(record) }
    }

    /// The capture that the record holds, for figures and ink. Its place on the pad, tilt and channels that a capture has not are left
    /// out. Positions without scaling are taken as 300 units of an inch, times without scaling as milliseconds.
    ///
    /// # Errors
    /// X, Y or time is missing, or the record is beyond the bounds of a [`Capture`].
    pub fn to_capture(&self) -> Result<Capture, Problem> {
        let x = self.positions(Channel::X)?;
        let y = self.positions(Channel::Y)?;
        let times = self.times()?;
        let pressures = self.pressures();
        let touches: Option<Vec<bool>> = match (self.values(Channel::S), self.values(Channel::F)) {
            (Some(values), _) | (None, Some(values)) => Some(values.map(|value| value != 0).collect()),
            (None, None) => None,
        };
        // Made once, as long as they will be: nothing of them is left behind where they grow.
        let mut strokes = Vec::with_capacity(MAX_STROKES.min(self.points));
        let mut begin = 0;
        while begin < self.points {
            let is_down = |index: &usize| touches.as_ref().is_none_or(|touches| touches[*index]);
            let end = (begin..self.points).find(|index| !is_down(index)).unwrap_or(self.points);
            if end > begin {
                let point = |index: usize| Point {
                    x: x[index] as f32,
                    y: y[index] as f32,
                    t_ms: times[index] as f32,
                    pressure: pressures.as_ref().map(|pressures| pressures[index] as f32),
                    tilt: None,
                };
                strokes.push((begin..end).map(point).collect());
            }
            begin = end + 1;
        }
        Ok(Capture::checked(None, PointingDevice::Unknown, strokes)?)
    }

    /// Positions in CSS pixels.
    fn positions(&self, channel: Channel) -> Result<Zeroizing<Vec<f64>>, Problem> {
        let (Some(description), Some(values)) = (self.describe(channel), self.values(channel)) else {
            return Err(broken("biometric_data", "the record by ISO/IEC 19794-7 has no channel X or no channel Y").into());
        };
        if description.linear_removed {
            return Err(broken("biometric_data", "the record by ISO/IEC 19794-7 has a linear part taken out of X or Y").into());
        }
        let unit = description.scaling.map_or(PIXELS_PER_UNIT, |scaling| PIXELS_PER_METRE / scaling.value());
        let mut pixels = Zeroizing::new(Vec::with_capacity(self.points));
        pixels.extend(values.map(|value| f64::from(value) * unit));
        let smallest = pixels.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = pixels.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let half = f64::from(MAX_POSITION);
        if largest - smallest > 2.0 * half {
            return Err(broken("positions", "the signature is larger than 1.7 m by the scaling of its record").into());
        }
        // From 0 where there is room, as most pads count; around 0 where there is not.
        let origin = if largest - smallest > half { (smallest + largest) / 2.0 } else { smallest };
        pixels.iter_mut().for_each(|pixel| *pixel = (*pixel - origin).clamp(-half, half));
        Ok(pixels)
    }

    /// Times in milliseconds from the first.
    fn times(&self) -> Result<Zeroizing<Vec<f64>>, Problem> {
        let unit = |description: &Description| description.scaling.map_or(1.0, |scaling| 1000.0 / scaling.value());
        let mut times = Zeroizing::new(Vec::with_capacity(self.points));
        if let (Some(description), Some(values)) = (self.describe(Channel::T), self.values(Channel::T)) {
            times.extend(values.map(|value| f64::from(value) * unit(description)));
        } else if let (Some(description), Some(values)) = (self.describe(Channel::Dt), self.values(Channel::Dt)) {
            let mut time = 0.0;
            times.extend(values.map(|value| {
                time += f64::from(value) * unit(description);
                time
            }));
        } else {
            return Err(broken("biometric_data", "the record by ISO/IEC 19794-7 has neither channel T nor channel DT").into());
        }
        let first = times.first().copied().unwrap_or(0.0);
        times.iter_mut().for_each(|time| *time -= first);
        Ok(times)
    }

    /// Pressures from 0 to 1 of the maximum that the record says, or else of the largest.
    fn pressures(&self) -> Option<Zeroizing<Vec<f64>>> {
        let description = self.describe(Channel::F)?;
        let largest = self.values(Channel::F)?.max()?;
        let max = f64::from(description.max.unwrap_or(largest).max(1));
        let mut pressures = Zeroizing::new(Vec::with_capacity(self.points));
        pressures.extend(self.values(Channel::F)?.map(|value| (f64::from(value) / max).clamp(0.0, 1.0)));
        Some(pressures)
    }
}

/// The channels whose values are with the points.
fn varying(channels: &[Description]) -> impl Iterator<Item = &Description> {
    channels.iter().filter(|description| !description.constant)
}

/// A value as it is stored; that it fits was seen to when it was made.
fn stored(value: i32) -> [u8; 2] {
    (value as u16).to_be_bytes()
}

/// What is left to read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Result<u8, Error> {
        self.take(1).map(|bytes| bytes[0]).ok_or(Error::Truncated)
    }

    fn u16(&mut self) -> Result<u16, Error> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]])).ok_or(Error::Truncated)
    }

    fn description(&mut self, channel: Channel) -> Result<Description, Error> {
        let preamble = self.u8()?;
        let mut value = |bit: u8, zero: i32| -> Result<Option<i32>, Error> {
            if preamble & bit == 0 { Ok(None) } else { Ok(Some(i32::from(self.u16()?) - zero)) }
        };
        Ok(Description {
            channel,
            scaling: value(SCALING, 0)?.map(|scaling| Scaling(scaling as u16)),
            min: value(MIN, channel.zero())?,
            max: value(MAX, channel.zero())?,
            mean: value(MEAN, channel.zero())?,
            deviation: value(DEVIATION, 0)?,
            constant: preamble & CONSTANT != 0,
            linear_removed: preamble & LINEAR_REMOVED != 0,
        })
    }

    fn points(&mut self, channels: &[Description], points: usize) -> Result<Vec<i32>, Error> {
        let varying: Vec<Channel> = varying(channels).map(|description| description.channel).collect();
        let wide = points * varying.len() * 2;
        // With one byte for S the record is shorter by one for each point. Where extended data hides the end, S has two.
        let narrow_switch = varying.contains(&Channel::S) && self.0.len() < wide;
        let length = if narrow_switch { wide - points } else { wide };
        let mut input = Input(self.take(length).ok_or(Error::Truncated)?);
        let mut values = Vec::with_capacity(points * varying.len());
        for _ in 0..points {
            for channel in &varying {
                let value =
                    if narrow_switch && *channel == Channel::S { i32::from(input.u8()?) } else { i32::from(input.u16()?) };
                values.push(value - channel.zero());
            }
        }
        Ok(values)
    }
}

impl Capture {
    /// The capture as a record by ISO/IEC 19794-7:2007, full format, not certified for conformance. [`crate::iso`] says what is in it.
    pub fn to_iso(&self) -> Zeroizing<Vec<u8>> {
        self.to_record().encode()
    }

    fn to_record(&self) -> Record {
        let has_pressure = self.has_pressure();
        let has_force = has_pressure || self.strokes.len() > 1;
        let tenths = |value: f32| ((f64::from(value) * 10.0).round() as i32).clamp(-32_760, 32_760);
        let down = |point: &Point| match point.pressure {
            // A pen on the pad has some pressure, as none means that it is lifted.
            Some(pressure) if has_pressure => ((pressure * PRESSURE_MAX as f32).round() as i32).clamp(1, PRESSURE_MAX),
            _ => 1,
        };
        let width = if has_force { 4 } else { 3 };
        let points = self.points().count() + if has_force { self.strokes.len() } else { 0 };
        let mut values = Vec::with_capacity(points * width);
        let mut push = |point: &Point, force: i32| {
            let time = (point.t_ms.round() as i32).clamp(0, i32::from(u16::MAX));
            values.extend([tenths(point.x), tenths(point.y), time]);
            values.extend(has_force.then_some(force));
        };
        for stroke in &self.strokes {
            stroke.iter().for_each(|point| push(point, down(point)));
            if let Some(last) = stroke.last().filter(|_| has_force) {
                push(last, 0);
            }
        }
        let position = |channel: Channel, of: fn(&Point) -> f32, pad: Option<f32>| {
            let range = || self.points().map(of).map(tenths);
            let (min, max) = match pad {
                Some(size) => (Some(0), Some(tenths(size))),
                None => (range().min(), range().max()),
            };
            Description { scaling: Some(Scaling::of(PIXELS_PER_METRE * 10.0)), min, max, ..Description::of(channel) }
        };
        let mut channels = vec![
            position(Channel::X, |point| point.x, self.pad.map(|(width, _)| width)),
            position(Channel::Y, |point| point.y, self.pad.map(|(_, height)| height)),
            Description { scaling: Some(Scaling::of(1000.0)), ..Description::of(Channel::T) },
        ];
        if has_force {
            let max = Some(if has_pressure { PRESSURE_MAX } else { 1 });
            channels.push(Description { min: Some(0), max, ..Description::of(Channel::F) });
        }
        Record { channels, points, values }
    }
}

#[cfg(test)]
mod tests;
