//! Errors and exit codes of the verbs, by the built program.

use crate::surroundings::{Node, Sim, code, decoded, err, json, out, program, run, until};

#[test]
fn help_says_what_the_exit_codes_mean() {
    let output = run(&["--help"]);
    assert_eq!(code(&output), 0);
    for word in [
        "demo",
        "run",
        "check",
        "sim",
        "orders",
        "status",
        "submit",
        "bracket",
        "submit-list",
        "change",
        "cancel-all",
        "journal",
        "decode",
        "release",
        "reconcile",
        "4  another process",
        "6  `status`: the node takes no new risk until a person acts",
    ] {
        assert!(out(&output).contains(word), "{word} in {}", out(&output));
    }
    assert!(!out(&output).contains("demo-node"), "the child's verb is nobody's business");
}

#[test]
fn a_wrong_command_line_or_config_is_exit_2() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.toml");
    std::fs::write(&bad, "profile = \"simulated\"\n[accounts.main]\nvenue = \"binanse\"\nmax_retrys = 2\n").unwrap();
    let bad = bad.to_str().unwrap();
    for args in [vec!["fly"], vec!["run"], vec!["check", "--config", "no-such-file.toml"], vec!["check", "--config", bad]] {
        let output = run(&args);
        assert_eq!(code(&output), 2, "{args:?}: {}", err(&output));
    }
    let told = err(&run(&["check", "--config", bad]));
    for line in [
        format!("{bad}:4:1: accounts.main.max_retrys: is not a known key; did you mean `max_retries`?"),
        format!("{bad}:2:11: accounts.main.instruments: is missing; write instruments = "),
    ] {
        assert!(told.contains(&line), "{line}\nin\n{told}");
    }
    assert!(!told.contains("sim-secret"));
}

#[test]
fn check_shows_what_holds_and_no_secret() {
    let sim = Sim::start();
    let folder = tempfile::tempdir().unwrap();
    let config = sim.config(folder.path());
    let output = run(&["check", "--config", config.to_str().unwrap()]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(out(&output).contains("order_recv_window_ms = 2000") && !out(&output).contains("sim-secret"), "{}", out(&output));
    let online = run(&["check", "--online", "--config", config.to_str().unwrap()]);
    assert_eq!(code(&online), 0, "{}{}", out(&online), err(&online));
    assert!(out(&online).contains("ok      ETHUSDT-PERP.BINANCE is Trading"), "{}", out(&online));
}

#[test]
fn a_venue_that_does_not_answer_is_exit_3() {
    let folder = tempfile::tempdir().unwrap();
    let config = {
        let sim = Sim::start();
        sim.config(folder.path())
    };
    let output = run(&["orders", "--config", config.to_str().unwrap()]);
    assert_eq!(code(&output), 3, "{}", err(&output));
}

#[test]
fn a_journal_that_is_none_and_one_that_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    let output = run(&["journal", "verify", nowhere.to_str().unwrap()]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("no journal at"), "{}", err(&output));
    assert!(!nowhere.exists(), "looking makes nothing");
}

#[test]
fn decode_tells_facts_and_complains_about_the_rest() {
    let output = decoded(program());
    assert_eq!(code(&output), 1);
    assert_eq!(out(&output).lines().count(), 1);
    assert!(out(&output).contains(r#""leverage":25"#), "{}", out(&output));
    assert!(err(&output).starts_with("line 2: "), "{}", err(&output));
}

#[test]
fn an_operator_trades_without_a_running_node_and_with_one() {
    let sim = Sim::start();
    let folder = tempfile::tempdir().unwrap();
    let config = sim.config(folder.path());
    let config = config.to_str().unwrap();
    let order = |more: &[&str]| {
        let mut args =
            vec!["submit", "--config", config, "--instrument", "ETHUSDT-PERP.BINANCE", "--side", "buy", "--qty", "0.1"];
        args.extend(more);
        // On a busy machine the disk may take longer than an opening order may wait; then it is not sent, and says so.
        // And a node that has just come may have no price yet to judge it by.
        let passes = |text: &str| ["TooOld", "too old", "there is no price"].iter().any(|why| text.contains(why));
        let mut tried = run(&args);
        for _ in 0..20 {
            if !passes(&out(&tried)) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
            tried = run(&args);
        }
        tried
    };
    // Nobody runs: the verb takes the lock, reconciles, trades, leaves.
    let bought = order(&["--json"]);
    assert_eq!(code(&bought), 0, "{}{}", out(&bought), err(&bought));
    let facts: serde_json::Value = serde_json::from_str(&out(&bought)).unwrap();
    assert_eq!((facts["status"].as_str(), facts["owner"].as_str()), (Some("Filled"), Some("operator tester with exec-node")));
    let positions = run(&["positions", "--config", config, "--json"]);
    assert!(out(&positions).contains(r#""qty":"0.100""#), "{}", out(&positions));

    // Too large for the limits: denied, exit 1, with the reason.
    let denied = run(&["submit", "-c", config, "-i", "ETHUSDT-PERP.BINANCE", "--side", "BUY", "--qty", "100"]);
    assert_eq!(code(&denied), 1, "{}{}", out(&denied), err(&denied));
    assert!(out(&denied).contains("denied: "), "{}", out(&denied));

    // A node runs: the same verbs go through its socket.
    let node = Node::start(config, folder.path());
    let beyond = order(&["--price", "2700", "--tif", "gtx"]);
    assert_eq!(code(&beyond), 1, "outside of the price band: {}{}", out(&beyond), err(&beyond));
    let resting = order(&["--price", "2450", "--tif", "gtx", "--json"]);
    assert_eq!(code(&resting), 0, "{}{}", out(&resting), err(&resting));
    let facts: serde_json::Value = serde_json::from_str(&out(&resting)).unwrap();
    let listed = run(&["orders", "-c", config, "--json"]);
    let id = facts["attempts"][0]["cl_ord_id"].as_str().unwrap();
    assert!(out(&listed).contains(id), "{id} in {}", out(&listed));
    let cancelled = run(&["cancel", "-c", config, id]);
    assert_eq!(code(&cancelled), 0, "{}{}", out(&cancelled), err(&cancelled));
    assert!(out(&cancelled).contains("Canceled"), "{}", out(&cancelled));
    // A second node on the same journal is refused.
    let second = run(&["run", "--config", config]);
    assert_eq!(code(&second), 4, "{}{}", out(&second), err(&second));
    let all = run(&["cancel-all", "-c", config]);
    assert_eq!(code(&all), 0, "{}{}", out(&all), err(&all));
    drop(node);
    let verified = run(&["journal", "verify", folder.path().join("journal/main").to_str().unwrap()]);
    assert_eq!(code(&verified), 0, "{}{}", out(&verified), err(&verified));
    assert!(out(&verified).contains("sound"), "{}", out(&verified));
    let dumped = run(&["journal", "dump", "--json", folder.path().join("journal/main").to_str().unwrap()]);
    assert!(out(&dumped).contains("tester with exec-node"), "who asked is journalled: {}", out(&dumped));
}

#[test]
fn an_operator_keeps_a_bracket_with_the_running_node() {
    let sim = Sim::start();
    let folder = tempfile::tempdir().unwrap();
    let config = sim.config(folder.path());
    let config = config.to_str().unwrap();
    let on = ["-c", config, "-i", "ETHUSDT-PERP.BINANCE"];
    let asked = |verb: &str, more: &[&str]| run(&[&[verb], on.as_slice(), more].concat());
    let bracket = ["--side", "buy", "--qty", "0.1", "--stop", "2400", "--take-profit", "2600", "--json"];

    // What is kept after the command has ended needs a node that stays.
    let alone = asked("bracket", &bracket);
    assert_eq!(code(&alone), 1);
    assert!(err(&alone).contains("no node runs, and a list of orders is kept by the node"), "{}", err(&alone));

    let _node = Node::start(config, folder.path());
    // Typing mistakes are told before anybody is asked.
    for (args, told) in [
        (vec!["--side", "buy", "--qty", "1", "--type", "STOP", "--trigger", "9"], "`type` is `STOP`, expected MARKET, LIMIT,"),
        (vec!["--side", "buy", "--qty", "1", "--price", "9", "--stp", "taker"], "`stp` is `TAKER`, expected one of EXPIRE_TAKER"),
        (vec!["--side", "buy", "--qty", "1", "--trigger", "9"], "an order with --trigger needs --type"),
        (
            vec!["--side", "buy", "--qty", "1", "--type", "stop-limit", "--trigger", "9"],
            "an order of type STOP_LIMIT needs `price`",
        ),
    ] {
        let wrong = asked("submit", &args);
        assert!(code(&wrong) == 2 && err(&wrong).contains(told), "{args:?}: {}{}", out(&wrong), err(&wrong));
    }

    let mut placed = asked("bracket", &bracket);
    // A node that has just begun has no price to value an order with, and says so.
    until("there is a price", || {
        if out(&placed).contains("there is no price") {
            placed = asked("bracket", &bracket);
            return false;
        }
        true
    });
    assert_eq!(code(&placed), 0, "{}{}", out(&placed), err(&placed));
    let placed = json(&placed);
    assert_eq!(placed["orders"][0]["status"], "Filled", "{placed}");
    let orders = || json(&run(&["orders", "-c", config, "--json"]));
    until("both closing orders stand at the venue", || {
        let orders = orders();
        orders.as_array().unwrap().iter().filter(|o| o["venue_status"] == "NEW" && o["book"] == "conditional").count() == 2
    });
    let table = out(&run(&["orders", "-c", config]));
    let list = placed["list"].as_str().unwrap();
    for word in ["conditional", "STOP_MARKET", "TAKE_PROFIT_MARKET", &format!("stop-loss {list}"), "reduce", "operator tester"] {
        assert!(table.contains(word), "{word} in\n{table}");
    }
    let positions = json(&run(&["positions", "-c", config, "--json"]));
    let leg = &positions[0];
    assert_eq!(
        (&leg["position_id"], &leg["protection"]["uncovered"]),
        (&"ETHUSDT-PERP.BINANCE-BOTH".into(), &"0".into()),
        "{leg}"
    );
    assert_eq!(leg["protection"]["stops"], 1);
    assert!(out(&run(&["status", "-c", config])).contains("protection: a stop covers all of the one leg"));

    // The stop is changed: one order, another trigger.
    let stop =
        orders().as_array().unwrap().iter().find(|o| o["role"] == "stop_loss").unwrap()["intent"].as_str().unwrap().to_owned();
    let changed = run(&["change", "-c", config, &stop, "--trigger", "2410", "--json"]);
    assert_eq!(code(&changed), 0, "{}{}", out(&changed), err(&changed));
    let changed = json(&changed);
    assert_eq!((&changed["intent"], &changed["trigger"]), (&stop.into(), &"2410".into()), "{changed}");
    let unknown = run(&["change", "-c", config, &"0".repeat(32), "--trigger", "2410"]);
    assert!(code(&unknown) == 1 && err(&unknown).contains("no order is called"), "{}", err(&unknown));

    // The position goes, and the orders that closed it go with it.
    let closed = asked("submit", &["--side", "sell", "--qty", "0.1", "--reduce"]);
    assert_eq!(code(&closed), 0, "{}{}", out(&closed), err(&closed));
    until("nothing is open", || orders().as_array().unwrap().is_empty());
}
