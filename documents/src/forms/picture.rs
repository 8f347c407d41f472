//! Pictures that are shown in fields: JPEG passed through, PNG decoded. Both come from strangers: sizes are checked before anything is
//! decoded.

use std::io::Cursor;

use lopdf::{Object, ObjectId, Stream, dictionary};

use super::layout::Room;
use super::paint::Canvas;
use super::{Frame, Look};
use crate::text::subset::compressed;

/// Bytes of a picture's file.
pub const MAX_BYTES: usize = 10 * 1024 * 1024;
/// Pixels of a picture: decoded, a PNG takes four bytes for each.
pub const MAX_PIXELS: u64 = 8_000_000;
/// The name of the picture among an appearance's resources.
const NAME: &str = "Im";

/// Why a file cannot be shown as a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    #[error("the file is neither a PNG nor a JPEG picture; convert it to one of them")]
    Unknown,
    #[error("the picture is larger than {MAX_BYTES} bytes or {MAX_PIXELS} pixels; make it smaller")]
    TooLarge,
    #[error("the picture is damaged; save it again in a picture program")]
    Damaged,
    #[error(
        "the picture is a kind of JPEG that viewers do not show; save it as an ordinary JPEG (8 bits, baseline or progressive)"
    )]
    UnusualJpeg,
}

/// A picture as it goes into a PDF (ISO 32000-2 8.9.5).
#[derive(Clone)]
pub struct Picture {
    width: u32,
    height: u32,
    image: Stream,
    /// How opaque each pixel is (11.6.5.2).
    mask: Option<Stream>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Picture").field("width", &self.width).field("height", &self.height).finish_non_exhaustive()
    }
}

impl Picture {
    /// Reads a PNG or JPEG file of at most [`MAX_BYTES`] and [`MAX_PIXELS`].
    ///
    /// # Errors
    /// [`PictureError`].
    pub fn read(bytes: &[u8]) -> Result<Self, PictureError> {
        if bytes.len() > MAX_BYTES {
            return Err(PictureError::TooLarge);
        }
        match bytes {
            [0x89, b'P', b'N', b'G', ..] => of_png(bytes),
            [0xff, 0xd8, 0xff, ..] => of_jpeg(bytes),
            _ => Err(PictureError::Unknown),
        }
    }

    /// Bytes that it takes in memory, about.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.image.content.len() + self.mask.as_ref().map_or(0, |mask| mask.content.len())
    }

    /// The image XObject and what it refers to.
    pub(super) fn objects(&self, new_id: &mut dyn FnMut() -> ObjectId) -> (ObjectId, Vec<(ObjectId, Object)>) {
        let (id, mut image, mut objects) = (new_id(), self.image.clone(), Vec::new());
        if let Some(mask) = &self.mask {
            let mask_id = new_id();
            image.dict.set("SMask", mask_id);
            objects.push((mask_id, Object::Stream(mask.clone())));
        }
        objects.push((id, Object::Stream(image)));
        (id, objects)
    }

    /// The picture in the middle of a widget, as large as fits, in its own proportions.
    pub(super) fn look(&self, frame: &Frame, image: ObjectId) -> Look {
        let mut canvas = Canvas::default();
        canvas.panel(&frame.panel, frame.width, frame.height);
        let border = if frame.panel.border.is_some() { frame.panel.inset() } else { 0.0 };
        let room = Room::new(frame.width, frame.height, border);
        let (wide, high) = (frame.width - 2.0 * room.border, frame.height - 2.0 * room.border);
        let scale = (wide / self.width as f32).min(high / self.height as f32);
        let (width, height) = (self.width as f32 * scale, self.height as f32 * scale);
        let (x, y) = ((frame.width - width) / 2.0, (frame.height - height) / 2.0);
        canvas.op(format_args!("q {width:.3} 0 0 {height:.3} {x:.3} {y:.3} cm /{NAME} Do Q"));
        Look { canvas, resources: dictionary! { "XObject" => dictionary! { NAME => image } }, is_blank: false }
    }
}

fn dictionary_of(width: u32, height: u32, colours: &str) -> lopdf::Dictionary {
    dictionary! {
        "Type" => "XObject", "Subtype" => "Image", "Width" => i64::from(width), "Height" => i64::from(height),
        "ColorSpace" => colours, "BitsPerComponent" => 8,
    }
}

fn check_size(width: u32, height: u32) -> Result<(), PictureError> {
    match u64::from(width) * u64::from(height) {
        0 => Err(PictureError::Damaged),
        pixels if pixels > MAX_PIXELS => Err(PictureError::TooLarge),
        _ => Ok(()),
    }
}

fn of_png(bytes: &[u8]) -> Result<Picture, PictureError> {
    let limits = png::Limits { bytes: 16 * 1024 * 1024 };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let (width, height) = decoder.read_header_info().map(|info| (info.width, info.height)).map_err(|_| PictureError::Damaged)?;
    check_size(width, height)?;
    let mut reader = decoder.read_info().map_err(|_| PictureError::Damaged)?;
    let size = reader.output_buffer_size().ok_or(PictureError::TooLarge)?;
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels).map_err(|_| PictureError::Damaged)?;
    pixels.truncate(frame.buffer_size());
    let (colours, mask) = match frame.color_type {
        png::ColorType::Grayscale | png::ColorType::Rgb => (pixels, None),
        png::ColorType::GrayscaleAlpha => apart::<2>(&pixels),
        png::ColorType::Rgba => apart::<4>(&pixels),
        // Expanded above.
        png::ColorType::Indexed => return Err(PictureError::Damaged),
    };
    let is_gray = matches!(frame.color_type, png::ColorType::Grayscale | png::ColorType::GrayscaleAlpha);
    let space = if is_gray { "DeviceGray" } else { "DeviceRGB" };
    let image = compressed(dictionary_of(width, height, space), colours);
    let mask = mask.map(|mask| compressed(dictionary_of(width, height, "DeviceGray"), mask));
    Ok(Picture { width, height, image, mask })
}

/// Colours, and how opaque they are where that is not fully.
fn apart<const N: usize>(pixels: &[u8]) -> (Vec<u8>, Option<Vec<u8>>) {
    let (pixels, _) = pixels.as_chunks::<N>();
    let colours = pixels.iter().flat_map(|pixel| &pixel[..N - 1]).copied().collect();
    let opacity: Vec<u8> = pixels.iter().map(|pixel| pixel[N - 1]).collect();
    let is_opaque = opacity.iter().all(|value| *value == u8::MAX);
    (colours, (!is_opaque).then_some(opacity))
}

/// Nothing is decoded: the header says what viewers need, and they decode the rest.
fn of_jpeg(bytes: &[u8]) -> Result<Picture, PictureError> {
    let header = jpeg_header(bytes)?;
    check_size(header.width, header.height)?;
    let space = match header.components {
        1 => "DeviceGray",
        3 => "DeviceRGB",
        4 => "DeviceCMYK",
        _ => return Err(PictureError::UnusualJpeg),
    };
    let mut dictionary = dictionary_of(header.width, header.height, space);
    dictionary.set("Filter", "DCTDecode");
    if header.components == 4 && header.is_adobe {
        // Programs by Adobe write the colours of four components inverted.
        dictionary.set("Decode", [1, 0, 1, 0, 1, 0, 1, 0].map(Object::Integer).to_vec());
    }
    let image = Stream::new(dictionary, bytes.to_vec());
    Ok(Picture { width: header.width, height: header.height, image, mask: None })
}

struct JpegHeader {
    width: u32,
    height: u32,
    components: u8,
    is_adobe: bool,
}

/// The frame header (ITU-T T.81, B.2.2), before the first scan.
fn jpeg_header(bytes: &[u8]) -> Result<JpegHeader, PictureError> {
    let mut rest = bytes.get(2..).ok_or(PictureError::Damaged)?;
    let (mut frame, mut is_adobe) = (None, false);
    // Each segment is at least four bytes long, so this ends with the file.
    loop {
        let [0xff, marker, tail @ ..] = rest else { return Err(PictureError::Damaged) };
        if *marker == 0xff {
            // Fill bytes.
            rest = &rest[1..];
            continue;
        }
        let [high, low, ..] = tail else { return Err(PictureError::Damaged) };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let segment = tail.get(2..length).ok_or(PictureError::Damaged)?;
        match marker {
            // Baseline, extended and progressive frames.
            0xc0..=0xc2 => frame = Some(frame_header(segment)?),
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => return Err(PictureError::UnusualJpeg),
            0xee => is_adobe |= segment.starts_with(b"Adobe"),
            // The first scan.
            0xda => {
                let (width, height, components) = frame.ok_or(PictureError::Damaged)?;
                return Ok(JpegHeader { width, height, components, is_adobe });
            }
            _ => {}
        }
        rest = &tail[length..];
    }
}

fn frame_header(segment: &[u8]) -> Result<(u32, u32, u8), PictureError> {
    let [precision, h1, h0, w1, w0, components, ..] = segment else { return Err(PictureError::Damaged) };
    if *precision != 8 {
        return Err(PictureError::UnusualJpeg);
    }
    Ok((u32::from(u16::from_be_bytes([*w1, *w0])), u32::from(u16::from_be_bytes([*h1, *h0])), *components))
}
