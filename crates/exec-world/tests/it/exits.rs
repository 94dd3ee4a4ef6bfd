//! Exits always pass: with the stream cut, the disk full, the instrument in reduce and the account latched, each alone and all
//! together, in both modes; and in HEDGING they end well although the venue refuses what it does not clamp.

use crate::pair::{Pair, btc};
use exchange_sim::{config::AlgoConfig, request::NewOrder, types};
use exec_core::{
    command::{ChangeOrder, Command, OperatorCommand},
    conversation::Input,
    ids::IntentId,
    kill::{KillLevel, KillScope},
    order::{intent::Provenance, status::OrdStatus},
    report::OrderReport,
    terms::{Intention, OrderKind, Terms, TimeInForce, Trigger, TriggerBy},
    units::{PositionMode, PositionSide, Side},
};
use exec_testkit::fixtures::{decimal, qty};
use rust_decimal::Decimal;

const MODES: [(PositionMode, PositionSide); 2] =
    [(PositionMode::Netting, PositionSide::Net), (PositionMode::Hedging, PositionSide::Long)];

type Act = fn(&mut Pair, PositionSide);

/// What must not stop an exit. The instrument comes first: it is heard through the stream.
const TROUBLES: [(&str, Act); 6] = [
    ("instrument in reduce", |pair, leg| {
        let (now, account) = (pair.now_ms, pair.desk.account());
        pair.desk.exchange_mut().deleverage(now, account, "BTCUSDT", venue_leg(leg), decimal("0.010")).expect("deleveraged");
        pair.wait(100);
    }),
    ("stream cut", |pair, _| pair.cut_stream()),
    ("disk full", |pair, _| pair.fail_disk()),
    ("latched", |pair, _| pair.give(Input::Operator { who: "test".into(), command: OperatorCommand::Latch })),
    ("kill switch on the instrument", |pair, _| kill(pair, KillLevel::Reduce, KillScope::Instrument(btc()))),
    ("kill switch on the account", |pair, _| kill(pair, KillLevel::Halt, KillScope::Account)),
];

fn kill(pair: &mut Pair, level: KillLevel, scope: KillScope) {
    pair.give(Input::Operator { who: "test".into(), command: OperatorCommand::Kill { level, scope } });
}

const fn venue_leg(leg: PositionSide) -> types::PositionSide {
    match leg {
        PositionSide::Net => types::PositionSide::Both,
        PositionSide::Long => types::PositionSide::Long,
        PositionSide::Short => types::PositionSide::Short,
    }
}

fn terms(side: Side, leg: PositionSide, intention: Intention, amount: &str, kind: OrderKind) -> Terms {
    Terms { instrument: btc(), side, leg, intention, qty: Some(qty(amount)), kind, stp: None }
}

fn stop(pair: &Pair, per_mille: i64) -> OrderKind {
    OrderKind::StopMarket { trigger: Trigger { price: pair.price(per_mille), by: TriggerBy::Mark, price_protect: false } }
}

fn limit(pair: &Pair, per_mille: i64) -> OrderKind {
    OrderKind::Limit { price: pair.price(per_mille).into(), tif: TimeInForce::Gtc }
}

fn close(leg: PositionSide, amount: &str) -> Terms {
    let side = if leg == PositionSide::Short { Side::Buy } else { Side::Sell };
    terms(side, leg, Intention::Reduce, amount, OrderKind::Market)
}

fn opened(pair: &mut Pair, leg: PositionSide, amount: &str) {
    let side = if leg == PositionSide::Short { Side::Sell } else { Side::Buy };
    let entry = pair.submit(terms(side, leg, Intention::Open, amount, OrderKind::Market));
    pair.wait(200);
    assert_eq!(pair.status(entry), OrdStatus::Filled);
}

/// What the venue holds of a leg now.
fn at_venue(pair: &mut Pair, leg: PositionSide) -> Decimal {
    let now = pair.now_ms;
    let legs = pair.desk.positions(now, &[btc()]).expect("legs");
    legs.iter().find(|l| l.leg == leg).map(|l| l.qty.get()).unwrap_or_default()
}

/// How an order of ours stands in the venue's open lists.
fn open_at_venue(pair: &mut Pair, intent: IntentId) -> Option<OrderReport> {
    let now = pair.now_ms;
    let ids: Vec<_> = pair.order(intent).attempts().keys().copied().collect();
    let open = pair.desk.mass_status(now, &[btc()]).expect("a status").open_orders;
    open.into_iter().find(|o| o.cl_ord_id.is_some_and(|id| ids.contains(&id)))
}

fn by_hand(pair: &mut Pair, leg: PositionSide, side: types::Side, amount: &str) {
    let (now, account) = (pair.now_ms, pair.desk.account());
    let order = NewOrder::market("BTCUSDT", side, decimal(amount)).on_leg(venue_leg(leg));
    pair.desk.exchange_mut().place(now, account, &order).expect("placed by hand");
}

fn exits_pass(mode: PositionMode, leg: PositionSide, troubles: &[(&str, Act)]) {
    let names: Vec<&str> = troubles.iter().map(|(name, _)| *name).collect();
    let what = format!("{mode:?} with {names:?}");
    let mut pair = Pair::new(mode, AlgoConfig::default());
    opened(&mut pair, leg, "0.100");
    let entry_kind = limit(&pair, 970);
    let entry = pair.submit(terms(Side::Buy, leg, Intention::Open, "0.020", entry_kind));
    let profit_kind = limit(&pair, 1_040);
    let profit = pair.submit(terms(Side::Sell, leg, Intention::Reduce, "0.020", profit_kind));
    let guard_kind = stop(&pair, 900);
    let guard = pair.submit(terms(Side::Sell, leg, Intention::Reduce, "0.050", guard_kind));
    pair.wait(200);
    for (_, trouble) in troubles {
        trouble(&mut pair, leg);
    }
    let before = at_venue(&mut pair, leg);
    let from = pair.now_ms;

    let exit = pair.submit(close(leg, "0.030"));
    let stop_kind = stop(&pair, 950);
    let closing_stop = pair.submit(terms(Side::Sell, leg, Intention::Reduce, "0.040", stop_kind));
    pair.command(Command::Cancel(profit));
    let opens = [OrderKind::Market, limit(&pair, 980), stop(&pair, 1_030)]
        .map(|kind| pair.submit(terms(Side::Buy, leg, Intention::Open, "0.050", kind)));
    pair.wait(60);
    assert!(pair.now_ms - from <= 100);
    assert_eq!(at_venue(&mut pair, leg), before - decimal("0.030"), "{what}: the closing order");
    assert!(open_at_venue(&mut pair, closing_stop).is_some(), "{what}: the closing stop");
    assert!(open_at_venue(&mut pair, profit).is_none(), "{what}: the cancel");
    assert!(open_at_venue(&mut pair, guard).is_some(), "{what}: protective stops stay");
    assert_eq!(pair.order(exit).denial(), None, "{what}");
    for intent in opens {
        assert!(pair.status(intent).is_ended(), "{what}: {:?}", pair.order(intent));
        assert!(open_at_venue(&mut pair, intent).is_none(), "{what}: an opening order reached the venue");
    }
    if names.iter().any(|name| *name == "disk full" || name.starts_with("kill switch")) {
        assert!(open_at_venue(&mut pair, entry).is_none(), "{what}: what adds risk is cancelled");
    }
    pair.wait(5_000);
    assert_eq!(at_venue(&mut pair, leg), before - decimal("0.030"), "{what}: an opening order came late");
}

#[test]
fn exits_always_pass() {
    for (mode, leg) in MODES {
        for alone in TROUBLES {
            exits_pass(mode, leg, &[alone]);
        }
        exits_pass(mode, leg, &TROUBLES);
    }
}

/// What left without the journal is found again, under its strategy, and nothing of it is sent twice.
#[test]
fn what_left_without_the_journal_is_found_again_at_the_next_start() {
    for (mode, leg) in MODES {
        let mut pair = Pair::new(mode, AlgoConfig::default());
        opened(&mut pair, leg, "0.100");
        let guard_kind = stop(&pair, 900);
        pair.submit(terms(Side::Sell, leg, Intention::Reduce, "0.050", guard_kind));
        let profit_kind = limit(&pair, 1_040);
        let profit = pair.submit(terms(Side::Sell, leg, Intention::Reduce, "0.020", profit_kind));
        pair.wait(200);
        pair.fail_disk();
        pair.submit(close(leg, "0.030"));
        let stop_kind = stop(&pair, 950);
        let lost = pair.submit(terms(Side::Sell, leg, Intention::Reduce, "0.040", stop_kind));
        pair.command(Command::Cancel(profit));
        pair.wait(500);
        let name = *pair.order(lost).attempts().keys().next().expect("an attempt");
        pair.restart_after(1_000);
        pair.wait(15_000);
        let what = format!("{mode:?}");
        assert_eq!(at_venue(&mut pair, leg), decimal("0.070"), "{what}");
        pair.agree(&what);
        let found = pair.engine.books().by_cl_ord_id(&name).and_then(|id| pair.engine.books().order(id)).expect("found");
        assert_eq!(found.intent().provenance, Provenance::Recovered, "{what}");
        assert!(found.intent().owner.strategy().is_some(), "{what}: {:?}", found.intent().owner);
        assert!(pair.status(profit).is_ended(), "{what}: {:?}", pair.status(profit));
    }
}

#[test]
fn in_hedging_a_close_beyond_the_leg_is_held_to_the_leg() {
    for leg in [PositionSide::Long, PositionSide::Short] {
        let mut pair = Pair::new(PositionMode::Hedging, AlgoConfig::default());
        opened(&mut pair, leg, "0.050");
        let exit = pair.submit(close(leg, "0.200"));
        pair.wait(2_000);
        assert_eq!((pair.status(exit), pair.order(exit).attempts().len()), (OrdStatus::Filled, 1), "{leg:?}");
        assert!(at_venue(&mut pair, leg).is_zero());
        pair.agree("held to the leg");
    }
}

/// Our books are behind: the venue holds less. It refuses, the leg is read, and what it holds is closed.
#[test]
fn in_hedging_a_refused_close_reads_the_leg_and_sends_the_rest() {
    for (leg, side) in [(PositionSide::Long, types::Side::Sell), (PositionSide::Short, types::Side::Buy)] {
        let mut pair = Pair::new(PositionMode::Hedging, AlgoConfig::default());
        opened(&mut pair, leg, "0.100");
        pair.cut_stream();
        by_hand(&mut pair, leg, side, "0.030");
        pair.submit(close(leg, "0.100"));
        pair.wait(3_000);
        assert!(at_venue(&mut pair, leg).is_zero(), "{leg:?}: {}", at_venue(&mut pair, leg));
    }
}

/// Two resting closes have taken most of the leg. They are gone, and so is the leg.
#[test]
fn in_hedging_resting_closes_make_way_for_an_exit() {
    for (leg, side) in [(PositionSide::Long, Side::Sell), (PositionSide::Short, Side::Buy)] {
        let mut pair = Pair::new(PositionMode::Hedging, AlgoConfig::default());
        opened(&mut pair, leg, "0.100");
        let far = if leg == PositionSide::Long { [1_040, 1_050] } else { [960, 950] };
        let resting = far.map(|at| {
            let kind = limit(&pair, at);
            pair.submit(terms(side, leg, Intention::Reduce, "0.040", kind))
        });
        pair.wait(200);
        let exit = pair.submit(close(leg, "0.100"));
        pair.wait(5_000);
        assert_eq!(pair.status(exit), OrdStatus::Filled, "{leg:?}: {:?}", pair.order(exit));
        assert!(at_venue(&mut pair, leg).is_zero(), "{leg:?}");
        for intent in resting {
            assert!(pair.status(intent).is_ended(), "{leg:?}");
        }
        pair.wait(15_000);
        pair.agree("made way");
    }
}

/// Both were sized on the whole leg before either was answered. The venue refuses the second, and it comes to an end.
#[test]
fn in_hedging_two_exits_at_once_close_the_leg_once() {
    for leg in [PositionSide::Long, PositionSide::Short] {
        for amounts in [["0.100", "0.100"], ["0.070", "0.060"]] {
            let mut pair = Pair::new(PositionMode::Hedging, AlgoConfig::default());
            opened(&mut pair, leg, "0.100");
            pair.hold();
            let exits = amounts.map(|amount| pair.submit(close(leg, amount)));
            pair.let_all_through();
            pair.wait(20_000);
            let what = format!("{leg:?} {amounts:?}");
            assert!(at_venue(&mut pair, leg).is_zero(), "{what}");
            for exit in exits {
                assert!(pair.status(exit).is_ended(), "{what}: {:?}", pair.order(exit));
            }
            pair.agree(&what);
        }
    }
}

/// Legs of one size on both sides: each is opened, protected, carried over a restart and closed by itself.
#[test]
fn in_hedging_equal_opposite_legs_stay_two() {
    let mut pair = Pair::new(PositionMode::Hedging, AlgoConfig::default());
    let legs = [PositionSide::Long, PositionSide::Short];
    for leg in legs {
        opened(&mut pair, leg, "0.050");
    }
    let stops = [(PositionSide::Long, Side::Sell, 950), (PositionSide::Short, Side::Buy, 1_050)].map(|(leg, side, at)| {
        let kind = stop(&pair, at);
        pair.submit(Terms { qty: None, ..terms(side, leg, Intention::CloseAll, "1", kind) })
    });
    pair.wait(500);
    for (leg, held) in legs.into_iter().zip(["0.050", "-0.050"]) {
        assert_eq!(pair.held(leg).get(), decimal(held), "{leg:?}");
        assert!(pair.engine.protection(&btc(), leg).uncovered.is_zero(), "{leg:?}");
    }
    pair.desk.exchange().check_invariants().expect("the exchange is sound");
    pair.agree("two legs of one size");
    pair.restart_after(2_000);
    pair.wait(15_000);
    pair.agree("two legs of one size after a restart");
    // Through the stop of the long leg: the short one and its stop stand.
    pair.move_to(940);
    pair.wait(3_000);
    assert_eq!((pair.status(stops[0]), pair.status(stops[1])), (OrdStatus::Filled, OrdStatus::New));
    assert_eq!((pair.held(PositionSide::Long).get(), pair.held(PositionSide::Short).get()), (Decimal::ZERO, decimal("-0.050")));
    let exit = pair.submit(close(PositionSide::Short, "0.050"));
    pair.wait(20_000);
    assert_eq!(pair.status(exit), OrdStatus::Filled);
    assert!(pair.held(PositionSide::Short).is_zero());
    pair.agree("each leg closed by itself");
}

/// Both attempts of a closing change trigger before one is gone: the leg bounds what they close, books and venue agree.
#[test]
fn both_attempts_of_a_closing_change_close_no_more_than_the_leg() {
    for (mode, leg) in MODES {
        for held in ["0.020", "0.030", "0.100"] {
            let mut pair = Pair::new(mode, AlgoConfig::default());
            opened(&mut pair, leg, held);
            let kind = stop(&pair, 960);
            let intent = pair.submit(terms(Side::Sell, leg, Intention::Reduce, "0.020", kind));
            pair.wait(200);
            pair.hold();
            let trigger = Some(pair.price(970));
            pair.command(Command::Replace(ChangeOrder { intent, qty: None, price: None, trigger }));
            // The new one stands, the cancel of the old one is on its way, and the price goes through both.
            assert!(pair.let_through(|_| true));
            pair.move_to(950);
            pair.wait(300);
            pair.let_all_through();
            pair.wait(20_000);
            let what = format!("{mode:?} {held}");
            let left = at_venue(&mut pair, leg);
            let closed = decimal(held) - left;
            assert!(left >= Decimal::ZERO && closed >= decimal("0.020") && closed <= decimal("0.040"), "{what}: {left} left");
            assert_eq!(closed > decimal("0.020"), pair.alerted("closed_twice"), "{what}: {closed} closed");
            assert!(!pair.alerted("overfill"), "{what}");
            assert!(pair.status(intent).is_ended(), "{what}: {:?}", pair.order(intent));
            pair.agree(&what);
        }
    }
}
