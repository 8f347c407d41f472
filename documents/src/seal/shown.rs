//! What a seal may change of what is shown: the fields that it signs and the values that it draws. Everything else is
//! proven to be the same before a sealed file leaves this room.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use lopdf::{Object, ObjectId};

use super::embedded::Known;
use super::terms::Terms;
use super::{Error, RESERVED_BYTES, Request, check, sign_once};
use crate::permissions;
use crate::revision::{Changes, Revisions};
use crate::{fields, forms, pdf};

/// Fields that are sealed in a rehearsal, the first ones: the others are sealed in the same way.
const MAX_REHEARSED: usize = 32;

/// A place on a page that a seal draws into.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Mask {
    /// Index of the page, from 0.
    pub page: usize,
    /// Left, bottom, right, top, in the page's default user space, in points.
    pub rect: [f32; 4],
}

/// A sealed file, proven to show the same as the original outside the places it draws into.
#[derive(Debug, Clone, PartialEq)]
pub struct Sealed {
    /// The whole file; it begins with the original.
    pub pdf: Vec<u8>,
    /// What it draws into: visible signatures, and the values of a form that told viewers to draw them.
    pub masks: Vec<Mask>,
}

/// Seals without a key, in all free signature fields and once more, to find out at the upload what would go wrong at the
/// seal: appearances, the writing of a revision, the comparison with the original. The signatures in the result are empty.
///
/// # Errors
/// As [`super::seal`]; fields that are locked or ask for what cannot be had are left out, they are told by `inspect`.
pub fn rehearse(pdf: &[u8]) -> Result<Sealed, Error> {
    pdf::guarded(|| {
        let mut revisions = Revisions::open(pdf)?;
        let mut shown = Shown::new(&mut revisions)?;
        let document = revisions.document();
        let all = fields::all(document)?;
        let permissions = permissions::of_document(document, &all);
        let free = all.iter().filter(|field| field.is_signature() && !field.is_signed(document));
        let free = free.filter(|field| permissions::refusal(document, &permissions, field).is_none());
        let mut names: Vec<Option<String>> = free.map(|field| Some(field.name.clone())).take(MAX_REHEARSED).collect();
        if permissions::locked(&permissions, &super::free_name(&all)).is_none() {
            names.push(None);
        }
        for field in names {
            let request = Request {
                field,
                // As wide as names get, so that what is drawn is drawn small.
                signer_name: "Maximiliana Fernández-Villaverde i Güell de la Fuente".to_owned(),
                at: DateTime::<Utc>::UNIX_EPOCH,
                reason: String::new(),
                location: None,
                appearance_lines: None,
                handwriting: None,
            };
            sign_once(&mut revisions, &mut shown, &request, &Terms::none(), RESERVED_BYTES)?;
        }
        shown.proven(revisions)
    })?
}

/// What was touched while signatures were made.
pub(super) struct Shown {
    pages: Vec<ObjectId>,
    /// The pages, by their index, that list each annotation.
    indices_of: HashMap<ObjectId, Vec<usize>>,
    touched: HashSet<ObjectId>,
    masks: Vec<Mask>,
    /// The signatures by hand that are in the file.
    pub(super) handwritings: Known,
}

impl Shown {
    /// Draws the values of a form that tells viewers to draw them, in a revision of its own, and takes the flag away: what
    /// viewers draw by themselves cannot be sealed. A file that is signed keeps the flag, as drawing would change what its
    /// signers saw.
    ///
    /// # Errors
    /// Where a value cannot be drawn.
    pub(super) fn new(revisions: &mut Revisions<'_>) -> Result<Self, Error> {
        let pages = pdf::pages(revisions.document())?;
        let indices_of = pdf::annotation_pages(revisions.document())?;
        let mut shown = Self { pages, indices_of, touched: HashSet::new(), masks: Vec::new(), handwritings: Known::default() };
        let document = revisions.document();
        let is_signed = fields::all(document)?.iter().any(|field| field.is_signed(document));
        if !is_signed && forms::needs_appearances(document) {
            shown.draw_values(revisions)?;
        }
        Ok(shown)
    }

    fn draw_values(&mut self, revisions: &mut Revisions<'_>) -> Result<(), Error> {
        let mut numbers = revisions.numbers();
        let drawn = forms::draw_values(revisions.document(), &mut || numbers.next_id())?;
        revisions.take_numbers(numbers);
        let mut changes = Changes::default();
        for (id, object) in drawn.objects {
            self.touched.insert(id);
            changes.set(id, object);
        }
        self.masks.extend(drawn.widgets.iter().map(|widget| Mask { page: widget.page, rect: widget.rect }));
        let document = revisions.document();
        let (catalog_id, catalog) = pdf::catalog(document)?;
        let mut form = pdf::dict_entry(document, catalog, b"AcroForm").cloned().unwrap_or_default();
        form.remove(b"NeedAppearances");
        match catalog.get(b"AcroForm") {
            Ok(Object::Reference(id)) => changes.set(*id, form),
            _ => {
                let mut catalog = catalog.clone();
                catalog.set("AcroForm", form);
                changes.set(catalog_id, catalog);
            }
        }
        revisions.append(changes)?;
        Ok(())
    }

    /// The first page that lists a widget.
    pub(super) fn page_of(&self, widget: ObjectId) -> Option<ObjectId> {
        self.pages.get(*self.indices_of.get(&widget)?.first()?).copied()
    }

    /// A field or widget that is signed.
    pub(super) fn touch(&mut self, id: ObjectId) {
        self.touched.insert(id);
    }

    /// A widget that is drawn into.
    pub(super) fn mask(&mut self, widget: ObjectId, rect: Option<[f32; 4]>) {
        let Some(rect) = rect else { return };
        let pages = self.indices_of.get(&widget).into_iter().flatten();
        self.masks.extend(pages.map(|page| Mask { page: *page, rect }));
    }

    /// The finished file, if it shows the same.
    ///
    /// # Errors
    /// [`Error::Changed`].
    pub(super) fn proven(self, revisions: Revisions<'_>) -> Result<Sealed, Error> {
        let pdf = revisions.whole();
        check::shows_the_same(&revisions, &pdf, &self.touched)?;
        Ok(Sealed { pdf, masks: self.masks })
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use lopdf::Document;

    use super::*;
    use crate::fixtures;
    use crate::pkcs12::Identity;
    use crate::seal::seal;

    fn at() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2027, 1, 15, 9, 30, 0).unwrap()
    }

    fn identity() -> Identity {
        Identity::open(include_bytes!("../../fixtures/p384-aes256.p12"), "password", at()).unwrap()
    }

    fn request() -> Request {
        Request {
            field: None,
            signer_name: "Ana Pons".to_owned(),
            at: at(),
            reason: "I agree".to_owned(),
            location: None,
            appearance_lines: None,
            handwriting: None,
        }
    }

    /// A form whose value stands there, and whose flag tells viewers to draw it.
    fn filled(value: &str) -> Vec<u8> {
        let mut document = Document::load_mem(&fixtures::text_field("NAME")).unwrap();
        let id = fields::all(&document).unwrap()[0].id;
        let field = document.get_dictionary_mut(id).unwrap();
        field.set("V", lopdf::text_string(value));
        field.set("DA", Object::string_literal("/Helv 10 Tf 0 g"));
        let form = document.catalog().unwrap().get(b"AcroForm").unwrap().as_reference().unwrap();
        document.get_dictionary_mut(form).unwrap().set("NeedAppearances", true);
        let mut bytes = Vec::new();
        document.save_to(&mut bytes).unwrap();
        bytes
    }

    fn appearance(pdf: &[u8]) -> Option<lopdf::Stream> {
        let document = crate::reader::load(pdf).unwrap();
        let id = fields::all(&document).unwrap().into_iter().find(|field| field.name == "NAME").unwrap().widgets[0];
        let widget = pdf::dict_at(&document, id)?;
        let look = pdf::dict_entry(&document, widget, b"AP").and_then(|look| pdf::entry(&document, look, b"N"))?;
        look.as_stream().ok().cloned()
    }

    #[test]
    fn the_values_of_a_form_are_drawn_where_viewers_would_draw_them() {
        let original = filled("two hundred");
        assert!(appearance(&original).is_none());
        let sealed = seal(&original, &identity(), &[request()]).unwrap();
        let document = crate::reader::load(&sealed.pdf).unwrap();
        assert!(!forms::needs_appearances(&document));
        assert!(appearance(&sealed.pdf).is_some());
        assert_eq!(sealed.masks.len(), 1);
        // What was sealed is as it was drawn: a further seal draws nothing.
        assert!(seal(&sealed.pdf, &identity(), &[request()]).unwrap().masks.is_empty());
    }

    #[test]
    fn a_value_that_cannot_be_drawn_is_refused_with_its_field() {
        let refused = rehearse(&filled("\u{10FFFD}")).expect_err("no font has this");
        assert!(matches!(&refused, Error::Form(_)) && refused.to_string().contains("NAME"), "{refused}");
    }

    #[test]
    fn a_rehearsal_leaves_the_original_alone_and_draws_what_a_seal_draws() {
        let original = fixtures::contract(&["A", "B"]);
        let rehearsed = rehearse(&original).unwrap();
        assert_eq!(&rehearsed.pdf[..original.len()], original);
        assert_eq!(rehearsed.masks.len(), 2);
        let signed = Request { field: Some("A".to_owned()), ..request() };
        let sealed = seal(&original, &identity(), &[signed]).unwrap();
        assert!(rehearsed.masks.contains(&sealed.masks[0]));
    }
}
