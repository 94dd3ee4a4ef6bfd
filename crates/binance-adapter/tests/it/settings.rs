//! Settings of the account: read, set, set again, refused.

use exchange_sim::face::{Answer, Fault, FaultKind, RequestFault, RequestFilter};
use exec_core::{
    terms::OrderKind,
    time::VenueTime,
    units::{PositionMode, Side},
    venue::{AccountSetup, CommandError, MarginType, VenueClock},
};

use crate::world::{World, btc, chinese, terms};

#[tokio::test(start_paused = true)]
async fn the_position_mode_is_read_and_set_while_flat() {
    let world = World::netting().await;
    assert_eq!(world.venue.position_mode().await.unwrap(), PositionMode::Netting);
    world.venue.set_position_mode(PositionMode::Netting).await.expect("what is so already is a success");
    world.venue.set_position_mode(PositionMode::Hedging).await.unwrap();
    assert_eq!(world.venue.position_mode().await.unwrap(), PositionMode::Hedging);
    world.venue.set_position_mode(PositionMode::Netting).await.unwrap();
    world.submit(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await.unwrap();
    let refused = world.venue.set_position_mode(PositionMode::Hedging).await;
    assert!(matches!(refused, Err(CommandError::Rejected(ref r)) if r.code == -4068), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn whether_all_assets_are_margin_is_read_as_it_is_set_at_the_venue() {
    let world = World::netting().await;
    assert_eq!(world.venue.multi_assets().await.unwrap(), Some(false));
    let by_hand = r#"{"key":"KEY","method":"POST","path":"/fapi/v1/multiAssetsMargin","params":{"multiAssetsMargin":"true"}}"#;
    let (status, text) = world.face.operate("POST", "as", "", &by_hand.replace("KEY", crate::world::KEY));
    assert_eq!(status, 200, "{text}");
    assert_eq!(world.venue.multi_assets().await.unwrap(), Some(true));
}

#[tokio::test(start_paused = true)]
async fn leverage_and_margin_type_are_set_per_symbol() {
    let world = World::netting().await;
    world.venue.set_leverage(&chinese(), 7).await.unwrap();
    world.venue.set_leverage(&chinese(), 7).await.unwrap();
    world.venue.set_margin_type(&chinese(), MarginType::Isolated).await.unwrap();
    world.venue.set_margin_type(&chinese(), MarginType::Isolated).await.expect("what is so already is a success");
    let settings = world.venue.instrument_settings(&[chinese(), btc()]).await.unwrap();
    assert_eq!((settings[0].leverage, settings[0].margin_type), (Some(7), Some(MarginType::Isolated)));
    assert_eq!((settings[1].instrument.clone(), settings[1].margin_type), (btc(), Some(MarginType::Cross)));
    let refused = world.venue.set_leverage(&btc(), 1000).await;
    assert!(matches!(refused, Err(CommandError::Rejected(_))), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn the_rights_of_the_key_are_read() {
    let world = World::netting().await;
    let rights = world.venue.key_rights().await.unwrap().unwrap();
    assert!(rights.read && rights.trade && rights.bound_to_addresses && !rights.withdraw, "{rights:?}");
    let flags =
        r#"{"key":"KEY","flags":{"enableWithdrawals":true,"permitsUniversalTransfer":true,"ipRestrict":false,"enableNew":true}}"#;
    let (status, text) = world.face.operate("POST", "key/rights", "", &flags.replace("KEY", crate::world::KEY));
    assert_eq!(status, 200, "{text}");
    let rights = world.venue.key_rights().await.unwrap().unwrap();
    assert!(rights.withdraw && !rights.bound_to_addresses);
    assert_eq!((rights.transfers, rights.unknown), (vec!["permitsUniversalTransfer".to_owned()], vec!["enableNew".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_wallet_that_refuses_says_nothing_of_the_key() {
    let world = World::netting().await;
    for (status, body) in [(403, "<html>Forbidden</html>"), (401, r#"{"code":-2015,"msg":"Invalid API-key"}"#), (200, "{}")] {
        let filter = RequestFilter { path: Some("/sapi/v1/account/apiRestrictions".into()), ..RequestFilter::default() };
        let fault = RequestFault::ErrorBefore(Answer { status, body: body.into() });
        world.face.arm(Fault { kind: FaultKind::Request(filter, fault), nth: 1, times: 1 });
        assert!(world.venue.key_rights().await.is_err(), "{status}");
    }
    world.venue.key_rights().await.expect("and the next answer is one");
    world.venue.position_mode().await.expect("the venue itself was never asked");
}

#[tokio::test(start_paused = true)]
async fn the_clock_is_read_with_its_error() {
    let world = World::netting().await;
    let reading = world.venue.read_clock().await.unwrap();
    let venue = world.face.with_exchange(|_, now| now);
    let off = reading.venue_time((world.now)()).0 - venue;
    assert!(off.unsigned_abs() <= reading.error_ms, "{reading:?} is off by {off} ms");
    assert!(reading.error_ms <= 2);
    assert!(reading.venue_time((world.now)()) > VenueTime(0));
}
