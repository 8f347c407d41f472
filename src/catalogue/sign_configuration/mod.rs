//! An organization's settings for signing, with the PKCS#12 file under which its documents are sealed.
//!
//! File and password are kept sealed under the server's master key, bound to their organization, and leave this module
//! only as an opened [`Identity`]: never in an answer, a log line or an error. So are the addresses and credentials of its own scoring
//! providers, which leave it as [`Connections`].

mod biometric_policy;
mod configuration;
mod contact_policy;
mod examination;
mod fields;
mod identification;
mod last_seals;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::TimeDelta;
use documents::{
    Level,
    pkcs12::{self, Identity},
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use store::{Store, Timestamp, blobs::Digest};
use workflows::sign_process::TIME_LIMIT;
use workflows::values::{Problem, Problems, duration};

pub use biometric_policy::BiometricPolicy;
pub use configuration::{Certificate, Scoring, SignConfiguration};
pub use contact_policy::{ContactPolicy, Flow, Operator, OperatorAccount};
pub use fields::{Channel, ProviderRule, ProviderType, SignType};
pub use identification::{Connections, Documents, External, Google, Levels, ServiceAccount, Veridas};

use self::identification::IdentificationChange;
use self::last_seals::LastSeals;
use super::Error as CatalogueError;
use super::item::{Act, Found, Item, Items, Kind};
use super::remembered::{Changing, Remembered};
use crate::cpu_pool::{CpuPool, Job, Work};
use crate::keys::Keys;
use crate::outbound::Reach;
use crate::records::{self, Records, Versioned};
use crate::trust_services::Offer;

/// An organization has one configuration; its versions are its history.
const KEY: &str = "current";

/// Purpose of the key under which file and password are sealed.
const PURPOSE: &str = "sign-configuration/v1";

/// Purpose of the key under which the connections to scoring providers are sealed.
const CONNECTIONS_PURPOSE: &str = "scoring-connections/v1";
/// Purpose of the key under which the secret of the operator's client is sealed.
const OPERATOR_PURPOSE: &str = "number-operator/v1";

/// Largest PKCS#12 file, in bytes; sealed and in base64 it must fit a record with room to spare.
pub const MAX_CERTIFICATE: usize = 64 * 1024;

/// Maximum length of a password, in bytes.
pub const MAX_PASSWORD: usize = 1024;

/// Maximum number of opened identities kept in memory.
const MAX_OPENED: usize = 1024;

/// How long what was read is taken for what is stored, on a server that has its store for itself. It sees its changes at once; this bounds what one that
/// was given up half-way could leave behind.
const REMEMBERED: Duration = Duration::from_secs(1);

/// Maximum number of organizations that are remembered to have a configuration.
const MAX_KNOWN: usize = 16 * 1024;

/// Why a configuration cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The organization has none.
    #[error("the organization has no sign configuration")]
    NotFound,
    /// The PKCS#12 file does not open with the password given.
    #[error("the certificate does not open with the given password")]
    WrongPassword,
    /// What was sent cannot become a configuration.
    #[error("the sign configuration is not valid")]
    Invalid(Problems),
    /// What is stored sealed does not open any more: another master key, or a damaged record.
    #[error("the stored certificate or connection cannot be opened: {0}")]
    Unusable(String),
    /// The stored certificate, or one above it, is not valid at the time.
    #[error("{0}")]
    NotValid(String),
    /// The catalogue failed.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

impl From<records::Error> for Error {
    fn from(error: records::Error) -> Self {
        Self::Catalogue(error.into())
    }
}

/// What a client sends, as it was sent; on creation every member but the last is needed, on update each replaces what was there.
#[derive(Default)]
pub struct Change {
    /// URL of the sign pages.
    pub landing_url: Option<String>,
    /// Time limit of sign processes, ISO-8601.
    pub expiration_duration: Option<String>,
    /// Channels on which notices are sent.
    pub channels: Option<Vec<String>>,
    /// The PKCS#12 file.
    pub content: Option<Bytes>,
    /// Its password.
    pub sign_certificate_password: Option<String>,
    /// Where notices about the certificate go.
    pub notification_email: Option<String>,
    /// JSON array of provider rules, or the object with the members `providers`, `connections` and `levels`.
    pub identification_config: Option<String>,
    /// JSON object of the contact policy.
    pub contact_policy: Option<String>,
    /// JSON object of the settings of signatures by hand.
    pub biometric_policy: Option<String>,
    /// Level of seals, by its name; empty: that of the server.
    pub signature_level: Option<String>,
}

/// The record. `sealed` is file and password, as [`Secret`], sealed and in base64.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Stored {
    landing_url: String,
    #[serde(with = "duration")]
    expiration_duration: TimeDelta,
    channels: Vec<Channel>,
    certificate: Certificate,
    notification_email: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    providers: Option<Vec<ProviderRule>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    connected: Vec<String>,
    #[serde(default, skip_serializing_if = "Levels::is_empty")]
    levels: Levels,
    /// The connections by provider, as the client sent them, sealed and in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    connections: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contact_policy: Option<ContactPolicy>,
    /// The secret of the operator's client, sealed and in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operator_secret: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    biometric_policy: Option<BiometricPolicy>,
    /// `None`: that of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature_level: Option<Level>,
    sealed: String,
}

impl Kind for Stored {
    const COLLECTION: &'static str = "sign_configuration";
    const KEY_IS_FREED: bool = false;
}

#[derive(Serialize, Deserialize)]
struct Secret {
    /// Base64.
    file: String,
    password: String,
}

/// A change whose members were all understood.
struct Checked {
    landing_url: Option<String>,
    expiration_duration: Option<TimeDelta>,
    channels: Option<Vec<Channel>>,
    notification_email: Option<String>,
    identification: IdentificationChange,
    contact_policy: Option<ContactPolicy>,
    biometric_policy: Option<BiometricPolicy>,
    /// `Some(None)`: from now on that of the server.
    signature_level: Option<Option<Level>>,
    /// Facts of the new certificate and its sealed file.
    certificate: Option<(Certificate, String)>,
}

/// An identity, and the version of the record that it was opened from.
struct Opened {
    version: u64,
    identity: Arc<Identity>,
}

/// The configurations of all organizations; a cheap handle.
#[derive(Clone)]
pub struct SignConfigurations {
    items: Items<Stored>,
    keys: Keys,
    cpu: CpuPool,
    /// Which addresses connections may have.
    reach: Reach,
    /// Which levels seals can have.
    offer: Offer,
    opened: Arc<Mutex<HashMap<String, Opened>>>,
    /// What was read a moment ago, where no other server writes.
    remembered: Option<Arc<Remembered<SignConfiguration>>>,
    seals: LastSeals,
    /// Organizations that have one. Nothing takes a configuration away, whoever wrote it, so what was true once stays true.
    known: Arc<Mutex<HashSet<String>>>,
}

impl SignConfigurations {
    /// Over a store, with the keys that seal the certificates, and the pool in which their files are opened.
    pub fn new(store: Arc<dyn Store>, keys: Keys, cpu: CpuPool) -> Self {
        let records = Records::new(store);
        Self {
            items: Items::new(records.clone()),
            keys,
            cpu,
            reach: Reach::default(),
            offer: Offer::default(),
            opened: Arc::default(),
            remembered: None,
            seals: LastSeals::new(records),
            known: Arc::default(),
        }
    }

    /// The same, on a server that has its store for itself: what was read a moment ago is not read again.
    pub fn remembering(self) -> Self {
        Self { remembered: Some(Arc::new(Remembered::new(REMEMBERED))), ..self }
    }

    /// The same, where connections may have other addresses than those of the public internet.
    pub fn reaching(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }

    /// The same, where seals can have other levels than the lowest.
    pub fn offering(self, offer: Offer) -> Self {
        Self { offer, ..self }
    }

    /// When certificates last sealed.
    pub fn seals(&self) -> &LastSeals {
        &self.seals
    }

    /// The configuration of an organization, `None` if it has none.
    ///
    /// # Errors
    /// [`Error::Catalogue`].
    pub async fn load(&self, organization: &str) -> Result<Option<SignConfiguration>, Error> {
        let Some(remembered) = &self.remembered else { return self.read(organization).await };
        let changes = match remembered.find(organization, Instant::now()) {
            Ok(configuration) => return Ok(Some(configuration)),
            Err(changes) => changes,
        };
        let read = self.read(organization).await?;
        if let Some(configuration) = &read {
            remembered.keep(organization, configuration, changes, Instant::now());
        }
        Ok(read)
    }

    async fn read(&self, organization: &str) -> Result<Option<SignConfiguration>, Error> {
        let stored = self.stored(organization).await?;
        Ok(stored.map(|Versioned { version, value, .. }| SignConfiguration {
            version,
            landing_url: value.landing_url,
            expiration_duration: value.expiration_duration,
            channels: value.channels,
            certificate: value.certificate,
            notification_email: value.notification_email,
            providers: value.providers,
            connected: value.connected,
            levels: value.levels,
            contact_policy: value.contact_policy,
            biometric_policy: value.biometric_policy,
            signature_level: value.signature_level,
        }))
    }

    /// The scoring providers and levels of an organization; none of its own without a configuration.
    ///
    /// # Errors
    /// [`Error::Unusable`], [`Error::Catalogue`].
    pub async fn scoring(&self, organization: &str) -> Result<Scoring, Error> {
        let Some(stored) = self.stored(organization).await? else { return Ok(Scoring::default()) };
        let members = self.open_connections(organization, stored.value.connections.as_deref())?;
        let connections = Connections::read(&members).map_err(Error::Unusable)?;
        Ok(Scoring { connections, levels: stored.value.levels })
    }

    /// How the operator of phones is asked for an organization; `None` if it names none.
    ///
    /// # Errors
    /// [`Error::Unusable`], [`Error::Catalogue`].
    pub async fn operator(&self, organization: &str) -> Result<Option<OperatorAccount>, Error> {
        let Some(stored) = self.stored(organization).await? else { return Ok(None) };
        let (version, stored) = (stored.version, stored.value);
        let (Some(policy), Some(sealed)) = (stored.contact_policy, stored.operator_secret) else { return Ok(None) };
        let Some(operator) = policy.operator.clone() else { return Ok(None) };
        let secret: String = self.unseal(OPERATOR_PURPOSE, organization, &sealed)?;
        Ok(Some(OperatorAccount { version, policy, operator, secret: crate::channels::Secret::new(secret) }))
    }

    /// Whether an organization has a configuration; for those that do, mostly without asking the store.
    ///
    /// # Errors
    /// [`Error::Catalogue`].
    pub async fn exists(&self, organization: &str) -> Result<bool, Error> {
        if self.known.lock().contains(organization) {
            return Ok(true);
        }
        let exists = self.load(organization).await?.is_some();
        let mut known = self.known.lock();
        if exists && known.len() < MAX_KNOWN {
            known.insert(organization.to_owned());
        }
        Ok(exists)
    }

    /// Stores a whole configuration. An organization that has one already gets it replaced, as a new version: the contract
    /// lists no conflict here, and the history keeps the one before.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is missing or wrong, [`Error::WrongPassword`], [`Error::Catalogue`].
    pub async fn create(&self, organization: &str, change: Change, act: impl Into<Act<'_>>) -> Result<(), Error> {
        let act = act.into();
        let sets_level = change.signature_level.is_some();
        let stored = self.whole(organization, change, act.at).await?;
        let decide = |current: Option<Stored>| {
            let mut stored = stored.clone();
            // Who does not know these additions must not turn them off.
            let Some(current) = current else { return Ok(stored) };
            if stored.contact_policy.is_none() {
                (stored.contact_policy, stored.operator_secret) = (current.contact_policy, current.operator_secret);
            }
            if !sets_level {
                stored.signature_level = current.signature_level;
            }
            Ok(stored)
        };
        self.change(organization, "created", act, decide).await?;
        self.warn_of_channels(organization).await;
        Ok(())
    }

    /// Stores a whole configuration unless the organization has one already.
    ///
    /// # Errors
    /// As [`SignConfigurations::create`].
    pub async fn provide(&self, organization: &str, change: Change, now: Timestamp) -> Result<(), Error> {
        let stored = self.whole(organization, change, now).await?;
        let _changing = self.changing(organization);
        self.items.create(organization, KEY, stored, "provided", now.into()).await?;
        Ok(())
    }

    async fn whole(&self, organization: &str, change: Change, now: Timestamp) -> Result<Stored, Error> {
        let missing = missing_members(&change);
        let checked = self.check(organization, change, missing, now).await?;
        let (Some(landing_url), Some(expiration_duration), Some(channels), Some(notification_email), Some(certificate)) =
            (checked.landing_url, checked.expiration_duration, checked.channels, checked.notification_email, checked.certificate)
        else {
            return Err(Error::Invalid(Problems::default()));
        };
        let (certificate, sealed) = certificate;
        let mut stored = Stored {
            landing_url,
            expiration_duration,
            channels,
            certificate,
            notification_email,
            providers: None,
            connected: Vec::new(),
            levels: Levels::new(),
            connections: None,
            contact_policy: None,
            operator_secret: None,
            biometric_policy: checked.biometric_policy,
            signature_level: checked.signature_level.flatten(),
            sealed,
        };
        self.set_identification(organization, &mut stored, &checked.identification)?;
        self.set_contact_policy(organization, &mut stored, checked.contact_policy)?;
        Ok(stored)
    }

    fn set_identification(&self, organization: &str, stored: &mut Stored, change: &IdentificationChange) -> Result<(), Error> {
        if let Some(providers) = &change.providers {
            stored.providers = Some(providers.clone());
        }
        if let Some(levels) = &change.levels {
            stored.levels = levels.clone();
        }
        if change.connections.is_empty() {
            return Ok(());
        }
        let mut members = self.open_connections(organization, stored.connections.as_deref())?;
        members.extend(change.connections.clone());
        members.retain(|_, connection| !connection.is_null());
        stored.connected = Connections::read(&members).map_err(Error::Unusable)?.names().into_iter().map(Into::into).collect();
        stored.connections = match members.is_empty() {
            true => None,
            false => Some(self.seal(CONNECTIONS_PURPOSE, organization, &members)?),
        };
        Ok(())
    }

    fn open_connections(&self, organization: &str, sealed: Option<&str>) -> Result<Map<String, Value>, Error> {
        sealed.map_or(Ok(Map::new()), |sealed| self.unseal(CONNECTIONS_PURPOSE, organization, sealed))
    }

    /// Replaces the members that were sent; the others keep their values.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`] with everything that is wrong (a new certificate without its password
    /// included), [`Error::WrongPassword`], [`Error::Catalogue`].
    pub async fn update(&self, organization: &str, change: Change, act: impl Into<Act<'_>>) -> Result<(), Error> {
        let act = act.into();
        if self.load(organization).await?.is_none() {
            return Err(Error::NotFound);
        }
        let checked = self.check(organization, change, Problems::default(), act.at).await?;
        self.change(organization, "updated", act, |current| {
            let mut stored = current.ok_or(Error::NotFound)?;
            stored.landing_url = checked.landing_url.clone().unwrap_or(stored.landing_url);
            stored.expiration_duration = checked.expiration_duration.unwrap_or(stored.expiration_duration);
            stored.channels = checked.channels.clone().unwrap_or(stored.channels);
            stored.notification_email = checked.notification_email.clone().unwrap_or(stored.notification_email);
            self.set_identification(organization, &mut stored, &checked.identification)?;
            self.set_contact_policy(organization, &mut stored, checked.contact_policy.clone())?;
            stored.biometric_policy = checked.biometric_policy.clone().or(stored.biometric_policy);
            stored.signature_level = checked.signature_level.unwrap_or(stored.signature_level);
            (stored.certificate, stored.sealed) = checked.certificate.clone().unwrap_or((stored.certificate, stored.sealed));
            Ok(stored)
        })
        .await?;
        self.warn_of_channels(organization).await;
        Ok(())
    }

    /// Replaces the contact policy, if one was sent. A secret that is left out stays where client and addresses do: to others it is not given.
    fn set_contact_policy(&self, organization: &str, stored: &mut Stored, policy: Option<ContactPolicy>) -> Result<(), Error> {
        let Some(mut policy) = policy else { return Ok(()) };
        let known = stored.contact_policy.as_ref().and_then(|known| known.operator.as_ref());
        let stays = known.zip(policy.operator.as_ref()).is_some_and(|(known, operator)| known.is_same_client(operator));
        let given = policy.operator.as_mut().and_then(|operator| operator.client_secret.take());
        stored.operator_secret = match (&policy.operator, given) {
            (None, _) => None,
            (Some(_), Some(secret)) => Some(self.seal(OPERATOR_PURPOSE, organization, &secret.expose())?),
            (Some(_), None) if stays => stored.operator_secret.take(),
            (Some(_), None) => {
                let message = "operator.client_secret: a new client or address needs it in the same request".to_owned();
                return Err(Error::Invalid(Problem { path: "contact_policy".into(), message }.into()));
            }
        };
        stored.contact_policy = Some(policy);
        Ok(())
    }

    /// The identity under which an organization's documents are sealed at `now`. Opened once per version of the record, and again
    /// when the certificate has ended, as the file may hold a further one: opening takes milliseconds of key derivation or more,
    /// looking up the version one read.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Unusable`], [`Error::NotValid`], [`Error::Catalogue`].
    pub async fn identity(&self, organization: &str, now: Timestamp) -> Result<Arc<Identity>, Error> {
        let stored = self.stored(organization).await?.ok_or(Error::NotFound)?;
        if let Some(opened) = self.opened.lock().get(organization)
            && opened.version == stored.version
            && opened.identity.check(now).is_ok()
        {
            return Ok(Arc::clone(&opened.identity));
        }
        let secret: Secret = self.unseal(PURPOSE, organization, &stored.value.sealed)?;
        let file = STANDARD.decode(secret.file).map_err(|_| Error::Unusable("its encoding is wrong".into()))?;
        let identity = self.open(organization, file.into(), secret.password, now).await?;
        let identity = identity.map_err(|error| match error {
            pkcs12::Error::Expired { .. } | pkcs12::Error::NotYetValid { .. } => Error::NotValid(error.to_string()),
            other => Error::Unusable(other.to_string()),
        });
        let identity = Arc::new(identity?);
        let mut opened = self.opened.lock();
        if opened.len() >= MAX_OPENED && !opened.contains_key(organization) {
            // Rare enough that starting over is cheaper than keeping an order of use.
            opened.clear();
        }
        opened.insert(organization.to_owned(), Opened { version: stored.version, identity: Arc::clone(&identity) });
        Ok(identity)
    }

    async fn stored(&self, organization: &str) -> Result<Option<Versioned<Stored>>, Error> {
        let found = self.items.find(organization, KEY).await?;
        Ok(found.map(|Found { version, at, item }| Versioned { version, at, value: item.value }))
    }

    /// Tells those who operate the server that whoever reads an organization's link reads its codes.
    async fn warn_of_channels(&self, organization: &str) {
        if let Ok(Some(configuration)) = self.load(organization).await
            && !configuration.separates_channels()
        {
            tracing::warn!(
                organization,
                "the link to sign and the code go to the same channel: contact_policy.separate_channels, with a channel to mail and one to phones, \
                 sets them apart"
            );
        }
    }

    /// What changes nothing makes no version.
    async fn change(
        &self,
        organization: &str,
        what: &str,
        act: Act<'_>,
        decide: impl Fn(Option<Stored>) -> Result<Stored, Error>,
    ) -> Result<(), Error> {
        let change = |current: Option<Item<Stored>>| {
            let changed = decide(current.as_ref().map(|item| item.value.clone()))?;
            Ok(match current {
                None => Some(Item::new(changed)),
                Some(item) if item.value == changed => None,
                Some(item) => Some(item.with(changed)),
            })
        };
        let _changing = self.changing(organization);
        self.items.change(organization, KEY, what, act, change).await.map(drop)
    }

    fn changing<'a>(&'a self, organization: &'a str) -> Option<Changing<'a, SignConfiguration>> {
        self.remembered.as_ref().map(|remembered| remembered.changing(organization))
    }

    /// Checks each member that is there; `problems` are those found before. The password is judged last, as its 401 must
    /// not hide a 400.
    async fn check(&self, organization: &str, change: Change, mut problems: Problems, now: Timestamp) -> Result<Checked, Error> {
        let mut read = Reader(&mut problems);
        let landing_url =
            read.member("landing_url", change.landing_url, |url| fields::check_landing_url(&url).map(|()| url.trim().to_owned()));
        let expiration_duration = read.member("expiration_duration", change.expiration_duration, |text| TIME_LIMIT.read(&text));
        let channels = read.member("channels", change.channels, |values| fields::parse_channels(&values));
        let notification_email = read.member("notification_email", change.notification_email, |email| {
            let email = email.trim().to_owned();
            fields::check_email(&email).map(|()| email)
        });
        let identification =
            read.member("identification_config", change.identification_config, |text| identification::parse(&text, &self.reach));
        let contact_policy = read.member("contact_policy", change.contact_policy, |text| {
            ContactPolicy::parse(&text, |url| self.reach.base_url(url).map(drop).map_err(|problem| problem.to_string()))
        });
        let biometric_policy = read.member("biometric_policy", change.biometric_policy, |text| BiometricPolicy::parse(&text));
        let signature_level =
            read.member("signature_level", change.signature_level, |text| fields::parse_level(&text, self.offer));
        let certificate = match (change.content, change.sign_certificate_password) {
            (Some(content), Some(password)) => Some((content, password)),
            (Some(_), None) => {
                // On creation the missing password was noted already.
                if !problems.has("sign_certificate_password") {
                    problems.note("sign_certificate_password", "a new certificate needs its password in the same request");
                }
                None
            }
            (None, Some(_)) => {
                if !problems.has("content") {
                    problems
                        .note("sign_certificate_password", "a password is only taken together with its certificate in content");
                }
                None
            }
            (None, None) => None,
        };
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        let certificate = match certificate {
            Some((content, password)) => Some(self.check_certificate(organization, content, password, now).await?),
            None => None,
        };
        let identification = identification.unwrap_or_default();
        Ok(Checked {
            landing_url,
            expiration_duration,
            channels,
            notification_email,
            identification,
            contact_policy,
            biometric_policy,
            signature_level,
            certificate,
        })
    }

    async fn check_certificate(
        &self,
        organization: &str,
        content: Bytes,
        password: String,
        now: Timestamp,
    ) -> Result<(Certificate, String), Error> {
        let refused = |message: String| Error::Invalid(Problem { path: "content".into(), message }.into());
        if content.len() > MAX_CERTIFICATE {
            return Err(refused(format!("a PKCS#12 file may have {MAX_CERTIFICATE} bytes")));
        }
        if password.len() > MAX_PASSWORD {
            return Err(Error::WrongPassword);
        }
        let identity = match self.open(organization, content.clone(), password.clone(), now).await? {
            Ok(identity) => identity,
            Err(pkcs12::Error::WrongPassword) => return Err(Error::WrongPassword),
            Err(error) => return Err(refused(error.to_string())),
        };
        let sealed = self.seal(PURPOSE, organization, &Secret { file: STANDARD.encode(&content), password })?;
        Ok((identity.facts().into(), sealed))
    }

    /// Opens a key file in the organization's turn: who makes the file says how long that takes.
    async fn open(
        &self,
        organization: &str,
        file: Bytes,
        password: String,
        now: Timestamp,
    ) -> Result<Result<Identity, pkcs12::Error>, CatalogueError> {
        let job = Job::new(organization, file.len() as u64).on(Digest::of(&file), Work::Read);
        Ok(self.cpu.run(job, move |_| Identity::open(&file, &password, now)).await?)
    }

    fn seal(&self, purpose: &str, organization: &str, secret: &impl Serialize) -> Result<String, Error> {
        let plain = serde_json::to_vec(secret).map_err(|_| Error::Unusable("it cannot be encoded".into()))?;
        let sealed = self.keys.seal(purpose, organization.as_bytes(), &plain);
        sealed.map(|sealed| STANDARD.encode(sealed)).map_err(|error| Error::Unusable(error.to_string()))
    }

    fn unseal<T: DeserializeOwned>(&self, purpose: &str, organization: &str, sealed: &str) -> Result<T, Error> {
        let sealed = STANDARD.decode(sealed).map_err(|_| Error::Unusable("its encoding is wrong".into()))?;
        let plain = self.keys.open(purpose, organization.as_bytes(), &sealed);
        let plain = plain.map_err(|error| Error::Unusable(error.to_string()))?;
        // The cause is not passed on: it may quote the secret.
        serde_json::from_slice(&plain).map_err(|_| Error::Unusable("its encoding is wrong".into()))
    }
}

/// Reads the members that are there and notes what is wrong with each.
struct Reader<'a>(&'a mut Problems);

impl Reader<'_> {
    fn member<T, U>(&mut self, name: &'static str, value: Option<T>, read: impl FnOnce(T) -> Result<U, String>) -> Option<U> {
        self.0.take(name, value.map(read)?)
    }
}

fn missing_members(change: &Change) -> Problems {
    let needed = [
        ("landing_url", change.landing_url.is_some()),
        ("expiration_duration", change.expiration_duration.is_some()),
        ("channels", change.channels.is_some()),
        ("content", change.content.is_some()),
        ("sign_certificate_password", change.sign_certificate_password.is_some()),
        ("notification_email", change.notification_email.is_some()),
    ];
    let mut problems = Problems::default();
    needed.into_iter().filter(|(_, present)| !present).for_each(|(name, _)| problems.note(name, "the part is missing"));
    problems
}
