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
            Failure::new(Kind::Template, format!("{{{{{helper}}}}}: value {} is missing", index + 1))
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
