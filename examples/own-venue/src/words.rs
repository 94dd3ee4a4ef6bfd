//! The only place that knows both languages: the paper exchange's lines, and the core's terms and reports.

use crate::{venue::LEG, wire::Line};
use exec_core::{
    ids::{Asset, ClOrdId, InstrumentId, OrderId, TradeId},
    report::{BalanceReport, ExpiryReason, Fee, Fill, OrderReport, PositionReport, TradeReport, VenueStatus},
    terms::{Intention, LimitPrice, OrderKind, TimeInForce},
    time::VenueTime,
    units::{Amount, Side},
    venue::{Attempt, CommandError, OrderRef, RejectClass, Rejection},
};

/// An order in the exchange's words; `None` where it has none for it.
pub(crate) fn new_order(attempt: &Attempt) -> Option<Line> {
    let terms = &attempt.terms;
    if terms.leg != LEG {
        return None;
    }
    let side = if terms.side == Side::Buy { "B" } else { "S" };
    let line = Line::new("NEW").with("id", attempt.cl_ord_id).with("sym", terms.instrument.symbol()).with("side", side);
    let line = line.with("qty", terms.qty?).with("by", attempt.expires().0);
    let line = match terms.intention {
        Intention::Open => line,
        Intention::Reduce => line.with("reduce", 1),
        Intention::CloseAll => return None,
    };
    match terms.kind {
        OrderKind::Market => Some(line.with("tif", "NOW")),
        OrderKind::Limit { price: LimitPrice::At(price), tif } => Some(line.with("limit", price).with("tif", tif_word(tif)?)),
        OrderKind::Limit { price: LimitPrice::Match(_), .. }
        | OrderKind::StopMarket { .. }
        | OrderKind::StopLimit { .. }
        | OrderKind::TakeProfitMarket { .. }
        | OrderKind::TakeProfit { .. }
        | OrderKind::TrailingStopMarket { .. } => None,
    }
}

const fn tif_word(tif: TimeInForce) -> Option<&'static str> {
    match tif {
        TimeInForce::Gtc => Some("DAY"),
        TimeInForce::Ioc => Some("NOW"),
        TimeInForce::Fok => Some("ALL-NOW"),
        TimeInForce::Gtx => Some("POST"),
        TimeInForce::Gtd(_) => None,
    }
}

/// How a request names an order: by the exchange's number if it is known, else by ours.
pub(crate) fn named(word: &str, order: &OrderRef) -> Line {
    match (order.order_id, order.cl_ord_id) {
        (Some(number), _) => Line::new(word).with("no", number),
        (None, Some(id)) => Line::new(word).with("id", id),
        (None, None) => Line::new(word),
    }
}

/// What a refusal means; `None` for one that is not known, which proves nothing.
pub(crate) fn refusal(why: &str) -> Option<CommandError> {
    let (class, code) = match why {
        "LATE" => (RejectClass::Clock, 1),
        "SYMBOL" | "GRID" | "WHAT" => (RejectClass::Invalid, 2),
        "CROSS" => (RejectClass::WouldTake, 3),
        "FLAT" => (RejectClass::NothingToClose, 4),
        "GONE" => (RejectClass::NotOnBook, 5),
        "POOR" => (RejectClass::Funds, 6),
        // The exchange takes each id once: this one is there already.
        "TWICE" => return Some(CommandError::Unknown { why: "the id is there already".into(), live: true }),
        _ => return None,
    };
    Some(CommandError::Rejected(Rejection { class, code, text: why.to_owned() }))
}

fn side(line: &Line) -> Option<Side> {
    match line.text("side")? {
        "B" => Some(Side::Buy),
        "S" => Some(Side::Sell),
        _ => None,
    }
}

/// A line about an order, with the trade if it is about one.
pub(crate) fn order(instrument: &InstrumentId, line: &Line) -> Option<OrderReport> {
    let (qty, done): (exec_core::units::Qty, exec_core::units::Qty) = (line.read("of")?, line.read("done")?);
    let tif = match line.text("tif")? {
        "DAY" => TimeInForce::Gtc,
        "NOW" => TimeInForce::Ioc,
        "ALL-NOW" => TimeInForce::Fok,
        "POST" => TimeInForce::Gtx,
        _ => return None,
    };
    let kind = match line.read::<exec_core::units::Price>("limit") {
        Some(price) => OrderKind::Limit { price: price.into(), tif },
        None => OrderKind::Market,
    };
    let status = match line.text("state")? {
        "OPEN" if done.is_zero() => VenueStatus::New,
        "OPEN" => VenueStatus::PartiallyFilled,
        "DONE" => VenueStatus::Filled,
        "KILLED" => VenueStatus::Canceled,
        "LAPSED" => VenueStatus::Expired(ExpiryReason::NotFillable),
        _ => VenueStatus::Unrecognised,
    };
    Some(OrderReport {
        cl_ord_id: line.text("id").and_then(|id| ClOrdId::new(id).ok()),
        order_id: Some(OrderId::new(line.text("no")?).ok()?),
        algo_id: None,
        instrument: instrument.clone(),
        side: side(line)?,
        leg: Some(LEG),
        status,
        kind: Some(kind),
        qty: Some(qty),
        reduce_only: line.text("reduce").is_some(),
        close_all: false,
        cum_qty: Some(done),
        avg_px: None,
        updated: VenueTime(line.read("at")?),
        created: line.read("made").map(VenueTime),
        fill: fill(line),
        replaced_by: None,
        text: None,
        made_by: None,
        activated: false,
    })
}

fn fill(line: &Line) -> Option<Fill> {
    let cash = |name| line.read::<Amount>(name);
    Some(Fill {
        trade_id: TradeId::new(line.text("trade")?).ok()?,
        price: line.read("px")?,
        qty: line.read("qty")?,
        side: side(line)?,
        maker: line.text("maker")? == "1",
        leg: Some(LEG),
        fee: Some(Fee { amount: cash("fee")?, asset: Asset::new("CASH").ok()? }),
        realized: cash("pnl"),
        at: VenueTime(line.read("at")?),
    })
}

/// A row of the list of trades.
pub(crate) fn trade(instrument: &InstrumentId, line: &Line) -> Option<TradeReport> {
    let order = order(instrument, line)?;
    Some(TradeReport { instrument: order.instrument, cl_ord_id: order.cl_ord_id, order_id: order.order_id?, fill: order.fill? })
}

/// What is held.
pub(crate) fn position(instrument: &InstrumentId, line: &Line) -> Option<PositionReport> {
    Some(PositionReport {
        instrument: instrument.clone(),
        leg: LEG,
        qty: line.read("qty")?,
        entry_px: line.read("avg"),
        mark_px: None,
        liquidation_px: None,
        unrealized: None,
        leverage: None,
        isolated: None,
        margin: exec_core::report::LegMargin::default(),
    })
}

/// The cash.
pub(crate) fn balance(line: &Line) -> Option<BalanceReport> {
    Some(BalanceReport { asset: Asset::new(line.text("ccy")?).ok()?, wallet: line.read("sum")?, available: None })
}
