//! Web components of consents: what their tokens open, and from which pages they may call.

use reqwest::Method;
use rubrica::access::Role;
use rubrica::http::operation::{Access, Operation, Reach, Segment, Verb};
use serde_json::{Value, json};

use crate::{
    NOBODY,
    consents_customers::Shop,
    contract, every_operation, own, shared,
    support::{Answer, Client, Journey, ORGANIZATION, Server},
};

const CUSTOMER: &str = "100000000001";
const SHOP: &str = "https://shop.example.org";

fn securize(journey: &Journey, body: &Value) -> Answer {
    journey.client.post(&format!("/v2/orgs/{ORGANIZATION}/securize")).json(body).send()
}

/// A client with the token of a web component.
fn component(server: &Server, customer: &str) -> Client {
    let journey = Journey::of(server.client(), ORGANIZATION);
    let token =
        securize(&journey, &json!({"customer_id": customer, "actor_id": "AG000123"})).expect(201).text("web_component_token");
    server.client_with(&token)
}

fn reaches_customers(row: &Operation) -> bool {
    matches!(row.access, Access::Role(_, Reach::Customer))
}

fn names_a_customer(row: &Operation) -> bool {
    row.path_parameters().any(|parameter| parameter.kind == Segment::Customer)
}

/// Whether a call was let in: whatever else is wrong with it.
fn is_let_in(answer: &Answer) -> bool {
    match answer.status {
        401 => answer.json()["errors"][0]["code"] == "MCONS_011" || answer.details().starts_with("actor_id: "),
        403 => false,
        _ => true,
    }
}

#[test]
fn the_token_of_a_component_opens_its_customer_and_nothing_else() {
    let (server, _) = shared();
    let component = component(&server, CUSTOMER);
    for row in contract::rows() {
        for id in [CUSTOMER, "self"] {
            let answer = every_operation::call(&component, row, ORGANIZATION, id).send();
            assert_eq!(is_let_in(&answer), reaches_customers(row), "{answer}");
        }
        for other in ["100000000002", "10000000000", "SELF", "AG000123", NOBODY] {
            let answer = every_operation::call(&component, row, ORGANIZATION, other).send();
            assert_eq!(is_let_in(&answer), reaches_customers(row) && !names_a_customer(row), "{answer}");
        }
        let elsewhere = every_operation::call(&component, row, "other", CUSTOMER).send();
        assert!(!is_let_in(&elsewhere), "{elsewhere}");
    }
}

#[test]
fn self_is_for_components_alone() {
    let (_server, journey) = shared();
    for row in contract::rows().filter(|row| names_a_customer(row)) {
        let answer = every_operation::call(&journey.client, row, ORGANIZATION, "self").send();
        assert!(
            answer.expect_problem(400, "PARAMETER_ERROR").details().starts_with("customer_id: only the token of a web component")
        );
    }
}

#[test]
fn an_id_of_a_customer_that_cannot_be_is_a_400() {
    let (_server, journey) = shared();
    for row in contract::rows().filter(|row| names_a_customer(row)) {
        for wrong in ["%00", "a%0Ab", "%7F", "%C2%85", &"x".repeat(257), &"%C3%B1".repeat(129)] {
            let answer = every_operation::call(&journey.client, row, ORGANIZATION, wrong).send();
            assert!(answer.expect_problem(400, "PARAMETER_ERROR").details().starts_with("customer_id: expected 1 to 256 bytes"));
        }
    }
}

#[test]
fn a_token_is_made_for_ids_that_can_be_and_tells_neither() {
    let (_server, journey) = shared();
    let body = |customer: &str, actor: &str| json!({"customer_id": customer, "actor_id": actor});
    let longest = body(&"x".repeat(256), &"ñ".repeat(256));
    for good in [body(CUSTOMER, "AG000123"), body("ñandú / 7", "the customer"), longest] {
        let answer = securize(&journey, &good).expect(201);
        let token = answer.text("web_component_token");
        assert!(token.len() < 8 * 1024, "a header takes it: {} bytes", token.len());
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let (long, longer) = ("x".repeat(257), "x".repeat(513));
    for (wrong, named) in [
        (body("", "a"), vec!["customer_id: "]),
        (body(&long, "a"), vec!["customer_id: "]),
        (body("self", "a"), vec!["customer_id: "]),
        (body("1\n2", &longer), vec!["customer_id: ", "actor_id: "]),
        (body("1", "self"), vec!["actor_id: "]),
        (body("1", ""), vec!["actor_id: "]),
        (json!({"customer_id": "1"}), vec!["actor_id: the member is missing"]),
        (json!({"customer_id": 1, "actor_id": "a"}), vec!["customer_id: "]),
    ] {
        let details = securize(&journey, &wrong).expect_problem(400, "INVALID_INPUT").details();
        assert!(named.iter().all(|named| details.lines().any(|line| line.starts_with(named))), "{details}");
    }
}

#[test]
fn every_error_below_v2_has_a_code_of_its_api() {
    let (server, journey) = shared();
    let client = &journey.client;
    client.get("/v2/orgs/acme/nothing").send().expect_code(404, "MCONS_003");
    client.get("/v2").send().expect_code(404, "MCONS_003");
    client.get("/v2/orgs/acme/securize").send().expect_code(405, "MCONS_001");
    server.anonymous().post("/v2/orgs/acme/securize").json(&json!({})).send().expect_code(401, "MCONS_002");
    client.post("/v2/orgs/two%20words/securize").json(&json!({})).send().expect_code(400, "MCONS_001");
    client.post("/v2/orgs/acme/securize").body("text/plain", "{}").send().expect_code(415, "MCONS_001");
    client.post("/v2/orgs/acme/securize").body("application/json", " ".repeat(5000)).send().expect_code(413, "MCONS_001");
    client.get("/v1/orgs/acme/nothing").send().expect_code(404, "MDOC_003");
}

fn preflight(client: &Client, path: &str, origin: &str) -> Answer {
    let call = client.call(Method::OPTIONS, path).header("origin", origin);
    call.header("access-control-request-method", "POST").header("access-control-request-headers", "authorization,x-key").send()
}

#[test]
fn pages_of_configured_origins_may_call_and_no_others() {
    let (server, journey) = own(Some(&format!("[server]\ncors_origins = [\"{SHOP}\", \"http://localhost:3000\"]\n")));
    let (anonymous, path) = (server.anonymous(), format!("/v2/orgs/{ORGANIZATION}/customers/self/consents"));
    for origin in [SHOP, "http://localhost:3000"] {
        let asked = preflight(&anonymous, &path, origin).expect(204);
        assert_eq!(asked.header("access-control-allow-origin"), origin);
        assert!(asked.header("vary").contains("Origin") && asked.header("access-control-allow-methods").contains("POST"));
        let allowed: Vec<_> = asked.header("access-control-allow-headers").split(", ").collect();
        for header in ["authorization", "content-type", "accept-language", "x-segment", "x-key", "etag", "x-auth-owner"] {
            assert!(allowed.contains(&header), "{header}: {allowed:?}");
        }
        assert_eq!(asked.header("access-control-allow-credentials"), "", "no cookie is ever needed");
    }
    // Answers, errors among them, can be read by the page; of both APIs, as tokens of components are for both.
    let component = component(&server, CUSTOMER);
    for path in [path.clone(), journey.path("sign_process/configurations")] {
        let read = component.get(&path).header("origin", SHOP).send();
        assert_eq!(read.header("access-control-allow-origin"), SHOP, "{read}");
        let exposed: Vec<_> = read.header("access-control-expose-headers").split(", ").collect();
        assert!(["x-key", "etag", "retry-after"].iter().all(|header| exposed.contains(header)), "{exposed:?}");
    }
    let refused = anonymous.get(&path).header("origin", SHOP).send().expect(401);
    assert_eq!(refused.header("access-control-allow-origin"), SHOP);
    // Others are not told anything, however near they come.
    for wrong in [
        "https://shop.example.org.evil.example",
        "http://shop.example.org",
        "https://SHOP.example.org",
        "null",
        "*",
        SHOP.trim_end_matches('g'),
    ] {
        let asked = preflight(&anonymous, &path, wrong).expect(405);
        let read = component.get(&path).header("origin", wrong).send();
        for answer in [asked, read] {
            assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "{wrong}: {answer}");
        }
    }
    let twice = component.get(&path).header("origin", SHOP).header("origin", "https://other.example.org").send();
    assert_eq!(twice.header("access-control-allow-origin"), "");
    // What is no API is for no page.
    for path in ["/health/live", "/openapi.json", "/errors"] {
        assert_eq!(anonymous.get(path).header("origin", SHOP).send().header("access-control-allow-origin"), "", "{path}");
    }
    anonymous.call(Method::OPTIONS, &path).header("origin", SHOP).send().expect(405);
}

#[test]
fn without_configured_origins_no_page_may_call() {
    let (server, _) = shared();
    let path = format!("/v2/orgs/{ORGANIZATION}/securize");
    let asked = preflight(&server.anonymous(), &path, SHOP).expect(405);
    let read = server.anonymous().get(&path).header("origin", SHOP).send();
    for answer in [asked, read] {
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "{answer}");
    }
}

#[test]
fn two_organizations_with_the_same_things_see_their_own_alone() {
    let (server, acme) = Shop::new();
    let other = Shop::on(&server);
    acme.capture(CUSTOMER, &[("C01", 2)]).expect(201);
    let ids = [&acme, &other].map(|shop| {
        let answer = shop.capture("100000000009", &[("C01", 0)]).expect(201);
        answer.text("id")
    });
    assert_ne!(ids[0], ids[1], "one customer of two organizations is two");
    // The same customer is known to one of them, and what one asks for, the other is not asked for.
    other.read(CUSTOMER, "").expect(200);
    other.impact(CUSTOMER).expect_problem(404, "RESOURCE_NOT_FOUND");
    other.delete(CUSTOMER).expect_problem(404, "RESOURCE_NOT_FOUND");
    acme.define(("C99", "OPT_IN", None));
    let listed = other.client.get(&other.path("consents?consent_id=C99")).send().expect(200).json();
    assert_eq!(listed["consents"], json!([]));
    // Every operation of one is closed to the other's token, whatever its roles, and nothing changes.
    for row in contract::rows().filter(|row| row.path.starts_with("/v2/")) {
        for id in [CUSTOMER, "C01"] {
            let answer = every_operation::call(&other.client, row, &acme.organization, id).send();
            answer.expect_problem(401, "UNAUTHORIZED");
        }
    }
    assert_eq!(acme.choices(CUSTOMER)["C01"], 2);
}

#[test]
fn a_role_of_consents_opens_no_other_operation_on_things_that_are_there() {
    let (server, shop) = Shop::new();
    shop.capture(CUSTOMER, &[("C01", 2)]).expect(201);
    for role in Role::ALL {
        let client = server.client_with(&server.token(&shop.organization, &[role.name()]));
        for row in contract::rows()
            .filter(|row| row.path.starts_with("/v2/") && row.method != Verb::Delete && row.id != "erase_customer")
        {
            let answer = every_operation::call(&client, row, &shop.organization, CUSTOMER).send();
            let opens = matches!(row.access, Access::Role(needed, _) if needed == role);
            assert_eq!(is_let_in(&answer), opens, "{role}: {answer}");
        }
        let deleted = client.delete(&shop.consents(CUSTOMER)).header("x-segment", "energy").send();
        assert_eq!(is_let_in(&deleted), role == Role::ConsentsDelete, "{role}: {deleted}");
    }
    assert_eq!(shop.choices(CUSTOMER)["C01"], 2, "nothing was changed by who may not");
}
