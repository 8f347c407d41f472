//! C12: the sign configuration: seen by staff, set by who has the role for it. A key file is looked at before it is stored: what cannot be used is
//! refused with all that is wrong with it, and file and password are in no page, address or log line.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use bytes::Bytes;
use documents::{Level, pkcs12::doctor::Report};
use pages::console::{ChannelPick, NavPart, Phrase, SettingsPart, Signing};
use workflows::values::Problems;

use super::{
    key_file,
    visit::{CSRF_PART, Failure, Visit, part_list, part_text},
};
use crate::{
    access::Role,
    catalogue::{
        item::Act,
        sign_configuration::{Change, Channel, Error, MAX_PASSWORD, SignConfiguration},
    },
    http::multipart::{self, Part},
    iso_duration,
    signers::OWN_PAGES,
};

/// The largest file that is looked at, in bytes: more than is stored, so that it can be said what is wrong with it.
const MAX_FILE: usize = 512 * 1024;

/// The longest text of a member, in bytes.
const MAX_TEXT: usize = 16 * 1024;

const PARTS: [Part; 12] = [
    CSRF_PART,
    Part::once("deed", 16),
    Part::once("landing_url", MAX_TEXT),
    Part::once("expiration_duration", MAX_TEXT),
    Part::repeated("channels", 16),
    Part::once("notification_email", MAX_TEXT),
    Part::once("identification_config", MAX_TEXT),
    Part::once("contact_policy", MAX_TEXT),
    Part::once("biometric_policy", MAX_TEXT),
    Part::once("signature_level", 16),
    Part::once("content", MAX_FILE),
    Part::once("sign_certificate_password", MAX_PASSWORD),
];

/// What a form says, but for the file.
struct Draft {
    landing_url: String,
    expiration_duration: String,
    /// By their names in the contract.
    channels: Vec<String>,
    notification_email: String,
    /// Texts of the members that are JSON, in the order of [`MEMBERS`].
    members: [String; 3],
    /// By its name; empty for that of the server.
    level: String,
}

/// The members that are JSON, with their labels.
const MEMBERS: [(&str, &str); 3] = [
    ("contact_policy", "console.signing.contact_policy"),
    ("identification_config", "console.signing.identification_config"),
    ("biometric_policy", "console.signing.biometric_policy"),
];

/// The page, as it is stored.
pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Settings), async |visit| {
        let saved = visit.call.parameter("done").filter(|done| done == "saved");
        let mut shown = shown(visit, None).await?;
        shown.done = saved.map(|_| Phrase::new("console.signing.saved"));
        Ok(visit.page(shown.html()))
    })
    .await
}

/// Looks at the file that was sent, or sets what was sent.
pub async fn set(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    Visit::run(request, Some(NavPart::Settings), async |visit| {
        visit.needs(Role::ConsoleAdmin)?;
        let mut form = visit.own_parts(payload, &PARTS).await?;
        let checks_only = part_text(&mut form, "deed")? == "check";
        // A browser sends an empty part where no file was chosen.
        let file = form.take("content").filter(|file| !file.is_empty());
        let password = part_text(&mut form, "sign_certificate_password")?;
        let draft = Draft::read(&mut form)?;
        let report = match &file {
            Some(file) => Some(examine(visit, file.clone(), password.clone()).await?),
            None => None,
        };
        if checks_only || report.as_ref().is_some_and(|report| !report.is_usable()) {
            return looked_at(visit, draft, report.as_ref(), checks_only).await;
        }
        save(visit, draft, file.map(|file| (file, password)), report.as_ref()).await
    })
    .await
}

/// The page with what is to be said of a file; nothing is stored.
async fn looked_at(visit: &Visit, draft: Draft, report: Option<&Report>, checks_only: bool) -> Result<HttpResponse, Failure> {
    let mut problems = Problems::default();
    if report.is_none() {
        problems.note("content", "choose a file to check");
    }
    let is_refused = report.is_none_or(|report| !report.is_usable());
    let mut shown = shown(visit, Some((draft, problems))).await?;
    let words = match (checks_only, is_refused) {
        (true, false) => "console.signing.checked",
        (true, true) => "console.signing.checked_bad",
        (false, _) => "console.signing.refused",
    };
    shown.sent = report.map(|report| (Phrase::new(words), key_file::shown(visit, report)));
    // Looking at a bad file went well; only saving it is refused.
    let status = if checks_only && report.is_some() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(visit.call.page(status, shown.html()))
}

async fn save(
    visit: &Visit,
    draft: Draft,
    file: Option<(Bytes, String)>,
    report: Option<&Report>,
) -> Result<HttpResponse, Failure> {
    let configurations = &visit.call.state().configurations;
    let staff = visit.staff();
    let act = Act { at: visit.call.now(), by: Some(&staff.subject), why: None };
    let organization = visit.organization.as_str();
    let change = draft.change(file);
    let saved = match configurations.load(organization).await.map_err(unavailable)? {
        Some(_) => configurations.update(organization, change, act).await,
        None => configurations.create(organization, change, act).await,
    };
    let problems = match saved {
        Ok(()) => return Ok(visit.done(&format!("{}?done=saved", address(visit)))),
        Err(Error::Invalid(problems)) => problems,
        // The doctor opened it a moment ago.
        Err(error) => return Err(unavailable(error)),
    };
    let mut shown = shown(visit, Some((draft, problems))).await?;
    shown.sent = report.map(|report| (Phrase::new("console.signing.not_saved"), key_file::shown(visit, report)));
    Ok(visit.call.page(StatusCode::BAD_REQUEST, shown.html()))
}

async fn examine(visit: &Visit, file: Bytes, password: String) -> Result<Report, Failure> {
    let configurations = &visit.call.state().configurations;
    Ok(configurations.examine(&visit.organization, file, Some(password), visit.call.now()).await?)
}

fn address(visit: &Visit) -> String {
    format!("{}/{}", visit.here().path, SettingsPart::Signing.path())
}

impl Draft {
    fn read(form: &mut multipart::Form) -> Result<Self, Failure> {
        let channels = part_list(form, "channels")?;
        let mut members = [String::new(), String::new(), String::new()];
        for (member, (name, _)) in members.iter_mut().zip(MEMBERS) {
            *member = part_text(form, name)?;
        }
        Ok(Self {
            landing_url: part_text(form, "landing_url")?,
            expiration_duration: part_text(form, "expiration_duration")?,
            channels: channels.into_iter().filter(|channel| !channel.is_empty()).collect(),
            notification_email: part_text(form, "notification_email")?,
            members,
            level: part_text(form, "signature_level")?,
        })
    }

    fn of(configuration: &SignConfiguration) -> Result<Self, Failure> {
        let pretty = |value: serde_json::Result<String>| {
            value.map_err(|error| {
                tracing::warn!(%error, "the console cannot write a member of a sign configuration");
                Failure::Unavailable
            })
        };
        let contact = configuration.contact_policy.as_ref().map(serde_json::to_string_pretty).transpose();
        let biometric = configuration.biometric_policy.as_ref().map(serde_json::to_string_pretty).transpose();
        let mut identification = serde_json::Map::new();
        if let Some(providers) = &configuration.providers {
            identification.insert("providers".into(), serde_json::json!(providers));
        }
        if !configuration.levels.is_empty() {
            identification.insert("levels".into(), serde_json::json!(configuration.levels));
        }
        let identification = match identification.is_empty() {
            true => String::new(),
            false => pretty(serde_json::to_string_pretty(&identification))?,
        };
        Ok(Self {
            landing_url: configuration.landing_url.clone(),
            expiration_duration: iso_duration::format(configuration.expiration_duration),
            channels: configuration.channels.iter().map(|channel| name(*channel).to_owned()).collect(),
            notification_email: configuration.notification_email.clone(),
            members: [
                pretty(contact.map(Option::unwrap_or_default))?,
                identification,
                pretty(biometric.map(Option::unwrap_or_default))?,
            ],
            level: configuration.signature_level.map(|level| level.name().to_owned()).unwrap_or_default(),
        })
    }

    /// Where there is no configuration yet.
    fn new(landing_url: String) -> Self {
        Self {
            landing_url,
            expiration_duration: "P7D".to_owned(),
            channels: vec![name(Channel::Email).to_owned(), name(Channel::Sms).to_owned()],
            notification_email: String::new(),
            members: Default::default(),
            level: String::new(),
        }
    }

    /// An empty member that is JSON changes nothing.
    fn change(&self, file: Option<(Bytes, String)>) -> Change {
        let [contact_policy, identification_config, biometric_policy] =
            self.members.each_ref().map(|member| Some(member.trim().to_owned()).filter(|text| !text.is_empty()));
        let (content, password) = file.unzip();
        Change {
            landing_url: Some(self.landing_url.trim().to_owned()),
            expiration_duration: Some(self.expiration_duration.trim().to_owned()),
            channels: Some(self.channels.clone()),
            content,
            sign_certificate_password: password,
            notification_email: Some(self.notification_email.trim().to_owned()),
            identification_config,
            contact_policy,
            biometric_policy,
            signature_level: Some(self.level.clone()),
        }
    }

    /// The levels to pick: name, and whether it is picked.
    fn levels(&self) -> Vec<(&'static str, bool)> {
        Level::ALL.map(|level| (level.name(), level.name() == self.level)).to_vec()
    }

    /// The channels to pick: as many places as there are channels.
    fn picks(&self) -> Vec<ChannelPick> {
        const PLACES: [(&str, &str); 3] = [
            ("channel_1", "console.signing.channel_first"),
            ("channel_2", "console.signing.channel_second"),
            ("channel_3", "console.signing.channel_third"),
        ];
        let picked = |place: usize| self.channels.get(place).map_or("", String::as_str);
        PLACES
            .into_iter()
            .enumerate()
            .map(|(place, (id, label))| {
                let known = [Channel::Email, Channel::Sms, Channel::Whatsapp].map(|channel| (name(channel), words(channel)));
                let offers = std::iter::once(("", "console.signing.channel_none")).chain(known);
                let offers = offers.map(|(value, words)| (value, words, value == picked(place))).collect();
                ChannelPick { id, label, offers }
            })
            .collect()
    }
}

/// In the contract.
fn name(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "EMAIL",
        Channel::Sms => "SMS",
        Channel::Whatsapp => "WHATSAPP",
    }
}

fn words(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "console.channel.email",
        Channel::Sms => "console.channel.sms",
        Channel::Whatsapp => "console.channel.whatsapp",
    }
}

async fn shown(visit: &Visit, sent: Option<(Draft, Problems)>) -> Result<Signing, Failure> {
    let (configurations, organization) = (&visit.call.state().configurations, visit.organization.as_str());
    let configuration = configurations.load(organization).await.map_err(unavailable)?;
    let last = configurations.last_set(organization).await.map_err(unavailable)?;
    let last = configuration.as_ref().zip(last).map(|(configuration, (at, by))| {
        let words = Phrase::new("console.settings.last").with("version", configuration.version);
        (words.with("who", by.unwrap_or_else(|| "–".into())), visit.site().minute(organization, at))
    });
    let (stored, unreadable) = match configurations.examine_stored(organization, visit.call.now()).await {
        Ok(report) => (report.map(|report| key_file::shown(visit, &report)), None),
        Err(Error::Unusable(reason)) => {
            tracing::warn!(organization, reason, "a certificate that the console shows cannot be opened");
            (None, Some(Phrase::new("console.signing.unusable")))
        }
        Err(error) => return Err(unavailable(error)),
    };
    let (draft, problems) = match (sent, &configuration) {
        (Some(sent), _) => sent,
        (None, Some(configuration)) => (Draft::of(configuration)?, Problems::default()),
        (None, None) => (Draft::new(OWN_PAGES.to_owned()), Problems::default()),
    };
    let (channels, levels) = (draft.picks(), draft.levels());
    let members = MEMBERS.into_iter().zip(draft.members).map(|((name, label), text)| (name, label, text));
    Ok(Signing {
        frame: visit.frame(),
        part: SettingsPart::Signing,
        done: None,
        problems: problems.iter().map(|problem| (problem.path.clone(), problem.message.clone())).collect(),
        may_change: visit.session.has(Role::ConsoleAdmin),
        link: address(visit),
        last,
        sent: None,
        stored,
        unreadable,
        landing_url: draft.landing_url,
        duration: draft.expiration_duration,
        channels,
        email: draft.notification_email,
        members: members.collect(),
        levels,
        connections: configuration.map(|configuration| configuration.connected).unwrap_or_default(),
    })
}

fn unavailable(error: Error) -> Failure {
    tracing::warn!(%error, "the console has no answer of the sign configuration");
    Failure::Unavailable
}
