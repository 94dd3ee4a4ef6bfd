//! Marks a boundary between two effects, for the kill test to end the process there. Compiles to nothing without the feature `drill`.

/// Passes a boundary. Who listens for the target `drill` may kill the process in it.
macro_rules! boundary {
    ($name:expr) => {
        #[cfg(feature = "drill")]
        tracing::trace!(target: "drill", boundary = $name);
    };
}

pub(crate) use boundary;
