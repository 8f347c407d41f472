//! What an image file says of itself, read by ourselves within bounds: the way up, and the programs that it names.

/// Most segments or chunks of a file that are looked at, and most bytes of each.
const MAX_PARTS: usize = 256;
const MAX_PART: usize = 128 * 1024;

/// Most entries of a directory of EXIF.
const MAX_ENTRIES: usize = 256;

/// Programs that change what a picture shows, or make one up, as they write themselves into files; in small letters. Programs that cameras,
/// phones and scanners come with are not in the list.
const EDITORS: [&str; 22] = [
    "photoshop",
    "gimp",
    "paint.net",
    "pixelmator",
    "affinity photo",
    "photopea",
    "corel",
    "paintshop",
    "krita",
    "inkscape",
    "illustrator",
    "picsart",
    "canva",
    "facetune",
    "pixlr",
    "photoscape",
    "faceapp",
    "midjourney",
    "stable diffusion",
    "dall-e",
    "comfyui",
    "trainedalgorithmicmedia",
];

/// A segment of a JPEG.
pub struct Segment<'a> {
    pub marker: u8,
    pub payload: &'a [u8],
}

/// Segments of a JPEG before its first scan (ITU-T T.81, B.1.1).
pub fn jpeg_segments(bytes: &[u8]) -> impl Iterator<Item = Segment<'_>> {
    let mut rest = bytes.get(2..).unwrap_or_default();
    std::iter::from_fn(move || {
        let start = rest.iter().position(|byte| *byte == 0xff)?;
        let marker_at = start + rest.get(start..)?.iter().position(|byte| *byte != 0xff)?;
        let marker = *rest.get(marker_at)?;
        // The scan, the end; before them nothing without a length but fill bytes.
        if matches!(marker, 0xda | 0xd9) {
            return None;
        }
        let len = usize::from(u16::from_be_bytes([*rest.get(marker_at + 1)?, *rest.get(marker_at + 2)?]));
        let payload = rest.get(marker_at + 3..(marker_at + 1).checked_add(len.max(2))?)?;
        rest = rest.get(marker_at + 1 + len.max(2)..)?;
        Some(Segment { marker, payload })
    })
    .take(MAX_PARTS)
}

/// Chunks of a PNG: kind and data.
fn png_chunks(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = bytes.get(8..).unwrap_or_default();
    std::iter::from_fn(move || {
        let len = usize::try_from(u32::from_be_bytes(*rest.first_chunk::<4>()?)).ok()?;
        let (kind, data) = (rest.get(4..8)?, rest.get(8..len.checked_add(8)?)?);
        rest = rest.get(len.checked_add(12)?..)?;
        Some((kind, data))
    })
    .take(MAX_PARTS * 16)
}

/// Chunks of a WebP: kind and data.
fn webp_chunks(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = bytes.get(12..).unwrap_or_default();
    std::iter::from_fn(move || {
        let len = usize::try_from(u32::from_le_bytes(rest.get(4..8)?.try_into().ok()?)).ok()?;
        let (kind, data) = (rest.get(..4)?, rest.get(8..len.checked_add(8)?)?);
        rest = rest.get(len.checked_add(8)?.checked_add(len % 2)?..).unwrap_or_default();
        Some((kind, data))
    })
    .take(MAX_PARTS)
}

/// The parts of a file that describe it.
pub struct Texts<'a> {
    exif: Option<&'a [u8]>,
    all: Vec<&'a [u8]>,
}

impl<'a> Texts<'a> {
    /// Of a JPEG, PNG or WebP.
    pub fn of(bytes: &'a [u8]) -> Self {
        let mut texts = Self { exif: None, all: Vec::new() };
        if bytes.starts_with(&[0xff, 0xd8]) {
            // Application segments and comments.
            for segment in jpeg_segments(bytes).filter(|segment| matches!(segment.marker, 0xe1..=0xef | 0xfe)) {
                texts.add(segment.payload, segment.payload.strip_prefix(b"Exif\0\0"));
            }
        } else if bytes.starts_with(b"RIFF") {
            for (kind, data) in webp_chunks(bytes).filter(|(kind, _)| matches!(*kind, b"EXIF" | b"XMP ")) {
                let exif = data.strip_prefix(b"Exif\0\0").unwrap_or(data);
                texts.add(data, (kind == b"EXIF").then_some(exif));
            }
        } else {
            for (kind, data) in
                png_chunks(bytes).filter(|(kind, _)| matches!(*kind, b"tEXt" | b"iTXt" | b"zTXt" | b"eXIf" | b"caBX"))
            {
                texts.add(data, (kind == b"eXIf").then_some(data));
            }
        }
        texts
    }

    fn add(&mut self, part: &'a [u8], exif: Option<&'a [u8]>) {
        if self.all.len() < MAX_PARTS {
            self.all.push(part.get(..MAX_PART).unwrap_or(part));
        }
        self.exif = self.exif.or(exif);
    }

    /// The way up (EXIF 2.32, tag 0x0112), 1 to 8; 1, as it is, where nothing is said.
    ///
    /// Only the first directory is read, and its entries once each: nothing in a file can lead around in a circle.
    pub fn orientation(&self) -> u16 {
        self.exif.and_then(orientation).filter(|orientation| (1..=8).contains(orientation)).unwrap_or(1)
    }

    /// The [`EDITORS`] that are named.
    pub fn editors(&self) -> Vec<&'static str> {
        let mut editors: Vec<&'static str> =
            EDITORS.into_iter().filter(|editor| self.all.iter().any(|part| names(part, editor))).collect();
        editors.dedup();
        editors
    }
}

/// Whether a text, in ASCII or in UTF-16 as Windows writes it, has the name in it, in large or small letters.
fn names(part: &[u8], name: &str) -> bool {
    let is_at = |start: usize, step: usize| {
        let letters = part.iter().skip(start).step_by(step).take(name.len());
        letters.clone().count() == name.len()
            && letters.zip(name.bytes()).all(|(byte, letter)| byte.to_ascii_lowercase() == letter)
    };
    let first = name.as_bytes().first().copied().unwrap_or_default();
    let starts = part.iter().enumerate().filter(|(_, byte)| byte.to_ascii_lowercase() == first);
    starts.into_iter().any(|(start, _)| is_at(start, 1) || is_at(start, 2))
}

fn orientation(tiff: &[u8]) -> Option<u16> {
    let is_little = tiff.starts_with(b"II*\0");
    if !is_little && !tiff.starts_with(b"MM\0*") {
        return None;
    }
    let short = |at: usize| {
        let bytes = [*tiff.get(at)?, *tiff.get(at + 1)?];
        Some(if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let long = |at: usize| {
        let (first, second) = (u32::from(short(at)?), u32::from(short(at + 2)?));
        Some(if is_little { second << 16 | first } else { first << 16 | second })
    };
    let directory = usize::try_from(long(4)?).ok()?;
    let entries = usize::from(short(directory)?).min(MAX_ENTRIES);
    let entry = (0..entries).map(|entry| directory + 2 + entry * 12).find(|at| short(*at) == Some(0x0112))?;
    short(entry + 8)
}
