//! What the crate promises, seen from outside. One binary; the files are its chapters.

mod face_bench;
mod face_door;
mod face_faults;
mod face_paused;
mod face_rest;
mod face_stream;
