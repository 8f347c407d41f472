//! The content of streams: where it stands, and what streams of objects and cross-references unpack to.

use std::ops::Range;

use lopdf::{Dictionary, Stream};

use super::budget::{Budget, TOO_MUCH_UNPACKED};
use super::lexer::Lexer;
use crate::pdf::{Error, damaged};

/// The content of a stream at its keyword, and the end of its `endstream`, if the length leads there.
///
/// # Errors
/// The start of the content, where the length does not lead to its end.
pub(crate) fn stream_content(lexer: &mut Lexer<'_, '_>, length: Option<i64>) -> Result<(Range<usize>, usize), usize> {
    lexer.blank();
    let keyword = lexer.position;
    if !lexer.rest().starts_with(b"stream") {
        return Err(keyword);
    }
    // CR LF or LF (ISO 32000-2 7.3.8.1); a CR alone and blanks before it are what viewers skip as well.
    let mut start = keyword + b"stream".len();
    let byte = |at: usize| lexer.bytes.get(at).copied();
    while matches!(byte(start), Some(b' ' | b'\t')) {
        start += 1;
    }
    match (byte(start), byte(start + 1)) {
        (Some(b'\r'), Some(b'\n')) => start += 2,
        (Some(b'\r' | b'\n'), _) => start += 1,
        _ => {}
    }
    let length = length.and_then(|length| usize::try_from(length).ok()).ok_or(start)?;
    let end = start.checked_add(length).filter(|end| *end <= lexer.bytes.len()).ok_or(start)?;
    lexer.position = end;
    lexer.white();
    // Lengths that count the end of the line, and those that do not, are both common.
    if lexer.position - end > 2 || !lexer.keyword(b"endstream") {
        return Err(start);
    }
    Ok((start..end, lexer.position))
}

/// The content of a stream of objects or cross-references, unpacked within the budget.
pub(crate) fn unpacked(dictionary: &Dictionary, content: &[u8], budget: &mut Budget) -> Result<Vec<u8>, Error> {
    let stream = Stream::new(dictionary.clone(), content.to_vec());
    let data = stream.decompressed_content_with_limit(budget.left_to_unpack()).map_err(|error| match error {
        lopdf::Error::Decompress(lopdf::DecompressError::MemoryLimitExceeded { .. }) => damaged(TOO_MUCH_UNPACKED.0),
        _ => damaged("a stream of its structure cannot be unpacked"),
    })?;
    budget.unpack(data.len()).map_err(|limit| damaged(limit.0))?;
    Ok(data)
}
