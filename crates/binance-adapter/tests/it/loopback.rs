//! The same over real sockets on loopback, with reqwest for the questions and the wall's clock: once through everything.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use binance_adapter::{BinanceUsdm, Credentials, Settings, environment::Environment};
use exchange_sim::face::{FaceConfig, Server};
use exec_core::{
    ids::{ClOrdId, Epoch, RequestId},
    report::{ReportBody, VenueStatus},
    terms::{Intention, OrderKind, Terms, TimeInForce, Trigger, TriggerBy},
    time::Timestamp,
    units::{PositionMode, Price, Side},
    venue::{AccountSetup, Attempt, Batch, Cancel, CancelAll, ExecutionVenue, Lookup, PriceSource, TradesFrom, VenueClock},
};
use rust_decimal::Decimal;

use crate::world::{KEY, SECRET, chinese, conditional_reference, reference, terms, until};

fn wall() -> Timestamp {
    Timestamp(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap())
}

#[tokio::test]
async fn everything_once_over_real_sockets() {
    let server = Server::bind(FaceConfig::new(11).with_key(KEY, SECRET), "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let environment = Environment::routed(&server.rest_url(), &server.ws_url()).unwrap();
    assert!(environment.is_loopback());
    let credentials = Credentials { key: KEY.into(), secret: SECRET.into() };
    let venue = BinanceUsdm::new(Settings::new(environment, credentials, Arc::new(wall))).unwrap();

    let clock = venue.read_clock().await.unwrap();
    assert!(clock.offset_ms.unsigned_abs() < 1_000, "{clock:?}");
    assert_eq!(venue.position_mode().await.unwrap(), PositionMode::Netting);
    venue.set_leverage(&chinese(), 5).await.unwrap();
    let instruments = venue.instruments().await.unwrap();
    let grid = instruments.iter().find(|instrument| instrument.id == chinese()).unwrap().price;

    let mut feed = venue.open_feed().await.unwrap();
    let attempt = Attempt {
        cl_ord_id: ClOrdId::new("LOOP-1").unwrap(),
        terms: terms(&chinese(), Side::Buy, "1000", OrderKind::Market),
        timestamp: clock.venue_time(wall()),
        recv_window_ms: 2_000,
        epoch: Epoch(1),
        begin_by: clock.venue_time(wall()).plus_ms(2_000),
    };
    let report = venue.submit(attempt).await.unwrap();
    assert_eq!(report.status, VenueStatus::Filled);
    let filled = |body: &ReportBody| matches!(body, ReportBody::Order(order) if order.status == VenueStatus::Filled);
    until(&mut feed, filled).await;

    let Lookup::Found(found) = venue.order_status(reference(&report)).await.unwrap() else { panic!("not found") };
    assert!(found.avg_px.is_some(), "queries carry the average");
    let status = venue.mass_status(&[chinese()]).await.unwrap();
    assert_eq!(status.positions.iter().find(|p| p.instrument == chinese()).unwrap().qty.to_string(), "1000");
    let trades = venue.trades_since(&chinese(), TradesFrom::Time(clock.venue_time(wall()).plus_ms(0))).await;
    assert!(trades.is_ok());

    let mut prices = venue.open_prices(&[chinese()]).await.unwrap();
    let price = tokio::time::timeout(Duration::from_secs(20), prices.next()).await.unwrap().unwrap().price().unwrap();
    assert_eq!(price.instrument, chinese());

    let far = Price::new((price.quote.reference().unwrap() * Decimal::new(9, 1) / grid.step).trunc() * grid.step).unwrap();
    let trigger = Trigger { price: far, by: TriggerBy::Mark, price_protect: false };
    let mut stop = terms(&chinese(), Side::Sell, "1000", OrderKind::StopMarket { trigger });
    stop.intention = Intention::Reduce;
    let resting = terms(&chinese(), Side::Buy, "1000", OrderKind::Limit { price: far.into(), tif: TimeInForce::Gtc });
    let attempt = |id: &str, terms: &Terms| Attempt {
        cl_ord_id: ClOrdId::new(id).unwrap(),
        terms: terms.clone(),
        timestamp: clock.venue_time(wall()),
        recv_window_ms: 5_000,
        epoch: Epoch(1),
        begin_by: clock.venue_time(wall()).plus_ms(5_000),
    };
    let all = vec![attempt("LOOP-2", &stop), attempt("LOOP-3", &resting), attempt("LOOP-4", &resting)];
    let placed: Vec<_> = venue.batch(Batch::Submit(all)).await.into_iter().map(|result| *result.unwrap()).collect();
    assert!(placed.iter().all(|report| report.status == VenueStatus::New), "{placed:?}");
    let references = [conditional_reference(&placed[0]), reference(&placed[1]), reference(&placed[2])];
    let Lookup::Found(found) = venue.order_status(references[0].clone()).await.unwrap() else { panic!("not found") };
    assert_eq!((found.algo_id, found.status), (placed[0].algo_id, VenueStatus::New));
    let all = references.into_iter().zip(1..).map(|(order, n)| Cancel { request: RequestId(n), order }).collect();
    let cancelled = venue.batch(Batch::Cancel(all)).await;
    assert!(cancelled.iter().all(|result| result.as_ref().is_ok_and(|r| r.status == VenueStatus::Canceled)), "{cancelled:?}");
    venue.cancel_all(CancelAll { request: RequestId(9), instrument: chinese() }).await.unwrap();
    assert!(venue.mass_status(&[chinese()]).await.unwrap().open_orders.is_empty());
    assert!(venue.unrecognised().is_empty(), "{:?}", venue.unrecognised());
    server.shutdown().await;
}
