//! The last look at the lease, where requests are signed: what changes something at the venue is not signed without it, what asks is.

use std::{sync::Arc, time::Duration};

use exchange_sim::AccountSpec;
use exec_core::{
    ids::RequestId,
    lease::LeaseGuard,
    terms::TimeInForce,
    time::VenueTime,
    units::{PositionMode, Side},
    venue::{
        AccountSetup, Batch, Cancel, CancelAll, CommandError, Countdown, DeadMansSwitch, ExecutionVenue, MarginType, VenueClock,
    },
};

use crate::world::{World, btc, limit, reference, terms};

fn not_covered<T: std::fmt::Debug>(result: Result<T, CommandError>) {
    assert!(matches!(&result, Err(CommandError::NotSent(why)) if why.contains("lease")), "{result:?}");
}

async fn world() -> (World, Arc<LeaseGuard>) {
    let guard = Arc::new(LeaseGuard::default());
    let asked = Arc::clone(&guard);
    let world = World::with(AccountSpec::default(), |settings| {
        settings.lease = Some(asked);
        settings.recv_window_ms = 2_000;
    });
    (world.await, guard)
}

async fn venue_now(world: &World) -> VenueTime {
    world.venue.read_clock().await.unwrap().venue_time((world.now)())
}

#[tokio::test(start_paused = true)]
async fn promise_p11_nothing_that_changes_anything_is_signed_without_a_lease() {
    let (world, guard) = world().await;
    guard.set(Some(venue_now(&world).await.plus_ms(60_000)));
    let gtc = || terms(&btc(), Side::Buy, "0.010", limit("20000", TimeInForce::Gtc));
    let resting = reference(&world.submit(gtc()).await.unwrap());
    let accepted = world.accepted();
    // It was covered when the engine looked; the process stood still, and it is dated now.
    tokio::time::sleep(Duration::from_secs(58)).await;
    not_covered(world.cancel(resting.clone()).await);
    not_covered(world.submit(gtc()).await);
    not_covered(world.replace(resting.clone(), Side::Buy, "0.010", "20001", 9).await);
    not_covered(world.venue.cancel_all(CancelAll { request: RequestId(2), instrument: btc() }).await);
    not_covered(world.venue.count_down(Countdown { request: RequestId(3), instrument: btc(), after_ms: 120_000 }).await);
    not_covered(world.venue.set_leverage(&btc(), 7).await);
    not_covered(world.venue.set_margin_type(&btc(), MarginType::Isolated).await);
    not_covered(world.venue.set_position_mode(PositionMode::Hedging).await);
    let cancel = || Cancel { request: RequestId(4), order: resting.clone() };
    for result in world.venue.batch(Batch::Cancel(vec![cancel(), cancel()])).await {
        not_covered(result);
    }
    assert_eq!(world.accepted(), accepted);
    assert!(world.venue.positions(&[btc()]).await.is_ok(), "questions need no lease");
    guard.set(Some(venue_now(&world).await.plus_ms(10_000)));
    world.cancel(resting).await.expect("the order still stands, and goes");
}

#[tokio::test(start_paused = true)]
async fn promise_p11_what_was_dated_under_the_lease_may_still_be_signed() {
    let (world, guard) = world().await;
    let attempt = world.attempt(terms(&btc(), Side::Buy, "0.010", limit("20000", TimeInForce::Gtc))).await;
    guard.set(Some(attempt.expires()));
    not_covered(world.venue.submit(attempt.clone()).await);
    guard.set(Some(attempt.expires().plus_ms(1)));
    tokio::time::sleep(Duration::from_millis(500)).await;
    world.venue.submit(attempt).await.expect("its window ends in time");
}
