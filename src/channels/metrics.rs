//! What is measured of messages: the registration of SMS senders, and the fates of codes.

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};
use workflows::identification::otp::Fate;

use super::{Channel, senders::Registration};

/// Metrics of the channels of a server.
#[derive(Clone)]
pub struct Metrics {
    registered: IntGaugeVec,
    days_left: IntGaugeVec,
    unregistered: IntCounterVec,
    fates: IntCounterVec,
}

impl Metrics {
    /// # Errors
    /// If the registry holds metrics of these names already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge =
            |name: &str, help: &str| IntGaugeVec::new(Opts::new(name, help), &["organization", "country", "sender", "provider"]);
        let counter = |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let metrics = Self {
            registered: gauge("rubrica_sms_sender_registered", "Whether an SMS sender of letters is registered")?,
            days_left: gauge("rubrica_sms_sender_days_left", "Days until the registration of an SMS sender is over")?,
            unregistered: counter(
                "rubrica_sms_sender_unregistered_total",
                "SMS whose sender was not registered, by what became of them: fallback (the number was used) or refused",
                &["organization", "sender", "outcome"],
            )?,
            fates: counter(
                "rubrica_code_fates_total",
                "Messages with one-time codes by their fate; one that a late receipt corrects counts again",
                &["channel", "provider", "fate"],
            )?,
        };
        registry.register(Box::new(metrics.registered.clone()))?;
        registry.register(Box::new(metrics.days_left.clone()))?;
        registry.register(Box::new(metrics.unregistered.clone()))?;
        registry.register(Box::new(metrics.fates.clone()))?;
        Ok(metrics)
    }

    pub(super) fn set_registrations<'a>(&self, registrations: impl Iterator<Item = Registration<'a>>) {
        for Registration { owner, country, alias, provider, is_registered, days_left } in registrations {
            let labels = [owner.label(), country, alias, provider];
            self.registered.with_label_values(&labels).set(is_registered.into());
            if let Some(days) = days_left {
                self.days_left.with_label_values(&labels).set(days.max(0));
            }
        }
    }

    /// `owner` is the organization whose sender it is, or nobody where it is the server's, so that no more labels come to be than are
    /// configured.
    pub(super) fn count_unregistered(&self, owner: &str, alias: &str, outcome: &str) {
        self.unregistered.with_label_values(&[owner, alias, outcome]).inc();
    }

    /// Counts that the fate of a message with a code became known.
    pub fn count_fate(&self, channel: Channel, provider: &str, fate: Fate) {
        let channel = match channel {
            Channel::Sms => "SMS",
            Channel::Email => "EMAIL",
            Channel::Whatsapp => "WHATSAPP",
        };
        self.fates.with_label_values(&[channel, provider, fate.name()]).inc();
    }
}
