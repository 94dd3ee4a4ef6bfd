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

#[test]
fn an_orders_story_is_told_by_a_running_node_and_by_its_journal_alone() {
    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::start();
    let config = sim.config(folder.path());
    let config = config.to_str().unwrap();
    let node = Node::begin(config);
    assert_eq!(code(&run(&["status", "-c", config, "--wait", "60"])), 0);
    let order = [
        "submit",
        "-c",
        config,
        "-i",
        "ETHUSDT-PERP.BINANCE",
        "--side",
        "buy",
        "--qty",
        "0.1",
        "--price",
        "2450",
        "--tif",
        "gtx",
        "--json",
    ];
    let mut placed = run(&order);
    until("there is a price, and a disk that is fast enough", || {
        let again = out(&placed).contains("there is no price") || out(&placed).contains("TooOld");
        if again {
            placed = run(&order);
        }
        !again
    });
    let facts = json(&placed);
    let intent = facts["intent"].as_str().unwrap();
    let cl_ord_id = facts["attempts"][0]["cl_ord_id"].as_str().unwrap();
    let order_id = facts["attempts"][0]["order_id"].as_str().unwrap();
    assert_eq!(code(&run(&["cancel", "-c", config, intent])), 0);

    let check = |told: &std::process::Output, running: bool| {
        assert_eq!(code(told), 0, "{}", err(told));
        let told = json(told);
        assert_eq!((&told["order"]["status"], &told["node_runs"]), (&"Canceled".into(), &running.into()), "{told}");
        let steps = told["steps"].as_array().unwrap();
        let has = |source: &str, words: &str| {
            steps.iter().any(|s| s["source"] == source && s["what"].as_str().unwrap().contains(words))
        };
        assert!(has("us", "asked for: Buy 0.1") && has("us", "attempt 1 fixed as"), "{told}");
        assert!(has("stream", "cancelled at the venue") || has("reply", "cancelled at the venue"), "{told}");
        let cancel = steps.iter().find(|s| s["what"].as_str().unwrap().starts_with("cancel ")).unwrap();
        assert!(cancel["by"].as_str().unwrap().starts_with("operator tester with exec-node"), "{cancel}");
    };
    // The journal is a moment behind the node that writes it.
    until("the journal has it", || {
        json(&run(&["explain", "-c", config, order_id, "--json"]))["steps"].to_string().contains("cancelled at the venue")
    });
    check(&run(&["explain", "-c", config, cl_ord_id, "--json"]), true);
    let (rest, last) = cl_ord_id.split_at(cl_ord_id.len() - 1);
    let mistyped = format!("{rest}{}", if last == "0" { "1" } else { "0" });
    let unknown = run(&["explain", "-c", config, &mistyped]);
    assert!(code(&unknown) == 1 && err(&unknown).contains(&format!("did you mean {cl_ord_id}")), "{}", err(&unknown));

    drop(node);
    check(&run(&["explain", "-c", config, intent, "--json"]), false);
    let directory = folder.path().join("journal/main");
    let directory = directory.to_str().unwrap();
    check(&run(&["explain", "--journal", directory, cl_ord_id, "--json"]), false);
    let words = run(&["explain", "--journal", directory, order_id]);
    assert!(
        out(&words).starts_with(&format!("order {intent}: BUY 0.1 ETHUSDT-PERP.BINANCE LIMIT at 2450: Canceled")),
        "{}",
        out(&words)
    );
    let unknown = run(&["explain", "--journal", directory, &mistyped]);
    assert!(code(&unknown) == 1 && err(&unknown).contains(&format!("did you mean {cl_ord_id}")), "{}", err(&unknown));
    assert_eq!(code(&run(&["explain", "--journal", folder.path().join("none").to_str().unwrap(), intent])), 2);
}

#[test]
fn reconcile_says_that_all_is_equal_and_settles_only_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::start();
    let config = sim.config(folder.path());
    let config = config.to_str().unwrap();
    let wrong = run(&["reconcile", "-c", config, "--explain", "--adopt"]);
    assert_eq!(code(&wrong), 2, "one or the other: {}", err(&wrong));
    let node = Node::begin(config);
    assert_eq!(code(&run(&["status", "-c", config, "--wait", "60"])), 0);
    for args in [vec!["reconcile", "-c", config], vec!["reconcile", "-c", config, "--explain"]] {
        let equal = run(&args);
        assert_eq!(code(&equal), 0, "{}", err(&equal));
        assert!(out(&equal).contains("books and venue are equal, leg by leg"), "{}", out(&equal));
    }
    assert_eq!(json(&run(&["reconcile", "-c", config, "--json"])), serde_json::json!([]));
    let nothing = run(&["reconcile", "-c", config, "--adopt"]);
    assert!(code(&nothing) == 0 && out(&nothing).contains("there is nothing to settle"), "{}{}", out(&nothing), err(&nothing));
    let named = run(&["reconcile", "-c", config, "--adopt", "BTCUSDT-PERP.BINANCE"]);
    assert!(code(&named) == 1 && err(&named).contains("do not differ on BTCUSDT-PERP.BINANCE"), "{}", err(&named));
    drop(node);
}
