//! Trades over several pages: none falls between two of them.

use exchange_sim::AccountSpec;
use exec_core::{
    ids::TradeId,
    terms::TimeInForce,
    time::VenueTime,
    units::Side,
    venue::{ExecutionVenue, TradesFrom},
};

use crate::world::{KEY, World, btc, limit, terms};

#[tokio::test(start_paused = true)]
async fn both_sides_of_a_trade_with_oneself_are_read_where_a_page_ends_between_them() {
    let world = World::with(AccountSpec::default(), |settings| settings.page_rows = 3).await;
    world.venue.instruments().await.unwrap();
    world.flow(false);
    let price = world.last_price("BTCUSDT").to_string();
    world.submit(terms(&btc(), Side::Buy, "0.004", limit(&price, TimeInForce::Gtc))).await.unwrap();
    // The venue keeps an owner from trading with himself, but not where all or nothing is asked for.
    for _ in 0..2 {
        world.submit(terms(&btc(), Side::Sell, "0.002", limit(&price, TimeInForce::Fok))).await.unwrap();
    }
    let rows = world.face.ledger(KEY).unwrap().trades;
    assert_eq!(rows.len(), 4, "two trades, and both sides of each are ours: {rows:?}");
    let hour = VenueTime(i64::try_from((world.now)().as_ms()).unwrap() - 3_600_000);
    for from in [TradesFrom::After(TradeId::from_number(0)), TradesFrom::Time(hour)] {
        let read = world.venue.trades_since(&btc(), from).await.unwrap();
        assert!(read.complete);
        assert_eq!(read.trades.len(), 4, "{:?}", read.trades);
    }
}
