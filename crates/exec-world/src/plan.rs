//! What a seed fixes about a world before it begins: mode, strategies, and which faults come how often. Not when they come.

use crate::{broken::Broken, case::Case, layer::Layer, rng::Rng};
use exec_core::{engine::config::ProtectionPolicy, units::PositionMode};
use std::collections::BTreeSet;

/// Which kind of worlds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Profile {
    /// Each seed draws one of the others.
    Mixed,
    /// Delays only.
    Calm,
    /// Everything that network and venue can do.
    Storm,
    /// Crashes above all, also in recovery.
    Crash,
    /// Storm and crashes in HEDGING.
    Hedge,
    /// Conditional orders of every kind, changed, cancelled and triggered, with a slow and talkative Algo Service.
    Conditional,
    /// Brackets and little else: each leg must be protected in time.
    Bracket,
    /// A private stream that is silent, late, or about to end.
    Blind,
    /// The venue breaks its word: requests take effect after the fence. It must be noticed, and nothing be lost. Not in `mixed`.
    Ghost,
    /// One of the assumptions that the node relies on does not hold. Not in `mixed`.
    Broken,
    /// As `mixed`, on machines that fail, with strategies that ask for nonsense or panic, and books and venues that forget soon.
    Rough,
    /// As `mixed`, with somebody at the kill switch. Not in `mixed`.
    Kill,
}

impl Profile {
    pub(crate) const NAMES: [(&'static str, Self); 12] = [
        ("mixed", Self::Mixed),
        ("calm", Self::Calm),
        ("storm", Self::Storm),
        ("crash", Self::Crash),
        ("hedge", Self::Hedge),
        ("conditional", Self::Conditional),
        ("bracket", Self::Bracket),
        ("blind", Self::Blind),
        ("ghost", Self::Ghost),
        ("broken", Self::Broken),
        ("rough", Self::Rough),
        ("kill", Self::Kill),
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(n, _)| *n == name).map(|(_, p)| p)
    }
    pub(crate) fn name(self) -> &'static str {
        Self::NAMES.into_iter().find(|(_, p)| *p == self).map_or("mixed", |(n, _)| n)
    }
}

/// Everything that is fixed about a world. Chances are of 1000.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) steps: u64,
    pub(crate) hedging: bool,
    pub(crate) symbols: usize,
    pub(crate) greedy: bool,
    /// How many times slower than otherwise strategies act; as fast as otherwise, if it is not said.
    pub(crate) slower: u64,
    /// How often a strategy does something with conditional orders, and with brackets and lists.
    pub(crate) conditional: u32,
    pub(crate) brackets: u32,
    /// Strategies do nothing but brackets: what is held is held by them.
    pub(crate) only_brackets: bool,
    /// What is done when a stop does not protect.
    pub(crate) protection: ProtectionPolicy,
    /// What the node's clock is ahead of the venue's.
    pub(crate) clock_ahead_ms: i64,
    pub(crate) latency_ms: u64,
    pub(crate) request_dropped: u32,
    pub(crate) request_not_sent: u32,
    pub(crate) request_late: u32,
    pub(crate) connection_lost: u32,
    pub(crate) reply_lost: u32,
    pub(crate) failed_before: u32,
    pub(crate) unknown_before: u32,
    pub(crate) unknown_after: u32,
    pub(crate) engine_slow: u32,
    /// Requests that take effect later than the venue guarantees.
    pub(crate) ghosts: u32,
    pub(crate) operator: u32,
    /// Of what the operator does, how often the kill switch is thrown.
    pub(crate) kills: u32,
    pub(crate) query_unavailable: u32,
    pub(crate) query_slow: u32,
    pub(crate) event_dropped: u32,
    pub(crate) event_twice: u32,
    pub(crate) event_late: u32,
    pub(crate) stream_cut: u32,
    /// A session that looks open and carries nothing, from some moment on or from its beginning.
    pub(crate) stream_silent: u32,
    pub(crate) stream_still_silent: u32,
    /// A session on which everything is late for a while.
    pub(crate) stream_late: u32,
    /// Ends that the venue announces.
    pub(crate) stream_ends: u32,
    pub(crate) clock_bad: u32,
    pub(crate) sync_slow: u32,
    pub(crate) sync_fails: u32,
    pub(crate) crash_live: u32,
    pub(crate) crash_recovering: u32,
    /// Of the crashes, those that take the machine with them.
    pub(crate) power_loss: u32,
    pub(crate) manual: u32,
    pub(crate) price_jump: u32,
    /// Liquidations and deleveraging by the exchange's operator; and whether a symbol is settled once.
    pub(crate) forced: u32,
    pub(crate) settles: bool,
    pub(crate) forced_style: u64,
    /// The longest pauses of the Algo Service between trigger, child, and what is told of it; how far its lists lag.
    pub(crate) algo_pause_ms: u64,
    pub(crate) algo_lag_ms: u64,
    pub(crate) algo_twice: bool,
    /// Triggers with price protection are refused at the trigger: mark and last price are never near enough.
    pub(crate) protects_much: bool,
    /// The machine: a process that stands still, disks that refuse, and a clock that is another at each start.
    pub(crate) suspended: u32,
    pub(crate) disk_fails: u32,
    pub(crate) short_writes: u32,
    pub(crate) clock_jumps: u32,
    pub(crate) unreadable: u32,
    pub(crate) positions_down: u32,
    /// Strategies that panic, and strategies that ask for nonsense.
    /// Strategies that act more often.
    pub(crate) busy: bool,
    pub(crate) panics: u32,
    pub(crate) foul: u32,
    /// How long the books keep what is over, and how long the venue does; 0: longer than any world.
    pub(crate) memory_ms: u64,
    pub(crate) venue_forgets_ms: u64,
    /// Both strategies trade both instruments, in NETTING.
    pub(crate) shared: bool,
    /// Nothing is compared but for a reason.
    pub(crate) no_sweeps: bool,
    pub(crate) breaks: Option<Broken>,
    /// The step at which the process dies, whatever else happens to it.
    pub(crate) sure_crash: Option<u64>,
    /// Kinds of faults and habits, and strikes, that were taken out.
    pub(crate) without: BTreeSet<String>,
    pub(crate) skip: BTreeSet<u64>,
}

/// What a world can be without, besides kinds of faults.
pub(crate) const HABITS: &[&str] = &[
    "greedy",
    "conditionals",
    "lists",
    "operator",
    "jumps",
    "algo-pauses",
    "second-instrument",
    "nonsense",
    "memory",
    "sharing",
];

impl Plan {
    /// What a case's seed fixes, without what was taken out of it.
    pub(crate) fn of(case: &Case) -> Self {
        let mut plan = Self { skip: case.skip.clone(), ..Self::drawn(case) };
        let without = |habit: &str| case.without.contains(habit);
        plan.greedy &= !without("greedy");
        plan.symbols = if without("second-instrument") { 1 } else { plan.symbols };
        for (habit, knob) in [
            ("conditionals", &mut plan.conditional),
            ("lists", &mut plan.brackets),
            ("operator", &mut plan.operator),
            ("jumps", &mut plan.price_jump),
            ("nonsense", &mut plan.foul),
            ("strategy-panics", &mut plan.panics),
        ] {
            *knob = if without(habit) { 0 } else { *knob };
        }
        if without("algo-pauses") {
            (plan.algo_pause_ms, plan.algo_lag_ms, plan.algo_twice) = (0, 0, false);
        }
        if without("memory") {
            plan.memory_ms = 0;
        }
        plan.shared &= !without("sharing");
        if case.layer == Layer::L2 {
            // The strategies' manners, and what is forgotten, are the core's own matter; the rest of the machine is made up in layer 1.
            (plan.panics, plan.foul, plan.memory_ms, plan.venue_forgets_ms) = (0, 0, 0, 0);
            (plan.shared, plan.no_sweeps) = (false, false);
        }
        plan.without = case.without.clone();
        plan
    }

    fn drawn(case: &Case) -> Self {
        let (seed, steps) = (case.seed, case.steps);
        let mut rng = Rng::new(seed, 1);
        let mixed = matches!(case.profile, Profile::Mixed | Profile::Rough | Profile::Kill);
        let profile = match case.profile {
            Profile::Mixed | Profile::Rough | Profile::Kill => {
                let all = [
                    Profile::Calm,
                    Profile::Storm,
                    Profile::Storm,
                    Profile::Crash,
                    Profile::Crash,
                    Profile::Hedge,
                    Profile::Conditional,
                    Profile::Bracket,
                    Profile::Blind,
                ];
                rng.pick(&all).copied().unwrap_or(Profile::Storm)
            }
            chosen => chosen,
        };
        let mut plan = Self {
            seed,
            steps,
            hedging: profile == Profile::Hedge || rng.chance(250),
            symbols: 1 + usize::from(rng.chance(950)),
            greedy: rng.chance(300),
            clock_ahead_ms: i64::try_from(rng.between(0, 400)).unwrap_or(0) - 200,
            latency_ms: rng.between(1, 30),
            manual: if rng.chance(300) { 40 } else { 0 },
            price_jump: if rng.chance(300) { 20 } else { 0 },
            ..Self::default()
        };
        // Some machines have not asked anybody for the time in a long while.
        plan.clock_ahead_ms *= if seed.is_multiple_of(7) { 300 } else { 1 };
        plan.operator = if rng.chance(250) { 20 } else { 0 };
        if matches!(profile, Profile::Storm | Profile::Hedge) {
            plan.network(&mut rng);
        }
        if profile == Profile::Blind {
            plan.blindness(&mut rng);
        }
        if profile == Profile::Ghost {
            (plan.ghosts, plan.reply_lost, plan.connection_lost) = (100, 100, 100);
            plan.manual = 0;
        }
        if profile == Profile::Broken {
            plan.broken(&mut rng);
        }
        if matches!(profile, Profile::Crash | Profile::Hedge) {
            plan.crashes(&mut rng);
        }
        if profile == Profile::Crash && rng.chance(500) {
            plan.network(&mut rng);
        }
        plan.conditionals(profile, &mut rng);
        if case.profile == Profile::Rough {
            plan.surroundings(profile, &mut rng);
        }
        if mixed && rng.chance(960) {
            plan.full(&mut rng);
        }
        // Brackets that are watched are left alone: nobody takes their stops away.
        if case.profile == Profile::Kill && !plan.only_brackets {
            (plan.operator, plan.kills) = (60, 400);
        }
        plan
    }

    /// Every kind of worlds in the mixture has its crash and some faults; where nothing was to be wrong they are harmless ones.
    fn full(&mut self, rng: &mut Rng) {
        // With somebody busy on each of two instruments there are orders enough.
        (self.symbols, self.busy) = (2, true);
        self.sure_crash = Some(rng.between(self.steps / 4, self.steps * 3 / 4));
        self.power_loss = if self.power_loss == 0 { u32::try_from(rng.between(0, 1_000)).unwrap_or(0) } else { self.power_loss };
        let mut some = |at: &mut u32| *at = (*at).max(u32::try_from(rng.between(80, 250)).unwrap_or(0));
        some(&mut self.event_twice);
        some(&mut self.query_slow);
    }

    /// Conditional orders, and what the venue does by itself.
    fn conditionals(&mut self, profile: Profile, rng: &mut Rng) {
        let chance = |rng: &mut Rng, permille: u32, most: u64| {
            if rng.chance(permille) { u32::try_from(rng.between(1, most)).unwrap_or(0) } else { 0 }
        };
        let policies = [ProtectionPolicy::Exit, ProtectionPolicy::Exit, ProtectionPolicy::Rearm, ProtectionPolicy::Alert];
        self.protection = rng.pick(&policies).copied().unwrap_or_default();
        self.forced_style = rng.below(3);
        match profile {
            Profile::Mixed
            | Profile::Rough
            | Profile::Kill
            | Profile::Calm
            | Profile::Storm
            | Profile::Crash
            | Profile::Hedge
            | Profile::Blind => {
                self.conditional = chance(rng, 400, 500);
                self.brackets = chance(rng, 200, 200);
                self.forced = chance(rng, 100, 5);
            }
            Profile::Conditional | Profile::Bracket => {
                (self.conditional, self.brackets) = (chance(rng, 1_000, 700), chance(rng, 400, 200));
                self.price_jump = chance(rng, 900, 60);
                self.forced = chance(rng, 150, 8);
                self.settles = rng.chance(50);
                // In half of the worlds nothing else is wrong: there the time without protection has a strict bound.
                match rng.below(6) {
                    0 => self.network(rng),
                    1 => self.crashes(rng),
                    2 => {
                        self.network(rng);
                        self.crashes(rng);
                    }
                    _ => (),
                }
                if profile == Profile::Bracket {
                    (self.conditional, self.brackets, self.only_brackets) = (0, 1_000, true);
                    (self.greedy, self.operator) = (false, 0);
                }
            }
            Profile::Ghost | Profile::Broken => self.conditional = chance(rng, 400, 500),
        }
        if self.conditional + self.brackets > 0 {
            self.algo_pause_ms = if rng.chance(600) { rng.between(1, 400) } else { 0 };
            self.algo_lag_ms = if rng.chance(400) { rng.between(1, 500) } else { 0 };
            self.algo_twice = rng.chance(300);
            self.protects_much = rng.chance(150);
        }
    }

    /// Whether requests, answers and events come through, and nobody dies.
    pub(crate) fn is_undisturbed(&self) -> bool {
        let network = [
            self.request_dropped,
            self.request_not_sent,
            self.request_late,
            self.connection_lost,
            self.reply_lost,
            self.failed_before,
            self.unknown_before,
            self.unknown_after,
            self.engine_slow,
            self.query_unavailable,
            self.event_dropped,
            self.event_late,
            self.stream_cut,
            self.stream_silent,
            self.stream_still_silent,
            self.stream_late,
            self.stream_ends,
            self.clock_bad,
            self.suspended,
            self.disk_fails,
            self.unreadable,
        ];
        network
            .into_iter()
            .chain([self.crash_live, self.crash_recovering, self.sync_slow, self.sync_fails, self.ghosts])
            .sum::<u32>()
            == 0
    }

    /// Whether anything is wrong between node and venue, whatever it is.
    pub(crate) fn is_networked(&self) -> bool {
        let quiet = Self { crash_live: 0, crash_recovering: 0, sync_slow: 0, sync_fails: 0, ..self.clone() };
        !quiet.is_undisturbed()
    }

    /// Each fault is off in half of the worlds: what hides behind another one shows there.
    fn network(&mut self, rng: &mut Rng) {
        let mut some = |most: u64| if rng.chance(500) { u32::try_from(rng.between(1, most)).unwrap_or(0) } else { 0 };
        self.request_dropped = some(150);
        self.request_not_sent = some(100);
        self.request_late = some(150);
        self.connection_lost = some(150);
        self.reply_lost = some(200);
        self.failed_before = some(100);
        self.unknown_before = some(100);
        self.unknown_after = some(100);
        self.engine_slow = some(150);
        self.query_unavailable = some(200);
        self.query_slow = some(200);
        self.event_dropped = some(60);
        self.event_twice = some(200);
        self.event_late = some(200);
        self.stream_cut = some(30);
        self.clock_bad = some(150);
    }

    /// In half of the worlds the stream is all that is wrong.
    fn blindness(&mut self, rng: &mut Rng) {
        if rng.chance(500) {
            self.network(rng);
        }
        if rng.chance(250) {
            self.crashes(rng);
        }
        let mut some = |most: u64| if rng.chance(600) { u32::try_from(rng.between(1, most)).unwrap_or(0) } else { 0 };
        self.stream_silent = some(40);
        self.stream_still_silent = some(300);
        self.stream_late = some(40);
        self.stream_ends = some(40);
    }

    fn crashes(&mut self, rng: &mut Rng) {
        self.crash_live = u32::try_from(rng.between(2, 20)).unwrap_or(0);
        self.crash_recovering = u32::try_from(rng.between(0, 40)).unwrap_or(0);
        self.power_loss = u32::try_from(rng.between(0, 1_000)).unwrap_or(0);
        self.sync_slow = if rng.chance(500) { u32::try_from(rng.between(1, 200)).unwrap_or(0) } else { 0 };
        self.sync_fails = if rng.chance(250) { 5 } else { 0 };
    }

    /// The machine, the strategies' manners, and what is forgotten: each in some worlds of every kind.
    fn surroundings(&mut self, profile: Profile, rng: &mut Rng) {
        let mut some = |permille: u32, most: u64| {
            if rng.chance(permille) { u32::try_from(rng.between(1, most)).unwrap_or(0) } else { 0 }
        };
        // Where nothing is to be wrong, nothing of this is.
        let quiet = matches!(profile, Profile::Calm | Profile::Bracket | Profile::Conditional | Profile::Ghost | Profile::Broken);
        if !quiet {
            (self.suspended, self.disk_fails) = (some(200, 15), some(120, 6));
            self.unreadable = some(250, 40);
        }
        self.short_writes = some(200, 30);
        self.clock_jumps = if some(400, 1) > 0 { 600 } else { 0 };
        let promised = !matches!(profile, Profile::Ghost | Profile::Broken);
        if promised {
            self.panics = some(100, 15);
        }
        if !self.only_brackets {
            self.foul = some(150, 200);
        }
        if profile == Profile::Bracket {
            self.positions_down = some(300, 12);
        }
        if promised && rng.chance(200) {
            self.memory_ms = rng.between(5_000, 10_000);
        }
        if promised && self.forced == 0 && !self.settles && rng.chance(60) {
            self.venue_forgets_ms = rng.between(8_000, 10_000);
            // Only then anything of an outage is longer than the venue's memory.
            self.manual = self.manual.max(10);
        }
        self.shared = !self.hedging && !self.only_brackets && rng.chance(150);
        // Sweeps are what finds an event that never came, an order that a lagging list left out, and one that the venue has forgotten.
        // And what the owner's hands took off while the stream was silent.
        let silent_hands = self.manual > 0 && self.stream_silent + self.stream_still_silent > 0;
        let needs_none = self.event_dropped == 0 && self.algo_lag_ms == 0 && self.venue_forgets_ms == 0 && !silent_hands;
        self.no_sweeps = needs_none && rng.chance(400);
    }

    /// One assumption is broken; answers get lost, so that it matters.
    fn broken(&mut self, rng: &mut Rng) {
        self.breaks = rng.pick(&Broken::ALL).copied();
        self.manual = 0;
        (self.reply_lost, self.connection_lost) = (150, 150);
        if self.breaks == Some(Broken::Margin) {
            self.ghosts = 100;
        }
    }

    /// The same world without any fault, for its end.
    pub(crate) fn healed(&self) -> Self {
        Self {
            seed: self.seed,
            steps: self.steps,
            hedging: self.hedging,
            symbols: self.symbols,
            greedy: self.greedy,
            slower: self.slower,
            clock_ahead_ms: self.clock_ahead_ms,
            latency_ms: self.latency_ms,
            protection: self.protection,
            only_brackets: self.only_brackets,
            forced_style: self.forced_style,
            algo_pause_ms: self.algo_pause_ms,
            without: self.without.clone(),
            memory_ms: self.memory_ms,
            venue_forgets_ms: self.venue_forgets_ms,
            shared: self.shared,
            no_sweeps: self.no_sweeps,
            ..Self::default()
        }
    }

    pub(crate) fn mode(&self) -> PositionMode {
        if self.hedging { PositionMode::Hedging } else { PositionMode::Netting }
    }
}
