//! CONNECT (RFC 9110, 9.3.6) and other connections that become something else.
//!
//! A tunnel to a host that may be opened is opened where TLS or HTTP begins in it. Everything else passes untouched and
//! unread, and is listed by its host and its octets.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderMap;
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;

use super::exchange::{End, Exchange, RequestHead, Side};
use super::listen::{self, Peer, Role};
use super::service::{Shared, no_room, own};
use super::tap::{Broken, Tap};

/// How long a client may be silent in a tunnel before it counts as a protocol in which the server speaks first.
const SILENCE: Duration = Duration::from_secs(5);

/// How long a connection or a handshake may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Answers CONNECT.
pub(super) async fn connect<B>(
    shared: Arc<Shared>,
    mut peer: Peer,
    mut request: Request<B>,
) -> Result<Response<Tap>, Broken> {
    let Some(authority) = request.uri().authority().map(|authority| authority.to_string()) else {
        return Ok(own(StatusCode::BAD_REQUEST, "CONNECT names no host"));
    };
    let port = request.uri().port_u16().unwrap_or(443);
    let host = request.uri().host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
    // Over HTTP/2 one connection holds many tunnels, each as large as a connection.
    if request.version() == Version::HTTP_2 && !peer.take_place(&shared) {
        return Ok(no_room(&shared));
    }
    let upgraded = hyper::upgrade::on(&mut request);
    if shared.opens(&host) {
        tokio::spawn(open(shared, peer, Target { host, port }, upgraded));
        return Ok(Response::new(Tap::none()));
    }
    shared.recorder.miss("tunnels to other hosts passed unread");
    let head = RequestHead {
        method: request.method().clone(),
        url: format!("https://{authority}"),
        version: request.version(),
        headers: request.headers().clone(),
    };
    let begun = Exchange::begin(&shared.recorder, peer.connection, peer.client, head, Vec::new());
    let Some(exchange) = begun else { return Ok(no_room(&shared)) };
    exchange.body_ended(Side::Request);
    let server = match tokio::time::timeout(PATIENCE, TcpStream::connect((&*host, port))).await {
        Ok(Ok(server)) => server,
        failed => {
            let why = failed.map_or_else(
                |_| "timed out".to_owned(),
                |failed| failed.err().map(|e| e.to_string()).unwrap_or_default(),
            );
            let _ = exchange.end(End::Broken(why.clone()));
            return Ok(own(StatusCode::BAD_GATEWAY, &format!("{authority}: {why}")));
        }
    };
    exchange.answered(StatusCode::OK, Version::HTTP_11, HeaderMap::new(), server.peer_addr().ok(), Vec::new());
    exchange.body_ended(Side::Response);
    tokio::spawn(async move {
        if let Ok(client) = upgraded.await {
            let (from_client, from_server) = copy(TokioIo::new(client), server).await;
            exchange.tunnelled(from_client, from_server);
        }
        let _ = exchange.end(End::Whole);
        // Until here the connection had its place, and the end of the proxy waited for it.
        drop((peer, shared));
    });
    Ok(Response::new(Tap::none()))
}

/// Where a tunnel leads.
struct Target {
    /// Lower case, without brackets.
    host: String,
    port: u16,
}

impl Target {
    /// The origin for this scheme, its default port left out.
    fn origin(&self, scheme: &str) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (scheme, self.port) {
            ("https", 443) | ("http", 80) => format!("{scheme}://{host}"),
            _ => format!("{scheme}://{host}:{}", self.port),
        }
    }
}

/// Looks at how a tunnel begins, and opens it where that can be done.
async fn open(shared: Arc<Shared>, mut peer: Peer, target: Target, upgraded: OnUpgrade) {
    let Ok(client) = upgraded.await else { return };
    let (mut reader, writer) = tokio::io::split(TokioIo::new(client));
    let mut first = vec![0; 1024];
    let length = match tokio::time::timeout(SILENCE, reader.read(&mut first)).await {
        Ok(Ok(length @ 1..)) => length,
        Err(_) => 0,
        Ok(_) => return,
    };
    first.truncate(length);
    let (begins_tls, begins_http) = (first.first() == Some(&0x16), is_http(&first));
    let socket = tokio::io::join(AsyncReadExt::chain(Cursor::new(first), reader), writer);
    if begins_http {
        peer.role = Role::Opened(target.origin("http").into());
        listen::serve(socket, peer, shared).await;
    } else if begins_tls {
        open_tls(shared, peer, target, socket).await;
    } else {
        shared.recorder.miss("connections that are neither TLS nor HTTP passed unread");
        shared.recorder.notice(format!("{}: neither TLS nor HTTP; passed on unread", target.host));
        if let Ok(server) = TcpStream::connect((&*target.host, target.port)).await {
            copy(socket, server).await;
        }
    }
}

/// Whether octets begin with a method of HTTP/1.1 or with the preface of HTTP/2.
fn is_http(octets: &[u8]) -> bool {
    let method = octets.split(|octet| *octet == b' ').next().unwrap_or_default();
    (2..=16).contains(&method.len()) && method.len() < octets.len() && method.iter().all(u8::is_ascii_uppercase)
}

async fn open_tls<S>(shared: Arc<Shared>, mut peer: Peer, target: Target, socket: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let Some(authority) = &shared.authority else { return };
    let refused = |why: String| {
        shared.recorder.miss("a client refused the certificate of the proxy");
        shared.recorder.notice(format!(
            "{}: the client did not accept the proxy's certificate ({why}); let it trust the one that --print-ca prints",
            target.host
        ));
    };
    let acceptor = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), socket);
    let start = match tokio::time::timeout(PATIENCE, acceptor).await {
        Ok(Ok(start)) => start,
        Ok(Err(error)) => return refused(error.to_string()),
        Err(_) => return,
    };
    // The name that the client asks for; the one in CONNECT may be an address.
    let name = start.client_hello().server_name().map_or_else(|| target.host.clone(), str::to_owned);
    let config = match authority.config(&name) {
        Ok(config) => config,
        Err(why) => return shared.recorder.notice(format!("{name}: no certificate can be made: {why}")),
    };
    match tokio::time::timeout(PATIENCE, start.into_stream(config)).await {
        Ok(Ok(stream)) => {
            peer.role = Role::Opened(target.origin("https").into());
            listen::serve(stream, peer, Arc::clone(&shared)).await;
        }
        Ok(Err(error)) => refused(error.to_string()),
        Err(_) => {}
    }
}

/// Passes octets on both ways until both have ended; how many went from the first and from the second.
pub(super) async fn copy<A, B>(mut client: A, mut server: B) -> (u64, u64)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    // What broke it off is of no interest: it is over.
    tokio::io::copy_bidirectional(&mut client, &mut server).await.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_of_http() {
        for (octets, expected) in [
            (&b"GET / HTTP/1.1"[..], true),
            (b"PRI * HTTP/2.0", true),
            (b"SSH-2.0-x y", false),
            (b"\x16\x03\x01", false),
            (b"GET", false),
            (b"", false),
        ] {
            assert_eq!(is_http(octets), expected, "{octets:?}");
        }
    }
}
