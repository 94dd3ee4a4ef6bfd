//! The account as REST reports it: positions, balances, settings. Not the stream's account update.
//!
//! Source: USDⓈ-M account endpoints, read 2026-11-22.

use super::{Dec, Keyed, Lenient, MarginType, PositionSide, Text, shape::wire};

wire! {
    /// A row of `GET /fapi/v3/positionRisk`: only symbols with a position or an open order.
    pub struct PositionRow<'a> {
        must {
            /// Symbol.
            "symbol" symbol: Text<'a>,
            /// Which position.
            "positionSide" position_side: PositionSide<'a>,
            /// Signed amount.
            "positionAmt" amount: Dec,
            /// Entry price.
            "entryPrice" entry_price: Dec,
            /// When it last changed.
            "updateTime" update_time: i64,
        }
        may {
            /// Mark price.
            "markPrice" mark_price: Dec,
            /// Liquidation price, zero when there is none.
            "liquidationPrice" liquidation_price: Dec,
            /// Unrealised profit.
            "unRealizedProfit" unrealized_pnl: Dec,
            /// Notional of resting buys.
            "bidNotional" bid_notional: Dec,
            /// Notional of resting sells.
            "askNotional" ask_notional: Dec,
            /// Leverage; only in v2.
            "leverage" leverage: Lenient<'a>,
            /// Margin type; only in v2.
            "marginType" margin_type: MarginType<'a>,
            /// Rank in the queue for deleveraging.
            "adl" adl_rank: u32,
            /// Margin below which it is liquidated.
            "maintMargin" maint_margin: Dec,
        }
        skip {
            "breakEvenPrice", "isolatedMargin", "notional", "marginAsset", "isolatedWallet", "initialMargin",
            "positionInitialMargin", "openOrderInitialMargin", "maxNotionalValue", "isAutoAddMargin", "maxNotional", "isolated", "unrealizedProfit",
        }
    }

    /// A position of `GET /fapi/v3/account` (or v2): as much as it shares with the position list.
    pub struct PositionV2<'a> {
        must {
            /// Symbol.
            "symbol" symbol: Text<'a>,
            /// Which position.
            "positionSide" position_side: PositionSide<'a>,
            /// Signed amount.
            "positionAmt" amount: Dec,
        }
        may {
            /// Entry price; only in v2.
            "entryPrice" entry_price: Dec,
            /// Unrealised profit.
            "unrealizedProfit" unrealized_pnl: Dec,
            /// When it last changed.
            "updateTime" update_time: i64,
            /// Leverage; only in v2.
            "leverage" leverage: Lenient<'a>,
            /// Whether its margin is its own; only in v2.
            "isolated" isolated: bool,
        }
        skip {
            "isolatedMargin", "notional", "isolatedWallet", "initialMargin", "maintMargin", "positionInitialMargin",
            "openOrderInitialMargin", "maxNotional", "bidNotional", "askNotional", "breakEvenPrice",
        }
    }

    /// A row of `GET /fapi/v3/balance`.
    pub struct BalanceRow<'a> {
        must {
            /// Asset.
            "asset" asset: Text<'a>,
            /// Wallet balance.
            "balance" balance: Dec,
        }
        may {
            /// Balance that can be used for new orders.
            "availableBalance" available: Dec,
            /// Wallet balance outside isolated positions.
            "crossWalletBalance" cross_wallet: Dec,
            /// When it last changed.
            "updateTime" update_time: i64,
        }
        skip { "accountAlias", "crossUnPnl", "maxWithdrawAmount", "marginAvailable" }
    }

    /// An asset of `GET /fapi/v3/account` (or v2).
    pub struct AssetRow<'a> {
        must {
            /// Asset.
            "asset" asset: Text<'a>,
            /// Wallet balance.
            "walletBalance" wallet: Dec,
        }
        may {
            /// Balance that can be used for new orders.
            "availableBalance" available: Dec,
            /// Wallet balance outside isolated positions.
            "crossWalletBalance" cross_wallet: Dec,
            /// When it last changed.
            "updateTime" update_time: i64,
        }
        skip {
            "unrealizedProfit", "marginBalance", "maintMargin", "initialMargin", "positionInitialMargin",
            "openOrderInitialMargin", "crossUnPnl", "maxWithdrawAmount", "marginAvailable",
        }
    }

    /// `GET /fapi/v3/account` (or v2).
    pub struct AccountV3<'a> {
        must {
            /// Assets.
            "assets" assets: Vec<AssetRow<'a>>,
            /// Positions.
            "positions" positions: Vec<PositionV2<'a>>,
        }
        may {
            /// Sum of margin balances.
            "totalMarginBalance" margin_balance: Dec,
            /// Sum of maintenance margins.
            "totalMaintMargin" maint_margin: Dec,
            /// Sum of wallet balances.
            "totalWalletBalance" wallet_balance: Dec,
            /// Sum of unrealised profits.
            "totalUnrealizedProfit" unrealized_pnl: Dec,
            /// What can be used for new orders.
            "availableBalance" available_balance: Dec,
            /// Whether the key and the account may trade; only in v2.
            "canTrade" can_trade: bool,
            /// Whether margin is shared over assets; only in v2.
            "multiAssetsMargin" multi_assets: bool,
        }
        skip {
            "totalInitialMargin", "totalPositionInitialMargin", "totalOpenOrderInitialMargin", "totalCrossWalletBalance",
            "totalCrossUnPnl", "maxWithdrawAmount", "feeTier", "feeBurn", "canDeposit", "canWithdraw", "updateTime",
            "tradeGroupId",
        }
    }

    /// `GET /fapi/v1/accountConfig`.
    pub struct AccountConfig<'a> {
        must {
            /// Whether the account keeps two legs per symbol.
            "dualSidePosition" dual_side: bool,
            /// Whether the key and the account may trade.
            "canTrade" can_trade: bool,
        }
        may {
            /// Whether margin is shared over assets.
            "multiAssetsMargin" multi_assets: bool,
            /// Fee tier.
            "feeTier" fee_tier: u32,
            /// Whether the account may withdraw.
            "canWithdraw" can_withdraw: bool,
            /// Whether the account may deposit.
            "canDeposit" can_deposit: bool,
        }
        skip { "updateTime", "tradeGroupId" }
    }

    /// A row of `GET /fapi/v1/symbolConfig`.
    pub struct SymbolConfig<'a> {
        must {
            /// Symbol.
            "symbol" symbol: Text<'a>,
            /// Margin type.
            "marginType" margin_type: MarginType<'a>,
            /// Leverage.
            "leverage" leverage: u32,
        }
        may {
            /// Largest notional at this leverage; a text, sometimes `INF`.
            "maxNotionalValue" max_notional: Lenient<'a>,
        }
        skip { "isAutoAddMargin" }
    }

    /// `GET /fapi/v1/positionSide/dual`.
    pub struct PositionMode<'a> {
        must {
            /// Whether the account keeps two legs per symbol.
            "dualSidePosition" dual_side: bool,
        }
    }

    /// `GET /fapi/v1/multiAssetsMargin`.
    pub struct MultiAssetsMode<'a> {
        must {
            /// Whether margin is shared over assets.
            "multiAssetsMargin" on: bool,
        }
    }

    /// The reply to `POST /fapi/v1/leverage`.
    pub struct LeverageReply<'a> {
        must {
            /// Leverage now.
            "leverage" leverage: u32,
            /// Symbol.
            "symbol" symbol: Text<'a>,
        }
        may {
            /// Largest notional at this leverage.
            "maxNotionalValue" max_notional: Lenient<'a>,
        }
    }

    /// `GET /fapi/v1/feeBurn`.
    pub struct FeeBurn<'a> {
        must {
            /// Whether fees are paid in BNB.
            "feeBurn" on: bool,
        }
    }

    /// `GET /fapi/v1/commissionRate`.
    pub struct CommissionRate<'a> {
        must {
            /// Symbol.
            "symbol" symbol: Text<'a>,
            /// The maker's share.
            "makerCommissionRate" maker: Dec,
            /// The taker's share.
            "takerCommissionRate" taker: Dec,
        }
        may {
            /// The share of an RPI order.
            "rpiCommissionRate" rpi: Dec,
        }
    }

    /// `GET /fapi/v1/apiTradingStatus`: which rules of conduct the account comes near to.
    pub struct TradingRules<'a> {
        must {
            /// Indicators by symbol, or `ACCOUNT` for all.
            "indicators" indicators: Keyed<'a, Vec<TradingRule<'a>>>,
        }
        may {
            /// When they were counted.
            "updateTime" update_time: i64,
        }
    }

    /// One indicator.
    pub struct TradingRule<'a> {
        must {
            /// Its name: UFR, IFER, GCR, DR, TMV …
            "indicator" indicator: Text<'a>,
            /// Whether trading is locked because of it.
            "isLocked" locked: bool,
        }
        may {
            /// How much.
            "value" value: Lenient<'a>,
            /// How much locks.
            "triggerValue" trigger: Lenient<'a>,
            /// When the lock ends.
            "plannedRecoverTime" recovers: i64,
        }
    }

    /// `GET /fapi/v1/pmAccountInfo`: a portfolio-margin account, as far as this product tells.
    pub struct PortfolioAccount<'a> {
        must {
            /// Asset.
            "asset" asset: Text<'a>,
            /// What may be withdrawn of it.
            "maxWithdrawAmount" withdrawable: Dec,
        }
        may {
            /// What may be withdrawn in all, in dollars.
            "maxWithdrawAmountUSD" withdrawable_usd: Dec,
        }
    }
}
