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

/// The rows of all operations that need a token: not those of the sandbox, of sealed URLs and of signers' links.
pub fn rows() -> impl Iterator<Item = &'static operation::Operation> {
    table::operations().filter(|row| matches!(row.access, operation::Access::Role(..)))
}

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "head", "options"];

/// The published description, as the repository holds it.
pub static PUBLISHED: LazyLock<Description> =
    LazyLock::new(|| Description::new("schema/openapi.json", Kind::Published, of_the_repository()));

/// The description as it stands in the repository.
fn of_the_repository() -> Value {
    let text = std::fs::read_to_string(schema("openapi.json")).expect("schema/openapi.json");
    serde_json::from_str(&text).expect("schema/openapi.json is JSON")
}

/// Which description is which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Published,
    Contract,
}

/// How the description of an operation begins that the contract does not have.
const ADDITION: &str = "An addition to the contract.";

/// Members of answers that the contract does not have; they come only to who asks for them.
const ADDED: [&str; 5] = ["activeContent", "contact_policy", "biometric_policy", "signature_level", "superseded"];

/// Headers that are left out where there is nothing to tell.
const SOMETIMES: [&str; 3] = ["X-Tenant-Config-Version", "X-Ignored-Fields", "X-Replaced-Characters"];

/// Operations for which the contract of documents lists no general error. That of consents lists none at all.
const WITHOUT_GENERAL_ERROR: [&str; 3] = ["securize_token", "fill_dynamic_template", "get_fill_process"];

/// The operations that make tokens for web components: their contracts list no error and ask for those of the others (notes securize-errors,
/// securize-text).
const MAKES_TOKENS: [&str; 2] = ["securize_token", "create_web_component_token"];

/// Whether the contract of consents has the operation.
fn is_of_consents(path: &str) -> bool {
    path.starts_with("/v2/")
}

fn is_addition(row: &operation::Operation) -> bool {
    row.description.starts_with(ADDITION)
}

/// The rows of the operations that the contracts have.
pub fn rows_of_contract() -> impl Iterator<Item = &'static operation::Operation> {
    rows().filter(|row| !is_addition(row))
}

/// The contracts: one for each API. No operation is in both.
static CONTRACTS: LazyLock<[Description; 2]> = LazyLock::new(|| {
    ["documents-v1.yaml", "consents-v2.yaml"].map(|file| {
        let text = std::fs::read_to_string(schema("contract").join(file)).expect("a contract");
        Description::new(file, Kind::Contract, serde_yaml_ng::from_str(&text).expect("the contract is YAML"))
    })
});

/// The contract that has an operation.
fn contract_of(id: &str) -> Option<&'static Description> {
    CONTRACTS.iter().find(|contract| contract.operations.contains_key(id))
}

fn schema(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(file)
}

/// Holds an answer against both descriptions.
///
/// # Panics
/// When it is not what they say.
pub fn check(answer: &Answer) {
    PUBLISHED.check(answer);
    CONTRACTS.iter().for_each(|contract| contract.check(answer));
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
    kind: Kind,
    root: Value,
    pub operations: BTreeMap<String, Operation>,
    /// Compiled schemas, by operation and status.
    validators: Mutex<HashMap<(String, String), Validator>>,
}

impl Description {
    fn new(name: &'static str, kind: Kind, root: Value) -> Self {
        let mut operations = BTreeMap::new();
        for (path, item) in root["paths"].as_object().expect("paths") {
            for method in METHODS {
                let Some(mut value) = item.get(method).cloned() else { continue };
                // What stands beside the methods is for all of them.
                if let Some(common) = item["parameters"].as_array() {
                    let own = value["parameters"].as_array().cloned().unwrap_or_default();
                    value["parameters"] = common.iter().cloned().chain(own).collect();
                }
                let id = value["operationId"].as_str().expect("an operationId").to_owned();
                let operation = Operation { id: id.clone(), method: method.to_uppercase(), path: path.clone(), value };
                operations.insert(id, operation);
            }
        }
        let mut description = Self { name, kind, root, operations, validators: Mutex::default() };
        let schemas = description.root["components"]["schemas"].as_object().cloned().unwrap_or_default();
        for (name, schema) in schemas {
            description.root["components"]["schemas"][name.as_str()] = description.merged(schema);
        }
        description
    }

    /// An object that is put together of others (`allOf`) as one: each of them alone would be closed to the members of the others.
    fn merged(&self, schema: Value) -> Value {
        let Some(parts) = schema["allOf"].as_array() else { return schema };
        let parts: Vec<Value> = parts.iter().map(|part| self.merged(self.resolve(part))).collect();
        if !parts.iter().all(|part| part["properties"].is_object()) {
            return schema;
        }
        let required: Vec<Value> =
            parts.iter().flat_map(|part| part["required"].as_array().cloned().unwrap_or_default()).collect();
        let properties: Map<String, Value> =
            parts.iter().flat_map(|part| part["properties"].as_object().cloned().unwrap_or_default()).collect();
        json!({"type": "object", "required": required, "properties": properties})
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
        let without = WITHOUT_GENERAL_ERROR.contains(&operation.id.as_str()) || is_of_consents(&operation.path);
        (without && status >= 400).then(|| ("default".to_owned(), errors))
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
        if ["application/octet-stream", "image/png", "application/x-ndjson"].iter().any(|media| content.get(*media).is_some()) {
            // Bytes, of their own media type, or lines.
            assert!(content.get(media_type).is_some(), "{name}: {answer}");
            return;
        }
        let schema = &content["application/json"]["schema"];
        assert_eq!(media_type, "application/json", "{name}: {answer}");
        let mut body = answer.json();
        if let Some(members) = body.as_object_mut().filter(|_| self.kind == Kind::Contract) {
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
        self.normal_within(schema, &mut Vec::new())
    }

    /// The same inside of the schemas whose references are `open`: one that holds itself is written out once.
    fn normal_within(&self, schema: &Value, open: &mut Vec<String>) -> Value {
        let Some(reference) = schema["$ref"].as_str().map(str::to_owned) else { return self.written_out(schema, open) };
        if let Some(level) = open.iter().rev().position(|other| *other == reference) {
            return json!({ "the same as": format!("{} levels above", level + 1) });
        }
        open.push(reference);
        let normal = self.written_out(&self.resolve(schema), open);
        open.pop();
        normal
    }

    fn written_out(&self, schema: &Value, open: &mut Vec<String>) -> Value {
        let schema = self.merged(schema.clone());
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
                    let each = properties.iter().map(|(name, schema)| (name.clone(), self.normal_within(schema, open)));
                    each.collect::<Map<_, _>>().into()
                }
                "items" => self.normal_within(value, open),
                "oneOf" | "allOf" | "anyOf" => {
                    let schemas = value.as_array().expect("schemas").iter();
                    let mut schemas: Vec<_> = schemas.map(|schema| self.normal_within(schema, open)).collect();
                    schemas.sort_by_key(Value::to_string);
                    schemas.into()
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
    ("properties.signature_level", "an addition: how far the organization's seals can be proven"),
    (
        "sign_biometric.body.content.application/json.properties.accepted_by",
        "an addition: the agent who accepts a poor handwriting",
    ),
    ("get_document_metadata.parameters.include", "an addition: it asks for what the contract does not have"),
    ("get_document_metadata.responses.200.content.application/json.properties.activeContent", "an addition, told to who asks"),
    ("identity_document.properties.connections", "an addition, told to who has set it (note identification-config-shape)"),
    ("identity_document.properties.levels", "an addition, told to who has set it (note identification-config-shape)"),
    ("validate_otp_identification.parameters.x-resume-hash", "an addition: the digest of the key with which a page comes back"),
    (
        "validate_identity_document_identification.parameters.x-resume-hash",
        "an addition: the digest of the key with which a page comes back",
    ),
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
    ("list_consents.responses.404", "nothing found is an empty page (note listed-404)"),
    ("parameters.choice.schema.items.anyOf", "the same names in one list (note choice-query-example)"),
    ("parameters.choice.schema.items.enum", "the same names in one list (note choice-query-example)"),
    ("parameters.choice.schema.items.type", "the same names in one list (note choice-query-example)"),
    ("customer_consents.parameters.users_type", "an addition: the tree of leads (note leads)"),
    ("list_consents_for_customers.parameters.users_type", "an addition: the tree of leads (note leads)"),
    (
        "set_customer_consents.responses.201.content.application/json.properties.superseded",
        "an addition: choices that did not take effect, as a later one holds (note late-capture)",
    ),
    ("parameters.force.schema.default", "the description of the parameter says it; left out means false"),
];

/// Members of a schema that bound a value.
const BOUNDS: [&str; 9] =
    [".pattern", ".format", ".minLength", ".maxLength", ".minItems", ".maxItems", ".minimum", ".maximum", ".uniqueItems"];

/// An answer may promise more than the contract asks: members that are always there, or closer bounds.
fn promises_more(path: &str, ours: &Value, theirs: &Value) -> bool {
    let all = |theirs: &[Value], ours: &Value| theirs.iter().all(|name| ours.as_array().is_some_and(|ours| ours.contains(name)));
    let more = path.ends_with(".required") && theirs.as_array().map_or(ours.is_array(), |theirs| all(theirs, ours));
    // Headers that are additions begin with X-.
    let own_header = |name: &&Value| name.as_str().is_some_and(|name| name.starts_with("X-"));
    let headers = path.ends_with(".headers")
        && theirs.as_array().zip(ours.as_array()).is_some_and(|(theirs, list)| {
            all(theirs, ours) && list.iter().filter(|name| !theirs.contains(name)).all(|name| own_header(&name))
        });
    let closer = (path.ends_with(".enum") || BOUNDS.iter().any(|bound| path.ends_with(bound))) && theirs.is_null();
    path.contains(".responses.") && (more || headers || closer)
}

/// A request may be described more closely than the contract does: by the bounds that the server keeps where the contract names none.
fn is_closer(path: &str, theirs: &Value) -> bool {
    if path.ends_with(".minItems") && theirs == 0 {
        // As good as none.
        return true;
    }
    !path.contains(".responses.") && theirs.is_null() && BOUNDS.iter().any(|bound| path.ends_with(bound))
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
    let needs_no_token = |row: &&operation::Operation| matches!(row.access, operation::Access::Link | operation::Access::Open(_));
    let ids: BTreeSet<&str> = rows().chain(table::operations().filter(needs_no_token)).map(|row| row.id).collect();
    assert_eq!(published, ids);
    let strange: Vec<_> = rows_of_contract().filter(|row| contract_of(row.id).is_none()).map(|row| row.id).collect();
    assert!(strange.is_empty(), "no contract has {strange:?}; an addition says so in its description: {ADDITION:?}");
    let readme = include_str!("../../README.md");
    let count = rows_of_contract().count();
    assert!(readme.contains(&format!("These are the {count} operations of this version")), "README.md: their number");
    for added in rows().filter(|row| is_addition(row)).map(|row| row.id) {
        assert!(contract_of(added).is_none() && readme.contains(added), "README.md names {added}, an addition");
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
    assert!(published == of_the_repository(), "stale; run: cargo run -- openapi > schema/openapi.json");
}

#[test]
fn the_published_description_says_what_the_contract_says() {
    let mut found = Vec::new();
    for id in rows_of_contract().map(|row| row.id) {
        let contract = contract_of(id).expect("the contract has it");
        let (ours, theirs) = (&PUBLISHED.operations[id], &contract.operations[id]);
        let of_consents = is_of_consents(&theirs.path);
        let (mut ours, mut theirs) = (PUBLISHED.facts(ours), contract.facts(theirs));
        for facts in [&mut ours, &mut theirs] {
            let responses = facts["responses"].as_object_mut().expect("responses");
            if MAKES_TOKENS.contains(&id) {
                responses.retain(|status, _| status == "201");
            }
            if of_consents {
                // What falls under no status of the contract is described as everywhere: a body that is too large, a server over its load.
                responses.remove("default");
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
    const OUT_OF_REACH: [(&str, u16, &str); 17] = [
        ("", 500, "a fault of the server itself; `internal_causes_are_not_told` holds what it answers"),
        ("create_otp_identification", 409, "identifiers are the server's own and new, so none exists already"),
        ("create_chain_identification", 409, "as for codes"),
        ("delete_document_physically", 410, "what was deleted physically is a 409 (note deleted-documents)"),
        ("list_consents", 404, "nothing found is an empty page (note listed-404)"),
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
        let found = CONTRACTS.iter().find_map(|contract| contract.find(answer.method.as_str(), &answer.path));
        if let Some(operation) = found {
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
        let contract = contract_of(id).expect("the contract has it");
        let responses = contract.operations[id].value["responses"].as_object().expect("responses");
        let listed = responses.keys().filter_map(|status| status.parse::<u16>().ok());
        let excused = |status: u16| OUT_OF_REACH.iter().any(|(of, other, _)| *other == status && (of.is_empty() || *of == id));
        let unseen = listed.filter(|status| !excused(*status) && !seen.contains(&(id.to_owned(), *status)));
        unseen.map(|status| format!("{id} {status}")).collect()
    }
}
