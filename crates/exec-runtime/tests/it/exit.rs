//! A clean end, and one that cannot be clean.

use crate::{
    disk::{Disk, DiskMood},
    fake::{Call, Fake, OnSubmit},
    rig::{Scripted, account, config, last_id, settle, start, submit, until},
};
use exec_core::{conversation::Phase, order::event::OrderEvent, record::Record, report::ReportBody};
use exec_runtime::{ExitReason, OnExit, RuntimeConfig};
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn orders_stay_unless_the_config_says_otherwise() {
    for (on_exit, cancels) in [(OnExit::Leave, 0), (OnExit::CancelEntries, 1), (OnExit::CancelAll, 2)] {
        let (venue, disk) = (Fake::new(), Disk::new());
        let runtime = RuntimeConfig { on_exit, ..config() };
        let strategy = Scripted { buys_at_start: true, ..Scripted::default() };
        let node = start(account(&venue, &disk, &strategy).runtime(runtime)).live().await;
        node.ask(submit("SELL", "0.1", "REDUCE")).await;
        until("both orders are open", || venue.with(|s| s.open.len()) == 2).await;
        settle().await;
        let handle = node.handle.clone();
        let summary = node.stop().await.unwrap();
        assert!(summary.is_clean(), "{summary}");
        assert_eq!(summary.accounts[0].open_orders, 2 - cancels);
        assert_eq!(venue.count(|c| matches!(c, Call::Cancel(_))), cancels, "{on_exit:?}");
        assert_eq!(handle.status().phase, Phase::Halted);
        assert!(!handle.live().await);
    }
}

#[tokio::test(start_paused = true)]
async fn an_open_request_is_awaited_but_not_for_ever() {
    let (venue, disk) = (Fake::new(), Disk::new());
    venue.with(|s| s.on_submit = OnSubmit::Hang);
    let strategy = Scripted { buys_at_start: true, ..Scripted::default() };
    let node = start(account(&venue, &disk, &strategy)).live().await;
    until("it is out", || venue.submits().len() == 1).await;
    let asked = Instant::now();
    let summary = node.stop().await.unwrap();
    let took = asked.elapsed();
    assert!(took >= Duration::from_secs(10) && took < Duration::from_secs(11), "{took:?}");
    let exit = &summary.accounts[0];
    assert_eq!((exit.reason, exit.requests_open, exit.open_orders), (ExitReason::Deadline, 1, 1));
    assert!(!summary.is_clean());
}

#[tokio::test(start_paused = true)]
async fn the_journal_is_flushed_before_the_end() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let node = start(account(&venue, &disk, &Scripted::default())).live().await;
    disk.mood(DiskMood::Stuck);
    node.ask(submit("SELL", "0.1", "REDUCE")).await;
    until("the exit is out", || venue.with(|s| s.open.len()) == 1).await;
    let late = disk.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(3)).await;
        late.mood(DiskMood::Sound);
    });
    let asked = Instant::now();
    let summary = node.stop().await.unwrap();
    assert!(summary.is_clean(), "{summary}");
    assert!(asked.elapsed() >= Duration::from_millis(2_900));
    let _ = last_id(&venue);
}

#[tokio::test(start_paused = true)]
async fn no_new_risk_is_taken_on_the_way_out() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let strategy = Scripted { hedges_fills: true, ..Scripted::default() };
    let node = start(account(&venue, &disk, &strategy)).live().await;
    node.ask(submit("SELL", "0.1", "REDUCE")).await;
    settle().await;
    disk.mood(DiskMood::Stuck);
    let control = node.handle.control().clone();
    node.ask(submit("BUY", "0.1", "OPEN")).await;
    let stopping = tokio::spawn(node.stop());
    settle().await;
    disk.mood(DiskMood::Sound);
    let summary = stopping.await.unwrap().unwrap();
    assert_eq!(venue.submits().len(), 1, "the entry that waited for the disk was withdrawn");
    assert!(summary.is_clean(), "{summary}");
    assert!(control.ask("test", exec_runtime::control::Ask::Status {}).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_is_still_to_be_told_of_a_trade_is_awaited_for_a_second() {
    for comes in [true, false] {
        let (venue, disk) = (Fake::new(), Disk::new());
        let strategy = Scripted { buys_at_start: true, ..Scripted::default() };
        let node = start(account(&venue, &disk, &strategy)).live().await;
        until("the order is open", || venue.with(|s| s.open.len()) == 1).await;
        settle().await;
        let whole = venue.trade(&last_id(&venue));
        let mut first = whole.clone();
        first.fill.iter_mut().for_each(|fill| fill.fee = None);
        venue.report(ReportBody::Order(first));
        settle().await;
        let (late, asked) = (venue.clone(), Instant::now());
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(400)).await;
            if comes {
                late.report(ReportBody::Order(whole));
            }
        });
        let summary = node.stop().await.unwrap();
        assert!(summary.is_clean(), "{summary}");
        let expected = if comes { 400 } else { 1_000 };
        assert!((expected..expected + 50).contains(&asked.elapsed().as_millis()), "{:?}", asked.elapsed());
        let fees = disk
            .records()
            .iter()
            .filter(|r| matches!(r, Record::Order { event: OrderEvent::Executed { fill, .. }, .. } if fill.fee.is_some()))
            .count();
        assert_eq!(fees, usize::from(comes));
    }
}
