//! The words of the command line, read or refused. What they ask for is done elsewhere.

use crate::{case::Case, layer::Layer, plan::Profile, planting};
use std::collections::BTreeSet;

pub(crate) const USAGE: &str =
    "usage: exec-world --seeds A..B [--layer L1|L2|lease] [--steps N] [--profile mixed|calm|storm|crash|hedge|conditional|bracket|blind|ghost|broken|rough|kill]
                  [--plant NAME] [--list-plants] [--help] ...
  --seeds A..B       one world for each seed from A to B, B not included; 64 bits
  --layer L          L1: the core, with everything around it made up (default); L2: with the runtime, and the adapter's own bytes;
                     lease: two nodes and the lease of one account
  --steps N          events of each world before the faults stop (default: the layer's)
  --profile P        which kind of worlds (default mixed)
  --plant NAME       with this bug built in: exit 1 is a bug found, exit 0 one that escaped (needs the feature `plants`)
  --list-plants      all of them
  --violations N     go on until so many are found (default 1)
  --without A,B      without these kinds of faults and habits; --list-kinds names them
  --skip 3,7-9       the 3rd and the 7th to 9th strike of faults do not happen
  --trace            print what happens, line by line (one world after the other)
  --hash             print one hash over all worlds: the same for the same words, in whatever process
  --twice            live each world twice, and compare
  --brief            no shrinking and no trace of a violated world
  --threads N        worlds at a time (default: one for each core)
Exit: 0 everything held, 1 a violation or a run that did not cover what it must, 2 wrong use.";

/// What is asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Asked {
    /// The first world; the others differ in their seed.
    pub(crate) first: Case,
    /// The seed behind the last one.
    pub(crate) end: u64,
    pub(crate) trace: bool,
    pub(crate) hash: bool,
    pub(crate) twice: bool,
    pub(crate) brief: bool,
    pub(crate) plant: Option<String>,
    pub(crate) threads: usize,
    pub(crate) violations: usize,
}

/// What a command line wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Wish {
    Worlds(Box<Asked>),
    ListPlants,
    ListKinds,
    Help,
}

/// Reads the words of the command line.
///
/// # Errors
/// What is wrong with them, in words.
pub(crate) fn read(words: &[String]) -> Result<Wish, String> {
    for (word, wish) in
        [("--help", Wish::Help), ("-h", Wish::Help), ("--list-plants", Wish::ListPlants), ("--list-kinds", Wish::ListKinds)]
    {
        if words.iter().any(|w| w == word) {
            return Ok(wish);
        }
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (mut layer, mut profile, mut steps, mut seeds) = (Layer::L1, Profile::Mixed, None, None);
    let (mut without, mut skip, mut plant) = (BTreeSet::new(), BTreeSet::new(), None);
    let (mut trace, mut hash, mut twice, mut brief, mut threads, mut violations) = (false, false, false, false, cores, 1);
    let mut words = words.iter().flat_map(|word| match word.split_once('=') {
        Some((name, value)) if name.starts_with("--") => vec![name, value],
        _ => vec![word.as_str()],
    });
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} wants a value"));
        match word {
            "--seeds" => seeds = Some(range(value()?)?),
            "--layer" => {
                let name = value()?;
                layer = Layer::named(name).ok_or(format!("`{name}` is not a layer"))?;
            }
            "--steps" => steps = Some(number(value()?)?),
            "--profile" => {
                let name = value()?;
                profile = Profile::named(name).ok_or(format!("`{name}` is not a profile"))?;
            }
            "--threads" => threads = count(value()?)?,
            "--violations" => violations = count(value()?)?,
            "--without" => without = value()?.split(',').map(str::to_owned).collect(),
            "--skip" => skip = spans(value()?)?,
            "--plant" => plant = Some(value()?),
            "--trace" => trace = true,
            "--hash" => hash = true,
            "--twice" => twice = true,
            "--brief" => brief = true,
            other => return Err(format!("`{other}` is not known")),
        }
    }
    let (from, end) = seeds.ok_or("--seeds is missing")?;
    if let Some(word) = without.iter().find(|word| !layer.kinds().contains(word)) {
        return Err(format!("`{word}` is no kind of faults or habits of {}; --list-kinds names them", layer.name()));
    }
    plant.map_or(Ok(()), planting::plant)?;
    let plant = plant.map(str::to_owned);
    let steps = steps.unwrap_or_else(|| layer.steps());
    let first = Case { layer, seed: from, steps, profile, without, skip };
    Ok(Wish::Worlds(Box::new(Asked { first, end, trace, hash, twice, brief, plant, threads, violations })))
}

fn number(text: &str) -> Result<u64, String> {
    text.replace('_', "").parse().map_err(|_| format!("`{text}` is not a number"))
}

/// Numbers, and spans of numbers: `3,7-9`.
fn spans(text: &str) -> Result<BTreeSet<u64>, String> {
    let mut all = BTreeSet::new();
    for part in text.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        all.extend(number(from)?..=number(to)?);
    }
    Ok(all)
}

fn count(text: &str) -> Result<usize, String> {
    Ok(usize::try_from(number(text)?.max(1)).unwrap_or(1))
}

fn range(text: &str) -> Result<(u64, u64), String> {
    let (from, to) = text.split_once("..").ok_or(format!("`{text}` is not a range like 0..1000"))?;
    let (from, to) = (number(from)?, number(to)?);
    if from < to { Ok((from, to)) } else { Err(format!("{text} is empty: the end is not part of the range")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Result<Wish, String> {
        read(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn words_are_read_or_refused() {
        let Ok(Wish::Worlds(asked_for)) = asked("--seeds 3..9 --steps=10 --profile crash --layer L1 --twice --skip 2,5") else {
            panic!("refused")
        };
        let first = &asked_for.first;
        assert_eq!((first.seed, asked_for.end, first.steps, first.profile), (3, 9, 10, Profile::Crash));
        assert!(asked_for.twice && first.skip.contains(&5) && asked_for.plant.is_none());
        assert_eq!(asked("--seeds 1..2 --help"), Ok(Wish::Help));
        assert_eq!(asked("--list-plants"), Ok(Wish::ListPlants));
        for bad in ["", "--seeds 9..3", "--seeds nine", "--seeds 0..1 --profile wild", "--seeds 0..1 --loud", "--seeds"] {
            assert!(asked(bad).is_err(), "{bad}");
        }
        for bad in ["--seeds 0..1 --layer L9", "--seeds 0..1 --without rain", "--seeds 0..1 --skip a", "--seeds 0..1 --plant no"]
        {
            assert!(asked(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn seeds_have_64_bits() {
        let Ok(Wish::Worlds(asked)) = asked("--seeds 18446744073709551614..18446744073709551615") else { panic!("refused") };
        assert_eq!(asked.first.seed, u64::MAX - 1);
    }

    #[test]
    fn a_case_in_words_is_read_as_the_same_case() {
        let Ok(Wish::Worlds(asked_for)) =
            asked("--seeds 8..9 --steps 77 --profile blind --without event-late,greedy --skip 4,6-8")
        else {
            panic!("refused")
        };
        let Ok(Wish::Worlds(again)) = asked(&asked_for.first.words()) else { panic!("refused") };
        assert_eq!(again, asked_for);
    }
}
