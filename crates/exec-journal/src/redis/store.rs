//! What stands in an account's keys, and how it is changed. It decides nothing: it says what the server answered.

use std::time::Duration;

use redis::Value;

use super::chain::{self, Chain};
use super::link::{Link, Trouble, bytes, list, text};
use super::options::RedisOptions;
use super::scripts;
use crate::log::RecordRef;

/// The form of the keys and of what stands in them.
const FORMAT: &str = "1";
/// Entries that one reading asks for.
const READ: usize = 1_000;
/// How long a snapshot may take on its way, besides.
const SNAPSHOT_TIME: Duration = Duration::from_secs(10);

/// Who writes: the epoch of this life, and a word that no other life has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Writer {
    pub epoch: u64,
    pub word: String,
}

/// The names of an account's keys. They lie in one slot.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    lease: String,
    head: String,
    meta: String,
    stream: String,
    snapshot: String,
    events: String,
    account: String,
    environment: String,
}

impl Keys {
    pub(super) fn of(options: &RedisOptions) -> Self {
        let key = |of: &str| format!("{{{}:{}}}:{of}", options.key_prefix, options.account);
        Self {
            lease: key("lease"),
            head: key("h"),
            meta: key("meta"),
            stream: key("j"),
            snapshot: key("snap:"),
            events: key("events"),
            account: options.account.clone(),
            environment: options.environment.clone(),
        }
    }
}

impl Keys {
    pub(super) fn lease(&self) -> &str {
        &self.lease
    }

    pub(super) fn events(&self) -> &str {
        &self.events
    }
}

/// How far the copy is, and the digest of it all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub seq: u64,
    pub chain: Chain,
}

/// What an account's keys hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub epoch: u64,
    /// Who has the lease, or had it last.
    pub owner: Option<String>,
    /// For how many more milliseconds it stands.
    pub held_ms: u64,
    /// `None`: there is no copy.
    pub head: Option<Head>,
    /// Last record of the newest snapshot.
    pub snapshot: Option<u64>,
    /// First record of the stream.
    pub first: Option<u64>,
    /// Whose keys these are, where it is not us.
    pub foreign: Option<String>,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// It is done, now or before.
    Ok,
    /// Somebody has taken over.
    Fenced(u64),
    /// The server does not know our epoch, or is not at the record we believed: look again.
    Lost,
}

/// A record as the stream holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub seq: u64,
    pub kind: u16,
    pub version: u8,
    pub payload: Vec<u8>,
    pub group_ends: bool,
    pub chain: Chain,
}

impl Entry {
    pub(super) fn record(&self) -> RecordRef<'_> {
        RecordRef { kind: self.kind, version: self.version, payload: &self.payload }
    }
}

/// An account's keys behind a connection.
pub(super) struct Store {
    link: Link,
    keys: Keys,
    replicas: u32,
    timeout: Duration,
}

impl Store {
    pub(super) fn open(options: &RedisOptions) -> Result<Self, Trouble> {
        let (keys, replicas, timeout) = (Keys::of(options), options.replicas, options.timeout);
        Ok(Self { link: Link::open(options)?, keys, replicas, timeout })
    }

    pub(super) fn link(&mut self) -> &mut Link {
        &mut self.link
    }

    pub(super) fn look(&mut self) -> Result<Found, Trouble> {
        let Keys { lease, head, meta, stream, .. } = &self.keys;
        let answer = self.link.script(&scripts::LOOK, &[lease, head, meta, stream], &[])?;
        found(&answer, &self.keys).ok_or_else(|| Trouble::odd("keys that are not a journal's"))
    }

    /// Makes this life the only one that may write.
    pub(super) fn claim(&mut self, writer: &Writer) -> Result<Done, Trouble> {
        let Keys { lease, head, meta, stream, account, environment, .. } = &self.keys;
        let epoch = writer.epoch.to_string();
        let arguments = [&epoch, &writer.word, FORMAT, account, environment].map(str::as_bytes);
        done(&self.link.script(&scripts::CLAIM, &[lease, head, meta, stream], &arguments)?)
    }

    /// Puts records behind all others, together or not at all. `chains` has the chain before the first and behind each.
    /// Without records it only asks whether we are in step.
    pub(super) fn append(&mut self, writer: &Writer, before: &Head, batch: &Batch) -> Result<Done, Trouble> {
        let first = (before.seq + 1).to_string();
        let epoch = writer.epoch.to_string();
        let mut arguments: Vec<&[u8]> = vec![epoch.as_bytes(), writer.word.as_bytes(), first.as_bytes(), &before.chain];
        for (record, chain) in &batch.records {
            arguments.push(record);
            arguments.push(chain);
        }
        let Keys { lease, head, stream, .. } = &self.keys;
        let appended = done(&self.link.script(&scripts::APPEND, &[lease, head, stream], &arguments)?)?;
        if appended == Done::Ok && self.replicas > 0 {
            self.wait_for_disks()?;
        }
        Ok(appended)
    }

    /// Waits until the newest change is on the disk of the primary and of so many replicas.
    fn wait_for_disks(&mut self) -> Result<(), Trouble> {
        let ms = u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX);
        let mut command = redis::cmd("WAITAOF");
        command.arg(1).arg(self.replicas).arg(ms);
        let answer = self.link.run_for(&command, self.timeout)?;
        let counts: Option<Vec<u32>> = list(&answer).map(|all| all.iter().filter_map(|n| text(n)?.parse().ok()).collect());
        match counts.as_deref() {
            Some([own, replicas]) if *own >= 1 && *replicas >= self.replicas => Ok(()),
            Some([own, replicas]) => {
                let text = format!("{own} of 1 and {replicas} of {} disks have the record", self.replicas);
                Err(Trouble::Refused { code: String::from("WAITAOF"), text })
            }
            _ => Err(Trouble::odd("nothing to WAITAOF")),
        }
    }

    /// Begins the copy anew, behind a snapshot or with nothing, if what is there still is `seen`.
    pub(super) fn seed(&mut self, writer: &Writer, seen: Option<&Head>, begin: &Head, snapshot: &[u8]) -> Result<Done, Trouble> {
        let (epoch, seq) = (writer.epoch.to_string(), begin.seq.to_string());
        let seen_seq = seen.map(|head| head.seq.to_string()).unwrap_or_default();
        let seen_chain: &[u8] = seen.map_or(&[], |head| &head.chain);
        let Keys { lease, head, stream, snapshot: names, .. } = &self.keys;
        let arguments: [&[u8]; 8] = [
            epoch.as_bytes(),
            writer.word.as_bytes(),
            seen_seq.as_bytes(),
            seen_chain,
            seq.as_bytes(),
            &begin.chain,
            names.as_bytes(),
            snapshot,
        ];
        done(&self.link.script(&scripts::SEED, &[lease, head, stream], &arguments)?)
    }

    /// Stores a snapshot, and lets go of the records that two snapshots cover.
    pub(super) fn keep(&mut self, writer: &Writer, seq: u64, snapshot: &[u8]) -> Result<Done, Trouble> {
        let (epoch, seq) = (writer.epoch.to_string(), seq.to_string());
        let Keys { lease, head, stream, snapshot: names, .. } = &self.keys;
        let arguments: [&[u8]; 5] = [epoch.as_bytes(), writer.word.as_bytes(), seq.as_bytes(), names.as_bytes(), snapshot];
        done(&self.link.script(&scripts::SNAPSHOT, &[lease, head, stream], &arguments)?)
    }

    /// The snapshot behind this record, if it is there.
    pub(super) fn snapshot(&mut self, seq: u64) -> Result<Option<Vec<u8>>, Trouble> {
        let mut command = redis::cmd("GET");
        command.arg(format!("{}{seq}", self.keys.snapshot));
        Ok(bytes(&self.link.run_for(&command, SNAPSHOT_TIME)?).map(<[u8]>::to_vec))
    }

    /// Entries from this record on, at most so many as one reading gives; none behind the last.
    pub(super) fn entries(&mut self, from: u64) -> Result<Vec<Entry>, Trouble> {
        self.range(from, "+", READ)
    }

    /// One entry.
    pub(super) fn entry(&mut self, seq: u64) -> Result<Option<Entry>, Trouble> {
        Ok(self.range(seq, &format!("{seq}-1"), 1)?.pop())
    }

    fn range(&mut self, from: u64, to: &str, count: usize) -> Result<Vec<Entry>, Trouble> {
        let mut command = redis::cmd("XRANGE");
        command.arg(&self.keys.stream).arg(format!("{from}-0")).arg(to).arg("COUNT").arg(count);
        let answer = self.link.run(&command)?;
        let entries = list(&answer).and_then(|all| all.iter().map(entry).collect());
        entries.ok_or_else(|| Trouble::odd("a stream that is not a journal's"))
    }
}

/// Records on their way, each with the chain behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Batch {
    pub records: Vec<(Vec<u8>, Chain)>,
    pub bytes: usize,
    /// Records up to the end of the last whole group.
    pub whole: usize,
}

impl Batch {
    /// Adds the next record; `head` is where the batch ends.
    pub(super) fn push(&mut self, head: &mut Head, record: &RecordRef<'_>, group_ends: bool) {
        head.seq += 1;
        head.chain = chain::next(&head.chain, head.seq, record);
        let encoded = chain::encode(record, group_ends);
        self.bytes += encoded.len();
        self.records.push((encoded, head.chain));
        if group_ends {
            self.whole = self.records.len();
        }
    }
}

fn found(answer: &Value, keys: &Keys) -> Option<Found> {
    let all = list(answer)?;
    let word = |at: usize| all.get(at).and_then(text);
    let number = |at: usize| word(at).filter(|word| !word.is_empty()).map(|word| word.parse::<u64>().ok());
    let head = match number(4) {
        Some(seq) => Some(Head { seq: seq?, chain: bytes(all.get(5)?)?.try_into().ok()? }),
        None => None,
    };
    let expires = number(2).flatten();
    let held_ms = expires.zip(number(3).flatten()).map_or(0, |(until, now)| until.saturating_sub(now));
    let ours = [FORMAT, &keys.account, &keys.environment];
    let theirs = [word(8)?, word(9)?, word(10)?];
    let foreign = match theirs.iter().all(String::is_empty) {
        true => head.map(|_| String::from("the keys in redis are not a journal's")),
        false if ours == theirs => None,
        false => {
            let [format, account, environment] = theirs;
            Some(format!("the keys in redis belong to account {account}, environment `{environment}`, format {format}"))
        }
    };
    let first = word(11).filter(|id| !id.is_empty()).map(|id| seq_of(&id));
    Some(Found {
        epoch: number(0).flatten().unwrap_or(0),
        owner: word(1).filter(|owner| !owner.is_empty()),
        held_ms,
        head,
        snapshot: number(6).flatten(),
        first: match first {
            Some(seq) => Some(seq?),
            None => None,
        },
        foreign,
    })
}

fn seq_of(id: &str) -> Option<u64> {
    id.strip_suffix("-1")?.parse().ok()
}

fn entry(value: &Value) -> Option<Entry> {
    let [id, fields] = list(value)? else { return None };
    let fields = list(fields)?;
    let field = |name: &[u8]| {
        let pair = fields.chunks_exact(2).find(|pair| pair.first().and_then(bytes) == Some(name))?;
        pair.get(1).and_then(bytes)
    };
    let (record, group_ends) = chain::decode(field(b"r")?)?;
    Some(Entry {
        seq: seq_of(&text(id)?)?,
        kind: record.kind,
        version: record.version,
        payload: record.payload.to_vec(),
        group_ends,
        chain: field(b"c")?.try_into().ok()?,
    })
}

fn done(answer: &Value) -> Result<Done, Trouble> {
    let words: Vec<String> = list(answer).map(|all| all.iter().filter_map(text).collect()).unwrap_or_default();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["OK" | "DUP"] => Ok(Done::Ok),
        ["FENCED", epoch] => Ok(Done::Fenced(epoch.parse().unwrap_or(u64::MAX))),
        ["GAP" | "FORGOT" | "FOREIGN", ..] => Ok(Done::Lost),
        other => Err(Trouble::odd(format!("{other:?} to a script"))),
    }
}

#[cfg(test)]
mod tests;
