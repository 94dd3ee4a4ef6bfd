//! Events of the private stream: `user-data-streams` sections 3.1 to 3.6 of the USDⓈ-M documents (read 2026-11-22), and
//! what the live wire added. An event of another name is kept as its name.

use super::{
    AlgoUpdate, Dec, ExecutionType, Lenient, MarginType, OrderStatus, OrderType, PositionSide, PriceMatch, Raw, Side, StpMode,
    Text, TimeInForce, Unknowns, UpdateReason, WorkingType, scan, shape::wire,
};
use crate::wire::shape::Key;
use serde::{
    Deserialize,
    de::{IgnoredAny, MapAccess, Visitor},
};
use std::fmt;

/// One frame of the private stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserEvent<'a> {
    /// An order changed.
    Order(OrderTradeUpdate<'a>),
    /// A trade, on the faster and thinner path.
    Lite(TradeLite<'a>),
    /// Balances or positions changed.
    Account(AccountUpdate<'a>),
    /// A conditional order changed in the Algo Service.
    Algo(AlgoUpdate<'a>),
    /// Leverage or multi-assets mode changed.
    Config(AccountConfigUpdate<'a>),
    /// Margin runs low.
    MarginCall(MarginCall<'a>),
    /// The listen key has expired; the stream goes silent.
    KeyExpired(ListenKeyExpired<'a>),
    /// A triggered conditional order was refused (deprecated 2025-12-15).
    ConditionalReject(ConditionalReject<'a>),
    /// The venue announces that it is about to close the connection, or that it has ended the subscription.
    Shutdown(Text<'a>),
    /// An event about a grid strategy: documented, not ours.
    Grid(Text<'a>),
    /// An event of a name that the documents do not have.
    Other(Text<'a>),
}

impl<'a> UserEvent<'a> {
    /// Reads one frame; also out of the combined form `{"stream":…,"data":…}` and the enveloped form `{"event":…}`, once.
    ///
    /// # Errors
    /// The parser's complaint. The caller keeps the raw text and raises.
    pub fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        let (name, text) = named(text)?;
        match name {
            Some(name) => Self::read_named(name, text),
            None => Err(<serde_json::Error as serde::de::Error>::missing_field("e")),
        }
    }

    /// The venue's name of the event.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Order(_) => "ORDER_TRADE_UPDATE",
            Self::Lite(_) => "TRADE_LITE",
            Self::Account(_) => "ACCOUNT_UPDATE",
            Self::Algo(_) => "ALGO_UPDATE",
            Self::Config(_) => "ACCOUNT_CONFIG_UPDATE",
            Self::MarginCall(_) => "MARGIN_CALL",
            Self::KeyExpired(_) => "listenKeyExpired",
            Self::ConditionalReject(_) => "CONDITIONAL_ORDER_TRIGGER_REJECT",
            Self::Shutdown(name) | Self::Grid(name) | Self::Other(name) => name.as_str(),
        }
    }

    fn read_named(name: Text<'a>, text: &'a str) -> Result<Self, serde_json::Error> {
        Ok(match name.as_str() {
            "ORDER_TRADE_UPDATE" => Self::Order(match scan::order_trade_update(text) {
                Some(update) => update,
                None => super::read(text)?,
            }),
            "TRADE_LITE" => Self::Lite(super::read(text)?),
            "ACCOUNT_UPDATE" => Self::Account(super::read(text)?),
            "ALGO_UPDATE" => Self::Algo(super::read(text)?),
            "ACCOUNT_CONFIG_UPDATE" => Self::Config(super::read(text)?),
            "MARGIN_CALL" => Self::MarginCall(super::read(text)?),
            "listenKeyExpired" => Self::KeyExpired(super::read(text)?),
            "CONDITIONAL_ORDER_TRIGGER_REJECT" => Self::ConditionalReject(super::read(text)?),
            "serverShutdown" | "eventStreamTerminated" => Self::Shutdown(whole(name, text)?),
            "STRATEGY_UPDATE" | "GRID_UPDATE" => Self::Grid(whole(name, text)?),
            _ => Self::Other(whole(name, text)?),
        })
    }
}

/// The name of an event and its own text, taken out of an envelope if it is in one. Envelopes do not nest: a text that nests
/// them a million times must not use up the stack.
pub(crate) fn named(text: &str) -> Result<(Option<Text<'_>>, &str), serde_json::Error> {
    if let Some(name) = leading_name(text) {
        return Ok((Some(Text::from(name)), text));
    }
    let head: Head<'_> = super::read(text)?;
    let Some(inner) = head.data else { return Ok((head.event, text)) };
    match leading_name(inner) {
        Some(name) => Ok((Some(Text::from(name)), inner)),
        None => Ok((super::read::<Head<'_>>(inner)?.event, inner)),
    }
}

/// The name of an event that starts with it, as the live wire writes them: it saves a pass over the text.
fn leading_name(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix(r#"{"e":""#)?.split_once('"')?;
    name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_').then_some(name)
}

/// A name from a text that is otherwise not looked into, but must be whole.
fn whole<'a>(name: Text<'a>, text: &str) -> Result<Text<'a>, serde_json::Error> {
    super::read::<IgnoredAny>(text).map(|_| name)
}

impl Unknowns for UserEvent<'_> {
    fn unknown_count(&self) -> usize {
        match self {
            Self::Order(event) => event.unknown_count(),
            Self::Lite(event) => event.unknown_count(),
            Self::Account(event) => event.unknown_count(),
            Self::Algo(event) => event.unknown_count(),
            Self::Config(event) => event.unknown_count(),
            Self::MarginCall(event) => event.unknown_count(),
            Self::KeyExpired(event) => event.unknown_count(),
            Self::ConditionalReject(event) => event.unknown_count(),
            Self::Shutdown(_) | Self::Grid(_) => 0,
            Self::Other(_) => 1,
        }
    }

    fn unknown_names(&self, at: &str, out: &mut Vec<String>) {
        match self {
            Self::Order(event) => event.unknown_names(at, out),
            Self::Lite(event) => event.unknown_names(at, out),
            Self::Account(event) => event.unknown_names(at, out),
            Self::Algo(event) => event.unknown_names(at, out),
            Self::Config(event) => event.unknown_names(at, out),
            Self::MarginCall(event) => event.unknown_names(at, out),
            Self::KeyExpired(event) => event.unknown_names(at, out),
            Self::ConditionalReject(event) => event.unknown_names(at, out),
            Self::Shutdown(_) | Self::Grid(_) => {}
            Self::Other(name) => out.push(format!("e={name}")),
        }
    }
}

/// What tells events apart: the name, or the wrapped payload of a combined stream.
struct Head<'a> {
    event: Option<Text<'a>>,
    data: Option<&'a str>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Head<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HeadVisitor;
        impl<'de> Visitor<'de> for HeadVisitor {
            type Value = Head<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut head = Head { event: None, data: None };
                while let Some(key) = map.next_key::<Key<'de>>()? {
                    match key.as_str() {
                        "e" => head.event = Some(map.next_value()?),
                        "data" | "event" => head.data = Some(map.next_value::<Raw<'de>>()?.0),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(head)
            }
        }
        deserializer.deserialize_map(HeadVisitor)
    }
}

wire! {
    /// `ORDER_TRADE_UPDATE`.
    pub struct OrderTradeUpdate<'a> {
        must {
            /// Event time.
            "E" event_time: i64,
            /// Engine time.
            "T" transaction_time: i64,
            /// The order.
            "o" order: OrderUpdateBody<'a>,
        }
        skip { "e" }
    }

    /// The order inside `ORDER_TRADE_UPDATE`.
    pub struct OrderUpdateBody<'a> {
        must {
            /// Symbol.
            "s" symbol: Text<'a>,
            /// Client order id; the exchange's own orders carry `autoclose-`, `adl_autoclose`, `settlement_autoclose-`.
            "c" client_order_id: Text<'a>,
            /// Side.
            "S" side: Side<'a>,
            /// Type.
            "o" order_type: OrderType<'a>,
            /// Time in force.
            "f" time_in_force: TimeInForce<'a>,
            /// Quantity.
            "q" qty: Dec,
            /// Price.
            "p" price: Dec,
            /// Average price.
            "ap" avg_price: Dec,
            /// What happened.
            "x" execution: ExecutionType<'a>,
            /// Status after it.
            "X" status: OrderStatus<'a>,
            /// Order id.
            "i" order_id: u64,
            /// Quantity of this fill.
            "l" last_qty: Dec,
            /// Cumulative quantity.
            "z" cum_qty: Dec,
            /// Price of this fill.
            "L" last_price: Dec,
            /// Trade time.
            "T" trade_time: i64,
            /// Trade id, zero when there is no trade.
            "t" trade_id: u64,
            /// Whether this trade was the maker's.
            "m" maker: bool,
            /// Which position it changes.
            "ps" position_side: PositionSide<'a>,
        }
        may {
            /// Trigger price.
            "sp" stop_price: Dec,
            /// The fee's asset.
            "N" fee_asset: Text<'a>,
            /// Fee.
            "n" fee: Dec,
            /// Whether it may only reduce.
            "R" reduce_only: bool,
            /// Whether it closes the whole position.
            "cp" close_position: bool,
            /// Realised profit of this trade.
            "rp" realized_pnl: Dec,
            /// Automatic cancel time, zero for none.
            "gtd" good_till_date: Lenient<'a>,
            /// The tag of the modify request, on `AMENDMENT` only (since 2026-07-30); a text here, a number in replies.
            "M" modify_id: Lenient<'a>,
            /// Why it expired (since 2025-10-23).
            "er" expiry_reason: Lenient<'a>,
            /// Type before a trigger.
            "ot" orig_type: OrderType<'a>,
            /// Which price a conditional order watches.
            "wt" working_type: WorkingType<'a>,
            /// Whether a conditional order holds back while mark and last price are apart.
            "pP" price_protect: bool,
            /// Activation price of a trailing stop.
            "AP" activate_price: Lenient<'a>,
            /// Distance of a trailing stop in percent.
            "cr" price_rate: Lenient<'a>,
            /// What happens when it meets an order of the same account.
            "V" stp_mode: StpMode<'a>,
            /// Where its price is taken from.
            "pm" price_match: PriceMatch<'a>,
        }
        skip { "b", "a", "si", "ss", "ma" }
    }

    /// `TRADE_LITE`: executions only, without fee, profit and position side.
    pub struct TradeLite<'a> {
        must {
            /// Event time.
            "E" event_time: i64,
            /// Engine time.
            "T" transaction_time: i64,
            /// Symbol.
            "s" symbol: Text<'a>,
            /// Quantity of the order.
            "q" qty: Dec,
            /// Price of the order.
            "p" price: Dec,
            /// Whether this trade was the maker's.
            "m" maker: bool,
            /// Client order id.
            "c" client_order_id: Text<'a>,
            /// Side.
            "S" side: Side<'a>,
            /// Price of this fill.
            "L" last_price: Dec,
            /// Quantity of this fill.
            "l" last_qty: Dec,
            /// Trade id.
            "t" trade_id: u64,
            /// Order id.
            "i" order_id: u64,
        }
        skip { "e" }
    }

    /// `ACCOUNT_UPDATE`.
    pub struct AccountUpdate<'a> {
        must {
            /// Event time.
            "E" event_time: i64,
            /// Engine time.
            "T" transaction_time: i64,
            /// What changed.
            "a" account: AccountUpdateBody<'a>,
        }
        skip { "e" }
    }

    /// What an account update changed. A delta, not a snapshot.
    pub struct AccountUpdateBody<'a> {
        must {
            /// Why.
            "m" reason: UpdateReason<'a>,
        }
        may {
            /// Balances.
            "B" balances: Vec<BalanceChange<'a>>,
            /// Positions.
            "P" positions: Vec<PositionChange<'a>>,
            /// Symbol of a funding fee (since 2026-08-07).
            "S" symbol: Text<'a>,
        }
    }

    /// One balance of an account update.
    pub struct BalanceChange<'a> {
        must {
            /// Asset.
            "a" asset: Text<'a>,
            /// Wallet balance.
            "wb" wallet: Dec,
            /// Wallet balance outside isolated positions.
            "cw" cross_wallet: Dec,
        }
        may {
            /// Change that is neither profit nor fee.
            "bc" change: Dec,
        }
    }

    /// One position of an account update.
    pub struct PositionChange<'a> {
        must {
            /// Symbol.
            "s" symbol: Text<'a>,
            /// Signed amount.
            "pa" amount: Dec,
            /// Entry price.
            "ep" entry_price: Dec,
            /// Which position.
            "ps" position_side: PositionSide<'a>,
        }
        may {
            /// Unrealised profit.
            "up" unrealized_pnl: Dec,
            /// Margin type, in lower case.
            "mt" margin_type: MarginType<'a>,
            /// Isolated wallet.
            "iw" isolated_wallet: Dec,
        }
        skip { "bep", "cr", "ma" }
    }

    /// `ACCOUNT_CONFIG_UPDATE`: one of its two parts is there.
    pub struct AccountConfigUpdate<'a> {
        must {
            /// Event time.
            "E" event_time: i64,
            /// Engine time.
            "T" transaction_time: i64,
        }
        may {
            /// Leverage of a symbol.
            "ac" leverage: LeverageChange<'a>,
            /// Multi-assets mode.
            "ai" multi_assets: MultiAssetsChange<'a>,
        }
        skip { "e" }
    }

    /// A symbol's new leverage.
    pub struct LeverageChange<'a> {
        must {
            /// Symbol.
            "s" symbol: Text<'a>,
            /// Leverage.
            "l" leverage: u32,
        }
    }

    /// The account's new multi-assets mode.
    pub struct MultiAssetsChange<'a> {
        must {
            /// Whether it is on.
            "j" on: bool,
        }
    }

    /// `MARGIN_CALL`: guidance only.
    pub struct MarginCall<'a> {
        must {
            /// Event time.
            "E" event_time: i64,
            /// Positions at risk.
            "p" positions: Vec<MarginCallPosition<'a>>,
        }
        may {
            /// Cross wallet balance, for cross positions only.
            "cw" cross_wallet: Dec,
        }
        skip { "e", "T" }
    }

    /// A position of a margin call.
    pub struct MarginCallPosition<'a> {
        must {
            /// Symbol.
            "s" symbol: Text<'a>,
            /// Which position.
            "ps" position_side: PositionSide<'a>,
            /// Signed amount.
            "pa" amount: Dec,
        }
        may {
            /// Margin type, in upper case here.
            "mt" margin_type: MarginType<'a>,
            /// Mark price.
            "mp" mark_price: Dec,
            /// Unrealised profit.
            "up" unrealized_pnl: Dec,
            /// Maintenance margin.
            "mm" maint_margin: Dec,
            /// Isolated wallet.
            "iw" isolated_wallet: Dec,
        }
    }

    /// `listenKeyExpired`. The key itself is not kept: it opens the stream.
    pub struct ListenKeyExpired<'a> {
        may {
            /// Event time; a text before 2026-05-22.
            "E" event_time: Lenient<'a>,
        }
        skip { "e", "listenKey" }
    }

    /// `CONDITIONAL_ORDER_TRIGGER_REJECT`, deprecated 2025-12-15.
    pub struct ConditionalReject<'a> {
        must {
            /// Event time.
            "E" event_time: i64,
            /// Engine time.
            "T" transaction_time: i64,
            /// The refusal.
            "or" refusal: ConditionalRejectBody<'a>,
        }
        skip { "e" }
    }

    /// The refusal of a triggered conditional order.
    pub struct ConditionalRejectBody<'a> {
        must {
            /// Symbol.
            "s" symbol: Text<'a>,
            /// Order id.
            "i" order_id: u64,
            /// Reason.
            "r" reason: Text<'a>,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fill_is_read_whole() {
        let text = r#"{"e":"ORDER_TRADE_UPDATE","T":1789837689736,"E":1789837689736,"o":{"s":"币安人生USDT","c":"A-1","S":"BUY","o":"MARKET","f":"GTC","q":"4.9","p":"0","ap":"1.1359","sp":"0","x":"TRADE","X":"FILLED","i":33878894217,"l":"4.9","z":"4.9","L":"1.1359","n":"0.00000325","N":"BNB","T":1789837689736,"t":1190331610,"b":"0","a":"0","m":false,"R":false,"wt":"CONTRACT_PRICE","ot":"MARKET","ps":"BOTH","cp":false,"rp":"0","pP":false,"si":0,"ss":0,"V":"EXPIRE_MAKER","pm":"NONE","gtd":0,"er":"0"}}"#;
        let UserEvent::Order(update) = UserEvent::read(text).unwrap() else { panic!("not an order") };
        assert_eq!(update.order.symbol.as_str(), "币安人生USDT");
        assert_eq!(update.order.execution, ExecutionType::Trade);
        assert_eq!(update.order.fee.unwrap().0.to_string(), "0.00000325");
        assert!(update.order.unknown.0.is_empty() && update.unknown.0.is_empty());
    }

    #[test]
    fn the_place_of_the_name_does_not_matter() {
        let first = r#"{"e":"ACCOUNT_CONFIG_UPDATE","E":2,"T":1,"ac":{"s":"BTCUSDT","l":25}}"#;
        let last = r#"{"E":2,"T":1,"ac":{"s":"BTCUSDT","l":25},"e":"ACCOUNT_CONFIG_UPDATE"}"#;
        assert_eq!(UserEvent::read(first).unwrap(), UserEvent::read(last).unwrap());
        for broken in [r#"{"e":"NEW_THING""#, r#"{"e":"GRID_UPDATE","gu":{}"#, r#"{"e":"serverShutdown","E":}"#] {
            assert!(UserEvent::read(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn combined_frames_are_unwrapped() {
        let text = r#"{"stream":"abc","data":{"e":"ACCOUNT_CONFIG_UPDATE","E":2,"T":1,"ac":{"s":"BTCUSDT","l":25}}}"#;
        let UserEvent::Config(config) = UserEvent::read(text).unwrap() else { panic!("not a config update") };
        assert_eq!(config.leverage.unwrap().leverage, 25);
    }

    #[test]
    fn an_event_of_an_unknown_name_is_kept() {
        assert_eq!(UserEvent::read(r#"{"e":"NEW_THING","E":1}"#).unwrap(), UserEvent::Other(Text::from("NEW_THING")));
        assert_eq!(UserEvent::read(r#"{"e":"GRID_UPDATE","gu":{}}"#).unwrap(), UserEvent::Grid(Text::from("GRID_UPDATE")));
    }

    #[test]
    fn envelopes_do_not_nest() {
        let text = r#"{"event":{"E":1,"e":"eventStreamTerminated"}}"#;
        assert_eq!(UserEvent::read(text).unwrap(), UserEvent::Shutdown(Text::from("eventStreamTerminated")));
        let deep = format!("{}1{}", r#"{"data":"#.repeat(200_000), "}".repeat(200_000));
        assert!(UserEvent::read(&deep).is_err());
    }

    #[test]
    fn every_truncation_of_an_event_is_refused() {
        let text = r#"{"e":"TRADE_LITE","E":1,"T":1,"s":"DOTUSDT","q":"4.9","p":"0.000000","m":false,"c":"x","S":"BUY","L":"1.135900","l":"4.9","t":1190331610,"i":33878894217}"#;
        assert!(matches!(UserEvent::read(text), Ok(UserEvent::Lite(_))));
        for end in 0..text.len() {
            assert!(UserEvent::read(&text[..end]).is_err(), "{}", &text[..end]);
        }
    }

    #[test]
    fn the_listen_key_of_an_expiry_is_not_kept() {
        let event = UserEvent::read(r#"{"e":"listenKeyExpired","E":1736996475556,"listenKey":"WsCMN0a4"}"#).unwrap();
        assert!(!format!("{event:?}").contains("WsCMN0a4"));
    }
}
