//! Sealing: PAdES baseline signatures (ETSI EN 319 142-1), each as its own revision behind the bytes that are there. [`seal`] makes those of
//! level B-B, [`Sealing`] those of B-T; what higher levels have is appended: [`validation_data`], [`time_stamp`].
//!
//! After the first signature nothing but appending keeps it valid, so nothing else is done, not even before it.

mod check;
mod embedded;
mod replace;
mod shown;
mod stamped;
mod terms;
pub mod time_stamp;
pub mod validation_data;

use std::ops::Range;
use std::sync::Arc;

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use lopdf::{Dictionary, Document, Object, ObjectId, StringFormat, Writer, dictionary};

use crate::appearance::{self, Place};
use crate::fields::{self, Field};
use crate::forms;
use crate::handwriting::{Handwriting, MAX_ENVELOPE_BYTES};
use crate::pkcs12::Identity;
use crate::revision::{Changes, Revisions};
use crate::{cms, pdf};
use shown::Shown;
use terms::Terms;

pub use shown::{Mask, Sealed, rehearse};
pub use stamped::{Sealing, Signed, Step, begin};

/// The least room for a signature in the file, in bytes; more where the certificates need it.
const RESERVED_BYTES: usize = 8 * 1024;
/// Signatures that are made in one call.
pub const MAX_REQUESTS: usize = 100;
/// Length of a name, reason or location, in bytes; what is longer is cut.
const MAX_TEXT_BYTES: usize = 2 * 1024;
/// Widgets of one field that get the appearance.
const MAX_WIDGETS: usize = 32;
/// ISO 32000-1 table 165: print (3) and locked (8).
const PRINT_AND_LOCKED: i64 = 4 | 128;
/// ISO 32000-1 table 219: signatures exist, append only.
const SIGNATURES_EXIST_APPEND_ONLY: i64 = 3;

/// Why a document cannot be sealed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Document(#[from] pdf::Error),
    #[error("the document has no field \"{0}\"")]
    FieldMissing(String),
    #[error("the field \"{0}\" is not a signature field")]
    NotASignatureField(String),
    #[error("the field \"{0}\" is already signed")]
    FieldSigned(String),
    /// The document, or an earlier signature, does not allow this signature.
    #[error("the field \"{field}\" cannot be sealed: {reason}")]
    Refused { field: String, reason: String },
    /// The values of a form's fields, which viewers would draw, cannot be drawn here.
    #[error(transparent)]
    Form(#[from] forms::Error),
    /// The sealed file would not show what the original shows.
    #[error("a seal would change what the document shows: {0}; save it again with a PDF program and upload that file")]
    Changed(String),
    #[error("more than {MAX_REQUESTS} signatures at once")]
    TooMany,
    #[error(transparent)]
    Appearance(#[from] crate::text::Error),
    #[error("the envelope of a signature by hand has {0} bytes; from 1 to {MAX_ENVELOPE_BYTES} are possible")]
    Envelope(usize),
    #[error("the signature needs {needed} bytes but only {reserved} are reserved")]
    DoesNotFit { needed: usize, reserved: usize },
    #[error("the signature cannot be computed")]
    Signing,
}

/// One signature to make.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Fully qualified name of an unsigned signature field; `None` for an invisible signature in a field of its own.
    pub field: Option<String>,
    /// For `/Name` and for the appearance.
    pub signer_name: String,
    /// The claimed time (`/M`), cut to seconds.
    pub at: DateTime<Utc>,
    pub reason: String,
    pub location: Option<String>,
    /// What the field shows instead of the signer's name and time.
    pub appearance_lines: Option<Vec<String>>,
    /// The signature by hand: its envelope is embedded, and its ink is drawn into the field, beside or above the lines of text. Without a
    /// field, or in one without extent, nothing is drawn, and an empty appearance holds the envelope. Requests that share one share its
    /// bytes in the file.
    pub handwriting: Option<Arc<Handwriting>>,
}

/// Adds one PAdES B-B signature per request. The given bytes come out unchanged at the start of the result.
///
/// The signatures are in the order of the requests, except that one which locks another's field comes after it. A field's
/// lock becomes part of its signature, and its seed values are obeyed.
///
/// The same input gives the same output, except for ECDSA signature values.
///
/// The result is read again and compared with the original: nothing that is shown has changed but the fields signed, and,
/// where the form told viewers to draw its values (`NeedAppearances`), their drawings.
///
/// # Errors
/// [`Error`]; nothing is half done then.
pub fn seal(pdf: &[u8], identity: &Identity, requests: &[Request]) -> Result<Sealed, Error> {
    checked(requests)?;
    // Hostile files may make a library panic; what was appended so far is dropped with the unwinding.
    pdf::guarded(|| {
        let mut revisions = Revisions::open(pdf)?;
        let mut shown = Shown::new(&mut revisions)?;
        for request in terms::in_order(revisions.document(), requests)? {
            let terms = Terms::of(revisions.document(), identity, request)?;
            let reserved = cms::size_bound(identity).max(RESERVED_BYTES);
            let (placeholder, gap) = sign_once(&mut revisions, &mut shown, request, &terms, reserved)?;
            embed(&mut revisions, identity, &placeholder, gap)?;
        }
        shown.proven(revisions)
    })?
}

/// Whether they are within the bounds.
fn checked(requests: &[Request]) -> Result<(), Error> {
    if requests.len() > MAX_REQUESTS {
        return Err(Error::TooMany);
    }
    let mut envelopes = requests.iter().filter_map(|request| Some(request.handwriting.as_ref()?.envelope.len()));
    match envelopes.find(|size| !(1..=MAX_ENVELOPE_BYTES).contains(size)) {
        Some(size) => Err(Error::Envelope(size)),
        None => Ok(()),
    }
}

/// Whether [`seal`] would be allowed all these signatures by the document: its fields, locks and seed values. Nothing is signed.
///
/// # Errors
/// Those of [`seal`], as far as they depend on the document, the key and the requests.
pub fn allows(pdf: &[u8], identity: &Identity, requests: &[Request]) -> Result<(), Error> {
    if requests.len() > MAX_REQUESTS {
        return Err(Error::TooMany);
    }
    pdf::guarded(|| {
        let revisions = Revisions::open(pdf)?;
        let document = revisions.document();
        let ordered = terms::in_order(document, requests)?;
        ordered.into_iter().try_for_each(|request| Terms::of(document, identity, request).map(drop))
    })?
}

/// Appends a revision with one signature whose value is not known yet. Answers its placeholder and where the value goes.
fn sign_once(
    revisions: &mut Revisions<'_>,
    shown: &mut Shown,
    request: &Request,
    terms: &Terms,
    reserved: usize,
) -> Result<(Placeholder, Range<usize>), Error> {
    let mut changes = Changes::default();
    let signature = revisions.new_id();
    match &request.field {
        Some(name) => fill_field(revisions, &mut changes, shown, name, signature, request)?,
        None => add_field(revisions, &mut changes, shown, signature, Some(request))?,
    }
    let encrypted = |value: &Object| revisions.encrypted(signature, value).map_err(|_| Error::Signing);
    let placeholder = Placeholder::new(request, terms, reserved, encrypted)?;
    changes.set_verbatim(signature, placeholder.bytes.clone());
    let start = revisions.append(changes)?.ok_or(Error::Signing)?;
    // Enough for the next request to see that the field is taken, and what it locks.
    revisions.note(signature, dictionary! { "Type" => "Sig", "Reference" => terms.references.clone() });
    let gap = embed_range(revisions, &placeholder, start);
    Ok((placeholder, gap))
}

/// A signature dictionary with room for what is known last: the byte range and the CMS.
struct Placeholder {
    bytes: Vec<u8>,
    /// Where the byte range's array starts in `bytes`, and its fixed length.
    byte_range: usize,
    /// Where the hexadecimal string starts in `bytes`, at its `<`.
    contents: usize,
    reserved: usize,
}

/// `[0 a b c]` with ten digits for each of the three.
const BYTE_RANGE_WIDTH: usize = 37;

impl Placeholder {
    /// `encrypted` gives a text as it has to stand there; the value of `/Contents` is never encrypted (ISO 32000-2 7.6.2).
    fn new(
        request: &Request,
        terms: &Terms,
        reserved: usize,
        encrypted: impl Fn(&Object) -> Result<Object, Error>,
    ) -> Result<Self, Error> {
        let mut bytes = b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/ByteRange ".to_vec();
        let byte_range = bytes.len();
        bytes.resize(bytes.len() + BYTE_RANGE_WIDTH, b' ');
        bytes.extend_from_slice(b"/Contents ");
        let contents = bytes.len();
        bytes.push(b'<');
        bytes.resize(bytes.len() + 2 * reserved, b'0');
        bytes.push(b'>');
        let time = Object::String(pdf_date(request.at).into_bytes(), StringFormat::Literal);
        let mut entries = vec![("/M", time), ("/Name", text(&request.signer_name))];
        entries.extend(terms.with_reason.then(|| ("/Reason", text(&request.reason))));
        entries.extend(request.location.as_deref().map(|location| ("/Location", text(location))));
        if !terms.references.is_empty() {
            entries.push(("/Reference", Object::Array(terms.references.clone())));
        }
        for (key, value) in entries {
            bytes.extend_from_slice(key.as_bytes());
            Writer::write_object(&mut bytes, &encrypted(&value)?).map_err(|_| Error::Signing)?;
        }
        bytes.extend_from_slice(b">>");
        Ok(Self { bytes, byte_range, contents, reserved })
    }
}

/// Fills the byte range of the placeholder at `start`: all but the signature's value. Answers where that is in the file.
fn embed_range(revisions: &mut Revisions<'_>, placeholder: &Placeholder, start: usize) -> Range<usize> {
    let gap_start = start + placeholder.contents;
    let gap_end = gap_start + 2 * placeholder.reserved + 2;
    let byte_range = format!("[0 {gap_start} {gap_end} {}]", revisions.len() - gap_end);
    debug_assert!(byte_range.len() <= BYTE_RANGE_WIDTH);
    revisions.overwrite(start + placeholder.byte_range, byte_range.as_bytes());
    gap_start..gap_end
}

/// Fills the signature's value, which is over everything but the gap.
fn embed(revisions: &mut Revisions<'_>, identity: &Identity, placeholder: &Placeholder, gap: Range<usize>) -> Result<(), Error> {
    let (gap_start, gap_end) = (gap.start, gap.end);
    let mut context = digest::Context::new(cms::content_digest(identity));
    let (original, appended) = revisions.parts();
    // The gap is always in what was appended.
    let gap = gap_start - original.len()..gap_end - original.len();
    context.update(original);
    context.update(&appended[..gap.start]);
    context.update(&appended[gap.end..]);
    let signature = cms::sign(identity, context.finish().as_ref()).map_err(|_| Error::Signing)?;
    if signature.len() > placeholder.reserved {
        return Err(Error::DoesNotFit { needed: signature.len(), reserved: placeholder.reserved });
    }
    revisions.overwrite(gap_start + 1, data_encoding::HEXLOWER.encode(&signature).as_bytes());
    Ok(())
}

/// Puts the signature into an existing field and draws it into the field's widgets.
fn fill_field(
    revisions: &mut Revisions<'_>,
    changes: &mut Changes,
    shown: &mut Shown,
    name: &str,
    signature: ObjectId,
    request: &Request,
) -> Result<(), Error> {
    let field = find_field(revisions.document(), name)?;
    let (field_id, widgets) = (field.id, field.widgets);
    shown.touch(field_id);
    let mut dictionary = dict(revisions.document(), field_id)?.clone();
    dictionary.set("V", signature);
    changes.set(field_id, dictionary);
    let lines = request.appearance_lines.clone().unwrap_or_else(|| default_lines(request));
    let hand = embedded::Hand::of(request, &mut shown.handwritings, revisions, changes);
    let written = hand.as_ref().and_then(|hand| hand.written());
    for widget in widgets.into_iter().take(MAX_WIDGETS) {
        let mut dictionary = match changes.get(widget).and_then(|object| object.as_dict().ok()) {
            Some(changed) => changed.clone(),
            None => dict(revisions.document(), widget)?.clone(),
        };
        let flags = pdf::entry(revisions.document(), &dictionary, b"F").and_then(|f| f.as_i64().ok()).unwrap_or(0);
        dictionary.set("F", flags | PRINT_AND_LOCKED);
        shown.touch(widget);
        let place = place_of(revisions.document(), shown.page_of(widget), &dictionary);
        let mut form = match place {
            Some(place) => {
                shown.mask(widget, pdf::rectangle(revisions.document(), &dictionary));
                let (form, objects) = appearance::draw(place, &lines, written.as_ref(), || revisions.new_id())?;
                for (id, object) in objects {
                    changes.set(id, object);
                }
                Some(form)
            }
            None => hand.as_ref().map(|_| appearance::nothing()),
        };
        if let Some((form, hand)) = form.as_mut().zip(hand.as_ref()) {
            hand.enclose(form);
        }
        if let Some(form) = form {
            let form_id = revisions.new_id();
            changes.set(form_id, form);
            let around = place.and_then(|place| replace::within(revisions.document(), &dictionary, place, form_id));
            let look = match around {
                Some(around) => {
                    let around_id = revisions.new_id();
                    changes.set(around_id, around);
                    around_id
                }
                None => form_id,
            };
            dictionary.set("AP", dictionary! { "N" => look });
            dictionary.remove(b"AS");
        }
        changes.set(widget, dictionary);
    }
    mark_form(revisions, changes, None)
}

/// An unsigned signature field.
fn find_field<'a>(document: &'a Document, name: &str) -> Result<Field<'a>, Error> {
    let mut found = fields::all(document)?.into_iter().filter(|field| field.name == name).peekable();
    if found.peek().is_none() {
        return Err(Error::FieldMissing(name.to_owned()));
    }
    let field = found.find(Field::is_signature).ok_or_else(|| Error::NotASignatureField(name.to_owned()))?;
    if field.is_signed(document) { Err(Error::FieldSigned(name.to_owned())) } else { Ok(field) }
}

/// Adds an invisible field: a widget without extent on the first page (ISO 32000-1 12.7.4.5).
fn add_field(
    revisions: &mut Revisions<'_>,
    changes: &mut Changes,
    shown: &mut Shown,
    signature: ObjectId,
    request: Option<&Request>,
) -> Result<(), Error> {
    let name = free_name(&fields::all(revisions.document())?);
    let page = pdf::pages(revisions.document())?[0];
    let field = revisions.new_id();
    let mut widget = dictionary! {
        "Type" => "Annot", "Subtype" => "Widget", "FT" => "Sig", "T" => text(&name), "V" => signature, "P" => page,
        "F" => PRINT_AND_LOCKED, "Rect" => vec![0.into(), 0.into(), 0.into(), 0.into()],
    };
    let hand = request.and_then(|request| embedded::Hand::of(request, &mut shown.handwritings, revisions, changes));
    if let Some(hand) = hand {
        let (form_id, mut form) = (revisions.new_id(), appearance::nothing());
        hand.enclose(&mut form);
        changes.set(form_id, form);
        widget.set("AP", dictionary! { "N" => form_id });
    }
    changes.set(field, widget);
    let document = revisions.document();
    let page_dictionary = dict(document, page)?;
    append_to_array(document, changes, (page, page_dictionary), b"Annots", field);
    mark_form(revisions, changes, Some(field))
}

/// Appends a reference to an array in a dictionary: in place where the array is an object of its own.
fn append_to_array(
    document: &Document,
    changes: &mut Changes,
    (owner, dictionary): (ObjectId, &Dictionary),
    key: &[u8],
    reference: ObjectId,
) {
    let mut array = pdf::array_entry(document, dictionary, key).cloned().unwrap_or_default();
    array.push(reference.into());
    match dictionary.get(key) {
        Ok(Object::Reference(id)) if document.objects.get(id).is_some_and(|object| object.as_array().is_ok()) => {
            changes.set(*id, array);
        }
        _ => {
            let mut changed = dictionary.clone();
            changed.set(key, array);
            changes.set(owner, changed);
        }
    }
}

/// A name that no field has, without a period: validators take a period in a partial name for a change of the form.
pub(crate) fn free_name(fields: &[Field<'_>]) -> String {
    let taken: std::collections::HashSet<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    // One of these is free, because there are more of them than fields.
    let mut candidates = (1..=taken.len() + 1).map(|number| format!("Signature{number}"));
    candidates.find(|name| !taken.contains(name.as_str())).unwrap_or_default()
}

/// Makes the form say that it has signatures, and adds a field to it. A document without a form gets one.
fn mark_form(revisions: &mut Revisions<'_>, changes: &mut Changes, new_field: Option<ObjectId>) -> Result<(), Error> {
    let document = revisions.document();
    let (catalog_id, catalog) = pdf::catalog(document)?;
    let existing = pdf::dict_entry(document, catalog, b"AcroForm");
    let mut form = existing.cloned().unwrap_or_default();
    let flags = pdf::entry(document, &form, b"SigFlags").and_then(|flags| flags.as_i64().ok()).unwrap_or(0);
    form.set("SigFlags", flags | SIGNATURES_EXIST_APPEND_ONLY);
    if let Some(field) = new_field {
        match form.get(b"Fields") {
            Ok(Object::Reference(id)) if document.objects.get(id).is_some_and(|o| o.as_array().is_ok()) => {
                let mut array = pdf::array_entry(document, &form, b"Fields").cloned().unwrap_or_default();
                array.push(field.into());
                changes.set(*id, array);
            }
            _ => {
                let mut array = pdf::array_entry(document, &form, b"Fields").cloned().unwrap_or_default();
                array.push(field.into());
                form.set("Fields", array);
            }
        }
    }
    if existing == Some(&form) {
        return Ok(());
    }
    match catalog.get(b"AcroForm") {
        Ok(Object::Reference(id)) if document.objects.contains_key(id) => changes.set(*id, form),
        _ => {
            let mut changed = catalog.clone();
            if existing.is_some() {
                changed.set("AcroForm", form);
            } else {
                let form_id = revisions.new_id();
                changes.set(form_id, form);
                changed.set("AcroForm", form_id);
            }
            changes.set(catalog_id, changed);
        }
    }
    Ok(())
}

fn dict(document: &Document, id: ObjectId) -> Result<&Dictionary, Error> {
    pdf::dict_at(document, id).ok_or_else(|| pdf::damaged("a field or page is missing").into())
}

/// Where a widget's text goes; `None` for a widget without extent. `page` is the one that lists it.
fn place_of(document: &Document, page: Option<ObjectId>, widget: &Dictionary) -> Option<Place> {
    let [left, bottom, right, top] = pdf::rectangle(document, widget)?;
    let (width, height) = (right - left, top - bottom);
    // A page is at most 14400 points wide (ISO 32000-1 annex C); larger numbers are rubbish.
    if !(1.0..=14_400.0).contains(&width) || !(1.0..=14_400.0).contains(&height) {
        return None;
    }
    let characteristics = pdf::dict_entry(document, widget, b"MK");
    let own = characteristics.and_then(|mk| pdf::entry(document, mk, b"R")).and_then(|r| r.as_i64().ok());
    // A rotation of the widget is counterclockwise, that of the page clockwise: turning by the same angle rights the text.
    let rotation = own.filter(|angle| angle % 90 == 0).map(|angle| angle.rem_euclid(360));
    // The page that shows the widget, else the one that it names.
    let named = || widget.get(b"P").and_then(Object::as_reference).ok();
    let page = page.or_else(named);
    let rotation = rotation.unwrap_or_else(|| page.map_or(0, |page| pdf::page_rotation(document, page)));
    Some(Place { width, height, rotation })
}

fn default_lines(request: &Request) -> Vec<String> {
    vec![request.signer_name.clone(), request.at.format("%Y-%m-%d %H:%M:%S UTC").to_string()]
}

/// A text string, cut at a character where it is too long.
fn text(value: &str) -> Object {
    let mut end = value.len().min(MAX_TEXT_BYTES);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    lopdf::text_string(&value[..end])
}

/// A date as in ISO 32000-1 7.9.4.
fn pdf_date(at: DateTime<Utc>) -> String {
    at.format("D:%Y%m%d%H%M%S+00'00'").to_string()
}

#[cfg(test)]
mod tests;
