//! The dead-man's switch with a real process: killed, it leaves no entry behind; ended on purpose, it leaves what it wants to leave.

use crate::{
    loopback::{ETH, Exchange},
    surroundings::{Node, code, err, json, out, run, until},
};
use exchange_sim::types::{AlgoStatus, OrderStatus};
use rustix::process::Signal;
use std::time::{Duration, Instant};

const COUNTDOWN: Duration = Duration::from_secs(4);

/// Ordinary orders and conditional ones that stand at the exchange.
fn standing(exchange: &Exchange) -> (usize, usize) {
    let ledger = exchange.ledger();
    let plain = |status: &OrderStatus| matches!(status, OrderStatus::New | OrderStatus::PartiallyFilled);
    (
        ledger.orders.iter().filter(|row| plain(&row.status)).count(),
        ledger.algo_orders.iter().filter(|row| row.status == AlgoStatus::New).count(),
    )
}

#[test]
fn promise_p09_a_killed_process_leaves_no_entry_behind_and_its_stop_stays() {
    std::thread::scope(|scope| {
        for hedge in [false, true] {
            scope.spawn(move || lives_and_dies(hedge));
        }
    });
}

fn lives_and_dies(hedge: bool) {
    let (exchange, folder) = (Exchange::open(hedge), tempfile::tempdir().unwrap());
    let switch = format!(
        "[accounts.main.dead_mans_switch]\ninstruments = [\"{ETH}\"]\ncountdown_secs = {:?}\nrefresh_secs = 2.0\n",
        COUNTDOWN.as_secs_f64()
    );
    let config = exchange.config(folder.path(), "on_exit = \"leave\"", "", &switch);
    let config = config.to_str().unwrap();
    let shown = run(&["check", "-c", config]);
    assert!(out(&shown).contains("# takes 300 weight a minute"), "{}{}", out(&shown), err(&shown));
    let node = Node::live(config);
    exchange.submit(config, &["--side", "buy", "--qty", "0.1"]);
    exchange.submit(config, &["--side", "buy", "--qty", "0.1", "--price", "2400"]);
    let stop = ["--side", "sell", "--qty", "0.1", "--type", "STOP_MARKET", "--trigger", "2300", "--reduce"];
    exchange.submit(config, &stop);
    assert_eq!(standing(&exchange), (1, 1));
    // One that would open is denied without the word for it.
    let opens = ["--side", "buy", "--qty", "0.1", "--type", "STOP_MARKET", "--trigger", "2700"];
    let opens = run(&[&["submit", "-c", config, "-i", ETH], &opens[..], exchange.leg()].concat());
    assert_eq!(code(&opens), 1, "{}", out(&opens));
    assert!(out(&opens).contains("outlives_node"), "{}", out(&opens));

    // It lives: longer than the countdown nothing happens.
    std::thread::sleep(COUNTDOWN + Duration::from_secs(1));
    assert_eq!(standing(&exchange), (1, 1), "hedge {hedge}: a living node");
    node.signal(Signal::KILL);
    let from = Instant::now();
    while standing(&exchange).0 > 0 {
        assert!(from.elapsed() < COUNTDOWN + Duration::from_secs(1), "hedge {hedge}: the entry stands");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(from.elapsed() > COUNTDOWN - Duration::from_millis(2_500), "hedge {hedge}: too early: {:?}", from.elapsed());
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(standing(&exchange), (0, 1), "hedge {hedge}: the stop stays");
    drop(node);

    // The next start says what happened; ended on purpose, it leaves what stands.
    let node = Node::live(config);
    let orders = json(&run(&["orders", "-c", config, "--json"]));
    assert_eq!(orders.as_array().map(Vec::len), Some(1), "{orders}");
    exchange.submit(config, &["--side", "buy", "--qty", "0.1", "--price", "2400"]);
    node.signal(Signal::TERM);
    drop_when_ended(node);
    std::thread::sleep(COUNTDOWN + Duration::from_secs(1));
    assert_eq!(standing(&exchange), (1, 1), "hedge {hedge}: ended on purpose");
}

fn drop_when_ended(mut node: Node) {
    until("it has ended", || node.ended().is_some());
    assert_eq!(node.ended(), Some(Some(0)));
}
