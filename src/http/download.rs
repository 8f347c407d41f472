//! Files as answers: bytes on their way out, with their media type and their name.

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use bytes::Bytes;
use percent_encoding::utf8_percent_encode;
use utoipa::{PartialSchema, ToSchema};

use super::call::{Answer, Described, Schemas, status};
use super::error::ApiError;
use super::operation::Success;
use crate::catalogue::documents;
use crate::percent::NOT_OF_ATTRIBUTES;
use crate::public_url::Disposition;

/// The header of a row that answers with a file.
pub const FILE_NAME: (&str, &str) = ("Content-Disposition", "File name of the download.");

/// A file on its way out.
pub struct Download {
    pub content: Content,
    pub media_type: &'static str,
    pub file_name: String,
    pub disposition: Disposition,
    /// Whether a browser that shows it might run what is in it.
    pub is_active: bool,
}

/// Where the bytes of a file come from.
pub enum Content {
    /// The blob store, piece by piece.
    Pieces(documents::Download),
    /// Memory.
    Whole(Bytes),
}

/// The bytes of a file.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code)]
pub struct Binary(Vec<u8>);

impl Download {
    /// A PDF to be saved.
    pub fn pdf(content: Content, file_name: String) -> Self {
        Self { content, media_type: "application/pdf", file_name, disposition: Disposition::Attachment, is_active: false }
    }

    pub fn response(self, status: StatusCode) -> HttpResponse {
        let mut response = HttpResponse::build(status);
        response
            .insert_header((header::CONTENT_TYPE, self.media_type))
            .insert_header((header::CONTENT_DISPOSITION, content_disposition(&self.file_name, self.disposition)))
            .insert_header((header::CACHE_CONTROL, "private"))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
        if self.is_active {
            // What a client stored must not run as a page of this server.
            response.insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"));
        }
        match self.content {
            Content::Whole(bytes) => response.body(bytes),
            Content::Pieces(bytes) => {
                let size = bytes.size();
                let pieces = futures::stream::try_unfold(bytes, |mut bytes| async move {
                    let piece = bytes.next().await.inspect_err(|error| tracing::error!(%error, "a download broke off"))?;
                    Ok::<_, documents::Error>(piece.map(|piece| (piece, bytes)))
                });
                response.body(SizedStream::new(size, Box::pin(pieces)))
            }
        }
    }
}

/// A PDF, as the answer of a download or of a fill (note fill-binary-type).
pub struct Pdf(pub Download);

impl Answer for Pdf {
    fn described(_: &mut Schemas) -> Vec<Option<Described>> {
        vec![Some(Described::new(&["application/octet-stream", "application/pdf"], Binary::schema()))]
    }

    fn respond(self, answers: &'static [Success]) -> Result<HttpResponse, ApiError> {
        Ok(self.0.response(status(answers, 0)?))
    }
}

/// Content-Disposition with a file name: plain for old clients, and as UTF-8 (RFC 6266, 4.3 and appendix D; RFC 8187).
pub fn content_disposition(file_name: &str, disposition: Disposition) -> HeaderValue {
    let kind = match disposition {
        Disposition::Attachment => "attachment",
        Disposition::Inline => "inline",
    };
    // Slashes would be taken for folders, a percent sign for an escape.
    let plain: String = file_name.chars().map(|c| if c.is_ascii_graphic() && !"\"\\/%".contains(c) { c } else { '_' }).collect();
    let extended = utf8_percent_encode(file_name, NOT_OF_ATTRIBUTES);
    let text = match plain == file_name {
        true => format!("{kind}; filename=\"{plain}\""),
        false => format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{extended}"),
    };
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}
