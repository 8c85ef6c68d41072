//! Packet captures: frames, IP, TCP, TLS, HTTP/1.1 and HTTP/2.

#[allow(dead_code)] // until the packets reach it
pub(crate) mod http;
pub(crate) mod stream;
