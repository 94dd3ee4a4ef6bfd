//! The real adapter and the built-in exchange in one thread: byte streams are pipes in memory, and time is tokio's paused
//! clock, so that hours pass in no time and every run is the same.

use std::{io, sync::Arc, time::Duration};

use async_trait::async_trait;
use binance_adapter::{
    BinanceUsdm, Credentials, Now, Settings,
    dialer::{BoxedStream, Dialer},
    environment::Environment,
};
use exchange_sim::{
    AccountSpec,
    face::{Answer, Face, FaceConfig, Fault, FaultKind, RequestFault, RequestFilter, StreamFault, StreamFilter},
};
use exec_core::{
    ids::{ClOrdId, Epoch, InstrumentId, RequestId},
    report::{OrderReport, Report, ReportBody},
    terms::{Intention, OrderKind, Terms, TimeInForce},
    time::Timestamp,
    units::{PositionSide, Price, Qty, Side},
    venue::{Attempt, Cancel, CommandResult, ExecutionVenue, OrderRef, Replace, ReportFeed, VenueClock},
};
use rust_decimal::Decimal;
use tokio::time::Instant;

/// The key of every world; a test looks for it where no key may stand.
pub(crate) const KEY: &str = "CANARY9f3cKEY";
/// The secret of every world.
pub(crate) const SECRET: &str = "CANARY_9f3c_SECRET";
/// Our time at the start of a world.
const START_MS: u64 = 1_800_000_000_000;
/// How far the venue's clock is ahead of ours.
const SKEW_MS: i64 = 730;

/// Dials the exchange in memory.
struct Pipes {
    face: Face,
}

#[async_trait]
impl Dialer for Pipes {
    async fn dial(&self, _host: &str, _port: u16) -> io::Result<BoxedStream> {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let face = self.face.clone();
        tokio::spawn(async move { face.serve_connection(theirs).await });
        Ok(Box::new(ours))
    }
}

/// One account at the exchange and the adapter that speaks for it.
pub(crate) struct World {
    pub(crate) face: Face,
    pub(crate) venue: BinanceUsdm,
    pub(crate) now: Now,
    ids: std::cell::Cell<u64>,
}

impl World {
    pub(crate) async fn netting() -> Self {
        Self::with(AccountSpec::default(), |_| {}).await
    }

    pub(crate) async fn hedging() -> Self {
        Self::with(AccountSpec { hedge: true, ..AccountSpec::default() }, |_| {}).await
    }

    pub(crate) async fn with(account: AccountSpec, change: impl FnOnce(&mut Settings)) -> Self {
        let mut config = FaceConfig::new(7).with_account(KEY, SECRET, account);
        config.start_ms = Some(START_MS as i64);
        config.skew_ms = SKEW_MS;
        let face = Face::new(config).unwrap();
        let clock = face.clone();
        tokio::spawn(async move { clock.run_clock().await });
        let origin = Instant::now();
        let now: Now = Arc::new(move || Timestamp::from_ms(START_MS + u64::try_from(origin.elapsed().as_millis()).unwrap()));
        let environment = Environment::routed("http://127.0.0.1:1", "ws://127.0.0.1:1").unwrap();
        let credentials = Credentials { key: KEY.into(), secret: SECRET.into() };
        let mut settings = Settings::new(environment, credentials, Arc::clone(&now));
        settings.dialer = Some(Arc::new(Pipes { face: face.clone() }));
        change(&mut settings);
        let venue = BinanceUsdm::new(settings).unwrap();
        venue.read_clock().await.unwrap();
        Self { face, venue, now, ids: std::cell::Cell::new(0) }
    }

    /// A new client order id.
    pub(crate) fn id(&self) -> ClOrdId {
        self.ids.set(self.ids.get() + 1);
        ClOrdId::new(&format!("T-{}", self.ids.get())).unwrap()
    }

    /// An attempt of now.
    pub(crate) async fn attempt(&self, terms: Terms) -> Attempt {
        let clock = self.venue.read_clock().await.unwrap();
        let timestamp = clock.venue_time((self.now)());
        let begin_by = timestamp.plus_ms(2_000);
        Attempt { cl_ord_id: self.id(), terms, timestamp, recv_window_ms: 2_000, epoch: Epoch(1), begin_by }
    }

    pub(crate) async fn submit(&self, terms: Terms) -> CommandResult {
        let attempt = self.attempt(terms).await;
        self.venue.submit(attempt).await
    }

    pub(crate) async fn cancel(&self, order: OrderRef) -> CommandResult {
        self.venue.cancel(Cancel { request: RequestId(1), order }).await
    }

    pub(crate) async fn replace(&self, order: OrderRef, side: Side, qty: &str, price: &str, request: u64) -> CommandResult {
        let clock = self.venue.read_clock().await.unwrap();
        let replace = Replace {
            request: RequestId(request),
            order,
            side,
            qty: qty.parse().unwrap(),
            price: price.parse().unwrap(),
            timestamp: clock.venue_time((self.now)()),
            recv_window_ms: 2_000,
        };
        self.venue.replace(replace).await
    }

    pub(crate) fn move_price(&self, symbol: &str, price: &str) {
        let body = format!(r#"{{"symbol":"{symbol}","price":"{price}"}}"#);
        let (status, text) = self.face.operate("POST", "price", "", &body);
        assert_eq!(status, 200, "{text}");
    }

    /// A market order by the account's owner, past the adapter.
    pub(crate) fn by_hand(&self, side: &str, quantity: &str) {
        let body = format!(
            r#"{{"key":"{KEY}","method":"POST","path":"/fapi/v1/order","params":{{"symbol":"BTCUSDT","side":"{side}","type":"MARKET","quantity":"{quantity}"}}}}"#
        );
        let (status, text) = self.face.operate("POST", "as", "", &body);
        assert_eq!(status, 200, "{text}");
    }

    /// Changes how the Algo Service behaves.
    pub(crate) fn algo(&self, config: &str) {
        self.door("algo", config);
    }

    /// Something that happens at the exchange without being asked for.
    pub(crate) fn door(&self, name: &str, body: &str) {
        let (status, text) = self.face.operate("POST", name, "", body);
        assert_eq!(status, 200, "{text}");
    }

    /// The book's mid, as the exchange has it.
    pub(crate) fn last_price(&self, symbol: &str) -> Decimal {
        let (status, text) = self.face.operate("GET", "state", "", "");
        assert_eq!(status, 200, "{text}");
        let rest = text.split_once(&format!(r#""symbol":"{symbol}""#)).unwrap().1;
        rest.split_once(r#""last":""#).unwrap().1.split_once('"').unwrap().0.parse().unwrap()
    }

    /// Lets the background trade, or stops it: hours of it are long.
    pub(crate) fn flow(&self, on: bool) {
        let (status, text) = self.face.operate("POST", "flow", "", &format!(r#"{{"on":{on}}}"#));
        assert_eq!(status, 200, "{text}");
    }

    pub(crate) fn fault(&self, method: &str, path: &str, fault: RequestFault) {
        self.faults(method, path, fault, 1);
    }

    /// Hits the next `times` requests of a path.
    pub(crate) fn faults(&self, method: &str, path: &str, fault: RequestFault, times: u64) {
        let filter = RequestFilter { method: Some(method.into()), path: Some(path.into()), key: None };
        self.face.arm(Fault { kind: FaultKind::Request(filter, fault), nth: 1, times });
    }

    pub(crate) fn stream_fault(&self, event: &str, fault: StreamFault) {
        let filter = StreamFilter { event: Some(event.into()), key: None };
        self.face.arm(Fault { kind: FaultKind::Stream(filter, fault), nth: 1, times: 1 });
    }

    /// How many orders the exchange has ever accepted.
    pub(crate) fn accepted(&self) -> usize {
        self.face.ledger(KEY).unwrap().orders.len()
    }
}

pub(crate) fn answer(status: u16, body: &str) -> Answer {
    Answer { status, body: body.into() }
}

pub(crate) fn btc() -> InstrumentId {
    InstrumentId::new("BTCUSDT-PERP.BINANCE").unwrap()
}

pub(crate) fn chinese() -> InstrumentId {
    InstrumentId::new("币安人生USDT-PERP.BINANCE").unwrap()
}

pub(crate) fn terms(instrument: &InstrumentId, side: Side, qty: &str, kind: OrderKind) -> Terms {
    Terms {
        instrument: instrument.clone(),
        side,
        leg: PositionSide::Net,
        intention: Intention::Open,
        qty: Some(qty.parse::<Qty>().unwrap()),
        kind,
        stp: None,
    }
}

pub(crate) fn limit(price: &str, tif: TimeInForce) -> OrderKind {
    OrderKind::Limit { price: price.parse::<Price>().unwrap().into(), tif }
}

/// The reference to an order that a report describes.
pub(crate) fn reference(report: &OrderReport) -> OrderRef {
    OrderRef {
        instrument: report.instrument.clone(),
        cl_ord_id: report.cl_ord_id,
        order_id: None,
        algo_id: None,
        conditional: false,
        since: report.updated,
        triggered: false,
    }
}

/// The reference to a conditional order that a report describes.
pub(crate) fn conditional_reference(report: &OrderReport) -> OrderRef {
    OrderRef { conditional: true, algo_id: report.algo_id, ..reference(report) }
}

/// Reads the feed until a report satisfies `wanted`, at most a minute of the world's time.
pub(crate) async fn until(feed: &mut Box<dyn ReportFeed>, mut wanted: impl FnMut(&ReportBody) -> bool) -> Vec<Report> {
    let mut seen = Vec::new();
    loop {
        let next = tokio::time::timeout(Duration::from_secs(60), feed.next()).await;
        let report = next.unwrap_or_else(|_| panic!("not seen within a minute; seen {seen:#?}")).unwrap();
        let found = wanted(&report.body);
        seen.push(report);
        if found {
            return seen;
        }
    }
}
