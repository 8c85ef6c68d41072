//! Reads any octets as what a session of a Fiddler archive holds. Seeded with whole archives too.
//!
//! `cargo +nightly fuzz run saz -- -max_len=65536`, seeded with the files of `samples/formats`.

#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| {
    common::read(content.to_vec());
    common::read([&b"PK\x03\x04raw/1_c.txt"[..], content].concat());
});
