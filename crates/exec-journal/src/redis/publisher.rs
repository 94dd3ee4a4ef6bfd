//! Tells consumers what the copy of a journal holds: one thread for each journal, behind the copy, which alone waits for the stream. It
//! keeps no cursor: where the stream ends is where it goes on. What it does not have in memory it reads back from the local log.

use std::sync::Arc;

use exec_core::feed::{EventId, Teller, Told};
use exec_core::ids::Seq;
use exec_core::record::Record;
use exec_core::snapshot::Snapshot;

use super::halt::{Halt, Pause};
use super::link::{Link, Trouble, list, text};
use super::options::RedisOptions;
use super::outlet::Outlet;
use super::pending::Waiting;
use super::scripts;
use super::source::{Nothing, Source};
use super::store::Keys;
use crate::error::OpenError;
use crate::log::RecordRef;

/// Events and bytes of one script, unless a single record tells more.
const BATCH_EVENTS: usize = 256;
const BATCH_BYTES: usize = 256 * 1024;

/// Events on their way.
#[derive(Default)]
struct Batch {
    events: Vec<(Told, String)>,
    bytes: usize,
}

impl Batch {
    fn push(&mut self, told: Told, sum: &str) {
        self.bytes += told.json.len();
        self.events.push((told, sum.to_owned()));
    }
    fn last(&self) -> Option<EventId> {
        self.events.last().map(|(told, _)| told.id)
    }
    fn is_full(&self) -> bool {
        self.events.len() >= BATCH_EVENTS || self.bytes >= BATCH_BYTES
    }
}

/// See the module.
pub(super) struct Publisher {
    options: RedisOptions,
    key: String,
    most: u64,
    source: Box<dyn Source>,
    outlet: Arc<Outlet>,
    teller: Box<dyn Teller>,
    link: Option<Link>,
    /// The last event that is known to be in the stream; `None`: nobody has asked yet.
    sent: Option<EventId>,
    /// The last record that the teller has read.
    read: Option<u64>,
    batch: Batch,
    waiting: Waiting,
    troubled: bool,
}

impl Publisher {
    pub(super) fn new(
        options: &RedisOptions,
        most: u64,
        source: Box<dyn Source>,
        outlet: Arc<Outlet>,
        teller: Box<dyn Teller>,
    ) -> Self {
        Self {
            key: Keys::of(options).events().to_owned(),
            options: options.clone(),
            // The server counts with a sign.
            most: most.clamp(1, i64::MAX.unsigned_abs()),
            source,
            outlet,
            teller,
            link: None,
            sent: None,
            read: None,
            batch: Batch::default(),
            waiting: Waiting::default(),
            troubled: false,
        }
    }

    /// Tells until the end is asked for.
    pub(super) fn run(mut self) {
        let mut pause = Pause::new();
        while let Some(until) = self.outlet.wait() {
            match self.turn(until) {
                Ok(()) => {
                    pause.over();
                    self.outlet.away(false);
                    if std::mem::take(&mut self.troubled) {
                        tracing::info!(account = %self.options.account, "consumers are told again");
                    }
                }
                Err(Halt::Local(why)) if self.link.is_some() => {
                    let (rest, lasts) = pause.next_local();
                    if lasts && !std::mem::replace(&mut self.troubled, true) {
                        tracing::warn!(account = %self.options.account, %why, "consumers wait for the local journal; no event is lost");
                    }
                    self.outlet.rest(rest);
                }
                Err(Halt::Again(why) | Halt::Local(why)) => {
                    self.link = None;
                    self.outlet.away(true);
                    if !std::mem::replace(&mut self.troubled, true) {
                        tracing::warn!(account = %self.options.account, %why, "redis does not take events; it is tried again, and none is lost");
                    }
                    self.outlet.rest(pause.next());
                }
                Err(Halt::Failed(why)) => {
                    tracing::error!(account = %self.options.account, %why, "consumers are told nothing more in this run");
                    return;
                }
            }
        }
        let left = self.outlet.lag().records;
        if left > 0 {
            tracing::warn!(account = %self.options.account, records = left, "the last records are told at the next start");
        }
    }

    fn turn(&mut self, until: u64) -> Result<(), Halt> {
        if self.link.is_none() {
            self.join()?;
        }
        while let Some(read) = self.read.filter(|read| *read < until) {
            if self.waiting.last().is_none_or(|last| last <= read) {
                self.waiting.clear();
                self.outlet.take(&mut self.waiting);
            }
            let waiting = std::mem::take(&mut self.waiting);
            let told = if waiting.get(read + 1).is_some() { self.tell_waiting(&waiting, until) } else { self.tell_logged(until) };
            self.waiting = waiting;
            told?;
            self.send()?;
            if self.read == Some(read) {
                return Err(Halt::Local(String::from("the local journal does not have the next record yet")));
            }
        }
        self.send()
    }

    fn tell_waiting(&mut self, waiting: &Waiting, until: u64) -> Result<(), Halt> {
        while let Some(next) = self.read.map(|read| read + 1).filter(|next| *next <= until) {
            let Some((record, _)) = waiting.get(next) else { return Ok(()) };
            self.tell(next, &record)?;
            if self.batch.is_full() {
                self.send()?;
            }
        }
        Ok(())
    }

    fn tell_logged(&mut self, until: u64) -> Result<(), Halt> {
        self.read_log(until, true)
    }

    /// Reads records up to this one back, and tells of them or only learns them.
    fn read_log(&mut self, until: u64, tell: bool) -> Result<(), Halt> {
        let from = self.read.map_or(1, |read| read + 1);
        let mut halted = None;
        // Taken out, because what is read is sent while it is read.
        let mut source = std::mem::replace(&mut self.source, Box::new(Nothing));
        let read = source.read(from, &mut |seq, record, _| {
            if seq > until {
                return false;
            }
            let told = if tell { self.tell(seq, record) } else { self.learn(seq, record, &mut |_| ()) };
            let sent = told.and_then(|()| if self.batch.is_full() { self.send() } else { Ok(()) });
            halted = sent.err();
            halted.is_none() && seq < until
        });
        self.source = source;
        match (halted, read) {
            (Some(halt), _) => Err(halt),
            // So far is the stream behind that the local log has let go of what it lacks.
            (None, Err(OpenError::Dropped { asked, .. })) => self.begin_behind(asked - 1),
            (None, read) => Ok(read?),
        }
    }

    fn tell(&mut self, seq: u64, record: &RecordRef<'_>) -> Result<(), Halt> {
        let sum = sum(record);
        let mut batch = std::mem::take(&mut self.batch);
        let learned = self.learn(seq, record, &mut |told| batch.push(told, &sum));
        self.batch = batch;
        learned
    }

    fn learn(&mut self, seq: u64, record: &RecordRef<'_>, tell: &mut dyn FnMut(Told)) -> Result<(), Halt> {
        let record = Record::decode(record.kind, record.version, record.payload);
        let record = record.map_err(|error| Halt::Failed(format!("record {seq}: {error}")))?;
        self.teller.read(Seq(seq), &record, tell).map_err(|error| Halt::Failed(error.to_string()))?;
        self.read = Some(seq);
        Ok(())
    }

    /// Connects, and goes on where the stream ends.
    fn join(&mut self) -> Result<(), Halt> {
        let mut link = Link::open(&self.options)?;
        let answer = link.script(&scripts::TELL, &[&self.key], &[b"", self.most.to_string().as_bytes()])?;
        let last = match words(&answer).as_slice() {
            [at, id] if at == "AT" => EventId::read(id),
            _ => None,
        };
        let last = last.ok_or_else(|| Halt::Again(format!("{} is not a stream of events", self.key)))?;
        if self.sent != Some(last) {
            if self.sent.is_some() && self.batch.last() == Some(last) {
                // The answer was lost, and what was sent has arrived.
                self.batch = Batch::default();
            } else {
                self.batch = Batch::default();
                if last.seq > 0 {
                    self.is_ours(&mut link, last)?;
                }
                self.begin_behind(last.seq)?;
            }
            self.sent = Some(last);
        }
        self.link = Some(link);
        Ok(())
    }

    /// Refuses to go on behind events that other records have told.
    fn is_ours(&mut self, link: &mut Link, last: EventId) -> Result<(), Halt> {
        let other = || {
            Halt::Again(format!(
                "{} holds events up to {last} that other records have told than those of this journal; if the account has begun anew, \
                 delete that key, and consumers begin anew, too",
                self.key
            ))
        };
        if last.seq > self.source.span()?.1 {
            return Err(other());
        }
        let mut entry = redis::cmd("XRANGE");
        entry.arg(&self.key).arg(last.to_string()).arg(last.to_string());
        let entry = link.run(&entry)?;
        let told =
            list(&entry).and_then(<[_]>::first).and_then(list).and_then(|entry| entry.get(1)).map(words).unwrap_or_default();
        let told = told.chunks_exact(2).find_map(|pair| (pair[0] == "sum").then(|| pair[1].clone()));
        let mut ours = None;
        let read = self.source.read(last.seq, &mut |seq, record, _| {
            ours = (seq == last.seq).then(|| sum(record));
            false
        });
        match read {
            Ok(()) | Err(OpenError::Dropped { .. }) => (),
            Err(error) => return Err(error.into()),
        }
        match (told, ours) {
            // Of what is missing there is no digest, and what is dropped cannot be compared.
            (Some(told), Some(ours)) if last.n > 0 && told != ours => Err(other()),
            _ => Ok(()),
        }
    }

    /// Brings the teller behind a record; where nothing is left that leads there, behind the first that can be had, and that is told.
    fn begin_behind(&mut self, seq: u64) -> Result<(), Halt> {
        let (first, _) = self.source.span()?;
        let mut snapshots = self.source.snapshots()?;
        snapshots.retain(|at| at + 1 >= first);
        let before = snapshots.iter().rev().find(|at| **at <= seq).copied();
        let begin = match (before, first) {
            (Some(at), _) => Some(at),
            (None, 0 | 1) => None,
            (None, _) => match snapshots.first() {
                Some(at) => Some(*at),
                None => return Err(Halt::Local(String::from("the local journal has neither its first record nor a snapshot"))),
            },
        };
        let snapshot = begin.map(|at| self.source.snapshot(at)).transpose()?;
        let decoded = snapshot.map(|snapshot| Snapshot::decode(&snapshot.bytes)).transpose();
        self.teller.begin(decoded.map_err(|error| Halt::Failed(error.to_string()))?);
        let begun = begin.unwrap_or(0);
        self.read = Some(begun);
        if begun > seq {
            let told = self.teller.gap(Seq(seq), Seq(begun));
            tracing::warn!(account = %self.options.account, after = seq, until = begun, "the journal has let go of records that consumers were not told of");
            self.batch.push(told, "");
            return Ok(());
        }
        if begun < seq { self.read_log(seq, false) } else { Ok(()) }
    }

    /// Sends what has come together. Where its outcome is not known the next connection looks where the stream ends.
    fn send(&mut self) -> Result<(), Halt> {
        if self.outlet.is_over() {
            return Err(Halt::Again(String::from("the node ends")));
        }
        if let (Some(last), Some(sent)) = (self.batch.last(), self.sent) {
            let Some(link) = self.link.as_mut() else { return Err(Halt::Again(String::from("there is no connection"))) };
            let fixed = [sent.to_string(), self.most.to_string()];
            let ids: Vec<String> = self.batch.events.iter().map(|(told, _)| told.id.to_string()).collect();
            let mut arguments: Vec<&[u8]> = fixed.iter().map(String::as_bytes).collect();
            for ((told, sum), id) in self.batch.events.iter().zip(&ids) {
                arguments.extend([id.as_bytes(), told.kind.as_bytes(), sum.as_bytes(), told.json.as_bytes()]);
            }
            let answer = link.script(&scripts::TELL, &[&self.key], &arguments)?;
            match words(&answer).as_slice() {
                [ok] if ok == "OK" => (),
                [at, id] if at == "AT" => return Err(Halt::Again(format!("the stream ends at {id}, and not at {sent}"))),
                other => return Err(Trouble::odd(format!("{other:?} to a script")).into()),
            }
            self.sent = Some(last);
            self.batch = Batch::default();
        }
        if let Some(read) = self.read {
            self.outlet.told(read);
        }
        Ok(())
    }
}

fn words(answer: &redis::Value) -> Vec<String> {
    list(answer).map(|all| all.iter().map(|one| text(one).unwrap_or_default()).collect()).unwrap_or_default()
}

/// A digest by which a record is known again.
fn sum(record: &RecordRef<'_>) -> String {
    let sum = crc32c::crc32c_append(crc32c::crc32c(&record.kind.to_le_bytes()), &[record.version]);
    format!("{:08x}", crc32c::crc32c_append(sum, record.payload))
}
