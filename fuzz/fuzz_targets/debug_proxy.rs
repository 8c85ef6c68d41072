//! Reads any octets as lines of mcp-debug-proxy.
//!
//! `cargo +nightly fuzz run debug_proxy -- -max_len=65536`, seeded with the files of `samples/formats`.

#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| {
    common::read([&br#"{"dir":"request","kind":"request","exchange_id":1}"#[..], b"\n", content].concat());
});
