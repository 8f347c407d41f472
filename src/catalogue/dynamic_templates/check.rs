//! Uploaded templates in the processes that render them.

use futures::future::BoxFuture;
use serde_json::Value;
use workflows::values::Language;

use super::{CheckTemplates, NewSource};
use crate::render_workers::{TemplateError, Workers};

/// A source as the engine takes it.
pub fn for_engine(language: Language, engine_version: &str, template: Vec<u8>, structure: Value) -> html::Source {
    let language = match language {
        Language::Es => "ES",
        Language::En => "EN",
        Language::Eu => "EU",
        Language::Gl => "GL",
        Language::Ca => "CA",
        Language::De => "DE",
        Language::Undefined => "UNDEFINED",
    };
    html::Source { template, structure, language: language.to_owned(), target: html::Target::of(engine_version) }
}

impl CheckTemplates for Workers {
    fn check<'a>(
        &'a self,
        organization: &'a str,
        source: &'a NewSource,
    ) -> BoxFuture<'a, Result<Result<(), Vec<String>>, TemplateError>> {
        let NewSource { language, template, structure, engine_version, .. } = source;
        let source = for_engine(*language, engine_version, template.to_vec(), structure.clone());
        Box::pin(async move {
            let checked = self.check_html(organization, source).await?;
            Ok(checked.map_err(|problems| problems.iter().map(ToString::to_string).collect()))
        })
    }
}
