//! The documented example says what the code does: every key, every default.

use crate::around;
use node_config::{NodeConfig, known_keys};
use std::collections::BTreeSet;

fn docs(name: &str) -> String {
    std::fs::read_to_string(format!("{}/../../docs/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// What the example says beyond the keys that have a default.
const NO_DEFAULT: &str = r#"
profile = "testnet"
trader_id = "DESK-001"
[journal]
single_copy_reason = "a test network has no money in it"
[accounts.main]
venue = "binance"
instruments = ["BTCUSDT-PERP.BINANCE", "ETHUSDT-PERP.BINANCE"]
[accounts.main.limits]
order_notional_max = 1000
position_notional_max = 5000
open_orders_max = 50
collar = 0.05
daily_loss_max = 500
[accounts.main.futures_leverages]
"BTCUSDT-PERP.BINANCE" = 5
"ETHUSDT-PERP.BINANCE" = 5
[accounts.main.futures_margin_types]
"BTCUSDT-PERP.BINANCE" = "cross"
[[strategies]]
id = "quiet-1"
kind = "observer"
instruments = ["BTCUSDT-PERP.BINANCE"]
"#;

#[test]
fn the_example_shows_the_defaults() {
    let example = NodeConfig::read(&docs("node.example.toml"), &around()).unwrap();
    let defaults = NodeConfig::read(NO_DEFAULT, &around()).unwrap();
    assert_eq!(example.render(), defaults.render());
}

#[test]
fn the_example_and_the_page_have_every_key() {
    let (example, page) = (docs("node.example.toml"), docs("configuration.md"));
    for key in known_keys() {
        let last = key.rsplit('.').next().unwrap_or(&key);
        if last == "*" {
            continue;
        }
        let named = match last {
            "env" | "file" => example.contains(&format!("{{ {last} = ")),
            "journal" | "logging" | "execution" => example.contains(&format!("\n[{last}]\n")),
            "redis" => example.contains("\n# [journal.redis]\n"),
            "breakers" => example.contains("\n[execution.breakers]\n"),
            "accounts" => example.contains("\n[accounts.main]\n"),
            "strategies" => example.contains("\n[[strategies]]\n"),
            "instruments" if key.ends_with("limits.instruments") => example.contains("\n# [accounts.main.limits.instruments."),
            "limits" | "dead_mans_switch" | "futures_leverages" | "futures_margin_types" => {
                example.contains(&format!("\n[accounts.main.{last}]\n"))
            }
            _ => example.lines().any(|line| line.trim_start_matches("# ").starts_with(&format!("{last} = "))),
        };
        assert!(named, "the example lacks {key}");
        assert!(page.contains(&format!("`{last}`")), "configuration.md lacks {key}");
    }
}

#[test]
fn the_keys_of_the_example_are_known() {
    // Reading refuses unknown keys; this is the other direction of the list itself.
    let known: BTreeSet<String> = known_keys();
    for key in [
        "profile",
        "journal.durability",
        "accounts.*.limits.collar",
        "strategies[].external_order_claims",
        "accounts.*.api_key.env",
    ] {
        assert!(known.contains(key), "{key} in {known:?}");
    }
}

#[test]
fn what_is_shown_can_be_read_again() {
    let shown = NodeConfig::read(&docs("node.example.toml"), &around()).unwrap().render();
    let again = NodeConfig::read(&shown, &around()).unwrap().render();
    assert_eq!(shown, again);
}
