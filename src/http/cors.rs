//! Web pages of other sites that may call the API from browsers (Fetch standard, "CORS protocol"): web components bring a token, not a
//! cookie, so an origin is let in or not by its name alone.
//!
//! An origin is let in for all organizations by the server's configuration, or for one by that organization's page configuration: its pages call
//! for it alone. Any other origin gets the answer without a word of CORS, as if there were none: its browser keeps the answer from the page.
//! Only the APIs are opened, never the pages and operations of the server itself. What a public address leads to is for whoever has the address,
//! from wherever, so those answers are for every origin.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use actix_web::{
    Error, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderValue},
    },
    middleware::Next,
    web,
};

use super::context::organization_parameter;
use super::operation::Place;
use super::table::operations;
use crate::catalogue::page_configuration::PageConfigurations;
use crate::tenant_addresses::is_origin;

/// How long a browser may remember that it may call, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

const METHODS: HeaderValue = HeaderValue::from_static("GET, PUT, POST, PATCH, DELETE");

/// The origins that are let in, as browsers send them. Cheap to clone.
#[derive(Clone)]
pub struct Origins {
    of_all: Arc<[String]>,
    organizations: PageConfigurations,
}

impl Origins {
    /// These for all organizations, and for each those of its own configuration.
    pub fn new(of_all: &[String], organizations: PageConfigurations) -> Self {
        Self { of_all: of_all.into(), organizations }
    }

    /// The origin of a request, if it is let in.
    async fn of(&self, request: &ServiceRequest) -> Option<HeaderValue> {
        let mut sent = request.headers().get_all(header::ORIGIN);
        let (origin, None) = (sent.next()?, sent.next()) else { return None };
        let is_it = |own: &String| own.as_bytes() == origin.as_bytes();
        if self.of_all.iter().any(is_it) {
            return Some(origin.clone());
        }
        let organization = organization_of(request.path()).filter(|_| origin.to_str().is_ok_and(is_origin))?;
        match self.organizations.load(organization).await {
            Ok((_, configuration)) => configuration.origins.iter().any(is_it).then(|| origin.clone()),
            Err(error) => {
                tracing::warn!(organization, %error, "the origins of its pages could not be read");
                None
            }
        }
    }
}

/// The organization that a path of an API is about.
fn organization_of(path: &str) -> Option<&str> {
    let rest = ["/v1/orgs/", "/v2/orgs/", "/pages/api/"].iter().find_map(|api| path.strip_prefix(api))?;
    rest.split_once('/').map(|(organization, _)| organization).filter(|organization| organization_parameter(organization).is_ok())
}

/// Headers that a page may send: those of the operations, with those that carry token and body.
static SENT: LazyLock<HeaderValue> = LazyLock::new(|| {
    let headers = operations().flat_map(|row| row.parameters).filter(|parameter| parameter.place == Place::Header);
    list(["authorization", "content-type", "if-match", "x-request-id"].into_iter().chain(headers.map(|header| header.name)))
});

/// Headers of answers that a page may read: those of the operations, with those that any answer can have.
static READ: LazyLock<HeaderValue> = LazyLock::new(|| {
    let headers = operations().flat_map(|row| row.answers).flat_map(|answer| answer.headers);
    list(["etag", "retry-after", "x-key", "x-request-id"].into_iter().chain(headers.map(|(name, _)| *name)))
});

fn list<'a>(names: impl Iterator<Item = &'a str>) -> HeaderValue {
    let names: BTreeSet<String> = names.map(str::to_ascii_lowercase).collect();
    let list = names.into_iter().collect::<Vec<_>>().join(", ");
    HeaderValue::from_str(&list).unwrap_or(HeaderValue::from_static(""))
}

/// Answers the question of a browser whether it may call (the preflight), and lets the pages of configured origins read the answers of the
/// APIs.
///
/// # Errors
/// Those of the handlers.
pub async fn allow(
    origins: web::Data<Origins>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if request.path().starts_with("/public/") {
        let mut response = next.call(request).await?.map_into_left_body();
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        return Ok(response);
    }
    let is_api = ["/v1/", "/v2/", "/pages/api/"].iter().any(|api| request.path().starts_with(api));
    if !is_api {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    }
    let origin = origins.of(&request).await;
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if origin.is_some() && is_preflight {
        let answer = HttpResponse::NoContent()
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, METHODS))
            .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, SENT.clone()))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, MAX_AGE))
            .finish();
        request.into_response(answer).map_into_right_body()
    } else {
        next.call(request).await?.map_into_left_body()
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, READ.clone());
    }
    Ok(response)
}
