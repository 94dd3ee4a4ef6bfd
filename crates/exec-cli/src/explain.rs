//! `explain`: one order's story, from its journal, with what a running node knows besides. It changes nothing.

use crate::{
    args::{Explain, On},
    desk::ask_running,
    failure::Failure,
    holdings, logging, screen, select, status,
};
use exec_core::{
    books::Books,
    cl_ord_id::Tag,
    explain::{Search, Step, Story, find},
    ids::{AccountId, IntentId},
    order::{Order, list::OrderList},
    time::utc,
};
use node_config::{
    control::{Ask, order_facts},
    journal_directory,
};
use serde_json::{Value, json};
use std::path::Path;

pub(crate) async fn run(args: &Explain) -> Result<(), Failure> {
    logging::quiet();
    match (&args.journal, &args.config) {
        (Some(directory), _) => {
            let account = node_config::journal_account(directory)?;
            let account =
                account.ok_or_else(|| Failure::Refused(format!("the journal at {} holds nothing yet", directory.display())))?;
            offline(args, directory, &account)
        }
        (None, Some(config)) => {
            let on = On { config: config.clone(), account: args.account.clone(), json: args.json };
            let selected = select::select(&on)?;
            let directory = journal_directory(&selected.config, &selected.account);
            match ask_running(&selected, Ask::Explain { order: args.order.clone() }).await {
                Ok(Some(told)) => online(args, &directory, &selected.account, &told),
                Ok(None) => offline(args, &directory, &selected.account),
                // The node knows none of this name; its records may reach further back than its books.
                Err(Failure::Refused(text)) => match in_records(&directory, &args.order) {
                    Ok(Some(order)) => {
                        let (steps, whole) = story(&directory, Story::of(&order))?;
                        tell(args, &order_facts(&order, true), &Value::Null, &steps, whole, true);
                        Ok(())
                    }
                    Ok(None) | Err(_) => Err(Failure::Refused(text)),
                },
                Err(error) => Err(error),
            }
        }
        (None, None) => Err(Failure::Usage("name a config file or a journal directory".to_owned())),
    }
}

/// The running node has told what it knows; its journal tells how it came to know it.
fn online(args: &Explain, directory: &Path, account: &AccountId, told: &Value) -> Result<(), Failure> {
    let intent = told["order"]["intent"].as_str().and_then(|hex| u128::from_str_radix(hex, 16).ok()).map(IntentId);
    let story = books(directory, account).and_then(|books| {
        let order = intent.and_then(|intent| books.order(intent));
        order.map_or_else(|| Ok((Vec::new(), true)), |order| story(directory, Story::of(order)))
    });
    let (steps, whole) = match story {
        Ok(story) => story,
        Err(error) => {
            screen::complain(&format!("how it came to that cannot be told: {}", error.text().unwrap_or_default()));
            (Vec::new(), true)
        }
    };
    tell(args, &told["order"], &told["list"], &steps, whole, true);
    Ok(())
}

fn offline(args: &Explain, directory: &Path, account: &AccountId) -> Result<(), Failure> {
    let books = books(directory, account)?;
    let order = match find(&books, &args.order).map(|intent| books.order(intent).cloned()) {
        Ok(Some(order)) => order,
        Ok(None) => return Err(Failure::Refused(format!("no order is called {}", args.order))),
        Err(error) => in_records(directory, &args.order)?.ok_or_else(|| Failure::Refused(error.to_string()))?,
    };
    let (steps, whole) = story(directory, Story::of(&order))?;
    let list = order.intent().list.map(|place| {
        let found = OrderList::find(&books, place.list);
        let orders = found.iter().flat_map(OrderList::orders).map(|(_, o)| order_facts(o, true));
        json!({ "list": place.list.to_string(), "orders": orders.collect::<Vec<_>>() })
    });
    tell(args, &order_facts(&order, true), &list.unwrap_or_default(), &steps, whole, false);
    Ok(())
}

/// An order that has ended long ago and left the books.
fn in_records(directory: &Path, name: &str) -> Result<Option<Order>, Failure> {
    let mut search = Search::new(name);
    node_config::visit_journal(directory, |_, record| {
        search.look(&record);
        Ok(())
    })?;
    if search.found().is_some() {
        node_config::visit_journal(directory, |_, record| {
            search.rebuild(&record);
            Ok(())
        })?;
    }
    Ok(search.into_order())
}

fn books(directory: &Path, account: &AccountId) -> Result<Books, Failure> {
    // Whether client ids are ours does not matter for adding up; any tag does.
    let tag = Tag::new("X").map_err(|error| Failure::Refused(error.to_string()))?;
    Ok(node_config::replay_books(directory, account, tag)?)
}

fn story(directory: &Path, mut story: Story) -> Result<(Vec<Step>, bool), Failure> {
    node_config::visit_journal(directory, |seq, record| {
        story.read(seq, &record);
        Ok(())
    })?;
    Ok(story.end())
}

fn tell(args: &Explain, order: &Value, list: &Value, steps: &[Step], whole: bool, running: bool) {
    if args.json {
        let utc = |step: &Step| {
            let mut row = json!(step);
            if let Value::Object(fields) = &mut row {
                fields.insert("utc".to_owned(), json!(utc(step.at.as_ms())));
            }
            row
        };
        let steps: Vec<Value> = steps.iter().map(utc).collect();
        screen::json(&json!({ "order": order, "steps": steps, "whole": whole, "list": list, "node_runs": running }));
        return;
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    screen::say(format!(
        "order {}: {} {} {} {}{}: {}, {} executed{}",
        text(&order["intent"]),
        text(&order["side"]),
        if order["qty"].is_null() { "all".to_owned() } else { text(&order["qty"]) },
        text(&order["instrument"]),
        text(&order["type"]),
        holdings::prices(order),
        text(&order["status"]),
        text(&order["cum_qty"]),
        if order["avg_px"].is_null() { String::new() } else { format!(" at {}", text(&order["avg_px"])) },
    ));
    screen::say(format!("  of {}, {}", text(&order["owner"]), text(&order["provenance"])));
    if !whole {
        screen::say("  its first facts lie behind a snapshot of the books: what follows is the rest of its story");
    }
    for step in steps {
        let by = step.by.as_ref().map_or_else(String::new, |by| format!(" [{by}]"));
        screen::say(format!("  {} {:>8}  {:8} {}{by}", utc(step.at.as_ms()), step.seq, step.source, step.what));
        if let Some(raw) = &step.raw {
            screen::say(format!("  {:43} as it came: {raw}", ""));
        }
    }
    for doubt in order["doubts"].as_array().into_iter().flatten() {
        screen::say(format!("  {}", status::doubt_words(doubt)));
    }
    for other in list["orders"].as_array().into_iter().flatten().filter(|o| o["intent"] != order["intent"]) {
        let role = text(&other["role"]).replace('_', "-");
        screen::say(format!(
            "  in list {} with {role} {}: {}, {} executed",
            text(&list["list"]),
            text(&other["intent"]),
            text(&other["status"]),
            text(&other["cum_qty"])
        ));
    }
}
