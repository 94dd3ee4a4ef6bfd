//! The tables in `docs/order-lifecycle.md` say what the code does.

use exec_core::{
    order::{Order, status::OrdStatus},
    units::Qty,
};
use exec_testkit::scenario::{event_of, run, status_named};
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../../docs/order-lifecycle.md");

/// The cells of the table below the heading, without its own head.
fn table(heading: &str) -> Vec<Vec<&'static str>> {
    let section = PAGE.split("\n## ").find(|s| s.starts_with(heading)).unwrap_or_else(|| panic!("no section {heading}"));
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

#[test]
fn every_status_is_explained_and_its_end_is_as_said() {
    let rows = table("Statuses");
    let names: Vec<String> = OrdStatus::ALL.iter().map(|s| format!("{s:?}")).collect();
    assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), names);
    for row in rows {
        assert_eq!(status_named(row[0]).unwrap().is_ended(), row[3] == "yes", "{}", row[0]);
    }
}

#[test]
fn the_examples_end_as_the_page_says() {
    let rows = table("Examples");
    assert!(rows.len() > 20);
    let mut shown = BTreeSet::new();
    for row in &rows {
        exec_testkit::check(row[0].trim_matches('`'), &format!("{} cum={} leaves={}", row[1], row[2], row[3]));
        shown.insert(row[1]);
    }
    assert_eq!(shown.len(), OrdStatus::ALL.len(), "a status has no example: only {shown:?}");
}

/// The facts of the precedence table that an order has.
fn facts_of(order: &Order, given: &BTreeSet<&'static str>) -> BTreeSet<&'static str> {
    let mut facts = given.clone();
    let cum = order.cum_qty();
    if !cum.is_zero() {
        let ended = ["canceled", "expired", "vanished"].iter().any(|f| given.contains(f));
        let wanting = order.replaces().values().any(|r| r.state.is_pending() && r.terms.qty > cum);
        let full = order.qty().is_some_and(|qty| cum >= qty) && (ended || !wanting);
        facts.insert(if full { "executed in full" } else { "executed in part" });
    }
    if ["canceled", "expired", "vanished", "acknowledged"].iter().any(|f| given.contains(f)) || cum > Qty::ZERO {
        facts.insert("seen");
    }
    facts
}

/// The first line of the page that fits.
fn status_by_page(rows: &[Vec<&'static str>], facts: &BTreeSet<&'static str>) -> OrdStatus {
    let fits = |condition: &str| match condition {
        "-" => true,
        // The name of a fact that begins with the same word.
        "not sent" => facts.contains("not sent"),
        other => other.strip_prefix("not ").map_or_else(|| facts.contains(other), |fact| !facts.contains(fact)),
    };
    let row = rows.iter().find(|row| row[0].split(", ").all(fits)).unwrap_or_else(|| panic!("no line fits {facts:?}"));
    status_named(row[1]).unwrap()
}

/// All combinations of facts about one attempt, and of the facts that need none.
#[test]
fn precedence_is_as_the_page_says_for_every_combination_of_facts() {
    const NEED_ATTEMPT: [(&str, &str); 8] = [
        ("acknowledged", "ack v1"),
        ("canceled", "canceled"),
        ("expired", "expired"),
        ("vanished", "vanished"),
        ("rejected", "reject"),
        ("not sent", "not-sent"),
        ("presumed dead", "dead"),
        ("triggered", "trigger"),
    ];
    const ALWAYS: [(&str, &[&str]); 3] =
        [("given up", &["give-up"]), ("cancel pending", &["cancel"]), ("replace pending", &["replace 12@101"])];
    let rows = table("Which fact decides");
    let mut reached = BTreeSet::new();
    for attempted in [false, true] {
        for executed in if attempted { &["", "cum 4", "cum 10"][..] } else { &[""][..] } {
            for bits in 0_u32..1 << (NEED_ATTEMPT.len() + ALWAYS.len()) {
                let (mut order, mut given) = (run("intent 10").unwrap().order, BTreeSet::new());
                if attempted {
                    order = run("submit 10").unwrap().order;
                    given.insert("attempted");
                }
                let needs = NEED_ATTEMPT.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, fact)| fact);
                let needs: Vec<_> = needs.collect();
                if !attempted && !needs.is_empty() {
                    continue;
                }
                for (name, step) in needs {
                    order.apply(&event_of(step).unwrap()).unwrap();
                    given.insert(name);
                }
                for (at, (name, steps)) in ALWAYS.iter().enumerate() {
                    if bits >> (NEED_ATTEMPT.len() + at) & 1 == 1 {
                        for step in *steps {
                            order.apply(&event_of(step).unwrap()).unwrap();
                        }
                        given.insert(name);
                    }
                }
                if !executed.is_empty() {
                    order.apply(&event_of(executed).unwrap()).unwrap();
                }
                check(&rows, &order, &given, &mut reached);
                if !attempted {
                    order.apply(&event_of("deny").unwrap()).unwrap();
                    given.insert("denied");
                    check(&rows, &order, &given, &mut reached);
                }
            }
        }
    }
    assert_eq!(reached.len(), OrdStatus::ALL.len(), "only {reached:?} were reached");
}

fn check(rows: &[Vec<&'static str>], order: &Order, given: &BTreeSet<&'static str>, reached: &mut BTreeSet<OrdStatus>) {
    let facts = facts_of(order, given);
    assert_eq!(order.status(), status_by_page(rows, &facts), "with {facts:?}");
    reached.insert(order.status());
}
