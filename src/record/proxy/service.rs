//! One request: on to the server, and its answer back.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{HeaderMap, Request, Response, StatusCode, Uri, Version};
use hyper_util::client::legacy::connect::HttpInfo;
use tokio::sync::Semaphore;

use super::exchange::{Change, End, Exchange, RequestHead, Side};
use super::listen::{Busy, Peer};
use super::recorder::Recorder;
use super::settings::{Mode, Settings};
use super::tap::{BoxError, Tap, describe};
use super::upstream::Upstream;

/// What all connections share.
pub(super) struct Shared {
    /// Where exchanges go.
    pub(super) recorder: Arc<Recorder>,
    /// The places for connections.
    pub(super) connections: Arc<Semaphore>,
    upstream: Upstream,
    routes: Vec<Route>,
}

/// What a listener stands for.
struct Route {
    /// Its own origin.
    here: String,
    /// The server's.
    there: String,
}

impl Shared {
    /// What the settings say.
    pub(super) fn new(
        settings: &Settings,
        addresses: &[SocketAddr],
        upstream: Upstream,
        recorder: Arc<Recorder>,
    ) -> Shared {
        let routes = settings.listen.iter().zip(addresses).map(|(listen, address)| match &listen.mode {
            Mode::Reverse(target) => {
                Route { here: format!("http://{address}"), there: target.origin().ascii_serialization() }
            }
        });
        Shared {
            routes: routes.collect(),
            connections: Arc::new(Semaphore::new(settings.bounds.connections)),
            upstream,
            recorder,
        }
    }
}

/// An exchange whose answer has not come: where this is dropped, the client has gone.
struct Pending(Option<Arc<Exchange>>);

impl Pending {
    /// The answer came.
    fn over(mut self) -> Option<Arc<Exchange>> {
        self.0.take()
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(exchange) = self.0.take() {
            let _ = exchange.end(End::ClientGone);
        }
    }
}

/// Answers a request of a client.
///
/// # Errors
///
/// The answer could not be recorded: the connection is broken off instead.
pub(super) async fn answer(
    shared: Arc<Shared>,
    peer: Peer,
    request: Request<Incoming>,
) -> Result<Response<Tap>, BoxError> {
    let busy = peer.busy();
    if !shared.recorder.is_writable() {
        shared.recorder.refuse();
        return Ok(own(StatusCode::SERVICE_UNAVAILABLE, "the recording cannot be written; nothing is passed on"));
    }
    let Some(route) = shared.routes.get(peer.listener) else {
        return Ok(own(StatusCode::NOT_FOUND, "no such listener"));
    };
    let (mut parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let Ok(uri) = format!("{}{target}", route.there).parse::<Uri>() else {
        return Ok(own(StatusCode::BAD_REQUEST, "the request target is no URL"));
    };
    let head = RequestHead {
        method: parts.method.clone(),
        url: format!("{}{target}", route.here),
        version: parts.version,
        headers: parts.headers.clone(),
    };
    let url = Change { place: "request.url".to_owned(), here: route.here.clone(), there: route.there.clone() };
    let exchange = Exchange::begin(&shared.recorder, peer.connection, peer.client, head, vec![url]);
    let pending = Pending(Some(Arc::clone(&exchange)));
    let upgrades = wanted_protocol(parts.version, &parts.headers);
    remove_hop_by_hop(&mut parts.headers, upgrades.clone());
    parts.headers.remove(header::HOST);
    parts.headers.remove(header::EXPECT);
    parts.uri = uri;
    // Which version goes upstream is the matter of that connection.
    parts.version = Version::HTTP_11;
    let length = length(&parts.headers);
    let tap = Tap::new(body, Arc::clone(&exchange), Side::Request, length);
    let sent = shared.upstream.send(Request::from_parts(parts, tap), upgrades.is_some()).await;
    let Some(exchange) = pending.over() else { return Err("the exchange is over".into()) };
    match sent {
        Ok(response) => pass(response, exchange, busy).await,
        Err(error) => {
            let why = describe(&error);
            written(exchange.end(End::Broken(why.clone()))).await?;
            Ok(own(StatusCode::BAD_GATEWAY, &format!("no answer from the server: {why}")))
        }
    }
}

/// Passes an answer on.
async fn pass(response: Response<Incoming>, exchange: Arc<Exchange>, busy: Busy) -> Result<Response<Tap>, BoxError> {
    let server = response.extensions().get::<HttpInfo>().map(HttpInfo::remote_addr);
    let (mut parts, body) = response.into_parts();
    exchange.answered(parts.status, parts.version, parts.headers.clone(), server, Vec::new());
    remove_hop_by_hop(&mut parts.headers, None);
    parts.version = Version::HTTP_11;
    let length = length(&parts.headers);
    if body.is_end_stream() {
        exchange.body_ended(Side::Response);
        written(exchange.end(End::Whole)).await?;
        return Ok(Response::from_parts(parts, Tap::none()));
    }
    let tap = Tap::new(body, exchange, Side::Response, length).keep(busy);
    Ok(Response::from_parts(parts, tap))
}

/// Waits until the entry is in the file.
async fn written(written: Option<tokio::sync::oneshot::Receiver<bool>>) -> Result<(), BoxError> {
    let Some(written) = written else { return Ok(()) };
    if written.await.unwrap_or(false) { Ok(()) } else { Err("the exchange could not be recorded".into()) }
}

/// An answer of the proxy itself, which is no part of the recording.
fn own(status: StatusCode, words: &str) -> Response<Tap> {
    let mut response = Response::new(Tap::own(format!("authtrail: {words}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// The protocol that the client wants to change to (RFC 9110, 7.8), on HTTP/1.1 alone.
fn wanted_protocol(version: Version, headers: &HeaderMap) -> Option<HeaderValue> {
    let named = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let wants = named.flat_map(|value| value.split(',')).any(|name| name.trim().eq_ignore_ascii_case("upgrade"));
    headers.get(header::UPGRADE).filter(|_| wants && version == Version::HTTP_11).cloned()
}

/// Fields that are meant for the next hop only (RFC 9110, 7.6.1).
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

fn remove_hop_by_hop(headers: &mut HeaderMap, upgrade: Option<HeaderValue>) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    headers.remove("proxy-connection");
    if let Some(protocol) = upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol);
    }
}
