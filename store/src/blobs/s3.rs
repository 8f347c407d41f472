//! Blobs in a bucket of Amazon S3 or a service that speaks like it.

use std::{sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, RetryConfig, aws::AmazonS3Builder, path::Path, prefix::PrefixStore,
};

use super::Blobs;
use crate::Error;

/// Longest wait for a connection, for the next bytes, and for one request as a whole: the largest file over a slow line.
const CONNECT: Duration = Duration::from_secs(5);
const STALL: Duration = Duration::from_secs(15);
const REQUEST: Duration = Duration::from_secs(120);

/// Requests that fail are repeated so often, and none is begun later than this after the first: a caller waits for the answer.
const RETRIES: usize = 4;
const RETRY_WITHIN: Duration = Duration::from_secs(20);

/// Where the bucket is and who may use it.
#[derive(Clone, Default)]
pub struct S3Options {
    pub bucket: String,
    /// Folder in the bucket; empty for none.
    pub prefix: String,
    /// Address of the service; `None`: Amazon's of the region.
    pub endpoint: Option<String>,
    pub region: Option<String>,
    /// `None`: the `AWS_` variables, else the identity that the platform gives.
    pub access_key_id: Option<String>,
    /// Never shown.
    pub secret_access_key: Option<String>,
    /// Whether the endpoint may be one without TLS.
    pub allow_http: bool,
    /// The bucket as part of the host's name, not of the path.
    pub virtual_hosted_style: bool,
}

impl std::fmt::Debug for S3Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Options")
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("access_key_id", &self.access_key_id)
            .field("secret_access_key", &self.secret_access_key.as_ref().map(|_| ".."))
            .field("allow_http", &self.allow_http)
            .field("virtual_hosted_style", &self.virtual_hosted_style)
            .finish()
    }
}

impl Blobs {
    /// Blobs in a bucket that is there. Nothing is asked of it yet; [`Blobs::ping`] does. A file goes up in one request, so it is there
    /// whole or not at all, and at most 5 GB large.
    ///
    /// # Errors
    /// [`Error::Refused`] when the options do not fit together.
    pub fn s3(options: &S3Options) -> Result<Self, Error> {
        let refused = |error: object_store::Error| Error::Refused(format!("the bucket {}: {error}", options.bucket));
        let client = ClientOptions::new()
            .with_connect_timeout(CONNECT)
            .with_read_timeout(STALL)
            .with_timeout(REQUEST)
            .with_allow_http(options.allow_http);
        let backoff = BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(3), base: 2.0 };
        let mut builder = AmazonS3Builder::from_env()
            .with_client_options(client)
            .with_retry(RetryConfig { backoff, max_retries: RETRIES, retry_timeout: RETRY_WITHIN })
            .with_bucket_name(&options.bucket)
            .with_virtual_hosted_style_request(options.virtual_hosted_style);
        if let Some(endpoint) = &options.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(region) = &options.region {
            builder = builder.with_region(region);
        }
        if let (Some(id), Some(secret)) = (&options.access_key_id, &options.secret_access_key) {
            builder = builder.with_access_key_id(id).with_secret_access_key(secret);
        }
        let bucket = builder.build().map_err(refused)?;
        let store: Arc<dyn ObjectStore> = match options.prefix.as_str() {
            "" => Arc::new(bucket),
            prefix => Arc::new(PrefixStore::new(bucket, Path::from(prefix))),
        };
        Ok(Self::over(store, None))
    }
}
