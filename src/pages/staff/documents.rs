//! C9: documents, newest first, uploads or what the server made; one document with its versions and holders, and its deletion.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use chrono::TimeDelta;
use pages::console::{self, Kept, ListedDocument, NavPart, Phrase, Question, RecordVersion, Related, Remove};
use store::{Cursor, Timestamp};
use uuid::Uuid;
use workflows::{
    Attribute,
    values::{MAX_REASON, check_reason},
};

use super::{
    effects::by,
    made,
    processes::{read_cursor, write_cursor},
    visit::{Failure, Form, Visit},
};
use crate::{
    access::Role,
    catalogue::{
        Holder,
        documents::{self, Document, Extension, State, Version},
        item::{Act, Found},
    },
    public_url::Disposition,
};

/// Documents of a page.
const PAGE: usize = 50;

/// Versions, processes and holders that are shown of one.
const MOST: usize = 50;

/// How long the address of a document works that a page leads to.
const LINK_TIME: TimeDelta = TimeDelta::minutes(5);

/// Width of the image of a page, one of those that there are.
const PAGE_WIDTH: u32 = 800;

impl From<documents::Error> for Failure {
    fn from(error: documents::Error) -> Self {
        match error {
            documents::Error::NotFound | documents::Error::Gone => Self::NotFound,
            error => {
                tracing::warn!(%error, "the console has no answer of the documents");
                Self::Unavailable
            }
        }
    }
}

/// A size for people.
pub fn size(bytes: u64) -> String {
    match bytes {
        ..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// An address of a document that works for minutes, below the one at which the browser is, by whatever name it came.
///
/// # Errors
/// [`Failure::Unavailable`].
pub fn public_address(visit: &Visit, document: &Document, disposition: Disposition) -> Result<String, Failure> {
    let state = visit.call.state();
    let shared = state.public_url(&visit.organization, (document.id, document.digest), disposition, LINK_TIME);
    let (url, _) = shared.map_err(|_| Failure::Unavailable)?;
    let base = state.options.public_base_url.trim_end_matches('/');
    url.strip_prefix(base).map(|path| format!("{}{path}", visit.site().root)).ok_or(Failure::Unavailable)
}

/// The address of the image of a document's first page.
///
/// # Errors
/// As [`public_address`].
pub fn page_address(visit: &Visit, document: &Document) -> Result<String, Failure> {
    Ok(format!("{}/pages/0/{PAGE_WIDTH}", public_address(visit, document, Disposition::Inline)?))
}

fn kept(state: State) -> Kept {
    match state {
        State::Present | State::Leaving => Kept::There,
        State::Deleted { .. } => Kept::Deleted,
        State::Removed { .. } => Kept::Removed,
    }
}

fn visibility(document: &Document) -> &'static str {
    if document.is_public() { "console.documents.public" } else { "console.documents.private" }
}

fn about(document: &Document) -> String {
    format!("{}, {}", document.extension, size(document.size))
}

/// Where the page of one is.
fn address(visit: &Visit, id: Uuid) -> String {
    format!("{}/documents/{id}", visit.here().path)
}

/// Where the documents of a list come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Uploaded,
    Processes,
    Fills,
}

impl Origin {
    const ALL: [Self; 3] = [Self::Uploaded, Self::Processes, Self::Fills];

    /// As the address says it; uploads where it says nothing known.
    fn of(visit: &Visit) -> Self {
        let asked = visit.call.parameter("of");
        Self::ALL.into_iter().find(|own| asked.as_deref() == Some(own.name())).unwrap_or(Self::Uploaded)
    }

    /// In addresses.
    fn name(self) -> &'static str {
        match self {
            Self::Uploaded => "uploads",
            Self::Processes => "processes",
            Self::Fills => "fills",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Uploaded => "console.documents.of_uploads",
            Self::Processes => "console.documents.of_processes",
            Self::Fills => "console.documents.of_fills",
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::Uploaded => "console.documents.about",
            Self::Processes => "console.documents.about_processes",
            Self::Fills => "console.documents.about_fills",
        }
    }

    fn none(self) -> &'static str {
        match self {
            Self::Uploaded => "console.documents.none",
            Self::Processes | Self::Fills => "console.documents.none_made",
        }
    }
}

/// The list, or what was searched for.
pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Documents), async |visit| {
        let documents = &visit.call.state().documents;
        let query = visit.call.parameter("q").unwrap_or_default();
        let asked = query.trim();
        let mut missing = None;
        if !asked.is_empty() {
            if let Ok(id) = Uuid::parse_str(asked) {
                match documents.current(&visit.organization, id).await {
                    Ok(_) => return Ok(visit.call.see(&address(visit, id))),
                    Err(documents::Error::NotFound) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            missing = Some(Phrase::new("console.documents.missing").with("query", asked));
        }
        let origin = Origin::of(visit);
        let list = |origin: Origin| match origin {
            Origin::Uploaded => format!("{}/documents", visit.here().path),
            origin => format!("{}/documents?of={}", visit.here().path, origin.name()),
        };
        let after = visit.call.parameter("after").and_then(|text| read_cursor(&text));
        let made = |next: Option<Cursor>| next.map(|next| format!("{}&after={}", list(origin), write_cursor(&next)));
        let (found, next, is_first) = match origin {
            Origin::Uploaded => {
                let before = visit.call.parameter("before").and_then(|text| Uuid::parse_str(&text).ok());
                let (found, next) = documents.newest(&visit.organization, before, visit.call.now(), PAGE).await?;
                (found, next.map(|next| format!("{}?before={next}", list(origin))), before.is_none())
            }
            Origin::Processes => {
                let (found, next) = made::of_processes(visit, after.as_ref()).await?;
                (found, made(next), after.is_none())
            }
            Origin::Fills => {
                let (found, next) = made::of_fills(visit, after.as_ref()).await?;
                (found, made(next), after.is_none())
            }
        };
        let page = console::Documents {
            frame: visit.frame(),
            query,
            missing,
            origins: Origin::ALL.map(|own| (own.words(), list(own), own == origin)).into(),
            about: origin.about(),
            none: origin.none(),
            rows: found.iter().map(|version| listed(visit, version)).collect(),
            next,
            newest: (!is_first).then(|| list(origin)),
        };
        Ok(visit.page(page.html()))
    })
    .await
}

fn listed(visit: &Visit, version: &Version) -> ListedDocument {
    let document = &version.item.value;
    ListedDocument {
        id: document.id.to_string(),
        link: address(visit, document.id),
        name: document.name.clone(),
        about: about(document),
        kept: kept(version.item.state),
        visibility: visibility(document),
        created: visit.site().minute(&visit.organization, version.created_at()),
    }
}

async fn found(visit: &Visit) -> Result<Version, Failure> {
    let id = Uuid::parse_str(&visit.call.segment("id")).map_err(|_| Failure::NotFound)?;
    Ok(visit.call.state().documents.current(&visit.organization, id).await?)
}

/// Whether somebody may open it here: what belongs to an owner is for those who answer for the organization.
fn may_open(visit: &Visit, document: &Document) -> bool {
    document.is_public() || visit.session.has(Role::ConsoleAdmin)
}

/// One document.
pub async fn document(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Documents), async |visit| {
        let found = found(visit).await?;
        let (document, state) = (&found.item.value, found.item.state);
        let link = address(visit, document.id);
        let moment = |at: Timestamp| visit.site().moment(&visit.organization, at);
        let documents = &visit.call.state().documents;
        let opens = state.is_present() && may_open(visit, document);
        let active = if opens { active_content(visit, document).await? } else { None };
        let versions = documents.versions(&visit.organization, document.id, MOST).await?;
        let (processes, more_processes) = processes(visit, document.id).await?;
        let mut holders = documents.holders(&visit.organization, document, MOST + 1).await?;
        let more_holders = holders.len() > MOST;
        holders.truncate(MOST);
        let is_drawn = matches!(document.extension, Extension::Pdf | Extension::Png | Extension::Jpg | Extension::Jpeg);
        let page = console::StoredDocument {
            frame: visit.frame(),
            id: document.id.to_string(),
            name: document.name.clone(),
            about: about(document),
            kept: kept(state),
            visibility: visibility(document),
            created: moment(found.created_at()),
            deleted: state.deleted_at().map(moment),
            labels: document.tags.join(", "),
            sha256: document.digest.to_string(),
            md5: document.archive_hash.clone(),
            active,
            download: opens.then(|| format!("{link}/download")),
            page: (opens && is_drawn).then(|| format!("{link}/page")),
            closed: state.is_present() && !opens,
            versions: versions.into_iter().map(|version| record_version(visit, version)).collect(),
            processes,
            more_processes,
            holders: holders.into_iter().map(|holder| holding(visit, document.id, holder)).collect(),
            more_holders,
            delete: Deed::Delete.is_offered(visit, state).then(|| format!("{link}/delete")),
            remove: Deed::Remove.is_offered(visit, state).then(|| format!("{link}/remove")),
            done: Deed::ALL.into_iter().find(|deed| visit.call.parameter("done").as_deref() == Some(deed.name())).map(Deed::done),
        };
        Ok(visit.page(page.html()))
    })
    .await
}

/// What of a PDF is more than pages.
async fn active_content(visit: &Visit, document: &Document) -> Result<Option<Phrase>, Failure> {
    let found = visit.call.state().documents.active_content(&visit.organization, document).await?;
    Ok(found.map(|found| {
        let counts = [found.javascript, found.launch_actions, found.embedded_files, found.multimedia, u32::from(found.xfa)];
        if counts == [0; 5] {
            return Phrase::new("console.documents.active_none");
        }
        let words = Phrase::new("console.documents.active_words");
        let words = words.with("scripts", found.javascript).with("programs", found.launch_actions);
        words.with("files", found.embedded_files).with("media", found.multimedia).with("xfa", u32::from(found.xfa))
    }))
}

fn record_version(visit: &Visit, version: Found<Document>) -> RecordVersion {
    let (what, by) = version.item.change.map(|change| (change.what, change.by)).unwrap_or_default();
    RecordVersion {
        number: version.version,
        at: visit.site().moment(&visit.organization, version.at),
        what,
        by: by.unwrap_or_default(),
    }
}

/// The sign processes that it is in, newest first, and whether there are more.
async fn processes(visit: &Visit, id: Uuid) -> Result<(Vec<Related>, bool), Failure> {
    let attribute = Attribute::document(id);
    let found = visit.engine().processes.sign.find(&visit.organization, &attribute, None, MOST).await?;
    let one = |id: Uuid| Related {
        words: Phrase::new("console.kind.sign_process"),
        id: id.to_string(),
        link: format!("{}/processes/{id}", visit.here().path),
        state: None,
    };
    Ok((found.items.iter().map(|item| one(item.entity.id)).collect(), found.next.is_some()))
}

fn holding(visit: &Visit, own: Uuid, holder: Holder) -> Related {
    let here = visit.here().path;
    let (words, id, link) = match holder {
        Holder::Document(id) if id == own => ("console.holder.itself", Some(id), String::new()),
        Holder::Document(id) => ("console.holder.document", Some(id), format!("{here}/documents/{id}")),
        // The search knows of what kind it is.
        Holder::Process(id) => ("console.holder.process", Some(id), format!("{here}/processes?q={id}")),
        Holder::Form(id) => ("console.holder.form", Some(id), String::new()),
        Holder::ConfigurationDocument(id) => ("console.holder.configuration", Some(id), String::new()),
        Holder::DynamicTemplateVersion(id) => ("console.holder.dynamic", Some(id), String::new()),
        Holder::Lease => ("console.holder.lease", None, String::new()),
    };
    Related { words: Phrase::new(words), id: id.map(|id| id.to_string()).unwrap_or_default(), link, state: None }
}

/// To its bytes, by an address that works for minutes.
pub async fn download(request: HttpRequest) -> HttpResponse {
    open(request, |visit, document| public_address(visit, document, Disposition::Attachment)).await
}

/// To the image of its first page.
pub async fn first_page(request: HttpRequest) -> HttpResponse {
    open(request, page_address).await
}

async fn open(request: HttpRequest, to: impl Fn(&Visit, &Document) -> Result<String, Failure>) -> HttpResponse {
    Visit::run(request, Some(NavPart::Documents), async |visit| {
        let found = found(visit).await?;
        let document = &found.item.value;
        if !found.item.state.is_present() {
            return Err(Failure::NotFound);
        }
        if !may_open(visit, document) {
            return Err(Failure::Forbidden(Role::ConsoleAdmin));
        }
        tracing::debug!(document = %document.id, subject = visit.session.subject, "the console leads to a document");
        Ok(visit.call.see(&to(visit, document)?))
    })
    .await
}

/// What somebody does, as addresses name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    /// Logically.
    Delete,
    /// Physically.
    Remove,
}

impl Deed {
    const ALL: [Self; 2] = [Self::Delete, Self::Remove];

    fn name(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Remove => "remove",
        }
    }

    /// As the contract has `documents_write` and `documents_admin`.
    fn role(self) -> Role {
        match self {
            Self::Delete => Role::ConsoleOperate,
            Self::Remove => Role::ConsoleAdmin,
        }
    }

    fn is_possible(self, state: State) -> bool {
        match self {
            Self::Delete => state.is_present(),
            Self::Remove => !matches!(state, State::Removed { .. }),
        }
    }

    fn is_offered(self, visit: &Visit, state: State) -> bool {
        self.is_possible(state) && visit.session.has(self.role())
    }

    fn title(self) -> Phrase {
        Phrase::new(match self {
            Self::Delete => "console.deed.delete_document",
            Self::Remove => "console.deed.remove_document",
        })
    }

    fn done(self) -> Phrase {
        Phrase::new(match self {
            Self::Delete => "console.deed.document_deleted",
            Self::Remove => "console.deed.document_removed",
        })
    }
}

fn deed(visit: &Visit) -> Result<Deed, Failure> {
    let name = visit.call.segment("deed");
    let deed = Deed::ALL.into_iter().find(|deed| deed.name() == name).ok_or(Failure::NotFound)?;
    visit.needs(deed.role())?;
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
    fn of(form: &Form, deed: Deed, id: Uuid) -> Self {
        // Forms have line ends of their own.
        let reason = form.text("reason").replace("\r\n", "\n").trim().to_owned();
        let reason_error = check_reason(&reason).is_err().then(|| Phrase::new("console.cancel.no_reason"));
        let is_typed = deed != Deed::Remove || Uuid::parse_str(form.text("typed").trim()) == Ok(id);
        Self { reason, reason_error, typed_error: (!is_typed).then(|| Phrase::new("console.remove.not_typed")) }
    }

    fn is_wrong(&self) -> bool {
        self.reason_error.is_some() || self.typed_error.is_some()
    }
}

fn question(visit: &Visit, document: &Document, deed: Deed, given: Given) -> String {
    let back = address(visit, document.id);
    let link = format!("{back}/{}", deed.name());
    let Given { reason, reason_error, typed_error } = given;
    match deed {
        Deed::Delete => Question {
            frame: visit.frame(),
            title: deed.title(),
            about: Phrase::new("console.documents.named").with("name", &document.name),
            id: document.id.to_string(),
            consequence: Phrase::new("console.deed.delete_document_about"),
            link,
            back,
            reason,
            error: reason_error,
            max_reason: MAX_REASON,
            is_grave: true,
        }
        .html(),
        Deed::Remove => Remove {
            frame: visit.frame(),
            title: deed.title(),
            name: document.name.clone(),
            id: document.id.to_string(),
            consequence: Phrase::new("console.deed.remove_document_about"),
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

fn too_late(visit: &Visit, document: &Document, deed: Deed, reason: String) -> HttpResponse {
    let reason_error = Some(Phrase::new("console.act.too_late"));
    let page = question(visit, document, deed, Given { reason, reason_error, typed_error: None });
    visit.call.page(StatusCode::CONFLICT, page)
}

/// The question before a deletion.
pub async fn question_page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Documents), async |visit| {
        let (deed, found) = (deed(visit)?, found(visit).await?);
        let document = &found.item.value;
        if !deed.is_possible(found.item.state) {
            return Ok(too_late(visit, document, deed, String::new()));
        }
        Ok(visit.page(question(visit, document, deed, Given::default())))
    })
    .await
}

/// Deletes it. Who and why is in the record, as a version of its own.
pub async fn act(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    Visit::run(request, Some(NavPart::Documents), async |visit| {
        let deed = deed(visit)?;
        let form = visit.own_form(payload).await?;
        let found = found(visit).await?;
        let document = &found.item.value;
        let given = Given::of(&form, deed, document.id);
        if given.is_wrong() {
            return Ok(visit.call.page(StatusCode::BAD_REQUEST, question(visit, document, deed, given)));
        }
        let by = by(visit);
        let act = Act { at: visit.call.now(), by: Some(&by), why: Some(&given.reason) };
        let (documents, organization) = (&visit.call.state().documents, visit.organization.as_str());
        // Staff acts for the organization, whoever of its customers the document belongs to.
        let owner = document.owner.as_ref();
        let done = match deed {
            Deed::Delete => documents.delete(organization, document.id, owner, act).await,
            Deed::Remove => documents.delete_physically(organization, document.id, owner, act).await,
        };
        match done {
            Ok(_) => Ok(visit.done(&format!("{}?done={}", address(visit, document.id), deed.name()))),
            Err(documents::Error::AlreadyDeleted | documents::Error::Gone | documents::Error::NotOwner) => {
                Ok(too_late(visit, document, deed, given.reason))
            }
            Err(error) => Err(error.into()),
        }
    })
    .await
}
