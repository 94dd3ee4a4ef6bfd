//! A real node whose account somebody changes by hand at the exchange: leverage, margin type, the rights of the key.

use crate::{
    loopback::{ETH, Exchange},
    surroundings::{code, err, json, out, program, run, until},
};
use exchange_sim::types::OrderStatus;
use serde_json::Value;
use std::process::{Child, Output, Stdio};

/// A node on an exchange in this process, gone with the test.
pub(crate) struct Stage {
    pub(crate) exchange: Exchange,
    node: Child,
    config: String,
    _folder: tempfile::TempDir,
}

impl Stage {
    pub(crate) fn begin(hedge: bool, account: &str) -> Self {
        let exchange = Exchange::open(hedge);
        Self::begin_at(exchange, account)
    }

    pub(crate) fn begin_at(exchange: Exchange, account: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = exchange.config(folder.path(), "on_exit = \"cancel_all\"", account, "").to_str().unwrap().to_owned();
        let node = program().args(["run", "-c", &config]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let stage = Self { exchange, node, config, _folder: folder };
        let live = stage.ask("status", &["--wait", "60"]);
        assert_eq!(code(&live), 0, "{}{}", out(&live), err(&live));
        stage
    }

    pub(crate) fn ask(&self, verb: &str, more: &[&str]) -> Output {
        run(&[&[verb, "-c", &self.config], more].concat())
    }

    pub(crate) fn status(&self) -> Value {
        json(&self.ask("status", &["--json"]))
    }

    /// An order of the operator, tried again where only the machine was too slow for it.
    pub(crate) fn submit(&self, verb: &str, words: &[&str]) -> Value {
        let words = [&["-i", ETH, "--json"], words, self.exchange.leg()].concat();
        let mut tried = self.ask(verb, &words);
        until("there is a price, and a disk that is fast enough", || {
            let again = ["there is no price", "TooOld", "PriceMoved"].iter().any(|word| out(&tried).contains(word));
            if again {
                tried = self.ask(verb, &words);
            }
            !again
        });
        json(&tried)
    }

    pub(crate) fn is_shut_by(&self, kind: &str) -> bool {
        self.status()["reasons"].as_array().unwrap().iter().any(|why| why["kind"] == *kind)
    }

    /// What the account's owner asks of the exchange, past the node.
    pub(crate) fn by_hand(&self, path: &str, params: Value) {
        let body = serde_json::json!({ "key": "sim-key", "method": "POST", "path": path, "params": params });
        self.exchange.door("as", &body.to_string());
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Only the child that this test started.
        let _ = self.node.kill();
        let _ = self.node.wait();
    }
}

fn leverage(hedge: bool) {
    let stage = Stage::begin(hedge, "futures_leverages = { \"ETHUSDT-PERP.BINANCE\" = 7 }");
    assert!(out(&stage.ask("status", &[])).contains("key may read, trade; from a list of addresses"));
    let rests = stage.submit("submit", &["--side", "buy", "--qty", "0.1", "--price", "2450", "--tif", "gtx"]);
    assert_eq!(rests["status"], "New", "{rests}");
    let set =
        |leverage: &str| stage.by_hand("/fapi/v1/leverage", serde_json::json!({ "symbol": "ETHUSDT", "leverage": leverage }));
    set("25");
    until("the gate is shut", || stage.is_shut_by("setting"));
    until("the entry is off the book", || stage.exchange.ledger().orders.iter().all(|o| o.status == OrderStatus::Canceled));
    let refused = stage.submit("submit", &["--side", "buy", "--qty", "0.1"]);
    assert_ne!(refused["status"], "Filled", "{refused}");
    set("7");
    until("the gate is open", || stage.status()["gate_open"] == true);
}

#[test]
fn leverage_changed_by_hand_puts_the_account_in_reduce_until_it_is_changed_back_in_netting() {
    leverage(false);
}

#[test]
fn leverage_changed_by_hand_puts_the_account_in_reduce_until_it_is_changed_back_in_hedging() {
    leverage(true);
}

#[test]
fn multi_assets_mode_changed_by_hand_shuts_the_gate_until_it_is_changed_back() {
    let stage = Stage::begin(false, "");
    let set = |on: &str| stage.by_hand("/fapi/v1/multiAssetsMargin", serde_json::json!({ "multiAssetsMargin": on }));
    set("true");
    until("the gate is shut", || stage.is_shut_by("setting"));
    set("false");
    until("the gate is open", || stage.status()["gate_open"] == true);
}

#[test]
fn a_key_that_may_not_trade_opens_nothing_and_says_why() {
    let exchange = Exchange::open(false);
    exchange.door("key/rights", r#"{"key":"sim-key","flags":{"enableFutures":false,"enableWithdrawals":true}}"#);
    let folder = tempfile::tempdir().unwrap();
    let config = exchange.config(folder.path(), "", "", "").to_str().unwrap().to_owned();
    let mut node = program().args(["run", "-c", &config]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let socket = folder.path().join("journal/main/control.sock");
    until("it says why", || socket.exists() && out(&run(&["status", "-c", &config, "--json"])).contains("key_may_not_trade"));
    let told = out(&run(&["status", "-c", &config]));
    assert!(told.contains("WITHDRAW") && told.contains("the key may not trade here"), "{told}");
    // Only the child that this test started.
    let _ = node.kill();
    let _ = node.wait();
}
