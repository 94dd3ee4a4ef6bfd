//! Why a leg differs between books and venue, what is done about it, and what would settle it. Data; the engine fills it in.

use crate::{
    ids::{InstrumentId, IntentId, TradeId},
    reconcile::Difference,
    record::TradeCursor,
    time::VenueTime,
    units::SignedQty,
};
use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What is done about a leg that books and venue see differently.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferencePolicy {
    /// No new risk on the instrument until it is explained; exits pass, sized on the venue's leg.
    #[default]
    Reduce,
    /// Settled by itself up to a value; above it as with `Reduce`.
    Adopt,
    /// No new risk on the whole account until somebody releases it.
    Halt,
    /// Only told.
    Ignore,
}

impl fmt::Display for DifferencePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reduce => "reduce",
            Self::Adopt => "adopt",
            Self::Halt => "halt",
            Self::Ignore => "ignore",
        })
    }
}

/// The policies of an account.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DifferenceRules {
    /// Where nothing else is said.
    pub policy: DifferencePolicy,
    /// By instrument.
    pub by_instrument: BTreeMap<InstrumentId, DifferencePolicy>,
    /// The most that a difference may be worth to be adopted by itself, in quote units.
    pub adopt_notional_max: Decimal,
}

impl DifferenceRules {
    /// The policy of one instrument.
    pub fn of(&self, instrument: &InstrumentId) -> DifferencePolicy {
        self.by_instrument.get(instrument).copied().unwrap_or(self.policy)
    }
}

/// What was looked at before a difference was called one.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Evidence {
    /// The newest trade at the cut at which both were compared.
    pub cut: Option<TradeId>,
    /// Venue time of the cut.
    pub at: VenueTime,
    /// Venue time of the first cut at which they differed.
    pub since: VenueTime,
    /// At how many cuts they have differed since.
    pub looks: u32,
    /// The newest cut in this run at which they were equal.
    pub agreed: Option<VenueTime>,
    /// Up to where the instrument's trades are known to be complete.
    pub cursor: Option<TradeCursor>,
    /// How many trades the venue has listed since they were equal.
    pub trades: u32,
    /// Whether its list reached back to where we asked from.
    pub reaches_back: bool,
    /// Why the venue lists no trades of the instrument, where it does not.
    pub refused: Option<String>,
    /// Orders of which something is executed that no trade tells, and how much.
    pub gaps: Vec<(IntentId, SignedQty)>,
    /// Orders of somebody else that have traded here since they were equal.
    pub foreign: Vec<IntentId>,
    /// Orders that the exchange has made here since.
    pub forced: Vec<IntentId>,
}

/// What most likely made the difference.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The venue does not list the instrument's trades: delisted, settled or renamed.
    NotListed,
    /// It lists them, but not back to where our books end.
    TooLongAgo,
    /// It said that something was executed and lists no trade for it.
    NoTradeForIt,
    /// It has acted on the account by itself.
    Exchange,
    /// It holds nothing where we hold something, and lists no trade that closed it: settlement, delivery, or a lost list.
    ClosedWithoutTrade,
    /// It holds something that no trade made: a transfer, a settlement, or a defect.
    WithoutTrade,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotListed => "the venue does not list the instrument's trades: delisted, settled or renamed",
            Self::TooLongAgo => "the venue's list of trades does not reach back to where the books end",
            Self::NoTradeForIt => "the venue said that something was executed and lists no trade for it",
            Self::Exchange => "the exchange has acted on the account by itself, and not all that it did is listed",
            Self::ClosedWithoutTrade => {
                "the venue holds nothing, and lists no trade that closed it: settlement, delivery, or a lost list"
            }
            Self::WithoutTrade => "the venue lists no trade that made it: a transfer, a settlement, or a defect",
        })
    }
}

/// A difference with everything that is known of it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Explanation {
    /// The leg and both figures.
    pub difference: Difference,
    /// What is done about it.
    pub policy: DifferencePolicy,
    /// What was looked at.
    pub evidence: Evidence,
    /// What most likely made it.
    pub cause: Cause,
    /// What would settle it.
    pub remedy: String,
}

impl Explanation {
    /// Draws the conclusion from the evidence.
    pub fn new(difference: Difference, evidence: Evidence, rules: &DifferenceRules) -> Self {
        let policy = rules.of(&difference.instrument);
        let cause = cause(&difference, &evidence);
        let remedy = remedy(&difference, policy, rules);
        Self { difference, policy, evidence, cause, remedy }
    }

    /// The evidence in words, as it goes into the journal with a settlement.
    pub fn evidence_text(&self) -> String {
        let evidence = &self.evidence;
        let mut text = match (&evidence.refused, &evidence.cursor) {
            (Some(why), _) => format!("no trades were read: {why}"),
            (None, Some(TradeCursor { after: Some(id), .. })) => format!("trades are known up to {id}"),
            (None, Some(TradeCursor { after: None, at, .. })) => format!("no trade is listed up to {}", at.0),
            (None, None) => String::from("no trades were read"),
        };
        text += &match (evidence.cut, evidence.agreed) {
            (Some(cut), _) => format!(", compared at trade {cut}"),
            (None, _) => format!(", compared at {}", evidence.at.0),
        };
        text += &format!("; {} listed since they were equal, {} cuts", evidence.trades, evidence.looks);
        let mut names = |what: &str, ids: &[IntentId]| {
            if !ids.is_empty() {
                let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                text += &format!("; {what} {}", ids.join(", "));
            }
        };
        names("orders of somebody else", &evidence.foreign);
        names("orders of the exchange", &evidence.forced);
        for (intent, qty) in &evidence.gaps {
            text += &format!("; {qty} of order {intent} without a trade");
        }
        text
    }
}

fn cause(difference: &Difference, evidence: &Evidence) -> Cause {
    if evidence.refused.is_some() {
        Cause::NotListed
    } else if !evidence.forced.is_empty() {
        Cause::Exchange
    } else if !evidence.gaps.is_empty() {
        Cause::NoTradeForIt
    } else if !evidence.reaches_back {
        Cause::TooLongAgo
    } else if difference.venue.is_zero() {
        Cause::ClosedWithoutTrade
    } else {
        Cause::WithoutTrade
    }
}

fn remedy(difference: &Difference, policy: DifferencePolicy, rules: &DifferenceRules) -> String {
    let adopt = format!("`exec-node reconcile --adopt {}` takes the venue's figure", difference.instrument);
    match policy {
        DifferencePolicy::Reduce => {
            format!("a trade that explains it, which is asked for every 5 s, opens the instrument by itself; {adopt}")
        }
        DifferencePolicy::Adopt => format!(
            "it is adopted by itself when it is seen twice, worth at most {} and without a gap; {adopt} whatever it is worth",
            rules.adopt_notional_max.normalize()
        ),
        DifferencePolicy::Halt => format!("{adopt}; the account opens when somebody releases it"),
        DifferencePolicy::Ignore => format!("nothing needs it: it is only told; {adopt}"),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.difference)?;
        writeln!(f, "  likely cause: {}", self.cause)?;
        writeln!(f, "  looked at: {}", self.evidence_text())?;
        writeln!(f, "  policy: {}", self.policy)?;
        write!(f, "  settles it: {}", self.remedy)
    }
}
