//! The document security store (ISO 32000-2 12.8.4.3, ETSI EN 319 142-1 5.4.2): a revision with what proves the certificates of the
//! signatures that are there. With it they are of level B-LT.

use std::collections::HashMap;

use lopdf::{Dictionary, Document, Object, ObjectId, dictionary};

use super::Error;
use super::shown::Shown;
use crate::pdf;
use crate::revision::{Changes, Revisions};
use crate::validation_data::{Source, Survey, ValidationData, store, stream};
use crate::verify::Trust;

/// Appends the revision of a document security store with all that it holds so far and `data`. `None` where that is all there already.
///
/// # Errors
/// As [`super::seal`].
pub fn append(pdf: &[u8], data: &ValidationData) -> Result<Option<Vec<u8>>, Error> {
    pdf::guarded(|| {
        let mut revisions = Revisions::open(pdf)?;
        let shown = Shown::new(&mut revisions)?;
        let mut survey = Survey::of(revisions.document(), data, &Trust::default()).map_err(unreadable)?;
        for certificate in survey.certificates() {
            survey.data.add_certificate(certificate.der());
        }
        let mut changes = Changes::default();
        let Some(catalog) = extended(&mut revisions, &mut changes, &survey)? else { return Ok(None) };
        let (id, _) = pdf::catalog(revisions.document())?;
        changes.set(id, catalog);
        revisions.append(changes)?;
        Ok(Some(shown.proven(revisions)?.pdf))
    })?
}

fn unreadable(error: crate::verify::Error) -> Error {
    match error {
        crate::verify::Error::Document(error) => Error::Document(error),
        other => Error::Document(pdf::damaged(other.to_string())),
    }
}

/// The catalog with a new store, whose streams are among the changes. The one before is left as it is, since signatures cover it.
fn extended(revisions: &mut Revisions<'_>, changes: &mut Changes, survey: &Survey) -> Result<Option<Dictionary>, Error> {
    let mut before = store(revisions.document()).cloned().unwrap_or_default();
    let certificates: Vec<Vec<u8>> = survey.data.certificates.iter().map(|certificate| certificate.der().to_vec()).collect();
    let mut kinds = Vec::new();
    let mut is_new = false;
    for (key, items) in [("Certs", &certificates), ("OCSPs", &survey.data.answers), ("CRLs", &survey.data.lists)] {
        let mut list = pdf::array_entry(revisions.document(), &before, key.as_bytes()).cloned().unwrap_or_default();
        let mut places = present(revisions.document(), &list);
        for item in items {
            if !places.contains_key(item) {
                let id = revisions.new_id();
                changes.set(id, stream(item));
                list.push(id.into());
                places.insert(item.clone(), id);
                is_new = true;
            }
        }
        if !list.is_empty() {
            before.set(key, Object::Array(list));
        }
        kinds.push(places);
    }
    if !is_new {
        return Ok(None);
    }
    let [of_certificates, of_answers, of_lists] = &kinds[..] else { return Err(Error::Signing) };
    let mut related = pdf::dict_entry(revisions.document(), &before, b"VRI").cloned().unwrap_or_default();
    for (key, certificates, sources) in survey.related() {
        let place = |places: &HashMap<Vec<u8>, ObjectId>, item: &[u8]| places.get(item).map(|id| Object::Reference(*id));
        let certs = certificates.iter().filter_map(|certificate| place(of_certificates, certificate.der())).collect();
        let (mut answers, mut lists) = (Vec::new(), Vec::new());
        for source in sources {
            match source {
                Source::Answer(index) => answers.extend(place(of_answers, &survey.data.answers[index])),
                Source::List(index) => lists.extend(place(of_lists, &survey.data.lists[index])),
            }
        }
        let mut entry = dictionary! { "Type" => "VRI" };
        for (key, items) in [("Cert", certs), ("OCSP", answers), ("CRL", lists)] {
            if !Vec::is_empty(&items) {
                entry.set(key, Object::Array(items));
            }
        }
        related.set(key, entry);
    }
    before.set("Type", "DSS");
    before.set("VRI", related);
    let id = revisions.new_id();
    changes.set(id, before);
    let mut catalog = pdf::catalog(revisions.document())?.1.clone();
    catalog.set("DSS", id);
    Ok(Some(catalog))
}

/// The streams that a list refers to, by their contents.
fn present(document: &Document, list: &[Object]) -> HashMap<Vec<u8>, ObjectId> {
    let content = |item: &Object| {
        let stream = pdf::resolve(document, item).as_stream().ok()?;
        let content = stream.get_plain_content_with_limit(crate::revocation::MAX_LIST).ok()?;
        Some((content, item.as_reference().ok()?))
    };
    list.iter().filter_map(content).collect()
}
