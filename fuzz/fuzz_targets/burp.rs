//! Reads any octets as what an export of Burp holds.
//!
//! `cargo +nightly fuzz run burp -- -max_len=65536`, seeded with the files of `samples/formats`.

#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| {
    common::read([&b"<items burpVersion=\"1\"><item>"[..], content].concat());
});
