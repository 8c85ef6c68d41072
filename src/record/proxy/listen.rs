//! Accepts connections, as many as the limit, and ends those that are idle.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;

use super::recorder::lock;
use super::service::{self, Shared};
use super::settings::{Bounds, Error, Listen};

/// A socket that is listened at.
pub(super) struct Listener {
    /// Its address, the port filled in.
    pub(super) address: SocketAddr,
    socket: TcpListener,
    /// Which of the settings.
    index: usize,
}

/// One connection of a client.
#[derive(Clone)]
pub(super) struct Peer {
    /// Its number in this recording.
    pub(super) connection: u64,
    /// The client's address.
    pub(super) client: SocketAddr,
    /// What the proxy is to it.
    pub(super) role: Role,
    /// Requests that are being answered.
    activity: Arc<Activity>,
    /// Its place among the connections that may be open.
    _permit: Arc<OwnedSemaphorePermit>,
}

/// What the proxy is on a connection.
#[derive(Debug, Clone)]
pub(super) enum Role {
    /// The listener with this number: the server of its route, or a proxy.
    Listener(usize),
    /// The server with this origin, to which the client opened a tunnel.
    Opened(Arc<str>),
}

/// Whether something is going on at a connection.
struct Activity {
    requests: AtomicUsize,
    last: Mutex<Instant>,
}

/// A request that is being answered, until this is dropped.
pub(super) struct Busy(Arc<Activity>);

impl Peer {
    /// Takes another place among the connections; whether there was one. The connection keeps its own.
    pub(super) fn take_place(&mut self, shared: &Shared) -> bool {
        let permit = Arc::clone(&shared.connections).try_acquire_owned();
        permit.map(|permit| self._permit = Arc::new(permit)).is_ok()
    }

    /// A request begins.
    pub(super) fn busy(&self) -> Busy {
        self.activity.requests.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(&self.activity))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        *lock(&self.0.last) = Instant::now();
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Opens the sockets.
pub(super) async fn bind(listen: &[Listen]) -> Result<Vec<Listener>, Error> {
    let mut listeners = Vec::new();
    for (index, listen) in listen.iter().enumerate() {
        let refused = |cause| Error::Listen { address: listen.address, cause };
        let socket = TcpListener::bind(listen.address).await.map_err(refused)?;
        let address = socket.local_addr().map_err(refused)?;
        listeners.push(Listener { address, socket, index });
    }
    Ok(listeners)
}

/// File descriptors that the proxy needs for itself: the recording, the listeners, and for a moment to look up a name.
#[cfg(unix)]
const OWN_DESCRIPTORS: u64 = 24;

/// How many connections may be open at one time: each needs a file descriptor, and another one towards its server.
#[cfg(unix)]
pub(super) fn places(bounds: &Bounds) -> usize {
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let pairs = most.map_or(u64::MAX, |most| most.saturating_sub(OWN_DESCRIPTORS) / 2);
    bounds.connections.min(usize::try_from(pairs).unwrap_or(usize::MAX)).max(1)
}

/// How many connections may be open at one time.
#[cfg(not(unix))]
pub(super) fn places(bounds: &Bounds) -> usize {
    bounds.connections
}

/// How long nothing is accepted after a failure, such as having no file descriptors left.
const BACK_OFF: Duration = Duration::from_millis(200);

static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

/// Accepts until it is stopped.
pub(super) async fn run(listener: Listener, shared: Arc<Shared>) {
    let mut stopped = shared.stopped.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.socket.accept() => accepted,
            _ = stopped.changed() => return,
        };
        match accepted {
            Ok((socket, client)) => admit(socket, client, listener.index, &shared),
            // The connection is gone again; the next one may be well.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            // Out of file descriptors or memory: those who hold them get time to give them back.
            Err(error) => {
                shared.recorder.notice(format!("connections cannot be accepted: {error}"));
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }
}

fn admit(socket: TcpStream, client: SocketAddr, listener: usize, shared: &Arc<Shared>) {
    let Ok(permit) = Arc::clone(&shared.connections).try_acquire_owned() else {
        shared.recorder.refuse();
        shared.recorder.notice("more connections at one time than can be served; the rest are closed".to_owned());
        return;
    };
    // Every event is to leave at once.
    let _ = socket.set_nodelay(true);
    let activity = Arc::new(Activity { requests: AtomicUsize::new(0), last: Mutex::new(Instant::now()) });
    let connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
    let role = Role::Listener(listener);
    let peer = Peer { connection, client, role, activity, _permit: Arc::new(permit) };
    tokio::spawn(serve(socket, peer, Arc::clone(shared)));
}

/// Answers the requests of one connection.
pub(super) async fn serve<S>(socket: S, peer: Peer, shared: Arc<Shared>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let bounds = shared.recorder.bounds().clone();
    let mut stopped = shared.stopped.clone();
    let server = server(&bounds);
    let activity = Arc::clone(&peer.activity);
    let service = service_fn(move |request| service::answer(Arc::clone(&shared), peer.clone(), request));
    let mut connection = pin!(server.serve_connection_with_upgrades(TokioIo::new(socket), service));
    loop {
        tokio::select! {
            // What went wrong on the client's side is in the entries of its exchanges.
            _ = connection.as_mut() => return,
            _ = stopped.changed() => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
                return;
            }
            () = tokio::time::sleep(bounds.idle / 4) => {
                let idle = lock(&activity.last).elapsed();
                if activity.requests.load(Ordering::Relaxed) == 0 && idle >= bounds.idle {
                    return;
                }
            }
        }
    }
}

/// HTTP/1.1 and HTTP/2 with limits on what a client may ask of it.
fn server(bounds: &Bounds) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.headers)
        .max_buf_size(HEADERS_ROOM)
        .preserve_header_case(true);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEADERS_ROOM as u32)
        .max_concurrent_streams(STREAMS)
        // A client that opens streams and resets them at once (CVE-2023-44487, CVE-2025-8671).
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(RESETS * 8)
        .keep_alive_interval(bounds.headers)
        .keep_alive_timeout(bounds.headers);
    server
}

/// Octets of header fields of one message.
const HEADERS_ROOM: usize = 64 << 10;

/// Streams of one HTTP/2 connection at one time.
const STREAMS: u32 = 256;

/// Streams that a client may reset before they are looked at.
const RESETS: usize = 32;
