//! The engine of one account: inputs in, effects out. It reads no clock, awaits nothing and calls no strategy.
//!
//! Everything that becomes true passes through [`Books`]; everything here besides is volatile and made anew at a start.

pub mod config;

mod adopt;
mod audit;
mod batch;
mod blind;
pub mod breaker;
mod cancel;
mod change;
mod crash_loop;
mod dead_man;
mod differing;
mod doubt;
mod early;
mod exchange_made;
mod flatten;
mod gate;
mod kill;
mod learn;
mod leased;
mod let_go;
mod limited;
mod listen;
mod listing;
mod lists;
mod loss;
mod margin;
mod overfill;
mod pace;
mod parked;
mod price;
mod protect;
mod questions;
mod recovery;
mod renew;
mod replay;
mod restrictions;
mod sessions;
mod share;
mod submit;
mod sweep;
mod told;
mod unseen;
mod watchdog;
mod way;
mod worth;

use crate::{
    books::Books,
    command::{Command, OperatorCommand},
    conversation::{Alert, AlertLevel, Effect, Input, Outcome, Phase, StrategyEvent, Timer},
    ids::{ClOrdId, InstrumentId, IntentId, ListId, OrderId, QueryId, RequestId, Seq, SessionId, StrategyId},
    instrument::Instrument,
    journal::CopyLag,
    order::intent::Owner,
    plant::{Plant, planted},
    reconcile::Difference,
    record::{LatchCause, Record},
    report::{Quote, TradeReport},
    snapshot::Unseen,
    start_report::{Shut, StartReport},
    time::{ClockReading, Timestamp, VenueTime},
    units::{PositionMode, PositionSide, Price, SignedQty},
    venue::{InstrumentSetting, VenueProfile},
};
use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet, VecDeque},
    format,
    string::String,
    vec::Vec,
};
use change::Ends;
use config::EngineConfig;
use questions::Asked;

/// A request that is out.
#[derive(Clone, Debug)]
enum InFlight {
    Submit { intent: IntentId, cl_ord_id: ClOrdId },
    Replace { intent: IntentId },
    Cancel { intent: IntentId },
    CancelAll { instrument: InstrumentId },
    Countdown { instrument: InstrumentId, armed: bool },
}

/// The engine of one account.
#[derive(Clone, Debug)]
pub struct Engine {
    config: EngineConfig,
    profile: VenueProfile,
    books: Books,
    phase: Phase,
    begun: bool,
    begun_at: Timestamp,
    started: bool,
    draining: bool,
    now: Timestamp,
    clock: Option<ClockReading>,
    /// The newest reading, also when it is not trusted any more: still better than our own clock.
    last_clock: Option<ClockReading>,
    instruments: BTreeMap<InstrumentId, Instrument>,
    quotes: BTreeMap<InstrumentId, Quote>,
    heard: BTreeMap<InstrumentId, price::Heard>,
    settings: BTreeMap<InstrumentId, InstrumentSetting>,
    link: Option<SessionId>,
    /// The session before, which delivers until everything was compared on the one that counts.
    outgoing: Option<SessionId>,
    reconciled: bool,
    delay_over: bool,
    journal_failure: Option<String>,
    /// The copy of the journal lacks more than may be lost.
    copy_behind: Option<CopyLag>,
    durable: Seq,
    start_seq: Seq,
    requests: u32,
    queries_made: u64,
    intents_made: u64,
    /// Where this start began to count them.
    intents_from: u64,
    batches_made: u64,
    in_flight: BTreeMap<RequestId, InFlight>,
    parked: VecDeque<parked::Parked>,
    asked: BTreeMap<QueryId, Asked>,
    doubts: BTreeMap<ClOrdId, doubt::Doubt>,
    /// Attempts that the venue refused because it has them already, and in which words: looked for before anything is concluded.
    sent_twice: BTreeMap<ClOrdId, String>,
    exits_waiting: way::Waiting,
    /// When the runs before this one learned something last, as far as their records are there.
    last_heard: Option<Timestamp>,
    early: early::Early,
    sweeps: sweep::Sweeps,
    /// A moment by which each change in doubt was surely signed; `None` until the venue's clock tells one.
    change_doubts: BTreeMap<IntentId, Option<VenueTime>>,
    absences: BTreeMap<ClOrdId, VenueTime>,
    /// Orders that seem to be executed beyond their quantity, while the venue is still asked what it is.
    overfills: BTreeSet<IntentId>,
    recovery: Option<recovery::Recovery>,
    differences: Vec<Difference>,
    differing: differing::Differing,
    /// Legs that differ by what no trade explains yet; looked at once more before that is called a difference.
    unsettled: Vec<(InstrumentId, PositionSide)>,
    restricted: BTreeMap<InstrumentId, String>,
    /// How the account keeps positions, where the venue says that it is not as the config has it.
    other_mode: Option<PositionMode>,
    audit: audit::Audit,
    /// Instruments of interest that take no new risk for what the venue says of them.
    unlisted: BTreeSet<InstrumentId>,
    unplaced: BTreeMap<(InstrumentId, OrderId), Vec<TradeReport>>,
    /// Positions that the venue reported and no fill explains yet, and since when.
    watched: BTreeMap<(InstrumentId, PositionSide), (SignedQty, Timestamp)>,
    watchdog: watchdog::Watchdog,
    sight: blind::Sight,
    venue_positions: BTreeMap<(InstrumentId, PositionSide), SignedQty>,
    /// Where the venue would liquidate each leg, as it said last.
    liquidation: BTreeMap<(InstrumentId, PositionSide), Price>,
    watch: protect::Watch,
    /// What the venue said about the legs of brackets.
    leg_answers: BTreeMap<ListId, lists::LegAnswer>,
    /// Brackets whose stop has ended while something of them is open: looked at whenever their leg moves.
    unstopped: BTreeSet<ListId>,
    /// Legs that were traded during this input.
    moved: BTreeSet<(InstrumentId, PositionSide)>,
    due: BTreeMap<Timer, Timestamp>,
    /// What comes to the strategies when they are started, in order.
    held: Vec<(StrategyId, Option<Seq>, StrategyEvent)>,
    unseen: BTreeMap<StrategyId, VecDeque<Unseen>>,
    adopted: usize,
    /// The reasons for a shut gate that were told last.
    told_shut: Vec<Shut>,
    watching: breaker::Watching,
    /// What the venue restricts.
    restrictions: restrictions::Restrictions,
    paces: pace::Paces,
    losing: loss::Losing,
    starts: crash_loop::Starts,
    margin: margin::MarginSeen,
    flattening: flatten::Flattening,
    dead_man: dead_man::Switch,
    leased: leased::Leased,
}

impl Engine {
    /// An engine with empty books. Replay the journal into it, then give it [`Input::Begin`].
    pub fn new(config: EngineConfig, profile: VenueProfile) -> Self {
        let books = Books::new(config.account.clone(), config.tag);
        Self {
            config,
            profile,
            books,
            phase: Phase::Replaying,
            begun: false,
            begun_at: Timestamp(0),
            started: false,
            draining: false,
            now: Timestamp(0),
            clock: None,
            last_clock: None,
            instruments: BTreeMap::new(),
            quotes: BTreeMap::new(),
            heard: BTreeMap::new(),
            settings: BTreeMap::new(),
            link: None,
            outgoing: None,
            reconciled: false,
            delay_over: false,
            journal_failure: None,
            copy_behind: None,
            durable: Seq(0),
            start_seq: Seq(0),
            requests: 0,
            queries_made: 0,
            intents_made: 0,
            intents_from: 0,
            batches_made: 0,
            in_flight: BTreeMap::new(),
            parked: VecDeque::new(),
            asked: BTreeMap::new(),
            doubts: BTreeMap::new(),
            sent_twice: BTreeMap::new(),
            exits_waiting: BTreeMap::new(),
            last_heard: None,
            early: BTreeMap::new(),
            sweeps: BTreeMap::new(),
            change_doubts: BTreeMap::new(),
            absences: BTreeMap::new(),
            overfills: BTreeSet::new(),
            recovery: None,
            differences: Vec::new(),
            differing: differing::Differing::default(),
            unsettled: Vec::new(),
            restricted: BTreeMap::new(),
            other_mode: None,
            audit: audit::Audit::default(),
            unlisted: BTreeSet::new(),
            unplaced: BTreeMap::new(),
            watched: BTreeMap::new(),
            watchdog: watchdog::Watchdog::default(),
            sight: blind::Sight::default(),
            venue_positions: BTreeMap::new(),
            liquidation: BTreeMap::new(),
            watch: protect::Watch::default(),
            leg_answers: BTreeMap::new(),
            unstopped: BTreeSet::new(),
            moved: BTreeSet::new(),
            due: BTreeMap::new(),
            held: Vec::new(),
            unseen: BTreeMap::new(),
            adopted: 0,
            told_shut: Vec::new(),
            watching: breaker::Watching::default(),
            restrictions: restrictions::Restrictions::default(),
            paces: pace::Paces::default(),
            losing: loss::Losing::default(),
            starts: crash_loop::Starts::default(),
            margin: margin::MarginSeen::default(),
            flattening: flatten::Flattening::default(),
            dead_man: dead_man::Switch::default(),
            leased: leased::Leased::default(),
        }
    }

    /// Everything durable about the account.
    pub const fn books(&self) -> &Books {
        &self.books
    }
    /// Where the engine stands.
    pub const fn phase(&self) -> Phase {
        self.phase
    }
    /// How the account must keep positions.
    pub const fn mode(&self) -> PositionMode {
        self.config.mode
    }
    /// What the engine was told at its making.
    pub const fn config(&self) -> &EngineConfig {
        &self.config
    }
    /// What the venue can do.
    pub const fn profile(&self) -> &VenueProfile {
        &self.profile
    }
    /// An instrument's grid and bounds, once the venue has told them.
    pub fn instrument(&self, id: &InstrumentId) -> Option<&Instrument> {
        self.instruments.get(id)
    }
    /// Every instrument of the venue.
    pub fn instruments(&self) -> impl Iterator<Item = &Instrument> {
        self.instruments.values()
    }
    /// The newest prices of an instrument.
    pub fn quote(&self, id: &InstrumentId) -> Quote {
        self.quotes.get(id).copied().unwrap_or_default()
    }
    /// The venue's time now, as far as it is known.
    pub fn venue_time(&self) -> VenueTime {
        let clock = self.last_clock.filter(|_| !planted(Plant::LocalClock));
        clock.map_or(VenueTime(self.now.as_ms() as i64), |c| c.venue_time(self.now))
    }
    /// Up to where the journal is durable.
    pub const fn durable(&self) -> Seq {
        self.durable
    }
    /// Attempts of unknown outcome.
    pub fn in_doubt(&self) -> usize {
        self.doubts.len()
    }
    /// Requests whose answer is still to come, things that wait for the disk, exits that wait for their leg to be read, and legs
    /// that are being closed.
    pub fn pending(&self) -> usize {
        self.in_flight.len()
            + self.parked.len()
            + self.early.len()
            + self.remedies_held_back()
            + usize::from(self.is_flattening())
    }
    /// Legs that our books and the venue see differently.
    pub fn differences(&self) -> &[Difference] {
        &self.differences
    }

    /// Advances the engine by one input. `out` receives what must happen, in the order in which it must happen.
    pub fn handle(&mut self, now: Timestamp, input: Input, out: &mut Vec<Effect>) {
        self.now = self.now.max(now);
        let from = out.len();
        match input {
            Input::Begin => self.begin(out),
            Input::Settings(settings) => self.take_settings(settings, out),
            Input::Instruments(all) => self.take_instruments(all, out),
            Input::Clock(reading) => {
                (self.clock, self.last_clock) = (Some(reading), Some(reading));
                self.send_early(out);
            }
            Input::LinkUp(session) => self.link_up(session, out),
            Input::LinkDown { session, why } => self.link_down(session, &why, out),
            Input::Commands { strategy, seen, commands, state } => self.commands(&strategy, seen, commands, state, out),
            Input::Operator { who, command } => self.operator(&who, command, out),
            Input::Outcome { request, outcome } => self.outcome(request, outcome, out),
            Input::Answer { query, answer } => self.answer(query, answer, out),
            // Facts of an older session are facts too; only its end is old news.
            Input::Report { session, report } => {
                self.hear(session, &report, out);
                self.listen(session, report, out);
            }
            Input::Price(price) => self.priced(price, out),
            Input::Timer(timer) => self.timer(timer, out),
            Input::Durable(seq) => self.durable_up_to(seq, out),
            Input::JournalFailed(why) => self.journal_failed(why, out),
            Input::KeyRights(rights) => self.take_rights(rights, out),
            Input::Unwanted(unwanted) => self.take_unwanted(unwanted, out),
            Input::Drain => self.draining = true,
            Input::SlowCall { strategy, took_ms } => self.watch_slow(&strategy, took_ms),
            Input::Disarm => self.disarm(out),
            Input::LeaseAnswered(answer) => self.lease_answered(answer),
            Input::CopyBehind(lag) => self.copy_behind = lag,
            Input::Alerted(Alert { level, kind, text }) => {
                self.record(Record::Alert { level, kind: kind.into(), text, at: self.now }, out);
            }
        }
        self.open_breakers(out);
        self.keep_moved_lists(out);
        self.update_sight(out);
        self.keep_to_lease(from, out);
        self.update_phase(out);
    }

    fn commands(
        &mut self,
        strategy: &StrategyId,
        seen: Option<Seq>,
        commands: Vec<Command>,
        state: Option<Vec<u8>>,
        out: &mut Vec<Effect>,
    ) {
        // One group with what follows: either the strategy has seen the event and its answer stands, or neither.
        let known = self.books.strategy(strategy).map(|b| b.seen).unwrap_or_default();
        if seen.is_some() || state.is_some() {
            let seen = seen.unwrap_or(known).max(known);
            self.record(Record::Cursor { strategy: strategy.clone(), seen, state }, out);
        }
        let owner = Owner::Strategy(strategy.clone());
        for command in commands {
            self.command(&owner, command, out);
            // What a strategy asks for in one call after its breaker has opened does not leave any more.
            self.open_breakers(out);
        }
    }

    fn command(&mut self, owner: &Owner, command: Command, out: &mut Vec<Effect>) {
        if let Some((intent, denial)) = self.is_halted(owner, &command) {
            self.deny_change(owner, intent, denial, out);
            return;
        }
        match command {
            Command::Submit(new) => self.submit(owner.clone(), new, out),
            Command::SubmitList(orders) => self.submit_list(owner, orders, out),
            Command::Batch(commands) => self.batch(owner, commands, out),
            Command::Replace(change) => self.change(owner, change, Ends::Never, out),
            Command::ReplaceOrEnd(change) => self.change(owner, change, Ends::IfItMust, out),
            Command::Cancel(intent) => self.cancel_owned(owner, intent, out),
            Command::CancelAll(instrument) => self.cancel_all_of(Some(owner), instrument.as_ref(), out),
            Command::SetTimer { tag, after_ms } => {
                if let Some(strategy) = owner.strategy() {
                    let timer = Timer::Strategy { strategy: strategy.clone(), tag };
                    self.set_timer(timer, after_ms, out);
                }
            }
        }
    }

    /// Settings are taken as the venue has them; what somebody has changed is told.
    fn take_settings(&mut self, settings: Vec<InstrumentSetting>, out: &mut Vec<Effect>) {
        for setting in settings {
            let known = self.settings.get(&setting.instrument);
            let leverage = known.and_then(|k| k.leverage).zip(setting.leverage).filter(|(old, new)| old != new);
            let margin = known.and_then(|k| k.margin_type).zip(setting.margin_type).filter(|(old, new)| old != new);
            if let Some((old, new)) = leverage {
                let text = format!("leverage of {} is {new} now; it was {old}", setting.instrument);
                self.alert(out, AlertLevel::Warning, "leverage_changed", text);
            }
            if let Some((old, new)) = margin {
                let text = format!("margin of {} is {new:?} now; it was {old:?}", setting.instrument);
                self.alert(out, AlertLevel::Warning, "margin_type_changed", text);
            }
            self.settings.insert(setting.instrument.clone(), setting);
        }
    }

    fn operator(&mut self, who: &str, command: OperatorCommand, out: &mut Vec<Effect>) {
        self.record(Record::Operator { who: who.into(), what: format!("{command:?}"), at: self.now }, out);
        match command {
            OperatorCommand::Submit(new) => self.submit(Owner::Operator(who.into()), new, out),
            OperatorCommand::SubmitList(orders) => self.submit_list(&Owner::Operator(who.into()), orders, out),
            OperatorCommand::Replace(change) => {
                if let Some(owner) = self.books.order(change.intent).map(|o| o.intent().owner.clone()) {
                    self.change(&owner, change, Ends::Never, out);
                }
            }
            OperatorCommand::Cancel(intent) => self.cancel(intent, out),
            OperatorCommand::CancelAll(instrument) => {
                self.cancel_all_of(None, instrument.as_ref(), out);
                self.sweep_book(instrument.as_ref(), out);
            }
            OperatorCommand::Latch => self.latch(LatchCause::Operator, format!("latched by {who}"), out),
            OperatorCommand::Release => {
                self.release_loss(out);
                self.record(Record::Released { who: who.into(), at: self.now }, out);
                self.forget_watched();
                self.stop_flatten(out);
                self.unbench(out);
            }
            OperatorCommand::Reconcile => self.recover(out),
            OperatorCommand::Adopt(instrument) => self.adopt_differences(who, instrument.as_ref(), out),
            OperatorCommand::Kill { level, scope } => self.kill(who, level, &scope, out),
        }
    }

    fn outcome(&mut self, request: RequestId, outcome: Outcome, out: &mut Vec<Effect>) {
        let owed = self.owed_by(request, &outcome);
        match (self.in_flight.remove(&request), outcome) {
            (Some(InFlight::Submit { intent, cl_ord_id }), Outcome::Order(result)) => {
                self.submit_outcome(intent, cl_ord_id, result, out);
            }
            (Some(InFlight::Replace { intent }), Outcome::Order(result)) => self.change_outcome(intent, request, result, out),
            (Some(InFlight::Cancel { intent }), Outcome::Order(result)) => self.cancel_outcome(intent, request, result, out),
            (Some(InFlight::CancelAll { instrument }), Outcome::All(result)) => self.swept(instrument, result, out),
            (Some(InFlight::Countdown { instrument, armed }), Outcome::All(result)) => {
                self.counted_down(instrument, armed, result, out);
            }
            // An answer to a question of another kind, or one that was answered before: nothing waits for it.
            (Some(_), Outcome::Order(_) | Outcome::All(_)) | (None, _) => {
                self.alert(out, AlertLevel::Warning, "stray_outcome", format!("request {request} is not out"));
            }
        }
        self.expect(owed, out);
    }

    fn timer(&mut self, timer: Timer, out: &mut Vec<Effect>) {
        // Set again since, or fired already: an old one says nothing.
        if self.due.get(&timer).is_none_or(|at| *at > self.now) {
            return;
        }
        self.due.remove(&timer);
        match timer {
            Timer::Doubt(cl_ord_id) => self.doubt_timer(cl_ord_id, out),
            Timer::Retry(intent) => self.retry(intent, out),
            Timer::CancelAgain(intent) => self.cancel_again(intent, out),
            Timer::ChangeDoubt(intent) => self.change_timer(intent, out),
            Timer::RecoverAgain => self.recover_again(out),
            Timer::GateDelay => self.delay_over = true,
            Timer::Protect(intent) => self.protect_timer(intent, out),
            Timer::List(list) => self.keep_list_again(list, out),
            Timer::Verify(intent) => {
                if self.books.order(intent).is_some_and(|o| !o.status().is_ended() || o.surplus().next().is_some()) {
                    self.verify(intent, out);
                }
            }
            Timer::Sweep => {
                self.keep_listing(out);
                self.sweep(out);
            }
            Timer::Parked => self.drop_too_old(out),
            Timer::Difference => self.ask_for_explanations(out),
            Timer::SweepBook(instrument) => self.sweep_again(instrument, out),
            Timer::Unplaced => self.ask_unplaced(out),
            Timer::Watch => self.watch(out),
            Timer::LetGo => self.let_go(out),
            Timer::Watchdog => self.watchdog_timer(out),
            Timer::Look => self.look_at_legs(out),
            Timer::Blind => self.blind_timer(out),
            Timer::Early => self.send_early(out),
            Timer::Restrictions => self.ask_restrictions(out),
            Timer::Solvency => self.solvency_timer(out),
            Timer::Flatten => self.flatten_round(out),
            Timer::DeadMan => self.keep_alive(out),
            // Every input ends with a look at the lease.
            Timer::Lease => (),
            Timer::Strategy { strategy, tag } => self.notify(strategy, None, StrategyEvent::Timer(tag), out),
        }
    }

    fn notify(&mut self, strategy: StrategyId, seq: Option<Seq>, event: StrategyEvent, out: &mut Vec<Effect>) {
        if let Some(seq) = seq {
            self.remember(&strategy, seq, &event);
        }
        if self.started && !self.is_benched() {
            if let (true, Some(seen)) = (planted(Plant::CursorBeforeCommands), seq) {
                self.record(Record::Cursor { strategy: strategy.clone(), seen, state: None }, out);
            }
            out.push(Effect::Notify(strategy, seq, event));
        } else if seq.is_some() || matches!(event, StrategyEvent::ProtectionLost(_)) {
            // A strategy is not called before it can act; what happened until then comes in order, after its start.
            self.held.push((strategy, seq, event));
        }
    }

    fn notify_price(&mut self, instrument: &InstrumentId, out: &mut Vec<Effect>) {
        if !self.started || self.is_benched() {
            return;
        }
        for strategy in self.config.strategies.iter().filter(|s| s.instruments.contains(instrument)) {
            out.push(Effect::Notify(strategy.id.clone(), None, StrategyEvent::Price(instrument.clone())));
        }
    }

    fn alert(&self, out: &mut Vec<Effect>, level: AlertLevel, kind: &'static str, text: String) {
        out.push(Effect::Alert(Alert { level, kind, text }));
    }

    /// Sets a timer. One that is set already is set anew.
    fn set_timer(&mut self, timer: Timer, after_ms: u64, out: &mut Vec<Effect>) {
        self.set_timer_at(timer, self.now.plus_ms(after_ms), out);
    }

    fn set_timer_at(&mut self, timer: Timer, at: Timestamp, out: &mut Vec<Effect>) {
        self.due.insert(timer.clone(), at);
        out.push(Effect::SetTimer(timer, at));
    }

    /// Sets a timer unless it runs already.
    fn start_timer(&mut self, timer: Timer, after_ms: u64, out: &mut Vec<Effect>) {
        if !self.due.contains_key(&timer) {
            self.set_timer(timer, after_ms, out);
        }
    }

    /// A request number that no start of this account has used: the epoch stands in it.
    fn request_id(&mut self) -> RequestId {
        // Counts in a ring of 2^28, so that the epoch's bits stay the epoch's wherever it began.
        self.requests = self.requests.wrapping_add(1) & ((1 << 28) - 1);
        RequestId(u64::from(self.books.epoch().0) << 28 | u64::from(self.requests))
    }

    /// A moment that the venue's clock has surely reached; `None` while the clock is not known.
    fn venue_time_at_least(&self) -> Option<VenueTime> {
        self.clock.map(|c| c.venue_time_at_least(self.now))
    }

    /// A moment that the venue's clock has surely not passed; `None` while the clock is not known.
    fn venue_time_at_most(&self) -> Option<VenueTime> {
        self.clock.map(|c| c.venue_time(self.now).plus_ms(c.error_ms))
    }

    /// What opened the gate, or keeps it shut.
    pub fn report(&self) -> StartReport {
        gate::report(self)
    }

    fn push_report(&self, out: &mut Vec<Effect>) {
        out.push(Effect::Report(Box::new(self.report())));
    }
}
