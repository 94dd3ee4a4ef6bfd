//! The end of a world with sockets: faults stop, and within a bound the books stand as the exchange stands, there is nothing left to
//! reconcile, the node comes to a clean end, and its journal says what it said.

use super::world::World;
use crate::{
    node::{Node, NotUp, instrument_ids},
    standing::Truth,
};
use exec_core::{
    engine::config::ProtectionPolicy,
    ids::InstrumentId,
    reconcile,
    report::MassStatus,
    venue::{ExecutionVenue, QueryError},
};
use exec_runtime::control::{Ask, Reply};
use std::{sync::atomic::Ordering, time::Duration};
use tokio::time::timeout;

/// How long strategies, flow and outside hands rest before books are compared.
const QUIET_MS: u64 = 12_000;
/// How long after the faults the operator looks once more, and again: what a node was blind to is heard, and latches, only when it sees
/// again, and one that the venue has told to slow down in its last moments sees nothing until the minute after the next has begun.
const LOOK_AGAIN_MS: [u64; 2] = [40_000, 100_000];
/// How long after the faults everything must be equal.
const HEAL_MS: u64 = 120_000;
/// How long the venue counts weight, and some.
const MINUTE_MS: u64 = 61_000;
/// How long after it was placed an order need not stand in the venue's list.
const LIST_LAG_MS: u64 = 5_000;
/// How long the control socket may take, and a clean end.
const ANSWER: Duration = Duration::from_secs(5);
const END: Duration = Duration::from_secs(60);

impl World {
    /// Everything bad stops. Within a bound the node must be as the venue is.
    pub(crate) async fn heal(&mut self) {
        self.plan = self.plan.healed();
        self.healing = true;
        self.net.heal();
        let struck = self.weather.end(&self.face);
        self.disk.faults(|f| *f = exec_journal::Faults::default());
        self.active.store(crate::strategies::RESTS, Ordering::Relaxed);
        let restarts = {
            let mut inner = self.seat.lock();
            struck.into_iter().for_each(|(what, times)| *inner.struck.kinds.entry(what).or_default() += times);
            inner.line(|| "the faults stop".to_owned());
            (inner.plan, inner.healing) = (self.plan.clone(), true);
            inner.node.as_ref().is_some_and(|node| node.journal_failed)
        };
        if restarts {
            self.seat.lock().line(|| "restarted for its journal".to_owned());
            self.bury();
        }
        let begun = self.now();
        if !self.plan.only_brackets && self.rng.chance(300) {
            self.ask(Ask::CancelAll { instrument: None });
        }
        self.pass_until(begun + QUIET_MS / 2).await;
        self.ask(Ask::Release {});
        self.face.with_exchange(|exchange, now| exchange.set_flow(now, false));
        let mut compare_at = begun + QUIET_MS;
        loop {
            self.pass_until(compare_at).await;
            if self.violation().is_some() {
                return;
            }
            let wrong = self.wrong_in_the_end().await;
            if wrong.is_empty() {
                break;
            }
            if self.now() > begun + HEAL_MS {
                return self.violate(wrong.join("\n    "));
            }
            compare_at = self.now() + 1_000;
            if LOOK_AGAIN_MS.iter().any(|after| compare_at.abs_diff(begun + after) <= 500) {
                self.ask(Ask::Release {});
            }
        }
        self.seat.lock().tally.heal_ms_max = self.now() - begun;
        self.nothing_to_reconcile().await;
        self.end_clean().await;
    }

    async fn wrong_in_the_end(&self) -> Vec<String> {
        let Some(life) = &self.life else { return vec!["the node is down".to_owned()] };
        let control = life.handle.control().clone();
        let mut wrong = Vec::new();
        let asked = timeout(ANSWER, async {
            (control.ask("tester", Ask::Status {}).await, control.ask("tester", Ask::Differences {}).await)
        });
        match asked.await {
            Ok((Ok(Reply::Ok(status)), Ok(Reply::Ok(differences)))) => {
                if status["gate_open"] != true {
                    wrong.push(format!("P19: the gate is shut: {}", status["shut"]));
                }
                if status["doubts"].as_array().is_none_or(|doubts| !doubts.is_empty()) {
                    wrong.push(format!("in doubt: {}", status["doubts"]));
                }
                if status["waiting"]["requests"] != 0 {
                    wrong.push(format!("{} requests have no outcome", status["waiting"]["requests"]));
                }
                if differences["differences"].as_array().is_none_or(|all| !all.is_empty()) {
                    wrong.push(format!("differences: {}", differences["differences"]));
                }
            }
            other => wrong.push(format!("the node does not answer: {other:?}")),
        }
        let account = self.account;
        let inner = self.seat.lock();
        let Some(standing) = inner.standing() else { return vec!["the node is down".to_owned()] };
        self.face.with_exchange(|exchange, _| {
            let truth = Truth { exchange, account };
            wrong.extend(inner.oracle.in_the_end(&standing, &truth));
            if self.plan.protection != ProtectionPolicy::Alert {
                inner.oracle.brackets.uncovered_in_the_end(&standing, &truth, &mut wrong);
            }
        });
        wrong
    }

    /// Books that equal the venue's have nothing to learn from it, however often they are compared.
    async fn nothing_to_reconcile(&mut self) {
        let Some(adapter) = self.life.as_ref().map(|life| life.adapter.clone()) else { return };
        let instruments = instrument_ids(self.plan.symbols);
        // The venue's minute may be used up; the next one is not.
        let until = self.now() + MINUTE_MS;
        // What was placed a moment ago need not stand in the venue's list yet.
        let settled = self.now() + LIST_LAG_MS;
        loop {
            let status = match timeout(ANSWER, adapter.mass_status(&instruments)).await {
                Ok(Ok(status)) => status,
                Ok(Err(QueryError::Unavailable(_))) if self.now() < until => {
                    self.pass_until(self.now() + 1_000).await;
                    continue;
                }
                Ok(Err(error)) => return self.violate(format!("everything cannot be read from a sound venue: {error}")),
                Err(_) => return self.violate("everything is not read in time from a sound venue".to_owned()),
            };
            let Some(learnt) = self.still_to_learn(&status, &instruments) else { return };
            if self.now() >= settled {
                return self.violate(format!("reconciled books still have to learn: {learnt}"));
            }
            self.pass_until(self.now() + 1_000).await;
        }
    }

    /// What the books would learn from a comparison, in words.
    fn still_to_learn(&self, status: &MassStatus, instruments: &[InstrumentId]) -> Option<String> {
        let inner = self.seat.lock();
        let books = inner.node.as_ref()?.engine.books();
        let plan = reconcile::plan(books, status, instruments);
        let differences = reconcile::differences(books, status);
        let nothing = plan.learn.is_empty() && plan.adopt.is_empty() && plan.ask.is_empty() && plan.begin.is_empty();
        (!nothing || !differences.is_empty()).then(|| format!("{plan:?} {differences:?}"))
    }

    /// Asked to end, the node ends clean; what its journal holds, replayed, is what it had.
    async fn end_clean(&mut self) {
        let Some(mut life) = self.life.take() else { return };
        let (stop, _) = tokio::sync::oneshot::channel();
        let _gone = std::mem::replace(&mut life.stop, stop).send(());
        match timeout(END, &mut life.task).await {
            Ok(Ok(Ok(summary))) if summary.accounts.iter().all(exec_runtime::AccountExit::is_clean) => (),
            Ok(Ok(Ok(summary))) => self.violate(format!("not a clean end: {summary}")),
            Ok(Ok(Err(error))) => self.violate(format!("the node ended with {error}")),
            Ok(Err(error)) => self.violate(format!("the node's task: {error}")),
            Err(_) => self.violate("the node does not end".to_owned()),
        }
        let mut inner = self.seat.lock();
        inner.alive = false;
        let Some(books) = inner.node.take().map(|node| node.engine.books().clone()) else { return };
        let profile = life.adapter.profile().clone();
        match Node::start(&self.plan, profile, &self.disk.fork(), 0, &self.active) {
            Ok((again, _)) if *again.engine.books() == books => (),
            Ok((again, last)) => {
                let text = format!("P15: the journal ends at {last}, the books at {}; replayed they differ", books.seq());
                inner.line(|| format!("{:#?}\n{:#?}", again.engine.books(), books));
                inner.violate(text);
            }
            Err(NotUp::Defect(why)) => inner.violate(why),
            Err(NotUp::PowerLost) => inner.violate("the copy of the disk is dead".to_owned()),
        }
    }
}
