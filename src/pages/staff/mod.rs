//! The console: pages for the staff of organizations, below `/console`.
//!
//! GETs change nothing. What changes something is a POST that comes from a page of this server ([`origin`]) and bears the token of its
//! session ([`session`]), and answers by leading on to a page. Who signs in belongs to organizations; of any other there is nothing to see,
//! not even whether it is there. The handlers ask the processes and the store in this server; what they make of the answers is a view model
//! of [`pages::console`].

mod certificates;
mod consents;
mod csv;
mod customer;
mod customer_deeds;
mod deliveries;
pub mod desk;
mod diff;
mod documents;
mod dynamic;
mod effects;
mod facts;
mod handles;
mod history;
mod identification;
mod identifications;
mod key_file;
mod lanes;
mod links;
mod log;
mod made;
mod messages;
mod metrics;
mod origin;
mod overview;
mod pairing;
mod process;
mod processes;
mod quarantine;
mod session;
mod settings;
mod sign_in;
mod signing;
mod site;
mod telling;
mod telling_chains;
mod templates;
mod timeline;
mod verification;
mod visit;

use actix_web::{HttpRequest, HttpResponse, web};
use pages::console::Organizations;

pub use site::Site;

use self::visit::{Failure, Visit};
use crate::{access::Role, http::error::only};

/// Registers the console's pages.
pub fn configure(site: Site, service: &mut web::ServiceConfig) {
    let site = web::Data::new(site);
    service.service(web::scope("/desk").app_data(site.clone()).configure(desk::configure));
    let get = |path: &'static str| web::resource(path).default_service(only("GET"));
    let post = |path: &'static str| web::resource(path).default_service(only("POST"));
    service.service(
        web::scope("/console")
            .app_data(site)
            .service(get("").route(web::get().to(home)))
            .service(get("/sign-in").route(web::get().to(sign_in::page)))
            .service(post("/sign-in/provider").route(web::post().to(sign_in::by_provider)))
            .service(post("/sign-in/development").route(web::post().to(sign_in::by_development)))
            .service(post("/sign-out").route(web::post().to(sign_in::out)))
            .service(get("/callback").route(web::get().to(sign_in::callback)))
            .service(get("/orgs").route(web::get().to(organizations)))
            .service(get("/orgs/{org}").route(web::get().to(overview::page)))
            .service(get("/orgs/{org}/processes").route(web::get().to(processes::page)))
            .service(get("/orgs/{org}/processes.csv").route(web::get().to(csv::download)))
            .service(get("/orgs/{org}/processes/{id}").route(web::get().to(process::page)))
            .service(get("/orgs/{org}/processes/{id}/documents/{document}").route(web::get().to(process::document)))
            .service(get("/orgs/{org}/processes/{id}/documents/{document}/page").route(web::get().to(process::first_page)))
            .service(
                web::resource("/orgs/{org}/pages")
                    .route(web::get().to(settings::page))
                    .route(web::post().to(settings::set))
                    .default_service(only("GET, POST")),
            )
            .service(
                web::resource("/orgs/{org}/pages/signing")
                    .route(web::get().to(signing::page))
                    .route(web::post().to(signing::set))
                    .default_service(only("GET, POST")),
            )
            .service(get("/orgs/{org}/pages/messages").route(web::get().to(messages::page)))
            .service(get("/orgs/{org}/effects").route(web::get().to(effects::page)))
            .service(
                web::resource("/orgs/{org}/effects/all/{deed}")
                    .route(web::get().to(effects::question_of_all_page))
                    .route(web::post().to(effects::act_on_all))
                    .default_service(only("GET, POST")),
            )
            .service(
                web::resource("/orgs/{org}/effects/{kind}/{id}/{deed}")
                    .route(web::get().to(effects::question_page))
                    .route(web::post().to(effects::act))
                    .default_service(only("GET, POST")),
            )
            .service(
                web::resource("/orgs/{org}/processes/{id}/cancel")
                    .route(web::get().to(process::cancel_page))
                    .route(web::post().to(process::cancel))
                    .default_service(only("GET, POST")),
            )
            .service(
                web::resource("/orgs/{org}/processes/{id}/links/{signature}/{deed}")
                    .route(web::get().to(links::question_page))
                    .route(web::post().to(links::act))
                    .default_service(only("GET, POST")),
            )
            .service(get("/orgs/{org}/deliveries").route(web::get().to(deliveries::page)))
            .service(get("/orgs/{org}/certificates").route(web::get().to(certificates::page)))
            .service(get("/orgs/{org}/server").route(web::get().to(facts::page)))
            .service(get("/orgs/{org}/log").route(web::get().to(log::page)))
            .service(get("/orgs/{org}/metrics").route(web::get().to(metrics::page)))
            .service(get("/orgs/{org}/quarantine").route(web::get().to(quarantine::page)))
            .service(
                web::resource("/orgs/{org}/quarantine/look")
                    .route(web::get().to(quarantine::question_page))
                    .route(web::post().to(quarantine::look))
                    .default_service(only("GET, POST")),
            )
            .service(get("/orgs/{org}/identifications").route(web::get().to(identifications::page)))
            .service(get("/orgs/{org}/identifications/{kind}/{id}").route(web::get().to(identification::page)))
            .service(
                web::resource("/orgs/{org}/identifications/{kind}/{id}/{deed}")
                    .route(web::get().to(identification::question_page))
                    .route(web::post().to(identification::act))
                    .default_service(only("GET, POST")),
            )
            .service(get("/orgs/{org}/documents").route(web::get().to(documents::page)))
            .service(get("/orgs/{org}/documents/{id}").route(web::get().to(documents::document)))
            .service(get("/orgs/{org}/documents/{id}/download").route(web::get().to(documents::download)))
            .service(get("/orgs/{org}/documents/{id}/page").route(web::get().to(documents::first_page)))
            .service(
                web::resource("/orgs/{org}/documents/{id}/{deed}")
                    .route(web::get().to(documents::question_page))
                    .route(web::post().to(documents::act))
                    .default_service(only("GET, POST")),
            )
            .service(get("/orgs/{org}/templates").route(web::get().to(templates::page)))
            .service(
                web::resource("/orgs/{org}/templates/dynamic/{id}/edit")
                    .route(web::get().to(dynamic::edit_page))
                    .route(web::post().to(dynamic::edit))
                    .default_service(only("GET, POST")),
            )
            .service(get("/orgs/{org}/templates/dynamic/{id}/compare").route(web::get().to(dynamic::compare_page)))
            .service(get("/orgs/{org}/templates/{kind}/{id}").route(web::get().to(templates::one)))
            .service(post("/orgs/{org}/templates/{kind}/{id}/preview").route(web::post().to(templates::preview)))
            .service(get("/orgs/{org}/consents").route(web::get().to(consents::page)))
            .service(get("/orgs/{org}/consents/definitions/{id}").route(web::get().to(consents::definition)))
            .service(get("/orgs/{org}/consents/trees").route(web::get().to(consents::trees)))
            .service(
                web::resource("/orgs/{org}/consents/customers")
                    .route(web::get().to(customer::search_page))
                    .route(web::post().to(customer::search))
                    .default_service(only("GET, POST")),
            )
            .service(get("/orgs/{org}/consents/customers/{customer}").route(web::get().to(customer::page)))
            .service(get("/orgs/{org}/consents/customers/{customer}/displays/{revision}").route(web::get().to(customer::display)))
            .service(get("/orgs/{org}/consents/customers/{customer}/receipts/{revision}").route(web::get().to(customer::receipt)))
            .service(
                web::resource("/orgs/{org}/consents/customers/{customer}/{deed}")
                    .route(web::get().to(customer_deeds::question_page))
                    .route(web::post().to(customer_deeds::act))
                    .default_service(only("GET, POST")),
            )
            .service(
                web::resource("/orgs/{org}/verify")
                    .route(web::get().to(verification::page))
                    .route(web::post().to(verification::verify))
                    .default_service(only("GET, POST")),
            )
            .default_service(web::route().to(nothing)),
    );
}

/// To the only organization, or to the choice.
async fn home(request: HttpRequest) -> HttpResponse {
    Visit::let_in(request, None, async |visit| {
        let address = match &visit.session.organizations[..] {
            _ if !visit.session.has(Role::Console) => visit.site().desk(),
            [one] => visit.site().organization(one).path,
            _ => format!("{}/orgs", visit.site().home()),
        };
        Ok(visit.call.see(&address))
    })
    .await
}

/// The organizations to choose from.
async fn organizations(request: HttpRequest) -> HttpResponse {
    Visit::run(request, None, async |visit| {
        let organizations = visit.session.organizations.iter().map(|id| visit.site().organization(id)).collect();
        Ok(visit.page(Organizations { frame: visit.frame(), organizations }.html()))
    })
    .await
}

/// What is at no address: for who is signed in a page, for others the way in.
async fn nothing(request: HttpRequest) -> HttpResponse {
    Visit::run(request, None, async |_| Err(Failure::NotFound)).await
}
