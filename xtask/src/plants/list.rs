//! The list of plants, as it stands in the core's source: one line each. Read there, so that nothing must be built to see it.

use crate::shell;

/// A bug that can be built in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Plant {
    /// What it is called.
    pub(crate) name: String,
    /// What goes wrong with it.
    pub(crate) says: String,
}

const FILE: &str = "crates/exec-core/src/plant.rs";

/// Reads all of them.
pub(crate) fn read() -> Result<Vec<Plant>, String> {
    let text = std::fs::read_to_string(shell::root().join(FILE)).map_err(|e| format!("{FILE}: {e}"))?;
    listed(&text).map_err(|line| format!("{FILE}: cannot be read as `Name = \"name\": \"what goes wrong\";`: {line}"))
}

fn listed(text: &str) -> Result<Vec<Plant>, String> {
    let block = text.lines().skip_while(|line| *line != "plants! {").skip(1).take_while(|line| *line != "}");
    let lines = block.map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.map(|line| plant(line).ok_or_else(|| line.to_owned())).collect()
}

fn plant(line: &str) -> Option<Plant> {
    let (_, rest) = line.split_once(" = \"")?;
    let (name, rest) = rest.split_once("\": \"")?;
    let says = rest.strip_suffix("\";")?;
    Some(Plant { name: name.to_owned(), says: says.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_line_by_line() {
        let text = "x = \"y\": \"no\";\nplants! {\n    // A kind.\n    A = \"a\": \"it goes wrong\";\n\n    B = \"b\": \"so does this\";\n}\n";
        let names: Vec<String> = listed(text).unwrap().into_iter().map(|p| format!("{} {}", p.name, p.says)).collect();
        assert_eq!(names, ["a it goes wrong", "b so does this"]);
        assert!(listed("plants! {\n    A: \"a\"\n}\n").is_err());
    }

    #[test]
    fn the_cores_own_list_can_be_read() {
        let all = read().unwrap();
        assert!(all.iter().any(|plant| plant.name.starts_with("defect_")));
    }
}
