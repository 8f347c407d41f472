//! Signatures by hand in a PDF: an envelope that only its holders open, and what of it may be seen.
//!
//! The envelope stands in the private data (`/PieceInfo`, ISO 32000-2 14.5) of the appearance that is drawn for the signature: the one
//! place that the signature covers and that leaves earlier signatures unsuspicious for validators. Nothing here encrypts or opens it.

mod found;
mod ink;
mod picture;

use std::fmt;

use crate::forms::Picture;

pub(crate) use self::found::envelope;
pub use self::found::{Envelope, Error, Found, found};
pub(crate) use self::ink::{Area, Strokes};
pub use self::picture::{MAX_BYTES as MAX_PICTURE_BYTES, MAX_PIXELS as MAX_PICTURE_PIXELS, picture};

/// The name of our private data.
pub(crate) const PRODUCT: &str = "Rubrica";
/// Bytes of an envelope.
pub const MAX_ENVELOPE_BYTES: usize = 1024 * 1024;

/// A signature by hand, as it goes into a document.
#[derive(Clone, PartialEq)]
pub struct Handwriting {
    /// The encrypted sample: CMS in DER, from 1 to [`MAX_ENVELOPE_BYTES`].
    pub envelope: Vec<u8>,
    /// What is drawn. It is resampled by length, so that neither speed nor exact pressure can be read from it.
    pub ink: Option<Ink>,
    /// What is shown where there is no ink.
    pub picture: Option<Picture>,
}

/// How somebody writes belongs in no log.
impl fmt::Debug for Handwriting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = f.debug_struct("Handwriting");
        told.field("envelope", &self.envelope.len()).field("ink", &self.ink).field("picture", &self.picture).finish()
    }
}

/// The strokes of a signature, without times.
#[derive(Clone, Default, PartialEq)]
pub struct Ink {
    /// Of the pad that was written on, in the unit of the points; y grows downwards.
    pub width: f32,
    pub height: f32,
    pub strokes: Vec<Vec<InkPoint>>,
}

impl fmt::Debug for Ink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ink").field("strokes", &self.strokes.len()).finish_non_exhaustive()
    }
}

/// A point of a stroke.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct InkPoint {
    pub x: f32,
    pub y: f32,
    /// How thick the line is here, from 0 to 4; what is more counts as 4.
    pub class: u8,
}

#[cfg(test)]
mod tests;
