//! C15: which server answers, and what it is set to. What is shown is named here, option by option: nothing secret, no address within the
//! operator's network, and of organizations only the one that is looked at.

use std::{collections::BTreeMap, sync::Arc};

use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use pages::console::{self, NavPart, Phrase, ServerPart};
use workflows::Channel;

use super::visit::Visit;
use crate::{
    config::{Config, Mode, Organization},
    erasure::{Kind, Periods},
    iso_duration,
};

/// What does not change while the server runs. Cheap to clone.
#[derive(Clone)]
pub struct Facts(Arc<Known>);

struct Known {
    started: DateTime<Utc>,
    is_shared: bool,
    /// Options of the server by their names, in their order.
    options: Vec<(&'static str, String)>,
    fallback_channels: Vec<Channel>,
    organizations: BTreeMap<String, Own>,
    periods: Periods,
}

/// What an organization may know of its own options.
struct Own {
    time_zone: Option<String>,
    contact_email: Option<String>,
    contact_phone: Option<String>,
    fallback_channels: Option<Vec<Channel>>,
}

impl Facts {
    /// Of a server that starts now.
    pub fn of(config: &Config, now: DateTime<Utc>) -> Self {
        let own = |(id, organization): (&String, &Organization)| {
            let Organization { time_zone, contact_email, contact_phone, fallback_channels, .. } = organization.clone();
            let time_zone = time_zone.map(|zone| zone.name().to_owned());
            (id.clone(), Own { time_zone, contact_email, contact_phone, fallback_channels })
        };
        Self(Arc::new(Known {
            started: now,
            is_shared: config.store.is_shared(),
            options: options(config),
            fallback_channels: config.codes.fallback_channels.clone(),
            organizations: config.organizations.iter().map(own).collect(),
            periods: config.periods(),
        }))
    }

    /// Options as an organization's staff may read them.
    fn shown(&self, organization: &str) -> Vec<(String, String)> {
        let Known { options, fallback_channels, organizations, periods, .. } = &*self.0;
        let mut shown: Vec<(String, String)> = options.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let own = organizations.get(organization);
        let channels = own.and_then(|own| own.fallback_channels.as_ref()).unwrap_or(fallback_channels);
        shown.push(("codes.fallback_channels".into(), listed(channels)));
        let mut add = |name: &str, value: Option<String>| {
            shown.push((format!("organizations.{organization}.{name}"), value.unwrap_or_else(|| "–".into())));
        };
        add("time_zone", own.and_then(|own| own.time_zone.clone()));
        add("contact_email", own.and_then(|own| own.contact_email.clone()));
        add("contact_phone", own.and_then(|own| own.contact_phone.clone()));
        for kind in Kind::ALL {
            add(&format!("retention.{}", kind.name()), periods.of(organization, kind).map(ToString::to_string));
        }
        shown
    }
}

fn listed(channels: &[Channel]) -> String {
    let names = channels.iter().map(|channel| match channel {
        Channel::Sms => "SMS",
        Channel::Email => "EMAIL",
        Channel::Whatsapp => "WHATSAPP",
    });
    let names: Vec<_> = names.collect();
    if names.is_empty() { "–".into() } else { names.join(", ") }
}

/// Options whose values everybody with a session may read.
fn options(config: &Config) -> Vec<(&'static str, String)> {
    let (codes, processes) = (&config.codes, &config.processes);
    let mode = match config.mode {
        Mode::Development => "development",
        Mode::Production => "production",
    };
    vec![
        ("mode", mode.to_owned()),
        ("documents.limit", config.documents.limit.to_string()),
        ("server.json_limit", config.server.json_limit.to_string()),
        ("processes.effect_attempts", processes.effect_attempts.to_string()),
        ("processes.effect_backoff", iso_duration::format(processes.effect_backoff)),
        ("processes.effect_timeout", iso_duration::format(processes.effect_timeout)),
        ("codes.digits", codes.digits.to_string()),
        ("codes.digits_email", codes.digits_email.to_string()),
        ("codes.lifetime", iso_duration::format(codes.lifetime)),
        ("codes.challenges", codes.challenges.to_string()),
        ("codes.attempts", codes.attempts.to_string()),
        ("codes.failures", codes.failures.to_string()),
        ("codes.receipt_timeout", iso_duration::format(codes.receipt_timeout)),
        ("access.resume_lifetime", iso_duration::format(config.access.resume_lifetime)),
    ]
}

/// The page.
pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Server), async |visit| {
        let Facts(known) = &visit.site().facts;
        let store = if known.is_shared { "console.facts.shared" } else { "console.facts.embedded" };
        let others = match (known.is_shared, visit.site().recent.nodes()) {
            (false, _) => Phrase::new("console.facts.alone"),
            (true, Some(count)) => Phrase::new("console.facts.others_count").with("count", count),
            (true, None) => Phrase::new("console.facts.others_unknown"),
        };
        let ahead = visit.engine().clock.advanced();
        let clock = match ahead.is_zero() {
            true => Phrase::new("console.facts.clock_same"),
            false => Phrase::new("console.facts.clock_ahead").with("ahead", iso_duration::format(ahead)),
        };
        let page = console::Facts {
            frame: visit.frame(),
            part: ServerPart::Facts,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: visit.site().moment(&visit.organization, known.started),
            store: Phrase::new(store),
            others,
            clock,
            options: visit.site().facts.shown(&visit.organization),
        };
        Ok(visit.page(page.html()))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_shown_and_of_organizations_only_ones_own() {
        let text = r#"
            [keys]
            master = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ="
            [codes]
            digits = 7
            fallback_channels = ["EMAIL"]
            [retention.after]
            sign_process = "P5Y"
            [organizations.acme]
            contact_email = "help@acme.example"
            fallback_channels = ["WHATSAPP", "SMS"]
            [organizations.rival]
            contact_email = "help@rival.example"
            contact_phone = "+34900000000"
            [organizations.rival.retention]
            sign_process = "P7Y"
        "#;
        let config: Config = toml::from_str(text).unwrap();
        let facts = Facts::of(&config, DateTime::UNIX_EPOCH);
        let shown = facts.shown("acme");
        let value = |name: &str| shown.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        assert_eq!((value("codes.digits"), value("codes.fallback_channels")), (Some("7"), Some("WHATSAPP, SMS")));
        assert_eq!(value("organizations.acme.contact_email"), Some("help@acme.example"));
        assert_eq!(value("organizations.acme.retention.sign_process"), Some("P5Y"));
        let all = format!("{shown:?}");
        for part in ["c2VjcmV0", "rival", "900000000", "P7Y"] {
            assert!(!all.contains(part), "{part}: {all}");
        }
        let other = format!("{:?}", facts.shown("nobody"));
        assert!(other.contains("(\"codes.fallback_channels\", \"EMAIL\")") && !other.contains("acme"), "{other}");
    }
}
