//! The evidence of a signed process, gathered from its journal and those of its identifications.

use ::documents::{
    active::ActiveContent,
    certificate::{
        self, Action, Challenge, Delivery, Device, Document, DocumentVersion, Evidence, Identification, Journal, JournalPosition,
        Moment, PagesCompared, PreviewDocument, Process, Receipt, SealedDocument, SealingCertificate, SignFields, Signer,
        Software, Tenant, TimelineEntry, mask,
    },
    pkcs12::Identity,
    verify::{self, Trust},
};
use ::store::{Entity, blobs::Digest};
use actors::{
    Host,
    journal::{self, Fact, Line},
};
use bytes::Bytes;
use chrono::{DateTime, Offset, Utc};
use serde::de::DeserializeOwned;
use uuid::Uuid;
use workflows::{
    Channel, Machine,
    identification::otp::{self, Otp},
    sign_process::{self, Life, SignProcess},
};

use super::World;
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
struct Zone(Option<chrono_tz::Tz>);

impl Zone {
    fn moment(self, at: DateTime<Utc>) -> Moment {
        match self.0 {
            None => Moment::in_utc(at),
            Some(zone) => Moment::new(at, at.with_timezone(&zone).offset().fix(), Some(zone.name())),
        }
    }
}

/// Gathers everything that is known of the process now.
///
/// # Errors
/// What could not be read.
pub(super) async fn gather(
    world: &World,
    otp: &Host<Otp>,
    organization: &str,
    life: &Life,
    identity: &Identity,
    now: DateTime<Utc>,
) -> Result<Evidence, String> {
    let zone = Zone(world.tenants.time_zone(organization));
    let mut timeline = Vec::new();
    let mut journals = vec![sign_journal(world, organization, life, zone, &mut timeline).await?];
    let mut signers = Vec::new();
    for (signer, signature) in life.creation.signers.iter().zip(&life.signatures) {
        // Used by the signature, so closed; should telling it have been put off, the evidence must not say otherwise.
        let state = match otp.ask(organization, signer.identification, otp::Command::Close).await {
            Err(actors::Error::Refused(_)) => otp.read(organization, signer.identification).await,
            closed => closed,
        };
        let state = state.map_err(|error| error.to_string())?;
        let identification = state.life().ok_or("an identification of the process does not exist")?;
        signers.push(describe_signer(world, organization, signer, signature, identification));
        journals.push(otp_journal(world, organization, signer, zone, &mut timeline).await?);
    }
    timeline.sort_by_key(|entry| entry.at.utc());
    let mut described = Vec::new();
    for (document, sealed) in life.creation.documents.iter().zip(&life.sealed) {
        described.push(describe_document(world, organization, document, sealed.as_ref(), now, zone).await?);
    }
    let mut previews = Vec::new();
    for preview in &life.creation.previews {
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
            id: life.creation.id,
            sign_type: format!("{:?}", life.creation.sign_type).to_uppercase(),
            status: life.status.name().into(),
            created_at: zone.moment(life.created_at),
            expires_at: Some(zone.moment(life.creation.expires_at)),
            signed_at: life.completed_at.map(|at| zone.moment(at)),
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

/// A journal, read and checked, and its chain as evidence shows it.
async fn read<M: Machine>(world: &World, organization: &str, id: Uuid) -> Result<(Vec<Line<M::Event>>, Journal), String>
where
    M::Event: DeserializeOwned,
{
    let entity = Entity::new(organization, M::KIND, id);
    let lines = journal::read::<M::Event>(&*world.store, &entity).await.map_err(|error| error.to_string())?;
    let entries = lines.iter().map(|line| (line.at, line.json.as_slice()));
    let chain = Journal::chain(organization, M::KIND, id, entries);
    if lines.last().is_some_and(|line| line.hash.to_string() != chain.head_hash) {
        return Err("the journal's chain of hashes does not match its entries".into());
    }
    Ok((lines, chain))
}

async fn sign_journal(
    world: &World,
    organization: &str,
    life: &Life,
    zone: Zone,
    timeline: &mut Vec<TimelineEntry>,
) -> Result<Journal, String> {
    use sign_process::Event;
    let (lines, chain) = read::<SignProcess>(world, organization, life.creation.id).await?;
    let alias =
        |signature: Uuid| life.position(signature).map_or("?", |position| &life.creation.signers[position].alias).to_owned();
    for line in &lines {
        let Fact::Event(event) = &line.fact else { continue };
        let (actor, what, details) = match event {
            Event::Created(_) => (organization.to_owned(), Action::ProcessCreated, None),
            Event::Previewed { signature, device } => (alias(*signature), Action::DocumentsShown, device.ip.clone()),
            Event::Signed { signature, device } => (alias(*signature), Action::Signed, device.ip.clone()),
            Event::Completed => (SERVICE.into(), Action::ProcessSigned, None),
            Event::Sealed { sealed, .. } => (SERVICE.into(), Action::DocumentSealed, Some(sealed.id.to_string())),
            Event::Certified { .. } => (SERVICE.into(), Action::ProcessCertified, None),
            Event::Failed { reason, .. } => (SERVICE.into(), Action::ProcessFailed, Some(reason.clone())),
            Event::Cancelled { reason } => (organization.to_owned(), Action::ProcessCancelled, Some(reason.clone())),
            Event::Expired => (SERVICE.into(), Action::ProcessExpired, None),
            Event::Noticed { signature, failure: None, .. } => (SERVICE.into(), Action::NoticeSent, Some(alias(*signature))),
            Event::Noticed { failure: Some(reason), .. } => (SERVICE.into(), Action::NoticeNotSent, Some(reason.clone())),
            // The identifications' own journals say it.
            Event::Identified { .. } | Event::IdentificationLost { .. } => continue,
        };
        timeline.push(entry(zone, line, life.creation.id, actor, what, details));
    }
    Ok(chain)
}

/// Who acts when nobody else does.
const SERVICE: &str = "Rubrica";

async fn otp_journal(
    world: &World,
    organization: &str,
    signer: &sign_process::Signer,
    zone: Zone,
    timeline: &mut Vec<TimelineEntry>,
) -> Result<Journal, String> {
    use otp::{Event, ReceiptStatus};
    let (lines, chain) = read::<Otp>(world, organization, signer.identification).await?;
    let destination = signer.person.destination(signer.channel).map(|to| masked(signer.channel, &to));
    for line in &lines {
        let Fact::Event(event) = &line.fact else { continue };
        let (actor, what, details) = match event {
            Event::Created(_) => (SERVICE.to_owned(), Action::IdentificationCreated, Some(signer.alias.clone())),
            Event::Challenged { .. } => (signer.alias.clone(), Action::CodeRequested, destination.clone()),
            Event::Delivered { provider_id, .. } => (SERVICE.into(), Action::CodeSent, provider_id.clone()),
            Event::NotDelivered { reason, .. } => (SERVICE.into(), Action::CodeNotDelivered, Some(reason.clone())),
            Event::Receipt { status: ReceiptStatus::Delivered | ReceiptStatus::Read, word, .. } => {
                (SERVICE.into(), Action::CodeDelivered, Some(word.clone()))
            }
            Event::Receipt { status: ReceiptStatus::Failed, word, .. } => {
                (SERVICE.into(), Action::CodeNotDelivered, Some(word.clone()))
            }
            // That a message is on its way stands with its delivery.
            Event::Receipt { status: ReceiptStatus::Accepted | ReceiptStatus::Sent, .. } => continue,
            Event::WrongAnswer { .. } => (signer.alias.clone(), Action::WrongAnswer, None),
            Event::Validated { device } => (signer.alias.clone(), Action::IdentificationValidated, device.ip.clone()),
            Event::Succeeded => (SERVICE.into(), Action::IdentificationSucceeded, Some(signer.alias.clone())),
            Event::Failed { reason } => (SERVICE.into(), Action::IdentificationFailed, Some(reason.clone())),
            Event::Cancelled { reason } => (SERVICE.into(), Action::IdentificationCancelled, reason.clone()),
            Event::Expired => (SERVICE.into(), Action::IdentificationExpired, Some(signer.alias.clone())),
            Event::Deleted => {
                (organization.to_owned(), Action::Other("identification deleted".into()), Some(signer.alias.clone()))
            }
        };
        timeline.push(entry(zone, line, signer.identification, actor, what, details));
    }
    Ok(chain)
}

fn entry<E>(zone: Zone, line: &Line<E>, id: Uuid, actor: String, what: Action, details: Option<String>) -> TimelineEntry {
    let journal = Some(JournalPosition { id, sequence: line.seq, hash: line.hash.to_string() });
    TimelineEntry { at: zone.moment(line.at), actor, what, details, journal }
}

fn masked(channel: Channel, destination: &str) -> String {
    match channel {
        Channel::Email => mask::email(destination),
        Channel::Sms | Channel::Whatsapp => mask::phone(None, destination),
    }
}

fn name_of<T: serde::Serialize>(value: &T) -> Option<String> {
    serde_json::to_value(value).ok()?.as_str().map(str::to_owned)
}

fn device(device: &workflows::Device) -> Device {
    Device {
        ip: device.ip.clone(),
        user_agent: device.user_agent.clone(),
        installation_id: device.installation_id.clone(),
        fingerprint: device.fingerprint.clone(),
        location: device.location.clone(),
    }
}

fn describe_signer(
    world: &World,
    organization: &str,
    signer: &sign_process::Signer,
    signature: &sign_process::Signature,
    identification: &otp::Life,
) -> Signer {
    let zone = Zone(world.tenants.time_zone(organization));
    let carrier = world.channels.carrier(signer.channel, identification.creation.external);
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
        language: name_of(&person.language),
        identification: Some(describe_identification(signer, identification, zone, carrier)),
        sign_id: Some(signature.id),
        sign_status: name_of(&signature.status),
        preview_at: signature.previewed.as_ref().map(|act| zone.moment(act.at)),
        signed_at: signature.signed.as_ref().map(|act| zone.moment(act.at)),
        consent_text: signature.signed.as_ref().map(|_| consent(spoken).to_owned()),
        device: signature.signed.as_ref().map(|act| device(&act.device)),
        preview_device: signature.previewed.as_ref().map(|act| device(&act.device)),
    }
}

fn describe_identification(signer: &sign_process::Signer, life: &otp::Life, zone: Zone, carrier: &str) -> Identification {
    let challenges = life.challenges.iter().zip(1..).map(|(challenge, number)| Challenge {
        number,
        requested_at: zone.moment(challenge.at),
        expires_at: Some(zone.moment(challenge.until)),
        attempts: Some(challenge.answers),
        deliveries: delivery(challenge, zone, carrier).into_iter().collect(),
    });
    Identification {
        id: signer.identification,
        kind: "OTP".into(),
        state: life.state.name().into(),
        channel: name_of(&signer.channel),
        external: Some(life.creation.external),
        destination: signer.person.destination(signer.channel).map(|to| masked(signer.channel, &to)),
        two_factor_type: life.creation.two_factor_type.as_ref().and_then(name_of),
        attempts: life.failures + u32::from(life.validated.is_some()),
        challenges: challenges.collect(),
        created_at: Some(zone.moment(life.created_at)),
        validated_at: life.validated.as_ref().map(|validation| zone.moment(validation.at)),
        device: life.validated.as_ref().map(|validation| device(&validation.device)),
    }
}

fn delivery(challenge: &otp::Challenge, zone: Zone, carrier: &str) -> Option<Delivery> {
    let (at, message_id, outcome) = match (&challenge.delivery, challenge.receipts.first()) {
        (otp::Delivery::Pending, None) => return None,
        // The provider has it, whether or not its answer arrived.
        (otp::Delivery::Pending, Some(receipt)) => (&receipt.at, None, "SENT".to_owned()),
        (otp::Delivery::Accepted { at, provider_id }, _) => (at, provider_id.clone(), "SENT".to_owned()),
        (otp::Delivery::Failed { at, reason }, _) => (at, None, format!("FAILED: {reason}")),
    };
    let receipts = challenge.receipts.iter();
    let receipts = receipts.map(|receipt| Receipt { at: zone.moment(receipt.at), status: receipt.word.clone() }).collect();
    Some(Delivery { at: zone.moment(*at), provider: carrier.into(), message_id, outcome, receipts })
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
    use otp::{CodeHash, ReceiptStatus};

    fn challenge(delivery: otp::Delivery, words: &[&str]) -> otp::Challenge {
        let at = ::store::Timestamp::UNIX_EPOCH;
        let receipt = |word: &&str| otp::Receipt { at, status: ReceiptStatus::Sent, word: (*word).to_owned() };
        let receipts = words.iter().map(receipt).collect();
        let hash = CodeHash("hash".into());
        otp::Challenge { id: Uuid::nil(), hash, at, until: at, attempts_left: 3, answers: 0, delivery, receipts }
    }

    fn described(delivery: otp::Delivery, words: &[&str]) -> Option<(String, Vec<String>)> {
        let delivery = super::delivery(&challenge(delivery, words), Zone(None), "SMS gateway")?;
        Some((delivery.outcome, delivery.receipts.into_iter().map(|receipt| receipt.status).collect()))
    }

    #[test]
    fn a_delivery_has_its_receipts_in_the_words_of_the_provider() {
        let accepted = otp::Delivery::Accepted { at: ::store::Timestamp::UNIX_EPOCH, provider_id: None };
        let words = || vec!["sent".to_owned(), "delivered".to_owned()];
        assert_eq!(described(accepted.clone(), &["sent", "delivered"]), Some(("SENT".into(), words())));
        assert_eq!(described(accepted, &[]), Some(("SENT".into(), Vec::new())));
    }

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

    #[test]
    fn what_the_provider_reports_on_was_sent_although_its_answer_is_missing() {
        assert_eq!(described(otp::Delivery::Pending, &["sent"]), Some(("SENT".into(), vec!["sent".into()])));
        assert_eq!(described(otp::Delivery::Pending, &[]), None);
    }
}
