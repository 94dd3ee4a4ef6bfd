//! The dead-man's switch against the exchange: a node that dies, one that ends on purpose, and one that lives and sees nothing.

use crate::pair::{Pair, btc, engine_config};
use exchange_sim::config::AlgoConfig;
use exec_core::{
    conversation::Input,
    engine::config::{DeadMan, EngineConfig, StreamCare},
    ids::IntentId,
    terms::{Intention, OrderKind, Terms, TimeInForce, Trigger, TriggerBy},
    units::{PositionMode, PositionSide, Side},
};
use exec_testkit::fixtures::qty;

const MODES: [(PositionMode, PositionSide); 2] =
    [(PositionMode::Netting, PositionSide::Net), (PositionMode::Hedging, PositionSide::Long)];
const COUNTDOWN_MS: u64 = 10_000;
const REFRESH_MS: u64 = 2_500;

fn covered(mode: PositionMode) -> EngineConfig {
    let dead_man = DeadMan { instruments: vec![btc()], countdown_ms: COUNTDOWN_MS, refresh_ms: REFRESH_MS, ..DeadMan::default() };
    EngineConfig { dead_man, ..engine_config(mode) }
}

struct Placed {
    entry: IntentId,
    profit: IntentId,
    stop: IntentId,
}

/// A long with a resting entry, a resting take-profit and a stop.
fn placed(pair: &mut Pair, leg: PositionSide) -> Placed {
    let terms = |side, intention, amount: &str, kind| Terms {
        instrument: btc(),
        side,
        leg,
        intention,
        qty: Some(qty(amount)),
        kind,
        stp: None,
    };
    let rest = |pair: &Pair, per_mille| OrderKind::Limit { price: pair.price(per_mille).into(), tif: TimeInForce::Gtc };
    pair.submit(terms(Side::Buy, Intention::Open, "0.010", OrderKind::Market));
    pair.wait(200);
    let trigger = Trigger { price: pair.price(800), by: TriggerBy::Mark, price_protect: false };
    let (low, high) = (rest(pair, 960), rest(pair, 1_040));
    let entry = pair.submit(terms(Side::Buy, Intention::Open, "0.010", low));
    let profit = pair.submit(terms(Side::Sell, Intention::Reduce, "0.010", high));
    let stop = pair.submit(terms(Side::Sell, Intention::Reduce, "0.010", OrderKind::StopMarket { trigger }));
    pair.wait(200);
    Placed { entry, profit, stop }
}

fn stands(pair: &mut Pair, intent: IntentId) -> bool {
    let now = pair.now_ms;
    let ids: Vec<_> = pair.order(intent).attempts().keys().copied().collect();
    let open = pair.desk.mass_status(now, &[btc()]).expect("a status").open_orders;
    open.iter().any(|o| o.cl_ord_id.is_some_and(|id| ids.contains(&id)))
}

#[test]
fn promise_p09_a_node_that_dies_leaves_no_entry_behind() {
    for (mode, leg) in MODES {
        // Between two signs of life, at one, and just before one.
        for lived_ms in [0, 700, 2_400, 2_500, 7_000] {
            let what = format!("{mode:?} lived {lived_ms} ms");
            let mut pair = Pair::with(covered(mode), AlgoConfig::default());
            let placed = placed(&mut pair, leg);
            pair.wait(lived_ms);
            pair.die();
            pair.wait((COUNTDOWN_MS - REFRESH_MS) as i64 - 500);
            assert!(stands(&mut pair, placed.entry), "{what}: too early");
            pair.wait(REFRESH_MS as i64 + 500 + 1_000);
            assert!(!stands(&mut pair, placed.entry), "{what}: the entry");
            assert!(!stands(&mut pair, placed.profit), "{what}: the resting take-profit goes with it");
            assert!(stands(&mut pair, placed.stop), "{what}: the stop stays");
            // The next start finds all of it out, and says by what.
            pair.restart_after(1_000);
            pair.wait(15_000);
            assert!(pair.order(placed.entry).status().is_ended(), "{what}");
            assert!(pair.alerted("dead_man_fired"), "{what}");
            pair.agree(&what);
        }
    }
}

#[test]
fn a_node_that_ends_on_purpose_leaves_what_it_wants_to_leave() {
    for (mode, leg) in MODES {
        let mut pair = Pair::with(covered(mode), AlgoConfig::default());
        let placed = placed(&mut pair, leg);
        pair.give(Input::Drain);
        pair.wait(1_000);
        pair.give(Input::Disarm);
        pair.wait(200);
        assert_eq!(pair.engine.armed().count(), 0);
        pair.die();
        pair.wait(3 * COUNTDOWN_MS as i64);
        for intent in [placed.entry, placed.profit, placed.stop] {
            assert!(stands(&mut pair, intent), "{mode:?}: {intent}");
        }
    }
}

#[test]
fn a_node_that_lives_and_is_blind_keeps_the_switch_from_firing() {
    for (mode, leg) in MODES {
        let mut config = covered(mode);
        config.stream = StreamCare { blind_cancel_ms: 5_000, ..StreamCare::default() };
        let mut pair = Pair::with(config, AlgoConfig::default());
        let placed = placed(&mut pair, leg);
        pair.fail_disk();
        pair.cut_stream();
        pair.wait(3 * COUNTDOWN_MS as i64);
        assert!(!stands(&mut pair, placed.entry), "{mode:?}: cancelled by the node itself");
        assert!(stands(&mut pair, placed.profit), "{mode:?}: what closes stays");
        assert!(stands(&mut pair, placed.stop), "{mode:?}");
        assert!(!pair.alerted("dead_man_fired"));
    }
}
