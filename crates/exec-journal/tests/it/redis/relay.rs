//! A relay between a client and a server that can lose answers: what was asked for is done, and nobody is told.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::thread;

/// Passes on what comes, until it is told to lose the answer to the next append.
pub(crate) struct Relay {
    port: u16,
    server: Arc<AtomicU16>,
    lose: Arc<AtomicBool>,
    lost: Arc<AtomicU64>,
}

impl Relay {
    pub(crate) fn before(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (lose, lost) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (cut, cuts) = (Arc::clone(&lose), Arc::clone(&lost));
        let server = Arc::new(AtomicU16::new(server));
        let leads_to = Arc::clone(&server);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(upstream) = TcpStream::connect(("127.0.0.1", leads_to.load(Ordering::SeqCst))) else { continue };
                pass(client, upstream, Arc::clone(&cut), Arc::clone(&cuts));
            }
        });
        Self { port, server, lose, lost }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// New connections lead to another server, as an address does that follows the primary.
    pub(crate) fn lead_to(&self, server: u16) {
        self.server.store(server, Ordering::SeqCst);
    }

    /// The connection ends after the server has done the next append and before its answer is told.
    pub(crate) fn lose_next_answer(&self) {
        self.lose.store(true, Ordering::SeqCst);
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::SeqCst)
    }
}

fn pass(client: TcpStream, upstream: TcpStream, lose: Arc<AtomicBool>, lost: Arc<AtomicU64>) {
    let (mut from, mut to) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
    let armed = Arc::new(AtomicBool::new(false));
    let arm = Arc::clone(&armed);
    thread::spawn(move || {
        let mut bytes = [0; 64 * 1024];
        while let Ok(n @ 1..) = from.read(&mut bytes) {
            // Records carry their kind of writer: an append has more than an ask, which is short.
            if n > 300 && bytes[..n].windows(7).any(|word| word == b"EVALSHA") && lose.swap(false, Ordering::SeqCst) {
                arm.store(true, Ordering::SeqCst);
            }
            if to.write_all(&bytes[..n]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
    let (mut from, mut to) = (upstream, client);
    thread::spawn(move || {
        let mut bytes = [0; 64 * 1024];
        while let Ok(n @ 1..) = from.read(&mut bytes) {
            if armed.load(Ordering::SeqCst) {
                lost.fetch_add(1, Ordering::SeqCst);
                break;
            }
            if to.write_all(&bytes[..n]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}
