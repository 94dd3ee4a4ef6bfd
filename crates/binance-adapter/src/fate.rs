//! The one table of what became of a request: (what was asked, HTTP status, body) to a fate. Everything that the table does
//! not name is unknown. It reads refusals only; whether a success reads and echoes our id is checked where it is read.
//!
//! Sources: USDⓈ-M "Error Codes" (page of 2026-05-28 and additions to 2026-09-15), "General Info" on HTTP statuses and on
//! the kinds of 503, read 2026-11-22.

use exec_core::{
    plant::{Plant, planted},
    venue::{RejectClass, Rejection},
};

use crate::wire::{self, ErrorBody, Text};

/// What a request asked for; a code means different things to different questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A new order.
    Place,
    /// A new order in the Algo Service.
    PlaceConditional,
    /// A change of a working order.
    Replace,
    /// A cancel of one order, or of all orders of a symbol.
    Cancel,
    /// A change of an account setting.
    Setup,
    /// A question.
    Query,
}

/// What became of a request that was not answered with success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The venue said no, and nothing executed.
    Refused {
        /// What it means for whoever asked.
        class: RejectClass,
        /// The venue's code.
        code: i64,
        /// The venue's text.
        text: String,
    },
    /// What was asked for is so already.
    AlreadySo,
    /// The code proves that an order of this client id is at the venue.
    Live {
        /// The venue's code.
        code: i64,
    },
    /// To a question: the venue does not have it. Weak: it may be late, hidden or purged.
    NotThere,
    /// It may have taken effect (or, for a question: there is no answer).
    Unknown {
        /// The venue's code, if the body had one.
        code: Option<i64>,
    },
}

/// The three answers with status 503 that document a failure: nothing executed. Any other 503 is unknown.
const FAILED_503: [&str; 3] = [
    "Service Unavailable.",
    "Internal error; unable to process your request. Please try again.",
    "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again.",
];

/// Codes that say "execution status unknown", whatever stands around them.
const UNKNOWN_CODES: [i64; 3] = [-1000, -1006, -1007];

/// Judges a reply that is not a success.
#[must_use]
pub fn judge(act: Act, status: u16, body: &str) -> Fate {
    if status == 500 && planted(Plant::FiveHundred) {
        return Fate::Refused { class: RejectClass::Failed, code: -1001, text: clip(body) };
    }
    // Proxies and the edge answer with HTML or nothing: only a body in the venue's own form can be a verdict.
    let Ok(error) = wire::read::<ErrorBody<'_>>(body) else { return Fate::Unknown { code: None } };
    let text = error.msg.as_ref().map_or("", Text::as_str);
    match verdict(act, status, error.code, text) {
        Verdict::Refused(class) => Fate::Refused { class, code: error.code, text: clip(text) },
        Verdict::AlreadySo => Fate::AlreadySo,
        Verdict::Live => Fate::Live { code: error.code },
        Verdict::NotThere => Fate::NotThere,
        Verdict::Unknown => Fate::Unknown { code: Some(error.code) },
    }
}

/// Judges one refused row of a batch, which comes with status 200.
#[must_use]
pub fn judge_row(act: Act, code: i64, text: &str) -> Fate {
    match verdict(act, 400, code, text) {
        Verdict::Refused(class) => Fate::Refused { class, code, text: clip(text) },
        Verdict::AlreadySo => Fate::AlreadySo,
        Verdict::Live => Fate::Live { code },
        Verdict::NotThere => Fate::NotThere,
        Verdict::Unknown => Fate::Unknown { code: Some(code) },
    }
}

enum Verdict {
    Refused(RejectClass),
    AlreadySo,
    Live,
    NotThere,
    Unknown,
}

fn verdict(act: Act, status: u16, code: i64, text: &str) -> Verdict {
    match status {
        // Without a code of its own it could not be told from a refusal that a report of the order tells.
        503 if code == Rejection::REPORTED => Verdict::Unknown,
        503 if FAILED_503.contains(&text) && !UNKNOWN_CODES.contains(&code) => Verdict::Refused(RejectClass::Failed),
        418 | 429 => match code {
            -1003 | -1015 => Verdict::Refused(RejectClass::Throttled),
            _ => Verdict::Unknown,
        },
        408 => Verdict::Unknown,
        400..=499 => by_code(act, code),
        _ => Verdict::Unknown,
    }
}

fn by_code(act: Act, code: i64) -> Verdict {
    match (act, code) {
        (Act::Place | Act::PlaceConditional, -4116) => Verdict::Live,
        // Another endpoint takes orders of this type, and this one did nothing.
        (Act::Place | Act::PlaceConditional, -4120) | (Act::PlaceConditional, -1116) => Verdict::Refused(RejectClass::Failed),
        // No page says with which code the Algo Service refuses a client id that it holds already; this is one that was seen.
        // And an order that triggers cannot be the new one, unless it was sent before.
        (Act::PlaceConditional, -4015 | -4117) => Verdict::Unknown,
        (Act::Cancel | Act::Replace, -2011 | -2013) => Verdict::Refused(RejectClass::NotOnBook),
        // "Stop order is triggering": it has left the Algo Service, and its child can be cancelled.
        (Act::Cancel, -4117) => Verdict::Refused(RejectClass::NotOnBook),
        (Act::Query, -2013) => Verdict::NotThere,
        // "No need to modify": the order stands as it was asked for, and this request changed nothing.
        (Act::Replace, -5027) => Verdict::Refused(RejectClass::State),
        (Act::Setup, -4046 | -4052 | -4059 | -4171) => Verdict::AlreadySo,
        // Of an order they prove nothing, because the page does not say that nothing was taken; of anything else they are about
        // the key, which is all that whoever asks must know.
        (Act::Cancel | Act::Query | Act::Setup, -1002 | -1004 | -1005 | -1011 | -1099 | -2017 | -4056 | -4057) => {
            Verdict::Refused(RejectClass::Auth)
        }
        _ => class(code).map_or(Verdict::Unknown, Verdict::Refused),
    }
}

/// The codes that prove non-execution when they come with a 4xx status, and what they mean.
///
/// Two codes that the error page lacks are in it, as public issue threads report them: -4130 and -4509.
///
/// Left out on purpose: -1000, -1001, -1006, -1007 (execution unknown), -1010 and -4083 (only the text or a query could
/// tell), -2011 to -2013 (about another order), -4116 (evidence of acceptance), codes for set-up of the exchange itself.
fn class(code: i64) -> Option<RejectClass> {
    Some(match code {
        -1111..=-1108 | -1106..=-1100 | -1013 | -1014 | -1020 | -1023 => RejectClass::Invalid,
        -1121..=-1113 | -1128..=-1126 | -1130 | -1136 => RejectClass::Invalid,
        -2026 | -4007..=-4000 | -4015..=-4013 | -4021..=-4019 | -4023 | -4028 | -4031 | -4032 => RejectClass::Invalid,
        -4061 => RejectClass::PositionMode,
        -4055 | -4062 | -4060 | -4082 | -4084 | -4104 | -4114 | -4135 | -4139..=-4137 => RejectClass::Invalid,
        -4144 | -4164 | -4165 | -4202 | -4203 | -4205 | -4206 | -4208 | -4209 | -4403 => RejectClass::Invalid,
        -5025 | -5029 | -5040..=-5037 | -5047 => RejectClass::Invalid,

        -1112 | -2010 | -2016 | -2020 | -4016 | -4022 | -4024 | -4049..=-4047 | -4053 | -4054 => RejectClass::State,
        -4067 | -4068 | -4109 | -4117 | -4118 | -4161 | -4167 | -4168 | -4170 => RejectClass::State,
        -4183 | -4184 | -4210 | -4211 | -4531 | -5021 | -5024 | -5041 | -5043 | -2027 => RejectClass::State,

        -2018 | -2019 | -2024 | -2028 | -4050 | -4051 | -4169 | -4172 => RejectClass::Funds,
        -5022 => RejectClass::WouldTake,
        // -4509 is not on the page: an order that lives with its position is refused without one.
        -2022 | -4509 => RejectClass::NothingToClose,
        // -4130 is not on the page: an order that closes the whole leg beside another one of its kind.
        -4130 => RejectClass::Overlap,
        -4131 => RejectClass::OutOfBand,
        -2021 | -4142 => RejectClass::WouldTrigger,
        -1122 | -4107..=-4105 | -4140 | -4141 | -4189 | -4402..=-4400 => RejectClass::Restricted,
        // -1016 is what maintenance says.
        -1016 | -4087 | -4088 | -4192 => RejectClass::AccountRestricted,
        -2023 => RejectClass::Liquidating,
        -2025 | -4045 | -5026 => RejectClass::Count,
        -1021 | -5028 => RejectClass::Clock,
        -1022 | -2014 | -2015 => RejectClass::Auth,
        _ => return None,
    })
}

/// The venue's texts are short; a long one is not the venue's.
fn clip(text: &str) -> String {
    text.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error page's codes by what they mean, written down by hand from the page; the table above is checked against it.
    const PAGE: &[(&str, &[i64])] = &[
        ("UNKNOWN", &[-1000, -1006, -1007]),
        ("RETRY", &[-1001]),
        ("AUTH", &[-1002, -1004, -1005, -1011, -1022, -1099, -2014, -2015, -2017, -4056, -4057]),
        ("RATE", &[-1003, -1008, -1015]),
        (
            "STATE",
            &[
                -1010, -1016, -1112, -1122, -2010, -2016, -2020, -2021, -2022, -4016, -4022, -4024, -4047, -4048, -4049, -4053,
                -4054, -4067, -4068, -4083, -4109, -4117, -4118, -4131, -4142, -4161, -4167, -4168, -4170, -4183, -4184, -4210,
                -4211, -4531, -5021, -5022, -5024, -5041, -5043,
            ],
        ),
        (
            "REJECT",
            &[
                -1013, -1014, -1020, -1023, -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1108, -1109, -1110, -1111, -1113,
                -1114, -1115, -1116, -1117, -1118, -1119, -1120, -1121, -1126, -1127, -1128, -1130, -1136, -2026, -4000, -4001,
                -4002, -4003, -4004, -4005, -4006, -4007, -4013, -4014, -4015, -4019, -4020, -4021, -4023, -4028, -4031, -4032,
                -4055, -4060, -4061, -4062, -4082, -4084, -4104, -4114, -4120, -4135, -4137, -4138, -4139, -4144, -4164, -4165,
                -4202, -4203, -4205, -4206, -4208, -4209, -4403, -5025, -5029, -5037, -5038, -5039, -5040, -5047,
            ],
        ),
        ("CLOCK", &[-1021, -5028]),
        ("STREAM", &[-1125]),
        ("GONE", &[-2011, -2012]),
        ("NOORDER", &[-2013]),
        ("FUNDS", &[-2018, -2019, -2024, -2028, -4050, -4051, -4169, -4172]),
        ("RISK", &[-2023, -2027, -4087, -4088, -4105, -4106, -4107, -4140, -4141, -4189, -4192, -4400, -4401, -4402]),
        ("LIMIT", &[-2025, -4045, -5026]),
        (
            "N/A",
            &[
                -4008, -4009, -4010, -4011, -4012, -4017, -4018, -4025, -4026, -4027, -4029, -4030, -4033, -4044, -4058, -4063,
                -4064, -4065, -4066, -4069, -4070, -4071, -4072, -4073, -4074, -4075, -4076, -4077, -4078, -4079, -4080, -4081,
                -4085, -4086,
            ],
        ),
        ("NOOP", &[-4046, -4052, -4059, -4171, -5027]),
        ("DUP", &[-4115, -4116]),
    ];

    fn body(code: i64, text: &str) -> String {
        format!(r#"{{"code":{code},"msg":"{text}"}}"#)
    }

    fn refused(fate: &Fate) -> bool {
        matches!(fate, Fate::Refused { .. })
    }

    #[test]
    fn a_new_order_is_refused_only_by_the_codes_of_the_page_that_prove_it() {
        for (class, codes) in PAGE {
            for &code in *codes {
                let proves = match *class {
                    "REJECT" | "STATE" | "FUNDS" | "RISK" | "LIMIT" => ![-1010, -4083].contains(&code),
                    "CLOCK" => true,
                    "AUTH" => [-1022, -2014, -2015].contains(&code),
                    _ => false,
                };
                let fate = judge(Act::Place, 400, &body(code, "text"));
                assert_eq!(refused(&fate), proves, "{class} {code}: {fate:?}");
                if code == -4116 {
                    assert_eq!(fate, Fate::Live { code });
                } else if !proves {
                    assert_eq!(fate, Fate::Unknown { code: Some(code) });
                }
            }
        }
    }

    #[test]
    fn a_code_that_nobody_documents_is_unknown_at_every_status() {
        for status in [400, 401, 403, 404, 409, 418, 429, 451, 500, 502, 503, 504] {
            for code in [0, 200, -1, -1107, -4040, -4999, -9999, 239_999] {
                assert_eq!(judge(Act::Place, status, &body(code, "?")), Fate::Unknown { code: Some(code) }, "{status} {code}");
            }
        }
    }

    #[test]
    fn classes_tell_what_to_do() {
        let class = |code| match judge(Act::Place, 400, &body(code, "")) {
            Fate::Refused { class, .. } => Some(class),
            _ => None,
        };
        assert_eq!(class(-2019), Some(RejectClass::Funds));
        assert_eq!(class(-5022), Some(RejectClass::WouldTake));
        assert_eq!(class(-2022), Some(RejectClass::NothingToClose));
        assert_eq!(class(-2021), Some(RejectClass::WouldTrigger));
        assert_eq!(class(-4400), Some(RejectClass::Restricted));
        assert_eq!(class(-2025), Some(RejectClass::Count));
        assert_eq!(class(-1021), Some(RejectClass::Clock));
        assert_eq!(class(-5028), Some(RejectClass::Clock));
        assert_eq!(class(-2015), Some(RejectClass::Auth));
        assert_eq!(class(-4164), Some(RejectClass::Invalid));
        assert_eq!(class(-5021), Some(RejectClass::State));
    }

    /// What the refusals of a conditional order mean, row by row, written down by hand from the page.
    const CONDITIONAL: &[(i64, Option<RejectClass>)] = &[
        (-1102, Some(RejectClass::Invalid)),
        (-1106, Some(RejectClass::Invalid)),
        (-1111, Some(RejectClass::Invalid)),
        (-1114, Some(RejectClass::Invalid)),
        (-1116, Some(RejectClass::Failed)),
        (-1121, Some(RejectClass::Invalid)),
        (-1128, Some(RejectClass::Invalid)),
        (-1130, Some(RejectClass::Invalid)),
        (-2018, Some(RejectClass::Funds)),
        (-2019, Some(RejectClass::Funds)),
        (-2021, Some(RejectClass::WouldTrigger)),
        (-2022, Some(RejectClass::NothingToClose)),
        (-2023, Some(RejectClass::Liquidating)),
        (-2025, Some(RejectClass::Count)),
        (-2026, Some(RejectClass::Invalid)),
        (-2027, Some(RejectClass::State)),
        (-4003, Some(RejectClass::Invalid)),
        (-4014, Some(RejectClass::Invalid)),
        (-4045, Some(RejectClass::Count)),
        (-4061, Some(RejectClass::PositionMode)),
        (-4062, Some(RejectClass::Invalid)),
        (-4109, Some(RejectClass::State)),
        (-4118, Some(RejectClass::State)),
        (-4120, Some(RejectClass::Failed)),
        (-4130, Some(RejectClass::Overlap)),
        (-4131, Some(RejectClass::OutOfBand)),
        (-4135, Some(RejectClass::Invalid)),
        (-4137, Some(RejectClass::Invalid)),
        (-4138, Some(RejectClass::Invalid)),
        (-4139, Some(RejectClass::Invalid)),
        (-4140, Some(RejectClass::Restricted)),
        (-4141, Some(RejectClass::Restricted)),
        (-4142, Some(RejectClass::WouldTrigger)),
        (-4164, Some(RejectClass::Invalid)),
        (-4183, Some(RejectClass::State)),
        (-4184, Some(RejectClass::State)),
        (-4192, Some(RejectClass::AccountRestricted)),
        (-4210, Some(RejectClass::State)),
        (-4211, Some(RejectClass::State)),
        (-4400, Some(RejectClass::Restricted)),
        (-4509, Some(RejectClass::NothingToClose)),
        (-5021, Some(RejectClass::State)),
        (-5022, Some(RejectClass::WouldTake)),
        (-5028, Some(RejectClass::Clock)),
        (-5037, Some(RejectClass::Invalid)),
        (-5038, Some(RejectClass::Invalid)),
        (-5039, Some(RejectClass::Invalid)),
        (-5040, Some(RejectClass::Invalid)),
        (-5041, Some(RejectClass::State)),
        (-1021, Some(RejectClass::Clock)),
        (-1022, Some(RejectClass::Auth)),
        // Not certain: nothing says that nothing was taken in.
        (-1000, None),
        (-1006, None),
        (-1007, None),
        (-1010, None),
        (-2011, None),
        (-2013, None),
        (-4015, None),
        (-4083, None),
        (-4117, None),
        (-4136, None),
        (-9999, None),
    ];

    #[test]
    fn a_conditional_order_is_refused_only_by_what_is_certain() {
        for (code, class) in CONDITIONAL {
            let fate = judge(Act::PlaceConditional, 400, &body(*code, "x"));
            match class {
                Some(class) => assert!(matches!(&fate, Fate::Refused { class: c, .. } if c == class), "{code}: {fate:?}"),
                None => assert_eq!(fate, Fate::Unknown { code: Some(*code) }),
            }
        }
        assert_eq!(judge(Act::PlaceConditional, 400, &body(-4116, "x")), Fate::Live { code: -4116 });
        let limit = judge(Act::PlaceConditional, 429, &body(-1015, "Too many new orders."));
        assert!(matches!(limit, Fate::Refused { class: RejectClass::Throttled, .. }), "{limit:?}");
    }

    #[test]
    fn a_type_that_another_endpoint_takes_has_failed_here_and_nothing_more() {
        for (act, code, class) in [
            (Act::Place, -4120, RejectClass::Failed),
            (Act::Place, -1116, RejectClass::Invalid),
            (Act::PlaceConditional, -4120, RejectClass::Failed),
            (Act::PlaceConditional, -1116, RejectClass::Failed),
        ] {
            let fate = judge(act, 400, &body(code, "x"));
            assert!(matches!(&fate, Fate::Refused { class: c, .. } if *c == class), "{act:?} {code}: {fate:?}");
        }
        assert_eq!(judge(Act::Cancel, 400, &body(-4120, "x")), Fate::Unknown { code: Some(-4120) });
    }

    #[test]
    fn an_order_that_triggers_is_cancelled_elsewhere() {
        for code in [-2011, -4117] {
            let fate = judge(Act::Cancel, 400, &body(code, "x"));
            assert!(matches!(fate, Fate::Refused { class: RejectClass::NotOnBook, .. }), "{code}: {fate:?}");
        }
    }

    #[test]
    fn every_5xx_is_unknown_but_three_exact_texts_of_503() {
        let texts = [
            "Unknown error, please check your request or try again later.",
            "Service Unavailable.",
            "Internal error; unable to process your request. Please try again.",
            "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again.",
            "Request occur unknown error.",
            "Service Unavailable",
            "service unavailable.",
        ];
        for status in [500, 502, 503, 504, 520, 530] {
            for (at, text) in texts.iter().enumerate() {
                for code in [-1, -1001, -1008] {
                    let json = body(code, text);
                    let expected = status == 503 && (1..=3).contains(&at);
                    assert_eq!(refused(&judge(Act::Place, status, &json)), expected, "{status} {json}");
                    for cut in 1..json.len() {
                        assert!(!refused(&judge(Act::Place, status, &json[..cut])), "{status} {}", &json[..cut]);
                    }
                }
                for other in
                    [(*text).to_owned(), format!("<html><body>{text}</body></html>"), String::new(), format!("\"{text}\"")]
                {
                    assert_eq!(judge(Act::Place, status, &other), Fate::Unknown { code: None }, "{status} {other}");
                }
            }
        }
    }

    #[test]
    fn the_codes_of_doubt_win_over_a_comforting_text() {
        // And so does no code at all, written as 0: it would read as a refusal that the venue reports of an order it had taken.
        for code in [-1000, -1006, -1007, 0] {
            let fate = judge(Act::Place, 503, &body(code, "Service Unavailable."));
            assert_eq!(fate, Fate::Unknown { code: Some(code) });
        }
    }

    #[test]
    fn limits_are_definitive_only_with_their_codes() {
        for status in [418, 429] {
            for code in [-1003, -1015] {
                let fate = judge(Act::Place, status, &body(code, "x"));
                assert!(matches!(fate, Fate::Refused { class: RejectClass::Throttled, .. }), "{status} {code} {fate:?}");
            }
            assert!(!refused(&judge(Act::Place, status, &body(-2019, "x"))));
            assert_eq!(judge(Act::Place, status, "<html>"), Fate::Unknown { code: None });
        }
        assert!(!refused(&judge(Act::Place, 400, &body(-1003, "x"))));
    }

    #[test]
    fn bodies_that_are_not_the_venues_are_unknown() {
        for status in [200, 301, 400, 403, 404, 408, 451] {
            for text in
                ["", "<html>WAF</html>", "null", "[]", "{}", r#"{"msg":"x"}"#, r#"{"239999":"maintenance"}"#, "\u{feff}{}"]
            {
                assert_eq!(judge(Act::Place, status, text), Fate::Unknown { code: None }, "{status} {text}");
            }
        }
        assert_eq!(judge(Act::Place, 408, &body(-2019, "x")), Fate::Unknown { code: Some(-2019) });
        assert_eq!(judge(Act::Place, 200, &body(-2019, "x")), Fate::Unknown { code: Some(-2019) });
    }

    #[test]
    fn unknown_order_means_something_else_to_each_question() {
        let cancel = judge(Act::Cancel, 400, &body(-2011, "Unknown order sent."));
        assert!(matches!(cancel, Fate::Refused { class: RejectClass::NotOnBook, .. }));
        assert!(matches!(judge(Act::Replace, 400, &body(-2013, "")), Fate::Refused { class: RejectClass::NotOnBook, .. }));
        assert_eq!(judge(Act::Query, 400, &body(-2013, "Order does not exist.")), Fate::NotThere);
        assert_eq!(judge(Act::Place, 400, &body(-2011, "")), Fate::Unknown { code: Some(-2011) });
        assert_eq!(judge(Act::Place, 400, &body(-2013, "")), Fate::Unknown { code: Some(-2013) });
    }

    #[test]
    fn what_is_so_already_is_a_success_of_set_up_only() {
        for code in [-4046, -4059, -4171] {
            assert_eq!(judge(Act::Setup, 400, &body(code, "")), Fate::AlreadySo);
            assert_eq!(judge(Act::Place, 400, &body(code, "")), Fate::Unknown { code: Some(code) });
        }
        assert!(refused(&judge(Act::Replace, 400, &body(-5027, "No need to modify the order."))));
    }

    #[test]
    fn rows_of_a_batch_are_judged_like_single_requests() {
        assert!(matches!(judge_row(Act::Place, -2022, "ReduceOnly Order is rejected."), Fate::Refused { .. }));
        assert_eq!(judge_row(Act::Place, -1007, ""), Fate::Unknown { code: Some(-1007) });
    }
}
