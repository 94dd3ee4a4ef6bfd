//! One act of the demonstration: a node trades, is killed with a request on the wire, comes back and trades on to its end.

use crate::{
    failure::Failure,
    play::{
        child::{Child, Role, Setting, write_config},
        stage::{Exchange, Way},
        tally::Statuses,
    },
    screen,
};
use exec_core::{order::event::OrderEvent, record::Record, time::VenueTime};
use node_config::control::Ask;
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// So many orders are made before the node is killed.
const ORDERS_BEFORE: usize = 22;
/// So many orders must rest when it is killed.
const RESTING: usize = 3;
/// So long a bracket is waited for.
const BRACKET_PATIENCE: Duration = Duration::from_secs(8);
/// From a trigger to the trade that comes of it.
const TRIGGER_TAKES: Duration = Duration::from_millis(300);
/// How often the market is moved through a bracket, and how often that is told.
const MOVE_EVERY: Duration = Duration::from_millis(900);
const MOVES_TOLD: usize = 3;
/// The play is over when nothing was open and nothing new came for so long.
const QUIET: Duration = Duration::from_millis(700);
const TELL_EVERY: Duration = Duration::from_millis(1_500);
/// Far more than an act takes: a machine that builds beside it is slow.
const ACT_DEADLINE: Duration = Duration::from_secs(120);

/// What an act leaves behind.
pub(super) struct Played {
    /// The journal's directory.
    pub(super) journal: PathBuf,
    /// Trades that happened while the node was dead.
    pub(super) missed: usize,
    /// How many of them stood in the journal when the gate opened again.
    pub(super) found: usize,
    /// What the node said of itself just before it was killed, and just before its end.
    pub(super) last_words: [Value; 2],
}

/// Prints what happens, with the time since the act began.
struct Teller(Instant);

impl Teller {
    fn say(&self, text: impl AsRef<str>) {
        screen::say(format!("  {:>5} s  {}", screen::seconds(self.0.elapsed().as_millis()), text.as_ref()));
    }
}

pub(super) async fn play(exchange: &Exchange, folder: &Path, role: &Role<'_>, way: Way) -> Result<Played, Failure> {
    let teller = Teller(Instant::now());
    let setting = Setting { tag: "DEMO", strategy: "demo", sweep_interval_secs: 5, shared: None, lease: None };
    let config = write_config(folder, exchange, &setting, std::slice::from_ref(role))?;
    exchange.lose_some(role.owner);

    let mut node = Child::start(&config, &[])?;
    teller.say(format!("node started, process {}", node.id()));
    node.live(role.account).await?;
    teller.say("gate open: the exchange's books and ours agree");
    let before = kill_on_the_wire(exchange, role, way, &mut node, &teller).await?;
    let killed = node.id();
    node.kill()?;
    let resting = exchange.resting(role.owner)?.len();
    let where_is_it = match way {
        Way::There(_) => "a new order on its way to the exchange",
        Way::Back => "the answer to a new order on its way back",
    };
    let waiting = exchange.waiting(role.owner)?.len();
    teller.say(format!(
        "SIGKILL to process {killed}: {where_is_it}, {resting} orders resting, {waiting} of a bracket waiting for their trigger"
    ));
    if let Way::There(_) = way {
        // The order that was on the wire arrives now, and nobody of ours is there to see it.
        sleep(Duration::from_millis(600)).await;
    }
    let mut missed = exchange.sweep(role.owner)?;
    teller.say(format!("while it is dead the market moves through those orders: {missed} fills"));
    let trades = exchange.trades(role.owner)?;
    if let Some(told) = exchange.trigger_one(role.owner, 0)? {
        // The exchange takes its time from the trigger to the trade.
        sleep(TRIGGER_TAKES).await;
        let fills = exchange.trades(role.owner)? - trades;
        missed += fills;
        teller.say(format!("and {told}: {fills} more"));
    }

    let until = exchange.now();
    exchange.lose_some(role.owner);
    let mut node = Child::start(&config, &[])?;
    teller.say(format!("node started again, process {}", node.id()));
    let status = node.live(role.account).await?;
    let journal = folder.join("journal").join(role.account);
    let found = found_in(&journal, until)?;
    let report = &status["report"];
    let adopted = report["adopted"].as_u64().unwrap_or(0);
    teller.say(format!(
        "gate open: journal replayed, {found} missed fills found, {} orders open, {} in doubt, {adopted} foreign",
        report["open_orders"], report["in_doubt"]
    ));
    let after = watch(exchange, role, &mut node, &teller).await?;
    node.end().await?;
    teller.say("SIGTERM: open orders cancelled, journal closed, node ended");
    Ok(Played { journal, missed, found, last_words: [before, after] })
}

/// Lets the node trade, and returns when a new order of it is held up on the wire while others rest.
async fn kill_on_the_wire(
    exchange: &Exchange,
    role: &Role<'_>,
    way: Way,
    node: &mut Child,
    teller: &Teller,
) -> Result<Value, Failure> {
    let (begun, mut told) = (Instant::now(), Instant::now());
    let until = Instant::now() + ACT_DEADLINE;
    let mut held = None;
    let mut status = Value::Null;
    while Instant::now() < until {
        match held {
            None => {
                let statuses = statuses(node, role).await?;
                if told.elapsed() >= TELL_EVERY {
                    told = Instant::now();
                    teller.say(statuses.to_string());
                }
                // A bracket should be open, too; a market that has closed the last one is no reason to wait for ever.
                let guarded = !exchange.waiting(role.owner)?.is_empty() || begun.elapsed() > BRACKET_PATIENCE;
                if statuses.total() >= ORDERS_BEFORE && guarded && exchange.resting(role.owner)?.len() >= RESTING {
                    status = node.ask(role.account, Ask::Status {}).await?.unwrap_or_default();
                    held = Some(exchange.hold_next(role.owner, way));
                }
                sleep(Duration::from_millis(30)).await;
            }
            Some(fault) => {
                if exchange.has_hit(fault) {
                    if exchange.resting(role.owner)?.len() >= RESTING {
                        return Ok(status);
                    }
                    exchange.disarm(fault);
                    held = None;
                }
                sleep(Duration::from_millis(2)).await;
            }
        }
    }
    Err(Failure::Refused(format!("no moment to kill the node came within {} s", ACT_DEADLINE.as_secs())))
}

/// Lets the node trade until its play is over and nothing is open or in doubt.
async fn watch(exchange: &Exchange, role: &Role<'_>, node: &mut Child, teller: &Teller) -> Result<Value, Failure> {
    let (mut told, mut moved, mut moves) = (Instant::now(), Instant::now(), 0);
    let (mut busy, mut total) = (Instant::now(), 0);
    let until = Instant::now() + ACT_DEADLINE;
    while Instant::now() < until {
        let statuses = statuses(node, role).await?;
        if statuses.open() > 0 || statuses.total() != total {
            (busy, total) = (Instant::now(), statuses.total());
        }
        let over = total >= role.steps as usize && busy.elapsed() >= QUIET;
        if moved.elapsed() >= MOVE_EVERY {
            moved = Instant::now();
            if let Some(what) = exchange.trigger_one(role.owner, 1 + moves / 2)? {
                moves += 1;
                if moves <= MOVES_TOLD {
                    teller.say(what);
                }
            }
        }
        if over || told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            teller.say(statuses.to_string());
        }
        if over {
            return Ok(node.ask(role.account, Ask::Status {}).await?.unwrap_or_default());
        }
        sleep(Duration::from_millis(60)).await;
    }
    Err(Failure::Refused(format!("the play was not over within {} s", ACT_DEADLINE.as_secs())))
}

/// Counts the trades up to a time of the exchange that the newest life of a node has learned of. The node runs meanwhile.
fn found_in(journal: &Path, until: VenueTime) -> Result<usize, Failure> {
    let mut found = 0;
    node_config::visit_journal(journal, |_, record| {
        match record {
            Record::Started { .. } => found = 0,
            Record::Order { event: OrderEvent::Executed { fill, .. }, .. } if fill.at <= until => found += 1,
            _ => (),
        }
        Ok(())
    })?;
    Ok(found)
}

async fn statuses(node: &mut Child, role: &Role<'_>) -> Result<Statuses, Failure> {
    let orders = node.ask(role.account, Ask::Orders { all: true }).await?.unwrap_or_default();
    Ok(Statuses::of_json(&orders))
}
