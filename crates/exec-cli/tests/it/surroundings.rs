//! The built program, an exchange and a node for its tests, each gone with the test. No test.

use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

/// The program without any of the surroundings of this test.
pub(crate) fn program() -> Command {
    program_with("sim-key", "sim-secret")
}

pub(crate) fn program_with(key: &str, secret: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_exec-node"));
    command.env_clear().env("BINANCE_SIM_API_KEY", key).env("BINANCE_SIM_API_SECRET", secret).env("USER", "tester");
    command
}

/// What the decoder says to an event and to a line that is none.
pub(crate) fn decoded(mut program: Command) -> Output {
    let decode = program.args(["decode", "--product", "usdm"]);
    let mut child = decode.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, r#"{{"e":"ACCOUNT_CONFIG_UPDATE","E":2,"T":1,"ac":{{"s":"BTCUSDT","l":25}}}}"#).unwrap();
    writeln!(input, "not json").unwrap();
    drop(input);
    child.wait_with_output().unwrap()
}

pub(crate) fn run(args: &[&str]) -> Output {
    program().args(args).output().unwrap()
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// An exchange of its own on a free port, gone with the test.
pub(crate) struct Sim {
    child: Child,
    pub(crate) rest: String,
    pub(crate) ws: String,
}

impl Sim {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }
    pub(crate) fn start_with(more: &[&str]) -> Self {
        let args = [&["sim", "--listen", "127.0.0.1:0", "--seed", "3"], more].concat();
        let mut child = program().args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut after = |name: &str| {
            let line = lines.next().unwrap().unwrap();
            line.strip_prefix(name).unwrap_or_else(|| panic!("{line}")).trim().to_owned()
        };
        let (rest, ws) = (after("REST"), after("WebSocket"));
        Self { child, rest, ws }
    }
    pub(crate) fn config(&self, folder: &Path) -> PathBuf {
        let path = folder.join("node.toml");
        let text = format!(
            "profile = \"simulated\"\n[execution]\non_exit = \"cancel_all\"\n[accounts.main]\nvenue = \"binance\"\nbase_url_http = \"{}\"\nbase_url_ws = \"{}\"\n\
             instruments = [\"ETHUSDT-PERP.BINANCE\"]\nengine_margin_ms = 200\nvisibility_ms = 100\n",
            self.rest, self.ws
        );
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        // Only the child that this test started.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A node that trades, gone with the test.
pub(crate) struct Node(Child);

impl Node {
    /// Starts it, and does not wait for it.
    pub(crate) fn begin(config: &str) -> Self {
        Self(program().args(["run", "--config", config]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
    pub(crate) fn start(config: &str, folder: &Path) -> Self {
        let node = Self::begin(config);
        let socket = folder.join("journal/main/control.sock");
        until("the gate is open", || {
            socket.exists() && out(&run(&["status", "-c", config, "--wait", "1", "--json"])).contains(r#""gate_open":true"#)
        });
        node
    }
    /// Waits until its gate is open.
    pub(crate) fn live(config: &str) -> Self {
        let node = Self::begin(config);
        let live = run(&["status", "-c", config, "--wait", "60"]);
        assert_eq!(code(&live), 0, "{}{}", out(&live), err(&live));
        node
    }
    /// Waits until it answers; a verb that found no node would take the journal's lock for itself.
    pub(crate) fn answering(config: &str, folder: &Path) -> Self {
        let socket = folder.join("journal/main/control.sock");
        let _of_the_last_one = std::fs::remove_file(&socket);
        let node = Self::begin(config);
        until("the node listens", || socket.exists());
        until("the node answers", || matches!(code(&run(&["status", "-c", config])), 0 | 5 | 6));
        node
    }
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
    /// Its exit code, once it has ended; `None` within where a signal ended it.
    pub(crate) fn ended(&mut self) -> Option<Option<i32>> {
        self.0.try_wait().unwrap().map(|status| status.code())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Only the child that this test started.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until something is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !is_so() {
        assert!(std::time::Instant::now() < end, "never came: {what}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

pub(crate) fn json(output: &Output) -> serde_json::Value {
    serde_json::from_str(&out(output)).unwrap_or_else(|error| panic!("{error}: {}{}", out(output), err(output)))
}
