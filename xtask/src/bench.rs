//! `cargo xtask bench`: the benchmarks of every crate that has some. Numbers are compared by the benchmarks themselves, in one run.

use serde_json::Value;

use crate::{Failure, shell};

/// Runs `cargo bench` for each crate with bench targets; words behind it filter as criterion does.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    let benches = benches(&shell::metadata(&["--no-deps"])?);
    if benches.is_empty() {
        return Err(Failure::Failed("no crate has a bench target".to_owned()));
    }
    let mut command = shell::command(shell::cargo());
    command.arg("bench");
    for (package, bench) in &benches {
        println!("{package}: {bench}");
    }
    let mut packages: Vec<&str> = benches.iter().map(|(package, _)| package.as_str()).collect();
    packages.dedup();
    for package in packages {
        command.args(["--package", package]);
    }
    // `--benches` would also build every lib and bin with its test harness and hand it criterion's arguments.
    for (_, bench) in &benches {
        command.args(["--bench", bench]);
    }
    command.arg("--").args(words);
    Ok(shell::run(command)?)
}

fn benches(metadata: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let targets = package["targets"].as_array().into_iter().flatten();
        for target in targets.filter(|target| target["kind"][0] == "bench") {
            if let (Some(package), Some(name)) = (package["name"].as_str(), target["name"].as_str()) {
                found.push((package.to_owned(), name.to_owned()));
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bench_targets_are_named() {
        let metadata = serde_json::json!({"packages": [
            {"name": "b", "targets": [{"kind": ["lib"], "name": "b"}, {"kind": ["bench"], "name": "speed"}]},
            {"name": "a", "targets": [{"kind": ["bin"], "name": "a"}]},
        ]});
        assert_eq!(benches(&metadata), [("b".to_owned(), "speed".to_owned())]);
    }
}
