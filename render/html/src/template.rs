//! A compiled template, and its filling.

use std::io;
use std::sync::Arc;

use handlebars::{Handlebars, RenderError, RenderErrorReason, Template, TemplateError, TemplateErrorReason};
use serde_json::Value;

use crate::helpers::{self, Filling, Shared};
use crate::image::Image;
use crate::limits::{FILLED_BYTES, MESSAGE_CHARACTERS};
use crate::locale::Locale;
use crate::scan::Scanned;
use crate::{Failure, Kind, Problem, Source, rules, schema};

const NAME: &str = "template";

pub(crate) struct Compiled {
    registry: Handlebars<'static>,
    shared: Arc<Shared>,
    scanned: Scanned,
    /// The images in its text.
    pub images: Vec<Image>,
}

/// A filled template.
pub(crate) struct Filled {
    pub html: String,
    /// The images that its helpers made.
    pub images: Vec<Image>,
}

impl Compiled {
    pub fn new(source: &Source) -> Result<Self, Vec<Problem>> {
        let scanned = Scanned::of(&source.template)?;
        let placed = |mut problem: Problem| {
            if let (Some(line), Some(column)) = (problem.line, problem.column) {
                let (line, column) = scanned.original(line, column);
                (problem.line, problem.column) = (Some(line), Some(column));
            }
            problem
        };
        let template = Template::compile(&scanned.text).map_err(|error| vec![placed(syntax(&error))])?;
        let mut problems = rules::problems_of(&template, &schema::html_properties(&source.structure));
        let mut images = Vec::new();
        for (i, uri) in scanned.images.iter().enumerate() {
            match Image::of_data_uri(uri) {
                Ok(image) => images.push(image),
                Err(why) => problems.push(Problem::whole(format!("image {} of the template cannot be used: {why}", i + 1))),
            }
        }
        if !problems.is_empty() {
            return Err(problems.into_iter().map(placed).collect());
        }
        let shared = Shared::new(Locale::of(&source.language));
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        // It writes to the log what a template gives it.
        registry.unregister_helper("log");
        helpers::register(&mut registry, &shared);
        registry.register_template(NAME, template);
        Ok(Self { registry, shared, scanned, images })
    }

    pub fn locale(&self) -> &'static Locale {
        self.shared.locale
    }

    /// About how many bytes it takes.
    pub fn size(&self) -> usize {
        let images: usize = self.images.iter().map(|image| image.bytes.len()).sum();
        16 * self.scanned.text.len() + 2 * images + 16_384
    }

    /// Fills it with data of the schema; with `is_sample` the values of data are not judged.
    pub fn fill(&self, data: &Value, is_sample: bool) -> Result<Filled, Failure> {
        let mut output = Counting::default();
        self.shared.replace(Filling { is_sample, images: Vec::new() });
        let result = self.registry.render_to_write(NAME, data, &mut output);
        let filling = self.shared.replace(Filling::default());
        match result {
            Ok(()) => Ok(Filled { html: String::from_utf8_lossy(&output.bytes).into_owned(), images: filling.images }),
            Err(_) if output.is_full => {
                Err(Failure::new(Kind::Limits, format!("the filled template has more than {FILLED_BYTES} bytes")))
            }
            Err(error) => Err(self.failure(&error)),
        }
    }

    fn failure(&self, error: &RenderError) -> Failure {
        let mut failure = reason(error);
        if let (Some(line), Some(column)) = (error.line_no, error.column_no) {
            let (line, column) = self.scanned.original(line, column);
            (failure.problem.line, failure.problem.column) = (Some(line), Some(column));
        }
        failure.problem.message = cut(&failure.problem.message);
        failure
    }
}

/// What went wrong, in words without values.
fn reason(error: &RenderError) -> Failure {
    match error.reason() {
        RenderErrorReason::MissingVariable(Some(name)) => {
            let name = name.strip_prefix("this.").unwrap_or(name);
            Failure::new(Kind::Data, format!("Template variable '{name}' missing in payload."))
        }
        RenderErrorReason::MissingVariable(None) => {
            Failure::new(Kind::Data, "Template variable of {{lookup}} missing in payload.")
        }
        RenderErrorReason::HelperNotFound(name) => Failure::new(Kind::Template, format!("unknown helper '{name}'")),
        RenderErrorReason::NestedError(inner) => match inner.downcast_ref::<Failure>() {
            Some(failure) => failure.clone(),
            None => Failure::new(Kind::Template, "the template cannot be filled here"),
        },
        RenderErrorReason::ParamNotFoundForIndex(helper, index) => {
            // Handlebars does not say which of both it is, nor the name.
            Failure::new(
                Kind::Data,
                format!("{{{{{helper}}}}}: value {} is missing, in the template or in the payload", index + 1),
            )
        }
        RenderErrorReason::ParamNotFoundForName(helper, name) => {
            Failure::new(Kind::Template, format!("{{{{{helper}}}}}: the value '{name}' is missing"))
        }
        RenderErrorReason::InvalidParamType(expected) => {
            Failure::new(Kind::Data, format!("a value here is of another type than the helper takes: {expected}"))
        }
        _ => Failure::new(Kind::Data, "the template cannot be filled with these data here"),
    }
}

fn syntax(error: &TemplateError) -> Problem {
    let message = match error.reason() {
        TemplateErrorReason::MismatchingClosedHelper(opened, closing) => {
            format!("the block '{opened}' is open, but '{closing}' is closed")
        }
        TemplateErrorReason::InvalidSyntax(expected) => format!("the expression is not right: {expected}"),
        TemplateErrorReason::InvalidParam(parameter) => format!("'{parameter}' cannot be a value here"),
        _ => "the template is not right here".to_owned(),
    };
    let (line, column) = error.pos().unzip();
    Problem { line, column, message: cut(&message) }
}

pub(crate) fn cut(message: &str) -> String {
    message.chars().take(MESSAGE_CHARACTERS).collect()
}

/// Output that stops at its maximum: the only end of a template that loops over its data within loops.
#[derive(Default)]
struct Counting {
    bytes: Vec<u8>,
    is_full: bool,
}

impl io::Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > FILLED_BYTES {
            self.is_full = true;
            return Err(io::Error::other("output limit"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::Target;
    use crate::tree::{ROOT, Step, Tree};

    fn source(template: &str, structure: Value) -> Source {
        Source { template: template.into(), structure, language: "ES".into(), target: Target::default() }
    }

    fn filled(template: &str, data: Value) -> Result<String, Failure> {
        Compiled::new(&source(template, json!({}))).unwrap().fill(&data, false).map(|filled| filled.html)
    }

    fn message(template: &str, data: Value) -> String {
        let failure = filled(template, data).unwrap_err();
        failure.problem.message
    }

    #[test]
    fn a_missing_variable_is_named_in_the_words_of_the_contract() {
        let failure = filled("<p>a</p>\n <p>{{customerName}}</p>", json!({})).unwrap_err();
        assert_eq!(failure.kind, Kind::Data);
        assert_eq!(failure.problem.message, "Template variable 'customerName' missing in payload.");
        assert_eq!(failure.problem.line, Some(2));
        for template in
            ["{{this.a.b}}", "{{date a.b}}", "{{upper (concat a.b \"x\")}}", "{{#each a.b}}{{/each}}", "{{number 1 a.b}}"]
        {
            let message = message(template, json!({ "a": {} }));
            assert_eq!(message, "Template variable 'a.b' missing in payload.", "{template}");
        }
    }

    #[test]
    fn a_missing_value_of_a_comparison_is_told_by_its_place() {
        let message = message("{{#if (eq 1 a.b)}}x{{/if}}", json!({ "a": {} }));
        assert_eq!(message, "{{eq}}: value 2 is missing, in the template or in the payload");
    }

    #[test]
    fn helpers_write_what_their_language_does() {
        let data = json!({ "d": "2026-01-05", "n": 1234.5, "s": "año", "empty": "", "null": null, "list": [1, 2] });
        for (template, expected) in [
            ("{{date d}}", "5 de enero de 2026"),
            ("{{date d \"dd/MM/yyyy\"}}", "05/01/2026"),
            ("{{date null}}{{number null}}{{currency empty}}{{upper null}}{{url null}}{{add null 1}}", ""),
            ("{{number n 2}}", "1234,50"),
            ("{{number \"12345.678\" 1}}", "12.345,7"),
            ("{{currency n}}", "1234,50\u{a0}€"),
            ("{{currency (mul 3 \"19.99\") \"USD\"}}", "59,97\u{a0}US$"),
            ("{{add 0.1 0.2}} {{sub 1 0.9}} {{mul 2 3 4}} {{round 2.345 2}}", "0.3 0.1 24 2.35"),
            ("{{upper s}} {{lower \"ÑÁ\"}}", "AÑO ñá"),
            ("{{default missing \"x\"}} {{default empty \"y\"}} {{default s \"z\"}}", "x y año"),
            ("{{concat s \"-\" n}}", "año-1234.5"),
            ("{{url \"a b&ñ\"}}", "a%20b%26%C3%B1"),
            ("{{json list}}", "[1,2]"),
            ("{{#if (gt n 1000)}}big{{else}}small{{/if}}", "big"),
            ("<p style=\"color:{{css \"#fff\"}}\">", "<p style=\"color:#fff\">"),
            ("{{image null}}{{qr empty}}{{barcode null}}", ""),
        ] {
            assert_eq!(filled(template, data.clone()).unwrap(), expected, "{template}");
        }
    }

    #[test]
    fn wrong_values_and_wrong_uses_are_told_without_the_value() {
        let data = json!({ "name": "DNI 12345678Z", "list": [1], "long": "9".repeat(200) });
        for (template, words) in [
            ("{{date name}}", "{{date}}: 'name' is no date"),
            ("{{number name}}", "{{number}}: 'name' is no number"),
            ("{{currency 1 name}}", "'name' is no code of a currency"),
            ("{{upper list}}", "'list' is a list or an object"),
            ("<p style=\"color:{{css name}}\">", "'name' is no colour"),
            ("{{image name}}", "'name' is no image that can be used"),
            ("{{barcode name type=\"ean13\"}}", "'name' cannot be written as ean13"),
            ("{{barcode name type=\"x\"}}", "the types are"),
            ("{{barcode long}}", "'long' is too long"),
            ("{{date name \"QQ\"}}", "'QQ' in the pattern"),
            ("{{number 1 99}}", "from 0 to 20"),
            ("{{qr \"x\" width=\"1px;x:y\"}}", "is a length"),
            ("{{mul long long}}", "no number"),
            ("{{add 1 \"é\"}}", "no number"),
            ("{{default name}}", "otherwise is missing"),
        ] {
            let message = message(template, data.clone());
            assert!(message.contains(words), "{template}: {message}");
            assert!(!message.contains("12345678Z") && !message.contains("999"), "{template}: {message}");
        }
    }

    #[test]
    fn output_has_a_maximum_however_loops_make_it() {
        let data = json!({ "a": vec![0; 300] });
        let template = "{{#each a}}{{#each ../a}}{{#each ../../a}}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{{/each}}{{/each}}{{/each}}";
        assert_eq!(filled(template, data).unwrap_err().kind, Kind::Limits);
        let long = json!({ "s": "x".repeat(100_000), "a": vec![0; 100] });
        assert_eq!(filled("{{#each a}}{{../s}}{{/each}}", long).unwrap_err().kind, Kind::Limits);
    }

    #[test]
    fn pictures_are_limited_in_number() {
        let failure = filled("{{#each a}}{{qr \"x\"}}{{/each}}", json!({ "a": vec![0; 201] })).unwrap_err();
        assert_eq!((failure.kind, failure.problem.message.as_str()), (Kind::Limits, "more than 200 images"));
    }

    #[test]
    fn errors_say_where_in_the_authors_file() {
        let image = format!("<img src=\"data:image/png;base64,{}\">", "A".repeat(1_000));
        let problems = Compiled::new(&source(&format!("<p>\n{image}{{{{#if a}}}}x{{{{/each}}}}"), json!({}))).err().unwrap();
        assert_eq!(problems[0].line, Some(2));
        assert!(problems[0].message.contains("'if' is open, but 'each' is closed"), "{problems:?}");
        for broken in [
            "{{",
            "{{#if}}",
            "{{#if a}}",
            "{{/if}}",
            "{{a b",
            "{{a..b}}",
            "{{else}}",
            "{{a=1}}",
            "{{{a}}",
            "{{(a)}}x{{)}}",
            "{{\u{0}}}",
        ] {
            let _ = Compiled::new(&source(broken, json!({})));
        }
    }

    /// The tags of a document, in their order.
    fn tags(html: &str) -> Vec<(String, Vec<String>)> {
        let tree = Tree::parse(html).unwrap();
        let mut tags = Vec::new();
        let mut next = Some(Step::Enter(ROOT));
        while let Some(step) = next {
            if let Step::Enter(id) = step
                && let Some(element) = tree.element(id)
            {
                tags.push((element.tag().to_owned(), element.attributes.iter().map(|(name, _)| name.clone()).collect()));
            }
            next = tree.after(step, true);
        }
        tags
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// No value of data becomes markup, whatever helper it goes through.
        #[test]
        fn values_are_never_markup(value in "[a-z<>&\"'=/`{}();: \\-!\u{0}\n\u{338}é]{0,40}|</?(p|style|script|title|textarea)>|-->|]]>") {
            let template = "<title>{{v}}</title><!-- {{v}} --><textarea>{{v}}</textarea><p title=\"{{v}}\" class='{{upper v}}'>{{v}}</p>\
                            <a href=\"https://x/?q={{url v}}\">{{concat v v}}{{json v}}{{default v \"x\"}}</a><td>{{v}}<table>{{v}}<tr><td>{{v}}</table>";
            let plain = filled(template, json!({ "v": "x" })).unwrap();
            let tested = filled(template, json!({ "v": value })).unwrap();
            prop_assert_eq!(tags(&tested), tags(&plain));
        }

        /// What a style takes is one plain value: it ends no declaration.
        #[test]
        fn values_in_styles_are_plain(value in "[a-z0-9#%.,;:{}()<>/*\"'\\ -]{0,20}") {
            if let Ok(html) = filled("<p style=\"color:{{css v}}\">", json!({ "v": value })) {
                prop_assert!(!html["<p style=\"color:".len()..].contains([';', ':', '{', '}', '\\', '*', '<']), "{}", html);
            }
        }

        /// Bar codes, dates and numbers of any text end without a panic.
        #[test]
        fn helpers_bear_any_text(value in "\\PC{0,60}") {
            let data = json!({ "v": value });
            for template in [
                "{{date v}}", "{{date \"2026-01-01\" v}}", "{{number v 2}}", "{{currency v}}", "{{css v}}", "{{url v}}", "{{qr v}}", "{{image v}}",
                "{{barcode v}}", "{{barcode v type=\"code39\"}}", "{{barcode v type=\"ean13\"}}", "{{barcode v type=\"ean8\"}}", "{{add v v}}",
            ] {
                let _ = filled(template, data.clone());
            }
        }
    }
}
