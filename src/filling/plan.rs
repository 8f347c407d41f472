//! What a version of a template is printed from: it never changes as long as the version is there, so it is kept.

use std::collections::HashMap;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use store::blobs::Digest;
use uuid::Uuid;
use workflows::values::Language;

use super::Sources;
use crate::cache::Weighed;
use crate::catalogue::forms::Form;
use crate::catalogue::names::Error;
use crate::catalogue::templates::Version;

/// Records that are read at once.
const AT_ONCE: usize = 16;

/// A form to print, and where its bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// External id of the form.
    pub form: String,
    /// Its identifier.
    pub id: Uuid,
    pub digest: Digest,
    /// In bytes.
    pub size: u64,
}

impl Source {
    pub fn of(form: &Form) -> Self {
        Self { form: form.external_id.clone(), id: form.id, digest: form.digest, size: form.size }
    }
}

/// A version with its sections and their forms.
#[derive(Debug)]
pub struct Plan {
    version: Arc<Version>,
    /// By the external id of the section.
    sections: HashMap<String, Vec<(Language, Source)>>,
}

impl Plan {
    /// Reads the sections of a version, and their forms.
    ///
    /// # Errors
    /// [`Error::NotFound`] or [`Error::Gone`] if one is not there, as when the version was deleted in the meantime, and what fails.
    pub async fn read(sources: &Sources, organization: &str, version: Arc<Version>) -> Result<Self, Error> {
        let mut names = version.sections.clone();
        names.sort_unstable();
        names.dedup();
        let sections = stream::iter(names).map(async |name: String| {
            let section = sources.sections.get(organization, &name).await?.item.value;
            let mut forms = Vec::with_capacity(section.forms.len());
            for form in &section.forms {
                let found = sources.forms.get(organization, &form.form).await?;
                forms.push((form.language, Source::of(&found.item.value)));
            }
            Ok::<_, Error>((name, forms))
        });
        Ok(Self { sections: sections.buffer_unordered(AT_ONCE).try_collect().await?, version })
    }

    /// The forms that a fill prints, in order: of each section that the flags leave, that in the language, or else that in the default language
    /// (note fill-language).
    pub fn sources(&self, flags: &[String], language: Language) -> Vec<Source> {
        let default = self.version.default_language;
        let of = |forms: &[(Language, Source)], wanted| {
            forms.iter().find(|(language, _)| *language == wanted).map(|(_, source)| source.clone())
        };
        let sections = self.version.printed(flags).into_iter().filter_map(|name| self.sections.get(name));
        // No version is made without a form in its default language.
        sections.filter_map(|forms| of(forms, language).or_else(|| of(forms, default))).collect()
    }
}

impl Weighed for Plan {
    fn weight(&self) -> usize {
        let form = |(_, source): &(Language, Source)| size_of::<(Language, Source)>() + source.form.len();
        let section = |(name, forms): (&String, &Vec<_>)| 64 + name.len() + forms.iter().map(form).sum::<usize>();
        self.version.weight() + self.sections.iter().map(section).sum::<usize>()
    }
}
