//! Signatures by hand: what reading, judging and encrypting a sample costs on one thread, and the life of a process of two signers in front of an
//! agent. The first signature starts nothing; after the second one the document is sealed, beside the lives of the others.

use std::{cell::Cell, path::Path, rc::Rc, time::Duration};

use biometric::{Gate, Record, RecordFormat, SampleBytes, synthetic::Hand};
use chrono::Utc;
use documents::{
    escrow::{self, ContentEncryption, Kind, Recipient},
    fixtures,
};
use serde_json::{Value, json};

use crate::{
    Failure, Options,
    client::{Connection, MULTIPART, multipart},
    machine,
    measured::{self, Life, Lives, Measured, Window},
    otp::DEVICE,
    seal::cost,
    server::Server,
    statistics::median,
};

const ROOT: &str = "/v1/orgs/acme";

/// Runs before the measurement: connections, token check, files.
const WARM_UP: Duration = Duration::from_secs(3);

/// 16 black pixels; what is drawn is the ink.
const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAAAAACMmsGiAAAAC0lEQVR42mNgwAQAABQAAe5aaQkAAAAASUVORK5CYII=";

/// What all connections of a measurement share.
struct Shared {
    document: String,
    /// Of the next handwriting: each is good once.
    seed: Cell<u64>,
}

impl Shared {
    /// The body of a signature.
    fn writing(&self) -> String {
        let seed = self.seed.get();
        self.seed.set(seed.wrapping_add(1));
        json!({"biometric_data": sample(seed), "signature_image": PICTURE}).to_string()
    }
}

fn sample(seed: u64) -> String {
    Hand { seed, ..Hand::default() }.signature().to_strokes().to_string()
}

pub async fn run(options: &Options) -> Result<(), Failure> {
    parts(options.rounds)?;
    println!(
        "\n## Signatures by hand: create, vouch, sign, sign; {} connections, {} ms between processes, fsync on\n",
        options.connections, options.think
    );
    println!("Samples of {} bytes (520 points). A process has two signers and one document of one page.\n", sample(1).len());
    println!(
        "| server | round | processes/s | per core-second | server ms/process | server cores | client cores | others' cores | load | RSS MB |"
    );
    println!("| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |");
    for server in &options.servers {
        let mut all: Vec<Measured> = Vec::new();
        for round in 1..=options.rounds {
            let one = measure(options, server).await?;
            println!(
                "| {} | {round} | {:.1} | {:.1} | {:.1} | {:.2} | {:.2} | {:.2} | {} | {:.0} |",
                machine::name(server),
                one.per_second(),
                one.per_core_second(),
                one.server_cpu / one.lives.len() * 1e3,
                one.server_cpu / one.seconds,
                one.client_cpu / one.seconds,
                one.other_cpu / one.seconds,
                machine::load(),
                one.resident_mb,
            );
            all.push(one);
        }
        let per_second = median(all.iter().map(Measured::per_second).collect());
        println!("\n{}, median of {} rounds: {per_second:.1} processes/s.", machine::name(server), all.len());
        let mut lives = Lives::default();
        all.into_iter().for_each(|one| lives.extend(one.lives));
        lives.print("life");
    }
    Ok(())
}

/// The steps from a sample as it was sent to its envelope.
fn parts(rounds: u32) -> Result<(), Failure> {
    let recipient = |kind| -> Result<Recipient, Failure> {
        let pair = escrow::new_pair("Notary", "Load", kind, Utc::now())?;
        Ok(Recipient::read(pair.certificate_pem.as_bytes())?)
    };
    let holders = [
        ("P-256", vec![recipient(Kind::P256)?]),
        ("RSA-3072", vec![recipient(Kind::Rsa3072)?]),
        ("both", vec![recipient(Kind::P256)?, recipient(Kind::Rsa3072)?]),
    ];
    let text = sample(1);
    println!("\n## From a sample to its envelope, one thread\n");
    println!("| holder | round | ms of processor time |\n| --- | --: | --: |");
    for round in 1..=rounds {
        for (name, recipients) in &holders {
            println!("| {name} | {round} | {:.3} |", cost(|| enveloped(&text, recipients))?);
        }
    }
    Ok(())
}

fn enveloped(text: &str, recipients: &[Recipient]) -> Result<(), Failure> {
    let sample = biometric::read(text)?;
    let capture = sample.capture().ok_or("no capture")?;
    let figures = capture.figures();
    let verdict = Gate::default().judge(&figures);
    if !verdict.is_accepted() || capture.ink().strokes.is_empty() || sample.replay_shape(text).is_empty() {
        return Err("the sample is not good".into());
    }
    let record = Record {
        format: RecordFormat::V1,
        organization: "acme".into(),
        process_id: String::new(),
        sign_id: String::new(),
        signer: "buyer".into(),
        captured_at: String::new(),
        documents: Vec::new(),
        device: Default::default(),
        figures: Some(figures),
        marks: Vec::new(),
        sample_sha256: String::new(),
        sample: SampleBytes::new(sample.format(), text.as_bytes()),
    };
    escrow::seal(&record.to_json(), recipients, ContentEncryption::default())?;
    Ok(())
}

async fn measure(options: &Options, program: &Path) -> Result<Measured, Failure> {
    let folder = tempfile::tempdir_in(&options.folder)?;
    let server = Server::start(program, folder.path())?;
    let mut connection = server.connect().await?;
    let notary = escrow::new_pair("Notary", "Load", Kind::P256, Utc::now())?;
    let policy = json!({"escrow_certificates": [notary.certificate_pem]}).to_string();
    let body = multipart(&[("name=\"biometric_policy\"", policy.as_bytes())]);
    connection.send("PATCH", &format!("{ROOT}/sign_process/configurations"), "", MULTIPART, &body).await?.expect(204)?;
    let pdf = fixtures::contract(&["A", "B"]);
    let parts: [(&str, &[u8]); 3] =
        [("name=\"name\"", b"contract.pdf"), ("name=\"extension\"", b"pdf"), ("name=\"content\"", &pdf)];
    let uploaded = connection.send("POST", &format!("{ROOT}/documents"), "", MULTIPART, &multipart(&parts)).await?;
    uploaded.expect(201)?;
    let document = uploaded.text("/documentId")?;
    let shared = Rc::new(Shared { document, seed: Cell::new(1) });
    let pause = Duration::from_millis(options.think.into());
    measured::measure(options, &server, WARM_UP, |connection, window| live(connection, shared.clone(), pause, window)).await
}

/// One life after the other on one connection.
async fn live(mut connection: Connection, shared: Rc<Shared>, pause: Duration, window: Window) -> Result<Lives, Failure> {
    let mut lives = Lives::default();
    while !window.is_over() {
        // Made before, as the client shares the machine.
        let writings = [shared.writing(), shared.writing()];
        let mut life = Life::begin();
        let process = create(&mut connection, &shared.document).await?;
        life.answered("create");
        let read = connection.call("GET", &format!("{ROOT}/sign_process/{process}"), "", "").await?;
        read.expect(200)?;
        let id = |position: usize, of: &str| read.text(&format!("/signatures/{position}/{of}/id"));
        let signers = [(id(0, "identification")?, id(0, "sign")?), (id(1, "identification")?, id(1, "sign")?)];
        life.answered("read, for the ids");
        for (identification, _) in &signers {
            let path = format!("{ROOT}/identifications/agent/{identification}/validate");
            connection.call("POST", &path, DEVICE, "{\"agent\":\"shop-7/eva\"}").await?.expect(204)?;
            life.answered("vouch");
        }
        for ((_, sign), (writing, name)) in signers.iter().zip(writings.iter().zip(["sign", "sign, the last one"])) {
            connection.call("POST", &format!("{ROOT}/biometric_signs/{sign}/sign"), DEVICE, writing).await?.expect(204)?;
            life.answered(name);
        }
        lives.count(window, life);
        tokio::time::sleep(pause).await;
    }
    Ok(lives)
}

async fn create(connection: &mut Connection, document: &str) -> Result<String, Failure> {
    let signer = |alias: &str| -> Value {
        let document = json!({"document_number": "12345678Z", "document_type": "NIF"});
        json!({"alias": alias, "name": "Ana", "last_name": "López", "language": "ES", "identity_document": document})
    };
    let fields = json!([{"signer": "a", "fields": ["A"]}, {"signer": "b", "fields": ["B"]}]);
    let body = json!({
        "signers": [signer("a"), signer("b")],
        "sign": {"type": "BIOMETRIC", "documents": [{"id": document, "sign_fields": fields}]},
        "identification": {"type": "AGENT"},
    });
    let answer = connection.call("POST", &format!("{ROOT}/sign_process"), "", &body.to_string()).await?;
    answer.expect(201)?;
    answer.text("/id")
}
