//! What an account's keys let whom change, step by step on a real server: each change is fenced by epoch and by writer, is done at its
//! place or not at all, and does nothing the second time.

use exec_testkit::redis_server::RedisServer;

use super::*;

const RECORD: RecordRef<'_> = RecordRef { kind: 7, version: 1, payload: b"a record" };

fn writer(epoch: u64, word: &str) -> Writer {
    Writer { epoch, word: word.to_owned() }
}

/// So many records behind this one, and where they end.
fn batch(from: Head, count: u64) -> (Batch, Head) {
    let (mut batch, mut end) = (Batch::default(), from);
    for n in 1..=count {
        batch.push(&mut end, &RECORD, n == count);
    }
    (batch, end)
}

/// A copy of three records, the writer who has it, and how far it is.
struct Stage {
    server: RedisServer,
    store: Store,
    ours: Writer,
    begin: Head,
    head: Head,
}

impl Stage {
    fn new() -> Self {
        let server = RedisServer::start();
        let mut store = Store::open(&RedisOptions::new(server.url(), "main")).unwrap();
        let ours = writer(5, "ours");
        let begin = Head { seq: 0, chain: chain::beginning("main", 0, b"") };
        assert_eq!(store.claim(&ours), Ok(Done::Ok));
        assert_eq!(store.seed(&ours, None, &begin, b""), Ok(Done::Ok));
        let (first, head) = batch(begin, 3);
        assert_eq!(store.append(&ours, &begin, &first), Ok(Done::Ok));
        Self { server, store, ours, begin, head }
    }
    /// All that the keys hold.
    fn all(&mut self) -> (Found, Vec<Entry>) {
        (self.store.look().unwrap(), self.store.entries(1).unwrap())
    }
}

#[test]
fn nobody_writes_but_the_life_that_claimed_last() {
    let mut stage = Stage::new();
    let before = stage.all();
    let (begin, head) = (stage.begin, stage.head);
    let (next, _) = batch(head, 1);
    for (other, told) in [
        (writer(4, "ours"), Done::Fenced(5)),
        // A store that forgets may grant an epoch twice.
        (writer(5, "another life"), Done::Fenced(5)),
        (writer(6, "ours"), Done::Lost),
    ] {
        let store = &mut stage.store;
        assert_eq!(store.append(&other, &head, &next), Ok(told), "{other:?}");
        assert_eq!(store.append(&other, &head, &Batch::default()), Ok(told), "{other:?}");
        assert_eq!(store.seed(&other, Some(&head), &begin, b""), Ok(told), "{other:?}");
        assert_eq!(store.keep(&other, 2, b"a snapshot"), Ok(told), "{other:?}");
        if told != Done::Lost {
            assert_eq!(store.claim(&other), Ok(told), "{other:?}");
        }
        assert_eq!(stage.all(), before, "{other:?} has changed something");
    }
    let ours = stage.ours.clone();
    assert_eq!(stage.store.claim(&ours), Ok(Done::Ok), "once more, by the same life");
    assert_eq!(stage.store.claim(&writer(6, "next")), Ok(Done::Ok));
    assert_eq!(stage.store.append(&ours, &head, &next), Ok(Done::Fenced(6)));
    assert_eq!(stage.store.claim(&ours), Ok(Done::Fenced(6)));
}

#[test]
fn a_server_that_has_forgotten_who_writes_takes_nothing_until_it_is_told_again() {
    let mut stage = Stage::new();
    let (ours, head) = (stage.ours.clone(), stage.head);
    let (next, _) = batch(head, 1);
    stage.server.command(&["DEL", "{ex:main}:lease"]);
    assert_eq!(stage.store.append(&ours, &head, &next), Ok(Done::Lost));
    stage.server.command(&["HSET", "{ex:main}:lease", "epoch", "5"]);
    assert_eq!(stage.store.append(&ours, &head, &next), Ok(Done::Lost), "an epoch alone is nobody's");
    assert_eq!(stage.store.claim(&ours), Ok(Done::Ok));
    assert_eq!(stage.store.append(&ours, &head, &next), Ok(Done::Ok));
}

#[test]
fn records_are_taken_behind_the_last_one_or_not_at_all_and_once() {
    let mut stage = Stage::new();
    let (ours, head) = (stage.ours.clone(), stage.head);
    let (next, end) = batch(head, 2);
    let before = stage.all();
    for (place, what) in [
        (Head { seq: 4, ..head }, "a gap"),
        (Head { seq: 2, ..head }, "what is there, under another number"),
        (Head { chain: [9; 32], ..head }, "another history of the same length"),
    ] {
        assert_eq!(stage.store.append(&ours, &place, &next), Ok(Done::Lost), "{what}");
        assert_eq!(stage.store.append(&ours, &place, &Batch::default()), Ok(Done::Lost), "{what}");
    }
    assert_eq!(stage.all(), before);
    for _ in 0..3 {
        assert_eq!(stage.store.append(&ours, &head, &next), Ok(Done::Ok), "an answer that was lost is asked for again");
        let (found, entries) = stage.all();
        assert_eq!((found.head, entries.len()), (Some(end), 5));
    }
}

#[test]
fn a_copy_begins_anew_only_from_what_was_seen_and_once() {
    let mut stage = Stage::new();
    let (ours, head) = (stage.ours.clone(), stage.head);
    let anew = Head { seq: 2, chain: chain::beginning("main", 2, b"books") };
    let before = stage.all();
    for seen in [None, Some(Head { seq: 2, ..head }), Some(Head { chain: [9; 32], ..head })] {
        assert_eq!(stage.store.seed(&ours, seen.as_ref(), &anew, b"books"), Ok(Done::Lost), "{seen:?}");
    }
    assert_eq!(stage.all(), before);
    assert_eq!(stage.store.seed(&ours, Some(&head), &anew, b"books"), Ok(Done::Ok));
    let (next, end) = batch(anew, 1);
    assert_eq!(stage.store.append(&ours, &anew, &next), Ok(Done::Ok));
    // It comes late once more, from a connection that was given up.
    assert_eq!(stage.store.seed(&ours, Some(&head), &anew, b"books"), Ok(Done::Lost));
    let (found, entries) = stage.all();
    assert_eq!((found.head, found.snapshot, entries.len()), (Some(end), Some(2), 1));
}

#[test]
fn a_snapshot_is_kept_of_records_that_are_there_and_none_replaces_a_newer_one() {
    let mut stage = Stage::new();
    let ours = stage.ours.clone();
    assert_eq!(stage.store.keep(&ours, 4, b"too early"), Ok(Done::Lost));
    assert_eq!(stage.store.look().unwrap().snapshot, None);
    assert_eq!(stage.store.keep(&ours, 2, b"two"), Ok(Done::Ok));
    assert_eq!(stage.store.keep(&ours, 1, b"one"), Ok(Done::Ok));
    assert_eq!(stage.store.keep(&ours, 2, b"other words"), Ok(Done::Ok));
    assert_eq!(stage.store.look().unwrap().snapshot, Some(2));
    assert_eq!(stage.store.snapshot(2).unwrap().unwrap(), b"two");
    assert_eq!(stage.store.keep(&ours, 3, b"three"), Ok(Done::Ok));
    // Only what two snapshots cover is let go of.
    assert_eq!(stage.store.entries(1).unwrap().iter().map(|entry| entry.seq).collect::<Vec<_>>(), [2, 3]);
}
