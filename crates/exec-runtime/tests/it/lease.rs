//! Nodes under a lease: one holds the account, another waits or is refused, and who loses it ends without another word.

use crate::{
    disk::{Disk, DiskMood},
    fake::Fake,
    rig::{Running, Scripted, account, settle, start, submit, until},
};
use async_trait::async_trait;
use exec_core::{
    conversation::Phase,
    ids::{Epoch, NodeId},
    lease::{Acquired, Ask, Holder, LeaseError, LeaseGuard, LeaseStore, LeaseTerms, Lost, Predecessor, Renewed},
    time::VenueTime,
};
use exec_runtime::{AccountError, LeaseSettings, NodeError, WhenHeld};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep};

const TERMS: LeaseTerms = LeaseTerms { ttl_ms: 10_000, recv_window_ms: 2_000, clock_error_ms: 300, engine_margin_ms: 10_000 };

#[derive(Clone, Debug)]
struct Record {
    owner: NodeId,
    epoch: Epoch,
    expires: Instant,
}

/// One record in memory, that can be away.
#[derive(Clone, Default)]
struct Store(Arc<Mutex<(Option<Record>, bool)>>, Arc<AtomicBool>);

impl Store {
    fn away(&self, away: bool) {
        self.0.lock().unwrap().1 = away;
    }
    /// From here on it gives no answer at all.
    fn hang(&self) {
        self.1.store(true, Ordering::Relaxed);
    }
    async fn answers(&self) {
        if self.1.load(Ordering::Relaxed) {
            std::future::pending().await
        }
    }
    fn set(&self, owner: &str, epoch: u32, for_ms: u64) {
        let expires = Instant::now() + Duration::from_millis(for_ms);
        self.0.lock().unwrap().0 = Some(Record { owner: NodeId::new(owner).unwrap(), epoch: Epoch(epoch), expires });
    }
    fn owner(&self) -> Option<String> {
        self.0.lock().unwrap().0.as_ref().map(|r| r.owner.as_str().to_owned())
    }
    fn left(&self) -> Duration {
        self.0.lock().unwrap().0.as_ref().map_or(Duration::ZERO, |r| r.expires.saturating_duration_since(Instant::now()))
    }
    fn change<T>(&self, f: impl FnOnce(&mut Option<Record>) -> T) -> Result<T, LeaseError> {
        let mut state = self.0.lock().unwrap();
        if state.1 { Err(LeaseError::Unavailable("away".into())) } else { Ok(f(&mut state.0)) }
    }
}

fn until_ms(ms: u64) -> Instant {
    Instant::now() + Duration::from_millis(ms)
}
fn holder(record: &Record) -> Holder {
    let left = record.expires.saturating_duration_since(Instant::now());
    Holder { by: record.owner.clone(), epoch: record.epoch, expires_in_ms: left.as_millis() as u64 }
}

#[async_trait]
impl LeaseStore for Store {
    async fn acquire(&self, ask: Ask) -> Result<Acquired, LeaseError> {
        self.change(|record| {
            let (known, predecessor) = match record {
                Some(r) if r.owner != ask.owner && r.expires > Instant::now() => return Acquired::Held(holder(r)),
                Some(r) if r.owner != ask.owner => {
                    (r.epoch, Predecessor::Ended { ago_ms: r.expires.elapsed().as_millis() as u64 })
                }
                Some(r) => (r.epoch, Predecessor::Unknown),
                None => (Epoch(0), Predecessor::Unknown),
            };
            let epoch = Epoch(known.max(ask.epoch).0 + 1);
            *record = Some(Record { owner: ask.owner, epoch, expires: until_ms(ask.ttl_ms) });
            Acquired::Granted { epoch, predecessor }
        })
    }
    async fn renew(&self, ask: Ask) -> Result<Renewed, LeaseError> {
        self.answers().await;
        self.change(|record| match record {
            Some(r) if r.owner == ask.owner && r.epoch == ask.epoch => {
                r.expires = until_ms(ask.ttl_ms);
                Renewed::Renewed
            }
            Some(r) if r.owner != ask.owner => Renewed::Taken(holder(r)),
            Some(_) | None => Renewed::Forgotten,
        })
    }
    async fn release(&self, ask: Ask) -> Result<(), LeaseError> {
        self.change(|record| {
            if let Some(r) = record.as_mut().filter(|r| r.owner == ask.owner) {
                r.expires = r.expires.min(until_ms(ask.ttl_ms));
            }
        })
    }
    async fn look(&self) -> Result<Option<Holder>, LeaseError> {
        self.answers().await;
        self.change(|record| record.as_ref().map(holder))
    }
}

fn node(name: &str, store: &Store, venue: &Fake, disk: &Disk, when_held: WhenHeld) -> (Running, Arc<LeaseGuard>) {
    let guard = Arc::new(LeaseGuard::default());
    let owner = NodeId::new(name).unwrap();
    let settings = LeaseSettings { store: Arc::new(store.clone()), terms: TERMS, owner, guard: Arc::clone(&guard), when_held };
    (start(account(venue, disk, &Scripted::default()).lease(settings)), guard)
}

fn signs(guard: &LeaseGuard) -> bool {
    // The fakes' clock agrees with the node's, which began here.
    guard.covers(VenueTime(1_763_000_000_000), 0)
}

#[tokio::test(start_paused = true)]
async fn promise_p11_a_node_alone_waits_for_a_predecessor_that_nobody_knows() {
    let (store, venue, began) = (Store::default(), Fake::new(), Instant::now());
    let (running, guard) = node("a", &store, &venue, &Disk::new(), WhenHeld::Wait);
    settle().await;
    assert!(!signs(&guard), "nothing is signed meanwhile");
    let running = running.live().await;
    assert!(began.elapsed() >= Duration::from_millis(20_600), "{:?}", began.elapsed());
    assert!(signs(&guard));
    running.stop().await.unwrap();
    assert!(!signs(&guard));
    assert!(store.left() <= Duration::from_millis(2_600), "it is given back at a clean end: {:?}", store.left());
}

#[tokio::test(start_paused = true)]
async fn promise_p11_a_second_node_waits_and_takes_over_when_the_first_is_gone() {
    let store = Store::default();
    let (first, _) = node("a", &store, &Fake::new(), &Disk::new(), WhenHeld::Wait);
    let first = first.live().await;
    let venue = Fake::new();
    let (second, _) = node("b", &store, &venue, &Disk::new(), WhenHeld::Wait);
    sleep(Duration::from_secs(60)).await;
    assert_eq!((second.handle.status().phase, venue.sessions_open()), (Phase::Replaying, 0), "it does nothing at the venue");
    first.kill().await;
    let died = Instant::now();
    let second = second.live().await;
    // What was left of the lease, the venue's margin, twice the clock's error, and the start.
    let took = died.elapsed();
    assert!((Duration::from_millis(17_000)..Duration::from_millis(24_000)).contains(&took), "{took:?}");
    assert_eq!(store.owner().as_deref(), Some("b"));
    second.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_second_node_is_refused_and_told_who_holds_the_account() {
    let store = Store::default();
    store.set("somebody/1/2", 7, 60_000);
    let (second, _) = node("b", &store, &Fake::new(), &Disk::new(), WhenHeld::Refuse);
    let Err(NodeError::Account { error: AccountError::Held(holder), .. }) = second.task.await.unwrap() else {
        panic!("it is refused")
    };
    assert_eq!((holder.by.as_str(), holder.epoch), ("somebody/1/2", Epoch(7)));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_waits_ends_when_it_is_told_to() {
    let store = Store::default();
    store.set("somebody/1/2", 7, 600_000);
    let (second, _) = node("b", &store, &Fake::new(), &Disk::new(), WhenHeld::Wait);
    sleep(Duration::from_secs(5)).await;
    assert!(second.stop().await.unwrap().is_clean());
    assert_eq!(store.owner().as_deref(), Some("somebody/1/2"));
}

#[tokio::test(start_paused = true)]
async fn promise_p11_a_holder_whose_lease_another_has_ends_and_says_who() {
    let store = Store::default();
    let (first, guard) = node("a", &store, &Fake::new(), &Disk::new(), WhenHeld::Wait);
    let first = first.live().await;
    store.set("b", 900_000_000, 60_000);
    let Err(NodeError::Account { error: AccountError::Fenced(Lost::Taken(holder)), .. }) = first.task.await.unwrap() else {
        panic!("it is fenced")
    };
    assert_eq!((holder.by.as_str(), signs(&guard), store.owner().as_deref()), ("b", false, Some("b")));
}

#[tokio::test(start_paused = true)]
async fn promise_p11_a_store_that_is_away_longer_than_the_lease_ends_the_run() {
    let store = Store::default();
    let (first, guard) = node("a", &store, &Fake::new(), &Disk::new(), WhenHeld::Wait);
    let first = first.live().await;
    store.away(true);
    sleep(Duration::from_secs(4)).await;
    assert!(signs(&guard), "not at once");
    store.away(false);
    sleep(Duration::from_secs(30)).await;
    assert!(!first.task.is_finished(), "a short absence costs nothing");
    store.away(true);
    let away = Instant::now();
    let mut shut = false;
    until("the gate is shut", || {
        shut |= first.handle.status().phase == Phase::Degraded;
        shut
    })
    .await;
    let ended = first.task.await.unwrap();
    assert!(matches!(ended, Err(NodeError::Account { error: AccountError::Fenced(Lost::Lapsed(_)), .. })), "{ended:?}");
    assert!(away.elapsed() <= Duration::from_millis(10_600), "{:?}", away.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_loses_the_lease_ends_soon_though_neither_store_nor_journal_answer() {
    let (store, disk) = (Store::default(), Disk::new());
    let (first, _) = node("a", &store, &Fake::new(), &disk, WhenHeld::Wait);
    let first = first.live().await;
    // As with a shared journal: what is written becomes durable no more.
    disk.mood(DiskMood::Stuck);
    first.ask(submit("SELL", "0.1", "REDUCE")).await;
    store.hang();
    let hangs = Instant::now();
    let ended = first.task.await.unwrap();
    assert!(matches!(ended, Err(NodeError::Account { error: AccountError::Fenced(Lost::Lapsed(_)), .. })), "{ended:?}");
    // The lease is renewed every quarter of its time and lasts ten seconds.
    assert!(hangs.elapsed() >= Duration::from_millis(7_500), "{:?}", hangs.elapsed());
    assert!(hangs.elapsed() <= Duration::from_millis(12_100), "{:?}", hangs.elapsed());
}
