//! The shell: one exchange shared by all connections, its clock, and a listener on an address. It decides nothing.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Duration, MissedTickBehavior, interval};

use super::config::FaceConfig;
use super::faults::Fault;
use super::http;
use super::requests::RequestRow;
use super::state::State;
use crate::config::ConfigError;
use crate::exchange::Exchange;
use crate::ledger::Ledger;
use crate::types::{AccountId, Ms};

/// How often the exchange runs what time owes it.
const TICK_MS: u64 = 20;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The exchange's configuration is refused.
    #[error("the exchange is misconfigured: {0}")]
    Config(#[from] ConfigError),
    /// The address cannot be listened on.
    #[error("cannot listen: {0}")]
    Listen(#[from] io::Error),
}

/// The times a session goes by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    pub(super) ping_every_ms: u64,
    pub(super) pong_within_ms: u64,
    pub(super) socket_life_ms: u64,
}

/// An exchange that speaks the venue's dialect on any byte stream. Clones share one exchange.
///
/// The lock around the state is held for one synchronous step and never across an await; on the current-thread runtime
/// it is meant for, nobody ever waits for it.
#[derive(Debug, Clone)]
pub struct Face {
    state: Arc<Mutex<State>>,
    timing: Timing,
    stop: Arc<watch::Sender<bool>>,
}

impl Face {
    /// Builds the exchange and opens its accounts. Must be called on a tokio runtime, whose clock it uses.
    ///
    /// # Errors
    /// When the configuration of the exchange is refused; the caller corrects it.
    pub fn new(config: FaceConfig) -> Result<Self, ConfigError> {
        let timing = Timing {
            ping_every_ms: config.ping_every_ms,
            pong_within_ms: config.pong_within_ms,
            socket_life_ms: config.socket_life_ms,
        };
        let (stop, _) = watch::channel(false);
        Ok(Self { state: Arc::new(Mutex::new(State::new(config)?)), timing, stop: Arc::new(stop) })
    }

    /// Serves HTTP and WebSocket on one byte stream until it ends.
    pub async fn serve_connection<I>(&self, io: I)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        http::serve(self.clone(), io).await;
    }

    /// Lets the exchange's time pass; runs until [`Face::stop`].
    pub async fn run_clock(&self) {
        let stop = self.until_stopped();
        tokio::pin!(stop);
        let mut tick = interval(Duration::from_millis(TICK_MS));
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => return,
                _ = tick.tick() => {
                    self.lock().tick();
                }
            }
        }
    }

    /// Ends the clock and every WebSocket session.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Works on the exchange at the venue's time and delivers what it caused.
    pub fn with_exchange<T>(&self, work: impl FnOnce(&mut Exchange, Ms) -> T) -> T {
        let mut state = self.lock();
        let now = state.tick();
        let result = work(&mut state.exchange, now);
        state.deliver();
        result
    }

    /// The account a key speaks for.
    #[must_use]
    pub fn account(&self, key: &str) -> Option<AccountId> {
        self.lock().keys.get(key).map(|credential| credential.account)
    }

    /// The exchange's own books for the account of a key; `None` for an unknown key.
    #[must_use]
    pub fn ledger(&self, key: &str) -> Option<Ledger> {
        let account = self.account(key)?;
        self.with_exchange(|exchange, _| exchange.ledger(account).ok())
    }

    /// Arms a fault; the number takes it away again.
    pub fn arm(&self, fault: Fault) -> u64 {
        self.lock().faults.arm(fault)
    }

    /// Takes one fault away, or with `None` all.
    pub fn disarm(&self, id: Option<u64>) {
        self.lock().faults.clear(id);
    }

    /// How often a fault has fired, by the number that it got; 0 once it was taken away.
    #[must_use]
    pub fn fired(&self, id: u64) -> u64 {
        self.lock().faults.fired(id)
    }

    /// What was asked over HTTP so far, in the order in which it was done; empty unless [`FaceConfig::keep_requests`] is set.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRow> {
        self.lock().requests.0.clone().unwrap_or_default()
    }

    /// Works through the operator's door, as `POST /sim/<path>` does; gives status and body.
    #[must_use]
    pub fn operate(&self, method: &str, path: &str, query: &str, body: &str) -> (u16, String) {
        self.lock().door(method, path, query, body)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic inside one request must not take the others down; the exchange checks its own invariants.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn timing(&self) -> Timing {
        self.timing
    }

    /// Waits for [`Face::stop`], also one that was before.
    pub(super) async fn until_stopped(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives as long as this face, so that it only ends with a stop.
        let _ = stop.wait_for(|stopped| *stopped).await;
    }
}

/// A face that listens on an address.
#[derive(Debug)]
pub struct Server {
    face: Face,
    addr: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl Server {
    /// Listens, and serves on the runtime it is called on. Port 0 takes any free port.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), exchange_sim::face::StartError> {
    /// use exchange_sim::face::{FaceConfig, Server};
    ///
    /// let config = FaceConfig::new(7).with_key("key", "secret");
    /// let server = Server::bind(config, ([127, 0, 0, 1], 0).into()).await?;
    /// assert!(server.rest_url().starts_with("http://127.0.0.1:"));
    /// assert!(server.face().ledger("key").is_some_and(|ledger| ledger.orders.is_empty()));
    /// server.shutdown().await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// When the configuration is refused or the address is taken; the caller corrects it.
    pub async fn bind(config: FaceConfig, addr: SocketAddr) -> Result<Self, StartError> {
        let face = Face::new(config)?;
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let clock = tokio::spawn({
            let face = face.clone();
            async move { face.run_clock().await }
        });
        let accept = tokio::spawn(accept(face.clone(), listener));
        Ok(Self { face, addr, tasks: vec![clock, accept] })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base of REST paths.
    #[must_use]
    pub fn rest_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The base of WebSocket paths.
    #[must_use]
    pub fn ws_url(&self) -> String {
        format!("ws://{}", self.addr)
    }

    /// The exchange behind it.
    #[must_use]
    pub fn face(&self) -> &Face {
        &self.face
    }

    /// Serves until it is aborted or stopped from elsewhere.
    pub async fn run(mut self) {
        for task in std::mem::take(&mut self.tasks) {
            // An aborted task is an ended one.
            let _ = task.await;
        }
    }

    /// Ends everything; sockets are dropped as they are.
    pub async fn shutdown(mut self) {
        self.face.stop();
        for task in std::mem::take(&mut self.tasks) {
            // The same as above.
            let _ = task.await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.face.stop();
    }
}

async fn accept(face: Face, listener: TcpListener) {
    let stop = face.until_stopped();
    tokio::pin!(stop);
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = &mut stop => return,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "no nodelay");
                    }
                    let face = face.clone();
                    connections.spawn(async move { face.serve_connection(stream).await });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(TICK_MS)).await;
                }
            }
        }
    }
}
