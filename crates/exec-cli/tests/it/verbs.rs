//! Errors and exit codes of the verbs, by the built program.

use std::process::{Command, Output};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_exec-node")).args(args).env_clear().output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

#[test]
fn help_says_what_the_exit_codes_mean() {
    let output = run(&["--help"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(code(&output), 0);
    for word in
        ["demo", "run", "check", "sim", "orders", "status", "submit", "cancel-all", "journal", "decode", "4  another process"]
    {
        assert!(text.contains(word), "{word} in {text}");
    }
}
