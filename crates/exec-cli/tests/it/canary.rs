//! One key and one secret that can be recognised in any form, and the search for them in everything that the program leaves behind:
//! output, logs at their loudest, journal, answers of the control socket, panic text.

use crate::{
    loopback::{ETH, Exchange},
    surroundings::{code, decoded, err, out, program_with, until},
};
use exchange_sim::face::{Answer, FaceConfig, Fault, FaultKind, RequestFault, RequestFilter};
use node_config::{NodeFactory, Process};
use std::{
    collections::HashMap,
    fs::File,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

/// A secret with characters that every encoding changes.
const KEY: &str = "CANARY-key_9f3c-of-the-loopback-exchange-0123456789abcdefghijklm";
const PLAIN: &str = "CANARY9f3cQWERTZUIOPasdfghjklYXCVBNMqwertzuiop0123456789ASDFGHJK";
const SECRET: &str = "CANARY~9f3c+of/the&loopback=exchange:QWERTZUIOPasdfghjkl?1234567";

/// What is looked for: pieces of the key and of the secret, each in every form.
pub(crate) struct Canary(HashMap<Vec<u8>, Vec<(String, Vec<u8>)>>);

/// Everything looked for is longer than this, and found by its beginning.
const HEAD: usize = 8;

impl Canary {
    pub(crate) fn new(key: &str, secret: &str) -> Self {
        let mut forms = Vec::new();
        let inside = secret.lines().filter(|line| !line.starts_with("-----") && !line.is_empty());
        for (what, text) in std::iter::once(("key", key)).chain(inside.map(|line| ("secret", line))) {
            // A third of it gives it away, too.
            let pieces = [&text[..text.len() / 3], &text[text.len() / 3..text.len() * 2 / 3], &text[text.len() * 2 / 3..]];
            for piece in pieces.into_iter().filter(|piece| piece.len() >= HEAD + 2) {
                let bytes = piece.as_bytes();
                let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                forms.push((format!("{what}, raw"), bytes.to_vec()));
                forms.push((format!("{what}, escaped for JSON"), piece.replace('/', "\\/").into_bytes()));
                forms.push((format!("{what}, reversed"), bytes.iter().rev().copied().collect()));
                forms.push((format!("{what}, hex"), hex.clone().into_bytes()));
                forms.push((format!("{what}, upper hex"), hex.to_uppercase().into_bytes()));
                forms.push((format!("{what}, list of bytes"), numbers(bytes).into_bytes()));
                forms.push((format!("{what}, percent-encoded"), percent(bytes, "0123456789ABCDEF").into_bytes()));
                forms.push((format!("{what}, lower percent-encoded"), percent(bytes, "0123456789abcdef").into_bytes()));
                // Wherever the text begins in what is encoded, these stand in the middle of the result.
                for skip in 0..3 {
                    let bytes = &bytes[skip..];
                    let text = base64(&bytes[..bytes.len() / 3 * 3]);
                    forms.push((format!("{what}, base64 {skip}"), text.clone().into_bytes()));
                    forms
                        .push((format!("{what}, base64 for URLs {skip}"), text.replace('+', "-").replace('/', "_").into_bytes()));
                }
            }
        }
        let mut by_head: HashMap<_, Vec<_>> = HashMap::new();
        for (form, needle) in forms {
            by_head.entry(needle[..HEAD].to_vec()).or_default().push((form, needle));
        }
        Self(by_head)
    }

    pub(crate) fn is_nowhere(&self, place: &str, bytes: &[u8]) {
        for (at, window) in bytes.windows(HEAD).enumerate() {
            let Some(forms) = self.0.get(window) else { continue };
            for (form, needle) in forms {
                if bytes[at..].starts_with(needle) {
                    let around = &bytes[at.saturating_sub(200)..bytes.len().min(at + 20)];
                    panic!("{place} has the {form}, after {}", String::from_utf8_lossy(around));
                }
            }
        }
    }

    /// In every file below a folder.
    pub(crate) fn is_nowhere_in(&self, folder: &Path) {
        let mut files = 0;
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else if entry.file_type().unwrap().is_file() {
                    self.is_nowhere(&entry.path().display().to_string(), &std::fs::read(entry.path()).unwrap());
                    files += 1;
                }
            }
        }
        assert!(files > 0);
    }

    fn is_not_told(&self, of: &str, output: &Output) {
        self.is_nowhere(&format!("standard output of {of}"), &output.stdout);
        self.is_nowhere(&format!("standard error of {of}"), &output.stderr);
    }
}

fn numbers(bytes: &[u8]) -> String {
    let all: Vec<String> = bytes.iter().map(u8::to_string).collect();
    all.join(", ")
}

fn percent(bytes: &[u8], digits: &str) -> String {
    let digits = digits.as_bytes();
    let mut text = String::new();
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            text.extend(['%', char::from(digits[usize::from(byte >> 4)]), char::from(digits[usize::from(byte & 15)])]);
        }
    }
    text
}

/// Of whole groups of three, so that there is no padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |c: &[u8]| u32::from(c[0]) << 16 | u32::from(c[1]) << 8 | u32::from(c[2]);
    let digits = bytes.chunks_exact(3).map(group).flat_map(|held| [18, 12, 6, 0].map(|shift| (held >> shift) & 63));
    digits.map(|digit| char::from(ALPHABET[digit as usize])).collect()
}

#[test]
fn the_search_finds_each_form() {
    let canary = Canary::new(KEY, SECRET);
    let encoded = |skip: usize| base64(&[&b"xxx"[..skip], SECRET.as_bytes(), b"yy"].concat()[..60]);
    let hex = SECRET.bytes().map(|byte| format!("{byte:02X}")).collect();
    let texts = [
        SECRET.to_owned(),
        KEY[30..].to_owned(),
        hex,
        percent(SECRET.as_bytes(), "0123456789abcdef"),
        format!("{:?}", SECRET.as_bytes()),
    ];
    for text in texts.into_iter().chain((0..3).map(encoded)) {
        let found = std::panic::catch_unwind(|| canary.is_nowhere("here", text.as_bytes()));
        assert!(found.is_err(), "{text}");
    }
    canary.is_nowhere("here", b"CANARY and nothing of it");
}

fn program(key: &str, secret: &str) -> Command {
    let mut command = program_with(key, secret);
    command.env("RUST_BACKTRACE", "full");
    command
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Only the child that this test started.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The built-in exchange with the canary's account, whose secret may have any characters.
fn exchange() -> Exchange {
    Exchange::open_on(FaceConfig::new(3).with_key(KEY, SECRET), false)
}

/// Answers the next requests to a path in the place of the exchange.
fn answers(exchange: &Exchange, path: &str, status: u16, body: &str, times: u64) {
    let filter = RequestFilter { method: None, path: Some(path.into()), key: None };
    let answer = RequestFault::ErrorBefore(Answer { status, body: body.into() });
    exchange.face.arm(Fault { kind: FaultKind::Request(filter, answer), nth: 1, times });
}

/// A node at its loudest trades, is refused, meets a gateway that repeats what it was sent, is asked everything, and ends.
fn a_loud_node_says_nothing(format: &str) {
    let (exchange, folder, canary) = (exchange(), tempfile::tempdir().unwrap(), Canary::new(KEY, SECRET));
    let logging = format!("[logging]\nlevel = \"trace\"\nformat = \"{format}\"");
    let config = exchange.config(folder.path(), "on_exit = \"cancel_all\"", "", &logging);
    let config = config.to_str().unwrap();
    let log = folder.path().join("node.log");
    let mut command = program(KEY, SECRET);
    let command = command.args(["run", "-c", config]).stdout(Stdio::null()).stderr(File::create(&log).unwrap());
    let mut node = Running(command.spawn().unwrap());
    let ask = |words: &[&str]| {
        let output = program(KEY, SECRET).args([&[words[0], "-c", config], &words[1..]].concat()).output().unwrap();
        canary.is_not_told(words[0], &output);
        output
    };
    let live = ask(&["status", "--wait", "60"]);
    assert_eq!(code(&live), 0, "{}{}", out(&live), err(&live));
    let order = ["submit", "-i", ETH, "--side", "buy", "--qty", "0.1", "--price", "2450", "--tif", "gtx", "--json"];
    until("an order rests", || out(&ask(&order)).contains("New"));
    // What was sent comes back in an answer: a gateway may do that, and it is nobody's to repeat.
    let echo = format!("<html>Bad gateway: X-MBX-APIKEY: {KEY} secret={SECRET}</html>");
    answers(&exchange, "/fapi/v1/order", 502, &echo, 1);
    ask(&order);
    answers(&exchange, "/fapi/v1/order", 400, r#"{"code":-1022,"msg":"Signature for this request is not valid."}"#, 1);
    ask(&order);
    answers(
        &exchange,
        "/fapi/v3/positionRisk",
        401,
        r#"{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}"#,
        2,
    );
    ask(&["reconcile", "--explain"]);
    exchange.door("cut", "{}");
    for words in [
        &["orders", "--json"][..],
        &["orders"],
        &["positions"],
        &["balances"],
        &["fills"],
        &["status", "--json"],
        &["status"],
        &["reconcile"],
        &["check", "--online"],
        &["check"],
        &["cancel-all"],
        &["latch"],
        &["release"],
        &["explain", "no-such-order"],
    ] {
        ask(words);
    }
    // The socket itself, also with what nobody understands.
    for question in ["{\"ask\":\"status\"}\n", "\"status\"\n", "nonsense\n", "{\"config\":{}}\n"] {
        let mut socket = UnixStream::connect(folder.path().join("journal/main/control.sock")).unwrap();
        socket.set_read_timeout(Some(std::time::Duration::from_secs(2))).unwrap();
        socket.write_all(question.as_bytes()).unwrap();
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        canary.is_nowhere("an answer of the control socket", &answer);
    }
    // What a crash would leave behind: no image of the memory that holds the key.
    #[cfg(target_os = "linux")]
    {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", node.0.id())).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    }
    let end = Command::new("kill").args(["-TERM", &node.0.id().to_string()]).status().unwrap();
    assert!(end.success());
    node.0.wait().unwrap();
    let told = std::fs::read(&log).unwrap();
    assert!(told.len() > 10_000 && String::from_utf8_lossy(&told).contains("TRACE"), "the log is a loud one");
    canary.is_nowhere("the log", &told);
    canary.is_nowhere_in(&folder.path().join("journal"));
    // Who needs no key may be given one, too.
    for words in
        [&["journal", "verify", "journal/main"][..], &["journal", "dump", "journal/main"], &["explain", "-c", config, "1"]]
    {
        let output = program(KEY, SECRET).current_dir(folder.path()).args(words).output().unwrap();
        canary.is_not_told(words[0], &output);
    }
}

#[test]
fn promise_p17_a_loud_node_says_nothing_of_its_key_in_text() {
    a_loud_node_says_nothing("text");
}

#[test]
fn promise_p17_a_loud_node_says_nothing_of_its_key_in_json() {
    a_loud_node_says_nothing("json");
}

#[test]
fn promise_p17_a_start_that_fails_says_nothing_of_the_key() {
    let (exchange, folder, canary) = (exchange(), tempfile::tempdir().unwrap(), Canary::new(KEY, &format!("{SECRET}\n{PLAIN}")));
    let begun = |name: &str, key: &str, secret: &str, account: &str, expected: i32| {
        let logging = "[logging]\nlevel = \"trace\"";
        let config = exchange.config(folder.path(), "", account, logging);
        let output = program(key, secret).args(["run", "-c", config.to_str().unwrap()]).output().unwrap();
        assert_eq!(code(&output), expected, "{name}: {}{}", out(&output), err(&output));
        canary.is_not_told(name, &output);
    };
    begun("a key that nobody has", &KEY.replace("CANARY", "NOBODY"), SECRET, "", 1);
    begun("another secret", KEY, &format!("{SECRET}1"), "", 1);
    begun("key and secret swapped", SECRET, KEY, "", 1);
    begun("the same twice", SECRET, SECRET, "", 2);
    begun("a secret with a blank in it", KEY, &format!("{SECRET} {SECRET}"), "", 2);
    begun("a PEM that is none", KEY, &format!("-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----"), "", 2);
    // What people write where a name belongs.
    begun("the secret in the file", KEY, SECRET, &format!("api_secret = \"{SECRET}\""), 2);
    begun("the secret for the name of its variable", KEY, SECRET, &format!("api_secret = {{ env = \"{SECRET}\" }}"), 2);
    // As the venue's own look.
    begun("the key for the name of its variable", PLAIN, SECRET, &format!("api_key = {{ env = \"{PLAIN}\" }}"), 2);
    begun("the secret for a path", KEY, PLAIN, &format!("api_secret = {{ file = \"{PLAIN}\" }}"), 2);
    begun("a PEM for a path", KEY, SECRET, &format!("api_secret = {{ file = \"-----BEGIN PRIVATE KEY-----{PLAIN}\" }}"), 2);
    begun("a key that is not known", KEY, SECRET, &format!("api_sceret = \"{SECRET}\""), 2);
    begun("a line that is no TOML", KEY, SECRET, &format!("api_secret = {SECRET}"), 2);
    begun("a number", KEY, SECRET, &format!("api_secret = [\"{SECRET}\"]"), 2);
}

/// Set for the child below alone.
const IS_CHILD: &str = "CANARY_CHILD_PANICS_IN";

/// A program that holds its keys and everything made from them, and panics with all of it in its words.
#[test]
fn a_child_panics() {
    let Ok(folder) = std::env::var(IS_CHILD) else { return };
    let factory = NodeFactory::new();
    let folder = Path::new(&folder);
    let text = std::fs::read_to_string(folder.join("node.toml")).unwrap();
    let mut config = factory.read(&text, &Process::beside(folder.to_owned())).unwrap();
    config.journal.directory = folder.join("journal");
    let _node = factory.build(&config).unwrap();
    let credentials = config.accounts.values().next().unwrap().credentials.clone();
    panic!("the end of the world: {config:#?} {credentials:?} {}", config.render());
}

#[test]
fn promise_p17_a_panic_says_nothing_of_the_key() {
    let (exchange, folder, canary) = (exchange(), tempfile::tempdir().unwrap(), Canary::new(KEY, SECRET));
    exchange.config(folder.path(), "", "", "");
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["canary::a_child_panics", "--exact", "--nocapture", "--test-threads=1"]).env(IS_CHILD, folder.path());
    child.env("BINANCE_SIM_API_KEY", KEY).env("BINANCE_SIM_API_SECRET", SECRET).env("RUST_BACKTRACE", "full");
    let output = child.output().unwrap();
    let words = format!("{}{}", out(&output), err(&output));
    assert!(words.contains("the end of the world") && words.contains("BINANCE_SIM_API_SECRET"), "{words}");
    canary.is_not_told("a panic", &output);
}

/// The secrets of the demonstration's two accounts, and those of a person who has some lying about.
#[test]
fn promise_p17_a_demonstration_says_nothing_of_any_secret() {
    let of_demo = "demoNettingQ7v2Lx9sTz4KcW8mHj3RbYp6NfDg5UaEe1\ndemoHedgingB5t8Vn3kXw6PzJ9cLq2MrYs7GhFd4TaUe0";
    let source = include_str!("../../src/demo/mod.rs");
    assert!(of_demo.lines().all(|secret| source.contains(secret)), "these are the demonstration's own");
    let (canary, folder) = (Canary::new(KEY, &format!("{SECRET}\n{of_demo}")), tempfile::tempdir().unwrap());
    let kept = folder.path().join("kept");
    let output =
        program(KEY, SECRET).env("RUST_LOG", "trace").args(["demo", "--seed", "13", "--keep"]).arg(&kept).output().unwrap();
    assert_eq!(code(&output), 0, "{}{}", out(&output), err(&output));
    canary.is_not_told("demo", &output);
    // Its nodes read their keys from files, as people's do; these alone have them.
    for account in ["netting", "hedging"] {
        std::fs::remove_file(kept.join(account).join(format!("{account}-secret"))).unwrap();
    }
    canary.is_nowhere_in(&kept);
}

#[test]
fn promise_p17_the_decoder_says_nothing_of_a_key_that_lies_about() {
    let canary = Canary::new(KEY, SECRET);
    canary.is_not_told("decode", &decoded(program(KEY, SECRET)));
}
