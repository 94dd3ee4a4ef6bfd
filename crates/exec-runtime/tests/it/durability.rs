//! What waits for the disk, and what never does.

use crate::{
    disk::{Disk, DiskMood},
    fake::{Call, Fake},
    rig::{Scripted, account, last_id, settle, start, submit, until},
};
use exec_core::{conversation::Phase, units::Side};
use exec_runtime::control::{Ask, Reply};
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn promise_p03_an_opening_order_is_not_sent_before_it_is_durable() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let node = start(account(&venue, &disk, &Scripted::default())).live().await;
    disk.mood(DiskMood::Stuck);
    let order = node.ask(submit("BUY", "0.1", "OPEN")).await;
    assert_eq!(order["status"], "PendingNew");
    settle().await;
    assert!(venue.submits().is_empty(), "sent before the disk had it");
    disk.mood(DiskMood::Sound);
    until("it is sent", || venue.submits().len() == 1).await;
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn cancels_and_exits_are_sent_though_the_disk_is_stuck() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let strategy = Scripted { buys_at_start: true, ..Scripted::default() };
    let node = start(account(&venue, &disk, &strategy)).live().await;
    until("an order is open", || venue.with(|s| s.open.len()) == 1).await;
    let id = last_id(&venue);
    disk.mood(DiskMood::Stuck);
    node.ask(Ask::Cancel { intent: strategy.diary.asked()[0] }).await;
    node.ask(submit("SELL", "0.1", "REDUCE")).await;
    settle().await;
    assert_eq!(venue.count(|c| *c == Call::Cancel(Some(id))), 1);
    assert_eq!(venue.submits().len(), 2);
    assert_eq!(venue.submits()[1].1, Side::Sell);
    disk.mood(DiskMood::Sound);
    assert!(node.stop().await.unwrap().is_clean());
}

/// Killed before its record was written, it would be asked for again by whoever asked.
#[tokio::test(start_paused = true)]
async fn an_exit_waits_for_the_write_of_its_record_but_not_for_a_disk_that_hangs() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let strategy = Scripted { buys_at_start: true, ..Scripted::default() };
    let node = start(account(&venue, &disk, &strategy)).live().await;
    until("an order is open", || venue.with(|s| s.open.len()) == 1).await;
    disk.mood(DiskMood::Stuck);
    let took = async || {
        let asked = Instant::now();
        node.ask(submit("SELL", "0.1", "REDUCE")).await;
        asked.elapsed()
    };
    let first = took().await;
    assert!((Duration::from_millis(20)..Duration::from_millis(30)).contains(&first), "{first:?}");
    let second = took().await;
    assert!(second < Duration::from_millis(5), "{second:?}: it waits again for what has hung");
    settle().await;
    assert_eq!(venue.submits().len(), 3);
    disk.mood(DiskMood::Sound);
    settle().await;
    let third = took().await;
    assert!(third < Duration::from_millis(5), "{third:?}");
    assert!(node.stop().await.unwrap().is_clean());
}

async fn exits_pass_and_entries_do_not(venue: &Fake, disk: &Disk, break_it: impl FnOnce()) {
    let strategy = Scripted { buys_at_start: true, ..Scripted::default() };
    let node = start(account(venue, disk, &strategy)).live().await;
    until("an entry is open", || venue.with(|s| s.open.len()) == 1).await;
    let entry = last_id(venue);
    break_it();
    // Whatever is journalled next finds out, if the disk has not said so itself.
    node.ask(Ask::Latch {}).await;
    until("the gate is shut", || node.handle.status().phase == Phase::Degraded).await;
    until("resting entries are cancelled", || venue.count(|c| *c == Call::Cancel(Some(entry))) > 0).await;
    let appends = disk.appends();
    let refused = node.ask(submit("BUY", "0.1", "OPEN")).await;
    assert_eq!(refused["status"], "Denied");
    node.ask(submit("SELL", "0.1", "REDUCE")).await;
    settle().await;
    assert_eq!(venue.submits().iter().map(|s| s.1).collect::<Vec<_>>(), [Side::Buy, Side::Sell]);
    assert_eq!(disk.appends(), appends, "a failed journal is not tried again");
    let told = node.handle.alerts().0.iter().filter(|a| a.alert.kind == "journal_failed").count();
    assert_eq!(told, 1);
    let status = node.ask(Ask::Status {}).await;
    assert!(status["journal"]["failure"].is_string() && status["journal"]["dropped"].as_u64().unwrap() > 0, "{status}");
    let summary = node.stop().await.unwrap();
    assert!(!summary.is_clean() && summary.accounts[0].dropped > 0);
}

#[tokio::test(start_paused = true)]
async fn promise_p07_a_failed_sync_closes_the_gate_and_lets_exits_pass() {
    let (venue, disk) = (Fake::new(), Disk::new());
    exits_pass_and_entries_do_not(&venue, &disk, || disk.fail()).await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_append_closes_the_gate_and_lets_exits_pass() {
    let (venue, disk) = (Fake::new(), Disk::new());
    exits_pass_and_entries_do_not(&venue, &disk, || disk.mood(DiskMood::Broken)).await;
}

#[tokio::test(start_paused = true)]
async fn an_opening_order_that_waits_for_a_stuck_disk_gets_too_old() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let node = start(account(&venue, &disk, &Scripted::default())).live().await;
    disk.mood(DiskMood::Stuck);
    node.ask(submit("BUY", "0.1", "OPEN")).await;
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    disk.mood(DiskMood::Sound);
    settle().await;
    assert!(venue.submits().is_empty());
    let orders = node.handle.control().ask("test", Ask::Orders { all: true }).await.unwrap();
    let Reply::Ok(orders) = orders else { panic!("refused") };
    assert_eq!((&orders[0]["status"], &orders[0]["attempts"][0]["not_sent"]), (&"NotSent".into(), &"TooOld".into()));
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_is_too_far_behind_closes_the_gate_until_it_is_not_and_exits_pass() {
    let (venue, disk) = (Fake::new(), Disk::new());
    disk.copy_lacks(3, false);
    let strategy = Scripted { buys_at_start: true, ..Scripted::default() };
    let node = start(account(&venue, &disk, &strategy)).live().await;
    until("an order is open", || venue.with(|s| s.open.len()) == 1).await;
    let status = node.ask(Ask::Status {}).await;
    assert_eq!(status["journal"]["copy"]["records"], 3);
    disk.copy_lacks(4_000, true);
    until("the gate is shut", || node.handle.status().phase == Phase::Degraded).await;
    let status = node.ask(Ask::Status {}).await;
    assert_eq!(status["reasons"][0]["kind"], "copy_behind", "{status}");
    assert!(status["reasons"][0]["text"].as_str().unwrap().contains("lacks 4000 records, the oldest for 40000 ms"));
    let refused = node.ask(submit("BUY", "0.1", "OPEN")).await;
    assert_eq!(refused["status"], "Denied", "{refused}");
    node.ask(submit("SELL", "0.1", "REDUCE")).await;
    assert_eq!(venue.submits().len(), 2, "an exit waits for no copy");
    disk.copy_lacks(0, false);
    until("the gate is open", || node.handle.status().phase == Phase::Live).await;
    assert!(node.stop().await.unwrap().is_clean());
}
