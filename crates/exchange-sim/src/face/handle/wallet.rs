//! The few wallet endpoints that clients ask before they trade futures.

use std::collections::BTreeMap;

use super::super::json::{Obj, array};

/// `GET /sapi/v1/capital/config/getall`.
pub(super) fn coins() -> String {
    array(["USDT", "BNB"].map(|coin| {
        Obj::new()
            .text("coin", coin)
            .num("depositAllEnable", true)
            .num("withdrawAllEnable", true)
            .text("name", coin)
            .text("free", "0")
            .text("locked", "0")
            .text("freeze", "0")
            .text("withdrawing", "0")
            .text("ipoing", "0")
            .text("ipoable", "0")
            .text("storage", "0")
            .num("isLegalMoney", false)
            .num("trading", true)
            .raw("networkList", "[]")
            .end()
    }))
}

/// `GET /sapi/v1/account/apiRestrictions`: what the flags of a key say, and where they say nothing, a key that may trade futures from one
/// address.
pub(super) fn restrictions(flags: &BTreeMap<String, bool>) -> String {
    const NAMES: [(&str, bool); 12] = [
        ("ipRestrict", true),
        ("enableReading", true),
        ("enableWithdrawals", false),
        ("enableInternalTransfer", false),
        ("enableMargin", false),
        ("enableFutures", true),
        ("permitsUniversalTransfer", false),
        ("enableVanillaOptions", false),
        ("enableFixApiTrade", false),
        ("enableFixReadOnly", false),
        ("enableSpotAndMarginTrading", false),
        ("enablePortfolioMarginTrading", false),
    ];
    let known = NAMES.iter().map(|(name, usual)| (*name, flags.get(*name).copied().unwrap_or(*usual)));
    let others = flags.iter().filter(|(name, _)| NAMES.iter().all(|known| known.0 != *name));
    let all = known.chain(others.map(|(name, on)| (name.as_str(), *on)));
    all.fold(Obj::new().num("createTime", 1_700_000_000_000_i64), |body, (name, on)| body.num(name, on)).end()
}
