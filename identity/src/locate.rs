//! Finds lines of evenly spaced characters that stand together as those of an MRZ do: two or three, parallel, of one length.
//!
//! Marks of ink of like height that follow each other make chains; a straight or slightly bent line through a long chain gathers what
//! else lies on it. What the lines say is not looked at here.

use crate::raster::{Gray, Ink, Mark};

/// Longest side of the picture that is looked through; larger ones are shrunk before.
const SIDE: usize = 1300;

/// Height of characters, in pixels of that picture.
const MIN_CHARACTER: f32 = 6.0;
const MAX_CHARACTER: f32 = 70.0;

/// Most marks that are looked at. A page of text has a few thousand.
const MAX_MARKS: usize = 8000;

/// Most lines, and most groups of lines that are handed on.
const MAX_LINES: usize = 40;
const MAX_GROUPS: usize = 4;

/// Fewest marks of a line: of its 30, 36 or 44 characters many may be hidden.
const MIN_MARKS: usize = 10;

/// A line of text: from left to right, with its middle at `offset + slope * x + bend * x²`.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub offset: f32,
    pub slope: f32,
    pub bend: f32,
    /// Middles of its first and last marks.
    pub start: f32,
    pub end: f32,
    /// Distance from character to character.
    pub pitch: f32,
    /// Height of the characters.
    pub height: f32,
    /// Marks, and the share of them at even distances.
    marks: usize,
    evenness: f32,
}

impl Line {
    /// Its middle at `x`.
    pub fn y(&self, x: f32) -> f32 {
        self.offset + self.slope * x + self.bend * x * x
    }

    /// The same line in a picture that is larger.
    fn scaled(&self, factor: f32) -> Self {
        Self {
            offset: self.offset * factor,
            bend: self.bend / factor,
            start: self.start * factor,
            end: self.end * factor,
            pitch: self.pitch * factor,
            height: self.height * factor,
            ..*self
        }
    }

    fn weight(&self) -> f32 {
        self.marks as f32 * self.evenness
    }
}

/// Groups of two or three lines, from above, the likeliest first; in pixels of `gray`.
pub fn groups(gray: &Gray) -> Vec<Vec<Line>> {
    let factor = gray.width.max(gray.height).div_ceil(SIDE).max(1);
    let small = gray.shrunk(factor).smoothed();
    let mut marks = Ink::of(&small).marks();
    marks.retain(is_like_a_character);
    if marks.len() > MAX_MARKS {
        // Specks of noise are small.
        marks.sort_by_key(|mark| std::cmp::Reverse(mark.pixels));
        marks.truncate(MAX_MARKS);
    }
    marks.sort_by(|a, b| a.x.total_cmp(&b.x));
    let lines = lines(&marks);
    let groups = group(&lines);
    groups.into_iter().map(|group| group.iter().map(|line| line.scaled(factor as f32)).collect()).collect()
}

fn is_like_a_character(mark: &Mark) -> bool {
    let is_high_enough = mark.height >= MIN_CHARACTER && mark.height <= MAX_CHARACTER;
    is_high_enough && mark.width <= 1.5 * mark.height && mark.pixels as f32 >= 0.1 * mark.width * mark.height
}

/// Whether `right` may follow `left` in a line, and how far off it is.
fn distance(left: &Mark, right: &Mark) -> Option<f32> {
    let height = left.height.max(right.height);
    let (dx, dy) = (right.x - left.x, (right.y - left.y).abs());
    let is_alike = left.height.min(right.height) > 0.55 * height;
    (is_alike && dx > 0.35 * height && dx < 2.6 * height && dy < 0.25 * height + 0.3 * dx).then_some(dx + 2.0 * dy)
}

/// Chains of marks each of which is the nearest to the next one, on either side.
fn chains(marks: &[Mark]) -> Vec<Vec<usize>> {
    let mut next: Vec<Option<(usize, f32)>> = vec![None; marks.len()];
    let mut previous = next.clone();
    for (left, mark) in marks.iter().enumerate() {
        let reach = 2.6 * mark.height / 0.55;
        let following = marks.iter().enumerate().skip(left + 1).take_while(|(_, other)| other.x - mark.x < reach);
        for (right, other) in following {
            let Some(distance) = distance(mark, other) else { continue };
            if next[left].is_none_or(|(_, best)| distance < best) {
                next[left] = Some((right, distance));
            }
            if previous[right].is_none_or(|(_, best)| distance < best) {
                previous[right] = Some((left, distance));
            }
        }
    }
    let follows =
        |left: usize| next[left].map(|(right, _)| right).filter(|right| previous[*right].is_some_and(|(at, _)| at == left));
    let is_first = |mark: &usize| previous[*mark].is_none_or(|(left, _)| follows(left) != Some(*mark));
    let firsts = (0..marks.len()).filter(is_first);
    firsts.map(|first| std::iter::successors(Some(first), |mark| follows(*mark)).collect()).collect()
}

/// The lines, those with most evenly spaced marks first.
fn lines(marks: &[Mark]) -> Vec<Line> {
    let mut chains: Vec<Vec<usize>> = chains(marks).into_iter().filter(|chain| chain.len() >= 4).collect();
    chains.sort_by_key(|chain| std::cmp::Reverse(chain.len()));
    let mut is_taken = vec![false; marks.len()];
    let mut lines = Vec::new();
    for chain in chains {
        // What a longer chain has gathered already is not begun with once more.
        if lines.len() >= MAX_LINES || chain.iter().filter(|mark| is_taken[**mark]).count() * 2 > chain.len() {
            continue;
        }
        if let Some((line, members)) = line(marks, &chain) {
            members.into_iter().for_each(|mark| is_taken[mark] = true);
            lines.push(line);
        }
    }
    lines.sort_by(|a, b| b.weight().total_cmp(&a.weight()));
    lines
}

/// The line through a chain, with all that lies on it.
fn line(marks: &[Mark], chain: &[usize]) -> Option<(Line, Vec<usize>)> {
    let mut members = chain.to_vec();
    let mut fit = (0.0, 0.0, 0.0);
    for round in 0..3 {
        let points: Vec<(f32, f32)> = members.iter().map(|mark| (marks[*mark].x, marks[*mark].y)).collect();
        let height = median(members.iter().map(|mark| marks[*mark].height))?;
        let pitch = pitch(&points.iter().map(|point| point.0).collect::<Vec<_>>())?;
        let span = points.last()?.0 - points.first()?.0;
        fit = if round == 2 && members.len() >= 16 { bent(&points) } else { straight(&points) };
        // A short piece does not tell the direction far from it.
        let reach = (span * 0.8).clamp(4.0 * pitch, 14.0 * pitch);
        let (from, until) = (points.first()?.0 - reach, points.last()?.0 + reach);
        let y = |x: f32| fit.0 + fit.1 * x + fit.2 * x * x;
        let is_on = |mark: &Mark| {
            let is_like = mark.height > 0.5 * height && mark.height < 1.5 * height;
            mark.x > from && mark.x < until && is_like && (mark.y - y(mark.x)).abs() < 0.35 * height
        };
        members = (0..marks.len()).filter(|mark| is_on(&marks[*mark])).collect();
        if members.len() < 4 {
            return None;
        }
    }
    let members = without_outliers(marks, members)?;
    let xs: Vec<f32> = members.iter().map(|mark| marks[*mark].x).collect();
    let pitch = pitch(&xs)?;
    let height = median(members.iter().map(|mark| marks[*mark].height))?;
    let steps: Vec<f32> = xs.windows(2).map(|pair| (pair[1] - pair[0]) / pitch).collect();
    let even = steps.iter().filter(|step| (**step - step.round().max(1.0)).abs() < 0.17).count();
    let line = Line {
        offset: fit.0,
        slope: fit.1,
        bend: fit.2,
        start: *xs.first()?,
        end: *xs.last()?,
        pitch,
        height,
        marks: xs.len(),
        evenness: even as f32 / steps.len().max(1) as f32,
    };
    let is_line = xs.len() >= MIN_MARKS && pitch > 0.6 * height && pitch < 2.0 * height && line.evenness > 0.3;
    is_line.then_some((line, members))
}

/// Without marks at the ends that are far from the others.
fn without_outliers(marks: &[Mark], members: Vec<usize>) -> Option<Vec<usize>> {
    let xs: Vec<f32> = members.iter().map(|mark| marks[*mark].x).collect();
    let gap = 14.0 * pitch(&xs)?;
    let pieces = members.chunk_by(|a, b| marks[*b].x - marks[*a].x < gap);
    pieces.max_by_key(|piece| piece.len()).map(<[usize]>::to_vec)
}

/// The distance of most neighbours.
fn pitch(xs: &[f32]) -> Option<f32> {
    let steps: Vec<f32> = xs.windows(2).map(|pair| pair[1] - pair[0]).filter(|step| *step > 2.0).collect();
    let middle = median(steps.iter().copied())?;
    // Characters that are broken or missing make steps that are shorter or longer.
    let near: Vec<f32> = steps.into_iter().filter(|step| (step / middle - 1.0).abs() < 0.25).collect();
    Some(near.iter().sum::<f32>() / near.len() as f32)
}

fn median(values: impl Iterator<Item = f32>) -> Option<f32> {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Least squares, and once more without what lies far off.
fn straight(points: &[(f32, f32)]) -> (f32, f32, f32) {
    let once = |points: &[(f32, f32)]| {
        let fit = polynomial::<2>(points);
        (fit[0], fit[1], 0.0)
    };
    let first = once(points);
    let near = nearest(points, first);
    if near.len() >= 4 { once(&near) } else { first }
}

fn bent(points: &[(f32, f32)]) -> (f32, f32, f32) {
    let fit = polynomial::<3>(&nearest(points, straight(points)));
    (fit[0], fit[1], fit[2])
}

/// The nearer four fifths.
fn nearest(points: &[(f32, f32)], (offset, slope, bend): (f32, f32, f32)) -> Vec<(f32, f32)> {
    let off = |point: &(f32, f32)| (point.1 - offset - slope * point.0 - bend * point.0 * point.0).abs();
    let mut points = points.to_vec();
    points.sort_by(|a, b| off(a).total_cmp(&off(b)));
    points.truncate((points.len() * 4).div_ceil(5));
    points
}

/// Coefficients of the polynomial that fits best, the constant first; zeros where the points do not tell.
pub fn polynomial<const TERMS: usize>(points: &[(f32, f32)]) -> [f32; TERMS] {
    let count = points.len().max(1) as f64;
    let middle = points.iter().map(|point| f64::from(point.0)).sum::<f64>() / count;
    let spread = (points.iter().map(|point| (f64::from(point.0) - middle).powi(2)).sum::<f64>() / count).sqrt().max(1e-6);
    let mut rows = [[0.0_f64; 4]; TERMS];
    for (x, y) in points {
        let x = (f64::from(*x) - middle) / spread;
        for (i, row) in rows.iter_mut().enumerate() {
            for (j, slot) in row.iter_mut().enumerate().take(TERMS) {
                *slot += x.powi((i + j) as i32);
            }
            row[3] += x.powi(i as i32) * f64::from(*y);
        }
    }
    let solved = solve(rows);
    // Back from the normalized variable.
    let mut result = [0.0_f64; TERMS];
    let (a, b) = (1.0 / spread, -middle / spread);
    let mut power = vec![1.0];
    for coefficient in solved {
        power.iter().enumerate().for_each(|(at, value)| result[at] += coefficient * value);
        let mut next = vec![0.0; power.len() + 1];
        for (at, value) in power.iter().enumerate() {
            next[at] += b * value;
            next[at + 1] += a * value;
        }
        power = next;
    }
    result.map(|value| value as f32)
}

fn solve<const TERMS: usize>(mut rows: [[f64; 4]; TERMS]) -> [f64; TERMS] {
    for at in 0..TERMS {
        let best = (at..TERMS).max_by(|a, b| rows[*a][at].abs().total_cmp(&rows[*b][at].abs())).unwrap_or(at);
        rows.swap(at, best);
        let pivot = rows[at];
        if pivot[at].abs() < 1e-9 {
            return [0.0; TERMS];
        }
        for (other, row) in rows.iter_mut().enumerate() {
            if other != at {
                let share = row[at] / pivot[at];
                row.iter_mut().zip(pivot).for_each(|(slot, value)| *slot -= share * value);
            }
        }
    }
    let mut result = [0.0; TERMS];
    result.iter_mut().enumerate().for_each(|(at, slot)| *slot = rows[at][3] / rows[at][at]);
    result
}

/// Whether `below` may be the line under `above`, and how far below it is, in heights.
fn spacing(above: &Line, below: &Line) -> Option<f32> {
    let (from, until) = (above.start.max(below.start), above.end.min(below.end));
    let shorter = (above.end - above.start).min(below.end - below.start);
    let x = (from + until) / 2.0;
    let (height, pitch) = ((above.height + below.height) / 2.0, (above.pitch + below.pitch) / 2.0);
    let distance = (below.y(x) - above.y(x)) / pitch;
    let is_alike = (above.pitch / below.pitch).ln().abs() < 0.16 && (above.height / below.height).ln().abs() < 0.3;
    let is_parallel = (above.slope + 2.0 * above.bend * x - below.slope - 2.0 * below.bend * x).abs() < 0.08;
    let is_near = distance > 1.25 && distance < 3.4 && height > 0.0;
    (until - from > 0.4 * shorter && is_alike && is_parallel && is_near).then_some(distance)
}

fn group(lines: &[Line]) -> Vec<Vec<Line>> {
    let mut groups: Vec<Vec<Line>> = Vec::new();
    for upper in lines {
        for middle in lines {
            let Some(first) = spacing(upper, middle) else { continue };
            groups.push(vec![*upper, *middle]);
            for lower in lines {
                if let Some(second) = spacing(middle, lower)
                    && (first / second).ln().abs() < 0.25
                {
                    groups.push(vec![*upper, *middle, *lower]);
                }
            }
        }
    }
    // What has many evenly spaced marks in each of its lines.
    let weight = |group: &Vec<Line>| group.iter().map(Line::weight).sum::<f32>();
    groups.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    groups.truncate(MAX_GROUPS);
    groups
}
