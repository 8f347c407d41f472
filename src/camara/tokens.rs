//! Access tokens: one for all numbers by client credentials (RFC 6749, 4.4), or one for each number by OpenID Connect CIBA in poll mode.

use std::{collections::HashMap, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use parking_lot::Mutex;
use reqwest::{
    Method, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep_until};

use super::{Failure, MAX_ANSWER, Question, number};
use crate::{
    catalogue::sign_configuration::Flow,
    channels::Secret,
    outbound::{self, Http, secret_header},
};

/// Maximum number of tokens that are kept.
const MAX_TOKENS: usize = 1024;

/// Maximum length of a token, in bytes.
const MAX_TOKEN: usize = 8192;

/// A token is used for no longer than this, whatever it says.
const MAX_LIFETIME: Duration = Duration::from_secs(3600);

/// A token that is about to end is not used.
const MARGIN: Duration = Duration::from_secs(30);

/// Bounds of the wait between two looks at an authentication, and the wait where the operator names none (CIBA Core 1.0, 7.3: 5 seconds; a code
/// that waits has less time than that).
const MIN_INTERVAL: Duration = Duration::from_millis(50);
const INTERVAL: Duration = Duration::from_secs(1);

/// Maximum number of looks at one authentication.
const MAX_LOOKS: u32 = 20;

/// Whose token it is for what. The version of the settings stands for client, addresses and secret.
type Key = (String, u64, String);

#[derive(Default)]
pub(super) struct Tokens(Mutex<HashMap<Key, (Secret, Instant)>>);

fn key(question: &Question<'_>, scope: &str) -> Key {
    (question.organization.to_owned(), question.account.version, scope.to_owned())
}

impl Tokens {
    /// A token for one interface.
    pub(super) async fn get(
        &self,
        http: &Http,
        question: &Question<'_>,
        scope: &str,
        deadline: Instant,
    ) -> Result<Secret, Failure> {
        let operator = &question.account.operator;
        let wanted = match operator.purpose.as_str() {
            "" => scope.to_owned(),
            purpose => format!("{purpose} {scope}"),
        };
        match operator.flow {
            Flow::ClientCredentials => {
                let known = self.0.lock().get(&key(question, scope)).filter(|(_, until)| Instant::now() < *until).cloned();
                if let Some((token, _)) = known {
                    return Ok(token);
                }
                let form = [("grant_type", "client_credentials"), ("scope", &wanted)];
                let (status, answer) = post(http, question, &operator.token_url, &form, deadline).await?;
                let token = granted(status, &answer)?;
                self.keep(question, scope, &token, &answer);
                Ok(token)
            }
            Flow::Ciba => authenticated(http, question, &format!("openid {wanted}"), deadline).await,
        }
    }

    fn keep(&self, question: &Question<'_>, scope: &str, token: &Secret, answer: &Map<String, Value>) {
        let lifetime = Duration::from_secs(answer.get("expires_in").and_then(Value::as_u64).unwrap_or(0)).min(MAX_LIFETIME);
        let Some(lifetime) = lifetime.checked_sub(MARGIN).filter(|lifetime| !lifetime.is_zero()) else { return };
        let mut tokens = self.0.lock();
        if tokens.len() >= MAX_TOKENS {
            tokens.retain(|_, (_, until)| Instant::now() < *until);
        }
        if tokens.len() < MAX_TOKENS {
            tokens.insert(key(question, scope), (token.clone(), Instant::now() + lifetime));
        }
    }

    pub(super) fn forget(&self, question: &Question<'_>, scope: &str) {
        self.0.lock().remove(&key(question, scope));
    }
}

/// Asks for an authentication of whoever has the number, and waits until it is there.
async fn authenticated(http: &Http, question: &Question<'_>, scope: &str, deadline: Instant) -> Result<Secret, Failure> {
    let operator = &question.account.operator;
    let url =
        operator.authentication_url.as_deref().ok_or_else(|| Failure::Final("the operator has no address for CIBA".into()))?;
    let hint = format!("tel:{}", number(question)?);
    let (status, answer) = post(http, question, url, &[("scope", scope), ("login_hint", &hint)], deadline).await?;
    let refused =
        || Failure::Final(format!("the operator refused the authentication with {}{}", status.as_u16(), oauth_error(&answer)));
    let id = answer.get("auth_req_id").and_then(Value::as_str).filter(|id| !id.is_empty() && id.len() <= MAX_TOKEN);
    let (StatusCode::OK, Some(id)) = (status, id) else { return Err(refused()) };
    let mut interval = answer.get("interval").and_then(Value::as_u64).map_or(INTERVAL, Duration::from_secs).max(MIN_INTERVAL);
    let form = [("grant_type", "urn:openid:params:grant-type:ciba"), ("auth_req_id", id)];
    for _ in 0..MAX_LOOKS {
        let (status, answer) = post(http, question, &operator.token_url, &form, deadline).await?;
        match answer.get("error").and_then(Value::as_str) {
            Some("authorization_pending") => {}
            Some("slow_down") => interval = interval.saturating_mul(2),
            _ => return granted(status, &answer),
        }
        if Instant::now() + interval >= deadline {
            break;
        }
        sleep_until(Instant::now() + interval).await;
    }
    Err(Failure::Final("the operator did not authenticate the number in time".into()))
}

async fn post(
    http: &Http,
    question: &Question<'_>,
    url: &str,
    form: &[(&str, &str)],
    deadline: Instant,
) -> Result<(StatusCode, Map<String, Value>), Failure> {
    let url = Url::parse(url).map_err(|_| Failure::Final("an address of the operator is no URL".into()))?;
    let operator = &question.account.operator;
    // RFC 6749, 2.3.1: both are encoded as in a form before they are joined.
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let client = format!("{}:{}", encoded(&operator.client_id), encoded(question.account.secret.expose()));
    let basic = secret_header(&format!("Basic {}", STANDARD.encode(client))).map_err(Failure::Final)?;
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = http.request(Method::POST, url).map_err(|error| Failure::from(outbound::Error::from(error)))?;
    let request = request.header(AUTHORIZATION, basic).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
    let answer = http.send(request, deadline, MAX_ANSWER).await?;
    if answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Failure::Transient(format!("the operator answered {} instead of a token", answer.status.as_u16())));
    }
    let parsed =
        serde_json::from_slice(&answer.body).map_err(|_| Failure::Final("the operator's answer holds no token".into()))?;
    Ok((answer.status, parsed))
}

fn granted(status: StatusCode, answer: &Map<String, Value>) -> Result<Secret, Failure> {
    let token = answer.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty() && token.len() <= MAX_TOKEN);
    let bearer = answer.get("token_type").and_then(Value::as_str).is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    match token {
        Some(token) if status == StatusCode::OK && bearer => Ok(Secret::new(token)),
        _ => Err(Failure::Final(format!("the operator refused a token with {}{}", status.as_u16(), oauth_error(answer)))),
    }
}

/// The code of an error as RFC 6749, 5.2, and CIBA list them; nothing else of it is passed on.
fn oauth_error(answer: &Map<String, Value>) -> String {
    let known = [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "access_denied",
        "expired_token",
        "unknown_user_id",
        "missing_user_code",
        "invalid_user_code",
        "transaction_failed",
    ];
    let code = answer.get("error").and_then(Value::as_str).unwrap_or_default();
    if known.contains(&code) { format!(" ({code})") } else { String::new() }
}
