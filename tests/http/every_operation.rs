//! What holds for every operation alike, computed from the table of operations: no operation has a line of its own here.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use reqwest::Method;
use rubrica::http::operation::{Operation, PathParameter, Segment};
use serde_json::{Value, json};

use crate::{
    NOBODY, contract, own, shared,
    support::{Call, Client, Form, ORGANIZATION, Server},
};

/// The limit of bodies in JSON where the operation has none of its own: the default of `server.json_limit`.
const JSON_LIMIT: usize = 2 * 1024 * 1024;

/// Longest wait for an answer that must not wait for anything. Generous: the machine may be busy.
const AT_ONCE: Duration = Duration::from_secs(20);

fn path(row: &Operation, organization: &str, id: &str) -> String {
    let mut named = row.path_parameters();
    let mut segment = |segment: &str| match if segment.starts_with('{') { named.next().map(|named| named.kind) } else { None } {
        None => segment.to_owned(),
        Some(Segment::Organization) => organization.to_owned(),
        // A number is none of the wrong identifiers that tests put here.
        Some(Segment::Number { .. } | Segment::NumberFromZero | Segment::NumberOrLatest) if id == NOBODY => "7".to_owned(),
        Some(_) => id.to_owned(),
    };
    row.path.split('/').map(&mut segment).collect::<Vec<_>>().join("/")
}

fn method(row: &Operation) -> Method {
    Method::from_bytes(row.method.as_str().as_bytes()).expect("a method")
}

fn names_something(row: &Operation) -> bool {
    row.path_parameters().any(|parameter| parameter.kind != Segment::Organization)
}

/// The first of its identifiers that has a form; names have none.
fn identifier(row: &Operation) -> Option<&'static PathParameter> {
    let is_name =
        |kind| matches!(kind, Segment::Name | Segment::LowerName | Segment::HoldName | Segment::Customer | Segment::Consent);
    row.path_parameters().find(|parameter| parameter.kind != Segment::Organization && !is_name(parameter.kind))
}

/// The media types of an operation's body; none if it takes none.
fn media_types(row: &Operation) -> Vec<String> {
    let content = contract::PUBLISHED.operations[row.id].value["requestBody"]["content"].as_object().cloned();
    content.into_iter().flatten().map(|(media_type, _)| media_type).collect()
}

fn takes_json(row: &Operation) -> bool {
    media_types(row) == ["application/json"]
}

/// The media type of a body that an operation takes.
fn media_type(row: &Operation) -> String {
    match media_types(row).first() {
        Some(multipart) if multipart.starts_with("multipart/") => "multipart/form-data; boundary=x".to_owned(),
        first => first.cloned().unwrap_or_default(),
    }
}

/// A call without a body, with the headers that the description requires.
fn bare<'a>(client: &'a Client, row: &Operation, organization: &str, id: &str) -> Call<'a> {
    let parameters = contract::PUBLISHED.operations[row.id].value["parameters"].as_array().cloned().unwrap_or_default();
    // Of two names of one thing, the newer one is sent.
    let is_needed = |name: &Value, header: &Value| header["required"] == true || *name == "x-segment";
    let needed = parameters.iter().filter(|parameter| parameter["in"] == "header" && is_needed(&parameter["name"], parameter));
    let call = client.call(method(row), &path(row, organization, id));
    needed.fold(call, |call, header| {
        let name = header["name"].as_str().expect("a name");
        // A key that could be one, so that it is looked at last.
        if name == "x-key" { call.header(name, &"0".repeat(64)) } else { call.header(name, "a-value") }
    })
}

/// A call with a body that the description allows; of a multipart body, one part that nobody knows.
pub fn call<'a>(client: &'a Client, row: &Operation, organization: &str, id: &str) -> Call<'a> {
    with_body(row, bare(client, row, organization, id))
}

fn with_body<'a>(row: &Operation, call: Call<'a>) -> Call<'a> {
    match media_types(row).first().map(String::as_str) {
        None => call,
        Some("application/json") => call
            .json(&sample(&contract::PUBLISHED.operations[row.id].value["requestBody"]["content"]["application/json"]["schema"])),
        Some(lines @ "application/x-ndjson") => {
            let schema = &contract::PUBLISHED.operations[row.id].value["requestBody"]["content"][lines]["schema"];
            call.body(lines, sample(schema).to_string())
        }
        Some(_) => call.form(Form::new().part("a", "b")),
    }
}

/// A value that a schema allows, with all members.
fn sample(schema: &Value) -> Value {
    let schema = contract::PUBLISHED.resolve(schema);
    if let Some(example) = schema["examples"].get(0) {
        return example.clone();
    }
    if let Some(value) = schema["enum"].get(0).or_else(|| schema.get("default")) {
        return value.clone();
    }
    // The first of them is the thing itself; the others narrow it.
    if let Some(all) = schema["allOf"].get(0) {
        return sample(all);
    }
    if let Some(choice) = schema["oneOf"].as_array().and_then(|choices| choices.iter().find(|choice| choice["type"] != "null")) {
        return sample(choice);
    }
    let kind = schema["type"]
        .as_str()
        .or_else(|| schema["type"].as_array()?.iter().find_map(|kind| kind.as_str().filter(|kind| *kind != "null")));
    match kind {
        Some("object") => {
            // Without properties anything goes.
            let members = schema["properties"].as_object().into_iter().flatten();
            members.map(|(name, schema)| (name.clone(), sample(schema))).collect::<serde_json::Map<_, _>>().into()
        }
        Some("array") => json!([sample(&schema["items"])]),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(false),
        Some("string") => match schema["format"].as_str().or_else(|| schema["contentMediaType"].as_str()) {
            Some("image/png") => json!("iVBORw0KGgo="),
            Some("application/json") => json!("{}"),
            Some("uuid") => json!(NOBODY),
            Some("date-time") => json!("2024-05-21T17:32:28Z"),
            Some("duration") => json!("PT1H"),
            Some("email") => json!("ana@example.org"),
            _ => json!("text"),
        },
        _ => panic!("a schema of no kind that is known here: {schema}"),
    }
}

/// What a server answers to raw bytes: the status, and the title of the first problem.
fn raw(server: &Server, request: &str) -> (u16, String) {
    let address = server.base().strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(AT_ONCE)).expect("a time-out");
    stream.write_all(request.as_bytes()).expect("the request is sent");
    let (mut answer, mut piece, until) = (Vec::new(), [0; 4096], Instant::now() + AT_ONCE);
    loop {
        let text = String::from_utf8_lossy(&answer).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n").filter(|(_, body)| body.ends_with('}')) {
            let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
            let body: Value = serde_json::from_str(body).expect("JSON");
            return (status, body["errors"][0]["title"].as_str().expect("a title").to_owned());
        }
        let length = stream.read(&mut piece).unwrap_or_else(|error| panic!("no answer to {request:?}: {error}; so far {text:?}"));
        assert!(length > 0 && Instant::now() < until, "the connection ended after {text:?} to {request:?}");
        answer.extend_from_slice(&piece[..length]);
    }
}

/// The head of a request, whose body does not come.
fn head(row: &Operation, authorization: &str, more: &str) -> String {
    let target = path(row, ORGANIZATION, NOBODY);
    format!("{} {target} HTTP/1.1\r\nHost: test\r\n{authorization}{more}\r\n", row.method.as_str())
}

#[test]
fn a_path_has_its_methods_and_no_others() {
    let (server, journey) = shared();
    let mut paths: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    contract::rows().for_each(|row| paths.entry(row.path).or_default().push(row));
    for rows in paths.values() {
        let allowed: Vec<&str> = rows.iter().map(|row| row.method.as_str()).collect();
        let target = path(rows[0], ORGANIZATION, NOBODY);
        for other in ["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"] {
            if allowed.contains(&other) {
                continue;
            }
            let other = Method::from_bytes(other.as_bytes()).expect("a method");
            for client in [&journey.client, &server.anonymous()] {
                let answer = client.call(other.clone(), &target).send();
                assert_eq!((answer.status, answer.header("allow")), (405, allowed.join(", ").as_str()), "{answer}");
                if other != Method::HEAD {
                    answer.expect_problem(405, "PARAMETER_ERROR");
                }
            }
        }
        let answer = journey.client.get(&format!("{target}/")).send();
        answer.expect_problem(404, "RESOURCE_NOT_FOUND");
    }
}

#[test]
fn an_organization_that_cannot_be_is_a_400_that_names_it() {
    let (_server, journey) = shared();
    for row in contract::rows() {
        for wrong in ["two%20words", "%0A", &"x".repeat(81)] {
            let answer = call(&journey.client, row, wrong, NOBODY).send().expect_problem(400, "PARAMETER_ERROR");
            assert!(answer.details().starts_with("org_id: "), "{answer}");
        }
    }
}

#[test]
fn an_identifier_that_is_none_is_a_400_that_names_it() {
    let (_server, journey) = shared();
    for row in contract::rows() {
        let Some(PathParameter { name, kind, .. }) = identifier(row) else { continue };
        let expected = if *kind == Segment::Uuid { "not a UUID" } else { "expected a whole number from 1" };
        for wrong in ["not-a-uuid", "0", "%7B%7D", "00000000-0000-7000-8000-00000000000g", "a%2Fb", "07", "1.0", "-1"] {
            let answer = call(&journey.client, row, ORGANIZATION, wrong).send().expect_problem(400, "PARAMETER_ERROR");
            assert!(answer.details().starts_with(&format!("{name}: {expected}")), "{answer}");
        }
    }
}

/// Operations that know no 404 of what nobody made, and why.
const WITHOUT_404: [(&str, &str); 4] = [
    ("get_customer_consents_state", "it says that nobody of this name is known"),
    ("erase_customer", "who has nothing is erased, so that it can be asked again"),
    ("list_consent_history", "it answers an empty page (note missing-404)"),
    ("set_legal_hold", "it makes the hold that the path names"),
];

#[test]
fn what_nobody_made_is_a_404() {
    let (_server, journey) = shared();
    for row in contract::rows().filter(|row| names_something(row) && WITHOUT_404.iter().all(|(id, _)| *id != row.id)) {
        call(&journey.client, row, ORGANIZATION, NOBODY).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    }
}

#[test]
fn a_header_that_is_required_is_missed() {
    let (_server, journey) = shared();
    for row in contract::rows() {
        for header in row.parameters.iter().filter(|parameter| parameter.required) {
            // The client of the tests names itself in none of its calls.
            let call = with_body(row, journey.client.call(method(row), &path(row, ORGANIZATION, NOBODY)));
            let answer = call.send().expect(400);
            assert!(answer.details().contains(&format!("{}: the header is missing", header.name.to_lowercase())), "{answer}");
        }
    }
}

#[test]
fn a_body_of_another_media_type_is_a_415() {
    let (_server, journey) = shared();
    for row in contract::rows().filter(|row| !media_types(row).is_empty()) {
        for wrong in ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream"] {
            let call = bare(&journey.client, row, ORGANIZATION, NOBODY).body(wrong, "{}");
            call.send().expect_problem(415, "PARAMETER_ERROR");
        }
        let other = if takes_json(row) { "multipart/form-data; boundary=x" } else { "application/json" };
        bare(&journey.client, row, ORGANIZATION, NOBODY).body(other, "{}").send().expect_problem(415, "PARAMETER_ERROR");
    }
}

#[test]
fn a_body_that_is_not_what_it_says_is_a_400() {
    let (_server, journey) = shared();
    // Of lines each is answered by itself.
    let is_one_value = |row: &&Operation| !media_types(row).is_empty() && media_type(row) != "application/x-ndjson";
    for row in contract::rows().filter(is_one_value) {
        let media_type = media_type(row);
        for wrong in ["{", "nonsense", "[]", "7", "null", "\"text\"", "--x\r\n\r\n", "{}{}"] {
            let call = bare(&journey.client, row, ORGANIZATION, NOBODY).body(&media_type, wrong);
            call.send().expect_problem(400, "INVALID_INPUT");
        }
    }
}

#[test]
fn a_body_over_the_limit_of_its_operation_is_a_413_before_it_comes() {
    let (server, _journey) = own(None);
    let authorization = format!("Authorization: Bearer {}\r\n", server.bearer());
    for row in contract::rows().filter(|row| !media_types(row).is_empty()) {
        let limit = if takes_json(row) { row.body_limit.unwrap_or(JSON_LIMIT) } else { 1 << 40 };
        let media_type = media_type(row);
        let declared = format!("Content-Type: {media_type}\r\nContent-Length: {}\r\n", limit + 1);
        let answer = raw(&server, &head(row, &authorization, &declared));
        assert_eq!(answer, (413, "INVALID_INPUT".to_owned()), "{}", row.id);
        if takes_json(row) {
            // Of a length that is not declared, the first byte too many.
            let chunked = format!("Content-Type: {media_type}\r\nTransfer-Encoding: chunked\r\n");
            let body = format!("{:x}\r\n{}\r\n", limit + 1, " ".repeat(limit + 1));
            let answer = raw(&server, &(head(row, &authorization, &chunked) + &body));
            assert_eq!(answer, (413, "INVALID_INPUT".to_owned()), "{}", row.id);
        }
    }
}

#[test]
fn a_body_at_the_limit_of_its_operation_is_read() {
    let (_server, journey) = shared();
    for row in contract::rows().filter(|row| takes_json(row)) {
        let limit = row.body_limit.unwrap_or(JSON_LIMIT);
        let call = bare(&journey.client, row, ORGANIZATION, NOBODY).body("application/json", " ".repeat(limit));
        let answer = call.send().expect_problem(400, "INVALID_INPUT");
        assert!(answer.details().starts_with("not valid JSON"), "{answer}");
    }
}

#[test]
fn who_may_not_call_is_refused_before_a_byte_of_the_body() {
    let (server, _journey) = own(None);
    let other = format!("Authorization: Bearer {}\r\n", server.token("other", &[]));
    let without_role = format!("Authorization: Bearer {}\r\n", server.token(ORGANIZATION, &["identification_force_delete"]));
    for row in contract::rows().filter(|row| !media_types(row).is_empty()) {
        for authorization in ["", "Authorization: Bearer nonsense\r\n", &other, &without_role] {
            for body in ["Content-Length: 1000\r\n", "Transfer-Encoding: chunked\r\n"] {
                let answer = raw(&server, &head(row, authorization, &format!("Content-Type: application/json\r\n{body}")));
                assert_eq!(answer, (401, "UNAUTHORIZED".to_owned()), "{}", row.id);
            }
        }
    }
}

#[test]
fn a_query_is_read_and_what_it_cannot_be_is_a_400() {
    let (_server, journey) = shared();
    for row in contract::rows() {
        let queries = contract::PUBLISHED.operations[row.id].value["parameters"].as_array().cloned().unwrap_or_default();
        // An upload has the query of the listing and ignores it (note configuration-documents-query); previews want a good body first.
        if !media_types(row).is_empty() {
            continue;
        }
        // A text can be anything.
        let is_text = |schema: &Value| schema["type"] == "string" && schema.get("enum").is_none();
        let is_any = |schema: &Value| is_text(schema) || is_text(&schema["items"]);
        for query in queries.iter().filter(|parameter| parameter["in"] == "query" && !is_any(&parameter["schema"])) {
            let name = query["name"].as_str().expect("a name");
            let target = format!("{}?{name}=what-it-cannot-be", path(row, ORGANIZATION, NOBODY));
            let answer = journey.client.call(method(row), &target).send().expect_problem(400, "PARAMETER_ERROR");
            assert!(answer.details().lines().any(|line| line.starts_with(&format!("{name}: "))), "{answer}");
        }
    }
}
