//! Stand-in until the index lands.
use std::{ops::Range, sync::Arc};

use prometheus::Registry;

use super::{db::Db, options::Options};
use crate::{Entity, Error, Timestamp, Wake};

pub(super) struct Wakes {}
pub(super) struct Announced {}

impl Wakes {
    pub async fn prepare(_: Arc<Db>, _: &Options, _: &Registry) -> Result<Self, Error> {
        Ok(Self {})
    }
    pub async fn announce(&self, _: &Entity, _: u64, _: Timestamp, _: Timestamp) -> Result<Announced, Error> {
        Ok(Announced {})
    }
    pub fn appended(&self, _: &Entity, _: u64, _: Option<Announced>) {}
    pub async fn due(&self, _: Range<u16>, _: Timestamp, _: usize) -> Result<Vec<Wake>, Error> {
        Ok(Vec::new())
    }
    pub async fn settle(&self, _: &Wake, _: u64, _: Option<Timestamp>) -> Result<(), Error> {
        Ok(())
    }
    pub async fn close(&self) {}
}
