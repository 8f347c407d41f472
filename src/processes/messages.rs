//! Messages to people: what they say, where they go, and what becomes of an attempt to send one.

use std::{collections::HashMap, sync::Arc, time::Duration};

use actors::Attempt;
use chrono::{DateTime, Utc};
use workflows::{Channel, Contact, Machine, identification::otp::Taken};

use super::{World, refused};
use crate::channels::{
    Message, Outcome, Route,
    texts::{Content, Data},
};
use crate::config::{Config, Organization};

/// What people know of an organization.
#[derive(Clone, Debug)]
struct Tenant {
    name: String,
    /// `None`: UTC.
    time_zone: Option<chrono_tz::Tz>,
    contact_email: Option<String>,
    contact_phone: Option<String>,
}

/// The organizations that are described in the configuration.
#[derive(Clone, Debug, Default)]
pub struct Tenants(Arc<HashMap<String, Tenant>>);

impl Tenants {
    pub fn of(config: &Config) -> Self {
        let tenant = |(id, organization): (&String, &Organization)| {
            let name = organization.name.clone().unwrap_or_else(|| id.clone());
            let Organization { time_zone, contact_email, contact_phone, .. } = organization.clone();
            (id.clone(), Tenant { name, time_zone, contact_email, contact_phone })
        };
        Self(Arc::new(config.organizations.iter().map(tenant).collect()))
    }

    /// The configured name, or the identifier.
    pub fn name(&self, organization: &str) -> String {
        self.0.get(organization).map_or_else(|| organization.to_owned(), |tenant| tenant.name.clone())
    }

    /// The configured e-mail address and phone of those who answer questions of signers.
    pub fn contact(&self, organization: &str) -> (Option<String>, Option<String>) {
        let tenant = self.0.get(organization);
        tenant.map_or((None, None), |tenant| (tenant.contact_email.clone(), tenant.contact_phone.clone()))
    }

    /// The configured time zone.
    pub fn time_zone(&self, organization: &str) -> Option<chrono_tz::Tz> {
        self.0.get(organization).and_then(|tenant| tenant.time_zone)
    }
}

/// One message before it has a text.
pub(super) struct Draft<'a> {
    pub organization: &'a str,
    pub reference: String,
    pub channel: Channel,
    /// The tenant delivers it.
    pub external: bool,
    pub person: &'a Contact,
    pub documents: Vec<String>,
    pub content: Content,
    pub until: DateTime<Utc>,
    /// Where its gateway is to report what becomes of it.
    pub receipt_url: Option<String>,
}

/// A message that its channel took.
pub(super) struct Sent {
    /// The provider's name for it.
    pub provider_id: Option<String>,
    pub route: Route,
}

impl Sent {
    /// As the journal keeps it; `reports` says whether the provider was asked to report on it.
    pub fn taken(self, reports: bool) -> Taken {
        Taken { provider_id: self.provider_id, provider: self.route.provider, sender: self.route.sender, reports }
    }
}

impl World {
    /// One attempt to send a message. `Ok` is what is known of it, `Err` how the attempt ended otherwise.
    pub(super) async fn send<M: Machine>(&self, draft: Draft<'_>, now: DateTime<Utc>) -> Result<Sent, Attempt<M>> {
        let Some(to) = draft.person.destination(draft.channel) else {
            return Err(refused("the person cannot be reached on this channel"));
        };
        let Ok(ttl) = (draft.until - now).to_std() else { return Err(refused("its time is over")) };
        let code = match &draft.content {
            Content::OtpCode { code, .. } => Some(code.clone()),
            Content::SignRequest { .. } | Content::Certified { .. } => None,
        };
        let kind = draft.content.kind();
        let data = Data {
            tenant: self.tenants.name(draft.organization),
            signer: draft.person.name.clone(),
            documents: draft.documents,
            content: draft.content,
        };
        let rendered = self.channels.texts().render(draft.organization, draft.channel, draft.person.language, &data);
        let rendered = rendered.map_err(|error| refused(format!("the text cannot be made: {error}")))?;
        let message = Message {
            reference: draft.reference,
            organization: draft.organization.to_owned(),
            channel: draft.channel,
            external: draft.external,
            to,
            language: rendered.language,
            kind,
            subject: rendered.subject,
            text: rendered.text,
            html: None,
            code,
            ttl: ttl.max(Duration::from_secs(1)),
            receipt_url: draft.receipt_url,
        };
        let route = self.channels.route(&message.destination(), now);
        match self.channels.send(&message, now).await {
            Outcome::Accepted { provider_id } => Ok(Sent { provider_id, route }),
            Outcome::Refused { reason } => Err(refused(reason)),
            Outcome::Retry { reason, after } => Err(Attempt::Retry { reason, after }),
            Outcome::Ambiguous { reason } => Err(Attempt::Unknown { reason }),
        }
    }
}
