//! A ban of the address with a real process: it holds over a kill and a restart, nothing leaves before its end, and exits go as soon as
//! the venue takes them again. A 429 holds the same way, and exits do not wait for it.

use crate::{
    loopback::Exchange,
    surroundings::{Node, code, out, program, run, until},
};
use exchange_sim::face::{Answer, Fault, FaultKind, RequestFault, RequestFilter};
use rust_decimal::Decimal;
use std::{
    path::Path,
    process::Stdio,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn held(exchange: &Exchange) -> Decimal {
    exchange.ledger().positions.iter().map(|leg| leg.amount).sum()
}

fn resting(exchange: &Exchange) -> usize {
    exchange.ledger().orders.iter().filter(|row| !row.status.is_final()).count()
}

/// Answers the next question for positions like this.
fn answers(exchange: &Exchange, status: u16, body: String) -> u64 {
    let filter = RequestFilter { method: Some("GET".into()), path: Some("/fapi/v3/positionRisk".into()), key: None };
    let fault = RequestFault::ErrorBefore(Answer { status, body });
    exchange.face.arm(Fault { kind: FaultKind::Request(filter, fault), nth: 1, times: 1 })
}

/// Counts requests of any kind from here on.
fn watch(exchange: &Exchange) -> impl Fn() -> u64 + use<> {
    let filter = RequestFilter::default();
    let id = exchange.face.arm(Fault { kind: FaultKind::Request(filter, RequestFault::DropRequest), nth: u64::MAX, times: 1 });
    let face = exchange.face.clone();
    move || {
        let (_, text) = face.operate("GET", "faults", "", "");
        let row = text.split_once(&format!(r#""id":{id},"#)).unwrap().1;
        row.split_once(r#""seen":"#).unwrap().1.split(',').next().unwrap().parse().unwrap()
    }
}

/// A node that holds 0.1 and has an entry that rests.
fn holding(exchange: &Exchange, config: &str) -> Node {
    let node = Node::live(config);
    exchange.submit(config, &["--side", "buy", "--qty", "0.1"]);
    exchange.submit(config, &["--side", "buy", "--qty", "0.1", "--price", "2400"]);
    until("it is held", || held(exchange) == Decimal::new(1, 1) && resting(exchange) == 1);
    node
}

const EXECUTION: &str = "on_exit = \"leave\"\nposition_check_interval_secs = 1.0";

#[test]
fn promise_p14_a_ban_holds_over_a_killed_process_and_exits_go_at_its_end() {
    let folders = [false, true].map(|hedge| (hedge, tempfile::tempdir().unwrap()));
    std::thread::scope(|scope| {
        for (hedge, folder) in &folders {
            scope.spawn(move || {
                let exchange = Exchange::open(*hedge);
                let config = exchange.config(folder.path(), EXECUTION, "", "");
                let config = config.to_str().unwrap();
                let node = holding(&exchange, config);
                let end = now_ms() + 6_000;
                let text = format!(
                    "Way too many requests; IP banned until {end}. Please use the websocket for live updates to avoid bans."
                );
                let id = answers(&exchange, 418, format!(r#"{{"code":-1003,"msg":"{text}"}}"#));
                until("the exchange has banned it", || exchange.face.fired(id) == 1);
                until("the ban is kept", || kept(folder.path()).contains("banned "));
                let reached = watch(&exchange);
                drop(node);
                let _node = Node::answering(config, folder.path());
                // It waits until the orders are gone, and so for the end of the ban.
                let cancels = program().args(["cancel-all", "-c", config]).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
                let mut cancels = cancels.unwrap();
                while now_ms() + 500 < end {
                    assert_eq!(
                        reached(),
                        0,
                        "hedge {hedge}: {} ms before the end; {}",
                        end.saturating_sub(now_ms()),
                        kept(folder.path())
                    );
                    std::thread::sleep(Duration::from_millis(100));
                }
                let stands = (resting(&exchange), held(&exchange)) == (1, Decimal::new(1, 1));
                assert!(stands || now_ms() >= end, "hedge {hedge}: something has passed");
                // What was asked for during the ban is done at its end, and an exit passes.
                until("the gate is open", || code(&run(&["status", "-c", config])) == 0);
                until("the cancel has gone", || resting(&exchange) == 0);
                assert!(cancels.wait().unwrap().success(), "hedge {hedge}");
                exchange.submit(config, &["--side", "sell", "--qty", "0.1", "--reduce"]);
                until("it is closed", || held(&exchange).is_zero());
            });
        }
    });
}

#[test]
fn a_429_holds_over_a_killed_process_and_exits_do_not_wait_for_its_end() {
    let (exchange, folder) = (Exchange::open(false), tempfile::tempdir().unwrap());
    let config = exchange.config(folder.path(), EXECUTION, "", "");
    let config = config.to_str().unwrap();
    let node = holding(&exchange, config);
    // The rest of the minute must be long enough to see something in it.
    until_ms_left(25_000);
    let minute = now_ms() / 60_000;
    let id =
        answers(&exchange, 429, r#"{"code":-1003,"msg":"Too many requests; current limit is 2400 requests per minute."}"#.into());
    until("the exchange has refused it", || exchange.face.fired(id) == 1);
    until("that is kept", || kept(folder.path()).contains("paused "));
    drop(node);
    let _node = Node::answering(config, folder.path());
    exchange.submit(config, &["--side", "sell", "--qty", "0.1", "--reduce"]);
    let cancelled = run(&["cancel-all", "-c", config]);
    until("it is closed, and the entry is gone", || held(&exchange).is_zero() && resting(&exchange) == 0);
    assert_eq!(now_ms() / 60_000, minute, "it waited for the next minute: {}", out(&cancelled));
    assert_ne!(code(&run(&["status", "-c", config])), 0, "new risk waits");
}

fn kept(folder: &Path) -> String {
    let files = std::fs::read_dir(folder.join("journal")).unwrap().flatten();
    let whole = |name: &str| name.starts_with("limits-") && !name.ends_with(".new");
    let limits = files.filter(|entry| whole(&entry.file_name().to_string_lossy()));
    limits.filter_map(|entry| std::fs::read_to_string(entry.path()).ok()).collect()
}

/// Waits, if it must, for a minute of which so much is left.
fn until_ms_left(wanted: u64) {
    let left = 60_000 - now_ms() % 60_000;
    if left < wanted {
        std::thread::sleep(Duration::from_millis(left + 500));
    }
}
