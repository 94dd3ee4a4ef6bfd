//! Crates that stand in Cargo.lock in more than one version, against a list with reasons. Each costs compile time and a second audit.

use std::collections::BTreeMap;

use super::Finding;

/// The duplicates we live with, and who is to be waited for. An entry that is no longer needed is a finding too.
const EXPECTED: &[(&str, &str)] = &[
    ("embedded-io", "postcard 1 names two versions as options; we use neither, so neither is compiled"),
    ("getrandom", "0.2 and 0.3 follow the older rand of rust_decimal, 0.4 follows the newest"),
    ("r-efi", "follows getrandom; UEFI only"),
    ("rand", "rust_decimal offers 0.8 and 0.9 as options (not compiled); proptest and tungstenite use 0.10"),
    ("rand_chacha", "follows rand"),
    ("rand_core", "follows rand"),
    ("syn", "nearly all macros are on 3; zerocopy-derive and the Java bindings of rustls-platform-verifier are still on 2"),
    ("windows-sys", "0.52 belongs to ring, which is an option nobody switches on; Windows only"),
];

/// Compares the lock file with the list.
pub(super) fn check(lock: &str) -> Vec<Finding> {
    compare(lock, EXPECTED)
}

fn compare(lock: &str, expected: &[(&str, &str)]) -> Vec<Finding> {
    let mut versions: BTreeMap<&str, Vec<(usize, &str)>> = BTreeMap::new();
    for (line, name, version) in packages(lock) {
        versions.entry(name).or_default().push((line, version));
    }
    versions.retain(|_, versions| versions.len() > 1);
    let mut findings = Vec::new();
    for (name, versions) in versions.iter().filter(|(name, _)| !expected.iter().any(|(known, _)| known == *name)) {
        let (line, _) = versions[0];
        let all: Vec<&str> = versions.iter().map(|(_, version)| *version).collect();
        findings.push(Finding::new(
            "Cargo.lock",
            line,
            format!("{name} is locked in versions {}: bring them together (cargo tree -d), or give the reason in xtask/src/tidy/duplicates.rs", all.join(", ")),
        ));
    }
    for (name, _) in expected.iter().filter(|(name, _)| !versions.contains_key(name)) {
        findings.push(Finding::new(
            "xtask/src/tidy/duplicates.rs",
            1,
            format!("{name} is no longer there twice: delete its entry"),
        ));
    }
    findings
}

/// Reads (line, name, version) of each package; the lock file is machine-written, two lines in this order.
fn packages(lock: &str) -> Vec<(usize, &str, &str)> {
    let lines: Vec<&str> = lock.lines().collect();
    let pairs = lines.windows(2).enumerate();
    pairs.filter_map(|(at, pair)| Some((at + 1, value(pair[0], "name")?, value(pair[1], "version")?))).collect()
}

fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"a\"\nversion = \"2.0.0\"\n\n[[package]]\nname = \"b\"\nversion = \"1.0.0\"\n";

    #[test]
    fn a_second_version_is_found_unless_it_has_a_reason() {
        let found = compare(LOCK, &[]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, 4);
        assert!(found[0].what.starts_with("a is locked in versions 1.0.0, 2.0.0"));
        assert!(compare(LOCK, &[("a", "upstream")]).is_empty());
    }

    #[test]
    fn a_reason_that_outlived_its_duplicate_is_found() {
        let found = compare(LOCK, &[("a", "upstream"), ("b", "upstream")]);
        assert_eq!(found.len(), 1);
        assert!(found[0].what.starts_with("b is no longer there twice"));
    }
}
