//! What the events and effects of each kind of process mean to whoever looks at a timeline.

use ::documents::certificate::mask;
use chrono::SecondsFormat;
use pages::console::{Fact, Phrase, Tone};
use serde::Serialize;
use workflows::{
    Channel, Contact, Device, Hand, Staff,
    identification::{
        Data, Identification, Method,
        agent::{AgentEffect, AgentEvent, Vouching},
        identity_document::{CheckEffect, CheckEvent, DocumentCheck},
        lifecycle,
        otp::{CodeEffect, CodeEvent, OneTimeCode, ReceiptStatus},
    },
    sign_process::{self, Notice, Seal, SealTime, SignProcess},
};

use super::timeline::{Group, Intended, Scene, Tells, Told};

/// A channel's name.
pub fn channel_key(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "console.channel.sms",
        Channel::Email => "console.channel.email",
        Channel::Whatsapp => "console.channel.whatsapp",
    }
}

/// Where a channel reaches somebody, masked.
pub fn masked(person: &Contact, channel: Channel) -> Option<String> {
    let destination = person.destination(channel)?;
    Some(match channel {
        Channel::Email => mask::email(&destination),
        Channel::Sms | Channel::Whatsapp => match &person.msisdn {
            Some(phone) => mask::phone(Some(&phone.country_code), &phone.phone_number.to_string()),
            None => mask::phone(None, &destination),
        },
    })
}

/// Where an act came from.
pub(super) fn from_device(device: &Device) -> Vec<Fact> {
    let facts = [
        ("console.fact.ip", &device.ip),
        ("console.fact.user_agent", &device.user_agent),
        ("console.fact.location", &device.location),
    ];
    facts.into_iter().filter_map(|(name, value)| Some(Fact { name, value: value.clone()? })).collect()
}

/// Where an act of staff came from.
fn from_staff(staff: &Staff) -> Vec<Fact> {
    staff.ip.clone().map(|value| Fact { name: "console.fact.ip", value }).into_iter().collect()
}

/// A row of its own.
pub(super) fn row(words: Phrase) -> Told {
    Told { words: Some(words), ..Told::default() }
}

pub(super) fn bad(words: Phrase) -> Told {
    Told { tone: Some(Tone::Bad), ..row(words) }
}

/// What a member of the staff did, with where from; else what a caller of the API did.
pub(super) fn by_hand(
    by: Option<&Staff>,
    of: impl Fn(&'static str) -> Phrase,
    otherwise: &'static str,
    by_staff: &'static str,
    reason: &str,
) -> Told {
    match by {
        None => row(of(otherwise).with("reason", reason)),
        Some(staff) => Told { facts: from_staff(staff), ..row(of(by_staff).with("by", staff).with("reason", reason)) },
    }
}

/// What staff did about a signer's link.
fn on_link(words: Phrase, Hand { by, reason }: &Hand) -> Told {
    Told { facts: from_staff(by), ..row(words.with("by", by).with("reason", reason)) }
}

/// What became of something that has a row already.
pub(super) fn part(group: Group, words: Phrase, tone: Option<Tone>) -> Told {
    let is_bad = tone == Some(Tone::Bad);
    Told { group: Some(group), part: Some((words, is_bad)), tone, ..Told::default() }
}

/// A step within the server, by its name in the journal.
pub(super) fn internal(effect: &impl Serialize) -> Intended {
    let value = serde_json::to_value(effect).unwrap_or_default();
    let name = value["type"].as_str().unwrap_or("?").replace('_', " ");
    Intended { group: None, words: Phrase::new("console.row.internal").with("what", name), is_internal: true }
}

impl Tells for SignProcess {
    fn told(&self, event: &sign_process::Event, scene: &Scene<'_>) -> Vec<Told> {
        use sign_process::Event;
        let by = |key, signature: &uuid::Uuid| Phrase::new(key).with("who", alias(scene, *signature));
        vec![match event {
            Event::Created(_) => row(Phrase::new("console.row.created")),
            // The identifications' own journals say it.
            Event::Identified { .. } | Event::IdentificationLost { .. } => return Vec::new(),
            Event::Previewed { signature, device } => {
                Told { facts: from_device(device), ..row(by("console.row.looked", signature)) }
            }
            Event::Signed { signature, device, .. } => {
                Told { facts: from_device(device), ..row(by("console.row.signed", signature)) }
            }
            Event::Completed => row(Phrase::new("console.row.completed")),
            Event::Sealed { document, sealed } => seal_told(Group::Seal(*document), &sealed.seal),
            Event::Certified { seal, .. } => seal_told(Group::Certificate, seal),
            Event::Failed { reason, .. } => bad(Phrase::new("console.row.failed").with("reason", reason)),
            Event::Cancelled { reason, by: None } => bad(Phrase::new("console.row.cancelled").with("reason", reason)),
            Event::Cancelled { reason, by: Some(staff) } => {
                let words = Phrase::new("console.row.cancelled_by").with("who", staff).with("reason", reason);
                Told { facts: from_staff(staff), ..bad(words) }
            }
            Event::Declined { signature, reason, device } => {
                Told { facts: from_device(device), ..bad(by("console.row.declined", signature).with("reason", reason)) }
            }
            Event::HandedOver { signature, by: staff, to } => {
                Told { facts: from_device(to), ..row(by("console.row.handed_over", signature).with("agent", staff)) }
            }
            Event::LinkRenewed { signature, by: None } => row(by("console.row.link_renewed", signature)),
            Event::LinkRenewed { signature, by: Some(hand) } => on_link(by("console.row.link_renewed_by", signature), hand),
            Event::LinkSentAgain { signature, by: hand } => on_link(by("console.row.link_sent_again", signature), hand),
            Event::Expired => bad(Phrase::new("console.row.expired")),
            Event::Noticed { signature, notice, taken, failure } => {
                let group = notice_group(*signature, *notice);
                let facts = taken.provider_id.clone().map(|value| Fact { name: "console.fact.provider_id", value });
                let told = match failure {
                    None => part(group, Phrase::new("console.part.sent"), Some(Tone::Plain)),
                    Some(reason) => part(group, Phrase::new("console.part.not_sent").with("reason", reason), Some(Tone::Bad)),
                };
                Told { facts: facts.into_iter().collect(), ..told }
            }
        }]
    }

    fn intended(&self, effect: &sign_process::Effect, scene: &Scene<'_>) -> Intended {
        use sign_process::Effect;
        let told = |group, words| Intended { group: Some(group), words, is_internal: false };
        let message =
            |key, signature, channel| Phrase::new(key).with("who", alias(scene, signature)).word("channel", channel_key(channel));
        match effect {
            Effect::Notify { signature, notice, channel } => {
                let key = if *notice == Notice::SignRequest { "console.row.invitation" } else { "console.row.notice" };
                told(notice_group(*signature, *notice), message(key, *signature, *channel))
            }
            Effect::SendLink { signature, channel, .. } => {
                Intended { group: None, words: message("console.row.link", *signature, *channel), is_internal: false }
            }
            Effect::Seal { document } => {
                let known = scene.process.iter().flat_map(|process| &process.creation.documents);
                let name = known.into_iter().find(|own| own.id == *document);
                let name = name.map_or_else(|| document.to_string(), |document| document.name.clone());
                told(Group::Seal(*document), Phrase::new("console.row.seal").with("document", name))
            }
            Effect::Certify => told(Group::Certificate, Phrase::new("console.row.certificate")),
            Effect::CreateIdentification { .. }
            | Effect::CloseIdentification { .. }
            | Effect::CancelIdentification { .. }
            | Effect::TellContract { .. }
            | Effect::Release => internal(effect),
        }
    }
}

/// How far a seal got.
fn seal_told(group: Group, seal: &Seal) -> Told {
    let words = match seal.short_of {
        None => Phrase::new("console.part.sealed"),
        Some(wanted) => Phrase::new("console.part.sealed_short").with("wanted", wanted.name()),
    };
    let time = seal.time_stamp.as_ref().map(|SealTime { at, authority }| {
        let value = format!("{} {authority}", at.to_rfc3339_opts(SecondsFormat::Secs, true));
        Fact { name: "console.fact.time_stamp", value }
    });
    Told { facts: time.into_iter().collect(), ..part(group, words.with("level", seal.level.name()), Some(Tone::Plain)) }
}

fn alias<'a>(scene: &Scene<'a>, signature: uuid::Uuid) -> &'a str {
    let known = scene.process.and_then(|process| process.creation.signers.get(process.position(signature)?));
    known.map_or("?", |signer| signer.alias.as_str())
}

fn notice_group(signature: uuid::Uuid, notice: Notice) -> Group {
    Group::Notice { signature, is_end: notice == Notice::Certified }
}

/// What a way to identify adds to what all identifications tell.
pub trait TellsOwn: Method {
    /// See [`Tells::told`].
    fn own_told(data: &Data<Self>, event: &Self::Event, scene: &Scene<'_>) -> Vec<Told>;

    /// See [`Tells::intended`].
    fn own_intended(data: &Data<Self>, effect: &Self::Effect, scene: &Scene<'_>) -> Intended;

    /// What else is to be told of a validation.
    fn own_validated(_: &Data<Self>, _: &Scene<'_>) -> Option<Told> {
        None
    }
}

impl<M: TellsOwn> Tells for Identification<M> {
    fn told(&self, event: &lifecycle::Event<M>, scene: &Scene<'_>) -> Vec<Told> {
        use lifecycle::Event;
        let Some(data) = self.data() else { return Vec::new() };
        let of = |key| Phrase::new(key).with("who", scene.who);
        vec![match event {
            Event::Created(_) => row(of("console.row.identification_created")),
            Event::Validated { device } => {
                let told = Told { facts: from_device(device), ..row(of("console.row.identified")) };
                return std::iter::once(told).chain(M::own_validated(data, scene)).collect();
            }
            Event::Succeeded => row(of("console.row.identification_succeeded")),
            Event::Failed { reason } => bad(of("console.row.identification_failed").with("reason", reason)),
            Event::Cancelled { reason: None, by: None } => row(of("console.row.identification_cancelled")),
            Event::Cancelled { reason, by } => {
                let reason = reason.as_deref().unwrap_or_default();
                by_hand(
                    by.as_ref(),
                    of,
                    "console.row.identification_cancelled_for",
                    "console.row.identification_cancelled_by",
                    reason,
                )
            }
            Event::Expired => bad(of("console.row.identification_expired")),
            Event::Restarted { .. } => row(of("console.row.identification_restarted")),
            Event::Deleted => bad(of("console.row.identification_deleted")),
            Event::Own(event) => return M::own_told(data, event, scene),
        }]
    }

    fn intended(&self, effect: &lifecycle::Effect<M>, scene: &Scene<'_>) -> Intended {
        use lifecycle::Effect;
        match (effect, self.data()) {
            (Effect::Own(effect), Some(data)) => M::own_intended(data, effect, scene),
            _ => internal(effect),
        }
    }
}

impl TellsOwn for OneTimeCode {
    fn own_told(data: &Data<Self>, event: &CodeEvent, scene: &Scene<'_>) -> Vec<Told> {
        let code = |challenge: &uuid::Uuid| Group::Code { identification: scene.journal, challenge: *challenge };
        let of = |key| Phrase::new(key).with("who", scene.who);
        vec![match event {
            CodeEvent::Challenged { id, .. } => {
                let channel = data.creation.channel;
                let words = of("console.row.code").word("channel", channel_key(channel));
                let destination = masked(&data.creation.actor, channel);
                let facts = destination.map(|value| Fact { name: "console.fact.destination", value });
                Told { group: Some(code(id)), facts: facts.into_iter().collect(), ..row(words) }
            }
            CodeEvent::Delivered { challenge, taken, .. } => {
                let facts = taken.provider_id.clone().map(|value| Fact { name: "console.fact.provider_id", value });
                let told = part(code(challenge), Phrase::new("console.part.sent"), Some(Tone::Plain));
                Told { facts: facts.into_iter().collect(), ..told }
            }
            CodeEvent::NotDelivered { challenge, reason, .. } => {
                part(code(challenge), Phrase::new("console.part.not_sent").with("reason", reason), Some(Tone::Bad))
            }
            CodeEvent::DeliveryUnknown { challenge, reason, .. } => {
                part(code(challenge), Phrase::new("console.part.unknown").with("reason", reason), Some(Tone::Bad))
            }
            CodeEvent::Receipt { challenge, status, word, .. } => {
                let (words, tone) = match status {
                    ReceiptStatus::Accepted | ReceiptStatus::Sent => (Phrase::new("console.part.accepted"), None),
                    ReceiptStatus::Delivered => (Phrase::new("console.part.delivered"), Some(Tone::Plain)),
                    ReceiptStatus::Read => (Phrase::new("console.part.read"), Some(Tone::Plain)),
                    ReceiptStatus::Failed => (Phrase::new("console.part.receipt_failed").with("word", word), Some(Tone::Bad)),
                };
                part(code(challenge), words, tone)
            }
            CodeEvent::FateUnknown { challenge, .. } => part(code(challenge), Phrase::new("console.part.no_receipt"), None),
            CodeEvent::Rerouted { challenge, channel } => {
                part(code(challenge), Phrase::new("console.part.rerouted").word("channel", channel_key(*channel)), None)
            }
            CodeEvent::WrongAnswer { at_challenge: true } => bad(of("console.row.wrong_early")),
            CodeEvent::WrongAnswer { at_challenge: false } => match data.own.challenges.last() {
                Some(challenge) => Told {
                    group: Some(code(&challenge.id)),
                    part: Some((Phrase::new("console.part.wrong"), true)),
                    ..Told::default()
                },
                None => bad(of("console.row.wrong_early")),
            },
            CodeEvent::NumberChecked { challenge, refusal: None, .. } => {
                part(code(challenge), Phrase::new("console.part.number_checked"), None)
            }
            CodeEvent::NumberChecked { challenge, refusal: Some(why), .. } => {
                part(code(challenge), Phrase::new("console.part.number_refused").with("reason", why), Some(Tone::Bad))
            }
            CodeEvent::ProvedAgain { device } => {
                let again = Told { facts: from_device(device), ..row(of("console.row.proved_again")) };
                return std::iter::once(again).chain(Self::own_validated(data, scene)).collect();
            }
            // The page of who proved it can come back.
            CodeEvent::ResumeKept { .. } => return Vec::new(),
            CodeEvent::ContactConfirmed { by, reason } => {
                row(of("console.row.contact_confirmed").with("by", by).with("reason", reason))
            }
        }]
    }

    fn own_intended(data: &Data<Self>, effect: &CodeEffect, scene: &Scene<'_>) -> Intended {
        let challenge = match effect {
            CodeEffect::SendCode { challenge, .. }
            | CodeEffect::CheckNumber { challenge, .. }
            | CodeEffect::Reroute { challenge, .. } => *challenge,
        };
        let group = Some(Group::Code { identification: scene.journal, challenge });
        let words = Phrase::new("console.row.code").with("who", scene.who).word("channel", channel_key(data.creation.channel));
        Intended { group, words, is_internal: false }
    }

    fn own_validated(data: &Data<Self>, scene: &Scene<'_>) -> Option<Told> {
        let challenge = data.own.challenges.iter().rev().find(|challenge| challenge.answered)?.id;
        let group = Group::Code { identification: scene.journal, challenge };
        Some(part(group, Phrase::new("console.part.right"), Some(Tone::Plain)))
    }
}

impl TellsOwn for Vouching {
    fn own_told(_: &Data<Self>, event: &AgentEvent, scene: &Scene<'_>) -> Vec<Told> {
        let by = |key, agent: &dyn std::fmt::Display| Phrase::new(key).with("agent", agent).with("who", scene.who);
        vec![match event {
            AgentEvent::Taken { by: staff } => Told { facts: from_staff(staff), ..row(by("console.row.taken", staff)) },
            AgentEvent::Vouched(voucher) => row(by("console.row.vouched", &voucher.agent)),
        }]
    }

    fn own_intended(_: &Data<Self>, effect: &AgentEffect, _: &Scene<'_>) -> Intended {
        internal(effect)
    }
}

impl TellsOwn for DocumentCheck {
    fn own_told(_: &Data<Self>, event: &CheckEvent, scene: &Scene<'_>) -> Vec<Told> {
        let of = |key| Phrase::new(key).with("who", scene.who);
        vec![match event {
            CheckEvent::Scored { passing: true, .. } => row(of("console.row.scored")),
            CheckEvent::Scored { passing: false, .. } => bad(of("console.row.not_scored")),
            CheckEvent::Refused { device } => Told { facts: from_device(device), ..bad(of("console.row.validation_refused")) },
            // The page of who was validated can come back.
            CheckEvent::ResumeKept { .. } => return Vec::new(),
        }]
    }

    fn own_intended(_: &Data<Self>, effect: &CheckEffect, _: &Scene<'_>) -> Intended {
        internal(effect)
    }
}
