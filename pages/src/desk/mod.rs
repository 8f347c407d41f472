//! The agents' desk: view models in, HTML out. It stands on the frame of the console, whose words it has too.

use askama::Template;

use crate::{
    assets,
    console::{Frame, Moment, Phrase},
    render,
    texts::Language,
};

/// D1: who waits.
#[derive(Debug, Template)]
#[template(path = "desk/today.html")]
pub struct Today {
    pub frame: Frame,
    /// What was asked for, as it was typed.
    pub code: String,
    /// Nobody waits under that code, or it is none.
    pub missing: bool,
    /// Whom this agent began with, then all others; both oldest end first.
    pub own: Vec<Waiting>,
    pub others: Vec<Waiting>,
    /// There are more than are shown.
    pub more: bool,
    /// What was just done.
    pub done: Option<Phrase>,
}

/// Somebody who waits for an agent.
#[derive(Debug)]
pub struct Waiting {
    pub link: String,
    /// As far as it is known, else an identifier.
    pub name: String,
    pub document: Phrase,
    /// What follows the identification.
    pub purpose: Phrase,
    pub since: Moment,
    pub expires: Moment,
    /// Who began with them, where it is somebody else.
    pub taken: Option<String>,
}

/// D2 to D6: one person.
#[derive(Debug, Template)]
#[template(path = "desk/customer.html")]
pub struct Customer {
    pub frame: Frame,
    /// Of this page.
    pub link: String,
    pub code: String,
    pub name: String,
    /// Kind of the identity document.
    pub document: Phrase,
    /// The end of its number: enough to compare, too little to read out.
    pub number: Option<String>,
    pub country: Option<String>,
    /// Names of the documents that will be signed.
    pub documents: Vec<String>,
    pub since: Moment,
    pub expires: Moment,
    pub stage: Stage,
    /// What is wrong with what was sent last.
    pub error: Option<Phrase>,
    /// What was just done.
    pub done: Option<Phrase>,
    /// Changes with what is shown: whoever has it asks for what is newer.
    pub version: String,
}

/// How far it is.
#[derive(Debug)]
pub enum Stage {
    /// Nobody began, or somebody else did.
    Waits { taken: Option<Phrase> },
    /// This agent is with the person.
    Begun(Desk),
    /// The person is who they say; what can be done next.
    Identified { agent: Option<String>, hand: Option<Hand> },
    /// It ended otherwise.
    Over(Phrase),
}

/// What the agent has before them.
#[derive(Debug)]
pub struct Desk {
    /// A picture of the document must be taken.
    pub must_photograph: bool,
    /// The document has no back side.
    pub one_side: bool,
    /// Maximum length of a reason, in characters.
    pub max_reason: usize,
    pub reason: String,
}

/// Handing a device over to who will sign.
#[derive(Debug)]
pub struct Hand {
    /// What became of the last one.
    pub state: Option<Phrase>,
    /// The code of a tablet, as it was typed.
    pub code: String,
}

/// D6: the code with which a phone goes on.
#[derive(Debug, Template)]
#[template(path = "desk/phone.html")]
pub struct Phone {
    pub frame: Frame,
    pub name: String,
    /// Of the customer's page.
    pub link: String,
    /// What the phone opens; its fragment opens the signature, once.
    pub address: String,
    pub until: Moment,
}

/// What opens a device again that was handed over.
#[derive(Debug, Template)]
#[template(path = "desk/unlock.html")]
pub struct Unlock {
    pub frame: Frame,
    pub csrf: String,
    pub error: Option<Phrase>,
}

/// T1: what the person sees who signs at a device of the shop. Nobody is signed in there.
#[derive(Debug, Template)]
#[template(path = "desk/tablet.html")]
pub struct Tablet {
    pub language: Language,
    /// The path below which browsers reach the server.
    pub root: String,
    /// Of the organization, for the scripts.
    pub organization: String,
    pub name: String,
    /// Whether it is a tablet of the shop, which waits for the next person.
    pub is_enrolled: bool,
}

impl Tablet {
    fn t(&self, key: &'static str) -> &'static str {
        self.language.text(key)
    }

    fn words(&self) -> &'static str {
        crate::landing::words(self.language)
    }
}

macro_rules! html {
    ($($page:ident)+) => {$(
        impl $page {
            pub fn html(&self) -> String {
                render(self)
            }
        }
    )+};
}
html!(Today Customer Phone Unlock Tablet);
