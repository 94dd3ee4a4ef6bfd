//! Whatever stands in a file or in the environment: a full config, or mistakes with places that exist. Never a panic, never a secret.

use crate::{Around, KEY, SECRET, around};
use node_config::NodeConfig;
use proptest::prelude::*;

const GOOD: &str = include_str!("../../../../docs/node.example.toml");

/// A text is read into a config that can be shown and read again, or into mistakes whose places are in the text.
fn holds(text: &str, around: &Around) -> Result<(), TestCaseError> {
    match NodeConfig::read(text, around) {
        Ok(config) => {
            let shown = config.render();
            let again = NodeConfig::read(&shown, around).map_err(|m| TestCaseError::fail(format!("{m}\nof\n{shown}")))?;
            prop_assert_eq!(shown, again.render());
        }
        Err(mistakes) => {
            prop_assert!(!mistakes.all().is_empty());
            let lines: Vec<&str> = text.split('\n').collect();
            for mistake in mistakes.all() {
                prop_assert!(mistake.line >= 1 && mistake.line <= lines.len(), "{} of {}", mistake, lines.len());
                let columns = lines[mistake.line - 1].chars().count() + 1;
                prop_assert!(mistake.column >= 1 && mistake.column <= columns, "{}", mistake);
                prop_assert!(!mistake.what.is_empty() && !mistake.advice.is_empty());
                prop_assert_eq!(mistake.to_string().lines().count(), 1, "{}", mistake);
            }
            let shown = format!("{mistakes} {mistakes:?}");
            prop_assert!(!shown.contains(KEY) && !shown.contains(SECRET));
        }
    }
    Ok(())
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<bool>().prop_map(|b| b.to_string()),
        "[ -~]{0,12}".prop_map(|s| toml::Value::String(s).to_string()),
        "\\PC{0,8}".prop_map(|s| toml::Value::String(s).to_string()),
        (any::<i32>(), 0..99_u32).prop_map(|(a, b)| format!("{a}.{b}")),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("[1, \"a\", {}]".to_owned()),
        Just("1979-05-27".to_owned()),
        Just("inf".to_owned()),
        Just("\"HEDGING\"".to_owned()),
        Just("\"production\"".to_owned()),
        Just("\"os\"".to_owned()),
        Just("0xFFFF_FFFF_FFFF_FFFF_FFFF".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text(text in "\\PC{0,200}") {
        holds(&text, &around())?;
    }

    #[test]
    fn any_value_for_some_keys_of_the_example(changes in proptest::collection::vec((0..200_usize, value()), 1..6)) {
        let mut lines: Vec<String> = GOOD.lines().map(str::to_owned).collect();
        for (at, value) in changes {
            let at = at % lines.len();
            if let Some((key, _)) = lines[at].clone().split_once(" = ")
                && !key.starts_with('#')
            {
                lines[at] = format!("{key} = {value}");
            }
        }
        holds(&lines.join("\n"), &around())?;
    }

    #[test]
    fn any_lines_of_the_example_lost_or_moved(drops in proptest::collection::vec(0..200_usize, 0..8), swaps in proptest::collection::vec((0..200_usize, 0..200_usize), 0..3)) {
        let mut lines: Vec<&str> = GOOD.lines().filter(|l| !l.starts_with('#')).collect();
        for (a, b) in swaps {
            let n = lines.len();
            lines.swap(a % n, b % n);
        }
        for at in drops {
            lines.remove(at % lines.len());
        }
        holds(&lines.join("\n"), &around())?;
    }

    #[test]
    fn any_environment(key in proptest::option::of("\\PC{0,70}"), secret in proptest::option::of("\\PC{0,70}")) {
        let mut around = Around::default();
        for (name, value) in [("KEY", key), ("SECRET", secret)] {
            if let Some(value) = value {
                around.variables.insert(format!("BINANCE_TESTNET_API_{name}"), value);
            }
        }
        holds(GOOD, &around)?;
    }
}
