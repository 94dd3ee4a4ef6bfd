//! Whoever answers for an account: the running node over its control socket; without one, the same engine in this process, under the
//! journal's lock. There is no third way to the venue.

use crate::{
    args::On,
    failure::Failure,
    logging, screen,
    select::{self, Selected},
};
use exec_core::{
    conversation::Phase,
    ids::InstrumentId,
    start_report::{EndsBy, StartReport},
};
use node_config::{
    AccountHandle, CONTROL_SOCKET, FactoryError, Node, Prices,
    control::{Ask, Client, ClientError, Reply},
    journal_directory,
};
use serde_json::Value;
use std::{path::PathBuf, time::Duration};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout},
};

/// How long a node made for one verb may take to reconcile.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// How long a journal that another process holds is waited for.
const HELD_PATIENCE: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Whoever answers: a running node, or the engine in this process.
pub(crate) enum Desk {
    Socket(Client),
    Here(AccountHandle, Prices),
}

impl Desk {
    /// Waits for a price, which a node that has just begun does not have. Without one the order is denied, and says so.
    pub(crate) async fn price_of(&mut self, instrument: &InstrumentId) {
        if let Self::Here(_, prices) = self {
            let _ = timeout(PRICE_DEADLINE, prices.of(instrument)).await;
        }
    }

    pub(crate) async fn ask(&mut self, ask: Ask) -> Result<Value, Failure> {
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
pub(crate) async fn at_the_desk(on: &On, work: impl AsyncFnOnce(&mut Desk) -> Result<(), Failure>) -> Result<(), Failure> {
    logging::quiet();
    at_the_desk_of(&select::select(on)?, work).await
}

/// The same for an account that is selected already.
pub(crate) async fn at_the_desk_of(
    selected: &Selected,
    work: impl AsyncFnOnce(&mut Desk) -> Result<(), Failure>,
) -> Result<(), Failure> {
    at_the_desk_within(selected, START_DEADLINE, work).await
}

/// The same without waiting for a comparison with the venue: for what waits for nothing.
pub(crate) async fn at_the_desk_at_once(
    selected: &Selected,
    work: impl AsyncFnOnce(&mut Desk) -> Result<(), Failure>,
) -> Result<(), Failure> {
    at_the_desk_within(selected, Duration::ZERO, work).await
}

async fn at_the_desk_within(
    selected: &Selected,
    patience: Duration,
    work: impl AsyncFnOnce(&mut Desk) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let until = Instant::now() + HELD_PATIENCE;
    loop {
        match Client::connect(&socket(selected)).await {
            Ok(client) => return work(&mut Desk::Socket(client)).await,
            Err(ClientError::NotRunning(_)) => (),
            Err(error) => return Err(error.into()),
        }
        match selected.factory.build_for_operator(&selected.config, &selected.account) {
            Ok((node, prices)) => return alone(selected, node, prices, patience, work).await,
            // Another verb has it for a moment, or a node that has just begun and does not answer yet.
            Err(FactoryError::Locked { .. }) if Instant::now() < until => sleep(LOOK_EVERY).await,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Asks the running node, and nobody else: for what only a node that stays can keep.
pub(crate) async fn at_the_running_desk(
    selected: &Selected,
    what: &str,
    work: impl AsyncFnOnce(&mut Desk) -> Result<(), Failure>,
) -> Result<(), Failure> {
    match Client::connect(&socket(selected)).await {
        Ok(client) => work(&mut Desk::Socket(client)).await,
        Err(ClientError::NotRunning(_)) => {
            let config = "start one with `exec-node run`";
            Err(Failure::Refused(format!("no node runs, and {what} is kept by the node after this command has ended: {config}")))
        }
        Err(error) => Err(error.into()),
    }
}

/// Asks the running node; nothing if none runs.
pub(crate) async fn ask_running(selected: &Selected, ask: Ask) -> Result<Option<Value>, Failure> {
    match Client::connect(&socket(selected)).await {
        Ok(mut client) => Ok(Some(client.ask(&who(), ask).await?)),
        Err(ClientError::NotRunning(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn socket(selected: &Selected) -> PathBuf {
    journal_directory(&selected.config, &selected.account).join(CONTROL_SOCKET)
}

/// Waits until a node takes new risk, or would if a person let it: nothing that is waited for changes that.
async fn ready(handle: &AccountHandle) {
    let for_person =
        |report: &StartReport| !report.shut.is_empty() && report.shut.iter().all(|why| why.ends_by() == EndsBy::Person);
    loop {
        let status = handle.status();
        if matches!(status.phase, Phase::Live | Phase::Halted) || status.report.as_ref().is_some_and(for_person) {
            return;
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Runs a node of this account without its strategies, lets `work` ask it once it has reconciled, and brings it to its end.
async fn alone(
    selected: &Selected,
    node: Node,
    prices: Prices,
    patience: Duration,
    work: impl AsyncFnOnce(&mut Desk) -> Result<(), Failure>,
) -> Result<(), Failure> {
    screen::complain("no node runs: taking the journal's lock and asking the venue");
    let Some(handle) = node.handle().account(&selected.account).cloned() else {
        return Err(Failure::Refused("the node has no such account".to_owned()));
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let worked = async {
        let started = timeout(patience, ready(&handle)).await;
        // An exit passes a shut gate; what does not is denied with the reason.
        if started.is_err() && !patience.is_zero() {
            let report = handle.status().report.map_or_else(|| "no report yet".to_owned(), |r| r.to_string());
            screen::complain(&format!("the gate is still shut after {} s:\n{}", patience.as_secs(), report.trim_end()));
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
