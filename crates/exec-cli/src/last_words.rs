//! What a process that dies leaves behind: the place of a panic without the values in its message, and no image of its memory, which
//! holds keys. It prevents no panic.

use std::panic::{self, PanicHookInfo};

/// Takes effect for the whole process.
pub(crate) fn keep_short() {
    panic::set_hook(Box::new(|info| {
        crate::screen::complain(&words(info));
        let trace = std::backtrace::Backtrace::capture();
        if trace.status() == std::backtrace::BacktraceStatus::Captured {
            crate::screen::complain(&trace.to_string());
        }
    }));
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        // Where the system does not let us, what it writes is its owner's to guard.
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
}

fn words(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map_or_else(|| "an unknown place".to_owned(), |at| format!("{}:{}", at.file(), at.line()));
    // A text of the program itself is shown; one that was made at run time may hold anything.
    let text = info.payload().downcast_ref::<&'static str>().map_or_else(String::new, |text| format!(": {text}"));
    format!("panic at {place}{text}; this is a defect of the program. Start it again: the journal has what was acknowledged")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_panic_tells_its_place_and_no_values() {
        let (tell, told) = channel();
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let _ = tell.send(words(info));
        }));
        let _ = panic::catch_unwind(|| panic!("made of {}", std::env::args().len() + 424_242));
        let _ = panic::catch_unwind(|| panic!("plain"));
        panic::set_hook(before);
        let told: Vec<String> = told.try_iter().filter(|words| words.contains("last_words.rs")).collect();
        assert!(told[0].starts_with("panic at ") && !told[0].contains("made of"), "{told:?}");
        assert!(told[1].contains(": plain; "), "{told:?}");
    }
}
