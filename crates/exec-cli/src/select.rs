//! Which account a verb is about. Reads the config and picks; asks nobody.

use crate::{args::On, failure::Failure};
use exec_core::{
    ids::{AccountId, InstrumentId},
    units::PositionMode,
};
use node_config::{AccountConfig, NodeConfig, NodeFactory};
use std::path::Path;

/// A config and the account that a verb is about.
pub(crate) struct Selected {
    pub(crate) factory: NodeFactory,
    pub(crate) config: NodeConfig,
    pub(crate) account: AccountId,
}

/// The factory of this program.
pub(crate) fn factory() -> NodeFactory {
    let factory = crate::demo::register(NodeFactory::new());
    #[cfg(feature = "drill")]
    let factory = crate::drill::register(factory);
    factory
}

pub(crate) fn load(path: &Path) -> Result<(NodeFactory, NodeConfig), Failure> {
    let factory = factory();
    let config = factory.load(path)?;
    Ok((factory, config))
}

pub(crate) fn select(on: &On) -> Result<Selected, Failure> {
    let (factory, config) = load(&on.config)?;
    let names: Vec<&str> = config.accounts.keys().map(AccountId::as_str).collect();
    let account = match (&on.account, config.accounts.keys().next()) {
        (Some(name), _) => config.accounts.keys().find(|id| id.as_str() == name).cloned().ok_or_else(|| {
            Failure::Usage(format!("account `{name}` is not in {}; it has {}", on.config.display(), names.join(", ")))
        })?,
        (None, Some(only)) if names.len() == 1 => only.clone(),
        (None, _) => return Err(Failure::Usage(format!("name one of the accounts with --account: {}", names.join(", ")))),
    };
    Ok(Selected { factory, config, account })
}

impl Selected {
    fn account(&self) -> Option<&AccountConfig> {
        self.config.accounts.get(&self.account)
    }
    /// How the account keeps positions, by its config.
    pub(crate) fn mode(&self) -> PositionMode {
        self.account().map_or(PositionMode::Netting, |a| a.oms_type)
    }
    /// Whether positions are shown with an id.
    pub(crate) fn position_ids(&self) -> bool {
        self.account().is_some_and(|a| a.use_position_ids)
    }
    /// The instruments a reading verb is about.
    pub(crate) fn instruments(&self, only: Option<&str>) -> Result<Vec<InstrumentId>, Failure> {
        let all = self.account().map(|a| a.instruments.clone()).unwrap_or_default();
        match only {
            None => Ok(all),
            Some(name) => Ok(vec![instrument(name)?]),
        }
    }
}

pub(crate) fn instrument(name: &str) -> Result<InstrumentId, Failure> {
    InstrumentId::new(name).map_err(|error| Failure::Usage(error.to_string()))
}
