//! What consumers are told: every event, in order, once in the stream, and never a gap that is not told.

use std::time::Duration;

use exec_core::books::BooksError;
use exec_core::feed::{EventId, Teller, Told};
use exec_core::ids::Seq;
use exec_core::record::Record;
use exec_core::snapshot::Snapshot;
use exec_journal::{Ack, EventStream, OsDisk, OsDiskOptions, RedisOptions, StreamError, StreamedEvent};
use exec_testkit::redis_server::RedisServer;

use super::relay::Relay;
use super::{Node, options, until};

const MANY: u64 = 1_000_000;
const WAIT: Duration = Duration::from_millis(50);

/// Tells of record `n` as many events as `n` leaves divided by three.
#[derive(Default)]
pub(super) struct Notes {
    read: u64,
}

impl Teller for Notes {
    fn begin(&mut self, snapshot: Option<Snapshot>) {
        self.read = snapshot.map_or(0, |snapshot| snapshot.seq().0);
    }
    fn read(&mut self, seq: Seq, record: &Record, tell: &mut dyn FnMut(Told)) -> Result<(), BooksError> {
        assert_eq!(seq.0, self.read + 1, "every record is read, in order");
        self.read = seq.0;
        let Record::Raw { why, .. } = record else { panic!("{record:?}") };
        (1..=seq.0 % 3).for_each(|n| tell(Told { id: EventId { seq: seq.0, n }, kind: "note", json: why.clone() }));
        Ok(())
    }
    fn gap(&self, after: Seq, until: Seq) -> Told {
        Told { id: EventId { seq: until.0, n: 0 }, kind: "gap", json: format!("{after} {until}") }
    }
}

/// The events of records, as they must stand in the stream.
fn wanted(from: u64, until: u64) -> Vec<EventId> {
    (from..=until).flat_map(|seq| (1..=seq % 3).map(move |n| EventId { seq, n })).collect()
}

struct Stage {
    server: RedisServer,
    dir: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        Self { server: RedisServer::start(), dir: tempfile::tempdir().unwrap() }
    }
    fn start(&self) -> Node {
        self.start_with(options(&self.server.url(), Ack::Local), MANY)
    }
    fn start_with(&self, redis: RedisOptions, events_min: u64) -> Node {
        let path = self.dir.path().join("main");
        let mut node = Node::of(super::open_with(&path, redis).unwrap());
        let view = move || OsDisk::open(&path, OsDiskOptions { allow_volatile: true });
        node.journal.publish(view, Box::new(Notes::default()), events_min).unwrap();
        node
    }
    fn stream(&self) -> EventStream {
        EventStream::open(&options(&self.server.url(), Ack::Local)).unwrap()
    }
    fn all(&self) -> Vec<StreamedEvent> {
        let (mut all, mut stream, mut after) = (Vec::new(), self.stream(), EventId::default());
        loop {
            let read = stream.read(after, WAIT).unwrap();
            let Some(last) = read.last() else { return all };
            after = last.id;
            all.extend(read);
        }
    }
    fn is_whole(&self, until: u64) {
        let all = self.all();
        assert_eq!(all.iter().map(|event| event.id).collect::<Vec<_>>(), wanted(1, until));
        let chained =
            all.iter().scan(EventId::default(), |before, event| Some(std::mem::replace(before, event.id) == event.prev));
        assert!(chained.into_iter().all(|follows| follows), "an event does not name the one before it");
        assert!(all.iter().all(|event| event.json == format!("note {}", event.id.seq) && event.kind == "note"));
    }
}

fn told(node: &Node) {
    use exec_core::journal::Journal;
    until("all is told", || node.journal.events().unwrap().records == 0);
}

#[test]
fn every_event_is_told_once_and_in_order_over_restarts_of_the_node() {
    let stage = Stage::new();
    for round in 1..=4 {
        let mut node = stage.start();
        node.write(100);
        node.wait_durable();
        if round % 2 == 0 {
            told(&node);
        }
        drop(node);
        stage.is_whole(round * 100);
    }
}

#[test]
fn a_server_that_is_killed_at_any_moment_is_told_the_rest_and_nothing_twice() {
    let mut stage = Stage::new();
    let mut node = stage.start();
    for _ in 0..6 {
        node.write(60);
        std::thread::sleep(Duration::from_millis(node.last % 7));
        stage.server.kill();
        node.write(60);
        node.wait_durable();
        stage.server.restart();
    }
    told(&node);
    stage.is_whole(720);
}

#[test]
fn an_answer_that_is_lost_after_the_events_arrived_tells_nothing_twice() {
    let stage = Stage::new();
    let relay = Relay::before(stage.server.port());
    let mut node = stage.start_with(options(&relay.url(), Ack::Local), MANY);
    for _ in 0..20 {
        relay.lose_next_answer();
        node.write(5);
        node.wait_durable();
        told(&node);
    }
    assert!(relay.lost() > 0);
    stage.is_whole(100);
}

#[test]
fn what_was_written_before_anybody_was_told_is_told_from_the_log() {
    let stage = Stage::new();
    let mut quiet = Node::start(&stage.dir.path().join("main"), &stage.server, Ack::Local);
    quiet.write(700);
    drop(quiet);
    let mut node = stage.start();
    node.write(10);
    node.wait_durable();
    told(&node);
    stage.is_whole(710);
}

#[test]
fn a_stream_that_was_lost_is_told_again_under_the_same_names() {
    let stage = Stage::new();
    let mut node = stage.start();
    node.write(50);
    node.wait_durable();
    told(&node);
    let before = stage.all();
    stage.server.command(&["DEL", "{ex:main}:events"]);
    // The first of them tells nothing, and so asks for nothing.
    node.write(2);
    node.wait_durable();
    told(&node);
    stage.is_whole(52);
    assert_eq!(stage.all()[..before.len()], before);
}

#[test]
fn the_server_refuses_an_event_that_it_has() {
    let stage = Stage::new();
    let mut node = stage.start();
    node.write(5);
    node.wait_durable();
    told(&node);
    let refused = stage.server.command(&["XADD", "{ex:main}:events", "4-1", "json", "twice"]);
    assert!(refused.starts_with("-ERR"), "{refused}");
}

#[test]
fn a_server_that_is_away_is_a_lag_and_nobody_waits() {
    let mut stage = Stage::new();
    let mut node = stage.start();
    node.write(5);
    node.wait_durable();
    told(&node);
    stage.server.kill();
    node.write(40);
    node.wait_durable();
    use exec_core::journal::Journal;
    assert_eq!(node.journal.events().unwrap().records, 40);
    stage.server.restart();
    told(&node);
    stage.is_whole(45);
}

#[test]
fn whoever_was_taken_over_tells_nothing_that_the_copy_does_not_have() {
    let stage = Stage::new();
    let mut deposed = stage.start();
    deposed.write(30);
    deposed.wait_durable();
    told(&deposed);
    // A machine that has nothing of its own.
    let other = tempfile::tempdir().unwrap();
    let next = Node::start(&other.path().join("main"), &stage.server, Ack::Local);
    assert!(next.journal.epoch() > deposed.journal.epoch());
    deposed.write(5);
    assert!(deposed.failure().contains("taken this account over"));
    drop(deposed);
    stage.is_whole(30);
}

#[test]
fn whoever_was_away_too_long_sees_that_events_are_missing() {
    let stage = Stage::new();
    let mut node = stage.start_with(options(&stage.server.url(), Ack::Local), 10);
    node.write(5);
    node.wait_durable();
    told(&node);
    let mut stream = stage.stream();
    stream.make_group("risk").unwrap();
    let (missed, first) = stream.read_as_member("risk", "a", WAIT).unwrap();
    assert_eq!((missed, first.len()), (None, wanted(1, 5).len()));
    let seen = first.last().unwrap().id;
    node.write(2_000);
    node.wait_durable();
    told(&node);
    assert!(stage.all().len() < 1_000, "the stream is not held short");
    let alone = stream.read(seen, WAIT).unwrap();
    assert!(alone[0].prev > seen, "a gap is not seen");
    let (missed, next) = stream.read_as_member("risk", "a", WAIT).unwrap();
    assert_eq!(missed, Some((seen, next[0].prev)));
    let (missed, more) = stream.read_as_member("risk", "b", WAIT).unwrap();
    assert!(missed.is_none() && more.first().is_none_or(|event| event.id > next.last().unwrap().id));
}

#[test]
fn a_member_of_a_group_is_given_again_what_it_has_not_acknowledged_and_no_other_is() {
    let stage = Stage::new();
    let mut node = stage.start();
    node.write(30);
    node.wait_durable();
    told(&node);
    let mut stream = stage.stream();
    stream.make_group("risk").unwrap();
    stream.make_group("risk").unwrap();
    let (_, given) = stream.read_as_member("risk", "a", WAIT).unwrap();
    let given: Vec<EventId> = given.iter().map(|event| event.id).collect();
    assert_eq!(given, wanted(1, 30));
    stream.acknowledge("risk", &given[..10]).unwrap();
    // Its process is started anew.
    let mut stream = stage.stream();
    let again = stream.read_unacknowledged("risk", "a", EventId::default()).unwrap();
    assert_eq!(again.iter().map(|event| event.id).collect::<Vec<_>>(), given[10..]);
    assert!(stream.read_as_member("risk", "b", WAIT).unwrap().1.is_empty());
    stream.acknowledge("risk", &given[10..]).unwrap();
    assert!(stream.read_unacknowledged("risk", "a", EventId::default()).unwrap().is_empty());
}

#[test]
fn fields_that_a_consumer_does_not_know_are_no_trouble_and_other_keys_are_told() {
    let stage = Stage::new();
    let mut stream = stage.stream();
    assert_eq!(stream.last().unwrap(), None);
    stage.server.command(&[
        "XADD",
        "{ex:main}:events",
        "3-1",
        "new",
        "x",
        "type",
        "note",
        "prev",
        "0-0",
        "json",
        "{}",
        "sum",
        "",
    ]);
    assert_eq!(stream.read(EventId::default(), WAIT).unwrap()[0].json, "{}");
    stage.server.command(&["DEL", "{ex:main}:events"]);
    stage.server.command(&["XADD", "{ex:main}:events", "3-1", "k", "v"]);
    assert!(matches!(stream.read(EventId::default(), WAIT), Err(StreamError::Foreign(_))));
    stage.server.command(&["DEL", "{ex:main}:events"]);
    stage.server.command(&["SET", "{ex:main}:events", "x"]);
    assert!(matches!(stream.read(EventId::default(), WAIT), Err(StreamError::Foreign(_))));
}

#[test]
fn events_that_another_journal_has_told_are_not_continued() {
    let stage = Stage::new();
    stage.server.command(&["XADD", "{ex:main}:events", "4-1", "prev", "0-0", "type", "note", "sum", "00000000", "json", "{}"]);
    let mut node = stage.start();
    node.write(20);
    node.wait_durable();
    node.follow();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(stage.all().len(), 1, "it went on behind events that are not its own");
    stage.server.command(&["DEL", "{ex:main}:events"]);
    told(&node);
    stage.is_whole(20);
}
