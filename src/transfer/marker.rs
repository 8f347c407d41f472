//! A record in the store that is imported into: which import is under way, so that it can be taken up again and nobody serves from a
//! half of an installation meanwhile. It is no part of what is moved.

use serde::{Deserialize, Serialize};
use store::{RecordKey, Store};
use uuid::Uuid;

use super::retried;
use crate::installation;

const ORGANIZATION: &str = "_transfer";

/// What is known of the last import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Identifier of the export.
    pub export: Uuid,
    /// Whether all of it is there and was compared.
    pub done: bool,
}

pub fn key() -> RecordKey {
    RecordKey::new(ORGANIZATION, "import", "last")
}

/// Whether a record is of the installation. What is of the store itself, and counters, are not moved; hidden collections are.
pub fn is_moved(key: &RecordKey) -> bool {
    let stays = key.keeps_versions() || key.is_hidden();
    &*key.organization != ORGANIZATION && !installation::is_own(key) && stays
}

/// The marker and its version, `None` where nothing was ever imported.
pub async fn read(store: &dyn Store) -> Result<Option<(u64, Marker)>, store::Error> {
    let key = key();
    let Some(record) = retried(|| store.get(&key)).await? else { return Ok(None) };
    let marker = serde_json::from_slice(&record.body);
    let marker = marker.map_err(|_| store::Error::Corrupt("the record of the last import".into()))?;
    Ok(Some((record.version, marker)))
}

/// To be asked before a store is served from or exported.
///
/// # Errors
/// [`store::Error::Refused`] if an import into this store has not ended; what else the store cannot do.
pub async fn refuse_unfinished(store: &dyn Store) -> Result<(), store::Error> {
    match read(store).await? {
        Some((_, Marker { export, done: false })) => {
            let text = format!("the import of export {export} into it has not ended: run `rubrica import` of that export again");
            Err(store::Error::Refused(text))
        }
        _ => Ok(()),
    }
}
