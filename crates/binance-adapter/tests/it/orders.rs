//! Orders over the wire: each type and time in force, both modes, changes and cancels.

use exec_core::{
    report::VenueStatus,
    terms::{Intention, LimitPrice, OrderKind, PriceMatch, SelfTrade, Terms, TimeInForce},
    time::VenueTime,
    units::{PositionSide, Side},
    venue::{CancelAll, CommandError, ExecutionVenue, Lookup, RejectClass, VenueClock},
};

use crate::world::{KEY, World, btc, chinese, limit, reference, terms};

/// A price of the exchange near which its book stands.
async fn mark(world: &World, symbol: &str) -> rust_decimal::Decimal {
    use exec_core::venue::PriceSource;
    let instrument = exec_core::ids::InstrumentId::new(&format!("{symbol}-PERP.BINANCE")).unwrap();
    let mut prices = world.venue.open_prices(&[instrument]).await.unwrap();
    loop {
        if let Some(mark) = prices.next().await.unwrap().price().and_then(|report| report.quote.mark) {
            return mark.get();
        }
    }
}

/// `percent` of the mark, on a grid of whole units.
fn part(mark: rust_decimal::Decimal, percent: i64) -> String {
    (mark * rust_decimal::Decimal::new(percent, 2)).trunc().to_string()
}

#[tokio::test(start_paused = true)]
async fn a_market_order_comes_back_filled() {
    let world = World::netting().await;
    let report = world.submit(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await.unwrap();
    assert_eq!(report.status, VenueStatus::Filled);
    assert_eq!(report.cum_qty.unwrap().to_string(), "0.010");
    assert_eq!(report.avg_px, None, "replies to commands carry no prices");
    assert_eq!(report.leg, Some(PositionSide::Net));
}

#[tokio::test(start_paused = true)]
async fn a_chinese_symbol_is_traded_like_any_other() {
    let world = World::netting().await;
    let report = world.submit(terms(&chinese(), Side::Buy, "1000", OrderKind::Market)).await.unwrap();
    assert_eq!((report.status, &report.instrument), (VenueStatus::Filled, &chinese()));
}

#[tokio::test(start_paused = true)]
async fn each_time_in_force_is_taken() {
    let world = World::netting().await;
    let mark = mark(&world, "BTCUSDT").await;
    let below = part(mark, 97);
    let venue_now = world.venue.read_clock().await.unwrap().venue_time((world.now)());
    let gtd = TimeInForce::Gtd(VenueTime((venue_now.0 / 1000 + 3_600) * 1000));
    for (tif, status) in [(TimeInForce::Gtc, "New"), (TimeInForce::Gtx, "New"), (gtd, "New"), (TimeInForce::Ioc, "Expired")] {
        let report = world.submit(terms(&btc(), Side::Buy, "0.010", limit(&below, tif))).await.unwrap();
        assert!(format!("{:?}", report.status).starts_with(status), "{tif:?} {report:?}");
        assert_eq!(report.kind.unwrap().time_in_force(), Some(tif));
    }
    let fok = world.submit(terms(&btc(), Side::Buy, "0.010", limit(&below, TimeInForce::Fok))).await;
    assert!(matches!(fok, Err(CommandError::Rejected(ref r)) if r.code == -5021 && r.class == RejectClass::State), "{fok:?}");
    let above = part(mark, 102);
    let gtx = world.submit(terms(&btc(), Side::Buy, "0.010", limit(&above, TimeInForce::Gtx))).await;
    assert!(matches!(gtx, Err(CommandError::Rejected(ref r)) if r.class == RejectClass::WouldTake), "{gtx:?}");
}

#[tokio::test(start_paused = true)]
async fn a_price_from_the_book_and_a_rule_among_own_orders_are_taken() {
    let world = World::netting().await;
    for (level, stp) in [
        (PriceMatch::Queue, None),
        (PriceMatch::Queue5, Some(SelfTrade::ExpireTaker)),
        (PriceMatch::Queue, Some(SelfTrade::ExpireMaker)),
        (PriceMatch::Queue5, Some(SelfTrade::ExpireBoth)),
    ] {
        let kind = OrderKind::Limit { price: LimitPrice::Match(level), tif: TimeInForce::Gtc };
        let asked = Terms { stp, ..terms(&btc(), Side::Buy, "0.010", kind) };
        let placed = world.submit(asked).await.unwrap();
        assert_eq!(placed.status, VenueStatus::New);
        assert!(placed.kind.unwrap().price().is_some(), "the venue says which price it took: {placed:?}");
    }
    let rules: Vec<_> = world.face.ledger(KEY).unwrap().orders.iter().map(|row| row.stp_mode.as_str().to_owned()).collect();
    assert_eq!(rules, ["EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"], "what is not said is the venue's default");
    let switched_off = OrderKind::Limit { price: LimitPrice::Match(PriceMatch::Opponent20), tif: TimeInForce::Gtc };
    let refused = world.submit(terms(&btc(), Side::Buy, "0.010", switched_off)).await;
    assert!(matches!(refused, Err(CommandError::Rejected(ref r)) if r.code == -5037), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn hedging_keeps_two_legs_and_closes_by_side() {
    let world = World::hedging().await;
    let mut long = terms(&btc(), Side::Buy, "0.010", OrderKind::Market);
    long.leg = PositionSide::Long;
    let mut short = terms(&btc(), Side::Sell, "0.020", OrderKind::Market);
    short.leg = PositionSide::Short;
    assert_eq!(world.submit(long.clone()).await.unwrap().leg, Some(PositionSide::Long));
    assert_eq!(world.submit(short).await.unwrap().leg, Some(PositionSide::Short));
    let mut close = long;
    close.side = Side::Sell;
    close.intention = Intention::Reduce;
    assert_eq!(world.submit(close.clone()).await.unwrap().status, VenueStatus::Filled);
    let flat = world.submit(close).await;
    assert!(matches!(flat, Err(CommandError::Rejected(ref r)) if r.class == RejectClass::NothingToClose), "{flat:?}");
}

#[tokio::test(start_paused = true)]
async fn netting_reduces_with_the_venues_own_hold() {
    let world = World::netting().await;
    world.submit(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await.unwrap();
    let mut close = terms(&btc(), Side::Sell, "0.010", OrderKind::Market);
    close.intention = Intention::Reduce;
    let report = world.submit(close.clone()).await.unwrap();
    assert_eq!((report.status, report.reduce_only), (VenueStatus::Filled, true));
    let again = world.submit(close).await;
    assert!(matches!(again, Err(CommandError::Rejected(ref r)) if r.class == RejectClass::NothingToClose), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn an_order_is_changed_found_and_cancelled() {
    let world = World::netting().await;
    let mark = mark(&world, "BTCUSDT").await;
    let placed = world.submit(terms(&btc(), Side::Buy, "0.010", limit(&part(mark, 95), TimeInForce::Gtc))).await.unwrap();
    let order = reference(&placed);
    let changed = world.replace(order.clone(), Side::Buy, "0.020", &part(mark, 96), 77).await.unwrap();
    assert_eq!((changed.order_id, changed.qty.unwrap().to_string()), (placed.order_id, "0.020".into()));
    assert_eq!(changed.replaced_by.map(|request| request.0), Some(77));
    let Lookup::Found(found) = world.venue.order_status(order.clone()).await.unwrap() else { panic!("not found") };
    assert_eq!((found.status, found.qty), (VenueStatus::New, changed.qty));
    assert!(found.created.is_some());
    let by_number = exec_core::venue::OrderRef { cl_ord_id: None, order_id: placed.order_id, ..order.clone() };
    assert!(matches!(world.venue.order_status(by_number).await.unwrap(), Lookup::Found(_)));
    let cancelled = world.cancel(order.clone()).await.unwrap();
    assert_eq!(cancelled.status, VenueStatus::Canceled);
    let twice = world.cancel(order.clone()).await;
    assert!(matches!(twice, Err(CommandError::Rejected(ref r)) if r.class == RejectClass::NotOnBook), "{twice:?}");
    let gone = world.replace(order, Side::Buy, "0.020", &part(mark, 96), 78).await;
    assert!(matches!(gone, Err(CommandError::Rejected(ref r)) if r.class == RejectClass::NotOnBook), "{gone:?}");
}

#[tokio::test(start_paused = true)]
async fn cancel_all_takes_what_rests() {
    let world = World::netting().await;
    let mark = mark(&world, "BTCUSDT").await;
    for percent in [90, 91, 92] {
        world.submit(terms(&btc(), Side::Buy, "0.010", limit(&part(mark, percent), TimeInForce::Gtc))).await.unwrap();
    }
    assert_eq!(world.venue.mass_status(&[btc()]).await.unwrap().open_orders.len(), 3);
    let scope = CancelAll { request: exec_core::ids::RequestId(1), instrument: btc() };
    world.venue.cancel_all(scope.clone()).await.unwrap();
    assert!(world.venue.mass_status(&[btc()]).await.unwrap().open_orders.is_empty());
    world.venue.cancel_all(scope).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_the_venue_would_refuse_is_refused_in_its_words() {
    let world = World::netting().await;
    let mark = mark(&world, "BTCUSDT").await;
    let fine = world.submit(terms(&btc(), Side::Buy, "0.0101234", limit(&part(mark, 95), TimeInForce::Gtc))).await;
    assert!(matches!(fine, Err(CommandError::Rejected(ref r)) if r.class == RejectClass::Invalid), "{fine:?}");
    let mut leg = terms(&btc(), Side::Buy, "0.010", OrderKind::Market);
    leg.leg = PositionSide::Long;
    let leg = world.submit(leg).await;
    assert!(matches!(leg, Err(CommandError::Rejected(ref r)) if r.code == -4061), "{leg:?}");
    let large = world.submit(terms(&btc(), Side::Buy, "100", limit(&part(mark, 99), TimeInForce::Gtc))).await;
    assert!(matches!(large, Err(CommandError::Rejected(_))), "{large:?}");
    let absent = world.venue.order_status(exec_core::venue::OrderRef {
        instrument: btc(),
        cl_ord_id: Some(world.id()),
        order_id: None,
        algo_id: None,
        conditional: false,
        since: VenueTime(0),
        triggered: false,
    });
    assert_eq!(absent.await.unwrap(), Lookup::Absent);
}
