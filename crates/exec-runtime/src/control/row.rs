//! An order as one row, of either book, whoever tells of it: the node's own books or the venue. Not what may be done with it.

use super::order_text::{PRICE_MATCHES, SELF_TRADES, word_of};
use exec_core::{
    ids::InstrumentId,
    order::{
        Order,
        intent::{ExchangeMade, ListRole, Owner, Provenance},
    },
    report::{OrderReport, VenueStatus},
    terms::{Intention, LimitPrice, OrderKind, Terms, TimeInForce, TriggerBy},
    units::{PositionSide, Side},
};
use serde::Serialize;

/// Where an order stands. A conditional order and the ordinary order that it becomes are one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Book {
    /// An order without a trigger.
    Ordinary,
    /// Waits for its trigger.
    Conditional,
    /// Its trigger was met: an ordinary order now.
    Triggered,
}

/// What every teller can tell of an order. Words are the exchange's, decimals are text without noughts at their end, absent is unknown or meaningless.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct OrderRow {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// The position that it changes, where ids are wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position_id: Option<String>,
    /// Which book it stands in.
    pub book: Book,
    /// `BUY` or `SELL`.
    pub side: &'static str,
    /// `NET`, `LONG` or `SHORT`.
    pub leg: Option<&'static str>,
    /// `OPEN`, `REDUCE` or `CLOSE_ALL`.
    pub intention: &'static str,
    /// `MARKET`, `LIMIT`, `STOP_MARKET`, ...
    #[serde(rename = "type")]
    pub kind: Option<&'static str>,
    /// `GTC`, `IOC`, `FOK`, `GTX` or `GTD`.
    pub tif: Option<&'static str>,
    /// Venue time in milliseconds until which a `GTD` order stands.
    pub good_till_ms: Option<i64>,
    /// Quantity; none of its own if it closes the whole position.
    pub qty: Option<String>,
    /// Executed of it.
    pub cum_qty: Option<String>,
    /// Limit price.
    pub price: Option<String>,
    /// The level that the venue takes the limit price from.
    pub price_match: Option<&'static str>,
    /// Trigger price.
    pub trigger: Option<String>,
    /// `LAST` or `MARK`.
    pub trigger_by: Option<&'static str>,
    /// Whether it does not trigger while mark and last price are far apart.
    pub price_protect: Option<bool>,
    /// The price from which on a trailing stop follows.
    pub activation: Option<String>,
    /// Whether a trailing stop follows by now.
    pub activated: Option<bool>,
    /// The distance of a trailing stop in percent.
    pub callback_percent: Option<String>,
    /// Which order goes when it would trade with another of this account.
    pub stp: Option<&'static str>,
    /// Made by the exchange itself: `liquidation`, `adl`, `settlement` or `delivery`.
    pub made_by: Option<&'static str>,
}

impl OrderRow {
    /// The row of an order in the node's books.
    pub fn of_order(order: &Order, position_ids: bool) -> Self {
        let asked = &order.intent().terms;
        // The attempt that speaks for the order carries its changes.
        let terms = order.governing().map_or_else(|| asked.clone(), |(_, attempt)| order.terms_of(attempt));
        let book = match (order.is_untriggered(), terms.kind.is_conditional()) {
            (true, _) => Book::Conditional,
            (false, true) => Book::Triggered,
            (false, false) => Book::Ordinary,
        };
        let row = Self::new(&terms.instrument, book, terms.side, Some(terms.leg), terms.intention, position_ids);
        let made_by = match order.intent().provenance {
            Provenance::Exchange(made) => Some(made_word(made)),
            Provenance::Ours | Provenance::Recovered | Provenance::Foreign => None,
        };
        // Of a trailing stop it is the price from which on it follows.
        let figure = order.trigger_price().map(|p| p.get().normalize().to_string());
        let trails = matches!(terms.kind, OrderKind::TrailingStopMarket { .. });
        Self {
            qty: order.qty().map(|q| q.get().normalize().to_string()),
            cum_qty: Some(order.cum_qty().get().normalize().to_string()),
            price: order.price().map(|p| p.get().normalize().to_string()),
            trigger: figure.clone().filter(|_| !trails),
            activation: figure.filter(|_| trails),
            activated: trails.then(|| order.attempts().values().any(|a| a.is_activated())),
            stp: stp_word(&terms),
            made_by,
            ..row.with_kind(&terms.kind)
        }
    }

    /// The row of an order as the venue reports it.
    pub fn of_report(report: &OrderReport, position_ids: bool) -> Self {
        let conditional = report.kind.is_some_and(|kind| kind.is_conditional()) || report.algo_id.is_some();
        let gone = matches!(report.status, VenueStatus::Triggering | VenueStatus::Triggered | VenueStatus::Finished);
        let book = match (conditional, gone || report.order_id.is_some()) {
            (false, _) => Book::Ordinary,
            (true, false) => Book::Conditional,
            (true, true) => Book::Triggered,
        };
        let intention = match (report.close_all, report.reduce_only) {
            (true, _) => Intention::CloseAll,
            (false, true) => Intention::Reduce,
            (false, false) => Intention::Open,
        };
        let row = Self::new(&report.instrument, book, report.side, report.leg, intention, position_ids);
        let row = match &report.kind {
            Some(kind) => row.with_kind(kind),
            None => row,
        };
        Self {
            qty: report.qty.map(|q| q.get().normalize().to_string()),
            cum_qty: report.cum_qty.map(|q| q.get().normalize().to_string()),
            made_by: report.made_by.map(made_word),
            activated: matches!(report.kind, Some(OrderKind::TrailingStopMarket { .. })).then_some(report.activated),
            ..row
        }
    }

    fn new(
        instrument: &InstrumentId,
        book: Book,
        side: Side,
        leg: Option<PositionSide>,
        intention: Intention,
        position_ids: bool,
    ) -> Self {
        Self {
            instrument: instrument.clone(),
            position_id: leg.filter(|_| position_ids).map(|leg| position_id(instrument, leg)),
            book,
            side: side_word(side),
            leg: leg.map(leg_word),
            intention: match intention {
                Intention::Open => "OPEN",
                Intention::Reduce => "REDUCE",
                Intention::CloseAll => "CLOSE_ALL",
            },
            kind: None,
            tif: None,
            good_till_ms: None,
            qty: None,
            cum_qty: None,
            price: None,
            price_match: None,
            trigger: None,
            trigger_by: None,
            price_protect: None,
            activation: None,
            activated: None,
            callback_percent: None,
            stp: None,
            made_by: None,
        }
    }

    fn with_kind(self, kind: &OrderKind) -> Self {
        let by = |by: TriggerBy| match by {
            TriggerBy::Last => "LAST",
            TriggerBy::Mark => "MARK",
        };
        let (trigger_by, price_protect, activation, callback) = match kind {
            OrderKind::Market | OrderKind::Limit { .. } => (None, None, None, None),
            OrderKind::StopMarket { trigger }
            | OrderKind::TakeProfitMarket { trigger }
            | OrderKind::StopLimit { trigger, .. }
            | OrderKind::TakeProfit { trigger, .. } => (Some(by(trigger.by)), Some(trigger.price_protect), None, None),
            OrderKind::TrailingStopMarket { activation, callback_percent, by: watched } => {
                (Some(by(*watched)), None, *activation, Some(callback_percent.normalize().to_string()))
            }
        };
        Self {
            kind: Some(kind.name()),
            tif: kind.time_in_force().map(tif_word),
            good_till_ms: match kind.time_in_force() {
                Some(TimeInForce::Gtd(until)) => Some(until.0),
                _ => None,
            },
            price: kind.price().map(|p| p.get().normalize().to_string()),
            price_match: kind.limit_price().and_then(LimitPrice::matched).and_then(|level| word_of(&PRICE_MATCHES, &level)),
            trigger: kind.trigger_price().map(|p| p.get().normalize().to_string()),
            trigger_by,
            price_protect,
            activation: activation.map(|p| p.get().normalize().to_string()),
            callback_percent: callback,
            ..self
        }
    }
}

/// The name of a position: `BTCUSDT-PERP.BINANCE-LONG`, `-SHORT`, or `-BOTH` in NETTING, as the venue calls its legs.
pub fn position_id(instrument: &InstrumentId, leg: PositionSide) -> String {
    let word = match leg {
        PositionSide::Net => "BOTH",
        PositionSide::Long => "LONG",
        PositionSide::Short => "SHORT",
    };
    format!("{instrument}-{word}")
}

pub(crate) const fn side_word(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

pub(crate) const fn leg_word(leg: PositionSide) -> &'static str {
    match leg {
        PositionSide::Net => "NET",
        PositionSide::Long => "LONG",
        PositionSide::Short => "SHORT",
    }
}

const fn tif_word(tif: TimeInForce) -> &'static str {
    match tif {
        TimeInForce::Gtc => "GTC",
        TimeInForce::Ioc => "IOC",
        TimeInForce::Fok => "FOK",
        TimeInForce::Gtx => "GTX",
        TimeInForce::Gtd(_) => "GTD",
    }
}

fn stp_word(terms: &Terms) -> Option<&'static str> {
    terms.stp.and_then(|stp| word_of(&SELF_TRADES, &stp))
}

const fn made_word(made: ExchangeMade) -> &'static str {
    match made {
        ExchangeMade::Liquidation => "liquidation",
        ExchangeMade::AutoDeleveraging => "adl",
        ExchangeMade::Settlement => "settlement",
        ExchangeMade::Delivery => "delivery",
    }
}

/// How an order came into the books: `ours`, `recovered`, `foreign`, or `exchange:adl` and the like.
pub(super) fn provenance_word(provenance: Provenance) -> String {
    match provenance {
        Provenance::Ours => String::from("ours"),
        Provenance::Recovered => String::from("recovered"),
        Provenance::Foreign => String::from("foreign"),
        Provenance::Exchange(made) => format!("exchange:{}", made_word(made)),
    }
}

/// The part of an order in its list.
pub(super) const fn role_word(role: ListRole) -> &'static str {
    match role {
        ListRole::Entry => "entry",
        ListRole::StopLoss => "stop_loss",
        ListRole::TakeProfit => "take_profit",
        ListRole::OneCancelsOther => "one_cancels_other",
        ListRole::Exit => "exit",
    }
}

/// Who is behind an order.
pub(crate) fn owner_word(owner: &Owner) -> String {
    match owner {
        Owner::Strategy(id) => format!("strategy {id}"),
        Owner::Operator(who) => format!("operator {who}"),
        Owner::External => String::from("external"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exec_core::terms::{PriceMatch, SelfTrade, Trigger};
    use exec_testkit::{fixtures, scenario};

    fn of(terms: Terms) -> serde_json::Value {
        serde_json::to_value(OrderRow::of_order(&Order::new(fixtures::intent(1, terms)), true)).unwrap()
    }
    fn long(kind: OrderKind) -> Terms {
        let terms = fixtures::limit(Side::Sell, fixtures::qty("2"), fixtures::price("90"));
        Terms { kind, leg: PositionSide::Long, intention: Intention::Reduce, ..terms }
    }

    #[test]
    fn a_row_tells_everything_that_was_asked_for() {
        let trigger = Trigger { price: fixtures::price("95"), by: TriggerBy::Mark, price_protect: true };
        let price = LimitPrice::Match(PriceMatch::Opponent5);
        let stop =
            Terms { stp: Some(SelfTrade::ExpireBoth), ..long(OrderKind::StopLimit { trigger, price, tif: TimeInForce::Gtx }) };
        let row = of(stop);
        for (field, wanted) in [
            ("book", "conditional"),
            ("position_id", "BTCUSDT-PERP.BINANCE-LONG"),
            ("type", "STOP_LIMIT"),
            ("tif", "GTX"),
            ("price_match", "OPPONENT_5"),
            ("trigger", "95"),
            ("trigger_by", "MARK"),
            ("stp", "EXPIRE_BOTH"),
            ("leg", "LONG"),
            ("intention", "REDUCE"),
        ] {
            assert_eq!(row[field], wanted, "{field}");
        }
        assert_eq!((&row["price_protect"], &row["price"]), (&true.into(), &serde_json::Value::Null));
        let trail = OrderKind::TrailingStopMarket {
            activation: Some(fixtures::price("120")),
            callback_percent: fixtures::decimal("0.50"),
            by: TriggerBy::Last,
        };
        let row = of(long(trail));
        assert_eq!((&row["activation"], &row["callback_percent"]), (&"120".into(), &"0.5".into()));
    }

    #[test]
    fn a_conditional_order_changes_its_book_at_its_trigger() {
        let book = |scenario: &str| OrderRow::of_order(&scenario::run(scenario).unwrap().order, false).book;
        assert_eq!(book("submit 10 stop@95 sell reduce | algo g1"), Book::Conditional);
        assert_eq!(book("submit 10 stop@95 sell reduce | algo g1 | trigger"), Book::Triggered);
        assert_eq!(book("submit 10 stop@95 sell reduce | algo g1 | ack c1 | fill e1 10@94 sell"), Book::Triggered);
        assert_eq!(book("submit 10 | ack v1"), Book::Ordinary);
    }

    #[test]
    fn a_changed_order_shows_what_it_was_changed_to() {
        let changed = "submit 10 stop@95 sell reduce | algo g1 | replace 8 trigger 96 anew | attempt 8 anew | algo g2 | canceled#1 | replace-ok";
        let row = OrderRow::of_order(&scenario::run(changed).unwrap().order, false);
        assert_eq!((row.trigger.as_deref(), row.qty.as_deref(), row.position_id), (Some("96"), Some("8"), None));
    }
}
