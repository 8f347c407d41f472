//! From a group of lines to scores of their cells: each line is laid straight, the classifier runs over it, the cells are found as the
//! evenly spaced places where characters are, and judged once more when they lie exactly.

use crate::{
    locate::{Line, polynomial},
    network::{CLASSES, HEIGHT, NOTHING, Network, PITCH, STRIDE, Scores, WINDOW, normalize_contrast},
    raster::Gray,
};

/// Pitches that are looked at on either side of what the locator found, at least.
const BEYOND: f32 = 4.0;

/// Widest strip, in pixels.
const MAX_STRIP: usize = 2000;

/// Distances of two cells, in windows: the pitch and a quarter more or less.
const STEPS: std::ops::RangeInclusive<usize> = 7..=11;

/// What a step costs that is longer or shorter, times the square of the windows. Seen from the side a line gets narrower all along.
const STEP_COST: f32 = 0.05;

/// Windows beyond the ends of a line in all of which there must be nothing: about where one more character would be.
const CLEAR: std::ops::RangeInclusive<usize> = 6..=13;

/// How much a character there weighs.
const CLEAR_WEIGHT: f32 = 2.0;

/// Worst score that a cell counts with: a few that are hidden do not make it no line.
const WORST: f32 = -6.0;

/// Height of a capital in a strip.
const CAPITAL: f32 = crate::network::CAPITAL;

/// A group whose cells were found.
#[derive(Clone, Debug)]
pub struct Cells {
    /// By line, from above.
    pub scores: Vec<Vec<Scores>>,
    /// Mean score of the likeliest characters: how much it looks like OCR-B.
    pub quality: f32,
    /// Middles of the first and last cells of the first and last lines.
    pub corners: [(f32, f32); 4],
    /// Distance from character to character, in pixels.
    pub pitch: f32,
}

/// A line that is laid straight: from strip to picture.
struct Course {
    /// Where the strip's column 0 is, along the line.
    start: f32,
    line: Line,
    /// Pixels of the picture for one of the strip.
    scale: f32,
}

/// Where the cells of a line are, in columns and rows of its strip.
struct Fit {
    /// Column of the middle of cell n, as a polynomial.
    x: [f32; 3],
    y: [f32; 2],
    /// Height of the characters compared to that of OCR-B at this pitch.
    tall: f32,
    quality: f32,
}

/// Finds the cells of a group with so many columns.
pub fn cells(gray: &Gray, network: &Network, group: &[Line], columns: &[usize]) -> Option<(usize, Cells)> {
    let strips: Vec<(Course, Vec<Scores>, Vec<f32>, usize)> =
        group.iter().map(|line| strip(gray, network, line, group)).collect();
    let fit_all = |columns: usize| -> Option<Vec<Fit>> {
        strips.iter().map(|(_, scores, pixels, width)| fit(scores, pixels, *width, columns)).collect()
    };
    let quality = |fits: &[Fit]| fits.iter().map(|fit| fit.quality).sum::<f32>() / fits.len().max(1) as f32;
    let fits = columns.iter().filter_map(|columns| Some((*columns, fit_all(*columns)?)));
    let (columns, fits) = fits.max_by(|a, b| quality(&a.1).total_cmp(&quality(&b.1)))?;
    let judged = strips.iter().zip(&fits).map(|((course, ..), fit)| judge(gray, network, course, fit, columns));
    let scores: Vec<Vec<Scores>> = judged.collect();
    let likeliest = |scores: &Scores| scores[..NOTHING].iter().copied().fold(WORST, f32::max);
    let all = scores.iter().flatten().map(likeliest);
    let quality = all.sum::<f32>() / (scores.len() * columns) as f32;
    let corner = |at: usize, cell: usize| {
        let ((course, ..), fit) = (&strips[at], &fits[at]);
        course.place(fit.x(cell as f32), fit.y(cell as f32))
    };
    let last = strips.len() - 1;
    let corners = [corner(0, 0), corner(0, columns - 1), corner(last, 0), corner(last, columns - 1)];
    let pitch = distance(corners[0], corners[1]) / (columns - 1) as f32;
    Some((columns, Cells { scores, quality, corners, pitch }))
}

fn distance(a: (f32, f32), b: (f32, f32)) -> f32 {
    (a.0 - b.0).hypot(a.1 - b.1)
}

impl Course {
    /// The point of the picture under a point of the strip.
    fn place(&self, column: f32, row: f32) -> (f32, f32) {
        let slope = self.line.slope;
        let cos = 1.0 / slope.hypot(1.0);
        let x = self.start + column * self.scale * cos;
        let slope = self.line.slope + 2.0 * self.line.bend * x;
        let cos = 1.0 / slope.hypot(1.0);
        let away = (row - HEIGHT as f32 / 2.0) * self.scale;
        (x - away * slope * cos, self.line.y(x) + away * cos)
    }

    /// The value at a point of the strip: a mean where the picture is finer.
    fn sample(&self, gray: &Gray, column: f32, row: f32) -> f32 {
        if self.scale < 1.4 {
            let (x, y) = self.place(column, row);
            return gray.at(x, y);
        }
        let parts = [-0.25, 0.25];
        let points = parts.iter().flat_map(|dy| parts.iter().map(move |dx| (dx, dy)));
        points.map(|(dx, dy)| self.place(column + dx, row + dy)).map(|(x, y)| gray.at(x, y)).sum::<f32>() / 4.0
    }
}

/// A line laid straight, with the scores of its windows, its pixels and its width.
fn strip(gray: &Gray, network: &Network, line: &Line, group: &[Line]) -> (Course, Vec<Scores>, Vec<f32>, usize) {
    // All lines of a group are of one length. Where less of them was found than there must be, the rest is on one side or the other.
    let (start, end) = group.iter().fold((f32::MAX, f32::MIN), |(start, end), line| (start.min(line.start), end.max(line.end)));
    let longest = if group.len() == 3 { 30.0 } else { 44.0 };
    let beyond = (longest - (end - start) / line.pitch).clamp(0.0, longest / 2.0) + BEYOND;
    let (start, end) = (start - beyond * line.pitch, end + beyond * line.pitch);
    let scale = line.pitch * line.slope.hypot(1.0) / PITCH as f32;
    let width = ((end - start) / line.pitch * PITCH as f32) as usize;
    let width = width.clamp(WINDOW, MAX_STRIP);
    let course = Course { start, line: *line, scale };
    let rows = (0..HEIGHT).flat_map(|row| (0..width).map(move |column| (column as f32 + 0.5, row as f32 + 0.5)));
    let mut pixels: Vec<f32> = rows.map(|(column, row)| course.sample(gray, column, row)).collect();
    normalize_contrast(&mut pixels, width);
    let scores = network.judge(&pixels, width);
    (course, scores, pixels, width)
}

/// The best places for so many cells, `None` if there is no room for them.
fn fit(scores: &[Scores], pixels: &[f32], width: usize, columns: usize) -> Option<Fit> {
    let likeliest: Vec<f32> = scores.iter().map(|scores| scores[..NOTHING].iter().copied().fold(WORST, f32::max)).collect();
    let nothing = |window: usize| scores.get(window).map_or(0.0, |scores| scores[NOTHING].max(WORST));
    let pitch = PITCH / STRIDE;
    let worst = |windows: &mut dyn Iterator<Item = usize>| CLEAR_WEIGHT * windows.map(nothing).fold(0.0, f32::min);
    let before = |at: usize| worst(&mut CLEAR.filter_map(|step| at.checked_sub(step)));
    let after = |at: usize| worst(&mut CLEAR.map(|step| at + step));
    // Best score of so many cells of which the last is at a window, and where the one before it is.
    let mut sums: Vec<f32> = (0..scores.len()).map(|at| likeliest[at] + before(at)).collect();
    let mut from: Vec<Vec<usize>> = Vec::with_capacity(columns);
    for _ in 1..columns {
        let mut next = vec![f32::NEG_INFINITY; scores.len()];
        let mut before = vec![0; scores.len()];
        for at in 0..scores.len() {
            for step in STEPS {
                let Some(source) = at.checked_sub(step) else { continue };
                let off = step as f32 - pitch as f32;
                let sum = sums[source] + likeliest[at] - STEP_COST * off * off;
                if sum > next[at] {
                    (next[at], before[at]) = (sum, source);
                }
            }
        }
        sums = next;
        from.push(before);
    }
    let end = |at: usize| sums[at] + after(at);
    let mut at = (0..scores.len()).max_by(|a, b| end(*a).total_cmp(&end(*b)))?;
    let quality = end(at) / columns as f32;
    if !quality.is_finite() {
        return None;
    }
    let mut places = vec![at];
    for before in from.iter().rev() {
        at = before[at];
        places.push(at);
    }
    places.reverse();
    // Where a character is plain to see its place counts.
    let plain = places.iter().enumerate().filter(|(_, at)| likeliest[**at] > -1.0);
    let points: Vec<(f32, f32)> = plain.map(|(cell, at)| (cell as f32, (at * STRIDE) as f32 + WINDOW as f32 / 2.0)).collect();
    if points.len() < columns / 3 {
        return None;
    }
    let x = smooth(&points);
    let mut fit = Fit { x, y: [HEIGHT as f32 / 2.0, 0.0], tall: 1.0, quality };
    fit.find_rows(pixels, width, columns, scores);
    Some(fit)
}

/// A parabola through the points, without those that are off by a third of a cell.
fn smooth(points: &[(f32, f32)]) -> [f32; 3] {
    let first = polynomial::<3>(points);
    let value = |fit: &[f32; 3], n: f32| fit[0] + fit[1] * n + fit[2] * n * n;
    let near: Vec<(f32, f32)> =
        points.iter().copied().filter(|(n, x)| (value(&first, *n) - x).abs() < PITCH as f32 / 4.0).collect();
    if near.len() * 2 > points.len() { polynomial::<3>(&near) } else { first }
}

impl Fit {
    fn x(&self, cell: f32) -> f32 {
        self.x[0] + self.x[1] * cell + self.x[2] * cell * cell
    }

    fn y(&self, cell: f32) -> f32 {
        self.y[0] + self.y[1] * cell
    }

    /// Finds the rows in which the characters stand: the middles between the top and the bottom of the ink of each cell.
    fn find_rows(&mut self, pixels: &[f32], width: usize, columns: usize, scores: &[Scores]) {
        let mut points = Vec::new();
        let mut heights = Vec::new();
        for cell in 0..columns {
            let middle = self.x(cell as f32);
            let window = ((middle - WINDOW as f32 / 2.0) / STRIDE as f32).round();
            let Some(scores) = scores.get(window.max(0.0) as usize) else { continue };
            // The filler is lower than the others, and what is not plain may be anything.
            let best = (0..CLASSES).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or(NOTHING);
            if best >= NOTHING - 1 || scores[best] < -0.7 {
                continue;
            }
            let (from, until) = ((middle - 8.0).max(0.0) as usize, ((middle + 9.0).max(0.0) as usize).min(width));
            let ink = |row: usize| pixels[row * width + from..row * width + until.max(from)].iter().copied().fold(0.0, f32::max);
            let level = (0..HEIGHT).map(ink).fold(0.0, f32::max) * 0.5;
            // From the middle outwards, as the next line may be in sight.
            let center = HEIGHT / 2;
            let top = (0..=center).rev().find(|row| ink(*row) < level).map_or(0, |row| row + 1);
            let bottom = (center..HEIGHT).find(|row| ink(*row) < level).unwrap_or(HEIGHT);
            if bottom > top + 6 {
                points.push((cell as f32, (top + bottom) as f32 / 2.0));
                heights.push((bottom - top) as f32);
            }
        }
        if points.len() >= columns / 4 {
            let fit = polynomial::<2>(&points);
            let largest =
                (fit[0] - HEIGHT as f32 / 2.0).abs().max((fit[0] + fit[1] * columns as f32 - HEIGHT as f32 / 2.0).abs());
            if largest < 6.0 {
                self.y = fit;
            }
            heights.sort_by(f32::total_cmp);
            self.tall = (heights[heights.len() / 2] / CAPITAL / (self.x[1] / PITCH as f32)).clamp(0.8, 1.25);
        }
    }
}

/// Judges the cells where they lie exactly.
fn judge(gray: &Gray, network: &Network, course: &Course, fit: &Fit, columns: usize) -> Vec<Scores> {
    // The first cell has its middle at a window's, two pitches from the edge.
    let margin = 2 * PITCH + WINDOW / 2;
    let width = (columns - 1) * PITCH + 2 * margin;
    let mut pixels = Vec::with_capacity(width * HEIGHT);
    for row in 0..HEIGHT {
        for column in 0..width {
            let cell = (column as f32 + 0.5 - margin as f32) / PITCH as f32;
            let local = (fit.x[1] + 2.0 * fit.x[2] * cell) / PITCH as f32;
            let away = (row as f32 + 0.5 - HEIGHT as f32 / 2.0) * local * fit.tall;
            pixels.push(course.sample(gray, fit.x(cell), fit.y(cell) + away));
        }
    }
    normalize_contrast(&mut pixels, width);
    let scores = network.judge(&pixels, width);
    let first = (margin - WINDOW / 2) / STRIDE;
    (0..columns).filter_map(|cell| scores.get(first + cell * PITCH / STRIDE).copied()).collect()
}
