//! What the venue restricts: a state of an instrument or of the whole account, told once, asked for again until the venue has lifted
//! it. Orders never find out whether it has.
//!
//! Not in the journal: after a restart the first refusal tells again, and exits never ask here.

use super::{Asked, Engine};
use crate::{
    conversation::{AlertLevel, Effect, Query, Timer},
    ids::InstrumentId,
    time::Timestamp,
    venue::{QueryError, RejectClass, Rejection, Restriction},
};
use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

/// How often the venue is asked whether it still restricts.
const ASK_EVERY_MS: u64 = 30_000;
/// How soon it is asked again after it has not answered.
const ASK_AGAIN_MS: u64 = 5_000;
/// How long one holds that the venue's answers never show: some of its rules stand in no answer.
const UNSEEN_MS: u64 = 5 * 60_000;
/// The longest that such a one is taken to hold: it doubles with each time it comes back.
const UNSEEN_LONGEST_MS: u64 = 60 * 60_000;

/// Of an instrument, or of the account.
type Scope = Option<InstrumentId>;

/// One restriction.
#[derive(Clone, Debug)]
struct State {
    text: String,
    /// Ends then, if the answers never show it.
    until: Timestamp,
    /// Whether an answer has shown it: then it ends when one does not any more.
    shown: bool,
}

/// Everything that the venue restricts now.
#[derive(Clone, Debug, Default)]
pub(super) struct Restrictions {
    now: BTreeMap<Scope, State>,
    /// How long each was taken to hold when it came last.
    lasted: BTreeMap<Scope, u64>,
    asking: bool,
    /// Whether the venue has said what it restricts since books and venue were last compared for the first time.
    known: bool,
}

impl Restrictions {
    /// What keeps the whole account from new risk.
    pub(super) fn of_account(&self) -> Option<&str> {
        // Asked for every order: nothing is looked up while there is none.
        if self.now.is_empty() { None } else { self.now.get(&None).map(|state| state.text.as_str()) }
    }
    /// What keeps an instrument from new risk.
    pub(super) fn of(&self, instrument: &InstrumentId) -> Option<&str> {
        if self.now.is_empty() { None } else { self.now.get(&Some(instrument.clone())).map(|state| state.text.as_str()) }
    }
    /// Every instrument that is restricted by itself.
    pub(super) fn instruments(&self) -> impl Iterator<Item = &InstrumentId> {
        self.now.keys().flatten()
    }
}

impl Engine {
    /// Takes a refusal for what it says of later orders.
    pub(super) fn restricted_by(&mut self, instrument: &InstrumentId, refusal: &Rejection, out: &mut Vec<Effect>) {
        let scope = match refusal.class {
            RejectClass::Restricted => Some(instrument.clone()),
            RejectClass::AccountRestricted => None,
            _ => return,
        };
        self.restrict_scope(scope, format!("{} (code {})", refusal.text, refusal.code), out);
        self.ask_restrictions(out);
    }

    fn restrict_scope(&mut self, scope: Scope, text: String, out: &mut Vec<Effect>) {
        if self.restrictions.now.contains_key(&scope) {
            return;
        }
        let before = self.restrictions.lasted.get(&scope).copied();
        let lasts = before.map_or(UNSEEN_MS, |ms| ms.saturating_mul(2).min(UNSEEN_LONGEST_MS));
        self.restrictions.lasted.insert(scope.clone(), lasts);
        let what = name(scope.as_ref());
        self.alert(out, AlertLevel::Critical, "venue_restricts", format!("{what} takes no new risk: {text}"));
        let state = State { text, until: self.now.plus_ms(lasts), shown: false };
        self.restrictions.now.insert(scope.clone(), state);
        self.cancel_entries(|i| scope.as_ref().is_none_or(|only| *only == i.terms.instrument), out);
        self.push_report(out);
    }

    /// Asks what the venue restricts once a comparison has ended: an earlier life may have left the account locked, and no order shall have
    /// to find out. Nothing waits for the answer, and one that does not come is asked for again.
    pub(super) fn ask_restrictions_anew(&mut self, out: &mut Vec<Effect>) {
        self.restrictions.known = false;
        self.ask_restrictions(out);
    }

    /// Asks the venue what it restricts, as long as anything is or nothing is known.
    pub(super) fn ask_restrictions(&mut self, out: &mut Vec<Effect>) {
        let open = self.restrictions.known && self.restrictions.now.is_empty();
        if open || self.restrictions.asking {
            return;
        }
        self.restrictions.asking = true;
        let instruments = self.restrictions.instruments().cloned().collect();
        self.ask(Asked::Restrictions, Query::Restrictions(instruments), out);
        self.start_timer(Timer::Restrictions, ASK_EVERY_MS, out);
    }

    pub(super) fn restrictions_answer(&mut self, result: Result<Vec<Restriction>, QueryError>, out: &mut Vec<Effect>) {
        self.restrictions.asking = false;
        // A venue that does not answer has lifted nothing.
        let Ok(told) = result else { return self.set_timer(Timer::Restrictions, ASK_AGAIN_MS, out) };
        self.start_timer(Timer::Restrictions, ASK_EVERY_MS, out);
        self.restrictions.known = true;
        for restriction in &told {
            let scope = restriction.instrument.clone();
            self.restrict_scope(scope.clone(), restriction.text.clone(), out);
            if let Some(state) = self.restrictions.now.get_mut(&scope) {
                state.shown = true;
                if let Some(until) = restriction.until
                    && !state.text.contains(" until ")
                {
                    state.text = format!("{}, planned until {until}", state.text);
                }
            }
        }
        let now = self.now;
        let shown = |scope: &Scope| told.iter().any(|r| r.instrument == *scope);
        let over = |scope: &Scope, state: &State| !shown(scope) && (state.shown || now >= state.until);
        let ended: Vec<Scope> =
            self.restrictions.now.iter().filter(|(scope, state)| over(scope, state)).map(|(scope, _)| scope.clone()).collect();
        for scope in ended {
            self.restrictions.now.remove(&scope);
            let text = format!("{}: the venue restricts it no more", name(scope.as_ref()));
            self.alert(out, AlertLevel::Info, "venue_restricts_no_more", text);
            self.push_report(out);
        }
    }
}

fn name(scope: Option<&InstrumentId>) -> &str {
    scope.map_or("the account", |instrument| instrument.as_str())
}
