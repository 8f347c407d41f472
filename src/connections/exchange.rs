//! What a connection's stream knows of the request that it carries: the service tells, the stream asks. Both live on one thread.

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use actix_web::{
    Error, HttpMessage,
    body::{BodySize, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::PayloadError,
    http::header,
    middleware::Next,
};
use bytes::Bytes;
use futures::Stream;

/// Bytes of a body that may have been handed over without the handler asking for more.
const WINDOW: usize = 32 * 1024;

/// The state of one connection's exchange; a cheap handle.
#[derive(Clone, Default)]
pub(super) struct Exchange(Rc<State>);

#[derive(Default)]
struct State {
    /// Whether a request was handed to its handler and its answer was not yet taken from it whole.
    in_flight: Cell<bool>,
    /// The body that the handler may still read.
    body: Cell<Incoming>,
    /// Number of the request, so that what is left of one does not speak for the next.
    number: Cell<u64>,
    /// Bytes of the body that were handed over since the handler last waited for more.
    ahead: Cell<usize>,
    /// Bytes of a declared body that are still to come.
    declared: Cell<u64>,
    /// Whether the last body was not read to its end.
    unread: Cell<bool>,
    /// Whether the request whose head came last reached a handler.
    served: Cell<bool>,
    /// The connection, if it was refused bytes and is to ask again.
    waiting: RefCell<Option<Waker>>,
}

/// The body of a request under way.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Incoming {
    /// There is none, or it is at its end, or nobody reads it.
    #[default]
    Over,
    /// Of a declared length.
    Declared,
    Chunked,
}

/// What may be handed over of what a client has sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Allowance {
    /// Nothing, until the connection is woken.
    Nothing,
    /// A head.
    Head,
    /// Some of a chunked body.
    Chunk,
    /// So many bytes of a body whose length is known.
    Body(usize),
    /// The rest of a chunked body after an answer that came before its end.
    Rest,
}

impl Exchange {
    /// What may be handed over now.
    pub(super) fn allowance(&self) -> Allowance {
        let state = &*self.0;
        let declared = usize::try_from(state.declared.get()).unwrap_or(usize::MAX).min(WINDOW);
        match (state.in_flight.get(), state.body.get()) {
            (false, _) if state.unread.get() && declared > 0 => Allowance::Body(declared),
            (false, _) if state.unread.get() => Allowance::Rest,
            (false, _) => Allowance::Head,
            (true, Incoming::Declared) if declared > 0 && state.ahead.get() < WINDOW => Allowance::Body(declared),
            (true, Incoming::Chunked) if state.ahead.get() == 0 => Allowance::Chunk,
            (true, _) => Allowance::Nothing,
        }
    }

    /// Notes bytes that were handed over.
    pub(super) fn handed(&self, bytes: usize) {
        let state = &*self.0;
        if state.in_flight.get() {
            state.ahead.set(state.ahead.get() + bytes);
        }
        state.declared.set(state.declared.get().saturating_sub(bytes as u64));
    }

    /// A new head begins.
    pub(super) fn head_begins(&self) {
        self.0.served.set(false);
    }

    /// Whether what is answered comes from a handler; otherwise the head was refused.
    pub(super) fn is_served(&self) -> bool {
        self.0.served.get()
    }

    /// Keeps the connection, to be woken when more may be handed over.
    pub(super) fn wait(&self, cx: &Context<'_>) {
        self.0.waiting.replace(Some(cx.waker().clone()));
    }

    /// Wakes the connection if it waits.
    pub(super) fn wake(&self) {
        if let Some(waker) = self.0.waiting.take() {
            waker.wake();
        }
    }

    fn begin(&self, body: Incoming, declared: u64) -> Answering {
        let state = &*self.0;
        state.in_flight.set(true);
        state.served.set(true);
        state.number.set(state.number.get() + 1);
        state.body.set(body);
        state.ahead.set(0);
        state.declared.set(declared);
        state.unread.set(false);
        if body != Incoming::Over {
            self.wake();
        }
        Answering(self.clone())
    }

    /// The body of this request was read to its end, or nobody reads it any more.
    fn body_is_over(&self, number: u64, at_end: bool) {
        let state = &*self.0;
        if state.number.get() == number {
            let body = state.body.replace(Incoming::Over);
            state.unread.set(!at_end && (body == Incoming::Chunked || state.declared.get() > 0));
        }
    }
}

/// Lasts until the answer has been taken from its handler, or is given up.
struct Answering(Exchange);

impl Drop for Answering {
    fn drop(&mut self) {
        let state = &*self.0.0;
        state.in_flight.set(false);
        self.0.wake();
    }
}

/// The middleware that tells the stream of each request; must be the outermost one.
///
/// # Errors
/// Those of the handlers.
pub async fn exchange<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<Body<B>>, Error> {
    let exchange = request.conn_data::<Exchange>().cloned().unwrap_or_default();
    let payload = request.take_payload();
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let body = match payload {
        Payload::None => Incoming::Over,
        _ if request.chunked().unwrap_or(false) => Incoming::Chunked,
        _ => Incoming::Declared,
    };
    let declared = if body == Incoming::Declared { length.unwrap_or(0) } else { 0 };
    let answering = exchange.begin(body, declared);
    if body != Incoming::Over {
        let number = exchange.0.number.get();
        let reader: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(Reader { payload, exchange, number });
        request.set_payload(Payload::from(reader));
    }
    let response = next.call(request).await?;
    Ok(response.map_body(|_, body| Body { body: Box::pin(body), _answering: answering }))
}

/// The body of a request on its way to the handler.
struct Reader {
    payload: Payload,
    exchange: Exchange,
    number: u64,
}

impl Stream for Reader {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.payload).poll_next(cx);
        match &next {
            // Whatever was handed over has been taken.
            Poll::Pending => {
                self.exchange.0.ahead.set(0);
                self.exchange.wake();
            }
            Poll::Ready(None) => self.exchange.body_is_over(self.number, true),
            Poll::Ready(Some(_)) => {}
        }
        next
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.exchange.body_is_over(self.number, false);
    }
}

/// The body of an answer on its way to the client.
pub struct Body<B> {
    body: Pin<Box<B>>,
    _answering: Answering,
}

impl<B: MessageBody> MessageBody for Body<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.body.as_mut().poll_next(cx)
    }
}

/// Bytes that go out in parts, so that a connection copies no more of them than its client takes.
pub struct InParts(pub Bytes);

/// Bytes that are handed to a connection at a time.
pub const PART: usize = 64 * 1024;

impl MessageBody for InParts {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let part = self.0.len().min(PART);
        Poll::Ready((part > 0).then(|| Ok(self.0.split_to(part))))
    }
}
