//! What programs outside are told: every order event, fill, position change, doubt and alert, from the journal's records alone.

use exec_core::{
    cl_ord_id::Tag,
    conversation::{Alert, AlertLevel, Input},
    feed::{Teller, Told},
    ids::{AccountId, Seq},
    record::Record,
    units::{PositionMode, Side},
    venue::CommandError,
};
use exec_runtime::EventTeller;
use exec_testkit::{
    fixtures::{config, limit, price, qty},
    rig::Rig,
};
use serde_json::Value;

fn teller() -> EventTeller {
    EventTeller::new(AccountId::new("main").unwrap(), Tag::new("X").unwrap())
}

fn read(teller: &mut EventTeller, journal: &[(Seq, Record)]) -> Vec<Told> {
    let mut all = Vec::new();
    for (seq, record) in journal {
        teller.read(*seq, record, &mut |told| all.push(told)).unwrap();
    }
    all
}

fn events(rig: &Rig) -> Vec<Value> {
    let mut teller = EventTeller::new(rig.engine.config().account.clone(), Tag::new("X").unwrap());
    teller.begin(None);
    let parse = |told: Told| {
        let event: Value = serde_json::from_str(&told.json).unwrap();
        assert_eq!((event["type"].as_str(), event["id"].as_str()), (Some(told.kind), Some(told.id.to_string().as_str())));
        assert_eq!((&event["v"], event["seq"].as_u64()), (&1.into(), Some(told.id.seq)));
        event
    };
    read(&mut teller, &rig.journal).into_iter().map(parse).collect()
}

fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["type"] == kind).collect()
}

fn traded() -> Rig {
    let mut rig = Rig::live(config(PositionMode::Netting, &["BTCUSDT"]));
    let order = rig.submit(limit(Side::Buy, qty("2"), price("99")));
    rig.durable();
    rig.accept(order);
    rig.fill(order, 71, "0.5", "98", "0.5");
    rig.fill(order, 72, "1.5", "99", "2");
    rig
}

#[test]
fn a_trade_is_told_as_what_became_of_its_order_as_a_fill_and_as_a_change_of_the_leg() {
    let events = events(&traded());
    let fills = of(&events, "fill");
    assert_eq!(fills.len(), 2);
    for (field, wanted) in [
        ("trade_id", "72"),
        ("price", "99"),
        ("qty", "1.5"),
        ("side", "BUY"),
        ("leg", "NET"),
        ("cum_qty", "2"),
        ("leaves_qty", "0"),
    ] {
        assert_eq!(fills[1][field], wanted, "{field}");
    }
    assert_eq!((&fills[1]["again"], &fills[1]["instrument"]), (&false.into(), &"BTCUSDT-PERP.BINANCE".into()));
    let legs: Vec<_> = of(&events, "position").iter().map(|leg| (leg["qty_before"].clone(), leg["qty"].clone())).collect();
    let ends =
        legs.iter().rev().take(2).rev().map(|(was, now)| (was.as_str().unwrap(), now.as_str().unwrap())).collect::<Vec<_>>();
    assert_eq!(ends, [("0", "0.5"), ("0.5", "2")]);
    let facts: Vec<_> = of(&events, "order").iter().map(|event| event["fact"].as_str().unwrap()).collect();
    for fact in ["asked", "attempted", "accepted", "executed"] {
        assert!(facts.contains(&fact), "{fact} in {facts:?}");
    }
    let last = of(&events, "order").into_iter().rfind(|event| event["fact"] == "executed").unwrap();
    assert_eq!((&last["order"]["status"], &last["order"]["cum_qty"]), (&"Filled".into(), &"2".into()));
    assert_eq!(last["event"]["Executed"]["fill"]["trade_id"], "72");
}

#[test]
fn a_doubt_is_told_when_it_begins_and_when_it_ends() {
    let mut rig = Rig::live(config(PositionMode::Netting, &["BTCUSDT"]));
    let order = rig.submit(limit(Side::Buy, qty("2"), price("99")));
    rig.durable();
    rig.outcome(Err(CommandError::Unknown { why: "no answer".into(), live: false }));
    let report = rig.venue_report(order, exec_core::report::VenueStatus::New, "0");
    rig.stream(report);
    let events = events(&rig);
    let steps: Vec<_> = of(&events, "doubt").iter().map(|doubt| (doubt["step"].clone(), doubt["how"].clone())).collect();
    assert_eq!(steps, [("began".into(), Value::Null), ("ended".into(), "arrived".into())]);
}

#[test]
fn an_alert_and_what_an_operator_did_are_told() {
    let mut rig = Rig::live(config(PositionMode::Netting, &["BTCUSDT"]));
    rig.give(Input::Alerted(Alert { level: AlertLevel::Critical, kind: "stop_refused", text: "look".into() }));
    rig.give(Input::Operator { who: "ada".into(), command: exec_core::command::OperatorCommand::Latch });
    let events = events(&rig);
    let alerts = of(&events, "alert");
    assert_eq!(alerts.len(), 1, "one alert is one event");
    assert_eq!((&alerts[0]["level"], &alerts[0]["kind"]), (&"Critical".into(), &"stop_refused".into()));
    assert_eq!(of(&events, "latch")[0]["step"], "latched");
    assert_eq!(of(&events, "operator")[0]["who"], "ada");
}

#[test]
fn whoever_reads_the_records_tells_the_same_events_also_behind_a_snapshot() {
    let rig = traded();
    let account = rig.engine.config().account.clone();
    let mut whole = EventTeller::new(account.clone(), Tag::new("X").unwrap());
    let all = read(&mut whole, &rig.journal);
    let mut again = EventTeller::new(account.clone(), Tag::new("Y").unwrap());
    assert_eq!(read(&mut again, &rig.journal), all);
    let mut names: Vec<_> = all.iter().map(|told| told.id).collect();
    assert!(names.is_sorted());
    names.dedup();
    assert_eq!(names.len(), all.len(), "two events have one name");
    // The snapshot stands in the middle of the order's life.
    let cut = rig.journal.len() - 2;
    let engine = rig.restarted(cut).engine;
    let mut behind = EventTeller::new(account, Tag::new("X").unwrap());
    behind.begin(Some(engine.snapshot()));
    let rest = read(&mut behind, &traded().journal[cut..]);
    assert!(!rest.is_empty());
    assert_eq!(rest, all[all.len() - rest.len()..]);
}

#[test]
fn what_is_missing_is_an_event_of_its_own() {
    let told = teller().gap(Seq(4), Seq(9));
    let event: Value = serde_json::from_str(&told.json).unwrap();
    assert_eq!((told.kind, event["id"].as_str(), &event["after"], &event["until"]), ("gap", Some("9-0"), &4.into(), &9.into()));
}
