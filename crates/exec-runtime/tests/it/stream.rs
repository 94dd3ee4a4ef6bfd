//! The private stream is lost and comes back.

use crate::{
    disk::Disk,
    fake::{Call, Fake, OnSubmit, btc, price},
    rig::{Scripted, Told, account, settle, start, submit, until},
};
use exec_core::{
    conversation::Phase,
    report::{FeedEnd, Quote, ReportBody},
    venue::QueryError,
};
use exec_runtime::control::Ask;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

fn sessions(venue: &Fake) -> usize {
    venue.count(|c| *c == Call::OpenFeed)
}

#[tokio::test(start_paused = true)]
async fn promise_p19_a_lost_stream_comes_back_with_back_off_and_is_reconciled_again() {
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
async fn a_session_that_lived_for_a_while_is_replaced_at_once_when_it_breaks() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let node = start(account(&venue, &disk, &Scripted::default())).live().await;
    for broken in 1..5 {
        tokio::time::sleep(Duration::from_secs(11)).await;
        venue.cut();
        settle().await;
        assert_eq!((sessions(&venue), node.handle.status().phase), (1 + broken, Phase::Live));
    }
    tokio::time::sleep(Duration::from_secs(9)).await;
    venue.cut();
    settle().await;
    assert_eq!((sessions(&venue), node.handle.status().phase), (5, Phase::Degraded), "one that has just come is waited with");
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_announced_end_opens_the_next_session_first_and_closes_the_old_one_when_all_is_compared() {
    for reason in [FeedEnd::KeyExpired, FeedEnd::Shutdown, FeedEnd::Age] {
        let (venue, disk) = (Fake::new(), Disk::new());
        let strategy = Scripted::default();
        venue.with(|s| s.on_submit = OnSubmit::Accept);
        let node = start(account(&venue, &disk, &strategy)).live().await;
        tokio::time::sleep(Duration::from_secs(61)).await;
        let order = node.ask(submit("BUY", "0.1", "OPEN")).await;
        assert_ne!(order["status"], "Denied", "{order}");
        settle().await;
        venue.with(|s| s.mass_takes = Duration::from_secs(5));
        venue.report(ReportBody::Ending { reason });
        settle().await;
        assert_eq!((venue.sessions_open(), node.handle.status().phase), (2, Phase::Degraded), "{reason:?}");
        assert!(strategy.diary.has(&Told::Phase(Phase::Degraded)), "strategies are told");
        assert_eq!(node.ask(submit("BUY", "0.1", "OPEN")).await["status"], "Denied", "no new risk meanwhile");
        let exit = node.ask(submit("SELL", "0.1", "REDUCE")).await;
        assert_ne!(exit["status"], "Denied", "exits pass: {exit}");
        // What happens between the two is told by both, or by either.
        let id = venue.submits()[0].0;
        venue.fill(&id);
        settle().await;
        let fills = |told: Vec<Told>| told.into_iter().filter(|t| matches!(t, Told::Filled(_))).count();
        assert_eq!(fills(strategy.diary.told()), 0, "it is the operator's order");
        until("it is live again", || node.handle.status().phase == Phase::Live).await;
        settle().await;
        assert_eq!((venue.sessions_open(), sessions(&venue)), (1, 2), "{reason:?}: the old one is closed");
        let held = node.ask(Ask::Positions {}).await.to_string();
        assert!(held.contains(r#""qty":"0.1""#), "{held}");
        assert!(!node.handle.alerts().0.iter().any(|a| a.alert.kind == "stream_lost"), "nothing was lost");
        node.stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_goes_on_while_its_successor_cannot_be_opened() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let node = start(account(&venue, &disk, &Scripted::default())).live().await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    venue.with(|s| s.feed_errors.extend((0..3).map(|_| QueryError::Unavailable("maintenance".into()))));
    venue.report(ReportBody::Ending { reason: FeedEnd::Age });
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((venue.sessions_open(), node.handle.status().phase), (1, Phase::Live), "what is announced has not happened yet");
    let announced = Instant::now();
    until("its successor is open", || venue.sessions_open() == 2 || sessions(&venue) == 5).await;
    // At once, then after 1 s, 2 s and 5 s, each give or take a quarter; two of these seconds are over.
    assert!((4_000..8_100).contains(&announced.elapsed().as_millis()), "{:?}", announced.elapsed());
    until("it has taken over", || venue.sessions_open() == 1 && node.handle.status().phase == Phase::Live).await;
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_as_announced_is_missed_by_nobody() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let node = start(account(&venue, &disk, &Scripted::default())).live().await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    venue.with(|s| s.mass_takes = Duration::from_secs(5));
    venue.report(ReportBody::Ending { reason: FeedEnd::Shutdown });
    until("both are open", || venue.sessions_open() == 2).await;
    venue.cut_oldest();
    until("it is live", || node.handle.status().phase == Phase::Live).await;
    assert_eq!((sessions(&venue), venue.sessions_open()), (2, 1), "no third session is opened");
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_venue_that_ends_every_session_is_not_asked_for_one_after_the_other_at_its_speed() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let node = start(account(&venue, &disk, &Scripted::default())).live().await;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(120) {
        venue.report(ReportBody::Ending { reason: FeedEnd::KeyExpired });
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // 1, 2, 5, 15, 30, 30, 30 s and so on, each give or take a quarter.
    assert!((6..=9).contains(&sessions(&venue)), "{}", sessions(&venue));
    assert_eq!(venue.sessions_open(), 1);
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
    venue.price(quote);
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
