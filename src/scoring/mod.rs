//! Who scores images of identity documents. A session (`workflows::scoring`) decides what is asked and what an answer means; a provider
//! only answers.

mod image;
pub mod provider;
#[cfg(test)]
pub mod testing;

pub use image::image_type;
pub use provider::{Capture, Captures, Delegation, Failure, Provider, Request, Then, Ways};

/// No provider: what an organization has that has none.
pub struct NoProvider;

#[async_trait::async_trait]
impl Provider for NoProvider {
    async fn ways(&self, _: &str, _: &str) -> Result<Option<Ways>, String> {
        Ok(None)
    }

    async fn score(&self, _: &Request) -> Result<workflows::scoring::ScoreResult, Failure> {
        Err(Failure::ended("PROVIDER_NOT_CONFIGURED", "there is no such provider"))
    }

    async fn delegate(&self, _: &Request, _: Option<&serde_json::Value>) -> Result<Delegation, Failure> {
        Err(Failure::ended("PROVIDER_NOT_CONFIGURED", "there is no such provider"))
    }

    async fn delegated(&self, _: &Request, _: &str) -> Result<Option<workflows::scoring::ScoreResult>, Failure> {
        Err(Failure::ended("PROVIDER_NOT_CONFIGURED", "there is no such provider"))
    }
}
