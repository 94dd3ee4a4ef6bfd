//! The private stream and the prices, and what ends them.

use std::time::Duration;

use exchange_sim::face::{RequestFault, StreamFault};
use exec_core::{
    report::{FeedEnd, ReportBody, VenueStatus},
    terms::{OrderKind, TimeInForce},
    units::Side,
    venue::{ExecutionVenue, PriceSource, ReportFeed},
};

use crate::world::{KEY, World, answer, btc, chinese, limit, terms, until};

fn is_filled(body: &ReportBody) -> bool {
    matches!(body, ReportBody::Order(report) if report.status == VenueStatus::Filled)
}

#[tokio::test(start_paused = true)]
async fn a_fill_arrives_with_its_fee_and_its_position() {
    let world = World::netting().await;
    let mut feed = world.venue.open_feed().await.unwrap();
    let reply = world.submit(terms(&chinese(), Side::Buy, "1000", OrderKind::Market)).await.unwrap();
    let seen = until(&mut feed, is_filled).await;
    let mut fills = 0;
    let (mut lite, mut account) = (false, false);
    for report in &seen {
        match &report.body {
            ReportBody::Order(order) => {
                assert_eq!(order.order_id, reply.order_id);
                if let Some(fill) = &order.fill {
                    fills += 1;
                    assert!(fill.fee.is_some() && fill.realized.is_some() && fill.leg.is_some(), "{fill:?}");
                }
            }
            ReportBody::Trade(trade) => {
                lite = true;
                assert_eq!((trade.fill.leg, trade.fill.fee.is_none()), (None, true));
            }
            ReportBody::Account(update) => account |= update.reason == "ORDER",
            other => panic!("{other:?}"),
        }
        assert!(report.sent.is_some());
    }
    assert!(fills > 0 && lite && account, "{seen:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_change_is_confirmed_by_its_request() {
    let world = World::netting().await;
    let mut feed = world.venue.open_feed().await.unwrap();
    let placed = world.submit(terms(&btc(), Side::Buy, "0.010", limit("50000", TimeInForce::Gtc))).await.unwrap();
    world.replace(crate::world::reference(&placed), Side::Buy, "0.020", "50001", 4242).await.unwrap();
    let seen = until(&mut feed, |body| matches!(body, ReportBody::Order(o) if o.replaced_by.is_some())).await;
    let Some(ReportBody::Order(order)) = seen.last().map(|report| &report.body) else { panic!("{seen:?}") };
    assert_eq!((order.replaced_by.unwrap().0, order.qty.unwrap().to_string().as_str()), (4242, "0.02"));
}

#[tokio::test(start_paused = true)]
async fn a_cut_stream_is_an_error_and_the_next_session_works() {
    let world = World::netting().await;
    let mut feed = world.venue.open_feed().await.unwrap();
    world.stream_fault("ORDER_TRADE_UPDATE", StreamFault::Cut);
    world.submit(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(60), async { while feed.next().await.is_ok() {} });
    ended.await.unwrap();
    assert!(feed.next().await.is_err(), "an ended session stays ended");
    let mut feed = world.venue.open_feed().await.unwrap();
    world.submit(terms(&btc(), Side::Sell, "0.010", OrderKind::Market)).await.unwrap();
    until(&mut feed, is_filled).await;
}

/// What a session says until it ends.
async fn last_words(feed: &mut Box<dyn ReportFeed>, within: Duration) -> Vec<ReportBody> {
    let mut said = Vec::new();
    let all = async {
        while let Ok(report) = feed.next().await {
            said.push(report.body);
        }
    };
    tokio::time::timeout(within, all).await.expect("the session never ended");
    said
}

fn key_expired(body: &ReportBody) -> bool {
    matches!(body, ReportBody::Ending { reason: FeedEnd::KeyExpired })
}

#[tokio::test(start_paused = true)]
async fn an_expired_key_is_told_and_the_next_session_opens_beside_the_old_one_with_a_new_key() {
    let world = World::netting().await;
    let mut old = world.venue.open_feed().await.unwrap();
    let (status, text) = world.face.operate("POST", "listenkey/expire", "", &format!(r#"{{"key":"{KEY}"}}"#));
    assert_eq!(status, 200, "{text}");
    until(&mut old, key_expired).await;
    let mut new = world.venue.open_feed().await.unwrap();
    world.submit(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await.unwrap();
    until(&mut new, is_filled).await;
    // Nobody closed it: it ends by itself, and has not told its end again.
    assert_eq!(last_words(&mut old, Duration::from_secs(90)).await.iter().filter(|body| key_expired(body)).count(), 0);
}

#[tokio::test(start_paused = true)]
async fn two_sessions_of_one_key_deliver_side_by_side_and_closing_one_leaves_the_other() {
    let world = World::netting().await;
    world.fault("DELETE", "/fapi/v1/listenKey", RequestFault::DropRequest);
    let mut old = world.venue.open_feed().await.unwrap();
    let mut new = world.venue.open_feed().await.unwrap();
    world.submit(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await.unwrap();
    until(&mut old, is_filled).await;
    until(&mut new, is_filled).await;
    drop(old);
    world.submit(terms(&btc(), Side::Sell, "0.010", OrderKind::Market)).await.unwrap();
    until(&mut new, is_filled).await;
    let faults = world.face.operate("GET", "faults", "", "").1;
    assert!(faults.contains(r#""seen":0"#), "a listen key is shared by the account and never deleted: {faults}");
}

#[tokio::test(start_paused = true)]
async fn the_key_is_kept_alive_for_hours_although_renewals_fail() {
    let world = World::netting().await;
    let mut feed = world.venue.open_feed().await.unwrap();
    world.faults("PUT", "/fapi/v1/listenKey", RequestFault::ErrorBefore(answer(503, "")), 3);
    world.flow(false);
    for _ in 0..6 {
        // Nothing happens on the account for an hour; the session must not need it to.
        let quiet = tokio::time::timeout(Duration::from_secs(3600), feed.next()).await;
        assert!(quiet.is_err(), "{quiet:?}");
    }
    world.flow(true);
    world.submit(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await.unwrap();
    until(&mut feed, is_filled).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_that_the_venue_has_forgotten_is_told_at_its_renewal_and_events_are_read_on() {
    let world = World::netting().await;
    let mut feed = world.venue.open_feed().await.unwrap();
    let body = r#"{"code":-1125,"msg":"This listenKey does not exist."}"#;
    world.fault("PUT", "/fapi/v1/listenKey", RequestFault::ErrorBefore(answer(400, body)));
    let told = tokio::time::timeout(Duration::from_secs(1300), feed.next()).await;
    assert!(matches!(&told, Ok(Ok(report)) if key_expired(&report.body)), "{told:?}");
    // Here the venue was wrong about it, and what it sends all the same is heard.
    world.submit(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await.unwrap();
    until(&mut feed, is_filled).await;
    last_words(&mut feed, Duration::from_secs(90)).await;
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_names_another_key_is_told_as_the_end_of_this_one() {
    let world = World::netting().await;
    let mut feed = world.venue.open_feed().await.unwrap();
    world.fault("PUT", "/fapi/v1/listenKey", RequestFault::ErrorAfter(answer(200, r#"{"listenKey":"another"}"#)));
    let told = tokio::time::timeout(Duration::from_secs(1300), feed.next()).await;
    assert!(matches!(&told, Ok(Ok(report)) if key_expired(&report.body)), "{told:?}");
    last_words(&mut feed, Duration::from_secs(90)).await;
}

#[tokio::test(start_paused = true)]
async fn prices_of_every_symbol_arrive() {
    let world = World::netting().await;
    let mut prices = world.venue.open_prices(&[btc(), chinese()]).await.unwrap();
    let (mut marks, mut books) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    world.move_price("BTCUSDT", "61000");
    world.move_price("币安人生USDT", "0.2");
    while marks.len() < 2 || books.len() < 2 {
        let next = tokio::time::timeout(Duration::from_secs(30), prices.next()).await;
        let news = next.unwrap_or_else(|_| panic!("marks {marks:?} books {books:?}")).unwrap();
        let report = news.price().unwrap();
        if report.quote.mark.is_some() {
            marks.insert(report.instrument.clone());
        }
        if report.quote.bid.is_some() && report.quote.ask.is_some() {
            books.insert(report.instrument);
        }
    }
}
