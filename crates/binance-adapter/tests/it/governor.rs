//! Who is served while the weight of a minute runs out: the order of the priorities, through the adapter, against the exchange's counters.

use exec_core::{
    conversation::Urgency,
    terms::{OrderKind, TimeInForce},
    units::Side,
    venue::{ExecutionVenue, Lookup, OrderRef, QueryError},
};

use crate::world::{World, btc, limit, reference, terms};

async fn is_spent(venue: &dyn ExecutionVenue) -> bool {
    matches!(venue.positions(&[]).await, Err(QueryError::Unavailable(why)) if why.contains("Weight"))
}

#[tokio::test(start_paused = true)]
async fn defect_recovery_query_starved() {
    let world = World::netting().await;
    let placed = world.submit(terms(&btc(), Side::Buy, "0.010", limit("50000", TimeInForce::Gtc))).await.unwrap();
    let order: OrderRef = reference(&placed);
    let sweeps = world.venue.asking(Urgency::AtLeisure);
    let mut asked = 0;
    while !is_spent(&sweeps).await {
        asked += 1;
        assert!(asked < 1_000, "sweeps are never refused");
    }
    let found = world.venue.order_status(order.clone()).await;
    assert!(matches!(found, Ok(Lookup::Found(_))), "doubt must be answered while sweeps wait: {found:?}");
    assert!(world.venue.mass_status(&[btc()]).await.is_ok(), "and so must a recovery");
    while !is_spent(&world.venue).await {}
    assert!(world.cancel(order).await.is_ok(), "a cancel passes when nothing else does");
}

#[tokio::test(start_paused = true)]
async fn how_much_is_used_can_be_read() {
    let world = World::netting().await;
    world.submit(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await.unwrap();
    let used = world.venue.limits_used();
    let of = |name| *used.iter().find(|limit| limit.name == name).unwrap();
    assert_eq!((of("weight_1m").limit, of("orders_10s").limit, of("orders_1m").limit), (2_400, 300, 1_200));
    assert_eq!((of("orders_10s").used, of("orders_1m").used), (1, 1));
    assert!(of("weight_1m").used > 0 && of("weight_1m").held_until.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_leg_that_is_being_closed_is_read_when_no_other_question_is() {
    let world = World::netting().await;
    let placed = world.submit(terms(&btc(), Side::Buy, "0.010", limit("50000", TimeInForce::Gtc))).await.unwrap();
    while !is_spent(&world.venue).await {}
    let closing = world.venue.asking(Urgency::Exit);
    assert!(closing.positions(&[]).await.is_ok());
    assert!(world.cancel(reference(&placed)).await.is_ok(), "and leaves enough for cancels");
}
