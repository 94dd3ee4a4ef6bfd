//! The HTTP side of a connection: reads a request, lets the faults at it, asks the state, writes the answer.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Duration, sleep};

use super::faults::{Answer, RequestFault};
use super::params::Params;
use super::refusal::Refusal;
use super::requests::RequestRow;
use super::routes;
use super::server::Face;
use super::ws;

const BODY_MAX: usize = 1 << 20;
const USED_WEIGHT: HeaderName = HeaderName::from_static("x-mbx-used-weight-1m");
const ORDER_COUNT_10S: HeaderName = HeaderName::from_static("x-mbx-order-count-10s");
const ORDER_COUNT_1M: HeaderName = HeaderName::from_static("x-mbx-order-count-1m");

/// The connection is dropped without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped")]
pub(super) struct Lost;

type Answered = Result<Response<Full<Bytes>>, Lost>;

/// Serves one connection to its end.
pub(super) async fn serve<I>(face: Face, io: I)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let face = face.clone();
        async move {
            // Its own task: what has arrived takes effect although the client hangs up.
            tokio::spawn(answer(face, request)).await.unwrap_or(Err(Lost))
        }
    });
    let served = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(io), service).with_upgrades().await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended");
    }
}

async fn answer(face: Face, mut request: Request<Incoming>) -> Answered {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    if ws::is_upgrade(request.headers()) {
        return Ok(ws::upgrade(&face, &mut request, &path, &query));
    }
    let method = request.method().clone();
    let headers = request.headers().clone();
    let body = match Limited::new(request.into_body(), BODY_MAX).collect().await {
        Ok(body) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        Err(_) => return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE, "Payload Too Large")),
    };
    if let Some(door) = path.strip_prefix("/sim/") {
        let (status, body) = face.lock().door(method.as_str(), door, &query, &body);
        return Ok(json(status, body, |_| ()));
    }
    trade(&face, &method, &path, &headers, &query, &body).await
}

/// What the faults of one request come to.
#[derive(Debug, Default)]
pub(super) struct Hits {
    pub(super) lost_before: bool,
    pub(super) lost_after: bool,
    pub(super) before: Option<Answer>,
    pub(super) after: Option<Answer>,
    pub(super) request_ms: u64,
    pub(super) engine_ms: u64,
    pub(super) response_ms: u64,
}

impl Hits {
    pub(super) fn of(faults: Vec<RequestFault>) -> Self {
        let mut hits = Self::default();
        for fault in faults {
            match fault {
                RequestFault::DropRequest => hits.lost_before = true,
                RequestFault::DropResponse => hits.lost_after = true,
                RequestFault::ErrorBefore(answer) => hits.before = Some(answer),
                RequestFault::ErrorAfter(answer) => hits.after = Some(answer),
                RequestFault::DelayRequest(ms) => hits.request_ms += ms,
                RequestFault::DelayEngine(ms) => hits.engine_ms += ms,
                RequestFault::DelayResponse(ms) => hits.response_ms += ms,
            }
        }
        hits
    }
}

pub(super) async fn pause(ms: u64) {
    if ms > 0 {
        sleep(Duration::from_millis(ms)).await;
    }
}

async fn trade(face: &Face, method: &Method, path: &str, headers: &HeaderMap, query: &str, body: &str) -> Answered {
    let key = headers.get("X-MBX-APIKEY").and_then(|value| value.to_str().ok());
    let hits = Hits::of(face.lock().faults.on_request(method.as_str(), path, key));
    if hits.lost_before {
        return Err(Lost);
    }
    pause(hits.request_ms).await;
    if let Some(answer) = hits.before {
        return Ok(put(face, answer));
    }
    let Some(route) = routes::route(method.as_str(), path) else {
        return Ok(if routes::known_path(path) {
            plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        } else {
            plain(StatusCode::NOT_FOUND, "Not Found")
        });
    };
    let params = Params::parse(query, body);
    let row = |arrived, done, code| RequestRow {
        key: key.unwrap_or_default().to_owned(),
        method: method.to_string(),
        path: path.to_owned(),
        arrived,
        done,
        code,
    };
    let (admitted, arrived) = {
        let mut state = face.lock();
        let arrived = state.clock.now();
        (state.admit(route, params, key), arrived)
    };
    let outcome = match admitted {
        Err(refusal) => {
            face.lock().requests.keep(|| row(arrived, None, refusal.code));
            Err(refusal)
        }
        Ok(admitted) => {
            pause(hits.engine_ms).await;
            let mut state = face.lock();
            let outcome = state.execute(&admitted);
            let done = Some(state.clock.now());
            state.requests.keep(|| row(arrived, done, outcome.as_ref().err().map_or(0, |refusal| refusal.code)));
            outcome
        }
    };
    pause(hits.response_ms).await;
    if hits.lost_after {
        return Err(Lost);
    }
    if let Some(answer) = hits.after {
        return Ok(put(face, answer));
    }
    let weight = face.lock().weight_used();
    Ok(match outcome {
        Ok(reply) => json(200, reply.body, |headers| {
            headers.insert(USED_WEIGHT, weight.into());
            if let Some((ten, minute)) = reply.order_counts {
                headers.insert(ORDER_COUNT_10S, ten.into());
                headers.insert(ORDER_COUNT_1M, minute.into());
            }
        }),
        Err(refusal) => refused(&refusal, weight),
    })
}

pub(super) fn refused(refusal: &Refusal, weight: u32) -> Response<Full<Bytes>> {
    json(refusal.status, refusal.body(), |headers| {
        headers.insert(USED_WEIGHT, weight.into());
    })
}

/// Gives the answer of a fault, as it is.
fn put(face: &Face, answer: Answer) -> Response<Full<Bytes>> {
    let weight = face.lock().weight_used();
    json(answer.status, answer.body, |headers| {
        headers.insert(USED_WEIGHT, weight.into());
    })
}

fn json(status: u16, body: String, add: impl FnOnce(&mut HeaderMap)) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    add(headers);
    response
}

pub(super) fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}
