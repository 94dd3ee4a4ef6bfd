//! The venue of a world with sockets: the adapter itself, and a watch on what leaves for it and what comes back. It changes neither.
//! A process that is dead sends nothing more and hears nothing.

use super::seat::Seat;
use async_trait::async_trait;
use binance_adapter::BinanceUsdm;
use exchange_sim::{face::Face, types::AccountId};
use exec_core::{
    conversation::{Outcome, Request, Urgency},
    ids::{InstrumentId, RequestId},
    instrument::Instrument,
    report::{MassStatus, PositionReport},
    venue::{
        Attempt, Batch, Cancel, CancelAll, CommandError, CommandResult, ExecutionVenue, Lookup, OrderRef, QueryError, Replace,
        ReportFeed, Restriction, Trades, TradesFrom, Unrecognised, VenueProfile,
    },
};
use std::{future::pending, sync::Arc};

/// The adapter of one life.
pub(crate) struct Watched {
    pub(crate) adapter: Arc<BinanceUsdm>,
    pub(crate) seat: Arc<Seat>,
    pub(crate) face: Face,
    pub(crate) account: AccountId,
    pub(crate) life: u32,
}

/// The port gives no number where it needs none.
const UNNUMBERED: RequestId = RequestId(0);

impl Watched {
    async fn leaves(&self, request: &Request) {
        if !self.seat.leaves(self.life, request) {
            pending::<()>().await;
        }
    }

    async fn heard(&self, request: &Request, outcome: &Outcome) {
        if !self.seat.answered(self.life, request, outcome, &self.face, self.account) {
            pending::<()>().await;
        }
    }

    async fn one(&self, request: Request, call: impl Future<Output = CommandResult>) -> CommandResult {
        self.leaves(&request).await;
        let outcome = Outcome::Order(call.await);
        self.heard(&request, &outcome).await;
        match outcome {
            Outcome::Order(result) => result,
            Outcome::All(_) => Err(CommandError::Unknown { why: "another answer".to_owned(), live: false }),
        }
    }

    fn note<T>(&self, what: &str, said: &Result<T, QueryError>, words: impl FnOnce(&T) -> String) {
        let mut inner = self.seat.lock();
        inner.tally.count("questions");
        inner.line(|| match said {
            Ok(said) => format!("asked {what} -> {}", words(said)),
            Err(error) => format!("asked {what} -> {error}"),
        });
    }
}

#[async_trait]
impl ExecutionVenue for Watched {
    fn profile(&self) -> &VenueProfile {
        self.adapter.profile()
    }

    async fn instruments(&self) -> Result<Vec<Instrument>, QueryError> {
        let said = self.adapter.instruments().await;
        self.note("instruments", &said, |all| format!("{}", all.len()));
        said
    }

    async fn open_feed(&self) -> Result<Box<dyn ReportFeed>, QueryError> {
        let said = self.adapter.open_feed().await;
        self.note("a stream", &said, |_| "open".to_owned());
        said
    }

    async fn submit(&self, attempt: Attempt) -> CommandResult {
        let request = Request::Submit { id: UNNUMBERED, attempt: attempt.clone() };
        self.one(request, self.adapter.submit(attempt)).await
    }

    async fn batch(&self, batch: Batch) -> Vec<CommandResult> {
        let size = match &batch {
            Batch::Submit(all) => all.len(),
            Batch::Replace(all) => all.len(),
            Batch::Cancel(all) => all.len(),
        };
        self.leaves(&Request::Batch { ids: vec![UNNUMBERED; size], batch: batch.clone() }).await;
        let results = self.adapter.batch(batch.clone()).await;
        if let Batch::Submit(all) = batch {
            for (attempt, result) in all.into_iter().zip(&results) {
                self.heard(&Request::Submit { id: UNNUMBERED, attempt }, &Outcome::Order(result.clone())).await;
            }
        }
        results
    }

    async fn replace(&self, replace: Replace) -> CommandResult {
        self.one(Request::Replace(replace.clone()), self.adapter.replace(replace)).await
    }

    async fn cancel(&self, cancel: Cancel) -> CommandResult {
        self.one(Request::Cancel(cancel.clone()), self.adapter.cancel(cancel)).await
    }

    async fn cancel_all(&self, scope: CancelAll) -> Result<(), CommandError> {
        let request = Request::CancelAll(scope.clone());
        self.leaves(&request).await;
        let result = self.adapter.cancel_all(scope).await;
        self.heard(&request, &Outcome::All(result.clone())).await;
        result
    }

    async fn order_status(&self, order: OrderRef) -> Result<Lookup, QueryError> {
        let what = format!("order {:?} {:?}", order.cl_ord_id, order.order_id);
        let said = self.adapter.order_status(order).await;
        self.note(&what, &said, |lookup| match lookup {
            Lookup::Found(r) => format!("found {:?} cum {:?}", r.status, r.cum_qty),
            other => format!("{other:?}"),
        });
        said
    }

    async fn positions(&self, instruments: &[InstrumentId]) -> Result<Vec<PositionReport>, QueryError> {
        let said = self.adapter.positions(instruments).await;
        self.note("positions", &said, |legs| {
            let legs: Vec<String> = legs.iter().map(|p| format!("{} {:?} {}", p.instrument, p.leg, p.qty)).collect();
            format!("{legs:?}")
        });
        said
    }

    async fn mass_status(&self, instruments: &[InstrumentId]) -> Result<MassStatus, QueryError> {
        let said = self.adapter.mass_status(instruments).await;
        self.note("everything", &said, |all| format!("{} open, high {:?}", all.open_orders.len(), all.high_water));
        said
    }

    async fn restrictions(&self, instruments: &[InstrumentId]) -> Result<Vec<Restriction>, QueryError> {
        let said = self.adapter.restrictions(instruments).await;
        self.note("restrictions", &said, |all| format!("{all:?}"));
        said
    }

    async fn trades_since(&self, instrument: &InstrumentId, from: TradesFrom) -> Result<Trades, QueryError> {
        let what = format!("trades of {instrument} from {from:?}");
        let said = self.adapter.trades_since(instrument, from).await;
        self.note(&what, &said, |all| format!("{} trades", all.trades.len()));
        said
    }

    fn for_questions(&self, urgency: Urgency) -> Option<Arc<dyn ExecutionVenue>> {
        let (adapter, seat) = (Arc::new(self.adapter.asking(urgency)), Arc::clone(&self.seat));
        Some(Arc::new(Self { adapter, seat, face: self.face.clone(), account: self.account, life: self.life }))
    }

    fn unrecognised(&self) -> Vec<Unrecognised> {
        self.adapter.unrecognised()
    }
}
