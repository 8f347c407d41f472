//! Which addresses this server calls on behalf of an organization.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

/// Maximum length of an address, in bytes.
const MAX_URL: usize = 2048;

/// IPv4 networks that are not the public internet: the entries of the IANA special-purpose registry (RFC 6890) that are not globally
/// reachable, multicast, and the range of 6to4 relays.
const SPECIAL_V4: [Ipv4Net; 16] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 31, 196, 0], 24),
    v4([192, 52, 193, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    // Multicast, reserved, broadcast.
    v4([224, 0, 0, 0], 3),
];

/// The whole of IPv6 that is given out as global unicast (RFC 4291, 2.4), and what of it is not the public internet.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0], 3);
const SPECIAL_V6: [Ipv6Net; 5] = [
    // IETF protocol assignments with Teredo, which carries an IPv4 address.
    v6([0x2001, 0], 23),
    v6([0x2001, 0x0db8], 32),
    // 6to4, which carries an IPv4 address.
    v6([0x2002, 0], 16),
    v6([0x2620, 0x004f], 32),
    v6([0x3fff, 0], 20),
];

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6([a, b]: [u16; 2], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), prefix)
}

/// An address that is not called. The texts do not repeat it: it may carry a credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// No URL, or one that no call can go to.
    #[error("the address is not valid: {0}")]
    Invalid(&'static str),
    /// In the clear.
    #[error("the address must begin with https://")]
    PlainHttp,
    /// In a network that is not public.
    #[error("the address leads into a network that is not public")]
    Network,
}

/// What may be reached: the public internet over https, and what the server's configuration adds.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Whether http:// may be used.
    pub plain_http: bool,
    /// Networks that may be reached although they are not public.
    pub networks: Arc<[IpNet]>,
}

impl Reach {
    /// Reads an address that calls can be made to, without a query or a fragment: paths are added to it.
    ///
    /// # Errors
    /// [`NotAllowed`].
    pub fn base_url(&self, text: &str) -> Result<Url, NotAllowed> {
        if text.len() > MAX_URL {
            return Err(NotAllowed::Invalid("it is longer than 2048 bytes"));
        }
        let url = Url::parse(text.trim()).map_err(|_| NotAllowed::Invalid("it is no URL"))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(NotAllowed::Invalid("it has a query or a fragment"));
        }
        self.check(&url)?;
        Ok(url)
    }

    /// Whether a URL may be called. Its name is judged when it is looked up.
    ///
    /// # Errors
    /// [`NotAllowed`].
    pub fn check(&self, url: &Url) -> Result<(), NotAllowed> {
        match url.scheme() {
            "https" => {}
            "http" if self.plain_http => {}
            "http" => return Err(NotAllowed::PlainHttp),
            _ => return Err(NotAllowed::Invalid("it is neither https nor http")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(NotAllowed::Invalid("it holds a user name or a password"));
        }
        // `Url` has turned every spelling of an IPv4 address into the usual one (WHATWG URL, host parsing).
        let host = url.host_str().ok_or(NotAllowed::Invalid("it has no host"))?;
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        match literal {
            Ok(address) if !self.allows(address) => Err(NotAllowed::Network),
            _ => Ok(()),
        }
    }

    /// Whether a connection to an address may be made.
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || self.networks.iter().any(|network| network.contains(&address))
    }

    /// Looks names up and gives only addresses that are allowed.
    pub(super) fn resolver(&self) -> Resolver {
        Resolver(self.clone())
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) => GLOBAL_V6.contains(&address) && !SPECIAL_V6.iter().any(|network| network.contains(&address)),
    }
}

/// The system's resolver, with what is not allowed taken out.
pub(super) struct Resolver(Reach);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| reach.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(NotAllowed::Network.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> Reach {
        Reach { plain_http: true, networks: Arc::new(["127.0.0.0/8".parse().unwrap()]) }
    }

    #[test]
    fn only_public_addresses_are_reached() {
        let reach = Reach::default();
        for address in ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2a00:1450:4003::1", "2606:4700::1111"] {
            assert!(reach.allows(address.parse().unwrap()), "{address}");
        }
        let private = [
            "127.0.0.1",
            "127.255.255.255",
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "169.254.169.254",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.2.1",
            "198.19.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2001:db8::1",
            "2001:0:1::1",
            "2002:7f00:1::",
            "100::1",
            "3fff::1",
            "5f00::1",
        ];
        for address in private {
            assert!(!reach.allows(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn the_configuration_can_add_networks() {
        let reach = local();
        assert!(reach.allows("127.0.0.1".parse().unwrap()) && reach.allows("::ffff:127.0.0.1".parse().unwrap()));
        assert!(!reach.allows("10.0.0.1".parse().unwrap()) && !reach.allows("::1".parse().unwrap()));
        assert!(reach.base_url("http://127.0.0.1:8080/x").is_ok());
    }

    #[test]
    fn an_address_is_https_without_credentials_query_or_fragment() {
        let reach = Reach::default();
        for text in ["https://api.example.org", "https://api.example.org:8443/v1/", "https://ñandú.example/"] {
            assert!(reach.base_url(text).is_ok(), "{text}");
        }
        assert_eq!(reach.base_url("http://api.example.org"), Err(NotAllowed::PlainHttp));
        let long = format!("https://api.example.org/{}", "x".repeat(MAX_URL));
        let invalid = [
            "",
            "api.example.org",
            "ftp://api.example.org",
            "file:///etc/passwd",
            "https://",
            "https://a:b@api.example.org",
            "https://a@api.example.org",
            "https://api.example.org/?key=1",
            "https://api.example.org/#x",
            &long,
        ];
        for text in invalid {
            assert!(matches!(reach.base_url(text), Err(NotAllowed::Invalid(_))), "{text}");
        }
    }

    #[test]
    fn an_address_in_numbers_is_judged_however_it_is_spelled() {
        for host in ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:169.254.169.254]", "0"] {
            assert_eq!(Reach::default().base_url(&format!("https://{host}/")), Err(NotAllowed::Network), "{host}");
        }
    }
}
