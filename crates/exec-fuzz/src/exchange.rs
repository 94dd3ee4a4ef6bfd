//! The adapter over a pipe in memory: the first request but the clock's gets the answer under test, the others a plain one. It
//! holds no orders.

use std::{
    cell::RefCell,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use binance_adapter::{
    BinanceUsdm, Credentials, Settings,
    dialer::{BoxedStream, Dialer},
    environment::Environment,
};
use exec_core::{time::Timestamp, venue::VenueClock};
use secrecy::SecretString;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    runtime::{Builder, Runtime},
};

/// Our time, and the venue's.
pub(crate) const NOW_MS: u64 = 1_795_305_600_000;
/// A pipe that holds a whole answer: nothing waits for its reader.
const PIPE: usize = 1 << 16;

/// What is answered.
pub(crate) struct Script {
    /// The path whose first request gets the answer under test; any but the clock's if there is none.
    pub(crate) path: Option<&'static str>,
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// Plain answers by path.
    pub(crate) others: fn(&str) -> &'static str,
}

struct Pipes {
    script: Script,
    answered: AtomicUsize,
}

#[derive(Clone)]
struct Exchange(Arc<Pipes>);

#[async_trait]
impl Dialer for Exchange {
    async fn dial(&self, _host: &str, _port: u16) -> io::Result<BoxedStream> {
        let (ours, theirs) = duplex(PIPE);
        let pipes = Arc::clone(&self.0);
        tokio::spawn(async move {
            // The adapter hangs up when it is done.
            let _ = serve(theirs, &pipes).await;
        });
        Ok(Box::new(ours))
    }
}

async fn serve(mut stream: DuplexStream, pipes: &Pipes) -> io::Result<()> {
    loop {
        let (path, length) = head(&mut stream).await?;
        let mut form = vec![0; length];
        stream.read_exact(&mut form).await?;
        let clock = format!("{{\"serverTime\":{NOW_MS}}}");
        let script = &pipes.script;
        let tested = path != "/fapi/v1/time"
            && script.path.is_none_or(|tested| tested == path)
            && pipes.answered.fetch_add(1, Ordering::Relaxed) == 0;
        let (status, body) = match path.as_str() {
            _ if tested => (script.status, script.body.as_slice()),
            "/fapi/v1/time" => (200, clock.as_bytes()),
            other => (200, (script.others)(other).as_bytes()),
        };
        let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body).await?;
    }
}

/// The path of a request and the length of its body.
async fn head(stream: &mut DuplexStream) -> io::Result<(String, usize)> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await?);
    }
    let text = String::from_utf8_lossy(&bytes);
    let path = text.split([' ', '?']).nth(1).unwrap_or_default().to_owned();
    let length = text.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    Ok((path, length.unwrap_or(0)))
}

thread_local! {
    static RUNTIME: RefCell<Option<Runtime>> = const { RefCell::new(None) };
}

/// Gives a venue, connected to this script and with its clock read, to `play`.
pub(crate) fn with_venue<T>(script: Script, play: impl AsyncFnOnce(&BinanceUsdm) -> T) -> T {
    RUNTIME.with_borrow_mut(|runtime| {
        let runtime = runtime.get_or_insert_with(|| {
            Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime without I/O")
        });
        runtime.block_on(async move {
            let venue = venue(script);
            venue.read_clock().await.expect("a clock that answers");
            play(&venue).await
        })
    })
}

fn venue(script: Script) -> BinanceUsdm {
    let environment = Environment::routed("http://exchange.test", "ws://exchange.test").expect("addresses");
    let secret = || SecretString::from("a-key-that-opens-nothing");
    let credentials = Credentials { key: secret(), secret: secret() };
    let mut settings = Settings::new(environment, credentials, Arc::new(|| Timestamp::from_ms(NOW_MS)));
    settings.dialer = Some(Arc::new(Exchange(Arc::new(Pipes { script, answered: AtomicUsize::new(0) }))));
    BinanceUsdm::new(settings).expect("settings that are whole")
}
