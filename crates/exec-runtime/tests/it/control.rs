//! The control socket: who is heard, what is answered, what is journalled.

use crate::{
    disk::Disk,
    fake::{Call, Fake, btc},
    rig::{Scripted, account, settle, start, submit},
};
use exec_core::record::Record;
use exec_runtime::control::{Ask, Client, ClientError, SocketError};
use exec_runtime::{AccountError, NodeError};
use std::os::unix::fs::PermissionsExt;

// Sockets are real, so these tests run on the real clock.
#[tokio::test]
async fn an_operator_trades_through_the_socket() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.sock");
    let (venue, disk) = (Fake::new(), Disk::new());
    let node = start(account(&venue, &disk, &Scripted::default()).control_socket(&path)).live().await;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut client = Client::connect(&path).await.unwrap();
    let status = client.ask("alice", Ask::Status {}).await.unwrap();
    assert_eq!((&status["account"], &status["gate_open"]), (&"main".into(), &true.into()));
    let order = client.ask("alice", submit("BUY", "0.1", "OPEN")).await.unwrap();
    let intent = order["intent"].as_str().unwrap().to_owned();
    let orders = loop {
        let orders = client.ask("alice", Ask::Orders { all: false }).await.unwrap();
        if orders[0]["status"] == "New" {
            break orders;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((&orders[0]["intent"], &orders[0]["leaves_qty"]), (&intent.clone().into(), &"0.1".into()));
    assert!(orders[0]["owner"].as_str().unwrap().starts_with("operator alice (uid "));
    let done = client.ask("bob", Ask::CancelAll { instrument: Some(btc()) }).await.unwrap();
    assert_eq!(done["cancelling"], serde_json::json!([intent]));
    while !client.ask("bob", Ask::Orders { all: false }).await.unwrap().as_array().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(venue.count(|c| *c == Call::CancelAll(btc())), 1);
    let whos: Vec<String> =
        disk.records().into_iter().filter_map(|r| if let Record::Operator { who, .. } = r { Some(who) } else { None }).collect();
    assert!(whos.len() == 2 && whos[0].starts_with("alice (uid ") && whos[1].starts_with("bob (uid "), "{whos:?}");
    node.stop().await.unwrap();
    assert!(matches!(Client::connect(&path).await, Err(ClientError::NotRunning(_))));
}

#[tokio::test]
async fn nonsense_is_answered_and_harms_nothing() {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.sock");
    let (venue, disk) = (Fake::new(), Disk::new());
    let node = start(account(&venue, &disk, &Scripted::default()).control_socket(&path)).live().await;
    let stream = tokio::net::UnixStream::connect(&path).await.unwrap();
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    for line in ["hello", "{}", "\u{0}", r#"{"who":"x","verb":"submit","side":"BUY"}"#] {
        write.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        let reply = lines.next_line().await.unwrap().unwrap();
        assert!(reply.contains(r#""ok":false"#), "{line} -> {reply}");
    }
    write.write_all(&vec![b'x'; 70_000]).await.unwrap();
    let reply = lines.next_line().await.unwrap().unwrap();
    assert!(reply.contains("at most"), "{reply}");
    let mut client = Client::connect(&path).await.unwrap();
    let refused = client.ask("alice", Ask::Cancel { intent: exec_core::ids::IntentId(5) }).await;
    assert!(matches!(refused, Err(ClientError::Refused(_))), "{refused:?}");
    assert!(venue.submits().is_empty());
    node.stop().await.unwrap();
}

#[tokio::test]
async fn a_socket_left_behind_is_replaced_and_a_file_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let (venue, disk) = (Fake::new(), Disk::new());
    let node = start(account(&venue, &disk, &Scripted::default()).control_socket(&path)).live().await;
    Client::connect(&path).await.unwrap().ask("a", Ask::Status {}).await.unwrap();
    node.stop().await.unwrap();
    std::fs::write(&path, "mine").unwrap();
    let node = start(account(&venue, &Disk::new(), &Scripted::default()).control_socket(&path));
    let Err(NodeError::Account { error, .. }) = node.task.await.unwrap() else { panic!("it started") };
    assert!(matches!(error, AccountError::Control(SocketError::NotASocket(_))));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}

#[tokio::test(start_paused = true)]
async fn promise_p12_a_latch_holds_until_it_is_released_and_over_a_restart() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let node = start(account(&venue, &disk, &Scripted::default())).live().await;
    node.ask(Ask::Latch {}).await;
    assert_eq!(node.ask(submit("BUY", "0.1", "OPEN")).await["status"], "Denied");
    node.kill().await;
    let node = start(account(&venue, &disk, &Scripted::default()));
    settle().await;
    assert_eq!(node.ask(submit("BUY", "0.1", "OPEN")).await["status"], "Denied");
    node.ask(Ask::Release {}).await;
    assert_eq!(node.ask(submit("BUY", "0.1", "OPEN")).await["status"], "PendingNew");
    settle().await;
    assert_eq!(venue.submits().len(), 1);
    let before = venue.count(|c| *c == Call::Mass);
    node.ask(Ask::Reconcile {}).await;
    settle().await;
    assert_eq!(venue.count(|c| *c == Call::Mass), before + 1);
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_same_named_order_is_asked_for_once() {
    let (venue, disk) = (Fake::new(), Disk::new());
    let node = start(account(&venue, &disk, &Scripted::default())).live().await;
    let named = |quantity: &str| {
        let Ask::Submit(mut order) = submit("BUY", quantity, "OPEN") else { panic!("a submit") };
        order.intent = Some("000000000000000000000000000000ff".into());
        Ask::Submit(order)
    };
    node.ask(named("0.1")).await;
    settle().await;
    node.ask(named("0.1")).await;
    settle().await;
    assert_eq!(venue.submits().len(), 1);
    let other = node.handle.control().ask("test", named("0.2")).await.unwrap();
    assert!(matches!(other, exec_runtime::control::Reply::Err(_)), "{other:?}");
    node.stop().await.unwrap();
}
