//! A kill test over a shared journal: with a node more is lost, its disk, the process of the Redis server, or both.

use super::cycle::ACCOUNTS;
use crate::failure::Failure;
use exec_testkit::redis_server::RedisServer;
use std::{path::Path, time::Duration};

/// How long the server is away under a node that trades.
const AWAY: Duration = Duration::from_millis(300);

/// The server that the journals of one cycle are shared on, and what was lost.
#[derive(Debug)]
pub(crate) struct Shared {
    server: RedisServer,
    turn: u64,
    /// The books were written at a clean end: what lies before them need not be in the server any more.
    ended: bool,
    pub(crate) lost: Lost,
}

/// How often what was lost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lost {
    /// Restarts after a kill.
    pub(crate) restarts: u64,
    /// Of them without the local logs.
    pub(crate) disks: u64,
    /// Kills of the server, while no node ran and under one.
    pub(crate) servers: u64,
}

impl Lost {
    pub(crate) const fn add(&mut self, other: &Self) {
        self.restarts += other.restarts;
        self.disks += other.disks;
        self.servers += other.servers;
    }
}

impl Shared {
    /// A server of a cycle's own.
    pub(crate) fn start(number: u64) -> Self {
        Self { server: RedisServer::start(), turn: number, ended: false, lost: Lost::default() }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// A node was asked for a clean end.
    pub(crate) const fn ended(&mut self) {
        self.ended = true;
    }

    /// A node was killed; in turn the local logs are lost, the server is killed, both, and neither.
    pub(crate) fn after_a_kill(&mut self, folder: &Path) -> Result<(), Failure> {
        let turn = self.turn;
        self.turn += 1;
        self.lost.restarts += 1;
        if turn & 1 == 0 && !self.ended {
            for (account, _) in ACCOUNTS {
                let journal = folder.join("journal").join(account);
                std::fs::remove_dir_all(&journal).map_err(|e| Failure::Refused(format!("{}: {e}", journal.display())))?;
            }
            self.lost.disks += 1;
        }
        if turn & 2 != 0 {
            self.server.kill();
            self.server.restart();
            self.lost.servers += 1;
        }
        Ok(())
    }

    /// Kills the server under a node that trades; it is away for a moment.
    pub(crate) async fn away(&mut self) {
        self.server.kill();
        tokio::time::sleep(AWAY).await;
        self.server.restart();
        self.lost.servers += 1;
    }
}
