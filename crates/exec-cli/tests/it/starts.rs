//! What keeps a node from its start: each refusal says where and what to do, and has its exit code.

use crate::surroundings::{Node, Sim, code, err, out, program, run};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
    process::{Command, Output, Stdio},
};

struct Defect {
    name: &'static str,
    /// Makes it, in a folder with a sound config and a journal that was used and closed.
    make: fn(&Path),
    /// Starts the node with it.
    start: fn(&mut Command) -> &mut Command,
    code: i32,
    told: &'static [&'static str],
}

fn plain(command: &mut Command) -> &mut Command {
    command
}

fn edit(folder: &Path, from: &str, to: &str) {
    let path = folder.join("node.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from} in {text}");
    fs::write(&path, text.replace(from, to)).unwrap();
}

fn segment(folder: &Path) -> std::path::PathBuf {
    folder.join("journal/main/0000000001.seg")
}

const DEFECTS: &[Defect] = &[
    Defect {
        name: "a word in the config that nobody knows",
        make: |folder| edit(folder, "venue =", "vneue = 1\nvenue ="),
        start: plain,
        code: 2,
        told: &["node.toml:5:1: accounts.main.vneue: is not a known key; did you mean `venue`?"],
    },
    Defect {
        name: "a symbol that the venue does not list",
        make: |folder| edit(folder, "ETHUSDT-PERP", "EHTUSDT-PERP"),
        start: plain,
        code: 1,
        told: &[
            "account main: the venue does not list EHTUSDT-PERP.BINANCE; did you mean ETHUSDT-PERP.BINANCE?: mend `instruments`",
        ],
    },
    Defect {
        name: "a position mode that is not the account's",
        make: |folder| edit(folder, "venue =", "oms_type = \"HEDGING\"\nvenue ="),
        start: plain,
        code: 1,
        told: &["account main: account keeps positions in Netting, the config says Hedging: change `oms_type`"],
    },
    Defect {
        name: "a key that the venue refuses",
        make: |_| (),
        start: |command| command.env("BINANCE_SIM_API_KEY", "of-nobody-at-all"),
        code: 1,
        told: &["account main: venue refuses the key: ", "(code -2015); check the key, its secret, its rights"],
    },
    Defect {
        name: "a secret that is not the key's",
        make: |_| (),
        start: |command| command.env("BINANCE_SIM_API_SECRET", "of-nobody-at-all"),
        code: 1,
        told: &["account main: venue refuses the key: ", "(code -1022)"],
    },
    Defect {
        name: "a journal of another account",
        make: |folder| {
            edit(folder, "accounts.main", "accounts.other");
            fs::rename(folder.join("journal/main"), folder.join("journal/other")).unwrap();
        },
        start: plain,
        code: 1,
        told: &[
            "journal of account other: 0000000001.seg belongs to another account",
            "check the journal directory in the configuration",
        ],
    },
    Defect {
        name: "a journal with a hole in the middle",
        make: |folder| {
            let mut bytes = fs::read(segment(folder)).unwrap();
            // Behind the header, and before later groups that are whole.
            let at = bytes.len() / 3;
            bytes[at..at + 8].fill(0xEE);
            fs::write(segment(folder), bytes).unwrap();
        },
        start: plain,
        code: 1,
        told: &["journal of account main: 0000000001.seg is damaged at byte ", "copy the directory before anything else"],
    },
    Defect {
        name: "a journal that others can read",
        make: |folder| fs::set_permissions(folder.join("journal/main"), fs::Permissions::from_mode(0o755)).unwrap(),
        start: plain,
        code: 1,
        told: &["journal of account main: ", "has mode 0755, others may reach it; chmod 0700"],
    },
    Defect {
        name: "a file where the control socket belongs",
        make: |folder| fs::write(folder.join("journal/main/control.sock"), "mine").unwrap(),
        start: plain,
        code: 1,
        told: &["account main: control socket: ", "control.sock exists and is not a socket"],
    },
];

fn begin(config: &str, start: fn(&mut Command) -> &mut Command) -> Output {
    let mut command = program();
    start(command.args(["run", "--config", config])).output().unwrap()
}

#[test]
fn promise_p10_each_refusal_to_start_says_where_and_what_to_do_and_has_its_exit_code() {
    let sim = Sim::start();
    for defect in DEFECTS {
        let folder = tempfile::tempdir().unwrap();
        let config = sim.config(folder.path());
        let config = config.to_str().unwrap();
        // A journal that was used: an operator's node takes the lock, compares and leaves.
        let used = run(&["cancel-all", "-c", config]);
        assert_eq!(code(&used), 0, "{}{}", out(&used), err(&used));
        (defect.make)(folder.path());
        let refused = begin(config, defect.start);
        assert_eq!(code(&refused), defect.code, "{}: {}{}", defect.name, out(&refused), err(&refused));
        let words = err(&refused);
        let last: Vec<&str> = words.lines().filter(|line| !line.contains(" INFO ")).collect();
        for told in defect.told {
            assert!(last.iter().any(|line| line.contains(told)), "{}: {told}\nin\n{words}", defect.name);
        }
    }
    drop(sim);
}

#[test]
fn what_may_pass_by_itself_does_not_end_a_node() {
    let folder = tempfile::tempdir().unwrap();
    let config = {
        let sim = Sim::start();
        sim.config(folder.path())
    };
    let config = config.to_str().unwrap();
    // Nobody is at the venue's address: the node waits, says why, and the journal has one writer.
    let node = Node::begin(config);
    crate::surroundings::until("the node waits for the venue", || code(&run(&["status", "-c", config, "--wait", "0"])) == 5);
    let status = run(&["status", "-c", config]);
    assert!(
        out(&status).contains("Connecting") && out(&status).contains("because the venue's clock is not known"),
        "{}",
        out(&status)
    );
    let second = run(&["run", "--config", config]);
    assert!(code(&second) == 4 && err(&second).contains("one writer per account, stop the other node first"), "{}", err(&second));
    drop(node);
}

/// Holds a journal's lock as another process does, until it is dropped.
fn hold(folder: &Path, pid: u32) -> fs::File {
    let journal = folder.join("journal/main");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&journal).unwrap();
    let path = journal.join("lock");
    let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
    file.lock().unwrap();
    writeln!(&file, "{pid}").unwrap();
    file
}

#[test]
fn a_node_waits_a_moment_for_the_journal_that_a_verb_holds() {
    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::start();
    let config = sim.config(folder.path());
    let config = config.to_str().unwrap();
    let held = hold(folder.path(), 4_711);
    let mut node = program().args(["run", "--config", config]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(node.stderr.take().unwrap()).lines().map_while(Result::ok);
    let waits = log.find(|line| line.contains("waiting for 2 s")).unwrap();
    assert!(waits.contains("account main: the journal is locked by pid 4711"), "{waits}");
    drop(held);
    // The rest of the log is read, so that the node does not wait for a reader.
    let rest = std::thread::spawn(move || log.last());
    let live = run(&["status", "-c", config, "--wait", "60"]);
    node.kill().unwrap();
    node.wait().unwrap();
    let last = rest.join().unwrap();
    assert_eq!(code(&live), 0, "{}{}; the node said last {last:?}", out(&live), err(&live));
}

#[test]
fn who_holds_a_journal_for_longer_is_named_and_nobody_waits_for_him() {
    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::start();
    let config = sim.config(folder.path());
    let config = config.to_str().unwrap();
    let held = hold(folder.path(), 4_711);
    for args in [["run", "-c", config], ["status", "-c", config]] {
        let refused = run(&args);
        assert_eq!(code(&refused), 4, "{args:?}: {}{}", out(&refused), err(&refused));
        let told = "account main: the journal is locked by pid 4711; one writer per account, stop the other node first";
        assert!(err(&refused).contains(told), "{args:?}: {}", err(&refused));
    }
    drop(held);
}
