//! Signatures made by code, for tests, the demo and benchmarks: seeded, so that the same numbers give the same signature everywhere. No real
//! person's signature is in it.
//!
//! The hand is modelled as two oscillations that move to the right (Hollerbach 1981), whose amplitudes, phases and tempo change from letter to
//! letter: slow in the turns, fast between them, as hands are.

use std::f64::consts::{PI, TAU};

use crate::capture::{Capture, Point, PointingDevice};

/// The pad that all are written on, in CSS pixels.
pub const PAD: (f32, f32) = (600.0, 200.0);

/// What makes a signature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hand {
    /// Another number, another hand.
    pub seed: u64,
    /// Samples a second.
    pub rate_hz: u32,
    /// From the first point to the last, from 0.5 to 60.
    pub seconds: f64,
    pub device: PointingDevice,
}

impl Default for Hand {
    /// A pen on a tablet, 200 samples a second for 2.6 s.
    fn default() -> Self {
        Self { seed: 1, rate_hz: 200, seconds: 2.6, device: PointingDevice::Pen }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// One letter: how wide and high it is, and how its two oscillations stand to each other.
struct Letter {
    width: f64,
    height: f64,
    phase: f64,
    advance: f64,
}

impl Hand {
    /// A signature in three or four strokes, the last of them underlining it.
    pub fn signature(&self) -> Capture {
        let mut random = Random(self.seed);
        let words = 2 + (random.next() % 2) as usize;
        let seconds = self.seconds.clamp(0.5, 60.0);
        // The pen is in the air for a twentieth of the time before each further stroke.
        let pause = seconds / 20.0;
        let writing = (seconds - pause * words as f64) / (words as f64 + 0.4);
        let mut strokes = Vec::new();
        let mut begin = 0.0;
        let mut left = f64::from(PAD.0) * 0.1;
        let room = f64::from(PAD.0) * 0.8 / words as f64;
        for _ in 0..words {
            strokes.push(self.word(&mut random, begin, writing, left, room));
            begin += writing + pause;
            left += room;
        }
        strokes.push(self.underline(&mut random, begin, writing * 0.4));
        capture(self.device, strokes)
    }

    fn word(&self, random: &mut Random, begin: f64, seconds: f64, left: f64, room: f64) -> Vec<Point> {
        // About five letters a second, at least three.
        let count = ((seconds * 5.0) as usize).clamp(3, 40);
        let letters: Vec<Letter> = (0..count)
            .map(|index| Letter {
                width: random.between(5.0, 13.0),
                // The first letter is a capital, and here and there one reaches up.
                height: if index == 0 || random.next().is_multiple_of(4) {
                    random.between(38.0, 55.0)
                } else {
                    random.between(10.0, 22.0)
                },
                phase: random.between(0.3, 0.8) * PI,
                advance: random.between(0.7, 1.3),
            })
            .collect();
        let advance = room * 0.8 / letters.iter().map(|letter| letter.advance).sum::<f64>();
        let tempo = random.between(0.15, 0.3);
        let drift = random.between(-0.06, 0.02);
        self.stroke(random, begin, seconds, |share| {
            // Hands are not even: some letters take longer.
            let at =
                (share + tempo / count as f64 * (share * count as f64 * 0.7 * TAU).sin() / TAU).clamp(0.0, 1.0) * count as f64;
            let index = (at as usize).min(count - 1);
            let (letter, within) = (&letters[index], at - index as f64);
            // From one letter to the next without a jump.
            let next = letters.get(index + 1).unwrap_or(letter);
            let blend = |of: fn(&Letter) -> f64| of(letter) + (of(next) - of(letter)) * within * within * (3.0 - 2.0 * within);
            let before: f64 = letters[..index].iter().map(|letter| letter.advance).sum();
            let angle = at * TAU;
            let x = left + advance * (before + letter.advance * within) + blend(|l| l.width) * (angle + blend(|l| l.phase)).sin();
            let y = f64::from(PAD.1) * 0.6 - blend(|l| l.height) * angle.sin() + drift * (x - left);
            (x, y)
        })
    }

    fn underline(&self, random: &mut Random, begin: f64, seconds: f64) -> Vec<Point> {
        let (rise, swing) = (random.between(-12.0, 4.0), random.between(4.0, 10.0));
        let width = f64::from(PAD.0);
        self.stroke(random, begin, seconds, |share| {
            // Fast in the middle.
            let way = share * share * (3.0 - 2.0 * share);
            (width * (0.82 - 0.66 * way), f64::from(PAD.1) * 0.88 + rise * way + swing * (way * 1.5 * PI).sin())
        })
    }

    /// Samples of a way that is told from 0 to 1.
    fn stroke(&self, random: &mut Random, begin: f64, seconds: f64, way: impl Fn(f64) -> (f64, f64)) -> Vec<Point> {
        let count = ((seconds * f64::from(self.rate_hz)) as usize).max(2);
        let (firm, wave) = (random.between(0.45, 0.65), random.between(2.0, 4.0));
        let sample = |index: usize| {
            let share = index as f64 / (count - 1) as f64;
            let (x, y) = way(share);
            // The pen lands and lifts within the first and last tenths.
            let landing = (share.min(1.0 - share) * 10.0).min(1.0);
            let pressure = landing * (firm + 0.25 * (share * wave * TAU).sin());
            Point {
                x: tenth(x.clamp(0.0, f64::from(PAD.0))),
                y: tenth(y.clamp(0.0, f64::from(PAD.1))),
                t_ms: tenth((begin + seconds * share) * 1000.0),
                pressure: self.pressure(pressure.clamp(0.02, 1.0)),
                tilt: None,
            }
        };
        (0..count).map(sample).collect()
    }

    /// Pens measure it, a mouse tells a half, a finger nothing.
    fn pressure(&self, measured: f64) -> Option<f32> {
        match self.device {
            PointingDevice::Pen => Some(((measured * 1000.0).round() / 1000.0) as f32),
            PointingDevice::Mouse => Some(0.5),
            PointingDevice::Touch | PointingDevice::Unknown => None,
        }
    }
}

fn tenth(value: f64) -> f32 {
    ((value * 10.0).round() / 10.0) as f32
}

fn capture(device: PointingDevice, strokes: Vec<Vec<Point>>) -> Capture {
    Capture { pad: Some(PAD), device, strokes }
}

/// Samples at equal times of a finger's way, which is told from 0 to 1.
fn even(begin_ms: f64, seconds: f64, rate_hz: u32, way: impl Fn(f64) -> (f64, f64)) -> Vec<Point> {
    let count = ((seconds * f64::from(rate_hz)) as usize).max(1);
    let sample = |index: usize| {
        let (x, y) = way(index as f64 / count as f64);
        let t_ms = (begin_ms + index as f64 * 1000.0 / f64::from(rate_hz)) as f32;
        Point { x: x as f32, y: y as f32, t_ms, pressure: None, tilt: None }
    };
    (0..=count).map(sample).collect()
}

/// A finger put down once.
pub fn dot() -> Capture {
    capture(PointingDevice::Touch, vec![even(0.0, 0.1, 60, |_| (300.0, 100.0))])
}

/// A finger put down six times, here and there.
pub fn taps() -> Capture {
    let tap = |number: u32| {
        let x = 200.0 + 30.0 * f64::from(number);
        even(f64::from(number) * 300.0, 0.08, 60, move |_| (x, 100.0 + f64::from(number % 2) * 40.0))
    };
    capture(PointingDevice::Touch, (0..6).map(tap).collect())
}

/// A straight line, drawn in a second.
pub fn line() -> Capture {
    capture(PointingDevice::Touch, vec![even(0.0, 1.0, 60, |share| (100.0 + 400.0 * share, 60.0 + 80.0 * share))])
}

/// A cross, as people sign who do not write.
pub fn cross() -> Capture {
    let eased = |share: f64| share * share * (3.0 - 2.0 * share);
    let down = even(0.0, 0.5, 60, move |share| (240.0 + 120.0 * eased(share), 40.0 + 120.0 * eased(share)));
    let up = even(800.0, 0.5, 60, move |share| (360.0 - 118.0 * eased(share), 42.0 + 116.0 * eased(share)));
    capture(PointingDevice::Touch, vec![down, up])
}

/// A circle drawn by a script: as even as no hand draws.
pub fn circle() -> Capture {
    let way = |share: f64| (300.0 + 80.0 * (share * TAU).cos(), 100.0 + 80.0 * (share * TAU).sin());
    capture(PointingDevice::Touch, vec![even(0.0, 2.0, 60, way)])
}

/// A signature whose pen moved for 66 s, longer than is taken: as `rubrica-strokes-1`, as it can be no [`Capture`].
pub fn too_long() -> String {
    let points: Vec<String> = (0..=660)
        .map(|index| {
            let angle = f64::from(index) / 10.0;
            format!("[{:.1},{:.1},{}]", 300.0 + 200.0 * (angle * 0.31).sin(), 100.0 + 80.0 * angle.sin(), index * 100)
        })
        .collect();
    let head = r#"{"format":"rubrica-strokes-1","width":600,"height":200,"unit":"css-px","device":"touch","strokes":[["#;
    format!("{head}{}]]}}", points.join(","))
}
