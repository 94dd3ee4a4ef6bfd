//! How near the account is to its liquidation: no new risk while the maintenance margin takes too much of the margin balance, or after
//! the venue's call until it is known to be better; an alert where the mark comes near a leg's liquidation price.

use super::Engine;
use crate::{
    conversation::{AlertLevel, Effect},
    ids::InstrumentId,
    pretrade::Figure,
    report::{LegMargin, PositionReport},
    start_report::Shut,
    units::{PositionSide, Price},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    vec::Vec,
};
use rust_decimal::Decimal;

/// What the venue said last of the margin of the legs.
#[derive(Clone, Debug, Default)]
pub(super) struct MarginSeen {
    legs: BTreeMap<(InstrumentId, PositionSide), LegMargin>,
    /// Maintenance margin over margin balance, while it is above the limit.
    above: Option<Decimal>,
    /// The venue has called, and nothing was read since that says that it is better.
    called: bool,
    /// Whether the legs were read after the call.
    read_since: bool,
    /// Legs whose liquidation is near, as was told.
    near: BTreeSet<(InstrumentId, PositionSide)>,
}

impl Engine {
    /// Takes what an answer says of the margin of all legs.
    pub(super) fn take_margin(&mut self, rows: &[PositionReport]) {
        for row in rows.iter().filter(|r| self.config.mode.has(r.leg)) {
            self.margin.legs.insert((row.instrument.clone(), row.leg), row.margin);
        }
        self.margin.read_since = true;
    }

    /// What the venue said last of a leg's margin.
    pub fn leg_margin(&self, instrument: &InstrumentId, leg: PositionSide) -> LegMargin {
        self.margin.legs.get(&(instrument.clone(), leg)).copied().unwrap_or_default()
    }

    /// Where the venue would liquidate a leg, as it said last, while the leg is open.
    pub fn liquidation_px(&self, instrument: &InstrumentId, leg: PositionSide) -> Option<Price> {
        let open = !self.books.position_qty(instrument, leg).is_zero();
        self.liquidation.get(&(instrument.clone(), leg)).copied().filter(|_| open)
    }

    /// How far the market is from where a leg would be liquidated, as a fraction.
    pub fn liquidation_distance(&self, instrument: &InstrumentId, leg: PositionSide) -> Option<Decimal> {
        let (price, mark) = (self.liquidation_px(instrument, leg)?.get(), self.quote(instrument).reference()?);
        (mark - price).abs().checked_div(mark)
    }

    /// The maintenance margin of all open legs over what the account is worth; `None` where the venue says too little.
    pub fn margin_ratio(&self) -> Option<Decimal> {
        let open = self.books.positions().filter(|(_, leg, p)| self.config.mode.has(*leg) && !p.qty().is_zero());
        let mut sum = Decimal::ZERO;
        for (instrument, leg, _) in open {
            sum = sum.saturating_add(self.leg_margin(instrument, leg).maintenance?.get());
        }
        if sum.is_zero() {
            return Some(Decimal::ZERO);
        }
        let known = self.books.wallets().keys().any(|asset| self.settle_assets().contains(asset));
        let equity = self.equity();
        match known {
            true if equity > Decimal::ZERO => sum.checked_div(equity).map(|ratio| ratio.round_dp(4)),
            true => Some(Decimal::MAX),
            false => None,
        }
    }

    pub(super) fn shut_by_margin(&self) -> Option<Shut> {
        let max = Figure(self.config.solvency.margin_ratio_max?);
        match (self.margin.above, self.margin.called) {
            (Some(ratio), _) => Some(Shut::Margin { ratio: Some(Figure(ratio)), max }),
            (None, true) => Some(Shut::Margin { ratio: None, max }),
            (None, false) => None,
        }
    }

    /// The venue warns that margin runs short.
    pub(super) fn margin_called(&mut self, out: &mut Vec<Effect>) {
        if self.config.solvency.margin_ratio_max.is_some() {
            (self.margin.called, self.margin.read_since) = (true, false);
            self.cancel_entries(|_| true, out);
        }
    }

    pub(super) fn judge_margin(&mut self, out: &mut Vec<Effect>) {
        let Some(max) = self.config.solvency.margin_ratio_max else { return };
        if !self.reconciled {
            return;
        }
        self.look_for_near_liquidations(out);
        let Some(ratio) = self.margin_ratio() else { return };
        // Once above, it has to be clearly better before new risk is taken.
        let bound = if self.margin.above.is_some() { max.saturating_mul(Decimal::new(9, 1)) } else { max };
        if ratio > bound {
            if self.margin.above.replace(ratio).is_none() {
                let text = format!("the maintenance margin is {ratio} of the margin balance, above {max}: no new risk");
                self.alert(out, AlertLevel::Critical, "margin_ratio", text);
                self.cancel_entries(|_| true, out);
            }
            return;
        }
        if self.margin.above.take().is_some() {
            let text = format!("the maintenance margin is {ratio} of the margin balance again");
            self.alert(out, AlertLevel::Warning, "margin_ratio_well", text);
        }
        if self.margin.read_since {
            self.margin.called = false;
        }
    }

    fn look_for_near_liquidations(&mut self, out: &mut Vec<Effect>) {
        let min = self.config.solvency.liquidation_distance_min;
        let legs: Vec<_> = self.books.positions().map(|(instrument, leg, _)| (instrument.clone(), leg)).collect();
        for key in legs {
            let distance = self.liquidation_distance(&key.0, key.1);
            match distance.filter(|distance| *distance < min) {
                Some(distance) if self.margin.near.insert(key.clone()) => {
                    let (percent, at) = (distance.saturating_mul(Decimal::ONE_HUNDRED).round_dp(2), self.liquidation.get(&key));
                    let at = at.map(|px| px.get().normalize()).unwrap_or_default();
                    let text = format!("{} {:?} is {percent} % from its liquidation at {at}", key.0, key.1);
                    self.alert(out, AlertLevel::Critical, "liquidation_near", text);
                }
                Some(_) => (),
                None => {
                    self.margin.near.remove(&key);
                }
            }
        }
    }
}
