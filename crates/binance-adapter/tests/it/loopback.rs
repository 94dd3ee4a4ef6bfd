//! The same over real sockets on loopback, with reqwest for the questions and the wall's clock: once through everything.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use binance_adapter::{BinanceUsdm, Credentials, Settings, environment::Environment};
use exchange_sim::face::{FaceConfig, Server};
use exec_core::{
    ids::{ClOrdId, Epoch},
    report::{ReportBody, VenueStatus},
    terms::OrderKind,
    time::Timestamp,
    units::{PositionMode, Side},
    venue::{AccountSetup, Attempt, ExecutionVenue, Lookup, PriceSource, TradesFrom, VenueClock},
};

use crate::world::{KEY, SECRET, chinese, reference, terms, until};

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
    assert!(venue.instruments().await.unwrap().iter().any(|instrument| instrument.id == chinese()));

    let mut feed = venue.open_feed().await.unwrap();
    let attempt = Attempt {
        cl_ord_id: ClOrdId::new("LOOP-1").unwrap(),
        terms: terms(&chinese(), Side::Buy, "1000", OrderKind::Market),
        timestamp: clock.venue_time(wall()),
        recv_window_ms: 2_000,
        epoch: Epoch(1),
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
    let price = tokio::time::timeout(Duration::from_secs(20), prices.next()).await.unwrap().unwrap();
    assert_eq!(price.instrument, chinese());
    assert!(venue.unknown_counts().is_empty(), "{:?}", venue.unknown_counts());
    server.shutdown().await;
}
