//! Laws that hold for whatever was traded and told: merging knowledge, netting of legs, and numbers in their texts.

use exec_core::{
    ids::IntentId,
    order::{Order, event::OrderEvent},
    terms::{Intention, Terms},
    units::{PositionMode, PositionSide, Side, parse_decimal},
};
use exec_testkit::{
    fixtures::{config, instrument_id, limit, price},
    generate::{cases, history},
    rig::Rig,
};
use proptest::{collection::vec, prelude::*, sample::select};
use rust_decimal::Decimal;

/// What is known after these facts. The attempts and requests come first: nobody hears of what was not made.
fn known(of: &Order, facts: &[&OrderEvent]) -> Order {
    let mut order = of.clone();
    for fact in facts {
        order.apply(fact).unwrap_or_else(|c| panic!("{c}\n  at {fact:?}"));
    }
    order
}

fn is_ours(fact: &OrderEvent) -> bool {
    matches!(
        fact,
        OrderEvent::Attempted { .. }
            | OrderEvent::Adopted { .. }
            | OrderEvent::CancelRequested { .. }
            | OrderEvent::ReplaceRequested { .. }
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(1_000), ..ProptestConfig::default() })]

    /// `a | b = b | a`, `a | (b | c) = (a | b) | c` and `a | a = a`, for three parts of what a venue says about an order.
    #[test]
    fn promise_p05_knowledge_of_an_order_merges_in_any_way(history in history(), parts in vec(0..3_u8, 40)) {
        let mut made = Order::new(history.intent.clone());
        let (ours, theirs): (Vec<_>, Vec<_>) = history.facts.iter().partition(|fact| is_ours(fact));
        ours.iter().for_each(|fact| { made.apply(fact).unwrap(); });
        let part = |which: u8| -> Vec<&OrderEvent> {
            theirs.iter().zip(parts.iter().cycle()).filter(|(_, part)| **part == which).map(|(fact, _)| *fact).collect()
        };
        let (a, b, c) = (part(0), part(1), part(2));
        let abc = known(&made, &[a.clone(), b.clone(), c.clone()].concat());
        prop_assert_eq!(&abc, &known(&made, &[b.clone(), a.clone(), c.clone()].concat()));
        prop_assert_eq!(&abc, &known(&made, &[b.clone(), c.clone(), a.clone()].concat()));
        prop_assert_eq!(&abc, &known(&made, &[a.clone(), b.clone(), c.clone(), a, b, c].concat()));
    }
}

/// A trade of so many lots of 0.1; it closes the other leg if it is asked to and if there is enough.
type Trade = (Side, i64, i64, bool);

fn amount(lots: i64) -> String {
    Decimal::new(lots, 1).to_string()
}

/// An engine that has bought and sold all this, each order filled in full; in hedging on the legs that it says.
fn traded(mode: PositionMode, trades: &[Trade]) -> Rig {
    let mut rig = Rig::live(config(mode, &["BTCUSDT"]));
    let (mut long, mut short) = (0, 0);
    for (number, (side, lots, ticks, close)) in trades.iter().enumerate() {
        let qty = amount(*lots);
        let terms = limit(*side, qty.parse().unwrap(), price("99.5"));
        let closed = if *side == Side::Buy { &mut short } else { &mut long };
        let terms = match mode {
            PositionMode::Netting => terms,
            PositionMode::Hedging if *close && *closed >= *lots => {
                *closed -= lots;
                let leg = if *side == Side::Buy { PositionSide::Short } else { PositionSide::Long };
                Terms { leg, intention: Intention::Reduce, ..terms }
            }
            PositionMode::Hedging => {
                let (opened, leg) =
                    if *side == Side::Buy { (&mut long, PositionSide::Long) } else { (&mut short, PositionSide::Short) };
                *opened += lots;
                Terms { leg, ..terms }
            }
        };
        let intent: IntentId = rig.submit(terms);
        rig.durable();
        rig.accept(intent);
        rig.fill(intent, number as u64 + 1, &qty, &Decimal::new(*ticks, 1).to_string(), &qty);
    }
    rig
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(200), ..ProptestConfig::default() })]

    #[test]
    fn the_net_position_is_the_sum_of_the_legs(
        trades in vec((select(vec![Side::Buy, Side::Sell]), 1..20_i64, 980..1_020_i64, any::<bool>()), 1..14)
    ) {
        let (netting, hedging) = (traded(PositionMode::Netting, &trades), traded(PositionMode::Hedging, &trades));
        let btc = instrument_id("BTCUSDT");
        let of = |rig: &Rig, leg| rig.engine.books().position_qty(&btc, leg).get();
        let (long, short) = (of(&hedging, PositionSide::Long), of(&hedging, PositionSide::Short));
        prop_assert!(long >= Decimal::ZERO && short <= Decimal::ZERO, "{} {}", long, short);
        prop_assert_eq!(of(&netting, PositionSide::Net), long + short);
        let sum: i64 = trades.iter().map(|(side, lots, ..)| if *side == Side::Buy { *lots } else { -lots }).sum();
        prop_assert_eq!(long + short, Decimal::new(sum, 1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(5_000), ..ProptestConfig::default() })]

    #[test]
    fn a_number_comes_back_from_its_text_with_every_digit(mantissa in -9_999_999_999_999_999_999_999_999_999_i128..=9_999_999_999_999_999_999_999_999_999, scale in 0..=28_u32) {
        let number = Decimal::from_i128_with_scale(mantissa, scale);
        let back = parse_decimal(&number.to_string());
        prop_assert_eq!(back.as_ref().map(|b| (b.mantissa(), b.scale())), Ok((number.mantissa(), number.scale())));
    }

    /// As venues print them: what is read prints as it was written, but for zeros that say nothing.
    #[test]
    fn promise_p16_no_text_that_is_taken_loses_a_digit(text in "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,31})?") {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        match parse_decimal(&text) {
            Ok(number) => {
                let printed = number.to_string();
                // There is no zero below zero.
                prop_assert!(printed == text || (number.is_zero() && text.trim_start_matches('-') == printed), "{} {}", text, printed);
            }
            Err(_) => prop_assert!(digits > 28, "{} was refused", text),
        }
    }

    #[test]
    fn no_text_at_all_panics(text in ".{0,40}") {
        let _number = parse_decimal(&text);
    }
}
