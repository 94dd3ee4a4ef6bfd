//! Brackets beside each other, beside a hand, and over a crash that took a record.

use crate::pair::{Pair, btc};
use exchange_sim::config::AlgoConfig;
use exec_core::{
    command::Command,
    ids::IntentId,
    report::VenueStatus,
    terms::{Intention, OrderKind, Terms, TimeInForce},
    units::{PositionMode, PositionSide, Qty, Side},
};
use exec_testkit::fixtures::{bracket, decimal, qty};
use rust_decimal::Decimal;

const MODES: [(PositionMode, PositionSide); 2] =
    [(PositionMode::Netting, PositionSide::Net), (PositionMode::Hedging, PositionSide::Long)];

fn entry(leg: PositionSide, amount: &str, kind: OrderKind) -> Terms {
    Terms { instrument: btc(), side: Side::Buy, leg, intention: Intention::Open, qty: Some(qty(amount)), kind, stp: None }
}

/// A bracket whose orders are `first` and the two that follow.
fn placed(pair: &mut Pair, first: u128, entry: Terms) {
    let orders = bracket(first, entry, pair.price(950), pair.price(1_060));
    pair.command(Command::SubmitList(orders));
}

/// What stops of ours at the venue would close, in all.
fn stopped(pair: &mut Pair, only_stops: bool) -> (usize, Decimal) {
    let now = pair.now_ms;
    let open = pair.desk.mass_status(now, &[btc()]).expect("a status").open_orders;
    let stops: Vec<Decimal> = open
        .into_iter()
        .filter(|o| o.status == VenueStatus::New && o.side == Side::Sell)
        .filter(|o| !only_stops || matches!(o.kind, Some(OrderKind::StopMarket { .. })))
        .map(|o| o.qty.map(Qty::get).unwrap_or_default())
        .collect();
    (stops.len(), stops.iter().sum())
}

/// The entry fills, its stop leaves at once, and the power goes before the disk has either.
#[test]
fn a_stop_that_left_and_was_not_recorded_is_not_placed_twice() {
    for (mode, leg) in MODES {
        for down_ms in [200, 5_000] {
            let mut pair = Pair::new(mode, AlgoConfig::default());
            let kind = OrderKind::Limit { price: pair.price(990).into(), tif: TimeInForce::Gtc };
            placed(&mut pair, 100, entry(leg, "0.030", kind));
            pair.wait(500);
            pair.lose_records();
            pair.move_to(985);
            pair.wait(300);
            let what = format!("{mode:?} down for {down_ms} ms");
            assert_eq!(stopped(&mut pair, false).0, 2, "{what}: both have left");
            pair.restart_after(down_ms);
            pair.wait(20_000);
            assert_eq!(pair.held(leg).get(), decimal("0.030"), "{what}");
            assert_eq!(stopped(&mut pair, false), (2, decimal("0.060")), "{what}: a stop and a take-profit, once each");
            assert!(pair.engine.protection(&btc(), leg).uncovered.is_zero(), "{what}");
            assert!(pair.order(IntentId(101)).attempts().values().any(|a| a.seen_at_venue()), "{what}: it is the bracket's");
            pair.agree(&what);
            // And the bracket is still one: its stop takes the profit away.
            pair.move_to(940);
            pair.wait(5_000);
            assert!(pair.held(leg).is_zero(), "{what}");
            assert_eq!(stopped(&mut pair, false).0, 0, "{what}");
        }
    }
}
