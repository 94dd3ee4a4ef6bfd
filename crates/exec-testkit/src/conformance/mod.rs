//! What every [`ExecutionVenue`] must pass: named checks over a fresh account, and the runner. Not a test of any one venue, and no
//! runtime: time passes by the caller's sleep.
//!
//! Whoever writes a venue implements [`TestVenue`] and [`FreshAccount`] over it, and calls [`suite`]:
//!
//! ```text
//! exec_testkit::conformance::suite(&MyTestVenue).await.assert();
//! ```
//!
//! What the venue's profile says it cannot do, and hands that the test does not have, are skipped and named in the [`Verdict`]. What the
//! profile denies must also be refused if it is asked for all the same.

mod conditional;
mod doubt;
mod orders;
mod queries;
mod refusals;
mod room;
mod stream;

use std::{
    fmt,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::Poll,
};

use async_trait::async_trait;
use exec_core::{
    ids::InstrumentId,
    time::VenueTime,
    units::{PositionMode, Price, Qty, Side},
    venue::ExecutionVenue,
};
use room::Room;

/// Makes a venue on a fresh account, for one check.
#[async_trait]
pub trait TestVenue: Sync {
    /// An account with money, without orders, positions or trades, and a venue that speaks for it. `mode` is one that its profile has.
    async fn fresh(&self, mode: PositionMode) -> Box<dyn FreshAccount>;
    /// The position modes of its profile: the first is the one most checks run in.
    fn modes(&self) -> &'static [PositionMode];
}

/// A fresh account, and what hands from outside can do at its venue.
#[async_trait]
pub trait FreshAccount: Send + Sync {
    /// The venue under test.
    fn venue(&self) -> &dyn ExecutionVenue;
    /// An instrument that can be traded, with enough on both sides of its book for ten orders of [`FreshAccount::qty`].
    fn instrument(&self) -> InstrumentId;
    /// A usual quantity: a multiple of the step, above every minimum.
    fn qty(&self) -> Qty;
    /// The venue's time, as far as is known here.
    fn now(&self) -> VenueTime;
    /// The price around which the instrument trades now.
    async fn price(&self) -> Price;
    /// Lets time pass.
    async fn sleep(&self, ms: u64);
    /// Does something from outside.
    ///
    /// # Errors
    /// [`NoHand`] where this test cannot; the check that needs it is skipped.
    async fn hand(&self, hand: Hand) -> Result<(), NoHand>;
}

/// What a hand from outside does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hand {
    /// The account's owner trades at market, past the venue under test.
    Trade(Side, Qty),
    /// The market goes to this price; what rests or waits on the way executes.
    Move(Price),
    /// The next request of this kind is lost before it has an effect.
    LoseRequest(Errand),
    /// The next request of this kind takes effect, and its answer is lost.
    LoseAnswer(Errand),
    /// From now on no question is answered.
    FailQueries,
    /// Every private stream is cut.
    CutStream,
    /// The private stream is ended by the venue, which says so.
    EndStream,
    /// The venue is gone for good.
    Close,
}

/// A kind of request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Errand {
    /// A new order.
    Submit,
    /// A cancel.
    Cancel,
}

/// A test has no such hand; why.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NoHand(pub &'static str);

/// How a check ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ended {
    /// As it should.
    Passed,
    /// It was not run.
    Skipped(String),
    /// Otherwise than it should.
    Failed {
        /// What should have come.
        expected: String,
        /// What came.
        came: String,
    },
}

/// Why a check stops before its end.
pub(crate) enum Stop {
    Skipped(String),
    Failed { expected: String, came: String },
}

impl From<NoHand> for Stop {
    fn from(no: NoHand) -> Self {
        Self::Skipped(no.0.to_owned())
    }
}

pub(crate) type Checked = Result<(), Stop>;
type Running<'a> = Pin<Box<dyn Future<Output = Checked> + 'a>>;

/// One thing that every venue must do.
pub struct Check {
    /// Its name: what must be so.
    pub name: &'static str,
    run: for<'a> fn(&'a Room) -> Running<'a>,
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

macro_rules! checks {
    ($($module:ident: $($name:ident),*;)*) => {
        /// All checks, in the order in which they run.
        pub const CHECKS: &[Check] = &[$($(Check { name: stringify!($name), run: |room| Box::pin($module::$name(room)) },)*)*];
    };
}

checks! {
    orders: instruments_can_be_traded, a_limit_order_rests_and_is_found, a_market_order_fills_and_is_found,
        a_cancel_ends_an_order_once, a_cancel_of_what_never_was_settles_nothing, a_change_keeps_the_order_and_echoes_its_request,
        cancel_all_takes_all, a_batch_answers_each_in_order, the_longest_id_comes_back_whole,
        both_legs_stand_side_by_side;
    refusals: a_refusal_is_typed_and_leaves_nothing, a_symbol_that_is_not_there_is_refused, closing_nothing_is_refused,
        post_only_never_takes, immediate_never_rests, what_the_profile_denies_is_refused, the_same_id_is_no_second_order,
        an_order_too_old_is_not_sent, an_order_past_its_window_never_executes;
    queries: an_id_never_used_is_absent, a_fresh_account_is_flat, the_mass_status_holds_everything,
        trades_come_whole_and_oldest_first, trades_are_asked_for_after_an_id_and_from_a_time, hands_from_outside_are_seen,
        nothing_is_unrecognised;
    stream: an_orders_life_is_told, fills_are_told_as_the_trade_list_has_them, every_session_is_told_everything,
        the_account_is_told, hands_from_outside_are_told, a_dropped_session_leaves_the_others, a_cut_stream_ends_and_another_opens,
        an_ending_is_told;
    conditional: a_conditional_order_waits_and_is_cancelled, a_condition_that_is_met_fills_one_order;
    doubt: a_lost_request_is_unknown_and_absent, a_lost_answer_is_unknown_and_found, a_lost_answer_to_a_cancel_is_unknown,
        a_failed_query_is_never_flat, nothing_panics_or_hangs_after_the_end;
}

/// Runs every check, each on an account of its own.
pub async fn suite(venue: &dyn TestVenue) -> Verdict {
    let mut rows = Vec::new();
    for check in CHECKS {
        rows.push((check.name, run(check, venue).await));
    }
    Verdict { rows }
}

/// Runs one check.
pub async fn run(check: &Check, venue: &dyn TestVenue) -> Ended {
    let modes = venue.modes();
    let mode = if check.name == "both_legs_stand_side_by_side" { PositionMode::Hedging } else { modes[0] };
    if !modes.contains(&mode) {
        return Ended::Skipped(format!("the profile has no {mode:?}"));
    }
    let checked = caught(async {
        let room = Room::enter(venue.fresh(mode).await, mode).await?;
        (check.run)(&room).await
    });
    match checked.await {
        Ok(()) => Ended::Passed,
        Err(Stop::Skipped(why)) => Ended::Skipped(why),
        Err(Stop::Failed { expected, came }) => Ended::Failed { expected, came },
    }
}

/// A venue that panics has failed the check, and the next one runs.
async fn caught(check: impl Future<Output = Checked>) -> Checked {
    let mut check = Box::pin(check);
    poll_fn(move |context| match catch_unwind(AssertUnwindSafe(|| check.as_mut().poll(context))) {
        Ok(poll) => poll,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
            let came = format!("a panic: {}", text.unwrap_or("without text"));
            Poll::Ready(Err(Stop::Failed { expected: "no panic, whatever is asked".into(), came }))
        }
    })
    .await
}

/// How all checks ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verdict {
    /// Each check's name and end.
    pub rows: Vec<(&'static str, Ended)>,
}

impl Verdict {
    /// Checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &'static str> {
        self.rows.iter().filter(|(_, ended)| matches!(ended, Ended::Failed { .. })).map(|(name, _)| *name)
    }
    /// Checks that were not run.
    pub fn skipped(&self) -> impl Iterator<Item = &'static str> {
        self.rows.iter().filter(|(_, ended)| matches!(ended, Ended::Skipped(_))).map(|(name, _)| *name)
    }
    /// Ends the test if a check failed.
    ///
    /// # Panics
    /// If a check failed, with the whole table.
    pub fn assert(&self) {
        assert!(self.failed().next().is_none(), "\n{self}");
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, ended) in &self.rows {
            match ended {
                Ended::Passed => writeln!(f, "passed   {name}")?,
                Ended::Skipped(why) => writeln!(f, "skipped  {name}: {why}")?,
                Ended::Failed { expected, came } => writeln!(f, "FAILED   {name}\n  expected {expected}\n  came     {came}")?,
            }
        }
        let (failed, skipped) = (self.failed().count(), self.skipped().count());
        writeln!(f, "{} passed, {skipped} skipped, {failed} failed", self.rows.len() - failed - skipped)
    }
}
