//! How a node ends and is stopped, by the built program: signals, exit codes, what is left at the venue and in the journal.

use crate::surroundings::{Sim, code, err, json, out, program, run, until};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::Read,
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

const ETH: &str = "ETHUSDT-PERP.BINANCE";

/// A node whose last words are read.
struct Running(Child);

impl Running {
    fn start(config: &str, folder: &Path) -> Self {
        let child = program().args(["run", "-c", config]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let node = Self(child);
        until("the node answers", || {
            folder.join("journal/main/control.sock").exists() && matches!(code(&run(&["status", "-c", config])), 0 | 5 | 6)
        });
        node
    }
    fn live(config: &str, folder: &Path) -> Self {
        let node = Self::start(config, folder);
        until("the gate is open", || code(&run(&["status", "-c", config])) == 0);
        node
    }
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
    fn runs(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
    /// Its exit code and its last words, within so many seconds.
    fn end(mut self, within: u64) -> (i32, String) {
        let until = Instant::now() + Duration::from_secs(within);
        let status = loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        };
        let mut said = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        (status.code().expect("it ended by itself"), said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only the child that this test started.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Places an order, until there was a price to value it with and the disk was fast enough.
pub(crate) fn submit(config: &str, more: &[&str]) -> serde_json::Value {
    for _ in 0..40 {
        let mut args = vec!["submit", "-c", config, "-i", ETH, "--json"];
        args.extend(more);
        let tried = run(&args);
        if code(&tried) == 0 {
            return json(&tried);
        }
        let passes = ["TooOld", "there is no price", "newest price"].iter().any(|word| out(&tried).contains(word));
        assert!(passes, "{}{}", out(&tried), err(&tried));
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("the disk is too slow");
}

pub(crate) fn orders(config: &str) -> Vec<serde_json::Value> {
    let listed = run(&["orders", "-c", config, "--json"]);
    assert_eq!(code(&listed), 0, "{}{}", out(&listed), err(&listed));
    json(&listed).as_array().cloned().unwrap_or_else(|| panic!("{}", out(&listed)))
}

fn config(sim: &Sim, folder: &Path, on_exit: &str) -> String {
    let path = sim.config(folder);
    let text = std::fs::read_to_string(&path).unwrap().replace("cancel_all", on_exit);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

const ENTRY: [&str; 6] = ["--side", "buy", "--qty", "0.1", "--price", "2450"];
const STOP: [&str; 9] = ["--side", "sell", "--qty", "0.1", "--type", "STOP_MARKET", "--trigger", "2300", "--reduce"];

#[test]
fn a_signal_drains_as_the_config_says_and_the_journal_is_whole() {
    for (signal, on_exit, left) in
        [(Signal::TERM, "leave", 2), (Signal::INT, "cancel_entries", 1), (Signal::TERM, "cancel_all", 0)]
    {
        let sim = Sim::start();
        let folder = tempfile::tempdir().unwrap();
        let config = config(&sim, folder.path(), on_exit);
        let node = Running::live(&config, folder.path());
        submit(&config, &["--side", "buy", "--qty", "0.1"]);
        submit(&config, &ENTRY);
        submit(&config, &STOP);
        node.signal(signal);
        let (code_of_run, said) = node.end(15);
        assert_eq!(code_of_run, 0, "{on_exit}: {said}");
        assert!(said.contains(&format!("{left} open orders, 0 in doubt")) && said.contains(": ended;"), "{on_exit}: {said}");
        let journal = folder.path().join("journal/main");
        let verified = run(&["journal", "verify", journal.to_str().unwrap()]);
        assert_eq!(code(&verified), 0, "{on_exit}: {}{}", out(&verified), err(&verified));
        assert_eq!(orders(&config).len(), left, "{on_exit}: {:?}", orders(&config));
    }
}

#[test]
fn a_second_signal_ends_at_once_and_the_next_start_settles_what_was_open() {
    let sim = Sim::start();
    let folder = tempfile::tempdir().unwrap();
    let config = config(&sim, folder.path(), "cancel_all");
    let node = Running::live(&config, folder.path());
    submit(&config, &ENTRY);
    // Nobody answers its cancels any more, so that it would wait until its deadline.
    drop(sim);
    node.signal(Signal::TERM);
    std::thread::sleep(Duration::from_millis(300));
    let from = Instant::now();
    node.signal(Signal::TERM);
    let (code_of_run, said) = node.end(8);
    assert!(from.elapsed() < Duration::from_secs(4), "{:?}", from.elapsed());
    assert_eq!(code_of_run, 7, "{said}");
    assert!(said.contains("ended at once, as it was asked to twice; 1 open orders"), "{said}");
    let journal = folder.path().join("journal/main");
    let verified = run(&["journal", "verify", journal.to_str().unwrap()]);
    assert_eq!(code(&verified), 0, "{}{}", out(&verified), err(&verified));
}

#[test]
fn sigusr1_reduces_every_account_over_a_restart_and_sigusr2_ends_nothing() {
    let sim = Sim::start();
    let folder = tempfile::tempdir().unwrap();
    let config = config(&sim, folder.path(), "leave");
    let mut node = Running::live(&config, folder.path());
    submit(&config, &["--side", "buy", "--qty", "0.1"]);
    submit(&config, &ENTRY);
    submit(&config, &STOP);
    node.signal(Signal::USR2);
    std::thread::sleep(Duration::from_millis(200));
    assert!(node.runs());
    assert_eq!(orders(&config).len(), 2);
    node.signal(Signal::USR1);
    until("the entry is gone", || orders(&config).len() == 1);
    assert_eq!(code(&run(&["status", "-c", &config])), 6, "until a person acts");
    node.signal(Signal::TERM);
    assert_eq!(node.end(15).0, 0);

    let node = Running::start(&config, folder.path());
    let status = json(&run(&["status", "-c", &config, "--json"]));
    assert_eq!(status["kills"][0]["level"], "reduce", "{status}");
    assert!(status["kills"][0]["text"].as_str().unwrap().contains("by SIGUSR1"), "{status}");
    assert_eq!(code(&run(&["release", "-c", &config])), 0);
    until("the gate is open", || code(&run(&["status", "-c", &config])) == 0);
    drop(node);
}

#[test]
fn kill_flatten_closes_everything_with_a_running_node_and_without() {
    for runs in [true, false] {
        let sim = Sim::start();
        let folder = tempfile::tempdir().unwrap();
        let config = config(&sim, folder.path(), "leave");
        let node = Running::live(&config, folder.path());
        submit(&config, &["--side", "buy", "--qty", "0.1"]);
        submit(&config, &ENTRY);
        submit(&config, &STOP);
        let refused = run(&["kill", "reduce", "-c", &config, "-i", "ETHUSD-PERP.BINANCE"]);
        assert_eq!(code(&refused), 1, "{}{}", out(&refused), err(&refused));
        assert!(err(&refused).contains("did you mean ETHUSDT-PERP.BINANCE"), "{}", err(&refused));
        let reduced = run(&["kill", "reduce", "-c", &config]);
        assert_eq!(code(&reduced), 0, "{}{}", out(&reduced), err(&reduced));
        assert_eq!(orders(&config).len(), 1, "the stop stays");
        if !runs {
            node.signal(Signal::TERM);
            assert_eq!(node.end(15).0, 0);
        }
        let flat = run(&["kill", "flatten", "-c", &config]);
        assert_eq!(code(&flat), 0, "{}{}", out(&flat), err(&flat));
        assert!(out(&flat).contains("is flat") && out(&flat).contains("halted until released"), "{}", out(&flat));
        assert_eq!(orders(&config), Vec::<serde_json::Value>::new());
        let positions = json(&run(&["positions", "-c", &config, "--json"]));
        let held = |row: &&serde_json::Value| row["qty"].as_str().is_some_and(|q| !q.trim_matches(['0', '.']).is_empty());
        assert_eq!(positions.as_array().into_iter().flatten().filter(held).count(), 0, "{positions}");
        assert_eq!(code(&run(&["status", "-c", &config])), 6);
    }
}
