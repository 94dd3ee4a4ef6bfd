//! `exec-node tail` as a consumer meets it, against a real server.

use crate::{
    copies::machine,
    ends::submit,
    surroundings::{Node, Sim, code, err, json, out, program, run, until},
};
use exec_testkit::redis_server::RedisServer;
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

const KEY: &str = "{ex:main}:events";

fn add(server: &RedisServer, id: &str, prev: &str) {
    let json = format!(r#"{{"v":1,"id":"{id}","account":"main","type":"alert","something_new":[1]}}"#);
    let answer = server.command(&["XADD", KEY, id, "prev", prev, "type", "alert", "new", "x", "sum", "", "json", &json]);
    assert_eq!(answer, id);
}

/// Three events: 1-1, 2-1, 2-2.
fn three(server: &RedisServer) {
    add(server, "1-1", "0-0");
    add(server, "2-1", "1-1");
    add(server, "2-2", "2-1");
}

fn ids(text: &str) -> Vec<String> {
    let line = |line: &str| {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        match event["type"].as_str() {
            Some("missed") => format!("missed {}..{}", event["after"].as_str().unwrap(), event["until"].as_str().unwrap()),
            _ => event["id"].as_str().unwrap().to_owned(),
        }
    };
    text.lines().map(line).collect()
}

fn tail(server: &RedisServer, more: &[&str]) -> Vec<String> {
    let url = server.url();
    let output = run(&[&["tail", "--redis", &url, "--account", "main", "--no-follow"], more].concat());
    assert_eq!(code(&output), 0, "{}", err(&output));
    ids(&out(&output))
}

#[test]
fn events_are_printed_from_the_beginning_or_from_an_id_and_a_gap_is_a_line() {
    let server = RedisServer::start();
    assert!(tail(&server, &[]).is_empty());
    three(&server);
    assert_eq!(tail(&server, &[]), ["1-1", "2-1", "2-2"]);
    assert_eq!(tail(&server, &["--from", "2-1"]), ["2-2"]);
    assert_eq!(tail(&server, &["--count", "2"]), ["1-1", "2-1"]);
    assert!(tail(&server, &["--from", "now"]).is_empty());
    server.command(&["XTRIM", KEY, "MAXLEN", "1"]);
    assert_eq!(tail(&server, &["--from", "1-1"]), ["missed 1-1..2-1", "2-2"]);
    assert_eq!(tail(&server, &[]), ["missed 0-0..2-1", "2-2"]);
}

#[test]
fn a_member_of_a_group_goes_on_where_the_group_stands() {
    let server = RedisServer::start();
    three(&server);
    assert_eq!(tail(&server, &["--group", "risk"]), ["1-1", "2-1", "2-2"]);
    assert!(tail(&server, &["--group", "risk"]).is_empty());
    assert!(tail(&server, &["--group", "risk", "--member", "b"]).is_empty());
    // Given to `b`, which dies before it is done.
    add(&server, "3-1", "2-2");
    server.command(&["XREADGROUP", "GROUP", "risk", "b", "STREAMS", KEY, ">"]);
    assert!(tail(&server, &["--group", "risk"]).is_empty());
    assert_eq!(tail(&server, &["--group", "risk", "--member", "b"]), ["3-1"]);
    assert!(tail(&server, &["--group", "risk", "--member", "b"]).is_empty());
    // Another group has its own place.
    assert_eq!(tail(&server, &["--group", "profit"]).len(), 4);
    // And is told what it will never be given.
    add(&server, "4-1", "3-1");
    add(&server, "5-1", "4-1");
    server.command(&["XTRIM", KEY, "MAXLEN", "1"]);
    assert_eq!(tail(&server, &["--group", "profit"]), ["missed 3-1..4-1", "5-1"]);
}

/// A `tail` that follows, and what it has printed.
struct Following {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Following {
    fn start(server: &RedisServer) -> Self {
        Self::start_with(&["--redis", &server.url(), "--account", "main"])
    }
    fn start_with(args: &[&str]) -> Self {
        let mut tail = program();
        tail.arg("tail").args(args).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = tail.spawn().unwrap();
        let (lines, kept) = (BufReader::new(child.stdout.take().unwrap()).lines(), Arc::new(Mutex::new(Vec::new())));
        let keep = Arc::clone(&kept);
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| keep.lock().unwrap().push(line)));
        Self { child, lines: kept }
    }
    fn has(&self, count: usize) {
        until("tail has printed them", || self.lines.lock().unwrap().len() >= count);
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_follows_over_a_restart_of_the_server_and_ends_at_ctrl_c() {
    let mut server = RedisServer::start();
    three(&server);
    let mut tail = Following::start(&server);
    tail.has(3);
    add(&server, "3-1", "2-2");
    tail.has(4);
    server.kill();
    server.restart();
    add(&server, "4-1", "3-1");
    tail.has(5);
    let sent = Command::new("kill").args(["-INT", &tail.child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!(tail.child.wait().unwrap().code(), Some(0));
    assert_eq!(ids(&tail.lines.lock().unwrap().join("\n")), ["1-1", "2-1", "2-2", "3-1", "4-1"]);
}

#[test]
fn what_is_wrong_is_said_with_an_exit_code() {
    let server = RedisServer::start();
    let url = server.url();
    let fails = |url: &str, more: &[&str]| {
        let output = run(&[&["tail", "--redis", url, "--account", "main", "--no-follow"], more].concat());
        (code(&output), err(&output))
    };
    let (exit, told) = fails("redis://user:secret@127.0.0.1", &[]);
    assert!(exit == 2 && told.contains("holds a user or a password") && !told.contains("secret"), "{told}");
    let (exit, told) = fails(&url, &["--from", "yesterday"]);
    assert!(exit == 2 && told.contains("`yesterday`") && told.contains("412-1"), "{told}");
    server.command(&["SET", KEY, "x"]);
    let (exit, told) = fails(&url, &[]);
    assert!(exit == 1 && told.contains(KEY), "{told}");
    let sim = Sim::start();
    let folder = tempfile::tempdir().unwrap();
    let config = machine(&sim, folder.path(), &url, "local");
    let quiet = run(&["tail", "-c", config.to_str().unwrap()]);
    assert!(code(&quiet) == 1 && err(&quiet).contains("lacks `events = true`"), "{}", err(&quiet));
    let odd = run(&["tail", "-c", config.to_str().unwrap(), "--redis", &url]);
    assert_eq!(code(&odd), 2, "{}", err(&odd));
    drop(server);
    let (exit, told) = fails(&url, &[]);
    assert!(exit == 3 && told.contains("redis does not answer"), "{told}");
}

/// The quantity that the books hold of the one instrument.
fn held(config: &str) -> String {
    let positions = json(&run(&["positions", "-c", config, "--json"]));
    positions[0]["qty"].as_str().unwrap_or_else(|| panic!("{positions}")).to_owned()
}

#[test]
fn what_a_node_trades_reaches_a_consumer_once_over_deaths_of_node_and_server() {
    let (sim, mut server, folder) = (Sim::start(), RedisServer::start(), tempfile::tempdir().unwrap());
    let path = machine(&sim, folder.path(), &server.url(), "local");
    let text = std::fs::read_to_string(&path).unwrap().replace("ack = ", "events = true\nack = ");
    std::fs::write(&path, text).unwrap();
    let config = path.to_str().unwrap();
    let node = Node::start(config, folder.path());
    let consumer = Following::start_with(&["-c", config]);
    submit(config, &["--side", "buy", "--qty", "0.1"]);
    drop(node);
    let node = Node::start(config, folder.path());
    submit(config, &["--side", "buy", "--qty", "0.1"]);
    submit(config, &["--side", "buy", "--qty", "0.1", "--price", "2450", "--tif", "gtx"]);
    server.kill();
    // With its exits, trading goes on without the stream; what is told of it comes when the server is back.
    run(&["cancel-all", "-c", config]);
    server.restart();
    until("consumers have been told", || json(&run(&["status", "-c", config, "--json"]))["journal"]["events"]["records"] == 0);
    assert!(out(&run(&["status", "-c", config])).contains("consumers have not been told of 0 records"));
    let held = held(config);
    drop(node);

    let whole = run(&["tail", "-c", config, "--no-follow"]);
    let (whole, told) = (out(&whole), err(&whole));
    let wanted = whole.lines().count();
    consumer.has(wanted);
    assert_eq!(consumer.lines.lock().unwrap().join("\n"), whole.trim_end(), "who followed saw something else: {told}");
    let all: Vec<serde_json::Value> = whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &str| all.iter().filter(|event| event["type"] == kind).collect::<Vec<_>>();
    assert!(of("missed").is_empty() && of("gap").is_empty(), "{whole}");
    let places: Vec<Vec<u64>> = ids(&whole).iter().map(|id| id.split('-').map(|part| part.parse().unwrap()).collect()).collect();
    assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "out of order, or twice");
    // The fills add up to what the books hold, and so does the position that was told last.
    let qty = |text: &serde_json::Value| text.as_str().unwrap().parse::<rust_decimal::Decimal>().unwrap();
    let fills = of("fill").into_iter().filter(|fill| fill["again"] == false).map(|fill| qty(&fill["qty"]));
    let (traded, held) = (fills.sum::<rust_decimal::Decimal>(), held.parse().unwrap());
    assert_eq!(traded, held, "{whole}");
    assert_eq!(qty(&of("position").last().unwrap()["qty"]), held, "{whole}");
    assert_eq!(of("start").len(), 2, "{whole}");
    let facts: Vec<&str> = of("order").iter().filter_map(|event| event["fact"].as_str()).collect();
    for wanted in ["asked", "attempted", "accepted", "executed", "canceled"] {
        assert!(facts.contains(&wanted), "{wanted} is missing in {facts:?}");
    }
}
