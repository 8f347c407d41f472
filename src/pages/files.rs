//! What pages load. A hashed name is kept by browsers for ever, a stable one for minutes; compressed once, when the server starts.

use std::{
    collections::HashMap,
    io::{self, Write},
    sync::LazyLock,
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderMap},
    web::{self, Bytes},
};
use flate2::{Compression, write::GzEncoder};
use pages::assets::{ASSETS, Asset, STABLE};

use crate::http::{ApiError, error::only};

/// What is behind a name with a hash never changes.
pub(super) const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// How long browsers keep what is behind a stable name, which changes with the version.
const FOR_MINUTES: &str = "public, max-age=300";

struct Served {
    asset: &'static Asset,
    gzip: Bytes,
}

static FILES: LazyLock<HashMap<&'static str, Served>> =
    LazyLock::new(|| ASSETS.iter().map(|asset| (asset.name, Served { asset, gzip: compressed(asset.bytes) })).collect());

/// Nothing where it fails, which writing to memory does not: the file goes out as it is then.
fn compressed(bytes: &[u8]) -> Bytes {
    let compress = || -> io::Result<Vec<u8>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes)?;
        encoder.finish()
    };
    compress().unwrap_or_default().into()
}

/// Registers the files, and compresses them.
pub(super) fn configure(service: &mut web::ServiceConfig) {
    LazyLock::force(&FILES);
    service.service(web::resource("/pages/{name}").route(web::get().to(file)).default_service(only("GET")));
}

async fn file(request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let stable = STABLE.iter().find(|(stable, _)| *stable == name.as_str());
    let (name, keep) = stable.map_or((name.as_str(), FOR_EVER), |(_, name)| (*name, FOR_MINUTES));
    let served = FILES.get(name).ok_or_else(|| ApiError::not_found("no page loads a file of this name"))?;
    let gzip = !served.gzip.is_empty() && takes_gzip(request.headers());
    // Two representations, two tags (RFC 9110, 8.8.3.3).
    let tag = format!("\"{}{}\"", &served.asset.digest[..32], if gzip { "-gzip" } else { "" });
    let known = request.headers().get_all(header::IF_NONE_MATCH).any(|value| value.to_str().is_ok_and(|tags| names(tags, &tag)));
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, keep))
        .insert_header((header::VARY, "accept-encoding"))
        // Pages of other sites put the element in; it has no secret.
        .insert_header(("cross-origin-resource-policy", "cross-origin"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
    if known {
        return Ok(response.finish());
    }
    response.content_type(served.asset.media_type);
    if gzip {
        return Ok(response.insert_header((header::CONTENT_ENCODING, "gzip")).body(served.gzip.clone()));
    }
    Ok(response.body(Bytes::from_static(served.asset.bytes)))
}

/// Whether `If-None-Match` names the tag (RFC 9110, 13.1.2: compared weakly).
fn names(tags: &str, tag: &str) -> bool {
    tags.split(',').map(str::trim).any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
}

/// Whether a browser takes gzip (RFC 9110, 12.5.3), which all do.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|part| {
        let (coding, weight) = part.split_once(';').unwrap_or((part, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|weight| weight.trim().parse() == Ok(0.0));
        coding.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

#[cfg(test)]
mod tests {
    use actix_web::{App, test as calls};
    use pages::assets;

    use super::*;

    fn value(headers: &HeaderMap, name: header::HeaderName) -> &str {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    async fn get(name: &str, headers: &[(&'static str, &str)]) -> (u16, HeaderMap, Bytes) {
        let app = calls::init_service(App::new().configure(configure)).await;
        let request = headers.iter().fold(calls::TestRequest::get().uri(&format!("/pages/{name}")), |request, (name, value)| {
            request.insert_header((*name, *value))
        });
        let response = calls::call_service(&app, request.to_request()).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        (status, headers, calls::read_body(response).await)
    }

    #[actix_web::test]
    async fn a_hashed_name_is_kept_for_ever_and_a_stable_one_for_minutes() {
        let (status, headers, body) = get(assets::SANDBOX_JS, &[]).await;
        assert_eq!((status, value(&headers, header::CACHE_CONTROL)), (200, FOR_EVER));
        assert_eq!(value(&headers, header::CONTENT_TYPE), "text/javascript; charset=utf-8");
        assert!(!body.is_empty());
        for name in ["icon.svg", "sign.js", "lang-eu.js", "consents.js", "consents-lang-gl.js"] {
            let (status, headers, _) = get(name, &[]).await;
            assert_eq!((status, value(&headers, header::CACHE_CONTROL)), (200, FOR_MINUTES), "{name}");
        }
    }

    #[actix_web::test]
    async fn what_a_browser_has_is_not_sent_again() {
        for encoding in ["gzip, br", "identity", "gzip;q=0"] {
            let (_, headers, _) = get(assets::SANDBOX_JS, &[("accept-encoding", encoding)]).await;
            assert_eq!(headers.contains_key(header::CONTENT_ENCODING), encoding == "gzip, br", "{encoding}");
            let tag = format!("\"other\", W/{}", value(&headers, header::ETAG));
            let (status, headers, body) =
                get(assets::SANDBOX_JS, &[("accept-encoding", encoding), ("if-none-match", &tag)]).await;
            assert!(status == 304 && body.is_empty() && headers.contains_key(header::CACHE_CONTROL), "{encoding}");
        }
        assert_eq!(get(assets::SANDBOX_JS, &[("if-none-match", "\"other\"")]).await.0, 200);
    }

    #[actix_web::test]
    async fn a_file_that_no_page_loads_is_404() {
        for name in ["table.rs", "SOURCES", "sign-000000000000.js", "..%2fCargo.toml"] {
            assert_eq!(get(name, &[]).await.0, 404, "{name}");
        }
    }

    #[test]
    fn what_every_page_loads_is_small() {
        assert!(FILES[assets::PAGE_CSS].gzip.len() <= 6 * 1024);
        let words = ASSETS.iter().filter(|asset| asset.name.starts_with("lang-")).map(|asset| FILES[asset.name].gzip.len());
        let largest = words.max().expect("words");
        for script in [assets::BOOT_JS, assets::EMBED_JS, assets::SIGN_JS] {
            assert!(FILES[script].gzip.len() + largest <= 30 * 1024, "{script} and the words of one language");
        }
    }

    #[test]
    fn what_few_signers_load_is_small() {
        for (name, script, kilobytes) in
            [("hand-", assets::HAND_JS, 8), ("card-", assets::CARD_JS, 8), ("desk-", assets::DESK_JS, 2)]
        {
            let words = ASSETS.iter().filter(|asset| asset.name.starts_with(name) && asset.name != script);
            let largest = words.map(|asset| FILES[asset.name].gzip.len()).max().expect("words");
            let size = FILES[script].gzip.len() + largest;
            assert!(size <= kilobytes * 1024, "{script} and the words of one language: {size} bytes");
        }
        assert!(FILES[assets::QR_JS].gzip.len() <= 3 * 1024);
    }

    #[test]
    fn what_the_element_of_consents_loads_is_small() {
        let words = ASSETS.iter().filter(|asset| asset.name.starts_with("consents-lang-"));
        let sizes: Vec<usize> = words.map(|asset| FILES[asset.name].gzip.len()).collect();
        assert_eq!(sizes.len(), 6, "languages");
        let largest = sizes.iter().max().expect("words");
        assert!(FILES[assets::CONSENTS_JS].gzip.len() + largest <= 20 * 1024, "the element and the words of one language");
    }
}
