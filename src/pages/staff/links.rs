//! C4: a signer's link, sent once more or renewed by staff. Whoever asks never sees the link itself.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use pages::console::{Act, NavPart, Phrase, Problem, Question};
use uuid::Uuid;
use workflows::{
    Hand, Refusal,
    sign_process::{Command, Data, RENEWALS_PER_DAY, SignatureStatus, Status},
    values::MAX_REASON,
};

use super::{
    effects::reason_of,
    process::{address, found},
    visit::{Failure, Visit},
};
use crate::access::Role;

/// What somebody does, as addresses name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    SendAgain,
    Renew,
}

impl Deed {
    const ALL: [Self; 2] = [Self::SendAgain, Self::Renew];

    fn name(self) -> &'static str {
        match self {
            Self::SendAgain => "again",
            Self::Renew => "new",
        }
    }

    /// Its words, those of what follows from it, and those once it is done.
    fn keys(self) -> [&'static str; 3] {
        match self {
            Self::SendAgain => ["console.link.again", "console.link.again_about", "console.link.again_done"],
            Self::Renew => ["console.link.new", "console.link.new_about", "console.link.new_done"],
        }
    }

    fn command(self, signature: Uuid, by: Hand) -> Command {
        match self {
            Self::SendAgain => Command::SendLinkAgain { signature, by },
            Self::Renew => Command::RenewLink { signature, by: Some(by) },
        }
    }
}

/// What can be done about the link of the signer at `position`.
pub fn acts(visit: &Visit, data: &Data, position: usize) -> Vec<Act> {
    let signature = &data.signatures[position];
    let is_open = data.status == Status::Created && signature.status == SignatureStatus::Created;
    if !is_open || data.link_channel(position).is_none() || !visit.session.has(Role::ConsoleOperate) {
        return Vec::new();
    }
    let link = |deed: Deed| link(visit, data.creation.id, signature.id, deed);
    Deed::ALL.map(|deed| Act { words: Phrase::new(deed.keys()[0]), link: link(deed) }).into()
}

/// What was just done, as the address says.
pub fn done(name: &str) -> Option<Phrase> {
    let name = name.strip_prefix("link-")?;
    Deed::ALL.into_iter().find(|deed| deed.name() == name).map(|deed| Phrase::new(deed.keys()[2]))
}

fn link(visit: &Visit, process: Uuid, signature: Uuid, deed: Deed) -> String {
    format!("{}/links/{signature}/{}", address(visit, process), deed.name())
}

/// An act that an address names.
struct Asked {
    process: Uuid,
    signature: Uuid,
    /// The signer's alias.
    who: String,
    deed: Deed,
}

impl Asked {
    async fn by(visit: &Visit) -> Result<Self, Failure> {
        let name = visit.call.segment("deed");
        let deed = Deed::ALL.into_iter().find(|deed| deed.name() == name).ok_or(Failure::NotFound)?;
        let signature = Uuid::parse_str(&visit.call.segment("signature")).map_err(|_| Failure::NotFound)?;
        let (process, machine) = found(visit).await?;
        let signer = machine.data().and_then(|data| data.creation.signers.get(data.position(signature)?));
        let who = signer.ok_or(Failure::NotFound)?.alias.clone();
        Ok(Self { process, signature, who, deed })
    }

    fn question(&self, visit: &Visit, reason: String, error: Option<Phrase>) -> Question {
        let [title, consequence, _] = self.deed.keys();
        Question {
            frame: visit.frame(),
            title: Phrase::new(title),
            about: Phrase::new("console.link.of").with("who", &self.who),
            id: self.process.to_string(),
            consequence: Phrase::new(consequence),
            link: link(visit, self.process, self.signature, self.deed),
            back: address(visit, self.process),
            reason,
            error,
            max_reason: MAX_REASON,
            is_grave: false,
        }
    }

    fn refused(&self, visit: &Visit, refusal: &Refusal) -> HttpResponse {
        let words = match refusal {
            Refusal::Busy { wait, .. } => {
                let until = visit.site().moment(&visit.organization, visit.process_time() + *wait);
                Phrase::new("console.link.busy").with("most", RENEWALS_PER_DAY).with("until", until.shown)
            }
            _ => Phrase::new("console.link.state"),
        };
        let problem = Problem {
            frame: visit.frame(),
            title: Phrase::new("console.problem.forged"),
            words,
            next: address(visit, self.process),
            next_words: Phrase::new("console.problem.back"),
        };
        visit.call.page(StatusCode::CONFLICT, problem.html())
    }
}

/// The question before an act.
pub async fn question_page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Processes), async |visit| {
        visit.needs(Role::ConsoleOperate)?;
        let asked = Asked::by(visit).await?;
        Ok(visit.page(asked.question(visit, String::new(), None).html()))
    })
    .await
}

/// Does it in the name of who is signed in.
pub async fn act(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    Visit::run(request, Some(NavPart::Processes), async |visit| {
        visit.needs(Role::ConsoleOperate)?;
        let reason = reason_of(visit, payload).await?;
        let asked = Asked::by(visit).await?;
        let reason = match reason {
            Ok(reason) => reason,
            Err(reason) => {
                let error = Some(Phrase::new("console.cancel.no_reason"));
                return Ok(visit.call.page(StatusCode::BAD_REQUEST, asked.question(visit, reason, error).html()));
            }
        };
        let command = asked.deed.command(asked.signature, Hand { by: visit.staff(), reason });
        match visit.engine().processes.sign.ask(&visit.organization, asked.process, command).await {
            Ok(_) => Ok(visit.done(&format!("{}?done=link-{}", address(visit, asked.process), asked.deed.name()))),
            Err(actors::Error::Refused(refusal @ (Refusal::State(_) | Refusal::Busy { .. }))) => {
                Ok(asked.refused(visit, &refusal))
            }
            Err(error) => Err(error.into()),
        }
    })
    .await
}
