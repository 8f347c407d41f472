//! Sealing: every signer's signature on a document, and the certificate of a process.

use std::sync::Arc;

use ::documents::{
    Handwriting,
    certificate::{self, SignedEvidence},
    pkcs12::Identity,
    seal,
};
use ::store::blobs::Digest;
use actors::Attempt;
use aws_lc_rs::digest;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use uuid::Uuid;
use workflows::sign_process::{Command, Data, Document, Seal, Sealed, SignProcess};

use super::{
    Processes, World,
    evidence::{self, Scene},
    refused, retry,
    seal_levels::Sealing,
};
use crate::{
    catalogue::{
        documents::{self, Extension, Owner, Produced},
        sign_configuration,
    },
    cpu_pool::{Cutoff, Job},
    fonts, handwriting,
    trust_services::Raised,
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
        match self.sealed(organization, data, document, now).await {
            Ok(sealed) => Attempt::Done(Some(Command::Sealed { document: document.id, sealed })),
            Err(attempt) => attempt,
        }
    }

    async fn sealed(
        &self,
        organization: &str,
        data: &Data,
        document: &Document,
        now: DateTime<Utc>,
    ) -> Result<Sealed, Attempt<SignProcess>> {
        let sealing = self.sealing(organization, data, now).await?;
        let id = produced_id(data.creation.id, "sealed", document.id);
        if let Some((stored, seal)) = self.made_before(&sealing, id).await? {
            return Ok(Sealed { id: stored.id, digest: stored.digest.to_string(), seal });
        }
        if let Some(later) = self.is_early(&sealing) {
            return Err(later);
        }
        let identity = self.identity(organization, now).await?;
        let digest = document.digest.parse().map_err(|_| refused("the document's digest is not readable"))?;
        let by_hand = self.by_hand(organization, data).await?;
        let requests = seal_requests(data, document, &by_hand);
        let names: Vec<&str> =
            requests.iter().filter(|request| request.field.is_some()).map(|request| request.signer_name.as_str()).collect();
        let missing = ::documents::text::missing(&names.join("\n"));
        let requests = Arc::new(requests);
        let mut with_time_stamps = sealing.with_time_stamps();
        let Raised { bytes, masks, seal } = loop {
            let (signer, requests) = (Arc::clone(&identity), Arc::clone(&requests));
            let begin = move |bytes: Bytes, _: &Cutoff| seal::begin(&bytes, &signer, &requests, with_time_stamps);
            let first = match self.documents.work_on_held(organization, &digest, document.size, begin).await {
                Ok(Ok(first)) => first,
                Ok(Err(error @ seal::Error::Signing)) => return Err(retry(error)),
                Ok(Err(error)) => return Err(refused(error)),
                Err(documents::Error::Gone) => return Err(refused("the document's bytes are gone")),
                Err(error) => return Err(error.set_aside().map_or_else(|| retry(&error), refused)),
            };
            match self.raise(&sealing, first, &identity).await? {
                Some(raised) => break raised,
                None => with_time_stamps = false,
            }
        };
        fonts::tell_missing(&missing, "a visible seal", data.creation.id);
        let original = usize::try_from(document.size).unwrap_or(usize::MAX);
        let compared = self.documents.compare(organization, digest, bytes.clone(), original, &masks).await.map_err(retry)?;
        if let Some(reason) = documents::would_change(&compared) {
            return Err(refused(reason));
        }
        let owner = document.owner.as_deref().map(Owner::new).transpose().map_err(refused)?;
        let produced = Produced {
            id,
            name: format!("{}_signed", document.name.strip_suffix(".pdf").unwrap_or(&document.name)),
            extension: Extension::Pdf,
            tags: vec!["SIGNED".into()],
            owner,
            owned_with: document.contract.is_some().then_some(document.id),
            bytes,
            comparison: Some(compared),
        };
        let (stored, seal) = self.stored(&sealing, &identity, (produced, seal)).await?;
        Ok(Sealed { id: stored.id, digest: stored.digest.to_string(), seal })
    }

    /// Stores what was sealed, and says how far the seal got of what is stored: of an effect that ran twice, that is one of the two.
    async fn stored(
        &self,
        sealing: &Sealing<'_>,
        identity: &Identity,
        (produced, seal): (Produced, Seal),
    ) -> Result<(documents::Document, Seal), Attempt<SignProcess>> {
        let made = Digest::of(&produced.bytes);
        let stored = self.documents.store_produced(sealing.organization, produced, sealing.now).await.map_err(retry)?;
        let seal = if stored.digest == made { seal } else { self.seal_of_stored(sealing, &stored).await? };
        self.configurations.seals().note(sealing.organization, &identity.facts(), sealing.now).await;
        Ok((stored, seal))
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
        match self.certified(processes, organization, data, now).await {
            Ok((certificate, seal)) => Attempt::Done(Some(Command::Certified { certificate, seal })),
            Err(attempt) => attempt,
        }
    }

    async fn certified(
        &self,
        processes: &Processes,
        organization: &str,
        data: &Data,
        now: DateTime<Utc>,
    ) -> Result<(Uuid, Seal), Attempt<SignProcess>> {
        let process = data.creation.id;
        let sealing = self.sealing(organization, data, now).await?;
        let id = produced_id(process, "certificate", process);
        if let Some((stored, seal)) = self.made_before(&sealing, id).await? {
            return Ok((stored.id, seal));
        }
        if let Some(later) = self.is_early(&sealing) {
            return Err(later);
        }
        let identity = self.identity(organization, now).await?;
        let scene = Scene::new(self, processes, organization, data);
        let evidence = evidence::gather(&scene, &identity, now).await.map_err(retry)?;
        let language = data.creation.signers.first().map_or_else(Default::default, |signer| signer.person.language);
        let language = self.channels.texts().language(organization, language);
        let evidence = Arc::new(evidence);
        let mut with_time_stamps = sealing.with_time_stamps();
        let Raised { bytes, seal, .. } = loop {
            let (job, evidence, signer) = (Job::new(organization, 0), Arc::clone(&evidence), Arc::clone(&identity));
            let language = evidence::language(language);
            let work = move |_: &Cutoff| certificate_pdf(&evidence, &signer, language, (process, now), with_time_stamps);
            let first = self.documents.cpu().run(job, work).await.map_err(retry)?.map_err(retry)?;
            match self.raise(&sealing, first, &identity).await? {
                Some(raised) => break raised,
                None => with_time_stamps = false,
            }
        };
        let produced = Produced {
            id,
            name: format!("certificate_{process}"),
            extension: Extension::Pdf,
            tags: vec!["CERTIFICATE".into()],
            owner: None,
            owned_with: None,
            bytes,
            comparison: None,
        };
        let (stored, seal) = self.stored(&sealing, &identity, (produced, seal)).await?;
        Ok((stored.id, seal))
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
    (process, now): (Uuid, DateTime<Utc>),
    with_time_stamps: bool,
) -> Result<seal::Step, String> {
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
    seal::begin(&pdf, identity, &[request], with_time_stamps).map_err(|error| error.to_string())
}

/// The id of what a process produces: the same whenever the effect is repeated. A UUIDv8 (RFC 9562, 5.8) of a SHA-256.
pub fn produced_id(process: Uuid, what: &str, of: Uuid) -> Uuid {
    let hash = digest::digest(&digest::SHA256, format!("{process}/{what}/{of}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    Uuid::new_v8(bytes)
}
