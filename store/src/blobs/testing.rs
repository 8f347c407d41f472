//! Places for the blobs of tests: memory, a folder, a bucket.

use super::{Blobs, S3Options};

/// One of each kind, and the folder that the second one needs.
pub(super) fn everywhere() -> (tempfile::TempDir, Vec<Blobs>) {
    let folder = tempfile::tempdir().expect("a folder");
    let local = Blobs::local(folder.path().join("blobs")).expect("a store");
    (folder, vec![Blobs::memory(), local, bucket("deep/in/it")])
}

/// A bucket of its own.
pub(super) fn bucket(prefix: &str) -> Blobs {
    Blobs::s3(&options(&s3_server::fresh_bucket(), prefix)).expect("a store")
}

pub(super) fn options(bucket: &str, prefix: &str) -> S3Options {
    S3Options {
        bucket: bucket.into(),
        prefix: prefix.into(),
        endpoint: Some(s3_server::endpoint().into()),
        region: None,
        access_key_id: Some("tester".into()),
        secret_access_key: Some("hunter2".into()),
        allow_http: true,
        virtual_hosted_style: false,
    }
}
