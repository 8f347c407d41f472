//! `rubrica demo`: drives a whole process over real HTTP, as an integrator's server and two signers would, then fills a template and has
//! it signed as a contract, and shows each step.
//!
//! It knows nothing but the API, the sandbox's messages and the data folder's key for the token; it never looks into the store.

/// Prints a line. That nobody reads it any more, as behind `| head`, is no reason to stop.
macro_rules! tell {
    ($($text:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

mod by_hand;
mod client;
mod consents;
mod contract;
mod own;
mod people;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{TimeDelta, Utc};
use clap::{Args, Subcommand};
use documents::{fixtures, inspect};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    access,
    config::Config,
    keys::Keys,
    server::{DEVELOPMENT_ORGANIZATION, DEVELOPMENT_ROOT},
    verify,
};
use by_hand::Escrow;
use client::Client;
use contract::Contract;
use own::OwnServer;
use people::Person;

pub(crate) type Failure = Box<dyn std::error::Error>;

/// Where a server is looked for when none is named: where plain `rubrica` listens.
const USUAL_SERVER: &str = "http://127.0.0.1:8080";

/// Longest wait for a message in the sandbox.
const MESSAGE_WAIT: Duration = Duration::from_secs(30);

/// Longest wait from the last signature to the certificate.
const CERTIFICATE_WAIT: Duration = Duration::from_secs(120);

/// Between two looks while waiting.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What to sign, and where.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Options {
    #[command(subcommand)]
    pub other: Option<Other>,
    /// The PDF to sign; without it a small contract of our own.
    pub file: Option<PathBuf>,
    /// Address of a running server with a sandbox. Without it: the one on port 8080 if it has a sandbox and takes a token of the
    /// data folder, else a server of our own on a free port.
    #[arg(long)]
    pub server: Option<String>,
    /// Data folder of the server: its key makes the token.
    #[arg(long, default_value = "data")]
    pub data: PathBuf,
    /// Organization that signs.
    #[arg(long, default_value = DEVELOPMENT_ORGANIZATION)]
    pub organization: String,
    /// Folder for the signed PDF and the certificate.
    #[arg(long, default_value = "rubrica-demo")]
    pub out: PathBuf,
    /// Sign by hand in front of an agent, with handwritings made by code, instead of by codes.
    #[arg(long)]
    pub biometric: bool,
}

/// What else can be shown.
#[derive(Subcommand)]
pub enum Other {
    /// A customer's consents: asked for in three languages, accepted with a receipt, withdrawn, expired, deleted, erased. On a server of its own,
    /// whose data are thrown away.
    Consents {
        /// Folder for the receipt.
        #[arg(long, default_value = "rubrica-demo")]
        out: PathBuf,
    },
}

/// Runs the demo.
///
/// # Errors
/// What went wrong, in words for a person.
pub fn run(options: &Options) -> Result<(), Failure> {
    if let Some(Other::Consents { out }) = &options.other {
        return consents::run(out);
    }
    let paper = Paper::read(options.file.as_deref())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (client, own) = runtime.block_on(reach(options))?;
    let started = Instant::now();
    let result = runtime.block_on(async {
        let escrow = match options.biometric {
            true => Some(Escrow::provide(&client, &options.out).await?),
            false => None,
        };
        Demo { client, escrow, started }.drive(&paper).await
    });
    // Connections that are kept open would hold up an own server's end.
    drop(runtime);
    let result = result?;
    let data = own.as_ref().map_or(options.data.as_path(), OwnServer::data);
    let written = result.write(&options.out, &paper, data)?;
    let stays = own.is_none();
    drop(own);
    result.report(&written);
    if stays {
        tell!("To look at it:  {}", result.page);
    }
    Ok(())
}

/// A process that waits for its one signer, on a server with a sandbox: the link to sign.
///
/// # Errors
/// What went wrong, in words for a person.
pub async fn waiting(base: &str, organization: &str, token: String) -> Result<String, Failure> {
    let client = Client::new(base, organization, token)?;
    let paper = Paper::read(None)?;
    let document = client.upload(&paper.name, &paper.bytes).await?;
    let [_, signer] = people::cast(&paper.fields);
    let process = client.create_process(&people::request(&[signer], &document, false)).await?;
    let signatures = client.process(&process).await?;
    let id = Uuid::parse_str(&text(&signatures, "/signatures/0/sign/id")?)?;
    // Of all links that the signer ever got, the one to this signature.
    let own = format!("/{}#k=", URL_SAFE_NO_PAD.encode(id.as_bytes()));
    let [_, signer] = people::cast(&[]);
    let link = |text: &str| text.split_whitespace().find(|word| word.contains(&own)).map(str::to_owned);
    let link = in_message(&client, signer.to, "link", |message| link(message["text"].as_str()?)).await?;
    Ok(link.trim_end_matches(['.', ',']).to_owned())
}

/// What is found in a message to somebody, once there is one in which it is.
async fn in_message<T>(client: &Client, to: &str, what: &str, find: impl Fn(&Value) -> Option<T>) -> Result<T, Failure> {
    let deadline = Instant::now() + MESSAGE_WAIT;
    loop {
        if let Some(found) = client.messages(to).await?.iter().find_map(&find) {
            return Ok(found);
        }
        if Instant::now() > deadline {
            return Err(format!("no {what} arrived for {to} within {} s", MESSAGE_WAIT.as_secs()).into());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The PDF to sign.
struct Paper {
    name: String,
    bytes: Vec<u8>,
    /// Names of signature fields that are free.
    fields: Vec<String>,
}

impl Paper {
    fn read(file: Option<&Path>) -> Result<Self, Failure> {
        let (name, bytes) = match file {
            None => ("contract.pdf".to_owned(), fixtures::contract(&["SIGNATURE_SELLER", "SIGNATURE_BUYER"])),
            Some(path) => {
                let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                // Names of documents have no white space (contract, UploadDocument).
                (name.split_whitespace().collect::<Vec<_>>().join("_"), bytes)
            }
        };
        let fields = match inspect::inspect(&bytes) {
            Ok(facts) => facts.signature_fields.into_iter().filter(|field| !field.signed).map(|field| field.name).collect(),
            Err(inspect::Error::NotPdf) => return Err(format!("{name} is not a PDF").into()),
            // What else is wrong with the file the server says, as it would to anybody.
            Err(_) => Vec::new(),
        };
        Ok(Self { name, bytes, fields })
    }
}

/// The server to talk to: the one named, the usual one, or an own one.
async fn reach(options: &Options) -> Result<(Client, Option<OwnServer>), Failure> {
    let mut config = Config::load(None, std::env::vars())?;
    config.data = Some(options.data.clone());
    let master = config.keys.master.clone();
    let token = |keys: &Keys| access::development::token(keys, &options.organization, &[], TimeDelta::hours(1), Utc::now());
    let existing = || -> Result<Keys, Failure> {
        match &master {
            Some(master) => Ok(Keys::from_base64(master)?),
            None if options.data.join("keys").exists() => Ok(Keys::load_or_create(&options.data)?),
            None => Err(format!("{} is not the data folder of a server; name it with --data", options.data.display()).into()),
        }
    };
    if let Some(server) = &options.server {
        let client = Client::new(server, &options.organization, token(&existing()?))?;
        client.has_sandbox().await?;
        client.takes_token().await?;
        tell!("Using the server at {server}");
        return Ok((client, None));
    }
    if let Ok(keys) = existing() {
        let client = Client::new(USUAL_SERVER, &options.organization, token(&keys))?;
        if client.has_sandbox().await.is_ok() && client.takes_token().await.is_ok() {
            tell!("Using the server at {USUAL_SERVER}");
            return Ok((client, None));
        }
    }
    let own = OwnServer::start(&options.data, master.as_deref())?;
    let keys = match &master {
        Some(master) => Keys::from_base64(master)?,
        None => Keys::load_or_create(own.data())?,
    };
    let client = Client::new(own.address(), &options.organization, token(&keys))?;
    tell!("Started a server of our own at {}, data in {}", own.address(), own.data().display());
    Ok((client, Some(own)))
}

struct Demo {
    client: Client,
    /// Of signatures by hand.
    escrow: Option<Escrow>,
    started: Instant,
}

/// What came out.
struct Outcome {
    signed: Vec<u8>,
    certificate: Vec<u8>,
    /// `None` beside signatures by hand.
    contract: Option<Contract>,
    /// Of signatures by hand.
    escrow: Option<Escrow>,
    /// Where the process is looked at.
    page: String,
    seconds: f64,
}

impl Demo {
    fn say(&self, text: impl std::fmt::Display) {
        tell!("{:>8.3} s  {text}", self.started.elapsed().as_secs_f64());
    }

    async fn drive(self, paper: &Paper) -> Result<Outcome, Failure> {
        let client = &self.client;
        let people = people::cast(&paper.fields);
        let document = client.upload(&paper.name, &paper.bytes).await?;
        self.say(format_args!("uploaded {}, {} bytes: document {document}", paper.name, paper.bytes.len()));
        if let Some(escrow) = &self.escrow {
            self.say(escrow.describe());
        }
        let process = client.create_process(&people::request(&people, &document, self.escrow.is_some())).await?;
        self.say(format_args!("created the sign process {process} for {} signers", people.len()));
        let signatures = client.process(&process).await?;
        let signatures = signatures["signatures"].as_array().cloned().unwrap_or_default();
        for person in &people {
            let signature = signatures.iter().find(|signature| signature["alias"] == person.alias);
            let signature = signature.ok_or_else(|| format!("the server lists no signature of {}", person.alias))?;
            match &self.escrow {
                Some(_) => self.sign_by_hand(person, signature).await?,
                None => self.sign(person, signature).await?,
            }
        }
        self.say("all have signed; the server seals the document and writes the certificate");
        let certified = self.certified(&process).await?;
        self.say("CERTIFIED");
        let certificate = text(&certified, "/certificate_id")?;
        let signature = text(&certified, "/signatures/0/sign/id")?;
        let detail = client.signature(self.operations(), &signature).await?;
        let signed = client.public(&text(&detail, "/signed_documents/0/url")?).await?;
        let certificate = client.download(&certificate).await?;
        let [.., buyer] = &people;
        let contract = if self.escrow.is_none() { Some(self.contract(buyer).await?) } else { None };
        let seconds = self.started.elapsed().as_secs_f64();
        let page = client.page_of(&process);
        Ok(Outcome { signed, certificate, contract, escrow: self.escrow, page, seconds })
    }

    /// The operations of the kind of signature.
    fn operations(&self) -> &'static str {
        if self.escrow.is_some() { "biometric_signs" } else { "simple_signs" }
    }

    /// One signer's part in a shop, from the agent's word to the signature.
    async fn sign_by_hand(&self, person: &Person, signature: &Value) -> Result<(), Failure> {
        let client = &self.client;
        let (identification, sign) = (text(signature, "/identification/id")?, text(signature, "/sign/id")?);
        client.vouch(&identification, by_hand::AGENT, person.device).await?;
        self.say(format_args!("{}: the agent {} compared the identity document", person.full_name(), by_hand::AGENT));
        client.preview_by_hand(&sign, person.device).await?;
        self.say(format_args!("{}: looked at the document on the tablet", person.full_name()));
        // A handwriting is good once, so each run has its own.
        let seed = uuid::Uuid::new_v4().as_u64_pair().0;
        client.sign_by_hand(&sign, &by_hand::writing(seed)?, person.device).await?;
        self.say(format_args!("{}: signed by hand (seed {seed})", person.full_name()));
        Ok(())
    }

    /// One signer's part, from the code to the signature.
    async fn sign(&self, person: &Person, signature: &Value) -> Result<(), Failure> {
        let client = &self.client;
        let (identification, sign) = (text(signature, "/identification/id")?, text(signature, "/sign/id")?);
        let before = client.messages(person.to).await?;
        client.challenge(&identification).await?;
        self.say(format_args!("{}: asked for a code by {}", person.full_name(), person.channel));
        let (code, message) = self.code(person, &before).await?;
        self.say(format_args!("{}: read at {}: \"{message}\"", person.full_name(), person.to));
        let access = client.validate(&identification, &code, person.device).await?;
        self.say(format_args!("{}: identified; got an x-access-token for this signature only", person.full_name()));
        client.act(&sign, "preview", &access, person.device).await?;
        self.say(format_args!("{}: looked at the document", person.full_name()));
        client.act(&sign, "sign", &access, person.device).await?;
        self.say(format_args!("{}: signed", person.full_name()));
        Ok(())
    }

    /// The code of a message that was not there before, and the line that holds it.
    async fn code(&self, person: &Person, before: &[Value]) -> Result<(String, String), Failure> {
        let known: Vec<&Value> = before.iter().map(|message| &message["id"]).collect();
        let code = |message: &Value| if known.contains(&&message["id"]) { None } else { code_in(message["text"].as_str()?) };
        in_message(&self.client, person.to, "code", code).await
    }

    async fn certified(&self, process: &str) -> Result<Value, Failure> {
        let deadline = Instant::now() + CERTIFICATE_WAIT;
        loop {
            let now = self.client.process(process).await?;
            match now["status"].as_str() {
                Some("CERTIFIED") => return Ok(now),
                Some("CREATED" | "SIGNED") if Instant::now() < deadline => tokio::time::sleep(LOOK_EVERY).await,
                Some(status @ ("CREATED" | "SIGNED")) => {
                    return Err(format!("the process is still {status} after {} s", CERTIFICATE_WAIT.as_secs()).into());
                }
                status => return Err(format!("the process ended as {}", status.unwrap_or("nothing known")).into()),
            }
        }
    }
}

/// A word of six to twelve digits, and its line.
fn code_in(text: &str) -> Option<(String, String)> {
    text.lines().find_map(|line| {
        let words = line.split_whitespace().map(|word| word.trim_matches(|c: char| c.is_ascii_punctuation()));
        let code =
            words.into_iter().find(|word| (6..=12).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit()));
        Some((code?.to_owned(), line.trim().to_owned()))
    })
}

fn text(value: &Value, pointer: &str) -> Result<String, Failure> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    Ok(found.ok_or_else(|| format!("the server's answer has no {pointer}"))?.to_owned())
}

/// Where the results are.
struct Written {
    signed: PathBuf,
    certificate: PathBuf,
    /// As it was filled, and signed.
    contract: Option<[PathBuf; 2]>,
    root: Option<PathBuf>,
}

/// Writes a file into a folder, which is made where it is missing.
fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, Failure> {
    let path = folder.join(name);
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, bytes));
    written.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

impl Outcome {
    fn write(&self, out: &Path, paper: &Paper, data: &Path) -> Result<Written, Failure> {
        let stem = Path::new(&paper.name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let put = |name: String, bytes: &[u8]| put(out, &name, bytes);
        // A temporary data folder is gone after the end, and the certificate of a running server's may be elsewhere.
        let root = std::fs::read(data.join(DEVELOPMENT_ROOT)).ok();
        Ok(Written {
            signed: put(format!("{stem}-signed.pdf"), &self.signed)?,
            certificate: put(format!("{stem}-certificate.pdf"), &self.certificate)?,
            contract: match &self.contract {
                Some(Contract { filled, signed }) => Some([
                    put("rental-agreement.pdf".to_owned(), filled)?,
                    put("rental-agreement-signed.pdf".to_owned(), signed)?,
                ]),
                None => None,
            },
            root: root.map(|root| put(DEVELOPMENT_ROOT.to_owned(), &root)).transpose()?,
        })
    }

    /// What the holder of the escrow key reads in the document.
    fn read_by_holder(&self) -> Vec<String> {
        let Some(escrow) = &self.escrow else { return Vec::new() };
        match escrow.read(&self.signed) {
            Ok(lines) => lines.into_iter().map(|line| format!("The holder of the escrow key reads  {line}")).collect(),
            Err(error) => vec![format!("The escrow key does not open the samples: {error}")],
        }
    }

    fn report(&self, written: &Written) {
        tell!("\nWhat the certificate's signed evidence says happened:");
        match verify::attached_evidence(&self.certificate) {
            Some(Ok(evidence)) => evidence.timeline.iter().for_each(|entry| {
                let what = json!(entry.what);
                let what = what.as_str().unwrap_or_default().replace('_', " ").to_lowercase();
                let details = entry.details.as_deref().map(|details| format!(" ({details})")).unwrap_or_default();
                tell!("  {}  {:<12} {what}{details}", entry.at.local().format("%H:%M:%S%.3f"), entry.actor);
            }),
            Some(Err(reason)) => tell!("  it cannot be believed: {reason}"),
            None => tell!("  the certificate holds none"),
        }
        tell!("\nDone in {:.1} s.", self.seconds);
        for line in self.read_by_holder() {
            tell!("{line}");
        }
        tell!("Signed PDF:   {}", written.signed.display());
        tell!("Certificate:  {}", written.certificate.display());
        if let Some([filled, signed]) = &written.contract {
            tell!("Contract:     {}, filled from a template", filled.display());
            tell!("Signed:       {}", signed.display());
        }
        let root = written.root.as_ref().map(|root| format!(" --root {}", root.display())).unwrap_or_default();
        tell!("Try next:     {} verify {}{root}", crate::program(), written.signed.display());
        if let Some(Escrow::Pair { certificate, key }) = &self.escrow {
            let (signed, certificate, key) = (written.signed.display(), certificate.display(), key.display());
            let program = crate::program();
            tell!("As holder:    {program} escrow open {signed} --certificate {certificate} --key {key} --output opened");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_word_of_digits_and_no_part_of_a_link() {
        let found = |text| code_in(text).map(|(code, _)| code);
        assert_eq!(found("123456 es su clave de Acme"), Some("123456".into()));
        assert_eq!(found("Guten Tag,\n\n12345678\n\nEr ist 5 Min."), Some("12345678".into()));
        assert_eq!(found("https://acme.example/sign?sign_id=01234567-1234-7000-8000-123456789012"), None);
        assert_eq!(found("in 5 minutes, 12345"), None);
    }
}
