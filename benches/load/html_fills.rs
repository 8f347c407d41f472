//! Fills of dynamic templates over HTTP, an invoice of two pages: how many the server fills, how long they take at 60 % of that, and how long the
//! first of an organization takes while another one has thousands waiting. Times are those that the server tells, from the request to the end.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    Failure, Options,
    client::{Connection, MULTIPART, multipart},
    machine,
    server::Server,
    statistics::Times,
};

const TEMPLATE: &[u8] = include_bytes!("../../render/gallery/invoice/es.hbs");
const DATA: &str = include_str!("../../render/gallery/invoice/es.json");
const SCHEMA: &str = include_str!("../../render/gallery/invoice/schema.json");

/// Of the organization that has much to fill, and of the one that has little.
const MANY: &str = "acme";
const FEW: &str = "beta";

/// Fills by which the capacity is told.
const CAPACITY: usize = 400;

/// Part of the capacity that comes in where times are told.
const LOAD: f64 = 0.6;

/// Of so many fills one is urgent.
const URGENT: usize = 4;

/// What one organization has waiting while another one comes.
const WAITING: usize = 5_000;

/// How often the other one comes.
const COMES: usize = 10;

/// Longest wait for fills to end.
const PATIENCE: Duration = Duration::from_secs(300);

pub async fn run(options: &Options) -> Result<(), Failure> {
    println!("\n## Filling an invoice of two pages from HTML, {} bytes of template, {} of data\n", TEMPLATE.len(), DATA.len());
    for server in &options.servers {
        for round in 1..=options.rounds {
            println!("\n{}, round {round}, load {}\n", machine::name(server), machine::load());
            measure(options, server).await?;
        }
    }
    Ok(())
}

async fn measure(options: &Options, program: &Path) -> Result<(), Failure> {
    let folder = tempfile::tempdir_in(&options.folder)?;
    let server = Server::start(program, folder.path())?;
    let mut many = Client::new(server.connect().await?, MANY);
    many.make_template().await?;
    // Workers, fonts, compiled templates.
    let warm: Vec<String> = many.ask_for(40, "low").await?;
    many.until_ended(&warm).await?;

    let (began, cpu) = (Instant::now(), server.cpu()?);
    let ids = many.ask_for(CAPACITY, "low").await?;
    many.until_ended(&ids).await?;
    let (took, cpu) = (began.elapsed().as_secs_f64(), server.cpu()? - cpu);
    let capacity = CAPACITY as f64 / took;
    println!("| what | |\n| --- | --: |");
    println!("| fills/s, {CAPACITY} at once, with their requests and documents | {capacity:.0} |");
    println!("| fills per core-second of the server and its workers | {:.0} |", CAPACITY as f64 / cpu);

    // Arrivals that do not wait for what came before them.
    let (began, mut asked, mut answers) = (Instant::now(), Vec::new(), Times::default());
    while began.elapsed() < options.duration() {
        let due = Duration::from_secs_f64(asked.len() as f64 / (capacity * LOAD));
        tokio::time::sleep_until((began + due).into()).await;
        let priority = if asked.len() % URGENT == 0 { "high" } else { "low" };
        let sent = Instant::now();
        asked.push((many.ask(priority).await?, priority));
        answers.add(sent.elapsed());
    }
    println!("| 202, p50 and p95 in ms | {} |", shown(&mut answers, &[50.0, 95.0]));
    for wanted in ["high", "low"] {
        let mut times = Times::default();
        for (id, _) in asked.iter().filter(|(_, priority)| *priority == wanted) {
            times.add(many.time(id).await?);
        }
        let load = LOAD * 100.0;
        println!(
            "| {wanted} at {load:.0} % of that, from the 202 to COMPLETED, p50, p95 and p99 in ms | {} |",
            shown(&mut times, &[50.0, 95.0, 99.0])
        );
    }

    let token = token(program, folder.path())?;
    let mut few = Client::new(Connection::open(server.address, &token).await?, FEW);
    few.make_template().await?;
    let mut alone = Times::default();
    for _ in 0..COMES {
        let id = few.ask("low").await?;
        alone.add(few.time(&id).await?);
    }
    println!("| one of another organization, nobody else there, p50 and most in ms | {} |", shown(&mut alone, &[50.0, 100.0]));
    many.ask_for(WAITING, "low").await?;
    // The server has closed the one that was idle meanwhile.
    few.connection = Connection::open(server.address, &token).await?;
    let mut beside = Times::default();
    for _ in 0..COMES {
        let id = few.ask("low").await?;
        beside.add(few.time(&id).await?);
    }
    println!("| the same beside {WAITING} that another one asked for | {} |", shown(&mut beside, &[50.0, 100.0]));
    println!("| RSS of the server then, MB | {:.0} |", server.resident_mb()?);
    Ok(())
}

fn shown(times: &mut Times, percentiles: &[f64]) -> String {
    times.percentiles(percentiles).iter().map(|ms| format!("{ms:.0}")).collect::<Vec<_>>().join(" / ")
}

/// A token of the organization that has little to fill.
fn token(program: &Path, data: &Path) -> Result<String, Failure> {
    let made = Command::new(program).args(["token", "--organization", FEW, "--data"]).arg(data).output()?;
    let text = String::from_utf8(made.stdout)?;
    let token = text.lines().find(|line| line.starts_with("eyJ"));
    Ok(token.ok_or_else(|| format!("no token: {}", String::from_utf8_lossy(&made.stderr)))?.to_owned())
}

/// One organization on one connection.
struct Client {
    connection: Connection,
    organization: &'static str,
    /// Its request, by priority.
    high: String,
    low: String,
}

impl Client {
    fn new(connection: Connection, organization: &'static str) -> Self {
        let body = |priority: &str| {
            format!(r#"{{"language":"ES","fill_priority":"{priority}","document":{{"name":"invoice"}},"fields_values":{DATA}}}"#)
        };
        Self { connection, organization, high: body("high"), low: body("low") }
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/orgs/{}/{rest}", self.organization)
    }

    async fn make_template(&mut self) -> Result<(), Failure> {
        let structure: Value = serde_json::from_str(SCHEMA)?;
        let metadata = json!({
            "external_id": "invoice", "description": "An invoice", "default_language": "ES",
            "sources": [{
                "language": "ES", "template_part_name": "invoice.hbs", "editor_config_part_name": "config.json",
                "engine_version": "1", "structure": structure,
            }],
        });
        let body = multipart(&[
            ("name=\"metadata\"", metadata.to_string().as_bytes()),
            ("name=\"files\"; filename=\"invoice.hbs\"", TEMPLATE),
            ("name=\"files\"; filename=\"config.json\"", b"{}"),
        ]);
        let path = self.path("dynamic_templates");
        self.connection.send("POST", &path, "", MULTIPART, &body).await?.expect(201)
    }

    /// Asks for a fill; answers its identifier.
    async fn ask(&mut self, priority: &str) -> Result<String, Failure> {
        let path = self.path("dynamic_templates/invoice/versions/1/fill");
        let body = if priority == "high" { &self.high } else { &self.low };
        let answer = self.connection.call("POST", &path, "", body).await?;
        answer.expect(202)?;
        answer.text("/fill_process_id")
    }

    async fn ask_for(&mut self, count: usize, priority: &str) -> Result<Vec<String>, Failure> {
        let mut ids = Vec::with_capacity(count);
        for _ in 0..count {
            ids.push(self.ask(priority).await?);
        }
        Ok(ids)
    }

    async fn until_ended(&mut self, ids: &[String]) -> Result<(), Failure> {
        for id in ids {
            self.time(id).await?;
        }
        Ok(())
    }

    /// Waits until a fill has its document; answers how long that took it.
    async fn time(&mut self, id: &str) -> Result<Duration, Failure> {
        let (path, began) = (self.path(&format!("fill_process/{id}")), Instant::now());
        while began.elapsed() < PATIENCE {
            let answer = self.connection.call("GET", &path, "", "").await?;
            answer.expect(200)?;
            match answer.text("/status")?.as_str() {
                "COMPLETED" => {
                    let at = |pointer: &str| Ok::<_, Failure>(answer.text(pointer)?.parse::<DateTime<Utc>>()?);
                    return Ok((at("/finish_date")? - at("/creation_date")?).to_std()?);
                }
                "FAILED" => return Err(format!("a fill failed: {}", String::from_utf8_lossy(answer.body)).into()),
                _ => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
        Err(format!("fill {id} did not end within {PATIENCE:?}").into())
    }
}
