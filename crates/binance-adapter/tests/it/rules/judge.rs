//! Our verdict over one order, and whether the exchange's agrees with it.

use binance_adapter::rules::{CORE, CoreCheck, TABLE};
use exchange_sim::ApiError;
use exec_core::{
    instrument::Instrument,
    pretrade::{Denial, check_form, check_grid},
    rules::{Case, all_broken, first_broken},
    terms::{Intention, Terms},
    units::{PositionMode, PositionSide},
    venue::VenueProfile,
};
use rust_decimal::Decimal;

/// What we say about an order.
pub(super) struct Verdict {
    /// It is not sent.
    pub(super) refused: bool,
    /// Reasons that we know of, each with the codes it may have; those that are not held against an exit too.
    pub(super) reasons: Vec<(&'static str, Vec<i64>)>,
    /// Refused by what only our own words mean: the venue would take it for something else.
    pub(super) ours_alone: bool,
}

/// What the adapter says of itself, conditional orders included.
pub(super) fn profile() -> VenueProfile {
    VenueProfile {
        name: "BINANCE",
        fence: None,
        conditional_fence: None,
        replace: true,
        conditional: true,
        modes: &[PositionMode::Netting, PositionMode::Hedging],
        cl_ord_id_max: 36,
        forgets_unfilled_after_ms: 0,
        batch_max: 0,
        rules: TABLE,
    }
}

/// The whole local check: form, grid, table.
pub(super) fn verdict(case: &Case<'_>, profile: &VenueProfile) -> Verdict {
    let terms = case.terms;
    let form = check_form(terms, case.mode, profile).err();
    let grid = check_grid(case.instrument, terms, case.quote.reference()).err();
    let refused = form.is_some() || grid.is_some() || first_broken(profile.rules, case).is_some();
    let ours_alone = match form {
        // Against the leg it closes, whatever we call it.
        Some(Denial::Intention) => terms.intention == Intention::Open && terms.is_closing(),
        // Close all is said without a quantity here; the venue also takes a quantity of 0.
        Some(Denial::Quantity) => terms.intention == Intention::CloseAll && terms.qty.is_some_and(|qty| qty.is_zero()),
        _ => false,
    };
    let held_back = held_back(case);
    let mut reasons = Vec::new();
    for denial in [form, grid, held_back].into_iter().flatten() {
        let check = CoreCheck::of(&denial).unwrap_or_else(|| panic!("{denial} is not on the page"));
        reasons.push((check.name, check.codes.to_vec()));
    }
    reasons.extend(all_broken(profile.rules, case).map(|rule| (rule.name, vec![rule.code])));
    Verdict { refused, reasons, ours_alone }
}

/// What the core does not hold against an order that closes, though the venue may: the band around the mark price.
fn held_back(case: &Case<'_>) -> Option<Denial> {
    if !case.terms.is_closing() {
        return None;
    }
    let opening = Terms { leg: PositionSide::Net, intention: Intention::Open, ..case.terms.clone() };
    let instrument = Instrument { notional_min: Decimal::ZERO, ..case.instrument.clone() };
    check_grid(&instrument, &opening, case.quote.reference()).err().filter(|denial| matches!(denial, Denial::PercentPrice { .. }))
}

/// Compares the two verdicts; `Err` says what differs.
pub(super) fn compare(verdict: &Verdict, venue: &Result<(), ApiError>) -> Result<(), String> {
    match (verdict.refused, venue) {
        (false, Ok(())) => {
            // What is held back from an exit is still what the venue would say.
            if verdict.reasons.is_empty() { Ok(()) } else { Err(format!("taken, and we had {:?} against it", verdict.reasons)) }
        }
        (true, Ok(())) => Err(format!("taken, and we refuse it for {:?}", verdict.reasons)),
        (false, Err(error)) if verdict.reasons.is_empty() => Err(format!("refused with {error}, and we take it")),
        (_, Err(error)) => {
            let code = i64::from(error.code);
            let named = verdict.reasons.iter().any(|(_, codes)| codes.contains(&code));
            // The core stops at the first thing that is wrong: of several the venue may name another one of the core's.
            let by_core = |name: &str| CORE.iter().any(|check| check.name == name);
            let of_core = CORE.iter().any(|check| check.codes.contains(&code));
            if named || (of_core && verdict.reasons.iter().any(|(name, _)| by_core(name))) {
                Ok(())
            } else {
                Err(format!("refused with {error}, and we say {:?}", verdict.reasons))
            }
        }
    }
}
