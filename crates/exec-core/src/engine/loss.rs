//! What the account loses in a day of UTC: at the limit no new risk until the next day or a release, beyond it everything is closed
//! where the config says so. Transfers are no result, because only trades, fees, funding and open legs are summed.

use super::Engine;
use crate::{
    conversation::{AlertLevel, Effect, Timer},
    ids::Asset,
    kill::{KillLevel, KillScope},
    record::{DayStart, LatchCause, Record},
    time::{Timestamp, VenueTime, utc},
    units::Amount,
};
use alloc::{collections::BTreeMap, format, string::String, vec::Vec};
use rust_decimal::Decimal;

const DAY_MS: i64 = 86_400_000;
/// How often the day's result, and the margin, are looked at. A loss counts when it stands for two looks: a trade may be known
/// before what it has realised.
const LOOK_EVERY_MS: u64 = 1_000;

/// What is volatile about the day's result.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Losing {
    beyond: bool,
    far_beyond: bool,
    flattened: bool,
}

impl Engine {
    /// Begins to look, if there is a limit.
    pub(super) fn start_solvency(&mut self, out: &mut Vec<Effect>) {
        let solvency = &self.config.solvency;
        if solvency.daily_loss_max.is_some() || solvency.margin_ratio_max.is_some() {
            self.start_timer(Timer::Solvency, LOOK_EVERY_MS, out);
        }
    }

    pub(super) fn solvency_timer(&mut self, out: &mut Vec<Effect>) {
        self.judge_day(out);
        self.judge_margin(out);
        self.set_timer(Timer::Solvency, LOOK_EVERY_MS, out);
    }

    /// What the account has won since the day began; `None` while that is not known.
    pub fn day_result(&self) -> Option<Decimal> {
        let day = self.books.day()?;
        let fees = self.fees();
        let spent = fees.iter().map(|(asset, paid)| {
            let before = day.fees.get(asset).copied().unwrap_or_default();
            (paid.get() - before.get()).saturating_mul(self.worth_of(asset))
        });
        let spent = spent.fold(Decimal::ZERO, Decimal::saturating_add);
        let realized = self.realized().saturating_sub(day.realized.get());
        let open = self.unrealized().saturating_sub(day.unrealized.get());
        Some(realized.saturating_add(open).saturating_add(day.funding.get()).saturating_sub(spent))
    }

    fn realized(&self) -> Decimal {
        self.books.positions().fold(Decimal::ZERO, |sum, (_, _, p)| sum.saturating_add(p.realized().get()))
    }

    fn fees(&self) -> BTreeMap<Asset, Amount> {
        let mut all: BTreeMap<Asset, Amount> = BTreeMap::new();
        for (asset, paid) in self.books.positions().flat_map(|(_, _, p)| p.fees()) {
            let sum = all.entry(asset.clone()).or_default();
            *sum = sum.plus(*paid);
        }
        all
    }

    /// One unit of an asset that fees are paid in: by its own perpetual where that has a price, and else one to one where legs are
    /// settled in it. What no price is known of counts nothing.
    fn worth_of(&self, asset: &Asset) -> Decimal {
        if self.settle_assets().contains(asset) {
            return Decimal::ONE;
        }
        let priced = self.instruments.values().filter(|i| i.base == *asset).find_map(|i| self.quote(&i.id).reference());
        priced.unwrap_or_default()
    }

    fn judge_day(&mut self, out: &mut Vec<Effect>) {
        let Some(max) = self.config.solvency.daily_loss_max else { return };
        // What was not compared is not judged; without a price an open leg has no result.
        if !self.reconciled || self.clock.is_none() || !self.is_priced() {
            return;
        }
        let begins = VenueTime(self.venue_time().0.div_euclid(DAY_MS) * DAY_MS);
        if self.books.day().is_none_or(|day| day.begins < begins) {
            self.begin_day(begins, Decimal::ZERO, self.now, out);
            self.lift(&LatchCause::DailyLoss, "a new day of UTC has begun", out);
            self.losing = Losing::default();
            return;
        }
        let Some(result) = self.day_result() else { return };
        let (beyond, far) = (result <= -max, result <= -max.saturating_mul(Decimal::new(15, 1)));
        let before = self.losing;
        self.losing = Losing { beyond, far_beyond: far, ..before };
        if beyond && before.beyond && !self.books.latches().contains_key(&LatchCause::DailyLoss) {
            let text = format!("the account has lost {} since {}, the limit is {max}", (-result).normalize(), self.counts_from());
            self.latch(LatchCause::DailyLoss, text, out);
            self.cancel_entries(|_| true, out);
        }
        if far && before.far_beyond && self.config.solvency.flatten_on_loss {
            self.flatten_for_loss(result, out);
        }
    }

    /// Somebody has looked at the day's loss and wants to go on: the day counts from here, also after a restart, and may lose as much
    /// once more.
    pub(super) fn release_loss(&mut self, out: &mut Vec<Effect>) {
        if let Some(begins) = self.books.day().map(|day| day.begins)
            && self.books.latches().contains_key(&LatchCause::DailyLoss)
        {
            self.begin_day(begins, Decimal::ZERO, self.now, out);
            self.losing = Losing::default();
        }
    }

    /// When the day began to count: at 00:00 UTC, at the last release, or when it was first looked at.
    fn counts_from(&self) -> String {
        let from = self.books.day().map_or(self.now, |day| day.at);
        format!("{} UTC", utc(from.as_ms()))
    }

    /// Takes the figures of now as those that the day began with, with what it has won already.
    fn begin_day(&mut self, begins: VenueTime, won: Decimal, at: Timestamp, out: &mut Vec<Effect>) {
        let amount = |value: Decimal| Amount::new(value).unwrap_or_default();
        let realized = amount(self.realized().saturating_sub(won));
        let (fees, unrealized) = (self.fees(), amount(self.unrealized()));
        self.record(Record::Day(DayStart { begins, realized, fees, unrealized, funding: Amount::default(), at }), out);
    }

    /// A record changes what positions are said to have cost without a trade: that is no result of this day.
    pub(super) fn keep_day(&mut self, result: Option<Decimal>, out: &mut Vec<Effect>) {
        let Some(((begins, at), before)) = self.books.day().map(|d| (d.begins, d.at)).zip(result) else { return };
        if self.day_result() != Some(before) && self.config.solvency.daily_loss_max.is_some() {
            self.begin_day(begins, before, at, out);
        }
    }

    /// Funding was paid or received: the wallet of an asset went from one figure to another for it.
    pub(super) fn take_funding(&mut self, asset: &Asset, wallet: Amount, at: VenueTime, out: &mut Vec<Effect>) {
        let Some(known) = self.books.wallets().get(asset).filter(|w| at >= w.at) else { return };
        let change = wallet.get() - known.amount.get();
        if self.books.day().is_none() || change.is_zero() || !self.settle_assets().contains(asset) {
            return;
        }
        if let Ok(amount) = Amount::new(change) {
            self.record(Record::Funding { asset: asset.clone(), amount, at }, out);
        }
    }

    /// The loss is so much beyond the limit that everything is closed, by the kill switch: once a day, so that a release stands.
    fn flatten_for_loss(&mut self, result: Decimal, out: &mut Vec<Effect>) {
        if !core::mem::replace(&mut self.losing.flattened, true) {
            let lost = (-result).normalize();
            let text = format!(
                "the account has lost {lost} since {}, one and a half times its limit: everything is closed",
                self.counts_from()
            );
            self.alert(out, AlertLevel::Critical, "flatten_on_loss", text);
            self.kill("the daily loss limit", KillLevel::Flatten, &KillScope::Account, out);
        }
    }

    /// Ends one latch by itself.
    pub(super) fn lift(&mut self, cause: &LatchCause, why: &str, out: &mut Vec<Effect>) {
        if self.books.latches().contains_key(cause) {
            self.alert(out, AlertLevel::Warning, "latch_lifted", format!("{}: {why}", cause.kind()));
            self.record(Record::Lifted { cause: cause.clone(), why: String::from(why), at: self.now }, out);
        }
    }
}
