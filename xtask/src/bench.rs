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
    for Bench { package, name, .. } in &benches {
        println!("{package}: {name}");
    }
    let mut packages: Vec<&str> = benches.iter().map(|bench| bench.package.as_str()).collect();
    packages.dedup();
    for package in packages {
        command.args(["--package", package]);
    }
    // `--benches` would also build every lib and bin with its test harness and hand it criterion's arguments.
    for Bench { package, name, features } in &benches {
        command.args(["--bench", name]);
        for feature in features {
            command.args(["--features", &format!("{package}/{feature}")]);
        }
    }
    command.arg("--").args(words);
    Ok(shell::run(command)?)
}

/// A benchmark, and the features of its package that it needs.
#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Bench {
    package: String,
    name: String,
    features: Vec<String>,
}

fn benches(metadata: &Value) -> Vec<Bench> {
    let mut found = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let targets = package["targets"].as_array().into_iter().flatten();
        for target in targets.filter(|target| target["kind"][0] == "bench") {
            if let (Some(package), Some(name)) = (package["name"].as_str(), target["name"].as_str()) {
                let features = target["required-features"].as_array().into_iter().flatten();
                let features = features.filter_map(|feature| feature.as_str().map(str::to_owned)).collect();
                found.push(Bench { package: package.to_owned(), name: name.to_owned(), features });
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
            {"name": "b", "targets": [{"kind": ["lib"], "name": "b"}, {"kind": ["bench"], "name": "speed", "required-features": ["x"]}]},
            {"name": "a", "targets": [{"kind": ["bin"], "name": "a"}]},
        ]});
        let speed = Bench { package: "b".to_owned(), name: "speed".to_owned(), features: vec!["x".to_owned()] };
        assert_eq!(benches(&metadata), [speed]);
    }
}
