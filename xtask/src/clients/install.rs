//! Where a client's packages live, and how they get there: a virtualenv or a node_modules of its own under `target/clients`.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Client, Packages};
use crate::shell;

/// Installs a client unless exactly these versions are there already.
pub(super) fn install(client: &Client) -> Result<(), String> {
    let home = home(client)?;
    let (Packages::Python(packages) | Packages::Npm(packages)) = client.packages;
    let pins = packages.join("\n");
    let mark = home.join("installed");
    if std::fs::read_to_string(&mark).is_ok_and(|installed| installed == pins) {
        return Ok(());
    }
    println!("installing {}", packages.join(", "));
    let fail = |e: std::io::Error| format!("{}: {e}", home.display());
    if home.exists() {
        std::fs::remove_dir_all(&home).map_err(fail)?;
    }
    std::fs::create_dir_all(&home).map_err(fail)?;
    match client.packages {
        Packages::Python(_) => {
            let mut venv = Command::new("python3");
            venv.args(["-m", "venv"]).arg(&home);
            shell::run(venv)?;
            let mut pip = Command::new(python(&home));
            pip.args(["-m", "pip", "install", "--quiet"]).args(packages);
            shell::run(pip)?;
        }
        Packages::Npm(_) => {
            let mut npm = Command::new("npm");
            npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(&home).args(packages);
            shell::run(npm)?;
        }
    }
    std::fs::write(&mark, pins).map_err(fail)
}

/// Prepares the client's script to run.
pub(super) fn program(client: &Client) -> Result<Command, String> {
    let home = home(client)?;
    let script = shell::root().join("xtask/clients").join(client.script);
    let mut command = match client.packages {
        Packages::Python(_) => Command::new(python(&home)),
        Packages::Npm(_) => Command::new("node"),
    };
    // No byte code beside the scripts, and nothing a client writes (freqtrade its database) into the tree.
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("NPM_HOME", &home).current_dir(&home).arg(script);
    Ok(command)
}

fn home(client: &Client) -> Result<PathBuf, String> {
    Ok(shell::target_dir()?.join("clients").join(client.name))
}

fn python(home: &Path) -> PathBuf {
    home.join("bin/python")
}
