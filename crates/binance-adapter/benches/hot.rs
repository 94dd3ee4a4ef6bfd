//! Benches of the hot path.
fn main() {}
