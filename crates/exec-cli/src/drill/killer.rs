//! Inside the node: counts the passings of one boundary and kills the process in the chosen one. Everybody else's log is left alone.

use rustix::process::{Signal, getpid, kill_process};
use std::{
    fmt::Debug,
    sync::atomic::{AtomicU64, Ordering},
};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterFn, filter_fn},
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};

/// The variable that says where to die: `boundary:passing:signals`, and `:stop` behind that to stand still there instead.
pub(crate) const VARIABLE: &str = "EXEC_NODE_DRILL";
/// What a strategy passes when enough of its orders rest; passings are counted from the last of these signals on.
pub(crate) const ARMED: &str = "armed";

/// Begins to log, and to wait for the moment, if the surroundings name one.
pub(crate) fn start() {
    let Ok(text) = std::env::var(VARIABLE) else { return };
    let mut parts = text.split(':');
    let mut next = || parts.next().unwrap_or_default().to_owned();
    let (boundary, passing, signals) = (next(), next().parse().unwrap_or(1), next().parse().unwrap_or(0));
    let signal = if next() == "stop" { Signal::STOP } else { Signal::KILL };
    let killer = Killer { boundary, passing, signal, signals: AtomicU64::new(signals), seen: AtomicU64::new(0) };
    let log = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(std::io::stderr).with_filter(EnvFilter::new("info"));
    let only: FilterFn = filter_fn(|about| about.target() == "drill");
    // Nothing else in this process sets up a log before.
    let _ = tracing_subscriber::registry().with(killer.with_filter(only)).with(log).try_init();
}

struct Killer {
    boundary: String,
    passing: u64,
    signal: Signal,
    /// So many signals are still to come.
    signals: AtomicU64,
    seen: AtomicU64,
}

impl<S: Subscriber> Layer<S> for Killer {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut name = Name(String::new());
        event.record(&mut name);
        if name.0 == ARMED {
            // More signals than were waited for change nothing.
            let _ = self.signals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        } else if name.0 == self.boundary
            && self.signals.load(Ordering::Relaxed) == 0
            && self.seen.fetch_add(1, Ordering::Relaxed) + 1 == self.passing
        {
            // Where the kernel refuses, the driver finds the node alive and says so.
            let _ = kill_process(getpid(), self.signal);
        }
    }
}

struct Name(String);

impl Visit for Name {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "boundary" {
            value.clone_into(&mut self.0);
        }
    }
    fn record_debug(&mut self, _field: &Field, _value: &dyn Debug) {}
}
