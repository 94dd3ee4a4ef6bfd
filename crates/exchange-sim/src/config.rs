//! How an exchange is set up: seed, symbols, fees, guarantees, background flow. Data only.

use rust_decimal::Decimal;
use serde::Deserialize;

use crate::literal::dec;
use crate::symbol::{SymbolSpec, default_symbols};
use crate::types::Ms;

/// Everything that fixes an exchange. Two exchanges with equal configuration and equal calls behave equally.
#[derive(Clone, Debug)]
pub struct ExchangeConfig {
    /// Seed of the background flow and of generated ids.
    pub seed: u64,
    /// Venue time at the beginning, milliseconds.
    pub start_ms: Ms,
    /// Symbols traded.
    pub symbols: Vec<SymbolSpec>,
    /// Fees.
    pub fees: FeeSchedule,
    /// What the exchange promises about late requests and reads.
    pub guarantees: FenceGuarantees,
    /// How long a new or changed order stays invisible to the single-order query; at most `guarantees.visibility_ms`.
    pub query_lag_ms: Ms,
    /// Background liquidity and the walk of the mark price.
    pub flow: FlowConfig,
    /// Funding payments; `None` never pays.
    pub funding: Option<FundingConfig>,
    /// Whether equal order and trade ids may occur on different symbols (they may, on the venue).
    pub ids: IdSpace,
    /// Money in the insurance fund at the beginning.
    pub insurance_fund: Decimal,
    /// The service of conditional orders.
    pub algo: AlgoConfig,
    /// Who takes what the book leaves of a liquidation.
    pub backstop: Backstop,
    /// How orders of the exchange itself are told.
    pub forced_style: ForcedStyle,
    /// How long an order is remembered that was cancelled or expired without a trade, counted from its creation; on the
    /// venue three days.
    pub unfilled_kept_ms: Ms,
}

/// How the private stream tells liquidation, deleveraging and settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ForcedStyle {
    /// NEW, then TRADE or CALCULATED with the order's status.
    Plain,
    /// The same without NEW: the first that is heard of an order is what it did.
    Unannounced,
    /// No NEW, but CALCULATED with status NEW and zero quantities; then CALCULATED with NEW_INSURANCE or NEW_ADL. These
    /// statuses left the documentation and are still seen on the wire.
    Legacy,
}

/// Who is the other side of what the book does not take of a liquidation, at the bankruptcy price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backstop {
    /// The insurance fund, without limit.
    Fund,
    /// The clients on the other side, most profitable first (`adl_autoclose…`); the fund for what they do not hold.
    Deleverage,
}

/// How the Algo Service behaves where the venue's own timing and answers vary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlgoConfig {
    /// From TRIGGERING until the child enters the engine.
    pub child_delay_ms: Ms,
    /// From the child's entry until TRIGGERED is told; above 0 the child's NEW and fills come before it.
    pub told_delay_ms: Ms,
    /// Where TRIGGERED stands among what is told of the child's entry, when it is told at once.
    pub told: TriggeredTold,
    /// From the child's end until FINISHED is told.
    pub finish_delay_ms: Ms,
    /// Whether each ALGO_UPDATE is pushed twice.
    pub told_twice: bool,
    /// Whether each order draws its own delays from the seed, up to those above, and its own place of TRIGGERED; and each
    /// ALGO_UPDATE whether it is pushed twice, if it may be.
    pub varied: bool,
    /// How far queries lag behind: new orders are missing, and those that ended or triggered are shown as before; at most
    /// `guarantees.visibility_ms`. On testnet a cancelled one was NEW for a second (2026-09-14).
    pub list_lag_ms: Ms,
    /// Whether the single query answers `-2013` for a live conditional order, as seen on production by `algoId` (2026-09-19).
    pub query_denies_live: bool,
    /// Open conditional orders an account may have over all symbols.
    pub max_open: usize,
}

/// Where TRIGGERED stands among the events of the child's entry. They come from different services: no order is promised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TriggeredTold {
    /// Before them.
    #[default]
    First,
    /// After the child's NEW, before its fills are told in full.
    Between,
    /// After them.
    Last,
}

/// Maker and taker rates and the BNB option.
#[derive(Clone, Debug)]
pub struct FeeSchedule {
    /// Rate of the resting side.
    pub maker: Decimal,
    /// Rate of the taking side.
    pub taker: Decimal,
    /// Price of BNB for accounts that pay fees in it; `None` switches the option off.
    pub bnb_price: Option<Decimal>,
}

/// The bounds that make the expiry fence sound.
#[derive(Clone, Copy, Debug)]
pub struct FenceGuarantees {
    /// After `timestamp + recvWindow` plus this, a request has no effect any more.
    pub engine_margin_ms: Ms,
    /// After its effect, an order is visible to queries within this.
    pub visibility_ms: Ms,
}

/// How order and trade ids are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdSpace {
    /// Each symbol in its own range, as it looks on the venue in practice.
    Spread,
    /// All symbols from the same number, as the venue allows: ids collide between symbols.
    Colliding,
}

/// The seeded accounts that trade through the same book.
#[derive(Clone, Debug)]
pub struct FlowConfig {
    /// Whether they trade at all. Without them the mark price moves only by the operator.
    pub enabled: bool,
    /// Time between two steps on one symbol.
    pub interval_ms: Ms,
    /// Size of one step of the mark price, in millionths of the price.
    pub volatility_ppm: u32,
    /// Pull back to the anchor per step, in thousandths of the distance.
    pub reversion_permille: u32,
    /// Levels quoted on each side.
    pub levels: u32,
    /// Distance between two levels, in millionths of the price.
    pub spacing_ppm: u32,
    /// Notional at the touch; deeper levels are larger.
    pub touch_notional: Decimal,
    /// Chance per step that a taker comes, in percent.
    pub take_percent: u32,
    /// After a gap, at most this many steps per symbol are made up for.
    pub catch_up_steps: u32,
}

/// Funding payments.
#[derive(Clone, Copy, Debug)]
pub struct FundingConfig {
    /// Time between payments, aligned to the UTC clock.
    pub interval_ms: Ms,
    /// Rate per payment; positive: longs pay.
    pub rate: Decimal,
}

/// A new account.
#[derive(Clone, Debug)]
pub struct AccountSpec {
    /// Wallets: asset and amount. USDT is the margin asset.
    pub wallets: Vec<(String, Decimal)>,
    /// Hedge mode from the beginning.
    pub hedge: bool,
    /// Leverage of every symbol at the beginning.
    pub leverage: u32,
}

/// Which market events are produced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MarketData {
    /// Best bid and ask.
    pub book_ticker: bool,
    /// Changed levels.
    pub depth: bool,
    /// Trades.
    pub trades: bool,
    /// Mark price each second.
    pub mark_price: bool,
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A symbol's figures do not fit together.
    #[error("symbol {symbol}: {reason}")]
    Symbol {
        /// Which.
        symbol: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// Two symbols have one name.
    #[error("symbol {0} appears twice")]
    Duplicate(String),
    /// A key's public half cannot be read.
    #[error("the public key of {0} is no Ed25519 key and no RSA key of 2048 bits or more, in PEM or base64")]
    Key(String),
    /// A time is out of range.
    #[error("{0}")]
    Time(&'static str),
}

impl Default for ExchangeConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            start_ms: 1_790_000_000_000,
            symbols: default_symbols(),
            fees: FeeSchedule::default(),
            guarantees: FenceGuarantees::default(),
            query_lag_ms: 0,
            flow: FlowConfig::default(),
            funding: None,
            ids: IdSpace::Spread,
            insurance_fund: dec!(1000000),
            algo: AlgoConfig::default(),
            backstop: Backstop::Fund,
            forced_style: ForcedStyle::Plain,
            unfilled_kept_ms: 3 * 24 * 3_600 * 1_000,
        }
    }
}

impl AlgoConfig {
    /// Gives the same within its bounds: no delay below 0, no lag above what the exchange promises.
    pub(crate) fn bounded(self, visibility_ms: Ms) -> Self {
        Self {
            child_delay_ms: self.child_delay_ms.max(0),
            told_delay_ms: self.told_delay_ms.max(0),
            finish_delay_ms: self.finish_delay_ms.max(0),
            list_lag_ms: self.list_lag_ms.min(visibility_ms).max(0),
            ..self
        }
    }
}

impl Default for AlgoConfig {
    fn default() -> Self {
        Self {
            child_delay_ms: 0,
            told_delay_ms: 0,
            told: TriggeredTold::First,
            finish_delay_ms: 0,
            told_twice: false,
            varied: false,
            list_lag_ms: 0,
            query_denies_live: true,
            max_open: 200,
        }
    }
}

impl Default for FeeSchedule {
    fn default() -> Self {
        Self { maker: dec!(0.0002), taker: dec!(0.0005), bnb_price: None }
    }
}

impl Default for FenceGuarantees {
    fn default() -> Self {
        Self { engine_margin_ms: 10_000, visibility_ms: 1_000 }
    }
}

impl Default for FlowConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            interval_ms: 200,
            volatility_ppm: 40,
            reversion_permille: 60,
            levels: 12,
            spacing_ppm: 50,
            touch_notional: dec!(8000),
            take_percent: 70,
            catch_up_steps: 300,
        }
    }
}

impl Default for AccountSpec {
    fn default() -> Self {
        Self { wallets: vec![("USDT".to_owned(), dec!(100000)), ("BNB".to_owned(), Decimal::ZERO)], hedge: false, leverage: 20 }
    }
}
