//! `docs/promises.md` against the tree: each of its promises has a test with its number, or its line says that it has none.

use std::collections::BTreeSet;

use super::Finding;

/// The page.
const PAGE: &str = "docs/promises.md";
/// How many promises there are.
const COUNT: u32 = 24;
/// What the line of a promise without a test says.
const WITHOUT: &str = "**not built**";

/// What the files of the tree say, read one by one.
#[derive(Debug, Default)]
pub(super) struct Promises {
    tested: BTreeSet<u32>,
    page: Option<String>,
}

impl Promises {
    /// Reads one file.
    pub(super) fn read(&mut self, path: &str, text: &str) {
        if path == PAGE {
            self.page = Some(text.to_owned());
        } else if path.ends_with(".rs") {
            let named = text.split("fn promise_p").skip(1).filter_map(|rest| rest.get(..2)?.parse::<u32>().ok());
            self.tested.extend(named);
        }
    }

    /// Compares the page with the tests.
    pub(super) fn check(&self) -> Vec<Finding> {
        let Some(page) = &self.page else {
            return vec![Finding::new(PAGE, 1, "is missing: it says where each promise is tested")];
        };
        let finding = |number: u32| {
            let row = format!("| {number} |");
            let Some((at, line)) = page.lines().enumerate().find(|(_, line)| line.starts_with(&row)) else {
                return Some(Finding::new(PAGE, 1, format!("promise {number} has no line")));
            };
            let what = match (self.tested.contains(&number), line.contains(WITHOUT)) {
                (true, false) | (false, true) => return None,
                (true, true) => format!("promise {number} is tested: its line need not say {WITHOUT}"),
                (false, false) => {
                    format!("no test is named promise_p{number:02}_...: write one, or say {WITHOUT} and why not")
                }
            };
            Some(Finding::new(PAGE, at + 1, what))
        };
        (1..=COUNT).filter_map(finding).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(page: &str, code: &str) -> Vec<String> {
        let mut promises = Promises::default();
        promises.read(PAGE, page);
        promises.read("crates/a/tests/it/b.rs", code);
        promises.check().iter().map(|finding| finding.what.clone()).collect()
    }

    #[test]
    fn each_promise_has_a_test_or_says_that_it_has_none() {
        let page: String = (1..=COUNT).map(|n| format!("| {n} | x | {} |\n", if n == 9 { WITHOUT } else { "" })).collect();
        let code: String =
            (1..=COUNT).filter(|n| *n != 9).map(|n| format!("fn {}{n:02}_x() {{}}\n", concat!("promise", "_p"))).collect();
        assert_eq!(found(&page, &code), Vec::<String>::new());
        assert_eq!(found(&page.replace(WITHOUT, ""), &code).len(), 1);
        assert_eq!(found(&page, &code.replace("p03_x", "q03_x")).len(), 1);
        assert_eq!(found("", "").len(), 24);
    }

    #[test]
    fn a_tree_without_the_page_is_told() {
        assert_eq!(Promises::default().check().len(), 1);
    }
}
