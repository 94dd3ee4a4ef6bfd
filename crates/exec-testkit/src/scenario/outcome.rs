//! What came out of a scenario, and how an expectation is compared with it. Not how steps are read: `step`.

use super::ScenarioError;
use exec_core::{
    order::{Order, Transition, status::OrdStatus},
    units::parse_decimal,
};
use rust_decimal::Decimal;
use std::fmt;

const FIGURES: &str = "cum, leaves, qty, price, trigger, avg, gap, fills, fees, pnl, doubt, late, over, broken, news";

/// The order at the end of a scenario, and what each step changed.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The order.
    pub order: Order,
    /// What each fact changed; refused ones are not here.
    pub transitions: Vec<Transition>,
}

impl Outcome {
    /// Compares with an expectation and says what differs; nothing if all agrees.
    ///
    /// # Errors
    /// [`ScenarioError::Expectation`] if the expectation cannot be read.
    pub fn compare(&self, expected: &str) -> Result<Vec<String>, ScenarioError> {
        let mut differences = Vec::new();
        let mut words = expected.split_whitespace();
        let status = words.next().unwrap_or_default();
        if status != "-" {
            let wanted = status_named(status)?;
            if wanted != self.order.status() {
                differences.push(format!("status is {:?}, not {wanted:?}", self.order.status()));
            }
        }
        for word in words {
            let bad = |why: String| ScenarioError::Expectation { text: word.to_owned(), why };
            let (name, wanted) = word.split_once('=').ok_or_else(|| bad("is not of the form figure=number".to_owned()))?;
            let is = self.figure(name).ok_or_else(|| bad(format!("`{name}` is not a figure; known are {FIGURES}")))?;
            let wanted = match wanted {
                "-" => None,
                number => Some(parse_decimal(number).map_err(|e| bad(e.to_string()))?),
            };
            if is != wanted {
                differences.push(format!("{name} is {}, not {}", Shown(is), Shown(wanted)));
            }
        }
        Ok(differences)
    }

    /// The status after each fact.
    pub fn path(&self) -> String {
        let statuses: Vec<String> = self.transitions.iter().map(|t| format!("{:?}", t.to)).collect();
        statuses.join(" > ")
    }

    fn count(&self, marked: impl Fn(&Transition) -> bool) -> Decimal {
        Decimal::from(self.transitions.iter().filter(|t| marked(t)).count())
    }

    /// A figure by its name: `Some(None)` where the order has no such value now.
    fn figure(&self, name: &str) -> Option<Option<Decimal>> {
        let order = &self.order;
        let whole = order.contribution(None);
        Some(match name {
            "cum" => Some(order.cum_qty().get()),
            "leaves" => Some(order.leaves_qty().get()),
            "qty" => order.qty().map(|q| q.get()),
            "price" => order.price().map(|p| p.get()),
            "trigger" => order.trigger_price().map(|p| p.get()),
            "avg" => order.avg_px(),
            "gap" => Some(order.unattributed_qty().get()),
            "fills" => Some(Decimal::from(order.fills().count())),
            "fees" => Some(whole.fees.values().map(|fee| fee.get()).sum()),
            "pnl" => Some(whole.realized.get()),
            "doubt" => Some(Decimal::from(order.attempts().values().filter(|a| a.in_doubt().is_some()).count())),
            "late" => Some(self.count(|t| t.late)),
            "over" => Some(self.count(|t| t.overfilled)),
            "broken" => Some(self.count(|t| t.presumption_broken)),
            "news" => Some(self.count(|t| t.learned)),
            _ => return None,
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.order.status())?;
        for name in FIGURES.split(", ") {
            write!(f, " {name}={}", Shown(self.figure(name).flatten()))?;
        }
        Ok(())
    }
}

/// Reads a status by its name.
///
/// # Errors
/// [`ScenarioError::Expectation`] for anything else.
pub fn status_named(name: &str) -> Result<OrdStatus, ScenarioError> {
    OrdStatus::ALL
        .into_iter()
        .find(|status| format!("{status:?}") == name)
        .ok_or_else(|| ScenarioError::Expectation { text: name.to_owned(), why: "is not a status".to_owned() })
}

struct Shown(Option<Decimal>);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(number) => write!(f, "{}", number.normalize()),
            None => f.write_str("-"),
        }
    }
}
