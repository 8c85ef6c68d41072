//! Servers and clients of this process, on loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// A request as the server got it.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) fields: Vec<(String, String)>,
    pub(super) body: String,
}

impl Asked {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }
}

/// What a server answers.
pub(super) struct Reply {
    status: u16,
    fields: String,
    kind: Kind,
}

enum Kind {
    Sized(String),
    Chunked(Vec<String>, Duration),
    Raw { octets: String, goes_on: bool },
    Echo,
}

impl Reply {
    /// A body whose length is said.
    pub(super) fn sized(status: u16, fields: &str, body: &str) -> Reply {
        Reply { status, fields: fields.to_owned(), kind: Kind::Sized(body.to_owned()) }
    }

    pub(super) fn json(body: &str) -> Reply {
        Reply::sized(200, "Content-Type: application/json\r\n", body)
    }

    /// A body in pieces with a pause after each.
    pub(super) fn chunked(pieces: &[&str], pause: Duration) -> Reply {
        let pieces = pieces.iter().map(|piece| (*piece).to_owned()).collect();
        Reply { status: 200, fields: String::new(), kind: Kind::Chunked(pieces, pause) }
    }

    /// These octets, and the end of the connection.
    pub(super) fn raw(octets: &str) -> Reply {
        Reply { status: 0, fields: String::new(), kind: Kind::Raw { octets: octets.to_owned(), goes_on: false } }
    }

    /// These octets; the connection goes on.
    pub(super) fn raw_open(octets: &str) -> Reply {
        Reply { status: 0, fields: String::new(), kind: Kind::Raw { octets: octets.to_owned(), goes_on: true } }
    }

    /// Another protocol, which gives back what it gets.
    pub(super) fn echo() -> Reply {
        Reply { status: 101, fields: String::new(), kind: Kind::Echo }
    }

    pub(super) fn with(mut self, fields: &str) -> Reply {
        self.fields.push_str(fields);
        self
    }
}

type Answers = Arc<dyn Fn(&Asked) -> Reply + Send + Sync>;

/// A server until the process ends.
pub(super) struct Server {
    address: SocketAddr,
    certificate: Option<String>,
    answers: Arc<Mutex<Answers>>,
    seen: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// HTTP/1.1 without TLS.
    pub(super) fn plain(answers: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Server {
        Server::new(answers, None, |socket, answers, seen| serve(socket, answers, seen))
    }

    /// HTTP/1.1 over TLS.
    pub(super) fn tls(answers: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Server {
        let (certificate, config) = identity(b"http/1.1");
        Server::new(answers, Some(certificate), move |socket, answers, seen| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            serve(StreamOwned::new(connection, socket), answers, seen);
        })
    }

    /// HTTP/2 over TLS.
    pub(super) fn second(answers: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Server {
        let (certificate, config) = identity(b"h2");
        Server::new(answers, Some(certificate), move |socket, answers, _| {
            let config = Arc::clone(&config);
            runtime().block_on(async move {
                socket.set_nonblocking(true).unwrap();
                let socket = tokio::net::TcpStream::from_std(socket).unwrap();
                let Ok(stream) = tokio_rustls::TlsAcceptor::from(config).accept(socket).await else { return };
                let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                    let target = request.uri().path_and_query().unwrap().to_string();
                    let asked = Asked { method: request.method().to_string(), target, ..Asked::default() };
                    let reply = answers(&asked);
                    let Kind::Sized(body) = reply.kind else { panic!("not over HTTP/2") };
                    let mut response = hyper::Response::builder().status(reply.status);
                    for (name, value) in reply.fields.lines().filter_map(|line| line.split_once(": ")) {
                        response = response.header(name, value);
                    }
                    let response = response.body(Full::new(Bytes::from(body))).unwrap();
                    async move { Ok::<_, std::convert::Infallible>(response) }
                });
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        })
    }

    fn new(
        answers: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
        certificate: Option<String>,
        run: impl Fn(TcpStream, Answers, Arc<Mutex<Vec<Asked>>>) + Send + Sync + 'static,
    ) -> Server {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let answers: Arc<Mutex<Answers>> = Arc::new(Mutex::new(Arc::new(answers)));
        let seen: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (own_answers, own_seen, run) = (Arc::clone(&answers), Arc::clone(&seen), Arc::new(run));
        std::thread::spawn(move || {
            for socket in socket.incoming().flatten() {
                let (run, answers, seen) = (Arc::clone(&run), Arc::clone(&own_answers), Arc::clone(&own_seen));
                std::thread::spawn(move || {
                    let _ = socket.set_nodelay(true);
                    let now: Answers = Arc::new(move |asked: &Asked| {
                        let answers = Arc::clone(&answers.lock().unwrap());
                        answers(asked)
                    });
                    run(socket, now, seen);
                });
            }
        });
        Server { address, certificate, answers, seen }
    }

    /// Answers otherwise from now on.
    pub(super) fn answers(&self, answers: impl Fn(&Asked) -> Reply + Send + Sync + 'static) {
        *self.answers.lock().unwrap() = Arc::new(answers);
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn authority(&self) -> String {
        self.address.to_string()
    }

    pub(super) fn origin(&self) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Its certificate, PEM.
    pub(super) fn certificate(&self) -> &str {
        self.certificate.as_deref().expect("a server with TLS")
    }

    /// The requests so far.
    pub(super) fn seen(&self) -> Vec<Asked> {
        self.seen.lock().unwrap().clone()
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A certificate of its own for `localhost`, and the configuration of a server that has it.
fn identity(protocol: &[u8]) -> (String, Arc<ServerConfig>) {
    let identity = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.signing_key.serialize_der()));
    let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let mut config = builder.with_single_cert(vec![identity.cert.der().clone()], key).unwrap();
    config.alpn_protocols = vec![protocol.to_vec()];
    (identity.cert.pem(), Arc::new(config))
}

fn client_config(trusted: &str, protocol: &[u8]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    Arc::new(config)
}

/// A client that trusts this certificate alone.
pub(super) fn tls_client(socket: TcpStream, name: &str, trusted: &str) -> StreamOwned<ClientConnection, TcpStream> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    StreamOwned::new(ClientConnection::new(client_config(trusted, b"http/1.1"), name).unwrap(), socket)
}

/// Asks for these targets at one time, over HTTP/2 in a tunnel through `proxy`.
pub(super) fn ask_second(proxy: SocketAddr, to: &str, trusted: &str, targets: &[&str]) -> Vec<String> {
    let socket = super::tunnel(proxy, to);
    runtime().block_on(async {
        socket.set_nonblocking(true).unwrap();
        let socket = tokio::net::TcpStream::from_std(socket).unwrap();
        let connector = tokio_rustls::TlsConnector::from(client_config(trusted, b"h2"));
        let stream = connector.connect(ServerName::try_from("localhost").unwrap(), socket).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut answers = Vec::new();
        for target in targets {
            let request = hyper::Request::get(format!("https://{to}{target}")).body(Empty::<Bytes>::new()).unwrap();
            answers.push(sender.clone().send_request(request));
        }
        let mut texts = Vec::new();
        for answer in answers {
            let octets = answer.await.unwrap().into_body().collect().await.unwrap().to_bytes();
            texts.push(String::from_utf8(octets.to_vec()).unwrap());
        }
        texts
    })
}

/// Answers the requests of one connection.
fn serve(socket: impl Read + Write, answers: Answers, seen: Arc<Mutex<Vec<Asked>>>) {
    let mut socket = BufReader::new(socket);
    while let Some(asked) = read(&mut socket) {
        seen.lock().unwrap().push(asked.clone());
        let reply = answers(&asked);
        if answer(&mut socket, &asked, reply).is_none() {
            return;
        }
    }
}

fn read(socket: &mut impl BufRead) -> Option<Asked> {
    let mut line = String::new();
    socket.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut words = line.split_whitespace();
    let mut asked = Asked { method: words.next()?.into(), target: words.next()?.into(), ..Asked::default() };
    loop {
        let mut line = String::new();
        socket.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        asked.fields.push((name.to_owned(), value.to_owned()));
    }
    let length = asked.field("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    socket.read_exact(&mut body).ok()?;
    asked.body = String::from_utf8(body).ok()?;
    Some(asked)
}

/// Writes the answer; `None` where the connection is over.
fn answer<S: Read + Write>(socket: &mut BufReader<S>, asked: &Asked, reply: Reply) -> Option<()> {
    let Reply { status, fields, kind } = reply;
    let mut send = |octets: &str| {
        let out = socket.get_mut();
        out.write_all(octets.as_bytes()).ok()?;
        out.flush().ok()
    };
    match kind {
        Kind::Raw { octets, goes_on } => send(&octets).filter(|()| goes_on),
        Kind::Sized(body) if status == 204 || asked.method == "HEAD" => {
            assert!(body.is_empty());
            send(&format!("HTTP/1.1 {status} x\r\n{fields}\r\n"))
        }
        Kind::Sized(body) => {
            send(&format!("HTTP/1.1 {status} x\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len()))
        }
        Kind::Chunked(pieces, pause) => {
            send(&format!("HTTP/1.1 {status} x\r\n{fields}Transfer-Encoding: chunked\r\n\r\n"))?;
            for piece in pieces {
                send(&format!("{:x}\r\n{piece}\r\n", piece.len()))?;
                std::thread::sleep(pause);
            }
            send("0\r\n\r\n")
        }
        Kind::Echo => {
            send("HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")?;
            let mut octets = [0; 1024];
            loop {
                let length = socket.read(&mut octets).ok().filter(|length| *length > 0)?;
                socket.get_mut().write_all(octets.get(..length)?).ok()?;
            }
        }
    }
}
