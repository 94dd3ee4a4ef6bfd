//! A Rust file as tidy reads it: the code without its comments and strings, and which lines are tests. Not a parser.

use std::path::{Path, PathBuf};

/// One file of the tree. `code` has the same lines as `text`, with comments and the insides of strings blanked.
pub(crate) struct Source {
    /// Where it stands, from the root of the workspace.
    pub(crate) path: PathBuf,
    /// The file as it is.
    pub(crate) text: String,
    /// The file with spaces for comments and for what stands between quotes.
    pub(crate) code: String,
    in_test: Vec<bool>,
    /// Lines under an attribute that asks for a feature.
    in_feature: Vec<bool>,
}

impl Source {
    /// Reads the text of one file.
    pub(crate) fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        let (path, text) = (path.into(), text.into());
        let code = blanked(&text);
        let in_test = if is_test_path(&path) { vec![true; code.lines().count()] } else { lines_under(&code, "#[cfg(test)]") };
        // The name stands between quotes, so it is blank here.
        let names = text.lines().filter_map(|line| line.trim().strip_prefix("#[cfg(feature = \"")?.strip_suffix("\")]"));
        let lengths: std::collections::BTreeSet<usize> = names.map(|name| name.chars().count()).collect();
        let mut in_feature = vec![false; code.lines().count()];
        for length in lengths {
            let attribute = format!("#[cfg(feature = \"{:length$}\")]", "");
            for (mark, under) in in_feature.iter_mut().zip(lines_under(&code, &attribute)) {
                *mark |= under;
            }
        }
        Source { path, text, code, in_test, in_feature }
    }

    /// Says whether a line, counted from 1, stands under `#[cfg(test)]` or in a file of tests.
    pub(crate) fn in_test(&self, line: usize) -> bool {
        self.in_test.get(line - 1).copied().unwrap_or(false)
    }

    /// Says whether a line, counted from 1, is built only with some feature.
    pub(crate) fn in_feature(&self, line: usize) -> bool {
        self.in_feature.get(line - 1).copied().unwrap_or(false)
    }

    /// Yields the lines of the code, counted from 1.
    pub(crate) fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(at, line)| (at + 1, line))
    }

    /// Yields the lines of the code that are not tests.
    pub(crate) fn live_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code_lines().filter(|(line, _)| !self.in_test(*line))
    }
}

/// Says whether `word` stands in `line` with nothing of an identifier on either side of it.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let starts = word.starts_with(part) && line[..at].ends_with(part);
        let ends = word.ends_with(part) && line[at + word.len()..].starts_with(part);
        !starts && !ends
    })
}

/// Finds the end of the block that the next `{` of `code` opens: the offset behind its closing brace.
fn block_end(code: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

fn is_test_path(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "tests.rs")
        || path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "benches")
}

fn lines_under(code: &str, attribute: &str) -> Vec<bool> {
    let mut marks = vec![false; code.lines().count()];
    for (at, attribute) in code.match_indices(attribute) {
        let rest = &code[at + attribute.len()..];
        // An item ends at its block, or before it at a semicolon (`mod tests;`, `use ...;`).
        let brace = rest.find('{').unwrap_or(rest.len());
        let end = match rest.find(';') {
            Some(semicolon) if semicolon < brace => semicolon + 1,
            _ => block_end(rest).unwrap_or(rest.len()),
        };
        let first = code[..at].matches('\n').count();
        let last = first + rest[..end].matches('\n').count();
        for mark in marks.iter_mut().take(last + 1).skip(first) {
            *mark = true;
        }
    }
    marks
}

fn blanked(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let next = match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => comment_line(&chars, at),
            '/' if chars.get(at + 1) == Some(&'*') => comment_block(&chars, at),
            '"' => string(&chars, at),
            'r' if !is_ident_before(&chars, at) => match raw_string(&chars, at) {
                Some(end) => end,
                None => at,
            },
            '\'' => char_literal(&chars, at).unwrap_or(at),
            _ => at,
        };
        if next == at {
            code.push(chars[at]);
            at += 1;
            continue;
        }
        let quoted = chars[at] != '/';
        for (offset, c) in chars[at..next].iter().enumerate() {
            let edge = quoted && (offset == 0 || at + offset + 1 == next);
            code.push(if edge || *c == '\n' { *c } else { ' ' });
        }
        at = next;
    }
    code
}

fn is_ident_before(chars: &[char], at: usize) -> bool {
    // `br"..."` is a raw string too.
    at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_') && chars[at - 1] != 'b'
}

fn comment_line(chars: &[char], from: usize) -> usize {
    chars[from..].iter().position(|c| *c == '\n').map_or(chars.len(), |length| from + length)
}

fn comment_block(chars: &[char], from: usize) -> usize {
    let mut depth = 0usize;
    let mut at = from;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                at += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    chars.len()
}

fn string(chars: &[char], from: usize) -> usize {
    let mut at = from + 1;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

fn raw_string(chars: &[char], from: usize) -> Option<usize> {
    let hashes = chars[from + 1..].iter().take_while(|c| **c == '#').count();
    let open = from + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let closes = |at: &usize| chars[*at] == '"' && chars[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
    Some((open + 1..chars.len()).find(closes).map_or(chars.len(), |at| at + 1 + hashes))
}

// A lifetime has no closing quote one (escaped or plain) character on.
fn char_literal(chars: &[char], from: usize) -> Option<usize> {
    if chars.get(from + 1) == Some(&'\\') {
        let close = chars[from + 3..].iter().take(10).position(|c| *c == '\'')?;
        return Some(from + 3 + close + 1);
    }
    (chars.get(from + 2) == Some(&'\'')).then_some(from + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        Source::new("src/a.rs", text).code
    }

    #[test]
    fn comments_and_strings_are_blank_and_lines_stay() {
        assert_eq!(code("a // todo!()\nb"), format!("a {:10}\nb", ""));
        assert_eq!(code("a /* x /* y */\n */ b"), format!("a {:12}\n{:3} b", "", ""));
        assert_eq!(code(r#"f("a \" b", x)"#), r#"f("      ", x)"#);
        assert_eq!(code("f(r#\"a\"b\"#)"), "f(r      #)");
        assert_eq!(code("'\"' 'a' fn f<'a>(x: &'a str)"), "' ' ' ' fn f<'a>(x: &'a str)");
        assert_eq!(code(r"'\'' '\u{1b}' x"), r"'  ' '      ' x");
    }

    #[test]
    fn what_stands_under_cfg_test_is_a_test() {
        let source = Source::new(
            "src/a.rs",
            "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nmod t;\nfn d() {}",
        );
        let tests: Vec<usize> = (1..=9).filter(|line| source.in_test(*line)).collect();
        assert_eq!(tests, [2, 3, 4, 5, 7, 8]);
    }

    #[test]
    fn what_stands_under_a_feature_is_known() {
        let source = Source::new(
            "src/a.rs",
            "fn a() {}\n#[cfg(feature = \"x\")]\nmod b {\n  fn b() {}\n}\nfn c() {}\n#[cfg(not(feature = \"x\"))]\nfn d() {}\n",
        );
        let feature: Vec<usize> = (1..=8).filter(|line| source.in_feature(*line)).collect();
        assert_eq!(feature, [2, 3, 4, 5]);
    }

    #[test]
    fn files_of_tests_are_tests_throughout() {
        assert!(Source::new("crates/a/tests/it/main.rs", "fn a() {}").in_test(1));
        assert!(Source::new("crates/a/src/b/tests.rs", "fn a() {}").in_test(1));
        assert!(!Source::new("crates/a/src/testing.rs", "fn a() {}").in_test(1));
    }

    #[test]
    fn a_word_is_not_a_part_of_a_longer_one() {
        assert!(has_word("use rand::Rng;", "rand"));
        assert!(!has_word("let random = operand;", "rand"));
        assert!(has_word("use std::fmt;", "std::"));
        assert!(!has_word("use my_std::fmt;", "std::"));
    }
}
