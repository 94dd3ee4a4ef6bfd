//! Whether a server can keep a journal: what it does when memory runs out, who it follows, what it writes to its disk.

use std::collections::BTreeMap;

use super::error::CopyError;
use super::link::{Link, Trouble, list, text};
use super::options::{Ack, RedisOptions};

/// The first version that has `WAITAOF`.
const WAITAOF: (u32, u32) = (7, 2);
/// The first version whose scripts and streams are as we use them.
const OLDEST: (u32, u32) = (6, 2);

/// What a server says about itself.
type Facts = BTreeMap<String, String>;

/// Refuses a server that would lose what it was given.
pub(super) fn check(link: &mut Link, options: &RedisOptions) -> Result<(), Refusal> {
    let facts = facts(link)?;
    let fsync = setting(link, "appendfsync")?;
    let pauses = setting(link, "no-appendfsync-on-rewrite")?;
    if let Some((what, advice)) = judge_lease(&facts, setting(link, "min-replicas-to-write")?.as_deref(), options) {
        return Err(Refusal::Unfit { what, advice });
    }
    match judge(&facts, fsync.as_deref(), pauses.as_deref() == Some("yes"), options) {
        Some((what, advice)) => Err(Refusal::Unfit { what, advice }),
        None => Ok(()),
    }
}

/// Why a server is not written to.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It does not answer.
    Trouble(Trouble),
    /// It should not be.
    Unfit { what: String, advice: &'static str },
}

impl From<Trouble> for Refusal {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<Refusal> for CopyError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Trouble(trouble) => trouble.into(),
            Refusal::Unfit { what, advice } => Self::Unfit { what, advice },
        }
    }
}

impl From<Trouble> for CopyError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            // These do not pass by themselves.
            Trouble::Refused { code, text } if matches!(code.as_str(), "NOAUTH" | "WRONGPASS" | "NOPERM") => {
                Self::Unfit { what: text, advice: "check `user` and `password` of `[journal.redis]`, and what the user may do" }
            }
            Trouble::Refused { code, text } if matches!(code.as_str(), "MOVED" | "CROSSSLOT") => {
                Self::Unfit { what: text, advice: "a cluster is not spoken to; use a single primary" }
            }
            other => Self::Away(other.to_string()),
        }
    }
}

fn facts(link: &mut Link) -> Result<Facts, Trouble> {
    let info = link.run(redis::cmd("INFO").arg("everything"))?;
    let info = match &info {
        redis::Value::VerbatimString { text, .. } => text.clone(),
        other => text(other).ok_or_else(|| Trouble::odd("nothing to INFO"))?,
    };
    let pairs = info.lines().filter_map(|line| line.split_once(':'));
    Ok(pairs.map(|(key, value)| (key.to_owned(), value.trim().to_owned())).collect())
}

/// A setting, if we may ask for it: on many servers that others run we may not.
fn setting(link: &mut Link, name: &str) -> Result<Option<String>, Trouble> {
    match link.run(redis::cmd("CONFIG").arg("GET").arg(name)) {
        Ok(answer) => Ok(list(&answer).and_then(|pair| pair.get(1)).and_then(text)),
        Err(Trouble::Refused { .. }) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// What is wrong, and what to change.
fn judge(facts: &Facts, fsync: Option<&str>, pauses: bool, options: &RedisOptions) -> Option<(String, &'static str)> {
    let fact = |key: &str| facts.get(key).map(String::as_str).unwrap_or_default();
    let version = version(fact("redis_version"));
    if version < OLDEST {
        return Some((format!("it is version {}", fact("redis_version")), "run Redis 7.0 or newer"));
    }
    if fact("cluster_enabled") == "1" {
        return Some(("it is part of a cluster".into(), "a cluster is not spoken to; use a single primary"));
    }
    if fact("role") != "master" {
        let primary = format!("it is a replica of {}:{}", fact("master_host"), fact("master_port"));
        return Some((primary, "write the address of the primary"));
    }
    if fact("maxmemory_policy") != "noeviction" {
        let what = format!("maxmemory-policy is {}, so it throws records away", fact("maxmemory_policy"));
        return Some((what, "set `maxmemory-policy noeviction`"));
    }
    if options.ack == Ack::Local {
        return None;
    }
    if fact("aof_enabled") != "1" {
        return Some((
            "appendonly is off, and `ack = \"shared\"` needs it".into(),
            "set `appendonly yes`, or write ack = \"local\"",
        ));
    }
    match fsync {
        Some("always") => (),
        Some(other) => {
            let what = format!("appendfsync is {other}, and `ack = \"shared\"` needs always");
            return Some((what, "set `appendfsync always`, or write ack = \"local\""));
        }
        None => {
            let what = "it does not tell what appendfsync is, and `ack = \"shared\"` needs always".into();
            return Some((what, "allow the user `CONFIG GET`, or write ack = \"local\""));
        }
    }
    if pauses {
        let what = "no-appendfsync-on-rewrite is yes: while it rewrites its file nothing is synced".into();
        return Some((what, "set `no-appendfsync-on-rewrite no`"));
    }
    let replicas: u32 = fact("connected_slaves").parse().unwrap_or(0);
    if (replicas > 0 || options.replicas > 0) && version < WAITAOF {
        let what = format!(
            "it is version {} and has {replicas} replicas: without WAITAOF (7.2) a fail-over loses acknowledged records",
            fact("redis_version")
        );
        return Some((what, "run Redis 7.2 or newer, take the replicas away, or write ack = \"local\""));
    }
    if replicas > options.replicas {
        let what = format!(
            "it has {replicas} replicas and `replicas` is {}: a fail-over would lose acknowledged records",
            options.replicas
        );
        return Some((what, "write `replicas` = how many must have a record on their disks"));
    }
    None
}

/// A primary that its replicas have left goes on by itself: a lease on it would be renewed for ever beside the one on its successor.
fn judge_lease(facts: &Facts, replicas_min: Option<&str>, options: &RedisOptions) -> Option<(String, &'static str)> {
    let replicas: u32 = facts.get("connected_slaves").and_then(|n| n.parse().ok()).unwrap_or(0);
    let alone = options.owner.is_some() && replicas > 0 && replicas_min.is_none_or(|n| n == "0");
    alone.then(|| {
        let what = String::from("it has replicas, and min-replicas-to-write is 0: two primaries could each keep a lease");
        (what, "set `min-replicas-to-write 1` and `min-replicas-max-lag 10`")
    })
}

fn version(text: &str) -> (u32, u32) {
    let mut numbers = text.split('.').map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(changes: &[(&str, &str)], fsync: Option<&str>, options: &RedisOptions) -> String {
        let sound = [
            ("redis_version", "7.0.15"),
            ("cluster_enabled", "0"),
            ("role", "master"),
            ("maxmemory_policy", "noeviction"),
            ("aof_enabled", "1"),
            ("connected_slaves", "0"),
        ];
        let facts = sound.iter().chain(changes).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        judge(&facts, fsync, false, options).map_or_else(|| "fit".to_owned(), |(what, _)| what)
    }

    #[test]
    fn a_server_that_would_lose_records_is_refused() {
        let local = RedisOptions::new("redis://x", "main");
        let shared = RedisOptions { ack: Ack::Shared, ..local.clone() };
        let always = Some("always");
        for options in [&local, &shared] {
            assert_eq!(judged(&[], always, options), "fit");
            assert!(judged(&[("maxmemory_policy", "allkeys-lru")], always, options).contains("allkeys-lru"));
            assert!(judged(&[("role", "slave"), ("master_host", "h")], always, options).contains("a replica of h"));
            assert!(judged(&[("cluster_enabled", "1")], always, options).contains("cluster"));
            assert!(judged(&[("redis_version", "5.0.7")], always, options).contains("5.0.7"));
        }
        for (changes, fsync, told) in [
            (&[("aof_enabled", "0")][..], always, "appendonly is off"),
            (&[], Some("everysec"), "appendfsync is everysec"),
            (&[], None, "does not tell"),
            (&[("connected_slaves", "1")], always, "without WAITAOF"),
            (&[("connected_slaves", "1"), ("redis_version", "7.2.4")], always, "would lose acknowledged"),
        ] {
            assert!(judged(changes, fsync, &shared).contains(told), "{}", judged(changes, fsync, &shared));
            assert_eq!(judged(changes, fsync, &local), "fit");
        }
        let facts = [("redis_version", "7.0.15"), ("role", "master"), ("maxmemory_policy", "noeviction"), ("aof_enabled", "1")];
        let facts = facts.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        assert!(judge(&facts, always, true, &shared).unwrap().0.contains("while it rewrites"));
        assert_eq!(judge(&facts, always, true, &local), None);
        let owned = RedisOptions { owner: exec_core::ids::NodeId::new("n").ok(), ..local.clone() };
        let replicas = [(String::from("connected_slaves"), String::from("1"))].into();
        assert!(judge_lease(&replicas, Some("0"), &owned).is_some());
        assert_eq!(judge_lease(&replicas, Some("1"), &owned), None);
        assert_eq!(judge_lease(&replicas, Some("0"), &local), None);
        let replicated = RedisOptions { replicas: 1, ..shared };
        assert_eq!(judged(&[("connected_slaves", "1"), ("redis_version", "8.0.0")], always, &replicated), "fit");
        assert!(judged(&[], always, &replicated).contains("without WAITAOF"));
    }
}
