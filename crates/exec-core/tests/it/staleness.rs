//! What opens is as old as the market that it was made for: checked when it is asked for, when the disk has it, and at each try.

use crate::scene::{btc, buy, closing, netting, refused, unknown, working};
use exec_core::{
    command::{ChangeOrder, Command},
    conversation::{Input, Request},
    engine::config::{EngineConfig, Staleness},
    ids::{ClOrdId, IntentId},
    order::{
        event::{NotSent, OrderEvent, RequestState},
        status::OrdStatus,
    },
    pretrade::Denial,
    report::{PriceReport, Quote},
    terms::{Intention, OrderKind, Terms, TimeInForce},
    units::{PositionMode, PositionSide, Side},
    venue::{CommandError, RejectClass},
};
use exec_testkit::{
    fixtures::{config, price, qty},
    rig::{MIDNIGHT_MS, Rig},
};

const MODES: [(PositionMode, PositionSide); 2] =
    [(PositionMode::Netting, PositionSide::Net), (PositionMode::Hedging, PositionSide::Long)];

fn mark(rig: &mut Rig, at: &str) {
    let quote = Quote { mark: Some(price(at)), ..Quote::default() };
    rig.give(Input::Price(PriceReport { instrument: btc(), quote }));
}

fn book(rig: &mut Rig, bid: &str, ask: &str) {
    let quote = Quote { bid: Some(price(bid)), ask: Some(price(ask)), mark: None };
    rig.give(Input::Price(PriceReport { instrument: btc(), quote }));
}

fn market(leg: PositionSide) -> Terms {
    Terms { kind: OrderKind::Market, leg, ..buy() }
}

fn live(mode: PositionMode, quote_max_age_ms: u64) -> Rig {
    Rig::live(EngineConfig { staleness: Staleness { quote_max_age_ms }, ..config(mode, &["BTCUSDT"]) })
}

fn why_not_sent(rig: &Rig, intent: IntentId) -> Option<NotSent> {
    rig.order(intent).last().and_then(|(_, a)| a.not_sent().cloned())
}

#[test]
fn a_market_that_moved_while_the_disk_was_slow_stops_the_order() {
    for (mode, leg) in MODES {
        let mut rig = live(mode, 5_000);
        let (far, near) = (rig.submit(market(leg)), "104.9");
        mark(&mut rig, "105.1");
        rig.durable();
        assert_eq!(why_not_sent(&rig, far), Some(NotSent::PriceMoved), "{mode:?}");
        assert!(rig.status(far).is_ended() && rig.attempts_sent().is_empty());
        mark(&mut rig, "100");
        let intent = rig.submit(market(leg));
        mark(&mut rig, near);
        rig.durable();
        assert_eq!((rig.attempts_sent().len(), rig.status(intent)), (1, OrdStatus::PendingNew), "{mode:?}");
    }
}

#[test]
fn a_market_that_moved_while_the_disk_was_slow_stops_a_change() {
    let mut rig = live(PositionMode::Netting, 5_000);
    let intent = working(&mut rig);
    rig.command(Command::Replace(ChangeOrder { intent, qty: Some(qty("2")), price: None, trigger: None }));
    mark(&mut rig, "90");
    rig.durable();
    assert!(!rig.sent.iter().any(|r| matches!(r, Request::Replace(_))));
    assert!(rig.was_told(|e| matches!(e, OrderEvent::ReplaceAnswered { state: RequestState::NotSent, .. })));
}

#[test]
fn prices_that_are_too_old_value_no_new_risk_and_stop_no_exit() {
    for (mode, leg) in MODES {
        let mut rig = live(mode, 5_000);
        let open = rig.submit(market(leg));
        rig.durable();
        rig.accept(open);
        rig.fill(open, 1, "1", "100", "1");
        rig.wait(5_001);
        let denied = rig.submit(market(leg));
        assert_eq!(rig.order(denied).denial(), Some(&Denial::StalePrice { instrument: btc(), age_ms: 5_001 }));
        let exit = rig.submit(closing(Side::Sell, leg, "1"));
        assert_eq!((rig.order(exit).denial(), rig.attempts_sent().len()), (None, 2), "{mode:?}");
        // A book that is told goes before a mark that is not.
        book(&mut rig, "199.9", "200.1");
        let valued = rig.submit(Terms { qty: Some(qty("480")), ..market(leg) });
        let valued = rig.order(valued).denial().map(ToString::to_string).unwrap_or_default();
        assert!(valued.contains("order notional"), "{mode:?}: {valued}");
        mark(&mut rig, "100");
        let taken = rig.submit(Terms { qty: Some(qty("480")), ..market(leg) });
        assert_eq!(rig.order(taken).denial(), None, "{mode:?}");
    }
}

#[test]
fn prices_that_grew_old_while_the_disk_was_slow_stop_the_order() {
    let mut rig = live(PositionMode::Netting, 100);
    let intent = rig.submit(market(PositionSide::Net));
    rig.wait(150);
    rig.durable();
    assert_eq!(why_not_sent(&rig, intent), Some(NotSent::PriceMoved));
}

#[test]
fn what_waits_for_a_stuck_disk_is_told_at_its_age_and_not_when_the_disk_comes_back() {
    let mut rig = netting();
    let first = rig.submit(buy());
    rig.wait(50);
    let second = rig.submit(buy());
    rig.wait(150);
    assert_eq!((rig.status(first), rig.status(second)), (OrdStatus::PendingNew, OrdStatus::PendingNew));
    rig.wait(1);
    assert_eq!((why_not_sent(&rig, first), rig.status(first)), (Some(NotSent::TooOld), OrdStatus::NotSent));
    assert_eq!(rig.status(second), OrdStatus::PendingNew);
    rig.wait(50);
    assert_eq!(rig.status(second), OrdStatus::NotSent);
    rig.durable();
    assert!(rig.attempts_sent().is_empty());
}

/// Every answer that says what became of an order that a busy venue did not take, by the words of its three documented failures
/// and of those that say nothing.
fn failures() -> Vec<(&'static str, CommandError)> {
    vec![
        ("503 Service Unavailable.", refused(RejectClass::Failed, -1)),
        ("503 Internal error", refused(RejectClass::Failed, -1001)),
        ("503 -1008", refused(RejectClass::Failed, -1008)),
        ("429 -1015", refused(RejectClass::Throttled, -1015)),
        ("503 Unknown error", unknown()),
        ("given back unsent", CommandError::NotSent("no connection".into())),
    ]
}

#[test]
fn no_opening_order_leaves_later_than_its_age_whatever_disk_and_venue_do() {
    let kinds = [
        ("market", OrderKind::Market),
        ("ioc", OrderKind::Limit { price: price("99").into(), tif: TimeInForce::Ioc }),
        ("gtc", OrderKind::Limit { price: price("99").into(), tif: TimeInForce::Gtc }),
    ];
    for (mode, leg) in MODES {
        for fsync_ms in [1, 10, 100, 199, 250, 1_000, 5_000, 30_000] {
            for (words, failure) in failures() {
                for (name, kind) in kinds {
                    let mut rig = Rig::live(config(mode, &["BTCUSDT"]));
                    let asked = rig.now();
                    rig.submit(Terms { kind, leg, ..buy() });
                    let what = format!("{mode:?} fsync {fsync_ms} ms, {words}, {name}");
                    let mut seen: Vec<ClOrdId> = Vec::new();
                    for _ in 0..8 {
                        rig.wait(fsync_ms);
                        rig.durable();
                        let now = rig.now();
                        let new: Vec<_> =
                            rig.attempts_sent().into_iter().filter(|a| !seen.contains(&a.cl_ord_id)).cloned().collect();
                        for attempt in new {
                            let age = now.ms_since(asked);
                            let most = if seen.is_empty() { 200 } else { 1_000 };
                            assert!(age <= most, "{what}: left after {age} ms");
                            let begin_by = attempt.begin_by.0 - MIDNIGHT_MS as i64;
                            assert!(
                                begin_by <= asked.as_ms() as i64 - MIDNIGHT_MS as i64 + most as i64 + 1,
                                "{what}: {begin_by}"
                            );
                            seen.push(attempt.cl_ord_id);
                            rig.outcome(Err(failure.clone()));
                        }
                    }
                    let rests = name == "gtc";
                    assert_eq!(seen.is_empty(), fsync_ms > 200, "{what}: {seen:?}");
                    assert!(rests || seen.len() <= 1, "{what}: what is executed at once is never tried again");
                }
            }
        }
    }
}

#[test]
fn an_exit_may_begin_until_its_window_ends() {
    for (mode, leg) in MODES {
        let mut rig = Rig::live(config(mode, &["BTCUSDT"]));
        let open = rig.submit(market(leg));
        rig.durable();
        rig.accept(open);
        rig.fill(open, 1, "1", "100", "1");
        rig.submit(Terms { intention: Intention::Reduce, ..closing(Side::Sell, leg, "1") });
        let last = rig.attempts_sent().last().map(|a| (a.begin_by, a.expires()));
        assert_eq!(last.map(|(begin_by, _)| begin_by), last.map(|(_, expires)| expires), "{mode:?}");
    }
}
