//! Reads any octets as a recording and opens every body: no panic, no endless loop, memory within the limits.
//!
//! `cargo +nightly fuzz run har -- -max_len=65536`, seeded with the files of `samples/formats`.

#![no_main]

use std::path::Path;

use authtrail::capture::limits::Limits;
use authtrail::decode::{ReadOptions, read_content};
use authtrail::evidence::CaptureId;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| {
    let limits = Limits { body: 1 << 20, memory: 1 << 24, ..Limits::default() };
    let options = ReadOptions { limits, ..ReadOptions::default() };
    let content = bytes::Bytes::copy_from_slice(content);
    let (facts, exchanges) = read_content(Path::new("fuzz.har"), CaptureId(0), content, &options);
    assert!(facts.usable || !facts.problems.is_empty());
    for exchange in exchanges {
        let _ = exchange.request.body.text(&limits);
        if let Some(response) = exchange.answer.response() {
            let _ = response.body.text(&limits);
        }
    }
});
