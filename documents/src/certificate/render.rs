//! Writing the composed pages as PDF/A-3b with the signed evidence attached.

use chrono::{Datelike, Timelike};
use krilla::color::rgb;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::embed::{AssociationKind, EmbeddedFile, MimeType};
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::text::{GlyphId, KrillaGlyph};
use krilla::{Document, SerializeSettings};

use super::Error;
use super::compose::compose;
use super::evidence::{Evidence, Moment};
use super::extract::MAX_ATTACHMENT_BYTES;
use super::font::clean;
use super::layout::{Color, Mark, PAGE_HEIGHT, PAGE_WIDTH};
use super::texts::{self, Language};
use crate::text::Glyph;

/// A file to embed in the certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// [`ATTACHMENT_NAME`](super::ATTACHMENT_NAME) for the signed evidence. At most 255 characters of printable ASCII.
    pub name: String,
    /// E.g. `application/json`.
    pub media_type: String,
    /// At most [`MAX_ATTACHMENT_BYTES`].
    pub bytes: Vec<u8>,
}

/// Writes the certificate: A4, PDF/A-3b (ISO 19005-3), with the attachment as its associated file of relationship `Source`. The
/// same arguments give the same bytes. Whatever the fonts cannot draw shows as a replacement character.
///
/// # Errors
/// [`Error::TooLong`] beyond [`MAX_PAGES`](super::MAX_PAGES), [`Error::Attachment`], and [`Error::Pdf`] for what the PDF library
/// refuses.
pub fn render(evidence: &Evidence, language: Language, attachment: &Attachment) -> Result<Vec<u8>, Error> {
    let embedded = embedded_file(evidence, attachment)?;
    let pages = compose(evidence, language)?;

    let configuration = ConfigurationBuilder::new().with_archival_validator(Archival::A3_B).finish();
    let configuration = configuration.map_err(|error| Error::Pdf(format!("{error:?}")))?;
    let settings = SerializeSettings { configuration, enable_tagging: false, ..SerializeSettings::default() };
    let mut document = Document::new_with(settings);
    document.set_metadata(metadata(evidence, language));
    document.embed_file(embedded).ok_or_else(|| Error::Attachment("it is embedded twice".to_owned()))?;
    for marks in &pages.pages {
        let size =
            PageSettings::from_wh(PAGE_WIDTH, PAGE_HEIGHT).ok_or_else(|| Error::Pdf("the page size is wrong".to_owned()))?;
        let mut page = document.start_page_with(size);
        let mut surface = page.surface();
        marks.iter().for_each(|mark| draw(mark, &mut surface));
        surface.finish();
        page.finish();
    }
    document.finish().map_err(|error| match error {
        // The display form says only how many rules are broken.
        krilla::error::KrillaError::Validation(broken) => Error::Pdf(format!("it would not be PDF/A: {broken:?}")),
        error => Error::Pdf(error.to_string()),
    })
}

/// The characters of the evidence that no font has, each once: the certificate shows a replacement for them, and they still copy as themselves.
pub fn missing(evidence: &Evidence) -> Vec<char> {
    // Whatever is printed is in the evidence, but for phrases of our own.
    super::to_canonical_json(evidence).map(|json| crate::text::missing(&String::from_utf8_lossy(&json))).unwrap_or_default()
}

fn embedded_file(evidence: &Evidence, attachment: &Attachment) -> Result<EmbeddedFile, Error> {
    let refused = |reason: &str| Err(Error::Attachment(reason.to_owned()));
    let name = &attachment.name;
    if name.is_empty() || name.len() > 255 || !name.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return refused("its name must be 1 to 255 characters of printable ASCII");
    }
    if attachment.bytes.len() > MAX_ATTACHMENT_BYTES {
        return refused("it is too large");
    }
    let Some(mime_type) = MimeType::new(&attachment.media_type) else {
        return refused("its media type is malformed");
    };
    Ok(EmbeddedFile {
        path: name.clone(),
        mime_type: Some(mime_type),
        description: Some(format!("Signed evidence of the process {}", evidence.process.id)),
        association_kind: AssociationKind::Source,
        data: attachment.bytes.clone().into(),
        modification_date: Some(pdf_date(&evidence.generated_at)),
        compress: Some(true),
        location: None,
    })
}

fn metadata(evidence: &Evidence, language: Language) -> Metadata {
    let program = clean(&format!("{} {}", evidence.software.name, evidence.software.version));
    Metadata::new()
        .title(format!("{} {}", texts::TITLE.say(language), evidence.process.id))
        .description(texts::SUBTITLE.say(language).to_owned())
        .language(language.tag().to_owned())
        .creator(program.clone())
        .producer(program)
        .creation_date(pdf_date(&evidence.generated_at))
        .document_id(format!("{}/{}", evidence.process.id, evidence.generated_at.utc().timestamp_micros()))
}

fn pdf_date(at: &Moment) -> DateTime {
    let at = at.utc();
    // Every part is within its range; a year outside 0 to 9999 is clamped, as PDF has no others.
    let part = |value: u32| u8::try_from(value).unwrap_or(0);
    DateTime::new(u16::try_from(at.year().clamp(0, 9999)).unwrap_or(0))
        .month(part(at.month()))
        .day(part(at.day()))
        .hour(part(at.hour()))
        .minute(part(at.minute()))
        .second(part(at.second()))
        .utc_offset_hour(0)
}

fn draw(mark: &Mark, surface: &mut Surface<'_>) {
    match mark {
        Mark::Text { x, baseline, style, piece } => {
            surface.set_fill(Some(fill(style.color)));
            let mut x = *x;
            for run in &piece.line.runs {
                let glyphs: Vec<KrillaGlyph> = run.glyphs.iter().map(glyph).collect();
                surface.draw_glyphs(Point::from_xy(x, *baseline), &glyphs, run.face.krilla(), &run.text, style.size, false);
                x += run.width() * style.size / 1000.0;
            }
        }
        Mark::Box { x, y, width, height, color } => {
            let mut path = PathBuilder::new();
            if let Some(area) = Rect::from_xywh(*x, *y, *width, *height) {
                path.push_rect(area);
            }
            if let Some(path) = path.finish() {
                surface.set_fill(Some(fill(*color)));
                surface.draw_path(&path);
            }
        }
    }
}

/// In units of the font size.
fn glyph(glyph: &Glyph) -> KrillaGlyph {
    let id = GlyphId::new(u32::from(glyph.id));
    let [advance, right, up] = [glyph.advance, glyph.right, glyph.up].map(|value| value / 1000.0);
    KrillaGlyph::new(id, advance, right, up, 0.0, glyph.cluster.clone(), None)
}

fn fill([red, green, blue]: Color) -> Fill {
    Fill { paint: rgb::Color::new(red, green, blue).into(), ..Fill::default() }
}

#[cfg(test)]
mod tests {
    use super::super::{ATTACHMENT_NAME, Algorithm, SignedEvidence, extract, samples};
    use super::*;
    use crate::pkcs12::Identity;
    use crate::seal;

    fn attachment(bytes: &[u8]) -> Attachment {
        Attachment { name: ATTACHMENT_NAME.to_owned(), media_type: "application/json".to_owned(), bytes: bytes.to_vec() }
    }

    #[test]
    fn the_attachment_comes_back_as_it_went_in() {
        let bytes = br#"{"payload":"..."}"#.repeat(1000);
        let pdf = render(&samples::small(), Language::Es, &attachment(&bytes)).unwrap();
        assert_eq!(extract(&pdf).unwrap(), Some(bytes));
    }

    #[test]
    fn a_certificate_is_written_in_every_language() {
        for language in Language::ALL {
            let pdf = render(&samples::small(), language, &attachment(b"{}")).unwrap();
            let read = lopdf::Document::load_mem(&pdf).unwrap();
            assert!(!read.get_pages().is_empty());
            assert_eq!(read.catalog().unwrap().get(b"Lang").unwrap().as_str().unwrap(), language.tag().as_bytes());
        }
    }

    #[test]
    fn a_certificate_says_that_it_is_pdf_a_3b_with_an_associated_file() {
        let pdf = render(&samples::small(), Language::En, &attachment(b"{}")).unwrap();
        let read = lopdf::Document::load_mem(&pdf).unwrap();
        let catalog = read.catalog().unwrap();
        assert!(catalog.has(b"OutputIntents"));
        let metadata = catalog.get_deref(b"Metadata", &read).unwrap().as_stream().unwrap().get_plain_content().unwrap();
        let metadata = String::from_utf8(metadata).unwrap();
        assert!(
            metadata.contains("<pdfaid:part>3</pdfaid:part>") && metadata.contains("<pdfaid:conformance>B</pdfaid:conformance>")
        );
        let associated = catalog.get_deref(b"AF", &read).unwrap().as_array().unwrap();
        let (_, file) = read.dereference(&associated[0]).unwrap();
        assert_eq!(file.as_dict().unwrap().get(b"AFRelationship").unwrap().as_name().unwrap(), b"Source");
    }

    #[test]
    fn a_later_incremental_save_keeps_the_evidence() {
        let pdf = render(&samples::small(), Language::En, &attachment(b"{\"a\":1}")).unwrap();
        let mut revision = lopdf::IncrementalDocument::create_from(pdf.clone(), lopdf::Document::load_mem(&pdf).unwrap());
        let root = revision.get_prev_documents().trailer.get(b"Root").unwrap().as_reference().unwrap();
        revision.opt_clone_object_to_new_document(root).unwrap();
        revision.new_document.get_dictionary_mut(root).unwrap().set("AcroForm", lopdf::Dictionary::new());
        let mut saved = Vec::new();
        revision.save_to(&mut saved).unwrap();
        assert!(saved.starts_with(&pdf));
        assert!(lopdf::Document::load_mem(&saved).unwrap().catalog().unwrap().has(b"AcroForm"));
        assert_eq!(extract(&saved).unwrap(), Some(b"{\"a\":1}".to_vec()));
    }

    #[test]
    fn a_sealed_certificate_keeps_its_evidence_signed_by_the_same_key() {
        let now = samples::small().generated_at.utc();
        let file = Identity::development("Acme", "Acme", now, "secret").unwrap();
        let identity = Identity::open(&file, "secret", now).unwrap();
        let chain: Vec<Vec<u8>> = identity.certificates().map(<[u8]>::to_vec).collect();
        let sign = |input: &[u8]| identity.sign(input).map_err(|error| error.to_string());
        let algorithm = Algorithm::for_certificate(&chain[0]).unwrap();
        let signed = SignedEvidence::sign(&samples::small(), algorithm, &chain, &sign).unwrap();
        let request = seal::Request {
            field: None,
            signer_name: "Acme".to_owned(),
            at: now,
            reason: "certificate".to_owned(),
            location: None,
            appearance_lines: None,
            handwriting: None,
        };
        let pdf = render(&samples::small(), Language::Es, &signed.attachment()).unwrap();
        let sealed = seal::seal(&pdf, &identity, &[request]).unwrap().pdf;
        let read = SignedEvidence::from_json(&extract(&sealed).unwrap().unwrap()).unwrap();
        assert_eq!(read.verify(&chain[0]).unwrap(), samples::small());
    }

    #[test]
    fn the_same_evidence_gives_the_same_file() {
        let once = render(&samples::small(), Language::Ca, &attachment(b"{}")).unwrap();
        assert_eq!(once, render(&samples::small(), Language::Ca, &attachment(b"{}")).unwrap());
    }

    #[test]
    fn any_script_and_control_character_can_be_in_a_name() {
        let mut evidence = samples::small();
        evidence.signers[0].name = "山田 太郎 \u{1f600}\u{0}\u{1b}\u{202e}محمد \u{e000}\u{fffe} Ærøskøbing".to_owned();
        evidence.tenant.name = Some("\u{0}\u{10ffff}".to_owned());
        evidence.documents[0].name = String::new();
        render(&evidence, Language::Gl, &attachment(b"{}")).unwrap();
    }

    #[test]
    fn a_malformed_attachment_is_refused() {
        let evidence = samples::small();
        for (name, media_type) in [("", "application/json"), ("evidence.json", "json"), ("ñ.json", "application/json")] {
            let wrong = Attachment { name: name.to_owned(), media_type: media_type.to_owned(), bytes: Vec::new() };
            assert!(matches!(render(&evidence, Language::En, &wrong), Err(Error::Attachment(_))));
        }
        let huge = attachment(&vec![0; MAX_ATTACHMENT_BYTES + 1]);
        assert!(matches!(render(&evidence, Language::En, &huge), Err(Error::Attachment(_))));
    }

    #[test]
    fn what_is_not_a_certificate_has_no_evidence() {
        assert!(matches!(extract(b"not a PDF"), Err(Error::Unreadable(_))));
        let plain = Document::new().finish().unwrap();
        assert_eq!(extract(&plain).unwrap(), None);
        let other = Attachment { name: "other.json".to_owned(), ..attachment(b"{}") };
        let pdf = render(&samples::small(), Language::En, &other).unwrap();
        assert_eq!(extract(&pdf).unwrap(), None);
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(48))]
        #[test]
        fn a_damaged_file_never_panics(place in 0usize..20_000, garbage in "[ -~]{1,12}", cut in 0usize..40_000) {
            let mut pdf = render(&samples::small(), Language::En, &attachment(b"{}")).unwrap();
            for (index, byte) in garbage.bytes().enumerate() {
                let place = (place + index) % pdf.len();
                pdf[place] = byte;
            }
            let _ = extract(&pdf);
            pdf.truncate(cut);
            let _ = extract(&pdf);
        }
    }
}
