//! Answers batches of questions about files for the generators in `tests/outside`:
//! `cargo run -p documents --features fixtures --example judge`.
//!
//! Each line on the standard input is a job; each gets one line of JSON on the standard output:
//!
//! | job | does | answer beside `ok` |
//! | --- | --- | --- |
//! | `inspect IN` | reads an upload | `facts` |
//! | `seal IN OUT` | reads and rehearses an upload, then seals it, as the server does | `facts`, `bytes`, and `masks`: the places that it draws into |
//! | `verify IN` | verifies its signatures | `all_intact`, `unchanged`, `report` |
//! | `open IN` | opens a key file with the password `password` | `certificate` |
//! | `join OUT IN...` | puts forms together as they are, with one form | `pages`, `renamed` |
//! | `flatten OUT IN...` | the same, flattened | `pages`, `renamed` |
//! | `root OUT` | writes the root of the seals' certificate (PEM) | |
//!
//! The parts of a job are separated by tabs, or by spaces in a line without tabs. What an answer is stands in `jobs`.

mod jobs;

use std::error::Error;

use base64::Engine;
use chrono::{DateTime, TimeZone, Utc};
use documents::pkcs12::Identity;
use documents::seal::{self, MAX_REQUESTS, Request};
use documents::verify::{self, Trust};
use documents::{fixtures, inspect, pkcs12};
use serde_json::json;

use crate::jobs::{Answer, NoResult, object, read, write};

const PASSWORD: &str = "password";

fn main() -> Result<(), Box<dyn Error>> {
    jobs::on_a_server_thread(|| {
        let judge = Judge::new().map_err(|error| error.to_string())?;
        jobs::answer_all(|line| judge.answer(line)).map_err(|error| error.to_string())
    })
}

struct Judge {
    identity: Identity,
    /// Of the seals and of verification: fixed, so that a run can be repeated.
    now: DateTime<Utc>,
}

impl Judge {
    fn new() -> Result<Self, Box<dyn Error>> {
        let now = Utc.with_ymd_and_hms(2026, 9, 1, 12, 0, 0).single().ok_or("no such time")?;
        let file = Identity::development("Rubrica development seal", "Serveis Güell, S.L.", now, PASSWORD)?;
        Ok(Self { identity: Identity::open(&file, PASSWORD, now)?, now })
    }

    fn answer(&self, line: &str) -> Answer {
        let parts: Vec<&str> = if line.contains('\t') { line.split('\t').collect() } else { line.split_whitespace().collect() };
        match parts[..] {
            ["inspect", input] => Self::inspect(&read(input)?),
            ["seal", input, output] => self.seal(&read(input)?, output),
            ["verify", input] => self.verify(&read(input)?),
            ["open", input] => self.open(&read(input)?),
            ["join", output, ref inputs @ ..] => Self::join(output, inputs, false),
            ["flatten", output, ref inputs @ ..] => Self::join(output, inputs, true),
            ["root", output] => self.root(output),
            _ => Err(NoResult::Failed(format!("not a job: {line:?}"))),
        }
    }

    fn inspect(bytes: &[u8]) -> Answer {
        let facts = inspect::inspect(bytes).map_err(NoResult::refused("inspect"))?;
        Ok(object(json!({"ok": true, "facts": facts})))
    }

    /// One signature per unsigned field, an invisible one where there is none: a process whose signers have all the fields.
    fn seal(&self, bytes: &[u8], output: &str) -> Answer {
        let facts = inspect::inspect(bytes).map_err(NoResult::refused("inspect"))?;
        let unsigned = facts.signature_fields.iter().filter(|field| !field.signed && field.refusal.is_none());
        let fields: Vec<_> = unsigned.take(MAX_REQUESTS).map(|field| Some(field.name.clone())).collect();
        let fields = if fields.is_empty() { vec![None] } else { fields };
        let requests: Vec<Request> = fields.into_iter().map(|field| self.request(field)).collect();
        seal::rehearse(bytes).map_err(NoResult::refused("rehearse"))?;
        let sealed = seal::seal(bytes, &self.identity, &requests).map_err(NoResult::refused("seal"))?;
        write(output, &sealed.pdf)?;
        Ok(object(json!({"ok": true, "facts": facts, "bytes": sealed.pdf.len(), "masks": sealed.masks})))
    }

    /// Every other field, by the length of its name, is signed by hand.
    fn request(&self, field: Option<String>) -> Request {
        let is_by_hand = field.as_ref().is_some_and(|name| name.len().is_multiple_of(2));
        Request {
            field,
            signer_name: "Núria Güell i Ferrándiz".to_owned(),
            at: self.now,
            reason: "Sign process 00000000-0000-0000-0000-000000000000".to_owned(),
            location: None,
            appearance_lines: None,
            handwriting: is_by_hand.then(|| fixtures::handwriting(1)),
        }
    }

    /// `unchanged` is whether the report names nothing that was changed after any of the signatures.
    fn verify(&self, bytes: &[u8]) -> Answer {
        let roots = self.identity.certificates().last().map(<[u8]>::to_vec).into_iter().collect();
        let report = verify::verify(bytes, &Trust { roots }, self.now).map_err(NoResult::refused("verify"))?;
        let unchanged = report.signatures.iter().all(|signature| signature.later_changes.is_empty());
        Ok(object(json!({"ok": true, "all_intact": report.all_intact(), "unchanged": unchanged, "report": report})))
    }

    fn open(&self, bytes: &[u8]) -> Answer {
        let identity = pkcs12::Identity::open(bytes, PASSWORD, self.now).map_err(NoResult::refused("open"))?;
        Ok(object(json!({"ok": true, "certificate": identity.facts()})))
    }

    fn join(output: &str, inputs: &[&str], flatten: bool) -> Answer {
        let files = inputs.iter().map(|input| read(input)).collect::<Result<Vec<_>, _>>()?;
        let joined = documents::put_together(&files, flatten).map_err(NoResult::refused("join"))?;
        write(output, &joined.pdf)?;
        Ok(object(json!({"ok": true, "bytes": joined.pdf.len(), "pages": joined.pages, "renamed": joined.renamed})))
    }

    fn root(&self, output: &str) -> Answer {
        let root = self.identity.certificates().last().ok_or_else(|| NoResult::Failed("no root".to_owned()))?;
        let text = base64::engine::general_purpose::STANDARD.encode(root);
        let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
        write(output, pem.as_bytes())?;
        Ok(object(json!({"ok": true})))
    }
}
