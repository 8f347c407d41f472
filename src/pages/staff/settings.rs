//! C12: how signers' pages look and in whose pages they stand: seen by staff, set by who has the role for it.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use data_encoding::BASE64;
use pages::{
    console::{NavPart, Offer, Phrase, Sample, Settings, SettingsPart},
    texts::Language,
};
use workflows::values::Problems;

use super::visit::{CSRF_PART, Failure, Visit, part_list, part_text};
use crate::{
    access::Role,
    catalogue::{
        Error as CatalogueError,
        item::Act,
        page_configuration::{Draft, Error, MAX_LOGO_FILE},
    },
    http::multipart::{self, Part},
};

/// The longest text of a field, in bytes.
const MAX_TEXT: usize = 8 * 1024;

/// More of a logo is read than is taken, so that it can be said what is wrong with it.
const PARTS: [Part; 10] = [
    CSRF_PART,
    Part::once("origins", MAX_TEXT),
    Part::once("accent", MAX_TEXT),
    Part::once("contact_email", MAX_TEXT),
    Part::once("contact_phone", MAX_TEXT),
    Part::once("privacy_url", MAX_TEXT),
    Part::repeated("languages", 16),
    Part::once("first", 16),
    Part::once("remove_logo", 16),
    Part::once("logo", 2 * MAX_LOGO_FILE),
];

/// Grounds and texts of the signing element's two schemes (`style_base.ts`), and the colour that it has of itself.
const LIGHT: (&str, &str, &str, &str) = ("#ffffff", "#1a1f27", "#ffffff", "#1d4f91");
const DARK: (&str, &str, &str, &str) = ("#1c2128", "#e9edf3", "#0b1b33", "#9cc2ff");

impl From<CatalogueError> for Failure {
    fn from(error: CatalogueError) -> Self {
        tracing::warn!(%error, "the console has no answer of the catalogue");
        Self::Unavailable
    }
}

/// The page, as it is stored or as somebody sent it.
pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Settings), async |visit| {
        let saved = visit.call.parameter("done").filter(|done| done == "saved");
        let mut shown = shown(visit, None).await?;
        shown.done = saved.map(|_| Phrase::new("console.settings.saved"));
        Ok(visit.page(shown.html()))
    })
    .await
}

/// Sets what was sent.
pub async fn set(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    Visit::run(request, Some(NavPart::Settings), async |visit| {
        visit.needs(Role::ConsoleAdmin)?;
        let mut form = visit.own_parts(payload, &PARTS).await?;
        let (_, current) = visit.engine().signers.pages.load(&visit.organization).await?;
        let mut draft = draft(&mut form)?;
        let is_removed = !part_text(&mut form, "remove_logo")?.is_empty();
        // A browser sends an empty part where no file was chosen.
        draft.logo = match form.take("logo").filter(|file| !file.is_empty()) {
            Some(file) => Some(BASE64.encode(&file)),
            None => current.logo.as_ref().filter(|_| !is_removed).map(|logo| logo.content.clone()),
        };
        let staff = visit.staff();
        let act = Act { at: visit.call.now(), by: Some(&staff.subject), why: None };
        match visit.engine().signers.pages.set(&visit.organization, draft.clone(), act).await {
            Ok(_) => Ok(visit.done(&format!("{}?done=saved", address(visit)))),
            Err(Error::Invalid(problems)) => {
                let shown = shown(visit, Some((draft, problems))).await?;
                Ok(visit.call.page(StatusCode::BAD_REQUEST, shown.html()))
            }
            Err(Error::Catalogue(error)) => Err(error.into()),
        }
    })
    .await
}

fn address(visit: &Visit) -> String {
    format!("{}/pages", visit.here().path)
}

/// What a form says, but for the logo. An empty field sets nothing.
fn draft(form: &mut multipart::Form) -> Result<Draft, Failure> {
    let mut languages = part_list(form, "languages")?;
    // The one for whoever wants none of them stands first.
    let first = part_text(form, "first")?;
    languages.sort_by_key(|tag| *tag != first);
    let origins = part_text(form, "origins")?;
    let mut some = |name: &str| -> Result<Option<String>, Failure> {
        Ok(Some(part_text(form, name)?.trim().to_owned()).filter(|text| !text.is_empty()))
    };
    Ok(Draft {
        origins: origins.split_whitespace().map(str::to_owned).collect(),
        accent: some("accent")?,
        logo: None,
        contact_email: some("contact_email")?,
        contact_phone: some("contact_phone")?,
        privacy_url: some("privacy_url")?,
        languages,
    })
}

async fn shown(visit: &Visit, sent: Option<(Draft, Problems)>) -> Result<Settings, Failure> {
    let pages = &visit.engine().signers.pages;
    let (version, current) = pages.load(&visit.organization).await?;
    let last = pages.last_set(&visit.organization).await?.map(|(at, by)| {
        let words = Phrase::new("console.settings.last").with("version", version).with("who", by.unwrap_or_default());
        (words, visit.site().minute(&visit.organization, at))
    });
    let accent = |dark: bool, otherwise: &str| {
        let own = current.accent.as_ref().map(|accent| if dark { &accent.dark } else { &accent.light });
        own.map_or_else(|| otherwise.to_owned(), Clone::clone)
    };
    let name = visit.here().name;
    let sample = |title, dark, (paper, ink, on_accent, otherwise): (&'static str, &'static str, &'static str, &str)| Sample {
        title: Phrase::new(title),
        paper,
        ink,
        on_accent,
        accent: accent(dark, otherwise),
        name: name.clone(),
    };
    let samples = vec![sample("console.settings.light", false, LIGHT), sample("console.settings.dark", true, DARK)];
    let (draft, problems) = sent.unwrap_or_else(|| {
        let current = (*current).clone();
        let draft = Draft {
            origins: current.origins,
            accent: current.accent.map(|accent| accent.light),
            logo: None,
            contact_email: current.contact_email,
            contact_phone: current.contact_phone,
            privacy_url: current.privacy_url,
            languages: current.languages,
        };
        (draft, Problems::default())
    });
    let offered = |tag: &str| draft.languages.iter().position(|own| own == tag);
    let languages = Language::ALL.map(|language| {
        let tag = language.tag();
        Offer { tag, name: language.own_name(), is_offered: offered(tag).is_some(), is_first: offered(tag) == Some(0) }
    });
    let (other_email, other_phone) = visit.site().tenants.contact(&visit.organization);
    Ok(Settings {
        frame: visit.frame(),
        part: SettingsPart::Pages,
        done: None,
        problems: problems.iter().map(|problem| (problem.path.clone(), problem.message.clone())).collect(),
        may_change: visit.session.has(Role::ConsoleAdmin),
        link: address(visit),
        last,
        origins: draft.origins.join("\n"),
        accent: draft.accent.unwrap_or_default(),
        email: draft.contact_email.unwrap_or_default(),
        other_email,
        phone: draft.contact_phone.unwrap_or_default(),
        other_phone,
        privacy: draft.privacy_url.unwrap_or_default(),
        languages: languages.into(),
        logo: current
            .logo
            .as_ref()
            .map(|logo| format!("{}{}", visit.site().root, crate::pages::logo_path(&visit.organization, logo))),
        samples,
    })
}
