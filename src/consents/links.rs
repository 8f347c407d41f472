//! Links by which customers withdraw: as easily as they gave their consent (GDPR article 7(3)).
//!
//! A link is sealed (AES-256-GCM) and holds all that it needs; nothing is stored. Whoever holds one can do one thing: reject the consents that it
//! names, of the customer whom it names. It reads nothing and grants nothing, and using it twice changes nothing. It is made for the
//! headers `List-Unsubscribe` and `List-Unsubscribe-Post` (RFC 8058): a mail program calls it by one POST, and never by a GET, which
//! programs that look for viruses send unasked.

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use store::Timestamp;
use workflows::consents::{Actor, ActorSource, Caller, Captured, Choice, ConsentType, CustomerConsents, Digest, Selected};
use workflows::values::CalendarDuration;

use super::service::{self, Customers, Subject};
use crate::catalogue::consents::{self as catalogue, ConsentId, UsersType};
use crate::keys::Keys;

/// How long a link works.
pub const LIFETIME: &str = "P2Y";
/// Maximum number of consents that a link names.
pub const MAX_CONSENTS: usize = 32;
/// Maximum length of a token, in bytes: proxies and mail programs cut off longer addresses.
const MAX_TOKEN: usize = 1_800;
/// Purpose of the key and place of the seal.
const PURPOSE: &str = "consents/link/v1";
/// What the evidence says of who did it: whoever held the link.
const BY_LINK: &str = "consent-link";

/// Why a link cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such link")]
    Invalid,
    #[error("this link has expired")]
    Expired,
    #[error("the link would be longer than mail programs take; name fewer consents")]
    TooLong,
    #[error("the link could not be sealed")]
    Sealing,
    #[error(transparent)]
    Consents(#[from] service::Error),
}

/// What a link says.
#[derive(Serialize, Deserialize)]
pub struct Link {
    #[serde(rename = "o")]
    pub organization: String,
    #[serde(rename = "s")]
    segment: String,
    #[serde(rename = "c")]
    customer_id: String,
    #[serde(rename = "i")]
    consents: Vec<String>,
    #[serde(rename = "e", with = "chrono::serde::ts_seconds")]
    expires: DateTime<Utc>,
    /// The token, by which a repetition is known.
    #[serde(skip)]
    token: String,
}

/// A link that was made.
pub struct Made {
    /// The secret: the last segment of the link's path.
    pub token: String,
    pub expires_at: Timestamp,
}

/// Makes links and does what they say. Cheap to clone.
#[derive(Clone)]
pub struct Links {
    keys: Keys,
    customers: Customers,
}

impl Links {
    pub fn new(keys: Keys, customers: Customers) -> Self {
        Self { keys, customers }
    }

    /// Makes a link for some consents of the segment's tree. The customer need not be known.
    ///
    /// # Errors
    /// [`Error::TooLong`]; [`Error::Consents`] for consents that are not in the tree, or without a tree.
    pub async fn make(&self, subject: &Subject<'_>, consents: Vec<ConsentId>, now: Timestamp) -> Result<Made, Error> {
        let Subject { organization, segment, .. } = subject;
        let path = |place| format!("consents[{place}]");
        self.customers.edition_with(organization, segment, UsersType::Customers, consents.iter(), path).await?;
        let lifetime = CalendarDuration::parse(LIFETIME).map_err(|_| Error::Sealing)?;
        let expires_at = lifetime.after(now);
        let link = Link {
            organization: subject.organization.to_owned(),
            segment: subject.segment.to_owned(),
            customer_id: subject.customer_id.to_owned(),
            consents: consents.iter().map(|id| id.as_str().to_owned()).collect(),
            expires: expires_at,
            token: String::new(),
        };
        let token = seal(&self.keys, &link)?;
        Ok(Made { token, expires_at })
    }

    /// Rejects what the link names, as far as it is not rejected yet.
    ///
    /// # Errors
    /// What keeps the choices from being recorded.
    pub async fn withdraw(&self, link: &Link, now: Timestamp) -> Result<(), Error> {
        let Link { organization, segment, customer_id, consents, token, .. } = link;
        let subject = Subject { organization, segment, customer_id };
        let state = self.customers.state(&subject).await.map_err(Error::Consents)?;
        let types = self.types(&subject, consents).await?;
        let selections = to_reject(&state, &types, now);
        if selections.is_empty() {
            return Ok(());
        }
        // It has to hold whatever clock made the choice before.
        let held = selections.iter().filter_map(|selected| state.held(&selected.id));
        let captured_at = held.map(|held| held.captured_at).max().map_or(now, |last| last.max(now));
        let captured = Captured {
            customer_id: customer_id.clone(),
            segment: segment.clone(),
            caller: Caller { subject: BY_LINK.to_owned(), audience: BY_LINK.to_owned() },
            actor: Actor { id: BY_LINK.to_owned(), source: ActorSource::Token },
            selections,
            captured_at,
            captured_text: captured_at.to_rfc3339(),
            // The program of a mail provider calls, not the customer.
            ip: None,
            sell_channel: None,
            trace_id: None,
            origin: Some(BY_LINK.to_owned()),
            declared_language: None,
            display: None,
            digest: digest_of(token, state.revision()),
            notify: false,
            late: service::late(self.customers.policy(organization)),
            identification: None,
        };
        // No maximum for a day: each withdrawal needs a capture before it, which has one.
        self.customers.record(&subject, captured, u32::MAX).await?;
        Ok(())
    }

    /// What a token stands for.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what this server did not make, [`Error::Expired`].
    pub fn open(&self, token: &str, now: Timestamp) -> Result<Link, Error> {
        open(&self.keys, token, now)
    }

    /// The types of the consents, as far as the tree of today has them.
    async fn types(&self, subject: &Subject<'_>, ids: &[String]) -> Result<Vec<(String, Option<ConsentType>)>, Error> {
        let Subject { organization, segment, .. } = subject;
        let edition = match self.customers.catalogue().edition(organization, segment, UsersType::Customers).await {
            Ok(edition) => Some(edition),
            Err(catalogue::Error::NoTree(_)) => None,
            Err(error) => return Err(service::Error::from(error).into()),
        };
        let of = |id: &String| {
            let edition = edition.as_ref()?;
            let place = edition.position(&ConsentId::new(id).ok()?)?;
            edition.consents.get(place).map(|definition| definition.choice_type)
        };
        Ok(ids.iter().map(|id| (id.clone(), of(id))).collect())
    }
}

fn seal(keys: &Keys, link: &Link) -> Result<String, Error> {
    let link = serde_json::to_vec(link).map_err(|_| Error::Sealing)?;
    let sealed = keys.seal(PURPOSE, PURPOSE.as_bytes(), &link).map_err(|_| Error::Sealing)?;
    let token = URL_SAFE_NO_PAD.encode(sealed);
    if token.len() > MAX_TOKEN { Err(Error::TooLong) } else { Ok(token) }
}

fn open(keys: &Keys, token: &str, now: Timestamp) -> Result<Link, Error> {
    if token.len() > MAX_TOKEN {
        return Err(Error::Invalid);
    }
    let sealed = URL_SAFE_NO_PAD.decode(token).map_err(|_| Error::Invalid)?;
    let link = keys.open(PURPOSE, PURPOSE.as_bytes(), &sealed).map_err(|_| Error::Invalid)?;
    let link: Link = serde_json::from_slice(&link).map_err(|_| Error::Invalid)?;
    if now >= link.expires { Err(Error::Expired) } else { Ok(Link { token: token.to_owned(), ..link }) }
}

/// The rejections that change something. A consent that left the tree is rejected if the customer had answered it; of somebody who is not
/// known only that is recorded which counts as accepted without an answer.
fn to_reject(state: &CustomerConsents, types: &[(String, Option<ConsentType>)], now: Timestamp) -> Vec<Selected> {
    let one = |(id, of_tree): &(String, Option<ConsentType>)| {
        let held = state.held(id);
        let consent_type = held.map(|held| held.consent_type).or(*of_tree)?;
        let reading = state.choice(id, consent_type, now);
        let changes = match (held, state.known()) {
            (Some(held), _) => held.choice != Choice::Rejected,
            (None, true) => true,
            (None, false) => reading.choice == Choice::Accepted,
        };
        let selected = || Selected { id: id.clone(), choice: Choice::Rejected, consent_type, expires_at: None, shown: false };
        changes.then(selected)
    };
    types.iter().filter_map(one).collect()
}

/// Of two calls at once one is recorded; a call after the consent was given again is another one.
fn digest_of(token: &str, revision: u32) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, format!("{BY_LINK}/{token}/{revision}").as_bytes()).as_ref());
    Digest(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Customer, consent_type, id, start};
    use super::*;

    fn types(places: &[usize]) -> Vec<(String, Option<ConsentType>)> {
        places.iter().map(|place| (id(*place).to_string(), Some(consent_type(*place)))).collect()
    }

    fn rejected(state: &CustomerConsents, types: &[(String, Option<ConsentType>)]) -> Vec<String> {
        to_reject(state, types, start()).into_iter().map(|selected| selected.id).collect()
    }

    #[test]
    fn a_link_opens_for_two_years_and_only_as_it_was_made() {
        let keys = Keys::from_bytes(&[1; 32]);
        let link = |consents: usize| Link {
            organization: "acme".into(),
            segment: "telco".into(),
            customer_id: "100000000001".into(),
            consents: (0..consents).map(|place| id(place).to_string()).collect(),
            expires: CalendarDuration::parse(LIFETIME).unwrap().after(start()),
            token: String::new(),
        };
        let token = seal(&keys, &link(2)).unwrap();
        let opened = open(&keys, &token, start()).unwrap();
        assert_eq!((opened.customer_id.as_str(), opened.consents.len(), &opened.token), ("100000000001", 2, &token));
        assert!(matches!(open(&keys, &token, opened.expires), Err(Error::Expired)));
        assert!(matches!(open(&Keys::from_bytes(&[2; 32]), &token, start()), Err(Error::Invalid)));
        for place in [0, token.len() / 2, token.len() - 2] {
            let mut changed = token.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            assert!(matches!(open(&keys, std::str::from_utf8(&changed).unwrap(), start()), Err(Error::Invalid)), "{place}");
        }
        assert!(matches!(open(&keys, &"A".repeat(MAX_TOKEN + 1), start()), Err(Error::Invalid)));
        assert!(seal(&keys, &link(MAX_CONSENTS)).is_ok());
        assert!(matches!(seal(&keys, &link(400)), Err(Error::TooLong)));
    }

    #[test]
    fn what_is_rejected_already_is_not_rejected_again() {
        let mut customer = Customer::default();
        customer.capture(start(), &[(0, Choice::Accepted), (1, Choice::Rejected), (2, Choice::Accepted)]);
        assert_eq!(rejected(&customer.state, &types(&[0, 1, 2, 3])), ["C000", "C002", "C003"]);
    }

    #[test]
    fn of_the_unknown_only_what_counts_without_an_answer_is_recorded() {
        // C000 and C003 are OPT_IN: there is no consent to withdraw.
        assert_eq!(rejected(&CustomerConsents::default(), &types(&[0, 1, 2, 3])), ["C001", "C002"]);
        let mut customer = Customer::default();
        customer.capture(start(), &[(1, Choice::Rejected), (3, Choice::Accepted)]);
        customer.delete(start());
        assert_eq!(rejected(&customer.state, &types(&[0, 1, 2, 3])), ["C002"], "the rejection of C001 outlived the deletion");
    }

    #[test]
    fn what_left_the_tree_is_withdrawn_if_it_was_answered() {
        let mut customer = Customer::default();
        customer.capture(start(), &[(0, Choice::Accepted)]);
        let gone = [(id(0).to_string(), None), (id(3).to_string(), None)];
        assert_eq!(rejected(&customer.state, &gone), ["C000"]);
    }

    #[test]
    fn a_repetition_has_one_digest_and_a_withdrawal_after_a_new_consent_another() {
        assert_eq!(digest_of("t", 1), digest_of("t", 1));
        assert_ne!(digest_of("t", 1), digest_of("t", 2));
        assert_ne!(digest_of("t", 1), digest_of("u", 1));
    }
}
