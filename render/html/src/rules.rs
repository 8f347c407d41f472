//! What a compiled template may have: known helpers, raw values only of properties whose schema says `"format": "html"`, values only
//! where they are escaped rightly.

use std::collections::BTreeSet;

use handlebars::template::{BlockParam, HelperTemplate, Parameter, TemplateElement};
use handlebars::{Path, Template};

use crate::Problem;
use crate::context::{Context, Place};
use crate::helpers;
use crate::limits::{BLOCK_DEPTH, PARENTHESES, PROBLEMS};

/// Blocks that templates may use.
const BLOCKS: [&str; 4] = ["if", "unless", "each", "with"];
/// Helpers of handlebars itself that templates may use.
const BUILT_IN: [&str; 12] = ["lookup", "len", "eq", "ne", "gt", "gte", "lt", "lte", "and", "or", "not", "else"];

/// All that is wrong, at most as many as one answer has. `html` are the names of properties that hold markup.
pub(crate) fn problems_of(template: &Template, html: &BTreeSet<String>) -> Vec<Problem> {
    let mut rules = Rules { html, context: Context::new(), problems: Vec::new() };
    rules.template(template, 0);
    rules.problems
}

struct Rules<'a> {
    html: &'a BTreeSet<String>,
    context: Context,
    problems: Vec<Problem>,
}

impl Rules<'_> {
    /// In the order of the text, so that the context fits; of two branches the second goes on where the first ends.
    fn template(&mut self, template: &Template, depth: usize) {
        if depth > 2 * BLOCK_DEPTH {
            return self.add((1, 1), format!("more than {BLOCK_DEPTH} blocks within each other"));
        }
        for (i, element) in template.elements.iter().enumerate() {
            let at = template.mapping.get(i).map_or((1, 1), |mapping| (mapping.0, mapping.1));
            match element {
                TemplateElement::RawString(text) => self.context.feed(text),
                TemplateElement::Comment(_) => {}
                TemplateElement::Expression(expression) => self.expression(expression, at),
                TemplateElement::HtmlExpression(expression) => self.raw(expression, at),
                TemplateElement::HelperBlock(block) => self.block(block, at, depth),
                _ => self.add(at, "partials and decorators are not supported".into()),
            }
        }
    }

    fn block(&mut self, block: &HelperTemplate, at: (usize, usize), depth: usize) {
        let name = name_of(&block.name);
        if !BLOCKS.contains(&name) {
            self.add(at, format!("unknown block '{name}': there are {}", BLOCKS.join(", ")));
        }
        self.arguments(block, at);
        if let Some(parameter) = &block.block_param {
            let names = match parameter {
                BlockParam::Single(one) => vec![one],
                BlockParam::Pair((one, other)) => vec![one, other],
                _ => vec![],
            };
            for name in names.into_iter().map(name_of).filter(|name| self.html.contains(*name)) {
                // Else `{{#each X as |TERMS|}}{{{TERMS}}}` would print a value of X raw.
                let message = format!("the block parameter '{name}' has the name of a property that holds HTML: give it another");
                self.problems.push(Problem { line: Some(at.0), column: Some(at.1), message });
            }
        }
        for branch in [&block.template, &block.inverse].into_iter().flatten() {
            self.template(branch, depth + 1);
        }
    }

    fn expression(&mut self, expression: &HelperTemplate, at: (usize, usize)) {
        let name = name_of(&expression.name);
        let place = self.context.place();
        if is_path(expression) {
            match helpers::usage(name) {
                Some(usage) => {
                    self.add(
                        at,
                        format!("the helper '{name}' needs a value: {usage}; a property of this name is {{{{this.{name}}}}}"),
                    );
                }
                None if BUILT_IN.contains(&name) || name == "log" => {
                    self.add(at, format!("the helper '{name}' needs a value; a property of this name is {{{{this.{name}}}}}"));
                }
                None => {}
            }
        } else {
            self.helper(name, at);
            self.arguments(expression, at);
        }
        match place {
            Place::Style if name != "css" || is_path(expression) => {
                self.add(
                    at,
                    format!("a value in a style must go through {{{{css}}}}: {{{{css {}}}}}", path_for(name, expression)),
                );
            }
            Place::Tag => self.add(at, format!("a value in a tag must be in quotes: name=\"{{{{{name}}}}}\"")),
            Place::Attribute | Place::Inert if helpers::is_picture(name) && !is_path(expression) => {
                self.add(at, format!("the helper '{name}' writes an <img>: it can only stand between elements"));
            }
            _ => {}
        }
    }

    fn raw(&mut self, expression: &HelperTemplate, at: (usize, usize)) {
        let name = name_of(&expression.name);
        let property = name.rsplit(['.', '/']).next().unwrap_or(name).trim_matches(['[', ']']);
        if !is_path(expression) || !self.html.contains(property) {
            let message = format!(
                "{{{{{{{name}}}}}}} prints raw HTML: write {{{{{name}}}}}, or give the property \"format\": \"html\" in the schema"
            );
            self.add(at, message);
        } else if self.context.place() != Place::Text {
            self.add(at, format!("{{{{{{{name}}}}}}} prints raw HTML: it can only stand between elements"));
        }
    }

    fn arguments(&mut self, expression: &HelperTemplate, at: (usize, usize)) {
        for parameter in expression.params.iter().chain(expression.hash.values()) {
            self.parameter(parameter, at, 0);
        }
    }

    fn parameter(&mut self, parameter: &Parameter, at: (usize, usize), depth: usize) {
        let Parameter::Subexpression(sub) = parameter else { return };
        let TemplateElement::Expression(expression) = sub.element.as_ref() else { return };
        if depth > PARENTHESES {
            return self.add(at, format!("more than {PARENTHESES} parentheses within each other"));
        }
        let name = name_of(&expression.name);
        if helpers::is_picture(name) {
            self.add(at, format!("the helper '{name}' writes an <img>: it cannot be in parentheses"));
        }
        self.helper(name, at);
        for parameter in expression.params.iter().chain(expression.hash.values()) {
            self.parameter(parameter, at, depth + 1);
        }
    }

    fn helper(&mut self, name: &str, at: (usize, usize)) {
        if helpers::usage(name).is_none() && !BUILT_IN.contains(&name) {
            let known = helpers::names().chain(BUILT_IN.into_iter().filter(|name| *name != "else"));
            self.add(at, format!("unknown helper '{name}': there are {}", known.collect::<Vec<_>>().join(", ")));
        }
    }

    fn add(&mut self, at: (usize, usize), message: String) {
        if self.problems.len() < PROBLEMS {
            self.problems.push(Problem { line: Some(at.0), column: Some(at.1), message });
        }
    }
}

fn is_path(expression: &HelperTemplate) -> bool {
    expression.params.is_empty() && expression.hash.is_empty()
}

fn path_for<'a>(name: &'a str, expression: &'a HelperTemplate) -> &'a str {
    if is_path(expression) { name } else { "..." }
}

fn name_of(name: &Parameter) -> &str {
    match name {
        Parameter::Name(name) => name,
        Parameter::Path(Path::Relative((_, raw)) | Path::Local((_, _, raw))) => raw,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(template: &str) -> Vec<String> {
        let html = BTreeSet::from(["TERMS".to_owned()]);
        problems_of(&Template::compile(template).unwrap(), &html).into_iter().map(|p| p.message).collect()
    }

    fn refused(template: &str, words: &str) {
        let messages = messages(template);
        assert!(messages.iter().any(|m| m.contains(words)), "{template}: {messages:?}");
    }

    #[test]
    fn raw_values_are_only_of_properties_that_hold_html() {
        for fine in ["{{{TERMS}}}", "{{{this.TERMS}}}", "{{&TERMS}}", "{{#each a}}{{{../TERMS}}}{{/each}}", "{{{a.[TERMS]}}}"] {
            assert_eq!(messages(fine), Vec::<String>::new(), "{fine}");
        }
        for bad in [
            "{{{NAME}}}",
            "{{&NAME}}",
            "{{{TERMS.x}}}",
            "{{{this}}}",
            "{{{upper TERMS}}}",
            "{{{lookup a \"TERMS\"}}}",
            "{{~{NAME}~}}",
        ] {
            refused(bad, "prints raw HTML");
        }
        refused("{{#each a as |TERMS|}}{{{TERMS}}}{{/each}}", "block parameter 'TERMS'");
        refused("<p title=\"{{{TERMS}}}\">", "between elements");
        refused("<style>{{{TERMS}}}</style>", "between elements");
    }

    #[test]
    fn values_in_styles_go_through_css() {
        refused("<style>p{color:{{x}}}</style>", "{{css x}}");
        refused("<p style=\"color:{{x}}\">", "{{css x}}");
        refused("<p style='color:{{upper x}}'>", "{{css ...}}");
        refused("<style>{{#if a}}p{color:{{../x}}}{{/if}}</style>", "{{css ../x}}");
        let fine = "<style>{{#if a}}p{color:{{css x}}}{{/if}}</style><p style=\"color:{{css y}}\" class=\"{{z}}\">{{z}}</p>";
        assert_eq!(messages(fine), Vec::<String>::new());
    }

    #[test]
    fn values_in_tags_are_in_quotes() {
        for bad in ["<p class={{x}}>", "<p {{x}}>", "<h{{x}}>", "<p {{x}}=\"a\">", "</{{x}}>", "<{{x}}"] {
            refused(bad, "must be in quotes");
        }
        assert_eq!(messages("<tr {{#if x}}class=\"a {{y}}\"{{/if}}>{{y}}</tr>"), Vec::<String>::new());
    }

    #[test]
    fn unknown_helpers_and_blocks_are_named() {
        refused("{{markdown x}}", "unknown helper 'markdown'");
        refused("{{log x}}", "unknown helper 'log'");
        refused("{{upper (read_to_str x)}}", "unknown helper 'read_to_str'");
        refused("{{#person}}x{{/person}}", "unknown block 'person'");
        refused("{{#raw}}x{{/raw}}", "unknown block 'raw'");
        refused("{{date}}", "{{this.date}}");
        refused("<p title=\"{{image LOGO}}\">", "between elements");
        refused("{{upper (qr x)}}", "cannot be in parentheses");
        refused("{{#if (nope x)}}{{/if}}", "unknown helper 'nope'");
    }

    #[test]
    fn problems_say_where_and_are_not_too_many() {
        let problems = problems_of(&Template::compile("<p>\n  {{nope x}}").unwrap(), &BTreeSet::new());
        assert_eq!((problems[0].line, problems[0].column), (Some(2), Some(3)));
        assert_eq!(messages(&"{{nope x}}".repeat(100)).len(), PROBLEMS);
    }
}
