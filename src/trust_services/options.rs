//! The `[trust_services]` section of the configuration.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use ::documents::{Level, verify};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta};
use der::asn1::ObjectIdentifier;
use ipnet::IpNet;
use reqwest::{Url, header::HeaderValue};
use serde::Deserialize;

use crate::{
    channels::Secret,
    iso_duration,
    outbound::{self, Reach},
};

/// Maximum number of authorities: more than anybody needs, and few enough for metrics.
const MAX_AUTHORITIES: usize = 8;

/// Maximum length of an authority's name, in bytes.
const MAX_NAME: usize = 32;

/// Maximum size of a file of roots, in bytes.
const MAX_ROOTS: u64 = 1 << 20;

/// Maximum length of a user name and of a password, in bytes.
const MAX_CREDENTIAL: usize = 1024;

/// Who proves when a seal was there, and how they are asked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// The authorities of time stamps (RFC 3161), at most 8: the first that gives one is enough. Default: none, so that seals are of level B-B.
    pub time_stamp_authorities: Vec<AuthorityOptions>,
    /// Maximum wait for a connection: looking up the name, TCP and TLS. PT0.1S to PT30S. Default: PT5S.
    #[serde(with = "iso_duration")]
    pub connect_timeout: TimeDelta,
    /// Maximum time for one question, PT0.1S to PT1M. All authorities together have two thirds of `processes.effect_timeout`. Default: PT5S.
    #[serde(with = "iso_duration")]
    pub timeout: TimeDelta,
    /// Questions to one authority, where there is no connection or its server has an error, before the next one is asked; 1 to 5. Default: 2.
    pub attempts: u32,
    /// Failures in a row after which an authority is not asked for `breaker_pause`, 1 to 100. Default: 5.
    pub breaker_failures: u32,
    /// How long it is not asked; then one question finds out whether it is back. PT1S to PT1H. Default: PT30S.
    #[serde(with = "iso_duration")]
    pub breaker_pause: TimeDelta,
    /// Accept addresses with http://, which many authorities have: what they answer is signed. A user name goes over it on the same machine
    /// only. Default: false.
    pub plain_http: bool,
    /// Networks that are not public and in which authorities may be all the same, e.g. `["10.1.2.0/24"]`. Default: none.
    pub private_networks: Vec<IpNet>,
}

/// An authority of time stamps.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityOptions {
    /// By which logs and metrics call it: 1 to 32 lower-case letters, digits, hyphens and underscores.
    pub name: String,
    /// Where it is asked (RFC 3161, 3.4). Must be https unless `plain_http` is true; redirects are not followed.
    pub url: String,
    /// Object identifier of the policy under which its time stamps must be. Default: the authority's own.
    pub policy: Option<String>,
    /// User name (RFC 7617), if it wants one.
    pub user: Option<String>,
    /// Password of `user`. Better in `password_file`.
    pub password: Option<Secret>,
    /// File whose first line is the password of `user`.
    pub password_file: Option<PathBuf>,
    /// PEM file with the roots to one of which its certificate must lead. Default: its chain is not checked here.
    pub roots: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            time_stamp_authorities: Vec::new(),
            connect_timeout: TimeDelta::seconds(5),
            timeout: TimeDelta::seconds(5),
            attempts: 2,
            breaker_failures: 5,
            breaker_pause: TimeDelta::seconds(30),
            plain_http: false,
            private_networks: Vec::new(),
        }
    }
}

/// Which levels seals can have on this server: the one place that decides it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// Somebody gives time stamps.
    pub has_time_stamps: bool,
}

impl Offer {
    /// # Errors
    /// Why seals cannot have this level.
    pub fn check(self, level: Level) -> Result<(), String> {
        match level {
            Level::B => Ok(()),
            _ if self.has_time_stamps => Ok(()),
            _ => Err(format!("{level} needs an authority of time stamps, and this server has none")),
        }
    }
}

/// An authority with all that is read from files.
pub struct Account {
    pub name: String,
    pub url: Url,
    pub policy: Option<ObjectIdentifier>,
    /// The header `Authorization`.
    pub credentials: Option<HeaderValue>,
    /// Without roots the chain is not checked.
    pub trust: verify::Trust,
}

impl Options {
    /// # Errors
    /// The option that is out of its bounds, and the bounds.
    pub fn check(&self) -> Result<(), String> {
        let within =
            |name: &str, holds: bool, bounds: &str| if holds { Ok(()) } else { Err(format!("{name}: expected {bounds}")) };
        let lasts = |delta: TimeDelta, from: i64, to: i64| (from..=to).contains(&delta.num_milliseconds());
        within("connect_timeout", lasts(self.connect_timeout, 100, 30_000), "PT0.1S to PT30S")?;
        within("timeout", lasts(self.timeout, 100, 60_000), "PT0.1S to PT1M")?;
        within("attempts", (1..=5).contains(&self.attempts), "1 to 5")?;
        within("breaker_failures", (1..=100).contains(&self.breaker_failures), "1 to 100")?;
        within("breaker_pause", lasts(self.breaker_pause, 1000, 3_600_000), "PT1S to PT1H")?;
        within("time_stamp_authorities", self.time_stamp_authorities.len() <= MAX_AUTHORITIES, "at most 8")?;
        let reach = self.reach();
        for (index, authority) in self.time_stamp_authorities.iter().enumerate() {
            let told = |problem: String| format!("time_stamp_authorities[{index}].{problem}");
            authority.check(&reach).map_err(told)?;
            if self.time_stamp_authorities[..index].iter().any(|other| other.name == authority.name) {
                return Err(told("name: another one has it".into()));
            }
        }
        Ok(())
    }

    /// Which levels it makes possible.
    pub fn offer(&self) -> Offer {
        Offer { has_time_stamps: !self.time_stamp_authorities.is_empty() }
    }

    /// Which addresses authorities may have.
    pub fn reach(&self) -> Reach {
        Reach { plain_http: self.plain_http, networks: self.private_networks.clone().into() }
    }

    /// The authorities, with what their files hold.
    ///
    /// # Errors
    /// The option that cannot be used, and why; never its value.
    pub fn accounts(&self) -> Result<Vec<Account>, String> {
        let reach = self.reach();
        let authorities = self.time_stamp_authorities.iter().enumerate();
        authorities
            .map(|(index, own)| own.account(&reach).map_err(|problem| format!("time_stamp_authorities[{index}].{problem}")))
            .collect()
    }
}

impl AuthorityOptions {
    fn check(&self, reach: &Reach) -> Result<(), String> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        if !(1..=MAX_NAME).contains(&self.name.len()) || !self.name.bytes().all(is_plain) {
            return Err("name: expected 1 to 32 lower-case letters, digits, hyphens and underscores".into());
        }
        let url = reach.base_url(&self.url).map_err(|problem| format!("url: {problem}"))?;
        self.policy()?;
        let has_password = self.password.is_some() || self.password_file.is_some();
        if self.user.is_some() != has_password {
            return Err("user: it goes together with password or password_file".into());
        }
        if self.user.as_ref().is_some_and(|user| user.is_empty() || user.len() > MAX_CREDENTIAL || user.contains(':')) {
            return Err("user: expected 1 to 1024 bytes without a colon".into());
        }
        if self.user.is_some() && url.scheme() == "http" && !is_this_machine(&url) {
            return Err("user: over http:// it is sent on the same machine only".into());
        }
        Ok(())
    }

    fn policy(&self) -> Result<Option<ObjectIdentifier>, String> {
        let read = |text: &String| {
            ObjectIdentifier::new(text)
                .map_err(|_| "policy: expected an object identifier such as 1.3.6.1.4.1.99999.1".to_owned())
        };
        self.policy.as_ref().map(read).transpose()
    }

    fn account(&self, reach: &Reach) -> Result<Account, String> {
        self.check(reach)?;
        let password = Secret::resolve(self.password.as_ref(), self.password_file.as_deref());
        let password = password.map_err(|problem| format!("password: {problem}"))?;
        let credentials = match (&self.user, password) {
            (Some(_), Some(password)) if password.expose().len() > MAX_CREDENTIAL => {
                return Err("password: expected at most 1024 bytes".into());
            }
            (Some(user), Some(password)) => {
                let pair = STANDARD.encode(format!("{user}:{}", password.expose()));
                Some(outbound::secret_header(&format!("Basic {pair}")).map_err(|problem| format!("password: {problem}"))?)
            }
            _ => None,
        };
        let roots = self.roots.as_deref().map(roots).transpose().map_err(|problem| format!("roots: {problem}"))?;
        Ok(Account {
            name: self.name.clone(),
            url: reach.base_url(&self.url).map_err(|problem| format!("url: {problem}"))?,
            policy: self.policy()?,
            credentials,
            trust: verify::Trust { roots: roots.unwrap_or_default() },
        })
    }
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The certificates of a file, at least one.
fn roots(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let told = |problem: &dyn std::fmt::Display| format!("{}: {problem}", path.display());
    let size = std::fs::metadata(path).map_err(|error| told(&error))?.len();
    if size > MAX_ROOTS {
        return Err(told(&format_args!("it may have {MAX_ROOTS} bytes")));
    }
    let file = std::fs::read(path).map_err(|error| told(&error))?;
    let roots = crate::verify::certificates(&file).map_err(|error| told(&error))?;
    if roots.is_empty() {
        return Err(told(&"it holds no certificate"));
    }
    // Only whether they can be read: of no chain nothing is asked.
    verify::trust_of(&[], &verify::Trust { roots: roots.clone() }, DateTime::UNIX_EPOCH).map_err(|error| told(&error))?;
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority(more: &str) -> Options {
        let text = format!("[[time_stamp_authorities]]\nname = \"first\"\nurl = \"https://time.example/tsr\"\n{more}\n");
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn the_defaults_offer_nothing_above_b_b() {
        let options = Options::default();
        assert_eq!(options.check(), Ok(()));
        let offered = |offer: Offer| Level::ALL.map(|level| offer.check(level).is_ok());
        assert_eq!(offered(options.offer()), [true, false, false, false]);
        assert_eq!(offered(authority("").offer()), [true; 4]);
    }

    #[test]
    fn what_cannot_be_used_is_named_without_its_value() {
        for (more, named) in [
            ("[[time_stamp_authorities]]\nname = \"first\"\nurl = \"https://b.example\"", "[1].name"),
            ("[[time_stamp_authorities]]\nname = \"Second\"\nurl = \"https://b.example\"", "[1].name"),
            (
                "[[time_stamp_authorities]]\nname = \"second\"\nurl = \"http://b.example\"",
                "[1].url: the address must begin with https",
            ),
            (
                "[[time_stamp_authorities]]\nname = \"second\"\nurl = \"https://10.0.0.1\"",
                "[1].url: the address leads into a network",
            ),
            ("[[time_stamp_authorities]]\nname = \"second\"\nurl = \"https://u:hunter2@b.example\"", "[1].url"),
            ("policy = \"hunter2\"", "[0].policy"),
            ("user = \"acme\"", "[0].user"),
            ("password = \"hunter2\"", "[0].user"),
            ("user = \"ac:me\"\npassword = \"hunter2\"", "[0].user"),
        ] {
            let told = authority(more).check().unwrap_err();
            assert!(told.contains(named) && !told.contains("hunter2"), "{more}: {told}");
        }
        let plain =
            "[[time_stamp_authorities]]\nname = \"a\"\nurl = \"http://b.example\"\nuser = \"acme\"\npassword = \"hunter2\"\n";
        let refused = toml::from_str::<Options>(&format!("plain_http = true\n{plain}")).unwrap().check().unwrap_err();
        assert!(refused.contains("[0].user: over http://") && !refused.contains("hunter2"), "{refused}");
        assert!(Options { attempts: 0, ..Options::default() }.check().unwrap_err().starts_with("attempts"));
        assert!(!format!("{:?}", authority("user = \"acme\"\npassword = \"hunter2\"")).contains("hunter2"));
    }

    #[test]
    fn an_account_has_what_its_files_hold() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let password = file("password", "hunter2\n");
        let authority_of_tests = ::documents::fixtures::time_stamps::Authority::new(chrono::Utc::now(), 2, true);
        let base64 = STANDARD.encode(authority_of_tests.root());
        let root = file("root.pem", &format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n"));
        let options =
            authority(&format!("user = \"acme\"\npassword_file = \"{password}\"\nroots = \"{root}\"\npolicy = \"1.2.3\""));
        let account = options.accounts().unwrap().remove(0);
        assert_eq!(account.trust.roots, [authority_of_tests.root()]);
        assert_eq!(account.policy, Some(ObjectIdentifier::new_unwrap("1.2.3")));
        let header = account.credentials.unwrap();
        assert!(header.is_sensitive() && header.to_str().unwrap() == format!("Basic {}", STANDARD.encode("acme:hunter2")));

        let (empty, wrong) =
            (file("empty.pem", "nothing\n"), file("wrong.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
        for (more, named) in [
            (format!("roots = \"{empty}\""), "empty.pem"),
            (format!("roots = \"{wrong}\""), "wrong.pem"),
            ("roots = \"/nowhere/root.pem\"".into(), "/nowhere/root.pem"),
            ("user = \"acme\"\npassword_file = \"/nowhere/password\"".into(), "/nowhere/password"),
        ] {
            let told = authority(&more).accounts().err().expect("it is refused");
            assert!(told.starts_with("time_stamp_authorities[0].") && told.contains(named), "{told}");
        }
    }
}
