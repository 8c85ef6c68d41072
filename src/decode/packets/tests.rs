//! Whatever way the same segments come, the same octets are told; what does not come is a gap.

use std::path::Path;

use bytes::Bytes;
use proptest::prelude::*;

use super::file::Frames;
use super::index::Index;
use super::reassembly::Reassembly;
use super::segment::{ACK, End, FIN, RST, SYN, Source};
use super::stream::Content;
use crate::capture::limits::Limits;
use crate::decode::{ReadOptions, read_content};
use crate::evidence::CaptureId;

/// A segment to be put into a recording.
#[derive(Debug, Clone)]
struct Packet {
    by_client: bool,
    sequence: u32,
    acknowledgment: u32,
    flags: u8,
    payload: Vec<u8>,
}

impl Packet {
    fn frame(&self) -> Vec<u8> {
        let ((source, from), (destination, to)) =
            if self.by_client { ((1, 40000u16), (2, 80u16)) } else { ((2, 80), (1, 40000)) };
        let total = u16::try_from(40 + self.payload.len()).unwrap();
        let mut octets = vec![0x45, 0];
        octets.extend(total.to_be_bytes());
        octets.extend([0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, source, 10, 0, 0, destination]);
        octets.extend(from.to_be_bytes());
        octets.extend(to.to_be_bytes());
        octets.extend(self.sequence.to_be_bytes());
        octets.extend(self.acknowledgment.to_be_bytes());
        octets.extend([0x50, self.flags, 0xff, 0xff, 0, 0, 0, 0]);
        octets.extend(&self.payload);
        octets
    }
}

/// A capture file of raw IP.
fn recording(packets: &[Packet]) -> Bytes {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0];
    for (number, packet) in packets.iter().enumerate() {
        let frame = packet.frame();
        let length = u32::try_from(frame.len()).unwrap();
        for field in [u32::try_from(number).unwrap(), 0, length, length] {
            file.extend(field.to_le_bytes());
        }
        file.extend(frame);
    }
    Bytes::from(file)
}

/// What is told of one direction.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
struct Told {
    octets: Vec<u8>,
    /// Where the gaps are, counted in octets that came, and how long they are.
    gaps: Vec<(usize, u64)>,
    ends: Vec<bool>,
}

/// What is told of the first connection, client's direction first. `cut`: into so many batches.
fn told(packets: &[Packet]) -> [Told; 2] {
    let content = recording(packets);
    let limits = Limits::default();
    let mut index = Index::new(Frames::new(&content.clone().into()).unwrap(), &limits);
    let batch = index.batch().unwrap();
    assert!(batch.runs.len() <= 1, "one connection");
    let mut told = [Told::default(), Told::default()];
    let Some(run) = batch.runs.first() else { return told };
    let client = if run.ends[0].port() == 40000 { End::First } else { End::Second };
    let source = Source { recording: &content, rebuilt: &batch.rebuilt };
    let mut reassembly = Reassembly::new(limits.waiting);
    let segments = batch.segments(run);
    reassembly.begin(segments);
    let mut last = 0;
    reassembly.run(segments, true, source, &mut |piece| {
        assert!(piece.frame >= last, "frames go on");
        last = piece.frame;
        let of = &mut told[usize::from(piece.from != client)];
        match piece.content {
            Content::Data(octets) => of.octets.extend(&octets),
            Content::Gap(size) => of.gaps.push((of.octets.len(), size.unwrap_or(0))),
            Content::End { by_reset } => of.ends.push(by_reset),
        }
    });
    told
}

/// A whole connection: opened, both directions filled in turns, closed.
fn conversation(turns: &[(bool, Vec<u8>)], isn: [u32; 2], most: usize) -> Vec<Packet> {
    let packet = |by_client, next: [u32; 2], flags, payload: &[u8]| {
        let (own, other) = if by_client { (0, 1) } else { (1, 0) };
        Packet { by_client, sequence: next[own], acknowledgment: next[other], flags, payload: payload.to_vec() }
    };
    let mut next = isn;
    let mut opening = packet(true, next, SYN, b"");
    opening.acknowledgment = 0;
    let mut packets = vec![opening];
    next[0] = next[0].wrapping_add(1);
    packets.push(packet(false, next, SYN | ACK, b""));
    next[1] = next[1].wrapping_add(1);
    packets.push(packet(true, next, ACK, b""));
    for (by_client, octets) in turns {
        for part in octets.chunks(most) {
            packets.push(packet(*by_client, next, ACK, part));
            let own = usize::from(!by_client);
            next[own] = next[own].wrapping_add(u32::try_from(part.len()).unwrap());
            packets.push(packet(!by_client, next, ACK, b""));
        }
    }
    packets.push(packet(true, next, FIN | ACK, b""));
    next[0] = next[0].wrapping_add(1);
    packets.push(packet(false, next, FIN | ACK, b""));
    next[1] = next[1].wrapping_add(1);
    packets.push(packet(true, next, ACK, b""));
    packets
}

fn sent(turns: &[(bool, Vec<u8>)]) -> [Vec<u8>; 2] {
    [true, false]
        .map(|side| turns.iter().filter(|(by, _)| *by == side).flat_map(|(_, octets)| octets.clone()).collect())
}

fn turns() -> impl Strategy<Value = Vec<(bool, Vec<u8>)>> {
    // Two octets at least: a single one is taken for a probe where it was seen before.
    prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 2..60)), 1..6)
}

fn whole(octets: Vec<u8>) -> Told {
    Told { octets, gaps: Vec::new(), ends: vec![false] }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_order_split_duplication_or_overlap_tells_the_same(
        turns in turns(),
        isn in any::<[u32; 2]>(),
        most in 2usize..20,
        order in prop::collection::vec(any::<u32>(), 200),
        copies in prop::collection::vec((any::<prop::sample::Index>(), 0usize..8, 0usize..8), 0..6),
    ) {
        let mut packets = conversation(&turns, isn, most);
        for (which, before, behind) in copies {
            // A copy that reaches further to both sides, as one that is sent again does.
            let packet = which.get(&packets).clone();
            let [client, server] = sent(&turns);
            let (all, isn) = if packet.by_client { (&client, isn[0]) } else { (&server, isn[1]) };
            let start = packet.sequence.wrapping_sub(isn).wrapping_sub(1) as usize;
            if packet.payload.is_empty() || start > all.len() {
                packets.push(packet);
                continue;
            }
            let from = start.saturating_sub(before);
            let until = (start + packet.payload.len() + behind).min(all.len());
            let sequence = isn.wrapping_add(1).wrapping_add(u32::try_from(from).unwrap());
            packets.push(Packet { sequence, payload: all[from..until].to_vec(), ..packet });
        }
        // The opening comes first: a SYN behind other segments opens another connection, as in Wireshark.
        let opening = packets.remove(0);
        let mut keyed: Vec<_> = order.into_iter().zip(packets).collect();
        prop_assume!(keyed.len() < 200);
        keyed.sort_by_key(|(key, _)| *key);
        let shuffled: Vec<Packet> = std::iter::once(opening).chain(keyed.into_iter().map(|(_, packet)| packet)).collect();
        prop_assert_eq!(told(&shuffled), sent(&turns).map(whole));
    }

    #[test]
    fn loss_gives_gaps_and_never_other_octets(
        turns in turns(),
        isn in any::<[u32; 2]>(),
        most in 2usize..20,
        lost in prop::collection::vec(any::<bool>(), 200),
    ) {
        let packets = conversation(&turns, isn, most);
        let opened = 3;
        let kept: Vec<Packet> = packets
            .iter()
            .enumerate()
            .filter(|(number, packet)| *number < opened || packet.payload.is_empty() || !lost[*number % 200])
            .map(|(_, packet)| packet.clone())
            .collect();
        for (side, (told, sent)) in told(&kept).iter().zip(sent(&turns)).enumerate() {
            let mut expected = whole(Vec::new());
            let mut at = 0;
            for (number, packet) in packets.iter().enumerate() {
                if packet.by_client != (side == 0) || packet.payload.is_empty() {
                    continue;
                }
                let octets = &sent[at..at + packet.payload.len()];
                at += octets.len();
                if number >= opened && lost[number % 200] {
                    match expected.gaps.last_mut() {
                        Some((place, size)) if *place == expected.octets.len() => *size += octets.len() as u64,
                        _ => expected.gaps.push((expected.octets.len(), octets.len() as u64)),
                    }
                } else {
                    expected.octets.extend(octets);
                }
            }
            let mut found = told.clone();
            // Gaps side by side are one: an acknowledgment may announce a part of what is missing before the rest.
            found.gaps = found.gaps.iter().fold(Vec::new(), |mut gaps: Vec<(usize, u64)>, (place, size)| {
                match gaps.last_mut() {
                    Some((last, sum)) if last == place => *sum += size,
                    _ => gaps.push((*place, *size)),
                }
                gaps
            });
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn nothing_panics(octets in prop::collection::vec(any::<u8>(), 0..600), link in 0u32..300) {
        let content = Bytes::from(octets);
        let limits = Limits::default();
        let mut network = super::network::Network::new(&limits);
        network.frame(link, &content, &mut |_| {});
        for magic in [&[0xd4, 0xc3, 0xb2, 0xa1][..], &[0x0a, 0x0d, 0x0d, 0x0a]] {
            let file = [magic, &content].concat().into();
            if let Some(frames) = Frames::new(&file) {
                let mut index = Index::new(frames, &limits);
                while index.batch().is_some() {}
            }
        }
    }
}

fn simple() -> Vec<Packet> {
    conversation(&[(true, b"GET / HTTP/1.1".to_vec()), (false, b"HTTP/1.1 200 OK".to_vec())], [1000, u32::MAX - 5], 100)
}

#[test]
fn a_probe_that_keeps_alive_brings_nothing() {
    let mut packets = simple();
    let probe = Packet { sequence: 1014, payload: vec![0], ..packets[3].clone() };
    packets.insert(5, probe.clone());
    packets.insert(5, Packet { payload: Vec::new(), ..probe });
    assert_eq!(told(&packets), told(&simple()));
}

#[test]
fn a_recording_that_begins_in_the_middle_begins_with_its_first_octet() {
    for skipped in 1..=3 {
        assert_eq!(told(&simple()[skipped..])[1].octets, b"HTTP/1.1 200 OK");
        assert_eq!(told(&simple()[skipped..]).map(|of| of.gaps), [vec![], vec![]]);
    }
}

#[test]
fn a_reset_ends_its_side_and_the_other_at_the_end() {
    let mut packets = simple();
    packets.truncate(5);
    packets.push(Packet { flags: RST, payload: Vec::new(), ..packets[1].clone() });
    assert_eq!(told(&packets).map(|of| of.ends), [vec![true], vec![true]]);
    // One that is followed by more was not the end's own.
    packets.push(simple()[5].clone());
    let [client, server] = told(&packets);
    assert_eq!((client.ends, server.ends, server.octets), (vec![], vec![], b"HTTP/1.1 200 OK".to_vec()));
}

#[test]
fn the_last_fin_may_be_missing() {
    let mut packets = simple();
    packets.remove(8);
    let [client, server] = told(&packets);
    assert_eq!((client.ends, server.ends, server.gaps), (vec![false], vec![], vec![]));
}

/// The numbers that tshark 4.0 gives, for the connections of one pair of ports.
#[test]
fn connections_are_numbered_as_wireshark_does() {
    let client = |sequence, acknowledgment, flags| Packet {
        by_client: true,
        sequence,
        acknowledgment,
        flags,
        payload: Vec::new(),
    };
    let server =
        |sequence, acknowledgment, flags| Packet { by_client: false, ..client(sequence, acknowledgment, flags) };
    let opening = [client(100, 0, SYN), server(500, 101, SYN | ACK), client(101, 501, ACK)];
    let closing = [client(101, 501, FIN | ACK), server(501, 102, FIN | ACK), client(102, 502, ACK)];
    let closed = [&opening[..], &closing].concat();
    let with = |first: &[Packet], rest: &[Packet]| [first, rest].concat();
    for (packets, expected) in [
        (with(&opening, &[client(9000, 0, SYN)]), vec![0, 0, 0, 1]),
        (with(&opening, &[client(50, 0, SYN), client(101, 501, ACK)]), vec![0, 0, 0, 1, 1]),
        (with(&opening, &[client(100, 0, SYN)]), vec![0; 4]),
        (with(&closed, &[client(100, 0, SYN)]), vec![0; 7]),
        (with(&opening, &[client(101, 0, RST), client(100, 0, SYN)]), vec![0; 5]),
        (vec![client(101, 501, ACK), client(9000, 0, SYN)], vec![0, 1]),
        (vec![client(101, 501, ACK), client(100, 0, SYN)], vec![0, 0]),
        (vec![client(101, 501, ACK), server(9000, 0, SYN)], vec![0, 1]),
        (with(&opening, &[server(9000, 0, SYN)]), vec![0, 0, 0, 1]),
        (with(&opening, &[server(7000, 101, SYN | ACK), server(7000, 0, SYN)]), vec![0; 5]),
        (vec![server(500, 101, SYN | ACK), client(100, 0, SYN)], vec![0, 0]),
    ] {
        let content = recording(&packets);
        let limits = Limits::default();
        let mut index = Index::new(Frames::new(&content.clone().into()).unwrap(), &limits);
        let batch = index.batch().unwrap();
        let mut found: Vec<(u32, u32)> = batch
            .runs
            .iter()
            .flat_map(|run| batch.segments(run).iter().map(|segment| (segment.frame, run.id.0)))
            .collect();
        found.sort_unstable();
        assert_eq!(found.into_iter().map(|(_, stream)| stream).collect::<Vec<_>>(), expected, "{packets:?}");
    }
}

/// The requests of a client that sends this, in one segment.
fn requests(octets: Vec<u8>) -> Vec<String> {
    let content = recording(&conversation(&[(true, octets)], [1, 1], 1 << 16));
    let (_, exchanges) = read_content(Path::new("a.pcap"), CaptureId(0), content, &ReadOptions::default());
    exchanges.iter().map(|exchange| exchange.request.url()).collect()
}

#[test]
fn one_header_of_a_load_balancer_is_passed_over() {
    let header: &[u8] = b"PROXY UNKNOWN\r\n";
    let request: &[u8] = b"GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n";
    assert_eq!(requests([header, request].concat()), ["http://a.test/a"]);
    // However many follow, none of them is one.
    requests([&header.repeat(4000), request].concat());
}
