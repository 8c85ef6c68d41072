//! What is known of a TLS connection, also where nothing of it can be read.

use std::fmt;

use super::suite;

/// Alerts and problems that are listed for one connection; the rest is counted.
const MOST_LISTED: usize = 16;

/// What is known of one TLS connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFacts {
    /// The host that the client asked for; `None` where it did not say, or its hello is not in the capture.
    pub server_name: Option<String>,
    /// The application protocols that the client offered, in its order.
    pub alpn_offered: Vec<String>,
    /// The application protocol that the server chose. With TLS 1.3 it is visible only with keys.
    pub alpn: Option<String>,
    /// Whether the hello says that it holds an encrypted one. Browsers send a meaningless one where they have no key, so
    /// this proves nothing; where it is a real one, `server_name` is not the host that was meant.
    pub encrypted_hello: bool,
    /// The version in force as it is written in the hello, `0x0304` for TLS 1.3; `None` where no ServerHello was seen.
    pub version: Option<u16>,
    /// The number of the cipher suite; `None` where no ServerHello was seen.
    pub suite: Option<u16>,
    /// Whether the server asked for a second hello.
    pub hello_retry: bool,
    /// Whether the server resumed a session (TLS 1.3).
    pub resumed: bool,
    /// What became of 0-RTT data.
    pub early_data: EarlyData,
    /// Handshakes after the first one (TLS 1.2).
    pub renegotiations: u32,
    /// Changes of keys that one of both announced (TLS 1.3).
    pub key_updates: u32,
    /// Protected records that were opened.
    pub records_opened: u64,
    /// Protected records that were not opened.
    pub records_closed: u64,
    /// Octets of protected records that could not be told apart, or for which no keys are there.
    pub octets_closed: u64,
    /// Why something could not be opened: the first reason that was met.
    pub why: Option<WhyClosed>,
    /// Whether the client ended its side with `close_notify`.
    pub client_closed: bool,
    /// Whether the server did.
    pub server_closed: bool,
    /// Whether the client is who was taken for the server: its hello says so. The chunks are handed on accordingly.
    pub sides_swapped: bool,
    /// Alerts other than `close_notify`, in order.
    pub alerts: Vec<Alert>,
    /// What else went wrong: the frame, and the message.
    pub problems: Vec<(u32, String)>,
    /// How many alerts and problems are not listed.
    pub unlisted: u32,
}

/// 0-RTT data: sent with the first hello, before the server has said anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EarlyData {
    /// The client announced none.
    #[default]
    NotOffered,
    /// It did; what the server said to it is not known.
    Offered,
    /// The server took them.
    Accepted,
    /// The server did not; the client sends them again after the handshake. They are not handed on.
    Refused,
}

/// How much of a connection could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decryption {
    /// Nothing protected was seen.
    Unneeded,
    /// All that was seen.
    Whole,
    /// Some of it.
    Partly,
    /// Nothing.
    Nothing,
}

/// Why something could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyClosed {
    /// No key log has a secret of this connection.
    NoKeys,
    /// A key log knows the connection, but lacks the secret of this name.
    NoSecret(&'static str),
    /// The capture starts after the handshake.
    HandshakeNotSeen,
    /// The ServerHello is not in the capture.
    NoServerHello,
    /// A version other than TLS 1.2 and 1.3.
    Version(u16),
    /// A cipher suite that this build does not decrypt.
    Suite(u16),
    /// Records are compressed.
    Compression,
    /// The secrets of the key log do not open the records.
    WrongKeys,
    /// Records are missing or damaged, and those after them did not open.
    RecordsMissing,
}

/// An alert that was seen in the clear or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert {
    /// Whether the client sent it.
    pub from_client: bool,
    /// Whether it ends the connection.
    pub fatal: bool,
    /// Its number (RFC 8446, 6).
    pub description: u8,
    /// The frame.
    pub frame: u32,
}

impl TlsFacts {
    /// How much could be read.
    pub fn decryption(&self) -> Decryption {
        match (self.records_opened > 0, self.records_closed > 0 || self.octets_closed > 0) {
            (false, false) => Decryption::Unneeded,
            (true, false) => Decryption::Whole,
            (true, true) => Decryption::Partly,
            (false, true) => Decryption::Nothing,
        }
    }

    /// `TLS 1.3`, `SSL 3.0`, ...; `None` where no ServerHello was seen.
    pub fn version_name(&self) -> Option<String> {
        self.version.map(version_name)
    }

    /// The name of the cipher suite in the registry; `None` where no ServerHello was seen.
    pub fn suite_name(&self) -> Option<String> {
        self.suite.map(suite::name)
    }

    pub(super) fn problem(&mut self, frame: u32, message: String) {
        if self.problems.len() < MOST_LISTED {
            self.problems.push((frame, message));
        } else {
            self.unlisted = self.unlisted.saturating_add(1);
        }
    }

    pub(super) fn alert(&mut self, alert: Alert) {
        if self.alerts.len() < MOST_LISTED {
            self.alerts.push(alert);
        } else {
            self.unlisted = self.unlisted.saturating_add(1);
        }
    }
}

impl fmt::Display for WhyClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WhyClosed::NoKeys => f.write_str("no key log has its keys; pass --keylog FILE to read it"),
            WhyClosed::NoSecret(label) => write!(f, "the key log lacks its {label}; record the key log from the start"),
            WhyClosed::HandshakeNotSeen => f.write_str(
                "its handshake is not in the capture, so no key fits; start the capture before the connection",
            ),
            WhyClosed::NoServerHello => f.write_str("its ServerHello is not in the capture, so the cipher is unknown"),
            WhyClosed::Version(number) => write!(f, "{} is not decrypted by this build", version_name(*number)),
            WhyClosed::Suite(number) => write!(f, "{} is not decrypted by this build", suite::name(*number)),
            WhyClosed::Compression => f.write_str("compressed records are not decrypted by this build"),
            WhyClosed::WrongKeys => f.write_str("the secrets of the key log do not open its records"),
            WhyClosed::RecordsMissing => f.write_str("records are missing or damaged"),
        }
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sender = if self.from_client { "client" } else { "server" };
        let level = if self.fatal { "fatal" } else { "warning" };
        match alert_name(self.description) {
            Some(name) => write!(f, "TLS alert of the {sender}: {name} ({level})"),
            None => write!(f, "TLS alert of the {sender}: number {} ({level})", self.description),
        }
    }
}

fn version_name(number: u16) -> String {
    match number {
        0x0300 => "SSL 3.0".to_owned(),
        0x0301 => "TLS 1.0".to_owned(),
        0x0302 => "TLS 1.1".to_owned(),
        0x0303 => "TLS 1.2".to_owned(),
        0x0304 => "TLS 1.3".to_owned(),
        other => format!("TLS version {other:#06x}"),
    }
}

/// The names of the registry of RFC 8447, "TLS Alerts".
fn alert_name(description: u8) -> Option<&'static str> {
    Some(match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => return None,
    })
}
