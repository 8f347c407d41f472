//! C15: which server answers, and what it is set to.

use askama::Template;

use super::{Frame, Moment, Phrase, ServerPart};
use crate::render;

/// What there is to know of the server.
#[derive(Debug, Template)]
#[template(path = "console/facts.html")]
pub struct Facts {
    pub frame: Frame,
    pub part: ServerPart,
    pub version: String,
    pub started: Moment,
    /// Where it keeps its state.
    pub store: Phrase,
    /// What is known of other servers.
    pub others: Phrase,
    /// How process time and the clock on the wall differ.
    pub clock: Phrase,
    /// Options by their names in the configuration, and their values.
    pub options: Vec<(String, String)>,
}

impl Facts {
    pub fn html(&self) -> String {
        render(self)
    }
}
