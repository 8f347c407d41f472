//! Who scores images of identity documents. A session (`workflows::scoring`) decides what is asked and what an answer means; a provider
//! only answers.
//!
//! [`Providers`] finds the provider of an organization by its name and asks it. Every question goes through [`caller`]: bounded, repeated
//! where that may help, and not asked at all while the provider is down. What comes back goes through [`findings`] before anything of it is
//! believed. No image, no credential and nothing that a provider wrote gets into a log or an error.

mod caller;
mod circuit;
mod external;
mod failures;
mod findings;
mod google;
mod image;
mod internal;
mod metrics;
mod options;
mod pictures;
pub mod provider;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
mod veridas;

use actors::Clock;
use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;
use store::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;
use workflows::scoring::ScoreResult;

use self::{
    caller::{Caller, Question},
    external::External,
    failures::{not_configured, not_supported},
    findings::Findings,
    google::{Google, Tokens},
    veridas::Veridas,
};
use crate::catalogue::sign_configuration::{Connections, Documents, Scoring, SignConfigurations};

pub use circuit::Circuits;
pub use image::image_type;
pub use internal::Internal;
pub use internal::declared;
pub use metrics::Metrics;
pub use options::{Levels, Options};
pub use pictures::ScoredPictures;
pub use provider::{Capture, Captures, Delegation, Failure, Provider, Request, Then, Ways};

/// The providers of all organizations; a cheap handle.
#[derive(Clone)]
pub struct Providers {
    configurations: SignConfigurations,
    caller: Caller,
    tokens: Tokens,
    internal: Internal,
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Internal,
    Google,
    Veridas,
    External,
}

impl Asked {
    /// Its name in logs and metrics.
    fn name(self) -> &'static str {
        match self {
            Self::Internal => "INTERNAL",
            Self::Google => "GOOGLE",
            Self::Veridas => "VERIDAS",
            Self::External => "EXTERNAL",
        }
    }

    fn ways(self) -> Ways {
        Ways { submit: true, delegate: matches!(self, Self::Veridas | Self::External) }
    }

    /// Who it is of the organization's providers. EXTERNAL, which an identification can ask for without naming a service, is the
    /// organization's own endpoint, else Google, else Veridas: the first whose `documents` fit.
    fn find(provider: &str, connections: &Connections, fits: impl Fn(&[Documents]) -> bool) -> Option<Self> {
        let google = connections.google.as_ref().map(|google| (Self::Google, &google.documents));
        let veridas = connections.veridas.as_ref().map(|veridas| (Self::Veridas, &veridas.documents));
        let external = connections.external.as_ref().map(|external| (Self::External, &external.documents));
        match provider {
            "INTERNAL" => Some(Self::Internal),
            "GOOGLE" => google.map(|(google, _)| google),
            "VERIDAS" => veridas.map(|(veridas, _)| veridas),
            "EXTERNAL" => {
                let all = [external, google, veridas].into_iter().flatten();
                all.into_iter().find(|(_, documents)| fits(documents)).map(|(asked, _)| asked)
            }
            _ => None,
        }
    }
}

impl Providers {
    /// Over the sign configurations, which hold the connections.
    ///
    /// # Errors
    /// A text, when the system has no TLS.
    pub fn new(
        configurations: SignConfigurations,
        internal: Internal,
        options: Options,
        metrics: Metrics,
        clock: Clock,
    ) -> Result<Self, String> {
        Ok(Self { configurations, caller: Caller::new(options, metrics, clock)?, tokens: Tokens::default(), internal })
    }

    /// The organization's settings, and who of its providers is asked.
    async fn find(&self, request: &Request) -> Result<(Scoring, Asked), Failure> {
        let scoring = self.configurations.scoring(&request.organization).await.map_err(Failure::unavailable)?;
        let fits =
            |documents: &[Documents]| Documents::fit(documents, &request.document.kind, request.document.country.as_deref());
        let asked = Asked::find(&request.provider, &scoring.connections, fits);
        let asked = asked.ok_or_else(|| not_configured("the organization has no such provider for this document"))?;
        Ok((scoring, asked))
    }

    fn question<'a>(&self, request: &'a Request, asked: Asked) -> Question<'a> {
        // A little earlier than whoever waits, so that how it ended is told.
        let timeout = request.timeout.mul_f64(0.95).min(self.caller.options().timeout());
        let (organization, key) = (request.organization.as_str(), request.idempotency_key.as_str());
        let images = [&request.captures.front, &request.captures.back].into_iter().flatten().map(|capture| capture.size);
        // Base64 has four characters for three bytes; the image itself is there while it is written.
        let weight = images.map(|size| size.saturating_mul(7) / 3).fold(0, u64::saturating_add);
        Question { organization, provider: asked.name(), key, deadline: Instant::now() + timeout, weight }
    }

    fn judge(&self, findings: Findings, scoring: &Scoring, request: &Request, asked: Asked) -> ScoreResult {
        let minimum = findings::minimum(request.level, &scoring.levels, &self.caller.options().levels);
        // INTERNAL compares what was declared itself.
        findings.judge(minimum, request.declared.as_ref().filter(|_| asked != Asked::Internal))
    }
}

/// The images of an attempt, in memory.
struct Images {
    front: Option<Image>,
    back: Option<Image>,
}

struct Image {
    media_type: &'static str,
    bytes: Bytes,
}

impl Images {
    async fn read(captures: &Captures) -> Result<Self, Failure> {
        let read = async |capture: &Option<Capture>| match capture {
            Some(capture) => Ok(Some(Image { media_type: capture.image_type.media_type(), bytes: capture.read().await? })),
            None => Ok::<_, Failure>(None),
        };
        Ok(Self { front: read(&captures.front).await?, back: read(&captures.back).await? })
    }
}

/// What a question without images prepares.
async fn nothing() -> Result<(), Failure> {
    Ok(())
}

/// What the organization has of a provider that was found in its connections.
fn connection<T>(connection: Option<&T>) -> Result<&T, Failure> {
    connection.ok_or_else(|| not_configured("the organization has no such provider"))
}

#[async_trait]
impl Provider for Providers {
    async fn ways(&self, organization: &str, provider: &str) -> Result<Option<Ways>, String> {
        let scoring = self.configurations.scoring(organization).await.map_err(|error| error.to_string())?;
        Ok(Asked::find(provider, &scoring.connections, |_| true).map(Asked::ways))
    }

    async fn score(&self, request: &Request) -> Result<ScoreResult, Failure> {
        let (scoring, asked) = self.find(request).await?;
        let (caller, question) = (&self.caller, self.question(request, asked));
        let Connections { google, veridas, external } = &scoring.connections;
        let images = Images::read(&request.captures);
        let findings = match asked {
            Asked::Internal => {
                caller.here(question, images, async |images| internal::score(&self.internal, request, images).await).await?
            }
            Asked::Google => {
                let google = Google::new(connection(google.as_ref())?, caller, &self.tokens)?;
                caller.ask(question, images, async |images| google.score(caller, &question, &images).await).await?
            }
            Asked::Veridas => {
                let veridas = Veridas::new(connection(veridas.as_ref())?, caller)?;
                caller.ask(question, images, async |images| veridas.score(caller, &question, &images).await).await?
            }
            Asked::External => {
                let external = External::new(connection(external.as_ref())?, caller)?;
                caller.ask(question, images, async |images| external.score(caller, &question, request, &images).await).await?
            }
        };
        Ok(self.judge(findings, &scoring, request, asked))
    }

    async fn delegate(&self, request: &Request, config: Option<&Value>) -> Result<Delegation, Failure> {
        let (scoring, asked) = self.find(request).await?;
        let (caller, question) = (&self.caller, self.question(request, asked));
        let Connections { veridas, external, .. } = &scoring.connections;
        match asked {
            Asked::Internal | Asked::Google => Err(not_supported("the provider takes images only: submit them")),
            Asked::Veridas => {
                let veridas = Veridas::new(connection(veridas.as_ref())?, caller)?;
                caller.ask(question, nothing(), async |()| veridas.delegate(caller, &question, config).await).await
            }
            Asked::External => {
                let external = External::new(connection(external.as_ref())?, caller)?;
                caller.ask(question, nothing(), async |()| external.delegate(caller, &question, request, config).await).await
            }
        }
    }

    async fn delegated(&self, request: &Request, provider_id: &str) -> Result<Option<ScoreResult>, Failure> {
        let (scoring, asked) = self.find(request).await?;
        let (caller, question) = (&self.caller, self.question(request, asked));
        let Connections { veridas, external, .. } = &scoring.connections;
        let findings = match asked {
            Asked::Internal | Asked::Google => return Err(not_supported("nothing is delegated to this provider")),
            Asked::Veridas => {
                let veridas = Veridas::new(connection(veridas.as_ref())?, caller)?;
                caller.ask(question, nothing(), async |()| veridas.delegated(caller, &question, provider_id).await).await?
            }
            Asked::External => {
                let external = External::new(connection(external.as_ref())?, caller)?;
                caller
                    .ask(question, nothing(), async |()| external.delegated(caller, &question, request, provider_id).await)
                    .await?
            }
        };
        Ok(findings.map(|findings| self.judge(findings, &scoring, request, asked)))
    }

    async fn forget(&self, organization: &str, process: Uuid, now: Timestamp) -> Result<(), String> {
        self.internal.pictures.forget(organization, process, now).await.map_err(|error| error.to_string())
    }
}
