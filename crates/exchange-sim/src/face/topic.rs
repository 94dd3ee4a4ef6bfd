//! Names of streams: what a client subscribes to, and on which route the venue serves it. It renders no event.
//!
//! Source: "Important WebSocket Change Notice" of the USDⓈ-M documentation, effective 2026-04-23, and the stream pages.

use crate::types::Interval;

/// What a stream carries. Symbols are upper case; `None` is all symbols.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    BookTicker(Option<String>),
    /// Changes of the book.
    DepthDiff(String),
    /// The best levels of the book.
    DepthTop(String, usize),
    AggTrade(String),
    Trade(String),
    MarkPrice(Option<String>),
    Kline(String, Interval),
    Ticker(Option<String>),
    MiniTicker(Option<String>),
    ForceOrder(Option<String>),
    /// What changes of symbols.
    Contracts,
    /// Streams this exchange has nothing to say on.
    Quiet(String),
    /// The private stream of a listen key, and the event names it is limited to.
    Private(String, Vec<String>),
}

/// The path under which a socket was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Public,
    Market,
    Private,
    /// The addresses from before 2026-04-23. The venue acknowledges on them and stays silent for private data.
    Legacy,
}

/// A route and whether frames are wrapped with the stream's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Door {
    pub(super) route: Route,
    pub(super) combined: bool,
    /// Stream names and listen keys given in the URL.
    pub(super) asked: Vec<String>,
    /// Event names each listen key of the query is limited to.
    pub(super) private: Vec<(String, Vec<String>)>,
}

impl Door {
    /// Reads the URL of a handshake; `None` when the path is no stream.
    pub(super) fn parse(path: &str, query: &str) -> Option<Self> {
        let trimmed = path.trim_matches('/');
        let (route, rest) = match trimmed.split_once('/').unwrap_or((trimmed, "")) {
            ("public", rest) => (Route::Public, rest),
            ("market", rest) => (Route::Market, rest),
            ("private", rest) => (Route::Private, rest),
            _ => (Route::Legacy, trimmed),
        };
        let (mode, names) = rest.split_once('/').unwrap_or((rest, ""));
        let combined = match mode {
            "ws" => false,
            "stream" => true,
            _ => return None,
        };
        let mut door = Self { route, combined, asked: split_names(names), private: Vec::new() };
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "streams" => door.asked.extend(split_names(value)),
                "listenKey" if !value.is_empty() => door.private.push((super::params::decode_path(value), Vec::new())),
                "events" => {
                    if let Some((_, events)) = door.private.last_mut() {
                        *events = split_names(value);
                    }
                }
                _ => {}
            }
        }
        Some(door)
    }
}

fn split_names(text: &str) -> Vec<String> {
    super::params::decode_path(text).split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

impl Topic {
    /// Reads a stream's name; what is no market stream is taken for a listen key.
    pub(super) fn parse(name: &str) -> Self {
        let quiet = || Self::Quiet(name.to_owned());
        if let Some(all) = name.strip_prefix('!') {
            return match all.split('@').next().unwrap_or_default() {
                "bookTicker" => Self::BookTicker(None),
                "markPrice" => Self::MarkPrice(None),
                "ticker" => Self::Ticker(None),
                "miniTicker" => Self::MiniTicker(None),
                "forceOrder" => Self::ForceOrder(None),
                "contractInfo" => Self::Contracts,
                _ => quiet(),
            };
        }
        let Some((symbol, channel)) = name.split_once('@') else {
            return Self::Private(name.to_owned(), Vec::new());
        };
        let upper = symbol.to_uppercase();
        let (channel, _speed) = channel.split_once('@').unwrap_or((channel, ""));
        match channel {
            "bookTicker" => Self::BookTicker(Some(upper)),
            "depth" => Self::DepthDiff(upper),
            "depth5" => Self::DepthTop(upper, 5),
            "depth10" => Self::DepthTop(upper, 10),
            "depth20" => Self::DepthTop(upper, 20),
            "aggTrade" => Self::AggTrade(upper),
            "trade" => Self::Trade(upper),
            "markPrice" => Self::MarkPrice(Some(upper)),
            "ticker" => Self::Ticker(Some(upper)),
            "miniTicker" => Self::MiniTicker(Some(upper)),
            "forceOrder" => Self::ForceOrder(Some(upper)),
            other => match other.strip_prefix("kline_").and_then(Interval::parse) {
                Some(interval) => Self::Kline(upper, interval),
                None => quiet(),
            },
        }
    }

    /// The listen key of a private stream, and the event names it is limited to.
    pub(super) fn private(&self) -> Option<(&str, &[String])> {
        if let Self::Private(key, events) = self { Some((key, events)) } else { None }
    }

    /// Symbol and interval of a stream of candles.
    pub(super) fn candle(&self) -> Option<(&str, Interval)> {
        if let Self::Kline(symbol, interval) = self { Some((symbol, *interval)) } else { None }
    }

    /// Whether the venue serves the topic on a route. Elsewhere it acknowledges and stays silent.
    pub(super) fn served_on(&self, route: Route, legacy_private: bool) -> bool {
        match self {
            Self::BookTicker(_) | Self::DepthDiff(_) | Self::DepthTop(..) => matches!(route, Route::Public | Route::Legacy),
            // Clients disagree about the route of this undocumented stream; both are served.
            Self::Trade(_) => matches!(route, Route::Public | Route::Market | Route::Legacy),
            Self::AggTrade(_)
            | Self::MarkPrice(_)
            | Self::Kline(..)
            | Self::Ticker(_)
            | Self::MiniTicker(_)
            | Self::ForceOrder(_)
            | Self::Contracts
            | Self::Quiet(_) => matches!(route, Route::Market | Route::Legacy),
            Self::Private(..) => route == Route::Private || (legacy_private && route == Route::Legacy),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_private_stream_is_understood() {
        let private = |keys: &[(&str, &[&str])]| {
            keys.iter()
                .map(|(key, events)| ((*key).to_owned(), events.iter().map(|e| (*e).to_owned()).collect::<Vec<_>>()))
                .collect::<Vec<_>>()
        };
        let door = |path: &str, query: &str| Door::parse(path, query).unwrap();
        assert_eq!(door("/private/ws", "listenKey=K").private, private(&[("K", &[])]));
        let filtered = door("/private/ws", "listenKey=K&events=A/B");
        assert_eq!((filtered.route, filtered.combined), (Route::Private, false));
        assert_eq!(filtered.private, private(&[("K", &["A", "B"])]));
        assert_eq!(door("/private/stream", "listenKey=K&events=A&listenKey=L").private, private(&[("K", &["A"]), ("L", &[])]));
        assert_eq!(door("/private/ws/K", "").asked, ["K"]);
        assert_eq!(door("/ws/K", "").asked, ["K"]);
        assert_eq!(door("/ws", "").route, Route::Legacy);
        assert_eq!(door("/stream", "streams=K").asked, ["K"]);
        let empty = door("/private/stream", "streams=");
        assert!(empty.combined && empty.asked.is_empty());
        assert_eq!(Door::parse("/ws-fapi/v1", ""), None);
        assert_eq!(Door::parse("/fapi/v1/ping", ""), None);
    }

    #[test]
    fn market_streams_have_their_routes() {
        assert_eq!(Topic::parse("btcusdt@depth20@100ms"), Topic::DepthTop("BTCUSDT".into(), 20));
        assert_eq!(Topic::parse("币安人生usdt@bookTicker"), Topic::BookTicker(Some("币安人生USDT".into())));
        assert_eq!(Topic::parse("!markPrice@arr@1s"), Topic::MarkPrice(None));
        assert_eq!(Topic::parse("btcusdt@kline_1M"), Topic::Kline("BTCUSDT".into(), Interval::Mo1));
        let book = Topic::parse("btcusdt@bookTicker");
        assert!(book.served_on(Route::Public, true) && !book.served_on(Route::Market, true));
        let mark = Topic::parse("btcusdt@markPrice@1s");
        assert!(mark.served_on(Route::Market, true) && !mark.served_on(Route::Public, true));
        let key = Topic::parse("K");
        assert!(key.served_on(Route::Private, false) && !key.served_on(Route::Legacy, false));
        assert!(key.served_on(Route::Legacy, true) && !key.served_on(Route::Market, true));
    }

    #[test]
    fn encoded_names_are_decoded() {
        let door = Door::parse("/public/stream", "streams=%E5%B8%81usdt%40bookTicker/btcusdt@depth").unwrap();
        assert_eq!(door.asked, ["币usdt@bookTicker", "btcusdt@depth"]);
    }
}
