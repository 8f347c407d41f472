//! The console: the configuration reference.

use chrono::TimeDelta;
use reqwest::Url;
use serde::Deserialize;

use super::{
    Error,
    bounds::{seconds, within},
    server::Server,
};
use crate::{access::oidc, iso_duration};

/// The pages of staff (`/console`). They are there where somebody can sign in: with an identity provider, or where `access.development` is on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Console {
    /// How long a session goes on without a request. PT1M to PT8H. Default: PT30M.
    #[serde(with = "iso_duration")]
    pub idle_time: TimeDelta,
    /// How long a session goes on in all; then staff signs in again. PT5M to P1D. Default: PT8H.
    #[serde(with = "iso_duration")]
    pub session_time: TimeDelta,
    /// How long it is kept who of the staff did what, in whole days. P1D to P3650D. Default: P400D.
    #[serde(with = "iso_duration")]
    pub log_time: TimeDelta,
    /// Where staff signs in. Default: nowhere.
    pub oidc: Option<oidc::Options>,
}

impl Default for Console {
    fn default() -> Self {
        Self { idle_time: TimeDelta::minutes(30), session_time: TimeDelta::hours(8), log_time: TimeDelta::days(400), oidc: None }
    }
}

impl Console {
    /// # Errors
    /// The option that is out of bounds.
    pub(super) fn check(&self, server: &Server) -> Result<(), Error> {
        within("console.idle_time", seconds(self.idle_time, 60, 8 * 3600), "PT1M to PT8H")?;
        within("console.session_time", seconds(self.session_time, 300, 86_400), "PT5M to P1D")?;
        within("console.log_time", seconds(self.log_time, 86_400, 3650 * 86_400), "P1D to P3650D")?;
        let Some(oidc) = &self.oidc else { return Ok(()) };
        oidc.check().map_err(|problem| Error::Invalid(format!("console.oidc.{problem}")))?;
        let is_safe = match server.public_base_url.as_deref().map(Url::parse) {
            Some(Ok(base)) => base.scheme() == "https" || matches!(base.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")),
            Some(Err(_)) => false,
            None => server.listen.ip().is_loopback(),
        };
        within(
            "server.public_base_url",
            is_safe,
            "an https address where console.oidc is set: sessions must not go through the clear",
        )
    }
}
