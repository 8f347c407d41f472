//! A document as a tree, read by the parser that browsers' rules describe, and written again as HTML. Nodes are numbers in one list, and
//! nothing recurses.

use std::borrow::Cow;
use std::cell::RefCell;

use html5ever::interface::{ElemName, ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::{Attribute, LocalName, Namespace, ParseOpts, QualName, local_name, ns, parse_document};

use crate::limits::{ELEMENT_DEPTH, ELEMENTS};

pub(crate) type Id = usize;

/// The document itself.
pub(crate) const ROOT: Id = 0;

#[derive(Debug)]
pub(crate) enum Data {
    Document,
    Text(String),
    /// Comments, doctypes, processing instructions: nothing that is shown.
    Nothing,
    Element(Element),
}

#[derive(Debug)]
pub(crate) struct Element {
    name: QualName,
    pub attributes: Vec<(String, String)>,
    annotation: bool,
    /// What `<template>` holds, apart from the tree.
    content: Option<Id>,
}

impl Element {
    pub fn tag(&self) -> &str {
        &self.name.local
    }

    pub fn is_html(&self) -> bool {
        self.name.ns == ns!(html)
    }

    pub fn is_svg(&self) -> bool {
        self.name.ns == ns!(svg)
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn set(&mut self, name: &str, value: String) {
        match self.attributes.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.attributes.push((name.to_owned(), value)),
        }
    }
}

#[derive(Debug)]
struct Node {
    data: Data,
    parent: Option<Id>,
    first: Option<Id>,
    last: Option<Id>,
    previous: Option<Id>,
    next: Option<Id>,
    /// Nodes around it, when it was put there.
    depth: usize,
}

/// Why a document is not read to its end: the parser takes the depth squared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excess {
    Depth,
    Nodes,
}

/// Bytes after which the parser's work is looked at, and what it may have built: more than any document that is accepted.
const CHUNK: usize = 4_096;
const PARSE_DEPTH: usize = 2 * ELEMENT_DEPTH;
const PARSE_NODES: usize = 4 * ELEMENTS;

#[derive(Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    deepest: usize,
}

/// A step of a walk through the tree, in the order of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Enter(Id),
    Leave(Id),
}

impl Tree {
    pub fn parse(html: &str) -> Result<Self, Excess> {
        let sink = Sink { tree: RefCell::new(Self { nodes: vec![Node::new(Data::Document)], deepest: 0 }) };
        // Scripts do not run here: what stands in `<noscript>` is shown.
        let mut options = ParseOpts::default();
        options.tree_builder.scripting_enabled = false;
        let mut parser = parse_document(sink, options);
        let mut rest = html;
        while !rest.is_empty() {
            let chunk;
            (chunk, rest) = rest.split_at(rest.floor_char_boundary(CHUNK));
            parser.process(StrTendril::from(chunk));
            let tree = parser.tokenizer.sink.sink.tree.borrow();
            if tree.deepest > PARSE_DEPTH {
                return Err(Excess::Depth);
            }
            if tree.nodes.len() > PARSE_NODES {
                return Err(Excess::Nodes);
            }
        }
        Ok(parser.finish())
    }

    pub fn data(&self, id: Id) -> &Data {
        &self.nodes[id].data
    }

    pub fn data_mut(&mut self, id: Id) -> &mut Data {
        &mut self.nodes[id].data
    }

    pub fn element(&self, id: Id) -> Option<&Element> {
        match &self.nodes[id].data {
            Data::Element(element) => Some(element),
            _ => None,
        }
    }

    /// The step after this one; `into` says whether children are entered.
    pub fn after(&self, step: Step, into: bool) -> Option<Step> {
        match step {
            Step::Enter(id) => Some(match self.nodes[id].first.filter(|_| into) {
                Some(child) => Step::Enter(child),
                None => Step::Leave(id),
            }),
            Step::Leave(ROOT) => None,
            Step::Leave(id) => match self.nodes[id].next {
                Some(next) => Some(Step::Enter(next)),
                None => self.nodes[id].parent.map(Step::Leave),
            },
        }
    }

    /// All text within a node, as it stands.
    pub fn text(&self, id: Id) -> String {
        let mut text = String::new();
        let mut step = Step::Enter(id);
        while step != Step::Leave(id) {
            if let Step::Enter(inner) = step
                && let Data::Text(piece) = self.data(inner)
            {
                text.push_str(piece);
            }
            match self.after(step, true) {
                Some(next) => step = next,
                None => break,
            }
        }
        text
    }

    /// Takes a node out of the tree, with all in it.
    pub fn remove(&mut self, id: Id) {
        let Node { parent, previous, next, .. } = self.nodes[id];
        match previous {
            Some(previous) => self.nodes[previous].next = next,
            None => {
                if let Some(parent) = parent {
                    self.nodes[parent].first = next;
                }
            }
        }
        match next {
            Some(next) => self.nodes[next].previous = previous,
            None => {
                if let Some(parent) = parent {
                    self.nodes[parent].last = previous;
                }
            }
        }
        let node = &mut self.nodes[id];
        (node.parent, node.previous, node.next) = (None, None, None);
    }

    /// Makes an `<img>` an `<svg>` with the same image, size and styles.
    pub fn draw_image(&mut self, id: Id, uri: String, width: u32, height: u32) {
        let svg = |tag: &str, attributes| {
            Data::Element(Element {
                name: QualName::new(None, ns!(svg), LocalName::from(tag)),
                attributes,
                annotation: false,
                content: None,
            })
        };
        let of_image = [("href", uri), ("width", width.to_string()), ("height", height.to_string())];
        let image = self.add(svg("image", of_image.map(|(name, value)| (name.to_owned(), value)).to_vec()));
        if let Data::Element(element) = &mut self.nodes[id].data {
            let mut attributes = std::mem::take(&mut element.attributes);
            attributes.retain(|(name, _)| ["id", "class", "style", "width", "height"].contains(&name.as_str()));
            attributes.push(("viewBox".into(), format!("0 0 {width} {height}")));
            self.nodes[id].data = svg("svg", attributes);
        }
        self.insert(id, image, None);
    }

    fn add(&mut self, data: Data) -> Id {
        self.nodes.push(Node::new(data));
        self.nodes.len() - 1
    }

    /// Puts `child` into `parent`, before one of its children or at the end.
    fn insert(&mut self, parent: Id, child: Id, before: Option<Id>) {
        self.remove(child);
        let previous = match before {
            Some(sibling) => self.nodes[sibling].previous.replace(child),
            None => self.nodes[parent].last.replace(child),
        };
        match previous {
            Some(previous) => self.nodes[previous].next = Some(child),
            None => self.nodes[parent].first = Some(child),
        }
        let depth = self.nodes[parent].depth + 1;
        self.deepest = self.deepest.max(depth);
        let node = &mut self.nodes[child];
        (node.parent, node.previous, node.next, node.depth) = (Some(parent), previous, before, depth);
        if let Data::Element(Element { content: Some(content), .. }) = node.data {
            self.nodes[content].depth = depth;
        }
    }

    fn put(&mut self, parent: Id, child: NodeOrText<Id>, before: Option<Id>) {
        match child {
            NodeOrText::AppendNode(child) => self.insert(parent, child, before),
            NodeOrText::AppendText(text) => {
                let previous = match before {
                    Some(sibling) => self.nodes[sibling].previous,
                    None => self.nodes[parent].last,
                };
                if let Some(previous) = previous
                    && let Data::Text(known) = &mut self.nodes[previous].data
                {
                    return known.push_str(&text);
                }
                let child = self.add(Data::Text(text.to_string()));
                self.insert(parent, child, before);
            }
        }
    }

    /// The HTML of the tree.
    pub fn write(&self) -> String {
        let mut html = String::from("<!DOCTYPE html>");
        let mut step = Step::Enter(ROOT);
        loop {
            match step {
                Step::Enter(id) => match self.data(id) {
                    Data::Text(text) => escape(text, false, &mut html),
                    Data::Element(element) => {
                        html.push('<');
                        html.push_str(element.tag());
                        for (name, value) in &element.attributes {
                            html.push(' ');
                            html.push_str(name);
                            html.push_str("=\"");
                            escape(value, true, &mut html);
                            html.push('"');
                        }
                        html.push('>');
                        // The parser drops one line break here.
                        if matches!(element.tag(), "pre" | "textarea" | "listing") {
                            html.push('\n');
                        }
                    }
                    Data::Document | Data::Nothing => {}
                },
                Step::Leave(id) => {
                    if let Data::Element(element) = self.data(id)
                        && !(element.is_html() && is_void(element.tag()))
                    {
                        html.push_str("</");
                        html.push_str(element.tag());
                        html.push('>');
                    }
                }
            }
            match self.after(step, true) {
                Some(next) => step = next,
                None => return html,
            }
        }
    }
}

impl Node {
    fn new(data: Data) -> Self {
        Self { data, parent: None, first: None, last: None, previous: None, next: None, depth: 0 }
    }
}

fn is_void(tag: &str) -> bool {
    let void = ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];
    void.contains(&tag)
}

fn escape(text: &str, in_attribute: bool, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '\u{a0}' => html.push_str("&nbsp;"),
            '"' if in_attribute => html.push_str("&quot;"),
            c => html.push(c),
        }
    }
}

/// What the parser builds.
struct Sink {
    tree: RefCell<Tree>,
}

/// The name of an element, apart from the tree that the parser changes meanwhile.
#[derive(Debug)]
struct Name(QualName);

impl ElemName for Name {
    fn ns(&self) -> &Namespace {
        &self.0.ns
    }

    fn local_name(&self) -> &LocalName {
        &self.0.local
    }
}

impl TreeSink for Sink {
    type Handle = Id;
    type Output = Tree;
    type ElemName<'a> = Name;

    fn finish(self) -> Tree {
        self.tree.into_inner()
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Id {
        ROOT
    }

    fn elem_name<'a>(&'a self, target: &'a Id) -> Name {
        let name = self.tree.borrow().element(*target).map(|element| element.name.clone());
        Name(name.unwrap_or_else(|| QualName::new(None, ns!(html), local_name!(""))))
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, flags: ElementFlags) -> Id {
        let mut tree = self.tree.borrow_mut();
        let content = flags.template.then(|| tree.add(Data::Document));
        let attributes = attributes.into_iter().map(owned).collect();
        tree.add(Data::Element(Element { name, attributes, annotation: flags.mathml_annotation_xml_integration_point, content }))
    }

    fn create_comment(&self, _: StrTendril) -> Id {
        self.tree.borrow_mut().add(Data::Nothing)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Id {
        self.tree.borrow_mut().add(Data::Nothing)
    }

    fn append(&self, parent: &Id, child: NodeOrText<Id>) {
        self.tree.borrow_mut().put(*parent, child, None);
    }

    fn append_based_on_parent_node(&self, element: &Id, previous: &Id, child: NodeOrText<Id>) {
        let has_parent = self.tree.borrow().nodes[*element].parent.is_some();
        if has_parent {
            self.append_before_sibling(element, child);
        } else {
            self.append(previous, child);
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &Id) -> Id {
        self.tree.borrow().element(*target).and_then(|element| element.content).unwrap_or(*target)
    }

    fn same_node(&self, x: &Id, y: &Id) -> bool {
        x == y
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Id, child: NodeOrText<Id>) {
        let mut tree = self.tree.borrow_mut();
        if let Some(parent) = tree.nodes[*sibling].parent {
            tree.put(parent, child, Some(*sibling));
        }
    }

    fn add_attrs_if_missing(&self, target: &Id, attributes: Vec<Attribute>) {
        if let Data::Element(element) = self.tree.borrow_mut().data_mut(*target) {
            for (name, value) in attributes.into_iter().map(owned) {
                if element.get(&name).is_none() {
                    element.attributes.push((name, value));
                }
            }
        }
    }

    fn remove_from_parent(&self, target: &Id) {
        self.tree.borrow_mut().remove(*target);
    }

    fn reparent_children(&self, node: &Id, new_parent: &Id) {
        let mut tree = self.tree.borrow_mut();
        while let Some(child) = tree.nodes[*node].first {
            tree.insert(*new_parent, child, None);
        }
    }

    fn is_mathml_annotation_xml_integration_point(&self, target: &Id) -> bool {
        self.tree.borrow().element(*target).is_some_and(|element| element.annotation)
    }
}

fn owned(attribute: Attribute) -> (String, String) {
    let name = match &attribute.name.prefix {
        Some(prefix) if !prefix.is_empty() => format!("{prefix}:{}", attribute.name.local),
        _ => attribute.name.local.to_string(),
    };
    (name, attribute.value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(html: &str) -> String {
        Tree::parse(html).unwrap().write()
    }

    #[test]
    fn documents_are_written_as_they_were_read() {
        for (html, expected) in [
            ("<p>a<p>b", "<html><head></head><body><p>a</p><p>b</p></body></html>"),
            ("<p title='a\"b'>x &lt; y&nbsp;", "<html><head></head><body><p title=\"a&quot;b\">x &lt; y&nbsp;</p></body></html>"),
            ("<pre>\n\na</pre>", "<html><head></head><body><pre>\n\na</pre></body></html>"),
            (
                "<table>x<tr><td>a<br>",
                "<html><head></head><body>x<table><tbody><tr><td>a<br></td></tr></tbody></table></body></html>",
            ),
            ("<b><i>a</b>b</i>", "<html><head></head><body><b><i>a</i></b><i>b</i></body></html>"),
            ("<!-- a --><noscript><p>b</noscript>", "<html><head><noscript></noscript></head><body><p>b</p></body></html>"),
            ("<template><p>a</template>", "<html><head><template></template></head><body></body></html>"),
            (
                "<svg viewBox='0 0 1 1'><path d='M0 0'/></svg>",
                "<html><head></head><body><svg viewBox=\"0 0 1 1\"><path d=\"M0 0\"></path></svg></body></html>",
            ),
        ] {
            assert_eq!(written(html), format!("<!DOCTYPE html>{expected}"), "{html}");
            assert_eq!(written(&written(html)), written(html), "read again: {html}");
        }
    }

    #[test]
    fn what_would_take_the_parser_for_ever_is_not_read_to_its_end() {
        for deep in ["<div>", "<b>", "<b id=\"x\">", "<template>", "<table><tr><td>", "<svg>"] {
            assert_eq!(Tree::parse(&deep.repeat(100_000)).err(), Some(Excess::Depth), "{deep}");
        }
        assert!(Tree::parse(&"<p><b><i><u>".repeat(100_000)).is_err());
        assert_eq!(Tree::parse(&"<br>".repeat(500_000)).err(), Some(Excess::Nodes));
        assert_eq!(Tree::parse(&"é".repeat(10_000)).unwrap().text(ROOT).chars().count(), 10_000);
    }
}
