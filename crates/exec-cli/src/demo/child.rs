//! A node as a process of its own: started, asked through its control socket, killed, or asked to end. And the config file it reads.

use super::stage::{ENGINE_MARGIN_MS, Exchange, Owner, VISIBILITY_MS};
use crate::failure::Failure;
use node_config::control::{Ask, Client};
use serde_json::Value;
use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Child as Process, Command, ExitStatus, Stdio},
    time::Duration,
};
use tokio::time::{Instant, sleep};

const START_DEADLINE: Duration = Duration::from_secs(20);
const END_DEADLINE: Duration = Duration::from_secs(20);

/// What a node of the demonstration is told.
pub(super) struct Role<'a> {
    /// Name of the account: `netting` or `hedging`.
    pub(super) account: &'a str,
    pub(super) owner: Owner,
    pub(super) seed: u64,
    pub(super) steps: u32,
}

/// Writes config file and secrets into a folder of the role's own, and returns the file.
pub(super) fn write_config(folder: &Path, exchange: &Exchange, role: &Role<'_>) -> Result<PathBuf, Failure> {
    let broken = |error: std::io::Error| Failure::Refused(format!("{}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(broken)?;
    for (name, text) in [("api-key", role.owner.key), ("api-secret", role.owner.secret)] {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(folder.join(name));
        file.and_then(|mut file| writeln!(file, "{text}")).map_err(broken)?;
    }
    let path = folder.join("node.toml");
    std::fs::write(&path, config(exchange, role)).map_err(broken)?;
    Ok(path)
}

fn config(exchange: &Exchange, role: &Role<'_>) -> String {
    let instruments: Vec<String> = exchange.symbols.iter().map(|s| format!("\"{s}-PERP.BINANCE\"")).collect();
    let leverages: Vec<String> = instruments.iter().map(|i| format!("{i} = 10")).collect();
    let (account, mode) = (role.account, if role.owner.hedge { "HEDGING" } else { "NETTING" });
    format!(
        r#"# The node of the demonstration. On the built-in exchange doubt may be short: the three margins are a tenth of their defaults.
profile = "simulated"
trader_id = "DEMO-001"
order_tag = "DEMO"

[logging]
level = "info"

[execution]
sweep_interval_secs = 5
on_exit = "cancel_all"

[accounts.{account}]
venue = "binance"
base_url_http = "{http}"
base_url_ws = "{ws}"
oms_type = "{mode}"
instruments = [{instruments}]
order_recv_window_ms = 1000
engine_margin_ms = {ENGINE_MARGIN_MS}
conditional_engine_margin_ms = {ENGINE_MARGIN_MS}
visibility_ms = {VISIBILITY_MS}
api_key = {{ file = "api-key" }}
api_secret = {{ file = "api-secret" }}
futures_leverages = {{ {leverages} }}

[accounts.{account}.limits]
order_notional_max = 50000
position_notional_max = 250000
open_orders_max = 60
collar = 0.05

[[strategies]]
id = "demo"
kind = "demo"
instruments = [{instruments}]
params = {{ seed = {seed}, steps = {steps} }}
"#,
        http = exchange.rest_url(),
        ws = exchange.ws_url(),
        instruments = instruments.join(", "),
        leverages = leverages.join(", "),
        seed = role.seed,
        steps = role.steps,
    )
}

/// A running node.
pub(super) struct Child {
    process: Process,
    socket: PathBuf,
    log: PathBuf,
}

impl Child {
    /// Starts a node on a config file; its log is appended to a file beside it.
    pub(super) fn start(config: &Path, account: &str) -> Result<Self, Failure> {
        let folder = config.parent().unwrap_or(Path::new("."));
        let log = folder.join("node.log");
        let broken = |error: std::io::Error| Failure::Refused(format!("the node does not start: {error}"));
        let to: File = OpenOptions::new().create(true).append(true).open(&log).map_err(broken)?;
        let program = std::env::current_exe().map_err(broken)?;
        let process = Command::new(program)
            .args(["demo-node", "--config"])
            .arg(config)
            .env_remove("RUST_LOG")
            .stdin(Stdio::piped())
            .stdout(to.try_clone().map_err(broken)?)
            .stderr(to)
            .spawn()
            .map_err(broken)?;
        Ok(Self { process, socket: folder.join("journal").join(account).join(node_config::CONTROL_SOCKET), log })
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Asks through the control socket; `None` while nobody answers.
    pub(super) async fn ask(&mut self, ask: Ask) -> Result<Option<Value>, Failure> {
        if let Some(status) = self.process.try_wait().map_err(|e| Failure::Refused(e.to_string()))? {
            return Err(self.died(status));
        }
        let Ok(mut client) = Client::connect(&self.socket).await else { return Ok(None) };
        Ok(client.ask("demo", ask).await.ok())
    }

    /// Waits until the gate is open, and returns the status.
    pub(super) async fn live(&mut self) -> Result<Value, Failure> {
        let until = Instant::now() + START_DEADLINE;
        let mut last = Value::Null;
        while Instant::now() < until {
            if let Some(status) = self.ask(Ask::Status {}).await? {
                if status["gate_open"] == true {
                    return Ok(status);
                }
                last = status;
            }
            sleep(Duration::from_millis(20)).await;
        }
        let why = last["report"]["shut"].to_string();
        Err(Failure::Refused(format!(
            "the gate did not open within {} s: {why}; the log is {}",
            START_DEADLINE.as_secs(),
            self.log.display()
        )))
    }

    /// Kills the process where it stands: nothing of it is flushed, closed or told.
    pub(super) fn kill(mut self) -> Result<(), Failure> {
        let killed = self.process.kill().and_then(|()| self.process.wait());
        killed.map(|_| ()).map_err(|error| Failure::Refused(format!("the node cannot be killed: {error}")))
    }

    /// Asks the process to end, as `kill PID` does, and waits for it.
    pub(super) async fn end(mut self) -> Result<(), Failure> {
        let pid = i32::try_from(self.process.id()).ok().and_then(rustix::process::Pid::from_raw);
        let asked = pid.map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::TERM));
        if !matches!(asked, Some(Ok(()))) {
            return Err(Failure::Refused("the node cannot be asked to end".to_owned()));
        }
        let until = Instant::now() + END_DEADLINE;
        while Instant::now() < until {
            match self.process.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(self.died(status)),
                Ok(None) => sleep(Duration::from_millis(10)).await,
                Err(error) => return Err(Failure::Refused(error.to_string())),
            }
        }
        Err(Failure::Refused(format!(
            "the node did not end within {} s; its log is {}",
            END_DEADLINE.as_secs(),
            self.log.display()
        )))
    }

    fn died(&self, status: ExitStatus) -> Failure {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(12)..].join("\n");
        Failure::Refused(format!("the node ended by itself ({status}); the end of its log:\n{tail}"))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Whatever went wrong, no node is left behind. One that is gone already cannot be killed, and that is fine.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
