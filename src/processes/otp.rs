//! One-time-code identifications: the code goes out, and evidence shows what became of it.

mod number;

use ::documents::certificate::{self, Action, Challenge, Delivery, NumberCheck, Receipt, SecondProof};
use ::store::Entity;
use actors::{Attempt, Call};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;
use workflows::{
    IdentificationState, IdentificationType,
    identification::otp::{
        self, CodeCommand, CodeEffect, CodeEvent, Creation, NumberAnswer, OneTimeCode, Otp, Purpose, ReceiptStatus,
    },
    sign_process::{self, Signer},
};

use super::{
    Processes, World,
    evidence::{Happening, SERVICE, Scene, Told, Zone, masked, name_of},
    identification::{self, Adapted},
    messages::Draft,
    refused,
};
use crate::{
    channels::{Secret, texts::Content},
    receipts::{Kind, Subject},
};

pub(super) type Adapter = identification::Adapter<OneTimeCode>;

#[async_trait]
impl Adapted for OneTimeCode {
    const TYPE: IdentificationType = IdentificationType::Otp;

    fn creation(process: &sign_process::Data, position: usize) -> Option<Creation> {
        let (signer, signature) = process.creation.signers.get(position).zip(process.signatures.get(position))?;
        Some(Creation {
            actor: signer.person.clone(),
            channel: signer.channel,
            external: false,
            two_factor_type: signer.two_factor_type,
            expires_at: process.creation.expires_at,
            policy: process.creation.policy.clone(),
            contact_policy: process.creation.contact_policy.clone(),
            purpose: Purpose {
                sign_process: Some(process.creation.id),
                signature: Some(signature.id),
                documents: process.creation.documents.iter().map(|document| document.name.clone()).collect(),
            },
        })
    }

    async fn perform(world: &World, _: &Processes, call: &Call<Otp>, effect: &CodeEffect) -> Attempt<Otp> {
        match effect {
            CodeEffect::SendCode { challenge, until } => send_code(world, call, *challenge, *until).await,
            CodeEffect::CheckNumber { challenge, until } => number::check(world, call, *challenge, *until).await,
        }
    }

    fn repeatable(world: &World, entity: &Entity, effect: &CodeEffect, state: &Otp) -> bool {
        match (effect, state.data()) {
            // Questions: nothing changes by them.
            (CodeEffect::CheckNumber { .. }, _) => true,
            (CodeEffect::SendCode { .. }, Some(data)) => {
                world.channels.repeatable(&entity.organization, data.creation.channel, data.creation.external)
            }
            (CodeEffect::SendCode { .. }, None) => false,
        }
    }

    /// Who asks for a code is told at once when the operator's answer stands against it.
    fn before_answer(effect: &CodeEffect) -> bool {
        matches!(effect, CodeEffect::CheckNumber { .. })
    }

    fn happening(signer: &Signer, event: &CodeEvent) -> Option<Happening> {
        Some(match event {
            CodeEvent::Challenged { .. } => Happening::new(&signer.alias, Action::CodeRequested, destination(signer)),
            CodeEvent::Delivered { provider_id, .. } => Happening::new(SERVICE, Action::CodeSent, provider_id.clone()),
            CodeEvent::NotDelivered { reason, .. } => Happening::new(SERVICE, Action::CodeNotDelivered, Some(reason.clone())),
            CodeEvent::Receipt { status: ReceiptStatus::Delivered | ReceiptStatus::Read, word, .. } => {
                Happening::new(SERVICE, Action::CodeDelivered, Some(word.clone()))
            }
            CodeEvent::Receipt { status: ReceiptStatus::Failed, word, .. } => {
                Happening::new(SERVICE, Action::CodeNotDelivered, Some(word.clone()))
            }
            // That a message is on its way stands with its delivery.
            CodeEvent::Receipt { status: ReceiptStatus::Accepted | ReceiptStatus::Sent, .. } => return None,
            CodeEvent::WrongAnswer { .. } => Happening::new(&signer.alias, Action::WrongAnswer, None),
            CodeEvent::NumberChecked { refusal: Some(reason), .. } => {
                Happening::new(SERVICE, Action::CodeRefused, Some(reason.clone()))
            }
            CodeEvent::NumberChecked { refusal: None, .. } => Happening::new(SERVICE, Action::NumberChecked, None),
            CodeEvent::ContactConfirmed { by, reason } => Happening::new(by, Action::ContactChecked, Some(reason.clone())),
        })
    }

    async fn describe(
        scene: &Scene<'_>,
        signer: &Signer,
        _: Uuid,
        data: &otp::Data,
        described: &mut certificate::Identification,
    ) -> Result<Vec<Told>, String> {
        let carrier = scene.world.channels.carrier(signer.channel, data.creation.external);
        let challenges = data.own.challenges.iter().zip(1..).map(|(challenge, number)| Challenge {
            number,
            requested_at: scene.moment(challenge.at),
            expires_at: Some(scene.moment(challenge.until)),
            attempts: Some(challenge.answers),
            number_checks: challenge.number_answers.iter().map(number_check).collect(),
            deliveries: delivery(challenge, scene.zone, carrier).into_iter().collect(),
        });
        described.channel = name_of(&signer.channel);
        described.external = Some(data.creation.external);
        described.destination = destination(signer);
        described.two_factor_type = data.creation.two_factor_type.as_ref().and_then(name_of);
        described.attempts = data.own.failures + u32::from(data.validated.is_some());
        described.challenges = challenges.collect();
        described.second_proof = second_proof(scene, data);
        described.link_on_same_channel = link_on_same_channel(&scene.process.creation, signer);
        Ok(Vec::new())
    }
}

fn number_check(answer: &NumberAnswer) -> NumberCheck {
    let max_age_hours = match answer.check {
        otp::NumberCheck::SimSwap { max_age_hours } => Some(max_age_hours),
        otp::NumberCheck::NumberVerification | otp::NumberCheck::KycMatch => None,
    };
    NumberCheck {
        check: answer.check.name().into(),
        max_age_hours,
        outcome: answer.outcome.name().into(),
        detail: answer.detail.clone(),
    }
}

/// What vouches for the contact besides the signer: what was given, else what was asked for.
fn second_proof(scene: &Scene<'_>, data: &otp::Data) -> Option<SecondProof> {
    let of_kind = |kind: &str| SecondProof { kind: kind.into(), at: None, by: None, reason: None };
    if let Some(confirmed) = &data.own.confirmed {
        let (at, by, reason) = (scene.moment(confirmed.at), confirmed.by.clone(), confirmed.reason.clone());
        return Some(SecondProof { at: Some(at), by: Some(by), reason: Some(reason), ..of_kind("CONTACT_CHECK") });
    }
    match data.creation.contact_policy.second_proof {
        otp::SecondProof::Chain => Some(of_kind("CHAIN")),
        otp::SecondProof::Needed if data.needs_second_proof() => Some(of_kind("NEEDED")),
        otp::SecondProof::Needed | otp::SecondProof::NotNeeded => None,
    }
}

/// Whether the link to sign went where the codes went; `None` where no link was sent.
fn link_on_same_channel(process: &sign_process::Creation, signer: &Signer) -> Option<bool> {
    let link = process.notices.iter().find_map(|channel| signer.person.counted_destination(*channel))?;
    Some(signer.person.counted_destination(signer.channel) == Some(link))
}

fn destination(signer: &Signer) -> Option<String> {
    signer.person.destination(signer.channel).map(|to| masked(signer.channel, &to))
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

async fn send_code(world: &World, call: &Call<Otp>, challenge: Uuid, until: DateTime<Utc>) -> Attempt<Otp> {
    let Ok(data) = call.state.existing() else { return refused("the identification was deleted") };
    // A late code would only confuse: a newer one was asked for, or nobody can use it any more.
    if data.state != IdentificationState::Created || data.own.challenges.last().is_none_or(|last| last.id != challenge) {
        return refused("the code is no longer wanted");
    }
    let creation = &data.creation;
    let code = world.codes.code(challenge, creation.policy.digits(creation.channel));
    let minutes = u32::try_from((until - call.now).num_seconds().max(0)).unwrap_or(0).div_ceil(60);
    let draft = Draft {
        organization: &call.entity.organization,
        reference: call.idempotency_key(),
        channel: creation.channel,
        external: creation.external,
        person: &creation.actor,
        documents: creation.purpose.documents.clone(),
        content: Content::OtpCode { code: Secret::new(code), minutes, domain: None },
        until,
        receipt_url: receipt_url(world, call, creation, challenge),
    };
    match world.send(draft, call.now).await {
        Ok(provider_id) => Attempt::Done(Some(CodeCommand::Delivered { challenge, provider_id }.into())),
        Err(attempt) => attempt,
    }
}

/// Where the gateway is to report what becomes of the message, if it does.
fn receipt_url(world: &World, call: &Call<Otp>, creation: &Creation, challenge: Uuid) -> Option<String> {
    let (organization, channel, external) = (&*call.entity.organization, creation.channel, creation.external);
    if !world.channels.reports(organization, channel, external) {
        return None;
    }
    let organization = organization.to_owned();
    let subject = Subject { organization, kind: Kind::Otp, id: call.entity.id, challenge, channel, external };
    world.receipts.url(&subject, call.now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp::CodeHash;

    fn challenge(delivery: otp::Delivery, words: &[&str]) -> otp::Challenge {
        let at = ::store::Timestamp::UNIX_EPOCH;
        let receipt = |word: &&str| otp::Receipt { at, status: ReceiptStatus::Sent, word: (*word).to_owned() };
        let receipts = words.iter().map(receipt).collect();
        let hash = CodeHash("hash".into());
        otp::Challenge {
            id: Uuid::nil(),
            hash,
            at,
            until: at,
            attempts_left: 3,
            answers: 0,
            delivery,
            receipts,
            number_answers: Vec::new(),
            refused: false,
        }
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
    fn what_the_provider_reports_on_was_sent_although_its_answer_is_missing() {
        assert_eq!(described(otp::Delivery::Pending, &["sent"]), Some(("SENT".into(), vec!["sent".into()])));
        assert_eq!(described(otp::Delivery::Pending, &[]), None);
    }
}
