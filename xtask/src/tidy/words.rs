//! Words that tie the tree to one machine or to notes nobody else has. The project stands alone, so they are found in any text file.

use super::Finding;

// Put together here, so that this file does not find itself.
const BANNED: &[(&str, &str)] = &[
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("../sha", "red"), "a path outside the repository"),
    (concat!(".libr", "ary"), "a path outside the repository"),
    (concat!("des", "ign.md"), "a note outside the repository"),
    (concat!("de", "sk.md"), "a note outside the repository"),
    (concat!("pro", "of.md"), "a note outside the repository"),
];

/// Finds banned words in one text file.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for (word, what) in BANNED.iter().filter(|(word, _)| stands_in(line, word)) {
            findings.push(Finding::new(path, at + 1, format!("`{word}` is {what}: say it without, or cite a public source")));
        }
    }
    findings
}

// `path/work/x` and `network/...` are no roots: the word begins where no letter stands before it.
fn stands_in(line: &str, word: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_a_machine_is_found_where_it_begins() {
        let home = concat!("see /wo", "rk/main for it");
        assert_eq!(check("README.md", home).len(), 1);
        assert_eq!(check("README.md", concat!("see `../sha", "red/x` and (", "/wo", "rk/)")).len(), 2);
        assert!(check("README.md", "GET /network/x, a/work/b, redesign, ../shard").is_empty());
    }
}
