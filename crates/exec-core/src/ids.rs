//! Names of things: orders, trades, instruments, strategies, accounts. Not how our own order ids are made: `cl_ord_id`.

use crate::time::Timestamp;
use alloc::{string::String, sync::Arc};
use arrayvec::ArrayString;
use core::{cmp::Ordering, fmt};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The longest id a venue may use, in bytes of UTF-8.
pub const ID_BYTES_MAX: usize = 36;

/// A text that cannot be an id.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IdError {
    /// Nothing between the quotes.
    #[error("{what} is empty")]
    Empty {
        /// Which kind of id.
        what: &'static str,
    },
    /// Longer than any venue allows.
    #[error("{what} `{text}` has {} bytes, at most {max} fit", text.len())]
    TooLong {
        /// Which kind of id.
        what: &'static str,
        /// The text.
        text: String,
        /// How many bytes fit.
        max: usize,
    },
    /// A character that would break a log line or a request.
    #[error("{what} `{text}` has a blank or a control character in it")]
    Blank {
        /// Which kind of id.
        what: &'static str,
        /// The text.
        text: String,
    },
    /// Not of the form `SYMBOL-KIND.VENUE`.
    #[error("instrument `{text}` is not of the form `BTCUSDT-PERP.BINANCE`")]
    Instrument {
        /// The text.
        text: String,
    },
}

fn check(what: &'static str, text: &str, max: usize) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty { what });
    }
    if text.len() > max {
        return Err(IdError::TooLong { what, text: text.into(), max });
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(IdError::Blank { what, text: text.into() });
    }
    Ok(())
}

macro_rules! inline_id {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Eq, PartialEq, Hash)]
        pub struct $name(ArrayString<ID_BYTES_MAX>);

        impl $name {
            /// Reads an id from text of 1 to [`ID_BYTES_MAX`] bytes without blanks.
            ///
            /// # Errors
            /// [`IdError`] if the text is empty, too long, or has a blank in it.
            pub fn new(text: &str) -> Result<Self, IdError> {
                check($what, text, ID_BYTES_MAX)?;
                ArrayString::from(text).map(Self).map_err(|_| IdError::TooLong { what: $what, text: text.into(), max: ID_BYTES_MAX })
            }
            /// The text of the id.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.serialize_str(self.as_str()) }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = ArrayString::<ID_BYTES_MAX>::deserialize(d)?;
                Self::new(&text).map_err(D::Error::custom)
            }
        }
    )* };
}

inline_id! {
    /// FIX ClOrdID (11): the client's name for one attempt to place an order.
    ClOrdId = "client order id";
    /// FIX OrderID (37): the venue's name for an order on its book.
    OrderId = "order id";
    /// The venue's name for a conditional order before it is triggered.
    AlgoId = "algo id";
    /// FIX TrdMatchID (880): the venue's name for one trade, unique per instrument.
    TradeId = "trade id";
}

macro_rules! shortlex {
    ($($name:ident),*) => { $(
        /// Shorter first, then by bytes: the order of decimal numbers without leading zeros.
        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                let (a, b) = (self.as_str(), other.as_str());
                a.len().cmp(&b.len()).then_with(|| a.cmp(b))
            }
        }
        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> { Some(self.cmp(other)) }
        }
    )* };
}
shortlex!(ClOrdId, OrderId, AlgoId, TradeId);

impl TradeId {
    /// The id of a trade that the venue numbers.
    pub fn from_number(n: u64) -> Self {
        Self(decimal(n))
    }
}

impl OrderId {
    /// The id of an order that the venue numbers.
    pub fn from_number(n: u64) -> Self {
        Self(decimal(n))
    }
}

impl AlgoId {
    /// The id of a conditional order that the venue numbers.
    pub fn from_number(n: u64) -> Self {
        Self(decimal(n))
    }
}

fn decimal(mut n: u64) -> ArrayString<ID_BYTES_MAX> {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            break;
        }
    }
    let mut text = ArrayString::new();
    for d in &digits[at..] {
        text.push(*d as char);
    }
    text
}

macro_rules! shared_id {
    ($($(#[$doc:meta])* $name:ident = $what:literal, $max:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Eq, PartialEq, Ord, PartialOrd, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text of the id.
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.serialize_str(&self.0) }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                Self::new(&String::deserialize(d)?).map_err(D::Error::custom)
            }
        }
    )* };
}

shared_id! {
    /// A strategy, as the config names it.
    StrategyId = "strategy id", 64;
    /// A trading account, as the config names it.
    AccountId = "account id", 64;
    /// An asset that balances and fees are counted in: `USDT`.
    Asset = "asset", 64;
    /// An instrument: `BTCUSDT-PERP.BINANCE`, `币安人生USDT-PERP.BINANCE`.
    InstrumentId = "instrument id", 96;
    /// One start of a node, towards others that may want its account: machine, process, moment. No two starts have the same.
    NodeId = "node id", 128;
}

macro_rules! plain_new {
    ($($name:ident = $what:literal, $max:literal;)*) => { $(
        impl $name {
            /// Reads an id from text without blanks.
            ///
            /// # Errors
            /// [`IdError`] if the text is empty, too long, or has a blank in it.
            pub fn new(text: &str) -> Result<Self, IdError> {
                check($what, text, $max)?;
                Ok(Self(text.into()))
            }
        }
    )* };
}
plain_new! {
    StrategyId = "strategy id", 64;
    AccountId = "account id", 64;
    Asset = "asset", 64;
    NodeId = "node id", 128;
}

impl InstrumentId {
    /// Reads `SYMBOL-KIND.VENUE`; the symbol may hold any letters, Chinese ones too.
    ///
    /// # Errors
    /// [`IdError::Instrument`] if the two separators are not there.
    pub fn new(text: &str) -> Result<Self, IdError> {
        check("instrument id", text, 96)?;
        let bad = || IdError::Instrument { text: text.into() };
        let (name, venue) = text.rsplit_once('.').ok_or_else(bad)?;
        let (symbol, kind) = name.rsplit_once('-').ok_or_else(bad)?;
        if venue.is_empty() || symbol.is_empty() || kind.is_empty() {
            return Err(bad());
        }
        Ok(Self(text.into()))
    }
    /// The venue's part: `BINANCE`.
    pub fn venue(&self) -> &str {
        self.0.rsplit_once('.').map_or("", |(_, venue)| venue)
    }
    /// The symbol's part: `BTCUSDT`.
    pub fn symbol(&self) -> &str {
        let name = self.0.rsplit_once('.').map_or(&*self.0, |(name, _)| name);
        name.rsplit_once('-').map_or(name, |(symbol, _)| symbol)
    }
}

/// 128 bits that name what was asked for. The same id with the same terms is the same intent, however often it is said.
#[derive(Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct IntentId(pub u128);

impl Serialize for IntentId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // No JSON number holds 128 bits; for people it is the text that every command takes. The journal has the number.
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_u128(self.0) }
    }
}
impl<'de> Deserialize<'de> for IntentId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return u128::deserialize(deserializer).map(Self);
        }
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map(Self).map_err(D::Error::custom)
    }
}

impl fmt::Debug for IntentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}
impl fmt::Display for IntentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

macro_rules! number_id {
    ($($(#[$doc:meta])* $name:ident($inner:ty);)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
        pub struct $name(pub $inner);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}", self.0) }
        }
    )* };
}

number_id! {
    /// One request to the venue; its answer carries the same number.
    RequestId(u64);
    /// One question to the venue; its answer carries the same number.
    QueryId(u64);
    /// The place of a record in the journal, from 1, without gaps.
    Seq(u64);
    /// One start of the engine on an account: minutes since 2025-01-01 at least, and always above the one before.
    Epoch(u32);
    /// One session of the private stream.
    SessionId(u32);
    /// FIX ListID (66): orders that belong together.
    ListId(u64);
}

/// Milliseconds from the Unix epoch to 2025-01-01 00:00 UTC.
const EPOCH_ZERO_MS: u64 = 1_735_689_600_000;

impl Epoch {
    /// The least epoch at a moment: minutes since 2025-01-01. Keeps epochs rising even when every memory of them is lost.
    pub fn floor(now: Timestamp) -> Self {
        Self(u32::try_from(now.as_ms().saturating_sub(EPOCH_ZERO_MS) / 60_000).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn trade_ids_sort_like_numbers() {
        let (nine, ten) = (TradeId::from_number(9), TradeId::from_number(10));
        assert!(nine < ten);
        assert_eq!(TradeId::from_number(u64::MAX).to_string(), u64::MAX.to_string());
        assert_eq!(TradeId::from_number(0).as_str(), "0");
    }

    #[test]
    fn instruments_keep_chinese_symbols() {
        let id = InstrumentId::new("币安人生USDT-PERP.BINANCE").unwrap();
        assert_eq!(id.symbol(), "币安人生USDT");
        assert_eq!(id.venue(), "BINANCE");
        for bad in ["BTCUSDT", "BTCUSDT.BINANCE", "BTCUSDT-PERP", "-PERP.X", "BTC USDT-PERP.X"] {
            assert!(InstrumentId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_epoch_floor_counts_minutes_since_2025() {
        assert_eq!(Epoch::floor(Timestamp::from_ms(EPOCH_ZERO_MS + 3 * 60_000)), Epoch(3));
        assert_eq!(Epoch::floor(Timestamp(0)), Epoch(0));
    }

    #[test]
    fn ids_refuse_what_does_not_fit() {
        assert!(ClOrdId::new("").is_err());
        assert!(ClOrdId::new(&"x".repeat(37)).is_err());
        assert!(ClOrdId::new(&"x".repeat(36)).is_ok());
        assert!(ClOrdId::new("a b").is_err());
    }
}
