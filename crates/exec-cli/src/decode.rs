//! `decode`: the venue's JSON from standard input, one document a line, as facts on standard output. It calls the code that trades.

use crate::{
    args::{Decode, Product},
    failure::Failure,
    screen,
};
use binance_adapter::decode::decode;
use std::io::BufRead;

/// A document without an end is no document.
const LINE_BYTES_MAX: usize = 64 << 20;

pub(crate) fn run(args: &Decode) -> Result<(), Failure> {
    let Product::Usdm = args.product;
    let mut input = std::io::stdin().lock();
    let (mut line, mut number, mut failed) = (Vec::new(), 0_u64, 0_u64);
    loop {
        line.clear();
        let read = std::io::Read::take(&mut input, LINE_BYTES_MAX as u64).read_until(b'\n', &mut line);
        match read {
            Ok(0) => break,
            Ok(_) => number += 1,
            Err(error) => return Err(Failure::Refused(format!("standard input: {error}"))),
        }
        let told = std::str::from_utf8(&line).map_err(|error| error.to_string()).map(str::trim);
        let facts =
            told.and_then(|text| if text.is_empty() { Ok(None) } else { decode(text).map(Some).map_err(|e| e.to_string()) });
        match facts {
            Ok(Some(facts)) => screen::say(facts),
            Ok(None) => (),
            Err(why) => {
                failed += 1;
                screen::complain(&format!("line {number}: {why}"));
            }
        }
    }
    if failed == 0 { Ok(()) } else { Err(Failure::Told) }
}
