//! Headers that every answer has, and the policy of the pages.

use std::borrow::Cow;

use actix_web::{
    Error, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
};
use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD};

/// Of answers that are no pages: nothing in them may run, or stand in a frame.
const NO_PAGE: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Of the description's pages, whose scripts and styles are files of this server. They set styles of single elements as well.
const DOCS: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

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
    let policy = if request.path().starts_with(DOCS_PATH) { DOCS } else { NO_PAGE };
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    add(headers, header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    add(headers, header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    add(headers, header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A document is what its owner made it, and viewers of browsers are pages to the policy.
    if !headers.contains_key(header::CONTENT_DISPOSITION) {
        add(headers, header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        add(headers, header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

fn add(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    if !headers.contains_key(&name) {
        headers.insert(name, value);
    }
}

/// A page of this server whose style and script stand in it: they alone may be used, by their digests, and the script may call this server.
pub fn page(html: impl Into<Cow<'static, str>>) -> HttpResponse {
    let html = html.into();
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        source(&html, "style"),
        source(&html, "script")
    );
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .body(html.into_owned())
}

/// The content of the element with this name as the source of a policy (CSP 3, 2.3.1).
fn source(html: &str, element: &str) -> String {
    let content = html.split_once(&format!("<{element}>")).and_then(|(_, rest)| rest.split_once(&format!("</{element}>")));
    match content {
        Some((content, _)) => format!("'sha256-{}'", STANDARD.encode(digest::digest(&digest::SHA256, content.as_bytes()))),
        None => "'none'".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_may_use_its_own_script_and_style_alone() {
        let html = "<style>p{}</style><script>alert(1)</script>";
        let page = page(html);
        let policy = page.headers().get(header::CONTENT_SECURITY_POLICY).unwrap().to_str().unwrap();
        assert!(policy.contains("script-src 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"), "{policy}");
        assert!(policy.contains("style-src 'sha256-") && !policy.contains("unsafe"));
        assert_eq!(source("<p>no script</p>", "script"), "'none'");
    }
}
