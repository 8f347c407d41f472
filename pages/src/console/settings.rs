//! C12: how the pages of an organization's signers look, and in whose pages they stand.

use askama::Template;

use super::{Frame, Moment, Phrase, SettingsPart};
use crate::render;

/// The configuration of signers' pages, with its form where it may be changed.
#[derive(Debug, Template)]
#[template(path = "console/settings.html")]
pub struct Settings {
    pub frame: Frame,
    pub part: SettingsPart,
    pub done: Option<Phrase>,
    /// What is wrong with what was sent: the field, and the server's words.
    pub problems: Vec<(String, String)>,
    /// Whether this person may change it.
    pub may_change: bool,
    /// Where the form goes.
    pub link: String,
    /// Which version it is, who set it and when; `None` where nobody did.
    pub last: Option<(Phrase, Moment)>,
    /// One a line.
    pub origins: String,
    pub accent: String,
    pub email: String,
    /// The address that holds where this one sets none.
    pub other_email: Option<String>,
    pub phone: String,
    pub other_phone: Option<String>,
    pub privacy: String,
    pub languages: Vec<Offer>,
    /// Address of the logo.
    pub logo: Option<String>,
    pub samples: Vec<Sample>,
}

/// A language, as its speakers call it.
#[derive(Debug)]
pub struct Offer {
    pub tag: &'static str,
    pub name: &'static str,
    pub is_offered: bool,
    pub is_first: bool,
}

/// The head of a page and its button in the colours of one scheme.
#[derive(Debug)]
pub struct Sample {
    pub title: Phrase,
    pub paper: &'static str,
    pub ink: &'static str,
    pub accent: String,
    pub on_accent: &'static str,
    pub name: String,
}

impl Settings {
    pub fn html(&self) -> String {
        render(self)
    }

    fn is_wrong(&self, field: &str) -> bool {
        self.problems.iter().any(|(own, _)| own.split('[').next() == Some(field))
    }
}
