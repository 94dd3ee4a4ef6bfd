//! One turn after the other: from a strategy's command to the wire and back.

use crate::{
    disk::Disk,
    fake::{Call, Fake, OnSubmit, btc, price},
    rig::{Leaver, Mad, Scripted, Told, account, last_id, named, settle, start, submit, until},
};
use exec_core::{conversation::Phase, ids::AccountId, order::status::OrdStatus, report::Quote, units::Side, venue::CommandError};
use exec_runtime::{Account, Node, control::Ask};
use std::{sync::Arc, time::Duration};

#[tokio::test(start_paused = true)]
async fn an_order_goes_out_is_filled_and_its_strategy_is_told() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let strategy = Scripted { buys_at_start: true, ..Scripted::default() };
    let node = start(account(&venue, &disk, &strategy)).live().await;
    until("the order is at the venue", || venue.submits().len() == 1).await;
    assert_eq!(venue.submits()[0].1, Side::Buy);
    let intent = strategy.diary.asked()[0];
    until("the strategy knows", || strategy.diary.has(&Told::Status(intent, OrdStatus::New))).await;
    venue.fill(&last_id(&venue));
    until("the strategy is told of the fill", || strategy.diary.has(&Told::Filled(intent))).await;
    let positions = node.ask(Ask::Positions {}).await;
    assert_eq!(positions[0]["qty"], "0.1");
    let told = strategy.diary.told();
    assert_eq!(told[0], Told::Start);
    let latencies = node.handle.latencies();
    assert_eq!((latencies.command_to_wire.count, latencies.ack.count), (1, 1));
    assert!(node.stop().await.unwrap().is_clean());
}

#[tokio::test(start_paused = true)]
async fn bytes_leave_before_strategies_are_called_again() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let heard = Arc::default();
    let leaver = Leaver { venue: venue.clone(), heard: Arc::clone(&heard) };
    let account = Account::new(crate::fake::engine_config("main"), Arc::new(venue.clone()), Box::new(disk))
        .strategy(crate::fake::strategy_id(), Box::new(leaver))
        .runtime(crate::rig::config());
    let node = start(account).live().await;
    until("it is told", || !heard.lock().unwrap().is_empty()).await;
    assert_eq!(heard.lock().unwrap()[0], 3);
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_strategy_asks_for_is_one_group_with_its_cursor() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let strategy = Scripted { buys_at_start: true, hedges_fills: true, ..Scripted::default() };
    let node = start(account(&venue, &disk, &strategy)).live().await;
    until("the order is open", || venue.with(|s| s.open.len()) == 1).await;
    venue.fill(&last_id(&venue));
    until("the hedge is at the venue", || venue.submits().len() == 2).await;
    let groups = disk.groups();
    let hedge = strategy.diary.asked()[1];
    let group = groups.iter().find(|g| g.iter().any(|r| matches!(r, exec_core::record::Record::Intent(i) if i.id == hedge)));
    assert!(matches!(group.unwrap()[0], exec_core::record::Record::Cursor { .. }), "{group:?}");
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_answer_is_unknown_and_asked_for() {
    let (venue, disk) = (Fake::new(), Disk::new());
    venue.with(|s| s.on_submit = OnSubmit::Hang);
    let strategy = Scripted { buys_at_start: true, ..Scripted::default() };
    let node = start(account(&venue, &disk, &strategy)).live().await;
    until("the order is out", || venue.submits().len() == 1).await;
    tokio::time::sleep(Duration::from_secs(14)).await;
    assert_eq!(venue.count(|c| matches!(c, Call::OrderStatus(_))), 0);
    until("the venue is asked", || venue.count(|c| matches!(c, Call::OrderStatus(_))) > 0).await;
    // Twice past the fence and absent: dead, and never sent again.
    let intent = strategy.diary.asked()[0];
    until("the doubt has ended", || strategy.diary.has(&Told::Status(intent, OrdStatus::Presumed))).await;
    assert_eq!(venue.submits().len(), 1);
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn prices_and_timers_reach_the_strategy() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let strategy = Scripted { timer_at_start: Some(5_000), ..Scripted::default() };
    let node = start(account(&venue, &disk, &strategy).prices(Arc::new(venue.clone()))).live().await;
    let quote = |bid: &str| Quote { bid: Some(price(bid)), ask: None, mark: None };
    for bid in ["99", "100", "101"] {
        venue.price(quote(bid));
    }
    settle().await;
    assert!(strategy.diary.has(&Told::Price(btc())));
    assert!(!strategy.diary.has(&Told::Timer(7)));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(strategy.diary.has(&Told::Timer(7)));
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn two_accounts_run_side_by_side() {
    let (first, second) = ((Fake::new(), Disk::new()), (Fake::new(), Disk::new()));
    let one = Scripted { buys_at_start: true, ..Scripted::default() };
    let two = Scripted::default();
    let node = Node::builder()
        .account(named("one", &first.0, &first.1, &one))
        .account(named("two", &second.0, &second.1, &two))
        .build()
        .unwrap();
    let handle = node.handle();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let task = tokio::spawn(node.run(stopped));
    for account in handle.accounts() {
        assert!(account.live().await);
    }
    until("the first one's order is out", || first.0.submits().len() == 1).await;
    settle().await;
    assert!(second.0.submits().is_empty());
    // One loses its stream; the other stays live.
    first.0.cut();
    settle().await;
    let phase = |name: &str| handle.account(&AccountId::new(name).unwrap()).unwrap().status().phase;
    assert_eq!((phase("one"), phase("two")), (Phase::Degraded, Phase::Live));
    stop.send(()).unwrap();
    let summary = task.await.unwrap().unwrap();
    let names: Vec<_> = summary.accounts.iter().map(|a| a.account.as_str()).collect();
    assert_eq!(names, ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn a_strategy_that_never_stops_asking_is_stopped_and_the_operator_is_heard() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let calls = Arc::default();
    let config = crate::fake::engine_config("main");
    let mad = Mad { calls: Arc::clone(&calls) };
    let account = Account::new(config, Arc::new(venue.clone()), Box::new(disk.clone()))
        .strategy(crate::fake::strategy_id(), Box::new(mad))
        .runtime(crate::rig::config());
    let node = start(account);
    until("it has been called often", || *calls.lock().unwrap() > 200).await;
    // The flood has not starved the operator, nor exits.
    let order = node.ask(submit("SELL", "0.1", "REDUCE")).await;
    assert_eq!(order["owner"], "operator test");
    until("the exit is at the venue", || venue.submits().len() == 1).await;
    until("it is stopped", || node.handle.alerts().0.iter().any(|a| a.alert.kind == "strategy_stopped")).await;
    settle().await;
    let called = *calls.lock().unwrap();
    settle().await;
    assert_eq!(*calls.lock().unwrap(), called);
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn promise_p23_a_clock_refusal_measures_the_clock_again() {
    use exec_core::venue::{RejectClass, Rejection};
    let (venue, disk) = (Fake::new(), Disk::new());
    let rejection = Rejection { class: RejectClass::Clock, code: -1021, text: "outside of the recvWindow".into() };
    venue.with(|s| s.on_submit = OnSubmit::Refuse(CommandError::Rejected(rejection)));
    let strategy = Scripted { buys_at_start: true, ..Scripted::default() };
    let begun = tokio::time::Instant::now();
    let node = start(account(&venue, &disk, &strategy).venue_clock(Arc::new(venue.clone()))).live().await;
    until("the order is refused", || venue.submits().len() == 1).await;
    settle().await;
    // Five samples at the start, and five when the venue refused.
    assert_eq!(venue.count(|c| *c == Call::Clock), 10);
    assert_eq!(node.handle.status().phase, Phase::Live);
    assert!(begun.elapsed() < Duration::from_secs(1), "it waited for the next measurement that was due anyway");
    node.stop().await.unwrap();
}
