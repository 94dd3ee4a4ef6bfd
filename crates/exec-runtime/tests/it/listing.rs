//! What the venue announces of instruments is read at once, and no more often than it helps.

use crate::{
    disk::Disk,
    fake::{Call, Fake, btc},
    rig::{Running, Scripted, account, config, settle, start, submit, until},
};
use exec_core::{instrument::TradingStatus, venue::MarketNews};
use exec_runtime::RuntimeConfig;
use std::{sync::Arc, time::Duration};

/// A live node that has read what it reads at a start, and has nothing more to read by itself.
async fn live(venue: &Fake) -> Running {
    let node = start(account(venue, &Disk::new(), &Scripted::default()).prices(Arc::new(venue.clone()))).live().await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    node
}

fn read(venue: &Fake) -> usize {
    venue.count(|call| *call == Call::Instruments)
}

fn announce(venue: &Fake) {
    venue.tell(MarketNews::ListingChanged(btc()));
}

fn alerts(node: &Running, kind: &str) -> usize {
    node.handle.alerts().0.iter().filter(|raised| raised.alert.kind == kind).count()
}

#[tokio::test(start_paused = true)]
async fn an_announced_halt_denies_new_risk_at_once() {
    let venue = Fake::new();
    let node = live(&venue).await;
    venue.with(|s| s.trading = TradingStatus::Halted);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(alerts(&node, "instrument_changed"), 0, "nobody reads it without a word");
    announce(&venue);
    settle().await;
    assert_eq!(alerts(&node, "instrument_changed"), 1);
    assert_eq!(node.ask(submit("BUY", "0.1", "OPEN")).await["status"], "Denied");
    venue.with(|s| s.trading = TradingStatus::Trading);
    announce(&venue);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_ne!(node.ask(submit("BUY", "0.1", "OPEN")).await["status"], "Denied");
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_announcements_is_one_question_a_second() {
    let venue = Fake::new();
    let node = live(&venue).await;
    let before = read(&venue);
    for _ in 0..500 {
        announce(&venue);
    }
    settle().await;
    assert_eq!(read(&venue) - before, 1);
    for _ in 0..50 {
        announce(&venue);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let storm = read(&venue) - before;
    assert!((5..=7).contains(&storm), "{storm} questions in five seconds");
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_list_that_does_not_show_it_yet_is_read_once_more() {
    let venue = Fake::new();
    let node = live(&venue).await;
    let before = read(&venue);
    announce(&venue);
    settle().await;
    venue.with(|s| s.trading = TradingStatus::Halted);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!((read(&venue) - before, alerts(&node, "instrument_changed")), (2, 1));
    // A bracket that changed changes nothing of an instrument.
    announce(&venue);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(read(&venue) - before, 4);
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_announced_change_that_cannot_be_read_is_asked_for_until_it_can() {
    let venue = Fake::new();
    let node = live(&venue).await;
    venue.with(|s| (s.trading, s.instruments_errors) = (TradingStatus::Halted, 3));
    announce(&venue);
    until("it is known", || alerts(&node, "instrument_changed") == 1).await;
    assert_eq!(alerts(&node, "instruments_unknown"), 3);
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_announced_while_no_stream_was_open_is_found_when_one_is() {
    let venue = Fake::new();
    let node = live(&venue).await;
    venue.with(|s| s.trading = TradingStatus::Halted);
    venue.cut_prices();
    until("it is known", || alerts(&node, "instrument_changed") == 1).await;
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_announced_change_does_not_stop_the_reading_at_intervals() {
    let venue = Fake::new();
    let runtime = RuntimeConfig { instruments_interval: Duration::from_secs(300), ..config() };
    let node = account(&venue, &Disk::new(), &Scripted::default()).prices(Arc::new(venue.clone())).runtime(runtime);
    let node = start(node).live().await;
    announce(&venue);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let before = read(&venue);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(read(&venue) - before, 2);
    node.stop().await.unwrap();
}
