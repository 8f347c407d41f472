//! The picture of a signature, as a stranger sent it: bounded before it is decoded, without metadata, cut to what was written.

use crate::forms::{Picture, PictureError, Pixels, WayUp};

/// Pixels of a signature's picture.
pub const MAX_PIXELS: u64 = 4_000_000;
/// Bytes of a signature's picture.
pub const MAX_BYTES: usize = 512 * 1024;
/// A pixel that is this much darker than white is ink.
const INK: u16 = 24;
/// Kept around the ink, in pixels.
const MARGIN: u32 = 4;

/// Reads a PNG or JPEG, told apart by their first bytes, of at most [`MAX_BYTES`] and [`MAX_PIXELS`].
///
/// A PNG is decoded and cut to what is not white; its transparency is kept. A JPEG stays as it is encoded, without its metadata (which may
/// say where it was taken), the way up that they say. Nothing else is read, least of all SVG, which can refer to other files.
///
/// # Errors
/// [`PictureError`].
pub fn picture(bytes: &[u8]) -> Result<Picture, PictureError> {
    if bytes.len() > MAX_BYTES {
        return Err(PictureError::TooLarge);
    }
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => cut(Pixels::of_png(bytes, MAX_PIXELS)?).map(Picture::from),
        [0xff, 0xd8, 0xff, ..] => {
            let (bare, way_up) = without_metadata(bytes)?;
            Picture::of_jpeg(&bare, way_up, MAX_PIXELS)
        }
        _ => Err(PictureError::Unknown),
    }
}

/// The part of a picture that is not white, with a little around it.
fn cut(pixels: Pixels) -> Result<Pixels, PictureError> {
    let channels = if pixels.is_gray { 1 } else { 3 };
    let width = pixels.width as usize;
    let is_ink = |index: usize| {
        let colours = &pixels.colours[index * channels..(index + 1) * channels];
        let darkness = u16::from(u8::MAX - colours.iter().copied().min().unwrap_or(u8::MAX));
        let opacity = pixels.opacity.as_ref().map_or(u8::MAX, |opacity| opacity[index]);
        darkness * u16::from(opacity) / u16::from(u8::MAX) >= INK
    };
    let (mut left, mut right, mut top, mut bottom) = (u32::MAX, 0, u32::MAX, 0);
    for (y, row) in (0..pixels.height).zip((0..).step_by(width)) {
        let Some(first) = (0..width).find(|x| is_ink(row + x)) else { continue };
        let last = (0..width).rev().find(|x| is_ink(row + x)).unwrap_or(first);
        (left, right) = (left.min(first as u32), right.max(last as u32));
        (top, bottom) = (top.min(y), y);
    }
    if left > right {
        return Err(PictureError::Blank);
    }
    let (left, top) = (left.saturating_sub(MARGIN), top.saturating_sub(MARGIN));
    let right = (right + MARGIN).min(pixels.width - 1);
    let bottom = (bottom + MARGIN).min(pixels.height - 1);
    let part = |samples: &[u8], channels: usize| -> Vec<u8> {
        let rows = (top..=bottom).map(|y| (y as usize * width + left as usize) * channels);
        rows.flat_map(|start| &samples[start..start + (right - left + 1) as usize * channels]).copied().collect()
    };
    Ok(Pixels {
        width: right - left + 1,
        height: bottom - top + 1,
        colours: part(&pixels.colours, channels),
        is_gray: pixels.is_gray,
        opacity: pixels.opacity.as_ref().map(|opacity| part(opacity, 1)),
    })
}

/// A JPEG (ITU-T T.81, B.1.1) without the segments that decoders need not know, and without what follows its end; which way up it is.
fn without_metadata(bytes: &[u8]) -> Result<(Vec<u8>, WayUp), PictureError> {
    const START_OF_SCAN: u8 = 0xda;
    let mut bare = vec![0xff, 0xd8];
    let mut way_up = WayUp::AS_STORED;
    let mut rest = bytes.get(2..).ok_or(PictureError::Damaged)?;
    // Each turn takes at least two bytes, so this ends with the file.
    loop {
        let [0xff, marker, tail @ ..] = rest else { return Err(PictureError::Damaged) };
        match marker {
            // Fill bytes.
            0xff => {
                rest = &rest[1..];
                continue;
            }
            0xd9 => {
                bare.extend([0xff, 0xd9]);
                return Ok((bare, way_up));
            }
            _ => {}
        }
        let [high, low, ..] = tail else { return Err(PictureError::Damaged) };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let segment = tail.get(2..length).ok_or(PictureError::Damaged)?;
        match marker {
            0xe1 => way_up = segment.strip_prefix(b"Exif\0\0").and_then(orientation).map_or(way_up, WayUp::of_tag),
            // JFIF, and Adobe's, which says what the colours are; other applications' segments and comments go.
            0xe2..=0xed | 0xef | 0xfe => {}
            _ => bare.extend_from_slice(&rest[..2 + length]),
        }
        rest = &tail[length..];
        if *marker == START_OF_SCAN {
            let end = scan_end(rest).ok_or(PictureError::Damaged)?;
            bare.extend_from_slice(&rest[..end]);
            rest = &rest[end..];
        }
    }
}

/// Where the coded data of a scan end: at a marker that is neither a stuffed byte nor a restart.
fn scan_end(data: &[u8]) -> Option<usize> {
    data.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7 | 0xff))
}

/// The tag Orientation of the first directory (TIFF 6.0, section 2).
fn orientation(tiff: &[u8]) -> Option<u16> {
    const ORIENTATION: u16 = 0x0112;
    const ENTRY_BYTES: usize = 12;
    let is_little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let offset = tiff.get(4..8)?.try_into().ok()?;
    let offset = if is_little { u32::from_le_bytes(offset) } else { u32::from_be_bytes(offset) };
    let directory = usize::try_from(offset).ok()?;
    let entries = usize::from(short(directory)?);
    let mut entries = (0..entries).map_while(|index| {
        let at = directory.checked_add(2 + index * ENTRY_BYTES)?;
        Some((short(at)?, short(at.checked_add(8)?)?))
    });
    entries.find(|(tag, _)| *tag == ORIENTATION).map(|(_, value)| value)
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

    /// A white page of 100 x 60 with a black box from (40, 20) to (59, 29).
    fn written(transparent: bool) -> Vec<u8> {
        let mut pixels = Vec::new();
        for (y, x) in (0..60).flat_map(|y| (0..100).map(move |x| (y, x))) {
            let is_ink = (40..60).contains(&x) && (20..30).contains(&y);
            // Canvases have black under what is transparent.
            let colour = if is_ink || transparent { 0 } else { 255 };
            let opacity = if transparent && !is_ink { 0 } else { 255 };
            pixels.extend([colour, colour, colour, opacity]);
        }
        png(100, 60, png::ColorType::Rgba, &pixels)
    }

    #[test]
    fn a_png_is_cut_to_what_was_written_on_white_and_on_nothing() {
        for transparent in [false, true] {
            assert_eq!(picture(&written(transparent)).unwrap().size(), (28.0, 18.0), "transparent: {transparent}");
        }
        let dark = png(3, 1, png::ColorType::Grayscale, &[0, 0, 0]);
        assert_eq!(picture(&dark).unwrap().size(), (3.0, 1.0));
    }

    #[test]
    fn a_blank_picture_is_refused() {
        let white = png(2, 1, png::ColorType::Grayscale, &[255, 250]);
        let clear = png(1, 1, png::ColorType::Rgba, &[0, 0, 0, 0]);
        for blank in [white, clear] {
            assert_eq!(picture(&blank), Err(PictureError::Blank));
        }
    }

    /// A JPEG's skeleton, with what is between its start and its frame.
    fn jpeg(between: &[u8]) -> Vec<u8> {
        let frame = [0xff, 0xc0, 0, 8, 8, 0, 30, 0, 40, 3];
        [&[0xff, 0xd8][..], between, &frame, &[0xff, 0xda, 0, 2, 1, 0xff, 0, 0xff, 0xd3, 2, 0xff, 0xd9]].concat()
    }

    fn exif(orientation: u8) -> Vec<u8> {
        let tiff = [b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(), &[orientation, 0, 0]].concat();
        let body = [b"Exif\0\0".as_slice(), &tiff, b"GPS 40.4168,-3.7038"].concat();
        [&[0xff, 0xe1, 0, body.len() as u8 + 2], body.as_slice()].concat()
    }

    #[test]
    fn a_jpeg_loses_its_metadata_and_keeps_its_way_up() {
        let comment = [0xff, 0xfe, 0, 6, b'h', b'e', b'r', b'e'];
        let sent = [jpeg(&[exif(6).as_slice(), &comment].concat()).as_slice(), b"what follows"].concat();
        let (bare, _) = without_metadata(&sent).unwrap();
        assert_eq!(bare, jpeg(&[]));
        assert_eq!(picture(&sent).unwrap().size(), (30.0, 40.0), "it lies on its side");
        for upright in [exif(1), exif(3), exif(9), Vec::new()] {
            assert_eq!(picture(&jpeg(&upright)).unwrap().size(), (40.0, 30.0));
        }
    }

    #[test]
    fn what_is_no_picture_of_bounded_size_is_refused() {
        assert_eq!(picture(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), Err(PictureError::Unknown));
        assert_eq!(picture(&vec![0x89; MAX_BYTES + 1]), Err(PictureError::TooLarge));
        let mut wide = png(2, 1, png::ColorType::Grayscale, &[0, 0]);
        wide[16..24].copy_from_slice(&[0, 0, 0x10, 0, 0, 0, 0x10, 0]);
        assert_eq!(picture(&wide), Err(PictureError::Damaged), "its checksum is wrong");
        let mut tall = jpeg(&[]);
        tall[7..11].copy_from_slice(&[0x10, 0, 0x10, 0]);
        assert_eq!(picture(&tall), Err(PictureError::TooLarge));
        assert_eq!(picture(&tall[..tall.len() - 3]), Err(PictureError::Damaged));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_picture_or_refused(start in 0..2_usize, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let signature: &[u8] = [b"\x89PNG\r\n\x1a\n", &[0xff, 0xd8, 0xff][..]][start];
            if let Ok(picture) = picture(&[signature, &bytes].concat()) {
                prop_assert!(picture.size().0 >= 1.0);
            }
        }
    }
}
