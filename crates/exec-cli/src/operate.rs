//! The verbs that change something, and `status`: through the control socket of the running node; without one, through the same
//! engine in this process, under the journal's lock. There is no third way to the venue.

use crate::{
    args::{Cancel, CancelAll, LegWord, On, Patience, SideWord, Submit, TifWord},
    failure::Failure,
    logging, screen,
    select::{self, Selected},
};
use exec_core::ids::{InstrumentId, IntentId};
use node_config::{
    AccountHandle, CONTROL_SOCKET, Prices,
    control::{Ask, Client, ClientError, Reply, SubmitOrder},
    journal_directory,
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout},
};

/// How long a node made for one verb may take to reconcile.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// How often an order is looked at while its outcome is awaited.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Whoever answers: a running node, or the engine in this process.
enum Desk {
    Socket(Client),
    Here(AccountHandle, Prices),
}

impl Desk {
    /// Waits for a price, which a node that has just begun does not have. Without one the order is denied, and says so.
    async fn price_of(&mut self, instrument: &InstrumentId) {
        if let Self::Here(_, prices) = self {
            let _ = timeout(PRICE_DEADLINE, prices.of(instrument)).await;
        }
    }

    async fn ask(&mut self, ask: Ask) -> Result<Value, Failure> {
        match self {
            Self::Socket(client) => Ok(client.ask(&who(), ask).await?),
            Self::Here(handle, _) => match handle.control().ask(&who(), ask).await {
                Ok(Reply::Ok(value)) => Ok(value),
                Ok(Reply::Err(text)) => Err(Failure::Refused(text)),
                Err(error) => Err(Failure::NoAnswer(error.to_string())),
            },
        }
    }
}

/// How long an order may wait for a price to be valued with.
const PRICE_DEADLINE: Duration = Duration::from_secs(5);

/// Who asks, for the journal.
fn who() -> String {
    let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()).filter(|name| !name.trim().is_empty());
    format!("{} with exec-node", user.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw())))
}

/// Finds whoever answers for the account, and lets `work` ask it.
async fn at_the_desk(on: &On, work: impl AsyncFnOnce(&mut Desk) -> Result<(), Failure>) -> Result<(), Failure> {
    logging::quiet();
    let selected = select::select(on)?;
    let socket = journal_directory(&selected.config, &selected.account).join(CONTROL_SOCKET);
    match Client::connect(&socket).await {
        Ok(client) => work(&mut Desk::Socket(client)).await,
        Err(ClientError::NotRunning(_)) => alone(&selected, work).await,
        Err(error) => Err(error.into()),
    }
}

/// Makes a node of this account without its strategies, lets `work` ask it once it has reconciled, and brings it to its end.
async fn alone(selected: &Selected, work: impl AsyncFnOnce(&mut Desk) -> Result<(), Failure>) -> Result<(), Failure> {
    screen::complain("no node runs: taking the journal's lock and asking the venue");
    let (node, prices) = selected.factory.build_for_operator(&selected.config, &selected.account)?;
    let Some(handle) = node.handle().account(&selected.account).cloned() else {
        return Err(Failure::Refused("the node has no such account".to_owned()));
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let worked = async {
        let started = timeout(START_DEADLINE, handle.live()).await;
        // An exit passes a shut gate; what does not is denied with the reason.
        if started.is_err() {
            let report = handle.status().report.map_or_else(|| "no report yet".to_owned(), |r| r.to_string());
            screen::complain(&format!("the gate is still shut after {} s:\n{}", START_DEADLINE.as_secs(), report.trim_end()));
        }
        let mut desk = Desk::Here(handle.clone(), prices);
        let result = work(&mut desk).await;
        // The node ends when the sender is gone as well.
        let _ = stop.send(());
        result
    };
    let (ran, worked) = tokio::join!(node.run(stopped), worked);
    match ran {
        Ok(summary) if !summary.is_clean() => {
            screen::complain(summary.to_string().trim_end());
            worked
        }
        Ok(_) => worked,
        // The verb could not be done because the node could not: its reason is the better one.
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn status(args: &On) -> Result<(), Failure> {
    let as_json = args.json;
    at_the_desk(args, async |desk| {
        let status = desk.ask(Ask::Status {}).await?;
        if as_json {
            screen::json(&status)
        } else {
            show_status(&status)
        }
        Ok(())
    })
    .await
}

fn show_status(status: &Value) {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let report = &status["report"];
    let gate = if status["gate_open"] == true { "open" } else { "shut" };
    screen::say(format!(
        "account {}: {}, gate {gate}, epoch {}, {} open orders, {} in doubt",
        text(&status["account"]),
        text(&status["phase"]),
        report["epoch"],
        report["open_orders"],
        report["in_doubt"]
    ));
    for reason in report["shut"].as_array().into_iter().flatten() {
        screen::say(format!("  shut: {}", words(reason)));
    }
    for line in report["positions"].as_array().into_iter().flatten() {
        let venue = if line["venue"].is_null() { "?".to_owned() } else { text(&line["venue"]) };
        screen::say(format!(
            "  {} {}: ours {}, venue {venue}",
            text(&line["instrument"]),
            text(&line["leg"]),
            text(&line["ours"])
        ));
    }
    for latch in status["latches"].as_array().into_iter().flatten() {
        screen::say(format!("  latched: {}: {}", text(&latch["cause"]), text(&latch["text"])));
    }
    let journal = &status["journal"];
    screen::say(format!("  journal at record {}, durable to {}", journal["last"], journal["durable"]));
    for (name, what) in [("command_to_wire", "call to wire"), ("ack", "wire to answer")] {
        let figures = &status["latencies"][name];
        if figures["count"].as_u64().unwrap_or(0) > 0 {
            let us = |field: &str| figures[field].as_u64().unwrap_or(0) / 1000;
            screen::say(format!(
                "  {what}: median {} µs, p99 {} µs, longest {} µs ({} times)",
                us("p50_ns"),
                us("p99_ns"),
                us("max_ns"),
                figures["count"]
            ));
        }
    }
    for alert in status["alerts"].as_array().into_iter().flatten() {
        screen::say(format!("  alert {}: {}", text(&alert["level"]), text(&alert["text"])));
    }
}

/// A reason's name, `NotReconciled`, as words; what it says besides stays as it is.
fn words(reason: &Value) -> String {
    let spaced = |name: &str| {
        let mut out = String::new();
        for c in name.chars() {
            if c.is_uppercase() && !out.is_empty() {
                out.push(' ');
            }
            out.extend(c.to_lowercase());
        }
        out
    };
    match reason {
        Value::String(name) => spaced(name),
        Value::Object(fields) => {
            fields.iter().map(|(name, more)| format!("{} {more}", spaced(name))).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

pub(crate) async fn submit(args: &Submit) -> Result<(), Failure> {
    let instrument = select::instrument(&args.instrument)?;
    let order = SubmitOrder {
        instrument: args.instrument.clone(),
        side: match args.side {
            SideWord::Buy => "BUY",
            SideWord::Sell => "SELL",
        }
        .to_owned(),
        kind: if args.price.is_some() { "LIMIT" } else { "MARKET" }.to_owned(),
        qty: Some(args.qty.clone()),
        price: args.price.clone(),
        tif: args.tif.map(|tif| {
            match tif {
                TifWord::Gtc => "GTC",
                TifWord::Ioc => "IOC",
                TifWord::Fok => "FOK",
                TifWord::Gtx => "GTX",
            }
            .to_owned()
        }),
        leg: args.leg.map(|leg| {
            match leg {
                LegWord::Long => "LONG",
                LegWord::Short => "SHORT",
            }
            .to_owned()
        }),
        intention: args.reduce.then(|| "REDUCE".to_owned()),
        intent: args.intent.clone(),
        ..SubmitOrder::default()
    };
    at_the_desk(&args.on, async |desk| {
        desk.price_of(&instrument).await;
        let asked = desk.ask(Ask::Submit(order)).await?;
        let order = settled(desk, &asked, &args.patience, |order| !is_pending(order)).await?;
        show_order(&order, args.on.json);
        let refused = ["Denied", "Rejected", "NotSent", "Presumed"];
        if refused.iter().any(|status| order["status"] == *status) {
            return Err(Failure::Told);
        }
        if is_pending(&order) { Err(Failure::NoAnswer(unsettled(&order))) } else { Ok(()) }
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
        "{} {} {} {} of {} {} {}",
        text(&order["intent"]),
        text(&order["status"]),
        text(&order["cum_qty"]),
        if order["avg_px"].is_null() { "filled".to_owned() } else { format!("filled at {}", text(&order["avg_px"])) },
        text(&order["qty"]),
        text(&order["side"]).to_uppercase(),
        text(&order["instrument"])
    ));
    if !order["denial"].is_null() {
        screen::say(format!("  denied: {}", text(&order["denial"])));
    }
    for attempt in order["attempts"].as_array().into_iter().flatten() {
        let rejection = &attempt["rejection"];
        let why = match (rejection.is_null(), attempt["not_sent"].is_null()) {
            (false, _) => format!("refused: {} (code {})", text(&rejection["text"]), rejection["code"]),
            (_, false) => format!("not sent: {}", words(&attempt["not_sent"])),
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
