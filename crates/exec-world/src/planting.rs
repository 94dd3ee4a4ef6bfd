//! A bug built in for worlds to find, chosen on the command line. It knows their list, and nothing of what finds them.

use exec_core::plant::Plant;
use std::io::{self, Write};

/// Puts a plant on for this run.
///
/// # Errors
/// There is none of this name, or this build has none at all.
pub(crate) fn plant(name: &str) -> Result<(), String> {
    let plant = Plant::named(name).ok_or_else(|| format!("there is no plant `{name}`; --list-plants names them"))?;
    if on(plant) { Ok(()) } else { Err("this build has no plants: build it with --features plants".to_owned()) }
}

#[cfg(feature = "plants")]
fn on(plant: Plant) -> bool {
    exec_core::plant::choose(plant)
}

#[cfg(not(feature = "plants"))]
fn on(_plant: Plant) -> bool {
    false
}

/// Prints all of them, with what goes wrong.
pub(crate) fn list(out: &mut impl Write) -> io::Result<()> {
    for plant in Plant::ALL {
        writeln!(out, "{:<66} {}", plant.name(), plant.says())?;
    }
    Ok(())
}
