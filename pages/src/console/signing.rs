//! C12: an organization's sign configuration, with what is to be said of the key file that seals, and of one that was sent to be looked at.

use askama::Template;

use super::{Frame, Moment, Phrase, SettingsPart};
use crate::render;

/// The sign configuration, with its form where it may be changed.
#[derive(Debug, Template)]
#[template(path = "console/signing.html")]
pub struct Signing {
    pub frame: Frame,
    pub part: SettingsPart,
    pub done: Option<Phrase>,
    /// What is wrong with what was sent: the field, and the server's words.
    pub problems: Vec<(String, String)>,
    /// Whether this person may change it.
    pub may_change: bool,
    /// Where the form goes.
    pub link: String,
    /// Which version it is, who set it and when; `None` where there is none.
    pub last: Option<(Phrase, Moment)>,
    /// What was sent, and what became of it.
    pub sent: Option<(Phrase, KeyFile)>,
    /// What is stored.
    pub stored: Option<KeyFile>,
    /// Why nothing is said of what is stored.
    pub unreadable: Option<Phrase>,
    pub landing_url: String,
    pub duration: String,
    /// The channels to pick, in their order.
    pub channels: Vec<ChannelPick>,
    pub email: String,
    /// The members that are JSON: name, label as a key, and text.
    pub members: Vec<(&'static str, &'static str, String)>,
    /// Levels of the seals: name, and whether it is picked; none of them: that of the server.
    pub levels: Vec<(&'static str, bool)>,
    /// The organization's own scoring providers.
    pub connections: Vec<String>,
}

/// One place in the order of channels.
#[derive(Debug)]
pub struct ChannelPick {
    pub id: &'static str,
    /// As a key.
    pub label: &'static str,
    /// Value, words as a key, whether it is picked.
    pub offers: Vec<(&'static str, &'static str, bool)>,
}

/// A key file as the doctor sees it.
#[derive(Debug)]
pub struct KeyFile {
    pub verdict: Finding,
    pub findings: Vec<Finding>,
    pub keys: Vec<String>,
    pub certificates: Vec<FileCertificate>,
    /// What is protected, as a key, and how.
    pub protections: Vec<(&'static str, String, Option<Phrase>)>,
}

/// How grave something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gravity {
    Good,
    Note,
    Warning,
    Error,
}

impl Gravity {
    pub(super) fn shape(self) -> &'static str {
        match self {
            Self::Good => "certified",
            Self::Note => "created",
            Self::Warning => "warning",
            Self::Error => "failed",
        }
    }

    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good | Self::Note => "notice",
            Self::Warning => "notice warning",
            Self::Error => "error",
        }
    }

    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Good => "console.signing.good",
            Self::Note => "console.signing.note",
            Self::Warning => "console.signing.warning",
            Self::Error => "console.signing.error",
        }
    }
}

/// One thing that the doctor says.
#[derive(Debug)]
pub struct Finding {
    pub gravity: Gravity,
    pub what: Phrase,
    pub remedy: Option<Phrase>,
    /// A line that mends it.
    pub command: Option<&'static str>,
}

/// A certificate in a key file.
#[derive(Debug)]
pub struct FileCertificate {
    pub subject: String,
    /// What it is to the one that seals, as a key.
    pub role: Option<&'static str>,
    pub issuer: String,
    /// Hexadecimal.
    pub serial: String,
    pub begins: Moment,
    pub ends: Moment,
    pub key: String,
    /// Key usages and extended ones; empty where nothing is restricted.
    pub usages: String,
}

impl Signing {
    pub fn html(&self) -> String {
        render(self)
    }

    fn is_wrong(&self, field: &str) -> bool {
        self.problems.iter().any(|(own, _)| own.split('[').next() == Some(field))
    }
}
