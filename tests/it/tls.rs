//! TLS recorded on loopback (`samples/make/tls.sh`) is decrypted to exactly what both sides said.
//!
//! Beside each capture stands what was said inside, and what is known of the connection with its keys and without them.

use std::path::{Path, PathBuf};

use authtrail::decode::packets::tls::{Decrypted, Decryption, EarlyData, KeyLog, Piece, TlsFacts, WhyClosed, decrypt};
use bytes::Bytes;
use proptest::prelude::*;

use crate::walk;

/// Cases whose cipher this build does not decrypt.
const CLOSED: [&str; 3] = ["tls13-aes-128-ccm", "tls12-aes-128-ccm", "tls11"];

/// A piece, and whether the client sent it.
type Chunk = (bool, Piece);

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

fn pieces(case: &Path) -> Vec<Chunk> {
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

#[test]
fn a_record_stands_in_the_frame_that_completes_it() {
    // tshark shows the early data in the frame of the ClientHello that they follow, and each other text in its own.
    let frames = |name: &str| {
        let case = case(name);
        let numbers: Vec<u32> = segments(&case).into_iter().map(|(_, frame, _)| frame).collect();
        let found = decrypt(keys(&case), pieces(&case));
        let of_data = found.pieces.into_iter().filter(|(.., piece)| matches!(piece, Piece::Octets(_)));
        of_data.map(|(client, frame, _)| (client, numbers[frame as usize - 1])).collect::<Vec<_>>()
    };
    assert_eq!(frames("tls12-renegotiation-by-client"), [(true, 11), (false, 13), (true, 22), (false, 24)]);
    assert_eq!(frames("tls13-early-data-accepted"), [(true, 4), (true, 11), (false, 13)]);
}

/// Cases in which something is worth losing: both versions, an AEAD and a block cipher, a change of keys, many records.
const TORN: [&str; 8] = [
    "tls12-ecdhe-aes-128-gcm",
    "tls12-ecdhe-chacha20-poly1305",
    "tls12-aes-256-cbc-sha384-mte",
    "tls12-fragments",
    "tls13-aes-256-gcm",
    "tls13-fragments",
    "tls13-key-update",
    "tls13-early-data-accepted",
];

/// Fails unless every octet of `found` stands in `said`, in its order, with gaps where some are left out.
fn check_only_gaps(found: &Decrypted, client: bool, said: &[u8]) {
    let mut at = 0;
    let mut torn = false;
    for (_, _, piece) in found.pieces.iter().filter(|(of_client, ..)| *of_client == client) {
        match piece {
            Piece::Octets(octets) => {
                let place = said[at..].windows(octets.len()).position(|window| window == octets.as_ref());
                let place = place.unwrap_or_else(|| panic!("{:?} was not said here", octets));
                assert!(place == 0 || torn, "octets are missing without a gap");
                at += place + octets.len();
                torn = false;
            }
            Piece::Gap(_) => torn = true,
            Piece::End => {}
        }
    }
}

/// Fails unless what is left of the recording is told in its order, and what is missing as a gap, where `size` octets of it
/// are missing after `from`.
fn check_with_a_hole(case: &Path, from: usize, size: usize, known: bool) {
    let mut chunks = Vec::new();
    let (mut at, mut left) = (from, size);
    for (client, _, mut octets) in segments(case) {
        let before = octets.split_to(at.min(octets.len()));
        at -= before.len();
        chunks.push((client, Piece::Octets(before)));
        let lost = left.min(octets.len());
        if at == 0 && lost > 0 {
            chunks.push((client, Piece::Gap(known.then_some(lost as u64))));
            left = 0;
            let _ = octets.split_to(lost);
        }
        chunks.push((client, Piece::Octets(octets)));
    }
    let found = decrypt(keys(case), chunks);
    check_only_gaps(&found, true, &read(case, "client.txt"));
    check_only_gaps(&found, false, &read(case, "server.txt"));
}

/// Fails unless what is left of the recording is told in its order, and what does not open as a gap, where one bit is wrong.
fn check_with_damage(case: &Path, at: usize, bit: u32) {
    let mut before = 0;
    let chunks = segments(case).into_iter().map(|(client, _, octets)| {
        let mut octets = octets.to_vec();
        if let Some(octet) = at.checked_sub(before).and_then(|at| octets.get_mut(at)) {
            *octet ^= 1 << bit;
        }
        before += octets.len();
        (client, Piece::Octets(octets.into()))
    });
    let found = decrypt(keys(case), chunks.collect::<Vec<_>>());
    // A hello that is damaged into one that refuses 0-RTT data is believed. They are sent again then, so they are no gap.
    if found.facts.early_data != EarlyData::Refused {
        check_only_gaps(&found, true, &read(case, "client.txt"));
    }
    check_only_gaps(&found, false, &read(case, "server.txt"));
}

/// The extension that offers the early data is another one.
#[test]
fn early_data_that_nothing_announces_are_a_gap() {
    check_with_damage(&case("tls13-early-data-accepted"), 258, 0);
}

/// The records wait for the answer of the server when the octet is missed.
#[test]
fn early_data_with_a_hole_have_a_gap() {
    check_with_a_hole(&case("tls13-early-data-accepted"), 603, 1, true);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_chunking_gives_the_same_octets(index in 0usize..100, sizes in proptest::collection::vec(1usize..700, 1..40)) {
        let all = cases();
        let case = &all[index % all.len()];
        let expected = decrypt(keys(case), pieces(case));
        let mut sizes = sizes.iter().cycle();
        let mut chunks = Vec::new();
        for (client, _, mut octets) in segments(case) {
            while !octets.is_empty() {
                let size = (*sizes.next().unwrap()).min(octets.len());
                chunks.push((client, Piece::Octets(octets.split_to(size))));
            }
        }
        let found = decrypt(keys(case), chunks);
        for client in [true, false] {
            prop_assert_eq!(found.octets(client), expected.octets(client));
        }
        prop_assert_eq!(told(&found), told(&expected));
    }

    #[test]
    fn what_is_missing_is_a_gap_and_the_rest_is_found_again(
        index in 0usize..TORN.len(),
        from in 0usize..10_000,
        size in 1usize..400,
        known: bool,
    ) {
        check_with_a_hole(&case(TORN[index]), from, size, known);
    }

    #[test]
    fn damaged_octets_are_never_handed_on(index in 0usize..TORN.len(), at in 0usize..10_000, bit in 0u32..8) {
        check_with_damage(&case(TORN[index]), at, bit);
    }

    #[test]
    fn hostile_octets_give_nothing(
        chunks in proptest::collection::vec((any::<bool>(), hostile(), proptest::option::of(any::<u16>())), 0..20),
    ) {
        let case = case("tls13-aes-256-gcm");
        let mut all = Vec::new();
        for (client, octets, gap) in chunks {
            all.push((client, Piece::Octets(octets.into())));
            all.extend(gap.map(|size| (client, Piece::Gap(Some(size.into())))));
        }
        let found = decrypt(keys(&case), all);
        prop_assert!(found.octets(true).is_empty() && found.octets(false).is_empty());
    }
}

/// Octets that begin as a record does, most of the time.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let anything = proptest::collection::vec(any::<u8>(), 0..300);
    (0usize..4, 20u8..24, anything).prop_map(|(how, kind, octets)| {
        let length = u16::try_from(octets.len()).unwrap().to_be_bytes();
        let [_, low] = length;
        match how {
            0 => octets,
            1 => [&[kind, 3, 3, length[0], length[1]][..], &octets].concat(),
            2 => [&[22, 3, 1, length[0], length[1], 1, 0, 0, low.saturating_sub(4), 3, 3][..], &octets].concat(),
            _ => [&[kind, 3, 3, 0x40, 0x20][..], &octets].concat(),
        }
    })
}

#[test]
fn a_lost_record_costs_itself() {
    // The answer fills seven records of 512 octets; the third of them is lost, however it is lost.
    for name in ["tls12-fragments", "tls13-fragments"] {
        let case = case(name);
        let (before, octets, after) = around_the_answer(&case);
        let said = read(&case, "server.txt");
        let mut start = 0;
        for _ in 0..2 {
            start += 5 + usize::from(u16::from_be_bytes([octets[start + 3], octets[start + 4]]));
        }
        let length = 5 + usize::from(u16::from_be_bytes([octets[start + 3], octets[start + 4]]));
        for (from, size, known) in
            [(0, length, true), (0, length, false), (9, 40, true), (9, length - 9, true), (3, length - 3, false)]
        {
            let mut chunks = before.clone();
            let lost = known.then_some(size as u64);
            chunks.push((false, Piece::Octets(octets.slice(..start + from))));
            chunks.push((false, Piece::Gap(lost)));
            chunks.push((false, Piece::Octets(octets.slice(start + from + size..))));
            chunks.extend(after.clone());
            let found = decrypt(keys(&case), chunks);
            let expected = [&said[..2 * 512], &said[3 * 512..]].concat();
            assert_eq!(found.octets(false), expected, "{name}: {size} octets lost from {from} on, size known: {known}");
            let gaps: Vec<_> = found.pieces.iter().filter(|(.., piece)| matches!(piece, Piece::Gap(_))).collect();
            let exact = name.starts_with("tls12") && from > 5;
            let gap = Piece::Gap(exact.then_some(512));
            assert!(matches!(&gaps[..], [(false, _, found)] if *found == gap), "{name}: {gaps:?}");
        }
    }
}

#[test]
fn a_gap_in_the_handshake_costs_no_data() {
    // In the server's certificate; across the records around it; across all to the last of the flight but its end.
    for name in ["tls12-ecdhe-aes-256-gcm", "tls12-aes-256-cbc-sha384-mte", "tls13-aes-256-gcm", "tls13-resumption"] {
        let case = case(name);
        let all = pieces(&case);
        let flight = all.iter().position(|(client, _)| !client).unwrap();
        let Piece::Octets(octets) = &all[flight].1 else { panic!("a gap") };
        let length = octets.len();
        for (from, to) in [(145, 150), (140, length - 8), (133, length - 60), (150, length)] {
            for known in [true, false] {
                let mut chunks = all.clone();
                let gap = Piece::Gap(known.then_some((to - from) as u64));
                let (before, after) = (octets.slice(..from), octets.slice(to..));
                let torn = [Piece::Octets(before), gap, Piece::Octets(after)].map(|piece| (false, piece));
                chunks.splice(flight..=flight, torn);
                let found = decrypt(keys(&case), chunks);
                let context = format!("{name}: {from} to {to} of {length}, size known: {known}");
                assert_eq!(found.octets(true), read(&case, "client.txt"), "{context}");
                assert_eq!(found.octets(false), read(&case, "server.txt"), "{context}");
            }
        }
    }
}

/// What stands before the answer of the server, the answer as one piece, and what stands after it.
fn around_the_answer(case: &Path) -> (Vec<Chunk>, Bytes, Vec<Chunk>) {
    let all = segments(case);
    let request = all.iter().rposition(|(client, _, octets)| *client && octets.len() > 150).unwrap();
    let answer: Vec<&Bytes> = all[request + 1..].iter().take_while(|(client, ..)| !client).map(|all| &all.2).collect();
    let end = request + 1 + answer.len();
    let piece = |(client, _, octets): &(bool, u32, Bytes)| (*client, Piece::Octets(octets.clone()));
    let joined = answer.iter().flat_map(|octets| octets.iter().copied()).collect();
    (all[..=request].iter().map(piece).collect(), joined, all[end..].iter().map(piece).collect())
}

#[test]
fn a_capture_that_starts_late_is_said_to() {
    for name in ["tls12-ecdhe-aes-128-gcm", "tls13-aes-256-gcm"] {
        let case = case(name);
        let late = pieces(&case).split_off(5);
        let found = decrypt(keys(&case), late);
        assert!(found.octets(true).is_empty() && found.octets(false).is_empty(), "{name}");
        assert_eq!(found.facts.why, Some(WhyClosed::HandshakeNotSeen), "{name}");
        assert_eq!(found.facts.decryption(), Decryption::Nothing, "{name}");
    }
}

#[test]
fn a_capture_cut_off_anywhere_gives_what_stood_before() {
    for name in TORN {
        let case = case(name);
        let all = pieces(&case);
        for end in 0..all.len() {
            let found = decrypt(keys(&case), all[..end].to_vec());
            for (client, file) in [(true, "client.txt"), (false, "server.txt")] {
                assert!(read(&case, file).starts_with(&found.octets(client)), "{name}: cut before chunk {end}");
            }
        }
    }
}

#[test]
fn hellos_in_a_wrong_order_are_understood() {
    // A capture of several queues may show the answer before the question.
    for name in ["tls12-ecdhe-aes-128-gcm", "tls13-aes-256-gcm", "tls13-resumption"] {
        let case = case(name);
        let mut chunks = pieces(&case);
        chunks.swap(0, 1);
        let found = decrypt(keys(&case), chunks);
        assert_eq!(found.octets(true), read(&case, "client.txt"), "{name}");
        assert_eq!(found.octets(false), read(&case, "server.txt"), "{name}");
    }
}

#[test]
fn who_said_hello_is_the_client() {
    let case = case("tls13-aes-256-gcm");
    let turned = pieces(&case).into_iter().map(|(client, piece)| (!client, piece));
    let found = decrypt(keys(&case), turned);
    assert!(found.facts.sides_swapped);
    assert_eq!(found.octets(true), read(&case, "client.txt"));
}

#[test]
fn secrets_of_application_data_are_enough() {
    let case = case("tls13-aes-256-gcm");
    let log = String::from_utf8(read(&case, "keys.log")).unwrap();
    let kept: String = log.lines().filter(|line| !line.contains("HANDSHAKE")).map(|line| format!("{line}\n")).collect();
    let found = decrypt(KeyLog::parse(kept.as_bytes()).0, pieces(&case));
    assert_eq!(found.octets(true), read(&case, "client.txt"));
    assert_eq!(found.octets(false), read(&case, "server.txt"));
}

#[test]
fn each_side_ends_once() {
    let case = case("tls13-aes-256-gcm");
    let mut chunks = pieces(&case);
    chunks.extend([(true, Piece::End), (false, Piece::End)]);
    let found = decrypt(keys(&case), chunks.clone());
    let ends = |found: &Decrypted| {
        let ends = found.pieces.iter().filter(|(.., piece)| *piece == Piece::End);
        ends.map(|(client, ..)| *client).collect::<Vec<_>>()
    };
    assert_eq!(ends(&found), [true, false]);
    // Without keys nothing but the ends is handed on.
    let closed = decrypt(KeyLog::default(), chunks);
    assert_eq!((ends(&closed), closed.pieces.len()), (vec![true, false], 2));
}
