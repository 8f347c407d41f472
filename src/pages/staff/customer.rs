//! C11: one customer's consents in a segment: what holds, what happened, what was shown, and receipts. A customer is found by the whole id, and
//! no address says whose page it is ([`super::handles`]).

use std::collections::HashMap;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use pages::console::{self, ConsentChoiceRow, ConsentEvent, ConsentEventChoice, Detail, NavPart, Phrase, Problem, Tone};
use workflows::consents::{CustomerConsents, Format, Life, Source};

use super::{
    consents::{choice, parts, planted, statements, words},
    handles::Customer,
    templates::{at, text},
    visit::{Failure, Visit},
};
use crate::{
    access::Role,
    catalogue::consents::UsersType,
    consents::{
        history::{Happened, Kind, Selection, Status},
        proofs::{self, Blocked, StateOfConsent},
        receipts,
        service::{self, Subject},
    },
    http::{consents::customer_problem, download::content_disposition},
    public_url::Disposition,
};

/// Events of a page.
const PAGE: usize = 100;

/// The last event that a page can begin with.
const LAST: usize = 1_000_000;

impl From<service::Error> for Failure {
    fn from(error: service::Error) -> Self {
        match error {
            service::Error::UnknownCustomer => Self::NotFound,
            service::Error::Process(error) => error.into(),
            service::Error::Catalogue(error) => error.into(),
            error => {
                tracing::warn!(%error, "the console has no answer of a customer's consents");
                Self::Unavailable
            }
        }
    }
}

impl From<proofs::Error> for Failure {
    fn from(error: proofs::Error) -> Self {
        use proofs::Error as E;
        match error {
            E::UnknownCustomer | E::NoRevision | E::NotDisplayed | E::Receipt(receipts::Error::None) => Self::NotFound,
            E::Catalogue(error) => error.into(),
            error => {
                tracing::warn!(%error, "the console has no proof of a customer's consents");
                Self::Unavailable
            }
        }
    }
}

fn search_address(visit: &Visit) -> String {
    format!("{}/consents/customers", visit.here().path)
}

/// Where a customer's page is.
///
/// # Errors
/// [`Failure::Unavailable`] where it cannot be sealed.
pub fn address(visit: &Visit, customer: &Customer) -> Result<String, Failure> {
    let handle = visit.site().customers.of(&visit.organization, customer).map_err(|error| {
        tracing::error!(%error, "the address of a customer cannot be made");
        Failure::Unavailable
    })?;
    Ok(format!("{}/{handle}", search_address(visit)))
}

/// Who it is about.
pub fn subject<'a>(visit: &'a Visit, customer: &'a Customer) -> Subject<'a> {
    Subject { organization: &visit.organization, segment: &customer.segment, customer_id: &customer.id }
}

/// The customer that the address names, of whom there is, or was, something.
///
/// # Errors
/// [`Failure::NotFound`], and what keeps the journal from being read.
pub async fn found(visit: &Visit) -> Result<(Customer, std::sync::Arc<CustomerConsents>), Failure> {
    let handle = visit.call.segment("customer");
    let customer = visit.site().customers.read(&visit.organization, &handle).ok_or(Failure::NotFound)?;
    let state = visit.engine().customers.state(&subject(visit, &customer)).await?;
    if state.life().is_none() { Err(Failure::NotFound) } else { Ok((customer, state)) }
}

/// Who may read what a deletion blocked: who may delete, as in the API.
pub fn blocked(visit: &Visit) -> Blocked {
    if visit.session.has(Role::ConsentsDelete) { Blocked::Told } else { Blocked::Hidden }
}

/// The search.
pub async fn search_page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Consents), async |visit| {
        let page = search_form(visit, segments(visit).await?, "", "", None);
        Ok(visit.page(page))
    })
    .await
}

async fn segments(visit: &Visit) -> Result<Vec<String>, Failure> {
    let mut segments: Vec<String> = planted(visit).await?.into_iter().map(|(segment, _)| segment).collect();
    segments.dedup();
    Ok(segments)
}

fn search_form(visit: &Visit, segments: Vec<String>, customer: &str, segment: &str, error: Option<Phrase>) -> String {
    let offer = |own: String| {
        let is_on = own == segment;
        (own, is_on)
    };
    console::ConsentCustomers {
        frame: visit.frame(),
        parts: parts(visit),
        link: search_address(visit),
        segments: segments.into_iter().map(offer).collect(),
        customer: customer.to_owned(),
        error,
    }
    .html()
}

/// Leads to the customer that has exactly this id. A form, as ids of customers stand in no address.
pub async fn search(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    Visit::run(request, Some(NavPart::Consents), async |visit| {
        let form = visit.own_form(payload).await?;
        let (asked, segment) = (form.text("customer"), form.text("segment"));
        let segments = segments(visit).await?;
        if !segments.iter().any(|own| own == segment) {
            return Err(Failure::Form);
        }
        let answer = |status, key| {
            let page = search_form(visit, segments, asked, segment, Some(Phrase::new(key)));
            Ok(visit.call.page(status, page))
        };
        if customer_problem(asked.trim()).is_some() {
            return answer(StatusCode::BAD_REQUEST, "console.consents.no_id");
        }
        // Blanks around it may belong to it, or come of pasting.
        for id in [asked, asked.trim()] {
            if customer_problem(id).is_some() {
                continue;
            }
            let customer = Customer { segment: segment.to_owned(), id: id.to_owned() };
            if visit.engine().customers.state(&subject(visit, &customer)).await?.life().is_some() {
                return Ok(visit.call.see(&address(visit, &customer)?));
            }
        }
        answer(StatusCode::NOT_FOUND, "console.consents.unknown")
    })
    .await
}

/// A customer's consents.
pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Consents), async |visit| {
        let (customer, state) = found(visit).await?;
        let own = own_address(visit);
        let (subject, now) = (subject(visit, &customer), visit.process_time());
        let from = visit.call.parameter("from").and_then(|from| from.parse::<usize>().ok()).unwrap_or(0).min(LAST);
        let engine = visit.engine();
        let mut events = engine.proofs.history(&subject, blocked(visit), from, PAGE + 1).await?;
        let more = events.len() > PAGE;
        events.truncate(PAGE);
        let held = engine.proofs.state_at(&subject, now, now).await?;
        let names = names(visit, &customer.segment).await;
        let mut details = vec![
            text("console.consents.segment", customer.segment.clone()),
            text("console.consents.record", engine.customers.id(&subject).to_string()),
        ];
        if let (Some(Life::Blocked), Some(until)) = (state.life(), state.keep_until()) {
            details.push(at(visit, "console.consents.kept_until", until));
        }
        let may = visit.session.has(Role::ConsoleOperate);
        let deletes = may && visit.session.has(Role::ConsentsDelete) && state.known();
        let done = visit.call.parameter("done").filter(|done| done == "delete");
        let at_place = |from: usize| if from == 0 { format!("{own}#timeline") } else { format!("{own}?from={from}#timeline") };
        let page = console::ConsentCustomer {
            frame: visit.frame(),
            customer: customer.id.clone(),
            back: search_address(visit),
            standing: Phrase::new(match state.life() {
                Some(Life::Blocked) => "console.consents.blocked",
                Some(Life::Erased) => "console.consents.erased",
                Some(Life::Known) | None => "console.consents.known",
            }),
            details,
            choices: held.consents.into_iter().map(|held| choice_row(visit, &names, held)).collect(),
            events: events.into_iter().map(|event| row(visit, &own, event)).collect(),
            newer: (from > 0).then(|| at_place(from.saturating_sub(PAGE))),
            older: more.then(|| at_place(from + PAGE)),
            export: may.then(|| format!("{own}/export")),
            delete: deletes.then(|| format!("{own}/delete")),
            done: done.map(|_| Phrase::new("console.consents.deleted")),
        };
        Ok(visit.page(page.html()))
    })
    .await
}

/// The page that the request is about, by the handle it came with.
pub fn own_address(visit: &Visit) -> String {
    // It was read, so it has the letters of base64url alone.
    format!("{}/{}", search_address(visit), visit.call.segment("customer"))
}

/// Short texts of the consents of a segment, as they are now; none where they cannot be had.
async fn names(visit: &Visit, segment: &str) -> HashMap<String, String> {
    let consents = &visit.call.state().consents;
    let mut names = HashMap::new();
    for users in UsersType::ALL {
        let Ok(edition) = consents.edition(&visit.organization, segment, users).await else { continue };
        for definition in &edition.consents {
            let details = definition.details_in(&edition.tree.default_language).or(definition.details.first());
            let short = details.map(|details| details.short_text.clone()).unwrap_or_default();
            names.entry(definition.id.to_string()).or_insert(short);
        }
    }
    names
}

fn choice_row(visit: &Visit, names: &HashMap<String, String>, held: StateOfConsent) -> ConsentChoiceRow {
    let moment = |at| visit.site().minute(&visit.organization, at);
    ConsentChoiceRow {
        short: names.get(&held.id).cloned().unwrap_or_default(),
        id: held.id,
        choice: choice(held.choice),
        source: match held.source {
            Source::Given => "console.consents.given",
            Source::Expired => "console.consents.expired",
            Source::Default => "console.consents.default",
            Source::Suppressed => "console.consents.suppressed",
            Source::Deleted => "console.consents.was_deleted",
            Source::Unknown => "console.consents.never_asked",
        },
        until: held.until.map(moment),
        captured: held.capture_date.map(moment),
    }
}

/// How an event is told, and whether there is a receipt of it.
fn told(kind: Kind) -> (&'static str, Tone, bool) {
    match kind {
        Kind::Captured => ("console.consent_event.captured", Tone::Plain, true),
        Kind::Recorded => ("console.consent_event.recorded", Tone::Plain, true),
        Kind::Expiring => ("console.consent_event.expiring", Tone::Future, false),
        Kind::Expired => ("console.consent_event.expired", Tone::Future, false),
        Kind::Deleted => ("console.consent_event.deleted", Tone::Plain, true),
        Kind::RetentionEnded => ("console.consent_event.retention_ended", Tone::Plain, false),
        Kind::Postponed => ("console.consent_event.postponed", Tone::Pending, false),
        Kind::Erased => ("console.consent_event.erased", Tone::Plain, false),
    }
}

fn row(visit: &Visit, own: &str, event: Happened) -> ConsentEvent {
    let (what, tone, has_receipt) = told(event.event);
    let facts = facts(visit, &event);
    let one = |selection: Selection| ConsentEventChoice {
        choice: selection.choice.map(choice),
        is_over: selection.choice.is_some() && selection.status == Status::Superseded,
        was_hidden: event.displayed && selection.shown == Some(false),
        until: selection.expiration_date.map(|at| visit.site().moment(&visit.organization, at)),
        id: selection.id,
    };
    ConsentEvent {
        number: event.revision,
        at: visit.site().moment(&visit.organization, event.recorded_at),
        tone,
        what: Phrase::new(what),
        choices: event.selections.into_iter().map(one).collect(),
        facts,
        display: event.displayed.then(|| format!("{own}/displays/{}", event.revision)),
        receipt: has_receipt.then(|| format!("{own}/receipts/{}", event.revision)),
        hash: event.hash,
    }
}

/// When, by whom, where, and what was shown.
fn facts(visit: &Visit, event: &Happened) -> Vec<Detail> {
    let mut facts = Vec::new();
    facts.extend(event.capture_date.map(|date| at(visit, "console.consents.made_at", date)));
    if let Some(staff) = &event.staff {
        let from = staff.ip.as_ref().map(|ip| format!(", {ip}")).unwrap_or_default();
        facts.push(text("console.consents.staff", format!("{staff}{from}")));
    }
    facts.extend(event.reason.as_ref().map(|reason| text("console.process.reason", reason)));
    if let Some(who) = &event.who {
        facts.extend(who.actor_id.as_ref().map(|actor| text("console.consents.actor", actor)));
        facts.extend(who.actor_source.map(|source| {
            words(
                "console.consents.actor_source",
                match source {
                    "declared" => "console.consents.declared",
                    "token" => "console.consents.token",
                    _ => "console.consents.import",
                },
            )
        }));
        facts.push(text("console.consents.caller", format!("{} ({})", who.subject, who.audience)));
    }
    if let Some(place) = &event.place {
        let all = [
            ("console.consents.channel", &place.sell_channel),
            ("console.consents.ip", &place.ip),
            ("console.consents.trace", &place.trace_id),
            ("console.consents.origin", &place.origin),
        ];
        facts.extend(all.into_iter().filter_map(|(name, value)| Some(text(name, value.as_ref()?))));
    }
    if let Some(shown) = &event.display {
        facts.extend(of_display(shown.edition, &shown.digest.to_string()));
        facts.push(text("console.templates.language", &shown.language));
        facts.push(words(
            "console.consents.format",
            match shown.format {
                Format::Short => "console.consents.short",
                Format::Normal => "console.consents.full",
            },
        ));
        facts.push(at(visit, "console.consents.shown_at", shown.issued_at));
    }
    facts
}

fn of_display(edition: u32, digest: &str) -> [Detail; 2] {
    [text("console.consents.edition", edition.to_string()), text("console.consents.digest", digest)]
}

fn revision(visit: &Visit) -> Result<u32, Failure> {
    visit.call.segment("revision").parse().map_err(|_| Failure::NotFound)
}

/// What the customer was shown before a capture.
pub async fn display(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Consents), async |visit| {
        let ((customer, _), revision) = (found(visit).await?, revision(visit)?);
        let shown = visit.engine().proofs.display(&subject(visit, &customer), blocked(visit), revision).await?;
        let mut details = vec![
            text("console.consents.segment", customer.segment.clone()),
            at(visit, "console.consents.shown_at", shown.issued_at),
        ];
        details.extend(of_display(shown.edition, &shown.digest.to_string()));
        let page = console::ConsentDisplay {
            frame: visit.frame(),
            customer: customer.id,
            back: own_address(visit),
            is_same: shown.digest_matches,
            details,
            language: shown.body.locale.replace('_', "-"),
            statements: statements(visit, &shown.body.statements),
        };
        Ok(visit.page(page.html()))
    })
    .await
}

/// A file of JSON to be kept.
pub fn file(name: &str, json: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_DISPOSITION, content_disposition(name, Disposition::Attachment)))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .content_type("application/json")
        .body(json)
}

/// The receipt of an event, signed, as the API issues it.
pub async fn receipt(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Consents), async |visit| {
        use proofs::Error as E;
        let ((customer, _), revision) = (found(visit).await?, revision(visit)?);
        let (proofs, now) = (&visit.engine().proofs, visit.call.now());
        let signed = match proofs.receipt(&subject(visit, &customer), blocked(visit), revision, now).await {
            Ok(receipt) => proofs.sign(receipt, now).await,
            Err(error) => Err(error),
        };
        let why = match signed {
            Ok(signed) => return Ok(file(&format!("consent-receipt-{revision}.json"), signed.to_json())),
            Err(E::NoProfile) => Phrase::new("console.consents.no_profile"),
            Err(E::Receipt(receipts::Error::Missing(members))) => {
                Phrase::new("console.consents.profile_lacks").with("members", members.join(", "))
            }
            Err(E::NoCertificate(_)) => Phrase::new("console.consents.no_certificate"),
            Err(error) => return Err(error.into()),
        };
        let page = Problem {
            frame: visit.frame(),
            title: Phrase::new("console.consents.no_receipt"),
            words: why,
            next: own_address(visit),
            next_words: Phrase::new("console.act.back"),
        };
        Ok(visit.call.page(StatusCode::CONFLICT, page.html()))
    })
    .await
}
