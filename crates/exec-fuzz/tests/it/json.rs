//! Mutations of a JSON document that leave it JSON: a node of the wrong type, doubled, taken away, too large, too deep. What is no
//! JSON stays as it is.

use crate::mutate::Choice;
use serde_json::Value;

/// Letters in front of a document that choose what it answers.
const HEAD_MAX: usize = 2;

/// The document with one of its nodes changed.
pub(crate) fn mutated(bytes: &[u8], choice: &mut Choice) -> Vec<u8> {
    for head in 0..=HEAD_MAX.min(bytes.len()) {
        if let Ok(value) = serde_json::from_slice::<Value>(&bytes[head..]) {
            let mut out = Writer { text: String::new(), left: choice.below(nodes(&value)), choice: *choice };
            out.write(&value);
            return [&bytes[..head], out.text.as_bytes()].concat();
        }
    }
    bytes.to_vec()
}

fn nodes(value: &Value) -> usize {
    match value {
        Value::Array(all) => 1 + all.iter().map(nodes).sum::<usize>(),
        Value::Object(all) => 1 + all.values().map(nodes).sum::<usize>(),
        _ => 1,
    }
}

/// Writes a document, and something else in one place.
struct Writer {
    text: String,
    /// Nodes before that place.
    left: usize,
    choice: Choice,
}

impl Writer {
    fn write(&mut self, value: &Value) {
        if self.left == 0 {
            self.left = usize::MAX;
            let text = self.instead(value);
            self.text.push_str(&text);
            return;
        }
        self.left -= 1;
        match value {
            Value::Array(all) => {
                self.text.push('[');
                for (at, value) in all.iter().enumerate() {
                    self.comma(at);
                    self.write(value);
                }
                self.text.push(']');
            }
            Value::Object(all) => {
                self.text.push('{');
                for (at, (key, value)) in all.iter().enumerate() {
                    self.comma(at);
                    if self.left == 0 && self.choice.below(4) == 0 {
                        self.entry(key, value);
                        continue;
                    }
                    self.text.push_str(&format!("{}:", Value::from(key.as_str())));
                    self.write(value);
                }
                self.text.push('}');
            }
            other => self.text.push_str(&other.to_string()),
        }
    }

    fn comma(&mut self, at: usize) {
        if at > 0 {
            self.text.push(',');
        }
    }

    /// A key twice, under another name, or with an unknown one beside it.
    fn entry(&mut self, key: &str, value: &Value) {
        self.left = usize::MAX;
        let key = Value::from(key).to_string();
        self.text.push_str(&match self.choice.below(3) {
            0 => format!("{key}:{value},{key}:{value}"),
            1 => format!("\"zz\":{value}"),
            _ => format!("\"\\u007a\":[{value}],{key}:{value}"),
        });
    }

    fn instead(&mut self, value: &Value) -> String {
        let plain = value.as_str().map_or_else(|| value.to_string(), String::from);
        match self.choice.below(16) {
            0 => "null".into(),
            1 => Value::from(plain).to_string(),
            2 => plain,
            3 => "1e400".into(),
            4 => "\"1E999999999\"".into(),
            5 => "-0".into(),
            6 => "18446744073709551616".into(),
            7 => "9".repeat(400),
            8 => format!("{}{value}{}", "[".repeat(200), "]".repeat(200)),
            9 => format!("[{value},{value}]"),
            10 => format!("{{\"zz\":{value}}}"),
            11 => "\"\"".into(),
            12 => "\"币\\ud800\"".into(),
            13 => format!("\"{}\"", "9".repeat(40)),
            14 => "\"-79228162514264337593543950335\"".into(),
            _ => "true".into(),
        }
    }
}
