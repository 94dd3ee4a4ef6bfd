//! What a seed fixes about the network of a world with sockets, and about the exchange's own faults. Not when they strike.

use crate::{plan::Plan, rng::Rng};

/// How often what goes wrong. Chances are of 1000: of a chunk of bytes for the network, of a tenth of a second for the exchange.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rough {
    /// Milliseconds that bytes take, typically.
    pub(crate) latency_ms: u64,
    /// Of dials: refused at once, or never answered.
    pub(crate) refused: u32,
    pub(crate) unreachable: u32,
    /// Of requests.
    pub(crate) request_swallowed: u32,
    pub(crate) cut_before_request: u32,
    pub(crate) cut_in_request: u32,
    pub(crate) cut_behind_request: u32,
    pub(crate) request_late: u32,
    /// Of answers.
    pub(crate) answer_swallowed: u32,
    pub(crate) cut_in_answer: u32,
    pub(crate) answer_late: u32,
    pub(crate) answer_slow: u32,
    pub(crate) answer_spoilt: u32,
    /// Of chunks on the private stream. The prices have the same faults, each a tenth as often.
    pub(crate) stream_cut: u32,
    pub(crate) stream_cut_in_frame: u32,
    pub(crate) stream_half_open: u32,
    pub(crate) stream_late: u32,
    pub(crate) stream_slow: u32,
    pub(crate) frame_spoilt: u32,
    pub(crate) shutdown: u32,
    /// Of tenths of a second.
    pub(crate) exchange_request: u32,
    pub(crate) exchange_stream: u32,
    pub(crate) key_expires: u32,
    pub(crate) sockets_cut: u32,
    /// How long a socket lives at the venue; a day in most worlds.
    pub(crate) socket_life_ms: u64,
    /// Whether the venue's limits are its own, or so wide that nobody meets them.
    pub(crate) limits_real: bool,
}

/// The venue's own.
const DAY_MS: u64 = 86_400_000;

impl Rough {
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut rng = Rng::new(plan.seed, 20);
        let calm = Self { latency_ms: plan.latency_ms, socket_life_ms: DAY_MS, limits_real: rng.chance(250), ..Self::default() };
        if !plan.is_networked() {
            return calm;
        }
        // Each fault is off in half of the worlds: what hides behind another one shows there.
        let mut some = |most: u64| if rng.chance(500) { u32::try_from(rng.between(1, most)).unwrap_or(0) } else { 0 };
        let mut rough = Self {
            refused: some(150),
            unreachable: some(60),
            request_swallowed: some(20),
            cut_before_request: some(30),
            cut_in_request: some(30),
            cut_behind_request: some(40),
            request_late: some(60),
            answer_swallowed: some(40),
            cut_in_answer: some(40),
            answer_late: some(60),
            answer_slow: some(40),
            answer_spoilt: some(60),
            stream_cut: some(10),
            stream_cut_in_frame: some(10),
            stream_half_open: some(8),
            stream_late: some(15),
            stream_slow: some(15),
            frame_spoilt: some(15),
            shutdown: some(5),
            exchange_request: some(80),
            exchange_stream: some(60),
            key_expires: some(4),
            sockets_cut: some(4),
            ..calm
        };
        if rng.chance(200) {
            rough.socket_life_ms = rng.between(15_000, 40_000);
        }
        rough
    }

    /// The same world without any fault, for its end.
    pub(crate) fn healed(&self) -> Self {
        Self {
            latency_ms: self.latency_ms,
            socket_life_ms: self.socket_life_ms,
            limits_real: self.limits_real,
            ..Self::default()
        }
    }
}
