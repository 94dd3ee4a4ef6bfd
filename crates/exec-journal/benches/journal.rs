//! What the journal costs against the disk under it: one record of 300 bytes appended and synced, next to a plain write and fdatasync of
//! a preallocated file in the same run; the same through the journal thread; and the rate of reading back. Set `JOURNAL_BENCH_DIR` to
//! choose the disk.

use std::fs::{self, File};
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use exec_journal::{Durability, FileJournal, Log, LogOptions, OsDisk, OsDiskOptions, QueueLimits, RecordRef};

const PAYLOAD: [u8; 300] = [0xA5; 300];
const RECORD: RecordRef<'static> = RecordRef { kind: 1, version: 1, payload: &PAYLOAD };

fn dir() -> tempfile::TempDir {
    let at = std::env::var_os("JOURNAL_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    tempfile::tempdir_in(at).expect("a directory to measure in")
}

fn open(path: PathBuf, durability: Durability) -> Log<OsDisk> {
    let options = OsDiskOptions { allow_volatile: true };
    let log_options = LogOptions { durability, ..LogOptions::new("bench") };
    let disk = OsDisk::open(path, options).expect("a fit directory");
    Log::open(disk, &log_options).expect("a new journal").0
}

/// A file of 64 MiB of written zeros, and where to write next.
struct Raw {
    file: File,
    at: u64,
}

const RAW_LEN: u64 = 64 * 1024 * 1024;

impl Raw {
    fn new(path: PathBuf) -> Self {
        fs::write(&path, vec![0; RAW_LEN as usize]).expect("room for the file");
        let file = File::options().write(true).open(path).expect("the file");
        file.sync_all().expect("a sync");
        Self { file, at: 0 }
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.at + bytes.len() as u64 > RAW_LEN {
            self.at = 0;
        }
        self.file.write_all_at(bytes, self.at).expect("a write");
        self.at += bytes.len() as u64;
    }

    fn commit(&mut self, bytes: &[u8]) {
        self.write(bytes);
        self.file.sync_data().expect("a sync");
    }
}

fn commit(c: &mut Criterion) {
    let dir = dir();
    let mut group = c.benchmark_group("commit 300 bytes");
    group.measurement_time(Duration::from_secs(4));
    // A group of one such record takes 384 bytes on the disk.
    let mut raw = Raw::new(dir.path().join("raw"));
    group.bench_function("raw write and fdatasync", |b| {
        b.iter(|| raw.commit(&[0xA5; 384]));
    });
    let mut log = open(dir.path().join("log"), Durability::Sync);
    group.bench_function("log append and sync", |b| {
        b.iter(|| {
            log.append(&[RECORD], None).expect("an append");
            log.sync().expect("a sync");
        });
    });
    let log = open(dir.path().join("thread"), Durability::Sync);
    let journal = FileJournal::start(log, QueueLimits::default(), |_| {}).expect("a journal thread");
    group.bench_function("journal thread, append and wait", |b| {
        b.iter(|| {
            let ticket = journal.append(&[RECORD], None).expect("an append");
            journal.wait_durable(ticket).expect("a sync");
        });
    });
    group.finish();
}

/// Raw and journal by turns, so that both see the same disk: the medians and their ratio are the figure to keep.
#[expect(clippy::print_stdout, reason = "criterion cannot report the ratio of two cases")]
fn ratio(_: &mut Criterion) {
    let dir = dir();
    let mut raw = Raw::new(dir.path().join("raw"));
    let mut log = open(dir.path().join("log"), Durability::Sync);
    let rounds = 4000;
    let (mut of_raw, mut of_log) = (Vec::with_capacity(rounds), Vec::with_capacity(rounds));
    for _ in 0..rounds {
        let start = Instant::now();
        raw.commit(&[0xA5; 384]);
        of_raw.push(start.elapsed());
        let start = Instant::now();
        log.append(&[RECORD], None).expect("an append");
        log.sync().expect("a sync");
        of_log.push(start.elapsed());
    }
    let at = |times: &mut Vec<Duration>, percent: usize| {
        times.sort();
        times[times.len() * percent / 100].as_nanos()
    };
    for percent in [50, 99] {
        let (raw, log) = (at(&mut of_raw, percent), at(&mut of_log, percent));
        println!(
            "by turns, p{percent}: raw {} us, log {} us, ratio {}.{:02}",
            raw / 1000,
            log / 1000,
            log / raw,
            log * 100 / raw % 100
        );
    }
}

fn append_only(c: &mut Criterion) {
    let dir = dir();
    let mut group = c.benchmark_group("without a sync");
    group.throughput(Throughput::Elements(1));
    let mut raw = Raw::new(dir.path().join("raw"));
    group.bench_function("raw write", |b| b.iter(|| raw.write(&[0xA5; 384])));
    let mut log = open(dir.path().join("log"), Durability::Os);
    group.bench_function("log append", |b| {
        b.iter(|| log.append(&[RECORD], None).expect("an append"));
    });
    group.finish();
}

fn replay(c: &mut Criterion) {
    let dir = dir();
    let path = dir.path().join("log");
    let mut log = open(path.clone(), Durability::Os);
    let records = 200_000;
    for _ in 0..records / 4 {
        log.append(&[RECORD; 4], None).expect("an append");
    }
    let mut group = c.benchmark_group("read back");
    group.sample_size(10);
    group.throughput(Throughput::Elements(records));
    group.bench_function("records of 300 bytes", |b| {
        b.iter(|| {
            let all = log.read_from(1).expect("the records");
            assert_eq!(black_box(all.count()) as u64, records);
        });
    });
    log.close().expect("a clean end");
    let disk = OsDiskOptions { allow_volatile: true };
    group.bench_function("check all of it (verify)", |b| {
        b.iter(|| {
            let mut disk = OsDisk::open(&path, disk).expect("the directory");
            assert_eq!(exec_journal::verify(&mut disk).expect("a sound journal").last_seq, records);
        });
    });
    group.finish();
}

criterion_group!(benches, commit, ratio, append_only, replay);
criterion_main!(benches);
