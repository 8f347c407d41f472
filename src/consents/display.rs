//! What a customer is shown: a pure function of the edition, the customer's consents, what is asked for and the moment.
//!
//! Rules: contract `get_customer_consents` with the notes one-locale, mandatory-vs-all, largest-grouping, partial-family, view-order,
//! choice-context, middle-statement and filter-edges. The same function serves reads, makes what a capture is evidence of, and shows it again
//! years later: [`rebuild`] gives back the bytes that a key stands for.

use aws_lc_rs::digest::{SHA256, digest};
use documents::certificate::to_canonical_json;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::{Object, ObjectBuilder, Type};
use workflows::Timestamp;
use workflows::consents::{self as machine, Choice, ConsentType, CustomerConsents, Digest, Format, Reading, Source, Statements};

use super::key::{Bitmap, Displayed, Key};
use crate::catalogue::consents::{Accepted, ConsentId, Definition, Edition, LanguageTag, UsersType};

/// The view of which an unknown customer sees the statements.
pub const MANDATORY: &str = "MANDATORY";

/// Contract `Statement`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Statement {
    /// Normalised id of the consent.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    pub id: ConsentId,
    /// Full or short text, in the locale of the response.
    pub text: String,
    /// Explanation; may be empty.
    pub description: String,
    #[schema(schema_with = choice_schema)]
    pub choice: Choice,
    pub choice_type: ConsentType,
    /// When the acceptance lapses. Absent when the consent does not expire or is not accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub expiration_date: Option<Timestamp>,
    /// True for statements that are in the answer for context only.
    pub read_only: bool,
    /// Statements whose father is this one, to any depth.
    #[schema(no_recursion)]
    pub child_statements: Vec<Statement>,
}

/// Contract `ConsentChoice`.
pub fn choice_schema() -> Object {
    let description = "0 accepted, 1 pending (of OPT_IN consents only), 2 rejected.";
    ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([0, 1, 2])).description(Some(description)).build()
}

/// Contract `ConsentsResponse`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsentsResponse {
    /// Root statements with their families.
    pub statements: Vec<Statement>,
    /// Locale of every text returned.
    pub locale: String,
}

impl ConsentsResponse {
    /// Bytes of its texts.
    pub fn weight(&self) -> usize {
        fn texts(statements: &[Statement]) -> usize {
            let own = |one: &Statement| one.text.len() + one.description.len() + texts(&one.child_statements);
            statements.iter().map(own).sum()
        }
        texts(&self.statements)
    }
}

/// Which statements are asked for. Each filter that is there must let a statement pass; of its values one is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Names of views.
    pub views: Option<Vec<String>>,
    /// Families; ids that the tree lacks count for nothing.
    pub consent_ids: Option<Vec<ConsentId>>,
    /// As the consents read at the moment.
    pub choices: Option<Vec<Choice>>,
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub filters: Filters,
    pub format: Format,
    pub languages: Accepted,
}

/// A view is asked for that the tree does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tree has no view {0}; ask for one that it has, or leave it out")]
pub struct NoView(pub String);

/// What is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub body: ConsentsResponse,
    /// Language of the texts, as the tree writes it.
    pub language: LanguageTag,
    pub format: Format,
    /// Whether the customer is known.
    pub known: bool,
    /// Revision of the customer's consents.
    pub revision: u32,
    /// As of when.
    pub at: Timestamp,
    /// Places of the statements that are not there for context only, in order.
    own: Vec<usize>,
    statements: Displayed,
}

impl Shown {
    /// The body as canonical JSON (RFC 8785), which is also what is sent.
    pub fn canonical(&self) -> Vec<u8> {
        to_canonical_json(&self.body).expect("its only numbers are the choices, and all its names are texts")
    }

    /// Of the [canonical](Self::canonical) body.
    pub fn digest(&self) -> Digest {
        let hash = digest(&SHA256, &self.canonical());
        Digest(std::array::from_fn(|place| hash.as_ref()[place]))
    }

    /// Whether a consent is shown, and not only for context.
    pub fn shows(&self, edition: &Edition, id: &ConsentId) -> bool {
        edition.position(id).is_some_and(|place| self.own.binary_search(&place).is_ok())
    }

    /// The key that stands for it. What is shown is as of a whole second: [`Shown::at`] must be one.
    pub fn key(&self, edition: &Edition) -> Key {
        let mut languages = edition.tree.allowed_languages.iter();
        let language = languages.position(|tag| *tag == self.language).and_then(|place| u8::try_from(place).ok());
        Key {
            format: self.format,
            known: self.known,
            leads: edition.users_type() == UsersType::Leads,
            language: language.unwrap_or(Key::DEFAULT_LANGUAGE),
            edition: edition.number,
            revision: self.revision,
            issued: u32::try_from(self.at.timestamp()).unwrap_or_default(),
            statements: self.statements.clone(),
        }
    }

    /// What the journal keeps of it.
    pub fn evidence(&self, edition: &Edition) -> machine::Display {
        let id = |place: &usize| edition.consents.get(*place).map(|definition| definition.id.to_string());
        machine::Display {
            edition: edition.number,
            language: self.language.to_string(),
            format: self.format,
            revision: self.revision,
            issued_at: self.at,
            statements: match self.statements {
                Displayed::All => Statements::All,
                Displayed::Mandatory => Statements::Mandatory,
                Displayed::Nothing => Statements::Nothing,
                Displayed::Only(_) => Statements::Only(self.own.iter().filter_map(id).collect()),
            },
            leads: edition.users_type() == UsersType::Leads,
            digest: self.digest(),
        }
    }
}

/// What is shown to a customer at a moment. Without `state` the tree as such, with default choices (`list_consents_for_customers`); an unknown
/// customer has the state of a journal without events.
///
/// # Errors
/// [`NoView`].
pub fn display(edition: &Edition, state: Option<&CustomerConsents>, wanted: &Wanted, at: Timestamp) -> Result<Shown, NoView> {
    let nobody = CustomerConsents::default();
    let unknown = state.is_some_and(|state| !state.known());
    let state = state.unwrap_or(&nobody);
    let Filters { views, consent_ids, choices } = &wanted.filters;
    let count = edition.consents.len();

    let mut kept = match views {
        Some(views) => views.iter().try_fold(vec![false; count], |kept, view| {
            let places = edition.view(view).ok_or_else(|| NoView(view.clone()))?;
            Ok(marked(kept, places))
        })?,
        None => match edition.view(MANDATORY).filter(|_| unknown) {
            Some(places) => marked(vec![false; count], places),
            None => vec![true; count],
        },
    };
    if let Some(ids) = consent_ids {
        let requested = marked(vec![false; count], ids.iter().filter_map(|id| edition.position(id)));
        let in_family = |place: usize| ancestry(edition, place).any(|place| requested[place]);
        kept = (0..count).map(|place| kept[place] && in_family(place)).collect();
    }
    if let Some(choices) = choices {
        let passes = |place: usize| choices.contains(&reading(&edition.consents[place], state, at).choice);
        kept = (0..count).map(|place| kept[place] && passes(place)).collect();
    }
    let own: Vec<usize> = (0..count).filter(|place| kept[*place]).collect();
    let language = wanted.languages.choose(edition, &with_ancestors(edition, &own));
    Ok(show(edition, state, own, language, wanted.format, at))
}

/// What a key stands for, from the edition of its number and the customer's consents of its revision: the very bytes that were shown.
pub fn rebuild(edition: &Edition, state: &CustomerConsents, key: &Key) -> Shown {
    let language = edition.tree.allowed_languages.get(usize::from(key.language)).unwrap_or(&edition.tree.default_language);
    let own = match &key.statements {
        Displayed::All => (0..edition.consents.len()).collect(),
        Displayed::Mandatory => edition.view(MANDATORY).unwrap_or_default(),
        Displayed::Nothing => Vec::new(),
        Displayed::Only(bitmap) => bitmap.places().take_while(|place| *place < edition.consents.len()).collect(),
    };
    // Between a deletion and the erasure of what was deleted every revision shows the same.
    let (revision, statements) = (key.revision, key.statements.clone());
    Shown { revision, statements, ..show(edition, state, own, language, key.format, key.issued_at()) }
}

/// As [`rebuild`], from what the journal keeps.
pub fn rebuild_evidence(edition: &Edition, state: &CustomerConsents, display: &machine::Display) -> Shown {
    let position = |id: &String| ConsentId::new(id).ok().and_then(|id| edition.position(&id));
    let statements = match &display.statements {
        Statements::All => Displayed::All,
        Statements::Mandatory => Displayed::Mandatory,
        Statements::Nothing => Displayed::Nothing,
        Statements::Only(ids) => {
            let places: Vec<usize> = ids.iter().filter_map(position).collect();
            Displayed::Only(Bitmap::of(&places, edition.consents.len()))
        }
    };
    let mut languages = edition.tree.allowed_languages.iter();
    let language = languages.position(|tag| tag.as_str() == display.language).and_then(|place| u8::try_from(place).ok());
    let key = Key {
        format: display.format,
        known: state.known(),
        leads: display.leads,
        language: language.unwrap_or(Key::DEFAULT_LANGUAGE),
        edition: display.edition,
        revision: display.revision,
        issued: u32::try_from(display.issued_at.timestamp()).unwrap_or_default(),
        statements,
    };
    rebuild(edition, state, &key)
}

/// How a consent reads to the customer: a rejection from before a deletion is not shown any more (contract `delete_customer_consents`).
pub fn reading(definition: &Definition, state: &CustomerConsents, at: Timestamp) -> Reading {
    let reading = state.choice(definition.id.as_str(), definition.choice_type, at);
    if reading.source != Source::Suppressed {
        return reading;
    }
    Reading { choice: definition.choice_type.default_choice(), ..reading }
}

fn show(
    edition: &Edition,
    state: &CustomerConsents,
    own: Vec<usize>,
    language: &LanguageTag,
    format: Format,
    at: Timestamp,
) -> Shown {
    let count = edition.consents.len();
    let shown = marked(vec![false; count], with_ancestors(edition, &own));
    let is_own = marked(vec![false; count], own.iter().copied());
    let page = Page { edition, state, shown: &shown, is_own: &is_own, language, format, at };
    let statements = match own.len() {
        all if all == count => Displayed::All,
        _ if edition.view(MANDATORY).is_some_and(|places| places == own) => Displayed::Mandatory,
        _ => Displayed::Only(Bitmap::of(&own, count)),
    };
    Shown {
        body: ConsentsResponse { statements: page.statements(edition.roots()), locale: edition.locale(language) },
        language: language.clone(),
        format,
        known: state.known(),
        revision: state.revision(),
        at,
        own,
        statements,
    }
}

/// What the statements of one answer have in common.
struct Page<'a> {
    edition: &'a Edition,
    state: &'a CustomerConsents,
    /// By places: what is there at all, and what is there not only for context.
    shown: &'a [bool],
    is_own: &'a [bool],
    language: &'a LanguageTag,
    format: Format,
    at: Timestamp,
}

impl Page<'_> {
    /// Those of these places that are shown, each with its family. A tree is at most as deep as it has consents.
    fn statements(&self, places: &[usize]) -> Vec<Statement> {
        places.iter().filter(|place| self.shown[**place]).map(|place| self.statement(*place)).collect()
    }

    fn statement(&self, place: usize) -> Statement {
        let definition = &self.edition.consents[place];
        let reading = reading(definition, self.state, self.at);
        // Every consent of a tree has texts in its default language; should one lack them, its first text is better than none.
        let details = definition.details_in(self.language).or_else(|| definition.details.first());
        let text = details.map(|details| if self.format == Format::Short { &details.short_text } else { &details.text });
        Statement {
            id: definition.id.clone(),
            text: text.cloned().unwrap_or_default(),
            description: details.map(|details| details.description.clone()).unwrap_or_default(),
            choice: reading.choice,
            choice_type: definition.choice_type,
            expiration_date: reading.until,
            read_only: !self.is_own[place],
            child_statements: self.statements(self.edition.children(place)),
        }
    }
}

/// A place and its ancestors, from below. Bounded, whatever the tree says.
fn ancestry(edition: &Edition, place: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(place), |place| edition.parent(*place)).take(edition.consents.len())
}

/// These places and all their ancestors, in order.
fn with_ancestors(edition: &Edition, own: &[usize]) -> Vec<usize> {
    let mut shown = vec![false; edition.consents.len()];
    for &place in own {
        for place in ancestry(edition, place) {
            if std::mem::replace(&mut shown[place], true) {
                break;
            }
        }
    }
    (0..shown.len()).filter(|place| shown[*place]).collect()
}

fn marked(mut marks: Vec<bool>, places: impl IntoIterator<Item = usize>) -> Vec<bool> {
    places.into_iter().for_each(|place| marks[place] = true);
    marks
}

#[cfg(test)]
mod tests;
