//! `cargo xtask tidy`: what the compiler, clippy and rustfmt do not check. Each finding is one line that says where, what, and what to do.

mod arrows;
mod duplicates;
mod licences;
mod manifests;
mod promises;
mod source;
mod text;
mod words;

use std::fmt;
use std::path::{Path, PathBuf};

use self::source::Source;
use crate::{Failure, shell};

/// One thing that must not be: where it is, what it is, and what to do about it.
#[derive(Debug)]
struct Finding {
    path: String,
    line: usize,
    what: String,
}

impl Finding {
    fn new(path: impl Into<String>, line: usize, what: impl Into<String>) -> Self {
        Finding { path: path.into(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Runs every check over the tree and prints what it finds.
pub(crate) fn run() -> Result<(), Failure> {
    let root = shell::root();
    let ours = shell::metadata(&["--no-deps"])?;
    let host = host()?;
    let tree = shell::metadata(&["--filter-platform", &host])?;
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).map_err(|e| format!("Cargo.lock: {e}"))?;
    let mut findings = arrows::check(&ours);
    findings.extend(licences::check(&tree));
    findings.extend(duplicates::check(&lock));
    let (mut long, mut promises) = (Vec::new(), promises::Promises::default());
    let files = files(&root)?;
    for path in &files {
        // A file deleted but not yet committed, or one that is no text, says nothing.
        let Ok(text) = std::fs::read_to_string(root.join(path)) else { continue };
        promises.read(&path.to_string_lossy().replace('\\', "/"), &text);
        findings.extend(check_file(path, text, &mut long));
    }
    findings.extend(promises.check());
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    for finding in &long {
        println!("warning: {finding}");
    }
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => {
            println!("tidy: {} files, nothing to do", files.len());
            Ok(())
        }
        count => Err(Failure::Failed(format!("tidy found {count} {}", if count == 1 { "thing" } else { "things" }))),
    }
}

fn check_file(path: &Path, text: String, long: &mut Vec<Finding>) -> Vec<Finding> {
    let shown = path.to_string_lossy().replace('\\', "/");
    let mut findings = words::check(&shown, &text);
    if path.file_name().is_some_and(|name| name == "Cargo.toml") {
        findings.extend(manifests::check(&shown, &text));
    }
    if path.extension().is_some_and(|ending| ending == "rs") {
        let source = Source::new(&shown, text);
        findings.extend(text::check(&source));
        findings.extend(arrows::check_file(&source));
        if shown.starts_with("crates/exec-core/src/") {
            findings.extend(text::purity(&source, shown == "crates/exec-core/src/lib.rs"));
        }
        long.extend(text::long(&source));
    }
    findings
}

/// Lists what git tracks, and what it would if it were added: a finding before the commit is cheaper than one after it.
fn files(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut command = shell::command("git");
    command.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]);
    let listed = shell::output(command)?;
    Ok(listed.split('\0').filter(|path| !path.is_empty()).map(PathBuf::from).collect())
}

fn host() -> Result<String, String> {
    let mut command = shell::command("rustc");
    command.arg("-vV");
    let text = shell::output(command)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc -vV names no host".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_with_its_place() {
        assert_eq!(Finding::new("a/b.rs", 7, "this: do that").to_string(), "a/b.rs:7: this: do that");
    }

    #[test]
    fn each_kind_of_file_gets_its_checks() {
        let found = |path: &str, text: &str| check_file(Path::new(path), text.to_owned(), &mut Vec::new()).len();
        assert_eq!(found("crates/exec-core/src/a.rs", "use std::fmt;\n"), 2);
        assert_eq!(found("crates/exec-runtime/src/a.rs", "use std::fmt;\n"), 1);
        assert_eq!(found("crates/exec-runtime/Cargo.toml", "[package]\n"), 2);
        assert_eq!(found("docs/a.md", concat!("/wo", "rk/main todo!()\n")), 1);
    }
}
