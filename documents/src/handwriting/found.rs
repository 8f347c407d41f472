//! Finding the envelopes again: of each signature that of the revision which it covers, whatever came later.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use lopdf::{Document, Stream};
use serde::Serialize;

use super::{MAX_ENVELOPE_BYTES, PRODUCT};
use crate::escrow::{self, Holder};
use crate::fields::{self, Field};
use crate::{pdf, reader, verify};

/// Widgets of a field, and forms within one appearance, that are looked at.
const MAX_WIDGETS: usize = 32;
const MAX_FORMS: usize = 64;
/// States of a file that are compared, and how long that may take; older ones are taken for not shown.
const MAX_STATES: usize = 256;
const MAX_DURATION: Duration = Duration::from_secs(20);
/// White space behind the end of a file that may count (viewers look for the end in the last 1,024 bytes).
const MAX_BLANK: usize = 1024;
const END: &[u8] = b"%%EOF";

/// Why no envelopes can be looked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Document(#[from] pdf::Error),
    #[error("the document has more than {} signatures", verify::MAX_SIGNATURES)]
    TooMany,
}

/// What can be told of an envelope without opening it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Envelope {
    /// In bytes.
    pub size: usize,
    /// Lower-case hexadecimal.
    pub sha256: String,
    /// Whose certificates open it, as the envelope says.
    pub holders: Vec<Holder>,
    /// Why it cannot be said whose: it is no envelope that is known here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Envelope {
    /// Of the bytes as they stand in the file.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let sha256 = HEXLOWER.encode(digest::digest(&digest::SHA256, bytes).as_ref());
        let (holders, problem) = match escrow::holders(bytes) {
            Ok(holders) => (holders, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        Self { size: bytes.len(), sha256, holders, problem }
    }
}

/// An envelope that was found in a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Fully qualified name of the signature's field.
    pub field: String,
    /// As it stands in the file.
    pub envelope: Vec<u8>,
    /// Whose certificates open it, as it says; none where it is no envelope that is known here.
    pub holders: Vec<Holder>,
    /// What the signer may have been shown: beginnings of the file, by their lengths in bytes, newest first. They are ranges because white
    /// space at the end of a file may count or not.
    shown: Vec<RangeInclusive<usize>>,
}

impl Found {
    /// Whether a file with this SHA-256 is what the signer was shown: a beginning of `pdf`, the file in which this was found, from which
    /// nothing leads to the signature but further signatures and the drawing of values that were there. So a document that says another
    /// thing than the one that was signed is not taken for it, even where the other one stands in the file before it.
    pub fn was_shown(&self, pdf: &[u8], sha256: &[u8; 32]) -> bool {
        self.shown.iter().any(|lengths| {
            let Some(least) = pdf.get(..*lengths.start()) else { return false };
            let mut context = digest::Context::new(&digest::SHA256);
            context.update(least);
            let blank = pdf.get(*lengths.start()..*lengths.end()).unwrap_or_default();
            let whole = std::iter::once(None).chain(blank.iter().map(Some));
            whole.into_iter().any(|byte| {
                byte.into_iter().for_each(|byte| context.update(std::slice::from_ref(byte)));
                context.clone().finish().as_ref() == sha256
            })
        })
    }

    /// The lengths of the beginnings that may have been shown, without white space at their ends, newest first.
    pub fn shown(&self) -> impl Iterator<Item = usize> {
        self.shown.iter().map(|lengths| *lengths.start())
    }
}

/// The envelopes of all signatures of a file, in the order of its fields. Whether the signatures are intact, `verify` says.
///
/// # Errors
/// [`Error`]. A signature that covers no whole document has no envelope.
pub fn found(pdf: &[u8]) -> Result<Vec<Found>, Error> {
    pdf::guarded(|| {
        let read = reader::open(pdf)?;
        let document = &read.document;
        let signed: Vec<Field<'_>> = fields::all(document)?.into_iter().filter(|field| field.is_signed(document)).collect();
        if signed.len() > verify::MAX_SIGNATURES {
            return Err(Error::TooMany);
        }
        let mut found = Vec::new();
        let mut ends = Vec::new();
        for field in signed {
            let Some(end) = verify::end_of(document, &field).filter(|end| *end <= pdf.len()) else { continue };
            let Ok(revision) = reader::load(&pdf[..end]) else { continue };
            let same = fields::all(&revision)?.into_iter().find(|then| then.name == field.name && then.value == field.value);
            let Some(envelope) = same.and_then(|field| envelope(&revision, &field)) else { continue };
            let holders = escrow::holders(envelope).unwrap_or_default();
            found.push(Found { field: field.name, envelope: envelope.to_vec(), holders, shown: Vec::new() });
            ends.push(end);
        }
        if let Some(last) = ends.iter().max() {
            let states = States::of(&pdf[..*last]);
            found.iter_mut().zip(ends).for_each(|(found, end)| found.shown = states.before(end));
        }
        Ok(found)
    })?
}

/// The envelope in the private data of the appearance of a signature, or of a form that it shows.
pub(crate) fn envelope<'a>(document: &'a Document, field: &Field<'_>) -> Option<&'a [u8]> {
    let appearances = field.widgets.iter().take(MAX_WIDGETS).filter_map(|widget| {
        let look = pdf::dict_entry(document, pdf::dict_at(document, *widget)?, b"AP")?;
        pdf::entry(document, look, b"N")?.as_stream().ok()
    });
    appearances.into_iter().find_map(|appearance| {
        let forms = pdf::dict_entry(document, &appearance.dict, b"Resources");
        let forms = forms.and_then(|resources| pdf::dict_entry(document, resources, b"XObject"));
        let forms = forms.into_iter().flat_map(|forms| forms.iter().take(MAX_FORMS));
        let within = forms.filter_map(|(_, form)| pdf::resolve(document, form).as_stream().ok());
        std::iter::once(appearance).chain(within).find_map(|form| private(document, form))
    })
}

fn private<'a>(document: &'a Document, form: &'a Stream) -> Option<&'a [u8]> {
    let product = pdf::dict_entry(document, pdf::dict_entry(document, &form.dict, b"PieceInfo")?, PRODUCT.as_bytes())?;
    let stream = pdf::entry(document, product, b"Private")?.as_stream().ok()?;
    // Ours stands there as it is; what others wrote is not unpacked.
    let plain = !stream.dict.has(b"Filter") && (1..=MAX_ENVELOPE_BYTES).contains(&stream.content.len());
    plain.then_some(stream.content.as_slice())
}

/// The states that a file went through, oldest first.
struct States(Vec<State>);

struct State {
    /// The lengths that the file may have had, with white space at its end or without.
    lengths: RangeInclusive<usize>,
    /// Whether nothing but seals lead from here to the next state.
    leads_on: bool,
}

impl States {
    /// The states of a file up to its end, as far back as there is time for.
    fn of(pdf: &[u8]) -> Self {
        let until = Instant::now() + MAX_DURATION;
        let mut states: Vec<State> = Vec::new();
        let mut next: Option<Document> = None;
        for end in memchr::memmem::rfind_iter(pdf, END).map(|at| at + END.len()).take(MAX_STATES) {
            if Instant::now() > until {
                break;
            }
            // Not each of these marks is the end of a state: there is one in the middle of linearized files.
            let Ok(document) = reader::load(&pdf[..end]) else { continue };
            let blank = pdf[end..].iter().take(MAX_BLANK).take_while(|byte| byte.is_ascii_whitespace()).count();
            let leads_on = next.as_ref().is_some_and(|next| verify::only_seals(&document, next));
            states.push(State { lengths: end..=end + blank, leads_on });
            next = Some(document);
        }
        states.reverse();
        Self(states)
    }

    /// Those from which nothing but seals lead to the state that ends at `end`, newest first.
    fn before(&self, end: usize) -> Vec<RangeInclusive<usize>> {
        let own = self.0.iter().position(|state| state.lengths.contains(&end)).unwrap_or(0);
        let before = self.0[..own].iter().rev().take_while(|state| state.leads_on);
        before.map(|state| state.lengths.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_the_white_space_behind_it_as_well() {
        let states = States(vec![
            State { lengths: 10..=12, leads_on: false },
            State { lengths: 20..=20, leads_on: true },
            State { lengths: 30..=31, leads_on: true },
            State { lengths: 40..=41, leads_on: false },
        ]);
        assert_eq!(states.before(41), [30..=31, 20..=20]);
        assert_eq!(states.before(30), [20..=20]);
        assert_eq!(states.before(20), []);
        assert_eq!(states.before(99), []);
    }
}
