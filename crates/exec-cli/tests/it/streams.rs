//! A real node whose private stream says nothing, says it too late, or stands half-open, over loopback, in both modes.

use crate::{
    loopback::{ETH, Exchange},
    surroundings::{code, err, json, out, program, run, until},
};
use exchange_sim::{face::StreamFault, types::AlgoStatus, types::OrderStatus};
use serde_json::Value;
use std::{
    fs::File,
    process::{Child, Stdio},
};

/// A node on an exchange in this process, gone with the test.
struct Stage {
    exchange: Exchange,
    node: Child,
    config: String,
    log: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

impl Stage {
    fn begin(hedge: bool, execution: &str) -> Self {
        let (exchange, folder) = (Exchange::open(hedge), tempfile::tempdir().unwrap());
        // Nothing is compared by the clock: what is found is found by what watches the stream.
        let execution = format!("on_exit = \"cancel_all\"\nsweep_interval_secs = 0.0\n{execution}");
        let config = exchange.config(folder.path(), &execution, "", "").to_str().unwrap().to_owned();
        let log = folder.path().join("node.log");
        let to = File::create(&log).unwrap();
        let node = program().args(["run", "-c", &config]).stdout(Stdio::null()).stderr(to).spawn().unwrap();
        let stage = Self { exchange, node, config, log, _folder: folder };
        let live = stage.ask("status", &["--wait", "60"]);
        assert_eq!(code(&live), 0, "{}{}", out(&live), err(&live));
        stage
    }

    fn ask(&self, verb: &str, more: &[&str]) -> std::process::Output {
        run(&[&[verb, "-c", &self.config], more].concat())
    }

    fn status(&self) -> Value {
        json(&self.ask("status", &["--json"]))
    }

    /// An order of the operator, tried again where only the machine was too slow for it.
    fn submit(&self, words: &[&str]) -> Value {
        let words = [&["-i", ETH, "--json"], words, self.exchange.leg()].concat();
        let mut tried = self.ask("submit", &words);
        until("there is a price, and a disk that is fast enough", || {
            let again = ["there is no price", "TooOld", "PriceMoved"].iter().any(|word| out(&tried).contains(word));
            if again {
                tried = self.ask("submit", &words);
            }
            !again
        });
        json(&tried)
    }

    /// An order that rests until the market falls.
    fn rest(&self) -> Value {
        let placed = self.submit(&["--side", "buy", "--qty", "0.1", "--price", "2450", "--tif", "gtx"]);
        assert_eq!(placed["status"], "New", "{placed}");
        placed
    }

    /// What the books hold of the one leg.
    fn held(&self) -> String {
        let status = self.status();
        let legs = status["report"]["positions"].as_array().unwrap();
        let held = legs.iter().filter_map(|leg| leg["ours"].as_str()).find(|qty| *qty != "0").unwrap_or("0");
        held.trim_end_matches('0').to_owned()
    }

    /// Waits for a look at the legs that begins and ends from here on: all is well then.
    fn looked(&self) {
        let asked = || self.status()["counters"]["queries"].as_u64().unwrap();
        let before = asked();
        until("the legs were looked at", || asked() >= before + 3);
    }

    fn was_told(&self, alert: &str) -> bool {
        self.status()["alerts"].as_array().unwrap().iter().any(|raised| raised["kind"] == *alert)
    }

    fn shut_by(&self) -> Vec<String> {
        let status = self.status();
        status["reasons"].as_array().unwrap().iter().map(|why| why["kind"].as_str().unwrap().to_owned()).collect()
    }

    fn sessions(&self) -> usize {
        std::fs::read_to_string(&self.log).unwrap().matches("private stream is open").count()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Only the child that this test started.
        let _ = self.node.kill();
        let _ = self.node.wait();
    }
}

/// On a quiet account nothing is owed: only a look at the legs shows that the stream carries nothing.
fn quiet_and_silent(hedge: bool) {
    let stage = Stage::begin(hedge, "position_check_interval_secs = 0.3");
    stage.rest();
    stage.looked();
    stage.exchange.stream_fault(StreamFault::Silence, 1);
    stage.exchange.move_price("2440");
    until("the fill is in the books", || stage.held() == "0.1");
    // The books are equal again long before the stream is given up, and it is given up all the same.
    until("the stream is given up", || stage.was_told("stream_dead"));
    until("the gate is open again", || stage.status()["gate_open"] == true);
    assert_eq!(stage.sessions(), 2);
}

#[test]
fn a_fill_on_a_silent_stream_is_found_on_a_quiet_account_in_netting() {
    quiet_and_silent(false);
}

#[test]
fn a_fill_on_a_silent_stream_is_found_on_a_quiet_account_in_hedging() {
    quiet_and_silent(true);
}

/// An order that is acknowledged owes an event, so nobody need look at anything else.
fn silent_after_a_command(hedge: bool) {
    let stage = Stage::begin(hedge, "position_check_interval_secs = 0.0");
    stage.exchange.stream_fault(StreamFault::Silence, 1);
    stage.rest();
    until("the stream is given up", || stage.was_told("stream_dead"));
    until("the gate is open again", || stage.status()["gate_open"] == true);
    stage.exchange.move_price("2440");
    until("the next session tells the fill", || stage.held() == "0.1");
    assert_eq!(stage.sessions(), 2);
}

#[test]
fn a_stream_that_owes_an_event_and_says_nothing_is_replaced_in_netting() {
    silent_after_a_command(false);
}

#[test]
fn a_stream_that_owes_an_event_and_says_nothing_is_replaced_in_hedging() {
    silent_after_a_command(true);
}

/// A late stream is as bad for new risk as none, but another session of it is no better.
fn late(hedge: bool) {
    let stage = Stage::begin(hedge, "position_check_interval_secs = 0.0\nstream_lag_max_ms = 400");
    stage.exchange.stream_fault(StreamFault::Delay(1_000), 1);
    let resting = stage.rest();
    until("the stream is late", || stage.shut_by() == ["stream_late"]);
    let refused = stage.ask("submit", &[&["-i", ETH, "--side", "buy", "--qty", "0.1"], stage.exchange.leg()].concat());
    assert!(code(&refused) == 1 && out(&refused).contains("late"), "{}{}", out(&refused), err(&refused));
    // What ends an order passes, and its event is in time.
    let cancelled = stage.ask("cancel", &[resting["intent"].as_str().unwrap()]);
    assert_eq!(code(&cancelled), 0, "{}{}", out(&cancelled), err(&cancelled));
    until("the stream is in time again", || stage.shut_by().is_empty());
    assert!(stage.was_told("stream_fresh"), "{}", stage.status());
    assert_eq!(stage.sessions(), 1);
}

#[test]
fn a_late_stream_takes_no_new_risk_lets_exits_pass_and_keeps_its_session_in_netting() {
    late(false);
}

#[test]
fn a_late_stream_takes_no_new_risk_lets_exits_pass_and_keeps_its_session_in_hedging() {
    late(true);
}

/// Neither end of the socket knows that nothing is between them any more; REST goes on.
fn half_open(hedge: bool) {
    let stage = Stage::begin(hedge, "position_check_interval_secs = 0.3");
    stage.rest();
    stage.looked();
    stage.exchange.wire.freeze();
    stage.exchange.move_price("2440");
    until("the fill is in the books", || stage.held() == "0.1");
    until("the stream is given up", || stage.was_told("stream_dead"));
    until("the gate is open again", || stage.status()["gate_open"] == true);
    // The session that was opened on a wire of its own works.
    stage.exchange.move_price("2500");
    stage.rest();
    stage.exchange.move_price("2440");
    until("the next session tells the next fill", || stage.held() == "0.2");
    assert_eq!(stage.sessions(), 2);
}

#[test]
fn a_half_open_stream_is_replaced_and_its_fill_is_found_in_netting() {
    half_open(false);
}

#[test]
fn a_half_open_stream_is_replaced_and_its_fill_is_found_in_hedging() {
    half_open(true);
}

/// No stream to be had: entries go, stops stay, exits pass.
fn blind(hedge: bool) {
    let stage = Stage::begin(hedge, "position_check_interval_secs = 0.3\nblind_cancel_secs = 1.0");
    let bought = stage.submit(&["--side", "buy", "--qty", "0.2"]);
    assert_eq!(bought["status"], "Filled", "{bought}");
    let stop = ["--side", "sell", "--qty", "0.2", "--type", "STOP_MARKET", "--trigger", "2300", "--reduce"];
    assert_eq!(stage.submit(&stop)["status"], "New");
    stage.rest();
    stage.exchange.wire.refuse(true);
    stage.exchange.door("cut", "{}");
    let rests = || stage.exchange.ledger().orders.iter().any(|row| row.status == OrderStatus::New);
    until("the entry is gone", || !rests());
    let stops = stage.exchange.ledger().algo_orders;
    assert_eq!(stops.iter().map(|row| row.status).collect::<Vec<_>>(), [AlgoStatus::New]);
    assert!(stage.was_told("blind"), "{}", stage.status());
    let exit = stage.submit(&["--side", "sell", "--qty", "0.1", "--reduce"]);
    assert_eq!(exit["status"], "Filled", "{exit}");
    stage.exchange.wire.refuse(false);
    until("the gate is open again", || stage.status()["gate_open"] == true);
    assert_eq!(stage.held(), "0.1");
}

#[test]
fn without_a_stream_entries_go_stops_stay_and_exits_pass_in_netting() {
    blind(false);
}

#[test]
fn without_a_stream_entries_go_stops_stay_and_exits_pass_in_hedging() {
    blind(true);
}
