//! `kill`: throws the kill switch of one account or of all, and waits until it has done what it says. It decides nothing itself.

use crate::{
    args::{Kill, Level, On},
    desk::{Desk, ask_running, at_the_desk_at_once, at_the_running_desk},
    failure::Failure,
    logging, screen,
    select::{self, Selected},
};
use exec_core::{ids::StrategyId, kill::KillLevel};
use node_config::control::Ask;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often it is looked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(200);

pub(crate) async fn run(args: &Kill) -> Result<(), Failure> {
    logging::quiet();
    let ask = ask_of(args)?;
    let until = Instant::now() + Duration::from_secs(args.wait);
    let mut told = Told { failures: Vec::new(), rows: Vec::new(), as_json: args.json };
    // Every node that runs hears it before anything is waited for.
    let (mut running, mut idle) = (Vec::new(), Vec::new());
    for selected in accounts(args)? {
        match ask_running(&selected, ask.clone()).await {
            Ok(Some(_)) => running.push(selected),
            Ok(None) => idle.push(selected),
            Err(failure) => told.failed(&selected, failure),
        }
    }
    for selected in &idle {
        let done = at_the_desk_at_once(selected, async |desk| {
            desk.ask(ask.clone()).await?;
            told.done(selected, settled(desk, args, until).await?)
        });
        if let Err(failure) = done.await {
            told.failed(selected, failure);
        }
    }
    for selected in &running {
        let done =
            at_the_running_desk(selected, "the kill switch", async |desk| told.done(selected, settled(desk, args, until).await?));
        if let Err(failure) = done.await {
            told.failed(selected, failure);
        }
    }
    told.end()
}

fn ask_of(args: &Kill) -> Result<Ask, Failure> {
    let instrument = args.instrument.as_deref().map(select::instrument).transpose()?;
    let strategy = args.strategy.as_deref().map(StrategyId::new).transpose();
    let strategy = strategy.map_err(|error| Failure::Usage(error.to_string()))?;
    Ok(Ask::Kill { level: level(args.level), instrument, strategy })
}

const fn level(level: Level) -> KillLevel {
    match level {
        Level::Reduce => KillLevel::Reduce,
        Level::Halt => KillLevel::Halt,
        Level::Flatten => KillLevel::Flatten,
    }
}

/// The accounts that are meant: the one that is named, or all.
fn accounts(args: &Kill) -> Result<Vec<Selected>, Failure> {
    let on = |name: Option<String>| On { config: args.config.clone(), account: name, json: args.json };
    if args.account.is_some() {
        return Ok(vec![select::select(&on(args.account.clone()))?]);
    }
    let (_, config) = select::load(&args.config)?;
    config.accounts.keys().map(|id| select::select(&on(Some(id.as_str().to_owned())))).collect()
}

/// Waits until nothing of what was asked for is left to be done. Returns what the switch says then, and whether it is done.
async fn settled(desk: &mut Desk, args: &Kill, until: Instant) -> Result<(Vec<Value>, bool), Failure> {
    loop {
        let status = desk.ask(Ask::Status {}).await?;
        let kills: Vec<Value> = status["kills"].as_array().into_iter().flatten().filter(|k| is_meant(k, args)).cloned().collect();
        let left = |kill: &Value| kill["level"] == "flatten" || kill["entries_open"] != 0;
        let done = !kills.is_empty() && !kills.iter().any(left);
        if done || Instant::now() >= until {
            return Ok((kills, done));
        }
        sleep(LOOK_EVERY).await;
    }
}

fn is_meant(kill: &Value, args: &Kill) -> bool {
    let scope = &kill["scope"];
    match (&args.instrument, &args.strategy) {
        (Some(instrument), _) => scope["instrument"] == *instrument,
        (None, Some(strategy)) => scope["strategy"] == *strategy,
        (None, None) => scope == "account",
    }
}

/// What is open by the books. A flattening ends by what the venue says, and without a stream the books may be behind it.
fn left(kill: &Value) -> String {
    let left = format!("{} entries and {} legs are open by the books", kill["entries_open"], kill["legs_open"]);
    let flat = kill["level"] == "halt" && kill["text"].as_str().is_some_and(|text| text.contains(" is flat: "));
    if flat && kill["legs_open"] != 0 { left + ", which follow the venue at the next comparison" } else { left }
}

/// What is said of each account.
struct Told {
    failures: Vec<Failure>,
    rows: Vec<Value>,
    as_json: bool,
}

impl Told {
    fn done(&mut self, selected: &Selected, (kills, done): (Vec<Value>, bool)) -> Result<(), Failure> {
        for kill in &kills {
            let text = kill["text"].as_str().unwrap_or_default();
            if !self.as_json {
                screen::say(format!("{}: {text}; {}", selected.account, left(kill)));
            }
        }
        self.rows.push(json!({ "account": selected.account, "kills": kills, "done": done }));
        if done {
            return Ok(());
        }
        let goes_on = "it holds, and goes on as long as a node runs; `status` and `positions` show how far it is";
        Err(Failure::NoAnswer(format!("not done in time: {goes_on}")))
    }

    fn failed(&mut self, selected: &Selected, failure: Failure) {
        let text = failure.text().unwrap_or_default();
        screen::complain(&format!("{}: {text}", selected.account));
        self.failures.push(failure);
    }

    /// The worst of all answers is the answer.
    fn end(self) -> Result<(), Failure> {
        if self.as_json {
            screen::json(&Value::Array(self.rows));
        }
        match self.failures.into_iter().next() {
            None => Ok(()),
            Some(Failure::NoAnswer(_)) => Err(Failure::NoAnswer(String::from("not every account has done it"))),
            Some(Failure::Held(text)) => Err(Failure::Held(text)),
            Some(Failure::Usage(text)) => Err(Failure::Usage(text)),
            Some(_) => Err(Failure::Refused(String::from("not every account has done it"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_that_are_behind_a_flat_account_are_told_as_that() {
        let kill =
            |level: &str, text: &str, legs: u32| json!({ "level": level, "text": text, "entries_open": 0, "legs_open": legs });
        let flat = "the account is flat: 1 legs were read empty twice; halted until released";
        assert!(left(&kill("halt", flat, 1)).contains("follow the venue"));
        assert!(!left(&kill("halt", flat, 0)).contains("follow the venue"));
        assert!(!left(&kill("flatten", "flatten of the account by x", 1)).contains("follow the venue"));
        assert!(!left(&kill("halt", "halt of the account by x", 1)).contains("follow the venue"));
    }
}
