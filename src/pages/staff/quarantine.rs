//! C8: processes that this server has set aside after a fault, and a look at them before their time.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use actors::{Cause, Looked, SetAside};
use futures::{StreamExt, stream};
use pages::console::{self, Aside, NavPart, Phrase, Question, ServerPart};
use uuid::Uuid;
use workflows::values::MAX_REASON;

use super::{
    effects::{Kind, by, has_page, kind_key, kinds, process_address, reason_of},
    visit::Visit,
};
use crate::access::Role;

/// Processes that are shown, and looked at again at once: those that have been set aside for the longest time.
const PAGE: usize = 100;

/// Processes that are read at once.
const READ_AT_ONCE: usize = 8;

/// A process that is set aside.
type Found<'a> = (&'a dyn Kind, SetAside);

/// Those of the organization that have been set aside for the longest time, at most a page, and how many there are.
fn gather(visit: &Visit) -> (Vec<Found<'_>>, usize) {
    let (mut found, mut count) = (Vec::new(), 0);
    for kind in kinds(&visit.engine().processes) {
        let (listed, all) = kind.set_aside(&visit.organization, PAGE);
        found.extend(listed.into_iter().map(|aside| (kind, aside)));
        count += all;
    }
    found.sort_by_key(|(_, aside)| (aside.since, aside.id));
    found.truncate(PAGE);
    (found, count)
}

/// How many there are.
pub fn count(visit: &Visit) -> usize {
    kinds(&visit.engine().processes).iter().map(|kind| kind.set_aside(&visit.organization, 0).1).sum()
}

/// Where the list is.
pub fn address(visit: &Visit) -> String {
    format!("{}/quarantine", visit.here().path)
}

fn fault(cause: Cause) -> &'static str {
    match cause {
        Cause::Journal => "console.fault.journal",
        Cause::Panic => "console.fault.panic",
        Cause::NotWritable => "console.fault.not_writable",
    }
}

/// The list.
pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Server), async |visit| {
        let (found, count) = gather(visit);
        let moment = |at| visit.site().moment(&visit.organization, at);
        let broken = found.iter().map(async |(kind, aside)| match aside.cause {
            Cause::Journal => kind.good_up_to(&visit.organization, aside.id).await,
            Cause::Panic | Cause::NotWritable => None,
        });
        let good: Vec<Option<u64>> = stream::iter(broken).buffered(READ_AT_ONCE).collect().await;
        let row = |((kind, aside), good): (&Found<'_>, Option<u64>)| Aside {
            kind: kind_key(kind.name()),
            id: aside.id.to_string(),
            name: write_name(kind.name(), aside.id),
            link: has_page(kind.name()).then(|| process_address(visit, kind.name(), aside.id)),
            fault: fault(aside.cause),
            good: good.map(|count| Phrase::new("console.quarantine.good").with("count", count)),
            since: moment(aside.since),
            next: moment(aside.next_look),
        };
        let partial = || Phrase::new("console.quarantine.partial").with("count", found.len()).with("all", count);
        let page = console::Quarantine {
            frame: visit.frame(),
            part: ServerPart::Quarantine,
            rows: found.iter().zip(good).map(row).collect(),
            partial: (count > found.len()).then(partial),
            done: Tally::of(visit).words(),
            look: visit.session.has(Role::ConsoleOperate).then(|| format!("{}/look", address(visit))),
        };
        Ok(visit.page(page.html()))
    })
    .await
}

/// A process as addresses and forms name it.
fn write_name(kind: &str, id: Uuid) -> String {
    format!("{kind}.{id}")
}

fn read_name(text: &str) -> Option<(&str, Uuid)> {
    let (kind, id) = text.split_once('.')?;
    Some((kind, Uuid::parse_str(id).ok()?))
}

/// Those that the address names and that are set aside now, at most a page.
fn chosen(visit: &Visit) -> Vec<Found<'_>> {
    let (found, _) = gather(visit);
    if visit.call.parameter("all").is_some() {
        return found;
    }
    let query = visit.call.request.query_string();
    let named = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "one").take(PAGE);
    let named: Vec<_> = named.map(|(_, value)| value).collect();
    let named: Vec<_> = named.iter().filter_map(|text| read_name(text)).collect();
    found.into_iter().filter(|(kind, aside)| named.contains(&(kind.name(), aside.id))).collect()
}

fn question(visit: &Visit, chosen: &[Found<'_>], reason: String, error: Option<Phrase>) -> Question {
    let (about, id) = match chosen {
        [(kind, aside)] => (Phrase::new(kind_key(kind.name())), aside.id.to_string()),
        _ => {
            let about = Phrase::new("console.quarantine.some_about").with("count", chosen.len()).with("most", PAGE);
            (about, String::new())
        }
    };
    // What is asked about is what is done: by name, whatever is set aside meanwhile.
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (kind, aside) in chosen {
        query.append_pair("one", &write_name(kind.name(), aside.id));
    }
    Question {
        frame: visit.frame(),
        title: Phrase::new("console.quarantine.look"),
        about,
        id,
        consequence: Phrase::new("console.quarantine.look_about"),
        link: format!("{}/look?{}", address(visit), query.finish()),
        back: address(visit),
        reason,
        error,
        max_reason: MAX_REASON,
        is_grave: false,
    }
}

/// The question before a look: it says at how many.
pub async fn question_page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Server), async |visit| {
        visit.needs(Role::ConsoleOperate)?;
        let chosen = chosen(visit);
        if chosen.is_empty() {
            return Ok(visit.call.see(&format!("{}?chosen=none", address(visit))));
        }
        Ok(visit.page(question(visit, &chosen, String::new(), None).html()))
    })
    .await
}

/// Looks at each.
pub async fn look(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    Visit::run(request, Some(NavPart::Server), async |visit| {
        visit.needs(Role::ConsoleOperate)?;
        let reason = reason_of(visit, payload).await?;
        let chosen = chosen(visit);
        if chosen.is_empty() {
            return Ok(visit.call.see(&format!("{}?chosen=none", address(visit))));
        }
        let reason = match reason {
            Ok(reason) => reason,
            Err(reason) => {
                let error = Some(Phrase::new("console.cancel.no_reason"));
                return Ok(visit.call.page(StatusCode::BAD_REQUEST, question(visit, &chosen, reason, error).html()));
            }
        };
        let by = by(visit);
        let looks = chosen.iter().map(|(kind, aside)| look_at(visit, *kind, aside.id, &by, &reason));
        let looks: Vec<_> = stream::iter(looks).buffered(READ_AT_ONCE).collect().await;
        let mut tally = Tally::default();
        looks.iter().for_each(|looked| tally.add(looked));
        Ok(visit.done(&format!("{}?{}", address(visit), tally.query())))
    })
    .await
}

async fn look_at(visit: &Visit, kind: &dyn Kind, id: Uuid, by: &str, reason: &str) -> Result<Looked, actors::Error> {
    let looked = kind.look_again(&visit.organization, id, by, reason).await;
    let (subject, kind) = (&visit.session.subject, kind.name());
    match &looked {
        Ok(Looked::Served { recorded: true }) => tracing::info!(subject, kind, %id, "what was set aside is served again by hand"),
        Ok(Looked::NotAside) => {}
        // The journal says nothing of it, so the log says all.
        _ => {
            tracing::warn!(subject, reason, kind, %id, outcome = ?looked, "a look by hand at what was set aside; no journal says so")
        }
    }
    looked
}

/// What came of looks.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    served: usize,
    still: usize,
    away: usize,
    gone: usize,
    none_chosen: bool,
}

impl Tally {
    fn add(&mut self, looked: &Result<Looked, actors::Error>) {
        match looked {
            Ok(Looked::Served { .. }) => self.served += 1,
            Ok(Looked::StillAside) => self.still += 1,
            Ok(Looked::NotAside) => self.gone += 1,
            Err(_) => self.away += 1,
        }
    }

    fn query(&self) -> String {
        let Self { served, still, away, gone, .. } = self;
        format!("served={served}&still={still}&away={away}&gone={gone}")
    }

    /// What was just done, as the address says.
    fn of(visit: &Visit) -> Self {
        let number = |name| visit.call.parameter(name).and_then(|text| text.parse::<u16>().ok()).unwrap_or(0).into();
        let none_chosen = visit.call.parameter("chosen").is_some();
        Self { served: number("served"), still: number("still"), away: number("away"), gone: number("gone"), none_chosen }
    }

    /// For people, and whether that is not what was hoped for.
    fn words(&self) -> Vec<(Phrase, bool)> {
        let none = self.none_chosen.then(|| (Phrase::new("console.quarantine.none_chosen"), true));
        let counts = [
            ("console.quarantine.served", self.served, false),
            ("console.quarantine.still", self.still, true),
            ("console.quarantine.away", self.away, true),
            ("console.quarantine.gone", self.gone, false),
        ];
        let counted = counts.into_iter().filter(|(_, count, _)| *count > 0);
        none.into_iter().chain(counted.map(|(key, count, is_bad)| (Phrase::new(key).with("count", count), is_bad))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_in_addresses_come_back() {
        let id = Uuid::from_u128(7);
        assert_eq!(read_name(&write_name("otp", id)), Some(("otp", id)));
        for nonsense in ["", ".", "otp", "otp.", "otp.x"] {
            assert_eq!(read_name(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn what_came_of_each_look_is_told() {
        let mut tally = Tally::default();
        let served = |recorded| Ok(Looked::Served { recorded });
        let away = Err(actors::Error::Overloaded);
        for looked in [served(true), served(false), Ok(Looked::StillAside), away, Ok(Looked::NotAside)] {
            tally.add(&looked);
        }
        assert_eq!(tally, Tally { served: 2, still: 1, away: 1, gone: 1, none_chosen: false });
        assert_eq!(tally.query(), "served=2&still=1&away=1&gone=1");
        assert_eq!(tally.words().len(), 4);
        assert_eq!(Tally::default().words(), []);
    }
}
