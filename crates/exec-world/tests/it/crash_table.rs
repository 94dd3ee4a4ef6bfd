//! A node that dies before each single thing it does, from the first command to the last answer, and whoever commands it asks
//! again for the same: every order is executed once, every fill is counted once, and nothing is forgotten.

use crate::pair::{Pair, btc};
use exchange_sim::config::AlgoConfig;
use exec_core::{
    command::{ChangeOrder, Command, NewOrder},
    engine::Engine,
    ids::IntentId,
    order::intent::Handling,
    terms::{Intention, OrderKind, Terms, TimeInForce, Trigger, TriggerBy},
    units::{PositionMode, PositionSide, Side},
};
use exec_testkit::fixtures::{bracket, qty};
use std::collections::BTreeSet;

const MODES: [(PositionMode, PositionSide); 2] =
    [(PositionMode::Netting, PositionSide::Net), (PositionMode::Hedging, PositionSide::Long)];
const SIZE: &str = "0.020";
/// Nothing in a script does more than this.
const THINGS_MAX: usize = 400;
/// A recovery does at least so many things.
const RECOVERY: usize = 13;

/// What somebody does; asked for again after each crash, under the same names.
struct Script {
    name: &'static str,
    /// What stands before the first thing at which the node may die.
    before: fn(&mut Pair, PositionSide),
    act: fn(&mut Pair, PositionSide),
    /// Where the market may go while the node is down.
    meanwhile: i64,
    /// How much it may hold in the end, if everything executes.
    most: &'static str,
}

fn order(leg: PositionSide, side: Side, intention: Intention, kind: OrderKind) -> Terms {
    Terms { instrument: btc(), side, leg, intention, qty: Some(qty(SIZE)), kind, stp: None }
}

fn ask(pair: &mut Pair, number: u128, terms: Terms) {
    let new = NewOrder { intent: IntentId(number), terms, handling: Handling::default(), list: None };
    pair.command(Command::Submit(new));
}

fn buy_market(pair: &mut Pair, leg: PositionSide) {
    ask(pair, 1, order(leg, Side::Buy, Intention::Open, OrderKind::Market));
    pair.wait(100);
}

fn buy_limit(pair: &mut Pair, leg: PositionSide, per_mille: i64) {
    let kind = OrderKind::Limit { price: pair.price(per_mille).into(), tif: TimeInForce::Gtc };
    ask(pair, 1, order(leg, Side::Buy, Intention::Open, kind));
    pair.wait(100);
}

fn trigger(pair: &Pair, per_mille: i64) -> Trigger {
    Trigger { price: pair.price(per_mille), by: TriggerBy::Last, price_protect: false }
}

fn stop(pair: &mut Pair, leg: PositionSide) {
    let kind = OrderKind::StopMarket { trigger: trigger(pair, 960) };
    ask(pair, 2, order(leg, Side::Sell, Intention::Reduce, kind));
    pair.wait(100);
}

fn change(pair: &mut Pair, intent: u128, price: Option<i64>, trigger: Option<i64>) {
    let price = price.map(|p| pair.price(p));
    let trigger = trigger.map(|t| pair.price(t));
    pair.command(Command::Replace(ChangeOrder { intent: IntentId(intent), qty: None, price, trigger }));
    pair.wait(300);
}

fn nothing(_: &mut Pair, _: PositionSide) {}

/// Tries every moment of a script, in both modes, with the process killed or the power lost, with the market still or moved.
fn every_moment_of(script: &Script) {
    for (mode, leg) in MODES {
        for lost_power in [false, true] {
            for (moves, late) in [(false, false), (true, false), (false, true), (true, true)] {
                let mut moments = 0;
                while one(script, mode, leg, moments, &Death { lost_power, moves, late }) {
                    moments += 1;
                    assert!(moments < THINGS_MAX, "{}: it never ends", script.name);
                }
                assert!(moments > 2, "{}: only {moments} moments", script.name);
            }
        }
    }
}

/// How it dies, and what happens meanwhile.
#[derive(Debug)]
struct Death {
    /// The disk forgets what it never promised to keep.
    lost_power: bool,
    /// The market moves through the order.
    moves: bool,
    /// What has left arrives when the next node has asked for it already.
    late: bool,
}

/// Dies before the thing with this number. Says whether the script came so far.
fn one(script: &Script, mode: PositionMode, leg: PositionSide, moment: usize, death: &Death) -> bool {
    let what = format!("{} {mode:?} dies at {moment}: {death:?}", script.name);
    let Death { lost_power, moves, late } = *death;
    let mut pair = Pair::new(mode, AlgoConfig::default());
    (script.before)(&mut pair, leg);
    if late {
        pair.hold();
    }
    pair.dies_after = Some(moment);
    (script.act)(&mut pair, leg);
    if !pair.is_down() {
        return false;
    }
    if lost_power {
        pair.lose_power();
    }
    let on_the_way = pair.on_the_way.take().unwrap_or_default();
    if moves {
        pair.move_to(script.meanwhile);
    }
    // The one that recovers dies too, each time at another moment.
    pair.restart(300, Some(moment % RECOVERY));
    pair.wait(100);
    if lost_power && pair.is_down() {
        pair.lose_power();
    }
    pair.restart(100, None);
    pair.wait(97 * moment as i64 % 1_300);
    for request in on_the_way {
        pair.arrive(&request);
    }
    pair.until_live();
    (script.act)(&mut pair, leg);
    pair.wait(20_000);
    judge(&mut pair, leg, script, lost_power, &what);
    true
}

fn judge(pair: &mut Pair, leg: PositionSide, script: &Script, lost_power: bool, what: &str) {
    pair.agree(what);
    assert!(pair.held(leg).get() <= qty(script.most).get(), "{what}: holds {}", pair.held(leg));
    assert_eq!((pair.engine.in_doubt(), pair.engine.pending()), (0, 0), "{what}: something is left open");
    for order in pair.engine.books().orders() {
        let asked = order.intent().terms.qty.unwrap_or_default();
        assert!(order.cum_qty() <= asked, "{what}: {} of {asked}", order.cum_qty());
    }
    for alert in ["latched", "overfill", "books_refused", "kept_raw", "intent_reused"] {
        assert!(!pair.alerted(alert), "{what}: {:?}", pair.alerts);
    }
    if !lost_power {
        // What was asked for is in the journal before anything of it can be anywhere else.
        assert!(!pair.alerted("adopted"), "{what}: {:?}", pair.alerts);
    }
    let exchange = pair.desk.exchange().ledger(pair.desk.account()).expect("a ledger");
    let theirs: Vec<String> = exchange.trades.iter().map(|t| t.id.to_string()).collect();
    let books = pair.engine.books();
    let ours: Vec<String> = books.orders().flat_map(|o| o.fills()).map(|(_, fill)| fill.trade_id.to_string()).collect();
    assert_eq!(ours.len(), theirs.len(), "{what}: trades");
    assert_eq!(ours.iter().collect::<BTreeSet<_>>(), theirs.iter().collect::<BTreeSet<_>>(), "{what}: trades");
    let mut again = Engine::new(pair.engine.config().clone(), pair.desk.profile().clone());
    for (seq, record) in pair.journal() {
        again.replay(*seq, record).expect("a journal that fits");
    }
    assert_eq!(again.books(), books, "{what}: replayed");
}

#[test]
fn a_market_order() {
    every_moment_of(&Script { name: "market", before: nothing, act: buy_market, meanwhile: 990, most: SIZE });
}

#[test]
fn a_limit_that_may_fill_while_the_node_is_down() {
    let act = |pair: &mut Pair, leg| buy_limit(pair, leg, 990);
    every_moment_of(&Script { name: "limit", before: nothing, act, meanwhile: 985, most: SIZE });
}

#[test]
fn a_stop_entry_that_may_trigger_while_the_node_is_down() {
    let act = |pair: &mut Pair, leg| {
        let kind = OrderKind::StopMarket { trigger: trigger(pair, 1_020) };
        ask(pair, 1, order(leg, Side::Buy, Intention::Open, kind));
        pair.wait(100);
    };
    every_moment_of(&Script { name: "stop entry", before: nothing, act, meanwhile: 1_025, most: SIZE });
}

#[test]
fn a_bracket() {
    let act = |pair: &mut Pair, leg| {
        let entry = order(leg, Side::Buy, Intention::Open, OrderKind::Market);
        let orders = bracket(1, entry, pair.price(960), pair.price(1_040));
        pair.command(Command::SubmitList(orders));
        pair.wait(300);
    };
    every_moment_of(&Script { name: "bracket", before: nothing, act, meanwhile: 955, most: SIZE });
}

#[test]
fn a_change_of_a_limit() {
    let act = |pair: &mut Pair, _| change(pair, 1, Some(990), None);
    let before = |pair: &mut Pair, leg| buy_limit(pair, leg, 980);
    every_moment_of(&Script { name: "change", before, act, meanwhile: 985, most: SIZE });
}

#[test]
fn a_cancel_of_a_limit() {
    let act = |pair: &mut Pair, _| {
        pair.command(Command::Cancel(IntentId(1)));
        pair.wait(100);
    };
    let before = |pair: &mut Pair, leg| buy_limit(pair, leg, 990);
    every_moment_of(&Script { name: "cancel", before, act, meanwhile: 985, most: SIZE });
}

#[test]
fn a_change_of_a_stop_that_closes() {
    let act = |pair: &mut Pair, _| change(pair, 2, None, Some(950));
    let before = |pair: &mut Pair, leg| {
        buy_market(pair, leg);
        stop(pair, leg);
    };
    every_moment_of(&Script { name: "change of a stop", before, act, meanwhile: 955, most: SIZE });
}

#[test]
fn a_change_of_a_stop_entry() {
    let act = |pair: &mut Pair, _| change(pair, 1, None, Some(1_030));
    let before = |pair: &mut Pair, leg| {
        let kind = OrderKind::StopMarket { trigger: trigger(pair, 1_020) };
        ask(pair, 1, order(leg, Side::Buy, Intention::Open, kind));
        pair.wait(100);
    };
    every_moment_of(&Script { name: "change of a stop entry", before, act, meanwhile: 1_025, most: SIZE });
}

#[test]
fn an_exit_beside_its_stop() {
    let act = |pair: &mut Pair, leg| {
        ask(pair, 3, order(leg, Side::Sell, Intention::Reduce, OrderKind::Market));
        pair.wait(100);
    };
    let before = |pair: &mut Pair, leg| {
        buy_market(pair, leg);
        stop(pair, leg);
    };
    every_moment_of(&Script { name: "exit", before, act, meanwhile: 955, most: SIZE });
}

#[test]
fn a_batch_of_two_limits() {
    let act = |pair: &mut Pair, leg| {
        let new = |pair: &Pair, number, per_mille| {
            let kind = OrderKind::Limit { price: pair.price(per_mille).into(), tif: TimeInForce::Gtc };
            let terms = order(leg, Side::Buy, Intention::Open, kind);
            Command::Submit(NewOrder { intent: IntentId(number), terms, handling: Handling::default(), list: None })
        };
        let both = vec![new(pair, 1, 990), new(pair, 2, 980)];
        pair.command(Command::Batch(both));
        pair.wait(100);
    };
    every_moment_of(&Script { name: "batch", before: nothing, act, meanwhile: 985, most: "0.040" });
}
