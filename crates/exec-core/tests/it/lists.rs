//! Brackets and pairs are kept by the engine: armed at the first fill, sized with what is open, gone when nothing is left.

use crate::{
    scene::{btc, closing},
    stage::{Stage, long_stop, sell_stop, take_profit},
};
use exec_core::{
    command::{Command, NewOrder},
    conversation::{Answer, Input, Request},
    ids::{IntentId, ListId, SessionId},
    order::{
        event::OrderEvent,
        intent::{Handling, ListPlace, ListRole},
        list::OrderList,
        status::OrdStatus,
    },
    pretrade::Denial,
    record::Record,
    report::VenueStatus,
    terms::{OrderKind, Terms, TimeInForce},
    time::ClockReading,
    units::{PositionSide, Side},
};
use exec_testkit::{
    fixtures::{limit, price, qty},
    rig::Rig,
};

const LIST: ListId = ListId(77);

struct Bracket {
    stage: Stage,
    entry: IntentId,
    stop: IntentId,
    profit: IntentId,
}

fn order(stage: &mut Stage, role: ListRole, terms: Terms) -> NewOrder {
    NewOrder { intent: stage.name(), terms, handling: Handling::default(), list: Some(ListPlace { list: LIST, role }) }
}

/// A buy of 3 at 99 with a stop at 95 and a take-profit limit at 105; the entry stands at the venue.
fn bracket() -> Bracket {
    let mut stage = Stage::holding("0");
    let profit_terms = Terms {
        kind: OrderKind::Limit { price: price("105").into(), tif: TimeInForce::Gtc },
        ..closing(Side::Sell, PositionSide::Net, "3")
    };
    let entry = order(&mut stage, ListRole::Entry, limit(Side::Buy, qty("3"), price("99")));
    let stop = order(&mut stage, ListRole::StopLoss, sell_stop("3", "95"));
    let profit = order(&mut stage, ListRole::TakeProfit, profit_terms);
    let ids = (entry.intent, stop.intent, profit.intent);
    stage.rig.command(Command::SubmitList(vec![entry, stop, profit]));
    stage.rig.durable();
    assert_eq!(stage.rig.attempts_sent().len(), 1, "only the entry leaves");
    stage.rig.accept(ids.0);
    Bracket { stage, entry: ids.0, stop: ids.1, profit: ids.2 }
}

impl Bracket {
    /// The next part of the entry is executed, and what follows is acknowledged.
    fn entered(&mut self, trade: u64, amount: &str, cum: &str) {
        self.stage.rig.fill(self.entry, trade, amount, "99", cum);
    }
    fn sizes(&self) -> (Option<String>, Option<String>) {
        let size = |id| self.stage.rig.order(id).last().and_then(|(_, a)| a.header()).and_then(|h| h.qty).map(|q| q.to_string());
        (size(self.stop), size(self.profit))
    }
    fn accept_profit(&mut self) {
        let report = self.stage.rig.venue_report(self.profit, VenueStatus::New, "0");
        let id = self.stage.rig.cl_ord_id(self.profit);
        let sent = self.stage.rig.sent.iter().rev().find_map(|r| match r {
            Request::Submit { id: request, attempt } if attempt.cl_ord_id == id => Some(*request),
            _ => None,
        });
        let outcome = exec_core::conversation::Outcome::Order(Ok(Box::new(report.clone())));
        self.stage.rig.give(exec_core::conversation::Input::Outcome { request: sent.expect("it was sent"), outcome });
        self.stage.rig.stream(report);
    }
    fn status(&self) -> (OrdStatus, OrdStatus, OrdStatus) {
        (self.stage.rig.status(self.entry), self.stage.rig.status(self.stop), self.stage.rig.status(self.profit))
    }
}

#[test]
fn the_closing_orders_of_a_bracket_are_armed_at_the_first_fill_and_sized_with_the_position() {
    let mut b = bracket();
    assert_eq!(b.status(), (OrdStatus::New, OrdStatus::Initialized, OrdStatus::Initialized));
    b.entered(1, "1", "1");
    assert_eq!(b.sizes(), (Some("1".into()), Some("1".into())));
    b.stage.accept_algo(b.stop);
    b.accept_profit();
    assert!(b.stage.uncovered().is_zero());
    b.entered(2, "2", "3");
    // The stop grows as a new one before the old one goes, the resting limit in place.
    assert_eq!(b.sizes().0, Some("3".into()));
    assert!(matches!(&b.stage.rig.sent[b.stage.rig.sent.len() - 1], Request::Replace(r) if r.qty == qty("3")));
    b.stage.accept_algo(b.stop);
    assert!(b.stage.uncovered().is_zero());
    assert_eq!(b.stage.rig.cancels_sent(), 1, "the old stop");
}

#[test]
fn a_profit_taken_ends_the_stop_and_a_stop_out_ends_the_profit() {
    let mut b = bracket();
    b.entered(1, "3", "3");
    b.stage.accept_algo(b.stop);
    b.accept_profit();
    b.stage.rig.fill(b.profit, 2, "3", "105", "3");
    assert_eq!((b.stage.net(), b.stage.rig.status(b.stop)), ("0".into(), OrdStatus::PendingCancel));
    b.stage.algo(b.stop, VenueStatus::Canceled);
    assert_eq!(b.status(), (OrdStatus::Filled, OrdStatus::Canceled, OrdStatus::Filled));
    assert!(!b.stage.rig.alerted("protection_lost"));

    let mut b = bracket();
    b.entered(1, "3", "3");
    b.stage.accept_algo(b.stop);
    b.accept_profit();
    b.stage.algo(b.stop, VenueStatus::Triggered);
    b.stage.child_fill(b.stop, 2, "3", "94.9", "3");
    assert_eq!((b.stage.net(), b.stage.rig.status(b.profit)), ("0".into(), OrdStatus::PendingCancel));
}

#[test]
fn a_profit_taken_in_part_shrinks_the_stop_and_ends_the_rest_of_the_entry() {
    let mut b = bracket();
    b.entered(1, "2", "2");
    b.stage.accept_algo(b.stop);
    b.accept_profit();
    b.stage.rig.fill(b.profit, 2, "1", "105", "1");
    assert_eq!(b.stage.rig.status(b.entry), OrdStatus::PendingCancel, "the rest would be a new position on its way out");
    assert_eq!(b.sizes().0, Some("1".into()));
    b.stage.accept_algo(b.stop);
    assert!(b.stage.uncovered().is_zero());
}

#[test]
fn an_entry_that_ends_without_a_fill_takes_its_list_with_it() {
    let mut b = bracket();
    b.stage.rig.command(Command::Cancel(b.entry));
    let report = b.stage.rig.venue_report(b.entry, VenueStatus::Canceled, "0");
    b.stage.rig.stream(report);
    assert_eq!(b.status(), (OrdStatus::Canceled, OrdStatus::NotSent, OrdStatus::NotSent));
    assert_eq!(b.stage.rig.attempts_sent().len(), 1);
    assert_eq!(b.stage.rig.engine.books().open_count(), 0);
}

#[test]
fn a_position_closed_by_other_means_needs_no_bracket() {
    let mut b = bracket();
    b.entered(1, "3", "3");
    b.stage.accept_algo(b.stop);
    b.accept_profit();
    let exit = b.stage.submit(closing(Side::Sell, PositionSide::Net, "3"));
    b.stage.rig.accept(exit);
    b.stage.rig.fill(exit, 5, "3", "99", "3");
    assert_eq!(b.stage.rig.status(b.stop), OrdStatus::New, "our books may only lag behind: the venue is asked");
    assert_eq!(b.stage.leg_holds("0"), 1);
    assert_eq!(b.stage.rig.status(b.stop), OrdStatus::PendingCancel);
    assert_eq!(b.stage.rig.status(b.profit), OrdStatus::PendingCancel);
}

#[test]
fn a_late_answer_about_a_leg_does_not_cut_the_stop() {
    let mut b = bracket();
    b.entered(1, "3", "3");
    b.stage.accept_algo(b.stop);
    b.accept_profit();
    let exit = b.stage.submit(closing(Side::Sell, PositionSide::Net, "2"));
    b.stage.rig.accept(exit);
    b.stage.rig.fill(exit, 5, "2", "99", "2");
    let older: Vec<_> = b.stage.rig.asked.keys().copied().collect();
    let [older] = older[..] else { panic!("one question about the leg: {older:?}") };
    let withheld = b.stage.rig.asked.remove(&older);
    assert!(withheld.is_some());
    // Meanwhile the leg grows again, and a newer question is answered first.
    b.stage.enter("1", 6);
    assert_eq!(b.stage.leg_holds("2"), 1);
    b.stage.accept_algo(b.stop);
    assert_eq!(b.stage.rig.order(b.stop).qty(), Some(qty("2")));
    let was = Ok(vec![crate::scene::position("1")]);
    b.stage.rig.give(Input::Answer { query: older, answer: Answer::Positions(was) });
    b.stage.rig.wait(2_000);
    assert_eq!(b.stage.rig.order(b.stop).qty(), Some(qty("2")), "what was before says nothing of what is");
    assert_eq!(b.stage.rig.status(b.stop), OrdStatus::New);
}

#[test]
fn a_bracket_is_armed_although_our_books_lag_behind() {
    // A long was closed at the venue and we have not heard of it: the entry opens a short, and our books say long.
    let mut stage = Stage::holding("5");
    let entry = order(&mut stage, ListRole::Entry, limit(Side::Sell, qty("2"), price("101")));
    let stop_terms = Terms { side: Side::Buy, ..sell_stop("2", "105") };
    let stop = order(&mut stage, ListRole::StopLoss, stop_terms);
    let (entry_id, stop_id) = (entry.intent, stop.intent);
    stage.rig.command(Command::SubmitList(vec![entry, stop]));
    stage.rig.durable();
    stage.rig.accept(entry_id);
    stage.rig.fill(entry_id, 3, "2", "101", "2");
    assert_eq!(stage.rig.status(stop_id), OrdStatus::PendingNew);
    stage.accept_algo(stop_id);
    stage.leg_holds("-2");
    assert_eq!(stage.rig.status(stop_id), OrdStatus::New);
}

#[test]
fn a_crash_at_any_record_leaves_no_entry_without_its_stop() {
    let mut b = bracket();
    b.entered(1, "3", "3");
    let whole = b.stage.rig.journal.len();
    let (entry, stop) = (b.entry, b.stop);
    for kept in 0..=whole {
        let mut again = bracket();
        again.entered(1, "3", "3");
        let mut rig = again.stage.rig.restarted(kept);
        rig.connect();
        let books = rig.engine.books();
        let entered = books.order(entry).is_some_and(|o| !o.cum_qty().is_zero());
        if entered {
            let attempts = books.order(stop).map_or(0, |o| o.attempts().len());
            assert_eq!(attempts, 1, "cut after {kept} of {whole}: the stop was sent once, or is sent now");
        } else {
            let sent = rig.attempts_sent();
            assert!(sent.is_empty(), "cut after {kept}: {sent:?}");
        }
    }
}

#[test]
fn a_list_that_cannot_be_kept_is_denied_as_a_whole() {
    let mut stage = Stage::holding("0");
    let entry = order(&mut stage, ListRole::Entry, limit(Side::Buy, qty("3"), price("99")));
    // A plain opposite stop would open a short: it does not protect.
    let stop =
        order(&mut stage, ListRole::StopLoss, Terms { intention: exec_core::terms::Intention::Open, ..sell_stop("3", "95") });
    let ids = [entry.intent, stop.intent];
    stage.rig.command(Command::SubmitList(vec![entry, stop]));
    stage.rig.durable();
    for id in ids {
        assert!(matches!(stage.rig.order(id).denial(), Some(Denial::List(_))));
    }
    assert!(stage.rig.sent.is_empty());
}

#[test]
fn of_a_pair_that_opens_the_first_to_execute_cancels_the_other() {
    let mut stage = Stage::holding("0");
    let one = order(&mut stage, ListRole::OneCancelsOther, limit(Side::Buy, qty("1"), price("95")));
    let other = order(&mut stage, ListRole::OneCancelsOther, crate::stage::stop_to_open("1", "105"));
    let (low, high) = (one.intent, other.intent);
    stage.rig.command(Command::SubmitList(vec![one, other]));
    stage.rig.durable();
    assert_eq!(stage.rig.attempts_sent().len(), 2);
    stage.accept_algo(high);
    let report = stage.rig.venue_report(low, VenueStatus::New, "0");
    stage.rig.stream(report);
    stage.algo(high, VenueStatus::Triggered);
    assert_eq!(stage.rig.status(low), OrdStatus::PendingCancel);
    assert_eq!(stage.rig.status(high), OrdStatus::Triggered);
}

#[test]
fn of_a_pair_that_closes_the_other_stays_for_what_is_left() {
    let mut stage = Stage::holding("3");
    let one = order(&mut stage, ListRole::OneCancelsOther, take_profit("3", "105"));
    let other = order(&mut stage, ListRole::OneCancelsOther, sell_stop("3", "95"));
    let (profit, stop) = (one.intent, other.intent);
    stage.rig.command(Command::SubmitList(vec![one, other]));
    stage.accept_algo(profit);
    stage.accept_algo(stop);
    stage.algo(profit, VenueStatus::Triggered);
    assert_eq!(stage.rig.status(stop), OrdStatus::New, "nothing is closed yet, so the stop stays");
    stage.child_fill(profit, 8, "1", "105", "1");
    stage.accept_algo(stop);
    assert_eq!(stage.rig.order(stop).qty(), Some(qty("2")));
    assert!(stage.uncovered().is_zero());
    stage.child_fill(profit, 9, "2", "105", "3");
    assert_eq!(stage.rig.status(stop), OrdStatus::PendingCancel);
}

#[test]
fn a_bracket_works_on_a_leg() {
    let mut stage = Stage::on_leg("0");
    let entry_terms = Terms { leg: PositionSide::Long, ..limit(Side::Buy, qty("2"), price("99")) };
    let entry = order(&mut stage, ListRole::Entry, entry_terms);
    let stop = order(&mut stage, ListRole::StopLoss, long_stop("2", "95"));
    let ids = (entry.intent, stop.intent);
    stage.rig.command(Command::SubmitList(vec![entry, stop]));
    stage.rig.durable();
    stage.rig.accept(ids.0);
    stage.rig.fill(ids.0, 1, "2", "99", "2");
    stage.accept_algo(ids.1);
    assert!(stage.uncovered().is_zero());
    let books = stage.rig.engine.books();
    assert_eq!(books.position_qty(&btc(), PositionSide::Long).to_string(), "2");
    assert_eq!(OrderList::find(books, LIST).map(|l| l.open_qty()), Some(qty("2")));
}

/// A start that is not on disk yet, after a crash between an entry's fill and the attempt of its stop. The clock was read.
fn started_on_a_slow_disk() -> (Rig, IntentId) {
    let mut b = bracket();
    b.entered(1, "3", "3");
    let armed = |record: &Record| matches!(record, Record::Order { intent, event: OrderEvent::Attempted { .. }, .. } if *intent == b.stop);
    let stop_at = b.stage.rig.journal.iter().position(|(_, record)| armed(record)).expect("it was armed");
    let mut rig = b.stage.rig.restarted(stop_at);
    rig.give(Input::Begin);
    rig.give(Input::Clock(ClockReading { offset_ms: 0, error_ms: 5 }));
    rig.give(Input::LinkUp(SessionId(9)));
    (rig, b.stop)
}

#[test]
fn a_stop_that_a_start_owes_leaves_when_the_start_is_on_disk() {
    let (mut rig, stop) = started_on_a_slow_disk();
    assert!(rig.attempts_sent().is_empty() && rig.order(stop).attempts().is_empty(), "the next start may bear this epoch too");
    rig.durable();
    assert!(!rig.order(stop).attempts().is_empty());
    let sent = rig.attempts_sent().len();
    rig.wait(3_000);
    assert_eq!(rig.attempts_sent().len(), sent, "once");
}

#[test]
fn a_stop_that_a_start_must_make_larger_is_when_the_start_is_on_disk() {
    let mut b = bracket();
    b.entered(1, "1", "1");
    b.stage.accept_algo(b.stop);
    let kept = b.stage.rig.journal.len();
    b.stage.rig = b.stage.rig.restarted(kept);
    b.stage.rig.give(Input::Begin);
    b.stage.rig.give(Input::Clock(ClockReading { offset_ms: 0, error_ms: 5 }));
    b.entered(2, "2", "3");
    assert!(b.stage.rig.attempts_sent().is_empty());
    assert_eq!(b.sizes().0, Some("1".into()));
    b.stage.rig.durable();
    assert_eq!(b.sizes().0, Some("3".into()));
}

#[test]
fn a_stop_that_a_start_owes_waits_two_seconds_for_the_disk_and_not_at_all_for_one_that_failed() {
    let (mut rig, stop) = started_on_a_slow_disk();
    rig.wait(1_990);
    assert!(rig.order(stop).attempts().is_empty());
    rig.wait(20);
    assert!(!rig.order(stop).attempts().is_empty(), "a position without its stop is worse than an id that looks foreign");
    let (mut rig, stop) = started_on_a_slow_disk();
    rig.give(Input::JournalFailed("full".into()));
    assert!(!rig.order(stop).attempts().is_empty());
}
