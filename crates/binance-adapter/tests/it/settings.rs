//! Settings of the account: read, set, set again, refused.

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
async fn the_clock_is_read_with_its_error() {
    let world = World::netting().await;
    let reading = world.venue.read_clock().await.unwrap();
    let venue = world.face.with_exchange(|_, now| now);
    let off = reading.venue_time((world.now)()).0 - venue;
    assert!(off.unsigned_abs() <= reading.error_ms, "{reading:?} is off by {off} ms");
    assert!(reading.error_ms <= 2);
    assert!(reading.venue_time((world.now)()) > VenueTime(0));
}
