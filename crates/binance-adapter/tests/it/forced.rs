//! Orders that the exchange makes by itself: told as such, on the right leg, in both modes, however the exchange words them. What
//! the stream and the trade list say of them adds up to the exchange's own legs.

use std::collections::BTreeMap;

use binance_adapter::translate::{Symbols, Tally, report};
use exec_core::{
    order::intent::ExchangeMade,
    report::{Fill, ReportBody, VenueStatus},
    terms::{OrderKind, Terms},
    time::VenueTime,
    units::{PositionSide, Side},
    venue::{ExecutionVenue, ReportFeed, TradesFrom, VenueClock},
};
use rust_decimal::Decimal;

use crate::world::{KEY, World, btc, terms, until};

/// What was traded on the stream, by trade id, with the order's maker.
type Fills = BTreeMap<String, Fill>;

async fn world_with_legs(hedge: bool) -> World {
    let world = if hedge { World::hedging().await } else { World::netting().await };
    let legs: &[(Side, PositionSide, &str)] = if hedge {
        &[(Side::Buy, PositionSide::Long, "0.010"), (Side::Sell, PositionSide::Short, "0.004")]
    } else {
        &[(Side::Buy, PositionSide::Net, "0.010")]
    };
    for (side, leg, qty) in legs {
        world.submit(Terms { leg: *leg, ..terms(&btc(), *side, qty, OrderKind::Market) }).await.unwrap();
    }
    world
}

/// Reads what comes within ten seconds; tells by whom and on which legs orders were made, and what was traded.
async fn made(feed: &mut Box<dyn ReportFeed>) -> (BTreeMap<PositionSide, ExchangeMade>, Fills) {
    let (mut by, mut fills) = (BTreeMap::new(), Fills::new());
    while let Ok(Ok(report)) = tokio::time::timeout(std::time::Duration::from_secs(10), feed.next()).await {
        match report.body {
            ReportBody::Order(order) => {
                if let Some(made_by) = order.made_by {
                    by.insert(order.leg.expect("a leg"), made_by);
                }
                if let Some(fill) = order.fill {
                    fills.insert(fill.trade_id.to_string(), fill);
                }
            }
            ReportBody::Unrecognised { .. } | ReportBody::Unreadable { .. } => panic!("{:?}", report.body),
            _ => {}
        }
    }
    (by, fills)
}

/// The legs as the fills of the trade list make them, against those of the exchange.
async fn assert_legs(world: &World, case: &str) {
    let now = world.venue.read_clock().await.unwrap().venue_time((world.now)());
    let since = VenueTime(now.0 - 3_600_000);
    let trades = world.venue.trades_since(&btc(), TradesFrom::Time(since)).await.unwrap();
    let mut legs: BTreeMap<PositionSide, Decimal> = BTreeMap::new();
    for trade in &trades.trades {
        let sign = if trade.fill.side == Side::Buy { Decimal::ONE } else { Decimal::NEGATIVE_ONE };
        *legs.entry(trade.fill.leg.expect("a leg")).or_default() += sign * trade.fill.qty.get();
    }
    for (leg, sum) in legs {
        let truth = world.face.ledger(KEY).unwrap().positions;
        let truth: Decimal = truth
            .iter()
            .filter(|row| {
                let row_leg = format!("{:?}", row.position_side);
                row_leg == format!("{leg:?}") || (leg == PositionSide::Net && row_leg == "Both")
            })
            .map(|row| row.amount)
            .sum();
        assert_eq!(sum, truth, "{case} {leg:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_liquidation_is_told_as_one_in_each_way_of_telling_it() {
    for hedge in [false, true] {
        for style in ["plain", "unannounced", "legacy"] {
            let case = format!("hedge {hedge}, {style}");
            let world = world_with_legs(hedge).await;
            world.door("forced", &format!(r#"{{"style":"{style}"}}"#));
            let mut feed = world.venue.open_feed().await.unwrap();
            world.door("liquidate", &format!(r#"{{"key":"{KEY}"}}"#));
            let (by, fills) = made(&mut feed).await;
            let legs: &[PositionSide] = if hedge { &[PositionSide::Long, PositionSide::Short] } else { &[PositionSide::Net] };
            assert_eq!(by, legs.iter().map(|leg| (*leg, ExchangeMade::Liquidation)).collect(), "{case}");
            assert!(!fills.is_empty() && fills.values().all(|fill| fill.leg.is_some()), "{case}");
            assert!(world.venue.positions(&[btc()]).await.unwrap().iter().all(|leg| leg.qty.is_zero()), "{case}");
            assert_legs(&world, &case).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deleveraging_takes_the_leg_it_names() {
    for (hedge, leg, word, left) in [
        (false, PositionSide::Net, "BOTH", "0.004"),
        (true, PositionSide::Long, "LONG", "0.004"),
        (true, PositionSide::Short, "SHORT", "0.000"),
    ] {
        let case = format!("hedge {hedge} {word}");
        let world = world_with_legs(hedge).await;
        let mut feed = world.venue.open_feed().await.unwrap();
        let quantity = if leg == PositionSide::Short { "0.004" } else { "0.006" };
        let side = if hedge { format!(r#","position_side":"{word}""#) } else { String::new() };
        world.door("adl", &format!(r#"{{"key":"{KEY}","symbol":"BTCUSDT","quantity":"{quantity}"{side}}}"#));
        let (by, fills) = made(&mut feed).await;
        assert_eq!(by, [(leg, ExchangeMade::AutoDeleveraging)].into(), "{case}");
        let traded: Decimal = fills.values().map(|fill| fill.qty.get()).sum();
        assert_eq!(traded, quantity.parse::<Decimal>().unwrap(), "{case}");
        let held = world.venue.positions(&[btc()]).await.unwrap();
        let held = held.iter().find(|row| row.leg == leg).map_or(Decimal::ZERO, |row| row.qty.get());
        assert_eq!(held, left.parse::<Decimal>().unwrap(), "{case}");
        assert_legs(&world, &case).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_symbol_that_ends_takes_its_positions_along() {
    for (delivery, why) in [(false, ExchangeMade::Settlement), (true, ExchangeMade::Delivery)] {
        for hedge in [false, true] {
            let world = world_with_legs(hedge).await;
            let mut feed = world.venue.open_feed().await.unwrap();
            world.door("settle", &format!(r#"{{"symbol":"BTCUSDT","delivery":{delivery}}}"#));
            let (by, _) = made(&mut feed).await;
            assert!(!by.is_empty() && by.values().all(|made_by| *made_by == why), "{delivery} {hedge}: {by:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_of_ours_is_never_taken_for_the_exchanges() {
    let world = World::netting().await;
    let mut feed = world.venue.open_feed().await.unwrap();
    world.submit(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await.unwrap();
    let seen = until(&mut feed, |body| matches!(body, ReportBody::Order(o) if o.status == VenueStatus::Filled)).await;
    assert!(seen.iter().all(|report| !matches!(&report.body, ReportBody::Order(order) if order.made_by.is_some())));
}

/// An event about an order of the exchange, worded as it may be.
fn event(id: &str, order_type: &str, execution: &str, status: &str, last: &str, trade: u64) -> String {
    format!(
        r#"{{"e":"ORDER_TRADE_UPDATE","T":1000,"E":1001,"o":{{"s":"BTCUSDT","c":"{id}","S":"SELL","o":"{order_type}","f":"IOC","q":"{last}","p":"0","ap":"0","x":"{execution}","X":"{status}","i":7,"l":"{last}","z":"{last}","L":"90","T":999,"t":{trade},"m":false,"ps":"LONG"}}}}"#
    )
}

#[test]
fn every_wording_of_an_order_of_the_exchange_is_known() {
    use ExchangeMade::{AutoDeleveraging, Delivery, Liquidation, Settlement};
    let (symbols, tally) = (Symbols::default(), Tally::default());
    for (id, order_type, execution, status, last, trade, made_by) in [
        ("autoclose-1596107620040000020", "LIMIT", "NEW", "NEW", "0", 0, Some(Liquidation)),
        ("autoclose-1596107620040000020", "LIMIT", "TRADE", "FILLED", "1", 5, Some(Liquidation)),
        ("autoclose-1596107620040000020", "LIQUIDATION", "CALCULATED", "NEW", "0", 0, Some(Liquidation)),
        ("autoclose-1596107620040000020", "LIQUIDATION", "CALCULATED", "NEW_INSURANCE", "1", 0, Some(Liquidation)),
        ("adl_autoclose", "LIMIT", "NEW", "NEW", "0", 0, Some(AutoDeleveraging)),
        ("adl_autoclose-17", "LIQUIDATION", "CALCULATED", "NEW_ADL", "1", 6, Some(AutoDeleveraging)),
        ("settlement_autoclose-1", "MARKET", "TRADE", "FILLED", "1", 7, Some(Settlement)),
        ("delivery_autoclose-1", "MARKET", "TRADE", "FILLED", "1", 8, Some(Delivery)),
        // Without the prefix that is documented.
        ("web_abc", "LIQUIDATION", "NEW", "NEW", "0", 0, Some(Liquidation)),
        ("web_abc", "LIMIT", "CALCULATED", "FILLED", "1", 9, Some(Liquidation)),
        ("web_autoclose-1", "LIMIT", "TRADE", "FILLED", "1", 9, None),
    ] {
        let text = event(id, order_type, execution, status, last, trade);
        let ReportBody::Order(order) = report(&symbols, &tally, &text).body else { panic!("{text}") };
        assert_eq!((order.made_by, order.leg), (made_by, Some(PositionSide::Long)), "{text}");
        assert_eq!(order.fill.is_some(), trade > 0, "{text}");
        assert_eq!(order.cum_qty.unwrap().to_string(), last, "{text}");
    }
    assert!(tally.counts().is_empty(), "{:?}", tally.counts());
}
