//! A paper venue: market orders fill at once at a fixed price, limit orders rest until they are cancelled. Not an exchange: it has
//! no book, no margin and no other traders. It shows what an adapter owes the engine, and nothing else.

use async_trait::async_trait;
use exec_core::{
    ids::{Asset, ClOrdId, InstrumentId, OrderId, TradeId},
    instrument::{Grid, Instrument, TradingStatus},
    report::{
        AccountReport, BalanceReport, Fee, Fill, MassStatus, OrderReport, PositionReport, PriceReport, Quote, Report, ReportBody,
        TradeReport, VenueStatus,
    },
    terms::{Intention, OrderKind, Terms},
    time::VenueTime,
    units::{Amount, PositionMode, PositionSide, Price, Qty, SignedQty},
    venue::{
        Attempt, Batch, Cancel, CancelAll, CommandError, CommandResult, ExecutionVenue, Lookup, OrderRef, PriceFeed, PriceSource,
        QueryError, RejectClass, Rejection, Replace, ReportFeed, Trades, TradesFrom, Unrecognised, VenueProfile,
    },
};
use node_config::Clock;
use rust_decimal::Decimal;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// The paper venue. It lives in this process and forgets everything with it. Clones are one venue.
#[derive(Clone)]
pub(crate) struct PaperVenue(Arc<Desk>);

struct Desk {
    profile: VenueProfile,
    instrument: Instrument,
    price: Price,
    clock: Clock,
    state: Mutex<State>,
    news: Notify,
}

#[derive(Default)]
struct State {
    orders: BTreeMap<ClOrdId, OrderReport>,
    trades: Vec<TradeReport>,
    position: Decimal,
    wallet: Decimal,
    /// What the private stream has not yet carried.
    stream: VecDeque<Report>,
}

impl PaperVenue {
    /// A venue that trades one thing at one price.
    pub(crate) fn new(id: InstrumentId, price: Price, clock: Clock) -> Result<Self, exec_core::ids::IdError> {
        let any = |step| Grid { min: step, max: Decimal::ZERO, step };
        let instrument = Instrument {
            symbol: id.symbol().to_owned(),
            base: Asset::new(id.symbol())?,
            id,
            quote: Asset::new("CASH")?,
            settle: Asset::new("CASH")?,
            status: TradingStatus::Trading,
            price: any(Decimal::new(1, 2)),
            lot: any(Decimal::ONE),
            market_lot: any(Decimal::ONE),
            notional_min: Decimal::ZERO,
            percent_price: None,
            open_orders_max: None,
        };
        // It answers in this process at once or not at all, so it has no fence, and no outcome is ever unknown.
        let profile = VenueProfile {
            name: "PAPER",
            fence: None,
            conditional_fence: None,
            replace: false,
            conditional: false,
            modes: &[PositionMode::Netting],
            cl_ord_id_max: 36,
            forgets_unfilled_after_ms: u64::MAX,
            batch_max: 0,
            rules: &[],
        };
        let (state, news) = (Mutex::default(), Notify::new());
        Ok(Self(Arc::new(Desk { profile, instrument, price, clock, state, news })))
    }
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn now(&self) -> VenueTime {
        VenueTime(i64::try_from(self.clock.now().as_ms()).unwrap_or(i64::MAX))
    }
    fn tell(&self, state: &mut State, body: ReportBody) {
        state.stream.push_back(Report { sent: Some(self.now()), body });
        self.news.notify_one();
    }
    fn position(&self, state: &State) -> PositionReport {
        PositionReport {
            instrument: self.instrument.id.clone(),
            leg: PositionSide::Net,
            qty: SignedQty::new(state.position).unwrap_or_default(),
            entry_px: None,
            mark_px: Some(self.price),
            liquidation_px: None,
            unrealized: None,
            leverage: None,
            isolated: None,
        }
    }
    fn balance(&self, state: &State) -> BalanceReport {
        BalanceReport {
            asset: self.instrument.quote.clone(),
            wallet: Amount::new(state.wallet).unwrap_or_default(),
            available: None,
        }
    }

    /// Fills a market order: the trade, the new balance and position, and the order as it stands then.
    fn fill(&self, state: &mut State, order: &mut OrderReport, qty: Qty) {
        let fee = Fee { amount: Amount::ZERO, asset: self.instrument.quote.clone() };
        let fill = Fill {
            trade_id: TradeId::from_number(state.trades.len() as u64 + 1),
            price: self.price,
            qty,
            side: order.side,
            maker: false,
            leg: Some(PositionSide::Net),
            fee: Some(fee),
            realized: Some(Amount::ZERO),
            at: self.now(),
        };
        state.position += qty.get() * order.side.sign();
        let order_id = order.order_id.unwrap_or(OrderId::from_number(0));
        state.trades.push(TradeReport {
            instrument: order.instrument.clone(),
            cl_ord_id: order.cl_ord_id,
            order_id,
            fill: fill.clone(),
        });
        (order.status, order.cum_qty, order.fill) = (VenueStatus::Filled, Some(qty), Some(fill));
        let (balances, positions) = (vec![self.balance(state)], vec![self.position(state)]);
        self.tell(state, ReportBody::Account(AccountReport { reason: "ORDER".into(), at: self.now(), balances, positions }));
    }

    fn accepted(&self, state: &State, id: ClOrdId, terms: &Terms) -> OrderReport {
        OrderReport {
            cl_ord_id: Some(id),
            order_id: Some(OrderId::from_number(state.orders.len() as u64 + 1)),
            algo_id: None,
            instrument: terms.instrument.clone(),
            side: terms.side,
            leg: Some(PositionSide::Net),
            status: VenueStatus::New,
            kind: Some(terms.kind),
            qty: terms.qty,
            reduce_only: terms.intention == Intention::Reduce,
            close_all: false,
            cum_qty: Some(Qty::ZERO),
            avg_px: None,
            updated: self.now(),
            created: Some(self.now()),
            fill: None,
            replaced_by: None,
            text: None,
            made_by: None,
            activated: false,
        }
    }
}

fn refuse(class: RejectClass, text: &str) -> CommandError {
    CommandError::Rejected(Rejection { class, code: -1, text: text.into() })
}

#[async_trait]
impl ExecutionVenue for PaperVenue {
    fn profile(&self) -> &VenueProfile {
        &self.0.profile
    }

    async fn instruments(&self) -> Result<Vec<Instrument>, QueryError> {
        Ok(vec![self.0.instrument.clone()])
    }

    async fn open_feed(&self) -> Result<Box<dyn ReportFeed>, QueryError> {
        // What happened before belongs to older sessions; the comparison that follows finds it.
        self.0.lock().stream.clear();
        Ok(Box::new(Session(self.clone())))
    }

    async fn submit(&self, attempt: Attempt) -> CommandResult {
        let mut state = self.0.lock();
        if state.orders.contains_key(&attempt.cl_ord_id) {
            // The id is the proof that this attempt was here before.
            return Err(CommandError::Unknown { why: "the id was used before".into(), live: true });
        }
        let Some(qty) = attempt.terms.qty else { return Err(refuse(RejectClass::Invalid, "an order needs a quantity")) };
        let mut order = self.0.accepted(&state, attempt.cl_ord_id, &attempt.terms);
        if matches!(attempt.terms.kind, OrderKind::Market) {
            self.0.fill(&mut state, &mut order, qty);
        }
        state.orders.insert(attempt.cl_ord_id, OrderReport { fill: None, ..order.clone() });
        self.0.tell(&mut state, ReportBody::Order(order.clone()));
        Ok(Box::new(order))
    }

    async fn batch(&self, _batch: Batch) -> Vec<CommandResult> {
        // The profile says that there are none.
        Vec::new()
    }

    async fn positions(&self, instruments: &[InstrumentId]) -> Result<Vec<PositionReport>, QueryError> {
        let state = self.0.lock();
        Ok(if instruments.contains(&self.0.instrument.id) { vec![self.0.position(&state)] } else { Vec::new() })
    }

    fn unrecognised(&self) -> Vec<Unrecognised> {
        // It speaks our words already.
        Vec::new()
    }

    async fn replace(&self, _replace: Replace) -> CommandResult {
        // The profile says so, and the engine denies it before it comes here.
        Err(refuse(RejectClass::Invalid, "orders cannot be changed here"))
    }

    async fn cancel(&self, cancel: Cancel) -> CommandResult {
        let mut state = self.0.lock();
        let now = self.0.now();
        let found = state.orders.values_mut().find(|order| is(order, &cancel.order) && !order.status.is_final());
        let Some(order) = found else { return Err(refuse(RejectClass::NotOnBook, "no such order on the book")) };
        (order.status, order.updated) = (VenueStatus::Canceled, now);
        let order = order.clone();
        self.0.tell(&mut state, ReportBody::Order(order.clone()));
        Ok(Box::new(order))
    }

    async fn cancel_all(&self, scope: CancelAll) -> Result<(), CommandError> {
        let mut state = self.0.lock();
        let mut ended = Vec::new();
        for order in state.orders.values_mut().filter(|o| o.instrument == scope.instrument && !o.status.is_final()) {
            order.status = VenueStatus::Canceled;
            ended.push(order.clone());
        }
        ended.into_iter().for_each(|order| self.0.tell(&mut state, ReportBody::Order(order)));
        Ok(())
    }

    async fn order_status(&self, order: OrderRef) -> Result<Lookup, QueryError> {
        let state = self.0.lock();
        let found = state.orders.values().find(|known| is(known, &order));
        Ok(found.map_or(Lookup::Absent, |order| Lookup::Found(Box::new(order.clone()))))
    }

    async fn mass_status(&self, _instruments: &[InstrumentId]) -> Result<MassStatus, QueryError> {
        let state = self.0.lock();
        Ok(MassStatus {
            asked: self.0.now(),
            mode: PositionMode::Netting,
            open_orders: state.orders.values().filter(|o| !o.status.is_final()).cloned().collect(),
            positions: vec![self.0.position(&state)],
            balances: vec![self.0.balance(&state)],
            high_water: vec![(self.0.instrument.id.clone(), state.trades.last().map(|t| t.fill.trade_id))],
        })
    }

    async fn trades_since(&self, _instrument: &InstrumentId, from: TradesFrom) -> Result<Trades, QueryError> {
        let after = |trade: &&TradeReport| match &from {
            TradesFrom::After(id) => trade.fill.trade_id > *id,
            TradesFrom::Time(time) => trade.fill.at >= *time,
        };
        Ok(Trades { trades: self.0.lock().trades.iter().filter(after).cloned().collect(), complete: true })
    }
}

fn is(order: &OrderReport, wanted: &OrderRef) -> bool {
    order.instrument == wanted.instrument
        && match wanted.order_id {
            Some(id) => order.order_id == Some(id),
            None => order.cl_ord_id == wanted.cl_ord_id,
        }
}

/// A session of the private stream.
struct Session(PaperVenue);

#[async_trait]
impl ReportFeed for Session {
    async fn next(&mut self) -> Result<Report, QueryError> {
        let desk = &self.0.0;
        loop {
            let next = desk.lock().stream.pop_front();
            match next {
                Some(report) => return Ok(report),
                None => desk.news.notified().await,
            }
        }
    }
}

/// A session of prices: the one price, once.
struct Prices(Option<PriceReport>);

#[async_trait]
impl PriceFeed for Prices {
    async fn next(&mut self) -> Result<PriceReport, QueryError> {
        match self.0.take() {
            Some(price) => Ok(price),
            None => std::future::pending().await,
        }
    }
}

#[async_trait]
impl PriceSource for PaperVenue {
    async fn open_prices(&self, _instruments: &[InstrumentId]) -> Result<Box<dyn PriceFeed>, QueryError> {
        let price = Some(self.0.price);
        let quote = Quote { bid: price, ask: price, mark: price };
        Ok(Box::new(Prices(Some(PriceReport { instrument: self.0.instrument.id.clone(), quote }))))
    }
}
