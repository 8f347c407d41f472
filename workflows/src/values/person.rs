//! People and the ways to reach them, in the words of the contract.

mod email;

use serde::{Deserialize, Serialize};

use super::Problems;

pub use email::{EmailAddress, EmailProblem, MAX_EMAIL};

/// Length of a name, in characters.
const MAX_NAME: usize = 200;
/// Length of a document number, in bytes.
const MAX_DOCUMENT_NUMBER: usize = 50;

/// Contract `Language`: of the texts sent to a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum Language {
    Es,
    En,
    Eu,
    Gl,
    Ca,
    De,
    #[default]
    Undefined,
}

impl Language {
    /// ISO 639-1 code; that of Spanish where there is none.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Es | Self::Undefined => "es",
            Self::En => "en",
            Self::Ca => "ca",
            Self::Eu => "eu",
            Self::Gl => "gl",
            Self::De => "de",
        }
    }
}

/// Contract `NotificationChannel`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = NotificationChannel))]
#[serde(rename_all = "UPPERCASE")]
pub enum Channel {
    Sms,
    Email,
    Whatsapp,
}

/// Contract `DocumentType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DocumentType {
    Nif,
    Nie,
    Passport,
    IdentityCard,
}

/// Contract `TwoFactorType`: what the person must know besides the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TwoFactorType {
    DocumentNumber,
    Email,
}

/// Contract `IdentificationType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IdentificationType {
    Agent,
    Otp,
    IdentityDocument,
}

impl IdentificationType {
    pub fn name(self) -> &'static str {
        match self {
            Self::Agent => "AGENT",
            Self::Otp => "OTP",
            Self::IdentityDocument => "IDENTITY_DOCUMENT",
        }
    }
}

/// Contract `IdentificationState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum IdentificationState {
    Created,
    Validated,
    Expired,
    Cancelled,
    Succeeded,
    Failed,
}

impl IdentificationState {
    /// SUCCEEDED, FAILED, CANCELLED and EXPIRED never change again.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Created | Self::Validated)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Validated => "VALIDATED",
            Self::Expired => "EXPIRED",
            Self::Cancelled => "CANCELLED",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
        }
    }
}

/// Contract `SignType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum SignType {
    Simple,
    Biometric,
}

impl SignType {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Simple, Self::Biometric];

    /// In the contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simple => "SIMPLE",
            Self::Biometric => "BIOMETRIC",
        }
    }
}

/// Contract `ProviderType`: who scores an identity document, this service or an external provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum ProviderType {
    Internal,
    External,
}

impl ProviderType {
    pub fn name(self) -> &'static str {
        match self {
            Self::Internal => "INTERNAL",
            Self::External => "EXTERNAL",
        }
    }
}

/// Contract `Msisdn`: a phone as national number and international prefix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Msisdn {
    /// National number without prefix.
    #[cfg_attr(feature = "schema", schema(minimum = 1000, maximum = 99_999_999_999_999_u64))]
    pub phone_number: u64,
    /// International prefix without "+", e.g. `34`.
    #[cfg_attr(feature = "schema", schema(pattern = "^[1-9][0-9]{0,2}$"))]
    pub country_code: String,
}

impl Msisdn {
    /// The number as ITU-T E.164 writes it, e.g. `+34600111222`.
    pub fn e164(&self) -> String {
        format!("+{}{}", self.country_code, self.phone_number)
    }

    /// E.164: prefix of 1 to 3 digits that does not start with 0, at most 15 digits in all.
    pub fn is_valid(&self) -> bool {
        let prefix = self.country_code.as_bytes();
        let digits = self.phone_number.to_string().len();
        (1..=3).contains(&prefix.len())
            && prefix.iter().all(u8::is_ascii_digit)
            && prefix[0] != b'0'
            && digits >= 4
            && prefix.len() + digits <= 15
    }
}

/// Contract `ActorIdentityDocument` and `SignerIdentityDocument`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = ActorIdentityDocument))]
pub struct IdentityDocument {
    #[cfg_attr(
        feature = "schema",
        schema(max_length = 50, pattern = r"^[^\x00-\x1F\x7F-\x9F]*[0-9A-Za-z][^\x00-\x1F\x7F-\x9F]*$")
    )]
    pub document_number: String,
    pub document_type: DocumentType,
    /// ISO 3166-1 alpha-2 code of the issuing country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(pattern = "^[A-Z]{2}$"))]
    pub country: Option<String>,
}

/// Where a person's address and number come from, as the organization says it. An addition to the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ContactOrigin {
    /// From what the organization knew of its customer before.
    CustomerRecord,
    /// Given by the person who is to sign, and checked by nobody.
    TypedBySigner,
    /// Checked by an agent who had the person in front of him.
    AgentChecked,
}

impl ContactOrigin {
    /// Its name on the wire and in evidence.
    pub fn name(self) -> &'static str {
        match self {
            Self::CustomerRecord => "customer_record",
            Self::TypedBySigner => "typed_by_signer",
            Self::AgentChecked => "agent_checked",
        }
    }
}

/// What is said of an address to which no mail can be sent.
pub const UNDELIVERABLE: &str = "not an e-mail address that can be delivered";

/// Who a person is and how they are reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_document: Option<IdentityDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub msisdn: Option<Msisdn>,
    #[serde(default)]
    pub language: Language,
    /// Where address and number come from; `None`: nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<ContactOrigin>,
}

impl IdentityDocument {
    /// Notes what is wrong with the members, whose names follow `path`.
    pub fn check(&self, path: &str, problems: &mut Problems) {
        let number = self.document_number.trim();
        let is_number = (1..=MAX_DOCUMENT_NUMBER).contains(&number.chars().count())
            && number.chars().any(char::is_alphanumeric)
            && !number.chars().any(char::is_control);
        if !is_number {
            let expected = format!("expected 1 to {MAX_DOCUMENT_NUMBER} characters with letters or digits");
            problems.note(format!("{path}.document_number"), expected);
        }
        let country = self.country.as_deref();
        if country.is_some_and(|country| country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase())) {
            problems.note(format!("{path}.country"), "expected two capital letters (ISO 3166-1)");
        }
        if self.document_type == DocumentType::IdentityCard && country.is_none() {
            problems.note(format!("{path}.country"), "an IDENTITY_CARD needs it");
        }
    }
}

impl Contact {
    /// The person as it is kept: names and address without white space around them. Notes what is wrong with the members, whose names
    /// follow `path`.
    pub fn checked(mut self, path: &str, problems: &mut Problems) -> Self {
        for (member, value) in [("name", &mut self.name), ("last_name", &mut self.last_name)] {
            let Some(text) = value else { continue };
            *text = text.trim().to_owned();
            if text.is_empty() || text.chars().count() > MAX_NAME || text.chars().any(char::is_control) {
                let expected = format!("expected 1 to {MAX_NAME} characters without control characters");
                problems.note(format!("{path}.{member}"), expected);
            }
        }
        if let Some(email) = &mut self.email {
            *email = email.trim().to_owned();
            let read = EmailAddress::parse(email).map_err(|problem| format!("{UNDELIVERABLE}: {problem}"));
            problems.take(format!("{path}.email"), read);
        }
        if self.msisdn.as_ref().is_some_and(|msisdn| !msisdn.is_valid()) {
            let expected = "expected a country_code of 1 to 3 digits without \"+\" and at most 15 digits in all";
            problems.note(format!("{path}.msisdn"), expected);
        }
        if let Some(document) = &self.identity_document {
            document.check(&format!("{path}.identity_document"), problems);
        }
        self
    }

    /// Notes the member that a channel needs of the person and that is missing.
    pub fn check_channel(&self, path: &str, channel: Channel, problems: &mut Problems) {
        if self.destination(channel).is_none() {
            let needed = if channel == Channel::Email { "email" } else { "msisdn" };
            problems.note(format!("{path}.{needed}"), "the channel needs it");
        }
    }

    /// Notes that the identity document is missing, and why it is needed.
    pub fn check_identity_document(&self, path: &str, why: &str, problems: &mut Problems) {
        if self.identity_document.is_none() {
            problems.note(format!("{path}.identity_document"), format!("the member is missing: {why}"));
        }
    }

    /// Notes the member that a second factor needs of the person and that is missing.
    pub fn check_second_factor(&self, path: &str, kind: Option<TwoFactorType>, problems: &mut Problems) {
        let Some(kind) = kind else { return };
        if self.second_factor(kind).is_none_or(|value| value.is_empty()) {
            let needed = if kind == TwoFactorType::Email { "email" } else { "identity_document" };
            problems.note(format!("{path}.{needed}"), "the second factor needs it");
        }
    }

    /// Given and family name, as far as they are known.
    pub fn full_name(&self) -> Option<String> {
        let parts: Vec<_> = [&self.name, &self.last_name].into_iter().flatten().map(String::as_str).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }

    /// Where `channel` reaches the person: an e-mail address or an E.164 number.
    pub fn destination(&self, channel: Channel) -> Option<String> {
        match channel {
            Channel::Email => self.email.clone(),
            Channel::Sms | Channel::Whatsapp => self.msisdn.as_ref().map(Msisdn::e164),
        }
    }

    /// [`Contact::destination`] in the form in which all spellings of one address are equal, to count what goes there.
    pub fn counted_destination(&self, channel: Channel) -> Option<String> {
        let destination = self.destination(channel)?;
        Some(if channel == Channel::Email { email::folded(&destination) } else { destination })
    }

    /// The value that a second factor must equal, in the form in which both sides are compared.
    pub fn second_factor(&self, kind: TwoFactorType) -> Option<String> {
        match kind {
            TwoFactorType::DocumentNumber => {
                self.identity_document.as_ref().map(|document| plain(kind, &document.document_number))
            }
            TwoFactorType::Email => self.email.as_deref().map(|email| plain(kind, email)),
        }
    }

    /// Whether `given` is the person's second factor. Spaces, dashes, dots and case of a document number do not count.
    pub fn has_second_factor(&self, kind: TwoFactorType, given: &str) -> bool {
        self.second_factor(kind).is_some_and(|expected| !expected.is_empty() && expected == plain(kind, given))
    }
}

fn plain(kind: TwoFactorType, value: &str) -> String {
    match kind {
        TwoFactorType::DocumentNumber => value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect(),
        TwoFactorType::Email => email::folded(value),
    }
}

/// Who of an organization's own people did something by hand, kept as evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staff {
    /// By their identity provider's identifier of them.
    pub subject: String,
    /// For people.
    pub name: String,
    /// Where the act came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

impl std::fmt::Display for Staff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.name == self.subject { f.write_str(&self.subject) } else { write!(f, "{} ({})", self.name, self.subject) }
    }
}

/// That a member of the staff did something of which the contract asks no reason, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hand {
    pub by: Staff,
    pub reason: String,
}

/// The device an act came from, kept as evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// "latitude,longitude" as the device gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn msisdn(country_code: &str, phone_number: u64) -> Msisdn {
        Msisdn { phone_number, country_code: country_code.into() }
    }

    #[test]
    fn a_phone_is_valid_within_the_bounds_of_e164() {
        assert!(msisdn("34", 600_111_222).is_valid());
        assert_eq!(msisdn("34", 600_111_222).e164(), "+34600111222");
        for (prefix, number) in
            [("", 600_111_222), ("+34", 600_111_222), ("034", 600_111_222), ("34", 12), ("34", 99_999_999_999_999)]
        {
            assert!(!msisdn(prefix, number).is_valid(), "{prefix} {number}");
        }
    }

    #[test]
    fn a_document_number_is_compared_without_its_punctuation() {
        let document = IdentityDocument { document_number: "12345678-z".into(), document_type: DocumentType::Nif, country: None };
        let person = Contact { identity_document: Some(document), email: Some("Ana@Example.org".into()), ..Contact::default() };
        assert!(person.has_second_factor(TwoFactorType::DocumentNumber, " 12.345.678 Z"));
        assert!(!person.has_second_factor(TwoFactorType::DocumentNumber, "12345678X"));
        assert!(!person.has_second_factor(TwoFactorType::DocumentNumber, ""));
        assert!(person.has_second_factor(TwoFactorType::Email, "ana@example.ORG "));
        assert!(!Contact::default().has_second_factor(TwoFactorType::Email, ""));
    }

    #[test]
    fn an_address_is_compared_however_its_domain_is_written() {
        let person = Contact { email: Some("ana@münchen.example".into()), ..Contact::default() };
        assert!(person.has_second_factor(TwoFactorType::Email, "ana@xn--mnchen-3ya.example"));
        assert!(!person.has_second_factor(TwoFactorType::Email, "ana@munchen.example"));
        let other = Contact { email: Some("Ana@xn--mnchen-3ya.example".into()), ..Contact::default() };
        assert_eq!(person.counted_destination(Channel::Email), other.counted_destination(Channel::Email));
        assert_eq!(person.destination(Channel::Email).as_deref(), Some("ana@münchen.example"));
    }
}
