//! C12: what messages say. They come from files that whoever runs the server puts there, so they are shown and not changed.

use actix_web::{HttpRequest, HttpResponse};
use pages::{
    console::{MessageLanguage, MessageText, Messages, NavPart, Phrase, SettingsPart},
    texts::Language as PageLanguage,
};

use super::visit::{Failure, Visit};
use crate::channels::{
    Channel, Language,
    texts::{Kind, Preview},
};

/// The languages of messages, as the pages know them.
const LANGUAGES: [(Language, PageLanguage); 6] = [
    (Language::Es, PageLanguage::Spanish),
    (Language::En, PageLanguage::English),
    (Language::Ca, PageLanguage::Catalan),
    (Language::Eu, PageLanguage::Basque),
    (Language::Gl, PageLanguage::Galician),
    (Language::De, PageLanguage::German),
];

/// The texts in the language that was asked for, else in that of people without one.
pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Settings), async |visit| {
        let texts = visit.site().channels.texts();
        let otherwise = texts.language(&visit.organization, Language::Undefined);
        let asked = visit.call.parameter("language");
        let known = LANGUAGES.iter().find(|(_, own)| Some(own.tag()) == asked.as_deref());
        let shown = known.map_or(otherwise, |(language, _)| *language);
        let tenant = visit.site().tenants.name(&visit.organization);
        let previews = texts.previews(&visit.organization, &tenant, shown).map_err(|error| {
            tracing::warn!(organization = %visit.organization, %error, "a text that the console shows cannot be rendered");
            Failure::Unavailable
        })?;
        let tag = named(shown).tag();
        let path = visit.here().path;
        let page = Messages {
            frame: visit.frame(),
            part: SettingsPart::Messages,
            languages: LANGUAGES
                .iter()
                .map(|(language, own)| MessageLanguage {
                    tag: own.tag(),
                    name: own.own_name(),
                    link: format!("{path}/{}?language={}", SettingsPart::Messages.path(), own.tag()),
                    is_on: *language == shown,
                })
                .collect(),
            otherwise: Phrase::new("console.messages.otherwise").with("language", named(otherwise).own_name()),
            texts: previews.into_iter().map(|preview| text(preview, tag)).collect(),
        };
        Ok(visit.page(page.html()))
    })
    .await
}

fn named(language: Language) -> PageLanguage {
    let known = LANGUAGES.iter().find(|(own, _)| *own == language);
    known.map_or(PageLanguage::Spanish, |(_, own)| *own)
}

fn text(preview: Preview, tag: &'static str) -> MessageText {
    MessageText {
        about: match preview.kind {
            Kind::OtpCode => "console.messages.otp_code",
            Kind::SignRequest => "console.messages.sign_request",
            Kind::Certified => "console.messages.certified",
        },
        sent: match preview.channel {
            Channel::Email => "console.messages.mail",
            Channel::Sms | Channel::Whatsapp => "console.messages.short",
        },
        whose: if preview.is_own { "console.messages.own" } else { "console.messages.server" },
        tag,
        subject: preview.rendered.subject,
        text: preview.rendered.text,
    }
}
