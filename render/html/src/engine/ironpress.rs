//! ironpress: closer to browsers, and five to eight times slower; for templates that the other engine cannot do.

use ::ironpress::{HtmlConverter, Margin, PageSize};

use super::{About, HtmlToPdf};
use crate::prepare::Prepared;
use crate::{Failure, Kind, Profile};

pub(super) struct Ironpress;

/// Around pages of which the template says nothing: 20 mm in points.
const MARGIN: f32 = 56.7;

impl HtmlToPdf for Ironpress {
    fn convert(&self, document: &Prepared, about: &About<'_>) -> Result<Vec<u8>, Failure> {
        if about.job.profile != Profile::Plain {
            return Err(Failure::new(Kind::Engine, "the engine ironpress makes neither PDF/UA nor PDF/A: use fulgur"));
        }
        let html = document.html.replacen("</head>", &format!("<style>{}</style></head>", document.css), 1);
        HtmlConverter::new()
            .page_size(PageSize::A4)
            .margin(Margin::uniform(MARGIN))
            .convert(&html)
            .map_err(|_| Failure::new(Kind::Engine, "the engine could not lay out the document"))
    }
}
