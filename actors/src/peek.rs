//! States of processes for those who only look: without an actor, and without a trace.

use std::{collections::HashMap, sync::Arc};

use store::Entity;
use workflows::Machine;

use crate::{
    error::Error,
    fault::Fault,
    folded::{Folded, load, of_loaded},
    intervention::OpenEffects,
    shared::Shared,
};

impl<M: Machine> Shared<M> {
    pub async fn peek(&self, entity: &Entity) -> Result<Arc<M>, Error> {
        self.is_served(entity)?;
        if let Some(machine) = self.in_memory(entity) {
            return Ok(machine);
        }
        let folded = load(&self.store, &self.rules.sealer, entity).await;
        self.peeked(entity, folded)
    }

    pub async fn peek_many(&self, entities: &[Entity]) -> Result<Vec<Result<Arc<M>, Error>>, Error> {
        let mut known: HashMap<&Entity, Result<Arc<M>, Error>> = HashMap::with_capacity(entities.len());
        let mut missing = Vec::new();
        for entity in entities {
            if known.contains_key(entity) {
                continue;
            }
            let answer = self.is_served(entity).map(|()| self.in_memory(entity));
            match answer.transpose() {
                Some(answer) => _ = known.insert(entity, answer),
                None => {
                    missing.push(entity.clone());
                    // Until it is read, and so that it is read once.
                    known.insert(entity, Ok(Arc::default()));
                }
            }
        }
        let mut read = Vec::with_capacity(missing.len());
        for some in missing.chunks(store::MAX_LOADS) {
            let loaded = self.store.load_many(some).await.map_err(|error| Error::Unavailable(error.to_string()))?;
            for (entity, loaded) in some.iter().zip(loaded) {
                let folded = of_loaded(&self.store, &self.rules.sealer, entity, loaded).await;
                read.push(self.peeked(entity, folded));
            }
        }
        let mut read: HashMap<&Entity, _> = missing.iter().zip(read).collect();
        known.extend(read.drain());
        let answer = |entity| known.get(entity).cloned().unwrap_or_else(|| Ok(Arc::default()));
        Ok(entities.iter().map(answer).collect())
    }

    /// As their journals have it, read from the store.
    pub async fn open_effects(&self, entities: &[Entity]) -> Result<Vec<Result<OpenEffects, Error>>, Error> {
        let mut all = Vec::with_capacity(entities.len());
        for some in entities.chunks(store::MAX_LOADS) {
            let loaded = self.store.load_many(some).await.map_err(|error| Error::Unavailable(error.to_string()))?;
            for (entity, loaded) in some.iter().zip(loaded) {
                let folded = of_loaded(&self.store, &self.rules.sealer, entity, loaded).await;
                all.push(self.served(entity, folded).map(|folded| folded.open_effects()));
            }
        }
        Ok(all)
    }

    /// The machine of a process in memory, as it stands in the journal. Not where others may have written.
    fn in_memory(&self, entity: &Entity) -> Option<Arc<M>> {
        if self.options.shared_store {
            return None;
        }
        let published = self.registry.lock().slots.get(entity)?.published.clone();
        published.lock().clone()
    }

    fn peeked(&self, entity: &Entity, folded: Result<Folded<M>, Fault>) -> Result<Arc<M>, Error> {
        self.served(entity, folded).map(|folded| folded.machine)
    }

    fn served(&self, entity: &Entity, folded: Result<Folded<M>, Fault>) -> Result<Folded<M>, Error> {
        match folded {
            Ok(folded) => Ok(folded),
            Err(Fault::Unavailable(reason)) => Err(Error::Unavailable(reason)),
            Err(Fault::Poisoned(cause, reason)) => {
                self.set_aside(entity, cause, reason);
                Err(Error::Quarantined)
            }
        }
    }
}
