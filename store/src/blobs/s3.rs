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

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use bytes::Bytes;
    use futures::{StreamExt, TryStreamExt, stream};

    use super::*;
    use crate::blobs::{
        Digest,
        testing::{bucket, options},
    };

    /// A page of a listing has 1000 names.
    const MORE_THAN_A_PAGE: u32 = 1100;

    #[tokio::test]
    async fn a_folder_of_more_than_a_page_is_listed_whole() {
        let blobs = bucket("");
        let digest = |number: u32| {
            // All in one folder, and nobody looks into them.
            let mut bytes = [0xab; 32];
            bytes[28..].copy_from_slice(&number.to_be_bytes());
            Digest::from(bytes)
        };
        let puts = stream::iter(0..MORE_THAN_A_PAGE).map(|number| {
            let (blobs, digest) = (&blobs, digest(number));
            async move { blobs.put_copy("acme", &digest, 0, Bytes::from_static(b"x")).await }
        });
        puts.buffer_unordered(16).try_collect::<()>().await.expect("kept");
        let found: Vec<_> = blobs.of_organization("acme").expect("listed").try_collect().await.expect("listed");
        assert_eq!(found.len(), MORE_THAN_A_PAGE as usize);
        assert_eq!(blobs.listed("acme", 0xab).await.expect("listed").len(), MORE_THAN_A_PAGE as usize);
        assert!(blobs.copies("acme", &digest(7)).await.expect("listed").is_empty());
    }

    #[tokio::test]
    async fn copies_stand_behind_their_blob_and_one_of_them_is_read() {
        let blobs = bucket("deep");
        let bytes = Bytes::from_static(b"contract");
        let digest = blobs.put("acme", bytes.clone()).await.expect("kept");
        for copy in [1, 2, 10] {
            blobs.put_copy("acme", &digest, copy, bytes.clone()).await.expect("kept");
        }
        assert_eq!(blobs.copies("acme", &digest).await.expect("listed").len(), 3);
        blobs.delete_copies("acme", &digest, 2).await.expect("deleted");
        assert!(!blobs.has_copy("acme", &digest, 0).await.expect("known"));
        assert_eq!(blobs.get("acme", &digest).await.expect("readable"), Some(bytes));
        blobs.delete("acme", &digest).await.expect("deleted");
        assert_eq!(blobs.get("acme", &digest).await.expect("readable"), None);
    }

    #[tokio::test]
    async fn a_prefix_keeps_installations_apart() {
        let name = s3_server::fresh_bucket();
        let blobs = |prefix: &str| Blobs::s3(&options(&name, prefix)).expect("a store");
        let digest = blobs("one").put("acme", Bytes::from_static(b"x")).await.expect("kept");
        assert_eq!(blobs("two").get("acme", &digest).await.expect("readable"), None);
        assert!(blobs("two").organizations().await.expect("listed").is_empty());
        assert_eq!(blobs("one").organizations().await.expect("listed"), ["acme"]);
    }

    #[tokio::test]
    async fn a_bucket_is_ready_when_it_is_there_and_its_service_answers() {
        bucket("p").ping().await.expect("ready");
        let missing = Blobs::s3(&options("rubrica-test-missing", "")).expect("a store");
        assert!(matches!(missing.ping().await, Err(Error::Unavailable(_))));
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        let nowhere = S3Options { endpoint: Some(format!("http://{free}")), ..options("rubrica-test-missing", "") };
        let began = Instant::now();
        assert!(matches!(Blobs::s3(&nowhere).expect("a store").ping().await, Err(Error::Unavailable(_))));
        assert!(began.elapsed() < RETRY_WITHIN + CONNECT, "it is given up in time");
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert!(
            !format!("{:?}", S3Options { secret_access_key: Some("hunter2".into()), ..S3Options::default() }).contains("hunter2")
        );
    }
}
