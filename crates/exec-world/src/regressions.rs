//! Worlds that were violated once. They stay in the repository and are lived first, before those that were asked for.

use crate::{case::Case, cli, layer::Layer};

const FILE: &str = include_str!("../regressions.txt");

/// One of them, and what it found.
pub(crate) struct Known {
    pub(crate) case: Case,
    pub(crate) found: &'static str,
}

/// Those of a layer; `Err` is a line that cannot be read.
pub(crate) fn of(layer: Layer) -> Result<Vec<Known>, String> {
    let lines = FILE.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let all: Result<Vec<Known>, String> = lines.map(known).collect();
    Ok(all?.into_iter().filter(|known| known.case.layer == layer).collect())
}

fn known(line: &'static str) -> Result<Known, String> {
    let wrong = |why: &str| format!("regressions.txt: {why}: {line}");
    let (words, found) = line.split_once(" # ").ok_or_else(|| wrong("no ` # what it found`"))?;
    let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    match cli::read(&words).map_err(|why| wrong(&why))? {
        cli::Wish::Worlds(asked) => Ok(Known { case: asked.first, found: found.trim() }),
        _ => Err(wrong("not the words of a world")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_names_a_world_and_what_it_found() {
        let all = Layer::ALL.into_iter().map(|layer| of(layer).unwrap().len()).sum::<usize>();
        assert!(all > 0);
    }
}
