//! What the key may do, and settings that somebody changes while the node runs.

use crate::{
    disk::Disk,
    fake::{Call, Fake, btc},
    rig::{Scripted, account, start, until},
};
use exec_core::{
    conversation::Phase,
    report::ReportBody,
    start_report::Shut,
    venue::{KeyRights, QueryError, RejectClass, Rejection},
};
use exec_runtime::{Account, AccountError, AccountSettings, KeyRules, NodeError, OnDifference, StartError};
use std::{sync::Arc, time::Duration};

fn sound() -> KeyRights {
    KeyRights { read: true, trade: true, bound_to_addresses: true, ..KeyRights::default() }
}

fn strict() -> AccountSettings {
    AccountSettings { key: KeyRules { strict: true, allow_any_ip: false }, ..AccountSettings::default() }
}

fn with(venue: &Fake, settings: AccountSettings) -> Account {
    account(venue, &Disk::new(), &Scripted::default()).setup(Arc::new(venue.clone()), settings)
}

fn says(venue: &Fake, rights: KeyRights) {
    venue.with(|s| s.rights = Ok(Some(rights)));
}

#[tokio::test(start_paused = true)]
async fn promise_p10_a_key_with_too_much_power_stops_a_production_start() {
    let cases = [
        (KeyRights { withdraw: true, ..sound() }, "withdraw"),
        (KeyRights { transfers: vec!["enableInternalTransfer".into()], ..sound() }, "enableInternalTransfer"),
        (KeyRights { transfers: vec!["permitsUniversalTransfer".into()], ..sound() }, "permitsUniversalTransfer"),
        (KeyRights { bound_to_addresses: false, ..sound() }, "any address"),
    ];
    for (rights, told) in cases {
        let venue = Fake::new();
        says(&venue, rights.clone());
        let ended = start(with(&venue, strict())).task.await.unwrap();
        let Err(NodeError::Account { error: AccountError::Start(StartError::KeyPowers(why)), .. }) = ended else {
            panic!("{told}: it started")
        };
        assert!(why.len() == 1 && why[0].contains(told), "{why:?}");
        assert_eq!(venue.count(|c| *c == Call::OpenFeed), 0, "nothing was opened");
        // Elsewhere it is told, and the node trades.
        let node = start(with(&venue, AccountSettings::default())).live().await;
        assert!(node.handle.alerts().0.iter().any(|a| a.alert.kind == "key_powers" && a.alert.text.contains(told)));
        assert_eq!(node.handle.status().report.unwrap().key, Some(rights));
        node.stop().await.unwrap();
    }
    let venue = Fake::new();
    says(&venue, KeyRights { bound_to_addresses: false, ..sound() });
    let node =
        start(with(&venue, AccountSettings { key: KeyRules { strict: true, allow_any_ip: true }, ..strict() })).live().await;
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_power_that_nobody_knows_is_told_and_stops_nothing() {
    let venue = Fake::new();
    says(&venue, KeyRights { unknown: vec!["enableMoonTravel".into()], ..sound() });
    let node = start(with(&venue, strict())).live().await;
    assert!(node.handle.alerts().0.iter().any(|a| a.alert.text.contains("enableMoonTravel")));
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wallet_that_does_not_answer_is_an_alert_and_never_a_latch() {
    let refused = QueryError::Refused(Rejection { class: RejectClass::Auth, code: -2015, text: "no".into() });
    for error in [QueryError::Unavailable("no route".into()), QueryError::Malformed("?".into()), refused] {
        let venue = Fake::new();
        venue.with(|s| s.rights = Err(error));
        let node = start(with(&venue, strict())).live().await;
        let alerts = || node.handle.alerts().0.iter().filter(|a| a.alert.kind == "key_audit_failed").count();
        assert_eq!(alerts(), 1);
        tokio::time::sleep(Duration::from_secs(3_700)).await;
        assert_eq!((alerts(), node.handle.status().phase), (2, Phase::Live));
        node.stop().await.unwrap();
    }
    // A venue that has nothing to say of keys is not complained about.
    let venue = Fake::new();
    let node = start(with(&venue, strict())).live().await;
    assert!(node.handle.alerts().0.iter().all(|a| !a.alert.kind.starts_with("key")));
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_right_to_trade_that_is_lost_shuts_the_gate_within_the_hour_until_it_is_back() {
    let venue = Fake::new();
    says(&venue, sound());
    let node = start(with(&venue, strict())).live().await;
    says(&venue, KeyRights { trade: false, ..sound() });
    tokio::time::sleep(Duration::from_secs(3_601)).await;
    until("the gate is shut", || node.handle.status().phase == Phase::Degraded).await;
    assert_eq!(node.handle.status().report.unwrap().shut, [Shut::KeyMayNotTrade]);
    // More power than at the start is told, and ends no node that runs.
    says(&venue, KeyRights { withdraw: true, ..sound() });
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    until("the gate is open", || node.handle.status().phase == Phase::Live).await;
    assert!(node.handle.alerts().0.iter().any(|a| a.alert.kind == "key_powers"));
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_leverage_changed_by_hand_shuts_the_gate_at_once_until_it_is_changed_back() {
    let venue = Fake::new();
    let settings = AccountSettings { leverages: [(btc(), 5)].into(), ..AccountSettings::default() };
    let node = start(with(&venue, settings)).live().await;
    let changed = |leverage| {
        venue.with(|s| s.leverage = leverage);
        venue.report(ReportBody::Leverage { instrument: btc(), leverage });
    };
    changed(20);
    until("the gate is shut", || node.handle.status().phase == Phase::Degraded).await;
    let text = "leverage of BTCUSDT-PERP.FAKE is 20, and the config says 5";
    assert_eq!(node.handle.status().report.unwrap().shut, [Shut::Setting(text.into())]);
    assert!(node.handle.alerts().0.iter().any(|a| a.alert.kind == "setting_differs"));
    changed(5);
    until("the gate is open", || node.handle.status().phase == Phase::Live).await;
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_difference_that_the_start_let_stand_shuts_nothing_and_the_next_one_does() {
    let venue = Fake::new();
    venue.with(|s| s.leverage = 3);
    let settings = AccountSettings {
        apply: exec_runtime::Apply::Never,
        on_difference: OnDifference::Warn,
        leverages: [(btc(), 5)].into(),
        ..AccountSettings::default()
    };
    let node = start(with(&venue, settings)).live().await;
    venue.with(|s| s.leverage = 50);
    venue.report(ReportBody::Leverage { instrument: btc(), leverage: 50 });
    until("the gate is shut", || node.handle.status().phase == Phase::Degraded).await;
    node.stop().await.unwrap();
}
