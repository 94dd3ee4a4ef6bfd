//! Settings of the account: position mode, leverage, margin type. Read and set; when it may be set is the engine's decision.

use async_trait::async_trait;
use exec_core::{
    ids::InstrumentId,
    units::PositionMode,
    venue::{AccountSetup, CommandError, InstrumentSetting, KeyRights, MarginType, QueryError},
};

use crate::{endpoint, query::Query, rights, transport::Reply, venue::BinanceUsdm, wire};

#[async_trait]
impl AccountSetup for BinanceUsdm {
    async fn key_rights(&self) -> Result<Option<KeyRights>, QueryError> {
        if self.environment.wallet.is_none() {
            return Ok(None);
        }
        let reply = self.rest.ask_wallet(&endpoint::KEY_RIGHTS).await?;
        rights::read(reply.text()).map(Some)
    }

    async fn position_mode(&self) -> Result<PositionMode, QueryError> {
        self.read_position_mode().await
    }

    async fn multi_assets(&self) -> Result<Option<bool>, QueryError> {
        self.read_multi_assets().await
    }

    async fn set_position_mode(&self, mode: PositionMode) -> Result<(), CommandError> {
        let mut query = Query::default();
        query.word(
            "dualSidePosition",
            match mode {
                PositionMode::Netting => "false",
                PositionMode::Hedging => "true",
            },
        );
        acknowledged(self.rest.set(&endpoint::SET_POSITION_MODE, query).await?)
    }

    async fn instrument_settings(&self, instruments: &[InstrumentId]) -> Result<Vec<InstrumentSetting>, QueryError> {
        let reply = self.rest.ask_list(&endpoint::SYMBOL_CONFIG, Query::default(), self.asks).await?;
        let rows: Vec<wire::SymbolConfig<'_>> = self.told(&endpoint::SYMBOL_CONFIG, &reply)?;
        instruments
            .iter()
            .map(|instrument| {
                let row = rows
                    .iter()
                    .find(|row| row.symbol.as_str() == instrument.symbol())
                    .ok_or_else(|| QueryError::Malformed(format!("no settings of {instrument}")))?;
                Ok(InstrumentSetting {
                    instrument: instrument.clone(),
                    leverage: Some(row.leverage),
                    margin_type: match row.margin_type {
                        wire::MarginType::Crossed => Some(MarginType::Cross),
                        wire::MarginType::Isolated => Some(MarginType::Isolated),
                        wire::MarginType::Other(_) => None,
                    },
                    // `INF` stands where there is no bound.
                    notional_max: row.max_notional.as_ref().and_then(wire::Lenient::decimal).filter(|max| !max.is_zero()),
                })
            })
            .collect()
    }

    async fn set_leverage(&self, instrument: &InstrumentId, leverage: u32) -> Result<(), CommandError> {
        let mut query = Query::default();
        query.text("symbol", instrument.symbol()).number("leverage", u64::from(leverage));
        let Some(reply) = self.rest.set(&endpoint::SET_LEVERAGE, query).await? else { return Ok(()) };
        match wire::read::<wire::LeverageReply<'_>>(reply.text()) {
            Ok(told) if told.symbol.as_str() == instrument.symbol() && told.leverage == leverage => Ok(()),
            Ok(_) => Err(unknown("the reply is about another leverage or symbol")),
            Err(error) => Err(unknown(&error.to_string())),
        }
    }

    async fn set_margin_type(&self, instrument: &InstrumentId, margin_type: MarginType) -> Result<(), CommandError> {
        let mut query = Query::default();
        query.text("symbol", instrument.symbol()).word(
            "marginType",
            match margin_type {
                MarginType::Cross => "CROSSED",
                MarginType::Isolated => "ISOLATED",
            },
        );
        acknowledged(self.rest.set(&endpoint::SET_MARGIN_TYPE, query).await?)
    }
}

/// A setting is acknowledged with code 200, or was so already and has no reply.
fn acknowledged(reply: Option<Reply>) -> Result<(), CommandError> {
    let Some(reply) = reply else { return Ok(()) };
    match wire::read::<wire::ErrorBody<'_>>(reply.text()) {
        Ok(body) if body.code == 200 => Ok(()),
        Ok(body) => Err(unknown(&format!("status {}, code {}", reply.status, body.code))),
        Err(error) => Err(unknown(&error.to_string())),
    }
}

fn unknown(why: &str) -> CommandError {
    CommandError::Unknown { why: why.to_owned(), live: false }
}
