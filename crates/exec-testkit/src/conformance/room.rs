//! The room in which a check runs: the account, its ids, and calls that have a deadline. It judges nothing but that.

use std::{
    cell::Cell,
    fmt::Debug,
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
};

use exec_core::{
    ids::{ClOrdId, Epoch, InstrumentId, RequestId},
    instrument::Instrument,
    report::{MassStatus, OrderReport, Report, ReportBody, TradeReport},
    terms::{Intention, OrderKind, Terms, TimeInForce},
    time::VenueTime,
    units::{PositionMode, PositionSide, Price, Qty, Side},
    venue::{
        Attempt, Cancel, CommandResult, ExecutionVenue, Lookup, OrderRef, QueryError, Replace, ReportFeed, TradesFrom,
        VenueProfile,
    },
};
use rust_decimal::Decimal;

use super::{FreshAccount, Hand, Stop};

/// No call may take longer.
/// How far before now a check begins to read: more than any clock is estimated wrongly by.
const BEFORE_MS: i64 = 60_000;
const DEADLINE_MS: u64 = 30_000;
/// What an effect may take until it is seen everywhere.
const SEEN_WITHIN_MS: u64 = 10_000;
/// The window that requests are signed with.
pub(super) const WINDOW_MS: u64 = 2_000;

pub(super) struct Room {
    account: Box<dyn FreshAccount>,
    mode: PositionMode,
    pub(super) instrument: Instrument,
    ids: Cell<u64>,
}

/// A condition that must hold.
pub(super) fn expect(holds: bool, expected: &str, came: &dyn Debug) -> Result<(), Stop> {
    if holds { Ok(()) } else { Err(Stop::Failed { expected: expected.to_owned(), came: format!("{came:?}") }) }
}

/// A value that must be there.
pub(super) fn some<T>(value: Option<T>, expected: &str, came: &dyn Debug) -> Result<T, Stop> {
    value.ok_or_else(|| Stop::Failed { expected: expected.to_owned(), came: format!("{came:?}") })
}

/// An answer that must be a good one.
pub(super) fn good<T, E: Debug>(answer: Result<T, E>, expected: &str) -> Result<T, Stop> {
    answer.map_err(|error| Stop::Failed { expected: expected.to_owned(), came: format!("{error:?}") })
}

/// The first of two futures; `None` if time was first.
async fn first<T>(wanted: impl Future<Output = T>, time: Pin<&mut impl Future<Output = ()>>) -> Option<T> {
    let (mut wanted, mut time) = (pin!(wanted), time);
    poll_fn(|context| match wanted.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => time.as_mut().poll(context).map(|()| None),
    })
    .await
}

impl Room {
    pub(super) async fn enter(account: Box<dyn FreshAccount>, mode: PositionMode) -> Result<Self, Stop> {
        let id = account.instrument();
        let listed = good(account.venue().instruments().await, "the instruments can be read")?;
        let instrument = listed.iter().find(|instrument| instrument.id == id).cloned();
        let instrument = some(instrument, "the instrument of the test is listed", &listed)?;
        Ok(Self { account, mode, instrument, ids: Cell::new(0) })
    }

    pub(super) fn venue(&self) -> &dyn ExecutionVenue {
        self.account.venue()
    }
    pub(super) fn profile(&self) -> &VenueProfile {
        self.venue().profile()
    }
    pub(super) fn mode(&self) -> PositionMode {
        self.mode
    }
    pub(super) fn id(&self) -> &InstrumentId {
        &self.instrument.id
    }
    pub(super) fn qty(&self) -> Qty {
        self.account.qty()
    }
    pub(super) fn now(&self) -> VenueTime {
        self.account.now()
    }
    /// A moment before anything was done on the fresh account: what a venue's clock is estimated at may be ahead of it.
    pub(super) fn before(&self) -> VenueTime {
        VenueTime(self.now().0.saturating_sub(BEFORE_MS))
    }
    pub(super) async fn sleep(&self, ms: u64) {
        self.account.sleep(ms).await;
    }
    pub(super) async fn hand(&self, hand: Hand) -> Result<(), Stop> {
        Ok(self.account.hand(hand).await?)
    }
    /// The leg that a buy opens.
    pub(super) fn leg(&self) -> PositionSide {
        match self.mode {
            PositionMode::Netting => PositionSide::Net,
            PositionMode::Hedging => PositionSide::Long,
        }
    }

    /// So much of the price at which the instrument trades, on its grid.
    pub(super) async fn priced(&self, percent: i64) -> Result<Price, Stop> {
        let price = self.account.price().await;
        let part = self.instrument.price_floor(price.get() * Decimal::new(percent, 2));
        some(part, "the price of the test is one", &price)
    }

    /// A new client order id.
    pub(super) fn cl_ord_id(&self) -> Result<ClOrdId, Stop> {
        self.ids.set(self.ids.get() + 1);
        good(ClOrdId::new(&format!("suite-{}", self.ids.get())), "an id")
    }
    pub(super) fn request(&self) -> RequestId {
        self.ids.set(self.ids.get() + 1);
        RequestId(self.ids.get())
    }

    pub(super) fn market(&self, side: Side) -> Terms {
        self.terms(side, OrderKind::Market)
    }
    pub(super) fn terms(&self, side: Side, kind: OrderKind) -> Terms {
        let (instrument, leg, qty) = (self.id().clone(), self.leg(), Some(self.qty()));
        Terms { instrument, side, leg, intention: Intention::Open, qty, kind, stp: None }
    }
    pub(super) fn closing(&self, side: Side, kind: OrderKind) -> Terms {
        Terms { intention: Intention::Reduce, ..self.terms(side, kind) }
    }
    /// A buy far below the market.
    pub(super) async fn resting(&self) -> Result<Terms, Stop> {
        let price = self.priced(92).await?.into();
        Ok(self.terms(Side::Buy, OrderKind::Limit { price, tif: TimeInForce::Gtc }))
    }

    pub(super) fn attempt(&self, terms: Terms) -> Result<Attempt, Stop> {
        let timestamp = self.now();
        let begin_by = timestamp.plus_ms(WINDOW_MS);
        Ok(Attempt { cl_ord_id: self.cl_ord_id()?, terms, timestamp, recv_window_ms: WINDOW_MS, epoch: Epoch(1), begin_by })
    }

    /// Waits for a call, but not for ever.
    pub(super) async fn within<T>(&self, call: &str, answer: impl Future<Output = T>) -> Result<T, Stop> {
        let time = pin!(self.sleep(DEADLINE_MS));
        let answer = first(answer, time).await;
        some(answer, &format!("`{call}` ends within {DEADLINE_MS} ms, well or badly"), &"nothing")
    }

    pub(super) async fn submit(&self, attempt: &Attempt) -> Result<CommandResult, Stop> {
        self.within("submit", self.venue().submit(attempt.clone())).await
    }
    /// Places an order that must be taken in.
    pub(super) async fn place(&self, terms: Terms) -> Result<(Attempt, OrderReport), Stop> {
        let attempt = self.attempt(terms)?;
        let report = good(self.submit(&attempt).await?, "the order is taken in")?;
        Ok((attempt, *report))
    }
    pub(super) async fn cancel(&self, order: OrderRef) -> Result<CommandResult, Stop> {
        let request = self.request();
        self.within("cancel", self.venue().cancel(Cancel { request, order })).await
    }
    pub(super) async fn replace(&self, order: OrderRef, qty: Qty, price: Price) -> Result<(RequestId, CommandResult), Stop> {
        let (request, timestamp) = (self.request(), self.now());
        let replace = Replace { request, order, side: Side::Buy, qty, price, timestamp, recv_window_ms: WINDOW_MS };
        Ok((request, self.within("replace", self.venue().replace(replace)).await?))
    }

    /// How the order of an attempt is named before anything is known of it.
    pub(super) fn named(&self, attempt: &Attempt) -> OrderRef {
        OrderRef {
            instrument: attempt.terms.instrument.clone(),
            cl_ord_id: Some(attempt.cl_ord_id),
            order_id: None,
            algo_id: None,
            conditional: attempt.terms.kind.is_conditional(),
            triggered: false,
            since: attempt.timestamp,
        }
    }

    pub(super) async fn look(&self, order: &OrderRef) -> Result<Result<Lookup, QueryError>, Stop> {
        self.within("order_status", self.venue().order_status(order.clone())).await
    }
    /// The order must be there; a venue may take a moment to show it.
    pub(super) async fn found(&self, order: &OrderRef) -> Result<OrderReport, Stop> {
        self.eventually("the order is found", async || match self.look(order).await? {
            Ok(Lookup::Found(report)) => Ok(Ok(*report)),
            other => Ok(Err(format!("{other:?}"))),
        })
        .await
    }
    /// The order must not be there, now and a while later.
    pub(super) async fn absent(&self, attempt: &Attempt) -> Result<(), Stop> {
        for _ in 0..2 {
            let looked = self.look(&self.named(attempt)).await?;
            expect(looked == Ok(Lookup::Absent), "the order is absent", &looked)?;
            self.sleep(200).await;
        }
        let held = self.mass_status().await?.open_orders;
        expect(!held.iter().any(|o| o.cl_ord_id == Some(attempt.cl_ord_id)), "it is in no list of open orders", &held)
    }

    pub(super) async fn mass_status(&self) -> Result<MassStatus, Stop> {
        let asked = [self.id().clone()];
        good(self.within("mass_status", self.venue().mass_status(&asked)).await?, "the mass status can be read")
    }
    /// What the leg holds, by the query for positions.
    pub(super) async fn held(&self, leg: PositionSide) -> Result<Decimal, Stop> {
        let asked = [self.id().clone()];
        let rows = good(self.within("positions", self.venue().positions(&asked)).await?, "the positions can be read")?;
        Ok(rows.iter().filter(|row| row.instrument == *self.id() && row.leg == leg).map(|row| row.qty.get()).sum())
    }
    /// The leg must come to hold this.
    pub(super) async fn holds(&self, leg: PositionSide, wanted: Decimal) -> Result<(), Stop> {
        self.eventually(&format!("{leg:?} holds {wanted}"), async || {
            let held = self.held(leg).await?;
            Ok(if held == wanted { Ok(()) } else { Err(held.to_string()) })
        })
        .await
    }
    /// All trades from there on: a list that is not complete is asked for again after its last trade.
    pub(super) async fn trades(&self, from: TradesFrom) -> Result<Vec<TradeReport>, Stop> {
        let (mut all, mut from) = (Vec::<TradeReport>::new(), from);
        loop {
            let asked = self.within("trades_since", self.venue().trades_since(self.id(), from)).await?;
            let page = good(asked, "the trades can be read")?;
            all.extend(page.trades);
            match all.last() {
                Some(last) if !page.complete => from = TradesFrom::After(last.fill.trade_id),
                _ => return Ok(all),
            }
        }
    }

    /// Asks until the answer is a good one.
    pub(super) async fn eventually<T>(
        &self,
        expected: &str,
        ask: impl AsyncFn() -> Result<Result<T, String>, Stop>,
    ) -> Result<T, Stop> {
        let mut waited = 0;
        loop {
            match ask().await? {
                Ok(found) => return Ok(found),
                Err(came) if waited >= SEEN_WITHIN_MS => {
                    return Err(Stop::Failed { expected: format!("within {SEEN_WITHIN_MS} ms: {expected}"), came });
                }
                Err(_) => waited += 50,
            }
            self.sleep(50).await;
        }
    }

    pub(super) async fn feed(&self) -> Result<Box<dyn ReportFeed>, Stop> {
        good(self.within("open_feed", self.venue().open_feed()).await?, "a session of the private stream opens")
    }
    /// Reads a session until something that is wanted is told.
    pub(super) async fn hear(
        &self,
        feed: &mut Box<dyn ReportFeed>,
        wanted: &str,
        mut is: impl FnMut(&ReportBody) -> bool,
    ) -> Result<Vec<Report>, Stop> {
        let mut heard = Vec::new();
        let mut time = pin!(self.sleep(SEEN_WITHIN_MS));
        loop {
            match first(feed.next(), time.as_mut()).await {
                Some(Ok(report)) => {
                    let found = is(&report.body);
                    heard.push(report);
                    if found {
                        return Ok(heard);
                    }
                }
                Some(Err(error)) => {
                    return Err(Stop::Failed { expected: wanted.to_owned(), came: format!("the session's end: {error}") });
                }
                None => return Err(Stop::Failed { expected: wanted.to_owned(), came: format!("only {heard:?}") }),
            }
        }
    }
}

/// The same order, named by the venue's number only.
pub(super) fn by_number(report: &OrderReport, named: &OrderRef) -> OrderRef {
    OrderRef { cl_ord_id: None, order_id: report.order_id, algo_id: report.algo_id, ..named.clone() }
}
