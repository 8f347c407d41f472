//! Receipts: what was consented to, in which words, by whom and when, signed with the organization's key.
//!
//! The fields are those that the DPV guide to ISO/IEC TS 27560 names (w3id.org/dpv/guides/consent-27560); the text of the standard was not
//! at hand, so a receipt does not claim to conform to it, and `schema_version` is our own. A receipt also shows one entry of the customer's
//! journal, with its salt: whoever has it can tell offline that this entry is what the chain of commitments holds.

use actors::journal::{self, Fact};
use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use documents::certificate::{self, Algorithm, Journal as Chain, JournalContent, Signable, SignedJson};
use documents::pkcs12::Identity;
use documents::verify::{self, CertificateTrust, Trust};
use serde::{Deserialize, Serialize};
use store::{Entity, Timestamp};
use utoipa::ToSchema;
use uuid::Uuid;
use workflows::consents::{Captured, Choice, ConsentType, CustomerConsents, Digest, Event, Format};

use super::journal::{Journal, Step};
use super::profile::{Numbered, Party, PiiInformation, Profile, Told};
use crate::catalogue::consents::{ConsentId, Details, Edition, LanguageTag};

/// `schema_version` of the receipts of this version.
pub const SCHEMA_VERSION: &str = "rubrica-consent-receipt/1";

/// A receipt, of a capture or of a deletion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ConsentReceipt)]
pub struct Receipt {
    /// `rubrica-consent-receipt/1`.
    pub schema_version: String,
    /// The same for the same entry of the journal, whenever it is asked for.
    pub receipt_id: Uuid,
    /// The customer's consents in the segment: the id that captures answer.
    pub record_id: Uuid,
    /// The customer's id.
    pub pii_principal_id: String,
    /// The organization that the record belongs to.
    pub organization: String,
    /// The segment of the tree.
    pub segment: String,
    /// The number of what happened.
    pub revision: u32,
    /// When this copy was signed, as the server's clock said.
    #[schema(value_type = String, format = DateTime)]
    pub issued_at: Timestamp,
    /// Version of the organization's profile from which the fields of the processing and of the parties are.
    pub profile_version: u64,
    /// Language of the texts that were displayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// One for each choice.
    pub consents: Vec<Consent>,
    /// Everybody who is named in it.
    pub parties: Vec<Party>,
    /// One for each consent that something happened to.
    pub events: Vec<Happening>,
    /// Choices that these took the place of.
    pub supersedes: Vec<Superseded>,
    /// The chain of the journal up to this entry.
    #[schema(value_type = Object)]
    pub journal: Chain,
    /// The entries of it that are shown.
    pub disclosed: Vec<Disclosed>,
}

/// A choice, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReceiptConsent)]
pub struct Consent {
    /// Id of the consent.
    pub purpose_id: String,
    /// In short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// What was chosen.
    pub choice: Choice,
    /// Of the consent.
    pub choice_type: ConsentType,
    /// The text that was shown; an import has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy_notice: Option<Notice>,
    pub lawful_basis: String,
    pub pii_information: Vec<PiiInformation>,
    /// Controllers, by their party_id.
    pub pii_controllers: Vec<String>,
    pub storage_locations: Vec<String>,
    pub retention_period: String,
    pub jurisdiction: String,
    /// Recipients, by their party_id.
    pub recipient_third_parties: Vec<String>,
    pub withdrawal_method: String,
    pub privacy_rights: Vec<String>,
}

/// The text of one consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReceiptNotice)]
pub struct Notice {
    pub text: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    pub language: String,
    /// Number of the edition of the tree.
    pub edition: u32,
    /// Whether the statement was displayed, and not only for context.
    pub shown: bool,
    /// SHA-256 of everything that was displayed, as canonical JSON (RFC 8785).
    #[schema(value_type = String)]
    pub digest: Digest,
}

/// What happened to one consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReceiptEvent)]
pub struct Happening {
    pub purpose_id: String,
    /// When the choice was made.
    #[schema(value_type = String, format = DateTime)]
    pub event_time: Timestamp,
    /// Until when it holds; without it, until it is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub validity_duration: Option<Timestamp>,
    /// Who did it: the actor of the capture, or the subject of the token that deleted.
    pub entity_id: String,
    pub event_type: EventType,
    pub event_state: EventState,
}

/// What a choice is about, legally.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReceiptEventType)]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    /// Of an OPT_IN.
    Consent,
    /// Of what a customer may opt out of: not objecting is not consent.
    Objection,
}

/// What became of a consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReceiptEventState)]
#[serde(rename_all = "snake_case")]
pub enum EventState {
    Given,
    Refused,
    /// It had been given.
    Withdrawn,
    /// Put back to unanswered.
    Pending,
    NotObjected,
    Objected,
    /// With all the customer's consents.
    Deleted,
    /// An import that is older than a deletion: evidence without effect.
    WithoutEffect,
}

/// A choice that another one took the place of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReceiptSuperseded)]
pub struct Superseded {
    pub purpose_id: String,
    /// Of the event that brought it.
    pub revision: u32,
    /// Of its receipt.
    pub receipt_id: Uuid,
}

/// An entry of the journal: its commitment is SHA-256 over the salt and the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReceiptDisclosed)]
pub struct Disclosed {
    pub sequence: u64,
    /// 64 hexadecimal digits.
    pub salt: String,
    /// The text of the entry exactly as the journal keeps it.
    pub json: String,
}

impl Signable for Receipt {
    const CONTENT_TYPE: &'static str = "rubrica-consent-receipt+json";

    fn check_format(&self) -> Result<(), certificate::Error> {
        if self.schema_version == SCHEMA_VERSION {
            return Ok(());
        }
        Err(certificate::Error::Malformed("the receipt has a schema_version that is not known here".to_owned()))
    }
}

/// Why there is no receipt.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no receipt of this revision: only captures and deletions that can be read have one")]
    None,
    /// Names of members.
    #[error("the consent profile lacks {}; put it there first", .0.join(", "))]
    Missing(Vec<&'static str>),
    #[error("the journal's chain of hashes does not match its entries")]
    Chain,
}

/// From what a receipt is made.
pub(super) struct Source<'a> {
    pub journal: &'a Journal,
    pub step: &'a Step<'a>,
    pub before: &'a CustomerConsents,
    /// That was displayed; of an import and of a deletion there is none.
    pub edition: Option<&'a Edition>,
    pub profile: &'a Numbered,
    /// The customer and segment that were asked for: the journal's id stands for them.
    pub customer_id: &'a str,
    pub segment: &'a str,
    pub issued_at: Timestamp,
}

/// The consents that a receipt of an event tells of.
pub(super) fn purposes(event: &Event) -> Vec<(&str, ConsentType)> {
    let (Event::Captured(captured) | Event::Recorded(captured)) = event else { return Vec::new() };
    captured.selections.iter().map(|selected| (selected.id.as_str(), selected.consent_type)).collect()
}

/// Whether a profile says all that a receipt of an event needs.
pub(super) fn suits(profile: &Profile, event: &Event) -> bool {
    purposes(event).into_iter().all(|(id, consent_type)| profile.tell(id, consent_type).is_ok())
}

/// Makes the receipt.
///
/// # Errors
/// [`Error`].
pub(super) fn make(source: &Source<'_>) -> Result<Receipt, Error> {
    let Source { journal, step, before, profile, .. } = source;
    let (consents, events, replaced, language) = match step.event {
        Event::Captured(captured) | Event::Recorded(captured) => {
            let has_effect = matches!(step.event, Event::Captured(_));
            let events = captured.selections.iter().map(|selected| {
                let was_accepted = before.held(&selected.id).is_some_and(|held| held.choice == Choice::Accepted);
                let event_state = match has_effect {
                    true => state_of(selected.choice, selected.consent_type, was_accepted),
                    false => EventState::WithoutEffect,
                };
                Happening {
                    purpose_id: selected.id.clone(),
                    event_time: captured.captured_at,
                    validity_duration: selected.expires_at,
                    entity_id: captured.actor.id.clone(),
                    event_type: type_of(selected.consent_type),
                    event_state,
                }
            });
            let events: Vec<_> = events.collect();
            let replaced: Vec<&str> =
                captured.selections.iter().filter(|_| has_effect).map(|selected| selected.id.as_str()).collect();
            let language = captured.display.as_ref().map(|display| display.language.clone());
            (consents(source, captured)?, events, replaced, language)
        }
        Event::Deleted { caller, .. } => {
            let events = before.held_all().map(|(id, held)| Happening {
                purpose_id: id.to_owned(),
                event_time: step.line.at,
                validity_duration: None,
                entity_id: caller.subject.clone(),
                event_type: type_of(held.consent_type),
                event_state: EventState::Deleted,
            });
            (Vec::new(), events.collect(), before.held_all().map(|(id, _)| id).collect(), None)
        }
        Event::Expiring { .. }
        | Event::Expired { .. }
        | Event::RetentionEnded
        | Event::Postponed { .. }
        | Event::Erased { .. } => {
            return Err(Error::None);
        }
    };
    let salt = step.line.salt.ok_or(Error::None)?;
    let text = step.line.json.as_deref().and_then(|json| std::str::from_utf8(json).ok()).ok_or(Error::None)?;
    let chain = chain(journal, step)?;
    Ok(Receipt {
        schema_version: SCHEMA_VERSION.to_owned(),
        receipt_id: id_of(&step.line.hash.to_string()),
        record_id: journal.entity.id,
        pii_principal_id: source.customer_id.to_owned(),
        organization: journal.entity.organization.to_string(),
        segment: source.segment.to_owned(),
        revision: step.revision,
        issued_at: source.issued_at,
        profile_version: profile.version,
        language,
        parties: named_parties(&profile.profile, &consents),
        consents,
        events,
        supersedes: superseded(journal, before, &replaced),
        journal: chain,
        disclosed: vec![Disclosed { sequence: step.line.seq, salt: HEXLOWER.encode(&salt), json: text.to_owned() }],
    })
}

fn consents(source: &Source<'_>, captured: &Captured) -> Result<Vec<Consent>, Error> {
    let mut missing = Vec::new();
    let mut consents = Vec::with_capacity(captured.selections.len());
    for selected in &captured.selections {
        let told = match source.profile.profile.tell(&selected.id, selected.consent_type) {
            Ok(told) => told,
            Err(lacking) => {
                missing.extend(lacking);
                continue;
            }
        };
        let Told { lawful_basis, pii_information, storage_locations, retention_period, jurisdiction, .. } = told;
        let details = details(source.edition, captured, &selected.id);
        let display = captured.display.as_ref();
        consents.push(Consent {
            purpose_id: selected.id.clone(),
            purpose: details.map(|details| match details.short_text.is_empty() {
                true => details.text.clone(),
                false => details.short_text.clone(),
            }),
            choice: selected.choice,
            choice_type: selected.consent_type,
            privacy_notice: details.zip(display).map(|(details, display)| Notice {
                text: match display.format {
                    Format::Short => details.short_text.clone(),
                    Format::Normal => details.text.clone(),
                },
                description: match display.format {
                    Format::Short => String::new(),
                    Format::Normal => details.description.clone(),
                },
                language: details.language.as_str().to_owned(),
                edition: display.edition,
                shown: selected.shown,
                digest: display.digest,
            }),
            lawful_basis,
            pii_information,
            pii_controllers: source.profile.profile.pii_controllers.clone(),
            storage_locations,
            retention_period,
            jurisdiction,
            recipient_third_parties: told.recipient_third_parties,
            withdrawal_method: told.withdrawal_method,
            privacy_rights: told.privacy_rights,
        });
    }
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() { Ok(consents) } else { Err(Error::Missing(missing)) }
}

/// The text of a consent in the language that was displayed; of one that has none in it, the first, as displays do.
fn details<'a>(edition: Option<&'a Edition>, captured: &Captured, id: &str) -> Option<&'a Details> {
    let edition = edition?;
    let definition = edition.consents.get(edition.position(&ConsentId::new(id).ok()?)?)?;
    let displayed = LanguageTag::new(&captured.display.as_ref()?.language).ok();
    displayed.and_then(|language| definition.details_in(&language)).or(definition.details.first())
}

fn type_of(consent_type: ConsentType) -> EventType {
    if consent_type.is_opt_out() { EventType::Objection } else { EventType::Consent }
}

fn state_of(choice: Choice, consent_type: ConsentType, was_accepted: bool) -> EventState {
    match (choice, consent_type.is_opt_out()) {
        (Choice::Accepted, false) => EventState::Given,
        (Choice::Accepted, true) => EventState::NotObjected,
        (Choice::Pending, _) => EventState::Pending,
        (Choice::Rejected, true) => EventState::Objected,
        (Choice::Rejected, false) if was_accepted => EventState::Withdrawn,
        (Choice::Rejected, false) => EventState::Refused,
    }
}

/// The chain up to the entry that is shown, with no salt in it.
fn chain(journal: &Journal, step: &Step<'_>) -> Result<Chain, Error> {
    let Entity { organization, kind, id } = &journal.entity;
    let told = journal.lines.iter().take_while(|line| line.seq <= step.line.seq);
    let content = told.map(|line| match line.chain {
        journal::Chain::Sealed => (line.at, JournalContent::sealed(&line.commitment, None)),
        journal::Chain::Clear => (line.at, JournalContent::clear(&line.commitment)),
    });
    let chain = Chain::of(organization, kind, *id, content);
    if chain.head_hash == step.line.hash.to_string() { Ok(chain) } else { Err(Error::Chain) }
}

/// Signs a receipt with an organization's identity.
///
/// # Errors
/// In words for the operator.
pub(super) fn sign(receipt: &Receipt, identity: &Identity) -> Result<SignedJson<Receipt>, String> {
    let chain: Vec<Vec<u8>> = identity.certificates().map(<[u8]>::to_vec).collect();
    let leaf = chain.first().ok_or("the identity has no certificate")?;
    let algorithm = Algorithm::for_certificate(leaf).map_err(|error| error.to_string())?;
    let sign = |message: &[u8]| identity.sign(message).map_err(|_| "the receipt could not be signed".to_owned());
    SignedJson::sign(receipt, algorithm, &chain, &sign).map_err(|error| error.to_string())
}

/// What a signed receipt is worth, found out offline.
pub struct Verified {
    pub receipt: Receipt,
    /// Whether the certificate leads to a trusted root and was valid when the receipt says that it was signed.
    pub trust: CertificateTrust,
}

/// Verifies a signed receipt: signature, chain, the entry that is shown, and that the receipt says what that entry says.
///
/// # Errors
/// What is wrong with it, in words.
pub fn check(signed: &SignedJson<Receipt>, trust: &Trust, now: Timestamp) -> Result<Verified, String> {
    let chain = signed.chain().map_err(|error| error.to_string())?;
    let receipt = signed.verify(chain.first().map_or(&[], Vec::as_slice)).map_err(|error| error.to_string())?;
    receipt.check()?;
    let signed_at = receipt.issued_at.min(now);
    let trust = verify::trust_of(&chain, trust, signed_at).map_err(|error| error.to_string())?;
    Ok(Verified { receipt, trust })
}

impl Receipt {
    /// Whether its parts agree with each other.
    ///
    /// # Errors
    /// What does not, in words.
    pub fn check(&self) -> Result<(), String> {
        let Self { journal, .. } = self;
        journal.verify().map_err(|error| error.to_string())?;
        if journal.organization != self.organization || journal.id != self.record_id {
            return Err("the journal is another one than that of the record".to_owned());
        }
        if self.receipt_id != id_of(&journal.head_hash) {
            return Err("the receipt_id is not that of the journal's last entry".to_owned());
        }
        let [shown] = self.disclosed.as_slice() else { return Err("a receipt shows one entry of the journal".to_owned()) };
        let wrong = |error: certificate::Error| format!("the entry that is shown is not what was committed to: {error}");
        journal.shows(shown.sequence, &shown.salt, shown.json.as_bytes()).map_err(wrong)?;
        if journal.entries.last().is_none_or(|last| last.sequence != shown.sequence) {
            return Err("the entry that is shown is not the journal's last one".to_owned());
        }
        let text: Text = serde_json::from_str(&shown.json).map_err(|_| "the entry that is shown cannot be read".to_owned())?;
        let Fact::Event(event) = text.fact else { return Err("the entry that is shown is no event".to_owned()) };
        self.agrees(&event).then_some(()).ok_or_else(|| "the receipt says something else than the entry that is shown".to_owned())
    }

    fn agrees(&self, event: &Event) -> bool {
        let consents = self.consents.iter().map(|consent| (consent.purpose_id.as_str(), consent.choice, consent.choice_type));
        let noticed = |digest: Option<Digest>| {
            let notices = self.consents.iter().filter_map(|consent| consent.privacy_notice.as_ref());
            notices.map(|notice| notice.digest).all(|told| Some(told) == digest)
        };
        match event {
            Event::Captured(captured) | Event::Recorded(captured) => {
                let selections = captured.selections.iter();
                let is_same_time = self.events.iter().all(|event| event.event_time == captured.captured_at);
                self.pii_principal_id == captured.customer_id
                    && self.segment == captured.segment
                    && consents.eq(selections.map(|selected| (selected.id.as_str(), selected.choice, selected.consent_type)))
                    && noticed(captured.display.as_ref().map(|display| display.digest))
                    && is_same_time
            }
            Event::Deleted { .. } => {
                self.consents.is_empty() && self.events.iter().all(|event| event.event_state == EventState::Deleted)
            }
            _ => false,
        }
    }
}

/// An entry as the journal keeps it.
#[derive(Deserialize)]
struct Text {
    fact: Fact<Event>,
}

fn named_parties(profile: &Profile, consents: &[Consent]) -> Vec<Party> {
    let is_named = |party: &&Party| {
        profile.pii_controllers.contains(&party.party_id)
            || consents.iter().any(|consent| consent.recipient_third_parties.contains(&party.party_id))
    };
    profile.parties.iter().filter(is_named).cloned().collect()
}

fn superseded(journal: &Journal, before: &CustomerConsents, ids: &[&str]) -> Vec<Superseded> {
    let steps = journal.steps();
    let one = |id: &&str| {
        let held = before.held(id)?;
        let step = steps.iter().find(|step| step.revision == held.revision)?;
        let receipt_id = id_of(&step.line.hash.to_string());
        Some(Superseded { purpose_id: (*id).to_owned(), revision: held.revision, receipt_id })
    };
    ids.iter().filter_map(one).collect()
}

/// A UUIDv8 (RFC 9562, 5.8) of the entry's hash.
fn id_of(hash: &str) -> Uuid {
    let digest = digest::digest(&digest::SHA256, format!("rubrica-consent-receipt/{hash}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    Uuid::new_v8(bytes)
}

#[cfg(test)]
mod tests;
