//! The two programs that lay out pages, behind one trait.

mod fulgur;
mod ironpress;

use crate::prepare::Prepared;
use crate::{Engine, Failure, Job};

/// From a prepared document to the bytes of a PDF. Deterministic: the same document is the same bytes. No network, no file, no clock.
pub trait HtmlToPdf {
    fn convert(&self, document: &Prepared, about: &About<'_>) -> Result<Vec<u8>, Failure>;
}

/// What a PDF says of itself.
pub struct About<'a> {
    pub job: &'a Job,
    /// The language of the text (BCP 47).
    pub language: &'static str,
}

pub(crate) fn engine(engine: Engine) -> &'static dyn HtmlToPdf {
    match engine {
        Engine::Fulgur => &fulgur::Fulgur,
        Engine::Ironpress => &ironpress::Ironpress,
    }
}
