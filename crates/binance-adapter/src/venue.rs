//! Binance USDⓈ-M as an [`ExecutionVenue`]: what it is made of, and which file answers which call. Commands are in `commands` and
//! `batch`, questions in `lookup`, `questions` and `traded`, streams in `feed` and `prices`, settings in `setup`.

use std::sync::Arc;

use async_trait::async_trait;
use exec_core::{
    conversation::Urgency,
    ids::InstrumentId,
    instrument::Instrument,
    report::{MassStatus, PositionReport},
    time::ClockReading,
    venue::{
        Attempt, Batch, Cancel, CancelAll, CommandError, CommandResult, ExecutionVenue, LimitUse, Lookup, OrderRef, QueryError,
        Replace, ReportFeed, Restriction, Trades, TradesFrom, Unrecognised, VenueClock, VenueProfile,
    },
};

use crate::{
    clock::VenueClockEstimate,
    dialer::{Connector, Origin, TcpDialer},
    endpoint::Endpoint,
    entry::EntryTransport,
    environment::Environment,
    feed::UserFeed,
    inquiry::InquiryTransport,
    rate::{AddressPool, Budget, Priority},
    rest::{Rest, read},
    route::{Product, Routes},
    session::SessionTimes,
    settings::{Settings, StartError},
    traded::Traded,
    translate::{Symbols, Tally},
    transport::{Reply, Transport},
    wire,
};

/// Binance USDⓈ-M futures for one account.
#[derive(Clone)]
pub struct BinanceUsdm {
    pub(crate) rest: Arc<Rest>,
    pub(crate) symbols: Arc<Symbols>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) connector: Connector,
    pub(crate) environment: Environment,
    profile: VenueProfile,
    session: SessionTimes,
    entry: Arc<EntryTransport>,
    exit: Arc<EntryTransport>,
    cancel: Arc<EntryTransport>,
    pub(crate) traded: Arc<Traded>,
    /// Rows of a full page of trades or of conditional orders.
    pub(crate) page_rows: usize,
    /// How its questions are served.
    pub(crate) asks: Priority,
}

impl BinanceUsdm {
    /// An adapter that has not connected yet.
    ///
    /// # Errors
    /// [`StartError`]: the key, the secret or a host cannot be used.
    pub fn new(settings: Settings) -> Result<Self, StartError> {
        let profile = settings.profile();
        let key = settings.credentials.header()?;
        let signer = settings.credentials.signer()?;
        let in_simulation = settings.dialer.is_some();
        let connector = Connector::new(settings.dialer.unwrap_or_else(|| Arc::new(TcpDialer)))?;
        let rest_origin = &settings.environment.rest;
        let line = |connections| EntryTransport::new(connector.clone(), rest_origin.clone(), key.clone(), connections);
        let entry = Arc::new(line(settings.entry_connections)?);
        let exit = Arc::new(line(settings.entry_connections.min(2))?);
        let cancel = Arc::new(line(settings.entry_connections.min(2))?);
        let inquiry: Arc<dyn Transport> = if in_simulation {
            Arc::new(line(4)?)
        } else {
            Arc::new(InquiryTransport::new(&connector, rest_origin, key.clone())?)
        };
        let asks = |origin: &Origin| -> Result<Arc<dyn Transport>, StartError> {
            Ok(if in_simulation {
                Arc::new(EntryTransport::new(connector.clone(), origin.clone(), key.clone(), 1)?)
            } else {
                Arc::new(InquiryTransport::new(&connector, origin, key.clone())?)
            })
        };
        let wallet = settings.environment.wallet.as_ref().map(asks).transpose()?;
        let pool = settings.pool.unwrap_or_else(|| AddressPool::shared(settings.limits));
        let mut budget = Budget::within(pool, settings.limits);
        for (hold, until) in settings.holds.iter().flat_map(|holds| holds.kept()) {
            tracing::warn!(hold = hold.name(), %until, "the venue's answer to an earlier process holds");
            budget.restore(hold, until);
        }
        let rest = Rest {
            wallet,
            entry: Arc::<EntryTransport>::clone(&entry),
            exit: Arc::<EntryTransport>::clone(&exit),
            cancel: Arc::<EntryTransport>::clone(&cancel),
            inquiry,
            prefix: rest_origin.prefix().to_owned(),
            signer,
            budget: std::sync::Mutex::new(budget),
            holds: settings.holds,
            warn_limits: settings.warn_limits,
            lease: settings.lease,
            clock: std::sync::Mutex::new(VenueClockEstimate::default()),
            lane_next: std::sync::atomic::AtomicUsize::new(0),
            now: settings.now,
            recv_window_ms: settings.recv_window_ms,
            answer_within: settings.answer_within,
        };
        Ok(Self {
            rest: Arc::new(rest),
            symbols: Arc::new(Symbols::default()),
            tally: Arc::new(Tally::default()),
            routes: Arc::new(Routes::new(Product::UsdM)),
            connector,
            environment: settings.environment,
            profile,
            session: settings.session,
            entry,
            exit,
            cancel,
            traded: Arc::default(),
            page_rows: settings.page_rows,
            asks: Priority::Recovery,
        })
    }

    /// Opens the connections that orders and cancels go over, so that the first of them need not.
    pub async fn warm(&self) {
        self.entry.warm().await;
        self.exit.warm().await;
        self.cancel.warm().await;
    }

    /// The same adapter for questions that can wait, or that cannot.
    #[must_use]
    pub fn asking(&self, urgency: Urgency) -> Self {
        let asks = match urgency {
            Urgency::Now => Priority::Recovery,
            Urgency::AtLeisure => Priority::Sweep,
            Urgency::Exit => Priority::Exit,
        };
        Self { asks, ..self.clone() }
    }

    /// Reads the answer of an endpoint, and counts what of it this build does not know.
    pub(crate) fn told<'a, T>(&self, endpoint: &Endpoint, reply: &'a Reply) -> Result<T, QueryError>
    where
        T: serde::Deserialize<'a> + wire::Unknowns,
    {
        let answer: T = read(reply)?;
        self.tally.count(endpoint.name(), &answer);
        Ok(answer)
    }
}

#[async_trait]
impl ExecutionVenue for BinanceUsdm {
    fn profile(&self) -> &VenueProfile {
        &self.profile
    }

    async fn instruments(&self) -> Result<Vec<Instrument>, QueryError> {
        self.read_instruments().await
    }

    fn for_questions(&self, urgency: Urgency) -> Option<Arc<dyn ExecutionVenue>> {
        Some(Arc::new(self.asking(urgency)))
    }

    fn limits_used(&self) -> Vec<LimitUse> {
        self.rest.limits_used()
    }

    async fn open_feed(&self) -> Result<Box<dyn ReportFeed>, QueryError> {
        self.rest.may_connect(Priority::Recovery)?;
        self.warm().await;
        let feed = UserFeed::open(
            Arc::clone(&self.rest),
            Arc::clone(&self.symbols),
            Arc::clone(&self.tally),
            &self.connector,
            &self.environment.private,
            self.session,
        )
        .await?;
        Ok(Box::new(feed))
    }

    async fn submit(&self, attempt: Attempt) -> CommandResult {
        self.place(attempt).await
    }

    async fn batch(&self, batch: Batch) -> Vec<CommandResult> {
        self.send_batch(batch).await
    }

    async fn replace(&self, replace: Replace) -> CommandResult {
        self.change(replace).await
    }

    async fn cancel(&self, cancel: Cancel) -> CommandResult {
        self.take_off(&cancel.order).await
    }

    async fn cancel_all(&self, scope: CancelAll) -> Result<(), CommandError> {
        self.take_all_off(&scope).await
    }

    async fn order_status(&self, order: OrderRef) -> Result<Lookup, QueryError> {
        self.look_up(&order).await
    }

    async fn positions(&self, instruments: &[InstrumentId]) -> Result<Vec<PositionReport>, QueryError> {
        let mut legs = self.read_positions().await?;
        legs.retain(|leg| instruments.contains(&leg.instrument));
        Ok(legs)
    }

    fn unrecognised(&self) -> Vec<Unrecognised> {
        self.tally.counts().into_iter().map(|(path, count)| Unrecognised { path, count }).collect()
    }

    async fn mass_status(&self, instruments: &[InstrumentId]) -> Result<MassStatus, QueryError> {
        self.read_everything(instruments).await
    }

    async fn restrictions(&self, instruments: &[InstrumentId]) -> Result<Vec<Restriction>, QueryError> {
        self.read_restrictions(instruments).await
    }

    async fn trades_since(&self, instrument: &InstrumentId, from: TradesFrom) -> Result<Trades, QueryError> {
        self.read_trades(instrument, from).await
    }
}

#[async_trait]
impl VenueClock for BinanceUsdm {
    async fn read_clock(&self) -> Result<ClockReading, QueryError> {
        self.rest.read_clock().await
    }
}
