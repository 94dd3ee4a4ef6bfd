//! Quantities add up: what is executed, what is left, what trades explain, what positions count.

use exec_core::{
    order::{Order, status::OrdStatus},
    units::Qty,
};
use exec_testkit::generate::{any_event, arrival, history};
use proptest::{collection::vec, prelude::*};

/// What must hold of any order after any fact.
fn check(order: &Order) -> Result<(), TestCaseError> {
    let (status, cum, leaves) = (order.status(), order.cum_qty(), order.leaves_qty());
    let attributed = order.attempts().values().fold(Qty::ZERO, |sum, a| sum.plus(a.attributed_qty()));
    prop_assert_eq!(attributed.plus(order.unattributed_qty()), cum);
    match order.qty() {
        Some(qty) if !status.is_ended() => prop_assert_eq!(cum.plus(leaves), qty.max(cum)),
        _ => prop_assert!(leaves.is_zero()),
    }
    // A change on its way that asks for more keeps an order alive of which everything known is executed.
    let wanting = order.replaces().values().any(|r| r.state.is_pending() && r.terms.qty > cum);
    if !wanting {
        prop_assert_eq!(status.is_ended(), leaves.is_zero());
    }
    if let Some(qty) = order.qty() {
        let full = !cum.is_zero() && cum >= qty;
        prop_assert!(status != OrdStatus::Filled || full);
        prop_assert!(!full || status == OrdStatus::Filled || (wanting && !status.is_ended()));
    }
    if matches!(status, OrdStatus::New | OrdStatus::PendingNew | OrdStatus::Initialized | OrdStatus::Triggered) {
        prop_assert!(cum.is_zero(), "{:?} with {} executed", status, cum);
    }
    if status == OrdStatus::PartiallyFilled {
        prop_assert!(!cum.is_zero());
    }
    if let Some(avg) = order.avg_px() {
        let value = order.fills().map(|(_, f)| exec_core::units::notional(f.price, f.qty)).sum::<rust_decimal::Decimal>();
        prop_assert!((avg * attributed.get() - value).abs() < rust_decimal::Decimal::new(1, 12));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn executed_and_leaves_are_the_quantity((history, arrived) in history().prop_flat_map(|h| (Just(h.clone()), arrival(&h)))) {
        let mut order = Order::new(history.intent.clone());
        for fact in &arrived {
            let before = order.cum_qty();
            order.apply(fact).unwrap();
            prop_assert!(order.cum_qty() >= before, "executed quantity fell");
            prop_assert!(order.cum_qty() <= history.cum_qty, "more than the venue executed");
            check(&order)?;
        }
    }

    #[test]
    fn promise_p04_in_the_end_the_trades_are_the_venues((history, arrived) in history().prop_flat_map(|h| (Just(h.clone()), arrival(&h)))) {
        let mut order = Order::new(history.intent.clone());
        for fact in &arrived {
            order.apply(fact).unwrap();
        }
        prop_assert_eq!(order.cum_qty(), history.cum_qty);
        prop_assert_eq!(order.qty(), Some(history.qty));
        prop_assert!(order.unattributed_qty().is_zero());
        let known: std::collections::BTreeMap<_, _> = order.fills().map(|(_, f)| (f.trade_id, f.clone())).collect();
        prop_assert_eq!(known, history.fills);
    }

    #[test]
    fn facts_that_fit_nothing_break_no_sum(events in vec(any_event(), 1..60)) {
        let mut order = exec_testkit::run("intent 0.010@100").unwrap().order;
        for event in &events {
            let (before, known) = (order.cum_qty(), order.fills().count());
            if order.apply(event).is_ok() {
                prop_assert!(order.cum_qty() >= before && order.fills().count() >= known, "{:?}", event);
            }
            check(&order)?;
        }
    }
}
