//! A `redis-server` for the tests, which start their own: installed where that is surely wanted, else told. Never a running service.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::shell;

/// What is run, and what the tests say where it was not.
const INSTALL: [&str; 5] = ["apt-get", "install", "-y", "--no-install-recommends", "redis-server"];
/// Asked by Debian's packages before they start a service; 101 says no.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Installs the server as root on Debian and its like; elsewhere says what to run, and the tests that need it fail with the same words.
///
/// # Errors
/// When the installation fails.
pub(crate) fn ensure() -> Result<(), String> {
    if answers("redis-server", &["--version"]) {
        return Ok(());
    }
    let line = INSTALL.join(" ");
    if !may_install() {
        println!("redis-server is not installed, so the tests against it will fail; run as root: {line}");
        return Ok(());
    }
    println!("redis-server is not installed; installing it for the tests, without starting the service: {line}");
    without_services(|| {
        let mut update = shell::command("apt-get");
        update.args(["update", "-q"]);
        shell::run(update)?;
        let mut install = shell::command(INSTALL[0]);
        install.args(&INSTALL[1..]).env("DEBIAN_FRONTEND", "noninteractive");
        shell::run(install)
    })?;
    // Not at the next boot either; where there is no systemd there is nothing to switch off.
    let _ = answers("systemctl", &["disable", "redis-server"]);
    Ok(())
}

fn may_install() -> bool {
    let mut id = shell::command("id");
    id.arg("-u");
    let root = shell::output(id).is_ok_and(|user| user.trim() == "0");
    root && Path::new("/etc/debian_version").exists() && answers("apt-get", &["--version"])
}

/// Forbids packages to start services meanwhile, unless somebody has said something about that already.
fn without_services(work: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    if Path::new(POLICY).exists() {
        return work();
    }
    let forbid = || {
        fs::write(POLICY, "#!/bin/sh\nexit 101\n")?;
        #[cfg(unix)]
        fs::set_permissions(POLICY, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        std::io::Result::Ok(())
    };
    forbid().map_err(|e| format!("{POLICY}: {e}"))?;
    let done = work();
    let _ = fs::remove_file(POLICY);
    done
}

fn answers(program: &str, args: &[&str]) -> bool {
    let mut command = shell::command(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
