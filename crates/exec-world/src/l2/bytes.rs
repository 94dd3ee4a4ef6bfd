//! What becomes of bytes that are spoilt on their way: an answer that is none, a body that is cut, a frame that nobody can read.
//! It changes no figure into another one: against that there are checksums, and encryption, and no protocol that could notice it.

use crate::rng::Rng;

/// What a venue says before it ends a socket, as a frame.
pub(crate) const SHUTDOWN: &[u8] = b"\x81\x28{\"e\":\"serverShutdown\",\"E\":1795305600000}";

/// How an answer is spoilt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Spoilt {
    /// A page for people, and the status of a success.
    Page,
    /// Its JSON ends in the middle; the length is that of what is left.
    JsonCut,
    /// It says that it is longer than it is.
    TooLong,
    /// It says that it is shorter than it is.
    TooShort,
    /// A proxy's failure in its place.
    Gateway,
    /// The venue's failure in its place, with a body that is no verdict.
    Internal,
    /// An answer to something else.
    Foreign,
}

impl Spoilt {
    pub(crate) const ALL: [Self; 7] =
        [Self::Page, Self::JsonCut, Self::TooLong, Self::TooShort, Self::Gateway, Self::Internal, Self::Foreign];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Page => "net: page with status 200",
            Self::JsonCut => "net: JSON cut",
            Self::TooLong => "net: content-length too long",
            Self::TooShort => "net: content-length too short",
            Self::Gateway => "net: a proxy's 502 or 504",
            Self::Internal => "net: 500 without a verdict",
            Self::Foreign => "net: another answer",
        }
    }
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        rng.pick(&Self::ALL).copied().unwrap_or(Self::Page)
    }
}

/// What a chunk from a client is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Asks {
    /// A request, or the start of one.
    Request,
    /// A handshake of a private stream.
    Private,
    /// A handshake of another stream.
    Public,
    /// Anything else.
    More,
}

/// Looks at the first line of a chunk.
pub(crate) fn asks(chunk: &[u8]) -> Asks {
    let line = chunk.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let starts = |with: &str| line.starts_with(with.as_bytes());
    match () {
        () if starts("GET /private/") => Asks::Private,
        () if starts("GET /public/") || starts("GET /market/") => Asks::Public,
        () if starts("GET /") || starts("POST /") || starts("PUT /") || starts("DELETE /") => Asks::Request,
        () => Asks::More,
    }
}

/// Head and body of an answer that is whole, unless it is that of a handshake.
fn whole_answer(chunk: &[u8]) -> Option<(&str, &[u8])> {
    let end = chunk.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let (head, body) = chunk.split_at_checked(end)?;
    let head =
        std::str::from_utf8(head).ok().filter(|head| head.starts_with("HTTP/1.1 ") && !head.starts_with("HTTP/1.1 101"))?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    (length.parse() == Ok(body.len())).then_some((head, body))
}

/// Spoils an answer; `None` if the chunk is not a whole one.
pub(crate) fn spoil(chunk: &[u8], how: Spoilt, rng: &mut Rng) -> Option<Vec<u8>> {
    let (head, body) = whole_answer(chunk)?;
    let said = |length: usize, body: &[u8]| {
        let line = format!("content-length: {}", body_length(head).unwrap_or_default());
        let head = head.replace(&line, &format!("content-length: {length}"));
        [head.as_bytes(), body].concat()
    };
    let instead = |status: &str, kind: &str, text: &str| {
        format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{text}", text.len()).into_bytes()
    };
    let some = usize::try_from(rng.between(1, 40)).unwrap_or(1);
    let half = body.get(..body.len() / 2).unwrap_or_default();
    Some(match how {
        Spoilt::Page => instead("200 OK", "text/html", "<html><body>Under maintenance</body></html>"),
        Spoilt::JsonCut => said(half.len(), half),
        Spoilt::TooLong => said(body.len() + some, body),
        Spoilt::TooShort => said(body.len().saturating_sub(some), body),
        Spoilt::Gateway if some % 2 == 0 => instead("502 Bad Gateway", "text/html", "<html>502 Bad Gateway</html>"),
        Spoilt::Gateway => instead("504 Gateway Time-out", "text/html", "<html>504 Gateway Time-out</html>"),
        Spoilt::Internal => instead("500 Internal Server Error", "application/json", r#"{"msg":"internal"}"#),
        Spoilt::Foreign => instead("200 OK", "application/json", r#"{"serverTime":1,"clientOrderId":"someone-elses"}"#),
    })
}

fn body_length(head: &str) -> Option<usize> {
    head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse().ok()
}

/// Makes the text of a frame unreadable; `None` if the chunk does not begin with a text of some length.
pub(crate) fn spoil_frame(chunk: &[u8]) -> Option<Vec<u8>> {
    let [0x81, short, ..] = chunk else { return None };
    let begins = match short {
        0..=125 => 2,
        126 => 4,
        _ => 10,
    };
    let comma = begins + chunk.get(begins..)?.iter().position(|byte| *byte == b',')?;
    let mut chunk = chunk.to_vec();
    *chunk.get_mut(comma)? = b';';
    Some(chunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 15\r\n\r\n{\"orderId\":123}";

    #[test]
    fn an_answer_is_spoilt_as_said_and_only_a_whole_one() {
        let spoilt = |how| String::from_utf8(spoil(ANSWER, how, &mut Rng::new(1, 1)).unwrap()).unwrap();
        assert!(spoilt(Spoilt::Page).contains("text/html") && spoilt(Spoilt::Page).starts_with("HTTP/1.1 200"));
        assert!(spoilt(Spoilt::JsonCut).ends_with("content-length: 7\r\n\r\n{\"order"));
        assert!(!spoilt(Spoilt::TooLong).contains("content-length: 15") && spoilt(Spoilt::TooLong).ends_with("123}"));
        assert!(spoilt(Spoilt::Internal).starts_with("HTTP/1.1 500"));
        assert_eq!(spoil(ANSWER.split_last().unwrap().1, Spoilt::Page, &mut Rng::new(1, 1)), None);
        assert_eq!(spoil(b"HTTP/1.1 101 X\r\ncontent-length: 0\r\n\r\n", Spoilt::Page, &mut Rng::new(1, 1)), None);
    }

    #[test]
    fn a_frame_is_spoilt_in_its_text() {
        let frame = [&[0x81, 13], br#"{"e":1,"E":2}"#.as_slice()].concat();
        assert_eq!(spoil_frame(&frame).unwrap(), [&[0x81, 13], br#"{"e":1;"E":2}"#.as_slice()].concat());
        assert_eq!(spoil_frame(&[0x89, 0]), None);
        assert_eq!(SHUTDOWN.get(1).map(|length| usize::from(*length) + 2), Some(SHUTDOWN.len()));
        assert_eq!(asks(b"GET /private/ws/abc HTTP/1.1\r\n"), Asks::Private);
        assert_eq!(asks(b"POST /fapi/v1/order HTTP/1.1\r\n"), Asks::Request);
        assert_eq!(asks(b"\x8a\x80"), Asks::More);
    }
}
