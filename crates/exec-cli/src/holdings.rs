//! `orders` and `positions`: what the venue has, joined with what the running node knows of it. They change nothing.

use crate::{
    args,
    desk::ask_running,
    failure::Failure,
    logging,
    read::{patient, reach},
    screen,
    select::{self, Selected},
};
use exec_core::report::{MassStatus, OrderReport, PositionReport, VenueStatus};
use node_config::control::{Ask, OrderRow, position_id};
use serde_json::{Value, json};

/// What the venue has and what the node knows, or why the venue did not say.
struct Both {
    venue: Result<MassStatus, Failure>,
    node: Option<Value>,
    selected: Selected,
}

async fn both(args: &args::Ask, ask: Ask) -> Result<Both, Failure> {
    logging::quiet();
    let selected = select::select(&args.on)?;
    let instruments = selected.instruments(args.instrument.as_deref())?;
    let node = match ask_running(&selected, ask).await {
        Ok(node) => node,
        Err(error) => {
            screen::complain(&format!("the running node: {}", error.text().unwrap_or_default()));
            None
        }
    };
    let venue = async {
        let venue = reach(&selected).await?;
        patient(venue.parts.execution.mass_status(&instruments)).await
    };
    let mut venue = venue.await;
    if let (Ok(status), Some(_)) = (&mut venue, &args.instrument) {
        status.open_orders.retain(|o| instruments.contains(&o.instrument));
        status.positions.retain(|p| instruments.contains(&p.instrument));
    }
    let node = node.map(|mut rows| {
        if let (Some(only), Value::Array(rows)) = (&args.instrument, &mut rows) {
            rows.retain(|row| row["instrument"] == *only.as_str());
        }
        rows
    });
    if venue.is_err() && node.is_some() {
        screen::complain("the venue did not say what it has; what follows is what the running node's books say");
    }
    Ok(Both { venue, node, selected })
}

pub(crate) async fn orders(args: &args::Ask) -> Result<(), Failure> {
    let Both { venue, node, selected } = both(args, Ask::Orders { all: false }).await?;
    let mut known: Vec<Value> = node.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
    let (reports, failure) = match venue {
        Ok(status) => (status.open_orders, None),
        Err(error) if node.is_some() => (Vec::new(), Some(error)),
        Err(error) => return Err(error),
    };
    let mut rows: Vec<Value> = reports.iter().map(|report| joined(report, &mut known, selected.position_ids())).collect();
    // What the node knows and the venue did not show: on its way, of unknown fate, or just ended.
    rows.extend(known);
    if args.on.json {
        screen::json(&Value::Array(rows));
    } else {
        show_orders(&rows);
    }
    failure.map_or(Ok(()), Err)
}

/// The row of an order that the venue reports, with what the node knows of the same order, which is taken out of `known`.
fn joined(report: &OrderReport, known: &mut Vec<Value>, position_ids: bool) -> Value {
    let mut row = json!(OrderRow::of_report(report, position_ids));
    let attempt_of = |order: &Value| {
        let attempts = order["attempts"].as_array().into_iter().flatten();
        attempts.into_iter().any(|a| report.cl_ord_id.is_some_and(|id| a["cl_ord_id"] == id.to_string()))
    };
    let node = known.iter().position(attempt_of).map(|at| known.remove(at));
    let Value::Object(fields) = &mut row else { return row };
    for (name, value) in node.as_ref().and_then(Value::as_object).into_iter().flatten() {
        // The venue's own figures stand; what it does not tell is the node's.
        let unknown = fields.get(name).is_none_or(Value::is_null);
        if unknown {
            fields.insert(name.clone(), value.clone());
        }
    }
    fields.insert("venue_status".to_owned(), json!(word(report.status)));
    fields.insert("cl_ord_id".to_owned(), json!(report.cl_ord_id));
    fields.insert("order_id".to_owned(), json!(report.order_id));
    fields.insert("algo_id".to_owned(), json!(report.algo_id));
    row
}

fn show_orders(rows: &[Value]) {
    let heads = [
        "instrument",
        "book",
        "side",
        "leg",
        "type",
        "qty",
        "filled",
        "price",
        "trigger",
        "tif",
        "rules",
        "status",
        "owner",
        "list",
        "client order id",
    ];
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let id = if row["cl_ord_id"].is_null() { &row["attempts"][0]["cl_ord_id"] } else { &row["cl_ord_id"] };
            let owner = match (&row["made_by"], &row["owner"]) {
                (Value::String(made), _) => format!("exchange:{made}"),
                // The machine's word for who it was stands in the journal; a table has room for the name.
                (_, owner) => plain(owner).split(" (").next().unwrap_or_default().to_owned(),
            };
            let qty = if row["intention"] == "CLOSE_ALL" { "all".to_owned() } else { plain(&row["qty"]) };
            let mut status = if row["venue_status"].is_null() {
                format!("{} (node only)", plain(&row["status"]))
            } else {
                plain(&row["venue_status"])
            };
            for doubt in row["doubts"].as_array().into_iter().flatten() {
                status.push_str(if doubt["what"] == "change" { ", change in doubt" } else { ", in doubt" });
            }
            vec![
                plain(&row["instrument"]),
                plain(&row["book"]),
                plain(&row["side"]),
                plain(&row["leg"]),
                plain(&row["type"]),
                qty,
                plain(&row["cum_qty"]),
                limit(row),
                trigger(row),
                plain(&row["tif"]),
                rules(row),
                status,
                owner,
                list(row),
                plain(id),
            ]
        })
        .collect();
    screen::sparse_table(&heads, &cells, "no open orders");
}

/// The prices of an order in words, with a blank in front: ` at 100, trigger 95 by MARK`.
pub(crate) fn prices(row: &Value) -> String {
    let mut out = String::new();
    if limit(row) != NONE {
        out.push_str(&format!(" at {}", limit(row)));
    }
    if trigger(row) != NONE {
        out.push_str(&format!(" trigger {}", trigger(row)));
    }
    out
}

const NONE: &str = "-";

fn plain(value: &Value) -> String {
    match value {
        Value::Null => NONE.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn limit(row: &Value) -> String {
    if row["price"].is_null() { plain(&row["price_match"]) } else { plain(&row["price"]) }
}

/// Where it wakes up, or how far a trailing stop follows and from where on.
fn trigger(row: &Value) -> String {
    let by = if row["trigger_by"] == "MARK" { " by mark" } else { "" };
    match (&row["callback_percent"], &row["activation"], &row["trigger"]) {
        (Value::String(percent), Value::String(from), _) => format!("{percent} % behind from {from}{by}"),
        (Value::String(percent), _, _) => format!("{percent} % behind{by}"),
        (_, _, Value::String(price)) => format!("{price}{by}"),
        _ => NONE.to_owned(),
    }
}

fn rules(row: &Value) -> String {
    let mut all = Vec::new();
    match row["intention"].as_str() {
        Some("REDUCE") => all.push("reduce".to_owned()),
        Some("CLOSE_ALL") => all.push("close-all".to_owned()),
        _ => (),
    }
    if row["price_protect"] == true {
        all.push("price-protect".to_owned());
    }
    if let Some(stp) = row["stp"].as_str() {
        all.push(stp.to_lowercase().replace('_', "-"));
    }
    if all.is_empty() { NONE.to_owned() } else { all.join(" ") }
}

fn list(row: &Value) -> String {
    match (row["role"].as_str(), row["list"].as_str()) {
        (Some(role), Some(list)) => format!("{} {list}", role.replace('_', "-")),
        _ => NONE.to_owned(),
    }
}

pub(crate) async fn positions(args: &args::Ask) -> Result<(), Failure> {
    let Both { venue, node, selected } = both(args, Ask::Positions {}).await?;
    let known: Vec<Value> = node.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
    let (rows, failure) = match venue {
        Ok(status) => {
            let open = status.positions.iter().filter(|p| !p.qty.is_zero());
            (open.map(|p| leg_row(p, &known, selected.position_ids())).collect(), None)
        }
        Err(error) if node.is_some() => (known.into_iter().filter(|row| !is_zero(&row["qty"])).collect(), Some(error)),
        Err(error) => return Err(error),
    };
    if args.on.json {
        screen::json(&Value::Array(rows));
    } else {
        show_positions(&rows);
    }
    failure.map_or(Ok(()), Err)
}

fn is_zero(qty: &Value) -> bool {
    qty.as_str().is_none_or(|text| !text.contains(|c: char| ('1'..='9').contains(&c)))
}

/// The row of a leg that the venue reports, with what the node knows of it.
fn leg_row(report: &PositionReport, known: &[Value], position_ids: bool) -> Value {
    let leg = leg(report.leg);
    let price = |p: Option<exec_core::units::Price>| p.map(|p| p.get().normalize().to_string());
    let node = known.iter().find(|row| row["instrument"] == report.instrument.as_str() && row["leg"] == leg);
    let of_node = |field: &str| node.map_or(Value::Null, |row| row[field].clone());
    let mut row = json!({
        "instrument": report.instrument,
        "leg": leg,
        "qty": report.qty,
        "entry_px": price(report.entry_px),
        "mark_px": price(report.mark_px),
        "liquidation_px": price(report.liquidation_px),
        "unrealized": report.unrealized,
        "leverage": report.leverage,
        "isolated": report.isolated,
        "node_qty": of_node("qty"),
        "realized": of_node("realized"),
        "fees": of_node("fees"),
        "shares": of_node("shares"),
        "baseline": of_node("baseline"),
        "claims": of_node("claims"),
        "adjusted": of_node("adjusted"),
        "adjustments": of_node("adjustments"),
        "protection": of_node("protection"),
    });
    if let (true, Value::Object(fields)) = (position_ids, &mut row) {
        fields.insert("position_id".to_owned(), json!(position_id(&report.instrument, report.leg)));
    }
    row
}

fn show_positions(rows: &[Value]) {
    let heads = [
        "instrument",
        "leg",
        "qty",
        "entry",
        "mark",
        "liquidation",
        "unrealised",
        "leverage",
        "adjusted",
        "covered",
        "uncovered",
        "unprotected for",
    ];
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let protection = &row["protection"];
            let covered = if protection.is_null() {
                NONE.to_owned()
            } else {
                let stops = if protection["stops"] == 1 { "1 stop".to_owned() } else { format!("{} stops", protection["stops"]) };
                format!("{} of {} by {stops}", plain(&protection["covered"]), plain(&protection["held"]))
            };
            let uncovered = if protection["uncovered"] == "0" { NONE.to_owned() } else { plain(&protection["uncovered"]) };
            let since = protection["unprotected_ms"].as_u64();
            vec![
                plain(&row["instrument"]),
                plain(&row["leg"]),
                plain(&row["qty"]),
                plain(&row["entry_px"]),
                plain(&row["mark_px"]),
                plain(&row["liquidation_px"]),
                plain(&row["unrealized"]),
                row["leverage"].as_u64().map_or_else(|| NONE.to_owned(), |l| format!("{l}x")),
                if is_zero(&row["adjusted"]) { NONE.to_owned() } else { plain(&row["adjusted"]) },
                covered,
                uncovered,
                since.map_or_else(|| NONE.to_owned(), |ms| format!("{} s", screen::seconds(u128::from(ms)))),
            ]
        })
        .collect();
    screen::sparse_table(&heads, &cells, "no positions");
}

const fn leg(leg: exec_core::units::PositionSide) -> &'static str {
    use exec_core::units::PositionSide;
    match leg {
        PositionSide::Net => "NET",
        PositionSide::Long => "LONG",
        PositionSide::Short => "SHORT",
    }
}

const fn word(status: VenueStatus) -> &'static str {
    match status {
        VenueStatus::New => "NEW",
        VenueStatus::PartiallyFilled => "PARTIALLY_FILLED",
        VenueStatus::Filled => "FILLED",
        VenueStatus::Canceled => "CANCELED",
        VenueStatus::Expired(_) => "EXPIRED",
        VenueStatus::Rejected => "REJECTED",
        VenueStatus::Triggering => "TRIGGERING",
        VenueStatus::Triggered => "TRIGGERED",
        VenueStatus::Finished => "FINISHED",
        VenueStatus::Unrecognised => "unknown word",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_is_told_with_what_it_watches() {
        assert_eq!(trigger(&json!({"trigger": "95", "trigger_by": "MARK"})), "95 by mark");
        assert_eq!(trigger(&json!({"callback_percent": "1", "activation": "120", "trigger_by": "LAST"})), "1 % behind from 120");
        assert_eq!(prices(&json!({"price": "94", "trigger": "95"})), " at 94 trigger 95");
        assert_eq!(prices(&json!({"price_match": "QUEUE"})), " at QUEUE");
        assert_eq!(
            rules(&json!({"intention": "CLOSE_ALL", "stp": "EXPIRE_BOTH", "price_protect": true})),
            "close-all price-protect expire-both"
        );
    }
}
