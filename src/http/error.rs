//! How errors become HTTP: status, code, title and envelope of the contract's `ErrorsResponse`. Which error of the other rooms becomes
//! which of these is said in [`super::mapping`].
//!
//! What the caller sees and what the operator sees are kept apart: an internal cause goes to the log, never into the
//! answer; a caller's mistake goes into the answer, never into the log (it may quote what the caller sent).

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::connections::MAX_HEAD;

/// Maximum number of problems that one answer lists; the rest of a hopeless body adds nothing.
const MAX_PROBLEMS: usize = workflows::values::MAX_PROBLEMS;

/// Where `ref` points as long as no base is configured.
const DEFAULT_DOCUMENTATION: &str = "http://localhost:8080/errors";

static DOCUMENTATION: OnceLock<String> = OnceLock::new();

/// Sets the base URL of the error documentation, which `ref` extends by `#CODE`. Called once at start; later calls do nothing.
pub fn set_documentation_base(url: impl Into<String>) {
    // The base belongs to the process: an error has no way to reach the configuration of the server it happens in.
    let _ = DOCUMENTATION.set(url.into());
}

fn reference(code: Code) -> String {
    format!("{}#{}", DOCUMENTATION.get().map_or(DEFAULT_DOCUMENTATION, String::as_str), code.as_str())
}

/// Machine-readable code of the contract's `Error`; see there for the pairs of status and code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[allow(missing_docs)]
pub enum Code {
    #[serde(rename = "MDOC_000")]
    Mdoc000,
    #[serde(rename = "MDOC_001")]
    Mdoc001,
    #[serde(rename = "MDOC_002")]
    Mdoc002,
    #[serde(rename = "MDOC_003")]
    Mdoc003,
    #[serde(rename = "MDOC_004")]
    Mdoc004,
    #[serde(rename = "MDOC_005")]
    Mdoc005,
    #[serde(rename = "MDOC_006")]
    Mdoc006,
}

impl Code {
    fn as_str(self) -> &'static str {
        match self {
            Self::Mdoc000 => "MDOC_000",
            Self::Mdoc001 => "MDOC_001",
            Self::Mdoc002 => "MDOC_002",
            Self::Mdoc003 => "MDOC_003",
            Self::Mdoc004 => "MDOC_004",
            Self::Mdoc005 => "MDOC_005",
            Self::Mdoc006 => "MDOC_006",
        }
    }
}

/// Error class of the contract's `Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Title {
    /// A path, query or header value is not valid.
    ParameterError,
    /// Something failed here.
    InternalServerError,
    /// The body is not valid.
    InvalidInput,
    /// Authentication or authorization failed; 403 too, as no title of its own is known.
    Unauthorized,
    /// There is no such resource.
    ResourceNotFound,
    /// The resource existed but is no longer available.
    ResourceIsNoLongerAvailable,
    /// The state does not allow it; 412 and 429 too.
    Conflict,
    /// The body is well formed but incomplete.
    UnprocessableEntity,
}

impl Title {
    /// The pairs of the contract's `Error.code`.
    fn code(self) -> Code {
        match self {
            Self::InternalServerError => Code::Mdoc000,
            Self::ParameterError | Self::InvalidInput => Code::Mdoc001,
            Self::Unauthorized => Code::Mdoc002,
            Self::ResourceNotFound => Code::Mdoc003,
            Self::ResourceIsNoLongerAvailable => Code::Mdoc004,
            Self::Conflict => Code::Mdoc005,
            Self::UnprocessableEntity => Code::Mdoc006,
        }
    }
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Error {
    /// Machine-readable code.
    pub code: Code,
    /// Error class.
    pub title: Title,
    /// URL of the documentation of the error.
    #[serde(rename = "ref")]
    #[schema(format = "uri")]
    pub reference: String,
    /// Human-readable explanation of this occurrence.
    pub details: String,
}

/// Body of every error response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorsResponse {
    /// One entry per problem found, at least one.
    pub errors: Vec<Error>,
}

/// An answer that is not a success: a status and what is wrong, in words for the caller.
pub struct ApiError {
    status: StatusCode,
    problems: Vec<(Title, String)>,
    retry_after: Option<Duration>,
    allow: Option<Cow<'static, str>>,
}

impl ApiError {
    fn one(status: StatusCode, title: Title, details: impl Into<String>) -> Self {
        Self { status, problems: vec![(title, details.into())], retry_after: None, allow: None }
    }

    /// 400 for a path, query or header value.
    pub fn parameter(details: impl Into<String>) -> Self {
        Self::one(StatusCode::BAD_REQUEST, Title::ParameterError, details)
    }

    /// 400 for a body.
    pub fn input(details: impl Into<String>) -> Self {
        Self::one(StatusCode::BAD_REQUEST, Title::InvalidInput, details)
    }

    /// 400 for everything that is wrong with a body; the problems beyond a bound are left out.
    pub fn inputs(details: impl IntoIterator<Item = String>) -> Self {
        let problems: Vec<_> = details.into_iter().take(MAX_PROBLEMS).map(|details| (Title::InvalidInput, details)).collect();
        if problems.is_empty() {
            return Self::input("the body is not valid");
        }
        Self { status: StatusCode::BAD_REQUEST, problems, retry_after: None, allow: None }
    }

    /// 400 for everything that is wrong with path, query and headers; the problems beyond a bound are left out.
    pub fn parameters(details: impl IntoIterator<Item = String>) -> Self {
        let mut error = Self::inputs(details);
        error.problems.iter_mut().for_each(|(title, _)| *title = Title::ParameterError);
        error
    }

    /// 401: authentication or authorization failed.
    pub fn unauthorized(details: impl Into<String>) -> Self {
        Self::one(StatusCode::UNAUTHORIZED, Title::Unauthorized, details)
    }

    /// 403: the credentials are not valid for this request.
    pub fn forbidden(details: impl Into<String>) -> Self {
        Self::one(StatusCode::FORBIDDEN, Title::Unauthorized, details)
    }

    /// 404: there is no such resource.
    pub fn not_found(details: impl Into<String>) -> Self {
        Self::one(StatusCode::NOT_FOUND, Title::ResourceNotFound, details)
    }

    /// 405, with the methods that the path has, as the `Allow` header wants them (RFC 9110, 15.5.6).
    pub fn method_not_allowed(allow: impl Into<Cow<'static, str>>) -> Self {
        let allow = allow.into();
        let mut error =
            Self::one(StatusCode::METHOD_NOT_ALLOWED, Title::ParameterError, format!("this path allows only {allow}"));
        error.allow = Some(allow);
        error
    }

    /// 408: the body did not arrive in time.
    pub fn timeout(details: impl Into<String>) -> Self {
        Self::one(StatusCode::REQUEST_TIMEOUT, Title::InvalidInput, details)
    }

    /// 409: the state of the resource does not allow the change.
    pub fn conflict(details: impl Into<String>) -> Self {
        Self::one(StatusCode::CONFLICT, Title::Conflict, details)
    }

    /// 410: the resource existed but is no longer available.
    pub fn gone(details: impl Into<String>) -> Self {
        Self::one(StatusCode::GONE, Title::ResourceIsNoLongerAvailable, details)
    }

    /// 412: the request cannot be handled yet.
    pub fn precondition_failed(details: impl Into<String>) -> Self {
        Self::one(StatusCode::PRECONDITION_FAILED, Title::Conflict, details)
    }

    /// 413: the body or a part of it is over its limit.
    pub fn too_large(details: impl Into<String>) -> Self {
        Self::one(StatusCode::PAYLOAD_TOO_LARGE, Title::InvalidInput, details)
    }

    /// 415: the media type of the body is not one that the operation takes.
    pub fn unsupported_media_type(details: impl Into<String>) -> Self {
        Self::one(StatusCode::UNSUPPORTED_MEDIA_TYPE, Title::ParameterError, details)
    }

    /// 422 for everything that a well formed body lacks; the problems beyond a bound are left out.
    pub fn unprocessable(details: impl IntoIterator<Item = String>) -> Self {
        let mut error = Self::inputs(details);
        error.status = StatusCode::UNPROCESSABLE_ENTITY;
        error.problems.iter_mut().for_each(|(title, _)| *title = Title::UnprocessableEntity);
        error
    }

    /// 429: too many requests.
    pub fn too_many_requests(details: impl Into<String>, retry_after: Duration) -> Self {
        let mut error = Self::one(StatusCode::TOO_MANY_REQUESTS, Title::Conflict, details);
        error.retry_after = Some(retry_after);
        error
    }

    /// 503 with `Retry-After`: over the load, or a part that is needed does not answer. The cause is logged, not told.
    pub fn unavailable(cause: impl fmt::Display, retry_after: Duration) -> Self {
        tracing::warn!(%cause, "answering 503");
        let details = "the service cannot handle the request at the moment, try again later";
        let mut error = Self::one(StatusCode::SERVICE_UNAVAILABLE, Title::InternalServerError, details);
        error.retry_after = Some(retry_after);
        error
    }

    /// 500. The cause is logged, not told; it must hold nothing secret.
    pub fn internal(cause: impl fmt::Display) -> Self {
        tracing::error!(%cause, "answering 500");
        Self::one(StatusCode::INTERNAL_SERVER_ERROR, Title::InternalServerError, "unexpected error")
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The body of the answer.
    pub fn body(&self) -> ErrorsResponse {
        let entry = |(title, details): &(Title, String)| {
            let code = title.code();
            Error { code, title: *title, reference: reference(code), details: details.clone() }
        };
        ErrorsResponse { errors: self.problems.iter().map(entry).collect() }
    }
}

/// Says only the status: the details may quote the caller's input.
impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiError({})", self.status)
    }
}

/// Says only the status: the details may quote the caller's input.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "answered {}", self.status)
    }
}

impl std::error::Error for ApiError {}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if let Some(wait) = self.retry_after {
            // Whole seconds, rounded up: a client that waits exactly so long must not come too early.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.insert_header((header::RETRY_AFTER, seconds.max(1)));
        }
        if let Some(allow) = &self.allow {
            response.insert_header((header::ALLOW, allow.as_ref()));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        response.json(self.body())
    }
}

/// The whole answer, with its head, to a request that comes to no handler: it is no HTTP, or there is no room for it.
pub fn before_any_handler(status: StatusCode) -> Vec<u8> {
    let error = match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            ApiError::one(status, Title::ParameterError, format!("the request line and the headers may have {MAX_HEAD} bytes"))
        }
        StatusCode::REQUEST_TIMEOUT => ApiError::timeout("the request did not arrive in time"),
        StatusCode::SERVICE_UNAVAILABLE => {
            let details = "too many connections come from this address; close some, or try again later";
            ApiError::one(status, Title::InternalServerError, details)
        }
        _ => ApiError::parameter("the request is not valid HTTP/1.1"),
    };
    let body = serde_json::to_vec(&error.body()).unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        error.status,
        body.len()
    );
    [head.into_bytes(), body].concat()
}

/// The route for the methods that a path does not have.
pub fn only(allow: &'static str) -> actix_web::Route {
    web::route().to(move || async move { Err::<HttpResponse, _>(ApiError::method_not_allowed(allow)) })
}

/// Extractor errors of path parameters: all are texts, so only one that is no text goes wrong.
pub fn path_config() -> web::PathConfig {
    web::PathConfig::default()
        .error_handler(|_, _| ApiError::parameter("the path is not valid: a part of it is not UTF-8 text").into())
}

/// The start of a text that the caller made.
pub(super) fn shortened(path: &str) -> String {
    const SHOWN: usize = 200;
    match path.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &path[..end]),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_the_code_and_title_of_the_contract() {
        let second = Duration::from_secs(1);
        let cases = [
            (ApiError::parameter("x"), 400, "MDOC_001", "PARAMETER_ERROR"),
            (ApiError::input("x"), 400, "MDOC_001", "INVALID_INPUT"),
            (ApiError::unauthorized("x"), 401, "MDOC_002", "UNAUTHORIZED"),
            (ApiError::forbidden("x"), 403, "MDOC_002", "UNAUTHORIZED"),
            (ApiError::not_found("x"), 404, "MDOC_003", "RESOURCE_NOT_FOUND"),
            (ApiError::method_not_allowed("GET"), 405, "MDOC_001", "PARAMETER_ERROR"),
            (ApiError::timeout("x"), 408, "MDOC_001", "INVALID_INPUT"),
            (ApiError::conflict("x"), 409, "MDOC_005", "CONFLICT"),
            (ApiError::gone("x"), 410, "MDOC_004", "RESOURCE_IS_NO_LONGER_AVAILABLE"),
            (ApiError::precondition_failed("x"), 412, "MDOC_005", "CONFLICT"),
            (ApiError::too_large("x"), 413, "MDOC_001", "INVALID_INPUT"),
            (ApiError::unsupported_media_type("x"), 415, "MDOC_001", "PARAMETER_ERROR"),
            (ApiError::unprocessable(["x".to_owned()]), 422, "MDOC_006", "UNPROCESSABLE_ENTITY"),
            (ApiError::too_many_requests("x", second), 429, "MDOC_005", "CONFLICT"),
            (ApiError::internal("x"), 500, "MDOC_000", "INTERNAL_SERVER_ERROR"),
            (ApiError::unavailable("x", second), 503, "MDOC_000", "INTERNAL_SERVER_ERROR"),
        ];
        for (error, status, code, title) in cases {
            let body = serde_json::to_value(error.body()).unwrap();
            let entry = &body["errors"][0];
            assert_eq!(error.status().as_u16(), status);
            assert_eq!((entry["code"].as_str(), entry["title"].as_str()), (Some(code), Some(title)));
            assert!(entry["ref"].as_str().unwrap().ends_with(&format!("#{code}")));
            assert!(!entry["details"].as_str().unwrap().is_empty());
        }
    }

    #[test]
    fn every_code_has_its_place_on_the_page_that_refs_lead_to() {
        let codes = [Code::Mdoc000, Code::Mdoc001, Code::Mdoc002, Code::Mdoc003, Code::Mdoc004, Code::Mdoc005, Code::Mdoc006];
        for code in codes {
            let heading = format!("<h2 id=\"{}\">", code.as_str());
            assert!(super::super::operations::ERRORS.contains(&heading), "{heading}");
        }
    }

    #[test]
    fn internal_causes_are_not_told() {
        let told = serde_json::to_string(&ApiError::internal("disk sda1 is gone").body()).unwrap();
        assert!(!told.contains("sda1"));
        let told = serde_json::to_string(&ApiError::unavailable("queue of 10.0.0.7", Duration::ZERO).body()).unwrap();
        assert!(!told.contains("10.0.0.7"));
    }

    #[test]
    fn details_are_not_in_debug_or_display() {
        let error = ApiError::input("the code 123456 is wrong");
        assert!(!format!("{error:?} {error}").contains("123456"));
    }

    #[test]
    fn retry_after_is_rounded_up_and_never_zero() {
        let header = |wait| {
            let response = ApiError::unavailable("x", wait).error_response();
            response.headers().get(header::RETRY_AFTER).unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(header(Duration::from_millis(1500)), "2");
        assert_eq!(header(Duration::ZERO), "1");
    }

    #[test]
    fn the_problems_of_one_answer_are_bounded_and_never_none() {
        assert_eq!(ApiError::inputs((0..100).map(|n| format!("member {n}"))).body().errors.len(), MAX_PROBLEMS);
        assert_eq!(ApiError::inputs([]).body().errors.len(), 1);
    }
}
