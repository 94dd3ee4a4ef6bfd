//! What a reply is about: by its path where that is known, by its keys where it is not (replies of the WebSocket API, and
//! bodies without their envelope).

use crate::wire::Shape;

/// What a reply is about, as far as its facts go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Order,
    Orders,
    Algo,
    Algos,
    AlgoCancel,
    Amendments,
    Countdown,
    Trades,
    Positions,
    Position,
    AccountPosition,
    PositionMargin,
    MarginChanges,
    AdlRanks,
    Balances,
    Account,
    PortfolioAccount,
    AccountConfig,
    SymbolConfig,
    PositionMode,
    MultiAssets,
    Leverage,
    Brackets,
    FeeBurn,
    Commission,
    Income,
    Download,
    TradingRules,
    OrderLimits,
    Acknowledged,
    ListenKey,
    Session,
    Info,
    ServerTime,
    Mark,
    PublicTrades,
    AggregateTrades,
    AdlRisk,
    ConvertPairs,
    ConvertQuote,
    ConvertOrder,
}

/// By method and path.
pub(crate) fn by_path(method: &str, path: &str) -> Option<Subject> {
    let name = path.strip_prefix("/fapi/")?.split_once('/')?.1;
    Some(match (method, name) {
        ("POST" | "PUT" | "DELETE" | "GET", "order") | ("GET", "openOrder") | ("POST", "order/test") => Subject::Order,
        ("POST" | "PUT" | "DELETE", "batchOrders") | ("GET", "openOrders" | "allOrders" | "forceOrders") => Subject::Orders,
        ("DELETE", "algoOrder") => Subject::AlgoCancel,
        ("POST" | "GET", "algoOrder") => Subject::Algo,
        ("GET", "openAlgoOrders" | "allAlgoOrders") => Subject::Algos,
        ("GET", "orderAmendment") => Subject::Amendments,
        ("POST", "countdownCancelAll") => Subject::Countdown,
        ("GET", "userTrades") => Subject::Trades,
        ("GET", "positionRisk") => Subject::Positions,
        ("POST", "positionMargin") => Subject::PositionMargin,
        ("GET", "positionMargin/history") => Subject::MarginChanges,
        ("GET", "adlQuantile") => Subject::AdlRanks,
        ("GET", "balance") => Subject::Balances,
        ("GET", "account") => Subject::Account,
        ("GET", "pmAccountInfo") => Subject::PortfolioAccount,
        ("GET", "accountConfig") => Subject::AccountConfig,
        ("GET", "symbolConfig") => Subject::SymbolConfig,
        ("GET", "positionSide/dual") => Subject::PositionMode,
        ("GET", "multiAssetsMargin") => Subject::MultiAssets,
        ("POST", "leverage") => Subject::Leverage,
        ("GET", "leverageBracket") => Subject::Brackets,
        ("GET", "feeBurn") => Subject::FeeBurn,
        ("GET", "commissionRate") => Subject::Commission,
        ("GET", "income") => Subject::Income,
        ("GET", "income/asyn" | "order/asyn" | "trade/asyn" | "income/asyn/id" | "order/asyn/id" | "trade/asyn/id") => {
            Subject::Download
        }
        ("GET", "apiTradingStatus") => Subject::TradingRules,
        ("GET", "rateLimit/order") => Subject::OrderLimits,
        ("POST", "positionSide/dual" | "marginType" | "multiAssetsMargin" | "feeBurn" | "stock/contract")
        | ("DELETE", "allOpenOrders" | "algoOpenOrders") => Subject::Acknowledged,
        ("POST" | "PUT" | "DELETE", "listenKey") => Subject::ListenKey,
        ("GET", "exchangeInfo") => Subject::Info,
        ("GET", "time") => Subject::ServerTime,
        ("GET", "premiumIndex") => Subject::Mark,
        ("GET", "trades" | "historicalTrades") => Subject::PublicTrades,
        ("GET", "aggTrades") => Subject::AggregateTrades,
        ("GET", "symbolAdlRisk") => Subject::AdlRisk,
        ("GET", "convert/exchangeInfo") => Subject::ConvertPairs,
        ("POST", "convert/getQuote") => Subject::ConvertQuote,
        ("POST", "convert/acceptQuote") | ("GET", "convert/orderStatus") => Subject::ConvertOrder,
        _ => return None,
    })
}

/// By the keys of the object, or of the first object of the list.
pub(crate) fn by_shape(shape: &Shape) -> Option<Subject> {
    if shape.is_list() { row(shape) } else { object(shape) }
}

fn row(shape: &Shape) -> Option<Subject> {
    // Keys that no other kind of row has come first.
    const KEYS: &[(&str, Subject)] = &[
        ("algoStatus", Subject::Algos),
        ("amendment", Subject::Amendments),
        ("commissionAsset", Subject::Trades),
        ("origQty", Subject::Orders),
        ("positionAmt", Subject::Positions),
        ("deltaType", Subject::MarginChanges),
        ("adlQuantile", Subject::AdlRanks),
        ("balance", Subject::Balances),
        ("incomeType", Subject::Income),
        ("brackets", Subject::Brackets),
        ("rateLimitType", Subject::OrderLimits),
        ("marginType", Subject::SymbolConfig),
        ("markPrice", Subject::Mark),
        ("isBuyerMaker", Subject::PublicTrades),
        ("adlRisk", Subject::AdlRisk),
        ("fromAssetMinAmount", Subject::ConvertPairs),
        // The first row of a batch may be a refusal.
        ("code", Subject::Orders),
    ];
    if ["a", "p", "q", "f", "l", "T", "m"].iter().all(|key| shape.has(key)) {
        return Some(Subject::AggregateTrades);
    }
    let known = KEYS.iter().find(|(key, _)| shape.has(key)).map(|(_, subject)| *subject)?;
    // Rows of the funding history have a mark price, too.
    (known != Subject::Mark || shape.has("indexPrice")).then_some(known)
}

fn object(shape: &Shape) -> Option<Subject> {
    const KEYS: &[(&str, Subject)] = &[
        ("algoStatus", Subject::Algo),
        ("algoId", Subject::AlgoCancel),
        ("origQty", Subject::Order),
        ("unRealizedProfit", Subject::Position),
        ("positionAmt", Subject::AccountPosition),
        ("canTrade", Subject::AccountConfig),
        ("dualSidePosition", Subject::PositionMode),
        ("multiAssetsMargin", Subject::MultiAssets),
        ("feeBurn", Subject::FeeBurn),
        ("countdownTime", Subject::Countdown),
        ("takerCommissionRate", Subject::Commission),
        ("brackets", Subject::Brackets),
        ("indicators", Subject::TradingRules),
        ("downloadId", Subject::Download),
        ("maxWithdrawAmountUSD", Subject::PortfolioAccount),
        ("listenKey", Subject::ListenKey),
        ("connectedSince", Subject::Session),
        ("maxNotionalValue", Subject::Leverage),
        ("adlRisk", Subject::AdlRisk),
        ("orderStatus", Subject::ConvertOrder),
        ("quoteId", Subject::ConvertQuote),
    ];
    if shape.is_empty() {
        return Some(Subject::Acknowledged);
    }
    if shape.has("symbols") && shape.has("rateLimits") {
        return Some(Subject::Info);
    }
    // Before the settings: the account document repeats some of them.
    if shape.has("assets") && shape.has("positions") {
        return Some(Subject::Account);
    }
    if let Some((_, subject)) = KEYS.iter().find(|(key, _)| shape.has(key)) {
        return Some(*subject);
    }
    if shape.has("code") {
        return Some(if shape.has("amount") { Subject::PositionMargin } else { Subject::Acknowledged });
    }
    if shape.has("markPrice") && shape.has("indexPrice") {
        return Some(Subject::Mark);
    }
    shape.has("serverTime").then_some(Subject::ServerTime)
}

impl Subject {
    /// A name for what is counted, where no path names it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Orders => "orders",
            Self::Algo => "conditional order",
            Self::Algos => "conditional orders",
            Self::AlgoCancel => "cancel of a conditional order",
            Self::Amendments => "amendments",
            Self::Countdown => "countdown",
            Self::Trades => "trades",
            Self::Positions | Self::Position => "positions",
            Self::AccountPosition => "account position",
            Self::PositionMargin => "position margin",
            Self::MarginChanges => "position margin history",
            Self::AdlRanks => "deleveraging ranks",
            Self::Balances => "balances",
            Self::Account => "account",
            Self::PortfolioAccount => "portfolio account",
            Self::AccountConfig => "account settings",
            Self::SymbolConfig => "symbol settings",
            Self::PositionMode => "position mode",
            Self::MultiAssets => "multi-assets mode",
            Self::Leverage => "leverage",
            Self::Brackets => "leverage brackets",
            Self::FeeBurn => "fee burn",
            Self::Commission => "commission rate",
            Self::Income => "income",
            Self::Download => "download",
            Self::TradingRules => "trading rules",
            Self::OrderLimits => "order limits",
            Self::Acknowledged => "acknowledgement",
            Self::ListenKey => "listen key",
            Self::Session => "session",
            Self::Info => "exchange info",
            Self::ServerTime => "server time",
            Self::Mark => "mark price",
            Self::PublicTrades => "public trades",
            Self::AggregateTrades => "aggregate trades",
            Self::AdlRisk => "deleveraging risk",
            Self::ConvertPairs => "convert pairs",
            Self::ConvertQuote => "convert quote",
            Self::ConvertOrder => "convert order",
        }
    }
}
