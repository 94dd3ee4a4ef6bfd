//! Lists that are behind what has happened: positions and trades that a copy of the venue's tables tells, each as old as it likes, while
//! the stream is new. The adapter's cut through a list of positions rests on the trades before and behind it being the same; this is
//! what it cannot see.

use crate::{broken::Broken, end::trade_id, fault::Fault, node::instrument_ids, oracle::leg_of, world::World};
use exchange_sim::{row::TradeRow, types::Side as TheirSide};
use exec_core::{
    conversation::Answer,
    ids::{InstrumentId, TradeId},
    report::{LegMargin, MassStatus, PositionReport},
    units::SignedQty,
};

/// How far a list may be behind.
const BEHIND_MS: u64 = 5_000;

impl World {
    /// Makes an answer tell of a moment before this one.
    pub(crate) fn lags(&mut self, answer: &mut Answer) {
        if self.plan.breaks != Some(Broken::Lists) || self.healing {
            return;
        }
        match answer {
            Answer::Positions(Ok(rows)) => {
                let unseen = self.unseen();
                take_back(rows, &instrument_ids(self.plan.symbols), &unseen);
            }
            Answer::Trades(Ok(list)) => {
                let unseen = self.unseen();
                list.trades.retain(|t| !unseen.iter().any(|row| is_trade(row, &t.instrument, &t.fill.trade_id)));
            }
            Answer::Mass(Ok(mass)) => {
                let MassStatus { positions, high_water, .. } = &mut **mass;
                let unseen = self.unseen();
                take_back(positions, &instrument_ids(self.plan.symbols), &unseen);
                let unseen = self.unseen();
                let mut shown = self.trades();
                shown.retain(|row| !unseen.contains(row));
                for (instrument, newest) in high_water {
                    let of_it = shown.iter().filter(|row| *row.symbol == *instrument.symbol());
                    *newest = of_it.map(|row| trade_id(row.id)).max();
                }
            }
            Answer::Order(_) | Answer::Restrictions(_) | Answer::Positions(_) | Answer::Trades(_) | Answer::Mass(_) => (),
        }
    }

    /// The trades that a list does not show yet; none where it is not behind.
    fn unseen(&mut self) -> Vec<TradeRow> {
        if !self.fault(Fault::ListBehind, 400) {
            return Vec::new();
        }
        let behind = self.fate().between(100, BEHIND_MS);
        let since = self.venue_ms() - i64::try_from(behind).unwrap_or(0);
        let mut trades = self.trades();
        trades.retain(|row| row.time > since);
        trades
    }

    fn trades(&self) -> Vec<TradeRow> {
        self.desk.exchange().ledger(self.desk.account()).map(|ledger| ledger.trades).unwrap_or_default()
    }
}

fn is_trade(row: &TradeRow, instrument: &InstrumentId, id: &TradeId) -> bool {
    *row.symbol == *instrument.symbol() && trade_id(row.id) == *id
}

/// What legs held before these trades.
fn take_back(rows: &mut Vec<PositionReport>, instruments: &[InstrumentId], trades: &[TradeRow]) {
    for trade in trades {
        let leg = leg_of(trade.position_side);
        let qty = if trade.side == TheirSide::Buy { trade.qty } else { -trade.qty };
        let Some(instrument) = instruments.iter().find(|i| *i.symbol() == *trade.symbol).cloned() else { continue };
        match rows.iter_mut().find(|row| row.instrument == instrument && row.leg == leg) {
            Some(row) => row.qty = SignedQty::new(row.qty.get() - qty).unwrap_or(row.qty),
            None => rows.push(PositionReport {
                instrument,
                leg,
                qty: SignedQty::new(-qty).unwrap_or_default(),
                entry_px: None,
                mark_px: None,
                liquidation_px: None,
                unrealized: None,
                leverage: None,
                isolated: None,
                margin: LegMargin::default(),
            }),
        }
    }
}
