//! C12: what the messages to people say, in each language.

use askama::Template;

use super::{Frame, Phrase, SettingsPart};
use crate::render;

/// The texts of messages in one language.
#[derive(Debug, Template)]
#[template(path = "console/messages.html")]
pub struct Messages {
    pub frame: Frame,
    pub part: SettingsPart,
    pub languages: Vec<MessageLanguage>,
    /// In which language people without one are written to.
    pub otherwise: Phrase,
    pub texts: Vec<MessageText>,
}

/// A language of messages.
#[derive(Debug)]
pub struct MessageLanguage {
    pub tag: &'static str,
    /// As its speakers call it.
    pub name: &'static str,
    pub link: String,
    pub is_on: bool,
}

/// A text with sample data.
#[derive(Debug)]
pub struct MessageText {
    /// What it is about, as a key.
    pub about: &'static str,
    /// How it is sent, as a key.
    pub sent: &'static str,
    /// Whose text it is, as a key.
    pub whose: &'static str,
    pub tag: &'static str,
    /// Empty where there is none.
    pub subject: String,
    pub text: String,
}

impl Messages {
    pub fn html(&self) -> String {
        render(self)
    }
}
