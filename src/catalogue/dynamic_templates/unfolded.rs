//! What a JSON Schema costs, before anything is built of it.
//!
//! References make a schema of two kilobytes as large as one of gigabytes: what builds errors visits every branch of every reference. So the schemas
//! within a schema are looked at here first, as a graph in which each keyword and each reference is a step. The walk refuses what would be fetched
//! from elsewhere, what never ends, and what grows with every level of the values; and it counts what is left, each reference as what it leads to.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

/// Maximum number of schemas, each reference counted as what it leads to.
pub const MAX_NODES: u64 = 10_000;

/// Maximum number of steps from the schema to the last one within it, references included.
const MAX_STEPS: usize = 128;

/// Maximum number of steps that stay with one value: they add up with each level of the values.
const MAX_STEPS_HERE: usize = 16;

/// Maximum number of patterns: each is compiled.
const MAX_PATTERNS: usize = 100;

/// What a pattern costs, in plain checks; one with look-around or a back-reference may be tried many times at one place.
const PATTERN: u64 = 5;
const BACKTRACKING: u64 = 500;

/// What a format costs that compiles a value as a pattern.
const COMPILED_VALUE: u64 = 100_000;

/// Bytes that a compiled pattern takes, about, and at most.
const PATTERN_BYTES: usize = 32 * 1024;
pub const MAX_PATTERN_BYTES: usize = 1 << 20;

/// Maximum length of what is said of one problem, in characters.
pub const MAX_MESSAGE: usize = 300;

/// Keywords with one schema for the value itself.
const HERE: [&str; 4] = ["not", "if", "then", "else"];

/// Keywords with a list of schemas for the value itself.
const HERE_ALL: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// Keywords with schemas for the value itself, by names. (In `dependencies` a list of names is none.)
const HERE_NAMED: [&str; 2] = ["dependentSchemas", "dependencies"];

/// Keywords with schemas for what is in the value: one, a list of them, or by names. Those of one group never look at the same thing in it.
const BELOW: [(&str, u8); 9] = [
    ("properties", 0),
    ("additionalProperties", 0),
    ("prefixItems", 1),
    ("items", 1),
    ("additionalItems", 1),
    ("contains", 2),
    ("propertyNames", 3),
    ("unevaluatedProperties", 4),
    ("unevaluatedItems", 5),
];

/// Where schemas stand that are only referred to.
const KEPT: [&str; 2] = ["$defs", "definitions"];

/// Keywords that give a schema a name; the second one in draft 4 only.
const ID_KEYWORDS: [&str; 2] = ["$id", "id"];

/// Keywords that name another schema.
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// What a schema costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Schemas, each reference counted as what it leads to.
    pub nodes: u64,
    /// Checks that a value may meet, in plain ones.
    pub checks: u64,
    /// Bytes that its compiled patterns take, about.
    pub patterns: usize,
}

/// Looks at a schema whose depth is bounded already.
///
/// # Errors
/// Why it is refused, with the place in the schema.
pub fn cost(schema: &Value) -> Result<Cost, String> {
    let draft = schema.get("$schema").and_then(Value::as_str).unwrap_or_default();
    let mut graph = Graph { is_draft_4: draft.contains("draft-04"), ..Graph::default() };
    graph.collect(schema, None)?;
    graph.follow_references(schema)?;
    graph.connect();
    graph.measure()
}

/// How one comes from a schema to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    /// To one for the same value.
    Here,
    /// To one for what is in the value, by the group of the keyword.
    Below(Group),
    /// To one that is only kept there: no step at all.
    Kept,
}

/// Steps of one group lead to different things in a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Group {
    Of(u8),
    /// Two patterns may look at one member.
    Pattern(usize),
}

/// A schema within the schema.
struct Node<'a> {
    schema: &'a Value,
    /// Where it stands: in which other one, and the words to it.
    place: Option<(usize, &'a str, String)>,
    steps: Vec<(usize, Step)>,
    /// Whether what is looked at for the value itself is looked at again, to know what was not.
    looks_again: bool,
}

#[derive(Default)]
struct Graph<'a> {
    nodes: Vec<Node<'a>>,
    /// The nodes by the addresses of their schemas.
    known: HashMap<*const Value, usize>,
    anchors: HashMap<&'a str, usize>,
    is_draft_4: bool,
    /// The node's part: nodes that lead to each other are in one. Parts are numbered from the last to the first: what a part leads to has a lower
    /// number.
    parts: Vec<usize>,
}

impl<'a> Graph<'a> {
    /// Takes in a schema and those within it. Recurses as deep as the schema is.
    fn collect(&mut self, schema: &'a Value, place: Option<(usize, &'a str, String)>) -> Result<usize, String> {
        let own = self.nodes.len();
        let is_root = place.is_none();
        self.known.insert(schema, own);
        self.nodes.push(Node { schema, place, steps: Vec::new(), looks_again: false });
        let Value::Object(members) = schema else { return Ok(own) };
        let named = ID_KEYWORDS.iter().find(|keyword| members.get(**keyword).is_some_and(Value::is_string));
        if let Some(keyword) = named.filter(|keyword| !is_root && (**keyword == "$id" || self.is_draft_4)) {
            return Err(self.refused(own, format!("{keyword} is for the whole schema only, not for a part of it")));
        }
        for keyword in ["$anchor", "$dynamicAnchor"] {
            if let Some(Value::String(anchor)) = members.get(keyword)
                && self.anchors.insert(anchor, own).is_some_and(|other| other != own)
            {
                return Err(self.refused(own, format!("another part has the same {keyword}")));
            }
        }
        self.nodes[own].looks_again = members.keys().any(|keyword| keyword.starts_with("unevaluated"));
        for (keyword, name, schema, step) in children(members) {
            let child = self.collect(schema, Some((own, keyword, name)))?;
            if step != Step::Kept {
                self.nodes[own].steps.push((child, step));
            }
        }
        Ok(own)
    }

    fn follow_references(&mut self, root: &'a Value) -> Result<(), String> {
        for node in 0..self.nodes.len() {
            let Value::Object(members) = self.nodes[node].schema else { continue };
            for keyword in REFERENCES {
                let target = match members.get(keyword) {
                    None => continue,
                    Some(Value::String(reference)) => self.target(root, reference),
                    Some(_) => Err("expected a text"),
                };
                let target = target.map_err(|message| self.refused(node, format!("{keyword}: {message}")))?;
                self.nodes[node].steps.push((target, Step::Here));
            }
        }
        Ok(())
    }

    /// Where a reference leads.
    fn target(&self, root: &'a Value, reference: &str) -> Result<usize, &'static str> {
        const ELSEWHERE: &str =
            "a reference leads to a part of the schema itself, as #/$defs/name does; nothing is fetched from elsewhere";
        const NOWHERE: &str = "it leads to no schema; keep the schemas that are referred to in $defs";
        let id = root.get("$id").or_else(|| root.get("id")).and_then(Value::as_str).unwrap_or_default().trim_end_matches('#');
        let (before, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        if !before.is_empty() && before != id {
            return Err(ELSEWHERE);
        }
        let fragment = percent_encoding::percent_decode_str(fragment).decode_utf8().map_err(|_| NOWHERE)?;
        let target = match fragment.as_ref() {
            pointer if pointer.is_empty() || pointer.starts_with('/') => {
                root.pointer(pointer).and_then(|schema| self.known.get(&std::ptr::from_ref(schema)))
            }
            anchor => self.anchors.get(anchor),
        };
        target.copied().ok_or(NOWHERE)
    }

    /// Finds the parts (Tarjan 1972), without recursion: chains of references can be long.
    fn connect(&mut self) {
        const UNSEEN: usize = usize::MAX;
        let count = self.nodes.len();
        let (mut index, mut low) = (vec![UNSEEN; count], vec![0; count]);
        let (mut open, mut is_open) = (Vec::new(), vec![false; count]);
        let (mut seen, mut part) = (0, 0);
        self.parts = vec![UNSEEN; count];
        for start in 0..count {
            if index[start] != UNSEEN {
                continue;
            }
            // A node, and which of its steps comes next.
            let mut path = vec![(start, 0)];
            while let Some((node, next)) = path.pop() {
                if next == 0 {
                    (index[node], low[node]) = (seen, seen);
                    seen += 1;
                    open.push(node);
                    is_open[node] = true;
                }
                if let Some((child, _)) = self.nodes[node].steps.get(next) {
                    path.push((node, next + 1));
                    if index[*child] == UNSEEN {
                        path.push((*child, 0));
                    } else if is_open[*child] {
                        low[node] = low[node].min(index[*child]);
                    }
                    continue;
                }
                if low[node] == index[node] {
                    while let Some(member) = open.pop() {
                        is_open[member] = false;
                        self.parts[member] = part;
                        if member == node {
                            break;
                        }
                    }
                    part += 1;
                }
                if let Some((parent, _)) = path.last() {
                    low[*parent] = low[*parent].min(low[node]);
                }
            }
        }
    }

    /// Whether a node leads back to itself.
    fn is_cyclic(&self, part: &[usize]) -> bool {
        part.len() > 1 || part.iter().any(|node| self.nodes[*node].steps.iter().any(|(child, _)| child == node))
    }

    /// Adds up the parts, from the last to the first.
    fn measure(&self) -> Result<Cost, String> {
        let count = self.parts.iter().max().map_or(0, |last| last + 1);
        let mut parts: Vec<Vec<usize>> = vec![Vec::new(); count];
        for (node, part) in self.parts.iter().enumerate() {
            parts[*part].push(node);
        }
        let mut measures: Vec<Measure> = Vec::with_capacity(count);
        let mut patterns = Patterns::default();
        for part in &parts {
            let is_cyclic = self.is_cyclic(part);
            let mut sum = Measure { is_cyclic, ..Measure::default() };
            for node in part {
                self.add(*node, is_cyclic, &measures, &mut sum, &mut patterns)?;
            }
            sum.steps += if is_cyclic { part.len() } else { 1 };
            sum.here += 1;
            if is_cyclic {
                sum.here += self.longest_here(part)?;
            }
            let first = part.iter().copied().min().unwrap_or_default();
            if sum.steps > MAX_STEPS || sum.here > MAX_STEPS_HERE {
                return Err(self.refused(first, "references lead too deep from here; put together what they lead to".into()));
            }
            if sum.nodes > MAX_NODES {
                let message = format!(
                    "with each reference counted as what it leads to, these are more than {MAX_NODES} schemas; refer to fewer or to smaller ones"
                );
                return Err(self.refused(first, message));
            }
            measures.push(sum);
        }
        let Measure { nodes, checks, .. } = self.parts.first().map_or_else(Measure::default, |part| measures[*part]);
        Ok(Cost { nodes, checks, patterns: patterns.bytes })
    }

    /// Adds a node to the measure of its part.
    fn add(
        &self,
        node: usize,
        in_cycle: bool,
        measures: &[Measure],
        sum: &mut Measure,
        patterns: &mut Patterns,
    ) -> Result<(), String> {
        let Node { schema, steps, looks_again, .. } = &self.nodes[node];
        sum.nodes = sum.nodes.saturating_add(1);
        sum.checks = sum.checks.saturating_add(checks(schema, patterns).map_err(|message| self.refused(node, message))?);
        let (mut ways, mut groups) = (0, HashSet::new());
        for (child, step) in steps {
            let times = if *looks_again && *step == Step::Here { 2 } else { 1 };
            let leads_on = match measures.get(self.parts[*child]) {
                Some(below) => {
                    sum.nodes = sum.nodes.saturating_add(below.nodes.saturating_mul(times));
                    sum.checks = sum.checks.saturating_add(below.checks.saturating_mul(times));
                    sum.steps = sum.steps.max(below.steps);
                    if *step == Step::Here {
                        sum.here = sum.here.max(below.here);
                    }
                    below.is_cyclic || below.leads_to_cycle
                }
                None => true,
            };
            sum.leads_to_cycle |= leads_on;
            if leads_on && (*step == Step::Here || groups.insert(*step)) {
                ways += times;
            }
        }
        // With two ways on at each level of a value, there are as many as two to the power of the levels.
        if in_cycle && ways > 1 {
            let message = "what refers to itself may do so in one way for each thing in a value: in its properties or its items, not in \
                           several branches of anyOf, oneOf, allOf or if";
            return Err(self.refused(node, message.into()));
        }
        Ok(())
    }

    /// The longest way within a part that stays with one value.
    fn longest_here(&self, part: &[usize]) -> Result<usize, String> {
        let own = self.parts[part[0]];
        let mut longest: HashMap<usize, usize> = HashMap::new();
        // Each round makes ways longer by one step; what still grows after as many rounds as there may be steps goes round in a circle.
        for round in 0..=MAX_STEPS_HERE {
            let mut grows = false;
            for node in part {
                let here =
                    self.nodes[*node].steps.iter().filter(|(child, step)| *step == Step::Here && self.parts[*child] == own);
                let way = here.map(|(child, _)| 1 + longest.get(child).copied().unwrap_or(0)).max().unwrap_or(0);
                grows |= longest.insert(*node, way).unwrap_or(0) < way;
            }
            if !grows {
                break;
            }
            if round == MAX_STEPS_HERE {
                let message = "it refers to itself for the same value, or by too many references; only what is in a value (its properties, its \
                               items) may be described by the schema of the value";
                return Err(self.refused(part.iter().copied().min().unwrap_or_default(), message.into()));
            }
        }
        Ok(longest.values().copied().max().unwrap_or(0))
    }

    /// Words on what is wrong at a place.
    fn refused(&self, node: usize, message: String) -> String {
        let (mut pieces, mut at) = (Vec::new(), node);
        while let Some((parent, keyword, name)) = &self.nodes[at].place {
            pieces.push(if name.is_empty() { format!("/{keyword}") } else { format!("/{keyword}/{name}") });
            at = *parent;
        }
        let place: String = pieces.iter().rev().flat_map(|piece| piece.chars()).take(MAX_MESSAGE).collect();
        format!("{}: {message}", if place.is_empty() { "/" } else { &place })
    }
}

/// What a part adds up to, with all that it leads to.
#[derive(Clone, Copy, Debug, Default)]
struct Measure {
    nodes: u64,
    checks: u64,
    /// Steps to the last schema.
    steps: usize,
    /// The same of those that stay with one value.
    here: usize,
    is_cyclic: bool,
    leads_to_cycle: bool,
}

/// The patterns of a schema.
#[derive(Default)]
struct Patterns {
    count: usize,
    bytes: usize,
}

impl Patterns {
    /// Takes in a pattern; the answer is what it costs in plain checks.
    fn add(&mut self, pattern: &str) -> Result<u64, String> {
        self.count += 1;
        if self.count > MAX_PATTERNS {
            return Err(format!("there are more than {MAX_PATTERNS} patterns"));
        }
        let repeated: usize =
            pattern.split('{').skip(1).map(|rest| largest_number(rest.split('}').next().unwrap_or_default())).sum();
        let bytes = PATTERN_BYTES.saturating_mul(1 + repeated / 8).saturating_add(pattern.len());
        self.bytes = self.bytes.saturating_add(bytes.min(MAX_PATTERN_BYTES));
        Ok(if may_backtrack(pattern) { BACKTRACKING } else { PATTERN })
    }
}

fn largest_number(text: &str) -> usize {
    text.split(',').filter_map(|number| number.trim().parse::<usize>().ok()).max().unwrap_or(0).min(MAX_PATTERN_BYTES)
}

/// Whether a pattern has what needs more than one pass over a text: look-around, groups that are not given up, references to what was found.
fn may_backtrack(pattern: &str) -> bool {
    let groups = ["(?=", "(?!", "(?<", "(?>", "(?(", "++", "*+", "?+", "}+"];
    let escapes = pattern.split('\\').skip(1).filter_map(|rest| rest.chars().next());
    groups.iter().any(|group| pattern.contains(group)) || escapes.into_iter().any(|c| c.is_ascii_digit() || "kKgG".contains(c))
}

/// What a schema by itself costs, in plain checks.
fn checks(schema: &Value, patterns: &mut Patterns) -> Result<u64, String> {
    let Value::Object(members) = schema else { return Ok(1) };
    let mut checks = 1;
    for keyword in ["enum", "required"] {
        checks += members.get(keyword).and_then(Value::as_array).map_or(0, Vec::len) as u64 / 8;
    }
    for keyword in ["dependentRequired", "dependencies"] {
        let lists = members.get(keyword).and_then(Value::as_object).into_iter().flat_map(Map::values);
        checks += lists.map(|list| 1 + list.as_array().map_or(0, Vec::len) as u64 / 8).sum::<u64>();
    }
    if members.get("format").is_some_and(|format| format == "regex") {
        checks += COMPILED_VALUE;
    }
    if let Some(Value::String(pattern)) = members.get("pattern") {
        checks += patterns.add(pattern)?;
    }
    for pattern in members.get("patternProperties").and_then(Value::as_object).into_iter().flat_map(Map::keys) {
        checks += patterns.add(pattern)?;
    }
    Ok(checks)
}

/// The schemas right below a schema: the keyword, the words after it in a pointer, the schema, the step to it.
fn children(members: &Map<String, Value>) -> Vec<(&str, String, &Value, Step)> {
    let mut children = Vec::new();
    for (keyword, value) in members {
        let keyword = keyword.as_str();
        let below = BELOW.iter().find(|(known, _)| *known == keyword).map(|(_, group)| Step::Below(Group::Of(*group)));
        let is_here = HERE.contains(&keyword) || HERE_ALL.contains(&keyword) || HERE_NAMED.contains(&keyword);
        let is_named =
            HERE_NAMED.contains(&keyword) || KEPT.contains(&keyword) || ["properties", "patternProperties"].contains(&keyword);
        let step = match keyword {
            _ if is_here => Step::Here,
            // A text in a value, which is read as one more value; it is not looked into.
            "contentSchema" => Step::Kept,
            "patternProperties" => Step::Below(Group::Pattern(0)),
            _ if KEPT.contains(&keyword) => Step::Kept,
            _ => match below {
                Some(step) => step,
                None => continue,
            },
        };
        match value {
            Value::Object(named) if is_named => {
                for (place, (name, schema)) in named.iter().enumerate() {
                    let step = if keyword == "patternProperties" { Step::Below(Group::Pattern(place)) } else { step };
                    children.push((keyword, shortened(name), schema, step));
                }
            }
            Value::Array(list) if !is_named => {
                children.extend(list.iter().enumerate().map(|(place, schema)| (keyword, place.to_string(), schema, step)));
            }
            Value::Object(_) | Value::Bool(_) if !is_named => children.push((keyword, String::new(), value, step)),
            _ => {}
        }
    }
    children.retain(|(_, _, schema, _)| schema.is_object() || schema.is_boolean());
    children
}

/// A name in a pointer (RFC 6901), as far as an error tells it.
fn shortened(name: &str) -> String {
    let short: String = name.chars().take(64).collect();
    short.replace('~', "~0").replace('/', "~1")
}
