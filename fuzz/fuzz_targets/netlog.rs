//! Reads any octets as events of a NetLog.
//!
//! `cargo +nightly fuzz run netlog -- -max_len=65536`, seeded with the files of `samples/formats`.

#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| {
    let constants: &[u8] =
        br#"{"constants":{"logEventTypes":{"URL_REQUEST_START_JOB":1,"HTTP_TRANSACTION_SEND_REQUEST_HEADERS":2,
        "HTTP_TRANSACTION_READ_RESPONSE_HEADERS":3,"URL_REQUEST_JOB_FILTERED_BYTES_READ":4,"SOCKET_BYTES_SENT":5,
        "SOCKET_POOL_BOUND_TO_SOCKET":6,"HTTP_STREAM_REQUEST_BOUND_TO_JOB":7},"logSourceType":{"URL_REQUEST":1,
        "HTTP_STREAM_JOB":2,"SOCKET":3},"logEventPhase":{"PHASE_BEGIN":1},"timeTickOffset":1},"events":["#;
    common::read([constants, content].concat());
});
