//! One request: on to the server, and its answer back.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version};
use hyper_util::client::legacy::connect::HttpInfo;
use hyper_util::rt::TokioIo;
use tokio::sync::{Semaphore, watch};

use super::authority::Authority;
use super::exchange::{Change, End, Exchange, RequestHead, Side};
use super::lead;
use super::listen::{self, Busy, Peer, Role};
use super::names::Names;
use super::recorder::{Recorder, lock};
use super::settings::{Mode, Settings};
use super::tap::{Broken, Tap, describe};
use super::tunnel;
use super::upstream::Upstream;

/// What all connections share.
pub(super) struct Shared {
    /// Where exchanges go.
    pub(super) recorder: Arc<Recorder>,
    /// The places for connections.
    pub(super) connections: Arc<Semaphore>,
    /// Changes once the proxy is to stop.
    pub(super) stopped: watch::Receiver<bool>,
    /// Signs for hosts that are opened; `None` without a forward mode.
    pub(super) authority: Option<Arc<Authority>>,
    allow: Vec<String>,
    upstream: Upstream,
    /// The listeners in order; the server's origin, or `None` for the forward mode.
    listeners: Vec<(SocketAddr, Option<String>)>,
    /// The listeners that stand for a server.
    routes: Vec<(SocketAddr, String)>,
    any_host: bool,
    /// Paths of metadata that challenges named.
    announced: Mutex<VecDeque<String>>,
}

/// Paths that are remembered.
const ANNOUNCED: usize = 64;

/// Octets of a message in which names are changed; larger ones pass as they are.
const LED_ROOM: usize = 256 << 10;

impl Shared {
    /// What the settings say.
    pub(super) fn new(
        settings: &Settings,
        addresses: &[SocketAddr],
        upstream: Upstream,
        recorder: Arc<Recorder>,
        stopped: watch::Receiver<bool>,
    ) -> Shared {
        let mut shared = Shared {
            recorder,
            connections: Arc::new(Semaphore::new(listen::places(&settings.bounds))),
            stopped,
            authority: None,
            allow: Vec::new(),
            upstream,
            listeners: Vec::new(),
            routes: Vec::new(),
            any_host: settings.allow_remote,
            announced: Mutex::default(),
        };
        for (listen, address) in settings.listen.iter().zip(addresses) {
            let there = match &listen.mode {
                Mode::Reverse(target) => Some(target.origin().ascii_serialization()),
                Mode::Forward { authority, allow } => {
                    shared.authority = Some(Arc::clone(authority));
                    shared.allow.extend(allow.iter().map(|host| host.to_ascii_lowercase()));
                    None
                }
            };
            shared.routes.extend(there.clone().map(|there| (*address, there)));
            shared.listeners.push((*address, there));
        }
        shared
    }

    /// Whether what goes to this host (lower case) is to be read.
    pub(super) fn opens(&self, host: &str) -> bool {
        let fits = |allowed: &String| match allowed.strip_prefix("*.") {
            Some(domain) => host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')),
            None => host == allowed,
        };
        self.allow.is_empty() || self.allow.iter().any(fits)
    }

    fn announce(&self, paths: Vec<String>) {
        let mut announced = lock(&self.announced);
        for path in paths {
            if !announced.contains(&path) {
                announced.push_back(path);
            }
        }
        while announced.len() > ANNOUNCED {
            announced.pop_front();
        }
    }

    /// Whether this is where metadata is, so that names in it have to be changed.
    fn is_metadata(&self, path: &str) -> bool {
        path.contains("/.well-known/") || lock(&self.announced).iter().any(|known| known == path)
    }
}

/// Where a request goes.
struct Way {
    /// The origin in the client's names.
    here: String,
    /// The origin itself.
    there: String,
    /// What has to be renamed on the way; `None` where the names are the same.
    names: Option<Names>,
}

/// The way of a request, or the answer that there is none.
fn way(shared: &Shared, peer: &Peer, request: &Request<Incoming>) -> Result<Way, Box<Response<Tap>>> {
    let same = |origin: String| Ok(Way { here: origin.clone(), there: origin, names: None });
    let number = match &peer.role {
        Role::Opened(origin) => return same(origin.to_string()),
        Role::Listener(number) => *number,
    };
    let uri = request.uri();
    match shared.listeners.get(number) {
        Some((address, Some(there))) => {
            let host = uri.authority().map(|authority| authority.to_string());
            let host = host.or_else(|| Some(request.headers().get(header::HOST)?.to_str().ok()?.to_owned()));
            let host = host.unwrap_or_else(|| address.to_string());
            // A page of a stranger whose name resolves to this machine shall not talk to the server through here.
            if !shared.any_host && !is_this_machine(&host) {
                return Err(Box::new(own(
                    StatusCode::MISDIRECTED_REQUEST,
                    "this proxy is asked for by its address or as localhost",
                )));
            }
            let names = Names::new(&host, *address, &shared.routes);
            Ok(Way { here: format!("http://{host}"), there: there.clone(), names: Some(names) })
        }
        Some((_, None)) => match (uri.scheme_str(), uri.authority()) {
            (Some(scheme @ ("http" | "https")), Some(authority)) => same(format!("{scheme}://{authority}")),
            _ => Err(Box::new(own(StatusCode::BAD_REQUEST, "this is a proxy: set it as HTTP_PROXY and HTTPS_PROXY"))),
        },
        None => Err(Box::new(own(StatusCode::NOT_FOUND, "no such listener"))),
    }
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(host, |(bare, _)| bare);
    let address = bare.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    bare.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
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

/// The answer to a request.
pub(super) type Answer = Pin<Box<dyn Future<Output = Result<Response<Tap>, Broken>> + Send>>;

/// Answers a request of a client. Where the answer could not be recorded, the connection is broken off instead.
pub(super) fn answer(shared: Arc<Shared>, peer: Peer, request: Request<Incoming>) -> Answer {
    Box::pin(async move {
        let busy = peer.busy();
        if !shared.recorder.is_writable() {
            shared.recorder.refuse();
            return Ok(own(StatusCode::SERVICE_UNAVAILABLE, "the recording cannot be written; nothing is passed on"));
        }
        let is_proxy = match &peer.role {
            Role::Listener(number) => shared.listeners.get(*number).is_some_and(|(_, there)| there.is_none()),
            Role::Opened(_) => false,
        };
        if is_proxy && request.method() == Method::CONNECT {
            return tunnel::connect(shared, peer, request).await;
        }
        let way = match way(&shared, &peer, &request) {
            Ok(way) => way,
            Err(answer) => return Ok(*answer),
        };
        if is_proxy && !request.uri().host().is_some_and(|host| shared.opens(&host.to_ascii_lowercase())) {
            return pass_unread(&shared, request).await;
        }
        exchange(&shared, &peer, way, request, busy).await
    })
}

/// Passes on what is not to be read.
async fn pass_unread(shared: &Shared, request: Request<Incoming>) -> Result<Response<Tap>, Broken> {
    shared.recorder.miss("requests to other hosts passed unread");
    shared.recorder.notice(format!("{}: passed on unread", request.uri().host().unwrap_or_default()));
    let (mut parts, body) = request.into_parts();
    remove_hop_by_hop(&mut parts.headers, None);
    parts.version = Version::HTTP_11;
    match shared.upstream.send(Request::from_parts(parts, Tap::unread(body)), false).await {
        Ok(response) => {
            let (mut parts, body) = response.into_parts();
            remove_hop_by_hop(&mut parts.headers, None);
            parts.version = Version::HTTP_11;
            Ok(Response::from_parts(parts, Tap::unread(body)))
        }
        Err(error) => Ok(own(StatusCode::BAD_GATEWAY, &format!("no answer from the server: {}", describe(&error)))),
    }
}

async fn exchange(
    shared: &Arc<Shared>,
    peer: &Peer,
    way: Way,
    mut request: Request<Incoming>,
    busy: Busy,
) -> Result<Response<Tap>, Broken> {
    let client = hyper::upgrade::on(&mut request);
    let (mut parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let head = RequestHead {
        method: parts.method.clone(),
        url: format!("{}{target}", way.here),
        version: parts.version,
        headers: parts.headers.clone(),
    };
    let url = Change { place: "request.url".into(), here: way.here.clone(), there: way.there.clone() };
    let changes = way.names.as_ref().map(|_| url).into_iter().collect();
    let begun = Exchange::begin(&shared.recorder, peer.connection, peer.client, head, changes);
    let Some(exchange) = begun else { return Ok(no_room(shared)) };
    let pending = Pending(Some(Arc::clone(&exchange)));
    let upgrades = wanted_protocol(parts.version, &parts.headers);
    remove_hop_by_hop(&mut parts.headers, upgrades.clone());
    parts.headers.remove(header::HOST);
    parts.headers.remove(header::EXPECT);
    // Which version goes upstream is the matter of that connection.
    parts.version = Version::HTTP_11;
    let body = Tap::new(body, Arc::clone(&exchange), Side::Request, length(&parts.headers));
    let led = match &way.names {
        Some(names) => lead_request(shared, names, &mut parts, &target, body, &exchange).await?,
        None => Led { target, body, refused: None },
    };
    let uri = format!("{}{}", way.there, led.target).parse::<Uri>();
    let uri = uri.map_err(|_| "the request target is no URL".to_owned());
    let uri = match led.refused.map_or(uri, Err) {
        Ok(uri) => uri,
        Err(why) => {
            let _ = pending.over();
            shared.recorder.refuse();
            let answer = own(StatusCode::BAD_GATEWAY, &why);
            written(exchange.end(End::Refused(why))).await?;
            return Ok(answer);
        }
    };
    let path = std::mem::replace(&mut parts.uri, uri).path().to_owned();
    let sent = shared.upstream.send(Request::from_parts(parts, led.body), upgrades.is_some()).await;
    let Some(exchange) = pending.over() else { return Err(Broken("the exchange is over".to_owned())) };
    match sent {
        Ok(mut response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
            let server = hyper::upgrade::on(&mut response);
            let passed = pass(shared, &way, &path, response, exchange, busy, upgrades).await?;
            let peer = peer.clone();
            tokio::spawn(async move {
                if let (Ok(client), Ok(server)) = (client.await, server.await) {
                    tunnel::copy(TokioIo::new(client), TokioIo::new(server)).await;
                }
                drop(peer);
            });
            Ok(passed)
        }
        Ok(response) => pass(shared, &way, &path, response, exchange, busy, None).await,
        Err(error) => {
            let why = describe(&error);
            written(exchange.end(End::Broken(why.clone()))).await?;
            Ok(own(StatusCode::BAD_GATEWAY, &format!("no answer from the server: {why}")))
        }
    }
}

/// A request with the server's own names.
struct Led {
    target: String,
    body: Tap,
    /// Why it cannot be passed on; `None` where it can.
    refused: Option<String>,
}

/// Changes the names in a request of the reverse mode, and writes down what was changed.
async fn lead_request(
    shared: &Shared,
    names: &Names,
    parts: &mut hyper::http::request::Parts,
    target: &str,
    body: Tap,
    exchange: &Arc<Exchange>,
) -> Result<Led, Broken> {
    exchange.changes(lead::request_fields(&mut parts.headers, names));
    let query = target.find('?').map_or(target.len(), |at| at + 1);
    let renamed = lead::request_parameters(target, query, names, "request.url");
    let (target, changes) = renamed.unwrap_or_else(|| (target.to_owned(), Vec::new()));
    exchange.changes(changes);
    if shared.is_metadata(parts.uri.path()) && parts.headers.remove(header::ACCEPT_ENCODING).is_some() {
        exchange.kept_back("accept-encoding");
    }
    let (body, form) = lead_form(&mut parts.headers, body, exchange, names).await?;
    let refused = lead::signed_name(&parts.headers, form.as_deref(), names).map(|what| {
        format!("{what} is signed for the address of the proxy, which the server cannot accept; use the forward mode")
    });
    if let Some(why) = &refused {
        shared.recorder.notice(why.clone());
    }
    Ok(Led { target, body, refused })
}

/// A form of the client, its names changed for the server; with the form as the client sent it. Other bodies as they are.
async fn lead_form(
    headers: &mut HeaderMap,
    body: Tap,
    exchange: &Arc<Exchange>,
    names: &Names,
) -> Result<(Tap, Option<String>), Broken> {
    let kind = headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes().to_ascii_lowercase());
    if !kind.is_some_and(|kind| kind.starts_with(b"application/x-www-form-urlencoded")) {
        return Ok((body, None));
    }
    let (octets, rest) = collect(body).await?;
    let form = match (rest, String::from_utf8(octets.to_vec())) {
        (None, Ok(form)) => form,
        (None, Err(_)) => return Ok((Tap::of(octets), None)),
        (Some(rest), _) => return Ok((rest.after([octets]), None)),
    };
    let sent = match lead::request_parameters(&form, 0, names, "request.body") {
        Some((renamed, changes)) => {
            exchange.changes(changes);
            renamed
        }
        None => form.clone(),
    };
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(sent.len()));
    Ok((Tap::of(Bytes::from(sent)), Some(form)))
}

/// The octets of a body and `None`; where they are too many, those that came and the rest.
async fn collect<B>(mut body: B) -> Result<(Bytes, Option<B>), Broken>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::error::Error + 'static,
{
    let mut octets = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Broken(describe(&error)))?;
        if let Some(data) = frame.data_ref() {
            octets.extend_from_slice(data);
        }
        if octets.len() > LED_ROOM {
            return Ok((octets.freeze(), Some(body)));
        }
    }
    Ok((octets.freeze(), None))
}

/// Passes an answer on.
async fn pass(
    shared: &Shared,
    way: &Way,
    path: &str,
    response: Response<Incoming>,
    exchange: Arc<Exchange>,
    busy: Busy,
    protocol: Option<HeaderValue>,
) -> Result<Response<Tap>, Broken> {
    let server = response.extensions().get::<HttpInfo>().map(HttpInfo::remote_addr);
    let version = response.version();
    let (mut parts, body) = response.into_parts();
    let mut changes = Vec::new();
    let mut document = None;
    let mut taken = (Bytes::new(), Some(body));
    if let Some(names) = &way.names {
        let mut announced = Vec::new();
        changes = lead::answer_fields(&mut parts.headers, names, &mut announced);
        shared.announce(announced);
        let is_plain = !parts.headers.contains_key(header::CONTENT_ENCODING);
        if is_plain
            && parts.status.is_success()
            && shared.is_metadata(path)
            && let Some(body) = taken.1.take()
        {
            taken = match collect(body).await {
                Ok(taken) => taken,
                Err(Broken(why)) => return broken(&exchange, why).await,
            };
            let mut left = Vec::new();
            let text = std::str::from_utf8(&taken.0).ok().filter(|_| taken.1.is_none());
            document = text.and_then(|text| lead::metadata(text, names, &mut left));
            tell_of_others(shared, left);
        }
    }
    if let Some((text, more)) = document {
        changes.extend(more);
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(text.len()));
        taken = (Bytes::from(text), None);
    }
    exchange.answered(parts.status, version, parts.headers.clone(), server, changes);
    remove_hop_by_hop(&mut parts.headers, protocol);
    parts.version = Version::HTTP_11;
    let body = match taken {
        (octets, Some(body)) if octets.is_empty() && body.is_end_stream() => None,
        (octets, None) if octets.is_empty() => None,
        (octets, Some(body)) => {
            let length = length(&parts.headers);
            let tap = Tap::new(body, Arc::clone(&exchange), Side::Response, length);
            Some(tap.after((!octets.is_empty()).then_some(octets)))
        }
        (octets, None) => Some(Tap::whole(octets, Arc::clone(&exchange), Side::Response)),
    };
    let Some(mut body) = body else {
        exchange.body_ended(Side::Response);
        written(exchange.end(End::Whole)).await?;
        return Ok(Response::from_parts(parts, Tap::none()));
    };
    body.lead_first(way.names.as_ref().filter(|_| is_event_stream(&parts.headers)));
    Ok(Response::from_parts(parts, body.keep(busy)))
}

/// An answer that broke off before anything of it was passed on.
async fn broken(exchange: &Exchange, why: String) -> Result<Response<Tap>, Broken> {
    written(exchange.end(End::Broken(why.clone()))).await?;
    Ok(own(StatusCode::BAD_GATEWAY, &format!("the answer of the server broke off: {why}")))
}

/// Servers that the client is sent to, and that are not led through.
fn tell_of_others(shared: &Shared, others: Vec<String>) {
    for other in others {
        shared.recorder.miss("the client was sent to servers that are not led through");
        shared.recorder.notice(format!(
            "the client is sent to {other}, which does not go through here; add a --target for it, or use the forward mode"
        ));
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes().to_ascii_lowercase());
    kind.is_some_and(|kind| kind.starts_with(b"text/event-stream")) && !headers.contains_key(header::CONTENT_ENCODING)
}

/// Waits until the entry is in the file.
async fn written(written: Option<tokio::sync::oneshot::Receiver<bool>>) -> Result<(), Broken> {
    let Some(written) = written else { return Ok(()) };
    if written.await.unwrap_or(false) { Ok(()) } else { Err(Broken("the exchange could not be recorded".to_owned())) }
}

/// The answer to what cannot be recorded since there is no memory, or no place for its connection.
pub(super) fn no_room(shared: &Shared) -> Response<Tap> {
    shared.recorder.refuse();
    own(StatusCode::SERVICE_UNAVAILABLE, "too much is going on to record this as well; nothing is passed on")
}

/// An answer of the proxy itself, which is no part of the recording.
pub(super) fn own(status: StatusCode, words: &str) -> Response<Tap> {
    let mut response = Response::new(Tap::of(format!("authtrail: {words}\n")));
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
