//! Whether a request that changes something comes from a page of this server.
//!
//! Browsers say it themselves: by `Sec-Fetch-Site` (Fetch Metadata), and older ones by `Origin` (RFC 6454, 7). Who says neither is refused.
//! A form of a session bears its token besides.

use actix_web::{HttpRequest, http::header};
use reqwest::Url;

/// The origin of an address, as browsers send it.
pub fn of(address: &str) -> Option<String> {
    let origin = Url::parse(address).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

/// Whether the request is of the same origin. `own` is that of the address under which browsers reach the server.
pub fn is_own(request: &HttpRequest, own: Option<&str>) -> bool {
    let once = |name: header::HeaderName| {
        let mut values = request.headers().get_all(name);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
            (Some(_), Some(_)) => Err(()),
        }
    };
    match (once(header::HeaderName::from_static("sec-fetch-site")), once(header::ORIGIN)) {
        (Ok(Some(site)), _) => site == "same-origin",
        (Ok(None), Ok(Some(origin))) => own == Some(origin),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn judged(headers: &[(&'static str, &str)]) -> bool {
        let request = headers.iter().fold(TestRequest::post(), |request, (name, value)| request.append_header((*name, *value)));
        is_own(&request.to_http_request(), of("https://sign.example:8443/base").as_deref())
    }

    #[test]
    fn only_pages_of_this_server_may_change_something() {
        let own = "https://sign.example:8443";
        assert!(judged(&[("sec-fetch-site", "same-origin")]) && judged(&[("origin", own)]));
        for refused in [
            &[][..],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "")],
            &[("sec-fetch-site", "cross-site"), ("origin", own)],
            &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
            &[("origin", "null")],
            &[("origin", "https://sign.example")],
            &[("origin", "http://sign.example:8443")],
            &[("origin", "https://sign.example:8443.evil.example")],
            &[("origin", own), ("origin", "https://evil.example")],
        ] {
            assert!(!judged(refused), "{refused:?}");
        }
    }

    #[test]
    fn an_address_without_an_origin_has_none() {
        assert_eq!(of("https://sign.example/base").as_deref(), Some("https://sign.example"));
        assert!(of("data:text/plain,x").is_none() && of("nonsense").is_none());
        let request = TestRequest::post().insert_header(("origin", "null")).to_http_request();
        assert!(!is_own(&request, None));
    }
}
