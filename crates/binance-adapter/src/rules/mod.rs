//! What Binance USDⓈ-M refuses, as one table that both the checks before the wire and the page about them are made of. It
//! holds what the core's own checks of form and grid do not; those stand beside it in [`CORE`], with the venue's codes.
//!
//! Source: USDⓈ-M "New Order", "New Algo Order", "Error Code" and "Common Definition", read 2026-11-22.

mod core_checks;
mod form;
mod page;
mod state;

pub use core_checks::{CORE, CoreCheck};
pub use page::page;

use exec_core::rules::{Depends, Rule};

/// Open conditional orders an account may have over all symbols, since 2025-12-29.
pub const CONDITIONAL_MAX: u32 = 200;

/// The rules, in the order they are asked: what is refused always, then what depends on prices, positions and counts.
pub static TABLE: &[Rule] = &[
    Rule {
        name: "price_match_switched_off",
        says: "a price from OPPONENT_10 or OPPONENT_20: they take no new order since 2025-10-23",
        code: -5037,
        depends: Depends::Form,
        broken: form::price_match_switched_off,
    },
    Rule {
        name: "post_only_at_opponent",
        says: "a post-only LIMIT that takes its price from the other side of the book: it would always take",
        code: -5022,
        depends: Depends::Form,
        broken: form::post_only_at_opponent,
    },
    Rule {
        name: "fill_or_kill_in_queue",
        says: "a FOK LIMIT that takes its price from its own side of the book: it never reaches the other",
        code: -5021,
        depends: Depends::Form,
        broken: form::fill_or_kill_in_queue,
    },
    Rule {
        name: "gtd_too_late",
        says: "a GTD time, cut to whole seconds, that is not before 9999-12-31 23:59:59 UTC",
        code: -5040,
        depends: Depends::Form,
        broken: form::gtd_too_late,
    },
    Rule {
        name: "limit_above_trigger_band",
        says: "a conditional BUY whose limit price is above its trigger price times the symbol's multiplierUp",
        code: -4183,
        depends: Depends::Form,
        broken: form::limit_above_trigger_band,
    },
    Rule {
        name: "limit_below_trigger_band",
        says: "a conditional SELL whose limit price is below its trigger price times the symbol's multiplierDown",
        code: -4184,
        depends: Depends::Form,
        broken: form::limit_below_trigger_band,
    },
    Rule {
        name: "callback_rate_bounds",
        says: "a callback rate below 0.1 or above 20 percent (above 10 before 2026-10-23)",
        code: -1130,
        depends: Depends::Form,
        broken: form::callback_rate_bounds,
    },
    Rule {
        name: "activation_price_zero",
        says: "an activation price of 0",
        code: -4135,
        depends: Depends::Form,
        broken: form::activation_price_zero,
    },
    Rule {
        name: "activation_price_above_max",
        says: "an activation price above the symbol's maxPrice",
        code: -4002,
        depends: Depends::Form,
        broken: form::activation_price_above_max,
    },
    Rule {
        name: "activation_price_below_min",
        says: "an activation price below the symbol's minPrice",
        code: -4013,
        depends: Depends::Form,
        broken: form::activation_price_below_min,
    },
    Rule {
        name: "activation_price_off_grid",
        says: "an activation price that is not on the symbol's price grid",
        code: -4014,
        depends: Depends::Form,
        broken: form::activation_price_off_grid,
    },
    Rule {
        name: "gtd_too_soon",
        says: "a GTD time, cut to whole seconds, that is not more than 600 s ahead",
        code: -5040,
        depends: Depends::State,
        broken: state::gtd_too_soon,
    },
    Rule {
        name: "would_trigger",
        says: "a trigger that the watched price has reached already (bid and ask both, where it watches the last price)",
        code: -2021,
        depends: Depends::State,
        broken: state::would_trigger,
    },
    Rule {
        name: "activation_passed",
        says: "a trailing BUY activated at or above the watched price, or a trailing SELL at or below it",
        code: -2021,
        depends: Depends::State,
        broken: state::activation_passed,
    },
    Rule {
        name: "post_only_takes",
        says: "a post-only LIMIT at a price that would take",
        code: -5022,
        depends: Depends::State,
        broken: state::post_only_takes,
    },
    Rule {
        name: "fill_or_kill_out_of_reach",
        says: "a FOK LIMIT that cannot be filled whole: out of reach of the book, or reduce-only and above the position",
        code: -5021,
        depends: Depends::State,
        broken: state::fill_or_kill_out_of_reach,
    },
    Rule {
        name: "matched_price_above_band",
        says: "a LIMIT BUY whose price from the book is above the mark price times the symbol's multiplierUp",
        code: -4016,
        depends: Depends::State,
        broken: state::matched_price_above_band,
    },
    Rule {
        name: "matched_price_below_band",
        says: "a LIMIT SELL whose price from the book is below the mark price times the symbol's multiplierDown",
        code: -4024,
        depends: Depends::State,
        broken: state::matched_price_below_band,
    },
    Rule {
        name: "market_beyond_band",
        says: "a MARKET order where the best price it would meet is outside of the symbol's band around the mark price",
        code: -4131,
        depends: Depends::State,
        broken: state::market_beyond_band,
    },
    Rule {
        name: "open_orders_full",
        says: "a LIMIT that can rest, where as many orders are open on the symbol as it allows (MAX_NUM_ORDERS, 200)",
        code: -2025,
        depends: Depends::State,
        broken: state::open_orders_full,
    },
    Rule {
        name: "conditional_orders_full",
        says: "a conditional order where 200 of the account are open, over all symbols",
        code: -4045,
        depends: Depends::State,
        broken: state::conditional_orders_full,
    },
    Rule {
        name: "notional_above_bracket",
        says: "an order after which the position would be worth more than the present leverage allows",
        code: -2027,
        depends: Depends::State,
        broken: state::notional_above_bracket,
    },
    Rule {
        name: "nothing_to_reduce",
        says: "a closing MARKET or LIMIT without a position to close; in hedge mode, with one smaller than its quantity",
        code: -2022,
        depends: Depends::State,
        broken: state::nothing_to_reduce,
    },
    Rule {
        name: "no_position_to_close",
        says: "an order that closes the whole position, where there is none",
        code: -4509,
        depends: Depends::State,
        broken: state::no_position_to_close,
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::fate::{Act, Fate, judge_row};

    #[test]
    fn names_are_unique_and_what_is_refused_always_is_asked_first() {
        let names: BTreeSet<_> = TABLE.iter().map(|rule| rule.name).collect();
        assert_eq!(names.len(), TABLE.len());
        assert!(TABLE.is_sorted_by_key(|rule| rule.depends == Depends::State));
        assert!(TABLE.iter().all(|rule| rule.code < 0 && !rule.says.ends_with('.')));
    }

    #[test]
    fn every_code_is_a_refusal_that_executed_nothing() {
        let codes = TABLE.iter().map(|rule| rule.code).chain(CORE.iter().flat_map(|check| check.codes.iter().copied()));
        for code in codes {
            for act in [Act::Place, Act::PlaceConditional] {
                assert!(matches!(judge_row(act, code, ""), Fate::Refused { .. }), "{code} of {act:?}");
            }
        }
    }
}
