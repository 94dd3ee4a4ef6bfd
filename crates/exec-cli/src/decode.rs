//! `decode`: the venue's JSON, from files or from standard input, as facts on standard output, one line a document. It calls the
//! code that trades. What could not be told, and what this build did not know, goes to standard error.

use crate::{
    args::{Decode, Product},
    failure::Failure,
    screen,
};
use binance_adapter::decode::Decoder;
use serde_json::value::RawValue;
use std::{
    io::{BufRead, Read},
    path::Path,
};

/// A line without an end is no document.
const LINE_BYTES_MAX: u64 = 64 << 20;

pub(crate) fn run(args: &Decode) -> Result<(), Failure> {
    let Product::Usdm = args.product;
    let mut run = Run::default();
    if args.files.is_empty() {
        run.lines(std::io::stdin().lock())?;
    }
    for file in &args.files {
        run.file(file)?;
    }
    run.sum();
    if run.failed == 0 { Ok(()) } else { Err(Failure::Told) }
}

/// One run over many documents.
#[derive(Default)]
struct Run {
    decoder: Decoder,
    told: u64,
    failed: u64,
}

impl Run {
    /// One document a line, each told as soon as it is there: for a stream that goes on.
    fn lines(&mut self, mut input: impl BufRead) -> Result<(), Failure> {
        let (mut line, mut number) = (Vec::new(), 0_u64);
        loop {
            line.clear();
            match input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
                Ok(0) => return Ok(()),
                Ok(_) => number += 1,
                Err(error) => return Err(Failure::Refused(format!("standard input: {error}"))),
            }
            match std::str::from_utf8(&line).map(str::trim) {
                Ok("") => {}
                Ok(document) => self.tell(document, || format!("line {number}")),
                Err(error) => self.fail(&format!("line {number}: {error}")),
            }
        }
    }

    /// Documents one after another, each on as many lines as it likes.
    fn file(&mut self, path: &Path) -> Result<(), Failure> {
        let shown = path.display();
        let bytes = std::fs::read(path).map_err(|error| Failure::Usage(format!("{shown}: {error}")))?;
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) => text,
            Err(error) => {
                self.fail(&format!("{shown}: {error}; what stands before it:"));
                std::str::from_utf8(bytes.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default()
            }
        };
        let mut at = 0;
        while let Some(rest) = text.get(at..).map(str::trim_start).filter(|rest| !rest.is_empty()) {
            let begin = text.len() - rest.len();
            let line = text.get(..begin).unwrap_or_default().matches('\n').count() + 1;
            let place = || if line == 1 { shown.to_string() } else { format!("{shown}, document from line {line}") };
            let mut documents = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
            match documents.next() {
                Some(Ok(document)) => {
                    self.tell(document.get(), place);
                    at = begin + documents.byte_offset();
                }
                // The decoder meets the same error and says where it is.
                Some(Err(_)) => {
                    let end = next_document(rest);
                    self.tell(rest.get(..end).unwrap_or(rest).trim_end(), place);
                    at = begin + end;
                }
                None => break,
            }
        }
        Ok(())
    }

    fn tell(&mut self, document: &str, place: impl FnOnce() -> String) {
        match self.decoder.decode(document) {
            Ok(facts) => {
                self.told += 1;
                screen::say(facts);
            }
            Err(error) => self.fail(&format!("{}: {error}", place())),
        }
    }

    fn fail(&mut self, why: &str) {
        self.failed += 1;
        screen::complain(why);
    }

    /// What is left to say when all is read.
    fn sum(&self) {
        screen::complain(&format!("{} of {} documents translated", self.told, self.told + self.failed));
        let drift = self.decoder.drift();
        if drift.is_empty() {
            return screen::complain("unknown to this build: nothing");
        }
        screen::complain("unknown to this build, by path, and how often:");
        for (path, count) in drift {
            screen::complain(&format!("  {path}  {count}"));
        }
    }
}

/// Where the next document may begin after one that cannot be read: at the next line that opens an object or a list. Lines
/// inside of a document written on many lines are indented.
fn next_document(text: &str) -> usize {
    let mut lines = text.match_indices('\n').map(|(at, _)| at + 1);
    lines.find(|at| text.get(*at..).is_some_and(|line| line.starts_with(['{', '[']))).unwrap_or(text.len())
}
