//! Octets of a stranger on both sides of a connection: never a crash, never octets that were not sent.
//!
//! The input is a list of pieces: an octet whose lowest bit names the side and whose second bit a gap, the length as two
//! octets, and as many octets unless it is a gap. What stands before the first empty line is the key log.

#![no_main]

use authtrail::decode::packets::tls::{KeyLog, Piece, decrypt};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let split = input.windows(2).position(|two| two == b"\n\n");
    let (log, mut rest) = split.map_or((&[][..], input), |at| (&input[..at], &input[at + 2..]));
    let mut chunks = Vec::new();
    let mut sent = 0;
    while let [how, high, low, after @ ..] = rest {
        let length = u16::from_be_bytes([*high, *low]);
        let client = how & 1 == 1;
        if how & 2 == 2 {
            let size = (how & 4 == 4).then_some(u64::from(length));
            chunks.push((client, Piece::Gap(size)));
            rest = after;
        } else {
            let (octets, after) = after.split_at(usize::from(length).min(after.len()));
            sent += octets.len();
            chunks.push((client, Piece::Octets(Bytes::copy_from_slice(octets))));
            rest = after;
        }
    }
    let (keys, _) = KeyLog::parse(log);
    let found = decrypt(keys, chunks);
    assert!(found.octets(true).len() + found.octets(false).len() <= sent);
    let _ = format!("{:?} {:?} {:?}", found.facts, found.facts.version_name(), found.facts.suite_name());
    if let Some(why) = found.facts.why {
        let _ = why.to_string();
    }
    found.facts.alerts.iter().for_each(|alert| drop(alert.to_string()));
});
