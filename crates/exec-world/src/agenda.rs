//! What will happen, in order of time; what is due at the same moment, in the order in which it was planned.

use exec_core::{
    conversation::{Input, Outcome, Query, Request, Timer},
    ids::{QueryId, RequestId, SessionId},
};
use std::{cmp::Reverse, collections::BinaryHeap};

/// How far a request has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reached {
    /// The venue's door, where its time is checked.
    Gateway,
    /// The matching engine.
    Engine,
}

/// Something that happens.
#[derive(Debug)]
pub(crate) enum Event {
    ToNode {
        life: u32,
        input: Input,
    },
    Reply {
        life: u32,
        id: RequestId,
        outcome: Outcome,
    },
    AtVenue {
        life: u32,
        request: Request,
        reached: Reached,
    },
    Asked {
        life: u32,
        query: QueryId,
        what: Query,
    },
    OpenStream {
        life: u32,
        session: SessionId,
    },
    /// The account's owner does something.
    ByHand,
    CutStream {
        life: u32,
        session: SessionId,
    },
    Fire {
        life: u32,
        timer: Timer,
    },
    Synced {
        life: u32,
    },
    MeasureClock {
        life: u32,
    },
    /// Somebody has looked after the disk.
    Repair {
        life: u32,
    },
    /// The owner takes everything off the book while the node is down.
    Swept,
    Start,
    Tick,
}

impl Event {
    /// Whether it happens inside the process: while that stands still, it waits.
    pub(crate) const fn is_the_nodes(&self) -> bool {
        match self {
            Self::ToNode { .. }
            | Self::Reply { .. }
            | Self::OpenStream { .. }
            | Self::Fire { .. }
            | Self::Synced { .. }
            | Self::MeasureClock { .. } => true,
            Self::AtVenue { .. }
            | Self::Asked { .. }
            | Self::ByHand
            | Self::CutStream { .. }
            | Self::Repair { .. }
            | Self::Swept
            | Self::Start
            | Self::Tick => false,
        }
    }
}

#[derive(Debug)]
struct Scheduled {
    at: u64,
    order: u64,
    event: Event,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}
impl Eq for Scheduled {}
impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// Everything that is planned. Times are milliseconds since the world began.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    heap: BinaryHeap<Reverse<Scheduled>>,
    planned: u64,
}

impl Agenda {
    pub(crate) fn plan(&mut self, at: u64, event: Event) {
        self.planned += 1;
        self.heap.push(Reverse(Scheduled { at, order: self.planned, event }));
    }
    /// When the next thing happens.
    pub(crate) fn next_at(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse(next)| next.at)
    }
    pub(crate) fn next(&mut self) -> Option<(u64, Event)> {
        self.heap.pop().map(|Reverse(next)| (next.at, next.event))
    }
}
