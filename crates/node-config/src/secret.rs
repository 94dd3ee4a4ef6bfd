//! Where keys and secrets come from: a variable or a file that only its owner can read. They are never printed.

use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// Where a secret stands. The place is no secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SecretSource {
    /// In a variable of the environment.
    Variable(String),
    /// In a file of its own.
    File(PathBuf),
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

/// Why a secret cannot be had. Says nothing of what was read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SecretError {
    /// The variable is not there, or is no text.
    #[error("variable {0} is not set")]
    Unset(String),
    /// The file cannot be read.
    #[error("file {} cannot be read: {why}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The file can be read by others than its owner.
    #[error("file {} can be read by others (mode {mode:04o})", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

impl SecretError {
    /// What to do about it.
    pub fn advice(&self) -> String {
        match self {
            Self::Unset(name) => format!("set it: export {name}=..., or name a file: {{ file = \"...\" }}"),
            Self::Unreadable { .. } => "check the path; a relative one is relative to the config file".to_owned(),
            Self::Open { path, .. } => format!("chmod 600 {}", path.display()),
        }
    }
}

/// The world around a config file, as far as it may reach.
pub trait Surroundings {
    /// A variable of the environment.
    fn variable(&self, name: &str) -> Option<String>;

    /// The text of a file that only its owner can read.
    ///
    /// # Errors
    /// [`SecretError`]: no such file, or others can read it.
    fn secret_file(&self, path: &Path) -> Result<SecretString, SecretError>;
}

/// The surroundings of this process; files are looked for beside the config file.
#[derive(Clone, Debug)]
pub struct Process {
    beside: PathBuf,
}

impl Process {
    /// Surroundings of a config file in this folder.
    pub const fn beside(folder: PathBuf) -> Self {
        Self { beside: folder }
    }
}

/// Longer files are no keys.
const FILE_BYTES_MAX: u64 = 16 * 1024;
/// The first byte of every key in binary form.
const DER: u8 = 0x30;

impl Surroundings for Process {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn secret_file(&self, path: &Path) -> Result<SecretString, SecretError> {
        let path = self.beside.join(path);
        let unreadable = |why: String| SecretError::Unreadable { path: path.clone(), why };
        let about = std::fs::metadata(&path).map_err(|e| unreadable(e.to_string()))?;
        if !about.is_file() {
            return Err(unreadable("it is not a file".to_owned()));
        }
        if about.len() > FILE_BYTES_MAX {
            return Err(unreadable(format!("it has {} bytes, which is no key", about.len())));
        }
        if let Some(mode) = open_mode(&about) {
            return Err(SecretError::Open { path, mode });
        }
        // What cannot be used is overwritten, too.
        let bytes = Zeroizing::new(std::fs::read(&path).map_err(|e| unreadable(e.to_string()))?);
        match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(SecretString::from(text)),
            Err(_) if bytes.first() == Some(&DER) => Err(unreadable(
                "it is a key in binary form (DER): convert it with `openssl pkey -inform DER -in KEY -out PLAIN`".to_owned(),
            )),
            Err(_) => Err(unreadable("it is no text".to_owned())),
        }
    }
}

#[cfg(unix)]
fn open_mode(about: &std::fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = about.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
const fn open_mode(_about: &std::fs::Metadata) -> Option<u32> {
    // Permissions of other systems are not told as a mode.
    None
}

/// The key and the secret of an account. Their `Debug` shows where they come from and nothing else.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Where the key comes from.
    pub key_source: SecretSource,
    /// Where the secret comes from.
    pub secret_source: SecretSource,
    /// The key: not secret to the venue, but not for a log either.
    pub key: SecretString,
    /// The secret that signs: an HMAC secret, or a private key.
    pub secret: SecretString,
}

/// Fetches a secret.
///
/// # Errors
/// [`SecretError`]: it cannot be had.
pub(crate) fn fetch(source: &SecretSource, around: &dyn Surroundings) -> Result<SecretString, SecretError> {
    let text = match source {
        SecretSource::Variable(name) => {
            around.variable(name).map(SecretString::from).ok_or_else(|| SecretError::Unset(name.clone()))?
        }
        SecretSource::File(path) => around.secret_file(path)?,
    };
    // A file ends with a newline, a pasted variable with a blank.
    Ok(SecretString::from(text.expose_secret().trim()))
}

/// Whether a text that should name a place is a key or secret by its looks: it must not be repeated.
pub(crate) fn looks_like_one(text: &str) -> bool {
    let long = text.len() >= 40 && text.bytes().all(|b| b.is_ascii_alphanumeric()) && text.bytes().any(|b| b.is_ascii_digit());
    long || text.contains("-----BEGIN") || text.contains('\n')
}

/// What is wrong with an API key by its looks; says nothing of it. `real` ones are the venue's, of which the form is known.
pub(crate) fn flaw_of_key(key: &SecretString, real: bool) -> Option<String> {
    let text = key.expose_secret();
    if text.contains("-----BEGIN") {
        let half = if text.contains("-----BEGIN PUBLIC") { "public" } else { "private" };
        return Some(format!(
            "is a {half} key in PEM form: api_key is the text that the venue shows, api_secret the private key"
        ));
    }
    flaw(text, real).map(str::to_owned)
}

/// What is wrong with a secret by its looks; says nothing of it but its kind. Only Binance's kinds are known, `of_binance`.
pub(crate) fn flaw_of_secret(secret: &SecretString, real: bool, of_binance: bool) -> Option<String> {
    let text = secret.expose_secret();
    #[cfg(feature = "binance")]
    if of_binance {
        match binance_adapter::key::kind_of(text) {
            Ok(binance_adapter::key::KeyKind::Hmac) => (),
            Ok(_) => return None,
            Err(why) => return Some(why.to_string()),
        }
    }
    if !of_binance && text.contains("-----BEGIN") {
        return None;
    }
    flaw(text, real).map(str::to_owned)
}

fn flaw(text: &str, real: bool) -> Option<&'static str> {
    if text.is_empty() {
        return Some("is empty");
    }
    if text.chars().any(char::is_whitespace) {
        return Some("has a blank in it");
    }
    if is_placeholder(text) {
        return Some("is a placeholder");
    }
    if real && text.len() < 32 {
        return Some("is too short to be one of Binance's, which have 64 characters");
    }
    if real && !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Some("has characters that Binance's never have");
    }
    None
}

fn is_placeholder(text: &str) -> bool {
    const WORDS: [&str; 12] =
        ["apikey", "apisecret", "secret", "secretkey", "key", "todo", "test", "none", "null", "undefined", "dummy", "fixme"];
    const PARTS: [&str; 7] = ["changeme", "changethis", "placeholder", "replaceme", "example", "yourapi", "yoursecret"];
    let plain: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let marked = text.contains(['<', '>', '{', '}', '$', '%', '*', '…']) || text.contains("...");
    let mut chars = plain.chars();
    let first = chars.next();
    marked
        || WORDS.contains(&plain.as_str())
        || PARTS.iter().any(|part| plain.contains(part))
        || plain.starts_with("your") && plain.len() < 32
        || chars.all(|c| Some(c) == first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_seen() {
        for bad in [
            "",
            "changeme",
            "CHANGE_ME",
            "<key>",
            "your-api-key",
            "YOUR_API_SECRET",
            "xxxxxxxx",
            "${KEY}",
            "abc...",
            "secret",
            "api_key",
            "00000000000000000000000000000000",
            "example-key-1",
            "a b",
        ] {
            assert!(flaw(bad, false).is_some(), "{bad}");
        }
        for good in ["sim-key", "sim-secret", "k1", "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"] {
            assert_eq!(flaw(good, false), None, "{good}");
        }
        assert!(flaw("sim-key", true).is_some());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        std::fs::write(&path, "abcdef\n").unwrap();
        let process = Process::beside(folder.path().to_owned());
        let source = SecretSource::File(PathBuf::from("k"));
        for (mode, good) in [(0o644, false), (0o640, false), (0o604, false), (0o600, true), (0o400, true)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let read = fetch(&source, &process);
            assert_eq!(read.is_ok(), good, "{mode:o}");
            if let Err(error) = read {
                assert!(error.advice().starts_with("chmod 600 "), "{}", error.advice());
            }
        }
        assert_eq!(fetch(&source, &process).unwrap().expose_secret(), "abcdef");
        assert!(fetch(&SecretSource::File(PathBuf::from("none")), &process).is_err());
        assert!(fetch(&SecretSource::File(PathBuf::from(".")), &process).is_err());
    }

    #[cfg(feature = "binance")]
    #[test]
    fn a_secret_is_judged_by_its_content() {
        let wrong = |text: &str| flaw_of_secret(&SecretString::from(text), true, true);
        assert_eq!(wrong("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"), None);
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7\n-----END PRIVATE KEY-----\n";
        assert_eq!(wrong(pem), None);
        for (text, why) in [
            (pem.replace("PRIVATE", "PUBLIC"), "is a public key"),
            (pem.replace("BEGIN PRIVATE", "BEGIN ENCRYPTED PRIVATE"), "is an encrypted private key"),
            (pem.replace("BEGIN PRIVATE", "BEGIN EC PRIVATE"), "is an EC key"),
            (pem.replace('\n', "\\n"), "is a PEM that is cut off or damaged"),
            ("MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7".to_owned(), "is a private key without"),
            ("short".to_owned(), "is too short"),
        ] {
            let told = wrong(&text).unwrap_or_default();
            assert!(told.starts_with(why), "{told}");
        }
        let swapped = flaw_of_key(&SecretString::from(pem), true).unwrap_or_default();
        assert!(swapped.starts_with("is a private key in PEM form: api_key is"), "{swapped}");
        // Another venue's kinds are its own.
        assert_eq!(flaw_of_secret(&SecretString::from(pem.replace("PRIVATE", "EC PRIVATE")), true, false), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_binary_key_is_told_as_one() {
        use std::os::unix::fs::OpenOptionsExt;
        let folder = tempfile::tempdir().unwrap();
        for (bytes, why) in [(&[0x30, 0x2e, 0xff][..], "binary form (DER)"), (&[0xff, 0xfe, 0x41], "no text")] {
            let path = folder.path().join("k");
            let _ = std::fs::remove_file(&path);
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
            std::io::Write::write_all(&mut file, bytes).unwrap();
            let error = Process::beside(folder.path().to_owned()).secret_file(Path::new("k")).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
