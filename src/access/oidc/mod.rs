//! Signing in at an OpenID Connect provider: the code flow (OpenID Connect Core 1.0, section 3.1) with PKCE (RFC 7636), state and nonce.
//!
//! What the provider offers is discovered (OpenID Connect Discovery 1.0) when it is first needed, and again each hour; while it is away,
//! what is known goes on. Neither the client's secret nor a code or token is ever part of an error or a log line.

mod options;

use std::sync::Arc;

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;
use reqwest::{StatusCode, Url};
use serde::{Deserialize, Serialize};

pub use super::id_token::Person;
pub use options::Options;

use super::{
    Error as TokenError,
    fetch::{self, secure_url},
    id_token::{Expected, IdTokens},
};

/// Maximum length of a file with a client's secret, in bytes.
const MAX_SECRET_FILE: u64 = 4096;

/// How often what the provider offers is read.
const REFRESH: TimeDelta = TimeDelta::hours(1);

/// How long a provider that did not answer is left alone.
const PAUSE: TimeDelta = TimeDelta::seconds(5);

/// Maximum length of a code that is looked at, in bytes.
const MAX_CODE: usize = 4096;

/// Bytes of randomness in states, nonces and verifiers.
const RANDOM: usize = 32;

/// Why nobody is signed in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It does not answer, or with what cannot be used; the text is for the log.
    #[error("the identity provider is away: {0}")]
    Away(String),
    /// It does not take the code, or not from this client. The text is its own word for it.
    #[error("the identity provider refuses: {0}")]
    Refused(String),
    /// Its ID token is not accepted.
    #[error("the ID token is not accepted: {0}")]
    Token(#[from] TokenError),
    #[error("the system gives no randomness")]
    Randomness,
}

/// What a browser must bring back from the provider; it is kept sealed meanwhile.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Ties the answer to this browser.
    pub state: String,
    /// Ties the ID token to this sign-in.
    pub nonce: String,
    /// Ties the code to this sign-in (RFC 7636).
    pub verifier: String,
}

impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Begun(..)")
    }
}

/// The identity provider of staff. Cheap to clone.
#[derive(Clone)]
pub struct Provider(Arc<Inner>);

struct Inner {
    options: Options,
    secret: Option<String>,
    leeway: TimeDelta,
    redirect_uri: String,
    client: reqwest::Client,
    known: Mutex<State>,
    /// Held by the one request that reads what the provider offers.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    offer: Option<Arc<Offer>>,
    read_at: Option<DateTime<Utc>>,
    failed_at: Option<DateTime<Utc>>,
}

/// What the provider offers.
struct Offer {
    authorization: Url,
    token: Url,
    /// The secret goes into the body, not into a header (`client_secret_post`).
    posts_secret: bool,
    tokens: IdTokens,
}

/// What is read of the provider's metadata (Discovery, section 3).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Provider {
    /// `base` is the address under which browsers reach this server.
    ///
    /// # Errors
    /// What is wrong with the options, or the file with the secret.
    pub fn new(options: &Options, base: &str, leeway: TimeDelta) -> Result<Self, String> {
        options.check()?;
        let secret = match (&options.client_secret, &options.client_secret_file) {
            (Some(secret), _) => Some(secret.expose().to_owned()),
            (None, Some(path)) => Some(read_secret(path)?),
            (None, None) => None,
        };
        let redirect_uri = format!("{}/console/callback", base.trim_end_matches('/'));
        Ok(Self(Arc::new(Inner {
            secret,
            leeway,
            redirect_uri,
            client: fetch::client()?,
            known: Mutex::default(),
            reading: tokio::sync::Mutex::new(()),
            options: options.clone(),
        })))
    }

    /// Its name for people: the host.
    pub fn host(&self) -> String {
        let url = Url::parse(&self.0.options.issuer).ok();
        url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| self.0.options.issuer.clone())
    }

    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// The origin of its sign-in page; `None` while it is away.
    pub async fn origin(&self, now: DateTime<Utc>) -> Option<String> {
        Some(self.offer(now).await.ok()?.authorization.origin().ascii_serialization())
    }

    /// Where a browser is sent to sign in, and what it must bring back.
    ///
    /// # Errors
    /// [`Error::Away`], [`Error::Randomness`].
    pub async fn begin(&self, now: DateTime<Utc>) -> Result<(Url, Begun), Error> {
        let offer = self.offer(now).await?;
        let begun = Begun { state: random()?, nonce: random()?, verifier: random()? };
        let scope =
            std::iter::once("openid").chain(self.0.options.scopes.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, begun.verifier.as_bytes()));
        let mut url = offer.authorization.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.0.options.client_id)
            .append_pair("redirect_uri", &self.0.redirect_uri)
            .append_pair("scope", &scope)
            .append_pair("state", &begun.state)
            .append_pair("nonce", &begun.nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok((url, begun))
    }

    /// Who signed in, by the code that the browser brought back.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn finish(&self, code: &str, begun: &Begun, now: DateTime<Utc>) -> Result<Person, Error> {
        if code.is_empty() || code.len() > MAX_CODE {
            return Err(Error::Refused("invalid_request".into()));
        }
        let offer = self.offer(now).await?;
        let token = self.exchange(&offer, code, &begun.verifier).await?;
        let mut person = offer.tokens.verify(&token, &begun.nonce, now).await?;
        let allowed = &self.0.options.organizations;
        if !allowed.is_empty() {
            person.organizations.retain(|organization| allowed.contains(organization));
        }
        Ok(person)
    }

    /// The ID token for a code (section 3.1.3).
    async fn exchange(&self, offer: &Offer, code: &str, verifier: &str) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Tokens {
            id_token: String,
        }
        #[derive(Deserialize)]
        struct Failure {
            error: String,
        }
        let client_id = self.0.options.client_id.as_str();
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &self.0.redirect_uri)
            .append_pair("code_verifier", verifier);
        let mut request = self.0.client.post(offer.token.clone());
        match &self.0.secret {
            // Both parts are encoded first (RFC 6749, 2.3.1).
            Some(secret) if !offer.posts_secret => {
                let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let basic = STANDARD.encode(format!("{}:{}", encoded(client_id), encoded(secret)));
                request = request.header("authorization", format!("Basic {basic}"));
            }
            Some(secret) => _ = form.append_pair("client_id", client_id).append_pair("client_secret", secret),
            None => _ = form.append_pair("client_id", client_id),
        }
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form.finish());
        let (status, body) = fetch::answer(request).await.map_err(Error::Away)?;
        match status {
            StatusCode::OK => serde_json::from_slice::<Tokens>(&body)
                .map(|tokens| tokens.id_token)
                .map_err(|_| Error::Away("its answer to a code has no ID token".into())),
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => {
                let word =
                    serde_json::from_slice::<Failure>(&body).map_or_else(|_| status.as_str().to_owned(), |failure| failure.error);
                Err(Error::Refused(error_word(&word)))
            }
            _ => Err(Error::Away(format!("it answered {status} to a code"))),
        }
    }

    async fn offer(&self, now: DateTime<Utc>) -> Result<Arc<Offer>, Error> {
        if let Some(offer) = self.known(now)? {
            return Ok(offer);
        }
        let _reading = self.0.reading.lock().await;
        // Somebody else may have read it meanwhile.
        if let Some(offer) = self.known(now)? {
            return Ok(offer);
        }
        let read = self.read().await;
        let mut state = self.0.known.lock();
        match read {
            Ok(offer) => {
                let offer = Arc::new(offer);
                *state = State { offer: Some(offer.clone()), read_at: Some(now), failed_at: None };
                Ok(offer)
            }
            Err(reason) => {
                tracing::warn!(issuer = self.0.options.issuer, reason, "what the identity provider offers cannot be read");
                state.failed_at = Some(now);
                state.offer.clone().ok_or(Error::Away(reason))
            }
        }
    }

    /// What is known, if it is fresh or the provider is being left alone; `None`: it is to be read.
    fn known(&self, now: DateTime<Utc>) -> Result<Option<Arc<Offer>>, Error> {
        let state = self.0.known.lock();
        let is_within =
            |since: Option<DateTime<Utc>>, span: TimeDelta| since.is_some_and(|since| now >= since && now - since < span);
        if is_within(state.read_at, REFRESH) {
            return Ok(state.offer.clone());
        }
        if !is_within(state.failed_at, PAUSE) {
            return Ok(None);
        }
        let away = || Error::Away("it did not answer a moment ago".into());
        state.offer.clone().map(Some).ok_or_else(away)
    }

    async fn read(&self) -> Result<Offer, String> {
        let Options { issuer, client_id, organizations_claim, roles_claim, .. } = &self.0.options;
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let (status, body) = fetch::answer(self.0.client.get(secure_url("issuer", &url)?)).await?;
        if status != StatusCode::OK {
            return Err(format!("it answered {status} to the question what it offers"));
        }
        let metadata: Metadata =
            serde_json::from_slice(&body).map_err(|error| format!("its metadata cannot be read: {error}"))?;
        if metadata.issuer != *issuer {
            return Err("its metadata is of another issuer than is configured".into());
        }
        let keys = fetch::Http::of(self.0.client.clone(), secure_url("jwks_uri", &metadata.jwks_uri)?);
        let expected = Expected {
            issuer: issuer.clone(),
            client_id: client_id.clone(),
            leeway: self.0.leeway,
            organizations_claim: organizations_claim.clone(),
            roles_claim: roles_claim.clone(),
        };
        // Without the member a provider takes the header (Discovery, section 3).
        let takes = |method: &str| {
            let methods = metadata.token_endpoint_auth_methods_supported.as_ref();
            methods.is_some_and(|methods| methods.iter().any(|own| own == method))
        };
        Ok(Offer {
            authorization: secure_url("authorization_endpoint", &metadata.authorization_endpoint)?,
            token: secure_url("token_endpoint", &metadata.token_endpoint)?,
            posts_secret: takes("client_secret_post") && !takes("client_secret_basic"),
            tokens: IdTokens::new(expected, Arc::new(keys)),
        })
    }
}

/// A word for an error as RFC 6749 has them (4.1.2.1, 5.2), safe to show and to log.
pub fn error_word(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit();
    let is_word = !word.is_empty() && word.len() <= 40 && word.bytes().all(is_plain);
    if is_word { word.to_owned() } else { "unknown_error".to_owned() }
}

fn random() -> Result<String, Error> {
    let mut bytes = [0; RANDOM];
    rand::fill(&mut bytes).map_err(|_| Error::Randomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn read_secret(path: &std::path::Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("client_secret_file: {} cannot be read: {error}", path.display());
    if std::fs::metadata(path).map_err(unreadable)?.len() > MAX_SECRET_FILE {
        return Err(format!("client_secret_file: {} is too long", path.display()));
    }
    let secret = std::fs::read_to_string(path).map_err(unreadable)?;
    match secret.trim() {
        "" => Err(format!("client_secret_file: {} is empty", path.display())),
        secret => Ok(secret.to_owned()),
    }
}
