//! The logo of an organization: what it sends is drawn anew, so that what browsers get has nothing but pixels.

use std::io::Cursor;

use zune_jpeg::{
    JpegDecoder,
    zune_core::{colorspace::ColorSpace, options::DecoderOptions},
};

use crate::catalogue::documents::{is_jpeg, is_png};

/// Largest file, in bytes.
pub const MAX_FILE: usize = 256 * 1024;

/// Largest sides of a picture that is sent, in pixels.
const MAX_SIDE: usize = 2000;

/// Most pixels that are kept: four bytes each, in base64, fit a record beside all else however little they compress.
const WIDTH: usize = 320;
const HEIGHT: usize = 96;

/// Rows of red, green, blue and opacity.
struct Pixels {
    width: usize,
    height: usize,
    rgba: Vec<u8>,
}

/// A PNG of at most 320 by 96 pixels of a PNG or JPEG picture. Takes time in proportion to its pixels: keep it off the I/O threads.
///
/// # Errors
/// What is wrong with it, in words.
pub fn drawn(file: &[u8]) -> Result<Vec<u8>, String> {
    if file.len() > MAX_FILE {
        return Err(format!("a picture of {} bytes, at most {MAX_FILE} are allowed", file.len()));
    }
    let pixels = match () {
        () if is_png(file) => of_png(file)?,
        () if is_jpeg(file) => of_jpeg(file)?,
        () => return Err("expected a PNG or JPEG picture".to_owned()),
    };
    written(&pixels.fitted())
}

fn check_size(width: usize, height: usize) -> Result<(), String> {
    let fits = (1..=MAX_SIDE).contains(&width) && (1..=MAX_SIDE).contains(&height);
    fits.then_some(())
        .ok_or_else(|| format!("a picture of {width} by {height} pixels, at most {MAX_SIDE} by {MAX_SIDE} are allowed"))
}

fn of_png(file: &[u8]) -> Result<Pixels, String> {
    let unreadable = |_| "the PNG picture cannot be read".to_owned();
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(file), png::Limits { bytes: 8 * MAX_SIDE * MAX_SIDE });
    // Of the pixels alone: what else stands in the file is nobody's concern.
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().map_err(unreadable)?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    check_size(width, height)?;
    let mut bytes = vec![0; reader.output_buffer_size().ok_or("the PNG picture is too large")?];
    let frame = reader.next_frame(&mut bytes).map_err(unreadable)?;
    bytes.truncate(frame.buffer_size());
    let rgba = match frame.color_type {
        png::ColorType::Rgba => bytes,
        png::ColorType::GrayscaleAlpha => {
            bytes.chunks_exact(2).flat_map(|pixel| [pixel[0], pixel[0], pixel[0], pixel[1]]).collect()
        }
        other => return Err(format!("the PNG picture has an unknown kind of pixels: {other:?}")),
    };
    Ok(Pixels { width, height, rgba })
}

fn of_jpeg(file: &[u8]) -> Result<Pixels, String> {
    let options =
        DecoderOptions::default().set_max_width(MAX_SIDE).set_max_height(MAX_SIDE).jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(Cursor::new(file), options);
    decoder
        .decode_headers()
        .map_err(|_| format!("the JPEG picture cannot be read, or is larger than {MAX_SIDE} by {MAX_SIDE} pixels"))?;
    let (width, height) = decoder.dimensions().ok_or("the JPEG picture has no size")?;
    check_size(width, height)?;
    let rgb = decoder.decode().map_err(|_| "the JPEG picture cannot be read".to_owned())?;
    let rgba: Vec<u8> = rgb.chunks_exact(3).flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255]).collect();
    if rgba.len() != width * height * 4 {
        return Err("the JPEG picture has an unknown kind of pixels".to_owned());
    }
    Ok(Pixels { width, height, rgba })
}

impl Pixels {
    /// The same at the size at which it is kept: each pixel the mean of those that it stands for, weighed by how opaque they are.
    fn fitted(self) -> Self {
        let times = (self.width as f64 / WIDTH as f64).max(self.height as f64 / HEIGHT as f64);
        if times <= 1.0 {
            return self;
        }
        let side = |length: usize, most: usize| ((length as f64 / times).round() as usize).clamp(1, most);
        let (width, height) = (side(self.width, WIDTH), side(self.height, HEIGHT));
        // From where to where, at least one.
        let part = |at: usize, of: usize, length: usize| {
            let from = at * length / of;
            from..((at + 1) * length / of).max(from + 1)
        };
        let mut rgba = Vec::with_capacity(width * height * 4);
        for y in 0..height {
            for x in 0..width {
                let (mut sums, mut opaque, mut count) = ([0_u64; 3], 0_u64, 0_u64);
                for row in part(y, height, self.height) {
                    for column in part(x, width, self.width) {
                        let pixel = &self.rgba[(row * self.width + column) * 4..][..4];
                        let weight = u64::from(pixel[3]);
                        sums.iter_mut().zip(pixel).for_each(|(sum, channel)| *sum += u64::from(*channel) * weight);
                        opaque += weight;
                        count += 1;
                    }
                }
                let mean = |sum: u64, of: u64| u8::try_from((sum + of / 2).checked_div(of).unwrap_or(0)).unwrap_or(u8::MAX);
                rgba.extend([mean(sums[0], opaque), mean(sums[1], opaque), mean(sums[2], opaque), mean(opaque, count)]);
            }
        }
        Self { width, height, rgba }
    }
}

fn written(pixels: &Pixels) -> Result<Vec<u8>, String> {
    let failed = |_| "the logo cannot be written".to_owned();
    let side = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, side(pixels.width), side(pixels.height));
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&pixels.rgba).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: usize, height: usize, pixel: impl Fn(usize, usize) -> [u8; 4]) -> Vec<u8> {
        let rgba = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).collect();
        written(&Pixels { width, height, rgba }).unwrap()
    }

    #[test]
    fn a_small_one_keeps_its_pixels_and_loses_all_else() {
        let plain = picture(3, 2, |x, y| [u8::try_from(x * 80).unwrap(), u8::try_from(y * 80).unwrap(), 7, 200]);
        let mut told = Vec::new();
        let mut encoder = png::Encoder::new(&mut told, 3, 2);
        encoder.set_color(png::ColorType::Rgba);
        encoder.add_text_chunk("Author".into(), "somebody".into()).unwrap();
        let pixels = of_png(&plain).unwrap().rgba;
        encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
        assert!(told.windows(8).any(|bytes| bytes == b"somebody"));
        let drawn = drawn(&told).unwrap();
        assert!(!drawn.windows(8).any(|bytes| bytes == b"somebody"));
        assert_eq!(of_png(&drawn).unwrap().rgba, pixels);
    }

    #[test]
    fn a_large_one_is_made_smaller_without_a_dark_edge() {
        // Red on the left, and nothing, which is black in the file, on the right.
        let large = picture(1000, 500, |x, _| if x < 500 { [255, 0, 0, 255] } else { [0, 0, 0, 0] });
        let small = of_png(&drawn(&large).unwrap()).unwrap();
        assert_eq!((small.width, small.height), (192, HEIGHT));
        let pixel = |x: usize| small.rgba[x * 4..][..4].to_vec();
        assert_eq!((pixel(0), pixel(191)), (vec![255, 0, 0, 255], vec![0, 0, 0, 0]));
        assert!((0..192).map(pixel).all(|pixel| pixel[3] == 0 || pixel[0] == 255), "what is half there is half red");
    }

    #[test]
    fn what_does_not_compress_fits_a_record() {
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            u8::try_from(state >> 24).unwrap()
        };
        let rgba = (0..WIDTH * HEIGHT * 4).map(|_| noise()).collect();
        let file = written(&Pixels { width: WIDTH, height: HEIGHT, rgba }).unwrap();
        assert!(drawn(&file).unwrap().len() * 4 / 3 < store::MAX_BODY * 3 / 4);
    }

    #[test]
    fn what_is_no_picture_or_too_large_a_one_is_refused_in_words() {
        let told = |file: &[u8]| drawn(file).unwrap_err();
        assert!(told(b"GIF89a").contains("expected a PNG or JPEG"));
        assert!(told(&vec![0; MAX_FILE + 1]).contains("bytes, at most"));
        assert!(told(&picture(MAX_SIDE + 1, 1, |_, _| [0; 4])).contains("2001 by 1 pixels"));
        let whole = picture(30, 30, |x, y| [u8::try_from(x * y % 251).unwrap(); 4]);
        assert!(told(&whole[..whole.len() / 2]).contains("cannot be read"));
        assert!(told(b"\xff\xd8\xff\xe0 and nothing").contains("JPEG picture cannot be read"));
    }
}
