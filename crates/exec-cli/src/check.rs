//! `check`: the config that holds, without secrets; with `--online`, what the venue says about it. It changes nothing.

use crate::{
    args::Check,
    failure::Failure,
    logging,
    read::{self, patient},
    screen,
    select::{self, Selected},
};
use exec_core::{ids::AccountId, instrument::TradingStatus};

pub(crate) async fn run(args: &Check) -> Result<(), Failure> {
    let (factory, config) = select::load(&args.config)?;
    screen::say(config.render().trim_end());
    if !args.online {
        return Ok(());
    }
    logging::quiet();
    let names: Vec<AccountId> = config.accounts.keys().cloned().collect();
    let mut selected = Selected { factory, config, account: AccountId::new("-").map_err(|e| Failure::Usage(e.to_string()))? };
    let mut differences = 0;
    for account in names {
        selected.account = account;
        screen::say(format!("\naccount {} at the venue:", selected.account));
        differences += online(&selected).await?;
    }
    if differences == 0 {
        return Ok(());
    }
    screen::say(format!("\n{differences} {} from the config", if differences == 1 { "difference" } else { "differences" }));
    Err(Failure::Told)
}

/// Asks the venue about one account and prints a line for each answer. Returns how many differ from the config.
async fn online(selected: &Selected) -> Result<usize, Failure> {
    let Some(config) = selected.config.accounts.get(&selected.account) else { return Ok(0) };
    let mut differences = 0;
    let mut line = |same: bool, text: String| {
        screen::say(format!("  {} {text}", if same { "ok     " } else { "DIFFERS" }));
        differences += usize::from(!same);
    };
    let venue = read::reach(selected).await?;
    let tolerated = selected.config.execution.clock_error_max_ms;
    line(venue.error_ms <= tolerated, format!("clock known to {} ms, {tolerated} ms are tolerated", venue.error_ms));

    let known = patient(venue.parts.execution.instruments()).await?;
    for id in &config.instruments {
        match known.iter().find(|i| i.id == *id) {
            Some(found) => line(found.status == TradingStatus::Trading, format!("{id} is {:?}", found.status)),
            None => line(false, format!("{id} does not exist")),
        }
    }
    if let Some(setup) = &venue.parts.setup {
        let mode = patient(setup.position_mode()).await?;
        line(mode == config.oms_type, format!("positions are kept in {mode:?}, the config says {:?}", config.oms_type));
        let settings = patient(setup.instrument_settings(&config.instruments)).await?;
        for setting in settings {
            let id = &setting.instrument;
            if let Some(wanted) = config.leverages.get(id) {
                let same = setting.leverage == Some(*wanted);
                line(
                    same,
                    format!(
                        "{id} leverage {}, the config says {wanted}",
                        setting.leverage.map_or("?".to_owned(), |l| l.to_string())
                    ),
                );
            }
            if let Some(wanted) = config.margin_types.get(id) {
                let found = setting.margin_type.map_or("?".to_owned(), |m| format!("{m:?}"));
                line(setting.margin_type == Some(*wanted), format!("{id} margin {found}, the config says {wanted:?}"));
            }
        }
    }
    let status = patient(venue.parts.execution.mass_status(&config.instruments)).await?;
    let open = status.positions.iter().filter(|p| !p.qty.is_zero()).count();
    line(true, format!("{} open orders, {open} open legs", status.open_orders.len()));
    for balance in status.balances.iter().filter(|b| !b.wallet.is_zero()) {
        line(true, format!("{} {}", balance.wallet, balance.asset));
    }
    Ok(differences)
}
