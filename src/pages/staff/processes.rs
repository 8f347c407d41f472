//! C3: sign processes, newest first, and those that have what is searched for.

use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, NaiveDate, Utc};
use pages::console::{self, Chip, Found, Listed, NavPart, Phrase, Status};
use store::Cursor;
use uuid::Uuid;
use workflows::{
    Attribute, IdentificationState, Machine, SignType,
    sign_process::{self, Data, SignProcess, SignatureStatus, process_of_signature},
};

use super::{
    csv, identifications,
    visit::{Failure, Visit},
};

/// Processes of a page.
const PAGE: usize = 50;

/// Maximum number of documents whose names stand in a row.
const MAX_NAMES: usize = 3;

/// What the list shows of a process: its state, or why that is not known.
pub type Known = Result<SignProcess, actors::Error>;

/// A process of a listing.
pub struct Seen {
    pub id: Uuid,
    pub created_at: DateTime<Utc>,
    pub known: Known,
}

/// A process as it is at `now`, what time alone has brought about included: nothing is written for that.
pub fn as_of<M: Machine>(machine: &M, now: DateTime<Utc>) -> M {
    let mut machine = machine.clone();
    // Each event ends a state; a process has few.
    for _ in 0..4 {
        let due = machine.due_events(now);
        if due.is_empty() {
            break;
        }
        due.iter().for_each(|event| machine.apply(now, event));
    }
    machine
}

/// The word of the pages for a state.
pub fn status(status: sign_process::Status) -> Status {
    match status {
        sign_process::Status::Created => Status::Created,
        sign_process::Status::Signed => Status::Signed,
        sign_process::Status::Certified => Status::Certified,
        sign_process::Status::Cancelled => Status::Cancelled,
        sign_process::Status::Expired => Status::Expired,
        sign_process::Status::Failed => Status::Failed,
    }
}

/// The words of a type, as a key.
pub fn type_words(sign_type: SignType) -> &'static str {
    match sign_type {
        SignType::Simple => "console.process.simple",
        SignType::Biometric => "console.process.biometric",
    }
}

/// What a process waits for; nothing where it has ended.
pub fn waits(data: &Data) -> Option<Phrase> {
    match data.status {
        sign_process::Status::Created => {
            let signers = data.creation.signers.iter().zip(&data.signatures);
            let mut open = signers.filter(|(_, signature)| signature.status == SignatureStatus::Created);
            let (first, signature) = open.next()?;
            let more = open.count();
            if more > 0 {
                return Some(Phrase::new("console.waits.several").with("who", &first.alias).with("more", more));
            }
            let key = match signature.identification {
                IdentificationState::Validated => "console.waits.signature",
                _ => "console.waits.identification",
            };
            Some(Phrase::new(key).with("who", &first.alias))
        }
        sign_process::Status::Signed => {
            let (done, all) = (data.sealed.iter().flatten().count(), data.sealed.len());
            Some(match done == all {
                true => Phrase::new("console.waits.certificate"),
                false => Phrase::new("console.waits.seals").with("done", done).with("all", all),
            })
        }
        _ => None,
    }
}

/// Which processes are wanted.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub status: Option<Status>,
    pub sign_type: Option<SignType>,
    /// Created on this day or later, and on this day or earlier, by the organization's clock.
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
}

impl Filter {
    /// As an address says it. What cannot be read filters nothing.
    pub fn of(visit: &Visit) -> Self {
        let status = visit.call.parameter("status");
        let sign_type = visit.call.parameter("type");
        let day = |name| visit.call.parameter(name)?.parse::<NaiveDate>().ok();
        Self {
            status: status.and_then(|name| Status::ALL.into_iter().find(|status| status.name() == name)),
            sign_type: sign_type.and_then(|name| SignType::ALL.into_iter().find(|own| own.name() == name)),
            from: day("from"),
            to: day("to"),
        }
    }

    fn is_on(&self) -> bool {
        self.status.is_some() || self.sign_type.is_some() || self.from.is_some() || self.to.is_some()
    }

    /// As the query of an address, with where to go on.
    fn query(&self, after: Option<&Cursor>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let days = [("from", self.from), ("to", self.to)].into_iter().filter_map(|(name, day)| Some((name, day?.to_string())));
        let status = self.status.map(|status| ("status", status.name().to_owned()));
        let sign_type = self.sign_type.map(|own| ("type", own.name().to_owned()));
        let after = after.map(|cursor| ("after", write_cursor(cursor)));
        query.extend_pairs(status.into_iter().chain(sign_type).chain(days).chain(after));
        let query = query.finish();
        if query.is_empty() { query } else { format!("?{query}") }
    }
}

/// Processes of an organization that are wanted, after a place in its list, at most `limit`, and where it goes on.
///
/// # Errors
/// If the store cannot be read.
pub async fn look(
    visit: &Visit,
    filter: &Filter,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<(Vec<Seen>, Option<Cursor>), Failure> {
    let organization = visit.organization.as_str();
    let begins = |day: NaiveDate| visit.site().begin_of(organization, day);
    // The list goes from the newest to the oldest, so its end is where days end.
    let end = filter.to.and_then(|day| day.succ_opt()).map(|next| Cursor { at: begins(next), id: Uuid::nil() });
    let after = match (after, &end) {
        (Some(after), Some(end)) if after.at > end.at => Some(end),
        (None, Some(end)) => Some(end),
        (after, _) => after,
    };
    let find = async |attribute: Attribute| visit.engine().processes.sign.find(organization, &attribute, after, limit).await;
    let mut listed = match (filter.status, filter.sign_type) {
        (None, None) => visit.site().store.list(organization, SignProcess::KIND, after, limit).await?,
        (Some(status), None) => find(Attribute::status(status.name())).await?,
        (Some(status), Some(own)) => find(Attribute::status_of_type(own.name(), status.name())).await?,
        (None, Some(own)) => {
            let pages = Status::ALL.map(|status| find(Attribute::status_of_type(own.name(), status.name())));
            merged(futures::future::try_join_all(pages).await?, limit)
        }
    };
    if let Some(from) = filter.from.map(begins) {
        let all = listed.items.len();
        listed.items.retain(|item| item.created_at >= from);
        if listed.items.len() < all {
            listed.next = None;
        }
    }
    Ok((seen(visit, &listed.items).await?, listed.next))
}

/// The newest of several lists in one, and where they go on.
pub fn merged(pages: Vec<store::Page<store::Listed>>, limit: usize) -> store::Page<store::Listed> {
    let has_more = pages.iter().any(|page| page.next.is_some());
    let mut items: Vec<store::Listed> = pages.into_iter().flat_map(|page| page.items).collect();
    items.sort_by_key(|item| std::cmp::Reverse((item.created_at, item.entity.id)));
    // A process that changes its state meanwhile is in two of them, or was read before it came into its new one.
    items.dedup_by_key(|item| item.entity.id);
    let is_cut = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| has_more || is_cut).map(|last| Cursor { at: last.created_at, id: last.entity.id });
    store::Page { items, next }
}

async fn seen(visit: &Visit, listed: &[store::Listed]) -> Result<Vec<Seen>, Failure> {
    let now = visit.process_time();
    let ids: Vec<Uuid> = listed.iter().map(|item| item.entity.id).collect();
    let peeked = visit.engine().processes.sign.peek_many(&visit.organization, &ids).await?;
    let seen = listed.iter().zip(peeked).map(|(item, machine)| Seen {
        id: item.entity.id,
        created_at: item.created_at,
        known: machine.map(|machine| as_of(&*machine, now)),
    });
    Ok(seen.collect())
}

/// The list, or what was searched for.
pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Processes), async |visit| {
        let query = visit.call.parameter("q").unwrap_or_default();
        let filter = Filter::of(visit);
        let after = visit.call.parameter("after").and_then(|text| read_cursor(&text));
        let is_first = after.is_none();
        let mut found = Found::Nothing;
        let (mut rows, next) = match search(visit, query.trim()).await? {
            Search::Process(id) => return Ok(visit.call.see(&format!("{}/processes/{id}", visit.here().path))),
            Search::Identification(kind, id) => return Ok(visit.call.see(&identifications::address(visit, kind, id))),
            Search::Several(listed) => {
                found = Found::Several(Phrase::new("console.search.several").with("count", listed.len()));
                (seen(visit, &listed).await?, None)
            }
            Search::Missing(why) => {
                found = Found::Missing(why);
                look(visit, &filter, after.as_ref(), PAGE).await?
            }
            Search::Nothing => look(visit, &filter, after.as_ref(), PAGE).await?,
        };
        // What time alone has brought to its end is in its new list as soon as that is written.
        let is_wanted = |seen: &Seen| match (&seen.known, filter.status) {
            (Ok(machine), Some(wanted)) => machine.data().is_some_and(|data| status(data.status) == wanted),
            _ => true,
        };
        if !matches!(found, Found::Several(_)) {
            rows.retain(is_wanted);
        }
        let list = format!("{}/processes", visit.here().path);
        let address = |filter: &Filter, after: Option<&Cursor>| format!("{list}{}", filter.query(after));
        let chip =
            |status| Chip { status, link: address(&Filter { status, ..filter.clone() }, None), is_on: status == filter.status };
        let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
        let page = console::Processes {
            frame: visit.frame(),
            query,
            found,
            chips: std::iter::once(None).chain(Status::ALL.map(Some)).map(chip).collect(),
            status: filter.status,
            types: SignType::ALL.map(|own| (own.name(), type_words(own), filter.sign_type == Some(own))).into(),
            from: day(filter.from),
            to: day(filter.to),
            next: next.as_ref().map(|cursor| address(&filter, Some(cursor))),
            newest: (!is_first).then(|| address(&filter, None)),
            unfiltered: filter.is_on().then(|| list.clone()),
            file: (format!("{list}.csv{}", filter.query(None)), Phrase::new("console.list.file").with("most", csv::MAX_ROWS)),
            rows: rows.into_iter().map(|seen| listed(visit, seen)).collect(),
        };
        Ok(visit.page(page.html()))
    })
    .await
}

fn listed(visit: &Visit, seen: Seen) -> Listed {
    let state = match &seen.known {
        Ok(machine) => machine.data().map(|data| state(visit, data)).ok_or(Phrase::new("console.problem.not_found")),
        Err(actors::Error::Quarantined) => Err(Phrase::new("console.problem.set_aside")),
        Err(_) => Err(Phrase::new("console.problem.unavailable")),
    };
    Listed {
        id: seen.id.to_string(),
        link: format!("{}/processes/{}", visit.here().path, seen.id),
        created: visit.site().minute(&visit.organization, seen.created_at),
        state,
    }
}

fn state(visit: &Visit, data: &Data) -> console::State {
    let names = data.creation.documents.iter().map(|document| document.name.clone());
    let mut documents: Vec<String> = names.take(MAX_NAMES).collect();
    if data.creation.documents.len() > MAX_NAMES {
        documents.push(format!("+{}", data.creation.documents.len() - MAX_NAMES));
    }
    let signed = data.signatures.iter().filter(|signature| signature.status == SignatureStatus::Succeeded).count();
    let is_open = data.status == sign_process::Status::Created;
    console::State {
        status: status(data.status),
        signed,
        signers: data.signatures.len(),
        documents,
        waits: waits(data),
        expires: is_open.then(|| visit.site().minute(&visit.organization, data.creation.expires_at)),
    }
}

enum Search {
    /// Nothing was searched for.
    Nothing,
    Process(Uuid),
    /// One that belongs to no sign process, by the name of its kind.
    Identification(&'static str, Uuid),
    /// The newest, at most a page of them.
    Several(Vec<store::Listed>),
    Missing(Phrase),
}

/// Finds what has exactly this identifier, alias, address or number.
async fn search(visit: &Visit, query: &str) -> Result<Search, Failure> {
    if query.is_empty() {
        return Ok(Search::Nothing);
    }
    if let Ok(id) = Uuid::parse_str(query) {
        if let Some(process) = process_of(visit, id).await? {
            return Ok(Search::Process(process));
        }
        if let Some((kind, _)) = identifications::find(visit, id).await? {
            return Ok(Search::Identification(kind, id));
        }
    }
    let mut found: Vec<store::Listed> = Vec::new();
    for attribute in Attribute::meant_by(query) {
        found.extend(visit.engine().processes.sign.find(&visit.organization, &attribute, None, PAGE).await?.items);
    }
    found.sort_by_key(|item| std::cmp::Reverse((item.created_at, item.entity.id)));
    found.dedup_by_key(|item| item.entity.id);
    found.truncate(PAGE);
    Ok(match found.as_slice() {
        [] => Search::Missing(Phrase::new("console.search.missing").with("query", query)),
        [one] => Search::Process(one.entity.id),
        _ => Search::Several(found),
    })
}

/// The process that has this identifier, or a part of it: a signature, an identification.
async fn process_of(visit: &Visit, id: Uuid) -> Result<Option<Uuid>, Failure> {
    let (organization, processes) = (visit.organization.as_str(), &visit.engine().processes);
    let process = process_of_signature(id);
    let machine = processes.sign.peek(organization, process).await?;
    let has = |data: &Data| id == process || data.position(id).is_some();
    if machine.data().is_some_and(has) {
        return Ok(Some(process));
    }
    let otp = processes.otp.peek(organization, id).await?;
    let agent = processes.agent.peek(organization, id).await?;
    let document = processes.identity_document.peek(organization, id).await?;
    let purposes = [
        otp.data().map(|data| &data.creation.purpose),
        agent.data().map(|data| &data.creation.purpose),
        document.data().map(|data| &data.creation.purpose),
    ];
    Ok(purposes.into_iter().flatten().find_map(|purpose| purpose.sign_process))
}

/// A place in the list as addresses have it.
pub fn write_cursor(cursor: &Cursor) -> String {
    format!("{}.{}", cursor.at.timestamp_micros(), cursor.id.simple())
}

/// The same, read back.
pub fn read_cursor(text: &str) -> Option<Cursor> {
    let (at, id) = text.split_once('.')?;
    Some(Cursor { at: DateTime::from_timestamp_micros(at.parse().ok()?)?, id: Uuid::parse_str(id).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_list_comes_back_from_an_address() {
        let cursor = Cursor { at: DateTime::from_timestamp_micros(1_795_772_000_123_456).unwrap(), id: Uuid::from_u128(7) };
        assert_eq!(read_cursor(&write_cursor(&cursor)), Some(cursor));
        for nonsense in ["", ".", "1", "x.y", "1.x", "99999999999999999999.00000000000000000000000000000007"] {
            assert_eq!(read_cursor(nonsense), None, "{nonsense}");
        }
    }
}
