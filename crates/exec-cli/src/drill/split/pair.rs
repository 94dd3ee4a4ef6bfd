//! Two nodes for one account, with an exchange and a Redis server of their own, and what is waited for between them.

use super::{
    scale::{ACCOUNT, FIRST, SECOND, Scale},
    way::RedisWay,
};
use crate::{
    drill::audit::TAG,
    failure::Failure,
    play::{
        child::{Child, Role, Setting, write_config},
        stage::Exchange,
    },
};
use exchange_sim::face::RequestRow;
use exec_testkit::redis_server::RedisServer;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::{Instant, sleep};

pub(super) const POLL: Duration = Duration::from_millis(3);
/// How long anything is waited for, besides what the lease takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Where new orders arrive.
const NEW: [&str; 2] = ["/fapi/v1/order", "/fapi/v1/algoOrder"];

pub(super) struct Pair {
    pub(super) exchange: Exchange,
    pub(super) redis: RedisServer,
    pub(super) way: RedisWay,
    pub(super) scale: Scale,
    folder: PathBuf,
    configs: [PathBuf; 2],
}

impl Pair {
    /// Opens the exchange, the server and the way to it, and writes a config for each node: of another name and another folder.
    pub(super) async fn open(number: u64, folder: &Path, scale: Scale, delayed: bool) -> Result<Self, Failure> {
        let set_up = |mut config: exchange_sim::face::FaceConfig| {
            config.keep_requests = true;
            config.with_further_key(FIRST.key, SECOND.key, SECOND.secret)
        };
        let exchange = Exchange::open_with(number, scale.tempo(), &[FIRST], set_up).await?;
        let redis = RedisServer::start();
        let way = RedisWay::open(redis.port()).await?;
        let mut configs = Vec::new();
        for (node, name, owner, url) in [(1, "a", FIRST, way.url()), (2, "b", SECOND, redis.url())] {
            let lease = Some(scale.lease(node, delayed));
            let setting = Setting { tag: TAG, strategy: "drill", sweep_interval_secs: 5, shared: Some(url), lease };
            let role = Role { account: ACCOUNT, owner, seed: number, steps: u32::MAX };
            configs.push(write_config(&folder.join(name), &exchange, &setting, &[role])?);
        }
        let configs = <[PathBuf; 2]>::try_from(configs).map_err(|_| Failure::Refused("there are two nodes".to_owned()))?;
        Ok(Self { exchange, redis, way, scale, folder: folder.to_owned(), configs })
    }

    /// Starts the first node; with a word for it where it is to stand still.
    pub(super) fn start_first(&self, word: Option<&str>) -> Result<Child, Failure> {
        let surroundings = word.map(|word| (crate::drill::killer::VARIABLE, word));
        Child::start(&self.configs[0], surroundings.as_slice())
    }

    pub(super) fn start_second(&self) -> Result<Child, Failure> {
        Child::start(&self.configs[1], &[])
    }

    pub(super) fn journal(&self, node: &str) -> PathBuf {
        self.folder.join(node).join("journal").join(ACCOUNT)
    }

    pub(super) fn log(&self, node: &str) -> String {
        std::fs::read_to_string(self.folder.join(node).join("node.log")).unwrap_or_default()
    }

    pub(super) fn requests(&self) -> Vec<RequestRow> {
        self.exchange.server.face().requests()
    }

    /// How many orders of a key were accepted.
    pub(super) fn accepted(&self, key: &str) -> usize {
        let new = |row: &&RequestRow| row.method == "POST" && NEW.contains(&row.path.as_str()) && row.took_effect();
        self.requests().iter().filter(|row| row.key == key).filter(new).count()
    }

    /// Waits until something is so, while a node lives.
    pub(super) async fn until(
        &self,
        what: &str,
        within: Duration,
        node: &mut Child,
        mut so: impl FnMut() -> bool,
    ) -> Result<(), Failure> {
        let begun = Instant::now();
        while !so() {
            if let Some(status) = node.process.try_wait().map_err(|error| Failure::Refused(error.to_string()))? {
                return Err(node.died(status));
            }
            if begun.elapsed() > within {
                return Err(Failure::NoAnswer(format!("{what}: not within {} s", within.as_secs())));
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    /// How long a successor may take: two leases, as where nobody knows the one before, the margin, and its start.
    pub(super) fn take_over_within(&self) -> Duration {
        self.scale.scaled(60_000) + PATIENCE
    }
}
