//! Multipart bodies: streamed, bounded part by part, with a clear answer for what is missing, doubled or too large.
//!
//! `multipart/form-data` (RFC 7578) and `multipart/mixed` with named parts (x-notes multipart-mixed) are read alike.
//! Unknown parts are read past and ignored. Nothing is written to disk here.

use std::time::Duration;

use actix_multipart::{Field, Multipart};
use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::header::{self, ContentDisposition};
use actix_web::web::{Bytes, BytesMut};
use futures::StreamExt;

use super::error::ApiError;
use super::json::declared_length;

/// Most parts in one body, unknown ones included.
const MAX_PARTS: usize = 64;

/// What headers and boundaries of the parts may add to the sum of the parts' limits, in bytes.
const OVERHEAD: u64 = 64 * 1024;

/// Longest time that a whole body may take to arrive.
const READ_TIMEOUT: Duration = Duration::from_secs(300);

/// One part that an operation knows.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The `name` of its Content-Disposition.
    pub name: &'static str,
    /// Most bytes; for a part that may be repeated, of each of them.
    pub limit: usize,
    /// Whether the part may come several times.
    pub repeated: bool,
}

impl Part {
    /// A part that comes at most once.
    pub const fn once(name: &'static str, limit: usize) -> Self {
        Self { name, limit, repeated: false }
    }

    /// A part that may be repeated.
    pub const fn repeated(name: &'static str, limit: usize) -> Self {
        Self { name, limit, repeated: true }
    }
}

/// The parts of a body that the operation knows.
#[derive(Default)]
pub struct Form {
    parts: Vec<(&'static str, Bytes)>,
}

impl Form {
    /// The bytes of a part, taken out.
    pub fn take(&mut self, name: &str) -> Option<Bytes> {
        let at = self.parts.iter().position(|(part, _)| *part == name)?;
        Some(self.parts.remove(at).1)
    }

    /// The text of a part, taken out.
    ///
    /// # Errors
    /// 400 when it is not UTF-8.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        self.take(name).map(|bytes| text(name, &bytes)).transpose()
    }

    /// The values of a part that may be repeated and may hold several values separated by commas, in order;
    /// `None` if there is no such part.
    ///
    /// # Errors
    /// 400 when it is not UTF-8.
    pub fn list(&mut self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        let mut values = None;
        while let Some(bytes) = self.take(name) {
            let text = text(name, &bytes)?;
            values.get_or_insert_with(Vec::new).extend(text.split(',').map(str::to_owned));
        }
        Ok(values)
    }
}

fn text(name: &str, bytes: &[u8]) -> Result<String, ApiError> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| ApiError::input(format!("{name}: not UTF-8 text")))
}

/// Reads a multipart body.
///
/// # Errors
/// 415 for another media type, 400 for a body that is not well formed or a doubled part, 413 for one over its limit,
/// 408 when it does not arrive in time.
pub async fn read(request: &HttpRequest, payload: Payload, parts: &[Part]) -> Result<Form, ApiError> {
    require_multipart(request)?;
    let most = parts.iter().map(|part| part.limit as u64).sum::<u64>() + OVERHEAD;
    if declared_length(request).is_some_and(|length| length > 2 * most) {
        return Err(ApiError::too_large(format!("the body may have {most} bytes")));
    }
    tokio::time::timeout(READ_TIMEOUT, read_parts(request, payload, parts, most))
        .await
        .map_err(|_| ApiError::timeout("the body did not arrive in time"))?
}

fn require_multipart(request: &HttpRequest) -> Result<(), ApiError> {
    let declared = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "multipart/form-data" | "multipart/mixed" => Ok(()),
        _ => Err(ApiError::unsupported_media_type("the body must be sent as multipart/form-data or multipart/mixed")),
    }
}

async fn read_parts(request: &HttpRequest, payload: Payload, parts: &[Part], most: u64) -> Result<Form, ApiError> {
    let mut multipart = Multipart::new(request.headers(), payload);
    let mut form = Form::default();
    let mut reading = Reading { left: 2 * most };
    let mut oversized = None;
    let mut count = 0;
    while let Some(field) = multipart.next().await {
        let field = field.map_err(refusal)?;
        count += 1;
        if count > MAX_PARTS {
            return Err(ApiError::input(format!("the body has more than {MAX_PARTS} parts")));
        }
        let name = part_name(&field)?;
        let Some(part) = parts.iter().find(|part| part.name == name) else {
            reading.part(field, 0).await?;
            continue;
        };
        if !part.repeated && form.parts.iter().any(|(name, _)| *name == part.name) {
            return Err(ApiError::input(format!("{}: the part comes more than once", part.name)));
        }
        match reading.part(field, part.limit).await? {
            Some(bytes) => form.parts.push((part.name, bytes)),
            // Read on all the same, within the bound of the whole body: a client that is cut off while it sends
            // sees a broken connection instead of the answer.
            None => oversized = oversized.or(Some(part)),
        }
    }
    match oversized {
        Some(part) => Err(ApiError::too_large(format!("{}: the part may have {} bytes", part.name, part.limit))),
        None => Ok(form),
    }
}

fn part_name(field: &Field) -> Result<String, ApiError> {
    // The parser only reads Content-Disposition of type form-data; in multipart/mixed others are just as good.
    field
        .headers()
        .get(header::CONTENT_DISPOSITION)
        .and_then(|value| ContentDisposition::from_raw(value).ok())
        .and_then(|disposition| disposition.get_name().map(str::to_owned))
        .ok_or_else(|| ApiError::input("each part needs a Content-Disposition header with a name"))
}

/// How much more of a body will be read.
struct Reading {
    left: u64,
}

impl Reading {
    /// Reads one part to its end; `None` if it has more than `limit` bytes.
    async fn part(&mut self, mut field: Field, limit: usize) -> Result<Option<Bytes>, ApiError> {
        let mut bytes = BytesMut::new();
        let mut fits = true;
        while let Some(chunk) = field.next().await {
            let chunk = chunk.map_err(refusal)?;
            self.left = self.left.checked_sub(chunk.len() as u64).ok_or_else(|| ApiError::too_large("the body is too large"))?;
            fits = fits && bytes.len() + chunk.len() <= limit;
            if fits {
                bytes.extend_from_slice(&chunk);
            } else {
                bytes = BytesMut::new();
            }
        }
        Ok(fits.then(|| bytes.freeze()))
    }
}

fn refusal(error: actix_multipart::MultipartError) -> ApiError {
    use actix_multipart::MultipartError as E;
    let details = match error {
        E::ContentTypeMissing | E::ContentTypeParse | E::ContentTypeIncompatible => {
            return ApiError::unsupported_media_type("the body must be sent as multipart/form-data or multipart/mixed");
        }
        E::BoundaryMissing => "the boundary of the multipart body is missing or is not kept to",
        E::ContentDispositionMissing | E::ContentDispositionNameMissing => {
            "each part needs a Content-Disposition header with a name"
        }
        E::Nested => "a part may not itself be multipart",
        E::Incomplete => "the multipart body ends before its closing boundary",
        _ => "the multipart body is not well formed",
    };
    ApiError::input(details)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    const PARTS: [Part; 2] = [Part::repeated("tags", 16), Part::once("content", 10)];

    async fn read_body(media_type: &str, body: impl Into<String>) -> Result<Form, ApiError> {
        let (request, payload) =
            TestRequest::post().insert_header((header::CONTENT_TYPE, media_type)).set_payload(body.into()).to_http_parts();
        read(&request, payload, &PARTS).await
    }

    fn part(disposition: &str, value: &str) -> String {
        format!("--XX\r\nContent-Disposition: {disposition}\r\n\r\n{value}\r\n")
    }

    const FORM: &str = "multipart/form-data; boundary=XX";

    fn details(result: Result<Form, ApiError>) -> (u16, String) {
        let error = result.err().expect("a refusal");
        (error.status().as_u16(), error.body().errors[0].details.clone())
    }

    #[actix_web::test]
    async fn repeated_and_comma_separated_values_are_one_list() {
        let body = part("form-data; name=tags", "a,b") + &part("form-data; name=\"tags\"", "c") + "--XX--\r\n";
        let mut form = read_body(FORM, body).await.unwrap();
        assert_eq!(form.list("tags").unwrap().unwrap(), ["a", "b", "c"]);
        assert_eq!(form.list("tags").unwrap(), None);
    }

    #[actix_web::test]
    async fn mixed_parts_are_read_by_their_names_whatever_their_disposition() {
        let body = part("inline; name=\"tags\"", "a") + &part("attachment; name=\"content\"", "bytes") + "--XX--\r\n";
        let mut form = read_body("multipart/mixed; boundary=XX", body).await.unwrap();
        assert_eq!(form.take("content").unwrap(), "bytes");
        assert_eq!(form.text("tags").unwrap().unwrap(), "a");
    }

    #[actix_web::test]
    async fn unknown_parts_are_ignored() {
        let body = part("form-data; name=other", "long enough to be over each limit") + "--XX--\r\n";
        assert!(read_body(FORM, body).await.unwrap().take("other").is_none());
    }

    #[actix_web::test]
    async fn a_doubled_part_is_refused() {
        let body = part("form-data; name=content", "a") + &part("form-data; name=content", "b") + "--XX--\r\n";
        assert_eq!(details(read_body(FORM, body).await), (400, "content: the part comes more than once".into()));
    }

    #[actix_web::test]
    async fn a_part_over_its_limit_is_413_and_one_at_its_limit_is_not() {
        let body = |size| part("form-data; name=content", &"x".repeat(size)) + "--XX--\r\n";
        assert_eq!(read_body(FORM, body(10)).await.unwrap().take("content").unwrap().len(), 10);
        assert_eq!(details(read_body(FORM, body(11)).await), (413, "content: the part may have 10 bytes".into()));
        assert_eq!(details(read_body(FORM, body(1_000_000)).await).0, 413);
    }

    #[actix_web::test]
    async fn malformed_bodies_are_refused_and_never_panic() {
        let bodies = [
            String::new(),
            "no boundary at all".into(),
            "--XX\r\n".into(),
            part("form-data", "x") + "--XX--\r\n",
            part("form-data; name=content", "x"),
            "--XX\r\n\r\n\r\n--XX--\r\n".into(),
            part("form-data; name=content\r\nContent-Length: -5", "x") + "--XX--",
            part("form-data; name=content\r\nContent-Type: multipart/mixed; boundary=YY", "x") + "--XX--",
            (0..70).map(|_| part("form-data; name=tags", "x")).collect::<String>() + "--XX--\r\n",
        ];
        for body in bodies {
            assert_eq!(details(read_body(FORM, body.clone()).await).0, 400, "{body}");
        }
        assert_eq!(details(read_body("multipart/form-data", "--XX--").await).0, 400);
        assert_eq!(details(read_body("application/json", "{}").await).0, 415);
        assert_eq!(details(read_body("multipart/related; boundary=XX", "--XX--").await).0, 415);
    }
}
