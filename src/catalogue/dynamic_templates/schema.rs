//! The JSON Schema of a template's data (contract `JsonSchemaDocument`), and whether values fit it.
//!
//! Schemas and values come from strangers. What a schema costs is known before anything is built of it ([`unfolded`]), and what values cost before
//! they are looked at. Errors tell places and names, never values.
//!
//! [`unfolded`]: super::unfolded

use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::{Map, Value};
use workflows::values::MAX_PROBLEMS;

use super::unfolded::{self, Cost, MAX_MESSAGE, MAX_PATTERN_BYTES};
use crate::cache::Weighed;

/// Maximum size of a schema, in bytes of JSON.
pub const MAX_SCHEMA: usize = 250 * 1024;

/// Maximum depth of a schema, and of values: objects and lists within each other.
pub const MAX_DEPTH: usize = 64;

/// How often a pattern that looks around may be tried again at one place of a text.
const MAX_BACKTRACKING: usize = 10_000;

/// Maximum number of plain checks for all values together: some seconds.
const MAX_CHECKS: u64 = 200_000_000;

/// Maximum number of checks for which all that is wrong is collected; a problem takes about a kilobyte.
const MAX_CHECKS_TOLD: u64 = 100_000;

/// A schema that is ready to use.
#[derive(Debug)]
pub struct Schema {
    structure: Value,
    validator: Validator,
    cost: Cost,
}

impl Schema {
    /// Makes a schema ready. It takes milliseconds: keep it off the I/O threads.
    ///
    /// # Errors
    /// Everything that is wrong, at most 20, each with its place in the schema: what is no schema (draft 2020-12, or the older one that
    /// `$schema` names), references to elsewhere, and what would take more time or memory than there is for one.
    pub fn read(structure: &Value) -> Result<Self, Vec<String>> {
        let one = |message: String| vec![message];
        if !structure.is_object() {
            return Err(one("/: expected an object".into()));
        }
        if depth(structure) > MAX_DEPTH {
            return Err(one(format!("/: expected at most {MAX_DEPTH} levels of objects and lists")));
        }
        let size = serde_json::to_vec(structure).map_or(usize::MAX, |text| text.len());
        if size > MAX_SCHEMA {
            return Err(one(format!("/: expected at most {MAX_SCHEMA} bytes of JSON, and these are {size}")));
        }
        let cost = unfolded::cost(structure).map_err(one)?;
        let patterns = PatternOptions::fancy_regex().backtrack_limit(MAX_BACKTRACKING).size_limit(MAX_PATTERN_BYTES);
        let options = jsonschema::options();
        let options = options.should_validate_formats(true).with_pattern_options(patterns);
        // Nothing is fetched: the crate is built without any means to.
        let validator = options.build(structure).map_err(|error| one(told(&error)))?;
        Ok(Self { structure: structure.clone(), validator, cost })
    }

    /// The schema as it was sent.
    pub fn structure(&self) -> &Value {
        &self.structure
    }

    /// Whether values fit. It takes time in proportion to the values: keep it off the I/O threads.
    ///
    /// # Errors
    /// What is wrong, at most 20, as `/PRODUCTS/1/PRICE: value is not of type "number"`. Values are never told.
    pub fn check(&self, values: &Value) -> Result<(), Vec<String>> {
        if depth(values) > MAX_DEPTH {
            return Err(vec![format!("/: expected at most {MAX_DEPTH} levels of objects and lists")]);
        }
        let checks = self.cost.checks.saturating_mul(size(values));
        if checks > MAX_CHECKS {
            return Err(vec!["/: these are more values than can be checked against the schema; send fewer".into()]);
        }
        if self.validator.is_valid(values) {
            return Ok(());
        }
        Err(self.problems(values, checks))
    }

    /// What is wrong with values that do not fit. What collects problems collects all of them; so of many values only the first of each list are
    /// looked at.
    fn problems(&self, values: &Value, checks: u64) -> Vec<String> {
        let is_cut = checks > MAX_CHECKS_TOLD;
        let cuts = [MAX_PROBLEMS, MAX_PROBLEMS / 4, 1].into_iter().map(|longest| shortened(values, longest));
        let is_small = |cut: &Value| self.cost.checks.saturating_mul(size(cut)) <= MAX_CHECKS_TOLD;
        let cut = if is_cut { cuts.into_iter().find(is_small) } else { None };
        let looked_at = if is_cut { cut.as_ref() } else { Some(values) };
        // What is said of how many there are would be said of those that are left.
        let of_whole_lists = ["minItems", "contains", "minContains", "anyOf", "oneOf", "not"];
        let is_meant = |error: &ValidationError<'_>| !is_cut || !of_whole_lists.contains(&error.kind().keyword());
        let errors = looked_at.into_iter().flat_map(|values| self.validator.iter_errors(values));
        let problems: Vec<String> = errors.filter(is_meant).take(MAX_PROBLEMS).map(|error| told(&error)).collect();
        if problems.is_empty() { vec![TOO_MANY.into()] } else { problems }
    }
}

const TOO_MANY: &str = "/: the values do not fit the schema, and they are too many to say where; try with shorter lists";

impl Weighed for Schema {
    fn weight(&self) -> usize {
        // The value, what is built of it, the patterns.
        let text = serde_json::to_vec(&self.structure).map_or(0, |text| text.len());
        text.saturating_mul(32).saturating_add(self.cost.patterns)
    }
}

/// A problem in words: its place, and what is wrong there without the value.
fn told(error: &ValidationError<'_>) -> String {
    let place = error.instance_path().to_string();
    let place = if place.is_empty() { "/" } else { &place };
    let whole = format!("{place}: {}", error.masked());
    match whole.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", &whole[..end]),
        None => whole,
    }
}

/// How deep objects and lists are within each other. Without recursion: it is asked before the depth is known.
fn depth(value: &Value) -> usize {
    let (mut deepest, mut open) = (0, vec![(value, 1)]);
    while let Some((value, depth)) = open.pop() {
        match value {
            Value::Array(list) => open.extend(list.iter().map(|value| (value, depth + 1))),
            Value::Object(members) => open.extend(members.values().map(|value| (value, depth + 1))),
            _ => continue,
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// How many values there are, those within others counted too; a long text counts for several.
fn size(value: &Value) -> u64 {
    const LINE: usize = 256;
    match value {
        Value::Array(list) => 1 + list.iter().map(size).sum::<u64>(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| 1 + (name.len() / LINE) as u64 + size(value)).sum::<u64>() + 1
        }
        Value::String(text) => 1 + (text.len() / LINE) as u64,
        _ => 1,
    }
}

/// The same values with the first of each list only.
fn shortened(value: &Value, longest: usize) -> Value {
    match value {
        Value::Array(list) => list.iter().take(longest).map(|value| shortened(value, longest)).collect(),
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| (name.clone(), shortened(value, longest));
            members.iter().map(member).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}
