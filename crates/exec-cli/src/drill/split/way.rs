//! The way from one node to Redis, which can be stopped up: everything on it waits, and arrives late. It reads nothing of it.

use crate::failure::Failure;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// A port of this machine that leads to another.
pub(super) struct RedisWay {
    port: u16,
    stopped_up: watch::Sender<bool>,
    accepts: JoinHandle<()>,
}

impl RedisWay {
    pub(super) async fn open(to: u16) -> Result<Self, Failure> {
        let refused = |error: std::io::Error| Failure::Refused(format!("no way to Redis: {error}"));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(refused)?;
        let port = listener.local_addr().map_err(refused)?.port();
        let (stopped_up, seen) = watch::channel(false);
        let accepts = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(("127.0.0.1", to)).await else { continue };
                let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
                tokio::spawn(carry(from_near, to_far, seen.clone()));
                tokio::spawn(carry(from_far, to_near, seen.clone()));
            }
        });
        Ok(Self { port, stopped_up, accepts })
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(super) fn stop_up(&self, on: bool) {
        self.stopped_up.send_replace(on);
    }
}

impl Drop for RedisWay {
    fn drop(&mut self) {
        self.accepts.abort();
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut stopped_up: watch::Receiver<bool>) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        if stopped_up.wait_for(|stopped| !stopped).await.is_err() || to.write_all(&bytes[..read]).await.is_err() {
            break;
        }
    }
}
