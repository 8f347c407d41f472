//! Waiting for a change of an invitation, so that a page need not ask again and again.

use std::{pin::pin, time::Duration};

use chrono::TimeDelta;
use utoipa::openapi::schema::Object;
use uuid::Uuid;
use workflows::sign_process::process_of_signature;

use super::{
    super::{
        ApiError,
        call::{Call, Json},
        openapi,
        operation::Parameter,
    },
    invitation::{Invitation, Seen},
    shown,
};

/// Maximum wait, in process time: less than proxies let pass without an answer.
const PATIENCE: TimeDelta = TimeDelta::seconds(25);

/// Between two looks for what other servers changed.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// When somebody who found no place may come again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

pub const AFTER: Parameter = Parameter::query(
    "after",
    "Revision of the invitation that the page has; the answer comes once there is another one. Without it, at once.",
    revision,
);

fn revision() -> Object {
    openapi::text()
}

pub async fn watch(call: Call<Uuid>) -> Result<Option<Json<Invitation>>, ApiError> {
    let after = call.query.text(AFTER.name)?.map(std::borrow::Cow::into_owned);
    let Call { caller, organization, id, state, engine, .. } = call;
    let signers = &engine.signers;
    // Nobody takes a place for what is not there.
    Seen::look(&engine, &organization, id).await?;
    let place = signers.watchers.enter(&organization, process_of_signature(id));
    let place = place.map_err(|error| ApiError::too_many_requests(error.to_string(), RETRY_AFTER))?;
    let deadline = engine.clock.now() + PATIENCE;
    let mut jumps = engine.clock.jumps();
    loop {
        // Before the look, so that what changes meanwhile is not missed.
        let mut changed = pin!(place.changed());
        changed.as_mut().enable();
        let seen = Seen::look(&engine, &organization, id).await?;
        let invitation = shown(&seen, &engine, &state, &organization, &caller).await?;
        if after.as_deref() != Some(invitation.revision()) {
            return Ok(Some(Json(invitation)));
        }
        let left = (deadline - engine.clock.now()).to_std().unwrap_or_default();
        if left.is_zero() || place.is_closed() {
            return Ok(None);
        }
        let wait = if signers.shared_store { left.min(LOOK_EVERY) } else { left };
        tokio::select! {
            () = changed => {}
            () = place.closed() => {}
            _ = jumps.changed() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}
