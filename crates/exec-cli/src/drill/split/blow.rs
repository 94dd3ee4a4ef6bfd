//! What parts a node from its lease: the list, its one place.

/// What happens to the first node, to Redis, or between them.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Blow {
    /// It stands still with a request signed and not a byte of it written: that goes out when it goes on.
    StopSigned,
    /// It stands still between a decision and its requests.
    StopDecided,
    /// It stands still when the disk has just let a request leave.
    StopDurable,
    /// It is stopped at any moment.
    StopAnytime,
    /// As the first, and the Redis server is killed and comes back meanwhile.
    StopAndRedisKilled,
    /// It trades on, and its way to Redis is stopped up.
    WayStopped,
    /// The Redis server stands still for longer than the lease.
    RedisStops,
    /// The Redis server is killed, and comes back after longer than the lease.
    RedisKilled,
}

/// Which blow falls in which round, over and over.
const TURNS: [Blow; 10] = [
    Blow::StopSigned,
    Blow::WayStopped,
    Blow::StopDurable,
    Blow::StopAnytime,
    Blow::StopSigned,
    Blow::RedisStops,
    Blow::StopDecided,
    Blow::StopAndRedisKilled,
    Blow::StopDurable,
    Blow::RedisKilled,
];

impl Blow {
    pub(super) fn of(round: u64) -> Self {
        TURNS[usize::try_from(round % TURNS.len() as u64).unwrap_or(0)]
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::StopSigned => "stopped, a request signed",
            Self::StopDecided => "stopped, a request decided",
            Self::StopDurable => "stopped, a request let go by the disk",
            Self::StopAnytime => "stopped at any moment",
            Self::StopAndRedisKilled => "stopped, a request signed; Redis killed",
            Self::WayStopped => "its way to Redis stopped up",
            Self::RedisStops => "Redis stopped",
            Self::RedisKilled => "Redis killed",
        }
    }

    /// The boundary in which the node stops itself, and the most passings of it before that.
    pub(super) const fn boundary(self) -> Option<(&'static str, u64)> {
        match self {
            Self::StopSigned | Self::StopAndRedisKilled => Some(("request.before-first-byte", 20)),
            Self::StopDecided => Some(("group.before-commands", 40)),
            Self::StopDurable => Some(("durable.before-send", 12)),
            Self::StopAnytime | Self::WayStopped | Self::RedisStops | Self::RedisKilled => None,
        }
    }

    /// Whether the node's process stands still by it.
    pub(super) const fn stops(self) -> bool {
        matches!(self, Self::StopAnytime) || self.boundary().is_some()
    }
}
