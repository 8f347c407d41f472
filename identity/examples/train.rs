//! Trains the classifier of OCR-B characters and writes its weights, and the glyphs of the specimens.
//!
//! ```text
//! apt-get download fonts-ocr-b && dpkg -x fonts-ocr-b_*.deb FOLDER
//! cargo run --release -p identity --features training --example train -- FOLDER/usr/share/fonts/opentype/ocr-b [SEED [SAMPLES]]
//! ```
//! It runs on one processor for some minutes. The same seed gives the same weights on the same kind of processor. A sample is a few
//! characters as a camera or a scanner would see them: turned, sheared, at any resolution, blurred, lit unevenly, on a patterned ground,
//! noisy, compressed; then brought to the size of a window a little wrongly, as the locator does.

mod support;

use std::{path::Path, time::Instant};

use identity::network::{
    ALPHABET, CLASSES, COLUMNS, CONTEXT, CONV_1, CONV_2, HEIGHT, HIDDEN, NOTHING, Network, PARTS, PITCH, ROWS, Scores, WINDOW,
    convolve, normalize_contrast, split, total,
};
use support::{Bitmap, CELL_HEIGHT, Glyphs, Random, fonts};

/// Samples between two steps, and steps in all, unless told.
const BATCH: usize = 64;
const SAMPLES: usize = 1_000_000;

/// Samples of the last judgement, of another seed.
const TRIALS: usize = 20_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.first().expect("the folder of the fonts is the first argument");
    let number = |at: usize, default| arguments.get(at).map_or(default, |text| text.parse().expect("a number"));
    let (seed, samples) = (number(1, 1), number(2, SAMPLES));
    let studio = Studio { fonts: [10, 14, 20, 30].map(|pitch| fonts(Path::new(folder), pitch)) };
    let mut random = Random::new(seed as u64);
    let mut trainer = Trainer::new(&mut random);
    let (began, steps) = (Instant::now(), samples / BATCH);
    let (mut loss, mut right) = (0.0, 0);
    for step in 0..steps {
        for _ in 0..BATCH {
            let (window, class) = studio.sample(&mut random);
            let (sample_loss, is_right) = trainer.learn(&window, class);
            loss += sample_loss;
            right += usize::from(is_right);
        }
        let progress = step as f32 / steps as f32;
        let rate = 0.002 * (0.5 + 0.5 * (progress * std::f32::consts::PI).cos()) + 1e-5;
        trainer.step(rate);
        if (step + 1) % 1000 == 0 {
            let count = (1000 * BATCH) as f32;
            println!(
                "{:>8} samples, {:>4} s: loss {:.4}, right {:.2} %",
                (step + 1) * BATCH,
                began.elapsed().as_secs(),
                loss / count,
                right as f32 / count * 100.0
            );
            (loss, right) = (0.0, 0);
        }
    }
    let network = Network::new(trainer.weights.clone()).expect("all weights");
    judge(&network, &studio, seed as u64 + 1_000_000);
    let bytes: Vec<u8> = trainer.weights.iter().flat_map(|weight| weight.to_le_bytes()).collect();
    let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("weights");
    std::fs::write(out.join("ocr-b.bin"), bytes).expect("the weights are written");
    std::fs::write(out.join("specimen-glyphs.bin"), specimen_glyphs(Path::new(folder))).expect("the glyphs are written");
}

/// Says how often the network, as it runs in the library, is right.
fn judge(network: &Network, studio: &Studio, seed: u64) {
    let mut random = Random::new(seed);
    let mut wrong = std::collections::BTreeMap::<(char, char), usize>::new();
    for _ in 0..TRIALS {
        let (window, class) = studio.sample(&mut random);
        let scores = network.judge(&window, WINDOW)[0];
        let best = (0..CLASSES).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or(NOTHING);
        if best != class {
            let name = |class: usize| ALPHABET.get(class).map_or(' ', |character| char::from(*character));
            *wrong.entry((name(class), name(best))).or_default() += 1;
        }
    }
    let count: usize = wrong.values().sum();
    let mut pairs: Vec<_> = wrong.into_iter().collect();
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.1));
    println!("of {TRIALS} others wrong: {count}; most often (is, read as): {:?}", &pairs[..pairs.len().min(20)]);
}

/// Cells of 24 by 36 pixels, a byte of ink each, in the order of the alphabet: what `identity::fixtures` draws with.
fn specimen_glyphs(folder: &Path) -> Vec<u8> {
    let fonts = fonts(folder, 24);
    fonts[0].cells.iter().flat_map(|cell| cell.ink.iter().map(|ink| (ink * 255.0).round() as u8)).collect()
}

/// Fonts at several sizes.
struct Studio {
    fonts: [Vec<Glyphs>; 4],
}

impl Studio {
    /// A window and its class.
    fn sample(&self, random: &mut Random) -> (Vec<f32>, usize) {
        // Pixels from character to character.
        let pitch = 9.0 * (random.unit() * (30.0_f32 / 9.0).ln()).exp();
        let size = [10.0, 14.0, 20.0].iter().position(|size| pitch <= *size).unwrap_or(3);
        let font = random.below(self.fonts[0].len());
        let glyphs = &self.fonts[size][font];
        let (text, class, offset) = text(random);
        let mut photo = self.photograph(random, glyphs, &text, pitch);
        blur(random, &mut photo, pitch);
        expose(random, &mut photo, pitch);
        let strip = bring_to_size(random, &photo, pitch, offset);
        let begin = (CONTEXT - WINDOW) / 2;
        let window = (0..HEIGHT).flat_map(|row| strip[row * CONTEXT + begin..][..WINDOW].to_vec()).collect();
        (window, class)
    }

    /// Ink of the text, as the sensor sees it: nothing else yet.
    fn photograph(&self, random: &mut Random, glyphs: &Glyphs, text: &[Option<usize>; 7], pitch: f32) -> Bitmap {
        let (width, height) = ((4.8 * pitch) as usize, (2.2 * pitch) as usize);
        let angle = random.normal() * 0.02;
        let shear = random.normal() * 0.08;
        let tall = 1.0 + random.normal().clamp(-2.5, 2.5) * 0.06;
        let (sin, cos) = angle.sin_cos();
        let bold = random.chance(0.4).then(|| (random.normal() * 0.03, random.normal() * 0.03));
        let gamma = random.between(0.6, 1.6);
        let mut ink = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let dx = (x as f32 + 0.5 - width as f32 / 2.0) / pitch;
                let dy = (y as f32 + 0.5 - height as f32 / 2.0) / pitch;
                let (u, v) = (dx * cos + dy * sin + dy * shear, (dy * cos - dx * sin) / tall);
                let value = ink_at(glyphs, text, u, v);
                let value = bold.map_or(value, |(du, dv)| value.max(ink_at(glyphs, text, u + du, v + dv)));
                ink.push(value.powf(gamma));
            }
        }
        Bitmap { width, height, ink }
    }
}

/// Ink at a point, in pitches from the middle of the text.
fn ink_at(glyphs: &Glyphs, text: &[Option<usize>; 7], u: f32, v: f32) -> f32 {
    let cell = (u + 0.5).floor();
    let class = usize::try_from(cell as i32 + 3).ok().and_then(|at| text.get(at).copied().flatten());
    let Some(bitmap) = class.map(|class| &glyphs.cells[class]) else { return 0.0 };
    bitmap.at((u + 0.5 - cell) * bitmap.width as f32, (v / CELL_HEIGHT + 0.5) * bitmap.height as f32)
}

/// Some characters, the class of the window in their middle, and how far that is off, in pitches.
fn text(random: &mut Random) -> ([Option<usize>; 7], usize, f32) {
    let mut text = [(); 7].map(|()| Some(if random.chance(0.25) { 36 } else { random.below(37) }));
    text[3] = Some(random.below(37));
    // A line begins or ends.
    if random.chance(0.15) {
        let from = 4 + random.below(2);
        text[from..].fill(None);
    } else if random.chance(0.15) {
        let until = 2 + random.below(2);
        text[..=until.min(2)].fill(None);
    }
    if random.chance(0.82) {
        return (text, text[3].unwrap_or(NOTHING), (random.normal() * 0.06).clamp(-0.15, 0.15));
    }
    if random.chance(0.6) {
        let side = if random.chance(0.5) { 1.0 } else { -1.0 };
        return (text, NOTHING, side * random.between(0.33, 0.5));
    }
    // Nothing here; perhaps a line beside.
    text[3] = None;
    match random.below(3) {
        0 => text[..3].fill(None),
        1 => text[4..].fill(None),
        _ => text.fill(None),
    }
    (text, NOTHING, random.between(-0.3, 0.3))
}

fn blur(random: &mut Random, photo: &mut Bitmap, pitch: f32) {
    let sigma = if random.chance(0.75) { random.between(0.02, 0.125) * pitch } else { 0.3 };
    let kernel: Vec<(f32, f32)> = (-4..=4).map(|step| (step as f32, (-0.5 * (step as f32 / sigma).powi(2)).exp())).collect();
    smear(photo, &kernel, (1.0, 0.0));
    smear(photo, &kernel, (0.0, 1.0));
    if random.chance(0.15) {
        let length = random.between(0.05, 0.22) * pitch;
        let (sin, cos) = random.between(0.0, std::f32::consts::PI).sin_cos();
        let kernel: Vec<(f32, f32)> = (-2..=2).map(|step| (step as f32 / 4.0 * length, 1.0)).collect();
        smear(photo, &kernel, (cos, sin));
    }
}

/// Mean along a direction.
fn smear(photo: &mut Bitmap, kernel: &[(f32, f32)], direction: (f32, f32)) {
    let kernel: Vec<_> = kernel.iter().filter(|(_, weight)| *weight > 0.01).copied().collect();
    let total: f32 = kernel.iter().map(|(_, weight)| weight).sum();
    let source = photo.clone();
    let (width, height) = (photo.width as i32, photo.height as i32);
    let is_straight = direction.0.fract() == 0.0 && direction.1.fract() == 0.0;
    for y in 0..height {
        for x in 0..width {
            let mut sum = 0.0;
            for (step, weight) in &kernel {
                let (dx, dy) = (step * direction.0, step * direction.1);
                if is_straight {
                    let (x, y) = (x + dx as i32, y + dy as i32);
                    if x >= 0 && y >= 0 && x < width && y < height {
                        sum += weight * source.ink[(y * width + x) as usize];
                    }
                } else {
                    sum += weight * source.at(x as f32 + 0.5 + dx, y as f32 + 0.5 + dy);
                }
            }
            photo.ink[(y * width + x) as usize] = sum / total;
        }
    }
}

/// From ink to what a camera stores, from 0 to 255.
fn expose(random: &mut Random, photo: &mut Bitmap, pitch: f32) {
    let ground = random.between(90.0, 250.0);
    let contrast = random.between(0.2, 0.95) * ground;
    let light = (random.normal() * 0.08, random.normal() * 0.08);
    let waves = if random.chance(0.5) { 2 } else { 0 };
    let waves: Vec<_> = (0..waves)
        .map(|_| {
            let (sin, cos) = random.between(0.0, std::f32::consts::TAU).sin_cos();
            let length = random.between(0.15, 2.5) * pitch;
            let strength = random.between(0.0, 0.14) * contrast;
            (sin / length * std::f32::consts::TAU, cos / length * std::f32::consts::TAU, random.between(0.0, 6.3), strength)
        })
        .collect();
    let noise = if random.chance(0.6) { random.between(0.0, 0.25) * contrast } else { 1.0 };
    let glare = random.chance(0.12).then(|| {
        let (x, y) = (random.unit() * photo.width as f32, random.unit() * photo.height as f32);
        (x, y, random.between(0.5, 3.0) * pitch, random.between(30.0, 200.0))
    });
    // An edge of the document, or a line above or below.
    let edge = random.chance(0.15).then(|| (random.between(0.75, 1.15) * pitch, random.chance(0.5), random.between(20.0, 255.0)));
    let middle = photo.height as f32 / 2.0;
    for y in 0..photo.height {
        for x in 0..photo.width {
            let (fx, fy) = (x as f32, y as f32);
            let mut value = ground * (1.0 + light.0 * (fx / pitch - 2.4) / 2.4 + light.1 * (fy - middle) / pitch);
            value += waves.iter().map(|(a, b, phase, strength)| (fx * a + fy * b + phase).sin() * strength).sum::<f32>();
            value -= contrast * photo.ink[y * photo.width + x];
            if let Some((distance, is_above, level)) = edge
                && (if is_above { middle - fy } else { fy - middle }) > distance
            {
                value = level;
            }
            if let Some((gx, gy, size, strength)) = glare {
                let distance = ((fx - gx).powi(2) + (fy - gy).powi(2)) / (size * size);
                value += strength * (-distance).exp();
            }
            value += random.normal() * noise;
            photo.ink[y * photo.width + x] = value.clamp(0.0, 255.0).round();
        }
    }
    if random.chance(0.5) {
        compress(photo, random.between(20.0, 92.0));
    }
}

/// What quantization in blocks does, as in JPEG (its annex K, luminance).
fn compress(photo: &mut Bitmap, quality: f32) {
    const TABLE: [f32; 64] = [
        16.0, 11.0, 10.0, 16.0, 24.0, 40.0, 51.0, 61.0, 12.0, 12.0, 14.0, 19.0, 26.0, 58.0, 60.0, 55.0, 14.0, 13.0, 16.0, 24.0,
        40.0, 57.0, 69.0, 56.0, 14.0, 17.0, 22.0, 29.0, 51.0, 87.0, 80.0, 62.0, 18.0, 22.0, 37.0, 56.0, 68.0, 109.0, 103.0, 77.0,
        24.0, 35.0, 55.0, 64.0, 81.0, 104.0, 113.0, 92.0, 49.0, 64.0, 78.0, 87.0, 103.0, 121.0, 120.0, 101.0, 72.0, 92.0, 95.0,
        98.0, 112.0, 100.0, 103.0, 99.0,
    ];
    let scale = if quality < 50.0 { 50.0 / quality } else { 2.0 - quality / 50.0 };
    let basis: Vec<f32> = (0..64)
        .map(|at| {
            let (k, n) = ((at / 8) as f32, (at % 8) as f32);
            let norm = if at < 8 { 0.125_f32.sqrt() } else { 0.5 };
            norm * ((2.0 * n + 1.0) * k * std::f32::consts::PI / 16.0).cos()
        })
        .collect();
    // Rows times the basis, transposed; twice is the whole.
    let transform = |block: &[f32; 64], is_back: bool| {
        let mut out = [0.0; 64];
        for y in 0..8 {
            for k in 0..8 {
                out[k * 8 + y] =
                    (0..8).map(|n| block[y * 8 + n] * if is_back { basis[n * 8 + k] } else { basis[k * 8 + n] }).sum();
            }
        }
        out
    };
    for by in (0..photo.height).step_by(8) {
        for bx in (0..photo.width).step_by(8) {
            let mut block = [0.0; 64];
            for (at, slot) in block.iter_mut().enumerate() {
                let (x, y) = ((bx + at % 8).min(photo.width - 1), (by + at / 8).min(photo.height - 1));
                *slot = photo.ink[y * photo.width + x] - 128.0;
            }
            let mut block = transform(&transform(&block, false), false);
            for (value, step) in block.iter_mut().zip(TABLE) {
                let step = (step * scale).max(1.0);
                *value = (*value / step).round() * step;
            }
            let block = transform(&transform(&block, true), true);
            for (at, value) in block.iter().enumerate() {
                let (x, y) = (bx + at % 8, by + at / 8);
                if x < photo.width && y < photo.height {
                    photo.ink[y * photo.width + x] = (value + 128.0).clamp(0.0, 255.0).round();
                }
            }
        }
    }
}

/// As the locator brings a line to its size, a little wrongly.
fn bring_to_size(random: &mut Random, photo: &Bitmap, pitch: f32, offset: f32) -> Vec<f32> {
    let wide = 1.0 + (random.normal() * 0.03).clamp(-0.08, 0.08);
    let tall = 1.0 + (random.normal() * 0.05).clamp(-0.14, 0.14);
    let down = (random.normal() * 0.07).clamp(-0.17, 0.17);
    let mut strip = Vec::with_capacity(CONTEXT * HEIGHT);
    for y in 0..HEIGHT {
        for x in 0..CONTEXT {
            let u = ((x as f32 + 0.5 - CONTEXT as f32 / 2.0) / PITCH as f32 * wide + offset) * pitch + photo.width as f32 / 2.0;
            let v = ((y as f32 + 0.5 - HEIGHT as f32 / 2.0) / PITCH as f32 * tall + down) * pitch + photo.height as f32 / 2.0;
            let within = |value: f32, len: usize| value.clamp(0.5, len as f32 - 0.5);
            strip.push(photo.at(within(u, photo.width), within(v, photo.height)));
        }
    }
    normalize_contrast(&mut strip, CONTEXT);
    strip
}

/// Weights, their gradients, and the moments of Adam.
struct Trainer {
    weights: Vec<f32>,
    gradient: Vec<f32>,
    moments: Vec<(f32, f32)>,
    steps: i32,
}

impl Trainer {
    fn new(random: &mut Random) -> Self {
        let mut weights = Vec::with_capacity(total());
        let inputs = [9, 0, 9 * CONV_1, 0, ROWS * COLUMNS * CONV_2, 0, HIDDEN, 0];
        for (part, inputs) in PARTS.into_iter().zip(inputs) {
            let deviation = if inputs == 0 { 0.0 } else { (2.0 / inputs as f32).sqrt() };
            weights.extend((0..part).map(|_| random.normal() * deviation));
        }
        Self { gradient: vec![0.0; weights.len()], moments: vec![(0.0, 0.0); weights.len()], weights, steps: 0 }
    }

    /// Adds the gradient of one sample; its loss, and whether it was judged rightly.
    fn learn(&mut self, window: &[f32], class: usize) -> (f32, bool) {
        let [weights_1, bias_1, weights_2, bias_2, weights_3, bias_3, weights_4, bias_4] = split(&self.weights);
        let (width_1, width_2) = (WINDOW - 2, (WINDOW - 2) / 2 - 2);
        let first = convolve::<CONV_1>(window, WINDOW, 1, weights_1, bias_1);
        let (pooled_1, from_1) = pool_with_source(&first, width_1, CONV_1);
        let second = convolve::<CONV_2>(&pooled_1, width_1 / 2, CONV_1, weights_2, bias_2);
        let (features, from_2) = pool_with_source(&second, width_2, CONV_2);
        let mut hidden = bias_3.to_vec();
        for (value, weights) in features.iter().zip(weights_3.chunks_exact(HIDDEN)) {
            if *value != 0.0 {
                hidden.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * weight);
            }
        }
        hidden.iter_mut().for_each(|value| *value = value.max(0.0));
        let mut scores: Scores = [0.0; CLASSES];
        scores.copy_from_slice(bias_4);
        identity::network::accumulate(&hidden, weights_4, &mut scores);
        identity::network::normalize(&mut scores);
        let loss = -scores[class];
        let is_right = scores.iter().all(|score| *score <= scores[class]);

        let mut error: Scores = scores.map(f32::exp);
        error[class] -= 1.0;
        let [gradient_1, slope_1, gradient_2, slope_2, gradient_3, slope_3, gradient_4, slope_4] = split_mut(&mut self.gradient);
        add(slope_4, &error);
        let hidden_error = dense_back(&hidden, weights_4, &error, gradient_4);
        add(slope_3, &hidden_error);
        let features_error = dense_back(&features, weights_3, &hidden_error, gradient_3);
        let mut second_error = vec![0.0; second.len()];
        scatter(&features_error, &from_2, &second, &mut second_error);
        let pooled_error = convolve_back::<CONV_2>(&pooled_1, width_1 / 2, CONV_1, weights_2, &second_error, gradient_2, slope_2);
        let mut first_error = vec![0.0; first.len()];
        scatter(&pooled_error, &from_1, &first, &mut first_error);
        convolve_back::<CONV_1>(window, WINDOW, 1, weights_1, &first_error, gradient_1, slope_1);
        (loss, is_right)
    }

    /// Adam (Kingma and Ba), with its usual constants.
    fn step(&mut self, rate: f32) {
        self.steps += 1;
        let (fix_1, fix_2) = (1.0 - 0.9_f32.powi(self.steps), 1.0 - 0.999_f32.powi(self.steps));
        for ((weight, gradient), (mean, square)) in self.weights.iter_mut().zip(&mut self.gradient).zip(&mut self.moments) {
            let slope = *gradient / BATCH as f32;
            *mean = 0.9 * *mean + 0.1 * slope;
            *square = 0.999 * *square + 0.001 * slope * slope;
            *weight -= rate * (*mean / fix_1 / ((*square / fix_2).sqrt() + 1e-8) + 1e-4 * *weight);
            *gradient = 0.0;
        }
    }
}

fn add(sums: &mut [f32], values: &[f32]) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}

fn split_mut(mut all: &mut [f32]) -> [&mut [f32]; 8] {
    PARTS.map(|len| {
        let (part, rest) = std::mem::take(&mut all).split_at_mut(len);
        all = rest;
        part
    })
}

/// The largest of two by two pixels, and where each was.
fn pool_with_source(input: &[f32], width: usize, channels: usize) -> (Vec<f32>, Vec<usize>) {
    let height = input.len() / width / channels;
    let (mut values, mut sources) = (Vec::new(), Vec::new());
    for y in (0..height).step_by(2) {
        for x in (0..width).step_by(2) {
            for channel in 0..channels {
                let at = |dx: usize, dy: usize| ((y + dy) * width + x + dx) * channels + channel;
                let places = [at(0, 0), at(1, 0), at(0, 1), at(1, 1)];
                let best =
                    places.into_iter().fold(places[0], |best, place| if input[place] > input[best] { place } else { best });
                values.push(input[best]);
                sources.push(best);
            }
        }
    }
    (values, sources)
}

/// Errors to where the largest were, but not through a rectifier that was shut.
fn scatter(errors: &[f32], sources: &[usize], output: &[f32], into: &mut [f32]) {
    for (error, source) in errors.iter().zip(sources) {
        if output[*source] > 0.0 {
            into[*source] += error;
        }
    }
}

/// Gradient of a dense layer, and the error of its input where that was let through.
fn dense_back(input: &[f32], weights: &[f32], error: &[f32], gradient: &mut [f32]) -> Vec<f32> {
    let len = error.len();
    let rows = input.iter().zip(weights.chunks_exact(len)).zip(gradient.chunks_exact_mut(len));
    rows.map(|((value, weights), gradient)| {
        if *value == 0.0 {
            return 0.0;
        }
        gradient.iter_mut().zip(error).for_each(|(sum, error)| *sum += value * error);
        dot(weights, error)
    })
    .collect()
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    let rest = a.chunks_exact(8).remainder().iter().zip(b.chunks_exact(8).remainder());
    sums.iter().sum::<f32>() + rest.map(|(a, b)| a * b).sum::<f32>()
}

fn convolve_back<const OUT: usize>(
    input: &[f32],
    width: usize,
    channels: usize,
    weights: &[f32],
    error: &[f32],
    gradient: &mut [f32],
    slope: &mut [f32],
) -> Vec<f32> {
    let height = input.len() / (width * channels);
    let mut input_error = vec![0.0; input.len()];
    for y in 0..height {
        for x in 0..width - 2 {
            let error = &error[(y * (width - 2) + x) * OUT..][..OUT];
            if error.iter().all(|error| *error == 0.0) {
                continue;
            }
            add(slope, error);
            for tap_row in 0..3 {
                let row = (y + tap_row).wrapping_sub(1);
                if row >= height {
                    continue;
                }
                let (at, tap) = ((row * width + x) * channels, tap_row * 3 * channels * OUT);
                for step in 0..3 * channels {
                    let range = tap + step * OUT..tap + (step + 1) * OUT;
                    let value = input[at + step];
                    gradient[range.clone()].iter_mut().zip(error).for_each(|(sum, error)| *sum += value * error);
                    input_error[at + step] += dot(&weights[range], error);
                }
            }
        }
    }
    input_error
}
