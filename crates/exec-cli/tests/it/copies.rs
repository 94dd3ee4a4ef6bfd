//! A node whose journal has a copy on Redis: what a machine that has nothing finds there, and what a start says without it.
#![cfg(feature = "redis")]

use crate::{
    ends::{orders, submit},
    surroundings::{Node, Sim, code, err, json, out, run},
};
use exec_testkit::redis_server::RedisServer;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A config in a folder of its own, as of another machine.
pub(crate) fn machine(sim: &Sim, folder: &Path, url: &str, ack: &str) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    let path = sim.config(folder);
    let text = fs::read_to_string(&path).unwrap().replace("cancel_all", "leave");
    let journal = format!("[journal]\nkind = \"redis\"\n[journal.redis]\nurl = \"{url}\"\nack = \"{ack}\"\n[execution]");
    fs::write(&path, text.replacen("[execution]", &journal, 1)).unwrap();
    path
}

fn resting(config: &str) -> Vec<String> {
    orders(config).iter().map(|order| order["intent"].to_string()).collect()
}

#[test]
fn an_account_goes_on_where_nothing_is_but_redis() {
    let (sim, server, folder) = (Sim::start(), RedisServer::start(), tempfile::tempdir().unwrap());
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let config = machine(&sim, &one, &server.url(), "shared");
    let config = config.to_str().unwrap();
    let node = Node::start(config, &one);
    submit(config, &["--side", "buy", "--qty", "0.1", "--price", "2450", "--tif", "gtx"]);
    let had = resting(config);
    assert_eq!(had.len(), 1);
    let copy = &json(&run(&["status", "-c", config, "--json"]))["journal"]["copy"];
    assert!(copy["too_far"] == false, "{copy}");
    // The machine is lost: its process and its disk.
    drop(node);
    fs::remove_dir_all(one.join("journal")).unwrap();
    let config = machine(&sim, &two, &server.url(), "shared");
    let config = config.to_str().unwrap();
    let _node = Node::start(config, &two);
    assert_eq!(resting(config), had);
}

#[test]
fn without_redis_a_start_says_so_and_the_check_says_what_is_lost() {
    let (sim, mut server, folder) = (Sim::start(), RedisServer::start(), tempfile::tempdir().unwrap());
    let config = machine(&sim, folder.path(), &server.url(), "local");
    let config = config.to_str().unwrap();
    let check = run(&["check", "-c", config]);
    assert!(
        code(&check) == 0 && out(&check).contains("# what Redis does not have yet is lost with this machine"),
        "{}",
        out(&check)
    );
    server.kill();
    let refused = run(&["run", "-c", config]);
    assert_eq!(code(&refused), 3, "{}", err(&refused));
    assert!(err(&refused).contains("account main: redis does not answer ("), "{}", err(&refused));
    server.restart();
    server.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let refused = run(&["run", "-c", config]);
    assert_eq!(code(&refused), 1, "{}", err(&refused));
    assert!(err(&refused).contains("set `maxmemory-policy noeviction`"), "{}", err(&refused));
}
