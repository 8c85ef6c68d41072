//! Reads any octets as what curl prints, and as a request as text.
//!
//! `cargo +nightly fuzz run transcript -- -max_len=65536`, seeded with the files of `samples/formats`.

#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| {
    common::read([&b"=> Send header, 18 bytes (0x12)\n0000: GET / HTTP/1.1\n0010: \n"[..], content].concat());
    common::read([&b"> GET / HTTP/1.1\n"[..], content].concat());
    common::read([&b"GET / HTTP/1.1\n"[..], content].concat());
});
