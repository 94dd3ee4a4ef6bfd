//! What must not happen: refusals are definite, typed, and leave nothing behind; what is too late does not happen at all.

use exec_core::{
    ids::InstrumentId,
    report::{ExpiryReason, VenueStatus},
    terms::{OrderKind, Terms, TimeInForce, Trigger, TriggerBy},
    time::VenueTime,
    units::{PositionMode, PositionSide, Qty, Side},
    venue::{CommandError, CommandResult, RejectClass, Rejection},
};
use rust_decimal::Decimal;

use super::{
    Checked, Stop,
    room::{Room, WINDOW_MS, by_number, expect, good},
};

/// A refusal in the venue's own words; its code is never the one that stands for a report of an order.
fn refused(result: &CommandResult, expected: &str, is: impl Fn(RejectClass) -> bool) -> Checked {
    let typed = matches!(result, Err(CommandError::Rejected(r)) if r.code != Rejection::REPORTED && is(r.class));
    expect(typed, expected, result)
}

pub(super) async fn a_refusal_is_typed_and_leaves_nothing(room: &Room) -> Checked {
    let mut attempt = room.attempt(room.resting().await?)?;
    attempt.terms.qty = Qty::new(room.qty().get() + room.instrument.lot.step / Decimal::TEN).ok();
    let result = room.submit(&attempt).await?;
    refused(&result, "a quantity off the grid is refused as `Invalid`", |class| class == RejectClass::Invalid)?;
    room.absent(&attempt).await?;
    room.holds(room.leg(), Decimal::ZERO).await
}

pub(super) async fn a_symbol_that_is_not_there_is_refused(room: &Room) -> Checked {
    let (whole, symbol) = (room.id().as_str(), room.id().symbol());
    let unknown = InstrumentId::new(&format!("NOSUCH{}", &whole[symbol.len()..]));
    let mut attempt = room.attempt(room.market(Side::Buy))?;
    attempt.terms.instrument = good(unknown, "the test can name an instrument that is not there")?;
    let result = room.submit(&attempt).await?;
    let never = matches!(&result, Err(CommandError::Rejected(_) | CommandError::NotSent(_)));
    expect(never, "an order for a symbol that is not there is refused or not sent", &result)?;
    room.holds(room.leg(), Decimal::ZERO).await
}

pub(super) async fn closing_nothing_is_refused(room: &Room) -> Checked {
    let attempt = room.attempt(room.closing(Side::Sell, OrderKind::Market))?;
    match room.submit(&attempt).await? {
        Ok(report) => {
            let ended = report.status == VenueStatus::Expired(ExpiryReason::NothingToClose);
            expect(ended, "a closing order with nothing to close is refused, or ends for that reason", &report)?;
        }
        refusal => refused(&refusal, "a closing order with nothing to close is refused as `NothingToClose`", |class| {
            class == RejectClass::NothingToClose
        })?,
    }
    room.holds(room.leg(), Decimal::ZERO).await
}

pub(super) async fn post_only_never_takes(room: &Room) -> Checked {
    let price = room.priced(102).await?.into();
    let attempt = room.attempt(room.terms(Side::Buy, OrderKind::Limit { price, tif: TimeInForce::Gtx }))?;
    match room.submit(&attempt).await? {
        Ok(report) => {
            let ended = report.status == VenueStatus::Expired(ExpiryReason::WouldTake);
            expect(ended, "a post-only order that would take is refused, or ends for that reason", &report)?;
        }
        refusal => {
            refused(&refusal, "a post-only order that would take is refused as such, or as a type that is not there", |class| {
                matches!(class, RejectClass::WouldTake | RejectClass::Invalid)
            })?
        }
    }
    room.sleep(200).await;
    room.holds(room.leg(), Decimal::ZERO).await
}

pub(super) async fn immediate_never_rests(room: &Room) -> Checked {
    let price = room.priced(92).await?.into();
    for tif in [TimeInForce::Ioc, TimeInForce::Fok] {
        let attempt = room.attempt(room.terms(Side::Buy, OrderKind::Limit { price, tif }))?;
        match room.submit(&attempt).await? {
            // It may be answered as it was taken in.
            Ok(_) => {
                room.eventually(&format!("{tif:?} far from the market has ended"), async || {
                    let found = room.found(&room.named(&attempt)).await?;
                    Ok(if found.status.is_final() { Ok(()) } else { Err(format!("{found:?}")) })
                })
                .await?;
            }
            refusal => refused(&refusal, &format!("{tif:?} far from the market is refused, or has ended"), |_| true)?,
        }
    }
    let open = room.mass_status().await?.open_orders;
    expect(open.is_empty(), "nothing is open", &open)?;
    room.holds(room.leg(), Decimal::ZERO).await
}

pub(super) async fn what_the_profile_denies_is_refused(room: &Room) -> Checked {
    let profile = room.profile();
    let mut denied: Vec<(&str, Terms)> = Vec::new();
    if !profile.conditional {
        let trigger = Trigger { price: room.priced(80).await?, by: TriggerBy::Last, price_protect: false };
        denied.push(("conditional orders", room.terms(Side::Sell, OrderKind::StopMarket { trigger })));
    }
    let foreign = match room.mode() {
        PositionMode::Netting => PositionSide::Long,
        PositionMode::Hedging => PositionSide::Net,
    };
    denied.push(("a leg of the other position mode", Terms { leg: foreign, ..room.market(Side::Buy) }));
    for (what, terms) in denied {
        let attempt = room.attempt(terms)?;
        let result = room.submit(&attempt).await?;
        let never = matches!(&result, Err(CommandError::Rejected(_) | CommandError::NotSent(_)));
        expect(never, &format!("{what}: refused or not sent"), &result)?;
        room.absent(&attempt).await?;
    }
    if !profile.replace {
        let (attempt, _) = room.place(room.resting().await?).await?;
        let (_, result) = room.replace(room.named(&attempt), room.qty().plus(room.qty()), room.priced(91).await?).await?;
        let never = matches!(&result, Err(CommandError::Rejected(_) | CommandError::NotSent(_)));
        expect(never, "changes: refused or not sent", &result)?;
        let found = room.found(&room.named(&attempt)).await?;
        let as_it_was = found.qty == attempt.terms.qty && found.kind == Some(attempt.terms.kind);
        expect(as_it_was && found.status == VenueStatus::New, "the order rests as it was", &found)?;
    }
    for leg in [PositionSide::Net, PositionSide::Long, PositionSide::Short] {
        room.holds(leg, Decimal::ZERO).await?;
    }
    Ok(())
}

pub(super) async fn the_same_id_is_no_second_order(room: &Room) -> Checked {
    let (attempt, report) = room.place(room.resting().await?).await?;
    let again = room.submit(&attempt).await?;
    let evidence = matches!(&again, Err(CommandError::Unknown { live: true, .. }));
    expect(evidence, "the id of an open order sent again is evidence of that order: `Unknown { live: true }`", &again)?;
    let open = room.mass_status().await?.open_orders;
    expect(open.len() == 1 && open[0].order_id == report.order_id, "the first order stands alone", &open)?;
    let found = room.found(&by_number(&report, &room.named(&attempt))).await?;
    expect(found.status == VenueStatus::New, "and is still open", &found)
}

pub(super) async fn an_order_too_old_is_not_sent(room: &Room) -> Checked {
    let mut attempt = room.attempt(room.market(Side::Buy))?;
    room.sleep(50).await;
    // The clock of the test may be off by a little; this is past in any case, and still inside of the window.
    attempt.begin_by = VenueTime(attempt.timestamp.0 - 500);
    let result = room.submit(&attempt).await?;
    expect(matches!(result, Err(CommandError::NotSent(_))), "what may not begin any more is not sent", &result)?;
    room.absent(&attempt).await?;
    room.holds(room.leg(), Decimal::ZERO).await
}

pub(super) async fn an_order_past_its_window_never_executes(room: &Room) -> Checked {
    let Some(fence) = room.profile().fence else {
        return Err(Stop::Skipped("the profile has no fence".into()));
    };
    let attempt = room.attempt(room.market(Side::Buy))?;
    room.sleep(WINDOW_MS + 500).await;
    let result = room.submit(&attempt).await?;
    let never = match &result {
        Err(CommandError::NotSent(_)) => true,
        Err(CommandError::Rejected(rejection)) => rejection.class == RejectClass::Clock,
        Ok(_) | Err(CommandError::Unknown { .. }) => false,
    };
    expect(never, "an attempt whose window is over is not sent, or refused as `Clock`", &result)?;
    room.sleep(fence.engine_margin_ms + fence.visibility_ms).await;
    room.absent(&attempt).await?;
    room.holds(room.leg(), Decimal::ZERO).await
}
