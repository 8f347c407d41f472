//! C6: effects that failed and are tried again, those that were given up, processes that are paused; and what staff does about them.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use actors::{
    Host, Intervention, Looked, OpenEffect, OpenEffects, SetAside, Standing,
    journal::{Act, EffectId, Fact, ReadError},
};
use async_trait::async_trait;
use futures::{StreamExt, stream};
use pages::console::{self, NavPart, Phrase, Question, Trouble, TroubleChip};
use uuid::Uuid;
use workflows::{
    Attribute, Machine, Refusal,
    values::{MAX_REASON, check_reason},
};

use super::{
    identifications,
    visit::{Failure, Visit},
};
use crate::{access::Role, processes::Processes};

/// Processes of one kind that are shown, and acted on at once: the newest.
const PAGE: usize = 100;

/// Journals that are read at once, for the reasons in them.
const READ_AT_ONCE: usize = 8;

/// A kind of process, whatever it is.
#[async_trait(?Send)]
pub trait Kind {
    fn name(&self) -> &'static str;

    /// The newest processes that are found by this, and whether there are more.
    async fn find(&self, organization: &str, attribute: &Attribute) -> Result<(Vec<Uuid>, bool), Failure>;

    async fn open_effects(&self, organization: &str, ids: &[Uuid]) -> Result<Vec<Result<OpenEffects, actors::Error>>, Failure>;

    /// Why the last attempt of an effect failed, as the journal says.
    async fn reason(&self, organization: &str, id: Uuid, effect: EffectId) -> Option<String>;

    async fn intervene(&self, organization: &str, id: Uuid, intervention: Intervention) -> Result<(), actors::Error>;

    /// Those that this server has set aside, at most `limit`, and how many there are.
    fn set_aside(&self, organization: &str, limit: usize) -> (Vec<SetAside>, usize);

    async fn look_again(&self, organization: &str, id: Uuid, by: &str, reason: &str) -> Result<Looked, actors::Error>;

    /// Up to which entry a journal is right, where it is not whole. `None`: it is whole, or cannot be read now.
    async fn good_up_to(&self, organization: &str, id: Uuid) -> Option<u64>;
}

#[async_trait(?Send)]
impl<M: Machine> Kind for Host<M> {
    fn name(&self) -> &'static str {
        M::KIND
    }

    async fn find(&self, organization: &str, attribute: &Attribute) -> Result<(Vec<Uuid>, bool), Failure> {
        let found = Host::find(self, organization, attribute, None, PAGE).await?;
        Ok((found.items.iter().map(|item| item.entity.id).collect(), found.next.is_some()))
    }

    async fn open_effects(&self, organization: &str, ids: &[Uuid]) -> Result<Vec<Result<OpenEffects, actors::Error>>, Failure> {
        Ok(Host::open_effects(self, organization, ids).await?)
    }

    async fn reason(&self, organization: &str, id: Uuid, effect: EffectId) -> Option<String> {
        let lines = self.journal(organization, id).await.ok()?;
        lines.iter().rev().find_map(|line| match line.fact.as_ref()? {
            Fact::Retry { effect: of, reason, .. } | Fact::GivenUp { effect: of, reason, .. } if *of == effect => {
                Some(reason.clone())
            }
            _ => None,
        })
    }

    async fn intervene(&self, organization: &str, id: Uuid, intervention: Intervention) -> Result<(), actors::Error> {
        Host::intervene(self, organization, id, intervention).await.map(drop)
    }

    fn set_aside(&self, organization: &str, limit: usize) -> (Vec<SetAside>, usize) {
        self.set_aside_of(organization, limit)
    }

    async fn look_again(&self, organization: &str, id: Uuid, by: &str, reason: &str) -> Result<Looked, actors::Error> {
        Host::look_again(self, organization, id, by.to_owned(), reason.to_owned()).await
    }

    async fn good_up_to(&self, organization: &str, id: Uuid) -> Option<u64> {
        match self.journal(organization, id).await {
            Err(ReadError::Journal(error)) => Some(error.seq().unwrap_or(0).saturating_sub(1)),
            Ok(_) | Err(ReadError::Store(_)) => None,
        }
    }
}

pub fn kinds(processes: &Processes) -> [&dyn Kind; 8] {
    [
        &processes.sign,
        &processes.otp,
        &processes.agent,
        &processes.identity_document,
        &processes.chain,
        &processes.scoring,
        &processes.fill,
        &processes.consents,
    ]
}

pub fn kind_key(kind: &str) -> &'static str {
    match kind {
        "sign_process" => "console.kind.sign_process",
        "otp" => "console.kind.otp",
        "agent" => "console.kind.agent",
        "identity_document" => "console.kind.identity_document",
        "chain" => "console.kind.chain",
        "scoring" => "console.kind.scoring",
        "fill" => "console.kind.fill",
        "customer_consents" => "console.kind.consents",
        _ => "console.kind.other",
    }
}

/// What an effect is, by its name in the journal.
fn what(name: &str) -> Phrase {
    let key = match name {
        "notify" => "console.effect.notify",
        "send_link" => "console.effect.send_link",
        "send_code" => "console.effect.send_code",
        "seal" => "console.effect.seal",
        "certify" => "console.effect.certify",
        _ => return Phrase::new("console.row.internal").with("what", name.replace('_', " ")),
    };
    Phrase::new(key)
}

fn attribute(trouble: Trouble) -> Attribute {
    Attribute::effects(match trouble {
        Trouble::Retrying => Attribute::RETRYING,
        Trouble::GivenUp => Attribute::GIVEN_UP,
        Trouble::Paused => Attribute::PAUSED,
    })
}

/// How many processes of an organization are in a trouble, and whether there are more.
///
/// # Errors
/// If the store cannot be read.
pub async fn count(visit: &Visit, trouble: Trouble) -> Result<(usize, bool), Failure> {
    let (mut count, mut more) = (0, false);
    for kind in kinds(&visit.engine().processes) {
        let (found, has_more) = kind.find(&visit.organization, &attribute(trouble)).await?;
        (count, more) = (count + found.len(), more || has_more);
    }
    Ok((count, more))
}

/// What somebody does, as addresses name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    TryNow,
    GiveUp,
    Again,
    Dismiss,
    Pause,
    Resume,
}

impl Deed {
    const ALL: [Self; 6] = [Self::TryNow, Self::GiveUp, Self::Again, Self::Dismiss, Self::Pause, Self::Resume];

    fn name(self) -> &'static str {
        match self {
            Self::TryNow => "try-now",
            Self::GiveUp => "give-up",
            Self::Again => "again",
            Self::Dismiss => "dismiss",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }

    /// Its words, and those of what follows from it.
    fn keys(self) -> (&'static str, &'static str) {
        match self {
            Self::TryNow => ("console.act.try_now", "console.act.try_now_about"),
            Self::GiveUp => ("console.act.give_up", "console.act.give_up_about"),
            Self::Again => ("console.act.again", "console.act.again_about"),
            Self::Dismiss => ("console.act.dismiss", "console.act.dismiss_about"),
            Self::Pause => ("console.act.pause", "console.act.pause_about"),
            Self::Resume => ("console.act.resume", "console.act.resume_about"),
        }
    }

    fn words(self) -> Phrase {
        Phrase::new(self.keys().0)
    }

    fn is_of_an_effect(self) -> bool {
        !matches!(self, Self::Pause | Self::Resume)
    }

    fn act(self, effect: Option<EffectId>) -> Option<Act> {
        Some(match self {
            Self::TryNow => Act::TryNow(effect?),
            Self::GiveUp => Act::GiveUp(effect?),
            Self::Again => Act::Again(effect?),
            Self::Dismiss => Act::Dismiss(effect?),
            Self::Pause => Act::Pause,
            Self::Resume => Act::Resume,
        })
    }

    /// What can be done about an effect.
    fn of(effect: &OpenEffect, is_paused: bool) -> Vec<Self> {
        match effect.standing {
            Standing::Waiting { .. } if !is_paused => vec![Self::TryNow, Self::GiveUp],
            Standing::Asked { .. } | Standing::Begun { .. } | Standing::Waiting { .. } => vec![Self::GiveUp],
            Standing::GivenUp if effect.may_repeat => vec![Self::Again, Self::Dismiss],
            Standing::GivenUp => vec![Self::Dismiss],
        }
    }

    /// What can be done about all of a list.
    fn of_all(trouble: Trouble) -> Vec<Self> {
        match trouble {
            Trouble::Retrying => vec![Self::TryNow, Self::GiveUp],
            Trouble::GivenUp => vec![Self::Again, Self::Dismiss],
            Trouble::Paused => vec![Self::Resume],
        }
    }

    fn concerns(self, trouble: Trouble, effect: &OpenEffect, is_paused: bool) -> bool {
        let belongs = match trouble {
            Trouble::Retrying => matches!(effect.standing, Standing::Waiting { .. }),
            Trouble::GivenUp => effect.standing == Standing::GivenUp,
            Trouble::Paused => false,
        };
        belongs && Self::of(effect, is_paused).contains(&self)
    }
}

/// A process in the list.
struct Found<'a> {
    kind: &'a dyn Kind,
    id: Uuid,
    open: Result<OpenEffects, actors::Error>,
}

async fn gather<'a>(visit: &'a Visit, trouble: Trouble) -> Result<(Vec<Found<'a>>, bool), Failure> {
    let (mut found, mut more) = (Vec::new(), false);
    for kind in kinds(&visit.engine().processes) {
        let (ids, has_more) = kind.find(&visit.organization, &attribute(trouble)).await?;
        let open = kind.open_effects(&visit.organization, &ids).await?;
        found.extend(ids.into_iter().zip(open).map(|(id, open)| Found { kind, id, open }));
        more |= has_more;
    }
    Ok((found, more))
}

fn list_address(visit: &Visit, trouble: Trouble) -> String {
    format!("{}/effects?trouble={}", visit.here().path, trouble.name())
}

/// Whether processes of a kind have a page of their own.
pub fn has_page(kind: &str) -> bool {
    kind == "sign_process" || identifications::is_one(kind)
}

pub fn process_address(visit: &Visit, kind: &str, id: Uuid) -> String {
    let here = visit.here().path;
    match kind {
        "sign_process" => format!("{here}/processes/{id}"),
        _ if identifications::is_one(kind) => identifications::address(visit, kind, id),
        // What has no page of its own is searched for.
        _ => format!("{here}/processes?q={id}"),
    }
}

fn deed_address(visit: &Visit, kind: &str, id: Uuid, deed: Deed, effect: Option<EffectId>) -> String {
    let query = effect.map(|effect| format!("?effect={effect}")).unwrap_or_default();
    format!("{}/effects/{kind}/{id}/{}{query}", visit.here().path, deed.name())
}

fn stands(visit: &Visit, effect: &OpenEffect, is_paused: bool) -> Phrase {
    let moment = |at| visit.site().moment(&visit.organization, at).shown;
    match effect.standing {
        Standing::GivenUp => Phrase::new("console.effects.given_up"),
        _ if is_paused => Phrase::new("console.effects.paused"),
        Standing::Asked { at } => Phrase::new("console.effects.asked").with("at", moment(at)),
        Standing::Begun { number, at } => Phrase::new("console.effects.begun").with("number", number).with("at", moment(at)),
        Standing::Waiting { number, until } => {
            Phrase::new("console.effects.waiting").with("number", number).with("at", moment(until))
        }
    }
}

/// The acts that somebody with the role may do about an effect.
fn acts(visit: &Visit, kind: &str, id: Uuid, effect: &OpenEffect, is_paused: bool) -> Vec<console::Act> {
    if !visit.session.has(Role::ConsoleOperate) {
        return Vec::new();
    }
    let act = |deed: Deed| console::Act { words: deed.words(), link: deed_address(visit, kind, id, deed, Some(effect.id)) };
    Deed::of(effect, is_paused).into_iter().map(act).collect()
}

/// The rows of one process: its open effects that the list is about, or itself.
async fn rows(visit: &Visit, found: &Found<'_>, trouble: Trouble) -> Vec<console::Effect> {
    let (kind, id) = (found.kind.name(), found.id);
    let row = |what, stands, reason, acts| console::Effect {
        what,
        kind: kind_key(kind),
        id: id.to_string(),
        link: process_address(visit, kind, id),
        stands,
        reason,
        acts,
    };
    let open = match &found.open {
        Ok(open) => open,
        Err(_) => {
            let fault = Phrase::new("console.problem.set_aside");
            return vec![row(Phrase::new(kind_key(kind)), fault, String::new(), Vec::new())];
        }
    };
    if trouble == Trouble::Paused {
        let waiting = open.effects.iter().filter(|effect| effect.standing != Standing::GivenUp).count();
        let stands = Phrase::new("console.effects.paused_with").with("count", waiting);
        return vec![row(Phrase::new(kind_key(kind)), stands, String::new(), pause(visit, kind, id, true).into_iter().collect())];
    }
    let mut rows = Vec::new();
    for effect in &open.effects {
        let belongs = match trouble {
            Trouble::GivenUp => effect.standing == Standing::GivenUp,
            _ => matches!(effect.standing, Standing::Waiting { .. }),
        };
        if belongs {
            let reason = found.kind.reason(&visit.organization, id, effect.id).await.unwrap_or_default();
            let acts = acts(visit, kind, id, effect, open.is_paused);
            rows.push(row(what(&effect.name), stands(visit, effect, open.is_paused), reason, acts));
        }
    }
    rows
}

/// Pausing a process or resuming it.
fn pause(visit: &Visit, kind: &str, id: Uuid, is_paused: bool) -> Option<console::Act> {
    let deed = if is_paused { Deed::Resume } else { Deed::Pause };
    let act = console::Act { words: deed.words(), link: deed_address(visit, kind, id, deed, None) };
    visit.session.has(Role::ConsoleOperate).then_some(act)
}

/// What can be done about the effects of one process, for its page; `is_open`: it has not ended.
///
/// # Errors
/// If the store cannot be read.
pub async fn of_process(
    visit: &Visit,
    kind: &dyn Kind,
    id: Uuid,
    is_open: bool,
) -> Result<(Vec<console::Effect>, Option<console::Act>), Failure> {
    let mut open = kind.open_effects(&visit.organization, &[id]).await?;
    let open = open.pop().unwrap_or_else(|| Ok(OpenEffects::default()))?;
    let mut shown = Vec::new();
    for effect in &open.effects {
        let is_troubled = matches!(effect.standing, Standing::Waiting { .. } | Standing::GivenUp) || open.is_paused;
        if is_troubled {
            shown.push(console::Effect {
                what: what(&effect.name),
                kind: kind_key(kind.name()),
                id: id.to_string(),
                link: process_address(visit, kind.name(), id),
                stands: stands(visit, effect, open.is_paused),
                reason: kind.reason(&visit.organization, id, effect.id).await.unwrap_or_default(),
                acts: acts(visit, kind.name(), id, effect, open.is_paused),
            });
        }
    }
    let has_more = is_open || open.is_paused || open.effects.iter().any(|effect| effect.standing != Standing::GivenUp);
    Ok((shown, pause(visit, kind.name(), id, open.is_paused).filter(|_| has_more)))
}

fn trouble_of(visit: &Visit) -> Trouble {
    let asked = visit.call.parameter("trouble");
    asked.and_then(|name| Trouble::ALL.into_iter().find(|trouble| trouble.name() == name)).unwrap_or(Trouble::GivenUp)
}

/// The list.
pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Effects), async |visit| {
        let trouble = trouble_of(visit);
        let (found, more) = gather(visit, trouble).await?;
        let shown: Vec<Vec<console::Effect>> =
            stream::iter(&found).map(|found| rows(visit, found, trouble)).buffered(READ_AT_ONCE).collect().await;
        let chip = |own: Trouble| TroubleChip { trouble: own, link: list_address(visit, own), is_on: own == trouble };
        let all = |deed: Deed| console::Act {
            words: Phrase::new("console.act.all").word("act", deed.keys().0),
            link: format!("{}/effects/all/{}?trouble={}", visit.here().path, deed.name(), trouble.name()),
        };
        let may = visit.session.has(Role::ConsoleOperate);
        let page = console::Effects {
            frame: visit.frame(),
            chips: Trouble::ALL.map(chip).into(),
            rows: shown.into_iter().flatten().collect(),
            partial: more.then(|| Phrase::new("console.effects.partial").with("count", PAGE)),
            all: if may { Deed::of_all(trouble).into_iter().map(all).collect() } else { Vec::new() },
            done: done(visit),
        };
        Ok(visit.page(page.html()))
    })
    .await
}

/// What was just done, as the address says.
fn done(visit: &Visit) -> Option<Phrase> {
    let number = |name| visit.call.parameter(name)?.parse::<u32>().ok();
    let (done, refused) = (number("done")?, number("refused").unwrap_or(0));
    let key = if refused == 0 { "console.act.done" } else { "console.act.done_some" };
    Some(Phrase::new(key).with("done", done).with("refused", refused))
}

fn deed(visit: &Visit) -> Result<Deed, Failure> {
    let name = visit.call.segment("deed");
    Deed::ALL.into_iter().find(|deed| deed.name() == name).ok_or(Failure::NotFound)
}

fn read_effect(text: &str) -> Option<EffectId> {
    let (seq, index) = text.split_once('.')?;
    Some(EffectId { seq: seq.parse().ok()?, index: index.parse().ok()? })
}

/// An act on one process that an address names.
struct One<'a> {
    kind: &'a dyn Kind,
    id: Uuid,
    deed: Deed,
    act: Act,
    /// What it is about.
    about: Phrase,
}

async fn one(visit: &Visit) -> Result<One<'_>, Failure> {
    let (kind, deed) = (visit.call.segment("kind"), deed(visit)?);
    let kind = kinds(&visit.engine().processes).into_iter().find(|own| own.name() == kind).ok_or(Failure::NotFound)?;
    let id = Uuid::parse_str(&visit.call.segment("id")).map_err(|_| Failure::NotFound)?;
    let effect = visit.call.parameter("effect").and_then(|text| read_effect(&text));
    let act = deed.act(effect).ok_or(Failure::NotFound)?;
    let mut open = kind.open_effects(&visit.organization, &[id]).await?;
    let open = open.pop().unwrap_or_else(|| Ok(OpenEffects::default()))?;
    let about = match (deed.is_of_an_effect(), effect) {
        (true, Some(effect)) => {
            let known = open.effects.iter().find(|own| own.id == effect).ok_or(Failure::NotFound)?;
            what(&known.name)
        }
        _ => Phrase::new(kind_key(kind.name())),
    };
    Ok(One { kind, id, deed, act, about })
}

fn question(visit: &Visit, one: &One<'_>, reason: String, error: Option<Phrase>) -> Question {
    let effect = visit.call.parameter("effect").and_then(|text| read_effect(&text));
    Question {
        frame: visit.frame(),
        title: one.deed.words(),
        about: one.about.clone(),
        id: one.id.to_string(),
        consequence: Phrase::new(one.deed.keys().1),
        link: deed_address(visit, one.kind.name(), one.id, one.deed, effect),
        back: process_address(visit, one.kind.name(), one.id),
        reason,
        error,
        max_reason: MAX_REASON,
        is_grave: one.deed == Deed::GiveUp,
    }
}

/// The question before an act.
pub async fn question_page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Effects), async |visit| {
        visit.needs(Role::ConsoleOperate)?;
        let one = one(visit).await?;
        Ok(visit.page(question(visit, &one, String::new(), None).html()))
    })
    .await
}

/// The reason of a form, if it is one; else what was given for it.
///
/// # Errors
/// [`Failure::Forged`], [`Failure::Form`].
pub async fn reason_of(visit: &Visit, payload: web::Payload) -> Result<Result<String, String>, Failure> {
    let form = visit.own_form(payload).await?;
    // Forms have line ends of their own.
    let reason = form.text("reason").replace("\r\n", "\n").trim().to_owned();
    Ok(if check_reason(&reason).is_ok() { Ok(reason) } else { Err(reason) })
}

/// Who acts, as the journal keeps it: with the address that the act came from.
pub fn by(visit: &Visit) -> String {
    let staff = visit.staff();
    let from = staff.ip.as_ref().map(|ip| format!(", {ip}")).unwrap_or_default();
    format!("{staff}{from}")
}

/// Does it.
pub async fn act(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    Visit::run(request, Some(NavPart::Effects), async |visit| {
        visit.needs(Role::ConsoleOperate)?;
        let reason = reason_of(visit, payload).await?;
        let one = one(visit).await?;
        let reason = match reason {
            Ok(reason) => reason,
            Err(reason) => {
                let error = Some(Phrase::new("console.cancel.no_reason"));
                return Ok(visit.call.page(StatusCode::BAD_REQUEST, question(visit, &one, reason, error).html()));
            }
        };
        let intervention = Intervention { by: by(visit), reason: reason.clone(), act: one.act };
        match one.kind.intervene(&visit.organization, one.id, intervention).await {
            Ok(()) => {
                let trouble = if one.deed == Deed::Pause { Trouble::Paused } else { trouble_of(visit) };
                let kind = one.kind.name();
                let back = match has_page(kind) {
                    true => format!("{}?done=acted", process_address(visit, kind, one.id)),
                    false => format!("{}&done=1", list_address(visit, trouble)),
                };
                Ok(visit.done(&back))
            }
            Err(actors::Error::Refused(Refusal::State(_) | Refusal::NotFound(_))) => {
                let error = Some(Phrase::new("console.act.too_late"));
                Ok(visit.call.page(StatusCode::CONFLICT, question(visit, &one, reason, error).html()))
            }
            Err(error) => Err(error.into()),
        }
    })
    .await
}

/// What an act on a whole list would be done to.
async fn listed(visit: &Visit, deed: Deed, trouble: Trouble) -> Result<Vec<(&dyn Kind, Uuid, Act)>, Failure> {
    if !Deed::of_all(trouble).contains(&deed) {
        return Err(Failure::NotFound);
    }
    let (found, _) = gather(visit, trouble).await?;
    let mut listed = Vec::new();
    for Found { kind, id, open } in found {
        let Ok(open) = open else { continue };
        if !deed.is_of_an_effect() {
            listed.extend(deed.act(None).map(|act| (kind, id, act)));
            continue;
        }
        let concerned = open.effects.iter().filter(|effect| deed.concerns(trouble, effect, open.is_paused));
        listed.extend(concerned.filter_map(|effect| Some((kind, id, deed.act(Some(effect.id))?))));
    }
    listed.truncate(PAGE);
    Ok(listed)
}

fn question_of_all(visit: &Visit, deed: Deed, trouble: Trouble, count: usize, reason: String, error: Option<Phrase>) -> Question {
    Question {
        frame: visit.frame(),
        title: Phrase::new("console.act.all").word("act", deed.keys().0),
        about: Phrase::new("console.act.all_about").word("list", trouble.key()).with("count", count).with("most", PAGE),
        id: String::new(),
        consequence: Phrase::new(deed.keys().1),
        link: format!("{}/effects/all/{}?trouble={}", visit.here().path, deed.name(), trouble.name()),
        back: list_address(visit, trouble),
        reason,
        error,
        max_reason: MAX_REASON,
        is_grave: deed == Deed::GiveUp,
    }
}

/// The question before an act on a whole list: it says how many there are.
pub async fn question_of_all_page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Effects), async |visit| {
        visit.needs(Role::ConsoleOperate)?;
        let (deed, trouble) = (deed(visit)?, trouble_of(visit));
        let count = listed(visit, deed, trouble).await?.len();
        Ok(visit.page(question_of_all(visit, deed, trouble, count, String::new(), None).html()))
    })
    .await
}

/// Does it to each. What stands otherwise by now is left alone and counted.
pub async fn act_on_all(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    Visit::run(request, Some(NavPart::Effects), async |visit| {
        visit.needs(Role::ConsoleOperate)?;
        let reason = reason_of(visit, payload).await?;
        let (deed, trouble) = (deed(visit)?, trouble_of(visit));
        let listed = listed(visit, deed, trouble).await?;
        let reason = match reason {
            Ok(reason) => reason,
            Err(reason) => {
                let error = Some(Phrase::new("console.cancel.no_reason"));
                let question = question_of_all(visit, deed, trouble, listed.len(), reason, error);
                return Ok(visit.call.page(StatusCode::BAD_REQUEST, question.html()));
            }
        };
        let by = by(visit);
        let acted = stream::iter(listed).map(|(kind, id, act)| {
            let intervention = Intervention { by: by.clone(), reason: reason.clone(), act };
            async move { kind.intervene(&visit.organization, id, intervention).await.is_ok() }
        });
        let acted: Vec<bool> = acted.buffered(READ_AT_ONCE).collect().await;
        let done = acted.iter().filter(|done| **done).count();
        let refused = acted.len() - done;
        tracing::info!(subject = visit.session.subject, deed = deed.name(), done, refused, "an act by hand on a list");
        Ok(visit.done(&format!("{}&done={done}&refused={refused}", list_address(visit, trouble))))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_in_addresses_come_back() {
        let effect = EffectId { seq: 31, index: 2 };
        assert_eq!(read_effect(&effect.to_string()), Some(effect));
        for nonsense in ["", ".", "1", "1.x", "-1.0", "1.70000"] {
            assert_eq!(read_effect(nonsense), None, "{nonsense}");
        }
    }
}
