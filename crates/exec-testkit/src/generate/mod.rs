//! Generators for property tests: terms, orders with a history that a venue could have had, and facts that fit nothing. No oracle but
//! the truth that each history carries.

mod anything;
mod history;

pub use anything::any_event;
pub use history::{History, arrival, ended_history, history};

use crate::fixtures;
use exec_core::{
    terms::{Intention, OrderKind, Terms, TimeInForce, Trigger, TriggerBy},
    time::VenueTime,
    units::{PositionSide, Price, Qty, Side},
};
use proptest::{prelude::*, sample::select};
use rust_decimal::Decimal;

/// How many cases a property runs: `few`, unless `PROPTEST_CASES` asks for another number.
pub fn cases(few: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(few)
}

/// Either side.
pub fn side() -> impl Strategy<Value = Side> {
    select(vec![Side::Buy, Side::Sell])
}

/// A quantity of `lots` thousandths.
pub(crate) fn lots(lots: u32) -> Qty {
    Qty::new(Decimal::new(i64::from(lots), 3)).unwrap_or_default()
}

/// A price of `ticks` tenths.
pub(crate) fn ticks(ticks: u32) -> Price {
    Price::new(Decimal::new(i64::from(ticks), 1)).unwrap_or_default()
}

/// Every way an order can ask to be executed, around a price of 100.
pub fn kind() -> impl Strategy<Value = OrderKind> {
    let tif = select(vec![
        TimeInForce::Gtc,
        TimeInForce::Ioc,
        TimeInForce::Fok,
        TimeInForce::Gtx,
        TimeInForce::Gtd(VenueTime(1_900_000_000_000)),
    ]);
    let by = select(vec![TriggerBy::Last, TriggerBy::Mark]);
    (0_u8..7, 900_u32..1_100, 900_u32..1_100, tif, by, any::<bool>()).prop_map(
        |(which, price, trigger, tif, by, price_protect)| {
            let (price, trigger) = (ticks(price), Trigger { price: ticks(trigger), by, price_protect });
            match which {
                0 => OrderKind::Market,
                1 => OrderKind::Limit { price: price.into(), tif },
                2 => OrderKind::StopMarket { trigger },
                3 => OrderKind::StopLimit { trigger, price: price.into(), tif },
                4 => OrderKind::TakeProfitMarket { trigger },
                5 => OrderKind::TakeProfit { trigger, price: price.into(), tif },
                _ => OrderKind::TrailingStopMarket { activation: Some(price), callback_percent: Decimal::ONE, by },
            }
        },
    )
}

/// Terms of orders that open or reduce, in the leg given, not all of which a venue would take.
pub fn terms(leg: PositionSide) -> impl Strategy<Value = Terms> {
    let intention = select(vec![Intention::Open, Intention::Open, Intention::Reduce]);
    (side(), kind(), intention, 1_u32..10_000).prop_map(move |(side, kind, intention, qty)| Terms {
        instrument: fixtures::instrument_id("BTCUSDT"),
        side,
        leg,
        intention,
        qty: Some(lots(qty)),
        kind,
        stp: None,
    })
}
