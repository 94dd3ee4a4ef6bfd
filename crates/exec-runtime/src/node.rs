//! A node: several accounts that run side by side on one thread, from the start to a clean end.

use crate::{
    account::Account,
    account_loop::{AccountError, AccountLoop, Shared},
    clock::Clock,
    control::ControlHandle,
    exit::{AccountExit, ExitSummary},
    observe::{AccountHandle, AccountStatus, Board},
};
use exec_core::{
    conversation::Phase,
    ids::{AccountId, StrategyId},
};
use std::{
    collections::BTreeSet,
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
};
use tokio::{sync::watch, task::JoinSet};

/// A node that cannot be built. All of it is found before anything runs.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BuildError {
    /// There is nothing to run. Add an account.
    #[error("node has no account")]
    NoAccount,
    /// Two engines would own one account. Give one of them away.
    #[error("account {0} is given twice")]
    AccountTwice(AccountId),
    /// One name, two strategies. Rename one, also in the config.
    #[error("account {account} hosts strategy {strategy} twice")]
    StrategyTwice {
        /// Where.
        account: AccountId,
        /// Which.
        strategy: StrategyId,
    },
    /// The engine does not know which instruments it may trade. Add it to the engine's config.
    #[error("account {account} hosts strategy {strategy}, which its engine's config does not name")]
    StrategyUnknown {
        /// Where.
        account: AccountId,
        /// Which.
        strategy: StrategyId,
    },
    /// The venue does not keep positions like that. Choose one of its modes.
    #[error("account {account}: venue {venue} has no {mode:?}")]
    Mode {
        /// Where.
        account: AccountId,
        /// The venue.
        venue: &'static str,
        /// Asked for.
        mode: exec_core::units::PositionMode,
    },
}

/// A run that did not end as it should.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// An account could not start, or had to stop; the others were brought to their end.
    #[error("account {account}: {error}")]
    Account {
        /// Which.
        account: AccountId,
        /// Why.
        error: AccountError,
        /// How the others ended.
        others: ExitSummary,
    },
    /// The loop of an account ended by a panic. Only in builds that unwind.
    #[error("the loop of an account panicked")]
    Panicked,
}

/// Collects the accounts of a node.
#[derive(Default)]
pub struct NodeBuilder {
    accounts: Vec<Account>,
}

impl NodeBuilder {
    /// Adds an account.
    #[must_use]
    pub fn account(mut self, account: Account) -> Self {
        self.accounts.push(account);
        self
    }

    /// Checks that everything fits together.
    ///
    /// # Errors
    /// [`BuildError`]: the first thing that does not.
    pub fn build(self) -> Result<Node, BuildError> {
        if self.accounts.is_empty() {
            return Err(BuildError::NoAccount);
        }
        let mut seen = BTreeSet::new();
        for account in &self.accounts {
            check(account, &mut seen)?;
        }
        let mut seats = Vec::with_capacity(self.accounts.len());
        for account in self.accounts {
            let status = watch::Sender::new(AccountStatus { phase: Phase::Replaying, report: None });
            let board = Arc::new(Board::new(account.runtime.alerts_max));
            let (control_handle, control) = ControlHandle::channel();
            let handle = AccountHandle {
                account: account.id().clone(),
                status: status.subscribe(),
                board: Arc::clone(&board),
                control: control_handle.clone(),
            };
            seats.push(Seat { account, shared: Shared { status, board, control, control_handle }, handle });
        }
        Ok(Node { seats, hurry: Box::pin(std::future::pending()) })
    }
}

fn check(account: &Account, seen: &mut BTreeSet<AccountId>) -> Result<(), BuildError> {
    let id = account.id();
    if !seen.insert(id.clone()) {
        return Err(BuildError::AccountTwice(id.clone()));
    }
    if let Some(strategy) = account.strategies_twice.first() {
        return Err(BuildError::StrategyTwice { account: id.clone(), strategy: strategy.clone() });
    }
    let known = |strategy: &StrategyId| account.config.strategies.iter().any(|s| s.id == *strategy);
    if let Some(strategy) = account.strategies.keys().find(|s| !known(s)) {
        return Err(BuildError::StrategyUnknown { account: id.clone(), strategy: strategy.clone() });
    }
    let (profile, mode) = (account.venue.profile(), account.config.mode);
    if !profile.modes.contains(&mode) {
        return Err(BuildError::Mode { account: id.clone(), venue: profile.name, mode });
    }
    Ok(())
}

/// How far an end was asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stop {
    /// Not at all.
    Run,
    /// Settle what is open, then end.
    Drain,
    /// End now.
    AtOnce,
}

impl Stop {
    fn drain(&mut self) -> bool {
        let runs = *self == Self::Run;
        if runs {
            *self = Self::Drain;
        }
        runs
    }
}

struct Seat {
    account: Account,
    shared: Shared,
    handle: AccountHandle,
}

/// A node that is ready to run.
///
/// It runs on a current-thread tokio runtime, so that the order path has one thread and no lock; the journal's thread is
/// the journal's own. Dropping the future of [`Node::run`] is a crash as far as the node is concerned: nothing is flushed,
/// and the next start settles what was open.
///
/// ```no_run
/// use exec_core::{engine::config::EngineConfig, ids::StrategyId, journal::Journal, venue::ExecutionVenue};
/// use exec_core::{ids::InstrumentId, strategy::{Context, Strategy}, units::{PositionSide, Qty, Side}};
/// use exec_runtime::{Account, Node, signals};
/// use std::sync::Arc;
///
/// /// Buys ten clips, half a minute apart.
/// struct Twap { instrument: InstrumentId, clip: Qty, left: u32 }
///
/// impl Strategy for Twap {
///     fn on_start(&mut self, ctx: &mut Context<'_>) {
///         self.on_timer(ctx, 0);
///     }
///     fn on_timer(&mut self, ctx: &mut Context<'_>, _tag: u64) {
///         if self.left > 0 {
///             self.left -= 1;
///             ctx.market(&self.instrument, Side::Buy, PositionSide::Net, self.clip);
///             ctx.set_timer(0, 30_000);
///         }
///     }
/// }
///
/// # fn parts() -> (EngineConfig, Arc<dyn ExecutionVenue>, Box<dyn Journal>) { unreachable!() }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (config, venue, journal) = parts();
/// let twap = Twap { instrument: InstrumentId::new("BTCUSDT-PERP.BINANCE")?, clip: "0.001".parse()?, left: 10 };
/// let account = Account::new(config, venue, journal).strategy(StrategyId::new("twap")?, Box::new(twap));
/// let summary = Node::builder().account(account).build()?.run(signals()?).await?;
/// print!("{summary}");
/// # Ok(())
/// # }
/// ```
pub struct Node {
    seats: Vec<Seat>,
    hurry: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Node {
    /// Begins a node.
    pub fn builder() -> NodeBuilder {
        NodeBuilder::default()
    }

    /// The way to watch the node and to speak to it, from before its start until after its end.
    pub fn handle(&self) -> NodeHandle {
        NodeHandle { accounts: self.seats.iter().map(|s| s.handle.clone()).collect() }
    }

    /// What ends a node that is coming to its end at once: nothing is waited for but the journal, and the next start settles
    /// what was open. Before `shutdown` has come it means nothing.
    #[must_use]
    pub fn hurried_by(mut self, hurry: impl Future + Send + 'static) -> Self {
        self.hurry = Box::pin(async move {
            hurry.await;
        });
        self
    }

    /// Runs every account until `shutdown` comes, then brings each to a clean end: no new risk, open requests awaited, the
    /// journal flushed. One account that fails brings the others to their end.
    ///
    /// # Errors
    /// [`NodeError`]: an account could not start, or its loop died. What was open is settled by the next start.
    pub async fn run(self, shutdown: impl Future) -> Result<ExitSummary, NodeError> {
        let stop = watch::Sender::new(Stop::Run);
        let mut hurry = self.hurry;
        let mut order = Vec::with_capacity(self.seats.len());
        let mut running = JoinSet::new();
        for Seat { account, shared, .. } in self.seats {
            let (id, mut stop) = (account.id().clone(), stop.subscribe());
            order.push(id.clone());
            let clock = account.clock.unwrap_or_else(Clock::start);
            running.spawn(async move {
                let ended = match AccountLoop::start(account, clock, shared, &mut stop).await {
                    Ok(Some(running)) => running.run(stop).await,
                    Ok(None) => Ok(AccountExit::before_it_began(id.clone())),
                    Err(error) => Err(error),
                };
                (id, ended)
            });
        }
        let (mut ended, mut failed, mut panicked) = (Vec::<AccountExit>::new(), None, false);
        let mut shutdown = pin!(shutdown);
        loop {
            let now = *stop.borrow();
            let joined = tokio::select! {
                biased;
                _ = &mut shutdown, if now == Stop::Run => {
                    stop.send_replace(Stop::Drain);
                    continue;
                }
                () = &mut hurry, if now == Stop::Drain => {
                    tracing::warn!("asked to end twice: ends at once");
                    stop.send_replace(Stop::AtOnce);
                    continue;
                }
                joined = running.join_next() => joined,
            };
            match joined {
                None => break,
                Some(Ok((_, Ok(exit)))) => {
                    tracing::info!(clean = exit.is_clean(), "{exit}");
                    ended.push(exit);
                }
                Some(Ok((account, Err(error)))) => {
                    tracing::error!(%account, %error, "account has stopped");
                    failed.get_or_insert((account, error));
                    stop.send_if_modified(Stop::drain);
                }
                Some(Err(_)) => {
                    panicked = true;
                    stop.send_if_modified(Stop::drain);
                }
            }
        }
        ended.sort_by_key(|exit| order.iter().position(|id| *id == exit.account));
        let summary = ExitSummary { accounts: ended };
        match failed {
            Some((account, error)) => Err(NodeError::Account { account, error, others: summary }),
            None if panicked => Err(NodeError::Panicked),
            None => Ok(summary),
        }
    }
}

/// Watches a node. Cheap to clone.
#[derive(Clone)]
pub struct NodeHandle {
    accounts: Vec<AccountHandle>,
}

impl NodeHandle {
    /// Every account, in the order in which they were given.
    pub fn accounts(&self) -> &[AccountHandle] {
        &self.accounts
    }
    /// One account.
    pub fn account(&self, id: &AccountId) -> Option<&AccountHandle> {
        self.accounts.iter().find(|a| a.account == *id)
    }
}
