//! Images of strangers: their format, size and pixels are checked before the engine sees them, as it drops what it cannot read without a
//! word.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::limits::{ALL_IMAGE_BYTES, ALL_IMAGE_PIXELS, IMAGE_BYTES, IMAGE_PIXELS, IMAGES};

/// A PNG that was decoded once, or a JPEG whose frame was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Image {
    pub bytes: Vec<u8>,
    pub format: Format,
    pub width: u32,
    pub height: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Png,
    Jpeg,
}

impl Format {
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
        }
    }
}

/// The images of one document so far.
#[derive(Default)]
pub(crate) struct Total {
    images: usize,
    bytes: usize,
    pixels: u64,
}

impl Total {
    /// The error says which maximum is exceeded.
    pub fn add(&mut self, image: &Image) -> Result<(), String> {
        self.images += 1;
        self.bytes += image.bytes.len();
        self.pixels += image.pixels();
        if self.images > IMAGES {
            return Err(format!("more than {IMAGES} images"));
        }
        if self.bytes > ALL_IMAGE_BYTES {
            return Err(format!("the images have more than {ALL_IMAGE_BYTES} bytes together"));
        }
        if self.pixels > ALL_IMAGE_PIXELS {
            return Err(format!("the images have more than {ALL_IMAGE_PIXELS} pixels together"));
        }
        Ok(())
    }
}

impl Image {
    /// Of `data:image/png;base64,...`. The error says what is wrong with it.
    pub fn of_data_uri(uri: &str) -> Result<Self, String> {
        let (head, payload) = uri.split_once(',').ok_or("its data: URI has no comma")?;
        let head = head.to_ascii_lowercase();
        if head.contains("svg") {
            return Err("SVG is not supported in images; write <svg> into the template, or use PNG".into());
        }
        if !head.ends_with(";base64") {
            return Err("its data: URI is not in base64".into());
        }
        Self::of_base64(payload)
    }

    pub fn of_base64(text: &str) -> Result<Self, String> {
        if text.len() / 4 * 3 > IMAGE_BYTES {
            return Err(format!("it has more than {IMAGE_BYTES} bytes"));
        }
        let compact: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let bytes = GeneralPurpose::new(&STANDARD, config).decode(compact).map_err(|_| "it is not in base64")?;
        Self::of_bytes(bytes)
    }

    fn of_bytes(bytes: Vec<u8>) -> Result<Self, String> {
        let (format, (width, height)) = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            (Format::Png, check_png(&bytes)?)
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            (Format::Jpeg, size_of_jpeg(&bytes).ok_or("the JPEG is damaged or of a kind that is not supported")?)
        } else {
            return Err("it is neither PNG nor JPEG".into());
        };
        check_size(width, height)?;
        Ok(Self { bytes, format, width, height })
    }

    /// A picture of dark and light squares, each `scale` pixels wide.
    pub fn of_modules(width: usize, height: usize, scale: usize, is_dark: impl Fn(usize, usize) -> bool) -> Self {
        let (columns, rows) = (width * scale, height * scale);
        let stride = columns.div_ceil(8);
        let mut pixels = vec![0xff_u8; stride * rows];
        for (y, row) in pixels.chunks_exact_mut(stride).enumerate() {
            for x in 0..columns {
                if is_dark(x / scale, y / scale) {
                    row[x / 8] &= !(0x80 >> (x % 8));
                }
            }
        }
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, columns as u32, rows as u32);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        // Writing to memory cannot fail, and the size fits the pixels.
        let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels));
        debug_assert!(written.is_ok());
        Self { bytes, format: Format::Png, width: columns as u32, height: rows as u32 }
    }

    fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    pub fn data_uri(&self) -> String {
        let kind = match self.format {
            Format::Png => "png",
            Format::Jpeg => "jpeg",
        };
        format!("data:image/{kind};base64,{}", base64::engine::general_purpose::STANDARD.encode(&self.bytes))
    }
}

fn check_size(width: u32, height: u32) -> Result<(), String> {
    if width == 0 || height == 0 {
        return Err("it has no pixels".into());
    }
    if u64::from(width) * u64::from(height) > IMAGE_PIXELS {
        return Err(format!("it has {width} x {height} pixels, the maximum is {IMAGE_PIXELS}"));
    }
    Ok(())
}

/// Decodes a PNG, in 128 MB at most, and gives its size.
fn check_png(bytes: &[u8]) -> Result<(u32, u32), String> {
    const DAMAGED: &str = "the PNG is damaged";
    let decoder = png::Decoder::new_with_limits(std::io::Cursor::new(bytes), png::Limits { bytes: 128 << 20 });
    let mut reader = decoder.read_info().map_err(|_| DAMAGED)?;
    let (width, height) = (reader.info().width, reader.info().height);
    check_size(width, height)?;
    while reader.next_row().map_err(|_| DAMAGED)?.is_some() {}
    Ok((width, height))
}

/// The size that the frame of a JPEG says (ITU-T T.81, B.2.2): baseline, extended or progressive, with one, three or four components.
fn size_of_jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        if *bytes.get(at)? != 0xff {
            return None;
        }
        while *bytes.get(at)? == 0xff {
            at += 1;
        }
        let marker = *bytes.get(at)?;
        at += 1;
        let length = usize::from(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
        if length < 2 {
            return None;
        }
        match marker {
            0xc0..=0xc2 => {
                let frame = bytes.get(at + 2..at + length)?;
                let [8, h1, h0, w1, w0, 1 | 3 | 4, ..] = frame else { return None };
                // A whole file ends; one that was cut off would show a part.
                let is_whole = bytes.iter().rposition(|b| *b == 0xd9).is_some_and(|at| at > 0 && bytes[at - 1] == 0xff);
                let size = |high: u8, low: u8| u32::from(u16::from_be_bytes([high, low]));
                return is_whole.then(|| (size(*w1, *w0), size(*h1, *h0)));
            }
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf | 0xd9 | 0xda => return None,
            _ => at += length,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png() -> Image {
        Image::of_modules(3, 2, 4, |x, y| (x + y) % 2 == 0)
    }

    #[test]
    fn images_come_as_data_uris_and_base64() {
        let image = png();
        assert_eq!((image.width, image.height), (12, 8));
        assert_eq!(Image::of_data_uri(&image.data_uri()), Ok(image.clone()));
        let base64 = image.data_uri().split_once(',').unwrap().1.to_owned();
        assert_eq!(Image::of_base64(&format!(" {}\n{} ", &base64[..8], base64[8..].trim_end_matches('='))), Ok(image));
    }

    #[test]
    fn what_is_no_whole_image_is_refused() {
        let image = png();
        let with = |bytes: &[u8]| Image { bytes: bytes.to_vec(), ..image.clone() }.data_uri();
        for (uri, words) in [
            ("data:image/png;base64".to_owned(), "no comma"),
            ("data:image/png,x".to_owned(), "not in base64"),
            ("data:image/svg+xml;base64,PHN2Zz4=".to_owned(), "SVG"),
            ("data:image/png;base64,!!!".to_owned(), "not in base64"),
            (with(b"GIF89a"), "neither PNG nor JPEG"),
            (with(&image.bytes[..image.bytes.len() - 20]), "damaged"),
            (with(b"\xff\xd8\xff\xe0"), "damaged"),
            (with(b"\xff\xd8\xff\xc0\x00\x0b\x08\xff\xff\xff\xff\x01\x00\x00\x00\xff\xd9"), "pixels"),
        ] {
            let error = Image::of_data_uri(&uri).unwrap_err();
            assert!(error.contains(words), "{words}: {error}");
        }
        // A PNG that says it has 4 billion pixels is refused before memory is taken.
        let mut bomb = image.bytes.clone();
        bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        assert!(Image::of_data_uri(&with(&bomb)).is_err());
        assert!(Image::of_base64(&"A".repeat(IMAGE_BYTES * 2)).unwrap_err().contains("bytes"));
    }

    #[test]
    fn sizes_of_jpegs_are_read_without_trust() {
        let jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x0b\x08\x00\x10\x00\x20\x01\x00\x00\x00\xff\xd9";
        assert_eq!(size_of_jpeg(jpeg), Some((32, 16)));
        for cut in 0..jpeg.len() {
            let _ = size_of_jpeg(&jpeg[..cut]);
        }
        assert_eq!(size_of_jpeg(&jpeg[..jpeg.len() - 2]), None, "cut off");
    }

    #[test]
    fn all_images_together_have_a_maximum() {
        let image = Image { bytes: vec![0; ALL_IMAGE_BYTES / 3], ..png() };
        let mut total = Total::default();
        assert_eq!((total.add(&image), total.add(&image), total.add(&image).is_ok()), (Ok(()), Ok(()), true));
        assert!(total.add(&image).unwrap_err().contains("bytes together"));
        let mut many = Total::default();
        assert!((0..IMAGES).all(|_| many.add(&png()).is_ok()));
        assert!(many.add(&png()).is_err());
    }
}
