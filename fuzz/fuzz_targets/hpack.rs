//! Header blocks of a stranger, one after the other in one connection: never a crash, never more than the limit.
//!
//! `cargo +nightly fuzz run hpack`. The input is a list of blocks: an octet with the length, and as many octets. The first octet
//! of all says whether the beginning of the connection is missing.

#![no_main]

use authtrail::capture::limits::Limits;
use authtrail::decode::packets::http::{Plaintext, exchanges};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let limits = Limits { headers: 1 << 12, ..Limits::default() };
    let [missing, blocks @ ..] = input else { return };
    let mut octets = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    let mut parts = Vec::new();
    if missing & 1 == 1 {
        parts.push((true, Plaintext::Octets(std::mem::take(&mut octets).into())));
        parts.push((true, Plaintext::Gap(None)));
    }
    let mut rest = blocks;
    let mut stream = 1u32;
    while let [length, after @ ..] = rest {
        let (block, after) = after.split_at(usize::from(*length).min(after.len()));
        octets.extend([0, 0, block.len() as u8, 1, 5]);
        octets.extend(stream.to_be_bytes());
        octets.extend(block);
        stream += 2;
        rest = after;
    }
    parts.push((true, Plaintext::Octets(octets.into())));
    let (exchanges, _) = exchanges(parts, &limits);
    for exchange in exchanges {
        let size: usize = exchange.request.headers.list.iter().map(|header| header.name.len() + 32).sum();
        assert!(size <= limits.headers);
    }
});
