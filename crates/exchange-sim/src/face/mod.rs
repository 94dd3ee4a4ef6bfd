//! The network face: the exchange spoken in Binance's HTTP and WebSocket dialect; it holds no trading rule.
