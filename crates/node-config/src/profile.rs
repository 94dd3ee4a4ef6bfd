//! The three profiles and the defaults that differ between them. Not what a profile refuses: that is `contradiction`.

use exec_core::{engine::breaker::Breakers, exposure::Limits, limits::Pace, units::PositionMode};
use rust_decimal::Decimal;
use std::fmt;

/// For what kind of money a node is configured. It decides defaults, and how much is left to chance: nothing in production.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Profile {
    /// The built-in exchange: no money, short patience.
    Simulated,
    /// The venue's own test network: no money, the venue's patience.
    Testnet,
    /// Other people's money.
    Production,
}

impl Profile {
    /// Every profile with the word that names it in a config file.
    pub const WORDS: [(&'static str, Self); 3] =
        [("simulated", Self::Simulated), ("testnet", Self::Testnet), ("production", Self::Production)];

    /// The word that names it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::Testnet => "testnet",
            Self::Production => "production",
        }
    }

    /// The values of keys that a file leaves out.
    pub fn defaults(self) -> Defaults {
        let venue = Defaults {
            trader_id: None,
            oms_type: Some(PositionMode::Netting),
            environment: Environment::Testnet,
            startup_delay_ms: 10_000,
            limits: None,
            account_pace: Pace { per_second: Some(100), per_minute: None },
            strategy_pace: Pace { per_second: Some(50), per_minute: None },
            breakers: Breakers::default(),
        };
        match self {
            Self::Simulated => Defaults {
                trader_id: Some("SIM-001"),
                environment: Environment::Simulated,
                startup_delay_ms: 0,
                limits: Some(DefaultLimits {
                    limits: Limits {
                        order_notional_max: Decimal::from(100_000),
                        position_notional_max: Decimal::from(500_000),
                        open_orders_max: 200,
                        collar: Decimal::new(5, 2),
                    },
                    daily_loss_max: Decimal::from(50_000),
                }),
                account_pace: Pace::default(),
                strategy_pace: Pace::default(),
                // A machine that others work on, too, is slow without anybody's fault; and who tries something out starts it often.
                breakers: Breakers { slow_calls: 0, starts: 0, ..Breakers::default() },
                ..venue
            },
            Self::Testnet => venue,
            Self::Production => Defaults { oms_type: None, environment: Environment::Live, ..venue },
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Defaults that depend on the profile; `None` where a file must say it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Defaults {
    /// Name of the trader.
    pub trader_id: Option<&'static str>,
    /// How an account keeps positions.
    pub oms_type: Option<PositionMode>,
    /// Which of the venue's networks.
    pub environment: Environment,
    /// How long the gate stays shut after the first complete reconciliation.
    pub startup_delay_ms: u64,
    /// Limits of money.
    pub limits: Option<DefaultLimits>,
    /// How many orders and changes an account may ask for.
    pub account_pace: Pace,
    /// How many orders and changes a strategy may ask for.
    pub strategy_pace: Pace,
    /// When a strategy may only close any more.
    pub breakers: Breakers,
}

/// Limits of money of a profile that has some.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DefaultLimits {
    /// Of an order, a leg and the open orders.
    pub limits: Limits,
    /// Of a day.
    pub daily_loss_max: Decimal,
}

/// Which of a venue's networks an account stands on.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Environment {
    /// An address of one's own: the built-in exchange.
    Simulated,
    /// The venue's test network.
    Testnet,
    /// The venue itself.
    Live,
}

impl Environment {
    /// Every environment with the word that names it in a config file.
    pub const WORDS: [(&'static str, Self); 3] =
        [("simulated", Self::Simulated), ("testnet", Self::Testnet), ("live", Self::Live)];

    /// The word that names it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::Testnet => "testnet",
            Self::Live => "live",
        }
    }

    /// The environment that a profile is for.
    pub const fn of(profile: Profile) -> Self {
        match profile {
            Profile::Simulated => Self::Simulated,
            Profile::Testnet => Self::Testnet,
            Profile::Production => Self::Live,
        }
    }

    /// The variables that hold key and secret where the file names no others.
    pub const fn variables(self) -> (&'static str, &'static str) {
        match self {
            Self::Simulated => ("BINANCE_SIM_API_KEY", "BINANCE_SIM_API_SECRET"),
            Self::Testnet => ("BINANCE_TESTNET_API_KEY", "BINANCE_TESTNET_API_SECRET"),
            Self::Live => ("BINANCE_API_KEY", "BINANCE_API_SECRET"),
        }
    }
}
