//! The API's description, from the code: `/openapi.json`, and `/docs` to read and try it.

use actix_web::{HttpResponse, web};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{documents, error, otp, sandbox, securize, sign_configuration, sign_process, simple_sign};

/// The description of all operations.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Rubrica",
        description = "Signing documents electronically and identifying the people who sign. Every error is an ErrorsResponse with a code, a title and details."
    ),
    paths(
        documents::upload_document,
        documents::download_document,
        documents::delete_document,
        documents::delete_document_physically,
        documents::get_document_metadata,
        documents::create_document_public_url,
        documents::change_document_owner,
        sign_configuration::get_sign_configuration,
        sign_configuration::create_sign_configuration,
        sign_configuration::update_sign_configuration,
        sign_process::create_sign_process,
        sign_process::get_sign_process,
        sign_process::cancel_sign_process,
        simple_sign::get_simple_sign,
        simple_sign::preview_simple_sign,
        simple_sign::sign_simple,
        otp::create_otp_identification,
        otp::get_otp_identification,
        otp::delete_otp_identification,
        otp::challenge_otp_identification,
        otp::validate_otp_identification,
        otp::cancel_otp_identification,
        otp::close_otp_identification,
        securize::securize_token,
        sandbox::sandbox_messages,
        sandbox::advance_sandbox_clock,
    ),
    tags(
        (name = "Documents"), (name = "Sign Configuration"), (name = "Sign Process"), (name = "Simple Signature"),
        (name = "Identification OTP"), (name = "Identification OTP Admin"), (name = "Securize"),
        (name = "Sandbox", description = "Only where the sandbox is on."),
    ),
    components(schemas(error::ErrorsResponse)),
    modifiers(&Bearer),
    security(("AuthNToken" = []))
)]
pub struct Api;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        api.components.get_or_insert_default().add_security_scheme("AuthNToken", SecurityScheme::Http(scheme));
    }
}

/// The description. Without the sandbox's operations where it is off.
pub fn description(sandbox: bool) -> utoipa::openapi::OpenApi {
    let mut api = Api::openapi();
    if !sandbox {
        api.paths.paths.retain(|path, _| !path.starts_with("/sandbox"));
        api.tags.get_or_insert_default().retain(|tag| tag.name != "Sandbox");
        let schemas = &mut api.components.get_or_insert_default().schemas;
        ["SandboxMessage", "AdvanceClock", "ClockState"].iter().for_each(|schema| {
            schemas.remove(*schema);
        });
    }
    api
}

/// Registers `/openapi.json` and `/docs`; with `try_it_out` they call the API.
pub fn configure(service: &mut web::ServiceConfig, sandbox: bool, try_it_out: bool) {
    // No token is kept. Without development the pages are for reading: no method can be called.
    let config = Config::from("/openapi.json").persist_authorization(false).try_it_out_enabled(try_it_out);
    let config = if try_it_out { config } else { config.supported_submit_methods(Vec::<String>::new()) };
    let found = || async { HttpResponse::Found().insert_header(("location", "/docs/")).finish() };
    service
        .service(web::resource("/docs").route(web::get().to(found)))
        .service(SwaggerUi::new("/docs/{_:.*}").url("/openapi.json", description(sandbox)).config(config));
}

#[cfg(test)]
mod tests {
    use actix_web::{App, test as calls};

    use super::*;

    async fn initializer(try_it_out: bool) -> String {
        let app = App::new().configure(|service| configure(service, true, try_it_out));
        let app = calls::init_service(app).await;
        let request = calls::TestRequest::get().uri("/docs/swagger-initializer.js").to_request();
        String::from_utf8(calls::call_and_read_body(&app, request).await.to_vec()).unwrap()
    }

    #[actix_web::test]
    async fn the_pages_keep_no_token_and_call_nothing_without_development() {
        let (reading, trying) = (initializer(false).await, initializer(true).await);
        assert!(
            reading.contains(r#""supportedSubmitMethods": []"#) && reading.contains(r#""tryItOutEnabled": false"#),
            "{reading}"
        );
        assert!(!trying.contains("supportedSubmitMethods") && trying.contains(r#""tryItOutEnabled": true"#), "{trying}");
        assert!([reading, trying].iter().all(|page| page.contains(r#""persistAuthorization": false"#)));
    }

    #[test]
    fn the_published_description_is_what_the_code_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/openapi.json");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        let now = description(true).to_pretty_json().unwrap() + "\n";
        assert!(written == now, "stale; run: cargo run -- openapi > schema/openapi.json");
    }
}
