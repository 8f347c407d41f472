//! C10: a new version of a template in HTML, and two versions side by side.

use askama::Template;

use super::{Frame, Moment, Phrase};
use crate::render;

/// The form of a new version.
#[derive(Debug, Template)]
#[template(path = "console/template_edit.html")]
pub struct TemplateEdit {
    pub frame: Frame,
    pub name: String,
    /// Which version it begins with.
    pub version: String,
    /// Where the page of the template is.
    pub back: String,
    /// Where the form goes.
    pub link: String,
    /// The languages whose template can be edited.
    pub languages: Vec<EditLanguage>,
    /// The language of the template below.
    pub language: &'static str,
    /// The versions that it was made from, as the form sends them back.
    pub seen: (String, String),
    /// What is wrong with what was sent: the field, and the server's words.
    pub problems: Vec<(String, String)>,
    /// Why it was not saved, where that is nothing that stands in a field.
    pub refused: Option<Phrase>,
    /// What others saved meanwhile.
    pub conflict: Option<EditConflict>,
    pub template: String,
    pub schema: String,
    pub editor_config: String,
    pub engine: String,
    pub description: String,
    /// One a line.
    pub labels: String,
    /// Which can be the default, and which is.
    pub defaults: Vec<(&'static str, bool)>,
    pub reason: String,
    /// Characters that a reason may have.
    pub max_reason: usize,
}

/// A language to edit.
#[derive(Debug)]
pub struct EditLanguage {
    pub code: &'static str,
    pub link: String,
    pub is_on: bool,
    /// The version lacks it: a version with it is one that adds it.
    pub is_new: bool,
}

/// What was saved by others since the form was opened.
#[derive(Debug)]
pub struct EditConflict {
    pub words: Phrase,
    /// When, and by whom.
    pub at: Moment,
    pub by: String,
    /// What is there now beside what was typed.
    pub differences: Vec<Difference>,
}

/// Two versions of a template in one language, side by side.
#[derive(Debug, Template)]
#[template(path = "console/template_compare.html")]
pub struct TemplateCompare {
    pub frame: Frame,
    pub name: String,
    /// Where the page of the template is.
    pub back: String,
    /// Where the choice goes.
    pub link: String,
    /// All versions: whether they are the first or the second of the two.
    pub versions: Vec<(String, bool, bool)>,
    pub languages: Vec<(&'static str, bool)>,
    /// A version that lacks the language.
    pub missing: Option<Phrase>,
    pub differences: Vec<Difference>,
}

/// Two texts, side by side.
#[derive(Debug)]
pub struct Difference {
    /// What they are, as a key.
    pub title: &'static str,
    /// What stands above each.
    pub heads: (String, String),
    /// Nothing where they are equal.
    pub rows: Vec<DiffRow>,
    /// What is to be said of it.
    pub note: Option<Phrase>,
}

/// A row of two texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiffRow {
    /// A line of both, with its number in each.
    Same { before: usize, after: usize, text: String },
    /// Lines of one alone, with their numbers.
    Changed { before: Option<(usize, String)>, after: Option<(usize, String)> },
    /// Equal lines that are not shown.
    Equal(usize),
}

impl TemplateEdit {
    pub fn html(&self) -> String {
        render(self)
    }

    fn about(&self) -> String {
        self.frame.say(&Phrase::new("console.edit.about").with("version", &self.version))
    }

    fn label(&self) -> String {
        self.frame.say(&Phrase::new("console.edit.template").with("language", self.language))
    }

    fn equal(&self, count: &usize) -> String {
        equal_lines(&self.frame, *count)
    }

    fn is_refused(&self) -> bool {
        self.refused.is_some() || self.conflict.is_some() || !self.problems.is_empty()
    }
}

impl TemplateCompare {
    pub fn html(&self) -> String {
        render(self)
    }

    fn equal(&self, count: &usize) -> String {
        equal_lines(&self.frame, *count)
    }
}

fn equal_lines(frame: &Frame, count: usize) -> String {
    frame.say(&Phrase::new("console.compare.equal").with("count", count))
}
