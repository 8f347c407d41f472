//! Where a request comes from: the device headers of the contract and the client's address, as evidence.

use std::net::IpAddr;

use actix_web::HttpRequest;
use utoipa::openapi::{Object, ObjectBuilder, Type};
use workflows::Device;

use super::{ApiError, State, openapi, operation::Parameter, signers::RESUME_HASH};

/// Maximum length of a device header's value that is kept, in bytes.
const MAX_VALUE: usize = 512;

/// Maximum number of addresses of `x-forwarded-for` that are looked at.
const MAX_HOPS: usize = 32;

const INSTALLATION: Parameter =
    Parameter::header("x-installation_id", "Unique id of the browser installation.", openapi::header_text::<MAX_VALUE>)
        .required();
const FINGERPRINT: Parameter =
    Parameter::header("x-fingerprint", "Fingerprint of the device.", openapi::header_text::<MAX_VALUE>).required();
const LOCATION: Parameter = Parameter::header("x-location", "Place of the device as \"latitude,longitude\".", location);
pub const USER_AGENT: Parameter =
    Parameter::header("User-Agent", "Client application; kept with the evidence.", openapi::header_text::<MAX_VALUE>).required();

const FORWARDED_FOR: Parameter = Parameter::header(
    "x-forwarded-for",
    "Address of the device, set by the servers in front; what a client sends here is ignored.",
    openapi::text,
);

/// What [`is_location`] reads, in the usual notation; an empty header is none.
fn location() -> Object {
    const PATTERN: &str = r"^(|[+-]?(90(\.0+)?|[0-8]?\d(\.\d+)?) *, *[+-]?(180(\.0+)?|(1[0-7]\d|\d?\d)(\.\d+)?))$";
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(PATTERN)).build()
}

/// The headers of [`Required::Installation`].
pub const HEADERS: &[Parameter] = &[INSTALLATION, FINGERPRINT, LOCATION];

/// The headers of [`Required::InstallationAndUserAgent`].
pub const HEADERS_AND_AGENT: &[Parameter] = &[INSTALLATION, FINGERPRINT, LOCATION, USER_AGENT];

/// Those, and the digest of the key with which the page may come back.
pub const HEADERS_AND_AGENT_AND_RESUME: &[Parameter] = &[INSTALLATION, FINGERPRINT, LOCATION, USER_AGENT, RESUME_HASH];

/// Those of [`HEADERS_AND_AGENT`], and the address of the device as a proxy of ours tells it.
pub const HEADERS_AND_ADDRESS: &[Parameter] = &[INSTALLATION, FINGERPRINT, LOCATION, USER_AGENT, FORWARDED_FOR];

/// Which device headers an operation requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Required {
    /// `x-installation_id` and `x-fingerprint`.
    Installation,
    /// Those and `User-Agent`.
    InstallationAndUserAgent,
    /// `User-Agent` alone.
    UserAgent,
}

/// The device that a request comes from.
///
/// # Errors
/// 400 naming every header that is missing, too long or not readable.
pub fn device(request: &HttpRequest, state: &State, required: Required) -> Result<Device, ApiError> {
    let mut problems = Vec::new();
    let mut header = |name: &str, required: bool| match text(request, name) {
        Ok(None) if required => {
            problems.push(format!("{name}: the header is missing"));
            None
        }
        Ok(value) => value,
        Err(problem) => {
            problems.push(format!("{name}: {problem}"));
            None
        }
    };
    let device = Device {
        installation_id: header("x-installation_id", required != Required::UserAgent),
        fingerprint: header("x-fingerprint", required != Required::UserAgent),
        user_agent: header("user-agent", required != Required::Installation),
        location: header("x-location", false),
        ip: client_address(request, state).map(|address| address.to_string()),
    };
    if device.location.as_deref().is_some_and(|location| !is_location(location)) {
        problems.push("x-location: expected \"latitude,longitude\", e.g. 40.42,-3.70".into());
    }
    if problems.is_empty() { Ok(device) } else { Err(ApiError::parameters(problems)) }
}

fn text(request: &HttpRequest, name: &str) -> Result<Option<String>, String> {
    let Some(value) = request.headers().get(name) else { return Ok(None) };
    let value = std::str::from_utf8(value.as_bytes()).map_err(|_| "not UTF-8 text".to_owned())?.trim();
    match value.len() {
        0 => Ok(None),
        1..=MAX_VALUE if !value.chars().any(char::is_control) => Ok(Some(value.to_owned())),
        1..=MAX_VALUE => Err("it has control characters".to_owned()),
        _ => Err(format!("longer than {MAX_VALUE} bytes")),
    }
}

/// "latitude,longitude" in degrees. The contract's example has a longitude beyond 90, so only the longitude's bound is wide.
fn is_location(text: &str) -> bool {
    let within = |text: &str, bound: f64| text.trim().parse::<f64>().is_ok_and(|degrees| degrees.abs() <= bound);
    text.split_once(',').is_some_and(|(latitude, longitude)| within(latitude, 90.0) && within(longitude, 180.0))
}

/// The client's address. `x-forwarded-for` counts only when the connection comes from a configured proxy, and in it the
/// last address that is not such a proxy: what stands before it anybody can write (note forwarded-for).
pub fn client_address(request: &HttpRequest, state: &State) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    let trusted = |address: &IpAddr| state.options.trusted_proxies.iter().any(|network| network.contains(address));
    if !trusted(&peer) {
        return Some(peer);
    }
    let forwarded = request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
    let mut client = peer;
    for hop in hops.iter().rev().take(MAX_HOPS) {
        let Ok(address) = hop.parse::<IpAddr>() else { return Some(client) };
        client = address.to_canonical();
        if !trusted(&client) {
            break;
        }
    }
    Some(client)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actix_web::test::TestRequest;

    use super::{client_address, is_location};
    use crate::http::{context::Options, testing::World};

    fn address_seen(peer: &str, forwarded: &[&str]) -> String {
        let mut state = World::new().state;
        let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        state.options = Arc::new(Options { trusted_proxies, ..Options::clone(&state.options) });
        let request = TestRequest::default().peer_addr(peer.parse().unwrap());
        let request = forwarded.iter().fold(request, |request, value| request.append_header(("x-forwarded-for", *value)));
        client_address(&request.to_http_request(), &state).unwrap().to_string()
    }

    #[test]
    fn a_forwarded_address_counts_only_from_a_configured_proxy() {
        assert_eq!(address_seen("203.0.113.7:1", &["198.51.100.1"]), "203.0.113.7");
        assert_eq!(address_seen("10.1.2.3:1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(address_seen("[::ffff:10.1.2.3]:1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(address_seen("10.1.2.3:1", &[]), "10.1.2.3");
    }

    #[test]
    fn what_a_client_writes_before_its_own_address_does_not_count() {
        assert_eq!(address_seen("10.1.2.3:1", &["192.0.2.66, 198.51.100.1, 10.9.9.9"]), "198.51.100.1");
        assert_eq!(address_seen("10.1.2.3:1", &["192.0.2.66", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(address_seen("10.1.2.3:1", &["198.51.100.1, nonsense"]), "10.1.2.3");
    }

    #[test]
    fn a_location_is_two_numbers_within_their_bounds() {
        assert!(is_location("88.52,-123.1") && is_location("40.4, -3.7"));
        for wrong in ["", "40.4", "north,south", "91,0", "0,181", "NaN,0", "1,2,3"] {
            assert!(!is_location(wrong), "{wrong}");
        }
    }
}
