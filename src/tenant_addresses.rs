//! How addresses are written that an organization sets, or its operator for it: whose pages are let in, whom signers can call.

/// Whether a text is an origin as browsers send it (RFC 6454, 6.2): scheme, host in lower case, and a port where it is not that of the
/// scheme. Neither `*` nor `null`.
pub fn is_origin(text: &str) -> bool {
    let (host, default_port) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(host), _) => (host, 443),
        (_, Some(host)) => (host, 80),
        (None, None) => return false,
    };
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (host, None),
    };
    let is_port = |port: &str| {
        !port.starts_with('0')
            && port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse::<u16>().is_ok_and(|port| port != default_port)
    };
    let is_address = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok());
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
    let is_host = is_address || (!host.is_empty() && host.len() <= 253 && host.bytes().all(is_name));
    is_host && port.is_none_or(is_port)
}

/// Whether people can dial it: `+` and 5 to 15 digits (ITU-T E.164), spaced as they are used to.
pub fn is_contact_phone(phone: &str) -> bool {
    let digits = phone.bytes().filter(u8::is_ascii_digit).count();
    let allowed =
        phone.strip_prefix('+').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || b" -()".contains(&byte)));
    allowed && (5..=15).contains(&digits) && phone.len() <= 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        for good in [
            "https://shop.example.org",
            "https://shop.example.org:8443",
            "http://localhost:3000",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "https://[2001:db8::1]",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "*",
            "null",
            "",
            "shop.example.org",
            "https://",
            "https://shop.example.org/",
            "https://Shop.example.org",
            "https://*.example.org",
            "https://shop.example.org:443",
            "http://shop.example.org:80",
            "https://shop.example.org:0",
            "https://shop.example.org:",
            "https://ana@shop.example.org",
            "https://[::1",
            "ftp://shop.example.org",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
