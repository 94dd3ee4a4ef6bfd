//! Changes of a resting order, held against the exchange: grid, bounds, notional and band count as for a new order.

use binance_adapter::rules::CoreCheck;
use exchange_sim::request::{ModifyOrder, OrderRef};
use exec_core::{
    order::event::LiveTerms,
    pretrade::check_change,
    terms::{Intention, OrderKind, Terms, TimeInForce},
    units::{PositionSide, Side},
};

use super::{
    market::{Market, SYMBOL, Who, d},
    orders::{at, opening, price},
    said::{Said, said},
};

#[test]
fn what_a_change_asks_for_is_judged_as_the_venue_does() {
    let prices = ["58000", "58000.05", "58000.055", "0", "6000000.1", "63000", "63000.1", "57000", "56999.9", "62000"];
    let quantities = ["0.010", "0.008", "0.001", "0.003", "0.0105", "0.006", "999.998", "1000", "1002"];
    let (mut taken, mut refused) = (0, 0);
    for (who, side, leg, resting) in [
        (Who::NetFlat, Side::Buy, PositionSide::Net, "59000"),
        (Who::NetFlat, Side::Sell, PositionSide::Net, "61000"),
        (Who::HedgeFlat, Side::Buy, PositionSide::Long, "59000"),
        (Who::HedgeFlat, Side::Sell, PositionSide::Short, "61000"),
    ] {
        for new_price in prices {
            for new_qty in quantities {
                let mut market = Market::still();
                let kind = OrderKind::Limit { price: at(resting), tif: TimeInForce::Gtc };
                let terms = Terms { leg, intention: Intention::Open, ..opening(&market.instrument.id, side, kind) };
                let Said::Ordinary(order) = said(&terms) else { panic!("a LIMIT is no conditional order") };
                let account = market.account(who);
                let placed = market.exchange.place(market.now, account, &order).unwrap().settled;
                let new = LiveTerms { qty: new_qty.parse().unwrap(), price: Some(price(new_price)), trigger: None };
                let ours = check_change(&market.instrument, &terms, &new, market.quote().reference()).err();
                let change = ModifyOrder {
                    symbol: SYMBOL.to_owned(),
                    order: OrderRef::id(placed.order_id),
                    side: placed.side,
                    quantity: Some(d(new_qty)),
                    price: Some(d(new_price)),
                    price_match: None,
                    modify_id: None,
                    reduce_only: None,
                    signed: None,
                };
                let theirs = market.exchange.modify(market.now, account, &change).err();
                let what = format!("{who:?} {side:?} to {new_qty} at {new_price}: we say {ours:?}, the exchange {theirs:?}");
                assert_eq!(ours.is_some(), theirs.is_some(), "{what}");
                let Some((ours, theirs)) = ours.zip(theirs) else {
                    taken += 1;
                    continue;
                };
                refused += 1;
                // A change too small has a code of its own; of several faults each side names its first.
                let named = CoreCheck::of(&ours).is_some_and(|check| check.codes.contains(&i64::from(theirs.code)));
                let of_core = binance_adapter::rules::CORE.iter().any(|check| check.codes.contains(&i64::from(theirs.code)));
                assert!(named || of_core || theirs.code == -5029, "{what}");
            }
        }
    }
    assert!(taken > 20 && refused > 200, "taken {taken}, refused {refused}");
}
