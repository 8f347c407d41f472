//! One-time-code identifications: the code goes out, and evidence shows what became of it.

mod number;

use ::documents::certificate::{self, Action, Challenge, Delivery, NumberCheck, Receipt, SecondProof};
use ::store::Entity;
use actors::{Attempt, Call};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;
use workflows::{
    Channel, IdentificationType,
    identification::chain::Settings,
    identification::otp::{
        self, CodeCommand, CodeEffect, CodeEvent, Creation, Fate, NumberAnswer, OneTimeCode, Otp, ReceiptStatus, Sending, Taken,
    },
    sign_process::{self, Signer},
};

use super::{
    Processes, World,
    evidence::{Happening, SERVICE, Scene, Told, masked, name_of},
    identification::{self, Adapted, Step},
    messages::Draft,
    refused, retry,
};
use crate::{
    channels::{self, Secret, texts::Content},
    code_limits,
    receipts::{Kind, Subject},
};

/// Tries of a channel that certainly took nothing, before a code goes out on the next one: within seconds, by the back-off.
const TRIES_BEFORE_REROUTE: u32 = 3;

pub(super) type Adapter = identification::Adapter<OneTimeCode>;

#[async_trait]
impl Adapted for OneTimeCode {
    const TYPE: IdentificationType = IdentificationType::Otp;

    fn creation(process: &sign_process::Data, position: usize) -> Option<Creation> {
        let signer = process.creation.signers.get(position)?;
        Some(Creation {
            actor: signer.person.clone(),
            channel: signer.channel?,
            external: false,
            two_factor_type: signer.two_factor_type,
            expires_at: process.creation.expires_at,
            policy: process.creation.policy.clone(),
            contact_policy: process.creation.contact_policy.clone(),
            // Only for a warning of fallbacks; without them the creation stays as earlier versions made it, and can be repeated.
            link_channel: process.link_channel(position).filter(|_| !process.creation.policy.fallback_channels.is_empty()),
            purpose: identification::purpose(process, position)?,
        })
    }

    fn for_step(step: &Step<'_>) -> Option<Creation> {
        let Settings::Otp { channel, external, two_factor_type, policy, contact_policy } = step.settings().clone() else {
            return None;
        };
        let (actor, expires_at, purpose) = (step.actor().clone(), step.expires_at(), step.purpose());
        let link_channel = None;
        Some(Creation { actor, channel, external, two_factor_type, expires_at, policy, contact_policy, link_channel, purpose })
    }

    async fn perform(world: &World, _: &Processes, call: &Call<Otp>, effect: &CodeEffect) -> Attempt<Otp> {
        match effect {
            CodeEffect::SendCode { challenge, until } => send_code(world, call, *challenge, *until, None).await,
            CodeEffect::Reroute { challenge, channel, until } => reroute(world, call, *challenge, *until, *channel).await,
            CodeEffect::CheckNumber { challenge, until } => number::check(world, call, *challenge, *until).await,
        }
    }

    fn repeatable(world: &World, entity: &Entity, effect: &CodeEffect, state: &Otp) -> bool {
        let Some(data) = state.data() else { return false };
        let channel = match effect {
            // A question: nothing changes by it.
            CodeEffect::CheckNumber { .. } => return true,
            CodeEffect::SendCode { .. } => data.creation.channel,
            CodeEffect::Reroute { channel, .. } => *channel,
        };
        let to = data.creation.actor.destination(channel).unwrap_or_default();
        world.channels.repeatable(&way(&entity.organization, &data.creation, channel, &to))
    }

    /// Who asks for a code is told at once when the operator's answer stands against it.
    fn before_answer(effect: &CodeEffect) -> bool {
        matches!(effect, CodeEffect::CheckNumber { .. })
    }

    /// Counts the fates that have become known.
    fn changed(world: &World, entity: &Entity, before: &Otp, after: &Otp) {
        let Some(after) = after.data() else { return };
        let known = before.data().map(fates).unwrap_or_default();
        for (index, (channel, fate)) in fates(after).into_iter().enumerate() {
            let Some(fate) = fate.filter(|_| known.get(index).is_none_or(|(_, known)| *known != fate)) else { continue };
            let to = after.creation.actor.destination(channel).unwrap_or_default();
            let provider = world.channels.provider(&way(&entity.organization, &after.creation, channel, &to));
            world.channels.metrics().count_fate(channel, provider, fate);
        }
    }

    fn happening(signer: &Signer, event: &CodeEvent) -> Option<Happening> {
        Some(match event {
            CodeEvent::Challenged { .. } => Happening::new(&signer.alias, Action::CodeRequested, destination(signer)),
            CodeEvent::Delivered { taken, .. } => Happening::new(SERVICE, Action::CodeSent, taken.provider_id.clone()),
            CodeEvent::NotDelivered { reason, .. } => Happening::new(SERVICE, Action::CodeNotDelivered, Some(reason.clone())),
            CodeEvent::DeliveryUnknown { reason, .. } => {
                Happening::new(SERVICE, Action::CodeDeliveryUnknown, Some(reason.clone()))
            }
            CodeEvent::FateUnknown { .. } => {
                Happening::new(SERVICE, Action::CodeDeliveryUnknown, Some("no receipt in time".into()))
            }
            CodeEvent::Rerouted { channel, .. } => Happening::new(SERVICE, Action::CodeRerouted, name_of(channel)),
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
            CodeEvent::ProvedAgain { device } => Happening::new(&signer.alias, Action::ProvedAgain, device.ip.clone()),
            // It goes with the right code, which stands before it.
            CodeEvent::ResumeKept { .. } => return None,
        })
    }

    async fn describe(
        scene: &Scene<'_>,
        signer: &Signer,
        _: Uuid,
        data: &otp::Data,
        described: &mut certificate::Identification,
    ) -> Result<Vec<Told>, String> {
        let challenges = data.own.challenges.iter().zip(1..).map(|(challenge, number)| Challenge {
            number,
            requested_at: scene.moment(challenge.at),
            expires_at: Some(scene.moment(challenge.until)),
            attempts: Some(challenge.answers),
            number_checks: challenge.number_answers.iter().map(number_check).collect(),
            fate: data.fate(challenge).as_ref().and_then(name_of),
            deliveries: challenge.sendings.iter().filter_map(|sending| delivery(scene, data, challenge, sending)).collect(),
        });
        described.channel = name_of(&data.creation.channel);
        described.external = Some(data.creation.external);
        described.destination = destination(signer);
        described.two_factor_type = data.creation.two_factor_type.as_ref().and_then(name_of);
        described.attempts = data.own.failures + u32::from(data.validated.is_some()) + data.own.proofs;
        described.challenges = challenges.collect();
        described.second_proof = second_proof(scene, data);
        described.link_on_same_channel = link_on_same_channel(scene.process, signer);
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
fn link_on_same_channel(process: &sign_process::Data, signer: &Signer) -> Option<bool> {
    let position = process.creation.signers.iter().position(|known| known.identification == signer.identification)?;
    let link = signer.person.counted_destination(process.link_channel(position)?)?;
    Some(signer.person.counted_destination(signer.channel?) == Some(link))
}

fn destination(signer: &Signer) -> Option<String> {
    let channel = signer.channel?;
    signer.person.destination(channel).map(|to| masked(channel, &to))
}

/// Each message with a code, in order, and what became of it.
fn fates(data: &otp::Data) -> Vec<(Channel, Option<Fate>)> {
    let sendings = data.own.challenges.iter().flat_map(|challenge| {
        challenge.sendings.iter().map(move |sending| (sending.channel, data.sending_fate(challenge, sending)))
    });
    sendings.collect()
}

fn way<'a>(organization: &'a str, creation: &Creation, channel: Channel, to: &'a str) -> channels::Destination<'a> {
    channels::Destination { organization, channel, external: creation.external, to }
}

/// What evidence shows of one message; `None` while nobody knows anything of it.
fn delivery(scene: &Scene<'_>, data: &otp::Data, challenge: &otp::Challenge, sending: &Sending) -> Option<Delivery> {
    let (zone, creation) = (scene.zone, &data.creation);
    let (at, taken, outcome) = handed_over(sending)?;
    let carrier = scene.world.channels.carrier(sending.channel, creation.external);
    let is_fallback = sending.channel != creation.channel;
    let to = is_fallback.then(|| creation.actor.destination(sending.channel)).flatten();
    let receipts = sending.receipts.iter();
    Some(Delivery {
        at: zone.moment(at),
        provider: taken.provider.map_or_else(|| carrier.to_owned(), |name| format!("{carrier} {name}")),
        message_id: taken.provider_id,
        outcome,
        channel: name_of(&sending.channel),
        destination: to.map(|to| masked(sending.channel, &to)),
        sender: taken.sender,
        channel_of_link: is_fallback && creation.link_channel == Some(sending.channel),
        fate: data.sending_fate(challenge, sending).as_ref().and_then(name_of),
        receipts: receipts.map(|receipt| Receipt { at: zone.moment(receipt.at), status: receipt.word.clone() }).collect(),
    })
}

/// When and how a message was handed to its channel; `None` while nobody knows.
fn handed_over(sending: &Sending) -> Option<(DateTime<Utc>, Taken, String)> {
    Some(match (&sending.delivery, sending.receipts.first()) {
        (otp::Delivery::Pending, None) => return None,
        // The provider has it, whether or not its answer arrived.
        (otp::Delivery::Pending, Some(receipt)) => (receipt.at, Taken::default(), "SENT".to_owned()),
        (otp::Delivery::Accepted { at, taken }, _) => (*at, taken.clone(), "SENT".to_owned()),
        (otp::Delivery::Failed { at, reason }, _) => (*at, Taken::default(), format!("FAILED: {reason}")),
        (otp::Delivery::Unknown { at, reason }, _) => (*at, Taken::default(), format!("UNKNOWN: {reason}")),
    })
}

/// Sends a code whose earlier messages failed on a further channel.
async fn reroute(world: &World, call: &Call<Otp>, challenge: Uuid, until: DateTime<Utc>, channel: Channel) -> Attempt<Otp> {
    let Ok(data) = call.state.existing() else { return refused("the identification was deleted") };
    let organization = &*call.entity.organization;
    // Those of its creation are in the journal; it may have thought better of one since.
    match world.configurations.load(organization).await {
        Ok(Some(configuration)) if configuration.channels.contains(&channel) => {}
        Ok(_) => return refused("the organization does not allow the channel any more"),
        Err(error) => return retry(error),
    }
    if call.attempt == 1 {
        let destination = data.creation.actor.counted_destination(channel).unwrap_or_default();
        match world.code_limits.admit(organization, &destination).await {
            Ok(()) => {}
            Err(error @ code_limits::Error::Over(_)) => return refused(error),
            Err(error) => return retry(error),
        }
        let identification = call.entity.id;
        if data.creation.link_channel == Some(channel) {
            tracing::warn!(%identification, organization, ?channel, "a code goes out again, on the channel of the link to sign");
        } else {
            tracing::info!(%identification, organization, ?channel, "a code goes out again, on another channel");
        }
    }
    send_code(world, call, challenge, until, Some(channel)).await
}

/// One attempt to send the code of a challenge; `channel` is that of a reroute.
async fn send_code(
    world: &World,
    call: &Call<Otp>,
    challenge: Uuid,
    until: DateTime<Utc>,
    rerouted: Option<Channel>,
) -> Attempt<Otp> {
    let Ok(data) = call.state.existing() else { return refused("the identification was deleted") };
    // A late code would only confuse: a newer one was asked for, or nobody can use it any more.
    let Some(current) = data.own.current().filter(|_| data.is_code_wanted(challenge)) else {
        return refused("the code is no longer wanted");
    };
    let creation = &data.creation;
    let channel = rerouted.unwrap_or(creation.channel);
    // A provider can report before its answer arrives; the code may be on its way elsewhere by now.
    if current.sendings.iter().any(|sending| sending.channel == channel && sending.fate() == Some(Fate::Failed)) {
        return refused("the provider has reported that the message failed");
    }
    let code = world.codes.code(challenge, creation.digits());
    let minutes = u32::try_from((until - call.now).num_seconds().max(0)).unwrap_or(0).div_ceil(60);
    let receipt_url = receipt_url(world, call, creation, challenge, channel);
    let reports = receipt_url.is_some();
    let draft = Draft {
        organization: &call.entity.organization,
        reference: call.idempotency_key(),
        channel,
        external: creation.external,
        person: &creation.actor,
        documents: creation.purpose.documents.clone(),
        content: Content::OtpCode { code: Secret::new(code), minutes, domain: None },
        until,
        receipt_url,
    };
    match world.send(draft, call.now).await {
        Ok(sent) => {
            let taken = sent.taken(reports);
            Attempt::Done(Some(CodeCommand::Delivered { challenge, channel: Some(channel), taken }.into()))
        }
        // The code would not live until a channel that is away comes back; another one may be there.
        Err(Attempt::Retry { reason, .. }) if call.attempt >= TRIES_BEFORE_REROUTE && data.next_channel(current).is_some() => {
            refused(format!("{reason}; the next channel is tried"))
        }
        Err(attempt) => attempt,
    }
}

/// Where the gateway is to report what becomes of the message, if it does.
fn receipt_url(world: &World, call: &Call<Otp>, creation: &Creation, challenge: Uuid, channel: Channel) -> Option<String> {
    let to = creation.actor.destination(channel)?;
    let way = way(&call.entity.organization, creation, channel, &to);
    if !world.channels.reports(&way) {
        return None;
    }
    let (organization, provider) = (way.organization.to_owned(), world.channels.route(&way, call.now).provider);
    let external = creation.external;
    let subject = Subject { organization, kind: Kind::Otp, id: call.entity.id, challenge, channel, external, provider };
    world.receipts.url(&subject, call.now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sending(delivery: otp::Delivery, words: &[&str]) -> Sending {
        let at = ::store::Timestamp::UNIX_EPOCH;
        let receipt = |word: &&str| otp::Receipt { at, status: ReceiptStatus::Sent, word: (*word).to_owned() };
        Sending { channel: Channel::Sms, at, delivery, receipts: words.iter().map(receipt).collect(), unreported: None }
    }

    fn outcome(delivery: otp::Delivery, words: &[&str]) -> Option<String> {
        handed_over(&sending(delivery, words)).map(|(_, _, outcome)| outcome)
    }

    #[test]
    fn a_message_is_sent_failed_or_nobody_knows() {
        let at = ::store::Timestamp::UNIX_EPOCH;
        let accepted = otp::Delivery::Accepted { at, taken: Taken::default() };
        assert_eq!(outcome(accepted, &["sent", "delivered"]).as_deref(), Some("SENT"));
        let failed = otp::Delivery::Failed { at, reason: "no such number".into() };
        assert_eq!(outcome(failed, &[]).as_deref(), Some("FAILED: no such number"));
        let unknown = otp::Delivery::Unknown { at, reason: "it took too long".into() };
        assert_eq!(outcome(unknown, &[]).as_deref(), Some("UNKNOWN: it took too long"));
    }

    #[test]
    fn what_the_provider_reports_on_was_sent_although_its_answer_is_missing() {
        assert_eq!(outcome(otp::Delivery::Pending, &["sent"]).as_deref(), Some("SENT"));
        assert_eq!(outcome(otp::Delivery::Pending, &[]), None);
    }
}
