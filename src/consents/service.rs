//! The consents of customers: read, captured, deleted.
//!
//! A read starts no actor and writes nothing. Whatever changes a customer's consents is one command to the customer's journal.

use std::{net::IpAddr, sync::Arc};

use actors::Host;
use aws_lc_rs::{digest, hmac};
use chrono::{DateTime, TimeDelta};
use documents::certificate::to_canonical_json;
use serde::Serialize;
use store::{Entity, Timestamp};
use uuid::Uuid;
use workflows::{
    Machine, Refusal,
    consents::{
        Actor, Caller, Capture, Captured, Choice, Command, ConsentType, CustomerConsents, Deletion, Digest, Format, Held, Late,
        Selected,
    },
    values::{CalendarDuration, Hand, Problems},
};

use super::{
    display::{NoView, Shown, Wanted, display, rebuild},
    key::{self, Displayed, Issuer, Key, Wrong},
    metrics::Metrics,
    panel::Panel,
    past::Journals,
};
use crate::{
    catalogue::consents::{self as catalogue, ConsentId, Consents, Definition, Edition, UsersType},
    config::{ConsentPolicies, ConsentPolicy, LateCapture},
    keys::Keys,
};

/// Purpose of the key under which ids of journals are made.
const IDS: &str = "consents/customer/v1";

/// Whose consents: one customer of an organization in one segment.
pub use super::key::Scope as Subject;

/// What is configured.
#[derive(Clone)]
pub struct Options {
    /// How long a key allows captures.
    pub x_key_lifetime: TimeDelta,
    /// Maximum number of captures of one customer in one segment and day (UTC).
    pub captures_per_day: u32,
    pub policies: ConsentPolicies,
}

/// As nobody has configured it.
#[cfg(test)]
impl Default for Options {
    fn default() -> Self {
        let consents = crate::config::Consents::default();
        Self {
            x_key_lifetime: consents.x_key_lifetime,
            captures_per_day: consents.captures_per_day,
            policies: ConsentPolicies::default(),
        }
    }
}

/// Why consents cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing was captured of the customer, or it was deleted.
    #[error("the customer has no consents in this segment")]
    UnknownCustomer,
    /// Selections that are not in the tree of the segment.
    #[error("what is selected is not in the tree")]
    NotInTree(Problems),
    /// A view that the tree lacks.
    #[error(transparent)]
    NoView(#[from] NoView),
    #[error(transparent)]
    Key(#[from] Wrong),
    /// What was sent breaks rules that only the catalogue tells.
    #[error("it is not valid")]
    Invalid(Problems),
    #[error(transparent)]
    Catalogue(#[from] catalogue::Error),
    #[error(transparent)]
    Process(#[from] actors::Error),
    /// What the customer was shown cannot be put together again.
    #[error("what the x-key stands for cannot be read: {0}")]
    Past(String),
}

/// What a customer is shown.
pub struct Read {
    /// Whether something was captured since the last deletion.
    pub known: bool,
    pub shown: Shown,
    /// Allows captures.
    pub key: String,
}

/// A key as it came with a capture.
pub struct Presented<'a> {
    text: &'a str,
    key: Result<Key, Wrong>,
}

/// One choice of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    pub id: ConsentId,
    pub choice: Choice,
}

/// When choices were made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureDate {
    /// What counts: not after now.
    pub at: Timestamp,
    /// As it was sent.
    pub text: String,
}

/// A capture that is asked for.
pub struct NewCapture {
    pub users_type: UsersType,
    pub caller: Caller,
    pub actor: Actor,
    /// Each consent once, in the order of the request.
    pub selections: Vec<Selection>,
    pub ip: IpAddr,
    pub sell_channel: &'static str,
    pub trace_id: String,
    pub date: CaptureDate,
    /// The languages that the caller says were shown (note write-language).
    pub declared_language: Option<String>,
}

/// What became of a capture.
#[derive(Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Of the customer in the segment (note consents-id).
    pub id: Uuid,
    /// Consents whose choice took no effect, as one of a later date holds.
    pub superseded: Vec<ConsentId>,
}

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Customers(Arc<Inner>);

struct Inner {
    host: Host<CustomerConsents>,
    catalogue: Consents,
    issuer: Issuer,
    ids: hmac::Key,
    journals: Journals,
    panel: Panel,
    options: Options,
    metrics: Metrics,
}

impl Customers {
    pub fn new(
        host: Host<CustomerConsents>,
        catalogue: Consents,
        keys: &Keys,
        journals: Journals,
        panel: Panel,
        options: Options,
        metrics: Metrics,
    ) -> Self {
        let ids = hmac::Key::new(hmac::HMAC_SHA256, &keys.derive(IDS));
        Self(Arc::new(Inner { host, catalogue, issuer: Issuer::new(keys), ids, journals, panel, options, metrics }))
    }

    /// The id of the customer's journal: UUIDv8 (RFC 9562) of an HMAC-SHA-256 over organization, segment and customer id, each with its length
    /// in front. The same for life; without the server's key it tells nothing of the customer.
    pub fn id(&self, subject: &Subject<'_>) -> Uuid {
        entity_id(&self.0.ids, subject)
    }

    /// The customer's journal.
    pub fn entity(&self, subject: &Subject<'_>) -> Entity {
        Entity::new(subject.organization, CustomerConsents::KIND, self.id(subject))
    }

    pub fn host(&self) -> &Host<CustomerConsents> {
        &self.0.host
    }

    pub fn catalogue(&self) -> &Consents {
        &self.0.catalogue
    }

    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub(super) fn panel(&self) -> &Panel {
        &self.0.panel
    }

    pub(super) fn policy(&self, organization: &str) -> &ConsentPolicy {
        self.0.options.policies.of(organization)
    }

    /// The customer's consents as they are. Starts no actor and writes nothing.
    ///
    /// # Errors
    /// What keeps the journal from being read.
    pub async fn state(&self, subject: &Subject<'_>) -> Result<Arc<CustomerConsents>, Error> {
        Ok(self.0.host.peek(subject.organization, self.id(subject)).await?)
    }

    /// What the customer is shown now, with the key that captures must carry.
    ///
    /// # Errors
    /// [`Error::Catalogue`] without a tree, [`Error::NoView`], and what keeps the journal from being read.
    pub async fn read(
        &self,
        subject: &Subject<'_>,
        users_type: UsersType,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Result<Read, Error> {
        let edition = self.0.catalogue.edition(subject.organization, subject.segment, users_type).await?;
        let state = self.state(subject).await?;
        let shown = display(&edition, Some(&state), wanted, second_of(&state, now))?;
        let key = self.0.issuer.issue(*subject, &shown.key(&edition));
        let known = if state.known() { "yes" } else { "no" };
        self.0.metrics.displays.with_label_values(&[subject.organization, subject.segment, known]).inc();
        Ok(Read { known: state.known(), shown, key })
    }

    /// Takes a key as it came.
    ///
    /// # Errors
    /// When it is nothing that a read returned.
    pub fn present<'a>(&self, subject: &Subject<'_>, text: &'a str) -> Result<Presented<'a>, key::Refused> {
        match self.0.issuer.open(*subject, text) {
            Ok(key) => Ok(Presented { text, key: Ok(key) }),
            Err(key::Refused::Wrong(wrong)) => Ok(Presented { text, key: Err(wrong) }),
            Err(malformed @ key::Refused::Malformed) => {
                self.0.metrics.refused_keys.with_label_values(&["malformed"]).inc();
                Err(malformed)
            }
        }
    }

    /// Records choices with the evidence of their capture, all of them or none. A repetition changes nothing.
    ///
    /// # Errors
    /// In this order: no tree, selections that are not in it, a refused key, choices that their consents do not take.
    pub async fn capture(
        &self,
        subject: &Subject<'_>,
        capture: NewCapture,
        presented: Presented<'_>,
        now: Timestamp,
    ) -> Result<Recorded, Error> {
        let Subject { organization, segment, .. } = *subject;
        let ids = capture.selections.iter().map(|selection| &selection.id);
        let edition = self.edition_with(organization, segment, capture.users_type, ids, selection_path).await?;
        let key = presented.key.map_err(|wrong| self.refused(wrong))?;
        let state = self.state(subject).await?;
        let lifetime = self.0.options.x_key_lifetime.to_std().unwrap_or_default();
        key.check(now, lifetime, state.barrier()).map_err(|wrong| self.refused(wrong))?;
        if key.leads != (capture.users_type == UsersType::Leads) {
            return Err(self.refused(Wrong::Altered));
        }
        // Of a read of a time that a restored store does not remember.
        if key.revision > state.revision() {
            return Err(self.refused(Wrong::Old));
        }
        let (then, shown) = self.displayed(subject, capture.users_type, &key, &state).await?;
        let policy = self.policy(subject.organization);
        let was_shown = |id: &ConsentId| shown.shows(&then, id);
        let selected = select(&edition, &capture, was_shown, policy.require_display).map_err(Error::Invalid)?;
        let not_displayed = selected.iter().filter(|selected| !selected.shown).count();
        let channel = capture.sell_channel;
        let digest = capture.digest(presented.text)?;
        let captured = Captured {
            customer_id: subject.customer_id.to_owned(),
            segment: subject.segment.to_owned(),
            caller: capture.caller,
            actor: capture.actor,
            selections: selected,
            captured_at: capture.date.at,
            captured_text: capture.date.text,
            ip: Some(capture.ip),
            sell_channel: Some(channel.to_owned()),
            trace_id: Some(capture.trace_id),
            origin: None,
            declared_language: capture.declared_language,
            display: Some(shown.evidence(&then)),
            digest,
            notify: false,
            late: late(policy),
            identification: None,
        };
        let recorded = self.record(subject, captured, self.0.options.captures_per_day).await?;
        self.0.metrics.captures.with_label_values(&[subject.organization, subject.segment, channel]).inc();
        self.0.metrics.not_displayed.inc_by(not_displayed as u64);
        Ok(recorded)
    }

    fn refused(&self, wrong: Wrong) -> Error {
        self.0.metrics.refused_keys.with_label_values(&[wrong.name()]).inc();
        wrong.into()
    }

    /// Brings a capture to the customer's journal.
    pub(super) async fn record(
        &self,
        subject: &Subject<'_>,
        captured: Captured,
        captures_per_day: u32,
    ) -> Result<Recorded, Error> {
        let id = self.id(subject);
        let asked: Vec<(String, Choice)> =
            captured.selections.iter().map(|selected| (selected.id.clone(), selected.choice)).collect();
        let (date, now) = (captured.captured_at, self.0.host.now());
        let command = Command::Capture(Box::new(Capture { captured, captures_per_day }));
        let state = match self.0.host.ask(subject.organization, id, command).await {
            // Deleted between our look and the command.
            Err(actors::Error::Refused(Refusal::Gone(_))) => return Err(self.refused(Wrong::Deleted)),
            state => state?,
        };
        // The first capture, or its repetition. That samples are whole is worth less than the answer to a capture that is durable.
        if state.revision() == 1 {
            let Subject { organization, segment, .. } = subject;
            if let Err(error) = self.0.panel.enter(organization, segment, id, now).await {
                tracing::warn!(%organization, %segment, %error, "a customer is missing in counts of customers");
            }
        }
        let is_over = |id: &str, choice: Choice| !state.held(id).is_some_and(|held| holds(held, choice, date));
        let superseded = asked.into_iter().filter(|(id, choice)| is_over(id, *choice));
        let superseded: Vec<ConsentId> = superseded.filter_map(|(id, _)| ConsentId::new(&id).ok()).collect();
        self.0.metrics.superseded.inc_by(superseded.len() as u64);
        Ok(Recorded { id, superseded })
    }

    /// Hides the customer's consents in the segment at once. Answers the key for what comes after. `by`: who did it by hand; `None`: a caller of
    /// the API.
    ///
    /// # Errors
    /// [`Error::UnknownCustomer`].
    pub async fn delete(&self, subject: &Subject<'_>, caller: Caller, by: Option<Hand>, now: Timestamp) -> Result<String, Error> {
        if !self.state(subject).await?.known() {
            return Err(Error::UnknownCustomer);
        }
        let edition = self.edition_of_any(subject).await?;
        let retention = self.policy(subject.organization).retention_after_deletion;
        let keep_until = now.checked_add_signed(retention).unwrap_or(Timestamp::MAX_UTC);
        let command = Command::Delete(Deletion { caller, by, keep_until, notify: false });
        let state = match self.0.host.ask(subject.organization, self.id(subject), command).await {
            Err(actors::Error::Refused(Refusal::NotFound(_))) => return Err(Error::UnknownCustomer),
            state => state?,
        };
        let key = Key {
            format: Format::Normal,
            known: false,
            leads: edition.users_type() == UsersType::Leads,
            language: Key::DEFAULT_LANGUAGE,
            edition: edition.number,
            revision: state.revision(),
            issued: u32::try_from(now.timestamp()).unwrap_or_default(),
            statements: Displayed::Nothing,
        };
        Ok(self.0.issuer.issue(*subject, &key))
    }

    /// The present edition for customers, or where there is no such tree, for leads. Who has choices in a segment has one of them: it was there
    /// when they were captured, and trees are not deleted.
    async fn edition_of_any(&self, Subject { organization, segment, .. }: &Subject<'_>) -> Result<Arc<Edition>, Error> {
        match self.0.catalogue.edition(organization, segment, UsersType::Customers).await {
            Err(catalogue::Error::NoTree(_)) => Ok(self.0.catalogue.edition(organization, segment, UsersType::Leads).await?),
            edition => Ok(edition?),
        }
    }

    /// Whether some priority consent of the tree is pending (note priority-outside-order).
    ///
    /// # Errors
    /// [`Error::UnknownCustomer`]; without a tree [`Error::Catalogue`].
    pub async fn impact(&self, subject: &Subject<'_>, now: Timestamp) -> Result<bool, Error> {
        let edition = self.0.catalogue.edition(subject.organization, subject.segment, UsersType::Customers).await?;
        let state = self.state(subject).await?;
        if !state.known() {
            return Err(Error::UnknownCustomer);
        }
        Ok(is_asked(&edition, &state, now))
    }

    /// The present edition of a segment, which has all these consents. `path` says where the one of a place stands in what was sent.
    pub(super) async fn edition_with<'i>(
        &self,
        organization: &str,
        segment: &str,
        users_type: UsersType,
        ids: impl Iterator<Item = &'i ConsentId> + Clone,
        path: impl Fn(usize) -> String,
    ) -> Result<Arc<Edition>, Error> {
        let has_all = |edition: &Edition| ids.clone().all(|id| edition.position(id).is_some());
        let edition = match self.0.catalogue.edition(organization, segment, users_type).await {
            Ok(edition) if has_all(&edition) => return Ok(edition),
            // Another server may have changed the tree a moment ago.
            Ok(_) | Err(catalogue::Error::NoTree(_)) => self.0.catalogue.fresh_edition(organization, segment, users_type).await?,
            Err(error) => return Err(error.into()),
        };
        let mut problems = Problems::default();
        for (place, id) in ids.enumerate() {
            if edition.position(id).is_none() {
                problems.note(path(place), "the segment's tree has no such consent");
            }
        }
        if problems.is_empty() { Ok(edition) } else { Err(Error::NotInTree(problems)) }
    }

    /// What was displayed under a key, put together again byte for byte, with the edition that it was of.
    async fn displayed(
        &self,
        subject: &Subject<'_>,
        users_type: UsersType,
        key: &Key,
        state: &Arc<CustomerConsents>,
    ) -> Result<(Arc<Edition>, Shown), Error> {
        let Subject { organization, segment, .. } = subject;
        let edition = match self.0.catalogue.edition_numbered(organization, segment, users_type, key.edition).await {
            // Of a read of a time that a restored store does not remember.
            Err(catalogue::Error::NoEdition(_)) => return Err(self.refused(Wrong::Old)),
            edition => edition?,
        };
        let state = match state.revision() == key.revision {
            true => state.clone(),
            false => Arc::new(self.0.journals.at_revision(&self.entity(subject), key.revision).await.map_err(Error::Past)?),
        };
        let shown = rebuild(&edition, &state, key);
        Ok((edition, shown))
    }
}

impl NewCapture {
    /// By which a repeated request is known: its members, however they are spelled, and its key.
    fn digest(&self, key: &str) -> Result<Digest, Error> {
        #[derive(Serialize)]
        struct Members<'a> {
            actor_id: &'a str,
            selections: Vec<(&'a str, Choice)>,
            ip: IpAddr,
            sell_channel: &'a str,
            trace_id: &'a str,
            capture_date: &'a str,
            key: String,
        }
        digest_of(&Members {
            actor_id: &self.actor.id,
            selections: self.selections.iter().map(|selection| (selection.id.as_str(), selection.choice)).collect(),
            ip: self.ip,
            sell_channel: self.sell_channel,
            trace_id: &self.trace_id,
            capture_date: &self.date.text,
            key: key.to_ascii_lowercase(),
        })
    }
}

/// Where the id of a selection stands in what was sent.
pub(super) fn selection_path(place: usize) -> String {
    format!("selections[{place}].id")
}

/// SHA-256 of the canonical JSON (RFC 8785) of what was sent.
pub(super) fn digest_of(members: &impl Serialize) -> Result<Digest, Error> {
    let canonical = to_canonical_json(members).map_err(|error| Error::Past(error.to_string()))?;
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, &canonical).as_ref());
    Ok(Digest(bytes))
}

pub(super) fn late(policy: &ConsentPolicy) -> Late {
    match policy.late_capture {
        LateCapture::Merge => Late::Merge,
        LateCapture::Overwrite => Late::Overwrite,
    }
}

/// Whether some priority consent of the tree is pending (note priority-outside-order).
pub(super) fn is_asked(edition: &Edition, state: &CustomerConsents, at: Timestamp) -> bool {
    let priorities = edition.tree.priority_consent_ids.iter().filter_map(|id| definition(edition, id));
    let mut readings = priorities.map(|definition| state.choice(definition.id.as_str(), definition.choice_type, at));
    readings.any(|reading| reading.choice == Choice::Pending)
}

pub(super) fn definition<'e>(edition: &'e Edition, id: &ConsentId) -> Option<&'e Definition> {
    Some(edition.consents.get(edition.position(id)?)?.as_ref())
}

/// A selection with what its definition says of it. `None` for a choice that its consent does not take.
pub(super) fn selected(definition: &Definition, choice: Choice, at: Timestamp, shown: bool) -> Option<Selected> {
    let consent_type = definition.choice_type;
    if choice == Choice::Pending && consent_type != ConsentType::OptIn {
        return None;
    }
    let expires = choice == Choice::Accepted && consent_type == ConsentType::OptIn;
    // Whoever defined it could not store what does not parse.
    let duration = definition.expiration.as_deref().filter(|_| expires).and_then(|text| CalendarDuration::parse(text).ok());
    let expires_at = duration.map(|duration| duration.after(at));
    Some(Selected { id: definition.id.as_str().to_owned(), choice, consent_type, expires_at, shown })
}

/// What a choice that an opt-out consent does not take is told.
pub(super) const NEVER_PENDING: &str = "choice 1 (pending) is for OPT_IN consents only";

/// The selections of a capture as they are journaled, or everything that is wrong with them.
fn select(
    edition: &Edition,
    capture: &NewCapture,
    was_shown: impl Fn(&ConsentId) -> bool,
    require: bool,
) -> Result<Vec<Selected>, Problems> {
    let mut problems = Problems::default();
    let mut all = Vec::with_capacity(capture.selections.len());
    for (index, selection) in capture.selections.iter().enumerate() {
        let Some(definition) = definition(edition, &selection.id) else { continue };
        let shown = was_shown(&selection.id);
        if require && !shown {
            problems.note(
                format!("selections[{index}].id"),
                "the read before did not display this consent; read it and show it first",
            );
        }
        match selected(definition, selection.choice, capture.date.at, shown) {
            Some(selected) => all.push(selected),
            None => problems.note(format!("selections[{index}].choice"), NEVER_PENDING),
        }
    }
    if problems.is_empty() { Ok(all) } else { Err(problems) }
}

/// Whether a choice of a date is what is held.
fn holds(held: &Held, choice: Choice, date: Timestamp) -> bool {
    held.choice == choice && held.captured_at <= date
}

/// The whole second at which a read shows the consents: that before now, so that the key can name it, or the next one when an acceptance lapsed
/// in between, which must not be shown any more.
fn second_of(state: &CustomerConsents, now: Timestamp) -> Timestamp {
    let before = DateTime::from_timestamp(now.timestamp(), 0).unwrap_or(now);
    let lapsed_since = state.expiries().any(|expiry| before < expiry && expiry <= now);
    if lapsed_since { before + TimeDelta::seconds(1) } else { before }
}

fn entity_id(key: &hmac::Key, subject: &Subject<'_>) -> Uuid {
    let mut context = hmac::Context::with_key(key);
    for part in [subject.organization, subject.segment, subject.customer_id] {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&context.sign().as_ref()[..16]);
    Uuid::new_v8(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &Keys::from_bytes(&[7; 32]).derive(IDS))
    }

    fn id(organization: &str, segment: &str, customer_id: &str) -> Uuid {
        entity_id(&key(), &Subject { organization, segment, customer_id })
    }

    #[test]
    fn an_id_is_that_of_one_customer_in_one_segment_of_one_organization() {
        let ours = id("acme", "telco", "100000000001");
        assert_eq!(ours, id("acme", "telco", "100000000001"));
        assert_eq!(ours.get_version_num(), 8);
        for other in [
            id("acme", "energy", "100000000001"),
            id("other", "telco", "100000000001"),
            id("acme", "telco", "100000000002"),
            id("acme", "telc", "o100000000001"),
            id("acmet", "elco", "100000000001"),
        ] {
            assert_ne!(ours, other);
        }
        let elsewhere = hmac::Key::new(hmac::HMAC_SHA256, &Keys::from_bytes(&[8; 32]).derive(IDS));
        let subject = Subject { organization: "acme", segment: "telco", customer_id: "100000000001" };
        assert_ne!(ours, entity_id(&elsewhere, &subject), "a database tells nothing of customers without the key");
    }
}
