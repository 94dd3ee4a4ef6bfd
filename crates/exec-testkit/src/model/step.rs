//! The steps of the model, which of them are possible when, and what each does to the truth.

use exec_core::units::Side;
use proptest::{
    prelude::*,
    sample::select,
    strategy::{BoxedStrategy, Union},
};
use proptest_state_machine::ReferenceStateMachine;

use super::truth::{ARRIVES_WITHIN_MS, Did, End, Fact, Truth, VenueOrder, VenueTrade, WINDOW_MS, Way};

/// What the node needs to begin again, in milliseconds.
const RESTART_MS: u64 = 1_000;

/// From this age on what was not told may be missed.
const LATE_MS: u64 = 900;
/// Longer than every fence.
const LONG_MS: u64 = 70_000;
/// Each question is answered at the end of a wait, so an absence takes two of them to be one twice.
const SEARCHES: u32 = 3;

/// One thing that happens. A number in it picks among what is possible.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// The strategy asks for an order: side, lots, ticks.
    Submit(Side, i64, i64),
    /// A request arrives.
    Arrive(usize),
    /// A request is lost.
    Lose(usize),
    /// A request is refused, and answered so.
    Refuse(usize),
    /// A request is answered.
    Answer(usize),
    /// The answer to a request is lost.
    LoseAnswer(usize),
    /// The strategy cancels an order it knows; the answer comes, or is lost.
    Cancel(usize, bool),
    /// The strategy changes an order it knows: so many lots more, at this price; the answer comes, or is lost.
    Change(usize, i64, i64, bool),
    /// An order trades: so many thousandths of what is left, at least a lot.
    Fill(usize, i64),
    /// The venue, or somebody else, ends an order.
    VenueEnds(usize, End),
    /// A hand trades: side, lots.
    Hand(Side, i64),
    /// The stream tells a fact that it has not told, not always the oldest.
    Deliver(usize),
    /// The stream tells a fact again.
    DeliverAgain(usize),
    /// The stream breaks; what it had not told is never told.
    DropStream,
    /// A new stream is opened, and everything is asked for.
    Connect,
    /// The node dies and begins again.
    Crash,
    /// Time passes. None at all is always possible.
    Wait(u64),
}

/// The reference of a state-machine test: [`Truth`] as state, [`Step`] as transition.
#[derive(Debug)]
pub struct RefModel;

/// What can be picked.
fn numbers(truth: &Truth, is: impl Fn(&VenueOrder) -> bool) -> Vec<usize> {
    (0..truth.orders.len()).filter(|number| is(&truth.orders[*number])).collect()
}
fn pick(among: &[usize], number: usize) -> Option<usize> {
    (!among.is_empty()).then(|| among[number % among.len()])
}

fn flying(truth: &Truth) -> Vec<usize> {
    numbers(truth, |order| order.way == Way::Flying)
}
fn open(truth: &Truth) -> Vec<usize> {
    numbers(truth, VenueOrder::is_open)
}
fn answerable(truth: &Truth) -> Vec<usize> {
    numbers(truth, |order| !order.answered && order.way == Way::Here)
}
fn unanswered(truth: &Truth) -> Vec<usize> {
    numbers(truth, |order| !order.answered && matches!(order.way, Way::Flying | Way::Here | Way::Lost))
}
fn cancellable(truth: &Truth) -> Vec<usize> {
    numbers(truth, |order| order.is_open() && order.known)
}
fn changeable(truth: &Truth) -> Vec<usize> {
    numbers(truth, |order| order.is_open() && order.known && !order.changing && truth.is_gate_open() == Some(true))
}
fn untold(truth: &Truth) -> Vec<usize> {
    (0..truth.facts.len()).filter(|fact| truth.link && !truth.facts[*fact].told).collect()
}
fn told(truth: &Truth) -> Vec<usize> {
    (0..truth.facts.len()).filter(|fact| truth.link && truth.facts[*fact].told).collect()
}

impl ReferenceStateMachine for RefModel {
    type State = Truth;
    type Transition = Step;

    /// An empty account, and a node that is connected to it.
    fn init_state() -> BoxedStrategy<Truth> {
        Just(Truth { link: true, ..Truth::default() }).boxed()
    }

    /// Only what is possible, and always that no time passes.
    fn transitions(truth: &Truth) -> BoxedStrategy<Step> {
        let side = || select(vec![Side::Buy, Side::Sell]);
        let which = || 0..8_usize;
        let mut steps: Vec<(u32, BoxedStrategy<Step>)> = vec![
            (
                2,
                select(vec![0, 1, 50, 1_000, WINDOW_MS, WINDOW_MS + 1, ARRIVES_WITHIN_MS, ARRIVES_WITHIN_MS + 1, LONG_MS])
                    .prop_map(Step::Wait)
                    .boxed(),
            ),
            (6, (side(), 1..20_i64, 980..1_020_i64).prop_map(|(side, lots, ticks)| Step::Submit(side, lots, ticks)).boxed()),
            (1, (side(), 1..20_i64).prop_map(|(side, lots)| Step::Hand(side, lots)).boxed()),
            (1, Just(Step::Crash).boxed()),
        ];
        let mut add = |weight, possible: bool, step: BoxedStrategy<Step>| {
            if possible {
                steps.push((weight, step));
            }
        };
        add(if truth.silent { 8 } else { 1 }, truth.link, Just(Step::DropStream).boxed());
        add(12, !truth.link, Just(Step::Connect).boxed());
        let some = !flying(truth).is_empty();
        add(6, some, which().prop_map(Step::Arrive).boxed());
        add(1, some, which().prop_map(Step::Lose).boxed());
        add(1, some, which().prop_map(Step::Refuse).boxed());
        add(4, !answerable(truth).is_empty(), which().prop_map(Step::Answer).boxed());
        add(1, !unanswered(truth).is_empty(), which().prop_map(Step::LoseAnswer).boxed());
        let cancel = (which(), any::<bool>()).prop_map(|(which, answered)| Step::Cancel(which, answered));
        add(2, !cancellable(truth).is_empty(), cancel.boxed());
        let change = (which(), 1..5_i64, 980..1_020_i64, any::<bool>());
        let change = change.prop_map(|(which, more, ticks, answered)| Step::Change(which, more, ticks, answered));
        add(3, !changeable(truth).is_empty(), change.boxed());
        let some = !open(truth).is_empty();
        let thousandths = prop_oneof![1 => Just(1_000_i64), 2 => 1..1_000_i64];
        add(6, some, (which(), thousandths).prop_map(|(which, part)| Step::Fill(which, part)).boxed());
        let end = select(vec![End::Canceled, End::Expired]);
        add(1, some, (which(), end).prop_map(|(which, end)| Step::VenueEnds(which, end)).boxed());
        add(10, !untold(truth).is_empty(), which().prop_map(Step::Deliver).boxed());
        add(1, !told(truth).is_empty(), which().prop_map(Step::DeliverAgain).boxed());
        Union::new_weighted(steps).boxed()
    }

    fn apply(mut truth: Truth, step: &Step) -> Truth {
        truth.did = truth.step(step).unwrap_or_default();
        truth
    }
}

impl Truth {
    fn step(&mut self, step: &Step) -> Option<Did> {
        Some(match *step {
            Step::Submit(side, lots, ticks) => {
                if !self.is_gate_open()? {
                    return Some(Did::Shut(side, lots, ticks));
                }
                self.orders.push(VenueOrder {
                    side,
                    lots,
                    ticks,
                    way: Way::Flying,
                    done: 0,
                    end: None,
                    answered: false,
                    known: false,
                    sent_ms: self.ms,
                    orphan: false,
                    searched: 0,
                    changes: 0,
                    changing: false,
                });
                Did::Sent(self.orders.len() - 1)
            }
            Step::Arrive(number) => {
                let order = pick(&flying(self), number)?;
                self.orders[order].way = Way::Here;
                self.tell(order, None);
                Did::AtVenue(order)
            }
            Step::Lose(number) => {
                let order = pick(&flying(self), number)?;
                self.orders[order].way = Way::Lost;
                Did::AtVenue(order)
            }
            Step::Refuse(number) => {
                let order = pick(&flying(self), number)?;
                self.orders[order].way = Way::Refused;
                // Whoever died meanwhile never hears the answer: for him it was lost.
                if self.orders[order].answered {
                    self.orders[order].way = Way::Lost;
                    return Some(Did::AtVenue(order));
                }
                self.orders[order].answered = true;
                Did::Answered(order)
            }
            Step::Answer(number) => {
                let order = pick(&answerable(self), number)?;
                self.orders[order].answered = true;
                self.known(order);
                Did::Answered(order)
            }
            Step::LoseAnswer(number) => {
                let order = pick(&unanswered(self), number)?;
                self.orders[order].answered = true;
                Did::Unanswered(order)
            }
            Step::Cancel(number, answered) => {
                let order = pick(&cancellable(self), number)?;
                self.end(order, End::Canceled);
                Did::Cancelled(order, answered)
            }
            Step::Change(number, more, ticks, answered) => {
                let order = pick(&changeable(self), number)?;
                // The venue dates its changes, so that of two words the newer one is known.
                self.pass(1);
                let of = &mut self.orders[order];
                let change = of.changes;
                (of.lots, of.ticks, of.changes, of.changing) = (of.lots + more, ticks, change + 1, !answered);
                if self.link {
                    self.facts.push(Fact { change: Some(change), ..self.fact(order, None) });
                }
                Did::Changed(order, answered)
            }
            Step::Fill(number, part) => {
                let order = pick(&open(self), number)?;
                let of = &mut self.orders[order];
                let left = of.lots - of.done;
                let lots = (left * part / 1_000).clamp(1, left);
                of.done += lots;
                let signed = if of.side == Side::Buy { lots } else { -lots };
                let (ticks, ms) = (of.ticks, self.ms);
                self.trades.push(VenueTrade { order: Some(order), lots: signed, ticks, ms });
                let trade = self.trades.len() - 1;
                self.tell(order, Some(trade));
                Did::Filled(trade)
            }
            Step::VenueEnds(number, end) => {
                let order = pick(&open(self), number)?;
                self.end(order, end);
                Did::AtVenue(order)
            }
            Step::Hand(side, lots) => {
                let signed = if side == Side::Buy { lots } else { -lots };
                self.trades.push(VenueTrade { order: None, lots: signed, ticks: 1_000, ms: self.ms });
                let trade = self.trades.len() - 1;
                if self.link {
                    self.facts.push(self.by_hand(trade));
                }
                Did::Filled(trade)
            }
            Step::Deliver(number) => self.deliver(pick(&untold(self), number)?),
            Step::DeliverAgain(number) => self.deliver(pick(&told(self), number)?),
            Step::DropStream => {
                if !self.link {
                    return None;
                }
                self.link = false;
                self.facts.clear();
                Did::Dropped
            }
            Step::Connect => {
                if self.link {
                    return None;
                }
                self.vain += u32::from(self.silent);
                (self.link, self.silent) = (true, false);
                for order in numbers(self, |order| order.way == Way::Here) {
                    self.known(order);
                }
                Did::Connected
            }
            Step::Crash => {
                self.link = false;
                self.facts.clear();
                // Its answers have nobody left to come to.
                for order in &mut self.orders {
                    order.answered = true;
                    order.orphan |= !order.known && order.way != Way::Refused;
                    order.searched = 0;
                }
                self.pass(RESTART_MS);
                Did::Crashed
            }
            Step::Wait(ms) => {
                self.pass(ms);
                Did::Waited(ms)
            }
        })
    }

    fn pass(&mut self, ms: u64) {
        self.ms += ms;
        let late = |fact: &Fact| !fact.told && self.ms - fact.ms >= LATE_MS;
        self.silent |= self.link && self.facts.iter().any(late);
        for order in
            self.orders.iter_mut().filter(|order| order.way == Way::Flying && order.sent_ms + ARRIVES_WITHIN_MS < self.ms)
        {
            order.way = Way::Lost;
        }
        for order in self.orders.iter_mut().filter(|order| self.link && ms >= LONG_MS && order.way == Way::Lost) {
            order.searched += 1;
            order.orphan &= order.searched < SEARCHES;
        }
        if self.link && ms >= LONG_MS {
            self.orders.iter_mut().for_each(|order| order.changing = false);
        }
    }

    fn known(&mut self, order: usize) {
        (self.orders[order].known, self.orders[order].orphan) = (true, false);
    }

    fn end(&mut self, order: usize, end: End) {
        self.orders[order].end = Some(end);
        self.tell(order, None);
    }

    fn tell(&mut self, order: usize, trade: Option<usize>) {
        if self.link {
            self.facts.push(self.fact(order, trade));
        }
    }

    fn deliver(&mut self, fact: usize) -> Did {
        (self.facts[fact].told, self.vain) = (true, 0);
        let Fact { order, change, .. } = self.facts[fact];
        if let Some(order) = order {
            self.known(order);
            let of = &mut self.orders[order];
            of.changing &= change.is_none_or(|change| change + 1 < of.changes);
        }
        Did::Told(fact)
    }
}
