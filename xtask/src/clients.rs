//! `cargo xtask clients`: installs third-party clients as they are published and takes each through the same steps against the
//! simulator. Not part of `test`: it fetches packages, and it needs root for a network in which nothing but loopback exists.

mod install;
mod table;

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use self::table::{Cell, Table};
use crate::{Failure, shell};

/// One client: its name in the table, its script in `xtask/clients/`, and what has to be installed, exactly.
struct Client {
    name: &'static str,
    script: &'static str,
    packages: Packages,
}

enum Packages {
    Python(&'static [&'static str]),
    Npm(&'static [&'static str]),
}

const CLIENTS: &[Client] = &[
    Client { name: "ccxt", script: "ccxt_usdm.py", packages: Packages::Python(&["ccxt==4.5.90"]) },
    Client { name: "python-binance", script: "python_binance.py", packages: Packages::Python(&["python-binance==1.0.37"]) },
    Client { name: "connector", script: "connector.py", packages: Packages::Python(&["binance-futures-connector==4.2.0"]) },
    Client {
        name: "sdk-python",
        script: "sdk.py",
        packages: Packages::Python(&["binance-sdk-derivatives-trading-usds-futures==18.0.1"]),
    },
    Client { name: "sdk-npm", script: "sdk.mjs", packages: Packages::Npm(&["@binance/derivatives-trading-usds-futures@38.1.1"]) },
    Client { name: "npm-binance", script: "npm_binance.mjs", packages: Packages::Npm(&["binance@3.6.5"]) },
    Client { name: "nautilus", script: "nautilus.py", packages: Packages::Python(&["nautilus_trader==1.221.0"]) },
    Client { name: "freqtrade", script: "freqtrade_usdm.py", packages: Packages::Python(&["freqtrade==2026.9"]) },
];

/// The port needs no choosing: each client has a network of its own.
const ADDRESS: &str = "127.0.0.1:18080";
const KEY: &str = "clients-key";
const SECRET: &str = "clients-secret";
const CLIENT_MAX: Duration = Duration::from_secs(180);

/// The page that shows the table.
const PAGE: &str = "docs/third-party-clients.md";

/// Runs the named clients, or all; with `--write` all, and the table goes into the page about them.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    if let [flag, name, simulator] = words
        && flag == "--inside"
    {
        return Ok(inside(chosen(std::slice::from_ref(name))?[0], Path::new(simulator))?);
    }
    let write = words == ["--write"];
    let clients = if write { CLIENTS.iter().collect() } else { chosen(words)? };
    namespaces()?;
    let simulator = build_simulator()?;
    let mut table = Table::default();
    for client in &clients {
        println!("=== {}", client.name);
        install::install(client)?;
        let cells = isolated(client, &simulator)?;
        table.add(client.name, cells);
    }
    print!("\n{table}");
    if write {
        let page = shell::root().join(PAGE);
        let text = std::fs::read_to_string(&page).map_err(|e| format!("{PAGE}: {e}"))?;
        let text = table.shown_in(&text).ok_or_else(|| format!("{PAGE} has no block of text with a table of steps"))?;
        std::fs::write(&page, text).map_err(|e| format!("{PAGE}: {e}"))?;
    }
    match table.failures() {
        0 => Ok(()),
        count => Err(Failure::Failed(format!("{count} cells failed; what was said is in {}", logs()?.display()))),
    }
}

fn chosen(names: &[String]) -> Result<Vec<&'static Client>, Failure> {
    let known = || CLIENTS.iter().map(|client| client.name).collect::<Vec<_>>().join(", ");
    if names.is_empty() {
        return Ok(CLIENTS.iter().collect());
    }
    let find = |name: &String| {
        let found = CLIENTS.iter().find(|client| client.name == *name);
        found.ok_or_else(|| Failure::Usage(format!("there is no client `{name}`; there are {}", known())))
    };
    names.iter().map(find).collect()
}

// Some clients ask the live host when an override is misspelt: they get a network that has none.
fn namespaces() -> Result<(), Failure> {
    let tried = shell::command("unshare").args(["--net", "true"]).stderr(Stdio::null()).status();
    if tried.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    let why = "clients run in a network namespace with only loopback, so that none of them can reach a live exchange; that needs root \
               and `unshare` and `ip` (util-linux, iproute2). As root: sudo -E cargo xtask clients";
    Err(Failure::Failed(why.to_owned()))
}

fn build_simulator() -> Result<PathBuf, String> {
    let mut build = shell::command(shell::cargo());
    build.args(["build", "--quiet", "--package", "exec-cli"]);
    shell::run(build)?;
    Ok(shell::target_dir()?.join("debug/exec-node"))
}

fn logs() -> Result<PathBuf, String> {
    Ok(shell::target_dir()?.join("clients/logs"))
}

/// Starts ourselves again in an empty network and reads what the client's script tells.
fn isolated(client: &Client, simulator: &Path) -> Result<Vec<Cell>, String> {
    let myself = std::env::current_exe().map_err(|e| format!("our own program: {e}"))?;
    let mut command = Command::new("unshare");
    command.arg("--net").arg(myself).args(["clients", "--inside", client.name]).arg(simulator);
    command.current_dir(shell::root()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|e| format!("unshare: {e}"))?;
    let mut cells = Vec::new();
    if let Some(out) = child.stdout.take() {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if let Some(cell) = Cell::read(&line) {
                println!("{cell}");
                cells.push(cell);
            }
        }
    }
    child.wait().map_err(|e| format!("{}: {e}", client.name))?;
    Ok(cells)
}

/// In the empty network: the simulator, the client, and nothing else.
fn inside(client: &Client, simulator: &Path) -> Result<(), String> {
    let mut up = Command::new("ip");
    up.args(["link", "set", "lo", "up"]);
    shell::run(up)?;
    let logs = logs()?;
    let log = |what: &str| {
        let path = logs.join(format!("{}.{what}.log", client.name));
        std::fs::create_dir_all(&logs).and_then(|()| std::fs::File::create(&path)).map_err(|e| format!("{}: {e}", path.display()))
    };
    let said = log("sim")?;
    let twin = said.try_clone().map_err(|e| e.to_string())?;
    let mut server = Command::new(simulator);
    server.args(["sim", "--listen", ADDRESS, "--seed", "7", "--key", KEY, "--secret", SECRET]);
    let server = server.stdin(Stdio::null()).stdout(said).stderr(twin).spawn();
    let mut server = Killed(server.map_err(|e| format!("{}: {e}", simulator.display()))?);
    listening(&mut server.0)?;

    let mut command = install::program(client)?;
    command.env("SIM_URL", format!("http://{ADDRESS}")).env("SIM_KEY", KEY).env("SIM_SECRET", SECRET);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log("client")?);
    let mut script = Killed(command.spawn().map_err(|e| format!("{}: {e}", client.script))?);
    let (lines, told) = mpsc::channel();
    if let Some(out) = script.0.stdout.take() {
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    return;
                }
            }
        });
    }
    let deadline = Instant::now() + CLIENT_MAX;
    while let Ok(line) = told.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        println!("{line}");
    }
    Ok(())
}

fn listening(server: &mut Child) -> Result<(), String> {
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        if TcpStream::connect(ADDRESS).is_ok() {
            return Ok(());
        }
        if let Ok(Some(status)) = server.try_wait() {
            return Err(format!("the simulator ended ({status}) before it listened"));
        }
        thread::sleep(Duration::from_millis(20));
    }
    Err(format!("the simulator did not listen on {ADDRESS} within 10 s"))
}

/// A child that does not outlive us, whatever happens in between.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // Already ended is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_chosen_by_name() {
        let names = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            chosen(&words).map(|clients| clients.iter().map(|client| client.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["nautilus", "ccxt"]).ok(), Some(vec!["nautilus", "ccxt"]));
        assert_eq!(names(&[]).map(|all| all.len()).ok(), Some(CLIENTS.len()));
        assert!(matches!(names(&["cxct"]), Err(Failure::Usage(why)) if why.contains("there is no client `cxct`")));
    }

    #[test]
    fn every_client_is_pinned_and_has_its_script() {
        for client in CLIENTS {
            let (Packages::Python(packages) | Packages::Npm(packages)) = client.packages;
            assert!(packages.iter().all(|package| package.contains("==") || package.rfind('@') > Some(0)), "{}", client.name);
            assert!(shell::root().join("xtask/clients").join(client.script).is_file(), "{}", client.script);
        }
    }
}
