//! What the server acknowledged, and whether it still knows.

use std::sync::Arc;

use chrono::Utc;
use documents::verify::{self, Trust};
use parking_lot::Mutex;
use serde_json::Value;
use uuid::Uuid;

use super::{
    api::Api,
    client::{identification_path, process_path},
};

/// An uploaded document.
#[derive(Clone)]
pub struct Document {
    pub id: Uuid,
    pub name: String,
    pub tag: String,
    pub bytes: Vec<u8>,
}

/// An identification on its own, and the last state that was acknowledged.
#[derive(Clone)]
pub struct Identification {
    pub id: Uuid,
    pub state: &'static str,
}

/// A sign process, and what was acknowledged of it.
#[derive(Clone, Default)]
pub struct Process {
    pub id: Uuid,
    /// Signatures that were acknowledged.
    pub signed: Vec<Uuid>,
    /// Signers in all.
    pub signers: usize,
    pub cancelled: bool,
}

impl Process {
    fn has_all(&self) -> bool {
        self.signed.len() == self.signers
    }
}

#[derive(Default)]
struct Entries {
    documents: Vec<Document>,
    identifications: Vec<Identification>,
    processes: Vec<Process>,
}

/// All that was acknowledged. Cheap to clone.
#[derive(Clone, Default)]
pub struct Ledger(Arc<Mutex<Entries>>);

impl Ledger {
    pub fn uploaded(&self, document: Document) {
        self.0.lock().documents.push(document);
    }

    pub fn identification(&self, id: Uuid, state: &'static str) {
        let identifications = &mut self.0.lock().identifications;
        match identifications.iter_mut().find(|identification| identification.id == id) {
            Some(identification) => identification.state = state,
            None => identifications.push(Identification { id, state }),
        }
    }

    pub fn process(&self, id: Uuid, change: impl FnOnce(&mut Process)) {
        let processes = &mut self.0.lock().processes;
        match processes.iter_mut().find(|process| process.id == id) {
            Some(process) => change(process),
            None => {
                let mut process = Process { id, ..Process::default() };
                change(&mut process);
                processes.push(process);
            }
        }
    }

    pub fn documents(&self) -> Vec<Document> {
        self.0.lock().documents.clone()
    }

    pub fn identifications(&self) -> Vec<Identification> {
        self.0.lock().identifications.clone()
    }

    pub fn processes(&self) -> Vec<Process> {
        self.0.lock().processes.clone()
    }

    /// Processes that got all they need.
    pub fn complete(&self) -> Vec<Uuid> {
        self.processes().into_iter().filter(Process::has_all).map(|process| process.id).collect()
    }

    /// Asks the server for everything.
    pub async fn check(&self, api: &Api) {
        for document in self.documents() {
            check_document(api, &document).await;
        }
        for Identification { id, state } in self.identifications() {
            let found = api.get(&identification_path(id)).await.expect(200, "an acknowledged identification");
            let found = found.json()["state"].as_str().unwrap_or_default().to_owned();
            assert!(reached(&found, state), "identification {id} was {state} and is {found}");
        }
        for process in self.processes() {
            check_process(api, &process).await;
        }
    }
}

/// Whether an identification that was in the state `acknowledged` can be in the state `found`, nothing being lost.
fn reached(found: &str, acknowledged: &str) -> bool {
    match acknowledged {
        // What follows may have been done without an answer.
        "CREATED" => matches!(found, "CREATED" | "VALIDATED" | "SUCCEEDED" | "CANCELLED"),
        "VALIDATED" => matches!(found, "VALIDATED" | "SUCCEEDED"),
        _ => found == acknowledged,
    }
}

async fn check_document(api: &Api, document: &Document) {
    let path = format!("/v1/orgs/acme/documents/{}", document.id);
    let found = api.get(&path).await.expect(200, "an acknowledged document");
    assert!(found.body == document.bytes, "document {}: its bytes are others", document.id);
    let metadata = api.get(&format!("{path}/metadata")).await.expect(200, "its metadata").json();
    assert_eq!(metadata["name"], Value::from(document.name.as_str()), "{metadata}");
    assert_eq!(metadata["tags"], Value::from(vec![document.tag.to_uppercase()]), "{metadata}");
}

async fn check_process(api: &Api, process: &Process) {
    let found = api.get(&process_path(process.id)).await.expect(200, "an acknowledged process").json();
    let status = found["status"].as_str().unwrap_or_default();
    if process.cancelled {
        assert_eq!(status, "CANCELLED", "{found}");
        return;
    }
    let signatures = found["signatures"].as_array().expect("signatures");
    assert_eq!(signatures.len(), process.signers, "{found}");
    for id in &process.signed {
        let signature = signatures.iter().find(|signature| signature["sign"]["id"] == id.to_string());
        let signature = signature.unwrap_or_else(|| panic!("signature {id} is missing in {found}"));
        assert_eq!(signature["sign"]["status"], "SUCCEEDED", "{found}");
        let identification =
            signature["identification"]["id"].as_str().and_then(|id| id.parse().ok()).expect("an identification");
        let identification = api.get(&identification_path(identification)).await.expect(200, "the identification").json();
        assert_eq!(identification["state"], "SUCCEEDED", "of signature {id}: {identification}");
    }
    if process.has_all() {
        assert_eq!(status, "CERTIFIED", "{found}");
        check_outcome(api, process, &found).await;
    }
}

/// A certified process has a sealed document with the signatures of all, and a sealed certificate.
async fn check_outcome(api: &Api, process: &Process, found: &Value) {
    let certificate = found["certificate_id"].as_str().expect("a certificate");
    let certificate = api.get(&format!("/v1/orgs/acme/documents/{certificate}")).await.expect(200, "the certificate");
    let detail = api.get(&format!("/v1/orgs/acme/simple_signs/{}", process.signed[0])).await.expect(200, "a signature").json();
    let url = detail["signed_documents"][0]["url"].as_str().expect("a signed document");
    let signed = api.get(url).await.expect(200, "the signed document");
    for (pdf, signatures) in [(signed.body, process.signers), (certificate.body, 1)] {
        let report = verify::verify(&pdf, &Trust { roots: Vec::new() }, Utc::now()).expect("a PDF");
        assert!(report.all_intact(), "process {}: {report}", process.id);
        assert_eq!(report.signatures.len(), signatures, "process {}: {report}", process.id);
    }
}
