//! Contracts: filled documents that are to be signed, and the sign process in which that happens.
//!
//! A contract has no owner of its own: it belongs to whom its filled document belongs, and so does its signed document
//! ([`Document::owned_with`](super::documents::Document::owned_with)). What becomes of a sign process stands in its journal alone; a contract
//! is told when its document is signed, so that a signed one is read without its process.

use serde::{Deserialize, Serialize};
use store::{Store, Timestamp};
use uuid::Uuid;

use std::sync::Arc;

use super::item::{self, Act, Item, Items, Kind};
use crate::records::{self, Records};

/// What the record of a contract says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    /// The filled document.
    pub document: Uuid,
    /// External id of the template that it was filled from.
    pub template: String,
    /// Version of the template, MAJOR.MINOR.
    pub version: String,
    /// The sign process that the contract is, was, or was about to be in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing: Option<Signing>,
    /// The sign process before that one, which ended without a signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<Uuid>,
    /// The signed document, once the process has told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_document: Option<Uuid>,
}

/// A contract is claimed for a sign process before that is created: of two that are wanted at once one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signing {
    /// The sign process; after a crash there may be none.
    pub process: Uuid,
    /// When the contract was claimed for it.
    pub since: Timestamp,
}

impl Kind for Contract {
    const COLLECTION: &'static str = "contract";
    const KEY_IS_FREED: bool = false;
}

impl Contract {
    /// One that was filled a moment ago.
    pub fn new(document: Uuid, template: String, version: String) -> Self {
        Self { document, template, version, signing: None, earlier: None, signed_document: None }
    }
}

/// Why a contract cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There never was such a contract.
    #[error("there is no such contract")]
    NotFound,
    /// Another sign process was faster.
    #[error("the contract is being signed in another sign process")]
    Claimed,
    /// A record could not be read or changed.
    #[error(transparent)]
    Record(#[from] records::Error),
}

/// The contracts of all organizations; a cheap handle.
#[derive(Clone)]
pub struct Contracts {
    items: Items<Contract>,
}

impl Contracts {
    /// Over a store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { items: Items::new(Records::new(store)) }
    }

    /// Registers a contract under a new identifier. A crash before this leaves a filled document without a contract, as a document whose
    /// upload was never answered.
    ///
    /// # Errors
    /// [`Error::Record`].
    pub async fn register(&self, organization: &str, contract: Contract, act: Act<'_>) -> Result<Uuid, Error> {
        let id = Uuid::now_v7();
        self.items.create(organization, &id.to_string(), contract, "filled", act).await?;
        Ok(id)
    }

    /// A contract. It is there for ever, whatever becomes of its documents.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Record`].
    pub async fn get(&self, organization: &str, id: Uuid) -> Result<Contract, Error> {
        match self.items.get(organization, &id.to_string()).await {
            Ok(found) => Ok(found.item.value),
            Err(item::Error::Record(error)) => Err(error.into()),
            Err(_) => Err(Error::NotFound),
        }
    }

    /// Claims a contract for a sign process that is about to be created, if it still is as it was `judged`. `ended` says that the process
    /// which it was claimed for before came to be, and ended without a signature. Idempotent.
    ///
    /// # Errors
    /// [`Error::Claimed`], [`Error::NotFound`], [`Error::Record`].
    pub async fn claim(
        &self,
        organization: &str,
        id: Uuid,
        judged: &Contract,
        ended: bool,
        process: Uuid,
        act: Act<'_>,
    ) -> Result<(), Error> {
        let since = act.at;
        let decide = |contract: Contract| {
            if contract.signing.is_some_and(|signing| signing.process == process) {
                return Ok(None);
            }
            if contract.signing != judged.signing || contract.signed_document.is_some() {
                return Err(Error::Claimed);
            }
            let earlier = contract.signing.filter(|_| ended).map(|signing| signing.process).or(contract.earlier);
            Ok(Some(Contract { signing: Some(Signing { process, since }), earlier, ..contract }))
        };
        self.change(organization, id, "a sign process was asked for", act, decide).await
    }

    /// Gives up a claim for a process that does not come to be. Idempotent.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Record`].
    pub async fn give_up(&self, organization: &str, id: Uuid, process: Uuid, act: Act<'_>) -> Result<(), Error> {
        let decide = |contract: Contract| {
            let is_claim = contract.signing.is_some_and(|signing| signing.process == process);
            Ok(is_claim.then_some(Contract { signing: None, ..contract }))
        };
        self.change(organization, id, "the sign process did not come to be", act, decide).await
    }

    /// Takes note of the signed document. Idempotent; the first one stays.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Record`].
    pub async fn signed(&self, organization: &str, id: Uuid, process: Uuid, document: Uuid, act: Act<'_>) -> Result<(), Error> {
        let decide = |contract: Contract| {
            let signing = contract.signing.filter(|signing| signing.process == process);
            let signing = signing.unwrap_or(Signing { process, since: act.at });
            let is_new = contract.signed_document.is_none();
            Ok(is_new.then_some(Contract { signing: Some(signing), signed_document: Some(document), ..contract }))
        };
        self.change(organization, id, "signed", act, decide).await
    }

    async fn change(
        &self,
        organization: &str,
        id: Uuid,
        what: &str,
        act: Act<'_>,
        decide: impl Fn(Contract) -> Result<Option<Contract>, Error>,
    ) -> Result<(), Error> {
        let decide = |current: Option<Item<Contract>>| {
            let item = current.ok_or(Error::NotFound)?;
            Ok(decide(item.value.clone())?.map(|contract| item.with(contract)))
        };
        self.items.change(organization, &id.to_string(), what, act, decide).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use store::model::Model;

    use super::*;

    const ORG: &str = "acme";

    fn noon() -> Timestamp {
        chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    async fn registered() -> (Contracts, Uuid) {
        let contracts = Contracts::new(Arc::new(Model::new()));
        let contract = Contract::new(Uuid::now_v7(), "rental".into(), "2.1".into());
        let id = contracts.register(ORG, contract, noon().into()).await.unwrap();
        (contracts, id)
    }

    #[tokio::test]
    async fn of_two_processes_at_once_one_gets_the_contract() {
        let (contracts, id) = registered().await;
        let judged = contracts.get(ORG, id).await.unwrap();
        let [one, other] = [Uuid::now_v7(), Uuid::now_v7()];
        for _ in 0..2 {
            contracts.claim(ORG, id, &judged, false, one, noon().into()).await.unwrap();
        }
        let late = contracts.claim(ORG, id, &judged, false, other, noon().into()).await;
        assert!(matches!(late, Err(Error::Claimed)), "{late:?}");
        contracts.give_up(ORG, id, other, noon().into()).await.unwrap();
        assert_eq!(contracts.get(ORG, id).await.unwrap().signing.map(|signing| signing.process), Some(one));
        contracts.give_up(ORG, id, one, noon().into()).await.unwrap();
        assert_eq!(contracts.get(ORG, id).await.unwrap(), judged);
    }

    #[tokio::test]
    async fn the_process_that_ended_is_remembered_when_another_one_does_not_come_to_be() {
        let (contracts, id) = registered().await;
        let [ended, never] = [Uuid::now_v7(), Uuid::now_v7()];
        let judged = contracts.get(ORG, id).await.unwrap();
        contracts.claim(ORG, id, &judged, false, ended, noon().into()).await.unwrap();
        let judged = contracts.get(ORG, id).await.unwrap();
        contracts.claim(ORG, id, &judged, true, never, (noon() + TimeDelta::hours(1)).into()).await.unwrap();
        contracts.give_up(ORG, id, never, noon().into()).await.unwrap();
        let contract = contracts.get(ORG, id).await.unwrap();
        assert_eq!((contract.signing, contract.earlier), (None, Some(ended)));
    }

    #[tokio::test]
    async fn a_signed_contract_stays_as_it_is() {
        let (contracts, id) = registered().await;
        let (process, document) = (Uuid::now_v7(), Uuid::now_v7());
        let judged = contracts.get(ORG, id).await.unwrap();
        contracts.claim(ORG, id, &judged, false, process, noon().into()).await.unwrap();
        for signed in [document, document, Uuid::now_v7()] {
            contracts.signed(ORG, id, process, signed, noon().into()).await.unwrap();
        }
        let contract = contracts.get(ORG, id).await.unwrap();
        assert_eq!(contract.signed_document, Some(document));
        let again = contracts.claim(ORG, id, &contract, true, Uuid::now_v7(), noon().into()).await;
        assert!(matches!(again, Err(Error::Claimed)), "{again:?}");
        assert!(matches!(contracts.get("other", id).await, Err(Error::NotFound)));
    }
}
