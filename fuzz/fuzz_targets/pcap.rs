//! Reads any octets as a packet capture and opens every body: no panic, no endless loop, memory within the limits.
//!
//! `cargo +nightly fuzz run pcap -- -max_len=65536`, seeded with the files of `samples/formats/packets`.

#![no_main]

use std::path::Path;

use authtrail::capture::limits::Limits;
use authtrail::decode::{ReadOptions, read_content};
use authtrail::evidence::CaptureId;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let limits = Limits { body: 1 << 20, memory: 1 << 24, ..Limits::default() };
    let options = ReadOptions { limits, ..ReadOptions::default() };
    // The first octet chooses the format, so that every input is one of both.
    let [which, rest @ ..] = octets else { return };
    let magic: &[u8] = if which % 2 == 0 { &[0xd4, 0xc3, 0xb2, 0xa1] } else { &[0x0a, 0x0d, 0x0d, 0x0a] };
    for content in [octets.to_vec(), [magic, rest].concat()] {
        let (_, exchanges) = read_content(Path::new("fuzz.pcap"), CaptureId(0), content.into(), &options);
        for exchange in exchanges {
            let _ = exchange.request.body.text(&limits);
            if let Some(response) = exchange.answer.response() {
                let _ = response.body.text(&limits);
            }
        }
    }
});
