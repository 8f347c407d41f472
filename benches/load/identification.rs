//! Lives of chains and of scoring sessions, beside the life of a one-time-code identification under the same conditions.

use std::{path::Path, rc::Rc, time::Duration};

use identity::fixtures;
use serde_json::json;

use crate::{
    Failure, Options,
    client::{Connection, MULTIPART, multipart},
    code_reader::CodeReader,
    machine,
    measured::{self, Life, Lives, Measured, Window},
    otp::{self, DEVICE, Phones, identify},
    provider::Provider,
    server::Server,
    statistics::median,
};

const AGENTS: &str = "/v1/orgs/acme/identifications/agent";
const CHAINS: &str = "/v1/orgs/acme/identifications/chain";
const IDENTITY_DOCUMENTS: &str = "/v1/orgs/acme/identifications/identity_document";
const SCORINGS: &str = "/v1/orgs/acme/scorings/identity_document";
const CONFIGURATIONS: &str = "/v1/orgs/acme/sign_process/configurations";

/// Runs before the measurement: connections, token check, files, workers.
const WARM_UP: Duration = Duration::from_secs(3);

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Otp,
    Chain,
    External,
    Internal,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Otp, Self::Chain, Self::External, Self::Internal];

    fn label(self) -> &'static str {
        match self {
            Self::Otp => "OTP",
            Self::Chain => "chain of AGENT, OTP and IDENTITY_DOCUMENT",
            Self::External => "scoring session, EXTERNAL",
            Self::Internal => "scoring session, INTERNAL",
        }
    }

    /// The row of whole lives.
    fn whole(self) -> &'static str {
        match self {
            Self::Otp | Self::Chain => "life, with the wait for the code",
            Self::External | Self::Internal => "session",
        }
    }
}

/// What all connections of a measurement share.
struct Shared {
    codes: Rc<CodeReader>,
    phones: Phones,
    /// A body with both sides of a card.
    images: Vec<u8>,
}

pub async fn run(options: &Options) -> Result<(), Failure> {
    let (front, back) = (fixtures::front(), fixtures::CARMEN.card());
    println!("\n## Identifications: chains and scoring sessions beside OTP; {} connections, fsync on\n", options.connections);
    println!(
        "Each life is one connection's, call after call. A chain is created and read, an agent vouches, a code is asked for and given, the images are \
         scored by an EXTERNAL provider and the step is validated by that, the chain is validated and closed. A session is created, scored, read and \
         closed. Images: two PNG of {} and {} bytes. The EXTERNAL provider is part of the client, on loopback, and answers at once without looking at \
         the images; INTERNAL reads them in the server's workers, whose processor time counts as the server's.\n",
        front.len(),
        back.len()
    );
    println!(
        "| server | life | round | lives/s | lives per core-second | server µs/life | calls per life | server cores | client cores | others' cores | load | RSS MB | workers: RSS MB of each |"
    );
    println!("| --- | --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |");
    let mut all: Vec<(&Path, Kind, Vec<Measured>)> = Vec::new();
    for server in &options.servers {
        all.extend(Kind::ALL.map(|kind| (server.as_path(), kind, Vec::new())));
    }
    for round in 1..=options.rounds {
        for (server, kind, measured) in &mut all {
            let one = measure(options, server, *kind).await?;
            if one.lives.len() == 0.0 {
                return Err(format!("{}: no life ended within {} s; give more --seconds", kind.label(), options.seconds).into());
            }
            let workers: Vec<String> = one.workers_mb.iter().map(|mb| format!("{mb:.0}")).collect();
            println!(
                "| {} | {} | {round} | {:.0} | {:.0} | {:.0} | {} | {:.2} | {:.2} | {:.2} | {} | {:.0} | {} |",
                machine::name(server),
                kind.label(),
                one.per_second(),
                one.per_core_second(),
                one.server_cpu / one.lives.len() * 1e6,
                one.lives.calls.len(),
                one.server_cpu / one.seconds,
                one.client_cpu / one.seconds,
                one.other_cpu / one.seconds,
                machine::load(),
                one.resident_mb,
                if workers.is_empty() { "none".to_owned() } else { workers.join(", ") },
            );
            measured.push(one);
        }
    }
    println!("\n| server | life | lives/s, median | lives per core-second, median | processor time of so many OTP lives |");
    println!("| --- | --- | --: | --: | --: |");
    let mut of_otp = f64::NAN;
    for (server, kind, measured) in &all {
        let per_core = median(measured.iter().map(Measured::per_core_second).collect());
        if *kind == Kind::Otp {
            of_otp = per_core;
        }
        let per_second = median(measured.iter().map(Measured::per_second).collect());
        let name = machine::name(server);
        println!("| {name} | {} | {per_second:.0} | {per_core:.0} | {:.1} |", kind.label(), of_otp / per_core);
    }
    for (server, kind, measured) in all {
        println!("\n{}, {}, all rounds:", machine::name(server), kind.label());
        let mut lives = Lives::default();
        measured.into_iter().for_each(|one| lives.extend(one.lives));
        lives.print(kind.whole());
    }
    Ok(())
}

async fn measure(options: &Options, program: &Path, kind: Kind) -> Result<Measured, Failure> {
    let folder = tempfile::tempdir_in(&options.folder)?;
    let provider = Provider::start().await?;
    // The provider is on loopback, without TLS.
    let reach = [
        ("RUBRICA_SCORING__PLAIN_HTTP", "true".to_owned()),
        ("RUBRICA_SCORING__PRIVATE_NETWORKS", "[\"127.0.0.0/8\"]".to_owned()),
    ];
    let server = Server::start_with(program, folder.path(), &reach)?;
    connect(&mut server.connect().await?, &provider).await?;
    let shared = Rc::new(Shared {
        codes: Rc::new(CodeReader::start([folder.path()])),
        phones: Phones::default(),
        images: multipart(&[("name=\"front\"", &fixtures::front()), ("name=\"back\"", &fixtures::CARMEN.card())]),
    });
    measured::measure(options, &server, WARM_UP, |connection, window| live(kind, connection, shared.clone(), window)).await
}

/// Gives the organization its provider.
async fn connect(connection: &mut Connection, provider: &Provider) -> Result<(), Failure> {
    // 32 bytes in Base64.
    let secret = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    let config = json!({
        "providers": [{"provider_type": "EXTERNAL"}],
        "connections": {"EXTERNAL": {"base_url": provider.base, "secret": secret}},
    });
    let body = multipart(&[("name=\"identification_config\"", config.to_string().as_bytes())]);
    connection.send("PATCH", CONFIGURATIONS, "", MULTIPART, &body).await?.expect(204)
}

/// One life after the other on one connection.
async fn live(kind: Kind, mut connection: Connection, shared: Rc<Shared>, window: Window) -> Result<Lives, Failure> {
    if kind == Kind::Otp {
        return otp::live(connection, shared.codes.clone(), shared.phones.clone(), window).await;
    }
    let mut lives = Lives::default();
    while !window.is_over() {
        let mut life = Life::begin();
        match kind {
            Kind::Chain => chain(&mut connection, &shared, &mut life).await?,
            Kind::Internal => session(&mut connection, &shared, &mut life, "INTERNAL").await?,
            Kind::Otp | Kind::External => session(&mut connection, &shared, &mut life, "EXTERNAL").await?,
        }
        lives.count(window, life);
    }
    Ok(lives)
}

async fn chain(connection: &mut Connection, shared: &Shared, life: &mut Life) -> Result<(), Failure> {
    let phone = shared.phones.next();
    let body = json!({
        "actor": {
            "name": "Ana", "last_name": "López", "language": "ES", "msisdn": {"country_code": "34", "phone_number": phone},
            "identity_document": {"document_number": "12345678Z", "document_type": "NIF"},
        },
        "expires_in": "P1D",
        "sequence": [
            {"identification_type": "AGENT"},
            {"identification_type": "OTP", "otp_step": {"channel": {"type": "SMS"}}},
            {"identification_type": "IDENTITY_DOCUMENT", "identity_document_step": {"provider_type": "EXTERNAL"}},
        ],
    });
    let created = connection.call("POST", CHAINS, DEVICE, &body.to_string()).await?;
    created.expect(201)?;
    let chain = format!("{CHAINS}/{}", created.text("/id")?);
    life.answered("create");
    let read = connection.call("GET", &chain, DEVICE, "").await?;
    read.expect(200)?;
    let step = |position: usize| read.text(&format!("/step_details/{position}/id"));
    let (agent, otp, document) = (step(0)?, step(1)?, step(2)?);
    life.answered("read, for the ids of the steps");

    let agent = format!("{AGENTS}/{agent}/validate");
    connection.call("POST", &agent, DEVICE, "{\"agent\":\"shop-7/eva\"}").await?.expect(204)?;
    life.answered("AGENT: validate");
    identify(connection, &shared.codes, phone, &otp, life, ["OTP: challenge", "OTP: validate"]).await?;
    let document = format!("{IDENTITY_DOCUMENTS}/{document}");
    let read = connection.call("GET", &document, "", "").await?;
    read.expect(200)?;
    let scoring = format!("{SCORINGS}/{}/score", read.text("/scoring_id")?);
    life.answered("IDENTITY_DOCUMENT: read, for the id of its session");
    connection.send("PUT", &scoring, DEVICE, MULTIPART, &shared.images).await?.expect(204)?;
    life.answered("IDENTITY_DOCUMENT: score");
    connection.call("POST", &format!("{document}/validate"), DEVICE, "").await?.expect(204)?;
    life.answered("IDENTITY_DOCUMENT: validate");

    connection.call("POST", &format!("{chain}/validate"), DEVICE, "").await?.expect(204)?;
    life.answered("validate");
    connection.call("POST", &format!("{chain}/close"), DEVICE, "").await?.expect(204)?;
    life.answered("close");
    Ok(())
}

async fn session(connection: &mut Connection, shared: &Shared, life: &mut Life, provider: &str) -> Result<(), Failure> {
    let body = json!({"document": {"type": "IDENTITY_CARD", "country": "ES"}, "provider": provider, "expires_in": "P1D"});
    let created = connection.call("POST", SCORINGS, "", &body.to_string()).await?;
    created.expect(200)?;
    let session = format!("{SCORINGS}/{}", created.text("/id")?);
    life.answered("create");
    connection.send("PUT", &format!("{session}/score"), DEVICE, MULTIPART, &shared.images).await?.expect(204)?;
    life.answered("score");
    let read = connection.call("GET", &session, "", "").await?;
    read.expect(200)?;
    let state = read.text("/state")?;
    if state != "SCORED" {
        return Err(format!("the session is {state} once its images are scored").into());
    }
    life.answered("read");
    connection.call("POST", &format!("{session}/close"), "", "").await?.expect(204)?;
    life.answered("close");
    Ok(())
}
