//! Signatures by hand in the file: the envelope in the private data of the appearance (`/PieceInfo`, ISO 32000-2 14.5), the picture among
//! its resources. What several signatures of one call share is in the file once.

use std::sync::Arc;

use lopdf::{Object, ObjectId, Stream, StringFormat, dictionary};

use super::{Request, pdf_date};
use crate::appearance::Written;
use crate::handwriting::{Handwriting, PRODUCT, Strokes};
use crate::revision::{Changes, Revisions};

/// A signature by hand whose bytes are in the file.
#[derive(Clone)]
struct Embedded {
    handwriting: Arc<Handwriting>,
    envelope: ObjectId,
    /// The image XObject, where the picture is shown.
    picture: Option<ObjectId>,
}

/// Those that were embedded so far.
#[derive(Default)]
pub(super) struct Known(Vec<Embedded>);

impl Known {
    fn embed(&mut self, handwriting: &Arc<Handwriting>, revisions: &mut Revisions<'_>, changes: &mut Changes) -> Embedded {
        if let Some(known) = self.0.iter().find(|known| Arc::ptr_eq(&known.handwriting, handwriting)) {
            return known.clone();
        }
        let envelope = revisions.new_id();
        // As it is: what is encrypted cannot be compressed.
        let dictionary = dictionary! { "Subtype" => Object::Name(b"application/pkcs7-mime".to_vec()) };
        changes.set(envelope, Stream::new(dictionary, handwriting.envelope.clone()));
        let is_drawn = handwriting.ink.as_ref().and_then(Strokes::of).is_some();
        let picture = handwriting.picture.as_ref().filter(|_| !is_drawn).map(|picture| {
            let (id, objects) = picture.objects(&mut || revisions.new_id());
            objects.into_iter().for_each(|(id, object)| changes.set(id, object));
            id
        });
        let embedded = Embedded { handwriting: Arc::clone(handwriting), envelope, picture };
        self.0.push(embedded.clone());
        embedded
    }
}

/// The signature by hand of one request.
pub(super) struct Hand {
    embedded: Embedded,
    /// When it was made.
    date: Object,
}

impl Hand {
    /// Embeds what the request has, if it is not yet in the file.
    pub(super) fn of(request: &Request, known: &mut Known, revisions: &mut Revisions<'_>, changes: &mut Changes) -> Option<Self> {
        let embedded = known.embed(request.handwriting.as_ref()?, revisions, changes);
        let date = Object::String(pdf_date(request.at).into_bytes(), StringFormat::Literal);
        Some(Self { embedded, date })
    }

    /// What is drawn of it: the ink, else the picture.
    pub(super) fn written(&self) -> Option<Written<'_>> {
        let handwriting = &self.embedded.handwriting;
        let ink = handwriting.ink.as_ref().and_then(Strokes::of).map(Written::Ink);
        ink.or_else(|| Some(Written::Picture(handwriting.picture.as_ref()?, self.embedded.picture?)))
    }

    /// Puts the envelope into the private data of an appearance.
    pub(super) fn enclose(&self, form: &mut Stream) {
        let data = dictionary! { "LastModified" => self.date.clone(), "Private" => self.embedded.envelope };
        form.dict.set("LastModified", self.date.clone());
        form.dict.set("PieceInfo", dictionary! { PRODUCT => data });
    }
}
