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
//! The parts of a job are separated by tabs, or by spaces in a line without tabs. An answer is `{"ok":true,...}`,
//! `{"refused":"why","step":"inspect"}`, or `{"failed":"why"}` where the job itself is wrong. `ms` is the time, `peak_kb` the highest resident
//! memory of this process during the job.
//!
//! A panic ends the process even where the library would catch it: whoever reads the answers must see it.

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use base64::Engine;
use chrono::{DateTime, TimeZone, Utc};
use documents::pkcs12::Identity;
use documents::seal::{self, MAX_REQUESTS, Request};
use documents::verify::{self, Trust};
use documents::{inspect, pkcs12};
use serde_json::{Map, Value, json};

const PASSWORD: &str = "password";
/// The stack of the threads that do this work in the server (the default of tokio's blocking threads).
const STACK_BYTES: usize = 2 * 1024 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::abort();
    }));
    let work = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(|| answer_all().map_err(|error| error.to_string()))?;
    work.join().map_err(|_| "a panic")??;
    Ok(())
}

fn answer_all() -> Result<(), Box<dyn Error>> {
    let judge = Judge::new()?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        reset_peak();
        let began = Instant::now();
        let mut answer = judge.answer(&line).unwrap_or_else(Answer::into_object);
        answer.insert("ms".to_owned(), json!((began.elapsed().as_secs_f64() * 1e6).round() / 1e3));
        answer.insert("peak_kb".to_owned(), json!(peak_kb()));
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", Value::Object(answer))?;
        out.flush()?;
    }
    Ok(())
}

/// Why a job has no result.
enum Answer {
    Refused { step: &'static str, why: String },
    Failed(String),
}

impl Answer {
    fn into_object(self) -> Map<String, Value> {
        match self {
            Self::Refused { step, why } => object(json!({"refused": why, "step": step})),
            Self::Failed(why) => object(json!({"failed": why})),
        }
    }

    fn refused<E: std::fmt::Display>(step: &'static str) -> impl Fn(E) -> Self {
        move |error| Self::Refused { step, why: error.to_string() }
    }
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

    fn answer(&self, line: &str) -> Result<Map<String, Value>, Answer> {
        let parts: Vec<&str> = if line.contains('\t') { line.split('\t').collect() } else { line.split_whitespace().collect() };
        match parts[..] {
            ["inspect", input] => Self::inspect(&read(input)?),
            ["seal", input, output] => self.seal(&read(input)?, output),
            ["verify", input] => self.verify(&read(input)?),
            ["open", input] => self.open(&read(input)?),
            ["join", output, ref inputs @ ..] => Self::join(output, inputs, false),
            ["flatten", output, ref inputs @ ..] => Self::join(output, inputs, true),
            ["root", output] => self.root(output),
            _ => Err(Answer::Failed(format!("not a job: {line:?}"))),
        }
    }

    fn inspect(bytes: &[u8]) -> Result<Map<String, Value>, Answer> {
        let facts = inspect::inspect(bytes).map_err(Answer::refused("inspect"))?;
        Ok(object(json!({"ok": true, "facts": facts})))
    }

    /// One signature per unsigned field, an invisible one where there is none: a process whose signers have all the fields.
    fn seal(&self, bytes: &[u8], output: &str) -> Result<Map<String, Value>, Answer> {
        let facts = inspect::inspect(bytes).map_err(Answer::refused("inspect"))?;
        let unsigned = facts.signature_fields.iter().filter(|field| !field.signed && field.refusal.is_none());
        let fields: Vec<_> = unsigned.take(MAX_REQUESTS).map(|field| Some(field.name.clone())).collect();
        let fields = if fields.is_empty() { vec![None] } else { fields };
        let requests: Vec<Request> = fields.into_iter().map(|field| self.request(field)).collect();
        seal::rehearse(bytes).map_err(Answer::refused("rehearse"))?;
        let sealed = seal::seal(bytes, &self.identity, &requests).map_err(Answer::refused("seal"))?;
        write(output, &sealed.pdf)?;
        Ok(object(json!({"ok": true, "facts": facts, "bytes": sealed.pdf.len(), "masks": sealed.masks})))
    }

    fn request(&self, field: Option<String>) -> Request {
        Request {
            field,
            signer_name: "Núria Güell i Ferrándiz".to_owned(),
            at: self.now,
            reason: "Sign process 00000000-0000-0000-0000-000000000000".to_owned(),
            location: None,
            appearance_lines: None,
        }
    }

    /// `unchanged` is whether the report names nothing that was changed after any of the signatures.
    fn verify(&self, bytes: &[u8]) -> Result<Map<String, Value>, Answer> {
        let roots = self.identity.certificates().last().map(<[u8]>::to_vec).into_iter().collect();
        let report = verify::verify(bytes, &Trust { roots }, self.now).map_err(Answer::refused("verify"))?;
        let unchanged = report.signatures.iter().all(|signature| signature.later_changes.is_empty());
        Ok(object(json!({"ok": true, "all_intact": report.all_intact(), "unchanged": unchanged, "report": report})))
    }

    fn open(&self, bytes: &[u8]) -> Result<Map<String, Value>, Answer> {
        let identity = pkcs12::Identity::open(bytes, PASSWORD, self.now).map_err(Answer::refused("open"))?;
        Ok(object(json!({"ok": true, "certificate": identity.facts()})))
    }

    fn join(output: &str, inputs: &[&str], flatten: bool) -> Result<Map<String, Value>, Answer> {
        let files = inputs.iter().map(|input| read(input)).collect::<Result<Vec<_>, _>>()?;
        let joined = documents::put_together(&files, flatten).map_err(Answer::refused("join"))?;
        write(output, &joined.pdf)?;
        Ok(object(json!({"ok": true, "bytes": joined.pdf.len(), "pages": joined.pages, "renamed": joined.renamed})))
    }

    fn root(&self, output: &str) -> Result<Map<String, Value>, Answer> {
        let root = self.identity.certificates().last().ok_or_else(|| Answer::Failed("no root".to_owned()))?;
        let text = base64::engine::general_purpose::STANDARD.encode(root);
        let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
        write(output, pem.as_bytes())?;
        Ok(object(json!({"ok": true})))
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => Map::from_iter([("value".to_owned(), other)]),
    }
}

fn read(path: &str) -> Result<Vec<u8>, Answer> {
    std::fs::read(path).map_err(|error| Answer::Failed(format!("{path}: {error}")))
}

fn write(path: &str, bytes: &[u8]) -> Result<(), Answer> {
    std::fs::write(Path::new(path), bytes).map_err(|error| Answer::Failed(format!("{path}: {error}")))
}

/// Starts the measure of memory anew (proc(5), `clear_refs`). Where that is not allowed, the peak is that of the whole process.
fn reset_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Highest resident memory since the last reset, in kilobytes; nothing where the system does not tell it.
fn peak_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
