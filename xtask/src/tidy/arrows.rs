//! Which crate may name which, as data, and in a few crates which file. Not what the arrows mean: the architecture document says that.

use serde_json::Value;

use super::Finding;
use super::source::{Source, has_word};

/// What one crate may depend on among ours. `NAME/*` in `crate_` stands for the packages in that folder.
struct Arrows {
    crate_: &'static str,
    normal: &'static [&'static str],
    dev: &'static [&'static str],
}

const ARROWS: &[Arrows] = &[
    Arrows { crate_: "exec-core", normal: &[], dev: &[] },
    Arrows { crate_: "exec-runtime", normal: &["exec-core"], dev: &["exchange-sim"] },
    Arrows { crate_: "exec-journal", normal: &["exec-core"], dev: &[] },
    Arrows { crate_: "binance-adapter", normal: &["exec-core"], dev: &["exchange-sim"] },
    Arrows { crate_: "exchange-sim", normal: &["exec-core"], dev: &[] },
    Arrows { crate_: "exec-testkit", normal: &["exec-core"], dev: &[] },
    Arrows {
        crate_: "node-config",
        normal: &["exec-core", "exec-runtime", "exec-journal", "binance-adapter", "exchange-sim"],
        dev: &[],
    },
    Arrows {
        crate_: "exec-cli",
        normal: &["node-config", "exec-core", "binance-adapter", "exchange-sim", "exec-testkit"],
        dev: &[],
    },
    Arrows {
        crate_: "exec-world",
        normal: &["exec-core", "exec-runtime", "exec-journal", "binance-adapter", "exchange-sim", "exec-testkit"],
        dev: &[],
    },
    Arrows { crate_: "exec-fuzz", normal: &["exec-core", "exec-journal", "binance-adapter", "node-config"], dev: &[] },
    Arrows {
        crate_: "examples/*",
        normal: &[
            "exec-core",
            "exec-runtime",
            "exec-journal",
            "binance-adapter",
            "exchange-sim",
            "exec-testkit",
            "node-config",
            "exec-cli",
        ],
        dev: &[],
    },
    Arrows { crate_: "xtask", normal: &[], dev: &[] },
];

/// Dev-dependencies any crate may have.
const DEV_ANYWHERE: &[&str] = &["exec-testkit"];

/// An arrow that only some files of a crate may use: crate, what it names in code, the paths below `src/` that may.
const FILES: &[(&str, &str, &[&str])] = &[
    ("exchange-sim", "exec_core", &["venue"]),
    ("exec-cli", "binance_adapter", &["decode"]),
    ("exec-cli", "exchange_sim", &["sim", "demo", "play", "drill"]),
    ("exec-cli", "exec_testkit", &["drill"]),
];

/// Compares the dependencies cargo knows with the table.
pub(super) fn check(metadata: &Value) -> Vec<Finding> {
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ours: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let root = metadata["workspace_root"].as_str().unwrap_or_default();
    let mut findings = Vec::new();
    for package in packages {
        let (Some(name), Some(manifest)) = (package["name"].as_str(), package["manifest_path"].as_str()) else { continue };
        let manifest = manifest.strip_prefix(root).unwrap_or(manifest).trim_start_matches(['/', '\\']).replace('\\', "/");
        let Some(row) = row(name, &manifest) else {
            findings.push(Finding::new(
                &manifest,
                1,
                format!("crate {name} is not in the table of arrows: add its row to xtask/src/tidy/arrows.rs"),
            ));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let Some(to) = dependency["name"].as_str().filter(|to| ours.contains(to)) else { continue };
            let dev = dependency["kind"] == "dev";
            let allowed = row.normal.contains(&to) || dev && (row.dev.contains(&to) || DEV_ANYWHERE.contains(&to));
            if !allowed {
                let kind = if dev { "dev-" } else { "" };
                findings.push(Finding::new(
                    &manifest,
                    1,
                    format!("{name} may not have a {kind}dependency on {to}: turn the arrow round, or argue for it in docs/decisions and add it to xtask/src/tidy/arrows.rs"),
                ));
            }
        }
    }
    findings
}

fn row(name: &str, manifest: &str) -> Option<&'static Arrows> {
    ARROWS.iter().find(|row| match row.crate_.strip_suffix("/*") {
        Some(folder) => manifest.starts_with(folder) && manifest[folder.len()..].starts_with('/'),
        None => row.crate_ == name,
    })
}

/// Finds files that use an arrow which their crate grants to other files only.
pub(super) fn check_file(source: &Source) -> Vec<Finding> {
    let path = source.path.to_string_lossy().replace('\\', "/");
    let mut findings = Vec::new();
    for (crate_, names, files) in FILES {
        let Some(inside) = path.strip_prefix(&format!("crates/{crate_}/src/")) else { continue };
        let granted = files
            .iter()
            .any(|file| inside == *file || inside.strip_prefix(file).is_some_and(|rest| rest == ".rs" || rest.starts_with('/')));
        if granted {
            continue;
        }
        for (line, _) in source.live_lines().filter(|(_, code)| has_word(code, names)) {
            findings.push(Finding::new(
                &path,
                line,
                format!("{names} may be named only in {} of {crate_}: move this there", files.join(", ")),
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(name: &str, manifest: &str, dependencies: Value) -> Value {
        let ours = ["exec-core", "exchange-sim", "exec-testkit", "exec-runtime", "node-config"];
        let mut packages: Vec<Value> = ours
            .iter()
            .filter(|other| **other != name)
            .map(|name| serde_json::json!({"name": name, "manifest_path": format!("/w/crates/{name}/Cargo.toml"), "dependencies": []}))
            .collect();
        packages.push(serde_json::json!({"name": name, "manifest_path": manifest, "dependencies": dependencies}));
        serde_json::json!({"workspace_root": "/w", "packages": packages})
    }

    #[test]
    fn an_arrow_out_of_the_core_is_found() {
        let tree = metadata(
            "exec-core",
            "/w/crates/exec-core/Cargo.toml",
            serde_json::json!([{"name": "exec-runtime", "kind": null}, {"name": "serde", "kind": null}]),
        );
        let found = check(&tree);
        assert_eq!(found.len(), 1);
        assert!(found[0].what.contains("exec-core may not have a dependency on exec-runtime"), "{}", found[0].what);
    }

    #[test]
    fn a_dev_arrow_is_no_normal_arrow() {
        let normal = metadata(
            "binance-adapter",
            "/w/crates/binance-adapter/Cargo.toml",
            serde_json::json!([{"name": "exchange-sim", "kind": null}]),
        );
        assert_eq!(check(&normal).len(), 1);
        let dev = metadata(
            "binance-adapter",
            "/w/crates/binance-adapter/Cargo.toml",
            serde_json::json!([{"name": "exchange-sim", "kind": "dev"}, {"name": "exec-testkit", "kind": "dev"}]),
        );
        assert!(check(&dev).is_empty());
    }

    #[test]
    fn a_crate_without_a_row_is_found() {
        let tree = metadata("exec-extra", "/w/crates/exec-extra/Cargo.toml", serde_json::json!([]));
        assert!(check(&tree)[0].what.contains("not in the table of arrows"));
    }

    #[test]
    fn examples_share_one_row() {
        let tree =
            metadata("ma-cross", "/w/examples/ma-cross/Cargo.toml", serde_json::json!([{"name": "node-config", "kind": null}]));
        assert!(check(&tree).is_empty());
    }

    #[test]
    fn the_core_is_named_in_one_file_of_the_simulator() {
        let text = "//! x\nuse exec_core::Side; // exec_core\n";
        assert!(check_file(&Source::new("crates/exchange-sim/src/venue.rs", text)).is_empty());
        let found = check_file(&Source::new("crates/exchange-sim/src/book.rs", text));
        assert_eq!((found.len(), found[0].line), (1, 2));
        assert!(check_file(&Source::new("crates/exchange-sim/src/book.rs", "//! no exec_core here\n")).is_empty());
        assert!(check_file(&Source::new("crates/exec-cli/src/demo/act.rs", "use exchange_sim::X;")).is_empty());
        assert_eq!(check_file(&Source::new("crates/exec-cli/src/democracy.rs", "use exchange_sim::X;")).len(), 1);
    }
}
