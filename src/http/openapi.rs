//! The API's description, from the [table](super::table) of operations: `/openapi.json`, and `/docs` to read and try it.

use actix_web::{HttpResponse, web};
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ArrayItems};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Array, Content, Deprecated, KnownFormat, Object, ObjectBuilder, Ref, RefOr, Required, Response, ResponseBuilder, Schema,
    SchemaFormat, Type,
};
use utoipa::{Modify, OpenApi, PartialSchema, ToSchema};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::call::{Described, Schemas};
use super::error::{self, Family};
use super::operation::{Access, Operation, Parameter, PathParameter, Place, Refused, Segment, Success, Values, Verb, refused};
use super::table::operations;
use super::{consents, legal_holds};

/// What the description says besides the operations.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Rubrica",
        description = "Signing documents electronically and identifying the people who sign (/v1); capturing, reading and configuring the consents of customers (/v2). Every error is an ErrorsResponse with a code, a title and details; the two APIs differ in their codes."
    ),
    tags(
        (name = "Documents"), (name = "Forms"), (name = "Sections"), (name = "Templates"), (name = "Templates Configuration"), (name = "DynamicTemplates"),
        (name = "Sign Configuration"), (name = "Sign Process"), (name = "Simple Signature"),
        (name = "Identification OTP"), (name = "Identification OTP Admin"), (name = "Identification with identity document"),
        (name = "Identification with identity document Admin"), (name = "Scoring"), (name = "Identification Chain"),
        (name = "Identification Chain Admin"), (name = "Securize"),
        (name = "Customer Consents", description = "Consents of one customer."),
        (name = "Configuration", description = "Definitions of consents and the trees of segments, with their history."),
        (name = "Document pages", description = "Pages of a document below its public URL. An addition to the contract."),
        (name = "Signers' pages", description = "What the page needs that a signer's link leads to. An addition to the contract."),
        (name = "Erasure", description = "Forgetting, and legal holds that keep from it. An addition to the contract."),
        (name = "Sandbox", description = "Only where the sandbox is on."),
    ),
    modifiers(&Bearer),
    security(("AuthNToken" = []))
)]
struct Frame;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        api.components.get_or_insert_default().add_security_scheme("AuthNToken", SecurityScheme::Http(scheme));
    }
}

/// Schema of a parameter that is any text.
pub fn text() -> Object {
    ObjectBuilder::new().schema_type(Type::String).build()
}

/// Schema of a header that says something: up to `MAX` letters, digits and signs of ASCII (RFC 9110, 5.5), not only blanks.
pub fn header_text<const MAX: usize>() -> Object {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(r"^[ -~]*[!-~][ -~]*$")).max_length(Some(MAX)).build()
}

/// Schema of a parameter that is `true` or `false`.
pub fn flag() -> Object {
    ObjectBuilder::new().schema_type(Type::Boolean).build()
}

fn uuid() -> Object {
    ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid))).build()
}

/// Schema of a whole number from 1.
fn number(max: Option<u32>) -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(max).build()
}

/// The description. Without the sandbox's operations where it is off.
pub fn description(sandbox: bool) -> utoipa::openapi::OpenApi {
    let mut api = Frame::openapi();
    let mut schemas = Schemas::new();
    for operation in operations().filter(|operation| sandbox || !operation.access.is_sandbox()) {
        api.paths.add_path_operation(operation.path, vec![method(operation.method)], described(operation, &mut schemas));
    }
    // Last, so that each has the codes of its API, whatever else refers to it.
    schemas.extend(Family::ALL.into_iter().flat_map(errors));
    schemas.iter_mut().for_each(|(_, schema)| spell_out(schema));
    api.components.get_or_insert_default().schemas.extend(schemas);
    if !sandbox {
        api.tags.get_or_insert_default().retain(|tag| tag.name != "Sandbox");
    }
    api
}

/// Patterns of texts, by the name that types give them: `#[schema(pattern = "LINE")]`.
const PATTERNS: [(&str, &str); 2] = [
    // One line of text that is not blank: no control characters, and something besides white space.
    ("LINE", r"^[^\x00-\x1F\x7F-\x9F]*[^\s\x00-\x1F\x7F-\x9F][^\x00-\x1F\x7F-\x9F]*$"),
    // Text of any number of lines that is not blank: no NUL.
    ("TEXT", r"^[^\x00]*[^\s\x00-\x1F\x7F-\x9F][^\x00]*$"),
];

/// Puts patterns where their names stand, in a type, its parts, its members and the items of its lists.
fn spell_out(schema: &mut RefOr<Schema>) {
    let object = match schema {
        RefOr::T(Schema::Object(object)) => object,
        RefOr::T(Schema::AllOf(whole)) => return whole.items.iter_mut().for_each(spell_out),
        RefOr::T(Schema::Array(Array { items: ArrayItems::RefOrSchema(item), .. })) => return spell_out(item),
        _ => return,
    };
    let named = PATTERNS.iter().find(|(name, _)| object.pattern.as_deref() == Some(*name));
    if let Some((_, pattern)) = named {
        object.pattern = Some((*pattern).to_owned());
    }
    object.properties.values_mut().for_each(describe_inlined);
    object.properties.values_mut().for_each(spell_out);
}

/// The comment on a member whose list is described inline stands beside the list, as an object; it is what the list is for.
fn describe_inlined(schema: &mut RefOr<Schema>) {
    let RefOr::T(Schema::AllOf(both)) = schema else { return };
    let [RefOr::T(Schema::Array(list)), RefOr::T(Schema::Object(comment))] = both.items.as_mut_slice() else { return };
    list.description = comment.description.take();
    *schema = RefOr::T(Schema::Array(list.clone()));
}

/// The name of a body of errors: the APIs differ in their codes alone, and names are for all of them.
const fn errors_name(family: Family) -> [&'static str; 2] {
    match family {
        Family::Documents => ["Error", "ErrorsResponse"],
        Family::Consents => ["ConsentsError", "ConsentsErrorsResponse"],
    }
}

/// Where the description has an API's error.
pub(super) fn error_reference(family: Family) -> Ref {
    Ref::from_schema_name(errors_name(family)[0])
}

/// The schemas of an API's errors: those of the types, with the codes of the API.
fn errors(family: Family) -> Schemas {
    let [name, list_name] = errors_name(family);
    let mut schemas = Schemas::new();
    error::Error::schemas(&mut schemas);
    let mut problem = error::Error::schema();
    if let RefOr::T(Schema::Object(problem)) = &mut problem {
        let codes = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(family.codes()));
        let code = codes.description(Some("Machine-readable code; `ref` leads to what it means.")).build();
        problem.properties.insert("code".to_owned(), code.into());
    }
    let mut list = error::ErrorsResponse::schema();
    if let RefOr::T(Schema::Object(list)) = &mut list {
        let problems = ArrayBuilder::new()
            .items(Ref::from_schema_name(name))
            .description(Some("One entry per problem found, at least one."));
        list.properties.insert("errors".to_owned(), problems.into());
    }
    schemas.extend([(name.to_owned(), problem), (list_name.to_owned(), list)]);
    schemas
}

fn method(verb: Verb) -> HttpMethod {
    match verb {
        Verb::Get => HttpMethod::Get,
        Verb::Put => HttpMethod::Put,
        Verb::Post => HttpMethod::Post,
        Verb::Patch => HttpMethod::Patch,
        Verb::Delete => HttpMethod::Delete,
    }
}

fn described(operation: &Operation, schemas: &mut Schemas) -> utoipa::openapi::path::Operation {
    let description = Some(operation.description).filter(|text| !text.is_empty());
    let mut builder = OperationBuilder::new()
        .tag(operation.tag)
        .operation_id(Some(operation.id))
        .summary(Some(operation.summary))
        .description(description);
    for parameter in operation.path_parameters() {
        builder = builder.parameter(path_parameter(parameter));
    }
    for parameter in operation.parameters {
        builder = builder.parameter(parameter_of(parameter));
    }
    if let Some(described) = operation.handler.body(schemas) {
        let body = RequestBodyBuilder::new().required(Some(if described.required { Required::True } else { Required::False }));
        let body = described.contents().fold(body, |body, (media, content)| body.content(media, content));
        builder = builder.request_body(Some(body.build()));
    }
    let bodies = operation.handler.answers(schemas);
    for (success, body) in operation.answers.iter().zip(bodies) {
        builder = builder.response(success.status.to_string(), success_response(success, body));
    }
    let family = Family::of_path(operation.path);
    let problem = |description: &str| problem(family, description);
    builder = match operation.access {
        Access::Sandbox => {
            builder.response("400", problem("A query value or the body is not valid.")).security(SecurityRequirement::default())
        }
        Access::Link => builder
            .response("400", problem("400. A path or query value is not valid."))
            .response("500", problem("500. Unexpected error."))
            .security(SecurityRequirement::default()),
        Access::Open(_) => builder
            .response("400", problem("400. A path value or the body is not valid."))
            .response("429", refusal(family, &refused(429, "429. Too many calls from this address.")))
            .response("500", problem("500. Unexpected error."))
            .security(SecurityRequirement::default()),
        Access::Role(..) => builder
            .response("400", problem("400. A path, query or header value or the body is not valid."))
            .response("401", problem("401. Authentication or authorization failed."))
            .response("500", problem("500. Unexpected error.")),
    };
    for refused in operation.refuses {
        builder = builder.response(refused.status.to_string(), refusal(family, refused));
    }
    builder.response("default", problem("Any other error.")).build()
}

fn path_parameter(parameter: &PathParameter) -> utoipa::openapi::path::Parameter {
    let schema = match parameter.kind {
        Segment::Organization => ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).build(),
        Segment::Uuid => uuid(),
        Segment::Name => text(),
        Segment::Customer => consents::customer_schema(),
        Segment::Consent => consents::consent_id(),
        Segment::LowerName => ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[a-z0-9_]+$")).build(),
        Segment::HoldName => legal_holds::name_schema(),
        Segment::Number { max } => number(max),
        Segment::NumberFromZero => ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).build(),
        Segment::Width => {
            let widths = render::Width::ALL.map(|width| width.pixels());
            ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some(widths)).build()
        }
        Segment::NumberOrLatest => ObjectBuilder::new().schema_type(Type::String).pattern(Some("^([1-9][0-9]*|latest)$")).build(),
    };
    ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(parameter.description))
        .schema(Some(schema))
        .build()
}

fn parameter_of(parameter: &Parameter) -> utoipa::openapi::path::Parameter {
    let value = Schema::Object((parameter.schema)());
    let (schema, explode) = match parameter.values {
        Values::One => (value, None),
        Values::Repeated => (Schema::Array(Array::new(value)), Some(true)),
        Values::Separated => (Schema::Array(Array::new(value)), Some(false)),
    };
    ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(if parameter.place == Place::Header { ParameterIn::Header } else { ParameterIn::Query })
        .required(if parameter.required { Required::True } else { Required::False })
        .description(Some(parameter.description))
        .schema(Some(schema))
        .explode(explode)
        .deprecated(parameter.is_deprecated.then_some(Deprecated::True))
        .build()
}

fn success_response(success: &Success, body: Option<Described>) -> Response {
    let mut response = ResponseBuilder::new().description(success.description);
    for (name, description) in success.headers {
        let mut header = Header::new(text());
        header.description = Some((*description).to_owned());
        response = response.header(*name, header);
    }
    if let Some(described) = body {
        response = described.contents().fold(response, |response, (media, content)| response.content(media, content));
    }
    response.build()
}

/// An error of one operation. Who is asked to come again later is told when.
fn refusal(family: Family, refused: &Refused) -> Response {
    let mut response = problem(family, refused.description);
    if refused.status == 429 {
        let mut header = Header::new(text());
        header.description = Some("Seconds after which the request may be repeated.".to_owned());
        response.headers.insert("Retry-After".to_owned(), header.into());
    }
    response
}

/// An error: its body is always that of the API.
fn problem(family: Family, description: &str) -> Response {
    let [_, name] = errors_name(family);
    let schema = Ref::from_schema_name(name);
    ResponseBuilder::new().description(description).content("application/json", Content::new(Some(schema))).build()
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

    #[test]
    fn the_operations_are_published_with_the_names_and_statuses_of_the_contract() {
        let api = serde_json::to_value(description(true)).unwrap();
        let statuses = |path: &str, method: &str| {
            let operation = &api["paths"][format!("/v1/orgs/{{org_id}}/{path}")][method];
            let mut statuses: Vec<_> = operation["responses"].as_object().unwrap().keys().cloned().collect();
            statuses.sort();
            (operation["operationId"].as_str().unwrap().to_owned(), statuses.join(" "))
        };
        let expected = [
            ("documents", "post", "upload_document", "201 400 401 500 default"),
            ("documents/{document_id}", "get", "download_document", "200 400 401 404 410 500 default"),
            ("documents/{document_id}", "delete", "delete_document", "200 400 401 404 409 410 500 default"),
            ("documents/{document_id}/physical", "delete", "delete_document_physically", "200 400 401 404 409 410 500 default"),
            ("documents/{document_id}/metadata", "get", "get_document_metadata", "200 400 401 404 410 500 default"),
            ("documents/{document_id}/public_url", "post", "create_document_public_url", "200 400 401 404 410 500 default"),
            ("documents/{document_id}/owner", "put", "change_document_owner", "200 400 401 404 410 500 default"),
            ("sign_process/configurations", "get", "get_sign_configuration", "200 400 401 500 default"),
            ("sign_process/configurations", "post", "create_sign_configuration", "204 400 401 500 default"),
            ("sign_process/configurations", "patch", "update_sign_configuration", "204 400 401 500 default"),
        ];
        for (path, method, operation, listed) in expected {
            assert_eq!(statuses(path, method), (operation.to_owned(), listed.to_owned()));
        }
        let schemas = &api["components"]["schemas"];
        for name in [
            "Error",
            "ErrorsResponse",
            "UploadDocumentRequest",
            "UploadDocumentResponse",
            "DeletedDocumentResponse",
            "DocumentMetadata",
            "DocumentExtension",
            "CreatePublicUrlRequest",
            "PublicUrlResponse",
            "ChangeDocumentOwnerRequest",
            "DocumentOwnerResponse",
            "SignConfiguration",
            "SignCertificate",
            "IdentificationConfig",
            "IdentityDocumentProviders",
            "ProviderRule",
            "SignType",
            "ProviderType",
            "NotificationChannel",
            "CreateSignConfigurationRequest",
            "UpdateSignConfigurationRequest",
        ] {
            assert!(schemas[name].is_object(), "{name}");
        }
    }

    #[test]
    fn every_pattern_is_spelled_out() {
        let api = serde_json::to_string(&description(true)).unwrap();
        for (name, pattern) in PATTERNS {
            assert!(!api.contains(&format!(r#""pattern":"{name}""#)), "{name} is not found where it stands");
            assert!(api.contains(&format!(r#""pattern":{}"#, serde_json::Value::from(pattern))), "nothing uses {name}");
        }
    }
}
