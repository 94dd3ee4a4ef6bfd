//! What every manifest of a member says: the lints and the versions of the workspace. Not the arrows between crates.

use super::Finding;

/// Finds what a member's manifest does not inherit from the root.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    if !text.lines().any(|line| line.trim() == "[package]") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let lints = text.lines().skip_while(|line| line.trim() != "[lints]").nth(1);
    if lints.map(str::trim) != Some("workspace = true") {
        findings.push(Finding::new(path, 1, "the lints of the workspace are not on: add `[lints]` with `workspace = true`"));
    }
    if !text.lines().any(|line| line.trim() == "publish.workspace = true") {
        findings.push(Finding::new(path, 1, "this crate could be published by mistake: add `publish.workspace = true`"));
    }
    for (line, wrong) in pinned(text) {
        findings.push(Finding::new(
            path,
            line,
            format!(
                "{wrong} has a version of its own: put it into [workspace.dependencies] and write `{wrong}.workspace = true`"
            ),
        ));
    }
    findings
}

fn pinned(text: &str) -> Vec<(usize, &str)> {
    let mut in_dependencies = false;
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            // A workspace of one package says its versions in the same file.
            in_dependencies = line.ends_with("dependencies]") && line != "[workspace.dependencies]";
            continue;
        }
        let Some((name, value)) = line.split_once('=').filter(|_| in_dependencies && !line.starts_with('#')) else { continue };
        let value = value.trim();
        if value.starts_with('"') || value.contains("version =") || value.contains("path =") {
            found.push((at + 1, name.trim()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\nname = \"a\"\npublish.workspace = true\n\n[lints]\nworkspace = true\n\n[dependencies]\nserde = { workspace = true, features = [\"std\"] }\ntokio.workspace = true\n";

    #[test]
    fn a_member_inherits() {
        assert!(check("a/Cargo.toml", GOOD).is_empty());
        assert!(check("Cargo.toml", "[workspace]\nresolver = \"3\"\n").is_empty());
        assert_eq!(check("a/Cargo.toml", &GOOD.replace("[lints]", "[lint]")).len(), 1);
        assert_eq!(check("a/Cargo.toml", &GOOD.replace("publish", "private")).len(), 1);
    }

    #[test]
    fn a_package_that_is_its_own_workspace_says_its_versions_there() {
        assert!(check("fuzz/Cargo.toml", &format!("{GOOD}[workspace.dependencies]\nserde = \"1\"\n")).is_empty());
    }

    #[test]
    fn a_version_of_its_own_is_found() {
        for own in ["serde = \"1\"", "serde = { version = \"1\" }", "serde = { path = \"x\" }"] {
            let found = check("a/Cargo.toml", &format!("{GOOD}{own}\n"));
            assert_eq!(found.len(), 1, "{own}");
            assert_eq!(found[0].line, 11);
        }
    }
}
