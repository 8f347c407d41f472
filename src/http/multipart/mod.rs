//! Multipart bodies: streamed, bounded part by part, with a clear answer for what is missing, doubled or too large.
//!
//! `multipart/form-data` (RFC 7578) and `multipart/mixed` with named parts (x-notes multipart-mixed) are read alike.
//! Unknown parts are read past and ignored, as are the names of files, in whatever encoding; but for operations that take files under names that
//! the caller chooses ([`Files`]). Nothing is written to disk here.

mod parameters;
mod parts;

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Bytes;

use self::parts::{Headers, Parts};
use super::error::ApiError;
use super::intake::{Intake, Options};
use super::json::declared_length;
use crate::room::Share;

/// Maximum number of parts in one body, unknown ones included.
const MAX_PARTS: usize = 64;

/// What headers and boundaries of the parts may add to the sum of the parts' limits, in bytes.
const OVERHEAD: u64 = 64 * 1024;

/// Maximum time that a whole body may take to arrive.
pub(super) const READ_TIMEOUT: Duration = Duration::from_secs(300);

/// One part that an operation knows.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The `name` of its Content-Disposition.
    pub name: &'static str,
    /// Maximum size in bytes; for a part that may be repeated, of each of them.
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

/// Files under names that the caller chooses: all parts that an operation does not know (note part-names).
#[derive(Clone, Copy, Debug, Default)]
pub struct Files {
    /// Maximum number of them.
    pub count: usize,
    /// Maximum size of each, in bytes.
    pub limit: usize,
}

/// One of them.
#[derive(Debug)]
pub struct File {
    /// The name of the part, and those of the file.
    names: Vec<String>,
    /// The bytes.
    pub bytes: Bytes,
}

impl File {
    /// Whether the part or its file has a name.
    pub fn is_called(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }
}

/// The parts of a body that the operation knows.
pub struct Form {
    parts: Vec<(&'static str, Bytes)>,
    files: Vec<File>,
    /// The room that the parts take.
    _room: Share,
}

impl Form {
    /// The bytes of a part, taken out.
    pub fn take(&mut self, name: &str) -> Option<Bytes> {
        let at = self.parts.iter().position(|(part, _)| *part == name)?;
        Some(self.parts.remove(at).1)
    }

    /// The files under names that the caller chose.
    pub fn files(&self) -> &[File] {
        &self.files
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

/// Reads a multipart body. It takes room of the share as its bytes come in, until the form is dropped.
///
/// # Errors
/// 415 for another media type, 400 for a body that is not well formed or a doubled part, 413 for one over its limit,
/// 408 when it comes too late or too slowly, 503 when there is no room for it.
pub async fn read(request: &HttpRequest, payload: Payload, parts: &[Part], share: Share) -> Result<Form, ApiError> {
    read_with_files(request, payload, parts, Files::default(), share).await
}

/// The same with files under names that the caller chooses.
///
/// # Errors
/// As [`read`]; 400 for too many files.
pub async fn read_with_files(
    request: &HttpRequest,
    payload: Payload,
    parts: &[Part],
    files: Files,
    share: Share,
) -> Result<Form, ApiError> {
    let kind = Kind::of(request)?;
    let of_files = files.count as u64 * files.limit as u64;
    let maximum = parts.iter().map(|part| part.limit as u64).sum::<u64>() + of_files + OVERHEAD;
    if declared_length(request).is_some_and(|length| length > 2 * maximum) {
        return Err(ApiError::too_large(format!("the body may have {maximum} bytes")));
    }
    let intake = Intake::new(payload, share, READ_TIMEOUT, Options::of(request).slow_after);
    read_parts(Parts::new(intake, &kind.boundary, 2 * maximum), &kind, parts, files).await
}

/// What a body is declared as.
struct Kind {
    /// RFC 7578 wants the disposition `form-data` of each part; in `multipart/mixed` others are just as good.
    form: bool,
    boundary: Vec<u8>,
}

impl Kind {
    fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        let declared = request.headers().get(header::CONTENT_TYPE).map(|value| value.as_bytes()).unwrap_or_default();
        let form = match parameters::essence(declared).as_slice() {
            b"multipart/form-data" => true,
            b"multipart/mixed" => false,
            _ => {
                return Err(ApiError::unsupported_media_type("the body must be sent as multipart/form-data or multipart/mixed"));
            }
        };
        Ok(Self { form, boundary: parts::boundary(declared)? })
    }

    /// The name of a part.
    fn name(&self, headers: &Headers) -> Result<String, ApiError> {
        let missing = || ApiError::input("each part needs a Content-Disposition header with a name");
        let disposition = headers.get("content-disposition")?.ok_or_else(missing)?;
        if self.form && parameters::essence(disposition) != b"form-data" {
            return Err(missing());
        }
        let mut names = parameters::values(disposition, "name");
        let name = names.pop().ok_or_else(missing)?;
        if !names.is_empty() {
            return Err(ApiError::input("a part has more than one name"));
        }
        // The parts of operations have names in ASCII: another name is that of an unknown part.
        Ok(String::from_utf8_lossy(&name).into_owned())
    }
}

/// The names of the file of a part: plain, and as UTF-8 (RFC 6266, 4.3). A name in another encoding is not what anybody asks for.
fn file_names(headers: &Headers) -> Result<Vec<String>, ApiError> {
    let disposition = headers.get("content-disposition")?.unwrap_or_default();
    let plain = parameters::values(disposition, "filename").into_iter().filter_map(|name| String::from_utf8(name).ok());
    let extended = parameters::values(disposition, "filename*").into_iter().filter_map(|value| {
        let value = String::from_utf8(value).ok()?;
        let (charset, rest) = value.split_once('\'')?;
        let (_, name) = rest.split_once('\'')?;
        let name = percent_encoding::percent_decode_str(name).decode_utf8().ok()?;
        charset.eq_ignore_ascii_case("utf-8").then(|| name.into_owned())
    });
    Ok(plain.chain(extended).collect())
}

async fn read_parts(mut body: Parts, kind: &Kind, parts: &[Part], takes: Files) -> Result<Form, ApiError> {
    let mut found: Vec<(&'static str, Bytes)> = Vec::new();
    let mut files = Vec::new();
    let mut oversized = None;
    let mut count = 0;
    body.preamble().await?;
    while let Some(headers) = body.next().await? {
        count += 1;
        if count > MAX_PARTS {
            return Err(ApiError::input(format!("the body has more than {MAX_PARTS} parts")));
        }
        let name = kind.name(&headers)?;
        let declared = declared(&headers)?;
        let part = parts.iter().find(|part| part.name == name);
        if let Some(part) = part.filter(|part| !part.repeated && found.iter().any(|(name, _)| *name == part.name)) {
            return Err(ApiError::input(format!("{}: the part comes more than once", part.name)));
        }
        if part.is_none() && takes.count > 0 && files.len() == takes.count {
            return Err(ApiError::input(format!("the body has more than {} files", takes.count)));
        }
        let file_names = file_names(&headers)?;
        let limit = part.map_or(takes.limit, |part| part.limit);
        let content = body.content(limit).await?;
        if declared.is_some_and(|declared| declared != content.length) {
            return Err(ApiError::input("the Content-Length of a part is not its length"));
        }
        match (part, content.bytes) {
            (Some(part), Some(bytes)) => found.push((part.name, bytes)),
            // Read on all the same, within the bound of the whole body: a client that is cut off while it sends
            // sees a broken connection instead of the answer.
            (Some(part), None) => oversized = oversized.or(Some((part.name, limit))),
            (None, _) if takes.count == 0 => {}
            (None, Some(bytes)) => files.push(File { names: [vec![name], file_names].concat(), bytes }),
            (None, None) => oversized = oversized.or(Some(("files", limit))),
        }
    }
    match oversized {
        Some((name, limit)) => Err(ApiError::too_large(format!("{name}: the part may have {limit} bytes"))),
        None => Ok(Form { parts: found, files, _room: body.into_share() }),
    }
}

/// The length that a part declares for itself, if it does.
fn declared(headers: &Headers) -> Result<Option<u64>, ApiError> {
    let kind = headers.get("content-type")?.unwrap_or_default();
    if kind.get(..10).is_some_and(|start| start.eq_ignore_ascii_case(b"multipart/")) {
        return Err(ApiError::input("a part may not itself be multipart"));
    }
    let wrong = || ApiError::input("the Content-Length of a part is not a number");
    let Some(length) = headers.get("content-length")? else { return Ok(None) };
    std::str::from_utf8(length).ok().and_then(|length| length.parse().ok()).map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::Pin;

    use actix_web::error::PayloadError;
    use actix_web::test::TestRequest;
    use futures::Stream;

    use crate::room::Room;

    const PARTS: [Part; 2] = [Part::repeated("tags", 16), Part::once("content", 10)];

    async fn read_body(media_type: &str, body: impl Into<Bytes>) -> Result<Form, ApiError> {
        let (request, payload) =
            TestRequest::post().insert_header((header::CONTENT_TYPE, media_type)).set_payload(body.into()).to_http_parts();
        read(&request, payload, &PARTS, share()).await
    }

    fn share() -> Share {
        Room::new(1 << 24).share("acme")
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
    async fn the_name_of_a_file_may_be_any_bytes() {
        let names: [&[u8]; 8] = [
            b"\"a\xF1o.pdf\"",
            b"\"\xBA\xCF\xCD\xAC.pdf\"",
            b"\"\x95\x5C\"",
            b"\"\x1B$B7@Ls\x1B(B.pdf\"",
            b"\"a \"b\" \\\"c\\\"\"",
            b"\"C:\\scans\\\"",
            b"\"folded\r\n\tname.pdf\"; filename*=UTF-8''%e2%82%ac.pdf",
            &[b'"'; 60_000],
        ];
        for name in names {
            for parameters in [[b"name=\"content\"; filename=", name].concat(), [b"filename=", name, b"; name=content"].concat()]
            {
                // No name is told apart within nothing but quotes.
                if name.len() > 1_000 && parameters.starts_with(b"filename") {
                    continue;
                }
                let start = b"--XX\r\nContent-Type: application/pdf\r\nX-Made-By: \xC4pp\r\nContent-Disposition: form-data; ";
                let body = [start, parameters.as_slice(), b"\r\n\r\nbytes\r\n--XX--\r\n"].concat();
                let mut form = read_body(FORM, body).await.unwrap_or_else(|_| panic!("{}", parameters.escape_ascii()));
                assert_eq!(form.take("content").unwrap(), "bytes");
            }
        }
    }

    #[actix_web::test]
    async fn headers_of_a_part_are_bounded() {
        let body = |size| part(&format!("form-data; name=content; filename={}", "x".repeat(size)), "a") + "--XX--";
        assert!(read_body(FORM, body(65_000)).await.is_ok());
        assert_eq!(details(read_body(FORM, body(66_000)).await), (400, "the headers of a part may have 65536 bytes".into()));
    }

    #[actix_web::test]
    async fn what_stands_around_the_parts_and_white_space_after_boundaries_are_ignored() {
        let body =
            "to be ignored\r\n--XX \t\r\nContent-Disposition: form-data; name=content\r\n\r\n--X\r\n--XX-- \r\nand this\r\n--XX";
        assert_eq!(read_body(FORM, body).await.unwrap().take("content").unwrap(), "--X");
    }

    #[actix_web::test]
    async fn a_part_without_content_is_empty() {
        for end in ["\r\n\r\n--XX--", "\r\n\r\n\r\n--XX--"] {
            let body = format!("--XX\r\nContent-Disposition: form-data; name=content{end}");
            assert_eq!(read_body(FORM, body).await.unwrap().take("content").unwrap(), "");
        }
    }

    #[actix_web::test]
    async fn however_a_body_is_cut_into_pieces_it_is_read_alike() {
        let content = "\r\n--X\r\n\r-";
        let body = part("form-data; name=tags", "a,b") + &part("form-data; name=content", content) + "--XX--\r\n";
        for size in 1..body.len() {
            let pieces: Vec<_> = body.as_bytes().chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
            let stream: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(futures::stream::iter(pieces));
            let request = TestRequest::post().insert_header((header::CONTENT_TYPE, FORM)).to_http_request();
            let mut form = read(&request, Payload::from(stream), &PARTS, share()).await.unwrap();
            assert_eq!((form.take("content").unwrap(), form.take("tags").unwrap()), (content.into(), "a,b".into()), "{size}");
        }
    }

    #[actix_web::test]
    async fn unknown_parts_are_ignored() {
        let body = part("form-data; name=other", "long enough to be over each limit") + "--XX--\r\n";
        assert!(read_body(FORM, body).await.unwrap().take("other").is_none());
    }

    /// Note part-names.
    #[actix_web::test]
    async fn files_are_kept_under_the_names_of_their_parts_and_of_their_files() {
        let read_files = async |media_type: &str, body: String| {
            let (request, payload) =
                TestRequest::post().insert_header((header::CONTENT_TYPE, media_type)).set_payload(body).to_http_parts();
            read_with_files(&request, payload, &PARTS, Files { count: 3, limit: 8 }, share()).await
        };
        let body = part("form-data; name=content", "known")
            + &part("form-data; name=files; filename=\"a.hbs\"", "first")
            + &part("form-data; name=files; filename=\"x\"; filename*=UTF-8''a%C3%B1o.hbs", "second")
            + &part("form-data; name=config", "third");
        let mut form = read_files(FORM, body.clone() + "--XX--").await.unwrap();
        assert_eq!(form.take("content").unwrap(), "known");
        let called = |name: &str| {
            let files = form.files().iter().filter(|file| file.is_called(name));
            files.map(|file| String::from_utf8_lossy(&file.bytes).into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(called("files"), ["first", "second"]);
        for (name, content) in [("a.hbs", "first"), ("x", "second"), ("año.hbs", "second"), ("config", "third")] {
            assert_eq!(called(name), [content], "{name}");
        }
        assert!(called("content").is_empty() && called("").is_empty() && called("tags").is_empty());

        let fourth = body + &part("form-data; name=more", "x") + "--XX--";
        assert_eq!(details(read_files(FORM, fourth).await), (400, "the body has more than 3 files".into()));
        let large = part("form-data; name=more", "123456789") + "--XX--";
        assert_eq!(details(read_files(FORM, large).await), (413, "files: the part may have 8 bytes".into()));
        let mixed = part("attachment; name=a; filename=b", "x") + "--XX--";
        assert!(read_files("multipart/mixed; boundary=XX", mixed).await.unwrap().files()[0].is_called("b"));
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
            part("form-data; name=content\r\nContent-Length: 2", "x") + "--XX--",
            part("form-data; name=content; name=tags", "x") + "--XX--",
            part("form-data; name=content\r\nContent-Disposition: form-data; name=tags", "x") + "--XX--",
            part("attachment; name=content", "x") + "--XX--",
            part("form-data; name=content\r\nno header", "x") + "--XX--",
            "--XX\r\n folded: nothing\r\n\r\nx\r\n--XX--".into(),
            part("form-data; name=content", "x") + "--XXY--\r\n",
            part("form-data; name=content", "x") + "--XX--Y",
            part("form-data; name=content", "x") + "--XX-",
            part("form-data; name=content\r\nContent-Type: multipart/mixed; boundary=YY", "x") + "--XX--",
            (0..70).map(|_| part("form-data; name=tags", "x")).collect::<String>() + "--XX--\r\n",
        ];
        for body in bodies {
            assert_eq!(details(read_body(FORM, body.clone()).await).0, 400, "{body}");
        }
        for without in ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=a; boundary=b"] {
            assert_eq!(details(read_body(without, "--XX--").await).0, 400, "{without}");
        }
        assert_eq!(details(read_body("application/json", "{}").await).0, 415);
        assert_eq!(details(read_body("multipart/related; boundary=XX", "--XX--").await).0, 415);
    }
}
