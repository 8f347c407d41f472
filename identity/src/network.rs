//! The classifier of OCR-B characters: two small convolutions and two dense layers, run over a whole line at once.
//!
//! The input is a strip: one line of text, [`HEIGHT`] pixels high, characters about [`PITCH`] pixels apart, ink positive, contrast of about
//! one. Each window of [`WINDOW`] columns is judged, at every second column. The weights are made by `examples/train.rs`.

/// Characters of an MRZ, in the order of the classes (ICAO 9303-3, 4.3).
pub const ALPHABET: &[u8; 37] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<";

/// Classes: the characters, and nothing in the middle of the window.
pub const CLASSES: usize = ALPHABET.len() + 1;

/// Class of a window without a character in its middle.
pub const NOTHING: usize = ALPHABET.len();

/// Height of a strip.
pub const HEIGHT: usize = 28;

/// Distance of the characters of a strip.
pub const PITCH: usize = 18;

/// Height of a capital in a strip: in OCR-B as wide as the pitch.
pub const CAPITAL: f32 = 17.5;

/// Width of a window.
pub const WINDOW: usize = 26;

/// Columns between two windows.
pub const STRIDE: usize = 2;

/// Layers of the convolutions, and width of the hidden dense layer.
pub const CONV_1: usize = 8;
pub const CONV_2: usize = 24;
pub const HIDDEN: usize = 64;

/// Rows and columns that the dense layer sees of a window.
pub const ROWS: usize = HEIGHT / 4;
pub const COLUMNS: usize = ((WINDOW - 2) / 2 - 2) / 2;

/// Lengths of the parts of the weights, in their order: weights and biases of each layer.
pub const PARTS: [usize; 8] =
    [9 * CONV_1, CONV_1, 9 * CONV_1 * CONV_2, CONV_2, ROWS * COLUMNS * CONV_2 * HIDDEN, HIDDEN, HIDDEN * CLASSES, CLASSES];

/// Natural logarithms of the probabilities of the classes.
pub type Scores = [f32; CLASSES];

/// The weights in use.
const WEIGHTS: &[u8] = include_bytes!("../weights/ocr-b.bin");

/// A network with its weights.
#[derive(Clone, Debug)]
pub struct Network {
    weights: Vec<f32>,
}

impl Network {
    /// With the weights of the repository.
    pub fn own() -> Self {
        let numbers = WEIGHTS.as_chunks::<4>().0;
        Self::new(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
            .unwrap_or_else(|| Self { weights: vec![0.0; total()] })
    }

    /// With these weights, `None` unless there are as many as needed.
    pub fn new(weights: Vec<f32>) -> Option<Self> {
        (weights.len() == total()).then_some(Self { weights })
    }

    /// The weights by parts.
    pub fn parts(&self) -> [&[f32]; 8] {
        split(&self.weights)
    }

    /// Judges each window of a strip (row by row, `width` columns): the first begins at column 0, the next [`STRIDE`] columns on.
    pub fn judge(&self, strip: &[f32], width: usize) -> Vec<Scores> {
        if width < WINDOW || strip.len() < width * HEIGHT {
            return Vec::new();
        }
        let [weights_1, bias_1, weights_2, bias_2, weights_3, bias_3, weights_4, bias_4] = self.parts();
        let first = convolve::<CONV_1>(strip, width, 1, weights_1, bias_1);
        let (first, pooled_width) = (pool(&first, width - 2, CONV_1, 2), (width - 2) / 2);
        let second = convolve::<CONV_2>(&first, pooled_width, CONV_1, weights_2, bias_2);
        let second_width = pooled_width - 2;
        // Pooled at every column: the windows begin at each.
        let second = pool(&second, second_width, CONV_2, 1);
        let (row_len, count) = ((second_width - 1) * CONV_2, (width - WINDOW) / STRIDE + 1);
        let windows = (0..count).map(|window| {
            let mut hidden: [f32; HIDDEN] = to_array(bias_3);
            for (row, weights) in weights_3.chunks_exact(COLUMNS * CONV_2 * HIDDEN).enumerate() {
                for (column, weights) in weights.chunks_exact(CONV_2 * HIDDEN).enumerate() {
                    let at = row * row_len + (window + 2 * column) * CONV_2;
                    accumulate(&second[at..at + CONV_2], weights, &mut hidden);
                }
            }
            let mut scores: Scores = to_array(bias_4);
            accumulate(&hidden.map(|value| value.max(0.0)), weights_4, &mut scores);
            normalize(&mut scores);
            scores
        });
        windows.collect()
    }
}

/// How many weights there are.
pub fn total() -> usize {
    PARTS.iter().sum()
}

/// Parts of the weights, or of their gradients.
pub fn split(mut all: &[f32]) -> [&[f32]; 8] {
    PARTS.map(|len| {
        let (part, rest) = all.split_at(len);
        all = rest;
        part
    })
}

/// A convolution with nine taps and a rectifier. Beyond the upper and lower edges are zeros; at the sides one column each is lost.
/// The channels of a pixel lie beside each other.
pub fn convolve<const OUT: usize>(input: &[f32], width: usize, channels: usize, weights: &[f32], bias: &[f32]) -> Vec<f32> {
    let height = input.len() / (width * channels);
    let mut output = Vec::with_capacity(height * (width - 2) * OUT);
    for y in 0..height {
        for x in 0..width - 2 {
            let mut sums: [f32; OUT] = to_array(bias);
            for (tap_row, weights) in weights.chunks_exact(3 * channels * OUT).enumerate() {
                let row = (y + tap_row).wrapping_sub(1);
                if row < height {
                    let at = (row * width + x) * channels;
                    accumulate(&input[at..at + 3 * channels], weights, &mut sums);
                }
            }
            output.extend(sums.map(|value| value.max(0.0)));
        }
    }
    output
}

/// The largest of two by two pixels, at every second row and each `step` columns.
pub fn pool(input: &[f32], width: usize, channels: usize, step: usize) -> Vec<f32> {
    let mut output = Vec::with_capacity(input.len() / 2);
    for rows in input.chunks_exact(2 * width * channels) {
        let (upper, lower) = rows.split_at(width * channels);
        for x in (0..width - 1).step_by(step) {
            let at = x * channels;
            let next = at + channels;
            output.extend((0..channels).map(|c| upper[at + c].max(upper[next + c]).max(lower[at + c]).max(lower[next + c])));
        }
    }
    output
}

/// Adds the weights of each input that is not zero.
pub fn accumulate<const OUT: usize>(input: &[f32], weights: &[f32], sums: &mut [f32; OUT]) {
    for (value, weights) in input.iter().zip(weights.as_chunks::<OUT>().0) {
        if *value != 0.0 {
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += value * weight;
            }
        }
    }
}

/// From any numbers to logarithms of probabilities.
pub fn normalize(scores: &mut Scores) {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = scores.iter().map(|score| (score - largest).exp()).sum();
    let shift = largest + sum.ln();
    scores.iter_mut().for_each(|score| *score -= shift);
}

fn to_array<const LEN: usize>(values: &[f32]) -> [f32; LEN] {
    let mut array = [0.0; LEN];
    array.iter_mut().zip(values).for_each(|(slot, value)| *slot = *value);
    array
}

/// Columns whose contrast a window is seen with.
pub const CONTEXT: usize = 62;

/// Deviation of gray levels below which a strip counts as blank.
const BLANK: f32 = 4.0;

/// From gray levels to ink: each column by the mean and the deviation of the columns around it. `strip` has rows of `width`.
pub fn normalize_contrast(strip: &mut [f32], width: usize) {
    let rows = strip.len() / width.max(1);
    // Sums of values and of their squares over the columns before each.
    let mut sums = vec![(0.0_f64, 0.0_f64)];
    let mut sum = (0.0, 0.0);
    for column in 0..width {
        for value in strip.iter().skip(column).step_by(width) {
            let value = f64::from(*value);
            sum = (sum.0 + value, sum.1 + value * value);
        }
        sums.push(sum);
    }
    for column in 0..width {
        // As many columns near an edge as elsewhere.
        let end = (column.saturating_sub(CONTEXT / 2) + CONTEXT).min(width);
        let begin = end.saturating_sub(CONTEXT);
        let count = ((end - begin) * rows) as f64;
        let (mean, square) = ((sums[end].0 - sums[begin].0) / count, (sums[end].1 - sums[begin].1) / count);
        let deviation = (square - mean * mean).max(0.0).sqrt() as f32;
        for value in strip.iter_mut().skip(column).step_by(width) {
            *value = ((mean as f32 - *value) / (deviation + BLANK)).clamp(-3.0, 3.0);
        }
    }
}
