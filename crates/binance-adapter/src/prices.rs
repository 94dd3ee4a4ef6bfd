//! Best bid and ask and mark prices of some instruments, over the two routes that carry them, and what the venue announces of contracts
//! on one of these. Newest wins; nothing is kept.

use std::time::Duration;

use async_trait::async_trait;
use exec_core::{
    ids::InstrumentId,
    venue::{MarketNews, PriceFeed, PriceSource, QueryError},
};
use futures_util::future::select_all;
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};

use crate::{
    query::percent_encode,
    rate::Priority,
    translate::{self, Symbols, Tally, TranslateError},
    venue::BinanceUsdm,
    wire::MarketEvent,
    ws::{Heard, Socket, Traffic},
};

/// Streams of one connection; the venue allows 1024, a URL is happier with less.
const STREAMS_MAX: usize = 100;
/// Mark prices come every second, so a route of them that is silent for this long is dead.
const MARK_SILENT: Duration = Duration::from_secs(20);
/// The book of a quiet symbol may not change; the venue pings every three minutes.
const BOOK_SILENT: Duration = Duration::from_secs(5 * 60);

/// Announcements about all contracts, this venue's other product included. Served on the route of mark prices.
const CONTRACTS: &str = "!contractInfo";

struct Route {
    socket: Socket,
    silent_max: Duration,
    dead_at: Instant,
}

/// One session of prices.
pub(crate) struct Prices {
    symbols: Arc<Symbols>,
    tally: Arc<Tally>,
    routes: Vec<Route>,
}

#[async_trait]
impl PriceSource for BinanceUsdm {
    async fn open_prices(&self, instruments: &[InstrumentId]) -> Result<Box<dyn PriceFeed>, QueryError> {
        let mut routes = Vec::new();
        for (nth, chunk) in instruments.chunks(STREAMS_MAX).enumerate() {
            let mut marks = path(chunk, "markPrice@1s");
            if nth == 0 {
                marks.push('/');
                marks.push_str(CONTRACTS);
            }
            for (origin, kind, path, silent_max) in [
                (&self.environment.public, "bookTicker", path(chunk, "bookTicker"), BOOK_SILENT),
                (&self.environment.market, "markPrice", marks, MARK_SILENT),
            ] {
                self.rest.may_connect(Priority::Ordinary)?;
                let socket = Socket::open(&self.connector, origin, &path, Traffic::Market)
                    .await
                    .map_err(|error| QueryError::Unavailable(format!("{kind} stream: {error}")))?;
                routes.push(Route { socket, silent_max, dead_at: Instant::now() + silent_max });
            }
        }
        if routes.is_empty() {
            return Err(QueryError::Unavailable("no instruments to watch".into()));
        }
        Ok(Box::new(Prices { symbols: Arc::clone(&self.symbols), tally: Arc::clone(&self.tally), routes }))
    }
}

/// Stream names carry the symbol in lower case, letters beyond ASCII unchanged and encoded like any URL.
fn path(instruments: &[InstrumentId], kind: &str) -> String {
    let mut path = String::from("/stream?streams=");
    for (at, instrument) in instruments.iter().enumerate() {
        if at > 0 {
            path.push('/');
        }
        percent_encode(&instrument.symbol().to_ascii_lowercase(), &mut path);
        path.push('@');
        path.push_str(kind);
    }
    path
}

impl Prices {
    fn news(&self, event: &MarketEvent<'_>) -> Result<Option<MarketNews>, TranslateError> {
        if let MarketEvent::Contract(info) = event {
            self.tally.count("contractInfo", info);
            return Ok(translate::listing(&self.symbols, event)?.map(MarketNews::ListingChanged));
        }
        Ok(translate::price(&self.symbols, event)?.map(MarketNews::Price))
    }
}

#[async_trait]
impl PriceFeed for Prices {
    async fn next(&mut self) -> Result<MarketNews, QueryError> {
        loop {
            let dead_at = self.routes.iter().map(|route| route.dead_at).min().unwrap_or_else(Instant::now);
            let heard = select_all(self.routes.iter_mut().map(|route| Box::pin(route.socket.next())));
            let (heard, at) = match timeout_at(dead_at, heard).await {
                Ok((heard, at, _)) => (heard, at),
                Err(_) => return Err(QueryError::Unavailable("a price stream is silent".into())),
            };
            if let Some(route) = self.routes.get_mut(at) {
                route.dead_at = Instant::now() + route.silent_max;
            }
            let text = match heard {
                Ok(Heard::Text(text)) => text,
                Ok(Heard::Alive) => continue,
                Err(error) => return Err(QueryError::Unavailable(format!("price stream: {error}"))),
            };
            let event = match MarketEvent::read(&text) {
                Ok(event) => event,
                Err(error) => {
                    // The next price replaces it, and the list of instruments is read at intervals in any case.
                    tracing::warn!(%error, "a market event cannot be read");
                    self.tally.note("(a market event that cannot be read)".into());
                    continue;
                }
            };
            match self.news(&event) {
                Ok(Some(news)) => return Ok(news),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "a market event cannot be said");
                    self.tally.note("(a market event that cannot be said)".into());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_names_are_lower_case_and_encoded() {
        let ids = ["BTCUSDT-PERP.BINANCE", "币安人生USDT-PERP.BINANCE"].map(|id| InstrumentId::new(id).unwrap());
        assert_eq!(
            path(&ids, "bookTicker"),
            "/stream?streams=btcusdt@bookTicker/%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9Fusdt@bookTicker"
        );
    }
}
