//! Ready-made values for tests: an instrument, a venue's profile, an engine's config, orders. Plain and small; a test changes what it is about.
//!
//! # Panics
//! Functions that read text panic on text that cannot be read: it stands in the test.

use exec_core::{
    cl_ord_id::Tag,
    command::NewOrder,
    engine::config::{EngineConfig, StrategyConfig},
    exposure::Limits,
    ids::{AccountId, Asset, ClOrdId, Epoch, InstrumentId, IntentId, ListId, StrategyId},
    instrument::{Grid, Instrument, TradingStatus},
    order::{
        event::AttemptHeader,
        intent::{Handling, Intent, ListPlace, ListRole, Owner, Provenance},
    },
    terms::{Intention, OrderKind, Terms, TimeInForce, Trigger, TriggerBy},
    time::Timestamp,
    units::{PositionMode, PositionSide, Price, Qty, Side, parse_decimal},
    venue::{Attempt, Fence, VenueProfile},
};
use rust_decimal::Decimal;
use std::{fmt::Display, str::FromStr};

/// A start of an engine.
pub const EPOCH: Epoch = Epoch(1_000_000);

fn read<T: FromStr>(text: &str) -> T
where
    T::Err: Display,
{
    T::from_str(text).unwrap_or_else(|error| panic!("{error}"))
}

/// A number.
pub fn decimal(text: &str) -> Decimal {
    parse_decimal(text).unwrap_or_else(|error| panic!("{error}"))
}
/// A quantity.
pub fn qty(text: &str) -> Qty {
    read(text)
}
/// A price.
pub fn price(text: &str) -> Price {
    read(text)
}
/// A client order id.
pub fn cl_ord_id(text: &str) -> ClOrdId {
    ClOrdId::new(text).unwrap_or_else(|error| panic!("{error}"))
}
/// An asset.
pub fn asset(text: &str) -> Asset {
    Asset::new(text).unwrap_or_else(|error| panic!("{error}"))
}
/// An instrument's id from its symbol: `BTCUSDT` becomes `BTCUSDT-PERP.BINANCE`.
pub fn instrument_id(symbol: &str) -> InstrumentId {
    InstrumentId::new(&format!("{symbol}-PERP.BINANCE")).unwrap_or_else(|error| panic!("{error}"))
}
/// The strategy that owns what these functions make.
pub fn strategy_id() -> StrategyId {
    StrategyId::new("maker").unwrap_or_else(|error| panic!("{error}"))
}

/// A perpetual in USDT: prices in 0.1 from 0.1 to 1,000,000, quantities in 0.001 from 0.001 to 1,000, at least 5 USDT.
pub fn instrument(symbol: &str) -> Instrument {
    let base = symbol.strip_suffix("USDT").unwrap_or(symbol);
    let lot = Grid { min: decimal("0.001"), max: decimal("1000"), step: decimal("0.001") };
    Instrument {
        id: instrument_id(symbol),
        symbol: symbol.to_owned(),
        base: asset(base),
        quote: asset("USDT"),
        settle: asset("USDT"),
        status: TradingStatus::Trading,
        price: Grid { min: decimal("0.1"), max: decimal("1000000"), step: decimal("0.1") },
        lot,
        market_lot: lot,
        notional_min: decimal("5"),
        percent_price: None,
        open_orders_max: Some(200),
        delivery: None,
    }
}

/// A venue that can do everything, with a fence of 2 s and 1 s.
pub fn profile() -> VenueProfile {
    VenueProfile {
        name: "BINANCE",
        fence: Some(Fence { engine_margin_ms: 2_000, visibility_ms: 1_000 }),
        conditional_fence: Some(Fence { engine_margin_ms: 10_000, visibility_ms: 1_000 }),
        replace: true,
        conditional: true,
        modes: &[PositionMode::Netting, PositionMode::Hedging],
        cl_ord_id_max: 36,
        forgets_unfilled_after_ms: 3 * 24 * 3_600 * 1_000,
        batch_max: 0,
        rules: &[],
    }
}

/// An engine with one strategy on `symbols`, wide limits, no start-up delay and a sweep a minute.
pub fn config(mode: PositionMode, symbols: &[&str]) -> EngineConfig {
    let instruments = symbols.iter().map(|s| instrument_id(s)).collect();
    EngineConfig {
        account: AccountId::new("main").unwrap_or_else(|error| panic!("{error}")),
        account_number: 1,
        tag: Tag::new("x").unwrap_or_else(|error| panic!("{error}")),
        mode,
        strategies: vec![StrategyConfig {
            id: strategy_id(),
            instruments,
            external_order_claims: Vec::new(),
            protection: exec_core::engine::config::ProtectionPolicy::Exit,
            time_to_protect_max_ms: 2_000,
        }],
        limits: limits(),
        order_recv_window_ms: 2_000,
        max_retries: 3,
        retry_delay_initial_ms: 100,
        retry_delay_max_ms: 1_000,
        retry_age_ms: 1_000,
        in_doubt_max: 1,
        clock_error_max_ms: 300,
        startup_delay_ms: 0,
        sweep_interval_ms: 60_000,
        reconciliation: true,
        // Prices are told once, and time passes in hours.
        sharing: exec_core::engine::config::Sharing::default(),
        staleness: exec_core::engine::config::Staleness { quote_max_age_ms: 0 },
        differences: exec_core::unequal::DifferenceRules::default(),
        memory: exec_core::engine::config::Memory::default(),
        stream: exec_core::engine::config::StreamCare::OFF,
        breakers: exec_core::engine::breaker::Breakers::OFF,
        bounds: exec_core::limits::Bounds::default(),
        solvency: exec_core::limits::Solvency::default(),
        dead_man: exec_core::engine::config::DeadMan::default(),
    }
}

/// Limits of an account with a million.
pub fn limits() -> Limits {
    Limits {
        order_notional_max: decimal("100000"),
        position_notional_max: decimal("1000000"),
        open_orders_max: 200,
        collar: decimal("0.05"),
    }
}

/// A limit order on `BTCUSDT` that opens a NETTING position, good till cancel.
pub fn limit(side: Side, qty: Qty, price: Price) -> Terms {
    Terms {
        instrument: instrument_id("BTCUSDT"),
        side,
        leg: PositionSide::Net,
        intention: Intention::Open,
        qty: Some(qty),
        kind: OrderKind::Limit { price: price.into(), tif: TimeInForce::Gtc },
        stp: None,
    }
}

/// An attempt as its record says it was, of a limit order for one.
pub fn attempt(cl_ord_id: ClOrdId, header: &AttemptHeader) -> Attempt {
    Attempt {
        cl_ord_id,
        terms: limit(Side::Buy, qty("1"), price("1")),
        timestamp: header.timestamp,
        recv_window_ms: header.recv_window_ms,
        epoch: header.epoch,
        begin_by: header.timestamp,
    }
}

/// A stop on `BTCUSDT` that closes so much of a NETTING position at market.
pub fn stop_market(side: Side, qty: Qty, trigger: Price) -> Terms {
    closing(side, qty, OrderKind::StopMarket { trigger: at(trigger) })
}

/// A take-profit on `BTCUSDT` that closes so much of a NETTING position at market.
pub fn take_profit_market(side: Side, qty: Qty, trigger: Price) -> Terms {
    closing(side, qty, OrderKind::TakeProfitMarket { trigger: at(trigger) })
}

/// A stop on `BTCUSDT` that follows the last price at a distance in percent and closes so much of a NETTING position.
pub fn trailing_stop(side: Side, qty: Qty, callback_percent: Decimal) -> Terms {
    closing(side, qty, OrderKind::TrailingStopMarket { activation: None, callback_percent, by: TriggerBy::Last })
}

/// A bracket: an entry, a stop and a take-profit for what it opens. The orders are named `first` and the two numbers that follow.
pub fn bracket(first: u128, entry: Terms, stop: Price, profit: Price) -> Vec<NewOrder> {
    let (side, qty) = (entry.side.opposite(), entry.qty.unwrap_or_default());
    let mine = |terms: Terms| Terms { instrument: entry.instrument.clone(), leg: entry.leg, ..terms };
    let (stop, profit) = (mine(stop_market(side, qty, stop)), mine(take_profit_market(side, qty, profit)));
    let list = ListId(u64::try_from(first).unwrap_or(u64::MAX));
    let orders = [(ListRole::Entry, entry), (ListRole::StopLoss, stop), (ListRole::TakeProfit, profit)];
    let named = |(number, (role, terms))| NewOrder {
        intent: IntentId(first + number as u128),
        terms,
        handling: Handling::default(),
        list: Some(ListPlace { list, role }),
    };
    orders.into_iter().enumerate().map(named).collect()
}

fn closing(side: Side, qty: Qty, kind: OrderKind) -> Terms {
    Terms { intention: Intention::Reduce, kind, ..limit(side, qty, Price::default()) }
}

fn at(price: Price) -> Trigger {
    Trigger { price, by: TriggerBy::Last, price_protect: false }
}

/// What the strategy asked for at the beginning of time.
pub fn intent(number: u128, terms: Terms) -> Intent {
    Intent {
        id: IntentId(number),
        owner: Owner::Strategy(strategy_id()),
        provenance: Provenance::Ours,
        terms,
        handling: Handling::default(),
        list: None,
        asked: Timestamp(0),
    }
}
