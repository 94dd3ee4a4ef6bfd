//! `reconcile`: where books and venue differ, why, and how it is settled. The node compares and settles; this asks and prints.

use crate::{
    args::Reconcile,
    desk::{Desk, at_the_desk_of},
    failure::Failure,
    logging, screen, select,
};
use node_config::control::Ask;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a comparison that was asked for may take.
const COMPARED_WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(crate) async fn run(args: &Reconcile) -> Result<(), Failure> {
    logging::quiet();
    let selected = select::select(&args.on)?;
    let instrument = match args.adopt.as_deref() {
        None | Some("") => None,
        Some(name) => Some(select::instrument(name)?),
    };
    at_the_desk_of(&selected, async |desk| {
        if args.adopt.is_some() {
            let done = desk.ask(Ask::Adopt { instrument }).await?;
            return settled(&done, args.on.json);
        }
        if !args.explain {
            desk.ask(Ask::Reconcile {}).await?;
        }
        let found = found(desk, args.explain).await?;
        explained(&found, args.on.json)
    })
    .await
}

/// What the last comparison left; after one was asked for, what that one leaves.
async fn found(desk: &mut Desk, last: bool) -> Result<Value, Failure> {
    let until = Instant::now() + COMPARED_WITHIN;
    loop {
        let found = desk.ask(Ask::Differences {}).await?;
        if found["compared"] == true && (last || found["comparing"] != true) {
            return Ok(found);
        }
        if last || Instant::now() >= until {
            let what = "books and venue have not been compared since the stream was opened; `status` says what is missing";
            return Err(Failure::NoAnswer(what.to_owned()));
        }
        sleep(LOOK_EVERY).await;
    }
}

fn explained(found: &Value, as_json: bool) -> Result<(), Failure> {
    let all = found["differences"].as_array().cloned().unwrap_or_default();
    if as_json {
        screen::json(&Value::Array(all.clone()));
    } else if all.is_empty() {
        screen::say("books and venue are equal, leg by leg");
    }
    for difference in all.iter().filter(|_| !as_json) {
        screen::say(difference["text"].as_str().unwrap_or_default());
    }
    if all.is_empty() { Ok(()) } else { Err(Failure::Told) }
}

fn settled(done: &Value, as_json: bool) -> Result<(), Failure> {
    let count = |key: &str| done[key].as_array().map_or(0, Vec::len);
    if as_json {
        screen::json(&json!({ "settled": done["settled"], "open": done["open"] }));
    } else if count("settled") == 0 {
        screen::say("books and venue do not differ: there is nothing to settle");
    }
    for difference in done["settled"].as_array().into_iter().flatten().filter(|_| !as_json) {
        let text = |key: &str| difference[key].as_str().unwrap_or_default().to_owned();
        let (instrument, leg) = (text("instrument"), text("leg"));
        screen::say(format!("{instrument} {leg}: the books said {}, and take the venue's {}", text("ours"), text("venue")));
    }
    match count("open") {
        0 => Ok(()),
        open => Err(Failure::Refused(format!("{open} differences still stand; `reconcile --explain` shows them"))),
    }
}
