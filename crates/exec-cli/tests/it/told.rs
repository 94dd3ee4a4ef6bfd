//! What the operator is told of a node's state, by the built program: words, JSON, exit codes.

use crate::surroundings::{Node, Sim, code, err, json, out, run, until};

#[test]
fn status_tells_by_words_and_by_its_exit_code_whether_new_risk_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::start();
    let config = sim.config(folder.path());
    let config = config.to_str().unwrap();
    let nobody = run(&["status", "-c", config, "--wait", "0"]);
    assert_eq!(code(&nobody), 3, "no node, and none is made: {}{}", out(&nobody), err(&nobody));

    let node = Node::begin(config);
    let live = run(&["status", "-c", config, "--wait", "60"]);
    assert_eq!(code(&live), 0, "{}{}", out(&live), err(&live));
    assert!(out(&live).starts_with("account main: Live for "), "{}", out(&live));

    // A latch: a person has to act, so nobody waits for it.
    let latched = run(&["latch", "-c", config]);
    assert!(code(&latched) == 0 && out(&latched).contains("because latched: an operator said so"), "{}", out(&latched));
    let began = std::time::Instant::now();
    let shut = run(&["status", "-c", config, "--wait", "60", "--json"]);
    assert!(began.elapsed().as_secs() < 30, "it does not wait for what does not come");
    assert_eq!(code(&shut), 6);
    let told = json(&shut);
    assert_eq!((&told["reasons"][0]["kind"], &told["reasons"][0]["ends_by"]), (&"latched".into(), &"person".into()), "{told}");
    let phases: Vec<&str> = told["phases"].as_array().unwrap().iter().filter_map(|p| p["to"].as_str()).collect();
    assert!(phases.contains(&"Live") && phases.last() == Some(&"Degraded"), "{phases:?}");
    assert_eq!(code(&run(&["release", "-c", config])), 0);
    assert_eq!(code(&run(&["status", "-c", config])), 0);

    // The exchange is gone: it ends by itself, and until then the code says so.
    drop(sim);
    until("the stream is lost", || code(&run(&["status", "-c", config])) == 5);
    let shut = run(&["status", "-c", config]);
    assert!(
        out(&shut).contains("takes no new risk; exits pass") && out(&shut).contains("because the private stream is not open"),
        "{}",
        out(&shut)
    );
    drop(node);
}
