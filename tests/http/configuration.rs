//! The sign configuration of an organization and its certificate.

use chrono::Utc;
use documents::pkcs12::Identity;
use serde_json::json;

use crate::{
    shared,
    support::{Form, Journey, Server},
};

const PASSWORD: &str = "a password";

fn certificate(common_name: &str) -> Vec<u8> {
    Identity::development(common_name, "Tests", Utc::now(), PASSWORD).unwrap()
}

fn form(password: &str) -> Form {
    Form::new()
        .part("landing_url", "sign.example.org")
        .part("expiration_duration", "P7D")
        .part("channels", "EMAIL,SMS")
        .file("content", "tenant.p12", certificate("Tenant"))
        .part("sign_certificate_password", password)
        .part("notification_email", "certificates@example.org")
}

/// An organization that nobody else uses.
fn organization(server: &Server) -> Journey {
    let name = format!("org-{}", uuid::Uuid::new_v4().simple());
    Journey::of(server.client_with(&server.token(&name, &[])), &name)
}

/// One with a sign configuration.
pub fn configured_organization(server: &Server) -> Journey {
    let journey = organization(server);
    journey.client.post(&journey.path("sign_process/configurations")).form(form(PASSWORD)).send().expect(204);
    journey
}

#[test]
fn a_configuration_is_read_back_without_its_secrets() {
    let (server, _) = shared();
    let journey = organization(&server);
    let path = journey.path("sign_process/configurations");
    journey.client.get(&path).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    journey.client.patch(&path).form(Form::new().part("landing_url", "x")).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    let providers = r#"[{"sign_type":"SIMPLE","provider_type":"INTERNAL"}]"#;
    journey.client.post(&path).form(form(PASSWORD).part("identification_config", providers)).send().expect(204);
    let answer = journey.client.get(&path).send().expect(200);
    let configuration = answer.json();
    assert_eq!(configuration["expiration_duration"], "P7D");
    assert_eq!(configuration["channels"], json!(["EMAIL", "SMS"]));
    assert_eq!(configuration["certificate"]["common_name"], "Tenant");
    assert_eq!(configuration["identification_config"]["identity_document"]["providers"][0]["provider_type"], "INTERNAL");
    assert!(!answer.to_string().contains(PASSWORD));
}

#[test]
fn a_wrong_certificate_password_is_401_and_changes_nothing() {
    let (server, _) = shared();
    let journey = organization(&server);
    let path = journey.path("sign_process/configurations");
    journey.client.post(&path).form(form("wrong")).send().expect_problem(401, "UNAUTHORIZED");
    journey.client.get(&path).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    journey.client.post(&path).form(form(PASSWORD)).send().expect(204);
    let other =
        Form::new().part("landing_url", "other").part("content", certificate("Other")).part("sign_certificate_password", "wrong");
    journey.client.patch(&path).form_as(other, "multipart/mixed").send().expect_problem(401, "UNAUTHORIZED");
    let configuration = journey.client.get(&path).send().expect(200).json();
    assert_eq!(configuration["landing_url"], "sign.example.org");
    assert_eq!(configuration["certificate"]["common_name"], "Tenant");
}

#[test]
fn a_patch_changes_what_it_names_in_either_kind_of_multipart() {
    let (server, _) = shared();
    let journey = organization(&server);
    let path = journey.path("sign_process/configurations");
    journey.client.post(&path).form(form(PASSWORD)).send().expect(204);
    let mixed = Form::new().disposed("inline; name=\"expiration_duration\"", "PT2H");
    journey.client.patch(&path).form_as(mixed, "multipart/mixed").send().expect(204);
    journey.client.patch(&path).form(Form::new().part("channels", "SMS")).send().expect(204);
    let renewed = Form::new().part("content", certificate("Renewed")).part("sign_certificate_password", PASSWORD);
    journey.client.patch(&path).form_as(renewed, "multipart/mixed").send().expect(204);
    let configuration = journey.client.get(&path).send().expect(200).json();
    assert_eq!((&configuration["expiration_duration"], &configuration["channels"]), (&json!("PT2H"), &json!(["SMS"])));
    assert_eq!(configuration["landing_url"], "sign.example.org");
    assert_eq!(configuration["certificate"]["common_name"], "Renewed");
}

#[test]
fn a_configuration_that_is_wrong_is_refused() {
    let (server, _) = shared();
    let journey = organization(&server);
    let path = journey.path("sign_process/configurations");
    journey.client.post(&path).form(Form::new().part("landing_url", "x")).send().expect_problem(400, "INVALID_INPUT");
    journey.client.post(&path).form(form(PASSWORD)).send().expect(204);
    for (part, value) in [
        ("expiration_duration", "PT1M"),
        ("expiration_duration", "P31D"),
        ("expiration_duration", "a week"),
        ("channels", "PIGEON"),
        ("notification_email", "nobody"),
        ("notification_email", "certificates@example..org"),
        ("identification_config", "{}"),
        ("content", "not a certificate"),
    ] {
        let form = Form::new().part(part, value);
        let form = if part == "content" { form.part("sign_certificate_password", PASSWORD) } else { form };
        let answer = journey.client.patch(&path).form(form).send().expect_problem(400, "INVALID_INPUT");
        assert!(answer.details().contains(part), "{part}={value}: {answer}");
    }
    journey.client.patch(&path).json(&json!({})).send().expect_problem(415, "PARAMETER_ERROR");
}
