//! What the engine hears and says: inputs and effects. The order of the effects is the safety property.

use crate::{
    command::{Command, OperatorCommand},
    engine::config::ProtectionPolicy,
    ids::{ClOrdId, InstrumentId, IntentId, ListId, QueryId, RequestId, Seq, SessionId, StrategyId},
    instrument::Instrument,
    journal::CopyLag,
    lease,
    order::{
        doubt::{DoubtEnd, DoubtOf},
        event::OrderEvent,
        intent::ExchangeMade,
        status::OrdStatus,
    },
    pretrade::Denial,
    record::Record,
    report::{MassStatus, PositionReport, PriceReport, Report},
    start_report::{Shut, StartReport},
    time::{ClockReading, Timestamp, VenueTime},
    units::{PositionSide, Qty},
    venue::{
        Attempt, Batch, Cancel, CancelAll, CommandError, CommandResult, Countdown, InstrumentSetting, KeyRights, Lookup,
        OrderRef, QueryError, Rejection, Replace, Restriction, Trades, TradesFrom,
    },
};
use alloc::{boxed::Box, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// Everything that can happen to an engine.
#[derive(Clone, Debug)]
pub enum Input {
    /// Replay is over and the shell is there: begin. Once, before anything else.
    Begin,
    /// The venue's instruments, at connect and whenever they change.
    Instruments(Vec<Instrument>),
    /// What instruments are set to, at connect and whenever it changes.
    Settings(Vec<InstrumentSetting>),
    /// The venue's clock was measured.
    Clock(ClockReading),
    /// A session of the private stream is open. Reconciliation follows.
    LinkUp(SessionId),
    /// The session is over.
    LinkDown {
        /// Which.
        session: SessionId,
        /// Why.
        why: String,
    },
    /// A strategy's callback returned.
    Commands {
        /// Whose.
        strategy: StrategyId,
        /// The event that it has handled, if the callback was for one with a number.
        seen: Option<Seq>,
        /// What it asks for.
        commands: Vec<Command>,
        /// Its own state, to be kept with the cursor.
        state: Option<Vec<u8>>,
    },
    /// Somebody at the control socket asks.
    Operator {
        /// Who.
        who: String,
        /// What.
        command: OperatorCommand,
    },
    /// The venue answered a request, or did not.
    Outcome {
        /// Which request.
        request: RequestId,
        /// What became of it.
        outcome: Outcome,
    },
    /// The venue answered a question, or did not.
    Answer {
        /// Which question.
        query: QueryId,
        /// What it said.
        answer: Answer,
    },
    /// An event of the private stream.
    Report {
        /// Of which session.
        session: SessionId,
        /// What it says.
        report: Report,
    },
    /// A price.
    Price(PriceReport),
    /// A timer that was set has fired.
    Timer(Timer),
    /// Everything journalled up to here is durable.
    Durable(Seq),
    /// The journal will never be durable again in this run.
    JournalFailed(String),
    /// Take no new risk any more, and come to an end.
    Drain,
    /// A call of a strategy took longer than it may.
    SlowCall {
        /// Whose.
        strategy: StrategyId,
        /// How long.
        took_ms: u64,
    },
    /// What the key may do, at connect and whenever it changes.
    KeyRights(KeyRights),
    /// Settings of the account that are not as the config has them, in words; all there are.
    Unwanted(Vec<String>),
    /// The end has come, and what is left open is left on purpose: end the countdowns at the venue.
    Disarm,
    /// The lease store answered, or did not, to [`Effect::AskLease`].
    LeaseAnswered(lease::Answer),
    /// The copy of the journal, off this machine, is too far behind, or is not any more.
    CopyBehind(Option<CopyLag>),
    /// An operator was told this, and programs outside are to be told of it from the journal.
    Alerted(Alert),
}

/// What became of a request.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Of a submit, a replace or a cancel.
    Order(CommandResult),
    /// Of a cancel-all.
    All(Result<(), CommandError>),
}

/// What came back for a question.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Where one order is.
    Order(Result<Lookup, QueryError>),
    /// Everything.
    Mass(Result<Box<MassStatus>, QueryError>),
    /// Legs.
    Positions(Result<Vec<PositionReport>, QueryError>),
    /// An instrument's trades.
    Trades(Result<Trades, QueryError>),
    /// What the venue restricts.
    Restrictions(Result<Vec<Restriction>, QueryError>),
}

impl Answer {
    /// The refusal, if the venue refused to answer.
    pub const fn refusal(&self) -> Option<&Rejection> {
        let error = match self {
            Self::Order(Err(error))
            | Self::Mass(Err(error))
            | Self::Positions(Err(error))
            | Self::Trades(Err(error))
            | Self::Restrictions(Err(error)) => error,
            Self::Order(Ok(_)) | Self::Mass(Ok(_)) | Self::Positions(Ok(_)) | Self::Trades(Ok(_)) | Self::Restrictions(Ok(_)) => {
                return None;
            }
        };
        match error {
            QueryError::Refused(refusal) => Some(refusal),
            QueryError::Unavailable(_) | QueryError::Malformed(_) => None,
        }
    }
}

/// A request to the venue.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Request {
    /// Place an order. Sent once.
    Submit {
        /// Names the answer.
        id: RequestId,
        /// What to send, to the letter.
        attempt: Attempt,
    },
    /// Change an order.
    Replace(Replace),
    /// Take an order off the book.
    Cancel(Cancel),
    /// Take all orders of an instrument off the book.
    CancelAll(CancelAll),
    /// Several commands of one kind in one request. Each is answered by itself.
    Batch {
        /// Names the answers, in the order of the commands.
        ids: Vec<RequestId>,
        /// What to send.
        batch: Batch,
    },
    /// Begin a countdown at the venue anew, or end it.
    Countdown(Countdown),
}

impl Request {
    /// The number that the answer carries; of a batch, the number of its first.
    pub fn id(&self) -> RequestId {
        match self {
            Self::Submit { id, .. } => *id,
            Self::Replace(replace) => replace.request,
            Self::Cancel(cancel) => cancel.request,
            Self::CancelAll(all) => all.request,
            Self::Countdown(countdown) => countdown.request,
            Self::Batch { ids, .. } => ids.first().copied().unwrap_or(RequestId(0)),
        }
    }
}

/// A question to the venue.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Query {
    /// Where is this order?
    Order(OrderRef),
    /// What is there, over these instruments and whatever else is found?
    Mass(Vec<InstrumentId>),
    /// What do the legs of these instruments hold?
    Positions(Vec<InstrumentId>),
    /// What was traded?
    Trades {
        /// On which instrument.
        instrument: InstrumentId,
        /// From where on.
        from: TradesFrom,
    },
    /// What does the venue restrict, of the account and of these instruments?
    Restrictions(Vec<InstrumentId>),
}

/// Whether a question can wait, where the venue takes only so many.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Urgency {
    /// Something is not known until it is answered.
    Now,
    /// It is asked at intervals, to see whether something is not as it should be.
    AtLeisure,
    /// Something is not closed until it is answered: it is served with exits.
    Exit,
}

/// What a timer is for.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Timer {
    /// Ask again for an attempt in doubt.
    Doubt(ClOrdId),
    /// Try an order again under a new id.
    Retry(IntentId),
    /// Send a cancel again.
    CancelAgain(IntentId),
    /// Ask what became of a change.
    ChangeDoubt(IntentId),
    /// Ask the failed question of a recovery again.
    RecoverAgain,
    /// The delay after the first reconciliation is over.
    GateDelay,
    /// Compare everything with the venue.
    Sweep,
    /// Ask again for what would explain the legs that differ.
    Difference,
    /// A trade of an unknown order should have found its order by now.
    Unplaced,
    /// A position that the venue reported should be explained by fills now.
    Watch,
    /// The venue says that a conditional order went on its way: what became of it should be known by now.
    Verify(IntentId),
    /// A stop should protect its position by now.
    Protect(IntentId),
    /// Look again whether a list of orders is as it should be.
    List(ListId),
    /// A strategy's own.
    Strategy {
        /// Whose.
        strategy: StrategyId,
        /// Its own mark.
        tag: u64,
    },
    /// Something has waited for the disk for as long as it may.
    Parked,
    /// Take everything off the book of an instrument once more.
    SweepBook(InstrumentId),
    /// Let go of more orders that ended long ago.
    LetGo,
    /// Look whether the private stream has told what it owes, and whether it is still late.
    Watchdog,
    /// Look at the legs.
    Look,
    /// Nothing has been seen for too long.
    Blind,
    /// The venue's clock should have been read and the record of this start be on disk by now.
    Early,
    /// Ask again what the venue restricts.
    Restrictions,
    /// Look at the day's result and at the margin.
    Solvency,
    /// Look how far the closing of legs has come.
    Flatten,
    /// Begin the countdowns at the venue anew.
    DeadMan,
    /// Renew the lease, or notice that it is over.
    Lease,
}

/// Something an operator must know.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// How bad it is.
    pub level: AlertLevel,
    /// Which kind, for machines: lower case with underscores.
    pub kind: &'static str,
    /// In words.
    pub text: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
pub enum AlertLevel {
    /// Good to know.
    Info,
    /// Look at it today.
    Warning,
    /// Look at it now.
    Critical,
}

/// Where the engine stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Reads its journal. Nothing is sent.
    Replaying,
    /// Waits for clock, instruments and the private stream. Exits pass.
    Connecting,
    /// Compares its books with the venue. Exits pass.
    Reconciling,
    /// Takes new risk.
    Live,
    /// Was live, and has lost what it needs for new risk. Exits pass.
    Degraded,
    /// Comes to an end. Exits pass.
    Draining,
    /// Over.
    Halted,
}

/// What a strategy is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StrategyEvent {
    /// The gate is open for the first time in this run; what was restored can be read from the context.
    Start,
    /// Where the engine stands, or why new risk is refused there, has changed.
    Phase(PhaseChange),
    /// A fact about one of its orders.
    Order(OrderUpdate),
    /// The exchange itself has made an order on an instrument of the strategy.
    Exchange(ExchangeEvent),
    /// One of its protective orders does not protect.
    ProtectionLost(ProtectionLost),
    /// A change that it asked for was not sent.
    ChangeDenied {
        /// Of which order.
        intent: IntentId,
        /// Why.
        denial: Denial,
    },
    /// A price of one of its instruments has changed; the context has it.
    Price(InstrumentId),
    /// A timer of its own has fired.
    Timer(u64),
}

/// An order that the exchange made by itself.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ExchangeEvent {
    /// Our name for the order.
    pub intent: IntentId,
    /// Why it was made.
    pub made_by: ExchangeMade,
    /// On which instrument.
    pub instrument: InstrumentId,
    /// On which leg.
    pub leg: PositionSide,
}

/// A protective order that does not protect, and what is done about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProtectionLost {
    /// The protective order.
    pub intent: IntentId,
    /// What became of it.
    pub why: String,
    /// How much of the leg no stop covers now.
    pub uncovered: Qty,
    /// What is done.
    pub policy: ProtectionPolicy,
}

/// A fact about an order, and what it changed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct OrderUpdate {
    /// Which order.
    pub intent: IntentId,
    /// Status before.
    pub from: OrdStatus,
    /// Status after.
    pub to: OrdStatus,
    /// The fact.
    pub event: OrderEvent,
    /// A fill after the end.
    pub late: bool,
    /// What it changed about what is not known of the order.
    // Written down beside it: an update without doubt is written as it always was.
    #[serde(skip)]
    pub doubt: Option<DoubtNews>,
}

/// What is not known of an order any more, or from now on.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum DoubtNews {
    /// From now on it is not known.
    Began(InDoubt),
    /// From now on it is.
    Ended(DoubtEnded),
}

/// Something about an order that nobody knows: it is asked for, counted both ways in every limit, and never sent again.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct InDoubt {
    /// Which order.
    pub intent: IntentId,
    /// On which instrument.
    pub instrument: InstrumentId,
    /// What is not known.
    pub of: DoubtOf,
    /// Since when.
    pub since: Timestamp,
    /// The venue's time from which on an absence counts. Absent where the venue has no such moment: then only a fact of the venue
    /// ends the doubt. Of a change only the report has it.
    pub fence_at: Option<VenueTime>,
}

/// A doubt that is over.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct DoubtEnded {
    /// Which order.
    pub intent: IntentId,
    /// What was not known.
    pub of: DoubtOf,
    /// Since when an attempt was in doubt; not kept of a change.
    pub since: Option<Timestamp>,
    /// How it ended.
    pub how: DoubtEnd,
}

/// Where the engine stands now, and why it takes no new risk there.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct PhaseChange {
    /// Where it stood.
    pub from: Phase,
    /// Where it stands; the same if only the reasons have changed.
    pub to: Phase,
    /// Why new risk is refused; empty when the gate is open.
    pub shut: Vec<Shut>,
}

/// Everything an engine can ask of the world, in the order in which it must happen.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Append this to the journal. All records of one call of `handle` are one group: together or not at all.
    Journal(Seq, Record),
    /// Send this to the venue, now, once.
    Send(Request),
    /// Ask the venue.
    Ask(QueryId, Query),
    /// Call back at this time. A timer that is set again is another timer.
    SetTimer(Timer, Timestamp),
    /// Tell a strategy. With a number, the event comes again after a restart until the cursor has passed it.
    Notify(StrategyId, Option<Seq>, StrategyEvent),
    /// Open another session of the private stream in place of this one, which goes on delivering until [`Effect::Close`].
    Reopen(SessionId, String),
    /// Measure the venue's clock now.
    ReadClock,
    /// Where the engine stands, or why new risk is refused there, has changed.
    Phase(PhaseChange),
    /// What opened the gate, or keeps it shut.
    Report(Box<StartReport>),
    /// Tell an operator.
    Alert(Alert),
    /// Close this session of the private stream and those before it: another one has taken over.
    Close(SessionId),
    /// Ask the lease store, with a deadline of a quarter of the lease. One question at a time; its answer is [`Input::LeaseAnswered`].
    AskLease(lease::Question),
    /// The lease is lost for good. Nothing is sent any more: end this run.
    Fenced(lease::Lost),
}
