//! Compares the settings of an account with what the config wants, and sets what it may set. Runs before the stream is opened.

use crate::{config::RuntimeConfig, key_audit::KeyRules, venue_calls::question};
use exec_core::{
    ids::InstrumentId,
    report::MassStatus,
    units::PositionMode,
    venue::{AccountSetup, CommandError, ExecutionVenue, InstrumentSetting, MarginType, QueryError, Rejection},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, future::Future};
use tokio::time::timeout;

/// When a setting that differs may be set.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Apply {
    /// Never: a difference is only told.
    Never,
    /// Where no position and no order stands.
    #[default]
    WhenFlat,
    /// Always; the venue may still refuse.
    Always,
}

/// What to do with a difference that may not be set away.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDifference {
    /// Do not start.
    #[default]
    Stop,
    /// Warn and start. The position mode stops the start in any case: it decides what an order means.
    Warn,
}

/// What an account should be set to. The position mode stands in the engine's config.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AccountSettings {
    /// When leverage and margin type may be set.
    pub apply: Apply,
    /// Whether the position mode may be set, under the same condition, over all instruments. On Binance this also changes
    /// the mode of the COIN-M account.
    pub apply_position_mode: bool,
    /// What to do with a difference that stands.
    pub on_difference: OnDifference,
    /// Wanted leverage.
    pub leverages: BTreeMap<InstrumentId, u32>,
    /// Wanted margin type.
    pub margin_types: BTreeMap<InstrumentId, MarginType>,
    /// Whether all assets of the account are to be margin for all its positions. It is compared and never set.
    pub multi_assets: bool,
    /// What the key is held to.
    pub key: KeyRules,
}

/// Why a node must not start.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StartError {
    /// The account keeps positions in another way than the config says. Change one of the two.
    #[error(
        "account keeps positions in {venue:?}, the config says {config:?}: change `oms_type`, the account, or set `apply_position_mode` (the mode of the COIN-M account changes with it)"
    )]
    PositionMode {
        /// Wanted.
        config: PositionMode,
        /// Found.
        venue: PositionMode,
    },
    /// An instrument has another setting than the config says, and it may not be set now.
    #[error("{setting} of {instrument} is {venue}, the config says {config}: flatten it, change one of the two, or set `apply`")]
    Setting {
        /// Of which instrument.
        instrument: InstrumentId,
        /// Which.
        setting: &'static str,
        /// Wanted.
        config: String,
        /// Found.
        venue: String,
    },
    /// Other assets are margin than the config says. Change one of the two.
    #[error("multi-assets mode of the account is {}, the config says {}: change the account or `multi_assets_margin`; it is never set from here", on(*.venue), on(!.venue))]
    MultiAssets {
        /// Found.
        venue: bool,
    },
    /// The venue refused to change a setting.
    #[error("venue refused to set {what}: {} (code {})", .rejection.text, .rejection.code)]
    Refused {
        /// Which.
        what: String,
        /// How.
        rejection: Rejection,
    },
    /// The venue refuses this key.
    #[error("venue refuses the key: {} (code {}); check the key, its secret, its rights and its list of addresses", .0.text, .0.code)]
    Key(Rejection),
    /// The key may do more than a key for trading should.
    #[error("the key has too much power: {}; make one for this node at the venue that may read and trade futures, and no more", .0.join("; "))]
    KeyPowers(Vec<String>),
    /// The config names an instrument that the venue does not list and the books have never heard of. One that they know and that is
    /// gone since does not stop a start: what is left of it must be looked after.
    #[error("the venue does not list {instrument}{}: mend `instruments` in the config", .nearest.as_ref().map_or_else(String::new, |near| format!("; did you mean {near}?")))]
    Instrument {
        /// As the config names it.
        instrument: InstrumentId,
        /// The nearest one that the venue lists.
        nearest: Option<InstrumentId>,
    },
}

/// Why a step of the set-up is not done.
#[derive(Debug)]
pub(crate) enum SetupError {
    /// Try again later.
    Later(String),
    /// Do not start.
    Fatal(StartError),
}

impl From<QueryError> for SetupError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Refused(rejection) if rejection.class == exec_core::venue::RejectClass::Auth => {
                Self::Fatal(StartError::Key(rejection))
            }
            other @ (QueryError::Unavailable(_) | QueryError::Refused(_) | QueryError::Malformed(_)) => {
                Self::Later(other.to_string())
            }
        }
    }
}

/// What the set-up works with.
pub(crate) struct SetupDesk<'a> {
    pub(crate) venue: &'a dyn ExecutionVenue,
    pub(crate) setup: &'a dyn AccountSetup,
    pub(crate) settings: &'a AccountSettings,
    pub(crate) mode: PositionMode,
    pub(crate) instruments: &'a [InstrumentId],
    pub(crate) config: &'a RuntimeConfig,
}

impl AccountSettings {
    /// What is set otherwise than wanted, in words: of the account, then in the order of the instruments.
    pub(crate) fn unlike(&self, found: &[InstrumentSetting], multi_assets: Option<bool>) -> Vec<String> {
        let other = multi_assets.filter(|found| *found != self.multi_assets);
        let of_account = other.map(|venue| format!("multi-assets mode is {}, and the config says {}", on(venue), on(!venue)));
        let differences = found.iter().flat_map(|now| {
            let wanted = [self.margin_type(&now.instrument, Some(now)), self.leverage(&now.instrument, Some(now))];
            wanted.into_iter().flatten().map(|difference| difference.words(&now.instrument))
        });
        of_account.into_iter().chain(differences).collect()
    }

    fn leverage(&self, instrument: &InstrumentId, now: Option<&InstrumentSetting>) -> Option<Difference> {
        let config = *self.leverages.get(instrument)?;
        let venue = now.and_then(|n| n.leverage);
        (venue != Some(config)).then_some(Difference::Leverage { config, venue })
    }

    fn margin_type(&self, instrument: &InstrumentId, now: Option<&InstrumentSetting>) -> Option<Difference> {
        let config = *self.margin_types.get(instrument)?;
        let venue = now.and_then(|n| n.margin_type);
        (venue != Some(config)).then_some(Difference::MarginType { config, venue })
    }
}

impl SetupDesk<'_> {
    /// Compares and sets, once. Returns what stays different and is only told. What was set before a failure is found set
    /// by the next try.
    pub(crate) async fn run(&self) -> Result<Vec<StartError>, SetupError> {
        let mut standing = None;
        self.position_mode(&mut standing).await?;
        let mut told = Vec::new();
        self.multi_assets(&mut told).await?;
        let wanted: Vec<InstrumentId> =
            self.settings.leverages.keys().chain(self.settings.margin_types.keys()).cloned().collect();
        if wanted.is_empty() {
            return Ok(told);
        }
        let found = question(self.config.query_deadline, self.setup.instrument_settings(&wanted)).await?;
        for instrument in wanted.iter().collect::<std::collections::BTreeSet<_>>() {
            let now = found.iter().find(|f| f.instrument == *instrument);
            // Margin type first: with some venues a change of it resets what leverage is allowed.
            for difference in
                [self.settings.margin_type(instrument, now), self.settings.leverage(instrument, now)].into_iter().flatten()
            {
                if self.may_set(Some(instrument), &mut standing).await? {
                    self.set(instrument, &difference).await?;
                } else if self.settings.on_difference == OnDifference::Stop {
                    return Err(SetupError::Fatal(difference.error(instrument)));
                } else {
                    told.push(difference.error(instrument));
                }
            }
        }
        Ok(told)
    }

    async fn position_mode(&self, standing: &mut Option<MassStatus>) -> Result<(), SetupError> {
        let read = || question(self.config.query_deadline, self.setup.position_mode());
        let found = read().await?;
        if found == self.mode {
            return Ok(());
        }
        let different = |venue| SetupError::Fatal(StartError::PositionMode { config: self.mode, venue });
        if !self.settings.apply_position_mode || !self.may_set(None, standing).await? {
            return Err(different(found));
        }
        tracing::warn!(from = ?found, to = ?self.mode, "setting the position mode; on Binance that of the COIN-M account changes with it");
        self.command(self.setup.set_position_mode(self.mode), || format!("position mode {:?}", self.mode)).await?;
        // The answer to a change is not the setting; the setting is.
        let now = read().await?;
        if now == self.mode { Ok(()) } else { Err(different(now)) }
    }

    async fn multi_assets(&self, told: &mut Vec<StartError>) -> Result<(), SetupError> {
        let found = question(self.config.query_deadline, self.setup.multi_assets()).await?;
        let Some(venue) = found.filter(|found| *found != self.settings.multi_assets) else { return Ok(()) };
        if self.settings.on_difference == OnDifference::Stop {
            return Err(SetupError::Fatal(StartError::MultiAssets { venue }));
        }
        told.push(StartError::MultiAssets { venue });
        Ok(())
    }

    async fn may_set(&self, instrument: Option<&InstrumentId>, standing: &mut Option<MassStatus>) -> Result<bool, SetupError> {
        match self.settings.apply {
            Apply::Never => return Ok(false),
            Apply::Always => return Ok(true),
            Apply::WhenFlat => (),
        }
        let status = match standing {
            Some(status) => status,
            None => {
                let read = question(self.config.query_deadline, self.venue.mass_status(self.instruments)).await?;
                standing.insert(read)
            }
        };
        let concerns = |other: &InstrumentId| instrument.is_none_or(|i| i == other);
        let order = status.open_orders.iter().any(|o| concerns(&o.instrument));
        let position = status.positions.iter().any(|p| concerns(&p.instrument) && !p.qty.is_zero());
        Ok(!order && !position)
    }

    async fn set(&self, instrument: &InstrumentId, difference: &Difference) -> Result<(), SetupError> {
        tracing::info!(%instrument, change = ?difference, "setting the account");
        let what = || format!("{difference:?} of {instrument}");
        match difference {
            Difference::Leverage { config, .. } => self.command(self.setup.set_leverage(instrument, *config), what).await,
            Difference::MarginType { config, .. } => self.command(self.setup.set_margin_type(instrument, *config), what).await,
        }
    }

    async fn command(
        &self,
        call: impl Future<Output = Result<(), CommandError>>,
        what: impl FnOnce() -> String,
    ) -> Result<(), SetupError> {
        match timeout(self.config.command_deadline, call).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(CommandError::Rejected(rejection))) => Err(SetupError::Fatal(StartError::Refused { what: what(), rejection })),
            // Setting what is so already is a success, so it may simply be tried again.
            Ok(Err(error @ (CommandError::NotSent(_) | CommandError::Unknown { .. }))) => {
                Err(SetupError::Later(error.to_string()))
            }
            Err(_) => Err(SetupError::Later(format!("no answer to the setting of {}", what()))),
        }
    }
}

const fn on(is: bool) -> &'static str {
    if is { "on" } else { "off" }
}

/// One setting that is not as wanted.
#[derive(Debug)]
enum Difference {
    Leverage { config: u32, venue: Option<u32> },
    MarginType { config: MarginType, venue: Option<MarginType> },
}

impl Difference {
    fn words(&self, instrument: &InstrumentId) -> String {
        let StartError::Setting { setting, config, venue, .. } = self.error(instrument) else { return String::new() };
        format!("{setting} of {instrument} is {venue}, and the config says {config}")
    }

    fn error(&self, instrument: &InstrumentId) -> StartError {
        let unknown = || String::from("unknown");
        let (setting, config, venue) = match self {
            Self::Leverage { config, venue } => ("leverage", config.to_string(), venue.map_or_else(unknown, |v| v.to_string())),
            Self::MarginType { config, venue } => {
                ("margin type", format!("{config:?}"), venue.map_or_else(unknown, |v| format!("{v:?}")))
            }
        };
        StartError::Setting { instrument: instrument.clone(), setting, config, venue }
    }
}
