//! The demonstration as a stranger meets it: it ends EQUAL, and it does not when one fill is forgotten.

use std::process::Command;

fn demo(args: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_exec-node")).arg("demo").args(args).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), text)
}

#[test]
fn promise_p06_the_books_equal_the_exchange_after_a_kill() {
    let (code, text) = demo(&["--seed", "11"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("\nEQUAL after "), "{text}");
    for part in
        ["SIGKILL to process", "while it is dead", "netting  equal", "hedging  equal", "in doubt for a while", "币安人生USDT"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("DIFFERS"), "{text}");
}

#[test]
fn a_forgotten_fill_is_found_and_named() {
    let (code, text) = demo(&["--seed", "12", "--skip-fill", "9"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("\nNOT EQUAL after "), "{text}");
    assert!(text.contains("netting  DIFFERS") && text.contains("missing in the books, exchange "), "{text}");
    assert!(!text.contains("hedging  DIFFERS"), "{text}");
}
