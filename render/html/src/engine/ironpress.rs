//! ironpress: closer to browsers, and five to eight times slower; for templates that the other engine cannot do.

use ::ironpress::{HtmlConverter, PageSize};

use super::{About, HtmlToPdf};
use crate::fonts::Face;
use crate::prepare::Prepared;
use crate::{Failure, Kind, Profile};

pub(super) struct Ironpress;

impl HtmlToPdf for Ironpress {
    fn convert(&self, document: &Prepared, about: &About<'_>) -> Result<Vec<u8>, Failure> {
        if about.job.source.target.profile != Profile::Plain {
            return Err(Failure::new(Kind::Engine, "the engine ironpress makes neither PDF/UA nor PDF/A: use fulgur"));
        }
        let html = document.html.replacen("</head>", &format!("<style>{}</style></head>", document.css), 1);
        with_fonts(HtmlConverter::new().page_size(PageSize::A4), &document.fonts.faces)
            .convert(&html)
            .map_err(|_| Failure::new(Kind::Engine, "the engine could not lay out the document"))
    }
}

/// Gives it our fonts under the keys by which it looks for them, all four styles of each family: for what is missing it would take a font
/// of the host.
fn with_fonts(mut converter: HtmlConverter, faces: &[Face]) -> HtmlConverter {
    let mut families: Vec<&str> = faces.iter().map(|face| face.family.as_str()).collect();
    families.dedup();
    for family in families {
        for (suffix, is_bold, is_italic) in
            [("", false, false), ("__bold", true, false), ("__italic", false, true), ("__bold_italic", true, true)]
        {
            let of_family = || faces.iter().filter(|face| face.family == family);
            let exact = of_family().find(|face| (face.is_bold, face.is_italic) == (is_bold, is_italic));
            if let Some(face) = exact.or_else(|| of_family().next()) {
                converter = converter.add_font(&format!("{family}{suffix}"), face.bytes.to_vec());
            }
        }
    }
    converter
}
