//! How a message reaches a person: e-mail over SMTP, SMS and WhatsApp over an HTTP gateway, what an organization delivers
//! itself over its webhook; or the sandbox outbox.
//!
//! A send is one attempt with one honest answer: taken, refused for good, certainly not taken, or not known. Nothing here
//! tries again and nothing here decides what an outcome means for a process: that is for the caller, which journals
//! each attempt. A message's text holds one-time codes: it must never get into a log, an error or an outcome.

mod gateway;
mod metrics;
mod options;
pub mod sandbox;
mod secret;
pub mod senders;
mod smtp;
pub mod texts;

pub use gateway::Unreadable;
pub use metrics::Metrics;
pub use options::*;
pub use secret::Secret;
pub use workflows::{Channel, Language, identification::otp::ReceiptStatus};

use std::{borrow::Cow, collections::BTreeMap, fmt, path::Path, sync::Arc, time::Duration};

use store::Timestamp;
use workflows::EmailAddress;

use self::senders::{DEFAULT_PROVIDER, Finding, Sender, Senders};

/// Maximum length of the text (or HTML) of a message, in bytes.
pub const MAX_TEXT: usize = 64 * 1024;

/// Maximum length of the reference of a message, in bytes.
pub const MAX_REFERENCE: usize = 256;

/// Maximum length of the reason in an [`Outcome`], in characters.
const MAX_REASON: usize = 200;

/// One message to one person.
#[derive(Clone)]
pub struct Message {
    /// The idempotency key: the same in every attempt to send this message, and in no other message.
    pub reference: String,
    pub organization: String,
    pub channel: Channel,
    /// The organization delivers it: it goes to the organization's webhook (contract, x-note channel-external).
    pub external: bool,
    /// An e-mail address, or a phone number as ITU-T E.164 writes it (`+34600111222`).
    pub to: String,
    /// Of the text; what [`texts::Rendered::language`] says.
    pub language: Language,
    pub kind: texts::Kind,
    /// Only e-mails have one.
    pub subject: String,
    pub text: String,
    /// The same as `text` for mail readers that show HTML.
    pub html: Option<String>,
    /// The one-time code in the text, for gateways that take it apart from the text.
    pub code: Option<Secret>,
    /// For how long the message is of use.
    pub ttl: Duration,
    /// Where the gateway is to report what becomes of the message. A credential, for these reports only.
    pub receipt_url: Option<String>,
}

/// Leaves out subject, text, code and the address for receipts, and shows only the end of the destination.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("reference", &self.reference)
            .field("organization", &self.organization)
            .field("channel", &self.channel)
            .field("external", &self.external)
            .field("to", &masked(&self.to))
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Where messages go: what decides which gateway carries them.
#[derive(Clone, Copy)]
pub struct Destination<'a> {
    pub organization: &'a str,
    pub channel: Channel,
    /// The organization delivers them.
    pub external: bool,
    /// An e-mail address, or a phone number as ITU-T E.164 writes it.
    pub to: &'a str,
}

/// How a message goes out, as evidence tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// Which of several gateways for SMS carries it, by its name.
    pub provider: Option<String>,
    /// The name or number that it comes from.
    pub sender: Option<String>,
}

/// What became of one attempt. Reasons are for the operator: they hold neither text nor code nor destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server or gateway took the message.
    Accepted {
        /// Its name for the message, for evidence and receipts.
        provider_id: Option<String>,
    },
    /// It will never be taken as it is.
    Refused { reason: String },
    /// It was certainly not taken; sending it again is safe.
    Retry {
        reason: String,
        /// The earliest time that the server or gateway asked for.
        after: Option<Duration>,
    },
    /// It may have been taken. Sending it again may deliver it twice unless the channel is
    /// [`repeatable`](Channels::repeatable).
    Ambiguous { reason: String },
}

impl Outcome {
    fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }

    fn retry(reason: impl Into<String>) -> Self {
        Self::Retry { reason: reason.into(), after: None }
    }

    fn ambiguous(reason: impl Into<String>) -> Self {
        Self::Ambiguous { reason: reason.into() }
    }
}

/// Why the channels cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An option is missing, out of bounds or contradicts another.
    #[error("channels.{option}: {problem}")]
    Options { option: &'static str, problem: String },
    #[error("the sandbox outbox cannot be opened: {0}")]
    Sandbox(#[from] sandbox::Error),
    #[error(transparent)]
    Texts(#[from] texts::Error),
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// The channels as configured. Cloning is cheap.
#[derive(Clone)]
pub struct Channels {
    inner: Arc<Inner>,
}

struct Inner {
    sandbox: Option<sandbox::Outbox>,
    smtp: Option<smtp::Smtp>,
    sms: Option<gateway::Gateway>,
    whatsapp: Option<gateway::Gateway>,
    /// Further gateways for SMS, by name.
    providers: BTreeMap<String, gateway::Gateway>,
    senders: Senders,
    /// By organization.
    external: BTreeMap<String, gateway::Gateway>,
    texts: texts::Texts,
    metrics: Metrics,
}

impl Inner {
    /// All but the sandbox, which has a file.
    fn build(options: &Options, metrics: Metrics) -> Result<Self, Error> {
        let texts = texts::Texts::load(&options.texts)?;
        texts.check()?;
        // What is configured is checked even while the sandbox takes the messages: an error shows before the day it counts.
        let smtp = options
            .smtp
            .as_ref()
            .map(smtp::Smtp::new)
            .transpose()
            .map_err(|problem| Error::Options { option: "smtp", problem })?;
        let gateway = |options: &Option<GatewayOptions>, channel, option| {
            let built = options.as_ref().map(|options| gateway::Gateway::new(options, channel)).transpose();
            built.map_err(|problem| Error::Options { option, problem })
        };
        let sms = gateway(&options.gateway.sms, Channel::Sms, "gateway.sms")?;
        let whatsapp = gateway(&options.gateway.whatsapp, Channel::Whatsapp, "gateway.whatsapp")?;
        let providers = options.gateway.providers.iter().map(|(name, options)| {
            check_provider(name)?;
            Ok((name.clone(), gateway::Gateway::new(options, Channel::Sms).map_err(|problem| format!("{name}: {problem}"))?))
        });
        let providers: BTreeMap<_, _> =
            providers.collect::<Result<_, _>>().map_err(|problem| Error::Options { option: "gateway.providers", problem })?;
        let names = sms.iter().map(|_| DEFAULT_PROVIDER).chain(providers.keys().map(String::as_str));
        let senders =
            Senders::new(&options.senders, &names.collect()).map_err(|problem| Error::Options { option: "senders", problem })?;
        let external = options
            .external
            .iter()
            .map(|(organization, options)| Ok((organization.clone(), gateway::Gateway::webhook(options)?)));
        let external = external.collect::<Result<_, _>>().map_err(|problem| Error::Options { option: "external", problem })?;
        let inner = Self { sandbox: None, smtp, sms, whatsapp, providers, senders, external, texts, metrics };
        let named = inner.senders.providers();
        let silent = inner.sms_gateways().find(|(name, gateway)| named.contains(name) && !gateway.names_sender());
        if let Some((name, _)) = silent {
            let problem = format!("they name the gateway {name}, whose body does not use {{{{sender}}}}");
            return Err(Error::Options { option: "senders", problem });
        }
        Ok(inner)
    }

    /// The gateways for SMS with their names.
    fn sms_gateways(&self) -> impl Iterator<Item = (&str, &gateway::Gateway)> {
        let further = self.providers.iter().map(|(name, gateway)| (name.as_str(), gateway));
        self.sms.iter().map(|gateway| (DEFAULT_PROVIDER, gateway)).chain(further)
    }

    fn findings(&self, now: Timestamp) -> Vec<Finding> {
        let gateways: Vec<_> = self.sms_gateways().map(|(name, gateway)| (name, gateway.sender())).collect();
        self.senders.findings(&gateways, now.date_naive()).into_iter().chain(self.one_way()).collect()
    }

    /// Where codes can only go the way that links go, whoever reads one reads the other.
    fn one_way(&self) -> Option<Finding> {
        let phones = self.sms.is_some() || self.whatsapp.is_some();
        let only = match (self.smtp.is_some(), phones) {
            (true, false) => "EMAIL",
            (false, true) => "SMS and WHATSAPP",
            (true, true) | (false, false) => return None,
        };
        let text = format!(
            "channels: messages go out by {only} only, so the link to sign and the code go to the same channel; configure mail and a gateway to \
             phones, and let organizations set contact_policy.separate_channels"
        );
        Some(Finding { is_problem: false, text })
    }
}

/// Names of gateways become part of evidence, measures and addresses for receipts.
fn check_provider(name: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    if !(1..=32).contains(&name.len()) || !name.bytes().all(plain) || name == DEFAULT_PROVIDER {
        return Err(format!(
            "{name:?}: expected 1 to 32 lower-case letters, digits, hyphens and underscores, and not {DEFAULT_PROVIDER:?}, which is \
             channels.gateway.sms"
        ));
    }
    Ok(())
}

impl Channels {
    /// Builds the channels; the sandbox outbox, if it is on, lives in `data`/sandbox.
    ///
    /// # Errors
    /// What is wrong with the options or the texts, or that the outbox cannot be opened.
    pub fn open(options: &Options, data: &Path, metrics: Metrics) -> Result<Self, Error> {
        let mut inner = Inner::build(options, metrics)?;
        if options.sandbox_is_on() {
            inner.sandbox = Some(sandbox::Outbox::open(&data.join("sandbox"))?);
        }
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Checks the options and the texts as [`Channels::open`] does, and opens nothing. Answers what keeps SMS senders from being used, or
    /// soon will.
    ///
    /// # Errors
    /// As [`Channels::open`].
    pub fn check(options: &Options, now: Timestamp) -> Result<Vec<Finding>, Error> {
        Ok(Inner::build(options, Metrics::new(&prometheus::Registry::new())?)?.findings(now))
    }

    /// What keeps SMS senders from being used, or soon will.
    pub fn findings(&self, now: Timestamp) -> Vec<Finding> {
        self.inner.findings(now)
    }

    /// Sets the measures that are counted rather than kept.
    pub fn measure(&self, now: Timestamp) {
        self.inner.metrics.set_registrations(self.inner.senders.registrations(now.date_naive()));
    }

    /// What is measured of the messages.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Tries once to send the message. The time it takes is bounded by the options; dropping the future gives the attempt up.
    pub async fn send(&self, message: &Message, now: Timestamp) -> Outcome {
        if let Some(problem) = unsendable(message) {
            return Outcome::refused(problem);
        }
        if let Some(outbox) = &self.inner.sandbox {
            return outbox.send(message, now);
        }
        let message = &*outgoing(message);
        if message.channel == Channel::Email && !message.external {
            return match &self.inner.smtp {
                Some(smtp) => smtp.send(message, now).await,
                None => Outcome::refused("no mail server is configured"),
            };
        }
        let destination = message.destination();
        match self.gateway(&destination) {
            Some(gateway) => {
                let sender = match self.sender(&destination, gateway, now) {
                    Some(Sender::From(sender)) => Some(sender),
                    Some(Sender::Fallback { alias, number }) => {
                        self.count_unregistered(&destination, alias, "fallback");
                        tracing::warn!(
                            organization = destination.organization,
                            alias,
                            number,
                            "an SMS goes out from the fallback number, as its alias is not registered"
                        );
                        Some(number)
                    }
                    Some(Sender::Blocked { alias }) => {
                        self.count_unregistered(&destination, alias, "refused");
                        return Outcome::refused(format!(
                            "the SMS sender {alias:?} is not registered for the country and has no fallback number"
                        ));
                    }
                    None => None,
                };
                gateway.send(message, sender, now).await
            }
            None if message.external => {
                Outcome::refused("no webhook is configured for the messages that the organization delivers")
            }
            None => Outcome::refused("no gateway is configured for the channel"),
        }
    }

    fn gateway(&self, destination: &Destination<'_>) -> Option<&gateway::Gateway> {
        match destination.channel {
            _ if destination.external => self.inner.external.get(destination.organization),
            Channel::Email => None,
            Channel::Sms => self.sms_gateway(self.sms_provider(destination)),
            Channel::Whatsapp => self.inner.whatsapp.as_ref(),
        }
    }

    /// The name of the gateway that carries an SMS.
    fn sms_provider(&self, destination: &Destination<'_>) -> &str {
        let found = self.inner.senders.find(destination.organization, destination.to);
        found.map_or(DEFAULT_PROVIDER, |(_, sender)| sender.provider())
    }

    fn sms_gateway(&self, name: &str) -> Option<&gateway::Gateway> {
        match name {
            DEFAULT_PROVIDER => self.inner.sms.as_ref(),
            name => self.inner.providers.get(name),
        }
    }

    /// From whom a message of a gateway comes.
    fn sender<'a>(&'a self, destination: &Destination<'_>, gateway: &'a gateway::Gateway, now: Timestamp) -> Option<Sender<'a>> {
        if destination.channel != Channel::Sms || destination.external {
            return gateway.sender().map(Sender::From);
        }
        self.inner.senders.choose(destination.organization, destination.to, gateway.sender(), now.date_naive())
    }

    fn count_unregistered(&self, destination: &Destination<'_>, alias: &str, outcome: &str) {
        let found = self.inner.senders.find(destination.organization, destination.to);
        let owner = found.as_ref().map_or("", |(owner, _)| owner.label());
        self.inner.metrics.count_unregistered(owner, alias, outcome);
    }

    /// How a message goes out if it is sent now.
    pub fn route(&self, destination: &Destination<'_>, now: Timestamp) -> Route {
        let gateway = self.gateway(destination).filter(|_| self.inner.sandbox.is_none());
        let sender = gateway.and_then(|gateway| match self.sender(destination, gateway, now)? {
            Sender::From(sender) | Sender::Fallback { number: sender, .. } => Some(sender.to_owned()),
            Sender::Blocked { .. } => None,
        });
        let is_sms = gateway.is_some() && destination.channel == Channel::Sms && !destination.external;
        let provider = is_sms.then(|| self.sms_provider(destination)).filter(|name| *name != DEFAULT_PROVIDER);
        Route { provider: provider.map(str::to_owned), sender }
    }

    /// Who carries a message, in a word, as measures name it.
    pub fn provider(&self, destination: &Destination<'_>) -> &str {
        match destination.channel {
            _ if self.inner.sandbox.is_some() => "sandbox",
            _ if destination.external => "webhook",
            Channel::Email => "smtp",
            Channel::Sms => self.sms_provider(destination),
            Channel::Whatsapp => "whatsapp",
        }
    }

    /// Whether what carries the message reports what becomes of it, given an address for that.
    pub fn reports(&self, destination: &Destination<'_>) -> bool {
        self.inner.sandbox.is_none() && self.gateway(destination).is_some_and(gateway::Gateway::reports)
    }

    /// What a report on a message says, and the gateway's word for it; `None` if nothing that is known here. `provider` is the gateway that
    /// carried it, where there are several.
    ///
    /// # Errors
    /// If the report is not of the configured form.
    pub fn receipt(
        &self,
        organization: &str,
        channel: Channel,
        external: bool,
        provider: Option<&str>,
        report: &[u8],
    ) -> Result<Option<(ReceiptStatus, String)>, Unreadable> {
        let gateway = match provider {
            Some(provider) if channel == Channel::Sms && !external => self.sms_gateway(provider),
            None if channel == Channel::Sms && !external => self.sms_gateway(DEFAULT_PROVIDER),
            _ => self.gateway(&Destination { organization, channel, external, to: "" }),
        };
        gateway.map_or(Ok(None), |gateway| gateway.receipt(report))
    }

    /// Whether a message may be sent again after [`Outcome::Ambiguous`], as a second one with its reference is dropped.
    pub fn repeatable(&self, destination: &Destination<'_>) -> bool {
        self.inner.sandbox.is_some() || self.gateway(destination).is_some_and(gateway::Gateway::is_idempotent)
    }

    /// Who carries the messages of a channel, as evidence names it.
    pub fn carrier(&self, channel: Channel, external: bool) -> &'static str {
        match channel {
            _ if self.inner.sandbox.is_some() => "sandbox",
            _ if external => "webhook of the organization",
            Channel::Email => "SMTP",
            Channel::Sms => "SMS gateway",
            Channel::Whatsapp => "WhatsApp gateway",
        }
    }

    /// The outbox, if the sandbox is on.
    pub fn sandbox(&self) -> Option<&sandbox::Outbox> {
        self.inner.sandbox.as_ref()
    }

    /// The texts of the messages.
    pub fn texts(&self) -> &texts::Texts {
        &self.inner.texts
    }
}

impl Message {
    /// Where it goes.
    pub fn destination(&self) -> Destination<'_> {
        Destination { organization: &self.organization, channel: self.channel, external: self.external, to: &self.to }
    }
}

/// Why no channel can carry the message, if so.
fn unsendable(message: &Message) -> Option<&'static str> {
    let longest = message.text.len().max(message.subject.len()).max(message.html.as_ref().map_or(0, String::len));
    if longest > MAX_TEXT {
        return Some("the message is too long");
    }
    if message.reference.is_empty()
        || message.reference.len() > MAX_REFERENCE
        || !message.reference.bytes().all(|b| b.is_ascii_graphic())
    {
        return Some("the message has no usable reference");
    }
    let reachable = match message.channel {
        Channel::Email => EmailAddress::parse(&message.to).is_ok(),
        Channel::Sms | Channel::Whatsapp => is_phone(&message.to),
    };
    (!reachable).then_some("the destination is not an address of the channel")
}

/// The message as mail servers and gateways get it: an internationalized domain of an e-mail address is written in ASCII, as its
/// A-label. The sandbox shows what the person wrote.
fn outgoing(message: &Message) -> Cow<'_, Message> {
    if message.channel != Channel::Email || message.to.is_ascii() {
        return Cow::Borrowed(message);
    }
    match EmailAddress::parse(&message.to) {
        Ok(address) => Cow::Owned(Message { to: address.to_string(), ..message.clone() }),
        Err(_) => Cow::Borrowed(message),
    }
}

/// ITU-T E.164: a plus (which may be missing here) and 6 to 15 digits, the first not 0.
fn is_phone(to: &str) -> bool {
    let digits = to.strip_prefix('+').unwrap_or(to);
    (6..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
}

/// The last three characters of a destination, as much as an operator needs to tell people apart.
fn masked(to: &str) -> String {
    let count = to.chars().count();
    let shown: String = to.chars().skip(count.saturating_sub(3)).collect();
    if count > 6 { format!("***{shown}") } else { "***".to_owned() }
}

/// What a server said, fit for an [`Outcome`]: one short line without the message's code, destination and address for receipts, as some servers
/// repeat what they were sent.
fn reason(message: &Message, said: &str) -> String {
    let digits = message.to.trim_start_matches('+');
    let code = message.code.as_ref().map_or("", Secret::expose);
    let mut line: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let receipt_url = message.receipt_url.as_deref().unwrap_or_default();
    for hidden in [message.text.as_str(), receipt_url, code, message.to.as_str(), digits] {
        if !hidden.is_empty() {
            line = line.replace(hidden, "***");
        }
    }
    line.chars().take(MAX_REASON).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message with a code for the tests of all channels.
    pub(super) fn message(channel: Channel, reference: &str) -> Message {
        let to = if channel == Channel::Email { "ana@example.org" } else { "+34600111222" };
        Message {
            reference: reference.into(),
            organization: "acme".into(),
            channel,
            external: false,
            to: to.into(),
            language: Language::Es,
            kind: texts::Kind::OtpCode,
            subject: "Su código".into(),
            text: "123456 es su clave & \"nada\" más".into(),
            html: None,
            code: Some(Secret::new("123456")),
            ttl: Duration::from_secs(300),
            receipt_url: None,
        }
    }

    fn metrics() -> Metrics {
        Metrics::new(&prometheus::Registry::new()).unwrap()
    }

    pub(super) fn noon() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_message_shows_neither_its_text_nor_its_code_nor_its_destination() {
        let shown = format!("{:?}", message(Channel::Sms, "r1"));
        assert!(shown.contains("r1") && shown.contains("***222"), "{shown}");
        assert!(!shown.contains("123456") && !shown.contains("600111222"), "{shown}");
    }

    #[test]
    fn a_reason_hides_what_the_server_repeats() {
        let message = message(Channel::Sms, "r1");
        let line = reason(&message, "bad number 34600111222\r\nfor code 123456");
        assert_eq!(line, "bad number ***  for code ***");
        assert_eq!(reason(&message, &"x".repeat(1000)).len(), MAX_REASON);
        let reported = Message { receipt_url: Some("https://sign.example.org/receipts/t".into()), ..message };
        assert_eq!(reason(&reported, "cannot call https://sign.example.org/receipts/t"), "cannot call ***");
        assert!(!format!("{reported:?}").contains("receipts/t"));
    }

    #[actix_rt::test]
    async fn what_no_channel_can_carry_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let channels = Channels::open(&Options::default(), folder.path(), metrics()).unwrap();
        let good = message(Channel::Sms, "r1");
        let bad = [
            Message { to: "ana@example.org".into(), ..good.clone() },
            Message { to: "+34 600".into(), ..good.clone() },
            Message { channel: Channel::Email, ..good.clone() },
            Message { text: "x".repeat(MAX_TEXT + 1), ..good.clone() },
            Message { reference: "a\r\nb".into(), ..good.clone() },
            Message { reference: String::new(), ..good.clone() },
        ];
        for message in bad {
            assert!(matches!(channels.send(&message, noon()).await, Outcome::Refused { .. }), "{message:?}");
        }
        assert!(matches!(channels.send(&good, noon()).await, Outcome::Accepted { .. }));
        assert_eq!(channels.sandbox().unwrap().list(None, 10).len(), 1);
        let mail = Message { external: true, ..message(Channel::Email, "r1") };
        assert!(channels.repeatable(&good.destination()) && channels.repeatable(&mail.destination()));
    }

    #[test]
    fn an_internationalized_domain_goes_out_as_its_a_label() {
        let to = |to: &str| outgoing(&Message { to: to.into(), ..message(Channel::Email, "r1") }).to.clone();
        assert_eq!(to("ana@münchen.example"), "ana@xn--mnchen-3ya.example");
        assert_eq!(to("Ana@Example.org"), "Ana@Example.org");
        assert_eq!(to("josé@españa.example"), "josé@xn--espaa-rta.example");
        assert_eq!(outgoing(&message(Channel::Sms, "r1")).to, "+34600111222");
    }

    #[actix_rt::test]
    async fn a_channel_that_is_not_configured_refuses() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { sandbox: Some(false), ..Options::default() };
        let channels = Channels::open(&options, folder.path(), metrics()).unwrap();
        for channel in [Channel::Sms, Channel::Email, Channel::Whatsapp] {
            for external in [false, true] {
                let message = Message { external, ..message(channel, "r1") };
                let outcome = channels.send(&message, noon()).await;
                assert!(matches!(&outcome, Outcome::Refused { reason } if reason.contains("configured")), "{outcome:?}");
                assert!(!channels.repeatable(&message.destination()));
            }
        }
        assert!(channels.sandbox().is_none() && !folder.path().join("sandbox").exists());
    }
}
