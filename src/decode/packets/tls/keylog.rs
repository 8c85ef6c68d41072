//! The secrets of TLS connections, as programs write them to the file that `SSLKEYLOGFILE` names.
//!
//! A line is `LABEL client-random secret`, both in hexadecimal (draft-ietf-tls-keylogfile). The same text stands in the
//! Decryption Secrets Blocks of a pcapng file. Nothing here is ever printed: `Debug` shows counts.

use std::collections::HashMap;
use std::fmt;

use zeroize::Zeroizing;

/// The random of a ClientHello, which names its connection in a key log.
pub(super) type ClientRandom = [u8; 32];

/// A secret that leaves no trace in memory.
pub(super) type KeySecret = Zeroizing<Box<[u8]>>;

/// What a secret of a key log is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    /// The master secret of TLS 1.2.
    Master,
    /// 0-RTT data of the client.
    ClientEarly,
    /// The client's side of the handshake.
    ClientHandshake,
    /// The server's side of the handshake.
    ServerHandshake,
    /// What the client sends after the handshake.
    ClientTraffic,
    /// What the server sends after the handshake.
    ServerTraffic,
}

/// The labels as they are written.
const LABELS: [(&str, Label); 6] = [
    ("CLIENT_RANDOM", Label::Master),
    ("CLIENT_EARLY_TRAFFIC_SECRET", Label::ClientEarly),
    ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", Label::ClientHandshake),
    ("SERVER_HANDSHAKE_TRAFFIC_SECRET", Label::ServerHandshake),
    ("CLIENT_TRAFFIC_SECRET_0", Label::ClientTraffic),
    ("SERVER_TRAFFIC_SECRET_0", Label::ServerTraffic),
];

impl Label {
    /// As it is written in a key log.
    pub(super) fn name(self) -> &'static str {
        LABELS.iter().find(|(_, label)| *label == self).map_or("", |(name, _)| name)
    }
}

/// The secrets of any number of connections.
#[derive(Clone, Default)]
pub struct KeyLog {
    connections: HashMap<ClientRandom, Vec<(Label, KeySecret)>>,
}

/// What could not be used of a key log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnreadLines {
    /// Lines that are no key log lines.
    pub count: usize,
    /// The first of them, counted from 1.
    pub first: Option<usize>,
}

impl UnreadLines {
    /// What is wrong, in words; `None` where nothing is.
    pub fn message(&self) -> Option<String> {
        let first = self.first?;
        Some(match self.count {
            1 => format!("line {first} is no key log line; left out"),
            many => format!("{many} lines are no key log lines, the first is line {first}; left out"),
        })
    }
}

impl KeyLog {
    /// Reads the lines of a key log. A line that is none costs that line; labels that are not needed are passed over.
    pub fn parse(content: &[u8]) -> (KeyLog, UnreadLines) {
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        let mut log = KeyLog::default();
        let mut unread = UnreadLines::default();
        for (index, line) in content.split(|octet| *octet == b'\n').enumerate() {
            match line_of(line) {
                Line::Nothing => {}
                Line::Secret(label, random, secret) => log.keep(random, label, secret),
                Line::Junk => {
                    unread.count += 1;
                    unread.first.get_or_insert(index + 1);
                }
            }
        }
        (log, unread)
    }

    /// Takes the secrets of `other` as well. Where both have one for the same purpose, the one that is here stays.
    pub fn merge(&mut self, other: KeyLog) {
        for (random, secrets) in other.connections {
            for (label, secret) in secrets {
                self.keep(random, label, secret);
            }
        }
    }

    /// Of how many connections there are secrets.
    pub fn len(&self) -> usize {
        self.connections.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Whether there is any secret of the connection.
    pub(super) fn knows(&self, random: &ClientRandom) -> bool {
        self.connections.contains_key(random)
    }

    /// The secret of the connection for a purpose.
    pub(super) fn secret(&self, random: &ClientRandom, label: Label) -> Option<&[u8]> {
        let secrets = self.connections.get(random)?;
        secrets.iter().find(|(found, _)| *found == label).map(|(_, secret)| &***secret)
    }

    fn keep(&mut self, random: ClientRandom, label: Label, secret: KeySecret) {
        let secrets = self.connections.entry(random).or_default();
        if secrets.iter().all(|(found, _)| *found != label) {
            secrets.push((label, secret));
        }
    }
}

impl fmt::Debug for KeyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyLog({} connections)", self.connections.len())
    }
}

enum Line {
    /// Blank, a comment, or of a kind that is not needed.
    Nothing,
    Secret(Label, ClientRandom, KeySecret),
    Junk,
}

fn line_of(line: &[u8]) -> Line {
    // Blocks of a pcapng file may be filled up with zeros.
    let mut words = line.split(|octet| octet.is_ascii_whitespace() || *octet == 0).filter(|word| !word.is_empty());
    let Some(label) = words.next() else { return Line::Nothing };
    if label.starts_with(b"#") {
        return Line::Nothing;
    }
    let (Some(random), Some(secret), None) = (words.next(), words.next(), words.next()) else { return Line::Junk };
    let Some((_, label)) = LABELS.iter().find(|(name, _)| name.as_bytes() == label) else {
        // The format may grow: exporter secrets, secrets of QUIC and of ECH, "RSA Session-ID:... Master-Key:...".
        let of_the_format = label.iter().all(|octet| octet.is_ascii_uppercase() || matches!(octet, b'0'..=b'9' | b'_'));
        return if of_the_format { Line::Nothing } else { Line::Junk };
    };
    let mut octets = ClientRandom::default();
    let Some(decoded) = from_hex(secret) else { return Line::Junk };
    let lengths: &[usize] = if *label == Label::Master { &[48] } else { &[32, 48] };
    match hex_into(random, &mut octets) {
        Some(()) if lengths.contains(&decoded.len()) => Line::Secret(*label, octets, decoded),
        _ => Line::Junk,
    }
}

fn from_hex(digits: &[u8]) -> Option<KeySecret> {
    // Longer than any secret: not worth decoding.
    if digits.len() > 128 {
        return None;
    }
    let mut octets = Zeroizing::new(vec![0; digits.len() / 2].into_boxed_slice());
    hex_into(digits, &mut octets)?;
    Some(octets)
}

fn hex_into(digits: &[u8], octets: &mut [u8]) -> Option<()> {
    let digit = |octet: u8| char::from(octet).to_digit(16).and_then(|value| u8::try_from(value).ok());
    if digits.len() != octets.len() * 2 {
        return None;
    }
    for (pair, octet) in digits.chunks_exact(2).zip(octets) {
        let [high, low] = pair else { return None };
        *octet = digit(*high)? << 4 | digit(*low)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: &str = "52362c1012cf23cd4a2d5a1b1b6aeb9e1b6a1bd5d1b1a52c1d8ad5c1e1f1a1b1";

    fn read(text: &str) -> (KeyLog, UnreadLines) {
        KeyLog::parse(text.as_bytes())
    }

    #[test]
    fn lines_are_read_whatever_stands_around_them() {
        let secret = "Ab".repeat(48);
        let text = format!(
            "\u{feff}# by a program\r\n\r\nCLIENT_RANDOM {RANDOM} {secret}\r\n  CLIENT_TRAFFIC_SECRET_0\t{RANDOM} \
             {}\nEXPORTER_SECRET {RANDOM} 00\nRSA Session-ID:00 Master-Key:00\n\0\0",
            "01".repeat(32)
        );
        let (log, unread) = read(&text);
        assert_eq!((log.len(), unread), (1, UnreadLines::default()));
        let mut random = ClientRandom::default();
        hex_into(RANDOM.as_bytes(), &mut random).unwrap();
        assert_eq!(log.secret(&random, Label::Master), Some(&[0xab; 48][..]));
        assert_eq!(log.secret(&random, Label::ClientTraffic), Some(&[1; 32][..]));
        assert_eq!(log.secret(&random, Label::ServerTraffic), None);
    }

    #[test]
    fn junk_is_counted_and_costs_only_its_line() {
        let good = format!("CLIENT_RANDOM {RANDOM} {}", "00".repeat(48));
        let text = format!(
            "{good}\nhello\nCLIENT_RANDOM {RANDOM}\nCLIENT_RANDOM {RANDOM} {}\nCLIENT_RANDOM {RANDOM} 0g\nCLIENT_RANDOM \
             12 {}\n\u{1f511} a b",
            "00".repeat(32),
            "00".repeat(48)
        );
        let (log, unread) = read(&text);
        assert_eq!(log.len(), 1);
        assert_eq!(unread, UnreadLines { count: 6, first: Some(2) });
        assert_eq!(unread.message().as_deref(), Some("6 lines are no key log lines, the first is line 2; left out"));
    }

    #[test]
    fn the_first_of_two_secrets_stays() {
        let line = |octet: &str| format!("CLIENT_RANDOM {RANDOM} {}", octet.repeat(48));
        let (mut log, _) = read(&line("01"));
        log.merge(read(&line("02")).0);
        let mut random = ClientRandom::default();
        hex_into(RANDOM.as_bytes(), &mut random).unwrap();
        assert_eq!(log.secret(&random, Label::Master), Some(&[1; 48][..]));
    }

    #[test]
    fn a_key_log_never_prints() {
        let (log, _) = read(&format!("CLIENT_RANDOM {RANDOM} {}", "ab".repeat(48)));
        assert_eq!(format!("{log:?}"), "KeyLog(1 connections)");
    }
}
