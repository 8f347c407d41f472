//! fulgur: fast, tagged, with running headers and page numbers.

use std::sync::Arc;

use ::fulgur::{AssetBundle, Engine};
use krilla::SerializeSettings;
use krilla::configure::{Configuration, Validator};

use super::{About, HtmlToPdf};
use crate::date::Date;
use crate::prepare::Prepared;
use crate::{Failure, Kind, Profile};

pub(super) struct Fulgur;

impl HtmlToPdf for Fulgur {
    fn convert(&self, document: &Prepared, about: &About<'_>) -> Result<Vec<u8>, Failure> {
        let mut assets = AssetBundle::new();
        assets.fonts.extend(document.fonts.faces.iter().map(|face| Arc::clone(&face.bytes)));
        assets.add_css(document.css.as_str());
        for (name, image) in &document.images {
            assets.add_image(name.as_str(), image.bytes.clone());
        }
        let mut builder = Engine::builder()
            // No size and margins of pages: those of the builder would win over the author's. Never the host's fonts, never a base path: what is drawn depends on the document alone, and no file is read.
            .system_fonts(false)
            .lang(about.language)
            .title(about.job.title.as_str())
            .producer("Rubrica")
            .assets(assets);
        if let Some(created) = Date::of_unix(about.job.created) {
            builder = builder.creation_date(created.iso());
        }
        builder = match about.job.profile {
            Profile::Plain => builder,
            Profile::PdfUa1 => builder.pdf_ua(true),
            Profile::PdfA3 => builder.serialize_settings(SerializeSettings {
                configuration: Configuration::new_with_validator(Validator::A3_B),
                ..SerializeSettings::default()
            }),
        };
        builder.build().render(&document.html).map_err(|error| failure(&error.to_string()))
    }
}

/// What the engine says, in words for authors: its own are of the document's form, not of its text.
fn failure(error: &str) -> Failure {
    if error.contains("MissingAltText") {
        let message = "PDF/UA: a picture has no alternative text: give each <img> an alt; <svg> cannot have one with this engine";
        return Failure::new(Kind::Template, message);
    }
    if error.contains("ImageInterpolation") {
        return Failure::new(Kind::Template, "PDF/A: this engine cannot have images of styles in PDF/A-3: use <img>");
    }
    let text: String = error.chars().take(200).collect();
    Failure::new(Kind::Engine, format!("the engine could not lay out the document: {text}"))
}
