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
        builder = match about.job.source.target.profile {
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

/// What the engine says, in words for authors. Its own words may hold text of the document: of them only the name of a rule is told.
fn failure(error: &str) -> Failure {
    let rule: String = match error.split_once("Validation([") {
        Some((_, rest)) => rest.chars().take_while(char::is_ascii_alphanumeric).collect(),
        None => String::new(),
    };
    let (kind, message) = match rule.as_str() {
        "" => (Kind::Engine, "the engine could not lay out the document".to_owned()),
        "MissingAltText" => (
            Kind::Template,
            "PDF/UA: a picture has no alternative text: give each <img> an alt; with this engine <svg> cannot have one".into(),
        ),
        "MissingDocumentOutline" => (Kind::Template, "PDF/UA: the document has no heading: give it an <h1>".into()),
        "MissingAnnotationAltText" => (Kind::Template, "PDF/UA: a link has no text".into()),
        "NoDocumentTitle" => (Kind::Data, "PDF/UA: the document has no title".into()),
        "ImageInterpolation" => (Kind::Template, "PDF/A: this engine cannot have images of styles in PDF/A-3: use <img>".into()),
        "ContainsNotDefGlyph" => (Kind::Glyphs, "a character has no glyph in the font that its styles choose".into()),
        other => (Kind::Engine, format!("the document cannot have this profile: {other}")),
    };
    Failure::new(kind, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_own_words_are_not_told() {
        let glyphs = failure("PDF generation error: Validation([ContainsNotDefGlyph(Font, None, \"Ana 12345678Z\")])");
        assert_eq!((glyphs.kind, glyphs.problem.message.contains("12345678Z")), (Kind::Glyphs, false));
        assert_eq!(failure("Layout error: Ana").problem.message, "the engine could not lay out the document");
        assert!(failure("Validation([TooHighQNestingLevel])").problem.message.ends_with("TooHighQNestingLevel"));
    }
}
