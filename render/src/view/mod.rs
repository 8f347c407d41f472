//! Pages for people who read a document in a browser: each as an image of one of three widths, and as text that can be selected and read out.
//!
//! As all that interprets a stranger's file, for processes with limits only. A page never takes more pixels than [`MAX_PIXELS`], more runs of
//! text than [`MAX_RUNS`] or more letters than [`MAX_TEXT`]; what the interpreter itself takes is bounded by the process.

mod encode;
mod text;

use std::panic::{AssertUnwindSafe, catch_unwind};

use hayro::{hayro_syntax::Pdf, kurbo::Affine};
use serde::{Deserialize, Serialize};

pub use self::{
    encode::MediaType,
    text::{Run, TextState},
};
use crate::{
    Undrawn,
    drawing::{Drawing, Size},
};

/// Pixels of a page's image: one of A4 that is 2400 wide has 8,146,000.
pub const MAX_PIXELS: f64 = 12_000_000.0;

/// Runs of text of one page that are told.
pub const MAX_RUNS: usize = 5000;

/// Bytes of text (UTF-8) of one page that are told.
pub const MAX_TEXT: usize = 200_000;

/// Pages whose text is told at once.
pub const MAX_COUNT: usize = 50;

/// About the bytes of JSON after which no further page is told in one answer; its last page may go beyond.
const MAX_ANSWER: usize = 2 << 20;

/// What a run costs in JSON beside its text, in bytes, about.
const RUN_COST: usize = 64;

/// Widths in which pages are drawn, for screens of one, one and a half and three pixels per point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Width {
    Small,
    Medium,
    Large,
}

impl Width {
    pub const ALL: [Self; 3] = [Self::Small, Self::Medium, Self::Large];

    /// In pixels.
    pub const fn pixels(self) -> u16 {
        match self {
            Self::Small => 800,
            Self::Medium => 1200,
            Self::Large => 2400,
        }
    }

    /// The one of so many pixels.
    pub fn of_pixels(pixels: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|width| u32::from(width.pixels()) == pixels)
    }
}

/// A page as an image for a browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageImage {
    /// Pages of the document.
    pub pages: usize,
    /// Whether the page holds something that could not be drawn: what a signer must not take for the whole page.
    pub is_incomplete: bool,
    /// In pixels; less than what was asked for where the page is so tall that it would have more than [`MAX_PIXELS`].
    pub width: u16,
    /// In pixels.
    pub height: u16,
    pub media_type: MediaType,
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

/// Some pages of a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pages {
    /// Pages of the document.
    pub total: usize,
    /// Those that were asked for, or the first of them if their text is long.
    pub pages: Vec<PageText>,
}

/// A page as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PageText {
    /// In points (1/72 inch), as the page is shown: turned and cropped.
    pub width: f64,
    pub height: f64,
    /// In the order in which the page draws them.
    pub text: Vec<Run>,
    pub state: TextState,
}

/// Draws a page, counted from 0, so wide.
///
/// Takes as much time, memory and stack as the page wants, and may panic on some: only for a process with limits.
///
/// # Errors
/// [`Undrawn`].
pub fn draw_page(pdf: Vec<u8>, page: usize, width: Width) -> Result<PageImage, Undrawn> {
    let pdf = Pdf::new(pdf).map_err(|_| Undrawn::Unreadable)?;
    let pages = pdf.pages().len();
    let mut drawing = Drawing::new(&pdf);
    let (page_width, page_height) = drawing.page(page).ok_or(Undrawn::NoSuchPage { pages })?.render_dimensions();
    let (points_wide, points_high) = (f64::from(page_width), f64::from(page_height));
    let size = size(points_wide, points_high, width).ok_or(Undrawn::TooLarge)?;
    // Each side on its own, so that the page fills the pixels to the last.
    let scale = Affine::scale_non_uniform(f64::from(size.width) / points_wide, f64::from(size.height) / points_high);
    let pixmap = drawing.draw_scaled(page, size, scale).ok_or(Undrawn::Unreadable)?;
    let (media_type, bytes) = encode::encode(pixmap.data_as_u8_slice(), size).map_err(|_| Undrawn::Unreadable)?;
    let is_incomplete = !drawing.took_all();
    Ok(PageImage { pages, is_incomplete, width: size.width, height: size.height, media_type, bytes })
}

/// The pixels of a page of so many points: as wide as is asked for, or less where they would be too many.
fn size(points_wide: f64, points_high: f64, width: Width) -> Option<Size> {
    let is_side = |points: f64| points.is_finite() && points > 0.0;
    if !is_side(points_wide) || !is_side(points_high) {
        return None;
    }
    let scale = (f64::from(width.pixels()) / points_wide)
        .min((MAX_PIXELS / (points_wide * points_high)).sqrt())
        .min(f64::from(u16::MAX) / points_high);
    // A page that is thinner than a pixel has one.
    let pixels = |points: f64| (points * scale + 1e-6).floor().clamp(1.0, f64::from(u16::MAX)) as u16;
    Some(Size { width: pixels(points_wide), height: pixels(points_high) })
}

/// Sizes and text of pages, from the page `from`, counted from 0: at most `count` and [`MAX_COUNT`]. Only these are interpreted, and none of
/// them unless `with_text`: then the text of each is [`TextState::Unavailable`], as it is for a page on which the interpreter panics.
///
/// As [`draw_page`] for processes with limits only.
///
/// # Errors
/// [`Undrawn`], for a page `from` that is not there as well.
pub fn read_pages(pdf: Vec<u8>, from: usize, count: usize, with_text: bool) -> Result<Pages, Undrawn> {
    let pdf = Pdf::new(pdf).map_err(|_| Undrawn::Unreadable)?;
    let total = pdf.pages().len();
    if from >= total {
        return Err(Undrawn::NoSuchPage { pages: total });
    }
    let mut reader = text::Reader::new();
    let (mut pages, mut cost) = (Vec::new(), 0);
    for page in pdf.pages().iter().skip(from).take(count.min(MAX_COUNT)) {
        let (width, height) = page.render_dimensions();
        let read = with_text.then(|| catch_unwind(AssertUnwindSafe(|| reader.read(page))));
        let (text, state) = match read {
            Some(Ok(read)) => read,
            Some(Err(_)) => {
                // Nobody knows in which state the panic left what is kept of fonts.
                reader = text::Reader::new();
                (Vec::new(), TextState::Unavailable)
            }
            None => (Vec::new(), TextState::Unavailable),
        };
        cost += text.iter().map(|run| run.s.len() + RUN_COST).sum::<usize>();
        pages.push(PageText { width: text::rounded(width.into()), height: text::rounded(height.into()), text, state });
        if cost > MAX_ANSWER {
            break;
        }
    }
    Ok(Pages { total, pages })
}

#[cfg(test)]
mod tests;
