//! Where USDⓈ-M lives, as data with the date it was read, or anywhere else the config says. No connection is made here.

use crate::dialer::{Origin, OriginError};

/// The addresses of one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// REST.
    pub rest: Origin,
    /// Streams of the order book.
    pub public: Origin,
    /// Streams of mark prices.
    pub market: Origin,
    /// The private stream.
    pub private: Origin,
    /// The wallet, which tells what a key may do; not every environment has one.
    pub wallet: Option<Origin>,
}

/// The addresses of an environment that the venue documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// REST.
    pub rest: &'static str,
    /// WebSocket host; the routed paths follow it.
    pub streams: &'static str,
    /// The wallet, where there is one.
    pub wallet: Option<&'static str>,
    /// Since when the routed paths are the only ones, or when the address was seen to work.
    pub since: &'static str,
}

/// Production. Streams without a route carry no private data since this date.
pub const LIVE: Addresses = Addresses {
    rest: "https://fapi.binance.com",
    streams: "wss://fstream.binance.com",
    wallet: Some("https://api.binance.com"),
    since: "2026-04-23",
};

/// The venue's demo trading, which is its testnet. Its hosts refuse the paths of the wallet (seen 2026-09-15).
pub const TESTNET: Addresses = Addresses {
    rest: "https://demo-fapi.binance.com",
    streams: "wss://demo-fstream.binance.com",
    wallet: None,
    since: "2026-09-15",
};

impl Environment {
    /// An environment whose streams follow the routes `/public`, `/market` and `/private` of one host, and whose wallet is beside REST.
    ///
    /// # Errors
    /// [`OriginError`] if one of the two is no base URL.
    pub fn routed(rest: &str, streams: &str) -> Result<Self, OriginError> {
        let streams = streams.trim_end_matches('/');
        Ok(Self {
            rest: Origin::parse(rest)?,
            public: Origin::parse(&format!("{streams}/public"))?,
            market: Origin::parse(&format!("{streams}/market"))?,
            private: Origin::parse(&format!("{streams}/private"))?,
            wallet: Some(Origin::parse(rest)?),
        })
    }

    /// A documented environment.
    ///
    /// # Errors
    /// [`OriginError`]; not for [`LIVE`] and [`TESTNET`].
    pub fn of(addresses: Addresses) -> Result<Self, OriginError> {
        let wallet = addresses.wallet.map(Origin::parse).transpose()?;
        Ok(Self { wallet, ..Self::routed(addresses.rest, addresses.streams)? })
    }

    /// Whether everything stays on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let origins = [&self.rest, &self.public, &self.market, &self.private];
        origins.into_iter().chain(&self.wallet).all(Origin::is_loopback)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_environments_are_addresses() {
        let live = Environment::of(LIVE).unwrap();
        assert_eq!((live.rest.host(), live.private.prefix()), ("fapi.binance.com", "/private"));
        assert!(live.rest.is_tls() && live.private.is_tls() && !live.is_loopback());
        assert_eq!(Environment::of(TESTNET).unwrap().market.host(), "demo-fstream.binance.com");
        assert_eq!(live.wallet.unwrap().host(), "api.binance.com");
        assert_eq!(Environment::of(TESTNET).unwrap().wallet, None);
    }

    #[test]
    fn any_other_host_can_be_named() {
        let local = Environment::routed("http://127.0.0.1:9000", "ws://127.0.0.1:9000/").unwrap();
        assert!(local.is_loopback());
        assert_eq!(local.public.prefix(), "/public");
        assert!(Environment::routed("nonsense", "ws://127.0.0.1").is_err());
    }
}
