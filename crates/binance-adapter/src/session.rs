//! One session of the private stream as a machine: which step comes next, given what happened and what time it is. It
//! creates no key, opens no socket and waits for nothing.
//!
//! Source: USDⓈ-M "User Data Streams", read 2026-11-22: a key lives 60 minutes and is shared by the account, so it is never
//! deleted; a connection lives 24 hours; the venue pings every 3 minutes.

use exec_core::{
    plant::{Plant, planted},
    time::Timestamp,
};

/// The times of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTimes {
    /// How long a listen key lives after it was made or renewed.
    pub key_life_ms: u64,
    /// First pause after a renewal that failed; it doubles up to a minute.
    pub renew_retry_ms: u64,
    /// Age at which the end of the connection is announced, before the venue cuts it.
    pub announce_age_ms: u64,
    /// Pause between our pings.
    pub ping_every_ms: u64,
    /// Without any frame for this long the connection is dead.
    pub silent_max_ms: u64,
    /// How long a session is kept whose key is gone: what is on its way still arrives, and its successor takes over.
    pub keyless_max_ms: u64,
}

impl Default for SessionTimes {
    fn default() -> Self {
        Self {
            key_life_ms: 60 * 60 * 1000,
            renew_retry_ms: 5_000,
            announce_age_ms: (24 * 60 - 10) * 60 * 1000,
            ping_every_ms: 15_000,
            silent_max_ms: 45_000,
            keyless_max_ms: 60_000,
        }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// The key is made.
    KeyMade,
    /// The key could not be made.
    KeyRefused,
    /// The socket is open.
    Opened,
    /// The socket could not be opened, has been closed or broke.
    Closed,
    /// A frame of any kind arrived.
    Heard,
    /// The key was renewed.
    Renewed,
    /// The renewal failed; the key may still live.
    RenewalFailed,
    /// The venue says that the key does not exist (-1125).
    KeyUnknown,
    /// The venue says on the stream that the key has expired.
    KeyExpired,
    /// Nothing, but the time asked for has come.
    Time,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make a listen key.
    MakeKey,
    /// Open the socket with it.
    Open,
    /// Renew the key; reading goes on meanwhile.
    Renew,
    /// Send a ping.
    Ping,
    /// Tell that the session is about to reach the age at which the venue cuts it; reading goes on.
    AnnounceAge,
    /// Tell that the key is gone, as far as the venue has not told it on the stream itself; reading goes on.
    AnnounceKeyGone,
    /// The session is over.
    End(End),
}

/// Why a session is over. The next one starts with a new key request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It never came to be.
    NotOpened,
    /// The connection was closed or broke.
    Closed,
    /// No frame for too long.
    Silent,
    /// The key is gone.
    KeyGone,
    /// The key could not be renewed within its life.
    KeyLapsed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Fresh,
    MakingKey,
    Opening,
    Live,
    Over(End),
}

/// The machine. Feed it what happens; do what it says; wake it at [`Session::wake_at`].
#[derive(Clone, Debug)]
pub struct Session {
    times: SessionTimes,
    phase: Phase,
    key_since: Timestamp,
    opened: Timestamp,
    heard: Timestamp,
    pinged: Timestamp,
    renew_at: Timestamp,
    renewing: bool,
    renewals_failed: u32,
    announced: bool,
    /// Since when the key is gone, and how.
    keyless: Option<(Timestamp, End)>,
}

impl Session {
    /// A session before its first step.
    #[must_use]
    pub fn new(times: SessionTimes) -> Self {
        let never = Timestamp::default();
        Self {
            times,
            phase: Phase::Fresh,
            key_since: never,
            opened: never,
            heard: never,
            pinged: never,
            renew_at: never,
            renewing: false,
            renewals_failed: 0,
            announced: false,
            keyless: None,
        }
    }

    /// Takes in what happened and says what to do now, if anything.
    pub fn handle(&mut self, now: Timestamp, happened: Happened) -> Option<Step> {
        match (self.phase, happened) {
            (Phase::Over(end), _) => Some(Step::End(end)),
            (Phase::Fresh, _) => {
                self.phase = Phase::MakingKey;
                Some(Step::MakeKey)
            }
            (Phase::MakingKey, Happened::KeyMade) => {
                self.key_since = now;
                self.renew_at = now.plus_ms(self.times.key_life_ms / 3);
                self.phase = Phase::Opening;
                Some(Step::Open)
            }
            (Phase::MakingKey, Happened::KeyRefused | Happened::KeyUnknown) => self.end(End::NotOpened),
            (Phase::Opening, Happened::Opened) => {
                self.opened = now;
                self.heard = now;
                self.pinged = now;
                self.phase = Phase::Live;
                None
            }
            (Phase::Opening, Happened::Closed) => self.end(End::NotOpened),
            (Phase::Live, Happened::Closed) => self.end(End::Closed),
            (Phase::Live, Happened::KeyUnknown) => self.lose_key(now, End::KeyGone),
            (Phase::Live, Happened::KeyExpired) => {
                self.heard = now;
                // The venue has told it on the stream.
                let _told = self.lose_key(now, End::KeyGone);
                None
            }
            (Phase::Opening, Happened::KeyUnknown | Happened::KeyExpired) => self.end(End::KeyGone),
            // The answer to a question of before: the key that it speaks of is not this session's any more.
            (Phase::Live, Happened::Renewed | Happened::RenewalFailed) if self.keyless.is_some() => None,
            (Phase::Live, Happened::Renewed) => {
                self.renewing = false;
                self.renewals_failed = 0;
                self.key_since = now;
                self.renew_at = now.plus_ms(self.times.key_life_ms / 3);
                None
            }
            (Phase::Live, Happened::RenewalFailed) => {
                self.renewing = false;
                let pause = self.times.renew_retry_ms.saturating_mul(1 << self.renewals_failed.min(10)).min(60_000);
                self.renewals_failed += 1;
                self.renew_at = now.plus_ms(pause);
                None
            }
            (Phase::Live, Happened::Heard) => {
                self.heard = now;
                None
            }
            (Phase::Live, Happened::Time) => self.due(now),
            // What does not fit the phase changes nothing: a late answer to a question of before.
            (Phase::MakingKey | Phase::Opening | Phase::Live, _) => None,
        }
    }

    /// When to come back with [`Happened::Time`] if nothing happens before.
    #[must_use]
    pub fn wake_at(&self) -> Option<Timestamp> {
        if self.phase != Phase::Live {
            return None;
        }
        let renew = match self.keyless {
            Some((since, _)) => since.plus_ms(self.times.keyless_max_ms),
            None => {
                let lapse = self.key_since.plus_ms(self.times.key_life_ms);
                if self.renewing { lapse } else { self.renew_at.min(lapse) }
            }
        };
        let ping = self.pinged.plus_ms(self.times.ping_every_ms);
        let silent = self.heard.plus_ms(self.times.silent_max_ms);
        let age = self.opened.plus_ms(self.times.announce_age_ms);
        let first = renew.min(ping).min(silent);
        Some(if self.announced { first } else { first.min(age) })
    }

    fn due(&mut self, now: Timestamp) -> Option<Step> {
        if planted(Plant::IdleStream) {
            (self.heard, self.pinged) = (now, now);
        }
        if now >= self.heard.plus_ms(self.times.silent_max_ms) {
            return self.end(End::Silent);
        }
        if let Some((since, end)) = self.keyless {
            if now >= since.plus_ms(self.times.keyless_max_ms) {
                return self.end(end);
            }
        } else if now >= self.key_since.plus_ms(self.times.key_life_ms) {
            return self.lose_key(now, End::KeyLapsed);
        }
        if !self.announced && now >= self.opened.plus_ms(self.times.announce_age_ms) {
            self.announced = true;
            return Some(Step::AnnounceAge);
        }
        if self.keyless.is_none() && !self.renewing && now >= self.renew_at {
            self.renewing = true;
            return Some(Step::Renew);
        }
        if now >= self.pinged.plus_ms(self.times.ping_every_ms) {
            self.pinged = now;
            return Some(Step::Ping);
        }
        None
    }

    /// The venue sends nothing more for a key that is gone, and the connection stays open: another session is needed, with a new
    /// key. This one is read on for a while.
    fn lose_key(&mut self, now: Timestamp, end: End) -> Option<Step> {
        if self.keyless.is_some() {
            return None;
        }
        self.keyless = Some((now, end));
        Some(Step::AnnounceKeyGone)
    }

    fn end(&mut self, end: End) -> Option<Step> {
        self.phase = Phase::Over(end);
        Some(Step::End(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_ms(1_000_000 + ms)
    }

    fn live() -> Session {
        let mut session = Session::new(SessionTimes::default());
        assert_eq!(session.handle(at(0), Happened::Time), Some(Step::MakeKey));
        assert_eq!(session.handle(at(0), Happened::KeyMade), Some(Step::Open));
        assert_eq!(session.handle(at(0), Happened::Opened), None);
        session
    }

    /// Runs the session to `until`, hearing a frame every second, and returns the steps other than pings.
    fn run(session: &mut Session, from: u64, until: u64) -> Vec<(u64, Step)> {
        let mut steps = Vec::new();
        let mut now = from;
        while now <= until {
            session.handle(at(now), Happened::Heard);
            while let Some(step) = session.handle(at(now), Happened::Time) {
                if step != Step::Ping {
                    steps.push((now, step));
                }
                if matches!(step, Step::End(_)) {
                    return steps;
                }
            }
            now += 1_000;
        }
        steps
    }

    #[test]
    fn the_key_is_renewed_at_a_third_of_its_life() {
        let mut session = live();
        assert_eq!(run(&mut session, 0, 20 * MINUTE), [(20 * MINUTE, Step::Renew)]);
        session.handle(at(20 * MINUTE), Happened::Renewed);
        assert_eq!(run(&mut session, 20 * MINUTE, 41 * MINUTE), [(40 * MINUTE, Step::Renew)]);
    }

    #[test]
    fn a_failed_renewal_is_tried_again_until_the_key_lapses() {
        let mut session = live();
        let mut tries = 0;
        let mut now = at(0);
        loop {
            session.handle(now, Happened::Heard);
            match session.handle(now, Happened::Time) {
                Some(Step::Renew) => {
                    tries += 1;
                    assert_eq!(session.handle(now, Happened::RenewalFailed), None);
                }
                Some(Step::AnnounceKeyGone) => {
                    assert_eq!(now, at(60 * MINUTE));
                    break;
                }
                Some(Step::Ping) | None => now = now.plus_ms(1_000),
                other => panic!("{other:?}"),
            }
        }
        assert!(tries > 30, "{tries}");
    }

    #[test]
    fn a_renewal_that_never_answers_lets_the_key_lapse() {
        let mut session = live();
        let lapsed = [(60 * MINUTE, Step::AnnounceKeyGone), (61 * MINUTE, Step::End(End::KeyLapsed))];
        assert_eq!(run(&mut session, 0, 70 * MINUTE), [&[(20 * MINUTE, Step::Renew)], &lapsed[..]].concat());
    }

    #[test]
    fn a_session_whose_key_is_gone_tells_it_reads_on_and_ends_if_nobody_takes_over() {
        for (happened, step) in [(Happened::KeyUnknown, Some(Step::AnnounceKeyGone)), (Happened::KeyExpired, None)] {
            let mut session = live();
            assert_eq!(session.handle(at(5), happened), step, "the venue's own word needs no other");
            assert_eq!(session.handle(at(6), happened), None, "once");
            assert_eq!(run(&mut session, 6, 50_000), []);
            // A renewal that was on its way says nothing about a key that is gone.
            assert_eq!(session.handle(at(50_000), Happened::Renewed), None);
            assert_eq!(run(&mut session, 51_000, 2 * MINUTE), [(61_000, Step::End(End::KeyGone))]);
            assert_eq!(session.handle(at(2 * MINUTE), Happened::Heard), Some(Step::End(End::KeyGone)));
        }
        assert_eq!(Session::new(SessionTimes::default()).handle(at(0), Happened::Time), Some(Step::MakeKey));
    }

    #[test]
    fn a_silent_connection_is_pinged_and_then_given_up() {
        let mut session = live();
        let mut pings = 0;
        let mut now = 0;
        let end = loop {
            now = session.wake_at().map_or(now, |t| t.as_ms() - 1_000_000);
            match session.handle(at(now), Happened::Time) {
                Some(Step::Ping) => pings += 1,
                Some(Step::End(end)) => break end,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((end, pings, now), (End::Silent, 2, 45_000));
    }

    #[test]
    fn the_cut_after_a_day_is_announced_once() {
        let mut session = live();
        let mut now = 0;
        let mut announced = Vec::new();
        while now < 24 * 60 * MINUTE {
            for (when, step) in run(&mut session, now, now + 10 * MINUTE) {
                match step {
                    Step::Renew => {
                        session.handle(at(when), Happened::Renewed);
                    }
                    Step::AnnounceAge => announced.push(when),
                    other => panic!("{other:?}"),
                }
            }
            now += 10 * MINUTE;
        }
        assert_eq!(announced, [(24 * 60 - 10) * MINUTE]);
    }

    #[test]
    fn a_session_that_cannot_start_is_over() {
        let mut session = Session::new(SessionTimes::default());
        session.handle(at(0), Happened::Time);
        assert_eq!(session.handle(at(0), Happened::KeyRefused), Some(Step::End(End::NotOpened)));
        assert_eq!(session.wake_at(), None);
    }
}
