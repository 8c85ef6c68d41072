//! TLS recorded on loopback (`samples/make/tls.sh`) is decrypted to exactly what both sides said.
//!
//! Beside each capture stands what was said inside, and what is known of the connection with its keys and without them.

use std::path::{Path, PathBuf};

use authtrail::decode::packets::tls::{Decrypted, Decryption, KeyLog, Piece, TlsFacts, WhyClosed, decrypt};
use bytes::Bytes;
use proptest::prelude::*;

use crate::walk;

/// Cases whose cipher this build does not decrypt.
const CLOSED: [&str; 3] = ["tls13-aes-128-ccm", "tls12-aes-128-ccm", "tls11"];

fn cases() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(walk::folder("samples/tls")).unwrap();
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() > 30, "recordings are missing");
    cases
}

fn case(name: &str) -> PathBuf {
    walk::folder("samples/tls").join(name)
}

fn name(case: &Path) -> String {
    case.file_name().unwrap().to_string_lossy().into_owned()
}

fn read(case: &Path, file: &str) -> Vec<u8> {
    let path = case.join(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn keys(case: &Path) -> KeyLog {
    let (keys, unread) = KeyLog::parse(&read(case, "keys.log"));
    assert_eq!(unread.message(), None, "{}", case.display());
    keys
}

/// The octets of one connection in the order of the capture: whether the client sent them, and the number of the frame.
///
/// Reads what tcpdump writes on loopback, where nothing is lost, sent twice or in a wrong order.
fn segments(case: &Path) -> Vec<(bool, u32, Bytes)> {
    let file = Bytes::from(read(case, "capture.pcap"));
    assert_eq!(&file[..4], [0xd4, 0xc3, 0xb2, 0xa1], "a capture of a little-endian machine");
    let mut segments = Vec::new();
    let mut at = 24;
    let mut frame = 0;
    let mut client = None;
    while at < file.len() {
        let length = u32::from_le_bytes(file[at + 8..at + 12].try_into().unwrap()) as usize;
        let packet = file.slice(at + 16..at + 16 + length);
        at += 16 + length;
        frame += 1;
        let ip = packet.slice(14..);
        let tcp = ip.slice(usize::from(ip[0] & 15) * 4..usize::from(u16::from_be_bytes([ip[2], ip[3]])));
        let port = u16::from_be_bytes([tcp[0], tcp[1]]);
        let client = *client.get_or_insert(port);
        let octets = tcp.slice(usize::from(tcp[12] >> 4) * 4..);
        if !octets.is_empty() {
            segments.push((port == client, frame, octets));
        }
    }
    segments
}

fn pieces(case: &Path) -> Vec<(bool, Piece)> {
    segments(case).into_iter().map(|(client, _, octets)| (client, Piece::Octets(octets))).collect()
}

/// The facts as text, without what changes with every recording.
fn told(decrypted: &Decrypted) -> String {
    let TlsFacts { problems, alerts, why, .. } = &decrypted.facts;
    let facts = &decrypted.facts;
    let mut lines = vec![
        format!("version {}", facts.version_name().as_deref().unwrap_or("unknown")),
        format!("suite {}", facts.suite_name().as_deref().unwrap_or("unknown")),
        format!("server name {}", facts.server_name.as_deref().unwrap_or("unknown")),
        format!("ALPN offered {:?}, chosen {:?}", facts.alpn_offered, facts.alpn),
        format!("hello retry {}, resumed {}, early data {:?}", facts.hello_retry, facts.resumed, facts.early_data),
        format!("renegotiations {}, key updates {}", facts.renegotiations, facts.key_updates),
        format!("decryption {:?}", facts.decryption()),
        format!("closed by client {}, by server {}", facts.client_closed, facts.server_closed),
    ];
    lines.extend(why.map(|why| format!("why: {why}")));
    lines.extend(alerts.iter().map(ToString::to_string));
    lines.extend(problems.iter().map(|(_, message)| format!("problem: {message}")));
    lines.join("\n") + "\n"
}

#[test]
fn every_recording_is_decrypted_to_what_was_said() {
    let mut wrong = Vec::new();
    for case in cases() {
        let found = decrypt(keys(&case), pieces(&case));
        let closed = CLOSED.contains(&&*name(&case));
        for (client, file) in [(true, "client.txt"), (false, "server.txt")] {
            let expected = if closed { Vec::new() } else { read(&case, file) };
            let octets = found.octets(client);
            if octets != expected {
                let shown = String::from_utf8_lossy(&octets).chars().take(200).collect::<String>();
                let name = name(&case);
                wrong.push(format!("{name}: {file}: {} octets, not {}: {shown:?}", octets.len(), expected.len()));
            }
        }
        if found.pieces.iter().any(|(.., piece)| matches!(piece, Piece::Gap(_))) {
            wrong.push(format!("{}: a gap where nothing is missing", name(&case)));
        }
        let without = decrypt(KeyLog::default(), pieces(&case));
        let text = format!("{}\nwithout keys\n{}", told(&found), told(&without));
        wrong.extend(walk::compare(&case.join("facts.txt"), &text));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
