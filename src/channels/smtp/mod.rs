//! E-mail over SMTP (RFC 5321).
//!
//! The commands of a transaction are sent one by one instead of through the client's own `send`, to know exactly how far
//! it got: until the dot that ends the data has left, the server cannot have taken the message; after it, only a reply
//! tells. (The mail client must be built without its `tracing` feature, which logs what is sent.)

use std::{
    error::Error as _,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, SystemTime},
};

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use lettre::{
    Message as Mail,
    address::Envelope,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{Header, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        commands::{Data, Mail as MailFrom, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    },
};
use parking_lot::Mutex;
use store::Timestamp;
use tokio::{sync::Semaphore, time::Instant};
use workflows::EmailAddress;

use super::{Message, Outcome, Security, SmtpOptions, options, reason};

type SmtpError = lettre::transport::smtp::Error;

/// For how long a connection is kept after its last use; servers close idle ones after minutes (RFC 5321, 4.5.3.2.7).
const KEPT: Duration = Duration::from_secs(30);

/// A mail server and the connections to it.
pub(super) struct Smtp {
    host: String,
    port: u16,
    security: Security,
    tls: Option<TlsParameters>,
    credentials: Option<Credentials>,
    from: Mailbox,
    helo: ClientId,
    timeout: Duration,
    /// One permit for each connection.
    slots: Semaphore,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

/// Where an attempt failed.
enum Failure {
    /// The message cannot be put into a mail.
    Unsendable(String),
    /// Before the transaction: nothing is known to be wrong with the message.
    Session(SmtpError),
    /// Within the transaction.
    Transaction(SmtpError),
    Timeout,
}

impl Smtp {
    /// # Errors
    /// A text that says which option is wrong.
    pub(super) fn new(options: &SmtpOptions) -> Result<Self, String> {
        let from = sender(&options.from)?;
        let password = options.password()?;
        let credentials = match (&options.username, password) {
            (Some(username), Some(password)) => Some(Credentials::new(username.clone(), password.expose().to_owned())),
            (None, None) => None,
            _ => return Err("username and password belong together".into()),
        };
        let local = ["localhost", "127.0.0.1", "::1"].contains(&options.host.as_str());
        if options.security == Security::None && credentials.is_some() && !local {
            return Err("a password is not sent in the clear: security must be starttls or tls".into());
        }
        if !(1..=32).contains(&options.connections) {
            return Err(format!("connections is {}, but must be 1 to 32", options.connections));
        }
        let helo = options.helo.clone().unwrap_or_else(|| from.email.domain().to_owned());
        if helo.is_empty() || !helo.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("helo is not a host name".into());
        }
        Ok(Self {
            host: options.host.clone(),
            port: options.port(),
            security: options.security,
            tls: tls(options)?,
            credentials,
            helo: ClientId::Domain(helo),
            timeout: options::timeout(options.timeout_ms)?,
            slots: Semaphore::new(options.connections),
            idle: Mutex::new(Vec::new()),
            from,
        })
    }

    pub(super) async fn send(&self, message: &Message, now: Timestamp) -> Outcome {
        // Set once the end of the data may have left: from then on only a reply makes the outcome certain.
        let handed_over = AtomicBool::new(false);
        let attempt = tokio::time::timeout(self.timeout, self.attempt(message, now, &handed_over)).await;
        match attempt.unwrap_or(Err(Failure::Timeout)) {
            Ok(message_id) => Outcome::Accepted { provider_id: Some(message_id) },
            Err(failure) => outcome(message, failure, handed_over.load(Ordering::Relaxed)),
        }
    }

    async fn attempt(&self, message: &Message, now: Timestamp, handed_over: &AtomicBool) -> Result<String, Failure> {
        let message_id = message_id(message, self.from.email.domain());
        let mail = self.compose(message, &message_id, now).map_err(Failure::Unsendable)?;
        let Ok(_slot) = self.slots.acquire().await else {
            return Err(Failure::Timeout); // The semaphore is never closed.
        };
        let mut connection = self.connection().await.map_err(Failure::Session)?;
        transact(&mut connection, mail.envelope(), &mail.formatted(), handed_over).await?;
        self.idle.lock().push((connection, Instant::now()));
        Ok(message_id)
    }

    fn compose(&self, message: &Message, message_id: &str, now: Timestamp) -> Result<Mail, String> {
        let to = EmailAddress::parse(&message.to).map_err(|_| "the destination is not an e-mail address".to_owned())?;
        let to = on_the_wire(&to);
        // Given, because the client would read it from the headers, with its own check of addresses.
        let envelope = Envelope::new(Some(self.from.email.clone()), vec![to.clone()]).map_err(|_| "the mail has no envelope")?;
        // A line break in a subject would start another header.
        let subject: String = message.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let builder = Mail::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .envelope(envelope)
            .subject(subject)
            .date(SystemTime::from(now))
            .message_id(Some(format!("<{message_id}>")))
            .header(AutoSubmitted);
        let mail = match &message.html {
            Some(html) => builder.multipart(MultiPart::alternative_plain_html(message.text.clone(), html.clone())),
            None => builder.singlepart(SinglePart::plain(message.text.clone())),
        };
        mail.map_err(|_| "the mail cannot be composed".to_owned())
    }

    /// A connection on which a transaction can begin: an idle one that still answers, or a new one.
    async fn connection(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        while let Some((mut connection, since)) = self.take_idle() {
            if since.elapsed() < KEPT && connection.test_connected().await {
                return Ok(connection);
            }
        }
        let implicit = if self.security == Security::Tls { self.tls.clone() } else { None };
        let address = (self.host.as_str(), self.port);
        // A third, so that a second address of the host has its turn when the first does not answer.
        let connect = Some(self.timeout / 3);
        let mut connection = AsyncSmtpConnection::connect_tokio1(address, connect, &self.helo, implicit, None).await?;
        if self.security == Security::Starttls
            && let Some(tls) = &self.tls
        {
            connection.starttls(tls.clone(), &self.helo).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    fn take_idle(&self) -> Option<(AsyncSmtpConnection, Instant)> {
        self.idle.lock().pop()
    }
}

/// Who the mails are from, as it is configured: an address, maybe with a name.
fn sender(from: &str) -> Result<Mailbox, String> {
    let wrong = |problem: &str| format!("from is not an address, such as \"Acme <no-reply@acme.example>\": {problem}");
    let mailbox: Mailbox = from.parse().map_err(|_| wrong("its form is wrong"))?;
    if mailbox.email.domain().is_ascii() {
        // An operator may have a reason for an address that no person has, such as one at a host of its own network.
        return Ok(mailbox);
    }
    let address = EmailAddress::parse(mailbox.email.as_ref()).map_err(|problem| wrong(&problem.to_string()))?;
    Ok(Mailbox::new(mailbox.name, on_the_wire(&address)))
}

/// An address in the mail client's own type. The client's own check is not asked: it refuses some letters that RFC 6531 allows.
fn on_the_wire(address: &EmailAddress) -> lettre::Address {
    lettre::Address::new_dangerous(address.local_part(), address.domain())
}

/// One mail transaction (RFC 5321, 3.3). On failure the connection is dropped as it is: the answer to a QUIT is not worth
/// waiting for, and it could turn a clear refusal into a time-out.
async fn transact(
    connection: &mut AsyncSmtpConnection,
    envelope: &Envelope,
    mail: &[u8],
    handed_over: &AtomicBool,
) -> Result<(), Failure> {
    let mut parameters = Vec::new();
    if !envelope.to().iter().chain(envelope.from()).all(|address| address.to_string().is_ascii()) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(Failure::Unsendable("the mail server takes no address with letters outside ASCII".into()));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    // Such an address stands in the header as it is (RFC 6532), which makes it a header of 8 bits.
    if !mail.is_ascii() && connection.server_info().supports_feature(Extension::EightBitMime) {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    connection.command(MailFrom::new(envelope.from().cloned(), parameters)).await.map_err(Failure::Transaction)?;
    for to in envelope.to() {
        connection.command(Rcpt::new(to.clone(), Vec::new())).await.map_err(Failure::Transaction)?;
    }
    connection.command(Data).await.map_err(Failure::Transaction)?;
    // The client asks for the next part of the data right before it sends the final dot.
    let end = std::iter::from_fn(|| {
        handed_over.store(true, Ordering::Relaxed);
        None
    });
    connection.message_iter(std::iter::once(mail).chain(end)).await.map_err(Failure::Transaction)?;
    Ok(())
}

fn outcome(message: &Message, failure: Failure, handed_over: bool) -> Outcome {
    match failure {
        Failure::Unsendable(problem) => Outcome::refused(problem),
        Failure::Session(error) => Outcome::retry(said("cannot use the mail server", message, &error)),
        // A negative reply to the data, too, means that the server has not taken the message (RFC 5321, 4.2.5).
        Failure::Transaction(error) if error.is_transient() => {
            Outcome::retry(said("the mail server wants it later", message, &error))
        }
        Failure::Transaction(error) if wants_authentication(&error) => {
            Outcome::retry(said("the mail server wants a user name", message, &error))
        }
        Failure::Transaction(error) if error.is_permanent() => Outcome::refused(said("the mail server refuses", message, &error)),
        Failure::Transaction(error) if handed_over => Outcome::ambiguous(said("no reply to the data", message, &error)),
        Failure::Transaction(error) => Outcome::retry(said("the connection broke before the data ended", message, &error)),
        Failure::Timeout if handed_over => Outcome::ambiguous("the mail server did not reply to the data in time"),
        Failure::Timeout => Outcome::retry("the mail server did not take the data in time"),
    }
}

/// 530 and 535 (RFC 4954): for the operator to put right, no fault of the message.
fn wants_authentication(error: &SmtpError) -> bool {
    error.status().is_some_and(|code| ["530", "534", "535", "538"].contains(&code.to_string().as_str()))
}

/// What went wrong: the server's own reply, or what is known of the connection in our words. A reason is shown in evidence.
fn said(what: &str, message: &Message, error: &SmtpError) -> String {
    let detail = match error.status() {
        Some(code) => format!("it answered {code} {}", error.source().map(ToString::to_string).unwrap_or_default()),
        None if error.is_timeout() => "it did not answer in time".to_owned(),
        None if error.is_tls() => "no TLS connection could be made".to_owned(),
        None if error.is_response() => "its reply could not be read".to_owned(),
        None if error.is_client() => "it does not offer what is needed, STARTTLS or a way to log in".to_owned(),
        None => crate::outbound::connection_problem(error).to_owned(),
    };
    reason(message, &format!("{what}: {}", detail.trim_end()))
}

/// The same for every attempt to send the message, so that mail servers and readers that look can drop the second one.
fn message_id(message: &Message, domain: &str) -> String {
    let key = format!("{}/{}", message.organization, message.reference);
    let hash = digest::digest(&digest::SHA256, key.as_bytes());
    format!("{}@{domain}", HEXLOWER.encode(&hash.as_ref()[..16]))
}

fn tls(options: &SmtpOptions) -> Result<Option<TlsParameters>, String> {
    if options.security == Security::None {
        return Ok(None);
    }
    let mut builder = TlsParameters::builder(options.host.clone());
    if let Some(file) = &options.ca_file {
        let pem = std::fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let certificate =
            Certificate::from_pem(&pem).map_err(|_| format!("{}: no certificate in PEM can be read", file.display()))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().map(Some).map_err(|_| "TLS cannot be set up: host is no name that a certificate can have".to_owned())
}

/// RFC 3834: nobody is there to read an automatic reply.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests;
