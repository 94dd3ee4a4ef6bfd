//! What the file journal promises, with a copy: every life ends by a crash of the disk, of the server, or of both, at any moment, and
//! sometimes the disk is gone.

use exec_core::ids::Seq;
use exec_core::journal::Journal;
use exec_journal::{Ack, LogOptions, SharedJournal, SimDisk};
use exec_testkit::redis_server::RedisServer;

use super::{options, until};
use crate::model::Rng;
use crate::port::{group, read, wait_for};

/// Lives of one account on a disk that may lose what it was not told to keep. Acknowledged records are there in every life.
fn lives(seed: u64, ack: Ack, rounds: u64) {
    let mut server = RedisServer::start();
    let mut rng = Rng(seed);
    let mut disk = SimDisk::new();
    // Acknowledged by what the journal says, and by the local log alone.
    let (mut durable, mut longest) = (0, 0);
    for round in 0..rounds {
        let log = LogOptions { segment_bytes: 8192, ..LogOptions::new("main") };
        let (mut journal, _) = SharedJournal::open_on(disk.clone(), disk.clone(), &log, options(&server.url(), ack)).unwrap();
        let (last, records) = read(&mut journal);
        assert!(last.0 >= durable, "seed {seed} round {round}: {durable} were acknowledged, {last} are there");
        assert!(last.0 <= longest, "seed {seed} round {round}: more than was ever written");
        assert_eq!(records, group(1, last.0), "seed {seed} round {round}");
        let mut watch = journal.watch();
        let mut next = last.0 + 1;
        for _ in 0..1 + rng.below(30) {
            let count = 1 + rng.below(5);
            journal.append(&group(next, count)).unwrap();
            next += count;
            if rng.below(3) == 0 {
                while wait_for(watch.next()).unwrap() < Seq(next - 1) {}
                durable = next - 1;
            }
            if rng.below(40) == 0 {
                server.restart();
            }
        }
        longest = longest.max(next - 1);
        match rng.below(4) {
            // The machine is lost; with a shared journal nothing that was acknowledged is.
            0 if ack == Ack::Shared => {
                disk.kill();
                drop(journal);
                disk = SimDisk::new();
            }
            // Power fails.
            0 | 1 => {
                disk.crash(rng.next());
                drop(journal);
            }
            2 => {
                server.kill();
                disk.kill();
                drop(journal);
                server.restart();
            }
            _ => {
                until("all is followed", || journal.copy().unwrap().records == 0);
                drop(journal);
                durable = next - 1;
            }
        }
        // A local log that ran ahead of its copy and lost nothing is not told apart from one that did.
        longest = longest.max(durable);
    }
}

#[test]
fn promise_p13_acknowledged_records_survive_any_crash_with_a_copy_that_follows() {
    for seed in 0..3 {
        lives(seed, Ack::Local, 25);
    }
}

#[test]
fn acknowledged_records_survive_the_loss_of_the_machine_with_a_shared_copy() {
    for seed in 100..103 {
        lives(seed, Ack::Shared, 25);
    }
}
