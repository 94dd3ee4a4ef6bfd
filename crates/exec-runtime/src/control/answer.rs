//! What the loop does with an operator's request: reads are answered from the books, changes go to the engine as one input.

use super::{
    Ask, ChangeText, ControlCall, Reply, Request, SubmitOrder,
    list_text::{ListAsked, ListTextError, list_id},
    orders, positions, view,
};
use crate::account_loop::AccountLoop;
use exec_core::{
    command::{ChangeOrder, NewOrder, OperatorCommand},
    conversation::Input,
    explain,
    ids::{InstrumentId, IntentId, StrategyId},
    kill::{KillLevel, KillScope},
    nearest::did_you_mean,
    order::intent::{Handling, ListPlace},
    reconcile::Difference,
};
use serde_json::{Value, json};

/// In front of the intent ids that the node gives operators' orders; the rest is epoch and count, so none comes twice.
const OPERATOR_MARK: u128 = 0x4F50_4552 << 96;

/// A person's order does not chase a price by the millisecond: a slow disk may hold it this long.
const OPERATOR_AGE_MS: u64 = 2_000;

/// Answers one request. If whoever asked is gone, what was asked for is done all the same.
pub(crate) async fn answer(this: &mut AccountLoop, call: ControlCall) {
    let ControlCall { request, reply } = call;
    let answer = serve(this, request).await;
    let _ = reply.send(answer);
}

async fn serve(this: &mut AccountLoop, request: Request) -> Reply {
    let Request { who, ask } = request;
    match ask {
        Ask::Status {} => Reply::Ok(view::status(this)),
        Ask::Orders { all } => Reply::Ok(orders::orders(&this.engine, all, this.position_ids)),
        Ask::Explain { order } => {
            let books = this.engine.books();
            match explain::find(books, &order).map(|intent| books.order(intent)) {
                Ok(Some(order)) => Reply::Ok(orders::explained(&this.engine, order, this.position_ids)),
                Ok(None) => Reply::Err(format!("no order is called {order}")),
                Err(error) => Reply::Err(error.to_string()),
            }
        }
        Ask::Positions {} => Reply::Ok(positions::positions(&this.engine, this.clock.now(), this.position_ids)),
        Ask::Balances {} => Reply::Ok(view::balances(&this.engine)),
        Ask::Submit(order) => submit(this, who, &order).await,
        Ask::Bracket(bracket) => submit_list(this, who, bracket.read(this.engine.mode())).await,
        Ask::OneCancelsOther(pair) => submit_list(this, who, pair.read(this.engine.mode())).await,
        Ask::Change(text) => change(this, who, &text).await,
        Ask::Cancel { intent } => {
            if this.engine.books().order(intent).is_none() {
                return no_such_order(intent);
            }
            operate(this, who, OperatorCommand::Cancel(intent)).await;
            Reply::Ok(one(this, intent))
        }
        Ask::CancelAll { instrument } => {
            let concerns = |i: &IntentId| {
                let order = this.engine.books().order(*i);
                order.is_some_and(|o| instrument.as_ref().is_none_or(|wanted| o.intent().terms.instrument == *wanted))
            };
            let open = this.engine.books().open_orders().map(|o| o.intent().id);
            let open: Vec<String> = open.filter(concerns).map(|i| i.to_string()).collect();
            operate(this, who, OperatorCommand::CancelAll(instrument)).await;
            Reply::Ok(json!({ "cancelling": open }))
        }
        Ask::Kill { level, instrument, strategy } => kill(this, who, level, instrument, strategy).await,
        Ask::Latch {} => gate(this, who, OperatorCommand::Latch).await,
        Ask::Release {} => gate(this, who, OperatorCommand::Release).await,
        Ask::Reconcile {} => gate(this, who, OperatorCommand::Reconcile).await,
        Ask::Differences {} => Reply::Ok(view::differences(&this.engine)),
        Ask::Adopt { instrument } => adopt(this, who, instrument).await,
    }
}

async fn submit(this: &mut AccountLoop, who: String, order: &SubmitOrder) -> Reply {
    let (terms, named) = match (order.terms(this.engine.mode()), order.intent()) {
        (Ok(terms), Ok(named)) => (terms, named),
        (Err(error), _) | (_, Err(error)) => return Reply::Err(error.to_string()),
    };
    let intent = named.unwrap_or_else(|| name(this, 1));
    let order = NewOrder { intent, terms, handling: handling(), list: None };
    if let Some(refusal) = asked_otherwise(this, &order) {
        return refusal;
    }
    operate(this, who, OperatorCommand::Submit(order)).await;
    Reply::Ok(one(this, intent))
}

async fn submit_list(this: &mut AccountLoop, who: String, asked: Result<ListAsked, ListTextError>) -> Reply {
    let ListAsked { orders, named } = match asked {
        Ok(asked) => asked,
        Err(error) => return Reply::Err(error.to_string()),
    };
    let first = named.unwrap_or_else(|| name(this, orders.len() as u64));
    let list = list_id(first);
    let new = |(number, (role, terms))| NewOrder {
        intent: IntentId(first.0.wrapping_add(number as u128)),
        terms,
        handling: handling(),
        list: Some(ListPlace { list, role }),
    };
    let orders: Vec<NewOrder> = orders.into_iter().enumerate().map(new).collect();
    if let Some(refusal) = orders.iter().find_map(|order| asked_otherwise(this, order)) {
        return refusal;
    }
    operate(this, who, OperatorCommand::SubmitList(orders)).await;
    Reply::Ok(orders::list(&this.engine, list, this.position_ids))
}

async fn change(this: &mut AccountLoop, who: String, text: &ChangeText) -> Reply {
    let change: ChangeOrder = match text.read() {
        Ok(change) => change,
        Err(error) => return Reply::Err(error.to_string()),
    };
    let intent = change.intent;
    let requests = |this: &AccountLoop| this.engine.books().order(intent).map(|o| o.replaces().len());
    let Some(before) = requests(this) else { return no_such_order(intent) };
    this.change_denied = None;
    let mut told = operate(this, who, OperatorCommand::Replace(change)).await;
    told.extend(this.change_denied.take());
    if requests(this) == Some(before) {
        let status = this.engine.books().order(intent).map(|o| format!("{:?}", o.status())).unwrap_or_default();
        let said_before = format!("change of order {intent} was not sent: ");
        let why: Vec<&str> = told.iter().map(|text| text.strip_prefix(&said_before).unwrap_or(text)).collect();
        return Reply::Err(format!("order {intent} ({status}) was not changed: {}", why.join("; ")));
    }
    Reply::Ok(one(this, intent))
}

fn one(this: &AccountLoop, intent: IntentId) -> Value {
    orders::one(&this.engine, intent, this.position_ids)
}

fn no_such_order(intent: IntentId) -> Reply {
    Reply::Err(format!("no order is called {intent}; `orders` lists them"))
}

/// Names as many orders of an operator as are asked for, and returns the name of the first.
fn name(this: &mut AccountLoop, count: u64) -> IntentId {
    let first = this.intents_made + 1;
    this.intents_made += count;
    IntentId(OPERATOR_MARK | u128::from(this.engine.books().epoch().0) << 64 | u128::from(first))
}

fn handling() -> Handling {
    Handling { max_age_ms: OPERATOR_AGE_MS, ..Handling::default() }
}

/// A name says one thing: the same again asks for nothing new, anything else under it is a mistake.
fn asked_otherwise(this: &AccountLoop, order: &NewOrder) -> Option<Reply> {
    let known = this.engine.books().order(order.intent)?.intent();
    let same = known.terms == order.terms && known.list == order.list;
    (!same).then(|| Reply::Err(format!("intent {} was asked for before, with other terms", order.intent)))
}

/// Gives a command to the engine. Returns the alerts that it raised at once, in words.
async fn operate(this: &mut AccountLoop, who: String, command: OperatorCommand) -> Vec<String> {
    tracing::info!(account = %this.account, %who, command = ?command, "operator");
    let (_, before) = this.shared.board.alerts();
    this.take(Input::Operator { who, command }).await;
    let (kept, after) = this.shared.board.alerts();
    let new = usize::try_from(after - before).unwrap_or(usize::MAX).min(kept.len());
    kept.into_iter().rev().take(new).rev().map(|raised| raised.alert.text).collect()
}

async fn adopt(this: &mut AccountLoop, who: String, instrument: Option<InstrumentId>) -> Reply {
    let stands = |this: &AccountLoop| {
        let wanted = |d: &&Difference| instrument.as_ref().is_none_or(|i| d.instrument == *i);
        this.engine.differences().iter().filter(wanted).cloned().collect::<Vec<_>>()
    };
    let before = stands(this);
    if let (Some(instrument), true) = (&instrument, before.is_empty()) {
        return Reply::Err(format!("books and venue do not differ on {instrument}; `reconcile --explain` shows where they do"));
    }
    operate(this, who, OperatorCommand::Adopt(instrument.clone())).await;
    let after = stands(this);
    let settled: Vec<&Difference> = before.iter().filter(|d| !after.contains(d)).collect();
    Reply::Ok(json!({ "settled": settled, "open": after }))
}

/// Throws the kill switch. A name that nothing here has would stop nothing, and whoever says it believes otherwise.
async fn kill(
    this: &mut AccountLoop,
    who: String,
    level: KillLevel,
    instrument: Option<InstrumentId>,
    strategy: Option<StrategyId>,
) -> Reply {
    let scope = match (instrument, strategy) {
        (None, None) => KillScope::Account,
        (Some(instrument), None) => {
            let engine = &this.engine;
            let held = || engine.books().positions().any(|(i, ..)| *i == instrument);
            let known = engine.instrument(&instrument).is_some() || engine.config().instruments().contains(&instrument);
            // Before the venue has told its instruments, nobody knows better.
            if !known && !held() && engine.instruments().next().is_some() {
                let hint = did_you_mean(instrument.as_str(), engine.instruments().map(|i| i.id.as_str()));
                return Reply::Err(format!("instrument {instrument} is not known here{hint}; nothing was stopped"));
            }
            KillScope::Instrument(instrument)
        }
        (None, Some(strategy)) => {
            let engine = &this.engine;
            let configured = engine.config().strategies.iter().any(|s| s.id == strategy);
            if !configured && engine.books().strategy(&strategy).is_none() {
                let hint = did_you_mean(strategy.as_str(), engine.config().strategies.iter().map(|s| s.id.as_str()));
                return Reply::Err(format!("strategy {strategy} is not known here{hint}; nothing was stopped"));
            }
            KillScope::Strategy(strategy)
        }
        (Some(_), Some(_)) => {
            return Reply::Err(String::from("name an instrument or a strategy, not both; nothing was stopped"));
        }
    };
    gate(this, who, OperatorCommand::Kill { level, scope }).await
}

async fn gate(this: &mut AccountLoop, who: String, command: OperatorCommand) -> Reply {
    operate(this, who, command).await;
    let report = this.engine.report();
    let value: Value = json!({ "phase": report.phase, "shut": view::texts(&report.shut), "reasons": view::reasons(&report.shut), "kills": view::kills(&this.engine) });
    Reply::Ok(value)
}
