//! A loopback HTTP server that does exactly what a test says, connection by connection, and remembers every request it saw.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// Writes these bytes and goes on with the connection.
    Write(Vec<u8>),
    /// Writes these bytes and closes the connection.
    WriteAndClose(Vec<u8>),
    /// Says nothing and keeps the connection.
    Stall,
}

/// The server.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Listens on a free port and answers the nth request with the nth deed, the last one for ever.
    pub(crate) async fn new(deeds: Vec<Deed>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, deeds.clone(), Arc::clone(&seen)));
            }
        });
        Self { addr, requests }
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, deeds: Vec<Deed>, seen: Arc<Mutex<Vec<String>>>) {
    while let Some(request) = read_request(&mut stream).await {
        let nth = {
            let mut seen = seen.lock().unwrap();
            seen.push(request);
            seen.len()
        };
        match deeds.get(nth - 1).or(deeds.last()).unwrap() {
            Deed::Write(bytes) => stream.write_all(bytes).await.unwrap_or_default(),
            Deed::WriteAndClose(bytes) => {
                stream.write_all(bytes).await.unwrap_or_default();
                return;
            }
            Deed::Stall => std::future::pending().await,
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break end + 4;
        }
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
    let length: usize =
        text.lines().find_map(|line| line.strip_prefix("content-length:")).map_or(0, |value| value.trim().parse().unwrap());
    while bytes.len() < head + length {
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
        }
    }
    Some(String::from_utf8(bytes).unwrap())
}

/// A whole reply.
pub(crate) fn reply(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len()).into_bytes()
}
