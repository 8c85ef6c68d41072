//! Packet captures: frames, IP, TCP, TLS, HTTP/1.1 and HTTP/2.

pub(crate) mod stream;
pub mod tls;
