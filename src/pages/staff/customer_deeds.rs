//! C11: what can be done about a customer's consents in a segment: an export, and their deletion.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use pages::console::{ConsentExport, NavPart, Phrase, Remove};
use workflows::{
    consents::Caller,
    values::{Hand, MAX_REASON, check_reason},
};

use super::{
    customer::{blocked, file, found, own_address, subject},
    handles::Customer,
    visit::{Failure, Form, Visit},
};
use crate::{
    access::Role,
    consents::{export::Order, service},
};

/// Audience of what staff does, where callers of the API have that of their token.
const AUDIENCE: &str = "console";

/// What somebody does, as addresses name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Export,
    Delete,
}

impl Deed {
    const ALL: [Self; 2] = [Self::Export, Self::Delete];

    fn name(self) -> &'static str {
        match self {
            Self::Export => "export",
            Self::Delete => "delete",
        }
    }

    /// All that are needed. To delete has a role of its own in the contract.
    fn roles(self) -> &'static [Role] {
        match self {
            Self::Export => &[Role::ConsoleOperate],
            Self::Delete => &[Role::ConsoleOperate, Role::ConsentsDelete],
        }
    }
}

fn deed(visit: &Visit) -> Result<Deed, Failure> {
    let name = visit.call.segment("deed");
    let deed = Deed::ALL.into_iter().find(|deed| deed.name() == name).ok_or(Failure::NotFound)?;
    deed.roles().iter().try_for_each(|role| visit.needs(*role))?;
    Ok(deed)
}

/// What was given in a form, and what is wrong with it.
#[derive(Default)]
struct Given {
    reason: String,
    reason_error: Option<Phrase>,
    typed_error: Option<Phrase>,
}

impl Given {
    fn of(form: &Form, deed: Deed, customer: &Customer) -> Self {
        // Forms have line ends of their own.
        let reason = form.text("reason").replace("\r\n", "\n").trim().to_owned();
        let reason_error = check_reason(&reason).is_err().then(|| Phrase::new("console.cancel.no_reason"));
        let typed = form.text("typed");
        let is_typed = deed != Deed::Delete || typed == customer.id || typed.trim() == customer.id;
        Self { reason, reason_error, typed_error: (!is_typed).then(|| Phrase::new("console.remove.not_typed")) }
    }

    fn is_wrong(&self) -> bool {
        self.reason_error.is_some() || self.typed_error.is_some()
    }
}

fn question(visit: &Visit, customer: Customer, deed: Deed, given: Given) -> String {
    let back = own_address(visit);
    let link = format!("{back}/{}", deed.name());
    let Given { reason, reason_error, typed_error } = given;
    match deed {
        Deed::Export => ConsentExport {
            frame: visit.frame(),
            customer: customer.id,
            segment: customer.segment,
            link,
            back,
            reason,
            error: reason_error,
            max_reason: MAX_REASON,
        }
        .html(),
        Deed::Delete => Remove {
            frame: visit.frame(),
            title: Phrase::new("console.consents.delete"),
            name: customer.segment,
            id: customer.id,
            consequence: Phrase::new("console.consents.delete_about"),
            link,
            back,
            reason,
            reason_error,
            typed_error,
            max_reason: MAX_REASON,
        }
        .html(),
    }
}

fn too_late(visit: &Visit, customer: Customer, deed: Deed, reason: String) -> HttpResponse {
    let reason_error = Some(Phrase::new("console.act.too_late"));
    let page = question(visit, customer, deed, Given { reason, reason_error, typed_error: None });
    visit.call.page(StatusCode::CONFLICT, page)
}

/// The question before it.
pub async fn question_page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Consents), async |visit| {
        let (deed, (customer, state)) = (deed(visit)?, found(visit).await?);
        if deed == Deed::Delete && !state.known() {
            return Ok(too_late(visit, customer, deed, String::new()));
        }
        Ok(visit.page(question(visit, customer, deed, Given::default())))
    })
    .await
}

/// Does it. Who deleted and why is in the customer's journal; who exported and why, in the file.
pub async fn act(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    Visit::run(request, Some(NavPart::Consents), async |visit| {
        let deed = deed(visit)?;
        let form = visit.own_form(payload).await?;
        let (customer, _) = found(visit).await?;
        let given = Given::of(&form, deed, &customer);
        if given.is_wrong() {
            return Ok(visit.call.page(StatusCode::BAD_REQUEST, question(visit, customer, deed, given)));
        }
        let response = match deed {
            Deed::Export => {
                let file = export(visit, &customer, &given.reason).await?;
                visit.did();
                file
            }
            Deed::Delete => match delete(visit, &customer, given.reason.clone()).await {
                Err(service::Error::UnknownCustomer) => return Ok(too_late(visit, customer, deed, given.reason)),
                done => done.map(|()| visit.done(&format!("{}?done={}", own_address(visit), deed.name())))?,
            },
        };
        let record = visit.engine().customers.id(&subject(visit, &customer));
        tracing::info!(subject = visit.session.subject, %record, deed = deed.name(), "an act by hand");
        Ok(response)
    })
    .await
}

async fn delete(visit: &Visit, customer: &Customer, reason: String) -> Result<(), service::Error> {
    let caller = Caller { subject: visit.session.subject.clone(), audience: AUDIENCE.to_owned() };
    let hand = Hand { by: visit.staff(), reason };
    let customers = &visit.engine().customers;
    customers.delete(&subject(visit, customer), caller, Some(hand), visit.process_time()).await.map(drop)
}

async fn export(visit: &Visit, customer: &Customer, reason: &str) -> Result<HttpResponse, Failure> {
    let by = visit.staff().to_string();
    let (order, now) = (Order { by: &by, reason }, visit.process_time());
    let export = visit.engine().proofs.export(&subject(visit, customer), blocked(visit), order, now).await?;
    let json = serde_json::to_vec_pretty(&export).map_err(|error| {
        tracing::error!(%error, "an export cannot be written");
        Failure::Unavailable
    })?;
    Ok(file("consents-export.json", json))
}
