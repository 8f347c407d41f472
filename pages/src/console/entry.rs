//! The ways in, and pages that say why something is not shown.

use askama::Template;

use super::{Frame, Phrase};
use crate::render;

/// C1: signing in.
#[derive(Debug, Template)]
#[template(path = "console/sign_in.html")]
pub struct SignIn {
    pub frame: Frame,
    /// Why the last try failed.
    pub error: Option<Phrase>,
    /// Why the page is shown, where that is no fault.
    pub notice: Option<Phrase>,
    /// Where to go afterwards: a path of the console.
    pub next: String,
    /// Where an identity provider is configured: the words of its button.
    pub provider: Option<Phrase>,
    pub development: Option<Development>,
}

/// Signing in without one, on a developer's machine.
#[derive(Debug)]
pub struct Development {
    pub organization: String,
    /// Names of roles, and whether they are ticked.
    pub roles: Vec<(&'static str, bool)>,
    /// Whether the browser is on the server's machine; elsewhere the form is not there.
    pub is_here: bool,
}

/// Which organization to look at.
#[derive(Debug, Template)]
#[template(path = "console/organizations.html")]
pub struct Organizations {
    pub frame: Frame,
    pub organizations: Vec<super::Organization>,
}

/// Why something is not shown, and what to do next.
#[derive(Debug, Template)]
#[template(path = "console/problem.html")]
pub struct Problem {
    pub frame: Frame,
    pub title: Phrase,
    pub words: Phrase,
    /// Where to go on.
    pub next: String,
    pub next_words: Phrase,
}

impl SignIn {
    pub fn html(&self) -> String {
        render(self)
    }
}

impl Organizations {
    pub fn html(&self) -> String {
        render(self)
    }
}

impl Problem {
    pub fn html(&self) -> String {
        render(self)
    }
}
