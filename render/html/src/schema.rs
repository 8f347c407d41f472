//! What a schema says of the data: which optional properties there are, so that a template may name them although a fill lacks them, and
//! which hold markup. Schemas come from strangers: every walk counts its steps.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::limits::{SCHEMA_DEPTH, SCHEMA_STEPS};

/// Objects within each other that are made for data that lack them: schemas that refer to themselves have no end.
const MADE: usize = 6;

/// One walk over a schema, and the steps that it has left.
struct Walk<'a> {
    root: &'a Value,
    steps: usize,
}

/// A property as one or more parts of the schema describe it.
#[derive(Default)]
struct Described<'a> {
    schemas: Vec<&'a Value>,
}

/// What absent properties become.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fill {
    /// Empty: `[]`, `{}` filled in turn, null.
    Empty,
    /// One likely value, one element in each list.
    Sample,
}

/// The data with an empty value for each property of the schema that is not required, and is absent or null: then only names that the
/// schema does not have, or demands, are missing.
pub(crate) fn with_empty_values(structure: &Value, data: &Value) -> Value {
    let mut data = data.clone();
    Walk { root: structure, steps: SCHEMA_STEPS }.fill(&[structure], &mut data, Fill::Empty, 0, 0);
    data
}

/// Data that a template of this schema may get at least: all that is optional is empty.
pub(crate) fn least(structure: &Value) -> Value {
    let mut data = Value::Object(Map::new());
    let mut walk = Walk { root: structure, steps: SCHEMA_STEPS };
    walk.require(&[structure], &mut data, 0);
    walk.fill(&[structure], &mut data, Fill::Empty, 0, 0);
    data
}

/// Data of which nothing is absent, with likely values: what a template is tried with. It takes time in proportion to the schema, within a
/// bound.
pub fn sample(structure: &Value) -> Value {
    let mut data = Value::Object(Map::new());
    Walk { root: structure, steps: SCHEMA_STEPS }.fill(&[structure], &mut data, Fill::Sample, 0, 0);
    data
}

/// Names of properties that hold markup wherever the schema has them: `"type": "string", "format": "html"`.
pub(crate) fn html_properties(structure: &Value) -> BTreeSet<String> {
    let (mut html, mut other) = (BTreeSet::new(), BTreeSet::new());
    let mut open = vec![structure];
    let mut steps = 0;
    while let Some(value) = open.pop() {
        steps += 1;
        if steps > SCHEMA_STEPS {
            // Rather none than one too many.
            return BTreeSet::new();
        }
        let children: &mut dyn Iterator<Item = &Value> = match value {
            Value::Object(object) => {
                if let Some(Value::Object(properties)) = object.get("properties") {
                    for (name, schema) in properties {
                        let is_html = schema.get("format").and_then(Value::as_str) == Some("html");
                        if is_html { &mut html } else { &mut other }.insert(name.clone());
                    }
                }
                &mut object.values()
            }
            Value::Array(array) => &mut array.iter(),
            _ => continue,
        };
        open.extend(children);
    }
    html.retain(|name| !other.contains(name));
    html
}

impl<'a> Walk<'a> {
    /// Gives `value`, which `schemas` describe together, what it lacks.
    /// `made` is how many of the objects around it were not in the data.
    fn fill(&mut self, schemas: &[&'a Value], value: &mut Value, fill: Fill, depth: usize, made: usize) {
        if depth > SCHEMA_DEPTH {
            return;
        }
        match value {
            Value::Object(object) => {
                let required = required_of(self.root, schemas);
                for (name, property) in self.properties(schemas) {
                    if self.steps == 0 {
                        return;
                    }
                    let is_absent = object.get(name).is_none_or(Value::is_null);
                    // What is demanded and not there is missing: that is for the caller to hear.
                    if is_absent && fill == Fill::Empty && required.contains(name.as_str()) && !object.contains_key(name) {
                        continue;
                    }
                    let member = object.entry(name).or_insert(Value::Null);
                    let is_made = member.is_null();
                    if is_made && made < MADE {
                        *member = self.value_of(&property, fill);
                    }
                    self.fill(&property.schemas, member, fill, depth + 1, made + usize::from(is_made));
                }
            }
            Value::Array(elements) => {
                let items = self.items(schemas);
                for element in elements {
                    if self.steps == 0 {
                        return;
                    }
                    self.fill(&items.schemas, element, fill, depth + 1, made);
                }
            }
            _ => {}
        }
    }

    /// Gives `value` a null for each member that is demanded.
    fn require(&mut self, schemas: &[&'a Value], value: &mut Value, depth: usize) {
        let Value::Object(object) = value else { return };
        if depth > MADE || self.steps == 0 {
            return;
        }
        let required: Vec<&str> = required_of(self.root, schemas).into_iter().collect();
        let properties = self.properties(schemas);
        for name in required {
            let Some((_, property)) = properties.iter().find(|(known, _)| *known == name) else { continue };
            let mut member = self.value_of(property, Fill::Empty);
            self.require(&property.schemas, &mut member, depth + 1);
            object.insert(name.to_owned(), member);
        }
    }

    fn value_of(&mut self, property: &Described<'a>, fill: Fill) -> Value {
        let parts = self.parts(&property.schemas);
        let kind = parts.iter().find_map(|schema| kind_of(schema));
        match kind {
            Some("array") if fill == Fill::Sample => {
                let items = self.items(&parts);
                if items.schemas.is_empty() {
                    Value::Array(vec![])
                } else {
                    Value::Array(vec![self.value_of_shallow(&items, fill)])
                }
            }
            Some("array") => Value::Array(vec![]),
            Some("object") => Value::Object(Map::new()),
            _ if fill == Fill::Empty => Value::Null,
            _ => sample_of(&parts, kind),
        }
    }

    /// An element of a sample list; a list in it stays empty, so that lists of lists end.
    fn value_of_shallow(&mut self, items: &Described<'a>, fill: Fill) -> Value {
        let parts = self.parts(&items.schemas);
        match parts.iter().find_map(|schema| kind_of(schema)) {
            Some("array") => Value::Array(vec![]),
            Some("object") => Value::Object(Map::new()),
            kind if fill == Fill::Sample => sample_of(&parts, kind),
            _ => Value::Null,
        }
    }

    /// The properties that any part of these schemas names; the same property in two parts is described by both.
    fn properties(&mut self, schemas: &[&'a Value]) -> Vec<(&'a String, Described<'a>)> {
        let mut found: std::collections::BTreeMap<&'a String, Described<'a>> = std::collections::BTreeMap::new();
        for part in self.parts(schemas) {
            if let Some(Value::Object(properties)) = part.get("properties") {
                for (name, schema) in properties {
                    self.steps = self.steps.saturating_sub(1);
                    found.entry(name).or_default().schemas.push(schema);
                }
            }
        }
        found.into_iter().collect()
    }

    fn items(&mut self, schemas: &[&'a Value]) -> Described<'a> {
        let parts = self.parts(schemas);
        Described { schemas: parts.iter().filter_map(|part| part.get("items")).filter(|items| items.is_object()).collect() }
    }

    /// These schemas and all that they refer to or are made of at the same place: `$ref` within the file, `allOf`, `anyOf`, `oneOf`,
    /// `if`, `then`, `else`, `dependentSchemas`.
    fn parts(&mut self, schemas: &[&'a Value]) -> Vec<&'a Value> {
        let mut parts: Vec<&'a Value> = Vec::new();
        let mut open: Vec<&'a Value> = schemas.iter().rev().copied().collect();
        while let Some(schema) = open.pop() {
            if self.steps == 0 || parts.iter().any(|known| std::ptr::eq(*known, schema)) {
                continue;
            }
            self.steps -= 1;
            let Some(object) = schema.as_object() else { continue };
            parts.push(schema);
            if let Some(target) = object.get("$ref").and_then(Value::as_str).and_then(|r| self.target(r)) {
                open.push(target);
            }
            for several in ["allOf", "anyOf", "oneOf"] {
                open.extend(object.get(several).and_then(Value::as_array).into_iter().flatten());
            }
            open.extend(["if", "then", "else"].into_iter().filter_map(|key| object.get(key)));
            open.extend(object.get("dependentSchemas").and_then(Value::as_object).into_iter().flat_map(Map::values));
        }
        parts
    }

    fn target(&self, reference: &str) -> Option<&'a Value> {
        self.root.pointer(reference.strip_prefix('#')?)
    }
}

fn required_of<'a>(root: &'a Value, schemas: &[&'a Value]) -> BTreeSet<&'a str> {
    // Only what the object's own schema or the target of its reference demands: a branch of `anyOf` may not apply.
    let targets = schemas.iter().filter_map(|s| root.pointer(s.get("$ref")?.as_str()?.strip_prefix('#')?));
    let own = schemas.iter().copied().chain(targets);
    own.filter_map(|schema| schema.get("required")?.as_array()).flatten().filter_map(Value::as_str).collect()
}

fn kind_of(schema: &Value) -> Option<&str> {
    let named = match schema.get("type") {
        Some(Value::String(kind)) => Some(kind.as_str()),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        _ => None,
    };
    let implied = || match () {
        () if schema.get("properties").is_some() => Some("object"),
        () if schema.get("items").is_some() => Some("array"),
        () => None,
    };
    named.or_else(implied)
}

fn sample_of(parts: &[&Value], kind: Option<&str>) -> Value {
    let own = |key: &str| parts.iter().find_map(|schema| schema.get(key));
    if let Some(value) = own("const").or_else(|| own("default")) {
        return value.clone();
    }
    if let Some(first) = own("enum").or_else(|| own("examples")).and_then(Value::as_array).and_then(|list| list.first()) {
        return first.clone();
    }
    match (kind, own("format").and_then(Value::as_str)) {
        (Some("number" | "integer"), _) => Value::from(1),
        (Some("boolean"), _) => Value::from(true),
        (_, Some("date")) => Value::from("2000-01-01"),
        (_, Some("date-time")) => Value::from("2000-01-01T00:00:00Z"),
        (_, Some("html")) => Value::from("<p>x</p>"),
        (Some("string") | None, _) => Value::from("x"),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({
            "type": "object",
            "required": ["NAME", "LINES"],
            "properties": {
                "NAME": { "type": "string" },
                "NOTE": { "type": "string" },
                "LINES": { "type": "array", "items": { "$ref": "#/$defs/line" } },
                "EXTRA": { "type": ["array", "null"], "items": { "type": "string" } },
                "ADDRESS": { "type": "object", "required": ["CITY"], "properties": { "CITY": {}, "FLOOR": { "type": "string" } } },
                "TERMS": { "type": "string", "format": "html" },
            },
            "allOf": [{ "if": { "required": ["NOTE"] }, "then": { "properties": { "REASON": { "type": "string" } } } }],
            "$defs": { "line": { "type": "object", "properties": { "TEXT": { "type": "string" }, "SUB": { "items": {} } } } },
        })
    }

    #[test]
    fn optional_properties_are_empty_and_required_ones_stay_missing() {
        let filled = with_empty_values(&schema(), &json!({ "LINES": [{ "TEXT": "a" }], "ADDRESS": null }));
        assert_eq!(
            filled,
            json!({
                "LINES": [{ "TEXT": "a", "SUB": [] }], "NOTE": null, "EXTRA": [], "ADDRESS": { "FLOOR": null }, "TERMS": null, "REASON": null,
            })
        );
        let kept = with_empty_values(&schema(), &json!({ "NAME": "n", "OTHER": 1, "LINES": [] }));
        assert_eq!((&kept["NAME"], &kept["OTHER"]), (&json!("n"), &json!(1)));
        assert_eq!(with_empty_values(&json!(true), &json!({ "a": 1 })), json!({ "a": 1 }));
    }

    #[test]
    fn samples_have_all_and_the_least_has_no_more_than_nulls() {
        let sample = sample(&schema());
        assert_eq!(sample["LINES"], json!([{ "TEXT": "x", "SUB": ["x"] }]));
        assert_eq!(sample["ADDRESS"], json!({ "CITY": "x", "FLOOR": "x" }));
        assert_eq!(least(&schema())["LINES"], json!([]));
        assert_eq!(least(&schema())["NAME"], json!(null));
    }

    #[test]
    fn html_properties_are_html_everywhere() {
        assert_eq!(html_properties(&schema()), BTreeSet::from(["TERMS".to_owned()]));
        let mixed = json!({ "properties": { "A": { "format": "html" }, "B": { "properties": { "A": { "type": "string" } } } } });
        assert!(html_properties(&mixed).is_empty());
    }

    #[test]
    fn hostile_schemas_end() {
        let circle = json!({ "$ref": "#", "properties": { "a": { "$ref": "#" } }, "required": ["a"] });
        assert!(sample(&circle).is_object());
        assert!(least(&circle).is_object());
        let wide = json!({ "properties": { "a": { "$ref": "#" }, "b": { "$ref": "#" }, "c": { "items": { "$ref": "#" } } } });
        assert!(sample(&wide).is_object());
        let mut deep = json!({});
        for _ in 0..100 {
            deep = json!({ "properties": { "a": deep }, "anyOf": [{ "$ref": "#/x" }, {}] });
        }
        assert!(with_empty_values(&deep, &json!({})).is_object());
    }
}
