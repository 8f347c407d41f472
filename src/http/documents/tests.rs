use actix_web::http::{Method, StatusCode, header};
use actix_web::test::TestRequest;
use chrono::{TimeDelta, Timelike};

use super::*;
use crate::access::Role;
use crate::http::testing::{Answer, Form, MAX_DOCUMENT, World, expect_problem};

const ROOT: &str = "/v1/orgs/acme/documents";

fn upload_form(name: &str, extension: &str, content: &[u8]) -> Form {
    Form::new().part("name", name).part("extension", extension).part("content", content)
}

impl World {
    async fn upload(&self, form: Form) -> Answer {
        self.call(form.on(self.request(Method::POST, ROOT))).await
    }

    async fn uploaded(&self) -> String {
        let answer = self.upload(upload_form("facts", "json", b"{}").part("tags", "a,b c")).await;
        assert_eq!(answer.status, 201);
        answer.json()["documentId"].as_str().unwrap().to_owned()
    }

    async fn private(&self, owner: &str) -> String {
        let request = self.request(Method::POST, ROOT).insert_header(("x-auth-owner", owner));
        let answer = self.call(upload_form("facts", "json", b"{}").on(request)).await;
        answer.json()["documentId"].as_str().unwrap().to_owned()
    }

    fn on(&self, method: Method, id: &str, suffix: &str) -> TestRequest {
        self.request(method, &format!("{ROOT}/{id}{suffix}"))
    }

    async fn public_url(&self, id: &str, body: serde_json::Value) -> Answer {
        self.call(self.on(Method::POST, id, "/public_url").set_json(body)).await
    }

    async fn open(&self, public_url: &str) -> Answer {
        let path = public_url.strip_prefix("https://sign.example").unwrap();
        self.call(TestRequest::get().uri(path)).await
    }
}

const NOBODY: &str = "00000000-0000-4000-8000-000000000001";

#[actix_web::test]
async fn an_upload_can_be_read_and_downloaded() {
    let world = World::new();
    let id = world.uploaded().await;

    let metadata = world.call(world.on(Method::GET, &id, "/metadata")).await;
    let expected = serde_json::json!({
        "documentId": id, "name": "facts", "tags": ["A", "BC"], "extension": "json",
        "archiveHash": "99914b932bd37a50b983c5e7c90ae93b", "size": 2, "isPublic": true,
    });
    assert_eq!((metadata.status, metadata.json()), (200, expected));

    let download = world.call(world.on(Method::GET, &id, "")).await;
    assert_eq!((download.status, download.body.as_ref()), (200, &b"{}"[..]));
    assert_eq!(download.header("content-type"), "application/json");
    assert_eq!(download.header("content-disposition"), "attachment; filename=\"facts.json\"");
    assert_eq!(download.header("x-content-type-options"), "nosniff");
}

#[actix_web::test]
async fn a_pdf_that_cannot_be_sealed_is_refused_at_once() {
    let world = World::new();
    let contract = ::documents::fixtures::contract(&["signer"]);
    assert_eq!(world.upload(upload_form("contract", "pdf", &contract)).await.status, 201);
    for bytes in [&b"%PDF-1.7\nbroken"[..], b"<html></html>", b""] {
        expect_problem(
            &world.upload(upload_form("contract", "pdf", bytes)).await,
            StatusCode::BAD_REQUEST,
            "MDOC_001",
            "INVALID_INPUT",
        );
    }
}

#[actix_web::test]
async fn an_upload_with_several_mistakes_tells_each() {
    let world = World::new();
    let answer = world.upload(Form::new().part("name", "two words").part("extension", "exe").part("tags", "A,a")).await;
    expect_problem(&answer, StatusCode::BAD_REQUEST, "MDOC_001", "INVALID_INPUT");
    let errors = answer.json()["errors"].as_array().unwrap().clone();
    let members: Vec<_> =
        errors.iter().map(|error| error["details"].as_str().unwrap().split(':').next().unwrap().to_owned()).collect();
    assert_eq!(members, ["name", "extension", "tags", "content"]);
}

#[actix_web::test]
async fn content_over_the_limit_is_413() {
    let world = World::new();
    let fits = format!("\"{}\"", "x".repeat(MAX_DOCUMENT - 2));
    assert_eq!(world.upload(upload_form("a", "json", fits.as_bytes())).await.status, 201);
    let over = world.upload(upload_form("a", "json", format!("{fits} ").as_bytes())).await;
    expect_problem(&over, StatusCode::PAYLOAD_TOO_LARGE, "MDOC_001", "INVALID_INPUT");
}

#[actix_web::test]
async fn a_client_that_sends_too_much_sees_the_answer_and_no_broken_connection() {
    let world = World::new();
    let api = world.api();
    let app = move || actix_web::App::new().configure(|service| api.clone().configure(service));
    let server = actix_web::HttpServer::new(app).workers(1).bind("127.0.0.1:0").unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);

    for size in [MAX_DOCUMENT + 1, 2 * MAX_DOCUMENT] {
        let body = upload_form("a", "json", &vec![b'1'; size]).bytes();
        let request = reqwest::Client::new()
            .post(format!("http://{address}{ROOT}"))
            .bearer_auth(world.token("acme", &[]))
            .header("content-type", "multipart/form-data; boundary=XX")
            .body(body);
        assert_eq!(request.send().await.unwrap().status(), 413, "{size}");
    }
    handle.stop(false).await;
}

#[actix_web::test]
async fn an_upload_must_be_multipart() {
    let world = World::new();
    let answer = world.call(world.request(Method::POST, ROOT).set_json(serde_json::json!({"name": "x"}))).await;
    expect_problem(&answer, StatusCode::UNSUPPORTED_MEDIA_TYPE, "MDOC_001", "PARAMETER_ERROR");
}

#[actix_web::test]
async fn a_call_needs_a_token_of_the_organization_with_the_role() {
    let world = World::new();
    let id = world.uploaded().await;
    let path = format!("{ROOT}/{id}");
    let with = |authorization: Option<String>| {
        let request = TestRequest::get().uri(&path);
        authorization.into_iter().fold(request, |request, value| request.insert_header((header::AUTHORIZATION, value)))
    };
    let other = format!("Bearer {}", world.token("other", &[]));
    let wrong_role = format!("Bearer {}", world.token("acme", &[Role::Sign]));
    let right_role = format!("bearer {}", world.token("acme", &[Role::DocumentsRead]));

    for refused in [None, Some("Basic abc".to_owned()), Some("Bearer x".into()), Some(other), Some(wrong_role)] {
        let answer = world.call(with(refused)).await;
        expect_problem(&answer, StatusCode::UNAUTHORIZED, "MDOC_002", "UNAUTHORIZED");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    assert_eq!(world.call(with(Some(right_role))).await.status, 200);
}

#[actix_web::test]
async fn identifiers_and_owners_in_the_request_line_are_checked() {
    let world = World::new();
    let answer = world.call(world.on(Method::GET, "not-a-uuid", "/metadata")).await;
    expect_problem(&answer, StatusCode::BAD_REQUEST, "MDOC_001", "PARAMETER_ERROR");
    let answer = world.call(world.on(Method::GET, NOBODY, "/metadata")).await;
    expect_problem(&answer, StatusCode::NOT_FOUND, "MDOC_003", "RESOURCE_NOT_FOUND");
    let blank = world.request(Method::POST, ROOT).insert_header(("x-auth-owner", " "));
    let answer = world.call(upload_form("a", "json", b"{}").on(blank)).await;
    expect_problem(&answer, StatusCode::BAD_REQUEST, "MDOC_001", "PARAMETER_ERROR");
}

#[actix_web::test]
async fn unknown_paths_are_404_and_other_methods_405() {
    let world = World::new();
    let answer = world.call(world.request(Method::GET, "/v1/orgs/acme/nothing")).await;
    expect_problem(&answer, StatusCode::NOT_FOUND, "MDOC_003", "RESOURCE_NOT_FOUND");
    let answer = world.call(world.on(Method::PUT, NOBODY, "")).await;
    expect_problem(&answer, StatusCode::METHOD_NOT_ALLOWED, "MDOC_001", "PARAMETER_ERROR");
    assert_eq!(answer.header("allow"), "GET, DELETE");
}

#[actix_web::test]
async fn a_private_document_needs_its_owner() {
    let world = World::new();
    let id = world.private("Ana").await;
    let answer = world.call(world.on(Method::GET, &id, "/metadata")).await;
    expect_problem(&answer, StatusCode::UNAUTHORIZED, "MDOC_002", "UNAUTHORIZED");
    let answer = world.call(world.on(Method::GET, &id, "/metadata").insert_header(("x-auth-owner", "ANA "))).await;
    assert_eq!((answer.status, answer.json()["isPublic"].as_bool()), (200, Some(false)));
}

#[actix_web::test]
async fn deletions_follow_the_split_of_the_contract() {
    let world = World::new();
    let id = world.uploaded().await;
    let delete = async |suffix| world.call(world.on(Method::DELETE, &id, suffix)).await;

    let first = delete("").await;
    assert_eq!((first.status, first.json()["deletedDocumentId"].as_str()), (200, Some(id.as_str())));
    expect_problem(&delete("").await, StatusCode::CONFLICT, "MDOC_005", "CONFLICT");
    let read = world.call(world.on(Method::GET, &id, "")).await;
    expect_problem(&read, StatusCode::GONE, "MDOC_004", "RESOURCE_IS_NO_LONGER_AVAILABLE");

    let physical = delete("/physical").await;
    assert_eq!((physical.status, &physical.json()["deleteTS"]), (200, &first.json()["deleteTS"]));
    expect_problem(&delete("/physical").await, StatusCode::CONFLICT, "MDOC_005", "CONFLICT");
    expect_problem(&delete("").await, StatusCode::GONE, "MDOC_004", "RESOURCE_IS_NO_LONGER_AVAILABLE");
    let never = world.call(world.on(Method::DELETE, NOBODY, "/physical")).await;
    expect_problem(&never, StatusCode::NOT_FOUND, "MDOC_003", "RESOURCE_NOT_FOUND");
}

#[actix_web::test]
async fn the_owner_changes_and_comes_back_normalised() {
    let world = World::new();
    let (private, public) = (world.private("ana").await, world.uploaded().await);
    let change = async |id: &str, body: serde_json::Value| {
        let request = world.on(Method::PUT, id, "/owner").insert_header(("x-auth-owner", "ana"));
        world.call(request.set_json(body)).await
    };

    for body in [serde_json::json!({}), serde_json::json!({"newOwner": null}), serde_json::json!({"newOwner": " "})] {
        expect_problem(&change(&private, body).await, StatusCode::BAD_REQUEST, "MDOC_001", "INVALID_INPUT");
    }
    let answer = change(&public, serde_json::json!({"newOwner": "ben"})).await;
    expect_problem(&answer, StatusCode::BAD_REQUEST, "MDOC_001", "INVALID_INPUT");
    let answer = change(&private, serde_json::json!({"newOwner": "BEN@Example.com"})).await;
    assert_eq!((answer.status, answer.json()), (200, serde_json::json!({"owner": "ben@example.com"})));
    let again = change(&private, serde_json::json!({"newOwner": "ana"})).await;
    expect_problem(&again, StatusCode::UNAUTHORIZED, "MDOC_002", "UNAUTHORIZED");
}

#[actix_web::test]
async fn a_public_url_serves_the_document_without_a_token() {
    let world = World::new();
    let id = world.private("ana").await;
    let request = world.on(Method::POST, &id, "/public_url").insert_header(("x-auth-owner", "ana"));
    let made = world.call(request.set_json(serde_json::json!({"downloadDisposition": "inline", "expiresIn": "PT5M"}))).await;
    let made = made.json();
    assert_eq!((made["name"].as_str(), made["mediaType"].as_str()), (Some("facts"), Some("application/json")));
    let expires: DateTime<Utc> = made["expirationDate"].as_str().unwrap().parse().unwrap();
    assert!((expires - Utc::now() - TimeDelta::minutes(5)).num_seconds().abs() < 60);

    let served = world.open(made["publicUrl"].as_str().unwrap()).await;

    assert_eq!((served.status, served.body.as_ref()), (200, &b"{}"[..]));
    assert_eq!(served.header("content-disposition"), "inline; filename=\"facts.json\"");
    assert_eq!((served.header("cache-control"), served.header("x-content-type-options")), ("private", "nosniff"));
}

#[actix_web::test]
async fn a_public_url_lasts_at_most_24_hours_and_that_is_the_default() {
    let world = World::new();
    let id = world.uploaded().await;
    let made = world.public_url(&id, serde_json::json!({})).await;
    let expires: DateTime<Utc> = made.json()["expirationDate"].as_str().unwrap().parse().unwrap();
    assert!((expires - Utc::now() - TimeDelta::hours(24)).num_seconds().abs() < 60);
    assert_eq!(world.public_url(&id, serde_json::json!({"expiresIn": "P1D"})).await.status, 200);

    for body in [
        serde_json::json!({"expiresIn": "PT24H1S"}),
        serde_json::json!({"expiresIn": "PT0S"}),
        serde_json::json!({"expiresIn": 5}),
        serde_json::json!({"expiresIn": null}),
        serde_json::json!({"downloadDisposition": "sideways"}),
    ] {
        expect_problem(&world.public_url(&id, body).await, StatusCode::BAD_REQUEST, "MDOC_001", "INVALID_INPUT");
    }
    let gone = world.public_url(NOBODY, serde_json::json!({})).await;
    expect_problem(&gone, StatusCode::NOT_FOUND, "MDOC_003", "RESOURCE_NOT_FOUND");
}

#[actix_web::test]
async fn a_public_url_ends_with_its_time_or_its_document_and_cannot_be_guessed() {
    let mut world = World::new();
    let id = world.uploaded().await;
    let url = world.public_url(&id, serde_json::json!({})).await.json()["publicUrl"].as_str().unwrap().to_owned();
    for guess in [
        format!("{url}x"),
        "https://sign.example/public/abc".into(),
        url.to_uppercase().replace("HTTPS://SIGN.EXAMPLE/PUBLIC", "https://sign.example/public"),
    ] {
        expect_problem(&world.open(&guess).await, StatusCode::NOT_FOUND, "MDOC_003", "RESOURCE_NOT_FOUND");
    }

    let clock = std::mem::replace(&mut world.state.clock, std::sync::Arc::new(|| Utc::now() + TimeDelta::hours(25)));
    expect_problem(&world.open(&url).await, StatusCode::GONE, "MDOC_004", "RESOURCE_IS_NO_LONGER_AVAILABLE");
    world.state.clock = clock;
    assert_eq!(world.open(&url).await.status, 200);
    world.call(world.on(Method::DELETE, &id, "")).await;
    expect_problem(&world.open(&url).await, StatusCode::GONE, "MDOC_004", "RESOURCE_IS_NO_LONGER_AVAILABLE");
}

#[actix_web::test]
async fn html_is_served_where_it_cannot_run() {
    let world = World::new();
    let answer = world.upload(upload_form("page", "html", b"<script>1</script>")).await;
    let id = answer.json()["documentId"].as_str().unwrap().to_owned();
    let served = world.call(world.on(Method::GET, &id, "")).await;
    assert_eq!(served.header("content-security-policy"), "sandbox; default-src 'none'");
    assert_eq!(served.header("content-type"), "text/html; charset=utf-8");
}

#[test]
fn file_names_are_sent_plain_and_as_utf_8() {
    let header = |name| crate::http::download::content_disposition(name, Disposition::Attachment).to_str().unwrap().to_owned();
    assert_eq!(header("contract.pdf"), "attachment; filename=\"contract.pdf\"");
    assert_eq!(header("a\u{f1}o\"/..%.pdf"), "attachment; filename=\"a_o__.._.pdf\"; filename*=UTF-8''a%C3%B1o%22%2F..%25.pdf");
}

#[test]
fn delete_instants_have_milliseconds() {
    let json = serde_json::to_string(&DeletedDocumentResponse {
        deleted_document_id: Uuid::nil(),
        delete_ts: DateTime::from_timestamp(1_800_000_000, 0).unwrap().with_nanosecond(5_000_000).unwrap(),
    });
    assert!(json.unwrap().contains("\"deleteTS\":\"2027-01-15T08:00:00.005Z\""));
}
