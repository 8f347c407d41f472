//! What the document asks of a signature before it is made: locks of earlier signatures, the field's own lock, seed values.

use lopdf::{Document, Object, Writer};

use super::{Error, Request, find_field, free_name};
use crate::permissions::{self, Lock, Reason, Seed};
use crate::pkcs12::Identity;
use crate::{fields, pdf};

/// What the references of one signature may take, in bytes: a lock names its fields.
const MAX_REFERENCE_BYTES: usize = 1024 * 1024;

/// How one signature has to be made.
#[derive(Debug)]
pub(super) struct Terms {
    /// `/Reference`: the field's lock.
    pub(super) references: Vec<Object>,
    /// Whether the reason is given.
    pub(super) with_reason: bool,
}

impl Terms {
    /// Nothing is asked.
    pub(super) fn none() -> Self {
        Self { references: Vec::new(), with_reason: true }
    }

    /// # Errors
    /// Where the request's field is missing, taken or no signature field, or the signature is not allowed.
    pub(super) fn of(document: &Document, identity: &Identity, request: &Request) -> Result<Self, Error> {
        let fields = fields::all(document)?;
        let permissions = permissions::of_document(document, &fields);
        let refused = |field: &str, reason: String| Error::Refused { field: field.to_owned(), reason };
        let Some(name) = &request.field else {
            let name = free_name(&fields);
            return match permissions::locked(&permissions, &name) {
                Some(reason) => Err(refused(&name, reason)),
                None => Ok(Self { references: Vec::new(), with_reason: true }),
            };
        };
        let field = find_field(document, name)?;
        if let Some(reason) = permissions::refusal(document, &permissions, &field) {
            return Err(refused(name, reason));
        }
        let seed = Seed::of(document, &field);
        if let Some(reason) = seed.as_ref().and_then(|seed| seed.refusal_for(identity, &request.reason)) {
            return Err(refused(name, reason));
        }
        let (catalog, _) = pdf::catalog(document)?;
        let references = permissions::lock(document, &field).map(|lock| lock.references(catalog)).unwrap_or_default();
        let mut written = Vec::new();
        Writer::write_object(&mut written, &Object::Array(references.clone())).map_err(|_| Error::Signing)?;
        if written.len() > MAX_REFERENCE_BYTES {
            return Err(refused(name, format!("its lock takes more than {MAX_REFERENCE_BYTES} bytes")));
        }
        Ok(Self { references, with_reason: seed.is_none_or(|seed| seed.reason() != Reason::None) })
    }
}

/// The requests in an order in which no field's lock hits one that is sealed after it, else as they are.
///
/// # Errors
/// Where a field is missing or taken, or the locks of several exclude each other.
pub(super) fn in_order<'a>(document: &Document, requests: &'a [Request]) -> Result<Vec<&'a Request>, Error> {
    let lock = |request: &'a Request| -> Result<(&'a Request, Option<Lock>), Error> {
        let Some(name) = &request.field else { return Ok((request, None)) };
        Ok((request, permissions::lock(document, &find_field(document, name)?)))
    };
    let mut waiting = requests.iter().map(lock).collect::<Result<Vec<_>, _>>()?;
    let mut ordered = Vec::with_capacity(requests.len());
    while !waiting.is_empty() {
        let hits_none = |index: &usize| {
            let Some(lock) = &waiting[*index].1 else { return true };
            let others = waiting.iter().enumerate().filter(|(other, _)| other != index);
            !others.into_iter().any(|(_, (request, _))| lock.excludes(request.field.as_deref()))
        };
        let Some(next) = (0..waiting.len()).find(hits_none) else {
            let field = waiting[0].0.field.clone().unwrap_or_default();
            return Err(Error::Refused { field, reason: "its lock and another field's exclude each other".to_owned() });
        };
        ordered.push(waiting.remove(next).0);
    }
    Ok(ordered)
}
