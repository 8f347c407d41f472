//! The log: the configuration reference.

use serde::Deserialize;

use super::Error;

/// The log, on standard error.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `text` (default) or `json`, one object per line.
    pub format: LogFormat,
    /// What is logged, as `tracing` filters say it, e.g. `info,actors=debug`. Requests are logged at `debug`. Default:
    /// `info,scylla=error`: the driver's own words about each connection are left out, what fails is told by us.
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info,scylla=error".into() }
    }
}

impl Log {
    /// # Errors
    /// What is wrong with the filter.
    pub(super) fn check(&self) -> Result<(), Error> {
        let filter = tracing_subscriber::EnvFilter::try_new(&self.filter);
        filter.map(drop).map_err(|error| Error::Invalid(format!("log.filter: {error}")))
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}
