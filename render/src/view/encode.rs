//! From pixels to the file that a browser loads. How a page is encoded decides its size: most pages are grey, and text needs 16 greys.

use std::io;

use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};
use serde::{Deserialize, Serialize};

use crate::drawing::Size;

/// Bytes of a PNG above which a page becomes a JPEG, if that is smaller: it holds photographs then, or is one.
pub const MAX_PNG: usize = 400 * 1024;

/// Quality of a JPEG, of 100.
const QUALITY: u8 = 80;

/// What an image is encoded as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaType {
    Png,
    Jpeg,
}

impl MediaType {
    /// As HTTP says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
        }
    }
}

/// Encodes pixels of four bytes that nothing shines through: 16 greys where all are grey, else colours; as a JPEG where a PNG would be large.
pub fn encode(pixels: &[u8], size: Size) -> io::Result<(MediaType, Vec<u8>)> {
    let is_grey = pixels.chunks_exact(4).all(|pixel| matches!(pixel, [red, green, blue, _] if red == green && green == blue));
    let (png, plain, color) = if is_grey {
        let grey: Vec<u8> = pixels.chunks_exact(4).filter_map(|pixel| pixel.first().copied()).collect();
        (png(&packed(&grey, size), size, png::ColorType::Grayscale, png::BitDepth::Four)?, grey, ExtendedColorType::L8)
    } else {
        let rgb: Vec<u8> = pixels.chunks_exact(4).flat_map(|pixel| pixel.iter().take(3).copied()).collect();
        (png(&rgb, size, png::ColorType::Rgb, png::BitDepth::Eight)?, rgb, ExtendedColorType::Rgb8)
    };
    if png.len() > MAX_PNG {
        let mut jpeg = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
        encoder.encode(&plain, size.width.into(), size.height.into(), color).map_err(io::Error::other)?;
        if jpeg.len() < png.len() {
            return Ok((MediaType::Jpeg, jpeg));
        }
    }
    Ok((MediaType::Png, png))
}

/// Two greys to a byte, the left one in its upper half; each row begins with a byte of its own (ISO/IEC 15948, 7.2).
fn packed(grey: &[u8], size: Size) -> Vec<u8> {
    let of_16 = |grey: u8| ((u16::from(grey) * 15 + 127) / 255) as u8;
    let pair = |pair: &[u8]| match *pair {
        [left, right] => of_16(left) << 4 | of_16(right),
        [left] => of_16(left) << 4,
        _ => 0,
    };
    grey.chunks(usize::from(size.width)).flat_map(|row| row.chunks(2)).map(pair).collect()
}

fn png(pixels: &[u8], size: Size, color: png::ColorType, depth: png::BitDepth) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size.width.into(), size.height.into());
    encoder.set_color(color);
    encoder.set_depth(depth);
    encoder.set_compression(png::Compression::Balanced);
    if depth == png::BitDepth::Four {
        // Of neighbours that share a byte no filter makes anything.
        encoder.set_filter(png::Filter::NoFilter);
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image whose pixels are what the function says.
    fn image(width: u16, height: u16, pixel: impl Fn(u16, u16) -> [u8; 3]) -> (Vec<u8>, Size) {
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let pixels = places.flat_map(|(x, y)| {
            let [red, green, blue] = pixel(x, y);
            [red, green, blue, 255]
        });
        (pixels.collect(), Size { width, height })
    }

    fn decoded(png: &[u8]) -> (png::ColorType, png::BitDepth, Vec<u8>) {
        let mut reader = png::Decoder::new(io::Cursor::new(png)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (info.color_type, info.bit_depth, pixels)
    }

    /// Bytes in which nothing repeats, by a fixed rule.
    fn noise(x: u16, y: u16) -> u8 {
        let mut mixed = (u32::from(x) << 16 | u32::from(y)).wrapping_mul(0x9E37_79B1);
        mixed ^= mixed >> 15;
        (mixed.wrapping_mul(0x85EB_CA77) >> 24) as u8
    }

    #[test]
    fn grey_pages_have_16_greys_and_rows_of_odd_width_begin_with_a_byte_of_their_own() {
        let greys: [[u8; 3]; 2] = [[0, 128, 255], [17, 16, 240]];
        let (pixels, size) = image(3, 2, |x, y| [greys[usize::from(y)][usize::from(x)]; 3]);
        let (media_type, bytes) = encode(&pixels, size).unwrap();
        let (color, depth, packed) = decoded(&bytes);
        assert_eq!((media_type, color, depth), (MediaType::Png, png::ColorType::Grayscale, png::BitDepth::Four));
        assert_eq!(packed, [0x08, 0xF0, 0x11, 0xE0]);
    }

    #[test]
    fn one_pixel_of_colour_makes_a_page_of_colours() {
        let (pixels, size) = image(3, 2, |x, y| if (x, y) == (1, 1) { [1, 2, 3] } else { [255; 3] });
        let (_, bytes) = encode(&pixels, size).unwrap();
        let (color, depth, rgb) = decoded(&bytes);
        assert_eq!((color, depth), (png::ColorType::Rgb, png::BitDepth::Eight));
        assert_eq!(rgb[12..15], [1, 2, 3], "the colour is what it was");
    }

    #[test]
    fn what_is_large_as_a_png_is_a_jpeg() {
        let (pixels, size) = image(800, 1131, |x, y| [noise(x, y), noise(y, x), noise(x, x ^ y)]);
        let (media_type, bytes) = encode(&pixels, size).unwrap();
        assert!(media_type == MediaType::Jpeg && bytes.starts_with(&[0xFF, 0xD8, 0xFF]));
        assert!(bytes.len() < pixels.len() / 4 * 3, "{} bytes", bytes.len());
        let (pixels, size) = image(800, 1131, |x, y| if (x / 8 + y / 8) % 2 == 0 { [0; 3] } else { [200, 0, 0] });
        assert_eq!(encode(&pixels, size).unwrap().0, MediaType::Png, "few colours are a small PNG");
    }
}
