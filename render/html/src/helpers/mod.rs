//! What templates may call besides handlebars' own helpers. All are pure: their result depends on their arguments, and on the language
//! of the template alone. They read no file, no environment, no clock and no network.

mod pictures;
mod values;

use std::sync::{Arc, Mutex, PoisonError};

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError, RenderErrorReason, ScopedJson,
};
use serde_json::Value;

use crate::image::Image;
use crate::locale::Locale;
use crate::{Failure, Kind};

/// A helper: its name, how it is used, what it does.
struct Entry {
    name: &'static str,
    usage: &'static str,
    function: Function,
}

#[derive(Clone, Copy)]
enum Function {
    /// Gives a value, which is escaped like any other.
    Value(fn(&Arguments) -> Result<Value, Failure>),
    /// Gives a picture to show and its alternative text, or nothing.
    Picture(fn(&Arguments) -> Result<Option<Image>, Failure>),
}

const ENTRIES: [Entry; 17] = [
    Entry { name: "date", usage: "{{date VALUE \"dd/MM/yyyy\"}}", function: Function::Value(values::date) },
    Entry { name: "number", usage: "{{number VALUE 2}}", function: Function::Value(values::number) },
    Entry { name: "currency", usage: "{{currency VALUE \"EUR\"}}", function: Function::Value(values::currency) },
    Entry { name: "upper", usage: "{{upper VALUE}}", function: Function::Value(values::upper) },
    Entry { name: "lower", usage: "{{lower VALUE}}", function: Function::Value(values::lower) },
    Entry { name: "default", usage: "{{default VALUE \"otherwise\"}}", function: Function::Value(values::default) },
    Entry { name: "concat", usage: "{{concat VALUE VALUE}}", function: Function::Value(values::concat) },
    Entry { name: "json", usage: "{{json VALUE}}", function: Function::Value(values::json) },
    Entry { name: "add", usage: "{{add VALUE VALUE}}", function: Function::Value(values::add) },
    Entry { name: "sub", usage: "{{sub VALUE VALUE}}", function: Function::Value(values::sub) },
    Entry { name: "mul", usage: "{{mul VALUE VALUE}}", function: Function::Value(values::mul) },
    Entry { name: "css", usage: "{{css VALUE}}", function: Function::Value(values::css) },
    Entry { name: "url", usage: "{{url VALUE}}", function: Function::Value(values::url) },
    Entry { name: "round", usage: "{{round VALUE 2}}", function: Function::Value(values::round) },
    Entry { name: "image", usage: "{{image VALUE width=\"4cm\" alt=\"Logo\"}}", function: Function::Picture(pictures::image) },
    Entry { name: "qr", usage: "{{qr VALUE width=\"3cm\"}}", function: Function::Picture(pictures::qr) },
    Entry {
        name: "barcode",
        usage: "{{barcode VALUE type=\"code128\" width=\"5cm\" height=\"1cm\"}}",
        function: Function::Picture(pictures::barcode),
    },
];

fn entry(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.name == name)
}

/// How a helper is used, where there is one of this name.
pub(crate) fn usage(name: &str) -> Option<&'static str> {
    entry(name).map(|entry| entry.usage)
}

/// Whether a helper writes an `<img>`.
pub(crate) fn is_picture(name: &str) -> bool {
    entry(name).is_some_and(|entry| matches!(entry.function, Function::Picture(_)))
}

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ENTRIES.iter().map(|entry| entry.name)
}

/// What the helpers of one template share.
pub(crate) struct Shared {
    pub locale: &'static Locale,
    filling: Mutex<Filling>,
}

/// What belongs to one filling of it.
#[derive(Default)]
pub(crate) struct Filling {
    /// Whether the data are a sample, whose values are not judged.
    pub is_sample: bool,
    /// The pictures that helpers made, `asset:d0`, `asset:d1`...
    pub images: Vec<Image>,
}

impl Shared {
    pub fn new(locale: &'static Locale) -> Arc<Self> {
        Arc::new(Self { locale, filling: Mutex::default() })
    }

    /// Begins a filling, or ends it and gives what it has made.
    pub fn replace(&self, filling: Filling) -> Filling {
        std::mem::replace(&mut self.filling.lock().unwrap_or_else(PoisonError::into_inner), filling)
    }

    fn is_sample(&self) -> bool {
        self.filling.lock().unwrap_or_else(PoisonError::into_inner).is_sample
    }

    /// Keeps an image and gives its name.
    fn keep(&self, image: Image) -> Result<String, Failure> {
        let mut filling = self.filling.lock().unwrap_or_else(PoisonError::into_inner);
        if filling.images.len() == crate::limits::IMAGES {
            return Err(Failure::new(Kind::Limits, format!("more than {} images", crate::limits::IMAGES)));
        }
        filling.images.push(image);
        Ok(format!("{}d{}", crate::scan::ASSET, filling.images.len() - 1))
    }
}

/// Gives a template its helpers.
pub(crate) fn register(registry: &mut Handlebars<'_>, shared: &Arc<Shared>) {
    for entry in &ENTRIES {
        registry.register_helper(entry.name, Box::new(Registered { entry, shared: Arc::clone(shared) }));
    }
}

struct Registered {
    entry: &'static Entry,
    shared: Arc<Shared>,
}

/// The arguments of one call.
struct Arguments<'a, 'rc> {
    helper: &'a Helper<'rc>,
    entry: &'static Entry,
    shared: &'a Shared,
}

impl Arguments<'_, '_> {
    fn value(&self, index: usize) -> Option<&Value> {
        self.helper.param(index).map(|param| param.value())
    }

    /// The first value; without it the call is wrong.
    fn first(&self) -> Result<&Value, Failure> {
        self.value(0).ok_or_else(|| self.misused("a value is missing"))
    }

    /// How messages call a value: by its path, as the template has it, never by what it is.
    fn called(&self, index: usize) -> String {
        match self.helper.param(index).and_then(|param| param.relative_path()) {
            Some(path) => format!("'{path}'"),
            None => "the value".to_owned(),
        }
    }

    /// A value as text: a string, a number, true or false; null is empty.
    fn text(&self, index: usize) -> Result<String, Failure> {
        match self.value(index) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Null) => Ok(String::new()),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string()),
            Some(_) => self.unusable(index, "is a list or an object, not text").map(|()| String::new()),
            None => Err(self.misused("a value is missing")),
        }
    }

    fn option(&self, name: &str) -> Option<&Value> {
        self.helper.hash_get(name).map(|param| param.value()).filter(|value| !value.is_null())
    }

    /// A value that the helper cannot use; samples pass.
    fn unusable(&self, index: usize, why: &str) -> Result<(), Failure> {
        if self.shared.is_sample() {
            return Ok(());
        }
        Err(Failure::new(Kind::Data, format!("{{{{{}}}}}: {} {why}", self.entry.name, self.called(index))))
    }

    /// A call that is wrong whatever the data are.
    fn misused(&self, why: &str) -> Failure {
        Failure::new(Kind::Template, format!("{{{{{}}}}}: {why}; it is used as {}", self.entry.name, self.entry.usage))
    }
}

impl Registered {
    fn arguments<'a, 'rc>(&'a self, helper: &'a Helper<'rc>) -> Result<Arguments<'a, 'rc>, RenderError> {
        let values = helper.params().iter().chain(helper.hash().values());
        for (index, param) in values.enumerate() {
            // `default` is there for values that are not.
            if param.is_value_missing() && !(self.entry.name == "default" && index == 0) {
                return Err(RenderErrorReason::MissingVariable(param.relative_path().map(|path| path.to_string())).into());
            }
        }
        Ok(Arguments { helper, entry: self.entry, shared: &self.shared })
    }
}

impl HelperDef for Registered {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        match self.entry.function {
            Function::Value(function) => {
                let value = function(&self.arguments(helper)?).map_err(nested)?;
                Ok(ScopedJson::Derived(value))
            }
            Function::Picture(_) => Err(nested(Failure::new(
                Kind::Template,
                format!("the helper '{}' writes an <img>: it cannot be in parentheses", self.entry.name),
            ))),
        }
    }

    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        render_context: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let Function::Picture(function) = self.entry.function else {
            let value = self.call_inner(helper, registry, context, render_context)?.render();
            out.write(&handlebars::html_escape(&value))?;
            return Ok(());
        };
        let arguments = self.arguments(helper)?;
        if let Some(image) = function(&arguments).map_err(nested)? {
            let style = pictures::style(&arguments).map_err(nested)?;
            let alt = pictures::alt(&arguments).map_err(nested)?;
            let name = self.shared.keep(image).map_err(nested)?;
            out.write(&format!("<img src=\"{name}\" style=\"{style}\" alt=\"{}\">", handlebars::html_escape(&alt)))?;
        }
        Ok(())
    }
}

fn nested(failure: Failure) -> RenderError {
    RenderErrorReason::NestedError(Box::new(failure)).into()
}
