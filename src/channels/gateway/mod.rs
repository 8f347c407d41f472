//! SMS and WhatsApp through a provider's HTTP interface, whatever it looks like: one request for each message.
//!
//! Until a connection stands, nothing can have been taken; from then on only an answer tells. A code is sent in the body
//! only, never in the URL, and nothing of a request or answer is logged.

mod preset;
mod receipt;

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use handlebars::Handlebars;
use percent_encoding::utf8_percent_encode;
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    redirect,
};
use serde_json::{Value, json};
use store::Timestamp;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout, timeout_at},
};

use super::{
    Authentication, Channel, ContentType, GatewayOptions, Message, Method, Outcome, ReceiptStatus, Secret, Success, options,
    reason, texts,
};
use crate::percent::RESERVED;

use crate::outbound;

pub use receipt::Unreadable;

/// Maximum length of an answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// Stands for the message's reference in a header's value.
const REFERENCE: &str = "{ref}";

/// What an organization's webhook gets unless it wants something else.
const WEBHOOK: &str = r#"{"reference":"{{ref}}","organization":"{{organization}}","kind":"{{kind}}","channel":"{{channel}}","to":"{{to}}",
"language":"{{language}}","subject":"{{subject}}","text":"{{text}}","code":{{#if code}}"{{code}}"{{else}}null{{/if}},"ttl":{{ttl}}
{{#if receipt_url}},"receipt_url":"{{receipt_url}}"{{/if}}}"#;

/// One gateway for one channel, or the webhook of one organization.
pub(super) struct Gateway {
    client: Client,
    method: reqwest::Method,
    url: Url,
    headers: HeaderMap,
    /// Headers with the message's reference in their value.
    reference_headers: Vec<(HeaderName, Secret)>,
    /// Holds the template of the body.
    body: Handlebars<'static>,
    content_type: ContentType,
    sender: Option<String>,
    names_sender: bool,
    template: Option<String>,
    notice_template: Option<String>,
    languages: BTreeMap<String, String>,
    success: Success,
    message_id: Option<String>,
    error_text: Option<String>,
    /// `None`: it does not report.
    receipts: Option<receipt::Reader>,
    retry_statuses: Vec<u16>,
    timeout: Duration,
    slots: Semaphore,
    idempotent: bool,
}

impl Gateway {
    /// # Errors
    /// A text that says which option is wrong.
    pub(super) fn new(options: &GatewayOptions, channel: Channel) -> Result<Self, String> {
        let options = preset::filled(options, channel)?;
        let (headers, reference_headers) = headers(&options)?;
        let success = options.success.clone().unwrap_or_default();
        check_pointers(&options, &success)?;
        let timeout = options::timeout(options.timeout_ms.unwrap_or(10_000))?;
        let connections = options.connections.unwrap_or(16);
        if !(1..=256).contains(&connections) {
            return Err(format!("connections is {connections}, but must be 1 to 256"));
        }
        let content_type = options.content_type.unwrap_or_default();
        let body = options.body.as_deref().ok_or("body is missing")?;
        let gateway = Self {
            client: client(timeout)?,
            method: match options.method.unwrap_or_default() {
                Method::Post => reqwest::Method::POST,
                Method::Put => reqwest::Method::PUT,
            },
            url: url(&options)?,
            headers,
            reference_headers,
            body: body_template(body, content_type)?,
            content_type,
            names_sender: body.contains("sender"),
            sender: options.sender,
            template: options.template,
            notice_template: options.notice_template,
            languages: options.languages,
            success,
            message_id: options.message_id,
            error_text: options.error_text,
            receipts: options.receipt.as_ref().map(receipt::Reader::new).transpose()?,
            retry_statuses: options.retry_statuses.unwrap_or_else(|| vec![401, 429, 503]),
            timeout,
            slots: Semaphore::new(connections),
            idempotent: options.idempotent.unwrap_or(false),
        };
        gateway.try_body(channel)?;
        Ok(gateway)
    }

    /// The webhook of an organization that delivers messages itself.
    ///
    /// # Errors
    /// A text that says which option is wrong.
    pub(super) fn webhook(options: &GatewayOptions) -> Result<Self, String> {
        let mut options = options.clone();
        if options.preset.is_none() && options.body.is_none() && options.content_type.unwrap_or_default() == ContentType::Json {
            options.body = Some(WEBHOOK.to_owned());
        }
        Self::new(&options, Channel::Sms)
    }

    pub(super) fn is_idempotent(&self) -> bool {
        self.idempotent
    }

    /// Whether it reports what becomes of a message.
    pub(super) fn reports(&self) -> bool {
        self.receipts.is_some()
    }

    /// What a report says; `None` if nothing.
    pub(super) fn receipt(&self, report: &[u8]) -> Result<Option<(ReceiptStatus, String)>, Unreadable> {
        self.receipts.as_ref().map_or(Ok(None), |reader| reader.read(report))
    }

    /// The sender that it has itself.
    pub(super) fn sender(&self) -> Option<&str> {
        self.sender.as_deref()
    }

    /// Whether its requests name a sender.
    pub(super) fn names_sender(&self) -> bool {
        self.names_sender
    }

    /// Tries once to send a message that comes from `sender`.
    pub(super) async fn send(&self, message: &Message, sender: Option<&str>, now: Timestamp) -> Outcome {
        let Ok(body) = self.render(message, sender) else {
            return Outcome::refused("the gateway's body template does not work for this message");
        };
        let Ok(Ok(_slot)) = timeout(self.timeout, self.slots.acquire()).await else {
            return Outcome::retry("too many requests to the gateway are under way");
        };
        let mut headers = self.headers.clone();
        for (name, value) in &self.reference_headers {
            match outbound::secret_header(&value.expose().replace(REFERENCE, &message.reference)) {
                Ok(value) => headers.insert(name.clone(), value),
                Err(problem) => return Outcome::refused(problem),
            };
        }
        let request = self.client.request(self.method.clone(), self.url.clone()).headers(headers).body(body);
        let deadline = Instant::now() + self.timeout;
        match timeout_at(deadline, request.send()).await {
            Ok(Ok(response)) => self.judge(response, message, now, deadline).await,
            Ok(Err(error)) if error.is_builder() => Outcome::refused(failure("cannot ask the gateway", message, &error)),
            // Name resolution, TCP and TLS all come before the request.
            Ok(Err(error)) if error.is_connect() => Outcome::retry(failure("cannot connect to the gateway", message, &error)),
            Ok(Err(error)) => Outcome::ambiguous(failure("the gateway broke off", message, &error)),
            // Connecting has an earlier limit of its own, so the request was under way.
            Err(_) => Outcome::ambiguous("the gateway did not answer in time"),
        }
    }

    /// What the answer means.
    async fn judge(&self, mut response: Response, message: &Message, now: Timestamp, deadline: Instant) -> Outcome {
        let status = response.status();
        let after = outbound::retry_after(response.headers(), now);
        // The status alone can settle the outcome, so an answer that breaks off or hangs is no failure by itself.
        let content = timeout_at(deadline, outbound::read(&mut response, MAX_ANSWER)).await.ok().and_then(Result::ok);
        let answer: Option<Value> = content.and_then(|content| serde_json::from_slice(&content).ok());
        if self.success.statuses.contains(&status.as_u16()) {
            return self.judge_success(answer, message);
        }
        let said = self.said(status, answer.as_ref(), message);
        if self.retry_statuses.contains(&status.as_u16()) {
            Outcome::Retry { reason: said, after }
        } else if status.is_server_error() || status.is_success() {
            // A gateway can fail after it has handed the message on, and a success that is not listed can be anything.
            Outcome::ambiguous(said)
        } else {
            Outcome::refused(said)
        }
    }

    /// The status is that of an accepted message: does the answer agree?
    fn judge_success(&self, answer: Option<Value>, message: &Message) -> Outcome {
        let Some(pointer) = &self.success.pointer else {
            return Outcome::Accepted { provider_id: answer.and_then(|answer| self.provider_id(&answer)) };
        };
        let Some(answer) = answer else {
            return Outcome::ambiguous("the gateway's answer cannot be read");
        };
        let found = answer.pointer(pointer).filter(|value| !value.is_null());
        let agrees = match &self.success.equals {
            Some(expected) => found == Some(expected),
            None => found.is_some(),
        };
        if agrees {
            return Outcome::Accepted { provider_id: self.provider_id(&answer) };
        }
        let text = self.error_in(&answer).unwrap_or_else(|| format!("its answer does not have what is expected at {pointer}"));
        Outcome::refused(reason(message, &format!("the gateway refuses: {text}")))
    }

    fn provider_id(&self, answer: &Value) -> Option<String> {
        let id = scalar(answer.pointer(self.message_id.as_deref()?)?)?;
        Some(id.chars().filter(|c| !c.is_control()).take(200).collect())
    }

    fn said(&self, status: StatusCode, answer: Option<&Value>, message: &Message) -> String {
        let text = answer.and_then(|answer| self.error_in(answer)).map(|text| format!(": {text}")).unwrap_or_default();
        reason(message, &format!("the gateway answered {}{text}", status.as_u16()))
    }

    fn error_in(&self, answer: &Value) -> Option<String> {
        scalar(answer.pointer(self.error_text.as_deref()?)?)
    }

    fn render(&self, message: &Message, sender: Option<&str>) -> Result<String, handlebars::RenderError> {
        let language = message.language.code();
        let digits = message.to.trim_start_matches('+');
        let phone = message.channel != Channel::Email;
        let values = json!({
            "to": if phone { format!("+{digits}") } else { message.to.clone() },
            "to_digits": digits,
            "channel": message.channel,
            "subject": message.subject,
            "text": message.text,
            "code": message.code.as_ref().map(Secret::expose),
            "sender": sender,
            "ref": message.reference,
            // To a gateway, 0 can mean without limit.
            "ttl": message.ttl.as_secs().max(1),
            "language": self.languages.get(language).map_or(language, String::as_str),
            "template": self.template,
            "notice_template": self.notice_template,
            "kind": message.kind.name(),
            "organization": message.organization,
            "receipt_url": message.receipt_url.as_deref().unwrap_or_default(),
        });
        self.body.render("body", &values)
    }

    /// Renders the body with and without a code, to find what is wrong with it before a message does.
    fn try_body(&self, channel: Channel) -> Result<(), String> {
        for code in [Some(Secret::new("123456")), None] {
            let has_code = code.is_some();
            let sample = Message {
                reference: "reference".into(),
                organization: "organization".into(),
                channel,
                external: false,
                to: "+34600111222".into(),
                language: super::Language::Es,
                kind: if has_code { texts::Kind::OtpCode } else { texts::Kind::SignRequest },
                subject: String::new(),
                text: "a \"text\" with \\ & =\nand a line".into(),
                html: None,
                code,
                ttl: Duration::from_secs(300),
                receipt_url: has_code.then(|| "https://sign.example.org/receipts/token".into()),
            };
            let body = self.render(&sample, self.sender()).map_err(|error| format!("body: {error}"))?;
            if self.content_type == ContentType::Json {
                serde_json::from_str::<Value>(&body).map_err(|error| format!("body does not make JSON: {error}"))?;
            }
        }
        Ok(())
    }
}

fn check_pointers(options: &GatewayOptions, success: &Success) -> Result<(), String> {
    if success.equals.is_some() && success.pointer.is_none() {
        return Err("success.equals needs success.pointer".into());
    }
    for pointer in [&success.pointer, &options.message_id, &options.error_text].into_iter().flatten() {
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(format!("{pointer} is not a JSON pointer: it begins with a slash"));
        }
    }
    Ok(())
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A template whose values are escaped for the place they stand in.
fn body_template(source: &str, content_type: ContentType) -> Result<Handlebars<'static>, String> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    // It would write what the template gives it, a code maybe, into the log.
    registry.unregister_helper("log");
    match content_type {
        ContentType::Json => registry.register_escape_fn(json_escaped),
        ContentType::Form => registry.register_escape_fn(form_escaped),
    }
    registry.register_template_string("body", source).map_err(|error| format!("body: {}", error.reason()))?;
    Ok(registry)
}

/// The inside of a JSON string (RFC 8259).
fn json_escaped(value: &str) -> String {
    let quoted = Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// Every byte but the unreserved ones as `%XX`, which every reader of forms understands.
fn form_escaped(value: &str) -> String {
    utf8_percent_encode(value, RESERVED).to_string()
}

fn client(timeout: Duration) -> Result<Client, String> {
    let builder = Client::builder()
        .redirect(redirect::Policy::none())
        // Whether to send again is never decided here.
        .retry(reqwest::retry::never())
        .connect_timeout(timeout / 2)
        // A connection that the gateway closes while a request goes out on it makes an ambiguous outcome.
        .pool_idle_timeout(Duration::from_secs(10));
    builder.build().map_err(|error| format!("the HTTP client cannot be set up: {error}"))
}

fn url(options: &GatewayOptions) -> Result<Url, String> {
    let text = options.url.as_deref().ok_or("url is missing")?;
    let url: Url = text.parse().map_err(|error| format!("url: {error}"))?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if options.plain_http => Ok(url),
        "http" => Err("url is not https; over http, codes travel in the clear (plain_http accepts it)".into()),
        _ => Err("url is neither https nor http".into()),
    }
}

/// The headers that are the same in every request, and those with the reference in them.
fn headers(options: &GatewayOptions) -> Result<(HeaderMap, Vec<(HeaderName, Secret)>), String> {
    let mut headers = HeaderMap::new();
    let mut reference_headers = Vec::new();
    let content_type = match options.content_type.unwrap_or_default() {
        ContentType::Json => "application/json",
        ContentType::Form => "application/x-www-form-urlencoded",
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    let token = Secret::resolve(options.token.as_ref(), options.token_file.as_deref())?;
    if let Some(credentials) = authorization(options, token.as_ref())? {
        headers.insert(AUTHORIZATION, outbound::secret_header(&credentials)?);
    }
    for (name, value) in &options.headers {
        let parsed: HeaderName = name.parse().map_err(|_| format!("headers: {name} is not a name of a header"))?;
        let constant = outbound::secret_header(value.expose()).map_err(|problem| format!("headers.{name}: {problem}"))?;
        if value.expose().contains(REFERENCE) {
            reference_headers.push((parsed, value.clone()));
        } else {
            headers.insert(parsed, constant);
        }
    }
    Ok((headers, reference_headers))
}

fn authorization(options: &GatewayOptions, token: Option<&Secret>) -> Result<Option<String>, String> {
    let authentication = options.authentication.unwrap_or_default();
    if authentication == Authentication::None {
        return Ok(None);
    }
    let token = token.ok_or("authentication needs token or token_file")?.expose();
    if authentication == Authentication::Bearer {
        return Ok(Some(format!("Bearer {token}")));
    }
    let account = options.account.as_deref().ok_or("authentication basic needs account")?;
    Ok(Some(format!("Basic {}", STANDARD.encode(format!("{account}:{token}")))))
}

fn failure(what: &str, message: &Message, error: &reqwest::Error) -> String {
    let detail = match error {
        error if error.is_builder() => "the request cannot be made",
        error if error.is_timeout() => "it did not answer in time",
        error => outbound::connection_problem(error),
    };
    reason(message, &format!("{what}: {detail}"))
}

#[cfg(test)]
mod tests;
