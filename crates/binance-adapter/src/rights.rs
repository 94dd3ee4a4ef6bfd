//! What a key may do, in the wallet's words. Which of it is refused is not decided here.
//!
//! Source: Binance Wallet "Get API Key Permission" (`GET /sapi/v1/account/apiRestrictions`), read 2026-11-22.

use exec_core::venue::{KeyRights, QueryError};
use serde_json::{Map, Value};

const READ: &str = "enableReading";
const TRADE: &str = "enableFutures";
const WITHDRAW: &str = "enableWithdrawals";
const BOUND: &str = "ipRestrict";
const TRANSFERS: [&str; 2] = ["enableInternalTransfer", "permitsUniversalTransfer"];
/// Powers that nothing here needs, and that take nothing out of the account.
const OTHERS: [&str; 6] = [
    "enableMargin",
    "enableVanillaOptions",
    "enableFixApiTrade",
    "enableFixReadOnly",
    "enableSpotAndMarginTrading",
    "enablePortfolioMarginTrading",
];

/// Reads the answer. A flag that this build does not know and that is on is a power, whatever its name is.
pub(crate) fn read(body: &str) -> Result<KeyRights, QueryError> {
    let malformed = |why: String| QueryError::Malformed(why);
    let flags: Map<String, Value> = serde_json::from_str(body).map_err(|error| malformed(error.to_string()))?;
    let flag = |name: &str| match flags.get(name) {
        Some(Value::Bool(on)) => Ok(*on),
        _ => Err(malformed(format!("{name} is missing"))),
    };
    let mut rights = KeyRights {
        read: flag(READ)?,
        trade: flag(TRADE)?,
        withdraw: flag(WITHDRAW)?,
        bound_to_addresses: flag(BOUND)?,
        ..KeyRights::default()
    };
    for name in TRANSFERS {
        if flag(name)? {
            rights.transfers.push(name.to_owned());
        }
    }
    for (name, _) in flags.iter().filter(|(_, value)| **value == Value::Bool(true)) {
        if OTHERS.contains(&name.as_str()) {
            rights.others.push(name.clone());
        } else if ![READ, TRADE, WITHDRAW, BOUND].contains(&name.as_str()) && !TRANSFERS.contains(&name.as_str()) {
            rights.unknown.push(name.chars().take(64).collect());
        }
    }
    Ok(rights)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(extra: &str) -> String {
        format!(
            r#"{{"ipRestrict":false,"createTime":1623840271000,"enableReading":true,"enableWithdrawals":false,"enableInternalTransfer":true,
            "enableFutures":true,"permitsUniversalTransfer":true,"enableFixReadOnly":true,"enableMargin":false{extra}}}"#
        )
    }

    #[test]
    fn flags_become_rights_and_a_new_power_is_seen() {
        let rights = read(&body(r#","enableMoonTravel":true,"enableOther":false,"note":"x""#)).unwrap();
        let wanted = KeyRights {
            read: true,
            trade: true,
            transfers: TRANSFERS.map(str::to_owned).to_vec(),
            others: vec!["enableFixReadOnly".into()],
            unknown: vec!["enableMoonTravel".into()],
            ..KeyRights::default()
        };
        assert_eq!(rights, wanted);
    }

    #[test]
    fn what_does_not_say_all_of_it_says_nothing() {
        for broken in ["", "[]", "{}", "null", &body("").replace("\"enableFutures\":true,", ""), &body("").replace("false", "0")]
        {
            assert!(matches!(read(broken), Err(QueryError::Malformed(_))), "{broken}");
        }
    }
}
