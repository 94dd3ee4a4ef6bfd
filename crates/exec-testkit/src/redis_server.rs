//! A real Redis server of a test's own: on a free port of this machine, in a folder of its own, ended by its id. Not a mock, and no
//! client: it speaks just enough to set the stage.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What to run where the server is not installed.
pub const INSTALL: &str = "apt-get install -y --no-install-recommends redis-server";

const READY: Duration = Duration::from_secs(20);
const ANSWER: Duration = Duration::from_secs(10);

/// A server that runs until this is dropped, or the thread that started it ends, with the settings that are safe for a journal.
///
/// # Panics
/// Every method panics where the server does not do what is asked; a missing `redis-server` says the command to install it.
#[derive(Debug)]
pub struct RedisServer {
    child: Option<Child>,
    port: u16,
    folder: PathBuf,
    settings: Vec<String>,
    /// What it watches, if it is a Sentinel.
    watches: Option<u16>,
}

impl RedisServer {
    /// Starts one.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts one with other settings: `["appendonly", "no"]`. A value of several words has one space between them.
    pub fn with(settings: &[&str]) -> Self {
        Self::started(settings, None)
    }

    /// Starts a Sentinel that watches a primary under the name `main` and, alone, makes its replica the primary when it is gone.
    pub fn sentinel(primary: &Self) -> Self {
        Self::started(&[], Some(primary.port))
    }

    fn started(settings: &[&str], watches: Option<u16>) -> Self {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let name = format!("exec-redis-{}-{}", std::process::id(), STARTED.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        let settings = settings.iter().map(|word| (*word).to_owned()).collect();
        let mut server = Self { child: None, port: 0, folder, settings, watches };
        for _ in 0..10 {
            server.port = free_port();
            if server.launch() {
                return server;
            }
        }
        panic!("redis-server found no free port: {}", server.log());
    }

    /// Starts a server that was killed, on its port, with what its disk has.
    pub fn restart(&mut self) {
        self.kill();
        let until = Instant::now() + READY;
        // Its port may still belong to connections that end.
        while !self.launch() {
            assert!(Instant::now() < until, "redis-server does not start again: {}", self.log());
        }
    }

    /// Starts it without waiting until it answers.
    pub fn restart_unready(&mut self) {
        self.kill();
        self.spawn();
    }

    /// Kills it like a power button.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Stops its process without ending it: it takes connections and answers nothing.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    /// Where it listens.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its address, for a config.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The folder with all that it writes.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Throws away all that its disk has. It must have been killed.
    pub fn lose_disk(&self) {
        assert!(self.child.is_none(), "a server that runs has its files open");
        let _ = fs::remove_dir_all(self.folder.join("appendonlydir"));
        let _ = fs::remove_file(self.folder.join("dump.rdb"));
    }

    /// The newest file of its append log. It must have been killed for a change of it to count.
    pub fn append_log(&self) -> PathBuf {
        let folder = self.folder.join("appendonlydir");
        let names = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        let mut logs: Vec<PathBuf> = names
            .filter_map(|name| Some(name.ok()?.path()))
            .filter(|path| path.to_string_lossy().ends_with(".incr.aof"))
            .collect();
        logs.sort();
        logs.pop().unwrap_or_else(|| panic!("no append log in {}", folder.display()))
    }

    /// Sends one command and gives the answer back as lines; an error begins with `-`.
    pub fn command(&self, words: &[&str]) -> String {
        self.try_command(words).unwrap_or_else(|e| panic!("redis-server at {}: {words:?}: {e}", self.port))
    }

    /// The same where the server may not answer.
    ///
    /// # Errors
    /// What the network says.
    pub fn try_command(&self, words: &[&str]) -> io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(ANSWER))?;
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        stream.write_all(request.as_bytes())?;
        let mut lines = Vec::new();
        answer(&mut BufReader::new(stream), &mut lines)?;
        Ok(lines.join("\n"))
    }

    fn spawn(&mut self) {
        let mut command = ended_with_us("redis-server");
        let port = self.port.to_string();
        if let Some(watched) = self.watches {
            self.write_down(watched);
            command.args(["sentinel.conf", "--sentinel"]);
        }
        let usual = [
            ("port", port.as_str()),
            ("bind", "127.0.0.1"),
            ("daemonize", "no"),
            ("save", ""),
            ("appendonly", "yes"),
            ("appendfsync", "always"),
            ("maxmemory-policy", "noeviction"),
            ("logfile", "log"),
        ];
        // A Sentinel keeps no data, and refuses settings about them.
        let usual = if self.watches.is_some() { &usual[..0] } else { &usual[..] };
        for (key, value) in usual {
            command.arg(format!("--{key}")).arg(value);
        }
        for pair in self.settings.chunks(2) {
            let [key, value] = pair else { panic!("settings come in pairs: {:?}", self.settings) };
            command.arg(format!("--{key}")).args(value.split(' '));
        }
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap_or_else(|e| match e.kind() {
            io::ErrorKind::NotFound => panic!("redis-server is not installed; run: {INSTALL}"),
            _ => panic!("redis-server could not be started: {e}"),
        });
        self.child = Some(child);
    }

    /// The settings of a Sentinel, which itself writes to that file what it has found out.
    fn write_down(&self, watched: u16) {
        let path = self.folder.join("sentinel.conf");
        if path.exists() && fs::read_to_string(&path).is_ok_and(|text| text.contains(&format!("port {}\n", self.port))) {
            return;
        }
        let text = format!(
            "port {}\nbind 127.0.0.1\nlogfile log\nsentinel monitor main 127.0.0.1 {watched} 1\n\
             sentinel down-after-milliseconds main 300\nsentinel failover-timeout main 600\n",
            self.port
        );
        fs::write(&path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }

    /// Starts it and waits until it answers; false if it ends, as it does where its port is taken.
    fn launch(&mut self) -> bool {
        self.spawn();
        let until = Instant::now() + READY;
        loop {
            if self.try_command(&["PING"]).is_ok_and(|pong| pong == "+PONG") && self.is_ours() {
                return true;
            }
            let ended = self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            if ended {
                return false;
            }
            assert!(Instant::now() < until, "redis-server does not answer: {}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whoever answers on the port is the process that was started.
    fn is_ours(&self) -> bool {
        let pid = self.child.as_ref().map(|child| format!("process_id:{}\r", child.id()));
        let info = self.try_command(&["INFO", "server"]).unwrap_or_default();
        pid.is_some_and(|pid| info.lines().any(|line| line == pid.trim_end() || line == pid))
    }

    fn signal(&self, signal: &str) {
        let Some(child) = &self.child else { panic!("the server does not run") };
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill {signal} of redis-server failed");
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

/// A program that the system ends when the thread that starts it ends, where the system can: also when this process is killed.
fn ended_with_us(program: &str) -> Command {
    static CAN: OnceLock<bool> = OnceLock::new();
    let wrapped = |program: &str| {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", program]);
        command
    };
    // Where the program itself is missing, what stands before it would only hide that.
    let can = *CAN.get_or_init(|| {
        wrapped(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
    });
    if can { wrapped(program) } else { Command::new(program) }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap_or_else(|e| panic!("no free port: {e}"));
    listener.local_addr().map_or(0, |address| address.port())
}

/// Reads one answer, flat: an item a line.
fn answer(from: &mut impl BufRead, lines: &mut Vec<String>) -> io::Result<()> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let line = line.trim_end().to_owned();
    let count = |rest: &str| rest.parse::<i64>().map_err(|_| io::Error::from(io::ErrorKind::InvalidData));
    match line.split_at_checked(1) {
        Some(("$", rest)) => {
            let Ok(length) = usize::try_from(count(rest)?) else { return Ok(()) };
            let mut bytes = vec![0; length + 2];
            from.read_exact(&mut bytes)?;
            bytes.truncate(length);
            lines.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        Some(("*", rest)) => {
            for _ in 0..count(rest)? {
                answer(from, lines)?;
            }
        }
        _ => lines.push(line),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHILD: &str = "EXEC_REDIS_SERVER_CHILD";

    #[test]
    fn a_server_ends_with_the_process_that_started_it_also_when_that_is_killed() {
        if std::env::var_os(CHILD).is_some() {
            let server = RedisServer::start();
            fs::write(std::env::var_os(CHILD).unwrap(), server.port().to_string()).unwrap();
            thread::sleep(Duration::from_secs(60));
            return;
        }
        if !Command::new("setpriv").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success()) {
            return;
        }
        let told = std::env::temp_dir().join(format!("exec-redis-child-{}", std::process::id()));
        let name = "redis_server::tests::a_server_ends_with_the_process_that_started_it_also_when_that_is_killed";
        let mut starter = Command::new(std::env::current_exe().unwrap());
        let mut starter = starter.args(["--exact", name]).env(CHILD, &told).stdout(Stdio::null()).spawn().unwrap();
        let until = Instant::now() + READY;
        let port: u16 = loop {
            match fs::read_to_string(&told).unwrap_or_default().parse() {
                Ok(port) => break port,
                Err(_) => assert!(Instant::now() < until, "no server"),
            }
            thread::sleep(Duration::from_millis(5));
        };
        assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
        starter.kill().unwrap();
        starter.wait().unwrap();
        while TcpStream::connect(("127.0.0.1", port)).is_ok() {
            assert!(Instant::now() < until, "the server is left behind");
            thread::sleep(Duration::from_millis(5));
        }
        let _ = fs::remove_file(told);
        let folder = format!("exec-redis-{}-0", starter.id());
        let _ = fs::remove_dir_all(std::env::temp_dir().join(folder));
    }
}
