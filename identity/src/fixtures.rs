//! Specimens made by code, for tests: documents of people that do not exist, drawn with the glyphs that the training program left.

use crate::network::ALPHABET;

/// Glyphs: cells of 24 by 36 pixels, a byte of ink each, in the order of the alphabet.
const GLYPHS: &[u8] = include_bytes!("../weights/specimen-glyphs.bin");
const CELL: (usize, usize) = (24, 36);

/// Pixels for a millimetre: about 300 to the inch.
const SCALE: f32 = 11.8;

/// What stands in a zone, without its check digits.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// Surname and given names as zones spell them, such as `ERIKSSON<<ANNA<MARIA`.
    pub names: &'a str,
    pub country: &'a str,
    pub number: &'a str,
    /// The optional field: on a Spanish card the number of the holder.
    pub optional: &'a str,
    /// Year, month and day with two digits each.
    pub birth: &'a str,
    pub sex: char,
    pub expiry: &'a str,
}

/// The holder that Spanish specimens show.
pub const CARMEN: Person<'static> = Person {
    names: "ESPANOLA<ESPANOLA<<CARMEN",
    country: "ESP",
    number: "BAA000589",
    optional: "99999999R",
    birth: "800101",
    sex: 'F',
    expiry: "310102",
};

/// The holder that the specimens of ICAO Doc 9303 show; her country does not exist.
pub const ANNA: Person<'static> = Person {
    names: "ERIKSSON<<ANNA<MARIA",
    country: "UTO",
    number: "L898902C3",
    optional: "ZE184226B",
    birth: "740812",
    sex: 'F',
    expiry: "320415",
};

fn filled(text: &str, len: usize) -> String {
    let mut text: String = text.chars().take(len).collect();
    text.extend(std::iter::repeat_n('<', len.saturating_sub(text.len())));
    text
}

fn with_check_digit(text: String) -> String {
    let digit = mrz::check_digit(&text).unwrap_or_default();
    format!("{text}{digit}")
}

impl Person<'_> {
    /// The zone of an identity card (ICAO 9303-5).
    pub fn card_lines(&self) -> [String; 3] {
        let number = with_check_digit(filled(self.number, 9));
        let first = format!("ID{}{number}{}", filled(self.country, 3), filled(self.optional, 15));
        let (birth, expiry) = (with_check_digit(self.birth.to_owned()), with_check_digit(self.expiry.to_owned()));
        let optional = filled("", 11);
        let composite = with_check_digit(format!("{}{birth}{expiry}{optional}", &first[5..]));
        let digit = composite.chars().last().unwrap_or('<');
        let second = format!("{birth}{}{expiry}{}{optional}{digit}", self.sex, filled(self.country, 3));
        [first, second, filled(self.names, 30)]
    }

    /// The zone of a passport (ICAO 9303-4).
    pub fn passport_lines(&self) -> [String; 2] {
        let number = with_check_digit(filled(self.number, 9));
        let (birth, expiry) = (with_check_digit(self.birth.to_owned()), with_check_digit(self.expiry.to_owned()));
        let optional = with_check_digit(filled(self.optional, 14));
        let composite = with_check_digit(format!("{number}{birth}{expiry}{optional}"));
        let digit = composite.chars().last().unwrap_or('<');
        let country = filled(self.country, 3);
        [
            format!("P<{country}{}", filled(self.names, 39)),
            format!("{number}{country}{birth}{}{expiry}{optional}{digit}", self.sex),
        ]
    }

    /// The back of a card, as a PNG.
    pub fn card(&self) -> Vec<u8> {
        card_of(&self.card_lines())
    }

    /// The page of a passport, as a PNG.
    pub fn passport(&self) -> Vec<u8> {
        let lines = self.passport_lines();
        Canvas::page(125.0, 88.0, 2).with_zone(&lines, 7.0, 9.4, 6.35).png()
    }
}

/// The back of a card with these lines, whether or not they are right, as a PNG.
pub fn card_of(lines: &[String; 3]) -> Vec<u8> {
    Canvas::page(85.6, 54.0, 1).with_zone(lines, 6.0, 7.0, 5.0).png()
}

/// The front of a card, which bears no zone, as a PNG.
pub fn front() -> Vec<u8> {
    front_with(&["SPECIMEN<CARD"; 6])
}

/// One that bears these lines of capitals, digits and `<`.
pub fn front_with(lines: &[&str; 6]) -> Vec<u8> {
    let mut canvas = Canvas::page(85.6, 54.0, 3);
    canvas.fill((5.0, 12.0), (28.0, 42.0), [120, 100, 90]);
    for (at, line) in lines.iter().enumerate() {
        canvas.write(line, 34.0, 14.0 + at as f32 * 5.5, 1.6);
    }
    canvas.png()
}

/// A picture of a page: rows of pixels, three bytes each.
#[derive(Clone, Debug)]
pub struct Canvas {
    pub width: usize,
    pub height: usize,
    pub rgb: Vec<u8>,
}

impl Canvas {
    /// An empty page with a pale pattern, of so many millimetres; another one for each `number`.
    pub fn page(width: f32, height: f32, number: u32) -> Self {
        let (width, height) = ((width * SCALE) as usize, (height * SCALE) as usize);
        let mut rgb = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            for x in 0..width {
                let (u, v, n) = (x as f32 / width as f32, y as f32 / height as f32, number as f32);
                let wave = ((u * (9.0 + n) + (v * (3.0 + n)).sin()) * 6.0).sin() * 8.0;
                let level = |base: f32, tilt: f32| (base + tilt * (u - v * 0.5) + wave).clamp(0.0, 240.0) as u8;
                rgb.extend([level(208.0, 20.0 + 3.0 * n), level(222.0, -14.0), level(212.0, 12.0 - 6.0 * n)]);
            }
        }
        Self { width, height, rgb }
    }

    /// With the lines of a zone: the middle of the first character and that of the last line by millimetres from the lower left corner,
    /// `spacing` from line to line.
    fn with_zone(mut self, lines: &[String], left: f32, lower: f32, spacing: f32) -> Self {
        let height = self.height as f32 / SCALE;
        self.fill((left, 6.0), (left + 22.0, height - 30.0), [116, 104, 96]);
        for (at, line) in lines.iter().enumerate() {
            self.write(line, left, height - lower - (lines.len() - 1 - at) as f32 * spacing, 2.54);
        }
        self
    }

    fn fill(&mut self, (left, top): (f32, f32), (right, bottom): (f32, f32), color: [u8; 3]) {
        for y in (top * SCALE) as usize..(bottom * SCALE) as usize {
            for x in (left * SCALE) as usize..(right * SCALE) as usize {
                // Paler to the right, so that it is no plain box.
                let share = x as f32 / self.width as f32;
                self.set(x, y, color.map(|value| (f32::from(value) + share * 60.0) as u8), 1.0);
            }
        }
    }

    /// A line of text: the middle of its first character, and the distance of two, in millimetres.
    fn write(&mut self, text: &str, left: f32, middle: f32, pitch: f32) {
        let pitch = pitch * SCALE;
        let tall = pitch * CELL.1 as f32 / CELL.0 as f32;
        for (at, character) in text.bytes().enumerate() {
            let Some(class) = ALPHABET.iter().position(|other| *other == character) else { continue };
            let (x0, y0) = (left * SCALE + (at as f32 - 0.5) * pitch, middle * SCALE - tall / 2.0);
            for y in y0 as usize..=(y0 + tall) as usize {
                for x in x0 as usize..=(x0 + pitch) as usize {
                    let (u, v) = ((x as f32 + 0.5 - x0) / pitch, (y as f32 + 0.5 - y0) / tall);
                    self.set(x, y, [34, 30, 36], ink(class, u * CELL.0 as f32, v * CELL.1 as f32));
                }
            }
        }
    }

    fn set(&mut self, x: usize, y: usize, color: [u8; 3], share: f32) {
        if x < self.width
            && let Some(pixel) = self.rgb.as_chunks_mut::<3>().0.get_mut(y * self.width + x)
        {
            pixel
                .iter_mut()
                .zip(color)
                .for_each(|(slot, value)| *slot = (f32::from(*slot) * (1.0 - share) + f32::from(value) * share) as u8);
        }
    }

    /// As a PNG.
    pub fn png(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::Fast);
        let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&self.rgb));
        written.expect("a picture in memory is written");
        bytes
    }
}

/// Ink of a glyph between its pixels, 0 to 1.
fn ink(class: usize, x: f32, y: f32) -> f32 {
    let (left, top) = ((x - 0.5).floor(), (y - 0.5).floor());
    let (fx, fy) = (x - 0.5 - left, y - 0.5 - top);
    let pixel = |x: f32, y: f32| {
        let is_within = x >= 0.0 && y >= 0.0 && x < CELL.0 as f32 && y < CELL.1 as f32;
        let at = (class * CELL.1 + y.max(0.0) as usize) * CELL.0 + x.max(0.0) as usize;
        if is_within { GLYPHS.get(at).map_or(0.0, |ink| f32::from(*ink) / 255.0) } else { 0.0 }
    };
    let upper = pixel(left, top) * (1.0 - fx) + pixel(left + 1.0, top) * fx;
    let lower = pixel(left, top + 1.0) * (1.0 - fx) + pixel(left + 1.0, top + 1.0) * fx;
    upper * (1.0 - fy) + lower * fy
}
