//! fulgur: fast, tagged, with running headers and page numbers.

use ::fulgur::{AssetBundle, Engine};
use krilla::SerializeSettings;
use krilla::configure::{Configuration, Validator};

use super::{About, HtmlToPdf};
use crate::date::Date;
use crate::prepare::Prepared;
use crate::{Failure, Kind, Profile};

pub(super) struct Fulgur;

/// Pages of which the template says nothing. What the builder is told of them would count more than the template's own `@page`.
const PAGE: &str = "@page{size:A4;margin:20mm}\n";

impl HtmlToPdf for Fulgur {
    fn convert(&self, document: &Prepared, about: &About<'_>) -> Result<Vec<u8>, Failure> {
        let mut assets = AssetBundle::new();
        assets.fonts.clone_from(&document.fonts.fonts);
        assets.add_css(format!("{PAGE}{}", document.css));
        for (name, image) in &document.images {
            assets.add_image(name.as_str(), image.bytes.clone());
        }
        let mut builder = Engine::builder()
            // Never the host's fonts, never a base path: what is drawn depends on the document alone, and no file is read.
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
        builder.build().render(&document.html).map_err(|error| Failure::new(Kind::Engine, reason(&error)))
    }
}

/// The engine's words, cut: they are of the document's form, not of its text.
fn reason(error: &::fulgur::Error) -> String {
    let text: String = error.to_string().chars().take(200).collect();
    format!("the engine could not lay out the document: {text}")
}
