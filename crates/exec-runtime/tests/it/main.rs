//! The shell's promises, against a scripted venue and a journal in memory, on a paused clock.
