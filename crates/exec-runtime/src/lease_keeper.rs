//! The lease of an account, as the shell keeps it: waits for it before the journal is read, carries the engine's questions to the
//! store, and gives it back at the end. What is asked and when stands in `exec_core::lease`.

use crate::{account_loop::AccountError, clock::Clock, node::Stop};
use exec_core::{
    engine::Engine,
    ids::{AccountId, Epoch, NodeId},
    lease::{Acquired, Answer, Ask, Lease, LeaseError, LeaseGuard, LeaseStore, LeaseTerms, Lost, Question, Standing},
    time::Timestamp,
};
use futures_util::future::BoxFuture;
use std::{
    future::Future,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{sleep_until, timeout},
};

/// How often a node that waits says for whom.
const SAYS_AGAIN_MS: u64 = 60_000;
/// How long a node that ends waits for each of two answers to who holds the account now.
const LOOK_WITHIN: Duration = Duration::from_millis(500);

/// What a node does about an account that another holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum WhenHeld {
    /// It waits until it is free, and takes it then.
    #[default]
    Wait,
    /// It ends, and says who holds it.
    Refuse,
}

/// What an account's lease is kept with.
#[derive(Clone)]
pub struct LeaseSettings {
    /// Where it stands.
    pub store: Arc<dyn LeaseStore>,
    /// Its figures, checked.
    pub terms: LeaseTerms,
    /// This start of this node, as others see it.
    pub owner: NodeId,
    /// What the adapter asks when it signs.
    pub guard: Arc<LeaseGuard>,
    /// If another holds the account.
    pub when_held: WhenHeld,
}

/// The way to the store: one question at a time.
pub(crate) struct LeaseKeeper {
    settings: LeaseSettings,
    open: Option<BoxFuture<'static, Answer>>,
}

impl LeaseKeeper {
    pub(crate) const fn new(settings: LeaseSettings) -> Self {
        Self { settings, open: None }
    }

    /// A node that has not asked yet. An epoch is never below the minutes since 2025-01-01: those of a store and of a journal that
    /// are both lost are below it.
    pub(crate) fn candidate(&self, clock: Clock) -> Lease {
        Lease::new(self.settings.terms, self.settings.owner.clone(), Epoch::floor(clock.now()))
    }

    /// Asks the store.
    pub(crate) fn ask(&mut self, question: Question) {
        self.open = Some(Box::pin(asked(Arc::clone(&self.settings.store), question, self.deadline())));
    }

    /// Waits for its answer. May be dropped and called again.
    pub(crate) async fn next(&mut self) -> Answer {
        let Some(open) = &mut self.open else { return std::future::pending().await };
        let answer = open.await;
        self.open = None;
        answer
    }

    /// Tells the signer what the engine's lease covers now.
    pub(crate) fn tell(&self, engine: &Engine, now: Timestamp) {
        self.settings.guard.set(engine.windows_end_before(now));
    }

    /// How many requests the signer was not allowed to sign.
    pub(crate) fn unsigned(&self) -> u64 {
        self.settings.guard.refused()
    }

    /// Who holds the account now, in words.
    pub(crate) async fn look(&mut self) -> String {
        let deadline = self.deadline().min(LOOK_WITHIN);
        let mut found = within(deadline, self.settings.store.look()).await;
        if found.is_err() {
            // Its connection may be one that ended while this process stood still: the next question opens another.
            found = within(deadline, self.settings.store.look()).await;
        }
        match found {
            Ok(Some(holder)) => holder.to_string(),
            Ok(None) => "nobody".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    fn deadline(&self) -> Duration {
        Duration::from_millis(self.settings.terms.renew_every_ms())
    }

    /// Waits until this node has the lease, and says who has it meanwhile. `None` when the node is told to end.
    pub(crate) async fn acquire(
        &mut self,
        account: &AccountId,
        clock: Clock,
        stop: &mut watch::Receiver<Stop>,
    ) -> Result<Option<Lease>, AccountError> {
        let mut lease = self.candidate(clock);
        let mut said: Option<(NodeId, Timestamp)> = None;
        loop {
            match lease.standing() {
                Standing::Held { epoch, .. } => {
                    tracing::info!(%account, owner = %lease.owner(), %epoch, "the account's lease is granted");
                    return Ok(Some(lease));
                }
                Standing::Lost(lost) => return Err(AccountError::Fenced(lost.clone())),
                Standing::Waiting(Some(holder)) if self.settings.when_held == WhenHeld::Refuse => {
                    return Err(AccountError::Held(holder.clone()));
                }
                Standing::Waiting(Some(holder)) => {
                    let now = clock.now();
                    if said.as_ref().is_none_or(|(by, at)| *by != holder.by || now.ms_since(*at) >= SAYS_AGAIN_MS) {
                        tracing::warn!(%account, %holder, "waits: another node holds the account");
                        said = Some((holder.by.clone(), now));
                    }
                }
                Standing::Waiting(None) => {
                    if let Some(trouble) = lease.trouble() {
                        tracing::warn!(%account, trouble, "waits: the lease store gives no answer");
                    }
                }
            }
            if !self.step(&mut lease, clock, None, stop).await {
                return Ok(None);
            }
        }
    }

    /// Keeps the lease while something holds this thread up: a journal that is restored and replayed may take longer than a lease lasts.
    pub(crate) fn meanwhile<T>(&self, lease: Option<&mut Lease>, clock: Clock, work: impl FnOnce() -> T) -> T {
        let Some(lease) = lease else { return work() };
        let (working, over) = channel::<()>();
        let (store, deadline) = (Arc::clone(&self.settings.store), self.deadline());
        thread::scope(|scope| {
            let renews = move || renew_until(&over, lease, clock, &store, deadline);
            if let Err(error) = thread::Builder::new().name("lease".to_owned()).spawn_scoped(scope, renews) {
                tracing::warn!(%error, "no thread to renew the lease on while the journal is read");
            }
            let done = work();
            drop(working);
            done
        })
    }

    /// Keeps the lease until this node may send under it: when nothing of the one before can take effect any more. `above` is the
    /// highest epoch in the journal that was read under it. `None` when the node is told to end.
    pub(crate) async fn settle(
        &mut self,
        mut lease: Lease,
        above: Epoch,
        clock: Clock,
        stop: &mut watch::Receiver<Stop>,
    ) -> Result<Option<Lease>, AccountError> {
        if lease.epoch().is_some_and(|epoch| epoch <= above) {
            lease.raise(above);
        }
        let mut said = false;
        loop {
            lease.pass(clock.now());
            let from = match lease.standing() {
                Standing::Held { .. } if lease.is_ready(clock.now()) => return Ok(Some(lease)),
                Standing::Held { from, .. } => *from,
                // What was read may have been written to since.
                Standing::Waiting(_) => return Err(AccountError::Fenced(Lost::Lapsed("before it could be used".into()))),
                Standing::Lost(lost) => return Err(AccountError::Fenced(lost.clone())),
            };
            if !std::mem::replace(&mut said, true) {
                let wait_ms = from.ms_since(clock.now());
                tracing::info!(wait_ms, "waits until nothing of the node before it can take effect");
            }
            if !self.step(&mut lease, clock, Some(from), stop).await {
                let _ended = timeout(self.deadline(), give_back(&self.settings.store, &lease)).await;
                return Ok(None);
            }
        }
    }

    /// Asks what is due, or waits for it. `false` when the node is told to end.
    async fn step(&mut self, lease: &mut Lease, clock: Clock, from: Option<Timestamp>, stop: &mut watch::Receiver<Stop>) -> bool {
        let question = lease.ask(clock.now());
        let next = [lease.next(), from].into_iter().flatten().min().unwrap_or_else(|| clock.now());
        let (store, deadline) = (Arc::clone(&self.settings.store), self.deadline());
        let work = async {
            match question {
                Some(question) => Some(asked(store, question, deadline).await),
                None => {
                    sleep_until(clock.instant(next)).await;
                    None
                }
            }
        };
        tokio::select! {
            biased;
            Ok(_) = stop.wait_for(|stop| *stop != Stop::Run) => return false,
            answer = work => {
                if let Some(answer) = answer {
                    lease.answered(clock.now(), answer);
                }
            }
        }
        true
    }

    /// Gives the account back: what was signed is over when the lease is. A higher epoch that was seen at the venue is left with the
    /// store, so that the next start is above it.
    pub(crate) async fn give_back(self, lease: Lease) {
        self.settings.guard.set(None);
        match timeout(self.deadline(), give_back(&self.settings.store, &lease)).await {
            Ok(Ok(())) => (),
            Ok(Err(error)) => tracing::warn!(%error, "the lease is not given back; it ends by itself"),
            Err(_) => tracing::warn!("the lease is not given back in time; it ends by itself"),
        }
    }
}

/// Renews a lease until the other end of `over` is dropped.
fn renew_until(over: &Receiver<()>, lease: &mut Lease, clock: Clock, store: &Arc<dyn LeaseStore>, deadline: Duration) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else { return };
    while let Some(next) = lease.next() {
        let wait = Duration::from_nanos(next.0.saturating_sub(clock.now().0));
        if !matches!(over.recv_timeout(wait), Err(RecvTimeoutError::Timeout)) {
            return;
        }
        if let Some(question) = lease.ask(clock.now()) {
            let answer = runtime.block_on(asked(Arc::clone(store), question, deadline));
            lease.answered(clock.now(), answer);
        }
    }
}

async fn give_back(store: &Arc<dyn LeaseStore>, lease: &Lease) -> Result<(), LeaseError> {
    let own = |epoch| Ask { owner: lease.owner().clone(), epoch, ttl_ms: lease.terms().linger_ms() };
    match lease.standing() {
        Standing::Held { epoch, .. } => store.release(own(*epoch)).await,
        Standing::Lost(Lost::Seen(seen)) => match store.acquire(own(*seen)).await? {
            Acquired::Granted { epoch, .. } => store.release(own(epoch)).await,
            Acquired::Held(_) => Ok(()),
        },
        Standing::Waiting(_) | Standing::Lost(_) => Ok(()),
    }
}

async fn asked(store: Arc<dyn LeaseStore>, question: Question, deadline: Duration) -> Answer {
    match question {
        Question::Acquire(ask) => Answer::Acquired(within(deadline, store.acquire(ask)).await),
        Question::Renew(ask) => Answer::Renewed(within(deadline, store.renew(ask)).await),
    }
}

async fn within<T>(deadline: Duration, call: impl Future<Output = Result<T, LeaseError>>) -> Result<T, LeaseError> {
    match timeout(deadline, call).await {
        Ok(result) => result,
        Err(_) => Err(LeaseError::Unavailable(format!("no answer within {} ms", deadline.as_millis()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use exec_core::lease::{Holder, Predecessor, Renewed};

    struct Willing;

    #[async_trait]
    impl LeaseStore for Willing {
        async fn acquire(&self, _: Ask) -> Result<Acquired, LeaseError> {
            Ok(Acquired::Granted { epoch: Epoch(900_000), predecessor: Predecessor::Ended { ago_ms: 60_000 } })
        }
        async fn renew(&self, _: Ask) -> Result<Renewed, LeaseError> {
            Ok(Renewed::Renewed)
        }
        async fn release(&self, _: Ask) -> Result<(), LeaseError> {
            Ok(())
        }
        async fn look(&self) -> Result<Option<Holder>, LeaseError> {
            Ok(None)
        }
    }

    #[test]
    fn a_lease_outlives_a_replay_that_takes_longer_than_it_lasts() {
        let settings = LeaseSettings {
            store: Arc::new(Willing),
            terms: LeaseTerms { ttl_ms: 400, recv_window_ms: 10, clock_error_ms: 10, engine_margin_ms: 10 },
            owner: NodeId::new("machine/1/1").unwrap(),
            guard: Arc::default(),
            when_held: WhenHeld::Wait,
        };
        let (keeper, clock) = (LeaseKeeper::new(settings.clone()), Clock::start());
        let mut lease = Lease::new(settings.terms, settings.owner, Epoch(0));
        assert!(lease.ask(clock.now()).is_some());
        let granted = Acquired::Granted { epoch: Epoch(900_000), predecessor: Predecessor::Ended { ago_ms: 60_000 } };
        lease.answered(clock.now(), Answer::Acquired(Ok(granted)));
        // Longer than the lease: only that time passes can end it.
        keeper.meanwhile(Some(&mut lease), clock, || thread::sleep(Duration::from_millis(900)));
        lease.pass(clock.now());
        assert!(lease.is_ready(clock.now()), "{:?}", lease.standing());
    }
}
