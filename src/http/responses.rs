//! The error responses that operations share, for the published OpenAPI; [`super::error`] makes the real ones.

use utoipa::IntoResponses;

use super::error::ErrorsResponse;

/// What every operation may answer.
#[derive(IntoResponses)]
#[allow(dead_code)]
pub enum Failures {
    /// 400. A path, query or header value or the body is not valid.
    #[response(status = 400)]
    BadRequest(ErrorsResponse),
    /// 401. Authentication or authorization failed.
    #[response(status = 401)]
    Unauthorized(ErrorsResponse),
    /// 500. Unexpected error.
    #[response(status = 500)]
    InternalServerError(ErrorsResponse),
    /// Any other error.
    #[response(status = "default")]
    Error(ErrorsResponse),
}

/// For a resource named in the path.
#[derive(IntoResponses)]
#[allow(dead_code)]
pub enum NotFound {
    /// 404. There is no such resource.
    #[response(status = 404)]
    NotFound(ErrorsResponse),
}

/// For a resource that can end.
#[derive(IntoResponses)]
#[allow(dead_code)]
pub enum Gone {
    /// 410. The resource existed but is no longer available.
    #[response(status = 410)]
    Gone(ErrorsResponse),
}

/// For a change that a state may not allow.
#[derive(IntoResponses)]
#[allow(dead_code)]
pub enum Conflict {
    /// 409. The state of the resource does not allow the change.
    #[response(status = 409)]
    Conflict(ErrorsResponse),
}
