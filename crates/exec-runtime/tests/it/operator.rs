//! What an operator may ask for beyond single orders, and what is shown: lists, changes, both books, what the venue sends that nobody knows.

use crate::{
    disk::Disk,
    fake::{Fake, OnSubmit, btc},
    rig::{Scripted, account, config, settle, start, submit, until},
};
use exec_core::{units::Side, venue::CommandError};
use exec_runtime::{
    RuntimeConfig,
    control::{Ask, BracketText, ChangeText, PairText, Reply, SubmitOrder},
};
use serde_json::{Value, json};

fn order(side: &str, kind: &str) -> SubmitOrder {
    SubmitOrder { instrument: btc().to_string(), side: side.into(), kind: kind.into(), ..SubmitOrder::default() }
}

fn stop(trigger: &str) -> SubmitOrder {
    SubmitOrder { trigger: Some(trigger.into()), trigger_by: Some("MARK".into()), ..order("SELL", "STOP_MARKET") }
}

fn bracket() -> BracketText {
    BracketText {
        entry: SubmitOrder { qty: Some("0.2".into()), price: Some("100".into()), ..order("BUY", "LIMIT") },
        stop_loss: stop("95"),
        take_profit: Some(SubmitOrder { trigger: Some("110".into()), ..order("SELL", "TAKE_PROFIT_MARKET") }),
        intent: Some("000000000000000000000000000000f0".into()),
    }
}

fn column(rows: &Value, field: &str) -> Vec<Value> {
    rows.as_array().unwrap().iter().map(|row| row[field].clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_bracket_is_one_list_and_asked_for_once() {
    let venue = Fake::new();
    let node = start(account(&venue, &Disk::new(), &Scripted::default())).live().await;
    let answer = node.ask(Ask::Bracket(Box::new(bracket()))).await;
    settle().await;
    let orders = node.ask(Ask::Orders { all: true }).await;
    assert_eq!(column(&orders, "role"), [json!("entry"), json!("stop_loss"), json!("take_profit")]);
    assert!(column(&orders, "list").iter().all(|list| *list == answer["list"]), "{orders}");
    assert_eq!(orders[1]["intent"], "000000000000000000000000000000f1");
    assert_eq!(
        (&orders[1]["qty"], &orders[1]["trigger"], &orders[1]["trigger_by"]),
        (&json!("0.2"), &json!("95"), &json!("MARK"))
    );
    let entries = || venue.submits().iter().filter(|(_, side, _)| *side == Side::Buy).count();
    assert_eq!(entries(), 1);
    node.ask(Ask::Bracket(Box::new(bracket()))).await;
    settle().await;
    assert_eq!((entries(), node.ask(Ask::Orders { all: true }).await.as_array().unwrap().len()), (1, 3));
    // Another bracket under the same name is a mistake.
    let other = BracketText { stop_loss: stop("94"), ..bracket() };
    let refused = node.handle.control().ask("test", Ask::Bracket(Box::new(other))).await.unwrap();
    assert!(matches!(&refused, Reply::Err(text) if text.contains("asked for before, with other terms")), "{refused:?}");
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_pair_is_one_list_of_two() {
    let venue = Fake::new();
    let node = start(account(&venue, &Disk::new(), &Scripted::default())).live().await;
    let reduce = |order: SubmitOrder| SubmitOrder { qty: Some("0.1".into()), intention: Some("REDUCE".into()), ..order };
    let pair = PairText {
        one: reduce(stop("95")),
        other: reduce(SubmitOrder { price: Some("110".into()), ..order("SELL", "LIMIT") }),
        intent: None,
    };
    let answer = node.ask(Ask::OneCancelsOther(Box::new(pair))).await;
    assert_eq!(column(&answer["orders"], "role"), [json!("one_cancels_other"), json!("one_cancels_other")]);
    assert_eq!(column(&answer["orders"], "book"), [json!("conditional"), json!("ordinary")]);
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_change_says_what_became_of_it() {
    let venue = Fake::new();
    let node = start(account(&venue, &Disk::new(), &Scripted::default())).live().await;
    let placed = node.ask(submit("BUY", "0.1", "OPEN")).await;
    settle().await;
    let change = |intent: &str| ChangeText { intent: intent.into(), price: Some("99".into()), ..ChangeText::default() };
    let intent = placed["intent"].as_str().unwrap();
    let changing = node.ask(Ask::Change(change(intent))).await;
    assert_eq!((&changing["status"], &changing["change_under_way"]), (&json!("PendingReplace"), &json!(true)));
    let refused = async |change| match node.handle.control().ask("test", Ask::Change(change)).await.unwrap() {
        Reply::Err(text) => text,
        Reply::Ok(value) => panic!("{value}"),
    };
    assert!(refused(change(&"0".repeat(32))).await.starts_with("no order is called 0000"));
    assert_eq!(
        refused(ChangeText { intent: intent.into(), ..ChangeText::default() }).await,
        "a change needs `qty`, `price` or `trigger`"
    );
    // While one change is on its way there is no other.
    let twice = refused(change(intent)).await;
    assert!(twice.contains("(PendingReplace) was not changed: another change of this order is under way"), "{twice}");
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_operator_is_told_why_a_strategys_order_was_not_changed() {
    let venue = Fake::new();
    let strategy = Scripted { buys_at_start: true, ..Scripted::default() };
    let node = start(account(&venue, &Disk::new(), &strategy)).live().await;
    settle().await;
    let intent = node.ask(Ask::Orders { all: false }).await[0]["intent"].as_str().unwrap().to_owned();
    let off_grid = ChangeText { intent, price: Some("99.01".into()), ..ChangeText::default() };
    let refused = node.handle.control().ask("test", Ask::Change(off_grid)).await.unwrap();
    assert!(
        matches!(&refused, Reply::Err(text) if text.contains("(New) was not changed: ") && text.contains("99.01")),
        "{refused:?}"
    );
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_the_venue_sends_that_nobody_knows_is_in_the_status() {
    let venue = Fake::new();
    let node = start(account(&venue, &Disk::new(), &Scripted::default())).live().await;
    assert_eq!(node.ask(Ask::Status {}).await["unrecognised"], json!([]));
    venue.with(|s| s.unrecognised.insert("event.o.zz".into(), 3));
    assert_eq!(node.ask(Ask::Status {}).await["unrecognised"], json!([{ "path": "event.o.zz", "count": 3 }]));
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn position_ids_are_shown_where_they_are_wanted() {
    for (position_ids, wanted) in [(true, json!("BTCUSDT-PERP.FAKE-BOTH")), (false, Value::Null)] {
        let venue = Fake::new();
        let runtime = RuntimeConfig { position_ids, ..config() };
        let node = start(account(&venue, &Disk::new(), &Scripted::default()).runtime(runtime)).live().await;
        node.ask(submit("BUY", "0.1", "OPEN")).await;
        settle().await;
        venue.fill(&crate::rig::last_id(&venue));
        settle().await;
        assert_eq!(node.ask(Ask::Orders { all: true }).await[0]["position_id"], wanted);
        assert_eq!(node.ask(Ask::Positions {}).await[0]["position_id"], wanted);
        node.stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn protection_is_shown_leg_by_leg_and_in_the_status() {
    let venue = Fake::new();
    let node = start(account(&venue, &Disk::new(), &Scripted::default())).live().await;
    assert_eq!(node.ask(Ask::Status {}).await["protection"]["legs"], 0);
    node.ask(submit("BUY", "0.3", "OPEN")).await;
    settle().await;
    venue.fill(&crate::rig::last_id(&venue));
    settle().await;
    let bare = node.ask(Ask::Positions {}).await[0]["protection"].clone();
    assert_eq!(
        (&bare["held"], &bare["covered"], &bare["uncovered"], &bare["stops"]),
        (&json!("0.3"), &json!("0"), &json!("0.3"), &json!(0))
    );
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let since = node.ask(Ask::Positions {}).await[0]["protection"]["unprotected_ms"].as_u64().unwrap();
    assert!((3_000..3_100).contains(&since), "{since}");
    node.ask(Ask::Submit(SubmitOrder { qty: Some("0.2".into()), intention: Some("REDUCE".into()), ..stop("95") })).await;
    // A stop that waits protects for as long as it waits.
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    let status = node.ask(Ask::Status {}).await["protection"].clone();
    assert_eq!(
        (&status["legs"], &status["uncovered"][0]["covered"], &status["uncovered"][0]["uncovered"]),
        (&json!(1), &json!("0.2"), &json!("0.1"))
    );
    node.ask(Ask::Submit(SubmitOrder { qty: Some("0.1".into()), intention: Some("REDUCE".into()), ..stop("94") })).await;
    settle().await;
    let status = node.ask(Ask::Status {}).await["protection"].clone();
    assert_eq!(status["uncovered"], json!([]));
    assert!(status["unprotected_ms_total"].as_u64().unwrap() >= 3_000, "{status}");
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_status_names_an_order_in_doubt_as_every_command_does() {
    let venue = Fake::new();
    venue.with(|s| {
        s.on_submit = OnSubmit::Refuse(CommandError::Unknown { why: "cut".into(), live: false });
    });
    let strategy = Scripted { buys_at_start: true, ..Scripted::default() };
    let node = start(account(&venue, &Disk::new(), &strategy)).live().await;
    until("it is out", || venue.submits().len() == 1).await;
    settle().await;
    let status = node.ask(Ask::Status {}).await;
    let orders = node.ask(Ask::Orders { all: true }).await;
    assert_eq!(column(&status["report"]["doubts"], "intent"), column(&orders, "intent"), "{status}");
}
