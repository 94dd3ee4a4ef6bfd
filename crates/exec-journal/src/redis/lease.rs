//! The lease of an account on Redis, by the server's own clock. It decides who holds the account, not who may append: that is in the
//! same keys, and each append asks for it.

use std::future::poll_fn;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread::Builder;
use std::time::Duration;

use async_trait::async_trait;
use exec_core::ids::{Epoch, NodeId};
use exec_core::lease::{Acquired, Ask, Holder, LeaseError, LeaseStore, Predecessor, Renewed};
use redis::Value;

use super::link::{Link, Trouble, list, text};
use super::options::RedisOptions;
use super::scripts::{self, Script};
use super::store::Keys;

/// Questions that wait; who asks more gets no answer, and asks again.
const QUESTIONS: usize = 8;
/// How often the thread looks whether anybody could still ask.
const IDLE: Duration = Duration::from_secs(1);

/// The lease of one account on Redis.
///
/// Asks on a thread of its own, whose every answer has a deadline; a question that nobody waits for any more is not sent. The server's
/// clock must not be stepped: a lease ends early on a clock that jumps forward.
#[derive(Debug)]
pub struct RedisLease {
    questions: SyncSender<Question>,
}

impl RedisLease {
    /// Prepares to ask the server of a journal's copy. Connects with the first question.
    ///
    /// # Errors
    /// What the machine says that gives no thread.
    pub fn new(options: RedisOptions) -> std::io::Result<Self> {
        let (questions, asked) = sync_channel(QUESTIONS);
        let keys = Keys::of(&options);
        let asker = Asker { options, lease: keys.lease().to_owned(), link: None };
        Builder::new().name("lease".to_owned()).spawn(move || asker.run(&asked))?;
        Ok(Self { questions })
    }

    async fn ask(&self, script: &'static Script, arguments: Vec<String>) -> Result<Vec<String>, LeaseError> {
        let slot = Arc::new(Slot::default());
        match self.questions.try_send(Question { script, arguments, slot: Arc::clone(&slot) }) {
            Ok(()) => (),
            Err(TrySendError::Full(_)) => {
                return Err(LeaseError::Unavailable(String::from("earlier questions have no answer yet")));
            }
            Err(TrySendError::Disconnected(_)) => return Err(LeaseError::Unavailable(String::from("its thread has ended"))),
        }
        poll_fn(move |cx| {
            let mut state = slot.lock();
            if let Some(answer) = state.answer.take() {
                return Poll::Ready(answer);
            }
            state.waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}

/// One question, and where its answer goes.
struct Question {
    script: &'static Script,
    arguments: Vec<String>,
    slot: Arc<Slot>,
}

#[derive(Default)]
struct Slot(Mutex<State>);

#[derive(Default)]
struct State {
    answer: Option<Result<Vec<String>, LeaseError>>,
    waker: Option<Waker>,
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Question {
    fn answer(&self, answer: Result<Vec<String>, LeaseError>) {
        let mut state = self.slot.lock();
        state.answer = Some(answer);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Question {
    // Also where the thread dies: nobody waits for ever.
    fn drop(&mut self) {
        let answered = {
            let state = self.slot.lock();
            state.answer.is_some() || Arc::strong_count(&self.slot) == 1
        };
        if !answered {
            self.answer(Err(LeaseError::Unavailable(String::from("the question was dropped"))));
        }
    }
}

struct Asker {
    options: RedisOptions,
    lease: String,
    link: Option<Link>,
}

impl Asker {
    fn run(mut self, asked: &Receiver<Question>) {
        loop {
            match asked.recv_timeout(IDLE) {
                // Late, it would be done at a time that its asker does not count with.
                Ok(question) if Arc::strong_count(&question.slot) == 1 => (),
                Ok(question) => {
                    let answer = self.ask(&question);
                    question.answer(answer);
                }
                Err(RecvTimeoutError::Timeout) => (),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn ask(&mut self, question: &Question) -> Result<Vec<String>, LeaseError> {
        let link = match &mut self.link {
            Some(link) => link,
            none => none.insert(Link::open(&self.options).map_err(why)?),
        };
        let arguments: Vec<&[u8]> = question.arguments.iter().map(String::as_bytes).collect();
        let answer = link.script(question.script, &[&self.lease], &arguments).and_then(|answer| words(&answer));
        if answer.is_err() {
            self.link = None;
        }
        answer.map_err(why)
    }
}

fn words(answer: &Value) -> Result<Vec<String>, Trouble> {
    let words = list(answer).and_then(|all| all.iter().map(text).collect());
    words.ok_or_else(|| Trouble::odd("nothing to a question about the lease"))
}

fn why(trouble: Trouble) -> LeaseError {
    match trouble {
        Trouble::Lost(_) => LeaseError::Unavailable(trouble.to_string()),
        Trouble::Refused { .. } | Trouble::Odd(_) => LeaseError::Refused(trouble.to_string()),
    }
}

fn odd() -> LeaseError {
    LeaseError::Refused(String::from("the record of the lease cannot be read"))
}

fn number(word: &str) -> Result<u64, LeaseError> {
    word.parse().map_err(|_| odd())
}

fn epoch(word: &str) -> Result<Epoch, LeaseError> {
    word.parse().map(Epoch).map_err(|_| odd())
}

fn holder(words: &[&str]) -> Result<Holder, LeaseError> {
    let [by, at, left] = *words else { return Err(odd()) };
    Ok(Holder { by: NodeId::new(by).map_err(|_| odd())?, epoch: epoch(at)?, expires_in_ms: number(left)? })
}

fn arguments(ask: &Ask) -> Vec<String> {
    vec![ask.owner.to_string(), ask.epoch.0.to_string(), ask.ttl_ms.to_string()]
}

#[async_trait]
impl LeaseStore for RedisLease {
    async fn acquire(&self, ask: Ask) -> Result<Acquired, LeaseError> {
        let answer = self.ask(&scripts::ACQUIRE, arguments(&ask)).await?;
        let answer: Vec<&str> = answer.iter().map(String::as_str).collect();
        match answer.as_slice() {
            ["GRANTED", granted, "ENDED", ago] => {
                Ok(Acquired::Granted { epoch: epoch(granted)?, predecessor: Predecessor::Ended { ago_ms: number(ago)? } })
            }
            ["GRANTED", granted, "UNKNOWN"] => {
                Ok(Acquired::Granted { epoch: epoch(granted)?, predecessor: Predecessor::Unknown })
            }
            ["HELD", rest @ ..] => Ok(Acquired::Held(holder(rest)?)),
            _ => Err(odd()),
        }
    }

    async fn renew(&self, ask: Ask) -> Result<Renewed, LeaseError> {
        let answer = self.ask(&scripts::RENEW, arguments(&ask)).await?;
        let answer: Vec<&str> = answer.iter().map(String::as_str).collect();
        match answer.as_slice() {
            ["OK"] => Ok(Renewed::Renewed),
            ["FORGOTTEN"] => Ok(Renewed::Forgotten),
            ["TAKEN", rest @ ..] => Ok(Renewed::Taken(holder(rest)?)),
            _ => Err(odd()),
        }
    }

    async fn release(&self, ask: Ask) -> Result<(), LeaseError> {
        self.ask(&scripts::RELEASE, arguments(&ask)).await.map(drop)
    }

    async fn look(&self) -> Result<Option<Holder>, LeaseError> {
        let answer = self.ask(&scripts::LOOK_AT_LEASE, Vec::new()).await?;
        let answer: Vec<&str> = answer.iter().map(String::as_str).collect();
        match answer.as_slice() {
            ["NONE"] => Ok(None),
            ["HOLDER", rest @ ..] => holder(rest).map(Some),
            _ => Err(odd()),
        }
    }
}
