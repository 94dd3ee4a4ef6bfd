//! Reads an account's events from Redis, alone or as a member of a group. It knows nothing of what they say, and it never skips
//! silently: what the stream does not hold any more is told as missing.

use std::time::Duration;

use exec_core::feed::EventId;
use redis::Value;

use super::link::{Link, Trouble, list, text};
use super::options::{Address, RedisOptions};
use super::store::Keys;

/// Entries that one reading asks for.
const READ: usize = 200;

/// Why events cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// No connection, or no answer. Trying again may help.
    #[error("redis does not answer: {0}")]
    Away(String),
    /// The server says no.
    #[error("redis refuses: {0}")]
    Refused(String),
    /// The key holds something else.
    #[error("{0} does not hold an account's events")]
    Foreign(String),
}

impl StreamError {
    fn of(trouble: Trouble, key: &str) -> Self {
        match trouble {
            Trouble::Refused { code, .. } if code == "WRONGTYPE" => Self::Foreign(key.to_owned()),
            // These end by themselves.
            Trouble::Refused { code, text } if ["LOADING", "MASTERDOWN", "BUSY", "TRYAGAIN"].contains(&code.as_str()) => {
                Self::Away(text)
            }
            Trouble::Refused { text, .. } => Self::Refused(text),
            other => Self::Away(other.to_string()),
        }
    }
}

/// An event as it stands in the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamedEvent {
    /// Its name.
    pub id: EventId,
    /// The event before it, which whoever has read it has missed nothing.
    pub prev: EventId,
    /// Its kind.
    pub kind: String,
    /// All of it.
    pub json: String,
}

/// What a group has missed, if anything: the last event that it was given, and the last that it was not.
pub type Missed = Option<(EventId, EventId)>;

/// One account's events.
pub struct EventStream {
    link: Link,
    key: String,
}

impl EventStream {
    /// Connects.
    ///
    /// # Errors
    /// [`StreamError`].
    pub fn open(options: &RedisOptions) -> Result<Self, StreamError> {
        let key = Keys::of(options).events().to_owned();
        Address::read(&options.url).map_err(|error| StreamError::Refused(format!("the address of redis {error}")))?;
        let link = Link::open(options).map_err(|trouble| StreamError::of(trouble, &key))?;
        Ok(Self { link, key })
    }

    /// The name of the stream.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The event that came last; `None`: none ever came.
    ///
    /// # Errors
    /// [`StreamError`].
    pub fn last(&mut self) -> Result<Option<EventId>, StreamError> {
        let mut command = redis::cmd("XREVRANGE");
        command.arg(&self.key).arg("+").arg("-").arg("COUNT").arg(1);
        let answer = self.run(&command, Duration::ZERO)?;
        Ok(self.entries(&answer)?.pop().map(|event| event.id))
    }

    /// Events behind this one, in order; waits for the first so long at most. [`EventId::default`] stands before all. The first that is
    /// given tells by its `prev` whether others are missing before it.
    ///
    /// # Errors
    /// [`StreamError`].
    pub fn read(&mut self, after: EventId, wait: Duration) -> Result<Vec<StreamedEvent>, StreamError> {
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(READ).arg("BLOCK").arg(millis(wait)).arg("STREAMS").arg(&self.key).arg(after.to_string());
        let answer = self.run(&command, wait)?;
        self.streamed(&answer)
    }

    /// Makes a group that begins with the oldest event that is kept, if there is none of this name.
    ///
    /// # Errors
    /// [`StreamError`].
    pub fn make_group(&mut self, group: &str) -> Result<(), StreamError> {
        let mut command = redis::cmd("XGROUP");
        command.arg("CREATE").arg(&self.key).arg(group).arg("0").arg("MKSTREAM");
        match self.link.run(&command) {
            Ok(_) => Ok(()),
            Err(Trouble::Refused { code, .. }) if code == "BUSYGROUP" => Ok(()),
            Err(trouble) => Err(StreamError::of(trouble, &self.key)),
        }
    }

    /// What a member of a group was given and has not acknowledged, in order: after a crash it is the first to be done. Behind this one.
    ///
    /// # Errors
    /// [`StreamError`].
    pub fn read_unacknowledged(&mut self, group: &str, member: &str, after: EventId) -> Result<Vec<StreamedEvent>, StreamError> {
        let answer = self.read_group(group, member, &after.to_string(), Duration::ZERO)?;
        self.streamed(&answer)
    }

    /// The next events of a group for one of its members; waits for the first so long at most. With them: which events the group has
    /// missed before them, because the stream did not hold them any more, as the last that it was given and the last that it was not.
    ///
    /// # Errors
    /// [`StreamError`].
    pub fn read_as_member(
        &mut self,
        group: &str,
        member: &str,
        wait: Duration,
    ) -> Result<(Missed, Vec<StreamedEvent>), StreamError> {
        let given = self.given_last(group)?;
        let answer = self.read_group(group, member, ">", wait)?;
        let events = self.streamed(&answer)?;
        let missed = match (events.first(), given) {
            (Some(first), Some(given)) if first.prev > given && !self.has(first.prev)? => Some((given, first.prev)),
            _ => None,
        };
        Ok((missed, events))
    }

    /// Says that these are done with.
    ///
    /// # Errors
    /// [`StreamError`].
    pub fn acknowledge(&mut self, group: &str, ids: &[EventId]) -> Result<(), StreamError> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut command = redis::cmd("XACK");
        command.arg(&self.key).arg(group);
        for id in ids {
            command.arg(id.to_string());
        }
        self.run(&command, Duration::ZERO).map(drop)
    }

    fn read_group(&mut self, group: &str, member: &str, from: &str, wait: Duration) -> Result<Value, StreamError> {
        let mut command = redis::cmd("XREADGROUP");
        command.arg("GROUP").arg(group).arg(member).arg("COUNT").arg(READ);
        if !wait.is_zero() {
            command.arg("BLOCK").arg(millis(wait));
        }
        command.arg("STREAMS").arg(&self.key).arg(from);
        self.run(&command, wait)
    }

    /// The last event that any member of a group was given.
    fn given_last(&mut self, group: &str) -> Result<Option<EventId>, StreamError> {
        let mut command = redis::cmd("XINFO");
        command.arg("GROUPS").arg(&self.key);
        let answer = self.run(&command, Duration::ZERO)?;
        let groups = list(&answer).unwrap_or_default().iter().filter_map(list);
        let found = groups.map(pairs).find(|pairs| pairs.iter().any(|(name, value)| name == "name" && value == group));
        let last = found.and_then(|pairs| pairs.into_iter().find(|(name, _)| name == "last-delivered-id"));
        Ok(last.and_then(|(_, id)| EventId::read(&id)))
    }

    fn has(&mut self, id: EventId) -> Result<bool, StreamError> {
        let mut command = redis::cmd("XRANGE");
        command.arg(&self.key).arg(id.to_string()).arg(id.to_string());
        let answer = self.run(&command, Duration::ZERO)?;
        Ok(list(&answer).is_some_and(|all| !all.is_empty()))
    }

    fn run(&mut self, command: &redis::Cmd, wait: Duration) -> Result<Value, StreamError> {
        let answer = if wait.is_zero() { self.link.run(command) } else { self.link.run_for(command, wait) };
        answer.map_err(|trouble| StreamError::of(trouble, &self.key))
    }

    /// Nothing at all is the answer of a wait in which nothing came.
    fn streamed(&self, answer: &Value) -> Result<Vec<StreamedEvent>, StreamError> {
        match list(answer).and_then(<[_]>::first).and_then(list) {
            Some([_, entries]) => self.entries(entries),
            _ => Ok(Vec::new()),
        }
    }

    fn entries(&self, answer: &Value) -> Result<Vec<StreamedEvent>, StreamError> {
        let entries = list(answer).unwrap_or_default().iter();
        // One that was given to a member and is not kept any more comes without its fields.
        let entries =
            entries.filter(|entry| list(entry).and_then(|entry| entry.get(1)).is_some_and(|fields| list(fields).is_some()));
        let events: Option<Vec<StreamedEvent>> = entries.map(event).collect();
        events.ok_or_else(|| StreamError::Foreign(self.key.clone()))
    }
}

fn event(entry: &Value) -> Option<StreamedEvent> {
    let [id, fields] = list(entry)? else { return None };
    let pairs = pairs(list(fields)?);
    // Fields that this build does not know are none of its business.
    let field = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    Some(StreamedEvent {
        id: EventId::read(&text(id)?)?,
        prev: EventId::read(&field("prev")?)?,
        kind: field("type")?,
        json: field("json")?,
    })
}

fn pairs(flat: &[Value]) -> Vec<(String, String)> {
    flat.chunks_exact(2).map(|pair| (text(&pair[0]).unwrap_or_default(), text(&pair[1]).unwrap_or_default())).collect()
}

// A wait of zero would be one without end.
fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1)
}
