//! From a template in HTML and its data to a PDF: `scan` and `rules` judge the template, `template` fills it, `prepare` makes of the
//! filled HTML what an engine may see, `engine` lays it out. It knows nothing of the server, and no clock.
//!
//! Templates, schemas, data and images are from strangers. Every input has its bound (`limits`), and what an engine would leave out without
//! a word is an error here. Time and memory are bounded by the process: this runs in worker processes only, never in the server's own.

#![forbid(unsafe_code)]

mod context;
mod css;
mod date;
mod decimal;
mod engine;
mod fonts;
mod helpers;
mod image;
mod limits;
mod locale;
mod pdf;
mod prepare;
mod renderer;
mod rules;
mod scan;
mod schema;
mod template;
mod tree;

pub use engine::{About, HtmlToPdf};
pub use prepare::Prepared;
pub use renderer::{Renderer, check};
pub use schema::sample;

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is wrong, in words for the author of a template or of its data. Names of variables and helpers are in them, values of data never.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The line of the template, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<usize>,
    /// The column of that line in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub column: Option<usize>,
    pub message: String,
}

/// The program that lays out pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    #[default]
    Fulgur,
    Ironpress,
}

/// Which rules the PDF keeps beyond those of every PDF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    #[default]
    Plain,
    /// Tagged, for screen readers (ISO 14289-1).
    PdfUa1,
    /// For archives, attachments allowed (ISO 19005-3).
    PdfA3,
}

/// What a document is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Target {
    pub engine: Engine,
    pub profile: Profile,
}

/// A template for one language, as a version of a dynamic template has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Handlebars in HTML, in UTF-8.
    pub template: Vec<u8>,
    /// The JSON schema of the data.
    pub structure: serde_json::Value,
    /// The contract's `Language`: `ES`, `EN`, `EU`, `GL`, `CA`, `DE`; any other, `UNDEFINED` too, counts as `ES`.
    pub language: String,
    pub target: Target,
}

/// One filling of a template.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub source: Source,
    /// An object.
    pub data: serde_json::Value,
    /// The title that the PDF names.
    pub title: String,
    /// When the PDF says it was made, in seconds since 1970-01-01 UTC. With the same job it is the same file, byte by byte.
    pub created: i64,
}

/// A PDF that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdf {
    pub bytes: Vec<u8>,
    pub pages: usize,
}

/// Why there is no PDF.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}", .problem.message)]
pub struct Failure {
    pub kind: Kind,
    pub problem: Problem,
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The template is wrong.
    Template,
    /// The data lack something, or have what the template cannot use.
    Data,
    /// A character has no glyph in any font.
    Glyphs,
    /// Too large, too deep, too many.
    Limits,
    /// The engine could not do it.
    Engine,
}

impl Target {
    /// What a source's `engine_version` names, in any case. The engine: `ironpress`, alone or before a version (`ironpress 1.7`,
    /// `ironpress-1.7`, `ironpress/1.7`); all others, such as "3.12" of a template's editor, are laid out by fulgur. The profile: a word of
    /// its own behind that, `pdf-ua` or `pdf-a` (`3.12 pdf-a`).
    pub fn of(engine_version: &str) -> Self {
        let name = engine_version.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        let engine = if name.eq_ignore_ascii_case("ironpress") { Engine::Ironpress } else { Engine::Fulgur };
        let profile = engine_version.split_whitespace().find_map(|word| match word.to_ascii_lowercase().as_str() {
            "pdf-ua" => Some(Profile::PdfUa1),
            "pdf-a" => Some(Profile::PdfA3),
            _ => None,
        });
        Self { engine, profile: profile.unwrap_or_default() }
    }
}

/// With its place in the template.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (Some(line), Some(column)) => write!(f, "line {line}, column {column}: {}", self.message),
            (Some(line), None) => write!(f, "line {line}: {}", self.message),
            (None, _) => f.write_str(&self.message),
        }
    }
}
