//! The evidence of a signed process, gathered from its journal and those of its identifications.

use ::documents::{
    active::ActiveContent,
    certificate::{
        self, Action, Device, Document, DocumentVersion, Evidence, Journal, JournalContent, JournalPosition, Moment,
        PagesCompared, PreviewDocument, Process, SealedDocument, SealingCertificate, SignFields, Signer, Software, Tenant,
        TimelineEntry, mask,
    },
    pkcs12::Identity,
    verify::{self, Trust},
};
use ::store::blobs::Digest;
use actors::{
    Host,
    journal::{Chain, Fact, Line},
};
use bytes::Bytes;
use chrono::{DateTime, Offset, Utc};
use uuid::Uuid;
use workflows::{
    Channel, Machine,
    sign_process::{self, Data},
};

use super::{Processes, World};
use crate::{catalogue::documents, channels::Language, cpu_pool::Cutoff};

/// What the signature operation means (contract `sign_simple`: the call is the consent), in the signer's language.
fn consent(language: certificate::Language) -> &'static str {
    use certificate::Language as L;
    match language {
        L::Es => {
            "Tras identificarse, la persona firmante pidió firmar los documentos indicados; esa petición es su consentimiento."
        }
        L::En => "After the identification the signer asked to sign the documents listed; asking is the consent.",
        L::Ca => {
            "Un cop identificada, la persona signant va demanar de signar els documents indicats; aquesta petició és el seu consentiment."
        }
        L::Eu => {
            "Identifikatu ondoren, sinatzaileak adierazitako dokumentuak sinatzeko eskatu zuen; eskaera hori da haren adostasuna."
        }
        L::Gl => {
            "Tras identificarse, a persoa asinante pediu asinar os documentos indicados; esa petición é o seu consentimento."
        }
        L::De => {
            "Nach der Identifizierung hat die unterzeichnende Person verlangt, die genannten Dokumente zu unterzeichnen; dies ist ihre Einwilligung."
        }
    }
}

/// Moments as the tenant's clock shows them.
#[derive(Clone, Copy)]
pub(super) struct Zone(pub Option<chrono_tz::Tz>);

impl Zone {
    pub fn moment(self, at: DateTime<Utc>) -> Moment {
        match self.0 {
            None => Moment::in_utc(at),
            Some(zone) => Moment::new(at, at.with_timezone(&zone).offset().fix(), Some(zone.name())),
        }
    }
}

/// Whose evidence is gathered.
pub(super) struct Scene<'a> {
    pub world: &'a World,
    pub processes: &'a Processes,
    pub organization: &'a str,
    pub process: &'a Data,
    pub zone: Zone,
}

impl<'a> Scene<'a> {
    pub fn new(world: &'a World, processes: &'a Processes, organization: &'a str, process: &'a Data) -> Self {
        Self { world, processes, organization, process, zone: Zone(world.tenants.time_zone(organization)) }
    }

    /// A moment as the tenant's clock shows it.
    pub fn moment(&self, at: DateTime<Utc>) -> Moment {
        self.zone.moment(at)
    }
}

/// What an event means to a reader: who did what.
pub(super) struct Happening {
    actor: String,
    what: Action,
    details: Option<String>,
}

impl Happening {
    pub fn new(actor: &str, what: Action, details: Option<String>) -> Self {
        Self { actor: actor.to_owned(), what, details }
    }
}

/// Gathers everything that is known of the process now. Only reads.
///
/// # Errors
/// What could not be read.
pub(super) async fn gather(scene: &Scene<'_>, identity: &Identity, now: DateTime<Utc>) -> Result<Evidence, String> {
    let Scene { world, processes, organization, process: data, zone } = *scene;
    let identifications = processes.identifications(data.creation.identification_type);
    let mut told = Processes::recounted(scene).await?;
    let mut signers = Vec::new();
    for (position, (signer, signature)) in data.creation.signers.iter().zip(&data.signatures).enumerate() {
        let described = identifications.describe(scene, position).await?;
        signers.push(describe_signer(scene, signer, signature, described.identification));
        told.extend(described.journals);
    }
    let (journals, entries): (_, Vec<_>) = told.into_iter().unzip();
    let mut timeline = entries.concat();
    timeline.sort_by_key(|entry| entry.at.utc());
    let mut described = Vec::new();
    for (document, sealed) in data.creation.documents.iter().zip(&data.sealed) {
        described.push(describe_document(world, organization, document, sealed.as_ref(), now, zone).await?);
    }
    let mut previews = Vec::new();
    for preview in &data.creation.previews {
        let record = world.documents.find(organization, preview.id).await.map_err(|error| error.to_string())?;
        let active_content = active_content(world, organization, &record).await?;
        previews.push(PreviewDocument {
            id: preview.id,
            name: preview.name.clone(),
            pages: None,
            size: record.size,
            sha256: preview.digest.clone(),
            active_content,
        });
    }
    let leaf = identity.certificates().next().ok_or("the identity has no certificate")?;
    Ok(Evidence {
        format: certificate::FORMAT.into(),
        software: Software { name: "Rubrica".into(), version: env!("CARGO_PKG_VERSION").into() },
        generated_at: zone.moment(now),
        tenant: Tenant { organization_id: organization.into(), name: Some(world.tenants.name(organization)) },
        process: Process {
            id: data.creation.id,
            sign_type: format!("{:?}", data.creation.sign_type).to_uppercase(),
            status: data.status.name().into(),
            created_at: zone.moment(data.created_at),
            expires_at: Some(zone.moment(data.creation.expires_at)),
            signed_at: data.completed_at.map(|at| zone.moment(at)),
        },
        signers,
        documents: described,
        preview_documents: previews,
        timeline,
        journals,
        sealing_certificate: Some(SealingCertificate::from_der(leaf).map_err(|error| error.to_string())?),
    })
}

/// The certificate's language for one in which messages go out.
pub(super) fn language(language: Language) -> certificate::Language {
    match language {
        Language::En => certificate::Language::En,
        Language::Eu => certificate::Language::Eu,
        Language::Gl => certificate::Language::Gl,
        Language::Ca => certificate::Language::Ca,
        Language::De => certificate::Language::De,
        Language::Es | Language::Undefined => certificate::Language::Es,
    }
}

/// What a journal tells: its chain as evidence shows it, and what its events mean.
pub(super) type Told = (Journal, Vec<TimelineEntry>);

/// A journal, read and checked.
///
/// # Errors
/// If it cannot be read or is not whole.
pub(super) async fn journal<M: Machine>(
    scene: &Scene<'_>,
    host: &Host<M>,
    id: Uuid,
    meaning: impl Fn(&M::Event) -> Option<Happening>,
) -> Result<Told, String> {
    let lines = host.journal(scene.organization, id).await.map_err(|error| error.to_string())?;
    // The salts, so that whoever is shown a text can check it by this evidence alone, also when the journal is erased. Not the texts: what
    // they say of people is masked here.
    let content = |line: &Line<M::Event>| match line.chain {
        Chain::Clear => JournalContent::clear(&line.commitment),
        Chain::Sealed => JournalContent::sealed(&line.commitment, line.salt.as_ref()),
    };
    let chain = Journal::of(scene.organization, M::KIND, id, lines.iter().map(|line| (line.at, content(line))));
    if lines.last().is_some_and(|line| line.hash.to_string() != chain.head_hash) {
        return Err("the journal's chain of hashes does not match its entries".into());
    }
    let timeline = lines.iter().filter_map(|line| {
        let happening = match line.fact.as_ref()? {
            Fact::Event(event) => meaning(event)?,
            Fact::Intervened { by, reason, act } => Happening::new(by, Action::ActedByHand, Some(format!("{act}: {reason}"))),
            _ => return None,
        };
        let Happening { actor, what, details } = happening;
        let journal = Some(JournalPosition { id, sequence: line.seq, hash: line.hash.to_string() });
        Some(TimelineEntry { at: scene.moment(line.at), actor, what, details, journal })
    });
    Ok((chain, timeline.collect()))
}

/// Who acts when nobody else does.
pub(super) const SERVICE: &str = "Rubrica";

pub(super) fn masked(channel: Channel, destination: &str) -> String {
    match channel {
        Channel::Email => mask::email(destination),
        Channel::Sms | Channel::Whatsapp => mask::phone(None, destination),
    }
}

/// The name of a value in the contract, for an enum.
pub fn name_of<T: serde::Serialize>(value: &T) -> Option<String> {
    serde_json::to_value(value).ok()?.as_str().map(str::to_owned)
}

pub(super) fn device(device: &workflows::Device) -> Device {
    Device {
        ip: device.ip.clone(),
        user_agent: device.user_agent.clone(),
        installation_id: device.installation_id.clone(),
        fingerprint: device.fingerprint.clone(),
        location: device.location.clone(),
    }
}

fn describe_signer(
    scene: &Scene<'_>,
    signer: &sign_process::Signer,
    signature: &sign_process::Signature,
    identification: certificate::Identification,
) -> Signer {
    let Scene { world, organization, zone, .. } = *scene;
    let spoken = language(world.channels.texts().language(organization, signer.person.language));
    let person = &signer.person;
    Signer {
        alias: signer.alias.clone(),
        name: person.name.clone().unwrap_or_else(|| person.full_name().unwrap_or_default()),
        last_name: person.last_name.clone(),
        email: person.email.as_deref().map(mask::email),
        phone: person.msisdn.as_ref().map(|phone| mask::phone(Some(&phone.country_code), &phone.phone_number.to_string())),
        document_type: person.identity_document.as_ref().and_then(|document| name_of(&document.document_type)),
        document_number: person.identity_document.as_ref().map(|document| mask::document_number(&document.document_number)),
        contact_origin: person.origin.map(|origin| origin.name().to_owned()),
        language: name_of(&person.language),
        identification: Some(identification),
        sign_id: Some(signature.id),
        sign_status: name_of(&signature.status),
        preview_at: signature.previewed.as_ref().map(|act| zone.moment(act.at)),
        signed_at: signature.signed.as_ref().map(|act| zone.moment(act.at)),
        consent_text: signature.signed.as_ref().map(|_| consent(spoken).to_owned()),
        handwriting: by_hand(signature),
        device: signature.signed.as_ref().map(|act| device(&act.device)),
        preview_device: signature.previewed.as_ref().map(|act| device(&act.device)),
    }
}

/// What is known of the handwriting with which a signer signed.
fn by_hand(signature: &sign_process::Signature) -> Option<certificate::Handwriting> {
    let (facts, signed) = (signature.handwriting.as_ref()?, signature.signed.as_ref()?);
    let fingerprint = |of: &sign_process::Fingerprint| certificate::Fingerprint { size: of.size, sha256: of.sha256.clone() };
    let figure = |figure: &sign_process::Figure| certificate::Figure {
        name: figure.name.clone(),
        value: figure.value.clone(),
        unit: figure.unit.clone(),
    };
    let holder = |holder: &sign_process::Holder| certificate::Holder {
        subject: holder.subject.clone(),
        issuer: holder.issuer.clone(),
        serial: holder.serial.clone(),
        sha256: holder.certificate_sha256.clone(),
        not_after: holder.not_after,
        expired: holder.not_after <= signed.at,
    };
    Some(certificate::Handwriting {
        format: facts.format.clone(),
        pointer: facts.pointer.clone(),
        has_pressure: facts.has_pressure,
        figures: facts.figures.iter().map(figure).collect(),
        marks: facts.marks.clone(),
        overridden: facts.accepted.iter().flat_map(|accepted| accepted.figures.iter().cloned()).collect(),
        overridden_by: facts.accepted.as_ref().map(|accepted| accepted.by.clone()),
        sample: fingerprint(&facts.sample),
        image: Some(fingerprint(&facts.image)),
        envelope: fingerprint(&facts.envelope),
        content_encryption: facts.content_encryption.clone(),
        holders: facts.holders.iter().map(holder).collect(),
    })
}

async fn describe_document(
    world: &World,
    organization: &str,
    document: &sign_process::Document,
    sealed: Option<&sign_process::Sealed>,
    now: DateTime<Utc>,
    zone: Zone,
) -> Result<Document, String> {
    let mut versions = Vec::new();
    let sealed = match sealed {
        None => None,
        Some(sealed) => {
            let record = world.documents.find(organization, sealed.id).await.map_err(|error| error.to_string())?;
            let original = document.size;
            let read = move |bytes: Bytes, _: &Cutoff| revisions(&bytes, original, now, zone);
            let found = world.documents.work_on(organization, &record, read).await;
            versions = found.map_err(|error| error.to_string())?.unwrap_or_else(|reason| {
                // The original and the sealed version are proven without them; a process must not fail for it.
                tracing::warn!(document = %document.id, reason, "the versions in between could not be read");
                Vec::new()
            });
            let pages_compared = record.comparison.map(|comparison| PagesCompared {
                compared: u32::try_from(comparison.compared_pages).unwrap_or(u32::MAX),
                of: document.pages,
            });
            Some(SealedDocument { id: sealed.id, size: record.size, sha256: sealed.digest.clone(), pages_compared })
        }
    };
    let record = world.documents.find(organization, document.id).await.map_err(|error| error.to_string())?;
    let active_content = active_content(world, organization, &record).await?;
    let sign_fields = document.fields.iter().map(|own| SignFields { signer: own.signer.clone(), fields: own.fields.clone() });
    Ok(Document {
        id: document.id,
        name: document.name.clone(),
        pages: Some(document.pages),
        size: document.size,
        sha256: document.digest.clone(),
        active_content,
        versions,
        sealed,
        sign_fields: sign_fields.collect(),
        contract: document.contract.as_ref().map(|contract| certificate::Contract {
            id: contract.id,
            template: contract.template.clone(),
            version: contract.version.clone(),
        }),
    })
}

/// What of a document is more than pages, as far as it is known: an old record may not say it, and its bytes may be gone.
async fn active_content(
    world: &World,
    organization: &str,
    record: &documents::Document,
) -> Result<Option<ActiveContent>, String> {
    match world.documents.active_content(organization, record).await {
        Err(documents::Error::Gone) => Ok(None),
        found => found.map_err(|error| error.to_string()),
    }
}

/// The versions of a sealed document between the original, of `original` bytes, and the whole file: one after each signature but the
/// last, as each is appended to all before it.
fn revisions(bytes: &[u8], original: u64, now: DateTime<Utc>, zone: Zone) -> Result<Vec<DocumentVersion>, String> {
    let report = verify::verify(bytes, &Trust { roots: Vec::new() }, now).map_err(|error| error.to_string())?;
    let version = |signature: &verify::Signature| {
        // `[start, length, start, length]` (ISO 32000-1, 12.8.1): what is signed ends with the revision.
        let [_, _, start, length] = signature.byte_range[..] else { return None };
        let end = usize::try_from(start.checked_add(length)?).ok()?;
        let signed = bytes.get(..end).filter(|signed| signed.len() as u64 > original && signed.len() < bytes.len())?;
        Some(DocumentVersion {
            at: zone.moment(signature.claimed_time?),
            reason: signature.name.clone().unwrap_or_else(|| signature.field.clone()),
            size: signed.len() as u64,
            sha256: Digest::of(signed).to_string(),
        })
    };
    Ok(report.signatures.iter().filter_map(version).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_signature_but_the_last_leaves_a_version_of_the_document() {
        let at = chrono::Utc::now();
        let file = Identity::development("Seal", "Acme", at, "password").unwrap();
        let identity = Identity::open(&file, "password", at).unwrap();
        let request = |field: &str, name: &str| ::documents::seal::Request {
            field: Some(field.into()),
            signer_name: name.into(),
            at,
            reason: "test".into(),
            location: None,
            appearance_lines: None,
            handwriting: None,
        };
        let original = ::documents::fixtures::contract(&["A", "B"]);
        let once = ::documents::seal::seal(&original, &identity, &[request("A", "Ana")]).unwrap().pdf;
        let twice = ::documents::seal::seal(&once, &identity, &[request("B", "Bea")]).unwrap().pdf;

        let versions = revisions(&twice, original.len() as u64, at, Zone(None)).unwrap();

        let found: Vec<_> =
            versions.iter().map(|version| (version.reason.as_str(), version.size, version.sha256.clone())).collect();
        assert_eq!(found, [("Ana", once.len() as u64, Digest::of(&once).to_string())]);
        assert!(revisions(&once, original.len() as u64, at, Zone(None)).unwrap().is_empty());
    }
}
