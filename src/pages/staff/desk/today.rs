//! D1: who waits for an agent, and who is meant by the code that somebody reads out.

use std::cmp::Reverse;

use actix_web::{HttpRequest, HttpResponse};
use pages::{
    console::Phrase,
    desk::{Today, Waiting},
};
use uuid::Uuid;
use workflows::{
    Attribute, DocumentType, IdentificationState, Machine,
    identification::agent::{Agent, Data},
};

use super::{
    super::{
        pairing::code_of,
        visit::{Failure, Visit},
    },
    customer,
};
use crate::signers::desk_code;

/// Maximum number of people that are shown of each kind.
const MAX_SHOWN: usize = 50;

/// How many identifications are looked through for a code, and how many are asked for at once.
const MAX_SEARCHED: usize = 20_000;
const AT_ONCE: usize = 500;

/// An identification as it is at a moment, what time alone has brought about included.
pub fn as_of(machine: &Agent, now: store::Timestamp) -> Agent {
    let mut machine = machine.clone();
    for event in machine.due_events(now) {
        machine.apply(now, &event);
    }
    machine
}

/// Those of a kind who wait now, and whether there are more.
async fn waiting(visit: &Visit, by: &Attribute) -> Result<(Vec<(Uuid, Data)>, bool), Failure> {
    let (host, now) = (&visit.engine().processes.agent, visit.process_time());
    let found = host.find(&visit.organization, by, None, MAX_SHOWN).await?;
    let ids: Vec<Uuid> = found.items.iter().map(|item| item.entity.id).collect();
    let known = host.peek_many(&visit.organization, &ids).await?;
    let all = ids.into_iter().zip(known).filter_map(|(id, machine)| {
        let machine = as_of(&*machine.ok()?, now);
        let data = machine.existing().ok().filter(|data| data.state == IdentificationState::Created)?;
        Some((id, data.clone()))
    });
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|(_, data)| data.creation.expires_at);
    Ok((all, found.next.is_some()))
}

/// The identification that a code means, of those that wait: the newest, should two have one.
async fn meant(visit: &Visit, code: &str) -> Result<Option<Uuid>, Failure> {
    let by = Attribute::status(IdentificationState::Created.name());
    let (mut after, mut searched) = (None, 0);
    while searched < MAX_SEARCHED {
        let found = visit.engine().processes.agent.find(&visit.organization, &by, after.as_ref(), AT_ONCE).await?;
        if let Some(item) = found.items.iter().find(|item| desk_code(item.entity.id) == code) {
            return Ok(Some(item.entity.id));
        }
        searched += found.items.len();
        after = found.next;
        if after.is_none() {
            break;
        }
    }
    Ok(None)
}

pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::at_desk(request, async |visit| {
        let typed = visit.call.parameter("code").unwrap_or_default();
        if let Some(code) = code_of(&typed)
            && let Some(id) = meant(visit, &code).await?
        {
            return Ok(visit.call.see(&customer::address(visit, id)));
        }
        let own = Attribute::agent(&visit.session.subject);
        let (own, more_own) = waiting(visit, &own).await?;
        let (mut others, more) = waiting(visit, &Attribute::status(IdentificationState::Created.name())).await?;
        others.retain(|(id, _)| own.iter().all(|(other, _)| other != id));
        // Who waits for somebody, before those with whom somebody began.
        others.sort_by_key(|(_, data)| (data.own.taken.is_some(), Reverse(data.created_at)));
        let done = match visit.call.parameter("done").as_deref() {
            Some("rejected") => Some(Phrase::new("desk.reject.done")),
            _ => None,
        };
        let rows = |list: Vec<(Uuid, Data)>| list.iter().map(|(id, data)| row(visit, *id, data)).collect();
        let page = Today {
            frame: visit.frame(),
            missing: !typed.is_empty(),
            code: typed,
            own: rows(own),
            others: rows(others),
            more: more || more_own,
            done,
        };
        Ok(visit.page(page.html()))
    })
    .await
}

fn row(visit: &Visit, id: Uuid, data: &Data) -> Waiting {
    let taken = data.own.taken.as_ref().filter(|taken| taken.by.subject != visit.session.subject);
    let purpose = &data.creation.purpose;
    let key = match (purpose.signature, purpose.chain) {
        (Some(_), _) => "desk.purpose.signature",
        (None, Some(_)) => "desk.purpose.chain",
        (None, None) => "desk.purpose.alone",
    };
    Waiting {
        link: customer::address(visit, id),
        name: name(id, data),
        document: document(data),
        purpose: Phrase::new(key),
        since: visit.site().minute(&visit.organization, data.created_at),
        expires: visit.site().minute(&visit.organization, data.creation.expires_at),
        taken: taken.map(|taken| taken.by.name.clone()),
    }
}

/// The person's name, else the code.
pub fn name(id: Uuid, data: &Data) -> String {
    data.creation.actor.full_name().unwrap_or_else(|| desk_code(id))
}

/// What the agent asks for.
pub fn document(data: &Data) -> Phrase {
    let kind = data.creation.actor.identity_document.as_ref().map(|document| document.document_type);
    Phrase::new(match kind {
        Some(DocumentType::Nif) => "desk.kind.nif",
        Some(DocumentType::Nie) => "desk.kind.nie",
        Some(DocumentType::Passport) => "desk.kind.passport",
        Some(DocumentType::IdentityCard) => "desk.kind.identity_card",
        None => "desk.kind.other",
    })
}
