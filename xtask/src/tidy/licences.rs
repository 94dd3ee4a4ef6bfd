//! The licences of the whole tree against a closed list. Not legal advice, and not a reader of licence files: it reads what crates declare.

use serde_json::Value;

use super::Finding;

/// What a crate in the tree may be licensed under. `deny.toml` holds the same list for cargo-deny.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Zlib",
];

/// Finds crates of the tree whose licence is missing, unreadable or not on the list.
pub(super) fn check(metadata: &Value) -> Vec<Finding> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let refused = packages.filter_map(|package| {
        let declared = package["license"].as_str();
        if declared.is_some_and(|declared| allows(declared) == Some(true)) {
            return None;
        }
        let name = package["name"].as_str().unwrap_or("?");
        let version = package["version"].as_str().unwrap_or("?");
        let declared = declared.unwrap_or("no licence declared");
        Some(Finding::new(
            "Cargo.lock",
            1,
            format!("{name} {version} is under `{declared}`: do without it, or add the licence to xtask/src/tidy/licences.rs and deny.toml"),
        ))
    });
    refused.collect()
}

/// Evaluates an SPDX expression; `None` when it cannot be read.
fn allows(expression: &str) -> Option<bool> {
    // Older crates write `MIT/Apache-2.0` and mean OR.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let verdict = any(&mut words)?;
    words.next().is_none().then_some(verdict)
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: &mut Words) -> Option<bool> {
    let mut verdict = all(words)?;
    while words.next_if_eq(&"OR").is_some() {
        verdict |= all(words)?;
    }
    Some(verdict)
}

fn all(words: &mut Words) -> Option<bool> {
    let mut verdict = one(words)?;
    while words.next_if_eq(&"AND").is_some() {
        verdict &= one(words)?;
    }
    Some(verdict)
}

fn one(words: &mut Words) -> Option<bool> {
    match words.next()? {
        "(" => {
            let verdict = any(words)?;
            words.next_if_eq(&")").map(|_| verdict)
        }
        ")" | "AND" | "OR" | "WITH" => None,
        licence if words.next_if_eq(&"WITH").is_some() => {
            Some(ALLOWED.contains(&format!("{licence} WITH {}", words.next()?).as_str()))
        }
        licence => Some(ALLOWED.contains(&licence)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_good_choice_is_enough_and_all_demands_count() {
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "Unlicense OR MIT",
            "Apache-2.0 WITH LLVM-exception",
            "ISC AND (Apache-2.0 OR GPL-3.0)",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
        ] {
            assert_eq!(allows(good), Some(true), "{good}");
        }
        for bad in ["GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0 WITH Classpath-exception", "(GPL-3.0 OR MPL-2.0) AND MIT"] {
            assert_eq!(allows(bad), Some(false), "{bad}");
        }
        for unreadable in ["", "MIT OR", "(MIT", "MIT Apache-2.0", "MIT )"] {
            assert_eq!(allows(unreadable), None, "{unreadable}");
        }
    }

    #[test]
    fn cargo_deny_allows_the_same() {
        let deny = std::fs::read_to_string(crate::shell::root().join("deny.toml")).unwrap();
        let list = deny.lines().skip_while(|line| *line != "allow = [").skip(1).take_while(|line| *line != "]");
        let list: Vec<&str> = list.map(|line| line.trim().trim_matches(['"', ','])).collect();
        assert_eq!(list, ALLOWED);
    }

    #[test]
    fn a_crate_that_declares_nothing_is_found() {
        let tree = serde_json::json!({"packages": [
            {"name": "good", "version": "1.0.0", "license": "MIT"},
            {"name": "dumb", "version": "1.0.0", "license": null},
            {"name": "copyleft", "version": "2.0.0", "license": "GPL-3.0-only"},
        ]});
        let found = check(&tree);
        assert_eq!(found.len(), 2);
        assert!(found[0].what.starts_with("dumb 1.0.0 is under `no licence declared`"));
        assert!(found[1].what.starts_with("copyleft 2.0.0"));
    }
}
