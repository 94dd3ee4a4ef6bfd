//! A sample of the same orders through the adapter's own encoding and the exchange's door: what it writes means what we checked.

use std::{collections::BTreeSet, time::Duration};

use binance_adapter::rules::{CORE, TABLE};
use exchange_sim::ApiError;
use exec_core::{
    report::Quote,
    rules::{Case, Depends},
    terms::{Intention, Terms},
    units::{PositionMode, Qty},
    venue::{CancelAll, CommandError, ExecutionVenue, VenueClock},
};

use super::{
    judge::{compare, verdict},
    market::Who,
    orders::{QUANTITIES, SELF_TRADES, Stance, kinds, plain_kinds, stances},
};
use crate::world::{World, btc};

/// Codes that turn on what this test does not tell us: prices, positions, counts and funds.
fn of_state() -> BTreeSet<i64> {
    let table = TABLE.iter().filter(|rule| rule.depends == Depends::State).map(|rule| rule.code);
    let core = CORE.iter().filter(|check| check.depends == Depends::State).flat_map(|check| check.codes.iter().copied());
    table.chain(core).chain([-2019, -2020, -4130, -5041]).collect()
}

/// A spread of everything that can be asked of one flat account.
fn sample(now: i64, who: Who) -> Vec<Terms> {
    let (id, kinds) = (btc(), kinds(now));
    let mut sample = Vec::new();
    let mine: Vec<Stance> = stances().into_iter().filter(|stance| stance.who == who).collect();
    for (index, stance) in mine.iter().enumerate() {
        // Other kinds for each stance, so that together they are all.
        let step = mine.len() * 2;
        sample.extend(kinds.iter().skip(index).step_by(step).map(|kind| stance.terms(&id, *kind)));
        for (nth, kind) in plain_kinds(stance.side).into_iter().enumerate() {
            let plain = stance.terms(&id, kind);
            let stp = SELF_TRADES[nth % SELF_TRADES.len()];
            let qty = QUANTITIES[(nth + index) % QUANTITIES.len()].map(|text| text.parse::<Qty>().unwrap());
            sample.push(Terms { stp, ..plain.clone() });
            sample.push(Terms { qty, ..plain });
        }
    }
    // A quantity beside close-all is never written, so the door cannot refuse it.
    sample.retain(|terms| terms.intention != Intention::CloseAll || terms.qty.is_none());
    sample
}

async fn through_the_door(world: World, who: Who) {
    world.flow(false);
    let instrument = world.venue.instruments().await.unwrap().into_iter().find(|it| it.id == btc()).unwrap();
    let state = of_state();
    let start = world.venue.read_clock().await.unwrap().venue_time((world.now)());
    let sample = sample(start.0, who);
    let (mut taken, mut refused, mut unsaid) = (0, 0, 0);
    for (index, terms) in sample.into_iter().enumerate() {
        // Within the venue's budget, and below its limits of open orders.
        tokio::time::sleep(Duration::from_millis(70)).await;
        if index % 50 == 49 {
            let request = exec_core::ids::RequestId(1);
            world.venue.cancel_all(CancelAll { request, instrument: btc() }).await.unwrap();
        }
        let now = world.venue.read_clock().await.unwrap().venue_time((world.now)());
        let case = Case {
            terms: &terms,
            instrument: &instrument,
            mode: who.mode(),
            quote: Quote::default(),
            held: None,
            open_orders: 0,
            open_conditionals: 0,
            notional_max: None,
            now,
        };
        let ours = verdict(&case, world.venue.profile());
        match world.submit(terms.clone()).await {
            Ok(_) => {
                taken += 1;
                assert!(!ours.refused || ours.ours_alone, "taken, and we say {:?}: {terms:?}", ours.reasons);
            }
            Err(CommandError::Rejected(refusal)) => {
                refused += 1;
                let theirs = Err(ApiError::new(i32::try_from(refusal.code).unwrap(), refusal.text));
                let by_state = state.contains(&refusal.code);
                if !by_state && !ours.ours_alone {
                    compare(&ours, &theirs).unwrap_or_else(|difference| panic!("{difference}: {terms:?}"));
                }
            }
            // What has no words at the venue is not encoded, and was refused before that.
            Err(CommandError::NotSent(why)) => {
                unsaid += 1;
                assert!(ours.refused, "{why}: {terms:?}");
            }
            Err(error @ CommandError::Unknown { .. }) => panic!("{error}: {terms:?}"),
        }
    }
    let counts = format!("taken {taken}, refused {refused}, not encoded {unsaid}");
    assert!(taken > 100 && refused > 300, "{who:?}: {counts}");
}

#[tokio::test(start_paused = true)]
async fn what_is_written_means_what_was_checked_one_way() {
    through_the_door(World::netting().await, Who::NetFlat).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_written_means_what_was_checked_in_hedge_mode() {
    through_the_door(World::hedging().await, Who::HedgeFlat).await;
}

#[tokio::test(start_paused = true)]
async fn the_profile_carries_the_table() {
    let world = World::netting().await;
    let profile = world.venue.profile();
    assert_eq!(profile.rules, TABLE);
    assert!(profile.conditional && profile.modes.contains(&PositionMode::Hedging));
}
