//! The stream of one connection, between the socket and actix-http.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::{http::StatusCode, rt::net::TcpStream};
use bytes::{Buf, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep, sleep_until},
};

use super::{
    admission::{Connections, Cut, Options, Place},
    exchange::{Allowance, Exchange},
};

/// Bytes per second that a client must take of an answer at least.
pub const SLOWEST: u32 = 1024;

/// Maximum bytes of a request's head, its line included.
pub const MAX_HEAD: usize = 64 * 1024;

/// Maximum bytes that are read at a time where the end of what comes is not known.
const BURST: usize = 4 * 1024;

/// How much of a chunked body is read past whose answer came before its end, so that the client sees the answer instead of a connection
/// that breaks while it sends. actix-http bounds the time ([`super::READ_ON`]).
const READ_ON: usize = 64 * 1024 * 1024;

/// A connection that is read no faster than its requests are answered, and cut off when it is too slow.
pub struct Guarded {
    /// There until this is dropped.
    socket: Option<TcpStream>,
    place: Option<Place>,
    exchange: Exchange,
    /// Read, and not handed over yet.
    held: BytesMut,
    /// Whether the client has ended its side.
    at_end: bool,
    /// Whether something was handed over that is to be decoded before more is.
    handed: bool,
    /// Whether nothing of the present line has come but its end.
    line_is_empty: bool,
    head: Head,
    pace: Pace,
    /// Bytes that were read past after an early answer.
    read_past: usize,
    /// With which status a head was refused that no handler is to see; the answer goes out when actix-http lets go of the connection.
    refusal: Option<StatusCode>,
}

/// The head that is coming in.
#[derive(Default)]
struct Head {
    bytes: usize,
    deadline: Option<Pin<Box<Sleep>>>,
}

/// How fast the client takes the answer, while it waits for the client.
#[derive(Default)]
struct Pace {
    /// Since when the socket takes no more.
    blocked: Option<Instant>,
    /// For how long it took no more before, in this stretch and in the whole answer.
    stretch: Duration,
    whole: Duration,
    /// Bytes taken in this stretch.
    taken: u64,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    /// Another answer begins.
    fn begin(&mut self) {
        *self = Self { timer: self.timer.take(), ..Self::default() };
    }

    /// Some bytes were taken. `true` if none were taken before.
    fn moved(&mut self, bytes: usize) -> bool {
        self.taken += bytes as u64;
        let Some(since) = self.blocked.take() else { return false };
        let waited = since.elapsed();
        self.stretch += waited;
        self.whole += waited;
        true
    }

    /// No more was taken.
    fn poll_blocked(&mut self, cx: &mut Context<'_>, options: &Options) -> Poll<Cut> {
        loop {
            let since = *self.blocked.get_or_insert_with(Instant::now);
            let stretch_left = options.slow_after.saturating_sub(self.stretch);
            let whole_left = options.answer_time.saturating_sub(self.whole);
            let until = since + stretch_left.min(whole_left);
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
            if timer.deadline() != until {
                timer.as_mut().reset(until);
            }
            ready!(timer.as_mut().poll(cx));
            if whole_left <= stretch_left {
                return Poll::Ready(Cut::AnswerTime);
            }
            if self.taken < u64::from(SLOWEST) * options.slow_after.as_secs().max(1) {
                return Poll::Ready(Cut::SlowReader);
            }
            self.moved(0);
            (self.stretch, self.taken) = (Duration::ZERO, 0);
        }
    }
}

impl Guarded {
    /// Takes a connection in, with the client's address; `None` if there are too many from it.
    pub(super) fn accept(socket: TcpStream, connections: &Connections) -> Option<(Self, Option<SocketAddr>)> {
        let peer = socket.peer_addr().ok()?;
        let Some(place) = connections.admit(peer.ip()) else {
            connections.refuse(socket, StatusCode::SERVICE_UNAVAILABLE, None);
            return None;
        };
        let guarded = Self {
            socket: Some(socket),
            place: Some(place),
            exchange: Exchange::default(),
            held: BytesMut::new(),
            at_end: false,
            handed: false,
            line_is_empty: true,
            head: Head::default(),
            pace: Pace::default(),
            read_past: 0,
            refusal: None,
        };
        Some((guarded, Some(peer)))
    }

    /// What the service tells of the requests of this connection.
    pub(super) fn exchange(&self) -> Exchange {
        self.exchange.clone()
    }

    fn socket(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.socket.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn connections(&self) -> Option<&Connections> {
        self.place.as_ref().map(Place::connections)
    }

    fn cut(&self, reason: Cut) -> io::Error {
        if let Some(connections) = self.connections() {
            connections.note(reason);
        }
        io::Error::new(io::ErrorKind::TimedOut, reason.name())
    }

    /// Reads on, unless something is held or nothing more will come.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.held.is_empty() || self.at_end {
            return Poll::Ready(Ok(()));
        }
        let mut space = [0; BURST];
        let mut buffer = ReadBuf::new(&mut space);
        ready!(self.socket()?.poll_read(cx, &mut buffer))?;
        self.at_end = buffer.filled().is_empty();
        self.held.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(()))
    }

    /// Hands over a head, or a piece of a chunked body: what there is, up to the next blank line. Both end with one (RFC 9112, 2.1 and
    /// 7.1), so nothing of what follows is handed over with it.
    fn poll_to_blank_line(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>, is_head: bool) -> Poll<io::Result<()>> {
        if self.poll_fill(cx)?.is_pending() {
            return self.poll_late_head(cx).map(Err);
        }
        if is_head && self.head.bytes == 0 {
            self.exchange.head_begins();
            self.pace.begin();
            self.read_past = 0;
        }
        let fits = self.held.len().min(buffer.remaining());
        let (bytes, is_blank) = blank_line(&self.held[..fits], &mut self.line_is_empty);
        buffer.put_slice(&self.held[..bytes]);
        self.held.advance(bytes);
        self.handed = true;
        self.exchange.handed(bytes);
        self.head.bytes += bytes;
        if is_blank || !is_head {
            self.head.bytes = 0;
            self.head.deadline = None;
        }
        if self.head.bytes > MAX_HEAD {
            self.refusal = Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "the head is too large")));
        }
        Poll::Ready(Ok(()))
    }

    /// Waits for the rest of a head, if one has begun.
    fn poll_late_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let Some(head_time) = self.connections().map(|connections| connections.options().head_time) else { return Poll::Pending };
        if self.head.bytes == 0 {
            return Poll::Pending;
        }
        let deadline = self.head.deadline.get_or_insert_with(|| Box::pin(sleep(head_time)));
        ready!(deadline.as_mut().poll(cx));
        self.refusal = Some(StatusCode::REQUEST_TIMEOUT);
        Poll::Ready(self.cut(Cut::SlowHead))
    }

    /// Hands over up to so many bytes of a body whose length is known.
    fn poll_body(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>, most: usize) -> Poll<io::Result<()>> {
        let most = most.min(buffer.remaining());
        let bytes = if self.held.is_empty() && !self.at_end {
            let mut part = ReadBuf::new(buffer.initialize_unfilled_to(most));
            ready!(self.socket()?.poll_read(cx, &mut part))?;
            let bytes = part.filled().len();
            buffer.advance(bytes);
            self.at_end = bytes == 0;
            bytes
        } else {
            let bytes = most.min(self.held.len());
            buffer.put_slice(&self.held[..bytes]);
            self.held.advance(bytes);
            bytes
        };
        self.exchange.handed(bytes);
        Poll::Ready(Ok(()))
    }
}

/// How much of these bytes comes before the end of the next blank line, and whether there is one. A line ends with LF, with or without CR
/// before it, as the parser of heads takes them.
fn blank_line(bytes: &[u8], line_is_empty: &mut bool) -> (usize, bool) {
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\n' if *line_is_empty => return (at + 1, true),
            b'\n' => *line_is_empty = true,
            b'\r' => {}
            _ => *line_is_empty = false,
        }
    }
    (bytes.len(), false)
}

impl AsyncRead for Guarded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.pace.blocked.is_some() {
            // An answer waits for the client. It is woken by the socket, and then by us.
            self.exchange.wait(cx);
            return Poll::Pending;
        }
        if std::mem::take(&mut self.handed) {
            // First what was handed over is decoded; the socket is asked so that it wakes the connection.
            if self.poll_fill(cx)?.is_pending() {
                return self.poll_late_head(cx).map(Err);
            }
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        match self.exchange.allowance() {
            Allowance::Nothing => {
                self.exchange.wait(cx);
                Poll::Pending
            }
            Allowance::Head => self.poll_to_blank_line(cx, buffer, true),
            Allowance::Chunk => self.poll_to_blank_line(cx, buffer, false),
            Allowance::Body(most) => self.poll_body(cx, buffer, most),
            // The end, as far as actix-http is told.
            Allowance::Rest if self.read_past >= READ_ON => Poll::Ready(Ok(())),
            Allowance::Rest => {
                let before = buffer.filled().len();
                ready!(self.poll_to_blank_line(cx, buffer, false))?;
                self.read_past += buffer.filled().len() - before;
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if !self.exchange.is_served()
            && let Some(status) = refusal(bytes)
        {
            // actix-http refuses a head with a status and nothing else.
            self.refusal = Some(status);
            return Poll::Ready(Ok(bytes.len()));
        }
        match self.socket()?.poll_write(cx, bytes)? {
            Poll::Ready(taken) => {
                if self.pace.moved(taken) {
                    self.exchange.wake();
                }
                Poll::Ready(Ok(taken))
            }
            Poll::Pending => {
                let Self { pace, place, .. } = &mut *self;
                let Some(place) = place else { return Poll::Pending };
                let reason = ready!(pace.poll_blocked(cx, place.connections().options()));
                Poll::Ready(Err(self.cut(reason)))
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.refusal {
            Some(_) => Poll::Ready(Ok(())),
            None => self.socket()?.poll_shutdown(cx),
        }
    }
}

/// The status of an answer that refuses a request.
fn refusal(answer: &[u8]) -> Option<StatusCode> {
    let status = answer.strip_prefix(b"HTTP/1.1 ").or_else(|| answer.strip_prefix(b"HTTP/1.0 "))?;
    StatusCode::from_bytes(status.get(..3)?).ok().filter(StatusCode::is_client_error)
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if let (Some(status), Some(socket), Some(place)) = (self.refusal, self.socket.take(), self.place.take()) {
            place.connections().clone().refuse(socket, status, Some(place));
        }
    }
}
