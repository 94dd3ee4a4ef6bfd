//! The core against the reference model: lost, late, repeated and shuffled words of a venue, crashes, and hands from outside. The model
//! and what must hold are exec-testkit's; longer runs by `PROPTEST_CASES`.

use exec_testkit::{generate::cases, model::Node};
use proptest::test_runner::Config;

proptest_state_machine::prop_state_machine! {
    #![proptest_config(Config { cases: cases(150), max_shrink_iters: 20_000, ..Config::default() })]

    #[test]
    fn promise_p04_the_core_comes_to_the_venues_truth_by_whatever_it_hears(sequential 1..60 => Node);
}
