//! The parts of a multipart body (RFC 2046, 5.1), as they stream in.
//!
//! Names and values of headers are bytes: a header of a part may hold what no header of HTTP may, because clients put the names of
//! files there as they are.

use actix_web::{web::Bytes, web::BytesMut};
use memchr::memmem;

use super::parameters;
use crate::{
    http::{ApiError, intake::Intake},
    room::Share,
};

/// Maximum length of a boundary, in bytes. RFC 2046, 5.1.1 allows 70.
const MAX_BOUNDARY: usize = 200;

/// Maximum size of the headers of one part in bytes.
const MAX_HEADERS: usize = 64 * 1024;

/// Maximum white space after a boundary, in bytes.
const MAX_PADDING: usize = 1024;

const LINE_END: &[u8] = b"\r\n";

const BOUNDARY_PROBLEM: &str = "the boundary of the multipart body is missing or is not kept to";
const INCOMPLETE: &str = "the multipart body ends before its closing boundary";
const MALFORMED: &str = "the multipart body is not well formed";

/// The headers of one part, one by line, unfolded.
pub(super) struct Headers(Vec<(Vec<u8>, Vec<u8>)>);

impl Headers {
    /// # Errors
    /// 400 for a line that is no header.
    fn read(block: &[u8]) -> Result<Self, ApiError> {
        let mut headers: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for line in lines(block) {
            if line.starts_with(b" ") || line.starts_with(b"\t") {
                // Clients that write mail fold long lines (RFC 5322, 2.2.3).
                let (_, value) = headers.last_mut().ok_or_else(|| ApiError::input(MALFORMED))?;
                value.extend_from_slice(line);
                continue;
            }
            let colon = line.iter().position(|byte| *byte == b':').ok_or_else(|| ApiError::input(MALFORMED))?;
            let name = line[..colon].trim_ascii_end().to_ascii_lowercase();
            let token = |byte: &u8| byte.is_ascii_graphic();
            if name.is_empty() || !name.iter().all(token) {
                return Err(ApiError::input(MALFORMED));
            }
            headers.push((name, line[colon + 1..].trim_ascii().to_vec()));
        }
        Ok(Self(headers))
    }

    /// The value of a header.
    ///
    /// # Errors
    /// 400 when it comes twice: readers would take one or the other.
    pub(super) fn get(&self, name: &str) -> Result<Option<&[u8]>, ApiError> {
        let mut values = self.0.iter().filter(|(other, _)| other == name.as_bytes()).map(|(_, value)| value.as_slice());
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(ApiError::input(format!("a part has the header {name} more than once"))),
        }
    }
}

/// The lines of a block of headers.
fn lines(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(block).filter(|block| !block.is_empty());
    std::iter::from_fn(move || {
        let text = rest?;
        let (line, after) = match memmem::find(text, LINE_END) {
            Some(at) => (&text[..at], Some(&text[at + LINE_END.len()..])),
            None => (text, None),
        };
        rest = after;
        Some(line)
    })
}

/// The boundary that a `Content-Type` names.
///
/// # Errors
/// 400 when there is none, or more than one.
pub(super) fn boundary(content_type: &[u8]) -> Result<Vec<u8>, ApiError> {
    let mut values = parameters::values(content_type, "boundary");
    match (values.pop(), values.is_empty()) {
        (Some(boundary), true) if (1..=MAX_BOUNDARY).contains(&boundary.len()) => Ok(boundary),
        _ => Err(ApiError::input(BOUNDARY_PROBLEM)),
    }
}

/// The content of one part.
pub(super) struct Content {
    /// `None` if there were more than the limit.
    pub(super) bytes: Option<Bytes>,
    /// How many bytes there were.
    pub(super) length: u64,
}

/// A body, of which each part is read before the next one.
pub(super) struct Parts {
    intake: Intake,
    /// What has come in and was not read yet.
    buffer: BytesMut,
    /// CR LF, two dashes and the boundary.
    delimiter: memmem::Finder<'static>,
    /// How many bytes more may come in.
    left: u64,
}

impl Parts {
    /// Over a body of at most `longest` bytes.
    pub(super) fn new(intake: Intake, boundary: &[u8], maximum: u64) -> Self {
        let delimiter = [b"\r\n--".as_slice(), boundary].concat();
        let delimiter = memmem::Finder::new(&delimiter).into_owned();
        // The first boundary may stand at the very start, without a line end before it.
        Self { intake, buffer: BytesMut::from(LINE_END), delimiter, left: maximum }
    }

    /// Reads past what stands before the first part, which nobody is to read (RFC 2046, 5.1.1).
    ///
    /// # Errors
    /// 400 when no boundary comes, as for any that the body breaks off; 413 over the length of the body.
    pub(super) async fn preamble(&mut self) -> Result<(), ApiError> {
        self.content(0).await.map(drop)
    }

    /// The headers of the next part; `None` after the last part, when the whole body has been read.
    ///
    /// # Errors
    /// As [`Parts::preamble`]; 400 for headers that are too long or none.
    pub(super) async fn next(&mut self) -> Result<Option<Headers>, ApiError> {
        if self.at_end().await? {
            return Ok(None);
        }
        let mut searched = 0;
        loop {
            // The line end of the boundary is still in the buffer, so that no headers at all are a blank line as well.
            match memmem::find(&self.buffer[searched..], b"\r\n\r\n").map(|at| searched + at) {
                Some(end) if end <= MAX_HEADERS => {
                    // The blank line stays: where a part has no content, it belongs to the next boundary (RFC 2046, 5.1.1).
                    let block = self.buffer.split_to(end + LINE_END.len());
                    return Headers::read(block.get(LINE_END.len()..end).unwrap_or_default()).map(Some);
                }
                None if self.buffer.len() <= MAX_HEADERS => {
                    searched = self.buffer.len().saturating_sub(3);
                    self.more().await?;
                }
                _ => return Err(ApiError::input(format!("the headers of a part may have {MAX_HEADERS} bytes"))),
            }
        }
    }

    /// Right after a boundary: whether it was the last. What comes after the last is read and ignored.
    async fn at_end(&mut self) -> Result<bool, ApiError> {
        while self.buffer.len() < LINE_END.len() {
            self.more().await?;
        }
        let last = self.buffer.starts_with(b"--");
        if last {
            let _ = self.buffer.split_to(2);
        }
        loop {
            let padding = self.buffer.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            if padding > MAX_PADDING {
                return Err(ApiError::input(BOUNDARY_PROBLEM));
            }
            let rest = &self.buffer[padding..];
            if rest.starts_with(LINE_END) {
                let _ = self.buffer.split_to(padding);
                break;
            }
            if !LINE_END.starts_with(rest) {
                return Err(ApiError::input(BOUNDARY_PROBLEM));
            }
            if !self.fill().await? {
                if last && self.buffer.len() == padding {
                    break;
                }
                return Err(ApiError::input(INCOMPLETE));
            }
        }
        while last && self.fill().await? {
            self.buffer.clear();
        }
        Ok(last)
    }

    /// The content of the part whose headers were read, to the next boundary. Beyond `limit` bytes it is read on and not kept.
    ///
    /// # Errors
    /// As [`Parts::preamble`].
    pub(super) async fn content(&mut self, limit: usize) -> Result<Content, ApiError> {
        let mut content = BytesMut::new();
        let mut length = 0_u64;
        // The line end that the buffer begins with is no content.
        let mut lead = LINE_END.len();
        let tail = self.delimiter.needle().len() - 1;
        loop {
            let found = self.delimiter.find(&self.buffer);
            // What may be the start of a boundary stays.
            let ready = found.unwrap_or_else(|| self.buffer.len().saturating_sub(tail));
            let mut chunk = self.buffer.split_to(ready);
            let skipped = lead.min(chunk.len());
            lead -= skipped;
            let _ = chunk.split_to(skipped);
            length += chunk.len() as u64;
            if length <= limit as u64 {
                content.extend_from_slice(&chunk);
            } else {
                content = BytesMut::new();
            }
            if found.is_some() {
                let _ = self.buffer.split_to(self.delimiter.needle().len());
                let bytes = (length <= limit as u64).then(|| content.freeze());
                if bytes.is_none() {
                    self.intake.forget(length);
                }
                return Ok(Content { bytes, length });
            }
            self.more().await?;
        }
    }

    /// The room that what was read takes.
    pub(super) fn into_share(self) -> Share {
        self.intake.into_share()
    }

    async fn more(&mut self) -> Result<(), ApiError> {
        if self.fill().await? { Ok(()) } else { Err(ApiError::input(INCOMPLETE)) }
    }

    /// Takes in the next bytes; false at the end of the body.
    async fn fill(&mut self) -> Result<bool, ApiError> {
        let Some(chunk) = self.intake.next().await? else { return Ok(false) };
        self.left = self.left.checked_sub(chunk.len() as u64).ok_or_else(|| ApiError::too_large("the body is too large"))?;
        self.buffer.extend_from_slice(&chunk);
        Ok(true)
    }
}
