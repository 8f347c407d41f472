//! A TCP proxy between a driver and one CQL server that loses, delays and falsifies what goes through it, drawn from a seed.
//!
//! It understands the frames of the native protocol (v4, section 2: nine bytes of header, then the body) and nothing in them. Only EXECUTE
//! and BATCH meet a fault: a connection is always made, and a statement always prepared. A driver keeps the address by which it reached
//! a node rather than the one that the node names, so that with one node nothing goes around the proxy.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

const HEADER: usize = 9;
const ERROR: u8 = 0x00;
const EXECUTE: u8 = 0x0A;
const BATCH: u8 = 0x0D;

/// The version byte of an answer.
const ANSWER: u8 = 0x84;

/// Longest frame that the protocol allows.
const MAX_FRAME: usize = 256 << 20;

/// Frames that may wait for a slow reader.
const QUEUE: usize = 1024;

/// How often, in a thousand statements, each fault happens. At most a thousand in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    /// The server never sees the statement, and the driver no answer.
    pub lost: u64,
    /// The statement is carried out, and the driver sees no answer.
    pub unanswered: u64,
    /// The statement reaches the server after a `delay`.
    pub late: u64,
    /// The answer reaches the driver after a `delay`.
    pub answered_late: u64,
    /// The driver is told of a write time-out, and the server has never seen the statement.
    pub refused: u64,
    /// The driver is told of a write time-out, and the statement was carried out.
    pub denied: u64,
    /// The connection breaks, and the server has never seen the statement.
    pub cut_before: u64,
    /// The connection breaks, and the statement was carried out.
    pub cut_after: u64,
    /// Drawn from this range.
    pub delay: Range<Duration>,
}

impl Faults {
    /// Everything goes through.
    pub const NONE: Self = Self {
        lost: 0,
        unanswered: 0,
        late: 0,
        answered_late: 0,
        refused: 0,
        denied: 0,
        cut_before: 0,
        cut_after: 0,
        delay: Duration::ZERO..Duration::ZERO,
    };

    /// Every kind of fault equally often.
    pub fn each(of_thousand: u64, delay: Range<Duration>) -> Self {
        let share = of_thousand;
        Self {
            lost: share,
            unanswered: share,
            late: share,
            answered_late: share,
            refused: share,
            denied: share,
            cut_before: share,
            cut_after: share,
            delay,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Passes,
    Lost,
    Unanswered,
    Late(Duration),
    AnsweredLate(Duration),
    Refused,
    Denied,
    CutBefore,
    CutAfter,
}

/// A running proxy. Dropping it takes no more connections and cuts those that are there.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    plan: Mutex<(Faults, Random)>,
    /// Every new value cuts the connections that are there.
    cuts: watch::Sender<u64>,
    statements: AtomicU64,
    faults: AtomicU64,
    held: AtomicUsize,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1. At first everything goes through.
    ///
    /// # Errors
    /// Those of the system.
    pub async fn start(server: SocketAddr, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            plan: Mutex::new((Faults::NONE, Random(seed))),
            cuts: watch::Sender::new(0),
            statements: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            held: AtomicUsize::new(0),
        });
        let accepting = tokio::spawn(accept(listener, server, shared.clone()));
        Ok(Self { address, shared, accepting })
    }

    /// Where the driver connects.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What befalls statements from now on.
    pub fn set(&self, faults: Faults) {
        self.shared.plan.lock().0 = faults;
    }

    /// Breaks every connection that is there.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Statements that came, and those of them that met a fault.
    pub fn counts(&self) -> (u64, u64) {
        (self.shared.statements.load(Ordering::Relaxed), self.shared.faults.load(Ordering::Relaxed))
    }

    /// Frames that are held back at this moment.
    pub fn held(&self) -> usize {
        self.shared.held.load(Ordering::Acquire)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

impl Shared {
    fn fate(&self, opcode: u8) -> Fate {
        if !matches!(opcode, EXECUTE | BATCH) {
            return Fate::Passes;
        }
        self.statements.fetch_add(1, Ordering::Relaxed);
        let (faults, random) = &mut *self.plan.lock();
        let drawn = random.below(1000);
        let delay = faults.delay.start + Duration::from_micros(random.below(micros(&faults.delay).max(1)));
        let fates = [
            (faults.lost, Fate::Lost),
            (faults.unanswered, Fate::Unanswered),
            (faults.late, Fate::Late(delay)),
            (faults.answered_late, Fate::AnsweredLate(delay)),
            (faults.refused, Fate::Refused),
            (faults.denied, Fate::Denied),
            (faults.cut_before, Fate::CutBefore),
            (faults.cut_after, Fate::CutAfter),
        ];
        let mut below = 0;
        for (share, fate) in fates {
            below += share;
            if drawn < below {
                self.faults.fetch_add(1, Ordering::Relaxed);
                return fate;
            }
        }
        Fate::Passes
    }

    /// Sends a frame after a while, whatever becomes of the connection's other side meanwhile.
    fn send_later(self: &Arc<Self>, frame: Frame, after: Duration, to: mpsc::Sender<Frame>) {
        let held = Held::one(self.clone());
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            // A connection that is gone takes nothing any more.
            let _ = to.send(frame).await;
            drop(held);
        });
    }
}

fn micros(range: &Range<Duration>) -> u64 {
    u64::try_from(range.end.saturating_sub(range.start).as_micros()).unwrap_or(u64::MAX)
}

/// Counts a frame that is held back.
struct Held(Arc<Shared>);

impl Held {
    fn one(shared: Arc<Shared>) -> Self {
        shared.held.fetch_add(1, Ordering::AcqRel);
        Self(shared)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::AcqRel);
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, shared: Arc<Shared>) {
    while let Ok((driver, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            // Where the server does not answer, the driver finds its connection closed.
            let Ok(server) = TcpStream::connect(server).await else { return };
            let _ = (driver.set_nodelay(true), server.set_nodelay(true));
            carry(driver, server, shared).await;
        });
    }
}

/// Fates of statements whose answers are still to come, by stream. A driver uses a stream again only when its answer has come.
type Awaited = Arc<Mutex<HashMap<i16, Fate>>>;

/// Both ways of one connection, until one of its ends closes it or it is cut.
async fn carry(driver: TcpStream, server: TcpStream, shared: Arc<Shared>) {
    let (from_driver, to_driver) = driver.into_split();
    let (from_server, to_server) = server.into_split();
    let (cut, _) = watch::channel(false);
    let all_cut = shared.cuts.subscribe();
    let (driver_queue, driver_frames) = mpsc::channel(QUEUE);
    let (server_queue, server_frames) = mpsc::channel(QUEUE);
    let awaited = Awaited::default();
    let connection = Connection { shared, awaited, cut: cut.clone(), to_driver: driver_queue, to_server: server_queue };
    let writers = [(to_driver, driver_frames), (to_server, server_frames)];
    for (stream, frames) in writers {
        tokio::spawn(write(stream, frames, cut.subscribe(), all_cut.clone()));
    }
    let asking = tokio::spawn(until_cut(connection.clone().ask(from_driver), cut.subscribe(), all_cut.clone()));
    tokio::spawn(until_cut(connection.answer(from_server), cut.subscribe(), all_cut));
    // The driver's end is over; what is late still reaches the server, and its answer goes nowhere.
    let _ = asking.await;
}

/// Either cut ends what is done.
async fn until_cut(
    work: impl Future<Output = io::Result<()>>,
    mut cut: watch::Receiver<bool>,
    mut all_cut: watch::Receiver<u64>,
) {
    tokio::select! {
        // A connection that breaks is what a proxy of faults is for.
        _ = work => {}
        _ = cut.wait_for(|cut| *cut) => {}
        _ = all_cut.changed() => {}
    }
}

async fn write(
    mut stream: OwnedWriteHalf,
    mut frames: mpsc::Receiver<Frame>,
    cut: watch::Receiver<bool>,
    all_cut: watch::Receiver<u64>,
) {
    let writing = async {
        while let Some(Frame(bytes)) = frames.recv().await {
            stream.write_all(&bytes).await?;
        }
        stream.shutdown().await
    };
    until_cut(writing, cut, all_cut).await;
}

#[derive(Clone)]
struct Connection {
    shared: Arc<Shared>,
    awaited: Awaited,
    cut: watch::Sender<bool>,
    to_driver: mpsc::Sender<Frame>,
    to_server: mpsc::Sender<Frame>,
}

impl Connection {
    fn is_cut(&self) {
        self.cut.send_replace(true);
    }

    /// From the driver to the server.
    async fn ask(self, mut driver: impl AsyncRead + Unpin) -> io::Result<()> {
        // Answers are the other direction's.
        let Self { shared, awaited, to_driver, to_server, .. } = &self;
        while let Some(frame) = Frame::read(&mut driver).await? {
            let stream = frame.stream();
            let fate = shared.fate(frame.opcode());
            match fate {
                Fate::Lost => continue,
                Fate::Refused => {
                    send(to_driver, Frame::write_timeout(stream)).await?;
                    continue;
                }
                Fate::CutBefore => {
                    self.is_cut();
                    return Ok(());
                }
                Fate::Late(after) => {
                    shared.send_later(frame, after, to_server.clone());
                    continue;
                }
                Fate::Passes => {}
                Fate::Unanswered | Fate::AnsweredLate(_) | Fate::Denied | Fate::CutAfter => {
                    awaited.lock().insert(stream, fate);
                }
            }
            send(to_server, frame).await?;
        }
        Ok(())
    }

    /// From the server to the driver.
    async fn answer(self, mut server: impl AsyncRead + Unpin) -> io::Result<()> {
        let Self { shared, awaited, cut, to_driver, to_server } = self;
        // Only questions keep the way to the server open.
        drop(to_server);
        while let Some(frame) = Frame::read(&mut server).await? {
            let fate = awaited.lock().remove(&frame.stream());
            match fate {
                Some(Fate::Unanswered) => {}
                Some(Fate::CutAfter) => {
                    cut.send_replace(true);
                    return Ok(());
                }
                Some(Fate::AnsweredLate(after)) => shared.send_later(frame, after, to_driver.clone()),
                Some(Fate::Denied) => send(&to_driver, Frame::write_timeout(frame.stream())).await?,
                // The driver may have gone; the server's answers are read all the same, or it would stand still.
                _ => drop(to_driver.send(frame).await),
            }
        }
        Ok(())
    }
}

async fn send(to: &mpsc::Sender<Frame>, frame: Frame) -> io::Result<()> {
    to.send(frame).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
}

/// A whole frame as it came.
struct Frame(Vec<u8>);

impl Frame {
    /// `None` at the end of the stream.
    async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Self>> {
        let mut bytes = vec![0; HEADER];
        match stream.read_exact(&mut bytes).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        };
        let length = bytes[5..].iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        if length > MAX_FRAME {
            return Err(io::ErrorKind::InvalidData.into());
        }
        bytes.resize(HEADER + length, 0);
        stream.read_exact(&mut bytes[HEADER..]).await?;
        Ok(Some(Self(bytes)))
    }

    fn opcode(&self) -> u8 {
        self.0[4]
    }

    fn stream(&self) -> i16 {
        i16::from_be_bytes([self.0[2], self.0[3]])
    }

    /// The answer of a coordinator that waited in vain for a conditional write (protocol v4, section 9: code 0x1100, consistency SERIAL,
    /// none of one replica, kind of write `CAS`).
    fn write_timeout(stream: i16) -> Self {
        let mut body = Vec::new();
        let message = b"of the proxy";
        body.extend(0x1100_u32.to_be_bytes());
        body.extend((message.len() as u16).to_be_bytes());
        body.extend(message);
        body.extend(8_u16.to_be_bytes());
        body.extend(0_u32.to_be_bytes());
        body.extend(1_u32.to_be_bytes());
        body.extend(3_u16.to_be_bytes());
        body.extend(b"CAS");
        let mut bytes = vec![ANSWER, 0];
        bytes.extend(stream.to_be_bytes());
        bytes.push(ERROR);
        bytes.extend((body.len() as u32).to_be_bytes());
        bytes.extend(body);
        Self(bytes)
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): few lines, and the same numbers everywhere.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}
