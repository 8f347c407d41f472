//! The agents' desk: pages for who identifies customers in a shop, below `/desk`, and the page of the devices that agents hand over.
//!
//! It stands on the sessions of the console. A device that is handed over is locked before it leaves the agent's hands, or nobody is signed in
//! there.

mod check;
mod customer;
mod hand;
mod lock;
mod tablet;
mod today;

use actix_web::{HttpRequest, HttpResponse, web};
use pages::console::Organizations;

use super::{
    pairing,
    visit::{Failure, Visit},
};
use crate::http::error::only;

/// Registers the desk's pages.
pub fn configure(service: &mut web::ServiceConfig) {
    let get = |path: &'static str| web::resource(path).default_service(only("GET"));
    let post = |path: &'static str| web::resource(path).default_service(only("POST"));
    service
        .service(get("").route(web::get().to(home)))
        .service(
            web::resource("/unlock")
                .route(web::get().to(lock::page))
                .route(web::post().to(lock::unlock))
                .default_service(only("GET, POST")),
        )
        .service(get("/orgs").route(web::get().to(organizations)))
        .service(get("/orgs/{org}").route(web::get().to(today::page)))
        .service(get("/orgs/{org}/identifications/{id}").route(web::get().to(customer::page)))
        .service(post("/orgs/{org}/identifications/{id}/take").route(web::post().to(customer::take)))
        .service(post("/orgs/{org}/identifications/{id}/check").route(web::post().to(customer::check)))
        .service(post("/orgs/{org}/identifications/{id}/validate").route(web::post().to(customer::validate)))
        .service(post("/orgs/{org}/identifications/{id}/reject").route(web::post().to(customer::reject)))
        .service(post("/orgs/{org}/identifications/{id}/hand").route(web::post().to(hand::hand)))
        .service(get("/orgs/{org}/tablet").route(web::get().to(tablet::page)))
        .service(post("/orgs/{org}/tablet/enrol").route(web::post().to(tablet::enrol)))
        .service(post("/orgs/{org}/tablet/begin").route(web::post().to(tablet::begin)))
        .service(post("/orgs/{org}/tablet/ask").route(web::post().to(tablet::ask)))
        .default_service(web::route().to(nothing));
}

/// To the only organization, or to the choice. A code that somebody scanned goes along.
async fn home(request: HttpRequest) -> HttpResponse {
    Visit::at_desk(request, async |visit| {
        let code = visit.call.parameter("code").and_then(|code| pairing::code_of(&code));
        let query = code.map(|code| format!("?code={code}")).unwrap_or_default();
        let address = match &visit.session.organizations[..] {
            [one] => visit.site().organization(one).desk(),
            _ => format!("{}/orgs", visit.site().desk()),
        };
        Ok(visit.call.see(&format!("{address}{query}")))
    })
    .await
}

/// The organizations to choose from.
async fn organizations(request: HttpRequest) -> HttpResponse {
    Visit::at_desk(request, async |visit| {
        let organizations = visit.session.organizations.iter().map(|id| {
            let mut organization = visit.site().organization(id);
            organization.path = organization.desk();
            organization
        });
        Ok(visit.page(Organizations { frame: visit.frame(), organizations: organizations.collect() }.html()))
    })
    .await
}

async fn nothing(request: HttpRequest) -> HttpResponse {
    Visit::at_desk(request, async |_| Err(Failure::NotFound)).await
}
