//! The promises of this crate, by topic. Rules of one file are tested in that file.

mod batches;
mod cancels;
mod changes;
mod conditional;
mod conservation;
mod convergence;
mod defects_of_books;
mod defects_of_orders;
mod differences;
mod engine;
mod evidence;
mod exchange_made;
mod exits;
mod explain;
mod fills;
mod found;
mod hard_changes;
mod hard_lists;
mod hard_stops;
mod hard_words;
mod lifecycle;
mod limits;
mod lists;
mod protection;
mod reconciliation;
mod records;
mod requests;

mod places;
mod scene;
mod snapshots;
mod stage;
mod staleness;
mod told;
mod unknowns;
mod venue_rules;
