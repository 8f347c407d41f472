//! Web pages of other sites that may call the API from browsers (Fetch standard, "CORS protocol"): web components bring a token, not a
//! cookie, so an origin is let in or not by its name alone.
//!
//! An origin that is not configured gets the answer without a word of CORS, as if there were none: its browser keeps the answer from the
//! page. Only the APIs are opened, never the pages and operations of the server itself.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use actix_web::{
    Error, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderMap, HeaderValue},
    },
    middleware::Next,
    web,
};

use super::operation::Place;
use super::table::operations;

/// How long a browser may remember that it may call, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

const METHODS: HeaderValue = HeaderValue::from_static("GET, PUT, POST, PATCH, DELETE");

/// The origins that are let in, as browsers send them. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Origins(Arc<[String]>);

impl Origins {
    pub fn new(origins: &[String]) -> Self {
        Self(origins.into())
    }

    /// The origin of a request, if it is let in.
    fn of(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let mut sent = headers.get_all(header::ORIGIN);
        let (origin, None) = (sent.next()?, sent.next()) else { return None };
        self.0.iter().any(|own| own.as_bytes() == origin.as_bytes()).then(|| origin.clone())
    }
}

/// Whether a text is an origin as browsers send it (RFC 6454, 6.2): scheme, host in lower case, and a port where it is not that of the
/// scheme. Neither `*` nor `null`.
pub fn is_origin(text: &str) -> bool {
    let (host, default_port) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(host), _) => (host, 443),
        (_, Some(host)) => (host, 80),
        (None, None) => return false,
    };
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (host, None),
    };
    let is_port = |port: &str| {
        !port.starts_with('0')
            && port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse::<u16>().is_ok_and(|port| port != default_port)
    };
    let is_address = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok());
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
    let is_host = is_address || (!host.is_empty() && host.len() <= 253 && host.bytes().all(is_name));
    is_host && port.is_none_or(is_port)
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
    let is_api = ["/v1/", "/v2/", "/pages/api/"].iter().any(|api| request.path().starts_with(api));
    if origins.0.is_empty() || !is_api {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    }
    let origin = origins.of(request.headers());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        for good in [
            "https://shop.example.org",
            "https://shop.example.org:8443",
            "http://localhost:3000",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "https://[2001:db8::1]",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "*",
            "null",
            "",
            "shop.example.org",
            "https://",
            "https://shop.example.org/",
            "https://Shop.example.org",
            "https://*.example.org",
            "https://shop.example.org:443",
            "http://shop.example.org:80",
            "https://shop.example.org:0",
            "https://shop.example.org:",
            "https://ana@shop.example.org",
            "https://[::1",
            "ftp://shop.example.org",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
