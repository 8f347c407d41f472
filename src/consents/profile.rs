//! What an organization says once of the processing that its customers consent to: what a receipt must tell and no capture carries.
//!
//! The names are those of the DPV guide to ISO/IEC TS 27560 (w3id.org/dpv/guides/consent-27560): its fields "processing", "personal data"
//! and "party". The text of the standard was not at hand, so nothing here claims to conform to it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use store::{RecordKey, Store, Timestamp};
use utoipa::ToSchema;
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{Array, ArrayBuilder, ObjectBuilder, Type};
use workflows::consents::ConsentType;
use workflows::values::Problems;

use crate::catalogue::consents::ConsentId;
use crate::records::{self, Records, Versioned};

const COLLECTION: &str = "consent_profile";
const CURRENT: &str = "current";

/// Maximum number of parties, of members of a list, and of purposes with words of their own.
const MAX_LIST: usize = 64;
const MAX_PURPOSES: usize = 256;
/// Maximum length of a text, in characters.
const MAX_TEXT: usize = 2_048;
/// Maximum length of an identifier, in bytes.
const MAX_ID: usize = 200;
/// Maximum size of a profile in JSON, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// Versions that are looked through for the one that holds for a capture.
const MAX_VERSIONS: usize = 1_000;

/// A profile, whole or in part: what is missing is missing in receipts, which then cannot be made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ConsentProfile)]
pub struct Profile {
    /// Everybody who is named below.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 64)]
    pub parties: Vec<Party>,
    /// Which of the parties are controllers, by their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(schema_with = texts, required = false)]
    pub pii_controllers: Vec<String>,
    /// What holds for all consents.
    #[serde(flatten)]
    pub processing: Processing,
    /// What holds for one consent in place of that, by the consent's id as `GET consents` has it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub purposes: BTreeMap<String, Processing>,
}

/// How personal data are processed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ConsentProcessing)]
pub struct Processing {
    /// Which personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 64)]
    pub pii_information: Option<Vec<PiiInformation>>,
    /// Where they are stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = texts_or_null, required = false)]
    pub storage_locations: Option<Vec<String>>,
    /// For how long, in words or as an ISO 8601 duration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "TEXT", max_length = 2048)]
    pub retention_period: Option<String>,
    /// Whose law applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "TEXT", max_length = 2048)]
    pub jurisdiction: Option<String>,
    /// Parties that receive data, by their ids; an empty list says that nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = texts_or_null, required = false)]
    pub recipient_third_parties: Option<Vec<String>>,
    /// How consent is withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "TEXT", max_length = 2048)]
    pub withdrawal_method: Option<String>,
    /// Rights of the customer and how to exercise them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = texts_or_null, required = false)]
    pub privacy_rights: Option<Vec<String>>,
    /// Lawful basis of what customers may opt out of. Of an OPT_IN it is their consent, GDPR article 6(1)(a), unless this member says
    /// otherwise for that purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "TEXT", max_length = 2048)]
    pub lawful_basis: Option<String>,
}

/// Schema of a list of texts.
fn texts() -> Array {
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some("TEXT")).max_length(Some(MAX_TEXT));
    ArrayBuilder::new().items(text).max_items(Some(MAX_LIST)).build()
}

/// Schema of a list of texts that may be null, which is the same as missing.
fn texts_or_null() -> Array {
    let mut list = texts();
    list.schema_type = SchemaType::from_iter([Type::Array, Type::Null]);
    list
}

/// A kind of personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PiiInformation {
    /// What it is, e.g. `Email`.
    #[schema(pattern = "TEXT", max_length = 2048)]
    pub pii_type: String,
    /// Whether the purpose can do without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pii_optional: Option<bool>,
    /// Whether it is sensitive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitive_pii_category: Option<bool>,
    /// Whether it is of a special category, GDPR article 9.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub special_pii_category: Option<bool>,
}

/// Who takes part in the processing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Party {
    /// By which the other members name it.
    #[schema(pattern = "TEXT", max_length = 2048)]
    pub party_id: String,
    /// Legal name.
    #[schema(pattern = "TEXT", max_length = 2048)]
    pub party_name: String,
    /// Postal address.
    #[schema(pattern = "TEXT", max_length = 2048)]
    pub party_address: String,
    /// Who or what answers questions.
    #[schema(pattern = "TEXT", max_length = 2048)]
    pub party_contact: String,
    /// E.g. `controller`, `processor`, `third party`, `authority`.
    #[schema(pattern = "TEXT", max_length = 2048)]
    pub party_type: String,
    /// Its role in this processing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "TEXT", max_length = 2048)]
    pub party_role: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "TEXT", max_length = 2048)]
    pub party_email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "TEXT", max_length = 2048)]
    pub party_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "TEXT", max_length = 2048)]
    pub party_phone: Option<String>,
}

/// GDPR article 6(1)(a), as the DPV calls it.
const CONSENT: &str = "https://w3id.org/dpv/legal/eu/gdpr#A6-1-a";

/// Everything that is said of one purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub pii_information: Vec<PiiInformation>,
    pub storage_locations: Vec<String>,
    pub retention_period: String,
    pub jurisdiction: String,
    pub recipient_third_parties: Vec<String>,
    pub withdrawal_method: String,
    pub privacy_rights: Vec<String>,
    pub lawful_basis: String,
}

impl Profile {
    /// What is wrong with it, each with the path of its member.
    pub fn problems(&self) -> Problems {
        let mut problems = Problems::default();
        bounded_list("parties", self.parties.len(), &mut problems);
        for (place, party) in self.parties.iter().enumerate() {
            party.check(&format!("parties[{place}]"), &mut problems);
        }
        let mut ids = HashSet::new();
        if !self.parties.iter().all(|party| ids.insert(party.party_id.as_str())) {
            problems.note("parties", "a party_id is there twice");
        }
        self.check_named("pii_controllers", &self.pii_controllers, &mut problems);
        self.check_processing("", &self.processing, &mut problems);
        if self.purposes.len() > MAX_PURPOSES {
            problems.note("purposes", format!("expected {MAX_PURPOSES} at most"));
        }
        for (id, processing) in self.purposes.iter().take(MAX_PURPOSES) {
            if id.is_empty() || id.len() > MAX_ID || !ConsentId::new(id).is_ok_and(|read| read.as_str() == id) {
                problems.note("purposes", "a name is no id of a consent as GET consents answers it");
                continue;
            }
            self.check_processing(&format!("purposes.{id}."), processing, &mut problems);
        }
        problems
    }

    fn check_processing(&self, at: &str, processing: &Processing, problems: &mut Problems) {
        let Processing { pii_information, storage_locations, recipient_third_parties, privacy_rights, .. } = processing;
        for (place, kind) in pii_information.iter().flatten().enumerate() {
            check_text(&format!("{at}pii_information[{place}].pii_type"), &kind.pii_type, problems);
        }
        bounded_list(&format!("{at}pii_information"), pii_information.iter().flatten().count(), problems);
        for (name, texts) in [("storage_locations", storage_locations), ("privacy_rights", privacy_rights)] {
            bounded_list(&format!("{at}{name}"), texts.iter().flatten().count(), problems);
            for (place, text) in texts.iter().flatten().enumerate() {
                check_text(&format!("{at}{name}[{place}]"), text, problems);
            }
        }
        let texts = [
            ("retention_period", &processing.retention_period),
            ("jurisdiction", &processing.jurisdiction),
            ("withdrawal_method", &processing.withdrawal_method),
            ("lawful_basis", &processing.lawful_basis),
        ];
        for (name, text) in texts {
            text.iter().for_each(|text| check_text(&format!("{at}{name}"), text, problems));
        }
        let recipients = recipient_third_parties.as_deref().unwrap_or_default();
        self.check_named(&format!("{at}recipient_third_parties"), recipients, problems);
    }

    fn check_named(&self, at: &str, ids: &[String], problems: &mut Problems) {
        bounded_list(at, ids.len(), problems);
        for (place, id) in ids.iter().enumerate() {
            if !self.parties.iter().any(|party| party.party_id == *id) {
                problems.note(format!("{at}[{place}]"), "none of the parties has this party_id");
            }
        }
    }

    /// What it says of one purpose.
    ///
    /// # Errors
    /// The members that are missing.
    pub fn tell(&self, purpose: &str, consent_type: ConsentType) -> Result<Told, Vec<&'static str>> {
        let (own, all) = (self.purposes.get(purpose), &self.processing);
        let mut missing = Vec::new();
        if self.pii_controllers.is_empty() {
            missing.push("pii_controllers");
        }
        macro_rules! said {
            ($member:ident) => {
                own.and_then(|own| own.$member.as_ref()).or(all.$member.as_ref()).cloned().unwrap_or_else(|| {
                    missing.push(stringify!($member));
                    Default::default()
                })
            };
        }
        let own_basis = own.and_then(|own| own.lawful_basis.as_ref());
        let lawful_basis = match consent_type {
            ConsentType::OptIn => own_basis.cloned().unwrap_or_else(|| CONSENT.to_owned()),
            ConsentType::OptOutNegative | ConsentType::OptOutPositive => said!(lawful_basis),
        };
        let told = Told {
            pii_information: said!(pii_information),
            storage_locations: said!(storage_locations),
            retention_period: said!(retention_period),
            jurisdiction: said!(jurisdiction),
            recipient_third_parties: said!(recipient_third_parties),
            withdrawal_method: said!(withdrawal_method),
            privacy_rights: said!(privacy_rights),
            lawful_basis,
        };
        if missing.is_empty() { Ok(told) } else { Err(missing) }
    }
}

impl Party {
    fn check(&self, at: &str, problems: &mut Problems) {
        let texts = [
            ("party_id", Some(&self.party_id)),
            ("party_name", Some(&self.party_name)),
            ("party_address", Some(&self.party_address)),
            ("party_contact", Some(&self.party_contact)),
            ("party_type", Some(&self.party_type)),
            ("party_role", self.party_role.as_ref()),
            ("party_email", self.party_email.as_ref()),
            ("party_url", self.party_url.as_ref()),
            ("party_phone", self.party_phone.as_ref()),
        ];
        for (name, text) in texts {
            text.into_iter().for_each(|text| check_text(&format!("{at}.{name}"), text, problems));
        }
    }
}

fn check_text(at: &str, text: &str, problems: &mut Problems) {
    let is_blank = text.chars().all(|character| character.is_whitespace() || character.is_control());
    if is_blank || text.chars().count() > MAX_TEXT || text.contains('\0') {
        problems.note(at, format!("expected a text of {MAX_TEXT} characters at most, that is not blank and has no NUL"));
    }
}

fn bounded_list(at: &str, length: usize, problems: &mut Problems) {
    if length > MAX_LIST {
        problems.note(at, format!("expected {MAX_LIST} at most"));
    }
}

/// Why a profile cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the profile is not valid")]
    Invalid(Problems),
    #[error("there is no profile yet; put one")]
    NotFound,
    #[error(transparent)]
    Record(#[from] records::Error),
}

/// The profiles of organizations. Cheap to clone.
#[derive(Clone)]
pub struct Profiles {
    records: Records,
}

/// A profile and which version of it.
#[derive(Clone, Debug)]
pub struct Numbered {
    pub version: u64,
    pub at: Timestamp,
    pub profile: Profile,
}

impl From<Versioned<Profile>> for Numbered {
    fn from(Versioned { version, at, value }: Versioned<Profile>) -> Self {
        Self { version, at, profile: value }
    }
}

impl Profiles {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { records: Records::new(store) }
    }

    /// The current profile.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Record`].
    pub async fn get(&self, organization: &str) -> Result<Numbered, Error> {
        let found = self.records.get::<Profile>(&key(organization)).await?;
        found.map(Numbered::from).ok_or(Error::NotFound)
    }

    /// Replaces the profile; the same one again is no new version.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Record`].
    pub async fn put(&self, organization: &str, profile: Profile, at: Timestamp) -> Result<(), Error> {
        let mut problems = profile.problems();
        if serde_json::to_vec(&profile).map_or(usize::MAX, |json| json.len()) > MAX_BYTES {
            problems.note("", format!("a profile may have {MAX_BYTES} bytes"));
        }
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        let decide = |current: Option<Versioned<Profile>>| {
            Ok::<_, Error>((current.is_none_or(|current| current.value != profile)).then(|| profile.clone()))
        };
        self.records.update(&key(organization), at, decide).await?;
        Ok(())
    }

    /// The profile for what was recorded at a moment: the one of then, if it says all that `suits` asks for, otherwise the first one after
    /// it that does; the current one if none does.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Record`].
    pub(super) async fn of_moment(
        &self,
        organization: &str,
        moment: Timestamp,
        suits: impl Fn(&Profile) -> bool,
    ) -> Result<Numbered, Error> {
        let (mut before, mut looked) = (None, 0);
        let (mut newest, mut best) = (None, None);
        loop {
            let page = self.records.history::<Profile>(&key(organization), before, 100).await?;
            looked += page.items.len();
            for version in page.items {
                let (is_of_then, suits) = (version.at <= moment, suits(&version.value));
                if newest.is_none() {
                    newest = Some(version.clone());
                }
                if suits {
                    best = Some(version);
                }
                if is_of_then {
                    return best.or(newest).map(Numbered::from).ok_or(Error::NotFound);
                }
            }
            before = page.next;
            if before.is_none() || looked >= MAX_VERSIONS {
                return best.or(newest).map(Numbered::from).ok_or(Error::NotFound);
            }
        }
    }
}

fn key(organization: &str) -> RecordKey {
    RecordKey::new(organization, COLLECTION, CURRENT)
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::Duration;
    use store::model::Model;

    use super::*;

    /// A profile that lacks nothing.
    pub fn whole() -> Profile {
        serde_json::from_value(serde_json::json!({
            "parties": [{
                "party_id": "acme", "party_name": "Acme S.A.", "party_address": "Calle Mayor 1, Madrid", "party_contact": "dpo@acme.test",
                "party_type": "controller",
            }],
            "pii_controllers": ["acme"],
            "pii_information": [{"pii_type": "Email"}],
            "storage_locations": ["ES"],
            "retention_period": "P3Y",
            "jurisdiction": "ES",
            "recipient_third_parties": [],
            "withdrawal_method": "any shop, or the link in each message",
            "privacy_rights": ["access", "erasure"],
            "lawful_basis": "https://w3id.org/dpv/legal/eu/gdpr#A6-1-f",
        }))
        .unwrap()
    }

    #[test]
    fn what_a_receipt_lacks_is_named() {
        assert!(whole().problems().is_empty());
        assert_eq!(whole().tell("C01", ConsentType::OptIn).unwrap().lawful_basis, CONSENT);
        assert!(whole().tell("C01", ConsentType::OptOutPositive).unwrap().lawful_basis.ends_with("A6-1-f"));
        let mut lacking = whole();
        (lacking.processing.jurisdiction, lacking.processing.lawful_basis) = (None, None);
        lacking.pii_controllers.clear();
        assert_eq!(lacking.tell("C01", ConsentType::OptIn).unwrap_err(), ["pii_controllers", "jurisdiction"]);
        assert!(lacking.tell("C01", ConsentType::OptOutNegative).unwrap_err().contains(&"lawful_basis"));
        let own = Processing { jurisdiction: Some("FR".into()), lawful_basis: Some("contract".into()), ..Processing::default() };
        lacking.purposes.insert("C01".into(), own);
        lacking.pii_controllers.push("acme".into());
        let told = lacking.tell("C01", ConsentType::OptOutNegative).unwrap();
        assert_eq!((told.jurisdiction.as_str(), told.lawful_basis.as_str()), ("FR", "contract"));
    }

    #[test]
    fn all_that_is_wrong_is_told_with_its_place() {
        let mut wrong = whole();
        wrong.parties.push(Party { party_name: " ".into(), ..wrong.parties[0].clone() });
        wrong.pii_controllers.push("nobody".into());
        wrong.processing.recipient_third_parties = Some(vec!["x".into()]);
        wrong.purposes.insert("c 01".into(), Processing::default());
        let problems = wrong.problems();
        for path in ["parties", "parties[1].party_name", "pii_controllers[1]", "recipient_third_parties[0]", "purposes"] {
            assert!(problems.has(path), "{path}");
        }
    }

    #[tokio::test]
    async fn the_profile_of_the_moment_holds_if_it_says_all() {
        let profiles = Profiles::new(Arc::new(Model::new()));
        let day = |day: i64| Timestamp::UNIX_EPOCH + Duration::days(day);
        assert!(matches!(profiles.get("acme").await, Err(Error::NotFound)));
        profiles.put("acme", Profile::default(), day(1)).await.unwrap();
        profiles.put("acme", whole(), day(3)).await.unwrap();
        profiles.put("acme", whole(), day(4)).await.unwrap();
        let mut moved = whole();
        moved.processing.jurisdiction = Some("FR".into());
        profiles.put("acme", moved, day(5)).await.unwrap();
        let suits = |profile: &Profile| profile.tell("C01", ConsentType::OptIn).is_ok();
        let version = async |moment| profiles.of_moment("acme", moment, suits).await.unwrap().version;
        assert_eq!(version(day(9)).await, 3);
        assert_eq!(version(day(4)).await, 2, "the same again was no version");
        assert_eq!(version(day(2)).await, 2, "that of then lacks something");
        assert_eq!(version(day(0)).await, 2);
        assert_eq!(profiles.of_moment("acme", day(9), |_| false).await.unwrap().version, 3);
    }
}
