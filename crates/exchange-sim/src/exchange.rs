//! The exchange: one struct that owns all state. Every request is a method; the rules stand in the modules named after them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rust_decimal::Decimal;

use crate::account::{Account, FEE_ASSET, INSURANCE, MAKER, MARGIN_ASSET, TAKER, is_house};
use crate::algo::AlgoBook;
use crate::book::Book;
use crate::config::{AccountSpec, ConfigError, ExchangeConfig, IdSpace, MarketData};
use crate::error::ApiError;
use crate::event::Event;
use crate::flow::Flow;
use crate::literal::dec;
use crate::market::Market;
use crate::outbox::Outbox;
use crate::restrict::Restriction;
use crate::rng::Rng;
use crate::symbol::SymbolSpec;
use crate::tape::Tape;
use crate::types::{AccountId, Ms, OrderId};

/// A seeded exchange.
///
/// Contract: every method that takes `now` first runs all that time owes up to `now` ([`Exchange::advance`]), then does its
/// work in one engine transaction at that time; a `now` before the last one counts as the last one. Methods without `now`
/// are reads as of the last `now`: call `advance` first. What was caused lies in [`Exchange::take_events`], in order.
///
/// Equal configuration and equal calls give equal answers, events and ledgers.
///
/// ```
/// use exchange_sim::request::NewOrder;
/// use exchange_sim::types::{OrderStatus, Side};
/// use exchange_sim::{AccountSpec, Exchange, ExchangeConfig};
///
/// let config = ExchangeConfig::default();
/// let now = config.start_ms;
/// let mut exchange = Exchange::new(config)?;
/// let account = exchange.create_account(AccountSpec::default());
/// let placed = exchange.place(now, account, &NewOrder::market("BTCUSDT", Side::Buy, "0.010".parse()?))?;
/// assert_eq!(placed.settled.status, OrderStatus::Filled);
/// exchange.check_invariants()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Exchange {
    pub(crate) config: ExchangeConfig,
    pub(crate) now: Ms,
    pub(crate) markets: Vec<Market>,
    pub(crate) by_name: BTreeMap<Arc<str>, usize>,
    pub(crate) accounts: BTreeMap<AccountId, Account>,
    pub(crate) rng: Rng,
    pub(crate) wanted: MarketData,
    pub(crate) events: Vec<Event>,
    pub(crate) outbox: Outbox,
    pub(crate) dirty_books: BTreeSet<usize>,
    /// Fees collected, by asset.
    pub(crate) fees: BTreeMap<Arc<str>, Decimal>,
    /// Everything ever paid in, less what was paid out, by asset.
    pub(crate) deposits: BTreeMap<Arc<str>, Decimal>,
    /// When open orders expire by themselves.
    pub(crate) expiries: BTreeSet<(Ms, usize, OrderId)>,
    /// When countdowns end.
    pub(crate) countdowns: BTreeSet<(Ms, AccountId, usize)>,
    /// Liquidations under way: when each ends, and of which market only.
    pub(crate) liquidations: BTreeMap<(Ms, AccountId), Option<usize>>,
    /// When each market's flow steps next.
    pub(crate) flow_steps: BTreeSet<(Ms, usize)>,
    /// What is restricted, by account and market; without a market, everything.
    pub(crate) restrictions: BTreeMap<(AccountId, Option<usize>), Restriction>,
    /// The conditional orders.
    pub(crate) algo: AlgoBook,
    pub(crate) next_mark: Ms,
    pub(crate) next_funding: Ms,
    pub(crate) next_force_id: u64,
    pub(crate) margin_asset: Arc<str>,
    pub(crate) fee_asset: Arc<str>,
}

const HOUSE_MONEY: Decimal = dec!(1000000000000);
const SECOND: Ms = 1_000;

impl Exchange {
    /// Builds an exchange with its books quoted.
    ///
    /// # Errors
    ///
    /// Names what in the configuration does not fit; the caller corrects it.
    pub fn new(config: ExchangeConfig) -> Result<Self, ConfigError> {
        check(&config)?;
        let now = config.start_ms;
        let markets = config.symbols.iter().enumerate().map(|(index, spec)| new_market(&config, index, spec)).collect();
        let by_name: BTreeMap<_, _> =
            config.symbols.iter().enumerate().map(|(index, spec)| (spec.symbol.clone(), index)).collect();
        let mut exchange = Self {
            now,
            markets,
            by_name,
            accounts: BTreeMap::new(),
            rng: Rng::new(config.seed, 1),
            wanted: MarketData::default(),
            events: Vec::new(),
            outbox: Outbox::default(),
            dirty_books: BTreeSet::new(),
            fees: BTreeMap::new(),
            deposits: BTreeMap::new(),
            expiries: BTreeSet::new(),
            countdowns: BTreeSet::new(),
            liquidations: BTreeMap::new(),
            flow_steps: BTreeSet::new(),
            restrictions: BTreeMap::new(),
            algo: AlgoBook::new(config.seed),
            next_mark: now + SECOND - now.rem_euclid(SECOND),
            next_funding: Ms::MAX,
            next_force_id: 1,
            margin_asset: MARGIN_ASSET.into(),
            fee_asset: FEE_ASSET.into(),
            config,
        };
        if let Some(funding) = exchange.config.funding {
            exchange.next_funding = now + funding.interval_ms - now.rem_euclid(funding.interval_ms);
        }
        let fund = exchange.config.insurance_fund;
        for (id, money) in [(MAKER, HOUSE_MONEY), (TAKER, HOUSE_MONEY), (INSURANCE, fund)] {
            exchange
                .open_account(id, &AccountSpec { wallets: vec![(MARGIN_ASSET.to_owned(), money)], hedge: false, leverage: 1 });
        }
        exchange.start_flow();
        exchange.commit();
        exchange.events.clear();
        Ok(exchange)
    }

    /// Opens an account; ids count from 1 in the order of opening.
    pub fn create_account(&mut self, spec: AccountSpec) -> AccountId {
        let count = self.accounts.keys().filter(|id| !is_house(**id)).count();
        let id = AccountId(u32::try_from(count + 1).unwrap_or(u32::MAX));
        self.open_account(id, &spec);
        id
    }

    fn open_account(&mut self, id: AccountId, spec: &AccountSpec) {
        let leverages = self.markets.iter().map(|market| spec.leverage.clamp(1, market.spec.max_leverage())).collect::<Vec<_>>();
        let wallets = spec.wallets.iter().map(|(asset, amount)| (Arc::<str>::from(asset.as_str()), *amount)).collect::<Vec<_>>();
        for (asset, amount) in &wallets {
            *self.deposits.entry(asset.clone()).or_default() += *amount;
        }
        self.accounts.insert(id, Account::new(wallets, spec.hedge, leverages.into_iter(), self.now));
    }

    /// Lists all accounts opened by [`Exchange::create_account`].
    #[must_use]
    pub fn accounts(&self) -> Vec<AccountId> {
        self.accounts.keys().copied().filter(|id| !is_house(*id)).collect()
    }

    /// Gives the configuration it was built with.
    #[must_use]
    pub fn config(&self) -> &ExchangeConfig {
        &self.config
    }

    /// Gives the venue time of the last call.
    #[must_use]
    pub fn now(&self) -> Ms {
        self.now
    }

    /// Takes the events since the last take.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Chooses which market events are produced from now on (none at the beginning).
    pub fn set_market_data(&mut self, wanted: MarketData) {
        self.wanted = wanted;
    }

    /// Finds a symbol.
    pub(crate) fn market_index(&self, symbol: &str) -> Result<usize, ApiError> {
        self.by_name.get(symbol).copied().ok_or_else(ApiError::bad_symbol)
    }

    /// Finds a client's account.
    pub(crate) fn client(&self, id: AccountId) -> Result<&Account, ApiError> {
        self.accounts.get(&id).filter(|_| !is_house(id)).ok_or_else(|| ApiError::new(-1109, "Invalid account."))
    }

    /// Finds a client's account to change it.
    pub(crate) fn client_mut(&mut self, id: AccountId) -> Result<&mut Account, ApiError> {
        self.accounts.get_mut(&id).filter(|_| !is_house(id)).ok_or_else(|| ApiError::new(-1109, "Invalid account."))
    }
}

fn check(config: &ExchangeConfig) -> Result<(), ConfigError> {
    let mut names = BTreeSet::new();
    for spec in &config.symbols {
        spec.validate()?;
        if !names.insert(spec.symbol.clone()) {
            return Err(ConfigError::Duplicate(spec.symbol.to_string()));
        }
    }
    if config.flow.interval_ms <= 0 {
        return Err(ConfigError::Time("flow.interval_ms must be positive"));
    }
    if config.query_lag_ms > config.guarantees.visibility_ms {
        return Err(ConfigError::Time("query_lag_ms may not exceed guarantees.visibility_ms"));
    }
    if config.algo != config.algo.bounded(config.guarantees.visibility_ms) {
        return Err(ConfigError::Time(
            "the delays of algo may not be negative, nor may algo.list_lag_ms exceed guarantees.visibility_ms",
        ));
    }
    if config.funding.is_some_and(|funding| funding.interval_ms <= 0) {
        return Err(ConfigError::Time("funding.interval_ms must be positive"));
    }
    Ok(())
}

fn new_market(config: &ExchangeConfig, index: usize, spec: &SymbolSpec) -> Market {
    let lane = u64::try_from(index).unwrap_or(0) + 16;
    let offset = match config.ids {
        IdSpace::Spread => i64::try_from(index).unwrap_or(0) + 1,
        IdSpace::Colliding => 1,
    };
    Market {
        spec: spec.clone(),
        book: Book::default(),
        orders: BTreeMap::new(),
        mark: spec.start_price,
        tape: Tape::new(config.start_ms, spec.start_price, spec.tick_size, config.seed ^ lane),
        flow: Flow::new(spec, Rng::new(config.seed, lane)),
        fundings: Vec::new(),
        // Above 2^31, as on the venue; a client that keeps them in 32 bits fails here too.
        next_order_id: 8_000_000_000 + offset * 1_000_000_000,
        next_trade_id: offset * 100_000_000,
        sides_booked: 0,
        trades_made: 0,
        told_top: (None, None),
        told_update_id: 0,
    }
}
