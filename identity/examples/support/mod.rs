//! What training and evaluation share: numbers that look random but come from a seed, and the glyphs of OCR-B fonts.
//!
//! The fonts are those of Debian's package `fonts-ocr-b` (in the public domain); they are needed here alone.

#![allow(dead_code, reason = "each program uses its part")]

use std::path::Path;

use identity::network::ALPHABET;
use skrifa::{
    FontRef, MetadataProvider,
    instance::{LocationRef, Size},
    outline::{DrawSettings, OutlinePen},
};

/// Numbers from a seed (SplitMix64).
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to less than 1.
    pub fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u64 << 24) as f32
    }

    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    pub fn below(&mut self, count: usize) -> usize {
        (self.next() % count.max(1) as u64) as usize
    }

    pub fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    pub fn pick<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        &values[self.below(values.len())]
    }

    /// Nearly normally distributed, deviation 1: the sum of four uniform numbers.
    pub fn normal(&mut self) -> f32 {
        let bits = self.next();
        let sum: u64 = (0..4).map(|part| bits >> (16 * part) & 0xffff).sum();
        (sum as f32 / 65_536.0 - 2.0) * 3.0_f32.sqrt()
    }
}

/// How much ink is where: rows of `width` values from 0 to 1.
#[derive(Clone)]
pub struct Bitmap {
    pub width: usize,
    pub height: usize,
    pub ink: Vec<f32>,
}

impl Bitmap {
    /// Between the pixels; nothing beyond the edges.
    pub fn at(&self, x: f32, y: f32) -> f32 {
        let (left, top) = ((x - 0.5).floor(), (y - 0.5).floor());
        let (fx, fy) = (x - 0.5 - left, y - 0.5 - top);
        let pixel = |x: f32, y: f32| {
            let is_within = x >= 0.0 && y >= 0.0 && (x as usize) < self.width && (y as usize) < self.height;
            if is_within { self.ink[y as usize * self.width + x as usize] } else { 0.0 }
        };
        let upper = pixel(left, top) * (1.0 - fx) + pixel(left + 1.0, top) * fx;
        let lower = pixel(left, top + 1.0) * (1.0 - fx) + pixel(left + 1.0, top + 1.0) * fx;
        upper * (1.0 - fy) + lower * fy
    }
}

/// The characters of the MRZ in one font, one cell each.
pub struct Glyphs {
    /// In the order of the alphabet. A cell is a pitch wide and [`CELL_HEIGHT`] pitches high; capitals stand in its middle.
    pub cells: Vec<Bitmap>,
}

/// Height of a cell, in pitches.
pub const CELL_HEIGHT: f32 = 1.5;

/// The upright, filled fonts of the folder: with round and with square ends of the strokes.
const FILES: [&str; 2] = ["OCRB.otf", "OCRBS.otf"];

/// The fonts of a folder, their cells `pitch` pixels wide.
pub fn fonts(folder: &Path, pitch: usize) -> Vec<Glyphs> {
    let read = |file| std::fs::read(folder.join(file)).unwrap_or_else(|error| panic!("{file} in {}: {error}", folder.display()));
    FILES.iter().map(|file| glyphs(&read(file), pitch)).collect()
}

/// Lines of an outline, in units of the font.
#[derive(Default)]
struct Lines {
    lines: Vec<[(f32, f32); 2]>,
    start: (f32, f32),
    at: (f32, f32),
}

impl OutlinePen for Lines {
    fn move_to(&mut self, x: f32, y: f32) {
        self.close();
        (self.start, self.at) = ((x, y), (x, y));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.lines.push([self.at, (x, y)]);
        self.at = (x, y);
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        let (x0, y0) = self.at;
        for step in 1..=8 {
            let t = step as f32 / 8.0;
            let (a, b, c) = ((1.0 - t) * (1.0 - t), 2.0 * t * (1.0 - t), t * t);
            self.line_to(a * x0 + b * cx + c * x, a * y0 + b * cy + c * y);
        }
    }

    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        let (x0, y0) = self.at;
        for step in 1..=12 {
            let t = step as f32 / 12.0;
            let u = 1.0 - t;
            let (a, b, c, d) = (u * u * u, 3.0 * u * u * t, 3.0 * u * t * t, t * t * t);
            self.line_to(a * x0 + b * cx0 + c * cx1 + d * x, a * y0 + b * cy0 + c * cy1 + d * y);
        }
    }

    fn close(&mut self) {
        if self.at != self.start {
            self.lines.push([self.at, self.start]);
            self.at = self.start;
        }
    }
}

fn glyphs(font: &[u8], pitch: usize) -> Glyphs {
    let font = FontRef::new(font).expect("it is a font");
    let outline = |character: u8| {
        let glyph = font.charmap().map(char::from(character)).expect("the font has the characters of an MRZ");
        let mut lines = Lines::default();
        let settings = DrawSettings::unhinted(Size::unscaled(), LocationRef::default());
        font.outline_glyphs().get(glyph).expect("it has outlines").draw(settings, &mut lines).expect("it is drawn");
        lines.close();
        let advance = font.glyph_metrics(Size::unscaled(), LocationRef::default()).advance_width(glyph).unwrap_or(600.0);
        (lines.lines, advance)
    };
    let (h, _) = outline(b'H');
    let tops = h.iter().flatten().map(|point| point.1);
    let middle = (tops.clone().fold(f32::MAX, f32::min) + tops.fold(f32::MIN, f32::max)) / 2.0;
    let cell = |character: &u8| {
        let (lines, advance) = outline(*character);
        let scale = pitch as f32 / advance;
        let height = (pitch as f32 * CELL_HEIGHT) as usize;
        let place = |(x, y): (f32, f32)| (x * scale, height as f32 / 2.0 - (y - middle) * scale);
        let lines: Vec<_> = lines.into_iter().map(|line| line.map(place)).collect();
        fill(&lines, pitch, height)
    };
    Glyphs { cells: ALPHABET.iter().map(cell).collect() }
}

/// Where the outline winds around a point there is ink; four by four points for each pixel.
pub fn fill(lines: &[[(f32, f32); 2]], width: usize, height: usize) -> Bitmap {
    const POINTS: usize = 4;
    let mut ink = vec![0.0; width * height];
    for row in 0..height * POINTS {
        let y = (row as f32 + 0.5) / POINTS as f32;
        let mut crossings: Vec<(f32, i32)> = Vec::new();
        for [(x0, y0), (x1, y1)] in lines {
            if (*y0 <= y) != (*y1 <= y) {
                crossings.push((x0 + (y - y0) / (y1 - y0) * (x1 - x0), if y1 > y0 { 1 } else { -1 }));
            }
        }
        crossings.sort_by(|a, b| a.0.total_cmp(&b.0));
        for column in 0..width * POINTS {
            let x = (column as f32 + 0.5) / POINTS as f32;
            let winding: i32 = crossings.iter().take_while(|crossing| crossing.0 <= x).map(|crossing| crossing.1).sum();
            if winding != 0 {
                ink[row / POINTS * width + column / POINTS] += 1.0 / (POINTS * POINTS) as f32;
            }
        }
    }
    Bitmap { width, height, ink }
}
