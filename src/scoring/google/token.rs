//! Access tokens for Google: one that the organization keeps valid, or one asked for with the key of a service account (RFC 7523, as in
//! Google's "Using OAuth 2.0 for server to server applications") and kept until shortly before its end.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use parking_lot::Mutex;
use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::super::{
    caller::{Caller, Question, json},
    external::token,
    failures::not_configured,
    provider::Failure,
};
use crate::{
    catalogue::sign_configuration::{Google, ServiceAccount},
    channels::Secret,
};

/// What the token is for.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// How long the assertion is valid, in seconds: Google's maximum.
const ASSERTION: i64 = 3600;

/// How long before its end a token is not used any more.
const MARGIN: Duration = Duration::from_secs(60);

/// Maximum number of tokens that are kept.
const MAX_TOKENS: usize = 1024;

/// Whose token: organization, account, key.
type Key = (String, String, Option<String>);

/// The tokens that are valid; a cheap handle.
#[derive(Clone, Default)]
pub struct Tokens(Arc<Mutex<HashMap<Key, (Secret, Instant)>>>);

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'static str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u64,
}

impl Tokens {
    /// A token; with `fresh` not the one that was used before.
    ///
    /// # Errors
    /// [`Failure`], of the connection or of where tokens are asked for.
    pub async fn get(&self, google: &Google, caller: &Caller, question: &Question<'_>, fresh: bool) -> Result<Secret, Failure> {
        let account = match (&google.access_token, &google.service_account) {
            (Some(token), _) => return Ok(token.clone()),
            (None, Some(account)) => account,
            (None, None) => return Err(not_configured("there is neither an access token nor a service account")),
        };
        let key = (question.organization.to_owned(), account.client_email.clone(), account.private_key_id.clone());
        if !fresh
            && let Some((token, until)) = self.0.lock().get(&key)
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let (token, lasts) = ask(account, caller, question).await?;
        let mut tokens = self.0.lock();
        if tokens.len() >= MAX_TOKENS {
            // Rare enough that starting over is cheaper than keeping an order of use.
            tokens.clear();
        }
        tokens.insert(key, (token.clone(), Instant::now() + lasts.saturating_sub(MARGIN)));
        Ok(token)
    }
}

async fn ask(account: &ServiceAccount, caller: &Caller, question: &Question<'_>) -> Result<(Secret, Duration), Failure> {
    let endpoint: Url = account.token_uri.parse().map_err(|_| not_configured("token_uri is no URL"))?;
    let assertion = assertion(account)?;
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
        .append_pair("assertion", &assertion)
        .finish();
    let build = || {
        let request = caller.http().request(Method::POST, endpoint.clone())?;
        Ok(request.header("content-type", "application/x-www-form-urlencoded").body(body.clone()))
    };
    let granted: Granted = json(&caller.send(question, &[], build).await?)?;
    // A day at most, whatever it says.
    Ok((token(granted.access_token)?, Duration::from_secs(granted.expires_in.min(86_400))))
}

fn assertion(account: &ServiceAccount) -> Result<String, Failure> {
    // The wall clock: Google compares it with its own.
    let now = Utc::now().timestamp();
    let claims = Claims { iss: &account.client_email, scope: SCOPE, aud: &account.token_uri, iat: now, exp: now + ASSERTION };
    let header = Header { kid: account.private_key_id.clone(), ..Header::new(Algorithm::RS256) };
    let key = EncodingKey::from_rsa_pem(account.private_key.expose().as_bytes());
    // The cause is not passed on: it may quote the key.
    let signed = key.and_then(|key| jsonwebtoken::encode(&header, &claims, &key));
    signed.map_err(|_| not_configured("the private key of the service account cannot sign"))
}
