//! What a picture is like, without regard to what it says: sharp, large enough, evenly lit, in colour, of a screen, seen before.

use crate::{
    Found,
    decode::Picture,
    raster::Gray,
    spectrum::{self, SIDE},
    zone::Layout,
};

/// What was measured of a picture, each from 0, bad, to 1, good.
#[derive(Clone, Debug)]
pub struct Measures {
    pub focus: f32,
    pub glare: f32,
    pub resolution: f32,
    pub aspect: f32,
    pub color: f32,
    pub screen: f32,
    pub editors: Vec<&'static str>,
    pub hash: PerceptualHash,
}

/// Dots per inch that are good enough, and too few; for a document whose size is known by its zone.
const GOOD_DPI: f32 = 200.0;
const POOR_DPI: f32 = 90.0;

/// The part of a picture that shows the document, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Area {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Area {
    fn width(&self) -> usize {
        self.right - self.left
    }

    fn height(&self) -> usize {
        self.bottom - self.top
    }
}

/// Sizes of documents in millimetres (ICAO 9303-4 to -7; a visa fills a page of a passport), and where their zone is: from the left edge to
/// the middle of the first character, from the lower edge to the middle of the last line.
struct Page {
    width: f32,
    height: f32,
    left: f32,
    lower: f32,
}

fn page(layout: Layout) -> Page {
    match layout {
        Layout::Td1 => Page { width: 85.6, height: 54.0, left: 6.0, lower: 7.0 },
        Layout::Td2 | Layout::VisaB => Page { width: 105.0, height: 74.0, left: 8.0, lower: 9.4 },
        Layout::Td3 | Layout::VisaA => Page { width: 125.0, height: 88.0, left: 7.0, lower: 9.4 },
    }
}

/// Millimetres from character to character: ten to an inch (ICAO 9303-3, 4.4).
const PITCH_MM: f32 = 2.54;

/// Measures a picture; by the place of its zone, where it has one.
pub fn measure(picture: &Picture, gray: &Gray, zone: Option<&Found>) -> Measures {
    let whole = Area { left: 0, top: 0, right: picture.width, bottom: picture.height };
    let corners = zone.map(page_corners);
    let area = corners.and_then(|corners| clipped(&corners, whole)).unwrap_or_else(|| outline(gray).unwrap_or(whole));
    let pixels_per_inch = match zone {
        Some(found) => found.pitch * 10.0,
        // The longer side of a card; of a passport there would be a zone.
        None => area.width().max(area.height()) as f32 / 3.37,
    };
    let dpi = pixels_per_inch * picture.shrunk as f32;
    Measures {
        focus: focus(gray, area),
        glare: glare(picture, area),
        resolution: between(dpi, POOR_DPI, GOOD_DPI),
        aspect: corners.map_or_else(|| aspect(area), |corners| share_within(&corners, whole)),
        color: color(picture, area),
        screen: screen(gray, area),
        editors: picture.editors.clone(),
        hash: PerceptualHash::of(gray, area),
    }
}

/// 0 at `low` or below, 1 at `high` or above.
fn between(value: f32, low: f32, high: f32) -> f32 {
    ((value - low) / (high - low)).clamp(0.0, 1.0)
}

/// Corners of the document, from where its zone is.
fn page_corners(found: &Found) -> [(f32, f32); 4] {
    let page = page(found.zone.layout);
    let [first, first_end, last, last_end] = found.corners;
    let count = found.zone.lines.first().map_or(30, String::len).max(2) as f32 - 1.0;
    let unit = |from: (f32, f32), to: (f32, f32), length: f32| ((to.0 - from.0) / length, (to.1 - from.1) / length);
    // A millimetre along the lines.
    let along = unit(last, last_end, count * PITCH_MM);
    // The direction down; a millimetre of it is as long as one along.
    let middle = |a: (f32, f32), b: (f32, f32)| ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0);
    let down = unit(middle(first, first_end), middle(last, last_end), 1.0);
    let length = down.0.hypot(down.1).max(1e-3) / along.0.hypot(along.1);
    let down = (down.0 / length, down.1 / length);
    let corner = |x: f32, y: f32| (last.0 + along.0 * x + down.0 * y, last.1 + along.1 * x + down.1 * y);
    let (left, right) = (-page.left, page.width - page.left);
    let (top, bottom) = (page.lower - page.height, page.lower);
    [corner(left, top), corner(right, top), corner(right, bottom), corner(left, bottom)]
}

/// What is between the outermost corners and within the picture; `None` if that is hardly anything.
fn clipped(corners: &[(f32, f32); 4], whole: Area) -> Option<Area> {
    let range = |values: [f32; 4], end: usize| {
        let low = values.into_iter().fold(f32::MAX, f32::min).clamp(0.0, end as f32);
        let high = values.into_iter().fold(f32::MIN, f32::max).clamp(0.0, end as f32);
        (low as usize, high as usize)
    };
    let (left, right) = range(corners.map(|corner| corner.0), whole.right);
    let (top, bottom) = range(corners.map(|corner| corner.1), whole.bottom);
    (right > left + 64 && bottom > top + 64).then_some(Area { left, top, right, bottom })
}

/// How much of the document is within the picture, from some points of it; a tenth may be missing, as its size is not known exactly.
fn share_within(corners: &[(f32, f32); 4], whole: Area) -> f32 {
    const STEPS: usize = 20;
    let mut within = 0;
    for row in 0..STEPS {
        for column in 0..STEPS {
            let (u, v) = ((column as f32 + 0.5) / STEPS as f32, (row as f32 + 0.5) / STEPS as f32);
            let mix = |a: f32, b: f32, c: f32, d: f32| (a * (1.0 - u) + b * u) * (1.0 - v) + (d * (1.0 - u) + c * u) * v;
            let x = mix(corners[0].0, corners[1].0, corners[2].0, corners[3].0);
            let y = mix(corners[0].1, corners[1].1, corners[2].1, corners[3].1);
            within += usize::from(x >= 0.0 && y >= 0.0 && x < whole.right as f32 && y < whole.bottom as f32);
        }
    }
    between(within as f32 / (STEPS * STEPS) as f32, 0.5, 0.9)
}

/// What differs from the ground around it, if the ground is even.
fn outline(gray: &Gray) -> Option<Area> {
    let factor = (gray.width.max(gray.height) / 200).max(1);
    let small = gray.shrunk(factor);
    let (w, h) = (small.width, small.height);
    let edges = (0..w * h).filter(|at| at % w == 0 || at % w == w - 1 || at / w == 0 || at / w == h - 1);
    let mut ground: Vec<u8> = edges.map(|at| small.data[at]).collect();
    ground.sort_unstable();
    let (low, middle, high) = (ground.get(ground.len() / 5)?, ground.get(ground.len() / 2)?, ground.get(ground.len() * 4 / 5)?);
    if high - low > 40 {
        return None;
    }
    let differs = |at: usize| small.data[at].abs_diff(*middle) > 24;
    let columns: Vec<usize> = (0..w).filter(|x| (0..h).filter(|y| differs(y * w + x)).count() > h / 8).collect();
    let rows: Vec<usize> = (0..h).filter(|y| (0..w).filter(|x| differs(y * w + x)).count() > w / 8).collect();
    // The ground, seen all around it, is hardly to be seen within: else it is the document itself that fills the picture.
    let (left, right, top, bottom) = (*columns.first()?, *columns.last()?, *rows.first()?, *rows.last()?);
    let count = (top..=bottom).map(|y| (left..=right).filter(|x| differs(y * w + x)).count()).sum::<usize>();
    let area = Area { left: left * factor, right: (right + 1) * factor, top: top * factor, bottom: (bottom + 1) * factor };
    let is_filled = count * 10 > (bottom - top + 1) * (right - left + 1) * 7;
    (is_filled && area.width() * 4 > gray.width && area.height() * 4 > gray.height).then_some(area)
}

/// How near the sides are to those of a card (ISO/IEC 7810: ID-1, 85.60 by 53.98 mm) or of an open passport page (ID-3, 125 by 88 mm).
fn aspect(area: Area) -> f32 {
    let (width, height) = (area.width() as f32, area.height() as f32);
    let ratio = width.max(height) / width.min(height).max(1.0);
    let off = [1.586_f32, 1.420].map(|good| (ratio / good).ln().abs()).into_iter().fold(f32::MAX, f32::min);
    1.0 - between(off, 0.05, 0.35)
}

/// Pixels of the area in a square whose longer side has about as many.
fn shrunk_area(gray: &Gray, area: Area, side: usize) -> Gray {
    let mut data = Vec::with_capacity(area.width() * area.height());
    for y in area.top..area.bottom {
        data.extend_from_slice(&gray.data[y * gray.width + area.left..y * gray.width + area.right]);
    }
    let cut = Gray { width: area.width(), height: area.height(), data };
    let factor = (cut.width.max(cut.height) / side).max(1);
    cut.shrunk(factor)
}

/// How sharp the edges are: the mean of the steepest differences of neighbours, compared with the contrast there.
///
/// The variance of the Laplacian depends on what is printed; the share of a step that happens within one pixel hardly does.
fn focus(gray: &Gray, area: Area) -> f32 {
    let cut = shrunk_area(gray, area, 1000);
    let (w, h) = (cut.width, cut.height);
    let mut shares: Vec<f32> = Vec::new();
    for y in (1..h.saturating_sub(1)).step_by(2) {
        let row = &cut.data[y * w..(y + 1) * w];
        for window in row.windows(9).step_by(3) {
            let (low, high) = window.iter().fold((255_u8, 0_u8), |(low, high), value| (low.min(*value), high.max(*value)));
            if high - low >= 40 {
                let steepest = window.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max().unwrap_or(0);
                shares.push(f32::from(steepest) / f32::from(high - low));
            }
        }
    }
    if shares.len() < 50 {
        // There is hardly an edge to be seen.
        return 0.0;
    }
    shares.sort_by(f32::total_cmp);
    between(shares[shares.len() * 3 / 4], 0.22, 0.42)
}

/// How little of the area is burnt out.
fn glare(picture: &Picture, area: Area) -> f32 {
    let pixels = picture.rgb.as_chunks::<3>().0;
    let (mut burnt, mut count) = (0_usize, 0_usize);
    for y in (area.top..area.bottom).step_by(2) {
        for x in (area.left..area.right).step_by(2) {
            let pixel = pixels.get(y * picture.width + x).copied().unwrap_or_default();
            burnt += usize::from(pixel.into_iter().all(|value| value >= 251));
            count += 1;
        }
    }
    1.0 - between(burnt as f32 / count.max(1) as f32, 0.01, 0.15)
}

/// Whether there is colour: how far the channels are apart where they are farthest. Shades of a lamp are the same all over and do not count.
fn color(picture: &Picture, area: Area) -> f32 {
    let pixels = picture.rgb.as_chunks::<3>().0;
    // Differences of the channels, of squares of four by four pixels: noise of a sensor is no colour.
    let mut differences: Vec<(i32, i32)> = Vec::new();
    for y in (area.top..area.bottom.saturating_sub(4)).step_by(8) {
        for x in (area.left..area.right.saturating_sub(4)).step_by(8) {
            let mut sums = [0_i32; 3];
            for dy in 0..4 {
                for pixel in pixels.get((y + dy) * picture.width + x..).unwrap_or_default().iter().take(4) {
                    sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += i32::from(*value));
                }
            }
            differences.push(((sums[0] - sums[1]) / 16, (sums[2] - sums[1]) / 16));
        }
    }
    let spread = |mut values: Vec<i32>| {
        values.sort_unstable();
        let at = |share: usize| values.get(values.len() * share / 100).copied().unwrap_or(0);
        (at(98) - at(2)) as f32
    };
    let red = spread(differences.iter().map(|difference| difference.0).collect());
    let blue = spread(differences.iter().map(|difference| difference.1).collect());
    between(red.max(blue), 6.0, 20.0)
}

/// Whether no pattern repeats as the pixels of a screen do: in squares of the picture, how far the plainest frequency is above those of
/// like length.
fn screen(gray: &Gray, area: Area) -> f32 {
    if area.width() < SIDE || area.height() < SIDE {
        return 1.0;
    }
    let (spare_x, spare_y) = (area.width() - SIDE, area.height() - SIDE);
    let places = [(spare_x / 4, spare_y / 4), (spare_x * 3 / 4, spare_y / 4), (spare_x / 2, spare_y / 2)];
    // What a screen shows it shows all over.
    let peaks = places.map(|(x, y)| peak(gray, area.left + x, area.top + y));
    let mut sorted = peaks;
    sorted.sort_by(f32::total_cmp);
    1.0 - between(sorted[1], 18.0, 60.0)
}

/// Frequencies, in waves for each square, that a pattern of pixels may have: finer than print, coarser than the pixels themselves.
const FREQUENCIES: std::ops::Range<f32> = 36.0..126.0;

fn peak(gray: &Gray, left: usize, top: usize) -> f32 {
    let mut square = Vec::with_capacity(SIDE * SIDE);
    for y in 0..SIDE {
        let row = &gray.data[(top + y) * gray.width + left..][..SIDE];
        let window_y = window(y);
        square.extend(row.iter().enumerate().map(|(x, value)| f32::from(*value) * window_y * window(x)));
    }
    let magnitudes = spectrum::magnitudes(&square);
    // By rings of like frequency: the largest, and the mean of the others.
    let mut rings = [(0.0_f32, 0.0_f32, 0_usize); SIDE / 2];
    for y in 0..SIDE {
        let fy = if y > SIDE / 2 { SIDE as f32 - y as f32 } else { y as f32 };
        for x in 0..SIDE / 2 {
            let radius = (x as f32).hypot(fy);
            // The axes have what edges of the square and lines of text leave.
            if !FREQUENCIES.contains(&radius) || x < 4 || fy < 4.0 {
                continue;
            }
            let value = magnitudes[y * SIDE / 2 + x];
            if let Some(ring) = rings.get_mut(radius as usize) {
                *ring = (ring.0.max(value), ring.1 + value, ring.2 + 1);
            }
        }
    }
    let ratio = |(largest, sum, count): &(f32, f32, usize)| if *count < 8 { 0.0 } else { largest / (sum / *count as f32 + 20.0) };
    rings.iter().map(ratio).fold(0.0, f32::max)
}

/// Hann's window, so that the edges of the square are no edges.
fn window(at: usize) -> f32 {
    0.5 - 0.5 * (std::f32::consts::TAU * at as f32 / SIDE as f32).cos()
}

/// What a picture looks like in 64 bits: signs of its lowest frequencies. A picture of the same side of the same document has nearly the
/// same, and so has one of another document of its kind: people are told apart by [`Fingerprint`](crate::Fingerprint).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PerceptualHash(u64);

impl PerceptualHash {
    /// Greatest [`distance`](Self::distance) at which two pictures are to be taken for the same one.
    pub const SAME: u32 = 6;

    /// In how many of the 64 bits they differ.
    pub fn distance(self, other: Self) -> u32 {
        (self.0 ^ other.0).count_ones()
    }

    fn of(gray: &Gray, area: Area) -> Self {
        const CELLS: usize = 32;
        let mut cells = vec![0.0_f32; CELLS * CELLS];
        for (at, cell) in cells.iter_mut().enumerate() {
            let (column, row) = (at % CELLS, at / CELLS);
            let range = |start: usize, len: usize, at: usize| {
                (start + len * at / CELLS, (start + len * (at + 1) / CELLS).max(start + len * at / CELLS + 1))
            };
            let ((left, right), (top, bottom)) = (range(area.left, area.width(), column), range(area.top, area.height(), row));
            let mut sum = 0_u32;
            for y in top..bottom {
                let pixels = gray.data.get(y * gray.width + left..y * gray.width + right).unwrap_or_default();
                sum += pixels.iter().map(|pixel| u32::from(*pixel)).sum::<u32>();
            }
            *cell = sum as f32 / ((right - left) * (bottom - top)) as f32;
        }
        let wave =
            |frequency: usize, at: usize| (std::f32::consts::PI * frequency as f32 * (at as f32 + 0.5) / CELLS as f32).cos();
        // The lowest eight by eight frequencies but that of the mean itself, which is replaced by the next one.
        let frequencies = (0..8).flat_map(|v| (0..8).map(move |u| if (u, v) == (0, 0) { (8, 8) } else { (u, v) }));
        let values: Vec<f32> = frequencies
            .map(|(u, v)| cells.iter().enumerate().map(|(at, cell)| cell * wave(u, at % CELLS) * wave(v, at / CELLS)).sum())
            .collect();
        let mut sorted = values.clone();
        sorted.sort_by(f32::total_cmp);
        let median = sorted[sorted.len() / 2];
        Self(values.iter().enumerate().fold(0, |bits, (at, value)| bits | u64::from(*value > median) << at))
    }
}
