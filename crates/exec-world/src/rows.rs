//! Which rows of the table "Which fact decides" of the order lifecycle worlds have come to. Not the status itself: that is the core's.

use exec_core::{
    books::Books,
    order::{Order, status::OrdStatus},
    record::Record,
};

/// The conditions as the page words them, from top to bottom.
pub(crate) const ROWS: [&str; 17] = [
    "executed in full",
    "denied",
    "canceled",
    "expired",
    "vanished",
    "refused at its trigger, given up",
    "rejected, given up, not seen",
    "not sent, given up, not seen",
    "presumed dead, given up, not seen",
    "given up, not attempted",
    "cancel pending",
    "replace pending",
    "executed in part",
    "triggered",
    "seen",
    "attempted",
    "-",
];

/// How often orders stood on each row after a record of theirs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows([u64; ROWS.len()]);

impl Rows {
    /// A record was made: the order it is about stands somewhere now.
    pub(crate) fn seen(&mut self, books: &Books, record: &Record) {
        let intent = if let Record::Intent(intent) = record {
            intent.id
        } else if let Record::Order { intent, .. } = record {
            *intent
        } else {
            return;
        };
        if let Some(order) = books.order(intent)
            && let Some(count) = self.0.get_mut(row(order))
        {
            *count += 1;
        }
    }

    pub(crate) fn counted(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        ROWS.into_iter().zip(self.0).filter(|(_, n)| *n > 0)
    }
}

/// The row that gives an order its status.
fn row(order: &Order) -> usize {
    match order.status() {
        OrdStatus::Filled => 0,
        OrdStatus::Denied => 1,
        OrdStatus::Canceled => 2,
        OrdStatus::Expired => 3,
        OrdStatus::Vanished => 4,
        OrdStatus::Rejected if order.attempts().values().any(|a| a.seen_at_venue()) => 5,
        OrdStatus::Rejected => 6,
        OrdStatus::NotSent if order.attempts().is_empty() => 9,
        OrdStatus::NotSent => 7,
        OrdStatus::Presumed => 8,
        OrdStatus::PendingCancel => 10,
        OrdStatus::PendingReplace => 11,
        OrdStatus::PartiallyFilled => 12,
        OrdStatus::Triggered => 13,
        OrdStatus::New => 14,
        OrdStatus::PendingNew => 15,
        OrdStatus::Initialized => 16,
    }
}

#[cfg(test)]
mod tests {
    use super::ROWS;

    const PAGE: &str = include_str!("../../../docs/order-lifecycle.md");

    #[test]
    fn the_rows_are_those_of_the_page() {
        let section = PAGE.split("\n## ").find(|section| section.starts_with("Which fact decides")).unwrap();
        let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
        let rows: Vec<&str> = rows.filter_map(|line| line.trim_matches('|').split('|').next()).map(str::trim).collect();
        assert_eq!(rows, ROWS);
    }
}
