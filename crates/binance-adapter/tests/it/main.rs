//! The promises of the adapter, against a loopback server of this test's own and against the built-in exchange.

mod batches;
mod conditional;
mod conformance;
mod contracts;
mod doubt;
mod drift;
mod fill_on_the_wire;
mod forced;
mod governor;
mod hostile;
mod leased;
mod lookup;
mod loopback;
mod orders;
mod pages;
mod payloads;
mod rules;
mod server;
mod settings;
mod status;
mod stream;
mod suite;
mod told;
mod unexpected;
mod world;
