//! `tail`: follows the events of accounts as a consumer does, alone or as a member of a group, and prints each on a line of its own. The
//! reference for one's own: it shows how to go on after a crash, and never skips silently.

use crate::{args::Tail, failure::Failure, screen, select};
use exec_core::ids::AccountId;
use node_config::events::{EventId, EventStream, RedisOptions, StreamError, StreamedEvent};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// How long one reading waits, and so how long an end may take.
const WAIT: Duration = Duration::from_millis(200);
/// Waits before a server that does not answer is tried again.
const WAIT_FIRST: Duration = Duration::from_millis(50);
const WAIT_MOST: Duration = Duration::from_secs(2);

/// What all followers share.
struct Shared {
    stop: AtomicBool,
    printed: AtomicU64,
    most: u64,
}

impl Shared {
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.printed.load(Ordering::Relaxed) >= self.most
    }
}

/// Follows one account.
struct Follower {
    account: String,
    options: RedisOptions,
    /// The last event that was printed, or that came before the first that is wanted.
    after: Option<EventId>,
    group: Option<(String, String)>,
    follow: bool,
    shared: Arc<Shared>,
}

pub(crate) async fn run(args: &Tail) -> Result<(), Failure> {
    let streams = streams(args)?;
    let signals = node_config::signals().map_err(|error| Failure::Refused(format!("the machine gives no signals: {error}")))?;
    let mut signals = std::pin::pin!(signals);
    let shared =
        Arc::new(Shared { stop: AtomicBool::new(false), printed: AtomicU64::new(0), most: args.count.unwrap_or(u64::MAX) });
    let mut followers: Vec<JoinHandle<Result<(), Failure>>> = Vec::new();
    for options in streams {
        let after = match args.from.as_deref() {
            None | Some("start") => Some(EventId::default()),
            Some("now") => None,
            Some(id) => Some(EventId::read(id).ok_or_else(|| {
                Failure::Usage(format!("--from is `{id}`, expected `start`, `now` or the id of an event, like 412-1"))
            })?),
        };
        let group = args.group.clone().zip(Some(args.member.clone()));
        let (account, shared) = (options.account.clone(), Arc::clone(&shared));
        let follower = Follower { account, options, after, group, follow: !args.no_follow, shared };
        followers.push(std::thread::spawn(move || follower.run()));
    }
    while followers.iter().any(|follower| !follower.is_finished()) {
        tokio::select! {
            biased;
            _ = &mut signals => break,
            () = tokio::time::sleep(Duration::from_millis(20)) => (),
        }
        if followers.iter().any(|follower| follower.is_finished()) && !args.no_follow {
            break;
        }
    }
    shared.stop.store(true, Ordering::Relaxed);
    let mut result = Ok(());
    for follower in followers {
        let ended = follower.join().unwrap_or_else(|_| Err(Failure::Refused("a thread that follows has panicked".to_owned())));
        result = result.and(ended);
    }
    result
}

fn streams(args: &Tail) -> Result<Vec<RedisOptions>, Failure> {
    let Some(url) = &args.redis else { return configured(args) };
    RedisOptions::check_url(url).map_err(|error| Failure::Usage(format!("--redis {error}")))?;
    let secret = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let options = |account: &String| RedisOptions {
        key_prefix: args.key_prefix.clone(),
        user: secret("REDIS_USER"),
        password: secret("REDIS_PASSWORD").map(Into::into),
        ..RedisOptions::new(url.clone(), account.clone())
    };
    Ok(args.account.iter().map(options).collect())
}

/// What a node's config says of where its events are.
fn configured(args: &Tail) -> Result<Vec<RedisOptions>, Failure> {
    let Some(path) = &args.config else { return Err(Failure::Usage("name a server with --redis, or a config file".to_owned())) };
    let (_, config) = select::load(path)?;
    let Some(redis) = config.journal.redis.as_ref().filter(|redis| redis.events) else {
        return Err(Failure::Refused(format!(
            "the node of {} tells consumers nothing: its config lacks `events = true` in [journal.redis]",
            path.display()
        )));
    };
    let known: Vec<&str> = config.accounts.keys().map(AccountId::as_str).collect();
    if let Some(odd) = args.account.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(Failure::Usage(format!("account `{odd}` is not in {}; it has {}", path.display(), known.join(", "))));
    }
    let wanted = known.iter().filter(|name| args.account.is_empty() || args.account.iter().any(|account| account == *name));
    let options = wanted.map(|account| redis.to_read_events(account));
    options
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::Refused(format!("ca_file of [journal.redis] cannot be read: {error}")))
}

impl Follower {
    fn run(mut self) -> Result<(), Failure> {
        let (mut pause, mut troubled) = (WAIT_FIRST, None::<Instant>);
        let mut stream = None;
        while !self.shared.is_over() {
            match self.turn(&mut stream) {
                Ok(true) => (pause, troubled) = (WAIT_FIRST, None),
                Ok(false) => return Ok(()),
                Err(StreamError::Away(why)) if self.follow => {
                    stream = None;
                    if troubled.replace(Instant::now()).is_none() {
                        screen::complain(&format!("account {}: redis does not answer ({why}); it is tried again", self.account));
                    }
                    std::thread::sleep(pause);
                    pause = pause.saturating_mul(2).min(WAIT_MOST);
                }
                Err(error @ StreamError::Away(_)) => return Err(Failure::NoAnswer(format!("account {}: {error}", self.account))),
                Err(error) => return Err(Failure::Refused(format!("account {}: {error}", self.account))),
            }
        }
        Ok(())
    }

    /// Connects, or reads and prints what there is. False: there is nothing more, and nothing is waited for.
    fn turn(&mut self, stream: &mut Option<EventStream>) -> Result<bool, StreamError> {
        let Some(open) = stream else {
            let mut open = EventStream::open(&self.options)?;
            match self.group.clone() {
                Some((group, member)) => {
                    open.make_group(&group)?;
                    // What was given to this member and not acknowledged, because its process died in between.
                    self.finish(&mut open, &group, &member)?;
                }
                None if self.after.is_none() => self.after = Some(open.last()?.unwrap_or_default()),
                None => (),
            }
            *stream = Some(open);
            return Ok(true);
        };
        let events = match self.group.clone() {
            Some((group, member)) => {
                let (missed, events) = open.read_as_member(&group, &member, WAIT)?;
                if let Some((after, until)) = missed {
                    self.missing(after, until);
                }
                self.print(&events);
                open.acknowledge(&group, &ids(&events))?;
                events
            }
            None => {
                let after = self.after.unwrap_or_default();
                let events = open.read(after, WAIT)?;
                if let Some(first) = events.first().filter(|first| first.prev > after) {
                    self.missing(after, first.prev);
                }
                self.print(&events);
                events
            }
        };
        Ok(self.follow || !events.is_empty())
    }

    fn finish(&mut self, stream: &mut EventStream, group: &str, member: &str) -> Result<(), StreamError> {
        let mut after = EventId::default();
        loop {
            let events = stream.read_unacknowledged(group, member, after)?;
            let Some(last) = events.last() else { return Ok(()) };
            after = last.id;
            self.print(&events);
            stream.acknowledge(group, &ids(&events))?;
        }
    }

    fn print(&mut self, events: &[StreamedEvent]) {
        for event in events {
            if self.shared.printed.fetch_add(1, Ordering::Relaxed) >= self.shared.most && self.group.is_none() {
                return;
            }
            screen::say(&event.json);
            self.after = Some(event.id);
        }
    }

    /// The stream is bounded, and this reader was away for too long.
    fn missing(&self, after: EventId, until: EventId) {
        screen::say(
            json!({
                "v": 1, "type": "missed", "account": self.account, "after": after.to_string(), "until": until.to_string(),
            })
            .to_string(),
        );
    }
}

fn ids(events: &[StreamedEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.id).collect()
}
