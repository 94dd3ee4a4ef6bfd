//! What the loop does with an operator's request: reads are answered from the books, changes go to the engine as one input.

use super::{Ask, ControlCall, Reply, Request, SubmitOrder, view};
use crate::account_loop::AccountLoop;
use exec_core::{
    command::{NewOrder, OperatorCommand},
    conversation::Input,
    ids::IntentId,
    order::intent::Handling,
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
        Ask::Orders { all } => Reply::Ok(view::orders(&this.engine, all)),
        Ask::Positions {} => Reply::Ok(view::positions(&this.engine)),
        Ask::Balances {} => Reply::Ok(view::balances(&this.engine)),
        Ask::Submit(order) => submit(this, who, &order).await,
        Ask::Cancel { intent } => {
            if this.engine.books().order(intent).is_none() {
                return Reply::Err(format!("no order is called {intent}; `orders` lists them"));
            }
            operate(this, who, OperatorCommand::Cancel(intent)).await;
            Reply::Ok(view::one_order(&this.engine, intent))
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
        Ask::Latch {} => gate(this, who, OperatorCommand::Latch).await,
        Ask::Release {} => gate(this, who, OperatorCommand::Release).await,
        Ask::Reconcile {} => gate(this, who, OperatorCommand::Reconcile).await,
    }
}

async fn submit(this: &mut AccountLoop, who: String, order: &SubmitOrder) -> Reply {
    let (terms, named) = match (order.terms(this.engine.mode()), order.intent()) {
        (Ok(terms), Ok(named)) => (terms, named),
        (Err(error), _) | (_, Err(error)) => return Reply::Err(error.to_string()),
    };
    let intent = named.unwrap_or_else(|| {
        this.intents_made += 1;
        IntentId(OPERATOR_MARK | u128::from(this.engine.books().epoch().0) << 64 | u128::from(this.intents_made))
    });
    if this.engine.books().order(intent).is_some_and(|o| o.intent().terms != terms) {
        return Reply::Err(format!("intent {intent} was asked for before, with other terms"));
    }
    let handling = Handling { max_age_ms: OPERATOR_AGE_MS, ..Handling::default() };
    let command = OperatorCommand::Submit(NewOrder { intent, terms, handling, list: None });
    operate(this, who, command).await;
    Reply::Ok(view::one_order(&this.engine, intent))
}

async fn operate(this: &mut AccountLoop, who: String, command: OperatorCommand) {
    tracing::info!(account = %this.account, %who, command = ?command, "operator");
    this.take(Input::Operator { who, command }).await;
}

async fn gate(this: &mut AccountLoop, who: String, command: OperatorCommand) -> Reply {
    operate(this, who, command).await;
    let report = this.engine.report();
    let value: Value = json!({ "phase": report.phase, "shut": view::texts(&report.shut) });
    Reply::Ok(value)
}
