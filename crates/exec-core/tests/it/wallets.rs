//! Wallets: what the stream tells and what the venue answers, about the same millisecond and out of order.

use exec_core::{
    command::OperatorCommand,
    conversation::Input,
    ids::Asset,
    report::{AccountReport, BalanceReport, MassStatus, Report, ReportBody},
    time::VenueTime,
    units::PositionMode,
};
use exec_testkit::{fixtures::config, rig::Rig};

fn usdt() -> Asset {
    Asset::new("USDT").unwrap()
}

fn wallet(amount: &str) -> Vec<BalanceReport> {
    vec![BalanceReport { asset: usdt(), wallet: amount.parse().unwrap(), available: None }]
}

fn told(rig: &mut Rig, amount: &str, at: VenueTime) {
    let account = AccountReport { reason: "FUNDING_FEE".into(), at, balances: wallet(amount), positions: Vec::new() };
    let (session, report) = (rig.session(), Report { sent: None, body: ReportBody::Account(account) });
    rig.give(Input::Report { session, report });
}

fn compared(rig: &mut Rig, amount: &str, asked: VenueTime) {
    rig.give(Input::Operator { who: "test".into(), command: OperatorCommand::Reconcile });
    let status = MassStatus { asked, balances: wallet(amount), ..rig.flat() };
    rig.answer_recovery(status);
}

fn held(rig: &Rig) -> String {
    rig.engine.books().wallets().get(&usdt()).map_or_else(String::new, |w| w.amount.to_string())
}

#[test]
fn an_answer_does_not_take_back_what_was_told_of_the_millisecond_it_was_asked_in() {
    let mut rig = Rig::live(config(PositionMode::Netting, &["BTCUSDT"]));
    let at = rig.venue_time();
    told(&mut rig, "990", at);
    // Read at the venue before the payment, which came within the same millisecond.
    compared(&mut rig, "1000", at);
    assert_eq!(held(&rig), "990");
    compared(&mut rig, "980", at.plus_ms(1));
    assert_eq!(held(&rig), "980", "a later answer is believed");
    told(&mut rig, "970", at.plus_ms(1));
    assert_eq!(held(&rig), "970", "and so is what is told of that moment");
}
