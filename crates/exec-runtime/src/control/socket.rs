//! The control socket: who may connect, lines in, lines out. What they mean is not known here.

use super::{ControlHandle, LINE_BYTES_MAX, Reply, Request};
use std::{
    fs, io,
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream, unix::UCred},
    sync::Semaphore,
    task::JoinSet,
};

/// Connections at a time; another one waits.
const CONNECTIONS_MAX: usize = 16;
/// A connection that asks nothing for so long gives its place back.
const IDLE_DEADLINE: Duration = Duration::from_secs(300);
/// A peer that does not take its answer for so long is cut.
const WRITE_DEADLINE: Duration = Duration::from_secs(5);

/// A control socket that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Something else stands at its path. Remove it, or choose another path.
    #[error("{0} exists and is not a socket")]
    NotASocket(PathBuf),
    /// What the machine says.
    #[error("{path}: {error}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What.
        error: io::Error,
    },
}

/// Listens at a path and removes it at its end.
pub(crate) struct Server {
    listener: UnixListener,
    path: PathBuf,
    uid: u32,
    handle: ControlHandle,
}

impl Server {
    /// Opens the socket with mode 0600. A socket left behind at the path is replaced: the journal's lock, which is held by
    /// now, says that nobody else serves this account.
    pub(crate) fn open(path: &Path, handle: ControlHandle) -> Result<Self, SocketError> {
        let io = |error| SocketError::Io { path: path.to_path_buf(), error };
        match fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => return Err(SocketError::NotASocket(path.to_path_buf())),
            Ok(_) => (),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (),
            Err(error) => return Err(io(error)),
        }
        // Bound under another name and renamed when its mode is set, so that it is never open to others under its own.
        let mut before = path.as_os_str().to_owned();
        before.push(".new");
        let before = PathBuf::from(before);
        match fs::remove_file(&before) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
            Ok(()) | Err(_) => (),
        }
        let listener = UnixListener::bind(&before).map_err(io)?;
        fs::set_permissions(&before, fs::Permissions::from_mode(0o600)).map_err(io)?;
        let uid = fs::symlink_metadata(&before).map_err(io)?.uid();
        fs::rename(&before, path).map_err(io)?;
        tracing::info!(path = %path.display(), "control socket is open");
        Ok(Self { listener, path: path.to_path_buf(), uid, handle })
    }

    /// Serves connections until it is dropped.
    pub(crate) async fn run(self) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = JoinSet::new();
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            while connections.try_join_next().is_some() {}
            match self.listener.accept().await {
                Ok((stream, _)) => match stream.peer_cred() {
                    Ok(peer) if peer.uid() == self.uid || peer.uid() == 0 => {
                        let handle = self.handle.clone();
                        connections.spawn(async move {
                            if let Err(error) = serve(stream, peer, handle).await {
                                tracing::debug!(%error, "control connection ended");
                            }
                            drop(place);
                        });
                    }
                    Ok(peer) => tracing::warn!(uid = peer.uid(), "control connection of another user refused"),
                    Err(error) => tracing::warn!(%error, "control connection of an unknown user refused"),
                },
                Err(error) => {
                    // Out of file descriptors, most likely; the node must not spin on it.
                    tracing::warn!(%error, "control connection not accepted");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whoever finds it later must not wait for an answer. If it is gone already, so much the better.
        let _ = fs::remove_file(&self.path);
    }
}

async fn serve(stream: UnixStream, peer: UCred, handle: ControlHandle) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = LINE_BYTES_MAX as u64;
        let mut limited = (&mut read).take(limit);
        let got = tokio::time::timeout(IDLE_DEADLINE, limited.read_until(b'\n', &mut line)).await??;
        if got == 0 {
            return Ok(());
        }
        let whole = line.ends_with(b"\n");
        let reply = if whole || got < LINE_BYTES_MAX {
            answer(&line, &peer, &handle).await
        } else {
            Reply::Err(format!("a request has at most {LINE_BYTES_MAX} bytes"))
        };
        let mut text = reply.to_json();
        text.push('\n');
        tokio::time::timeout(WRITE_DEADLINE, write.write_all(text.as_bytes())).await??;
        if !whole {
            return Ok(());
        }
    }
}

async fn answer(line: &[u8], peer: &UCred, handle: &ControlHandle) -> Reply {
    let Ok(text) = std::str::from_utf8(line) else { return Reply::Err(String::from("a request is UTF-8")) };
    match Request::from_json(text) {
        Ok(mut request) => {
            // What somebody calls himself is a courtesy; the machine's word stands beside it.
            request.who = match peer.pid() {
                Some(pid) => format!("{} (uid {}, pid {pid})", request.who, peer.uid()),
                None => format!("{} (uid {})", request.who, peer.uid()),
            };
            handle.call(request).await.unwrap_or_else(|gone| Reply::Err(gone.to_string()))
        }
        Err(error) => Reply::Err(error.to_string()),
    }
}
