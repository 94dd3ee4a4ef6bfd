//! The only place that knows both worlds: Binance's payloads and the core's words. Pure functions; they decide how a thing is
//! said, never what is done about it.

mod account;
mod algo;
mod conditional;
mod event;
mod instrument;
mod order;
mod symbol;
mod tally;
mod terms;

pub use account::{account_balance, account_position, balance, balance_change, called_position, position, position_change};
pub use algo::{algo_order, algo_update, joined};
pub use conditional::conditional_params;
pub(crate) use event::{body, sent};
pub use event::{listing, price, report};
pub use instrument::{InstrumentError, instrument};
pub use order::{order_reply, order_update, trade_lite, user_trade};
pub use symbol::Symbols;
pub use tally::Tally;
pub(crate) use terms::side_word;
pub use terms::{Place, ToldTerms, place_params, told_kind};

use exec_core::{ids::IdError, units::UnitError};
use thiserror::Error;

/// A payload that was readable but says something that has no words in the core.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TranslateError {
    /// An id or an asset that cannot be one.
    #[error("{0}")]
    Id(#[from] IdError),
    /// A number out of bounds.
    #[error("{0}")]
    Unit(#[from] UnitError),
    /// A value without which the rest means nothing, and that this build does not know.
    #[error("unknown {what} `{value}`")]
    Unknown {
        /// Which field.
        what: &'static str,
        /// Its value.
        value: String,
    },
}
