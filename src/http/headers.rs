//! Headers that every answer has. Pages bring their own ([`pages::headers`]), but for those of the description, which are another crate's.

use std::sync::LazyLock;

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
};
use pages::headers::Page;

/// Of answers that are no pages: nothing in them may run, or stand in a frame.
const NO_PAGE: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Those of the description's pages, whose scripts and styles are files of this server.
static DOCS: LazyLock<Vec<(HeaderName, HeaderValue)>> = LazyLock::new(|| {
    let headers = Page::Description.headers().into_iter();
    headers.filter_map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::try_from(value).ok()?))).collect()
});

/// Where the description's pages are.
const DOCS_PATH: &str = "/docs";

/// Adds to an answer what it does not say itself: that browsers must not guess its type, keep it, show it in a frame or name its address
/// elsewhere.
///
/// # Errors
/// Those of the handlers.
pub async fn protect(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let describes = request.path().starts_with(DOCS_PATH);
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    if describes {
        DOCS.iter().for_each(|(name, value)| add(headers, name.clone(), value.clone()));
    }
    add(headers, header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    add(headers, header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    add(headers, header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A document is what its owner made it, and viewers of browsers are pages to the policy. A page with a policy of its own says who frames it.
    if !headers.contains_key(header::CONTENT_DISPOSITION) && !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        add(headers, header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        add(headers, header::CONTENT_SECURITY_POLICY, NO_PAGE);
    }
    Ok(response)
}

fn add(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    if !headers.contains_key(&name) {
        headers.insert(name, value);
    }
}
