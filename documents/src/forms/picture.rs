//! Pictures that are shown in fields: JPEG passed through, PNG decoded. Both come from strangers: sizes are checked before anything is
//! decoded.

use std::io::Cursor;

use lopdf::{Object, ObjectId, Stream, dictionary};

use super::layout::Room;
use super::number::N;
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
    #[error("the picture shows nothing: it is blank")]
    Blank,
}

/// A picture as it goes into a PDF (ISO 32000-2 8.9.5).
#[derive(Clone, PartialEq)]
pub struct Picture {
    width: u32,
    height: u32,
    image: Stream,
    /// How opaque each pixel is (11.6.5.2).
    mask: Option<Stream>,
    way_up: WayUp,
}

/// Which way up a picture is shown: the values of the tag Orientation (Exif 3.0, 4.6.5.1.6), 1 for as it is stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct WayUp(u8);

impl WayUp {
    pub(crate) const AS_STORED: Self = Self(1);

    /// What is no value of the tag is taken for 1, as viewers do.
    pub(crate) fn of_tag(value: u16) -> Self {
        Self(u8::try_from(value).ok().filter(|value| (1..=8).contains(value)).unwrap_or(1))
    }

    /// Whether width and height change places.
    fn lies(self) -> bool {
        self.0 >= 5
    }

    /// From the unit square of the stored picture to that of the shown one.
    fn matrix(self) -> [f32; 6] {
        match self.0 {
            2 => [-1.0, 0.0, 0.0, 1.0, 1.0, 0.0],
            3 => [-1.0, 0.0, 0.0, -1.0, 1.0, 1.0],
            4 => [1.0, 0.0, 0.0, -1.0, 0.0, 1.0],
            5 => [0.0, -1.0, -1.0, 0.0, 1.0, 1.0],
            6 => [0.0, -1.0, 1.0, 0.0, 0.0, 1.0],
            7 => [0.0, 1.0, 1.0, 0.0, 0.0, 0.0],
            8 => [0.0, 1.0, -1.0, 0.0, 1.0, 0.0],
            _ => [1.0, 0.0, 0.0, 1.0, 0.0, 0.0],
        }
    }
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
            [0x89, b'P', b'N', b'G', ..] => Pixels::of_png(bytes, MAX_PIXELS).map(Self::from),
            [0xff, 0xd8, 0xff, ..] => Self::of_jpeg(bytes, WayUp::AS_STORED, MAX_PIXELS),
            _ => Err(PictureError::Unknown),
        }
    }

    /// Nothing is decoded: the header says what viewers need, and they decode the rest.
    ///
    /// # Errors
    /// `TooLarge` for more than `most` pixels, `Damaged`, `UnusualJpeg`.
    pub(crate) fn of_jpeg(bytes: &[u8], way_up: WayUp, most: u64) -> Result<Self, PictureError> {
        let header = jpeg_header(bytes)?;
        check_size(header.width, header.height, most)?;
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
        Ok(Self { width: header.width, height: header.height, image, mask: None, way_up })
    }

    /// Bytes that it takes in memory, about.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.image.content.len() + self.mask.as_ref().map_or(0, |mask| mask.content.len())
    }

    /// Width and height as it is shown, in pixels.
    pub(crate) fn size(&self) -> (f32, f32) {
        let (width, height) = (self.width as f32, self.height as f32);
        if self.way_up.lies() { (height, width) } else { (width, height) }
    }

    /// The operand of `cm` that shows it in a rectangle: left, bottom, width, height.
    pub(crate) fn placed(&self, [x, y, width, height]: [f32; 4]) -> [f32; 6] {
        let [a, b, c, d, e, f] = self.way_up.matrix();
        [a * width, b * height, c * width, d * height, e * width + x, f * height + y]
    }

    /// The image XObject and what it refers to.
    pub(crate) fn objects(&self, new_id: &mut dyn FnMut() -> ObjectId) -> (ObjectId, Vec<(ObjectId, Object)>) {
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
        let (width, height) = self.size();
        let scale = (wide / width).min(high / height);
        let (width, height) = (width * scale, height * scale);
        let (x, y) = ((frame.width - width) / 2.0, (frame.height - height) / 2.0);
        let [a, b, c, d, e, f] = self.placed([x, y, width, height]).map(N);
        canvas.op(format_args!("q {a} {b} {c} {d} {e} {f} cm /{NAME} Do Q"));
        Look { canvas, resources: dictionary! { "XObject" => dictionary! { NAME => image } }, is_blank: false }
    }
}

fn dictionary_of(width: u32, height: u32, colours: &str) -> lopdf::Dictionary {
    dictionary! {
        "Type" => "XObject", "Subtype" => "Image", "Width" => i64::from(width), "Height" => i64::from(height),
        "ColorSpace" => colours, "BitsPerComponent" => 8,
    }
}

fn check_size(width: u32, height: u32, most: u64) -> Result<(), PictureError> {
    match u64::from(width) * u64::from(height) {
        0 => Err(PictureError::Damaged),
        pixels if pixels > most => Err(PictureError::TooLarge),
        _ => Ok(()),
    }
}

/// A decoded picture.
pub(crate) struct Pixels {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// One byte per pixel where it is gray, else three.
    pub(crate) colours: Vec<u8>,
    pub(crate) is_gray: bool,
    /// How opaque each pixel is; `None` where all are.
    pub(crate) opacity: Option<Vec<u8>>,
}

impl Pixels {
    /// Decodes a PNG of at most `most` pixels.
    ///
    /// # Errors
    /// `TooLarge`, `Damaged`.
    pub(crate) fn of_png(bytes: &[u8], most: u64) -> Result<Self, PictureError> {
        let limits = png::Limits { bytes: 16 * 1024 * 1024 };
        let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        let header = decoder.read_header_info().map(|info| (info.width, info.height));
        let (width, height) = header.map_err(|_| PictureError::Damaged)?;
        check_size(width, height, most)?;
        let mut reader = decoder.read_info().map_err(|_| PictureError::Damaged)?;
        let size = reader.output_buffer_size().ok_or(PictureError::TooLarge)?;
        let mut pixels = vec![0; size];
        let frame = reader.next_frame(&mut pixels).map_err(|_| PictureError::Damaged)?;
        pixels.truncate(frame.buffer_size());
        let (colours, opacity) = match frame.color_type {
            png::ColorType::Grayscale | png::ColorType::Rgb => (pixels, None),
            png::ColorType::GrayscaleAlpha => apart::<2>(&pixels),
            png::ColorType::Rgba => apart::<4>(&pixels),
            // Expanded above.
            png::ColorType::Indexed => return Err(PictureError::Damaged),
        };
        let is_gray = matches!(frame.color_type, png::ColorType::Grayscale | png::ColorType::GrayscaleAlpha);
        Ok(Self { width, height, colours, is_gray, opacity })
    }
}

impl From<Pixels> for Picture {
    fn from(Pixels { width, height, colours, is_gray, opacity }: Pixels) -> Self {
        let space = if is_gray { "DeviceGray" } else { "DeviceRGB" };
        let image = compressed(dictionary_of(width, height, space), colours);
        let mask = opacity.map(|opacity| compressed(dictionary_of(width, height, "DeviceGray"), opacity));
        Self { width, height, image, mask, way_up: WayUp::AS_STORED }
    }
}

/// Colours, and how opaque they are where that is not fully.
fn apart<const CHANNELS: usize>(pixels: &[u8]) -> (Vec<u8>, Option<Vec<u8>>) {
    let (pixels, _) = pixels.as_chunks::<CHANNELS>();
    let colours = pixels.iter().flat_map(|pixel| &pixel[..CHANNELS - 1]).copied().collect();
    let opacity: Vec<u8> = pixels.iter().map(|pixel| pixel[CHANNELS - 1]).collect();
    let is_opaque = opacity.iter().all(|value| *value == u8::MAX);
    (colours, (!is_opaque).then_some(opacity))
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn png(width: u32, height: u32, colour: png::ColorType, pixels: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(colour);
        encoder.write_header().unwrap().write_image_data(pixels).unwrap();
        file
    }

    /// Segments of a JPEG file: start, a frame header of the kind `frame`, start of the scan.
    fn jpeg(frame: u8, precision: u8, width: u16, height: u16, components: u8, adobe: bool) -> Vec<u8> {
        let mut file = vec![0xff, 0xd8];
        if adobe {
            file.extend([0xff, 0xee, 0, 14]);
            file.extend(b"Adobe\0\x64\0\0\0\0\x02");
        }
        file.extend([0xff, 0xff, frame, 0, 8, precision]);
        file.extend(height.to_be_bytes());
        file.extend(width.to_be_bytes());
        file.extend([components, 0xff, 0xda, 0, 2, 1, 2, 3, 0xff, 0xd9]);
        file
    }

    fn error(bytes: &[u8]) -> PictureError {
        Picture::read(bytes).unwrap_err()
    }

    #[test]
    fn a_jpeg_is_passed_through_with_the_measures_of_its_header() {
        let file = jpeg(0xc2, 8, 40, 30, 4, true);
        let picture = Picture::read(&file).unwrap();
        assert_eq!((picture.width, picture.height, &picture.image.content), (40, 30, &file));
        assert!(picture.image.dict.has(b"Decode"));
        assert!(!Picture::read(&jpeg(0xc0, 8, 40, 30, 3, true)).unwrap().image.dict.has(b"Decode"));
        for unusual in [
            jpeg(0xc3, 8, 4, 3, 3, false),
            jpeg(0xc9, 8, 4, 3, 3, false),
            jpeg(0xc0, 12, 4, 3, 3, false),
            jpeg(0xc0, 8, 4, 3, 2, false),
        ] {
            assert_eq!(error(&unusual), PictureError::UnusualJpeg);
        }
        assert_eq!(error(&jpeg(0xc0, 8, 65_000, 65_000, 3, false)), PictureError::TooLarge);
        assert_eq!(error(&jpeg(0xc0, 8, 0, 10, 3, false)), PictureError::Damaged);
        assert_eq!(error(&file[..file.len() - 12]), PictureError::Damaged);
    }

    #[test]
    fn a_png_of_each_kind_is_decoded_and_an_opaque_one_needs_no_mask() {
        for (colour, pixels, space, has_mask) in [
            (png::ColorType::Grayscale, vec![1, 2], "DeviceGray", false),
            (png::ColorType::GrayscaleAlpha, vec![1, 255, 2, 0], "DeviceGray", true),
            (png::ColorType::Rgb, vec![1, 2, 3, 4, 5, 6], "DeviceRGB", false),
            (png::ColorType::Rgba, vec![1, 2, 3, 255, 4, 5, 6, 255], "DeviceRGB", false),
        ] {
            let picture = Picture::read(&png(2, 1, colour, &pixels)).unwrap();
            assert_eq!(picture.image.dict.get(b"ColorSpace").unwrap().as_name().unwrap(), space.as_bytes());
            assert_eq!(picture.mask.is_some(), has_mask, "{colour:?}");
        }
    }

    #[test]
    fn what_is_too_large_or_no_picture_is_refused_before_it_is_decoded() {
        let mut bomb = png(2, 1, png::ColorType::Grayscale, &[1, 2]);
        bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        // The checksum of the header.
        let sum = crc(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(error(&bomb), PictureError::TooLarge);
        assert_eq!(error(b"GIF89a"), PictureError::Unknown);
        assert_eq!(error(&vec![0x89; MAX_BYTES + 1]), PictureError::TooLarge);
        let whole = png(2, 1, png::ColorType::Grayscale, &[1, 2]);
        assert_eq!(error(&whole[..40]), PictureError::Damaged);
    }

    /// ISO/IEC 15948 annex D.
    fn crc(bytes: &[u8]) -> u32 {
        let step = |sum: u32, _| if sum & 1 == 1 { 0xedb8_8320 ^ (sum >> 1) } else { sum >> 1 };
        !bytes.iter().fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step))
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_picture_or_refused(start in 0..2_usize, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let signature: &[u8] = [b"\x89PNG\r\n\x1a\n", &[0xff, 0xd8, 0xff][..]][start];
            if let Ok(picture) = Picture::read(&[signature, &bytes].concat()) {
                prop_assert!(u64::from(picture.width) * u64::from(picture.height) <= MAX_PIXELS);
            }
        }
    }
}
