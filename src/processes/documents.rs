//! Sealing: every signer's signature on a document, and the certificate of a process.

use std::sync::Arc;

use ::documents::{
    Handwriting,
    certificate::{self, SignedEvidence},
    pkcs12::Identity,
    seal,
};
use actors::Attempt;
use aws_lc_rs::digest;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use uuid::Uuid;
use workflows::sign_process::{Command, Data, Document, Sealed, SignProcess};

use super::{
    Processes, World,
    evidence::{self, Scene},
    refused, retry,
};
use crate::{
    catalogue::{
        documents::{self, Extension, Owner, Produced},
        sign_configuration,
    },
    cpu_pool::{Cutoff, Job},
    fonts, handwriting,
};

impl World {
    /// Seals one document with a PAdES signature per signer, in the order in which they signed, and stores the result as a new
    /// document. Repeatable: the new document's id comes from the process and the document.
    pub(super) async fn seal_document(
        &self,
        organization: &str,
        data: &Data,
        document: Uuid,
        now: DateTime<Utc>,
    ) -> Attempt<SignProcess> {
        let Some(document) = data.creation.documents.iter().find(|candidate| candidate.id == document) else {
            return refused("the process has no such document");
        };
        let identity = match self.identity(organization, now).await {
            Ok(identity) => identity,
            Err(attempt) => return attempt,
        };
        let Ok(digest) = document.digest.parse() else { return refused("the document's digest is not readable") };
        let by_hand = match self.by_hand(organization, data).await {
            Ok(by_hand) => by_hand,
            Err(attempt) => return attempt,
        };
        let requests = seal_requests(data, document, &by_hand);
        let facts = identity.facts();
        let names: Vec<&str> =
            requests.iter().filter(|request| request.field.is_some()).map(|request| request.signer_name.as_str()).collect();
        let missing = ::documents::text::missing(&names.join("\n"));
        let seal = move |bytes: Bytes, _: &Cutoff| seal::seal(&bytes, &identity, &requests);
        let sealed = match self.documents.work_on_held(organization, &digest, document.size, seal).await {
            Ok(Ok(sealed)) => sealed,
            Ok(Err(error @ seal::Error::Signing)) => return retry(error),
            Ok(Err(error)) => return refused(error),
            Err(documents::Error::Gone) => return refused("the document's bytes are gone"),
            Err(error) => return error.set_aside().map_or_else(|| retry(&error), refused),
        };
        fonts::tell_missing(&missing, "a visible seal", data.creation.id);
        let bytes = Bytes::from(sealed.pdf);
        let original = usize::try_from(document.size).unwrap_or(usize::MAX);
        let compared = match self.documents.compare(organization, digest, bytes.clone(), original, &sealed.masks).await {
            Ok(compared) => compared,
            Err(error) => return retry(error),
        };
        if let Some(reason) = documents::would_change(&compared) {
            return refused(reason);
        }
        let owner = match document.owner.as_deref().map(Owner::new).transpose() {
            Ok(owner) => owner,
            Err(reason) => return refused(reason),
        };
        let produced = Produced {
            id: produced_id(data.creation.id, "sealed", document.id),
            name: format!("{}_signed", document.name.strip_suffix(".pdf").unwrap_or(&document.name)),
            extension: Extension::Pdf,
            tags: vec!["SIGNED".into()],
            owner,
            owned_with: document.contract.is_some().then_some(document.id),
            bytes,
            comparison: Some(compared),
        };
        match self.documents.store_produced(organization, produced, now).await {
            Ok(stored) => {
                self.configurations.seals().note(organization, &facts, now).await;
                let sealed = Sealed { id: stored.id, digest: stored.digest.to_string() };
                Attempt::Done(Some(Command::Sealed { document: document.id, sealed }))
            }
            Err(error) => retry(error),
        }
    }

    /// The handwritings of the signers, by their positions. What is gone or damaged never comes back: then the documents cannot be sealed.
    async fn by_hand(&self, organization: &str, data: &Data) -> Result<Vec<Option<Arc<Handwriting>>>, Attempt<SignProcess>> {
        let mut loaded = Vec::with_capacity(data.signatures.len());
        for signature in &data.signatures {
            let Some(facts) = &signature.handwriting else {
                loaded.push(None);
                continue;
            };
            match self.handwritings.load(organization, data.creation.id, facts).await {
                Ok(handwriting) => loaded.push(Some(Arc::new(handwriting))),
                Err(error @ (handwriting::Error::Gone | handwriting::Error::Unreadable(_))) => return Err(refused(error)),
                Err(error) => return Err(retry(error)),
            }
        }
        Ok(loaded)
    }

    /// Gathers the evidence of a signed process, signs it, prints it and seals the print.
    pub(super) async fn certify(
        &self,
        processes: &Processes,
        organization: &str,
        data: &Data,
        now: DateTime<Utc>,
    ) -> Attempt<SignProcess> {
        let identity = match self.identity(organization, now).await {
            Ok(identity) => identity,
            Err(attempt) => return attempt,
        };
        let scene = Scene::new(self, processes, organization, data);
        let evidence = match evidence::gather(&scene, &identity, now).await {
            Ok(evidence) => evidence,
            Err(reason) => return retry(reason),
        };
        let language = data.creation.signers.first().map_or_else(Default::default, |signer| signer.person.language);
        let language = self.channels.texts().language(organization, language);
        let process = data.creation.id;
        let (job, facts) = (Job::new(organization, 0), identity.facts());
        let work = move |_: &Cutoff| certificate_pdf(&evidence, &identity, evidence::language(language), process, now);
        let made = self.documents.cpu().run(job, work).await;
        let bytes: Bytes = match made {
            Ok(Ok(bytes)) => bytes.into(),
            Ok(Err(reason)) => return retry(reason),
            Err(reason) => return retry(reason),
        };
        let produced = Produced {
            id: produced_id(process, "certificate", process),
            name: format!("certificate_{process}"),
            extension: Extension::Pdf,
            tags: vec!["CERTIFICATE".into()],
            owner: None,
            owned_with: None,
            bytes,
            comparison: None,
        };
        match self.documents.store_produced(organization, produced, now).await {
            Ok(stored) => {
                self.configurations.seals().note(organization, &facts, now).await;
                Attempt::Done(Some(Command::Certified { certificate: stored.id }))
            }
            Err(error) => retry(error),
        }
    }

    /// The tenant's identity, unless it is missing or expired: then the seal waits for the tenant to mend it.
    async fn identity(&self, organization: &str, now: DateTime<Utc>) -> Result<Arc<Identity>, Attempt<SignProcess>> {
        self.configurations.identity(organization, now).await.map_err(|error| match error {
            sign_configuration::Error::Unusable(reason) => refused(reason),
            sign_configuration::Error::NotValid(reason) => {
                retry(format!("{reason}; a new one in the tenant's sign configuration mends this"))
            }
            other => retry(other),
        })
    }
}

/// The reason that a seal of a process gives.
pub fn seal_reason(process: Uuid) -> String {
    format!("Sign process {process}")
}

/// One signature per signer and field, an invisible one for a signer without fields. `by_hand` are the handwritings of the signers, by their
/// positions.
fn seal_requests(data: &Data, document: &Document, by_hand: &[Option<Arc<Handwriting>>]) -> Vec<seal::Request> {
    let mut signed: Vec<_> = data
        .creation
        .signers
        .iter()
        .zip(&data.signatures)
        .zip(by_hand)
        .filter_map(|((signer, signature), by_hand)| Some((signer, signature.signed.as_ref()?, by_hand)))
        .collect();
    signed.sort_by_key(|(_, act, _)| act.at);
    let mut requests = Vec::new();
    for (signer, act, by_hand) in signed {
        let own = document.fields.iter().filter(|fields| fields.signer == signer.alias);
        let fields: Vec<_> = own.flat_map(|fields| fields.fields.iter().cloned().map(Some)).collect();
        let fields = if fields.is_empty() { vec![None] } else { fields };
        requests.extend(fields.into_iter().map(|field| seal::Request {
            field,
            signer_name: signer.person.full_name().unwrap_or_else(|| signer.alias.clone()),
            at: act.at,
            reason: seal_reason(data.creation.id),
            location: None,
            appearance_lines: None,
            handwriting: by_hand.clone(),
        }));
    }
    requests
}

fn certificate_pdf(
    evidence: &certificate::Evidence,
    identity: &Identity,
    language: certificate::Language,
    process: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<u8>, String> {
    let chain: Vec<Vec<u8>> = identity.certificates().map(<[u8]>::to_vec).collect();
    let leaf = chain.first().ok_or("the identity has no certificate")?;
    let algorithm = certificate::Algorithm::for_certificate(leaf).map_err(|error| error.to_string())?;
    let sign = |message: &[u8]| identity.sign(message).map_err(|_| "the evidence could not be signed".to_owned());
    let signed = SignedEvidence::sign(evidence, algorithm, &chain, &sign).map_err(|error| error.to_string())?;
    let pdf = certificate::render(evidence, language, &signed.attachment()).map_err(|error| error.to_string())?;
    fonts::tell_missing(&certificate::missing(evidence), "the certificate", process);
    let facts = identity.facts();
    let request = seal::Request {
        field: None,
        signer_name: facts.common_name.or(facts.organization).unwrap_or_else(|| facts.fingerprint.clone()),
        at: now,
        reason: format!("Certificate of sign process {process}"),
        location: None,
        appearance_lines: None,
        handwriting: None,
    };
    seal::seal(&pdf, identity, &[request]).map(|sealed| sealed.pdf).map_err(|error| error.to_string())
}

/// The id of what a process produces: the same whenever the effect is repeated. A UUIDv8 (RFC 9562, 5.8) of a SHA-256.
pub fn produced_id(process: Uuid, what: &str, of: Uuid) -> Uuid {
    let hash = digest::digest(&digest::SHA256, format!("{process}/{what}/{of}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    Uuid::new_v8(bytes)
}
