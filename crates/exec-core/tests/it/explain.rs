//! An order's story as its journal tells it.

use crate::scene::{buy, netting, refused, unknown};
use exec_core::{
    command::{Command, OperatorCommand},
    conversation::Input,
    explain::{FindError, Search, Step, Story, find},
    ids::IntentId,
    order::status::OrdStatus,
    report::VenueStatus,
    venue::{Lookup, RejectClass},
};
use exec_testkit::{fixtures::strategy_id, rig::Rig};

fn story(rig: &Rig, intent: IntentId) -> (Vec<Step>, bool) {
    let mut story = Story::of(rig.order(intent));
    for (seq, record) in &rig.journal {
        story.read(*seq, record);
    }
    story.end()
}

fn lines(rig: &Rig, intent: IntentId) -> Vec<String> {
    let line = |step: Step| {
        let by = step.by.map_or_else(String::new, |by| format!(" [{by}]"));
        let raw = step.raw.map_or_else(String::new, |raw| format!(" <{raw}>"));
        format!("{} {}{by}{raw}", step.source, step.what)
    };
    story(rig, intent).0.into_iter().map(line).collect()
}

fn has(lines: &[String], words: &[&str]) {
    assert!(lines.iter().any(|line| words.iter().all(|w| line.contains(w))), "{words:?} in one line of\n{}", lines.join("\n"));
}

#[test]
fn a_doubtful_order_tells_its_doubt_its_cancel_and_how_it_ended() {
    let mut rig = netting();
    rig.wait(5);
    let intent = rig.submit(buy());
    rig.durable();
    rig.outcome(Err(unknown()));
    let kept = rig.journal.len();
    let mut rig = rig.restarted(kept);
    rig.connect();
    rig.answer_recovery(rig.flat());
    while rig.order(intent).is_in_doubt() {
        rig.answer_orders(&Ok(Lookup::Absent));
        rig.wait(250);
        assert!(rig.ms < 60_000);
    }
    let told = lines(&rig, intent);
    has(&told, &["us asked for: Buy 1 BTCUSDT-PERP.BINANCE LIMIT", "at 99", "in doubt Cancel", "[strategy maker]"]);
    has(&told, &["us attempt 1 fixed as", "good for 2000 ms"]);
    has(&told, &["us in doubt: nobody knows"]);
    has(&told, &["us cancel", "[the node: what may rest unknown is cancelled]"]);
    has(&told, &["start the node is started again"]);
    has(&told, &["query", "is proven dead", "the doubt is over after", "never arrived and never can"]);
    let (steps, whole) = story(&rig, intent);
    assert!(whole && steps.is_sorted_by_key(|s| s.seq));
    assert_eq!(steps.last().and_then(|s| s.status), Some(OrdStatus::Presumed));
}

#[test]
fn promise_p22_a_story_has_the_venues_own_words_and_who_asked() {
    let mut rig = netting();
    let refusal = rig.submit(buy());
    rig.durable();
    rig.outcome(Err(refused(RejectClass::Funds, -2019)));
    has(&lines(&rig, refusal), &["reply the venue refuses", "<-2019: no>"]);

    let intent = rig.submit(buy());
    rig.durable();
    rig.accept(intent);
    rig.fill(intent, 4711, "0.4", "99", "0.4");
    // The same trade with another price contradicts what is known, and is kept as it came.
    let mut other = rig.venue_report(intent, VenueStatus::PartiallyFilled, "0.4");
    let price = exec_testkit::fixtures::price("98");
    other.fill = rig.order(intent).fills().next().map(|(_, fill)| exec_core::report::Fill { price, ..fill.clone() });
    rig.stream(other);
    rig.wait(5);
    rig.give(Input::Operator { who: "alice".into(), command: OperatorCommand::Cancel(intent) });
    let told = lines(&rig, intent);
    has(&told, &["stream executed 0.4 at 99, trade 4711, maker"]);
    has(&told, &["kept as it came", "reported before with other values", "price: 98"]);
    has(&told, &["us cancel", "[operator alice]"]);

    // Asked for in a callback that answers an event.
    let seen = rig.told.iter().filter_map(|(seq, _)| *seq).max();
    let mine = rig.submit(buy());
    rig.durable();
    rig.accept(mine);
    rig.wait(5);
    let commands = vec![Command::Cancel(mine)];
    rig.give(Input::Commands { strategy: strategy_id(), seen, commands, state: None });
    has(&lines(&rig, mine), &["us cancel", "[strategy maker, in answer to record"]);
    assert!(!lines(&rig, mine).iter().any(|l| l.contains("alice")), "what was asked of another order is not told here");
}

#[test]
fn an_order_is_found_by_each_of_its_names_and_a_mistyped_one_finds_the_nearest() {
    let mut rig = netting();
    let intent = rig.submit(buy());
    rig.durable();
    rig.accept(intent);
    let books = rig.engine.books();
    let (cl_ord_id, attempt) = rig.order(intent).last().expect("an attempt");
    let names = [intent.to_string(), cl_ord_id.to_string(), attempt.order_id().expect("an id").to_string()];
    for name in &names {
        assert_eq!(find(books, name), Ok(intent), "{name}");
    }
    let mut mistyped = cl_ord_id.to_string();
    let last = mistyped.pop().expect("a letter");
    mistyped.push(if last == 'x' { 'y' } else { 'x' });
    let error = find(books, &mistyped).unwrap_err();
    assert!(matches!(&error, FindError::Unknown { nearest, .. } if nearest.contains(&names[1])), "{error:?}");
    assert!(error.to_string().contains(&format!("no order is called {mistyped}; did you mean {}", names[1])), "{error}");
    let far = find(books, "zzzzzzzzzzzz").unwrap_err();
    assert_eq!(far.to_string(), "no order is called zzzzzzzzzzzz");
}

#[test]
fn a_story_whose_beginning_was_dropped_says_so() {
    let mut rig = netting();
    let intent = rig.submit(buy());
    rig.durable();
    rig.accept(intent);
    let mut story = Story::of(rig.order(intent));
    let tail = rig.journal.len() - 1;
    for (seq, record) in rig.journal.iter().skip(tail) {
        story.read(*seq, record);
    }
    let (steps, whole) = story.end();
    assert!(!whole && steps.len() == 1 && steps[0].status.is_none(), "{steps:?}");
}

#[test]
fn an_order_that_has_left_the_books_is_found_in_its_records() {
    let mut rig = netting();
    let intent = rig.submit(buy());
    rig.durable();
    rig.accept(intent);
    rig.fill(intent, 7, "1", "99", "1");
    let (cl_ord_id, attempt) = rig.order(intent).last().expect("an attempt");
    for name in [intent.to_string(), cl_ord_id.to_string(), attempt.order_id().expect("an id").to_string()] {
        let mut search = Search::new(&name);
        rig.journal.iter().for_each(|(_, record)| search.look(record));
        assert_eq!(search.found(), Some(intent), "{name}");
        rig.journal.iter().for_each(|(_, record)| search.rebuild(record));
        assert_eq!(search.into_order().as_ref(), Some(rig.order(intent)), "{name}");
    }
    let mut search = Search::new("nobody");
    rig.journal.iter().for_each(|(_, record)| search.look(record));
    assert!(search.found().is_none() && search.into_order().is_none());
}
