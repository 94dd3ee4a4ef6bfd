//! Where in a document an error lies: line, byte, and the path of keys to it. It reads no meaning and allows any text.

use super::DecodeError;

/// Longest path that is told; a hostile document may nest without end.
const PATH_MAX: usize = 120;

/// The parser's complaint about a part of the document, told by its place in the whole.
pub(super) fn complaint(document: &str, part: &str, error: &serde_json::Error) -> DecodeError {
    // A body that came in quotes has been unquoted and is no part of the document any more.
    let (whole, begin, within) = match offset_of(document, part) {
        Some(begin) => (document, begin, ""),
        None => (part, 0, "the quoted body"),
    };
    let at = (begin + offset(part, error.line(), error.column())).min(whole.len());
    let mut inside = path(whole.as_bytes(), at);
    if inside.is_empty() {
        within.clone_into(&mut inside);
    }
    let why = reason(error);
    // To the parser half a number is a wrong number.
    let is_half = error.is_eof() || why == "invalid number" && whole.ends_with(['-', '+', '.', 'e', 'E']);
    if is_half && whole.get(at..).is_none_or(|rest| rest.trim_start().is_empty()) {
        return DecodeError::Cut { after: at, inside, why };
    }
    let before = whole.as_bytes().get(..at).unwrap_or_default();
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = at - before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    DecodeError::Unreadable { line, column, inside, why }
}

/// The complaint without the parser's own place, which counts from the beginning of the part.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

/// Where a part begins, if it is a slice of the document.
fn offset_of(document: &str, part: &str) -> Option<usize> {
    let begin = (part.as_ptr() as usize).checked_sub(document.as_ptr() as usize)?;
    (begin + part.len() <= document.len()).then_some(begin)
}

/// The byte of a line and a column, both counted from one; column zero is the end of the line before.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let begin = match line.checked_sub(2) {
        None => 0,
        Some(before) => {
            text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').nth(before).map_or(text.len(), |(at, _)| at + 1)
        }
    };
    (begin + column).min(text.len())
}

/// One object or list that is open at the place.
enum Open {
    Object { key: String, is_key: bool },
    List(usize),
}

/// The path of keys to the value that stands at a byte: `o.n`, `body[3].symbol`; empty at the top.
fn path(text: &[u8], end: usize) -> String {
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at).filter(|_| at < end) {
        at += 1;
        match byte {
            b'{' => open.push(Open::Object { key: String::new(), is_key: true }),
            b'[' => open.push(Open::List(0)),
            b'}' | b']' => drop(open.pop()),
            b',' => match open.last_mut() {
                Some(Open::Object { is_key, .. }) => *is_key = true,
                Some(Open::List(index)) => *index += 1,
                None => {}
            },
            b'"' => {
                let begin = at;
                while text.get(at).is_some_and(|byte| *byte != b'"') {
                    at += if text.get(at) == Some(&b'\\') { 2 } else { 1 };
                }
                let letters = text.get(begin..at.min(text.len())).unwrap_or_default();
                at += 1;
                match open.last_mut() {
                    // A key that the place cuts in two is not told: it is not known how it goes on.
                    Some(Open::Object { key, is_key }) if *is_key && at <= end => {
                        *key = String::from_utf8_lossy(letters).into_owned();
                        *is_key = false;
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    write(&open)
}

fn write(open: &[Open]) -> String {
    use std::fmt::Write as _;
    let mut path = String::new();
    for level in open {
        // Writing to a text cannot fail.
        let _ = match level {
            Open::Object { key, .. } if key.is_empty() => Ok(()),
            Open::Object { key, .. } if path.is_empty() => write!(path, "{key}"),
            Open::Object { key, .. } => write!(path, ".{key}"),
            Open::List(index) => write!(path, "[{index}]"),
        };
        if path.len() > PATH_MAX {
            let end = (0..=PATH_MAX).rev().find(|end| path.is_char_boundary(*end)).unwrap_or(0);
            path.truncate(end);
            path.push('…');
            break;
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(text: &str) -> serde_json::Error {
        serde_json::from_str::<serde_json::Value>(text).unwrap_err()
    }

    #[test]
    fn a_path_names_keys_and_rows() {
        let text = br#"{"a":1,"body":[{"x":"a\"}{"},{"symbol":"BTC","q":1}],"z":2}"#;
        let place = |word: &str| text.windows(word.len()).position(|window| window == word.as_bytes()).unwrap();
        assert_eq!(path(text, place("BTC")), "body[1].symbol");
        assert_eq!(path(text, place("\"}{")), "body[0].x");
        assert_eq!(path(text, text.len() - 1), "z");
        assert_eq!((path(text, 0), path(text, text.len())), (String::new(), String::new()));
        assert_eq!(path(b"}}]],,\"\\", 99), "");
    }

    #[test]
    fn a_cut_document_says_after_how_many_bytes_and_inside_what() {
        let text = r#"{"e":"X","o":{"s":"BTCUSDT","q":"0.0"#;
        let told = complaint(text, text, &error_of(text));
        assert!(matches!(&told, DecodeError::Cut { after, inside, .. } if *after == text.len() && inside == "o.q"), "{told}");
        assert_eq!(told.to_string(), format!("cut off after {} bytes, in `o.q`: EOF while parsing a string", text.len()));
    }

    #[test]
    fn half_a_number_is_a_cut_and_a_wrong_one_is_not() {
        for text in ["{\"a\":-", "{\"a\":1.", "{\"a\":1e", "{\"a\":1e+"] {
            assert!(matches!(complaint(text, text, &error_of(text)), DecodeError::Cut { .. }), "{text}");
        }
        for text in ["{\"a\":-}", "{\"a\":1.}", "{\"a\":01", "{\"a\":1}}", "nope"] {
            assert!(matches!(complaint(text, text, &error_of(text)), DecodeError::Unreadable { .. }), "{text}");
        }
    }

    #[test]
    fn an_error_in_a_part_is_told_by_its_place_in_the_whole() {
        let text = "{\"path\":\"/x\",\n \"body\":[{\"q\":\n  nope}]}";
        let part = &text[text.find('[').unwrap()..text.len() - 1];
        let told = complaint(text, part, &error_of(part));
        assert_eq!(told.to_string(), "unreadable at line 3, byte 4, in `body[0].q`: expected ident");
    }

    #[test]
    fn a_path_without_end_is_cut_short() {
        let deep = format!("{}币", "{\"币币\":".repeat(10_000));
        assert!(path(deep.as_bytes(), deep.len()).len() < 2 * PATH_MAX);
    }
}
