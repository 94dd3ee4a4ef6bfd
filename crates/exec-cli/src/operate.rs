//! The verbs that change something: they place, change and cancel, and wait for what becomes of it.

use crate::{
    args::{Cancel, CancelAll, On, Patience},
    desk::{Desk, at_the_desk, at_the_desk_of, at_the_running_desk},
    failure::Failure,
    holdings, logging,
    order_args::{Bracket, Change, Submit, SubmitList},
    screen, select, status,
};
use exec_core::ids::IntentId;
use node_config::control::Ask;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often an order is looked at while its outcome is awaited.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Endings in which nothing came of an order.
const IN_VAIN: [&str; 4] = ["Denied", "Rejected", "NotSent", "Presumed"];

pub(crate) async fn submit(args: &Submit) -> Result<(), Failure> {
    logging::quiet();
    let selected = select::select(&args.on)?;
    let order = args.order()?;
    // Read here as the node will read it, so that a typo costs no connection.
    let terms = order.terms(selected.mode()).map_err(|error| Failure::Usage(error.to_string()))?;
    order.intent().map_err(|error| Failure::Usage(error.to_string()))?;
    at_the_desk_of(&selected, async |desk| {
        desk.price_of(&terms.instrument).await;
        let asked = desk.ask(Ask::Submit(order)).await?;
        let order = settled(desk, &asked, &args.patience, |order| !is_pending(order)).await?;
        show_order(&order, args.on.json);
        if IN_VAIN.iter().any(|status| order["status"] == *status) {
            return Err(Failure::Told);
        }
        if is_pending(&order) { Err(Failure::NoAnswer(unsettled(&order))) } else { Ok(()) }
    })
    .await
}

pub(crate) async fn bracket(args: &Bracket) -> Result<(), Failure> {
    list(&args.on, &args.patience, Ask::Bracket(Box::new(args.text()))).await
}

pub(crate) async fn submit_list(args: &SubmitList) -> Result<(), Failure> {
    list(&args.on, &args.patience, args.read()?).await
}

/// Asks the running node for a list, and waits for those of its orders that are sent at once.
async fn list(on: &On, patience: &Patience, ask: Ask) -> Result<(), Failure> {
    logging::quiet();
    let selected = select::select(on)?;
    let read = match &ask {
        Ask::Bracket(text) => text.check(selected.mode()),
        Ask::OneCancelsOther(text) => text.check(selected.mode()),
        _ => Ok(()),
    };
    read.map_err(|error| Failure::Usage(error.to_string()))?;
    at_the_running_desk(&selected, "a list of orders", async |desk| {
        let asked = desk.ask(ask).await?;
        let mut orders = Vec::new();
        for order in asked["orders"].as_array().into_iter().flatten() {
            orders.push(settled(desk, order, patience, |order| !is_pending(order) || is_held_back(order)).await?);
        }
        if on.json {
            screen::json(&json!({ "list": asked["list"], "orders": orders }));
        } else {
            for order in &orders {
                show_order(order, false);
            }
        }
        if orders.is_empty() || orders.iter().any(|order| IN_VAIN.iter().any(|status| order["status"] == *status)) {
            return Err(Failure::Told);
        }
        match orders.iter().find(|order| is_pending(order) && !is_held_back(order)) {
            Some(order) => Err(Failure::NoAnswer(unsettled(order))),
            None => Ok(()),
        }
    })
    .await
}

/// An order of a list that waits for the entry's first fill: nothing was sent yet.
fn is_held_back(order: &Value) -> bool {
    order["status"] == "Initialized" && order["attempts"].as_array().is_none_or(Vec::is_empty) && !order["role"].is_null()
}

pub(crate) async fn change(args: &Change) -> Result<(), Failure> {
    at_the_desk(&args.on, async |desk| {
        let intent = intent_of(desk, &args.order).await?;
        let asked = desk.ask(Ask::Change(args.text(intent.to_string()))).await?;
        let order = settled(desk, &asked, &args.patience, |order| order["change_under_way"] != true).await?;
        show_order(&order, args.on.json);
        match order["changes"].as_array().and_then(|all| all.last()).map(|change| &change["state"]) {
            Some(state) if state == "Accepted" => Ok(()),
            Some(state) if !state["Refused"].is_null() => Err(Failure::Refused(format!(
                "the venue refused the change (code {}); the order stands as it was",
                state["Refused"]
            ))),
            Some(state) if state == "NotSent" => {
                Err(Failure::Refused("the change was not sent; the order stands as it was, ask again".to_owned()))
            }
            _ => Err(Failure::NoAnswer(unsettled(&order))),
        }
    })
    .await
}

pub(crate) async fn cancel(args: &Cancel) -> Result<(), Failure> {
    at_the_desk(&args.on, async |desk| {
        let intent = intent_of(desk, &args.order).await?;
        let asked = desk.ask(Ask::Cancel { intent }).await?;
        let order = settled(desk, &asked, &args.patience, has_ended).await?;
        show_order(&order, args.on.json);
        if has_ended(&order) { Ok(()) } else { Err(Failure::NoAnswer(unsettled(&order))) }
    })
    .await
}

pub(crate) async fn cancel_all(args: &CancelAll) -> Result<(), Failure> {
    let instrument = args.instrument.as_deref().map(select::instrument).transpose()?;
    at_the_desk(&args.on, async |desk| {
        let asked = desk.ask(Ask::CancelAll { instrument }).await?;
        let wanted: Vec<String> =
            asked["cancelling"].as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect();
        let until = Instant::now() + Duration::from_secs(args.patience.wait);
        let open = loop {
            let open = desk.ask(Ask::Orders { all: false }).await?;
            let open: Vec<Value> = open.as_array().into_iter().flatten().filter(|o| concerns(o, &wanted)).cloned().collect();
            if open.is_empty() || Instant::now() >= until {
                break open;
            }
            sleep(LOOK_EVERY).await;
        };
        if args.on.json {
            screen::json(&json!({ "cancelled": wanted.len() - open.len(), "open": open }));
        } else {
            screen::say(format!("{} of {} open orders are off the book", wanted.len() - open.len(), wanted.len()));
        }
        if open.is_empty() {
            Ok(())
        } else {
            Err(Failure::NoAnswer(format!("{} orders are still open; `status` and `orders` show them", open.len())))
        }
    })
    .await
}

fn concerns(order: &Value, wanted: &[String]) -> bool {
    order["intent"].as_str().is_some_and(|intent| wanted.iter().any(|w| w == intent))
}

/// Looks at an order until it is as wanted, or the patience is at its end.
async fn settled(desk: &mut Desk, asked: &Value, patience: &Patience, enough: fn(&Value) -> bool) -> Result<Value, Failure> {
    let mut order = asked.clone();
    let until = Instant::now() + Duration::from_secs(patience.wait);
    while !enough(&order) && Instant::now() < until {
        sleep(LOOK_EVERY).await;
        let all = desk.ask(Ask::Orders { all: true }).await?;
        let found = all.as_array().into_iter().flatten().find(|o| o["intent"] == asked["intent"]).cloned();
        order = found.unwrap_or(order);
    }
    Ok(order)
}

fn is_pending(order: &Value) -> bool {
    order["in_doubt"] == true || ["Initialized", "PendingNew"].iter().any(|status| order["status"] == *status)
}

fn has_ended(order: &Value) -> bool {
    let open = ["Initialized", "PendingNew", "New", "Triggered", "PartiallyFilled", "PendingReplace", "PendingCancel"];
    order["in_doubt"] != true && !open.iter().any(|status| order["status"] == *status)
}

fn unsettled(order: &Value) -> String {
    let intent = order["intent"].as_str().unwrap_or_default();
    format!("what becomes of order {intent} is not known yet; the node goes on asking, `status` shows it")
}

fn show_order(order: &Value, as_json: bool) {
    if as_json {
        return screen::json(order);
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    screen::say(format!(
        "{} {} {} {} of {} {} {} {}{}",
        text(&order["intent"]),
        text(&order["status"]),
        text(&order["cum_qty"]),
        if order["avg_px"].is_null() { "filled".to_owned() } else { format!("filled at {}", text(&order["avg_px"])) },
        if order["qty"].is_null() { "the position".to_owned() } else { text(&order["qty"]) },
        text(&order["side"]),
        text(&order["instrument"]),
        text(&order["type"]),
        holdings::prices(order),
    ));
    if !order["role"].is_null() {
        let held = if is_held_back(order) { ": sent when the entry begins to fill" } else { "" };
        screen::say(format!("  {} of list {}{held}", text(&order["role"]).replace('_', "-"), text(&order["list"])));
    }
    if !order["denial"].is_null() {
        screen::say(format!("  denied: {}", text(&order["denial"])));
    }
    for attempt in order["attempts"].as_array().into_iter().flatten() {
        let rejection = &attempt["rejection"];
        let why = match (rejection.is_null(), attempt["not_sent"].is_null()) {
            (false, _) => format!("refused: {} (code {})", text(&rejection["text"]), rejection["code"]),
            (_, false) => format!("not sent: {}", status::words(&attempt["not_sent"])),
            _ => "sent".to_owned(),
        };
        screen::say(format!("  {} {why}", text(&attempt["cl_ord_id"])));
    }
}

/// The intent of an order, which is named by it or by a client order id.
async fn intent_of(desk: &mut Desk, name: &str) -> Result<IntentId, Failure> {
    if name.len() == 32
        && let Ok(number) = u128::from_str_radix(name, 16)
    {
        return Ok(IntentId(number));
    }
    let all = desk.ask(Ask::Orders { all: true }).await?;
    let named = |order: &&Value| order["attempts"].as_array().into_iter().flatten().any(|a| a["cl_ord_id"] == name);
    let found = all.as_array().into_iter().flatten().find(named);
    let intent = found.and_then(|order| order["intent"].as_str()).and_then(|hex| u128::from_str_radix(hex, 16).ok());
    intent.map(IntentId).ok_or_else(|| Failure::Refused(format!("no order is called {name}; `orders` lists those that are open")))
}
