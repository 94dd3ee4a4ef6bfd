//! A journal that a crash or a disk has left behind, as the person who starts the node meets it: what is cut is said, what is damaged
//! stops the start and says what to do.

use crate::surroundings::{Node, Sim, code, err, out, program, run};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
};

/// The newest segment of a journal.
fn newest_segment(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder.join("journal/main")).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|e| e == "seg")).max().unwrap()
}

/// A node that ran and was killed.
fn killed(sim: &Sim, folder: &Path) -> (String, PathBuf) {
    let config = sim.config(folder).to_str().unwrap().to_owned();
    drop(Node::start(&config, folder));
    (config, newest_segment(folder))
}

#[test]
fn a_torn_tail_is_cut_and_the_start_says_so() {
    let (sim, folder) = (Sim::start(), tempfile::tempdir().unwrap());
    let (config, segment) = killed(&sim, folder.path());
    // The power failed before the end of the last group had reached the disk.
    let mut bytes = fs::read(&segment).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[end - 3..=end].fill(0);
    fs::write(&segment, bytes).unwrap();
    let log = folder.path().join("log.txt");
    let told = File::create(&log).unwrap();
    let mut node = program().args(["run", "-c", &config]).stdout(Stdio::null()).stderr(told).spawn().unwrap();
    // Asked without waiting, before there is a node, a verb is a node of its own for a moment, and holds the journal.
    let open = run(&["status", "-c", &config, "--wait", "20"]);
    assert_eq!(code(&open), 0, "{}", out(&open));
    // Only the child that this test started.
    node.kill().unwrap();
    node.wait().unwrap();
    let told = fs::read_to_string(log).unwrap();
    let line = told.lines().find(|line| line.contains("interrupted write")).unwrap_or_else(|| panic!("{told}"));
    let name = segment.file_name().unwrap().to_str().unwrap();
    assert!(line.contains("WARN") && line.contains(name) && line.contains("never acknowledged"), "{line}");
}

#[test]
fn damage_in_the_middle_stops_the_start_and_says_what_to_do() {
    let (sim, folder) = (Sim::start(), tempfile::tempdir().unwrap());
    let (config, segment) = killed(&sim, folder.path());
    let whole = fs::read(&segment).unwrap();
    let mut bytes = whole.clone();
    // In the first record behind the headers of file and group.
    bytes[144 + 64 + 9] ^= 0x10;
    fs::write(&segment, &bytes).unwrap();
    let output = run(&["run", "-c", &config]);
    let told = err(&output);
    assert_eq!(code(&output), 1, "{told}");
    let name = segment.file_name().unwrap().to_str().unwrap();
    for words in
        [&format!("{name} is damaged at byte 144"), "copy the directory before anything else", "restore this file from a copy"]
    {
        assert!(told.contains(words), "{words} in {told}");
    }
    assert_eq!(fs::read(&segment).unwrap(), bytes, "a refused journal stays as it was found");
    let verified = run(&["journal", "verify", folder.path().join("journal/main").to_str().unwrap()]);
    assert!(code(&verified) != 0 && err(&verified).contains("is damaged at byte 144"), "{}", err(&verified));
    // Restored from a copy, it starts.
    fs::write(&segment, whole).unwrap();
    drop(Node::start(&config, folder.path()));
}
