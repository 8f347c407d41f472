//! Sealing with an authority's time stamp in each signature (RFC 3161 appendix A): level B-T. Whoever asks the authority does so between two
//! steps, as each signature covers the time stamps of those before it.

use std::collections::VecDeque;
use std::ops::Range;

use aws_lc_rs::digest;

use super::embedded::Known;
use super::shown::{Mask, Sealed, Shown};
use super::time_stamp::{RESERVED_BYTES as ROOM_FOR_TOKEN, fill};
use super::{Error, RESERVED_BYTES, Request, checked, sign_once, terms};
use crate::pkcs12::Identity;
use crate::revision::Revisions;
use crate::{cms, pdf, time_stamp};
use terms::Terms;

/// A document on its way to all its signatures. It is all that need be kept between two steps.
pub struct Sealing {
    pdf: Vec<u8>,
    /// What is left to sign.
    requests: VecDeque<Request>,
    known: Known,
    masks: Vec<Mask>,
}

/// What comes next.
pub enum Step {
    /// The signature is made, and its time stamp is wanted.
    Stamp(Box<Signed>),
    /// Nothing is left to do.
    Done(Sealed),
}

/// A signature that waits for its time stamp.
pub struct Signed {
    sealing: Sealing,
    signature: cms::Signature,
    /// Where it goes, angle brackets included.
    gap: Range<usize>,
}

/// The first step: the whole seal where no time stamps are wanted.
///
/// # Errors
/// As [`super::seal`].
pub fn begin(pdf: &[u8], identity: &Identity, requests: &[Request], with_time_stamps: bool) -> Result<Step, Error> {
    match with_time_stamps {
        true => Sealing::new(pdf.to_vec(), requests)?.next(identity),
        false => super::seal(pdf, identity, requests).map(Step::Done),
    }
}

impl Sealing {
    /// Begins with a document; the requests are done in the order in which [`super::seal`] does them.
    ///
    /// # Errors
    /// As [`super::seal`].
    pub fn new(pdf: Vec<u8>, requests: &[Request]) -> Result<Self, Error> {
        checked(requests)?;
        pdf::guarded(|| {
            let ordered = {
                let revisions = Revisions::open(&pdf)?;
                terms::in_order(revisions.document(), requests)?.into_iter().cloned().collect()
            };
            Ok(Self { pdf, requests: ordered, known: Known::default(), masks: Vec::new() })
        })?
    }

    /// Makes the next signature.
    ///
    /// # Errors
    /// As [`super::seal`].
    pub fn next(mut self, identity: &Identity) -> Result<Step, Error> {
        let Some(request) = self.requests.pop_front() else {
            return Ok(Step::Done(Sealed { pdf: self.pdf, masks: self.masks }));
        };
        pdf::guarded(|| {
            let mut revisions = Revisions::open(&self.pdf)?;
            let mut shown = Shown::new(&mut revisions)?;
            shown.handwritings = std::mem::take(&mut self.known);
            let terms = Terms::of(revisions.document(), identity, &request)?;
            let reserved = cms::size_bound(identity).max(RESERVED_BYTES) + ROOM_FOR_TOKEN;
            let (_, gap) = sign_once(&mut revisions, &mut shown, &request, &terms, reserved)?;
            let known = std::mem::take(&mut shown.handwritings);
            let Sealed { pdf, masks } = shown.proven(revisions)?;
            let mut context = digest::Context::new(cms::content_digest(identity));
            context.update(&pdf[..gap.start]);
            context.update(&pdf[gap.end..]);
            let signature = cms::Signature::make(identity, context.finish().as_ref()).map_err(|_| Error::Signing)?;
            self.masks.extend(masks);
            let sealing =
                Self { pdf, requests: std::mem::take(&mut self.requests), known, masks: std::mem::take(&mut self.masks) };
            Ok(Step::Stamp(Box::new(Signed { sealing, signature, gap })))
        })?
    }
}

impl Signed {
    /// Length of the file so far, in bytes.
    pub fn size(&self) -> usize {
        self.sealing.pdf.len()
    }

    /// SHA-256 of the signature's value: what the authority is asked about.
    pub fn imprint(&self) -> [u8; 32] {
        time_stamp::imprint(self.signature.value())
    }

    /// With the authority's token.
    ///
    /// # Errors
    /// [`Error::DoesNotFit`].
    pub fn stamped(mut self, token: &[u8]) -> Result<Sealing, Error> {
        fill(&mut self.sealing.pdf, &self.gap, &self.signature.der(Some(token)))?;
        Ok(self.sealing)
    }
}
