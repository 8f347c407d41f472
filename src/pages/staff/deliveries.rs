//! C7: messages to signers and what became of each: of the newest processes, and of older ones page by page.
//!
//! No listing of messages is kept. Codes and their reports stand in the state of an identification; what became of a notice stands in the
//! journal of its process, which is read for that.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse};
use actors::journal::{Act, EffectId, Fact, Line, ReadError};
use chrono::{DateTime, Utc};
use futures::{StreamExt, stream};
use pages::console::{self, DeliveryChip, NavPart, Outcome, Part, Phrase, Rate};
use uuid::Uuid;
use workflows::{
    Channel, IdentificationType, Machine,
    identification::{
        Data as Identified,
        otp::{Challenge, Delivery, Fate, OneTimeCode, Otp, ReceiptStatus, Sending},
    },
    sign_process::{Data, Effect, Event, Notice, SignProcess},
};

use super::{
    processes::{Filter, look, read_cursor, write_cursor},
    telling::{channel_key, masked},
    timeline::after,
    visit::{Failure, Visit},
};

/// Processes of a page: their journals are read.
const PAGE: usize = 25;

/// Journals that are read at once.
const READ_AT_ONCE: usize = 8;

/// A message, as far as it is known.
#[derive(Clone, Debug)]
struct Message {
    process: Uuid,
    words: Phrase,
    channel: Channel,
    destination: Option<String>,
    provider: Option<String>,
    asked: DateTime<Utc>,
    outcome: Outcome,
    parts: Vec<Told>,
}

/// What became of a message at some time.
#[derive(Clone, Debug)]
struct Told {
    at: DateTime<Utc>,
    words: Phrase,
    is_bad: bool,
}

impl Message {
    fn tell(&mut self, at: DateTime<Utc>, words: Phrase, is_bad: bool) {
        self.parts.push(Told { at, words, is_bad });
    }

    fn end(&mut self, outcome: Outcome, at: DateTime<Utc>, words: Phrase) {
        self.outcome = outcome;
        self.tell(at, words, matches!(outcome, Outcome::Failed | Outcome::Unknown));
    }
}

/// The notices and links of a process, as its journal tells them.
struct Notices<'a> {
    process: Uuid,
    data: &'a Data,
    messages: Vec<Message>,
    /// Which notice a message is; a link is none.
    notices: Vec<Option<(Uuid, Notice)>>,
    efforts: HashMap<EffectId, usize>,
}

impl Notices<'_> {
    fn of(process: Uuid, data: &Data, lines: &[Line<Event>]) -> Vec<Message> {
        let mut all = Notices { process, data, messages: Vec::new(), notices: Vec::new(), efforts: HashMap::new() };
        let mut machine = SignProcess::default();
        for line in lines {
            match &line.fact {
                Some(Fact::Event(event)) => {
                    machine.apply(line.at, event);
                    all.event(line.at, event);
                    for (effect, index) in machine.effects(event).iter().zip(0..) {
                        all.asked(line.at, EffectId { seq: line.seq, index }, effect);
                    }
                }
                Some(fact) => all.effort(line.at, fact),
                None => {}
            }
        }
        all.messages
    }

    fn asked(&mut self, at: DateTime<Utc>, id: EffectId, effect: &Effect) {
        let (signature, channel, notice, key) = match effect {
            Effect::Notify { signature, notice: Notice::SignRequest, channel } => {
                (*signature, *channel, Some(Notice::SignRequest), "console.row.invitation")
            }
            Effect::Notify { signature, notice, channel } => (*signature, *channel, Some(*notice), "console.row.notice"),
            Effect::SendLink { signature, channel, .. } => (*signature, *channel, None, "console.row.link"),
            _ => return,
        };
        let signer = self.data.position(signature).and_then(|position| self.data.creation.signers.get(position));
        let who = signer.map_or("?", |signer| signer.alias.as_str());
        self.efforts.insert(id, self.messages.len());
        self.notices.push(notice.map(|notice| (signature, notice)));
        self.messages.push(Message {
            process: self.process,
            words: Phrase::new(key).with("who", who).word("channel", channel_key(channel)),
            channel,
            destination: signer.and_then(|signer| masked(&signer.person, channel)),
            provider: None,
            asked: at,
            outcome: Outcome::Open,
            parts: Vec::new(),
        });
    }

    fn event(&mut self, at: DateTime<Utc>, event: &Event) {
        let Event::Noticed { signature, notice, taken, failure } = event else { return };
        let own = Some((*signature, *notice));
        let Some(place) = self.notices.iter().rposition(|known| *known == own) else { return };
        let message = &mut self.messages[place];
        message.provider = message.provider.take().or(taken.provider_id.clone());
        match failure {
            None => message.end(Outcome::Taken, at, Phrase::new("console.part.sent")),
            Some(reason) => message.end(Outcome::Failed, at, Phrase::new("console.part.not_sent").with("reason", reason)),
        }
    }

    fn effort(&mut self, at: DateTime<Utc>, fact: &Fact<Event>) {
        let (Fact::Attempt { effect, .. }
        | Fact::Retry { effect, .. }
        | Fact::Done { effect, .. }
        | Fact::GivenUp { effect, .. }
        | Fact::Intervened { act: Act::Again(effect), .. }) = fact
        else {
            return;
        };
        let Some(place) = self.efforts.get(effect) else { return };
        let is_link = self.notices[*place].is_none();
        let message = &mut self.messages[*place];
        match fact {
            Fact::Retry { number, reason, .. } => {
                // The last failure stands for those before it.
                message.parts.retain(|part| part.words.key() != "console.part.retry");
                message.tell(at, Phrase::new("console.part.retry").with("number", number).with("reason", reason), true);
            }
            // Of a notice an event says it.
            Fact::Done { .. } if is_link => message.end(Outcome::Taken, at, Phrase::new("console.part.sent")),
            Fact::GivenUp { number, reason, .. } if message.outcome == Outcome::Open => {
                let words = Phrase::new("console.part.given_up").with("number", number).with("reason", reason);
                message.end(Outcome::Failed, at, words);
            }
            Fact::Intervened { .. } => message.outcome = Outcome::Open,
            _ => {}
        }
    }
}

/// A message with a code.
fn code(process: Uuid, who: &str, data: &Identified<OneTimeCode>, challenge: &Challenge, sending: &Sending) -> Message {
    let channel = sending.channel;
    let mut message = Message {
        process,
        words: Phrase::new("console.row.code").with("who", who).word("channel", channel_key(channel)),
        channel,
        destination: masked(&data.creation.actor, channel),
        provider: None,
        asked: sending.at,
        outcome: Outcome::Open,
        parts: Vec::new(),
    };
    match &sending.delivery {
        Delivery::Pending => {}
        Delivery::Accepted { at, taken } => {
            message.provider = taken.provider_id.clone();
            let outcome = if taken.reports { Outcome::Open } else { Outcome::Taken };
            message.end(outcome, *at, Phrase::new("console.part.sent"));
        }
        Delivery::Failed { at, reason } => {
            message.end(Outcome::Failed, *at, Phrase::new("console.part.not_sent").with("reason", reason));
        }
        Delivery::Unknown { at, reason } => {
            message.end(Outcome::Unknown, *at, Phrase::new("console.part.unknown").with("reason", reason));
        }
    }
    for receipt in &sending.receipts {
        let (words, is_bad) = match receipt.status {
            ReceiptStatus::Accepted | ReceiptStatus::Sent => (Phrase::new("console.part.accepted"), false),
            ReceiptStatus::Delivered => (Phrase::new("console.part.delivered"), false),
            ReceiptStatus::Read => (Phrase::new("console.part.read"), false),
            ReceiptStatus::Failed => (Phrase::new("console.part.receipt_failed").with("word", &receipt.word), true),
        };
        message.tell(receipt.at, words, is_bad);
    }
    if let Some(at) = sending.unreported {
        message.tell(at, Phrase::new("console.part.no_receipt"), false);
    }
    if challenge.answered && data.sending_fate(challenge, sending) == Some(Fate::Delivered) {
        message.parts.extend(Some(Told { at: sending.at, words: Phrase::new("console.part.right"), is_bad: false }));
    }
    message.outcome = match data.sending_fate(challenge, sending) {
        Some(Fate::Delivered) => Outcome::Arrived,
        Some(Fate::Failed) => Outcome::Failed,
        // That nobody reports is not that something is amiss.
        Some(Fate::Unknown) if message.outcome == Outcome::Taken => Outcome::Taken,
        Some(Fate::Unknown) => Outcome::Unknown,
        None => Outcome::Open,
    };
    message
}

/// The messages of some processes, and of how many they cannot be told.
#[derive(Default)]
struct Gathered {
    messages: Vec<Message>,
    unreadable: usize,
}

impl Gathered {
    async fn notices(&mut self, visit: &Visit, processes: &[(Uuid, &Data)]) -> Result<(), Failure> {
        let sign = &visit.engine().processes.sign;
        let reads = processes.iter().map(|(id, _)| sign.journal(&visit.organization, *id));
        let read: Vec<_> = stream::iter(reads).buffered(READ_AT_ONCE).collect().await;
        for ((id, data), lines) in processes.iter().zip(read) {
            match lines {
                Ok(lines) => self.messages.extend(Notices::of(*id, data, &lines)),
                Err(ReadError::Store(error)) => return Err(error.into()),
                Err(ReadError::Journal(error)) => {
                    tracing::error!(%id, %error, "a journal that the console shows is not whole");
                    self.unreadable += 1;
                }
            }
        }
        Ok(())
    }

    async fn codes(&mut self, visit: &Visit, processes: &[(Uuid, &Data)]) -> Result<(), Failure> {
        let by_code = processes.iter().filter(|(_, data)| data.creation.identification_type == IdentificationType::Otp);
        let signers = by_code.flat_map(|(id, data)| data.creation.signers.iter().map(|signer| (*id, signer)));
        let signers: Vec<_> = signers.collect();
        let ids: Vec<Uuid> = signers.iter().map(|(_, signer)| signer.identification).collect();
        let peeked = visit.engine().processes.otp.peek_many(&visit.organization, &ids).await?;
        for ((id, signer), identification) in signers.into_iter().zip(peeked) {
            match identification.as_deref().map(Otp::data) {
                Ok(Some(data)) => {
                    for challenge in &data.own.challenges {
                        let sendings = challenge.sendings.iter();
                        self.messages.extend(sendings.map(|sending| code(id, &signer.alias, data, challenge, sending)));
                    }
                }
                // It was not made yet, or is erased.
                Ok(None) => {}
                Err(_) => self.unreadable += 1,
            }
        }
        Ok(())
    }
}

/// How it goes on each channel.
fn rates(messages: &[Message]) -> Vec<Rate> {
    let mut rates: Vec<Rate> =
        [Channel::Email, Channel::Sms, Channel::Whatsapp].map(|channel| Rate::of(channel_key(channel))).into();
    for message in messages {
        let own = rates.iter_mut().find(|rate| rate.channel == channel_key(message.channel));
        own.into_iter().for_each(|rate| rate.add(message.outcome));
    }
    rates.retain(|rate| rate.messages > 0);
    rates
}

fn shown(visit: &Visit, message: Message) -> console::Delivery {
    let asked = message.asked;
    let part = |Told { at, words, is_bad }: Told| Part { words, after: after(at - asked), is_bad };
    console::Delivery {
        words: message.words,
        link: format!("{}/processes/{}", visit.here().path, message.process),
        id: message.process.to_string(),
        channel: channel_key(message.channel),
        destination: message.destination,
        provider: message.provider,
        asked: visit.site().moment(&visit.organization, asked),
        outcome: message.outcome,
        parts: message.parts.into_iter().map(part).collect(),
    }
}

/// What is worth a warning.
async fn warnings(visit: &Visit, unreadable: usize) -> Result<Vec<Phrase>, Failure> {
    let configuration = visit.call.state().configurations.load(&visit.organization).await.map_err(|error| {
        tracing::warn!(%error, "the console has no answer of the sign configuration");
        Failure::Unavailable
    })?;
    let together = configuration.is_some_and(|configuration| !configuration.separates_channels());
    let words = [
        (unreadable > 0).then(|| Phrase::new("console.deliveries.unreadable").with("count", unreadable)),
        together.then(|| Phrase::new("console.deliveries.together")),
    ];
    Ok(words.into_iter().flatten().collect())
}

/// The list.
pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Deliveries), async |visit| {
        let only_failed = visit.call.parameter("show").is_some_and(|what| what == "failed");
        let after = visit.call.parameter("after").and_then(|text| read_cursor(&text));
        let (seen, next) = look(visit, &Filter::default(), after.as_ref(), PAGE).await?;
        let known: Vec<(Uuid, &Data)> =
            seen.iter().filter_map(|seen| Some((seen.id, seen.known.as_ref().ok()?.data()?))).collect();
        let mut gathered = Gathered { unreadable: seen.iter().filter(|seen| seen.known.is_err()).count(), ..Gathered::default() };
        gathered.notices(visit, &known).await?;
        gathered.codes(visit, &known).await?;
        let Gathered { mut messages, unreadable } = gathered;
        let rates = rates(&messages);
        messages.retain(|message| !only_failed || message.outcome == Outcome::Failed);
        messages.sort_by_key(|message| std::cmp::Reverse(message.asked));
        let address = |failed: bool, after: Option<String>| {
            let query: Vec<String> = failed.then(|| "show=failed".into()).into_iter().chain(after).collect();
            let list = format!("{}/deliveries", visit.here().path);
            if query.is_empty() { list } else { format!("{list}?{}", query.join("&")) }
        };
        let here = after.as_ref().map(|cursor| format!("after={}", write_cursor(cursor)));
        let chip = |words, failed| DeliveryChip { words, link: address(failed, here.clone()), is_on: failed == only_failed };
        let page = console::Deliveries {
            frame: visit.frame(),
            chips: vec![chip("console.chips.all", false), chip("console.outcome.failed", true)],
            about: Phrase::new("console.deliveries.about").with("count", seen.len()),
            warnings: warnings(visit, unreadable).await?,
            rates,
            rows: messages.into_iter().map(|message| shown(visit, message)).collect(),
            next: next.map(|cursor| address(only_failed, Some(format!("after={}", write_cursor(&cursor))))),
            newest: after.is_some().then(|| address(only_failed, None)),
        };
        Ok(visit.page(page.html()))
    })
    .await
}
