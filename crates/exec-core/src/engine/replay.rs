//! From the journal to a running engine: replay, and what a new start settles before anything else.

use super::Engine;
use crate::{
    books::BooksError,
    conversation::{Effect, ExchangeEvent, StrategyEvent},
    ids::{Epoch, Seq},
    order::{
        ReplaceFacts,
        event::{GivenUp, OrderEvent, ReplaceHow, RequestState},
        intent::{Intent, Provenance},
    },
    plant::{Plant, planted},
    record::Record,
    report::Source,
    time::Timestamp,
};
use alloc::{collections::BTreeSet, vec::Vec};

/// Where a start begins to count its intents, below 2^39. A start may send exits and then lose every record of itself with the
/// disk, and the next one within the minute takes the same epoch; from another millisecond on it cannot make the same id, unless
/// the first had counted on by 16,384 in each millisecond between.
const fn first_intent(now: Timestamp) -> u64 {
    (now.as_ms() & ((1 << 25) - 1)) << 14
}

/// The same for requests, below 2^28.
const fn first_request(now: Timestamp) -> u32 {
    (((now.as_ms() / 4) & ((1 << 14) - 1)) << 14) as u32
}

/// Numbers of strategies go from 1 to this: ten bits of a client order id, and 0 is nobody's.
const STRATEGIES_MAX: u16 = 1_023;

/// The number that a name asks for.
fn number_of(name: &str) -> u16 {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    ((hash ^ hash >> 16) % u32::from(STRATEGIES_MAX)) as u16 + 1
}

impl Engine {
    /// Adds one record of the journal, in order, before [`crate::conversation::Input::Begin`].
    ///
    /// # Errors
    /// [`BooksError`]: the journal does not fit together; do not start.
    pub fn replay(&mut self, seq: Seq, record: &Record) -> Result<(), BooksError> {
        let transition = self.books.apply(seq, record)?;
        match record {
            Record::Order { intent, at, event, .. } => {
                self.last_heard = self.last_heard.max(Some(*at));
                let owner = self.books.order(*intent).and_then(|o| o.intent().owner.strategy().cloned());
                if let (Some(strategy), Some(t)) = (owner, transition) {
                    let update = self.order_update(*intent, event.clone(), &t, *at);
                    self.remember(&strategy, seq, &StrategyEvent::Order(update));
                }
            }
            Record::Cursor { strategy, seen, .. } => self.forget_seen(strategy, *seen),
            Record::Intent(Intent { id, provenance: Provenance::Exchange(made_by), terms, .. }) => {
                for strategy in self.concerned(&terms.instrument) {
                    let instrument = terms.instrument.clone();
                    let event = ExchangeEvent { intent: *id, made_by: *made_by, instrument, leg: terms.leg };
                    self.remember(&strategy, seq, &StrategyEvent::Exchange(event));
                }
            }
            Record::Started { at, .. } => self.remember_start(*at),
            Record::StrategyNumber { .. }
            | Record::Intent(_)
            | Record::Baseline(_)
            | Record::TradeCursor(_)
            | Record::Balance { .. }
            | Record::Latched { .. }
            | Record::Released { .. }
            | Record::Operator { .. }
            | Record::Raw { .. }
            | Record::Adjustment(_)
            | Record::Claim(_)
            | Record::LetGo { .. }
            | Record::Lifted { .. }
            | Record::Day(_)
            | Record::Funding { .. }
            | Record::InstrumentChanged { .. }
            | Record::Alert { .. } => (),
        }
        Ok(())
    }

    pub(super) fn begin(&mut self, out: &mut Vec<Effect>) {
        if self.begun {
            return;
        }
        (self.begun, self.begun_at) = (true, self.now);
        self.durable = self.books.seq();
        self.hold_unseen();
        (self.intents_made, self.requests) = (first_intent(self.now), first_request(self.now));
        self.intents_from = self.intents_made;
        let own = Epoch::floor(self.now).max(Epoch(self.books.epoch().0 + 1));
        let epoch = self.leased_epoch().unwrap_or(own);
        let account = self.config.account.clone();
        self.record(Record::Started { account, epoch, mode: self.config.mode, at: self.now }, out);
        self.start_seq = self.books.seq();
        self.number_strategies(out);
        let remedies = self.open_remedies();
        self.settle_leftovers(out);
        self.keep_lists(|_| true, out);
        self.resume_remedies(&remedies, out);
        self.find_unstopped();
        self.find_made_way(out);
        self.judge_starts(out);
        self.start_solvency(out);
        self.enforce_kills(out);
        self.resume_flatten(out);
        self.begin_dead_man(out);
        out.push(Effect::ReadClock);
    }

    /// A strategy's number follows from its name, so that a register that was lost with the journal comes back as it was, whatever
    /// other strategies there are by then. Where two names give one number, the later one takes the next that is free.
    fn number_strategies(&mut self, out: &mut Vec<Effect>) {
        for strategy in self.config.strategies.clone() {
            if self.books.strategy(&strategy.id).is_none_or(|b| b.number == 0) {
                let taken: BTreeSet<u16> = self.books.strategies.values().map(|b| b.number).collect();
                let first = number_of(strategy.id.as_str());
                let all = (0..STRATEGIES_MAX).map(|n| (first - 1 + n) % STRATEGIES_MAX + 1);
                let Some(number) = all.into_iter().find(|n| !taken.contains(n)) else { continue };
                self.record(Record::StrategyNumber { strategy: strategy.id, number }, out);
            }
        }
    }

    /// What the last run left open has one meaning only: nobody knows. It is settled by evidence, never by a guess.
    fn settle_leftovers(&mut self, out: &mut Vec<Effect>) {
        let open: Vec<_> = self.books.open_orders().map(|o| o.intent().id).collect();
        for intent in open {
            let Some(order) = self.books.order(intent) else { continue };
            let doubtful: Vec<_> =
                order.attempts().iter().filter(|(_, a)| a.header().is_some() && !a.is_settled()).map(|(id, _)| *id).collect();
            let cancels: Vec<_> =
                order.cancels().iter().filter(|(_, c)| c.state == RequestState::Open).map(|(r, _)| *r).collect();
            let changes: Vec<_> = order
                .replaces()
                .iter()
                .filter(|(_, r)| r.how == ReplaceHow::InPlace && r.state == RequestState::Open)
                .map(|(r, _)| *r)
                .collect();
            let in_place = |r: &ReplaceFacts| r.how == ReplaceHow::InPlace && r.state.is_pending();
            let changing = order.replaces().values().any(in_place);
            // A change that has not come to its new attempt is not taken up again: the market that it was made for is gone.
            let begun = |request| order.renewed_by(request).is_some();
            let withdrawn = order.renewal().map(|(request, _)| request).filter(|request| !begun(*request));
            let untried = order.attempts().is_empty() && order.denial().is_none() && !self.keeps_held_back(intent);
            let wished_off = order.cancel_wished();
            let all_over = !order.attempts().is_empty() && order.attempts().values().all(|a| a.is_over());
            let renewing = order.renewal().is_some_and(|(request, _)| withdrawn != Some(request));
            let over = order.given_up().is_none() && all_over && !renewing;
            for request in cancels {
                self.learn(intent, Source::Engine, OrderEvent::CancelAnswered { request, state: RequestState::Unknown }, out);
            }
            for request in changes {
                self.learn(intent, Source::Engine, OrderEvent::ReplaceAnswered { request, state: RequestState::Unknown }, out);
            }
            if changing {
                self.doubt_change(intent, out);
            }
            if let Some(request) = withdrawn {
                let state = RequestState::NotSent;
                self.learn(intent, Source::Engine, OrderEvent::ReplaceAnswered { request, state }, out);
            }
            for cl_ord_id in doubtful {
                self.doubt(intent, cl_ord_id, out);
                if planted(Plant::SendTwice) {
                    self.send_submit(intent, cl_ord_id, out);
                }
            }
            if untried {
                self.learn(intent, Source::Engine, OrderEvent::GivenUp(GivenUp::NeverTried), out);
            } else if over {
                self.learn(intent, Source::Engine, OrderEvent::GivenUp(GivenUp::Settled), out);
                self.after_facts(intent, out);
            } else if wished_off {
                // The wish outlives the run that had it; what was sent for it may never have arrived.
                self.cancel_later(intent, out);
            } else {
                self.after_facts(intent, out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_starts_never_count_from_the_same_number() {
        let at = |ms: u64| Timestamp::from_ms(1_735_689_600_000 + ms);
        for ms in [0, 1, 59_999, 33_554_431, 33_554_432] {
            assert!(first_intent(at(ms)) < 1 << 39 && first_request(at(ms)) < 1 << 28);
            assert_ne!(first_intent(at(ms)), first_intent(at(ms + 1)));
            assert_ne!(first_request(at(ms)), first_request(at(ms + 4)));
        }
    }
}
