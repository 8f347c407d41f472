//! What can be proven of a customer's consents: their history, what was displayed, receipts, and the state at a moment.
//!
//! Nothing here starts an actor or writes. What lies before a deletion is blocked: it is there only for those who ask for it by right.

use std::{collections::BTreeSet, sync::Arc};

use actors::journal::{self, Line};
use documents::certificate::SignedJson;
use serde::Serialize;
use store::Timestamp;
use utoipa::ToSchema;
use workflows::consents::{Captured, Choice, Digest, Event, Source as Origin, state_at, state_of_revision};

use super::display::{ConsentsResponse, rebuild_evidence};
use super::export::{EXPORT_VERSION, Export, MAX_DISPLAYED, MAX_EVENTS, Order};
use super::history::{self, Happened};
use super::journal::Journal;
use super::past::{Journals, past};
use super::profile::{self, Profiles};
use super::receipts::{self, Receipt};
use super::service::{Customers, Subject};
use crate::catalogue::consents::{self as catalogue, Edition, UsersType};
use crate::catalogue::documents::Documents;
use crate::catalogue::sign_configuration::{self, SignConfigurations};
use crate::cpu_pool::{self, Cutoff, Job};

/// Why something cannot be proven.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("nothing was captured of this customer in this segment")]
    UnknownCustomer,
    #[error("there is nothing of this revision; the history tells which there are")]
    NoRevision,
    #[error("nothing was displayed for this revision: it is an import, or no capture")]
    NotDisplayed,
    #[error(transparent)]
    Receipt(#[from] receipts::Error),
    #[error("receipts need the consent profile of the organization; put it first")]
    NoProfile,
    #[error("receipts are signed with the certificate of the organization, and there is none that can be used: {0}")]
    NoCertificate(String),
    /// The receipt could not be signed.
    #[error("{0}")]
    Signing(String),
    #[error(transparent)]
    Profile(#[from] profile::Error),
    #[error(transparent)]
    Configuration(#[from] sign_configuration::Error),
    #[error(transparent)]
    Cpu(#[from] cpu_pool::Error),
    #[error(transparent)]
    Catalogue(#[from] catalogue::Error),
    #[error(transparent)]
    Journal(#[from] journal::ReadError),
}

/// What was displayed before a capture, put together again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConsentDisplay)]
pub struct Displayed {
    /// Of the capture.
    pub revision: u32,
    /// Number of the edition of the tree.
    pub edition: u32,
    /// When it was read.
    #[schema(value_type = String, format = DateTime)]
    pub issued_at: Timestamp,
    /// SHA-256 of the body below as canonical JSON (RFC 8785), as it is computed now.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// Whether that is the digest that the capture recorded.
    pub digest_matches: bool,
    /// What the read answered.
    pub body: ConsentsResponse,
}

/// A customer's consents as they were at a moment, by what was recorded up to another.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConsentState)]
pub struct State {
    /// The moment at which they are read.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    /// What was recorded later is left out.
    #[schema(value_type = String, format = DateTime)]
    pub known_at: Timestamp,
    /// Whether there were choices.
    pub known: bool,
    /// All consents that were answered, or of which a rejection outlives a deletion, in the order of their ids.
    pub consents: Vec<StateOfConsent>,
}

/// One consent of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct StateOfConsent {
    pub id: String,
    pub choice: Choice,
    /// `given`, `expired`, or `suppressed`.
    #[schema(value_type = String)]
    pub source: Origin,
    /// When a running acceptance lapses.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// When the choice was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub capture_date: Option<Timestamp>,
    /// Of the event that brought it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
}

/// Whether what a deletion blocked may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    Hidden,
    Told,
}

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Proofs(Arc<Inner>);

struct Inner {
    customers: Customers,
    journals: Journals,
    profiles: Profiles,
    configurations: SignConfigurations,
    documents: Documents,
}

impl Proofs {
    pub fn new(
        customers: Customers,
        journals: Journals,
        profiles: Profiles,
        configurations: SignConfigurations,
        documents: Documents,
    ) -> Self {
        Self(Arc::new(Inner { customers, journals, profiles, configurations, documents }))
    }

    /// Whose consents are proven.
    pub fn customers(&self) -> &Customers {
        &self.0.customers
    }

    /// What organizations say of their processing.
    pub fn profiles(&self) -> &Profiles {
        &self.0.profiles
    }

    /// What happened, the newest first.
    ///
    /// # Errors
    /// [`Error::UnknownCustomer`] if nothing ever did, and what keeps the journal from being read.
    pub async fn history(
        &self,
        subject: &Subject<'_>,
        blocked: Blocked,
        skip: usize,
        take: usize,
    ) -> Result<Vec<Happened>, Error> {
        let journal = self.read(subject).await?;
        Ok(history::page(&journal, visible_from(&journal, blocked), skip, take))
    }

    /// What was displayed before the capture that made `revision`, from the edition and the choices of then.
    ///
    /// # Errors
    /// [`Error::NoRevision`], [`Error::NotDisplayed`], and what keeps journal or catalogue from being read.
    pub async fn display(&self, subject: &Subject<'_>, blocked: Blocked, revision: u32) -> Result<Displayed, Error> {
        let journal = self.read(subject).await?;
        self.displayed(subject, &journal, blocked, revision).await
    }

    async fn displayed(
        &self,
        subject: &Subject<'_>,
        journal: &Journal,
        blocked: Blocked,
        revision: u32,
    ) -> Result<Displayed, Error> {
        let (step, _) = visible_step(journal, blocked, revision)?;
        let Event::Captured(captured) = step.event else { return Err(Error::NotDisplayed) };
        let display = captured.display.as_ref().ok_or(Error::NotDisplayed)?;
        let edition = self.edition(subject, captured).await?.ok_or(Error::NotDisplayed)?;
        let state = state_of_revision(past(&journal.lines), display.revision).ok_or(Error::NotDisplayed)?;
        let shown = rebuild_evidence(&edition, &state, display);
        let digest = shown.digest();
        Ok(Displayed {
            revision,
            edition: display.edition,
            issued_at: display.issued_at,
            digest,
            digest_matches: digest == display.digest,
            body: shown.body,
        })
    }

    /// The receipt of what made `revision`, issued at `now`.
    ///
    /// # Errors
    /// [`Error::NoRevision`], [`Error::Receipt`], [`Error::NoProfile`], and what keeps journal or catalogue from being read.
    pub async fn receipt(
        &self,
        subject: &Subject<'_>,
        blocked: Blocked,
        revision: u32,
        now: Timestamp,
    ) -> Result<Receipt, Error> {
        let journal = self.read(subject).await?;
        let (step, before) = visible_step(&journal, blocked, revision)?;
        let edition = match step.event {
            Event::Captured(captured) | Event::Recorded(captured) => self.edition(subject, captured).await?,
            _ => None,
        };
        let suits = |profile: &profile::Profile| receipts::suits(profile, step.event);
        let profile = match self.0.profiles.of_moment(subject.organization, step.line.at, suits).await {
            Err(profile::Error::NotFound) => return Err(Error::NoProfile),
            profile => profile?,
        };
        let source = receipts::Source {
            journal: &journal,
            step: &step,
            before: &before,
            edition: edition.as_deref(),
            profile: &profile,
            customer_id: subject.customer_id,
            segment: subject.segment,
            issued_at: now,
        };
        Ok(receipts::make(&source)?)
    }

    /// Signs a receipt with the key of its organization, that which seals its documents.
    ///
    /// # Errors
    /// [`Error::NoCertificate`] while the organization has none that can be used, and what keeps it from being read.
    pub async fn sign(&self, receipt: Receipt, now: Timestamp) -> Result<SignedJson<Receipt>, Error> {
        use sign_configuration::Error as E;
        let organization = receipt.organization.clone();
        let identity = match self.0.configurations.identity(&organization, now).await {
            Err(error @ (E::NotFound | E::Unusable(_) | E::NotValid(_))) => return Err(Error::NoCertificate(error.to_string())),
            identity => identity?,
        };
        let work = move |_: &Cutoff| receipts::sign(&receipt, &identity);
        self.0.documents.cpu().run(Job::new(&organization, 0), work).await?.map_err(Error::Signing)
    }

    /// Everything of a customer in a segment that may be told: choices, history, and each display once. Reads the journal once.
    ///
    /// # Errors
    /// [`Error::UnknownCustomer`] if nothing ever happened, and what keeps journal or catalogue from being read.
    pub async fn export(
        &self,
        subject: &Subject<'_>,
        blocked: Blocked,
        order: Order<'_>,
        now: Timestamp,
    ) -> Result<Export, Error> {
        let journal = self.read(subject).await?;
        let mut events = history::page(&journal, visible_from(&journal, blocked), 0, MAX_EVENTS + 1);
        let more_events = events.len() > MAX_EVENTS;
        events.truncate(MAX_EVENTS);
        let (mut displays, mut seen, mut weight, mut more_displays) = (Vec::new(), BTreeSet::new(), 0, false);
        for event in &events {
            let Some(display) = &event.display else { continue };
            if !seen.insert(display.digest.0) {
                continue;
            }
            if weight >= MAX_DISPLAYED {
                more_displays = true;
                break;
            }
            let displayed = self.displayed(subject, &journal, blocked, event.revision).await?;
            weight += displayed.body.weight();
            displays.push(displayed);
        }
        Ok(Export {
            schema_version: EXPORT_VERSION,
            organization: subject.organization.to_owned(),
            segment: subject.segment.to_owned(),
            customer_id: subject.customer_id.to_owned(),
            record_id: journal.entity.id,
            exported_at: now,
            exported_by: order.by.to_owned(),
            reason: order.reason.to_owned(),
            state: state_of(&journal.lines, now, now),
            events,
            more_events,
            displays,
            more_displays,
        })
    }

    /// The consents that were answered, as they were at `as_of`, by what was recorded up to `known_at`.
    ///
    /// # Errors
    /// What keeps the journal from being read.
    pub async fn state_at(&self, subject: &Subject<'_>, as_of: Timestamp, known_at: Timestamp) -> Result<State, Error> {
        let lines = self.0.journals.read(&self.0.customers.entity(subject)).await?;
        Ok(state_of(&lines, as_of, known_at))
    }

    async fn read(&self, subject: &Subject<'_>) -> Result<Journal, Error> {
        let entity = self.0.customers.entity(subject);
        let lines = self.0.journals.read(&entity).await?;
        if lines.is_empty() { Err(Error::UnknownCustomer) } else { Ok(Journal { entity, lines }) }
    }

    /// The edition that was displayed before a capture.
    async fn edition(&self, subject: &Subject<'_>, captured: &Captured) -> Result<Option<Arc<Edition>>, Error> {
        let Some(display) = &captured.display else { return Ok(None) };
        let users = if display.leads { UsersType::Leads } else { UsersType::Customers };
        let catalogue = self.0.customers.catalogue();
        Ok(Some(catalogue.edition_numbered(subject.organization, subject.segment, users, display.edition).await?))
    }
}

/// What holds at `as_of`, by what was recorded up to `known_at`.
fn state_of(lines: &[Line<Event>], as_of: Timestamp, known_at: Timestamp) -> State {
    let state = state_at(past(lines), as_of, known_at);
    let held = state.held_all().map(|(id, held)| {
        let reading = state.choice(id, held.consent_type, as_of);
        StateOfConsent {
            id: id.to_owned(),
            choice: reading.choice,
            source: reading.source,
            until: reading.until,
            capture_date: Some(held.captured_at),
            revision: Some(held.revision),
        }
    });
    let suppressed = state.suppressed().filter(|id| state.held(id).is_none()).map(|id| StateOfConsent {
        id: id.to_owned(),
        choice: Choice::Rejected,
        source: Origin::Suppressed,
        until: None,
        capture_date: None,
        revision: None,
    });
    let mut consents: Vec<_> = held.chain(suppressed).collect();
    consents.sort_by(|one, other| one.id.cmp(&other.id));
    State { as_of, known_at, known: state.known(), consents }
}

/// The first revision that may be told: a deletion blocks what was before it, and an erasure leaves nothing of it.
fn visible_from(journal: &Journal, blocked: Blocked) -> u32 {
    match blocked {
        Blocked::Hidden => journal.state().barrier(),
        Blocked::Told => 0,
    }
}

fn visible_step(
    journal: &Journal,
    blocked: Blocked,
    revision: u32,
) -> Result<(super::journal::Step<'_>, workflows::consents::CustomerConsents), Error> {
    let found = journal.step(revision).filter(|_| revision >= visible_from(journal, blocked));
    found.ok_or(Error::NoRevision)
}
