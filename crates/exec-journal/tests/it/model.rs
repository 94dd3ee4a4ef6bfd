//! Records whose content follows from their number, and a world that crashes a log again and again. The oracle of the crash tests.

use exec_journal::{Durability, JournalError, Log, LogOptions, OpenError, Record, RecordRef, Recovery, SimDisk};

/// splitmix64.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// The record that has this number: many sizes, some of them long runs of zeros.
pub(crate) fn expected(seq: u64) -> (u16, u8, Vec<u8>) {
    let mut rng = Rng(seq);
    let len = match rng.below(8) {
        0 => 0,
        1 => 1 + rng.below(900),
        _ => 1 + rng.below(120),
    };
    let payload = if rng.below(10) == 0 { vec![0; len as usize] } else { (0..len).map(|_| rng.next() as u8).collect() };
    (seq as u16, (seq % 5) as u8, payload)
}

pub(crate) fn options(durability: Durability) -> LogOptions {
    LogOptions { segment_bytes: 8192, durability, ..LogOptions::new("account") }
}

/// Appends the next `count` records as one group.
pub(crate) fn append(log: &mut Log<SimDisk>, count: u64) -> Result<u64, JournalError> {
    let first = log.last_seq() + 1;
    let records: Vec<_> = (first..first + count).map(expected).collect();
    let refs: Vec<_> =
        records.iter().map(|(kind, version, payload)| RecordRef { kind: *kind, version: *version, payload }).collect();
    let ticket = log.append(&refs, Some(first + count))?;
    assert_eq!((ticket.first, ticket.last), (first, first + count - 1));
    Ok(ticket.last)
}

pub(crate) fn check_record(record: &Record) -> Result<(), String> {
    if (record.kind, record.version, record.payload.clone()) == expected(record.seq) {
        Ok(())
    } else {
        Err(format!("record {} is not what was written", record.seq))
    }
}

/// Reads all that is there and compares it; returns the last number.
pub(crate) fn check_content(log: &mut Log<SimDisk>, recovery: &Recovery) -> Result<u64, String> {
    let mut next = recovery.first_seq;
    let from = recovery.first_seq;
    for record in log.read_from(from).map_err(|e| e.to_string())? {
        let record = record.map_err(|e| e.to_string())?;
        if record.seq != next {
            return Err(format!("record {} where {next} belongs", record.seq));
        }
        check_record(&record)?;
        next += 1;
    }
    if next - 1 != recovery.last_seq {
        return Err(format!("read up to {}, reported {}", next - 1, recovery.last_seq));
    }
    if let Some(snapshot) = &recovery.snapshot
        && (snapshot.bytes != snapshot_bytes(snapshot.seq) || snapshot.seq + 1 < from)
    {
        return Err(format!("snapshot {} does not fit", snapshot.seq));
    }
    Ok(recovery.last_seq)
}

pub(crate) fn snapshot_bytes(seq: u64) -> Vec<u8> {
    let mut rng = Rng(!seq);
    (0..rng.below(2000)).map(|_| rng.next() as u8).collect()
}

/// What a run of lives saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) power_losses: u64,
    pub(crate) losses_while_opening: u64,
    pub(crate) kills: u64,
    pub(crate) closes: u64,
    pub(crate) cuts: u64,
    pub(crate) several_segments: u64,
    pub(crate) truncations: u64,
    pub(crate) records: u64,
}

/// Lives a journal through power losses, kills and closings. `Err` is a broken promise.
pub(crate) fn live(seed: u64, durability: Durability, lying: Option<u64>, seen: &mut Seen) -> Result<(), String> {
    let mut rng = Rng(seed);
    let disk = SimDisk::new();
    // Acknowledged records, and the last one that was ever handed over.
    let (mut acked, mut written) = (0, 0);
    // After a kill the machine still has what the process wrote, until the power fails.
    let mut visible = 0;
    let mut epoch = 0;
    for life in 0..8 {
        let context = |e: String| format!("seed {seed}, life {life}: {e}");
        // Losses while opening, early and late are all wanted.
        let fuse = match rng.below(4) {
            0 => Some(rng.below(12)),
            1 | 2 => Some(rng.below(90)),
            _ => None,
        };
        disk.faults(|f| {
            f.power_loss_after = fuse;
            f.lying_syncs = lying;
        });
        let (mut log, recovery) = match Log::open(disk.clone(), &options(durability)) {
            Ok(opened) => opened,
            Err(OpenError::Disk(_)) if disk.is_dead() => {
                seen.losses_while_opening += 1;
                visible = acked;
                disk.crash(rng.next());
                continue;
            }
            Err(e) => return Err(context(format!("refused: {e}"))),
        };
        if recovery.epoch <= epoch {
            return Err(context("the epoch did not rise".to_owned()));
        }
        epoch = recovery.epoch;
        if recovery.last_seq < visible || recovery.last_seq > written {
            return Err(context(format!("recovered {}, acknowledged {visible}, written {written}", recovery.last_seq)));
        }
        match check_content(&mut log, &recovery) {
            Ok(_) => {}
            Err(_) if disk.is_dead() => {}
            Err(e) => return Err(context(e)),
        }
        seen.cuts += u64::from(recovery.cut.is_some());
        seen.records += recovery.last_seq;
        seen.several_segments += u64::from(recovery.segments > 2);
        acked = recovery.last_seq;
        written = recovery.last_seq;
        let ended = work(&mut log, &mut rng, &mut acked, &mut written, seen);
        if ended.is_err() || disk.is_dead() || rng.below(3) == 0 {
            if let (Err(e), false) = (&ended, disk.is_dead()) {
                return Err(context(format!("failed without a reason: {e}")));
            }
            seen.power_losses += 1;
            disk.crash(rng.next());
        } else if rng.below(2) == 0 {
            seen.kills += 1;
            disk.kill();
            visible = written;
            continue;
        } else if log.close().is_ok() {
            seen.closes += 1;
            acked = written;
            disk.crash(rng.next());
        } else {
            disk.crash(rng.next());
        }
        visible = acked;
    }
    Ok(())
}

fn work(log: &mut Log<SimDisk>, rng: &mut Rng, acked: &mut u64, written: &mut u64, seen: &mut Seen) -> Result<(), JournalError> {
    for _ in 0..rng.below(60) {
        match rng.below(10) {
            0 => {
                log.prepare_next()?;
            }
            1 if rng.below(3) == 0 => {
                let seq = log.durable_seq();
                log.snapshot(&snapshot_bytes(seq), seq)?;
                let dropped = log.truncate_before(log.last_seq() + 1)?;
                seen.truncations += dropped;
            }
            2..=4 => {
                log.sync()?;
                *acked = log.last_seq();
            }
            _ => {
                let count = 1 + rng.below(4);
                *written = log.last_seq() + count;
                append(log, count)?;
            }
        }
    }
    Ok(())
}
