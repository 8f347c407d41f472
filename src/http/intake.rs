//! Bodies as they come in: room is taken for what has come and not for what is declared, and a sender that is too slow is told so.

use std::time::Duration;

use actix_web::{HttpRequest, dev::Payload, web, web::Bytes};
use futures::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::{ApiError, json::declared_length};
use crate::{
    config,
    connections::SLOWEST,
    room::{Room, Share},
};

/// When a body that found no room is worth sending again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What all bodies have in common; put into the application's data.
#[derive(Clone, Debug)]
pub struct Options {
    /// Maximum bytes of a JSON body for an operation that says nothing else.
    pub json_limit: usize,
    /// Room for all JSON bodies together.
    pub json_room: Room,
    /// Time after which a body that comes more slowly than [`SLOWEST`] is refused.
    pub slow_after: Duration,
}

impl Options {
    /// As they are configured.
    pub fn new(server: &config::Server) -> Self {
        let slow_after = server.slow_after.to_std().unwrap_or_default();
        Self { json_limit: server.json_limit, json_room: Room::new(server.json_memory), slow_after }
    }

    /// Those of an application.
    pub(super) fn of(request: &HttpRequest) -> Self {
        request.app_data::<web::Data<Self>>().map(|options| Self::clone(options)).unwrap_or_default()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new(&config::Server::default())
    }
}

/// A body that comes in.
pub(super) struct Intake {
    payload: Payload,
    share: Share,
    deadline: Instant,
    slow_after: Duration,
    /// The stretch in which the sender's pace is measured: its end, and what has come in it.
    stretch_ends: Instant,
    come: u64,
}

impl Intake {
    /// `within` is the maximum time for the whole body.
    pub(super) fn new(payload: Payload, share: Share, within: Duration, slow_after: Duration) -> Self {
        let now = Instant::now();
        Self { payload, share, deadline: now + within, slow_after, stretch_ends: now + slow_after, come: 0 }
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// 400 when the body breaks off, 408 when it comes too late or too slowly, 503 when there is no room for it.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        loop {
            let until = self.stretch_ends.min(self.deadline);
            let Ok(chunk) = timeout_at(until, self.payload.next()).await else {
                let least = u64::from(SLOWEST) * self.slow_after.as_secs().max(1);
                if until == self.deadline {
                    return Err(ApiError::timeout("the body did not arrive in time"));
                }
                if self.come < least {
                    return Err(ApiError::timeout(format!("the body came more slowly than {SLOWEST} bytes per second")));
                }
                (self.stretch_ends, self.come) = (until + self.slow_after, 0);
                continue;
            };
            let Some(chunk) = chunk else { return Ok(None) };
            let chunk = chunk.map_err(|_| ApiError::input("the body broke off or its encoding is wrong"))?;
            self.come += chunk.len() as u64;
            self.share.take(chunk.len() as u64).map_err(|full| ApiError::unavailable(full, RETRY_AFTER))?;
            return Ok(Some(chunk));
        }
    }

    /// Of what has come, so many bytes are not kept.
    pub(super) fn forget(&mut self, bytes: u64) {
        self.share.give_back(bytes);
    }

    /// The room that what has come takes.
    pub(super) fn into_share(self) -> Share {
        self.share
    }
}

/// A whole body, with the room that it takes for as long as it is needed.
///
/// # Errors
/// 413 over the limit, in bytes; else as [`Intake::next`].
pub(super) async fn whole(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
    within: Duration,
    share: Share,
) -> Result<(web::BytesMut, Share), ApiError> {
    let over = || ApiError::too_large(format!("the body may have {limit} bytes"));
    if declared_length(request).is_some_and(|length| length > limit as u64) {
        return Err(over());
    }
    let mut intake = Intake::new(payload, share, within, Options::of(request).slow_after);
    let mut bytes = web::BytesMut::new();
    while let Some(chunk) = intake.next().await? {
        if bytes.len() + chunk.len() > limit {
            return Err(over());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok((bytes, intake.into_share()))
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use actix_web::error::PayloadError;
    use futures::Stream;

    use super::*;

    /// A body of so many chunks with these pauses before each.
    fn slow(chunk: &'static [u8], pause: Duration, chunks: usize) -> Payload {
        let stream = futures::stream::iter(0..chunks).then(move |_| async move {
            tokio::time::sleep(pause).await;
            Ok(Bytes::from_static(chunk))
        });
        let stream: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(stream);
        Payload::from(stream)
    }

    async fn take(payload: Payload, room: &Room) -> Result<(usize, Share), ApiError> {
        let mut intake = Intake::new(payload, room.share("acme"), Duration::from_secs(300), Duration::from_secs(30));
        let mut bytes = 0;
        while let Some(chunk) = intake.next().await? {
            bytes += chunk.len();
        }
        Ok((bytes, intake.into_share()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stalls_is_refused_and_gives_its_room_back() {
        let room = Room::new(1 << 20);
        let began = Instant::now();
        let refused = take(slow(&[0; 512], Duration::from_secs(1), 1000), &room).await.map(drop).unwrap_err();
        assert_eq!(refused.status(), 408);
        assert_eq!(began.elapsed().as_secs(), 30);
        assert_eq!(room.free(), 1 << 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fast_start_buys_no_slow_end() {
        let room = Room::new(1 << 22);
        let fast = slow(&[0; 60_000], Duration::from_millis(1), 20);
        let both: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> =
            Box::pin(fast.chain(slow(&[0; 1], Duration::from_secs(2), 1000)));
        let began = Instant::now();
        assert_eq!(take(Payload::from(both), &room).await.map(drop).unwrap_err().status(), 408);
        assert!(began.elapsed() <= Duration::from_secs(61), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_body_is_taken_and_one_without_end_is_not() {
        let room = Room::new(1 << 22);
        let (bytes, share) = take(slow(&[0; 2048], Duration::from_secs(1), 200), &room).await.unwrap();
        assert_eq!((bytes, room.free()), (409_600, (1 << 22) - 409_600));
        drop(share);
        assert_eq!(take(slow(&[0; 2048], Duration::from_secs(1), 1000), &room).await.map(drop).unwrap_err().status(), 408);
    }

    #[tokio::test]
    async fn room_is_taken_for_what_has_come() {
        let room = Room::new(10_000);
        let many = slow(&[0; 1000], Duration::ZERO, 6);
        assert_eq!(take(many, &room).await.map(drop).unwrap_err().status(), 503);
        assert!(take(slow(&[0; 1000], Duration::ZERO, 5), &room).await.is_ok());
    }
}
