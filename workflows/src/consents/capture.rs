//! What a capture says: the choices, and the evidence of who made them, where, when and before what text.

use std::{fmt, net::IpAddr};

use chrono::Duration;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use super::is_false;
use crate::Timestamp;

/// Maximum number of selections in a capture.
pub const MAX_SELECTIONS: usize = 256;
/// Maximum size of the ids of one capture together, and of all that a customer has answered, in bytes: an entry of the journal holds them.
pub const MAX_ID_BYTES: usize = 96 * 1024;
/// How far ahead of the clock a capture date may be (contract note late-capture). Up to that it counts as now.
pub const MAX_AHEAD: Duration = Duration::minutes(5);

/// Contract `ConsentChoice`. It speaks of the consent itself, not of how a checkbox is ticked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Choice {
    Accepted = 0,
    /// Of OPT_IN only.
    Pending = 1,
    Rejected = 2,
}

impl Choice {
    /// Contract `ChoiceState`: by which filters call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "ACCEPTED",
            Self::Pending => "PENDING",
            Self::Rejected => "REJECTED",
        }
    }

    /// The choice that filters call so.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Accepted, Self::Pending, Self::Rejected].into_iter().find(|choice| choice.name() == name)
    }
}

impl From<Choice> for u8 {
    fn from(choice: Choice) -> Self {
        choice as Self
    }
}

impl TryFrom<u8> for Choice {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number {
            0 => Ok(Self::Accepted),
            1 => Ok(Self::Pending),
            2 => Ok(Self::Rejected),
            _ => Err("expected 0 (accepted), 1 (pending) or 2 (rejected)"),
        }
    }
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for Choice {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .enum_values(Some([0, 1, 2]))
            .description(Some("0 accepted, 1 unknown (pending), 2 rejected. 1 is possible for OPT_IN only."))
            .into()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for Choice {
    fn name() -> std::borrow::Cow<'static, str> {
        "ConsentChoice".into()
    }
}

/// Contract `ConsentType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConsentType {
    /// Affirmative wording; may be pending; the only type that may expire.
    OptIn,
    /// Negative wording; never pending.
    OptOutNegative,
    /// Affirmative wording; never pending.
    OptOutPositive,
}

impl ConsentType {
    /// How it reads while there is no choice (contract `get_customer_consents`).
    pub fn default_choice(self) -> Choice {
        if self.is_opt_out() { Choice::Accepted } else { Choice::Pending }
    }

    pub fn is_opt_out(self) -> bool {
        self != Self::OptIn
    }
}

/// SHA-256 of something; as text `sha256:` and 64 digits of lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    const PREFIX: &str = "sha256:";

    fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(Self::PREFIX)?.as_bytes();
        let mut bytes = [0; 32];
        let (pairs, rest) = digits.as_chunks::<2>();
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return None;
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            let digit = |digit: u8| if digit.is_ascii_uppercase() { None } else { char::from(digit).to_digit(16) };
            *byte = u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::read(&text).ok_or_else(|| de::Error::custom("expected sha256: and 64 digits of lower-case hex"))
    }
}

/// Who called: the subject and the audience of the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    pub subject: String,
    pub audience: String,
}

/// Who set the choices (contract `actor_id`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    pub id: String,
    pub source: ActorSource,
}

/// How it is known who set the choices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorSource {
    /// The caller says so.
    Declared,
    /// The token says so.
    Token,
    /// An import says so.
    Import,
}

/// One choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selected {
    /// Normalised id of the consent.
    pub id: String,
    pub choice: Choice,
    #[serde(rename = "type")]
    pub consent_type: ConsentType,
    /// When it lapses: of an acceptance of an OPT_IN consent only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Whether it was displayed, and not only for context.
    pub shown: bool,
}

/// Contract `DisplayFormat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = DisplayFormat))]
#[serde(rename_all = "UPPERCASE")]
pub enum Format {
    Short,
    #[default]
    Normal,
}

/// Which statements were displayed, apart from those that were there for context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statements {
    /// All of the tree.
    All,
    /// Those of the tree's view MANDATORY.
    Mandatory,
    /// There was no display: the key is of a deletion.
    Nothing,
    /// Those with these ids, in the order of the tree.
    Only(Vec<String>),
}

/// What was displayed before the choices were made: with the edition and the choices of that revision it gives back every byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Display {
    /// Number of the edition of the tree.
    pub edition: u32,
    /// Language of the texts, as the tree writes it.
    pub language: String,
    pub format: Format,
    /// Revision of the customer's consents that was displayed.
    pub revision: u32,
    /// When it was read; whole seconds.
    pub issued_at: Timestamp,
    pub statements: Statements,
    /// Whether it was the tree for leads.
    #[serde(default, skip_serializing_if = "is_false")]
    pub leads: bool,
    /// Of the canonical JSON (RFC 8785) of the answer.
    pub digest: Digest,
}

/// Which choice holds when one is captured after another that was made later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Late {
    /// The one that was made later (contract note late-capture).
    #[default]
    Merge,
    /// The one that arrives later.
    Overwrite,
}

impl Late {
    fn is_merge(&self) -> bool {
        *self == Self::Merge
    }
}

/// A capture, as the journal has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captured {
    pub customer_id: String,
    pub segment: String,
    pub caller: Caller,
    pub actor: Actor,
    pub selections: Vec<Selected>,
    /// When the choices were made.
    pub captured_at: Timestamp,
    /// The same as it was sent.
    pub captured_text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sell_channel: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// What an import says of where the choices come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The Accept-Language of the write (contract note write-language).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared_language: Option<String>,
    /// Of an import there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<Display>,
    /// Of the canonical body and the x-key: by it a repeated request is known.
    pub digest: Digest,
    /// Whether the organization is to be told.
    #[serde(default, skip_serializing_if = "is_false")]
    pub notify: bool,
    #[serde(default, skip_serializing_if = "Late::is_merge")]
    pub late: Late,
    /// An identification of the customer that was VALIDATED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identification: Option<Uuid>,
}

/// A capture that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    pub captured: Captured,
    /// Maximum number of captures of the customer and day (UTC).
    pub captures_per_day: u32,
}
