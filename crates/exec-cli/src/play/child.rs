//! A node as a process of its own: started, asked through its control socket, killed, or asked to end. And the config file it reads.

use super::stage::{Exchange, Owner};
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

/// One account of a node in a play.
pub(crate) struct Role<'a> {
    /// Name of the account: `netting` or `hedging`.
    pub(crate) account: &'a str,
    pub(crate) owner: Owner,
    pub(crate) seed: u64,
    pub(crate) steps: u32,
}

/// What the config file says besides the accounts.
pub(crate) struct Setting<'a> {
    /// Name of the play, in capitals; it stands in client order ids.
    pub(crate) tag: &'a str,
    /// Which strategy trades.
    pub(crate) strategy: &'a str,
    pub(crate) sweep_interval_secs: u32,
    /// Where the journals are shared, if they are: what is acknowledged stands there, too.
    pub(crate) shared: Option<String>,
    /// Whether it trades under a lease, and as which of several nodes.
    pub(crate) lease: Option<Lease>,
}

/// A node that stands by, or is stood by for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    /// Its number among the nodes of the account.
    pub(crate) node: u8,
    pub(crate) ttl_ms: u64,
    pub(crate) clock_error_max_ms: u64,
    /// From the first comparison to the open gate.
    pub(crate) startup_delay_ms: u64,
}

/// Writes config file and secrets into a folder, and returns the file.
pub(crate) fn write_config(
    folder: &Path,
    exchange: &Exchange,
    setting: &Setting<'_>,
    roles: &[Role<'_>],
) -> Result<PathBuf, Failure> {
    let broken = |error: std::io::Error| Failure::Refused(format!("{}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(broken)?;
    let mut text = head(setting);
    for (at, role) in roles.iter().enumerate() {
        for (what, secret) in [("key", role.owner.key), ("secret", role.owner.secret)] {
            let mut options = OpenOptions::new();
            let name = format!("{}-{what}", role.account);
            let file = options.write(true).create(true).truncate(true).mode(0o600).open(folder.join(name));
            file.and_then(|mut file| writeln!(file, "{secret}")).map_err(broken)?;
        }
        text.push_str(&account(exchange, setting, role, at + 1));
    }
    let path = folder.join("node.toml");
    std::fs::write(&path, text).map_err(broken)?;
    Ok(path)
}

fn head(setting: &Setting<'_>) -> String {
    let Setting { tag, sweep_interval_secs, .. } = setting;
    let (kind, every, table) = match &setting.shared {
        None => ("file", 1_000, String::new()),
        // Without a snapshot before the end, all of it is there where the local log is gone.
        Some(url) => ("redis", 1_000_000, format!("\n[journal.redis]\nurl = \"{url}\"\nack = \"shared\"\n")),
    };
    let (node, lease, execution) = match setting.lease {
        None => (1, String::new(), String::new()),
        Some(lease) => (
            lease.node,
            format!("lease = \"wait\"\nlease_ttl_ms = {}\n", lease.ttl_ms),
            format!(
                "clock_error_max_ms = {}\nreconciliation_startup_delay_secs = {}.{:03}\n",
                lease.clock_error_max_ms,
                lease.startup_delay_ms / 1_000,
                lease.startup_delay_ms % 1_000
            ),
        ),
    };
    format!(
        r#"# A node of a play. On the built-in exchange doubt may be short: the three margins are far below their defaults.
profile = "simulated"
trader_id = "{tag}-{node:03}"
order_tag = "{tag}"

[journal]
kind = "{kind}"
snapshot_every_records = {every}
# All of it is compared with the exchange in the end.
segments_kept = 100000
{table}{lease}
[logging]
level = "info"

[execution]
ended_orders_kept_secs = 600.0
sweep_interval_secs = {sweep_interval_secs}
on_exit = "cancel_all"
{execution}
# Some of what a play asks for is refused on purpose, for as long as it lasts.
[execution.breakers]
refusals_in_a_row = 0
refusals_per_minute = 0
funds_in_a_row = 0
would_take_per_minute = 0
"#
    )
}

fn account(exchange: &Exchange, setting: &Setting<'_>, role: &Role<'_>, number: usize) -> String {
    let instruments: Vec<String> = exchange.symbols.iter().map(|s| format!("\"{s}-PERP.BINANCE\"")).collect();
    let leverages: Vec<String> = instruments.iter().map(|i| format!("{i} = 10")).collect();
    let (account, mode) = (role.account, if role.owner.hedge { "HEDGING" } else { "NETTING" });
    let tempo = exchange.tempo;
    format!(
        r#"
[accounts.{account}]
venue = "binance"
number = {number}
base_url_http = "{http}"
base_url_ws = "{ws}"
oms_type = "{mode}"
instruments = [{instruments}]
{all_windows}order_recv_window_ms = {window}
engine_margin_ms = {margin}
conditional_engine_margin_ms = {margin}
visibility_ms = {visibility}
api_key = {{ file = "{account}-key" }}
api_secret = {{ file = "{account}-secret" }}
futures_leverages = {{ {leverages} }}

[accounts.{account}.limits]
order_notional_max = 50000
position_notional_max = 250000
open_orders_max = 60
collar = 0.05
daily_loss_max = 1000000
{switch}
[[strategies]]
id = "{strategy}-{account}"
kind = "{strategy}"
account = "{account}"
instruments = [{instruments}]
params = {{ seed = {seed}, steps = {steps}, pace_ms = {pace} }}
"#,
        http = exchange.rest_url(),
        ws = exchange.ws_url(),
        instruments = instruments.join(", "),
        leverages = leverages.join(", "),
        // Under a lease every window is bounded, a question's too.
        all_windows = match setting.lease {
            Some(_) => format!("recv_window_ms = {}\n", tempo.order_recv_window_ms),
            None => String::new(),
        },
        // Signs of life are signed under a lease like all else.
        switch = match (setting.lease, instruments.first()) {
            (Some(_), Some(first)) => format!(
                "\n[accounts.{account}.dead_mans_switch]\ninstruments = [{first}]\ncountdown_secs = 60.0\nrefresh_secs = 2.0\n"
            ),
            _ => String::new(),
        },
        window = tempo.order_recv_window_ms,
        margin = tempo.engine_margin_ms,
        visibility = tempo.visibility_ms,
        strategy = setting.strategy,
        seed = role.seed,
        steps = role.steps,
        pace = tempo.pace_ms,
    )
}

/// A running node.
pub(crate) struct Child {
    pub(crate) process: Process,
    journals: PathBuf,
    log: PathBuf,
}

impl Child {
    /// Starts a node on a config file; its log is appended to a file beside it.
    pub(crate) fn start(config: &Path, surroundings: &[(&str, &str)]) -> Result<Self, Failure> {
        let folder = config.parent().unwrap_or(Path::new("."));
        let log = folder.join("node.log");
        let broken = |error: std::io::Error| Failure::Refused(format!("the node does not start: {error}"));
        let to: File = OpenOptions::new().create(true).append(true).open(&log).map_err(broken)?;
        let program = std::env::current_exe().map_err(broken)?;
        let process = Command::new(program)
            .args(["play-node", "--config"])
            .arg(config)
            .env_remove("RUST_LOG")
            .envs(surroundings.iter().copied())
            .stdin(Stdio::piped())
            .stdout(to.try_clone().map_err(broken)?)
            .stderr(to)
            .spawn()
            .map_err(broken)?;
        Ok(Self { process, journals: folder.join("journal"), log })
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Asks through the control socket of an account; `None` while nobody answers.
    pub(crate) async fn ask(&mut self, account: &str, ask: Ask) -> Result<Option<Value>, Failure> {
        if let Some(status) = self.process.try_wait().map_err(|e| Failure::Refused(e.to_string()))? {
            return Err(self.died(status));
        }
        let Ok(mut client) = Client::connect(&self.journals.join(account).join(node_config::CONTROL_SOCKET)).await else {
            return Ok(None);
        };
        Ok(client.ask("play", ask).await.ok())
    }

    /// Waits until the gate of an account is open, and returns the status.
    pub(crate) async fn live(&mut self, account: &str) -> Result<Value, Failure> {
        let until = Instant::now() + START_DEADLINE;
        let mut last = Value::Null;
        while Instant::now() < until {
            if let Some(status) = self.ask(account, Ask::Status {}).await? {
                if status["gate_open"] == true {
                    return Ok(status);
                }
                last = status;
            }
            sleep(Duration::from_millis(20)).await;
        }
        let why = last["report"]["shut"].to_string();
        Err(Failure::NoAnswer(format!(
            "the gate of {account} did not open within {} s: {why}; the log is {}",
            START_DEADLINE.as_secs(),
            self.log.display()
        )))
    }

    /// Kills the process where it stands: nothing of it is flushed, closed or told.
    pub(crate) fn kill(mut self) -> Result<(), Failure> {
        let killed = self.process.kill().and_then(|()| self.process.wait());
        killed.map(|_| ()).map_err(|error| Failure::Refused(format!("the node cannot be killed: {error}")))
    }

    /// Asks the process to end, as `kill PID` does, and waits for it.
    pub(crate) async fn end(mut self) -> Result<(), Failure> {
        self.ask_to_end()?;
        let until = Instant::now() + END_DEADLINE;
        while Instant::now() < until {
            match self.process.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(self.late_or_dead(status)),
                Ok(None) => sleep(Duration::from_millis(10)).await,
                Err(error) => return Err(Failure::Refused(error.to_string())),
            }
        }
        Err(Failure::NoAnswer(format!(
            "the node did not end within {} s; its log is {}",
            END_DEADLINE.as_secs(),
            self.log.display()
        )))
    }

    /// Asks the process to end, and does not wait for it.
    pub(crate) fn ask_to_end(&self) -> Result<(), Failure> {
        let pid = i32::try_from(self.process.id()).ok().and_then(rustix::process::Pid::from_raw);
        let asked = pid.map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::TERM));
        if !matches!(asked, Some(Ok(()))) {
            return Err(Failure::Refused("the node cannot be asked to end".to_owned()));
        }
        Ok(())
    }

    /// A node that was asked to end and did not get everything settled in its time has said so: it was late, and did not fail.
    fn late_or_dead(&self, status: ExitStatus) -> Failure {
        match self.died(status) {
            Failure::Refused(text) if text.contains("ended by its deadline") => Failure::NoAnswer(text),
            other => other,
        }
    }

    pub(crate) fn died(&self, status: ExitStatus) -> Failure {
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
