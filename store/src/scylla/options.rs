//! Where the servers are and how they are spoken to.

use std::{path::PathBuf, time::Duration};

use crate::Error;

/// Port of CQL when none is named.
const PORT: u16 = 9042;

/// How a ScyllaDB (or Cassandra) cluster is used.
#[derive(Clone)]
pub struct Options {
    /// Contact points, `host:port`. One that answers is enough; the driver finds the others.
    pub hosts: Vec<String>,
    pub keyspace: String,
    pub username: Option<String>,
    /// Never shown.
    pub password: Option<String>,
    /// Speak TLS, and trust who is signed by this PEM file. Without it the roots of the operating system's store are not used:
    /// a database has a CA of its own. Certificates must name the nodes' IP addresses.
    pub ca: Option<PathBuf>,
    /// Copies of everything, where [`migrate`](super::migrate) creates the keyspace.
    pub replication: u8,
    /// Data center of this node: its coordinators are preferred, and [`migrate`](super::migrate) puts the copies there. `None`: all are alike.
    pub datacenter: Option<String>,
    /// Longest wait for one statement.
    pub timeout: Duration,
    /// Statements under way at once; four times as many may wait.
    pub max_in_flight: usize,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("hosts", &self.hosts)
            .field("keyspace", &self.keyspace)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| ".."))
            .field("ca", &self.ca)
            .field("replication", &self.replication)
            .field("datacenter", &self.datacenter)
            .field("timeout", &self.timeout)
            .field("max_in_flight", &self.max_in_flight)
            .finish()
    }
}

impl Options {
    pub fn new(hosts: Vec<String>, keyspace: impl Into<String>) -> Self {
        Self {
            hosts,
            keyspace: keyspace.into(),
            username: None,
            password: None,
            ca: None,
            replication: 3,
            datacenter: None,
            timeout: Duration::from_secs(5),
            max_in_flight: 512,
        }
    }

    /// Reads `scylla://[user:password@]host[:port][,host[:port]...]/keyspace[?replication=3&datacenter=name]`. User and password
    /// may be percent-encoded.
    ///
    /// # Errors
    /// [`Error::Refused`], which says what is wrong and never repeats the password.
    pub fn parse(url: &str) -> Result<Self, Error> {
        let refused = |what: &str| {
            Error::Refused(format!(
                "the address of the store: {what}; expected scylla://[user:password@]host[:port],.../keyspace"
            ))
        };
        let rest = url.strip_prefix("scylla://").ok_or_else(|| refused("it does not begin with scylla://"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, keyspace) = rest.split_once('/').ok_or_else(|| refused("it names no keyspace"))?;
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (Some(login), hosts),
            None => (None, authority),
        };
        if !is_keyspace(keyspace) {
            return Err(refused("a keyspace is a letter followed by at most 47 letters, digits and underscores"));
        }
        let hosts: Option<Vec<String>> = hosts.split(',').map(contact_point).collect();
        let mut options = Self::new(hosts.ok_or_else(|| refused("a host is not one"))?, keyspace);
        if let Some(login) = login {
            let (username, password) = login.split_once(':').ok_or_else(|| refused("a user without a password"))?;
            options.username = Some(decoded(username).ok_or_else(|| refused("the user cannot be read"))?);
            options.password = Some(decoded(password).ok_or_else(|| refused("the password cannot be read"))?);
        }
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("replication", count)) => {
                    let count = count.parse().ok().filter(|count| (1..=9).contains(count));
                    options.replication = count.ok_or_else(|| refused("replication is a number from 1 to 9"))?;
                }
                Some(("datacenter", name)) if is_datacenter(name) => options.datacenter = Some(name.to_owned()),
                _ => return Err(refused("it has a parameter that is not known")),
            }
        }
        Ok(options)
    }
}

/// What stands in statements unquoted, in lower case: a name that needs quotes is refused rather than quoted.
fn is_keyspace(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 48
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// It stands in a statement between quotes.
fn is_datacenter(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn contact_point(host: &str) -> Option<String> {
    let (name, port) = match host.rsplit_once(':') {
        // An IPv6 address stands in brackets, or its last part would be a port.
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, port.parse().ok()?),
        _ => (host, PORT),
    };
    let plain = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    let is_name = !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
    is_name.then(|| format!("{name}:{port}"))
}

/// Percent-decoding (RFC 3986, 2.1).
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let pair = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_with_its_defaults() {
        let options = Options::parse("scylla://db1,10.0.0.2:19042,[::1]:9/rubrica").expect("read");
        assert_eq!(options.hosts, ["db1:9042", "10.0.0.2:19042", "[::1]:9"]);
        assert_eq!((options.keyspace.as_str(), options.replication, options.username), ("rubrica", 3, None));
        let options = Options::parse("scylla://ana:p%40ss%3Aword@db1/k?replication=1&datacenter=dc-1").expect("read");
        assert_eq!((options.username.as_deref(), options.password.as_deref()), (Some("ana"), Some("p@ss:word")));
        assert_eq!((options.replication, options.datacenter.as_deref()), (1, Some("dc-1")));
        assert!(!format!("{options:?}").contains("p@ss"));
    }

    #[test]
    fn what_is_wrong_is_said_and_no_password_with_it() {
        for (address, said) in [
            ("postgres://db/k", "scylla://"),
            ("scylla://db", "keyspace"),
            ("scylla://db/K", "keyspace"),
            ("scylla://db/k'x", "keyspace"),
            ("scylla:///k", "host"),
            ("scylla://db:port/k", "host"),
            ("scylla://hunter2@db/k", "password"),
            ("scylla://ana:hunter2@db/k?replication=0", "replication"),
            ("scylla://ana:hunter2@db/k?datacenter='", "parameter"),
            ("scylla://ana:hunter2@db/k?speed=9", "parameter"),
        ] {
            let message = Options::parse(address).expect_err(address).to_string();
            assert!(message.contains(said) && !message.contains("hunter2"), "{address}: {message}");
        }
    }
}
