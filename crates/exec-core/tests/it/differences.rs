//! What becomes of a leg that books and venue see differently: asked for again, explained, settled, and never counted twice.

use crate::{
    scene::{asked_again, btc, buy, cl_of, closing, fill_of, foreign, high, netting, position, position_of, reconcile, working},
    stage::sell_stop,
};
use exec_core::{
    command::OperatorCommand,
    conversation::{Answer, Input, Phase, Query, Request},
    engine::config::EngineConfig,
    ids::{OrderId, SessionId, TradeId},
    order::intent::{Owner, Provenance},
    pretrade::Denial,
    record::{LatchCause, Record},
    report::{MassStatus, PositionReport, Report, ReportBody, TradeReport, VenueStatus},
    terms::{Intention, Terms},
    unequal::{Cause, DifferencePolicy},
    units::{PositionMode, PositionSide, Side},
    venue::{Lookup, Trades},
};
use exec_testkit::{
    fixtures::{self, config, decimal, qty, strategy_id},
    rig::Rig,
};

const BOTH: [(PositionMode, PositionSide); 2] =
    [(PositionMode::Netting, PositionSide::Net), (PositionMode::Hedging, PositionSide::Long)];

fn with_policy(mode: PositionMode, policy: DifferencePolicy, max: &str) -> Rig {
    let mut config = config(mode, &["BTCUSDT"]);
    config.differences.policy = policy;
    config.differences.adopt_notional_max = decimal(max);
    Rig::live(config)
}

fn leg_of(leg: PositionSide, amount: &str) -> PositionReport {
    position_of("BTCUSDT", leg, amount)
}

/// The venue holds this much at trade 9, and no trade tells why.
fn cut(rig: &Rig, leg: PositionSide, amount: &str) -> MassStatus {
    let mut status = rig.flat();
    status.positions = vec![leg_of(leg, amount)];
    status.high_water = vec![high("BTCUSDT", 9)];
    status
}

fn open(leg: PositionSide) -> Terms {
    Terms { leg, ..buy() }
}

fn operator(rig: &mut Rig, command: OperatorCommand) {
    rig.give(Input::Operator { who: "ada".into(), command });
}

fn adjustments(rig: &Rig) -> usize {
    rig.journal.iter().filter(|(_, r)| matches!(r, Record::Adjustment(_))).count()
}

fn external(rig: &Rig, leg: PositionSide) -> String {
    rig.engine.books().share(&Owner::External, &btc(), leg).to_string()
}

fn mine(rig: &Rig, leg: PositionSide) -> String {
    rig.engine.books().share(&Owner::Strategy(strategy_id()), &btc(), leg).to_string()
}

fn trade(rig: &Rig, order: u64, id: u64, amount: &str, leg: PositionSide) -> TradeReport {
    let fill = fill_of(rig, id, Side::Buy, amount, Some(leg));
    TradeReport { instrument: btc(), cl_ord_id: None, order_id: OrderId::from_number(order), fill }
}

/// Answers the open question for trades with these.
fn list(rig: &mut Rig, trades: Vec<TradeReport>) {
    let id = rig.asked.iter().find(|(_, q)| matches!(q, Query::Trades { .. })).map(|(id, _)| *id).expect("trades are asked for");
    rig.asked.remove(&id);
    rig.give(Input::Answer { query: id, answer: Answer::Trades(Ok(Trades { trades, complete: true })) });
}

#[test]
fn promise_p06_reduce_refuses_new_risk_lets_exits_pass_and_asks_every_5_s_for_little() {
    for (mode, leg) in BOTH {
        let mut rig = with_policy(mode, DifferencePolicy::Reduce, "0");
        let status = cut(&rig, leg, "3");
        reconcile(&mut rig, status);
        let denied = rig.submit(open(leg));
        assert!(matches!(rig.order(denied).denial(), Some(Denial::GateClosed(_))), "{mode:?}");
        let exit = rig.submit(closing(Side::Sell, leg, "3"));
        assert_eq!(rig.order(exit).denial(), None, "{mode:?}: the venue holds 3");
        let stop = rig.submit(Terms { leg, ..sell_stop("3", "95") });
        assert_eq!(rig.order(stop).denial(), None);
        assert_eq!(rig.attempts_sent().len(), 2);
        for _ in 0..3 {
            rig.wait(5_000);
            assert!(!rig.asked.values().any(|q| matches!(q, Query::Mass(_))), "not for everything");
            asked_again(&mut rig, &[leg_of(leg, "3")]);
            assert_eq!(rig.engine.differences().len(), 1);
        }
        let told = rig.alerts.iter().filter(|a| a.kind == "difference").count();
        assert_eq!(told, 1, "the same figures are told once");
    }
}

#[test]
fn in_hedging_an_exit_is_sized_on_the_venues_leg() {
    let mut rig = with_policy(PositionMode::Hedging, DifferencePolicy::Reduce, "0");
    let entry = rig.submit(open(PositionSide::Long));
    rig.durable();
    rig.accept(entry);
    rig.fill(entry, 5, "1", "99", "1");
    let status = cut(&rig, PositionSide::Long, "0.4");
    reconcile(&mut rig, status);
    let exit = rig.submit(closing(Side::Sell, PositionSide::Long, "1"));
    assert_eq!(rig.order(exit).qty(), Some(qty("0.4")));
}

#[test]
fn a_trade_found_later_explains_under_external_and_reopens_by_itself() {
    for (mode, leg) in BOTH {
        let mut rig = with_policy(mode, DifferencePolicy::Reduce, "0");
        let status = cut(&rig, leg, "3");
        reconcile(&mut rig, status);
        assert_eq!(rig.engine.explanations()[0].cause, Cause::WithoutTrade);
        rig.wait(5_000);
        let found = trade(&rig, 77, 9, "3", leg);
        list(&mut rig, vec![found]);
        rig.wait(1_000);
        let mut report = foreign("77", "3", "3");
        (report.leg, report.status) = (Some(leg), VenueStatus::Filled);
        rig.answer_orders(&Ok(Lookup::Found(Box::new(report))));
        assert_eq!(external(&rig, leg), "3", "booked without an operator");
        rig.wait(5_000);
        asked_again(&mut rig, &[leg_of(leg, "3")]);
        assert!(rig.engine.differences().is_empty());
        assert!(rig.alerted("difference_explained"));
        assert_eq!(adjustments(&rig), 0);
        let again = rig.submit(open(leg));
        assert_eq!(rig.order(again).denial(), None);
    }
}

#[test]
fn a_settled_difference_is_a_fact_of_its_own_and_outlives_a_restart() {
    for (mode, leg) in BOTH {
        let mut rig = with_policy(mode, DifferencePolicy::Reduce, "0");
        let status = cut(&rig, leg, "3");
        reconcile(&mut rig, status);
        operator(&mut rig, OperatorCommand::Adopt(Some(btc())));
        assert!(rig.engine.differences().is_empty());
        let again = rig.submit(open(leg));
        assert_eq!(rig.order(again).denial(), None, "the instrument is open at once");
        rig.durable();
        let kept = rig.journal.len();
        let books = rig.engine.books().clone();
        let rig = rig.restarted(kept);
        assert_eq!(rig.engine.books(), &books);
        let held = rig.engine.books().position(&btc(), leg).expect("a leg");
        assert_eq!(
            (cl_of(&rig, leg), external(&rig, leg), held.adjusted_qty().to_string()),
            ("3".into(), "3".into(), "3".into())
        );
        assert_eq!(rig.engine.books().orders().filter(|o| o.fills().next().is_some()).count(), 0, "no trade was invented");
        let record = held.adjustments()[0].record();
        assert_eq!((record.who.as_str(), record.cut), ("ada", Some(TradeId::from_number(9))));
        assert!(record.why.contains("compared at trade 9"), "{}", record.why);
    }
}

#[test]
fn a_late_trade_of_ours_is_taken_off_the_adjustment_that_stood_for_it() {
    for (mode, leg) in BOTH {
        let mut rig = with_policy(mode, DifferencePolicy::Reduce, "0");
        let intent = rig.submit(open(leg));
        rig.durable();
        rig.accept(intent);
        // The order has filled; its event was lost, and the venue's list of trades lags behind its positions.
        let mut status = cut(&rig, leg, "1");
        status.open_orders = vec![rig.venue_report(intent, VenueStatus::New, "0")];
        reconcile(&mut rig, status);
        operator(&mut rig, OperatorCommand::Adopt(None));
        assert_eq!((cl_of(&rig, leg), external(&rig, leg)), ("1".into(), "1".into()));
        rig.fill(intent, 9, "1", "99", "1");
        assert_eq!((cl_of(&rig, leg), external(&rig, leg), mine(&rig, leg)), ("1".into(), "0".into(), "1".into()));
        let held = rig.engine.books().position(&btc(), leg).expect("a leg");
        assert!(held.adjusted_qty().is_zero());
        // What was traded after the cut is not in it.
        let next = rig.submit(open(leg));
        rig.durable();
        rig.accept(next);
        rig.fill(next, 10, "1", "99", "1");
        assert_eq!(cl_of(&rig, leg), "2");
    }
}

#[test]
fn a_trade_behind_a_quantity_that_was_known_at_the_cut_is_no_news_to_the_adjustment() {
    let mut rig = netting();
    let intent = rig.submit(Terms { qty: Some(qty("2")), ..buy() });
    rig.durable();
    let partly = rig.venue_report(intent, VenueStatus::PartiallyFilled, "1");
    rig.outcome(Ok(Box::new(partly.clone())));
    let mut status = cut(&rig, PositionSide::Net, "4");
    status.open_orders = vec![partly];
    reconcile(&mut rig, status);
    operator(&mut rig, OperatorCommand::Adopt(None));
    assert_eq!((cl_of(&rig, PositionSide::Net), external(&rig, PositionSide::Net)), ("4".into(), "3".into()));
    rig.fill(intent, 8, "1", "99", "1");
    assert_eq!((cl_of(&rig, PositionSide::Net), external(&rig, PositionSide::Net)), ("4".into(), "3".into()));
    // Told first as a quantity and then as a trade, both after the settlement.
    let told = rig.venue_report(intent, VenueStatus::Filled, "2");
    rig.stream(told);
    rig.fill(intent, 9, "1", "99", "2");
    assert_eq!((cl_of(&rig, PositionSide::Net), external(&rig, PositionSide::Net)), ("4".into(), "2".into()));
}

#[test]
fn a_late_trade_of_somebody_else_is_history_behind_an_adjustment() {
    let mut rig = netting();
    let status = cut(&rig, PositionSide::Net, "3");
    reconcile(&mut rig, status);
    operator(&mut rig, OperatorCommand::Adopt(None));
    let late = trade(&rig, 77, 8, "3", PositionSide::Net);
    rig.give(Input::Report { session: SessionId(1), report: Report { sent: None, body: ReportBody::Trade(late) } });
    rig.wait(2_000);
    assert_eq!(rig.answer_orders(&Ok(Lookup::Absent)), 0, "nobody asks for its order");
    assert_eq!(cl_of(&rig, PositionSide::Net), "3");
    let next = trade(&rig, 78, 10, "1", PositionSide::Net);
    rig.give(Input::Report { session: SessionId(1), report: Report { sent: None, body: ReportBody::Trade(next) } });
    for _ in 0..5 {
        rig.wait(1_000);
        rig.answer_orders(&Ok(Lookup::Absent));
    }
    assert_eq!(cl_of(&rig, PositionSide::Net), "4", "what came after the cut counts");
}

#[test]
fn what_explains_a_difference_before_it_is_settled_leaves_nothing_to_settle() {
    let mut rig = netting();
    let intent = working(&mut rig);
    let mut status = cut(&rig, PositionSide::Net, "1");
    status.open_orders = vec![rig.venue_report(intent, VenueStatus::New, "0")];
    reconcile(&mut rig, status);
    assert_eq!(rig.engine.differences().len(), 1);
    rig.fill(intent, 9, "1", "99", "1");
    operator(&mut rig, OperatorCommand::Adopt(None));
    assert_eq!((adjustments(&rig), cl_of(&rig, PositionSide::Net)), (0, "1".into()));
}

#[test]
fn adopt_settles_by_itself_what_is_seen_twice_and_worth_little_enough() {
    for (mode, leg) in BOTH {
        let mut rig = with_policy(mode, DifferencePolicy::Adopt, "300");
        let status = cut(&rig, leg, "3");
        reconcile(&mut rig, status);
        assert_eq!(adjustments(&rig), 0, "once is not enough");
        rig.wait(5_000);
        asked_again(&mut rig, &[leg_of(leg, "3")]);
        assert_eq!((adjustments(&rig), cl_of(&rig, leg)), (1, "3".into()));
        assert!(rig.engine.differences().is_empty());
        // 301 is more than 300.
        let status = cut(&rig, leg, "6.01");
        reconcile(&mut rig, status);
        rig.wait(5_000);
        asked_again(&mut rig, &[leg_of(leg, "6.01")]);
        assert_eq!((adjustments(&rig), rig.engine.differences().len()), (1, 1));
    }
}

#[test]
fn adopt_waits_for_the_trade_of_a_known_quantity() {
    let mut rig = with_policy(PositionMode::Netting, DifferencePolicy::Adopt, "1000");
    let intent = rig.submit(buy());
    rig.durable();
    let filled = rig.venue_report(intent, VenueStatus::Filled, "1");
    rig.outcome(Ok(Box::new(filled)));
    // The reply says 1, the positions say nothing, and no trade tells: a restart of the comparison does not help.
    rig.give(Input::LinkUp(SessionId(2)));
    rig.answer_recovery(rig.flat());
    rig.no_trades();
    for _ in 0..3 {
        rig.wait(5_000);
        asked_again(&mut rig, &[]);
    }
    assert_eq!((adjustments(&rig), rig.engine.differences().len()), (0, 1));
    assert_eq!(rig.engine.explanations()[0].cause, Cause::NoTradeForIt);
}

/// The last event of a conditional order names neither its trades nor their time: it may come when the books of the leg, begun after
/// its trades, know nothing of it.
#[test]
fn a_found_order_that_ended_before_the_books_began_is_history_once_seen_twice() {
    for (mode, leg) in BOTH {
        let mut rig = with_policy(mode, DifferencePolicy::Reduce, "0");
        let mut late = foreign("77", "3", "3");
        (late.leg, late.status, late.updated) = (Some(leg), VenueStatus::Finished, rig.venue_time().plus_ms(1));
        rig.stream(late);
        assert_eq!(cl_of(&rig, leg), "3", "{mode:?}: until it is known better");
        let status = rig.flat();
        reconcile(&mut rig, status);
        // A quantity without its trades is read once more before it is called a difference, and once more before it is explained.
        rig.wait(1_000);
        rig.answer_recovery(rig.flat());
        rig.no_trades();
        assert_eq!(rig.engine.differences().len(), 1, "its trades might still be on their way");
        rig.wait(5_000);
        asked_again(&mut rig, &[]);
        assert!(rig.engine.differences().is_empty(), "{mode:?}");
        assert_eq!((cl_of(&rig, leg).as_str(), adjustments(&rig)), ("0", 0));
        let again = rig.submit(open(leg));
        assert_eq!(rig.order(again).denial(), None);
    }
}

#[test]
fn a_found_order_that_does_not_explain_the_whole_difference_explains_nothing() {
    let mut rig = netting();
    let mut late = foreign("77", "3", "3");
    (late.status, late.updated) = (VenueStatus::Finished, rig.venue_time().plus_ms(1));
    rig.stream(late);
    let status = cut(&rig, PositionSide::Net, "1");
    reconcile(&mut rig, status);
    for _ in 0..3 {
        rig.wait(5_000);
        asked_again(&mut rig, &[position("1")]);
    }
    assert_eq!((rig.engine.differences().len(), cl_of(&rig, PositionSide::Net)), (1, "3".into()));
}

#[test]
fn halt_shuts_the_account_until_somebody_releases_it() {
    let mut config = config(PositionMode::Netting, &["BTCUSDT", "ETHUSDT"]);
    config.differences.by_instrument.insert(btc(), DifferencePolicy::Halt);
    let mut rig = Rig::live(config);
    let resting = working(&mut rig);
    let mut status = cut(&rig, PositionSide::Net, "3");
    status.open_orders = vec![rig.venue_report(resting, VenueStatus::New, "0")];
    reconcile(&mut rig, status);
    assert!(rig.engine.books().latches().contains_key(&LatchCause::Difference(btc())));
    assert_eq!(rig.engine.phase(), Phase::Degraded);
    assert!(rig.sent.iter().any(|r| matches!(r, Request::Cancel(_))), "its entry is taken off");
    let other = rig.submit(Terms { instrument: fixtures::instrument_id("ETHUSDT"), ..buy() });
    assert!(rig.order(other).denial().is_some(), "the whole account");
    operator(&mut rig, OperatorCommand::Adopt(None));
    assert_eq!(rig.engine.phase(), Phase::Degraded, "settled is not released");
    operator(&mut rig, OperatorCommand::Release);
    assert_eq!(rig.engine.phase(), Phase::Live);
}

#[test]
fn ignore_only_tells_and_limits_count_the_larger_of_both_figures() {
    let mut config: EngineConfig = config(PositionMode::Netting, &["BTCUSDT"]);
    config.differences.policy = DifferencePolicy::Ignore;
    config.limits.position_notional_max = decimal("1000");
    let mut rig = Rig::live(config);
    let status = cut(&rig, PositionSide::Net, "8");
    reconcile(&mut rig, status);
    assert!(rig.alerted("difference"));
    let fits = rig.submit(Terms { qty: Some(qty("1")), ..buy() });
    assert_eq!(rig.order(fits).denial(), None, "it is not restricted");
    let beyond = rig.submit(Terms { qty: Some(qty("3")), ..buy() });
    assert!(matches!(rig.order(beyond).denial(), Some(Denial::Limit { .. })), "8 at the venue, 1 on its way, and 3");
    rig.wait(20_000);
    assert!(!rig.asked.values().any(|q| matches!(q, Query::Positions(_))), "and not asked for");
}

fn claiming(mode: PositionMode) -> EngineConfig {
    let mut config = config(mode, &["BTCUSDT"]);
    config.strategies[0].external_order_claims = vec![btc()];
    config
}

#[test]
fn a_claim_gives_the_strategy_what_stood_before_the_books_began_and_shows_it() {
    for (mode, legs) in [
        (PositionMode::Netting, vec![(PositionSide::Net, "2")]),
        (PositionMode::Hedging, vec![(PositionSide::Long, "2"), (PositionSide::Short, "-2")]),
    ] {
        let mut rig = Rig::new(claiming(mode), fixtures::profile());
        rig.connect();
        let mut status = rig.flat();
        status.positions = legs.iter().map(|(leg, amount)| leg_of(*leg, amount)).collect();
        rig.answer_recovery(status);
        for (leg, amount) in &legs {
            assert_eq!((mine(&rig, *leg).as_str(), external(&rig, *leg).as_str()), (*amount, "0"), "{mode:?}");
        }
        let books = rig.engine.books();
        assert_eq!(books.claims().len(), legs.len());
        assert!(rig.alerted("claimed"));
        // It can close what it claimed.
        let (leg, _) = legs[0];
        let exit = rig.submit(closing(Side::Sell, leg, "2"));
        assert_eq!(rig.order(exit).denial(), None);
        let kept = rig.journal.len();
        let books = rig.engine.books().clone();
        assert_eq!(rig.restarted(kept).engine.books(), &books);
    }
}

#[test]
fn without_a_claim_it_is_external() {
    let mut rig = Rig::new(config(PositionMode::Netting, &["BTCUSDT"]), fixtures::profile());
    rig.connect();
    let mut status = rig.flat();
    status.positions = vec![position("2")];
    status.open_orders = vec![foreign("11", "4", "0")];
    rig.answer_recovery(status);
    assert_eq!((mine(&rig, PositionSide::Net), external(&rig, PositionSide::Net)), ("0".into(), "2".into()));
    let adopted = rig.engine.books().open_orders().next().expect("an order");
    assert_eq!((adopted.intent().owner.clone(), adopted.intent().provenance), (Owner::External, Provenance::Foreign));
}

#[test]
fn a_difference_on_a_claimed_instrument_settles_under_the_claimant() {
    let mut rig = Rig::live(claiming(PositionMode::Netting));
    let status = cut(&rig, PositionSide::Net, "3");
    reconcile(&mut rig, status);
    operator(&mut rig, OperatorCommand::Adopt(None));
    assert_eq!((mine(&rig, PositionSide::Net), external(&rig, PositionSide::Net)), ("3".into(), "0".into()));
}

#[test]
fn a_claimed_order_can_be_changed_and_cancelled_and_keeps_its_provenance() {
    let mut rig = Rig::new(claiming(PositionMode::Netting), fixtures::profile());
    rig.connect();
    let mut status = rig.flat();
    status.open_orders = vec![foreign("11", "4", "1")];
    rig.answer_recovery(status);
    let adopted = rig.engine.books().open_orders().next().expect("an order").intent().clone();
    assert_eq!((adopted.owner, adopted.provenance), (Owner::Strategy(strategy_id()), Provenance::Foreign));
    assert_eq!(adopted.terms.intention, Intention::Open);
    let change =
        exec_core::command::ChangeOrder { intent: adopted.id, qty: None, price: Some(fixtures::price("98")), trigger: None };
    rig.command(exec_core::command::Command::Replace(change));
    rig.durable();
    let replaced: Vec<&OrderId> = rig
        .sent
        .iter()
        .filter_map(|r| if let Request::Replace(replace) = r { replace.order.order_id.as_ref() } else { None })
        .collect();
    assert_eq!(replaced, [&OrderId::from_number(11)]);
    rig.command(exec_core::command::Command::Cancel(adopted.id));
    assert_eq!(rig.cancels_sent(), 1);
}
