//! One page of a document as a picture.

use std::{fmt, io};

use hayro::hayro_syntax::Pdf;
use serde::{Deserialize, Serialize};

use crate::drawing::Drawing;

/// Pixels of a page at [`DPI`](crate::DPI) that are drawn at most: a page of A4 has 967,590.
pub const MAX_PIXELS: u64 = 16_000_000;

/// A page as a picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Pages of the document.
    pub pages: usize,
    /// Whether the page holds something that could not be drawn, such as an image of an unknown kind.
    pub is_incomplete: bool,
    /// A PNG file (ISO/IEC 15948).
    #[serde(skip)]
    pub png: Vec<u8>,
}

/// Why there is no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undrawn {
    /// The document cannot be read here.
    Unreadable,
    /// It has only so many pages.
    NoSuchPage { pages: usize },
    /// The page, or the document, is larger than is drawn.
    TooLarge,
}

impl fmt::Display for Undrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str("the document cannot be drawn"),
            Self::NoSuchPage { pages } => write!(f, "expected the number of a page, from 0; the document has {pages} pages"),
            Self::TooLarge => write!(
                f,
                "the page is larger than the {MAX_PIXELS} pixels at {} dpi that are drawn, or its document is",
                crate::DPI
            ),
        }
    }
}

/// Draws a page, counted from 0.
///
/// Takes as much time, memory and stack as the page wants, and may panic on some: only for a process with limits.
///
/// # Errors
/// [`Undrawn`].
pub fn draw(pdf: Vec<u8>, page: usize) -> Result<Picture, Undrawn> {
    let pdf = Pdf::new(pdf).map_err(|_| Undrawn::Unreadable)?;
    let pages = pdf.pages().len();
    let mut drawing = Drawing::new(&pdf);
    drawing.page(page).ok_or(Undrawn::NoSuchPage { pages })?;
    let size = drawing.size(page).filter(|size| size.pixels() <= MAX_PIXELS).ok_or(Undrawn::TooLarge)?;
    let pixmap = drawing.draw(page, size).ok_or(Undrawn::Unreadable)?;
    // On white nothing shines through: what is premultiplied is the same as what is not.
    let rgb: Vec<u8> = pixmap.data_as_u8_slice().chunks_exact(4).flat_map(|pixel| pixel.iter().take(3).copied()).collect();
    let png = png(&rgb, size.width.into(), size.height.into()).map_err(|_| Undrawn::Unreadable)?;
    Ok(Picture { pages, is_incomplete: !drawing.took_all(), png })
}

fn png(rgb: &[u8], width: u32, height: u32) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use documents::fixtures;

    use super::*;

    fn pixels(png: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut reader = png::Decoder::new(io::Cursor::new(png)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (info.width, info.height, pixels)
    }

    #[test]
    fn a_page_is_drawn_black_on_white() {
        let picture = draw(fixtures::contract(&["A"]), 0).unwrap();
        assert_eq!((picture.pages, picture.is_incomplete), (1, false));
        let (width, height, pixels) = pixels(&picture.png);
        assert_eq!((width, height), (827, 1170));
        assert_eq!(pixels[..3], [255; 3], "the corner is white");
        assert!(pixels.chunks_exact(3).any(|pixel| pixel.iter().all(|part| *part < 64)), "it has dark text");
    }

    #[test]
    fn a_page_that_is_not_there_or_no_document_is_told() {
        assert_eq!(draw(fixtures::contract(&[]), 1), Err(Undrawn::NoSuchPage { pages: 1 }));
        assert_eq!(draw(b"no PDF".to_vec(), 0), Err(Undrawn::Unreadable));
    }

    #[test]
    fn a_page_beyond_the_pixels_is_not_drawn() {
        let mut document = lopdf::Document::load_mem(&fixtures::contract(&[])).unwrap();
        let page = *document.get_pages().get(&1).unwrap();
        let media: Vec<lopdf::Object> = vec![0.into(), 0.into(), 14_400.into(), 14_400.into()];
        document.get_dictionary_mut(page).unwrap().set("MediaBox", media);
        let mut bytes = Vec::new();
        document.save_to(&mut bytes).unwrap();
        assert_eq!(draw(bytes, 0), Err(Undrawn::TooLarge));
    }
}
