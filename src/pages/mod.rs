//! The pages for people, over HTTP: what the crate `pages` makes, with the headers that it wants.

mod files;
pub mod staff;

use actix_web::{HttpResponse, http::header, web};
use pages::headers::Page;

use crate::http::error::only;

/// Registers the pages, and what they load.
pub fn configure(service: &mut web::ServiceConfig) {
    files::configure(service);
    service.service(web::resource("/errors").route(web::get().to(errors)).default_service(only("GET")));
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
