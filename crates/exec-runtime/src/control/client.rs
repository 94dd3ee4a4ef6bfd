//! The other end of the control socket, for programs: one connection, one request at a time.

use super::{Ask, Reply, Request};
use serde_json::Value;
use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

/// The loop answers at once; a node that takes longer than this hangs.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);

/// Why a request has no result.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No node listens there. Start it, or let the verb act by itself.
    #[error("no node listens at {0}")]
    NotRunning(PathBuf),
    /// The connection broke; what was asked for may have been done, the journal tells.
    #[error("connection to the node broke: {0}")]
    Broken(#[from] io::Error),
    /// The node did not answer in time; what was asked for may still be done.
    #[error("node did not answer within {} s", ANSWER_DEADLINE.as_secs())]
    Silent,
    /// The node said something that is not a reply.
    #[error("node answered something unreadable: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The node refuses.
    #[error("{0}")]
    Refused(String),
}

/// A connection to a running node.
#[derive(Debug)]
pub struct Client {
    read: BufReader<OwnedReadHalf>,
    write: OwnedWriteHalf,
}

impl Client {
    /// Connects to the socket of an account.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`] if nobody listens, [`ClientError::Broken`] for anything else the machine says.
    pub async fn connect(path: &Path) -> Result<Self, ClientError> {
        let stream = UnixStream::connect(path).await.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ClientError::NotRunning(path.to_path_buf()),
            _ => ClientError::Broken(error),
        })?;
        let (read, write) = stream.into_split();
        Ok(Self { read: BufReader::new(read), write })
    }

    /// Asks, and returns the result.
    ///
    /// # Errors
    /// [`ClientError`]: see there. After [`ClientError::Broken`] and [`ClientError::Silent`] the connection is of no use.
    pub async fn ask(&mut self, who: &str, ask: Ask) -> Result<Value, ClientError> {
        let mut line = Request { who: String::from(who), ask }.to_json()?;
        line.push('\n');
        let mut answer = String::new();
        let exchange = async {
            self.write.write_all(line.as_bytes()).await?;
            self.read.read_line(&mut answer).await
        };
        let got = timeout(ANSWER_DEADLINE, exchange).await.map_err(|_| ClientError::Silent)??;
        if got == 0 {
            return Err(ClientError::Broken(io::ErrorKind::UnexpectedEof.into()));
        }
        match Reply::from_json(&answer)? {
            Reply::Ok(result) => Ok(result),
            Reply::Err(error) => Err(ClientError::Refused(error)),
        }
    }
}
