//! C15: what staff did.

use askama::Template;

use super::{Frame, Moment, Phrase, ServerPart};
use crate::render;

/// The list, newest first.
#[derive(Debug, Template)]
#[template(path = "console/log.html")]
pub struct StaffLog {
    pub frame: Frame,
    pub part: ServerPart,
    pub rows: Vec<Done>,
    /// Back to the beginning, where this is not it.
    pub newest: Option<String>,
    /// Where it goes on.
    pub older: Option<String>,
}

/// One act.
#[derive(Debug)]
pub struct Done {
    pub at: Moment,
    /// Who did it.
    pub name: String,
    /// As the identity provider names them.
    pub subject: String,
    pub ip: Option<String>,
    pub words: Phrase,
    /// The address of the act, below the organization's pages.
    pub to: String,
    /// Where what was acted on is shown.
    pub link: Option<String>,
}

impl StaffLog {
    pub fn html(&self) -> String {
        render(self)
    }
}
