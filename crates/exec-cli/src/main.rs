//! The program `exec-node`: reads the command line, runs one verb, ends with one of eight exit codes. What the verbs do stands in their files.

mod args;
mod check;
mod decode;
mod demo;
mod desk;
#[cfg(feature = "drill")]
mod drill;
mod explain;
mod failure;
mod holdings;
mod journal;
mod kill;
mod last_words;
mod logging;
mod operate;
mod order_args;
mod play;
mod read;
mod reconcile;
mod run;
mod screen;
mod select;
mod sim;
mod status;
#[cfg(feature = "redis")]
mod tail;

use args::{Args, Verb};
use clap::Parser;
use failure::Failure;
use node_config::control::Ask;
use std::process::ExitCode;

fn main() -> ExitCode {
    last_words::keep_short();
    let args = Args::parse();
    match dispatch(args.verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(text) = failure.text() {
                screen::complain(&text);
            }
            failure.code()
        }
    }
}

fn dispatch(verb: Verb) -> Result<(), Failure> {
    // Decoding needs no runtime, and is used on streams of many lines.
    if let Verb::Decode(decode) = verb {
        return decode::run(&decode);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Refused(format!("the machine gives no runtime: {error}")))?;
    let result = runtime.block_on(async {
        match verb {
            Verb::Run(run) => run::run(&run).await,
            Verb::Check(check) => check::run(&check).await,
            Verb::Sim(sim) => sim::run(&sim).await,
            Verb::Demo(demo) => demo::run(&demo).await,
            #[cfg(feature = "drill")]
            Verb::Drill(args) => drill::run(&args).await,
            Verb::PlayNode(node) => play::node::run(&node).await,
            Verb::Orders(ask) => holdings::orders(&ask).await,
            Verb::Positions(ask) => holdings::positions(&ask).await,
            Verb::Balances(read) => read::balances(&read).await,
            Verb::Fills(read) => read::fills(&read).await,
            Verb::Status(on) => status::status(&on).await,
            Verb::Explain(order) => explain::run(&order).await,
            Verb::Kill(args) => kill::run(&args).await,
            Verb::Latch(on) => status::latch(&on, Ask::Latch {}).await,
            Verb::Release(on) => status::latch(&on, Ask::Release {}).await,
            Verb::Reconcile(args) => reconcile::run(&args).await,
            Verb::Submit(submit) => operate::submit(&submit).await,
            Verb::Bracket(bracket) => operate::bracket(&bracket).await,
            Verb::SubmitList(list) => operate::submit_list(&list).await,
            Verb::Change(change) => operate::change(&change).await,
            Verb::Cancel(cancel) => operate::cancel(&cancel).await,
            Verb::CancelAll(all) => operate::cancel_all(&all).await,
            Verb::Journal(journal) => journal::run(&journal),
            Verb::Decode(decode) => decode::run(&decode),
            #[cfg(feature = "redis")]
            Verb::Tail(args) => tail::run(&args).await,
        }
    });
    // A verb is over when it is over; what a library left running has nothing to say any more.
    runtime.shutdown_background();
    result
}
