//! C10: templates, the sections and forms that they are made of, templates in HTML, and what a fill of them looks like.

use askama::Template;

use super::{Detail, DetailValue, Frame, Moment, Phrase};
use crate::render;

/// What can be filled, and its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateKind {
    Templates,
    Sections,
    Forms,
    Dynamic,
}

impl TemplateKind {
    /// In the order of their links.
    pub const ALL: [Self; 4] = [Self::Templates, Self::Sections, Self::Forms, Self::Dynamic];

    /// As addresses name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Templates => "template",
            Self::Sections => "section",
            Self::Forms => "form",
            Self::Dynamic => "dynamic",
        }
    }

    /// Of all of them.
    pub fn key(self) -> &'static str {
        match self {
            Self::Templates => "console.nav.templates",
            Self::Sections => "console.templates.sections",
            Self::Forms => "console.templates.forms",
            Self::Dynamic => "console.templates.dynamic",
        }
    }

    /// Of one.
    pub fn one(self) -> &'static str {
        match self {
            Self::Templates => "console.templates.template",
            Self::Sections => "console.templates.section",
            Self::Forms => "console.templates.form",
            Self::Dynamic => "console.templates.dynamic_one",
        }
    }
}

/// A page of a list.
#[derive(Debug, Template)]
#[template(path = "console/templates.html")]
pub struct Templates {
    pub frame: Frame,
    pub kind: TemplateKind,
    /// Where the list of each kind is.
    pub kinds: Vec<(TemplateKind, String)>,
    pub rows: Vec<ListedTemplate>,
    /// The pages before and after this one.
    pub newer: Option<String>,
    pub older: Option<String>,
}

/// One in a list.
#[derive(Debug)]
pub struct ListedTemplate {
    pub name: String,
    pub link: String,
    /// Its highest version, where it has some.
    pub version: Option<String>,
    /// In which languages it is there.
    pub languages: String,
    /// How many fields it has, where that is known.
    pub fields: Option<usize>,
    pub created: Moment,
}

/// One of any kind.
#[derive(Debug, Template)]
#[template(path = "console/stored_template.html")]
pub struct StoredTemplate {
    pub frame: Frame,
    pub kind: TemplateKind,
    pub name: String,
    pub details: Vec<Detail>,
    /// The version that is shown, where it has some.
    pub version: Option<String>,
    /// Where each major version is, and which is shown.
    pub majors: Vec<(u32, String, bool)>,
    /// All minors of the major version that is shown, newest first.
    pub versions: Vec<TemplateVersion>,
    /// What it is made of, in its order.
    pub made_of: Vec<Made>,
    pub fields: Vec<FieldRow>,
    /// Newest first.
    pub changes: Vec<TemplateChange>,
    /// The JSON Schema of its data.
    pub schema: Option<String>,
    pub preview: Option<PreviewForm>,
    /// Where a new version is made, for who may.
    pub edit: Option<String>,
    /// Where two versions are looked at side by side.
    pub compare: Option<String>,
    /// What was done a moment ago.
    pub done: Option<Phrase>,
}

/// A version.
#[derive(Debug)]
pub struct TemplateVersion {
    pub number: String,
    pub at: Moment,
}

/// A part of it.
#[derive(Debug)]
pub struct Made {
    pub name: String,
    /// Where its page is, if it has one.
    pub link: Option<String>,
    /// When it is printed, or for which language it is.
    pub when: String,
}

/// A field.
#[derive(Debug)]
pub struct FieldRow {
    pub key: String,
    /// Its kind, as a key.
    pub kind: &'static str,
}

/// A line of the changelog.
#[derive(Debug)]
pub struct TemplateChange {
    pub at: Moment,
    /// From and to which version.
    pub step: String,
    /// In the words of who did it.
    pub why: String,
    pub by: String,
}

/// What a test fill is made with.
#[derive(Debug)]
pub struct PreviewForm {
    pub link: String,
    /// What is said of it, as a key.
    pub about: &'static str,
    /// JSON, as it was given or to begin with.
    pub values: String,
    /// What that is called, as a key.
    pub label: &'static str,
    /// Characters that it may have.
    pub most: usize,
    /// Those to choose from; none for a form.
    pub languages: Vec<(&'static str, bool)>,
    /// One a line; `None` where none are asked for.
    pub flags: Option<String>,
    /// From 1.
    pub page: usize,
    /// Whether the whole can be had as a file.
    pub gives_file: bool,
    /// What is wrong with it.
    pub error: Option<Phrase>,
}

impl Templates {
    pub fn html(&self) -> String {
        render(self)
    }
}

impl StoredTemplate {
    pub fn html(&self) -> String {
        render(self)
    }

    fn error(&self) -> Option<&Phrase> {
        self.preview.as_ref()?.error.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Language;

    #[test]
    fn every_kind_has_words() {
        for kind in TemplateKind::ALL {
            for key in [kind.key(), kind.one()] {
                assert!(Language::ALL.into_iter().all(|language| language.text(key) != key), "{key}");
            }
        }
    }
}
