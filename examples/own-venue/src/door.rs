//! The paper exchange on 127.0.0.1: a line is asked, lines are answered; `LISTEN` and `PRICES` go on telling. And what can go wrong there.

use crate::{exchange::Exchange, wire::Line};
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream, tcp::OwnedWriteHalf},
    sync::broadcast,
    task::{JoinHandle, JoinSet},
};

/// A listener that is further behind than this is cut off, and has to ask.
const NEWS_MAX: usize = 1_024;

/// What is to go wrong, for tests.
#[derive(Default)]
pub(crate) struct Faults {
    /// The next request with this word is lost on its way.
    pub(crate) lose_request: Option<&'static str>,
    /// The answer to the next request with this word is lost.
    pub(crate) lose_answer: Option<&'static str>,
    /// Nothing but orders and cancels is answered.
    pub(crate) deaf: bool,
}

struct House {
    exchange: Mutex<Exchange>,
    faults: Mutex<Faults>,
    news: broadcast::Sender<Line>,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl House {
    /// Does something at the exchange now, and tells what it caused.
    fn at<T>(&self, act: impl FnOnce(&mut Exchange, i64) -> T) -> T {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let mut exchange = lock(&self.exchange);
        let done = act(&mut exchange, i64::try_from(now).unwrap_or(i64::MAX));
        // Told in the order in which it happened: under the lock. Nobody listening is no failure.
        exchange.news.drain(..).for_each(|line| drop(self.news.send(line)));
        done
    }
}

/// The exchange, open. It closes when this is dropped.
pub(crate) struct Door {
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    house: Arc<House>,
    task: JoinHandle<()>,
}

impl Door {
    /// Opens the exchange on a free port of this machine.
    pub(crate) async fn open(exchange: Exchange) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let (news, _) = broadcast::channel(NEWS_MAX);
        let house = Arc::new(House { exchange: Mutex::new(exchange), faults: Mutex::default(), news });
        let served = Arc::clone(&house);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(Arc::clone(&served), stream));
                // What has ended is forgotten.
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { addr, house, task })
    }

    /// Does something at the exchange from outside.
    pub(crate) fn at<T>(&self, act: impl FnOnce(&mut Exchange, i64) -> T) -> T {
        self.house.at(act)
    }
}

#[cfg(test)]
impl Door {
    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.house.faults)
    }
    /// Ends every session of listeners: `CUT` without a word, `BYE` with one.
    pub(crate) fn end_sessions(&self, word: &str) {
        drop(self.house.news.send(Line::new(word)));
    }
    /// The exchange is gone, with every connection.
    pub(crate) async fn close(&self) {
        self.task.abort();
        while !self.task.is_finished() {
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves one connection to its end; an error of the socket is its end.
async fn serve(house: Arc<House>, stream: TcpStream) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(text)) = lines.next_line().await {
        let Some(ask) = Line::parse(&text) else { return };
        let word = ask.word();
        if matches!(word, "LISTEN" | "PRICES") {
            return tell(&house, &ask, &mut write).await;
        }
        let (lost_before, lost_after) = {
            let mut faults = lock(&house.faults);
            let deaf = faults.deaf && !matches!(word, "NEW" | "KILL");
            let lost_before = deaf || faults.lose_request.take_if(|lost| *lost == word).is_some();
            (lost_before, faults.lose_answer.take_if(|lost| *lost == word).is_some())
        };
        if lost_before {
            return;
        }
        let answer = house.at(|exchange, now| exchange.answer(now, &ask));
        if lost_after || say(&mut write, &answer).await.is_err() {
            return;
        }
    }
}

async fn say(write: &mut OwnedWriteHalf, lines: &[Line]) -> io::Result<()> {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    write.write_all(text.as_bytes()).await
}

/// Tells a listener what happens, until one of both ends.
async fn tell(house: &House, ask: &Line, write: &mut OwnedWriteHalf) {
    let prices = ask.word() == "PRICES";
    // Nothing falls between the first line and the news that follow it.
    let (first, mut news) = house.at(|exchange, _| {
        let first = if prices { exchange.priced() } else { Line::new("READY") };
        (first, house.news.subscribe())
    });
    if say(write, &[first]).await.is_err() {
        return;
    }
    while let Ok(line) = news.recv().await {
        let over = matches!(line.word(), "CUT" | "BYE");
        if line.word() == "CUT" {
            return;
        }
        let wanted = over || prices == (line.word() == "PRICE");
        if (wanted && say(write, &[line]).await.is_err()) || over {
            return;
        }
    }
}
