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

/// A moment as people write it, in UTC, to the millisecond.
pub(crate) fn utc(ms: u64) -> String {
    let (days, in_day) = (ms / 86_400_000, ms % 86_400_000);
    // The civil calendar in eras of 400 years that begin in March, so that a leap day is the last of its year.
    let z = days + 719_468;
    let (era, of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) = (day_of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (h, m, s, rest) = (in_day / 3_600_000, in_day / 60_000 % 60, in_day / 1_000 % 60, in_day % 1_000);
    format!("{year:04}-{month:02}-{day:02} {h:02}:{m:02}:{s:02}.{rest:03}")
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
    fn moments_are_written_as_people_write_them() {
        assert_eq!(utc(0), "1970-01-01 00:00:00.000");
        assert_eq!(utc(951_782_399_999), "2000-02-28 23:59:59.999");
        assert_eq!(utc(951_782_400_000), "2000-02-29 00:00:00.000");
        assert_eq!(utc(1_795_305_600_123), "2026-11-22 00:00:00.123");
    }

    #[test]
    fn columns_without_anything_are_left_out() {
        let rows = [vec!["a".to_owned(), "-".to_owned(), "-".to_owned()], vec!["bb".to_owned(), "-".to_owned(), "c".to_owned()]];
        assert_eq!(sparse(&["one", "two", "three"], &rows), ["one  three", "a    -", "bb   c"]);
    }
}
