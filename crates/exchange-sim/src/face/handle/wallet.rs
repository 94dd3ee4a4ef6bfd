//! The few wallet endpoints that clients ask before they trade futures.

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

/// `GET /sapi/v1/account/apiRestrictions`: a key that may trade futures from one address, and nothing else.
pub(super) fn restrictions() -> String {
    Obj::new()
        .num("ipRestrict", true)
        .num("createTime", 1_700_000_000_000_i64)
        .num("enableReading", true)
        .num("enableWithdrawals", false)
        .num("enableInternalTransfer", false)
        .num("enableMargin", false)
        .num("enableFutures", true)
        .num("permitsUniversalTransfer", false)
        .num("enableVanillaOptions", false)
        .num("enableFixApiTrade", false)
        .num("enableFixReadOnly", false)
        .num("enableSpotAndMarginTrading", false)
        .num("enablePortfolioMarginTrading", false)
        .end()
}
