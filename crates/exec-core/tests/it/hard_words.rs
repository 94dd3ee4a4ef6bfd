//! Words for the hard cases: answers to one attempt, brackets in one line, what was closed at market. No test.

use crate::{
    scene::{closing, refused},
    stage::{Stage, sell_stop},
};
use exec_core::{
    command::{ChangeOrder, Command, NewOrder},
    conversation::{Input, Outcome, Request},
    ids::{ClOrdId, IntentId, ListId},
    order::intent::{Handling, ListPlace, ListRole},
    report::VenueStatus,
    terms::{OrderKind, Terms, TimeInForce},
    units::{PositionSide, Side},
    venue::{CommandResult, Lookup, RejectClass},
};
use exec_testkit::{
    fixtures::{limit, price, qty},
    rig::Rig,
};

pub(crate) fn answer(rig: &mut Rig, attempt: ClOrdId, result: CommandResult) {
    let request = rig.sent.iter().rev().find_map(|r| match r {
        Request::Submit { id, attempt: a } if a.cl_ord_id == attempt => Some(*id),
        _ => None,
    });
    rig.give(Input::Outcome { request: request.expect("sent"), outcome: Outcome::Order(result) });
}
pub(crate) fn refuse_last_of(stage: &mut Stage, intent: IntentId, class: RejectClass, code: i64) {
    let id = stage.rig.cl_ord_id(intent);
    answer(&mut stage.rig, id, Err(refused(class, code)));
}
pub(crate) fn placed(stage: &mut Stage, list: u64, role: ListRole, terms: Terms) -> NewOrder {
    NewOrder { intent: stage.name(), terms, handling: Handling::default(), list: Some(ListPlace { list: ListId(list), role }) }
}
pub(crate) fn tp_limit(amount: &str) -> Terms {
    Terms {
        kind: OrderKind::Limit { price: price("105").into(), tif: TimeInForce::Gtc },
        ..closing(Side::Sell, PositionSide::Net, amount)
    }
}
/// Entry 3@99, stop at 95, profit limit at 105. The entry stands.
pub(crate) fn bracket(stage: &mut Stage, list: u64) -> (IntentId, IntentId, IntentId) {
    let entry = placed(stage, list, ListRole::Entry, limit(Side::Buy, qty("3"), price("99")));
    let stop = placed(stage, list, ListRole::StopLoss, sell_stop("3", "95"));
    let profit = placed(stage, list, ListRole::TakeProfit, tp_limit("3"));
    let ids = (entry.intent, stop.intent, profit.intent);
    stage.rig.command(Command::SubmitList(vec![entry, stop, profit]));
    stage.rig.durable();
    stage.rig.accept(ids.0);
    ids
}
pub(crate) fn sent_market(stage: &Stage) -> Vec<String> {
    stage
        .rig
        .attempts_sent()
        .iter()
        .filter(|a| a.terms.kind == OrderKind::Market && a.terms.is_closing())
        .map(|a| a.terms.qty.map(|q| q.to_string()).unwrap_or_default())
        .collect()
}
pub(crate) fn market_intent(stage: &Stage) -> IntentId {
    stage
        .rig
        .engine
        .books()
        .open_orders()
        .filter(|o| o.intent().terms.kind == OrderKind::Market)
        .map(|o| o.intent().id)
        .last()
        .expect("an exit")
}
/// The stream shows an order that nothing was executed of.
pub(crate) fn shown(stage: &mut Stage, intent: IntentId, status: VenueStatus) {
    let report = stage.rig.venue_report(intent, status, "0");
    stage.rig.stream(report);
}
/// The venue answers the last attempt that the order stands.
pub(crate) fn stands(stage: &mut Stage, intent: IntentId) {
    let attempt = stage.rig.cl_ord_id(intent);
    let report = stage.rig.venue_report(intent, VenueStatus::New, "0");
    answer(&mut stage.rig, attempt, Ok(Box::new(report)));
}
/// A take-profit and a stop of which one cancels the other; the stop stands.
pub(crate) fn closing_pair(stage: &mut Stage, profit: Terms, stop: Terms) -> (IntentId, IntentId) {
    let profit = placed(stage, 9, ListRole::OneCancelsOther, profit);
    let stop = placed(stage, 9, ListRole::OneCancelsOther, stop);
    let ids = (profit.intent, stop.intent);
    stage.rig.command(Command::SubmitList(vec![profit, stop]));
    stage.accept_algo(ids.1);
    ids
}
/// What is held is covered by stops, or an exit for it was sent.
pub(crate) fn covered_or_closed(stage: &Stage) {
    assert!(
        stage.uncovered().is_zero() || !sent_market(stage).is_empty(),
        "held {} uncovered {}",
        stage.held(),
        stage.uncovered()
    );
}
/// Seconds until something is closed at market, while the venue has no order and 2 of the leg; at most a minute.
pub(crate) fn seconds_until_closed(stage: &mut Stage) -> u32 {
    let mut seconds = 0;
    while sent_market(stage).is_empty() && seconds < 60 {
        stage.rig.wait(1_000);
        seconds += 1;
        stage.rig.answer_orders(&Ok(Lookup::Absent));
        stage.leg_holds("2");
    }
    seconds
}
pub(crate) fn trigger(intent: IntentId, to: &str) -> Command {
    Command::Replace(ChangeOrder { intent, qty: None, price: None, trigger: Some(price(to)) })
}
