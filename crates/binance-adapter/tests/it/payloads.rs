//! One payload of every family that the adapter reads, with every field that the documents or the live wire have. Written by hand
//! after USDⓈ-M's pages (read 2026-11-22) and the forms that the live wire sent in September and October 2026.

/// An order update; the execution, the status and what was filled are to be filled in.
pub(crate) fn order_update(client: &str, execution: &str, status: &str, last: &str, cum: &str, trade: u64) -> String {
    format!(
        r#"{{"e":"ORDER_TRADE_UPDATE","T":1789837689736,"E":1789837689737,"o":{{"s":"BTCUSDT","c":"{client}","S":"SELL","o":"LIMIT","f":"IOC","q":"0.014","p":"9910","ap":"9910.5","sp":"0","x":"{execution}","X":"{status}","i":8886774,"l":"{last}","z":"{cum}","L":"9910.5","n":"0.069","N":"USDT","T":1789837689735,"t":{trade},"b":"0","a":"9.91","m":false,"R":true,"wt":"CONTRACT_PRICE","ot":"LIMIT","ps":"BOTH","cp":false,"rp":"-0.5","pP":false,"si":0,"ss":0,"V":"EXPIRE_MAKER","pm":"NONE","gtd":0,"er":"0"}}}}"#
    )
}

/// A conditional order's update; status, what became of it and the reason are to be filled in.
pub(crate) fn algo_update(status: &str, more: &str) -> String {
    format!(
        r#"{{"e":"ALGO_UPDATE","T":1789826323611,"E":1789826323612,"o":{{"caid":"60d0","aid":4000001910368571,"at":"CONDITIONAL","o":"STOP_MARKET","s":"DOTUSDT","S":"BUY","ps":"SHORT","f":"GTC","q":"4.9","X":"{status}",{more}"tp":"1.1322","p":"0","V":"EXPIRE_MAKER","wt":"MARK_PRICE","pm":"NONE","cp":false,"pP":true,"R":false,"gtd":0,"ia":false}}}}"#
    )
}

/// An account update for a reason.
pub(crate) fn account_update(reason: &str) -> String {
    format!(
        r#"{{"e":"ACCOUNT_UPDATE","T":1789837693838,"E":1789837693839,"a":{{"B":[{{"a":"USDT","wb":"28.05","cw":"27.05","bc":"-0.5"}},{{"a":"BNB","wb":"0.0024","cw":"0.0024","bc":"0"}}],"P":[{{"s":"DOTUSDT","pa":"-4.9","ep":"1.1359","cr":"-0.7384","up":"0.01","mt":"isolated","iw":"1.2","ps":"SHORT","ma":"USDT","bep":"1.13646795"}}],"m":"{reason}","S":"DOTUSDT"}}}}"#
    )
}

/// A reply in the envelope in which it is piped in.
pub(crate) fn reply(method: &str, path: &str, body: &str) -> String {
    format!(r#"{{"method":"{method}","path":"/fapi/{path}","status":200,"body":{body}}}"#)
}

const PLACED: &str = r#"{"orderId":22542179,"symbol":"BTCUSDT","status":"NEW","clientOrderId":"t-1","price":"103.10","origQty":"10","executedQty":"0","cumQty":"0","timeInForce":"GTD","type":"LIMIT","reduceOnly":false,"closePosition":false,"side":"SELL","positionSide":"SHORT","stopPrice":"0","workingType":"CONTRACT_PRICE","priceProtect":false,"origType":"LIMIT","priceMatch":"QUEUE_5","selfTradePreventionMode":"EXPIRE_BOTH","goodTillDate":1793207680000,"updateTime":1789818724722}"#;
const QUERIED: &str = r#"{"avgPrice":"1.1359000","clientOrderId":"t-2","cumQuote":"5.56","cumBase":"0","executedQty":"4.9","orderId":33878894217,"origQty":"4.9","origType":"MARKET","price":"0","reduceOnly":true,"side":"BUY","positionSide":"BOTH","status":"FILLED","stopPrice":"0","closePosition":false,"symbol":"DOTUSDT","pair":"DOTUSDT","time":1789837689736,"timeInForce":"GTC","type":"MARKET","updateTime":1789837689740,"workingType":"CONTRACT_PRICE","priceProtect":false,"priceMatch":"NONE","selfTradePreventionMode":"EXPIRE_MAKER","goodTillDate":0}"#;
const OLD_TRAILING: &str = r#"{"clientOrderId":"t-3","cumQty":"0","executedQty":"0","orderId":283194212,"origQty":"11","origType":"TRAILING_STOP_MARKET","price":"0","reduceOnly":false,"side":"BUY","positionSide":"LONG","status":"CANCELED","stopPrice":"9300","closePosition":false,"symbol":"BTCUSDT","timeInForce":"GTC","type":"TRAILING_STOP_MARKET","activatePrice":"9020","priceRate":"0.3","updateTime":1571110484038,"workingType":"MARK_PRICE","priceProtect":true}"#;
const AMENDED: &str = r#"{"orderId":20072994037,"symbol":"BTCUSDT","pair":"BTCUSDT","status":"PARTIALLY_FILLED","clientOrderId":"t-4","modifyId":7,"price":"30005","origQty":"1","executedQty":"0.2","cumQty":"0.2","timeInForce":"GTX","type":"LIMIT","reduceOnly":false,"closePosition":false,"side":"BUY","positionSide":"LONG","stopPrice":"0","workingType":"CONTRACT_PRICE","priceProtect":false,"origType":"LIMIT","priceMatch":"NONE","selfTradePreventionMode":"NONE","goodTillDate":0,"updateTime":1789182711600}"#;
const FORCED: &str = r#"{"orderId":6071832819,"symbol":"BTCUSDT","status":"FILLED","clientOrderId":"autoclose-1596107620040000020","price":"10871.09","avgPrice":"10913.21000","origQty":"0.001","executedQty":"0.001","cumQuote":"10.91","timeInForce":"IOC","type":"LIMIT","reduceOnly":false,"closePosition":false,"side":"SELL","positionSide":"BOTH","stopPrice":"0","workingType":"CONTRACT_PRICE","origType":"LIMIT","time":1596107620044,"updateTime":1596107620087}"#;
const REFUSED: &str = r#"{"code":-2022,"msg":"ReduceOnly Order is rejected."}"#;
const ALGO_PLACED: &str = r#"{"algoId":4000001910058351,"clientAlgoId":"d0a8","algoType":"CONDITIONAL","orderType":"TAKE_PROFIT","symbol":"BNBUSDT","side":"SELL","positionSide":"BOTH","timeInForce":"GTC","quantity":"0.01","algoStatus":"NEW","triggerPrice":"750.000","price":"749.000","icebergQuantity":null,"selfTradePreventionMode":"EXPIRE_MAKER","workingType":"CONTRACT_PRICE","priceMatch":"NONE","closePosition":false,"priceProtect":false,"reduceOnly":false,"activatePrice":"","callbackRate":"","createTime":1750485492076,"updateTime":1750485492076,"triggerTime":0,"goodTillDate":0}"#;
const ALGO_FINISHED: &str = r#"{"algoId":4000001910368571,"clientAlgoId":"60d0","algoType":"CONDITIONAL","orderType":"TRAILING_STOP_MARKET","symbol":"DOTUSDT","side":"BUY","positionSide":"SHORT","timeInForce":"GTC","quantity":"4.9","algoStatus":"FINISHED","actualOrderId":"33877541028","actualPrice":"1.1325000","actualQty":"4.9","actualType":"MARKET","triggerPrice":"1.132200","price":"0.000000","icebergQuantity":null,"tpTriggerPrice":"0.000","tpPrice":"0.000","slTriggerPrice":"0.000","slPrice":"0.000","tpOrderType":"","selfTradePreventionMode":"EXPIRE_TAKER","workingType":"MARK_PRICE","priceMatch":"NONE","closePosition":false,"priceProtect":true,"reduceOnly":true,"activatePrice":"1.13","callbackRate":"0.5","createTime":1789826233630,"updateTime":1789826323611,"triggerTime":1789826323607,"goodTillDate":0,"isActivated":true}"#;
const ALGO_CANCELED: &str = r#"{"algoId":2146760,"clientAlgoId":"6B2I","code":"200","msg":"success"}"#;
const TRADE: &str = r#"{"symbol":"DOTUSDT","id":1189522421,"orderId":33866374373,"pair":"DOTUSDT","side":"SELL","price":"1.135800","qty":"5.3","realizedPnl":"-0.00052999","quoteQty":"6.01","commission":"0.00000362","commissionAsset":"BNB","time":1789735344545,"buyer":false,"maker":true,"positionSide":"LONG","baseQty":"0","marginAsset":"USDT"}"#;
const RISK_V2: &str = r#"{"symbol":"BTCUSDT","positionAmt":"0.001","entryPrice":"22185.2","breakEvenPrice":"0.0","markPrice":"21123.05","unRealizedProfit":"-1.06","liquidationPrice":"19731.4","leverage":"4","maxNotionalValue":"100000000","marginType":"cross","isolatedMargin":"0.0","isAutoAddMargin":"false","positionSide":"LONG","notional":"21.12","isolatedWallet":"0","updateTime":1655217461579}"#;
const RISK_V3: &str = r#"{"symbol":"ADAUSDT","positionSide":"SHORT","positionAmt":"-30","entryPrice":"0.385","breakEvenPrice":"0.385077","markPrice":"0.4104","unRealizedProfit":"-0.76","liquidationPrice":"1.2","isolatedMargin":"0","notional":"-12.3","marginAsset":"USDT","isolatedWallet":"0","initialMargin":"0.61","maintMargin":"0.08","positionInitialMargin":"0.61","openOrderInitialMargin":"0","adl":2,"bidNotional":"0","askNotional":"3","updateTime":1720736417660}"#;
const BALANCE: &str = r#"{"accountAlias":"SgsR","asset":"USDT","balance":"122607.35","crossWalletBalance":"23.72","crossUnPnl":"0.0","availableBalance":"23.7","maxWithdrawAmount":"23.7","marginAvailable":true,"updateTime":1617939110373}"#;
const ACCOUNT_V2: &str = r#"{"feeTier":0,"feeBurn":true,"canTrade":true,"canDeposit":true,"canWithdraw":false,"updateTime":0,"multiAssetsMargin":false,"tradeGroupId":-1,"totalInitialMargin":"0","totalMaintMargin":"0.5","totalWalletBalance":"126.7","totalUnrealizedProfit":"0","totalMarginBalance":"126.7","totalPositionInitialMargin":"0","totalOpenOrderInitialMargin":"0","totalCrossWalletBalance":"126.7","totalCrossUnPnl":"0","availableBalance":"126.7","maxWithdrawAmount":"126.7","assets":[{"asset":"USDT","walletBalance":"23.7","unrealizedProfit":"0","marginBalance":"23.7","maintMargin":"0","initialMargin":"0","positionInitialMargin":"0","openOrderInitialMargin":"0","crossWalletBalance":"23.7","crossUnPnl":"0","availableBalance":"126.7","maxWithdrawAmount":"23.7","marginAvailable":true,"updateTime":1625474304765}],"positions":[{"symbol":"BTCUSDT","initialMargin":"0","maintMargin":"0","unrealizedProfit":"0.1","positionInitialMargin":"0","openOrderInitialMargin":"0","leverage":"100","isolated":true,"entryPrice":"5.0","breakEvenPrice":"0.0","maxNotional":"250000","bidNotional":"0","askNotional":"0","positionSide":"BOTH","positionAmt":"1","isolatedWallet":"0","isolatedMargin":"0","notional":"5","updateTime":0}]}"#;
const ACCOUNT_V3: &str = r#"{"totalInitialMargin":"0","totalMaintMargin":"0","totalWalletBalance":"126.7","totalUnrealizedProfit":"0","totalMarginBalance":"126.7","totalPositionInitialMargin":"0","totalOpenOrderInitialMargin":"0","totalCrossWalletBalance":"126.7","totalCrossUnPnl":"0","availableBalance":"126.7","maxWithdrawAmount":"126.7","assets":[],"positions":[{"symbol":"BTCUSDT","positionSide":"LONG","positionAmt":"1.000","unrealizedProfit":"0","isolatedMargin":"0","notional":"0","isolatedWallet":"0","initialMargin":"0","maintMargin":"0","updateTime":0}]}"#;
const SYMBOL: &str = r#"{"symbol":"BLZUSDT","pair":"BLZUSDT","contractType":"PERPETUAL","deliveryDate":4133404800000,"onboardDate":1598252400000,"status":"TRADING","maintMarginPercent":"2.5","requiredMarginPercent":"5.0","baseAsset":"BLZ","quoteAsset":"USDT","marginAsset":"USDT","pricePrecision":5,"quantityPrecision":0,"baseAssetPrecision":8,"quotePrecision":8,"underlyingType":"COIN","underlyingSubType":["STORAGE"],"settlePlan":0,"triggerProtect":"0.15","filters":[{"filterType":"PRICE_FILTER","maxPrice":"300","minPrice":"0.0001","tickSize":"0.0001"},{"filterType":"LOT_SIZE","maxQty":"10000000","minQty":"1","stepSize":"1"},{"filterType":"MARKET_LOT_SIZE","maxQty":"590119","minQty":"1","stepSize":"1"},{"filterType":"MAX_NUM_ORDERS","limit":200},{"filterType":"PERCENT_PRICE","multiplierUp":"1.15","multiplierDown":"0.85","multiplierDecimal":"4"},{"filterType":"MIN_NOTIONAL","notional":"5.0"}],"orderTypes":["LIMIT"],"timeInForce":["GTC"],"liquidationFee":"0.01","marketTakeBound":"0.3"}"#;
const LIMIT: &str = r#"{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":300}"#;
const USED: &str = r#"{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":2400,"count":5}"#;

/// A reply of the WebSocket API.
fn socket(result: &str) -> String {
    format!(r#"{{"id":"605a6d20","status":200,"result":{result},"rateLimits":[{USED}]}}"#)
}

/// Every payload, by its family.
pub(crate) fn all() -> Vec<(&'static str, String)> {
    let rows = |rows: &[&str]| format!("[{}]", rows.join(","));
    let trailing = r#"{"e":"ORDER_TRADE_UPDATE","E":1568879465651,"T":1568879465650,"o":{"s":"币安人生USDT","c":"TEST","S":"SELL","o":"TRAILING_STOP_MARKET","f":"GTC","q":"0.001","p":"0","ap":"0","sp":"7103.04","x":"AMENDMENT","X":"NEW","i":8886774,"l":"0","z":"0","L":"0","T":1568879465650,"t":0,"b":"0","a":"9.91","m":false,"R":false,"wt":"MARK_PRICE","ot":"TRAILING_STOP_MARKET","ps":"LONG","cp":false,"AP":"7476.89","cr":"5.0","pP":true,"si":0,"ss":0,"rp":"0","V":"EXPIRE_TAKER","pm":"OPPONENT","gtd":1790000000000,"er":"0","M":"42"}}"#;
    vec![
        ("order update, fill", order_update("A-1", "TRADE", "PARTIALLY_FILLED", "0.004", "0.004", 1_190_331_610)),
        ("order update, trailing stop", trailing.to_owned()),
        (
            "trade lite",
            r#"{"e":"TRADE_LITE","E":1789837689736,"T":1789837689735,"s":"DOTUSDT","q":"4.9","p":"0.000000","m":false,"c":"6e8f","S":"BUY","L":"1.135900","l":"4.9","t":1190331610,"i":33878894217}"#.to_owned(),
        ),
        ("account update", account_update("FUNDING_FEE")),
        ("algo update before the trigger", algo_update("NEW", r#""ai":"","tt":0,"#)),
        (
            "algo update after the trigger",
            algo_update("FINISHED", r#""ai":"33877541028","ap":"1.1325","aq":"4.9","act":"MARKET","tt":1789826323607,"rm":"","AP":"1.14","cr":"0.5","#),
        ),
        ("leverage update", r#"{"e":"ACCOUNT_CONFIG_UPDATE","E":2,"T":1,"ac":{"s":"BTCUSDT","l":25}}"#.to_owned()),
        ("mode update", r#"{"e":"ACCOUNT_CONFIG_UPDATE","E":2,"T":1,"ai":{"j":true}}"#.to_owned()),
        (
            "margin call",
            r#"{"e":"MARGIN_CALL","E":1587727187525,"cw":"3.16812045","p":[{"s":"ETHUSDT","ps":"LONG","pa":"1.327","mt":"CROSSED","iw":"0","mp":"187.17127","up":"-1.166074","mm":"1.614445"}]}"#.to_owned(),
        ),
        ("key expired", r#"{"e":"listenKeyExpired","E":1736996475556,"listenKey":"WsCMN0a4"}"#.to_owned()),
        (
            "trigger refused",
            r#"{"e":"CONDITIONAL_ORDER_TRIGGER_REJECT","E":1685517224945,"T":1685517224955,"or":{"s":"ETHUSDT","i":155618472834,"r":"The order would immediately match."}}"#.to_owned(),
        ),
        (
            "strategy update",
            r#"{"e":"STRATEGY_UPDATE","T":1669261797627,"E":1669261797628,"su":{"si":176054594,"st":"GRID","ss":"WORKING","s":"BTCUSDT","ut":1669261797627,"c":8007}}"#.to_owned(),
        ),
        (
            "grid update",
            r#"{"e":"GRID_UPDATE","T":1669262908216,"E":1669262908218,"gu":{"si":176057039,"st":"GRID","ss":"WORKING","s":"BTCUSDT","r":"-0.003","up":"16720","uq":"-0.001","uf":"-0.003","mp":"0.0","ut":1669262908197}}"#.to_owned(),
        ),
        ("book ticker", r#"{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":400900217,"E":1568014460893,"T":1568014460891,"s":"BNBUSDT","b":"25.3519","B":"31.21","a":"25.3652","A":"40.66"}}"#.to_owned()),
        ("mark price", r#"{"e":"markPriceUpdate","E":1562305380000,"s":"BTCUSDT","p":"11794.15","ap":"11794.15","i":"11784.62","P":"11784.25","r":"0.00038167","T":1562306400000}"#.to_owned()),
        ("place", reply("POST", "v1/order", PLACED)),
        ("place, tried", reply("POST", "v1/order/test", PLACED)),
        ("modify", reply("PUT", "v1/order", AMENDED)),
        ("cancel", reply("DELETE", "v1/order", OLD_TRAILING)),
        ("query", reply("GET", "v1/order?symbol=DOTUSDT", QUERIED)),
        ("open order", reply("GET", "v1/openOrder", PLACED)),
        ("open orders", reply("GET", "v1/openOrders", &rows(&[PLACED, AMENDED]))),
        ("all orders", reply("GET", "v1/allOrders", &rows(&[QUERIED, OLD_TRAILING]))),
        ("forced orders", reply("GET", "v1/forceOrders", &rows(&[FORCED]))),
        ("batch place", reply("POST", "v1/batchOrders", &rows(&[PLACED, REFUSED]))),
        ("batch modify", reply("PUT", "v1/batchOrders", &rows(&[REFUSED, AMENDED]))),
        ("batch cancel", reply("DELETE", "v1/batchOrders", &rows(&[OLD_TRAILING, r#"{"code":-2011,"msg":"Unknown order sent."}"#]))),
        ("cancel all", reply("DELETE", "v1/allOpenOrders", r#"{"code":200,"msg":"The operation of cancel all open order is done."}"#)),
        ("countdown", reply("POST", "v1/countdownCancelAll", r#"{"symbol":"BTCUSDT","countdownTime":"100000"}"#)),
        (
            "amendments",
            reply("GET", "v1/orderAmendment", r#"[{"amendmentId":5363,"symbol":"BTCUSDT","pair":"BTCUSDT","orderId":20072994037,"clientOrderId":"t-4","time":1629184560899,"amendment":{"price":{"before":"30004","after":"30003.2"},"origQty":{"before":"1","after":"1"},"count":3,"modifyId":123}}]"#),
        ),
        ("algo place", reply("POST", "v1/algoOrder", ALGO_PLACED)),
        ("algo query", reply("GET", "v1/algoOrder", ALGO_FINISHED)),
        ("algo cancel", reply("DELETE", "v1/algoOrder", ALGO_CANCELED)),
        ("algo open", reply("GET", "v1/openAlgoOrders", &rows(&[ALGO_PLACED]))),
        ("algo all", reply("GET", "v1/allAlgoOrders", &rows(&[ALGO_FINISHED, ALGO_PLACED]))),
        ("algo cancel all", reply("DELETE", "v1/algoOpenOrders", r#"{"code":200,"msg":"The operation of cancel all open order is done."}"#)),
        ("trades", reply("GET", "v1/userTrades", &rows(&[TRADE]))),
        ("positions v2", reply("GET", "v2/positionRisk", &rows(&[RISK_V2]))),
        ("positions v3", reply("GET", "v3/positionRisk", &rows(&[RISK_V3]))),
        ("margin moved", reply("POST", "v1/positionMargin", r#"{"amount":100.5,"code":200,"msg":"Successfully modify position margin.","type":1}"#)),
        (
            "margin moved before",
            reply("GET", "v1/positionMargin/history", r#"[{"symbol":"BTCUSDT","type":2,"deltaType":"USER_ADJUST","amount":"23.36","asset":"USDT","time":1578047897183,"positionSide":"LONG"}]"#),
        ),
        ("ranks", reply("GET", "v1/adlQuantile", r#"[{"symbol":"ETHUSDT","adlQuantile":{"LONG":3,"SHORT":3,"HEDGE":0}},{"symbol":"BTCUSDT","adlQuantile":{"BOTH":1}}]"#)),
        ("balances", reply("GET", "v3/balance", &rows(&[BALANCE]))),
        ("account v2", reply("GET", "v2/account", ACCOUNT_V2)),
        ("account v3", reply("GET", "v3/account", ACCOUNT_V3)),
        ("portfolio account", reply("GET", "v1/pmAccountInfo", r#"{"maxWithdrawAmountUSD":"1627523.3","asset":"BTC","maxWithdrawAmount":"27.4"}"#)),
        (
            "account settings",
            reply("GET", "v1/accountConfig", r#"{"feeTier":0,"canTrade":true,"canDeposit":true,"canWithdraw":true,"dualSidePosition":true,"updateTime":0,"multiAssetsMargin":false,"tradeGroupId":-1}"#),
        ),
        (
            "symbol settings",
            reply("GET", "v1/symbolConfig", r#"[{"symbol":"BTCUSDT","marginType":"CROSSED","isAutoAddMargin":false,"leverage":21,"maxNotionalValue":"1000000"}]"#),
        ),
        ("position mode", reply("GET", "v1/positionSide/dual", r#"{"dualSidePosition":true}"#)),
        ("multi-assets mode", reply("GET", "v1/multiAssetsMargin", r#"{"multiAssetsMargin":true}"#)),
        ("leverage", reply("POST", "v1/leverage", r#"{"leverage":21,"maxNotionalValue":"1000000","symbol":"BTCUSDT"}"#)),
        ("margin type", reply("POST", "v1/marginType", r#"{"code":200,"msg":"success"}"#)),
        (
            "brackets",
            reply("GET", "v1/leverageBracket", r#"[{"symbol":"ETHUSDT","notionalCoef":1.5,"brackets":[{"bracket":1,"initialLeverage":75,"notionalCap":10000,"notionalFloor":0,"maintMarginRatio":0.0065,"cum":0.0}]}]"#),
        ),
        ("fee burn", reply("GET", "v1/feeBurn", r#"{"feeBurn":true}"#)),
        ("fee rates", reply("GET", "v1/commissionRate", r#"{"symbol":"BTCUSDT","makerCommissionRate":"0.0002","takerCommissionRate":"0.0004","rpiCommissionRate":"0.00005"}"#)),
        (
            "income",
            reply("GET", "v1/income", r#"[{"symbol":"BTCUSDT","incomeType":"COMMISSION","income":"-0.01","asset":"USDT","info":"COMMISSION","time":1570636800000,"tranId":9689322392,"tradeId":"2059192"}]"#),
        ),
        ("download asked", reply("GET", "v1/income/asyn", r#"{"avgCostTimestampOfLast30d":7241837,"downloadId":"546975389218332672"}"#)),
        (
            "download",
            reply("GET", "v1/order/asyn/id", r#"{"downloadId":"545923594199212032","status":"completed","url":"link.example","notified":true,"expirationTimestamp":1645009771000,"isExpired":null}"#),
        ),
        (
            "rules",
            reply("GET", "v1/apiTradingStatus", r#"{"indicators":{"BTCUSDT":[{"isLocked":true,"plannedRecoverTime":1545741270000,"indicator":"UFR","value":0.05,"triggerValue":0.995}],"ACCOUNT":[{"indicator":"TMV","value":10,"triggerValue":1,"plannedRecoverTime":1644919865000,"isLocked":false}]},"updateTime":1545741270000}"#),
        ),
        ("limits", reply("GET", "v1/rateLimit/order", &rows(&[LIMIT]))),
        ("listen key", reply("POST", "v1/listenKey", r#"{"listenKey":"pqia91"}"#)),
        ("listen key deleted", reply("DELETE", "v1/listenKey", "{}")),
        (
            "exchange info",
            reply("GET", "v1/exchangeInfo", &format!(r#"{{"exchangeFilters":[],"rateLimits":[{LIMIT}],"serverTime":1565613908500,"assets":[],"symbols":[{SYMBOL}],"timezone":"UTC"}}"#)),
        ),
        ("time", reply("GET", "v1/time", r#"{"serverTime":1499827319559}"#)),
        (
            "premium index",
            reply("GET", "v1/premiumIndex", r#"{"symbol":"BTCUSDT","markPrice":"11793.6","indexPrice":"11781.8","estimatedSettlePrice":"11781.1","lastFundingRate":"0.00038","interestRate":"0.0001","nextFundingTime":1597392000000,"time":1597370495002}"#),
        ),
        (
            "public trades",
            reply("GET", "v1/trades", r#"[{"id":28457,"price":"4.00000100","qty":"12.0","quoteQty":"48.00","time":1499865549590,"isBuyerMaker":true,"isRPITrade":true}]"#),
        ),
        ("aggregate trades", reply("GET", "v1/aggTrades", r#"[{"a":26129,"p":"0.01633102","q":"4.70","f":27781,"l":27782,"T":1498793709153,"m":true}]"#)),
        (
            "public liquidation",
            r#"{"e":"forceOrder","E":1568014460893,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"0.014","p":"9910","ap":"9910","X":"FILLED","l":"0.014","z":"0.014","T":1568014460893}}"#.to_owned(),
        ),
        ("deleveraging risk", reply("GET", "v1/symbolAdlRisk", r#"{"symbol":"BTCUSDT","adlRisk":"low","updateTime":1597370495002}"#)),
        (
            "convert pairs",
            reply("GET", "v1/convert/exchangeInfo", r#"[{"fromAsset":"BTC","toAsset":"USDT","fromAssetMinAmount":"0.0004","fromAssetMaxAmount":"50","toAssetMinAmount":"20","toAssetMaxAmount":"2500000"}]"#),
        ),
        (
            "convert quote",
            reply("POST", "v1/convert/getQuote", r#"{"quoteId":"12415572564","ratio":"38163.7","inverseRatio":"0.0000262","validTimestamp":1623319461670,"toAmount":"3816.37","fromAmount":"0.1"}"#),
        ),
        (
            "convert order",
            reply("GET", "v1/convert/orderStatus", r#"{"orderId":933256278426274400,"orderStatus":"SUCCESS","fromAsset":"BTC","fromAmount":"0.0005","toAsset":"USDT","toAmount":"20","ratio":"36755","inverseRatio":"0.00002721","createTime":1623381330472}"#),
        ),
        ("refusal", format!(r#"{{"method":"POST","path":"/fapi/v1/order","status":400,"body":{REFUSED}}}"#)),
        ("socket: place", socket(PLACED)),
        ("socket: algo place", socket(ALGO_PLACED)),
        ("socket: algo cancel", socket(ALGO_CANCELED)),
        ("socket: balances", socket(&rows(&[BALANCE]))),
        ("socket: positions", socket(&rows(&[RISK_V2, RISK_V3]))),
        ("socket: account", socket(ACCOUNT_V3)),
        ("socket: session", socket(r#"{"apiKey":null,"authorizedSince":null,"connectedSince":1649729873021,"returnRateLimits":false,"serverTime":1649730611671}"#)),
        (
            "socket: refusal",
            format!(r#"{{"id":null,"status":429,"error":{{"code":-1003,"msg":"Too many requests.","data":{{"serverTime":1,"retryAfter":1700000000000}}}},"rateLimits":[{USED}]}}"#),
        ),
        (
            "socket: request",
            r#"{"id":"7731","method":"algoOrder.place","params":{"algoType":"CONDITIONAL","apiKey":"K","newOrderRespType":"RESULT","positionSide":"SHORT","price":"160000","quantity":1.5,"recvWindow":"5000","side":"SELL","symbol":"BTCUSDT","timeInForce":"GTC","timestamp":1762506268690,"triggerPrice":120000,"workingType":"MARK_PRICE","selfTradePreventionMode":"EXPIRE_BOTH","clientAlgoId":"c-1","type":"TAKE_PROFIT","signature":"s"}}"#.to_owned(),
        ),
        ("bare rows", rows(&[TRADE])),
        ("bare refusal", REFUSED.to_owned()),
    ]
}
