//! Binance USDⓈ-M as an [`ExecutionVenue`]: orders out, reports back. Each command is signed with what the engine fixed, sent
//! once, and answered with one fate. Questions are in `questions`, streams in `feed` and `prices`, settings in `setup`.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use exec_core::{
    ids::{ClOrdId, InstrumentId},
    instrument::Instrument,
    report::{MassStatus, OrderReport, PositionReport},
    time::{ClockReading, VenueTime},
    venue::{
        Attempt, Batch, Cancel, CancelAll, CommandError, CommandResult, ExecutionVenue, Lookup, OrderRef, QueryError, Replace,
        ReportFeed, Trades, TradesFrom, Unrecognised, VenueClock, VenueProfile,
    },
};

use crate::{
    clock::VenueClockEstimate,
    dialer::{Connector, TcpDialer},
    endpoint,
    entry::EntryTransport,
    environment::Environment,
    feed::UserFeed,
    inquiry::InquiryTransport,
    query::Query,
    rate::{Budget, Priority},
    rest::{Handling, Lane, Rest, Stamp},
    session::SessionTimes,
    settings::{Settings, StartError},
    translate::{self, Symbols, Tally},
    transport::{Reply, Transport},
    wire,
};

/// Binance USDⓈ-M futures for one account.
pub struct BinanceUsdm {
    pub(crate) rest: Arc<Rest>,
    pub(crate) symbols: Arc<Symbols>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) connector: Connector,
    pub(crate) environment: Environment,
    profile: VenueProfile,
    session: SessionTimes,
    entry: Arc<EntryTransport>,
    exit: Arc<EntryTransport>,
}

impl BinanceUsdm {
    /// An adapter that has not connected yet.
    ///
    /// # Errors
    /// [`StartError`]: the key, the secret or a host cannot be used.
    pub fn new(settings: Settings) -> Result<Self, StartError> {
        let profile = settings.profile();
        let key = settings.credentials.header()?;
        let signer = settings.credentials.signer()?;
        let in_simulation = settings.dialer.is_some();
        let connector = Connector::new(settings.dialer.unwrap_or_else(|| Arc::new(TcpDialer)))?;
        let rest_origin = &settings.environment.rest;
        let line = |connections| EntryTransport::new(connector.clone(), rest_origin.clone(), key.clone(), connections);
        let entry = Arc::new(line(settings.entry_connections)?);
        let exit = Arc::new(line(settings.entry_connections.min(2))?);
        let inquiry: Arc<dyn Transport> = if in_simulation {
            Arc::new(line(4)?)
        } else {
            Arc::new(InquiryTransport::new(&connector, rest_origin, key.clone())?)
        };
        let rest = Rest {
            entry: Arc::<EntryTransport>::clone(&entry),
            exit: Arc::<EntryTransport>::clone(&exit),
            inquiry,
            prefix: rest_origin.prefix().to_owned(),
            signer,
            budget: std::sync::Mutex::new(Budget::new(settings.limits)),
            clock: std::sync::Mutex::new(VenueClockEstimate::default()),
            exit_next: std::sync::atomic::AtomicBool::new(false),
            now: settings.now,
            recv_window_ms: settings.recv_window_ms,
            answer_within: settings.answer_within,
        };
        Ok(Self {
            rest: Arc::new(rest),
            symbols: Arc::new(Symbols::default()),
            tally: Arc::new(Tally::default()),
            connector,
            environment: settings.environment,
            profile,
            session: settings.session,
            entry,
            exit,
        })
    }

    /// Opens the connections that orders and cancels go over, so that the first of them need not.
    pub async fn warm(&self) {
        self.entry.warm().await;
        self.exit.warm().await;
    }

    /// What the venue has sent so far that this build does not know, by path.
    #[must_use]
    pub fn unknown_counts(&self) -> std::collections::BTreeMap<String, u64> {
        self.tally.counts()
    }

    /// How long a request may still begin: until the end of its window by the venue's clock.
    fn begin_within(&self, expires: VenueTime) -> Result<Duration, CommandError> {
        // Without a clock the window cannot be kept, and the engine's timestamp came from a clock that was read.
        let now = self.rest.venue_now().ok_or_else(|| CommandError::NotSent("the venue's clock has not been read".into()))?;
        match u64::try_from(expires.0.saturating_sub(now.0)) {
            Ok(left) if left > 0 => Ok(Duration::from_millis(left)),
            _ => Err(CommandError::NotSent("its window has passed".into())),
        }
    }

    /// Reads the success of a command and holds it to the order that was meant.
    fn confirmed(&self, reply: &Reply, meant: &Meant<'_>) -> CommandResult {
        let unknown = |why: String| CommandError::Unknown { why, live: false };
        let order: wire::OrderReply<'_> = wire::read(reply.text())
            .map_err(|error| unknown(format!("status {} with an unreadable body: {error}", reply.status)))?;
        self.tally.count("order", &order);
        if !meant.is(&order) {
            return Err(unknown(format!("status {} about another order", reply.status)));
        }
        let report: OrderReport = translate::order_reply(&self.symbols, &order)
            .map_err(|error| unknown(format!("status {}: {error}", reply.status)))?;
        Ok(Box::new(report))
    }
}

/// Which order a request or an answer is about: by the venue's number if it is known, because a client id can be taken again
/// once its order is done.
#[derive(Clone, Copy)]
pub(crate) struct Meant<'a> {
    instrument: &'a InstrumentId,
    name: Name<'a>,
}

#[derive(Clone, Copy)]
enum Name<'a> {
    Venue(u64),
    Client(&'a ClOrdId),
}

impl<'a> Meant<'a> {
    /// The order of a reference; `None` if it names none on the ordinary book.
    pub(crate) fn order(order: &'a OrderRef) -> Option<Self> {
        let number = order.order_id.as_ref().and_then(|id| id.as_str().parse().ok());
        let name = match (number, &order.cl_ord_id) {
            (Some(id), _) => Name::Venue(id),
            // The client id of a conditional order finds nothing here before its trigger.
            (None, Some(id)) if !order.conditional => Name::Client(id),
            (None, _) => return None,
        };
        Some(Self { instrument: &order.instrument, name })
    }

    pub(crate) fn append(&self, query: &mut Query) {
        query.text("symbol", self.instrument.symbol());
        match self.name {
            Name::Venue(id) => query.number("orderId", id),
            Name::Client(id) => query.text("origClientOrderId", id.as_str()),
        };
    }

    pub(crate) fn is(&self, order: &wire::OrderReply<'_>) -> bool {
        order.symbol.as_str() == self.instrument.symbol()
            && match self.name {
                Name::Venue(id) => order.order_id == id,
                Name::Client(id) => order.client_order_id.as_str() == id.as_str(),
            }
    }
}

fn nameless() -> CommandError {
    CommandError::NotSent("the order has no id on the ordinary book, and the algo service is not spoken yet".into())
}

#[async_trait]
impl ExecutionVenue for BinanceUsdm {
    fn profile(&self) -> &VenueProfile {
        &self.profile
    }

    async fn instruments(&self) -> Result<Vec<Instrument>, QueryError> {
        self.read_instruments().await
    }

    async fn open_feed(&self) -> Result<Box<dyn ReportFeed>, QueryError> {
        self.warm().await;
        let feed = UserFeed::open(
            Arc::clone(&self.rest),
            Arc::clone(&self.symbols),
            Arc::clone(&self.tally),
            &self.connector,
            &self.environment.private,
            self.session,
        )
        .await?;
        Ok(Box::new(feed))
    }

    async fn submit(&self, attempt: Attempt) -> CommandResult {
        let mut query = Query::default();
        translate::place_params(&mut query, &attempt.terms, &attempt.cl_ord_id)
            .map_err(|error| CommandError::NotSent(error.to_string()))?;
        let closing = attempt.terms.is_closing();
        let handling = Handling {
            lane: if closing { Lane::Exit } else { Lane::Entry },
            priority: if closing { Priority::Recovery } else { Priority::Ordinary },
            begin_within: self.begin_within(attempt.expires())?,
        };
        let stamp = Stamp { timestamp: attempt.timestamp, recv_window_ms: attempt.recv_window_ms };
        let reply = self.rest.command(&endpoint::PLACE, query, stamp, handling).await?;
        let meant = Meant { instrument: &attempt.terms.instrument, name: Name::Client(&attempt.cl_ord_id) };
        self.confirmed(&reply, &meant)
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

    async fn replace(&self, replace: Replace) -> CommandResult {
        let meant = Meant::order(&replace.order).ok_or_else(nameless)?;
        let mut query = Query::default();
        meant.append(&mut query);
        query
            .word("side", translate::side_word(replace.side))
            .decimal("quantity", replace.qty.get())
            .decimal("price", replace.price.get())
            .number("modifyId", replace.request.0);
        let handling = Handling {
            lane: Lane::Entry,
            priority: Priority::Ordinary,
            begin_within: self.begin_within(replace.timestamp.plus_ms(replace.recv_window_ms))?,
        };
        let stamp = Stamp { timestamp: replace.timestamp, recv_window_ms: replace.recv_window_ms };
        let reply = self.rest.command(&endpoint::MODIFY, query, stamp, handling).await?;
        let mut report = self.confirmed(&reply, &meant)?;
        // Whether the venue echoes the tag or not, a success is the answer to this request.
        report.replaced_by = Some(replace.request);
        Ok(report)
    }

    async fn cancel(&self, cancel: Cancel) -> CommandResult {
        let meant = Meant::order(&cancel.order).ok_or_else(nameless)?;
        let mut query = Query::default();
        meant.append(&mut query);
        let stamp = self.rest.stamp().await.map_err(|error| CommandError::NotSent(error.to_string()))?;
        let reply = self.rest.command(&endpoint::CANCEL, query, stamp, self.exit_now()).await?;
        self.confirmed(&reply, &meant)
    }

    async fn cancel_all(&self, scope: CancelAll) -> Result<(), CommandError> {
        let mut query = Query::default();
        query.text("symbol", scope.instrument.symbol());
        let stamp = self.rest.stamp().await.map_err(|error| CommandError::NotSent(error.to_string()))?;
        let reply = self.rest.command(&endpoint::CANCEL_ALL, query, stamp, self.exit_now()).await?;
        match wire::read::<wire::ErrorBody<'_>>(reply.text()) {
            Ok(body) if body.code == 200 => Ok(()),
            Ok(body) => Err(CommandError::Unknown { why: format!("status {}, code {}", reply.status, body.code), live: false }),
            Err(error) => Err(CommandError::Unknown {
                why: format!("status {} with an unreadable body: {error}", reply.status),
                live: false,
            }),
        }
    }

    async fn order_status(&self, order: OrderRef) -> Result<Lookup, QueryError> {
        self.look_up(&order).await
    }

    async fn positions(&self, instruments: &[InstrumentId]) -> Result<Vec<PositionReport>, QueryError> {
        let mut legs = self.read_positions().await?;
        legs.retain(|leg| instruments.contains(&leg.instrument));
        Ok(legs)
    }

    fn unrecognised(&self) -> Vec<Unrecognised> {
        self.tally.counts().into_iter().map(|(path, count)| Unrecognised { path, count }).collect()
    }

    async fn mass_status(&self, instruments: &[InstrumentId]) -> Result<MassStatus, QueryError> {
        self.read_everything(instruments).await
    }

    async fn trades_since(&self, instrument: &InstrumentId, from: TradesFrom) -> Result<Trades, QueryError> {
        self.read_trades(instrument, from).await
    }
}

impl BinanceUsdm {
    /// Cancels go over their own connections, before everything else.
    fn exit_now(&self) -> Handling {
        Handling { lane: Lane::Exit, priority: Priority::Exit, begin_within: Duration::from_millis(self.rest.recv_window_ms) }
    }
}

#[async_trait]
impl VenueClock for BinanceUsdm {
    async fn read_clock(&self) -> Result<ClockReading, QueryError> {
        self.rest.read_clock().await
    }
}
