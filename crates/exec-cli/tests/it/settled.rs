//! A difference between books and venue that nothing explains: told, explained, settled by a person, by the built program.

use crate::{
    loopback::{ETH, Exchange},
    surroundings::{Node, code, err, json, out, run, until},
};

fn settled(hedge: bool) {
    let (exchange, folder) = (Exchange::open(hedge), tempfile::tempdir().unwrap());
    let config = exchange.config(folder.path(), "on_exit = \"cancel_all\"", "", "");
    let config = config.to_str().unwrap();
    let ask = |verb: &str, more: &[&str]| run(&[&[verb, "-c", config], more].concat());
    // The books begin on a flat account.
    assert_eq!(code(&ask("cancel-all", &[])), 0);
    exchange.bought_by_hand("0.3");
    exchange.lists_nothing(&["/fapi/v1/userTrades", "/fapi/v1/income", "/fapi/v1/allOrders"]);

    let node = Node::begin(config);
    until("the difference is told", || {
        let status = ask("status", &["--wait", "0", "--json"]);
        code(&status) != 3 && json(&status)["instruments"].to_string().contains(r#""kind":"difference""#)
    });
    let explained = ask("reconcile", &["--explain", "--json"]);
    assert_eq!(code(&explained), 1, "{}{}", out(&explained), err(&explained));
    let told = json(&explained);
    assert_eq!(told.as_array().unwrap().len(), 1, "{told}");
    assert!(told[0]["cause"] == "without_trade" && told[0]["policy"] == "reduce", "{told}");
    let words = out(&ask("reconcile", &["--explain"]));
    assert!(words.contains(ETH) && words.contains("0.3") && words.contains("reconcile --adopt"), "{words}");
    let order = [&["-i", ETH, "--side", "buy", "--qty", "0.1"], exchange.leg()].concat();
    let refused = ask("submit", &order);
    assert!(code(&refused) == 1 && out(&refused).contains("denied"), "{}{}", out(&refused), err(&refused));

    let adopted = ask("reconcile", &["--adopt"]);
    assert_eq!(code(&adopted), 0, "{}{}", out(&adopted), err(&adopted));
    assert!(out(&adopted).contains("the books said 0, and take the venue's 0.3"), "{}", out(&adopted));
    let equal = ask("reconcile", &[]);
    assert!(code(&equal) == 0 && out(&equal).contains("books and venue are equal"), "{}{}", out(&equal), err(&equal));
    let leg = json(&ask("positions", &["--json"]));
    let row = leg.as_array().unwrap().iter().find(|row| row["qty"] != "0").unwrap();
    assert!(row["adjustments"][0]["who"].as_str().unwrap().starts_with("tester with exec-node"), "it stays visible: {row}");
    // New risk is taken again, and what was adopted can be closed.
    until("the order fills", || code(&ask("submit", &order)) == 0);

    // A restart finds the same books: the settlement is a record of the journal.
    drop(node);
    let _node = Node::begin(config);
    assert_eq!(code(&ask("status", &["--wait", "60"])), 0);
    let equal = ask("reconcile", &["--json"]);
    assert_eq!((code(&equal), json(&equal)), (0, serde_json::json!([])));
}

#[test]
fn a_difference_that_nothing_explains_is_settled_by_adopting_it_in_netting() {
    settled(false);
}

#[test]
fn a_difference_that_nothing_explains_is_settled_by_adopting_it_in_hedging() {
    settled(true);
}
