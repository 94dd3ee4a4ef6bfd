//! `cargo xtask clients`.
use crate::Failure;
pub(crate) fn run(_words: &[String]) -> Result<(), Failure> {
    Err(Failure::Failed("not yet".to_owned()))
}
