//! The loop of one account: takes one input after the other, and does what the engine says, in the order in which it says it.
//!
//! A turn is: the engine handles an input; its records go to the journal as one group; then its other effects are done in
//! order; every request has its first poll, so that its bytes leave before anything else happens; then strategies are called,
//! one at a time, and what each returns is handled before any other input. Nothing in a turn waits.

mod ending;
mod turn;

use crate::{
    account::Account,
    arrival::{Arrival, Arrivals},
    boundary::boundary,
    clock::Clock,
    connect::Connection,
    control::{self, ControlCall, ControlHandle},
    exit::{AccountExit, ExitReason},
    hosted::Hosted,
    journal_keeper::{JournalKeeper, JournalNotice, ReadBack},
    lease_keeper::LeaseKeeper,
    link::Wishes,
    node::Stop,
    observe::{AccountStatus, Board},
    prices::PriceBoard,
    setup::StartError,
    timers::Timers,
    venue_calls::{Done, VenueCalls},
};
use exec_core::{
    books::BooksError,
    conversation::{Alert, AlertLevel, Effect, Input},
    engine::Engine,
    ids::{AccountId, Seq},
    journal::{Journal, JournalError},
    lease::{Answer as LeaseAnswer, Holder, Lost},
    record::Record,
    report::ReportBody,
    time::Timestamp,
};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, mpsc, watch},
    task::{JoinError, JoinSet},
    time::{Instant, sleep_until},
};

/// Calls of strategies after one input before the next one is looked at. What waits longer is called when nothing else is ready.
const CALLS_PER_INPUT: usize = 64;

/// A callback that takes longer than this is told.
const SLOW_CALLBACK: Duration = Duration::from_millis(100);

/// Why an account's run ended early, or never began.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The journal cannot be read. Do not start on it.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal does not fit the books.
    #[error("journal cannot be replayed: {0}")]
    Replay(#[from] BooksError),
    /// The account is not as the config says.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The control socket cannot be opened.
    #[error("control socket: {0}")]
    Control(#[from] control::SocketError),
    /// Another node holds the account, and the config says not to wait for it.
    #[error("another node holds the account: {0}")]
    Held(Holder),
    /// The lease of the account is lost. Nothing is sent any more; another start takes part again.
    #[error("the account's lease is lost: {0}")]
    Fenced(Lost),
}

/// What a loop shares with those who watch it.
pub(crate) struct Shared {
    pub(crate) status: watch::Sender<AccountStatus>,
    pub(crate) board: Arc<Board>,
    pub(crate) control: mpsc::Receiver<ControlCall>,
    pub(crate) control_handle: ControlHandle,
}

/// Something to handle.
enum Event {
    Stop,
    StopAtOnce,
    Input(Input),
    Done(Done),
    Lease(LeaseAnswer),
    Control(ControlCall),
    Arrival(Arrival),
    Strategies,
    TaskEnded(Result<(), JoinError>),
    TradesOverdue,
    DrainOver,
}

/// Figures of a run, for the operator.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub(crate) struct Counters {
    pub(crate) inputs: u64,
    pub(crate) records: u64,
    pub(crate) requests: u64,
    pub(crate) queries: u64,
    pub(crate) reports: u64,
    pub(crate) prices: u64,
    pub(crate) sessions: u32,
}

/// One account that runs.
pub(crate) struct AccountLoop {
    pub(crate) account: AccountId,
    pub(crate) engine: Engine,
    pub(crate) clock: Clock,
    pub(crate) journal: JournalKeeper,
    pub(crate) calls: VenueCalls,
    pub(crate) hosted: Hosted,
    pub(crate) timers: Timers,
    pub(crate) counters: Counters,
    pub(crate) shared: Shared,
    /// Orders that operators asked for in this run without naming them.
    pub(crate) intents_made: u64,
    /// Whether what is shown of orders and positions carries a position id.
    pub(crate) position_ids: bool,
    /// Why the newest change of a strategy's order was not sent: an operator may have asked for it.
    pub(crate) change_denied: Option<String>,
    runtime: crate::config::RuntimeConfig,
    arrivals: mpsc::Receiver<Arrival>,
    prices: PriceBoard,
    wishes: watch::Sender<Wishes>,
    clock_asked: Arc<Notify>,
    settings_stale: Arc<Notify>,
    has_venue_clock: bool,
    /// Inputs that come before anything else: what the shell itself learned while it did the effects of another.
    urgent: VecDeque<Input>,
    effects: Vec<Effect>,
    group: Vec<(Seq, Record)>,
    /// When the new orders that are about to leave were asked for.
    leaving: Vec<Timestamp>,
    drain_until: Option<Instant>,
    /// Whether the venue was told that the end is on purpose.
    disarmed: bool,
    /// Until when an end waits for what is still to be told of trades.
    trades_until: Option<Instant>,
    lease: Option<LeaseKeeper>,
    /// Why the lease is lost, once it is.
    fenced: Option<Lost>,
    /// Ends with the loop: the tasks that bring it things.
    tasks: JoinSet<()>,
}

impl AccountLoop {
    /// Waits for the lease, if there is one; replays the journal, begins, and sets the connection going. `None` if it was told to end
    /// while it waited.
    pub(crate) async fn start(
        account: Account,
        clock: Clock,
        shared: Shared,
        stop: &mut watch::Receiver<Stop>,
    ) -> Result<Option<Self>, AccountError> {
        let Account {
            config,
            venue,
            mut journal,
            prices,
            setup,
            venue_clock,
            dead_mans_switch,
            strategies,
            control_socket,
            runtime,
            lease,
            ..
        } = account;
        let (mode, instruments, id) = (config.mode, config.instruments(), config.account.clone());
        let mut keeper = lease.map(LeaseKeeper::new);
        // Before the journal is read: nobody else writes to it from here on.
        let mut granted = match &mut keeper {
            Some(keeper) => match keeper.acquire(&id, clock, stop).await? {
                Some(lease) => Some(lease),
                None => return Ok(None),
            },
            None => None,
        };
        let mut engine = Engine::new(config, venue.profile().clone());
        let begun = Instant::now();
        let read = match &keeper {
            Some(keeper) => keeper.meanwhile(granted.as_mut(), clock, || replay(&mut engine, &mut *journal))?,
            None => replay(&mut engine, &mut *journal)?,
        };
        tracing::info!(
            account = %id,
            records = read.last.0,
            snapshot = read.snapshot.0,
            orders = engine.books().orders().count(),
            open_orders = engine.books().open_count(),
            took = ?begun.elapsed(),
            "journal is replayed"
        );
        if let (Some(keeper), Some(lease)) = (&mut keeper, granted) {
            match keeper.settle(lease, engine.books().epoch(), clock, stop).await? {
                Some(lease) => engine.hold(lease),
                None => return Ok(None),
            }
        }
        let books = engine.books();
        let ordered = books.open_orders().map(|o| &o.intent().terms.instrument);
        let in_books = books.positions().map(|(instrument, ..)| instrument).chain(ordered).cloned().collect();
        let mut tasks = JoinSet::new();
        if let Some(path) = control_socket {
            let server = control::Server::open(&path, shared.control_handle.clone())?;
            tasks.spawn(server.run());
        }
        let (sender, arrivals) = Arrivals::channel();
        let (wishes, wishes_seen) = watch::channel(Wishes::default());
        let (board, clock_asked, settings_stale) = (PriceBoard::default(), Arc::new(Notify::new()), Arc::new(Notify::new()));
        let mut this = Self {
            account: id,
            engine,
            clock,
            journal: JournalKeeper::new(journal, read, runtime.snapshot_every),
            calls: VenueCalls::new(Arc::clone(&venue), &runtime).with_switch(dead_mans_switch),
            hosted: Hosted::new(strategies),
            timers: Timers::new(clock),
            counters: Counters::default(),
            shared,
            intents_made: 0,
            position_ids: runtime.position_ids,
            change_denied: None,
            runtime: runtime.clone(),
            arrivals,
            prices: board.clone(),
            wishes,
            clock_asked: Arc::clone(&clock_asked),
            settings_stale: Arc::clone(&settings_stale),
            has_venue_clock: venue_clock.is_some(),
            urgent: VecDeque::new(),
            effects: Vec::new(),
            group: Vec::new(),
            leaving: Vec::new(),
            drain_until: None,
            disarmed: false,
            trades_until: None,
            lease: keeper,
            fenced: None,
            tasks: JoinSet::new(),
        };
        this.take(Input::Begin).await;
        let connection = Connection {
            venue,
            clock: venue_clock,
            prices,
            setup,
            mode,
            instruments,
            in_books,
            seed: runtime.jitter_seed.unwrap_or(clock.now().0),
            config: runtime,
            arrivals: sender,
            board,
            wishes: wishes_seen,
            clock_asked,
            settings_stale,
        };
        tasks.spawn(connection.run());
        this.tasks = tasks;
        Ok(Some(this))
    }

    /// Runs until it is told to stop and what is open is settled, or the deadline for that has come.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<Stop>) -> Result<AccountExit, AccountError> {
        let reason = loop {
            if let Some(lost) = self.fenced.take() {
                self.say_who_holds_it(&lost).await;
                self.flush_fenced().await;
                self.give_back_lease().await;
                self.publish_end();
                return Err(AccountError::Fenced(lost));
            }
            if self.drain_until.is_some() && self.is_settled() {
                if self.disarmed || self.engine.config().dead_man.instruments.is_empty() {
                    break ExitReason::Clean;
                }
                // What is open now is left on purpose. Before this it was not, and death would have to take it.
                self.disarmed = true;
                self.take(Input::Disarm).await;
                continue;
            }
            match self.next_event(&mut stop).await {
                Event::Stop => self.drain().await,
                Event::StopAtOnce => break ExitReason::Hurried,
                Event::TradesOverdue => self.trades_until = None,
                Event::DrainOver => break ExitReason::Deadline,
                Event::Input(input) => self.take(input).await,
                Event::Done(done) => self.take_done(done).await,
                Event::Lease(answer) => self.take(Input::LeaseAnswered(answer)).await,
                Event::Control(call) => control::answer(&mut self, call).await,
                Event::Strategies => self.call_strategies().await,
                // In a build that unwinds, a dead supervisor must not look like a quiet venue.
                Event::TaskEnded(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Event::TaskEnded(_) => (),
                Event::Arrival(Arrival::Input(input)) => self.take(input).await,
                Event::Arrival(Arrival::Alert(alert)) => self.raise(alert),
                Event::Arrival(Arrival::Fatal(error)) => {
                    self.flush().await;
                    self.publish_end();
                    return Err(error.into());
                }
            }
        };
        self.flush().await;
        if self.journal.is_behind() {
            // The next start has nothing to read.
            self.snapshot();
        }
        self.give_back_lease().await;
        self.publish_end();
        Ok(self.summary(reason))
    }

    /// Waits for the next thing to do. The order is that of urgency: the disk's word lets orders leave, outcomes end doubt,
    /// the operator comes before the market.
    async fn next_event(&mut self, stop: &mut watch::Receiver<Stop>) -> Event {
        let Self { journal, calls, shared, timers, arrivals, prices, hosted, drain_until, trades_until, tasks, lease, .. } = self;
        let draining = drain_until.is_some();
        let (over, overdue) = (reached(*drain_until), reached(*trades_until));
        tokio::select! {
            biased;
            Ok(stop) = stop.wait_for(|stop| *stop == Stop::AtOnce || (!draining && *stop != Stop::Run)) => match *stop {
                Stop::AtOnce => Event::StopAtOnce,
                Stop::Run | Stop::Drain => Event::Stop,
            },
            answer = answered(lease) => Event::Lease(answer),
            notice = journal.next() => Event::Input(match notice {
                JournalNotice::Durable(seq) => Input::Durable(seq),
                JournalNotice::Failed(why) => Input::JournalFailed(why),
                JournalNotice::Copy(lag) => Input::CopyBehind(lag),
            }),
            done = calls.next() => Event::Done(done),
            Some(call) = shared.control.recv() => Event::Control(call),
            timer = timers.next() => Event::Input(Input::Timer(timer)),
            () = over => Event::DrainOver,
            () = overdue => Event::TradesOverdue,
            Some(arrival) = arrivals.recv() => Event::Arrival(arrival),
            price = prices.next() => Event::Input(Input::Price(price)),
            Some(ended) = tasks.join_next() => Event::TaskEnded(ended),
            // Not before the other tasks of the thread had their turn, so that a strategy without end starves nobody.
            () = tokio::task::yield_now(), if !hosted.is_idle() => Event::Strategies,
        }
    }

    /// Handles an input and everything that follows from it at once.
    pub(crate) async fn take(&mut self, input: Input) {
        match &input {
            Input::Report { report, .. } => {
                self.counters.reports += 1;
                // What was changed is told without what follows from it, such as the largest notional.
                if matches!(report.body, ReportBody::Leverage { .. } | ReportBody::Setting { .. }) {
                    self.settings_stale.notify_one();
                }
            }
            Input::Price(_) => self.counters.prices += 1,
            Input::LinkUp(session) => {
                // A change while there was no stream was told to nobody.
                if self.counters.sessions > 0 {
                    self.settings_stale.notify_one();
                }
                self.counters.sessions = session.0;
            }
            _ => (),
        }
        boundary!(crate::boundary::heard(&input));
        self.step(input).await;
        self.call_strategies().await;
    }

    async fn take_done(&mut self, done: Done) {
        match done {
            Done::Outcomes { all, submit, took } => {
                boundary!("answer.read");
                if submit {
                    self.shared.board.ack.record(took);
                }
                for (request, outcome) in all {
                    self.take(Input::Outcome { request, outcome }).await;
                }
            }
            Done::Answer { query, answer } => self.take(Input::Answer { query, answer }).await,
        }
    }

    async fn call_strategies(&mut self) {
        for _ in 0..CALLS_PER_INPUT {
            if self.hosted.is_idle() {
                return;
            }
            let (before, now) = (Instant::now(), self.clock.now());
            let Some((strategy, input)) = self.hosted.call_next(&self.engine, now) else { continue };
            let took = before.elapsed();
            self.shared.board.callback.record(took);
            if took > SLOW_CALLBACK {
                let text = format!("strategy {strategy} took {} ms for one call; everything waits for it", took.as_millis());
                self.raise(Alert { level: AlertLevel::Warning, kind: "slow_strategy", text });
            }
            if let Some(input) = input {
                boundary!("callback.returned");
                self.step(input).await;
            }
            if took > SLOW_CALLBACK {
                let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                self.step(Input::SlowCall { strategy, took_ms }).await;
            }
        }
    }

    pub(crate) fn raise(&mut self, alert: Alert) {
        if self.runtime.journal_alerts {
            self.urgent.push_back(Input::Alerted(alert.clone()));
        }
        self.shared.board.raise(&self.account, self.clock.now(), alert);
    }
}

async fn answered(lease: &mut Option<LeaseKeeper>) -> LeaseAnswer {
    match lease {
        Some(keeper) => keeper.next().await,
        None => std::future::pending().await,
    }
}

async fn reached(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn replay(engine: &mut Engine, journal: &mut dyn Journal) -> Result<ReadBack, AccountError> {
    let mut snapshot = Seq(0);
    if let Some(newest) = journal.newest_snapshot()? {
        snapshot = newest.seq();
        engine.restore(newest)?;
    }
    let mut refused = None;
    let last = journal.replay(&mut |seq, record| {
        boundary!("replay");
        if refused.is_none() {
            refused = engine.replay(seq, &record).err();
        }
    })?;
    match refused {
        Some(error) => Err(error.into()),
        None => Ok(ReadBack { last, snapshot }),
    }
}
