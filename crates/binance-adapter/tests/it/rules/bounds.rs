//! Rules about a state, each on both sides of its bound: one step inside the venue takes the order, one step outside it refuses
//! it with the rule's code. And none is held against an order that closes.

use std::collections::BTreeSet;

use binance_adapter::rules::{CONDITIONAL_MAX, TABLE};
use exchange_sim::types::SymbolStatus;
use exec_core::{
    instrument::TradingStatus,
    report::Quote,
    rules::{Case, Depends, first_broken},
    terms::{Intention, LimitPrice, OrderKind, PriceMatch, Terms, TimeInForce, TriggerBy},
    time::VenueTime,
    units::{PositionSide, Side},
};

use super::{
    judge::{compare, profile, verdict},
    market::{Market, SYMBOL, Who, d},
    orders::{LEVELS, at, gtd, opening, price, trigger},
};

/// One order inside and one outside of a rule's bound.
struct Bound {
    rule: &'static str,
    who: Who,
    inside: Terms,
    outside: Terms,
}

fn limit(side: Side, text: &str, tif: TimeInForce) -> (Side, OrderKind) {
    (side, OrderKind::Limit { price: at(text), tif })
}

fn trailing(activation: &str, by: TriggerBy) -> OrderKind {
    OrderKind::TrailingStopMarket { activation: Some(price(activation)), callback_percent: d("1"), by }
}

/// Bounds that the market as it stands has.
fn standing(market: &Market) -> Vec<Bound> {
    let id = &market.instrument.id;
    let open = |side, kind| opening(id, side, kind);
    let net = |rule, inside: (Side, OrderKind), outside: (Side, OrderKind)| Bound {
        rule,
        who: Who::NetFlat,
        inside: open(inside.0, inside.1),
        outside: open(outside.0, outside.1),
    };
    let (buy, sell) = (Side::Buy, Side::Sell);
    let stop = |text, by| OrderKind::StopMarket { trigger: trigger(text, by, false) };
    let profit = |text, by| OrderKind::TakeProfitMarket { trigger: trigger(text, by, false) };
    let (last, mark) = (TriggerBy::Last, TriggerBy::Mark);
    let (gtx, fok) = (TimeInForce::Gtx, TimeInForce::Fok);
    let far = |until| (buy, OrderKind::Limit { price: at("59000"), tif: gtd(until) });
    let closing = |leg, side, qty: &str, kind| Terms {
        leg,
        intention: Intention::Reduce,
        qty: Some(qty.parse().unwrap()),
        ..open(side, kind)
    };
    let close_all = |side| Terms { intention: Intention::CloseAll, qty: None, ..open(side, stop("59000", mark)) };
    let market_order = OrderKind::Market;
    let at_ask = OrderKind::Limit { price: at("59999.9"), tif: fok };
    vec![
        net("gtd_too_soon", far(market.now + 601_000), far(market.now + 600_999)),
        net("would_trigger", (buy, stop("60000.1", mark)), (buy, stop("60000", mark))),
        net("would_trigger", (sell, stop("59999.9", mark)), (sell, stop("60000", mark))),
        net("would_trigger", (buy, profit("59999.9", mark)), (buy, profit("60000", mark))),
        net("would_trigger", (sell, profit("60000.1", mark)), (sell, profit("60000", mark))),
        net("would_trigger", (buy, stop("60000.1", last)), (buy, stop("59999.9", last))),
        net("would_trigger", (sell, profit("60000.1", last)), (sell, profit("59999.9", last))),
        net("activation_passed", (buy, trailing("59999.9", mark)), (buy, trailing("60000", mark))),
        net("activation_passed", (sell, trailing("60000.1", mark)), (sell, trailing("60000", mark))),
        net("activation_passed", (sell, trailing("60000.1", last)), (sell, trailing("59999.9", last))),
        net("post_only_takes", limit(buy, "60000", gtx), limit(buy, "60000.1", gtx)),
        net("post_only_takes", limit(sell, "60000", gtx), limit(sell, "59999.9", gtx)),
        net("fill_or_kill_out_of_reach", limit(buy, "60000.1", fok), limit(buy, "60000", fok)),
        net("fill_or_kill_out_of_reach", limit(sell, "59999.9", fok), limit(sell, "60000", fok)),
        Bound {
            rule: "fill_or_kill_out_of_reach",
            who: Who::NetLong,
            inside: closing(PositionSide::Net, sell, "1.000", at_ask),
            outside: closing(PositionSide::Net, sell, "1.002", at_ask),
        },
        Bound {
            rule: "nothing_to_reduce",
            who: Who::NetLong,
            inside: closing(PositionSide::Net, sell, "1.500", market_order),
            outside: closing(PositionSide::Net, buy, "0.010", market_order),
        },
        Bound {
            rule: "nothing_to_reduce",
            who: Who::HedgeBoth,
            inside: closing(PositionSide::Long, sell, "1.000", market_order),
            outside: closing(PositionSide::Long, sell, "1.005", market_order),
        },
        Bound {
            rule: "nothing_to_reduce",
            who: Who::HedgeBoth,
            inside: closing(PositionSide::Short, buy, "1.000", market_order),
            outside: closing(PositionSide::Short, buy, "1.005", market_order),
        },
        Bound {
            rule: "no_position_to_close",
            who: Who::NetLong,
            inside: close_all(sell),
            outside: { Terms { kind: stop("61000", mark), ..close_all(buy) } },
        },
    ]
}

/// Holds one bound against both sides.
fn hold(market: &mut Market, bound: &Bound) {
    let rule = TABLE.iter().find(|rule| rule.name == bound.rule).unwrap();
    let profile = profile();
    assert_eq!(rule.depends, Depends::State, "{}", rule.name);
    for (terms, outside) in [(&bound.inside, false), (&bound.outside, true)] {
        let case = market.case(bound.who, terms);
        let (broken, ours) = ((rule.broken)(&case), verdict(&case, &profile));
        assert_eq!(broken, outside, "{}: {terms:?}", rule.name);
        // Whether an exit passes is the venue's word.
        assert_eq!(ours.refused, outside && !terms.is_closing(), "{}: {terms:?}", rule.name);
        let theirs = market.ask(bound.who, terms);
        compare(&ours, &theirs).unwrap_or_else(|difference| panic!("{}: {difference}: {terms:?}", rule.name));
        assert_eq!(theirs.err().map(|error| i64::from(error.code)), outside.then_some(rule.code), "{}: {terms:?}", rule.name);
    }
}

#[test]
fn each_rule_about_a_state_bites_at_its_bound_and_not_before() {
    let mut market = Market::still();
    let bounds = standing(&market);
    let mut held: BTreeSet<_> = bounds.iter().map(|bound| bound.rule).collect();
    for bound in &bounds {
        hold(&mut market, bound);
    }
    // Those below need a market or an account of their own.
    held.extend(["matched_price_above_band", "matched_price_below_band", "market_beyond_band"]);
    held.extend(["open_orders_full", "conditional_orders_full", "notional_above_bracket"]);
    let of_state: BTreeSet<_> = TABLE.iter().filter(|rule| rule.depends == Depends::State).map(|rule| rule.name).collect();
    assert_eq!(held, of_state);
}

#[test]
fn the_band_around_the_mark_bounds_what_the_book_gives() {
    let matched = |level| OrderKind::Limit { price: LimitPrice::Match(level), tif: TimeInForce::Gtc };
    // Times 1.05 and 0.95 these are one tick inside and one outside of the touch.
    for (side, rule, inside, outside) in [
        (Side::Buy, "matched_price_above_band", "57143", "57142.9"),
        (Side::Sell, "matched_price_below_band", "63157.7", "63157.9"),
    ] {
        let both = [(OrderKind::Market, "market_beyond_band"), (matched(PriceMatch::Opponent), rule)];
        for (kind, rule) in both {
            let mut market = Market::still();
            let terms = opening(&market.instrument.id, side, kind);
            let code = TABLE.iter().find(|other| other.name == rule).unwrap().code;
            for (mark, expected) in [(inside, None), (outside, Some(code))] {
                market.exchange.move_price(market.now, SYMBOL, d(mark)).unwrap();
                let broken = first_broken(TABLE, &market.case(Who::NetFlat, &terms));
                assert_eq!(broken.map(|rule| rule.name), expected.map(|_| rule), "{terms:?} at {mark}");
                let theirs = market.ask(Who::NetFlat, &terms).err().map(|error| i64::from(error.code));
                assert_eq!(theirs, expected, "{terms:?} at {mark}");
            }
        }
    }
}

#[test]
fn the_two_hundred_and_first_order_of_a_symbol_is_one_too_many() {
    let mut market = Market::still();
    let id = market.instrument.id.clone();
    let now = market.now;
    let rest = |tif| opening(&id, Side::Buy, OrderKind::Limit { price: at("59000"), tif });
    for number in 0..200 {
        let terms = rest(TimeInForce::Gtc);
        assert_eq!(first_broken(TABLE, &market.case(Who::NetFlat, &terms)), None, "order {number}");
        market.place(Who::NetFlat, &terms).unwrap();
    }
    for tif in [TimeInForce::Gtc, TimeInForce::Gtx, gtd(now + 601_000)] {
        let terms = rest(tif);
        assert_eq!(first_broken(TABLE, &market.case(Who::NetFlat, &terms)).unwrap().name, "open_orders_full");
        assert_eq!(market.ask(Who::NetFlat, &terms).unwrap_err().code, -2025);
    }
    // They are another's than the conditional ones, and MARKET needs no room.
    let stop = opening(&id, Side::Buy, OrderKind::StopMarket { trigger: trigger("61000", TriggerBy::Mark, false) });
    for terms in [stop, opening(&id, Side::Buy, OrderKind::Market)] {
        assert_eq!(first_broken(TABLE, &market.case(Who::NetFlat, &terms)), None);
        market.ask(Who::NetFlat, &terms).unwrap();
    }
}

#[test]
fn the_two_hundred_and_first_conditional_order_of_an_account_is_one_too_many() {
    let mut market = Market::still();
    let stop = OrderKind::StopMarket { trigger: trigger("61000", TriggerBy::Mark, false) };
    let terms = opening(&market.instrument.id, Side::Buy, stop);
    for number in 0..CONDITIONAL_MAX {
        assert_eq!(first_broken(TABLE, &market.case(Who::NetFlat, &terms)), None, "order {number}");
        market.place(Who::NetFlat, &terms).unwrap();
    }
    assert_eq!(first_broken(TABLE, &market.case(Who::NetFlat, &terms)).unwrap().name, "conditional_orders_full");
    assert_eq!(market.ask(Who::NetFlat, &terms).unwrap_err().code, -4045);
    // A stop that closes is not held back by a count: it may be the only one that matters.
    let closing = Terms { intention: Intention::Reduce, ..terms };
    assert_eq!(first_broken(TABLE, &market.case(Who::NetFlat, &closing)), None);
    let other = opening(&market.instrument.id, Side::Buy, OrderKind::Market);
    market.ask(Who::NetFlat, &other).unwrap();
}

#[test]
fn a_position_is_bounded_by_the_bracket_of_its_leverage() {
    // 300,000 at 125 times: 5 at 60,000 for who holds none, 4 for who holds 1, 6 for who holds 1 of the other side.
    for (who, leg, side, inside, outside) in [
        (Who::NetFlat, PositionSide::Net, Side::Buy, "5.000", "5.002"),
        (Who::NetFlat, PositionSide::Net, Side::Sell, "5.000", "5.002"),
        (Who::NetLong, PositionSide::Net, Side::Buy, "4.000", "4.002"),
        (Who::NetLong, PositionSide::Net, Side::Sell, "6.000", "6.002"),
        (Who::NetShort, PositionSide::Net, Side::Buy, "6.000", "6.002"),
        (Who::NetShort, PositionSide::Net, Side::Sell, "4.000", "4.002"),
        (Who::HedgeFlat, PositionSide::Long, Side::Buy, "5.000", "5.002"),
        (Who::HedgeBoth, PositionSide::Long, Side::Buy, "4.000", "4.002"),
        (Who::HedgeBoth, PositionSide::Short, Side::Sell, "4.000", "4.002"),
    ] {
        let mut market = Market::still();
        market.exchange.set_leverage(market.now, market.account(who), SYMBOL, 125).unwrap();
        let limit = OrderKind::Limit { price: at("60000"), tif: TimeInForce::Gtc };
        for (qty, expected) in [(inside, None), (outside, Some("notional_above_bracket"))] {
            let terms = Terms { leg, qty: Some(qty.parse().unwrap()), ..opening(&market.instrument.id, side, limit) };
            let broken = first_broken(TABLE, &market.case(who, &terms));
            assert_eq!(broken.map(|rule| rule.name), expected, "{who:?} {terms:?}");
            let theirs = market.ask(who, &terms).err().map(|error| error.code);
            assert_eq!(theirs, expected.map(|_| -2027), "{who:?} {terms:?}");
        }
        // Conditional orders are weighed at their trigger.
        let stop = OrderKind::StopMarket { trigger: trigger("60000.1", TriggerBy::Mark, false) };
        let stop = if side == Side::Buy {
            stop
        } else {
            OrderKind::TakeProfitMarket { trigger: trigger("60000.1", TriggerBy::Mark, false) }
        };
        let terms = Terms { leg, qty: Some("50.000".parse().unwrap()), ..opening(&market.instrument.id, side, stop) };
        assert_eq!(first_broken(TABLE, &market.case(who, &terms)), None);
        market.ask(who, &terms).unwrap();
    }
}

#[test]
fn a_trigger_inside_the_spread_is_left_to_the_venue() {
    // The last trade was at 60000, which our prices do not say: the venue refuses what we let go.
    let mut market = Market::still();
    let stop = OrderKind::StopMarket { trigger: trigger("60000", TriggerBy::Last, false) };
    let terms = opening(&market.instrument.id, Side::Buy, stop);
    assert_eq!(first_broken(TABLE, &market.case(Who::NetFlat, &terms)), None);
    assert_eq!(market.ask(Who::NetFlat, &terms).unwrap_err().code, -2021);
}

#[test]
fn a_symbol_that_does_not_trade_takes_nothing_that_opens() {
    let halted = [SymbolStatus::PendingTrading, SymbolStatus::TradingHalt, SymbolStatus::TradingCancelOnly];
    let closed = [SymbolStatus::PreSettle, SymbolStatus::Settling, SymbolStatus::Close];
    let halted = halted.map(|status| (status, TradingStatus::Halted));
    let closed = closed.map(|status| (status, TradingStatus::Closed));
    let stop = OrderKind::StopMarket { trigger: trigger("61000", TriggerBy::Mark, false) };
    for (theirs, ours) in halted.into_iter().chain(closed) {
        let mut market = Market::still();
        market.exchange.set_symbol_status(market.now, SYMBOL, theirs).unwrap();
        market.instrument.status = ours;
        for kind in [OrderKind::Market, limit(Side::Buy, "59000", TimeInForce::Gtc).1, stop] {
            let terms = opening(&market.instrument.id, Side::Buy, kind);
            let verdict = verdict(&Case { quote: Quote::default(), ..market.case(Who::NetFlat, &terms) }, &profile());
            assert!(verdict.refused && verdict.reasons[0].0 == "not_trading", "{:?}", verdict.reasons);
            let refusal = market.ask(Who::NetFlat, &terms);
            assert!(refusal.is_err(), "{theirs} takes {terms:?}");
            compare(&verdict, &refusal).unwrap_or_else(|difference| panic!("{theirs}: {difference}: {terms:?}"));
        }
    }
}

#[test]
fn what_is_not_known_refuses_nothing() {
    let market = Market::still();
    let id = &market.instrument.id;
    let trigger = |by| trigger("59000", by, false);
    let mut kinds = vec![OrderKind::Market];
    for tif in [TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok, TimeInForce::Gtx] {
        kinds.push(OrderKind::Limit { price: at("63000"), tif });
    }
    kinds.extend(LEVELS.map(|level| OrderKind::Limit { price: LimitPrice::Match(level), tif: TimeInForce::Ioc }));
    for by in [TriggerBy::Last, TriggerBy::Mark] {
        kinds.extend([OrderKind::StopMarket { trigger: trigger(by) }, OrderKind::TakeProfitMarket { trigger: trigger(by) }]);
        kinds.push(trailing("59000", by));
    }
    for side in [Side::Buy, Side::Sell] {
        for intention in [Intention::Open, Intention::Reduce] {
            for kind in &kinds {
                let terms = Terms { intention, ..opening(id, side, *kind) };
                let case = Case { quote: Quote::default(), held: None, notional_max: None, ..market.case(Who::NetFlat, &terms) };
                let of_state = TABLE.iter().filter(|rule| rule.depends == Depends::State);
                let broken: Vec<_> = of_state.filter(|rule| (rule.broken)(&case)).collect();
                assert!(broken.is_empty(), "{broken:?}: {terms:?}");
            }
        }
    }
}

#[test]
fn absurd_figures_do_not_break_the_check() {
    let market = Market::still();
    let mut instrument = market.instrument.clone();
    if let Some(band) = &mut instrument.percent_price {
        (band.up, band.down) = (rust_decimal::Decimal::MAX, rust_decimal::Decimal::MAX);
    }
    let most = price("1000000000000");
    for side in [Side::Buy, Side::Sell] {
        for kind in [
            OrderKind::Market,
            OrderKind::Limit { price: LimitPrice::At(most), tif: gtd(i64::MIN) },
            OrderKind::StopLimit {
                trigger: trigger("1000000000000", TriggerBy::Last, true),
                price: at("1000000000000"),
                tif: gtd(i64::MAX),
            },
            trailing("1000000000000", TriggerBy::Last),
        ] {
            let terms = Terms { qty: Some("100000000000000".parse().unwrap()), ..opening(&instrument.id, side, kind) };
            let quote = Quote { bid: Some(most), ask: Some(most), mark: Some(most) };
            let now = VenueTime(i64::MAX);
            let case = Case { instrument: &instrument, quote, now, ..market.case(Who::NetFlat, &terms) };
            for rule in TABLE {
                let _ = (rule.broken)(&case);
            }
        }
    }
}
