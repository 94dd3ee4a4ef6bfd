//! The list of effect boundaries at which a node is killed: its one place. Where they stand is in the code that passes them.

/// When in a node's life a boundary is passed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum When {
    /// Under load, once orders rest.
    Load,
    /// While it starts, on a journal that has something to say.
    Start,
    /// While it comes to an end.
    Drain,
    /// At its very end, when nothing of it rests any more.
    End,
    /// Under load, chosen from outside: by the exchange that holds a request or an answer up, or by the clock.
    Outside,
}

/// A place in a node between two effects.
#[derive(Debug)]
pub(crate) struct Boundary {
    pub(crate) name: &'static str,
    pub(crate) when: When,
    /// Whether a request is on the wire in it.
    pub(crate) on_the_wire: bool,
    /// The passing in which the node dies is drawn from 1 to this.
    pub(crate) passings: u64,
}

const fn at(name: &'static str, when: When, passings: u64) -> Boundary {
    Boundary { name, when, on_the_wire: false, passings }
}

const fn wire(name: &'static str, when: When, passings: u64) -> Boundary {
    Boundary { name, when, on_the_wire: true, passings }
}

pub(crate) const HELD_REQUEST: &str = "request.held";
pub(crate) const HELD_ANSWER: &str = "answer.held";
pub(crate) const ANY_MOMENT: &str = "any-moment";

/// Boundaries with a request on the wire; every third cycle takes the next of them.
pub(crate) const WIRE: &[Boundary] = &[
    // A new order has left with its last byte.
    wire("submit.sent", When::Load, 12),
    // The exchange has not read it yet: it arrives while the node is dead.
    wire(HELD_REQUEST, When::Outside, 1),
    wire("cancel.sent", When::Load, 4),
    // The exchange has done it, and the answer never comes.
    wire(HELD_ANSWER, When::Outside, 1),
    // A change in place.
    wire("change.sent", When::Load, 2),
    // The two requests of a change of a conditional order.
    wire("change.new.sent", When::Load, 1),
    wire("change.old.sent", When::Load, 1),
];

/// All others.
pub(crate) const OTHERS: &[Boundary] = &[
    at(ANY_MOMENT, When::Outside, 1),
    // The journal, from the engine's side and from the disk's.
    at("append.before", When::Load, 60),
    at("append.after", When::Load, 60),
    at("write.half", When::Load, 60),
    at("sync.before", When::Load, 60),
    at("sync.after", When::Load, 60),
    at("segment.begun", When::Load, 1),
    at("segment.named", When::Load, 1),
    // A request on its way out.
    at("durable.before-send", When::Load, 12),
    at("request.before-first-byte", When::Load, 20),
    // An answer on its way in.
    at("answer.at-the-adapter", When::Load, 20),
    at("answer.read", When::Load, 20),
    at("event.before", When::Load, 40),
    // The strategy.
    at("facts.before-told", When::Load, 40),
    at("callback.returned", When::Load, 40),
    at("group.before-commands", When::Load, 40),
    // The start.
    at("replay", When::Start, 200),
    at("link-up.before-questions", When::Start, 2),
    at("mass-status.learned", When::Start, 2),
    at("trades.learned", When::Start, 6),
    at("gate.opens", When::Start, 2),
    // The end.
    at("drain", When::Drain, 8),
    at("snapshot.written", When::End, 2),
    at("snapshot.renamed", When::End, 2),
];

/// Every boundary.
pub(crate) fn all() -> impl Iterator<Item = &'static Boundary> {
    WIRE.iter().chain(OTHERS)
}

/// The boundary of this name, which stands in one of the lists.
pub(crate) fn named(name: &str) -> &'static Boundary {
    all().find(|b| b.name == name).unwrap_or(&OTHERS[0])
}

/// Where and in which passing a cycle kills.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aim {
    pub(crate) boundary: &'static Boundary,
    pub(crate) passing: u64,
}

impl Aim {
    /// What the cycle with this number does: the same whenever it is asked.
    pub(crate) fn of(cycle: u64) -> Self {
        let (list, nth) = if cycle.is_multiple_of(3) { (WIRE, cycle / 3) } else { (OTHERS, cycle - cycle / 3 - 1) };
        let boundary = &list[usize::try_from(nth % list.len() as u64).unwrap_or(0)];
        Self { boundary, passing: 1 + mix(cycle) % boundary.passings }
    }
}

/// SplitMix64: a number that looks like chance and is none.
pub(crate) const fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_third_cycle_has_a_request_on_the_wire_and_every_boundary_has_its_turn() {
        let cycles = 3 * OTHERS.len() as u64;
        let aims: Vec<Aim> = (0..cycles).map(Aim::of).collect();
        assert_eq!(aims.iter().filter(|a| a.boundary.on_the_wire).count(), OTHERS.len());
        let met: BTreeSet<&str> = aims.iter().map(|a| a.boundary.name).collect();
        assert_eq!(met.len(), all().count());
        assert!(aims.iter().all(|a| (1..=a.boundary.passings).contains(&a.passing)));
    }
}
