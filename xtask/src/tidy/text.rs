//! What stands in one Rust file: headers, leftovers, silenced lints, panics, unbiased selects. Not formatting: rustfmt does that.

use super::Finding;
use super::source::{Source, has_word};

/// Longer files are listed, not refused: one idea may need the room, but somebody should have said so aloud.
const LINES_MAX: usize = 600;

const LEFTOVERS: &[(&str, &str)] = &[
    ("todo!", "finish it, or leave it out"),
    ("unimplemented!", "finish it, or leave it out"),
    ("dbg!", "log it with tracing, or delete it"),
    ("#[ignore", "a test runs or does not exist: make it fast and sure, or delete it"),
];

/// Finds everything in one file that must not be there.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(header(source));
    findings.extend(leftovers(source));
    findings.extend(silenced(source));
    findings.extend(selects(source));
    findings.extend(unwraps(source));
    findings
}

/// Lists a file that is longer than one idea usually needs.
pub(super) fn long(source: &Source) -> Option<Finding> {
    let lines = source.text.lines().count();
    (lines > LINES_MAX).then(|| {
        Finding::new(
            source.path.to_string_lossy(),
            lines,
            format!("{lines} lines: say why it is one idea, or split it at the idea"),
        )
    })
}

fn path(source: &Source) -> String {
    source.path.to_string_lossy().replace('\\', "/")
}

fn in_src(source: &Source) -> bool {
    source.path.components().any(|part| part.as_os_str() == "src")
}

fn header(source: &Source) -> Option<Finding> {
    let has = source.text.starts_with("//! ");
    (in_src(source) && !has).then(|| {
        Finding::new(path(source), 1, "no header: the first line is `//! ` and says what this file is and what it is not")
    })
}

fn leftovers(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, code) in source.code_lines() {
        for (word, advice) in LEFTOVERS.iter().filter(|(word, _)| has_word(code, word)) {
            findings.push(Finding::new(path(source), line, format!("`{word}`: {advice}")));
        }
    }
    findings
}

fn silenced(source: &Source) -> Vec<Finding> {
    let lines: Vec<&str> = source.text.lines().collect();
    let mut findings = Vec::new();
    for (at, attribute) in source.code.match_indices("allow(") {
        let before = source.code[..at].trim_end();
        if !(before.ends_with("#[") || before.ends_with("#![")) {
            continue;
        }
        let rest = &source.code[at + attribute.len()..];
        let inside = &rest[..rest.find(")]").unwrap_or(rest.len())];
        let line = source.code[..at].matches('\n').count() + 1;
        let commented = |line: usize| line.checked_sub(1).and_then(|at| lines.get(at)).is_some_and(|text| text.contains("//"));
        if !inside.contains("reason =") && !commented(line) && !commented(line - 1) {
            findings.push(Finding::new(
                path(source),
                line,
                "a lint is switched off without a reason: add `reason = \"...\"`, or mend what it points at",
            ));
        }
    }
    findings
}

// An unbiased select picks a ready branch by a random number of its own, so the same seed would not give the same run.
fn selects(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !in_src(source) {
        return findings;
    }
    for (at, found) in source.code.match_indices("select!") {
        if source.code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = source.code[at + found.len()..].trim_start();
        let Some(body) = rest.strip_prefix(['{', '(']) else { continue };
        if !body.trim_start().starts_with("biased;") {
            let line = source.code[..at].matches('\n').count() + 1;
            findings.push(Finding::new(
                path(source),
                line,
                "this select! draws a random number: start it with `biased;`, the most urgent branch first",
            ));
        }
    }
    findings
}

/// Crates whose panics are how they report: tests and tools.
const MAY_PANIC: &[&str] = &["crates/exec-testkit/", "crates/exec-world/", "examples/", "xtask/"];

fn unwraps(source: &Source) -> Vec<Finding> {
    let path = path(source);
    if !in_src(source) || MAY_PANIC.iter().any(|folder| path.starts_with(folder)) {
        return Vec::new();
    }
    let unwrapped = source.live_lines().filter(|(_, code)| code.contains(".unwrap()"));
    unwrapped
        .map(|(line, _)| {
            Finding::new(
                &path,
                line,
                "`.unwrap()` outside tests: what a venue or a disk says must not panic us; return the error, or match",
            )
        })
        .collect()
}

/// The one file of the core that may reach for std, and only under a feature that no program has: it reads, from outside, which
/// bug is built in to test the tests.
const CHOOSES_PLANTS: &str = "crates/exec-core/src/plant.rs";

/// Checks the core: it reads no clock, draws no number, starts nothing, and says so in its attributes.
pub(super) fn purity(source: &Source, is_crate_root: bool) -> Vec<Finding> {
    const BANNED: &[(&str, &str)] = &[
        ("std::", "the core is no_std: use core:: or alloc::"),
        ("extern crate std", "the core is no_std outside its tests"),
        ("HashMap", "its order can be seen: use BTreeMap"),
        ("HashSet", "its order can be seen: use BTreeSet"),
        ("SystemTime", "the core reads no clock: take `now` as an argument"),
        ("Instant", "the core reads no clock: take `now` as an argument"),
        ("thread", "the core starts nothing: return an effect"),
        ("rand", "the core draws no random number: take it as an input"),
    ];
    let mut findings = Vec::new();
    let excepted = |line: usize| path(source) == CHOOSES_PLANTS && source.in_feature(line);
    for (line, code) in source.live_lines().filter(|(line, _)| !excepted(*line)) {
        for (word, advice) in BANNED.iter().filter(|(word, _)| has_word(code, word)) {
            findings.push(Finding::new(path(source), line, format!("`{word}` in the core: {advice}")));
        }
    }
    if is_crate_root {
        for attribute in ["#![no_std]", "#![forbid(unsafe_code)]"] {
            if !source.code.contains(attribute) {
                findings.push(Finding::new(path(source), 1, format!("`{attribute}` is missing: put it below the header")));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        found_at("crates/exec-runtime/src/a.rs", text)
    }

    fn found_at(path: &str, text: &str) -> Vec<String> {
        check(&Source::new(path, text)).into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn a_file_without_a_header_is_found() {
        assert_eq!(found("//! A thing. Not another.\n"), Vec::<String>::new());
        assert!(found("use a;\n")[0].starts_with("crates/exec-runtime/src/a.rs:1: no header"));
        assert!(found_at("crates/a/tests/it/main.rs", "use a;\n").is_empty());
    }

    #[test]
    fn leftovers_are_found_with_their_line_and_not_in_comments() {
        let leftover = |what: &str| format!("//! A.\nfn f() {{ {what} }}\n");
        for what in ["todo!()", "unimplemented!()", "dbg!(1)", "#[ignore] fn f() {}"] {
            assert!(found(&leftover(what))[0].contains("a.rs:2: `"), "{what}");
        }
        assert!(found("//! A.\n// todo!() is refused\nlet x = \"dbg!\";\n").is_empty());
    }

    #[test]
    fn a_silenced_lint_needs_a_reason() {
        assert_eq!(found("//! A.\n\n#[allow(dead_code)]\nfn f() {}\n").len(), 1);
        assert!(found("//! A.\n\n#[allow(dead_code, reason = \"x\")]\nfn f() {}\n").is_empty());
        assert!(found("//! A.\n\n// The macro wants it.\n#[allow(dead_code)]\nfn f() {}\n").is_empty());
        assert!(found("//! A.\n\n#[allow(\n    dead_code,\n    reason = \"x\"\n)]\nfn f() {}\n").is_empty());
        assert!(found("//! A.\nlet x = disallow(1);\n").is_empty());
    }

    #[test]
    fn a_select_is_biased() {
        assert!(found("//! A.\nasync fn f() { tokio::select! {\n biased;\n _ = a => {} } }\n").is_empty());
        assert!(found("//! A.\nasync fn f() { tokio::select! { _ = a => {} } }\n")[0].contains("a.rs:2: this select!"));
    }

    #[test]
    fn unwrap_is_for_tests() {
        assert_eq!(found("//! A.\nfn f() { x.unwrap() }\n").len(), 1);
        assert!(found("//! A.\n#[cfg(test)]\nmod tests { fn f() { x.unwrap() } }\n").is_empty());
        assert!(found("//! A.\nfn f() { x.unwrap_or_default() }\n").is_empty());
        assert!(found_at("crates/exec-world/src/main.rs", "//! A.\nfn f() { x.unwrap() }\n").is_empty());
    }

    #[test]
    fn the_core_is_pure() {
        let impure = |text: &str| purity(&Source::new("crates/exec-core/src/a.rs", text), false).len();
        for line in [
            "use std::fmt;",
            "extern crate std;",
            "let a: HashMap<u8, u8>;",
            "Instant::now()",
            "SystemTime::now()",
            "use rand::Rng;",
            "thread::sleep(d)",
        ] {
            assert_eq!(impure(line).min(1), 1, "{line}");
        }
        assert_eq!(impure("use core::fmt; // not std::fmt\nlet operand = 1;"), 0);
        assert_eq!(impure("#[cfg(test)]\nmod tests {\n extern crate std;\n use std::vec;\n}"), 0);
    }

    #[test]
    fn only_the_choice_of_plants_may_reach_for_std_and_only_under_its_feature() {
        let chooses = "//! A.\n#[cfg(feature = \"plants\")]\nmod choice {\n  extern crate std;\n}\n";
        let impure = |path: &str, text: &str| purity(&Source::new(path, text), false).len();
        assert_eq!(impure(CHOOSES_PLANTS, chooses), 0);
        assert_eq!(impure("crates/exec-core/src/books.rs", chooses), 1);
        assert_eq!(impure(CHOOSES_PLANTS, "//! A.\nextern crate std;\n"), 1);
    }

    #[test]
    fn the_root_of_the_core_says_what_it_is() {
        let root = |text: &str| purity(&Source::new("crates/exec-core/src/lib.rs", text), true).len();
        assert_eq!(root("//! A.\n#![no_std]\n#![forbid(unsafe_code)]\n"), 0);
        assert_eq!(root("//! A.\n// #![no_std]\n"), 2);
    }

    #[test]
    fn only_long_files_are_listed() {
        assert!(long(&Source::new("src/a.rs", "x\n".repeat(600))).is_none());
        assert!(long(&Source::new("src/a.rs", "x\n".repeat(601))).is_some());
    }
}
