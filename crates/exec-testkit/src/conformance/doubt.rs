//! What is not known: an outcome that is lost is unknown, a question that failed says nothing, and a venue that is gone answers so.

use exec_core::{
    report::VenueStatus,
    units::Side,
    venue::{CancelAll, CommandError, CommandResult, TradesFrom},
};
use rust_decimal::Decimal;

use super::{
    Checked, Errand, Hand,
    room::{Room, expect},
    stream,
};

fn unknown(result: &CommandResult, expected: &str) -> Checked {
    expect(matches!(result, Err(CommandError::Unknown { .. })), expected, result)
}

pub(super) async fn a_lost_request_is_unknown_and_absent(room: &Room) -> Checked {
    room.hand(Hand::LoseRequest(Errand::Submit)).await?;
    let attempt = room.attempt(room.market(Side::Buy))?;
    unknown(&room.submit(&attempt).await?, "an order that was sent and not answered is `Unknown`")?;
    room.absent(&attempt).await?;
    room.holds(room.leg(), Decimal::ZERO).await
}

pub(super) async fn a_lost_answer_is_unknown_and_found(room: &Room) -> Checked {
    room.hand(Hand::LoseAnswer(Errand::Submit)).await?;
    let attempt = room.attempt(room.market(Side::Buy))?;
    unknown(&room.submit(&attempt).await?, "an order whose answer is lost is `Unknown`, and not sent again")?;
    let found = room.found(&room.named(&attempt)).await?;
    expect(found.status == VenueStatus::Filled, "it is found filled", &found)?;
    // Twice would be a second order.
    room.holds(room.leg(), room.qty().get()).await
}

pub(super) async fn a_lost_answer_to_a_cancel_is_unknown(room: &Room) -> Checked {
    let (attempt, _) = room.place(room.resting().await?).await?;
    room.hand(Hand::LoseAnswer(Errand::Cancel)).await?;
    let result = room.cancel(room.named(&attempt)).await?;
    unknown(&result, "a cancel whose answer is lost is `Unknown`")?;
    let found = room.found(&room.named(&attempt)).await?;
    expect(found.status == VenueStatus::Canceled, "the order is found cancelled", &found)
}

pub(super) async fn a_failed_query_is_never_flat(room: &Room) -> Checked {
    let began = room.before();
    let (attempt, _) = room.place(room.market(Side::Buy)).await?;
    room.holds(room.leg(), room.qty().get()).await?;
    room.hand(Hand::FailQueries).await?;
    no_answers(room, began, &attempt).await
}

async fn no_answers(room: &Room, began: exec_core::time::VenueTime, attempt: &exec_core::venue::Attempt) -> Checked {
    let (venue, asked) = (room.venue(), [room.id().clone()]);
    let looked = room.look(&room.named(attempt)).await?;
    expect(looked.is_err(), "an order that could not be asked for is not absent but an error", &looked)?;
    let held = room.within("positions", venue.positions(&asked)).await?;
    expect(held.is_err(), "positions that could not be read are not flat but an error", &held)?;
    let status = room.within("mass_status", venue.mass_status(&asked)).await?;
    expect(status.is_err(), "a mass status that could not be read is an error", &status)?;
    let trades = room.within("trades_since", venue.trades_since(room.id(), TradesFrom::Time(began))).await?;
    expect(trades.is_err(), "trades that could not be read are not none but an error", &trades)
}

pub(super) async fn nothing_panics_or_hangs_after_the_end(room: &Room) -> Checked {
    let began = room.before();
    let mut feed = room.feed().await?;
    let (resting, _) = room.place(room.resting().await?).await?;
    room.hand(Hand::Close).await?;
    stream::end(room, &mut feed, "the session of a venue that is gone ends in an error").await?;
    let again = room.within("next after the end", feed.next()).await?;
    expect(again.is_err(), "and stays ended", &again)?;
    let attempt = room.attempt(room.market(Side::Buy))?;
    for answer in [room.submit(&attempt).await?, room.cancel(room.named(&resting)).await?] {
        let honest = matches!(answer, Err(CommandError::NotSent(_) | CommandError::Unknown { .. }));
        expect(honest, "a command to a venue that is gone is `NotSent` or `Unknown`", &answer)?;
    }
    let scope = CancelAll { request: room.request(), instrument: room.id().clone() };
    let all = room.within("cancel_all", room.venue().cancel_all(scope)).await?;
    expect(all.is_err(), "a cancel of everything is an error", &all)?;
    let opened = room.within("open_feed", room.venue().open_feed()).await?.map(|_| "a session");
    expect(opened.is_err(), "no session opens", &opened)?;
    let listed = room.within("instruments", room.venue().instruments()).await?;
    expect(listed.is_err(), "the instruments cannot be read", &listed)?;
    no_answers(room, began, &attempt).await
}
