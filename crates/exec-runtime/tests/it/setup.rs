//! The start: settings compared and set, the clock measured, builds refused.

use crate::{
    disk::Disk,
    fake::{Call, Fake, btc, engine_config, position},
    rig::{Scripted, account, config, named, settle, start, until},
};
use exec_core::{
    conversation::Phase,
    ids::{InstrumentId, StrategyId},
    report::ReportBody,
    time::ClockReading,
    units::PositionMode,
    venue::{MarginType, QueryError},
};
use exec_runtime::{
    Account, AccountError, AccountSettings, Apply, BuildError, Node, NodeError, OnDifference, RuntimeConfig, StartError,
};
use std::{sync::Arc, time::Duration};

fn settings(apply: Apply) -> AccountSettings {
    AccountSettings { apply, leverages: [(btc(), 5)].into(), ..AccountSettings::default() }
}

fn with_settings(venue: &Fake, settings: AccountSettings) -> Account {
    account(venue, &Disk::new(), &Scripted::default()).setup(Arc::new(venue.clone()), settings)
}

fn hold_a_position(venue: &Fake) {
    venue.with(|s| s.positions.push(position("1".parse().unwrap())));
}

async fn refused(account: Account) -> StartError {
    let ended = tokio::time::timeout(Duration::from_secs(600), start(account).task).await.expect("a node that ends");
    let Err(NodeError::Account { error: AccountError::Start(error), .. }) = ended.unwrap() else { panic!("it started") };
    error
}

#[tokio::test(start_paused = true)]
async fn another_position_mode_stops_the_start() {
    let venue = Fake::new();
    venue.with(|s| s.mode = PositionMode::Hedging);
    let error = refused(with_settings(&venue, AccountSettings::default())).await;
    assert_eq!(error, StartError::PositionMode { config: PositionMode::Netting, venue: PositionMode::Hedging });
    assert_eq!(venue.count(|c| *c == Call::OpenFeed), 0);
    // It may be set, but not with a position.
    let apply = AccountSettings { apply_position_mode: true, ..AccountSettings::default() };
    hold_a_position(&venue);
    assert_eq!(refused(with_settings(&venue, apply.clone())).await, error);
    venue.with(|s| s.positions.clear());
    let node = start(with_settings(&venue, apply)).live().await;
    assert_eq!(venue.count(|c| *c == Call::SetMode(PositionMode::Netting)), 1);
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn leverage_is_set_when_flat_and_never_told_only() {
    let venue = Fake::new();
    let node = start(with_settings(&venue, settings(Apply::WhenFlat))).live().await;
    assert_eq!(venue.count(|c| *c == Call::SetLeverage(btc(), 5)), 1);
    node.stop().await.unwrap();

    let venue = Fake::new();
    hold_a_position(&venue);
    let error = refused(with_settings(&venue, settings(Apply::WhenFlat))).await;
    assert!(matches!(error, StartError::Setting { setting: "leverage", .. }), "{error}");
    let told = AccountSettings { on_difference: OnDifference::Warn, ..settings(Apply::WhenFlat) };
    let node = start(with_settings(&venue, told)).live().await;
    assert!(node.handle.alerts().0.iter().any(|a| a.alert.kind == "account_differs"));
    assert_eq!(venue.count(|c| matches!(c, Call::SetLeverage(..))), 0);
    node.stop().await.unwrap();

    let node = start(with_settings(&venue, settings(Apply::Always))).live().await;
    assert_eq!(venue.count(|c| matches!(c, Call::SetLeverage(..))), 1);
    node.stop().await.unwrap();
}

fn both(apply: Apply) -> AccountSettings {
    let margin_types = [(btc(), MarginType::Isolated)].into();
    AccountSettings { margin_types, apply_position_mode: true, ..settings(apply) }
}

fn sets(venue: &Fake) -> Vec<Call> {
    let sets = |call: &&Call| matches!(call, Call::SetMode(_) | Call::SetLeverage(..) | Call::SetMarginType(..));
    venue.with(|s| s.calls.iter().filter(sets).cloned().collect())
}

/// An account that keeps legs, has nothing open, and is set otherwise than wanted in everything.
fn unlike() -> Fake {
    let venue = Fake::new();
    venue.with(|s| s.mode = PositionMode::Hedging);
    venue
}

#[tokio::test(start_paused = true)]
async fn never_sets_nothing_even_when_flat() {
    let venue = unlike();
    let error = refused(with_settings(&venue, both(Apply::Never))).await;
    assert!(matches!(error, StartError::PositionMode { .. }), "{error}");
    venue.with(|s| s.mode = PositionMode::Netting);
    let error = refused(with_settings(&venue, both(Apply::Never))).await;
    assert!(matches!(error, StartError::Setting { setting: "margin type", .. }), "{error}");
    assert_eq!(sets(&venue), []);
}

#[tokio::test(start_paused = true)]
async fn when_flat_sets_mode_then_margin_type_then_leverage() {
    let venue = unlike();
    let node = start(with_settings(&venue, both(Apply::WhenFlat))).live().await;
    let mode = Call::SetMode(PositionMode::Netting);
    assert_eq!(sets(&venue), [mode, Call::SetMarginType(btc(), MarginType::Isolated), Call::SetLeverage(btc(), 5)]);
    node.stop().await.unwrap();
    // What is so already is not set again.
    let node = start(with_settings(&venue, both(Apply::WhenFlat))).live().await;
    assert_eq!(sets(&venue).len(), 3);
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn when_flat_an_order_of_the_instrument_holds_its_settings_and_any_position_the_mode() {
    let venue = Fake::new();
    // An order that stands from before.
    let buys = Scripted { buys_at_start: true, ..Scripted::default() };
    let node = start(account(&venue, &Disk::new(), &buys)).live().await;
    until("it rests", || venue.with(|s| s.open.len()) == 1).await;
    node.stop().await.unwrap();
    assert_eq!(venue.with(|s| s.open.len()), 1, "it is left at the venue");
    let error = refused(with_settings(&venue, both(Apply::WhenFlat))).await;
    assert!(matches!(error, StartError::Setting { .. }), "{error}");
    assert_eq!(sets(&venue), []);
    venue.with(|s| s.open.clear());
    let elsewhere = InstrumentId::new("ETHUSDT-PERP.FAKE").unwrap();
    let moved = |s: &mut crate::fake::State| s.positions.iter_mut().for_each(|p| p.instrument = elsewhere.clone());
    // A position in another instrument leaves this one flat; the mode is the whole account's.
    hold_a_position(&venue);
    venue.with(moved);
    let told = AccountSettings { apply_position_mode: false, ..both(Apply::WhenFlat) };
    let node = start(with_settings(&venue, told)).live().await;
    assert_eq!(sets(&venue), [Call::SetMarginType(btc(), MarginType::Isolated), Call::SetLeverage(btc(), 5)]);
    node.stop().await.unwrap();
    venue.with(|s| s.mode = PositionMode::Hedging);
    let error = refused(with_settings(&venue, both(Apply::WhenFlat))).await;
    assert!(matches!(error, StartError::PositionMode { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn always_sets_everything_over_a_position_and_leaves_the_rest_to_the_venue() {
    let venue = unlike();
    hold_a_position(&venue);
    let _node = start(with_settings(&venue, both(Apply::Always)));
    until("everything is set", || sets(&venue).len() == 3).await;
    // The mode of the other product changes with it, so it takes its own word.
    let venue = unlike();
    hold_a_position(&venue);
    let error = refused(with_settings(&venue, AccountSettings { apply_position_mode: false, ..both(Apply::Always) })).await;
    assert!(matches!(error, StartError::PositionMode { .. }), "{error}");
    assert_eq!(sets(&venue), []);
}

#[tokio::test(start_paused = true)]
async fn another_multi_assets_mode_stops_the_start_or_is_told_and_is_never_set() {
    for (found, wanted) in [(true, false), (false, true)] {
        let venue = Fake::new();
        venue.with(|s| s.multi_assets = Some(found));
        let strict = AccountSettings { multi_assets: wanted, apply: Apply::Always, ..AccountSettings::default() };
        let error = refused(with_settings(&venue, strict.clone())).await;
        assert_eq!(error, StartError::MultiAssets { venue: found });
        assert_eq!(venue.count(|c| *c == Call::OpenFeed), 0);
        let told = AccountSettings { on_difference: OnDifference::Warn, ..strict.clone() };
        let node = start(with_settings(&venue, told)).live().await;
        assert!(node.handle.alerts().0.iter().any(|a| a.alert.kind == "account_differs"));
        node.stop().await.unwrap();
        venue.with(|s| s.multi_assets = Some(wanted));
        start(with_settings(&venue, strict)).live().await.stop().await.unwrap();
        assert_eq!(sets(&venue), []);
    }
    // A venue without such a mode differs in nothing.
    let venue = Fake::new();
    venue.with(|s| s.multi_assets = None);
    start(with_settings(&venue, AccountSettings { multi_assets: true, ..AccountSettings::default() }))
        .live()
        .await
        .stop()
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn multi_assets_mode_changed_by_hand_shuts_the_gate_until_it_is_changed_back() {
    let venue = Fake::new();
    let node = start(with_settings(&venue, AccountSettings::default())).live().await;
    for (now, phase) in [(true, Phase::Degraded), (false, Phase::Live)] {
        venue.with(|s| s.multi_assets = Some(now));
        venue.report(ReportBody::Setting { text: format!("multiAssetsMargin={now}") });
        until("the gate has followed", || node.handle.status().phase == phase).await;
    }
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_best_of_several_clock_samples_is_taken() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let reading = |error_ms| Ok(ClockReading { offset_ms: 3, error_ms });
    // The engine wants 500 ms; only the best sample is good enough.
    venue.with(|s| s.clocks.extend([reading(900), reading(40), reading(700), reading(800), reading(600)]));
    let node = start(account(&venue, &disk, &Scripted::default()).venue_clock(Arc::new(venue.clone())));
    // The next measurement is a minute away.
    settle().await;
    assert_eq!(node.handle.status().phase, Phase::Live);
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_venue_that_cannot_be_reached_is_tried_again() {
    let (venue, disk) = (Fake::new(), Disk::new());
    venue.with(|s| s.clocks.extend((0..3).map(|_| Err(QueryError::Unavailable("no route".into())))));
    let node = start(account(&venue, &disk, &Scripted::default()).venue_clock(Arc::new(venue.clone())));
    settle().await;
    assert_eq!((node.handle.status().phase, venue.count(|c| *c == Call::Clock)), (Phase::Connecting, 1));
    let node = node.live().await;
    assert!(node.handle.alerts().0.iter().any(|a| a.alert.kind == "clock_unknown"));
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn changed_instruments_are_read_again() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let runtime = RuntimeConfig { instruments_interval: Duration::from_secs(300), ..config() };
    let node = start(account(&venue, &disk, &Scripted::default()).runtime(runtime)).live().await;
    tokio::time::sleep(Duration::from_secs(601)).await;
    assert_eq!(node.handle.status().phase, Phase::Live);
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_account_that_fails_brings_the_others_to_their_end() {
    let (good, bad) = (Fake::new(), Fake::new());
    bad.with(|s| s.mode = PositionMode::Hedging);
    let node = Node::builder()
        .account(named("good", &good, &Disk::new(), &Scripted::default()))
        .account(named("bad", &bad, &Disk::new(), &Scripted::default()).setup(Arc::new(bad.clone()), AccountSettings::default()))
        .build()
        .unwrap();
    let ended = node.run(std::future::pending::<()>()).await;
    let Err(NodeError::Account { account, others, .. }) = ended else { panic!("{ended:?}") };
    assert_eq!((account.as_str(), others.accounts[0].account.as_str()), ("bad", "good"));
    assert!(others.is_clean());
}

#[test]
fn what_does_not_fit_together_is_not_built() {
    let venue = Fake::new();
    let main = || account(&venue, &Disk::new(), &Scripted::default());
    assert_eq!(Node::builder().build().err(), Some(BuildError::NoAccount));
    let twice = Node::builder().account(main()).account(main()).build().err();
    assert_eq!(twice, Some(BuildError::AccountTwice(engine_config("main").account)));
    let stranger = StrategyId::new("nobody").unwrap();
    let unknown = main().strategy(stranger, Box::new(Scripted::default()));
    assert!(matches!(Node::builder().account(unknown).build().err(), Some(BuildError::StrategyUnknown { .. })));
    let again = main().strategy(crate::fake::strategy_id(), Box::new(Scripted::default()));
    assert!(matches!(Node::builder().account(again).build().err(), Some(BuildError::StrategyTwice { .. })));
}

#[tokio::test(start_paused = true)]
async fn settings_are_read_at_the_start_and_at_every_change() {
    let venue = Fake::new();
    let read = || venue.count(|c| *c == Call::Settings(vec![btc()]));
    let node = start(with_settings(&venue, AccountSettings::default())).live().await;
    assert_eq!(read(), 1, "before the stream is open");
    // What the venue says of a change, then several at once.
    venue.with(|s| s.leverage = 7);
    venue.report(ReportBody::Leverage { instrument: btc(), leverage: 7 });
    until("it is read again", || read() == 2).await;
    for _ in 0..50 {
        venue.report(ReportBody::Setting { text: "multiAssetsMargin=false".into() });
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(read(), 3, "a storm of changes is one question");
    // A stream that was lost may have lost a change with it.
    venue.cut();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(read(), 4);
    tokio::time::sleep(Duration::from_secs(3_601)).await;
    assert_eq!(read(), 5, "and every hour");
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn settings_that_cannot_be_read_hold_nothing_up() {
    let venue = Fake::new();
    venue.with(|s| s.settings_errors = 3);
    let node = start(with_settings(&venue, AccountSettings::default())).live().await;
    assert!(node.handle.alerts().0.iter().any(|a| a.alert.kind == "settings_unknown"));
    until("they are asked for until they are there", || venue.count(|c| matches!(c, Call::Settings(_))) == 4).await;
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_clock_is_measured_again_every_minute() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let node = start(account(&venue, &disk, &Scripted::default()).venue_clock(Arc::new(venue.clone()))).live().await;
    settle().await;
    let before = venue.count(|c| *c == Call::Clock);
    tokio::time::sleep(Duration::from_secs(61)).await;
    until("it is measured", || venue.count(|c| *c == Call::Clock) > before).await;
    node.stop().await.unwrap();
}
