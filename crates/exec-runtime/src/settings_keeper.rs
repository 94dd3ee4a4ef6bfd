//! Keeps the engine told of what the traded instruments are set to (leverage, margin type, largest notional) and the account
//! (multi-assets mode), and whether that is what the config wants. Sets nothing; that is `setup`.

use crate::{
    arrival::{Arrivals, LoopGone},
    backoff::Backoff,
    config::RuntimeConfig,
    setup::{AccountSettings, OnDifference},
    venue_calls::question,
};
use exec_core::{
    conversation::Input,
    ids::InstrumentId,
    venue::{AccountSetup, InstrumentSetting, QueryError},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

/// A storm of changes is read at this pace.
const PAUSE: Duration = Duration::from_secs(1);

/// Reads the settings, and tells them where they differ from what was told last.
pub(crate) struct SettingsKeeper {
    pub(crate) setup: Arc<dyn AccountSetup>,
    pub(crate) instruments: Vec<InstrumentId>,
    pub(crate) config: RuntimeConfig,
    pub(crate) arrivals: Arrivals,
    pub(crate) told: Option<(Vec<InstrumentSetting>, Option<bool>)>,
    /// What the config wants.
    pub(crate) wanted: AccountSettings,
    /// Differences that the start has told and let stand.
    pub(crate) let_stand: Vec<String>,
    pub(crate) unlike: Vec<String>,
}

impl SettingsKeeper {
    /// Reads once. A failure is told and costs nothing else: what is not known is not checked before the wire.
    pub(crate) async fn read(&mut self) -> Result<Result<(), QueryError>, LoopGone> {
        match self.ask().await {
            Ok(read) if self.told.as_ref() == Some(&read) => Ok(Ok(())),
            Ok((settings, multi_assets)) => {
                tracing::info!(count = settings.len(), "settings of the instruments are known");
                let unlike = self.wanted.unlike(&settings, multi_assets);
                if self.told.is_none() && self.wanted.on_difference == OnDifference::Warn {
                    self.let_stand.clone_from(&unlike);
                }
                self.told = Some((settings.clone(), multi_assets));
                self.arrivals.input(Input::Settings(settings)).await?;
                self.let_stand.retain(|text| unlike.contains(text));
                let unlike: Vec<String> = unlike.into_iter().filter(|text| !self.let_stand.contains(text)).collect();
                if unlike != self.unlike {
                    self.unlike.clone_from(&unlike);
                    self.arrivals.input(Input::Unwanted(unlike)).await?;
                }
                Ok(Ok(()))
            }
            Err(error) => {
                let text = format!("settings of the instruments cannot be read: {error}");
                self.arrivals.warn("settings_unknown", text).await?;
                Ok(Err(error))
            }
        }
    }

    async fn ask(&self) -> Result<(Vec<InstrumentSetting>, Option<bool>), QueryError> {
        let settings = question(self.config.query_deadline, self.setup.instrument_settings(&self.instruments)).await?;
        let multi_assets = question(self.config.query_deadline, self.setup.multi_assets()).await?;
        Ok((settings, multi_assets))
    }

    /// Reads again whenever the venue says that something was changed, at intervals, and after a failure.
    pub(crate) async fn keep(mut self, stale: Arc<Notify>, mut backoff: Backoff) -> Result<(), LoopGone> {
        let mut failed = self.told.is_none();
        loop {
            let wait = match (failed, self.config.settings_interval) {
                (true, _) => backoff.delay(),
                (false, Duration::ZERO) => Duration::MAX,
                (false, interval) => interval,
            };
            // Whichever comes first: it is read in both cases.
            let _ = tokio::time::timeout(wait, stale.notified()).await;
            failed = self.read().await?.is_err();
            if !failed {
                backoff.reset();
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
