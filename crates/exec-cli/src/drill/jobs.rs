//! Cycles side by side, each on a thread of its own. What a cycle is it does not know; it hands out numbers and collects outcomes.

use std::{
    ops::{ControlFlow, Range},
    sync::{
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
};

/// Plays the numbers in their order, at most `jobs` at a time, and hands each outcome over as it comes. After a break no further
/// number begins; what has begun ends, and is handed over too.
pub(crate) fn run<T: Send>(
    jobs: u16,
    numbers: Range<u64>,
    play: impl Fn(u64) -> T + Sync,
    mut take: impl FnMut(u64, T) -> ControlFlow<()>,
) {
    let (next, stopped) = (AtomicU64::new(numbers.start), AtomicBool::new(false));
    let (done, outcomes) = mpsc::channel();
    let work = |done: mpsc::Sender<(u64, T)>| {
        while !stopped.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= numbers.end || done.send((number, play(number))).is_err() {
                break;
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs {
            let (work, done) = (&work, done.clone());
            scope.spawn(move || work(done));
        }
        drop(done);
        for (number, outcome) in outcomes {
            if take(number, outcome).is_break() {
                stopped.store(true, Ordering::Relaxed);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, sync::Barrier};

    #[test]
    fn every_number_is_played_once_and_as_many_as_asked_for_at_a_time() {
        // Nobody passes the barrier alone.
        let together = Barrier::new(3);
        let mut seen = BTreeSet::new();
        let play = |number| {
            together.wait();
            number * 2
        };
        run(3, 5..11, play, |number, twice| {
            assert_eq!(twice, number * 2);
            assert!(seen.insert(number));
            ControlFlow::Continue(())
        });
        assert_eq!(seen, (5..11).collect());
    }

    #[test]
    fn after_a_break_nothing_begins_and_what_has_begun_is_handed_over() {
        let begun = AtomicU64::new(0);
        let mut taken = 0;
        run(
            2,
            0..1_000_000,
            |number| {
                begun.fetch_add(1, Ordering::Relaxed);
                number
            },
            |_, _| {
                taken += 1;
                ControlFlow::Break(())
            },
        );
        assert_eq!(taken, begun.load(Ordering::Relaxed));
        assert!(taken < 1_000_000);
    }
}
