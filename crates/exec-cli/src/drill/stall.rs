//! Whether the machine gives this program its time: sleeps that last longer than they should, added up. It judges nothing.

use std::{cell::Cell, convert::Infallible, future::Future, time::Duration};
use tokio::time::{Instant, sleep};

const NAP: Duration = Duration::from_millis(10);
/// A nap that is late by less is an ordinary one.
const ORDINARY: Duration = Duration::from_millis(50);

/// Runs something, and says for how long the machine held this thread up meanwhile.
pub(crate) async fn measured<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let late = Cell::new(Duration::ZERO);
    let done = tokio::select! {
        biased;
        done = work => done,
        never = naps(&late) => match never {},
    };
    (done, late.get())
}

async fn naps(late: &Cell<Duration>) -> Infallible {
    loop {
        let begun = Instant::now();
        sleep(NAP).await;
        let over = begun.elapsed().saturating_sub(NAP);
        if over > ORDINARY {
            late.set(late.get() + over);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_holds_the_thread_up_is_counted() {
        let ((), late) = measured(sleep(Duration::from_millis(100))).await;
        assert!(late < Duration::from_secs(2), "{late:?}");
        let ((), late) = measured(async {
            sleep(Duration::from_millis(5)).await;
            std::thread::sleep(Duration::from_millis(200));
            sleep(Duration::from_millis(30)).await;
        })
        .await;
        assert!(late >= Duration::from_millis(180), "{late:?}");
    }
}
