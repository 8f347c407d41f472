//! The pages for people, over HTTP: what the crate `pages` makes, with the headers that it wants.

mod files;
pub mod staff;

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use pages::headers::Page;
use percent_encoding::utf8_percent_encode;

use crate::catalogue::page_configuration::{Logo, PageConfigurations};
use crate::http::{ApiError, context::organization_parameter, error::only};
use crate::percent::RESERVED;

/// Registers the pages, and what they load.
pub fn configure(service: &mut web::ServiceConfig) {
    files::configure(service);
    service.service(web::resource("/errors").route(web::get().to(errors)).default_service(only("GET")));
    service.service(web::resource(SIGNING).route(web::get().to(signing)).default_service(only("GET")));
    service.service(web::resource(EMBEDDED).route(web::get().to(embedded)).default_service(only("GET")));
    service.service(web::resource(LOGO).route(web::get().to(logo)).default_service(only("GET")));
}

/// Where signers' links lead: an organization and the 22 letters of a signature's identifier. What is wrong with them the page says in words.
const SIGNING: &str = "/s/{organization}/{signature}";

/// The page of a signer's link. Nothing is looked up and nothing is recorded: whoever opens a link, a scanner of mail as well, spends nothing.
async fn signing(request: HttpRequest) -> HttpResponse {
    in_the_wanted_language(&request, Page::Signing, pages::landing::landing)
}

fn in_the_wanted_language(request: &HttpRequest, kind: Page<'_>, page: impl FnOnce(&str) -> String) -> HttpResponse {
    let wanted = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut response = answer(kind, page(wanted));
    response.headers_mut().insert(header::VARY, header::HeaderValue::from_static("accept-language"));
    response
}

/// The same page for a frame in a page of the organization, which gives it the token: `/s` names a link, this a signature.
const EMBEDDED: &str = "/embed/{organization}/{signature}";

async fn embedded(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    configurations: web::Data<PageConfigurations>,
) -> Result<HttpResponse, ApiError> {
    let organization = organization_parameter(&path.0)?;
    let (_, configuration) = configurations.load(organization).await?;
    let kind = Page::Embedded { origins: &configuration.origins };
    Ok(in_the_wanted_language(&request, kind, |wanted| pages::landing::embedded(wanted, &configuration.origins)))
}

/// Where the logo of an organization is: its digest is in the address, which so shows one picture for ever.
const LOGO: &str = "/pages/logo/{organization}/{digest}";

/// Path of a logo.
pub(crate) fn logo_path(organization: &str, logo: &Logo) -> String {
    format!("/pages/logo/{}/{}", utf8_percent_encode(organization, RESERVED), logo.digest)
}

async fn logo(
    path: web::Path<(String, String)>,
    configurations: web::Data<PageConfigurations>,
) -> Result<HttpResponse, ApiError> {
    let (organization, digest) = path.into_inner();
    let (_, configuration) = configurations.load(organization_parameter(&organization)?).await?;
    let logo = configuration.logo.as_ref().filter(|logo| logo.digest == digest);
    let logo = logo.ok_or_else(|| ApiError::not_found("the organization has no such logo"))?;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, "image/png"))
        .insert_header((header::CACHE_CONTROL, files::FOR_EVER))
        .insert_header(("x-content-type-options", "nosniff"))
        // The element shows it in pages of others.
        .insert_header(("cross-origin-resource-policy", "cross-origin"));
    Ok(response.body(logo.png()))
}

/// What the codes of errors mean; their `ref` leads here.
async fn errors() -> HttpResponse {
    answer(Page::Developer, pages::developer::errors())
}

/// A page with the headers of its kind.
pub(crate) fn answer(kind: Page<'_>, html: String) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    for header in kind.headers() {
        response.insert_header(header);
    }
    response.insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8")).body(html)
}

#[cfg(test)]
mod tests {
    use actix_web::{App, test as calls};

    use super::*;

    async fn get(path: &str, language: &str) -> (u16, header::HeaderMap, String) {
        let app = calls::init_service(App::new().configure(configure)).await;
        let request = calls::TestRequest::get().uri(path).insert_header((header::ACCEPT_LANGUAGE, language)).to_request();
        let response = calls::call_service(&app, request).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = calls::read_body(response).await;
        (status, headers, String::from_utf8(body.to_vec()).expect("text"))
    }

    #[actix_web::test]
    async fn a_link_leads_to_a_page_that_nobody_keeps_frames_or_scripts() {
        let (status, headers, page) = get("/s/acme/AZOj7m5RcXKYjzyWb1x6Cg", "de").await;
        let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        assert_eq!((status, value("content-type").as_str()), (200, "text/html; charset=utf-8"));
        for (name, expected) in Page::Signing.headers() {
            assert_eq!(value(name), expected, "{name}");
        }
        assert_eq!((value("cache-control").as_str(), value("vary").as_str()), ("no-store", "accept-language"));
        assert!(value("content-security-policy").contains("trusted-types lit-html") && page.contains("<html lang=\"de\">"));
        assert!(headers.get(header::SET_COOKIE).is_none());
    }

    #[actix_web::test]
    async fn every_link_gets_the_same_page() {
        let (_, _, page) = get("/s/acme/AZOj7m5RcXKYjzyWb1x6Cg", "es").await;
        assert_eq!(get("/s/nobody/nothing", "es").await.2, page);
    }

    #[actix_web::test]
    async fn what_the_page_loads_is_served() {
        let (_, _, page) = get("/s/acme/AZOj7m5RcXKYjzyWb1x6Cg", "gl").await;
        for name in page.split("../../pages/").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert_eq!(get(&format!("/pages/{name}"), "").await.0, 200, "{name}");
        }
    }
}
