//! From a file to a picture of bounded size: what it is, whether it may be decoded at all, which way up it is.
//!
//! The size is read by ourselves before a decoder sees the file. No decoder is given a picture for which it would need more than about
//! 120 MB; PNGs are made smaller row by row and may have more pixels.

use std::io::Cursor;

use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
use zune_jpeg::JpegDecoder;

use crate::{Problem, metadata};

/// Most bytes of an image.
pub const MAX_BYTES: usize = 20 << 20;

/// Least and most pixels of a side.
pub const MIN_SIDE: u32 = 200;
pub const MAX_SIDE: u32 = 20_000;

/// Most pixels: of a JPEG that is decoded in one go, of images that need all of their planes at once, and of those that come row by row.
const MAX_PIXELS_JPEG: u64 = 33_000_000;
const MAX_PIXELS_AT_ONCE: u64 = 13_000_000;
const MAX_PIXELS_BY_ROWS: u64 = 60_000_000;

/// Longest side of what is worked on.
const WORKING_SIDE: u32 = 2200;

/// A picture: rows of pixels, three bytes each.
#[derive(Clone, Debug)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pub rgb: Vec<u8>,
    /// Pixels of the file for each pixel here, along a side.
    pub shrunk: u32,
    /// Programs of picture editing or making that the file names.
    pub editors: Vec<&'static str>,
}

/// Kinds of files that are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Jpeg,
    Png,
    Webp,
}

/// Decodes an image.
///
/// # Errors
/// [`Problem`]: it is none, of another kind, too large, too small or damaged.
pub fn decode(bytes: &[u8]) -> Result<Picture, Problem> {
    if bytes.is_empty() {
        return Err(Problem::Empty);
    }
    if bytes.len() > MAX_BYTES {
        return Err(Problem::TooManyBytes { bytes: bytes.len() as u64, maximum: MAX_BYTES as u64 });
    }
    let format = format(bytes)?;
    let texts = metadata::Texts::of(bytes);
    let shrunk = match format {
        Format::Jpeg => decode_jpeg(bytes)?,
        Format::Png => decode_png(bytes)?,
        Format::Webp => decode_webp(bytes)?,
    };
    Ok(shrunk.finish(texts.orientation(), texts.editors()))
}

/// What the file is by its first bytes, whatever it is called.
fn format(bytes: &[u8]) -> Result<Format, Problem> {
    let is_at = |at: usize, magic: &[u8]| bytes.get(at..).is_some_and(|rest| rest.starts_with(magic));
    if is_at(0, &[0xff, 0xd8, 0xff]) {
        return Ok(Format::Jpeg);
    }
    if is_at(0, b"\x89PNG\r\n\x1a\n") {
        return Ok(Format::Png);
    }
    if is_at(0, b"RIFF") && is_at(8, b"WEBP") {
        return Ok(Format::Webp);
    }
    let name = if is_at(4, b"ftyp") {
        match bytes.get(8..12) {
            Some(b"avif" | b"avis") => "AVIF",
            Some(b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"hevm" | b"hevs" | b"mif1" | b"msf1") => "HEIC",
            _ => "a film",
        }
    } else if is_at(0, b"GIF8") {
        "GIF"
    } else if is_at(0, b"%PDF") {
        "PDF"
    } else if is_at(0, b"BM") {
        "BMP"
    } else if is_at(0, b"II*\0") || is_at(0, b"MM\0*") {
        "TIFF"
    } else if is_at(0, &[0xff, 0x0a]) || is_at(4, b"JXL ") {
        "JPEG XL"
    } else if is_markup(bytes) {
        "SVG or another text"
    } else {
        "no known image"
    };
    Err(Problem::Unsupported { format: name.to_owned() })
}

fn is_markup(bytes: &[u8]) -> bool {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    start.starts_with(b"<")
}

/// Refuses sizes that must not be decoded.
fn checked(width: u32, height: u32, maximum: u64) -> Result<(usize, usize), Problem> {
    let pixels = u64::from(width) * u64::from(height);
    if width > MAX_SIDE || height > MAX_SIDE || pixels > maximum {
        return Err(Problem::TooManyPixels { width, height, maximum });
    }
    if width < MIN_SIDE || height < MIN_SIDE {
        return Err(Problem::TooSmall { width, height, minimum: MIN_SIDE });
    }
    Ok((width as usize, height as usize))
}

/// Width, height, and whether all of its scans must be kept; from the frame header (ITU-T T.81, B.2.2).
fn jpeg_frame(bytes: &[u8]) -> Option<(u32, u32, bool)> {
    let segment = metadata::jpeg_segments(bytes)
        .find(|segment| matches!(segment.marker, 0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf))?;
    let number = |at: usize| Some(u32::from(u16::from_be_bytes([*segment.payload.get(at)?, *segment.payload.get(at + 1)?])));
    Some((number(3)?, number(1)?, segment.marker != 0xc0 && segment.marker != 0xc1))
}

fn decode_jpeg(bytes: &[u8]) -> Result<Shrunk, Problem> {
    let (width, height, is_progressive) = jpeg_frame(bytes).ok_or(Problem::Damaged)?;
    let maximum = if is_progressive { MAX_PIXELS_AT_ONCE } else { MAX_PIXELS_JPEG };
    let (width, height) = checked(width, height, maximum)?;
    let options = DecoderOptions::default()
        .set_max_width(MAX_SIDE as usize)
        .set_max_height(MAX_SIDE as usize)
        .set_strict_mode(true)
        .jpeg_set_max_scans(64)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|_| Problem::Damaged)?;
    let info = decoder.info().ok_or(Problem::Damaged)?;
    if (usize::from(info.width), usize::from(info.height)) != (width, height) {
        return Err(Problem::Damaged);
    }
    let pixels = decoder.decode().map_err(|_| Problem::Damaged)?;
    let mut shrunk = Shrunk::new(width, height);
    let channels = decoder.output_colorspace().map_or(3, |space| space.num_components());
    pixels.chunks_exact(width * channels).for_each(|row| shrunk.add(row, channels));
    Ok(shrunk)
}

fn decode_png(bytes: &[u8]) -> Result<Shrunk, Problem> {
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: 64 << 20 });
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    let (width, height, is_interlaced) = {
        let info = decoder.read_header_info().map_err(|_| Problem::Damaged)?;
        (info.width, info.height, info.interlaced)
    };
    let maximum = if is_interlaced { MAX_PIXELS_AT_ONCE } else { MAX_PIXELS_BY_ROWS };
    let (width, height) = checked(width, height, maximum)?;
    let mut reader = decoder.read_info().map_err(|_| Problem::Damaged)?;
    let channels = reader.output_color_type().0.samples();
    let mut shrunk = Shrunk::new(width, height);
    if is_interlaced {
        let mut pixels = vec![0; reader.output_buffer_size().ok_or(Problem::Damaged)?];
        reader.next_frame(&mut pixels).map_err(|_| Problem::Damaged)?;
        pixels.chunks_exact(width * channels).for_each(|row| shrunk.add(row, channels));
    } else {
        for _ in 0..height {
            let row = reader.next_row().map_err(|_| Problem::Damaged)?.ok_or(Problem::Damaged)?;
            shrunk.add(row.data(), channels);
        }
    }
    Ok(shrunk)
}

fn decode_webp(bytes: &[u8]) -> Result<Shrunk, Problem> {
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(bytes)).map_err(|_| Problem::Damaged)?;
    decoder.set_memory_limit(64 << 20);
    let (width, height) = decoder.dimensions();
    let (width, height) = checked(width, height, MAX_PIXELS_AT_ONCE)?;
    let mut pixels = vec![0; decoder.output_buffer_size().ok_or(Problem::Damaged)?];
    decoder.read_image(&mut pixels).map_err(|_| Problem::Damaged)?;
    let channels = if decoder.has_alpha() { 4 } else { 3 };
    let mut shrunk = Shrunk::new(width, height);
    pixels.chunks_exact(width * channels).for_each(|row| shrunk.add(row, channels));
    Ok(shrunk)
}

/// A picture that is made smaller as its rows come: means of squares of whole pixels.
struct Shrunk {
    factor: usize,
    width: usize,
    height: usize,
    sums: Vec<u32>,
    rows: usize,
    rgb: Vec<u8>,
}

impl Shrunk {
    fn new(width: usize, height: usize) -> Self {
        let factor = width.max(height).div_ceil(WORKING_SIDE as usize).max(1);
        let (width, height) = (width / factor, height / factor);
        Self { factor, width, height, sums: vec![0; width * 3], rows: 0, rgb: Vec::with_capacity(width * height * 3) }
    }

    /// The next row of samples: gray, gray and alpha, RGB, or RGB and alpha. What is transparent is on white.
    fn add(&mut self, row: &[u8], channels: usize) {
        if self.rgb.len() >= self.width * self.height * 3 {
            return;
        }
        for (pixels, sums) in row.chunks_exact(channels * self.factor).zip(self.sums.as_chunks_mut::<3>().0) {
            for pixel in pixels.chunks_exact(channels) {
                let color = match *pixel {
                    [gray] => [gray; 3],
                    [gray, alpha] => [over_white(gray, alpha); 3],
                    [r, g, b] => [r, g, b],
                    [r, g, b, alpha, ..] => [over_white(r, alpha), over_white(g, alpha), over_white(b, alpha)],
                    [] => [255; 3],
                };
                sums.iter_mut().zip(color).for_each(|(sum, value)| *sum += u32::from(value));
            }
        }
        self.rows += 1;
        if self.rows == self.factor {
            let count = u32::try_from(self.factor * self.factor).unwrap_or(u32::MAX);
            self.rgb.extend(self.sums.iter().map(|sum| (sum / count) as u8));
            self.sums.fill(0);
            self.rows = 0;
        }
    }

    /// The picture, the way up that its file says (EXIF, tag 0x0112).
    fn finish(mut self, orientation: u16, editors: Vec<&'static str>) -> Picture {
        self.rgb.resize(self.width * self.height * 3, 255);
        let picture = Picture {
            width: self.width,
            height: self.height,
            rgb: self.rgb,
            shrunk: u32::try_from(self.factor).unwrap_or(1),
            editors,
        };
        // From a place in the result to the place in the file.
        let (w, h) = (self.width, self.height);
        match orientation {
            2 => picture.mapped(w, h, |x, y| (w - 1 - x, y)),
            3 => picture.mapped(w, h, |x, y| (w - 1 - x, h - 1 - y)),
            4 => picture.mapped(w, h, |x, y| (x, h - 1 - y)),
            5 => picture.mapped(h, w, |x, y| (y, x)),
            6 => picture.mapped(h, w, |x, y| (y, h - 1 - x)),
            7 => picture.mapped(h, w, |x, y| (w - 1 - y, h - 1 - x)),
            8 => picture.mapped(h, w, |x, y| (w - 1 - y, x)),
            _ => picture,
        }
    }
}

fn over_white(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    ((value * alpha + 255 * (255 - alpha)) / 255) as u8
}

impl Picture {
    fn mapped(self, width: usize, height: usize, source: impl Fn(usize, usize) -> (usize, usize)) -> Self {
        let pixels = self.rgb.as_chunks::<3>().0;
        let mut rgb = Vec::with_capacity(self.rgb.len());
        for y in 0..height {
            for x in 0..width {
                let (x, y) = source(x, y);
                rgb.extend(pixels.get(y * self.width + x).copied().unwrap_or([255; 3]));
            }
        }
        Self { width, height, rgb, ..self }
    }
}
