//! Looks at what the key may do: at connect and at intervals. What may take money out of the account is refused before the first order; while
//! the node runs, a lost right to trade shuts the gate, and everything else is told.

use crate::{
    arrival::{Arrival, Arrivals, LoopGone},
    config::RuntimeConfig,
    setup::StartError,
    venue_calls::question,
};
use exec_core::{
    conversation::Input,
    venue::{AccountSetup, KeyRights},
};
use std::sync::Arc;

/// What a key is held to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct KeyRules {
    /// Whether a key with too much power stops the start; else it is told.
    pub strict: bool,
    /// Whether a key that is taken from any address is good enough.
    pub allow_any_ip: bool,
}

/// What is wrong with the powers of a key.
#[derive(Debug, Default, Eq, PartialEq)]
struct Verdict {
    /// With strict rules these stop a start.
    refused: Vec<String>,
    /// These are told.
    told: Vec<String>,
}

fn judge(rights: &KeyRights, rules: KeyRules) -> Verdict {
    let mut verdict = Verdict::default();
    if rights.withdraw {
        verdict.refused.push("it may withdraw".to_owned());
    }
    verdict.refused.extend(rights.transfers.iter().map(|name| format!("it may transfer money between accounts ({name})")));
    if !rights.bound_to_addresses && !rules.allow_any_ip {
        verdict.refused.push("it is taken from any address: give it a list, or write allow_any_ip = true".to_owned());
    }
    verdict.told.extend(rights.unknown.iter().map(|name| format!("it has a power that this build does not know ({name})")));
    verdict
}

/// Audits a key.
pub(crate) struct KeyAudit {
    pub(crate) setup: Arc<dyn AccountSetup>,
    pub(crate) rules: KeyRules,
    pub(crate) config: RuntimeConfig,
    pub(crate) arrivals: Arrivals,
    told: Option<KeyRights>,
}

impl KeyAudit {
    pub(crate) fn new(setup: Arc<dyn AccountSetup>, rules: KeyRules, config: RuntimeConfig, arrivals: Arrivals) -> Self {
        Self { setup, rules, config, arrivals, told: None }
    }

    /// Before the first order. Returns whether the node may start. A wallet that does not answer keeps nobody from trading.
    pub(crate) async fn first(&mut self) -> Result<bool, LoopGone> {
        let Some(rights) = self.ask().await? else { return Ok(true) };
        let refused = judge(&rights, self.rules).refused;
        if self.rules.strict && !refused.is_empty() {
            self.arrivals.bring(Arrival::Fatal(StartError::KeyPowers(refused))).await?;
            return Ok(false);
        }
        self.tell(rights).await?;
        Ok(true)
    }

    /// At intervals, until the loop is gone.
    pub(crate) async fn keep(mut self) -> Result<(), LoopGone> {
        loop {
            tokio::time::sleep(self.config.key_audit_interval).await;
            if let Some(rights) = self.ask().await?
                && self.told.as_ref() != Some(&rights)
            {
                self.tell(rights).await?;
            }
        }
    }

    async fn ask(&self) -> Result<Option<KeyRights>, LoopGone> {
        match question(self.config.query_deadline, self.setup.key_rights()).await {
            Ok(Some(rights)) => Ok(Some(rights)),
            Ok(None) => {
                tracing::info!("the venue does not tell here what the key may do");
                Ok(None)
            }
            Err(error) => {
                let text = format!("what the key may do cannot be read: {error}; it is asked again later");
                self.arrivals.warn("key_audit_failed", text).await?;
                Ok(None)
            }
        }
    }

    async fn tell(&mut self, rights: KeyRights) -> Result<(), LoopGone> {
        tracing::info!(%rights, "what the key may do is known");
        let Verdict { refused, told } = judge(&rights, self.rules);
        for why in refused.iter().chain(&told) {
            self.arrivals.warn("key_powers", format!("the key: {why}")).await?;
        }
        self.told = Some(rights.clone());
        self.arrivals.input(Input::KeyRights(rights)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_power_and_each_pair_of_them_is_judged() {
        for bits in 0_u8..64 {
            let on = |bit: u8| bits & (1 << bit) != 0;
            let transfers = ["internal", "universal"].iter().zip([on(1), on(2)]).filter(|(_, on)| *on);
            let rights = KeyRights {
                read: true,
                trade: true,
                withdraw: on(0),
                transfers: transfers.map(|(name, _)| (*name).to_owned()).collect(),
                bound_to_addresses: on(3),
                others: vec!["enableMargin".into()],
                unknown: on(4).then(|| "enableNew".to_owned()).into_iter().collect(),
            };
            let rules = KeyRules { strict: true, allow_any_ip: on(5) };
            let verdict = judge(&rights, rules);
            let refused = [on(0), on(1), on(2), !on(3) && !on(5)].iter().filter(|on| **on).count();
            assert_eq!((verdict.refused.len(), verdict.told.len()), (refused, usize::from(on(4))), "{rights:?} {rules:?}");
        }
    }
}
