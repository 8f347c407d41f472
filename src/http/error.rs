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
use serde::Serialize;
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

fn reference(code: &str) -> String {
    format!("{}#{code}", DOCUMENTATION.get().map_or(DEFAULT_DOCUMENTATION, String::as_str))
}

/// The codes of one API: the error of an operation has the codes of the API that the operation belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// `MDOC_...`: `/v1`, and all that is no operation of an API.
    #[default]
    Documents,
    /// `MCONS_...`: `/v2`. Its contract knows no 403 and no 410 of its own.
    Consents,
}

impl Family {
    pub const ALL: [Self; 2] = [Self::Documents, Self::Consents];

    /// That of a path, whether an operation has it or not.
    pub fn of_path(path: &str) -> Self {
        match path.strip_prefix("/v2") {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => Self::Consents,
            _ => Self::Documents,
        }
    }

    /// All its codes, in their order.
    pub fn codes(self) -> Vec<&'static str> {
        let mut codes: Vec<_> = Kind::ALL.into_iter().map(|kind| kind.code(self)).collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }
}

/// What kind of problem it is: its title, and its code in each family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Internal,
    Parameter,
    Input,
    Unauthorized,
    NotFound,
    Gone,
    Conflict,
    Incomplete,
    /// The header `x-key` is missing or nothing that this server makes.
    KeyMalformed,
    /// The `x-key` is of another customer, segment or organization, altered, or too old.
    KeyWrong,
    /// The tree was changed since its `ETag` was read.
    StaleTree,
    /// There is a tree already.
    TreeExists,
}

impl Kind {
    const ALL: [Self; 12] = [
        Self::Internal,
        Self::Parameter,
        Self::Input,
        Self::Unauthorized,
        Self::NotFound,
        Self::Gone,
        Self::Conflict,
        Self::Incomplete,
        Self::KeyMalformed,
        Self::KeyWrong,
        Self::StaleTree,
        Self::TreeExists,
    ];

    fn title(self) -> Title {
        match self {
            Self::Internal => Title::InternalServerError,
            Self::Parameter | Self::KeyMalformed => Title::ParameterError,
            Self::Input => Title::InvalidInput,
            Self::Unauthorized | Self::KeyWrong => Title::Unauthorized,
            Self::NotFound => Title::ResourceNotFound,
            Self::Gone => Title::ResourceIsNoLongerAvailable,
            Self::Conflict | Self::StaleTree | Self::TreeExists => Title::Conflict,
            Self::Incomplete => Title::UnprocessableEntity,
        }
    }

    /// The pairs of `Error.code` in the contract of each API.
    fn code(self, family: Family) -> &'static str {
        match family {
            Family::Documents => match self {
                Self::Internal => "MDOC_000",
                Self::Parameter | Self::Input | Self::KeyMalformed => "MDOC_001",
                Self::Unauthorized | Self::KeyWrong => "MDOC_002",
                Self::NotFound => "MDOC_003",
                Self::Gone => "MDOC_004",
                Self::Conflict | Self::StaleTree | Self::TreeExists => "MDOC_005",
                Self::Incomplete => "MDOC_006",
            },
            Family::Consents => match self {
                Self::Internal => "MCONS_000",
                Self::Parameter | Self::Input | Self::Incomplete => "MCONS_001",
                Self::Unauthorized => "MCONS_002",
                Self::NotFound => "MCONS_003",
                Self::Gone => "MCONS_004",
                Self::Conflict => "MCONS_005",
                Self::KeyMalformed => "MCONS_010",
                Self::KeyWrong => "MCONS_011",
                Self::StaleTree => "MCONS_020",
                Self::TreeExists => "MCONS_021",
            },
        }
    }
}

/// Error class of the contract's `Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
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

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Error {
    /// Machine-readable code, of the API that was called.
    pub code: &'static str,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ErrorsResponse {
    /// One entry per problem found, at least one.
    pub errors: Vec<Error>,
}

/// An answer that is not a success: a status and what is wrong, in words for the caller.
pub struct ApiError {
    status: StatusCode,
    family: Family,
    problems: Vec<(Kind, String)>,
    retry_after: Option<Duration>,
    allow: Option<Cow<'static, str>>,
}

impl ApiError {
    fn all(status: StatusCode, problems: Vec<(Kind, String)>) -> Self {
        Self { status, family: Family::default(), problems, retry_after: None, allow: None }
    }

    fn one(status: StatusCode, kind: Kind, details: impl Into<String>) -> Self {
        Self::all(status, vec![(kind, details.into())])
    }

    /// The same with the codes of an API. What would be a 403 is a 401 where the API has none.
    pub(super) fn of(mut self, family: Family) -> Self {
        self.family = family;
        if family == Family::Consents && self.status == StatusCode::FORBIDDEN {
            self.status = StatusCode::UNAUTHORIZED;
        }
        self
    }

    /// 400 for a path, query or header value.
    pub fn parameter(details: impl Into<String>) -> Self {
        Self::one(StatusCode::BAD_REQUEST, Kind::Parameter, details)
    }

    /// 400 for a body.
    pub fn input(details: impl Into<String>) -> Self {
        Self::one(StatusCode::BAD_REQUEST, Kind::Input, details)
    }

    /// 400 for everything that is wrong with a body; the problems beyond a bound are left out.
    pub fn inputs(details: impl IntoIterator<Item = String>) -> Self {
        let problems: Vec<_> = details.into_iter().take(MAX_PROBLEMS).map(|details| (Kind::Input, details)).collect();
        if problems.is_empty() {
            return Self::input("the body is not valid");
        }
        Self::all(StatusCode::BAD_REQUEST, problems)
    }

    /// 400 for everything that is wrong with path, query and headers; the problems beyond a bound are left out.
    pub fn parameters(details: impl IntoIterator<Item = String>) -> Self {
        let mut error = Self::inputs(details);
        error.problems.iter_mut().for_each(|(kind, _)| *kind = Kind::Parameter);
        error
    }

    /// 401: authentication or authorization failed.
    pub fn unauthorized(details: impl Into<String>) -> Self {
        Self::one(StatusCode::UNAUTHORIZED, Kind::Unauthorized, details)
    }

    /// 403: the credentials are not valid for this request.
    pub fn forbidden(details: impl Into<String>) -> Self {
        Self::one(StatusCode::FORBIDDEN, Kind::Unauthorized, details)
    }

    /// 400 for an `x-key` that is missing or malformed.
    pub fn malformed_key(details: impl Into<String>) -> Self {
        Self::one(StatusCode::BAD_REQUEST, Kind::KeyMalformed, details)
    }

    /// 401 for an `x-key` that is not of this customer, segment and organization, was altered, or is too old.
    pub fn wrong_key(details: impl Into<String>) -> Self {
        Self::one(StatusCode::UNAUTHORIZED, Kind::KeyWrong, details)
    }

    /// 400 for a tree that was changed since its `ETag` was read (note stale-etag-status).
    pub fn stale_tree(details: impl Into<String>) -> Self {
        Self::one(StatusCode::BAD_REQUEST, Kind::StaleTree, details)
    }

    /// 400 for a tree that is there already (note existing-tree-status).
    pub fn tree_exists(details: impl Into<String>) -> Self {
        Self::one(StatusCode::BAD_REQUEST, Kind::TreeExists, details)
    }

    /// 404: there is no such resource.
    pub fn not_found(details: impl Into<String>) -> Self {
        Self::one(StatusCode::NOT_FOUND, Kind::NotFound, details)
    }

    /// 404 for everything that is named and is not there; the problems beyond a bound are left out.
    pub fn not_founds(details: impl IntoIterator<Item = String>) -> Self {
        let mut error = Self::inputs(details);
        error.status = StatusCode::NOT_FOUND;
        error.problems.iter_mut().for_each(|(kind, _)| *kind = Kind::NotFound);
        error
    }

    /// 405, with the methods that the path has, as the `Allow` header wants them (RFC 9110, 15.5.6).
    pub fn method_not_allowed(allow: impl Into<Cow<'static, str>>) -> Self {
        let allow = allow.into();
        let mut error = Self::one(StatusCode::METHOD_NOT_ALLOWED, Kind::Parameter, format!("this path allows only {allow}"));
        error.allow = Some(allow);
        error
    }

    /// 408: the body did not arrive in time.
    pub fn timeout(details: impl Into<String>) -> Self {
        Self::one(StatusCode::REQUEST_TIMEOUT, Kind::Input, details)
    }

    /// 409: the state of the resource does not allow the change.
    pub fn conflict(details: impl Into<String>) -> Self {
        Self::one(StatusCode::CONFLICT, Kind::Conflict, details)
    }

    /// 410: the resource existed but is no longer available.
    pub fn gone(details: impl Into<String>) -> Self {
        Self::one(StatusCode::GONE, Kind::Gone, details)
    }

    /// 412: the request cannot be handled yet.
    pub fn precondition_failed(details: impl Into<String>) -> Self {
        Self::one(StatusCode::PRECONDITION_FAILED, Kind::Conflict, details)
    }

    /// 413: the body or a part of it is over its limit.
    pub fn too_large(details: impl Into<String>) -> Self {
        Self::one(StatusCode::PAYLOAD_TOO_LARGE, Kind::Input, details)
    }

    /// 415: the media type of the body is not one that the operation takes.
    pub fn unsupported_media_type(details: impl Into<String>) -> Self {
        Self::one(StatusCode::UNSUPPORTED_MEDIA_TYPE, Kind::Parameter, details)
    }

    /// 422 for everything that a well formed body lacks; the problems beyond a bound are left out.
    pub fn unprocessable(details: impl IntoIterator<Item = String>) -> Self {
        let mut error = Self::inputs(details);
        error.status = StatusCode::UNPROCESSABLE_ENTITY;
        error.problems.iter_mut().for_each(|(kind, _)| *kind = Kind::Incomplete);
        error
    }

    /// 429: too many requests.
    pub fn too_many_requests(details: impl Into<String>, retry_after: Duration) -> Self {
        let mut error = Self::one(StatusCode::TOO_MANY_REQUESTS, Kind::Conflict, details);
        error.retry_after = Some(retry_after);
        error
    }

    /// 503 with `Retry-After`: over the load, or a part that is needed does not answer. The cause is logged, not told.
    pub fn unavailable(cause: impl fmt::Display, retry_after: Duration) -> Self {
        tracing::warn!(%cause, "answering 503");
        let details = "the service cannot handle the request at the moment, try again later";
        let mut error = Self::one(StatusCode::SERVICE_UNAVAILABLE, Kind::Internal, details);
        error.retry_after = Some(retry_after);
        error
    }

    /// 500. The cause is logged, not told; it must hold nothing secret.
    pub fn internal(cause: impl fmt::Display) -> Self {
        tracing::error!(%cause, "answering 500");
        Self::one(StatusCode::INTERNAL_SERVER_ERROR, Kind::Internal, "unexpected error")
    }

    /// The details of all problems in one text: for an error that takes the place of this one.
    pub(super) fn details(&self) -> String {
        self.problems.iter().map(|(_, details)| details.as_str()).collect::<Vec<_>>().join("; ")
    }

    /// Both in one answer, which has the status of the first; the problems beyond a bound are left out.
    pub fn and(mut self, other: Self) -> Self {
        self.problems.extend(other.problems);
        self.problems.truncate(MAX_PROBLEMS);
        self
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The body of the answer.
    pub fn body(&self) -> ErrorsResponse {
        let entry = |(kind, details): &(Kind, String)| {
            let code = kind.code(self.family);
            Error { code, title: kind.title(), reference: reference(code), details: details.clone() }
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
            ApiError::one(status, Kind::Parameter, format!("the request line and the headers may have {MAX_HEAD} bytes"))
        }
        StatusCode::REQUEST_TIMEOUT => ApiError::timeout("the request did not arrive in time"),
        StatusCode::SERVICE_UNAVAILABLE => {
            let details = "too many connections come from this address; close some, or try again later";
            ApiError::one(status, Kind::Internal, details)
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
    fn errors_of_an_api_have_its_codes_and_titles() {
        let second = Duration::from_secs(1);
        let cases = [
            (ApiError::parameter("x"), 400, "MCONS_001", "PARAMETER_ERROR"),
            (ApiError::input("x"), 400, "MCONS_001", "INVALID_INPUT"),
            (ApiError::unauthorized("x"), 401, "MCONS_002", "UNAUTHORIZED"),
            // Its contract has no 403.
            (ApiError::forbidden("x"), 401, "MCONS_002", "UNAUTHORIZED"),
            (ApiError::not_found("x"), 404, "MCONS_003", "RESOURCE_NOT_FOUND"),
            (ApiError::method_not_allowed("GET"), 405, "MCONS_001", "PARAMETER_ERROR"),
            (ApiError::conflict("x"), 409, "MCONS_005", "CONFLICT"),
            (ApiError::gone("x"), 410, "MCONS_004", "RESOURCE_IS_NO_LONGER_AVAILABLE"),
            (ApiError::too_large("x"), 413, "MCONS_001", "INVALID_INPUT"),
            (ApiError::too_many_requests("x", second), 429, "MCONS_005", "CONFLICT"),
            (ApiError::internal("x"), 500, "MCONS_000", "INTERNAL_SERVER_ERROR"),
            (ApiError::unavailable("x", second), 503, "MCONS_000", "INTERNAL_SERVER_ERROR"),
            (ApiError::malformed_key("x"), 400, "MCONS_010", "PARAMETER_ERROR"),
            (ApiError::wrong_key("x"), 401, "MCONS_011", "UNAUTHORIZED"),
            (ApiError::stale_tree("x"), 400, "MCONS_020", "CONFLICT"),
            (ApiError::tree_exists("x"), 400, "MCONS_021", "CONFLICT"),
        ];
        for (error, status, code, title) in cases {
            let error = error.of(Family::Consents);
            let body = serde_json::to_value(error.body()).unwrap();
            let entry = &body["errors"][0];
            assert_eq!((error.status().as_u16(), entry["code"].as_str()), (status, Some(code)));
            assert_eq!(entry["title"].as_str(), Some(title), "{code}");
            assert!(entry["ref"].as_str().unwrap().ends_with(&format!("#{code}")));
        }
    }

    #[test]
    fn a_path_belongs_to_the_api_of_its_version() {
        for path in ["/v2", "/v2/", "/v2/orgs/acme/consents", "/v2/nothing"] {
            assert_eq!(Family::of_path(path), Family::Consents, "{path}");
        }
        for path in ["/v1/orgs/acme/documents", "/", "/v20/orgs", "/V2/orgs", "/public/v2/", "/sandbox/clock"] {
            assert_eq!(Family::of_path(path), Family::Documents, "{path}");
        }
    }

    #[test]
    fn every_code_has_its_place_on_the_page_that_refs_lead_to() {
        let page = pages::developer::errors();
        for code in Family::ALL.into_iter().flat_map(Family::codes) {
            let heading = format!("<h2 id=\"{code}\">");
            assert!(page.contains(&heading), "{heading}");
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
