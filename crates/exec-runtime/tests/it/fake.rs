//! A venue that does what a test tells it, and remembers what it was asked. Its journal is `disk`.

use async_trait::async_trait;
use exec_core::{
    cl_ord_id::Tag,
    engine::config::{EngineConfig, StrategyConfig},
    exposure::Limits,
    ids::{AccountId, AlgoId, Asset, ClOrdId, InstrumentId, OrderId, StrategyId, TradeId},
    instrument::{Grid, Instrument, TradingStatus},
    report::{Fee, Fill, MassStatus, OrderReport, PositionReport, PriceReport, Quote, Report, ReportBody, VenueStatus},
    time::{ClockReading, VenueTime},
    units::{Amount, PositionMode, PositionSide, Price, Qty, Side, SignedQty},
    venue::{
        AccountSetup, Attempt, Batch, Cancel, CancelAll, CommandError, CommandResult, ExecutionVenue, Fence, InstrumentSetting,
        KeyRights, Lookup, MarginType, MarketNews, OrderRef, PriceFeed, PriceSource, QueryError, Replace, ReportFeed,
        Restriction, Trades, TradesFrom, Unrecognised, VenueClock, VenueProfile,
    },
};
use rust_decimal::Decimal;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};
use tokio::sync::mpsc;

pub(crate) fn btc() -> InstrumentId {
    InstrumentId::new("BTCUSDT-PERP.FAKE").unwrap()
}
pub(crate) fn strategy_id() -> StrategyId {
    StrategyId::new("s1").unwrap()
}
pub(crate) fn price(text: &str) -> Price {
    text.parse().unwrap()
}
pub(crate) fn qty(text: &str) -> Qty {
    text.parse().unwrap()
}

/// What the venue was asked, in order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Call {
    Submit(ClOrdId, Side, Qty),
    Cancel(Option<ClOrdId>),
    CancelAll(InstrumentId),
    OrderStatus(Option<ClOrdId>),
    Mass,
    Trades,
    OpenFeed,
    Clock,
    SetMode(PositionMode),
    SetLeverage(InstrumentId, u32),
    SetMarginType(InstrumentId, MarginType),
    Settings(Vec<InstrumentId>),
    Rights,
    Instruments,
}

/// What the venue does with a new order.
#[derive(Clone, Debug)]
pub(crate) enum OnSubmit {
    Accept,
    /// Never answers.
    Hang,
    Refuse(CommandError),
}

pub(crate) struct State {
    pub(crate) calls: Vec<Call>,
    pub(crate) on_submit: OnSubmit,
    pub(crate) feed_errors: VecDeque<QueryError>,
    /// The open sessions of the private stream, oldest first.
    pub(crate) feeds: Vec<mpsc::UnboundedSender<Result<Report, QueryError>>>,
    /// How long the question for everything takes.
    pub(crate) mass_takes: std::time::Duration,
    pub(crate) price_feed: Option<mpsc::UnboundedSender<MarketNews>>,
    pub(crate) open: BTreeMap<ClOrdId, OrderReport>,
    pub(crate) positions: Vec<PositionReport>,
    pub(crate) mode: PositionMode,
    pub(crate) leverage: u32,
    pub(crate) margin_type: MarginType,
    pub(crate) multi_assets: Option<bool>,
    pub(crate) panics_at_feed: bool,
    /// What the venue has sent that nobody knows, by path.
    pub(crate) unrecognised: BTreeMap<String, u64>,
    /// Questions for settings that fail before one is answered.
    pub(crate) settings_errors: usize,
    /// What is said of the one instrument.
    pub(crate) trading: TradingStatus,
    /// Questions for instruments that fail before one is answered.
    pub(crate) instruments_errors: usize,
    /// What is said of the key.
    pub(crate) rights: Result<Option<KeyRights>, QueryError>,
    pub(crate) clocks: VecDeque<Result<ClockReading, QueryError>>,
    orders: u64,
    trades: u64,
}

impl State {
    fn move_position(&mut self, side: Side, qty: Qty) {
        let change = qty.get() * side.sign();
        match self.positions.iter_mut().find(|p| p.instrument == btc()) {
            Some(position) => position.qty = position.qty.plus(change),
            None => self.positions.push(position(SignedQty::ZERO.plus(change))),
        }
    }
}

/// A position as the venue prints it.
pub(crate) fn position(qty: SignedQty) -> PositionReport {
    PositionReport {
        instrument: btc(),
        leg: PositionSide::Net,
        qty,
        entry_px: Some(price("100")),
        mark_px: None,
        liquidation_px: None,
        unrealized: None,
        leverage: None,
        isolated: None,
        margin: exec_core::report::LegMargin::default(),
    }
}

/// The venue. Cheap to clone; all clones are one venue.
#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) state: Arc<Mutex<State>>,
    profile: VenueProfile,
}

impl Fake {
    pub(crate) fn new() -> Self {
        let state = State {
            calls: Vec::new(),
            on_submit: OnSubmit::Accept,
            feed_errors: VecDeque::new(),
            feeds: Vec::new(),
            mass_takes: std::time::Duration::ZERO,
            price_feed: None,
            open: BTreeMap::new(),
            positions: Vec::new(),
            mode: PositionMode::Netting,
            leverage: 20,
            margin_type: MarginType::Cross,
            multi_assets: Some(false),
            panics_at_feed: false,
            unrecognised: BTreeMap::new(),
            settings_errors: 0,
            trading: TradingStatus::Trading,
            instruments_errors: 0,
            rights: Ok(None),
            clocks: VecDeque::new(),
            orders: 0,
            trades: 0,
        };
        let fence = Some(Fence { engine_margin_ms: 100, visibility_ms: 100 });
        let profile = VenueProfile {
            name: "FAKE",
            fence,
            conditional_fence: fence,
            replace: true,
            conditional: true,
            modes: &[PositionMode::Netting, PositionMode::Hedging],
            cl_ord_id_max: 36,
            forgets_unfilled_after_ms: 259_200_000,
            batch_max: 0,
            rules: &[],
        };
        Self { state: Arc::new(Mutex::new(state)), profile }
    }
    pub(crate) fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap())
    }
    fn note(&self, call: Call) {
        self.with(|s| s.calls.push(call));
    }
    /// Sends something on the open session of prices.
    pub(crate) fn tell(&self, news: MarketNews) {
        self.with(|s| s.price_feed.as_ref().unwrap().send(news)).unwrap();
    }
    pub(crate) fn price(&self, quote: Quote) {
        self.tell(MarketNews::Price(PriceReport { instrument: btc(), quote }));
    }
    pub(crate) fn count(&self, wanted: impl Fn(&Call) -> bool) -> usize {
        self.with(|s| s.calls.iter().filter(|c| wanted(c)).count())
    }
    pub(crate) fn submits(&self) -> Vec<(ClOrdId, Side, Qty)> {
        self.with(|s| {
            let of = |c: &Call| if let Call::Submit(id, side, qty) = c { Some((*id, *side, *qty)) } else { None };
            s.calls.iter().filter_map(of).collect()
        })
    }
    /// Sends an event on every open session of the private stream.
    pub(crate) fn report(&self, body: ReportBody) {
        let report = Report { sent: None, body };
        self.with(|s| s.feeds.retain(|feed| feed.send(Ok(report.clone())).is_ok()));
        assert!(self.sessions_open() > 0, "nobody listens");
    }
    /// How many sessions of the private stream are open.
    pub(crate) fn sessions_open(&self) -> usize {
        self.with(|s| s.feeds.iter().filter(|feed| !feed.is_closed()).count())
    }
    /// Cuts the newest session of the private stream.
    pub(crate) fn cut(&self) {
        self.with(|s| s.feeds.pop().unwrap().send(Err(QueryError::Unavailable("cut".into()))).unwrap());
    }
    /// Cuts the oldest session of the private stream.
    pub(crate) fn cut_oldest(&self) {
        self.with(|s| s.feeds.remove(0).send(Err(QueryError::Unavailable("cut".into()))).unwrap());
    }
    /// Cuts the price stream.
    pub(crate) fn cut_prices(&self) {
        self.with(|s| s.price_feed = None);
    }
    /// Fills an open order in full and reports it.
    pub(crate) fn fill(&self, id: &ClOrdId) {
        let report = self.trade(id);
        self.report(ReportBody::Order(report));
    }
    /// Lets an order trade, and returns the report of it, which costs nothing, instead of telling it.
    pub(crate) fn trade(&self, id: &ClOrdId) -> OrderReport {
        self.with(|s| {
            s.trades += 1;
            let mut report = s.open.remove(id).unwrap();
            let total = report.qty.unwrap();
            s.move_position(report.side, total);
            report.status = VenueStatus::Filled;
            report.cum_qty = Some(total);
            report.updated = report.updated.plus_ms(1);
            report.fill = Some(Fill {
                trade_id: TradeId::from_number(s.trades),
                price: report.kind.and_then(|k| k.price()).unwrap_or_else(|| price("100")),
                qty: total,
                side: report.side,
                maker: false,
                leg: Some(PositionSide::Net),
                fee: Some(Fee { amount: Amount::default(), asset: Asset::new("USDT").unwrap() }),
                realized: None,
                at: report.updated,
            });
            report
        })
    }
}

#[async_trait]
impl ExecutionVenue for Fake {
    fn profile(&self) -> &VenueProfile {
        &self.profile
    }
    async fn instruments(&self) -> Result<Vec<Instrument>, QueryError> {
        self.note(Call::Instruments);
        if self.with(|s| s.instruments_errors > 0) {
            self.with(|s| s.instruments_errors -= 1);
            return Err(QueryError::Unavailable("not now".into()));
        }
        let grid = |min, max, step| Grid { min, max, step };
        let lot = grid(Decimal::new(1, 3), Decimal::from(1_000), Decimal::new(1, 3));
        Ok(vec![Instrument {
            id: btc(),
            symbol: "BTCUSDT".into(),
            base: Asset::new("BTC").unwrap(),
            quote: Asset::new("USDT").unwrap(),
            settle: Asset::new("USDT").unwrap(),
            status: self.with(|s| s.trading),
            price: grid(Decimal::new(1, 1), Decimal::from(1_000_000), Decimal::new(1, 1)),
            lot,
            market_lot: lot,
            notional_min: Decimal::from(5),
            percent_price: None,
            open_orders_max: None,
            delivery: None,
        }])
    }
    async fn open_feed(&self) -> Result<Box<dyn ReportFeed>, QueryError> {
        self.note(Call::OpenFeed);
        assert!(!self.with(|s| s.panics_at_feed), "an adapter with a defect");
        self.with(|s| {
            if let Some(error) = s.feed_errors.pop_front() {
                return Err(error);
            }
            let (sender, receiver) = mpsc::unbounded_channel();
            s.feeds.push(sender);
            Ok(Box::new(Feed(receiver)) as Box<dyn ReportFeed>)
        })
    }
    async fn submit(&self, attempt: Attempt) -> CommandResult {
        let terms = &attempt.terms;
        self.note(Call::Submit(attempt.cl_ord_id, terms.side, terms.qty.unwrap()));
        match self.with(|s| s.on_submit.clone()) {
            OnSubmit::Hang => std::future::pending().await,
            OnSubmit::Refuse(error) => Err(error),
            OnSubmit::Accept => {
                let report = self.with(|s| {
                    s.orders += 1;
                    let report = OrderReport {
                        cl_ord_id: Some(attempt.cl_ord_id),
                        order_id: (!terms.kind.is_conditional()).then(|| OrderId::from_number(s.orders)),
                        algo_id: terms.kind.is_conditional().then(|| AlgoId::from_number(s.orders)),
                        instrument: terms.instrument.clone(),
                        side: terms.side,
                        leg: Some(terms.leg),
                        status: VenueStatus::New,
                        kind: Some(terms.kind),
                        qty: terms.qty,
                        reduce_only: terms.is_closing(),
                        close_all: false,
                        cum_qty: Some(Qty::ZERO),
                        avg_px: None,
                        updated: attempt.timestamp,
                        created: Some(attempt.timestamp),
                        fill: None,
                        replaced_by: None,
                        text: None,
                        made_by: None,
                        activated: false,
                    };
                    s.open.insert(attempt.cl_ord_id, report.clone());
                    report
                });
                Ok(Box::new(report))
            }
        }
    }
    async fn batch(&self, batch: Batch) -> Vec<CommandResult> {
        let mut results = Vec::new();
        match batch {
            Batch::Submit(all) => {
                for attempt in all {
                    results.push(self.submit(attempt).await);
                }
            }
            Batch::Replace(all) => {
                for replace in all {
                    results.push(self.replace(replace).await);
                }
            }
            Batch::Cancel(all) => {
                for cancel in all {
                    results.push(self.cancel(cancel).await);
                }
            }
        }
        results
    }
    async fn positions(&self, _: &[InstrumentId]) -> Result<Vec<PositionReport>, QueryError> {
        Ok(self.with(|s| s.positions.clone()))
    }
    fn unrecognised(&self) -> Vec<Unrecognised> {
        self.with(|s| s.unrecognised.iter().map(|(path, count)| Unrecognised { path: path.clone(), count: *count }).collect())
    }
    /// Never answers.
    async fn replace(&self, _replace: Replace) -> CommandResult {
        std::future::pending().await
    }
    async fn cancel(&self, cancel: Cancel) -> CommandResult {
        self.note(Call::Cancel(cancel.order.cl_ord_id));
        let found = cancel.order.cl_ord_id.and_then(|id| self.with(|s| s.open.remove(&id)));
        match found {
            Some(mut report) => {
                report.status = VenueStatus::Canceled;
                Ok(Box::new(report))
            }
            None => Err(CommandError::Unknown { why: "no such order in this test".into(), live: false }),
        }
    }
    async fn cancel_all(&self, scope: CancelAll) -> Result<(), CommandError> {
        self.note(Call::CancelAll(scope.instrument));
        Ok(())
    }
    async fn order_status(&self, order: OrderRef) -> Result<Lookup, QueryError> {
        self.note(Call::OrderStatus(order.cl_ord_id));
        let found = order.cl_ord_id.and_then(|id| self.with(|s| s.open.get(&id).cloned()));
        Ok(found.map_or(Lookup::Absent, |report| Lookup::Found(Box::new(report))))
    }
    async fn mass_status(&self, instruments: &[InstrumentId]) -> Result<MassStatus, QueryError> {
        self.note(Call::Mass);
        let takes = self.with(|s| s.mass_takes);
        if !takes.is_zero() {
            tokio::time::sleep(takes).await;
        }
        Ok(self.with(|s| MassStatus {
            asked: VenueTime(0),
            mode: s.mode,
            open_orders: s.open.values().cloned().collect(),
            positions: s.positions.clone(),
            balances: Vec::new(),
            high_water: instruments.iter().map(|i| (i.clone(), (s.trades > 0).then(|| TradeId::from_number(s.trades)))).collect(),
        }))
    }
    async fn restrictions(&self, _: &[InstrumentId]) -> Result<Vec<Restriction>, QueryError> {
        Ok(Vec::new())
    }
    async fn trades_since(&self, _instrument: &InstrumentId, _from: TradesFrom) -> Result<Trades, QueryError> {
        self.note(Call::Trades);
        Ok(Trades { trades: Vec::new(), complete: true })
    }
}

struct Feed(mpsc::UnboundedReceiver<Result<Report, QueryError>>);

#[async_trait]
impl ReportFeed for Feed {
    async fn next(&mut self) -> Result<Report, QueryError> {
        self.0.recv().await.unwrap_or_else(|| Err(QueryError::Unavailable("closed".into())))
    }
}

struct Prices(mpsc::UnboundedReceiver<MarketNews>);

#[async_trait]
impl PriceFeed for Prices {
    async fn next(&mut self) -> Result<MarketNews, QueryError> {
        self.0.recv().await.ok_or_else(|| QueryError::Unavailable("closed".into()))
    }
}

#[async_trait]
impl PriceSource for Fake {
    async fn open_prices(&self, _instruments: &[InstrumentId]) -> Result<Box<dyn PriceFeed>, QueryError> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.with(|s| s.price_feed = Some(sender));
        Ok(Box::new(Prices(receiver)))
    }
}

#[async_trait]
impl VenueClock for Fake {
    async fn read_clock(&self) -> Result<ClockReading, QueryError> {
        self.note(Call::Clock);
        self.with(|s| s.clocks.pop_front()).unwrap_or(Ok(ClockReading { offset_ms: 0, error_ms: 1 }))
    }
}

#[async_trait]
impl AccountSetup for Fake {
    async fn key_rights(&self) -> Result<Option<KeyRights>, QueryError> {
        self.note(Call::Rights);
        self.with(|s| s.rights.clone())
    }
    async fn position_mode(&self) -> Result<PositionMode, QueryError> {
        Ok(self.with(|s| s.mode))
    }
    async fn set_position_mode(&self, mode: PositionMode) -> Result<(), CommandError> {
        self.note(Call::SetMode(mode));
        self.with(|s| s.mode = mode);
        Ok(())
    }
    async fn multi_assets(&self) -> Result<Option<bool>, QueryError> {
        Ok(self.with(|s| s.multi_assets))
    }
    async fn instrument_settings(&self, instruments: &[InstrumentId]) -> Result<Vec<InstrumentSetting>, QueryError> {
        self.note(Call::Settings(instruments.to_vec()));
        if self.with(|s| s.settings_errors > 0) {
            self.with(|s| s.settings_errors -= 1);
            return Err(QueryError::Unavailable("no route".into()));
        }
        let leverage = self.with(|s| s.leverage);
        let setting = |i: &InstrumentId| InstrumentSetting {
            instrument: i.clone(),
            leverage: Some(leverage),
            margin_type: Some(self.with(|s| s.margin_type)),
            notional_max: None,
        };
        Ok(instruments.iter().map(setting).collect())
    }
    async fn set_leverage(&self, instrument: &InstrumentId, leverage: u32) -> Result<(), CommandError> {
        self.note(Call::SetLeverage(instrument.clone(), leverage));
        self.with(|s| s.leverage = leverage);
        Ok(())
    }
    async fn set_margin_type(&self, instrument: &InstrumentId, margin_type: MarginType) -> Result<(), CommandError> {
        self.note(Call::SetMarginType(instrument.clone(), margin_type));
        self.with(|s| s.margin_type = margin_type);
        Ok(())
    }
}

pub(crate) fn engine_config(account: &str) -> EngineConfig {
    EngineConfig {
        account: AccountId::new(account).unwrap(),
        account_number: 1,
        tag: Tag::new("t").unwrap(),
        mode: PositionMode::Netting,
        strategies: vec![StrategyConfig {
            id: strategy_id(),
            instruments: vec![btc()],
            external_order_claims: Vec::new(),
            protection: exec_core::engine::config::ProtectionPolicy::Exit,
            time_to_protect_max_ms: 2_000,
        }],
        limits: Limits {
            order_notional_max: Decimal::from(1_000_000),
            position_notional_max: Decimal::from(1_000_000),
            open_orders_max: 100,
            collar: Decimal::new(1, 2),
        },
        order_recv_window_ms: 2_000,
        max_retries: 0,
        retry_delay_initial_ms: 100,
        retry_delay_max_ms: 1_000,
        retry_age_ms: 1_000,
        in_doubt_max: 1,
        clock_error_max_ms: 500,
        startup_delay_ms: 0,
        sweep_interval_ms: 0,
        reconciliation: true,
        // Prices are told once, and time passes in hours.
        sharing: exec_core::engine::config::Sharing::default(),
        staleness: exec_core::engine::config::Staleness { quote_max_age_ms: 0 },
        differences: exec_core::unequal::DifferenceRules::default(),
        memory: exec_core::engine::config::Memory::default(),
        stream: exec_core::engine::config::StreamCare::default(),
        dead_man: exec_core::engine::config::DeadMan::default(),
        breakers: exec_core::engine::breaker::Breakers {
            slow_calls: 0,
            starts: 0,
            ..exec_core::engine::breaker::Breakers::default()
        },
        bounds: exec_core::limits::Bounds::default(),
        solvency: exec_core::limits::Solvency::default(),
    }
}
