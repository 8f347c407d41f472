//! Every answer is held against what is written: the description that the project publishes, and the contract that it implements.
//! At the end of a whole run, every status that the contract lists must have been seen.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::{LazyLock, Mutex, Once},
};

use jsonschema::Validator;
use rubrica::http::{operation, table};
use serde_json::{Map, Value, json};

use crate::support::{Answer, Server};

/// The rows of all operations but those of the sandbox.
pub fn rows() -> impl Iterator<Item = &'static operation::Operation> {
    table::operations().filter(|row| !row.access.is_sandbox())
}

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "head", "options"];

/// The published description, as the repository holds it.
pub static PUBLISHED: LazyLock<Description> = LazyLock::new(|| {
    let text = std::fs::read_to_string(schema("openapi.json")).expect("schema/openapi.json");
    Description::new("schema/openapi.json", serde_json::from_str(&text).expect("schema/openapi.json is JSON"))
});

const CONTRACT_NAME: &str = "the contract";

/// Members of answers that the contract does not have; they come only to who asks for them.
const ADDED: [&str; 3] = ["activeContent", "contact_policy", "biometric_policy"];

/// Headers that are left out where there is nothing to tell.
const SOMETIMES: [&str; 3] = ["X-Tenant-Config-Version", "X-Ignored-Fields", "X-Replaced-Characters"];

/// Operations that the contract does not have.
const ADDED_OPERATIONS: [&str; 3] = ["check_otp_identification_contact", "preview_form_fill", "preview_template_fill"];

/// Operations for which the contract lists no general error.
const WITHOUT_GENERAL_ERROR: [&str; 3] = ["securize_token", "fill_dynamic_template", "get_fill_process"];

/// The rows of the operations that the contract has.
fn rows_of_contract() -> impl Iterator<Item = &'static operation::Operation> {
    rows().filter(|row| !ADDED_OPERATIONS.contains(&row.id))
}

/// The contract.
pub static CONTRACT: LazyLock<Description> = LazyLock::new(|| {
    let text = std::fs::read_to_string(schema("contract/documents-v1.yaml")).expect("schema/contract/documents-v1.yaml");
    Description::new(CONTRACT_NAME, serde_yaml_ng::from_str(&text).expect("the contract is YAML"))
});

fn schema(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(file)
}

/// Holds an answer against both descriptions.
///
/// # Panics
/// When it is not what they say.
pub fn check(answer: &Answer) {
    PUBLISHED.check(answer);
    CONTRACT.check(answer);
    coverage::note(answer);
}

/// The operation that an answer comes from.
pub fn operation(answer: &Answer) -> Option<&'static str> {
    PUBLISHED.find(answer.method.as_str(), &answer.path).map(|operation| operation.id.as_str())
}

/// One operation of a description.
pub struct Operation {
    pub id: String,
    pub method: String,
    pub path: String,
    /// The operation, its own references resolved where [`Description::resolve`] is used.
    pub value: Value,
}

impl Operation {
    /// How many segments of a path are matched literally; `None` if the path is another one.
    fn matches(&self, path: &str) -> Option<usize> {
        let (template, path): (Vec<_>, Vec<_>) = (self.path.split('/').collect(), path.split('/').collect());
        let parameter = |segment: &str| segment.starts_with('{');
        let all = template.len() == path.len() && template.iter().zip(&path).all(|(own, other)| parameter(own) || own == other);
        all.then(|| template.iter().filter(|segment| !parameter(segment)).count())
    }
}

/// An OpenAPI description.
pub struct Description {
    name: &'static str,
    root: Value,
    pub operations: BTreeMap<String, Operation>,
    /// Compiled schemas, by operation and status.
    validators: Mutex<HashMap<(String, String), Validator>>,
}

impl Description {
    fn new(name: &'static str, root: Value) -> Self {
        let mut operations = BTreeMap::new();
        for (path, item) in root["paths"].as_object().expect("paths") {
            for method in METHODS {
                let Some(value) = item.get(method) else { continue };
                let id = value["operationId"].as_str().expect("an operationId").to_owned();
                let operation =
                    Operation { id: id.clone(), method: method.to_uppercase(), path: path.clone(), value: value.clone() };
                operations.insert(id, operation);
            }
        }
        Self { name, root, operations, validators: Mutex::default() }
    }

    fn find(&self, method: &str, path: &str) -> Option<&Operation> {
        let candidates = self.operations.values().filter(|operation| operation.method == method);
        // Literal segments win over parameters (note route-precedence).
        let best =
            candidates.filter_map(|operation| Some((operation.matches(path)?, operation))).max_by_key(|(literal, _)| *literal);
        best.map(|(_, operation)| operation)
    }

    /// Follows a reference into the same file; members beside it win.
    pub fn resolve(&self, value: &Value) -> Value {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return value.clone() };
        let pointer = reference.strip_prefix('#').expect("references stay within the file");
        let target = self.root.pointer(pointer).unwrap_or_else(|| panic!("{}: {reference} leads nowhere", self.name));
        let mut resolved = self.resolve(target);
        if let (Some(resolved), Some(beside)) = (resolved.as_object_mut(), value.as_object()) {
            resolved.extend(beside.iter().filter(|(name, _)| *name != "$ref").map(|(name, value)| (name.clone(), value.clone())));
        }
        resolved
    }

    /// The response that an operation declares for a status.
    fn response(&self, operation: &Operation, status: u16) -> Option<(String, Value)> {
        let responses = &operation.value["responses"];
        for key in [status.to_string(), "default".to_owned()] {
            // `default` is for errors: a success has to be listed.
            if key == "default" && status < 400 {
                break;
            }
            if let Some(response) = responses.get(&key) {
                return Some((key, self.resolve(response)));
            }
        }
        // The contract lists no general error for these, and asks for those of the others (notes securize-errors, error-bodies).
        let errors = json!({"content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorsResponse"}}}});
        (WITHOUT_GENERAL_ERROR.contains(&operation.id.as_str()) && status >= 400).then(|| ("default".to_owned(), errors))
    }

    fn check(&self, answer: &Answer) {
        let Some(operation) = self.find(answer.method.as_str(), &answer.path) else { return };
        let name = self.name;
        let (key, response) = self
            .response(operation, answer.status)
            .unwrap_or_else(|| panic!("{name}: {} does not answer so: {answer}", operation.id));
        let headers = response["headers"].as_object().into_iter().flatten().map(|(header, _)| header);
        for header in headers.filter(|header| !SOMETIMES.contains(&header.as_str())) {
            assert!(answer.headers.contains_key(header.as_str()), "{name}: the header {header} is missing: {answer}");
        }
        let Some(content) = response.get("content") else {
            assert!(answer.body.is_empty(), "{name}: no body is declared: {answer}");
            return;
        };
        let media_type = answer.header("content-type").split(';').next().unwrap_or_default().trim();
        if content.get("application/octet-stream").is_some() || content.get("image/png").is_some() {
            // Bytes, of their own media type.
            assert!(content.get(media_type).is_some(), "{name}: {answer}");
            return;
        }
        let schema = &content["application/json"]["schema"];
        assert_eq!(media_type, "application/json", "{name}: {answer}");
        let mut body = answer.json();
        if let Some(members) = body.as_object_mut().filter(|_| name == CONTRACT_NAME) {
            members.retain(|member, _| !ADDED.contains(&member.as_str()));
            // One more than the schema has, which the note fill-tag allows.
            members.get_mut("tags").and_then(Value::as_array_mut).into_iter().for_each(|tags| tags.truncate(5));
        }
        let mut validators = self.validators.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let validator = validators.entry((operation.id.clone(), key)).or_insert_with(|| self.validator(schema));
        let problems: Vec<_> = validator.iter_errors(&body).map(|error| format!("{}: {error}", error.instance_path())).collect();
        drop(validators);
        assert!(problems.is_empty(), "{name}: {problems:#?}\n{answer}");
    }

    /// OpenAPI 3.1 schemas are JSON Schema 2020-12. Members that no schema names are mistakes in an answer, so objects are closed.
    fn validator(&self, schema: &Value) -> Validator {
        let mut root = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [schema],
            "components": {"schemas": self.root["components"]["schemas"]},
        });
        close(&mut root);
        jsonschema::options().should_validate_formats(true).build(&root).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// A schema with everything written out and everything left out that says nothing about the wire.
    fn normal(&self, schema: &Value) -> Value {
        let schema = self.resolve(schema);
        let Some(members) = schema.as_object() else { return schema };
        let mut normal = Map::new();
        for (name, value) in members {
            let value = match name.as_str() {
                "description" | "title" | "example" | "examples" => continue,
                // Sizes of integers are no JSON; the bounds beside them are compared.
                "format" if value == "int32" || value == "int64" => continue,
                name if name.starts_with("x-") => continue,
                "properties" => {
                    let properties = value.as_object().expect("properties");
                    properties.iter().map(|(name, schema)| (name.clone(), self.normal(schema))).collect::<Map<_, _>>().into()
                }
                "items" => self.normal(value),
                "oneOf" | "allOf" | "anyOf" => {
                    value.as_array().expect("schemas").iter().map(|schema| self.normal(schema)).collect()
                }
                "required" | "enum" | "type" if value.is_array() => {
                    let mut values = value.as_array().expect("a list").clone();
                    values.sort_by_key(Value::to_string);
                    values.into()
                }
                _ => value.clone(),
            };
            normal.insert(name.clone(), value);
        }
        normal.into()
    }

    /// What a description says of an operation, as far as a client can notice it.
    pub fn facts(&self, operation: &Operation) -> Value {
        let value = &operation.value;
        let mut parameters: Vec<Value> =
            value["parameters"].as_array().into_iter().flatten().map(|parameter| self.resolve(parameter)).collect();
        parameters.sort_by_key(|parameter| parameter["name"].to_string().to_lowercase());
        let parameter = |parameter: &Value| {
            let required = parameter["required"].as_bool().unwrap_or(false);
            let fact = json!({"in": parameter["in"], "required": required, "schema": self.normal(&parameter["schema"])});
            (parameter["name"].as_str().expect("a name").to_owned(), fact)
        };
        let parameters: Map<String, Value> = parameters.iter().map(parameter).collect();
        let contents = |value: &Value| {
            let contents = value["content"].as_object().into_iter().flatten();
            contents
                .map(|(media_type, content)| (media_type.clone(), self.normal(&content["schema"])))
                .collect::<Map<String, Value>>()
        };
        let body = value.get("requestBody").map(|body| self.resolve(body));
        let body = body.map(|body| json!({"required": body["required"].as_bool().unwrap_or(false), "content": contents(&body)}));
        // What may be left out of a request may be null as well.
        let body = body.map(without_null);
        let responses = value["responses"].as_object().expect("responses").iter().map(|(status, response)| {
            let response = self.resolve(response);
            let headers: Vec<_> = response["headers"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
            (status.clone(), json!({"headers": headers, "content": contents(&response)}))
        });
        json!({
            "operation": format!("{} {}", operation.method, operation.path),
            "tags": value["tags"],
            "parameters": parameters,
            "body": body,
            "responses": responses.collect::<Map<_, _>>(),
        })
    }
}

/// A schema, written out, that allows no null.
fn without_null(schema: Value) -> Value {
    match schema {
        Value::Array(values) => values.into_iter().map(without_null).collect(),
        Value::Object(mut members) => {
            if let Some(Value::Array(kinds)) = members.get_mut("type") {
                kinds.retain(|kind| kind != "null");
                if let [kind] = kinds.as_slice() {
                    let kind = kind.clone();
                    members.insert("type".to_owned(), kind);
                }
            }
            if let Some(Value::Array(choices)) = members.get("oneOf") {
                let others: Vec<_> = choices.iter().filter(|choice| choice["type"] != "null").cloned().collect();
                if let ([other], true) = (others.as_slice(), others.len() < choices.len()) {
                    return without_null(other.clone());
                }
            }
            members.into_iter().map(|(name, value)| (name, without_null(value))).collect::<Map<_, _>>().into()
        }
        other => other,
    }
}

/// Lets no member pass that a schema does not name.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(close);
            if members.get("properties").is_some_and(Value::is_object) && members.get("type").is_some_and(|kind| kind == "object")
            {
                members.entry("additionalProperties").or_insert(Value::Bool(false));
            }
        }
        Value::Array(values) => values.iter_mut().for_each(close),
        _ => {}
    }
}

const LISTED_MORE: &str = "falls under the general error there (note chain-statuses), and is listed here as everywhere";

const CREATED: &str = "a creation is a 201 (note created-or-no-content)";

const GENERAL_ERROR: &str = "a body that is too large, a queue that is full: as for all others (note error-bodies)";

/// Differences that are meant, by the end of their path, and why.
const MEANT: &[(&str, &str)] = &[
    ("download_document.responses.200.content.application/json", "a document in JSON is any JSON, not a text"),
    ("change_document_owner.body.content.application/json.required", "a body without it is a 400 (note owner-optional)"),
    ("properties.name.pattern", "control characters are refused as well"),
    ("msisdn.required", "the contract lost these flags (note nested-required); without either member there is no number"),
    ("msisdn.properties.phone_number.minimum", "a number without prefix has no sign"),
    ("signers.items.properties.identity_document.properties.country", "an IDENTITY_CARD needs it (note document-type)"),
    ("create_scoring.body.content.application/json.properties.document.required", "the contract says it in words"),
    ("properties.contact_origin", "an addition: where address and number come from"),
    ("properties.contact_policy", "an addition: what the organization asks of contacts"),
    ("properties.biometric_policy", "an addition: to whom samples of handwritings are encrypted, and how good they must be"),
    (
        "sign_biometric.body.content.application/json.properties.accepted_by",
        "an addition: the agent who accepts a poor handwriting",
    ),
    ("get_document_metadata.parameters.include", "an addition: it asks for what the contract does not have"),
    ("get_document_metadata.responses.200.content.application/json.properties.activeContent", "an addition, told to who asks"),
    ("identity_document.properties.connections", "an addition, told to who has set it (note identification-config-shape)"),
    ("identity_document.properties.levels", "an addition, told to who has set it (note identification-config-shape)"),
    ("challenge_otp_identification.body.required", "a call without a second factor needs no body"),
    ("get_chain_identification.responses.400", LISTED_MORE),
    ("get_chain_identification.responses.401", LISTED_MORE),
    ("get_chain_identification.responses.500", LISTED_MORE),
    ("validate_chain_identification.responses.401", LISTED_MORE),
    ("validate_chain_identification.responses.500", LISTED_MORE),
    ("submit_scoring_images.body.content.multipart/mixed.anyOf", "a body with neither part is a 400"),
    ("submit_scoring_images.body.content.multipart/form-data.anyOf", "a body with neither part is a 400"),
    ("create_template_version.body.content.application/json.properties.rules.items.anyOf", "a rule with neither is a 400"),
    ("metadata.properties.sources.items.anyOf", "a source with some of its members is a 400"),
    ("create_section.responses.204", CREATED),
    ("create_template.responses.204", CREATED),
    ("create_template_version.responses.204", CREATED),
    ("update_template_version.responses.204", CREATED),
    (
        "get_document_metadata.responses.200.content.application/json.properties.tags.maxItems",
        "one more of a fill (note fill-tag)",
    ),
    ("fill_dynamic_template.responses.default", GENERAL_ERROR),
    ("get_fill_process.responses.default", GENERAL_ERROR),
    ("parameters.force.schema.default", "the description of the parameter says it; left out means false"),
];

/// An answer may promise more than the contract asks: members that are always there, or a closer format.
fn promises_more(path: &str, ours: &Value, theirs: &Value) -> bool {
    let all = |theirs: &[Value], ours: &Value| theirs.iter().all(|name| ours.as_array().is_some_and(|ours| ours.contains(name)));
    let more = path.ends_with(".required") && theirs.as_array().map_or(ours.is_array(), |theirs| all(theirs, ours));
    // Headers that are additions begin with X-.
    let own_header = |name: &&Value| name.as_str().is_some_and(|name| name.starts_with("X-"));
    let headers = path.ends_with(".headers")
        && theirs.as_array().zip(ours.as_array()).is_some_and(|(theirs, list)| {
            all(theirs, ours) && list.iter().filter(|name| !theirs.contains(name)).all(|name| own_header(&name))
        });
    path.contains(".responses.") && (more || headers || (path.ends_with(".format") && theirs.is_null()))
}

/// A request may be described more closely than the contract does: by the bounds that the server keeps where the contract names none.
fn is_closer(path: &str, theirs: &Value) -> bool {
    if path.ends_with(".minItems") && theirs == 0 {
        // As good as none.
        return true;
    }
    let bounds =
        [".pattern", ".format", ".minLength", ".maxLength", ".minItems", ".maxItems", ".minimum", ".maximum", ".uniqueItems"];
    !path.contains(".responses.") && theirs.is_null() && bounds.iter().any(|bound| path.ends_with(bound))
}

/// Where two values differ, one line each.
fn differences(path: &str, ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    if let (Value::Object(ours), Value::Object(theirs)) = (ours, theirs) {
        let names: std::collections::BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
        for name in names {
            let member = |object: &Map<String, Value>| object.get(name).cloned().unwrap_or(Value::Null);
            differences(&format!("{path}.{name}"), &member(ours), &member(theirs), found);
        }
    } else if let (Value::Array(ours), Value::Array(theirs)) = (ours, theirs)
        && ours.len() == theirs.len()
        && ours.iter().chain(theirs).all(Value::is_object)
    {
        for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
            differences(&format!("{path}.{index}"), ours, theirs, found);
        }
    } else if ours != theirs
        && !promises_more(path, ours, theirs)
        && !is_closer(path, theirs)
        && !MEANT.iter().any(|(end, _)| path.ends_with(end))
    {
        found.push(format!("{path}: ours {ours}, the contract's {theirs}"));
    }
}

#[test]
fn exactly_the_operations_of_this_version_are_published() {
    let published: BTreeSet<&str> =
        PUBLISHED.operations.keys().map(String::as_str).filter(|id| !id.contains("sandbox")).collect();
    let rows: BTreeSet<&str> = rows().map(|row| row.id).collect();
    assert_eq!(published, rows);
    let strange: Vec<_> = rows_of_contract().filter(|row| !CONTRACT.operations.contains_key(row.id)).map(|row| row.id).collect();
    assert!(strange.is_empty(), "the contract has no {strange:?}");
    let readme = include_str!("../../README.md");
    let count = rows_of_contract().count();
    assert!(readme.contains(&format!("These are the {count} operations of this version")), "README.md: their number");
    for added in ADDED_OPERATIONS {
        assert!(!CONTRACT.operations.contains_key(added) && readme.contains(added), "README.md names {added}, an addition");
        let description = PUBLISHED.operations[added].value["description"].as_str().unwrap_or_default();
        assert!(description.starts_with("An addition to the contract."), "{added}: {description}");
    }
}

/// The contract is developed elsewhere too. Where that copy stands beside the project, ours must be the same.
#[test]
fn the_contract_of_the_repository_is_the_present_one() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder around the project").join("shared/contract");
    for file in ["documents-v1.yaml", "consents-v2.yaml"] {
        let own = schema("contract").join(file);
        let text = std::fs::read(&own).unwrap_or_else(|error| panic!("{}: {error}", own.display()));
        let Ok(present) = std::fs::read(beside.join(file)) else { continue };
        assert!(
            text == present,
            "{} differs: copy it to {} and follow what it changes",
            beside.join(file).display(),
            own.display()
        );
    }
}

#[test]
fn the_server_publishes_the_description_of_the_repository() {
    let server = Server::start();
    let published = server.anonymous().get("/openapi.json").send().expect(200).json();
    assert!(published == PUBLISHED.root, "stale; run: cargo run -- openapi > schema/openapi.json");
}

#[test]
fn the_published_description_says_what_the_contract_says() {
    let mut found = Vec::new();
    for id in rows_of_contract().map(|row| row.id) {
        let (ours, theirs) = (&PUBLISHED.operations[id], &CONTRACT.operations[id]);
        let (mut ours, mut theirs) = (PUBLISHED.facts(ours), CONTRACT.facts(theirs));
        if id == "securize_token" {
            // The contract lists no error here and asks for those of the others (note securize-errors).
            for facts in [&mut ours, &mut theirs] {
                facts["responses"].as_object_mut().expect("responses").retain(|status, _| status == "201");
            }
        }
        differences(id, &ours, &theirs, &mut found);
    }
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found.join("\n"));
}

/// Which statuses of the contract the tests have seen. What is missing is told when the process ends, after all tests.
mod coverage {
    use super::*;

    /// Statuses that no test can provoke over HTTP, and why.
    const OUT_OF_REACH: [(&str, u16, &str); 16] = [
        ("", 500, "a fault of the server itself; `internal_causes_are_not_told` holds what it answers"),
        ("create_otp_identification", 409, "identifiers are the server's own and new, so none exists already"),
        ("create_chain_identification", 409, "as for codes"),
        ("delete_document_physically", 410, "what was deleted physically is a 409 (note deleted-documents)"),
        ("list_forms", 404, "an empty listing is a 200 (note listing-404-410)"),
        ("list_forms", 410, "an empty listing is a 200 (note listing-404-410)"),
        ("list_sections", 404, "an empty listing is a 200 (note listing-404-410)"),
        ("list_sections", 410, "an empty listing is a 200 (note listing-404-410)"),
        ("create_section", 204, CREATED),
        ("create_template", 204, CREATED),
        ("create_template_version", 204, CREATED),
        ("update_template_version", 204, CREATED),
        ("list_configuration_documents", 422, "it takes no body (note configuration-422)"),
        ("list_configurations", 422, "it takes no body (note configuration-422)"),
        ("get_configuration", 422, "it takes no body (note configuration-422)"),
        ("delete_configuration", 422, "it takes no body (note configuration-422)"),
    ];

    static SEEN: Mutex<BTreeSet<(String, u16)>> = Mutex::new(BTreeSet::new());

    // Of the C library that every program here is linked with: the test harness has no place of its own for what comes last.
    unsafe extern "C" {
        safe fn atexit(callback: extern "C" fn()) -> i32;
        safe fn _exit(status: i32) -> !;
    }

    /// Remembers the status of an answer.
    pub fn note(answer: &Answer) {
        static TOLD: Once = Once::new();
        TOLD.call_once(|| assert_eq!(atexit(tell), 0, "the missing statuses cannot be told at the end"));
        if let Some(operation) = CONTRACT.find(answer.method.as_str(), &answer.path) {
            let mut seen = SEEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            seen.insert((operation.id.clone(), answer.status));
        }
    }

    /// Fails the run if a status was not seen. A run of some tests only says nothing.
    extern "C" fn tell() {
        let of_all = std::env::args().skip(1).all(|argument| argument.starts_with("--test-threads") || argument == "--quiet");
        let seen = SEEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let missing: Vec<_> = rows_of_contract().flat_map(|row| missing(row.id, &seen)).collect();
        if of_all && !missing.is_empty() {
            eprintln!("statuses of the contract that no test has seen:\n{}", missing.join("\n"));
            _exit(101);
        }
    }

    fn missing(id: &str, seen: &BTreeSet<(String, u16)>) -> Vec<String> {
        let responses = CONTRACT.operations[id].value["responses"].as_object().expect("responses");
        let listed = responses.keys().filter_map(|status| status.parse::<u16>().ok());
        let excused = |status: u16| OUT_OF_REACH.iter().any(|(of, other, _)| *other == status && (of.is_empty() || *of == id));
        let unseen = listed.filter(|status| !excused(*status) && !seen.contains(&(id.to_owned(), *status)));
        unseen.map(|status| format!("{id} {status}")).collect()
    }
}
