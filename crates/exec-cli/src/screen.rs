//! What a verb prints: lines and tables on standard output, complaints on standard error. A reader that has left is no error.

use std::io::Write;

/// Prints a line.
pub(crate) fn say(line: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    // Whoever closed the pipe has read enough.
    let _ = writeln!(out, "{}", line.as_ref());
    let _ = out.flush();
}

/// Prints what went wrong.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints a JSON document on one line.
pub(crate) fn json(value: &serde_json::Value) {
    say(value.to_string());
}

/// Prints rows under their heads, in columns as wide as they need; `empty` where there are none.
pub(crate) fn table<const N: usize>(heads: [&str; N], rows: &[[String; N]], empty: &str) {
    if rows.is_empty() {
        return say(empty);
    }
    let mut widths = heads.map(width);
    for row in rows {
        for (max, cell) in widths.iter_mut().zip(row) {
            *max = (*max).max(width(cell));
        }
    }
    say(line(&heads.map(str::to_owned), &widths));
    for row in rows {
        say(line(row, &widths));
    }
}

/// The same without the columns in which no row has anything: a dash is nothing.
pub(crate) fn sparse_table(heads: &[&str], rows: &[Vec<String>], empty: &str) {
    if rows.is_empty() {
        return say(empty);
    }
    for text in sparse(heads, rows) {
        say(text);
    }
}

fn sparse(heads: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let all: Vec<usize> = (0..heads.len()).collect();
    let cell = |row: &Vec<String>, column: usize| row.get(column).cloned().unwrap_or_default();
    let said = |column: &usize| rows.iter().any(|row| !matches!(cell(row, *column).as_str(), "" | "-"));
    let columns: Vec<usize> = all.into_iter().filter(said).collect();
    let head = heads.iter().map(|head| (*head).to_owned()).collect();
    let lines: Vec<Vec<String>> =
        std::iter::once(&head).chain(rows).map(|row| columns.iter().map(|c| cell(row, *c)).collect()).collect();
    let widest = |c: usize| lines.iter().filter_map(|row: &Vec<String>| row.get(c)).map(|text| width(text)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns.len()).map(widest).collect();
    lines.iter().map(|cells| line(cells, &widths)).collect()
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).map(|(cell, width)| pad(cell, *width));
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

/// A text filled up with blanks to a width on the screen.
pub(crate) fn pad(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(width(text))))
}

/// Milliseconds as seconds with one decimal.
pub(crate) fn seconds(ms: u128) -> String {
    format!("{}.{}", ms / 1000, ms % 1000 / 100)
}

/// How many columns a text takes on a terminal: Chinese, Japanese and Korean letters take two.
pub(crate) fn width(text: &str) -> usize {
    let wide = |c: char| matches!(c, '\u{1100}'..='\u{115F}' | '\u{2E80}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}' | '\u{FF00}'..='\u{FF60}');
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_symbols_stand_in_columns() {
        assert_eq!(width("币安人生USDT"), 12);
        assert_eq!(pad("币安", 6), "币安  ");
        assert_eq!(line(&["币安".into(), "x".into()], &[6, 1]), "币安    x");
    }

    #[test]
    fn columns_without_anything_are_left_out() {
        let rows = [vec!["a".to_owned(), "-".to_owned(), "-".to_owned()], vec!["bb".to_owned(), "-".to_owned(), "c".to_owned()]];
        assert_eq!(sparse(&["one", "two", "three"], &rows), ["one  three", "a    -", "bb   c"]);
    }
}
