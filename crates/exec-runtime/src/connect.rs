//! Brings an account to its venue: clock, instruments, settings, then the streams. Each step is tried until it works; exits pass
//! meanwhile.

use crate::{
    arrival::{Arrival, Arrivals, LoopGone},
    backoff::Backoff,
    clock_keeper,
    config::RuntimeConfig,
    instruments_keeper::InstrumentsKeeper,
    key_audit::KeyAudit,
    link,
    prices::{self, PriceBoard},
    settings_keeper::SettingsKeeper,
    setup::{AccountSettings, SetupDesk, SetupError, StartError},
    venue_calls::question,
};
use exec_core::{
    conversation::{Input, Urgency},
    ids::InstrumentId,
    instrument::Instrument,
    nearest::nearest,
    units::PositionMode,
    venue::{AccountSetup, ExecutionVenue, PriceSource, VenueClock},
};
use futures_util::FutureExt;
use std::{collections::BTreeSet, sync::Arc};
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};

/// Everything of a venue that an account has.
pub(crate) struct Connection {
    pub(crate) venue: Arc<dyn ExecutionVenue>,
    pub(crate) clock: Option<Arc<dyn VenueClock>>,
    pub(crate) prices: Option<Arc<dyn PriceSource>>,
    pub(crate) setup: Option<(Arc<dyn AccountSetup>, AccountSettings)>,
    pub(crate) mode: PositionMode,
    pub(crate) instruments: Vec<InstrumentId>,
    /// Instruments that the books know something of.
    pub(crate) in_books: BTreeSet<InstrumentId>,
    pub(crate) config: RuntimeConfig,
    pub(crate) seed: u64,
    pub(crate) arrivals: Arrivals,
    pub(crate) board: PriceBoard,
    pub(crate) wishes: watch::Receiver<link::Wishes>,
    pub(crate) clock_asked: Arc<Notify>,
    pub(crate) settings_stale: Arc<Notify>,
}

impl Connection {
    /// Connects, then supervises until the loop is gone. Dropping it ends everything that it has started.
    pub(crate) async fn run(self) {
        // The only error is that nobody listens any more.
        let _gone = self.connect().await;
    }

    async fn connect(self) -> Result<(), LoopGone> {
        let mut backoff = Backoff::new(self.seed);
        self.first_clock(&mut backoff).await?;
        backoff.reset();
        let instruments = self.first_instruments(&mut backoff).await?;
        backoff.reset();
        if let Some(error) = self.not_listed(&instruments) {
            self.arrivals.bring(Arrival::Fatal(error)).await?;
            return Ok(());
        }
        if !self.settle(&mut backoff).await? {
            return Ok(());
        }
        let mut audit = self.audit();
        if let Some(audit) = &mut audit
            && !audit.first().await?
        {
            return Ok(());
        }
        let settings = self.first_settings().await?;
        self.supervise(instruments, settings, audit).await
    }

    async fn first_clock(&self, backoff: &mut Backoff) -> Result<(), LoopGone> {
        let Some(clock) = &self.clock else {
            // A venue without a clock of its own runs on ours; the loop answers for it.
            return Ok(());
        };
        // The engine asks for the clock as it begins; this is the answer.
        let _ = self.clock_asked.notified().now_or_never();
        loop {
            match clock_keeper::measure(&**clock, &self.config).await {
                Ok(reading) => return self.arrivals.input(Input::Clock(reading)).await,
                Err(error) => self.later("clock_unknown", "venue clock cannot be measured", &error.to_string(), backoff).await?,
            }
        }
    }

    async fn first_instruments(&self, backoff: &mut Backoff) -> Result<Vec<Instrument>, LoopGone> {
        // No exit can be made without them.
        let venue = self.venue.for_questions(Urgency::Exit).unwrap_or_else(|| Arc::clone(&self.venue));
        loop {
            match question(self.config.query_deadline, venue.instruments()).await {
                Ok(instruments) => {
                    tracing::info!(count = instruments.len(), "instruments are known");
                    self.arrivals.input(Input::Instruments(instruments.clone())).await?;
                    return Ok(instruments);
                }
                Err(error) => {
                    self.later("instruments_unknown", "instruments cannot be read", &error.to_string(), backoff).await?
                }
            }
        }
    }

    /// A name that nobody has ever traded is a mistake in the config.
    fn not_listed(&self, listed: &[Instrument]) -> Option<StartError> {
        let unknown = |id: &&InstrumentId| !self.in_books.contains(*id) && listed.iter().all(|i| i.id != **id);
        let instrument = self.instruments.iter().find(unknown)?.clone();
        let near = nearest(instrument.as_str(), listed.iter().map(|i| i.id.as_str()));
        let nearest = near.and_then(|near| listed.iter().find(|i| i.id.as_str() == near)).map(|i| i.id.clone());
        Some(StartError::Instrument { instrument, nearest })
    }

    /// Returns whether the account is as it should be.
    async fn settle(&self, backoff: &mut Backoff) -> Result<bool, LoopGone> {
        let Some((setup, settings)) = &self.setup else { return Ok(true) };
        let desk = SetupDesk {
            venue: &*self.venue,
            setup: &**setup,
            settings,
            mode: self.mode,
            instruments: &self.instruments,
            config: &self.config,
        };
        loop {
            match desk.run().await {
                Ok(told) => {
                    for difference in told {
                        self.arrivals.warn("account_differs", difference.to_string()).await?;
                    }
                    return Ok(true);
                }
                Err(SetupError::Fatal(error)) => {
                    self.arrivals.bring(Arrival::Fatal(error)).await?;
                    return Ok(false);
                }
                Err(SetupError::Later(why)) => self.later("setup_failed", "account cannot be set up", &why, backoff).await?,
            }
        }
    }

    fn audit(&self) -> Option<KeyAudit> {
        let (setup, settings) = self.setup.as_ref()?;
        Some(KeyAudit::new(Arc::clone(setup), settings.key, self.config.clone(), self.arrivals.clone()))
    }

    /// Tries once before the stream is opened. The keeper goes on trying; nothing waits for it.
    async fn first_settings(&self) -> Result<Option<SettingsKeeper>, LoopGone> {
        let Some((setup, wanted)) = self.setup.as_ref().filter(|_| !self.instruments.is_empty()) else { return Ok(None) };
        let mut keeper = SettingsKeeper {
            setup: Arc::clone(setup),
            instruments: self.instruments.clone(),
            config: self.config.clone(),
            arrivals: self.arrivals.clone(),
            told: None,
            wanted: wanted.clone(),
            let_stand: Vec::new(),
            unlike: Vec::new(),
        };
        let _told_as_a_warning = keeper.read().await?;
        Ok(Some(keeper))
    }

    async fn later(&self, kind: &'static str, what: &str, why: &str, backoff: &mut Backoff) -> Result<(), LoopGone> {
        self.arrivals.warn(kind, format!("{what}: {why}")).await?;
        tokio::time::sleep(backoff.delay()).await;
        Ok(())
    }

    async fn supervise(
        self,
        instruments: Vec<Instrument>,
        settings: Option<SettingsKeeper>,
        audit: Option<KeyAudit>,
    ) -> Result<(), LoopGone> {
        let Self { venue, clock, prices, config, seed, arrivals, board, wishes, clock_asked, instruments: traded, .. } = self;
        // Each supervisor spreads its delays for itself.
        let backoff = |n: u64| Backoff::new(seed.wrapping_add(n));
        let listing_stale = Arc::new(Notify::new());
        let mut tasks = JoinSet::new();
        tasks.spawn(link::supervise(Arc::clone(&venue), config.clone(), backoff(1), arrivals.clone(), wishes));
        if let Some(clock) = clock {
            tasks.spawn(clock_keeper::keep(clock, config.clone(), backoff(2), arrivals.clone(), clock_asked));
        }
        if let Some(source) = prices
            && !traded.is_empty()
        {
            let (config, arrivals, stale) = (config.clone(), arrivals.clone(), Arc::clone(&listing_stale));
            tasks.spawn(prices::supervise(source, traded, config, backoff(3), board, arrivals, stale));
        }
        if let Some(keeper) = settings {
            tasks.spawn(keeper.keep(self.settings_stale, backoff(4)));
        }
        if let Some(audit) = audit {
            tasks.spawn(audit.keep());
        }
        let keeper = InstrumentsKeeper { venue, config, known: instruments, arrivals };
        tasks.spawn(keeper.keep(listing_stale, backoff(5)));
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended
                && error.is_panic()
            {
                // In a build that unwinds, a dead supervisor must not look like a quiet venue.
                std::panic::resume_unwind(error.into_panic());
            }
        }
        Ok(())
    }
}
