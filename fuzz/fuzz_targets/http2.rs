//! Frames of a stranger on both sides of a connection that speaks HTTP/2: never a crash.
//!
//! `cargo +nightly fuzz run http2`. The input is a list of frames: an octet whose lowest bit names the side, then type,
//! flags, stream and length as one octet each, and as many octets.

#![no_main]

use authtrail::capture::limits::Limits;
use authtrail::decode::packets::http::{Plaintext, exchanges};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let limits = Limits { body: 1 << 20, headers: 1 << 16, ..Limits::default() };
    let preface = Bytes::from_static(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    let mut parts = vec![(true, Plaintext::Octets(preface))];
    let mut rest = input;
    while let [how, kind, flags, stream, length, after @ ..] = rest {
        let (payload, after) = after.split_at(usize::from(*length).min(after.len()));
        // Rarely not as long as it says.
        let said = if how & 0xf0 == 0xf0 { how >> 1 } else { payload.len() as u8 };
        let frame = [&[0, 0, said, kind % 11, *flags, 0, 0, 0, *stream], payload].concat();
        parts.push((how & 1 == 1, Plaintext::Octets(frame.into())));
        if how & 0x0e == 0x0e {
            parts.push((how & 1 == 1, Plaintext::Gap(Some(u64::from(*length)))));
        }
        rest = after;
    }
    let (exchanges, _) = exchanges(parts, &limits);
    for exchange in exchanges {
        let _ = exchange.request.body.octets(&limits);
        if let Some(response) = exchange.answer.response() {
            let _ = response.body.timed(&limits);
        }
    }
});
