//! The node of a world: the real engine, the real journal on a disk that can fail, and its strategies. It does what a shell does, in
//! the order in which the effects say; when it happens is the world's business.

use crate::{
    plan::Plan,
    rng::Rng,
    strategies::{Habits, Player},
};
use exec_core::{
    conversation::StrategyEvent,
    engine::{
        Engine,
        config::{EngineConfig, Memory, Sharing, StrategyConfig, StreamCare},
    },
    ids::{InstrumentId, Seq, SessionId, StrategyId},
    record::{RECORD_VERSION, Record},
    snapshot::Snapshot,
    strategy::Strategy,
    venue::VenueProfile,
};
use exec_journal::{Log, LogOptions, RecordRef, SimDisk};
use exec_testkit::fixtures;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, atomic::AtomicU8},
};

/// Groups are merged on their way to the disk up to this size.
const BATCH_BYTES: usize = 16 * 1024;
const SEGMENT_BYTES: u32 = 32 * 1024;
/// A snapshot is taken after so many records.
const SNAPSHOT_EVERY: u64 = 40;

/// A record on its way to the disk.
struct Encoded {
    seq: u64,
    kind: u16,
    payload: Vec<u8>,
}

/// One life of the process.
pub(crate) struct Node {
    pub(crate) life: u32,
    pub(crate) engine: Engine,
    pub(crate) log: Log<SimDisk>,
    pub(crate) strategies: BTreeMap<StrategyId, Box<dyn Strategy>>,
    pub(crate) calls: u64,
    pub(crate) told: VecDeque<(StrategyId, Option<Seq>, StrategyEvent)>,
    /// The newest session of the private stream that was opened.
    pub(crate) session: Option<SessionId>,
    pub(crate) journal_failed: bool,
    pub(crate) writing: bool,
    waiting: VecDeque<Vec<Encoded>>,
    /// Taken, and to be written when its last record is durable.
    snapshot: Option<Snapshot>,
    snapshot_seq: u64,
    /// A snapshot is taken after so many records.
    pub(crate) snapshot_every: u64,
}

/// Why a node did not come up.
pub(crate) enum NotUp {
    /// The power failed while the journal was opened.
    PowerLost,
    /// A defect.
    Defect(String),
}

pub(crate) fn instrument_ids(symbols: usize) -> Vec<InstrumentId> {
    ["BTCUSDT", "ETHUSDT"].iter().take(symbols).map(|s| fixtures::instrument_id(s)).collect()
}

pub(crate) fn config(plan: &Plan) -> EngineConfig {
    let all = instrument_ids(plan.symbols);
    let strategies = all
        .iter()
        .cloned()
        .enumerate()
        .filter_map(|(n, id)| {
            let name = StrategyId::new(if n == 0 { "first" } else { "second" }).ok()?;
            Some(StrategyConfig {
                id: name,
                instruments: if plan.shared { all.clone() } else { vec![id] },
                external_order_claims: Vec::new(),
                protection: plan.protection,
                time_to_protect_max_ms: 2_000,
            })
        })
        .collect();
    EngineConfig {
        strategies,
        order_recv_window_ms: 2_000,
        sweep_interval_ms: if plan.no_sweeps { 600_000 } else { 4_000 },
        memory: Memory { ended_orders_ms: if plan.memory_ms > 0 { plan.memory_ms } else { Memory::default().ended_orders_ms } },
        sharing: Sharing { instruments: if plan.shared { all } else { Vec::new() } },
        dead_man: exec_core::engine::config::DeadMan::default(),
        stream: StreamCare { lag_max_ms: 1_500, look_every_ms: 1_500, blind_cancel_ms: 2_000 },
        startup_delay_ms: 100,
        limits: exec_core::exposure::Limits {
            order_notional_max: fixtures::decimal("20000"),
            // Greedy strategies must run into it all the time.
            position_notional_max: fixtures::decimal(if plan.greedy { "9000" } else { "40000" }),
            open_orders_max: 40,
            collar: fixtures::decimal("0.05"),
        },
        ..fixtures::config(plan.mode(), &[])
    }
}

impl Node {
    /// Opens the journal, replays it, and has the engine ready to begin.
    pub(crate) fn start(
        plan: &Plan,
        profile: VenueProfile,
        disk: &SimDisk,
        life: u32,
        active: &Arc<AtomicU8>,
    ) -> Result<(Self, u64), NotUp> {
        let options = LogOptions { segment_bytes: SEGMENT_BYTES, ..LogOptions::new("main") };
        let (mut log, recovery) = match Log::open(disk.clone(), &options) {
            Ok(opened) => opened,
            Err(_) if disk.is_dead() => return Err(NotUp::PowerLost),
            Err(error) => return Err(NotUp::Defect(format!("the journal does not open: {error}"))),
        };
        let config = config(plan);
        let mut strategies: BTreeMap<StrategyId, Box<dyn Strategy>> = BTreeMap::new();
        for (n, strategy) in config.strategies.iter().enumerate() {
            // Where instruments are shared each strategy still plays on one, and they play on the same.
            if let Some(instrument) = strategy.instruments.first() {
                let rng = Rng::new(plan.seed, 1_000 + u64::from(life) * 10 + n as u64);
                let player = Player::new(instrument.clone(), Habits::of(plan), rng, Arc::clone(active));
                strategies.insert(strategy.id.clone(), Box::new(player));
            }
        }
        let defect = |text: String| if disk.is_dead() { NotUp::PowerLost } else { NotUp::Defect(text) };
        let snapshot_seq = recovery.snapshot.as_ref().map_or(0, |stored| stored.seq);
        let empty = Engine::new(config, profile);
        let engine = match &recovery.snapshot {
            Some(stored) => {
                let snapshot = Snapshot::decode(&stored.bytes).map_err(|e| defect(e.to_string()))?;
                let mut engine = empty.clone();
                engine.restore(snapshot).map_err(|e| defect(format!("restore: {e}")))?;
                read_on(engine, &mut log, stored.seq + 1).map_err(defect)?
            }
            None => read_on(empty.clone(), &mut log, 1).map_err(defect)?,
        };
        if snapshot_seq > 0 && recovery.first_seq == 1 {
            let all = read_on(empty, &mut log, 1).map_err(defect)?;
            if all.snapshot() != engine.snapshot() || all.books() != engine.books() {
                return Err(defect(format!(
                    "P15: the snapshot after record {snapshot_seq} and all records give different books"
                )));
            }
        }
        let node = Self {
            life,
            engine,
            log,
            strategies,
            calls: 0,
            told: VecDeque::new(),
            session: None,
            journal_failed: false,
            writing: false,
            waiting: VecDeque::new(),
            snapshot: None,
            snapshot_seq,
            snapshot_every: SNAPSHOT_EVERY,
        };
        Ok((node, recovery.last_seq))
    }

    /// Puts a group behind all others. Says whether the disk is idle and wants it.
    pub(crate) fn queue(&mut self, group: Vec<(Seq, Record)>) -> bool {
        if self.journal_failed {
            return false;
        }
        let encode =
            |(seq, record): (Seq, Record)| Encoded { seq: seq.0, kind: record.kind(), payload: record.encode(Vec::new()) };
        self.waiting.push_back(group.into_iter().map(encode).collect());
        // The group is the last thing that the engine did.
        if self.snapshot.is_none() && self.engine.books().seq().0 >= self.snapshot_seq + self.snapshot_every {
            self.snapshot = Some(self.engine.snapshot());
        }
        !self.writing
    }

    /// The snapshot whose last record is durable now.
    pub(crate) fn due_snapshot(&mut self) -> Option<Snapshot> {
        let durable = self.log.durable_seq();
        self.snapshot.take_if(|snapshot| snapshot.seq().0 <= durable).inspect(|snapshot| self.snapshot_seq = snapshot.seq().0)
    }

    /// Writes what waits as one group on the disk; it is durable after the sync. `Ok(false)`: nothing waits.
    pub(crate) fn write(&mut self) -> Result<bool, String> {
        let mut batch: Vec<Encoded> = Vec::new();
        let mut bytes = 0;
        while bytes < BATCH_BYTES
            && let Some(group) = self.waiting.pop_front()
        {
            bytes += group.iter().map(|r| r.payload.len() + 16).sum::<usize>();
            batch.extend(group);
        }
        let Some(first) = batch.first() else { return Ok(false) };
        let records: Vec<RecordRef<'_>> =
            batch.iter().map(|r| RecordRef { kind: r.kind, version: RECORD_VERSION, payload: &r.payload }).collect();
        let ticket = self.log.append(&records, None).map_err(|e| e.to_string())?;
        if ticket.first != first.seq {
            return Err(format!("the journal numbers a record {}, the engine {}", ticket.first, first.seq));
        }
        self.writing = true;
        Ok(true)
    }
}

/// Replays the records from a number on.
fn read_on(mut engine: Engine, log: &mut Log<SimDisk>, from: u64) -> Result<Engine, String> {
    for record in log.read_from(from).map_err(|e| format!("the journal cannot be read: {e}"))? {
        let record = record.map_err(|e| format!("the journal cannot be read: {e}"))?;
        let decoded = Record::decode(record.kind, record.version, &record.payload)
            .map_err(|e| format!("record {} cannot be decoded: {e}", record.seq))?;
        engine.replay(Seq(record.seq), &decoded).map_err(|e| format!("replay: {e}"))?;
    }
    Ok(engine)
}
