//! Everything the venue holds: instruments, mass status at a consistent cut, trades page by page.

use std::time::Duration;

use exchange_sim::face::RequestFault;
use exec_core::{
    ids::{InstrumentId, TradeId},
    terms::{OrderKind, TimeInForce},
    time::VenueTime,
    units::{PositionMode, PositionSide, Side},
    venue::{ExecutionVenue, TradesFrom, VenueClock},
};

use crate::world::{KEY, World, btc, chinese, limit, terms};

#[tokio::test(start_paused = true)]
async fn instruments_have_their_grids() {
    let world = World::netting().await;
    let instruments = world.venue.instruments().await.unwrap();
    let chinese = instruments.iter().find(|i| i.id == chinese()).expect("the chinese symbol");
    assert_eq!(chinese.symbol, "币安人生USDT");
    for instrument in &instruments {
        assert!(!instrument.price.step.is_zero() && !instrument.lot.step.is_zero(), "{instrument:?}");
        assert!(!instrument.notional_min.is_zero() && instrument.percent_price.is_some(), "{instrument:?}");
    }
    assert!(instruments.len() >= 4);
}

#[tokio::test(start_paused = true)]
async fn mass_status_of_netting_equals_the_books_of_the_exchange() {
    let world = World::netting().await;
    world.submit(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await.unwrap();
    world.submit(terms(&btc(), Side::Sell, "0.004", OrderKind::Market)).await.unwrap();
    world.submit(terms(&chinese(), Side::Sell, "1000", limit("9999", TimeInForce::Gtc))).await.ok();
    let status = world.venue.mass_status(&[btc(), chinese()]).await.unwrap();
    let ledger = world.face.ledger(KEY).unwrap();
    assert_eq!(status.mode, PositionMode::Netting);
    let held = status.positions.iter().find(|p| p.instrument == btc()).unwrap();
    assert_eq!((held.qty.get(), held.leg), (ledger.positions[0].amount, PositionSide::Net));
    let flat = status.positions.iter().find(|p| p.instrument == chinese()).unwrap();
    assert!(flat.qty.is_zero());
    for wallet in &ledger.wallets {
        let balance = status.balances.iter().find(|b| b.asset.as_str() == &*wallet.asset).unwrap();
        assert_eq!(balance.wallet.get(), wallet.balance);
    }
    let newest = ledger.trades.iter().map(|trade| trade.id).max().unwrap();
    let water: Vec<_> = status.high_water.iter().find(|(id, _)| *id == btc()).into_iter().collect();
    assert_eq!(water[0].1, Some(TradeId::from_number(newest.try_into().unwrap())));
    assert_eq!(status.high_water.iter().find(|(id, _)| *id == chinese()).unwrap().1, None);
}

#[tokio::test(start_paused = true)]
async fn mass_status_of_hedging_has_both_legs() {
    let world = World::hedging().await;
    for (side, leg, qty) in [(Side::Buy, PositionSide::Long, "0.010"), (Side::Sell, PositionSide::Short, "0.010")] {
        let mut terms = terms(&btc(), side, qty, OrderKind::Market);
        terms.leg = leg;
        world.submit(terms).await.unwrap();
    }
    let status = world.venue.mass_status(&[btc(), chinese()]).await.unwrap();
    assert_eq!(status.mode, PositionMode::Hedging);
    let leg = |leg| status.positions.iter().find(|p| p.instrument == btc() && p.leg == leg).unwrap().qty.to_string();
    assert_eq!((leg(PositionSide::Long).as_str(), leg(PositionSide::Short).as_str()), ("0.010", "-0.010"));
    let flat: Vec<_> = status.positions.iter().filter(|p| p.instrument == chinese()).map(|p| p.leg).collect();
    assert_eq!(flat, [PositionSide::Long, PositionSide::Short]);
}

#[tokio::test(start_paused = true)]
async fn a_trade_between_two_readings_makes_them_be_read_again() {
    let world = World::netting().await;
    world.by_hand("BUY", "0.010");
    // The answer with the old position is on its way while the next trade happens.
    world.fault("GET", "/fapi/v3/positionRisk", RequestFault::DelayResponse(500));
    let (status, ()) = tokio::join!(world.venue.mass_status(&[]), async {
        tokio::time::sleep(Duration::from_millis(250)).await;
        world.by_hand("BUY", "0.005");
    });
    let status = status.unwrap();
    assert_eq!(status.positions[0].qty.to_string(), "0.015");
    let newest = world.face.ledger(KEY).unwrap().trades.iter().map(|trade| trade.id).max().unwrap();
    assert_eq!(status.high_water[0].1, Some(TradeId::from_number(newest.try_into().unwrap())));
}

/// It is in no list of orders and of positions, and nobody asks for it.
#[tokio::test(start_paused = true)]
async fn a_symbol_that_was_traded_and_closed_is_found() {
    let world = World::netting().await;
    world.by_hand("BUY", "0.010");
    world.by_hand("SELL", "0.010");
    let newest = world.face.ledger(KEY).unwrap().trades.iter().map(|trade| trade.id).max().unwrap();
    for _ in 0..2 {
        let status = world.venue.mass_status(&[chinese()]).await.unwrap();
        let water = status.high_water.iter().find(|(id, _)| *id == btc());
        assert_eq!(water.unwrap().1, Some(TradeId::from_number(newest.try_into().unwrap())));
        // An answer may be thrown away, so it is found again for a while.
    }
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    world.venue.mass_status(&[chinese()]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    let status = world.venue.mass_status(&[chinese()]).await.unwrap();
    assert!(!status.high_water.iter().any(|(id, _)| *id == btc()), "it is asked for for ever");
}

#[tokio::test(start_paused = true)]
async fn a_full_page_of_trades_is_never_the_end() {
    let world = World::netting().await;
    let start = world.venue.read_clock().await.unwrap().venue_time((world.now)());
    // 1,100 trades, many of them in one millisecond of the paused clock, made by hand so that no order count stands in the way.
    for n in 0..1_100 {
        world.by_hand(if n % 2 == 0 { "BUY" } else { "SELL" }, "0.002");
    }
    let truth: Vec<_> = world.face.ledger(KEY).unwrap().trades.iter().map(|t| t.id.to_string()).collect();
    assert!(truth.len() >= 1_100);
    let all = world.venue.trades_since(&btc(), TradesFrom::Time(start)).await.unwrap();
    let ids = |trades: &[exec_core::report::TradeReport]| -> Vec<String> {
        trades.iter().map(|t| t.fill.trade_id.to_string()).collect()
    };
    assert!(all.complete);
    assert_eq!(ids(&all.trades), truth);
    let after = TradeId::new(&truth[49]).unwrap();
    let rest = world.venue.trades_since(&btc(), TradesFrom::After(after)).await.unwrap();
    assert_eq!(ids(&rest.trades), truth[50..]);
    let none = world.venue.trades_since(&btc(), TradesFrom::After(TradeId::new(truth.last().unwrap()).unwrap())).await.unwrap();
    assert!(none.complete && none.trades.is_empty());
    let status = world.venue.mass_status(&[btc()]).await.unwrap();
    assert_eq!(status.high_water[0].1, Some(TradeId::new(truth.last().unwrap()).unwrap()));
}

#[tokio::test(start_paused = true)]
async fn trades_older_than_the_venue_keeps_are_not_claimed_complete() {
    let world = World::netting().await;
    let ages_ago = world.venue.trades_since(&btc(), TradesFrom::Time(VenueTime(0))).await.unwrap();
    assert!(!ages_ago.complete && ages_ago.trades.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_instrument_that_the_venue_lists_no_more_does_not_hide_the_others() {
    let world = World::netting().await;
    world.submit(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await.unwrap();
    let gone = InstrumentId::new("GONEUSDT-PERP.BINANCE").unwrap();
    let status = world.venue.mass_status(&[btc(), gone.clone()]).await.unwrap();
    assert_eq!(status.high_water.iter().find(|(id, _)| *id == gone).unwrap().1, None);
    assert_eq!(status.positions.iter().find(|p| p.instrument == btc()).unwrap().qty.to_string(), "0.010");
}
