//! Killed and started again on the same journal.

use crate::{
    disk::{Disk, DiskMood},
    fake::Fake,
    rig::{Scripted, Told, account, config, last_id, named, settle, start, until},
};
use exec_core::{order::status::OrdStatus, record::Record, units::Side};
use exec_runtime::{AccountError, NodeError, RuntimeConfig, control::Ask};

#[tokio::test(start_paused = true)]
async fn killed_between_callback_and_group_the_event_comes_again_with_the_same_answer() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let first = Scripted { buys_at_start: true, hedges_fills: true, ..Scripted::default() };
    let node = start(account(&venue, &disk, &first)).live().await;
    until("the order is open", || venue.with(|s| s.open.len()) == 1).await;
    settle().await;
    let before = disk.records().len();
    disk.mood(DiskMood::PowerCutAtCursor);
    // The fill's facts are told one by one, each with its own group; the power fails at the first answer.
    venue.fill(&last_id(&venue));
    disk.power_is_cut().await;
    node.kill().await;
    assert_eq!(venue.submits().len(), 1, "nothing left that is not in the journal");
    assert!(disk.records().len() > before, "the fill itself was kept");

    disk.mood(DiskMood::Sound);
    let second = Scripted { buys_at_start: true, hedges_fills: true, ..Scripted::default() };
    let node = start(account(&venue, &disk, &second)).live().await;
    until("the hedge is out", || venue.submits().len() == 2).await;
    let bought = first.diary.asked()[0];
    assert!(second.diary.has(&Told::Filled(bought)), "the event came again");
    let hedge = second.diary.asked()[0];
    assert_eq!(first.diary.asked()[1], hedge, "the same event brings the same intent");
    settle().await;
    node.kill().await;

    // Killed after the group: the commands are there, and the event does not come again.
    let third = Scripted { buys_at_start: true, hedges_fills: true, ..Scripted::default() };
    let node = start(account(&venue, &disk, &third)).live().await;
    settle().await;
    assert!(!third.diary.has(&Told::Filled(bought)));
    let sells = venue.submits().iter().filter(|s| s.1 == Side::Sell).count();
    assert_eq!(sells, 1, "exactly one hedge");
    assert_eq!(disk.records().iter().filter(|r| matches!(r, Record::Intent(i) if i.id == hedge)).count(), 1);
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_open_is_open_after_a_restart_and_the_epoch_rises() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let strategy = Scripted { buys_at_start: true, ..Scripted::default() };
    let node = start(account(&venue, &disk, &strategy)).live().await;
    until("the order is open", || venue.with(|s| s.open.len()) == 1).await;
    settle().await;
    let epoch = node.handle.status().report.unwrap().epoch;
    node.kill().await;
    let again = Scripted { buys_at_start: true, ..Scripted::default() };
    let node = start(account(&venue, &disk, &again)).live().await;
    settle().await;
    assert_eq!(venue.submits().len(), 1, "it is not sent again");
    let report = node.handle.status().report.unwrap();
    assert!(report.epoch > epoch && report.open_orders == 1, "{report}");
    venue.fill(&last_id(&venue));
    let intent = strategy.diary.asked()[0];
    until("the new strategy is told", || again.diary.has(&Told::Status(intent, OrdStatus::Filled))).await;
    assert_eq!(node.ask(Ask::Positions {}).await[0]["qty"], "0.1");
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_journal_of_another_account_is_refused() {
    let (venue, disk) = (Fake::new(), Disk::new());
    start(account(&venue, &disk, &Scripted::default())).live().await.stop().await.unwrap();
    let records = disk.records().len();
    let node = start(named("other", &venue, &disk, &Scripted::default()));
    let Err(NodeError::Account { error, .. }) = node.task.await.unwrap() else { panic!("it started") };
    assert!(matches!(error, AccountError::Replay(_)), "{error}");
    assert_eq!(disk.records().len(), records);
}

/// A snapshot is taken after so many records.
const EVERY: u64 = 8;

fn often() -> RuntimeConfig {
    RuntimeConfig { snapshot_every: EVERY, ..config() }
}

#[tokio::test(start_paused = true)]
async fn a_restart_reads_a_snapshot_and_what_follows_it() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let strategy = Scripted { buys_at_start: true, ..Scripted::default() };
    let node = start(account(&venue, &disk, &strategy).runtime(often())).live().await;
    until("the order is open", || venue.with(|s| s.open.len()) == 1).await;
    settle().await;
    let taken = disk.snapshots();
    assert!(taken.windows(2).all(|pair| pair[1].0 - pair[0].0 >= EVERY), "{taken:?}");
    node.kill().await;

    let again = Scripted { buys_at_start: true, ..Scripted::default() };
    let node = start(account(&venue, &disk, &again).runtime(often())).live().await;
    let behind = disk.records().len();
    assert!(disk.records_read() <= EVERY as usize + 8 && disk.records_read() < behind, "{} of {behind}", disk.records_read());
    settle().await;
    assert_eq!(venue.submits().len(), 1, "it is not sent again");
    assert_eq!(node.handle.status().report.unwrap().open_orders, 1);
    node.stop().await.unwrap();

    // A clean end leaves nothing to read.
    let node = start(account(&venue, &disk, &Scripted::default()).runtime(often())).live().await;
    assert_eq!(disk.records_read(), 0);
    node.stop().await.unwrap();
}
