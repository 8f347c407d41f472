//! Renders documents as cameras and scanners see them and says how many zones are read rightly, how long that takes and how much memory.
//!
//! ```text
//! cargo run --release -p identity --features training,fixtures --example evaluate -- FONTS [SEED [DOCUMENTS [CONDITION ...]]]
//! ```
//! `FONTS` is the folder of the OCR-B fonts (see `train.rs`). Half of the documents are cards (TD1), half are passports (TD3), all with people
//! that do not exist. Each is rendered once, under one condition after the other. Where `tesseract` is installed it reads some of them too,
//! and PP-OCRv4 where `PP_OCR` names a Python that has it (`support/ppocr.py`).
//! Rendered documents are an upper bound: real ones are bent, worn, and printed by machines that nobody here has seen.

mod support;

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use identity::{ZoneRead, fixtures::Person, network::ALPHABET};
use image::{ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder, codecs::png::PngEncoder, codecs::webp::WebPEncoder};
use support::{Bitmap, CELL_HEIGHT, Glyphs, Random, fonts};

/// Conditions, in the order of the documents: the six of the requirement, and others with a cross.
const CONDITIONS: [&str; 6] = ["clean", "jpeg150", "blur", "noise", "perspective", "glare"];
const MORE_CONDITIONS: [&str; 4] = ["turned", "small", "shaken", "mixed"];

/// Pixels for a millimetre of the page before a camera sees it.
const SCALE: f32 = 14.0;

/// One document in so many is read by the peers, too: they take long for each.
const PEER_EVERY: usize = 10;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--memory") {
        return read_once(&arguments[1]);
    }
    let folder = arguments.first().expect("the folder of the fonts is the first argument");
    let number = |at: usize, default: u64| arguments.get(at).map_or(default, |text| text.parse().expect("a number"));
    let (seed, count) = (number(1, 7), number(2, 300) as usize);
    let conditions: Vec<&str> =
        if arguments.len() > 3 { arguments[3..].iter().map(String::as_str).collect() } else { CONDITIONS.to_vec() };
    assert!(
        conditions.iter().all(|condition| CONDITIONS.contains(condition) || MORE_CONDITIONS.contains(condition)),
        "{MORE_CONDITIONS:?}"
    );
    let fonts = fonts(Path::new(folder), 36);
    let has_peer = Command::new("tesseract")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let mut random = Random::new(seed);
    let mut results: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut peers: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut paddle = std::env::var_os("PP_OCR").map(|python| Paddle::start(&python));
    let mut by_paddle: BTreeMap<&str, Tally> = BTreeMap::new();
    let keep = std::env::var_os("KEEP_WRONG");
    for at in 0..count {
        let condition = conditions[at % conditions.len()];
        let is_card = (at / conditions.len()).is_multiple_of(2);
        let glyphs = random.pick(&fonts);
        let lines = text(&mut random, is_card);
        let page = page(&mut random, glyphs, &lines, is_card);
        let file = photograph(&mut random, &page, condition);
        let began = processor_time();
        let read = identity::read_zone(&file).expect("it is an image");
        let took = processor_time() - began;
        let outcome = outcome(read.as_ref(), &lines);
        results.entry(condition).or_default().add(&outcome, took);
        if outcome != Outcome::Right
            && let Some(folder) = &keep
        {
            std::fs::write(Path::new(folder).join(format!("{at}-{condition}.img")), &file).expect("it is written");
            println!("{at} {condition} {outcome:?}: {lines:?} {read:?}");
        }
        if !(at / conditions.len()).is_multiple_of(PEER_EVERY) {
            continue;
        }
        if has_peer {
            let began = Instant::now();
            let outcome = tesseract(&file, &lines);
            peers.entry(condition).or_default().add(&outcome, began.elapsed());
        }
        if let Some(paddle) = &mut paddle {
            let began = Instant::now();
            let outcome = paddle.read(&file, &lines);
            by_paddle.entry(condition).or_default().add(&outcome, began.elapsed());
        }
    }
    println!("seed {seed}, {count} documents");
    print("identity", &conditions, &results);
    if has_peer {
        print("tesseract (eng, whole image)", &conditions, &peers);
    }
    if paddle.is_some() {
        print("PP-OCRv4 (whole image)", &conditions, &by_paddle);
    }
    memory();
}

/// What this thread has used: other programs on the machine do not count.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Right,
    /// Another text whose check digits all agree, and from which values are taken.
    WrongAndValid,
    /// Another text from which values are taken; a check digit tells.
    Wrong,
    /// Nothing is taken.
    Unread,
}

fn outcome(read: Option<&ZoneRead>, lines: &[String]) -> Outcome {
    match read {
        Some(read) if !read.is_taken => Outcome::Unread,
        Some(read) if read.lines == lines => Outcome::Right,
        Some(read) if is_valid(&read.lines) => Outcome::WrongAndValid,
        Some(_) => Outcome::Wrong,
        None => Outcome::Unread,
    }
}

fn is_valid(lines: &[String]) -> bool {
    let parsed = match lines {
        [first, second, third] => mrz::parse_td1(first, second, third),
        [first, second] if first.len() == 44 => mrz::parse_td3(first, second),
        [first, second] => mrz::parse_td2(first, second),
        _ => return false,
    };
    parsed.is_ok_and(|data| data.checks.all_valid())
}

#[derive(Default)]
struct Tally {
    right: usize,
    wrong_and_valid: usize,
    wrong: usize,
    unread: usize,
    times: Vec<Duration>,
}

impl Tally {
    fn add(&mut self, outcome: &Outcome, took: Duration) {
        match outcome {
            Outcome::Right => self.right += 1,
            Outcome::WrongAndValid => self.wrong_and_valid += 1,
            Outcome::Wrong => self.wrong += 1,
            Outcome::Unread => self.unread += 1,
        }
        self.times.push(took);
    }

    fn merge(&mut self, other: &Self) {
        self.right += other.right;
        self.wrong_and_valid += other.wrong_and_valid;
        self.wrong += other.wrong;
        self.unread += other.unread;
        self.times.extend(&other.times);
    }

    fn row(&self, name: &str) {
        let mut times = self.times.clone();
        times.sort();
        let time = |share: usize| {
            times
                .get((times.len() * share / 100).min(times.len().saturating_sub(1)))
                .map_or(0.0, |time| time.as_secs_f64() * 1000.0)
        };
        let count = times.len().max(1) as f64;
        let percent = |part: usize| part as f64 / count * 100.0;
        println!(
            "| {name} | {} | {:.1} % | {:.2} % | {:.1} % | {:.1} % | {:.0} | {:.0} | {:.0} |",
            times.len(),
            percent(self.right),
            percent(self.wrong_and_valid),
            percent(self.wrong),
            percent(self.unread),
            times.iter().map(Duration::as_secs_f64).sum::<f64>() / count * 1000.0,
            time(50),
            time(95),
        );
    }
}

fn print(name: &str, conditions: &[&str], results: &BTreeMap<&str, Tally>) {
    println!(
        "\n{name}\n\n| condition | documents | whole zone right | wrong, check digits agree | wrong, they do not | not read | ms, mean | median | 95 % |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut all = Tally::default();
    for condition in conditions {
        if let Some(tally) = results.get(condition) {
            tally.row(condition);
            all.merge(tally);
        }
    }
    all.row("all");
}

/// Lines of a zone of somebody who does not exist.
fn text(random: &mut Random, is_card: bool) -> Vec<String> {
    const PARTS: [&str; 24] = [
        "AL", "BER", "CO", "DA", "EN", "FER", "GO", "HU", "IR", "JO", "KA", "LI", "MAR", "NOV", "OS", "PE", "QUI", "RO", "SAN",
        "TE", "UW", "VIC", "XI", "ZY",
    ];
    let word = |random: &mut Random| -> String { (0..2 + random.below(3)).map(|_| *random.pick(&PARTS)).collect() };
    let mut names = word(random);
    if random.chance(0.5) {
        names = format!("{names}<{}", word(random));
    }
    names = format!("{names}<<{}", word(random));
    if random.chance(0.4) {
        names = format!("{names}<{}", word(random));
    }
    let codes = mrz::codes();
    let country = codes[random.below(codes.len())].0;
    let any = |random: &mut Random, len: usize, share: f32| -> String {
        (0..len)
            .map(|_| char::from(if random.chance(share) { ALPHABET[10 + random.below(26)] } else { ALPHABET[random.below(10)] }))
            .collect()
    };
    let date = |random: &mut Random, from: usize, years: usize| {
        format!("{:02}{:02}{:02}", (from + random.below(years)) % 100, 1 + random.below(12), 1 + random.below(28))
    };
    let number = any(random, 9, 0.3);
    let optional_len = if random.chance(0.5) { random.below(if is_card { 15 } else { 14 }) } else { 0 };
    let (optional, birth, expiry) = (any(random, optional_len, 0.3), date(random, 30, 90), date(random, 26, 12));
    let person = Person {
        names: &names,
        country,
        number: &number,
        optional: &optional,
        birth: &birth,
        sex: *random.pick(&['M', 'F', '<']),
        expiry: &expiry,
    };
    if is_card { person.card_lines().to_vec() } else { person.passport_lines().to_vec() }
}

/// A picture in colour, values from 0 to 255.
#[derive(Clone)]
struct Photo {
    width: usize,
    height: usize,
    rgb: Vec<[f32; 3]>,
}

impl Photo {
    fn at(&self, x: f32, y: f32) -> Option<[f32; 3]> {
        if x < 0.0 || y < 0.0 || x >= self.width as f32 || y >= self.height as f32 {
            return None;
        }
        let (x, y) = ((x - 0.5).clamp(0.0, (self.width - 1) as f32), (y - 0.5).clamp(0.0, (self.height - 1) as f32));
        let (left, top) = (x as usize, y as usize);
        let (fx, fy) = (x - left as f32, y - top as f32);
        let pixel = |x: usize, y: usize| self.rgb[y.min(self.height - 1) * self.width + x.min(self.width - 1)];
        let (a, b, c, d) = (pixel(left, top), pixel(left + 1, top), pixel(left, top + 1), pixel(left + 1, top + 1));
        let mix = |channel: usize| {
            (a[channel] * (1.0 - fx) + b[channel] * fx) * (1.0 - fy) + (c[channel] * (1.0 - fx) + d[channel] * fx) * fy
        };
        Some([mix(0), mix(1), mix(2)])
    }
}

/// The page with its pattern, some text, a portrait and the zone.
fn page(random: &mut Random, glyphs: &Glyphs, lines: &[String], is_card: bool) -> Photo {
    let (wide, high) = if is_card { (85.6, 54.0) } else { (125.0, 88.0) };
    let (width, height) = ((wide * SCALE) as usize, (high * SCALE) as usize);
    let ground = [random.between(170.0, 240.0), random.between(170.0, 240.0), random.between(170.0, 240.0)];
    let waves: Vec<[f32; 5]> = (0..5)
        .map(|_| {
            let (sin, cos) = random.between(0.0, std::f32::consts::TAU).sin_cos();
            let length = random.between(0.6, 9.0) * SCALE;
            [sin / length * 6.3, cos / length * 6.3, random.between(0.0, 6.3), random.between(0.5, 7.0), random.below(3) as f32]
        })
        .collect();
    let tilt = (random.normal() * 12.0, random.normal() * 12.0);
    let mut rgb = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            let light = tilt.0 * (x as f32 / width as f32 - 0.5) + tilt.1 * (y as f32 / height as f32 - 0.5);
            let mut color = ground.map(|value| value + light);
            for [a, b, phase, strength, channel] in &waves {
                let bend = (y as f32 * 0.02 + phase).sin() * 8.0;
                color[*channel as usize] += (x as f32 * a + (y as f32 + bend) * b + phase).sin() * strength * 1.5;
            }
            rgb.push(color);
        }
    }
    let mut page = Photo { width, height, rgb };
    // The portrait, and text of the visual zone: larger and smaller than that of the zone, not evenly spaced.
    for y in (8.0 * SCALE) as usize..((high - 28.0).min(40.0) * SCALE) as usize {
        for x in (5.0 * SCALE) as usize..(28.0 * SCALE) as usize {
            let shade = 90.0 + 60.0 * ((x as f32 * 0.02).sin() * (y as f32 * 0.017).cos());
            page.rgb[y * width + x] = [shade * 1.1, shade, shade * 0.9];
        }
    }
    let mut middle = 6.0;
    while middle < high - 27.0 {
        let size = random.between(1.2, 2.4);
        let count = 8 + random.below(((wide - 36.0) / size) as usize - 8);
        let text: Vec<u8> = (0..count).map(|_| if random.chance(0.15) { b'<' } else { *random.pick(&ALPHABET[..36]) }).collect();
        let steps: Vec<f32> = text.iter().map(|_| size * random.between(0.7, 1.05)).collect();
        let mut left = 33.0;
        for (character, step) in text.iter().zip(steps) {
            if *character != b'<' {
                write(&mut page, glyphs, *character, left, middle, size, [60.0, 55.0, 70.0]);
            }
            left += step;
        }
        middle += size * random.between(1.7, 2.6);
    }
    let spacing = if is_card { random.between(4.3, 5.6) } else { random.between(5.6, 6.6) };
    let (left, lower) = if is_card {
        (random.between(5.5, 6.6), random.between(5.5, 8.0))
    } else {
        (random.between(6.5, 7.5), random.between(8.0, 11.0))
    };
    let ink = random.between(15.0, 80.0);
    for (at, line) in lines.iter().enumerate() {
        let middle = high - lower - (lines.len() - 1 - at) as f32 * spacing;
        for (column, character) in line.bytes().enumerate() {
            write(&mut page, glyphs, character, left + column as f32 * 2.54, middle, 2.54, [ink, ink, ink * 1.1]);
        }
    }
    page
}

fn write(page: &mut Photo, glyphs: &Glyphs, character: u8, left: f32, middle: f32, size: f32, color: [f32; 3]) {
    let Some(class) = ALPHABET.iter().position(|other| *other == character) else { return };
    let glyph: &Bitmap = &glyphs.cells[class];
    let pitch = size * SCALE;
    let (x0, y0) = (left * SCALE - pitch / 2.0, middle * SCALE - pitch * CELL_HEIGHT / 2.0);
    for y in y0.max(0.0) as usize..((y0 + pitch * CELL_HEIGHT) as usize).min(page.height) {
        for x in x0.max(0.0) as usize..((x0 + pitch) as usize).min(page.width) {
            let ink = glyph.at(
                (x as f32 + 0.5 - x0) / pitch * glyph.width as f32,
                (y as f32 + 0.5 - y0) / (pitch * CELL_HEIGHT) * glyph.height as f32,
            );
            let pixel = &mut page.rgb[y * page.width + x];
            pixel.iter_mut().zip(color).for_each(|(slot, value)| *slot = *slot * (1.0 - ink) + value * ink);
        }
    }
}

/// How the page is held before the camera.
struct Pose {
    /// Pixels for a millimetre.
    scale: f32,
    angle: f32,
    /// How much farther away one side and the lower edge are.
    tilt: (f32, f32),
    /// Ground around the page, as a share of its size.
    margin: f32,
}

/// The page as a camera sees it; four points for each pixel.
fn shoot(random: &mut Random, page: &Photo, pose: &Pose) -> Photo {
    let factor = SCALE / pose.scale;
    let (wide, high) = (page.width as f32 / factor, page.height as f32 / factor);
    let margin = wide * pose.margin;
    let (width, height) = ((wide + 2.0 * margin) as usize, (high + 2.0 * margin) as usize);
    let ground = [random.between(30.0, 200.0), random.between(30.0, 200.0), random.between(30.0, 200.0)];
    let (sin, cos) = pose.angle.sin_cos();
    let mut rgb = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            let mut sum = [0.0; 3];
            for (ox, oy) in [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)] {
                let (dx, dy) = (x as f32 + ox - width as f32 / 2.0, y as f32 + oy - height as f32 / 2.0);
                let (dx, dy) = (dx * cos + dy * sin, dy * cos - dx * sin);
                let depth = 1.0 + pose.tilt.0 * dx / wide + pose.tilt.1 * dy / high;
                let (px, py) = ((dx / depth + wide / 2.0) * factor, (dy / depth + high / 2.0) * factor);
                let grain = ((x as f32 * 0.7).sin() * (y as f32 * 0.9).sin()) * 4.0;
                let color = page.at(px, py).unwrap_or(ground.map(|value| value + grain));
                sum.iter_mut().zip(color).for_each(|(slot, value)| *slot += value / 4.0);
            }
            rgb.push(sum);
        }
    }
    Photo { width, height, rgb }
}

fn photograph(random: &mut Random, page: &Photo, condition: &str) -> Vec<u8> {
    let dpi = |dpi: f32| dpi / 25.4;
    let flat = |scale: f32| Pose { scale, angle: 0.0, tilt: (0.0, 0.0), margin: 0.0 };
    let held = |random: &mut Random, scale: f32| Pose {
        scale,
        angle: random.normal() * 0.025,
        tilt: (random.normal() * 0.02, random.normal() * 0.02),
        margin: random.between(0.0, 0.12),
    };
    match condition {
        "clean" => png(&shoot(random, page, &flat(dpi(300.0)))),
        "jpeg150" => {
            let photo = shoot(random, page, &flat(dpi(150.0)));
            let quality = 45 + random.below(35);
            jpeg(&photo, quality)
        }
        "blur" => {
            let (pose, sigma) = (held(random, dpi(250.0)), random.between(1.2, 2.9));
            let mut photo = shoot(random, page, &pose);
            blur(&mut photo, sigma, sigma);
            jpeg(&photo, 85)
        }
        "noise" => {
            let pose = held(random, dpi(200.0));
            let mut photo = shoot(random, page, &pose);
            let strength = random.between(10.0, 30.0);
            noise(random, &mut photo, strength);
            jpeg(&photo, 88)
        }
        "perspective" => {
            let pose = Pose {
                scale: dpi(random.between(180.0, 300.0)),
                angle: random.between(-0.14, 0.14),
                tilt: (random.between(-0.14, 0.14), random.between(-0.14, 0.14)),
                margin: random.between(0.1, 0.3),
            };
            let mut photo = shoot(random, page, &pose);
            noise(random, &mut photo, 4.0);
            jpeg(&photo, 85)
        }
        "glare" => {
            let pose = held(random, dpi(250.0));
            let mut photo = shoot(random, page, &pose);
            glare(random, &mut photo);
            jpeg(&photo, 85)
        }
        "turned" => {
            let mut pose = held(random, dpi(200.0));
            pose.angle += [1.0, 2.0, 3.0][random.below(3)] * std::f32::consts::FRAC_PI_2;
            pose.margin = 0.35;
            jpeg(&shoot(random, page, &pose), 85)
        }
        "small" => {
            let photo = shoot(random, page, &flat(dpi(110.0)));
            jpeg(&photo, 75)
        }
        "shaken" => {
            let pose = held(random, dpi(250.0));
            let mut photo = shoot(random, page, &pose);
            if random.chance(0.5) {
                blur(&mut photo, 3.0, 0.5)
            } else {
                blur(&mut photo, 0.5, 3.0)
            }
            jpeg(&photo, 80)
        }
        _ => {
            let pose = Pose { angle: random.normal() * 0.06, margin: 0.3, ..held(random, dpi(220.0)) };
            let mut photo = shoot(random, page, &pose);
            blur(&mut photo, 1.2, 1.2);
            glare(random, &mut photo);
            noise(random, &mut photo, 9.0);
            jpeg(&photo, 70)
        }
    }
}

fn blur(photo: &mut Photo, sigma_x: f32, sigma_y: f32) {
    let once = |photo: &Photo, sigma: f32, is_across: bool| {
        let reach = (3.0 * sigma).ceil() as i32;
        let kernel: Vec<(i32, f32)> = (-reach..=reach).map(|step| (step, (-0.5 * (step as f32 / sigma).powi(2)).exp())).collect();
        let total: f32 = kernel.iter().map(|(_, weight)| weight).sum();
        let mut rgb = Vec::with_capacity(photo.rgb.len());
        for y in 0..photo.height as i32 {
            for x in 0..photo.width as i32 {
                let mut sum = [0.0; 3];
                for (step, weight) in &kernel {
                    let (px, py) = if is_across { (x + step, y) } else { (x, y + step) };
                    let (px, py) = (px.clamp(0, photo.width as i32 - 1) as usize, py.clamp(0, photo.height as i32 - 1) as usize);
                    sum.iter_mut().zip(photo.rgb[py * photo.width + px]).for_each(|(slot, value)| *slot += weight * value);
                }
                rgb.push(sum.map(|value| value / total));
            }
        }
        Photo { rgb, ..*photo }
    };
    *photo = once(&once(photo, sigma_x, true), sigma_y, false);
}

fn noise(random: &mut Random, photo: &mut Photo, strength: f32) {
    photo.rgb.iter_mut().flatten().for_each(|value| *value += random.normal() * strength);
}

/// One or two bright spots with soft edges.
fn glare(random: &mut Random, photo: &mut Photo) {
    for _ in 0..1 + random.below(2) {
        let (x, y) = (random.unit() * photo.width as f32, random.unit() * photo.height as f32);
        let (wide, high) = (random.between(0.08, 0.22) * photo.width as f32, random.between(0.06, 0.16) * photo.width as f32);
        let strength = random.between(60.0, 150.0);
        for (at, pixel) in photo.rgb.iter_mut().enumerate() {
            let (dx, dy) = (((at % photo.width) as f32 - x) / wide, ((at / photo.width) as f32 - y) / high);
            let light = strength * (-(dx * dx + dy * dy)).exp();
            pixel.iter_mut().for_each(|value| *value += light);
        }
    }
}

fn bytes(photo: &Photo) -> Vec<u8> {
    photo.rgb.iter().flatten().map(|value| value.clamp(0.0, 255.0) as u8).collect()
}

fn png(photo: &Photo) -> Vec<u8> {
    let mut file = Vec::new();
    let encoder = PngEncoder::new(&mut file);
    encoder.write_image(&bytes(photo), photo.width as u32, photo.height as u32, ExtendedColorType::Rgb8).expect("it is written");
    file
}

fn jpeg(photo: &Photo, quality: usize) -> Vec<u8> {
    let mut file = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut file, quality as u8);
    encoder.write_image(&bytes(photo), photo.width as u32, photo.height as u32, ExtendedColorType::Rgb8).expect("it is written");
    file
}

/// What tesseract makes of the whole image: its last lines of the right length, or any.
fn tesseract(file: &[u8], lines: &[String]) -> Outcome {
    let mut child = Command::new("tesseract")
        .args(["-", "-", "-l", "eng", "--psm", "6"])
        .env("OMP_THREAD_LIMIT", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("a pipe").write_all(file).expect("it takes the file");
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout);
    judged(text.lines().map(str::to_owned).collect(), lines)
}

/// PP-OCRv4 in a process that goes on, so that its models are loaded once.
struct Paddle {
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Paddle {
    fn start(python: &std::ffi::OsStr) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/support/ppocr.py");
        let mut command = Command::new(python);
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut answers = BufReader::new(child.stdout.take().expect("a pipe"));
        answers.read_line(&mut String::new()).expect("it says that it is ready");
        Self { child, answers }
    }

    fn read(&mut self, file: &[u8], lines: &[String]) -> Outcome {
        let path = std::env::temp_dir().join(format!("identity-evaluate-peer-{}", std::process::id()));
        std::fs::write(&path, file).expect("it is written");
        writeln!(self.child.stdin.as_mut().expect("a pipe"), "{}", path.display()).expect("it takes the path");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("it answers");
        std::fs::remove_file(&path).expect("it is removed");
        judged(serde_json::from_str(&answer).expect("an array of lines"), lines)
    }
}

impl Drop for Paddle {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// What a peer's text says of a zone: its last lines that are long enough, or what a search in all of it finds.
fn judged(text: Vec<String>, lines: &[String]) -> Outcome {
    let text: Vec<String> = text.iter().map(|line| line.replace(' ', "")).filter(|line| line.len() > 20).collect();
    let read = &text[text.len().saturating_sub(lines.len())..];
    if read == lines {
        return Outcome::Right;
    }
    match mrz::find_and_parse(&text.join("\n")) {
        Ok(data) if data.mrz_lines.lines().eq(lines) => Outcome::Right,
        Ok(data) if data.checks.all_valid() => Outcome::WrongAndValid,
        Ok(_) => Outcome::Wrong,
        Err(_) => Outcome::Unread,
    }
}

/// How much memory a process needs that reads the largest images that are taken, and nothing else.
fn memory() {
    println!("\n| largest images | memory at its peak |\n| --- | --- |");
    let picture = |width: u32, height: u32| -> Vec<u8> { (0..width * height * 3).map(|at| (at / 7 % 251) as u8).collect() };
    let gray = |width: u32, height: u32| -> Vec<u8> { (0..width * height).map(|at| (at / 7 % 251) as u8).collect() };
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, 60)
        .write_image(&picture(6600, 5000), 6600, 5000, ExtendedColorType::Rgb8)
        .expect("it is written");
    measure("JPEG, 6600 by 5000", &file);
    file.clear();
    PngEncoder::new(&mut file).write_image(&gray(10_000, 6000), 10_000, 6000, ExtendedColorType::L8).expect("it is written");
    measure("PNG, 10000 by 6000", &file);
    file.clear();
    WebPEncoder::new_lossless(&mut file)
        .write_image(&picture(4333, 3000), 4333, 3000, ExtendedColorType::Rgb8)
        .expect("it is written");
    measure("WebP, 4333 by 3000", &file);
}

fn measure(name: &str, file: &[u8]) {
    let path = std::env::temp_dir().join(format!("identity-evaluate-{}", std::process::id()));
    std::fs::write(&path, file).expect("it is written");
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).arg("--memory").arg(&path).output().expect("it runs");
    std::fs::remove_file(&path).expect("it is removed");
    println!("| {name}, {} kB | {} |", file.len() / 1000, String::from_utf8_lossy(&output.stdout).trim());
}

/// Reads one file and says what that took.
fn read_once(path: &str) {
    let file = std::fs::read(path).expect("the file");
    let began = Instant::now();
    let result = identity::read_zone(&file);
    let took = began.elapsed();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    println!(
        "{} MB, {} ms{}",
        peak.unwrap_or_default() / 1000,
        took.as_millis(),
        result.err().map_or(String::new(), |problem| format!(", {problem}"))
    );
}
