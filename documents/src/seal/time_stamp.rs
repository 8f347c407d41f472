//! Document time stamps (ISO 32000-2 12.8.5, ETSI EN 319 142-1 5.4.3): a revision whose signature is an authority's token over all that is
//! there. With one behind them signatures are of level B-T; behind what proves their certificates, of level B-LTA.

use std::ops::Range;

use aws_lc_rs::digest;
use lopdf::dictionary;

use super::shown::Shown;
use super::{BYTE_RANGE_WIDTH, Error, Placeholder, add_field, embed_range};
use crate::pdf;
use crate::revision::{Changes, Revisions};

/// Room for a token in the file, in bytes: those of authorities with long chains have 6 to 10 kilobytes.
pub const RESERVED_BYTES: usize = 16 * 1024;

/// A file that waits for its time stamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unstamped {
    pdf: Vec<u8>,
    /// Where the token goes, angle brackets included.
    gap: Range<usize>,
}

/// Appends the revision of a document time stamp, all but the token. The same input gives the same output, so that nothing need be kept while
/// an authority is asked.
///
/// # Errors
/// As [`super::seal`].
pub fn prepare(pdf: &[u8]) -> Result<Unstamped, Error> {
    pdf::guarded(|| {
        let mut revisions = Revisions::open(pdf)?;
        let mut shown = Shown::new(&mut revisions)?;
        let mut changes = Changes::default();
        let signature = revisions.new_id();
        add_field(&mut revisions, &mut changes, &mut shown, signature, None)?;
        let placeholder = Placeholder::of_time_stamp(RESERVED_BYTES);
        changes.set_verbatim(signature, placeholder.bytes.clone());
        let start = revisions.append(changes)?.ok_or(Error::Signing)?;
        revisions.note(signature, dictionary! { "Type" => "DocTimeStamp" });
        let gap = embed_range(&mut revisions, &placeholder, start);
        Ok(Unstamped { pdf: shown.proven(revisions)?.pdf, gap })
    })?
}

impl Unstamped {
    /// SHA-256 of all but the gap: what the authority is asked about.
    pub fn imprint(&self) -> [u8; 32] {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&self.pdf[..self.gap.start]);
        context.update(&self.pdf[self.gap.end..]);
        let mut out = [0; 32];
        out.copy_from_slice(context.finish().as_ref());
        out
    }

    /// The whole file with the authority's token.
    ///
    /// # Errors
    /// [`Error::DoesNotFit`].
    pub fn stamped(mut self, token: &[u8]) -> Result<Vec<u8>, Error> {
        fill(&mut self.pdf, &self.gap, token)?;
        Ok(self.pdf)
    }
}

/// Puts a value into its gap.
///
/// # Errors
/// [`Error::DoesNotFit`].
pub(super) fn fill(pdf: &mut [u8], gap: &Range<usize>, value: &[u8]) -> Result<(), Error> {
    let hex = data_encoding::HEXLOWER.encode(value);
    let room = gap.len() - 2;
    if hex.len() > room {
        return Err(Error::DoesNotFit { needed: value.len(), reserved: room / 2 });
    }
    let start = gap.start + 1;
    pdf[start..start + hex.len()].copy_from_slice(hex.as_bytes());
    Ok(())
}

impl Placeholder {
    /// `/M`, `/Name` and the like have no place there: the token says when, and who.
    fn of_time_stamp(reserved: usize) -> Self {
        let mut bytes = b"<</Type/DocTimeStamp/Filter/Adobe.PPKLite/SubFilter/ETSI.RFC3161/ByteRange ".to_vec();
        let byte_range = bytes.len();
        bytes.resize(bytes.len() + BYTE_RANGE_WIDTH, b' ');
        bytes.extend_from_slice(b"/Contents ");
        let contents = bytes.len();
        bytes.push(b'<');
        bytes.resize(bytes.len() + 2 * reserved, b'0');
        bytes.extend_from_slice(b">>>");
        Self { bytes, byte_range, contents, reserved }
    }
}
