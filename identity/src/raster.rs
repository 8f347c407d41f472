//! Gray pictures, and what is done with their pixels.

use crate::decode::Picture;

/// A gray picture, row by row.
#[derive(Clone, Debug)]
pub struct Gray {
    pub width: usize,
    pub height: usize,
    pub data: Vec<u8>,
}

impl Gray {
    /// Luma of a picture (ITU-R BT.601).
    pub fn of(picture: &Picture) -> Self {
        let luma = |[r, g, b]: &[u8; 3]| ((u32::from(*r) * 77 + u32::from(*g) * 150 + u32::from(*b) * 29) >> 8) as u8;
        Self { width: picture.width, height: picture.height, data: picture.rgb.as_chunks::<3>().0.iter().map(luma).collect() }
    }

    /// Made smaller by a whole factor.
    pub fn shrunk(&self, factor: usize) -> Self {
        if factor <= 1 {
            return self.clone();
        }
        let (width, height) = (self.width / factor, self.height / factor);
        let mut sums = vec![0_u32; width];
        let mut data = Vec::with_capacity(width * height);
        let count = (factor * factor) as u32;
        for rows in self.data.chunks_exact(self.width * factor).take(height) {
            sums.fill(0);
            for row in rows.chunks_exact(self.width) {
                for (sum, pixels) in sums.iter_mut().zip(row.chunks_exact(factor)) {
                    *sum += pixels.iter().map(|pixel| u32::from(*pixel)).sum::<u32>();
                }
            }
            data.extend(sums.iter().map(|sum| (sum / count) as u8));
        }
        Self { width, height, data }
    }

    /// A quarter turn to the right.
    pub fn turned(&self) -> Self {
        let (width, height) = (self.height, self.width);
        let mut data = Vec::with_capacity(self.data.len());
        for y in 0..height {
            data.extend((0..width).map(|x| self.pixel(y, width - 1 - x)));
        }
        Self { width, height, data }
    }

    /// Upside down.
    pub fn reversed(&self) -> Self {
        Self { data: self.data.iter().rev().copied().collect(), ..*self }
    }

    /// A mean of three by three pixels, the middle weighing most.
    pub fn smoothed(&self) -> Self {
        let (w, h) = (self.width, self.height);
        if w < 3 || h < 3 {
            return self.clone();
        }
        let mut across = vec![0_u16; w * h];
        for (row, out) in self.data.chunks_exact(w).zip(across.chunks_exact_mut(w)) {
            for (at, slot) in out.iter_mut().enumerate() {
                let (left, right) = (row[at.saturating_sub(1)], row[(at + 1).min(w - 1)]);
                *slot = u16::from(left) + 2 * u16::from(row[at]) + u16::from(right);
            }
        }
        let mut data = Vec::with_capacity(w * h);
        for y in 0..h {
            let row = |y: usize| &across[y * w..(y + 1) * w];
            let (above, here, below) = (row(y.saturating_sub(1)), row(y), row((y + 1).min(h - 1)));
            data.extend((0..w).map(|x| ((above[x] + 2 * here[x] + below[x]) / 16) as u8));
        }
        Self { data, ..*self }
    }

    /// A pixel; the nearest one beyond the edges.
    fn pixel(&self, x: usize, y: usize) -> u8 {
        self.data.get(y.min(self.height - 1) * self.width + x.min(self.width - 1)).copied().unwrap_or_default()
    }

    /// Between the pixels.
    pub fn at(&self, x: f32, y: f32) -> f32 {
        let (x, y) = ((x - 0.5).clamp(0.0, (self.width - 1) as f32), (y - 0.5).clamp(0.0, (self.height - 1) as f32));
        let (left, top) = (x as usize, y as usize);
        let (fx, fy) = (x - left as f32, y - top as f32);
        let pixel = |x: usize, y: usize| f32::from(self.pixel(x, y));
        let upper = pixel(left, top) * (1.0 - fx) + pixel(left + 1, top) * fx;
        let lower = pixel(left, top + 1) * (1.0 - fx) + pixel(left + 1, top + 1) * fx;
        upper * (1.0 - fy) + lower * fy
    }
}

/// Marks of ink: pixels that are darker than what is around them.
pub struct Ink {
    pub width: usize,
    pub is_ink: Vec<bool>,
}

/// Half a side of what counts as around a pixel.
const AROUND: usize = 20;

/// How much darker ink is at least, in gray levels and in deviations.
const DARKER: f32 = 7.0;
const DARKER_BY_DEVIATION: f32 = 0.6;

impl Ink {
    pub fn of(gray: &Gray) -> Self {
        let (w, h) = (gray.width, gray.height);
        // Sums over the columns of the rows around, and from them over squares.
        let mut columns = vec![(0_u32, 0_u32); w];
        let mut is_ink = Vec::with_capacity(w * h);
        let add = |columns: &mut Vec<(u32, u32)>, y: usize, is_new: bool| {
            for (sums, value) in columns.iter_mut().zip(&gray.data[y * w..(y + 1) * w]) {
                let value = u32::from(*value);
                if is_new {
                    *sums = (sums.0 + value, sums.1 + value * value);
                } else {
                    *sums = (sums.0 - value, sums.1 - value * value);
                }
            }
        };
        (0..AROUND.min(h)).for_each(|y| add(&mut columns, y, true));
        for y in 0..h {
            if y + AROUND < h {
                add(&mut columns, y + AROUND, true);
            }
            if y > AROUND {
                add(&mut columns, y - AROUND - 1, false);
            }
            let rows = (y + AROUND).min(h - 1) - y.saturating_sub(AROUND) + 1;
            let (mut sum, mut squares) = (0_u32, 0_u64);
            for (value, square) in columns.iter().take(AROUND) {
                (sum, squares) = (sum + value, squares + u64::from(*square));
            }
            for x in 0..w {
                if let Some((value, square)) = columns.get(x + AROUND) {
                    (sum, squares) = (sum + value, squares + u64::from(*square));
                }
                if let Some((value, square)) = x.checked_sub(AROUND + 1).and_then(|x| columns.get(x)) {
                    (sum, squares) = (sum - value, squares - u64::from(*square));
                }
                let count = (rows * ((x + AROUND).min(w - 1) - x.saturating_sub(AROUND) + 1)) as f32;
                let mean = sum as f32 / count;
                let deviation = (squares as f32 / count - mean * mean).max(0.0).sqrt();
                let level = mean - DARKER.max(DARKER_BY_DEVIATION * deviation);
                is_ink.push(f32::from(gray.data[y * w + x]) < level);
            }
        }
        Self { width: w, is_ink }
    }
}

/// A patch of ink whose pixels touch: its middle, its size, its pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
    pub pixels: usize,
}

impl Ink {
    /// The marks, from runs of ink that touch those of the row above.
    pub fn marks(&self) -> Vec<Mark> {
        let mut runs: Vec<Run> = Vec::new();
        let mut above = 0..0;
        for (y, row) in self.is_ink.chunks_exact(self.width).enumerate() {
            let begin = runs.len();
            let mut x = 0;
            while let Some(start) = row.get(x..).and_then(|rest| rest.iter().position(|ink| *ink)).map(|at| x + at) {
                let end = row[start..].iter().position(|ink| !*ink).map_or(row.len(), |at| start + at);
                runs.push(Run { y, start, end, parent: runs.len() });
                x = end;
            }
            let mut upper = above.start;
            for lower in begin..runs.len() {
                while upper < above.end && runs[upper].end < runs[lower].start {
                    upper += 1;
                }
                let mut touching = upper;
                while touching < above.end && runs[touching].start <= runs[lower].end {
                    join(&mut runs, touching, lower);
                    touching += 1;
                }
            }
            above = begin..runs.len();
        }
        boxes(&mut runs)
    }
}

struct Run {
    y: usize,
    start: usize,
    end: usize,
    parent: usize,
}

fn root(runs: &mut [Run], mut run: usize) -> usize {
    while runs[run].parent != run {
        let parent = runs[run].parent;
        runs[run].parent = runs[parent].parent;
        run = runs[run].parent;
    }
    run
}

fn join(runs: &mut [Run], a: usize, b: usize) {
    let (a, b) = (root(runs, a), root(runs, b));
    runs[a.max(b)].parent = a.min(b);
}

fn boxes(runs: &mut [Run]) -> Vec<Mark> {
    // By root: left, top, right, bottom, pixels.
    let mut boxes = vec![(usize::MAX, usize::MAX, 0, 0, 0); runs.len()];
    for run in 0..runs.len() {
        let root = root(runs, run);
        let (run, slot) = (&runs[run], &mut boxes[root]);
        *slot =
            (slot.0.min(run.start), slot.1.min(run.y), slot.2.max(run.end), slot.3.max(run.y + 1), slot.4 + run.end - run.start);
    }
    let boxes = boxes.into_iter().filter(|(.., pixels)| *pixels > 0);
    let mark = |(left, top, right, bottom, pixels): (usize, usize, usize, usize, usize)| Mark {
        x: (left + right) as f32 / 2.0,
        y: (top + bottom) as f32 / 2.0,
        width: (right - left) as f32,
        height: (bottom - top) as f32,
        pixels,
    };
    boxes.map(mark).collect()
}
