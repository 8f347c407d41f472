//! How often one address may call what needs no token, in windows of a minute. Each server counts for itself, in memory: links cannot be
//! guessed, so this only bounds the work that strangers cause.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use parking_lot::Mutex;
use store::Timestamp;

use crate::connections::counted_as;

/// Maximum number of addresses that are counted at once. Were there more, all would be counted anew.
const MAX_COUNTED: usize = 100_000;

const WINDOW: u64 = 60;

/// Counts calls by their address; of IPv6 by its network of 64 bits, as one client has as many addresses as it likes there.
pub struct AddressLimits {
    /// 0 is no bound.
    per_minute: u32,
    counts: Mutex<HashMap<IpAddr, (u64, u32)>>,
}

impl AddressLimits {
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute, counts: Mutex::default() }
    }

    /// Counts a call as so many; where no address is known, all such calls are one client's.
    ///
    /// # Errors
    /// How long the client has to wait, if that is more than its address may.
    pub fn admit(&self, address: Option<IpAddr>, weight: u32, now: Timestamp) -> Result<(), Duration> {
        if self.per_minute == 0 {
            return Ok(());
        }
        let address = counted_as(address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)));
        let second = u64::try_from(now.timestamp()).unwrap_or(0);
        let window = second / WINDOW;
        let mut counts = self.counts.lock();
        if counts.len() >= MAX_COUNTED && !counts.contains_key(&address) {
            counts.retain(|_, (counted, _)| *counted >= window);
            if counts.len() >= MAX_COUNTED {
                counts.clear();
            }
        }
        let (counted, calls) = counts.entry(address).or_insert((window, 0));
        if *counted != window {
            (*counted, *calls) = (window, 0);
        }
        if calls.saturating_add(weight) > self.per_minute {
            return Err(Duration::from_secs(WINDOW - second % WINDOW));
        }
        *calls += weight;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    fn start() -> Timestamp {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    #[test]
    fn an_address_may_call_so_often_a_minute() {
        let limits = AddressLimits::new(3);
        let admit = |address: &str, weight, seconds| {
            limits.admit(Some(address.parse().unwrap()), weight, start() + TimeDelta::seconds(seconds))
        };
        assert_eq!((admit("192.0.2.1", 1, 0), admit("192.0.2.1", 2, 10)), (Ok(()), Ok(())));
        assert_eq!(admit("::ffff:192.0.2.1", 1, 20), Err(Duration::from_secs(40)));
        assert_eq!(admit("192.0.2.2", 1, 20), Ok(()));
        assert_eq!(admit("192.0.2.1", 3, 60), Ok(()));
        assert_eq!(admit("2001:db8::1", 2, 60), Ok(()));
        assert_eq!(admit("2001:db8::2:1", 2, 61), Err(Duration::from_secs(59)), "one network, one client");
        assert_eq!(admit("2001:db8:0:1::1", 2, 61), Ok(()));
    }

    #[test]
    fn without_a_bound_nobody_is_counted() {
        let limits = AddressLimits::new(0);
        assert!((0..1000).all(|_| limits.admit(None, 1, start()).is_ok()));
        assert!(limits.counts.lock().is_empty());
    }

    #[test]
    fn what_is_counted_is_bounded() {
        let limits = AddressLimits::new(1);
        for number in 0..u32::try_from(MAX_COUNTED).unwrap() + 10 {
            let _ = limits.admit(Some(IpAddr::from(number.to_be_bytes())), 1, start());
        }
        assert!(limits.counts.lock().len() <= MAX_COUNTED);
    }
}
