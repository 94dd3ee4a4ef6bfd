//! The one-line language for the life of an order: what happens, step by step, and what must come out. Not a way to drive an engine.
//!
//! A scenario is a list of steps between `|` (or `;`, for places where a bar means something else). A step is a word and its
//! arguments between blanks. `#2` behind a word means the second attempt; without it the newest one is meant. A `!` in front of
//! a step says that the order must refuse it as a contradiction, and stay as it was.
//!
//! | step | fact |
//! |---|---|
//! | `submit QTY[@PRICE] [KIND] [sell] [reduce] [close-all]` | asked for (limit at 1000 if no price is given) and attempted |
//! | `intent QTY[@PRICE] [KIND] [sell] [reduce] [close-all]` | asked for, nothing attempted |
//! | `adopt QTY[@PRICE] [KIND] [sell] [history QTY]` | found at the venue, so much of it executed before our books began |
//! | `deny` | risk said no |
//! | `attempt [QTY] [anew]` | the next attempt is fixed, with its own quantity if given; `anew` if it carries out the newest replace |
//! | `doubt` | its outcome is unknown |
//! | `ack [ID]`, `algo [ID]` | the venue has it, under this order id / id among the conditional orders |
//! | `reject [CODE]`, `not-sent`, `dead`, `vanished` | refused; never left; past its fence and absent twice; purged by the venue |
//! | `dies` | refused at its trigger: the venue's report of the order says so |
//! | `activate`, `trigger` | a trailing stop follows; a condition was met |
//! | `fill ID QTY@PRICE [sell] [maker] [fee AMOUNT] [pnl AMOUNT]` | a trade |
//! | `cum QTY[@AVG]` | at least so much is executed |
//! | `terms QTY[@PRICE] [trigger PRICE] [at TIME]` | the venue holds it with these terms, as of that update time (1 if not given) |
//! | `canceled`, `expired [REASON]` | the venue ended it (`self-trade`, `not-fillable`, `would-take`, `time-up`, `nothing-to-close`, `liquidation`, `delisted`) |
//! | `cancel` | somebody asks for its cancel |
//! | `cancel-ok`, `cancel-refused`, `cancel-unknown`, `cancel-not-sent` | how the newest cancel request ended |
//! | `replace QTY[@PRICE] [trigger PRICE] [anew]` | somebody asks for other terms; `anew` if a new attempt is to carry them |
//! | `replace-ok`, `replace-refused`, `replace-unknown`, `replace-not-sent` | how the newest replace request ended |
//! | `give-up` | no further attempt follows |
//!
//! KIND is `market`, `stop@TRIGGER`, `profit@TRIGGER` or `trail@PERCENT`; with a price, a stop or a take-profit is a limit order from
//! its trigger on.
//!
//! An expectation is a status, or `-` for any, and figures that must agree as numbers: `cum`, `leaves`, `qty`, `price`, `trigger`, `avg`
//! (`-` for none), `gap` (executed, not explained by trades), `fills`, `fees`, `pnl` (sums), `doubt` (attempts in doubt), and counts of
//! steps that were marked: `late` (fills after the end), `over` (fills beyond the quantity), `broken` (presumptions), `news`
//! (steps that taught something).

mod outcome;
mod step;

pub use outcome::{Outcome, status_named};
pub use step::event_of;

use crate::fixtures;
use exec_core::{
    ids::{ClOrdId, RequestId},
    order::{Contradiction, Order, Transition, event::OrderEvent},
};
use step::Parsed;

/// A scenario or an expectation that cannot be read, or a step that ended otherwise than it says.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ScenarioError {
    /// Not one of the words.
    #[error("step {number} `{step}`: `{word}` is not a step; known are {known}")]
    Word {
        /// Which step, from 1.
        number: usize,
        /// The step.
        step: String,
        /// The word.
        word: String,
        /// Words that exist.
        known: String,
    },
    /// An argument is missing, superfluous or of the wrong form.
    #[error("step {number} `{step}`: {why}")]
    Argument {
        /// Which step, from 1.
        number: usize,
        /// The step.
        step: String,
        /// What is wrong with it.
        why: String,
    },
    /// The order refused a step.
    #[error("step {number} `{step}` was refused: {contradiction}")]
    Refused {
        /// Which step, from 1.
        number: usize,
        /// The step.
        step: String,
        /// Why.
        contradiction: Contradiction,
    },
    /// The order took a step that it should have refused, or refused it and changed nevertheless.
    #[error("step {number} `{step}` should have been refused without a trace")]
    NotRefused {
        /// Which step, from 1.
        number: usize,
        /// The step.
        step: String,
    },
    /// The expectation cannot be read.
    #[error("expectation `{text}`: {why}")]
    Expectation {
        /// The part of it.
        text: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Where a scenario stands: the order and what names the next things.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    pub(crate) order: Option<Order>,
    pub(crate) attempts: u8,
    pub(crate) requests: u64,
    pub(crate) cancel: Option<RequestId>,
    pub(crate) replace: Option<RequestId>,
}

/// The id of the attempt with this number, from 1.
pub fn attempt_id(number: u8) -> ClOrdId {
    fixtures::cl_ord_id(&format!("a{number}"))
}

/// Plays a scenario and returns what came out.
///
/// # Errors
/// [`ScenarioError`]: it cannot be read, or the order refused a step that is not marked with `!`.
pub fn run(scenario: &str) -> Result<Outcome, ScenarioError> {
    let mut stage = Stage::default();
    let mut transitions: Vec<Transition> = Vec::new();
    for (at, text) in scenario.split(['|', ';']).map(str::trim).enumerate() {
        let number = at + 1;
        let (refused, words) = match text.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, text),
        };
        let wrong = |why: String| ScenarioError::Argument { number, step: text.to_owned(), why };
        let events = match step::parse(words, &mut stage) {
            Ok(Parsed::Begun(intent, events)) => {
                stage.order = Some(Order::new(*intent));
                events
            }
            Ok(Parsed::Facts(events)) => events,
            Err(step::Wrong::Word(word)) => {
                return Err(ScenarioError::Word { number, step: text.to_owned(), word, known: step::WORDS.join(", ") });
            }
            Err(step::Wrong::Argument(why)) => return Err(wrong(why)),
        };
        let Some(order) = stage.order.as_mut() else {
            return Err(wrong("an order begins with `submit`, `intent` or `adopt`".to_owned()));
        };
        for event in &events {
            match play(order, event, refused) {
                Ok(transition) => transitions.extend(transition),
                Err(Some(contradiction)) => {
                    return Err(ScenarioError::Refused { number, step: text.to_owned(), contradiction });
                }
                Err(None) => return Err(ScenarioError::NotRefused { number, step: text.to_owned() }),
            }
        }
    }
    match stage.order {
        Some(order) => Ok(Outcome { order, transitions }),
        None => Err(ScenarioError::Argument { number: 1, step: String::new(), why: "there is no step".to_owned() }),
    }
}

fn play(order: &mut Order, event: &OrderEvent, refused: bool) -> Result<Option<Transition>, Option<Contradiction>> {
    let before = order.clone();
    match (order.apply(event), refused) {
        (Ok(transition), false) => Ok(Some(transition)),
        (Err(_), true) if *order == before => Ok(None),
        (Ok(_) | Err(_), true) => Err(None),
        (Err(contradiction), false) => Err(Some(contradiction)),
    }
}

/// Plays a scenario and compares what came out with an expectation.
///
/// # Panics
/// If either cannot be read, a step is refused, or a figure differs; the message holds the status after every step.
pub fn check(scenario: &str, expected: &str) {
    let outcome = run(scenario).unwrap_or_else(|error| panic!("{error}\n  in: {scenario}"));
    let differences = outcome.compare(expected).unwrap_or_else(|error| panic!("{error}\n  for: {scenario}"));
    assert!(differences.is_empty(), "{}\n  in: {scenario}\n  is: {outcome}\n  via: {}", differences.join("\n"), outcome.path());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_told_in_one_line() {
        check("submit 10 | ack v1 | fill e1 4@100 | cancel | fill e2 6@101 | cancel-refused", "Filled cum=10 leaves=0 avg=100.6");
        check("submit 10 ; ack", "New cum=0 leaves=10 avg=-");
    }

    #[test]
    #[should_panic(expected = "cum is 4, not 5")]
    fn a_wrong_expectation_fails() {
        check("submit 10 | ack v1 | fill e1 4@100", "PartiallyFilled cum=5");
    }

    #[test]
    fn conditional_orders_are_told_in_one_line() {
        check("submit 10 stop@95 sell reduce | algo g1", "New qty=10 trigger=95 price=-");
        check("submit 10@94 stop@95 sell | algo g1 | trigger | ack c1 | fill e1 10@94 sell", "Filled cum=10 price=94");
        check("submit 10 trail@1 sell | algo g1 | activate", "New trigger=-");
        check("submit 10 profit@110 sell close-all | algo g1 | trigger", "Triggered qty=-");
        check("submit 10 stop@95 sell reduce | algo g1 | dies | give-up", "Rejected");
        check(
            "submit 10 stop@95 sell reduce | algo g1 | replace 10 trigger 96 anew | attempt 10 anew | algo g2 | canceled#1 | replace-ok",
            "New trigger=96 qty=10",
        );
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let error = |scenario: &str| run(scenario).unwrap_err().to_string();
        assert!(error("submit 10 | akc").starts_with("step 2 `akc`: `akc` is not a step; known are"));
        assert!(error("submit ten").contains("`ten` is not a plain decimal number"));
        assert!(error("submit 10 | fill e1").contains("wants a quantity and a price"));
        assert!(error("submit 10 | ack v1 extra").contains("`extra` is one word too many"));
        assert!(error("submit 10 | cancel-ok").contains("no cancel was asked for"));
        assert!(error("ack v1").contains("an order begins with"));
        assert!(error("submit 10 | ack#3 v1").contains("there is no attempt 3"));
        assert!(error("submit 10 | ack v1 | ack v2").contains("was refused: order is v1 at the venue, the report says v2"));
        assert!(error("submit 10 | ! ack v1").contains("should have been refused"));
        let outcome = run("submit 10").unwrap();
        assert!(outcome.compare("Flled").unwrap_err().to_string().contains("is not a status"));
        assert!(outcome.compare("New cums=3").unwrap_err().to_string().contains("is not a figure"));
    }
}
