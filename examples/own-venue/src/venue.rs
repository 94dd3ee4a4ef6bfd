//! The adapter: the ports of a venue, spoken in the paper exchange's lines. It decides nothing but the fate of each request.
//!
//! One connection for each request: what could not be dialled was not sent, and whatever goes wrong after the first byte is unknown.

use crate::{
    session::{PriceSession, Session},
    wire::Line,
    words,
};
use async_trait::async_trait;
use exec_core::{
    ids::{Asset, InstrumentId, TradeId},
    instrument::{Grid, Instrument, TradingStatus},
    report::{MassStatus, PositionReport},
    time::{ClockReading, VenueTime},
    units::{PositionMode, PositionSide},
    venue::{
        Attempt, Batch, Cancel, CancelAll, CommandError, CommandResult, ExecutionVenue, Fence, Lookup, OrderRef, PriceFeed,
        PriceSource, QueryError, Replace, ReportFeed, Restriction, Trades, TradesFrom, Unrecognised, VenueClock, VenueProfile,
    },
};
use node_config::Clock;
use rust_decimal::Decimal;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{TcpStream, tcp::OwnedReadHalf},
    time::timeout,
};

/// No answer after this long is no answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Why there is no answer.
pub(crate) enum NoAnswer {
    /// Not one byte left.
    NotSent(String),
    /// It left.
    Unknown(String),
}

impl From<NoAnswer> for CommandError {
    fn from(no: NoAnswer) -> Self {
        match no {
            NoAnswer::NotSent(why) => Self::NotSent(why),
            NoAnswer::Unknown(why) => Self::Unknown { why, live: false },
        }
    }
}

impl From<NoAnswer> for QueryError {
    fn from(no: NoAnswer) -> Self {
        match no {
            NoAnswer::NotSent(why) | NoAnswer::Unknown(why) => Self::Unavailable(why),
        }
    }
}

/// What sessions share with the venue.
pub(crate) struct Desk {
    pub(crate) instrument: InstrumentId,
    addr: SocketAddr,
    clock: Clock,
    offset_ms: AtomicI64,
    strange: Mutex<BTreeMap<String, u64>>,
}

impl Desk {
    /// Counts something that this build does not know.
    pub(crate) fn strange(&self, what: &str) {
        *self.strange.lock().unwrap_or_else(PoisonError::into_inner).entry(what.to_owned()).or_default() += 1;
    }

    /// Says one line, and leaves the connection to whoever reads the answer.
    pub(crate) async fn say(&self, line: &Line) -> Result<Lines<BufReader<OwnedReadHalf>>, NoAnswer> {
        let dialled = timeout(ANSWER_WITHIN, TcpStream::connect(self.addr)).await;
        let stream = dialled.map_err(|_| NoAnswer::NotSent("no connection in time".into()))?;
        let stream = stream.map_err(|error| NoAnswer::NotSent(error.to_string()))?;
        let (read, mut write) = stream.into_split();
        // From here on a byte may have left.
        let unknown = |error: std::io::Error| NoAnswer::Unknown(error.to_string());
        write.write_all(format!("{line}\n").as_bytes()).await.map_err(unknown)?;
        // Dropped, the half would say that nothing more is asked; the exchange answers all the same.
        write.forget();
        Ok(BufReader::new(read).lines())
    }

    /// Asks one line and reads the whole answer, with whether there is more.
    async fn ask(&self, line: &Line) -> Result<(Vec<Line>, bool), NoAnswer> {
        let whole = async {
            let mut lines = self.say(line).await?;
            let mut answer = Vec::new();
            loop {
                let next = lines.next_line().await.map_err(|error| NoAnswer::Unknown(error.to_string()))?;
                // An answer without its end is no answer: part of a list is not the list.
                let text = next.ok_or_else(|| NoAnswer::Unknown("the connection was cut".into()))?;
                match Line::parse(&text) {
                    Some(end) if end.word() == "END" => return Ok((answer, false)),
                    Some(end) if end.word() == "MORE" => return Ok((answer, true)),
                    Some(line) => answer.push(line),
                    None => return Err(NoAnswer::Unknown(format!("`{text}` is no line"))),
                }
            }
        };
        timeout(ANSWER_WITHIN, whole).await.unwrap_or_else(|_| Err(NoAnswer::Unknown("no answer in time".into())))
    }

    /// A command, and the one order that its answer is about.
    async fn command(&self, line: &Line) -> CommandResult {
        let (answer, _) = self.ask(line).await?;
        let [said] = &answer[..] else {
            return Err(CommandError::Unknown { why: format!("{} lines for one order", answer.len()), live: false });
        };
        if let Some(why) = said.text("why") {
            return Err(words::refusal(why).unwrap_or_else(|| {
                self.strange(&format!("NO/why={why}"));
                CommandError::Unknown { why: format!("a refusal that is not known: {why}"), live: false }
            }));
        }
        let report = words::order(&self.instrument, said);
        report.map(Box::new).ok_or_else(|| CommandError::Unknown { why: format!("`{said}` cannot be read"), live: false })
    }

    /// A question, and all lines of its answer.
    async fn question(&self, line: &Line) -> Result<Vec<Line>, QueryError> {
        Ok(self.ask(line).await?.0)
    }

    fn venue_time(&self) -> VenueTime {
        VenueTime(i64::try_from(self.clock.now().as_ms()).unwrap_or(i64::MAX) + self.offset_ms.load(Ordering::Relaxed))
    }
}

/// The paper exchange as a venue. Clones are one venue.
#[derive(Clone)]
pub(crate) struct PaperVenue {
    profile: VenueProfile,
    desk: Arc<Desk>,
}

impl PaperVenue {
    /// A venue over the exchange that listens there, for the one thing it trades.
    pub(crate) fn new(instrument: InstrumentId, addr: SocketAddr, clock: Clock) -> Self {
        let profile = VenueProfile {
            name: "PAPER",
            // `by` is looked at when the order is taken in, and what is taken in is seen at once.
            fence: Some(Fence { engine_margin_ms: 100, visibility_ms: 100 }),
            conditional_fence: None,
            replace: false,
            conditional: false,
            modes: &[PositionMode::Netting],
            cl_ord_id_max: 36,
            forgets_unfilled_after_ms: u64::MAX,
            batch_max: 0,
            rules: &[],
        };
        let (offset_ms, strange) = (AtomicI64::new(0), Mutex::default());
        Self { profile, desk: Arc::new(Desk { instrument, addr, clock, offset_ms, strange }) }
    }
}

fn malformed(lines: &[Line]) -> QueryError {
    QueryError::Malformed(lines.iter().map(|line| format!("{line}\n")).collect())
}

#[async_trait]
impl ExecutionVenue for PaperVenue {
    fn profile(&self) -> &VenueProfile {
        &self.profile
    }

    async fn instruments(&self) -> Result<Vec<Instrument>, QueryError> {
        let lines = self.desk.question(&Line::new("LIST")).await?;
        let id = &self.desk.instrument;
        let read = |line: &Line| {
            let grid = |name| line.read::<Decimal>(name).map(|step| Grid { min: step, max: Decimal::ZERO, step });
            let (price, lot, cash) = (grid("tick")?, grid("lot")?, Asset::new(line.text("ccy")?).ok()?);
            Some(Instrument {
                symbol: line.text("sym").filter(|symbol| *symbol == id.symbol())?.to_owned(),
                id: id.clone(),
                base: Asset::new(id.symbol()).ok()?,
                quote: cash.clone(),
                settle: cash,
                status: TradingStatus::Trading,
                price,
                lot,
                market_lot: lot,
                notional_min: Decimal::ZERO,
                percent_price: None,
                open_orders_max: None,
                delivery: None,
            })
        };
        lines.iter().map(read).collect::<Option<_>>().ok_or_else(|| malformed(&lines))
    }

    async fn open_feed(&self) -> Result<Box<dyn ReportFeed>, QueryError> {
        Ok(Box::new(Session::open(Arc::clone(&self.desk)).await?))
    }

    async fn submit(&self, attempt: Attempt) -> CommandResult {
        let Some(line) = words::new_order(&attempt) else {
            return Err(CommandError::NotSent("the paper exchange has no such order".into()));
        };
        let now = self.desk.venue_time();
        if now > attempt.begin_by || now > attempt.expires() {
            return Err(CommandError::NotSent(format!("it had to begin before {}", attempt.begin_by)));
        }
        self.desk.command(&line).await
    }

    async fn batch(&self, _batch: Batch) -> Vec<CommandResult> {
        // The profile says that there are none.
        Vec::new()
    }

    async fn replace(&self, _replace: Replace) -> CommandResult {
        // The profile says so, and the engine denies it before it comes here.
        Err(CommandError::NotSent("the paper exchange changes no orders".into()))
    }

    async fn cancel(&self, cancel: Cancel) -> CommandResult {
        self.desk.command(&words::named("KILL", &cancel.order)).await
    }

    async fn cancel_all(&self, _scope: CancelAll) -> Result<(), CommandError> {
        self.desk.ask(&Line::new("KILLALL")).await?;
        Ok(())
    }

    async fn order_status(&self, order: OrderRef) -> Result<Lookup, QueryError> {
        let lines = self.desk.question(&words::named("WHERE", &order)).await?;
        match &lines[..] {
            [] => Ok(Lookup::Absent),
            [line] => words::order(&self.desk.instrument, line)
                .map(|report| Lookup::Found(Box::new(report)))
                .ok_or_else(|| malformed(&lines)),
            _ => Err(malformed(&lines)),
        }
    }

    async fn positions(&self, instruments: &[InstrumentId]) -> Result<Vec<PositionReport>, QueryError> {
        if !instruments.contains(&self.desk.instrument) {
            return Ok(Vec::new());
        }
        let lines = self.desk.question(&Line::new("HOLD")).await?;
        let read = lines.iter().map(|line| words::position(&self.desk.instrument, line)).collect::<Option<_>>();
        read.ok_or_else(|| malformed(&lines))
    }

    async fn mass_status(&self, _instruments: &[InstrumentId]) -> Result<MassStatus, QueryError> {
        // One answer of one moment: orders, position, cash and the newest trade belong together.
        let (asked, lines) = (self.desk.venue_time(), self.desk.question(&Line::new("ALL")).await?);
        let id = &self.desk.instrument;
        let mut status = MassStatus {
            asked,
            mode: PositionMode::Netting,
            open_orders: Vec::new(),
            positions: Vec::new(),
            balances: Vec::new(),
            high_water: Vec::new(),
        };
        for line in &lines {
            let read = match line.word() {
                "ORDER" => words::order(id, line).map(|order| status.open_orders.push(order)),
                "HOLD" => words::position(id, line).map(|position| status.positions.push(position)),
                "CASH" => words::balance(line).map(|balance| status.balances.push(balance)),
                "LAST" => line.text("trade").map(|trade| status.high_water.push((id.clone(), TradeId::new(trade).ok()))),
                other => {
                    self.desk.strange(other);
                    Some(())
                }
            };
            read.ok_or_else(|| malformed(&lines))?;
        }
        let whole = status.positions.len() == 1 && status.balances.len() == 1 && status.high_water.len() == 1;
        if whole { Ok(status) } else { Err(malformed(&lines)) }
    }

    async fn restrictions(&self, _: &[InstrumentId]) -> Result<Vec<Restriction>, QueryError> {
        Ok(Vec::new())
    }

    async fn trades_since(&self, _instrument: &InstrumentId, from: TradesFrom) -> Result<Trades, QueryError> {
        let first = Line::new("FILLS");
        let mut ask = match from {
            TradesFrom::After(id) => first.with("after", id),
            TradesFrom::Time(time) => first.with("since", time.0),
        };
        let mut trades = Vec::new();
        loop {
            let (lines, more) = self.desk.ask(&ask).await?;
            for line in &lines {
                trades.push(words::trade(&self.desk.instrument, line).ok_or_else(|| malformed(&lines))?);
            }
            match trades.last() {
                Some(last) if more => ask = Line::new("FILLS").with("after", last.fill.trade_id),
                Some(_) | None => return Ok(Trades { trades, complete: !more }),
            }
        }
    }

    fn unrecognised(&self) -> Vec<Unrecognised> {
        let strange = self.desk.strange.lock().unwrap_or_else(PoisonError::into_inner);
        strange.iter().map(|(path, count)| Unrecognised { path: path.clone(), count: *count }).collect()
    }
}

#[async_trait]
impl PriceSource for PaperVenue {
    async fn open_prices(&self, _instruments: &[InstrumentId]) -> Result<Box<dyn PriceFeed>, QueryError> {
        Ok(Box::new(PriceSession::open(Arc::clone(&self.desk)).await?))
    }
}

#[async_trait]
impl VenueClock for PaperVenue {
    async fn read_clock(&self) -> Result<ClockReading, QueryError> {
        let asked = self.desk.clock.now();
        let lines = self.desk.question(&Line::new("TIME")).await?;
        let answered = self.desk.clock.now();
        let at: i64 = lines.first().and_then(|line| line.read("at")).ok_or_else(|| malformed(&lines))?;
        // It was read somewhere between question and answer.
        let half = answered.ms_since(asked) / 2;
        let offset_ms = at - i64::try_from(asked.as_ms() + half).unwrap_or(i64::MAX);
        self.desk.offset_ms.store(offset_ms, Ordering::Relaxed);
        Ok(ClockReading { offset_ms, error_ms: half + 1 })
    }
}

/// The one leg there is.
pub(crate) const LEG: PositionSide = PositionSide::Net;
