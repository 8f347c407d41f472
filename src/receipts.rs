//! Where providers report what became of a message: one address per message, given to the provider with it.
//!
//! The token in the address is sealed (AES-256-GCM) and is its only credential: it says which message a report is about, nobody
//! can read, make or change one, and the tag of the seal is compared in constant time. Whoever holds it can do nothing but report.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use workflows::Channel;

use crate::keys::Keys;

/// How long a provider can report on a message. Gateways give up trying to deliver within three days.
pub const LIFETIME: TimeDelta = TimeDelta::days(7);

/// Maximum length of a token that is looked at, in bytes.
const MAX_TOKEN: usize = 1024;

/// Purpose of the key and place of the seal.
const PURPOSE: &str = "receipt/v1";

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the time for receipts of this message is over")]
    Expired,
    #[error("there is no such message")]
    Invalid,
}

/// The kind of process that sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Otp,
}

/// The message that a token stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    #[serde(rename = "o")]
    pub organization: String,
    #[serde(rename = "k")]
    pub kind: Kind,
    /// The process: the identification.
    #[serde(rename = "i")]
    pub id: Uuid,
    #[serde(rename = "c")]
    pub challenge: Uuid,
    #[serde(rename = "n")]
    pub channel: Channel,
    #[serde(rename = "x")]
    pub external: bool,
    /// The gateway that carries it, where there are several.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    #[serde(flatten)]
    subject: Subject,
    #[serde(rename = "e", with = "chrono::serde::ts_seconds")]
    expires: DateTime<Utc>,
}

/// Makes and reads the addresses.
#[derive(Clone, Debug)]
pub struct Receipts {
    keys: Keys,
    /// `None`: nobody outside could reach one.
    base_url: Option<String>,
}

impl Receipts {
    /// `base_url` is the configured address under which the outside world reaches the server.
    pub fn new(keys: Keys, base_url: Option<String>) -> Self {
        Self { keys, base_url }
    }

    /// The address `{base_url}/receipts/{token}` for reports on a message. `None` where the outside world has no address for this
    /// server: a message does without receipts then.
    pub fn url(&self, subject: &Subject, now: DateTime<Utc>) -> Option<String> {
        let base_url = self.base_url.as_deref()?.trim_end_matches('/');
        let payload = Payload { subject: subject.clone(), expires: now + LIFETIME };
        let payload = serde_json::to_vec(&payload).ok()?;
        let Ok(sealed) = self.keys.seal(PURPOSE, PURPOSE.as_bytes(), &payload) else {
            tracing::warn!("a message goes without an address for receipts: it could not be sealed");
            return None;
        };
        let token = URL_SAFE_NO_PAD.encode(sealed);
        (token.len() <= MAX_TOKEN).then(|| format!("{base_url}/receipts/{token}"))
    }

    /// What a token stands for.
    ///
    /// # Errors
    /// If this server did not make it, or its time is over.
    pub fn open(&self, token: &str, now: DateTime<Utc>) -> Result<Subject, Error> {
        if token.len() > MAX_TOKEN {
            return Err(Error::Invalid);
        }
        let sealed = URL_SAFE_NO_PAD.decode(token).map_err(|_| Error::Invalid)?;
        let payload = self.keys.open(PURPOSE, PURPOSE.as_bytes(), &sealed).map_err(|_| Error::Invalid)?;
        let payload: Payload = serde_json::from_slice(&payload).map_err(|_| Error::Invalid)?;
        if now >= payload.expires { Err(Error::Expired) } else { Ok(payload.subject) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://sign.example.org";

    fn receipts() -> Receipts {
        Receipts::new(Keys::from_bytes(&[1; 32]), Some(format!("{BASE}/")))
    }

    fn noon() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn subject() -> Subject {
        Subject {
            organization: "acme".into(),
            kind: Kind::Otp,
            id: Uuid::from_u128(7),
            challenge: Uuid::from_u128(8),
            channel: Channel::Sms,
            external: false,
            provider: Some("a-provider-of-thirty-two-letters".into()),
        }
    }

    fn token() -> String {
        let url = receipts().url(&subject(), noon()).unwrap();
        url.strip_prefix(BASE).and_then(|path| path.strip_prefix("/receipts/")).unwrap().to_owned()
    }

    #[test]
    fn a_token_leads_to_its_message_for_seven_days() {
        let token = token();
        assert_eq!(receipts().open(&token, noon() + TimeDelta::days(7) - TimeDelta::seconds(1)), Ok(subject()));
        assert_eq!(receipts().open(&token, noon() + TimeDelta::days(7)), Err(Error::Expired));
    }

    #[test]
    fn a_changed_token_is_refused() {
        let token = token();
        for position in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(receipts().open(&changed, noon()), Err(Error::Invalid), "at {position}");
        }
        for refused in ["", "A", "not base64!", &token[1..], &format!("{token}A"), &"A".repeat(100_000)] {
            assert_eq!(receipts().open(refused, noon()), Err(Error::Invalid));
        }
    }

    #[test]
    fn a_token_of_another_server_is_refused() {
        let other = Receipts::new(Keys::from_bytes(&[2; 32]), None);
        assert_eq!(other.open(&token(), noon()), Err(Error::Invalid));
    }

    #[test]
    fn nothing_of_the_message_can_be_read_from_the_token() {
        let bytes = URL_SAFE_NO_PAD.decode(token()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("acme"));
    }

    #[test]
    fn there_is_no_address_where_the_world_has_none_for_the_server() {
        assert_eq!(Receipts::new(Keys::from_bytes(&[1; 32]), None).url(&subject(), noon()), None);
    }

    #[test]
    fn the_longest_name_of_an_organization_fits() {
        let longest = Subject { organization: "ñ".repeat(40), ..subject() };
        assert!(receipts().url(&longest, noon()).is_some());
    }
}
