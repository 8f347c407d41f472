//! Where state and files are kept: the configuration reference of the store and the blobs.

use std::path::PathBuf;

use ::store::{blobs, scylla};
use chrono::TimeDelta;
use serde::Deserialize;

use crate::{channels::Secret, iso_duration};

/// The embedded store's name in [`Store::url`].
const EMBEDDED: &str = "sqlite";

/// What [`Blobs::url`] begins with for a bucket.
const BUCKET: &str = "s3://";

/// Where journals and records are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// `sqlite` (default): embedded, in the data folder, for one server.
    /// `scylla://[user:password@]host[:port],.../keyspace[?replication=3&datacenter=NAME]`: a ScyllaDB cluster that any number of servers
    /// share; they then need the same `keys.master` and the same `blobs.url`. `datacenter` is the near one, which also gets the copies;
    /// nothing else sets it. The variable `RUBRICA_STORE` is short for `RUBRICA_STORE__URL`, which wins.
    pub url: Secret,
    /// Whether the start brings the schema up to date. If not, a server refuses to start on an older one, and `rubrica migrate` does it.
    /// The embedded store is always brought up to date. Default: true in development mode, false in production.
    pub migrate: Option<bool>,
    /// User of the database, with `password` or not at all; overrides that of `url`.
    pub username: Option<String>,
    /// Password of the database, with `username` or not at all; overrides that of `url`.
    pub password: Option<Secret>,
    /// PEM file with the authority that signed the certificates of the database's nodes; turns TLS on. Default: none, no TLS.
    pub ca: Option<PathBuf>,
    /// Copies of everything, 1 to 9, for a keyspace that is made by `rubrica migrate` or at the start; nothing changes one that is there.
    /// Default: that of `url`, else 3.
    pub replication: Option<u8>,
    /// Maximum wait for one statement, PT1S to PT30S. Default: PT5S.
    #[serde(with = "iso_duration")]
    pub timeout: TimeDelta,
    /// Maximum number of statements under way at once, 1 to 10000; beyond four times as many that wait, more are refused. Default: 512.
    pub max_in_flight: usize,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            url: Secret::new(EMBEDDED),
            migrate: None,
            username: None,
            password: None,
            ca: None,
            replication: None,
            timeout: TimeDelta::seconds(5),
            max_in_flight: 512,
        }
    }
}

impl Store {
    /// Whether several servers can share it.
    pub fn is_shared(&self) -> bool {
        self.url.expose() != EMBEDDED
    }

    /// # Errors
    /// What is wrong, without anything secret.
    pub fn check(&self) -> Result<(), String> {
        if !(1..=30).contains(&self.timeout.num_seconds()) {
            return Err("timeout: expected PT1S to PT30S".into());
        }
        if !(1..=10_000).contains(&self.max_in_flight) {
            return Err("max_in_flight: expected 1 to 10000".into());
        }
        if self.replication.is_some_and(|copies| !(1..=9).contains(&copies)) {
            return Err("replication: expected 1 to 9".into());
        }
        if self.username.is_some() != self.password.is_some() {
            return Err("username and password go together".into());
        }
        self.scylla().map(drop)
    }

    /// How the cluster is spoken to; `None` for the embedded store.
    ///
    /// # Errors
    /// What is wrong with the address, without its password.
    pub(crate) fn scylla(&self) -> Result<Option<scylla::Options>, String> {
        if !self.is_shared() {
            return Ok(None);
        }
        if !self.url.expose().starts_with("scylla://") {
            return Err("url: expected sqlite or scylla://[user:password@]host[:port],.../keyspace".into());
        }
        let mut options = scylla::Options::parse(self.url.expose()).map_err(|error| format!("url: {error}"))?;
        options.username = self.username.clone().or(options.username);
        options.password = self.password.as_ref().map(|password| password.expose().to_owned()).or(options.password);
        options.ca = self.ca.clone();
        options.replication = self.replication.unwrap_or(options.replication);
        options.timeout = self.timeout.to_std().unwrap_or(options.timeout);
        options.max_in_flight = self.max_in_flight;
        Ok(Some(options))
    }
}

/// Where files are.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Blobs {
    /// A folder, or `s3://bucket` or `s3://bucket/prefix`. Servers that share a store must reach the same files under it. Default: the
    /// folder `files` of the data folder; with a shared store there is no default.
    pub url: Option<String>,
    /// Address of an S3-compatible service, e.g. `https://minio.example.org:9000`. Default: Amazon's of the region.
    pub endpoint: Option<String>,
    /// Region of the bucket. Default: the variable `AWS_REGION`, else `AWS_DEFAULT_REGION`, else us-east-1.
    pub region: Option<String>,
    /// Access key. Default: the variables `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, else the identity that the platform gives.
    pub access_key_id: Option<String>,
    /// Its secret.
    pub secret_access_key: Option<Secret>,
    /// Accept an `http://` endpoint, over which files travel in the clear. Only on the same machine or network. Default: false.
    pub allow_http: bool,
    /// Put the bucket into the host name instead of the path. Default: false.
    pub virtual_hosted_style: bool,
}

/// What [`Blobs::url`] means.
pub enum Place {
    Folder(PathBuf),
    Bucket(blobs::S3Options),
}

impl Blobs {
    /// # Errors
    /// What is wrong, without anything secret.
    pub fn check(&self) -> Result<(), String> {
        let is_bucket = matches!(self.place()?, Some(Place::Bucket(_)));
        let named = [
            ("endpoint", self.endpoint.is_some()),
            ("region", self.region.is_some()),
            ("access_key_id", self.access_key_id.is_some()),
            ("secret_access_key", self.secret_access_key.is_some()),
            ("allow_http", self.allow_http),
            ("virtual_hosted_style", self.virtual_hosted_style),
        ];
        if let Some((name, _)) = named.iter().find(|(_, given)| *given && !is_bucket) {
            return Err(format!("{name}: only for a bucket, s3://, in url"));
        }
        if self.access_key_id.is_some() != self.secret_access_key.is_some() {
            return Err("access_key_id and secret_access_key go together".into());
        }
        let in_the_clear = self.endpoint.as_deref().is_some_and(|endpoint| !endpoint.starts_with("https://"));
        if in_the_clear && !self.allow_http {
            return Err("endpoint: expected https://, or allow_http = true".into());
        }
        Ok(())
    }

    /// # Errors
    /// What is wrong with the address.
    pub(crate) fn place(&self) -> Result<Option<Place>, String> {
        let Some(url) = self.url.as_deref() else { return Ok(None) };
        let Some(rest) = url.strip_prefix(BUCKET) else {
            let is_folder = !url.is_empty() && !url.contains("://");
            return match is_folder {
                true => Ok(Some(Place::Folder(url.into()))),
                false => Err("url: expected a folder, s3://bucket or s3://bucket/prefix".into()),
            };
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        // Amazon's rules for names, of which the other services' are a subset.
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(is_name) {
            return Err("url: a bucket's name has 3 to 63 lower-case letters, digits, hyphens and dots".into());
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
        if !prefix.bytes().all(plain) || prefix.split('/').any(|part| part == "." || part == "..") {
            return Err("url: a prefix has letters, digits, hyphens, underscores, dots and slashes".into());
        }
        Ok(Some(Place::Bucket(blobs::S3Options {
            bucket: bucket.to_owned(),
            prefix: prefix.trim_matches('/').to_owned(),
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            access_key_id: self.access_key_id.clone(),
            secret_access_key: self.secret_access_key.as_ref().map(|secret| secret.expose().to_owned()),
            allow_http: self.allow_http,
            virtual_hosted_style: self.virtual_hosted_style,
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> Store {
        Store { url: Secret::new(url), ..Store::default() }
    }

    #[test]
    fn a_password_of_its_own_overrides_that_of_the_address() {
        let secret = Some(Secret::new("other"));
        let store = Store {
            username: Some("ben".into()),
            password: secret,
            replication: Some(1),
            ..at("scylla://ana:p@db/k?replication=5")
        };
        let options = store.scylla().unwrap().unwrap();
        assert_eq!((options.username.as_deref(), options.password.as_deref()), (Some("ben"), Some("other")));
        assert_eq!((options.replication, options.timeout.as_secs()), (1, 5));
        let options = at("scylla://ana:p@db/k?replication=5").scylla().unwrap().unwrap();
        assert_eq!((options.username.as_deref(), options.replication), (Some("ana"), 5));
        assert!(at("sqlite").scylla().unwrap().is_none());
    }

    #[test]
    fn no_error_and_no_debug_shows_a_password() {
        for url in ["postgres://ana:hunter2@db/k", "scylla://ana:hunter2@db", "scylla://ana:hunter2@db/k?x=y", "hunter2"] {
            let message = at(url).check().unwrap_err();
            assert!(message.contains("url") && !message.contains("hunter2"), "{message}");
            assert!(!format!("{:?}", at(url)).contains("hunter2"));
        }
    }

    #[test]
    fn files_are_in_a_folder_or_in_a_bucket() {
        let at = |url: &str| Blobs { url: Some(url.into()), ..Blobs::default() };
        assert!(matches!(at("/srv/files").place(), Ok(Some(Place::Folder(_)))));
        let Ok(Some(Place::Bucket(bucket))) = at("s3://acme-files/a/b/").place() else { panic!("no bucket") };
        assert_eq!((bucket.bucket.as_str(), bucket.prefix.as_str()), ("acme-files", "a/b"));
        for wrong in ["", "http://x", "s3://", "s3://UPPER", "s3://bucket/../x", "s3://bucket/a b"] {
            assert!(at(wrong).check().is_err(), "{wrong}");
        }
        for incomplete in [
            Blobs { region: Some("eu-west-1".into()), ..at("/srv/files") },
            Blobs { access_key_id: Some("a".into()), ..at("s3://bucket") },
            Blobs { endpoint: Some("http://minio:9000".into()), ..at("s3://bucket") },
        ] {
            assert!(incomplete.check().is_err(), "{incomplete:?}");
        }
    }
}
