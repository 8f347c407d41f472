//! C5: identifications of all kinds, newest first, and what is known of each.

use actix_web::{HttpRequest, HttpResponse};
use actors::Host;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use pages::console::{self, Brief, Identified, IdentifiedChip, KindChip, ListedIdentification, NavPart, Phrase};
use store::{Cursor, Listed};
use uuid::Uuid;
use workflows::{
    Contact, IdentificationState, IdentityDocument, Machine, TwoFactorType,
    identification::{
        Identification, Method, Purpose,
        agent::Vouching,
        chain::{Chain, MAX_RESTARTS},
        identity_document::{DocumentCheck, scoring_id},
        lifecycle::Data,
        otp::OneTimeCode,
    },
    scoring::{self, Level, Scoring, ScoringState},
};

use super::{
    effects::kind_key,
    processes::{as_of, read_cursor, write_cursor},
    telling::{channel_key, masked},
    telling_chains::result_words,
    visit::{Failure, Visit},
};
use crate::processes::Processes;

/// Identifications of a page.
const PAGE: usize = 50;

/// Identifications that are looked through for a page, of which a filter may leave out most.
const MAX_LOOKED: usize = 200;

/// What is known of an identification, whatever its kind.
pub struct About {
    pub state: Identified,
    /// Nothing is to come but by itself.
    pub is_final: bool,
    pub person: Option<Contact>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub waits: Option<Phrase>,
    pub end_reason: Option<String>,
    pub details: Vec<(&'static str, Value)>,
    pub sign_process: Option<Uuid>,
    pub chain: Option<Uuid>,
    /// Of the check of a document: what is identified by it.
    pub identification: Option<Uuid>,
    /// Of a chain: its steps, each with the name of its kind.
    pub steps: Vec<(&'static str, Uuid, Identified)>,
    /// Checks of the document, the newest last.
    pub scorings: Vec<Uuid>,
    /// How many times its chain, if it is one, was begun anew.
    pub round: u32,
    /// Tries of a check of a document.
    pub attempts: Option<Vec<scoring::Attempt>>,
}

/// A value of its kind.
pub enum Value {
    Text(String),
    Words(&'static str),
    Phrase(Phrase),
    At(DateTime<Utc>),
}

impl About {
    fn new(state: Identified, created_at: DateTime<Utc>, expires_at: DateTime<Utc>) -> Self {
        let is_final = !matches!(state, Identified::Created | Identified::Validated | Identified::Scored);
        Self {
            state,
            is_final,
            person: None,
            created_at,
            expires_at,
            waits: None,
            end_reason: None,
            details: Vec::new(),
            sign_process: None,
            chain: None,
            identification: None,
            steps: Vec::new(),
            scorings: Vec::new(),
            round: 0,
            attempts: None,
        }
    }

    /// Whom it is of, for people: a name, else a masked contact; empty where neither was given.
    pub fn who(&self) -> String {
        let Some(person) = &self.person else { return String::new() };
        person.full_name().or_else(|| contacts(person).into_iter().next()).unwrap_or_default()
    }

    /// What it belongs to, as a key.
    fn belongs(&self) -> &'static str {
        match (self.sign_process, self.chain, self.identification) {
            (Some(_), ..) => "console.kind.sign_process",
            (None, Some(_), _) => "console.kind.chain",
            (None, None, Some(_)) => "console.kind.identity_document",
            (None, None, None) => "console.identifications.alone",
        }
    }
}

/// How somebody is reached, masked.
pub fn contacts(person: &Contact) -> Vec<String> {
    let channels = [workflows::Channel::Email, workflows::Channel::Sms];
    channels.into_iter().filter_map(|channel| masked(person, channel)).collect()
}

/// The number of an identity document as staff may see it: its kind and its last characters.
fn ending(document: &IdentityDocument) -> String {
    let plain: Vec<char> = document.document_number.chars().filter(|letter| letter.is_alphanumeric()).collect();
    let shown = if plain.len() < 6 { 1 } else { 3 };
    let end: String = plain[plain.len().saturating_sub(shown)..].iter().collect();
    format!("{} …{end}", scoring::DocumentClass::from(document).kind)
}

/// The word of the pages for a state.
pub fn identified(state: IdentificationState) -> Identified {
    match state {
        IdentificationState::Created => Identified::Created,
        IdentificationState::Validated => Identified::Validated,
        IdentificationState::Succeeded => Identified::Succeeded,
        IdentificationState::Failed => Identified::Failed,
        IdentificationState::Cancelled => Identified::Cancelled,
        IdentificationState::Expired => Identified::Expired,
    }
}

/// A machine that the list shows.
pub trait Shows: Machine {
    /// `None`: there is none, or it is deleted.
    fn about(&self, id: Uuid) -> Option<About>;
}

/// What a way to identify adds to what is known of all.
trait ShowsOwn: Method {
    fn person(creation: &Self::Creation) -> &Contact;

    /// What it waits for while it is CREATED, as a key.
    fn waits(data: &Data<Self>) -> &'static str;

    fn tell(data: &Data<Self>, id: Uuid, about: &mut About);
}

impl<M: ShowsOwn> Shows for Identification<M> {
    fn about(&self, id: Uuid) -> Option<About> {
        let data = self.existing().ok()?;
        let mut about = About::new(identified(data.state), data.created_at, M::expires_at(&data.creation));
        let Purpose { sign_process, chain, .. } = M::purpose(&data.creation);
        (about.sign_process, about.chain) = (*sign_process, *chain);
        about.waits = match data.state {
            IdentificationState::Created => Some(Phrase::new(M::waits(data))),
            IdentificationState::Validated => Some(Phrase::new("console.waits.use")),
            _ => None,
        };
        let person = M::person(&data.creation);
        if let Some(document) = &person.identity_document {
            about.details.push(("console.detail.document", Value::Text(ending(document))));
        }
        M::tell(data, id, &mut about);
        if let Some(validation) = &data.validated {
            about.details.push(("console.detail.validated", Value::At(validation.at)));
        }
        about.person = Some(person.clone());
        about.end_reason = data.end_reason.clone();
        Some(about)
    }
}

impl ShowsOwn for OneTimeCode {
    fn person(creation: &Self::Creation) -> &Contact {
        &creation.actor
    }

    fn waits(data: &Data<Self>) -> &'static str {
        if data.own.current().is_some() { "console.waits.code" } else { "console.waits.code_ask" }
    }

    fn tell(data: &Data<Self>, _: Uuid, about: &mut About) {
        let details = &mut about.details;
        details.push(("console.deliveries.channel", Value::Words(channel_key(data.creation.channel))));
        if let Some(kind) = data.creation.two_factor_type {
            let words = match kind {
                TwoFactorType::DocumentNumber => "console.detail.document",
                TwoFactorType::Email => "console.channel.email",
            };
            details.push(("console.detail.second_factor", Value::Words(words)));
        }
        if data.state.is_final() {
            return;
        }
        details.push(("console.detail.codes_left", Value::Text(data.remaining_challenges().to_string())));
        if let Some(tries) = data.remaining_attempts() {
            details.push(("console.detail.tries_left", Value::Text(tries.to_string())));
        }
        if let Some(at) = data.next_challenge_retry() {
            details.push(("console.detail.next_code", Value::At(at)));
        }
    }
}

impl ShowsOwn for Vouching {
    fn person(creation: &Self::Creation) -> &Contact {
        &creation.actor
    }

    fn waits(_: &Data<Self>) -> &'static str {
        "console.waits.agent"
    }

    fn tell(data: &Data<Self>, _: Uuid, about: &mut About) {
        let voucher = data.own.voucher.as_ref();
        if let Some(voucher) = voucher {
            about.details.push(("console.detail.agent", Value::Text(voucher.agent.clone())));
        }
        let evidence = match (voucher.map(|voucher| voucher.evidence.is_some()), data.creation.evidence_required) {
            (Some(true), _) => "console.detail.evidence_taken",
            (None, true) => "console.detail.evidence_needed",
            (Some(false) | None, _) => "console.detail.evidence_none",
        };
        about.details.push(("console.detail.evidence", Value::Words(evidence)));
    }
}

impl ShowsOwn for DocumentCheck {
    fn person(creation: &Self::Creation) -> &Contact {
        &creation.actor
    }

    fn waits(data: &Data<Self>) -> &'static str {
        if data.own.scored.is_some() { "console.waits.validation" } else { "console.waits.result" }
    }

    fn tell(data: &Data<Self>, id: Uuid, about: &mut About) {
        about.details.extend(check_details(&data.creation.terms.provider, data.creation.terms.level));
        about.details.push(("console.detail.validations_left", Value::Text(data.remaining_attempts().to_string())));
        if let Some(scored) = data.own.scored {
            let key = if scored.passing { "console.detail.passed" } else { "console.detail.not_passed" };
            about.details.push(("console.detail.scored", Value::Words(key)));
        }
        about.scorings = (0..=data.own.round.min(MAX_RESTARTS)).map(|round| scoring_id(id, round)).collect();
    }
}

fn check_details(provider: &str, level: Option<Level>) -> Vec<(&'static str, Value)> {
    let level = level.map(|level| match level {
        Level::Low => "LOW",
        Level::Medium => "MEDIUM",
        Level::High => "HIGH",
    });
    let provider = ("console.detail.provider", Value::Text(provider.to_owned()));
    std::iter::once(provider).chain(level.map(|level| ("console.detail.level", Value::Text(level.to_owned())))).collect()
}

impl Shows for Chain {
    fn about(&self, _: Uuid) -> Option<About> {
        let data = self.data()?;
        let mut about = About::new(identified(data.state), data.created_at, data.expires_at());
        let done = data.steps.iter().filter(|step| step.state == IdentificationState::Validated).count();
        about.waits = match data.state {
            IdentificationState::Created if done == data.steps.len() => Some(Phrase::new("console.waits.validation")),
            IdentificationState::Created => {
                Some(Phrase::new("console.waits.steps").with("done", done).with("all", data.steps.len()))
            }
            IdentificationState::Validated => Some(Phrase::new("console.waits.use")),
            _ => None,
        };
        let steps = data.creation.steps.iter().zip(&data.steps);
        let kind = |step: &workflows::identification::chain::Step| match step.settings.kind() {
            workflows::IdentificationType::Otp => "otp",
            workflows::IdentificationType::Agent => "agent",
            workflows::IdentificationType::IdentityDocument => "identity_document",
        };
        about.steps = steps.map(|(step, state)| (kind(step), step.id, identified(state.state))).collect();
        let restarts = Phrase::new("console.detail.of").with("number", data.round).with("most", MAX_RESTARTS);
        about.details.push(("console.detail.restarts", Value::Phrase(restarts)));
        if let Some(validation) = &data.validated {
            about.details.push(("console.detail.validated", Value::At(validation.at)));
        }
        about.round = data.round;
        about.person = Some(data.creation.actor.clone());
        about.end_reason = data.end_reason.clone();
        Some(about)
    }
}

impl Shows for Scoring {
    fn about(&self, _: Uuid) -> Option<About> {
        let data = self.existing().ok()?;
        let state = match data.state {
            ScoringState::Created => Identified::Created,
            ScoringState::Scored => Identified::Scored,
            ScoringState::Succeeded => Identified::Succeeded,
            ScoringState::Failed => Identified::Failed,
            ScoringState::Expired => Identified::Expired,
        };
        let mut about = About::new(state, data.created_at, data.creation.expires_at);
        about.is_final |= data.closed;
        about.waits = match (about.is_final, data.under_way().is_some(), state) {
            (true, ..) => None,
            (_, true, _) => Some(Phrase::new("console.waits.result")),
            (_, false, Identified::Scored) => Some(Phrase::new("console.waits.use")),
            _ => Some(Phrase::new("console.waits.images")),
        };
        let class = &data.creation.document;
        let document = std::iter::once(class.kind.as_str()).chain(class.country.as_deref());
        about.details.push(("console.detail.document", Value::Text(document.collect::<Vec<_>>().join(", "))));
        about.details.extend(check_details(&data.creation.provider, data.creation.level));
        about.details.push(("console.detail.attempts_left", Value::Text(data.remaining_attempts().to_string())));
        if let Some(result) = data.scored().and_then(scoring::Attempt::result) {
            about.details.push(("console.detail.scored", Value::Phrase(result_words(result))));
        }
        about.sign_process = data.creation.purpose.sign_process;
        about.identification = data.creation.purpose.identification;
        about.person = data.creation.declared.clone();
        about.attempts = Some(data.attempts.clone());
        Some(about)
    }
}

/// A kind of identification, whatever it is.
#[async_trait(?Send)]
pub trait Kind {
    fn name(&self) -> &'static str;

    /// The newest after a place in the list, and whether there are more.
    async fn list(&self, visit: &Visit, after: Option<&Cursor>, limit: usize) -> Result<(Vec<Listed>, bool), Failure>;

    /// What is known of each; `None` where it is not there, or deleted.
    async fn look(&self, visit: &Visit, ids: &[Uuid]) -> Result<Vec<Result<Option<About>, actors::Error>>, Failure>;
}

#[async_trait(?Send)]
impl<M: Shows> Kind for Host<M> {
    fn name(&self) -> &'static str {
        M::KIND
    }

    async fn list(&self, visit: &Visit, after: Option<&Cursor>, limit: usize) -> Result<(Vec<Listed>, bool), Failure> {
        let listed = visit.site().store.list(&visit.organization, M::KIND, after, limit).await?;
        Ok((listed.items, listed.next.is_some()))
    }

    async fn look(&self, visit: &Visit, ids: &[Uuid]) -> Result<Vec<Result<Option<About>, actors::Error>>, Failure> {
        let now = visit.process_time();
        let peeked = self.peek_many(&visit.organization, ids).await?;
        let about = |(machine, id): (Result<_, actors::Error>, &Uuid)| {
            machine.map(|machine: std::sync::Arc<M>| as_of(&*machine, now).about(*id))
        };
        Ok(peeked.into_iter().zip(ids).map(about).collect())
    }
}

/// In the order of their filters.
const NAMES: [&str; 5] = ["otp", "agent", "identity_document", "chain", "scoring"];

/// Whether a kind of process is one of those that this list shows.
pub fn is_one(kind: &str) -> bool {
    NAMES.contains(&kind)
}

/// In the order of [`NAMES`].
pub fn kinds(processes: &Processes) -> [&dyn Kind; 5] {
    [&processes.otp, &processes.agent, &processes.identity_document, &processes.chain, &processes.scoring]
}

/// Where the page of one is.
pub fn address(visit: &Visit, kind: &str, id: Uuid) -> String {
    format!("{}/identifications/{kind}/{id}", visit.here().path)
}

/// The kind and the knowledge of what has this identifier.
///
/// # Errors
/// If the store cannot be read.
pub async fn find(visit: &Visit, id: Uuid) -> Result<Option<(&'static str, About)>, Failure> {
    for kind in kinds(&visit.engine().processes) {
        if let Some(Ok(Some(about))) = kind.look(visit, &[id]).await?.pop() {
            return Ok(Some((kind.name(), about)));
        }
    }
    Ok(None)
}

/// Those of a page.
struct Gathered {
    rows: Vec<(&'static str, Listed, Result<About, actors::Error>)>,
    next: Option<Cursor>,
    looked: usize,
}

async fn gather(
    visit: &Visit,
    only: Option<&'static str>,
    wanted: Option<Identified>,
    after: Option<&Cursor>,
) -> Result<Gathered, Failure> {
    let (mut listed, mut more) = (Vec::new(), false);
    let kinds: Vec<&dyn Kind> =
        kinds(&visit.engine().processes).into_iter().filter(|kind| only.is_none_or(|only| only == kind.name())).collect();
    // Without a filter all that is looked at is shown, but for what was deleted.
    let most = if wanted.is_some() { MAX_LOOKED } else { PAGE };
    for (position, kind) in kinds.iter().enumerate() {
        let (items, has_more) = kind.list(visit, after, most).await?;
        listed.extend(items.into_iter().map(|item| (position, item)));
        more |= has_more;
    }
    listed.sort_by_key(|(_, item)| std::cmp::Reverse((item.created_at, item.entity.id)));
    more |= listed.len() > most;
    listed.truncate(most);
    let mut known: Vec<Option<Result<Option<About>, actors::Error>>> = Vec::new();
    known.resize_with(listed.len(), || None);
    for (position, kind) in kinds.iter().enumerate() {
        let own = listed.iter().enumerate().filter(|(_, (of, _))| *of == position);
        let (places, ids): (Vec<usize>, Vec<Uuid>) = own.map(|(place, (_, item))| (place, item.entity.id)).unzip();
        for (place, about) in places.into_iter().zip(kind.look(visit, &ids).await?) {
            known[place] = Some(about);
        }
    }
    let (mut rows, mut last, mut looked) = (Vec::new(), None, 0);
    let all = listed.len();
    for ((position, item), known) in listed.into_iter().zip(known) {
        if rows.len() == PAGE {
            break;
        }
        looked += 1;
        last = Some(Cursor { at: item.created_at, id: item.entity.id });
        let about = match known {
            Some(Ok(Some(about))) => Ok(about),
            Some(Err(error)) => Err(error),
            Some(Ok(None)) | None => continue,
        };
        let is_wanted = match (&about, wanted) {
            (Ok(about), Some(wanted)) => about.state == wanted,
            _ => true,
        };
        if is_wanted {
            rows.push((kinds[position].name(), item, about));
        }
    }
    Ok(Gathered { rows, next: last.filter(|_| more || looked < all), looked })
}

/// The list, or what was searched for.
pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Identifications), async |visit| {
        let query = visit.call.parameter("q").unwrap_or_default();
        let asked = query.trim();
        let mut missing = None;
        if !asked.is_empty() {
            let found = match Uuid::parse_str(asked) {
                Ok(id) => find(visit, id).await?.map(|(kind, _)| address(visit, kind, id)),
                Err(_) => None,
            };
            match found {
                Some(address) => return Ok(visit.call.see(&address)),
                None => missing = Some(Phrase::new("console.identifications.missing").with("query", asked)),
            }
        }
        let only = visit.call.parameter("kind").and_then(|name| NAMES.into_iter().find(|own| *own == name));
        let wanted = visit.call.parameter("status");
        let wanted = wanted.and_then(|name| Identified::ALL.into_iter().find(|state| state.name() == name));
        let after = visit.call.parameter("after").and_then(|text| read_cursor(&text));
        let Gathered { rows, next, looked } = gather(visit, only, wanted, after.as_ref()).await?;
        let list = format!("{}/identifications", visit.here().path);
        let link = |kind: Option<&str>, state: Option<Identified>, after: Option<&Cursor>| {
            let kind = kind.map(|kind| format!("kind={kind}"));
            let state = state.map(|state| format!("status={}", state.name()));
            let after = after.map(|cursor| format!("after={}", write_cursor(cursor)));
            let query: Vec<String> = kind.into_iter().chain(state).chain(after).collect();
            if query.is_empty() { list.clone() } else { format!("{list}?{}", query.join("&")) }
        };
        let kind_chip = |kind: Option<&'static str>| KindChip {
            words: kind.map_or("console.chips.all", kind_key),
            link: link(kind, wanted, None),
            is_on: kind == only,
        };
        let chip = |state| IdentifiedChip { state, link: link(only, state, None), is_on: state == wanted };
        let partial =
            (wanted.is_some() && next.is_some()).then(|| Phrase::new("console.identifications.partial").with("count", looked));
        let page = console::Identifications {
            frame: visit.frame(),
            query,
            missing,
            kinds: std::iter::once(None).chain(NAMES.map(Some)).map(kind_chip).collect(),
            chips: std::iter::once(None).chain(Identified::ALL.map(Some)).map(chip).collect(),
            next: next.as_ref().map(|cursor| link(only, wanted, Some(cursor))),
            newest: after.is_some().then(|| link(only, wanted, None)),
            unfiltered: wanted.map(|_| link(only, None, None)),
            partial,
            rows: rows.into_iter().map(|(kind, item, about)| listed(visit, kind, &item, about)).collect(),
        };
        Ok(visit.page(page.html()))
    })
    .await
}

fn listed(visit: &Visit, kind: &'static str, item: &Listed, about: Result<About, actors::Error>) -> ListedIdentification {
    let brief = match about {
        Ok(about) => Ok(Brief {
            state: about.state,
            who: about.who(),
            belongs: about.belongs(),
            expires: about.waits.is_some().then(|| visit.site().minute(&visit.organization, about.expires_at)),
            waits: about.waits,
        }),
        Err(actors::Error::Quarantined) => Err(Phrase::new("console.problem.set_aside")),
        Err(_) => Err(Phrase::new("console.problem.unavailable")),
    };
    ListedIdentification {
        id: item.entity.id.to_string(),
        link: address(visit, kind, item.entity.id),
        kind: kind_key(kind),
        created: visit.site().minute(&visit.organization, item.created_at),
        brief,
    }
}

#[cfg(test)]
mod tests {
    use workflows::DocumentType;

    use super::*;

    #[test]
    fn of_a_number_of_a_document_the_last_characters_are_shown() {
        let document =
            |number: &str| IdentityDocument { document_number: number.into(), document_type: DocumentType::Nif, country: None };
        assert_eq!(ending(&document("12345678-Z")), "NIF …78Z");
        assert_eq!(ending(&document("AB1")), "NIF …1");
        assert_eq!(ending(&document("-")), "NIF …");
    }
}
