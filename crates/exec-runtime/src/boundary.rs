//! Marks the boundaries between effects, for the kill test to end the process there. Compiles to nothing without the feature `drill`.

/// Passes a boundary. Who listens for the target `drill` may kill the process in it.
macro_rules! boundary {
    ($name:expr) => {
        #[cfg(feature = "drill")]
        tracing::trace!(target: "drill", boundary = $name);
    };
}

pub(crate) use boundary;

#[cfg(feature = "drill")]
pub(crate) use turn::{After, heard, sent};

#[cfg(feature = "drill")]
mod turn {
    use exec_core::{
        books::Books,
        conversation::{Answer, Effect, Input, Phase, Request},
        order::event::RequestState,
    };

    /// What a turn was about, for the boundaries that follow its input.
    #[derive(Clone, Copy)]
    pub(crate) enum After {
        Commands,
        Durable,
        LinkUp,
        Mass,
        Recovery,
        Other,
    }

    /// Names the moment before an input is handled.
    pub(crate) fn heard(input: &Input) -> &'static str {
        match input {
            Input::Report { .. } => "event.before",
            Input::Timer(_) => "timer.before",
            _ => "input.before",
        }
    }

    impl After {
        pub(crate) fn of(input: &Input) -> Self {
            match input {
                Input::Commands { .. } => Self::Commands,
                Input::Durable(_) => Self::Durable,
                Input::LinkUp(_) => Self::LinkUp,
                Input::Answer { answer: Answer::Mass(Ok(_)), .. } => Self::Mass,
                Input::Answer { answer: Answer::Trades(_), .. } => Self::Recovery,
                _ => Self::Other,
            }
        }

        /// Passes what lies between the append of a turn's records and its other effects, and names the requests about to leave.
        pub(crate) fn appended(self, effects: &[Effect], books: &Books) -> Vec<&'static str> {
            let requests: Vec<&Request> =
                effects.iter().filter_map(|e| if let Effect::Send(r) = e { Some(r) } else { None }).collect();
            let told = effects.iter().any(|e| matches!(e, Effect::Notify(_, Some(_), _)));
            let passed = match self {
                Self::Commands => Some("group.before-commands"),
                Self::Durable if !requests.is_empty() => Some("durable.before-send"),
                Self::LinkUp => Some("link-up.before-questions"),
                Self::Mass => Some("mass-status.learned"),
                Self::Recovery => Some("trades.learned"),
                Self::Durable | Self::Other => None,
            };
            if let Some(name) = passed {
                boundary!(name);
            }
            if told {
                boundary!("facts.before-told");
            }
            if effects
                .iter()
                .any(|e| matches!(e, Effect::Phase(change) if change.to == Phase::Live && change.from != Phase::Live))
            {
                boundary!("gate.opens");
            }
            requests.into_iter().map(|request| kind_of(request, books)).collect()
        }
    }

    /// Passes the boundary behind the last byte of each request, once their connections had their turn to write.
    pub(crate) async fn sent(kinds: Vec<&'static str>) {
        if kinds.is_empty() {
            return;
        }
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        for kind in kinds {
            boundary!(kind);
        }
    }

    /// What a request is part of: the two of a change of a conditional order are told apart.
    fn kind_of(request: &Request, books: &Books) -> &'static str {
        match request {
            Request::Submit { attempt, .. } => {
                let order = books.by_cl_ord_id(&attempt.cl_ord_id).and_then(|id| books.order(id));
                let header = order.and_then(|o| o.attempts().get(&attempt.cl_ord_id)?.header());
                match header.is_some_and(|h| h.replaces.is_some()) {
                    true => "change.new.sent",
                    false => "submit.sent",
                }
            }
            Request::Cancel(cancel) => {
                let id = cancel.order.cl_ord_id.and_then(|id| books.by_cl_ord_id(&id));
                let replaced = |state: &RequestState| !matches!(state, RequestState::Refused(_));
                let order = id.and_then(|id| books.order(id));
                match order.is_some_and(|o| !o.cancel_wished() && o.replaces().values().any(|r| replaced(&r.state))) {
                    true => "change.old.sent",
                    false => "cancel.sent",
                }
            }
            Request::Replace(_) => "change.sent",
            // A countdown takes orders off, too, once nobody refreshes it.
            Request::CancelAll(_) | Request::Countdown(_) => "cancel.sent",
            Request::Batch { .. } => "submit.sent",
        }
    }
}
