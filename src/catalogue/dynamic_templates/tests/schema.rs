//! What is a schema here, what is refused, and what is said of values that do not fit.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::schema::{MAX_DEPTH, MAX_SCHEMA, Schema};

/// Generous: the machine may be busy, and this is no release build. What is refused late takes minutes.
const SOON: Duration = Duration::from_secs(20);

fn read(structure: &Value) -> Schema {
    Schema::read(structure).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// The one problem of a schema.
fn refused(structure: &Value) -> String {
    let began = Instant::now();
    let mut problems = Schema::read(structure).map(drop).expect_err("a refusal");
    assert!(began.elapsed() < SOON, "{problems:?} after {:?}", began.elapsed());
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.remove(0)
}

/// What is said of values.
fn problems(structure: &Value, values: &Value) -> Vec<String> {
    let began = Instant::now();
    let problems = read(structure).check(values).err().unwrap_or_default();
    assert!(began.elapsed() < SOON, "{problems:?} after {:?}", began.elapsed());
    problems
}

#[test]
fn values_fit_or_their_places_are_told_without_them() {
    let schema = json!({
        "type": "object", "required": ["DNI", "PRODUCTS"], "additionalProperties": false,
        "properties": {
            "DNI": {"type": "string", "pattern": r"^(?!00)\d{8}[A-Z]$"},
            "EMAIL": {"type": "string", "format": "email"},
            "PAYMENT": {"enum": ["bank_transfer", "card"]},
            "PRODUCTS": {"type": "array", "items": {"$ref": "#/$defs/product"}},
        },
        "$defs": {"product": {"type": "object", "properties": {"PRICE": {"type": "number", "minimum": 0}}}},
    });
    assert!(
        problems(&schema, &json!({"DNI": "12345678Z", "EMAIL": "a@b.es", "PRODUCTS": [{"PRICE": 1}], "PAYMENT": "card"}))
            .is_empty()
    );
    let secret = "SECRET-VALUE";
    let bad = json!({
        "DNI": secret, "EMAIL": secret, "PAYMENT": secret, "EXTRA": secret, "PRODUCTS": [{"PRICE": 1}, {"PRICE": secret}, {"PRICE": -7}],
    });
    let found = problems(&schema, &bad);
    assert!(!found.iter().any(|problem| problem.contains(secret)), "{found:?}");
    assert!(found.contains(&"/PRODUCTS/1/PRICE: value is not of type \"number\"".to_owned()), "{found:?}");
    for place in ["/DNI: ", "/EMAIL: ", "/PAYMENT: ", "/PRODUCTS/2/PRICE: ", "/: "] {
        assert!(found.iter().any(|problem| problem.starts_with(place)), "{place} in {found:?}");
    }
    assert_eq!(problems(&schema, &json!({"DNI": "12345678Z"})), ["/: \"PRODUCTS\" is a required property"]);
}

/// Note structure-example: names are compared as they are spelled.
#[test]
fn names_are_case_sensitive() {
    let schema = json!({"required": ["dni"], "properties": {"DNI": {"type": "string"}}});
    assert_eq!(problems(&schema, &json!({"DNI": "1"})), ["/: \"dni\" is a required property"]);
}

#[test]
fn at_most_20_problems_are_told_and_each_is_short() {
    let name = "x".repeat(5000);
    let schema = json!({"items": {"type": "number"}, "required": [name]});
    assert_eq!(problems(&schema, &json!(vec!["no"; 100])).len(), 20);
    let found = problems(&schema, &json!({}));
    assert_eq!(found[0].chars().count(), 301, "{}", found[0]);
}

#[test]
fn what_is_no_schema_is_told_with_its_place() {
    assert!(refused(&json!({"properties": {"a": {"type": "nmber"}}})).starts_with("/properties/a/type: "));
    assert!(refused(&json!({"pattern": "(a{1000}){1000}"})).starts_with("/pattern: "));
    assert!(refused(&json!({"pattern": "("})).starts_with("/pattern: "));
    assert!(refused(&json!({"$schema": "https://example.org/mine"})).starts_with('/'));
    for other in [json!([]), json!(true), json!("x"), Value::Null] {
        assert_eq!(refused(&other), "/: expected an object");
    }
    read(&json!({}));
    read(&json!({"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}], "additionalItems": false}));
    read(
        &json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.org/invoice", "$ref": "#/$defs/a",
        "$defs": {"a": {"$anchor": "here"}, "b": {"$ref": "#here"}, "c": {"$ref": "https://example.org/invoice#/$defs/a"}}}),
    );
    // In the newer drafts `id` means nothing.
    read(&json!({"properties": {"a": {"id": "a"}}}));
    refused(&json!({"$schema": "http://json-schema.org/draft-04/schema#", "properties": {"a": {"id": "http://x/a"}}}));
    // Names of data are no keywords.
    read(&json!({"properties": {"$ref": {"type": "string"}, "$id": {"type": "string"}, "id": {}}, "enum": [{"$ref": 7}]}));
}

#[test]
fn nothing_is_fetched_from_elsewhere() {
    for reference in [
        "http://127.0.0.1:9/schema.json",
        "https://json-schema.org/draft/2020-12/schema",
        "file:///etc/passwd",
        "other.json",
        "/etc/passwd",
        "urn:x",
        "../a#/b",
        "#/$defs/none",
        "#none",
        "#/enum/0",
        "#/%FF",
        "//host/x",
    ] {
        for keyword in ["$ref", "$dynamicRef"] {
            let problem = refused(&json!({"properties": {"a/b": {keyword: reference}}, "enum": [{}]}));
            assert!(problem.starts_with(&format!("/properties/a~1b: {keyword}: ")), "{reference}: {problem}");
        }
    }
    assert!(refused(&json!({"$ref": 7})).starts_with("/: $ref: expected a text"));
    assert!(refused(&json!({"properties": {"a": {"$id": "https://example.org/a"}}})).starts_with("/properties/a: $id "));
}

/// A list of two references to the next, as often as there are levels.
fn doubling(levels: usize, keyword: &str) -> Value {
    let level = |level: usize| json!({keyword: [{"$ref": format!("#/$defs/l{}", level + 1)}, {"$ref": format!("#/$defs/l{}", level + 1)}]});
    let mut defs: serde_json::Map<String, Value> = (0..levels).map(|at| (format!("l{at}"), level(at))).collect();
    defs.insert(format!("l{levels}"), json!({"type": "string"}));
    json!({"$ref": "#/$defs/l0", "$defs": defs})
}

#[test]
fn a_schema_that_grows_with_its_references_is_refused_before_it_is_built() {
    for keyword in ["anyOf", "oneOf", "allOf"] {
        for levels in [20, 26, 1000] {
            refused(&doubling(levels, keyword));
        }
    }
    // Each level looks at what is left over, and so looks again.
    let mut nested = json!({"type": "object"});
    for _ in 0..20 {
        nested = json!({"allOf": [nested], "unevaluatedProperties": false});
    }
    refused(&nested);
    // Small enough.
    let small = doubling(4, "anyOf");
    assert_eq!(problems(&small, &json!(7)).len(), 1);
}

#[test]
fn what_never_ends_or_grows_with_every_level_of_the_values_is_refused() {
    for endless in [
        json!({"$ref": "#"}),
        json!({"allOf": [{"$ref": "#"}]}),
        json!({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}}}),
    ] {
        assert!(refused(&endless).contains("it refers to itself for the same value"), "{endless}");
    }
    let twice = json!({"properties": {"a": {"$ref": "#"}}});
    for growing in [
        json!({"anyOf": [twice, twice]}),
        json!({"allOf": [twice], "properties": {"a": {"$ref": "#"}}}),
        json!({"properties": {"a": {"$ref": "#"}}, "patternProperties": {"a": {"$ref": "#"}}}),
        json!({"patternProperties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}}),
        json!({"items": {"$ref": "#"}, "contains": {"$ref": "#"}}),
        json!({"allOf": [twice], "unevaluatedProperties": false}),
        // By way of another one that refers to itself.
        json!({"properties": {"a": {"$ref": "#"}}, "allOf": [{"properties": {"a": {"$ref": "#/$defs/b"}}}],
               "$defs": {"b": {"properties": {"a": {"$ref": "#/$defs/b"}}}}}),
    ] {
        assert!(refused(&growing).contains("in one way for each thing"), "{growing}");
    }
    // A tree, and a list of lists.
    let tree = json!({"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}, "more": {"items": {"$ref": "#"}}}});
    assert!(problems(&tree, &json!({"left": {"right": {}}, "more": [{"left": {}}]})).is_empty());
    assert_eq!(problems(&tree, &json!({"left": {"right": 7}})), ["/left/right: value is not of type \"object\""]);
}

#[test]
fn size_and_depth_of_schemas_and_values_are_bounded() {
    let deep = |levels: usize| (0..levels).fold(json!({}), |within, _| json!({"not": within}));
    refused(&deep(MAX_DEPTH + 1));
    refused(&deep(120));
    refused(&json!({"description": "x".repeat(MAX_SCHEMA)}));
    refused(&json!({"anyOf": vec![json!({}); 10_001]}));
    refused(&json!({"allOf": (0..101).map(|_| json!({"pattern": "a"})).collect::<Vec<_>>()}));
    let chain: serde_json::Map<String, Value> = (0..3000)
        .map(|at| (format!("d{at}"), json!({"items": {"$ref": format!("#/$defs/d{}", (at + 1) % 3001)}})))
        .chain([("d3000".into(), json!({}))])
        .collect();
    refused(&json!({"$ref": "#/$defs/d0", "$defs": chain}));

    let values = (0..MAX_DEPTH + 1).fold(json!({}), |within, _| json!([within]));
    assert_eq!(problems(&json!({"items": {"$ref": "#"}}), &values).len(), 1);
    let just = (0..MAX_DEPTH - 1).fold(json!({}), |within, _| json!([within]));
    assert!(problems(&json!({"items": {"$ref": "#"}}), &just).is_empty());
}

/// The deepest way of the validator through values: as many steps for each value as may be, at each level of the values.
#[test]
fn the_deepest_that_is_let_in_does_not_overflow_the_stack_of_the_pool() {
    let here = (0..12).fold(json!({"items": {"$ref": "#"}}), |within, _| json!({"allOf": [within]}));
    let (schema, values) = (read(&here), (0..MAX_DEPTH - 1).fold(json!(7), |within, _| json!([within])));
    let on_a_thread = std::thread::Builder::new().stack_size(8 << 20).spawn(move || {
        assert_eq!(schema.check(&values), Ok(()));
        drop(values);
    });
    on_a_thread.unwrap().join().unwrap();
}

#[test]
fn patterns_are_bounded_in_time() {
    let schema = json!({"items": {"pattern": "^(a|a)*(?!b)$"}});
    let hard = format!("{}!", "a".repeat(40));
    let found = problems(&schema, &json!(vec![hard.as_str(); 200]));
    assert!(!found.is_empty() && found.len() <= 20 && !found.iter().any(|problem| problem.contains("aaaa")), "{found:?}");
}

#[test]
fn very_many_values_are_checked_or_refused_in_bounded_time_and_memory() {
    // Each of very many is wrong: the first are told.
    let schema = json!({"properties": {"ROWS": {"items": {"type": "string"}}}});
    let found = problems(&schema, &json!({"ROWS": vec![7; 300_000]}));
    assert_eq!((found.len(), found[0].as_str()), (20, "/ROWS/0: value is not of type \"string\""));
    // The wrong one is far behind.
    let mut rows = vec![json!("a"); 300_000];
    rows.push(json!(7));
    let found = problems(&schema, &json!({"ROWS": rows}));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("/: the values do not fit the schema, and they are too many"), "{found:?}");
    // Many branches for each of them.
    let branches: Vec<Value> = (0..2000).map(|at| json!({"const": at})).collect();
    let found = problems(&json!({"items": {"anyOf": branches}}), &json!(vec!["x"; 200_000]));
    assert_eq!(found, ["/: these are more values than can be checked against the schema; send fewer"]);
}

#[test]
fn what_is_said_of_the_length_of_lists_is_not_said_of_a_part_of_them() {
    let schema = json!({"properties": {"ROWS": {"minItems": 200_000, "items": {"type": "string"}}}, "required": ["NAME"]});
    let found = problems(&schema, &json!({"ROWS": vec!["a"; 250_000]}));
    assert_eq!(found, ["/: \"NAME\" is a required property"]);
}

/// What looks like a schema: keywords with whatever they may hold, and references into each other.
fn schema_like() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({})),
        Just(json!(true)),
        Just(json!({"type": "string", "format": "email"})),
        Just(json!({"type": ["number", "null"], "minimum": 3})),
        Just(json!({"pattern": "^(?!a)\\w+$"})),
        Just(json!({"enum": ["a", 1, null, {"a": 1}]})),
        Just(json!({"required": ["a"], "minItems": 1, "uniqueItems": true})),
        prop::sample::select(vec!["#", "#/$defs/a", "#/$defs/b", "#/properties/a", "#/items", "#b", "x", "#/allOf/0"])
            .prop_map(|reference| json!({"$ref": reference})),
    ];
    leaf.prop_recursive(5, 40, 3, |inner| {
        let one = || {
            prop::sample::select(vec![
                "items",
                "not",
                "if",
                "then",
                "else",
                "contains",
                "additionalProperties",
                "unevaluatedProperties",
            ])
        };
        let many = || prop::sample::select(vec!["allOf", "anyOf", "oneOf", "prefixItems"]);
        let named = || prop::sample::select(vec!["properties", "patternProperties", "$defs", "dependentSchemas"]);
        let name = || prop::sample::select(vec!["a", "b", "c"]);
        prop_oneof![
            (one(), inner.clone()).prop_map(|(keyword, schema)| json!({keyword: schema})),
            (many(), prop::collection::vec(inner.clone(), 1..4)).prop_map(|(keyword, schemas)| json!({keyword: schemas})),
            (named(), prop::collection::btree_map(name(), inner.clone(), 1..4))
                .prop_map(|(keyword, schemas)| json!({keyword: schemas})),
            (inner.clone(), inner).prop_map(|(first, second)| match (first, second) {
                (Value::Object(mut first), Value::Object(second)) => {
                    first.extend(second);
                    first.into()
                }
                (first, _) => first,
            }),
        ]
    })
}

fn any_values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(json!("SECRET")), Just(json!(7)), Just(Value::Null), Just(json!(true))];
    leaf.prop_recursive(6, 60, 4, |inner| {
        let name = prop::sample::select(vec!["a", "b", "c"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..4).prop_map(|members| json!(members)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_is_sent_is_refused_or_used_at_once_and_no_value_is_told(
        schema in schema_like(), with in schema_like(), values in any_values(), deep in any_values()
    ) {
        let mut whole = json!({"$defs": {"a": with, "b": {"$anchor": "b"}}});
        if let (Some(whole), Value::Object(schema)) = (whole.as_object_mut(), schema) {
            whole.extend(schema);
        }
        let began = Instant::now();
        if let Ok(schema) = Schema::read(&whole) {
            for values in [&values, &json!({"a": values, "b": [deep]})] {
                let problems = schema.check(values).err().unwrap_or_default();
                prop_assert!(problems.len() <= 20 && !problems.iter().any(|problem| problem.contains("SECRET")), "{problems:?}");
            }
        }
        prop_assert!(began.elapsed() < SOON, "{whole}");
    }
}
