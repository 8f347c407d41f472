//! C9: the documents that the server made, by what made them: sealed documents and certificates of sign processes, and filled templates.
//!
//! Their identifiers follow from what made them and say nothing of time, so their records cannot be read in its order: the processes are, newest
//! first, and each names its own.

use futures::{StreamExt, TryStreamExt, stream};
use store::{Cursor, Listed, Page};
use uuid::Uuid;
use workflows::{Attribute, Machine, fill::Fill, sign_process};

use super::{
    processes::{merged, status},
    visit::{Failure, Visit},
};
use crate::catalogue::documents::{self, Version};

/// Processes of a page: of each there are as many documents as it has, and its certificate.
const PAGE: usize = 25;

/// Records that are read at once.
const AT_ONCE: usize = 16;

/// Documents of the newest processes that have some, after a place in their list, and where it goes on.
///
/// # Errors
/// If the store cannot be read.
pub async fn of_processes(visit: &Visit, after: Option<&Cursor>) -> Result<(Vec<Version>, Option<Cursor>), Failure> {
    let (sign, organization) = (&visit.engine().processes.sign, visit.organization.as_str());
    // No other state has any: a process is sealed once all have signed.
    let states = [sign_process::Status::Signed, sign_process::Status::Certified].map(|state| status(state).name());
    let pages = states.map(async |state| sign.find(organization, &Attribute::status(state), after, PAGE).await);
    let Page { items, next } = merged(futures::future::try_join_all(pages).await?, PAGE);
    let known = sign.peek_many(organization, &ids(&items)).await?;
    // What cannot be read is told in the list of the processes.
    let made = known.iter().flatten().filter_map(|machine| machine.data());
    let made = made.flat_map(|data| data.certificate.into_iter().chain(data.sealed.iter().flatten().map(|sealed| sealed.id)));
    Ok((records(visit, made.collect()).await?, next))
}

/// The same of fills of templates in HTML, as long as these are known.
///
/// # Errors
/// If the store cannot be read.
pub async fn of_fills(visit: &Visit, after: Option<&Cursor>) -> Result<(Vec<Version>, Option<Cursor>), Failure> {
    let organization = visit.organization.as_str();
    let Page { items, next } = visit.site().store.list(organization, Fill::KIND, after, PAGE).await?;
    let known = visit.engine().processes.fill.peek_many(organization, &ids(&items)).await?;
    let made = known.iter().flatten().filter_map(|machine| machine.existing().ok()?.document);
    Ok((records(visit, made.collect()).await?, next))
}

fn ids(listed: &[Listed]) -> Vec<Uuid> {
    listed.iter().map(|item| item.entity.id).collect()
}

/// The records of documents, in their order; of one that never was there is none.
async fn records(visit: &Visit, made: Vec<Uuid>) -> Result<Vec<Version>, Failure> {
    let documents = &visit.call.state().documents;
    let read = stream::iter(made).map(async |id| match documents.current(&visit.organization, id).await {
        Ok(found) => Ok(Some(found)),
        Err(documents::Error::NotFound) => Ok(None),
        Err(error) => Err(Failure::from(error)),
    });
    let found: Vec<Option<Version>> = read.buffered(AT_ONCE).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}
