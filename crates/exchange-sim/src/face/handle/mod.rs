//! One function per endpoint: from an admitted request through the core to a body. Checks at receipt are done before.

mod account;
mod algo;
mod market;
mod trade;
mod wallet;

use std::collections::BTreeMap;

use super::json::Obj;
use super::refusal::Refusal;
use super::render::Grid;
use super::routes::Endpoint as E;
use super::state::{Admitted, State};
use crate::error::ApiError;
use crate::types::{AccountId, Ms};

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        let status = match error.code {
            -1008 => 503,
            -1015 | -1003 => 429,
            _ => 400,
        };
        Self::new(status, error.code, error.msg)
    }
}

/// A request on its way through: the state, the request, the time and whose it is.
struct Call<'a> {
    state: &'a mut State,
    ask: &'a Admitted,
    now: Ms,
}

impl Call<'_> {
    /// Whose request it is.
    fn account(&self) -> Result<AccountId, Refusal> {
        self.ask.account.ok_or_else(Refusal::key_format)
    }

    fn symbol(&self) -> Result<&str, Refusal> {
        let symbol = super::ask::text(&self.ask.params, "symbol")?;
        self.state.exchange.symbol(symbol)?;
        Ok(symbol)
    }

    fn opt_symbol(&self) -> Result<Option<&str>, Refusal> {
        self.ask.params.get("symbol").map(|_| self.symbol()).transpose()
    }

    fn grid(&self, symbol: &str) -> Result<Grid, Refusal> {
        Ok(Grid::of(self.state.exchange.symbol(symbol)?))
    }
}

type Body = Result<String, Refusal>;

fn success() -> String {
    Obj::new().num("code", 200).text("msg", "success").end()
}

/// Does what was asked at the venue's time `now`.
pub(super) fn execute(state: &mut State, ask: &Admitted, now: Ms) -> Body {
    let mut call = Call { state, ask, now };
    let call = &mut call;
    match ask.route.endpoint {
        E::Ping => Ok("{}".to_owned()),
        E::Time => Ok(Obj::new().num("serverTime", now).end()),
        E::ExchangeInfo => market::exchange_info(call),
        E::Depth => market::depth(call),
        E::Trades => market::trades(call),
        E::AggTrades => market::agg_trades(call),
        E::Klines => market::klines(call),
        E::Ticker24h => market::ticker_24h(call),
        E::TickerPrice => market::ticker_price(call),
        E::TickerBook => market::ticker_book(call),
        E::PremiumIndex => market::premium_index(call),
        E::FundingRate => market::funding_rate(call),
        // Only symbols with adjusted funding are listed, and there are none here.
        E::FundingInfo => Ok("[]".to_owned()),
        E::OpenInterest => market::open_interest(call),
        E::PlaceOrder => trade::place(call),
        E::TestOrder => trade::test(call),
        E::ModifyOrder => trade::modify(call),
        E::CancelOrder => trade::cancel(call),
        E::QueryOrder => trade::query(call),
        E::OpenOrder => trade::open_order(call),
        E::PlaceBatch => trade::place_batch(call),
        E::ModifyBatch => trade::modify_batch(call),
        E::CancelBatch => trade::cancel_batch(call),
        E::CancelAll => trade::cancel_all(call),
        E::CountdownCancelAll => trade::countdown(call),
        E::OpenOrders => trade::open_orders(call),
        E::AllOrders => trade::all_orders(call),
        E::UserTrades => trade::user_trades(call),
        E::OrderAmendment => trade::amendments(call),
        E::ForceOrders => trade::force_orders(call),
        E::Income => account::income(call),
        E::AccountV2 => account::v2(call),
        E::AccountV3 => account::v3(call),
        E::Balance => account::balance(call),
        E::AccountConfig => account::config(call),
        E::SymbolConfig => account::symbol_config(call),
        E::PositionRiskV2 => account::position_risk_v2(call),
        E::PositionRiskV3 => account::position_risk_v3(call),
        E::PositionMode => account::position_mode(call),
        E::SetPositionMode => account::set_position_mode(call),
        E::MultiAssets => account::multi_assets(call),
        E::SetMultiAssets => account::set_multi_assets(call),
        E::SetLeverage => account::set_leverage(call),
        E::SetMarginType => account::set_margin_type(call),
        E::PositionMargin => account::position_margin(call),
        E::PositionMarginHistory => account::position_margin_history(call),
        E::LeverageBracket => account::leverage_bracket(call),
        E::CommissionRate => account::commission_rate(call),
        E::OrderRateLimit => Ok(account::order_rate_limit(call)),
        E::TradingStatus => account::trading_status(call),
        E::AdlQuantile => account::adl_quantile(call),
        E::FeeBurn => account::fee_burn(call),
        E::SetFeeBurn => account::set_fee_burn(call),
        E::StartStream => account::start_stream(call),
        E::KeepStream => account::keep_stream(call),
        E::CloseStream => account::close_stream(call),
        E::AlgoPlace => algo::place(call),
        E::AlgoCancel => algo::cancel(call),
        E::AlgoCancelAll => algo::cancel_all(call),
        E::AlgoQuery => algo::query(call),
        E::AlgoOpen => algo::open(call),
        E::AlgoAll => algo::all(call),
        E::SapiCoins => Ok(wallet::coins()),
        E::SapiMarginPairs => Ok("[]".to_owned()),
        E::SapiRestrictions => {
            let account = call.account()?;
            Ok(wallet::restrictions(call.state.rights.get(&account).unwrap_or(&BTreeMap::new())))
        }
    }
}
