//! An engine whose world is a test: every effect is looked at, every answer is given by hand. No journal, no venue, no clock.

use crate::fixtures;
use exec_core::{
    command::{Command, NewOrder},
    conversation::{Alert, Answer, Effect, Input, OrderUpdate, Outcome, Phase, Query, Request, StrategyEvent, Timer},
    engine::{Engine, config::EngineConfig},
    ids::{ClOrdId, IntentId, OrderId, QueryId, RequestId, Seq, SessionId},
    lease::{Lost, Question},
    order::{Order, event::OrderEvent, intent::Handling, status::OrdStatus},
    record::Record,
    report::{Fill, MassStatus, OrderReport, PriceReport, Quote, Report, ReportBody, VenueStatus},
    terms::Terms,
    time::{ClockReading, Timestamp, VenueTime},
    units::Qty,
    venue::{Attempt, CommandResult, Lookup, QueryError, VenueProfile},
};
use std::collections::BTreeMap;

/// 2026-11-22 00:00 UTC.
pub const MIDNIGHT_MS: u64 = 1_795_305_600_000;

/// An engine, and everything it has said so far.
#[derive(Debug)]
pub struct Rig {
    /// The engine.
    pub engine: Engine,
    /// The journal, as the effects filled it.
    pub journal: Vec<(Seq, Record)>,
    /// Requests in the order in which they left.
    pub sent: Vec<Request>,
    /// Questions that have no answer yet.
    pub asked: BTreeMap<QueryId, Query>,
    /// Timers that have not fired.
    pub timers: Vec<(Timestamp, Timer)>,
    /// What strategies were told.
    pub told: Vec<(Option<Seq>, StrategyEvent)>,
    /// What operators were told.
    pub alerts: Vec<Alert>,
    /// Sessions of the private stream that are to have a successor.
    pub reopened: Vec<SessionId>,
    /// Sessions that are to be closed, with those before them.
    pub closed: Vec<SessionId>,
    /// Questions to the lease store.
    pub leased: Vec<Question>,
    /// Why the lease was lost.
    pub fenced: Vec<Lost>,
    /// Milliseconds since midnight.
    pub ms: u64,
    intents: u128,
    session: u32,
    venue_orders: u64,
}

impl Rig {
    /// An engine that has not begun.
    pub fn new(config: EngineConfig, profile: VenueProfile) -> Self {
        Self::over(Engine::new(config, profile), Vec::new())
    }

    fn over(engine: Engine, journal: Vec<(Seq, Record)>) -> Self {
        Self {
            engine,
            journal,
            sent: Vec::new(),
            asked: BTreeMap::new(),
            timers: Vec::new(),
            told: Vec::new(),
            alerts: Vec::new(),
            reopened: Vec::new(),
            closed: Vec::new(),
            leased: Vec::new(),
            fenced: Vec::new(),
            ms: 0,
            intents: 0,
            session: 0,
            venue_orders: 1_000,
        }
    }

    /// An engine that is live on an empty account.
    pub fn live(config: EngineConfig) -> Self {
        let mut rig = Self::new(config, fixtures::profile());
        rig.connect();
        rig.answer_recovery(rig.flat());
        rig.nothing_restricted();
        assert_eq!(rig.engine.phase(), Phase::Live, "{}", rig.engine.report());
        rig
    }

    /// The same account after a crash: a new engine over the first `kept` records of the journal.
    pub fn restarted(self, kept: usize) -> Self {
        let (config, profile) = (self.engine.config().clone(), self.engine.profile().clone());
        let mut engine = Engine::new(config, profile);
        let journal: Vec<_> = self.journal.into_iter().take(kept).collect();
        for (seq, record) in &journal {
            engine.replay(*seq, record).unwrap_or_else(|error| panic!("{error}"));
        }
        let mut rig = Self::over(engine, journal);
        (rig.ms, rig.intents, rig.session, rig.venue_orders) = (self.ms + 1_000, self.intents, self.session, self.venue_orders);
        rig
    }

    /// The engine's time.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_ms(MIDNIGHT_MS + self.ms)
    }
    /// The venue's time; its clock agrees.
    pub fn venue_time(&self) -> VenueTime {
        VenueTime((MIDNIGHT_MS + self.ms) as i64)
    }

    /// Gives one input and files the effects. Records become durable only by [`Rig::durable`].
    pub fn give(&mut self, input: Input) {
        let mut effects = Vec::new();
        self.engine.handle(self.now(), input, &mut effects);
        for effect in effects {
            match effect {
                Effect::Journal(seq, record) => self.journal.push((seq, record)),
                Effect::Send(request) => self.sent.push(request),
                Effect::Ask(id, query) => {
                    self.asked.insert(id, query);
                }
                Effect::SetTimer(timer, at) => self.timers.push((at, timer)),
                Effect::Notify(_, seq, event) => self.told.push((seq, event)),
                Effect::Alert(alert) => self.alerts.push(alert),
                Effect::Reopen(session, _) => self.reopened.push(session),
                Effect::Close(session) => self.closed.push(session),
                Effect::AskLease(question) => self.leased.push(question),
                Effect::Fenced(lost) => self.fenced.push(lost),
                Effect::ReadClock | Effect::Phase(_) | Effect::Report(_) => (),
            }
        }
    }

    /// Begins, with clock, instruments, prices and a stream; everything journalled is durable.
    pub fn connect(&mut self) {
        self.give(Input::Begin);
        self.give(Input::Clock(ClockReading { offset_ms: 0, error_ms: 5 }));
        let instruments = self.engine.config().instruments();
        self.give(Input::Instruments(instruments.iter().map(|i| fixtures::instrument(i.symbol())).collect()));
        for instrument in instruments {
            let quote = Quote {
                bid: Some(fixtures::price("99.9")),
                ask: Some(fixtures::price("100.1")),
                mark: Some(fixtures::price("100")),
            };
            self.give(Input::Price(PriceReport { instrument, quote }));
        }
        self.link_up();
    }

    /// Another session of the private stream is open. Everything journalled is durable.
    pub fn link_up(&mut self) {
        self.session += 1;
        self.give(Input::LinkUp(SessionId(self.session)));
        self.durable();
    }

    /// The newest session of the private stream is over.
    pub fn link_down(&mut self) {
        self.give(Input::LinkDown { session: self.session(), why: "cut".into() });
    }

    /// The newest session of the private stream.
    pub fn session(&self) -> SessionId {
        SessionId(self.session)
    }

    /// An account with nothing in it, on which nothing was ever traded.
    pub fn flat(&self) -> MassStatus {
        MassStatus {
            asked: self.venue_time(),
            mode: self.engine.mode(),
            open_orders: Vec::new(),
            positions: Vec::new(),
            balances: Vec::new(),
            high_water: self.engine.config().instruments().into_iter().map(|i| (i, None)).collect(),
        }
    }

    /// Answers the question for everything, and makes the journal durable.
    pub fn answer_recovery(&mut self, status: MassStatus) {
        let id = self
            .asked
            .iter()
            .find(|(_, q)| matches!(q, Query::Mass(_)))
            .map(|(id, _)| *id)
            .expect("no mass status was asked for");
        self.asked.remove(&id);
        self.give(Input::Answer { query: id, answer: Answer::Mass(Ok(Box::new(status))) });
        self.durable();
    }

    /// Answers every question for trades with none.
    pub fn no_trades(&mut self) {
        let open: Vec<_> = self.asked.iter().filter(|(_, q)| matches!(q, Query::Trades { .. })).map(|(id, _)| *id).collect();
        for id in open {
            self.asked.remove(&id);
            let trades = exec_core::venue::Trades { trades: Vec::new(), complete: true };
            self.give(Input::Answer { query: id, answer: Answer::Trades(Ok(trades)) });
        }
    }

    /// Answers every question for restrictions with none.
    pub fn nothing_restricted(&mut self) {
        let open: Vec<_> = self.asked.iter().filter(|(_, q)| matches!(q, Query::Restrictions(_))).map(|(id, _)| *id).collect();
        for id in open {
            self.asked.remove(&id);
            self.give(Input::Answer { query: id, answer: Answer::Restrictions(Ok(Vec::new())) });
        }
    }

    /// Everything journalled so far is on disk.
    pub fn durable(&mut self) {
        if let Some((seq, _)) = self.journal.last().cloned() {
            self.give(Input::Durable(seq));
        }
    }

    /// Lets time pass and fires the timers that fall due, in order.
    pub fn wait(&mut self, ms: u64) {
        let end = self.ms + ms;
        loop {
            let until = Timestamp::from_ms(MIDNIGHT_MS + end);
            let next = self.timers.iter().enumerate().filter(|(_, (at, _))| *at <= until).min_by_key(|(_, (at, _))| *at);
            let Some((index, at)) = next.map(|(index, (at, _))| (index, *at)) else { break };
            let (_, timer) = self.timers.remove(index);
            self.ms = self.ms.max(at.as_ms() - MIDNIGHT_MS);
            self.give(Input::Timer(timer));
        }
        self.ms = end;
    }

    /// The strategy asks for something.
    pub fn command(&mut self, command: Command) {
        self.give(Input::Commands { strategy: fixtures::strategy_id(), seen: None, commands: vec![command], state: None });
    }

    /// The strategy asks for an order. It waits for the disk if it can add risk.
    pub fn submit(&mut self, terms: Terms) -> IntentId {
        self.submit_with(terms, Handling::default())
    }

    /// The same with its own handling.
    pub fn submit_with(&mut self, terms: Terms, handling: Handling) -> IntentId {
        self.intents += 1;
        let intent = IntentId(self.intents);
        self.command(Command::Submit(NewOrder { intent, terms, handling, list: None }));
        intent
    }

    /// One order of the books.
    pub fn order(&self, intent: IntentId) -> &Order {
        self.engine.books().order(intent).unwrap_or_else(|| panic!("no order {intent}"))
    }
    /// Its status.
    pub fn status(&self, intent: IntentId) -> OrdStatus {
        self.order(intent).status()
    }
    /// The id of its last attempt.
    pub fn cl_ord_id(&self, intent: IntentId) -> ClOrdId {
        self.order(intent).last().map(|(id, _)| *id).expect("it was never attempted")
    }
    /// Every attempt that left.
    pub fn attempts_sent(&self) -> Vec<&Attempt> {
        self.sent.iter().filter_map(|r| if let Request::Submit { attempt, .. } = r { Some(attempt) } else { None }).collect()
    }
    /// How many cancels left.
    pub fn cancels_sent(&self) -> usize {
        self.sent.iter().filter(|r| matches!(r, Request::Cancel(_))).count()
    }
    /// What the last request that left is called.
    pub fn last_request(&self) -> RequestId {
        self.sent.last().map(Request::id).expect("nothing was sent")
    }
    /// The venue answers the last request.
    pub fn outcome(&mut self, result: CommandResult) {
        let request = self.last_request();
        self.give(Input::Outcome { request, outcome: Outcome::Order(result) });
    }
    /// Every question for an order gets this answer.
    pub fn answer_orders(&mut self, answer: &Result<Lookup, QueryError>) -> usize {
        let open: Vec<_> = self.asked.iter().filter(|(_, q)| matches!(q, Query::Order(_))).map(|(id, _)| *id).collect();
        for id in &open {
            self.asked.remove(id);
            self.give(Input::Answer { query: *id, answer: Answer::Order(answer.clone()) });
        }
        open.len()
    }

    /// What the venue would say about an order of ours.
    pub fn venue_report(&mut self, intent: IntentId, status: VenueStatus, cum: &str) -> OrderReport {
        let (cl_ord_id, order) = (self.cl_ord_id(intent), self.order(intent));
        let known = order.attempts().get(&cl_ord_id).and_then(|a| a.order_id());
        let (terms, qty) = (order.intent().terms.clone(), order.qty());
        let order_id = known.unwrap_or_else(|| {
            self.venue_orders += 1;
            OrderId::from_number(self.venue_orders)
        });
        let cum: Qty = fixtures::qty(cum);
        OrderReport {
            cl_ord_id: Some(cl_ord_id),
            order_id: Some(order_id),
            algo_id: None,
            instrument: terms.instrument.clone(),
            side: terms.side,
            leg: Some(terms.leg),
            status,
            kind: Some(terms.kind),
            qty,
            reduce_only: matches!(terms.intention, exec_core::terms::Intention::Reduce),
            close_all: false,
            cum_qty: Some(cum),
            avg_px: None,
            updated: self.venue_time(),
            created: None,
            fill: None,
            replaced_by: None,
            text: None,
            made_by: None,
            activated: false,
        }
    }

    /// The stream says this about an order.
    pub fn stream(&mut self, report: OrderReport) {
        let session = SessionId(self.session);
        self.give(Input::Report { session, report: Report { sent: None, body: ReportBody::Order(report) } });
    }

    /// The venue takes the order in: reply and stream.
    pub fn accept(&mut self, intent: IntentId) {
        let report = self.venue_report(intent, VenueStatus::New, "0");
        self.outcome(Ok(Box::new(report.clone())));
        self.stream(report);
    }

    /// The stream reports a trade of an order; `cum` is what is executed with it.
    pub fn fill(&mut self, intent: IntentId, trade: u64, qty: &str, price: &str, cum: &str) {
        let full = self.order(intent).qty() == Some(fixtures::qty(cum));
        let mut report = self.venue_report(intent, if full { VenueStatus::Filled } else { VenueStatus::PartiallyFilled }, cum);
        report.fill = Some(Fill {
            trade_id: exec_core::ids::TradeId::from_number(trade),
            price: fixtures::price(price),
            qty: fixtures::qty(qty),
            side: report.side,
            maker: true,
            leg: report.leg,
            fee: None,
            realized: None,
            at: self.venue_time(),
        });
        self.stream(report);
    }

    /// Facts about orders that the strategy was told, in order.
    pub fn told_facts(&self) -> Vec<&OrderUpdate> {
        self.told.iter().filter_map(|(_, e)| if let StrategyEvent::Order(u) = e { Some(u) } else { None }).collect()
    }
    /// Whether some fact like this was told.
    pub fn was_told(&self, like: impl Fn(&OrderEvent) -> bool) -> bool {
        self.told_facts().iter().any(|u| like(&u.event))
    }
    /// Whether an alert of this kind was raised.
    pub fn alerted(&self, kind: &str) -> bool {
        self.alerts.iter().any(|a| a.kind == kind)
    }
}
