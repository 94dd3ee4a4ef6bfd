//! The table of refusals against the built-in exchange while its market stands still: what passes here passes there, and what is
//! refused here is refused there. And the page that is written from it.

mod bounds;
mod changes;
mod combinations;
mod judge;
mod loopback;
mod market;
mod orders;
mod said;

use std::path::Path;

/// `docs/venues/binance.md` says what the code does. `UPDATE_PAGES=1` rewrites it.
#[test]
fn the_page_says_what_is_checked() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/venues/binance.md");
    let page = binance_adapter::rules::page();
    if std::env::var_os("UPDATE_PAGES").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == page, "the page differs from the code: UPDATE_PAGES=1 cargo nextest run -p binance-adapter rules");
}
