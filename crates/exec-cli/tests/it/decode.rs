//! `decode` by the built program: files and lines in, facts out, and at the end what this build did not know.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

const LEVERAGE: &str = r#"{"e":"ACCOUNT_CONFIG_UPDATE","E":2,"T":1,"ac":{"s":"BTCUSDT","l":25}}"#;
const GROWN: &str = r#"{"e":"ACCOUNT_CONFIG_UPDATE","E":2,"T":1,"ac":{"s":"BTCUSDT","l":26,"zz":1}}"#;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_exec-node"));
    command.env_clear().arg("decode");
    command
}

fn file(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn lines(bytes: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect()
}

fn told(files: &[&str]) -> (Option<i32>, Vec<String>, Vec<String>) {
    let Output { status, stdout, stderr } = program().args(files).stdin(Stdio::null()).output().unwrap();
    (status.code(), lines(&stdout), lines(&stderr))
}

#[test]
fn files_hold_documents_on_one_line_or_on_many() {
    let folder = tempfile::tempdir().unwrap();
    let pretty = LEVERAGE.replace('{', "{\n  ").replace(',', ",\n  ");
    let first = file(folder.path(), "a.json", format!("{pretty}\n{LEVERAGE}{LEVERAGE}\n\n").as_bytes());
    let second = file(folder.path(), "b.json", br#"[{"symbol":"BTCUSDT","marginType":"CROSSED","leverage":21}]"#);
    let (code, facts, said) = told(&[&first, &second]);
    assert_eq!((code, facts.len()), (Some(0), 4), "{said:?}");
    assert!(facts[..3].iter().all(|line| line == &facts[0] && line.contains(r#""leverage":25"#)), "{facts:?}");
    assert!(facts[3].contains(r#""kind":"settings""#), "{facts:?}");
    assert_eq!(said, ["4 of 4 documents translated", "unknown to this build: nothing"]);
}

#[test]
fn a_file_cut_in_half_is_told_with_the_place_and_the_rest_is_told_anyway() {
    let folder = tempfile::tempdir().unwrap();
    let half = &LEVERAGE[..LEVERAGE.find("BTCUSDT").unwrap() + 3];
    let cut = file(folder.path(), "cut.json", half.as_bytes());
    let (code, facts, said) = told(&[&cut]);
    assert_eq!((code, facts.len()), (Some(1), 0));
    assert_eq!(said[0], format!("{cut}: cut off after {} bytes, in `ac.s`: EOF while parsing a string", half.len()));

    // A document that went wrong takes none of its neighbours with it, wherever it was cut.
    let pretty = LEVERAGE.replace('{', "{\n  ").replace(',', ",\n  ");
    for end in 1..LEVERAGE.len() {
        let half = &LEVERAGE[..end];
        let torn = format!("{LEVERAGE}\n{half}\n{LEVERAGE}\nnope\n{}\n{LEVERAGE}\n", &pretty[..pretty.len() / 2]);
        let torn = file(folder.path(), "torn.json", torn.as_bytes());
        let (code, facts, said) = told(&[&torn]);
        assert_eq!((code, facts.len()), (Some(1), 3), "{half}: {said:?}");
        for (at, line) in [2, 4, 5].into_iter().enumerate() {
            assert!(said[at].starts_with(&format!("{torn}, document from line {line}: ")), "{half}: {said:?}");
        }
        assert!(said[0].contains(&format!(": cut off after {end} bytes")), "{half}: {said:?}");
        assert_eq!(said[3], "3 of 6 documents translated");
    }

    // Cut inside of a letter.
    let mut letter = LEVERAGE.replace("BTCUSDT", "币").into_bytes();
    letter.truncate(letter.iter().position(|byte| *byte > 127).unwrap() + 1);
    let letter = file(folder.path(), "letter.json", &letter);
    let (code, facts, said) = told(&[&letter]);
    assert_eq!((code, facts.len()), (Some(1), 0));
    assert!(said[0].contains("utf-8") && said[1].contains("cut off after "), "{said:?}");
}

#[test]
fn a_run_ends_with_what_was_unknown_by_path_and_count() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "a.json", format!("{GROWN}\n{GROWN}\n{LEVERAGE}\n").as_bytes());
    let (code, facts, said) = told(&[&path]);
    // Drift is no failure: what was known has been told.
    assert_eq!((code, facts.len()), (Some(0), 3));
    assert!(facts[0].contains(r#""unknown":["ac.zz"]"#), "{facts:?}");
    let expected =
        ["3 of 3 documents translated", "unknown to this build, by path, and how often:", "  ACCOUNT_CONFIG_UPDATE.ac.zz  2"];
    assert_eq!(said, expected);
}

#[test]
fn lines_are_told_as_they_come_and_a_bad_one_stops_nothing() {
    let mut child = program().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let half = &GROWN[..GROWN.len() - 1];
    input.write_all(format!("{LEVERAGE}\n\n{half}\n").as_bytes()).unwrap();
    input.write_all(b"\xff\xfe\n").unwrap();
    input.write_all(GROWN.as_bytes()).unwrap();
    drop(input);
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let said = lines(&stderr);
    assert_eq!((status.code(), lines(&stdout).len()), (Some(1), 2));
    assert!(said[0].starts_with(&format!("line 3: cut off after {} bytes", half.len())), "{said:?}");
    assert!(said[1].starts_with("line 4: invalid utf-8"), "{said:?}");
    assert_eq!(said[2], "2 of 4 documents translated");
    assert_eq!(said.last().unwrap(), "  ACCOUNT_CONFIG_UPDATE.ac.zz  1");
}

#[test]
fn a_file_that_is_not_there_is_a_mistake_of_the_caller() {
    let (code, facts, said) = told(&["/nowhere/a.json"]);
    assert_eq!((code, facts.len()), (Some(2), 0));
    assert!(said[0].starts_with("/nowhere/a.json: "), "{said:?}");
}
