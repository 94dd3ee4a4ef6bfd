//! Small replies: errors, acknowledgements without content, listen keys, server time, the dead-man's switch.

use super::{Lenient, Text, shape::wire};

wire! {
    /// `{"code":…,"msg":…}`: a refusal, or with code 200 an acknowledgement.
    pub struct ErrorBody<'a> {
        must {
            /// The code.
            "code" code: i64,
        }
        may {
            /// The text.
            "msg" msg: Text<'a>,
        }
    }

    /// The reply of the listen-key endpoints.
    pub struct ListenKey<'a> {
        may {
            /// The key.
            "listenKey" key: Text<'a>,
        }
    }

    /// `GET /fapi/v1/time`.
    pub struct ServerTime<'a> {
        must {
            /// Milliseconds since the Unix epoch.
            "serverTime" server_time: i64,
        }
    }

    /// The reply to `POST /fapi/v1/countdownCancelAll`.
    pub struct Countdown<'a> {
        must {
            /// Symbol.
            "symbol" symbol: Text<'a>,
            /// Milliseconds until the orders of the symbol are cancelled, zero for never; a text here.
            "countdownTime" countdown: Lenient<'a>,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read() {
        let body: ErrorBody<'_> = crate::wire::read(r#"{"code":-2011,"msg":"Unknown order sent."}"#).unwrap();
        assert_eq!((body.code, body.msg.unwrap().as_str()), (-2011, "Unknown order sent."));
    }

    #[test]
    fn maintenance_without_a_code_is_no_refusal() {
        assert!(crate::wire::read::<ErrorBody<'_>>(r#"{"239999":"The system is under maintenance."}"#).is_err());
    }
}
