//! Reads any octets as the members of a flow of mitmproxy, and as flows after one that is whole.
//!
//! `cargo +nightly fuzz run mitmproxy -- -max_len=65536`, seeded with the files of `samples/formats`.

#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| {
    common::read([format!("{}:", content.len()).as_bytes(), content, b"}"].concat());
    common::read([&b"29:4:type;4:http;7:version;2:21#}"[..], content].concat());
});
