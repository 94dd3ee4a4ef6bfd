//! The private stream is lost and comes back.

use crate::{
    fake::{Call, Disk, Fake, OnSubmit, btc, price},
    rig::{Scripted, Told, account, settle, start, submit, until},
};
use exec_core::{
    conversation::Phase,
    report::{FeedEnd, PriceReport, Quote, ReportBody},
    venue::QueryError,
};
use exec_runtime::control::Ask;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

fn sessions(venue: &Fake) -> usize {
    venue.count(|c| *c == Call::OpenFeed)
}

#[tokio::test(start_paused = true)]
async fn a_lost_stream_comes_back_with_back_off_and_is_reconciled_again() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let node = start(account(&venue, &disk, &Scripted::default())).live().await;
    assert_eq!((sessions(&venue), venue.count(|c| *c == Call::Mass)), (1, 1));
    let down = |text: &str| QueryError::Unavailable(text.into());
    venue.with(|s| s.feed_errors.extend([down("first"), down("second")]));
    let lost = Instant::now();
    venue.cut();
    settle().await;
    assert_eq!(node.handle.status().phase, Phase::Degraded);
    let denied = node.ask(submit("BUY", "0.1", "OPEN")).await;
    assert_eq!(denied["status"], "Denied");
    // 1 s, 2 s and 5 s, each give or take a quarter.
    until("the stream is back", || node.handle.status().phase == Phase::Live).await;
    let took = lost.elapsed();
    assert!((Duration::from_millis(6_000)..Duration::from_millis(10_100)).contains(&took), "{took:?}");
    assert_eq!((sessions(&venue), venue.count(|c| *c == Call::Mass)), (4, 2));
    assert_eq!(node.ask(Ask::Status {}).await["counters"]["sessions"], 2);
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_healthy_is_replaced_at_once() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let node = start(account(&venue, &disk, &Scripted::default())).live().await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    venue.cut();
    settle().await;
    assert_eq!((sessions(&venue), node.handle.status().phase), (2, Phase::Live));
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_end_is_announced_is_closed_and_replaced() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let node = start(account(&venue, &disk, &Scripted::default())).live().await;
    venue.report(ReportBody::Ending { reason: FeedEnd::KeyExpired });
    until("a second session is open", || sessions(&venue) == 2).await;
    until("it is live", || node.handle.status().phase == Phase::Live).await;
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn exits_pass_while_there_is_no_stream_at_all() {
    let (venue, disk) = (Fake::new(), Disk::new());
    venue.with(|s| s.feed_errors.extend((0..100).map(|_| QueryError::Unavailable("maintenance".into()))));
    venue.with(|s| s.on_submit = OnSubmit::Accept);
    let node = start(account(&venue, &disk, &Scripted::default()));
    settle().await;
    assert_eq!(node.handle.status().phase, Phase::Connecting);
    assert_eq!(node.ask(submit("BUY", "0.1", "OPEN")).await["status"], "Denied");
    node.ask(submit("SELL", "0.1", "REDUCE")).await;
    settle().await;
    assert_eq!(venue.submits().len(), 1);
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lost_price_stream_comes_back_and_is_told() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let strategy = Scripted::default();
    let node = start(account(&venue, &disk, &strategy).prices(Arc::new(venue.clone()))).live().await;
    settle().await;
    venue.cut_prices();
    until("it is open again", || venue.with(|s| s.price_feed.is_some())).await;
    assert!(node.handle.alerts().0.iter().any(|a| a.alert.kind == "prices_down"));
    assert_eq!(node.handle.status().phase, Phase::Live, "prices are no part of the gate");
    let quote = Quote { bid: Some(price("99")), ask: None, mark: None };
    venue.with(|s| s.price_feed.as_ref().unwrap().send(PriceReport { instrument: btc(), quote })).unwrap();
    until("a price comes through", || strategy.diary.has(&Told::Price(btc()))).await;
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_dies_is_not_taken_for_a_quiet_venue() {
    let (venue, disk) = (Fake::new(), Disk::new());
    venue.with(|s| s.panics_at_feed = true);
    let node = start(account(&venue, &disk, &Scripted::default()));
    let ended = tokio::time::timeout(Duration::from_secs(60), node.task).await.expect("it ends").unwrap();
    assert!(matches!(ended, Err(exec_runtime::NodeError::Panicked)), "{ended:?}");
}
