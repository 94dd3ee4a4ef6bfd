//! `cargo xtask plants`: every bug that can be built in, against the test that is named like it. Not the tests and not the bugs: those
//! stand in the crates, and the worlds that find the other plants are exec-world's.

mod list;
mod run;
mod worlds;

use std::process::Command;
use std::time::Instant;

use self::list::Plant;
use self::run::{Program, Verdict};
use crate::{Failure, shell};

/// How a plant that a test must find is told from one that worlds must find.
const TESTED: &str = "defect_";
/// What turns the plants on in a build.
pub(crate) const FEATURE: &str = "exec-core/plants";
/// The environment variable that turns one of them on in such a build.
pub(crate) const VARIABLE: &str = "EXEC_PLANT";

/// Runs the plants that are named, or all that have a test.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    let all = list::read()?;
    if words.iter().any(|word| word == "--list") {
        for plant in &all {
            println!("{:<66} {}", plant.name, plant.says);
        }
        return Ok(());
    }
    if words.iter().any(|word| word == "--worlds") {
        let named: Vec<String> = words.iter().filter(|word| *word != "--worlds").cloned().collect();
        return worlds::run(&all, &named);
    }
    let chosen = chosen(&all, words).map_err(Failure::Usage)?;
    let begun = Instant::now();
    let programs = build()?;
    println!("built in {} s\n", begun.elapsed().as_secs());
    let width = chosen.iter().map(|plant| plant.name.len()).max().unwrap_or(0);
    println!("{:<width$}  {:<10} with it on", "plant", "off");
    let mut escaped = Vec::new();
    for plant in &chosen {
        let verdict = run::judge(plant, &programs)?;
        println!("{:<width$}  {:<10} {}", plant.name, verdict.off(), verdict.on());
        if verdict != Verdict::Found {
            escaped.push(plant.name.as_str());
        }
    }
    println!("\n{} plants, {} found, in {} s", chosen.len(), chosen.len() - escaped.len(), begun.elapsed().as_secs());
    if escaped.is_empty() {
        return Ok(());
    }
    Err(Failure::Failed(format!("not found: {}", escaped.join(", "))))
}

fn chosen<'a>(all: &'a [Plant], words: &[String]) -> Result<Vec<&'a Plant>, String> {
    if words.is_empty() {
        return Ok(all.iter().filter(|plant| plant.name.starts_with(TESTED)).collect());
    }
    let named = |word: &String| {
        let plant = all.iter().find(|plant| plant.name == *word);
        let plant = plant.ok_or_else(|| format!("there is no plant `{word}`; `cargo xtask plants --list` names them"))?;
        if plant.name.starts_with(TESTED) {
            return Ok(plant);
        }
        Err(format!("`{word}` is for worlds to find: cargo xtask sim --plant {word} --seeds 0..1000"))
    };
    words.iter().map(named).collect()
}

/// Builds the test programs of every crate that has such tests, once, with the feature.
fn build() -> Result<Vec<Program>, String> {
    let mut command = shell::command(shell::cargo());
    command.args(["test", "--no-run", "--quiet", "--message-format", "json", "--features", FEATURE, "--test", "it"]);
    for package in packages()? {
        command.args(["--package", &package]);
    }
    let programs = run::programs(&shell::output(command)?);
    if programs.is_empty() { Err("no test program was built".to_owned()) } else { Ok(programs) }
}

/// Crates whose tests say `fn defect_`; the core first, without which the feature is not known.
fn packages() -> Result<Vec<String>, String> {
    let mut grep = Command::new("git");
    grep.current_dir(shell::root()).args(["grep", "--untracked", "-l", &format!("fn {TESTED}"), "--", "crates/*/tests/*.rs"]);
    let files = shell::output(grep)?;
    let mut packages: Vec<String> = files.lines().filter_map(|path| path.split('/').nth(1)).map(str::to_owned).collect();
    packages.push("exec-core".to_owned());
    packages.sort();
    packages.dedup();
    Ok(packages)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plants() -> Vec<Plant> {
        ["defect_a", "b"].map(|name| Plant { name: name.to_owned(), says: String::new() }).to_vec()
    }

    fn names(words: &[&str]) -> Result<Vec<String>, String> {
        let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
        chosen(&plants(), &words).map(|all| all.iter().map(|p| p.name.clone()).collect())
    }

    #[test]
    fn without_words_all_that_have_a_test_are_run() {
        assert_eq!(names(&[]).unwrap(), ["defect_a"]);
        assert_eq!(names(&["defect_a"]).unwrap(), ["defect_a"]);
        assert!(names(&["defect_x"]).unwrap_err().contains("there is no plant `defect_x`"));
        assert!(names(&["b"]).unwrap_err().contains("sim --plant b"));
    }
}
