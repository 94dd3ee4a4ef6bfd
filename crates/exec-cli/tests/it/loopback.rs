//! An exchange in this process, whose faults and operator's door are at hand, and a wire to its streams that can be frozen. No test.

use crate::surroundings::{code, err, out, run, until};
use exchange_sim::{
    AccountSpec,
    face::{Answer, Face, FaceConfig, Fault, FaultKind, RequestFault, RequestFilter, Server, StreamFault, StreamFilter},
    ledger::Ledger,
};
use std::{
    future::pending,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread::JoinHandle,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::oneshot,
};

/// The key and secret that the program finds in its surroundings.
const KEY: &str = "sim-key";
const SECRET: &str = "sim-secret";
pub(crate) const ETH: &str = "ETHUSDT-PERP.BINANCE";

/// The exchange, gone with the test.
pub(crate) struct Exchange {
    pub(crate) face: Face,
    pub(crate) wire: Arc<Wire>,
    hedge: bool,
    rest: String,
    ws: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Exchange {
    /// Opens it with one account, on a thread of its own.
    pub(crate) fn open(hedge: bool) -> Self {
        Self::open_on(FaceConfig::new(3).with_account(KEY, SECRET, AccountSpec { hedge, ..AccountSpec::default() }), hedge)
    }

    /// Opens it with the accounts of a config, all of them in one mode.
    pub(crate) fn open_on(config: FaceConfig, hedge: bool) -> Self {
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let wire = Arc::new(Wire::default());
        let through = Arc::clone(&wire);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let server = Server::bind(config, ([127, 0, 0, 1], 0).into()).await.unwrap();
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let ws = format!("ws://{}", listener.local_addr().unwrap());
                tokio::spawn(carry_all(listener, server.addr(), through));
                tell.send((server.face().clone(), server.rest_url(), ws)).unwrap();
                let _ = stopped.await;
            });
        });
        let (face, rest, ws) = told.recv().unwrap();
        Self { face, wire, hedge, rest, ws, stop: Some(stop), thread: Some(thread) }
    }

    /// Writes a config for it, with more lines for `[execution]`, for the account and behind it.
    pub(crate) fn config(&self, folder: &Path, execution: &str, account: &str, rest: &str) -> PathBuf {
        let path = folder.join("node.toml");
        let mode = if self.hedge { "HEDGING" } else { "NETTING" };
        let text = format!(
            "profile = \"simulated\"\n[execution]\n{execution}\n[accounts.main]\nvenue = \"binance\"\nbase_url_http = \"{}\"\n\
             base_url_ws = \"{}\"\noms_type = \"{mode}\"\ninstruments = [\"{ETH}\"]\nengine_margin_ms = 200\n\
             conditional_engine_margin_ms = 200\nvisibility_ms = 100\n{account}\n{rest}\n",
            self.rest, self.ws
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Words of an order that name the leg, where there are legs.
    pub(crate) fn leg(&self) -> &'static [&'static str] {
        if self.hedge { &["--leg", "long"] } else { &[] }
    }

    /// Has a running node place an order on the instrument, as often as it takes until there is a price and a fast disk.
    pub(crate) fn submit(&self, config: &str, words: &[&str]) {
        let words = [&["submit", "-c", config, "-i", ETH, "--json"], words, self.leg()].concat();
        until("there is a price, and a disk that is fast enough", || {
            let tried = run(&words);
            let again =
                ["there is no price", "newest price", "TooOld", "PriceMoved"].iter().any(|word| out(&tried).contains(word));
            assert!(again || code(&tried) == 0, "{}{}", out(&tried), err(&tried));
            !again
        });
    }

    pub(crate) fn ledger(&self) -> Ledger {
        self.face.ledger(KEY).unwrap()
    }

    pub(crate) fn door(&self, name: &str, body: &str) {
        let (status, text) = self.face.operate("POST", name, "", body);
        assert_eq!(status, 200, "{text}");
    }

    /// A market order by the account's owner, past the node.
    pub(crate) fn bought_by_hand(&self, quantity: &str) {
        let leg = if self.hedge { "LONG" } else { "BOTH" };
        let params = serde_json::json!({
            "symbol": "ETHUSDT", "side": "BUY", "type": "MARKET", "quantity": quantity, "positionSide": leg
        });
        let body = serde_json::json!({ "key": KEY, "method": "POST", "path": "/fapi/v1/order", "params": params });
        self.door("as", &body.to_string());
    }

    /// From here on these lists are empty, whatever belongs in them.
    pub(crate) fn lists_nothing(&self, paths: &[&str]) {
        for path in paths {
            let filter = RequestFilter { method: Some("GET".into()), path: Some((*path).into()), key: None };
            let empty = RequestFault::ErrorBefore(Answer { status: 200, body: "[]".into() });
            self.face.arm(Fault { kind: FaultKind::Request(filter, empty), nth: 1, times: u64::MAX });
        }
    }
    pub(crate) fn move_price(&self, price: &str) {
        self.door("price", &format!(r#"{{"symbol":"ETHUSDT","price":"{price}"}}"#));
    }

    /// Hits the next events of the private stream.
    pub(crate) fn stream_fault(&self, fault: StreamFault, times: u64) {
        self.face.arm(Fault { kind: FaultKind::Stream(StreamFilter::default(), fault), nth: 1, times });
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What lies between a node and the exchange's streams.
#[derive(Default)]
pub(crate) struct Wire {
    connections: AtomicU64,
    /// Connections up to this one carry nothing more, and neither end is told.
    frozen: AtomicU64,
    refuses: AtomicBool,
}

impl Wire {
    /// From here on every connection that stands is half-open: it takes what is sent, carries nothing, answers nothing, and stays.
    pub(crate) fn freeze(&self) {
        self.frozen.store(self.connections.load(Ordering::SeqCst), Ordering::SeqCst);
    }
    /// Whether new connections are closed at once.
    pub(crate) fn refuse(&self, on: bool) {
        self.refuses.store(on, Ordering::SeqCst);
    }
    fn is_frozen(&self, connection: u64) -> bool {
        connection <= self.frozen.load(Ordering::SeqCst)
    }
}

async fn carry_all(listener: TcpListener, exchange: SocketAddr, wire: Arc<Wire>) {
    while let Ok((ours, _)) = listener.accept().await {
        if wire.refuses.load(Ordering::SeqCst) {
            continue;
        }
        let Ok(theirs) = TcpStream::connect(exchange).await else { continue };
        let connection = wire.connections.fetch_add(1, Ordering::SeqCst) + 1;
        let wire = Arc::clone(&wire);
        tokio::spawn(async move {
            let ((from_node, to_node), (from_exchange, to_exchange)) = (ours.into_split(), theirs.into_split());
            tokio::select! {
                () = carry(from_node, to_exchange, connection, &wire) => (),
                () = carry(from_exchange, to_node, connection, &wire) => (),
            }
        });
    }
}

/// Carries bytes in one direction until an end closes. On a frozen wire they are taken and lost, and no end ever comes.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, connection: u64, wire: &Wire) {
    let mut bytes = [0_u8; 4096];
    loop {
        let read = from.read(&mut bytes).await.unwrap_or(0);
        if wire.is_frozen(connection) {
            if read == 0 {
                pending::<()>().await;
            }
            continue;
        }
        if read == 0 || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
