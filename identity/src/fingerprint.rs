//! Knows a picture again, and tells it from one of another document of the same kind.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::raster::Gray;

/// Cells that a picture is divided into: of a card about the width of a character, so that other text is another picture.
const COLUMNS: usize = 96;
const ROWS: usize = 40;

/// How many cells on each side of one have the brightness that is taken from it.
const BESIDE: usize = 2;

/// Least contrast of a picture, as the root mean square of what its cells differ from those beside them, in levels of 256. Of a picture
/// that is plainer than this, noise would decide.
const LEAST_CONTRAST: f32 = 0.7;

/// Most that a cell counts, in contrasts: the frame of a document is not to outweigh what stands on it.
const MOST_WEIGHT: f32 = 4.0;

/// What a picture looks like in 256 bits, as text 64 hexadecimal digits: on which side of 256 random planes its cells are (a locality
/// sensitive hash by random hyperplanes; Charikar, STOC 2002). The picture cannot be made from it again.
///
/// That of a picture that was compressed anew or scaled differs little; that of a picture taken anew, cut or turned differs much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint([u128; 2]);

impl Fingerprint {
    /// Greatest [`distance`](Self::distance) at which two pictures are taken for the same one.
    pub const SAME: u32 = 11;

    /// Number of [`bands`](Self::bands).
    pub const BANDS: usize = 16;

    /// In how many of the 256 bits they differ.
    pub fn distance(self, other: Self) -> u32 {
        (self.0[0] ^ other.0[0]).count_ones() + (self.0[1] ^ other.0[1]).count_ones()
    }

    /// Hashes of its parts: the bits are divided into eight parts of 32 twice, first as they stand side by side, then by every eighth. Two
    /// pictures that are the same have one at least in the same place: always if they differ in up to seven bits, else, as seldom as that is,
    /// in 99.6 of 100 cases. Two of other people's documents of one kind, scanned alike, have some by chance (in this crate's tests 0.5 to 3
    /// of 100), two that show anything else hardly ever.
    pub fn bands(self) -> [u16; Self::BANDS] {
        const HALF: usize = Fingerprint::BANDS / 2;
        let bytes = self.to_bytes();
        let bit = |byte: u8, place: usize| u32::from(byte >> place & 1);
        let part = |band: usize| match band {
            0..HALF => bytes[4 * band..4 * band + 4].iter().fold(0, |part, byte| part << 8 | u32::from(*byte)),
            _ => bytes.iter().fold(0, |part, byte| part << 1 | bit(*byte, band - HALF)),
        };
        std::array::from_fn(|band| (mixed(u64::from(part(band))) >> 48) as u16)
    }

    /// As 32 bytes.
    pub fn to_bytes(self) -> [u8; 32] {
        let [first, second] = self.0.map(u128::to_be_bytes);
        std::array::from_fn(|at| if at < 16 { first[at] } else { second[at - 16] })
    }

    /// Of [`to_bytes`](Self::to_bytes).
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let half = |from: usize| u128::from_be_bytes(std::array::from_fn(|at| bytes[from + at]));
        Self([half(0), half(16)])
    }

    /// Of a whole picture; `None` if it is too plain.
    pub(crate) fn of(gray: &Gray) -> Option<Self> {
        let edges = edges(&cells(gray));
        let contrast = (edges.iter().map(|edge| edge * edge).sum::<f32>() / edges.len() as f32).sqrt();
        if contrast < LEAST_CONTRAST {
            return None;
        }
        let weights: Vec<f32> = edges.iter().map(|edge| (edge / contrast).clamp(-MOST_WEIGHT, MOST_WEIGHT)).collect();
        Some(Self([0, 1].map(|half| {
            let mut sums = [0.0_f32; 128];
            for (cell, weight) in weights.iter().enumerate() {
                let number = 4 * cell as u64 + 2 * half;
                let planes = u128::from(mixed(number)) << 64 | u128::from(mixed(number + 1));
                for (plane, sum) in sums.iter_mut().enumerate() {
                    *sum += if planes >> plane & 1 == 1 { *weight } else { -weight };
                }
            }
            sums.iter().enumerate().fold(0, |bits, (plane, sum)| bits | u128::from(*sum > 0.0) << plane)
        })))
    }
}

/// Mean brightness of each cell, row by row. Columns are cut between pixels where they must, so that a scaled picture has the same.
fn cells(gray: &Gray) -> Vec<f32> {
    let mut cells = Vec::with_capacity(COLUMNS * ROWS);
    for row in 0..ROWS {
        let top = (gray.height * row / ROWS).min(gray.height - 1);
        let bottom = (gray.height * (row + 1) / ROWS).max(top + 1);
        let mut sums = vec![0_u32; gray.width];
        for pixels in gray.data[top * gray.width..bottom * gray.width].chunks_exact(gray.width) {
            sums.iter_mut().zip(pixels).for_each(|(sum, pixel)| *sum += u32::from(*pixel));
        }
        // Of what is left of each pixel; between them it grows evenly.
        let mut left = vec![0.0_f64];
        left.extend(sums.iter().scan(0.0, |total, sum| {
            *total += f64::from(*sum);
            Some(*total)
        }));
        let until = |column: usize| {
            let at = gray.width as f64 * column as f64 / COLUMNS as f64;
            let pixel = (at as usize).min(gray.width - 1);
            left[pixel] + (at - pixel as f64) * f64::from(sums[pixel])
        };
        let count = gray.width as f64 / COLUMNS as f64 * (bottom - top) as f64;
        cells.extend((0..COLUMNS).map(|column| ((until(column + 1) - until(column)) / count) as f32));
    }
    cells
}

/// What each cell differs from the mean of those beside it: lines of text, which all documents of a kind have in the same places, are not
/// seen, and what stands in them is.
fn edges(cells: &[f32]) -> Vec<f32> {
    let of_row = |row: &[f32]| -> Vec<f32> {
        let edge = |column: usize| {
            let beside = &row[column.saturating_sub(BESIDE)..(column + BESIDE + 1).min(COLUMNS)];
            row[column] - beside.iter().sum::<f32>() / beside.len() as f32
        };
        (0..COLUMNS).map(edge).collect()
    };
    cells.chunks_exact(COLUMNS).flat_map(of_row).collect()
}

/// The planes, the same for ever: `SplitMix64` of the number.
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}{:032x}", self.0[0], self.0[1]))
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let half = |digits: Option<&str>| digits.and_then(|digits| u128::from_str_radix(digits, 16).ok());
        let halves = half(text.get(..32)).zip(half(text.get(32..64))).filter(|_| text.len() == 64);
        let (first, second) = halves.ok_or_else(|| de::Error::custom("a fingerprint is 64 hexadecimal digits"))?;
        Ok(Self([first, second]))
    }
}

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, ImageEncoder, RgbImage, codecs::jpeg::JpegEncoder, imageops};

    use super::*;
    use crate::fixtures::{self, CARMEN, Person};

    fn of(file: &[u8]) -> Option<Fingerprint> {
        Fingerprint::of(&Gray::of(&crate::decode::decode(file).unwrap()))
    }

    fn jpeg(picture: &RgbImage, quality: u8) -> Vec<u8> {
        let mut file = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut file, quality);
        encoder.write_image(picture, picture.width(), picture.height(), ExtendedColorType::Rgb8).unwrap();
        file
    }

    /// Made smaller, then compressed anew.
    fn again(picture: &RgbImage, scale: f32, quality: u8) -> Vec<u8> {
        let side = |side: u32| (side as f32 * scale) as u32;
        jpeg(&imageops::resize(picture, side(picture.width()), side(picture.height()), imageops::FilterType::Triangle), quality)
    }

    /// The same picture as people and programs pass it on.
    fn versions(picture: &RgbImage) -> Vec<Vec<u8>> {
        let mut files = [(1.0, 90), (1.0, 40), (0.8, 80), (0.5, 80), (0.6, 60)]
            .map(|(scale, quality)| again(picture, scale, quality))
            .to_vec();
        files.extend([-15, 10, 25].map(|levels| jpeg(&imageops::brighten(picture, levels), 80)));
        files.extend([-10.0, 15.0].map(|percent| jpeg(&imageops::contrast(picture, percent), 80)));
        files
    }

    /// Cards and passports of people who differ in all that stands in a zone, drawn on the same page.
    fn specimens() -> [Vec<Vec<u8>>; 2] {
        let mut files = [Vec::new(), Vec::new()];
        let (surnames, names) =
            (["GARCIA", "LOPEZ", "FERNANDEZ", "RUIZ", "ETXEBERRIA", "SOTO"], ["ANA", "LEO", "IGNACIO", "EVA"]);
        for n in 0..24_usize {
            let person = format!("{}<{}<<{}", surnames[n % 6], surnames[n / 4], names[n % 4]);
            let (number, holder) = (format!("B{:08}", 999_331 * (n + 1)), format!("{}X", 10_000_000 + n * 3_456_789));
            let birth = format!("{:02}{:02}{:02}", 50 + n, n % 12 + 1, n % 28 + 1);
            let person = Person { names: &person, number: &number, optional: &holder, birth: &birth, ..CARMEN };
            files[0].push(person.card());
            files[1].push(person.passport());
        }
        files
    }

    #[test]
    fn a_picture_is_known_again_after_it_was_compressed_scaled_or_brightened_and_no_other_is_taken_for_it() {
        for (kind, files) in ["card", "passport"].into_iter().zip(specimens()) {
            let originals: Vec<_> = files.iter().map(|file| of(file).unwrap()).collect();
            let mut same = Vec::new();
            for (file, original) in files.iter().zip(&originals).step_by(4) {
                let picture = image::load_from_memory(file).unwrap().to_rgb8();
                same.extend(versions(&picture).iter().map(|file| of(file).unwrap().distance(*original)));
            }
            let pairs =
                originals.iter().enumerate().flat_map(|(at, one)| originals[..at].iter().map(|other| one.distance(*other)));
            let others: Vec<u32> = pairs.collect();
            let taken = others.iter().filter(|distance| **distance <= Fingerprint::SAME).count();
            let (farthest, nearest) = (same.iter().max().unwrap(), others.iter().min().unwrap());
            let in_common =
                |one: &Fingerprint, other: &Fingerprint| one.bands().iter().zip(other.bands()).filter(|(a, b)| **a == *b).count();
            let pairs = originals.iter().enumerate().flat_map(|(at, one)| originals[..at].iter().map(move |other| (one, other)));
            let by_chance: usize = pairs.map(|(one, other)| in_common(one, other)).sum();
            println!(
                "{kind}: the same at most {farthest}, another at least {nearest} bits; {taken} of {} taken for another; {by_chance} bands in common",
                others.len()
            );
            assert!(by_chance * 20 < Fingerprint::BANDS * others.len(), "{kind}: {by_chance}");
            assert!(*farthest <= Fingerprint::SAME, "{kind}: {same:?}");
            assert_eq!(taken, 0, "{kind}: {others:?}");
        }
    }

    #[test]
    fn two_that_are_the_same_have_a_band_in_common() {
        let print = of(&fixtures::front()).unwrap();
        let in_common = |changed: &[usize]| {
            let mut other = print;
            changed.iter().for_each(|bit| other.0[bit / 128] ^= 1 << (bit % 128));
            assert_eq!(other.distance(print) as usize, changed.len());
            other.bands().iter().zip(print.bands()).any(|(a, b)| *a == b)
        };
        // One in each part but one, of those side by side and of every eighth.
        for spared in 0..8 {
            let parts = (0..8).filter(|part| *part != spared);
            assert!(in_common(&parts.clone().map(|part| 32 * part + part).collect::<Vec<_>>()));
            assert!(in_common(&parts.map(|part| 40 * part % 256 / 8 * 8 + part).collect::<Vec<_>>()));
        }
        let found = (0..2000_u64).filter(|round| {
            let mut bits: Vec<usize> = (0..).map(|n| (mixed(round << 32 | n) % 256) as usize).take(40).collect();
            let mut seen = std::collections::HashSet::new();
            bits.retain(|bit| seen.insert(*bit));
            in_common(&bits[..Fingerprint::SAME as usize])
        });
        let found = found.count();
        assert!(found >= 1985, "{found} of 2000");
    }

    #[test]
    fn a_plain_picture_has_no_fingerprint() {
        let plain = RgbImage::from_fn(1000, 630, |x, _| image::Rgb([200 + (x / 100) as u8; 3]));
        assert_eq!(of(&again(&plain, 1.0, 80)), None);
        assert!(of(&fixtures::front()).is_some());
    }

    #[test]
    fn it_is_the_same_as_bytes_and_as_text() {
        let print = of(&fixtures::front()).unwrap();
        assert_eq!(Fingerprint::from_bytes(print.to_bytes()), print);
        let text = serde_json::to_string(&print).unwrap();
        assert_eq!((text.len(), serde_json::from_str::<Fingerprint>(&text).unwrap()), (66, print));
    }
}
