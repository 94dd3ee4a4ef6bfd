//! The real core under the model: what the model says happened is done to it, and what it believes is held against the truth.

use exec_core::{
    command::{ChangeOrder, Command},
    conversation::{Answer, Input, Outcome, Query, Request},
    engine::config::EngineConfig,
    ids::{ClOrdId, IntentId, RequestId},
    order::{
        intent::{Handling, InDoubt},
        status::OrdStatus,
    },
    record::Record,
    report::{OrderReport, Report, ReportBody},
    units::{PositionMode, PositionSide},
    venue::{CommandError, CommandResult, RejectClass, Rejection},
};
use proptest_state_machine::StateMachineTest;

use super::{
    step::{RefModel, Step},
    truth::{Did, End, Truth, Way},
};
use crate::{fixtures, rig::Rig};

/// Rounds of questions and answers before a node that is never content has failed.
const ROUNDS_MAX: usize = 200;
/// Longer than every fence of the rig's venue.
const PAST_EVERY_FENCE_MS: u64 = 20_000;

/// An engine in a rig, the model's orders by the engine's names, and what it has yet to be answered.
#[derive(Debug)]
pub struct Node {
    rig: Rig,
    intents: Vec<IntentId>,
    ids: Vec<ClOrdId>,
    requests: Vec<Option<RequestId>>,
    changes: Vec<Vec<RequestId>>,
    handled: usize,
    /// Whether the engine has begun since it was last made.
    begun: bool,
    /// Whether everything the venue knows has been asked for, and nothing has happened since.
    settled: bool,
}

fn config() -> EngineConfig {
    // The model says what must be sent; a second doubt is no reason to send nothing.
    EngineConfig { in_doubt_max: 1_000, ..fixtures::config(PositionMode::Netting, &["BTCUSDT"]) }
}

/// The model says what is cancelled: doubt alone is no reason here.
fn handling() -> Handling {
    Handling { in_doubt: InDoubt::Keep, ..Handling::default() }
}

fn unknown() -> CommandError {
    CommandError::Unknown { why: "no answer".into(), live: false }
}

fn refused(class: RejectClass, code: i64) -> CommandError {
    CommandError::Rejected(Rejection { class, code, text: "no".into() })
}

impl Node {
    /// The engine.
    pub fn rig(&self) -> &Rig {
        &self.rig
    }

    /// Does what the model did.
    fn follow(&mut self, truth: &Truth) {
        let nothing = matches!(truth.did, Did::Nothing | Did::Waited(0));
        self.settled = truth.did == Did::Connected || (self.settled && nothing);
        match truth.did {
            Did::Nothing | Did::AtVenue(_) | Did::Filled(_) => (),
            Did::Sent(order) => {
                let of = &truth.orders[order];
                let intent = self.rig.submit_with(Truth::terms(of.side, of.lots, of.ticks), handling());
                self.rig.durable();
                let sent: Vec<_> = self.rig.sent[self.handled..].iter().collect();
                let [Request::Submit { id, attempt }] = sent[..] else {
                    panic!("one new order was to be sent, not {sent:?}\n{}", self.rig.engine.report())
                };
                self.ids.push(attempt.cl_ord_id);
                self.requests.push(Some(*id));
                self.changes.push(Vec::new());
                self.intents.push(intent);
                self.handled = self.rig.sent.len();
            }
            Did::Shut(side, lots, ticks) => {
                let intent = self.rig.submit(Truth::terms(side, lots, ticks));
                self.rig.durable();
                assert_eq!(self.rig.status(intent), OrdStatus::Denied, "without a stream nothing that adds risk");
            }
            Did::Answered(order) => {
                let result: CommandResult = match truth.orders[order].way {
                    Way::Refused => Err(refused(RejectClass::Funds, -2019)),
                    Way::Here => Ok(Box::new(truth.report(order, self.ids[order]))),
                    Way::Flying | Way::Lost => Err(unknown()),
                };
                self.outcome(order, result);
            }
            Did::Unanswered(order) => self.outcome(order, Err(unknown())),
            Did::Cancelled(order, answered) => {
                self.rig.command(Command::Cancel(self.intents[order]));
                self.rig.durable();
                let sent: Vec<_> = self.rig.sent[self.handled..].iter().collect();
                let [Request::Cancel(cancel)] = sent[..] else { panic!("one cancel was to be sent, not {sent:?}") };
                let request = cancel.request;
                self.handled = self.rig.sent.len();
                let result = if answered { Ok(Box::new(truth.report(order, self.ids[order]))) } else { Err(unknown()) };
                self.rig.give(Input::Outcome { request, outcome: Outcome::Order(result) });
            }
            Did::Changed(order, answered) => {
                self.rig.wait(1);
                let (intent, (qty, price)) = (self.intents[order], truth.asked(order));
                self.rig.command(Command::Replace(ChangeOrder { intent, qty: Some(qty), price: Some(price), trigger: None }));
                self.rig.durable();
                let sent: Vec<_> = self.rig.sent[self.handled..].iter().collect();
                let [Request::Replace(replace)] = sent[..] else {
                    panic!("one change was to be sent, not {sent:?}\n{:?}", self.rig.told.last())
                };
                let request = replace.request;
                self.changes[order].push(request);
                self.handled = self.rig.sent.len();
                let report = OrderReport { replaced_by: Some(request), ..truth.report(order, self.ids[order]) };
                let result = if answered { Ok(Box::new(report)) } else { Err(unknown()) };
                self.rig.give(Input::Outcome { request, outcome: Outcome::Order(result) });
            }
            Did::Told(fact) => {
                let fact = &truth.facts[fact];
                let mut report = truth.said(fact, fact.order.map(|order| self.ids[order]));
                report.replaced_by = fact.order.zip(fact.change).map(|(order, change)| self.changes[order][change]);
                let (session, body) = (self.rig.session(), ReportBody::Order(report));
                self.rig.give(Input::Report { session, report: Report { sent: None, body } });
            }
            Did::Dropped => self.rig.link_down(),
            Did::Connected if self.begun => self.rig.link_up(),
            Did::Connected => {
                self.rig.connect();
                self.begun = true;
            }
            Did::Crashed => self.crash(),
            Did::Waited(ms) => self.rig.wait(ms),
        }
        self.answer_everything(truth);
    }

    fn outcome(&mut self, order: usize, result: CommandResult) {
        if let Some(request) = self.requests[order].take() {
            self.rig.give(Input::Outcome { request, outcome: Outcome::Order(result) });
        }
    }

    /// Everything that was journalled is found again, and nothing else.
    fn crash(&mut self) {
        let books = self.rig.engine.books().clone();
        let empty = Rig::new(config(), fixtures::profile());
        let journalled = self.rig.journal.len();
        self.rig = std::mem::replace(&mut self.rig, empty).restarted(journalled);
        assert_eq!(self.rig.engine.books(), &books, "replay gives the same books");
        self.requests.iter_mut().for_each(|request| *request = None);
        (self.handled, self.begun) = (0, false);
    }

    /// Questions and requests that the engine makes by itself are answered with the truth, until it has none.
    fn answer_everything(&mut self, truth: &Truth) {
        for _ in 0..ROUNDS_MAX {
            self.rig.durable();
            let asked = std::mem::take(&mut self.rig.asked);
            if asked.is_empty() && self.handled == self.rig.sent.len() {
                return;
            }
            for (query, question) in asked {
                let answer = self.answer(truth, &question);
                self.rig.give(Input::Answer { query, answer });
            }
            let requests: Vec<Request> = self.rig.sent[self.handled..].to_vec();
            self.handled = self.rig.sent.len();
            for request in requests {
                self.refuse(truth, &request);
            }
        }
        panic!("the node is never content: it still asks {:?}", self.rig.asked);
    }

    fn answer(&self, truth: &Truth, question: &Query) -> Answer {
        let named = |order: usize| self.ids[order];
        match question {
            Query::Order(order) => Answer::Order(Ok(truth.lookup(order, |id| self.ids.iter().position(|known| known == id)))),
            Query::Mass(_) => Answer::Mass(Ok(Box::new(truth.mass_status(named)))),
            Query::Positions(_) => Answer::Positions(Ok(truth.positions())),
            Query::Trades { from, .. } => Answer::Trades(Ok(truth.trades_since(from, named))),
            Query::Restrictions(_) => Answer::Restrictions(Ok(Vec::new())),
        }
    }

    /// What the strategy did not ask for: only cancels again, of orders that are no more.
    fn refuse(&mut self, truth: &Truth, request: &Request) {
        let Request::Cancel(cancel) = request else { panic!("nobody asked for {request:?}") };
        let order = self.ids.iter().position(|id| cancel.order.cl_ord_id == Some(*id));
        assert!(order.is_some_and(|order| !truth.orders[order].is_open()), "nobody asked for {cancel:?}");
        let result = Err(refused(RejectClass::NotOnBook, -2011));
        self.rig.give(Input::Outcome { request: cancel.request, outcome: Outcome::Order(result) });
    }

    /// What must hold at every moment.
    fn check(&self, truth: &Truth) {
        let ours = |number: usize| truth.trades[number].order;
        for (order, (intent, of)) in self.intents.iter().zip(&truth.orders).enumerate() {
            let known = self.rig.order(*intent);
            let told = format!("order {order}: {of:?}\nin the books: {known:?}");
            assert_eq!(known.attempts().len(), 1, "sent once: {told}");
            assert!(known.cum_qty() <= truth.done(order), "never more than the venue executed: {told}");
            for (_, fill) in known.fills() {
                let number = fill.trade_id.as_str().parse::<usize>().unwrap_or_default();
                assert!(number > 0 && ours(number - 1) == Some(order), "only its own trades: {told}");
            }
            let status = known.status();
            let true_end = match status {
                OrdStatus::Filled => of.done == of.lots,
                OrdStatus::Canceled => of.end == Some(End::Canceled),
                OrdStatus::Expired => of.end == Some(End::Expired),
                OrdStatus::Rejected => of.way == Way::Refused,
                OrdStatus::Presumed => of.way == Way::Lost,
                OrdStatus::Denied | OrdStatus::NotSent | OrdStatus::Vanished => false,
                OrdStatus::Initialized
                | OrdStatus::PendingNew
                | OrdStatus::New
                | OrdStatus::Triggered
                | OrdStatus::PartiallyFilled
                | OrdStatus::PendingReplace
                | OrdStatus::PendingCancel => true,
            };
            assert!(true_end, "an order ends by what the venue did: {told}");
        }
        if self.settled {
            self.check_equal(truth);
        }
    }

    /// What must hold when everything has been asked for.
    fn check_equal(&self, truth: &Truth) {
        let held = self.rig.engine.books().position_qty(&truth.instrument(), PositionSide::Net);
        assert_eq!(held, truth.position_qty(), "the position is the venue's");
        for (order, (intent, of)) in self.intents.iter().zip(&truth.orders).enumerate() {
            if of.way == Way::Here {
                let known = self.rig.order(*intent);
                assert_eq!(known.cum_qty(), truth.done(order), "order {order} is executed as the venue has it");
                assert!(known.unattributed_qty().is_zero(), "each trade of order {order} is known: {known:?}");
                assert_eq!(known.status().is_ended(), !of.is_open(), "order {order}: {of:?}\nin the books: {known:?}");
                if of.is_open() {
                    let asked = (known.qty(), known.price());
                    let (qty, price) = truth.asked(order);
                    assert_eq!(asked, (Some(qty), Some(price)), "order {order} asks for what it does at the venue: {known:?}");
                }
            }
        }
    }
}

impl StateMachineTest for Node {
    type SystemUnderTest = Self;
    type Reference = RefModel;

    fn init_test(_: &Truth) -> Self {
        let rig = Rig::live(config());
        let handled = rig.sent.len();
        let (intents, ids, requests, changes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { rig, intents, ids, requests, changes, handled, begun: true, settled: true }
    }

    fn apply(mut node: Self, truth: &Truth, _step: Step) -> Self {
        node.follow(truth);
        node
    }

    fn check_invariants(node: &Self, truth: &Truth) {
        node.check(truth);
    }

    /// The faults are over: a stream, time for every fence, and everything must be as the venue has it.
    fn teardown(mut node: Self, truth: Truth) {
        use proptest_state_machine::ReferenceStateMachine;
        let mut truth = truth;
        // A port answers each request, if only that it has no answer.
        let answers = truth.orders.iter().map(|_| Step::LoseAnswer(0));
        let waits = [PAST_EVERY_FENCE_MS, 2_000, 2_000];
        let steps = [Step::Wait(5_000)].into_iter().chain(answers).chain([Step::DropStream, Step::Connect]);
        for step in steps.chain(waits.map(Step::Wait)).chain([Step::DropStream, Step::Connect]).collect::<Vec<_>>() {
            truth = RefModel::apply(truth, &step);
            node.follow(&truth);
            node.check(&truth);
        }
        node.check_equal(&truth);
        // Asked for once more, everything is known already.
        let facts = |node: &Self| node.rig.journal.iter().filter(|(_, record)| matches!(record, Record::Order { .. })).count();
        let known = facts(&node);
        for step in [Step::DropStream, Step::Connect] {
            truth = RefModel::apply(truth, &step);
            node.follow(&truth);
        }
        assert_eq!(facts(&node), known, "a second comparison learns nothing: {:?}", node.rig.journal.last());
        for (intent, of) in node.intents.iter().zip(&truth.orders) {
            let known = node.rig.order(*intent);
            assert!(!known.is_in_doubt(), "no doubt is left: {known:?}");
            assert_eq!(known.status().is_ended(), !of.is_open(), "{of:?}\nin the books: {known:?}");
        }
    }
}
