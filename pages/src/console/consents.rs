//! C11: what customers consent to, as it is defined and as they see it; and one customer: choices, what was shown, receipts.

use askama::Template;

use super::{Detail, DetailValue, Frame, Moment, Phrase, Tone};
use crate::render;

/// Parts of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentsPart {
    Definitions,
    Trees,
    Customers,
}

impl ConsentsPart {
    /// In the order of their links.
    pub const ALL: [Self; 3] = [Self::Definitions, Self::Trees, Self::Customers];

    /// For people.
    pub fn key(self) -> &'static str {
        match self {
            Self::Definitions => "console.consents.definitions",
            Self::Trees => "console.consents.trees",
            Self::Customers => "console.consents.customer",
        }
    }
}

/// What somebody chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentChoice {
    Accepted,
    Pending,
    Rejected,
}

impl ConsentChoice {
    pub const ALL: [Self; 3] = [Self::Accepted, Self::Pending, Self::Rejected];

    /// As the contract names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "ACCEPTED",
            Self::Pending => "PENDING",
            Self::Rejected => "REJECTED",
        }
    }

    /// For people.
    pub fn key(self) -> &'static str {
        match self {
            Self::Accepted => "console.choice.accepted",
            Self::Pending => "console.choice.pending",
            Self::Rejected => "console.choice.rejected",
        }
    }

    /// Its shape in the sprite, and its colour's class. To reject is no failure.
    pub fn shape(self) -> &'static str {
        match self {
            Self::Accepted => "certified",
            Self::Pending => "expired",
            Self::Rejected => "cancelled",
        }
    }
}

/// A page of the definitions.
#[derive(Debug, Template)]
#[template(path = "console/consents.html")]
pub struct Consents {
    pub frame: Frame,
    /// Where each part is.
    pub parts: Vec<(ConsentsPart, String)>,
    pub rows: Vec<ListedConsent>,
    /// The pages before and after this one.
    pub newer: Option<String>,
    pub older: Option<String>,
}

/// One definition in the list.
#[derive(Debug)]
pub struct ListedConsent {
    pub id: String,
    pub link: String,
    /// Its short text, and the language of that.
    pub short: String,
    pub language: String,
    /// Its type, as a key.
    pub kind: &'static str,
    /// How long an acceptance holds, if not for ever.
    pub expiration: Option<String>,
    pub languages: String,
    pub version: u64,
    pub changed: Moment,
}

/// One definition.
#[derive(Debug, Template)]
#[template(path = "console/consent.html")]
pub struct Consent {
    pub frame: Frame,
    pub id: String,
    pub back: String,
    pub details: Vec<Detail>,
    /// As they are now.
    pub texts: Vec<ConsentTexts>,
    /// Newest first, a page of them.
    pub versions: Vec<ConsentVersion>,
    /// The pages of versions before and after this one.
    pub newer: Option<String>,
    pub older: Option<String>,
}

/// The texts of one language.
#[derive(Debug)]
pub struct ConsentTexts {
    pub language: String,
    pub text: String,
    pub short: String,
    /// May be empty.
    pub description: String,
}

/// One version of a definition.
#[derive(Debug)]
pub struct ConsentVersion {
    pub number: u64,
    pub at: Moment,
    /// Subject of the token of who wrote it.
    pub by: String,
    /// In the words of who wrote it; may be empty.
    pub why: String,
    /// What is otherwise than in the version before.
    pub what: Phrase,
    /// The texts that came with it.
    pub texts: Vec<ConsentTexts>,
}

/// A tree as customers see it.
#[derive(Debug, Template)]
#[template(path = "console/consent_trees.html")]
pub struct ConsentTrees {
    pub frame: Frame,
    pub parts: Vec<(ConsentsPart, String)>,
    /// Each tree by segment and type of users, as a key; where it is, and whether it is the one that is shown.
    pub trees: Vec<(String, &'static str, String, bool)>,
    pub tree: Option<ConsentTree>,
}

/// One of them.
#[derive(Debug)]
pub struct ConsentTree {
    pub details: Vec<Detail>,
    /// Each language that may be asked for; where it is, and whether the texts are in it.
    pub languages: Vec<(String, String, bool)>,
    /// Of the texts.
    pub language: String,
    pub statements: Vec<ConsentStatement>,
    pub versions: Vec<ConsentTreeVersion>,
    pub newer: Option<String>,
    pub older: Option<String>,
}

/// One version of a tree.
#[derive(Debug)]
pub struct ConsentTreeVersion {
    pub at: Moment,
    pub by: String,
    pub why: String,
    /// Its consents, in their order.
    pub consents: String,
}

/// A statement of a tree, in the order in which it is read. Lists within lists are said by where they begin and end.
#[derive(Debug)]
pub struct ConsentStatement {
    /// Of its heading, 3 to 6.
    pub level: u8,
    pub id: String,
    pub text: String,
    pub description: String,
    pub choice: ConsentChoice,
    /// Its type, as a key.
    pub kind: &'static str,
    pub until: Option<Moment>,
    /// Whether it is there for context only.
    pub is_context: bool,
    /// Whether its own list begins behind it.
    pub opens: bool,
    /// How many lists end behind it.
    pub closes: usize,
}

/// The search for a customer.
#[derive(Debug, Template)]
#[template(path = "console/consent_customers.html")]
pub struct ConsentCustomers {
    pub frame: Frame,
    pub parts: Vec<(ConsentsPart, String)>,
    /// Where the form leads.
    pub link: String,
    /// Those to choose from, and which is chosen.
    pub segments: Vec<(String, bool)>,
    /// What was searched for, and why it is not shown.
    pub customer: String,
    pub error: Option<Phrase>,
}

/// A customer in a segment.
#[derive(Debug, Template)]
#[template(path = "console/consent_customer.html")]
pub struct ConsentCustomer {
    pub frame: Frame,
    pub customer: String,
    pub back: String,
    /// How it stands with the customer.
    pub standing: Phrase,
    pub details: Vec<Detail>,
    pub choices: Vec<ConsentChoiceRow>,
    /// Newest first, a page of them.
    pub events: Vec<ConsentEvent>,
    /// The pages of events before and after this one.
    pub newer: Option<String>,
    pub older: Option<String>,
    /// What can be done, for who may.
    pub export: Option<String>,
    pub delete: Option<String>,
    /// What was just done.
    pub done: Option<Phrase>,
}

/// What holds of one consent.
#[derive(Debug)]
pub struct ConsentChoiceRow {
    pub id: String,
    /// Its short text as it is now; may be empty.
    pub short: String,
    pub choice: ConsentChoice,
    /// Why it holds, as a key.
    pub source: &'static str,
    pub until: Option<Moment>,
    pub captured: Option<Moment>,
}

/// Something that happened.
#[derive(Debug)]
pub struct ConsentEvent {
    pub number: u32,
    pub at: Moment,
    pub tone: Tone,
    pub what: Phrase,
    /// What it was about.
    pub choices: Vec<ConsentEventChoice>,
    pub facts: Vec<Detail>,
    /// Where the texts are that were shown, and the receipt.
    pub display: Option<String>,
    pub receipt: Option<String>,
    /// Of the journal's chain.
    pub hash: String,
}

/// One consent of an event.
#[derive(Debug)]
pub struct ConsentEventChoice {
    pub id: String,
    /// None where it lapsed.
    pub choice: Option<ConsentChoice>,
    /// Whether another one holds by now.
    pub is_over: bool,
    /// Whether it was chosen without having been displayed.
    pub was_hidden: bool,
    pub until: Option<Moment>,
}

/// What a customer was shown before a capture.
#[derive(Debug, Template)]
#[template(path = "console/consent_display.html")]
pub struct ConsentDisplay {
    pub frame: Frame,
    pub customer: String,
    pub back: String,
    /// Whether it is what the capture recorded, byte for byte.
    pub is_same: bool,
    pub details: Vec<Detail>,
    pub language: String,
    pub statements: Vec<ConsentStatement>,
}

/// The question before an export.
#[derive(Debug, Template)]
#[template(path = "console/consent_export.html")]
pub struct ConsentExport {
    pub frame: Frame,
    pub customer: String,
    pub segment: String,
    /// Where the form leads, and the way back.
    pub link: String,
    pub back: String,
    pub reason: String,
    pub error: Option<Phrase>,
    /// Maximum length of the reason, in characters.
    pub max_reason: usize,
}

macro_rules! pages {
    ($($page:ident)*) => {$(
        impl $page {
            pub fn html(&self) -> String {
                render(self)
            }
        }
    )*};
}

pages! { Consents Consent ConsentTrees ConsentCustomers ConsentCustomer ConsentDisplay ConsentExport }

impl ConsentCustomers {
    fn is_on(&self, part: &ConsentsPart) -> bool {
        *part == ConsentsPart::Customers
    }
}

impl ConsentTrees {
    fn is_on(&self, part: &ConsentsPart) -> bool {
        *part == ConsentsPart::Trees
    }
}

impl Consents {
    fn is_on(&self, part: &ConsentsPart) -> bool {
        *part == ConsentsPart::Definitions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Language;

    #[test]
    fn every_part_and_choice_has_words_and_a_shape() {
        let keys = ConsentsPart::ALL.map(ConsentsPart::key).into_iter().chain(ConsentChoice::ALL.map(ConsentChoice::key));
        for key in keys {
            assert!(Language::ALL.into_iter().all(|language| language.text(key) != key), "{key}");
        }
        let sprite = include_str!("../../templates/console/sprite.html");
        for choice in ConsentChoice::ALL {
            assert!(sprite.contains(&format!("id=\"i-{}\"", choice.shape())), "{choice:?}");
        }
    }

    #[test]
    fn lists_within_lists_are_closed() {
        let statement = |id: &str, level, opens, closes| ConsentStatement {
            level,
            id: id.into(),
            text: format!("{id} <b>text</b>"),
            description: String::new(),
            choice: ConsentChoice::Pending,
            kind: "console.consents.opt_in",
            until: None,
            is_context: false,
            opens,
            closes,
        };
        let statements = vec![
            statement("A", 3, true, 0),
            statement("B", 4, true, 0),
            statement("C", 5, false, 2),
            statement("D", 3, false, 0),
        ];
        let frame = Frame { language: Language::English, root: String::new(), person: None, banners: Vec::new() };
        let page = ConsentDisplay {
            frame,
            customer: "100".into(),
            back: "/".into(),
            is_same: true,
            details: Vec::new(),
            language: "en".into(),
            statements,
        };
        let html = page.html();
        let own = html.split_once("<ul class=\"statements\"").map(|(_, rest)| rest).unwrap_or_default();
        assert_eq!((own.matches("<ul").count() + 1, own.matches("<li>").count()), (own.matches("</ul>").count(), 4), "{html}");
        assert_eq!(own.matches("</li>").count(), 4, "{html}");
        assert!(html.contains("<h5>C &#60;b&#62;text&#60;/b&#62;</h5>"), "{html}");
    }
}
