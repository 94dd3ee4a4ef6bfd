//! Bugs built in to test the tests: which there are, and which one is on. The bugs themselves stand at the mechanisms that they
//! remove. Without the feature `plants` none of them is in a program, and [`planted`] is a constant.

macro_rules! plants {
    ($($plant:ident = $name:literal: $says:literal;)*) => {
        /// A bug that can be built in. A test named like one must fail while it is on; the others are for fault worlds to find.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Plant {
            $(#[doc = $says] $plant,)*
        }

        impl Plant {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$plant),*];

            /// What it is called on a command line.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$plant => $name,)*
                }
            }
            /// What goes wrong with it.
            pub const fn says(self) -> &'static str {
                match self {
                    $(Self::$plant => $says,)*
                }
            }
            /// Reads a name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|plant| plant.name() == name)
            }
        }
    };
}

// One line each: `cargo xtask plants` reads them here.
plants! {
    WarmRestart = "defect_warm_restart_inserts_an_opposite_fill": "a leg that differs at a restart is written over with what the venue said";
    TruncatedWindow = "defect_long_held_position_nets_wrong_from_a_truncated_window": "books begin with the trades that the venue still lists, not with the position it holds";
    HedgeLegs = "defect_hedge_legs_collapse_or_vanish_when_equal": "both legs of an instrument are one position";
    TimedOutSubmit = "defect_timed_out_submit_is_declared_rejected": "a submit without an answer counts as refused";
    RetryUnknown = "defect_retry_after_1007_although_the_stream_had_accepted_it": "an order whose outcome is unknown is sent again";
    ForcedCancel = "defect_pending_cancel_is_forced_to_cancelled_in_an_outage": "a cancel that gets no answer counts as done after some tries";
    FillAfterExpired = "defect_fill_after_expired_is_dropped": "an order that has ended takes no fill";
    FillReopens = "defect_partial_fill_after_a_cancel_reopens_the_order": "a fill takes an order's ending back";
    Overfill = "defect_overfill_disappears": "what is executed beyond an order's quantity is not counted";
    FailedPositions = "defect_failed_position_query_is_taken_for_flat": "a question for positions that fails says that there are none";
    EqualTradeIds = "defect_equal_trade_ids_on_two_symbols_collide": "a trade counts once by its number alone, whatever its instrument";
    LocalClock = "defect_local_clock_behind_the_venues": "requests are dated by our own clock";
    DeadStream = "defect_stream_is_dead_after_a_reconnect_while_connected": "a stream that is open counts as one that tells everything";
    LostEvents = "defect_events_are_lost_between_snapshot_and_new_socket": "events of a new stream are dropped until the snapshot has come";
    ExternalStop = "defect_external_stop_order_cannot_be_materialised": "a foreign order that has no order id yet is not taken in";
    DecodeFailure = "defect_decode_failure_eats_a_fill": "an event that cannot be read is forgotten";
    NotOnBookLoops = "defect_not_found_cancel_of_a_filled_order_loops": "a cancel that finds no order is sent again and never looked into";
    ErrorsAreAbsence = "defect_network_errors_are_counted_as_not_found": "a question for an order that fails says that it is not there";
    RestoredOrder = "defect_restored_working_order_cannot_be_managed": "an order of an earlier start can be neither changed nor cancelled";
    CancelAllOwners = "defect_cancel_all_of_one_strategy_hits_anothers": "a strategy that cancels all cancels everybody's";
    RecoveryQueryStarved = "defect_recovery_query_starved": "questions of doubt and recovery wait behind the sweeps and the user's";

    // For worlds to find.
    FenceNoMargin = "fence_no_margin": "absence counts as soon as the request's own window is over";
    CancelWishDropped = "cancel_wish_dropped_on_2011": "a refused cancel ends the wish to cancel";
    EntryStopNewFirst = "entry_stop_new_before_cancel": "a changed stop that opens stands beside its forerunner";
    ExitDenied = "exit_denied_when_degraded": "an exit needs an open gate";
    TakeProfitCounts = "take_profit_counts_as_stop": "a take-profit counts as protection";
    BaselinePlusHistory = "baseline_plus_history": "trades from before the baseline are counted on top of it";
    LegFromSide = "leg_from_side_not_ps": "a fill is booked on the leg that its side would open";
    CursorBeforeCommands = "cursor_before_commands": "an event counts as seen when it is told, not when it is answered";
    SentTooOld = "order_sent_after_max_age": "an order leaves however long its record took to the disk";
    FailedQueryIsFlat = "failed_query_is_flat": "a question for everything that fails says that there is nothing";
    SymbolMissing = "symbol_missing_in_fill_key": "an order id names an order on whatever instrument";
    AckBeforeFsync = "ack_before_fsync": "the journal promises what it has not synced";
    SkipFill = "skip_fill": "one trade in seven is dropped";
    TradeTwice = "trade_lite_and_trade_both_counted": "the fast trade event and the order's own are two trades";
    FiveHundred = "500_is_reject": "status 500 counts as a refusal";
    TwoHundredUnreadable = "200_unreadable_is_reject": "a success whose body cannot be read counts as a refusal";
    AlgoAbsentByGet = "algo_absent_by_get": "a conditional order is absent if the single query says so";
    HedgeReduceOnly = "hedge_sends_reduce_only": "an order that closes a leg in HEDGING is sent with reduceOnly";
    FirstPage = "first_page_is_last": "trades behind the first full page are not asked for";
    IdleStream = "idle_stream_never_probed": "a private stream that says nothing is neither pinged nor given up";
    SendTwice = "send_twice_after_a_restart": "what a crash left without an answer is sent again";
    NoDoubtBeforeGate = "gate_opens_with_earlier_doubt": "a start does not wait for what the last one left in doubt";
    FlattenStopsFirst = "flatten_cancels_stops_first": "an exit takes the stops of its leg off the book before it leaves";
    ShareBeyondNet = "share_reduce_beyond_net": "what a close leaves of a share for want of a net is sent as a close again";
    ModifyBelowFilled = "modify_below_filled_thought_working": "an order that a change has ended, being executed beyond it, counts as working";
    VanishedStays = "vanished_never_ends": "an order that the venue has purged is open for ever";
    LeaseBeforePause = "lease_checked_before_the_pause_only": "who held the lease when it looked last may sign, however long ago that was";
    LeaseNoWait = "lease_successor_does_not_wait": "whoever is granted the lease sends at once";
    LeaseEpochOfStore = "lease_epoch_of_the_store_only": "an epoch is one above what the store remembers, and nothing else";
    LeaseFromAnswer = "lease_counted_from_the_answer": "a lease begins when its grant has arrived, not when it was asked for";
    LeaseNoEnd = "lease_does_not_end": "who has the lease has it until the store says that another does";
    SurplusStays = "superseded_stop_is_not_taken_away": "the forerunner of a changed order stays on the book";
}

/// Whether a plant is on. Never, in a build without plants.
#[cfg(not(feature = "plants"))]
pub const fn planted(_plant: Plant) -> bool {
    false
}

#[cfg(feature = "plants")]
pub use choice::{choose, planted};

#[cfg(feature = "plants")]
mod choice {
    //! Which plant is on: one for a whole run of a program, said before its first use or by the environment.
    extern crate std;

    use super::Plant;
    use std::{env, sync::OnceLock};

    /// The environment variable that names a plant.
    const VARIABLE: &str = "EXEC_PLANT";

    static CHOSEN: OnceLock<Option<Plant>> = OnceLock::new();

    /// Whether a plant is on.
    pub fn planted(plant: Plant) -> bool {
        *CHOSEN.get_or_init(of_the_environment) == Some(plant)
    }

    /// Puts a plant on for the rest of the run. Says whether it is: what was asked for first stays.
    pub fn choose(plant: Plant) -> bool {
        *CHOSEN.get_or_init(|| Some(plant)) == Some(plant)
    }

    #[allow(clippy::print_stderr, reason = "a program that was told nonsense must say so before anything else of it runs")]
    fn of_the_environment() -> Option<Plant> {
        let name = env::var(VARIABLE).ok()?;
        // A name that means nothing must not pass for a run without plants, nor for one in which the plant was found.
        let plant = Plant::named(&name);
        if plant.is_none() {
            std::eprintln!("{VARIABLE}: there is no plant `{name}`");
            std::process::exit(2);
        }
        plant
    }
}

#[cfg(test)]
mod tests {
    use super::Plant;

    #[test]
    fn names_are_told_apart_and_read_back() {
        for plant in Plant::ALL {
            assert_eq!(Plant::named(plant.name()), Some(*plant), "two plants are called {}", plant.name());
            assert!(!plant.says().is_empty());
        }
        assert_eq!(Plant::named("none"), None);
    }
}
