//! Whatever the order of arrival, and however often a fact is told, the same order results.

use exec_core::order::{Order, Transition, event::OrderEvent};
use exec_testkit::generate::{History, any_event, arrival, ended_history, history};
use proptest::{collection::vec, prelude::*, sample::Index};

fn learn(history: &History, facts: &[OrderEvent]) -> (Order, Vec<Transition>) {
    let mut order = Order::new(history.intent.clone());
    let transitions =
        facts.iter().map(|fact| order.apply(fact).unwrap_or_else(|c| panic!("{c}\n  at {fact:?}\n  in {facts:#?}"))).collect();
    (order, transitions)
}

fn is_snapshot(fact: &OrderEvent) -> bool {
    matches!(fact, OrderEvent::CumQty { .. })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    /// Each history has 5 to 40 facts, with a snapshot, a duplicate and, as it happened, a fill after the end.
    #[test]
    fn promise_p05_any_order_of_arrival_ends_in_the_same_order((history, arrived) in ended_history().prop_flat_map(|h| (Just(h.clone()), arrival(&h)))) {
        prop_assert!((5..=40).contains(&history.facts.len()), "{} facts", history.facts.len());
        prop_assert!(history.facts.iter().any(is_snapshot));
        let duplicate = history.facts.iter().enumerate().any(|(at, fact)| history.facts[..at].contains(fact));
        prop_assert!(duplicate);
        let (told, transitions) = learn(&history, &history.facts);
        prop_assert!(transitions.iter().any(|t| t.late), "no fill was late in {:#?}", history.facts);
        let (heard, _) = learn(&history, &arrived);
        prop_assert_eq!(told, heard);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn working_orders_converge_too((history, arrived) in history().prop_flat_map(|h| (Just(h.clone()), arrival(&h)))) {
        prop_assert_eq!(learn(&history, &history.facts).0, learn(&history, &arrived).0);
    }

    #[test]
    fn a_fact_told_again_teaches_nothing((history, arrived) in history().prop_flat_map(|h| (Just(h.clone()), arrival(&h)))) {
        let (mut order, _) = learn(&history, &arrived);
        let known = order.clone();
        for fact in &arrived {
            let transition = order.apply(fact).unwrap();
            prop_assert!(!transition.learned, "{:?}", fact);
            prop_assert!(!transition.late && !transition.overfilled && !transition.presumption_broken, "{:?}", fact);
        }
        prop_assert_eq!(order, known);
    }

    #[test]
    fn a_refused_fact_leaves_no_trace(events in vec(any_event(), 1..60)) {
        let mut order = exec_testkit::run("intent 0.010@100").unwrap().order;
        for event in &events {
            let before = order.clone();
            match order.apply(event) {
                Err(_) => prop_assert_eq!(&order, &before, "{:?}", event),
                Ok(transition) => {
                    prop_assert_eq!(transition.from, before.status());
                    prop_assert_eq!(transition.to, order.status());
                    prop_assert_eq!(transition.learned, order != before, "{:?}", event);
                }
            }
        }
    }

    /// Also where facts contradict each other: what was accepted once stays accepted.
    #[test]
    fn what_was_learned_stays_learned(events in vec(any_event(), 1..60), again in any::<Index>()) {
        let mut order = exec_testkit::run("intent 0.010@100").unwrap().order;
        let taken: Vec<&OrderEvent> = events.iter().filter(|event| order.apply(event).is_ok()).collect();
        if !taken.is_empty() {
            let event = taken[again.index(taken.len())];
            if !matches!(event, OrderEvent::Denied(_)) {
                let transition = order.apply(event);
                prop_assert!(transition.is_ok_and(|t| !t.learned), "{:?}", event);
            }
        }
    }
}
