//! Every order that can be asked for, along the axes that decide whether it is taken.

use exec_core::{
    ids::InstrumentId,
    terms::{Intention, LimitPrice, OrderKind, PriceMatch, SelfTrade, Terms, TimeInForce, Trigger, TriggerBy},
    time::VenueTime,
    units::{PositionSide, Price, Qty, Side},
};

use super::market::{Who, d};

pub(super) const LEVELS: [PriceMatch; 8] = [
    PriceMatch::Opponent,
    PriceMatch::Opponent5,
    PriceMatch::Opponent10,
    PriceMatch::Opponent20,
    PriceMatch::Queue,
    PriceMatch::Queue5,
    PriceMatch::Queue10,
    PriceMatch::Queue20,
];

/// On the grid of every type.
pub(super) const GOOD_QTY: &str = "0.010";

/// Missing, zero, below, worth too little, on one grid and not on the other, off both, too precise, above one maximum, above both.
pub(super) const QUANTITIES: [Option<&str>; 12] = [
    None,
    Some("0"),
    Some("0.001"),
    Some("0.002"),
    Some("0.005"),
    Some("0.010"),
    Some("0.012"),
    Some("0.015"),
    Some("0.0105"),
    Some("0.011"),
    Some("105.000"),
    Some("1002.000"),
];

pub(super) fn price(text: &str) -> Price {
    text.parse().unwrap()
}

pub(super) fn at(text: &str) -> LimitPrice {
    LimitPrice::At(price(text))
}

pub(super) fn gtd(until: i64) -> TimeInForce {
    TimeInForce::Gtd(VenueTime(until))
}

pub(super) fn trigger(text: &str, by: TriggerBy, price_protect: bool) -> Trigger {
    Trigger { price: price(text), by, price_protect }
}

/// An order to open a net position of the good quantity.
pub(super) fn opening(instrument: &InstrumentId, side: Side, kind: OrderKind) -> Terms {
    Terms {
        instrument: instrument.clone(),
        side,
        leg: PositionSide::Net,
        intention: Intention::Open,
        qty: Some(GOOD_QTY.parse().unwrap()),
        kind,
        stp: None,
    }
}

/// Inside, at each edge and outside of everything that bounds a price.
fn limit_prices() -> Vec<LimitPrice> {
    let said = [
        "59000",
        "59999.9",
        "60000",
        "60000.1",
        "61000",
        "63000",
        "63000.1",
        "57000",
        "56999.9",
        "59000.05",
        "59000.055",
        "0",
        "0.05",
        "0.1",
        "6000000",
        "6000000.1",
    ];
    said.into_iter().map(at).chain(LEVELS.map(LimitPrice::Match)).collect()
}

fn times(now: i64) -> Vec<TimeInForce> {
    let mut times = vec![TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok, TimeInForce::Gtx];
    let ends = [
        now + 601_000,
        now + 600_999,
        now + 600_000,
        now + 86_400_000,
        now - 1,
        0,
        -1,
        253_402_300_798_999,
        253_402_300_799_000,
        i64::MAX,
    ];
    times.extend(ends.map(gtd));
    times
}

fn triggers() -> Vec<Trigger> {
    let mut triggers = vec![trigger("60000", TriggerBy::Mark, false)];
    for by in [TriggerBy::Last, TriggerBy::Mark] {
        for protect in [false, true] {
            for price in ["59000", "59999.9", "60000.1", "61000", "59000.05", "59000.055", "0", "0.1", "6000000.1"] {
                triggers.push(trigger(price, by, protect));
            }
        }
    }
    triggers
}

/// All types with all that belongs to them.
pub(super) fn kinds(now: i64) -> Vec<OrderKind> {
    let mut kinds = vec![OrderKind::Market];
    for price in limit_prices() {
        kinds.extend(times(now).into_iter().map(|tif| OrderKind::Limit { price, tif }));
    }
    for trigger in triggers() {
        kinds.extend([OrderKind::StopMarket { trigger }, OrderKind::TakeProfitMarket { trigger }]);
    }
    // Edges of the bands around both triggers, each one tick inside and outside.
    let said = ["59000", "61950", "61950.1", "56050", "56049.9", "64050", "64050.1", "57950", "57949.9", "59000.05", "0"];
    let prices: Vec<_> = said.into_iter().map(at).chain(LEVELS.map(LimitPrice::Match)).collect();
    let short = [TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok, TimeInForce::Gtx];
    let times: Vec<_> = short.into_iter().chain([now + 601_000, now + 600_000, 253_402_300_799_000].map(gtd)).collect();
    for by in [TriggerBy::Last, TriggerBy::Mark] {
        for price_at in ["59000", "61000", "59000.05"] {
            let trigger = trigger(price_at, by, false);
            for price in &prices {
                for tif in &times {
                    let (price, tif) = (*price, *tif);
                    kinds.extend([OrderKind::StopLimit { trigger, price, tif }, OrderKind::TakeProfit { trigger, price, tif }]);
                }
            }
        }
    }
    let activations = [
        None,
        Some("59000"),
        Some("59999.9"),
        Some("60000.1"),
        Some("61000"),
        Some("59000.05"),
        Some("0"),
        Some("0.05"),
        Some("6000000.1"),
    ];
    for activation in activations {
        for callback in ["0", "0.09", "0.1", "0.25", "1", "10", "20", "20.1"] {
            for by in [TriggerBy::Last, TriggerBy::Mark] {
                kinds.push(OrderKind::TrailingStopMarket {
                    activation: activation.map(price),
                    callback_percent: d(callback),
                    by,
                });
            }
        }
    }
    kinds
}

/// One of each type, in order, for the axes that have nothing to do with prices. Each for both sides.
pub(super) fn plain_kinds(side: Side) -> Vec<OrderKind> {
    let (against, with) = match side {
        Side::Buy => ("61000", "59000"),
        Side::Sell => ("59000", "61000"),
    };
    let stop = trigger(against, TriggerBy::Mark, false);
    let profit = trigger(with, TriggerBy::Mark, false);
    let tif = TimeInForce::Gtc;
    let mut kinds = vec![
        OrderKind::Market,
        OrderKind::Limit { price: at(with), tif },
        OrderKind::Limit { price: LimitPrice::Match(PriceMatch::Queue5), tif },
        OrderKind::StopMarket { trigger: stop },
        OrderKind::StopLimit { trigger: stop, price: at(against), tif },
        OrderKind::StopLimit { trigger: stop, price: LimitPrice::Match(PriceMatch::Opponent), tif },
        OrderKind::TakeProfitMarket { trigger: profit },
        OrderKind::TakeProfit { trigger: profit, price: at(with), tif },
        OrderKind::TakeProfit { trigger: profit, price: LimitPrice::Match(PriceMatch::Queue), tif },
    ];
    for activation in [None, Some(price(with))] {
        kinds.push(OrderKind::TrailingStopMarket { activation, callback_percent: d("1"), by: TriggerBy::Mark });
    }
    kinds
}

/// Who may ask, for which leg, with which side and intention.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stance {
    pub(super) who: Who,
    pub(super) leg: PositionSide,
    pub(super) side: Side,
    pub(super) intention: Intention,
}

/// All of them, legs that the mode does not have included.
pub(super) fn stances() -> Vec<Stance> {
    let mut stances = Vec::new();
    for who in Who::ALL {
        let legs: &[PositionSide] = match who {
            Who::NetFlat | Who::HedgeFlat => &[PositionSide::Net, PositionSide::Long, PositionSide::Short],
            Who::NetLong | Who::NetShort => &[PositionSide::Net],
            Who::HedgeBoth => &[PositionSide::Long, PositionSide::Short],
        };
        for leg in legs {
            for side in [Side::Buy, Side::Sell] {
                for intention in [Intention::Open, Intention::Reduce, Intention::CloseAll] {
                    stances.push(Stance { who, leg: *leg, side, intention });
                }
            }
        }
    }
    stances
}

impl Stance {
    /// The order of this stance, with the quantity that its intention asks for.
    pub(super) fn terms(self, instrument: &InstrumentId, kind: OrderKind) -> Terms {
        let qty = match self.intention {
            Intention::Open | Intention::Reduce => Some(GOOD_QTY.parse::<Qty>().unwrap()),
            Intention::CloseAll => None,
        };
        Terms { leg: self.leg, intention: self.intention, qty, ..opening(instrument, self.side, kind) }
    }

    /// Whether the account's mode has the leg.
    pub(super) fn exists(self) -> bool {
        self.who.mode().has(self.leg)
    }
}

/// What may be said about orders of one owner.
pub(super) const SELF_TRADES: [Option<SelfTrade>; 4] =
    [None, Some(SelfTrade::ExpireTaker), Some(SelfTrade::ExpireMaker), Some(SelfTrade::ExpireBoth)];
