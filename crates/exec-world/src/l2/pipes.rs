//! The network of a world with sockets: pipes in memory between the adapter and the exchange, and everything that can happen to
//! bytes on them. It reads only so much of them as it needs to say where a fault strikes.

use super::{
    bytes::{self, Asks, Spoilt},
    rough::Rough,
    seat::Seat,
};
use async_trait::async_trait;
use binance_adapter::dialer::{BoxedStream, Dialer};
use exchange_sim::face::Face;
use std::{
    future::pending,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split},
    sync::watch,
    time::sleep,
};

use crate::rng::Rng;

/// What can happen to bytes, besides what stands in `bytes`.
pub(crate) const FAULTS: [&str; 18] = [
    "net: dial refused",
    "net: dial never answered",
    "net: request swallowed",
    "net: cut before a request",
    "net: cut inside a request",
    "net: cut behind a request",
    "net: request late",
    "net: answer swallowed",
    "net: cut inside an answer",
    "net: answer late",
    "net: answer slow",
    "net: stream cut",
    "net: stream cut inside a frame",
    "net: stream half open",
    "net: stream late",
    "net: stream slow",
    "net: frame spoilt",
    "net: shutdown announced",
];

/// What a pipe holds before its writer waits.
const PIPE_BYTES: usize = 64 * 1024;
/// What is read at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// The network, shared by all lives of the node.
pub(crate) struct Net {
    face: Face,
    seat: Arc<Seat>,
    drawn: Mutex<Drawn>,
}

struct Drawn {
    rng: Rng,
    rough: Rough,
    /// Private streams on which nothing arrives any more, and since when.
    dead: Vec<(u64, Arc<Line>)>,
}

impl Net {
    pub(crate) fn new(face: Face, seat: Arc<Seat>, rough: Rough, seed: u64) -> Arc<Self> {
        Arc::new(Self { face, seat, drawn: Mutex::new(Drawn { rng: Rng::new(seed, 21), rough, dead: Vec::new() }) })
    }

    /// From now on bytes come through. What is dead stays dead: somebody has to notice.
    pub(crate) fn heal(&self) {
        self.drawn(|drawn| drawn.rough = drawn.rough.healed());
    }

    /// A connection on which nothing arrives is given up by whoever listens, within a bound.
    pub(crate) fn dead_are_given_up(&self, now: u64, within_ms: u64) -> Result<(), String> {
        self.drawn(|drawn| {
            drawn.dead.retain(|(_, line)| !*line.cut.borrow());
            match drawn.dead.iter().find(|(since, _)| now > since + within_ms) {
                Some((since, _)) => Err(format!("a private stream has been dead since {since}, and is listened to still")),
                None => Ok(()),
            }
        })
    }

    fn drawn<T>(&self, draw: impl FnOnce(&mut Drawn) -> T) -> T {
        draw(&mut self.drawn.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn between(&self, low: u64, high: u64) -> u64 {
        self.drawn(|drawn| drawn.rng.between(low, high))
    }

    fn latency(&self) -> u64 {
        self.drawn(|Drawn { rng, rough, .. }| {
            rng.between(1, rough.latency_ms) + if rng.chance(20) { rough.latency_ms * 5 } else { 0 }
        })
    }

    /// Whether a fault strikes now; counted.
    fn strikes(&self, what: &'static str, permille: impl FnOnce(&Rough) -> u32) -> bool {
        self.drawn(|Drawn { rng, rough, .. }| rng.chance(permille(rough))) && self.seat.strikes(what)
    }
}

/// The network as one life of the node has it.
pub(crate) struct Wire {
    pub(crate) net: Arc<Net>,
    /// Whether that life goes on.
    pub(crate) alive: Arc<AtomicBool>,
}

#[async_trait]
impl Dialer for Wire {
    async fn dial(&self, _host: &str, _port: u16) -> io::Result<BoxedStream> {
        let net = &self.net;
        sleep(Duration::from_millis(net.latency())).await;
        if net.strikes("net: dial refused", |rough| rough.refused) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        if net.strikes("net: dial never answered", |rough| rough.unreachable) {
            return pending().await;
        }
        let ((ours, near), (far, theirs)) = (duplex(PIPE_BYTES), duplex(PIPE_BYTES));
        let face = net.face.clone();
        tokio::spawn(async move { face.serve_connection(theirs).await });
        let ((near_read, near_write), (far_read, far_write)) = (split(near), split(far));
        let line = Arc::new(Line { cut: watch::Sender::new(false), kind: Mutex::new(Asks::Request) });
        let end = |read, write| End {
            net: Arc::clone(net),
            line: Arc::clone(&line),
            swallows: false,
            buffer: vec![0; CHUNK_BYTES],
            read,
            write,
        };
        tokio::spawn(end(near_read, far_write).carry_up(Arc::clone(&self.alive)));
        tokio::spawn(end(far_read, near_write).carry_down());
        Ok(Box::new(ours))
    }
}

/// What both directions of a connection know.
struct Line {
    cut: watch::Sender<bool>,
    /// What it was opened for, as far as it has been said.
    kind: Mutex<Asks>,
}

impl Line {
    fn kind(&self) -> Asks {
        *self.kind.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One direction of a connection.
struct End {
    net: Arc<Net>,
    line: Arc<Line>,
    /// Nothing arrives any more, and nobody is told.
    swallows: bool,
    buffer: Vec<u8>,
    read: ReadHalf<DuplexStream>,
    write: WriteHalf<DuplexStream>,
}

/// What becomes of a chunk.
enum Fate {
    /// It arrives so much later.
    Late(u64),
    /// So many bytes of it arrive, then the connection is gone.
    Cut(usize),
    /// It and everything behind it is lost, and the connection looks open.
    Swallowed,
    /// It arrives in pieces.
    Slow,
    /// Something else arrives.
    Instead(Vec<u8>),
}

impl End {
    async fn carry_up(mut self, alive: Arc<AtomicBool>) {
        while let Some(chunk) = self.chunk().await {
            // What a process had not handed over when it died never leaves.
            if !alive.load(Ordering::Relaxed) {
                break;
            }
            match bytes::asks(&chunk) {
                Asks::More => (),
                kind => *self.line.kind.lock().unwrap_or_else(PoisonError::into_inner) = kind,
            }
            let fate = self.fate_up(&chunk);
            if !self.deliver(chunk, fate).await {
                break;
            }
        }
        self.over();
    }

    async fn carry_down(mut self) {
        while let Some(chunk) = self.chunk().await {
            let fate = match self.line.kind() {
                Asks::Private | Asks::Public => self.fate_of_events(&chunk),
                Asks::Request | Asks::More => self.fate_of_answer(&chunk),
            };
            if !self.deliver(chunk, fate).await {
                break;
            }
        }
        self.over();
    }

    /// The connection is gone in both directions.
    fn over(&self) {
        self.line.cut.send_replace(true);
    }

    async fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut cut = self.line.cut.subscribe();
        let read = tokio::select! {
            biased;
            _ = cut.wait_for(|cut| *cut) => return None,
            read = self.read.read(&mut self.buffer) => read.ok().filter(|read| *read > 0)?,
        };
        self.buffer.get(..read).map(<[u8]>::to_vec)
    }

    fn fate_up(&self, chunk: &[u8]) -> Fate {
        let net = &self.net;
        let inside = || usize::try_from(net.between(1, chunk.len() as u64 - 1)).unwrap_or(1);
        if bytes::asks(chunk) != Asks::Request {
            return Fate::Late(net.latency());
        }
        if net.strikes("net: request swallowed", |r| r.request_swallowed) {
            return Fate::Swallowed;
        }
        if net.strikes("net: cut before a request", |r| r.cut_before_request) {
            return Fate::Cut(0);
        }
        if chunk.len() > 2 && net.strikes("net: cut inside a request", |r| r.cut_in_request) {
            return Fate::Cut(inside());
        }
        if net.strikes("net: cut behind a request", |r| r.cut_behind_request) {
            return Fate::Cut(chunk.len());
        }
        if net.strikes("net: request late", |r| r.request_late) {
            return Fate::Late(net.between(100, 4_000));
        }
        Fate::Late(net.latency())
    }

    fn fate_of_answer(&self, chunk: &[u8]) -> Fate {
        let net = &self.net;
        if net.strikes("net: answer swallowed", |r| r.answer_swallowed) {
            return Fate::Swallowed;
        }
        if chunk.len() > 2 && net.strikes("net: cut inside an answer", |r| r.cut_in_answer) {
            return Fate::Cut(usize::try_from(net.between(0, chunk.len() as u64 - 1)).unwrap_or(0));
        }
        if net.strikes("net: answer late", |r| r.answer_late) {
            return Fate::Late(net.between(100, 4_000));
        }
        if net.strikes("net: answer slow", |r| r.answer_slow) {
            return Fate::Slow;
        }
        let spoilt = net.drawn(|Drawn { rng, rough, .. }| {
            let how = rng.chance(rough.answer_spoilt).then(|| Spoilt::draw(rng))?;
            Some((how, bytes::spoil(chunk, how, rng)?))
        });
        match spoilt {
            Some((how, spoilt)) if net.seat.strikes(how.name()) => Fate::Instead(spoilt),
            Some(_) | None => Fate::Late(net.latency()),
        }
    }

    fn fate_of_events(&self, chunk: &[u8]) -> Fate {
        let net = &self.net;
        // A market speaks often, an account now and then.
        let private = self.line.kind() == Asks::Private;
        if !private && net.drawn(|drawn| !drawn.rng.chance(100)) {
            return Fate::Late(net.latency());
        }
        if net.strikes("net: stream cut", |r| r.stream_cut) {
            return Fate::Cut(0);
        }
        if net.strikes("net: stream cut inside a frame", |r| r.stream_cut_in_frame) {
            return Fate::Cut(chunk.len() / 2);
        }
        if net.strikes("net: stream half open", |r| r.stream_half_open) {
            return Fate::Swallowed;
        }
        if net.strikes("net: stream late", |r| r.stream_late) {
            return Fate::Late(net.between(500, 6_000));
        }
        if net.strikes("net: stream slow", |r| r.stream_slow) {
            return Fate::Slow;
        }
        if chunk.first() == Some(&0x81) && net.strikes("net: shutdown announced", |r| r.shutdown) {
            // The socket is cut in a while; until then it carries what it carries.
            let line = Arc::clone(&self.line);
            let ms = net.between(500, 5_000);
            tokio::spawn(async move {
                sleep(Duration::from_millis(ms)).await;
                line.cut.send_replace(true);
            });
            return Fate::Instead([bytes::SHUTDOWN, chunk].concat());
        }
        if private
            && let Some(spoilt) = bytes::spoil_frame(chunk)
            && net.strikes("net: frame spoilt", |r| r.frame_spoilt)
        {
            net.seat.spoilt();
            return Fate::Instead(spoilt);
        }
        Fate::Late(net.latency())
    }

    /// Hands a chunk on. Says whether the connection goes on.
    async fn deliver(&mut self, chunk: Vec<u8>, fate: Fate) -> bool {
        if self.swallows {
            return true;
        }
        let latency = self.net.latency();
        match fate {
            Fate::Late(ms) => self.write(&chunk, ms).await,
            Fate::Cut(bytes) => {
                let _gone = self.write(chunk.get(..bytes).unwrap_or(&chunk), latency).await;
                // What was written is read before the end is: the reader had its turn.
                sleep(Duration::from_millis(1)).await;
                false
            }
            Fate::Swallowed => {
                self.swallows = true;
                if self.line.kind() == Asks::Private {
                    let since = self.net.seat.lock().now();
                    self.net.drawn(|drawn| drawn.dead.push((since, Arc::clone(&self.line))));
                }
                true
            }
            Fate::Slow => {
                for piece in chunk.chunks((chunk.len() / 7).max(1)) {
                    let ms = self.net.between(1, 400);
                    if !self.write(piece, ms).await {
                        return false;
                    }
                }
                true
            }
            Fate::Instead(other) => self.write(&other, latency).await,
        }
    }

    async fn write(&mut self, bytes: &[u8], after_ms: u64) -> bool {
        let mut cut = self.line.cut.subscribe();
        let written = async {
            sleep(Duration::from_millis(after_ms)).await;
            self.write.write_all(bytes).await.is_ok()
        };
        tokio::select! {
            biased;
            _ = cut.wait_for(|cut| *cut) => false,
            written = written => written,
        }
    }
}
