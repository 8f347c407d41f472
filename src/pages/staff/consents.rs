//! C11: definitions of consents with their versions, and the trees of segments as customers see them.

use actix_web::{HttpRequest, HttpResponse};
use pages::console::{
    self, ConsentChoice, ConsentStatement, ConsentTexts, ConsentTree, ConsentTreeVersion, ConsentVersion, ConsentsPart, Detail,
    DetailValue, ListedConsent, NavPart, Phrase,
};
use percent_encoding::utf8_percent_encode;
use workflows::consents::{Choice, ConsentType, Format};

use super::{
    templates::{at, text},
    visit::{Failure, Visit},
};
use crate::{
    catalogue::{
        self,
        consents::{self as definitions, Accepted, ConsentId, Definition, Details, LanguageTag, Slice, Tree, UsersType, Wanted},
    },
    consents::display::{self, Statement, display},
    percent::RESERVED,
    records::Versioned,
};

/// Definitions of a page: with the longest texts in all languages they are still told at once.
const PAGE: usize = 50;

/// Versions of a definition on a page, by the same reckoning.
const VERSIONS: usize = 10;

/// Versions of a tree on a page.
const TREE_VERSIONS: usize = 20;

/// Trees that can be chosen.
const MAX_TREES: usize = 200;

/// Last page that can be asked for.
const LAST_PAGE: usize = 10_000;

impl From<definitions::Error> for Failure {
    fn from(error: definitions::Error) -> Self {
        use definitions::Error as E;
        match error {
            E::NoConsent | E::NoTree(_) | E::NoEdition(_) => Self::NotFound,
            error => {
                tracing::warn!(%error, "the console has no answer of the consents");
                Self::Unavailable
            }
        }
    }
}

fn list(visit: &Visit) -> String {
    format!("{}/consents", visit.here().path)
}

/// Where each part is.
pub fn parts(visit: &Visit) -> Vec<(ConsentsPart, String)> {
    let list = list(visit);
    let address = |part| match part {
        ConsentsPart::Definitions => list.clone(),
        ConsentsPart::Trees => format!("{list}/trees"),
        ConsentsPart::Customers => format!("{list}/customers"),
    };
    ConsentsPart::ALL.map(|part| (part, address(part))).into()
}

pub fn words(name: &'static str, key: &'static str) -> Detail {
    Detail { name, value: DetailValue::Words(Phrase::new(key)) }
}

/// The word of the pages for a choice.
pub fn choice(choice: Choice) -> ConsentChoice {
    match choice {
        Choice::Accepted => ConsentChoice::Accepted,
        Choice::Pending => ConsentChoice::Pending,
        Choice::Rejected => ConsentChoice::Rejected,
    }
}

fn kind(kind: ConsentType) -> &'static str {
    match kind {
        ConsentType::OptIn => "console.consents.opt_in",
        ConsentType::OptOutPositive => "console.consents.opt_out_positive",
        ConsentType::OptOutNegative => "console.consents.opt_out_negative",
    }
}

fn joined<'a>(tags: impl IntoIterator<Item = &'a LanguageTag>) -> String {
    tags.into_iter().map(LanguageTag::as_str).collect::<Vec<_>>().join(", ")
}

fn ids<'a>(ids: impl IntoIterator<Item = &'a ConsentId>) -> String {
    ids.into_iter().map(ConsentId::as_str).collect::<Vec<_>>().join(", ")
}

fn number(visit: &Visit) -> usize {
    visit.call.parameter("page").and_then(|text| text.parse::<usize>().ok()).unwrap_or(0).min(LAST_PAGE)
}

/// The pages before and after one, of which one item more than it shows was read.
fn around<T>(found: &mut Vec<T>, number: usize, size: usize, at: impl Fn(usize) -> String) -> (Option<String>, Option<String>) {
    let older = (found.len() > size).then(|| at(number + 1));
    found.truncate(size);
    (number.checked_sub(1).map(at), older)
}

/// The definitions, by their ids.
pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Consents), async |visit| {
        let (number, list) = (number(visit), list(visit));
        let slice = Slice { skip: number * PAGE, take: PAGE + 1 };
        let consents = &visit.call.state().consents;
        let mut found = consents.definitions(&visit.organization, &Wanted::default(), slice).await?;
        let address = |number: usize| if number == 0 { list.clone() } else { format!("{list}?page={number}") };
        let (newer, older) = around(&mut found, number, PAGE, address);
        let page = console::Consents {
            frame: visit.frame(),
            parts: parts(visit),
            rows: found.into_iter().map(|found| row(visit, &list, found)).collect(),
            newer,
            older,
        };
        Ok(visit.page(page.html()))
    })
    .await
}

fn row(visit: &Visit, list: &str, found: Versioned<Definition>) -> ListedConsent {
    let definition = found.value;
    let languages = joined(definition.languages());
    let link = format!("{list}/definitions/{}", utf8_percent_encode(definition.id.as_str(), RESERVED));
    let first = definition.details.into_iter().next();
    let (short, language) = first.map(|details| (details.short_text, details.language.as_str().to_owned())).unwrap_or_default();
    ListedConsent {
        id: definition.id.to_string(),
        link,
        short,
        language,
        kind: kind(definition.choice_type),
        expiration: definition.expiration,
        languages,
        version: found.version,
        changed: visit.site().minute(&visit.organization, found.at),
    }
}

/// One definition with a page of its versions.
pub async fn definition(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Consents), async |visit| {
        let id = ConsentId::new(&visit.call.segment("id")).map_err(|_| Failure::NotFound)?;
        let (consents, organization) = (&visit.call.state().consents, visit.organization.as_str());
        let wanted = Wanted { id: Some(id.clone()), ..Wanted::default() };
        let found = consents.definitions(organization, &wanted, Slice { skip: 0, take: 1 }).await?;
        let current = found.into_iter().next().ok_or(Failure::NotFound)?;
        let number = number(visit);
        let slice = Slice { skip: number * VERSIONS, take: VERSIONS + 1 };
        let mut history = consents.history(organization, &id, slice).await?;
        let mut versions: Vec<ConsentVersion> = Vec::with_capacity(history.len());
        for (place, version) in history.iter().enumerate() {
            versions.push(of_version(visit, version, history.get(place + 1)));
        }
        let own = format!("{}/definitions/{}", list(visit), utf8_percent_encode(id.as_str(), RESERVED));
        let (newer, older) = around(&mut history, number, VERSIONS, |number| format!("{own}?page={number}#versions"));
        versions.truncate(VERSIONS);
        let value = current.value;
        let mut details = vec![
            words("console.process.kind", kind(value.choice_type)),
            text("console.templates.version", current.version.to_string()),
            at(visit, "console.consents.changed", current.at),
            text("console.documents.by", value.subject),
        ];
        if let Some(expiration) = value.expiration {
            details.insert(1, text("console.consents.holds", expiration));
        }
        let page = console::Consent {
            frame: visit.frame(),
            id: id.to_string(),
            back: list(visit),
            details,
            texts: value.details.iter().map(texts).collect(),
            versions,
            newer,
            older,
        };
        Ok(visit.page(page.html()))
    })
    .await
}

fn texts(details: &Details) -> ConsentTexts {
    ConsentTexts {
        language: details.language.as_str().to_owned(),
        text: details.text.clone(),
        short: details.short_text.clone(),
        description: details.description.clone(),
    }
}

/// A version beside the one before it.
fn of_version(visit: &Visit, version: &Versioned<Definition>, before: Option<&Versioned<Definition>>) -> ConsentVersion {
    let own = &version.value;
    let is_new = |details: &&Details| before.is_none_or(|before| before.value.details_in(&details.language) != Some(*details));
    let new: Vec<&Details> = own.details.iter().filter(is_new).collect();
    let what = match (before, new.is_empty()) {
        (None, _) => Phrase::new("console.consents.first_version"),
        (Some(_), true) => Phrase::new("console.consents.same_texts"),
        (Some(_), false) => {
            Phrase::new("console.consents.new_texts").with("languages", joined(new.iter().map(|details| &details.language)))
        }
    };
    ConsentVersion {
        number: version.version,
        at: visit.site().moment(&visit.organization, version.at),
        by: own.subject.clone(),
        why: own.change_log.clone().unwrap_or_default(),
        what,
        texts: new.into_iter().map(texts).collect(),
    }
}

fn tree_address(visit: &Visit, segment: &str, users: UsersType) -> String {
    let segment = utf8_percent_encode(segment, RESERVED);
    format!("{}/trees?segment={segment}&users_type={users}", list(visit))
}

/// The trees that there are, at most as many as can be chosen.
pub async fn planted(visit: &Visit) -> Result<Vec<(String, UsersType)>, Failure> {
    let planted = visit.call.state().consents.planted(&visit.organization).await.map_err(catalogue::Error::from)?;
    Ok(planted.into_iter().take(MAX_TREES).collect())
}

/// A tree as customers see it, with a page of its versions.
pub async fn trees(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Consents), async |visit| {
        let planted = planted(visit).await?;
        let asked = visit.call.parameter("segment");
        let users = visit.call.parameter("users_type").and_then(|name| UsersType::named(&name).ok());
        let is_asked = |(segment, own): &&(String, UsersType)| {
            asked.as_ref().is_none_or(|asked| asked == segment) && users.is_none_or(|users| users == *own)
        };
        let chosen = planted.iter().find(is_asked);
        if chosen.is_none() && asked.is_some() {
            return Err(Failure::NotFound);
        }
        let tree = match chosen {
            Some((segment, users)) => Some(tree(visit, segment, *users).await?),
            None => None,
        };
        let link = |one: &(String, UsersType)| {
            let users = match one.1 {
                UsersType::Customers => "console.consents.of_customers",
                UsersType::Leads => "console.consents.of_leads",
            };
            (one.0.clone(), users, tree_address(visit, &one.0, one.1), chosen == Some(one))
        };
        let page =
            console::ConsentTrees { frame: visit.frame(), parts: parts(visit), trees: planted.iter().map(link).collect(), tree };
        Ok(visit.page(page.html()))
    })
    .await
}

async fn tree(visit: &Visit, segment: &str, users: UsersType) -> Result<ConsentTree, Failure> {
    let (consents, organization) = (&visit.call.state().consents, visit.organization.as_str());
    let edition = consents.edition(organization, segment, users).await?;
    let languages = Accepted::of(&visit.call.parameter("language").unwrap_or_default());
    let wanted = display::Wanted { languages, format: Format::Normal, ..display::Wanted::default() };
    // No view is asked for, so that none is missing.
    let shown = display(&edition, None, &wanted, visit.process_time()).map_err(|_| Failure::NotFound)?;
    let (link, number) = (tree_address(visit, segment, users), number(visit));
    let slice = Slice { skip: number * TREE_VERSIONS, take: TREE_VERSIONS + 1 };
    let mut versions = consents.tree_history(organization, segment, Some(users), slice).await?;
    let (newer, older) = around(&mut versions, number, TREE_VERSIONS, |number| format!("{link}&page={number}#versions"));
    let own = &edition.tree;
    let view = |view: &definitions::View| format!("{}: {}", view.view, ids(&view.consents));
    let mut details = vec![
        text("console.templates.description", own.description.clone()),
        text("console.consents.edition", edition.number.to_string()),
        at(visit, "console.consents.changed", edition.created_at),
        text("console.templates.default_language", own.default_language.as_str()),
        text("console.consents.priorities", ids(&own.priority_consent_ids)),
        text("console.consents.views", own.views.iter().map(view).collect::<Vec<_>>().join("; ")),
        text("console.consents.channels", own.channels.join(", ")),
    ];
    details.retain(|detail| !matches!(&detail.value, DetailValue::Text(text) if text.is_empty()));
    let language = |tag: &LanguageTag| {
        let address = format!("{link}&language={}", utf8_percent_encode(tag.as_str(), RESERVED));
        (tag.as_str().to_owned(), address, *tag == shown.language)
    };
    Ok(ConsentTree {
        details,
        languages: own.allowed_languages.iter().map(language).collect(),
        language: shown.language.as_str().to_owned(),
        statements: statements(visit, &shown.body.statements),
        versions: versions.into_iter().map(|version| tree_version(visit, version)).collect(),
        newer,
        older,
    })
}

fn tree_version(visit: &Visit, version: Versioned<Tree>) -> ConsentTreeVersion {
    ConsentTreeVersion {
        at: visit.site().moment(&visit.organization, version.at),
        consents: ids(&version.value.consents_order),
        by: version.value.subject,
        why: version.value.change_log.unwrap_or_default(),
    }
}

/// Statements in the order in which they are read.
pub fn statements(visit: &Visit, roots: &[Statement]) -> Vec<ConsentStatement> {
    let mut all = Vec::new();
    gather(visit, roots, HIGHEST, &mut all);
    all
}

/// Levels of the headings of statements: below that of their section, and not so deep that browsers show them smaller than the text. How deep a
/// statement is the lists say.
const HIGHEST: u8 = 3;
const LOWEST: u8 = 4;

fn gather(visit: &Visit, statements: &[Statement], level: u8, all: &mut Vec<ConsentStatement>) {
    for statement in statements {
        let children = &statement.child_statements;
        all.push(ConsentStatement {
            level,
            id: statement.id.to_string(),
            text: statement.text.clone(),
            description: statement.description.clone(),
            choice: choice(statement.choice),
            kind: kind(statement.choice_type),
            until: statement.expiration_date.map(|at| visit.site().moment(&visit.organization, at)),
            is_context: statement.read_only,
            opens: !children.is_empty(),
            closes: 0,
        });
        gather(visit, children, (level + 1).min(LOWEST), all);
        if let (false, Some(last)) = (children.is_empty(), all.last_mut()) {
            last.closes += 1;
        }
    }
}
