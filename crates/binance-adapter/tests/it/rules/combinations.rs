//! All combinations against a market that stands still.

use std::collections::{BTreeMap, BTreeSet};

use binance_adapter::rules::TABLE;
use exec_core::{
    rules::{Case, Depends},
    terms::{Intention, OrderKind, Terms},
    units::{PositionSide, Qty, Side},
};

use super::{
    judge::{compare, profile, verdict},
    market::{Market, Who},
    orders::{QUANTITIES, SELF_TRADES, Stance, kinds, plain_kinds, stances},
};

/// What came of many orders.
#[derive(Debug, Default)]
struct Tally {
    asked: u64,
    taken: u64,
    refused: u64,
    /// Refused there, and let go here because it closes.
    held_back: u64,
    /// Refused here for what the words mean to us alone.
    ours_alone: u64,
    /// Rules that were the only reason for a refusal with their code.
    alone: BTreeSet<&'static str>,
    differences: BTreeMap<String, (u64, String)>,
}

impl Tally {
    fn ask(&mut self, market: &mut Market, ground: &Ground, who: Who, terms: &Terms) {
        let ours = verdict(&ground.case(market, who, terms), &ground.profile);
        if ours.ours_alone {
            self.ours_alone += 1;
            return;
        }
        let theirs = market.ask(who, terms);
        self.asked += 1;
        match (&theirs, ours.refused) {
            (Ok(()), _) => self.taken += 1,
            (Err(_), true) => self.refused += 1,
            (Err(_), false) => self.held_back += 1,
        }
        if let ([(name, _)], Err(_)) = (&ours.reasons[..], &theirs) {
            self.alone.insert(name);
        }
        if let Err(difference) = compare(&ours, &theirs) {
            let seen = self.differences.entry(difference).or_insert_with(|| (0, format!("{who:?} {terms:?}")));
            seen.0 += 1;
        }
    }

    fn check(&self) {
        assert!(self.differences.is_empty(), "{} kinds of difference: {:#?}", self.differences.len(), self.differences);
    }
}

/// What does not change while the market stands still, so that it is asked for once.
struct Ground {
    profile: exec_core::venue::VenueProfile,
    quote: exec_core::report::Quote,
    held: BTreeMap<(u8, PositionSide), exec_core::units::SignedQty>,
}

impl Ground {
    fn of(market: &Market) -> Self {
        let held = stances().into_iter().map(|s| ((s.who as u8, s.leg), market.held(s.who, s.leg))).collect();
        Self { profile: profile(), quote: market.quote(), held }
    }

    fn case<'a>(&self, market: &'a Market, who: Who, terms: &'a Terms) -> Case<'a> {
        Case {
            terms,
            instrument: &market.instrument,
            mode: who.mode(),
            quote: self.quote,
            held: self.held.get(&(who as u8, terms.leg)).copied(),
            open_orders: 0,
            open_conditionals: 0,
            notional_max: None,
            now: exec_core::time::VenueTime(market.now),
        }
    }
}

/// Whether the pair is worth the time: what is refused for its leg or for closing all is refused for any price.
fn worth(stance: Stance, index: usize, kind: &OrderKind) -> bool {
    let hopeless = stance.intention == Intention::CloseAll
        && !matches!(kind, OrderKind::StopMarket { .. } | OrderKind::TakeProfitMarket { .. });
    (stance.exists() && !hopeless) || index.is_multiple_of(41)
}

/// One that opens, one that reduces and one that closes a leg of hedge mode.
fn thorough(stance: &Stance) -> bool {
    matches!(
        (stance.who, stance.leg, stance.side, stance.intention),
        (Who::NetFlat, PositionSide::Net, Side::Buy, Intention::Open)
            | (Who::NetLong, PositionSide::Net, Side::Sell, Intention::Reduce)
            | (Who::HedgeBoth, PositionSide::Short, Side::Buy, Intention::Reduce)
    )
}

#[test]
fn promise_p16_what_passes_here_passes_there_and_what_is_refused_here_is_refused_there() {
    let mut market = Market::still();
    let ground = Ground::of(&market);
    let mut tally = Tally::default();
    let id = market.instrument.id.clone();
    let kinds = kinds(market.now);
    for stance in stances() {
        for (index, kind) in kinds.iter().enumerate() {
            if worth(stance, index, kind) {
                tally.ask(&mut market, &ground, stance.who, &stance.terms(&id, *kind));
            }
        }
        for kind in plain_kinds(stance.side) {
            for qty in QUANTITIES {
                let qty = qty.map(|text| text.parse::<Qty>().unwrap());
                tally.ask(&mut market, &ground, stance.who, &Terms { qty, ..stance.terms(&id, kind) });
            }
            for stp in SELF_TRADES {
                tally.ask(&mut market, &ground, stance.who, &Terms { stp, ..stance.terms(&id, kind) });
            }
        }
    }
    // Every price with every quantity, for one stance of each sort.
    for stance in stances().into_iter().filter(thorough) {
        for kind in &kinds {
            for qty in QUANTITIES {
                let qty = qty.map(|text| text.parse::<Qty>().unwrap());
                tally.ask(&mut market, &ground, stance.who, &Terms { qty, ..stance.terms(&id, *kind) });
            }
        }
    }
    market.exchange.check_invariants().unwrap();
    tally.check();
    let Tally { asked, taken, refused, held_back, ours_alone, alone, .. } = tally;
    // Enough of each, so that a generator that has gone blind is seen.
    let counts = format!("asked {asked}, taken {taken}, refused {refused}, held back {held_back}, ours alone {ours_alone}");
    assert!(taken > 12_000 && refused > 110_000 && held_back > 10_000, "{counts}");
    let silent: Vec<_> = TABLE.iter().filter(|rule| rule.depends == Depends::Form && !alone.contains(rule.name)).collect();
    assert!(silent.is_empty(), "never the only reason: {silent:?}; {counts}");
}
