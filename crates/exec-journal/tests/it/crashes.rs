//! Power losses and kills at any moment, also while recovering, again and again: what was acknowledged is there, in order, and nothing
//! that was never written.

use exec_journal::Durability;

use crate::model::{Seen, live};

fn lives(seeds: u64, durability: Durability) -> Seen {
    let mut seen = Seen::default();
    for seed in 0..seeds {
        if let Err(broken) = live(seed, durability, None, &mut seen) {
            panic!("{broken}");
        }
    }
    // The run is worth something only if all of this happened.
    assert!(seen.losses_while_opening > seeds / 10, "{seen:?}");
    assert!(seen.power_losses > seeds, "{seen:?}");
    assert!(seen.kills > seeds / 2, "{seen:?}");
    assert!(seen.closes > seeds / 2, "{seen:?}");
    assert!(seen.cuts > seeds / 10, "{seen:?}");
    assert!(seen.truncations > seeds / 10, "{seen:?}");
    assert!(seen.several_segments > seeds, "{seen:?}");
    seen
}

#[test]
fn promise_p13_acknowledged_records_survive_any_crash_in_order() {
    lives(2500, Durability::Sync);
}

#[test]
fn without_syncs_a_kill_loses_nothing_and_a_power_cut_leaves_a_prefix() {
    lives(1000, Durability::Os);
}

#[test]
fn a_disk_that_lies_about_one_of_eight_syncs_is_noticed() {
    let mut seen = Seen::default();
    let broken = (0..500).filter(|seed| live(*seed, Durability::Sync, Some(8), &mut seen).is_err()).count();
    assert!(broken > 100, "only {broken} of 500 lies were noticed");
}
