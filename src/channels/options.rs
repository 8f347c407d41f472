//! How messages leave the server: the configuration reference of the channels.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{ReceiptStatus, Secret, senders::SendersOptions, texts};

/// The channels. Without any of this, the sandbox outbox keeps every message and nothing leaves the machine.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Keep every message in the sandbox outbox instead of sending it. By default on as long as none of `smtp`, `gateway`
    /// and `external` is configured, and off from then on. Never set it to true in production: the outbox shows one-time codes.
    pub sandbox: Option<bool>,
    /// The mail server for the channel EMAIL. Without it, an e-mail is refused when the sandbox is off.
    pub smtp: Option<SmtpOptions>,
    /// The HTTP gateways for the channels SMS and WHATSAPP.
    pub gateway: GatewaysOptions,
    /// From which name or number an SMS comes.
    pub senders: SendersOptions,
    /// By organization, the webhook for the messages that it delivers itself (`external` in an identification's channel),
    /// whatever their channel. Needs `url` only: the default `body` is JSON with all values. An organization that is not
    /// here cannot deliver messages itself when the sandbox is off.
    pub external: BTreeMap<String, GatewayOptions>,
    /// The texts of the messages.
    pub texts: texts::Options,
}

impl Options {
    /// Whether the sandbox outbox takes the messages.
    pub fn sandbox_is_on(&self) -> bool {
        let GatewaysOptions { sms, whatsapp, providers } = &self.gateway;
        let no_gateway = sms.is_none() && whatsapp.is_none() && providers.is_empty();
        let nothing_else = self.smtp.is_none() && no_gateway && self.external.is_empty();
        self.sandbox.unwrap_or(nothing_else)
    }
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// In the clear. Only for a relay on the same machine or network; a user name is then accepted on the same machine only.
    None,
    /// In the clear until STARTTLS (RFC 3207), which is required: there is no fall back to the clear.
    #[default]
    Starttls,
    /// TLS from the first byte (RFC 8314).
    Tls,
}

/// A mail server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpOptions {
    /// Name or address of the server. Its certificate must be for this name.
    pub host: String,
    /// Port; by default 25, 587 or 465 for `security` none, starttls or tls.
    pub port: Option<u16>,
    /// `none`, `starttls` (default) or `tls`.
    #[serde(default)]
    pub security: Security,
    /// PEM file with certificates of authorities that are trusted besides the public ones, for a private relay.
    pub ca_file: Option<PathBuf>,
    /// User name, if the server wants one.
    pub username: Option<String>,
    /// Password of `username`. Better in `password_file`.
    pub password: Option<Secret>,
    /// File whose first line is the password of `username`.
    pub password_file: Option<PathBuf>,
    /// Sender of all messages, e.g. `Rubrica <no-reply@example.org>`.
    pub from: String,
    /// Maximum time for one message, from connecting to the server's last answer, in milliseconds: 100 to 120000, by
    /// default 20000.
    #[serde(default = "default_smtp_timeout")]
    pub timeout_ms: u64,
    /// Name that the server introduces itself with (HELO); by default the domain of `from`.
    pub helo: Option<String>,
    /// Connections at once, 1 to 32, by default 4. They are kept open for 30 s after use.
    #[serde(default = "default_connections")]
    pub connections: usize,
}

fn default_smtp_timeout() -> u64 {
    20_000
}

fn default_connections() -> usize {
    4
}

/// The HTTP gateways.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewaysOptions {
    /// Gateway for the channel SMS. Without it, an SMS is refused when the sandbox is off.
    pub sms: Option<GatewayOptions>,
    /// Gateway for the channel WHATSAPP. Without it, a WhatsApp message is refused when the sandbox is off.
    pub whatsapp: Option<GatewayOptions>,
    /// Further gateways for the channel SMS, by a name of 1 to 32 lower-case letters, digits, hyphens and underscores: those that
    /// `channels.senders` name as `provider`.
    pub providers: BTreeMap<String, GatewayOptions>,
}

/// A known provider, which fills the options that are not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Twilio Messages. Needs `account` (the account SID), `token` or `token_file`, and `sender`.
    Twilio,
    /// Meta WhatsApp Cloud, version 21.0. Needs `account` (the id of the phone number), `token` or `token_file`, and `template`.
    MetaWhatsapp,
}

/// How `account` and `token` are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authentication {
    /// They are not; put what the gateway wants into `headers`.
    #[default]
    None,
    /// HTTP Basic with `account` and `token` (RFC 7617).
    Basic,
    /// `token` as bearer (RFC 6750).
    Bearer,
}

/// Form of the request's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentType {
    /// `application/json`; values in the body template are escaped as JSON strings.
    #[default]
    Json,
    /// `application/x-www-form-urlencoded`; values in the body template are percent-encoded.
    Form,
}

/// Method of the request. Only those with a body: a code must never stand in a URL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    #[default]
    Post,
    Put,
}

/// What the gateway's answer must be for the message to count as accepted.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Success {
    /// Statuses of an accepted message, by default 200, 201 and 202.
    pub statuses: Vec<u16>,
    /// JSON pointer (RFC 6901) to a member of the answer that must be there and not be null, e.g. `/messages/0/id`.
    pub pointer: Option<String>,
    /// Value that the member at `pointer` must have, e.g. `"queued"`.
    pub equals: Option<serde_json::Value>,
}

impl Default for Success {
    fn default() -> Self {
        Self { statuses: vec![200, 201, 202], pointer: None, equals: None }
    }
}

/// What the gateway reports of a message after it took it. A preset fills what is not given.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReceiptOptions {
    /// Where the status stands in a report: a JSON pointer (RFC 6901) if it begins with a slash, else the name of a form's field.
    pub status: String,
    /// What each of the gateway's words for a status means: `accepted`, `sent`, `delivered`, `read` or `failed`. Reports with other
    /// words are ignored.
    pub statuses: BTreeMap<String, ReceiptStatus>,
}

/// An HTTP gateway, or webhook of an organization, that takes one message per request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewayOptions {
    /// `twilio` or `meta_whatsapp`: fills every option below that is not given.
    pub preset: Option<Preset>,
    /// The customer's account at the provider.
    pub account: Option<String>,
    /// Password or token of the account. Better in `token_file`.
    pub token: Option<Secret>,
    /// File whose first line is the password or token of the account.
    pub token_file: Option<PathBuf>,
    /// `none` (default), `basic` or `bearer`.
    pub authentication: Option<Authentication>,
    /// Number or name that the message comes from; `{{sender}}` in the body. An SMS comes from that of `channels.senders` for its country,
    /// if there is one; a name of letters is refused where it must be registered (`channels.senders.registration`) and is not.
    pub sender: Option<String>,
    /// Name of the WhatsApp template for one-time codes; `{{template}}` in the body.
    pub template: Option<String>,
    /// Name of the WhatsApp template, with one parameter, for everything else; `{{notice_template}}` in the body. Without it,
    /// free text is sent, which WhatsApp delivers only within 24 h of the person's last message.
    pub notice_template: Option<String>,
    /// `POST` (default) or `PUT`.
    pub method: Option<Method>,
    /// Where the request goes. Must be https unless `plain_http` is true; redirects are not followed.
    pub url: Option<String>,
    /// Accept an `http://` URL, over which codes travel in the clear. Only for a gateway on the same machine or network.
    pub plain_http: bool,
    /// Headers of the request. Their values count as secrets. `{ref}` in a value becomes the message's reference, for
    /// gateways that take an idempotency key in a header.
    pub headers: BTreeMap<String, Secret>,
    /// `json` (default) or `form`.
    pub content_type: Option<ContentType>,
    /// Handlebars template of the body. Values: `to` (phones in E.164 with plus), `to_digits` (phones without), `channel`
    /// (SMS, EMAIL, WHATSAPP), `subject` (of e-mails), `text`, `code` (only in messages with a one-time code), `sender`, `ref` (our reference, the same in a repetition), `ttl` (seconds for which
    /// the message is of use), `language` (see `languages`), `template`, `notice_template`, `kind`, `organization`, `receipt_url`
    /// (where the gateway reports what becomes of the message; empty in messages without receipts).
    pub body: Option<String>,
    /// The gateway's names of languages, where they are not the lower-case ISO 639-1 codes, e.g. `{ eu = "es" }`.
    pub languages: BTreeMap<String, String>,
    /// What an answer must be for the message to count as accepted.
    pub success: Option<Success>,
    /// How the gateway's reports on messages with a one-time code are read, which it posts to `receipt_url`. Needs
    /// `server.public_base_url`. Without it there are no receipts.
    pub receipt: Option<ReceiptOptions>,
    /// JSON pointer (RFC 6901) to the provider's id of the message in its answer.
    pub message_id: Option<String>,
    /// JSON pointer (RFC 6901) to the text of an error in the gateway's answer, for the operator.
    pub error_text: Option<String>,
    /// Statuses that say for certain that the message was not taken and may be sent again; by default 401, 429 and 503.
    /// Other statuses from 500 leave it open whether it was taken; everything else is a refusal for good.
    pub retry_statuses: Option<Vec<u16>>,
    /// Maximum time for one request in milliseconds: 100 to 120000, by default 10000. At most the same again may pass in
    /// waiting for a free connection; connecting may take half of it.
    pub timeout_ms: Option<u64>,
    /// Requests at once, 1 to 256, by default 16.
    pub connections: Option<usize>,
    /// Whether the gateway drops a second message with the same `ref`. Only then is a message sent again when it is not
    /// known whether the first one was taken.
    pub idempotent: Option<bool>,
}

impl SmtpOptions {
    pub(super) fn port(&self) -> u16 {
        self.port.unwrap_or(match self.security {
            Security::None => 25,
            Security::Starttls => 587,
            Security::Tls => 465,
        })
    }

    pub(super) fn password(&self) -> Result<Option<Secret>, String> {
        Secret::resolve(self.password.as_ref(), self.password_file.as_deref().map(Path::new))
    }
}

/// `timeout_ms` within its bounds.
pub(super) fn timeout(milliseconds: u64) -> Result<std::time::Duration, String> {
    match milliseconds {
        100..=120_000 => Ok(std::time::Duration::from_millis(milliseconds)),
        _ => Err(format!("timeout_ms is {milliseconds}, but must be 100 to 120000")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sandbox_is_on_until_something_else_is_configured() {
        assert!(Options::default().sandbox_is_on());
        let mail: Options = toml::from_str("[smtp]\nhost = 'mail.example.org'\nfrom = 'a@example.org'").unwrap();
        assert!(!mail.sandbox_is_on());
        assert!(Options { sandbox: Some(true), ..mail }.sandbox_is_on());
    }

    #[test]
    fn an_unknown_option_is_an_error_that_names_it() {
        for text in ["sandbx = true", "[gateway.sms]\nulr = 'x'", "[smtp]\nhost = 'h'\nfrom = 'f'\npasword = 'x'"] {
            let error = toml::from_str::<Options>(text).unwrap_err().to_string();
            assert!(error.contains("unknown field"), "{error}");
        }
    }

    #[test]
    fn no_secret_shows_in_debug() {
        let text = r#"
            [smtp]
            host = "mail.example.org"
            from = "a@example.org"
            username = "u"
            password = "s3cret"
            [gateway.sms]
            token = "s3cret"
            headers = { "X-Api-Key" = "s3cret" }
        "#;
        let options: Options = toml::from_str(text).unwrap();
        assert!(!format!("{options:?}").contains("s3cret"));
    }

    #[test]
    fn a_timeout_has_bounds() {
        assert!(timeout(99).is_err() && timeout(120_001).is_err());
        assert_eq!(timeout(100).unwrap().as_millis(), 100);
    }
}
