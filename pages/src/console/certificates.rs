//! C13: the certificates that organizations seal with and encrypt for, by their ends.

use askama::Template;

use super::{Frame, Moment, Phrase};
use crate::render;

/// The certificates of all organizations of a session.
#[derive(Debug, Template)]
#[template(path = "console/certificates.html")]
pub struct Certificates {
    pub frame: Frame,
    /// By their ends.
    pub rows: Vec<Certificate>,
    /// What certificates cannot be shown, and why: an organization's name and the reason.
    pub missing: Vec<(String, Phrase)>,
    /// Organizations that are not shown, as there are too many.
    pub partial: Option<Phrase>,
}

/// One certificate.
#[derive(Debug)]
pub struct Certificate {
    /// The name of its organization.
    pub organization: String,
    /// What it is for, as a key.
    pub usage: &'static str,
    pub subject: String,
    pub issuer: String,
    /// Hexadecimal; empty where it is not known.
    pub serial: String,
    pub ends: Moment,
    /// How long that is off.
    pub left: Phrase,
    pub tone: Ending,
    /// When it last sealed, of one that seals; `None` within: it never did.
    pub sealed: Option<Option<Moment>>,
    /// Who is told of its end.
    pub told: Option<String>,
}

/// How soon a certificate ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Later,
    /// Somebody has to act.
    Soon,
    Over,
}

impl Ending {
    fn shape(self) -> &'static str {
        match self {
            Self::Later => "certified",
            Self::Soon => "warning",
            Self::Over => "failed",
        }
    }

    /// Red.
    fn is_urgent(self) -> bool {
        self != Self::Later
    }
}

impl Certificates {
    pub fn html(&self) -> String {
        render(self)
    }
}
