//! Reads any octets as records of a WARC.
//!
//! `cargo +nightly fuzz run warc -- -max_len=65536`, seeded with the files of `samples/formats`.

#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| {
    common::read([&b"WARC/1.0\r\n"[..], content].concat());
});
