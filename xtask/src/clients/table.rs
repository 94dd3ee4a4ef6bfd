//! What the clients' scripts told, as a table of client and step with a note for every cell that is not a pass.

use std::fmt;

use serde_json::Value;

const STEPS: &[&str] = &[
    "connect",
    "markets",
    "account",
    "leverage",
    "stream",
    "post-only",
    "query",
    "open orders",
    "modify",
    "cancel",
    "market buy",
    "trades",
    "position",
    "close",
    "bad signature",
    "precision",
    "crossing",
    "ed25519",
    "stop",
    "stop query",
    "stop events",
    "stop cancel",
    "stop too late",
    "trigger",
    "trigger told",
    "take profit",
    "trailing",
    "activation",
    "stop dies",
    "whole leg",
    "orphan",
    "stop as order",
    "batch place",
    "batch modify",
    "batch cancel",
    "batch gone",
    "ws account",
    "ws place",
    "ws query",
    "ws modify",
    "ws cancel",
    "ws stop",
    "ws crossing",
    "ws logon",
];

/// The outcome of one step of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    step: String,
    outcome: Outcome,
    why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Pass,
    /// The library has no such call.
    None,
    Fail,
}

impl Cell {
    /// Reads one line of a script; `None` for what a library printed by itself.
    pub(super) fn read(line: &str) -> Option<Self> {
        let told: Value = serde_json::from_str(line).ok()?;
        let outcome = match told["outcome"].as_str()? {
            "pass" => Outcome::Pass,
            "none" => Outcome::None,
            _ => Outcome::Fail,
        };
        Some(Cell { step: told["step"].as_str()?.to_owned(), outcome, why: told["why"].as_str()?.to_owned() })
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            Outcome::Pass => "pass",
            Outcome::None => "none",
            Outcome::Fail => "FAIL",
        };
        write!(f, "{:<14} {outcome} {}", self.step, self.why)
    }
}

/// One column a client; a row for each step all take, then one for each step that only some have.
#[derive(Default)]
pub(super) struct Table {
    columns: Vec<(String, Vec<Cell>)>,
}

impl Table {
    /// Adds a client; steps it told nothing about have failed.
    pub(super) fn add(&mut self, client: &str, mut told: Vec<Cell>) {
        for step in STEPS {
            if !told.iter().any(|cell| cell.step == *step) {
                told.push(Cell { step: (*step).to_owned(), outcome: Outcome::Fail, why: "not reached".to_owned() });
            }
        }
        self.columns.push((client.to_owned(), told));
    }

    fn steps(&self) -> Vec<&str> {
        let mut steps = STEPS.to_vec();
        for cell in self.columns.iter().flat_map(|(_, cells)| cells) {
            if !steps.contains(&cell.step.as_str()) {
                steps.push(&cell.step);
            }
        }
        steps
    }

    /// Counts the cells that failed.
    pub(super) fn failures(&self) -> usize {
        self.count(Outcome::Fail)
    }

    /// Gives a page with this table in the place of the one it shows; `None` if it shows none.
    pub(super) fn shown_in(&self, page: &str) -> Option<String> {
        const OPEN: &str = "```text\n";
        let (before, rest) = page.split_once(&format!("{OPEN}step "))?;
        let (_, after) = rest.split_once("\n```\n")?;
        Some(format!("{before}{OPEN}{}\n```\n{after}", self.to_string().trim_end()))
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.columns.iter().flat_map(|(_, cells)| cells).filter(|cell| cell.outcome == outcome).count()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<14}", "step")?;
        for (client, _) in &self.columns {
            write!(f, "  {client}")?;
        }
        writeln!(f)?;
        let mut notes = Vec::new();
        for step in self.steps() {
            let mut line = format!("{step:<14}");
            for (client, cells) in &self.columns {
                let shown = match cells.iter().find(|cell| cell.step == step) {
                    None => String::new(),
                    Some(Cell { outcome: Outcome::Pass, .. }) => "pass".to_owned(),
                    Some(cell) => {
                        let (mark, note) = match cell.outcome {
                            // One reason may hold for many steps.
                            Outcome::None => ("-", format!("{client}: {}", cell.why)),
                            Outcome::Pass | Outcome::Fail => ("FAIL", format!("{client}, {step}: {}", cell.why)),
                        };
                        let at = notes.iter().position(|known| *known == note).unwrap_or_else(|| {
                            notes.push(note);
                            notes.len() - 1
                        });
                        format!("{mark} {}", at + 1)
                    }
                };
                line.push_str(&format!("  {shown:<width$}", width = client.len()));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        for (at, note) in notes.iter().enumerate() {
            writeln!(f, "{}. {note}", at + 1)?;
        }
        let (passed, lacking, failed) = (self.count(Outcome::Pass), self.count(Outcome::None), self.count(Outcome::Fail));
        writeln!(f, "{passed} of {} cells pass, {lacking} are not offered, {failed} fail", passed + lacking + failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_the_scripts_are_cells() {
        assert_eq!(Cell::read("some library says hello"), None);
        assert_eq!(Cell::read("{\"level\":\"info\"}"), None);
        let cell = Cell::read(r#"{"step":"modify","outcome":"none","why":"no such call"}"#);
        assert_eq!(cell, Some(Cell { step: "modify".to_owned(), outcome: Outcome::None, why: "no such call".to_owned() }));
    }

    #[test]
    fn the_table_takes_the_place_of_the_old_one() {
        let mut table = Table::default();
        table.add("good", Vec::new());
        let page = "# Page\n\n```text\nother\n```\n```text\nstep  before\nrow\n```\n\nEnd.\n";
        let new = table.shown_in(page).unwrap();
        assert!(
            new.starts_with("# Page\n\n```text\nother\n```\n```text\nstep            good\nconnect         FAIL 1\n"),
            "{new}"
        );
        assert!(new.ends_with(" fail\n```\n\nEnd.\n") && !new.contains("before"), "{new}");
        assert_eq!(table.shown_in("# Page\n"), None);
    }

    #[test]
    fn what_was_not_told_has_failed_and_every_gap_has_a_note() {
        let mut table = Table::default();
        let passed = |step: &&str| Cell { step: (*step).to_owned(), outcome: Outcome::Pass, why: String::new() };
        table.add("good", STEPS.iter().map(passed).collect());
        let lacking = |step: &str| Cell { step: step.to_owned(), outcome: Outcome::None, why: "no call".to_owned() };
        let told = vec![passed(&"connect"), lacking("markets"), lacking("leverage")];
        table.add("half", told);
        table.add("more", STEPS.iter().chain([&"whole program"]).map(passed).collect());
        assert_eq!(table.failures(), STEPS.len() - 3);
        let text = table.to_string();
        assert!(text.starts_with(
            "step            good  half  more\nconnect         pass  pass  pass\nmarkets         pass  - 1   pass\n"
        ));
        assert!(text.contains("\nwhole program               pass\n"), "{text}");
        assert!(text.contains("\nleverage        pass  - 1   pass\n"), "one reason, one note: {text}");
        assert!(text.contains("\n1. half: no call\n2. half, account: not reached\n"));
        let last = format!(
            "\n{} of {} cells pass, 2 are not offered, {} fail\n",
            2 * STEPS.len() + 2,
            3 * STEPS.len() + 1,
            STEPS.len() - 3
        );
        assert!(text.ends_with(&last), "{text}");
    }
}
