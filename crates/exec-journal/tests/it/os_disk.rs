//! The real disk: rights, owner, lock with its holder, and a log that comes back.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use exec_journal::{Log, LogOptions, OpenError, OsDisk, OsDiskOptions, RecordRef, Unfit, read};

/// Tests may run on a tmpfs; what is tested here does not depend on it.
const ANYWHERE: OsDiskOptions = OsDiskOptions { allow_volatile: true };

fn disk(path: &Path) -> Result<OsDisk, OpenError> {
    OsDisk::open(path, ANYWHERE)
}

fn small() -> LogOptions {
    LogOptions { segment_bytes: 64 * 1024, ..LogOptions::new("account") }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_log_comes_back_from_a_real_directory_that_only_its_owner_can_read() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("journal");
    let (mut log, _) = Log::open(disk(&path).unwrap(), &small()).unwrap();
    for n in 0..2000u32 {
        let payload = n.to_le_bytes().repeat(20);
        let record = RecordRef { kind: 1, version: 2, payload: &payload };
        log.append(&[record], None).unwrap();
        if n % 100 == 0 {
            log.sync().unwrap();
        }
    }
    log.close().unwrap();
    assert_eq!(mode(&path), 0o700);
    let mut files = 0;
    for entry in fs::read_dir(&path).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
        files += 1;
    }
    assert!(files > 3);
    let (mut log, recovery) = Log::open(disk(&path).unwrap(), &small()).unwrap();
    assert!(recovery.closed_clean);
    assert_eq!(recovery.last_seq, 2000);
    let payloads: Vec<_> = log.read_from(1).unwrap().map(|r| r.unwrap().payload).collect();
    assert_eq!(payloads.len(), 2000);
    assert_eq!(payloads[1999], 1999u32.to_le_bytes().repeat(20));
    assert!(disk(&path).unwrap().free_bytes().unwrap() > 0);
}

#[test]
fn a_second_open_fails_at_once_and_names_the_holder_while_readers_may_read() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("journal");
    let (mut log, _) = Log::open(disk(&path).unwrap(), &small()).unwrap();
    let record = RecordRef { kind: 1, version: 1, payload: b"x" };
    log.append(&[record], None).unwrap();
    log.sync().unwrap();
    let second = Log::open(disk(&path).unwrap(), &small()).unwrap_err();
    let pid = std::process::id();
    assert!(matches!(second, OpenError::Locked { pid: Some(p) } if p == pid));
    assert!(second.to_string().contains(&format!("locked by pid {pid}")), "{second}");
    assert_eq!(read(&mut disk(&path).unwrap(), 1).unwrap().count(), 1);
    drop(log);
    assert!(Log::open(disk(&path).unwrap(), &small()).is_ok());
}

#[test]
fn directories_and_files_that_others_reach_are_refused() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("journal");
    drop(Log::open(disk(&path).unwrap(), &small()).unwrap());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
    let refused = disk(&path).unwrap_err();
    assert!(matches!(refused, OpenError::Unfit(Unfit::Mode { mode: 0o750, .. })));
    assert!(refused.to_string().contains("chmod 0700"), "{refused}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    let segment = path.join("0000000001.seg");
    fs::set_permissions(&segment, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = disk(&path).unwrap_err();
    assert!(refused.to_string().contains("0000000001.seg has mode 0644"), "{refused}");
    fs::set_permissions(&segment, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(disk(&path).is_ok());
}

#[test]
fn links_and_files_in_place_of_a_journal_are_refused() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("journal");
    drop(Log::open(disk(&path).unwrap(), &small()).unwrap());
    let elsewhere = temp.path().join("elsewhere");
    fs::rename(path.join("0000000001.seg"), &elsewhere).unwrap();
    symlink(&elsewhere, path.join("0000000001.seg")).unwrap();
    assert!(matches!(disk(&path), Err(OpenError::Disk(_))));
    assert!(matches!(disk(&elsewhere), Err(OpenError::Unfit(Unfit::NotADirectory { .. }))));
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_system_that_forgets_is_refused_unless_it_is_meant() {
    let shm = Path::new("/dev/shm");
    let mounts = fs::read_to_string("/proc/mounts").unwrap();
    let is_tmpfs = mounts.lines().any(|l| l.contains(" /dev/shm tmpfs "));
    if !is_tmpfs {
        return;
    }
    let Ok(temp) = tempfile::tempdir_in(shm) else {
        return;
    };
    let path = temp.path().join("journal");
    assert!(matches!(
        OsDisk::open(&path, OsDiskOptions::default()),
        Err(OpenError::Unfit(Unfit::FileSystem { kind: "tmpfs", .. }))
    ));
    assert!(disk(&path).is_ok());
}
