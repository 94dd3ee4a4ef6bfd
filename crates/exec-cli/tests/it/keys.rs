//! A real node with each kind of key: it opens its stream, places, cancels and fills over loopback, and its key stays where it was.

use crate::{
    canary::Canary,
    loopback::{ETH, Exchange},
    surroundings::{code, err, json, out, program, until},
};
use exchange_sim::face::FaceConfig;
use exec_testkit::keys;
use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    process::{Child, Output, Stdio},
};

/// Stands for the key that the venue shows.
const KEY: &str = "CANARYkeyOfALoopbackExchange0123456789abcdefghijklmnopqrstuvwxyz";

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Only the child that this test started.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn trades(exchange: &FaceConfig, secret: &str) {
    let (exchange, folder) = (Exchange::open_on(exchange.clone(), false), tempfile::tempdir().unwrap());
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.path().join("secret"));
    file.unwrap().write_all(secret.as_bytes()).unwrap();
    let account = "api_key = { env = \"THE_KEY\" }\napi_secret = { file = \"secret\" }";
    let logging = "[logging]\nlevel = \"debug\"";
    let config = exchange.config(folder.path(), "on_exit = \"cancel_all\"", account, logging);
    let ask = |words: &[&str]| -> Output {
        program().env("THE_KEY", KEY).args([&[words[0], "-c", config.to_str().unwrap()], &words[1..]].concat()).output().unwrap()
    };
    let log = folder.path().join("node.log");
    let mut command = program();
    let command = command.env("THE_KEY", KEY).args(["run", "-c", config.to_str().unwrap()]);
    let _node = Running(command.stdout(Stdio::null()).stderr(File::create(&log).unwrap()).spawn().unwrap());
    let live = ask(&["status", "--wait", "60"]);
    assert_eq!(code(&live), 0, "{}{}", out(&live), err(&live));

    let submit = |words: &[&str]| {
        let words = [&["submit", "-i", ETH, "--json", "--side", "buy", "--qty", "0.1"], words].concat();
        let mut tried = ask(&words);
        until("there is a price, and a disk that is fast enough", || {
            let again = ["there is no price", "TooOld", "PriceMoved"].iter().any(|word| out(&tried).contains(word));
            if again {
                tried = ask(&words);
            }
            !again
        });
        json(&tried)
    };
    let rests = submit(&["--price", "2450", "--tif", "gtx"]);
    assert_eq!(rests["status"], "New", "{rests}");
    assert_eq!(code(&ask(&["cancel-all"])), 0);
    submit(&[]);
    let held = || exchange.face.ledger(KEY).unwrap().positions.iter().any(|leg| leg.amount == "0.1".parse().unwrap());
    until("the order is filled", held);

    let canary = Canary::new(KEY, secret);
    canary.is_nowhere("the log", &std::fs::read(&log).unwrap());
    canary.is_nowhere("the status", &ask(&["status", "--json"]).stdout);
    canary.is_nowhere_in(&folder.path().join("journal"));
}

#[test]
fn a_node_trades_with_an_hmac_key() {
    let secret = "CANARYsecretNhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvq";
    // A file ends with a line end.
    trades(&FaceConfig::new(3).with_key(KEY, secret), &format!("{secret}\n"));
}

#[test]
fn a_node_trades_with_an_ed25519_key() {
    trades(&FaceConfig::new(3).with_ed25519_key(KEY, keys::ED25519_PUBLIC), keys::ED25519);
}

#[test]
fn a_node_trades_with_an_rsa_key() {
    trades(&FaceConfig::new(3).with_rsa_key(KEY, keys::RSA_PUBLIC), keys::RSA);
}
